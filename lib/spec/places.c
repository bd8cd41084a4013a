/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/tree.h"

#define PLACES_STEP 512u

/* The place of a byte. A byte inside of a character has the place of what follows it. */
struct arc_place {
    uint32_t line, column;
};

static int is_start(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* The place behind the byte at `at`, from the one before it. CR LF ends a line at its LF. */
static void step_over(arc_slice text, size_t at, struct arc_place *place)
{
    char c = text.ptr[at];
    if (c == '\n' || (c == '\r' && (at + 1 >= text.len || text.ptr[at + 1] != '\n'))) {
        place->line++;
        place->column = 1;
    } else {
        place->column += (uint32_t)is_start(c);
    }
}

/* 1: eight characters of one byte each that end no line. */
static int is_dull(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
    uint64_t word;
    memcpy(&word, text, sizeof(word));
    uint64_t feed = word ^ ones * '\n', back = word ^ ones * '\r';
    return ((word | (feed - ones) | (back - ones)) & highs) == 0;
}

struct arc_places *arc__places_new(arc_slice text, struct arc_arena *arena)
{
    struct arc_places *places = ARC_ARENA_NEW(arena, struct arc_places);
    struct arc_place *steps =
        arc__arena_array(arena, text.len / PLACES_STEP + 1, sizeof(struct arc_place));
    if (places == NULL || steps == NULL)
        return NULL;
    *places = (struct arc_places){.text = text, .steps = steps, .known = 1};
    if (arc__slice_starts(text, ARC_LIT("\xef\xbb\xbf")))
        places->start = 3;
    steps[0] = (struct arc_place){1, 1};
    return places;
}

/* The place of a step, which is within the text. */
static struct arc_place step_at(struct arc_places *places, size_t step)
{
    arc_slice text = places->text;
    for (; places->known <= step; places->known++) {
        size_t i = (places->known - 1) * PLACES_STEP, end = i + PLACES_STEP;
        struct arc_place place = places->steps[places->known - 1];
        while (i < end) {
            if (i % 8 == 0 && is_dull(text.ptr + i)) {
                place.column += 8;
                i += 8;
                continue;
            }
            if (i >= places->start)
                step_over(text, i, &place);
            i++;
        }
        places->steps[places->known] = place;
    }
    return places->steps[step];
}

static void find(struct arc_places *places, uint32_t wanted, uint32_t *line, uint32_t *column)
{
    size_t offset = wanted < places->text.len ? wanted : places->text.len;
    struct arc_place place = step_at(places, offset / PLACES_STEP);
    for (size_t i = offset / PLACES_STEP * PLACES_STEP; i < offset; i++) {
        if (i >= places->start)
            step_over(places->text, i, &place);
    }
    *line = place.line;
    *column = place.column;
}

struct arc_mark arc__places_mark(struct arc_places *places, const struct arc_span *span)
{
    struct arc_mark mark = {.offset = span->offset, .end = span->end, .file = span->file};
    find(places, span->offset, &mark.line, &mark.column);
    find(places, span->end, &mark.end_line, &mark.end_column);
    return mark;
}
