/* SPDX-License-Identifier: Apache-2.0 */
/* A text that grows, for the programs. All zeros is an empty one. */
#ifndef EXAMPLES_COMMON_TEXT_H
#define EXAMPLES_COMMON_TEXT_H

#include <stdarg.h>
#include <stddef.h>

struct text {
    char *ptr; /* NUL-terminated beyond len once something was added; NULL before */
    size_t len, room;
};

void text_add(struct text *text, const void *bytes, size_t len);
void text_put(struct text *text, const char *cstr);
__attribute__((__format__(__printf__, 2, 3))) void text_printf(struct text *text,
                                                               const char *format, ...);
__attribute__((__format__(__printf__, 2, 0))) void text_vprintf(struct text *text,
                                                                const char *format, va_list args);
/* Never NULL. Owner: text. */
const char *text_get(const struct text *text);
/* Forgets the first len bytes. */
void text_skip(struct text *text, size_t len);
/* Empties it and keeps its room. */
void text_clear(struct text *text);
/* Its bytes, and text is empty. Owner: the caller, mem_free. */
char *text_take(struct text *text);
void text_deinit(struct text *text);

/* A URL as it may be shown: without user, password and parameters. */
void text_put_url(struct text *text, const char *url);

#endif
