/* SPDX-License-Identifier: Apache-2.0 */
/* len <= max_bytes always, and where ptr is set there is a NUL at ptr[len]. After a failure nothing
 * changes until the buffer is cleared, so what is in it is a true prefix of what was meant. */
#include "base/buf.h"

#include <arcentra/base.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CAPACITY_FIRST ((size_t)64)

void arc__buf_init(struct arc_buf *buf, const struct arc_mem *mem, size_t max_bytes)
{
    size_t max = max_bytes < PTRDIFF_MAX / 2 ? max_bytes : PTRDIFF_MAX / 2;
    *buf = (struct arc_buf){.mem = *mem, .max_bytes = max};
}

void arc__buf_deinit(struct arc_buf *buf)
{
    if (buf->ptr != NULL)
        arc__free(&buf->mem, buf->ptr);
    buf->ptr = NULL;
    buf->len = buf->capacity = 0;
}

void arc__buf_clear(struct arc_buf *buf)
{
    buf->failed = ARC_OK;
    buf->len = 0;
    if (buf->ptr != NULL)
        buf->ptr[0] = '\0';
}

/* Room for len more and the NUL. 1: there is. */
static int make_room(struct arc_buf *buf, size_t len)
{
    if (buf->failed != ARC_OK)
        return 0;
    if (len > buf->max_bytes - buf->len) {
        buf->failed = ARC_ELIMIT;
        return 0;
    }
    size_t need = buf->len + len + 1;
    if (need <= buf->capacity)
        return 1;
    size_t capacity = buf->capacity < CAPACITY_FIRST / 2 ? CAPACITY_FIRST : buf->capacity * 2;
    if (capacity < need)
        capacity = need;
    if (capacity > buf->max_bytes + 1)
        capacity = buf->max_bytes + 1;
    char *fresh = arc__realloc(&buf->mem, buf->ptr, capacity);
    if (fresh == NULL) {
        buf->failed = ARC_ENOMEM;
        return 0;
    }
    fresh[buf->len] = '\0';
    buf->ptr = fresh;
    buf->capacity = capacity;
    return 1;
}

void arc__buf_add(struct arc_buf *buf, const void *bytes, size_t len)
{
    if (len == 0 || !make_room(buf, len))
        return;
    memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void arc__buf_add_slice(struct arc_buf *buf, arc_slice text)
{
    arc__buf_add(buf, text.ptr, text.len);
}

void arc__buf_add_cstr(struct arc_buf *buf, const char *text)
{
    arc__buf_add(buf, text, text != NULL ? strlen(text) : 0);
}

void arc__buf_add_char(struct arc_buf *buf, char c)
{
    if (buf->failed == ARC_OK && buf->len + 1 < buf->capacity) {
        buf->ptr[buf->len++] = c;
        buf->ptr[buf->len] = '\0';
        return;
    }
    arc__buf_add(buf, &c, 1);
}

void arc__buf_add_u64(struct arc_buf *buf, uint64_t value)
{
    char digits[20]; /* 18446744073709551615 */
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    arc__buf_add(buf, digits + at, sizeof(digits) - at);
}

char *arc__put_i64(char *at, int64_t value)
{
    char digits[ARC_I64_LEN];
    size_t first = sizeof(digits);
    /* Negated as unsigned: INT64_MIN has no positive twin. */
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--first] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0)
        digits[--first] = '-';
    memcpy(at, digits + first, sizeof(digits) - first);
    return at + (sizeof(digits) - first);
}

void arc__buf_add_i64(struct arc_buf *buf, int64_t value)
{
    char digits[ARC_I64_LEN];
    arc__buf_add(buf, digits, (size_t)(arc__put_i64(digits, value) - digits));
}

void arc__buf_printf(struct arc_buf *buf, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    if (len < 0) {
        if (buf->failed == ARC_OK)
            buf->failed = ARC_ELIMIT; /* more than INT_MAX bytes */
    } else if (len > 0 && make_room(buf, (size_t)len)) {
        (void)vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, again); /* it fits */
        buf->len += (size_t)len;
    }
    va_end(again);
    va_end(arguments);
}

char *arc__buf_reserve(struct arc_buf *buf, size_t len)
{
    return make_room(buf, len) ? buf->ptr + buf->len : NULL;
}

void arc__buf_commit(struct arc_buf *buf, size_t len)
{
    if (buf->failed != ARC_OK || len == 0)
        return;
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void arc__buf_consume(struct arc_buf *buf, size_t len)
{
    if (buf->len == 0 || len == 0)
        return;
    size_t gone = len < buf->len ? len : buf->len;
    memmove(buf->ptr, buf->ptr + gone, buf->len - gone);
    buf->len -= gone;
    buf->ptr[buf->len] = '\0';
}

void arc__buf_truncate(struct arc_buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    buf->len = len;
    buf->ptr[len] = '\0';
}

arc_status arc__buf_check(const struct arc_buf *buf, arc_err *err)
{
    if (buf->failed == ARC_OK)
        return ARC_OK;
    if (buf->failed == ARC_ENOMEM)
        return arc__fail_nomem(err);
    return arc__fail(err, buf->failed, "buffer", "The text is longer than %zu bytes.",
                     buf->max_bytes);
}

char *arc__buf_take(struct arc_buf *buf, size_t *len)
{
    if (!make_room(buf, 0))
        return NULL;
    char *taken = buf->ptr;
    if (len != NULL)
        *len = buf->len;
    buf->ptr = NULL;
    buf->len = buf->capacity = 0;
    return taken;
}
