/* SPDX-License-Identifier: Apache-2.0 */
/* All rows of a run from all of its events: those of each attempt of its jobs, and of the run as it
 * stands at the end. */
#ifndef ARC_ENGINE_REPLAY_H
#define ARC_ENGINE_REPLAY_H

#include "engine/history.h"

/* Rows of one table, one behind the other. */
struct arc_row_list {
    char *items;
    size_t count, capacity;
};

struct arc_replay {
    struct arc_history history;
    struct arc_arena *arena; /* the caller's: of the rows */
    struct arc_row_list runs, jobs, steps;
    uint64_t fence; /* the highest that an event carried */
};

void arc__replay_init(struct arc_replay *replay, const struct arc_mem *mem,
                      struct arc_arena *arena);
void arc__replay_deinit(struct arc_replay *replay);
/* As arc__history_take. */
arc_status arc__replay_take(struct arc_replay *replay, const struct arc_row_event *row,
                            arc_err *err);
/* No more events: the rows are there. They borrow from the replay. ARC_EINTERNAL: there was none.
 */
arc_status arc__replay_end(struct arc_replay *replay, arc_err *err);

#endif
