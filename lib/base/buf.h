/* SPDX-License-Identifier: Apache-2.0 */
/* A growable byte buffer with a ceiling and a sticky failure flag: append ten things, check once.
 * What was appended is always followed by a NUL that does not count. */
#ifndef ARC_BASE_BUF_H
#define ARC_BASE_BUF_H

#include "base/err.h"
#include "base/mem.h"

struct arc_buf {
    struct arc_mem mem;
    char *ptr;
    size_t len;
    size_t capacity;
    size_t max_bytes;
    arc_status failed; /* ARC_OK, ARC_ENOMEM or ARC_ELIMIT; further appends do nothing */
};

void arc__buf_init(struct arc_buf *buf, const struct arc_mem *mem, size_t max_bytes);
void arc__buf_deinit(struct arc_buf *buf); /* a zeroed struct is fine */
void arc__buf_clear(struct arc_buf *buf);  /* keeps the memory, clears the failure */

void arc__buf_add(struct arc_buf *buf, const void *bytes, size_t len);
void arc__buf_add_slice(struct arc_buf *buf, arc_slice text);
void arc__buf_add_cstr(struct arc_buf *buf, const char *text);
void arc__buf_add_char(struct arc_buf *buf, char c);
void arc__buf_add_i64(struct arc_buf *buf, int64_t value);
/* The decimal number at `at`, without a NUL; the end of it. At most ARC_I64_LEN bytes. */
char *arc__put_i64(char *at, int64_t value);
#define ARC_I64_LEN 20 /* -9223372036854775808 */
void arc__buf_add_u64(struct arc_buf *buf, uint64_t value);
void arc__buf_printf(struct arc_buf *buf, const char *format, ...) ARC_PRINTF(2, 3);
/* Room for len more bytes, written by the caller, then counted by arc__buf_commit. NULL: refused.
 */
char *arc__buf_reserve(struct arc_buf *buf, size_t len);
void arc__buf_commit(struct arc_buf *buf, size_t len);
/* Drops the first len bytes (moves the rest). */
void arc__buf_consume(struct arc_buf *buf, size_t len);
void arc__buf_truncate(struct arc_buf *buf, size_t len);

static inline arc_slice arc__buf_slice(const struct arc_buf *buf)
{
    return (arc_slice){buf->ptr, buf->len};
}
/* ARC_OK, or raises the sticky failure. */
arc_status arc__buf_check(const struct arc_buf *buf, arc_err *err);
/* The memory is the caller's now (arc__free with the same mem); NULL when failed. Never NULL for an
 * empty buffer otherwise. */
char *arc__buf_take(struct arc_buf *buf, size_t *len);

#endif
