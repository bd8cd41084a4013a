/* SPDX-License-Identifier: Apache-2.0 */
#include "core/decide.h"

#include "base/json.h"
#include "core/decide_private.h"
#include "core/resolve.h"
#include "core/retry.h"
#include "core/states.h"

#define PLACE_BYTES_MAX (1024u * 1024u)

void arc__decision_init(struct arc_decision *d, const struct arc_rules *rules,
                        struct arc_source source, struct arc_now now, struct arc_arena *arena)
{
    *d = (struct arc_decision){.rules = rules, .source = source, .now = now, .arena = arena};
}

/* --- emitting ------------------------------------------------------------------------ */

static int state_of(const struct arc_run *run, const struct arc_event *event)
{
    if (event->step >= 0)
        return run->jobs[event->job].steps[event->step].status;
    return event->job >= 0 ? run->jobs[event->job].status : run->status;
}

static void name_things(const struct arc_run *run, struct arc_event *event)
{
    event->run_id = arc__id_slice(&run->id);
    event->pipeline_id = run->pipeline_id;
    if (event->job < 0)
        return;
    event->job_id = arc__id_slice(&run->jobs[event->job].id);
    event->job_name = run->plan->jobs[event->job].key;
    if (event->agent_id.len == 0)
        event->agent_id = run->jobs[event->job].agent_id;
    if (event->attempt == 0)
        event->attempt = run->jobs[event->job].attempt;
    if (event->step < 0)
        return;
    const struct arc_step_state *step = &run->jobs[event->job].steps[event->step];
    event->step_run_id = arc__id_slice(&step->id);
    event->step_name = run->plan->jobs[event->job].steps[event->step].name;
    if (event->type != ARC_EVENT_STEP_QUEUED)
        event->attempt = step->attempt;
    if (event->fence == 0)
        event->fence = step->fence;
}

arc_status arc__emit(struct arc_decision *d, struct arc_run *run, struct arc_event init,
                     arc_err *err)
{
    struct arc_event *event = ARC_ARENA_NEW(d->arena, struct arc_event);
    if (event == NULL)
        return arc__fail_nomem(err);
    if (d->count == 0)
        d->stage = run->stage;
    if (d->count == d->capacity) {
        size_t capacity = d->capacity > 0 ? d->capacity * 2 : 16;
        struct arc_event **events =
            arc__arena_array(d->arena, capacity, sizeof(struct arc_event *));
        if (events == NULL)
            return arc__fail_nomem(err);
        if (d->count > 0)
            memcpy(events, d->events, d->count * sizeof(struct arc_event *));
        d->events = events;
        d->capacity = capacity;
    }
    *event = init;
    event->seq = run->seq + 1;
    event->time_ns = d->now.wall_ns;
    if (run->plan != NULL) {
        name_things(run, event);
        event->previous = state_of(run, event);
    }
    ARC_TRY(arc__run_fold(run, event, (int64_t)d->now.mono_ns - d->now.wall_ns, err));
    if (event->type == ARC_EVENT_PIPELINE_TRIGGERED)
        name_things(run, event);
    event->state = state_of(run, event);
    d->events[d->count++] = event;
    return ARC_OK;
}

/* --- when ---------------------------------------------------------------------------- */

/* What success() asks of one job. */
static int job_is_good(const struct arc_run *run, uint32_t j)
{
    switch (run->jobs[j].status) {
    case ARC_JOB_SUCCESS:
        return 1;
    case ARC_JOB_SKIPPED:
        return !run->jobs[j].by_failure;
    case ARC_JOB_FAILED:
    case ARC_JOB_TIMEOUT:
        return run->plan->jobs[j].continue_on_error != 0;
    default:
        return 0;
    }
}

static int job_failed(const struct arc_run *run, uint32_t j)
{
    return run->jobs[j].status == ARC_JOB_FAILED || run->jobs[j].status == ARC_JOB_TIMEOUT;
}

/* 1: some job of an earlier stage, or one that j depends on directly or not, has failed. */
static arc_status ancestor_failed(struct arc_decision *d, const struct arc_run *run, uint32_t j,
                                  int *out, arc_err *err)
{
    uint32_t count = run->plan->job_count, top = 0;
    uint8_t *seen = arc__arena_array(d->arena, count, 1);
    uint32_t *stack = arc__arena_array(d->arena, count, sizeof(uint32_t));
    if (seen == NULL || stack == NULL)
        return arc__fail_nomem(err);
    *out = 0;
    for (uint32_t k = 0; k < count; k++) {
        if (run->plan->jobs[k].stage < run->plan->jobs[j].stage && job_failed(run, k))
            *out = 1;
    }
    stack[top++] = j;
    seen[j] = 1;
    while (top > 0 && !*out) {
        const struct arc_plan_job *job = &run->plan->jobs[stack[--top]];
        for (uint32_t i = 0; i < job->dep_count; i++) {
            uint32_t dep = job->deps[i];
            if (job_failed(run, dep))
                *out = 1;
            if (!seen[dep]) {
                seen[dep] = 1;
                stack[top++] = dep;
            }
        }
    }
    return ARC_OK;
}

/* The first job among all of the earlier stages that success() stumbles over; UINT32_MAX: none. */
static uint32_t stage_blame(const struct arc_run *run, uint32_t stage)
{
    for (uint32_t k = 0; k < run->plan->job_count; k++) {
        if (run->plan->jobs[k].stage < stage && !job_is_good(run, k))
            return k;
    }
    return UINT32_MAX;
}

/* What a condition comes to. */
struct arc_verdict {
    uint32_t stage;
    int runs;
    int waits;      /* for a gate */
    int failed;     /* it could not be decided: what it guards fails */
    int by_failure; /* skipped because something failed */
    arc_slice reason;
};

/* An expression, where `status` are the answers of its status functions. What would have run if
 * nothing had failed is skipped because of the failure, and `blame` says of which. */
static arc_status judge_text(struct arc_decision *d, const struct arc_run *run,
                             const struct arc_condition *condition, uint32_t stage, uint32_t j,
                             uint32_t s, uint32_t status, arc_slice blame, struct arc_verdict *out,
                             arc_err *err)
{
    uint32_t otherwise = (status & ~ARC_STATUS_FAILURE) | ARC_STATUS_SUCCESS;
    arc_slice why = ARC_NONE;
    int yes = 0, failed = 0;
    ARC_TRY(arc__condition_holds(run, condition, stage, j, s, status, d->arena, &yes, &failed, &why,
                                 err));
    *out = (struct arc_verdict){.runs = yes && !failed, .failed = failed, .reason = why};
    if (yes || failed || (status & ARC_STATUS_SUCCESS) != 0)
        return ARC_OK;
    ARC_TRY(arc__condition_holds(run, condition, stage, j, s, otherwise, d->arena, &yes, &failed,
                                 &why, err));
    if (yes || failed) {
        out->by_failure = 1;
        out->reason = blame;
    }
    return ARC_OK;
}

/* Of a condition that was decided while planning. */
static arc_slice never_text(struct arc_decision *d, const struct arc_condition *condition,
                            arc_slice otherwise)
{
    arc_slice why = condition->why;
    if (why.len == 0)
        return otherwise;
    return why.ptr[why.len - 1] == '.' ? why : arc__arena_printf(d->arena, "%.*s.", ARC_ARG(why));
}

static arc_slice blame_text(struct arc_decision *d, const struct arc_run *run, uint32_t j)
{
    return arc__arena_printf(d->arena, "Job %.*s %s%s.", ARC_ARG(run->plan->jobs[j].key),
                             run->jobs[j].status == ARC_JOB_SKIPPED ? "was " : "ended ",
                             arc_job_state_name(run->jobs[j].status));
}

/* The `when` of a whole stage over all the earlier ones. */
static arc_status judge_stage(struct arc_decision *d, const struct arc_run *run, uint32_t stage,
                              struct arc_verdict *out, arc_err *err)
{
    const struct arc_condition *condition = &run->plan->stages[stage].condition;
    uint32_t blame = stage_blame(run, stage);
    arc_slice why = blame != UINT32_MAX ? blame_text(d, run, blame) : ARC_NONE;
    uint32_t status = blame == UINT32_MAX ? ARC_STATUS_SUCCESS : 0;
    for (uint32_t k = 0; k < run->plan->job_count; k++) {
        if (run->plan->jobs[k].stage < stage && job_failed(run, k))
            status |= ARC_STATUS_FAILURE;
    }
    *out = (struct arc_verdict){.runs = 1};
    switch (condition->when) {
    case ARC_WHEN_EXPR:
        return judge_text(d, run, condition, stage, UINT32_MAX, UINT32_MAX, status, why, out, err);
    case ARC_WHEN_ALWAYS:
        return ARC_OK;
    case ARC_WHEN_FAILURE:
        if ((status & ARC_STATUS_FAILURE) == 0)
            *out = (struct arc_verdict){.reason = ARC_LIT("Nothing before this stage failed.")};
        return ARC_OK;
    case ARC_WHEN_CANCELLED:
        *out = (struct arc_verdict){.reason = ARC_LIT("The run is not being stopped.")};
        return ARC_OK;
    case ARC_WHEN_NEVER:
        *out = (struct arc_verdict){
            .reason = never_text(d, condition, ARC_LIT("The stage's `when` is false."))};
        return ARC_OK;
    default:
        if (blame != UINT32_MAX)
            *out = (struct arc_verdict){.by_failure = 1, .reason = why};
        return ARC_OK;
    }
}

/* Once for all its jobs: everything that it asks about has ended. */
static arc_status stage_verdict(struct arc_decision *d, const struct arc_run *run, uint32_t stage,
                                struct arc_verdict *out, arc_err *err)
{
    if (d->verdict == NULL) {
        d->verdict = ARC_ARENA_NEW(d->arena, struct arc_verdict);
        if (d->verdict == NULL)
            return arc__fail_nomem(err);
        d->verdict->stage = UINT32_MAX;
    }
    if (d->verdict->stage != stage) {
        ARC_TRY(judge_stage(d, run, stage, d->verdict, err));
        d->verdict->stage = stage;
    }
    *out = *d->verdict;
    return ARC_OK;
}

/* The first dependency that success() stumbles over; UINT32_MAX: none. One of an earlier stage was
 * judged by that stage's `when`: the edge only names a need. */
static uint32_t job_blame(const struct arc_run *run, uint32_t j)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    for (uint32_t i = 0; i < plan->dep_count; i++) {
        uint32_t dep = plan->deps[i];
        if (run->plan->jobs[dep].stage == plan->stage && !job_is_good(run, dep))
            return dep;
    }
    return UINT32_MAX;
}

static arc_status judge_job(struct arc_decision *d, const struct arc_run *run, uint32_t j,
                            struct arc_verdict *out, arc_err *err)
{
    const struct arc_condition *condition = &run->plan->jobs[j].condition;
    uint32_t blame = job_blame(run, j), status = blame == UINT32_MAX ? ARC_STATUS_SUCCESS : 0;
    arc_slice why = blame != UINT32_MAX ? blame_text(d, run, blame) : ARC_NONE;
    int failed = 0;
    *out = (struct arc_verdict){.runs = 1};
    switch (condition->when) {
    case ARC_WHEN_EXPR:
        ARC_TRY(ancestor_failed(d, run, j, &failed, err));
        status |= failed ? ARC_STATUS_FAILURE : 0;
        return judge_text(d, run, condition, run->plan->jobs[j].stage, j, UINT32_MAX, status, why,
                          out, err);
    case ARC_WHEN_ALWAYS:
        return ARC_OK;
    case ARC_WHEN_FAILURE:
        ARC_TRY(ancestor_failed(d, run, j, &failed, err));
        if (!failed)
            *out = (struct arc_verdict){.reason = ARC_LIT("Nothing that it depends on failed.")};
        return ARC_OK;
    case ARC_WHEN_CANCELLED:
        *out = (struct arc_verdict){.reason = ARC_LIT("The run is not being stopped.")};
        return ARC_OK;
    case ARC_WHEN_NEVER:
        *out = (struct arc_verdict){.reason =
                                        never_text(d, condition, ARC_LIT("Its `when` is false."))};
        return ARC_OK;
    default:
        if (blame != UINT32_MAX)
            *out = (struct arc_verdict){.by_failure = 1, .reason = why};
        return ARC_OK;
    }
}

/* 0: the gate is open, or there is none; else out says whether it waits or was refused. */
static arc_status judge_gate(struct arc_decision *d, struct arc_run *run, uint32_t gate,
                             struct arc_verdict *out, arc_err *err)
{
    if (gate == 0)
        return ARC_OK;
    ARC_TRY(arc__gate_ask(d, run, gate, err));
    const struct arc_gate_state *state = &run->gates[gate - 1];
    if (state->status == ARC_GATE_WAITING)
        *out = (struct arc_verdict){.waits = 1};
    else if (state->status != ARC_GATE_APPROVED)
        *out = (struct arc_verdict){.by_failure = 1, .reason = state->reason};
    return ARC_OK;
}

/* Everything that stands before a job, from the outside in: a gate after the `when` of what it
 * guards, so that nobody is asked about what would not run. */
static arc_status admit(struct arc_decision *d, struct arc_run *run, uint32_t j,
                        struct arc_verdict *out, arc_err *err)
{
    uint32_t stage = run->plan->jobs[j].stage;
    *out = (struct arc_verdict){.runs = 1};
    ARC_TRY(judge_gate(d, run, run->plan->gate, out, err));
    if (out->runs)
        ARC_TRY(stage_verdict(d, run, stage, out, err));
    if (out->runs)
        ARC_TRY(judge_gate(d, run, run->plan->stages[stage].gate, out, err));
    if (out->runs)
        ARC_TRY(judge_job(d, run, j, out, err));
    if (out->runs)
        ARC_TRY(judge_gate(d, run, run->plan->jobs[j].gate, out, err));
    return ARC_OK;
}

/* 1: a step of this attempt was cancelled, though the run goes on. */
static int any_cancelled(const struct arc_run *run, uint32_t j)
{
    for (uint32_t s = 0; s < run->plan->jobs[j].step_count; s++) {
        if (run->jobs[j].steps[s].status == ARC_STEP_CANCELLED)
            return 1;
    }
    return 0;
}

/* 1: a step of `finally` without a condition, or with one that does not speak of success, and so
 * does not ask for it either: what cleans up does so whatever has become of the job. */
static int is_unasked(struct arc_decision *d, const struct arc_plan *plan,
                      const struct arc_plan_step *step)
{
    const struct arc_expr_limits limits = arc__run_limits(plan);
    const struct arc_expr *expr = NULL;
    struct arc_fault fault;
    if (!step->finally || step->condition.text.len == 0)
        return step->finally != 0;
    return arc__expr_parse(step->condition.text, &limits, d->arena, &expr, &fault) == ARC_OK &&
           !arc__expr_has_status(expr);
}

static arc_status judge_step(struct arc_decision *d, const struct arc_run *run, uint32_t j,
                             uint32_t s, struct arc_verdict *out, arc_err *err)
{
    const struct arc_job_state *job = &run->jobs[j];
    const struct arc_condition *condition = &run->plan->jobs[j].steps[s].condition;
    int failed = job->failed || job->timed_out || job->cut, cancelled = any_cancelled(run, j);
    int stopping = run->stopping || job->stopping;
    uint32_t status = (failed || cancelled ? 0 : ARC_STATUS_SUCCESS) |
                      (failed ? ARC_STATUS_FAILURE : 0) | (stopping ? ARC_STATUS_CANCELLED : 0);
    arc_slice why =
        failed ? ARC_LIT("A step before it failed.") : ARC_LIT("A step before it was cancelled.");
    *out = (struct arc_verdict){.runs = 1};
    if (is_unasked(d, run->plan, &run->plan->jobs[j].steps[s])) {
        if (condition->when == ARC_WHEN_SUCCESS)
            return ARC_OK;
        status |= ARC_STATUS_SUCCESS;
    }
    switch (condition->when) {
    case ARC_WHEN_EXPR:
        return judge_text(d, run, condition, run->plan->jobs[j].stage, j, s, status, why, out, err);
    case ARC_WHEN_ALWAYS:
        return ARC_OK;
    case ARC_WHEN_FAILURE:
        *out = (struct arc_verdict){.runs = failed, .reason = ARC_LIT("No step before it failed.")};
        return ARC_OK;
    case ARC_WHEN_CANCELLED:
        *out = (struct arc_verdict){.runs = stopping,
                                    .reason = ARC_LIT("The run is not being stopped.")};
        return ARC_OK;
    case ARC_WHEN_NEVER:
        *out = (struct arc_verdict){.reason =
                                        never_text(d, condition, ARC_LIT("Its `when` is false."))};
        return ARC_OK;
    default:
        *out = (struct arc_verdict){.runs = !failed && !cancelled, .reason = why};
        return ARC_OK;
    }
}

/* --- ending things ------------------------------------------------------------------- */

arc_status arc__end_steps(struct arc_decision *d, struct arc_run *run, uint32_t j,
                          enum arc_event_type type, arc_slice reason, arc_err *err)
{
    for (uint32_t s = 0; s < run->plan->jobs[j].step_count; s++) {
        if (run->jobs[j].steps[s].status == ARC_STEP_PENDING)
            ARC_TRY(arc__emit(
                d, run,
                (struct arc_event){
                    .type = type, .job = (int32_t)j, .step = (int32_t)s, .reason = reason},
                err));
    }
    return ARC_OK;
}

arc_status arc__end_job(struct arc_decision *d, struct arc_run *run, uint32_t j,
                        enum arc_event_type type, arc_slice reason, uint32_t cause, arc_err *err)
{
    struct arc_event event = {
        .type = type, .job = (int32_t)j, .step = -1, .reason = reason, .cause = cause};
    int ran = type == ARC_EVENT_JOB_COMPLETED || type == ARC_EVENT_JOB_FAILED;
    if (ran && run->plan->jobs[j].outputs.count > 0) {
        arc_err why = ARC_ERR_INIT;
        arc_status status = arc__job_outputs(run, j, d->arena, &event.outputs, &why);
        if (status == ARC_ENOMEM)
            return arc__fail_nomem(err);
        if (status != ARC_OK && type == ARC_EVENT_JOB_COMPLETED) {
            event.type = ARC_EVENT_JOB_FAILED;
            event.cause = ARC_CAUSE_FAILED;
            event.reason = arc__arena_copy(d->arena, arc__slice_cstr(why.message));
        }
    }
    return arc__emit(d, run, event, err);
}

/* The run's result, first that fits; the operator's stop and the run's timeout come first. */
static enum arc_event_type result_of(const struct arc_run *run)
{
    if (run->stopping)
        return run->stop_cause == ARC_CAUSE_TIMEOUT ? ARC_EVENT_PIPELINE_FAILED
                                                    : ARC_EVENT_PIPELINE_CANCELLED;
    if (run->gate_refused != 0 || run->jobs_failed > run->jobs_partial)
        return ARC_EVENT_PIPELINE_FAILED;
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        if (run->jobs[j].status == ARC_JOB_CANCELLED && !run->jobs[j].outrun)
            return ARC_EVENT_PIPELINE_CANCELLED;
    }
    return run->jobs_partial > 0 ? ARC_EVENT_PIPELINE_PARTIAL : ARC_EVENT_PIPELINE_COMPLETED;
}

/* 1: job j is why a run ends as type. */
static int decided_by(const struct arc_run *run, enum arc_event_type type, uint32_t j)
{
    switch (type) {
    case ARC_EVENT_PIPELINE_FAILED:
        return job_failed(run, j) && !run->plan->jobs[j].continue_on_error;
    case ARC_EVENT_PIPELINE_PARTIAL:
        return job_failed(run, j);
    case ARC_EVENT_PIPELINE_CANCELLED:
        return run->jobs[j].status == ARC_JOB_CANCELLED && !run->jobs[j].outrun;
    default:
        return 0;
    }
}

static arc_status end_run(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    struct arc_event event = {.type = result_of(run), .job = -1, .step = -1};
    if (run->stopping)
        event.reason = run->reason;
    else if (run->gate_refused != 0)
        event.reason = run->gates[run->gate_refused - 1].reason;
    for (uint32_t j = 0; event.reason.len == 0 && j < run->plan->job_count; j++) {
        if (decided_by(run, event.type, j))
            event.reason = blame_text(d, run, j);
    }
    return arc__emit(d, run, event, err);
}

/* --- going on ------------------------------------------------------------------------ */

/* 1: something of the job is decided or expanded while it runs, and may name the agent. */
static int is_late(const struct arc_plan_job *plan)
{
    int late = plan->outputs.count > 0;
    for (uint32_t s = 0; s < plan->step_count && !late; s++)
        late = plan->steps[s].late != 0 || plan->steps[s].late_env.count > 0 ||
               plan->steps[s].condition.when == ARC_WHEN_EXPR;
    return late;
}

/* What is known about the agent goes into the event: its labels may change, what was expanded with
 * them must not. */
static arc_status place_text(struct arc_decision *d, const struct arc_place_facts *place,
                             arc_slice *out, arc_err *err)
{
    struct arc_buf buf;
    struct arc_json json;
    arc__buf_init(&buf, &d->arena->mem, PLACE_BYTES_MAX);
    arc__json_init(&json, &buf);
    arc__json_object(&json);
    arc__json_key_text(&json, "arch", place->arch);
    arc__json_key_text(&json, "id", place->id);
    arc__json_key(&json, ARC_LIT("labels"));
    arc__json_object(&json);
    for (uint32_t i = 0; i < place->labels.count; i++) {
        arc__json_key(&json, place->labels.items[i].key);
        arc__json_text(&json, place->labels.items[i].value);
    }
    arc__json_end_object(&json);
    arc__json_key_text(&json, "name", place->name);
    arc__json_key_text(&json, "os", place->os);
    arc__json_end_object(&json);
    arc_status status = arc__buf_check(&buf, err);
    if (status == ARC_OK)
        *out = arc__arena_copy(d->arena, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
    return status == ARC_OK && d->arena->failed ? arc__fail_nomem(err) : status;
}

/* place: of a job that is not placed yet; NULL: the agent that it is on. */
static arc_status grant(struct arc_decision *d, struct arc_run *run, uint32_t j, uint32_t s,
                        const struct arc_place_facts *place, arc_err *err)
{
    struct arc_event event = {.type = ARC_EVENT_STEP_QUEUED,
                              .job = (int32_t)j,
                              .step = (int32_t)s,
                              .agent_id = place != NULL ? place->id : run->jobs[j].agent_id,
                              .attempt = run->jobs[j].steps[s].attempt + 1};
    if (place != NULL && is_late(&run->plan->jobs[j]))
        ARC_TRY(place_text(d, place, &event.place, err));
    ARC_TRY(d->source.fence(d->source.user, &event.fence, err));
    ARC_TRY(arc__emit(d, run, event, err));
    run->jobs[j].steps[s].lease_mono_ns = d->now.mono_ns + (uint64_t)d->rules->lease_ttl_ns;
    return ARC_OK;
}

/* A step that nobody can run: it is granted, so that it has its place in the order of things, and
 * fails before anybody hears of it. */
static arc_status fail_step(struct arc_decision *d, struct arc_run *run, uint32_t j, uint32_t s,
                            arc_slice message, arc_err *err)
{
    return arc__emit(d, run,
                     (struct arc_event){.type = ARC_EVENT_STEP_FAILED,
                                        .job = (int32_t)j,
                                        .step = (int32_t)s,
                                        .cause = ARC_CAUSE_FAILED,
                                        .exit_code = -1,
                                        .error_message = message},
                     err);
}

/* Grants a step if its texts can be made; else it has failed, and *failed says so. */
static arc_status grant_whole(struct arc_decision *d, struct arc_run *run, uint32_t j, uint32_t s,
                              const struct arc_place_facts *place, int *failed, arc_err *err)
{
    const struct arc_plan_step *plan = &run->plan->jobs[j].steps[s];
    struct arc_resolved texts;
    arc_err why = ARC_ERR_INIT;
    *failed = 0;
    ARC_TRY(grant(d, run, j, s, place, err));
    if (plan->late == 0 && plan->late_env.count == 0)
        return ARC_OK;
    arc_status status = arc__step_resolve(run, j, s, NULL, d->arena, &texts, &why);
    if (status == ARC_OK)
        return ARC_OK;
    if (status == ARC_ENOMEM)
        return arc__fail_nomem(err);
    *failed = 1;
    arc_slice message = arc__arena_copy(d->arena, arc__slice_cstr(why.message));
    if (message.ptr == NULL)
        return arc__fail_nomem(err);
    return fail_step(d, run, j, s, message, err);
}

/* New ids for all steps of a job's next attempt, and when it may be placed. */
static arc_status retry_job(struct arc_decision *d, struct arc_run *run, uint32_t j, uint32_t cause,
                            arc_slice reason, arc_err *err)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_job_state *job = &run->jobs[j];
    arc_id *ids = arc__arena_array(d->arena, plan->step_count, sizeof(arc_id));
    if (ids == NULL)
        return arc__fail_nomem(err);
    for (uint32_t s = 0; s < plan->step_count; s++)
        ARC_TRY(d->source.id(d->source.user, &ids[s], err));
    int64_t delay_ns =
        arc__retry_delay_ns(&plan->retry, (uint32_t)job->attempt, d->source.random, d->source.user);
    return arc__emit(d, run,
                     (struct arc_event){.type = ARC_EVENT_JOB_RETRYING,
                                        .job = (int32_t)j,
                                        .step = -1,
                                        .cause = cause,
                                        .reason = reason,
                                        .not_before_ns = d->now.wall_ns + delay_ns,
                                        .step_ids = ids,
                                        .step_id_count = plan->step_count},
                     err);
}

/* A step that has a retry of its own is final when it fails; the job's retry covers the rest. */
static int job_retry_applies(const struct arc_run *run, uint32_t j, uint32_t cause)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_job_state *job = &run->jobs[j];
    if (run->stopping || job->stopping)
        return 0;
    if (job->failed > 0 && plan->steps[job->failed - 1].retry.max_attempts > 0)
        return 0;
    return arc__retry_covers(&plan->retry, (uint32_t)job->attempt, cause);
}

static arc_slice failure_text(struct arc_decision *d, const struct arc_run *run, uint32_t j)
{
    uint32_t s = (uint32_t)run->jobs[j].failed - 1;
    const struct arc_step_state *step = &run->jobs[j].steps[s];
    arc_slice name = run->plan->jobs[j].steps[s].name;
    if (step->status == ARC_STEP_TIMEOUT)
        return arc__arena_printf(d->arena, "Step %.*s ran into its timeout.", ARC_ARG(name));
    if (step->error_message.len > 0)
        return arc__arena_printf(d->arena, "Step %.*s failed: %.*s", ARC_ARG(name),
                                 ARC_ARG(step->error_message));
    return arc__arena_printf(d->arena, "Step %.*s failed with exit code %d.", ARC_ARG(name),
                             step->exit_code);
}

/* Every step of the attempt has ended. */
static arc_status end_attempt(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    const struct arc_job_state *job = &run->jobs[j];
    int cancelled = any_cancelled(run, j);
    if (job->cut) {
        arc_slice reason = ARC_LIT("The job ran into its timeout.");
        if (job_retry_applies(run, j, ARC_CAUSE_TIMEOUT))
            return retry_job(d, run, j, ARC_CAUSE_TIMEOUT, reason, err);
        return arc__end_job(d, run, j, ARC_EVENT_JOB_TIMEOUT, reason, ARC_CAUSE_TIMEOUT, err);
    }
    if (run->stopping && cancelled)
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED, run->reason, 0, err);
    if (job->stopping && cancelled)
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED, job->stop_reason, ARC_CAUSE_FAILED,
                            err);
    if (job->failed) {
        arc_slice reason = failure_text(d, run, j);
        uint32_t cause = job->timed_out == job->failed ? ARC_CAUSE_TIMEOUT : ARC_CAUSE_FAILED;
        if (job_retry_applies(run, j, cause))
            return retry_job(d, run, j, cause, reason, err);
        return arc__end_job(d, run, j, ARC_EVENT_JOB_FAILED, reason, cause, err);
    }
    if (cancelled)
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED,
                            ARC_LIT("A step of it was cancelled."), 0, err);
    return arc__end_job(d, run, j, ARC_EVENT_JOB_COMPLETED, ARC_NONE, 0, err);
}

/* Why a pending step will not run, whatever its `when`: NONE, or the event that ends it. `finally`
 * runs in what is stopped once it had started, unless that is forced, and after the job's time. */
static struct arc_event bar_step(struct arc_decision *d, const struct arc_run *run, uint32_t j,
                                 uint32_t s)
{
    const struct arc_job_state *job = &run->jobs[j];
    int finally = run->plan->jobs[j].steps[s].finally != 0;
    struct arc_event event = {.job = (int32_t)j, .step = (int32_t)s};
    if ((run->stopping || job->stopping) && (!finally || run->forced || !job->started_any)) {
        event.type = ARC_EVENT_STEP_CANCELLED;
        event.reason = run->stopping ? run->reason : job->stop_reason;
    } else if (!finally && d->now.mono_ns >= arc__job_deadline(run, j)) {
        event.type = ARC_EVENT_STEP_SKIPPED;
        event.reason = ARC_LIT("The job ran into its timeout.");
        event.cause = ARC_CAUSE_TIMEOUT;
    }
    return event;
}

/* The present step, which is pending: ended without having run, or granted, or (*waits) neither. */
static arc_status next_step(struct arc_decision *d, struct arc_run *run, uint32_t j,
                            const struct arc_place_facts *place, int *waits, arc_err *err)
{
    uint32_t s = run->jobs[j].step;
    const struct arc_step_state *step = &run->jobs[j].steps[s];
    struct arc_verdict verdict;
    struct arc_event bar = bar_step(d, run, j, s);
    int failed = 0;
    if (bar.type != ARC_EVENT_NONE)
        return arc__emit(d, run, bar, err);
    ARC_TRY(judge_step(d, run, j, s, &verdict, err));
    if (!verdict.runs && !verdict.failed)
        return arc__emit(d, run,
                         (struct arc_event){.type = ARC_EVENT_STEP_SKIPPED,
                                            .job = (int32_t)j,
                                            .step = (int32_t)s,
                                            .reason = verdict.reason},
                         err);
    *waits = (run->status == ARC_RUN_PAUSED && !run->stopping) ||
             step->not_before_mono_ns > d->now.mono_ns;
    if (*waits)
        return ARC_OK;
    if (run->jobs[j].agent_id.len > 0)
        place = NULL;
    if (verdict.failed) {
        ARC_TRY(grant(d, run, j, s, place, err));
        return fail_step(d, run, j, s, verdict.reason, err);
    }
    return grant_whole(d, run, j, s, place, &failed, err);
}

/* Takes a placed job as far as it goes by itself: skips, grants the next step, or ends it. */
static arc_status go_on(struct arc_decision *d, struct arc_run *run, uint32_t j,
                        const struct arc_place_facts *place, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    int waits = 0;
    while (job->step < run->plan->jobs[j].step_count) {
        if (job->steps[job->step].status != ARC_STEP_PENDING)
            return ARC_OK; /* granted or running: its holder speaks next */
        ARC_TRY(next_step(d, run, j, place, &waits, err));
        if (waits)
            return ARC_OK;
    }
    return end_attempt(d, run, j, err);
}

int arc__has_room(const struct arc_run *run, uint32_t j)
{
    uint32_t matrix = run->plan->jobs[j].matrix;
    uint32_t most = matrix != 0 ? run->plan->matrices[matrix - 1].max_parallel : 0;
    return most == 0 || run->matrix_busy[matrix - 1] < most;
}

/* A job that will not run ends with all its steps. One whose `when` cannot be decided fails, and it
 * cannot fail before it was queued. */
static arc_status turn_away(struct arc_decision *d, struct arc_run *run, uint32_t j,
                            const struct arc_verdict *verdict, arc_err *err)
{
    if (verdict->failed)
        ARC_TRY(arc__emit(
            d, run, (struct arc_event){.type = ARC_EVENT_JOB_QUEUED, .job = (int32_t)j, .step = -1},
            err));
    ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_SKIPPED, verdict->reason, err));
    return arc__emit(
        d, run,
        (struct arc_event){.type = verdict->failed ? ARC_EVENT_JOB_FAILED : ARC_EVENT_JOB_SKIPPED,
                           .job = (int32_t)j,
                           .step = -1,
                           .reason = verdict->reason,
                           .cause = verdict->failed || verdict->by_failure ? ARC_CAUSE_FAILED : 0},
        err);
}

/* A pending job whose dependencies and earlier stages have ended: into the queue, or skipped. */
static arc_status consider(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    struct arc_verdict verdict = {0};
    if (job->status != ARC_JOB_PENDING || job->blockers > 0 ||
        run->plan->jobs[j].stage > run->stage)
        return ARC_OK;
    if (run->stopping) {
        ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_CANCELLED, run->reason, err));
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED, run->reason, 0, err);
    }
    if (job->not_before_mono_ns > d->now.mono_ns || run->status == ARC_RUN_PAUSED)
        return ARC_OK;
    if (job->attempt == 1) { /* a retry was decided on when its `when` had been */
        ARC_TRY(admit(d, run, j, &verdict, err));
        if (verdict.waits)
            return ARC_OK;
        if (!verdict.runs)
            return turn_away(d, run, j, &verdict, err);
    }
    if (!arc__has_room(run, j))
        return ARC_OK;
    return arc__emit(
        d, run, (struct arc_event){.type = ARC_EVENT_JOB_QUEUED, .job = (int32_t)j, .step = -1},
        err);
}

/* failFast: what has not begun is cancelled, what runs is asked to end. */
static arc_status outrun_cell(struct arc_decision *d, struct arc_run *run, uint32_t j,
                              arc_slice reason, arc_err *err)
{
    const struct arc_job_state *job = &run->jobs[j];
    int placed = job->agent_id.len > 0 && job->step < run->plan->jobs[j].step_count;
    int granted = placed && (job->steps[job->step].status == ARC_STEP_QUEUED ||
                             job->steps[job->step].status == ARC_STEP_RUNNING);
    if (arc_job_state_is_terminal(job->status) || job->stopping)
        return ARC_OK;
    if (!placed || (!granted && !job->started_any)) {
        ARC_TRY(arc__end_steps(d, run, j, ARC_EVENT_STEP_CANCELLED, reason, err));
        return arc__end_job(d, run, j, ARC_EVENT_JOB_CANCELLED, reason, ARC_CAUSE_FAILED, err);
    }
    ARC_TRY(arc__emit(d, run,
                      (struct arc_event){.type = ARC_EVENT_JOB_STOPPING,
                                         .job = (int32_t)j,
                                         .step = -1,
                                         .reason = reason,
                                         .grace_ns = d->rules->stop_grace_ns},
                      err));
    return granted ? ARC_OK : go_on(d, run, j, NULL, err);
}

static arc_status fail_fast(struct arc_decision *d, struct arc_run *run, uint32_t j, arc_err *err)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_plan_matrix *matrix =
        plan->matrix != 0 ? &run->plan->matrices[plan->matrix - 1] : NULL;
    if (matrix == NULL || !matrix->fail_fast || plan->continue_on_error || !job_failed(run, j) ||
        run->stopping)
        return ARC_OK;
    arc_slice reason = arc__arena_printf(
        d->arena, "Job %.*s failed, and the matrix has `failFast`.", ARC_ARG(plan->key));
    if (reason.ptr == NULL)
        return arc__fail_nomem(err);
    for (uint32_t k = matrix->first_job; k < matrix->first_job + matrix->job_count; k++)
        ARC_TRY(outrun_cell(d, run, k, reason, err));
    return ARC_OK;
}

/* A worklist rather than recursion: a chain of skipped jobs may be as long as the plan. A job may
 * stand in it twice; considering it again changes nothing. */
struct work {
    uint32_t *items;
    size_t count, capacity, at;
};

static arc_status push(struct arc_decision *d, struct work *work, uint32_t j, arc_err *err)
{
    if (work->count == work->capacity) {
        size_t capacity = work->capacity > 0 ? work->capacity * 2 : 32;
        uint32_t *items = arc__arena_array(d->arena, capacity, sizeof(*items));
        if (items == NULL)
            return arc__fail_nomem(err);
        if (work->count > 0)
            memcpy(items, work->items, work->count * sizeof(*items));
        work->items = items;
        work->capacity = capacity;
    }
    work->items[work->count++] = j;
    return ARC_OK;
}

static arc_status push_stage(struct arc_decision *d, const struct arc_run *run, struct work *work,
                             arc_err *err)
{
    const struct arc_plan_stage *stage = &run->plan->stages[run->stage];
    d->stage = run->stage;
    for (uint32_t j = stage->first_job; j < stage->first_job + stage->job_count; j++) {
        if (run->jobs[j].status == ARC_JOB_PENDING && run->jobs[j].blockers == 0)
            ARC_TRY(push(d, work, j, err));
    }
    return ARC_OK;
}

/* Cells that waited for others of their matrix: as many as there is room for. */
static arc_status push_cells(struct arc_decision *d, const struct arc_run *run, uint32_t m,
                             struct work *work, arc_err *err)
{
    const struct arc_plan_matrix *matrix = &run->plan->matrices[m];
    uint32_t busy = run->matrix_busy[m], last = matrix->first_job + matrix->job_count;
    for (uint32_t k = matrix->first_job; k < last && busy < matrix->max_parallel; k++) {
        if (run->jobs[k].status != ARC_JOB_PENDING || run->jobs[k].blockers > 0 ||
            run->jobs[k].not_before_mono_ns > d->now.mono_ns)
            continue;
        busy++;
        ARC_TRY(push(d, work, k, err));
    }
    return ARC_OK;
}

/* Whom the events since the last look may have made ready. *all: a gate was decided. */
static arc_status push_changed(struct arc_decision *d, struct arc_run *run, struct work *work,
                               int *all, arc_err *err)
{
    while (d->settled < d->count) {
        const struct arc_event *event = d->events[d->settled++];
        *all |= event->type > ARC_EVENT_APPROVAL_REQUESTED && event->type < ARC_EVENT_JOB_QUEUED;
        if (event->job < 0 || event->step >= 0)
            continue;
        uint32_t j = (uint32_t)event->job, matrix = run->plan->jobs[j].matrix;
        if (event->type == ARC_EVENT_JOB_RETRYING)
            ARC_TRY(push(d, work, j, err));
        if (arc_job_state_is_terminal(event->state))
            ARC_TRY(fail_fast(d, run, j, err));
        if (matrix != 0 && run->plan->matrices[matrix - 1].max_parallel > 0 &&
            event->type != ARC_EVENT_JOB_QUEUED)
            ARC_TRY(push_cells(d, run, matrix - 1, work, err));
        if (!arc_job_state_is_terminal(event->state))
            continue;
        for (uint32_t i = 0; i < run->dependent_count[j]; i++) {
            if (run->jobs[run->dependents[j][i]].blockers == 0)
                ARC_TRY(push(d, work, run->dependents[j][i], err));
        }
    }
    return ARC_OK;
}

static arc_status settle(struct arc_decision *d, struct arc_run *run, int all, arc_err *err)
{
    struct work work = {0};
    while (!arc__run_over(run)) {
        if (run->jobs_open == 0)
            return end_run(d, run, err);
        if (all || d->stage != run->stage)
            ARC_TRY(push_stage(d, run, &work, err));
        all = 0;
        ARC_TRY(push_changed(d, run, &work, &all, err));
        if (all || d->settled < d->count)
            continue;
        if (work.at == work.count)
            return ARC_OK;
        ARC_TRY(consider(d, run, work.items[work.at++], err));
    }
    return ARC_OK;
}

arc_status arc__go_on(struct arc_decision *d, struct arc_run *run, uint32_t job, arc_err *err)
{
    ARC_TRY(go_on(d, run, job, NULL, err));
    return settle(d, run, 0, err);
}

arc_status arc__settle(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    return settle(d, run, 0, err);
}

arc_status arc__settle_all(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    if (d->count == 0)
        d->stage = run->stage;
    return settle(d, run, 1, err);
}

arc_status arc__lose_attempt(struct arc_decision *d, struct arc_run *run, uint32_t j,
                             arc_slice reason, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    if (job->lost < d->rules->lost_retries_max && job_retry_applies(run, j, ARC_CAUSE_LOST))
        ARC_TRY(retry_job(d, run, j, ARC_CAUSE_LOST, reason, err));
    else
        ARC_TRY(arc__end_job(d, run, j, ARC_EVENT_JOB_FAILED, reason, ARC_CAUSE_LOST, err));
    return settle(d, run, 0, err);
}

/* --- placing -----------------------------------------------------------------------------------
 */

int arc__job_wants_place(const struct arc_run *run, uint32_t job, struct arc_now now)
{
    const struct arc_job_state *state = &run->jobs[job];
    return state->status == ARC_JOB_QUEUED && state->agent_id.len == 0 && !run->stopping &&
           run->status != ARC_RUN_PAUSED && !arc__run_over(run) &&
           state->not_before_mono_ns <= now.mono_ns &&
           state->steps[state->step < run->plan->jobs[job].step_count ? state->step : 0]
                   .not_before_mono_ns <= now.mono_ns;
}

arc_status arc__decide_place(struct arc_decision *d, struct arc_run *run, uint32_t job,
                             const struct arc_place_facts *place, arc_err *err)
{
    if (job >= run->plan->job_count || !arc__job_wants_place(run, job, d->now))
        return arc__fail(err, ARC_ECONFLICT, "job", "The job does not wait for a place.");
    ARC_TRY(go_on(d, run, job, place, err));
    return settle(d, run, 0, err);
}
