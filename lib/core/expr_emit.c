/* SPDX-License-Identifier: Apache-2.0 */
/* What the parser has understood, as instructions. What can be known now is: names become paths,
 * lists of literals become constants, patterns are compiled, comparisons with a literal become one
 * instruction. */
#include "core/expr_parse.h"

/* There is always room: the arrays were made for the number of tokens. */
static uint32_t add(struct arc_parser *parser, struct arc_code code, uint32_t at, uint32_t end,
                    uint32_t from)
{
    uint32_t index = parser->count++;
    parser->code[index] = code;
    parser->places[index] = (struct arc_code_place){(uint16_t)at, (uint16_t)end, (uint16_t)from,
                                                    (uint16_t)parser->last_end};
    parser->path = ARC_NO_CODE;
    return index;
}

void arc__emit_push(struct arc_parser *parser, struct arc_code code, uint32_t at, uint32_t end)
{
    uint32_t index = add(parser, code, at, end, at);
    parser->places[index].to = (uint16_t)end;
    parser->starts[parser->height++] = (uint16_t)at;
    if (parser->height > parser->expr->stack)
        parser->expr->stack = parser->height;
}

void arc__emit_constant(struct arc_parser *parser, struct arc_value value, uint32_t at,
                        uint32_t end)
{
    parser->constants[parser->constant_count] = value;
    arc__emit_push(parser, (struct arc_code){ARC_OP_CONST, 0, 0, parser->constant_count++, 0}, at,
                   end);
}

void arc__emit_reduce(struct arc_parser *parser, struct arc_code code, uint32_t pops, uint32_t at,
                      uint32_t end)
{
    if (pops == 0) {
        arc__emit_push(parser, code, at, end);
        return;
    }
    parser->height -= pops - 1;
    (void)add(parser, code, at, end, parser->starts[parser->height - 1]);
}

uint32_t arc__emit_jump(struct arc_parser *parser, enum arc_expr_op op, uint32_t pops, uint32_t at,
                        uint32_t end)
{
    uint32_t from = parser->starts[parser->height - 1];
    parser->height -= pops;
    return add(parser, (struct arc_code){(uint8_t)op, 0, 0, 0, 0}, at, end, from);
}

void arc__emit_target(struct arc_parser *parser, uint32_t jump)
{
    parser->code[jump].c = parser->count;
    parser->target = parser->count;
}

static struct arc_expr_key *add_key(struct arc_parser *parser, arc_slice name, uint32_t at,
                                    uint32_t end)
{
    struct arc_expr_key *key = &parser->expr->keys[parser->key_count++];
    key->name = name;
    key->at = (uint16_t)at;
    key->end = (uint16_t)end;
    return key;
}

/* --- names -------------------------------------------------------------------------------- */

void arc__emit_path(struct arc_parser *parser, enum arc_context context, uint32_t at, uint32_t end)
{
    uint32_t path = parser->count;
    parser->expr->contexts |= ARC_CONTEXT_BIT(context);
    arc__emit_push(
        parser, (struct arc_code){ARC_OP_PATH, (uint8_t)context, 0, parser->key_count, 0}, at, end);
    parser->path = path;
}

void arc__emit_bare(struct arc_parser *parser, arc_slice name, uint32_t at, uint32_t end)
{
    arc__emit_path(parser, ARC_CONTEXT_VARIABLES, at, end);
    add_key(parser, name, at, end)->bare = 1;
    parser->code[parser->path].b = 1;
}

void arc__emit_member(struct arc_parser *parser, arc_slice name, uint32_t at, uint32_t end)
{
    uint32_t path = parser->path;
    if (path != ARC_NO_CODE) {
        (void)add_key(parser, name, at, end);
        parser->code[path].b++;
        parser->places[path].to = (uint16_t)parser->last_end;
        return;
    }
    arc__emit_reduce(parser, (struct arc_code){ARC_OP_MEMBER, 0, 0, parser->key_count, 0}, 1, at,
                     end);
    (void)add_key(parser, name, at, end);
}

/* The constant that is all there is since start; NULL: it is something else. */
static const struct arc_value *only_constant(const struct arc_parser *parser, uint32_t start)
{
    if (parser->count != start + 1 || parser->code[start].op != ARC_OP_CONST)
        return NULL;
    return &parser->constants[parser->code[start].c];
}

static void drop_constant(struct arc_parser *parser)
{
    parser->count--;
    parser->height--;
}

void arc__emit_index(struct arc_parser *parser, const struct arc_frame *frame)
{
    const struct arc_value *constant = only_constant(parser, frame->start);
    if (constant == NULL || constant->kind != ARC_VALUE_TEXT) {
        arc__emit_reduce(parser, (struct arc_code){ARC_OP_INDEX, 0, 0, 0, 0}, 2, frame->at,
                         parser->last_end);
        return;
    }
    struct arc_code_place place = parser->places[frame->start];
    drop_constant(parser);
    parser->path = frame->path;
    arc__emit_member(parser, arc__value_slice(constant), place.at, place.end);
}

/* --- operators ---------------------------------------------------------------------------- */

void arc__emit_unary(struct arc_parser *parser, const struct arc_frame *frame)
{
    const struct arc_value *constant = only_constant(parser, frame->start);
    if (frame->operator_ == ARC_OP_NEGATE && constant != NULL) {
        struct arc_value *value = &parser->constants[parser->code[frame->start].c];
        struct arc_code_place *place = &parser->places[frame->start];
        int folded = frame->negated;
        if (value->kind == ARC_VALUE_FLOAT) {
            value->as.real = -value->as.real;
            folded = 1;
        } else if (value->kind == ARC_VALUE_INT && value->as.integer != INT64_MIN) {
            value->as.integer = -value->as.integer;
            folded = 1;
        }
        if (folded) {
            place->at = place->from = (uint16_t)frame->at;
            parser->starts[parser->height - 1] = (uint16_t)frame->at;
            return;
        }
    }
    struct arc_code code = {frame->operator_, 0, 0, 0, 0};
    uint16_t from = parser->starts[parser->height - 1];
    arc__emit_reduce(parser, code, 1, frame->at, frame->end);
    /* The instruction speaks of its operand, the operand of the next one begins at the sign. */
    parser->places[parser->count - 1].from = from;
    parser->starts[parser->height - 1] = (uint16_t)frame->at;
}

static void emit_equal(struct arc_parser *parser, const struct arc_frame *frame, uint16_t negated)
{
    if (only_constant(parser, frame->start) == NULL) {
        arc__emit_reduce(parser, (struct arc_code){ARC_OP_BINARY, ARC_OPERATOR_EQ, negated, 0, 0},
                         2, frame->at, frame->end);
        return;
    }
    uint32_t constant = parser->code[frame->start].c;
    drop_constant(parser);
    /* Where a jump goes behind the path, it is only one of two left sides. */
    struct arc_code *left = &parser->code[parser->count - 1];
    if (left->op == ARC_OP_PATH && parser->target < parser->count) {
        struct arc_code_place *place = &parser->places[parser->count - 1];
        left->op = ARC_OP_PATH_EQUAL;
        left->d = constant;
        if (negated)
            left->a |= ARC_OP_NOT_EQUAL;
        place->at = (uint16_t)frame->at;
        place->end = (uint16_t)frame->end;
        place->to = (uint16_t)parser->last_end;
        return;
    }
    arc__emit_reduce(parser, (struct arc_code){ARC_OP_EQUAL, 0, negated, constant, 0}, 1, frame->at,
                     frame->end);
}

/* The pattern is the constant on top. */
static arc_status emit_pattern(struct arc_parser *parser, uint32_t at, uint32_t end,
                               uint8_t negated)
{
    uint32_t index = parser->count - 1;
    arc_slice text = arc__value_slice(&parser->constants[parser->code[index].c]);
    struct arc_code_place place = parser->places[index];
    struct arc_pattern_fault fault = {0, ""};
    const struct arc_pattern *pattern = NULL;
    arc_status status = arc__pattern_compile(text, parser->arena, &pattern, &fault);
    if (status == ARC_EINVAL) {
        /* With escapes, offsets of the text are not those of the source. */
        int plain = place.end - place.at == (int)text.len + 2;
        uint32_t from = plain ? place.at + 1 + fault.offset : place.at;
        uint32_t to = plain && from + 1 < place.end ? from + 1 : place.end;
        return arc__fault(parser->lexer.fault, ARC_FAULT_VALUE, from, to,
                          ARC_LIT("patterns have the syntax of RE2, without captures"),
                          "the pattern cannot be used: %s", fault.what);
    }
    if (status != ARC_OK)
        return status;
    drop_constant(parser);
    arc__emit_reduce(parser, (struct arc_code){ARC_OP_PATTERN, negated, 0, parser->key_count, 0}, 1,
                     at, end);
    add_key(parser, text, place.at, place.end)->pattern = pattern;
    return ARC_OK;
}

/* The right side is the constant on top. */
static void emit_with_constant(struct arc_parser *parser, enum arc_operator operator_,
                               uint16_t negated, const struct arc_frame *frame)
{
    uint32_t index = parser->count - 1, constant = parser->code[index].c;
    struct arc_code_place place = parser->places[index];
    drop_constant(parser);
    arc__emit_reduce(parser,
                     (struct arc_code){ARC_OP_BINARY_CONST, (uint8_t)operator_, negated, constant,
                                       parser->key_count},
                     1, frame->at, frame->end);
    (void)add_key(parser, ARC_NONE, place.from, place.to);
}

arc_status arc__emit_binary(struct arc_parser *parser, const struct arc_frame *frame)
{
    const struct arc_value *constant = only_constant(parser, frame->start);
    uint16_t right = parser->starts[parser->height - 1];
    switch (frame->operator_) {
    case ARC_OPERATOR_OR:
    case ARC_OPERATOR_AND:
        arc__emit_reduce(
            parser,
            (struct arc_code){frame->operator_ == ARC_OPERATOR_OR ? ARC_OP_OR : ARC_OP_AND, 0, 0, 0,
                              0},
            2, frame->at, frame->end);
        parser->places[parser->count - 1].from = right;
        arc__emit_target(parser, frame->jump);
        return ARC_OK;
    case ARC_OPERATOR_COALESCE:
        arc__emit_target(parser, frame->jump);
        parser->starts[parser->height - 1] = (uint16_t)frame->path;
        parser->path = ARC_NO_CODE;
        return ARC_OK;
    case ARC_OPERATOR_EQ:
    case ARC_OPERATOR_NE:
        emit_equal(parser, frame, frame->operator_ == ARC_OPERATOR_NE);
        return ARC_OK;
    case ARC_OPERATOR_MATCHES:
        if (constant != NULL && constant->kind == ARC_VALUE_TEXT)
            return emit_pattern(parser, frame->at, frame->end, frame->negated);
        break;
    default:
        break;
    }
    if (constant != NULL)
        emit_with_constant(parser, (enum arc_operator)frame->operator_, frame->negated, frame);
    else
        arc__emit_reduce(parser,
                         (struct arc_code){ARC_OP_BINARY, frame->operator_, frame->negated, 0, 0},
                         2, frame->at, frame->end);
    return ARC_OK;
}

/* --- calls and literals ------------------------------------------------------------------- */

/* The text of what was just made goes from the name, or the bracket, to the bracket. */
static void end_call(struct arc_parser *parser, const struct arc_frame *frame)
{
    parser->places[parser->count - 1].from = (uint16_t)frame->at;
    parser->places[parser->count - 1].to = (uint16_t)parser->last_end;
    parser->starts[parser->height - 1] = (uint16_t)frame->at;
}

arc_status arc__emit_call(struct arc_parser *parser, const struct arc_frame *frame)
{
    uint8_t bits = 0;
    int status = arc__status_find(frame->name, &bits);
    parser->expr->has_status |= status;
    uint32_t pops = frame->count;
    enum arc_operator operator_ = arc__lex_word(frame->name); /* contains(a, b) and others */
    struct arc_code code = {ARC_OP_CALL, 0, (uint16_t)frame->count, parser->key_count, 0};
    const struct arc_value *constant = only_constant(parser, frame->start);
    if (frame->count == 2 && arc__slice_is(frame->name, "matches") && constant != NULL &&
        constant->kind == ARC_VALUE_TEXT) {
        ARC_TRY(emit_pattern(parser, frame->at, frame->end, 0));
        end_call(parser, frame);
        return ARC_OK;
    }
    if (pops == 2 && constant != NULL && operator_ != ARC_OPERATOR_COUNT) {
        emit_with_constant(parser, operator_, 0, frame);
        end_call(parser, frame);
        return ARC_OK;
    }
    if (status && pops == 0)
        code = (struct arc_code){ARC_OP_STATUS, bits, 0, parser->key_count, 0};
    else if (pops == 0 && arc__slice_is(frame->name, "now"))
        code.op = ARC_OP_NOW;
    struct arc_expr_key *key = add_key(parser, frame->name, frame->at, frame->end);
    if (code.op == ARC_OP_CALL)
        key->function = arc__function_find(frame->name);
    arc__emit_reduce(parser, code, pops, frame->at, frame->end);
    end_call(parser, frame);
    return ARC_OK;
}

/* 1: the last count operands are constants, each a single instruction. */
static int all_constants(const struct arc_parser *parser, uint32_t start, uint32_t count)
{
    if (parser->count != start + count)
        return 0;
    for (uint32_t i = start; i < parser->count; i++) {
        if (parser->code[i].op != ARC_OP_CONST)
            return 0;
    }
    return 1;
}

/* The instruction of a literal with brackets, whose parts are pops operands. */
static void emit_literal(struct arc_parser *parser, const struct arc_frame *frame,
                         const struct arc_value *folded, enum arc_expr_op op, uint32_t pops)
{
    if (folded != NULL) {
        parser->count -= pops;
        parser->height -= pops;
        arc__emit_constant(parser, *folded, frame->at, parser->last_end);
        return;
    }
    arc__emit_reduce(parser, (struct arc_code){(uint8_t)op, 0, 0, frame->count, 0}, pops, frame->at,
                     frame->end);
    parser->places[parser->count - 1].from = (uint16_t)frame->at;
    parser->places[parser->count - 1].to = (uint16_t)parser->last_end;
    parser->starts[parser->height - 1] = (uint16_t)frame->at;
}

arc_status arc__emit_list(struct arc_parser *parser, const struct arc_frame *frame)
{
    uint32_t first = parser->count - frame->count;
    struct arc_value list = {ARC_VALUE_LIST, frame->count, {0}};
    if (!all_constants(parser, frame->jump, frame->count)) {
        emit_literal(parser, frame, NULL, ARC_OP_LIST, frame->count);
        return ARC_OK;
    }
    struct arc_value *items = arc__arena_array(parser->arena, frame->count, sizeof(*items));
    if (items == NULL)
        return ARC_ENOMEM;
    for (uint32_t i = 0; i < frame->count; i++)
        items[i] = parser->constants[parser->code[first + i].c];
    list.as.items = items;
    emit_literal(parser, frame, &list, ARC_OP_LIST, frame->count);
    return ARC_OK;
}

arc_status arc__emit_map(struct arc_parser *parser, const struct arc_frame *frame)
{
    uint32_t first = parser->count - frame->count * 2;
    if (!all_constants(parser, frame->jump, frame->count * 2)) {
        emit_literal(parser, frame, NULL, ARC_OP_MAP, frame->count * 2);
        return ARC_OK;
    }
    struct arc_member *members = arc__arena_array(parser->arena, frame->count, sizeof(*members));
    if (members == NULL)
        return ARC_ENOMEM;
    for (uint32_t i = 0; i < frame->count; i++) {
        members[i].key = arc__value_slice(&parser->constants[parser->code[first + i * 2].c]);
        members[i].value = parser->constants[parser->code[first + i * 2 + 1].c];
    }
    struct arc_value map = arc__value_map(members, frame->count);
    if (map.count < frame->count)
        return arc__fault(parser->lexer.fault, ARC_FAULT_VALUE, frame->at, parser->last_end,
                          ARC_LIT("leave one of them out"), "a key stands twice in the map");
    emit_literal(parser, frame, &map, ARC_OP_MAP, frame->count * 2);
    return ARC_OK;
}
