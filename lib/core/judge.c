/* SPDX-License-Identifier: Apache-2.0 */
/* Whether something runs: what the `when` of a stage, a job and a step comes to, and the gates that
 * stand before them. Reads the run, and changes it only by asking at a gate. */
#include "core/decide_private.h"
#include "core/resolve.h"

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

int arc__job_failed(const struct arc_run *run, uint32_t j)
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
        if (run->plan->jobs[k].stage < run->plan->jobs[j].stage && arc__job_failed(run, k))
            *out = 1;
    }
    stack[top++] = j;
    seen[j] = 1;
    while (top > 0 && !*out) {
        const struct arc_plan_job *job = &run->plan->jobs[stack[--top]];
        for (uint32_t i = 0; i < job->dep_count; i++) {
            uint32_t dep = job->deps[i];
            if (arc__job_failed(run, dep))
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

/* An expression, where `status` are the answers of its status functions. What would have run if
 * nothing had failed is skipped because of the failure, and `blame` says of which. */
static arc_status judge_text(struct arc_decision *d, const struct arc_run *run,
                             const struct arc_condition *condition, uint32_t stage, uint32_t j,
                             uint32_t s, uint32_t status, arc_slice blame, struct arc_verdict *out,
                             arc_err *err)
{
    uint32_t otherwise = (status & ~ARC_STATUS_FAILURE) | ARC_STATUS_SUCCESS;
    arc_slice why = ARC_NONE;
    int yes = 0, failed = 0;
    ARC_TRY(arc__condition_holds(run, condition, stage, j, s, status, d->arena, &yes, &failed, &why,
                                 err));
    *out = (struct arc_verdict){.runs = yes && !failed, .failed = failed, .reason = why};
    if (yes || failed || (status & ARC_STATUS_SUCCESS) != 0)
        return ARC_OK;
    ARC_TRY(arc__condition_holds(run, condition, stage, j, s, otherwise, d->arena, &yes, &failed,
                                 &why, err));
    if (yes || failed) {
        out->by_failure = 1;
        out->reason = blame;
    }
    return ARC_OK;
}

/* Of a condition that was decided while planning. */
static arc_slice never_text(struct arc_decision *d, const struct arc_condition *condition,
                            arc_slice otherwise)
{
    arc_slice why = condition->why;
    if (why.len == 0)
        return otherwise;
    return why.ptr[why.len - 1] == '.' ? why : arc__arena_printf(d->arena, "%.*s.", ARC_ARG(why));
}

arc_slice arc__blame_text(struct arc_decision *d, const struct arc_run *run, uint32_t j)
{
    return arc__arena_printf(d->arena, "Job %.*s %s%s.", ARC_ARG(run->plan->jobs[j].key),
                             run->jobs[j].status == ARC_JOB_SKIPPED ? "was " : "ended ",
                             arc_job_state_name(run->jobs[j].status));
}

/* The `when` of a whole stage over all the earlier ones. */
static arc_status judge_stage(struct arc_decision *d, const struct arc_run *run, uint32_t stage,
                              struct arc_verdict *out, arc_err *err)
{
    const struct arc_condition *condition = &run->plan->stages[stage].condition;
    uint32_t blame = stage_blame(run, stage);
    arc_slice why = blame != UINT32_MAX ? arc__blame_text(d, run, blame) : ARC_NONE;
    uint32_t status = blame == UINT32_MAX ? ARC_STATUS_SUCCESS : 0;
    for (uint32_t k = 0; k < run->plan->job_count; k++) {
        if (run->plan->jobs[k].stage < stage && arc__job_failed(run, k))
            status |= ARC_STATUS_FAILURE;
    }
    *out = (struct arc_verdict){.runs = 1};
    switch (condition->when) {
    case ARC_WHEN_EXPR:
        return judge_text(d, run, condition, stage, UINT32_MAX, UINT32_MAX, status, why, out, err);
    case ARC_WHEN_ALWAYS:
        return ARC_OK;
    case ARC_WHEN_FAILURE:
        if ((status & ARC_STATUS_FAILURE) == 0)
            *out = (struct arc_verdict){.reason = ARC_LIT("Nothing before this stage failed.")};
        return ARC_OK;
    case ARC_WHEN_CANCELLED:
        *out = (struct arc_verdict){.reason = ARC_LIT("The run is not being stopped.")};
        return ARC_OK;
    case ARC_WHEN_NEVER:
        *out = (struct arc_verdict){
            .reason = never_text(d, condition, ARC_LIT("The stage's `when` is false."))};
        return ARC_OK;
    default:
        if (blame != UINT32_MAX)
            *out = (struct arc_verdict){.by_failure = 1, .reason = why};
        return ARC_OK;
    }
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
        ARC_TRY(judge_stage(d, run, stage, d->verdict, err));
        d->verdict->stage = stage;
    }
    *out = *d->verdict;
    return ARC_OK;
}

/* The first dependency that success() stumbles over; UINT32_MAX: none. One of an earlier stage was
 * judged by that stage's `when`: the edge only names a need. */
static uint32_t job_blame(const struct arc_run *run, uint32_t j)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    for (uint32_t i = 0; i < plan->dep_count; i++) {
        uint32_t dep = plan->deps[i];
        if (run->plan->jobs[dep].stage == plan->stage && !job_is_good(run, dep))
            return dep;
    }
    return UINT32_MAX;
}

static arc_status judge_job(struct arc_decision *d, const struct arc_run *run, uint32_t j,
                            struct arc_verdict *out, arc_err *err)
{
    const struct arc_condition *condition = &run->plan->jobs[j].condition;
    uint32_t blame = job_blame(run, j), status = blame == UINT32_MAX ? ARC_STATUS_SUCCESS : 0;
    arc_slice why = blame != UINT32_MAX ? arc__blame_text(d, run, blame) : ARC_NONE;
    int failed = 0;
    *out = (struct arc_verdict){.runs = 1};
    switch (condition->when) {
    case ARC_WHEN_EXPR:
        ARC_TRY(ancestor_failed(d, run, j, &failed, err));
        status |= failed ? ARC_STATUS_FAILURE : 0;
        return judge_text(d, run, condition, run->plan->jobs[j].stage, j, UINT32_MAX, status, why,
                          out, err);
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
        *out = (struct arc_verdict){.reason =
                                        never_text(d, condition, ARC_LIT("Its `when` is false."))};
        return ARC_OK;
    default:
        if (blame != UINT32_MAX)
            *out = (struct arc_verdict){.by_failure = 1, .reason = why};
        return ARC_OK;
    }
}

/* 0: the gate is open, or there is none; else out says whether it waits or was refused. */
static arc_status judge_gate(struct arc_decision *d, struct arc_run *run, uint32_t gate,
                             struct arc_verdict *out, arc_err *err)
{
    if (gate == 0)
        return ARC_OK;
    ARC_TRY(arc__gate_ask(d, run, gate, err));
    const struct arc_gate_state *state = &run->gates[gate - 1];
    if (state->status == ARC_GATE_WAITING)
        *out = (struct arc_verdict){.waits = 1};
    else if (state->status != ARC_GATE_APPROVED)
        *out = (struct arc_verdict){.by_failure = 1, .reason = state->reason};
    return ARC_OK;
}

/* Everything that stands before a job, from the outside in: a gate after the `when` of what it
 * guards, so that nobody is asked about what would not run. The run's slot comes after the run's
 * gate: while people make up their minds nobody else is kept waiting. */
arc_status arc__admit(struct arc_decision *d, struct arc_run *run, uint32_t j,
                      struct arc_verdict *out, arc_err *err)
{
    uint32_t stage = run->plan->jobs[j].stage;
    *out = (struct arc_verdict){.runs = 1};
    ARC_TRY(judge_gate(d, run, run->plan->gate, out, err));
    if (out->runs && arc__run_lacks_slot(run))
        *out = (struct arc_verdict){.waits = 1};
    if (out->runs)
        ARC_TRY(stage_verdict(d, run, stage, out, err));
    if (out->runs)
        ARC_TRY(judge_gate(d, run, run->plan->stages[stage].gate, out, err));
    if (out->runs)
        ARC_TRY(judge_job(d, run, j, out, err));
    if (out->runs)
        ARC_TRY(judge_gate(d, run, run->plan->jobs[j].gate, out, err));
    return ARC_OK;
}

/* 1: a step of this attempt before that one was cancelled, though the run goes on. */
int arc__any_cancelled(const struct arc_run *run, uint32_t j, uint32_t before)
{
    for (uint32_t s = 0; s < before; s++) {
        if (run->jobs[j].steps[s].status == ARC_STEP_CANCELLED)
            return 1;
    }
    return 0;
}

/* 1: a step of `finally` without a condition, or with one that does not speak of success, and so
 * does not ask for it either: what cleans up does so whatever has become of the job. */
static int is_unasked(struct arc_decision *d, const struct arc_plan *plan,
                      const struct arc_plan_step *step)
{
    const struct arc_expr_limits limits = arc__run_limits(plan);
    const struct arc_expr *expr = NULL;
    struct arc_fault fault;
    if (!step->finally || step->condition.text.len == 0)
        return step->finally != 0;
    return arc__expr_parse(step->condition.text, &limits, d->arena, &expr, &fault) == ARC_OK &&
           !arc__expr_has_status(expr);
}

arc_status arc__judge_step(struct arc_decision *d, const struct arc_run *run, uint32_t j,
                           uint32_t s, struct arc_verdict *out, arc_err *err)
{
    const struct arc_job_state *job = &run->jobs[j];
    const struct arc_condition *condition = &run->plan->jobs[j].steps[s].condition;
    int failed = job->failed || job->timed_out || job->cut;
    int cancelled = arc__any_cancelled(run, j, s); /* not by what comes after it */
    int stopping = run->stopping || job->stopping;
    uint32_t status = (failed || cancelled ? 0 : ARC_STATUS_SUCCESS) |
                      (failed ? ARC_STATUS_FAILURE : 0) | (stopping ? ARC_STATUS_CANCELLED : 0);
    arc_slice why =
        failed ? ARC_LIT("A step before it failed.") : ARC_LIT("A step before it was cancelled.");
    *out = (struct arc_verdict){.runs = 1};
    if (is_unasked(d, run->plan, &run->plan->jobs[j].steps[s])) {
        if (condition->when == ARC_WHEN_SUCCESS)
            return ARC_OK;
        status |= ARC_STATUS_SUCCESS;
    }
    switch (condition->when) {
    case ARC_WHEN_EXPR:
        return judge_text(d, run, condition, run->plan->jobs[j].stage, j, s, status, why, out, err);
    case ARC_WHEN_ALWAYS:
        return ARC_OK;
    case ARC_WHEN_FAILURE:
        *out = (struct arc_verdict){.runs = failed, .reason = ARC_LIT("No step before it failed.")};
        return ARC_OK;
    case ARC_WHEN_CANCELLED:
        *out = (struct arc_verdict){.runs = stopping,
                                    .reason = ARC_LIT("The run is not being stopped.")};
        return ARC_OK;
    case ARC_WHEN_NEVER:
        *out = (struct arc_verdict){.reason =
                                        never_text(d, condition, ARC_LIT("Its `when` is false."))};
        return ARC_OK;
    default:
        *out = (struct arc_verdict){.runs = !failed && !cancelled, .reason = why};
        return ARC_OK;
    }
}
