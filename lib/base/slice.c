/* SPDX-License-Identifier: Apache-2.0 */
/* Slices are compared, cut and read here without looking at the locale: what is a letter or a blank
 * must not depend on the host. */
#include "base/slice.h"

#include <arcentra/base.h>

#include <string.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int by_length(arc_slice a, arc_slice b)
{
    return (a.len > b.len) - (a.len < b.len);
}

int arc__slice_compare(arc_slice a, arc_slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    if (common > 0 && a.ptr[0] != b.ptr[0]) /* most differ there */
        return (unsigned char)a.ptr[0] < (unsigned char)b.ptr[0] ? -1 : 1;
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    return order != 0 ? order : by_length(a, b);
}

int arc__slice_compare_nocase(arc_slice a, arc_slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < common; i++) {
        int order = lower(a.ptr[i]) - lower(b.ptr[i]);
        if (order != 0)
            return order;
    }
    return by_length(a, b);
}

static int is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

arc_slice arc__slice_trim(arc_slice a)
{
    while (a.len > 0 && is_blank(a.ptr[a.len - 1]))
        a.len--;
    while (a.len > 0 && is_blank(a.ptr[0])) {
        a.ptr++;
        a.len--;
    }
    return a;
}

arc_slice arc__slice_cut(arc_slice a, char separator, arc_slice *rest)
{
    arc_slice before = a, after = ARC_NONE;
    const char *found = a.len > 0 ? memchr(a.ptr, separator, a.len) : NULL;
    if (found != NULL) {
        before.len = (size_t)(found - a.ptr);
        after = arc__slice(found + 1, a.len - before.len - 1);
    }
    if (rest != NULL)
        *rest = after;
    return before;
}

int arc__slice_to_u64(arc_slice a, uint64_t *out)
{
    uint64_t value = 0;
    if (a.len == 0)
        return 0;
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] < '0' || a.ptr[i] > '9')
            return 0;
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(a.ptr[i] - '0'), &value))
            return 0;
    }
    *out = value;
    return 1;
}

int arc__slice_to_i64(arc_slice a, int64_t *out)
{
    int negative = a.len > 0 && a.ptr[0] == '-';
    uint64_t magnitude = 0;
    if (!arc__slice_to_u64(negative ? arc__slice_from(a, 1) : a, &magnitude))
        return 0;
    if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return 0;
    if (!negative)
        *out = (int64_t)magnitude;
    else if (magnitude == 0)
        *out = 0;
    else
        *out = -(int64_t)(magnitude - 1) - 1; /* INT64_MIN without overflow */
    return 1;
}

/* A decimal number without what does not count: zeros in front and at the end, the sign of 0. */
struct decimal {
    int negative;
    arc_slice whole, fraction;
};

static arc_slice take_digits(arc_slice *text)
{
    size_t len = 0;
    while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9')
        len++;
    arc_slice digits = arc__slice(text->ptr, len);
    *text = arc__slice_from(*text, len);
    return digits;
}

static int take_decimal(arc_slice text, struct decimal *out)
{
    *out = (struct decimal){.negative = text.len > 0 && text.ptr[0] == '-'};
    text = arc__slice_from(text, out->negative ? 1 : 0);
    out->whole = take_digits(&text);
    if (out->whole.len == 0)
        return 0;
    if (text.len > 0 && text.ptr[0] == '.') {
        text = arc__slice_from(text, 1);
        out->fraction = take_digits(&text);
        if (out->fraction.len == 0)
            return 0;
    }
    while (out->whole.len > 0 && out->whole.ptr[0] == '0')
        out->whole = arc__slice_from(out->whole, 1);
    while (out->fraction.len > 0 && out->fraction.ptr[out->fraction.len - 1] == '0')
        out->fraction.len--;
    if (out->whole.len == 0 && out->fraction.len == 0)
        out->negative = 0;
    return text.len == 0;
}

int arc__slice_compare_numbers(arc_slice a, arc_slice b, int *order)
{
    struct decimal x, y;
    int larger;
    if (!take_decimal(a, &x) || !take_decimal(b, &y))
        return 0;
    if (x.negative != y.negative)
        larger = 1; /* and the sign turns it around */
    else if (x.whole.len != y.whole.len)
        larger = x.whole.len > y.whole.len ? 1 : -1;
    else if (!arc__slice_equal(x.whole, y.whole))
        larger = arc__slice_compare(x.whole, y.whole);
    else
        larger = arc__slice_compare(x.fraction, y.fraction);
    larger = larger < 0 ? -1 : larger > 0;
    *order = x.negative ? -larger : larger;
    return 1;
}

/* 1: it never climbs above its start when \ separates as well, or does not. */
static int stays(arc_slice path, int backslash)
{
    int depth = 0;
    while (path.len > 0) {
        size_t len = 0;
        while (len < path.len && path.ptr[len] != '/' && !(backslash && path.ptr[len] == '\\'))
            len++;
        arc_slice part = arc__slice(path.ptr, len);
        path = arc__slice_from(path, len < path.len ? len + 1 : len);
        if (arc__slice_is(part, ".."))
            depth--;
        else if (part.len > 0 && !arc__slice_is(part, "."))
            depth++;
        if (depth < 0)
            return 0;
    }
    return 1;
}

int arc__path_inside(arc_slice path)
{
    if (path.len == 0)
        return 1;
    char first = path.ptr[0];
    int letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
    if (first == '/' || first == '\\' || (letter && path.len > 1 && path.ptr[1] == ':') ||
        memchr(path.ptr, '\0', path.len) != NULL)
        return 0;
    return stays(path, 0) && stays(path, 1);
}

size_t arc__slice_to_cstr(arc_slice a, char *out, size_t size)
{
    if (size == 0)
        return 0;
    size_t len = a.len < size - 1 ? a.len : size - 1;
    if (len > 0)
        memcpy(out, a.ptr, len);
    out[len] = '\0';
    return len;
}
