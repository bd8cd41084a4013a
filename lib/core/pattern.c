/* SPDX-License-Identifier: Apache-2.0 */
/* Matching without an automaton: all places of the program that may be reached are walked over the
 * text together, each at most once for a character. There is nothing to go back to. */
#include "core/pattern.h"

#include <arcentra/base.h>

#include <string.h>

#include "base/text.h"
#include "core/pattern_private.h"

#define SMALL 128u /* programs up to here are matched without an allocation */

/* Where in the text a step stands. */
struct place {
    uint32_t before, after; /* characters; NONE at the ends */
};

#define NONE UINT32_MAX

struct threads {
    uint16_t *at; /* places of the program that wait for a character */
    uint32_t count;
};

struct walk {
    const struct arc_pattern *pattern;
    struct threads now, next;
    uint16_t *todo;
    uint32_t *seen; /* for each place of the program: the step at which it was reached */
    uint32_t step;
    uint64_t units;
};

static int is_word(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static int holds_here(uint32_t op, const struct place *place)
{
    switch (op) {
    case ARC_PATTERN_BEGIN:
        return place->before == NONE;
    case ARC_PATTERN_END:
        return place->after == NONE;
    case ARC_PATTERN_LINE_BEGIN:
        return place->before == NONE || place->before == '\n';
    case ARC_PATTERN_LINE_END:
        return place->after == NONE || place->after == '\n';
    case ARC_PATTERN_WORD:
        return is_word(place->before) != is_word(place->after);
    default: /* ARC_PATTERN_NOT_WORD */
        return is_word(place->before) == is_word(place->after);
    }
}

static void mark(struct walk *w, uint32_t at, uint32_t *todo_count)
{
    if (w->seen[at] == w->step)
        return;
    w->seen[at] = w->step;
    w->todo[(*todo_count)++] = (uint16_t)at;
}

/* All that is reached from `at` without a character. 1: the end of the program, so it matches. */
static int reach(struct walk *w, struct threads *threads, uint32_t at, const struct place *place)
{
    const struct arc_pattern_inst *program = w->pattern->program;
    uint32_t todo = 0;
    mark(w, at, &todo);
    while (todo > 0) {
        at = w->todo[--todo];
        w->units++;
        switch (program[at].op) {
        case ARC_PATTERN_MATCH:
            return 1;
        case ARC_PATTERN_CHAR:
        case ARC_PATTERN_CLASS:
        case ARC_PATTERN_ANY:
            threads->at[threads->count++] = (uint16_t)at;
            break;
        case ARC_PATTERN_SPLIT:
            mark(w, (uint32_t)((int32_t)at + program[at].jump), &todo);
            mark(w, at + 1, &todo);
            break;
        case ARC_PATTERN_JUMP:
            mark(w, (uint32_t)((int32_t)at + program[at].jump), &todo);
            break;
        default:
            if (holds_here(program[at].op, place))
                mark(w, at + 1, &todo);
        }
    }
    return 0;
}

static int in_class(const struct arc_pattern *pattern, uint32_t index, uint32_t c)
{
    const struct arc_pattern_class *class = &pattern->classes[index];
    if (c < 128)
        return (class->ascii[c / 64] >> (c % 64) & 1) != 0;
    uint32_t low = 0, high = class->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct arc_pattern_range *range = &pattern->ranges[class->first + middle];
        if (c >= range->low && c <= range->high)
            return 1;
        if (c < range->low)
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

int arc__pattern_takes(const struct arc_pattern *pattern, const struct arc_pattern_inst *inst,
                       uint32_t c)
{
    return inst->op == ARC_PATTERN_ANY || (inst->op == ARC_PATTERN_CHAR && inst->arg == c) ||
           (inst->op == ARC_PATTERN_CLASS && in_class(pattern, inst->arg, c));
}

/* Over one character; place is behind it. 1: it matches. */
static int step(struct walk *w, uint32_t c, const struct place *place)
{
    const struct arc_pattern_inst *program = w->pattern->program;
    w->step++;
    w->next.count = 0;
    for (uint32_t i = 0; i < w->now.count; i++) {
        uint32_t at = w->now.at[i];
        w->units++;
        if (arc__pattern_takes(w->pattern, &program[at], c) && reach(w, &w->next, at + 1, place))
            return 1;
    }
    struct threads done = w->now;
    w->now = w->next;
    w->next = done;
    return 0;
}

size_t arc__pattern_find_literal(const struct arc_pattern *pattern, arc_slice text, size_t at)
{
    const char *found = at < text.len ? memmem(text.ptr + at, text.len - at, pattern->literal.ptr,
                                               pattern->literal.len)
                                      : NULL;
    return found != NULL ? (size_t)(found - text.ptr) : text.len + 1;
}

static uint32_t character_before(arc_slice text, size_t at)
{
    size_t from = at;
    if (at == 0)
        return NONE;
    do
        from--;
    while (from > 0 && ((unsigned char)text.ptr[from] & 0xC0) == 0x80);
    return arc__utf8_get(arc__slice(text.ptr + from, at - from), NULL);
}

static int walk(struct walk *w, arc_slice text, uint64_t most)
{
    const struct arc_pattern *pattern = w->pattern;
    struct place place = {NONE, NONE};
    for (size_t at = 0; at <= text.len;) {
        if (w->now.count == 0 && at > 0 && pattern->at_begin)
            return 0;
        if (w->now.count == 0 && !pattern->at_begin &&
            pattern->literal.len > 0) { /* nothing begins before the next */
            size_t found = arc__pattern_find_literal(pattern, text, at);
            w->units += ((found <= text.len ? found : text.len) - at) / 8;
            if (found > text.len)
                return 0;
            at = found;
            place.before = character_before(text, at);
        }
        size_t len = 1;
        place.after = at < text.len ? arc__utf8_get(arc__slice_from(text, at), &len) : NONE;
        if ((at == 0 || !pattern->at_begin) && reach(w, &w->now, 0, &place))
            return 1;
        if (w->units > most)
            return ARC_PATTERN_SPENT;
        if (at == text.len)
            return 0;
        uint32_t c = place.after;
        at += len;
        place.before = c;
        place.after = at < text.len ? arc__utf8_get(arc__slice_from(text, at), NULL) : NONE;
        if (step(w, c, &place))
            return 1;
    }
    return 0;
}

static int match_literal(const struct arc_pattern *pattern, arc_slice text)
{
    arc_slice literal = pattern->literal;
    if (text.len < literal.len)
        return 0;
    if (pattern->at_begin && pattern->at_end)
        return arc__slice_equal(text, literal);
    if (pattern->at_begin)
        return arc__slice_starts(text, literal);
    if (pattern->at_end)
        return arc__slice_equal(arc__slice_from(text, text.len - literal.len), literal);
    return literal.len == 0 || arc__pattern_find_literal(pattern, text, 0) < text.len;
}

static int simulate(const struct arc_pattern *pattern, arc_slice text, struct arc_arena *scratch,
                    uint64_t most, uint64_t *units)
{
    uint16_t small_places[3 * SMALL], *places = small_places;
    uint32_t small_seen[SMALL] = {0}, *seen = small_seen;
    int matches = ARC_PATTERN_NO_MEMORY;
    if (pattern->size > SMALL) {
        places = arc__alloc_array(&scratch->mem, pattern->size, 3 * sizeof(*places));
        seen = arc__alloc_array(&scratch->mem, pattern->size, sizeof(*seen));
    }
    if (places != NULL && seen != NULL) {
        struct walk w = {.pattern = pattern, .seen = seen, .step = 1};
        w.now.at = places;
        w.next.at = places + pattern->size;
        w.todo = places + (size_t)2 * pattern->size;
        matches = walk(&w, text, most);
        *units += w.units;
    }
    if (pattern->size > SMALL) {
        arc__free(&scratch->mem, places);
        arc__free(&scratch->mem, seen);
    }
    return matches;
}

int arc__pattern_match_within(const struct arc_pattern *pattern, arc_slice text,
                              struct arc_arena *scratch, uint64_t most, uint64_t *units)
{
    uint64_t unasked = 0;
    if (units == NULL)
        units = &unasked;
    if (pattern->is_literal) {
        *units += text.len / 8;
        return match_literal(pattern, text);
    }
    if (pattern->dfa != NULL)
        return arc__pattern_dfa_match(pattern, text, most, units);
    return simulate(pattern, text, scratch, most, units);
}

int arc__pattern_match(const struct arc_pattern *pattern, arc_slice text, struct arc_arena *scratch,
                       uint64_t *units)
{
    return arc__pattern_match_within(pattern, text, scratch, UINT64_MAX, units);
}
