/* SPDX-License-Identifier: Apache-2.0 */
/* The batches that the engine hands to its store while runs go on, to be written again by others.
 */
#ifndef ARC_BENCH_STORE_RECORD_H
#define ARC_BENCH_STORE_RECORD_H

#include "base/arena.h"
#include "port/store.h"

struct record {
    struct arc_mem mem;
    struct arc_arena arena; /* the rows */
    struct arc_store_batch *batches;
    size_t count, capacity;
    size_t rows, events;
};

/* Lets the engine run so many steps, with that many runs in flight, on the store in memory. 0: it
 * failed. What it has taken is given back by record_drop, also then. */
int record_make(struct record *record, unsigned in_flight, uint64_t steps);
void record_drop(struct record *record);

#endif
