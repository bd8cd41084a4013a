/* SPDX-License-Identifier: Apache-2.0 */
/* Memory through the host's arc_env, with a budget. The only file that may call malloc and free. */
#ifndef ARC_BASE_MEM_H
#define ARC_BASE_MEM_H

#include <arcentra/base.h>

#include "base/slice.h"

/* A resolved environment: every function set. One for each arc_ctl (or other root object). */
struct arc_mem {
    void *user;
    void *(*alloc)(void *user, void *ptr, size_t size);
};

/* The process's own realloc and free. */
struct arc_mem arc__mem_default(void);
/* The host's, or the default where env or env->alloc is NULL. */
struct arc_mem arc__mem_from_env(const arc_env *env);

/* The other way round: an arc_env with this memory and nothing else. */
arc_env arc__mem_to_env(const struct arc_mem *mem);

/* All three answer NULL when memory is out; a size of 0 counts as 1. alloc zeroes. */
void *arc__alloc(const struct arc_mem *mem, size_t size);
void *arc__alloc_array(const struct arc_mem *mem, size_t count, size_t size); /* checks overflow */
void *arc__realloc(const struct arc_mem *mem, void *ptr, size_t size);
void arc__free(const struct arc_mem *mem, void *ptr); /* NULL is fine */

/* A NUL-terminated copy. */
char *arc__strdup(const struct arc_mem *mem, arc_slice text);

/* Grows *items (of item_size bytes) so that count+1 fit; doubles. Checks max; ARC_ELIMIT beyond. */
arc_status arc__grow(const struct arc_mem *mem, void **items, size_t *capacity, size_t count,
                     size_t item_size, size_t max, arc_err *err);

/* Overwrites in a way that the compiler does not drop; for secrets. */
void arc__wipe(void *ptr, size_t len);
/* Compares in time that depends on len alone. 1: equal. */
int arc__equal_secret(const void *a, const void *b, size_t len);

#endif
