/* SPDX-License-Identifier: Apache-2.0 */
/* What `finally` steps see: once an attempt, after its steps, whatever became of it. */
#include "trial.h"

#define job_is trial_job_is
#define step_is trial_step_is
#define run_is trial_run_is

/* Two steps and one of `finally`. */
static const char three[] = "namespace: n\njobs:\n- name: j\n  steps:\n"
                            "  - {name: a, run: 'true'}\n  - {name: b, run: 'true'}\n"
                            "  finally:\n  - {name: clean, run: 'true'}\n";

/* Two of `finally`; the job has a minute, and one retry. */
static const char timed[] =
    "namespace: n\njobs:\n- name: j\n  timeout: 1m\n  steps:\n"
    "  - {name: a, run: 'true'}\n"
    "  finally:\n  - {name: clean, run: 'true'}\n  - {name: late, run: 'true'}\n";

static int open_placed(struct trial *t, const char *yaml)
{
    if (!trial_open(t, yaml))
        return 0;
    trial_place_all(t, "A");
    return 1;
}

/* The same, and its first step runs. */
static int open_started(struct trial *t, const char *yaml)
{
    return open_placed(t, yaml) && CHECK_OK(trial_report(t, "j", ARC_STEP_RUNNING, 0));
}

/* The same, and the job has run into its timeout. */
static int open_timed_out(struct trial *t)
{
    if (!open_started(t, timed))
        return 0;
    trial_pass_alive(t, SECONDS(61));
    return CHECK_OK(trial_report(t, "j", ARC_STEP_CANCELLED, 0));
}

static void it_runs_after_success(void)
{
    struct trial t;
    if (!open_placed(&t, three))
        return;
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    step_is(&t, "j", 2, ARC_STEP_PENDING);
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    step_is(&t, "j", 2, ARC_STEP_QUEUED);
    job_is(&t, "j", ARC_JOB_RUNNING);
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    job_is(&t, "j", ARC_JOB_SUCCESS);
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static void it_runs_after_a_failure(void)
{
    struct trial t;
    if (!open_placed(&t, three))
        return;
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    step_is(&t, "j", 1, ARC_STEP_SKIPPED);
    step_is(&t, "j", 2, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    job_is(&t, "j", ARC_JOB_FAILED);
    CHECK_TEXT(trial_job(&t, "j")->reason, "Step a failed with exit code 1.");
    trial_close(&t);
}

static void its_failure_fails_an_attempt_that_succeeded(void)
{
    struct trial t;
    if (!open_placed(&t, three))
        return;
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    job_is(&t, "j", ARC_JOB_FAILED);
    CHECK_TEXT(trial_job(&t, "j")->reason, "Step clean failed with exit code 1.");
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void one_that_fails_does_not_keep_the_next_from_running(void)
{
    struct trial t;
    if (!open_placed(&t, timed))
        return;
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    step_is(&t, "j", 2, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    job_is(&t, "j", ARC_JOB_FAILED);
    trial_close(&t);
}

static void it_runs_after_the_timeout_of_the_job(void)
{
    struct trial t;
    if (!open_timed_out(&t))
        return;
    step_is(&t, "j", 1, ARC_STEP_QUEUED);
    job_is(&t, "j", ARC_JOB_RUNNING);
    CHECK_INT(arc__cancel_due(&t.run, 0), 0);
    CHECK_OK(trial_report(&t, "j", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(100)); /* its time is its own */
    CHECK_OK(trial_report(&t, "j", ARC_STEP_SUCCESS, 0));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    job_is(&t, "j", ARC_JOB_TIMEOUT);
    CHECK_TEXT(trial_job(&t, "j")->reason, "The job ran into its timeout.");
    trial_close(&t);
}

static void it_has_an_end_when_its_job_was_to_end(void)
{
    struct trial t;
    if (!open_timed_out(&t))
        return;
    CHECK_OK(trial_report(&t, "j", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(299));
    CHECK_INT(arc__cancel_due(&t.run, 0), 0);
    trial_pass_alive(&t, SECONDS(2));
    CHECK_INT(arc__cancel_due(&t.run, 0), 1);
    CHECK_OK(trial_report(&t, "j", ARC_STEP_CANCELLED, 0));
    step_is(&t, "j", 1, ARC_STEP_TIMEOUT);
    step_is(&t, "j", 2, ARC_STEP_QUEUED); /* which has a time of its own again */
    CHECK_INT(arc__cancel_due(&t.run, 0), 0);
    trial_close(&t);
}

static void it_runs_when_the_run_is_stopped(void)
{
    struct trial t;
    if (!open_started(&t, three))
        return;
    CHECK_OK(trial_stop(&t, 0));
    CHECK_INT(arc__cancel_due(&t.run, 0), 1);
    CHECK_OK(trial_report(&t, "j", ARC_STEP_CANCELLED, 0));
    step_is(&t, "j", 1, ARC_STEP_CANCELLED);
    step_is(&t, "j", 2, ARC_STEP_QUEUED);
    CHECK_INT(arc__cancel_due(&t.run, 0), 0);
    trial_pass_alive(&t, SECONDS(100)); /* longer than a stop's settling */
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    job_is(&t, "j", ARC_JOB_CANCELLED);
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void of_a_job_that_had_not_started_nothing_runs_after_a_stop(void)
{
    struct trial t;
    if (!open_placed(&t, three))
        return;
    CHECK_OK(trial_stop(&t, 0));
    CHECK_OK(trial_report(&t, "j", ARC_STEP_CANCELLED, 0));
    step_is(&t, "j", 2, ARC_STEP_CANCELLED);
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void force_skips_it(void)
{
    struct trial t;
    if (!open_started(&t, three))
        return;
    CHECK_OK(trial_stop(&t, 1));
    CHECK_OK(trial_report(&t, "j", ARC_STEP_CANCELLED, 0));
    step_is(&t, "j", 2, ARC_STEP_CANCELLED);
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void force_ends_one_that_runs(void)
{
    struct trial t;
    if (!open_started(&t, timed))
        return;
    CHECK_OK(trial_stop(&t, 0));
    CHECK_OK(trial_report(&t, "j", ARC_STEP_CANCELLED, 0));
    CHECK_OK(trial_report(&t, "j", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_stop(&t, 1));
    CHECK_INT(arc__cancel_due(&t.run, 0), 1);
    trial_pass_alive(&t, SECONDS(31));
    step_is(&t, "j", 1, ARC_STEP_CANCELLED);
    step_is(&t, "j", 2, ARC_STEP_CANCELLED);
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void a_paused_run_that_is_stopped_still_cleans_up(void)
{
    struct trial t;
    if (!open_started(&t, three))
        return;
    CHECK_OK(trial_pause(&t));
    CHECK_OK(trial_report(&t, "j", ARC_STEP_SUCCESS, 0));
    step_is(&t, "j", 1, ARC_STEP_PENDING);
    CHECK_OK(trial_stop(&t, 0));
    step_is(&t, "j", 1, ARC_STEP_CANCELLED);
    step_is(&t, "j", 2, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void with_the_agent_lost_it_does_not_run(void)
{
    struct trial t;
    if (!open_started(&t, three))
        return;
    CHECK_OK(trial_lose(&t, "j"));
    step_is(&t, "j", 2, ARC_STEP_SKIPPED);
    job_is(&t, "j", ARC_JOB_FAILED);
    trial_close(&t);
    if (!open_started(&t, three))
        return;
    CHECK_OK(trial_stop(&t, 0));
    CHECK_OK(trial_lose(&t, "j"));
    step_is(&t, "j", 2, ARC_STEP_CANCELLED);
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void it_runs_once_in_every_attempt(void)
{
    struct trial t;
    if (!open_placed(&t, "namespace: n\njobs:\n- name: j\n  retry: {maxAttempts: 2}\n  steps:\n"
                         "  - {name: a, run: 'true'}\n"
                         "  finally:\n  - {name: c, run: 'true'}\n"))
        return;
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    CHECK_INT(trial_job(&t, "j")->attempt, 2);
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    job_is(&t, "j", ARC_JOB_SUCCESS);
    trial_close(&t);
}

static void a_word_of_its_own_is_kept_to(void)
{
    struct trial t;
    if (!open_placed(&t, "namespace: n\njobs:\n- name: j\n  steps: [{name: a, run: 'true'}]\n"
                         "  finally:\n  - {name: good, when: success(), run: 'true'}\n"
                         "  - {name: bad, when: failure(), run: 'true'}\n"))
        return;
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    step_is(&t, "j", 1, ARC_STEP_SKIPPED);
    step_is(&t, "j", 2, ARC_STEP_QUEUED);
    trial_close(&t);
}

static void patch_conditions(struct arc_plan *plan)
{
    struct arc_plan_step *steps = (struct arc_plan_step *)(uintptr_t)plan->jobs[0].steps;
    steps[1].condition =
        (struct arc_condition){.when = ARC_WHEN_SUCCESS, .text = ARC_LIT("variables.v == 'x'")};
    steps[2].condition =
        (struct arc_condition){.when = ARC_WHEN_EXPR, .text = ARC_LIT("steps.a.exitCode == 1")};
    steps[3].condition =
        (struct arc_condition){.when = ARC_WHEN_EXPR, .text = ARC_LIT("steps.a.exitCode == 0")};
}

static void a_condition_does_not_ask_for_success(void)
{
    struct trial t;
    if (!trial_open_patched(&t,
                            "namespace: n\njobs:\n- name: j\n"
                            "  steps: [{name: a, run: 'true'}]\n  finally:\n"
                            "  - {name: c, run: 'true'}\n  - {name: d, run: 'true'}\n"
                            "  - {name: e, run: 'true'}\n",
                            patch_conditions))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    step_is(&t, "j", 3, ARC_STEP_SKIPPED);
    job_is(&t, "j", ARC_JOB_FAILED);
    trial_close(&t);
}

static const struct test tests[] = {
    {"finally runs after success", it_runs_after_success},
    {"finally runs after a failure", it_runs_after_a_failure},
    {"a failure of finally fails an attempt that had succeeded",
     its_failure_fails_an_attempt_that_succeeded},
    {"a step of finally that fails keeps no other from running",
     one_that_fails_does_not_keep_the_next_from_running},
    {"finally runs after the job's timeout", it_runs_after_the_timeout_of_the_job},
    {"finally has an end of its own once its job was to end",
     it_has_an_end_when_its_job_was_to_end},
    {"after a stop nothing starts but finally of what had started",
     it_runs_when_the_run_is_stopped},
    {"after a stop finally of what had not started does not run",
     of_a_job_that_had_not_started_nothing_runs_after_a_stop},
    {"a forced stop skips finally", force_skips_it},
    {"a forced stop ends a finally that runs", force_ends_one_that_runs},
    {"a paused run that is stopped runs its finally", a_paused_run_that_is_stopped_still_cleans_up},
    {"finally does not run after the loss of the agent", with_the_agent_lost_it_does_not_run},
    {"finally runs once in every attempt", it_runs_once_in_every_attempt},
    {"a step of finally keeps to a when of its own", a_word_of_its_own_is_kept_to},
    {"a when in finally does not ask for success by itself", a_condition_does_not_ask_for_success},
};
TEST_MAIN(tests)
