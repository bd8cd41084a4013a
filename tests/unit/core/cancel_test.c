/* SPDX-License-Identifier: Apache-2.0 */
/* Cancelling one job, or one step, of a run that goes on. */
#include "trial.h"

#define job_is trial_job_is
#define step_is trial_step_is
#define run_is trial_run_is

#define TWO \
    "namespace: n\njobs:\n" \
    "- {name: a, steps: [{name: x, run: 'true'}, {name: y, run: 'true'}],\n" \
    "   finally: [{name: f, run: 'true'}]}\n" \
    "- {name: b, steps: [{name: x, run: 'true'}]}\n" \
    "- {name: c, dependsOn: [a], steps: [{name: x, run: 'true'}]}\n"

static int reason_is(const struct trial *t, const char *job, const char *reason)
{
    return CHECK_TEXT(trial_job(t, job)->reason, reason);
}

static void a_job_that_has_not_begun_ends_at_once(void)
{
    struct trial t;
    if (!trial_open(&t, TWO))
        return;
    CHECK_OK(trial_cancel_job(&t, "a", 0));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    step_is(&t, "a", 0, ARC_STEP_CANCELLED);
    step_is(&t, "a", 2, ARC_STEP_CANCELLED);
    reason_is(&t, "a", "Cancelled by ann.");
    job_is(&t, "c", ARC_JOB_SKIPPED);
    reason_is(&t, "c", "Job a ended cancelled.");
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "b", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void a_job_that_runs_is_asked_and_runs_its_finally(void)
{
    struct trial t;
    if (!trial_open(&t, TWO))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_INT(arc__cancel_due(&t.run, 0), 0);
    CHECK_OK(trial_cancel_job(&t, "a", 0));
    CHECK_INT(arc__cancel_due(&t.run, 0), 1);
    CHECK_INT(arc__cancel_due(&t.run, 1), 0);
    struct arc_cancel_terms terms = arc__cancel_terms(&t.rules, &t.run, 0);
    CHECK_INT(terms.grace_ns, SECONDS(10));
    CHECK_INT(terms.force, 0);
    CHECK_TEXT(terms.reason, "Cancelled by ann.");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_CANCELLED, 0));
    step_is(&t, "a", 1, ARC_STEP_CANCELLED);
    step_is(&t, "a", 2, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    job_is(&t, "b", ARC_JOB_QUEUED);
    CHECK_OK(trial_run_step(&t, "b", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void force_skips_the_finally_also_when_it_comes_second(void)
{
    struct trial t;
    if (!trial_open(&t, TWO))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_cancel_job(&t, "a", 0));
    size_t events = t.events;
    CHECK_OK(trial_cancel_job(&t, "a", 0));
    CHECK_INT(t.events, events);
    CHECK_OK(trial_cancel_job(&t, "a", 1));
    CHECK_INT(t.events, events + 1);
    struct arc_cancel_terms terms = arc__cancel_terms(&t.rules, &t.run, 0);
    CHECK_INT(terms.grace_ns, 0);
    CHECK_INT(terms.force, 1);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_CANCELLED, 0));
    step_is(&t, "a", 2, ARC_STEP_CANCELLED);
    job_is(&t, "a", ARC_JOB_CANCELLED);
    trial_close(&t);
}

static void a_holder_that_does_not_answer_is_not_waited_for(void)
{
    struct trial t;
    if (!trial_open(&t, TWO))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_cancel_job(&t, "a", 1));
    trial_pass_alive(&t, SECONDS(29));
    job_is(&t, "a", ARC_JOB_RUNNING);
    trial_pass_alive(&t, SECONDS(2));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    trial_close(&t);
}

static void a_job_that_ends_well_before_it_hears_of_it_succeeded(void)
{
    struct trial t;
    if (!trial_open(&t, TWO))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "b", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_cancel_job(&t, "b", 0));
    CHECK_OK(trial_report(&t, "b", ARC_STEP_SUCCESS, 0));
    job_is(&t, "b", ARC_JOB_SUCCESS);
    CHECK_STATUS(trial_cancel_job(&t, "b", 0), ARC_ECONFLICT);
    CHECK_TEXT(arc__slice_cstr(t.err.message), "The job has ended already: it is success.");
    trial_close(&t);
}

static void a_cancelled_job_is_not_tried_again(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- {name: a, retry: {maxAttempts: 3}, steps: [{name: x, run: 'true'}]}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_cancel_job(&t, "a", 0));
    CHECK_OK(trial_lose(&t, "a"));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void a_running_step_is_asked_and_the_next_ones_are_skipped(void)
{
    struct trial t;
    if (!trial_open(&t, TWO))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_cancel_step(&t, "a", 0, 0));
    CHECK_INT(arc__cancel_due(&t.run, 0), 1);
    CHECK_TEXT(arc__cancel_terms(&t.rules, &t.run, 0).reason, "Cancelled by ann.");
    step_is(&t, "a", 0, ARC_STEP_RUNNING);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_CANCELLED, 0));
    CHECK_TEXT(trial_step(&t, "a", 0)->reason, "Cancelled by ann.");
    step_is(&t, "a", 1, ARC_STEP_SKIPPED);
    step_is(&t, "a", 2, ARC_STEP_QUEUED);
    CHECK_INT(arc__cancel_due(&t.run, 0), 0);
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    reason_is(&t, "a", "A step of it was cancelled.");
    trial_close(&t);
}

static void a_step_is_cancelled_before_its_turn(void)
{
    struct trial t;
    if (!trial_open(&t, TWO))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_cancel_step(&t, "a", 1, 0));
    step_is(&t, "a", 1, ARC_STEP_CANCELLED);
    step_is(&t, "a", 0, ARC_STEP_RUNNING);
    CHECK_STATUS(trial_cancel_step(&t, "a", 1, 0), ARC_ECONFLICT);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_SUCCESS, 0));
    step_is(&t, "a", 2, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    trial_close(&t);
}

static void a_step_that_waits_for_its_retry_is_cancelled_at_once(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- name: a\n  steps:\n"
                        "  - {name: x, run: 'true', retry: {maxAttempts: 3, delay: 60s}}\n"
                        "  - {name: y, run: 'true', when: always()}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    step_is(&t, "a", 0, ARC_STEP_PENDING);
    CHECK_OK(trial_cancel_step(&t, "a", 0, 0));
    step_is(&t, "a", 0, ARC_STEP_CANCELLED);
    step_is(&t, "a", 1, ARC_STEP_QUEUED);
    trial_close(&t);
}

static void a_cancelled_step_is_not_tried_again(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- name: a\n  steps:\n"
                        "  - {name: x, run: 'true', retry: {maxAttempts: 3}}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_cancel_step(&t, "a", 0, 0));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_FAILED, 143));
    step_is(&t, "a", 0, ARC_STEP_FAILED);
    job_is(&t, "a", ARC_JOB_FAILED);
    trial_close(&t);
}

static void a_step_is_not_skipped_for_one_behind_it(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- name: a\n  steps:\n"
                        "  - {name: x, run: 'true', retry: {maxAttempts: 3, delay: 10s}}\n"
                        "  - {name: y, run: 'true'}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    CHECK_OK(trial_cancel_step(&t, "a", 1, 0));
    step_is(&t, "a", 0, ARC_STEP_PENDING); /* it waits for its retry */
    trial_pass_alive(&t, SECONDS(11));
    step_is(&t, "a", 0, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    trial_close(&t);
}

static void a_waiting_job_that_has_nothing_left_to_do_ends(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- name: a\n  steps:\n"
                        "  - {name: x, run: 'true'}\n  - {name: y, run: 'true'}\n"
                        "- name: b\n  dependsOn: [a]\n  when: always()\n  steps:\n"
                        "  - {name: x, run: 'true'}\n"
                        "- name: c\n  dependsOn: [b]\n  when: always()\n  steps:\n"
                        "  - {name: x, run: 'true'}\n"))
        return;
    CHECK_OK(trial_cancel_step(&t, "b", 0, 0)); /* also one that waits for another */
    job_is(&t, "b", ARC_JOB_CANCELLED);
    CHECK_OK(trial_cancel_step(&t, "a", 1, 0));
    job_is(&t, "a", ARC_JOB_QUEUED); /* the first one has still to run */
    CHECK_OK(trial_cancel_step(&t, "a", 0, 0));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    reason_is(&t, "a", "A step of it was cancelled.");
    job_is(&t, "c", ARC_JOB_QUEUED);
    CHECK_OK(trial_cancel_step(&t, "c", 0, 0));
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void a_step_asked_to_end_is_not_placed_anew(void)
{
    struct trial t;
    if (!trial_open(&t, TWO))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_cancel_step(&t, "a", 0, 0));
    step_is(&t, "a", 0, ARC_STEP_QUEUED);
    CHECK_OK(trial_lose(&t, "a")); /* before it had begun anything */
    step_is(&t, "a", 0, ARC_STEP_CANCELLED);
    job_is(&t, "a", ARC_JOB_QUEUED);
    CHECK_OK(trial_cancel_step(&t, "b", 0, 0));
    CHECK_OK(trial_lose(&t, "b")); /* nothing is left of it */
    job_is(&t, "b", ARC_JOB_CANCELLED);
    trial_place_all(&t, "B");
    step_is(&t, "a", 1, ARC_STEP_SKIPPED);
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    trial_close(&t);
}

static const struct test tests[] = {
    {"a waiting job that has nothing left to do ends at once",
     a_waiting_job_that_has_nothing_left_to_do_ends},
    {"a job that has not begun ends at once", a_job_that_has_not_begun_ends_at_once},
    {"a job that runs is asked, and runs its `finally`",
     a_job_that_runs_is_asked_and_runs_its_finally},
    {"force skips the `finally`, also when it comes second",
     force_skips_the_finally_also_when_it_comes_second},
    {"a holder that does not answer is not waited for",
     a_holder_that_does_not_answer_is_not_waited_for},
    {"a job that ends well before it hears of it succeeded",
     a_job_that_ends_well_before_it_hears_of_it_succeeded},
    {"a cancelled job is not tried again", a_cancelled_job_is_not_tried_again},
    {"a running step is asked, and the next ones are skipped",
     a_running_step_is_asked_and_the_next_ones_are_skipped},
    {"a step is cancelled before its turn", a_step_is_cancelled_before_its_turn},
    {"a step that waits for its retry is cancelled at once",
     a_step_that_waits_for_its_retry_is_cancelled_at_once},
    {"a step is not skipped because one behind it was cancelled",
     a_step_is_not_skipped_for_one_behind_it},
    {"a cancelled step is not tried again", a_cancelled_step_is_not_tried_again},
    {"a step that was asked to end is not placed anew", a_step_asked_to_end_is_not_placed_anew},
};

TEST_MAIN(tests)
