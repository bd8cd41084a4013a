/* SPDX-License-Identifier: Apache-2.0 */
/* All rows of a run from all of its events: those of each attempt of its jobs, what steps have
 * kept, and of the run as it stands at the end. That a step run was deleted is no event of the run:
 * it is the one event of a stream that has the step run's id, and is added at the end. */
#ifndef ARC_ENGINE_REPLAY_H
#define ARC_ENGINE_REPLAY_H

#include "engine/desk.h"
#include "engine/history.h"

/* Rows of one table, one behind the other. */
struct arc_row_list {
    char *items;
    size_t count, capacity;
};

struct arc_replay {
    struct arc_history history;
    struct arc_arena *arena; /* the caller's: of the rows */
    struct arc_row_list runs, jobs, steps, artifacts;
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

/* The stored event by which a step run was deleted, in the arena; *out NULL: none. */
arc_status arc__replay_find_deletion(struct arc_desk *desk, arc_slice step_run_id,
                                     struct arc_arena *arena, const struct arc_row_event **out,
                                     arc_err *err);
/* The step's row is that of one that was deleted so. 0: it has not ended, so the event does not fit
 * it, and the row stays as it is. */
int arc__replay_delete(struct arc_row_step_run *step, const struct arc_row_event *event);

#endif
