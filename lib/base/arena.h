/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator with a ceiling: everything that is decoded or decided for one call dies in one
 * reset. An arena reports failure stickily, so that ten allocations can be checked once. */
#ifndef ARC_BASE_ARENA_H
#define ARC_BASE_ARENA_H

#include "base/err.h"
#include "base/mem.h"

struct arc_arena_block; /* private */

struct arc_arena {
    struct arc_mem mem;
    struct arc_arena_block *blocks; /* newest first */
    size_t used_bytes;              /* handed out since the last reset */
    size_t max_bytes;               /* ceiling, given at init */
    int failed;                     /* an allocation was refused since the last reset */
};

/* max_bytes bounds all that may be alive at once. Allocates nothing. */
void arc__arena_init(struct arc_arena *arena, const struct arc_mem *mem, size_t max_bytes);
/* Room of the caller's for the first pieces of an arena that has none yet: it is not freed with it,
 * and may not go before it. Aligned as for any object. */
void arc__arena_lend(struct arc_arena *arena, void *room, size_t size);
void arc__arena_reset(struct arc_arena *arena); /* keeps one block for reuse */
void arc__arena_deinit(struct arc_arena *arena);
/* About as many bytes will be asked for in small pieces: they are taken at once, where that is more
 * than an ordinary block and the host gives it. An allocator keeps what was one piece for the next
 * one, where it returns many small ones to the system each time. Nothing fails. */
void arc__arena_expect(struct arc_arena *arena, size_t bytes);

/* Zeroed, aligned to 16. NULL when refused. */
void *arc__arena_alloc(struct arc_arena *arena, size_t size);
void *arc__arena_array(struct arc_arena *arena, size_t count, size_t size);
/* The same with whatever bytes, for who writes all of them. */
void *arc__arena_take(struct arc_arena *arena, size_t size);
/* NUL-terminated copy of bytes (which may hold anything). */
char *arc__arena_strdup(struct arc_arena *arena, arc_slice text);
/* The same as a slice; ARC_NONE when refused or empty. */
arc_slice arc__arena_copy(struct arc_arena *arena, arc_slice text);
arc_slice arc__arena_printf(struct arc_arena *arena, const char *format, ...) ARC_PRINTF(2, 3);

#define ARC_ARENA_NEW(arena, type) ((type *)arc__arena_alloc((arena), sizeof(type)))

#endif
