/* SPDX-License-Identifier: Apache-2.0 */
#include "core/expr_lex.h"

#include "base/text.h"
#include "base/time.h"

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int is_word(char c)
{
    return is_letter(c) || is_digit(c);
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char peek(const struct arc_lexer *lexer, uint32_t ahead)
{
    size_t at = (size_t)lexer->at + ahead;
    return at < lexer->text.len ? lexer->text.ptr[at] : '\0';
}

arc_slice arc__token_text(const struct arc_lexer *lexer)
{
    return arc__slice(lexer->text.ptr + lexer->token.at, lexer->token.end - lexer->token.at);
}

uint32_t arc__lex_bound(arc_slice text)
{
    uint32_t count = 1;
    for (size_t i = 0; i < text.len;) {
        char c = text.ptr[i++];
        if (is_blank(c))
            continue;
        count++;
        if (c == '"' || c == '\'') {
            while (i < text.len && text.ptr[i] != c)
                i += text.ptr[i] == '\\' ? 2 : 1;
            i++;
        } else if (is_word(c)) {
            while (i < text.len && is_word(text.ptr[i]))
                i++;
        }
    }
    return count;
}

enum arc_operator arc__lex_word(arc_slice word)
{
    if (word.len == 0)
        return ARC_OPERATOR_COUNT;
    for (int i = 0; i < ARC_OPERATOR_COUNT; i++) {
        const struct arc_operator_row *row = arc__operator((enum arc_operator)i);
        if (row->word[0] == word.ptr[0] && arc__slice_is(word, row->word))
            return (enum arc_operator)i;
    }
    return ARC_OPERATOR_COUNT;
}

/* --- what is no sign of the language, but of others --------------------------------------- */

struct slip {
    const char *sign;
    const char *message; /* what it is, after the quoted sign */
    const char *hint;
};

/* Looked for before the operators, for these begin like one. */
static const struct slip long_slips[] = {
    {"===", "is no operator", "write `==`"},
    {"!==", "is no operator", "write `!=`"},
    {"=~", "is no operator", "write `matches`"},
    {"!~", "is no operator", "write `not matches`"},
    {"<>", "is no operator", "write `!=`"},
    {"=<", "is no operator", "write `<=`"},
    {"=>", "is no operator", "write `>=` for greater or equal"},
    {"->", "is no operator", "write `.` before the name of a member"},
    {"**", "is no operator", "multiply with `*`"},
    {"?.", "is not needed", "write `.`: a member of null is null"},
    {"${{", "stands inside of an expression",
     "write it without these braces: it is an expression already"},
    {"++", "is no operator", "write `+ 1`: nothing can be changed here"},
    {"+=", "is no operator", "nothing can be changed here: write the sum itself"},
    {"-=", "is no operator", "nothing can be changed here: write the difference itself"},
    {":=", "is no operator", "write `==` to compare"},
    {"//", "is no operator", "write `/`; there are no comments in expressions"},
    {"/*", "is no operator", "there are no comments in expressions"},
    {"\xe2\x80\x9c", "is no quote of the language", "write `\"` or `'`"},
    {"\xe2\x80\x9d", "is no quote of the language", "write `\"` or `'`"},
    {"\xe2\x80\x98", "is no quote of the language", "write `\"` or `'`"},
    {"\xe2\x80\x99", "is no quote of the language", "write `\"` or `'`"},
    {"\xc2\xa0", "is a blank that is none", "write a plain space"},
};

/* Looked for when nothing else fits. */
static const struct slip short_slips[] = {
    {"=", "sets nothing here", "write `==` to compare"},
    {"&", "is no operator", "write `&&`"},
    {"|", "is no operator", "write `||`; functions are called, like `upper(name)`"},
    {"^", "is no operator", "multiply with `*`"},
    {"~", "is no operator", "write `not`, or `matches` for patterns"},
    {";", "is no operator", "an expression is one value: leave it out"},
    {"`", "is no quote of the language", "write `\"` or `'`"},
    {"$", "stands before no name here", "write names without `$`, like `variables.NAME`"},
    {"@", "is no sign of the language", "put texts into quotes"},
    {"#", "is no sign of the language", "put texts into quotes; there are no comments"},
    {"\\", "has a meaning in quotes only", "put texts into quotes"},
};

static arc_status refuse_slip(struct arc_lexer *lexer, const struct slip *slips, size_t count)
{
    arc_slice left = arc__slice_from(lexer->text, lexer->at);
    for (size_t i = 0; i < count; i++) {
        if (slips[i].sign[0] != left.ptr[0])
            continue;
        size_t len = strlen(slips[i].sign);
        if (!arc__slice_starts(left, arc__slice(slips[i].sign, len)))
            continue;
        return arc__fault(lexer->fault, ARC_FAULT_SYNTAX, lexer->at, lexer->at + (uint32_t)len,
                          arc__slice_cstr(slips[i].hint), "`%s` %s", slips[i].sign,
                          slips[i].message);
    }
    return ARC_OK;
}

static arc_status refuse_character(struct arc_lexer *lexer)
{
    ARC_TRY(refuse_slip(lexer, short_slips, ARC_COUNT_OF(short_slips)));
    uint32_t end = lexer->at + 1;
    while (end < lexer->text.len && (lexer->text.ptr[end] & 0xc0) == 0x80)
        end++;
    arc_slice sign = arc__slice(lexer->text.ptr + lexer->at, end - lexer->at);
    unsigned char c = (unsigned char)sign.ptr[0];
    if (c < 0x20 || c == 0x7f)
        return arc__fault(lexer->fault, ARC_FAULT_SYNTAX, lexer->at, end,
                          ARC_LIT("leave it out, or write it in quotes as `\\u` and four digits"),
                          "a control character (U+%04X) is no part of an expression", c);
    if (c >= 0x80)
        return arc__fault(lexer->fault, ARC_FAULT_SYNTAX, lexer->at, end,
                          ARC_LIT("put texts into quotes, and such names into `[\"…\"]`"),
                          "`%.*s` can stand in quotes only", ARC_ARG(sign));
    return arc__fault(lexer->fault, ARC_FAULT_SYNTAX, lexer->at, end,
                      ARC_LIT("put texts into quotes"), "`%.*s` is no sign of the language",
                      ARC_ARG(sign));
}

/* --- numbers ------------------------------------------------------------------------------ */

/* A letter or a dot sticks to the number: `30s`, `1.2.3`, `0b1`. */
static arc_status refuse_number(struct arc_lexer *lexer, uint32_t at)
{
    uint32_t end = at;
    int dots = 0, letters = 0;
    while (end < lexer->text.len &&
           (is_word(lexer->text.ptr[end]) || lexer->text.ptr[end] == '.')) {
        dots += lexer->text.ptr[end] == '.';
        letters += is_letter(lexer->text.ptr[end]);
        end++;
    }
    arc_slice all = arc__slice(lexer->text.ptr + at, end - at);
    struct arc_quote quote = arc__quote(all);
    int64_t ns = 0;
    arc_slice hint = ARC_LIT("put texts into quotes");
    if (letters > 0 && arc__duration_parse(all, &ns, NULL) == ARC_OK)
        hint = arc__arena_printf(lexer->fault.arena, "write `duration(\"%s\")`", quote.text);
    else if (letters == 0 && dots == 0)
        hint = ARC_LIT("leave out the zeros in front; `0x` begins a number of base 16");
    else if (letters == 0)
        hint = arc__arena_printf(lexer->fault.arena, "put it into quotes: `\"%s\"`", quote.text);
    return arc__fault(lexer->fault, ARC_FAULT_SYNTAX, at, end, hint, "`%s` is no number",
                      quote.text);
}

static arc_status lex_hex(struct arc_lexer *lexer, uint32_t at)
{
    uint64_t value = 0;
    uint32_t digits = 0;
    for (lexer->at += 2;; lexer->at++, digits++) {
        char c = peek(lexer, 0);
        int letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!is_digit(c) && !letter)
            break;
        if (value > (uint64_t)INT64_MAX >> 4)
            return arc__fault(lexer->fault, ARC_FAULT_VALUE, at, lexer->at + 1,
                              ARC_LIT("the greatest one is 0x7FFFFFFFFFFFFFFF"),
                              "the number is greater than integers can be");
        value = value << 4 | (uint64_t)(is_digit(c) ? c - '0' : (c & 0xdf) - 'A' + 10);
    }
    if (digits == 0 || is_word(peek(lexer, 0)))
        return refuse_number(lexer, at);
    lexer->token.value = arc__value_int((int64_t)value);
    return ARC_OK;
}

static arc_status number_value(struct arc_lexer *lexer, uint32_t at, int real)
{
    arc_slice text = arc__slice(lexer->text.ptr + at, lexer->at - at);
    struct arc_value *value = &lexer->token.value;
    uint64_t magnitude = 0;
    if (real) {
        *value = (struct arc_value){ARC_VALUE_FLOAT, 0, {0}};
        if (arc__text_to_double(text, &value->as.real))
            return ARC_OK;
        return arc__fault(lexer->fault, ARC_FAULT_VALUE, at, lexer->at, ARC_NONE,
                          "the number is greater than floats can be");
    }
    if (text.len > 1 && text.ptr[0] == '0')
        return refuse_number(lexer, at);
    if (!arc__slice_to_u64(text, &magnitude) || magnitude > (uint64_t)INT64_MAX + 1)
        return arc__fault(lexer->fault, ARC_FAULT_VALUE, at, lexer->at,
                          ARC_LIT("the greatest one is 9223372036854775807; floats have a `.`"),
                          "the number is greater than integers can be");
    lexer->token.least = magnitude > (uint64_t)INT64_MAX;
    *value = arc__value_int(lexer->token.least ? INT64_MIN : (int64_t)magnitude);
    return ARC_OK;
}

static arc_status lex_number(struct arc_lexer *lexer)
{
    uint32_t at = lexer->at;
    int real = 0;
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) | 0x20) == 'x')
        return lex_hex(lexer, at);
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
    if (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))) {
        real = 1;
        lexer->at++;
        while (is_digit(peek(lexer, 0)))
            lexer->at++;
    }
    if ((peek(lexer, 0) | 0x20) == 'e') {
        uint32_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-';
        if (is_digit(peek(lexer, 1 + sign))) {
            real = 1;
            lexer->at += 1 + sign;
            while (is_digit(peek(lexer, 0)))
                lexer->at++;
        }
    }
    if (is_word(peek(lexer, 0)) || (peek(lexer, 0) == '.' && is_digit(peek(lexer, 1))))
        return refuse_number(lexer, at);
    return number_value(lexer, at, real);
}

/* --- texts in quotes ---------------------------------------------------------------------- */

/* Four digits of base 16 at at; -1: there are none. */
static int32_t four_digits(arc_slice text, size_t at)
{
    int32_t value = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = i < text.len ? text.ptr[i] : '\0';
        int letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!is_digit(c) && !letter)
            return -1;
        value = value * 16 + (is_digit(c) ? c - '0' : (c & 0xdf) - 'A' + 10);
    }
    return value;
}

/* `\uXXXX` at at, or a pair of them. Answers the bytes read; 0: no character. */
static size_t unescape_unicode(arc_slice text, size_t at, char *out, size_t *len)
{
    int32_t high = four_digits(text, at + 2), low = -1;
    size_t used = 6;
    if (high >= 0xd800 && high < 0xdc00 && at + 7 < text.len && text.ptr[at + 6] == '\\' &&
        text.ptr[at + 7] == 'u') {
        low = four_digits(text, at + 8);
        if (low < 0xdc00 || low > 0xdfff)
            return 0;
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        used = 12;
    }
    if (high <= 0 || (high >= 0xd800 && high <= 0xdfff)) /* none, NUL, or half a pair */
        return 0;
    *len += arc__utf8_put(out + *len, (uint32_t)high);
    return used;
}

static arc_status refuse_escape(struct arc_lexer *lexer, uint32_t at)
{
    char c = at + 1 < lexer->text.len ? lexer->text.ptr[at + 1] : '\0';
    if (c == 'u')
        return arc__fault(lexer->fault, ARC_FAULT_SYNTAX, at, at + 2,
                          ARC_LIT("write `\\u` and the four digits of base 16 of a character"),
                          "`\\u` stands for no character here");
    arc_slice hint =
        ARC_LIT("write `\\\\` for a backslash; others are \\\" \\' \\/ \\n \\r \\t \\b \\f "
                "\\uXXXX");
    uint32_t end = at + 2;
    while (end < lexer->text.len && (lexer->text.ptr[end] & 0xc0) == 0x80)
        end++;
    struct arc_quote quote = arc__quote(arc__slice(lexer->text.ptr + at, end - at));
    return arc__fault(lexer->fault, ARC_FAULT_SYNTAX, at, end, hint,
                      "`%s` stands for no character in quotes", quote.text);
}

/* text: between the quotes, which are at from in the whole. */
static arc_status unescape(struct arc_lexer *lexer, arc_slice text, uint32_t from)
{
    static const char names[] = "\"'/\\nrtbf", values[] = "\"'/\\\n\r\t\b\f";
    char *out = arc__arena_alloc(lexer->fault.arena, text.len);
    size_t len = 0;
    if (out == NULL)
        return ARC_ENOMEM;
    for (size_t i = 0; i < text.len;) {
        if (text.ptr[i] != '\\') {
            out[len++] = text.ptr[i++];
            continue;
        }
        const char *name =
            i + 1 < text.len && text.ptr[i + 1] != '\0' ? strchr(names, text.ptr[i + 1]) : NULL;
        size_t used = 2;
        if (name != NULL)
            out[len++] = values[name - names];
        else
            used = i + 1 < text.len && text.ptr[i + 1] == 'u' ? unescape_unicode(text, i, out, &len)
                                                              : 0;
        if (used == 0)
            return refuse_escape(lexer, from + (uint32_t)i);
        i += used;
    }
    lexer->token.value = arc__value_text(arc__slice(out, len));
    return ARC_OK;
}

static arc_status lex_text(struct arc_lexer *lexer)
{
    char quote = peek(lexer, 0);
    uint32_t at = lexer->at + 1, end = at;
    int escapes = 0;
    while (end < lexer->text.len && lexer->text.ptr[end] != quote) {
        if (lexer->text.ptr[end] == '\\') {
            escapes = 1;
            end++;
        }
        end++;
    }
    if (end >= lexer->text.len)
        return arc__fault(lexer->fault, ARC_FAULT_SYNTAX, lexer->at, (uint32_t)lexer->text.len,
                          quote == '"' ? ARC_LIT("write `\"` at its end; inside, it is `\\\"`")
                                       : ARC_LIT("write `'` at its end; inside, it is `\\'`"),
                          "the text that begins here has no closing quote");
    arc_slice text = arc__slice(lexer->text.ptr + at, end - at);
    lexer->at = end + 1;
    lexer->token.value = arc__value_text(text);
    return escapes ? unescape(lexer, text, at) : ARC_OK;
}

/* --- signs -------------------------------------------------------------------------------- */

static int lex_operator(struct arc_lexer *lexer)
{
    arc_slice left = arc__slice_from(lexer->text, lexer->at);
    for (int i = 0; i < ARC_OPERATOR_COUNT; i++) {
        /* In the table, what begins with another's sign stands before it. */
        const char *sign = arc__operator((enum arc_operator)i)->sign;
        if (sign[0] == left.ptr[0] && arc__slice_starts(left, arc__slice_cstr(sign))) {
            lexer->token.kind = ARC_TOKEN_OPERATOR;
            lexer->token.operator_ = (enum arc_operator)i;
            lexer->at += (uint32_t)strlen(sign);
            return 1;
        }
    }
    return 0;
}

static int lex_sign(struct arc_lexer *lexer)
{
    static const char signs[] = "!?:,.()[]{}";
    char c = peek(lexer, 0);
    const char *sign = c != '\0' ? strchr(signs, c) : NULL;
    if (sign == NULL)
        return 0;
    lexer->token.kind = (enum arc_token_kind)(ARC_TOKEN_NOT + (sign - signs));
    lexer->at++;
    return 1;
}

arc_status arc__lex_next(struct arc_lexer *lexer)
{
    struct arc_token *token = &lexer->token;
    while (is_blank(peek(lexer, 0)))
        lexer->at++;
    token->at = lexer->at;
    token->kind = ARC_TOKEN_VALUE;
    char c = peek(lexer, 0);
    if (lexer->at >= lexer->text.len) {
        token->kind = ARC_TOKEN_END;
    } else if (is_letter(c)) {
        token->kind = ARC_TOKEN_NAME;
        while (is_word(peek(lexer, 0)))
            lexer->at++;
    } else if (is_digit(c)) {
        token->least = 0;
        ARC_TRY(lex_number(lexer));
    } else if (c == '"' || c == '\'') {
        token->least = 0;
        ARC_TRY(lex_text(lexer));
    } else {
        ARC_TRY(refuse_slip(lexer, long_slips, ARC_COUNT_OF(long_slips)));
        if (!lex_operator(lexer) && !lex_sign(lexer))
            return refuse_character(lexer);
    }
    token->end = lexer->at;
    return ARC_OK;
}

int arc__lex_member(struct arc_lexer *lexer)
{
    while (is_blank(peek(lexer, 0)))
        lexer->at++;
    lexer->token.kind = ARC_TOKEN_NAME;
    lexer->token.at = lexer->at;
    if (is_word(peek(lexer, 0))) {
        while (is_word(peek(lexer, 0)) || peek(lexer, 0) == '-')
            lexer->at++;
    }
    lexer->token.end = lexer->at;
    return lexer->token.end > lexer->token.at;
}
