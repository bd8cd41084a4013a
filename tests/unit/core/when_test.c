/* SPDX-License-Identifier: Apache-2.0 */
/* What runs after what: every way in which something may end, against every word of `when`, for
 * jobs, for stages and for steps. */
#include "trial.h"

#include <stdio.h>

#define STEP "steps: [{name: s, run: 'true'}]"
#define YAML_MAX 1024

enum word { DEFAULT, SUCCESS, FAILURE, ALWAYS, CANCELLED, EITHER, NEITHER, PLAIN, WORD_COUNT };
static const char *const words[WORD_COUNT] = {
    [DEFAULT] = "",
    [SUCCESS] = ", when: success()",
    [FAILURE] = ", when: failure()",
    [ALWAYS] = ", when: always()",
    [CANCELLED] = ", when: cancelled()",
    [EITHER] = ", when: success() || failure()",
    [NEITHER] = ", when: '!success()'",
    [PLAIN] = ", when: run.attempt == 1", /* no word of its own: success() as well */
};

/* How something ends, and a letter for each word: what stands behind it r(uns) or is s(kipped). */
struct end {
    const char *name, *keys;
    int root, step; /* what the job before it, and its own step, report; 0: nothing is placed */
    int cancelled;
    const char *runs;
};

static const struct end job_ends[] = {
    {"success", "", ARC_STEP_SUCCESS, ARC_STEP_SUCCESS, 0, "rrsrsrsr"},
    {"failed", "", ARC_STEP_SUCCESS, ARC_STEP_FAILED, 0, "ssrrsrrs"},
    {"failed, continueOnError", ", continueOnError: true", ARC_STEP_SUCCESS, ARC_STEP_FAILED, 0,
     "rrrrsrsr"},
    {"timeout", ", queueTimeout: 1s", ARC_STEP_SUCCESS, 0, 0, "ssrrsrrs"},
    {"timeout, continueOnError", ", queueTimeout: 1s, continueOnError: true", ARC_STEP_SUCCESS, 0,
     0, "rrrrsrsr"},
    {"cancelled", "", ARC_STEP_SUCCESS, 0, 1, "sssrssrs"},
    {"skipped by its own `when`", ", when: failure()", ARC_STEP_SUCCESS, 0, 0, "rrsrsrsr"},
    {"skipped because of a failure", "", ARC_STEP_FAILED, 0, 0, "ssrrsrrs"},
};

static int end_them(struct trial *t, const struct end *end)
{
    (void)trial_place(t, "r", "A");
    int fine = CHECK_OK(trial_run_step(t, "r", end->root));
    if (end->cancelled) {
        fine &= CHECK_OK(trial_cancel_job(t, "d", 0));
    } else if (end->step != 0) {
        fine &= CHECK_OK(trial_place(t, "d", "A")) && CHECK_OK(trial_run_step(t, "d", end->step));
    } else {
        trial_pass(t, SECONDS(2));
    }
    return fine;
}

static void check_runs(const struct trial *t, const char *job, const struct end *end,
                       enum word word)
{
    int want = end->runs[word] == 'r' ? ARC_JOB_QUEUED : ARC_JOB_SKIPPED;
    if (!trial_job_is(t, job, want))
        printf("# %s, %s, after: %s\n", job, words[word], end->name);
}

static void jobs_run_as_their_when_says(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(job_ends); i++) {
        for (int word = 0; word < WORD_COUNT; word++) {
            struct trial t;
            char yaml[YAML_MAX];
            (void)snprintf(yaml, sizeof(yaml),
                           "namespace: n\njobs:\n- {name: r, " STEP "}\n"
                           "- {name: d, dependsOn: [r], " STEP "%s}\n"
                           "- {name: x, dependsOn: [d], " STEP "%s}\n",
                           job_ends[i].keys, words[word]);
            if (!trial_open(&t, yaml))
                return;
            trial_job_is(&t, "x", ARC_JOB_PENDING); /* decided when d has ended, not before */
            if (end_them(&t, &job_ends[i]))
                check_runs(&t, "x", &job_ends[i], (enum word)word);
            trial_close(&t);
        }
    }
}

/* The same of a stage: what its `when` says holds for all its jobs, whatever theirs. */
static void stages_run_as_their_when_says(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(job_ends); i++) {
        for (int word = 0; word < WORD_COUNT; word++) {
            struct trial t;
            char yaml[YAML_MAX];
            (void)snprintf(yaml, sizeof(yaml),
                           "namespace: n\nstages:\n- name: one\n  jobs:\n"
                           "  - {name: r, " STEP "}\n  - {name: d, dependsOn: [r], " STEP "%s}\n"
                           "- {name: two, jobs: [{name: x, " STEP "},"
                           " {name: y, when: always(), " STEP "}]%s}\n",
                           job_ends[i].keys, words[word]);
            if (!trial_open(&t, yaml))
                return;
            if (end_them(&t, &job_ends[i])) {
                check_runs(&t, "x", &job_ends[i], (enum word)word);
                check_runs(&t, "y", &job_ends[i], (enum word)word);
            }
            trial_close(&t);
        }
    }
}

/* The edge of b names a need; whether b runs is between its stage and the stages before. */
static void an_edge_to_an_earlier_stage_does_not_decide(void)
{
    struct trial t;
    if (!trial_open(&t,
                    "namespace: n\nstages:\n- {name: one, jobs: [{name: a, " STEP "}]}\n"
                    "- name: two\n  when: always()\n  jobs:\n"
                    "  - {name: b, dependsOn: [a], " STEP "}\n"
                    "  - {name: c, dependsOn: [a], when: needs.a.result == 'failed', " STEP "}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    trial_job_is(&t, "b", ARC_JOB_QUEUED);
    trial_job_is(&t, "c", ARC_JOB_QUEUED);
    trial_close(&t);
}

static const struct end step_ends[] = {
    {"success", "", 0, ARC_STEP_SUCCESS, 0, "rrsrsrsr"},
    {"failed", "", 0, ARC_STEP_FAILED, 0, "ssrrsrrs"},
    {"failed, continueOnError", ", continueOnError: true", 0, ARC_STEP_FAILED, 0, "rrsrsrsr"},
    {"timeout", "", 0, ARC_STEP_TIMEOUT, 0, "ssrrsrrs"},
    {"cancelled", "", 0, ARC_STEP_CANCELLED, 1, "sssrssrs"},
    {"skipped by its own `when`", ", when: failure()", 0, 0, 0, "rrsrsrsr"},
};

static void steps_run_as_their_when_says(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(step_ends); i++) {
        for (int word = 0; word < WORD_COUNT; word++) {
            struct trial t;
            char yaml[YAML_MAX];
            const struct end *end = &step_ends[i];
            (void)snprintf(yaml, sizeof(yaml),
                           "namespace: n\njobs:\n- name: j\n  steps:\n"
                           "  - {name: s, run: 'true'%s}\n  - {name: x, run: 'true'%s}\n",
                           end->keys, words[word]);
            if (!trial_open(&t, yaml))
                return;
            trial_place_all(&t, "A");
            if (end->cancelled)
                CHECK_OK(trial_cancel_step(&t, "j", 0, 0));
            if (end->step != 0)
                CHECK_OK(trial_run_step(&t, "j", end->step));
            if (!trial_step_is(&t, "j", 1,
                               end->runs[word] == 'r' ? ARC_STEP_QUEUED : ARC_STEP_SKIPPED))
                printf("# %s after: %s\n", words[word], end->name);
            trial_close(&t);
        }
    }
}

/* continueOnError is looked at when nothing is left of the retry. */
static void continue_on_error_comes_after_the_retries(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: j\n  steps:\n"
                        "  - {name: s, continueOnError: true, retry: {maxAttempts: 2}, run: x}\n"
                        "  - {name: fix, when: failure(), run: x}\n"
                        "  - {name: next, run: x}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    trial_step_is(&t, "j", 0, ARC_STEP_QUEUED); /* again */
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    trial_step_is(&t, "j", 0, ARC_STEP_FAILED);
    trial_step_is(&t, "j", 1, ARC_STEP_SKIPPED);
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    trial_job_is(&t, "j", ARC_JOB_SUCCESS);
    trial_run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static const struct test tests[] = {
    {"after every end of a job each `when` says who runs", jobs_run_as_their_when_says},
    {"after every end of a job each stage's `when` is for all", stages_run_as_their_when_says},
    {"an edge to an earlier stage names a need, no condition",
     an_edge_to_an_earlier_stage_does_not_decide},
    {"after every end of a step each `when` says who runs", steps_run_as_their_when_says},
    {"continueOnError is looked at after the retries", continue_on_error_comes_after_the_retries},
};
TEST_MAIN(tests)
