/* SPDX-License-Identifier: Apache-2.0 */
/* ControlService: why a run does not run, and what would be. The engine answers; here its answer
 * becomes a message. */
#include "base/time.h"
#include "command/handlers.h"
#include "command/show.h"
#include "engine/explain.h"

#define TEXT_BYTES_MAX 256u
#define STEP_MS_MAX (INT64_C(366) * 24 * 3600 * 1000)

struct look_state {
    struct arc_look *look;
};

static void drop(struct arc_op *op)
{
    struct look_state *state = op->state;
    arc__look_close(state->look);
    state->look = NULL;
}

/* The answer; NULL: the op is over with a refusal. */
static const struct arc_look_result *result_of(struct arc_op *op)
{
    const struct look_state *state = op->state;
    const struct arc_look_result *result = NULL;
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__look_result(state->look, &result, &err);
    if (status == ARC_OK)
        return result;
    arc__op_refuse(op, status, &err, ARC_NONE);
    return NULL;
}

static void show_reasons(void *message, const char *field, const struct arc_waits *waits,
                         size_t first, size_t count, struct arc_arena *arena)
{
    for (size_t i = first; i < first + count; i++) {
        const struct arc_wait *wait = &waits->items[i];
        Control__V1__Reason *out = arc__pb_add(message, field, arena);
        if (out == NULL)
            return; /* the arena remembers */
        out->kind = arc__pb_string(arena, arc__slice_cstr(arc_reason_name(wait->kind)));
        out->sentence = arc__pb_string(arena, wait->sentence);
        out->name = arc__pb_string(arena, wait->name);
        out->id = arc__pb_string(arena, wait->id);
        out->text = arc__pb_string(arena, wait->text);
        out->count = arc__show_i32(wait->count);
        out->of = arc__show_i32(wait->of);
        out->more = arc__show_i32(wait->more);
        out->since_ns = wait->since_ns;
        out->until_ns = wait->until_ns;
    }
}

static char *word(struct arc_arena *arena, const char *text)
{
    return arc__pb_string(arena, arc__slice_cstr(text));
}

/* --- ExplainRun ---------------------------------------------------------------------- */

static void show_job(const struct arc_told_job *job, const struct arc_waits *waits,
                     Control__V1__ExplainedJob *out, struct arc_arena *arena)
{
    out->job_id = arc__pb_string(arena, job->told.id);
    out->job_name = arc__pb_string(arena, job->told.name);
    out->status = word(arena, arc_job_state_name(job->told.status));
    out->agent_id = arc__pb_string(arena, job->agent_id);
    show_reasons(out, "reasons", waits, job->told.first, job->told.count, arena);
    for (uint32_t s = 0; s < job->step_count; s++) {
        Control__V1__ExplainedStep *step = arc__pb_add(out, "steps", arena);
        if (step == NULL)
            return;
        step->step_run_id = arc__pb_string(arena, job->steps[s].id);
        step->step_name = arc__pb_string(arena, job->steps[s].name);
        step->status = word(arena, arc_step_state_name(job->steps[s].status));
        show_reasons(step, "reasons", waits, job->steps[s].first, job->steps[s].count, arena);
    }
}

static void explained(void *user)
{
    struct arc_op *op = user;
    const struct arc_look_result *result = result_of(op);
    if (result == NULL)
        return;
    Control__V1__ExplainRunResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        reply->pipeline_run_id = arc__pb_string(&op->arena, result->run.id);
        reply->pipeline_id = arc__pb_string(&op->arena, result->pipeline_id);
        reply->status = word(&op->arena, arc_run_state_name(result->run.status));
        show_reasons(reply, "reasons", &result->waits, result->run.first, result->run.count,
                     &op->arena);
        for (uint32_t j = 0; j < result->job_count; j++) {
            Control__V1__ExplainedJob *job = arc__pb_add(reply, "jobs", &op->arena);
            if (job != NULL)
                show_job(&result->jobs[j], &result->waits, job, &op->arena);
        }
        reply->left_out = arc__show_i32((int64_t)result->waits.left_out);
    }
    arc__op_reply(op);
}

static arc_status explain_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__ExplainRunRequest *request = message;
    struct look_state *state = op->state;
    const struct arc_look_ask ask = {.what = ARC_LOOK_WHY,
                                     .run_id = arc__slice_cstr(request->pipeline_run_id),
                                     .principal = op->principal};
    return arc__look_open(op->engine, &ask, explained, op, &state->look, err);
}

const struct arc_handler arc__control_explain = {
    .state_size = sizeof(struct look_state), .begin = explain_begin, .drop = drop};

/* --- WhatIf -------------------------------------------------------------------------- */

static void show_would(const struct arc_look_result *result, const struct arc_would *would,
                       Control__V1__WhatIfJob *out, struct arc_arena *arena)
{
    out->pipeline_run_id = arc__pb_string(arena, would->run_id);
    out->pipeline_id = arc__pb_string(arena, would->pipeline_id);
    out->job_id = arc__pb_string(arena, would->job_id);
    out->job_name = arc__pb_string(arena, would->job_name);
    out->place = arc__show_i32(would->place);
    show_reasons(out, "reasons", &result->waits, would->first, would->count, arena);
}

static void show_forecast_jobs(const struct arc_look_result *result, Control__V1__Forecast *out,
                               struct arc_arena *arena)
{
    const struct arc_forecast *forecast = &result->forecast;
    for (uint32_t j = 0; j < result->job_count; j++) {
        const struct arc_forecast_job *from = &forecast->jobs[j];
        Control__V1__ForecastJob *job = arc__pb_add(out, "jobs", arena);
        if (job == NULL)
            return;
        job->job_name = arc__pb_string(arena, result->jobs[j].told.name);
        job->status = word(arena, arc_job_state_name(from->status));
        job->queued_at_ns = from->queued_ns;
        job->started_at_ns = from->started_ns;
        job->finished_at_ns = from->ended_ns;
        job->agent_id = arc__pb_string(arena, from->agent_id);
        job->critical = from->critical;
    }
    for (uint32_t i = 0; i < forecast->path_count; i++)
        (void)arc__pb_add_text(out, "critical_path", result->jobs[forecast->path[i]].told.name,
                               arena);
}

static void show_forecast(const struct arc_look_result *result, Control__V1__Forecast *out,
                          struct arc_arena *arena)
{
    const struct arc_forecast *forecast = &result->forecast;
    out->ends = forecast->ends;
    out->status = word(arena, arc_run_state_name(forecast->status));
    out->end_ns = forecast->end_ns;
    out->cut = forecast->cut;
    out->steps = arc__show_i32(forecast->steps);
    out->steps_known = arc__show_i32(forecast->known);
    out->history_runs = arc__show_i32(forecast->runs);
    for (uint32_t bit = 1; bit < ARC_ASSUME_LAST; bit <<= 1) {
        if ((forecast->assumed & bit) != 0)
            (void)arc__pb_add_text(out, "assumptions",
                                   arc__slice_cstr(arc_assumption_text((int)bit)), arena);
    }
    show_forecast_jobs(result, out, arena);
    show_reasons(out, "stuck", &forecast->stuck, 0, forecast->stuck.count, arena);
}

static void foreseen(void *user)
{
    struct arc_op *op = user;
    const struct arc_look_result *result = result_of(op);
    if (result == NULL)
        return;
    Control__V1__WhatIfResponse *reply = arc__op_reply_new(op);
    for (size_t i = 0; reply != NULL && i < result->would_count; i++) {
        Control__V1__WhatIfJob *job = arc__pb_add(reply, "jobs", &op->arena);
        if (job != NULL)
            show_would(result, &result->would[i], job, &op->arena);
    }
    if (reply != NULL)
        reply->left_out = arc__show_i32((int64_t)result->would_left_out);
    if (reply != NULL && result->forecast.jobs != NULL) {
        reply->forecast = arc__pb_new(&control__v1__forecast__descriptor, &op->arena);
        if (reply->forecast != NULL) {
            show_forecast(result, reply->forecast, &op->arena);
        }
    }
    arc__op_reply(op);
}

static arc_status check(const Control__V1__WhatIfRequest *request, arc_err *err)
{
    if (!request->agent && !request->end)
        return arc__fail(err, ARC_EINVAL, "agent", "Ask about an agent, about the end, or both.");
    if (request->slots < 0)
        return arc__fail(err, ARC_EINVAL, "slots", "slots is not negative.");
    if (request->step_ms < 0 || request->step_ms > STEP_MS_MAX)
        return arc__fail(err, ARC_EINVAL, "stepMs", "stepMs must be between 0 and %lld.",
                         (long long)STEP_MS_MAX);
    if (strlen(request->os) > TEXT_BYTES_MAX || strlen(request->arch) > TEXT_BYTES_MAX)
        return arc__fail(err, ARC_EINVAL, "os", "os and arch are at most %u bytes.",
                         TEXT_BYTES_MAX);
    return ARC_OK;
}

static arc_status what_if_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__WhatIfRequest *request = message;
    struct look_state *state = op->state;
    ARC_TRY(check(request, err));
    struct arc_look_ask ask = {.what = (request->agent ? ARC_LOOK_AGENT : 0u) |
                                       (request->end ? ARC_LOOK_END : 0u),
                               .run_id = arc__slice_cstr(request->pipeline_run_id),
                               .principal = op->principal,
                               .step_ns = request->step_ms * ARC_NS_PER_MS};
    ask.newcomer.os = arc__slice_cstr(request->os);
    ask.newcomer.arch = arc__slice_cstr(request->arch);
    ask.newcomer.slots = (uint32_t)request->slots;
    ARC_TRY(arc__bind_kvs(request, "labels", &op->arena, &ask.newcomer.labels, err));
    return arc__look_open(op->engine, &ask, foreseen, op, &state->look, err);
}

const struct arc_handler arc__control_what_if = {
    .state_size = sizeof(struct look_state), .begin = what_if_begin, .drop = drop};
