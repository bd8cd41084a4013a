/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of concurrency groups, as one run sees them: what waits for one, and what it may do with
 * it. Whose turn it is, is tested with the engine. */
#include "trial.h"

#define job_is trial_job_is
#define run_is trial_run_is

#define STEP "steps: [{name: s, run: 'true'}]"

static const char grouped_job[] =
    "namespace: n\njobs:\n"
    "- {name: a, concurrency: deploy, queueTimeout: 60s, retry: {maxAttempts: 2}, " STEP "}\n"
    "- {name: b, " STEP "}\n";
static const char grouped_run[] = "namespace: n\nconcurrency: {group: deploy, limit: 2}\n"
                                  "timeout: 60s\njobs:\n"
                                  "- {name: a, " STEP "}\n"
                                  "- {name: b, dependsOn: [a], " STEP "}\n";
static const char gated_run[] = "namespace: n\nconcurrency: deploy\n"
                                "approval: {required: true}\njobs:\n"
                                "- {name: a, approval: {required: true}, " STEP "}\n";

static void a_job_waits_for_its_slot_in_the_queue(void)
{
    struct trial t;
    if (!trial_open(&t, grouped_job))
        return;
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_why_is(&t, "a", "It waits for a slot of the group deploy.");
    trial_why_is(&t, "b", "It waits for an agent with a free slot.");
    CHECK(arc__job_wants_slot(&t.run, 0) && !arc__job_wants_slot(&t.run, 1));
    CHECK_STATUS(trial_place(&t, "a", "agent"), ARC_ECONFLICT);
    CHECK_OK(trial_admit(&t, "a"));
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_why_is(&t, "a", "It waits for an agent with a free slot.");
    CHECK_OK(trial_place(&t, "a", "agent"));
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "a", ARC_JOB_SUCCESS);
    trial_close(&t);
}

static void nobody_is_admitted_who_does_not_wait(void)
{
    struct trial t;
    if (!trial_open(&t, grouped_job))
        return;
    CHECK_STATUS(trial_admit(&t, NULL), ARC_ECONFLICT); /* the run is in no group */
    CHECK_STATUS(trial_admit(&t, "b"), ARC_ECONFLICT);
    CHECK_OK(trial_admit(&t, "a"));
    CHECK_STATUS(trial_admit(&t, "a"), ARC_ECONFLICT);
    trial_close(&t);
}

static void a_slot_is_kept_over_retries(void)
{
    struct trial t;
    if (!trial_open(&t, grouped_job))
        return;
    CHECK_OK(trial_admit(&t, "a"));
    CHECK_OK(trial_place(&t, "a", "agent"));
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_FAILED));
    job_is(&t, "a", ARC_JOB_QUEUED);
    CHECK(!arc__job_lacks_slot(&t.run, 0));
    trial_why_is(&t, "a", "It waits for an agent with a free slot.");
    CHECK_OK(trial_place(&t, "a", "agent"));
    CHECK_OK(trial_run_step(&t, "a", ARC_STEP_SUCCESS));
    job_is(&t, "a", ARC_JOB_SUCCESS);
    trial_close(&t);
}

/* Who took its room would wait for its slot, and it for the room: neither could go on. */
static void a_cell_keeps_its_room_with_its_slot(void)
{
    static const char cells[] =
        "namespace: n\njobs:\n"
        "- {name: a, matrix: {v: [x, y], maxParallel: 1, failFast: false}, concurrency: deploy, "
        "retry: {maxAttempts: 2, delay: 10s}, " STEP "}\n";
    struct trial t;
    if (!trial_open(&t, cells))
        return;
    job_is(&t, "a[v=x]", ARC_JOB_QUEUED);
    CHECK_OK(trial_admit(&t, "a[v=x]"));
    CHECK_OK(trial_place(&t, "a[v=x]", "agent"));
    CHECK_OK(trial_run_step(&t, "a[v=x]", ARC_STEP_FAILED));
    job_is(&t, "a[v=x]", ARC_JOB_PENDING);
    job_is(&t, "a[v=y]", ARC_JOB_PENDING);
    trial_pass(&t, SECONDS(10));
    job_is(&t, "a[v=x]", ARC_JOB_QUEUED);
    job_is(&t, "a[v=y]", ARC_JOB_PENDING);
    CHECK_OK(trial_place(&t, "a[v=x]", "agent"));
    CHECK_OK(trial_run_step(&t, "a[v=x]", ARC_STEP_SUCCESS));
    job_is(&t, "a[v=y]", ARC_JOB_QUEUED);
    CHECK_OK(trial_admit(&t, "a[v=y]"));
    CHECK_OK(trial_place(&t, "a[v=y]", "agent"));
    CHECK_OK(trial_run_step(&t, "a[v=y]", ARC_STEP_SUCCESS));
    run_is(&t, ARC_RUN_SUCCESS);
    trial_close(&t);
}

static void waiting_for_a_slot_counts_for_the_queue(void)
{
    struct trial t;
    if (!trial_open(&t, grouped_job))
        return;
    trial_pass(&t, SECONDS(60));
    job_is(&t, "a", ARC_JOB_TIMEOUT);
    CHECK_TEXT(trial_job(&t, "a")->reason,
               "The job got no slot of its concurrency group within its queueTimeout.");
    trial_close(&t);
}

static void a_paused_run_asks_for_no_slot(void)
{
    struct trial t;
    if (!trial_open(&t, grouped_job))
        return;
    CHECK_OK(trial_pause(&t));
    CHECK(!arc__job_wants_slot(&t.run, 0));
    CHECK_STATUS(trial_admit(&t, "a"), ARC_ECONFLICT);
    trial_why_is(&t, "a", "The run is paused.");
    CHECK_OK(trial_resume(&t));
    CHECK(arc__job_wants_slot(&t.run, 0));
    trial_close(&t);
}

static void a_job_that_waits_can_be_cancelled(void)
{
    struct trial t;
    if (!trial_open(&t, grouped_job))
        return;
    CHECK_OK(trial_cancel_job(&t, "a", 0));
    job_is(&t, "a", ARC_JOB_CANCELLED);
    CHECK(!arc__job_wants_slot(&t.run, 0));
    trial_close(&t);
}

static void a_run_waits_before_anything_of_it_begins(void)
{
    struct trial t;
    if (!trial_open(&t, grouped_run))
        return;
    CHECK_INT(t.events, 1); /* triggered, and nothing else */
    run_is(&t, ARC_RUN_PENDING);
    job_is(&t, "a", ARC_JOB_PENDING);
    CHECK_TEXT(arc__run_why(&t.run, &t.arena), "It waits for a slot of the group deploy.");
    trial_why_is(&t, "a", "Its run waits for a slot of the group deploy.");
    trial_why_is(&t, "b", "Its run waits for a slot of the group deploy.");
    CHECK_OK(trial_admit(&t, NULL));
    job_is(&t, "a", ARC_JOB_QUEUED);
    job_is(&t, "b", ARC_JOB_PENDING);
    trial_why_is(&t, "b", "It waits for job a.");
    CHECK_TEXT(arc__run_why(&t.run, &t.arena), "");
    CHECK_STATUS(trial_admit(&t, NULL), ARC_ECONFLICT);
    trial_close(&t);
}

static void the_timeout_of_a_run_begins_after_its_slot(void)
{
    struct trial t;
    if (!trial_open(&t, grouped_run))
        return;
    trial_pass(&t, SECONDS(3600));
    run_is(&t, ARC_RUN_PENDING);
    CHECK_OK(trial_admit(&t, NULL));
    CHECK_OK(trial_place(&t, "a", "agent"));
    CHECK_OK(trial_report(&t, "a", ARC_STEP_RUNNING, 0));
    trial_pass_alive(&t, SECONDS(59));
    CHECK(!t.run.stopping);
    trial_pass_alive(&t, SECONDS(2));
    CHECK_INT(t.run.stop_cause, ARC_CAUSE_TIMEOUT);
    trial_close(&t);
}

static void approval_comes_first_and_then_the_slot(void)
{
    struct trial t;
    if (!trial_open(&t, gated_run))
        return;
    CHECK_TEXT(arc__run_why(&t.run, &t.arena), "It waits for approval before the pipeline.");
    CHECK(!arc__run_wants_slot(&t.run));
    CHECK_STATUS(trial_admit(&t, NULL), ARC_ECONFLICT);
    CHECK_OK(trial_approve(&t, 1, "ann"));
    CHECK(arc__run_wants_slot(&t.run));
    CHECK_INT(t.run.gates[1].status, ARC_GATE_IDLE); /* the job's own is not asked for yet */
    CHECK_OK(trial_admit(&t, NULL));
    CHECK_INT(t.run.gates[1].status, ARC_GATE_WAITING);
    CHECK_OK(trial_approve(&t, 2, "ann"));
    job_is(&t, "a", ARC_JOB_QUEUED);
    trial_close(&t);
}

static void what_is_refused_needs_no_slot(void)
{
    struct trial t;
    if (!trial_open(&t, gated_run))
        return;
    CHECK_OK(trial_reject(&t, 1, "ann", ""));
    run_is(&t, ARC_RUN_FAILED);
    trial_close(&t);
}

static void a_run_that_waits_can_be_stopped(void)
{
    struct trial t;
    if (!trial_open(&t, grouped_run))
        return;
    CHECK_OK(trial_stop(&t, 0));
    run_is(&t, ARC_RUN_CANCELLED);
    CHECK_STATUS(trial_admit(&t, NULL), ARC_ECONFLICT);
    trial_close(&t);
}

static void a_run_that_waits_can_be_paused(void)
{
    struct trial t;
    if (!trial_open(&t, grouped_run))
        return;
    CHECK_OK(trial_pause(&t));
    CHECK(!arc__run_wants_slot(&t.run));
    CHECK_OK(trial_resume(&t));
    CHECK(arc__run_wants_slot(&t.run));
    job_is(&t, "a", ARC_JOB_PENDING);
    CHECK_OK(trial_admit(&t, NULL));
    CHECK_OK(trial_pause(&t)); /* and keeps what it has */
    CHECK(t.run.admitted);
    trial_close(&t);
}

/* Logs are read back: one that says what cannot be is not believed. */
static void a_log_that_admits_wrongly_does_not_fold(void)
{
    struct trial t;
    struct arc_event event = {.type = ARC_EVENT_PIPELINE_ADMITTED, .job = -1, .step = -1};
    arc_err err = ARC_ERR_INIT;
    if (!trial_open(&t, grouped_job))
        return;
    event.seq = t.run.seq + 1;
    CHECK_STATUS(arc__run_fold(&t.run, &event, 0, &err), ARC_EINTERNAL);
    event.type = ARC_EVENT_JOB_ADMITTED;
    event.job = 1;
    CHECK_STATUS(arc__run_fold(&t.run, &event, 0, &err), ARC_EINTERNAL);
    CHECK_OK(trial_admit(&t, "a"));
    event.job = 0;
    event.seq = t.run.seq + 1;
    CHECK_STATUS(arc__run_fold(&t.run, &event, 0, &err), ARC_EINTERNAL);
    trial_close(&t);
}

static const struct test tests[] = {
    {"a job waits for its slot in the queue", a_job_waits_for_its_slot_in_the_queue},
    {"nobody is admitted who does not wait", nobody_is_admitted_who_does_not_wait},
    {"a slot is kept over retries", a_slot_is_kept_over_retries},
    {"a cell keeps its room with its slot over a retry", a_cell_keeps_its_room_with_its_slot},
    {"waiting for a slot counts for the queue", waiting_for_a_slot_counts_for_the_queue},
    {"a paused run asks for no slot", a_paused_run_asks_for_no_slot},
    {"a job that waits for a slot can be cancelled", a_job_that_waits_can_be_cancelled},
    {"a run waits before anything of it begins", a_run_waits_before_anything_of_it_begins},
    {"the timeout of a run begins after its slot", the_timeout_of_a_run_begins_after_its_slot},
    {"approval comes first and then the slot", approval_comes_first_and_then_the_slot},
    {"what is refused at the gate needs no slot", what_is_refused_needs_no_slot},
    {"a run that waits for a slot can be stopped", a_run_that_waits_can_be_stopped},
    {"a run that waits for a slot can be paused", a_run_that_waits_can_be_paused},
    {"a log that admits wrongly does not fold", a_log_that_admits_wrongly_does_not_fold},
};
TEST_MAIN(tests)
