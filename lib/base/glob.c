/* SPDX-License-Identifier: Apache-2.0 */
/* The pattern is walked as a set of places that may have been reached, one step for each byte of
 * the text: at most pattern times text steps, whatever an outsider writes. There is nothing to go
 * back to, and nothing to allocate. */
#include "base/glob.h"

#include <arcentra/base.h>

#include <string.h>

#define WORD_BITS 64

struct places {
    uint64_t bits[ARC_GLOB_PATTERN_MAX / WORD_BITS + 1]; /* bit i: pattern[0..i) has matched */
};

static size_t after_stars(arc_slice pattern, size_t at)
{
    while (at < pattern.len && pattern.ptr[at] == '*')
        at++;
    return at;
}

/* Stars that stand for whole leading parts: two or more, between a part's beginning and a slash. */
static int is_parts(arc_slice pattern, size_t at, size_t end)
{
    return end - at >= 2 && (at == 0 || pattern.ptr[at - 1] == '/') && end < pattern.len &&
           pattern.ptr[end] == '/';
}

/* Marks a place as reached, and what stars let be reached from there for nothing. */
static void reach(struct places *places, arc_slice pattern, size_t at)
{
    for (;;) {
        uint64_t bit = UINT64_C(1) << (at % WORD_BITS);
        if ((places->bits[at / WORD_BITS] & bit) != 0)
            return;
        places->bits[at / WORD_BITS] |= bit;
        if (at >= pattern.len || pattern.ptr[at] != '*')
            return;
        size_t end = after_stars(pattern, at);
        at = is_parts(pattern, at, end) ? end + 1 : end;
    }
}

/* From a place on a star. The second star of "any parts" is the place of being inside of them,
 * which nothing else reaches: every run of stars is entered at its first. */
static void step_star(struct places *next, arc_slice pattern, size_t at, char c)
{
    int inside = at > 0 && pattern.ptr[at - 1] == '*';
    size_t first = inside ? at - 1 : at;
    size_t end = after_stars(pattern, at);
    if (is_parts(pattern, first, end)) {
        next->bits[(first + 1) / WORD_BITS] |= UINT64_C(1) << ((first + 1) % WORD_BITS);
        if (c == '/')
            reach(next, pattern, end + 1);
    } else if (c != '/' || end - first >= 2) {
        reach(next, pattern, at);
    }
}

static void step(struct places *next, arc_slice pattern, size_t at, char c)
{
    int continues = ((unsigned char)c & 0xC0) == 0x80; /* in the middle of a character */
    if (at > 0 && pattern.ptr[at - 1] == '?' && continues)
        reach(next, pattern, at);
    if (at >= pattern.len)
        return;
    if (pattern.ptr[at] == '*')
        step_star(next, pattern, at, c);
    else if (pattern.ptr[at] == '?' ? c != '/' && !continues : pattern.ptr[at] == c)
        reach(next, pattern, at + 1);
}

int arc__glob_match(arc_slice pattern, arc_slice text)
{
    struct places now = {{0}};
    if (pattern.len > ARC_GLOB_PATTERN_MAX)
        return 0;
    size_t words = pattern.len / WORD_BITS + 1;
    reach(&now, pattern, 0);
    for (size_t i = 0; i < text.len; i++) {
        struct places next;
        uint64_t any = 0;
        memset(next.bits, 0, words * sizeof(next.bits[0]));
        for (size_t w = 0; w < words; w++) {
            for (uint64_t left = now.bits[w]; left != 0; left &= left - 1)
                step(&next, pattern, w * WORD_BITS + (size_t)__builtin_ctzll(left), text.ptr[i]);
        }
        for (size_t w = 0; w < words; w++)
            any |= next.bits[w];
        if (any == 0)
            return 0;
        memcpy(now.bits, next.bits, words * sizeof(now.bits[0]));
    }
    return (now.bits[pattern.len / WORD_BITS] >> (pattern.len % WORD_BITS) & 1) != 0;
}
