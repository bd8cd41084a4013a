/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_end(void *ptr)
{
    if (ptr != NULL)
        return ptr;
    fputs("Out of memory.\n", stderr);
    exit(70);
}

void *mem_new(size_t size)
{
    return or_end(calloc(1, size > 0 ? size : 1));
}

void *mem_grow(void *ptr, size_t size)
{
    return or_end(realloc(ptr, size > 0 ? size : 1));
}

char *mem_copy(const char *text)
{
    return text != NULL ? mem_copy_bytes(text, strlen(text)) : NULL;
}

char *mem_copy_bytes(const void *bytes, size_t len)
{
    char *copy = mem_new(len + 1);
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

void mem_free(void *ptr)
{
    free(ptr);
}
