/* SPDX-License-Identifier: Apache-2.0 */
/* What a scalar is, from its form: YAML 1.2's core schema, of which JSON's numbers are a part.
 * `yes`, `on` and `off` are text. No conversion depends on the host's locale. */
#include <math.h>

#include "base/text.h"
#include "spec/tree.h"

static int any_of(arc_slice text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (arc__slice_is(text, words[i]))
            return 1;
    }
    return 0;
}

/* 1: eight digits. */
static int all_digits(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, text, sizeof(word));
    return (word & ones * 0xf0) == ones * '0' && ((word + ones * 6) & ones * 0xf0) == ones * '0';
}

size_t arc__digits_end(arc_slice text, size_t at)
{
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
        at++;
        while (text.len - at >= 8 && all_digits(text.ptr + at))
            at += 8;
    }
    return at;
}

static size_t sign(arc_slice text)
{
    return text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+') ? 1 : 0;
}

/* [-+]? [0-9]+ */
static int is_decimal(arc_slice text)
{
    size_t from = sign(text);
    return text.len > from && arc__digits_end(text, from) == text.len;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static int is_float(arc_slice text)
{
    size_t from = sign(text), at = arc__digits_end(text, from);
    size_t whole = at - from, fraction = 0;
    if (at < text.len && text.ptr[at] == '.') {
        size_t dot = at;
        at = arc__digits_end(text, at + 1);
        fraction = at - dot - 1;
    }
    if (whole == 0 && fraction == 0)
        return 0;
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+'))
            at++;
        size_t exponent = at;
        at = arc__digits_end(text, at);
        if (at == exponent)
            return 0;
    }
    return at == text.len;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

/* 0x… and 0o…; base is 0 when it is neither. */
static int prefixed_base(arc_slice text)
{
    if (text.len < 3 || text.ptr[0] != '0')
        return 0;
    int base = text.ptr[1] == 'x' ? 16 : text.ptr[1] == 'o' ? 8 : 0;
    for (size_t i = 2; i < text.len && base != 0; i++) {
        if (digit_value(text.ptr[i]) >= base)
            base = 0;
    }
    return base;
}

static int prefixed_value(struct arc_node *node, int base)
{
    int64_t value = 0;
    node->kind = ARC_NODE_INT;
    for (size_t i = 2; i < node->text.len; i++) {
        if (__builtin_mul_overflow(value, (int64_t)base, &value) ||
            __builtin_add_overflow(value, (int64_t)digit_value(node->text.ptr[i]), &value))
            return 0;
    }
    node->number = value;
    return 1;
}

#define QUICK_DIGITS 18u /* so many fit whatever they are */

static int decimal_value(struct arc_node *node)
{
    arc_slice text = node->text;
    node->kind = ARC_NODE_INT;
    if (text.len <= QUICK_DIGITS && sign(text) == 0) {
        node->number = 0;
        for (size_t i = 0; i < text.len; i++)
            node->number = node->number * 10 + (text.ptr[i] - '0');
        return 1;
    }
    if (text.ptr[0] == '+')
        text = arc__slice_from(text, 1);
    /* No integer is -0, but a double is. */
    int zero = 1;
    for (size_t i = 1; i < text.len && zero; i++)
        zero = text.ptr[i] == '0';
    if (text.ptr[0] == '-' && zero) {
        node->kind = ARC_NODE_FLOAT;
        node->real = -0.0;
        return 1;
    }
    while (text.len > 1 && text.ptr[0] == '0')
        text = arc__slice_from(text, 1);
    char plain[24] = "-";
    if (text.ptr[0] == '-') {
        arc_slice left = arc__slice_from(text, 1);
        while (left.len > 1 && left.ptr[0] == '0')
            left = arc__slice_from(left, 1);
        if (left.len > 20)
            return 0;
        size_t len = arc__slice_to_cstr(left, plain + 1, sizeof(plain) - 1);
        text = arc__slice(plain, len + 1);
    }
    return arc__slice_to_i64(text, &node->number);
}

static int float_value(struct arc_node *node)
{
    arc_slice text = node->text;
    char plain[512];
    size_t len = 0;
    node->kind = ARC_NODE_FLOAT;
    if (text.len >= sizeof(plain))
        return 0;
    /* YAML allows a plus, and a point with digits on one side alone. */
    for (size_t i = sign(text) > 0 && text.ptr[0] == '+'; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && (len == 0 || plain[len - 1] == '-'))
            plain[len++] = '0';
        if (c != '.' || arc__digits_end(text, i + 1) > i + 1)
            plain[len++] = c;
    }
    return arc__text_to_double(arc__slice(plain, len), &node->real);
}

/* null, true and false, in three spellings each. Everything else with a letter first is a text. */
static void word_value(struct arc_node *node)
{
    static const char *const nulls[] = {"null", "Null", "NULL"};
    static const char *const trues[] = {"true", "True", "TRUE"};
    static const char *const falses[] = {"false", "False", "FALSE"};
    char c = node->text.ptr[0];
    if ((c == 'n' || c == 'N') && any_of(node->text, nulls, ARC_COUNT_OF(nulls))) {
        node->kind = ARC_NODE_NULL;
    } else if ((c == 't' || c == 'T') && any_of(node->text, trues, ARC_COUNT_OF(trues))) {
        node->kind = ARC_NODE_BOOL;
        node->number = 1;
    } else if ((c == 'f' || c == 'F') && any_of(node->text, falses, ARC_COUNT_OF(falses))) {
        node->kind = ARC_NODE_BOOL;
    }
}

int arc__core_schema(struct arc_node *node)
{
    static const char *const infinities[] = {".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
                                             "+.INF", "-.inf", "-.Inf", "-.INF"};
    static const char *const nans[] = {".nan", ".NaN", ".NAN"};
    arc_slice text = node->text;
    node->kind = ARC_NODE_TEXT;
    /* Most scalars are texts, and their first character says so. */
    char c = text.len > 0 ? text.ptr[0] : '~';
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        if (text.len == 4 || text.len == 5)
            word_value(node);
        return 1;
    }
    if (c == '~') {
        if (text.len <= 1)
            node->kind = ARC_NODE_NULL;
        return 1;
    }
    if (c != '+' && c != '-' && c != '.' && (c < '0' || c > '9'))
        return 1;
    int base = prefixed_base(text);
    if (base != 0)
        return prefixed_value(node, base);
    if (is_decimal(text))
        return decimal_value(node);
    if (is_float(text))
        return float_value(node);
    if (any_of(text, infinities, ARC_COUNT_OF(infinities))) {
        node->kind = ARC_NODE_FLOAT;
        node->real = c == '-' ? -INFINITY : INFINITY;
    } else if (any_of(text, nans, ARC_COUNT_OF(nans))) {
        node->kind = ARC_NODE_FLOAT;
        node->real = NAN;
    }
    return 1;
}

int arc__json_number(struct arc_node *node)
{
    return is_decimal(node->text) ? decimal_value(node) : float_value(node);
}
