/* SPDX-License-Identifier: Apache-2.0 */
#include "common/diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

static struct text text_of(const char *cstr)
{
    struct text text = {NULL, 0, 0};
    text_put(&text, cstr);
    return text;
}

static void check_diff(const char *before, const char *after, const char *want)
{
    struct text a = text_of(before), b = text_of(after), out = {NULL, 0, 0};
    diff_unified(&a, &b, "a", "b", &out);
    CHECK_TEXT(arc__slice_cstr(text_get(&out)), want);
    text_deinit(&a);
    text_deinit(&b);
    text_deinit(&out);
}

#define HEAD "--- a\n+++ b\n"

static void changes_stand_among_three_lines(void)
{
    check_diff("1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nx\n6\n7\n8\n",
               HEAD "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
    check_diff("a\n", "a\nb\n", HEAD "@@ -1 +1,2 @@\n a\n+b\n");
    check_diff("a\nb\n", "b\n", HEAD "@@ -1,2 +1 @@\n-a\n b\n");
    check_diff("", "a\n", HEAD "@@ -0,0 +1 @@\n+a\n");
    check_diff("a\n", "", HEAD "@@ -1 +0,0 @@\n-a\n");
}

static void near_changes_share_a_hunk_and_far_ones_do_not(void)
{
    check_diff("a\n1\n2\n3\n4\n5\n6\nb\n", "x\n1\n2\n3\n4\n5\n6\ny\n",
               HEAD "@@ -1,8 +1,8 @@\n-a\n+x\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+y\n");
    check_diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
               HEAD "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n");
}

static void a_missing_end_of_line_is_told(void)
{
    check_diff("a", "a\n", HEAD "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
    check_diff("b\na", "c\na", HEAD "@@ -1,2 +1,2 @@\n-b\n+c\n a\n\\ No newline at end of file\n");
}

static void equal_texts_have_no_diff(void)
{
    check_diff("", "", "");
    check_diff("a\nb", "a\nb", "");
}

/* --- what a patch does -------------------------------------------------------------------------
 */

/* Does what the diff says to `before`; 0: it does not fit. */
static int apply(const struct text *before, const char *diff, struct text *out)
{
    const char *at = text_get(before), *end = at + before->len;
    long line = 1;
    diff = strchr(strchr(diff, '\n') + 1, '\n') + 1;
    while (*diff != '\0') {
        char *rest;
        long first = strtol(diff + 4, &rest, 10),
             count = *rest == ',' ? strtol(rest + 1, &rest, 10) : 1;
        if (strncmp(diff, "@@ -", 4) != 0)
            return 0;
        for (first += count == 0; line < first; line++) {
            const char *next = memchr(at, '\n', (size_t)(end - at));
            if (next == NULL)
                return 0;
            text_add(out, at, (size_t)(next + 1 - at));
            at = next + 1;
        }
        for (diff = strchr(diff, '\n') + 1; *diff != '@' && *diff != '\0';) {
            const char *stop = strchr(diff, '\n');
            int open = stop[1] == '\\';
            size_t len = (size_t)(stop - diff) - (open ? 1 : 0);
            if (*diff != '+' && ((size_t)(end - at) < len || memcmp(at, diff + 1, len) != 0))
                return 0;
            if (*diff != '-')
                text_add(out, diff + 1, len);
            at += *diff != '+' ? len : 0;
            line += *diff != '+';
            diff = open ? strchr(stop + 1, '\n') + 1 : stop + 1;
        }
    }
    text_add(out, at, (size_t)(end - at));
    return 1;
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Lines of a few letters, so that many are equal. */
static struct text random_text(uint64_t *state, uint64_t lines)
{
    struct text text = {NULL, 0, 0};
    for (uint64_t i = next_random(state) % (lines + 1); i > 0; i--)
        text_printf(&text, "%c\n", (int)('a' + next_random(state) % 4));
    if (next_random(state) % 4 == 0)
        text_put(&text, "end");
    return text;
}

static void check_applied(const struct text *a, const struct text *b)
{
    struct text diff = {NULL, 0, 0}, made = {NULL, 0, 0};
    diff_unified(a, b, "a", "b", &diff);
    if (diff.len == 0)
        text_add(&made, text_get(a), a->len);
    else
        CHECK_INT(apply(a, text_get(&diff), &made), 1);
    CHECK_TEXT(arc__slice(text_get(&made), made.len), text_get(b));
    text_deinit(&made);
    text_deinit(&diff);
}

static void a_patch_makes_the_one_of_the_other(void)
{
    uint64_t state = 11;
    for (int round = 0; round < 2000; round++) {
        struct text a = random_text(&state, 30), b = random_text(&state, 30);
        check_applied(&a, &b);
        text_deinit(&a);
        text_deinit(&b);
    }
}

static void too_many_changes_are_one(void)
{
    struct text a = text_of("first\n"), b = text_of("first\n");
    for (int i = 0; i < DIFF_EDITS_MAX; i++) {
        text_printf(&a, "a%d\nsame\n", i);
        text_printf(&b, "b%d\nsame\n", i);
    }
    check_applied(&a, &b);
    text_deinit(&a);
    text_deinit(&b);
}

static const struct test tests[] = {
    {"changes stand among three lines", changes_stand_among_three_lines},
    {"near changes share a hunk, and far ones do not",
     near_changes_share_a_hunk_and_far_ones_do_not},
    {"a missing end of line is told", a_missing_end_of_line_is_told},
    {"equal texts have no diff", equal_texts_have_no_diff},
    {"a patch makes the one of the other", a_patch_makes_the_one_of_the_other},
    {"too many changes are one", too_many_changes_are_one},
};
TEST_MAIN(tests)
