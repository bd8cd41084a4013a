/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the programs: it is there, or the program ends with a sentence. A program has nobody
 * to hand the failure to, so one place decides; the library never does this. */
#ifndef EXAMPLES_COMMON_MEM_H
#define EXAMPLES_COMMON_MEM_H

#include <stddef.h>

/* size bytes of zeros. Owner: the caller, mem_free. */
void *mem_new(size_t size);
/* ptr with room for size bytes; what is new is not set. */
void *mem_grow(void *ptr, size_t size);
/* A copy of text; NULL stays NULL. Owner: the caller, mem_free. */
char *mem_copy(const char *text);
/* A copy of len bytes and a NUL behind them. Owner: the caller, mem_free. */
char *mem_copy_bytes(const void *bytes, size_t len);
/* NULL is fine. */
void mem_free(void *ptr);

#endif
