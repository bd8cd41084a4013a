/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lines.h"

#include <string.h>

#include "common/mem.h"
#include "shim.h"

/* What came out: lines with | behind whole ones and > behind parts. */
static void note(void *user, const char *bytes, size_t len, int split)
{
    struct text *seen = user;
    text_add(seen, bytes, len);
    text_put(seen, split ? ">" : "|");
}

static void lines_come_out_whole_however_they_come_in(void)
{
    static const char bytes[] = "one\n\ntwo\r\nthree";
    for (size_t piece = 1; piece <= sizeof(bytes); piece++) {
        struct lines lines = {{NULL, 0, 0}};
        struct text seen = {NULL, 0, 0};
        for (size_t at = 0; at < strlen(bytes); at += piece) {
            size_t left = strlen(bytes) - at;
            lines_feed(&lines, bytes + at, left < piece ? left : piece, note, &seen);
        }
        lines_end(&lines, note, &seen);
        CHECK_TEXT(arc__slice_cstr(text_get(&seen)), "one||two\r|three|");
        text_deinit(&seen);
    }
}

static void nothing_comes_of_nothing(void)
{
    struct lines lines = {{NULL, 0, 0}};
    struct text seen = {NULL, 0, 0};
    lines_feed(&lines, "", 0, note, &seen);
    lines_end(&lines, note, &seen);
    CHECK_TEXT(arc__slice_cstr(text_get(&seen)), "");
    lines_feed(&lines, "a\n", 2, note, &seen);
    lines_end(&lines, note, &seen);
    CHECK_TEXT(arc__slice_cstr(text_get(&seen)), "a|");
    text_deinit(&seen);
}

struct lengths {
    size_t at[8], count;
    int split[8];
};

static void measure(void *user, const char *bytes, size_t len, int split)
{
    struct lengths *lengths = user;
    (void)bytes;
    if (lengths->count < 8) {
        lengths->at[lengths->count] = len;
        lengths->split[lengths->count] = split;
    }
    lengths->count++;
}

static void a_line_beyond_the_limit_is_split(void)
{
    const size_t len = 2 * LINE_MAX_BYTES + 10;
    char *bytes = mem_new(len + 1);
    memset(bytes, 'x', len);
    bytes[len] = '\n';
    for (size_t piece = 1000; piece <= len + 1; piece += 65000) {
        struct lines lines = {{NULL, 0, 0}};
        struct lengths seen = {{0}, 0, {0}};
        for (size_t at = 0; at <= len; at += piece)
            lines_feed(&lines, bytes + at, len + 1 - at < piece ? len + 1 - at : piece, measure,
                       &seen);
        CHECK_INT(seen.count, 3);
        CHECK_INT(seen.at[0], LINE_MAX_BYTES);
        CHECK_INT(seen.split[0], 1);
        CHECK_INT(seen.at[1], LINE_MAX_BYTES);
        CHECK_INT(seen.at[2], 10);
        CHECK_INT(seen.split[2], 0);
        lines_end(&lines, measure, &seen);
    }
    mem_free(bytes);
}

static void a_line_of_the_limit_is_not_split(void)
{
    char *bytes = mem_new(LINE_MAX_BYTES + 1);
    struct lines lines = {{NULL, 0, 0}};
    struct lengths seen = {{0}, 0, {0}};
    memset(bytes, 'x', LINE_MAX_BYTES);
    lines_feed(&lines, bytes, LINE_MAX_BYTES, measure, &seen);
    CHECK_INT(seen.count, 0);
    lines_feed(&lines, "\n", 1, measure, &seen);
    CHECK_INT(seen.count, 1);
    CHECK_INT(seen.at[0], LINE_MAX_BYTES);
    CHECK_INT(seen.split[0], 0);
    lines_end(&lines, measure, &seen);
    mem_free(bytes);
}

static void a_split_is_not_inside_a_character(void)
{
    char *bytes = mem_new(LINE_MAX_BYTES + 4);
    struct lines lines = {{NULL, 0, 0}};
    struct lengths seen = {{0}, 0, {0}};
    memset(bytes, 'x', LINE_MAX_BYTES - 2);
    memcpy(bytes + LINE_MAX_BYTES - 2, "\xE2\x82\xAC\n", 4); /* one of three bytes */
    lines_feed(&lines, bytes, LINE_MAX_BYTES + 2, measure, &seen);
    CHECK_INT(seen.at[0], LINE_MAX_BYTES - 2);
    CHECK_INT(seen.at[1], 3);
    lines_end(&lines, measure, &seen);
    mem_free(bytes);
}

static const struct test tests[] = {
    {"lines come out whole however they come in", lines_come_out_whole_however_they_come_in},
    {"nothing comes of nothing, and a splitter can be used again", nothing_comes_of_nothing},
    {"a line beyond the limit is split", a_line_beyond_the_limit_is_split},
    {"a line of just the limit is not split", a_line_of_the_limit_is_not_split},
    {"a split is not inside a character", a_split_is_not_inside_a_character},
};
TEST_MAIN(tests)
