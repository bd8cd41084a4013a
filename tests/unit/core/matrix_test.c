/* SPDX-License-Identifier: Apache-2.0 */
/* How the cells of one matrix keep each other waiting, and end each other. */
#include "trial.h"

#define job_is trial_job_is
#define step_is trial_step_is
#define run_is trial_run_is

static struct arc_plan_matrix matrix;

/* Jobs m0 to m2 are the cells of m. */
static void patch(struct arc_plan *plan)
{
    struct arc_plan_job *jobs = (struct arc_plan_job *)(uintptr_t)plan->jobs;
    for (uint32_t j = 0; j < 3; j++) {
        jobs[j].name = ARC_LIT("m");
        jobs[j].matrix = 1;
    }
    plan->matrices = &matrix;
    plan->matrix_count = 1;
}

#define STEP "steps: [{name: s, run: 'true'}]"
/* Of m0 something more may be said. */
#define CELLS_OF(m0) \
    "namespace: n\njobs:\n- {name: m0, " m0 STEP "}\n- {name: m1, " STEP "}\n- {name: m2, " STEP \
    "}\n"
#define CELLS CELLS_OF("")

static int open_cells(struct trial *t, const char *yaml, uint32_t max_parallel, uint32_t fail_fast)
{
    matrix = (struct arc_plan_matrix){ARC_LIT("m"), 0, 3, max_parallel, fail_fast};
    return trial_open_patched(t, yaml, patch);
}

/* With failFast, and every cell has a place. */
static int open_placed(struct trial *t, const char *yaml)
{
    if (!open_cells(t, yaml, 0, 1))
        return 0;
    trial_place_all(t, "A");
    return 1;
}

static void as_many_cells_as_max_parallel_are_under_way(void)
{
    struct trial t;
    if (!open_cells(&t, CELLS, 2, 0))
        return;
    job_is(&t, "m0", ARC_JOB_QUEUED);
    job_is(&t, "m1", ARC_JOB_QUEUED);
    job_is(&t, "m2", ARC_JOB_PENDING);
    trial_why_is(&t, "m2", "It waits for another cell: `maxParallel` is 2.");
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_RUNNING, 0));
    job_is(&t, "m2", ARC_JOB_PENDING);
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    job_is(&t, "m2", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "m2", ARC_STEP_SUCCESS));
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_SUCCESS, 0));
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_cell_that_waits_for_its_retry_leaves_its_place(void)
{
    struct trial t;
    if (!open_cells(&t,
                    "namespace: n\njobs:\n"
                    "- {name: m0, retry: {maxAttempts: 2, delay: 60s}, " STEP "}\n"
                    "- {name: m1, " STEP "}\n- {name: m2, " STEP "}\n",
                    1, 0))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    job_is(&t, "m0", ARC_JOB_PENDING);
    trial_why_is(&t, "m0", "It waits for another cell: `maxParallel` is 1.");
    job_is(&t, "m1", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(120)); /* its delay is over, its place is taken */
    job_is(&t, "m0", ARC_JOB_PENDING);
    job_is(&t, "m2", ARC_JOB_PENDING);
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_SUCCESS, 0));
    job_is(&t, "m0", ARC_JOB_QUEUED);
    job_is(&t, "m2", ARC_JOB_PENDING);
    trial_close(&t);
}

static void a_failed_cell_cancels_the_others(void)
{
    struct trial t;
    if (!open_cells(&t, CELLS, 0, 1))
        return;
    CHECK_OK(trial_place(&t, "m0", "A"));
    CHECK_OK(trial_place(&t, "m1", "A"));
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    job_is(&t, "m2", ARC_JOB_CANCELLED); /* it was in the queue */
    CHECK_TEXT(trial_job(&t, "m2")->reason, "Job m0 failed, and the matrix has `failFast`.");
    job_is(&t, "m1", ARC_JOB_RUNNING);
    CHECK_INT(arc__cancel_due(&t.run, 1), 1);
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_CANCELLED, 0));
    job_is(&t, "m1", ARC_JOB_CANCELLED);
    CHECK_TEXT(trial_job(&t, "m1")->reason, "Job m0 failed, and the matrix has `failFast`.");
    run_is(&t, ARC_RUN_FAILED);
    CHECK_TEXT(t.run.reason, "Job m0 ended failed.");
    trial_close(&t);
}

static void a_cell_that_does_not_answer_is_ended(void)
{
    struct trial t;
    if (!open_placed(&t, CELLS))
        return;
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    trial_pass_alive(&t, SECONDS(39));
    job_is(&t, "m1", ARC_JOB_RUNNING);
    trial_pass_alive(&t, SECONDS(2));
    job_is(&t, "m1", ARC_JOB_CANCELLED);
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_cell_that_continues_on_error_cancels_nobody(void)
{
    struct trial t;
    if (!open_placed(&t, CELLS_OF("continueOnError: true, ")))
        return;
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    job_is(&t, "m1", ARC_JOB_QUEUED);
    CHECK_OK(trial_run_step(&t, "m1", ARC_STEP_SUCCESS));
    CHECK_OK(trial_run_step(&t, "m2", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_PARTIAL);
    trial_close(&t);
}

static void only_a_final_failure_cancels_the_others(void)
{
    struct trial t;
    if (!open_placed(&t, CELLS_OF("retry: {maxAttempts: 2}, ")))
        return;
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    job_is(&t, "m1", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    job_is(&t, "m0", ARC_JOB_FAILED);
    CHECK_INT(arc__cancel_due(&t.run, 1), 1);
    trial_close(&t);
}

static void a_cell_that_is_cancelled_runs_its_finally(void)
{
    struct trial t;
    if (!open_placed(&t, "namespace: n\njobs:\n- {name: m0, " STEP "}\n"
                         "- name: m1\n  " STEP "\n  finally: [{name: c, run: 'true'}]\n"
                         "- {name: m2, " STEP "}\n"))
        return;
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_CANCELLED, 0));
    step_is(&t, "m1", 1, ARC_STEP_QUEUED);
    CHECK_INT(arc__cancel_due(&t.run, 1), 0);
    CHECK_OK(trial_run_step(&t, "m1", ARC_STEP_SUCCESS));
    job_is(&t, "m1", ARC_JOB_CANCELLED);
    CHECK_OK(trial_report(&t, "m2", ARC_STEP_CANCELLED, 0));
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void whoever_waits_for_a_matrix_waits_for_all_its_cells(void)
{
    struct trial t;
    if (!open_placed(&t, CELLS "- {name: after, dependsOn: [m0, m1, m2], " STEP "}\n"
                               "- {name: rescue, when: failure(), dependsOn: [m0, m1, m2], " STEP
                               "}\n"))
        return;
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    CHECK_OK(trial_report(&t, "m2", ARC_STEP_CANCELLED, 0));
    job_is(&t, "after", ARC_JOB_PENDING);
    trial_why_is(&t, "after", "It waits for job m1.");
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_CANCELLED, 0));
    job_is(&t, "after", ARC_JOB_SKIPPED);
    job_is(&t, "rescue", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void a_stop_goes_before_fail_fast(void)
{
    struct trial t;
    if (!open_placed(&t, CELLS))
        return;
    CHECK_OK(trial_report(&t, "m0", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_stop(&t, 0));
    CHECK_OK(trial_report(&t, "m0", ARC_STEP_FAILED, 1));
    CHECK_OK(trial_report(&t, "m1", ARC_STEP_CANCELLED, 0));
    CHECK_OK(trial_report(&t, "m2", ARC_STEP_CANCELLED, 0));
    CHECK_TEXT(trial_job(&t, "m1")->reason, "Stopped by who.");
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void a_run_whose_last_jobs_fail_fast_ends_is_over(void)
{
    struct trial t;
    if (!open_cells(&t, CELLS, 0, 1))
        return;
    CHECK_OK(trial_place(&t, "m0", "A"));
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    job_is(&t, "m1", ARC_JOB_CANCELLED);
    job_is(&t, "m2", ARC_JOB_CANCELLED);
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void the_stage_after_one_that_fail_fast_ends_comes_up(void)
{
    struct trial t;
    if (!open_cells(&t,
                    "namespace: n\nstages:\n- name: one\n  jobs:\n"
                    "  - {name: m0, " STEP "}\n  - {name: m1, " STEP "}\n  - {name: m2, " STEP
                    "}\n- {name: two, when: always(), jobs: [{name: z, " STEP "}]}\n"
                    "- {name: three, jobs: [{name: y, " STEP "}]}\n",
                    0, 1))
        return;
    CHECK_OK(trial_place(&t, "m0", "A"));
    CHECK_OK(trial_run_step(&t, "m0", ARC_STEP_FAILED));
    job_is(&t, "z", ARC_JOB_QUEUED);
    CHECK_OK(trial_place(&t, "z", "A"));
    CHECK_OK(trial_run_step(&t, "z", ARC_STEP_SUCCESS));
    job_is(&t, "y", ARC_JOB_SKIPPED);
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static const struct test tests[] = {
    {"as many cells as maxParallel says are under way",
     as_many_cells_as_max_parallel_are_under_way},
    {"a cell that waits for its retry leaves its place",
     a_cell_that_waits_for_its_retry_leaves_its_place},
    {"a cell that fails cancels the others by failFast", a_failed_cell_cancels_the_others},
    {"a cell that failFast cancels and that is silent is ended",
     a_cell_that_does_not_answer_is_ended},
    {"a cell that continues on error cancels no other",
     a_cell_that_continues_on_error_cancels_nobody},
    {"only the final failure of a cell cancels the others",
     only_a_final_failure_cancels_the_others},
    {"a cell that failFast cancels runs its finally", a_cell_that_is_cancelled_runs_its_finally},
    {"a run whose last jobs failFast ends is over", a_run_whose_last_jobs_fail_fast_ends_is_over},
    {"the stage after one that failFast ends comes up",
     the_stage_after_one_that_fail_fast_ends_comes_up},
    {"who waits for a matrix waits for all of its cells",
     whoever_waits_for_a_matrix_waits_for_all_its_cells},
    {"in a run that is stopped failFast cancels nothing", a_stop_goes_before_fail_fast},
};
TEST_MAIN(tests)
