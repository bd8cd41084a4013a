/* SPDX-License-Identifier: Apache-2.0 */
/* What time asks of a run: when each thing is due, and what happens then. */
#include "base/list.h"
#include "core/decide_private.h"

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
    return after(run->jobs[j].steps[s].started_mono_ns, arc__step_timeout_ns(run, j, s));
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
    if (!arc__outlasts(&run->plan->jobs[j].steps[s]))
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
    uint64_t at = after(run->clock_mono_ns, run->plan->timeout_ns);
    return at == NEVER ? NEVER : at + run->still_total_ns;
}

static uint64_t queue_deadline(const struct arc_run *run, uint32_t j)
{
    const struct arc_job_state *job = &run->jobs[j];
    if (job->status != ARC_JOB_QUEUED || job->agent_id.len > 0 || run->status == ARC_RUN_PAUSED)
        return NEVER;
    return after(job->queued_mono_ns, run->plan->jobs[j].queue_timeout_ns);
}

/* 1: the present step was to end because its run or its job was asked to. */
int arc__is_stopped(const struct arc_run *run, uint32_t j)
{
    const struct arc_job_state *job = &run->jobs[j];
    return run->forced || job->forced || job->steps[job->step].stopping ||
           ((run->stopping || job->stopping) && !run->plan->jobs[j].steps[job->step].finally);
}

/* The widest request tells: the run's before the job's before the step's. */
struct arc_cancel_terms arc__cancel_terms(const struct arc_rules *rules, const struct arc_run *run,
                                          uint32_t j)
{
    const struct arc_job_state *job = &run->jobs[j];
    const struct arc_step_state *step = &job->steps[job->step];
    struct arc_cancel_terms terms = {.grace_ns = rules->stop_grace_ns,
                                     .force = run->forced || job->forced || step->forced};
    if (step->cancel_by_mono_ns > 0) {
        terms.reason = ARC_LIT("It ran into its timeout.");
    } else if (run->stopping) {
        terms.reason = run->reason;
    } else {
        terms.reason = job->stopping ? job->stop_reason : step->stop_reason;
    }
    if (run->stopping)
        terms.grace_ns = run->stop_grace_ns;
    if (terms.force)
        terms.grace_ns = 0;
    return terms;
}

int arc__cancel_due(const struct arc_run *run, uint32_t j)
{
    const struct arc_job_state *job = &run->jobs[j];
    if (job->step >= run->plan->jobs[j].step_count || !arc__is_granted(&job->steps[job->step]))
        return 0;
    return job->steps[job->step].cancel_by_mono_ns > 0 || arc__is_stopped(run, j);
}

/* When the holder of the present step has had its grace and we ours; NEVER: nothing was asked. */
static uint64_t stop_deadline(const struct arc_rules *rules, const struct arc_run *run, uint32_t j)
{
    const struct arc_job_state *job = &run->jobs[j];
    const struct arc_step_state *step = &job->steps[job->step];
    uint64_t at = NEVER;
    if (run->stopping)
        at = run->stop_mono_ns + (uint64_t)run->stop_grace_ns;
    if (job->stopping)
        at = earlier(at, job->stop_mono_ns + (uint64_t)job->stop_grace_ns);
    if (step->stopping)
        at = earlier(at, step->stop_mono_ns + (uint64_t)step->stop_grace_ns);
    return at == NEVER ? NEVER : at + (uint64_t)rules->stop_settle_ns;
}

/* When a step that its holder was asked to end is ended without it; NEVER: it was not asked. */
static uint64_t give_up_at(const struct arc_rules *rules, const struct arc_run *run, uint32_t j)
{
    const struct arc_step_state *step = &run->jobs[j].steps[run->jobs[j].step];
    uint64_t at = step->cancel_by_mono_ns > 0 ? step->cancel_by_mono_ns : NEVER;
    return arc__is_stopped(run, j) ? earlier(at, stop_deadline(rules, run, j)) : at;
}

/* Who can ask the holder to end sees to its time: by another clock it could be given up before it
 * has been asked. */
static int is_watched_elsewhere(const struct arc_step_state *step)
{
    return step->lease_mono_ns == ARC_LEASE_ELSEWHERE;
}

static uint64_t granted_wakes(const struct arc_rules *rules, const struct arc_run *run, uint32_t j)
{
    uint32_t s = run->jobs[j].step;
    uint64_t lease = run->jobs[j].steps[s].lease_mono_ns, at = give_up_at(rules, run, j);
    if (at == NEVER && is_watched_elsewhere(&run->jobs[j].steps[s]))
        return NEVER;
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
    const struct arc_plan_step *plan = &run->plan->jobs[j].steps[job->step];
    uint64_t at = arc__outlasts(plan) ? NEVER : arc__job_deadline(run, j);
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
    if (arc__is_granted(step))
        return earlier(at, granted_wakes(rules, run, j));
    return earlier(at, between_wakes(run, j));
}

/* The first job of the heap whose time is known and not later than until; NULL: none. Those that
 * stand too far in front are put in their place on the way. */
static struct arc_job_state *first_due(const struct arc_rules *rules, struct arc_run *run,
                                       uint64_t until)
{
    struct arc_timer *timer = NULL;
    while ((timer = arc__heap_peek(&run->wakes)) != NULL && timer->deadline_ns <= until) {
        struct arc_job_state *job = ARC_CONTAINER(timer, struct arc_job_state, wake);
        uint64_t at = job_wakes(rules, run, (uint32_t)(job - run->jobs));
        if (at <= timer->deadline_ns)
            return job;
        if (at == NEVER)
            arc__heap_disarm(&run->wakes, timer);
        else
            (void)arc__heap_arm(&run->wakes, timer, at, NULL); /* moved: it cannot fail */
    }
    return NULL;
}

uint64_t arc__run_deadline(const struct arc_rules *rules, struct arc_run *run)
{
    if (run->plan == NULL || arc__run_over(run))
        return NEVER;
    uint64_t at = earlier(run_deadline(run), arc__gates_deadline(run));
    const struct arc_job_state *job = first_due(rules, run, at);
    return job != NULL ? earlier(at, job->wake.deadline_ns) : at;
}

/* --- what happens then --------------------------------------------------------------- */

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
        return now >= at ? arc__give_up_on(d, run, j, err) : ARC_OK;
    if (is_watched_elsewhere(step))
        return ARC_OK;
    if (now >= arc__step_deadline(run, j, run->jobs[j].step) ||
        now >= arc__time_over(d->rules, run, j, run->jobs[j].step))
        step->cancel_by_mono_ns =
            now + (uint64_t)d->rules->stop_grace_ns + (uint64_t)d->rules->stop_settle_ns;
    return ARC_OK;
}

static arc_status tick_job(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    if (job->status == ARC_JOB_PENDING) /* its retry's delay is over */
        return arc__settle_job(d, run, j, err);
    if (job->status != ARC_JOB_QUEUED && job->status != ARC_JOB_RUNNING)
        return ARC_OK;
    if (queue_deadline(run, j) <= d->now.mono_ns) {
        arc_slice reason =
            arc__job_lacks_slot(run, j)
                ? ARC_LIT("The job got no slot of its concurrency group within its queueTimeout.")
                : ARC_LIT("No agent took the job within its queueTimeout.");
        ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_SKIPPED, reason, err));
        ARC_TRY(arc__end_job(d, run, j, ARC_EVENT_JOB_TIMEOUT, reason, ARC_CAUSE_TIMEOUT, err));
        return arc__settle(d, run, err);
    }
    if (job->step >= run->plan->jobs[j].step_count)
        return ARC_OK;
    if (arc__is_granted(&job->steps[job->step]))
        return tick_granted(d, run, j, err);
    return between_wakes(run, j) <= d->now.mono_ns ? arc__go_on(d, run, j, err) : ARC_OK;
}

/* What is due leaves the heap before anything is decided: a decision may put it back. */
static arc_status take_due(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    struct arc_job_state *job = NULL;
    uint32_t *due = arc__arena_array(d->arena, run->wakes.count, sizeof(uint32_t)), count = 0;
    if (due == NULL)
        return arc__fail_nomem(err);
    while ((job = first_due(d->rules, run, d->now.mono_ns)) != NULL) {
        due[count++] = (uint32_t)(job - run->jobs);
        arc__heap_disarm(&run->wakes, &job->wake);
    }
    for (uint32_t i = 0; i < count; i++)
        (void)arc__heap_arm(&run->wakes, &run->jobs[due[i]].wake, d->now.mono_ns, NULL);
    d->due = due;
    d->due_count = count;
    return ARC_OK;
}

arc_status arc__decide_tick(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    if (arc__run_over(run))
        return ARC_OK;
    if (run_deadline(run) <= d->now.mono_ns)
        ARC_TRY(arc__stop_run(d, run, ARC_LIT("The run ran into its timeout."), ARC_NONE, 0,
                              ARC_CAUSE_TIMEOUT, err));
    if (arc__run_over(run))
        return ARC_OK;
    ARC_TRY(take_due(d, run, err));
    for (uint32_t i = 0; i < d->due_count && !arc__run_over(run); i++)
        ARC_TRY(tick_job(d, run, d->due[i], err));
    if (arc__run_over(run) || arc__gates_deadline(run) > d->now.mono_ns)
        return ARC_OK;
    ARC_TRY(arc__gates_tick(d, run, err));
    return arc__settle(d, run, err);
}
