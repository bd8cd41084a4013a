/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows of a run are written when. What is in them is made from the run (project.h), so that
 * everything here can be made again from the events. */
#include "engine/engine_private.h"
#include "engine/project.h"

#define NO_ROW (-1) /* in place of the status that a run's row shows */

/* fresh: the store has no row of this key. */
static arc_status write_row(struct arc_engine *engine, enum arc_table table, const void *row,
                            int fresh, arc_err *err)
{
    return fresh ? arc__turn_op(engine, ARC_STORE_INSERT, table, row, 0, err)
                 : arc__turn_op(engine, ARC_STORE_PUT, table, row, ARC_STORE_THERE, err);
}

arc_status arc__persist_run(struct arc_engine *engine, struct live *live, arc_err *err)
{
    const struct arc_run *run = &live->run;
    struct arc_arena *arena = &engine->turn.arena;
    struct arc_row_pipeline_run row;
    arc_slice why = run->reason.len > 0 ? run->reason : arc__why_run(live, arena);
    const int64_t shown[] = {run->status,        run->plan->job_count - run->jobs_open,
                             run->jobs_failed,   run->jobs_running,
                             run->started_ns,    run->ended_ns,
                             run->gates_waiting, (int64_t)why.len};
    if (live->shown[0] > 0 && memcmp(shown, live->shown, sizeof(shown)) == 0)
        return ARC_OK; /* nothing of it has changed but the number of its last event */
    int fresh = live->shown[0] == NO_ROW;
    memcpy(live->shown, shown, sizeof(shown));
    ARC_TRY(arc__project_run(run, arena, &row, err));
    row.reason = why;
    row.home = arc__slice_cstr(live->home);
    return write_row(engine, ARC_TABLE_pipeline_run, &row, fresh, err);
}

static arc_status persist_job(struct arc_engine *engine, const struct dirty *dirty, arc_err *err)
{
    struct arc_row_job_run row;
    struct arc_arena *arena = &engine->turn.arena;
    ARC_TRY(arc__project_job(&dirty->live->run, dirty->job, arena, &row, err));
    if (row.reason.len == 0)
        row.reason = arc__why_job(dirty->live, dirty->job, arena);
    return write_row(engine, ARC_TABLE_job_run, &row, dirty->fresh, err);
}

static arc_status persist_step(struct arc_engine *engine, const struct dirty *dirty, arc_err *err)
{
    struct arc_row_step_run row;
    ARC_TRY(arc__project_step(&dirty->live->run, dirty->job, (uint32_t)dirty->step, dirty->thing,
                              dirty->attempt, &engine->turn.arena, &row, err));
    return write_row(engine, ARC_TABLE_step_run, &row, dirty->fresh, err);
}

arc_status arc__persist_dirty(struct arc_engine *engine, const struct dirty *dirty, arc_err *err)
{
    return dirty->step < 0 ? persist_job(engine, dirty, err) : persist_step(engine, dirty, err);
}

/* --- which rows events change --------------------------------------------------------- */

arc_status arc__persist_mark_job(struct arc_engine *engine, struct live *live, uint32_t j,
                                 arc_err *err)
{
    const struct dirty dirty = {.live = live, .thing = &live->run.jobs[j], .job = j, .step = -1};
    return arc__turn_dirty(engine, &dirty, err);
}

/* The steps of an attempt that begins. */
static arc_status mark_new_steps(struct arc_engine *engine, struct live *live, uint32_t j,
                                 arc_err *err)
{
    const struct arc_job_state *job = &live->run.jobs[j];
    struct dirty dirty = {.live = live, .job = j, .attempt = job->attempt, .fresh = 1};
    for (uint32_t s = 0; s < live->run.plan->jobs[j].step_count; s++) {
        dirty.thing = &job->steps[s];
        dirty.step = (int32_t)s;
        ARC_TRY(arc__turn_dirty(engine, &dirty, err));
    }
    return ARC_OK;
}

/* Everything of a run that begins. */
static arc_status mark_new_run(struct arc_engine *engine, struct live *live, arc_err *err)
{
    struct dirty dirty = {.live = live, .step = -1, .fresh = 1};
    live->shown[0] = NO_ROW;
    for (uint32_t j = 0; j < live->run.plan->job_count; j++) {
        dirty.thing = &live->run.jobs[j];
        dirty.job = j;
        ARC_TRY(arc__turn_dirty(engine, &dirty, err));
        ARC_TRY(mark_new_steps(engine, live, j, err));
    }
    return ARC_OK;
}

/* The step that an event names: of the present attempt, or of the one that ended in this turn. */
static arc_status mark_named_step(struct arc_engine *engine, struct live *live,
                                  const struct arc_event *event, arc_err *err)
{
    uint32_t j = (uint32_t)event->job, s = (uint32_t)event->step;
    const struct arc_job_state *job = &live->run.jobs[j];
    const struct arc_step_state *step = &job->steps[s];
    int32_t attempt = job->attempt;
    if (!arc__slice_equal(arc__id_slice(&step->id), event->step_run_id)) {
        if (job->old_steps == NULL)
            return ARC_OK;
        step = &job->old_steps[s];
        attempt--;
    }
    const struct dirty dirty = {
        .live = live, .thing = step, .job = j, .step = event->step, .attempt = attempt};
    return arc__turn_dirty(engine, &dirty, err);
}

/* The jobs that wait at a gate say so. */
static arc_status mark_guarded(struct arc_engine *engine, struct live *live, uint32_t gate,
                               arc_err *err)
{
    const struct arc_run *run = &live->run;
    const struct arc_plan *plan = run->plan;
    for (uint32_t j = 0; j < plan->job_count; j++) {
        int guarded = plan->gate == gate || plan->stages[plan->jobs[j].stage].gate == gate ||
                      plan->jobs[j].gate == gate;
        if (guarded && run->jobs[j].status == ARC_JOB_PENDING)
            ARC_TRY(arc__persist_mark_job(engine, live, j, err));
    }
    return ARC_OK;
}

/* The jobs that waited with their run wait for something else now. */
static arc_status mark_pending(struct arc_engine *engine, struct live *live, arc_err *err)
{
    for (uint32_t j = 0; j < live->run.plan->job_count; j++) {
        if (live->run.jobs[j].status == ARC_JOB_PENDING)
            ARC_TRY(arc__persist_mark_job(engine, live, j, err));
    }
    return ARC_OK;
}

/* An event of a step that gives its job to an agent, or takes it away. A grant of a job that runs
 * is of the agent that it is on. */
static int moves_job(const struct arc_run *run, const struct arc_event *event)
{
    return (event->type == ARC_EVENT_STEP_QUEUED &&
            run->jobs[event->job].status == ARC_JOB_QUEUED) ||
           (event->type == ARC_EVENT_STEP_RETRYING && event->cause == ARC_CAUSE_LOST);
}

static arc_status persist_artifact(struct arc_engine *engine, const struct arc_event *event,
                                   arc_err *err)
{
    struct arc_row_step_run_artifact row;
    ARC_TRY(arc__project_artifact(event, &engine->turn.arena, &row, err));
    return arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_step_run_artifact, &row, 0, err);
}

arc_status arc__persist_events(struct arc_engine *engine, struct live *live,
                               const struct arc_decision *d, arc_err *err)
{
    const struct arc_run *run = &live->run;
    for (size_t i = 0; i < d->count; i++) {
        const struct arc_event *event = d->events[i];
        if (event->type == ARC_EVENT_PIPELINE_TRIGGERED)
            ARC_TRY(mark_new_run(engine, live, err));
        if (event->type == ARC_EVENT_PIPELINE_ADMITTED)
            ARC_TRY(mark_pending(engine, live, err));
        if (event->gate != 0)
            ARC_TRY(mark_guarded(engine, live, event->gate, err));
        if (event->job < 0)
            continue;
        if (event->type == ARC_EVENT_ARTIFACT_CREATED) {
            ARC_TRY(persist_artifact(engine, event, err));
            continue;
        }
        if (event->step >= 0) {
            ARC_TRY(mark_named_step(engine, live, event, err));
            if (moves_job(run, event))
                ARC_TRY(arc__persist_mark_job(engine, live, (uint32_t)event->job, err));
            continue;
        }
        ARC_TRY(arc__persist_mark_job(engine, live, (uint32_t)event->job, err));
        if (event->type == ARC_EVENT_JOB_RETRYING)
            ARC_TRY(mark_new_steps(engine, live, (uint32_t)event->job, err));
    }
    return ARC_OK;
}
