/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include "shim.h"

#include <string.h>

#include "base/err.h"

static void what_is_allocated_is_zero_and_writable(void)
{
    struct arc_mem mem = arc__mem_default();
    static const size_t sizes[] = {0, 1, 7, 64, 100000};
    for (size_t i = 0; i < ARC_COUNT_OF(sizes); i++) {
        unsigned char *ptr = arc__alloc(&mem, sizes[i]);
        CHECK(ptr != NULL);
        if (ptr == NULL)
            continue;
        size_t dirty = ptr[0] != 0;
        for (size_t j = 0; j < sizes[i]; j++)
            dirty += ptr[j] != 0;
        CHECK_INT(dirty, 0);
        memset(ptr, 0xAA, sizes[i]);
        arc__free(&mem, ptr);
    }
    arc__free(&mem, NULL);
}

static void growing_a_block_keeps_its_bytes(void)
{
    struct arc_mem mem = arc__mem_default();
    char *ptr = arc__strdup(&mem, ARC_LIT("kept"));
    ptr = arc__realloc(&mem, ptr, 5000);
    CHECK(ptr != NULL && memcmp(ptr, "kept", 5) == 0);
    ptr = arc__realloc(&mem, ptr, 0); /* counts as 1, never frees */
    CHECK(ptr != NULL && ptr[0] == 'k');
    arc__free(&mem, ptr);
}

static void sizes_beyond_reason_are_refused_without_asking(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    CHECK(arc__alloc(&mem, SIZE_MAX) == NULL);
    CHECK(arc__realloc(&mem, NULL, (size_t)PTRDIFF_MAX + 1) == NULL);
    CHECK(arc__alloc_array(&mem, SIZE_MAX / 4, 5) == NULL);
    CHECK(arc__alloc_array(&mem, SIZE_MAX, SIZE_MAX) == NULL);
    CHECK(arc__strdup(&mem, (arc_slice){"x", SIZE_MAX}) == NULL);
    CHECK_INT(state.calls, 0);
}

static void *count_only(void *user, void *ptr, size_t size)
{
    (void)ptr;
    (void)size;
    ++*(int *)user;
    return NULL;
}

static void the_hosts_allocator_is_used_where_it_is_given(void)
{
    int calls = 0;
    arc_env env = ARC_ENV_INIT;
    struct arc_mem mem = arc__mem_from_env(NULL);
    CHECK(mem.alloc == arc__mem_default().alloc);
    mem = arc__mem_from_env(&env);
    CHECK(mem.alloc == arc__mem_default().alloc);
    env.user = &calls;
    env.alloc = count_only;
    mem = arc__mem_from_env(&env);
    CHECK(arc__alloc(&mem, 8) == NULL);
    CHECK_INT(calls, 1);
    arc__free(&mem, NULL);
    CHECK_INT(calls, 1);
    env.size = offsetof(arc_env, alloc); /* an older caller that did not have it */
    CHECK(arc__mem_from_env(&env).alloc == arc__mem_default().alloc);
}

static void a_copy_of_text_ends_with_nul(void)
{
    struct arc_mem mem = arc__mem_default();
    char *copy = arc__strdup(&mem, arc__slice("a\0b!", 3));
    CHECK(copy != NULL && memcmp(copy, "a\0b", 4) == 0);
    arc__free(&mem, copy);
    copy = arc__strdup(&mem, ARC_NONE);
    CHECK(copy != NULL && copy[0] == '\0');
    arc__free(&mem, copy);
}

static void a_list_grows_to_its_limit_and_says_so(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    uint32_t *numbers = NULL;
    size_t capacity = 0, count = 0;
    arc_err err = ARC_ERR_INIT;
    for (;;) {
        void *items = numbers;
        arc_status status = arc__grow(&mem, &items, &capacity, count, sizeof(*numbers), 1000, &err);
        numbers = items;
        if (status != ARC_OK)
            break;
        CHECK(capacity > count && capacity <= 1000);
        CHECK_INT(numbers[count], 0);
        numbers[count] = (uint32_t)count + 1;
        count++;
    }
    CHECK_INT(count, 1000);
    CHECK_INT(err.status, ARC_ELIMIT);
    CHECK(strstr(err.message, "1000") != NULL);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(numbers[i], i + 1);
    CHECK(state.calls < 12);
    arc__free(&mem, numbers);
    CHECK_INT(state.live, 0);
}

static void growing_fails_cleanly(void)
{
    struct test_mem state = {.fail_at = 2};
    struct arc_mem mem = test_mem(&state);
    void *items = NULL;
    size_t capacity = 0;
    arc_err err = ARC_ERR_INIT;
    CHECK_OK(arc__grow(&mem, &items, &capacity, 0, 8, SIZE_MAX, &err));
    const void *before = items;
    size_t had = capacity;
    CHECK_STATUS(arc__grow(&mem, &items, &capacity, had, 8, SIZE_MAX, &err), ARC_ENOMEM);
    CHECK(items == before && capacity == had);
    CHECK_STATUS(arc__grow(&mem, &items, &capacity, had, SIZE_MAX / 2, SIZE_MAX, &err), ARC_ENOMEM);
    size_t huge = SIZE_MAX / 2 + 1;
    CHECK_STATUS(arc__grow(&mem, &items, &huge, huge, 1, SIZE_MAX, &err), ARC_ENOMEM);
    CHECK(items == before);
    CHECK_STATUS(arc__grow(&mem, &items, &capacity, 0, 8, 0, &err), ARC_ELIMIT);
    arc__free(&mem, items);
    CHECK_INT(state.live, 0);
}

static void wiped_bytes_are_gone(void)
{
    char secret[] = "art_secret_token";
    arc__wipe(secret, 4);
    CHECK(memcmp(secret, "\0\0\0\0secret_token", sizeof(secret)) == 0);
    arc__wipe(secret, sizeof(secret));
    for (size_t i = 0; i < sizeof(secret); i++)
        CHECK_INT(secret[i], 0);
    arc__wipe(NULL, 0);
}

static void secrets_are_compared_in_every_byte(void)
{
    unsigned char a[32], b[32];
    memset(a, 0x5A, sizeof(a));
    memcpy(b, a, sizeof(b));
    CHECK_INT(arc__equal_secret(a, b, sizeof(a)), 1);
    CHECK_INT(arc__equal_secret(a, b, 0), 1);
    for (size_t i = 0; i < sizeof(a); i++) {
        for (int bit = 0; bit < 8; bit++) {
            b[i] = (unsigned char)(b[i] ^ 1U << bit);
            CHECK_INT(arc__equal_secret(a, b, sizeof(a)), 0);
            CHECK_INT(arc__equal_secret(a, b, i), 1);
            b[i] = a[i];
        }
    }
}

static const struct test tests[] = {
    {"what is allocated is zero and writable", what_is_allocated_is_zero_and_writable},
    {"growing a block keeps its bytes", growing_a_block_keeps_its_bytes},
    {"sizes beyond reason are refused without asking",
     sizes_beyond_reason_are_refused_without_asking},
    {"the host's allocator is used where it is given",
     the_hosts_allocator_is_used_where_it_is_given},
    {"a copy of text ends with NUL", a_copy_of_text_ends_with_nul},
    {"a list grows to its limit and says so", a_list_grows_to_its_limit_and_says_so},
    {"growing a list fails cleanly", growing_fails_cleanly},
    {"wiped bytes are gone", wiped_bytes_are_gone},
    {"secrets are compared in every byte", secrets_are_compared_in_every_byte},
};
TEST_MAIN(tests)
