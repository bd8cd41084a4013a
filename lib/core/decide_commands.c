/* SPDX-License-Identifier: Apache-2.0 */
/* What may be asked of a run, and what time asks of it. How a run goes on is decide.c. */
#include "core/decide.h"

#include "core/decide_private.h"
#include "core/retry.h"
#include "core/states.h"

#define NEVER UINT64_MAX
#define FINALLY_NS (INT64_C(300) * 1000000000)

/* --- deadlines ----------------------------------------------------------------------- */

static uint64_t after(uint64_t start, int64_t length)
{
    return length > 0 && start > 0 ? start + (uint64_t)length : NEVER;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t arc__job_deadline(const struct arc_run *run, uint32_t j)
{
    if (run->jobs[j].status != ARC_JOB_RUNNING)
        return NEVER;
    return after(run->jobs[j].started_mono_ns, run->plan->jobs[j].timeout_ns);
}

uint64_t arc__step_deadline(const struct arc_run *run, uint32_t j, uint32_t s)
{
    if (run->jobs[j].steps[s].status != ARC_STEP_RUNNING)
        return NEVER;
    return after(run->jobs[j].steps[s].started_mono_ns, run->plan->jobs[j].steps[s].timeout_ns);
}

/* When what a job has of time begins to be over: it was asked to end, or its timeout. */
static uint64_t job_ends(const struct arc_run *run, uint32_t j)
{
    uint64_t at = arc__job_deadline(run, j);
    if (run->stopping)
        at = earlier(at, run->stop_mono_ns);
    return run->jobs[j].stopping ? earlier(at, run->jobs[j].stop_mono_ns) : at;
}

uint64_t arc__time_over(const struct arc_rules *rules, const struct arc_run *run, uint32_t j,
                        uint32_t s)
{
    uint64_t at = arc__job_deadline(run, j), from = run->jobs[j].steps[s].queued_mono_ns;
    if (!run->plan->jobs[j].steps[s].finally)
        return at;
    at = job_ends(run, j);
    if (at == NEVER)
        return NEVER;
    return (at > from ? at : from) +
           (uint64_t)(rules->finally_ns > 0 ? rules->finally_ns : FINALLY_NS);
}

/* The clocks of the run and of the queue stand still while it is paused, that of the run also while
 * a gate waits. */
static uint64_t run_deadline(const struct arc_run *run)
{
    if (run->stopping || run->status == ARC_RUN_PAUSED || run->gates_waiting > 0)
        return NEVER;
    uint64_t at = after(run->started_mono_ns, run->plan->timeout_ns);
    return at == NEVER ? NEVER : at + run->still_total_ns;
}

static uint64_t queue_deadline(const struct arc_run *run, uint32_t j)
{
    const struct arc_job_state *job = &run->jobs[j];
    if (job->status != ARC_JOB_QUEUED || job->agent_id.len > 0 || run->status == ARC_RUN_PAUSED)
        return NEVER;
    return after(job->queued_mono_ns, run->plan->jobs[j].queue_timeout_ns);
}

static int is_granted(const struct arc_step_state *step)
{
    return step->status == ARC_STEP_QUEUED || step->status == ARC_STEP_RUNNING;
}

/* 1: the present step was to end because its run or its job was asked to. */
static int is_stopped(const struct arc_run *run, uint32_t j)
{
    const struct arc_job_state *job = &run->jobs[j];
    return run->forced ||
           ((run->stopping || job->stopping) && !run->plan->jobs[j].steps[job->step].finally);
}

int arc__cancel_due(const struct arc_run *run, uint32_t j)
{
    const struct arc_job_state *job = &run->jobs[j];
    if (job->step >= run->plan->jobs[j].step_count || !is_granted(&job->steps[job->step]))
        return 0;
    return job->steps[job->step].cancel_by_mono_ns > 0 || is_stopped(run, j);
}

static uint64_t stop_deadline(const struct arc_rules *rules, const struct arc_run *run, uint32_t j)
{
    uint64_t at = NEVER;
    if (run->stopping)
        at = run->stop_mono_ns + (uint64_t)run->stop_grace_ns;
    if (run->jobs[j].stopping)
        at = earlier(at, run->jobs[j].stop_mono_ns + (uint64_t)rules->stop_grace_ns);
    return at + (uint64_t)rules->stop_settle_ns;
}

/* When a step that its holder was asked to end is ended without it; NEVER: it was not asked. */
static uint64_t give_up_at(const struct arc_rules *rules, const struct arc_run *run, uint32_t j)
{
    const struct arc_step_state *step = &run->jobs[j].steps[run->jobs[j].step];
    uint64_t at = step->cancel_by_mono_ns > 0 ? step->cancel_by_mono_ns : NEVER;
    return is_stopped(run, j) ? earlier(at, stop_deadline(rules, run, j)) : at;
}

static uint64_t granted_wakes(const struct arc_rules *rules, const struct arc_run *run, uint32_t j)
{
    uint32_t s = run->jobs[j].step;
    uint64_t lease = run->jobs[j].steps[s].lease_mono_ns, at = give_up_at(rules, run, j);
    if (at == NEVER)
        at = earlier(arc__time_over(rules, run, j, s), arc__step_deadline(run, j, s));
    return earlier(lease, at);
}

/* A placed job between two steps: it waits for a retry's delay, or for the end of a pause. */
static uint64_t between_wakes(const struct arc_run *run, uint32_t j)
{
    const struct arc_job_state *job = &run->jobs[j];
    const struct arc_step_state *step = &job->steps[job->step];
    if (job->agent_id.len == 0)
        return NEVER;
    uint64_t at = run->plan->jobs[j].steps[job->step].finally ? NEVER : arc__job_deadline(run, j);
    if (step->not_before_mono_ns > 0 && (run->status != ARC_RUN_PAUSED || run->stopping))
        at = earlier(at, step->not_before_mono_ns);
    return at;
}

static uint64_t job_wakes(const struct arc_rules *rules, const struct arc_run *run, uint32_t j)
{
    const struct arc_job_state *job = &run->jobs[j];
    uint64_t at = NEVER;
    if (job->status == ARC_JOB_PENDING && job->not_before_mono_ns > 0 && job->blockers == 0 &&
        run->status != ARC_RUN_PAUSED && arc__has_room(run, j))
        at = job->not_before_mono_ns;
    if (job->status != ARC_JOB_QUEUED && job->status != ARC_JOB_RUNNING)
        return at;
    at = earlier(at, queue_deadline(run, j));
    if (job->step >= run->plan->jobs[j].step_count)
        return at;
    const struct arc_step_state *step = &job->steps[job->step];
    if (is_granted(step))
        return earlier(at, granted_wakes(rules, run, j));
    return earlier(at, between_wakes(run, j));
}

uint64_t arc__run_deadline(const struct arc_rules *rules, const struct arc_run *run)
{
    uint64_t at = NEVER;
    if (run->plan == NULL || arc__run_over(run))
        return NEVER;
    at = earlier(run_deadline(run), arc__gates_deadline(run));
    for (uint32_t j = 0; j < run->plan->job_count; j++)
        at = earlier(at, job_wakes(rules, run, j));
    return at;
}

/* --- creating ----------------------------------------------------------------------------------
 */

arc_status arc__decide_create(struct arc_decision *d, struct arc_run *run,
                              const struct arc_create *create, arc_err *err)
{
    const struct arc_plan *plan = create->birth.plan;
    struct arc_birth *birth = ARC_ARENA_NEW(d->arena, struct arc_birth);
    uint32_t steps = 0;
    for (uint32_t j = 0; j < plan->job_count; j++)
        steps += plan->jobs[j].step_count;
    arc_id *job_ids = arc__arena_array(d->arena, plan->job_count, sizeof(arc_id));
    arc_id *step_ids = arc__arena_array(d->arena, steps, sizeof(arc_id));
    if (birth == NULL || job_ids == NULL || step_ids == NULL)
        return arc__fail_nomem(err);
    for (uint32_t i = 0; i < plan->job_count; i++)
        ARC_TRY(d->source.id(d->source.user, &job_ids[i], err));
    for (uint32_t i = 0; i < steps; i++)
        ARC_TRY(d->source.id(d->source.user, &step_ids[i], err));
    *birth = create->birth;
    birth->job_ids = job_ids;
    birth->step_ids = step_ids;
    birth->step_id_count = steps;
    struct arc_event event = {.type = ARC_EVENT_PIPELINE_TRIGGERED,
                              .job = -1,
                              .step = -1,
                              .run_id = arc__id_slice(&create->run_id),
                              .pipeline_id = create->pipeline_id,
                              .actor = create->triggered_by,
                              .birth = birth};
    ARC_TRY(arc__emit(d, run, event, err));
    return arc__settle_all(d, run, err);
}

/* --- what operators ask -------------------------------------------------------------------------
 */

static arc_status refuse(const struct arc_run *run, const char *verb, arc_err *err)
{
    return arc__fail(err, ARC_ECONFLICT, "run", "A run that is %s cannot be %s.",
                     run->stopping && !arc__run_over(run) ? "being stopped"
                                                          : arc_run_state_name(run->status),
                     verb);
}

arc_status arc__decide_pause(struct arc_decision *d, struct arc_run *run, arc_slice reason,
                             arc_slice actor, arc_err *err)
{
    if (run->stopping || arc__run_next(run->status, ARC_RUN_SIGNAL_PAUSE) <= 0)
        return refuse(run, "paused", err);
    return arc__emit(d, run,
                     (struct arc_event){.type = ARC_EVENT_PIPELINE_PAUSED,
                                        .job = -1,
                                        .step = -1,
                                        .reason = reason,
                                        .actor = actor},
                     err);
}

arc_status arc__decide_resume(struct arc_decision *d, struct arc_run *run, arc_slice reason,
                              arc_slice actor, arc_err *err)
{
    if (run->stopping || run->status != ARC_RUN_PAUSED)
        return refuse(run, "resumed", err);
    ARC_TRY(arc__emit(d, run,
                      (struct arc_event){.type = ARC_EVENT_PIPELINE_RESUMED,
                                         .job = -1,
                                         .step = -1,
                                         .reason = reason,
                                         .actor = actor},
                      err));
    /* Jobs that were between two steps go on; what became ready meanwhile is queued by settle. */
    for (uint32_t j = 0; j < run->plan->job_count && !arc__run_over(run); j++) {
        int status = run->jobs[j].status;
        if ((status == ARC_JOB_QUEUED || status == ARC_JOB_RUNNING) &&
            run->jobs[j].agent_id.len > 0)
            ARC_TRY(arc__go_on(d, run, j, err));
    }
    return arc__run_over(run) ? ARC_OK : arc__settle_all(d, run, err);
}

static int is_busy(int status)
{
    return status == ARC_JOB_QUEUED || status == ARC_JOB_RUNNING;
}

/* Everything that has not been granted ends at once, but for the `finally` of what had started; the
 * holders of the rest are asked to stop. */
static arc_status cancel_open_jobs(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        const struct arc_job_state *job = &run->jobs[j];
        if (arc_job_state_is_terminal(job->status))
            continue;
        if (job->step < run->plan->jobs[j].step_count && is_granted(&job->steps[job->step]))
            continue;
        if (job->agent_id.len > 0 && job->started_any && is_busy(job->status)) {
            ARC_TRY(arc__go_on(d, run, j, err));
            if (arc__run_over(run))
                return ARC_OK;
            continue;
        }
        ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_CANCELLED, run->reason, err));
        ARC_TRY(arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED, run->reason, 0, err));
    }
    return arc__settle(d, run, err);
}

static arc_status stop(struct arc_decision *d, struct arc_run *run, arc_slice reason,
                       arc_slice actor, int force, uint32_t cause, arc_err *err)
{
    ARC_TRY(arc__emit(d, run,
                      (struct arc_event){.type = ARC_EVENT_PIPELINE_STOPPING,
                                         .job = -1,
                                         .step = -1,
                                         .reason = reason,
                                         .actor = actor,
                                         .cause = cause,
                                         .force = force,
                                         .grace_ns = force ? 0 : d->rules->stop_grace_ns},
                      err));
    return cancel_open_jobs(d, run, err);
}

arc_status arc__decide_stop(struct arc_decision *d, struct arc_run *run, arc_slice reason,
                            arc_slice actor, int force, arc_err *err)
{
    if (arc__run_over(run))
        return refuse(run, "stopped", err);
    if (run->stopping && (run->forced || !force))
        return ARC_OK; /* asked for already */
    if (reason.len == 0)
        reason = actor.len > 0 ? arc__arena_printf(d->arena, "Stopped by %.*s.", ARC_ARG(actor))
                               : ARC_LIT("Stopped by request.");
    return stop(d, run, reason, actor, force, 0, err);
}

/* --- what holders report ------------------------------------------------------------------------
 */

static arc_status start_step(struct arc_decision *d, struct arc_run *run, uint32_t j, uint32_t s,
                             arc_err *err)
{
    if (!run->started_any) /* in a paused run too: its clock begins, its state stays */
        ARC_TRY(arc__emit(
            d, run, (struct arc_event){.type = ARC_EVENT_PIPELINE_STARTED, .job = -1, .step = -1},
            err));
    if (run->jobs[j].status == ARC_JOB_QUEUED)
        ARC_TRY(arc__emit(
            d, run,
            (struct arc_event){.type = ARC_EVENT_JOB_STARTED, .job = (int32_t)j, .step = -1}, err));
    return arc__emit(
        d, run,
        (struct arc_event){.type = ARC_EVENT_STEP_STARTED, .job = (int32_t)j, .step = (int32_t)s},
        err);
}

static enum arc_event_type end_type(int status)
{
    switch (status) {
    case ARC_STEP_SUCCESS:
        return ARC_EVENT_STEP_COMPLETED;
    case ARC_STEP_FAILED:
        return ARC_EVENT_STEP_FAILED;
    case ARC_STEP_TIMEOUT:
        return ARC_EVENT_STEP_TIMEOUT;
    default:
        return ARC_EVENT_STEP_CANCELLED;
    }
}

/* Why a step was cancelled; cause ARC_CAUSE_TIMEOUT: its job's time was over. */
struct why {
    arc_slice reason;
    uint32_t cause;
};

/* A step that has ended by itself, or was ended: its own retry, or for good. */
static arc_status finish_step(struct arc_decision *d, struct arc_run *run,
                              const struct arc_report *report, const struct why *why, arc_err *err)
{
    uint32_t j = report->job, s = report->step;
    const struct arc_plan_step *plan = &run->plan->jobs[j].steps[s];
    const struct arc_step_state *step = &run->jobs[j].steps[s];
    uint32_t cause = report->status == ARC_STEP_FAILED    ? ARC_CAUSE_FAILED
                     : report->status == ARC_STEP_TIMEOUT ? ARC_CAUSE_TIMEOUT
                                                          : why->cause;
    if (report->status != ARC_STEP_CANCELLED && cause != 0 && !is_stopped(run, j) &&
        d->now.mono_ns < arc__time_over(d->rules, run, j, s) &&
        arc__retry_covers(&plan->retry, step->executions + 1, cause)) {
        int64_t delay_ns = arc__retry_delay_ns(&plan->retry, step->executions + 1, d->source.random,
                                               d->source.user);
        ARC_TRY(arc__emit(d, run,
                          (struct arc_event){.type = ARC_EVENT_STEP_RETRYING,
                                             .job = (int32_t)j,
                                             .step = (int32_t)s,
                                             .cause = cause,
                                             .exit_code = report->exit_code,
                                             .error_message = report->error_message,
                                             .log_lines = report->log_lines,
                                             .not_before_ns = d->now.wall_ns + delay_ns},
                          err));
        return arc__go_on(d, run, j, err);
    }
    ARC_TRY(arc__emit(d, run,
                      (struct arc_event){.type = end_type(report->status),
                                         .job = (int32_t)j,
                                         .step = (int32_t)s,
                                         .cause = cause,
                                         .reason = why->reason,
                                         .exit_code = report->exit_code,
                                         .error_message = report->error_message,
                                         .metrics = report->metrics,
                                         .outputs = report->outputs,
                                         .log_lines = report->log_lines},
                      err));
    return arc__go_on(d, run, j, err);
}

static arc_status check_holder(const struct arc_run *run, const struct arc_report *report,
                               arc_err *err)
{
    const struct arc_job_state *job = &run->jobs[report->job];
    const struct arc_step_state *step = &job->steps[report->step];
    int weak = report->fence == 0 && report->attempt == 0;
    if (!arc__slice_equal(job->agent_id, report->agent_id))
        return arc__fail(err, ARC_EPRECONDITION, "lease", "This agent does not hold the step.");
    if (step->attempt == 0 ||
        (!weak && (report->fence != step->fence || report->attempt != step->attempt)))
        return arc__fail(err, ARC_EPRECONDITION, "fence",
                         "The fence is stale: the step is at attempt %d now.", step->attempt);
    return ARC_OK;
}

/* A holder that says "cancelled" after we asked it to: what for? */
static struct why explain_cancel(struct arc_decision *d, const struct arc_run *run,
                                 struct arc_report *report)
{
    uint32_t j = report->job, s = report->step;
    struct why why = {ARC_NONE, 0};
    if (report->status != ARC_STEP_CANCELLED)
        return why;
    if (is_stopped(run, j))
        why.reason = run->stopping ? run->reason : run->jobs[j].stop_reason;
    else if (d->now.mono_ns >= arc__step_deadline(run, j, s))
        report->status = ARC_STEP_TIMEOUT;
    else if (d->now.mono_ns < arc__time_over(d->rules, run, j, s))
        return why;
    else if (run->plan->jobs[j].steps[s].finally)
        report->status = ARC_STEP_TIMEOUT;
    else
        why = (struct why){ARC_LIT("The job ran into its timeout."), ARC_CAUSE_TIMEOUT};
    return why;
}

arc_status arc__decide_report(struct arc_decision *d, struct arc_run *run,
                              const struct arc_report *given, arc_err *err)
{
    struct arc_report report = *given;
    const struct arc_step_state *step = &run->jobs[report.job].steps[report.step];
    ARC_TRY(check_holder(run, &report, err));
    if (report.status == ARC_STEP_RUNNING) {
        if (step->status == ARC_STEP_QUEUED)
            return start_step(d, run, report.job, report.step, err);
        return ARC_OK; /* the same again, or late */
    }
    if (report.status < ARC_STEP_SUCCESS || report.status > ARC_STEP_TIMEOUT)
        return arc__fail(err, ARC_EINVAL, "status",
                         "An agent reports running, success, failed, cancelled or timeout.");
    if (!is_granted(step)) {
        /* Terminal absorbs; and a retried attempt has been reported already. */
        if (step->status == report.status || step->status == ARC_STEP_PENDING)
            return ARC_OK;
        return arc__fail(err, ARC_ECONFLICT, "step", "The step has ended as %s already.",
                         arc_step_state_name(step->status));
    }
    if (step->status == ARC_STEP_QUEUED && report.status != ARC_STEP_CANCELLED)
        ARC_TRY(start_step(d, run, report.job, report.step, err));
    struct why why = explain_cancel(d, run, &report);
    return finish_step(d, run, &report, &why, err);
}

arc_status arc__decide_lost(struct arc_decision *d, struct arc_run *run, uint32_t j,
                            arc_slice reason, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    uint32_t count = run->plan->jobs[j].step_count;
    if (job->agent_id.len == 0 || (job->status != ARC_JOB_QUEUED && job->status != ARC_JOB_RUNNING))
        return arc__fail(err, ARC_ECONFLICT, "job", "The job is not placed.");
    struct arc_event event = {.job = (int32_t)j,
                              .step = (int32_t)job->step,
                              .cause = ARC_CAUSE_LOST,
                              .reason = reason,
                              .error_message = reason,
                              .not_before_ns = d->now.wall_ns};
    int granted = job->step < count && is_granted(&job->steps[job->step]);
    if (run->stopping || job->stopping) { /* its `finally` had nowhere to run */
        event.type = ARC_EVENT_STEP_CANCELLED;
        if (granted)
            ARC_TRY(arc__emit(d, run, event, err));
        ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_CANCELLED, reason, err));
        return arc__go_on(d, run, j, err);
    }
    if (!job->started_any && granted && job->lost < d->rules->lost_retries_max) {
        event.type = ARC_EVENT_STEP_RETRYING; /* placed anew, under the next attempt */
        return arc__emit(d, run, event, err);
    }
    event.type = job->started_any && granted && job->steps[job->step].status == ARC_STEP_RUNNING
                     ? ARC_EVENT_STEP_FAILED
                     : ARC_EVENT_STEP_CANCELLED;
    if (granted)
        ARC_TRY(arc__emit(d, run, event, err));
    ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_SKIPPED, reason, err));
    return arc__lose_attempt(d, run, j, reason, err);
}

/* --- what time asks ------------------------------------------------------------------------------
 */

/* The holder did not end the step although it was told to: it ends without it. */
static arc_status give_up_on(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    struct arc_report report = {.job = j,
                                .step = run->jobs[j].step,
                                .status = ARC_STEP_CANCELLED,
                                .error_message =
                                    ARC_LIT("The agent did not answer that the step had ended.")};
    struct why why = explain_cancel(d, run, &report);
    return finish_step(d, run, &report, &why, err);
}

static arc_status tick_granted(struct arc_decision *d, struct arc_run *run, uint32_t j,
                               arc_err *err)
{
    struct arc_step_state *step = &run->jobs[j].steps[run->jobs[j].step];
    uint64_t now = d->now.mono_ns;
    if (step->lease_mono_ns <= now) {
        arc_slice reason = arc__arena_printf(
            d->arena, "Agent %.*s was lost: no word of it for the lease's %lld s.",
            ARC_ARG(run->jobs[j].agent_id),
            (long long)(d->rules->lease_ttl_ns / INT64_C(1000000000)));
        return arc__decide_lost(d, run, j, reason, err);
    }
    uint64_t at = give_up_at(d->rules, run, j);
    if (at != NEVER)
        return now >= at ? give_up_on(d, run, j, err) : ARC_OK;
    if (now >= arc__step_deadline(run, j, run->jobs[j].step) ||
        now >= arc__time_over(d->rules, run, j, run->jobs[j].step))
        step->cancel_by_mono_ns =
            now + (uint64_t)d->rules->stop_grace_ns + (uint64_t)d->rules->stop_settle_ns;
    return ARC_OK;
}

static arc_status tick_job(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    if (job->status != ARC_JOB_QUEUED && job->status != ARC_JOB_RUNNING)
        return ARC_OK;
    if (queue_deadline(run, j) <= d->now.mono_ns) {
        arc_slice reason = ARC_LIT("No agent took the job within its queueTimeout.");
        ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_SKIPPED, reason, err));
        ARC_TRY(arc__end_job(d, run, j, ARC_EVENT_JOB_TIMEOUT, reason, ARC_CAUSE_TIMEOUT, err));
        return arc__settle(d, run, err);
    }
    if (job->step >= run->plan->jobs[j].step_count)
        return ARC_OK;
    if (is_granted(&job->steps[job->step]))
        return tick_granted(d, run, j, err);
    return between_wakes(run, j) <= d->now.mono_ns ? arc__go_on(d, run, j, err) : ARC_OK;
}

arc_status arc__decide_tick(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    int settle = 0;
    if (arc__run_over(run))
        return ARC_OK;
    if (run_deadline(run) <= d->now.mono_ns)
        ARC_TRY(stop(d, run, ARC_LIT("The run ran into its timeout."), ARC_NONE, 0,
                     ARC_CAUSE_TIMEOUT, err));
    for (uint32_t j = 0; j < run->plan->job_count && !arc__run_over(run); j++) {
        struct arc_job_state *job = &run->jobs[j];
        settle |= job->status == ARC_JOB_PENDING && job->not_before_mono_ns > 0 &&
                  job->not_before_mono_ns <= d->now.mono_ns;
        ARC_TRY(tick_job(d, run, j, err));
    }
    if (arc__gates_deadline(run) <= d->now.mono_ns) {
        ARC_TRY(arc__gates_tick(d, run, err));
        settle = 1;
    }
    return settle && !arc__run_over(run) ? arc__settle_all(d, run, err) : ARC_OK;
}
