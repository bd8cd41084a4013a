/* SPDX-License-Identifier: Apache-2.0 */
/* Every state that a run, a job, a step and a gate can be in, and every event that may be said of
 * it: what the published table allows is folded into the state that it names; what it refuses
 * leaves the run as it was, to the last field. */
#include "core/states.h"

#include <stdio.h>

#include "core/event.h"
#include "trial.h"

/* j waits for w, g for an approval; k keeps the run open. The group lets `admitted` be said. */
#define STEP "steps: [{name: s, run: 'true'}]"
static const char definition[] =
    "namespace: n\nconcurrency: whole\njobs:\n- {name: w, continueOnError: true, " STEP "}\n"
    "- name: j\n  dependsOn: [w]\n  concurrency: lab\n  queueTimeout: 600s\n  retry: {maxAttempts: "
    "2, "
    "on: [lost]}\n"
    "  steps:\n  - {name: s, run: 'true', timeout: 60s, when: always(), continueOnError: true}\n"
    "  - {name: t, run: 'true', when: failure()}\n"
    "- {name: g, approval: {required: true, count: 2, timeout: 3000s}, " STEP "}\n"
    "- {name: k, " STEP "}\n";

/* --- being in a state -------------------------------------------------------------------- */

static int begin(struct trial *t)
{
    return trial_open(t, definition) && CHECK_OK(trial_admit(t, NULL));
}

/* Places it and lets its first step begin. */
static void run_job(struct trial *t, const char *job)
{
    if (arc__job_wants_slot(&t->run, trial_index(t, job)))
        CHECK_OK(trial_admit(t, job));
    CHECK_OK(trial_place(t, job, "A"));
    CHECK_OK(trial_report(t, job, ARC_STEP_RUNNING, 0));
}

static void end_job(struct trial *t, const char *job, int status)
{
    CHECK_OK(trial_report(t, job, status, status == ARC_STEP_FAILED));
}

static void do_job(struct trial *t, const char *job, int status)
{
    run_job(t, job);
    end_job(t, job, status);
}

static void job_pending(struct trial *t)
{
    (void)t;
}

static void job_queued(struct trial *t)
{
    do_job(t, "w", ARC_STEP_SUCCESS);
}

static void job_placed(struct trial *t)
{
    job_queued(t);
    CHECK_OK(trial_admit(t, "j"));
    CHECK_OK(trial_place(t, "j", "A"));
}

static void job_running(struct trial *t)
{
    job_queued(t);
    run_job(t, "j");
}

static void job_success(struct trial *t)
{
    job_running(t);
    end_job(t, "j", ARC_STEP_SUCCESS);
}

static void job_failed(struct trial *t)
{
    job_placed(t);
    CHECK_OK(trial_lose(t, "j"));
    trial_pass(t, SECONDS(1));
    for (int i = 0; i < 5 && trial_job(t, "j")->status == ARC_JOB_QUEUED; i++) {
        CHECK_OK(trial_place(t, "j", "A"));
        CHECK_OK(trial_report(t, "j", ARC_STEP_RUNNING, 0));
        CHECK_OK(trial_lose(t, "j"));
    }
}

static void job_cancelled(struct trial *t)
{
    CHECK_OK(trial_cancel_job(t, "j", 0));
}

static void job_timeout(struct trial *t)
{
    job_queued(t);
    trial_pass(t, SECONDS(601));
}

static void job_skipped(struct trial *t)
{
    CHECK_OK(trial_cancel_job(t, "w", 0));
}

static void step_failed(struct trial *t)
{
    job_running(t);
    end_job(t, "j", ARC_STEP_FAILED);
}

static void step_cancelled(struct trial *t)
{
    CHECK_OK(trial_cancel_step(t, "j", 0, 0));
}

static void step_timeout(struct trial *t)
{
    job_running(t);
    trial_pass_alive(t, SECONDS(61));
    end_job(t, "j", ARC_STEP_CANCELLED);
}

static void run_running(struct trial *t)
{
    run_job(t, "k");
}

static void run_paused(struct trial *t)
{
    run_job(t, "k");
    CHECK_OK(trial_pause(t));
}

static void finish(struct trial *t, int w, int k)
{
    do_job(t, "w", w);
    if (trial_job(t, "j")->status == ARC_JOB_QUEUED)
        do_job(t, "j", ARC_STEP_SUCCESS);
    CHECK_OK(trial_approve(t, 1, "ann"));
    CHECK_OK(trial_approve(t, 1, "bob"));
    do_job(t, "g", ARC_STEP_SUCCESS);
    do_job(t, "k", k);
}

static void run_success(struct trial *t)
{
    finish(t, ARC_STEP_SUCCESS, ARC_STEP_SUCCESS);
}

static void run_failed(struct trial *t)
{
    finish(t, ARC_STEP_SUCCESS, ARC_STEP_FAILED);
}

static void run_partial(struct trial *t)
{
    finish(t, ARC_STEP_FAILED, ARC_STEP_SUCCESS);
}

static void run_cancelled(struct trial *t)
{
    CHECK_OK(trial_stop(t, 1));
}

static void gate_approved(struct trial *t)
{
    CHECK_OK(trial_approve(t, 1, "ann"));
    CHECK_OK(trial_approve(t, 1, "bob"));
}

static void gate_half(struct trial *t)
{
    CHECK_OK(trial_approve(t, 1, "ann"));
}

static void gate_rejected(struct trial *t)
{
    CHECK_OK(trial_reject(t, 1, "ann", "no"));
}

static void gate_expired(struct trial *t)
{
    trial_pass(t, SECONDS(3001));
}

/* Nobody else is behind the gate. */
static void gate_left(struct trial *t)
{
    CHECK_OK(trial_cancel_job(t, "g", 0));
}

/* --- machines ---------------------------------------------------------------------------- */

enum machine { RUN, JOB, STEP_, GATE };

struct scene {
    enum machine machine;
    int state;
    void (*play)(struct trial *t);
};

/* A gate that is idle needs a run that has not come so far: begin() asks for it. */
static const struct scene scenes[] = {
    {RUN, ARC_RUN_PENDING, job_pending},      {RUN, ARC_RUN_RUNNING, run_running},
    {RUN, ARC_RUN_PAUSED, run_paused},        {RUN, ARC_RUN_SUCCESS, run_success},
    {RUN, ARC_RUN_FAILED, run_failed},        {RUN, ARC_RUN_CANCELLED, run_cancelled},
    {RUN, ARC_RUN_PARTIAL, run_partial},      {JOB, ARC_JOB_PENDING, job_pending},
    {JOB, ARC_JOB_QUEUED, job_queued},        {JOB, ARC_JOB_QUEUED, job_placed},
    {JOB, ARC_JOB_RUNNING, job_running},      {JOB, ARC_JOB_SUCCESS, job_success},
    {JOB, ARC_JOB_FAILED, job_failed},        {JOB, ARC_JOB_CANCELLED, job_cancelled},
    {JOB, ARC_JOB_TIMEOUT, job_timeout},      {JOB, ARC_JOB_SKIPPED, job_skipped},
    {STEP_, ARC_STEP_PENDING, job_queued},    {STEP_, ARC_STEP_QUEUED, job_placed},
    {STEP_, ARC_STEP_RUNNING, job_running},   {STEP_, ARC_STEP_SUCCESS, job_success},
    {STEP_, ARC_STEP_FAILED, step_failed},    {STEP_, ARC_STEP_CANCELLED, step_cancelled},
    {STEP_, ARC_STEP_TIMEOUT, step_timeout},  {STEP_, ARC_STEP_SKIPPED, job_skipped},
    {GATE, ARC_GATE_WAITING, job_pending},    {GATE, ARC_GATE_WAITING, gate_half},
    {GATE, ARC_GATE_APPROVED, gate_approved}, {GATE, ARC_GATE_REJECTED, gate_rejected},
    {GATE, ARC_GATE_EXPIRED, gate_expired},   {GATE, ARC_GATE_LEFT, gate_left},
};

static enum machine machine_of(int type)
{
    if (type >= ARC_EVENT_STEP_QUEUED && type <= ARC_EVENT_STEP_RETRYING)
        return STEP_;
    if (type >= ARC_EVENT_JOB_QUEUED && type <= ARC_EVENT_JOB_RETRYING)
        return JOB;
    if (type >= ARC_EVENT_APPROVAL_REQUESTED && type <= ARC_EVENT_APPROVAL_EXPIRED)
        return GATE;
    return RUN;
}

static int state_of(const struct trial *t, enum machine machine)
{
    switch (machine) {
    case RUN:
        return t->run.status;
    case JOB:
        return trial_job(t, "j")->status;
    case STEP_:
        return trial_step(t, "j", 0)->status;
    default:
        return t->run.gates[0].status;
    }
}

static int is_end(enum machine machine, int state)
{
    switch (machine) {
    case RUN:
        return arc_run_state_is_terminal(state);
    case JOB:
        return arc_job_state_is_terminal(state);
    case STEP_:
        return arc_step_state_is_terminal(state);
    default:
        return arc_gate_state_is_terminal(state);
    }
}

/* What the table says about an event; an event without a signal of its own: refused by an end. */
static int next_of(const struct trial *t, enum machine machine, int state, int type)
{
    int signal = arc__event_signal(type);
    switch (machine) {
    case RUN:
        if (type == ARC_EVENT_PIPELINE_RESUMED && !t->run.started_any)
            signal = ARC_RUN_SIGNAL_RESUME_PENDING;
        return arc__run_next(state, signal);
    case JOB:
        return arc__job_next(state, signal);
    case STEP_:
        return arc__step_next(state, signal);
    default:
        if (type == ARC_EVENT_APPROVAL_APPROVED && t->run.gates[0].approvals == 0)
            signal = ARC_GATE_SIGNAL_ASSENT;
        return arc__gate_next(state, signal);
    }
}

/* As it would be said of j, of its first step, of the gate, of the run. */
static struct arc_event event_of(struct trial *t, int type, const arc_id *ids)
{
    enum machine machine = machine_of(type);
    struct arc_event event = {.type = (enum arc_event_type)type,
                              .seq = t->run.seq + 1,
                              .time_ns = t->now.wall_ns,
                              .run_id = arc__id_slice(&t->run.id),
                              .reason = ARC_LIT("Said."),
                              .agent_id = ARC_LIT("A"),
                              .actor = ARC_LIT("zoe"),
                              .cause = ARC_CAUSE_TIMEOUT,
                              .job = -1,
                              .step = -1,
                              .attempt = 1,
                              .exit_code = 9,
                              .fence = 1000,
                              .log_lines = 7,
                              .step_ids = ids,
                              .step_id_count = 2};
    if (machine == JOB || machine == STEP_)
        event.job = (int32_t)trial_index(t, "j");
    if (machine == STEP_)
        event.step = 0;
    if (machine == GATE)
        event.gate = 1;
    return event;
}

/* --- walking ----------------------------------------------------------------------------- */

static int says_nothing_of_a_run(int type)
{
    return type <= ARC_EVENT_PIPELINE_TRIGGERED || type >= ARC_EVENT_AGENT_REGISTERED;
}

static void try_event(const struct scene *scene, int type)
{
    static const arc_id ids[2] = {{"S1"}, {"S2"}};
    struct trial t;
    arc_err err = ARC_ERR_INIT;
    if (!begin(&t))
        return;
    scene->play(&t);
    if (!CHECK_INT(state_of(&t, scene->machine), scene->state)) {
        trial_close(&t);
        return;
    }
    struct arc_event event = event_of(&t, type, ids);
    enum machine of = machine_of(type);
    int before = state_of(&t, of), signal = arc__event_signal(type);
    int next = next_of(&t, of, before, type);
    int over = arc__run_over(&t.run) || (signal == 0 && is_end(of, before));
    arc_status status = arc__run_fold(&t.run, &event, (int64_t)t.now.mono_ns - t.now.wall_ns, &err);
    int fine = 1;
    if (over || (signal != 0 && next == ARC_MOVE_REFUSED))
        fine =
            CHECK_STATUS(status, ARC_EINTERNAL) && CHECK_INT(trial_same_runs(&t.run, &t.shadow), 1);
    else if (signal != 0 && next > 0)
        fine = CHECK_OK(status) && CHECK_INT(state_of(&t, of), next);
    else if (next == ARC_MOVE_IGNORED)
        fine = CHECK_INT(state_of(&t, of), before);
    if (!fine)
        printf("# %s, from state %d, of scene %d/%d\n",
               arc__event_type_name((enum arc_event_type)type), before, (int)scene->machine,
               scene->state);
    trial_close(&t);
}

static void every_state_takes_what_its_table_says(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(scenes); i++) {
        for (int type = 1; type < ARC_EVENT_TYPE_COUNT; type++) {
            if (!says_nothing_of_a_run(type))
                try_event(&scenes[i], type);
        }
    }
}

static void every_state_is_walked_from(void)
{
    static const int counts[] = {ARC_RUN_STATE_COUNT, ARC_JOB_STATE_COUNT, ARC_STEP_STATE_COUNT,
                                 ARC_GATE_STATE_COUNT};
    for (int machine = RUN; machine <= GATE; machine++) {
        for (int state = 1; state < counts[machine]; state++) {
            int found = machine == GATE && state == ARC_GATE_IDLE; /* the next test's */
            for (size_t i = 0; i < ARC_COUNT_OF(scenes); i++)
                found |= scenes[i].machine == (enum machine)machine && scenes[i].state == state;
            if (!CHECK_INT(found, 1))
                printf("# machine %d, state %d\n", machine, state);
        }
    }
}

static void an_idle_gate_is_asked_for_and_nothing_else(void)
{
    for (int type = ARC_EVENT_APPROVAL_REQUESTED; type <= ARC_EVENT_APPROVAL_EXPIRED; type++) {
        struct trial t;
        arc_err err = ARC_ERR_INIT;
        if (!trial_open(&t, definition))
            return;
        CHECK_INT(t.run.gates[0].status, ARC_GATE_IDLE); /* the run has no slot yet */
        struct arc_event event = event_of(&t, type, NULL);
        arc_status status = arc__run_fold(&t.run, &event, 0, &err);
        if (type == ARC_EVENT_APPROVAL_REQUESTED)
            CHECK_OK(status);
        else
            CHECK(status == ARC_EINTERNAL && trial_same_runs(&t.run, &t.shadow));
        trial_close(&t);
    }
}

/* --- commands at the end ----------------------------------------------------------------- */

/* Everything that may be asked of a run or said about it: of one that is over nothing comes. */
static void an_end_stays_whatever_is_asked(void)
{
    static void (*const ends[])(struct trial *) = {run_success, run_failed, run_cancelled,
                                                   run_partial};
    static const char *const jobs[] = {"w", "j", "g", "k"};
    for (size_t i = 0; i < ARC_COUNT_OF(ends); i++) {
        struct trial t;
        if (!begin(&t))
            return;
        ends[i](&t);
        int status = t.run.status;
        size_t events = t.events;
        CHECK(trial_pause(&t) != ARC_OK);
        CHECK(trial_resume(&t) != ARC_OK);
        (void)trial_stop(&t, 1);
        CHECK(trial_admit(&t, NULL) != ARC_OK);
        (void)trial_approve(&t, 1, "zoe");
        (void)trial_reject(&t, 1, "zoe", "no");
        for (size_t j = 0; j < ARC_COUNT_OF(jobs); j++) {
            CHECK(trial_place(&t, jobs[j], "B") != ARC_OK);
            CHECK(trial_admit(&t, jobs[j]) != ARC_OK);
            CHECK(trial_cancel_job(&t, jobs[j], 1) != ARC_OK);
            CHECK(trial_cancel_step(&t, jobs[j], 0, 1) != ARC_OK);
        }
        trial_pass(&t, SECONDS(100000));
        CHECK_INT(t.run.status, status);
        CHECK_INT(t.events, events);
        trial_close(&t);
    }
}

static const struct test tests[] = {
    {"every state takes what its table says, and nothing else",
     every_state_takes_what_its_table_says},
    {"there is a walk from every state", every_state_is_walked_from},
    {"an idle gate is asked for and nothing else", an_idle_gate_is_asked_for_and_nothing_else},
    {"an end stays, whatever is asked of the run", an_end_stays_whatever_is_asked},
};
TEST_MAIN(tests)
