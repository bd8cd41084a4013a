/* SPDX-License-Identifier: Apache-2.0 */
/* What all streams of changes share: a cursor on the event log that is opened before the present
 * state is read, and the knowledge of what that state covers, so that nothing is missed and nothing
 * comes twice.
 *
 *   watch opened at P0 ── snapshot read ── P1 ── live
 *                          └ events in (P0, P1] may be in the snapshot already: they are passed
 *                            over where the snapshot has them (arc__follow_covers) */
#ifndef ARC_COMMAND_FOLLOW_H
#define ARC_COMMAND_FOLLOW_H

#include "base/map.h"
#include "command/show.h"

struct arc_follow {
    struct arc_op *op;
    struct arc_event_watch *watch;
    int64_t from, until; /* P0, P1; until -1: the snapshot is not complete */
    int resumed;         /* by a cursor: no snapshot */
    struct arc_map seen; /* id -> struct follow_mark */
    int made;
};

/* cursor: "" or a position. Wakes op when there are events. */
arc_status arc__follow_open(struct arc_follow *follow, struct arc_op *op,
                            const struct arc_watch_filter *filter, const char *cursor,
                            arc_err *err);
/* The snapshot showed this step at this attempt and status. Ended long ago needs no mark. */
arc_status arc__follow_mark(struct arc_follow *follow, const struct arc_row_step_run *row,
                            arc_err *err);
void arc__follow_complete(struct arc_follow *follow);
/* The next event that the snapshot does not have. ARC_EAGAIN: none now. */
arc_status arc__follow_next(struct arc_follow *follow, const struct arc_event **out, arc_err *err);
void arc__follow_close(struct arc_follow *follow); /* zeroed is fine */
char *arc__follow_cursor(int64_t position, struct arc_arena *arena);

#endif
