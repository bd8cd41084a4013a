/* SPDX-License-Identifier: Apache-2.0 */
/* What a pattern is compiled to: a program of small instructions that is walked from every place of
 * the text at once. Jumps are relative, so that what is repeated can be copied. */
#ifndef ARC_CORE_PATTERN_PRIVATE_H
#define ARC_CORE_PATTERN_PRIVATE_H

#include "core/pattern.h"

enum arc_pattern_op {
    ARC_PATTERN_CHAR,  /* arg: the character */
    ARC_PATTERN_CLASS, /* arg: index into classes */
    ARC_PATTERN_ANY,   /* one character, whatever it is */
    ARC_PATTERN_SPLIT, /* on, and to `jump` from here */
    ARC_PATTERN_JUMP,
    ARC_PATTERN_BEGIN, /* places: */
    ARC_PATTERN_END,
    ARC_PATTERN_LINE_BEGIN,
    ARC_PATTERN_LINE_END,
    ARC_PATTERN_WORD,
    ARC_PATTERN_NOT_WORD,
    ARC_PATTERN_MATCH
};

struct arc_pattern_inst {
    uint8_t op; /* enum arc_pattern_op */
    int16_t jump;
    uint32_t arg;
};

struct arc_pattern_range {
    uint32_t low, high;
};

struct arc_pattern_class {
    uint64_t ascii[2];     /* a bit for each character below 128 */
    uint32_t first, count; /* of ranges, in rising order */
};

struct arc_pattern {
    const struct arc_pattern_inst *program;
    uint32_t size;
    const struct arc_pattern_class *classes;
    const struct arc_pattern_range *ranges;
    arc_slice literal; /* what every match begins with */
    /* 1: the literal is all that there is, between \A and \z where these are set. */
    int is_literal, at_begin, at_end;
    const struct arc_pattern_dfa *dfa; /* NULL: it is simulated */
};

/* An automaton is made within all of these; the sizes are of the table and of what it is made of,
 * the work is counted in places that are visited. */
#define ARC_PATTERN_DFA_PLACES_MAX 512u /* of the program */
#define ARC_PATTERN_DFA_STATES_MAX 256u
#define ARC_PATTERN_DFA_COLUMNS_MAX 64u /* kinds of characters */
#define ARC_PATTERN_DFA_RANGES_MAX 64u  /* of characters beyond ASCII */
#define ARC_PATTERN_DFA_CELLS_MAX 4096u
#define ARC_PATTERN_DFA_WORK_MAX 8192u

/* Characters from low on, up to the next. */
struct arc_pattern_wide {
    uint32_t low, column;
};

struct arc_pattern_dfa {
    const uint16_t *next; /* rows of columns: where the row of the state that follows begins */
    const struct arc_pattern_wide *wide; /* all beyond ASCII; 1: they are not told apart */
    uint32_t wide_count;
    uint32_t start;
    uint8_t column[256]; /* of each byte */
};

/* The ranges' union in rising order, in place; answers how many there are. */
uint32_t arc__pattern_tidy(struct arc_pattern_range *ranges, uint32_t count);
/* 1: the instruction takes the character. */
int arc__pattern_takes(const struct arc_pattern *pattern, const struct arc_pattern_inst *inst,
                       uint32_t c);
/* Where the literal stands next; beyond the end of the text: nowhere. */
size_t arc__pattern_find_literal(const struct arc_pattern *pattern, arc_slice text, size_t at);

/* *out NULL: the pattern asks for what automata do not know, or for too large a one. ARC_ENOMEM. */
arc_status arc__pattern_dfa_build(const struct arc_pattern *pattern, struct arc_arena *arena,
                                  const struct arc_pattern_dfa **out);
/* As arc__pattern_match_within, with pattern->dfa. */
int arc__pattern_dfa_match(const struct arc_pattern *pattern, arc_slice text, uint64_t most,
                           uint64_t *units);

#endif
