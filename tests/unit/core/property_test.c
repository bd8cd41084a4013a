/* SPDX-License-Identifier: Apache-2.0 */
/* Thousands of random plans and random lives. After every decision the trial compares the run with
 * the fold of its stored events and watches the invariants; here an interpreter of its own says how
 * the jobs must end, and every run whose agents answer must end at all.
 *
 * A failure prints its seed; with FIRST_SEED set to it, it is the first life that is tried. */
#include "core/waits.h"
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_SEED 1u
#define PLANS 3000u
#define LIVES 3000u
#define JOBS_MAX 12u
#define STEPS_MAX 3u
#define STAGES_MAX 3u
#define GATES_MAX 3u

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t sides)
{
    uint64_t z = (dice->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % sides);
}

/* ./dev sim asks for more. */
static uint64_t how_many(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* --- random plans -------------------------------------------------------------------------------
 */

static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};

struct made {
    struct arc_plan plan;
    struct arc_plan_stage stages[STAGES_MAX];
    struct arc_plan_job jobs[JOBS_MAX];
    struct arc_plan_step steps[JOBS_MAX][STEPS_MAX];
    uint32_t deps[JOBS_MAX][JOBS_MAX];
    struct arc_plan_matrix matrices[JOBS_MAX];
    struct arc_plan_gate gates[GATES_MAX];
};

/* Words, and expressions that come to the same. */
static struct arc_condition random_when(struct dice *dice, uint32_t sides)
{
    static const char *const texts[] = {"",         "1 < 2",       "failure() && 2 > 1",
                                        "always()", "cancelled()", "[1] == [2]"};
    uint32_t n = roll(dice, sides);
    enum arc_when when = n == 0   ? ARC_WHEN_FAILURE
                         : n == 1 ? ARC_WHEN_ALWAYS
                         : n == 2 ? ARC_WHEN_NEVER
                         : n == 3 ? ARC_WHEN_CANCELLED
                                  : ARC_WHEN_SUCCESS;
    if (roll(dice, 3) != 0)
        return (struct arc_condition){.when = when};
    return (struct arc_condition){.when = ARC_WHEN_EXPR, .text = arc__slice_cstr(texts[when])};
}

/* What a condition was made from; in `finally` one that does not speak of success asks for none. */
static enum arc_when word_of(const struct arc_condition *condition, int finally)
{
    if (finally && condition->when == ARC_WHEN_SUCCESS)
        return ARC_WHEN_ALWAYS;
    if (condition->when != ARC_WHEN_EXPR)
        return condition->when;
    switch (condition->text.ptr[0]) {
    case '1':
        return finally ? ARC_WHEN_ALWAYS : ARC_WHEN_SUCCESS;
    case 'f':
        return ARC_WHEN_FAILURE;
    case 'a':
        return ARC_WHEN_ALWAYS;
    case 'c':
        return ARC_WHEN_CANCELLED;
    default:
        return ARC_WHEN_NEVER;
    }
}

static struct arc_retry random_retry(struct dice *dice)
{
    struct arc_retry retry = {0};
    if (roll(dice, 3) != 0)
        return retry;
    retry.max_attempts = 1 + roll(dice, 3);
    retry.on = 1 + roll(dice, 7);
    retry.backoff = (enum arc_backoff)(1 + roll(dice, 3));
    retry.delay_ns = roll(dice, 2) ? SECONDS(roll(dice, 20)) : 0;
    retry.jitter = roll(dice, 2);
    return retry;
}

static void make_job(struct made *made, struct dice *dice, uint32_t j, int timed)
{
    struct arc_plan_job *job = &made->jobs[j];
    job->name = job->key = arc__slice_cstr(names[j]);
    job->deps = made->deps[j];
    for (uint32_t d = 0; d < j; d++) {
        if (roll(dice, 4) == 0)
            made->deps[j][job->dep_count++] = d;
    }
    job->steps = made->steps[j];
    job->step_count = 1 + roll(dice, STEPS_MAX);
    job->condition = random_when(dice, 12);
    job->retry = random_retry(dice);
    job->continue_on_error = roll(dice, 5) == 0;
    job->timeout_ns = timed && roll(dice, 4) == 0 ? SECONDS(30 + roll(dice, 60)) : 0;
    job->queue_timeout_ns = timed && roll(dice, 4) == 0 ? SECONDS(60) : 0;
    for (uint32_t s = 0; s < job->step_count; s++) {
        struct arc_plan_step *step = &made->steps[j][s];
        step->name = step->id = arc__slice_cstr(names[s]);
        step->uses = ARC_LIT("shell");
        step->condition = random_when(dice, 12);
        step->finally = s > 0 && s + 1 == job->step_count && roll(dice, 3) == 0;
        step->retry = random_retry(dice);
        step->continue_on_error = roll(dice, 6) == 0;
        step->timeout_ns = timed && roll(dice, 4) == 0 ? SECONDS(20 + roll(dice, 40)) : 0;
    }
}

/* Some jobs become the cells of a matrix with the one before them: then they wait for the same jobs
 * under the same condition. */
static uint32_t make_matrices(struct made *made, struct dice *dice, uint32_t count)
{
    uint32_t matrices = 0;
    for (uint32_t j = 1; j < count; j++) {
        struct arc_plan_job *job = &made->jobs[j], *before = &made->jobs[j - 1];
        if (before->stage != job->stage || roll(dice, 4) != 0)
            continue;
        if (before->matrix == 0) {
            before->matrix = matrices + 1;
            made->matrices[matrices++] = (struct arc_plan_matrix){.name = before->name,
                                                                  .first_job = j - 1,
                                                                  .job_count = 1,
                                                                  .max_parallel = roll(dice, 3),
                                                                  .fail_fast = roll(dice, 2)};
        }
        job->matrix = before->matrix;
        job->condition = before->condition;
        job->dep_count = before->dep_count;
        memcpy(made->deps[j], made->deps[j - 1], sizeof(made->deps[j]));
        made->matrices[job->matrix - 1].job_count++;
    }
    return matrices;
}

/* A gate before a cell stands before all cells of its matrix. */
static void guard_job(struct made *made, uint32_t j, uint32_t gate)
{
    if (made->jobs[j].matrix == 0) {
        made->jobs[j].gate = gate;
        return;
    }
    const struct arc_plan_matrix *matrix = &made->matrices[made->jobs[j].matrix - 1];
    for (uint32_t k = matrix->first_job; k < matrix->first_job + matrix->job_count; k++)
        made->jobs[k].gate = gate;
}

static void make_gates(struct made *made, struct dice *dice, int timed)
{
    for (uint32_t i = 0; i < GATES_MAX; i++) {
        struct arc_plan_gate *gate = &made->gates[i];
        gate->count = 1 + roll(dice, 2);
        gate->timeout_ns = timed && roll(dice, 2) ? SECONDS(60 + roll(dice, 100)) : 0;
        gate->approve_on_timeout = roll(dice, 2);
        gate->guards = (enum arc_gate_guards)(ARC_GATE_PIPELINE + i);
        if (i == 0) {
            made->plan.gate = roll(dice, 3) == 0 ? 1 : 0;
        } else if (i == 1) {
            gate->index = roll(dice, made->plan.stage_count);
            made->stages[gate->index].gate = roll(dice, 3) == 0 ? i + 1 : 0;
        } else {
            gate->index = roll(dice, made->plan.job_count);
            guard_job(made, gate->index, roll(dice, 2) ? i + 1 : 0);
        }
    }
}

static void make_groups(struct made *made, struct dice *dice)
{
    static const struct arc_plan_group group = {
        .group = {"g", 1}, .limit = 1, .order = ARC_ORDER_CREATED, .on_full = ARC_FULL_WAIT};
    if (roll(dice, 4) == 0)
        made->plan.group = group;
    for (uint32_t j = 0; j < made->plan.job_count; j++) {
        if (roll(dice, 6) == 0)
            made->jobs[j].group = group;
    }
}

static void make_plan(struct made *made, struct dice *dice, int timed)
{
    *made = (struct made){0};
    uint32_t stages = 1 + roll(dice, STAGES_MAX);
    uint32_t count = stages + roll(dice, JOBS_MAX - stages + 1);
    uint32_t at = 0;
    for (uint32_t i = 0; i < stages; i++) {
        uint32_t left = stages - i - 1;
        uint32_t here = i + 1 == stages ? count - at : 1 + roll(dice, count - at - left);
        made->stages[i] = (struct arc_plan_stage){.name = arc__slice_cstr(names[i]),
                                                  .condition = random_when(dice, 8),
                                                  .first_job = at,
                                                  .job_count = here};
        for (uint32_t k = 0; k < here; k++) {
            make_job(made, dice, at, timed);
            made->jobs[at++].stage = i;
        }
    }
    uint32_t matrices = make_matrices(made, dice, count);
    made->plan = (struct arc_plan){.namespace_ = ARC_LIT("n"),
                                   .stages = made->stages,
                                   .stage_count = stages,
                                   .jobs = made->jobs,
                                   .job_count = count,
                                   .matrices = made->matrices,
                                   .matrix_count = matrices,
                                   .gates = made->gates,
                                   .gate_count = GATES_MAX,
                                   .hash = ARC_LIT("0")};
    if (timed && roll(dice, 4) == 0)
        made->plan.timeout_ns = SECONDS(100 + roll(dice, 200));
    make_gates(made, dice, timed);
    make_groups(made, dice);
}

/* --- how it must end: an interpreter that shares nothing with what decides -----------------------
 */

/* What the e-th execution of a step in the a-th attempt of its job comes to. 1: success. */
static int outcome(uint64_t seed, uint32_t j, int32_t a, uint32_t s, uint32_t e)
{
    struct dice dice = {seed * 1000003 + j * 10007 + (uint64_t)a * 101 + s * 11 + e};
    return roll(&dice, 10) < 7;
}

/* What is said at a gate. 1: yes. */
static int approves(uint64_t seed, uint32_t gate)
{
    struct dice dice = {seed * 7919 + gate};
    return roll(&dice, 5) != 0;
}

struct fate {
    int state;      /* of a job */
    int by_failure; /* skipped because something failed */
};

static int is_failed(const struct fate *fate)
{
    return fate->state == ARC_JOB_FAILED;
}

static int is_good(const struct made *made, const struct fate *fates, uint32_t j)
{
    if (fates[j].state == ARC_JOB_SUCCESS)
        return 1;
    if (fates[j].state == ARC_JOB_SKIPPED)
        return !fates[j].by_failure;
    return is_failed(&fates[j]) && made->jobs[j].continue_on_error != 0;
}

/* 1: runs, 0: skipped by its own word, -1: skipped because something failed. */
static int judge(enum arc_when when, int all_good, int any_failed)
{
    switch (when) {
    case ARC_WHEN_ALWAYS:
        return 1;
    case ARC_WHEN_FAILURE:
        return any_failed;
    case ARC_WHEN_NEVER:
    case ARC_WHEN_CANCELLED:
        return 0;
    default:
        return all_good ? 1 : -1;
    }
}

static int failed_above(const struct made *made, const struct fate *fates, uint32_t j)
{
    int any = 0;
    for (uint32_t i = 0; i < made->jobs[j].dep_count; i++) {
        uint32_t dep = made->jobs[j].deps[i];
        any |= is_failed(&fates[dep]) || failed_above(made, fates, dep);
    }
    return any;
}

/* 0: the attempt succeeded; else the first step that decided against it, + 1. */
static uint32_t attempt_of(const struct made *made, uint64_t seed, uint32_t j, int32_t a)
{
    uint32_t failed = 0;
    for (uint32_t s = 0; s < made->jobs[j].step_count; s++) {
        const struct arc_plan_step *step = &made->steps[j][s];
        uint32_t e = 1;
        if (judge(word_of(&step->condition, step->finally != 0), failed == 0, failed != 0) != 1)
            continue;
        while (!outcome(seed, j, a, s, e)) {
            if (e >= step->retry.max_attempts || (step->retry.on & ARC_CAUSE_FAILED) == 0) {
                if (failed == 0 && !step->continue_on_error)
                    failed = s + 1;
                break;
            }
            e++;
        }
    }
    return failed;
}

static int job_of(const struct made *made, uint64_t seed, uint32_t j)
{
    const struct arc_retry *retry = &made->jobs[j].retry;
    for (int32_t a = 1;; a++) {
        uint32_t failed = attempt_of(made, seed, j, a);
        if (failed == 0)
            return ARC_JOB_SUCCESS;
        if (made->steps[j][failed - 1].retry.max_attempts > 0 ||
            a >= (int32_t)retry->max_attempts || (retry->on & ARC_CAUSE_FAILED) == 0)
            return ARC_JOB_FAILED;
    }
}

/* What the `when` of its stage, and its own, come to once all that they ask about has ended. */
static int stage_says(const struct made *made, const struct fate *fates, uint32_t j, int *bad)
{
    const struct arc_plan_stage *stage = &made->stages[made->jobs[j].stage];
    int good = 1;
    *bad = 0;
    for (uint32_t k = 0; k < stage->first_job; k++) {
        good &= is_good(made, fates, k);
        *bad |= is_failed(&fates[k]);
    }
    return judge(word_of(&stage->condition, 0), good, *bad);
}

static int job_says(const struct made *made, const struct fate *fates, uint32_t j, int bad)
{
    const struct arc_plan_job *job = &made->jobs[j];
    int good = 1;
    for (uint32_t i = 0; i < job->dep_count; i++) {
        if (made->jobs[job->deps[i]].stage == job->stage)
            good &= is_good(made, fates, job->deps[i]);
    }
    return judge(word_of(&job->condition, 0), good, bad || failed_above(made, fates, j));
}

static int all_before_ended(const struct made *made, const struct fate *fates, uint32_t j)
{
    int ended = 1;
    for (uint32_t k = 0; k < made->stages[made->jobs[j].stage].first_job; k++)
        ended &= fates[k].state != 0;
    for (uint32_t i = 0; i < made->jobs[j].dep_count; i++)
        ended &= fates[made->jobs[j].deps[i]].state != 0;
    return ended;
}

/* The skips that need nobody: no agent, no slot of the run's group, and no word at a gate, which is
 * asked for behind the `when` of what it guards. Jobs depend on those before them. */
static void skip_at_once(const struct made *made, struct fate *fates)
{
    int held = made->plan.gate != 0 || made->plan.group.group.len > 0;
    for (uint32_t j = 0; j < made->plan.job_count && !held; j++) {
        int bad = 0;
        if (fates[j].state != 0 || !all_before_ended(made, fates, j))
            continue;
        int verdict = stage_says(made, fates, j, &bad);
        if (verdict == 1 && made->stages[made->jobs[j].stage].gate == 0)
            verdict = job_says(made, fates, j, bad);
        if (verdict != 1)
            fates[j] = (struct fate){ARC_JOB_SKIPPED, verdict == -1};
    }
}

/* Jobs that somebody cancels before anything has begun, in this order; and those that may be while
 * others run, with what has come of that. */
struct cancels {
    uint32_t jobs[2], count;
    uint8_t may[JOBS_MAX], asked[JOBS_MAX];
};

/* Everything that stands before a job, from the outside in; refused: a gate that says no and that
 * it came to, or 0. */
static struct fate fate_of(const struct made *made, uint64_t seed, const struct fate *fates,
                           uint32_t j, uint32_t *refused)
{
    const struct arc_plan_job *job = &made->jobs[j];
    uint32_t gate = made->plan.gate;
    int bad = 0, verdict = 1;
    *refused = gate != 0 && !approves(seed, gate) ? gate : 0;
    if (*refused == 0)
        verdict = stage_says(made, fates, j, &bad);
    if (*refused == 0 && verdict == 1) {
        gate = made->stages[job->stage].gate;
        *refused = gate != 0 && !approves(seed, gate) ? gate : 0;
    }
    if (*refused == 0 && verdict == 1) {
        verdict = job_says(made, fates, j, bad);
        if (verdict == 1)
            *refused = job->gate != 0 && !approves(seed, job->gate) ? job->gate : 0;
    }
    if (*refused != 0 || verdict != 1)
        return (struct fate){ARC_JOB_SKIPPED, *refused != 0 || verdict == -1};
    return (struct fate){job_of(made, seed, j), 0};
}

/* A cell is cut off when another one of its matrix has failed; the first to fail was not. Which
 * cells that still reaches is a matter of time, so what the run says of them is taken, if it can
 * be. */
static int may_be_cut(const struct made *made, const struct fate *plain, const struct arc_run *run,
                      const struct cancels *cancels, uint32_t j)
{
    if (made->jobs[j].matrix == 0)
        return 0;
    const struct arc_plan_matrix *matrix = &made->matrices[made->jobs[j].matrix - 1];
    for (uint32_t k = matrix->first_job; k < matrix->first_job + matrix->job_count; k++) {
        if (k != j && matrix->fail_fast && run->jobs[k].status == ARC_JOB_FAILED &&
            !made->jobs[k].continue_on_error && (is_failed(&plain[k]) || cancels->asked[k]))
            return 1;
    }
    return 0;
}

/* What a job that was to end before its time may have come to: its end, if it came first, cancelled
 * or, where a retry was cut off, failed. */
static int is_cut_well(const struct arc_job_state *job, const struct fate *plain, int asked,
                       int outrun)
{
    if (job->status == ARC_JOB_CANCELLED)
        return job->outrun ? outrun : asked;
    if (job->status == ARC_JOB_FAILED)
        return plain->state != ARC_JOB_SKIPPED;
    return job->status == plain->state && job->by_failure == plain->by_failure;
}

static int result_of(const struct made *made, const struct fate *fates, const struct arc_run *run)
{
    int failed = 0, partial = 0, cancelled = 0;
    for (uint32_t i = 0; i < made->plan.gate_count; i++)
        failed |= run->gates[i].status == ARC_GATE_REJECTED;
    for (uint32_t j = 0; j < made->plan.job_count; j++) {
        cancelled |= fates[j].state == ARC_JOB_CANCELLED && !run->jobs[j].outrun;
        partial |= is_failed(&fates[j]) && made->jobs[j].continue_on_error;
        failed |= is_failed(&fates[j]) && !made->jobs[j].continue_on_error;
    }
    return failed      ? ARC_RUN_FAILED
           : cancelled ? ARC_RUN_CANCELLED
           : partial   ? ARC_RUN_PARTIAL
                       : ARC_RUN_SUCCESS;
}

/* A gate says what it was to say, and has done so where a job that nobody cut came to it. */
static int gates_are_right(const struct made *made, uint64_t seed, const struct arc_run *run,
                           const uint8_t *refused)
{
    int fine = 1;
    for (uint32_t i = 0; i < made->plan.gate_count && fine; i++) {
        if (run->gates[i].status == ARC_GATE_APPROVED)
            fine = CHECK_INT(approves(seed, i + 1), 1);
        if (run->gates[i].status == ARC_GATE_REJECTED)
            fine = CHECK_INT(approves(seed, i + 1), 0);
        if (refused[i + 1])
            fine = fine && CHECK_INT(run->gates[i].status, ARC_GATE_REJECTED);
    }
    return fine;
}

/* 1: the run ended as it must. */
static int ends_right(const struct made *made, uint64_t seed, const struct cancels *cancels,
                      const struct arc_run *run)
{
    struct fate fates[JOBS_MAX] = {{0}}, plain[JOBS_MAX];
    uint8_t refused[GATES_MAX + 1] = {0};
    skip_at_once(made, fates);
    for (uint32_t i = 0; i < cancels->count; i++) {
        if (fates[cancels->jobs[i]].state == 0)
            fates[cancels->jobs[i]].state = ARC_JOB_CANCELLED;
        skip_at_once(made, fates);
    }
    for (uint32_t j = 0; j < made->plan.job_count; j++) {
        uint32_t gate = 0;
        plain[j] = fates[j].state != 0 ? fates[j] : fate_of(made, seed, fates, j, &gate);
        /* Cells come one after the other: those behind are not known yet, and fail by themselves
         * as this one says. */
        fates[j] = (struct fate){run->jobs[j].status, run->jobs[j].by_failure};
        if (fates[j].state == plain[j].state && fates[j].by_failure == plain[j].by_failure)
            refused[gate] = 1;
    }
    refused[0] = 0;
    for (uint32_t j = 0; j < made->plan.job_count; j++) {
        const struct arc_job_state *job = &run->jobs[j];
        int early = plain[j].state == ARC_JOB_CANCELLED;
        int asked = cancels->asked[j] && !early;
        int outrun = !early && may_be_cut(made, plain, run, cancels, j);
        int fine = asked || outrun ? is_cut_well(job, &plain[j], asked, outrun)
                                   : job->status == plain[j].state &&
                                         job->by_failure == plain[j].by_failure && !job->outrun;
        if (!fine) {
            printf("# job %u is %s, not %s\n", j, arc_job_state_name(job->status),
                   arc_job_state_name(plain[j].state));
            return CHECK_INT(fine, 1);
        }
    }
    return gates_are_right(made, seed, run, refused) &&
           CHECK_INT(run->status, result_of(made, fates, run));
}

/* --- lives --------------------------------------------------------------------------------------
 */

/* The present step of job j if somebody holds it. */
static const struct arc_step_state *in_hand(const struct trial *t, uint32_t j)
{
    const struct arc_job_state *job = &t->run.jobs[j];
    if (job->step >= t->run.plan->jobs[j].step_count)
        return NULL;
    const struct arc_step_state *step = &job->steps[job->step];
    return step->status == ARC_STEP_QUEUED || step->status == ARC_STEP_RUNNING ? step : NULL;
}

static void report_job(struct trial *t, uint32_t j, int status)
{
    struct arc_report report = trial_make_report(t, names[j], status);
    report.exit_code = status == ARC_STEP_FAILED;
    CHECK_OK(trial_say(t, &report));
}

static void answer(struct trial *t, struct dice *dice, uint64_t seed, uint32_t j)
{
    const struct arc_step_state *step = in_hand(t, j);
    if (step == NULL)
        return;
    if (step->status == ARC_STEP_QUEUED && roll(dice, 4) != 0) {
        report_job(t, j, ARC_STEP_RUNNING);
        return;
    }
    int good = outcome(seed, j, t->run.jobs[j].attempt, t->run.jobs[j].step, step->executions + 1);
    report_job(t, j, good ? ARC_STEP_SUCCESS : ARC_STEP_FAILED);
}

/* Everybody says the same; what does not wait is refused. */
static void decide_all(struct trial *t, uint64_t seed)
{
    for (uint32_t gate = 1; gate <= GATES_MAX; gate++) {
        if (t->run.gates[gate - 1].status != ARC_GATE_WAITING)
            continue;
        if (!approves(seed, gate)) {
            (void)trial_reject(t, gate, "ann", "no");
            continue;
        }
        (void)trial_approve(t, gate, "ann");
        (void)trial_approve(t, gate, "bob");
    }
}

/* Somebody cancels a job that may be under way. */
static void cancel_one(struct trial *t, struct dice *dice, struct cancels *cancels)
{
    uint32_t j = roll(dice, t->run.plan->job_count);
    int open = !arc_job_state_is_terminal(t->run.jobs[j].status);
    if (cancels->may[j] && trial_cancel_job(t, names[j], (int)roll(dice, 2)) == ARC_OK && open)
        cancels->asked[j] = 1;
}

static int over(const struct trial *t)
{
    return t->broken || arc__run_over(&t->run);
}

/* Slots for everybody who wants one. */
static void admit_all(struct trial *t)
{
    if (!over(t) && arc__run_wants_slot(&t->run))
        CHECK_OK(trial_admit(t, NULL));
    for (uint32_t j = 0; j < t->run.plan->job_count && !over(t); j++) {
        if (arc__job_wants_slot(&t->run, j))
            CHECK_OK(trial_admit(t, names[j]));
    }
}

/* --- reasons --------------------------------------------------------------------------- */

/* What is said of one thing: a sentence each; something as long as it neither runs nor has ended;
 * nothing but that it is being stopped once it runs; its end alone at the end. */
static int reasons_fit(const struct arc_waits *waits, size_t from, int runs, int over)
{
    size_t count = waits->count - from;
    int fine = 1;
    for (size_t i = from; i < waits->count; i++) {
        const struct arc_wait *wait = &waits->items[i];
        fine &= wait->sentence.len > 0 && wait->sentence.ptr[wait->sentence.len - 1] != '}' &&
                memchr(wait->sentence.ptr, '{', wait->sentence.len) == NULL;
        fine &= (wait->kind == ARC_REASON_ENDED) == over;
        fine &= !runs || wait->kind == ARC_REASON_STOPPING;
    }
    return fine && (over ? count == 1 : runs || count > 0);
}

static int job_reasons_fit(const struct trial *t, uint32_t j, struct arc_waits *waits)
{
    const struct arc_job_state *job = &t->run.jobs[j];
    size_t from = waits->count;
    arc__wait_job(&t->run, j, t->now, waits);
    if (!reasons_fit(waits, from, job->status == ARC_JOB_RUNNING,
                     arc_job_state_is_terminal(job->status)))
        return 0;
    for (uint32_t s = 0; s < t->run.plan->jobs[j].step_count; s++) {
        int status = job->steps[s].status;
        from = waits->count;
        arc__wait_step(&t->run, j, s, t->now, waits);
        if (!reasons_fit(waits, from, status == ARC_STEP_RUNNING,
                         arc_step_state_is_terminal(status)))
            return 0;
    }
    return 1;
}

static void check_reasons(struct trial *t)
{
    struct arc_arena arena;
    struct arc_waits waits;
    if (t->broken)
        return;
    arc__arena_init(&arena, &t->mem, 1024u * 1024);
    arc__waits_init(&waits, &arena, 10000, 100);
    arc__wait_run(&t->run, t->now, &waits);
    int busy = t->run.jobs_running > 0; /* it may be paused, or wait at a gate, all the same */
    int runs = busy && t->run.status != ARC_RUN_PAUSED && t->run.gates_waiting == 0;
    int fine = reasons_fit(&waits, 0, runs, arc__run_over(&t->run));
    if (!fine)
        printf("# the run, %s\n", arc_run_state_name(t->run.status));
    for (uint32_t j = 0; fine && j < t->run.plan->job_count; j++) {
        fine = job_reasons_fit(t, j, &waits);
        if (!fine)
            printf("# job %s, %s\n", names[j], arc_job_state_name(t->run.jobs[j].status));
    }
    CHECK_INT(arena.failed, 0);
    if (!CHECK_INT(fine, 1))
        t->broken = 1;
    arc__arena_deinit(&arena);
}

static void obedient_life(struct trial *t, struct dice *dice, uint64_t seed,
                          struct cancels *cancels)
{
    for (int i = 0; i < 2000 && !over(t); i++) {
        if (roll(dice, 20) == 0)
            cancel_one(t, dice, cancels);
        if (over(t))
            return;
        switch (roll(dice, 12)) {
        case 0:
            (void)(roll(dice, 4) == 0 ? trial_pause(t) : trial_resume(t));
            break;
        case 1:
            trial_pass_alive(t, SECONDS(roll(dice, 30)));
            if (roll(dice, 2) && !over(t))
                decide_all(t, seed);
            break;
        case 2:
        case 3:
            admit_all(t);
            trial_place_all(t, roll(dice, 2) ? "A" : "B");
            break;
        default:
            answer(t, dice, seed, roll(dice, t->run.plan->job_count));
        }
        if (i % 8 == 0)
            check_reasons(t);
    }
    for (int i = 0; i < 500 && !over(t); i++) {
        (void)trial_resume(t);
        if (!over(t))
            decide_all(t, seed);
        admit_all(t);
        if (i % 8 == 0)
            check_reasons(t);
        if (!over(t))
            trial_place_all(t, "A");
        for (uint32_t j = 0; j < t->run.plan->job_count && !over(t); j++)
            answer(t, dice, seed, j);
        if (!over(t))
            trial_pass_alive(t, SECONDS(70));
    }
}

static int depends_on(const struct made *made, uint32_t j, uint32_t what)
{
    int does = 0;
    for (uint32_t i = 0; i < made->jobs[j].dep_count && !does; i++)
        does = made->jobs[j].deps[i] == what || depends_on(made, made->jobs[j].deps[i], what);
    return does;
}

/* A cancelled job ends before those that it depends on. Whether one behind it that asks for
 * failure() then sees them fail is a matter of time, which the interpreter does not know. */
static int cancel_is_timeless(const struct made *made, uint32_t what)
{
    for (uint32_t j = what + 1; j < made->plan.job_count; j++) {
        if (word_of(&made->jobs[j].condition, 0) == ARC_WHEN_FAILURE && depends_on(made, j, what))
            return 0;
    }
    return 1;
}

static struct cancels random_cancels(struct dice *dice, const struct made *made)
{
    struct cancels cancels = {.count = 0};
    int late = roll(dice, 3) == 0;
    for (uint32_t j = 0; j < made->plan.job_count && late; j++)
        cancels.may[j] = roll(dice, 3) == 0 && cancel_is_timeless(made, j);
    uint32_t tries = roll(dice, 3) == 0 ? 1 + roll(dice, 2) : 0;
    for (uint32_t i = 0; i < tries; i++) {
        uint32_t j = roll(dice, made->plan.job_count);
        if (cancel_is_timeless(made, j))
            cancels.jobs[cancels.count++] = j;
    }
    return cancels;
}

static void jobs_end_as_the_interpreter_says(void)
{
    static struct made made;
    uint64_t plans = how_many("ARC_PLANS", PLANS);
    for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + plans; seed++) {
        struct dice dice = {seed};
        struct trial t;
        make_plan(&made, &dice, 0);
        struct cancels cancels = random_cancels(&dice, &made);
        if (!trial_open_plan(&t, &made.plan))
            return;
        for (uint32_t i = 0; i < cancels.count && !over(&t); i++)
            (void)trial_cancel_job(&t, names[cancels.jobs[i]], (int)roll(&dice, 2));
        obedient_life(&t, &dice, seed, &cancels);
        int fine = !t.broken && CHECK_INT(arc__run_over(&t.run), 1) &&
                   ends_right(&made, seed, &cancels, &t.run);
        trial_close(&t);
        if (!fine) {
            printf("# seed %llu\n", (unsigned long long)seed);
            return;
        }
    }
}

/* Anything at any time, also what is refused. */
static void wild_step(struct trial *t, struct dice *dice)
{
    uint32_t j = roll(dice, t->run.plan->job_count);
    const struct arc_step_state *step = in_hand(t, j);
    switch (roll(dice, 16)) {
    case 0:
        (void)trial_pause(t);
        return;
    case 1:
    case 2:
        (void)trial_resume(t);
        return;
    case 3:
        if (roll(dice, 12) == 0)
            (void)trial_stop(t, (int)roll(dice, 2));
        return;
    case 4:
        (void)trial_lose(t, names[j]);
        return;
    case 5:
        trial_pass(t, SECONDS(roll(dice, 40))); /* leases lapse */
        return;
    case 6:
    case 7:
        trial_pass_alive(t, SECONDS(roll(dice, 40)));
        return;
    case 10:
        if (roll(dice, 4) == 0)
            (void)trial_reject(t, 1 + roll(dice, GATES_MAX), "ann", "no");
        else
            (void)trial_approve(t, 1 + roll(dice, GATES_MAX), roll(dice, 2) ? "ann" : "bob");
        return;
    case 11:
        if (roll(dice, 8) == 0)
            (void)trial_cancel_job(t, names[j], (int)roll(dice, 2));
        else if (roll(dice, 4) == 0)
            (void)trial_cancel_step(t, names[j], roll(dice, t->run.plan->jobs[j].step_count),
                                    (int)roll(dice, 2));
        return;
    case 12:
        admit_all(t);
        return;
    case 8:
    case 9:
        (void)trial_place(t, names[j], roll(dice, 2) ? "A" : "B");
        return;
    default:
        break;
    }
    struct arc_report report =
        trial_make_report(t, names[j], (int)(ARC_STEP_RUNNING + roll(dice, 5)));
    if (step == NULL || roll(dice, 6) == 0) { /* of a lease that is over, or of nobody's */
        report.fence -= roll(dice, 2);
        report.attempt -= (int32_t)roll(dice, 2);
        if (roll(dice, 3) == 0)
            report.agent_id = ARC_LIT("C");
    }
    (void)trial_say(t, &report);
}

static void whatever_happens_the_invariants_hold(void)
{
    static struct made made;
    uint64_t lives = how_many("ARC_PLANS", LIVES);
    for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + lives; seed++) {
        struct dice dice = {seed ^ UINT64_C(0x5eed)};
        struct trial t;
        make_plan(&made, &dice, 1);
        if (!trial_open_plan(&t, &made.plan))
            return;
        struct cancels cancels = {.count = 0};
        for (int i = 0; i < 150 && !over(&t); i++) {
            wild_step(&t, &dice);
            if (i % 8 == 0)
                check_reasons(&t);
        }
        obedient_life(&t, &dice, seed, &cancels); /* it heals, and then it must end */
        int fine = !t.broken && CHECK_INT(arc__run_over(&t.run), 1);
        trial_close(&t);
        if (!fine) {
            printf("# seed %llu\n", (unsigned long long)seed);
            return;
        }
    }
}

static const struct test tests[] = {
    {"random plans end as an independent interpreter says", jobs_end_as_the_interpreter_says},
    {"whatever happens, the invariants hold and the run ends",
     whatever_happens_the_invariants_hold},
};
TEST_MAIN(tests)
