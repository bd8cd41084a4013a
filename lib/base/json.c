/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is given, what comes out is JSON in UTF-8, and it does not depend on the host's locale.
 * The only memory is the buffer's. */
#include "base/json.h"

#include <arcentra/base.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void arc__json_init(struct arc_json *json, struct arc_buf *out)
{
    memset(json, 0, sizeof(*json));
    json->out = out;
}

/* The comma before a key or a value, where one is due. */
static void separate(struct arc_json *json)
{
    if (json->after_key) {
        json->after_key = 0;
        return;
    }
    uint8_t *level = &json->has_items[json->depth / 8];
    uint8_t bit = (uint8_t)(1U << json->depth % 8);
    if ((*level & bit) != 0)
        arc__buf_add_char(json->out, ',');
    *level = (uint8_t)(*level | bit);
}

static void begin(struct arc_json *json, char bracket)
{
    separate(json);
    if (json->depth >= ARC_JSON_DEPTH_MAX) {
        if (json->out->failed == ARC_OK)
            json->out->failed = ARC_ELIMIT;
        return;
    }
    arc__buf_add_char(json->out, bracket);
    json->depth++;
    json->has_items[json->depth / 8] =
        (uint8_t)(json->has_items[json->depth / 8] & ~(1U << json->depth % 8));
}

static void end(struct arc_json *json, char bracket)
{
    if (json->depth > 0)
        json->depth--;
    arc__buf_add_char(json->out, bracket);
}

void arc__json_object(struct arc_json *json)
{
    begin(json, '{');
}

void arc__json_end_object(struct arc_json *json)
{
    end(json, '}');
}

void arc__json_array(struct arc_json *json)
{
    begin(json, '[');
}

void arc__json_end_array(struct arc_json *json)
{
    end(json, ']');
}

static int is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* 1: all eight bytes are plain. The high bit of a byte of `found` is set where the byte is a quote,
 * a backslash, below 0x20 or above 0x7F; the subtractions borrow only out of a byte that is found
 * itself, so "none" is exact. */
static int is_plain_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
    uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
    uint64_t found = word | (word - ones * 0x20) | (quote - ones) | (backslash - ones);
    return (found & highs) == 0;
}

static size_t plain_run(arc_slice text)
{
    size_t at = 0;
    for (uint64_t word = 0; text.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text.ptr + at, sizeof(word));
        if (!is_plain_word(word))
            break;
    }
    while (at < text.len && is_plain(text.ptr[at]))
        at++;
    return at;
}

int arc__json_is_plain(arc_slice text)
{
    const uint64_t blanks = UINT64_C(0x2020202020202020);
    uint64_t word;
    size_t at = 0;
    for (; text.len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, text.ptr + at, sizeof(word));
        if (!is_plain_word(word))
            return 0;
    }
    if (at == text.len)
        return 1;
    word = arc__slice_word(text, text.len >= sizeof(word) ? text.len - sizeof(word) : 0);
    return is_plain_word(text.len < 4 ? word | blanks << 24 : word);
}

/* The bytes at the start that are above ASCII: whole characters, or none. */
static size_t foreign_run(arc_slice text)
{
    size_t at = 0;
    while (at < text.len && (unsigned char)text.ptr[at] >= 0x80)
        at++;
    return at;
}

static void add_escape(struct arc_buf *out, char c)
{
    static const char digits[] = "0123456789abcdef";
    switch (c) {
    case '"':
        arc__buf_add(out, "\\\"", 2);
        break;
    case '\\':
        arc__buf_add(out, "\\\\", 2);
        break;
    case '\b':
        arc__buf_add(out, "\\b", 2);
        break;
    case '\f':
        arc__buf_add(out, "\\f", 2);
        break;
    case '\n':
        arc__buf_add(out, "\\n", 2);
        break;
    case '\r':
        arc__buf_add(out, "\\r", 2);
        break;
    case '\t':
        arc__buf_add(out, "\\t", 2);
        break;
    default:
        arc__buf_add(out, "\\u00", 4);
        arc__buf_add_char(out, digits[(unsigned char)c >> 4]);
        arc__buf_add_char(out, digits[(unsigned char)c & 15]);
    }
}

static void add_quoted(struct arc_buf *out, arc_slice text)
{
    size_t len = plain_run(text);
    if (len == text.len) { /* nearly always */
        char *at = arc__buf_reserve(out, len + 2);
        if (at == NULL)
            return;
        at[0] = '"';
        if (len > 0)
            memcpy(at + 1, text.ptr, len);
        at[len + 1] = '"';
        arc__buf_commit(out, len + 2);
        return;
    }
    arc__buf_add_char(out, '"');
    while (text.len > 0) {
        len = plain_run(text);
        arc__buf_add(out, text.ptr, len);
        text = arc__slice_from(text, len);
        len = foreign_run(text);
        if (len > 0)
            (void)arc__utf8_repair(out, arc__slice(text.ptr, len)); /* repaired is as good */
        text = arc__slice_from(text, len);
        for (; text.len > 0 && (unsigned char)text.ptr[0] < 0x80 && !is_plain(text.ptr[0]);
             text = arc__slice_from(text, 1))
            add_escape(out, text.ptr[0]);
    }
    arc__buf_add_char(out, '"');
}

void arc__json_key(struct arc_json *json, arc_slice key)
{
    struct arc_buf *out = json->out;
    separate(json);
    json->after_key = 1;
    if (plain_run(key) < key.len) {
        add_quoted(out, key);
        arc__buf_add_char(out, ':');
        return;
    }
    char *at = arc__buf_reserve(out, key.len + 3);
    if (at == NULL)
        return;
    at[0] = '"';
    if (key.len > 0)
        memcpy(at + 1, key.ptr, key.len);
    at[key.len + 1] = '"';
    at[key.len + 2] = ':';
    arc__buf_commit(out, key.len + 3);
}

/* Writes the comma, the key and its colon where there is room for so much more; the end of it.
 * NULL: nothing was written. */
static char *begin_pair(struct arc_json *json, arc_slice key, size_t room)
{
    uint8_t *level = &json->has_items[json->depth / 8];
    uint8_t bit = (uint8_t)(1U << json->depth % 8);
    size_t comma = (*level & bit) != 0;
    if (json->after_key || !arc__json_is_plain(key))
        return NULL;
    char *at = arc__buf_reserve(json->out, comma + key.len + 3 + room);
    if (at == NULL)
        return NULL;
    *level = (uint8_t)(*level | bit);
    if (comma)
        *at++ = ',';
    *at++ = '"';
    if (key.len > 0)
        memcpy(at, key.ptr, key.len);
    at[key.len] = '"';
    at[key.len + 1] = ':';
    return at + key.len + 2;
}

void arc__json_object_of(struct arc_json *json, const char *end)
{
    char *from = json->out->ptr + json->out->len;
    begin(json, '{');
    if (json->out->failed != ARC_OK || end == from)
        return;
    from[1] = '"'; /* the buffer has put its NUL there, and its bracket over the comma */
    arc__buf_commit(json->out, (size_t)(end - from) - 1);
    json->has_items[json->depth / 8] =
        (uint8_t)(json->has_items[json->depth / 8] | 1U << json->depth % 8);
}

static void end_pair(struct arc_json *json, const char *end)
{
    arc__buf_commit(json->out, (size_t)(end - (json->out->ptr + json->out->len)));
}

void arc__json_pair_text(struct arc_json *json, arc_slice key, arc_slice text)
{
    char *at = arc__json_is_plain(text) ? begin_pair(json, key, text.len + 2) : NULL;
    if (at == NULL) {
        arc__json_key(json, key);
        arc__json_text(json, text);
        return;
    }
    *at = '"';
    if (text.len > 0)
        memcpy(at + 1, text.ptr, text.len);
    at[text.len + 1] = '"';
    end_pair(json, at + text.len + 2);
}

void arc__json_pair_i64(struct arc_json *json, arc_slice key, int64_t value)
{
    const char *at = begin_pair(json, key, 0);
    if (at == NULL) {
        arc__json_key(json, key);
        arc__json_i64(json, value);
        return;
    }
    end_pair(json, at);
    arc__buf_add_i64(json->out, value);
}

void arc__json_text(struct arc_json *json, arc_slice text)
{
    separate(json);
    add_quoted(json->out, text);
}

void arc__json_i64(struct arc_json *json, int64_t value)
{
    separate(json);
    arc__buf_add_i64(json->out, value);
}

void arc__json_u64(struct arc_json *json, uint64_t value)
{
    separate(json);
    arc__buf_add_u64(json->out, value);
}

/* The fewest digits that read back as the same number. Normal numbers have 15 good digits, and %g
 * leaves out trailing zeros, so fewer need not be tried; subnormal ones have fewer. */
static void shortest(double value, char *out, size_t size)
{
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        (void)snprintf(out, size, "%.*g", digits, value); /* 24 bytes at most */
        if (memcmp(&(double){strtod(out, NULL)}, &value, sizeof(value)) == 0)
            return;
    }
}

void arc__json_double(struct arc_json *json, double value)
{
    char text[64];
    if (!isfinite(value)) { /* JSON has no word for it */
        arc__json_null(json);
        return;
    }
    shortest(value, text, sizeof(text));
    separate(json);
    for (const char *p = text; *p != '\0'; p++) {
        /* The host's locale may have put something else than a point, of one byte or more. */
        if ((*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == 'e')
            arc__buf_add_char(json->out, *p);
        else if (p == text || ((unsigned char)*p & 0xC0) != 0x80)
            arc__buf_add_char(json->out, '.');
    }
}

void arc__json_bool(struct arc_json *json, int value)
{
    separate(json);
    arc__buf_add_slice(json->out, value ? ARC_LIT("true") : ARC_LIT("false"));
}

void arc__json_null(struct arc_json *json)
{
    separate(json);
    arc__buf_add_slice(json->out, ARC_LIT("null"));
}

void arc__json_raw(struct arc_json *json, arc_slice value)
{
    if (value.len == 0) { /* nothing is no value */
        arc__json_null(json);
        return;
    }
    separate(json);
    arc__buf_add_slice(json->out, value);
}
