/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include "shim.h"

#include <stdlib.h>
#include <string.h>

#define MANY 2000

/* A repeatable sequence (xorshift64). */
static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct arc_heap open_heap(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct arc_heap heap;
    arc__heap_init(&heap, &mem);
    return heap;
}

static int by_deadline(const void *a, const void *b)
{
    const struct arc_timer *const *x = a, *const *y = b;
    if ((*x)->deadline_ns != (*y)->deadline_ns)
        return (*x)->deadline_ns < (*y)->deadline_ns ? -1 : 1;
    return (*x)->tie < (*y)->tie ? -1 : (*x)->tie > (*y)->tie;
}

static void check_places(const struct arc_heap *heap)
{
    size_t wrong = 0;
    for (size_t i = 0; i < heap->count; i++) {
        wrong += heap->items[i]->place != i + 1;
        wrong += i > 0 && by_deadline(&heap->items[(i - 1) / 2], &heap->items[i]) > 0;
    }
    CHECK_INT(wrong, 0);
}

static void timers_come_out_as_sorting_says(void)
{
    static struct arc_timer timers[MANY];
    static struct arc_timer *sorted[MANY];
    struct test_mem state = {0};
    struct arc_heap heap = open_heap(&state);
    uint64_t seed = 88172645463325252;
    memset(timers, 0, sizeof(timers));
    for (size_t i = 0; i < MANY; i++) {
        CHECK_OK(arc__heap_arm(&heap, &timers[i], next_number(&seed) % 300, NULL));
        sorted[i] = &timers[i];
    }
    check_places(&heap);
    qsort(sorted, MANY, sizeof(sorted[0]), by_deadline);
    for (size_t i = 0; i < MANY; i++) {
        CHECK(arc__heap_peek(&heap) == sorted[i]);
        arc__heap_disarm(&heap, sorted[i]);
        CHECK_INT(sorted[i]->place, 0);
    }
    CHECK(arc__heap_peek(&heap) == NULL);
    arc__heap_deinit(&heap);
    CHECK_INT(state.live, 0);
}

static void equal_deadlines_come_in_the_order_of_arming(void)
{
    struct test_mem state = {0};
    struct arc_heap heap = open_heap(&state);
    struct arc_timer timers[50] = {{0}};
    for (size_t i = 0; i < 50; i++)
        CHECK_OK(arc__heap_arm(&heap, &timers[i], 7, NULL));
    CHECK_OK(arc__heap_arm(&heap, &timers[0], 7, NULL)); /* armed anew: last now */
    for (size_t i = 1; i <= 50; i++) {
        CHECK(arc__heap_peek(&heap) == &timers[i % 50]);
        arc__heap_disarm(&heap, &timers[i % 50]);
    }
    arc__heap_deinit(&heap);
    CHECK_INT(state.live, 0);
}

static void moving_and_removing_anywhere_keeps_the_order(void)
{
    static struct arc_timer timers[200];
    struct test_mem state = {0};
    struct arc_heap heap = open_heap(&state);
    uint64_t seed = 42;
    memset(timers, 0, sizeof(timers));
    for (int step = 0; step < 20000; step++) {
        struct arc_timer *timer = &timers[next_number(&seed) % 200];
        if (next_number(&seed) % 3 == 0)
            arc__heap_disarm(&heap, timer);
        else
            CHECK_OK(arc__heap_arm(&heap, timer, next_number(&seed) % 1000, NULL));
        struct arc_timer *least = NULL;
        size_t armed = 0;
        for (size_t i = 0; i < 200; i++) {
            struct arc_timer *candidate = &timers[i];
            if (candidate->place == 0)
                continue;
            armed++;
            if (least == NULL || by_deadline(&candidate, &least) < 0)
                least = candidate;
        }
        CHECK(arc__heap_peek(&heap) == least);
        CHECK_INT(heap.count, armed);
        if (step % 500 == 0)
            check_places(&heap);
    }
    arc__heap_deinit(&heap);
    for (size_t i = 0; i < 200; i++)
        CHECK_INT(timers[i].place, 0);
    CHECK_INT(state.live, 0);
}

static void disarming_what_is_not_armed_is_nothing(void)
{
    struct test_mem state = {0};
    struct arc_heap heap = open_heap(&state);
    struct arc_timer timer = {0};
    arc__heap_disarm(&heap, &timer);
    CHECK_OK(arc__heap_arm(&heap, &timer, UINT64_MAX, NULL));
    arc__heap_disarm(&heap, &timer);
    arc__heap_disarm(&heap, &timer);
    CHECK_INT(heap.count, 0);
    arc__heap_deinit(&heap);
    CHECK_INT(state.live, 0);
}

static void arming_fails_cleanly_and_moving_never(void)
{
    int failed = 1;
    for (uint64_t n = 1; failed; n++) {
        struct test_mem state = {.fail_at = n, .sticky = 1};
        struct arc_heap heap = open_heap(&state);
        struct arc_timer timers[100] = {{0}};
        arc_err err = ARC_ERR_INIT;
        size_t armed = 0;
        while (armed < 100 && arc__heap_arm(&heap, &timers[armed], 100 - armed, &err) == ARC_OK)
            armed++;
        failed = armed < 100;
        CHECK_INT(heap.count, armed);
        if (failed) {
            CHECK_INT(err.status, ARC_ENOMEM);
            CHECK_INT(timers[armed].place, 0);
            CHECK_INT(timers[armed].deadline_ns, 0);
        }
        if (armed > 0) {
            CHECK_OK(arc__heap_arm(&heap, &timers[armed - 1], 1000, NULL));
            CHECK(armed == 1 || arc__heap_peek(&heap) == &timers[armed - 2]);
        }
        arc__heap_deinit(&heap);
        CHECK_INT(state.live, 0);
    }
}

static const struct test tests[] = {
    {"timers come out as sorting says", timers_come_out_as_sorting_says},
    {"equal deadlines come in the order of arming", equal_deadlines_come_in_the_order_of_arming},
    {"moving and removing anywhere keeps the order", moving_and_removing_anywhere_keeps_the_order},
    {"disarming what is not armed is nothing", disarming_what_is_not_armed_is_nothing},
    {"arming fails cleanly and moving never", arming_fails_cleanly_and_moving_never},
};
TEST_MAIN(tests)
