/* SPDX-License-Identifier: Apache-2.0 */
/* ControlService.StreamStepRunEvents: the present state of one step run, then each of its events
 * with the whole CloudEvent, until it has ended. */
#include "command/follow.h"
#include "command/handlers.h"
#include "command/steprun.h"
#include "engine/event_json.h"

#define EVENT_BYTES_MAX (256u * 1024u)

struct events_state {
    const Control__V1__StreamStepRunEventsRequest *request;
    struct arc_follow follow;
    const struct arc_row_step_run *row; /* NULL: not found yet */
    int ready;                          /* found, and the caller may see it */
    int shown;                          /* the snapshot has been sent */
    int ended;
};

static void events_ready(struct arc_op *op)
{
    struct events_state *state = op->state;
    state->ready = 1;
    arc__op_wake(op);
}

static void run_found(struct arc_op *op, const struct arc_rows *rows)
{
    if (arc__step_run_visible(op, rows))
        events_ready(op);
}

static void step_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct events_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    state->row = arc__step_row_of(op, rows, state->request->pipeline_id, state->request->job_id);
    if (state->row == NULL)
        return;
    arc_status status = arc__follow_mark(&state->follow, state->row, &err);
    if (status != ARC_OK) {
        arc__op_refuse(op, status, &err, ARC_NONE);
        return;
    }
    arc__follow_complete(&state->follow);
    if (op->principal.project_id[0] == '\0')
        events_ready(op);
    else
        arc__step_run_find(op, state->row, run_found);
}

static arc_status events_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__StreamStepRunEventsRequest *request = message;
    struct events_state *state = op->state;
    const struct arc_watch_filter filter = {.step_run_id = arc__slice_cstr(request->step_run_id)};
    state->request = request;
    if (request->step_run_id[0] == '\0')
        return arc__fail(err, ARC_EINVAL, "stepRunId", "The id of the step run is missing.");
    ARC_TRY(arc__follow_open(&state->follow, op, &filter, "", err));
    return arc__op_find(op, ARC_TABLE_step_run, request->step_run_id, "step run", step_found, err);
}

static void events_drop(struct arc_op *op)
{
    struct events_state *state = op->state;
    arc__follow_close(&state->follow);
}

static Control__V1__StreamStepRunEventsResponse *response_new(const struct events_state *state,
                                                              struct arc_arena *arena)
{
    Control__V1__StreamStepRunEventsResponse *out =
        ARC_PB_NEW(arena, Control__V1__StreamStepRunEventsResponse,
                   control__v1__stream_step_run_events_response__descriptor);
    if (out == NULL)
        return NULL;
    out->step_run_id = arc__pb_string(arena, state->row->id);
    out->pipeline_id = arc__pb_string(arena, state->row->pipeline_id);
    out->job_id = arc__pb_string(arena, state->row->job_id);
    return out;
}

static arc_status pull_snapshot(struct arc_op *op, struct arc_arena *arena, const void **out,
                                arc_err *err)
{
    struct events_state *state = op->state;
    const struct arc_row_step_run *row = state->row;
    Control__V1__StreamStepRunEventsResponse *response = response_new(state, arena);
    if (response == NULL)
        return arc__fail_nomem(err);
    state->shown = 1;
    state->ended = arc_step_state_is_terminal((int)row->status);
    response->snapshot = 1;
    response->status = (Steprun__V1__StepRunStatus)row->status;
    response->start_time_ns = row->started_at_ns;
    response->end_time_ns = row->ended_at_ns;
    response->duration =
        arc__show_duration_ms(row->started_at_ns, row->ended_at_ns, arc__op_now(op));
    response->ended = state->ended;
    *out = response;
    return arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

static Google__Protobuf__Struct *raw_show(const struct arc_op *op, const struct arc_event *event,
                                          struct arc_arena *arena)
{
    struct arc_buf text;
    struct arc_json json;
    arc__buf_init(&text, &op->mem, EVENT_BYTES_MAX);
    arc__json_init(&json, &text);
    arc__event_cloudevent(event, &json);
    Google__Protobuf__Struct *out =
        text.failed == ARC_OK ? arc__show_struct(arc__buf_slice(&text), arena) : NULL;
    arc__buf_deinit(&text);
    return out;
}

static char *subject_show(const struct arc_op *op, const struct arc_event *event,
                          struct arc_arena *arena)
{
    struct arc_buf text;
    arc__buf_init(&text, &op->mem, 1024);
    arc__event_subject(event, &text);
    char *out = arc__pb_string(arena, arc__buf_slice(&text));
    arc__buf_deinit(&text);
    return out;
}

static arc_status events_pull(struct arc_op *op, struct arc_arena *arena, const void **out,
                              arc_err *err)
{
    struct events_state *state = op->state;
    const struct arc_event *event = NULL;
    if (!state->ready)
        return ARC_EAGAIN;
    if (!state->shown)
        return pull_snapshot(op, arena, out, err);
    if (state->ended)
        return ARC_EDONE;
    do {
        ARC_TRY(arc__follow_next(&state->follow, &event, err));
    } while (!arc__slice_is(event->step_run_id, state->request->step_run_id) ||
             !arc__slice_is(arc__event_object(event->type), "step"));
    Control__V1__StreamStepRunEventsResponse *response = response_new(state, arena);
    if (response == NULL)
        return arc__fail_nomem(err);
    state->ended = arc_step_state_is_terminal(event->state);
    response->status = (Steprun__V1__StepRunStatus)event->state;
    response->event_type = arc__pb_cstr(arena, arc__event_type_name(event->type));
    response->event_status = arc__pb_string(arena, arc__event_lifecycle(event->type));
    response->subject = subject_show(op, event, arena);
    response->raw = raw_show(op, event, arena);
    response->ended = state->ended;
    *out = response;
    return arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

const struct arc_handler arc__control_event_stream = {.state_size = sizeof(struct events_state),
                                                      .begin = events_begin,
                                                      .pull = events_pull,
                                                      .drop = events_drop};
