/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/tree.h"

#define CHAR_STEP 64

static int is_start(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* Where the line that holds `at` ends, and the next one starts; 0: at is in the last line. */
static size_t next_line(arc_slice text, size_t at)
{
    for (; at < text.len; at++) {
        if (text.ptr[at] == '\n')
            return at + 1;
        if (text.ptr[at] == '\r')
            return at + 1 < text.len && text.ptr[at + 1] == '\n' ? at + 2 : at + 1;
    }
    return 0;
}

static int fill_lines(struct arc_places *places, struct arc_arena *arena)
{
    uint32_t count = 1;
    for (size_t at = next_line(places->text, 0); at != 0; at = next_line(places->text, at))
        count++;
    uint32_t *lines = arc__arena_array(arena, count, sizeof(*lines));
    if (lines == NULL)
        return 0;
    uint32_t line = 0;
    lines[line++] = places->start;
    for (size_t at = next_line(places->text, 0); at != 0; at = next_line(places->text, at))
        lines[line++] = (uint32_t)at;
    places->lines = lines;
    places->line_count = count;
    return 1;
}

static int fill_chars(struct arc_places *places, struct arc_arena *arena)
{
    uint32_t count = 0;
    int ascii = 1;
    for (size_t i = places->start; i < places->text.len; i++) {
        count += (uint32_t)is_start(places->text.ptr[i]);
        ascii &= (unsigned char)places->text.ptr[i] < 0x80;
    }
    places->ascii = ascii;
    places->char_count = count;
    if (ascii)
        return 1;
    uint32_t *chars = arc__arena_array(arena, count / CHAR_STEP + 1, sizeof(*chars));
    if (chars == NULL)
        return 0;
    uint32_t seen = 0;
    chars[0] = places->start;
    for (size_t i = places->start; i < places->text.len; i++) {
        if (!is_start(places->text.ptr[i]))
            continue;
        if (seen % CHAR_STEP == 0)
            chars[seen / CHAR_STEP] = (uint32_t)i;
        seen++;
    }
    places->chars = chars;
    return 1;
}

int arc__places_init(struct arc_places *places, arc_slice text, struct arc_arena *arena)
{
    *places = (struct arc_places){.text = text};
    if (arc__slice_starts(text, ARC_LIT("\xef\xbb\xbf")))
        places->start = 3;
    if (!fill_lines(places, arena) || !fill_chars(places, arena))
        return 0;
    places->memo_offset = places->start;
    places->memo_line = 1;
    places->memo_column = 1;
    return 1;
}

size_t arc__places_offset(const struct arc_places *places, size_t char_index)
{
    if (char_index >= places->char_count)
        return places->text.len;
    if (places->ascii)
        return places->start + char_index;
    size_t at = places->chars[char_index / CHAR_STEP];
    for (size_t left = char_index % CHAR_STEP; left > 0; left--) {
        at++;
        while (at < places->text.len && !is_start(places->text.ptr[at]))
            at++;
    }
    return at;
}

/* The line that holds offset, from 1. */
static uint32_t find_line(const struct arc_places *places, uint32_t offset)
{
    uint32_t low = 0, high = places->line_count; /* lines[low] <= offset < lines[high] */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (places->lines[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low + 1;
}

static void find(struct arc_places *places, size_t wanted, uint32_t *line, uint32_t *column)
{
    uint32_t offset = (uint32_t)(wanted < places->text.len ? wanted : places->text.len);
    if (offset < places->start)
        offset = places->start;
    *line = find_line(places, offset);
    uint32_t from = places->lines[*line - 1];
    *column = 1;
    if (places->ascii) {
        *column += offset - from;
        return;
    }
    /* A document on one line would else cost its square. */
    if (places->memo_line == *line && places->memo_offset <= offset) {
        from = places->memo_offset;
        *column = places->memo_column;
    }
    for (uint32_t i = from; i < offset; i++)
        *column += (uint32_t)is_start(places->text.ptr[i]);
    places->memo_line = *line;
    places->memo_offset = offset;
    places->memo_column = *column;
}

struct arc_mark arc__places_mark(struct arc_places *places, size_t start, size_t end)
{
    struct arc_mark mark = {0};
    find(places, start, &mark.line, &mark.column);
    find(places, end, &mark.end_line, &mark.end_column);
    mark.offset = (uint32_t)start;
    mark.end = (uint32_t)end;
    return mark;
}
