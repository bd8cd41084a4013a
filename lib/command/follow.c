/* SPDX-License-Identifier: Apache-2.0 */
#include "command/follow.h"

struct follow_mark {
    int32_t attempt, rank;
};

static void notified(void *user)
{
    arc__op_wake(user);
}

arc_status arc__follow_open(struct arc_follow *follow, struct arc_op *op,
                            const struct arc_watch_filter *filter, const char *cursor, arc_err *err)
{
    struct arc_watch_filter wanted = *filter;
    *follow = (struct arc_follow){.op = op, .until = -1};
    arc__map_init(&follow->seen, &op->mem, 0, 0); /* the ids are our own */
    follow->made = 1;
    follow->from = arc__engine_position(op->engine);
    wanted.after = -1;
    if (cursor[0] != '\0') {
        if (!arc__slice_to_i64(arc__slice_cstr(cursor), &wanted.after) || wanted.after < 0)
            return arc__fail(err, ARC_EINVAL, "cursor", "This is no cursor of a stream.");
        follow->resumed = 1;
    }
    return arc__event_watch_open(op->engine, &wanted, notified, op, &follow->watch, err);
}

void arc__follow_close(struct arc_follow *follow)
{
    if (!follow->made)
        return;
    if (follow->watch != NULL)
        arc__event_watch_close(follow->watch);
    follow->watch = NULL;
    arc__map_deinit(&follow->seen);
    follow->made = 0;
}

/* How far an attempt has come: an attempt that ended to be retried is pending again, behind
 * everything else of it. */
static int32_t rank_of(int64_t status, int64_t attempt)
{
    switch (status) {
    case ARC_STEP_PENDING:
        return attempt == 0 ? 0 : 3;
    case ARC_STEP_QUEUED:
        return 1;
    case ARC_STEP_RUNNING:
        return 2;
    default:
        return 3;
    }
}

arc_status arc__follow_mark(struct arc_follow *follow, const struct arc_row_step_run *row,
                            arc_err *err)
{
    if (follow->resumed || arc__engine_position(follow->op->engine) == follow->from)
        return ARC_OK; /* nothing has happened since the watch was opened */
    struct follow_mark *mark = ARC_ARENA_NEW(&follow->op->arena, struct follow_mark);
    if (mark == NULL)
        return arc__fail_nomem(err);
    *mark = (struct follow_mark){arc__show_i32(row->attempt), rank_of(row->status, row->attempt)};
    return arc__map_put(&follow->seen, row->id, mark, NULL, err);
}

void arc__follow_complete(struct arc_follow *follow)
{
    follow->until = arc__engine_position(follow->op->engine);
}

static int covered(const struct arc_follow *follow, const struct arc_event *event)
{
    if (follow->resumed || event->position > follow->until)
        return 0;
    const struct follow_mark *mark = arc__map_get(&follow->seen, event->step_run_id);
    if (mark == NULL)
        return 0;
    int32_t rank = rank_of(event->state, event->attempt);
    return event->attempt < mark->attempt ||
           (event->attempt == mark->attempt && rank <= mark->rank);
}

arc_status arc__follow_next(struct arc_follow *follow, const struct arc_event **out, arc_err *err)
{
    const struct arc_event *event = NULL;
    /* A look has its bound: a cursor far back must not hold up the others. */
    for (int i = 0; i < 1000; i++) {
        ARC_TRY(arc__event_watch_next(follow->watch, &event, err));
        if (!covered(follow, event)) {
            *out = event;
            return ARC_OK;
        }
    }
    arc__op_wake(follow->op);
    return ARC_EAGAIN;
}

char *arc__follow_cursor(int64_t position, struct arc_arena *arena)
{
    return arc__pb_string(arena, arc__arena_printf(arena, "%lld", (long long)position));
}
