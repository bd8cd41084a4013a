/* SPDX-License-Identifier: Apache-2.0 */
/* Timeouts, pause and stop: what time and operators do to a run. */
#include "trial.h"

#include <stdio.h>

#define STEP "steps: [{name: s, run: 'true'}]"

#define job_is trial_job_is
#define step_is trial_step_is
#define run_is trial_run_is

/* --- timeouts -----------------------------------------------------------------------------------
 */

static const char short_step[] =
    "namespace: n\njobs:\n"
    "- name: a\n  steps: [{name: s, run: 'true', timeout: 60s}, {name: e, run: 'true'}]\n";

static void a_step_that_takes_too_long_is_cancelled(void)
{
    struct trial t;
    if (!trial_open(&t, short_step))
        return;
    trial_place_all(&t, "A");
    trial_pass_alive(&t, SECONDS(120)); /* not started: its clock does not run */
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(59));
    CHECK(trial_step(&t, "a", 0)->cancel_by_mono_ns == 0);
    trial_pass_alive(&t, SECONDS(1));
    CHECK(trial_step(&t, "a", 0)->cancel_by_mono_ns > 0);
    step_is(&t, "a", 0, ARC_STEP_RUNNING);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_CANCELLED, 143));
    step_is(&t, "a", 0, ARC_STEP_TIMEOUT);
    step_is(&t, "a", 1, ARC_STEP_SKIPPED);
    job_is(&t, "a", ARC_JOB_FAILED);
    CHECK_TEXT(trial_job(&t, "a")->reason, "Step s ran into its timeout.");
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_silent_agent_ends_a_timeout_too(void)
{
    struct trial t;
    if (!trial_open(&t, short_step))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(60 + 39));
    step_is(&t, "a", 0, ARC_STEP_RUNNING);
    trial_pass_alive(&t, SECONDS(1));
    step_is(&t, "a", 0, ARC_STEP_TIMEOUT);
    job_is(&t, "a", ARC_JOB_FAILED);
    trial_close(&t);
}

static void a_success_just_after_the_timeout_counts(void)
{
    struct trial t;
    if (!trial_open(&t, short_step))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(61));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_SUCCESS, 0));
    step_is(&t, "a", 0, ARC_STEP_SUCCESS);
    step_is(&t, "a", 1, ARC_STEP_QUEUED);
    trial_close(&t);
}

static void a_timed_out_step_is_retried(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: a\n  steps:\n"
                        "  - {name: s, run: 'true', timeout: 60s,"
                        " retry: {maxAttempts: 2, on: [timeout]}}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(60));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_CANCELLED, 143));
    step_is(&t, "a", 0, ARC_STEP_QUEUED);
    CHECK_INT(trial_step(&t, "a", 0)->attempt, 2);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(59));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_SUCCESS, 0));
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static const char short_job[] =
    "namespace: n\njobs:\n"
    "- name: a\n  timeout: 60s\n  retry: {maxAttempts: 2, on: [timeout]}\n"
    "  steps: [{name: s, run: 'true'}, {name: e, when: always(), run: 'true'}]\n";

static void a_job_timeout_is_of_an_attempt(void)
{
    struct trial t;
    if (!trial_open(&t, short_job))
        return;
    for (int i = 1; i <= 2; i++) {
        CHECK_INT(trial_job(&t, "a")->attempt, i);
        trial_place_all(&t, "A");
        CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
        trial_pass_alive(&t, SECONDS(60));
        CHECK_OK(trial_report(&t, "a", ARC_STEP_CANCELLED, 143));
    }
    step_is(&t, "a", 0, ARC_STEP_CANCELLED);
    step_is(&t, "a", 1, ARC_STEP_SKIPPED);
    job_is(&t, "a", ARC_JOB_TIMEOUT);
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_run_timeout_stops_and_fails_the_run(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\ntimeout: 60s\njobs:\n"
                        "- {name: a, " STEP "}\n- {name: b, dependsOn: [a], " STEP "}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(60));
    CHECK_INT(t.run.stopping, 1);
    job_is(&t, "b", ARC_JOB_CANCELLED);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_CANCELLED, 143));
    run_is(&t, ARC_RUN_FAILED);
    CHECK_TEXT(t.run.reason, "The run ran into its timeout.");
    trial_close(&t);
}

/* The whole of it: a run that nobody takes does not wait for ever. */
static void a_run_s_time_goes_on_while_nobody_takes_its_jobs(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\ntimeout: 60s\njobs: [{name: a, " STEP "}]\n"))
        return;
    trial_pass(&t, SECONDS(59));
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_pass(&t, SECONDS(1));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    run_is(&t, ARC_RUN_FAILED);
    CHECK_TEXT(t.run.reason, "The run ran into its timeout.");
    trial_close(&t);
}

static const char queue_timeout[] = "namespace: n\njobs:\n"
                                    "- {name: a, queueTimeout: 60s, " STEP "}\n";

static void a_job_waits_in_the_queue_no_longer_than_it_may(void)
{
    struct trial t;
    if (!trial_open(&t, queue_timeout))
        return;
    trial_pass(&t, SECONDS(59));
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_pass(&t, SECONDS(1));
    job_is(&t, "a", ARC_JOB_TIMEOUT);
    step_is(&t, "a", 0, ARC_STEP_SKIPPED);
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_placed_job_has_left_the_queue(void)
{
    struct trial t;
    if (!trial_open(&t, queue_timeout))
        return;
    trial_pass(&t, SECONDS(50));
    trial_place_all(&t, "A");
    trial_pass_alive(&t, SECONDS(50));
    CHECK_OK(trial_lose(&t, "a"));
    /* back in the queue: it waits anew */
    trial_pass(&t, SECONDS(59));
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_pass(&t, SECONDS(1));
    job_is(&t, "a", ARC_JOB_TIMEOUT);
    trial_close(&t);
}

/* --- pause --------------------------------------------------------------------------------------
 */

static void the_queue_clock_stands_still_in_a_pause(void)
{
    struct trial t;
    if (!trial_open(&t, queue_timeout))
        return;
    trial_pass(&t, SECONDS(50));
    CHECK_OK(trial_pause(&t));
    trial_pass(&t, SECONDS(1000));
    job_is(&t, "a", ARC_JOB_QUEUED);
    CHECK_OK(trial_resume(&t));
    run_is(&t, ARC_RUN_PENDING);
    trial_pass(&t, SECONDS(9));
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_pass(&t, SECONDS(1));
    job_is(&t, "a", ARC_JOB_TIMEOUT);
    trial_close(&t);
}

static void the_run_clock_stands_still_in_a_pause(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\ntimeout: 100s\njobs: [{name: a, " STEP "}]\n"))
        return;
    CHECK_OK(trial_pause(&t)); /* before the start: not to be added to what comes after */
    trial_pass(&t, SECONDS(500));
    CHECK_OK(trial_resume(&t));
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(50));
    CHECK_OK(trial_pause(&t));
    trial_pass_alive(&t, SECONDS(500));
    CHECK_OK(trial_resume(&t));
    trial_pass_alive(&t, SECONDS(49));
    CHECK_INT(t.run.stopping, 0);
    trial_pass_alive(&t, SECONDS(1));
    CHECK_INT(t.run.stopping, 1);
    trial_close(&t);
}

static void nothing_new_starts_in_a_pause(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- {name: a, " STEP "}\n- {name: b, dependsOn: [a], " STEP "}\n"
                        "- name: c\n  steps: [{name: x, run: 'true'}, {name: y, run: 'true'}]\n"
                        "- {name: d, " STEP "}\n"))
        return;
    CHECK_OK(trial_place(&t, "a", "A"));
    CHECK_OK(trial_place(&t, "c", "A"));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_report(&t, "c", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_pause(&t));
    CHECK_STATUS(trial_pause(&t), ARC_ECONFLICT);
    CHECK_STATUS(trial_place(&t, "d", "A"), ARC_ECONFLICT);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_SUCCESS, 0));
    CHECK_OK(trial_report(&t, "c", ARC_STEP_SUCCESS, 0));
    job_is(&t, "a", ARC_JOB_SUCCESS);
    job_is(&t, "b", ARC_JOB_PENDING);
    step_is(&t, "c", 1, ARC_STEP_PENDING);
    trial_pass(&t, SECONDS(1000));
    job_is(&t, "c", ARC_JOB_RUNNING);
    CHECK_OK(trial_resume(&t));
    CHECK_STATUS(trial_resume(&t), ARC_ECONFLICT);
    job_is(&t, "b", ARC_JOB_QUEUED);
    step_is(&t, "c", 1, ARC_STEP_QUEUED);
    run_is(&t, ARC_RUN_RUNNING);
    trial_close(&t);
}

static void a_step_granted_before_a_pause_may_start_in_it(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs: [{name: a, " STEP "}]\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_pause(&t));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    run_is(&t, ARC_RUN_PAUSED);
    CHECK(t.run.started_ns != 0);
    CHECK_OK(trial_resume(&t));
    run_is(&t, ARC_RUN_RUNNING);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_SUCCESS, 0));
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static void a_run_can_end_in_a_pause(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs: [{name: a, " STEP "}]\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_pause(&t));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_SUCCESS, 0));
    run_is(&t, ARC_RUN_SUCCESS);
    CHECK_STATUS(trial_resume(&t), ARC_ECONFLICT);
    trial_close(&t);
}

static void a_retry_waits_out_a_pause(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- name: a\n  steps:\n"
                        "  - {name: s, run: 'true', retry: {maxAttempts: 2, delay: 10s}}\n"
                        "- {name: b, retry: {maxAttempts: 2, delay: 10s}, " STEP "}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    CHECK_OK(trial_run_step(&t, "b", ARC_STEP_FAILED));
    CHECK_OK(trial_pause(&t));
    trial_pass(&t, SECONDS(60));
    step_is(&t, "a", 0, ARC_STEP_PENDING);
    job_is(&t, "b", ARC_JOB_PENDING);
    CHECK_OK(trial_resume(&t));
    step_is(&t, "a", 0, ARC_STEP_QUEUED);
    job_is(&t, "b", ARC_JOB_QUEUED);
    trial_close(&t);
}

/* --- stop ---------------------------------------------------------------------------------------
 */

static const char to_stop[] = "namespace: n\njobs:\n"
                              "- name: a\n"
                              "  steps:\n"
                              "  - {name: x, run: 'true', timeout: 5s}\n"
                              "  - {name: y, when: always(), run: 'true'}\n"
                              "- {name: b, " STEP "}\n"
                              "- {name: c, dependsOn: [a], when: always(), " STEP "}\n";

static void a_stop_ends_what_nobody_holds_at_once(void)
{
    struct trial t;
    if (!trial_open(&t, to_stop))
        return;
    CHECK_OK(trial_place(&t, "a", "A"));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_stop(&t, 0));
    CHECK_OK(trial_stop(&t, 0)); /* asked for already */
    job_is(&t, "b", ARC_JOB_CANCELLED);
    job_is(&t, "c", ARC_JOB_CANCELLED);
    CHECK_TEXT(trial_job(&t, "c")->reason, "Stopped by who.");
    step_is(&t, "a", 0, ARC_STEP_RUNNING);
    CHECK_STATUS(trial_place(&t, "b", "A"), ARC_ECONFLICT);
    CHECK_STATUS(trial_pause(&t), ARC_ECONFLICT);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_CANCELLED, 143));
    step_is(&t, "a", 1, ARC_STEP_CANCELLED);
    job_is(&t, "a", ARC_JOB_CANCELLED);
    run_is(&t, ARC_RUN_CANCELLED);
    CHECK_TEXT(t.run.reason, "Stopped by who.");
    CHECK_STATUS(trial_stop(&t, 0), ARC_ECONFLICT);
    trial_close(&t);
}

static void a_stop_settles_though_nobody_answers(void)
{
    struct trial t;
    if (!trial_open(&t, to_stop))
        return;
    CHECK_OK(trial_place(&t, "a", "A"));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_stop(&t, 0));
    trial_pass_alive(&t, SECONDS(39)); /* over the step's own timeout too: nothing may spin */
    run_is(&t, ARC_RUN_RUNNING);
    trial_pass_alive(&t, SECONDS(1));
    run_is(&t, ARC_RUN_CANCELLED);
    step_is(&t, "a", 0, ARC_STEP_CANCELLED);
    trial_close(&t);
}

static void a_timeout_before_a_stop_does_not_spin(void)
{
    struct trial t;
    if (!trial_open(&t, to_stop))
        return;
    CHECK_OK(trial_place(&t, "a", "A"));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(20)); /* its cancel was asked for at 5 s */
    CHECK_OK(trial_stop(&t, 0));
    trial_pass_alive(&t, SECONDS(24));
    run_is(&t, ARC_RUN_RUNNING);
    trial_pass_alive(&t, SECONDS(1));
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void a_lost_agent_ends_a_stop_early(void)
{
    struct trial t;
    if (!trial_open(&t, to_stop))
        return;
    CHECK_OK(trial_place(&t, "a", "A"));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_stop(&t, 0));
    trial_pass(&t, SECONDS(30));
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void force_takes_the_grace_away(void)
{
    struct trial t;
    if (!trial_open(&t, to_stop))
        return;
    CHECK_OK(trial_place(&t, "a", "A"));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_stop(&t, 0));
    CHECK_INT(t.run.forced, 0);
    CHECK_INT(t.run.stop_grace_ns, SECONDS(10));
    CHECK_OK(trial_stop(&t, 1));
    CHECK_INT(t.run.forced, 1);
    CHECK_INT(t.run.stop_grace_ns, 0);
    trial_pass_alive(&t, SECONDS(30));
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void a_paused_run_can_be_stopped(void)
{
    struct trial t;
    if (!trial_open(&t, to_stop))
        return;
    CHECK_OK(trial_place(&t, "a", "A"));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_pause(&t));
    CHECK_OK(trial_stop(&t, 0));
    CHECK_STATUS(trial_resume(&t), ARC_ECONFLICT);
    CHECK_OK(trial_report(&t, "a", ARC_STEP_CANCELLED, 143));
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void success_wins_over_a_later_stop(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs: [{name: a, " STEP "}]\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    CHECK_STATUS(trial_stop(&t, 0), ARC_ECONFLICT);
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static void a_step_may_succeed_after_the_stop(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs: [{name: a, " STEP "}]\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_stop(&t, 0));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_SUCCESS, 0));
    step_is(&t, "a", 0, ARC_STEP_SUCCESS);
    job_is(&t, "a", ARC_JOB_SUCCESS);
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void no_retry_follows_a_stop(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n"
                        "- name: a\n  retry: {maxAttempts: 5}\n  steps:\n"
                        "  - {name: s, run: 'true', retry: {maxAttempts: 5}}\n"
                        "- {name: b, retry: {maxAttempts: 5, delay: 1h}, " STEP "}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "b", ARC_STEP_FAILED));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_stop(&t, 0));
    job_is(&t, "b", ARC_JOB_CANCELLED); /* it waited for its next attempt */
    CHECK_OK(trial_report(&t, "a", ARC_STEP_FAILED, 143));
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

/* --- reports ------------------------------------------------------------------------------------
 */

static void a_stale_report_is_refused(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: a\n  steps:\n"
                        "  - {name: s, run: 'true', retry: {maxAttempts: 2}}\n"))
        return;
    trial_place_all(&t, "A");
    struct arc_report old = trial_make_report(&t, "a", ARC_STEP_SUCCESS);
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    CHECK_INT(trial_step(&t, "a", 0)->attempt, 2);
    int64_t seq = t.run.seq;
    CHECK_STATUS(trial_say(&t, &old), ARC_EPRECONDITION);
    struct arc_report other = trial_make_report(&t, "a", ARC_STEP_SUCCESS);
    other.agent_id = ARC_LIT("B");
    CHECK_STATUS(trial_say(&t, &other), ARC_EPRECONDITION);
    other = trial_make_report(&t, "a", ARC_STEP_SUCCESS);
    other.attempt = 1;
    CHECK_STATUS(trial_say(&t, &other), ARC_EPRECONDITION);
    other = trial_make_report(&t, "a", ARC_STEP_SUCCESS);
    other.fence--;
    CHECK_STATUS(trial_say(&t, &other), ARC_EPRECONDITION);
    other = trial_make_report(&t, "a", ARC_STEP_SKIPPED);
    CHECK_STATUS(trial_say(&t, &other), ARC_EINVAL);
    CHECK_INT(t.run.seq, seq);
    step_is(&t, "a", 0, ARC_STEP_QUEUED);
    trial_close(&t);
}

static void a_report_that_comes_twice_counts_once(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: a\n  steps:\n"
                        "  - {name: s, run: 'true', retry: {maxAttempts: 2, delay: 9s}}\n"
                        "  - {name: e, run: 'true'}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    struct arc_report failed = trial_make_report(&t, "a", ARC_STEP_FAILED);
    CHECK_OK(trial_say(&t, &failed));
    int64_t seq = t.run.seq;
    CHECK_OK(trial_say(&t, &failed)); /* in the delay before the retry */
    CHECK_INT(t.run.seq, seq);
    trial_pass(&t, SECONDS(9));
    struct arc_report good = trial_make_report(&t, "a", ARC_STEP_SUCCESS);
    CHECK_OK(trial_say(&t, &good));
    seq = t.run.seq;
    CHECK_OK(trial_say(&t, &good));
    CHECK_INT(t.run.seq, seq);
    good.status = ARC_STEP_FAILED;
    CHECK_STATUS(trial_say(&t, &good), ARC_ECONFLICT); /* terminal absorbs */
    good.status = ARC_STEP_RUNNING;
    CHECK_OK(trial_say(&t, &good)); /* late */
    CHECK_INT(t.run.seq, seq);
    step_is(&t, "a", 0, ARC_STEP_SUCCESS);
    trial_close(&t);
}

static void an_end_without_a_start_is_both(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs: [{name: a, " STEP "}]\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_SUCCESS, 0));
    CHECK(trial_step(&t, "a", 0)->started_ns != 0);
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static void an_old_agent_reports_without_a_fence(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs: [{name: a, " STEP "}]\n"))
        return;
    trial_place_all(&t, "A");
    struct arc_report report = trial_make_report(&t, "a", ARC_STEP_RUNNING);
    report.fence = 0;
    report.attempt = 0;
    CHECK_OK(trial_say(&t, &report));
    report.agent_id = ARC_LIT("B");
    CHECK_STATUS(trial_say(&t, &report), ARC_EPRECONDITION);
    report.agent_id = ARC_LIT("A");
    report.status = ARC_STEP_SUCCESS;
    CHECK_OK(trial_say(&t, &report));
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static const struct test tests[] = {
    {"a step that takes too long is cancelled and ends as timeout",
     a_step_that_takes_too_long_is_cancelled},
    {"a timeout ends though the agent does not answer", a_silent_agent_ends_a_timeout_too},
    {"a success just after the timeout counts", a_success_just_after_the_timeout_counts},
    {"a step that timed out is retried where its retry says so", a_timed_out_step_is_retried},
    {"a job's timeout is of an attempt", a_job_timeout_is_of_an_attempt},
    {"a run's timeout stops it and fails it", a_run_timeout_stops_and_fails_the_run},
    {"a run's time goes on while nobody takes its jobs",
     a_run_s_time_goes_on_while_nobody_takes_its_jobs},
    {"a job waits in the queue no longer than queueTimeout",
     a_job_waits_in_the_queue_no_longer_than_it_may},
    {"a job that was placed waits anew when it is lost", a_placed_job_has_left_the_queue},
    {"the queue's clock stands still in a pause", the_queue_clock_stands_still_in_a_pause},
    {"the run's clock stands still in a pause", the_run_clock_stands_still_in_a_pause},
    {"in a pause nothing new starts and what runs goes on", nothing_new_starts_in_a_pause},
    {"a step granted before a pause may start in it",
     a_step_granted_before_a_pause_may_start_in_it},
    {"a run can end in a pause", a_run_can_end_in_a_pause},
    {"a retry waits out a pause", a_retry_waits_out_a_pause},
    {"a stop ends at once what nobody holds", a_stop_ends_what_nobody_holds_at_once},
    {"a stop settles though no agent answers", a_stop_settles_though_nobody_answers},
    {"a stop after a timeout ends with the timeout's deadline",
     a_timeout_before_a_stop_does_not_spin},
    {"a lost agent ends a stop early", a_lost_agent_ends_a_stop_early},
    {"force takes the grace away", force_takes_the_grace_away},
    {"a paused run can be stopped", a_paused_run_can_be_stopped},
    {"success wins over a stop that comes later", success_wins_over_a_later_stop},
    {"a step may succeed after the stop; its run is cancelled", a_step_may_succeed_after_the_stop},
    {"no retry follows a stop", no_retry_follows_a_stop},
    {"a stale report is refused and changes nothing", a_stale_report_is_refused},
    {"a report that comes twice counts once", a_report_that_comes_twice_counts_once},
    {"an end that was not begun is both", an_end_without_a_start_is_both},
    {"an old agent reports without a fence if it is the holder",
     an_old_agent_reports_without_a_fence},
};
TEST_MAIN(tests)
