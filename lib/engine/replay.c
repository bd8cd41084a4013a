/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/replay.h"

#include <arcentra/states.h>

#include "engine/engine_private.h"
#include "engine/project.h"

void arc__replay_init(struct arc_replay *replay, const struct arc_mem *mem, struct arc_arena *arena)
{
    *replay = (struct arc_replay){.arena = arena};
    arc__history_init(&replay->history, mem);
}

void arc__replay_deinit(struct arc_replay *replay)
{
    arc__history_deinit(&replay->history);
}

static arc_status add_row(struct arc_replay *replay, struct arc_row_list *list,
                          enum arc_table table, const void *row, arc_err *err)
{
    size_t size = arc__table_def(table)->row_size;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 16;
        char *items = arc__arena_array(replay->arena, capacity, size);
        if (items == NULL)
            return arc__fail_nomem(err);
        if (list->count > 0)
            memcpy(items, list->items, list->count * size);
        list->items = items;
        list->capacity = capacity;
    }
    memcpy(list->items + list->count++ * size, row, size);
    return ARC_OK;
}

static arc_status add_steps(struct arc_replay *replay, uint32_t j,
                            const struct arc_step_state *steps, int32_t attempt, arc_err *err)
{
    const struct arc_run *run = &replay->history.run;
    for (uint32_t s = 0; s < run->plan->jobs[j].step_count; s++) {
        struct arc_row_step_run row;
        ARC_TRY(arc__project_step(run, j, s, &steps[s], attempt, replay->arena, &row, err));
        ARC_TRY(add_row(replay, &replay->steps, ARC_TABLE_step_run, &row, err));
    }
    return ARC_OK;
}

/* The event is gone with the next one. */
static arc_status add_artifact(struct arc_replay *replay, const struct arc_event *event,
                               arc_err *err)
{
    struct arc_row_step_run_artifact row;
    ARC_TRY(arc__project_artifact(event, replay->arena, &row, err));
    arc__row_own(ARC_TABLE_step_run_artifact, &row, replay->arena);
    return replay->arena->failed
               ? arc__fail_nomem(err)
               : add_row(replay, &replay->artifacts, ARC_TABLE_step_run_artifact, &row, err);
}

/* What an attempt leaves behind is final once the next one has begun. */
arc_status arc__replay_take(struct arc_replay *replay, const struct arc_row_event *row,
                            arc_err *err)
{
    ARC_TRY(arc__history_take(&replay->history, row, err));
    const struct arc_event *event = replay->history.last;
    if (event->fence > replay->fence)
        replay->fence = event->fence;
    if (event->type == ARC_EVENT_ARTIFACT_CREATED)
        return add_artifact(replay, event, err);
    if (event->type != ARC_EVENT_JOB_RETRYING)
        return ARC_OK;
    const struct arc_job_state *job = &replay->history.run.jobs[event->job];
    return add_steps(replay, (uint32_t)event->job, job->old_steps, job->attempt - 1, err);
}

arc_status arc__replay_end(struct arc_replay *replay, arc_err *err)
{
    const struct arc_run *run = &replay->history.run;
    struct arc_row_pipeline_run row;
    if (run->plan == NULL)
        return arc__fail(err, ARC_EINTERNAL, "run", "The run has no event.");
    ARC_TRY(arc__project_run(run, replay->arena, &row, err));
    if (row.reason.len == 0)
        row.reason = arc__run_why(run, replay->arena);
    ARC_TRY(add_row(replay, &replay->runs, ARC_TABLE_pipeline_run, &row, err));
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        struct arc_row_job_run job;
        ARC_TRY(arc__project_job(run, j, replay->arena, &job, err));
        if (job.reason.len == 0)
            job.reason = arc__job_why(run, j, replay->arena);
        ARC_TRY(add_row(replay, &replay->jobs, ARC_TABLE_job_run, &job, err));
        ARC_TRY(add_steps(replay, j, run->jobs[j].steps, run->jobs[j].attempt, err));
    }
    return replay->arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

arc_status arc__replay_find_deletion(struct arc_desk *desk, arc_slice step_run_id,
                                     struct arc_arena *arena, const struct arc_row_event **out,
                                     arc_err *err)
{
    struct arc_query query = {
        .table = ARC_TABLE_event, .filter_count = 1, .order_col = -1, .limit = 1};
    struct arc_rows rows = {0};
    *out = NULL;
    query.filters[0] = (struct arc_filter){.col = ARC_COL_event_stream, .text = step_run_id};
    ARC_TRY(arc__desk_query(desk, &query, arena, &rows, err));
    const struct arc_row_event *row = rows.rows;
    if (rows.count > 0 && arc__event_type_from_name(row->type) == ARC_EVENT_STEP_DELETED)
        *out = row;
    return ARC_OK;
}

int arc__replay_delete(struct arc_row_step_run *step, const struct arc_row_event *event)
{
    if (!arc_step_state_is_terminal((int)step->status))
        return 0;
    arc__project_deleted(event->time_ns, step);
    return 1;
}
