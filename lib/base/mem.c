/* SPDX-License-Identifier: Apache-2.0 */
/* The one file that calls malloc's family. Every size is checked for overflow before it is asked
 * for, and no request is for zero bytes, so that NULL means "refused" and nothing else. */
#include "base/mem.h"

#include <arcentra/base.h>

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define GROW_FIRST 8 /* items of a list's first allocation */

static void *default_alloc(void *user, void *ptr, size_t size)
{
    (void)user;
    if (size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, size);
}

struct arc_mem arc__mem_default(void)
{
    return (struct arc_mem){NULL, default_alloc};
}

struct arc_mem arc__mem_from_env(const arc_env *env)
{
    /* A smaller struct is an older caller: what it does not have counts as not given. */
    if (env == NULL || env->size < offsetof(arc_env, alloc) + sizeof(env->alloc) ||
        env->alloc == NULL)
        return arc__mem_default();
    return (struct arc_mem){env->user, env->alloc};
}

arc_env arc__mem_to_env(const struct arc_mem *mem)
{
    arc_env env = ARC_ENV_INIT;
    env.user = mem->user;
    env.alloc = mem->alloc;
    return env;
}

void *arc__realloc(const struct arc_mem *mem, void *ptr, size_t size)
{
    /* More than PTRDIFF_MAX is a miscalculation; some hosts' allocators do not look. */
    if (size > PTRDIFF_MAX)
        return NULL;
    return mem->alloc(mem->user, ptr, size != 0 ? size : 1);
}

void *arc__alloc(const struct arc_mem *mem, size_t size)
{
    void *ptr = arc__realloc(mem, NULL, size);
    if (ptr != NULL)
        memset(ptr, 0, size != 0 ? size : 1);
    return ptr;
}

void *arc__alloc_array(const struct arc_mem *mem, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    return arc__alloc(mem, total);
}

void arc__free(const struct arc_mem *mem, void *ptr)
{
    if (ptr != NULL)
        (void)mem->alloc(mem->user, ptr, 0); /* freeing answers NULL by contract */
}

char *arc__strdup(const struct arc_mem *mem, arc_slice text)
{
    if (text.len >= PTRDIFF_MAX)
        return NULL;
    char *copy = arc__realloc(mem, NULL, text.len + 1);
    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

arc_status arc__grow(const struct arc_mem *mem, void **items, size_t *capacity, size_t count,
                     size_t item_size, size_t max, arc_err *err)
{
    if (count >= max)
        return arc__fail(err, ARC_ELIMIT, "list", "The list is full at %zu items.", max);
    if (count < *capacity)
        return ARC_OK;
    size_t wanted = 0, total = 0;
    if (__builtin_mul_overflow(*capacity, (size_t)2, &wanted))
        return arc__fail_nomem(err);
    if (wanted < GROW_FIRST)
        wanted = GROW_FIRST;
    if (wanted <= count)
        wanted = count + 1; /* count < max, so this cannot overflow */
    if (wanted > max)
        wanted = max;
    if (__builtin_mul_overflow(wanted, item_size, &total))
        return arc__fail_nomem(err);
    char *fresh = arc__realloc(mem, *items, total);
    if (fresh == NULL)
        return arc__fail_nomem(err);
    /* New places start as zero, like everything else that this file hands out. */
    memset(fresh + *capacity * item_size, 0, total - *capacity * item_size);
    *items = fresh;
    *capacity = wanted;
    return ARC_OK;
}

void arc__wipe(void *ptr, size_t len)
{
    if (len > 0)
        explicit_bzero(ptr, len);
}

int arc__equal_secret(const void *a, const void *b, size_t len)
{
    const volatile unsigned char *x = a, *y = b; /* volatile: no early exit may be invented */
    unsigned char differing = 0;
    for (size_t i = 0; i < len; i++)
        differing = (unsigned char)(differing | (x[i] ^ y[i]));
    return differing == 0;
}
