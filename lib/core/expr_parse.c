/* SPDX-License-Identifier: Apache-2.0 */
/* The parser reads tokens from left to right and keeps what is open on a stack of frames of its
 * own, so that no input can make it recurse. Between two tokens it either wants an operand or has
 * one. */
#include "core/expr_parse.h"

#include "base/text.h"

/* --- frames ------------------------------------------------------------------------------- */

static struct arc_frame *top(struct arc_parser *parser)
{
    return parser->frame_count > 0 ? &parser->frames[parser->frame_count - 1] : NULL;
}

static int is_nesting(const struct arc_frame *frame)
{
    return frame->kind != ARC_FRAME_BINARY;
}

static arc_status grow(struct arc_parser *parser)
{
    struct arc_frame *more =
        arc__arena_array(parser->arena, (size_t)parser->frame_capacity * 2, sizeof(*more));
    if (more == NULL)
        return ARC_ENOMEM;
    memcpy(more, parser->frames, parser->frame_count * sizeof(*more));
    parser->frames = more;
    parser->frame_capacity *= 2;
    return ARC_OK;
}

/* A frame for the current token. */
static arc_status open_frame(struct arc_parser *parser, enum arc_frame_kind kind,
                             struct arc_frame **out)
{
    const struct arc_token *token = &parser->lexer.token;
    struct arc_frame frame = {.kind = (uint8_t)kind, .at = token->at, .end = token->end};
    if (is_nesting(&frame) && ++parser->depth > parser->limits.depth)
        return arc__fault(parser->lexer.fault, ARC_FAULT_SIZE, token->at, token->end,
                          ARC_LIT("take a part of it out into a variable, or compare with lists"),
                          "the expression is nested deeper than %u levels", parser->limits.depth);
    if (parser->frame_count == parser->frame_capacity)
        ARC_TRY(grow(parser));
    frame.start = frame.jump = parser->count;
    frame.path = ARC_NO_CODE;
    parser->frames[parser->frame_count] = frame;
    *out = &parser->frames[parser->frame_count++];
    return ARC_OK;
}

static struct arc_frame close_frame(struct arc_parser *parser)
{
    struct arc_frame frame = parser->frames[--parser->frame_count];
    parser->depth -= (uint32_t)is_nesting(&frame);
    return frame;
}

static arc_status next(struct arc_parser *parser)
{
    parser->last_end = parser->lexer.token.end;
    return arc__lex_next(&parser->lexer);
}

/* Finishes every operator on top that binds at least as tightly. */
static arc_status reduce(struct arc_parser *parser, uint32_t binds)
{
    for (;;) {
        struct arc_frame *frame = top(parser);
        if (frame == NULL || frame->kind < ARC_FRAME_ELSE || frame->binds < binds)
            return ARC_OK;
        struct arc_frame done = close_frame(parser);
        if (done.kind == ARC_FRAME_UNARY) {
            arc__emit_unary(parser, &done);
        } else if (done.kind == ARC_FRAME_BINARY) {
            ARC_TRY(arc__emit_binary(parser, &done));
        } else {
            arc__emit_target(parser, done.jump);
            parser->starts[parser->height - 1] = (uint16_t)done.path;
            parser->path = ARC_NO_CODE;
        }
    }
}

/* --- what is wrong ------------------------------------------------------------------------ */

static arc_slice frame_text(const struct arc_parser *parser, const struct arc_frame *frame)
{
    return arc__slice(parser->lexer.text.ptr + frame->at, frame->end - frame->at);
}

static arc_status syntax(struct arc_parser *parser, arc_slice hint, const char *format,
                         const char *word)
{
    const struct arc_token *token = &parser->lexer.token;
    struct arc_quote quote = arc__quote(arc__token_text(&parser->lexer));
    return arc__fault(parser->lexer.fault, ARC_FAULT_SYNTAX, token->at, token->end, hint,
                      "`%s` %s%s", quote.text, format, word);
}

static arc_status refuse_close(struct arc_parser *parser);

/* An operand is wanted, and there is none. */
static arc_status refuse_operand(struct arc_parser *parser)
{
    const struct arc_token *token = &parser->lexer.token;
    const struct arc_frame *frame = top(parser);
    struct arc_fault_place to = parser->lexer.fault;
    if (frame == NULL && token->kind == ARC_TOKEN_END)
        return arc__fault(to, ARC_FAULT_SYNTAX, 0, (uint32_t)parser->lexer.text.len,
                          ARC_LIT("write a condition or a value, like `success()`"),
                          "the expression is empty");
    int binary = token->kind == ARC_TOKEN_OPERATOR || token->kind == ARC_TOKEN_QUESTION ||
                 token->kind == ARC_TOKEN_NAME;
    if (token->kind == ARC_TOKEN_OPERATOR && token->operator_ == ARC_OPERATOR_ADD)
        return syntax(parser, ARC_LIT("numbers have no plus in front"),
                      "has nothing on its left side", "");
    if (token->kind == ARC_TOKEN_DOT)
        return syntax(parser, ARC_LIT("write `0.5`, not `.5`; a member stands behind its map"),
                      "has nothing on its left side", "");
    if (binary && (frame == NULL || frame->kind < ARC_FRAME_UNARY))
        return syntax(parser, ARC_NONE, "has nothing on its left side", "");
    if (frame == NULL)
        return syntax(parser, ARC_NONE, "stands where a value should", "");
    if (token->kind == ARC_TOKEN_END && frame->kind <= ARC_FRAME_INDEX)
        return refuse_close(parser);
    struct arc_quote quote = arc__quote(frame_text(parser, frame));
    return arc__fault(to, ARC_FAULT_SYNTAX, frame->at, frame->end,
                      ARC_LIT("write a value behind it: a name, a number or a text in quotes"),
                      frame->kind <= ARC_FRAME_INDEX ? "`%s` lacks a value inside"
                                                     : "`%s` has nothing on its right side",
                      quote.text);
}

static arc_slice misspelt_operator(arc_slice word)
{
    static const char *const pairs[][2] = {
        {"is", "write `==`"},          {"eq", "write `==`"},
        {"equals", "write `==`"},      {"ne", "write `!=`"},
        {"gt", "write `>`"},           {"lt", "write `<`"},
        {"ge", "write `>=`"},          {"le", "write `<=`"},
        {"xor", "write `!=`"},         {"mod", "write `%`"},
        {"div", "write `/`"},          {"like", "write `matches`, `contains` or `startsWith`"},
        {"has", "write `contains`"},   {"includes", "write `contains`"},
        {"if", "write `a ? b : c`"},   {"then", "write `a ? b : c`"},
        {"else", "write `a ? b : c`"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(pairs); i++) {
        if (arc__slice_compare_nocase(word, arc__slice_cstr(pairs[i][0])) == 0)
            return arc__slice_cstr(pairs[i][1]);
    }
    return ARC_NONE;
}

/* Two operands without an operator between them. */
static arc_status refuse_neighbour(struct arc_parser *parser)
{
    const struct arc_token *token = &parser->lexer.token;
    arc_slice word = arc__token_text(&parser->lexer);
    arc_slice hint = misspelt_operator(word);
    if (token->kind == ARC_TOKEN_NOT)
        hint = ARC_LIT("write `!=`, or `not in`, `not matches`, `not contains`, …");
    for (int i = 0; hint.len == 0 && token->kind == ARC_TOKEN_NAME && i < ARC_OPERATOR_COUNT; i++) {
        arc_slice spelt = arc__slice_cstr(arc__operator((enum arc_operator)i)->word);
        if (spelt.len > 0 && arc__slice_compare_nocase(word, spelt) == 0)
            hint = arc__arena_printf(parser->arena, "write `%.*s`", ARC_ARG(spelt));
    }
    uint32_t from = parser->places[parser->count - 1].at, end = parser->last_end;
    arc_slice before = arc__slice(parser->lexer.text.ptr + from, end - from);
    if (hint.len == 0 && arc__slice_compare_nocase(before, ARC_LIT("not")) == 0)
        hint = ARC_LIT("write `not`");
    else if (hint.len == 0 && token->at == end && before.len > 0 &&
             (before.ptr[before.len - 1] == '"' || before.ptr[before.len - 1] == '\''))
        hint = ARC_LIT("inside of a text, its quote is written with `\\` in front");
    return syntax(parser, hint, "follows a value without an operator", "");
}

static const char *closing(const struct arc_frame *frame)
{
    return frame->kind == ARC_FRAME_GROUP || frame->kind == ARC_FRAME_CALL ? ")"
           : frame->kind == ARC_FRAME_MAP                                  ? "}"
                                                                           : "]";
}

/* The bracket or `?` that is open does not go with the current token. */
static arc_status refuse_close(struct arc_parser *parser)
{
    const struct arc_frame *frame = top(parser);
    int end = parser->lexer.token.kind == ARC_TOKEN_END;
    if (frame == NULL)
        return syntax(parser, ARC_LIT("leave it out, or write what it belongs to before it"),
                      parser->lexer.token.kind == ARC_TOKEN_COLON   ? "has no `?` before it"
                      : parser->lexer.token.kind == ARC_TOKEN_COMMA ? "stands outside of brackets"
                                                                    : "closes no bracket",
                      "");
    if (frame->kind == ARC_FRAME_THEN)
        return arc__fault(parser->lexer.fault, ARC_FAULT_SYNTAX, frame->at, frame->end,
                          ARC_LIT("write `condition ? value : other value`"), "`?` has no `:`");
    const char *open = frame->kind == ARC_FRAME_CALL ? "(" : NULL;
    struct arc_quote quote = arc__quote(frame_text(parser, frame));
    arc_slice hint = arc__arena_printf(parser->arena, "write `%s` at its end", closing(frame));
    if (end)
        return arc__fault(parser->lexer.fault, ARC_FAULT_SYNTAX, frame->at, frame->end, hint,
                          "`%s%s` is not closed", quote.text, open != NULL ? open : "");
    return syntax(parser, hint, "does not close ",
                  frame->kind == ARC_FRAME_CALL    ? "`(`"
                  : frame->kind == ARC_FRAME_GROUP ? "`(`"
                  : frame->kind == ARC_FRAME_MAP   ? "`{`"
                                                   : "`[`");
}

/* --- an operand --------------------------------------------------------------------------- */

static arc_status take_unary(struct arc_parser *parser, enum arc_expr_op op)
{
    struct arc_frame *frame = NULL;
    ARC_TRY(open_frame(parser, ARC_FRAME_UNARY, &frame));
    frame->operator_ = (uint8_t)op;
    frame->binds = ARC_BINDS_UNARY;
    return next(parser);
}

static arc_status take_value(struct arc_parser *parser, int *operand)
{
    const struct arc_token *token = &parser->lexer.token;
    struct arc_frame *frame = top(parser);
    if (token->value.kind == ARC_VALUE_INT && token->least) {
        if (frame == NULL || frame->kind != ARC_FRAME_UNARY || frame->operator_ != ARC_OP_NEGATE)
            return arc__fault(parser->lexer.fault, ARC_FAULT_VALUE, token->at, token->end,
                              ARC_LIT("the greatest one is 9223372036854775807"),
                              "the number is greater than integers can be");
        frame->negated = 1;
    }
    struct arc_token taken = *token;
    ARC_TRY(next(parser));
    arc__emit_constant(parser, taken.value, taken.at, taken.end);
    *operand = 0;
    return ARC_OK;
}

static arc_status take_call(struct arc_parser *parser, arc_slice name, int *operand)
{
    struct arc_frame *frame = NULL;
    ARC_TRY(open_frame(parser, ARC_FRAME_CALL, &frame));
    frame->at = (uint32_t)(name.ptr - parser->lexer.text.ptr);
    frame->end = frame->at + (uint32_t)name.len;
    frame->name = name;
    ARC_TRY(next(parser));
    *operand = 1;
    if (parser->lexer.token.kind != ARC_TOKEN_CLOSE)
        return ARC_OK;
    ARC_TRY(next(parser));
    struct arc_frame done = close_frame(parser);
    *operand = 0;
    return arc__emit_call(parser, &done);
}

static arc_status take_name(struct arc_parser *parser, int *operand)
{
    arc_slice name = arc__token_text(&parser->lexer);
    uint32_t at = parser->lexer.token.at, end = parser->lexer.token.end;
    if (arc__slice_is(name, "not"))
        return take_unary(parser, ARC_OP_NOT);
    enum arc_operator word = arc__lex_word(name);
    struct arc_lexer before = parser->lexer;
    uint32_t last_end = parser->last_end;
    ARC_TRY(next(parser));
    int call = parser->lexer.token.kind == ARC_TOKEN_OPEN;
    if (word != ARC_OPERATOR_COUNT && (!call || word <= ARC_OPERATOR_IN)) {
        parser->lexer = before;
        parser->last_end = last_end;
        return refuse_operand(parser);
    }
    if (call)
        return take_call(parser, name, operand);
    enum arc_context context = arc__context_find(name);
    *operand = 0;
    if (arc__slice_is(name, "true") || arc__slice_is(name, "false"))
        arc__emit_constant(parser, arc__value_bool(name.ptr[0] == 't'), at, end);
    else if (arc__slice_is(name, "null"))
        arc__emit_constant(parser, ARC_VALUE_OF_NULL, at, end);
    else if (context != ARC_CONTEXT_COUNT)
        arc__emit_path(parser, context, at, end);
    else
        arc__emit_bare(parser, name, at, end);
    return ARC_OK;
}

/* The key of a map's next part, and its colon. */
static arc_status take_key(struct arc_parser *parser, int *operand)
{
    struct arc_lexer *lexer = &parser->lexer;
    struct arc_frame *frame = top(parser);
    parser->last_end = lexer->token.end;
    if (!arc__lex_member(lexer))
        ARC_TRY(arc__lex_next(lexer));
    struct arc_token key = lexer->token;
    if (key.kind == ARC_TOKEN_CLOSE_MAP) {
        ARC_TRY(next(parser));
        struct arc_frame done = close_frame(parser);
        *operand = 0;
        return arc__emit_map(parser, &done);
    }
    if (key.kind == ARC_TOKEN_END)
        return refuse_close(parser);
    if (key.kind == ARC_TOKEN_NAME)
        key.value = arc__value_text(arc__token_text(lexer));
    else if (key.kind != ARC_TOKEN_VALUE || key.value.kind != ARC_VALUE_TEXT)
        return syntax(parser, ARC_LIT("write `{name: value, \"other name\": value}`"),
                      "is no key of a map", "");
    frame->count++;
    ARC_TRY(next(parser));
    if (lexer->token.kind != ARC_TOKEN_COLON)
        return syntax(parser, ARC_LIT("write `{name: value}`"), "stands where `:` should", "");
    arc__emit_constant(parser, key.value, key.at, key.end);
    *operand = 1;
    return next(parser);
}

static arc_status take_list(struct arc_parser *parser, int *operand)
{
    struct arc_frame *frame = NULL;
    ARC_TRY(open_frame(parser, ARC_FRAME_LIST, &frame));
    ARC_TRY(next(parser));
    if (parser->lexer.token.kind != ARC_TOKEN_CLOSE_LIST)
        return ARC_OK;
    ARC_TRY(next(parser));
    struct arc_frame done = close_frame(parser);
    *operand = 0;
    return arc__emit_list(parser, &done);
}

static arc_status take_operand(struct arc_parser *parser, int *operand)
{
    const struct arc_token *token = &parser->lexer.token;
    struct arc_frame *frame = NULL;
    switch (token->kind) {
    case ARC_TOKEN_VALUE:
        return take_value(parser, operand);
    case ARC_TOKEN_NAME:
        return take_name(parser, operand);
    case ARC_TOKEN_NOT:
        return take_unary(parser, ARC_OP_NOT);
    case ARC_TOKEN_OPERATOR:
        if (token->operator_ == ARC_OPERATOR_SUB)
            return take_unary(parser, ARC_OP_NEGATE);
        return refuse_operand(parser);
    case ARC_TOKEN_OPEN:
        ARC_TRY(open_frame(parser, ARC_FRAME_GROUP, &frame));
        return next(parser);
    case ARC_TOKEN_OPEN_LIST:
        return take_list(parser, operand);
    case ARC_TOKEN_OPEN_MAP:
        ARC_TRY(open_frame(parser, ARC_FRAME_MAP, &frame));
        return take_key(parser, operand);
    default:
        return refuse_operand(parser);
    }
}

/* --- behind an operand -------------------------------------------------------------------- */

static arc_status take_member(struct arc_parser *parser)
{
    struct arc_lexer *lexer = &parser->lexer;
    parser->last_end = lexer->token.end;
    struct arc_token dot = lexer->token;
    uint32_t path = parser->path;
    if (!arc__lex_member(lexer))
        return arc__fault(lexer->fault, ARC_FAULT_SYNTAX, dot.at, dot.end,
                          ARC_LIT("names with other signs are reached by `[\"name\"]`"),
                          "a name is missing behind `.`");
    struct arc_token name = lexer->token;
    arc_slice text = arc__token_text(lexer);
    ARC_TRY(next(parser));
    if (lexer->token.kind == ARC_TOKEN_OPEN) {
        struct arc_quote quote = arc__quote(text);
        return arc__fault(lexer->fault, ARC_FAULT_SYNTAX, name.at, name.end,
                          arc__arena_printf(parser->arena, "write `%s(value)`", quote.text),
                          "`%s` is called like a method, and values have none", quote.text);
    }
    parser->path = path;
    arc__emit_member(parser, text, name.at, name.end);
    return ARC_OK;
}

static int is_order(uint32_t operator_)
{
    return operator_ >= ARC_OPERATOR_LE && operator_ <= ARC_OPERATOR_GT;
}

static arc_status take_binary(struct arc_parser *parser, enum arc_operator operator_, int negated,
                              uint32_t at, int *operand)
{
    uint32_t binds = arc__operator(operator_)->binds;
    struct arc_frame *frame = NULL;
    ARC_TRY(reduce(parser, binds + 1));
    frame = top(parser);
    if (frame != NULL && frame->kind == ARC_FRAME_BINARY && is_order(frame->operator_) &&
        is_order(operator_))
        return syntax(parser, ARC_LIT("write `a < b && b < c`"),
                      "compares what is a comparison already", "");
    ARC_TRY(reduce(parser, binds));
    enum arc_expr_op op = operator_ == ARC_OPERATOR_OR    ? ARC_OP_OR_JUMP
                          : operator_ == ARC_OPERATOR_AND ? ARC_OP_AND_JUMP
                                                          : ARC_OP_NULL_JUMP;
    uint32_t from = parser->starts[parser->height - 1], jump = 0;
    int jumps = operator_ == ARC_OPERATOR_OR || operator_ == ARC_OPERATOR_AND ||
                operator_ == ARC_OPERATOR_COALESCE;
    if (jumps)
        jump = arc__emit_jump(parser, op, op == ARC_OP_NULL_JUMP, parser->lexer.token.at,
                              parser->lexer.token.end);
    ARC_TRY(open_frame(parser, ARC_FRAME_BINARY, &frame));
    frame->at = at;
    frame->operator_ = (uint8_t)operator_;
    frame->negated = (uint8_t)negated;
    frame->binds = (uint8_t)binds;
    frame->jump = jump;
    frame->path = from;
    *operand = 1;
    return next(parser);
}

/* A word behind an operand: an operator, or a mistake. */
static arc_status take_word(struct arc_parser *parser, int *operand)
{
    uint32_t at = parser->lexer.token.at;
    arc_slice word = arc__token_text(&parser->lexer);
    int negated = arc__slice_is(word, "not");
    if (negated) {
        ARC_TRY(next(parser));
        word = arc__token_text(&parser->lexer);
    }
    enum arc_operator operator_ =
        parser->lexer.token.kind == ARC_TOKEN_NAME ? arc__lex_word(word) : ARC_OPERATOR_COUNT;
    if (negated && (operator_ < ARC_OPERATOR_IN || operator_ > ARC_OPERATOR_ENDS))
        return arc__fault(parser->lexer.fault, ARC_FAULT_SYNTAX, at, at + 3,
                          ARC_LIT("write `!=`, or `not` before `in`, `matches`, `contains`, "
                                  "`startsWith`, `endsWith`"),
                          "`not` follows a value without an operator");
    if (operator_ == ARC_OPERATOR_COUNT)
        return refuse_neighbour(parser);
    return take_binary(parser, operator_, negated, at, operand);
}

static arc_status take_question(struct arc_parser *parser, int *operand)
{
    struct arc_frame *frame = NULL;
    const struct arc_token *token = &parser->lexer.token;
    ARC_TRY(reduce(parser, 1));
    uint32_t from = parser->starts[parser->height - 1];
    uint32_t jump = arc__emit_jump(parser, ARC_OP_COND, 1, token->at, token->end);
    ARC_TRY(open_frame(parser, ARC_FRAME_THEN, &frame));
    frame->jump = jump;
    frame->path = from;
    *operand = 1;
    return next(parser);
}

static arc_status take_colon(struct arc_parser *parser, int *operand)
{
    const struct arc_token *token = &parser->lexer.token;
    ARC_TRY(reduce(parser, 0));
    struct arc_frame *frame = top(parser);
    if (frame == NULL || frame->kind != ARC_FRAME_THEN) {
        if (frame != NULL)
            return syntax(parser, ARC_LIT("write `condition ? value : other value`"),
                          "has no `?` before it", "");
        return refuse_close(parser);
    }
    uint32_t jump = arc__emit_jump(parser, ARC_OP_JUMP, 1, token->at, token->end);
    arc__emit_target(parser, frame->jump);
    frame->kind = ARC_FRAME_ELSE;
    frame->binds = 0;
    frame->at = token->at;
    frame->end = token->end;
    frame->jump = jump;
    *operand = 1;
    return next(parser);
}

static arc_status take_comma(struct arc_parser *parser, int *operand)
{
    ARC_TRY(reduce(parser, 0));
    struct arc_frame *frame = top(parser);
    if (frame == NULL || frame->kind > ARC_FRAME_CALL || frame->kind == ARC_FRAME_GROUP) {
        if (frame != NULL && frame->kind == ARC_FRAME_GROUP)
            return syntax(parser, ARC_LIT("lists stand in `[ ]`"),
                          "separates no parts of a list here", "");
        return refuse_close(parser);
    }
    *operand = 1;
    if (frame->kind == ARC_FRAME_MAP)
        return take_key(parser, operand);
    frame->count++;
    frame->start = parser->count;
    ARC_TRY(next(parser));
    if (frame->kind != ARC_FRAME_LIST || parser->lexer.token.kind != ARC_TOKEN_CLOSE_LIST)
        return ARC_OK;
    ARC_TRY(next(parser));
    struct arc_frame done = close_frame(parser);
    *operand = 0;
    return arc__emit_list(parser, &done);
}

static arc_status take_closing(struct arc_parser *parser)
{
    ARC_TRY(reduce(parser, 0));
    struct arc_frame *frame = top(parser);
    if (frame == NULL || frame->kind == ARC_FRAME_THEN ||
        closing(frame)[0] != parser->lexer.text.ptr[parser->lexer.token.at])
        return refuse_close(parser);
    struct arc_frame done = close_frame(parser);
    ARC_TRY(next(parser));
    done.count += done.kind == ARC_FRAME_LIST || done.kind == ARC_FRAME_CALL;
    switch (done.kind) {
    case ARC_FRAME_LIST:
        return arc__emit_list(parser, &done);
    case ARC_FRAME_MAP:
        return arc__emit_map(parser, &done);
    case ARC_FRAME_CALL:
        return arc__emit_call(parser, &done);
    case ARC_FRAME_INDEX:
        arc__emit_index(parser, &done);
        return ARC_OK;
    default:
        parser->path = ARC_NO_CODE;
        parser->starts[parser->height - 1] = (uint16_t)done.at;
        return ARC_OK;
    }
}

static arc_status take_index(struct arc_parser *parser, int *operand)
{
    struct arc_frame *frame = NULL;
    uint32_t path = parser->path;
    ARC_TRY(open_frame(parser, ARC_FRAME_INDEX, &frame));
    frame->path = path;
    *operand = 1;
    return next(parser);
}

static arc_status take_after(struct arc_parser *parser, int *operand)
{
    switch (parser->lexer.token.kind) {
    case ARC_TOKEN_DOT:
        return take_member(parser);
    case ARC_TOKEN_OPEN_LIST:
        return take_index(parser, operand);
    case ARC_TOKEN_OPERATOR:
        return take_binary(parser, parser->lexer.token.operator_, 0, parser->lexer.token.at,
                           operand);
    case ARC_TOKEN_NAME:
        return take_word(parser, operand);
    case ARC_TOKEN_QUESTION:
        return take_question(parser, operand);
    case ARC_TOKEN_COLON:
        return take_colon(parser, operand);
    case ARC_TOKEN_COMMA:
        return take_comma(parser, operand);
    case ARC_TOKEN_CLOSE:
    case ARC_TOKEN_CLOSE_LIST:
    case ARC_TOKEN_CLOSE_MAP:
        return take_closing(parser);
    default:
        return refuse_neighbour(parser);
    }
}

/* --- the whole ---------------------------------------------------------------------------- */

static arc_status parse(struct arc_parser *parser)
{
    int operand = 1;
    ARC_TRY(arc__lex_next(&parser->lexer));
    while (operand || parser->lexer.token.kind != ARC_TOKEN_END)
        ARC_TRY(operand ? take_operand(parser, &operand) : take_after(parser, &operand));
    ARC_TRY(reduce(parser, 0));
    return parser->frame_count > 0 ? refuse_close(parser) : ARC_OK;
}

static arc_status look_at_text(arc_slice text, const struct arc_expr_limits *limits,
                               struct arc_fault_place to)
{
    size_t bad = 0;
    if (text.len > limits->bytes)
        return arc__fault(to, ARC_FAULT_SIZE, 0, limits->bytes,
                          ARC_LIT("take a part of it out into a variable"),
                          "the expression is longer than %u bytes", limits->bytes);
    if (!arc__utf8_valid(text, &bad))
        return arc__fault(to, ARC_FAULT_SYNTAX, (uint32_t)bad, (uint32_t)bad + 1,
                          ARC_LIT("write the text in UTF-8"), "the text is not valid UTF-8");
    const char *nul = text.len > 0 ? memchr(text.ptr, '\0', text.len) : NULL;
    if (nul != NULL)
        return arc__fault(to, ARC_FAULT_SYNTAX, (uint32_t)(nul - text.ptr),
                          (uint32_t)(nul - text.ptr) + 1, ARC_LIT("leave it out"),
                          "a NUL cannot be part of an expression");
    return ARC_OK;
}

static arc_status make_room(struct arc_parser *parser, arc_slice text)
{
    struct arc_arena *arena = parser->arena;
    uint32_t room = arc__lex_bound(text);
    parser->expr = ARC_ARENA_NEW(arena, struct arc_expr);
    parser->capacity = room;
    parser->code = arc__arena_array(arena, (size_t)room * 2, sizeof(*parser->code));
    parser->places = arc__arena_array(arena, (size_t)room * 2, sizeof(*parser->places));
    parser->constants = arc__arena_array(arena, room, sizeof(*parser->constants));
    parser->starts = arc__arena_array(arena, room, sizeof(*parser->starts));
    struct arc_expr_key *keys = arc__arena_array(arena, room, sizeof(*keys));
    char *copy = arc__arena_strdup(arena, text);
    if (arena->failed)
        return ARC_ENOMEM;
    parser->lexer.text = arc__slice(copy, text.len);
    parser->expr->text = parser->lexer.text;
    parser->expr->code = parser->code;
    parser->expr->places = parser->places;
    parser->expr->constants = parser->constants;
    parser->expr->keys = keys;
    return ARC_OK;
}

arc_status arc__expr_parse(arc_slice text, const struct arc_expr_limits *given,
                           struct arc_arena *arena, const struct arc_expr **out,
                           struct arc_fault *fault)
{
    struct arc_parser parser;
    memset(&parser, 0, sizeof(parser));
    parser.limits = arc__expr_limits(given);
    parser.arena = arena;
    parser.lexer.fault = (struct arc_fault_place){arena, fault};
    parser.frames = parser.local;
    parser.frame_capacity = ARC_FRAMES_LOCAL;
    parser.path = ARC_NO_CODE;
    ARC_TRY(look_at_text(text, &parser.limits, parser.lexer.fault));
    ARC_TRY(make_room(&parser, text));
    arc_status status = parse(&parser);
    if (arena->failed)
        return ARC_ENOMEM;
    if (status != ARC_OK)
        return status;
    parser.expr->count = parser.count;
    *out = parser.expr;
    return ARC_OK;
}
