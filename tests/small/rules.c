/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold, by the sentences of the contract and with no function of the core: a fold of its
 * own, a row for each type of event, and a look at every state. Of the library it reads the plan
 * and the run as data.
 *
 *   I1  a grant is begun and started once           I2  what has ended does not change
 *   I3  counters are the sums over the jobs         I5  only the holder's word moves a step, under
 *   I7  what is due happens                             its fence, while its lease holds
 *   I9  states move as the graph and the rules say  I16 memory is the fold of what was stored */
#include <string.h>

#include "small.h"

#define CAUSE_FAILED 1
#define CAUSE_TIMEOUT 2
#define CAUSE_LOST 4
#define CAUSE_ASKED 8

enum { R_PENDING = 1, R_RUNNING, R_SUCCESS, R_FAILED, R_CANCELLED, R_PAUSED, R_PARTIAL };
enum { G_IDLE, G_WAITING, G_APPROVED, G_REFUSED, G_LEFT };
enum verdict { GOES, SKIPS, SKIPS_BY_FAILURE, WAITS };

struct at {
    struct lab *lab;
    struct seen *run;
    struct seen_job *job;
    struct seen_step *step;
    const struct arc_plan *plan;
    const struct arc_plan_job *plan_job;
    const struct arc_plan_step *plan_step;
    const struct arc_event *event;
    uint32_t j, s;
    uint16_t now;
};

static void wrong(const struct at *at, const char *which, const char *why)
{
    broke(at->lab, which, "%s of step %d of job %d: %s", arc__event_type_name(at->event->type),
          at->event->step, at->event->job, why);
}

static uint16_t units(int64_t ns)
{
    return (uint16_t)(ns / UNIT_NS);
}

static int elapsed(const struct at *at, uint16_t since, int64_t length_ns)
{
    return at->now >= since + units(length_ns);
}

static int over(uint32_t state)
{
    return state >= S_SUCCESS;
}

static int ticks(const struct lab *lab)
{
    return move_kind(lab->move) == MOVE_TICK || move_kind(lab->move) == MOVE_STALL;
}

int rules_over(const struct lab *lab)
{
    uint32_t state = lab->world->seen.state;
    return state == R_SUCCESS || state == R_FAILED || state == R_CANCELLED || state == R_PARTIAL;
}

/* --- the rules of a definition ---------------------------------------------------------------- */

static int has_failed(const struct seen *run, uint32_t j)
{
    return run->jobs[j].state == S_FAILED || run->jobs[j].state == S_TIMEOUT;
}

static int is_good(const struct arc_plan *plan, const struct seen *run, uint32_t j)
{
    if (has_failed(run, j))
        return plan->jobs[j].continue_on_error != 0;
    return run->jobs[j].state == S_SUCCESS ||
           (run->jobs[j].state == S_SKIPPED && !run->jobs[j].by_failure);
}

static int failed_above(const struct arc_plan *plan, const struct seen *run, uint32_t j)
{
    int failed = 0;
    for (uint32_t k = 0; k < plan->job_count; k++)
        failed |= plan->jobs[k].stage < plan->jobs[j].stage && has_failed(run, k);
    for (uint32_t i = 0; i < plan->jobs[j].dep_count && !failed; i++)
        failed = has_failed(run, plan->jobs[j].deps[i]) ||
                 failed_above(plan, run, plan->jobs[j].deps[i]);
    return failed;
}

static enum verdict by_word(enum arc_when when, int success, int failure, int cancelled)
{
    switch (when) {
    case ARC_WHEN_ALWAYS:
        return GOES;
    case ARC_WHEN_FAILURE:
        return failure ? GOES : SKIPS;
    case ARC_WHEN_CANCELLED:
        return cancelled ? GOES : SKIPS;
    case ARC_WHEN_NEVER:
        return SKIPS;
    default:
        return success ? GOES : SKIPS_BY_FAILURE;
    }
}

static enum verdict at_gate(const struct seen *run, uint32_t gate)
{
    if (gate == 0 || run->gates[gate - 1].state == G_APPROVED)
        return GOES;
    return run->gates[gate - 1].state == G_REFUSED ? SKIPS_BY_FAILURE : WAITS;
}

static enum verdict at_stage(const struct arc_plan *plan, const struct seen *run, uint32_t stage)
{
    int success = 1, failure = 0;
    for (uint32_t k = 0; k < plan->job_count; k++) {
        if (plan->jobs[k].stage >= stage)
            continue;
        success &= is_good(plan, run, k);
        failure |= has_failed(run, k);
    }
    return by_word(plan->stages[stage].condition.when, success, failure, 0);
}

static enum verdict at_job(const struct arc_plan *plan, const struct seen *run, uint32_t j)
{
    int success = 1;
    for (uint32_t i = 0; i < plan->jobs[j].dep_count; i++) {
        uint32_t dep = plan->jobs[j].deps[i];
        if (plan->jobs[dep].stage == plan->jobs[j].stage)
            success &= is_good(plan, run, dep);
    }
    return by_word(plan->jobs[j].condition.when, success, failed_above(plan, run, j), 0);
}

/* All that stands before a job. */
static enum verdict judge_job(const struct arc_plan *plan, const struct seen *run, uint32_t j)
{
    enum verdict verdict = at_gate(run, plan->gate);
    if (verdict == GOES)
        verdict = at_stage(plan, run, plan->jobs[j].stage);
    if (verdict == GOES)
        verdict = at_gate(run, plan->stages[plan->jobs[j].stage].gate);
    if (verdict == GOES)
        verdict = at_job(plan, run, j);
    return verdict == GOES ? at_gate(run, plan->jobs[j].gate) : verdict;
}

/* Everything that it waits for has ended. */
static int is_ready(const struct arc_plan *plan, const struct seen *run, uint32_t j)
{
    int ready = 1;
    for (uint32_t k = 0; k < plan->job_count; k++)
        ready &= plan->jobs[k].stage >= plan->jobs[j].stage || over(run->jobs[k].state);
    for (uint32_t i = 0; i < plan->jobs[j].dep_count; i++)
        ready &= over(run->jobs[plan->jobs[j].deps[i]].state);
    return ready;
}

static uint32_t busy_cells(const struct arc_plan *plan, const struct seen *run, uint32_t matrix)
{
    uint32_t busy = 0;
    for (uint32_t k = 0; k < plan->job_count; k++)
        busy += plan->jobs[k].matrix == matrix &&
                (run->jobs[k].state == S_QUEUED || run->jobs[k].state == S_RUNNING);
    return busy;
}

static int has_room(const struct arc_plan *plan, const struct seen *run, uint32_t j)
{
    uint32_t matrix = plan->jobs[j].matrix;
    return matrix == 0 || plan->matrices[matrix - 1].max_parallel == 0 ||
           busy_cells(plan, run, matrix) < plan->matrices[matrix - 1].max_parallel;
}

static enum verdict judge_step(const struct at *at)
{
    int failure = at->job->failed || at->job->cut, cancelled = 0;
    for (uint32_t k = 0; k < at->s; k++)
        cancelled |= at->job->steps[k].state == S_CANCELLED;
    if (at->plan_step->finally && at->plan_step->condition.when == ARC_WHEN_SUCCESS)
        return GOES;
    return by_word(at->plan_step->condition.when, !failure && !cancelled, failure,
                   at->run->stopping || at->job->stopping);
}

static uint32_t judge_result(const struct arc_plan *plan, const struct seen *run)
{
    int failed = run->gate_refused, partial = 0, cancelled = 0;
    if (run->stopping)
        return run->stop_timeout ? R_FAILED : R_CANCELLED;
    for (uint32_t j = 0; j < plan->job_count; j++) {
        int soft = plan->jobs[j].continue_on_error != 0;
        failed |= has_failed(run, j) && !soft;
        partial |= has_failed(run, j) && soft;
        cancelled |= run->jobs[j].state == S_CANCELLED && !run->jobs[j].outrun;
    }
    return failed ? R_FAILED : cancelled ? R_CANCELLED : partial ? R_PARTIAL : R_SUCCESS;
}

static int covers(const struct arc_retry *retry, uint32_t ended, uint32_t cause)
{
    return ended < retry->max_attempts && (retry->on & cause) != 0;
}

static uint16_t delay_of(const struct arc_retry *retry, uint32_t ended)
{
    int64_t delay = retry->delay_ns;
    if (retry->backoff == ARC_BACKOFF_LINEAR)
        delay *= ended;
    for (uint32_t i = 1; retry->backoff == ARC_BACKOFF_EXPONENTIAL && i < ended; i++)
        delay *= 2;
    return units(retry->max_delay_ns > 0 && delay > retry->max_delay_ns ? retry->max_delay_ns
                                                                        : delay);
}

/* --- what may have been said ------------------------------------------------------------------ */

/* The move is the word of the holder of this grant. */
static int is_said(const struct at *at, uint32_t status)
{
    const struct message *said = &at->lab->said;
    return said->kind == MSG_REPORT && said->status == status &&
           said->fence[0] == at->step->fence &&
           said->agent == at->lab->world->grants[at->step->fence].agent;
}

/* The move shows that the agent of the job is another process, or seems to be one. */
static int is_anew(const struct at *at)
{
    const struct message *said = &at->lab->said;
    return said->kind == MSG_BEAT && at->job->agent == said->agent + 1;
}

static int may_be_lost(const struct at *at)
{
    const struct message *said = &at->lab->said;
    const struct grant *grant = &at->lab->world->grants[at->step->fence];
    if (ticks(at->lab))
        return at->now >= grant->until;
    if (said->kind == MSG_ACK)
        return !said->yes && said->fence[0] == at->step->fence && said->agent == grant->agent;
    return said->kind == MSG_BEAT && said->agent == grant->agent && said->life != grant->life;
}

/* It was asked for in this move. */
static int is_asked(const struct at *at, enum move_kind kind)
{
    return move_kind(at->lab->move) == kind && move_a(at->lab->move) == at->j;
}

static int cell_failed(const struct at *at)
{
    uint32_t matrix = at->plan_job->matrix;
    int failed = 0;
    for (uint32_t k = 0; matrix != 0 && k < at->plan->job_count; k++)
        failed |= at->plan->jobs[k].matrix == matrix && has_failed(at->run, k) &&
                  !at->plan->jobs[k].continue_on_error;
    return failed && at->plan->matrices[matrix - 1].fail_fast;
}

static int is_stopped(const struct at *at)
{
    return at->run->forced || at->job->forced || at->step->stopping ||
           ((at->run->stopping || at->job->stopping) && !at->plan_step->finally);
}

static int job_time_over(const struct at *at)
{
    return at->plan_job->timeout_ns > 0 && at->job->state == S_RUNNING &&
           elapsed(at, at->job->started, at->plan_job->timeout_ns);
}

/* --- the run ---------------------------------------------------------------------------------- */

static void set_clock(struct at *at)
{
    struct seen *run = at->run;
    int still = run->state == R_PAUSED;
    for (uint32_t g = 0; g < at->plan->gate_count; g++)
        still |= run->gates[g].state == G_WAITING;
    if (still && run->still_since == 0)
        run->still_since = at->now;
    if (still || run->still_since == 0)
        return;
    uint16_t from = run->still_since > run->at ? run->still_since : run->at;
    run->still = (uint16_t)(run->still + at->now - from);
    run->still_since = 0;
}

static void on_triggered(struct at *at)
{
    *at->run = (struct seen){.state = R_PENDING, .seq = 1, .at = at->now};
    for (uint32_t j = 0; j < at->plan->job_count; j++) {
        at->run->jobs[j].state = S_PENDING;
        at->run->jobs[j].attempt = 1;
        for (uint32_t s = 0; s < at->plan->jobs[j].step_count; s++)
            at->run->jobs[j].steps[s].state = S_PENDING;
    }
}

static void on_run_started(struct at *at)
{
    if (at->run->started)
        wrong(at, "I9", "it had started");
    at->run->started = 1;
    if (at->run->state == R_PENDING)
        at->run->state = R_RUNNING;
}

static void on_paused(struct at *at)
{
    if ((at->run->state != R_PENDING && at->run->state != R_RUNNING) || at->run->stopping)
        wrong(at, "I9", "it could not be paused");
    at->run->state = R_PAUSED;
    at->run->paused = at->now;
    set_clock(at);
}

static void on_resumed(struct at *at)
{
    if (at->run->state != R_PAUSED)
        wrong(at, "I9", "it was not paused");
    for (uint32_t j = 0; j < at->plan->job_count; j++) {
        struct seen_job *job = &at->run->jobs[j];
        uint16_t from = job->queued > at->run->paused ? job->queued : at->run->paused;
        if (job->state == S_QUEUED && job->agent == 0)
            job->waited = (uint16_t)(job->waited + at->now - from);
    }
    at->run->state = at->run->started ? R_RUNNING : R_PENDING;
    set_clock(at);
}

static void on_stopping(struct at *at)
{
    struct seen *run = at->run;
    int late = at->event->cause == CAUSE_TIMEOUT;
    if (late && (at->plan->timeout_ns == 0 || run->stopping ||
                 !elapsed(at, (uint16_t)(run->at + run->still), at->plan->timeout_ns)))
        wrong(at, "I9", "its time was not over");
    if (!late && move_kind(at->lab->move) != MOVE_STOP)
        wrong(at, "I9", "nobody has asked for it");
    run->stop_timeout = (uint8_t)late;
    run->stopping = 1;
    run->forced |= at->event->force != 0;
    run->stopped = (uint16_t)(at->now + units(at->event->grace_ns));
}

static void on_run_end(struct at *at)
{
    uint32_t state = at->event->type == ARC_EVENT_PIPELINE_COMPLETED ? R_SUCCESS
                     : at->event->type == ARC_EVENT_PIPELINE_FAILED  ? R_FAILED
                     : at->event->type == ARC_EVENT_PIPELINE_PARTIAL ? R_PARTIAL
                                                                     : R_CANCELLED;
    for (uint32_t j = 0; j < at->plan->job_count; j++) {
        if (!over(at->run->jobs[j].state))
            wrong(at, "I9", "a job has not ended");
    }
    if (state != judge_result(at->plan, at->run))
        wrong(at, "I9", "the rules come to another result");
    at->run->state = (uint8_t)state;
}

static void on_gate(struct at *at)
{
    uint32_t number = at->event->gate;
    if (number == 0 || number > at->plan->gate_count) {
        wrong(at, "I9", "of a gate that does not exist");
        return;
    }
    struct seen_gate *gate = &at->run->gates[number - 1];
    const struct arc_plan_gate *plan = &at->plan->gates[number - 1];
    enum arc_event_type type = at->event->type;
    int asks = type == ARC_EVENT_APPROVAL_REQUESTED, ann = arc__slice_is(at->event->actor, "ann");
    int late = at->event->cause == CAUSE_TIMEOUT || type == ARC_EVENT_APPROVAL_EXPIRED;
    if (gate->state != (asks ? G_IDLE : G_WAITING))
        wrong(at, "I9", asks ? "it was asked for before" : "it did not wait");
    if (!asks && at->run->stopping)
        wrong(at, "I9", "the run is being stopped");
    if (late && (plan->timeout_ns == 0 || !elapsed(at, gate->asked, plan->timeout_ns)))
        wrong(at, "I9", "its time was not over");
    if (late && plan->approve_on_timeout != (type == ARC_EVENT_APPROVAL_APPROVED))
        wrong(at, "I9", "its time has another end");
    if (asks) {
        gate->state = G_WAITING;
        gate->asked = at->now;
    } else if (type == ARC_EVENT_APPROVAL_APPROVED) {
        uint8_t who = ann ? 1 : 2;
        if (!late && ((gate->by & who) || (plan->approver_count > 0 && !ann)))
            wrong(at, "I9", "he may not, or has before");
        gate->by |= late ? 0 : who;
        gate->approvals++;
        if (late || gate->approvals >= plan->count)
            gate->state = G_APPROVED;
    } else {
        gate->state = G_REFUSED;
        at->run->gate_refused = 1;
    }
    set_clock(at);
}

/* --- jobs ------------------------------------------------------------------------------------- */

static void on_job_queued(struct at *at)
{
    if (at->job->state != S_PENDING)
        wrong(at, "I9", "it was not pending");
    if (at->run->stopping || at->run->state == R_PAUSED)
        wrong(at, "I9", "its run is paused or being stopped");
    if (!is_ready(at->plan, at->run, at->j))
        wrong(at, "I9", "what it waits for has not ended");
    if (at->job->attempt == 1 && judge_job(at->plan, at->run, at->j) != GOES)
        wrong(at, "I9", "the rules say that it does not run");
    if (!has_room(at->plan, at->run, at->j))
        wrong(at, "I9", "more cells than `maxParallel` are busy");
    if (at->job->attempt > 1 && at->now < at->job->not_before)
        wrong(at, "I9", "before its retry's delay was over");
    at->job->state = S_QUEUED;
    at->job->queued = at->now;
    at->job->waited = 0;
}

static void on_job_started(struct at *at)
{
    if (at->job->state != S_QUEUED || at->job->agent == 0)
        wrong(at, "I9", "it was not placed");
    at->job->state = S_RUNNING;
    at->job->started = at->now;
}

static void on_job_stopping(struct at *at)
{
    int asked = at->event->cause == CAUSE_ASKED;
    if (over(at->job->state) || at->job->state == S_PENDING ||
        (at->job->stopping && !at->event->force) ||
        (asked ? !is_asked(at, MOVE_CANCEL_JOB) : !cell_failed(at)))
        wrong(at, "I9", "nobody could have asked it to end");
    at->job->stopping = 1;
    at->job->forced |= at->event->force != 0;
    at->job->stopped = (uint16_t)(at->now + units(at->event->grace_ns));
}

static int any_cancelled(const struct at *at)
{
    int any = 0;
    for (uint32_t s = 0; s < at->plan_job->step_count; s++)
        any |= at->job->steps[s].state == S_CANCELLED;
    return any;
}

/* A gate whose jobs have all ended, or begun, without it waits no more. */
static void leave_gates(struct at *at)
{
    for (uint32_t g = 0; g < at->plan->gate_count; g++) {
        int comes = 0;
        for (uint32_t j = 0; j < at->plan->job_count; j++) {
            const struct arc_plan_job *job = &at->plan->jobs[j];
            int guarded = at->plan->gate == g + 1 || job->gate == g + 1 ||
                          at->plan->stages[job->stage].gate == g + 1;
            comes |= guarded && at->run->jobs[j].state == S_PENDING;
        }
        if (!comes && at->run->gates[g].state == G_WAITING)
            at->run->gates[g].state = G_LEFT;
    }
    set_clock(at);
}

static void end_job(struct at *at, uint32_t state)
{
    for (uint32_t s = 0; s < at->plan_job->step_count; s++) {
        if (!over(at->job->steps[s].state))
            wrong(at, "I9", "a step of it has not ended");
    }
    at->job->state = (uint8_t)state;
    at->job->ended = at->now;
    if (state != S_PENDING)
        leave_gates(at);
}

static int retry_left(const struct at *at, uint32_t cause)
{
    uint32_t failed = at->job->failed;
    if (at->run->stopping || at->job->stopping)
        return 0;
    if (cause == CAUSE_LOST && at->job->lost >= LOST_MOST)
        return 0;
    if (failed > 0 && at->plan_job->steps[failed - 1].retry.max_attempts > 0)
        return 0; /* a step with a retry of its own is final */
    return covers(&at->plan_job->retry, at->job->attempt, cause);
}

static uint32_t failure_cause(const struct at *at)
{
    if (at->job->was_lost)
        return CAUSE_LOST;
    if (at->job->cut)
        return CAUSE_TIMEOUT;
    if (at->job->failed > 0 && at->job->steps[at->job->failed - 1].state == S_TIMEOUT)
        return CAUSE_TIMEOUT;
    return CAUSE_FAILED;
}

static void on_job_skipped(struct at *at)
{
    enum verdict verdict = judge_job(at->plan, at->run, at->j);
    if (at->job->state != S_PENDING || at->job->attempt != 1 || at->run->stopping ||
        !is_ready(at->plan, at->run, at->j))
        wrong(at, "I9", "it was not to be decided about");
    if (verdict != SKIPS && verdict != SKIPS_BY_FAILURE)
        wrong(at, "I9", "the rules say that it runs");
    if ((verdict == SKIPS_BY_FAILURE) != (at->event->cause != 0))
        wrong(at, "I9", "because of a failure, or not: the rules say the other");
    at->job->by_failure = at->event->cause != 0;
    end_job(at, S_SKIPPED);
}

static void on_job_completed(struct at *at)
{
    if (at->job->state != S_QUEUED && at->job->state != S_RUNNING)
        wrong(at, "I9", "it was not busy");
    if (at->job->failed || at->job->cut || at->job->was_lost || any_cancelled(at))
        wrong(at, "I9", "a step of it had failed or was cancelled");
    end_job(at, S_SUCCESS);
}

/* An attempt may be lost between two steps, and then no step says so. */
static void claim_loss(struct at *at)
{
    if (at->event->cause == CAUSE_LOST && is_anew(at))
        at->job->was_lost = 1;
}

static void on_job_failed(struct at *at)
{
    claim_loss(at);
    if (at->job->state != S_QUEUED && at->job->state != S_RUNNING)
        wrong(at, "I9", "it was not busy");
    if (!at->job->failed && !at->job->was_lost)
        wrong(at, "I9", "nothing of it had failed");
    if (retry_left(at, failure_cause(at)))
        wrong(at, "I9", "its retry was not given");
    end_job(at, S_FAILED);
}

static void on_job_timeout(struct at *at)
{
    int queue = at->job->state == S_QUEUED && at->job->agent == 0;
    if (queue && (at->plan_job->queue_timeout_ns == 0 || at->run->state == R_PAUSED ||
                  !elapsed(at, (uint16_t)(at->job->queued + at->job->waited),
                           at->plan_job->queue_timeout_ns)))
        wrong(at, "I9", "its queueTimeout was not over");
    if (!queue && (!at->job->cut || retry_left(at, CAUSE_TIMEOUT)))
        wrong(at, "I9", at->job->cut ? "its retry was not given" : "its time was not over");
    end_job(at, S_TIMEOUT);
}

static void on_job_cancelled(struct at *at)
{
    if (!at->run->stopping && !at->job->stopping && !is_asked(at, MOVE_CANCEL_JOB) &&
        !cell_failed(at) && !any_cancelled(at))
        wrong(at, "I9", "nobody had asked for it");
    at->job->outrun = at->event->cause != 0;
    if (at->job->outrun && !cell_failed(at))
        wrong(at, "I9", "no cell of its matrix had failed");
    end_job(at, S_CANCELLED);
}

static void check_delay(struct at *at, const struct arc_retry *retry, uint32_t ended, uint16_t *out)
{
    *out = (uint16_t)(at->now + delay_of(retry, ended));
    if (units_of(at->lab, at->event->not_before_ns) != *out)
        wrong(at, "I9", "the delay of its retry is another");
}

static void on_job_retrying(struct at *at)
{
    struct seen_job *job = at->job;
    claim_loss(at);
    if (job->state != S_QUEUED && job->state != S_RUNNING)
        wrong(at, "I9", "it was not busy");
    if (!job->failed && !job->was_lost && !job->cut)
        wrong(at, "I9", "nothing of it had failed");
    if (at->event->cause != failure_cause(at) || !retry_left(at, failure_cause(at)))
        wrong(at, "I9", "its retry does not cover this");
    end_job(at, S_PENDING);
    check_delay(at, &at->plan_job->retry, job->attempt, &job->not_before);
    job->lost = (uint8_t)(job->lost + (job->was_lost != 0));
    job->attempt++;
    job->failed = job->cut = job->was_lost = job->started_any = job->agent = 0;
    job->ended = 0;
    for (uint32_t s = 0; s < at->plan_job->step_count; s++)
        job->steps[s] = (struct seen_step){.state = S_PENDING};
}

/* --- steps ------------------------------------------------------------------------------------ */

static void place(struct at *at, int agent)
{
    if (at->job->state != S_QUEUED)
        wrong(at, "I9", "its job did not wait for a place");
    for (uint32_t j = 0; j < at->plan->job_count; j++) {
        const struct seen_job *other = &at->run->jobs[j];
        if (!over(other->state) && other->agent == agent + 1)
            wrong(at, "I9", "the agent's slots were all taken");
    }
    at->job->agent = (uint8_t)(agent + 1);
}

static void check_grant(struct at *at)
{
    int stopping = at->run->stopping || at->job->stopping;
    for (uint32_t s = 0; s < at->s; s++) {
        if (!over(at->job->steps[s].state))
            wrong(at, "I9", "a step before it has not ended");
    }
    if (at->step->state != S_PENDING || (at->job->state != S_QUEUED && at->job->state != S_RUNNING))
        wrong(at, "I9", "it did not wait");
    if (at->run->state == R_PAUSED && !at->run->stopping)
        wrong(at, "I9", "its run is paused");
    if (stopping &&
        (!at->plan_step->finally || !at->job->started_any || at->run->forced || at->job->forced))
        wrong(at, "I9", "its run or job is being stopped");
    if (!at->plan_step->finally && job_time_over(at))
        wrong(at, "I9", "the job's time is over");
    if (judge_step(at) != GOES)
        wrong(at, "I9", "the rules say that it does not run");
    if (at->now < at->step->not_before)
        wrong(at, "I9", "before its retry's delay was over");
    if (at->event->attempt != at->step->attempt + 1)
        wrong(at, "I9", "its attempt is not the next");
    if (at->event->fence <= at->run->fence)
        wrong(at, "I5", "its fence is not greater than those before");
}

static void on_step_queued(struct at *at)
{
    int agent = agent_of(at->event->agent_id);
    check_grant(at);
    if (agent < 0 || at->event->fence >= GRANTS_MAX) {
        wrong(at, "I9", "it is granted to nobody");
        return;
    }
    if (at->job->agent == 0)
        place(at, agent);
    else if (agent + 1 != at->job->agent)
        wrong(at, "I9", "its job is on another agent");
    at->run->fence = at->step->fence = (uint16_t)at->event->fence;
    at->step->state = S_QUEUED;
    at->step->attempt = (uint8_t)at->event->attempt;
    at->step->not_before = 0;
    at->step->stopping = 0;
    at->lab->world->grants[at->step->fence] =
        (struct grant){.job = (uint8_t)at->j,
                       .step = (uint8_t)at->s,
                       .job_attempt = at->job->attempt,
                       .attempt = at->step->attempt,
                       .agent = (uint8_t)agent,
                       .life = at->lab->world->desk[agent].life,
                       .until = (uint16_t)(at->now + TTL_UNITS)};
}

static void on_step_started(struct at *at)
{
    if (at->step->state != S_QUEUED)
        wrong(at, at->step->state == S_RUNNING ? "I1" : "I9", "it did not wait for its start");
    if (at->event->fence != at->step->fence || at->event->attempt != at->step->attempt)
        wrong(at, "I5", "under another fence or attempt than was granted");
    if (!is_said(at, S_RUNNING) && !is_said(at, S_SUCCESS) && !is_said(at, S_FAILED))
        wrong(at, "I5", "its holder has not said so");
    if (at->lab->world->grants[at->step->fence].began == 0)
        wrong(at, "I1", "nobody has begun it");
    at->step->state = S_RUNNING;
    at->step->started = at->now;
    at->job->started_any = 1;
}

static void end_step(struct at *at, uint32_t state)
{
    if (at->step->state != S_PENDING && at->event->fence != at->step->fence)
        wrong(at, "I5", "under another fence than was granted");
    at->step->state = (uint8_t)state;
    at->step->exit_code = (int8_t)at->event->exit_code;
    at->step->ended = at->now;
}

static void lose(struct at *at)
{
    if (!may_be_lost(at))
        wrong(at, "I5", "its lease had not lapsed");
    at->job->was_lost = 1;
}

static void on_step_completed(struct at *at)
{
    if (at->step->state != S_RUNNING)
        wrong(at, "I9", "it did not run");
    if (!is_said(at, S_SUCCESS))
        wrong(at, "I5", "its holder has not said so");
    end_step(at, S_SUCCESS);
}

static void fail_job(struct at *at)
{
    if (!at->plan_step->continue_on_error && at->job->failed == 0)
        at->job->failed = (uint8_t)(at->s + 1);
}

static void check_no_retry(struct at *at, uint32_t cause)
{
    if (covers(&at->plan_step->retry, at->step->executions + 1u, cause) && !is_stopped(at) &&
        !at->run->stopping && !job_time_over(at))
        wrong(at, "I9", "its retry was not given");
}

static void on_step_failed(struct at *at)
{
    if (at->step->state != S_RUNNING)
        wrong(at, "I9", "it did not run");
    if (at->event->cause == CAUSE_LOST) {
        lose(at);
    } else {
        if (!is_said(at, S_FAILED))
            wrong(at, "I5", "its holder has not said so");
        check_no_retry(at, CAUSE_FAILED);
        fail_job(at);
    }
    end_step(at, S_FAILED);
}

static void on_step_timeout(struct at *at)
{
    int own = at->plan_step->timeout_ns > 0 && at->step->state == S_RUNNING &&
              elapsed(at, at->step->started, at->plan_step->timeout_ns);
    if (at->step->state != S_RUNNING && at->step->state != S_QUEUED)
        wrong(at, "I9", "it did not run");
    if (!own && !at->plan_step->finally)
        wrong(at, "I9", "its time was not over");
    check_no_retry(at, CAUSE_TIMEOUT);
    fail_job(at);
    end_step(at, S_TIMEOUT);
}

/* Its holder was given its grace and more, and did not answer. */
static int is_given_up(const struct at *at)
{
    const int64_t rest = (GRACE_UNITS + SETTLE_UNITS) * UNIT_NS;
    if (!ticks(at->lab))
        return 0;
    return (at->run->stopping && at->now >= at->run->stopped + SETTLE_UNITS) ||
           (at->job->stopping && at->now >= at->job->stopped + SETTLE_UNITS) ||
           (at->step->stopping && at->now >= at->step->stopped + SETTLE_UNITS) ||
           (at->plan_job->timeout_ns > 0 && at->job->state == S_RUNNING &&
            elapsed(at, at->job->started, at->plan_job->timeout_ns + rest)) ||
           (at->plan_step->timeout_ns > 0 && at->step->state == S_RUNNING &&
            elapsed(at, at->step->started, at->plan_step->timeout_ns + rest));
}

static void on_step_cancelled(struct at *at)
{
    int granted = at->step->state == S_QUEUED || at->step->state == S_RUNNING;
    int stopping = at->run->stopping || at->job->stopping || at->step->stopping ||
                   is_asked(at, MOVE_CANCEL_JOB) || is_asked(at, MOVE_CANCEL_STEP) ||
                   cell_failed(at);
    if (at->event->cause == CAUSE_LOST)
        lose(at);
    if (at->step->state == S_PENDING && at->plan_step->finally && at->job->started_any &&
        !at->run->forced && !at->job->forced && !is_asked(at, MOVE_CANCEL_STEP) &&
        !at->job->was_lost && !is_anew(at))
        wrong(at, "I9", "a `finally` was not run");
    if (!stopping && !at->job->was_lost && !is_said(at, S_CANCELLED) && !job_time_over(at))
        wrong(at, "I9", "nobody had asked for it");
    /* One whom nobody had heard of is ended by the server alone. */
    if (granted && at->event->cause != CAUSE_LOST && !is_said(at, S_CANCELLED) &&
        !is_given_up(at) &&
        (at->step->state == S_RUNNING || at->lab->world->grants[at->step->fence].began != 0))
        wrong(at, "I5", "its holder has not said so, and was not given its time");
    if (at->event->cause == CAUSE_TIMEOUT)
        at->job->cut = 1;
    end_step(at, S_CANCELLED);
}

static void on_step_skipped(struct at *at)
{
    int placed = at->job->agent != 0;
    enum verdict verdict =
        at->job->state == S_PENDING ? judge_job(at->plan, at->run, at->j) : judge_step(at);
    int queue = at->job->state == S_QUEUED && !placed && at->plan_job->queue_timeout_ns > 0;
    int ruled = verdict == SKIPS || verdict == SKIPS_BY_FAILURE || queue || job_time_over(at);
    if (at->step->state != S_PENDING)
        wrong(at, "I9", "it was not pending");
    if (!ruled && placed && is_anew(at) && at->event->cause == 0)
        at->job->was_lost = 1; /* lost between two steps: no step says so */
    if (!ruled && !at->job->was_lost)
        wrong(at, "I9", "the rules say that it runs");
    if (at->event->cause == CAUSE_TIMEOUT)
        at->job->cut = 1;
    end_step(at, S_SKIPPED);
}

static void on_step_stopping(struct at *at)
{
    if ((at->step->state != S_QUEUED && at->step->state != S_RUNNING) ||
        !is_asked(at, MOVE_CANCEL_STEP))
        wrong(at, "I9", "nobody could have asked it to end");
    at->step->stopping = 1;
    at->step->stopped = (uint16_t)(at->now + units(at->event->grace_ns));
}

static void on_step_retrying(struct at *at)
{
    uint32_t cause = at->event->cause;
    if (at->step->state != S_QUEUED && at->step->state != S_RUNNING)
        wrong(at, "I9", "nobody had it");
    if (at->event->fence != at->step->fence)
        wrong(at, "I5", "under another fence than was granted");
    at->step->state = S_PENDING;
    if (cause == CAUSE_LOST) {
        if (!may_be_lost(at))
            wrong(at, "I5", "its lease had not lapsed");
        if (at->job->started_any || at->job->lost >= LOST_MOST)
            wrong(at, "I9", "it may not be placed anew");
        at->job->lost++;
        at->job->agent = 0;
        at->job->queued = at->now;
        at->job->waited = 0;
        return;
    }
    at->step->executions++;
    if (!covers(&at->plan_step->retry, at->step->executions, cause) || is_stopped(at))
        wrong(at, "I9", "its retry does not cover this");
    if (cause == CAUSE_FAILED && !is_said(at, S_FAILED))
        wrong(at, "I5", "its holder has not said so");
    check_delay(at, &at->plan_step->retry, at->step->executions, &at->step->not_before);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void (*const rows[ARC_EVENT_TYPE_COUNT])(struct at *at) = {
    [ARC_EVENT_PIPELINE_TRIGGERED] = on_triggered, [ARC_EVENT_PIPELINE_STARTED] = on_run_started,
    [ARC_EVENT_PIPELINE_PAUSED] = on_paused,       [ARC_EVENT_PIPELINE_RESUMED] = on_resumed,
    [ARC_EVENT_PIPELINE_STOPPING] = on_stopping,   [ARC_EVENT_PIPELINE_COMPLETED] = on_run_end,
    [ARC_EVENT_PIPELINE_FAILED] = on_run_end,      [ARC_EVENT_PIPELINE_CANCELLED] = on_run_end,
    [ARC_EVENT_PIPELINE_PARTIAL] = on_run_end,     [ARC_EVENT_APPROVAL_REQUESTED] = on_gate,
    [ARC_EVENT_APPROVAL_APPROVED] = on_gate,       [ARC_EVENT_APPROVAL_REJECTED] = on_gate,
    [ARC_EVENT_APPROVAL_EXPIRED] = on_gate,        [ARC_EVENT_JOB_QUEUED] = on_job_queued,
    [ARC_EVENT_JOB_STARTED] = on_job_started,      [ARC_EVENT_JOB_STOPPING] = on_job_stopping,
    [ARC_EVENT_JOB_COMPLETED] = on_job_completed,  [ARC_EVENT_JOB_FAILED] = on_job_failed,
    [ARC_EVENT_JOB_CANCELLED] = on_job_cancelled,  [ARC_EVENT_JOB_TIMEOUT] = on_job_timeout,
    [ARC_EVENT_JOB_SKIPPED] = on_job_skipped,      [ARC_EVENT_JOB_RETRYING] = on_job_retrying,
    [ARC_EVENT_STEP_QUEUED] = on_step_queued,      [ARC_EVENT_STEP_STARTED] = on_step_started,
    [ARC_EVENT_STEP_STOPPING] = on_step_stopping,  [ARC_EVENT_STEP_COMPLETED] = on_step_completed,
    [ARC_EVENT_STEP_FAILED] = on_step_failed,      [ARC_EVENT_STEP_CANCELLED] = on_step_cancelled,
    [ARC_EVENT_STEP_TIMEOUT] = on_step_timeout,    [ARC_EVENT_STEP_SKIPPED] = on_step_skipped,
    [ARC_EVENT_STEP_RETRYING] = on_step_retrying};

static uint32_t state_of(const struct at *at)
{
    return at->step != NULL ? at->step->state : at->job != NULL ? at->job->state : at->run->state;
}

void rules_event(struct lab *lab, const struct arc_event *event)
{
    struct at at = {.lab = lab,
                    .run = &lab->world->seen,
                    .plan = lab->plan,
                    .event = event,
                    .now = lab->world->now};
    int born = event->type == ARC_EVENT_PIPELINE_TRIGGERED;
    if (event->job >= 0) {
        at.j = (uint32_t)event->job;
        at.job = &at.run->jobs[at.j];
        at.plan_job = &at.plan->jobs[at.j];
    }
    if (event->step >= 0) {
        at.s = (uint32_t)event->step;
        at.step = &at.job->steps[at.s];
        at.plan_step = &at.plan_job->steps[at.s];
    }
    if (rows[event->type] == NULL) {
        wrong(&at, "I9", "no such thing happens to a run");
        return;
    }
    if (event->seq != at.run->seq + 1)
        wrong(&at, "I14", "its seq is not the next");
    if (rules_over(lab))
        wrong(&at, "I2", "its run was over");
    if ((at.step != NULL || at.job != NULL) && over(state_of(&at)))
        wrong(&at, "I2", "it had ended");
    uint32_t before = state_of(&at);
    rows[event->type](&at);
    at.run->seq = (uint16_t)event->seq;
    if (!born && (event->previous != (int32_t)before || event->state != (int32_t)state_of(&at)))
        wrong(&at, "I9", "it says other states before or after");
}

/* --- every state ------------------------------------------------------------------------------ */

/* What may not be left undone. */
static void eager_pending(struct lab *lab, uint32_t j)
{
    const struct seen *run = &lab->world->seen;
    const struct arc_plan *plan = lab->plan;
    const uint32_t gates[] = {plan->gate, plan->stages[plan->jobs[j].stage].gate,
                              plan->jobs[j].gate};
    int waits = 0;
    if (run->stopping)
        broke(lab, "I9", "job %u is pending in a run that is being stopped", j);
    if (run->state == R_PAUSED || !is_ready(plan, run, j))
        return;
    enum verdict verdict = run->jobs[j].attempt > 1 ? GOES : judge_job(plan, run, j);
    if (verdict == SKIPS || verdict == SKIPS_BY_FAILURE)
        broke(lab, "I9", "job %u was not skipped, though the rules say so", j);
    if (verdict == GOES && has_room(plan, run, j) &&
        (run->jobs[j].attempt == 1 || lab->world->now >= run->jobs[j].not_before))
        broke(lab, "I9", "job %u was not queued, though it is ready", j);
    for (uint32_t i = 0; i < 3; i++)
        waits |= gates[i] != 0 && run->gates[gates[i] - 1].state == G_WAITING;
    if (verdict == WAITS && !waits)
        broke(lab, "I9", "job %u waits at a gate that nobody was asked about", j);
}

static void eager_busy(struct lab *lab, uint32_t j)
{
    const struct seen *run = &lab->world->seen;
    const struct seen_job *job = &run->jobs[j];
    uint32_t s = 0, count = lab->plan->jobs[j].step_count;
    while (s < count && over(job->steps[s].state))
        s++;
    if (run->stopping && job->state == S_QUEUED && job->agent == 0)
        broke(lab, "I9", "job %u waits for a place in a run that is being stopped", j);
    if (s == count && job->agent != 0)
        broke(lab, "I9", "all steps of job %u have ended, and it has not", j);
    if (s < count && job->agent != 0 && job->steps[s].state == S_PENDING &&
        job->steps[s].not_before <= lab->world->now && (run->state != R_PAUSED || run->stopping))
        broke(lab, "I9", "step %u of job %u is next, and was not granted", s, j);
    for (uint32_t k = s + 1; k < count; k++) {
        if (job->steps[k].state != S_PENDING && !over(job->steps[k].state))
            broke(lab, "I9", "two steps of job %u are in hand", j);
    }
}

static void eager_cells(struct lab *lab, uint32_t m)
{
    const struct seen *run = &lab->world->seen;
    const struct arc_plan_matrix *matrix = &lab->plan->matrices[m];
    uint32_t failed = 0, open = 0;
    for (uint32_t k = matrix->first_job; k < matrix->first_job + matrix->job_count; k++) {
        failed += has_failed(run, k) && !lab->plan->jobs[k].continue_on_error;
        open += !over(run->jobs[k].state) && !run->jobs[k].stopping;
    }
    if (matrix->fail_fast && failed > 0 && open > 0 && !run->stopping)
        broke(lab, "I9", "a cell failed, and %u others were left to run", open);
}

static void compare_step(struct lab *lab, uint32_t j, uint32_t s)
{
    const struct seen_step *seen = &lab->world->seen.jobs[j].steps[s];
    const struct arc_step_state *step = &lab->world->run.jobs[j].steps[s];
    if (step->status != seen->state || step->attempt != seen->attempt ||
        step->executions != seen->executions || step->fence != seen->fence)
        broke(lab, "I16", "step %u of job %u is in %d at attempt %d, its events say %u at %u", s, j,
              step->status, step->attempt, seen->state, seen->attempt);
    if (over(seen->state) &&
        (units_of(lab, step->ended_ns) != seen->ended || step->exit_code != seen->exit_code))
        broke(lab, "I2", "the end of step %u of job %u has changed", s, j);
    if (is_granted(step) &&
        step->lease_mono_ns !=
            (uint64_t)(MONO_BASE_NS + UNIT_NS * lab->world->grants[seen->fence].until))
        broke(lab, "I5", "the lease of step %u of job %u is not what its holder was told", s, j);
}

static void compare_job(struct lab *lab, uint32_t j)
{
    const struct seen_job *seen = &lab->world->seen.jobs[j];
    const struct arc_job_state *job = &lab->world->run.jobs[j];
    if (job->status != seen->state || job->attempt != seen->attempt || job->lost != seen->lost ||
        agent_of(job->agent_id) + 1 != seen->agent)
        broke(lab, "I16", "job %u is in %d at attempt %d, its events say %u at %u", j, job->status,
              job->attempt, seen->state, seen->attempt);
    if (seen->state == S_QUEUED && seen->agent == 0 && lab->world->seen.state != R_PAUSED &&
        job->queued_mono_ns != (uint64_t)(MONO_BASE_NS + UNIT_NS * (seen->queued + seen->waited)))
        broke(lab, "I16", "the clock of job %u in the queue is not what its events say", j);
    if (over(seen->state) && units_of(lab, job->ended_ns) != seen->ended)
        broke(lab, "I2", "the end of job %u has changed", j);
    for (uint32_t s = 0; s < lab->plan->jobs[j].step_count; s++)
        compare_step(lab, j, s);
}

static void check_counters(struct lab *lab)
{
    const struct seen *seen = &lab->world->seen;
    const struct arc_run *run = &lab->world->run;
    uint32_t open = 0, running = 0, failed = 0, partial = 0, waiting = 0;
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        uint32_t blockers = 0;
        for (uint32_t i = 0; i < lab->plan->jobs[j].dep_count; i++)
            blockers += !over(seen->jobs[lab->plan->jobs[j].deps[i]].state);
        if (run->jobs[j].blockers != blockers)
            broke(lab, "I3", "job %u counts %u blockers, %u are open", j, run->jobs[j].blockers,
                  blockers);
        open += !over(seen->jobs[j].state);
        running += seen->jobs[j].state == S_RUNNING;
        failed += has_failed(seen, j) != 0;
        partial += has_failed(seen, j) && lab->plan->jobs[j].continue_on_error;
    }
    for (uint32_t g = 0; g < lab->plan->gate_count; g++)
        waiting += seen->gates[g].state == G_WAITING;
    for (uint32_t m = 0; m < lab->plan->matrix_count; m++) {
        if (run->matrix_busy[m] != busy_cells(lab->plan, seen, m + 1))
            broke(lab, "I3", "the busy cells of a matrix are counted wrong");
    }
    if (run->jobs_open != open || run->jobs_running != running || run->jobs_failed != failed ||
        run->jobs_partial != partial || run->gates_waiting != waiting)
        broke(lab, "I3", "the run counts %u, %u, %u, %u; the sums are %u, %u, %u, %u",
              run->jobs_open, run->jobs_running, run->jobs_failed, run->jobs_partial, open, running,
              failed, partial);
}

static void check_fold(struct lab *lab)
{
    uint8_t have[PRINT_BYTES], want[PRINT_BYTES];
    static const uint8_t names[] = {0, 1};
    if (!world_fold(lab))
        return;
    size_t len = run_bytes(lab, &lab->world->run, names, 0, have);
    if (run_bytes(lab, &lab->second, names, 0, want) != len || memcmp(have, want, len) != 0)
        broke(lab, "I16", "memory is not what the fold of the stored events is");
}

/* --- what should have happened by now --------------------------------------------------------- */

static int is_past(const struct lab *lab, uint32_t since, int64_t length_ns)
{
    return length_ns > 0 && lab->world->now >= since + units(length_ns);
}

/* A holder that was to end its step and did not is given up on. That time was over before a restart
 * is found out anew after it. */
static void overdue_step(struct lab *lab, uint32_t j, uint32_t s)
{
    const struct seen *run = &lab->world->seen;
    const struct seen_job *job = &run->jobs[j];
    const struct seen_step *step = &job->steps[s];
    const struct arc_plan_job *plan = &lab->plan->jobs[j];
    const int64_t rest = (GRACE_UNITS + SETTLE_UNITS +
                          (int64_t)lab->def->bads_most * (GRACE_UNITS + SETTLE_UNITS + 1)) *
                         UNIT_NS;
    int now = lab->world->now;
    int finally = plan->steps[s].finally != 0, patient = finally && !run->forced && !job->forced;
    if (now >= lab->world->grants[step->fence].until)
        broke(lab, "I7", "the lease of step %u of job %u has lapsed, and it is not lost", s, j);
    if ((run->stopping && !patient && now >= run->stopped + SETTLE_UNITS) ||
        (job->stopping && !patient && now >= job->stopped + SETTLE_UNITS) ||
        (step->stopping && now >= step->stopped + SETTLE_UNITS))
        broke(lab, "I7", "step %u of job %u was to be stopped, and nobody gives it up", s, j);
    if (plan->steps[s].timeout_ns > 0 && step->state == S_RUNNING &&
        is_past(lab, step->started, plan->steps[s].timeout_ns + rest))
        broke(lab, "I7", "the time of step %u of job %u is over, and it is not", s, j);
    if (plan->timeout_ns > 0 && job->state == S_RUNNING && !finally &&
        is_past(lab, job->started, plan->timeout_ns + rest))
        broke(lab, "I7", "the time of job %u is over, and it is not", j);
}

static void overdue(struct lab *lab)
{
    const struct seen *run = &lab->world->seen;
    int still = run->state == R_PAUSED;
    for (uint32_t g = 0; g < lab->plan->gate_count; g++) {
        still |= run->gates[g].state == G_WAITING;
        if (run->gates[g].state == G_WAITING && !run->stopping &&
            is_past(lab, run->gates[g].asked, lab->plan->gates[g].timeout_ns))
            broke(lab, "I7", "the time of gate %u is over, and it waits", g + 1);
    }
    if (!run->stopping && !still &&
        is_past(lab, (uint32_t)run->at + run->still, lab->plan->timeout_ns))
        broke(lab, "I7", "the time of the run is over, and it is not");
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        const struct seen_job *job = &run->jobs[j];
        if (job->state == S_QUEUED && job->agent == 0 && run->state != R_PAUSED &&
            is_past(lab, (uint32_t)job->queued + job->waited, lab->plan->jobs[j].queue_timeout_ns))
            broke(lab, "I7", "job %u waits for longer than its queueTimeout", j);
        for (uint32_t s = 0; s < lab->plan->jobs[j].step_count; s++) {
            if (job->steps[s].state == S_QUEUED || job->steps[s].state == S_RUNNING)
                overdue_step(lab, j, s);
        }
    }
}

void rules_state(struct lab *lab)
{
    const struct seen *seen = &lab->world->seen;
    uint32_t open = 0;
    if (lab->world->run.status != seen->state || lab->world->run.stopping != seen->stopping ||
        lab->world->run.seq != seen->seq)
        broke(lab, "I16", "the run is in %d, its events say %u", lab->world->run.status,
              seen->state);
    if (seen->started && seen->still_since == 0 &&
        lab->world->run.still_total_ns != (uint64_t)(UNIT_NS * seen->still))
        broke(lab, "I16", "the clock of the run is not what its events say");
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        uint32_t state = seen->jobs[j].state;
        compare_job(lab, j);
        open += !over(state);
        if (state == S_PENDING)
            eager_pending(lab, j);
        else if (!over(state))
            eager_busy(lab, j);
    }
    for (uint32_t m = 0; m < lab->plan->matrix_count; m++)
        eager_cells(lab, m);
    if (open == 0 && !rules_over(lab))
        broke(lab, "I9", "every job has ended, and the run has not");
    if (!rules_over(lab))
        overdue(lab);
    check_counters(lab);
    if (lab->wrong[0] == '\0')
        check_fold(lab);
}
