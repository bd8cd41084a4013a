/* SPDX-License-Identifier: Apache-2.0 */
/* What the holders of leases report, and what it means when one falls silent. */
#include "core/decide_private.h"
#include "core/retry.h"

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

/* What the attempt has kept stands before its end. */
static arc_status keep_artifacts(struct arc_decision *d, struct arc_run *run,
                                 const struct arc_report *report, arc_err *err)
{
    if (run->jobs[report->job].steps[report->step].status != ARC_STEP_RUNNING)
        return ARC_OK; /* it never began */
    for (uint32_t i = 0; i < report->artifact_count; i++) {
        const struct arc_artifact *from = &report->artifacts[i];
        ARC_TRY(arc__emit(d, run,
                          (struct arc_event){.type = ARC_EVENT_ARTIFACT_CREATED,
                                             .job = (int32_t)report->job,
                                             .step = (int32_t)report->step,
                                             .artifact = from->name,
                                             .path = from->path,
                                             .digest = from->digest,
                                             .size = from->size,
                                             .expires_ns = from->expires_ns},
                          err));
    }
    return ARC_OK;
}

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
    if (report->status != ARC_STEP_CANCELLED && cause != 0 && !arc__is_stopped(run, j) &&
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
    if (arc__is_stopped(run, j))
        why.reason = run->stopping           ? run->reason
                     : run->jobs[j].stopping ? run->jobs[j].stop_reason
                                             : run->jobs[j].steps[s].stop_reason;
    else if (d->now.mono_ns >= arc__step_deadline(run, j, s))
        report->status = ARC_STEP_TIMEOUT;
    else if (d->now.mono_ns < arc__time_over(d->rules, run, j, s))
        return why;
    else if (arc__outlasts(&run->plan->jobs[j].steps[s]))
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
    if (!arc__is_granted(step)) {
        /* Terminal absorbs; and a retried attempt has been reported already. */
        if (step->status == report.status || step->status == ARC_STEP_PENDING)
            return ARC_OK;
        return arc__fail(err, ARC_ECONFLICT, "step", "The step has ended as %s already.",
                         arc_step_state_name(step->status));
    }
    if (step->status == ARC_STEP_QUEUED && report.status != ARC_STEP_CANCELLED)
        ARC_TRY(start_step(d, run, report.job, report.step, err));
    struct why why = explain_cancel(d, run, &report);
    ARC_TRY(keep_artifacts(d, run, &report, err));
    return finish_step(d, run, &report, &why, err);
}

/* Nothing of it had started: it is placed anew, under the next attempt. But a step that somebody
 * had asked to end has ended with that, and never starts. */
static arc_status place_anew(struct arc_decision *d, struct arc_run *run,
                             const struct arc_event *loss, arc_err *err)
{
    const struct arc_job_state *job = &run->jobs[loss->job];
    const struct arc_step_state *step = &job->steps[loss->step];
    struct arc_event event = *loss;
    int asked = step->stopping;
    event.type = ARC_EVENT_STEP_RETRYING;
    ARC_TRY(arc__emit(d, run, event, err));
    if (!asked)
        return ARC_OK;
    ARC_TRY(arc__emit(d, run,
                      (struct arc_event){.type = ARC_EVENT_STEP_CANCELLED,
                                         .job = loss->job,
                                         .step = loss->step,
                                         .reason = step->stop_reason},
                      err));
    if (job->step < run->plan->jobs[loss->job].step_count)
        return ARC_OK; /* what is left of it waits for a place */
    return arc__go_on(d, run, (uint32_t)loss->job, err);
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
    int granted = job->step < count && arc__is_granted(&job->steps[job->step]);
    if (run->stopping || job->stopping) { /* its `finally` had nowhere to run */
        event.type = ARC_EVENT_STEP_CANCELLED;
        if (granted)
            ARC_TRY(arc__emit(d, run, event, err));
        ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_CANCELLED, reason, err));
        return arc__go_on(d, run, j, err);
    }
    if (!job->started_any && granted && job->lost < d->rules->lost_retries_max)
        return place_anew(d, run, &event, err);
    event.type = job->started_any && granted && job->steps[job->step].status == ARC_STEP_RUNNING
                     ? ARC_EVENT_STEP_FAILED
                     : ARC_EVENT_STEP_CANCELLED;
    if (granted)
        ARC_TRY(arc__emit(d, run, event, err));
    ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_SKIPPED, reason, err));
    return arc__lose_attempt(d, run, j, reason, err);
}

/* The holder did not end the step although it was told to: it ends without it. */
arc_status arc__give_up_on(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    struct arc_report report = {.job = j,
                                .step = run->jobs[j].step,
                                .status = ARC_STEP_CANCELLED,
                                .error_message =
                                    ARC_LIT("The agent did not answer that the step had ended.")};
    struct why why = explain_cancel(d, run, &report);
    return finish_step(d, run, &report, &why, err);
}
