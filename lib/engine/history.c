/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/history.h"

#include "engine/event_json.h"

#define EVENT_BYTES_MAX (256u * 1024u * 1024u)

void arc__history_init(struct arc_history *history, const struct arc_mem *mem)
{
    arc__run_init(&history->run, mem);
    arc__arena_init(&history->scratch, mem, EVENT_BYTES_MAX);
    history->last = NULL;
}

void arc__history_deinit(struct arc_history *history)
{
    history->last = NULL;
    arc__run_deinit(&history->run);
    arc__arena_deinit(&history->scratch);
}

arc_status arc__history_take(struct arc_history *history, const struct arc_row_event *row,
                             arc_err *err)
{
    struct arc_event *event = NULL;
    int first = history->run.seq == 0;
    history->last = NULL;
    if (row->seq != history->run.seq + 1)
        return arc__fail(err, ARC_EINTERNAL, "event", "Event %lld is missing.",
                         (long long)history->run.seq + 1);
    arc__arena_reset(&history->scratch);
    /* The first event carries the plan, which the run keeps. */
    ARC_TRY(arc__event_from_row(row, first ? &history->run.arena : &history->scratch, &event, err));
    if (event->type == ARC_EVENT_NONE)
        return arc__fail(err, ARC_EINTERNAL, "event", "The type of event %lld is not known.",
                         (long long)row->seq);
    ARC_TRY(arc__run_fold(&history->run, event, 0, err));
    history->last = event;
    return ARC_OK;
}
