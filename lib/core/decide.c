/* SPDX-License-Identifier: Apache-2.0 */
#include "core/decide.h"

#include "core/decide_private.h"
#include "core/retry.h"
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

/* --- when ---------------------------------------------------------------------------- */

/* What success() asks of one job. */
static int job_is_good(const struct arc_run *run, uint32_t j)
{
    switch (run->jobs[j].status) {
    case ARC_JOB_SUCCESS:
        return 1;
    case ARC_JOB_SKIPPED:
        return !run->jobs[j].by_failure;
    case ARC_JOB_FAILED:
    case ARC_JOB_TIMEOUT:
        return run->plan->jobs[j].continue_on_error != 0;
    default:
        return 0;
    }
}

static int job_failed(const struct arc_run *run, uint32_t j)
{
    return run->jobs[j].status == ARC_JOB_FAILED || run->jobs[j].status == ARC_JOB_TIMEOUT;
}

/* 1: some job of an earlier stage, or one that j depends on directly or not, has failed. */
static arc_status ancestor_failed(struct arc_decision *d, const struct arc_run *run, uint32_t j,
                                  int *out, arc_err *err)
{
    uint32_t count = run->plan->job_count, top = 0;
    uint8_t *seen = arc__arena_array(d->arena, count, 1);
    uint32_t *stack = arc__arena_array(d->arena, count, sizeof(uint32_t));
    if (seen == NULL || stack == NULL)
        return arc__fail_nomem(err);
    *out = 0;
    for (uint32_t k = 0; k < count; k++) {
        if (run->plan->jobs[k].stage < run->plan->jobs[j].stage && job_failed(run, k))
            *out = 1;
    }
    stack[top++] = j;
    seen[j] = 1;
    while (top > 0 && !*out) {
        const struct arc_plan_job *job = &run->plan->jobs[stack[--top]];
        for (uint32_t i = 0; i < job->dep_count; i++) {
            uint32_t dep = job->deps[i];
            if (job_failed(run, dep))
                *out = 1;
            if (!seen[dep]) {
                seen[dep] = 1;
                stack[top++] = dep;
            }
        }
    }
    return ARC_OK;
}

/* The first job among all of the earlier stages that success() stumbles over; UINT32_MAX: none. */
static uint32_t stage_blame(const struct arc_run *run, uint32_t stage)
{
    for (uint32_t k = 0; k < run->plan->job_count; k++) {
        if (run->plan->jobs[k].stage < stage && !job_is_good(run, k))
            return k;
    }
    return UINT32_MAX;
}

struct arc_verdict {
    uint32_t stage;
    int runs;
    int by_failure; /* skipped because something failed */
    arc_slice reason;
};

static arc_slice blame_text(struct arc_decision *d, const struct arc_run *run, uint32_t j)
{
    return arc__arena_printf(d->arena, "Job %.*s %s%s.", ARC_ARG(run->plan->jobs[j].key),
                             run->jobs[j].status == ARC_JOB_SKIPPED ? "was " : "ended ",
                             arc_job_state_name(run->jobs[j].status));
}

/* The `when` of a whole stage over all the earlier ones. */
static struct arc_verdict judge_stage(struct arc_decision *d, const struct arc_run *run,
                                      uint32_t stage)
{
    const struct arc_plan_stage *plan = &run->plan->stages[stage];
    uint32_t blame = stage_blame(run, stage);
    int any_failed = 0;
    switch (plan->condition.when) {
    case ARC_WHEN_ALWAYS:
        return (struct arc_verdict){.runs = 1};
    case ARC_WHEN_FAILURE:
        for (uint32_t k = 0; k < run->plan->job_count; k++)
            any_failed |= run->plan->jobs[k].stage < stage && job_failed(run, k);
        if (any_failed)
            return (struct arc_verdict){.runs = 1};
        return (struct arc_verdict){.reason = ARC_LIT("Nothing before this stage failed.")};
    case ARC_WHEN_CANCELLED:
        return (struct arc_verdict){.reason = ARC_LIT("The run is not being stopped.")};
    case ARC_WHEN_NEVER:
        return (struct arc_verdict){.reason = ARC_LIT("The stage's `when` is false.")};
    default:
        break;
    }
    if (blame == UINT32_MAX)
        return (struct arc_verdict){.runs = 1};
    return (struct arc_verdict){.by_failure = 1, .reason = blame_text(d, run, blame)};
}

/* Once for all its jobs: everything that it asks about has ended. */
static arc_status stage_verdict(struct arc_decision *d, const struct arc_run *run, uint32_t stage,
                                struct arc_verdict *out, arc_err *err)
{
    if (d->verdict == NULL) {
        d->verdict = ARC_ARENA_NEW(d->arena, struct arc_verdict);
        if (d->verdict == NULL)
            return arc__fail_nomem(err);
        d->verdict->stage = UINT32_MAX;
    }
    if (d->verdict->stage != stage) {
        *d->verdict = judge_stage(d, run, stage);
        d->verdict->stage = stage;
    }
    *out = *d->verdict;
    return ARC_OK;
}

static arc_status judge_job(struct arc_decision *d, const struct arc_run *run, uint32_t j,
                            struct arc_verdict *out, arc_err *err)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    int failed = 0;
    ARC_TRY(stage_verdict(d, run, plan->stage, out, err));
    if (!out->runs)
        return ARC_OK;
    switch (plan->condition.when) {
    case ARC_WHEN_ALWAYS:
        return ARC_OK;
    case ARC_WHEN_FAILURE:
        ARC_TRY(ancestor_failed(d, run, j, &failed, err));
        if (!failed)
            *out = (struct arc_verdict){.reason = ARC_LIT("Nothing that it depends on failed.")};
        return ARC_OK;
    case ARC_WHEN_CANCELLED:
        *out = (struct arc_verdict){.reason = ARC_LIT("The run is not being stopped.")};
        return ARC_OK;
    case ARC_WHEN_NEVER:
        *out = (struct arc_verdict){.reason = ARC_LIT("Its `when` is false.")};
        return ARC_OK;
    default:
        break;
    }
    for (uint32_t i = 0; i < plan->dep_count; i++) {
        uint32_t dep = plan->deps[i];
        /* Of an earlier stage: that stage's `when` has judged it, the edge only names a need. */
        if (run->plan->jobs[dep].stage == plan->stage && !job_is_good(run, dep)) {
            *out = (struct arc_verdict){.by_failure = 1, .reason = blame_text(d, run, dep)};
            return ARC_OK;
        }
    }
    return ARC_OK;
}

/* 1: a step of this attempt was cancelled, though the run goes on. */
static int any_cancelled(const struct arc_run *run, uint32_t j)
{
    for (uint32_t s = 0; s < run->plan->jobs[j].step_count; s++) {
        if (run->jobs[j].steps[s].status == ARC_STEP_CANCELLED)
            return 1;
    }
    return 0;
}

static int step_runs(const struct arc_run *run, uint32_t j, uint32_t s, arc_slice *why)
{
    const struct arc_job_state *job = &run->jobs[j];
    int failed = job->failed || job->timed_out;
    switch (run->plan->jobs[j].steps[s].condition.when) {
    case ARC_WHEN_ALWAYS:
        return 1;
    case ARC_WHEN_FAILURE:
        *why = ARC_LIT("No step before it failed.");
        return failed;
    case ARC_WHEN_CANCELLED:
        *why = ARC_LIT("The run is not being stopped.");
        return 0;
    case ARC_WHEN_NEVER:
        *why = ARC_LIT("Its `when` is false.");
        return 0;
    default:
        *why = ARC_LIT("A step before it failed.");
        if (failed)
            return 0;
        *why = ARC_LIT("A step before it was cancelled.");
        return !any_cancelled(run, j);
    }
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
    return arc__emit(
        d, run,
        (struct arc_event){
            .type = type, .job = (int32_t)j, .step = -1, .reason = reason, .cause = cause},
        err);
}

/* The run's result, first that fits; the operator's stop and the run's timeout come first. */
static enum arc_event_type result_of(const struct arc_run *run)
{
    if (run->stopping)
        return run->stop_cause == ARC_CAUSE_TIMEOUT ? ARC_EVENT_PIPELINE_FAILED
                                                    : ARC_EVENT_PIPELINE_CANCELLED;
    if (run->jobs_failed > run->jobs_partial)
        return ARC_EVENT_PIPELINE_FAILED;
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        if (run->jobs[j].status == ARC_JOB_CANCELLED)
            return ARC_EVENT_PIPELINE_CANCELLED;
    }
    return run->jobs_partial > 0 ? ARC_EVENT_PIPELINE_PARTIAL : ARC_EVENT_PIPELINE_COMPLETED;
}

/* 1: job j is why a run ends as type. */
static int decided_by(const struct arc_run *run, enum arc_event_type type, uint32_t j)
{
    switch (type) {
    case ARC_EVENT_PIPELINE_FAILED:
        return job_failed(run, j) && !run->plan->jobs[j].continue_on_error;
    case ARC_EVENT_PIPELINE_PARTIAL:
        return job_failed(run, j);
    case ARC_EVENT_PIPELINE_CANCELLED:
        return run->jobs[j].status == ARC_JOB_CANCELLED;
    default:
        return 0;
    }
}

static arc_status end_run(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    struct arc_event event = {.type = result_of(run), .job = -1, .step = -1};
    if (run->stopping)
        event.reason = run->reason;
    for (uint32_t j = 0; event.reason.len == 0 && j < run->plan->job_count; j++) {
        if (decided_by(run, event.type, j))
            event.reason = blame_text(d, run, j);
    }
    return arc__emit(d, run, event, err);
}

/* --- going on ------------------------------------------------------------------------ */

static arc_status grant(struct arc_decision *d, struct arc_run *run, uint32_t j, uint32_t s,
                        arc_slice agent_id, arc_err *err)
{
    struct arc_event event = {.type = ARC_EVENT_STEP_QUEUED,
                              .job = (int32_t)j,
                              .step = (int32_t)s,
                              .agent_id = agent_id,
                              .attempt = run->jobs[j].steps[s].attempt + 1};
    ARC_TRY(d->source.fence(d->source.user, &event.fence, err));
    ARC_TRY(arc__emit(d, run, event, err));
    run->jobs[j].steps[s].lease_mono_ns = d->now.mono_ns + (uint64_t)d->rules->lease_ttl_ns;
    return ARC_OK;
}

/* New ids for all steps of a job's next attempt, and when it may be placed. */
static arc_status retry_job(struct arc_decision *d, struct arc_run *run, uint32_t j, uint32_t cause,
                            arc_slice reason, arc_err *err)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_job_state *job = &run->jobs[j];
    arc_id *ids = arc__arena_array(d->arena, plan->step_count, sizeof(arc_id));
    if (ids == NULL)
        return arc__fail_nomem(err);
    for (uint32_t s = 0; s < plan->step_count; s++)
        ARC_TRY(d->source.id(d->source.user, &ids[s], err));
    int64_t delay_ns =
        arc__retry_delay_ns(&plan->retry, (uint32_t)job->attempt, d->source.random, d->source.user);
    return arc__emit(d, run,
                     (struct arc_event){.type = ARC_EVENT_JOB_RETRYING,
                                        .job = (int32_t)j,
                                        .step = -1,
                                        .cause = cause,
                                        .reason = reason,
                                        .not_before_ns = d->now.wall_ns + delay_ns,
                                        .step_ids = ids,
                                        .step_id_count = plan->step_count},
                     err);
}

/* A step that has a retry of its own is final when it fails; the job's retry covers the rest. */
static int job_retry_applies(const struct arc_run *run, uint32_t j, uint32_t cause)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_job_state *job = &run->jobs[j];
    if (run->stopping)
        return 0;
    if (job->failed > 0 && plan->steps[job->failed - 1].retry.max_attempts > 0)
        return 0;
    return arc__retry_covers(&plan->retry, (uint32_t)job->attempt, cause);
}

static arc_slice failure_text(struct arc_decision *d, const struct arc_run *run, uint32_t j)
{
    uint32_t s = (uint32_t)run->jobs[j].failed - 1;
    const struct arc_step_state *step = &run->jobs[j].steps[s];
    arc_slice name = run->plan->jobs[j].steps[s].name;
    if (step->status == ARC_STEP_TIMEOUT)
        return arc__arena_printf(d->arena, "Step %.*s ran into its timeout.", ARC_ARG(name));
    if (step->error_message.len > 0)
        return arc__arena_printf(d->arena, "Step %.*s failed: %.*s", ARC_ARG(name),
                                 ARC_ARG(step->error_message));
    return arc__arena_printf(d->arena, "Step %.*s failed with exit code %d.", ARC_ARG(name),
                             step->exit_code);
}

/* Every step of the attempt has ended; cut: some did not run because the job's time was over. */
static arc_status end_attempt(struct arc_decision *d, struct arc_run *run, uint32_t j, int cut,
                              arc_err *err)
{
    const struct arc_job_state *job = &run->jobs[j];
    int cancelled = any_cancelled(run, j);
    int expired = d->now.mono_ns >= arc__job_deadline(run, j);
    if (expired && (cancelled || cut)) {
        arc_slice reason = ARC_LIT("The job ran into its timeout.");
        if (job_retry_applies(run, j, ARC_CAUSE_TIMEOUT))
            return retry_job(d, run, j, ARC_CAUSE_TIMEOUT, reason, err);
        return arc__end_job(d, run, j, ARC_EVENT_JOB_TIMEOUT, reason, ARC_CAUSE_TIMEOUT, err);
    }
    if (run->stopping && cancelled)
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED, run->reason, 0, err);
    if (job->failed) {
        arc_slice reason = failure_text(d, run, j);
        uint32_t cause = job->timed_out == job->failed ? ARC_CAUSE_TIMEOUT : ARC_CAUSE_FAILED;
        if (job_retry_applies(run, j, cause))
            return retry_job(d, run, j, cause, reason, err);
        return arc__end_job(d, run, j, ARC_EVENT_JOB_FAILED, reason, cause, err);
    }
    if (cancelled)
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED,
                            ARC_LIT("A step of it was cancelled."), 0, err);
    return arc__end_job(d, run, j, ARC_EVENT_JOB_COMPLETED, ARC_NONE, 0, err);
}

/* Takes a placed job as far as it goes by itself: skips, grants the next step, or ends it. */
static arc_status go_on(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_slice agent_id,
                        arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    uint32_t count = run->plan->jobs[j].step_count;
    int cut = 0;
    while (job->step < count) {
        struct arc_step_state *step = &job->steps[job->step];
        arc_slice why = ARC_NONE;
        if (step->status != ARC_STEP_PENDING)
            return ARC_OK; /* granted or running: its holder speaks next */
        if (run->stopping) {
            ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_CANCELLED, run->reason, err));
            break;
        }
        if (d->now.mono_ns >= arc__job_deadline(run, j)) {
            cut = 1;
            ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_SKIPPED,
                                   ARC_LIT("The job ran into its timeout."), err));
            break;
        }
        if (!step_runs(run, j, job->step, &why)) {
            ARC_TRY(arc__emit(d, run,
                              (struct arc_event){.type = ARC_EVENT_STEP_SKIPPED,
                                                 .job = (int32_t)j,
                                                 .step = (int32_t)job->step,
                                                 .reason = why},
                              err));
            continue;
        }
        if (run->status == ARC_RUN_PAUSED || step->not_before_mono_ns > d->now.mono_ns)
            return ARC_OK;
        return grant(d, run, j, job->step, agent_id, err);
    }
    return end_attempt(d, run, j, cut, err);
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
        ARC_TRY(judge_job(d, run, j, &verdict, err));
        if (!verdict.runs) {
            ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_SKIPPED, verdict.reason, err));
            return arc__end_job(d, run, j, ARC_EVENT_JOB_SKIPPED, verdict.reason,
                                verdict.by_failure ? ARC_CAUSE_FAILED : 0, err);
        }
    }
    return arc__emit(
        d, run, (struct arc_event){.type = ARC_EVENT_JOB_QUEUED, .job = (int32_t)j, .step = -1},
        err);
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

/* Whom the events since the last look may have made ready. */
static arc_status push_changed(struct arc_decision *d, const struct arc_run *run, struct work *work,
                               arc_err *err)
{
    while (d->settled < d->count) {
        const struct arc_event *event = d->events[d->settled++];
        if (event->job < 0 || event->step >= 0)
            continue;
        uint32_t j = (uint32_t)event->job;
        if (event->type == ARC_EVENT_JOB_RETRYING)
            ARC_TRY(push(d, work, j, err));
        if (!arc_job_state_is_terminal(event->state))
            continue;
        for (uint32_t i = 0; i < run->dependent_count[j]; i++) {
            if (run->jobs[run->dependents[j][i]].blockers == 0)
                ARC_TRY(push(d, work, run->dependents[j][i], err));
        }
    }
    return ARC_OK;
}

static arc_status settle(struct arc_decision *d, struct arc_run *run, int all, arc_err *err)
{
    struct work work = {0};
    while (!arc__run_over(run)) {
        if (run->jobs_open == 0)
            return end_run(d, run, err);
        if (all || d->stage != run->stage)
            ARC_TRY(push_stage(d, run, &work, err));
        all = 0;
        ARC_TRY(push_changed(d, run, &work, err));
        if (work.at == work.count)
            return ARC_OK;
        ARC_TRY(consider(d, run, work.items[work.at++], err));
    }
    return ARC_OK;
}

arc_status arc__go_on(struct arc_decision *d, struct arc_run *run, uint32_t job, arc_err *err)
{
    ARC_TRY(go_on(d, run, job, run->jobs[job].agent_id, err));
    return settle(d, run, 0, err);
}

arc_status arc__settle(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    return settle(d, run, 0, err);
}

arc_status arc__settle_all(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    if (d->count == 0)
        d->stage = run->stage;
    return settle(d, run, 1, err);
}

arc_status arc__lose_attempt(struct arc_decision *d, struct arc_run *run, uint32_t j,
                             arc_slice reason, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    if (job->lost < d->rules->lost_retries_max && job_retry_applies(run, j, ARC_CAUSE_LOST))
        ARC_TRY(retry_job(d, run, j, ARC_CAUSE_LOST, reason, err));
    else
        ARC_TRY(arc__end_job(d, run, j, ARC_EVENT_JOB_FAILED, reason, ARC_CAUSE_LOST, err));
    return settle(d, run, 0, err);
}

/* --- placing -----------------------------------------------------------------------------------
 */

int arc__job_wants_place(const struct arc_run *run, uint32_t job, struct arc_now now)
{
    const struct arc_job_state *state = &run->jobs[job];
    return state->status == ARC_JOB_QUEUED && state->agent_id.len == 0 && !run->stopping &&
           run->status != ARC_RUN_PAUSED && !arc__run_over(run) &&
           state->not_before_mono_ns <= now.mono_ns &&
           state->steps[state->step < run->plan->jobs[job].step_count ? state->step : 0]
                   .not_before_mono_ns <= now.mono_ns;
}

arc_status arc__decide_place(struct arc_decision *d, struct arc_run *run, uint32_t job,
                             arc_slice agent_id, arc_err *err)
{
    if (job >= run->plan->job_count || !arc__job_wants_place(run, job, d->now))
        return arc__fail(err, ARC_ECONFLICT, "job", "The job does not wait for a place.");
    ARC_TRY(go_on(d, run, job, agent_id, err));
    return settle(d, run, 0, err);
}
