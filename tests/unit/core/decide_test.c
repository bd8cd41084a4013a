/* SPDX-License-Identifier: Apache-2.0 */
/* What decisions do, a behaviour a case. Definitions are real ones; trial.h checks the invariants
 * and the fold after every decision. */
#include "trial.h"

#include <stdio.h>

#define STEP "steps: [{name: s, run: 'true'}]"

#define job_is trial_job_is
#define step_is trial_step_is
#define run_is trial_run_is

/* --- who runs when ------------------------------------------------------------------------------
 */

static void a_job_waits_for_all_its_dependencies(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- {name: a, " STEP "}\n- {name: b, " STEP "}\n"
                        "- {name: c, dependsOn: [a, b], " STEP "}\n"))
        return;
    job_is(&t, "a", ARC_JOB_QUEUED);
    job_is(&t, "b", ARC_JOB_QUEUED);
    job_is(&t, "c", ARC_JOB_PENDING);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "c", ARC_JOB_PENDING);
    CHECK_OK(trial_run_step(&t, "b", ARC_STEP_SUCCESS));
    job_is(&t, "c", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "c", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static const char two_stages[] = "namespace: n\nstages:\n"
                                 "- name: one\n  jobs: [{name: a, " STEP "}, {name: b, " STEP "}]\n"
                                 "- name: two\n  jobs: [{name: c, " STEP "}]\n"
                                 "- name: three\n  when: always()\n"
                                 "  jobs: [{name: d, dependsOn: [a], " STEP "}]\n"
                                 "- name: four\n  when: failure()\n  jobs: [{name: e, " STEP "}]\n";

static void a_stage_waits_for_all_earlier_stages(void)
{
    struct trial t;
    if (!trial_open(&t, two_stages))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "c", ARC_JOB_PENDING);
    CHECK_OK(trial_run_step(&t, "b", ARC_STEP_SUCCESS));
    job_is(&t, "c", ARC_JOB_QUEUED);
    job_is(&t, "d", ARC_JOB_PENDING);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "c", ARC_STEP_SUCCESS));
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "d", ARC_STEP_SUCCESS));
    job_is(&t, "e", ARC_JOB_SKIPPED);
    CHECK_TEXT(trial_job(&t, "e")->reason, "Nothing before this stage failed.");
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static void a_failed_stage_skips_the_next(void)
{
    struct trial t;
    if (!trial_open(&t, two_stages))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    CHECK_OK(trial_run_step(&t, "b", ARC_STEP_SUCCESS));
    job_is(&t, "c", ARC_JOB_SKIPPED);
    CHECK_TEXT(trial_job(&t, "c")->reason, "Job a ended failed.");
    step_is(&t, "c", 0, ARC_STEP_SKIPPED);
    /* an edge to an earlier stage does not gate: the stage does, and its `when` is always() */
    job_is(&t, "d", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "d", ARC_STEP_SUCCESS));
    job_is(&t, "e", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "e", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_FAILED);
    CHECK_TEXT(t.run.reason, "Job a ended failed.");
    trial_close(&t);
}

static void a_skipped_stage_skips_always_too(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\nstages:\n"
                        "- {name: one, jobs: [{name: a, " STEP "}]}\n"
                        "- name: two\n  jobs: [{name: b, when: always(), " STEP "}]\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    job_is(&t, "b", ARC_JOB_SKIPPED);
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void skips_go_on_along_a_chain(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- {name: a, " STEP "}\n"
                        "- {name: b, dependsOn: [a], " STEP "}\n"
                        "- {name: c, dependsOn: [b], " STEP "}\n"
                        "- {name: up, dependsOn: [c], when: failure(), " STEP "}\n"
                        "- {name: end, dependsOn: [c], when: always(), " STEP "}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    CHECK_TEXT(trial_job(&t, "b")->reason, "Job a ended failed.");
    CHECK_TEXT(trial_job(&t, "c")->reason, "Job b was skipped.");
    job_is(&t, "c", ARC_JOB_SKIPPED);
    job_is(&t, "up", ARC_JOB_QUEUED);
    job_is(&t, "end", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "up", ARC_STEP_SUCCESS));
    CHECK_OK(trial_run_step(&t, "end", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_job_whose_when_is_false_counts_as_success(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- {name: a, " STEP "}\n"
                        "- {name: on-failure, dependsOn: [a], when: failure(), " STEP "}\n"
                        "- {name: never, dependsOn: [a], when: 'false', " STEP "}\n"
                        "- {name: stopped, dependsOn: [a], when: cancelled(), " STEP "}\n"
                        "- {name: z, dependsOn: [on-failure, never, stopped], " STEP "}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "on-failure", ARC_JOB_SKIPPED);
    job_is(&t, "never", ARC_JOB_SKIPPED);
    job_is(&t, "stopped", ARC_JOB_SKIPPED);
    CHECK_TEXT(trial_job(&t, "never")->reason, "Its `when` is false.");
    job_is(&t, "z", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "z", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static void continue_on_error_makes_the_run_partial(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- {name: a, continueOnError: true, " STEP "}\n"
                        "- {name: b, dependsOn: [a], " STEP "}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    job_is(&t, "a", ARC_JOB_FAILED);
    job_is(&t, "b", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "b", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_PARTIAL);
    CHECK_TEXT(t.run.reason, "Job a ended failed.");
    trial_close(&t);
}

/* --- steps --------------------------------------------------------------------------------------
 */

static const char four_steps[] = "namespace: n\njobs:\n"
                                 "- name: a\n"
                                 "  steps:\n"
                                 "  - {name: one, run: 'true'}\n"
                                 "  - {name: two, run: 'true'}\n"
                                 "  - {name: three, when: failure(), run: 'true'}\n"
                                 "  - {name: four, when: always(), run: 'true'}\n";

static void steps_after_a_failure_are_skipped(void)
{
    struct trial t;
    if (!trial_open(&t, four_steps))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    step_is(&t, "a", 1, ARC_STEP_SKIPPED);
    CHECK_TEXT(trial_step(&t, "a", 1)->reason, "A step before it failed.");
    step_is(&t, "a", 2, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    step_is(&t, "a", 3, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "a", ARC_JOB_FAILED);
    CHECK_TEXT(trial_job(&t, "a")->reason, "Step one failed with exit code 1.");
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_cancelled_step_ends_its_job_cancelled(void)
{
    struct trial t;
    if (!trial_open(&t, four_steps))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_CANCELLED));
    step_is(&t, "a", 1, ARC_STEP_SKIPPED);
    step_is(&t, "a", 2, ARC_STEP_SKIPPED);
    step_is(&t, "a", 3, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void a_step_that_may_fail_leaves_its_job_good(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- name: a\n  steps:\n"
                        "  - {name: one, continueOnError: true, run: 'true'}\n"
                        "  - {name: two, run: 'true'}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    step_is(&t, "a", 0, ARC_STEP_FAILED);
    step_is(&t, "a", 1, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "a", ARC_JOB_SUCCESS);
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static void a_job_of_which_no_step_runs_succeeds(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- {name: a, steps: [{name: s, when: failure(), run: 'true'}]}\n"))
        return;
    trial_place_all(&t, "A");
    step_is(&t, "a", 0, ARC_STEP_SKIPPED);
    job_is(&t, "a", ARC_JOB_SUCCESS);
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

/* --- retry --------------------------------------------------------------------------------------
 */

static const char step_retry[] =
    "namespace: n\njobs:\n"
    "- name: a\n"
    "  retry: {maxAttempts: 5}\n"
    "  steps: [{name: s, run: 'true', retry: {maxAttempts: 3, delay: 10s}}]\n";

static void a_step_retry_keeps_its_id_and_agent(void)
{
    struct trial t;
    if (!trial_open(&t, step_retry))
        return;
    arc_id id = trial_step(&t, "a", 0)->id;
    trial_place_all(&t, "A");
    CHECK_INT(trial_step(&t, "a", 0)->attempt, 1);
    uint64_t fence = trial_step(&t, "a", 0)->fence;
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    step_is(&t, "a", 0, ARC_STEP_PENDING);
    job_is(&t, "a", ARC_JOB_RUNNING);
    trial_pass(&t, SECONDS(9));
    step_is(&t, "a", 0, ARC_STEP_PENDING);
    trial_pass(&t, SECONDS(1));
    step_is(&t, "a", 0, ARC_STEP_QUEUED);
    CHECK_TEXT(arc__id_slice(&trial_step(&t, "a", 0)->id), id.text);
    CHECK_INT(trial_step(&t, "a", 0)->attempt, 2);
    CHECK(trial_step(&t, "a", 0)->fence > fence);
    CHECK_TEXT(trial_step(&t, "a", 0)->agent_id, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static void a_step_with_its_own_retry_is_final(void)
{
    struct trial t;
    if (!trial_open(&t, step_retry))
        return;
    trial_place_all(&t, "A");
    for (int i = 1; i <= 3; i++) {
        CHECK_INT(trial_step(&t, "a", 0)->attempt, i);
        CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
        trial_pass(&t, SECONDS(10));
    }
    step_is(&t, "a", 0, ARC_STEP_FAILED);
    job_is(&t, "a", ARC_JOB_FAILED);
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_job_retry_begins_anew_with_new_steps(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- name: a\n  retry: {maxAttempts: 2, delay: 5s}\n"
                        "  steps: [{name: x, run: 'true'}, {name: y, run: 'true'}]\n"))
        return;
    arc_id first = trial_step(&t, "a", 0)->id;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    job_is(&t, "a", ARC_JOB_PENDING);
    CHECK_INT(trial_job(&t, "a")->attempt, 2);
    CHECK_INT(trial_job(&t, "a")->agent_id.len, 0);
    CHECK(!arc__slice_is(arc__id_slice(&trial_step(&t, "a", 0)->id), first.text));
    step_is(&t, "a", 0, ARC_STEP_PENDING);
    trial_pass(&t, SECONDS(5));
    job_is(&t, "a", ARC_JOB_QUEUED);
    CHECK_OK(trial_place(&t, "a", "B"));
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    job_is(&t, "a", ARC_JOB_FAILED);
    step_is(&t, "a", 1, ARC_STEP_SKIPPED);
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_retry_is_limited_to_its_causes(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- {name: a, retry: {maxAttempts: 5, on: [timeout]}, " STEP "}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    job_is(&t, "a", ARC_JOB_FAILED);
    trial_close(&t);
}

/* --- lost ---------------------------------------------------------------------------------------
 */

static void lost_before_a_step_started_is_placed_again(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs: [{name: a, " STEP "}]\n"))
        return;
    arc_id id = trial_step(&t, "a", 0)->id;
    for (int i = 1; i <= 4; i++) {
        CHECK_OK(trial_place(&t, "a", "A"));
        CHECK_INT(trial_step(&t, "a", 0)->attempt, i);
        trial_pass(&t, SECONDS(29));
        step_is(&t, "a", 0, ARC_STEP_QUEUED);
        trial_pass(&t, SECONDS(1));
        if (i < 4) {
            job_is(&t, "a", ARC_JOB_QUEUED);
            step_is(&t, "a", 0, ARC_STEP_PENDING);
            CHECK_TEXT(arc__id_slice(&trial_step(&t, "a", 0)->id), id.text);
            CHECK_INT(trial_job(&t, "a")->agent_id.len, 0);
        }
    }
    /* the fourth loss is one more than lost_retries_max allows */
    job_is(&t, "a", ARC_JOB_FAILED);
    CHECK_TEXT(trial_job(&t, "a")->reason, "Agent A was lost: no word of it for the lease's 30 s.");
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void lost_after_a_start_fails_without_retry(void)
{
    struct trial t;
    if (!trial_open(&t, four_steps))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_lose(&t, "a"));
    step_is(&t, "a", 0, ARC_STEP_FAILED);
    step_is(&t, "a", 3, ARC_STEP_SKIPPED);
    job_is(&t, "a", ARC_JOB_FAILED);
    CHECK_TEXT(trial_job(&t, "a")->reason, "The agent is gone.");
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_retry_that_covers_lost_runs_the_job_anew(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- name: a\n  retry: {maxAttempts: 3, on: [lost]}\n"
                        "  steps: [{name: s, run: 'true', retry: {maxAttempts: 2}}]\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_lose(&t, "a"));
    /* also where the step has a retry of its own: that one is for what the step does */
    job_is(&t, "a", ARC_JOB_QUEUED);
    CHECK_INT(trial_job(&t, "a")->attempt, 2);
    CHECK(trial_job(&t, "a")->reason.len > 0); /* why it is there again */
    CHECK_OK(trial_place(&t, "a", "B"));
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_SUCCESS);
    CHECK_TEXT(trial_job(&t, "a")->reason, ""); /* nothing is wrong with it any more */
    trial_close(&t);
}

static void retries_for_lost_have_their_own_limit(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs: [{name: a, retry: {maxAttempts: 50}, " STEP "}]\n"))
        return;
    for (int i = 0; i < 4; i++) {
        job_is(&t, "a", ARC_JOB_QUEUED);
        trial_place_all(&t, "A");
        CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
        CHECK_OK(trial_lose(&t, "a"));
    }
    job_is(&t, "a", ARC_JOB_FAILED);
    CHECK_INT(trial_job(&t, "a")->attempt, 4);
    trial_close(&t);
}

static void a_loss_before_the_start_is_no_execution(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs: [{name: a, retry: {maxAttempts: 2}, " STEP "}]\n"))
        return;
    for (int i = 0; i < 2; i++) {
        trial_place_all(&t, "A");
        CHECK_OK(trial_lose(&t, "a"));
    }
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    job_is(&t, "a", ARC_JOB_FAILED);
    trial_close(&t);
}

static void a_lost_job_in_the_queue_needs_no_clock(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs: [{name: a, " STEP "}]\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_lose(&t, "a"));
    job_is(&t, "a", ARC_JOB_QUEUED);
    CHECK(arc__run_deadline(&t.rules, &t.run) == UINT64_MAX);
    trial_close(&t);
}

static const struct test tests[] = {
    {"a job is queued when all that it depends on has ended", a_job_waits_for_all_its_dependencies},
    {"a stage waits for all earlier stages", a_stage_waits_for_all_earlier_stages},
    {"a failed stage skips the next, but for always() and failure()",
     a_failed_stage_skips_the_next},
    {"a skipped stage skips its jobs whatever their own `when`", a_skipped_stage_skips_always_too},
    {"skips go on along a chain, each naming the job that caused it", skips_go_on_along_a_chain},
    {"a job that its own `when` skipped counts as success",
     a_job_whose_when_is_false_counts_as_success},
    {"a failed job with continueOnError leaves the run partial",
     continue_on_error_makes_the_run_partial},
    {"after a failed step the rest are skipped, but for failure()",
     steps_after_a_failure_are_skipped},
    {"a cancelled step ends its job and its run cancelled",
     a_cancelled_step_ends_its_job_cancelled},
    {"a step with continueOnError fails and its job succeeds",
     a_step_that_may_fail_leaves_its_job_good},
    {"a job of which no step has to run succeeds", a_job_of_which_no_step_runs_succeeds},
    {"a step retry keeps its step run and its agent", a_step_retry_keeps_its_id_and_agent},
    {"a step with a retry of its own is final when it is used up",
     a_step_with_its_own_retry_is_final},
    {"a job retry runs all steps anew, on any agent", a_job_retry_begins_anew_with_new_steps},
    {"a retry covers the causes that it names", a_retry_is_limited_to_its_causes},
    {"lost before a step started: placed again, three times",
     lost_before_a_step_started_is_placed_again},
    {"lost after a step started: the job fails", lost_after_a_start_fails_without_retry},
    {"lost with a retry that covers it: the job runs anew",
     a_retry_that_covers_lost_runs_the_job_anew},
    {"retries for lost have a limit of their own", retries_for_lost_have_their_own_limit},
    {"a loss before the start is not an execution", a_loss_before_the_start_is_no_execution},
    {"a job that was lost waits in the queue without a deadline",
     a_lost_job_in_the_queue_needs_no_clock},
};
TEST_MAIN(tests)
