/* SPDX-License-Identifier: Apache-2.0 */
#include "core/decide.h"

#include "core/decide_private.h"
#include "core/states.h"

void arc__decision_init(struct arc_decision *d, const struct arc_rules *rules,
                        struct arc_source source, struct arc_now now, struct arc_arena *arena)
{
    *d = (struct arc_decision){.rules = rules, .source = source, .now = now, .arena = arena};
}

/* --- emitting ------------------------------------------------------------------------ */

static int state_of(const struct arc_run *run, const struct arc_event *event)
{
    if (event->step >= 0)
        return run->jobs[event->job].steps[event->step].status;
    return event->job >= 0 ? run->jobs[event->job].status : run->status;
}

static void name_things(const struct arc_run *run, struct arc_event *event)
{
    event->run_id = arc__id_slice(&run->id);
    event->pipeline_id = run->pipeline_id;
    if (event->job < 0)
        return;
    event->job_id = arc__id_slice(&run->jobs[event->job].id);
    event->job_name = run->plan->jobs[event->job].key;
    if (event->agent_id.len == 0)
        event->agent_id = run->jobs[event->job].agent_id;
    if (event->attempt == 0)
        event->attempt = run->jobs[event->job].attempt;
    if (event->step < 0)
        return;
    const struct arc_step_state *step = &run->jobs[event->job].steps[event->step];
    event->step_run_id = arc__id_slice(&step->id);
    event->step_name = run->plan->jobs[event->job].steps[event->step].name;
    if (event->type != ARC_EVENT_STEP_QUEUED)
        event->attempt = step->attempt;
    if (event->fence == 0)
        event->fence = step->fence;
}

arc_status arc__emit(struct arc_decision *d, struct arc_run *run, struct arc_event init,
                     arc_err *err)
{
    struct arc_event *event = ARC_ARENA_NEW(d->arena, struct arc_event);
    if (event == NULL)
        return arc__fail_nomem(err);
    if (d->count == 0)
        d->stage = run->stage;
    if (d->count == d->capacity) {
        size_t capacity = d->capacity > 0 ? d->capacity * 2 : 16;
        struct arc_event **events =
            arc__arena_array(d->arena, capacity, sizeof(struct arc_event *));
        if (events == NULL)
            return arc__fail_nomem(err);
        if (d->count > 0)
            memcpy(events, d->events, d->count * sizeof(struct arc_event *));
        d->events = events;
        d->capacity = capacity;
    }
    *event = init;
    event->seq = run->seq + 1;
    event->time_ns = d->now.wall_ns;
    if (run->plan != NULL) {
        name_things(run, event);
        event->previous = state_of(run, event);
    }
    ARC_TRY(arc__run_fold(run, event, (int64_t)d->now.mono_ns - d->now.wall_ns, err));
    if (event->type == ARC_EVENT_PIPELINE_TRIGGERED)
        name_things(run, event);
    event->state = state_of(run, event);
    d->events[d->count++] = event;
    return ARC_OK;
}

/* --- ending things ------------------------------------------------------------------- */

arc_status arc__end_steps(struct arc_decision *d, struct arc_run *run, uint32_t j,
                          enum arc_event_type type, arc_slice reason, arc_err *err)
{
    for (uint32_t s = 0; s < run->plan->jobs[j].step_count; s++) {
        if (run->jobs[j].steps[s].status == ARC_STEP_PENDING)
            ARC_TRY(arc__emit(
                d, run,
                (struct arc_event){
                    .type = type, .job = (int32_t)j, .step = (int32_t)s, .reason = reason},
                err));
    }
    return ARC_OK;
}

arc_status arc__end_job(struct arc_decision *d, struct arc_run *run, uint32_t j,
                        enum arc_event_type type, arc_slice reason, uint32_t cause, arc_err *err)
{
    struct arc_event event = {
        .type = type, .job = (int32_t)j, .step = -1, .reason = reason, .cause = cause};
    int ran = type == ARC_EVENT_JOB_COMPLETED || type == ARC_EVENT_JOB_FAILED;
    if (ran && run->plan->jobs[j].outputs.count > 0) {
        arc_err why = ARC_ERR_INIT;
        arc_status status = arc__job_outputs(run, j, d->arena, &event.outputs, &why);
        if (status == ARC_ENOMEM)
            return arc__fail_nomem(err);
        if (status != ARC_OK && type == ARC_EVENT_JOB_COMPLETED) {
            event.type = ARC_EVENT_JOB_FAILED;
            event.cause = ARC_CAUSE_FAILED;
            event.reason = arc__arena_copy(d->arena, arc__slice_cstr(why.message));
        }
    }
    return arc__emit(d, run, event, err);
}

/* The run's result, first that fits; the operator's stop and the run's timeout come first. */
static enum arc_event_type result_of(const struct arc_run *run)
{
    if (run->stopping)
        return run->stop_cause == ARC_CAUSE_TIMEOUT ? ARC_EVENT_PIPELINE_FAILED
                                                    : ARC_EVENT_PIPELINE_CANCELLED;
    if (run->gate_refused != 0 || run->jobs_failed > run->jobs_partial)
        return ARC_EVENT_PIPELINE_FAILED;
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        if (run->jobs[j].status == ARC_JOB_CANCELLED && !run->jobs[j].outrun)
            return ARC_EVENT_PIPELINE_CANCELLED;
    }
    return run->jobs_partial > 0 ? ARC_EVENT_PIPELINE_PARTIAL : ARC_EVENT_PIPELINE_COMPLETED;
}

/* 1: job j is why a run ends as type. */
static int decided_by(const struct arc_run *run, enum arc_event_type type, uint32_t j)
{
    switch (type) {
    case ARC_EVENT_PIPELINE_FAILED:
        return arc__job_failed(run, j) && !run->plan->jobs[j].continue_on_error;
    case ARC_EVENT_PIPELINE_PARTIAL:
        return arc__job_failed(run, j);
    case ARC_EVENT_PIPELINE_CANCELLED:
        return run->jobs[j].status == ARC_JOB_CANCELLED && !run->jobs[j].outrun;
    default:
        return 0;
    }
}

static arc_status end_run(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    struct arc_event event = {.type = result_of(run), .job = -1, .step = -1};
    if (run->stopping)
        event.reason = run->reason;
    else if (run->gate_refused != 0)
        event.reason = run->gates[run->gate_refused - 1].reason;
    for (uint32_t j = 0; event.reason.len == 0 && j < run->plan->job_count; j++) {
        if (decided_by(run, event.type, j))
            event.reason = arc__blame_text(d, run, j);
    }
    return arc__emit(d, run, event, err);
}

/* --- going on ------------------------------------------------------------------------ */

/* Over a retry, with its slot. */
static int keeps_room(const struct arc_job_state *job)
{
    return job->status == ARC_JOB_PENDING && job->admitted;
}

int arc__has_room(const struct arc_run *run, uint32_t j)
{
    uint32_t matrix = run->plan->jobs[j].matrix;
    uint32_t most = matrix != 0 ? run->plan->matrices[matrix - 1].max_parallel : 0;
    uint32_t own = keeps_room(&run->jobs[j]) ? 1 : 0;
    return most == 0 || run->matrix_busy[matrix - 1] - own < most;
}

/* A job that will not run ends with all its steps. One whose `when` cannot be decided fails, and it
 * cannot fail before it was queued. */
static arc_status turn_away(struct arc_decision *d, struct arc_run *run, uint32_t j,
                            const struct arc_verdict *verdict, arc_err *err)
{
    if (verdict->failed)
        ARC_TRY(arc__emit(
            d, run, (struct arc_event){.type = ARC_EVENT_JOB_QUEUED, .job = (int32_t)j, .step = -1},
            err));
    ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_SKIPPED, verdict->reason, err));
    return arc__emit(
        d, run,
        (struct arc_event){.type = verdict->failed ? ARC_EVENT_JOB_FAILED : ARC_EVENT_JOB_SKIPPED,
                           .job = (int32_t)j,
                           .step = -1,
                           .reason = verdict->reason,
                           .cause = verdict->failed || verdict->by_failure ? ARC_CAUSE_FAILED : 0},
        err);
}

/* A pending job whose dependencies and earlier stages have ended: into the queue, or skipped. */
static arc_status consider(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    struct arc_verdict verdict = {0};
    if (job->status != ARC_JOB_PENDING || job->blockers > 0 ||
        run->plan->jobs[j].stage > run->stage)
        return ARC_OK;
    if (run->stopping) {
        ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_CANCELLED, run->reason, err));
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED, run->reason, 0, err);
    }
    if (job->not_before_mono_ns > d->now.mono_ns || run->status == ARC_RUN_PAUSED)
        return ARC_OK;
    if (job->attempt == 1) { /* a retry was decided on when its `when` had been */
        ARC_TRY(arc__admit(d, run, j, &verdict, err));
        if (verdict.waits)
            return ARC_OK;
        if (!verdict.runs)
            return turn_away(d, run, j, &verdict, err);
    }
    if (!arc__has_room(run, j))
        return ARC_OK;
    return arc__emit(
        d, run, (struct arc_event){.type = ARC_EVENT_JOB_QUEUED, .job = (int32_t)j, .step = -1},
        err);
}

/* What has not begun is cancelled, what runs is asked to end. Asked again, only force is new. */
arc_status arc__stop_job(struct arc_decision *d, struct arc_run *run, uint32_t j,
                         const struct arc_stop *stop, arc_err *err)
{
    const struct arc_job_state *job = &run->jobs[j];
    int placed = job->agent_id.len > 0 && job->step < run->plan->jobs[j].step_count;
    int granted = placed && arc__is_granted(&job->steps[job->step]);
    uint32_t cause = stop->cause == ARC_CAUSE_ASKED ? 0 : ARC_CAUSE_FAILED;
    if (arc_job_state_is_terminal(job->status) || (job->stopping && (job->forced || !stop->force)))
        return ARC_OK;
    if (!placed || (!granted && !job->started_any)) {
        ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_CANCELLED, stop->reason, err));
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED, stop->reason, cause, err);
    }
    ARC_TRY(arc__emit(d, run,
                      (struct arc_event){.type = ARC_EVENT_JOB_STOPPING,
                                         .job = (int32_t)j,
                                         .step = -1,
                                         .reason = stop->reason,
                                         .actor = stop->actor,
                                         .cause = stop->cause,
                                         .force = stop->force,
                                         .grace_ns = stop->force ? 0 : d->rules->stop_grace_ns},
                      err));
    return granted ? ARC_OK : arc__attempt_go_on(d, run, j, NULL, err);
}

/* Cells that have been cut off so do not count in the run's result. */
static arc_status fail_fast(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_plan_matrix *matrix =
        plan->matrix != 0 ? &run->plan->matrices[plan->matrix - 1] : NULL;
    if (matrix == NULL || !matrix->fail_fast || plan->continue_on_error ||
        !arc__job_failed(run, j) || run->stopping)
        return ARC_OK;
    arc_slice reason = arc__arena_printf(
        d->arena, "Job %.*s failed, and the matrix has `failFast`.", ARC_ARG(plan->key));
    if (reason.ptr == NULL)
        return arc__fail_nomem(err);
    const struct arc_stop stop = {.reason = reason};
    for (uint32_t k = matrix->first_job; k < matrix->first_job + matrix->job_count; k++)
        ARC_TRY(arc__stop_job(d, run, k, &stop, err));
    return ARC_OK;
}

/* A worklist rather than recursion: a chain of skipped jobs may be as long as the plan. A job may
 * stand in it twice; considering it again changes nothing. */
struct work {
    uint32_t *items;
    size_t count, capacity, at;
};

static arc_status push(struct arc_decision *d, struct work *work, uint32_t j, arc_err *err)
{
    if (work->count == work->capacity) {
        size_t capacity = work->capacity > 0 ? work->capacity * 2 : 32;
        uint32_t *items = arc__arena_array(d->arena, capacity, sizeof(*items));
        if (items == NULL)
            return arc__fail_nomem(err);
        if (work->count > 0)
            memcpy(items, work->items, work->count * sizeof(*items));
        work->items = items;
        work->capacity = capacity;
    }
    work->items[work->count++] = j;
    return ARC_OK;
}

static arc_status push_stage(struct arc_decision *d, const struct arc_run *run, struct work *work,
                             arc_err *err)
{
    const struct arc_plan_stage *stage = &run->plan->stages[run->stage];
    d->stage = run->stage;
    for (uint32_t j = stage->first_job; j < stage->first_job + stage->job_count; j++) {
        if (run->jobs[j].status == ARC_JOB_PENDING && run->jobs[j].blockers == 0)
            ARC_TRY(push(d, work, j, err));
    }
    return ARC_OK;
}

/* Cells that waited for others of their matrix: as many as there is room for. */
static arc_status push_cells(struct arc_decision *d, const struct arc_run *run, uint32_t m,
                             struct work *work, arc_err *err)
{
    const struct arc_plan_matrix *matrix = &run->plan->matrices[m];
    uint32_t busy = run->matrix_busy[m], last = matrix->first_job + matrix->job_count;
    for (uint32_t k = matrix->first_job; k < last && busy < matrix->max_parallel; k++) {
        if (run->jobs[k].status != ARC_JOB_PENDING || run->jobs[k].blockers > 0 ||
            run->jobs[k].not_before_mono_ns > d->now.mono_ns || keeps_room(&run->jobs[k]))
            continue;
        busy++;
        ARC_TRY(push(d, work, k, err));
    }
    return ARC_OK;
}

/* Whom the events since the last look may have made ready. *all: a gate was decided. */
static arc_status push_changed(struct arc_decision *d, struct arc_run *run, struct work *work,
                               int *all, arc_err *err)
{
    while (d->settled < d->count) {
        const struct arc_event *event = d->events[d->settled++];
        *all |= event->type > ARC_EVENT_APPROVAL_REQUESTED && event->type < ARC_EVENT_JOB_QUEUED;
        if (event->job < 0 || event->step >= 0)
            continue;
        uint32_t j = (uint32_t)event->job, matrix = run->plan->jobs[j].matrix;
        if (event->type == ARC_EVENT_JOB_RETRYING)
            ARC_TRY(push(d, work, j, err));
        if (arc_job_state_is_terminal(event->state))
            ARC_TRY(fail_fast(d, run, j, err));
        if (matrix != 0 && run->plan->matrices[matrix - 1].max_parallel > 0 &&
            event->type != ARC_EVENT_JOB_QUEUED)
            ARC_TRY(push_cells(d, run, matrix - 1, work, err));
        if (!arc_job_state_is_terminal(event->state))
            continue;
        for (uint32_t i = 0; i < run->dependent_count[j]; i++) {
            if (run->jobs[run->dependents[j][i]].blockers == 0)
                ARC_TRY(push(d, work, run->dependents[j][i], err));
        }
    }
    return ARC_OK;
}

/* all: every job of the present stage is looked at; one: that job at least, UINT32_MAX for none. */
static arc_status settle(struct arc_decision *d, struct arc_run *run, int all, uint32_t one,
                         arc_err *err)
{
    struct work work = {0};
    if (one != UINT32_MAX)
        ARC_TRY(push(d, &work, one, err));
    while (!arc__run_over(run)) {
        if (run->jobs_open == 0)
            return end_run(d, run, err);
        if (all || d->stage != run->stage)
            ARC_TRY(push_stage(d, run, &work, err));
        all = 0;
        ARC_TRY(push_changed(d, run, &work, &all, err));
        /* What failFast cancels there may be the last of its stage, or of the run. */
        if (all || d->settled < d->count || run->jobs_open == 0 || d->stage != run->stage)
            continue;
        if (work.at == work.count)
            return ARC_OK;
        ARC_TRY(consider(d, run, work.items[work.at++], err));
    }
    return ARC_OK;
}

arc_status arc__go_on(struct arc_decision *d, struct arc_run *run, uint32_t job, arc_err *err)
{
    ARC_TRY(arc__attempt_go_on(d, run, job, NULL, err));
    return settle(d, run, 0, UINT32_MAX, err);
}

arc_status arc__settle(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    return settle(d, run, 0, UINT32_MAX, err);
}

arc_status arc__settle_all(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    if (d->count == 0)
        d->stage = run->stage;
    return settle(d, run, 1, UINT32_MAX, err);
}

arc_status arc__settle_job(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    if (d->count == 0)
        d->stage = run->stage;
    return settle(d, run, 0, j, err);
}

/* --- placing -----------------------------------------------------------------------------------
 */

int arc__job_wants_place(const struct arc_run *run, uint32_t job, struct arc_now now)
{
    const struct arc_job_state *state = &run->jobs[job];
    return state->status == ARC_JOB_QUEUED && state->agent_id.len == 0 && !run->stopping &&
           !arc__job_lacks_slot(run, job) && run->status != ARC_RUN_PAUSED && !arc__run_over(run) &&
           state->not_before_mono_ns <= now.mono_ns &&
           state->steps[state->step < run->plan->jobs[job].step_count ? state->step : 0]
                   .not_before_mono_ns <= now.mono_ns;
}

arc_status arc__decide_place(struct arc_decision *d, struct arc_run *run, uint32_t job,
                             const struct arc_place_facts *place, arc_err *err)
{
    if (job >= run->plan->job_count || !arc__job_wants_place(run, job, d->now))
        return arc__fail(err, ARC_ECONFLICT, "job", "The job does not wait for a place.");
    ARC_TRY(arc__attempt_go_on(d, run, job, place, err));
    return settle(d, run, 0, UINT32_MAX, err);
}
