/* SPDX-License-Identifier: Apache-2.0 */
/* Each event of a run: whether it may come now, and what it changes. A row of `rows` for each type.
 */
#include "moves.h"

#include <string.h>

#define CAUSE_FAILED 1
#define CAUSE_TIMEOUT 2
#define CAUSE_LOST 4
#define CAUSE_ASKED 8 /* somebody asked for it */

struct at {
    struct shadow *shadow;
    struct sim *sim;
    struct shadow_run *run;
    struct shadow_job *job;
    struct shadow_step *step;
    const struct arc_plan_job *plan_job;
    const struct arc_plan_step *plan_step;
    uint32_t r, j, s;
    const struct stored *event;
    uint64_t now;
};

/* Says what is wrong with the event, with its place. */
static void wrong(const struct at *at, enum invariant which, const char *why)
{
    broke(at->sim, which, "%.*s of step %lld of job %lld of run %u: %s", ARC_ARG(at->event->type),
          (long long)at->event->step, (long long)at->event->job, at->r, why);
}

static void text_to(char *out, size_t size, arc_slice text)
{
    size_t len = text.len < size - 1 ? text.len : size - 1;
    if (len > 0)
        memcpy(out, text.ptr, len);
    out[len] = '\0';
}

/* The clock has run for so long since then; a wall clock that jumped may have said anything. */
static int elapsed(const struct at *at, uint64_t since_ns, int64_t length_ns)
{
    return at->sim->jumps > 0 || at->now + 1000000 >= since_ns + (uint64_t)length_ns;
}

static int over(int state)
{
    return state >= SUCCESS;
}

static int is_stopped(const struct at *at)
{
    return at->run->forced || at->step->stopping ||
           ((at->run->stopping || at->job->stopping) && !at->plan_step->finally);
}

/* The attempt's time is over. */
static int job_time_over(const struct at *at)
{
    return at->plan_job->timeout_ns > 0 && at->job->state == RUNNING &&
           elapsed(at, at->job->started_ns, at->plan_job->timeout_ns);
}

/* Surely not over. A server that was started anew under a clock that had jumped counts the attempt
 * from a moment that it has read, and may find its time over long before. */
static int job_time_left(const struct at *at)
{
    return at->plan_job->timeout_ns == 0 || at->job->state != RUNNING ||
           (at->sim->jumps == 0 &&
            at->now < at->job->started_ns + (uint64_t)at->plan_job->timeout_ns);
}

static int64_t delay_of(const struct arc_retry *retry, uint32_t ended)
{
    int64_t delay = retry->delay_ns;
    if (retry->backoff == ARC_BACKOFF_LINEAR)
        delay *= ended;
    for (uint32_t i = 1; retry->backoff == ARC_BACKOFF_EXPONENTIAL && i < ended; i++)
        delay *= 2;
    return retry->max_delay_ns > 0 && delay > retry->max_delay_ns ? retry->max_delay_ns : delay;
}

static uint64_t check_delay(const struct at *at, const struct arc_retry *retry, uint32_t ended)
{
    int64_t delay = at->event->not_before_ns - at->event->time_ns, want = delay_of(retry, ended);
    if (retry->jitter ? delay < 0 || delay > want : delay != want)
        wrong(at, INV_I9, "the delay of its retry is another");
    return at->now + (uint64_t)(delay > 0 ? delay : 0);
}

/* Which rows have to be written: the run's, and that of what the event names. */
static void dirty(struct at *at)
{
    at->run->dirty |= 1;
    if (at->step != NULL)
        at->step->dirty |= 1;
    else if (at->job != NULL)
        at->job->dirty |= 1;
}

/* --- the run's clock ----------------------------------------------------------------- */

static int gates_wait(const struct shadow_run *run)
{
    int any = 0;
    for (uint32_t g = 0; g < run->plan->gate_count; g++)
        any |= run->gates[g].state == GATE_WAITING;
    return any;
}

static void set_clock(struct at *at)
{
    struct shadow_run *run = at->run;
    int still = run->state == RUN_PAUSED || gates_wait(run);
    if (still && !run->stands)
        run->still_since_ns = at->now;
    if (still || !run->stands) {
        run->stands = still;
        return;
    }
    uint64_t from = run->still_since_ns > run->clock_ns ? run->still_since_ns : run->clock_ns;
    if (run->ticks)
        run->still_ns += at->now - from;
    run->stands = 0;
}

/* --- the beginning ------------------------------------------------------------------- */

static void make_jobs(struct shadow_run *run, const struct stored_birth *birth)
{
    size_t job_at = 0, step_at = 0;
    run->grouped = run->plan->group.group.len > 0;
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        struct shadow_job *job = &run->jobs[j];
        run->grouped |= run->plan->jobs[j].group.group.len > 0;
        text_to(job->id, sizeof(job->id), stored_item(birth->job_ids, &job_at));
        job->state = PENDING;
        job->attempt = 1;
        job->dirty = 1;
        for (uint32_t s = 0; s < run->plan->jobs[j].step_count; s++) {
            text_to(job->steps[s].id, sizeof(job->steps[s].id),
                    stored_item(birth->step_ids, &step_at));
            job->steps[s].state = PENDING;
            job->steps[s].dirty = 1;
        }
    }
}

/* A job of a rerun that is not done again: it begins where the old one ended. */
static void keep_job(struct at *at, const struct shadow_job *old, uint32_t j,
                     const struct stored_kept *kept)
{
    struct shadow_job *job = &at->run->jobs[j];
    if (kept->status != old->state || (kept->by_failure != 0) != (old->by_failure != 0) ||
        !arc__slice_is(kept->outputs, old->outputs))
        wrong(at, INV_I9, "what it keeps is not what the old run came to");
    job->state = old->state;
    job->by_failure = old->by_failure;
    memcpy(job->outputs, old->outputs, sizeof(job->outputs));
    job->kept = 1;
    for (uint32_t s = 0; s < at->run->plan->jobs[j].step_count; s++)
        job->steps[s].state = SKIPPED;
    reached(at->sim, GOAL_KEPT);
}

static void check_again(struct at *at, const struct request *request,
                        const struct stored_birth *birth)
{
    const struct shadow_run *old = &at->shadow->runs[request->of];
    const struct arc_plan_job *from = &old->plan->jobs[request->job];
    uint8_t again[JOBS_MAX] = {0};
    struct stored_kept kept = {0};
    size_t item = 0;
    if (!arc__slice_is(birth->rerun_of, old->id) || !shadow_run_over(old)) {
        wrong(at, INV_I12, "of another run than was to be run again, or of one that goes on");
        return;
    }
    if (!judge_again(old, (enum arc_rerun)request->again, from->key, again))
        wrong(at, INV_I9, "there was nothing to do again");
    at->run->attempt = old->attempt + 1;
    for (uint32_t j = 0; j < old->plan->job_count; j++) {
        int any = stored_next_kept(birth->kept, &item, &kept);
        if (again[j] && any && kept.status != 0)
            wrong(at, INV_I9, "it keeps what was to be done again");
        if (!again[j] && (!any || kept.status == 0))
            wrong(at, INV_I9, "it does again what was to be kept");
        if (!again[j])
            keep_job(at, &old->jobs[j], j, &kept);
        for (uint32_t s = 0; s < old->plan->jobs[j].step_count; s++) {
            if (strcmp(old->jobs[j].steps[s].id, at->run->jobs[j].steps[s].id) == 0 ||
                shadow_attempt(at->shadow, at->run->jobs[j].steps[s].id, 1, 0) != NULL)
                wrong(at, INV_I1, "its step runs are old ones");
        }
    }
    if (old->attempt > 1)
        reached(at->sim, GOAL_RERUN_AGAIN);
    reached(at->sim, request->again == ARC_RERUN_ALL      ? GOAL_RERUN_ALL
                     : request->again == ARC_RERUN_FAILED ? GOAL_RERUN_FAILED
                                                          : GOAL_RERUN_FROM);
}

/* Somebody has asked for it, and for the first time. */
static void check_wanted(struct at *at, const struct stored_birth *birth)
{
    struct shadow *shadow = at->shadow;
    const struct request *request = NULL;
    uint32_t number = 1;
    for (uint32_t i = 0; i < shadow->run_count; i++) {
        if (shadow->runs[i].pipeline != at->run->pipeline)
            continue;
        number++;
        if (birth->request_id.len > 0 &&
            strcmp(shadow->runs[i].request_id, at->run->request_id) == 0)
            wrong(at, INV_I12, "its request has made a run before");
    }
    for (uint32_t i = 0; i < at->sim->request_count && request == NULL; i++) {
        if (at->sim->requests[i].pipeline == at->run->pipeline &&
            strcmp(at->sim->requests[i].id, at->run->request_id) == 0)
            request = &at->sim->requests[i];
    }
    at->run->attempt = 1;
    if (request == NULL)
        wrong(at, INV_I12, "nobody has asked for it");
    else if (request->again)
        check_again(at, request, birth);
    else if (birth->rerun_of.len > 0 || birth->kept.len > 0)
        wrong(at, INV_I12, "nobody has asked for it to be run again");
    if (request != NULL && request->priority != at->run->priority)
        wrong(at, INV_I12, "it has another priority than was asked for");
    if (birth->number != (int64_t)number || birth->attempt != at->run->attempt)
        wrong(at, INV_I12, "its number or attempt is not the next");
    if (!arc__slice_is(birth->project_id, sim_project(at->sim, at->run->pipeline)))
        wrong(at, INV_I11, "it is in another project than its pipeline");
}

static void on_triggered(struct at *at)
{
    struct shadow *shadow = at->shadow;
    const struct stored *event = at->event;
    struct stored_birth birth;
    struct shadow_run *run = at->run;
    uint32_t p = 0;
    while (p < at->sim->pipeline_count && !arc__slice_is(event->pipeline_id, at->sim->pipelines[p]))
        p++;
    if (p == at->sim->pipeline_count || shadow->plan[p] == NULL) {
        wrong(at, INV_I12, "of a pipeline that does not exist");
        return;
    }
    stored_read_birth(event->birth, &birth);
    text_to(run->id, sizeof(run->id), event->stream);
    text_to(run->request_id, sizeof(run->request_id), birth.request_id);
    run->pipeline = p;
    run->plan = shadow->plan[p];
    run->state = RUN_PENDING;
    run->created_ns = at->now;
    run->clock_ns = at->now;
    run->ticks = run->plan->group.group.len == 0;
    run->created = run->slot.since = event->position;
    run->born = shadow->batch;
    run->priority = (int32_t)birth.priority;
    run->dirty = 1;
    make_jobs(run, &birth);
    check_wanted(at, &birth);
    shadow->keyed += birth.request_id.len > 0;
    shadow->run_count++;
}

/* --- the run ------------------------------------------------------------------------- */

static void on_run_started(struct at *at)
{
    if (at->run->started)
        wrong(at, INV_I9, "it had started");
    if (groups_lacks(at->run, -1))
        wrong(at, INV_I10, "it starts without a slot of its group");
    at->run->started = 1;
    if (at->run->state == RUN_PENDING)
        at->run->state = RUN_RUNNING;
}

static void on_paused(struct at *at)
{
    struct shadow_run *run = at->run;
    if ((run->state != RUN_PENDING && run->state != RUN_RUNNING) || run->stopping)
        wrong(at, INV_I9, "it could not be paused");
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        if (run->jobs[j].state == RUNNING)
            reached(at->sim, GOAL_PAUSED);
    }
    run->state = RUN_PAUSED;
    run->paused_ns = at->now;
    run->pauses++;
    set_clock(at);
}

static void on_resumed(struct at *at)
{
    struct shadow_run *run = at->run;
    if (run->state != RUN_PAUSED)
        wrong(at, INV_I9, "it was not paused");
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        struct shadow_job *job = &run->jobs[j];
        uint64_t from = job->queued_ns > run->paused_ns ? job->queued_ns : run->paused_ns;
        if (job->state == QUEUED && job->agent[0] == '\0')
            job->waited_ns += at->now - from;
        line_came(job);
    }
    run->state = run->started ? RUN_RUNNING : RUN_PENDING;
    run->resumes++;
    set_clock(at);
}

static void on_stopping(struct at *at)
{
    struct shadow_run *run = at->run;
    if (at->event->cause == CAUSE_TIMEOUT) {
        reached(at->sim, GOAL_RUN_TIMEOUT);
        if (run->plan->timeout_ns == 0 || !run->ticks || run->stopping ||
            !elapsed(at, run->clock_ns + run->still_ns, run->plan->timeout_ns))
            wrong(at, INV_I9, "its time was not over");
        run->stop_timeout = 1;
    } else {
        run->stop_timeout = 0;
        if (!groups_ends(at->shadow, at->r, -1, at->event->reason) && !run->asked)
            wrong(at, INV_I9, "nobody had asked for it");
    }
    if (!run->stopping)
        run->stop_ns = at->now;
    run->stopping = 1;
    run->forced |= at->event->force != 0;
    run->stops++;
}

static void on_run_end(struct at *at)
{
    static const struct {
        const char *type;
        int state;
        enum goal goal;
    } ends[] = {{"pipeline.completed", RUN_SUCCESS, GOAL_RUN_SUCCESS},
                {"pipeline.failed", RUN_FAILED, GOAL_RUN_FAILED},
                {"pipeline.cancelled", RUN_CANCELLED, GOAL_RUN_CANCELLED},
                {"pipeline.partial", RUN_PARTIAL, GOAL_RUN_PARTIAL}};
    int state = 0;
    for (size_t i = 0; i < ARC_COUNT_OF(ends); i++) {
        if (!arc__slice_is(at->event->type, ends[i].type))
            continue;
        state = ends[i].state;
        reached(at->sim, ends[i].goal);
    }
    for (uint32_t j = 0; j < at->run->plan->job_count; j++) {
        if (!over(at->run->jobs[j].state))
            wrong(at, INV_I9, "a job has not ended");
    }
    if (state != judge_result(at->run))
        wrong(at, INV_I9, "the rules come to another result");
    at->run->state = state;
    at->run->ended_ns = at->now;
    at->run->over = at->shadow->batch;
}

static void on_run_admitted(struct at *at)
{
    groups_admit(at->shadow, at->r, -1, at->event->position);
    at->run->clock_ns = at->now;
    at->run->ticks = 1;
}

/* --- gates --------------------------------------------------------------------------- */

static void on_gate(struct at *at)
{
    uint32_t number = (uint32_t)at->event->gate;
    if (number == 0 || number > at->run->plan->gate_count || number > GATES_MAX) {
        wrong(at, INV_I9, "of a gate that does not exist");
        return;
    }
    struct shadow_gate *gate = &at->run->gates[number - 1];
    const struct arc_plan_gate *plan = &at->run->plan->gates[number - 1];
    int asks = arc__slice_is(at->event->type, "pipeline.approval.requested");
    if (gate->state != (asks ? GATE_IDLE : GATE_WAITING))
        wrong(at, INV_I9, asks ? "it was asked for before" : "it did not wait");
    if (!asks && at->run->stopping)
        wrong(at, INV_I9, "the run is being stopped");
    if (asks && number != at->run->plan->gate && groups_lacks(at->run, -1))
        wrong(at, INV_I10, "it is asked for before the run has its slot");
    if (asks) {
        gate->state = GATE_WAITING;
        gate->asked_ns = at->now;
        gate->expires_ns = plan->timeout_ns > 0 ? at->now + (uint64_t)plan->timeout_ns : 0;
    } else if (arc__slice_is(at->event->type, "pipeline.approval.approved")) {
        int known = plan->approver_count == 0 || at->event->force;
        for (uint32_t i = 0; i < plan->approver_count; i++)
            known |= arc__slice_equal(plan->approvers[i], at->event->actor);
        for (uint32_t i = 0; i < gate->approvals; i++) {
            if (arc__slice_is(at->event->actor, gate->by[i]))
                wrong(at, INV_I9, "he had approved before");
        }
        if (!known)
            wrong(at, INV_I9, "he is not one of its approvers");
        if (at->event->cause == CAUSE_TIMEOUT &&
            (!plan->approve_on_timeout || !elapsed(at, gate->asked_ns, plan->timeout_ns)))
            wrong(at, INV_I9, "its time was not over");
        if (gate->approvals < 4)
            text_to(gate->by[gate->approvals++], sizeof(gate->by[0]), at->event->actor);
        if (at->event->force || gate->approvals >= plan->count)
            gate->state = GATE_APPROVED;
        if (gate->state == GATE_APPROVED && number == at->run->plan->gate)
            at->run->slot.since = at->event->position;
        if (at->event->cause != CAUSE_TIMEOUT)
            reached(at->sim, GOAL_APPROVED);
    } else {
        int expired = arc__slice_is(at->event->type, "pipeline.approval.expired");
        if (expired && (plan->timeout_ns == 0 || plan->approve_on_timeout ||
                        !elapsed(at, gate->asked_ns, plan->timeout_ns)))
            wrong(at, INV_I9, "its time was not over");
        reached(at->sim, expired ? GOAL_EXPIRED : GOAL_REJECTED);
        gate->state = GATE_REFUSED;
        at->run->gate_refused = 1;
    }
    set_clock(at);
}

/* --- jobs ---------------------------------------------------------------------------- */

/* A job has ended: a gate that waited for jobs which have all ended without it waits no more. */
static void leave_gates(struct at *at)
{
    struct shadow_run *run = at->run;
    for (uint32_t g = 0; g < run->plan->gate_count && g < GATES_MAX; g++) {
        int comes = 0;
        for (uint32_t j = 0; j < run->plan->job_count; j++) {
            const struct arc_plan_job *plan = &run->plan->jobs[j];
            comes |=
                run->jobs[j].state == PENDING && (run->plan->gate == g + 1 || plan->gate == g + 1 ||
                                                  run->plan->stages[plan->stage].gate == g + 1);
        }
        if (run->gates[g].state == GATE_WAITING && !comes)
            run->gates[g].state = GATE_LEFT;
    }
    set_clock(at);
}

static void on_job_queued(struct at *at)
{
    struct shadow_job *job = at->job;
    if (job->state != PENDING)
        wrong(at, INV_I9, "it was not pending");
    if (at->run->stopping || at->run->state == RUN_PAUSED)
        wrong(at, INV_I9, "its run is paused or being stopped");
    if (!judge_ready(at->run, at->j))
        wrong(at, INV_I9, "what it waits for has not ended");
    if (job->attempt == 1 && judge_job(at->run, at->j) != GOES)
        wrong(at, INV_I9, "the rules say that it does not run");
    if (!judge_room(at->run, at->j))
        wrong(at, INV_I9, "more cells than `maxParallel` are busy");
    if (job->attempt > 1 && !elapsed(at, job->not_before_ns, 0))
        wrong(at, INV_I9, "before its retry's delay was over");
    job->state = QUEUED;
    job->queued_ns = at->now;
    job->waited_ns = 0;
    job->line_ns = at->event->time_ns;
    line_came(job);
    if (job->attempt > 1 && job->slot.admitted)
        reached(at->sim, GOAL_SLOT_KEPT);
    if (!job->slot.admitted)
        job->slot.since = at->event->position;
}

static void on_job_admitted(struct at *at)
{
    groups_admit(at->shadow, at->r, (int)at->j, at->event->position);
    line_came(at->job);
    at->job->eligible_ns = 0;
}

static void on_job_started(struct at *at)
{
    if (at->job->state != QUEUED || at->job->agent[0] == '\0')
        wrong(at, INV_I9, "it was not placed");
    at->job->state = RUNNING;
    at->job->started_ns = at->now;
}

/* A cell of the same matrix has failed, and it has `failFast`. */
static int cell_failed(const struct at *at)
{
    uint32_t number = at->plan_job->matrix;
    if (number == 0 || !at->run->plan->matrices[number - 1].fail_fast)
        return 0;
    for (uint32_t k = 0; k < at->run->plan->job_count; k++) {
        if (at->run->plan->jobs[k].matrix == number && judge_failed(at->run, k) &&
            !at->run->jobs[k].kept && !at->run->plan->jobs[k].continue_on_error)
            return 1;
    }
    return 0;
}

static void on_job_stopping(struct at *at)
{
    int asked = at->event->cause == CAUSE_ASKED;
    int by_group = groups_ends(at->shadow, at->r, (int)at->j, at->event->reason);
    if (over(at->job->state) || at->job->state == PENDING ||
        (at->job->stopping && !at->event->force) ||
        (asked ? !at->job->asked && !by_group : !cell_failed(at)))
        wrong(at, INV_I9, "nobody could have asked it to end");
    if (!at->job->stopping)
        at->job->stop_ns = at->now;
    at->job->stopping = 1;
    at->job->forced |= at->event->force != 0;
}

static void steps_over(struct at *at)
{
    for (uint32_t s = 0; s < at->plan_job->step_count; s++) {
        if (!over(at->job->steps[s].state))
            wrong(at, INV_I9, "a step of it has not ended");
    }
}

static int retry_left(const struct at *at, uint32_t cause)
{
    int failed = at->job->failed;
    if (at->run->stopping || at->job->stopping)
        return 0;
    if (cause == CAUSE_LOST && at->job->lost >= 3)
        return 0;
    if (failed > 0 && at->plan_job->steps[failed - 1].retry.max_attempts > 0)
        return 0; /* a step with a retry of its own is final */
    return judge_covers(&at->plan_job->retry, (uint32_t)at->job->attempt, cause);
}

static uint32_t failure_cause(const struct at *at)
{
    if (at->job->was_lost)
        return CAUSE_LOST;
    if (at->job->cut)
        return CAUSE_TIMEOUT;
    if (at->job->failed > 0 && at->job->steps[at->job->failed - 1].state == TIMEOUT)
        return CAUSE_TIMEOUT;
    return CAUSE_FAILED;
}

static void on_job_skipped(struct at *at)
{
    struct shadow_job *job = at->job;
    enum verdict verdict = judge_job(at->run, at->j);
    steps_over(at);
    if (job->state != PENDING || job->attempt != 1 || !judge_ready(at->run, at->j) ||
        at->run->stopping)
        wrong(at, INV_I9, "it was not to be decided about");
    if (verdict != SKIPS && verdict != SKIPS_BY_FAILURE)
        wrong(at, INV_I9, "the rules say that it runs");
    if ((verdict == SKIPS_BY_FAILURE) != (at->event->cause != 0))
        wrong(at, INV_I9, "because of a failure, or not: the rules say the other");
    job->by_failure = at->event->cause != 0;
    job->state = SKIPPED;
    reached(at->sim, job->by_failure ? GOAL_SKIPPED_FAILURE : GOAL_SKIPPED_OWN);
}

static void on_job_completed(struct at *at)
{
    steps_over(at);
    if (at->job->state != QUEUED && at->job->state != RUNNING)
        wrong(at, INV_I9, "it was not busy");
    for (uint32_t s = 0; s < at->plan_job->step_count; s++) {
        if (at->job->steps[s].state == CANCELLED)
            wrong(at, INV_I9, "a step of it was cancelled");
    }
    if (at->job->failed || at->job->cut || at->job->was_lost)
        wrong(at, INV_I9, "a step of it had failed");
    at->job->state = SUCCESS;
    text_to(at->job->outputs, sizeof(at->job->outputs), at->event->outputs);
    if (at->plan_job->outputs.count > 0 && at->job->steps[0].state == SUCCESS &&
        strcmp(at->job->outputs, at->job->steps[0].outputs) != 0)
        wrong(at, INV_I9, "its outputs are not those of its step");
}

/* The agent that the job is on may be another process now, or may have been taken for one. */
static int may_be_anew(const struct at *at)
{
    int agent = shadow_agent_index(at->sim, arc__slice_cstr(at->job->agent));
    return at->sim->confused ||
           (agent >= 0 && at->sim->agents[agent].claimed_lives != at->job->agent_lives);
}

/* An attempt may be lost between two steps, and then no step says so. */
static void claim_loss(struct at *at)
{
    if (at->event->cause == CAUSE_LOST && may_be_anew(at))
        at->job->was_lost = 1;
}

static void on_job_failed(struct at *at)
{
    claim_loss(at);
    uint32_t cause = failure_cause(at);
    int own = at->event->cause == CAUSE_FAILED && at->plan_job->outputs.count > 0;
    steps_over(at);
    if (at->job->state != QUEUED && at->job->state != RUNNING)
        wrong(at, INV_I9, "it was not busy");
    if (!at->job->failed && !at->job->was_lost && !own)
        wrong(at, INV_I9, "nothing of it had failed");
    if (retry_left(at, cause))
        wrong(at, INV_I9, "its retry was not given");
    if (cause == CAUSE_LOST)
        reached(at->sim, GOAL_LOST_FAILED);
    at->job->state = FAILED;
    text_to(at->job->outputs, sizeof(at->job->outputs), at->event->outputs);
}

static void on_job_timeout(struct at *at)
{
    int queue = at->job->state == QUEUED && at->job->agent[0] == '\0';
    steps_over(at);
    if (queue &&
        (at->plan_job->queue_timeout_ns == 0 || at->run->state == RUN_PAUSED ||
         !elapsed(at, at->job->queued_ns + at->job->waited_ns, at->plan_job->queue_timeout_ns)))
        wrong(at, INV_I9, "its queueTimeout was not over");
    if (!queue && (!at->job->cut || retry_left(at, CAUSE_TIMEOUT)))
        wrong(at, INV_I9, at->job->cut ? "its retry was not given" : "its time was not over");
    reached(at->sim, queue ? GOAL_QUEUE_TIMEOUT : GOAL_JOB_TIMEOUT);
    at->job->state = TIMEOUT;
}

static void on_job_cancelled(struct at *at)
{
    int step = 0;
    steps_over(at);
    int by_group = groups_ends(at->shadow, at->r, (int)at->j, at->event->reason);
    for (uint32_t s = 0; s < at->plan_job->step_count; s++)
        step |= at->job->steps[s].state == CANCELLED;
    if (over(at->job->state))
        wrong(at, INV_I9, "it had ended");
    if (!at->run->stopping && !at->job->stopping && !at->job->asked && !cell_failed(at) && !step &&
        !by_group)
        wrong(at, INV_I9, "nobody had asked for it");
    at->job->outrun = at->event->cause != 0;
    if (at->job->outrun && !cell_failed(at))
        wrong(at, INV_I9, "no cell of its matrix had failed");
    if (at->job->outrun)
        reached(at->sim, GOAL_FAIL_FAST);
    at->job->state = CANCELLED;
}

static void on_job_retrying(struct at *at)
{
    struct shadow_job *job = at->job;
    size_t item = 0;
    claim_loss(at);
    if (job->state != QUEUED && job->state != RUNNING)
        wrong(at, INV_I9, "it was not busy");
    steps_over(at);
    if (!job->failed && !job->was_lost && !job->cut)
        wrong(at, INV_I9, "nothing of it had failed");
    if ((uint32_t)at->event->cause != failure_cause(at) || !retry_left(at, failure_cause(at)))
        wrong(at, INV_I9, "its retry does not cover this");
    job->not_before_ns = check_delay(at, &at->plan_job->retry, (uint32_t)job->attempt);
    reached(at->sim, job->was_lost ? GOAL_LOST_RETRIED : GOAL_JOB_RETRY);
    job->lost += job->was_lost != 0;
    job->attempt++;
    job->state = PENDING;
    job->failed = job->cut = job->was_lost = job->started_any = 0;
    job->agent[0] = '\0';
    for (uint32_t s = 0; s < at->plan_job->step_count; s++) {
        job->steps[s] = (struct shadow_step){.state = PENDING, .dirty = 1};
        text_to(job->steps[s].id, sizeof(job->steps[s].id),
                stored_item(at->event->step_ids, &item));
    }
}

/* --- steps --------------------------------------------------------------------------- */

static uint32_t used_slots(const struct shadow *shadow, const char *agent)
{
    uint32_t used = 0;
    for (uint32_t r = 0; r < shadow->run_count; r++) {
        const struct shadow_run *run = &shadow->runs[r];
        for (uint32_t j = 0; j < run->plan->job_count; j++)
            used += !over(run->jobs[j].state) && strcmp(run->jobs[j].agent, agent) == 0;
    }
    return used;
}

static void place(struct at *at, int agent)
{
    const struct agent_sim *robot = &at->sim->agents[agent];
    if (at->job->state != QUEUED)
        wrong(at, INV_I9, "its job did not wait for a place");
    if (!shadow_labels_fit(at->plan_job, robot->labels))
        wrong(at, INV_I9, "the agent's labels do not match");
    if (groups_lacks(at->run, (int)at->j))
        wrong(at, INV_I10, "it has no slot of its group");
    line_placed(at->shadow, at->r, at->j, robot->labels);
    if (used_slots(at->shadow, robot->id) >= robot->slots)
        wrong(at, INV_I9, "the agent's slots were all taken");
    if (at->s != 0 && at->job->steps[0].state == PENDING)
        wrong(at, INV_I9, "not with its first step");
    text_to(at->job->agent, sizeof(at->job->agent), at->event->agent_id);
    at->job->dirty |= 1;
    at->job->agent_lives = robot->server_lives;
}

static void check_grant(struct at *at)
{
    int stopping = at->run->stopping || at->job->stopping;
    for (uint32_t s = 0; s < at->s; s++) {
        if (!over(at->job->steps[s].state))
            wrong(at, INV_I9, "a step before it has not ended");
    }
    if (at->step->state != PENDING || (at->job->state != QUEUED && at->job->state != RUNNING))
        wrong(at, INV_I9, "it did not wait");
    if (at->run->state == RUN_PAUSED && !at->run->stopping)
        wrong(at, INV_I9, "its run is paused");
    if (stopping &&
        (!at->plan_step->finally || !at->job->started_any || at->run->forced || at->job->forced))
        wrong(at, INV_I9, "its run or job is being stopped");
    if (judge_step(at->run, at->j, at->s) != GOES)
        wrong(at, INV_I9, "the rules say that it does not run");
    if (!elapsed(at, at->step->not_before_ns, 0))
        wrong(at, INV_I9, "before its retry's delay was over");
    if (at->event->attempt != at->step->attempt + 1)
        wrong(at, INV_I9, "its attempt is not the next");
    /* Of several servers each has fences of its own: those of a step rise, and no two are the same.
     */
    replicas_granted(at->shadow, (uint64_t)at->event->fence);
    if ((uint64_t)at->event->fence <= (is_shared(at->sim) ? at->step->fence : at->shadow->fence))
        wrong(at, INV_I5, "its fence is not greater than those before");
}

static void on_step_queued(struct at *at)
{
    int agent = shadow_agent_index(at->sim, at->event->agent_id);
    check_grant(at);
    if (agent < 0) {
        wrong(at, INV_I9, "it is granted to nobody");
        return;
    }
    if (at->job->agent[0] == '\0')
        place(at, agent);
    else if (!arc__slice_is(at->event->agent_id, at->job->agent))
        wrong(at, INV_I9, "its job is on another agent");
    if (at->run->stopping || at->job->stopping)
        reached(at->sim, GOAL_FINALLY);
    at->shadow->fence = (uint64_t)at->event->fence;
    at->step->state = QUEUED;
    at->step->attempt = (int)at->event->attempt;
    at->step->fence = (uint64_t)at->event->fence;
    at->step->queued_ns = at->now;
    at->step->not_before_ns = 0;
    struct attempt *attempt =
        shadow_attempt(at->shadow, at->step->id, (int32_t)at->event->attempt, 1);
    if (attempt == NULL || attempt->fence != 0) {
        wrong(at, INV_I1, "this attempt was granted before");
        return;
    }
    attempt->fence = at->step->fence;
    attempt->run = at->r;
    attempt->job = at->j;
    attempt->step = at->s;
    attempt->agent = (uint32_t)agent;
    attempt->granted_ns = at->now;
    attempt->lives = at->sim->agents[agent].server_lives;
    attempt->claimed = at->sim->agents[agent].claimed_lives;
}

static struct attempt *present(const struct at *at)
{
    return shadow_attempt(at->shadow, at->step->id, at->step->attempt, 0);
}

static int was_said(const struct at *at, uint32_t statuses)
{
    const struct attempt *attempt = present(at);
    return attempt != NULL && (attempt->said & statuses) != 0;
}

static void on_step_started(struct at *at)
{
    if (at->step->state != QUEUED)
        wrong(at, at->step->state == RUNNING ? INV_I1 : INV_I9, "it did not wait for its start");
    if ((uint64_t)at->event->fence != at->step->fence || at->event->attempt != at->step->attempt)
        wrong(at, INV_I5, "under another fence or attempt than was granted");
    if (!was_said(at, 1u << RUNNING | 1u << SUCCESS | 1u << FAILED | 1u << TIMEOUT))
        wrong(at, INV_I5, "its holder has not said so");
    at->step->state = RUNNING;
    at->step->started_ns = at->now;
    at->job->started_any = 1;
}

/* The lease could have lapsed: nobody has renewed it, or its holder is another process now. */
static int may_be_lost(const struct at *at)
{
    const struct attempt *attempt = present(at);
    const struct agent_sim *robot;
    if (attempt == NULL)
        return 0;
    robot = &at->sim->agents[attempt->agent];
    uint64_t since =
        attempt->renewed_ns > attempt->granted_ns ? attempt->renewed_ns : attempt->granted_ns;
    return attempt->refused || robot->claimed_lives != attempt->lives || at->sim->confused ||
           at->now >= since + (uint64_t)TTL_NS;
}

static void end_attempt(struct at *at)
{
    struct attempt *attempt = present(at);
    if (attempt == NULL)
        return;
    /* Of several servers one may end what is held by an agent of another one: not as lost. */
    if (attempt->renewed_ns > at->now && (!is_shared(at->sim) || at->event->cause == CAUSE_LOST))
        wrong(at, INV_I5, "its lease was renewed after its end had been decided");
    if (at->step->state != PENDING) {
        attempt->over = 1;
        attempt->over_ns = at->now;
    }
}

/* Its holder has said how many lines there were: all of them are there, or counted as lost. A log
 * store that takes nothing must not keep a step from ending. */
static void account(const struct at *at, int status)
{
    const struct attempt *attempt = present(at);
    const uint8_t *fault = at->sim->fault;
    int64_t have;
    if (attempt == NULL || !was_said(at, 1u << status) || fault[FAULT_LOG_FULL] ||
        fault[FAULT_SQUEEZE] || fault[FAULT_AGENT_SNAPSHOT])
        return;
    have = logs_accounted(at->shadow, attempt->id, attempt->attempt);
    if (have < attempt->log_lines)
        broke(at->sim, INV_I8, "step %s ends with %lld lines, and %lld are accounted for",
              attempt->id, (long long)attempt->log_lines, (long long)have);
}

static void lose(struct at *at)
{
    if (!may_be_lost(at))
        wrong(at, INV_I5, "its lease had not lapsed");
    at->job->was_lost = 1;
}

static void on_step_completed(struct at *at)
{
    if (at->step->state != RUNNING)
        wrong(at, INV_I9, "it did not run");
    if (!was_said(at, 1u << SUCCESS))
        wrong(at, INV_I5, "its holder has not said so");
    account(at, SUCCESS);
    end_attempt(at);
    at->step->state = SUCCESS;
    text_to(at->step->outputs, sizeof(at->step->outputs), at->event->outputs);
    struct fate fate =
        sim_fate(at->sim, at->r, at->j, at->s, (uint32_t)at->job->attempt, at->step->executions);
    if (strcmp(fate.outputs, at->step->outputs) != 0 && !at->sim->fault[FAULT_ADVERSARY])
        wrong(at, INV_I2, "its outputs are not those that were reported");
}

static void fail_job(struct at *at)
{
    if (!at->plan_step->continue_on_error && at->job->failed == 0)
        at->job->failed = (int)at->s + 1;
}

static void on_step_failed(struct at *at)
{
    if (at->step->state != RUNNING)
        wrong(at, INV_I9, "it did not run");
    if (at->event->cause == CAUSE_LOST) {
        lose(at);
    } else {
        if (!was_said(at, 1u << FAILED))
            wrong(at, INV_I5, "its holder has not said so");
        if (judge_covers(&at->plan_step->retry, at->step->executions + 1, CAUSE_FAILED) &&
            !is_stopped(at) && !at->run->stopping && job_time_left(at))
            wrong(at, INV_I9, "its retry was not given");
        fail_job(at);
        account(at, FAILED);
    }
    end_attempt(at);
    at->step->state = FAILED;
    at->step->exit_code = (int)at->event->exit_code;
}

static void on_step_timeout(struct at *at)
{
    int own = at->plan_step->timeout_ns > 0 && at->step->state == RUNNING &&
              elapsed(at, at->step->started_ns, at->plan_step->timeout_ns);
    if (at->step->state != RUNNING && at->step->state != QUEUED)
        wrong(at, INV_I9, "it did not run");
    if (!own && !was_said(at, 1u << TIMEOUT) && !at->plan_step->finally)
        wrong(at, INV_I9, "its time was not over");
    if (judge_covers(&at->plan_step->retry, at->step->executions + 1, CAUSE_TIMEOUT) &&
        !is_stopped(at) && !at->run->stopping && job_time_left(at))
        wrong(at, INV_I9, "its retry was not given");
    reached(at->sim, GOAL_STEP_TIMEOUT);
    end_attempt(at);
    fail_job(at);
    at->step->state = TIMEOUT;
    at->step->exit_code = (int)at->event->exit_code;
}

static void on_step_cancelled(struct at *at)
{
    int granted = at->step->state == QUEUED || at->step->state == RUNNING;
    /* A holder is asked to end it first. */
    int stopping = at->run->stopping || at->job->stopping || at->step->stopping ||
                   (!granted && (at->job->asked || at->step->asked || cell_failed(at) ||
                                 groups_ends(at->shadow, at->r, (int)at->j, at->event->reason)));
    if (at->event->cause == CAUSE_LOST)
        lose(at);
    if (over(at->step->state))
        wrong(at, INV_I2, "it had ended");
    if (at->step->state == PENDING && at->plan_step->finally && at->job->started_any &&
        !at->run->forced && !at->job->forced && !at->step->asked && !at->job->was_lost &&
        !may_be_anew(at))
        wrong(at, INV_I9, "a `finally` was not run");
    if (!stopping && !at->job->was_lost && !was_said(at, 1u << CANCELLED) && !job_time_over(at))
        wrong(at, INV_I9, "nobody had asked for it");
    if (granted && at->event->cause != CAUSE_LOST && !was_said(at, 1u << CANCELLED) &&
        at->step->state == RUNNING)
        reached(at->sim, GOAL_GAVE_UP);
    if (granted && was_said(at, 1u << CANCELLED))
        reached(at->sim, GOAL_CANCELLED);
    if (at->event->cause == CAUSE_TIMEOUT)
        at->job->cut = 1;
    if (granted)
        end_attempt(at);
    at->step->state = CANCELLED;
    at->step->exit_code = (int)at->event->exit_code;
}

static void on_step_skipped(struct at *at)
{
    enum verdict verdict = GOES;
    int placed = at->job->agent[0] != '\0';
    if (at->step->state != PENDING)
        wrong(at, INV_I9, "it was not pending");
    if (at->job->state == PENDING)
        verdict = judge_job(at->run, at->j);
    else
        verdict = judge_step(at->run, at->j, at->s);
    int queue = at->job->state == QUEUED && !placed && at->plan_job->queue_timeout_ns > 0;
    int ruled = verdict == SKIPS || verdict == SKIPS_BY_FAILURE || queue || job_time_over(at);
    if (!ruled && placed && may_be_anew(at) && at->event->cause == 0)
        at->job->was_lost = 1; /* lost between two steps: no step says so */
    if (!ruled && !at->job->was_lost)
        wrong(at, INV_I9, "the rules say that it runs");
    if (at->event->cause == CAUSE_TIMEOUT)
        at->job->cut = 1;
    at->step->state = SKIPPED;
}

static void on_step_stopping(struct at *at)
{
    if ((at->step->state != QUEUED && at->step->state != RUNNING) || !at->step->asked)
        wrong(at, INV_I9, "nobody could have asked it to end");
    at->step->stopping = 1;
}

static void on_step_retrying(struct at *at)
{
    uint32_t cause = (uint32_t)at->event->cause;
    if (at->step->state != QUEUED && at->step->state != RUNNING)
        wrong(at, INV_I9, "nobody had it");
    end_attempt(at);
    at->step->state = PENDING;
    if (cause == CAUSE_LOST) {
        if (!may_be_lost(at))
            wrong(at, INV_I5, "its lease had not lapsed");
        if (at->job->started_any || at->job->lost >= 3)
            wrong(at, INV_I9, "it may not be placed anew");
        reached(at->sim, GOAL_LOST_RETRIED);
        at->job->lost++;
        at->job->agent[0] = '\0';
        at->job->dirty |= 1;
        at->job->queued_ns = at->now;
        at->job->waited_ns = 0;
        line_came(at->job);
        return;
    }
    at->step->executions++;
    if (!judge_covers(&at->plan_step->retry, at->step->executions, cause) || is_stopped(at))
        wrong(at, INV_I9, "its retry does not cover this");
    if (!was_said(at, cause == CAUSE_FAILED ? 1u << FAILED : 0xffu) && cause == CAUSE_FAILED)
        wrong(at, INV_I5, "its holder has not said so");
    at->step->not_before_ns = check_delay(at, &at->plan_step->retry, at->step->executions);
    reached(at->sim, GOAL_STEP_RETRY);
}

/* --- all of them --------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *type;
    void (*on)(struct at *at);
} rows[] = {
    {"pipeline.triggered", on_triggered},
    {"pipeline.admitted", on_run_admitted},
    {"pipeline.started", on_run_started},
    {"pipeline.paused", on_paused},
    {"pipeline.resumed", on_resumed},
    {"pipeline.stopping", on_stopping},
    {"pipeline.completed", on_run_end},
    {"pipeline.failed", on_run_end},
    {"pipeline.cancelled", on_run_end},
    {"pipeline.partial", on_run_end},
    {"pipeline.approval.requested", on_gate},
    {"pipeline.approval.approved", on_gate},
    {"pipeline.approval.rejected", on_gate},
    {"pipeline.approval.expired", on_gate},
    {"job.queued", on_job_queued},
    {"job.admitted", on_job_admitted},
    {"job.started", on_job_started},
    {"job.stopping", on_job_stopping},
    {"job.completed", on_job_completed},
    {"job.failed", on_job_failed},
    {"job.cancelled", on_job_cancelled},
    {"job.timeout", on_job_timeout},
    {"job.skipped", on_job_skipped},
    {"job.retrying", on_job_retrying},
    {"step.queued", on_step_queued},
    {"step.started", on_step_started},
    {"step.completed", on_step_completed},
    {"step.failed", on_step_failed},
    {"step.cancelled", on_step_cancelled},
    {"step.timeout", on_step_timeout},
    {"step.skipped", on_step_skipped},
    {"step.retrying", on_step_retrying},
    {"step.stopping", on_step_stopping},
};
/* clang-format on */

/* Fills in what the event names. 0: it names what does not exist. */
static int aim(struct at *at)
{
    const struct stored *event = at->event;
    if (event->job < 0)
        return 1;
    if (at->run->plan == NULL || event->job >= at->run->plan->job_count)
        return 0;
    at->j = (uint32_t)event->job;
    at->job = &at->run->jobs[at->j];
    at->plan_job = &at->run->plan->jobs[at->j];
    if (event->step < 0)
        return 1;
    if (event->step >= at->plan_job->step_count)
        return 0;
    at->s = (uint32_t)event->step;
    at->step = &at->job->steps[at->s];
    at->plan_step = &at->plan_job->steps[at->s];
    return arc__slice_is(event->step_run_id, at->step->id);
}

static void check_states(struct at *at, int before)
{
    int after = at->step != NULL  ? at->step->state
                : at->job != NULL ? at->job->state
                                  : at->run->state;
    if (at->event->previous != before)
        wrong(at, INV_I9, "it says another state before");
    if (at->event->state != after)
        wrong(at, INV_I9, "it says another state after");
}

void move(struct shadow *shadow, const struct stored *event)
{
    struct at at = {
        .shadow = shadow, .sim = shadow->sim, .event = event, .now = shadow->decided_ns};
    int index = shadow_run_index(shadow, event->stream), before;
    size_t i = 0;
    while (i < ARC_COUNT_OF(rows) && !arc__slice_is(event->type, rows[i].type))
        i++;
    if (i == ARC_COUNT_OF(rows))
        return; /* of a pipeline or an agent */
    at.r = index >= 0 ? (uint32_t)index : shadow->run_count;
    if (at.r >= ARC_COUNT_OF(shadow->runs)) {
        broke(shadow->sim, INV_I12, "more runs than were asked for");
        return;
    }
    at.run = &shadow->runs[at.r];
    if ((index < 0) != (rows[i].on == on_triggered)) {
        wrong(&at, INV_I12, "of a run that was not triggered, or is there already");
        return;
    }
    if (event->seq != at.run->seq + 1)
        wrong(&at, INV_I14, "its seq is not the next");
    at.run->seq = event->seq;
    if (shadow_run_over(at.run))
        wrong(&at, INV_I2, "its run was over");
    if (!aim(&at)) {
        wrong(&at, INV_I9, "it names what does not exist");
        return;
    }
    if (at.step == NULL && at.job != NULL && over(at.job->state))
        wrong(&at, INV_I2, "its job had ended");
    if (at.step != NULL && over(at.step->state))
        wrong(&at, INV_I2, "it had ended");
    before = at.step != NULL ? at.step->state : at.job != NULL ? at.job->state : at.run->state;
    at.run->touched = 1;
    rows[i].on(&at);
    if (at.step == NULL && at.job != NULL && over(at.job->state))
        leave_gates(&at);
    dirty(&at);
    if (!shadow->sim->broken)
        groups_note(shadow, at.r);
    if (!shadow->sim->broken && rows[i].on != on_triggered)
        check_states(&at, before);
}

/* --- what may not be left undone ----------------------------------------------------- */

static void eager_pending(struct shadow *shadow, uint32_t r, uint32_t j)
{
    struct sim *sim = shadow->sim;
    const struct shadow_run *run = &shadow->runs[r];
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const uint32_t gates[] = {run->plan->gate, run->plan->stages[plan->stage].gate, plan->gate};
    int waits = 0;
    if (run->stopping) {
        broke(sim, INV_I9, "job %u of run %u is pending in a run that is being stopped", j, r);
        return;
    }
    if (run->state == RUN_PAUSED || !judge_ready(run, j) || run->jobs[j].attempt > 1)
        return;
    enum verdict verdict = judge_job(run, j);
    if (verdict == SKIPS || verdict == SKIPS_BY_FAILURE)
        broke(sim, INV_I9, "job %u of run %u was not skipped, though the rules say so", j, r);
    else if (verdict == GOES && judge_room(run, j))
        broke(sim, INV_I9, "job %u of run %u was not queued, though it is ready", j, r);
    else if (verdict == GOES)
        reached(sim, GOAL_MAX_PARALLEL);
    for (uint32_t i = 0; i < 3; i++)
        waits |= gates[i] != 0 && run->gates[gates[i] - 1].state == GATE_WAITING;
    if (verdict == WAITS && !waits && !groups_lacks(run, -1))
        broke(sim, INV_I9, "job %u of run %u waits at a gate that nobody was asked about", j, r);
}

static void eager_busy(struct shadow *shadow, uint32_t r, uint32_t j)
{
    struct sim *sim = shadow->sim;
    const struct shadow_run *run = &shadow->runs[r];
    const struct shadow_job *job = &run->jobs[j];
    uint32_t s = 0, count = run->plan->jobs[j].step_count;
    while (s < count && over(job->steps[s].state))
        s++;
    if (run->stopping && job->state == QUEUED && job->agent[0] == '\0')
        broke(sim, INV_I9, "job %u of run %u waits for a place in a run being stopped", j, r);
    /* One of whom every step was cancelled before it had a place ends when it gets one. */
    if (s == count && job->agent[0] != '\0')
        broke(sim, INV_I9, "all steps of job %u of run %u have ended, and it has not", j, r);
    else if (s < count && job->agent[0] != '\0' && job->steps[s].state == PENDING &&
             job->steps[s].not_before_ns == 0 && (run->state != RUN_PAUSED || run->stopping))
        broke(sim, INV_I9, "step %u of job %u of run %u is next, and was not granted", s, j, r);
    for (uint32_t k = s + 1; k < count; k++) {
        if (job->steps[k].state != PENDING && !over(job->steps[k].state))
            broke(sim, INV_I9, "two steps of job %u of run %u are in hand", j, r);
    }
}

static void eager_cells(struct shadow *shadow, uint32_t r, uint32_t m)
{
    const struct shadow_run *run = &shadow->runs[r];
    const struct arc_plan_matrix *matrix = &run->plan->matrices[m];
    uint32_t failed = 0, open = 0;
    for (uint32_t k = matrix->first_job; k < matrix->first_job + matrix->job_count; k++) {
        failed +=
            judge_failed(run, k) && !run->jobs[k].kept && !run->plan->jobs[k].continue_on_error;
        open += !over(run->jobs[k].state) && !run->jobs[k].stopping;
    }
    if (matrix->fail_fast && failed > 0 && open > 0 && !run->stopping)
        broke(shadow->sim, INV_I9, "a cell of run %u failed, and %u others were left to run", r,
              open);
}

void move_check_eager(struct shadow *shadow, uint32_t r)
{
    const struct shadow_run *run = &shadow->runs[r];
    uint32_t open = 0;
    if (shadow_run_over(run))
        return;
    for (uint32_t j = 0; j < run->plan->job_count && !shadow->sim->broken; j++) {
        open += !over(run->jobs[j].state);
        if (run->jobs[j].state == PENDING)
            eager_pending(shadow, r, j);
        else if (!over(run->jobs[j].state))
            eager_busy(shadow, r, j);
    }
    if (open == 0)
        broke(shadow->sim, INV_I9, "every job of run %u has ended, and it has not", r);
    for (uint32_t m = 0; m < run->plan->matrix_count; m++)
        eager_cells(shadow, r, m);
}
