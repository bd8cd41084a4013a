/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks in a list, newest first; the first one is carved up. The ceiling counts what was handed
 * out, each piece rounded up to 16 bytes; large pieces get a block of their own behind the first,
 * so that at most a quarter of a block is ever lost and the memory taken stays near the ceiling.
 *
 * Under a sanitizer each piece is a block of its own: an overrun by one byte, or a use after reset,
 * is then seen like one of malloc's. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "base/arena.h"

#include <arcentra/base.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#if defined(ARC_SANITIZED) && !defined(ARC_ARENA_DEBUG)
#define ARC_ARENA_DEBUG 1
#endif

#define ALIGNMENT ((size_t)16)
#define BLOCK_FIRST ((size_t)1024 - HEADER) /* allocators keep what is small at hand */
#define BLOCK_MAX ((size_t)64 * 1024)       /* also the most that a reset keeps */

struct arc_arena_block {
    struct arc_arena_block *next;
    size_t size; /* bytes for pieces */
    size_t used;
    size_t lent; /* 1: the caller's */
};

/* What the host's allocator may miss of our alignment, where max_align_t is smaller. */
#define SLACK (_Alignof(max_align_t) >= ALIGNMENT ? (size_t)0 : ALIGNMENT - _Alignof(max_align_t))
#define HEADER ((sizeof(struct arc_arena_block) + ALIGNMENT - 1) & ~(ALIGNMENT - 1))

static char *block_bytes(struct arc_arena_block *block)
{
    char *bytes = (char *)block + HEADER;
    size_t off = (size_t)((uintptr_t)bytes & (ALIGNMENT - 1));
    return off == 0 ? bytes : bytes + (ALIGNMENT - off);
}

static struct arc_arena_block *block_new(struct arc_arena *arena, size_t size)
{
    struct arc_arena_block *block = arc__realloc(&arena->mem, NULL, HEADER + SLACK + size);
    if (block != NULL)
        *block = (struct arc_arena_block){NULL, size, 0, 0};
    return block;
}

void arc__arena_init(struct arc_arena *arena, const struct arc_mem *mem, size_t max_bytes)
{
    /* No sum of sizes below may overflow. */
    size_t max = max_bytes < PTRDIFF_MAX / 2 ? max_bytes : PTRDIFF_MAX / 2;
    *arena = (struct arc_arena){.mem = *mem, .max_bytes = max};
}

void arc__arena_lend(struct arc_arena *arena, void *room, size_t size)
{
#ifndef ARC_ARENA_DEBUG
    struct arc_arena_block *block = room;
    size_t taken = HEADER + SLACK;
    if (arena->blocks != NULL || size < taken + ALIGNMENT)
        return;
    *block = (struct arc_arena_block){NULL, (size - taken) & ~(ALIGNMENT - 1), 0, 1};
    arena->blocks = block;
#else
    (void)arena, (void)room, (void)size;
#endif
}

static void drop_blocks(struct arc_arena *arena, const struct arc_arena_block *kept)
{
    struct arc_arena_block *block = arena->blocks;
    arena->blocks = NULL;
    while (block != NULL) {
        struct arc_arena_block *next = block->next;
        if (block == kept) {
            block->next = NULL;
            block->used = 0;
            arena->blocks = block;
        } else if (!block->lent) {
            arc__free(&arena->mem, block);
        }
        block = next;
    }
}

void arc__arena_reset(struct arc_arena *arena)
{
    const struct arc_arena_block *kept = NULL;
#ifndef ARC_ARENA_DEBUG
    for (const struct arc_arena_block *b = arena->blocks; b != NULL; b = b->next) {
        if (b->size <= BLOCK_MAX && (kept == NULL || b->size > kept->size))
            kept = b;
    }
#endif
    drop_blocks(arena, kept);
    arena->used_bytes = 0;
    arena->failed = 0;
}

void arc__arena_deinit(struct arc_arena *arena)
{
    drop_blocks(arena, NULL);
    arena->used_bytes = 0;
}

void arc__arena_expect(struct arc_arena *arena, size_t bytes)
{
#ifndef ARC_ARENA_DEBUG
    struct arc_arena_block *first = arena->blocks, *block;
    if (bytes > arena->max_bytes - arena->used_bytes)
        bytes = arena->max_bytes - arena->used_bytes;
    if (bytes <= BLOCK_MAX || (block = block_new(arena, bytes)) == NULL)
        return;
    block->next = first;
    arena->blocks = block;
#else
    (void)arena, (void)bytes;
#endif
}

#ifdef ARC_ARENA_DEBUG

static void *take(struct arc_arena *arena, size_t exact, size_t rounded)
{
    (void)rounded;
    struct arc_arena_block *block = block_new(arena, exact);
    if (block == NULL)
        return NULL;
    block->used = exact;
    block->next = arena->blocks;
    arena->blocks = block;
    return block_bytes(block);
}

#else

static void *take(struct arc_arena *arena, size_t exact, size_t rounded)
{
    (void)exact;
    struct arc_arena_block *first = arena->blocks;
    if (first != NULL && first->size - first->used >= rounded) {
        char *piece = block_bytes(first) + first->used;
        first->used += rounded;
        return piece;
    }
    size_t regular = first == NULL ? BLOCK_FIRST : first->size * 2;
    if (regular > BLOCK_MAX)
        regular = BLOCK_MAX;
    if (regular < BLOCK_FIRST)
        regular = BLOCK_FIRST;
    if (regular > arena->max_bytes - arena->used_bytes)
        regular = arena->max_bytes - arena->used_bytes;
    int alone = rounded > regular / 4;
    struct arc_arena_block *block = block_new(arena, alone ? rounded : regular);
    if (block == NULL)
        return NULL;
    block->used = rounded;
    if (alone && first != NULL) {
        block->next = first->next;
        first->next = block;
    } else {
        block->next = first;
        arena->blocks = block;
    }
    return block_bytes(block);
}

#endif

void *arc__arena_take(struct arc_arena *arena, size_t size)
{
#ifndef ARC_ARENA_DEBUG
    struct arc_arena_block *first = arena->blocks;
    size_t small = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (first != NULL && size > 0 && size <= BLOCK_MAX && first->size - first->used >= small &&
        arena->max_bytes - arena->used_bytes >= small) {
        char *quick = block_bytes(first) + first->used;
        first->used += small;
        arena->used_bytes += small;
        return quick;
    }
#endif
    size_t exact = size != 0 ? size : 1;
    size_t left = arena->max_bytes - arena->used_bytes;
    size_t rounded = (exact + ALIGNMENT - 1) & ~(ALIGNMENT - 1); /* 0 when it overflowed */
    void *piece = rounded < exact || rounded > left ? NULL : take(arena, exact, rounded);
    if (piece == NULL) {
        arena->failed = 1;
        return NULL;
    }
    arena->used_bytes += rounded;
    return piece;
}

void *arc__arena_alloc(struct arc_arena *arena, size_t size)
{
    void *piece = arc__arena_take(arena, size);
    if (piece != NULL)
        memset(piece, 0, size);
    return piece;
}

void *arc__arena_array(struct arc_arena *arena, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) {
        arena->failed = 1;
        return NULL;
    }
    return arc__arena_alloc(arena, total);
}

char *arc__arena_strdup(struct arc_arena *arena, arc_slice text)
{
    if (text.len >= PTRDIFF_MAX) {
        arena->failed = 1;
        return NULL;
    }
    char *copy = arc__arena_take(arena, text.len + 1);
    if (copy == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return copy;
}

arc_slice arc__arena_copy(struct arc_arena *arena, arc_slice text)
{
    if (text.len == 0)
        return ARC_NONE;
    const char *copy = arc__arena_strdup(arena, text);
    return copy != NULL ? arc__slice(copy, text.len) : ARC_NONE;
}

arc_slice arc__arena_printf(struct arc_arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    arc_slice text = ARC_NONE;
    int len = vsnprintf(NULL, 0, format, arguments);
    char *out = len < 0 ? NULL : arc__arena_take(arena, (size_t)len + 1);
    if (out != NULL) {
        (void)vsnprintf(out, (size_t)len + 1, format, again); /* the same length as above */
        text = arc__slice(out, (size_t)len);
    } else {
        arena->failed = 1;
    }
    va_end(again);
    va_end(arguments);
    return text;
}
