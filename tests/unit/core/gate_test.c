/* SPDX-License-Identifier: Apache-2.0 */
/* Gates: who is asked when, who may answer, and what an answer or silence does. */
#include "trial.h"

#define job_is trial_job_is
#define step_is trial_step_is
#define run_is trial_run_is

#define STEP "steps: [{name: s, run: 'true'}]"

static struct arc_plan_gate gate;
static const arc_slice approvers[] = {{"ann", 3}, {"bob", 3}};

/* One gate, before whatever `gate` says. */
static void patch(struct arc_plan *plan)
{
    struct arc_plan_job *jobs = (struct arc_plan_job *)(uintptr_t)plan->jobs;
    struct arc_plan_stage *stages = (struct arc_plan_stage *)(uintptr_t)plan->stages;
    plan->gates = &gate;
    plan->gate_count = 1;
    if (gate.guards == ARC_GATE_PIPELINE)
        plan->gate = 1;
    else if (gate.guards == ARC_GATE_STAGE)
        stages[gate.index].gate = 1;
    else
        jobs[gate.index].gate = 1;
}

static const char two_stages[] =
    "namespace: n\nstages:\n"
    "- {name: build, jobs: [{name: a, " STEP "}]}\n"
    "- {name: ship, jobs: [{name: b, " STEP "}, {name: c, " STEP "}]}\n";
static const char two_jobs[] = "namespace: n\njobs:\n- {name: a, " STEP "}\n"
                               "- {name: b, " STEP "}\n"
                               "- {name: c, dependsOn: [b], " STEP "}\n";

static int open_gated(struct trial *t, const char *yaml, enum arc_gate_guards guards,
                      uint32_t index)
{
    gate.guards = guards;
    gate.index = index;
    return trial_open_patched(t, yaml, patch);
}

static void plain_gate(void)
{
    gate = (struct arc_plan_gate){.count = 1, .timeout_ns = SECONDS(3600)};
}

static void before_the_pipeline_nothing_starts(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_stages, ARC_GATE_PIPELINE, 0))
        return;
    job_is(&t, "a", ARC_JOB_PENDING);
    run_is(&t, ARC_RUN_PENDING);
    trial_why_is(&t, "a", "It waits for approval before the pipeline.");
    CHECK_TEXT(arc__run_why(&t.run, &t.arena), "It waits for approval before the pipeline.");
    CHECK_OK(trial_approve(&t, 1, "ann"));
    job_is(&t, "a", ARC_JOB_QUEUED);
    CHECK_TEXT(arc__run_why(&t.run, &t.arena), "");
    trial_close(&t);
}

static void before_a_stage_its_jobs_wait(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_stages, ARC_GATE_STAGE, 1))
        return;
    CHECK_INT(t.run.gates[0].status, ARC_GATE_IDLE); /* asked for when its turn comes */
    trial_why_is(&t, "b", "It waits for stage build.");
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "b", ARC_JOB_PENDING);
    job_is(&t, "c", ARC_JOB_PENDING);
    run_is(&t, ARC_RUN_RUNNING);
    CHECK_OK(trial_approve(&t, 1, "ann"));
    job_is(&t, "b", ARC_JOB_QUEUED);
    job_is(&t, "c", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void before_a_job_the_others_go_on(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_jobs, ARC_GATE_JOB, 1))
        return;
    job_is(&t, "a", ARC_JOB_QUEUED);
    job_is(&t, "b", ARC_JOB_PENDING);
    trial_why_is(&t, "b", "It waits for approval before job b.");
    CHECK_OK(trial_approve(&t, 1, "ann"));
    job_is(&t, "b", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void a_skipped_stage_asks_nobody(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_stages, ARC_GATE_STAGE, 1))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    CHECK_INT(t.run.gates[0].status, ARC_GATE_IDLE);
    job_is(&t, "b", ARC_JOB_SKIPPED);
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_rejection_skips_and_fails(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_jobs, ARC_GATE_JOB, 1))
        return;
    CHECK_OK(trial_reject(&t, 1, "bob", "not on a Friday"));
    job_is(&t, "b", ARC_JOB_SKIPPED);
    CHECK_TEXT(trial_job(&t, "b")->reason, "Rejected before job b by bob: not on a Friday");
    job_is(&t, "c", ARC_JOB_SKIPPED);
    CHECK_TEXT(trial_job(&t, "c")->reason, "Job b was skipped.");
    trial_place_all(&t, "A"); /* what it did not guard runs to its end */
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_FAILED);
    CHECK_TEXT(t.run.reason, "Rejected before job b by bob: not on a Friday");
    trial_close(&t);
}

static void silence_is_a_rejection(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_jobs, ARC_GATE_PIPELINE, 0))
        return;
    trial_pass(&t, SECONDS(3599));
    run_is(&t, ARC_RUN_PENDING);
    trial_pass(&t, SECONDS(1));
    CHECK_INT(t.run.gates[0].status, ARC_GATE_EXPIRED);
    job_is(&t, "a", ARC_JOB_SKIPPED);
    run_is(&t, ARC_RUN_FAILED);
    CHECK_TEXT(t.run.reason, "Nobody approved the pipeline in time.");
    trial_close(&t);
}

static void silence_may_be_consent(void)
{
    struct trial t;
    plain_gate();
    gate.approve_on_timeout = 1;
    if (!open_gated(&t, two_jobs, ARC_GATE_PIPELINE, 0))
        return;
    trial_pass(&t, SECONDS(3600));
    CHECK_INT(t.run.gates[0].status, ARC_GATE_APPROVED);
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void its_clock_runs_on_while_paused(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_jobs, ARC_GATE_JOB, 1))
        return;
    CHECK_OK(trial_pause(&t));
    trial_pass(&t, SECONDS(3600));
    CHECK_INT(t.run.gates[0].status, ARC_GATE_EXPIRED);
    job_is(&t, "b", ARC_JOB_PENDING); /* nothing moves in a pause */
    CHECK_OK(trial_resume(&t));
    job_is(&t, "b", ARC_JOB_SKIPPED);
    trial_close(&t);
}

static void the_run_does_not_pay_for_the_waiting(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t,
                    "namespace: n\ntimeout: 100s\nstages:\n"
                    "- {name: build, jobs: [{name: a, " STEP "}]}\n"
                    "- {name: ship, jobs: [{name: b, " STEP "}]}\n",
                    ARC_GATE_STAGE, 1))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(60));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_SUCCESS, 0));
    trial_pass(&t, SECONDS(500));
    CHECK_OK(trial_pause(&t)); /* and a pause within it counts once */
    trial_pass(&t, SECONDS(500));
    CHECK_OK(trial_approve(&t, 1, "ann"));
    trial_pass(&t, SECONDS(100));
    CHECK_OK(trial_resume(&t));
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "b", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(39));
    run_is(&t, ARC_RUN_RUNNING);
    CHECK_INT(t.run.stopping, 0);
    trial_pass_alive(&t, SECONDS(1));
    CHECK_INT(t.run.stopping, 1);
    trial_close(&t);
}

static void as_many_as_count_must_approve(void)
{
    struct trial t;
    plain_gate();
    gate.count = 2;
    if (!open_gated(&t, two_jobs, ARC_GATE_PIPELINE, 0))
        return;
    CHECK_OK(trial_approve(&t, 1, "ann"));
    size_t events = t.events;
    CHECK_OK(trial_approve(&t, 1, "ann")); /* one voice, however often */
    CHECK_INT((long long)t.events, (long long)events);
    CHECK_TEXT(arc__run_why(&t.run, &t.arena),
               "It waits for approval before the pipeline (1 of 2 given).");
    job_is(&t, "a", ARC_JOB_PENDING);
    CHECK_OK(trial_approve(&t, 1, "bob"));
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void only_approvers_may(void)
{
    struct trial t;
    plain_gate();
    gate.approvers = approvers;
    gate.approver_count = 2;
    if (!open_gated(&t, two_jobs, ARC_GATE_PIPELINE, 0))
        return;
    CHECK_STATUS(trial_approve(&t, 1, "eve"), ARC_EDENIED);
    CHECK_STATUS(trial_reject(&t, 1, "eve", ""), ARC_EDENIED);
    job_is(&t, "a", ARC_JOB_PENDING);
    CHECK_OK(trial_approve(&t, 1, "bob"));
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void an_automatic_gate_is_its_plugins(void)
{
    struct trial t;
    struct arc_say said = {.gate = 1, .approve = 1, .actor = ARC_LIT("ann")};
    plain_gate();
    gate.automatic = 1;
    gate.plugin = ARC_LIT("scan");
    gate.count = 2; /* of people; the plugin is one */
    if (!open_gated(&t, two_jobs, ARC_GATE_JOB, 1))
        return;
    trial_why_is(&t, "b", "It waits for the plugin scan to decide before job b.");
    CHECK_STATUS(trial_gate(&t, &said), ARC_EDENIED);
    CHECK_INT(t.run.gates[0].status, ARC_GATE_WAITING);
    said.plugin = 1;
    said.actor = ARC_LIT("scan");
    CHECK_OK(trial_gate(&t, &said));
    job_is(&t, "b", ARC_JOB_QUEUED);
    trial_close(&t);
    plain_gate();
    if (!open_gated(&t, two_jobs, ARC_GATE_JOB, 1))
        return;
    CHECK_STATUS(trial_gate(&t, &said), ARC_EDENIED); /* people decide at this one */
    trial_close(&t);
}

static void an_override_is_enough_alone(void)
{
    struct trial t;
    const struct arc_say said = {.gate = 1,
                                 .approve = 1,
                                 .override = 1,
                                 .actor = ARC_LIT("eve"),
                                 .comment = ARC_LIT("mine")};
    plain_gate();
    gate.approvers = approvers;
    gate.approver_count = gate.count = 2;
    if (!open_gated(&t, two_jobs, ARC_GATE_PIPELINE, 0))
        return;
    CHECK_OK(trial_gate(&t, &said));
    job_is(&t, "a", ARC_JOB_QUEUED);
    CHECK_TEXT(t.d.events[0]->actor, "eve");
    CHECK_TEXT(t.d.events[0]->comment, "mine");
    CHECK_TEXT(t.d.events[0]->gate_name, "pipeline");
    trial_close(&t);
}

static void it_is_decided_once(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_jobs, ARC_GATE_JOB, 1))
        return;
    CHECK_OK(trial_approve(&t, 1, "ann"));
    size_t events = t.events;
    CHECK_OK(trial_approve(&t, 1, "bob")); /* the same again changes nothing */
    CHECK_INT((long long)t.events, (long long)events);
    CHECK_STATUS(trial_reject(&t, 1, "bob", ""), ARC_ECONFLICT);
    CHECK_STATUS(trial_approve(&t, 2, "bob"), ARC_ENOTFOUND);
    trial_close(&t);
}

static void a_gate_whose_turn_has_not_come_is_not_decided(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_stages, ARC_GATE_STAGE, 1))
        return;
    CHECK_STATUS(trial_approve(&t, 1, "ann"), ARC_ECONFLICT);
    trial_close(&t);
}

static void a_stop_ends_the_waiting(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_stages, ARC_GATE_PIPELINE, 0))
        return;
    CHECK_OK(trial_stop(&t, 0));
    run_is(&t, ARC_RUN_CANCELLED);
    CHECK_STATUS(trial_approve(&t, 1, "ann"), ARC_ECONFLICT);
    trial_close(&t);
}

/* What waited for it was cancelled, one by one: nobody is asked any more, its time is nobody's. */
static void a_gate_of_what_was_cancelled_waits_no_more(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t,
                    "namespace: n\ntimeout: 5000s\nstages:\n"
                    "- {name: build, jobs: [{name: a, " STEP "}]}\n"
                    "- {name: ship, jobs: [{name: b, " STEP "}, {name: c, " STEP "}]}\n"
                    "- {name: tell, when: always(), jobs: [{name: d, " STEP "}]}\n",
                    ARC_GATE_STAGE, 1))
        return;
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    CHECK_OK(trial_cancel_job(&t, "b", 0));
    CHECK_INT(t.run.gates[0].status, ARC_GATE_WAITING);
    trial_pass(&t, SECONDS(1000));
    CHECK_OK(trial_cancel_job(&t, "c", 0));
    CHECK_INT(t.run.gates[0].status, ARC_GATE_LEFT);
    CHECK_TEXT(arc__run_why(&t.run, &t.arena), "");
    CHECK_STATUS(trial_approve(&t, 1, "ann"), ARC_ECONFLICT);
    trial_place_all(&t, "A");
    CHECK_OK(trial_report(&t, "d", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(4999)); /* it would have expired; the run's clock goes on */
    CHECK_INT(t.run.stopping, 0);
    CHECK_OK(trial_report(&t, "d", ARC_STEP_SUCCESS, 0));
    run_is(&t, ARC_RUN_CANCELLED);
    trial_close(&t);
}

static void a_retry_is_not_asked_for_again(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, "namespace: n\njobs: [{name: a, retry: {maxAttempts: 2}, " STEP "}]\n",
                    ARC_GATE_JOB, 0))
        return;
    CHECK_OK(trial_approve(&t, 1, "ann"));
    trial_place_all(&t, "A");
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void gates_are_found_by_name(void)
{
    struct trial t;
    plain_gate();
    if (!open_gated(&t, two_stages, ARC_GATE_STAGE, 1))
        return;
    CHECK_INT(arc__gate_find(t.run.plan, ARC_LIT("stage:ship")), 1);
    CHECK_INT(arc__gate_find(t.run.plan, ARC_LIT("ship")), 1);
    CHECK_INT(arc__gate_find(t.run.plan, ARC_LIT("job:ship")), 0);
    CHECK_INT(arc__gate_find(t.run.plan, ARC_LIT("pipeline")), 0);
    trial_close(&t);
}

static const struct test tests[] = {
    {"before the pipeline is approved nothing starts", before_the_pipeline_nothing_starts},
    {"a stage's gate is asked at when its turn comes", before_a_stage_its_jobs_wait},
    {"while a job waits at its gate the others go on", before_a_job_the_others_go_on},
    {"a stage that is skipped asks for no approval", a_skipped_stage_asks_nobody},
    {"a rejection skips what it guarded and fails the run", a_rejection_skips_and_fails},
    {"a gate that expires skips what it guarded and fails the run", silence_is_a_rejection},
    {"a gate may approve when its time is over", silence_may_be_consent},
    {"a gate's clock runs on while the run is paused", its_clock_runs_on_while_paused},
    {"the run's timeout does not count the waiting at a gate",
     the_run_does_not_pay_for_the_waiting},
    {"as many as the gate's count must approve", as_many_as_count_must_approve},
    {"only its approvers may decide a gate", only_approvers_may},
    {"an automatic gate is decided by its plugin alone", an_automatic_gate_is_its_plugins},
    {"an override opens a gate alone", an_override_is_enough_alone},
    {"a gate is decided once, and the same again is no error", it_is_decided_once},
    {"a gate whose turn has not come cannot be decided",
     a_gate_whose_turn_has_not_come_is_not_decided},
    {"a stop ends the waiting at a gate", a_stop_ends_the_waiting},
    {"a gate of what was cancelled is asked for no more",
     a_gate_of_what_was_cancelled_waits_no_more},
    {"a retry needs no second approval", a_retry_is_not_asked_for_again},
    {"a gate is found by its name", gates_are_found_by_name},
};
TEST_MAIN(tests)
