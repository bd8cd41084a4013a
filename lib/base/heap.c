/* SPDX-License-Identifier: Apache-2.0 */
/* items[0] is due first: no entry is due before its parent, and items[t->place - 1] == t for every
 * armed t. Equal deadlines come in the order of arming, so that a run of the clock is repeatable.
 */
#include "base/heap.h"

#include <arcentra/base.h>

#include <string.h>

#define TIMERS_MAX ((size_t)1 << 24)

void arc__heap_init(struct arc_heap *heap, const struct arc_mem *mem)
{
    *heap = (struct arc_heap){.mem = *mem};
}

void arc__heap_deinit(struct arc_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        heap->items[i]->place = 0;
    if (heap->items != NULL)
        arc__free(&heap->mem, heap->items);
    heap->items = NULL;
    heap->count = heap->capacity = 0;
}

static int before(const struct arc_timer *a, const struct arc_timer *b)
{
    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns;
    return a->tie < b->tie;
}

static void put(struct arc_heap *heap, size_t index, struct arc_timer *timer)
{
    heap->items[index] = timer;
    timer->place = index + 1;
}

static size_t sift_up(struct arc_heap *heap, size_t index, struct arc_timer *timer)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!before(timer, heap->items[parent]))
            break;
        put(heap, index, heap->items[parent]);
        index = parent;
    }
    put(heap, index, timer);
    return index;
}

static void sift_down(struct arc_heap *heap, size_t index, struct arc_timer *timer)
{
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && before(heap->items[child + 1], heap->items[child]))
            child++;
        if (!before(heap->items[child], timer))
            break;
        put(heap, index, heap->items[child]);
        index = child;
    }
    put(heap, index, timer);
}

/* The timer at index may be due too early or too late for its place. */
static void settle(struct arc_heap *heap, size_t index, struct arc_timer *timer)
{
    if (sift_up(heap, index, timer) == index)
        sift_down(heap, index, timer);
}

arc_status arc__heap_arm(struct arc_heap *heap, struct arc_timer *timer, uint64_t deadline_ns,
                         arc_err *err)
{
    size_t index = timer->place;
    if (index == 0) {
        void *items = heap->items;
        ARC_TRY(arc__grow(&heap->mem, &items, &heap->capacity, heap->count,
                          sizeof(struct arc_timer *), TIMERS_MAX, err));
        heap->items = items;
        index = ++heap->count;
    }
    timer->deadline_ns = deadline_ns;
    timer->tie = ++heap->armed;
    settle(heap, index - 1, timer);
    return ARC_OK;
}

void arc__heap_disarm(struct arc_heap *heap, struct arc_timer *timer)
{
    if (timer->place == 0)
        return;
    size_t index = timer->place - 1;
    struct arc_timer *last = heap->items[--heap->count];
    timer->place = 0;
    if (last != timer)
        settle(heap, index, last);
}

struct arc_timer *arc__heap_peek(const struct arc_heap *heap)
{
    return heap->count > 0 ? heap->items[0] : NULL;
}
