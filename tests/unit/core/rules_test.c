/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of docs/RULES.md that stand between the rooms of the other tests. */
#include "trial.h"

#include <stdio.h>

#define STEP "steps: [{name: s, run: 'true'}]"

/* --- retries ------------------------------------------------------------------------- */

static void no_end_of(const struct trial *t, int job, int step)
{
    for (size_t i = 0; i < t->d.count; i++) {
        const struct arc_event *event = t->d.events[i];
        if (event->job == job && event->step == step)
            CHECK(!arc_step_state_is_terminal(event->state));
    }
}

/* The states of jobs and steps are numbered alike. */
static void an_attempt_with_budget_left_passes_no_end(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- name: j\n  retry: {maxAttempts: 2}\n  steps:\n"
                        "  - {name: own, retry: {maxAttempts: 2}, run: x}\n"
                        "  - {name: plain, run: x}\n"))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    CHECK_INT(t.d.events[0]->type, ARC_EVENT_STEP_RETRYING);
    CHECK_INT(t.d.events[0]->previous, ARC_STEP_RUNNING);
    CHECK_INT(t.d.events[0]->state, ARC_STEP_PENDING);
    no_end_of(&t, 0, 0);
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    CHECK_INT(t.d.events[1]->type, ARC_EVENT_JOB_RETRYING);
    CHECK_INT(t.d.events[1]->previous, ARC_JOB_RUNNING);
    CHECK_INT(t.d.events[1]->state, ARC_JOB_PENDING);
    no_end_of(&t, 0, -1);
    trial_close(&t);
}

/* --- stop ---------------------------------------------------------------------------- */

static const char every_word[] =
    "namespace: n\njobs:\n- name: j\n  steps:\n  - {name: s, run: x}\n"
    "  - {name: a, when: always(), run: x}\n  - {name: c, when: cancelled(), run: x}\n"
    "  finally:\n  - {name: f, when: cancelled(), run: x}\n  - {name: g, when: failure(), run: x}\n"
    "- {name: k, dependsOn: [j], when: always(), " STEP "}\n"
    "- {name: l, dependsOn: [j], when: cancelled(), " STEP "}\n";

static void after_a_stop_nothing_starts_whatever_its_when(void)
{
    struct trial t;
    if (!trial_open(&t, every_word))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "j", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_stop(&t, 0));
    CHECK_OK(trial_report(&t, "j", ARC_STEP_CANCELLED, 0));
    trial_step_is(&t, "j", 1, ARC_STEP_CANCELLED);
    trial_step_is(&t, "j", 2, ARC_STEP_CANCELLED);
    trial_step_is(&t, "j", 3, ARC_STEP_QUEUED); /* of `finally`, and the run is being stopped */
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    trial_step_is(&t, "j", 4, ARC_STEP_SKIPPED);
    trial_job_is(&t, "k", ARC_JOB_CANCELLED);
    trial_job_is(&t, "l", ARC_JOB_CANCELLED);
    trial_run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void a_stop_says_who_why_when(void)
{
    struct trial t;
    if (!trial_open(&t, every_word))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "j", ARC_STEP_RUNNING, 0));
    CHECK_OK(trial_stop(&t, 0));
    const struct arc_event *asked = t.d.events[0];
    CHECK_INT(asked->type, ARC_EVENT_PIPELINE_STOPPING);
    CHECK_TEXT(asked->actor, "who");
    CHECK_TEXT(asked->reason, "Stopped by who.");
    CHECK_INT(asked->time_ns, t.now.wall_ns);
    CHECK_INT(asked->grace_ns, SECONDS(10));
    struct arc_cancel_terms terms = arc__cancel_terms(&t.rules, &t.run, 0);
    CHECK_TEXT(terms.reason, "Stopped by who.");
    CHECK_INT(terms.grace_ns, SECONDS(10));
    CHECK_INT(terms.force, 0);
    trial_pass_alive(&t, SECONDS(900)); /* its holder never answers, `finally` neither */
    trial_run_is(&t, ARC_RUN_CANCELLED);
    CHECK_TEXT(t.run.reason, "Stopped by who.");
    CHECK_TEXT(trial_step(&t, "j", 0)->reason, "Stopped by who.");
    CHECK_TEXT(trial_job(&t, "k")->reason, "Stopped by who.");
    trial_close(&t);
}

static void what_was_cancelled_in_the_queue_never_starts(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\njobs:\n- {name: a, " STEP "}\n- {name: b, " STEP "}\n"))
        return;
    CHECK_OK(trial_cancel_job(&t, "a", 0));
    CHECK_STATUS(trial_place(&t, "a", "A"), ARC_ECONFLICT);
    CHECK_OK(trial_place(&t, "b", "A"));
    struct arc_report late = trial_make_report(&t, "b", ARC_STEP_RUNNING);
    CHECK_OK(trial_cancel_step(&t, "b", 0, 1));
    CHECK_OK(trial_stop(&t, 1));
    trial_pass_alive(&t, SECONDS(40));
    trial_run_is(&t, ARC_RUN_CANCELLED);
    (void)trial_say(&t, &late); /* whatever is answered, nothing moves */
    trial_step_is(&t, "b", 0, ARC_STEP_CANCELLED);
    CHECK_INT(trial_step(&t, "b", 0)->started_ns, 0);
    trial_close(&t);
}

/* --- gates --------------------------------------------------------------------------- */

static void an_approval_not_required_is_no_gate(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\napproval: {required: false}\nstages:\n- name: one\n"
                        "  approval: {required: false}\n  jobs:\n"
                        "  - {name: a, approval: {required: false}, " STEP "}\n"))
        return;
    CHECK_INT(t.run.plan->gate_count, 0);
    trial_job_is(&t, "a", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void who_waits_at_a_gate_is_pending(void)
{
    struct trial t;
    if (!trial_open(&t, "namespace: n\napproval: {timeout: 1h}\nstages:\n"
                        "- {name: one, jobs: [{name: a, " STEP "}]}\n"
                        "- {name: two, approval: {timeout: 1h}, jobs: [{name: b, " STEP "}]}\n"
                        "- {name: three, jobs: [{name: c, approval: {timeout: 1h}, " STEP "}]}\n"))
        return;
    static const char *const names[] = {"a", "b", "c"};
    for (uint32_t gate = 1; gate <= 3; gate++) {
        const char *job = names[gate - 1];
        trial_run_is(&t, gate == 1 ? ARC_RUN_PENDING : ARC_RUN_RUNNING);
        trial_job_is(&t, job, ARC_JOB_PENDING);
        CHECK_STATUS(trial_place(&t, job, "A"), ARC_ECONFLICT);
        CHECK_INT(trial_job(&t, job)->agent_id.len, 0);
        CHECK_OK(trial_approve(&t, gate, "ann"));
        CHECK_OK(trial_place(&t, job, "A"));
        CHECK_OK(trial_run_step(&t, job, ARC_STEP_SUCCESS));
    }
    trial_run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

/* --- inserted steps ------------------------------------------------------------------ */

static const char inserted[] =
    "namespace: n\njobs:\n- name: j\n  timeout: 60s\n  source: {type: git, repo: r}\n  " STEP "\n"
    "  finally: [{name: f, run: 'true'}]\n  artifacts: [{name: out, path: out/*}]\n";

static void inserted_steps_are_step_runs(void)
{
    static const char *const names[] = {"(source)", "s", "f", "(artifacts)"};
    struct trial t;
    if (!trial_open(&t, inserted))
        return;
    CHECK_INT(t.run.plan->jobs[0].step_count, ARC_COUNT_OF(names));
    trial_place_all(&t, "A");
    for (uint32_t s = 0; s < t.run.plan->jobs[0].step_count; s++) {
        CHECK_TEXT(t.run.plan->jobs[0].steps[s].name, names[s]);
        CHECK(trial_step(&t, "j", s)->id.text[0] != '\0');
        trial_step_is(&t, "j", s, ARC_STEP_QUEUED);
        CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    }
    trial_run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static void artifacts_are_collected_whatever_the_result(void)
{
    struct trial t;
    if (!trial_open(&t, inserted))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_FAILED)); /* of `finally` */
    trial_step_is(&t, "j", 3, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    trial_job_is(&t, "j", ARC_JOB_FAILED);
    trial_close(&t);
    if (!trial_open(&t, inserted))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "j", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(61));
    CHECK_OK(trial_report(&t, "j", ARC_STEP_CANCELLED, 0));
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS)); /* of `finally` */
    trial_step_is(&t, "j", 3, ARC_STEP_QUEUED);
    CHECK_OK(trial_run_step(&t, "j", ARC_STEP_SUCCESS));
    trial_job_is(&t, "j", ARC_JOB_TIMEOUT);
    trial_close(&t);
}

static const struct test tests[] = {
    {"an attempt with budget left passes through no end",
     an_attempt_with_budget_left_passes_no_end},
    {"after a stop nothing starts, whatever its `when`",
     after_a_stop_nothing_starts_whatever_its_when},
    {"a stop says who, why, when and with what grace", a_stop_says_who_why_when},
    {"what was cancelled in the queue never starts", what_was_cancelled_in_the_queue_never_starts},
    {"an approval that is not required is no gate", an_approval_not_required_is_no_gate},
    {"who waits at a gate is pending and holds no agent", who_waits_at_a_gate_is_pending},
    {"inserted steps are step runs like others", inserted_steps_are_step_runs},
    {"artifacts are collected whatever the result", artifacts_are_collected_whatever_the_result},
};
TEST_MAIN(tests)
