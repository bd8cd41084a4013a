/* SPDX-License-Identifier: Apache-2.0 */
/* Reruns: what runs again, what is kept, and what a kept job means to those that do run. */
#include "trial.h"

#define job_is trial_job_is
#define step_is trial_step_is
#define run_is trial_run_is

#define STEPS "steps: [{name: s, run: 'true'}]"
/* a and b side by side, c after a, d after b; then a stage with e. */
#define TWO_STAGES \
    "namespace: n\nstages:\n- name: one\n  jobs:\n" \
    "  - {name: a, outputs: {what: 'v${{ run.attempt }}'}, " STEPS "}\n" \
    "  - {name: b, " STEPS "}\n" \
    "  - {name: c, dependsOn: [a], " STEPS "}\n" \
    "  - {name: d, dependsOn: [b], " STEPS "}\n" \
    "- name: two\n  jobs:\n" \
    "  - {name: e, dependsOn: [a], " STEPS "}\n"

static void end_all(struct trial *t, const char *failing)
{
    static const char *const jobs[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < ARC_COUNT_OF(jobs); i++) {
        trial_place_all(t, "A");
        if (trial_job(t, jobs[i])->status == ARC_JOB_QUEUED)
            CHECK_OK(trial_run_step(
                t, jobs[i], strcmp(jobs[i], failing) == 0 ? ARC_STEP_FAILED : ARC_STEP_SUCCESS));
    }
}

static void all_runs_every_job_again(void)
{
    struct trial t, again;
    if (!trial_open(&t, TWO_STAGES))
        return;
    end_all(&t, "");
    run_is(&t, ARC_RUN_SUCCESS);
    if (CHECK_OK(trial_open_rerun(&again, &t, ARC_RERUN_ALL, NULL))) {
        CHECK_TEXT(again.run.birth->rerun_of, t.run.id.text);
        CHECK_INT(again.run.birth->attempt, 2);
        CHECK_INT(again.run.jobs_open, 5);
        end_all(&again, "");
        CHECK_TEXT(trial_job(&again, "a")->outputs, "{\"what\":\"v2\"}");
        run_is(&again, ARC_RUN_SUCCESS);
    }
    trial_close(&again);
    trial_close(&t);
}

static void failed_keeps_what_went_well_and_its_outputs(void)
{
    struct trial t, again;
    if (!trial_open(&t, TWO_STAGES))
        return;
    end_all(&t, "b");
    run_is(&t, ARC_RUN_FAILED);
    job_is(&t, "d", ARC_JOB_SKIPPED);
    if (CHECK_OK(trial_open_rerun(&again, &t, ARC_RERUN_FAILED, NULL))) {
        job_is(&again, "a", ARC_JOB_SUCCESS);
        job_is(&again, "c", ARC_JOB_SUCCESS);
        step_is(&again, "a", 0, ARC_STEP_SKIPPED);
        CHECK_TEXT(trial_job(&again, "a")->outputs, "{\"what\":\"v1\"}");
        CHECK_TEXT(trial_job(&again, "a")->reason, "Kept from run RUN.");
        CHECK_TEXT(trial_step(&again, "a", 0)->reason, "Kept from run RUN.");
        job_is(&again, "b", ARC_JOB_QUEUED);
        job_is(&again, "d", ARC_JOB_PENDING);
        job_is(&again, "e", ARC_JOB_PENDING);
        CHECK_INT(again.run.jobs_open, 3);
        end_all(&again, "");
        job_is(&again, "e", ARC_JOB_SUCCESS);
        run_is(&again, ARC_RUN_SUCCESS);
    }
    trial_close(&again);
    trial_close(&t);
}

static void from_a_job_runs_what_follows_it_and_later_stages(void)
{
    struct trial t, again;
    if (!trial_open(&t, TWO_STAGES))
        return;
    end_all(&t, "b");
    if (CHECK_OK(trial_open_rerun(&again, &t, ARC_RERUN_FROM, "c"))) {
        job_is(&again, "a", ARC_JOB_SUCCESS);
        job_is(&again, "b", ARC_JOB_FAILED); /* above the cut: kept as it was */
        job_is(&again, "c", ARC_JOB_QUEUED);
        job_is(&again, "d", ARC_JOB_SKIPPED);
        job_is(&again, "e", ARC_JOB_PENDING);
        end_all(&again, "");
        job_is(&again, "e", ARC_JOB_SKIPPED); /* its stage follows what failed */
        run_is(&again, ARC_RUN_FAILED);
    }
    trial_close(&again);
    trial_close(&t);
}

static void a_job_of_a_later_stage_runs_alone(void)
{
    struct trial t, again;
    if (!trial_open(&t, TWO_STAGES))
        return;
    end_all(&t, "e");
    if (CHECK_OK(trial_open_rerun(&again, &t, ARC_RERUN_FROM, "e"))) {
        CHECK_INT(again.run.jobs_open, 1);
        job_is(&again, "e", ARC_JOB_QUEUED);
        end_all(&again, "");
        run_is(&again, ARC_RUN_SUCCESS);
    }
    trial_close(&again);
    trial_close(&t);
}

static void a_run_that_has_not_ended_is_not_run_again(void)
{
    struct trial t, again;
    if (!trial_open(&t, TWO_STAGES))
        return;
    CHECK_STATUS(trial_open_rerun(&again, &t, ARC_RERUN_ALL, NULL), ARC_ECONFLICT);
    CHECK_TEXT(arc__slice_cstr(again.err.message),
               "The run is pending: only a run that has ended can be run again.");
    trial_close(&again);
    trial_close(&t);
}

static void nothing_failed_and_no_such_job_are_refused(void)
{
    struct trial t, again;
    if (!trial_open(&t, TWO_STAGES))
        return;
    end_all(&t, "");
    CHECK_STATUS(trial_open_rerun(&again, &t, ARC_RERUN_FAILED, NULL), ARC_ECONFLICT);
    trial_close(&again);
    CHECK_STATUS(trial_open_rerun(&again, &t, ARC_RERUN_FROM, "f"), ARC_ENOTFOUND);
    CHECK_TEXT(arc__slice_cstr(again.err.message), "The run has no job f.");
    trial_close(&again);
    trial_close(&t);
}

static const struct test tests[] = {
    {"`all` runs every job again", all_runs_every_job_again},
    {"`failed` keeps what went well, and its outputs", failed_keeps_what_went_well_and_its_outputs},
    {"`from` runs what follows the job, and the later stages",
     from_a_job_runs_what_follows_it_and_later_stages},
    {"a job of a later stage runs alone", a_job_of_a_later_stage_runs_alone},
    {"a run that has not ended is not run again", a_run_that_has_not_ended_is_not_run_again},
    {"nothing failed, and no such job, are refused", nothing_failed_and_no_such_job_are_refused},
};
TEST_MAIN(tests)
