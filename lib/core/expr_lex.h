/* SPDX-License-Identifier: Apache-2.0 */
/* The words and signs of an expression, one at a time. */
#ifndef ARC_CORE_EXPR_LEX_H
#define ARC_CORE_EXPR_LEX_H

#include "core/expr_private.h"

enum arc_token_kind {
    ARC_TOKEN_END,
    ARC_TOKEN_NAME,     /* also true, null, and operators that are words */
    ARC_TOKEN_VALUE,    /* a number or a quoted text */
    ARC_TOKEN_OPERATOR, /* with two sides; `-` may have one */
    ARC_TOKEN_NOT,
    ARC_TOKEN_QUESTION,
    ARC_TOKEN_COLON,
    ARC_TOKEN_COMMA,
    ARC_TOKEN_DOT,
    ARC_TOKEN_OPEN, /* ( */
    ARC_TOKEN_CLOSE,
    ARC_TOKEN_OPEN_LIST,
    ARC_TOKEN_CLOSE_LIST,
    ARC_TOKEN_OPEN_MAP,
    ARC_TOKEN_CLOSE_MAP
};

struct arc_token {
    enum arc_token_kind kind;
    enum arc_operator operator_;
    uint32_t at, end;
    struct arc_value value;
    int least; /* 9223372036854775808, which only stands behind a minus */
};

struct arc_lexer {
    arc_slice text;
    uint32_t at;
    struct arc_token token;
    struct arc_fault_place fault;
};

/* The next token; ARC_EINVAL: a fault. */
arc_status arc__lex_next(struct arc_lexer *lexer);
/* A name that may hold `-` or begin with a digit: behind a dot, or a key of a map. 0: none here. */
int arc__lex_member(struct arc_lexer *lexer);
/* At least as many as there are tokens. */
uint32_t arc__lex_bound(arc_slice text);
/* The operator of that word; ARC_OPERATOR_COUNT: none. */
enum arc_operator arc__lex_word(arc_slice word);

/* The token as it is written. */
arc_slice arc__token_text(const struct arc_lexer *lexer);

#endif
