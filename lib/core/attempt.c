/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt of a job, on the agent that it has been placed on: grants its steps one after the
 * other, and when all have ended ends the attempt or asks for another one. */
#include "base/json.h"
#include "core/decide_private.h"
#include "core/retry.h"

#define PLACE_BYTES_MAX (1024u * 1024u)

/* 1: something of the job is decided or expanded while it runs, and may name the agent. */
static int is_late(const struct arc_plan_job *plan)
{
    int late = plan->outputs.count > 0 || (plan->late & ARC_LATE_RUNTIME) != 0;
    for (uint32_t s = 0; s < plan->step_count && !late; s++)
        late = plan->steps[s].late != 0 || plan->steps[s].late_env.count > 0 ||
               plan->steps[s].condition.when == ARC_WHEN_EXPR;
    return late;
}

/* What is known about the agent goes into the event: its labels may change, what was expanded with
 * them must not. */
static arc_status place_text(struct arc_decision *d, const struct arc_place_facts *place,
                             arc_slice *out, arc_err *err)
{
    struct arc_buf buf;
    struct arc_json json;
    arc__buf_init(&buf, &d->arena->mem, PLACE_BYTES_MAX);
    arc__json_init(&json, &buf);
    arc__json_object(&json);
    arc__json_key_text(&json, "arch", place->arch);
    arc__json_key_text(&json, "id", place->id);
    arc__json_key(&json, ARC_LIT("labels"));
    arc__json_object(&json);
    for (uint32_t i = 0; i < place->labels.count; i++) {
        arc__json_key(&json, place->labels.items[i].key);
        arc__json_text(&json, place->labels.items[i].value);
    }
    arc__json_end_object(&json);
    arc__json_key_text(&json, "name", place->name);
    arc__json_key_text(&json, "os", place->os);
    arc__json_end_object(&json);
    arc_status status = arc__buf_check(&buf, err);
    if (status == ARC_OK)
        *out = arc__arena_copy(d->arena, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
    return status == ARC_OK && d->arena->failed ? arc__fail_nomem(err) : status;
}

/* The fence of the step's last grant, also by an earlier attempt of its job; 0: it had none. */
static uint64_t last_fence(const struct arc_job_state *job, uint32_t s)
{
    uint64_t own = job->steps[s].fence;
    uint64_t before = job->old_steps != NULL ? job->old_steps[s].fence : 0;
    return own > before ? own : before;
}

/* place: of a job that is not placed yet; NULL: the agent that it is on. */
static arc_status grant(struct arc_decision *d, struct arc_run *run, uint32_t j, uint32_t s,
                        const struct arc_place_facts *place, arc_err *err)
{
    struct arc_event event = {.type = ARC_EVENT_STEP_QUEUED,
                              .job = (int32_t)j,
                              .step = (int32_t)s,
                              .agent_id = place != NULL ? place->id : run->jobs[j].agent_id,
                              .attempt = run->jobs[j].steps[s].attempt + 1};
    if (place != NULL && is_late(&run->plan->jobs[j]))
        ARC_TRY(place_text(d, place, &event.place, err));
    ARC_TRY(d->source.fence(d->source.user, last_fence(&run->jobs[j], s), &event.fence, err));
    ARC_TRY(arc__emit(d, run, event, err));
    run->jobs[j].steps[s].lease_mono_ns = d->now.mono_ns + (uint64_t)d->rules->lease_ttl_ns;
    return ARC_OK;
}

/* A step that nobody can run: it is granted, so that it has its place in the order of things, and
 * fails before anybody hears of it. */
static arc_status fail_step(struct arc_decision *d, struct arc_run *run, uint32_t j, uint32_t s,
                            arc_slice message, arc_err *err)
{
    return arc__emit(d, run,
                     (struct arc_event){.type = ARC_EVENT_STEP_FAILED,
                                        .job = (int32_t)j,
                                        .step = (int32_t)s,
                                        .cause = ARC_CAUSE_FAILED,
                                        .exit_code = -1,
                                        .error_message = message},
                     err);
}

/* Grants a step if its texts can be made; else it has failed, and *failed says so. */
static arc_status grant_whole(struct arc_decision *d, struct arc_run *run, uint32_t j, uint32_t s,
                              const struct arc_place_facts *place, int *failed, arc_err *err)
{
    const struct arc_plan_step *plan = &run->plan->jobs[j].steps[s];
    struct arc_resolved texts;
    arc_err why = ARC_ERR_INIT;
    *failed = 0;
    ARC_TRY(grant(d, run, j, s, place, err));
    if (!arc__step_is_late(run->plan, j, s) && plan->late_env.count == 0)
        return ARC_OK;
    arc_status status = arc__step_resolve(run, j, s, NULL, d->arena, &texts, &why);
    if (status == ARC_OK)
        return ARC_OK;
    if (status == ARC_ENOMEM)
        return arc__fail_nomem(err);
    *failed = 1;
    arc_slice message = arc__arena_copy(d->arena, arc__slice_cstr(why.message));
    if (message.ptr == NULL)
        return arc__fail_nomem(err);
    return fail_step(d, run, j, s, message, err);
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
    if (run->stopping || job->stopping)
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

/* Every step of the attempt has ended. */
static arc_status end_attempt(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    const struct arc_job_state *job = &run->jobs[j];
    int cancelled = arc__any_cancelled(run, j, run->plan->jobs[j].step_count);
    if (job->cut) {
        arc_slice reason = ARC_LIT("The job ran into its timeout.");
        if (job_retry_applies(run, j, ARC_CAUSE_TIMEOUT))
            return retry_job(d, run, j, ARC_CAUSE_TIMEOUT, reason, err);
        return arc__end_job(d, run, j, ARC_EVENT_JOB_TIMEOUT, reason, ARC_CAUSE_TIMEOUT, err);
    }
    if (run->stopping && cancelled)
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED, run->reason, 0, err);
    if (job->stopping && cancelled)
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED, job->stop_reason,
                            job->stop_cause == ARC_CAUSE_ASKED ? 0 : ARC_CAUSE_FAILED, err);
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

/* Why a pending step will not run, whatever its `when`: NONE, or the event that ends it. `finally`
 * runs in what is stopped once it had started, unless that is forced, and after the job's time. */
static struct arc_event bar_step(struct arc_decision *d, const struct arc_run *run, uint32_t j,
                                 uint32_t s)
{
    const struct arc_job_state *job = &run->jobs[j];
    const struct arc_plan_step *plan = &run->plan->jobs[j].steps[s];
    struct arc_event event = {.job = (int32_t)j, .step = (int32_t)s};
    if ((run->stopping || job->stopping) &&
        (!plan->finally || run->forced || job->forced || !job->started_any)) {
        event.type = ARC_EVENT_STEP_CANCELLED;
        event.reason = run->stopping ? run->reason : job->stop_reason;
    } else if (!arc__outlasts(plan) && d->now.mono_ns >= arc__job_deadline(run, j)) {
        event.type = ARC_EVENT_STEP_SKIPPED;
        event.reason = ARC_LIT("The job ran into its timeout.");
        event.cause = ARC_CAUSE_TIMEOUT;
    }
    return event;
}

/* The present step, which is pending: ended without having run, or granted, or (*waits) neither. */
static arc_status next_step(struct arc_decision *d, struct arc_run *run, uint32_t j,
                            const struct arc_place_facts *place, int *waits, arc_err *err)
{
    uint32_t s = run->jobs[j].step;
    const struct arc_step_state *step = &run->jobs[j].steps[s];
    struct arc_verdict verdict;
    struct arc_event bar = bar_step(d, run, j, s);
    int failed = 0;
    if (bar.type != ARC_EVENT_NONE)
        return arc__emit(d, run, bar, err);
    ARC_TRY(arc__judge_step(d, run, j, s, &verdict, err));
    if (!verdict.runs && !verdict.failed)
        return arc__emit(d, run,
                         (struct arc_event){.type = ARC_EVENT_STEP_SKIPPED,
                                            .job = (int32_t)j,
                                            .step = (int32_t)s,
                                            .reason = verdict.reason},
                         err);
    *waits = (run->status == ARC_RUN_PAUSED && !run->stopping) ||
             step->not_before_mono_ns > d->now.mono_ns;
    if (*waits)
        return ARC_OK;
    if (run->jobs[j].agent_id.len > 0)
        place = NULL;
    if (verdict.failed) {
        ARC_TRY(grant(d, run, j, s, place, err));
        return fail_step(d, run, j, s, verdict.reason, err);
    }
    return grant_whole(d, run, j, s, place, &failed, err);
}

/* Takes a placed job as far as it goes by itself: skips, grants the next step, or ends it. */
arc_status arc__attempt_go_on(struct arc_decision *d, struct arc_run *run, uint32_t j,
                              const struct arc_place_facts *place, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    int waits = 0;
    while (job->step < run->plan->jobs[j].step_count) {
        if (job->steps[job->step].status != ARC_STEP_PENDING)
            return ARC_OK; /* granted or running: its holder speaks next */
        ARC_TRY(next_step(d, run, j, place, &waits, err));
        if (waits)
            return ARC_OK;
    }
    return end_attempt(d, run, j, err);
}

arc_status arc__lose_attempt(struct arc_decision *d, struct arc_run *run, uint32_t j,
                             arc_slice reason, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    if (job->lost < d->rules->lost_retries_max && job_retry_applies(run, j, ARC_CAUSE_LOST))
        ARC_TRY(retry_job(d, run, j, ARC_CAUSE_LOST, reason, err));
    else
        ARC_TRY(arc__end_job(d, run, j, ARC_EVENT_JOB_FAILED, reason, ARC_CAUSE_LOST, err));
    return arc__settle(d, run, err);
}
