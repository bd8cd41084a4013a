/* SPDX-License-Identifier: Apache-2.0 */
#include "common/text.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

static void reserve(struct text *text, size_t more)
{
    size_t need = text->len + more + 1;
    if (need <= text->room)
        return;
    size_t room = text->room > 0 ? text->room : 64;
    while (room < need)
        room *= 2;
    text->ptr = mem_grow(text->ptr, room);
    text->room = room;
}

void text_add(struct text *text, const void *bytes, size_t len)
{
    reserve(text, len);
    if (len > 0)
        memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
    text->ptr[text->len] = '\0';
}

void text_put(struct text *text, const char *cstr)
{
    text_add(text, cstr, strlen(cstr));
}

__attribute__((__format__(__printf__, 2, 0))) void text_vprintf(struct text *text,
                                                                const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len > 0) {
        reserve(text, (size_t)len);
        vsnprintf(text->ptr + text->len, (size_t)len + 1, format, again);
        text->len += (size_t)len;
    }
    va_end(again);
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_vprintf(text, format, args);
    va_end(args);
}

const char *text_get(const struct text *text)
{
    return text->ptr != NULL ? text->ptr : "";
}

void text_skip(struct text *text, size_t len)
{
    if (len >= text->len) {
        text_clear(text);
        return;
    }
    memmove(text->ptr, text->ptr + len, text->len - len);
    text->len -= len;
    text->ptr[text->len] = '\0';
}

void text_clear(struct text *text)
{
    text->len = 0;
    if (text->ptr != NULL)
        text->ptr[0] = '\0';
}

char *text_take(struct text *text)
{
    char *ptr = text->ptr != NULL ? text->ptr : mem_copy("");
    *text = (struct text){NULL, 0, 0};
    return ptr;
}

void text_deinit(struct text *text)
{
    mem_free(text->ptr);
    *text = (struct text){NULL, 0, 0};
}

void text_put_url(struct text *text, const char *url)
{
    const char *host = strstr(url, "://"), *at;
    if (host == NULL) { /* a path */
        text_put(text, url);
        return;
    }
    at = host += 3;
    for (size_t i = 0, end = strcspn(host, "/?"); i < end; i++)
        at = host[i] == '@' ? host + i + 1 : at;
    text_add(text, url, (size_t)(host - url));
    text_add(text, at, strcspn(at, "?"));
}
