/* SPDX-License-Identifier: Apache-2.0 */
/* What a run comes to: the first that fits of stopped, out of time or refused at a gate, failed,
 * cancelled, partial, success. */
#include "trial.h"

#include <stdio.h>

#define STEP "steps: [{name: s, run: 'true'}]"

/* Four jobs: one as it comes, one that may fail, and the same of two that do not wait long. */
static const char four[] = "namespace: n\ntimeout: 100s\njobs:\n- {name: a, " STEP "}\n"
                           "- {name: p, continueOnError: true, " STEP "}\n"
                           "- {name: q, queueTimeout: 10s, " STEP "}\n"
                           "- {name: w, queueTimeout: 10s, continueOnError: true, " STEP "}\n";
static const char *const names[] = {"a", "p", "q", "w"};

/* s(uccess), f(ailed), c(ancelled); t(imeout): nobody takes it. */
static void end_jobs(struct trial *t, const char *ends)
{
    for (size_t i = 0; ends[i] != '\0'; i++) {
        if (ends[i] == 'c')
            CHECK_OK(trial_cancel_job(t, names[i], 0));
        if (ends[i] != 's' && ends[i] != 'f')
            continue;
        CHECK_OK(trial_place(t, names[i], "A"));
        CHECK_OK(trial_run_step(t, names[i], ends[i] == 's' ? ARC_STEP_SUCCESS : ARC_STEP_FAILED));
    }
    if (strchr(ends, 't') != NULL)
        trial_pass(t, SECONDS(11));
}

static void the_first_that_fits(void)
{
    static const struct {
        const char *ends;
        int result;
        const char *reason;
    } cases[] = {
        {"ssss", ARC_RUN_SUCCESS, ""},
        {"fsss", ARC_RUN_FAILED, "Job a ended failed."},
        {"ssts", ARC_RUN_FAILED, "Job q ended timeout."},
        {"sfss", ARC_RUN_PARTIAL, "Job p ended failed."},
        {"ssst", ARC_RUN_PARTIAL, "Job w ended timeout."},
        {"csss", ARC_RUN_CANCELLED, "Job a ended cancelled."},
        {"scss", ARC_RUN_CANCELLED, "Job p ended cancelled."},
        {"cfss", ARC_RUN_CANCELLED, "Job a ended cancelled."},
        {"fcss", ARC_RUN_FAILED, "Job a ended failed."},
        {"fsst", ARC_RUN_FAILED, "Job a ended failed."},
        {"cfts", ARC_RUN_FAILED, "Job q ended timeout."},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct trial t;
        if (!trial_open(&t, four))
            return;
        end_jobs(&t, cases[i].ends);
        if (!trial_run_is(&t, cases[i].result) || !CHECK_TEXT(t.run.reason, cases[i].reason))
            printf("# %s\n", cases[i].ends);
        trial_close(&t);
    }
}

static void a_stop_comes_before_everything(void)
{
    struct trial t;
    if (!trial_open(&t, four))
        return;
    end_jobs(&t, "fsc");
    CHECK_OK(trial_stop(&t, 0));
    trial_run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void the_timeout_of_the_run_comes_before_its_jobs(void)
{
    struct trial t;
    if (!trial_open(&t, four))
        return;
    end_jobs(&t, "csf");
    CHECK_OK(trial_place(&t, "w", "A"));
    CHECK_OK(trial_report(&t, "w", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(101));
    CHECK_OK(trial_report(&t, "w", ARC_STEP_CANCELLED, 0));
    trial_run_is(&t, ARC_RUN_FAILED);
    CHECK_TEXT(t.run.reason, "The run ran into its timeout.");
    trial_close(&t);
}

/* One gate, before job q. */
static const char gated[] = "namespace: n\njobs:\n- {name: a, " STEP "}\n"
                            "- {name: q, approval: {timeout: 0}, " STEP "}\n";

static void a_refusal_at_a_gate_comes_before_the_jobs(void)
{
    struct trial t;
    if (!trial_open(&t, gated))
        return;
    CHECK_OK(trial_reject(&t, 1, "ann", "no"));
    end_jobs(&t, "f");
    trial_run_is(&t, ARC_RUN_FAILED);
    CHECK_TEXT(t.run.reason, "Rejected before job q by ann: no");
    trial_close(&t);
}

static void a_stop_comes_before_a_refusal_at_a_gate(void)
{
    struct trial t;
    if (!trial_open(&t, gated))
        return;
    CHECK_OK(trial_reject(&t, 1, "ann", "no"));
    CHECK_OK(trial_stop(&t, 0));
    trial_run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

/* The first cell fails, which is what counts; the second is cut off by it. */
static void cells_cut_off_by_fail_fast_do_not_count(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: m\n  matrix: {os: [a, b]}\n  " STEP "\n"))
        return;
    CHECK_OK(trial_place(&t, "m[os=a]", "A"));
    CHECK_OK(trial_run_step(&t, "m[os=a]", ARC_STEP_FAILED));
    trial_job_is(&t, "m[os=b]", ARC_JOB_CANCELLED);
    trial_run_is(&t, ARC_RUN_FAILED);
    CHECK_TEXT(t.run.reason, "Job m[os=a] ended failed.");
    trial_close(&t);
}

static const struct test tests[] = {
    {"a run's result is the first that fits", the_first_that_fits},
    {"a stop comes before everything else", a_stop_comes_before_everything},
    {"the run's timeout comes before what its jobs say",
     the_timeout_of_the_run_comes_before_its_jobs},
    {"a refusal at a gate comes before what jobs say", a_refusal_at_a_gate_comes_before_the_jobs},
    {"a stop comes before a refusal at a gate", a_stop_comes_before_a_refusal_at_a_gate},
    {"cells cut off by failFast do not count in the result",
     cells_cut_off_by_fail_fast_do_not_count},
};
TEST_MAIN(tests)
