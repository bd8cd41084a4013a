/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/event_json.h"
#include "spec/spec.h"

/* --- sources ------------------------------------------------------------------------------------
 */

static arc_status next_id(void *user, arc_id *out, arc_err *err)
{
    struct trial *t = user;
    (void)err;
    (void)snprintf(out->text, sizeof(out->text), "%026llu", (unsigned long long)++t->ids);
    return ARC_OK;
}

static arc_status next_fence(void *user, uint64_t above, uint64_t *out, arc_err *err)
{
    struct trial *t = user;
    (void)above;
    (void)err;
    *out = ++t->fences;
    return ARC_OK;
}

static uint64_t next_random(void *user, uint64_t bound)
{
    struct trial *t = user;
    uint64_t z = (t->random += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bound > 0 ? (z ^ (z >> 31)) % bound : 0;
}

/* --- comparing ----------------------------------------------------------------------------------
 */

static int differ(const char *what, uint32_t job, uint32_t step, int64_t a, int64_t b)
{
    if (a == b)
        return 0;
    printf("# %s of job %u step %u: %lld and %lld\n", what, job, step, (long long)a, (long long)b);
    return 1;
}

static int differ_text(const char *what, uint32_t job, uint32_t step, arc_slice a, arc_slice b)
{
    if (arc__slice_equal(a, b))
        return 0;
    printf("# %s of job %u step %u: \"%.*s\" and \"%.*s\"\n", what, job, step, ARC_ARG(a),
           ARC_ARG(b));
    return 1;
}

static int steps_differ(const struct arc_step_state *a, const struct arc_step_state *b, uint32_t j,
                        uint32_t s)
{
    int found = differ_text("id", j, s, arc__id_slice(&a->id), arc__id_slice(&b->id));
#define NUM(field) found |= differ(#field, j, s, (int64_t)a->field, (int64_t)b->field)
#define TEXT(field) found |= differ_text(#field, j, s, a->field, b->field)
    NUM(status), NUM(attempt), NUM(executions), NUM(exit_code), NUM(fence), NUM(created_ns);
    NUM(started_ns), NUM(ended_ns), NUM(started_mono_ns), NUM(not_before_mono_ns), NUM(log_lines);
    NUM(queued_ns), NUM(queued_mono_ns);
    NUM(timeout_ns);
    TEXT(agent_id), TEXT(reason), TEXT(error_message), TEXT(metrics), TEXT(outputs), TEXT(env);
    return found;
}

static int jobs_differ(const struct arc_job_state *a, const struct arc_job_state *b, uint32_t j)
{
    const uint32_t s = 0;
    int found = differ_text("job id", j, s, arc__id_slice(&a->id), arc__id_slice(&b->id));
    NUM(status), NUM(attempt), NUM(lost), NUM(blockers), NUM(step), NUM(failed);
    NUM(timed_out), NUM(started_any), NUM(by_failure), NUM(queued_ns), NUM(started_ns);
    NUM(ended_ns), NUM(queued_mono_ns), NUM(started_mono_ns), NUM(not_before_mono_ns);
    NUM(cut), NUM(stopping), NUM(outrun), NUM(admitted), NUM(stop_mono_ns);
    TEXT(agent_id), TEXT(reason), TEXT(place), TEXT(stop_reason), TEXT(outputs);
    return found;
}

static int gates_differ(const struct arc_gate_state *a, const struct arc_gate_state *b, uint32_t j)
{
    const uint32_t s = 0;
    int found = 0;
    NUM(status), NUM(requested_ns), NUM(expires_ns), NUM(decided_ns), NUM(expires_mono_ns);
    NUM(approvals);
    TEXT(reason);
    for (uint32_t i = 0; !found && i < a->approvals; i++)
        TEXT(approved_by[i]);
    return found;
}

int trial_same_runs(const struct arc_run *a, const struct arc_run *b)
{
    const uint32_t j = 0, s = 0;
    int found = differ_text("run id", j, s, arc__id_slice(&a->id), arc__id_slice(&b->id));
    TEXT(pipeline_id), TEXT(triggered_by), TEXT(reason);
    NUM(seq), NUM(status), NUM(started_any), NUM(admitted), NUM(stopping), NUM(forced),
        NUM(stop_cause);
    NUM(stop_grace_ns), NUM(stop_mono_ns), NUM(created_ns), NUM(started_ns), NUM(ended_ns);
    NUM(clock_mono_ns), NUM(paused_mono_ns), NUM(still_mono_ns), NUM(still_total_ns);
    NUM(jobs_open), NUM(last_ns), NUM(gates_waiting), NUM(gate_refused);
    NUM(jobs_running), NUM(jobs_failed), NUM(jobs_partial), NUM(stage), NUM(plan->job_count);
    for (uint32_t k = 0; k < a->plan->stage_count; k++)
        found |= differ("stage_open", k, 0, a->stage_open[k], b->stage_open[k]);
    for (uint32_t k = 0; k < a->plan->gate_count; k++)
        found |= gates_differ(&a->gates[k], &b->gates[k], k);
    for (uint32_t k = 0; k < a->plan->matrix_count; k++)
        found |= differ("matrix_busy", k, 0, a->matrix_busy[k], b->matrix_busy[k]);
    for (uint32_t k = 0; k < a->plan->job_count; k++) {
        found |= jobs_differ(&a->jobs[k], &b->jobs[k], k);
        for (uint32_t i = 0; i < a->plan->jobs[k].step_count; i++)
            found |= steps_differ(&a->jobs[k].steps[i], &b->jobs[k].steps[i], k, i);
    }
    return !found;
}

/* --- deciding -----------------------------------------------------------------------------------
 */

static void complain(struct trial *t, const char *what)
{
    if (t->broken++ == 0 && !t->quiet)
        printf("# seq %lld: %s\n", (long long)t->run.seq, what);
    CHECK_TEXT(arc__slice_cstr(what), "");
}

/* As a restart would: out of the stored form, on another event record. */
static void shadow_event(struct trial *t, const struct arc_event *event)
{
    struct arc_buf body;
    struct arc_event *stored = NULL;
    arc_err err = ARC_ERR_INIT;
    arc__buf_init(&body, &t->mem, 16u * 1024 * 1024);
    arc__event_body(event, &body);
    struct arc_row_event row = {.stream = arc__id_slice(&t->run.id),
                                .seq = event->seq,
                                .type = arc__slice_cstr(arc__event_type_name(event->type)),
                                .time_ns = event->time_ns,
                                .body = arc__buf_slice(&body)};
    arc_status status = arc__event_from_row(&row, &t->arena, &stored, &err);
    if (status == ARC_OK) {
        watch_event(&t->watch, event);
        status = arc__run_fold(&t->shadow, stored, (int64_t)t->now.mono_ns - t->now.wall_ns, &err);
    }
    if (status == ARC_OK)
        watch_run(&t->watch, &t->shadow);
    else
        complain(t, err.message);
    arc__buf_deinit(&body);
}

static void begin(struct trial *t)
{
    struct arc_source source = {t, next_id, next_fence, next_random};
    t->err = (arc_err)ARC_ERR_INIT;
    arc__decision_init(&t->d, &t->rules, source, t->now, &t->arena);
}

/* The run's deadline, found from what has changed, is the earliest of all. */
static void check_deadline(struct trial *t)
{
    uint64_t quick = arc__run_deadline(&t->rules, &t->run);
    for (uint32_t j = 0; j < t->run.plan->job_count; j++) {
        if (!arc_job_state_is_terminal(t->run.jobs[j].status))
            (void)arc__heap_arm(&t->run.wakes, &t->run.jobs[j].wake, 0, NULL);
    }
    if (arc__run_deadline(&t->rules, &t->run) != quick)
        complain(t, "the deadline is not the earliest of all jobs'");
}

static arc_status end(struct trial *t, arc_status status)
{
    if (status != ARC_OK && t->d.count > 0)
        complain(t, "a refusal left events");
    if (status == ARC_ENOMEM || status == ARC_EINTERNAL)
        complain(t, t->err.message);
    for (size_t i = 0; i < t->d.count && !t->broken; i++)
        shadow_event(t, t->d.events[i]);
    t->events += t->d.count;
    if (t->watch.wrong[0] != '\0' && !t->broken)
        complain(t, t->watch.wrong);
    if (!t->broken && t->run.plan != NULL && !trial_same_runs(&t->run, &t->shadow))
        complain(t, "the fold of the stored events is another run");
    if (!t->broken && t->run.plan != NULL)
        check_deadline(t);
    return status;
}

static int open_born(struct trial *t, struct arc_birth birth)
{
    struct arc_create create = {.pipeline_id = ARC_LIT("PIPE"), .triggered_by = ARC_LIT("tester")};
    (void)snprintf(create.run_id.text, sizeof(create.run_id.text), "RUN");
    birth.pipeline_name = ARC_LIT("p");
    birth.number = birth.trigger_type = 1;
    create.birth = birth;
    arc__run_init(&t->run, &t->mem);
    arc__run_init(&t->shadow, &t->mem);
    begin(t);
    return CHECK_OK(end(t, arc__decide_create(&t->d, &t->run, &create, &t->err)));
}

static int open_run(struct trial *t, const struct arc_plan *plan)
{
    return open_born(t, (struct arc_birth){.plan = plan});
}

static void prepare(struct trial *t)
{
    *t = (struct trial){.random = 7};
    t->mem = test_mem(&t->memory);
    t->now = (struct arc_now){(uint64_t)SECONDS(1000), SECONDS(1700000000)};
    t->rules = (struct arc_rules){.lease_ttl_ns = SECONDS(30),
                                  .stop_grace_ns = SECONDS(10),
                                  .stop_settle_ns = SECONDS(30),
                                  .lost_retries_max = 3};
    arc__arena_init(&t->arena, &t->mem, 1024u * 1024 * 1024);
    watch_init(&t->watch, calloc(WATCH_STEPS_MAX, sizeof(struct watch_step)));
}

int trial_open_plan(struct trial *t, const struct arc_plan *plan)
{
    prepare(t);
    return open_run(t, plan);
}

arc_status trial_open_rerun(struct trial *t, const struct trial *old, enum arc_rerun mode,
                            const char *from)
{
    struct arc_birth birth = {.plan = old->run.plan,
                              .rerun_of = arc__id_slice(&old->run.id),
                              .attempt = old->run.birth->attempt + 1};
    prepare(t);
    arc_status status =
        arc__rerun_keep(&old->run, mode, arc__slice_cstr(from), &t->arena, &birth.kept, &t->err);
    if (status == ARC_OK)
        (void)open_born(t, birth);
    return status;
}

int trial_open(struct trial *t, const char *yaml)
{
    return trial_open_patched(t, yaml, NULL);
}

int trial_open_patched(struct trial *t, const char *yaml, void (*patch)(struct arc_plan *plan))
{
    struct arc_diags diags = {0};
    struct arc_spec *spec = NULL;
    const struct arc_plan *plan = NULL;
    struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    prepare(t);
    arc_status status = arc__spec_read(arc__slice_cstr(yaml), ARC_FORMAT_YAML, ARC_NONE, NULL,
                                       &t->arena, &diags, &spec, &t->err);
    if (status == ARC_OK)
        status = arc__plan_build(spec, &inputs, &t->arena, &diags, &plan, &t->err);
    if (!CHECK_OK(status)) {
        for (const struct arc_diag *diag = diags.first; diag != NULL; diag = diag->next)
            printf("# %u:%u %.*s\n", diag->mark.line, diag->mark.column, ARC_ARG(diag->message));
        return 0;
    }
    if (patch != NULL)
        patch((struct arc_plan *)(uintptr_t)plan); /* nobody else has it yet */
    return open_run(t, plan);
}

void trial_close(struct trial *t)
{
    arc__run_deinit(&t->run);
    arc__run_deinit(&t->shadow);
    arc__arena_deinit(&t->arena);
    free(t->watch.steps);
    CHECK_INT(t->memory.live, 0);
}

arc_status trial_tick(struct trial *t)
{
    begin(t);
    arc_status status = end(t, arc__decide_tick(&t->d, &t->run, &t->err));
    if (!t->broken && arc__run_deadline(&t->rules, &t->run) <= t->now.mono_ns)
        complain(t, "a tick left something due");
    return status;
}

void trial_pass(struct trial *t, int64_t ns)
{
    uint64_t until = t->now.mono_ns + (uint64_t)ns;
    while (!t->broken) {
        uint64_t next = arc__run_deadline(&t->rules, &t->run);
        if (next > until)
            next = until;
        if (next > t->now.mono_ns) {
            t->now.wall_ns += (int64_t)(next - t->now.mono_ns);
            t->now.mono_ns = next;
        }
        (void)trial_tick(t);
        if (t->now.mono_ns >= until)
            return;
    }
}

void trial_renew(struct trial *t)
{
    for (uint32_t j = 0; j < t->run.plan->job_count; j++) {
        struct arc_job_state *job = &t->run.jobs[j];
        if (job->step >= t->run.plan->jobs[j].step_count)
            continue;
        struct arc_step_state *step = &job->steps[job->step];
        if (step->status == ARC_STEP_QUEUED || step->status == ARC_STEP_RUNNING)
            step->lease_mono_ns = t->now.mono_ns + (uint64_t)t->rules.lease_ttl_ns;
    }
}

void trial_pass_alive(struct trial *t, int64_t ns)
{
    while (ns > 0 && !t->broken) {
        int64_t part = ns < SECONDS(10) ? ns : SECONDS(10);
        trial_renew(t);
        trial_pass(t, part);
        ns -= part;
    }
}

int trial_job_is(const struct trial *t, const char *job, int status)
{
    return CHECK_TEXT(arc__slice_cstr(arc_job_state_name(trial_job(t, job)->status)),
                      arc_job_state_name(status));
}

int trial_step_is(const struct trial *t, const char *job, uint32_t step, int status)
{
    return CHECK_TEXT(arc__slice_cstr(arc_step_state_name(trial_step(t, job, step)->status)),
                      arc_step_state_name(status));
}

int trial_run_is(const struct trial *t, int status)
{
    return CHECK_TEXT(arc__slice_cstr(arc_run_state_name(t->run.status)),
                      arc_run_state_name(status));
}

/* --- what a test asks ---------------------------------------------------------------------------
 */

uint32_t trial_index(const struct trial *t, const char *job)
{
    for (uint32_t j = 0; j < t->run.plan->job_count; j++) {
        if (arc__slice_is(t->run.plan->jobs[j].key, job))
            return j;
    }
    CHECK_TEXT(arc__slice_cstr(job), "a job of the plan");
    return 0;
}

const struct arc_job_state *trial_job(const struct trial *t, const char *job)
{
    return &t->run.jobs[trial_index(t, job)];
}

const struct arc_step_state *trial_step(const struct trial *t, const char *job, uint32_t step)
{
    return &trial_job(t, job)->steps[step];
}

static struct arc_place_facts facts(const char *agent)
{
    static const struct arc_kv labels[] = {{{"zone", 4}, {"east", 4}}};
    return (struct arc_place_facts){.id = arc__slice_cstr(agent),
                                    .name = arc__slice_cstr(agent),
                                    .os = ARC_LIT("linux"),
                                    .arch = ARC_LIT("amd64"),
                                    .labels = {labels, 1}};
}

arc_status trial_place(struct trial *t, const char *job, const char *agent)
{
    uint32_t j = trial_index(t, job);
    const struct arc_place_facts place = facts(agent);
    begin(t);
    return end(t, arc__decide_place(&t->d, &t->run, j, &place, &t->err));
}

void trial_place_all(struct trial *t, const char *agent)
{
    for (uint32_t j = 0; j < t->run.plan->job_count; j++) {
        if (!arc__job_wants_place(&t->run, j, t->now))
            continue;
        const struct arc_place_facts place = facts(agent);
        begin(t);
        CHECK_OK(end(t, arc__decide_place(&t->d, &t->run, j, &place, &t->err)));
    }
}

struct arc_report trial_make_report(const struct trial *t, const char *job, int status)
{
    uint32_t j = trial_index(t, job);
    const struct arc_job_state *state = &t->run.jobs[j];
    uint32_t count = t->run.plan->jobs[j].step_count;
    uint32_t s = state->step < count ? state->step : count - 1;
    return (struct arc_report){.job = j,
                               .step = s,
                               .status = status,
                               .attempt = state->steps[s].attempt,
                               .fence = state->steps[s].fence,
                               .agent_id = state->steps[s].agent_id};
}

arc_status trial_say(struct trial *t, const struct arc_report *report)
{
    begin(t);
    return end(t, arc__decide_report(&t->d, &t->run, report, &t->err));
}

arc_status trial_report(struct trial *t, const char *job, int status, int exit_code)
{
    struct arc_report report = trial_make_report(t, job, status);
    report.exit_code = exit_code;
    return trial_say(t, &report);
}

arc_status trial_run_step(struct trial *t, const char *job, int status)
{
    ARC_TRY(trial_report(t, job, ARC_STEP_RUNNING, 0));
    return trial_report(t, job, status, status == ARC_STEP_FAILED ? 1 : 0);
}

arc_status trial_lose(struct trial *t, const char *job)
{
    uint32_t j = trial_index(t, job);
    begin(t);
    return end(t, arc__decide_lost(&t->d, &t->run, j, ARC_LIT("The agent is gone."), &t->err));
}

arc_status trial_pause(struct trial *t)
{
    begin(t);
    return end(t, arc__decide_pause(&t->d, &t->run, ARC_LIT("why"), ARC_LIT("who"), &t->err));
}

arc_status trial_resume(struct trial *t)
{
    begin(t);
    return end(t, arc__decide_resume(&t->d, &t->run, ARC_LIT("why"), ARC_LIT("who"), &t->err));
}

arc_status trial_gate(struct trial *t, const struct arc_say *said)
{
    begin(t);
    return end(t, arc__decide_gate(&t->d, &t->run, said, &t->err));
}

arc_status trial_approve(struct trial *t, uint32_t gate, const char *actor)
{
    const struct arc_say said = {.gate = gate, .approve = 1, .actor = arc__slice_cstr(actor)};
    return trial_gate(t, &said);
}

arc_status trial_reject(struct trial *t, uint32_t gate, const char *actor, const char *comment)
{
    const struct arc_say said = {
        .gate = gate, .actor = arc__slice_cstr(actor), .comment = arc__slice_cstr(comment)};
    return trial_gate(t, &said);
}

int trial_why_is(struct trial *t, const char *job, const char *why)
{
    return CHECK_TEXT(arc__job_why(&t->run, trial_index(t, job), &t->arena), why);
}

arc_status trial_admit(struct trial *t, const char *job)
{
    begin(t);
    if (job == NULL)
        return end(t, arc__decide_admit_run(&t->d, &t->run, &t->err));
    return end(t, arc__decide_admit_job(&t->d, &t->run, trial_index(t, job), &t->err));
}

arc_status trial_cancel_job(struct trial *t, const char *job, int force)
{
    begin(t);
    return end(t, arc__decide_cancel_job(&t->d, &t->run, trial_index(t, job), ARC_NONE,
                                         ARC_LIT("ann"), force, &t->err));
}

arc_status trial_cancel_step(struct trial *t, const char *job, uint32_t step, int force)
{
    begin(t);
    return end(t, arc__decide_cancel_step(&t->d, &t->run, trial_index(t, job), step, ARC_NONE,
                                          ARC_LIT("ann"), force, &t->err));
}

arc_status trial_stop(struct trial *t, int force)
{
    begin(t);
    return end(t, arc__decide_stop(&t->d, &t->run, ARC_NONE, ARC_LIT("who"), force, &t->err));
}
