/* SPDX-License-Identifier: Apache-2.0 */
#include "core/run.h"

#include "core/states.h"

void arc__run_init(struct arc_run *run, const struct arc_mem *mem)
{
    *run = (struct arc_run){0};
    arc__arena_init(&run->arena, mem, ARC_RUN_BYTES_MAX);
    arc__heap_init(&run->wakes, mem);
}

void arc__run_deinit(struct arc_run *run)
{
    arc__heap_deinit(&run->wakes);
    arc__arena_deinit(&run->arena);
}

int arc__run_find_step(const struct arc_run *run, arc_slice step_run_id, uint32_t *job,
                       uint32_t *step)
{
    for (uint32_t j = 0; run->plan != NULL && j < run->plan->job_count; j++) {
        for (uint32_t s = 0; s < run->plan->jobs[j].step_count; s++) {
            if (arc__slice_equal(arc__id_slice(&run->jobs[j].steps[s].id), step_run_id)) {
                *job = j;
                *step = s;
                return 1;
            }
        }
    }
    return 0;
}

int64_t arc__step_timeout_ns(const struct arc_run *run, uint32_t job, uint32_t step)
{
    int64_t own = run->jobs[job].steps[step].timeout_ns;
    return own > 0 ? own - 1 : run->plan->jobs[job].steps[step].timeout_ns;
}

static arc_status misfit(const struct arc_event *event, arc_err *err)
{
    return arc__fail(err, ARC_EINTERNAL, "event",
                     "%s at seq %lld does not fit the state of its run.",
                     arc__event_type_name(event->type), (long long)event->seq);
}

/* Texts of an event live as long as the turn; what the run keeps is copied. */
static arc_slice keep(struct arc_run *run, arc_slice text)
{
    return text.len == 0 ? ARC_NONE : arc__arena_copy(&run->arena, text);
}

static uint64_t to_mono(int64_t wall_ns, int64_t wall_to_mono)
{
    int64_t mono = wall_ns + wall_to_mono;
    return mono > 0 ? (uint64_t)mono : 1; /* 0 means "not set" */
}

static struct arc_step_state *new_steps(struct arc_run *run, uint32_t count, const arc_id *ids,
                                        int64_t created_ns)
{
    struct arc_step_state *steps = arc__arena_array(&run->arena, count, sizeof(*steps));
    for (uint32_t s = 0; steps != NULL && s < count; s++) {
        steps[s].id = ids[s];
        steps[s].status = ARC_STEP_PENDING;
        steps[s].created_ns = created_ns;
    }
    return steps;
}

/* To be looked at before time goes on. The heap has had room for every job since the birth. */
static void stir(struct arc_run *run, uint32_t j)
{
    struct arc_job_state *job = &run->jobs[j];
    if (arc_job_state_is_terminal(job->status))
        arc__heap_disarm(&run->wakes, &job->wake);
    else
        (void)arc__heap_arm(&run->wakes, &job->wake, 0, NULL);
}

static void stir_all(struct arc_run *run)
{
    for (uint32_t j = 0; j < run->plan->job_count; j++)
        stir(run, j);
}

/* Who waits for whom, the other way round from the plan. */
static arc_status link_dependents(struct arc_run *run, arc_err *err)
{
    const struct arc_plan *plan = run->plan;
    run->dependents = arc__arena_array(&run->arena, plan->job_count, sizeof(*run->dependents));
    run->dependent_count = arc__arena_array(&run->arena, plan->job_count, sizeof(uint32_t));
    if (run->dependents == NULL || run->dependent_count == NULL)
        return arc__fail_nomem(err);
    for (uint32_t j = 0; j < plan->job_count; j++) {
        for (uint32_t i = 0; i < plan->jobs[j].dep_count; i++)
            run->dependent_count[plan->jobs[j].deps[i]]++;
    }
    for (uint32_t j = 0; j < plan->job_count; j++) {
        uint32_t *list = arc__arena_array(&run->arena, run->dependent_count[j], sizeof(uint32_t));
        if (list == NULL)
            return arc__fail_nomem(err);
        run->dependents[j] = list;
        run->dependent_count[j] = 0;
    }
    for (uint32_t j = 0; j < plan->job_count; j++) {
        for (uint32_t i = 0; i < plan->jobs[j].dep_count; i++) {
            uint32_t dep = plan->jobs[j].deps[i];
            uint32_t *list = (uint32_t *)(uintptr_t)run->dependents[dep];
            list[run->dependent_count[dep]++] = j;
        }
    }
    return ARC_OK;
}

static arc_status make_gates(struct arc_run *run, arc_err *err)
{
    const struct arc_plan *plan = run->plan;
    run->matrix_busy = arc__arena_array(&run->arena, plan->matrix_count, sizeof(uint32_t));
    run->gates = arc__arena_array(&run->arena, plan->gate_count, sizeof(*run->gates));
    for (uint32_t i = 0; run->gates != NULL && i < plan->gate_count; i++) {
        uint32_t count = plan->gates[i].count > 0 ? plan->gates[i].count : 1;
        run->gates[i].status = ARC_GATE_IDLE;
        run->gates[i].approved_by = arc__arena_array(&run->arena, count, sizeof(arc_slice));
    }
    return run->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}

/* Counters follow the state; they are what the run's row shows. */
static void count_job_end(struct arc_run *run, uint32_t j, int before)
{
    struct arc_job_state *job = &run->jobs[j];
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    if (before == ARC_JOB_RUNNING)
        run->jobs_running--;
    run->jobs_open--;
    run->stage_open[plan->stage]--;
    if (job->status == ARC_JOB_FAILED || job->status == ARC_JOB_TIMEOUT) {
        run->jobs_failed++;
        run->jobs_partial += plan->continue_on_error != 0;
    }
    for (uint32_t i = 0; i < run->dependent_count[j]; i++)
        run->jobs[run->dependents[j][i]].blockers--;
    while (run->stage < run->plan->stage_count && run->stage_open[run->stage] == 0)
        run->stage++;
}

/* A job of a rerun that ended in the run before: it begins at its end. */
static arc_status keep_job(struct arc_run *run, uint32_t j, const struct arc_event *event,
                           arc_err *err)
{
    const struct arc_kept *kept = &event->birth->kept[j];
    struct arc_job_state *job = &run->jobs[j];
    if (!arc_job_state_is_terminal(kept->status))
        return misfit(event, err);
    job->status = kept->status;
    job->by_failure = kept->by_failure;
    job->outputs = keep(run, kept->outputs);
    job->ended_ns = event->time_ns;
    job->step = run->plan->jobs[j].step_count;
    job->reason =
        arc__arena_printf(&run->arena, "Kept from run %.*s.", ARC_ARG(event->birth->rerun_of));
    for (uint32_t s = 0; s < job->step; s++) {
        job->steps[s].status = ARC_STEP_SKIPPED;
        job->steps[s].ended_ns = event->time_ns;
        job->steps[s].reason = job->reason;
    }
    count_job_end(run, j, ARC_JOB_PENDING);
    stir(run, j);
    return ARC_OK;
}

static arc_status make_jobs(struct arc_run *run, const struct arc_event *event, arc_err *err)
{
    const struct arc_plan *plan = run->plan;
    const struct arc_birth *birth = event->birth;
    uint32_t at = 0;
    run->jobs = arc__arena_array(&run->arena, plan->job_count, sizeof(*run->jobs));
    run->stage_open = arc__arena_array(&run->arena, plan->stage_count, sizeof(uint32_t));
    if (run->jobs == NULL || run->stage_open == NULL)
        return arc__fail_nomem(err);
    for (uint32_t j = 0; j < plan->job_count; j++) {
        const struct arc_plan_job *job = &plan->jobs[j];
        if (birth->step_id_count - at < job->step_count)
            return misfit(event, err);
        run->jobs[j] = (struct arc_job_state){.id = birth->job_ids[j],
                                              .status = ARC_JOB_PENDING,
                                              .attempt = 1,
                                              .blockers = job->dep_count};
        run->jobs[j].steps = new_steps(run, job->step_count, &birth->step_ids[at], event->time_ns);
        if (run->jobs[j].steps == NULL)
            return arc__fail_nomem(err);
        at += job->step_count;
        run->stage_open[job->stage]++;
    }
    for (uint32_t j = 0; j < plan->job_count; j++)
        ARC_TRY(arc__heap_arm(&run->wakes, &run->jobs[j].wake, 0, err));
    run->jobs_open = plan->job_count;
    ARC_TRY(link_dependents(run, err));
    for (uint32_t j = 0; birth->kept != NULL && j < plan->job_count; j++) {
        if (birth->kept[j].status != 0)
            ARC_TRY(keep_job(run, j, event, err));
    }
    while (run->stage < plan->stage_count && run->stage_open[run->stage] == 0)
        run->stage++;
    return make_gates(run, err);
}

static arc_status fold_triggered(struct arc_run *run, const struct arc_event *event, arc_err *err)
{
    const struct arc_birth *birth = event->birth;
    if (run->seq != 0 || birth == NULL || birth->plan == NULL)
        return misfit(event, err);
    struct arc_birth *own = ARC_ARENA_NEW(&run->arena, struct arc_birth);
    if (own == NULL)
        return arc__fail_nomem(err);
    *own = *birth;
    own->job_ids = own->step_ids = NULL; /* they move into the states */
    own->pipeline_name = keep(run, birth->pipeline_name);
    own->project_id = keep(run, birth->project_id);
    own->definition_sha = keep(run, birth->definition_sha);
    own->branch = keep(run, birth->branch);
    own->ref = keep(run, birth->ref);
    own->request_id = keep(run, birth->request_id);
    own->rerun_of = keep(run, birth->rerun_of);
    own->kept = NULL; /* likewise */
    own->variables = birth->plan->variables;
    run->birth = own;
    run->plan = birth->plan;
    (void)arc__slice_to_cstr(event->run_id, run->id.text, sizeof(run->id.text));
    run->pipeline_id = keep(run, event->pipeline_id);
    run->triggered_by = keep(run, event->actor);
    run->status = ARC_RUN_PENDING;
    run->created_ns = event->time_ns;
    return make_jobs(run, event, err);
}

static arc_status move_run(struct arc_run *run, const struct arc_event *event, int signal,
                           arc_err *err)
{
    int next = arc__run_next(run->status, signal);
    if (next == ARC_MOVE_IGNORED)
        return ARC_OK;
    if (next <= 0)
        return misfit(event, err);
    run->status = next;
    if (arc_run_state_is_terminal(next)) {
        run->ended_ns = event->time_ns;
        run->reason = keep(run, event->reason);
    }
    return ARC_OK;
}

static uint64_t elapsed(uint64_t since, uint64_t at_least, uint64_t now)
{
    uint64_t from = since > at_least ? since : at_least;
    return now > from ? now - from : 0;
}

static int stands_still(const struct arc_run *run)
{
    return run->paused_mono_ns != 0 || run->gates_waiting > 0;
}

/* The run's own clock, after a pause or a gate has begun or ended. What began while it stood has
 * missed only the rest. */
static void set_clock(struct arc_run *run, int stood, uint64_t mono)
{
    if (!stood && stands_still(run))
        run->still_mono_ns = mono;
    if (!stood || stands_still(run))
        return;
    if (run->clock_mono_ns != 0)
        run->still_total_ns += elapsed(run->still_mono_ns, run->clock_mono_ns, mono);
    run->still_mono_ns = 0;
}

/* The clock of every job in the queue stood still too. */
static void end_pause(struct arc_run *run, uint64_t mono)
{
    int stood = stands_still(run);
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        struct arc_job_state *job = &run->jobs[j];
        if (job->status == ARC_JOB_QUEUED && job->agent_id.len == 0)
            job->queued_mono_ns += elapsed(run->paused_mono_ns, job->queued_mono_ns, mono);
    }
    run->paused_mono_ns = 0;
    set_clock(run, stood, mono);
    stir_all(run);
}

static void begin_gate(struct arc_run *run, const struct arc_event *event, int64_t wall_to_mono)
{
    struct arc_gate_state *gate = &run->gates[event->gate - 1];
    int stood = stands_still(run);
    gate->status = ARC_GATE_WAITING;
    gate->requested_ns = event->time_ns;
    gate->expires_ns = event->expires_ns;
    gate->expires_mono_ns = event->expires_ns != 0 ? to_mono(event->expires_ns, wall_to_mono) : 0;
    run->gates_waiting++;
    set_clock(run, stood, to_mono(event->time_ns, wall_to_mono));
}

static void end_gate(struct arc_run *run, const struct arc_event *event, int32_t status,
                     uint64_t mono)
{
    struct arc_gate_state *gate = &run->gates[event->gate - 1];
    int stood = stands_still(run);
    gate->status = status;
    gate->decided_ns = event->time_ns;
    gate->expires_mono_ns = 0;
    run->gates_waiting--;
    set_clock(run, stood, mono);
    if (status == ARC_GATE_APPROVED)
        return;
    gate->reason = keep(run, event->reason);
    if (run->gate_refused == 0)
        run->gate_refused = event->gate;
}

static int gate_signal(const struct arc_run *run, const struct arc_event *event)
{
    const struct arc_gate_state *gate = &run->gates[event->gate - 1];
    switch (event->type) {
    case ARC_EVENT_APPROVAL_REQUESTED:
        return ARC_GATE_SIGNAL_ASK;
    case ARC_EVENT_APPROVAL_APPROVED:
        return event->force || gate->approvals + 1 >= run->plan->gates[event->gate - 1].count
                   ? ARC_GATE_SIGNAL_APPROVE
                   : ARC_GATE_SIGNAL_ASSENT;
    case ARC_EVENT_APPROVAL_REJECTED:
        return ARC_GATE_SIGNAL_REJECT;
    default:
        return ARC_GATE_SIGNAL_EXPIRE;
    }
}

static arc_status fold_gate(struct arc_run *run, const struct arc_event *event,
                            int64_t wall_to_mono, arc_err *err)
{
    if (run->plan == NULL || event->gate == 0 || event->gate > run->plan->gate_count)
        return misfit(event, err);
    struct arc_gate_state *gate = &run->gates[event->gate - 1];
    int next = arc__gate_next(gate->status, gate_signal(run, event));
    if (next <= 0)
        return misfit(event, err);
    if (event->type == ARC_EVENT_APPROVAL_REQUESTED)
        begin_gate(run, event, wall_to_mono);
    if (event->type == ARC_EVENT_APPROVAL_APPROVED)
        gate->approved_by[gate->approvals++] = keep(run, event->actor);
    if (arc_gate_state_is_terminal(next))
        end_gate(run, event, next, to_mono(event->time_ns, wall_to_mono));
    return ARC_OK;
}

/* 1: none of the jobs that a gate stands before can come to it any more. */
static int guards_nobody(const struct arc_run *run, uint32_t gate)
{
    const struct arc_plan *plan = run->plan;
    for (uint32_t j = 0; j < plan->job_count; j++) {
        int guarded = plan->gate == gate || plan->stages[plan->jobs[j].stage].gate == gate ||
                      plan->jobs[j].gate == gate;
        if (guarded && run->jobs[j].status == ARC_JOB_PENDING)
            return 0;
    }
    return 1;
}

/* A job has ended: the gates that waited for its sake alone wait no more. */
static void leave_gates(struct arc_run *run, const struct arc_event *event, uint64_t mono)
{
    const struct arc_plan *plan = run->plan;
    const struct arc_plan_job *job = &plan->jobs[event->job];
    const uint32_t gates[] = {plan->gate, plan->stages[job->stage].gate, job->gate};
    for (size_t i = 0; run->gates_waiting > 0 && i < ARC_COUNT_OF(gates); i++) {
        struct arc_gate_state *gate = gates[i] != 0 ? &run->gates[gates[i] - 1] : NULL;
        int stood = stands_still(run);
        if (gate == NULL || gate->status != ARC_GATE_WAITING || !guards_nobody(run, gates[i]))
            continue;
        gate->status = arc__gate_next(gate->status, ARC_GATE_SIGNAL_LEAVE);
        gate->decided_ns = event->time_ns;
        gate->expires_mono_ns = 0;
        run->gates_waiting--;
        set_clock(run, stood, mono);
    }
}

/* The time of a run is its own: not what it waits for others of its group. */
static arc_status fold_admitted(struct arc_run *run, const struct arc_event *event, uint64_t mono,
                                arc_err *err)
{
    if (run->plan == NULL || run->plan->group.group.len == 0 || run->admitted)
        return misfit(event, err);
    run->admitted = 1;
    run->clock_mono_ns = mono;
    return ARC_OK;
}

static int names_step(const struct arc_run *run, const struct arc_event *event)
{
    return run->plan != NULL && event->job >= 0 && event->step >= 0 &&
           (uint32_t)event->job < run->plan->job_count &&
           (uint32_t)event->step < run->plan->jobs[event->job].step_count;
}

static arc_status fold_pipeline(struct arc_run *run, const struct arc_event *event,
                                int64_t wall_to_mono, arc_err *err)
{
    uint64_t mono = to_mono(event->time_ns, wall_to_mono);
    switch (event->type) {
    case ARC_EVENT_PIPELINE_TRIGGERED:
        ARC_TRY(fold_triggered(run, event, err));
        run->clock_mono_ns = run->plan->group.group.len == 0 ? mono : 0;
        return ARC_OK;
    case ARC_EVENT_PIPELINE_ADMITTED:
        return fold_admitted(run, event, mono, err);
    case ARC_EVENT_PIPELINE_STARTED:
        run->started_any = 1;
        run->started_ns = event->time_ns;
        return move_run(run, event, ARC_RUN_SIGNAL_START, err);
    case ARC_EVENT_APPROVAL_REQUESTED:
    case ARC_EVENT_APPROVAL_APPROVED:
    case ARC_EVENT_APPROVAL_REJECTED:
    case ARC_EVENT_APPROVAL_EXPIRED:
        return fold_gate(run, event, wall_to_mono, err);
    case ARC_EVENT_PIPELINE_PAUSED:
        if (run->still_mono_ns == 0)
            run->still_mono_ns = mono;
        run->paused_mono_ns = mono;
        return move_run(run, event, ARC_RUN_SIGNAL_PAUSE, err);
    case ARC_EVENT_PIPELINE_RESUMED:
        end_pause(run, mono);
        return move_run(run, event,
                        run->started_any ? ARC_RUN_SIGNAL_RESUME : ARC_RUN_SIGNAL_RESUME_PENDING,
                        err);
    case ARC_EVENT_PIPELINE_STOPPING:
        run->stopping = 1;
        run->forced |= event->force;
        run->stop_cause = event->cause;
        run->stop_grace_ns = event->grace_ns;
        run->stop_mono_ns = mono;
        run->reason = keep(run, event->reason);
        stir_all(run);
        return ARC_OK;
    case ARC_EVENT_ARTIFACT_CREATED: /* for those who watch */
        return names_step(run, event) ? ARC_OK : misfit(event, err);
    case ARC_EVENT_PIPELINE_COMPLETED:
        return move_run(run, event, ARC_RUN_SIGNAL_SUCCEED, err);
    case ARC_EVENT_PIPELINE_FAILED:
        return move_run(run, event, ARC_RUN_SIGNAL_FAIL, err);
    case ARC_EVENT_PIPELINE_CANCELLED:
        return move_run(run, event, ARC_RUN_SIGNAL_CANCEL, err);
    case ARC_EVENT_PIPELINE_PARTIAL:
        return move_run(run, event, ARC_RUN_SIGNAL_END_PARTIAL, err);
    default:
        return misfit(event, err);
    }
}

/* Of a job or a step: the numbers are the same. */
static int is_busy(int status)
{
    return status == ARC_JOB_QUEUED || status == ARC_JOB_RUNNING;
}

/* A cell that keeps its slot of a group over a retry keeps its room too: else another would take
 * the room and wait for the slot, and neither could go on. */
static int takes_room(const struct arc_job_state *job, int status)
{
    return is_busy(status) || (status == ARC_JOB_PENDING && job->admitted);
}

/* Where a cell has left, another one that waits for its retry may have room. */
static void count_cell(struct arc_run *run, uint32_t j, int before, int after)
{
    uint32_t matrix = run->plan->jobs[j].matrix;
    int had = takes_room(&run->jobs[j], before), has = takes_room(&run->jobs[j], after);
    if (matrix == 0 || had == has)
        return;
    const struct arc_plan_matrix *plan = &run->plan->matrices[matrix - 1];
    run->matrix_busy[matrix - 1] += has ? 1 : UINT32_MAX;
    for (uint32_t i = 0; plan->max_parallel > 0 && had && i < plan->job_count; i++)
        stir(run, plan->first_job + i);
}

static arc_status move_job(struct arc_run *run, const struct arc_event *event, int signal,
                           arc_err *err)
{
    struct arc_job_state *job = &run->jobs[event->job];
    int before = job->status;
    int next = arc__job_next(before, signal);
    if (next <= 0)
        return misfit(event, err);
    job->status = next;
    count_cell(run, (uint32_t)event->job, before, next);
    /* Why it waits anew stays with it until it has ended; then the end has its own reason, or none.
     */
    if (event->reason.len > 0 || arc_job_state_is_terminal(next))
        job->reason = keep(run, event->reason);
    if (next == ARC_JOB_RUNNING)
        run->jobs_running++;
    if (arc_job_state_is_terminal(next)) {
        job->ended_ns = event->time_ns;
        job->outputs = keep(run, event->outputs);
        count_job_end(run, (uint32_t)event->job, before);
    }
    return ARC_OK;
}

static arc_status fold_job_retrying(struct arc_run *run, const struct arc_event *event,
                                    int64_t wall_to_mono, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[event->job];
    const struct arc_plan_job *plan = &run->plan->jobs[event->job];
    if (event->step_id_count != plan->step_count)
        return misfit(event, err);
    if (job->status == ARC_JOB_RUNNING)
        run->jobs_running--;
    ARC_TRY(move_job(run, event, ARC_JOB_SIGNAL_RETRY, err));
    struct arc_step_state *steps =
        new_steps(run, plan->step_count, event->step_ids, event->time_ns);
    if (steps == NULL)
        return arc__fail_nomem(err);
    job->old_steps = job->steps;
    job->old_place = job->place;
    job->steps = steps;
    job->attempt++;
    job->lost += event->cause == ARC_CAUSE_LOST;
    job->step = 0;
    job->failed = job->timed_out = job->started_any = job->cut = 0;
    job->agent_id = job->place = ARC_NONE;
    job->not_before_mono_ns = to_mono(event->not_before_ns, wall_to_mono);
    return ARC_OK;
}

static arc_status fold_job_admitted(struct arc_run *run, const struct arc_event *event,
                                    arc_err *err)
{
    struct arc_job_state *job = &run->jobs[event->job];
    if (job->status != ARC_JOB_QUEUED || job->admitted ||
        run->plan->jobs[event->job].group.group.len == 0)
        return misfit(event, err);
    job->admitted = 1;
    return ARC_OK;
}

static arc_status fold_job(struct arc_run *run, const struct arc_event *event, int64_t wall_to_mono,
                           arc_err *err)
{
    struct arc_job_state *job = &run->jobs[event->job];
    switch (event->type) {
    case ARC_EVENT_JOB_QUEUED:
        job->queued_ns = event->time_ns;
        job->queued_mono_ns = to_mono(event->time_ns, wall_to_mono);
        job->not_before_mono_ns = 0;
        return move_job(run, event, ARC_JOB_SIGNAL_QUEUE, err);
    case ARC_EVENT_JOB_ADMITTED:
        return fold_job_admitted(run, event, err);
    case ARC_EVENT_JOB_STARTED:
        job->started_mono_ns = to_mono(event->time_ns, wall_to_mono);
        job->started_ns = event->time_ns;
        return move_job(run, event, ARC_JOB_SIGNAL_START, err);
    case ARC_EVENT_JOB_STOPPING:
        if (!is_busy(job->status))
            return misfit(event, err);
        job->stopping = 1;
        job->forced |= event->force;
        job->stop_cause = event->cause;
        job->stop_grace_ns = event->grace_ns;
        job->stop_mono_ns = to_mono(event->time_ns, wall_to_mono);
        job->stop_reason = keep(run, event->reason);
        return ARC_OK;
    case ARC_EVENT_JOB_COMPLETED:
        return move_job(run, event, ARC_JOB_SIGNAL_SUCCEED, err);
    case ARC_EVENT_JOB_FAILED:
        return move_job(run, event, ARC_JOB_SIGNAL_FAIL, err);
    case ARC_EVENT_JOB_CANCELLED:
        job->outrun = event->cause != 0;
        return move_job(run, event, ARC_JOB_SIGNAL_CANCEL, err);
    case ARC_EVENT_JOB_TIMEOUT:
        return move_job(run, event, ARC_JOB_SIGNAL_EXPIRE, err);
    case ARC_EVENT_JOB_SKIPPED:
        job->by_failure = event->cause != 0;
        return move_job(run, event, ARC_JOB_SIGNAL_SKIP, err);
    case ARC_EVENT_JOB_RETRYING:
        return fold_job_retrying(run, event, wall_to_mono, err);
    default:
        return misfit(event, err);
    }
}

static arc_status move_step(struct arc_run *run, const struct arc_event *event, int signal,
                            arc_err *err)
{
    struct arc_job_state *job = &run->jobs[event->job];
    struct arc_step_state *step = &job->steps[event->step];
    int next = arc__step_next(step->status, signal);
    if (next <= 0)
        return misfit(event, err);
    step->status = next;
    if (!arc_step_state_is_terminal(next))
        return ARC_OK;
    step->ended_ns = event->time_ns;
    step->exit_code = event->exit_code;
    step->cancel_by_mono_ns = 0;
    if (event->log_lines > step->log_lines)
        step->log_lines = event->log_lines;
    step->reason = keep(run, event->reason);
    step->error_message = keep(run, event->error_message);
    step->metrics = keep(run, event->metrics);
    step->outputs = keep(run, event->outputs);
    /* One that was cancelled before its turn leaves those before it as they are. */
    uint32_t count = run->plan->jobs[event->job].step_count;
    while (job->step < count && arc_step_state_is_terminal(job->steps[job->step].status))
        job->step++;
    return ARC_OK;
}

/* A step that failed for good decides its job, unless the definition says to go on. */
static void note_failure(struct arc_run *run, const struct arc_event *event)
{
    struct arc_job_state *job = &run->jobs[event->job];
    if (event->cause == ARC_CAUSE_LOST) /* not the step's doing: the whole attempt ends */
        return;
    if (run->plan->jobs[event->job].steps[event->step].continue_on_error)
        return;
    if (job->failed == 0)
        job->failed = event->step + 1;
    if (event->type == ARC_EVENT_STEP_TIMEOUT && job->timed_out == 0)
        job->timed_out = event->step + 1;
}

/* The steps that did not run, or not to their end, because the attempt's time was over. */
static void note_cut(struct arc_run *run, const struct arc_event *event)
{
    if (event->cause == ARC_CAUSE_TIMEOUT)
        run->jobs[event->job].cut = 1;
}

static arc_status fold_step_queued(struct arc_run *run, const struct arc_event *event,
                                   int64_t wall_to_mono, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[event->job];
    struct arc_step_state *step = &job->steps[event->step];
    ARC_TRY(move_step(run, event, ARC_STEP_SIGNAL_QUEUE, err));
    if (!arc__slice_equal(job->agent_id, event->agent_id))
        job->agent_id = keep(run, event->agent_id);
    if (event->place.len > 0)
        job->place = keep(run, event->place);
    step->queued_ns = event->time_ns;
    step->queued_mono_ns = to_mono(event->time_ns, wall_to_mono);
    step->agent_id = job->agent_id;
    step->attempt = event->attempt;
    step->fence = event->fence;
    step->acked = 0;
    step->stopping = step->forced = 0;
    step->cancel_by_mono_ns = 0;
    step->not_before_mono_ns = 0;
    return ARC_OK;
}

static arc_status fold_step_updated(struct arc_run *run, const struct arc_event *event,
                                    arc_err *err)
{
    struct arc_step_state *step = &run->jobs[event->job].steps[event->step];
    if (step->status != ARC_STEP_PENDING)
        return misfit(event, err);
    if (event->env.len > 0)
        step->env = keep(run, event->env);
    if (event->timeout_ns > 0)
        step->timeout_ns = event->timeout_ns;
    return ARC_OK;
}

static arc_status fold_step_stopping(struct arc_run *run, const struct arc_event *event,
                                     int64_t wall_to_mono, arc_err *err)
{
    struct arc_step_state *step = &run->jobs[event->job].steps[event->step];
    if (!is_busy(step->status))
        return misfit(event, err);
    step->stopping = 1;
    step->forced |= event->force;
    step->stop_grace_ns = event->grace_ns;
    step->stop_mono_ns = to_mono(event->time_ns, wall_to_mono);
    step->stop_reason = keep(run, event->reason);
    return ARC_OK;
}

static arc_status fold_step_retrying(struct arc_run *run, const struct arc_event *event,
                                     int64_t wall_to_mono, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[event->job];
    struct arc_step_state *step = &job->steps[event->step];
    ARC_TRY(move_step(run, event, ARC_STEP_SIGNAL_RETRY, err));
    step->cancel_by_mono_ns = 0;
    step->lease_mono_ns = 0;
    if (event->cause == ARC_CAUSE_LOST) { /* nothing had started: back to the queue */
        job->lost++;
        job->agent_id = job->place = ARC_NONE;
        job->queued_mono_ns = to_mono(event->time_ns, wall_to_mono);
    } else {
        step->executions++;
        step->not_before_mono_ns = to_mono(event->not_before_ns, wall_to_mono);
    }
    return ARC_OK;
}

static arc_status fold_step(struct arc_run *run, const struct arc_event *event,
                            int64_t wall_to_mono, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[event->job];
    struct arc_step_state *step = &job->steps[event->step];
    switch (event->type) {
    case ARC_EVENT_STEP_QUEUED:
        return fold_step_queued(run, event, wall_to_mono, err);
    case ARC_EVENT_STEP_STARTED:
        job->started_any = 1;
        step->started_ns = event->time_ns;
        step->started_mono_ns = to_mono(event->time_ns, wall_to_mono);
        step->acked = 1;
        return move_step(run, event, ARC_STEP_SIGNAL_START, err);
    case ARC_EVENT_STEP_UPDATED:
        return fold_step_updated(run, event, err);
    case ARC_EVENT_STEP_STOPPING:
        return fold_step_stopping(run, event, wall_to_mono, err);
    case ARC_EVENT_STEP_COMPLETED:
        return move_step(run, event, ARC_STEP_SIGNAL_SUCCEED, err);
    case ARC_EVENT_STEP_FAILED:
        note_failure(run, event);
        return move_step(run, event, ARC_STEP_SIGNAL_FAIL, err);
    case ARC_EVENT_STEP_CANCELLED:
        note_cut(run, event);
        return move_step(run, event, ARC_STEP_SIGNAL_CANCEL, err);
    case ARC_EVENT_STEP_TIMEOUT:
        note_failure(run, event);
        return move_step(run, event, ARC_STEP_SIGNAL_EXPIRE, err);
    case ARC_EVENT_STEP_SKIPPED:
        note_cut(run, event);
        return move_step(run, event, ARC_STEP_SIGNAL_SKIP, err);
    case ARC_EVENT_STEP_RETRYING:
        return fold_step_retrying(run, event, wall_to_mono, err);
    default:
        return misfit(event, err);
    }
}

/* What a machine refuses changes nothing, not even what is written beside the state. */
static int refused(const struct arc_run *run, const struct arc_event *event, int is_job,
                   int is_step)
{
    int signal = arc__event_signal((int)event->type);
    int is_gate = event->type >= ARC_EVENT_APPROVAL_REQUESTED &&
                  event->type <= ARC_EVENT_APPROVAL_EXPIRED; /* see fold_gate */
    if (signal == 0 || is_gate)
        return 0;
    if (!is_job && !is_step)
        return arc__run_next(run->status, signal) == ARC_MOVE_REFUSED;
    const struct arc_job_state *job = &run->jobs[event->job];
    return is_step ? arc__step_next(job->steps[event->step].status, signal) <= 0
                   : arc__job_next(job->status, signal) <= 0;
}

arc_status arc__run_fold(struct arc_run *run, const struct arc_event *event, int64_t wall_to_mono,
                         arc_err *err)
{
    if (event->seq != run->seq + 1)
        return misfit(event, err);
    if (event->type != ARC_EVENT_PIPELINE_TRIGGERED && (run->plan == NULL || arc__run_over(run)))
        return misfit(event, err);
    int is_step = event->type >= ARC_EVENT_STEP_QUEUED && event->type <= ARC_EVENT_STEP_RETRYING;
    int is_job = event->type >= ARC_EVENT_JOB_QUEUED && event->type <= ARC_EVENT_JOB_RETRYING;
    if (is_step || is_job) {
        if (event->job < 0 || (uint32_t)event->job >= run->plan->job_count)
            return misfit(event, err);
    }
    if (is_step &&
        (event->step < 0 || (uint32_t)event->step >= run->plan->jobs[event->job].step_count))
        return misfit(event, err);
    if (refused(run, event, is_job, is_step))
        return misfit(event, err);
    if (is_step) {
        ARC_TRY(fold_step(run, event, wall_to_mono, err));
    } else if (is_job) {
        ARC_TRY(fold_job(run, event, wall_to_mono, err));
        if (arc_job_state_is_terminal(run->jobs[event->job].status))
            leave_gates(run, event, to_mono(event->time_ns, wall_to_mono));
    } else {
        ARC_TRY(fold_pipeline(run, event, wall_to_mono, err));
    }
    if (run->arena.failed)
        return arc__fail_nomem(err);
    if (is_step || is_job)
        stir(run, (uint32_t)event->job);
    run->seq = event->seq;
    run->last_ns = event->time_ns;
    return ARC_OK;
}
