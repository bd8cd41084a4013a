/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/replay.h"

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

/* What an attempt leaves behind is final once the next one has begun. */
arc_status arc__replay_take(struct arc_replay *replay, const struct arc_row_event *row,
                            arc_err *err)
{
    ARC_TRY(arc__history_take(&replay->history, row, err));
    const struct arc_event *event = replay->history.last;
    if (event->fence > replay->fence)
        replay->fence = event->fence;
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
