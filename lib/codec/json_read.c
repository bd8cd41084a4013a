/* SPDX-License-Identifier: Apache-2.0 */
/* yajl, fenced in. It has four faults that matter to a server: it crashes when its allocator says
 * no; it takes overlong and surrogate UTF-8, lone surrogate escapes (which it turns into "?") and
 * form feeds; its depth is bounded by memory alone; its tokens are as long as the text. So one pass
 * over the bytes checks all of that first and finds the longest token, and yajl then runs on memory
 * that was taken before and is enough for its worst case: its allocator cannot fail. */
#include "codec/json_read.h"

#include <arcentra/base.h>

#include <string.h>
#include <yajl/yajl_parse.h>

#include "base/text.h"

/* No number that fits its field is longer. */
#define NUMBER_BYTES_MAX 64

void arc__pb_json_place(arc_slice text, size_t offset, uint32_t *line, uint32_t *column)
{
    uint32_t row = 1, col = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            row++;
            col = 1;
        } else if (((unsigned char)text.ptr[i] & 0xC0) != 0x80) {
            col++;
        }
    }
    *line = row;
    *column = col;
}

/* ---- the pass before ------------------------------------------------------------------------ */

struct scan {
    arc_slice text;
    size_t at;
    uint32_t depth;
    size_t longest; /* raw bytes of the longest token */
    const struct arc_pb_json_bounds *bounds;
    arc_err *err;
};

static arc_status refuse(const struct scan *s, arc_status status, const char *why)
{
    uint32_t line = 0, column = 0;
    arc__pb_json_place(s->text, s->at, &line, &column);
    return arc__fail_at(s->err, status, line, column, "json", "%s", why);
}

/* The four hex digits behind \u at s->at, or -1. */
static int32_t hex4(const struct scan *s, size_t at)
{
    int32_t value = 0;
    if (s->text.len - at < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        char c = s->text.ptr[at + i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* s->at is behind the backslash. */
static arc_status scan_escape(struct scan *s)
{
    if (s->at == s->text.len)
        return refuse(s, ARC_EINVAL, "The text ends inside a string.");
    char c = s->text.ptr[s->at++];
    if (c != 'u')
        return memchr("\"\\/bfnrt", c, 8) != NULL
                   ? ARC_OK
                   : refuse(s, ARC_EINVAL, "There is no such escape.");
    int32_t code = hex4(s, s->at);
    if (code < 0)
        return refuse(s, ARC_EINVAL, "\\u needs four hex digits.");
    s->at += 4;
    if (code == 0)
        return refuse(s, ARC_EINVAL, "A string may not hold NUL.");
    if (code < 0xD800 || code > 0xDFFF)
        return ARC_OK;
    int32_t low = -1;
    if (code < 0xDC00 && s->text.len - s->at >= 6 && s->text.ptr[s->at] == '\\' &&
        s->text.ptr[s->at + 1] == 'u')
        low = hex4(s, s->at + 2);
    if (low < 0xDC00 || low > 0xDFFF)
        return refuse(s, ARC_EINVAL, "Half of a surrogate pair stands alone.");
    s->at += 6;
    return ARC_OK;
}

/* s->at is behind the opening quote. */
static arc_status scan_string(struct scan *s)
{
    size_t start = s->at;
    for (;;) {
        if (s->at == s->text.len)
            return refuse(s, ARC_EINVAL, "The text ends inside a string.");
        unsigned char c = (unsigned char)s->text.ptr[s->at];
        if (c < 0x20)
            return refuse(s, ARC_EINVAL, "A control character in a string must be escaped.");
        s->at++;
        if (c == '"')
            break;
        if (c == '\\')
            ARC_TRY(scan_escape(s));
    }
    size_t len = s->at - start;
    if (len > s->longest)
        s->longest = len;
    /* An escape is six bytes for one at most; the exact length is checked when it is decoded. */
    if (len / 6 > s->bounds->string_bytes_max)
        return refuse(s, ARC_ELIMIT, "A string is too long.");
    return ARC_OK;
}

static int is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

/* Numbers, true, false, null: yajl says whether they are. */
static arc_status scan_word(struct scan *s)
{
    size_t start = s->at;
    while (s->at < s->text.len && is_word(s->text.ptr[s->at]))
        s->at++;
    size_t len = s->at - start;
    if (len > s->longest)
        s->longest = len;
    if (len > NUMBER_BYTES_MAX) {
        s->at = start;
        return refuse(s, ARC_ELIMIT, "A number is too long.");
    }
    return ARC_OK;
}

static arc_status scan_all(struct scan *s)
{
    size_t bad = 0;
    if (!arc__utf8_valid(s->text, &bad)) {
        s->at = bad;
        return refuse(s, ARC_EINVAL, "The text is not UTF-8.");
    }
    while (s->at < s->text.len) {
        char c = s->text.ptr[s->at];
        if (is_word(c)) {
            ARC_TRY(scan_word(s));
            continue;
        }
        if (c == '{' || c == '[') {
            if (++s->depth > s->bounds->depth_max)
                return refuse(s, ARC_ELIMIT, "Objects and lists are nested too deep.");
        } else if (c == '}' || c == ']') {
            if (s->depth-- == 0)
                return refuse(s, ARC_EINVAL, "A bracket closes what was not opened.");
        } else if (c != '"' && c != ',' && c != ':' && c != ' ' && c != '\t' && c != '\n' &&
                   c != '\r') {
            return refuse(s, ARC_EINVAL, "This character does not belong here.");
        }
        s->at++;
        if (c == '"')
            ARC_TRY(scan_string(s));
    }
    if (s->depth != 0)
        return refuse(s, ARC_EINVAL, "The text ends inside an object or a list.");
    return ARC_OK;
}

/* ---- yajl's memory -------------------------------------------------------------------------- */

/* A bump allocator that never frees. In front of each piece stands its size, for realloc. */
struct pool {
    char *bytes;
    size_t size, used;
};

#define PIECE_HEAD 16

/* A buffer of yajl's begins with 2048 bytes and doubles until it is larger than what it holds. The
 * sum of such a row is under twice its last, and the last under twice what is needed, or 2048. */
static size_t buffer_size(size_t token)
{
    return 4 * (token + 64) + 2 * 2048 + 32 * PIECE_HEAD;
}

/* What yajl takes at most: its handle and lexer, whose fields are a few hundred bytes; its stack of
 * states, a byte a level, which grows by 128; a buffer for decoding strings with escapes; and one
 * for the token that the text ends in, which is never a string, as the pass before has seen. */
static size_t pool_size(const struct scan *s)
{
    size_t levels = (size_t)s->bounds->depth_max + 128;
    size_t states = levels * (levels / 128 + 2) + 16 * PIECE_HEAD;
    return buffer_size(s->longest) + buffer_size(NUMBER_BYTES_MAX) + states + 2048;
}

static void *pool_malloc(void *ctx, size_t size)
{
    struct pool *pool = ctx;
    size_t rounded = (size + 15) & ~(size_t)15;
    if (rounded < size || pool->size - pool->used < PIECE_HEAD ||
        pool->size - pool->used - PIECE_HEAD < rounded)
        return NULL; /* pool_size() is wrong: a test holds it against the worst texts */
    char *piece = pool->bytes + pool->used;
    memcpy(piece, &size, sizeof(size));
    pool->used += PIECE_HEAD + rounded;
    return piece + PIECE_HEAD;
}

static void pool_free(void *ctx, void *ptr)
{
    (void)ctx;
    (void)ptr;
}

static void *pool_realloc(void *ctx, void *ptr, size_t size)
{
    void *fresh = pool_malloc(ctx, size);
    if (fresh != NULL && ptr != NULL) {
        size_t before = 0;
        memcpy(&before, (const char *)ptr - PIECE_HEAD, sizeof(before));
        memcpy(fresh, ptr, before < size ? before : size);
    }
    return fresh;
}

/* ---- tokens --------------------------------------------------------------------------------- */

struct reader {
    struct scan scan;
    yajl_handle handle;
    arc_pb_sink sink;
    void *user;
    arc_status status;
    int at_end; /* the last call, in which yajl's offset is not ours */
};

static int give(struct reader *r, enum arc_pb_token_kind kind, int truth, arc_slice text)
{
    size_t end = r->at_end ? r->scan.text.len : yajl_get_bytes_consumed(r->handle);
    r->scan.at = end;
    if (text.len > r->scan.bounds->string_bytes_max) {
        r->status = refuse(&r->scan, ARC_ELIMIT, "A string is too long.");
        return 0;
    }
    struct arc_pb_token token = {kind, truth, text, end};
    r->status = r->sink(r->user, &token);
    return r->status == ARC_OK;
}

static int on_null(void *ctx)
{
    return give(ctx, ARC_PB_TOKEN_NULL, 0, ARC_NONE);
}

static int on_bool(void *ctx, int truth)
{
    return give(ctx, ARC_PB_TOKEN_BOOL, truth, ARC_NONE);
}

static int on_number(void *ctx, const char *text, size_t len)
{
    return give(ctx, ARC_PB_TOKEN_NUMBER, 0, arc__slice(text, len));
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
    return give(ctx, ARC_PB_TOKEN_TEXT, 0, arc__slice(text, len));
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
    return give(ctx, ARC_PB_TOKEN_KEY, 0, arc__slice(text, len));
}

static int on_object(void *ctx)
{
    return give(ctx, ARC_PB_TOKEN_OBJECT, 0, ARC_NONE);
}

static int on_end_object(void *ctx)
{
    return give(ctx, ARC_PB_TOKEN_END_OBJECT, 0, ARC_NONE);
}

static int on_list(void *ctx)
{
    return give(ctx, ARC_PB_TOKEN_LIST, 0, ARC_NONE);
}

static int on_end_list(void *ctx)
{
    return give(ctx, ARC_PB_TOKEN_END_LIST, 0, ARC_NONE);
}

static arc_status parse(struct reader *r, struct pool *pool)
{
    static const yajl_callbacks callbacks = {
        on_null,   on_bool, NULL,          NULL,    on_number,   on_string,
        on_object, on_key,  on_end_object, on_list, on_end_list,
    };
    yajl_alloc_funcs memory = {pool_malloc, pool_realloc, pool_free, pool};
    r->handle = yajl_alloc(&callbacks, &memory, r);
    if (r->handle == NULL)
        return arc__fail_nomem(r->scan.err);
    yajl_status status =
        yajl_parse(r->handle, (const unsigned char *)r->scan.text.ptr, r->scan.text.len);
    size_t at = yajl_get_bytes_consumed(r->handle);
    if (status == yajl_status_ok) {
        r->at_end = 1;
        at = r->scan.text.len;
        status = yajl_complete_parse(r->handle);
    }
    yajl_free(r->handle); /* gives nothing back, but it is yajl's to say so */
    if (r->status != ARC_OK || status == yajl_status_ok)
        return r->status;
    r->scan.at = at;
    return refuse(&r->scan, ARC_EINVAL, "The text is not JSON.");
}

arc_status arc__pb_json_read(arc_slice text, const struct arc_pb_json_bounds *bounds,
                             const struct arc_mem *mem, arc_pb_sink sink, void *user, arc_err *err)
{
    struct reader r = {.scan = {.text = text, .bounds = bounds, .err = err},
                       .sink = sink,
                       .user = user,
                       .status = ARC_OK};
    ARC_TRY(scan_all(&r.scan));
    struct pool pool = {.size = pool_size(&r.scan)};
    pool.bytes = arc__alloc(mem, pool.size);
    if (pool.bytes == NULL)
        return arc__fail_nomem(err);
    arc_status status = parse(&r, &pool);
    arc__free(mem, pool.bytes);
    return status;
}
