/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a definition, as the contract says them: whether a job or a step goes, waits or is
 * skipped, and what a run comes to. Pure functions over the shadow. */
#include "shadow.h"

static int ended(int state)
{
    return state >= SUCCESS;
}

int judge_failed(const struct shadow_run *run, uint32_t j)
{
    return run->jobs[j].state == FAILED || run->jobs[j].state == TIMEOUT;
}

/* What success() asks of one job. */
static int good(const struct shadow_run *run, uint32_t j)
{
    if (judge_failed(run, j))
        return run->plan->jobs[j].continue_on_error != 0;
    return run->jobs[j].state == SUCCESS ||
           (run->jobs[j].state == SKIPPED && !run->jobs[j].by_failure);
}

/* A job among those above j has failed: in an earlier stage, or along the edges. */
static int failed_above(const struct shadow_run *run, uint32_t j)
{
    const struct arc_plan_job *job = &run->plan->jobs[j];
    for (uint32_t k = 0; k < run->plan->job_count; k++) {
        if (run->plan->jobs[k].stage < job->stage && judge_failed(run, k))
            return 1;
    }
    for (uint32_t i = 0; i < job->dep_count; i++) {
        if (judge_failed(run, job->deps[i]) || failed_above(run, job->deps[i]))
            return 1;
    }
    return 0;
}

static const char *outputs_of(const struct shadow_run *run, const char *name)
{
    for (uint32_t j = 0; name != NULL && j < run->plan->job_count; j++) {
        if (arc__slice_is(run->plan->jobs[j].name, name))
            return run->jobs[j].outputs;
    }
    return "";
}

static enum verdict by_text(const struct shadow_run *run, arc_slice text, int success, int failure,
                            int cancelled)
{
    const struct def_expr *expr = defs_expr(text);
    if (expr == NULL)
        return GOES;
    struct expr_facts facts = {success, failure, cancelled, outputs_of(run, expr->needs)};
    if (expr->holds(&facts))
        return GOES;
    facts.success = 1;
    facts.failure = 0;
    return !success && expr->holds(&facts) ? SKIPS_BY_FAILURE : SKIPS;
}

static enum verdict by_word(const struct shadow_run *run, const struct arc_condition *condition,
                            int success, int failure, int cancelled)
{
    switch (condition->when) {
    case ARC_WHEN_ALWAYS:
        return GOES;
    case ARC_WHEN_FAILURE:
        return failure ? GOES : SKIPS;
    case ARC_WHEN_CANCELLED:
        return cancelled ? GOES : SKIPS;
    case ARC_WHEN_NEVER:
        return SKIPS;
    case ARC_WHEN_EXPR:
        return by_text(run, condition->text, success, failure, cancelled);
    default:
        return success ? GOES : SKIPS_BY_FAILURE;
    }
}

static enum verdict at_gate(const struct shadow_run *run, uint32_t gate)
{
    if (gate == 0 || run->gates[gate - 1].state == GATE_APPROVED)
        return GOES;
    return run->gates[gate - 1].state == GATE_REFUSED ? SKIPS_BY_FAILURE : WAITS;
}

static enum verdict at_stage(const struct shadow_run *run, uint32_t stage)
{
    int success = 1, failure = 0;
    for (uint32_t k = 0; k < run->plan->job_count; k++) {
        if (run->plan->jobs[k].stage >= stage)
            continue;
        success &= good(run, k);
        failure |= judge_failed(run, k);
    }
    return by_word(run, &run->plan->stages[stage].condition, success, failure, 0);
}

static enum verdict at_job(const struct shadow_run *run, uint32_t j)
{
    const struct arc_plan_job *job = &run->plan->jobs[j];
    int success = 1;
    for (uint32_t i = 0; i < job->dep_count; i++) {
        /* An edge to an earlier stage only names a need. */
        if (run->plan->jobs[job->deps[i]].stage == job->stage)
            success &= good(run, job->deps[i]);
    }
    return by_word(run, &job->condition, success, failed_above(run, j), 0);
}

enum verdict judge_job(const struct shadow_run *run, uint32_t j)
{
    const struct arc_plan_job *job = &run->plan->jobs[j];
    enum verdict verdict = at_gate(run, run->plan->gate);
    if (verdict == GOES && groups_lacks(run, -1))
        verdict = WAITS;
    if (verdict == GOES)
        verdict = at_stage(run, job->stage);
    if (verdict == GOES)
        verdict = at_gate(run, run->plan->stages[job->stage].gate);
    if (verdict == GOES)
        verdict = at_job(run, j);
    if (verdict == GOES)
        verdict = at_gate(run, job->gate);
    return verdict;
}

int judge_ready(const struct shadow_run *run, uint32_t j)
{
    const struct arc_plan_job *job = &run->plan->jobs[j];
    for (uint32_t k = 0; k < run->plan->job_count; k++) {
        if (run->plan->jobs[k].stage < job->stage && !ended(run->jobs[k].state))
            return 0;
    }
    for (uint32_t i = 0; i < job->dep_count; i++) {
        if (!ended(run->jobs[job->deps[i]].state))
            return 0;
    }
    return 1;
}

int judge_room(const struct shadow_run *run, uint32_t j)
{
    uint32_t number = run->plan->jobs[j].matrix, busy = 0;
    if (number == 0 || run->plan->matrices[number - 1].max_parallel == 0)
        return 1;
    for (uint32_t k = 0; k < run->plan->job_count; k++)
        busy += run->plan->jobs[k].matrix == number &&
                (run->jobs[k].state == QUEUED || run->jobs[k].state == RUNNING ||
                 (k != j && run->jobs[k].state == PENDING && run->jobs[k].slot.admitted));
    return busy < run->plan->matrices[number - 1].max_parallel;
}

enum verdict judge_step(const struct shadow_run *run, uint32_t j, uint32_t s)
{
    const struct shadow_job *job = &run->jobs[j];
    const struct arc_plan_step *step = &run->plan->jobs[j].steps[s];
    int failure = job->failed || job->cut, cancelled = 0;
    for (uint32_t k = 0; k < s; k++)
        cancelled |= job->steps[k].state == CANCELLED;
    if (step->finally && step->condition.when == ARC_WHEN_SUCCESS)
        return GOES; /* what cleans up does not ask */
    return by_word(run, &step->condition, !failure && !cancelled, failure,
                   run->stopping || job->stopping);
}

int judge_covers(const struct arc_retry *retry, uint32_t ends, uint32_t cause)
{
    return ends < retry->max_attempts && (retry->on & cause) != 0;
}

int judge_result(const struct shadow_run *run)
{
    int failed = run->gate_refused, partial = 0, cancelled = 0;
    if (run->stopping)
        return run->stop_timeout ? RUN_FAILED : RUN_CANCELLED;
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        int soft = run->plan->jobs[j].continue_on_error != 0;
        failed |= judge_failed(run, j) && !soft;
        partial |= judge_failed(run, j) && soft;
        cancelled |= run->jobs[j].state == CANCELLED && !run->jobs[j].outrun;
    }
    return failed ? RUN_FAILED : cancelled ? RUN_CANCELLED : partial ? RUN_PARTIAL : RUN_SUCCESS;
}

/* --- reruns -------------------------------------------------------------------------- */

static int went_wrong(const struct shadow_run *run, uint32_t j)
{
    return judge_failed(run, j) || run->jobs[j].state == CANCELLED ||
           (run->jobs[j].state == SKIPPED && run->jobs[j].by_failure);
}

/* Something that j needs is done again: along the edges, or in an earlier stage. */
static int needs_again(const struct arc_plan *plan, uint32_t j, const uint8_t *again)
{
    for (uint32_t i = 0; i < plan->jobs[j].dep_count; i++) {
        if (again[plan->jobs[j].deps[i]])
            return 1;
    }
    for (uint32_t k = 0; k < plan->job_count; k++) {
        if (again[k] && plan->jobs[k].stage < plan->jobs[j].stage)
            return 1;
    }
    return 0;
}

int judge_again(const struct shadow_run *run, enum arc_rerun mode, arc_slice from, uint8_t *again)
{
    const struct arc_plan *plan = run->plan;
    int any = 0, more = 1;
    for (uint32_t j = 0; j < plan->job_count; j++) {
        again[j] = mode == ARC_RERUN_ALL || (mode == ARC_RERUN_FAILED && went_wrong(run, j)) ||
                   (mode == ARC_RERUN_FROM && (arc__slice_equal(plan->jobs[j].key, from) ||
                                               arc__slice_equal(plan->jobs[j].name, from)));
        any |= again[j];
    }
    while (more) {
        more = 0;
        for (uint32_t j = 0; j < plan->job_count; j++) {
            if (again[j] || !needs_again(plan, j, again))
                continue;
            again[j] = 1;
            more = 1;
        }
    }
    return any;
}
