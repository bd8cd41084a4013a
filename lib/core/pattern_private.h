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
};

/* The ranges' union in rising order, in place; answers how many there are. */
uint32_t arc__pattern_tidy(struct arc_pattern_range *ranges, uint32_t count);

#endif
