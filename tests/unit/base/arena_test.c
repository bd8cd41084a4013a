/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "shim.h"

#include <string.h>

static struct arc_arena open_arena(struct test_mem *state, size_t max_bytes)
{
    struct arc_mem mem = test_mem(state);
    struct arc_arena arena;
    arc__arena_init(&arena, &mem, max_bytes);
    return arena;
}

static int is_zero(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0)
            return 0;
    }
    return 1;
}

static void pieces_are_zeroed_aligned_and_apart(void)
{
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 1 << 24);
    for (int round = 0; round < 3; round++) { /* the later ones on memory that was dirtied */
        unsigned char *pieces[600];
        for (size_t i = 0; i < 600; i++) {
            size_t size = i * i % 5000;
            pieces[i] = arc__arena_alloc(&arena, size);
            CHECK(pieces[i] != NULL);
            if (pieces[i] == NULL)
                break;
            CHECK_INT((uintptr_t)pieces[i] % 16, 0);
            CHECK(is_zero((const char *)pieces[i], size));
            memset(pieces[i], (int)(i % 251) + 1, size);
        }
        for (size_t i = 0; i < 600; i++) {
            size_t size = i * i % 5000, wrong = 0;
            for (size_t j = 0; j < size; j++)
                wrong += pieces[i][j] != i % 251 + 1;
            CHECK_INT(wrong, 0);
        }
        CHECK_INT(arena.failed, 0);
        arc__arena_reset(&arena);
        CHECK_INT(arena.used_bytes, 0);
        CHECK(state.live <= 1);
    }
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void the_ceiling_holds_and_is_reported_until_the_reset(void)
{
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 4096);
    CHECK(arc__arena_alloc(&arena, 4096) != NULL);
    CHECK_INT(arena.failed, 0);
    CHECK(arc__arena_alloc(&arena, 1) == NULL);
    CHECK_INT(arena.failed, 1);
    CHECK_INT(arena.used_bytes, 4096);
    arc__arena_reset(&arena);
    CHECK_INT(arena.failed, 0);
    for (int i = 0; i < 256; i++)
        CHECK(arc__arena_alloc(&arena, 3) != NULL); /* 16 bytes each */
    CHECK(arc__arena_alloc(&arena, 3) == NULL);
    arc__arena_reset(&arena);
    CHECK(arc__arena_alloc(&arena, 4097) == NULL);
    CHECK(arc__arena_alloc(&arena, SIZE_MAX) == NULL);
    CHECK(arc__arena_alloc(&arena, SIZE_MAX - 14) == NULL);
    CHECK_INT(arena.used_bytes, 0);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void nothing_is_taken_before_the_first_piece(void)
{
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 0);
    CHECK_INT(state.calls, 0);
    CHECK(arc__arena_alloc(&arena, 0) == NULL);
    CHECK_INT(state.calls, 0);
    arc__arena_reset(&arena);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void a_piece_of_no_bytes_is_a_piece(void)
{
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 64);
    const char *a = arc__arena_alloc(&arena, 0), *b = arc__arena_alloc(&arena, 0);
    CHECK(a != NULL && b != NULL && a != b);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void arrays_whose_size_overflows_are_refused(void)
{
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, SIZE_MAX);
    CHECK(arc__arena_array(&arena, SIZE_MAX / 2, 3) == NULL);
    CHECK_INT(arena.failed, 1);
    CHECK(arc__arena_array(&arena, SIZE_MAX, SIZE_MAX) == NULL);
    CHECK_INT(state.calls, 0);
    CHECK(arc__arena_array(&arena, 10, 10) != NULL);
    CHECK_INT(arena.used_bytes, 112);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void copies_end_with_nul_and_hold_any_bytes(void)
{
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 1 << 20);
    const char bytes[] = {'a', 0, '\xFF', 'b'};
    const char *text = arc__arena_strdup(&arena, arc__slice(bytes, sizeof(bytes)));
    CHECK(text != NULL && memcmp(text, bytes, sizeof(bytes)) == 0 && text[sizeof(bytes)] == '\0');
    text = arc__arena_strdup(&arena, ARC_NONE);
    CHECK(text != NULL && text[0] == '\0');
    arc_slice copy = arc__arena_copy(&arena, ARC_LIT("pipeline"));
    CHECK_TEXT(copy, "pipeline");
    CHECK(copy.ptr != NULL && copy.ptr[copy.len] == '\0');
    copy = arc__arena_copy(&arena, ARC_NONE);
    CHECK(copy.ptr == NULL && copy.len == 0);
    CHECK(arc__arena_strdup(&arena, (arc_slice){bytes, SIZE_MAX}) == NULL);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void formatted_text_may_be_of_any_length(void)
{
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 1 << 20);
    CHECK_TEXT(arc__arena_printf(&arena, "%s-%d", "run", 7), "run-7");
    arc_slice wide = arc__arena_printf(&arena, "%*d", 100000, 5);
    CHECK_INT(wide.len, 100000);
    CHECK(wide.ptr != NULL && wide.ptr[0] == ' ' && wide.ptr[99999] == '5');
    CHECK_INT(arena.failed, 0);
    CHECK(arc__arena_printf(&arena, "%*d", 2000000, 5).ptr == NULL);
    CHECK_INT(arena.failed, 1);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void memory_taken_stays_near_what_was_handed_out(void)
{
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 1 << 24);
    (void)arc__arena_alloc(&arena, 16);
    (void)arc__arena_alloc(&arena, 16);
    if (state.calls == 2) {
        test_skip("a sanitized arena takes one allocation a piece");
    } else {
        for (int i = 0; i < 10000; i++)
            (void)arc__arena_alloc(&arena, 16);
        CHECK(state.live < 12);
        CHECK_INT(arena.used_bytes, 160032);
    }
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void a_refused_allocation_leaves_the_arena_usable(void)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        int failed = 1;
        for (uint64_t n = 1; failed; n++) {
            struct test_mem state = {.fail_at = n, .sticky = sticky};
            struct arc_arena arena = open_arena(&state, 1 << 20);
            (void)arc__arena_alloc(&arena, 100);
            (void)arc__arena_strdup(&arena, ARC_LIT("text"));
            (void)arc__arena_alloc(&arena, 100000);
            (void)arc__arena_printf(&arena, "%d", 42);
            (void)arc__arena_array(&arena, 50, 50);
            failed = arena.failed;
            CHECK_INT(failed, state.calls >= n);
            state.fail_at = 0;
            arc__arena_reset(&arena);
            CHECK(arc__arena_alloc(&arena, 2000) != NULL);
            CHECK_INT(arena.failed, 0);
            arc__arena_deinit(&arena);
            CHECK_INT(state.live, 0);
        }
    }
}

/* Under a sanitizer each piece is a block of its own, whatever is expected. */
static void what_is_expected_is_taken_at_once(void)
{
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 1 << 20);
    arc__arena_expect(&arena, 350000);
    CHECK(state.calls <= 1);
    CHECK_INT(arena.used_bytes, 0);
    int at_once = state.calls == 1;
    for (int i = 0; i < 1000; i++)
        CHECK(arc__arena_alloc(&arena, 300) != NULL);
    if (at_once)
        CHECK_INT(state.calls, 1);
    arc__arena_expect(&arena, SIZE_MAX); /* no more than the ceiling */
    CHECK_INT(arena.failed, 0);
    CHECK(arc__arena_alloc(&arena, 1 << 20) == NULL);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void an_expectation_that_is_refused_fails_nothing(void)
{
    struct test_mem state = {.fail_at = 1};
    struct arc_arena arena = open_arena(&state, 1 << 20);
    arc__arena_expect(&arena, 350000);
    state.fail_at = 0;
    CHECK_INT(arena.failed, 0);
    CHECK(arc__arena_alloc(&arena, 300) != NULL);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

/* Twice as much as there is room for, then again after a reset; the room is the caller's
 * throughout.
 */
static void room_that_is_lent_is_used_and_not_freed(void)
{
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 1 << 20);
    union {
        max_align_t align;
        unsigned char bytes[512];
    } room;
    arc__arena_lend(&arena, &room, sizeof(room));
    for (int round = 0; round < 2; round++) {
        unsigned char *pieces[32];
        for (size_t i = 0; i < 32; i++) {
            pieces[i] = arc__arena_alloc(&arena, 32);
            CHECK(pieces[i] != NULL && (uintptr_t)pieces[i] % 16 == 0);
            if (pieces[i] != NULL)
                memset(pieces[i], (int)i + 1, 32);
        }
        for (size_t i = 0; i < 32; i++)
            CHECK(pieces[i] != NULL && pieces[i][0] == i + 1 && pieces[i][31] == i + 1);
        CHECK_INT(arena.used_bytes, 32 * 32);
        arc__arena_reset(&arena);
    }
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static const struct test tests[] = {
    {"room that is lent is used and not freed", room_that_is_lent_is_used_and_not_freed},
    {"pieces are zeroed, aligned and apart", pieces_are_zeroed_aligned_and_apart},
    {"the ceiling holds and is reported until the reset",
     the_ceiling_holds_and_is_reported_until_the_reset},
    {"an arena takes nothing before the first piece", nothing_is_taken_before_the_first_piece},
    {"a piece of no bytes is a piece", a_piece_of_no_bytes_is_a_piece},
    {"arrays whose size overflows are refused", arrays_whose_size_overflows_are_refused},
    {"arena copies end with NUL and hold any bytes", copies_end_with_nul_and_hold_any_bytes},
    {"formatted text may be of any length below the ceiling", formatted_text_may_be_of_any_length},
    {"memory taken stays near what was handed out", memory_taken_stays_near_what_was_handed_out},
    {"a refused allocation leaves the arena usable", a_refused_allocation_leaves_the_arena_usable},
    {"what is expected is taken at once", what_is_expected_is_taken_at_once},
    {"an expectation that is refused fails nothing", an_expectation_that_is_refused_fails_nothing},
};
TEST_MAIN(tests)
