/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings. Decoders refuse what they do not know rather than skip it: two readings of one text
 * are how checks are passed by. */
#include "base/text.h"

#include <arcentra/base.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64 /* bytes; longer words are nobody's typing mistake */
#define NUMBER_MAX 500

/* --- UTF-8 ---------------------------------------------------------------------------------- */

/* The bytes at the start of text that are ASCII, many at a time. */
static size_t ascii_run(const char *p, size_t len)
{
    size_t at = 0;
    for (uint64_t words[4]; len - at >= sizeof(words); at += sizeof(words)) {
        memcpy(words, p + at, sizeof(words));
        if (((words[0] | words[1] | words[2] | words[3]) & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    while (at < len && (unsigned char)p[at] < 0x80)
        at++;
    return at;
}

/* One character at p (len > 0). *ok: it is whole and valid; the answer is its length. Else the
 * answer is the length of what one U+FFFD stands for: the longest beginning of a valid character,
 * or one byte (Unicode 15, section 3.9, "substitution of maximal subparts"). */
static size_t one_character(const char *p, size_t len, int *ok)
{
    unsigned char lead = (unsigned char)p[0];
    unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte (table 3-7) */
    size_t need = 0;
    *ok = 0;
    if (lead < 0x80) {
        *ok = 1;
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF)
        need = 2;
    else if (lead >= 0xE0 && lead <= 0xEF)
        need = 3;
    else if (lead >= 0xF0 && lead <= 0xF4)
        need = 4;
    else
        return 1;
    if (lead == 0xE0)
        low = 0xA0; /* else overlong */
    else if (lead == 0xED)
        high = 0x9F; /* else a surrogate */
    else if (lead == 0xF0)
        low = 0x90; /* else overlong */
    else if (lead == 0xF4)
        high = 0x8F; /* else beyond U+10FFFF */
    for (size_t i = 1; i < need; i++) {
        if (i >= len || (unsigned char)p[i] < low || (unsigned char)p[i] > high)
            return i;
        low = 0x80;
        high = 0xBF;
    }
    *ok = 1;
    return need;
}

/* The length of the longest valid prefix. */
static size_t valid_prefix(arc_slice text)
{
    size_t at = 0;
    while (at < text.len) {
        int ok = 0;
        at += ascii_run(text.ptr + at, text.len - at);
        if (at == text.len)
            break;
        size_t len = one_character(text.ptr + at, text.len - at, &ok);
        if (!ok)
            break;
        at += len;
    }
    return at;
}

/* Sixteen bytes as compilers know them; where a processor has no such, they make words of them. */
typedef signed char bytes16 __attribute__((vector_size(16)));

static bytes16 bytes16_at(const char *p)
{
    bytes16 bytes;
    memcpy(&bytes, p, sizeof(bytes));
    return bytes;
}

int arc__text_is_ascii(arc_slice text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
    uint64_t words[2];
    if (text.len >= sizeof(bytes16)) {
        bytes16 found = bytes16_at(text.ptr + text.len - sizeof(found)) < 1; /* some of it twice */
        for (size_t at = 0; text.len - at > sizeof(found); at += sizeof(found))
            found |= bytes16_at(text.ptr + at) < 1;
        memcpy(words, &found, sizeof(found));
        return (words[0] | words[1]) == 0;
    }
    /* A byte that is 0 borrows and a byte above ASCII has the bit: "none" is exact. */
    words[0] = words[1] = arc__slice_word(text, 0);
    if (text.len >= sizeof(words[0]))
        words[1] = arc__slice_word(text, text.len - sizeof(words[0]));
    else if (text.len < 4)
        words[0] = words[1] |= text.len > 0 ? ones << 24 : ones;
    return ((words[0] | (words[0] - ones) | words[1] | (words[1] - ones)) & highs) == 0;
}

size_t arc__ascii_prefix(arc_slice text)
{
    return text.len > 0 ? ascii_run(text.ptr, text.len) : 0;
}

int arc__utf8_valid(arc_slice text, size_t *bad_at)
{
    size_t good = valid_prefix(text);
    if (good == text.len)
        return 1;
    if (bad_at != NULL)
        *bad_at = good;
    return 0;
}

size_t arc__utf8_prefix(arc_slice text, size_t max)
{
    if (text.len > max)
        text.len = max; /* a character that is cut here is not valid any more, and so left out */
    return valid_prefix(text);
}

int arc__utf8_repair(struct arc_buf *out, arc_slice text)
{
    int replaced = 0;
    while (text.len > 0) {
        int ok = 0;
        size_t good = valid_prefix(text);
        arc__buf_add(out, text.ptr, good);
        text = arc__slice_from(text, good);
        if (text.len == 0)
            break;
        size_t bad = one_character(text.ptr, text.len, &ok);
        arc__buf_add_slice(out, ARC_LIT("\xEF\xBF\xBD"));
        text = arc__slice_from(text, bad);
        replaced = 1;
    }
    return replaced;
}

size_t arc__utf8_put(char *to, uint32_t character)
{
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t len = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        to[i] = (char)(unsigned char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    to[0] = (char)(unsigned char)(leads[len] | character);
    return len;
}

uint32_t arc__utf8_get(arc_slice text, size_t *len)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    size_t bytes = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    uint32_t character = bytes == 1 ? p[0] : p[0] & (0x7FU >> bytes);
    for (size_t i = 1; i < bytes && i < text.len; i++)
        character = character << 6 | (p[i] & 0x3FU);
    if (len != NULL)
        *len = bytes < text.len ? bytes : text.len;
    return character;
}

size_t arc__utf8_count(arc_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    return count;
}

/* --- base64 and hex ------------------------------------------------------------------------- */

void arc__base64_add(struct arc_buf *out, arc_slice bytes, int padded)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    if (bytes.len / 3 >= PTRDIFF_MAX / 4 - 1) {
        if (out->failed == ARC_OK)
            out->failed = ARC_ELIMIT;
        return;
    }
    size_t rest = bytes.len % 3;
    size_t len = bytes.len / 3 * 4 + (rest == 0 ? 0 : padded ? 4 : rest + 1);
    char *to = len > 0 ? arc__buf_reserve(out, len) : NULL;
    if (to == NULL)
        return;
    size_t i = 0;
    for (; i + 3 <= bytes.len; i += 3) {
        uint32_t word = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
        *to++ = alphabet[word >> 18];
        *to++ = alphabet[word >> 12 & 63];
        *to++ = alphabet[word >> 6 & 63];
        *to++ = alphabet[word & 63];
    }
    if (rest > 0) {
        uint32_t word = (uint32_t)p[i] << 16 | (rest == 2 ? (uint32_t)p[i + 1] << 8 : 0);
        *to++ = alphabet[word >> 18];
        *to++ = alphabet[word >> 12 & 63];
        if (rest == 2)
            *to++ = alphabet[word >> 6 & 63];
        if (padded)
            memcpy(to, "==", 3 - rest);
    }
    arc__buf_commit(out, len);
}

/* 0 to 63, or -1. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

static arc_status bad_base64(arc_err *err)
{
    return arc__fail(err, ARC_EINVAL, "base64", "The text is not base64.");
}

arc_status arc__base64_decode(arc_slice text, struct arc_arena *arena, arc_slice *out, arc_err *err)
{
    if (text.len > 0 && text.len % 4 == 0 && text.ptr[text.len - 1] == '=')
        text.len -= text.ptr[text.len - 2] == '=' ? 2 : 1;
    if (text.len % 4 == 1)
        return bad_base64(err);
    size_t len = text.len / 4 * 3 + (text.len % 4 != 0 ? text.len % 4 - 1 : 0);
    uint32_t word = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < text.len; i++) { /* checked first: a refusal costs no memory */
        if (base64_value(text.ptr[i]) < 0)
            return bad_base64(err);
    }
    char *bytes = arc__arena_alloc(arena, len + 1);
    if (bytes == NULL)
        return arc__fail_nomem(err);
    char *to = bytes;
    for (size_t i = 0; i < text.len; i++) {
        word = word << 6 | (uint32_t)base64_value(text.ptr[i]);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *to++ = (char)(unsigned char)(word >> bits);
            word &= (UINT32_C(1) << bits) - 1;
        }
    }
    if (word != 0) /* bits that say nothing: the same bytes would have several texts */
        return bad_base64(err);
    *out = len > 0 ? arc__slice(bytes, len) : ARC_NONE;
    return ARC_OK;
}

void arc__hex_add(struct arc_buf *out, arc_slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (bytes.len > PTRDIFF_MAX / 2) {
        if (out->failed == ARC_OK)
            out->failed = ARC_ELIMIT;
        return;
    }
    char *to = bytes.len > 0 ? arc__buf_reserve(out, bytes.len * 2) : NULL;
    if (to == NULL)
        return;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    arc__buf_commit(out, bytes.len * 2);
}

/* --- percent -------------------------------------------------------------------------------- */

/* 0 to 15, or -1. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that an escape at text[at] stands for, or -1. */
static int escaped_byte(arc_slice text, size_t at)
{
    if (text.len - at < 3)
        return -1;
    int high = hex_value(text.ptr[at + 1]), low = hex_value(text.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

arc_status arc__percent_decode(arc_slice text, struct arc_arena *arena, arc_slice *out,
                               arc_err *err)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; len++) {
        int byte = text.ptr[i] == '%' ? escaped_byte(text, i) : (unsigned char)text.ptr[i];
        if (byte < 0)
            return arc__fail(err, ARC_EINVAL, "percent", "A %% needs two hex digits after it.");
        if (byte == 0) /* whoever reads it as a C string would see another text than we do */
            return arc__fail(err, ARC_EINVAL, "percent", "The text may not contain a NUL.");
        i += text.ptr[i] == '%' ? 3 : 1;
    }
    char *bytes = arc__arena_alloc(arena, len + 1);
    if (bytes == NULL)
        return arc__fail_nomem(err);
    char *to = bytes;
    for (size_t i = 0; i < text.len;) {
        if (text.ptr[i] == '%') {
            *to++ = (char)(unsigned char)escaped_byte(text, i);
            i += 3;
        } else {
            *to++ = text.ptr[i++];
        }
    }
    *out = len > 0 ? arc__slice(bytes, len) : ARC_NONE;
    return ARC_OK;
}

static int is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void arc__percent_add(struct arc_buf *out, arc_slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (is_unreserved(text.ptr[i])) {
            arc__buf_add_char(out, text.ptr[i]);
        } else {
            const char escape[3] = {'%', digits[byte >> 4], digits[byte & 15]};
            arc__buf_add(out, escape, sizeof(escape));
        }
    }
}

/* --- numbers -------------------------------------------------------------------------------- */

static size_t digits_at(arc_slice text, size_t at)
{
    size_t from = at;
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
        at++;
    return at - from;
}

/* The form above; *dot is where the point is, or the length of the text. */
static int is_decimal_number(arc_slice text, size_t *dot)
{
    size_t at = text.len > 0 && text.ptr[0] == '-', run = digits_at(text, at);
    *dot = text.len;
    if (run == 0)
        return 0;
    at += run;
    if (at < text.len && text.ptr[at] == '.') {
        *dot = at++;
        run = digits_at(text, at);
        if (run == 0)
            return 0;
        at += run;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-'))
            at++;
        run = digits_at(text, at);
        if (run == 0)
            return 0;
        at += run;
    }
    return at == text.len;
}

/* Fifteen digits are a whole number that a double holds, and so is a power of ten up to 10^22:
 * their quotient is rounded once, to what strtod answers. 0: it is none of these, or not known. */
static int quick_double(arc_slice text, double *out)
{
    uint64_t digits = 0, power = 1;
    size_t first = text.ptr[0] == '-', behind_dot = 0;
    if (FLT_EVAL_METHOD != 0 || text.len > 16 + first)
        return 0;
    for (size_t i = first; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.') {
            behind_dot = 1;
        } else if (c >= '0' && c <= '9' && digits < UINT64_C(100000000000000)) {
            digits = digits * 10 + (uint64_t)(c - '0');
            power = behind_dot ? power * 10 : 1;
        } else {
            return 0;
        }
    }
    *out = (double)digits / (double)power;
    if (first == 1)
        *out = -*out;
    return 1;
}

int arc__text_to_double(arc_slice text, double *out)
{
    char copy[NUMBER_MAX + 20], half[16];
    size_t dot = 0, len = 0, point = 0;
    if (text.len > NUMBER_MAX || !is_decimal_number(text, &dot))
        return 0;
    if (quick_double(text, out))
        return 1;
    memcpy(copy, text.ptr, dot);
    len = dot;
    if (dot < text.len) {
        /* strtod wants the point of the host's locale; what that is, printf shows between 0 and 5.
         */
        point = (size_t)snprintf(half, sizeof(half), "%.1f", 0.5) - 2;
        memcpy(copy + len, half + 1, point);
        len += point;
        memcpy(copy + len, text.ptr + dot + 1, text.len - dot - 1);
        len += text.len - dot - 1;
    }
    copy[len] = '\0';
    double value = strtod(copy, NULL);
    if (!isfinite(value))
        return 0;
    *out = value;
    return 1;
}

/* --- did you mean --------------------------------------------------------------------------- */

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours, letters' case ignored. Both at most
 * WORD_MAX long. Three rows of the usual table are enough: a swap looks back two. */
static size_t distance(arc_slice a, arc_slice b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.len; j++) {
        before[j] = 0; /* not read in the first row */
        last[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = lower(a.ptr[i - 1]), y = lower(b.ptr[j - 1]);
            now[j] = least(last[j - 1] + (x != y), least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && y == lower(a.ptr[i - 2]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b.len];
}

arc_slice arc__nearest(arc_slice word, const arc_slice *candidates, size_t count)
{
    arc_slice best = ARC_NONE;
    size_t best_distance = SIZE_MAX;
    if (word.len == 0 || word.len > WORD_MAX)
        return ARC_NONE;
    for (size_t i = 0; i < count; i++) {
        if (candidates[i].len == 0 || candidates[i].len > WORD_MAX)
            continue;
        size_t longer = word.len > candidates[i].len ? word.len : candidates[i].len;
        size_t apart = distance(word, candidates[i]);
        /* One mistake in three letters: more is another word. */
        if (apart * 3 <= longer && apart < best_distance) {
            best = candidates[i];
            best_distance = apart;
        }
    }
    return best;
}
