/* SPDX-License-Identifier: Apache-2.0 */
/* What may be asked of a run: to begin, to pause, to go on, to stop. */
#include "core/decide.h"

#include "core/decide_private.h"
#include "core/states.h"

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
    birth->attempt = birth->attempt > 0 ? birth->attempt : 1;
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
        if (job->step < run->plan->jobs[j].step_count && arc__is_granted(&job->steps[job->step]))
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

arc_status arc__stop_run(struct arc_decision *d, struct arc_run *run, arc_slice reason,
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

/* What is said where nobody gave a reason. */
static arc_slice reason_or(struct arc_decision *d, arc_slice reason, const char *verb,
                           arc_slice actor)
{
    if (reason.len > 0)
        return reason;
    return actor.len > 0 ? arc__arena_printf(d->arena, "%s by %.*s.", verb, ARC_ARG(actor))
                         : arc__arena_printf(d->arena, "%s by request.", verb);
}

arc_status arc__decide_stop(struct arc_decision *d, struct arc_run *run, arc_slice reason,
                            arc_slice actor, int force, arc_err *err)
{
    if (arc__run_over(run))
        return refuse(run, "stopped", err);
    if (run->stopping && (run->forced || !force))
        return ARC_OK; /* asked for already */
    reason = reason_or(d, reason, "Stopped", actor);
    if (reason.ptr == NULL)
        return arc__fail_nomem(err);
    return arc__stop_run(d, run, reason, actor, force, 0, err);
}

/* Of what has ended, or has no place in a run that ends. */
static arc_status too_late(const char *what, const char *state, arc_err *err)
{
    return arc__fail(err, ARC_ECONFLICT, what, "The %s has ended already: it is %s.", what, state);
}

arc_status arc__decide_cancel_job(struct arc_decision *d, struct arc_run *run, uint32_t j,
                                  arc_slice reason, arc_slice actor, int force, arc_err *err)
{
    if (arc_job_state_is_terminal(run->jobs[j].status))
        return too_late("job", arc_job_state_name(run->jobs[j].status), err);
    struct arc_stop stop = {reason_or(d, reason, "Cancelled", actor), actor, ARC_CAUSE_ASKED,
                            force};
    if (stop.reason.ptr == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(arc__stop_job(d, run, j, &stop, err));
    return arc__settle(d, run, err);
}

arc_status arc__decide_cancel_step(struct arc_decision *d, struct arc_run *run, uint32_t j,
                                   uint32_t s, arc_slice reason, arc_slice actor, int force,
                                   arc_err *err)
{
    const struct arc_step_state *step = &run->jobs[j].steps[s];
    struct arc_event event = {.type = ARC_EVENT_STEP_STOPPING,
                              .job = (int32_t)j,
                              .step = (int32_t)s,
                              .reason = reason_or(d, reason, "Cancelled", actor),
                              .actor = actor,
                              .force = force,
                              .grace_ns = force ? 0 : d->rules->stop_grace_ns};
    if (arc_step_state_is_terminal(step->status))
        return too_late("step", arc_step_state_name(step->status), err);
    if (event.reason.ptr == NULL)
        return arc__fail_nomem(err);
    if (step->stopping && (step->forced || !force))
        return ARC_OK;
    if (arc__is_granted(step))
        return arc__emit(d, run, event, err);
    event.type = ARC_EVENT_STEP_CANCELLED;
    event.grace_ns = event.force = 0;
    ARC_TRY(arc__emit(d, run, event, err));
    if (run->jobs[j].agent_id.len == 0 && run->jobs[j].step < run->plan->jobs[j].step_count)
        return ARC_OK; /* what is left of it waits for a place; of nothing it ends here */
    return arc__go_on(d, run, j, err);
}

arc_status arc__decide_update_step(struct arc_decision *d, struct arc_run *run, uint32_t j,
                                   uint32_t s, arc_slice env, int64_t timeout_ns, arc_slice actor,
                                   arc_err *err)
{
    int status = run->jobs[j].steps[s].status;
    if (status != ARC_STEP_PENDING)
        return arc__fail(err, ARC_ECONFLICT, "step",
                         "The step is %s: only one that is pending can be changed.",
                         arc_step_state_name(status));
    if (env.len == 0 && timeout_ns < 0)
        return ARC_OK;
    return arc__emit(d, run,
                     (struct arc_event){.type = ARC_EVENT_STEP_UPDATED,
                                        .job = (int32_t)j,
                                        .step = (int32_t)s,
                                        .actor = actor,
                                        .env = env,
                                        .timeout_ns = timeout_ns >= 0 ? timeout_ns + 1 : 0},
                     err);
}
