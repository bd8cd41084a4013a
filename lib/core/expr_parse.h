/* SPDX-License-Identifier: Apache-2.0 */
/* Between the two halves of the parser: what the text says (expr_parse.c), and the instructions
 * that this becomes (expr_emit.c). */
#ifndef ARC_CORE_EXPR_PARSE_H
#define ARC_CORE_EXPR_PARSE_H

#include "core/expr_lex.h"

/* What is open: a bracket, a branch of `?:`, or an operator that waits for its right side. */
enum arc_frame_kind {
    ARC_FRAME_GROUP,
    ARC_FRAME_LIST,
    ARC_FRAME_MAP,
    ARC_FRAME_CALL,
    ARC_FRAME_INDEX,
    ARC_FRAME_THEN,
    ARC_FRAME_ELSE,
    ARC_FRAME_UNARY,
    ARC_FRAME_BINARY
};

struct arc_frame {
    uint8_t kind;
    uint8_t operator_; /* BINARY; UNARY: enum arc_expr_op */
    uint8_t negated;   /* `not in`; UNARY: a minus before the least integer */
    uint8_t binds;
    uint32_t at, end; /* the token */
    uint32_t jump;    /* THEN, ELSE, BINARY: the jump that waits for its target */
    uint32_t count;   /* LIST, MAP, CALL: what stands in it so far */
    uint32_t start;   /* where the instructions of the right side, or of the last part, begin */
    uint32_t path;  /* INDEX: the path that it may become part of; THEN, ELSE, `??`: where the text
                       of the whole begins */
    arc_slice name; /* CALL */
};

#define ARC_FRAMES_LOCAL 24u
#define ARC_NO_CODE UINT32_MAX

struct arc_parser {
    struct arc_lexer lexer;
    struct arc_expr_limits limits;
    struct arc_arena *arena;
    struct arc_expr *expr;
    struct arc_code *code;
    struct arc_code_place *places;
    struct arc_value *constants;
    uint16_t *starts;  /* of each operand that is on the stack: where its text begins */
    uint32_t capacity; /* of all of these (code: twice as many) and of keys */
    uint32_t count, constant_count, key_count;
    uint32_t height;   /* operands on the stack */
    uint32_t path;     /* the PATH that the next member belongs to; ARC_NO_CODE: none */
    uint32_t target;   /* the last place that a jump goes to */
    uint32_t last_end; /* of the token before the current one */
    uint32_t depth;
    struct arc_frame *frames;
    uint32_t frame_count, frame_capacity;
    struct arc_frame local[ARC_FRAMES_LOCAL];
};

/* --- the machine's instructions ----------------------------------------------------------- */

/* A new operand. */
void arc__emit_push(struct arc_parser *parser, struct arc_code code, uint32_t at, uint32_t end);
void arc__emit_constant(struct arc_parser *parser, struct arc_value value, uint32_t at,
                        uint32_t end);
void arc__emit_path(struct arc_parser *parser, enum arc_context context, uint32_t at, uint32_t end);
/* pops operands become one. */
void arc__emit_reduce(struct arc_parser *parser, struct arc_code code, uint32_t pops, uint32_t at,
                      uint32_t end);
/* Its index; pops operands are gone. */
uint32_t arc__emit_jump(struct arc_parser *parser, enum arc_expr_op op, uint32_t pops, uint32_t at,
                        uint32_t end);
/* The jump goes to the next instruction. */
void arc__emit_target(struct arc_parser *parser, uint32_t jump);
/* A member of the operand. */
void arc__emit_member(struct arc_parser *parser, arc_slice name, uint32_t at, uint32_t end);
/* A variable by its bare name. */
void arc__emit_bare(struct arc_parser *parser, arc_slice name, uint32_t at, uint32_t end);
void arc__emit_unary(struct arc_parser *parser, const struct arc_frame *frame);
arc_status arc__emit_binary(struct arc_parser *parser, const struct arc_frame *frame);
void arc__emit_index(struct arc_parser *parser, const struct arc_frame *frame);
arc_status arc__emit_call(struct arc_parser *parser, const struct arc_frame *frame);
arc_status arc__emit_list(struct arc_parser *parser, const struct arc_frame *frame);
arc_status arc__emit_map(struct arc_parser *parser, const struct arc_frame *frame);

#endif
