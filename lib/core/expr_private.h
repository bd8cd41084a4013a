/* SPDX-License-Identifier: Apache-2.0 */
/* A parsed expression: instructions for a machine with a stack of values.
 *
 * Each operand leaves one value. Jumps only go forward, so that an evaluation costs at most one
 * step an instruction, and neither the checker nor the evaluator needs to recurse. Names are
 * resolved to contexts, functions and patterns while parsing. */
#ifndef ARC_CORE_EXPR_PRIVATE_H
#define ARC_CORE_EXPR_PRIVATE_H

#include <stdatomic.h>

#include "core/expr.h"
#include "core/functions.h"
#include "core/pattern.h"

enum arc_operator {
#define OPERATOR(NAME, sign, word, binds, sentence) ARC_OPERATOR_##NAME,
#include "core/operators.def"
    ARC_OPERATOR_COUNT
};
#define ARC_BINDS_UNARY 6u

enum arc_expr_op {
    ARC_OP_CONST,  /* push constants[c] */
    ARC_OP_PATH,   /* push context a, then the members keys[c] … keys[c + b - 1] of it */
    ARC_OP_MEMBER, /* the member keys[c] of the top */
    ARC_OP_INDEX,  /* pop a key; its member of the top */
    ARC_OP_LIST,   /* pop c values, push their list */
    ARC_OP_MAP,    /* pop c keys and values, push their map */
    ARC_OP_NOT,
    ARC_OP_NEGATE,
    ARC_OP_AND_JUMP, /* to c, leaving the top, when it is false */
    ARC_OP_AND,      /* pop two, push what both say */
    ARC_OP_OR_JUMP,
    ARC_OP_OR,
    ARC_OP_COND,      /* pop a bool; to c when it is false */
    ARC_OP_JUMP,      /* to c: the end of a first branch */
    ARC_OP_NULL_JUMP, /* to c, leaving the top, unless it is null, which is popped */
    ARC_OP_STATUS,    /* push what is known of the bits a; none: always() */
    ARC_OP_NOW,
    ARC_OP_CALL,         /* pop b arguments, push what keys[c].function makes of them */
    ARC_OP_PATTERN,      /* pop a text, push whether keys[c].pattern matches; a: not */
    ARC_OP_BINARY,       /* pop two, push a of them; b: not */
    ARC_OP_BINARY_CONST, /* like BINARY, the right side being constants[c]; its place: keys[d] */
    ARC_OP_EQUAL,        /* like BINARY with EQ, NE (b), the right side being constants[c] */
    ARC_OP_PATH_EQUAL /* PATH, then EQUAL with constants[d]; NE where the context has the high bit
                       */
};
#define ARC_OP_NOT_EQUAL 0x80u

struct arc_code {
    uint8_t op, a;
    uint16_t b;
    uint32_t c, d;
};

/* Bytes of the text: of the token itself, and of all that the instruction is about: its operands
 * where it leaves a new value, the operand just before where it decides over one. */
struct arc_code_place {
    uint16_t at, end;
    uint16_t from, to;
};

/* A member's name; or a function or a pattern, by the same index. */
struct arc_expr_key {
    arc_slice name;
    const struct arc_function *function; /* NULL: there is none of that name */
    const struct arc_pattern *pattern;
    uint16_t at, end;
    uint16_t bare; /* a variable by its bare name */
    /* Where it was found last; only a guess, so that threads may share an expression. */
    _Atomic uint32_t guess;
};

struct arc_expr {
    arc_slice text;
    const struct arc_code *code;
    const struct arc_code_place *places;
    const struct arc_value *constants;
    struct arc_expr_key *keys;
    uint32_t count;
    uint32_t stack; /* values at once */
    uint32_t contexts;
    int has_status;
};

/* --- tables ------------------------------------------------------------------------------- */

struct arc_operator_row {
    const char *sign, *word;
    uint32_t binds;
    const char *sentence;
};
const struct arc_operator_row *arc__operator(enum arc_operator operator_);

static inline int arc__same_bytes(const char *a, const char *b, size_t len)
{
    uint64_t x, y;
    uint32_t v, w;
    if (len > 16)
        return memcmp(a, b, len) == 0;
    if (len >= 8) { /* twice eight bytes, which may overlap */
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        if (x != y)
            return 0;
        memcpy(&x, a + len - 8, 8);
        memcpy(&y, b + len - 8, 8);
        return x == y;
    }
    if (len >= 4) {
        memcpy(&v, a, 4);
        memcpy(&w, b, 4);
        if (v != w)
            return 0;
        memcpy(&v, a + len - 4, 4);
        memcpy(&w, b + len - 4, 4);
        return v == w;
    }
    return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

/* Of a status function: its bits in *bits (always(): 0). 0: there is none of that name. */
int arc__status_find(arc_slice name, uint8_t *bits);

struct arc_expr_limits arc__expr_limits(const struct arc_expr_limits *given);

/* --- faults ------------------------------------------------------------------------------- */

/* Where a fault is written: only what is said lives in the arena. */
struct arc_fault_place {
    struct arc_arena *arena;
    struct arc_fault *fault;
};
/* Answers ARC_EINVAL, or ARC_ENOMEM when the message found no room. hint is static or empty. */
arc_status arc__fault(struct arc_fault_place to, enum arc_fault_kind kind, uint32_t at,
                      uint32_t end, arc_slice hint, const char *format, ...) ARC_PRINTF(6, 7);
/* How a part of the text is quoted in a message: itself, or its beginning where it is long. */
struct arc_quote {
    char text[64];
};
struct arc_quote arc__quote(arc_slice text);

/* The nearest of the names that may stand in front: contexts, functions, members. */
arc_slice arc__nearest_context(arc_slice name);
arc_slice arc__nearest_function(struct arc_arena *arena, arc_slice name);
arc_slice arc__nearest_member(enum arc_context context, arc_slice name);

/* A call that cannot be: no such function, or the wrong number of arguments. ARC_OK: it can. */
arc_status arc__expr_call_fault(const struct arc_expr *expr, uint32_t at, struct arc_arena *arena,
                                struct arc_fault *fault);

/* --- evaluating, shared with the checker -------------------------------------------------- */

struct arc_machine {
    const struct arc_expr *expr;
    const struct arc_world *world;
    struct arc_fn_call call; /* arena, units left, result_bytes, fault */
};

/* What an operator makes of two known values. ARC_EINVAL: the fault without its place. */
arc_status arc__expr_binary(struct arc_machine *machine, enum arc_operator operator_,
                            const struct arc_value *a, const struct arc_value *b,
                            struct arc_value *out);
arc_status arc__expr_negate(struct arc_machine *machine, const struct arc_value *a,
                            struct arc_value *out);
/* 1: it is UNKNOWN, or holds something that is. Pays for what it looks at; -1: the budget. */
int arc__expr_unknown(struct arc_machine *machine, const struct arc_value *value);

#endif
