/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "shim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct arc_buf open_buf(struct test_mem *state, size_t max_bytes)
{
    struct arc_mem mem = test_mem(state);
    struct arc_buf buf;
    arc__buf_init(&buf, &mem, max_bytes);
    return buf;
}

static void what_was_appended_is_followed_by_a_nul(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 1 << 20);
    char expected[1200] = "";
    size_t len = 0;
    for (int i = 0; i < 100; i++) {
        arc__buf_add_cstr(&buf, "ab");
        arc__buf_add_char(&buf, 'c');
        arc__buf_add_slice(&buf, ARC_LIT("defgh"));
        arc__buf_printf(&buf, "%02d", i);
        len += (size_t)snprintf(expected + len, sizeof(expected) - len, "abcdefgh%02d", i);
        CHECK_TEXT(arc__buf_slice(&buf), expected);
        CHECK_INT(buf.ptr[buf.len], 0);
    }
    arc__buf_add(&buf, NULL, 0);
    arc__buf_add_slice(&buf, ARC_NONE);
    arc__buf_add_cstr(&buf, NULL);
    CHECK_TEXT(arc__buf_slice(&buf), expected);
    CHECK_OK(arc__buf_check(&buf, NULL));
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void exactly_the_ceiling_fits_and_no_byte_more(void)
{
    for (size_t max = 0; max < 300; max++) {
        struct test_mem state = {0};
        struct arc_buf buf = open_buf(&state, max);
        for (size_t i = 0; i < max; i++)
            arc__buf_add_char(&buf, 'x');
        CHECK_INT(buf.failed, ARC_OK);
        CHECK_INT(buf.len, max);
        CHECK(buf.capacity <= max + 1);
        arc__buf_add_char(&buf, 'y');
        CHECK_INT(buf.failed, ARC_ELIMIT);
        CHECK_INT(buf.len, max);
        arc__buf_deinit(&buf);
        CHECK_INT(state.live, 0);
    }
}

static void after_a_failure_nothing_is_appended_until_cleared(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 10);
    arc_err err = ARC_ERR_INIT;
    arc__buf_add_cstr(&buf, "12345");
    arc__buf_add_cstr(&buf, "6789012");
    arc__buf_add_cstr(&buf, "6");
    CHECK_TEXT(arc__buf_slice(&buf), "12345");
    CHECK(arc__buf_reserve(&buf, 1) == NULL);
    CHECK(arc__buf_take(&buf, NULL) == NULL);
    CHECK_STATUS(arc__buf_check(&buf, &err), ARC_ELIMIT);
    CHECK_INT(err.status, ARC_ELIMIT);
    CHECK(strstr(err.message, "10") != NULL);
    arc__buf_clear(&buf);
    CHECK_INT(buf.len, 0);
    arc__buf_printf(&buf, "%s", "1234567890");
    CHECK_TEXT(arc__buf_slice(&buf), "1234567890");
    arc__buf_printf(&buf, "%d", 1);
    CHECK_INT(buf.failed, ARC_ELIMIT);
    CHECK_TEXT(arc__buf_slice(&buf), "1234567890");
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void sizes_that_overflow_are_refused(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, SIZE_MAX);
    arc__buf_add_char(&buf, 'a');
    CHECK(arc__buf_reserve(&buf, SIZE_MAX) == NULL);
    CHECK_INT(buf.failed, ARC_ELIMIT);
    CHECK_TEXT(arc__buf_slice(&buf), "a");
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void numbers_are_written_as_the_c_library_writes_them(void)
{
    static const int64_t values[] = {
        0, 1, -1, 9, 10, -10, 99, 42, INT64_MAX, INT64_MIN, INT64_MIN + 1, 1000000007};
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 1000);
    for (size_t i = 0; i < ARC_COUNT_OF(values); i++) {
        char expected[32];
        arc__buf_clear(&buf);
        arc__buf_add_i64(&buf, values[i]);
        snprintf(expected, sizeof(expected), "%" PRId64, values[i]);
        CHECK_TEXT(arc__buf_slice(&buf), expected);
        arc__buf_clear(&buf);
        arc__buf_add_u64(&buf, (uint64_t)values[i]);
        snprintf(expected, sizeof(expected), "%" PRIu64, (uint64_t)values[i]);
        CHECK_TEXT(arc__buf_slice(&buf), expected);
    }
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void reserved_room_counts_only_what_is_committed(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 1000);
    arc__buf_add_cstr(&buf, "head ");
    char *room = arc__buf_reserve(&buf, 500);
    CHECK(room != NULL);
    if (room != NULL)
        memset(room, 'z', 500);
    CHECK_TEXT(arc__buf_slice(&buf), "head ");
    arc__buf_commit(&buf, 3);
    CHECK_TEXT(arc__buf_slice(&buf), "head zzz");
    CHECK_INT(buf.ptr[buf.len], 0);
    CHECK(arc__buf_reserve(&buf, 0) != NULL);
    arc__buf_commit(&buf, 0);
    CHECK(arc__buf_reserve(&buf, 993) == NULL);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void consuming_and_truncating_cut_at_either_end(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 1000);
    arc__buf_consume(&buf, 3); /* of nothing */
    arc__buf_truncate(&buf, 3);
    arc__buf_add_cstr(&buf, "0123456789");
    arc__buf_consume(&buf, 0);
    arc__buf_consume(&buf, 4);
    CHECK_TEXT(arc__buf_slice(&buf), "456789");
    arc__buf_truncate(&buf, 100);
    arc__buf_truncate(&buf, 2);
    CHECK_TEXT(arc__buf_slice(&buf), "45");
    CHECK_INT(buf.ptr[2], 0);
    arc__buf_consume(&buf, 100);
    CHECK_INT(buf.len, 0);
    CHECK_INT(buf.ptr[0], 0);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void taken_memory_is_the_callers(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct arc_buf buf = open_buf(&state, 100);
    size_t len = 99;
    char *taken = arc__buf_take(&buf, &len);
    CHECK(taken != NULL && taken[0] == '\0');
    CHECK_INT(len, 0);
    arc__free(&mem, taken);
    arc__buf_add_cstr(&buf, "kept");
    taken = arc__buf_take(&buf, &len);
    CHECK(taken != NULL && strcmp(taken, "kept") == 0);
    CHECK_INT(len, 4);
    CHECK_INT(buf.len, 0);
    arc__buf_add_cstr(&buf, "new");
    CHECK_TEXT(arc__buf_slice(&buf), "new");
    arc__free(&mem, taken);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void a_zeroed_buffer_may_be_released(void)
{
    struct arc_buf buf = {0};
    arc__buf_deinit(&buf);
    CHECK(buf.ptr == NULL);
    arc__buf_add_char(&buf, 'x');
    CHECK_INT(buf.failed, ARC_ELIMIT);
}

static void a_refused_allocation_leaves_a_true_prefix(void)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        arc_status status = ARC_ENOMEM;
        for (uint64_t n = 1; status != ARC_OK; n++) {
            struct test_mem state = {.fail_at = n, .sticky = sticky};
            struct arc_mem mem = test_mem(&state);
            struct arc_buf buf = open_buf(&state, 100000);
            arc_err err = ARC_ERR_INIT;
            for (int i = 0; i < 50; i++)
                arc__buf_printf(&buf, "%050d", 7);
            status = arc__buf_check(&buf, &err);
            CHECK_INT(status, state.calls >= n ? ARC_ENOMEM : ARC_OK);
            CHECK_INT(err.status, status);
            CHECK_INT(buf.len % 50, 0);
            size_t len = SIZE_MAX;
            char *taken = arc__buf_take(&buf, &len);
            CHECK((taken != NULL) == (status == ARC_OK));
            CHECK_INT(len, status == ARC_OK ? 2500 : SIZE_MAX);
            arc__free(&mem, taken);
            arc__buf_deinit(&buf);
            CHECK_INT(state.live, 0);
        }
    }
}

static const struct test tests[] = {
    {"what was appended is followed by a NUL", what_was_appended_is_followed_by_a_nul},
    {"exactly the ceiling fits and no byte more", exactly_the_ceiling_fits_and_no_byte_more},
    {"after a failure nothing is appended until cleared",
     after_a_failure_nothing_is_appended_until_cleared},
    {"buffer sizes that overflow are refused", sizes_that_overflow_are_refused},
    {"numbers are written as the C library writes them",
     numbers_are_written_as_the_c_library_writes_them},
    {"reserved room counts only what is committed", reserved_room_counts_only_what_is_committed},
    {"consuming and truncating cut at either end", consuming_and_truncating_cut_at_either_end},
    {"taken memory is the caller's", taken_memory_is_the_callers},
    {"a zeroed buffer may be released", a_zeroed_buffer_may_be_released},
    {"a refused allocation leaves a true prefix", a_refused_allocation_leaves_a_true_prefix},
};
TEST_MAIN(tests)
