/* SPDX-License-Identifier: Apache-2.0 */
/* A binary heap of deadlines. An entry is embedded in its object and knows its place, so that it
 * can be moved and removed in O(log n). */
#ifndef ARC_BASE_HEAP_H
#define ARC_BASE_HEAP_H

#include "base/err.h"
#include "base/mem.h"

struct arc_timer {
    uint64_t deadline_ns;
    uint64_t tie; /* order of arming among equals, set by the heap */
    size_t place; /* index + 1; 0: not armed */
};

struct arc_heap {
    struct arc_mem mem;
    struct arc_timer **items;
    size_t count;
    size_t capacity;
    uint64_t armed; /* for tie */
};

void arc__heap_init(struct arc_heap *heap, const struct arc_mem *mem);
void arc__heap_deinit(struct arc_heap *heap);
/* Arms, or moves when armed already. Only a new entry can fail. */
arc_status arc__heap_arm(struct arc_heap *heap, struct arc_timer *timer, uint64_t deadline_ns,
                         arc_err *err);
void arc__heap_disarm(struct arc_heap *heap, struct arc_timer *timer); /* not armed is fine */
struct arc_timer *arc__heap_peek(const struct arc_heap *heap);         /* NULL: empty */

#endif
