/* SPDX-License-Identifier: Apache-2.0 */
/* ControlService: a run as of one of its events, and what its events say. */
#include "command/history.h"

#include "command/handlers.h"
#include "command/pipeline.h"
#include "engine/event_json.h"
#include "engine/project.h"

#define PAGE 256u
#define SHOW_EVENTS_MAX 200000 /* that one answer folds while everybody else waits */

/* --- as messages --------------------------------------------------------------------- */

static const char *state_word(const struct arc_event *event, int state)
{
    if (event->step >= 0)
        return arc_step_state_name(state);
    return event->job >= 0 ? arc_job_state_name(state) : arc_run_state_name(state);
}

#define TEXT(field) out->field = arc__pb_string(arena, event->field)

void arc__show_event(Control__V1__RunEvent *out, const struct arc_event *event,
                     struct arc_arena *arena)
{
    out->seq = event->seq;
    out->type = arc__pb_cstr(arena, arc__event_type_name(event->type));
    out->time_ns = event->time_ns;
    TEXT(job_name);
    TEXT(step_name);
    TEXT(job_id);
    TEXT(step_run_id);
    out->state = arc__pb_cstr(arena, state_word(event, event->state));
    out->previous_state = arc__pb_cstr(arena, state_word(event, event->previous));
    out->attempt = event->attempt;
    TEXT(agent_id);
    TEXT(reason);
    TEXT(error_message);
    out->exit_code = event->exit_code;
    out->gate = arc__pb_string(arena, event->gate_name);
    TEXT(actor);
    TEXT(comment);
}

arc_status arc__show_event_row(Control__V1__RunEvent *out, const struct arc_row_event *row,
                               struct arc_arena *arena, struct arc_arena *scratch, arc_err *err)
{
    struct arc_event *event = NULL;
    arc_err why = ARC_ERR_INIT;
    arc_status status = arc__event_from_row(row, scratch, &event, &why);
    if (status == ARC_OK) {
        arc__show_event(out, event, arena);
        return ARC_OK;
    }
    if (status != ARC_EINTERNAL)
        return arc__fail(err, status, why.subject, "%s", why.message);
    out->seq = row->seq;
    out->type = arc__pb_string(arena, row->type);
    out->time_ns = row->time_ns;
    out->reason = arc__pb_cstr(arena, why.message);
    return ARC_OK;
}

static arc_status show_jobs(Control__V1__ShowPipelineRunResponse *out, const struct arc_run *run,
                            struct arc_now now, struct arc_arena *arena, arc_err *err)
{
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        struct arc_row_job_run job;
        ARC_TRY(arc__project_job(run, j, arena, &job, err));
        if (job.reason.len == 0)
            job.reason = arc__job_why(run, j, arena);
        Control__V1__JobRunDetail *item = arc__pb_add(out, "job_runs", arena);
        if (item == NULL)
            return arc__fail_nomem(err);
        arc__show_job(item, &job, now, arena);
        for (uint32_t s = 0; s < run->plan->jobs[j].step_count; s++) {
            struct arc_row_step_run row;
            ARC_TRY(arc__project_step(run, j, s, &run->jobs[j].steps[s], run->jobs[j].attempt,
                                      arena, &row, err));
            Steprun__V1__StepRunDetail *step = arc__pb_add(out, "step_runs", arena);
            if (step == NULL)
                return arc__fail_nomem(err);
            arc__show_step(step, &row, now, arena);
        }
    }
    return ARC_OK;
}

arc_status arc__show_history(Control__V1__ShowPipelineRunResponse *out,
                             const struct arc_history *history, int64_t last_seq,
                             struct arc_arena *arena, arc_err *err)
{
    const struct arc_run *run = &history->run;
    const struct arc_now then = {.wall_ns = run->last_ns};
    struct arc_row_pipeline_run row;
    ARC_TRY(arc__project_run(run, arena, &row, err));
    if (row.reason.len == 0)
        row.reason = arc__run_why(run, arena);
    out->run = ARC_PB_NEW(arena, Pipeline__V1__PipelineRunDetail,
                          pipeline__v1__pipeline_run_detail__descriptor);
    out->event = ARC_PB_NEW(arena, Control__V1__RunEvent, control__v1__run_event__descriptor);
    if (out->run == NULL || out->event == NULL)
        return arc__fail_nomem(err);
    arc__show_run(out->run, &row, then, arena);
    arc__show_event(out->event, history->last, arena);
    out->seq = run->seq;
    out->last_seq = last_seq;
    ARC_TRY(show_jobs(out, run, then, arena, err));
    return arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

/* --- both: which run, and how far it goes -------------------------------------------- */

struct history_state {
    const char *run_id;
    int64_t at, after; /* events are read behind after, up to at */
    int32_t limit;
    int64_t last_seq;
    void (*known)(struct arc_op *op); /* once last_seq is */
    struct arc_history history;
    int made;             /* history is to be freed */
    int asking, answered; /* a page is asked for, its rows have come */
    size_t got;           /* of the page */
};

static void refuse(struct arc_op *op, arc_status status, const arc_err *err)
{
    if (status != ARC_OK)
        arc__op_refuse(op, status, err, ARC_NONE);
}

static void last_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct history_state *state = op->state;
    state->last_seq = rows->count > 0 ? ((const struct arc_row_event *)rows->rows)->seq : 0;
    arc__arena_reset(&op->page);
    state->known(op);
}

static void run_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct history_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    if (arc__run_row(op, rows, "") == NULL)
        return;
    struct arc_query query = {.table = ARC_TABLE_event,
                              .filter_count = 1,
                              .order_col = ARC_COL_event_seq,
                              .descending = 1,
                              .limit = 1};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_event_stream, .text = arc__slice_cstr(state->run_id)};
    refuse(op, arc__op_query(op, &query, &op->page, last_found, &err), &err);
}

static arc_status begin(struct arc_op *op, const char *run_id, void (*known)(struct arc_op *op),
                        arc_err *err)
{
    struct history_state *state = op->state;
    if (run_id[0] == '\0')
        return arc__fail(err, ARC_EINVAL, "pipelineRunId", "The run's id is missing.");
    state->run_id = run_id;
    state->known = known;
    return arc__op_find(op, ARC_TABLE_pipeline_run, run_id, "run", run_found, err);
}

static arc_status ask_page(struct arc_op *op, size_t limit, arc_op_rows rows, arc_err *err)
{
    const struct history_state *state = op->state;
    struct arc_query query = {
        .table = ARC_TABLE_event, .filter_count = 3, .order_col = -1, .limit = limit};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_event_stream, .text = arc__slice_cstr(state->run_id)};
    query.filters[1] =
        (struct arc_filter){.col = ARC_COL_event_seq, .op = ARC_FILTER_GT, .number = state->after};
    query.filters[2] =
        (struct arc_filter){.col = ARC_COL_event_seq, .op = ARC_FILTER_LE, .number = state->at};
    arc__arena_reset(&op->page);
    return arc__op_query(op, &query, &op->page, rows, err);
}

/* --- ShowPipelineRun ----------------------------------------------------------------- */

static void show_drop(struct arc_op *op)
{
    struct history_state *state = op->state;
    if (state->made)
        arc__history_deinit(&state->history);
    state->made = 0;
}

static void show_reply(struct arc_op *op)
{
    struct history_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    Control__V1__ShowPipelineRunResponse *reply = arc__op_reply_new(op);
    arc_status status = ARC_OK;
    if (reply != NULL)
        status = arc__show_history(reply, &state->history, state->last_seq, &op->arena, &err);
    if (status != ARC_OK)
        refuse(op, status, &err);
    else
        arc__op_reply(op);
}

static arc_status take_page(struct history_state *state, const struct arc_rows *rows, arc_err *err)
{
    const struct arc_row_event *row = rows->rows;
    for (size_t i = 0; i < rows->count; i++) {
        arc_err why = ARC_ERR_INIT;
        arc_status status = arc__history_take(&state->history, &row[i], &why);
        if (status != ARC_OK)
            return status == ARC_EINTERNAL
                       ? arc__fail(err, ARC_ECONFLICT, "run", "The run is damaged: %s", why.message)
                       : arc__fail(err, status, why.subject, "%s", why.message);
        state->after = row[i].seq;
    }
    return ARC_OK;
}

static void show_pages(struct arc_op *op);

static void page_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct history_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    state->answered = 1;
    state->got = rows->count;
    arc_status status = take_page(state, rows, &err);
    if (status != ARC_OK)
        refuse(op, status, &err);
    else if (!state->asking)
        show_pages(op);
}

/* A store that answers at once is asked again from here, and not from inside its answer. */
static void show_pages(struct arc_op *op)
{
    struct history_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    while (!op->over && state->after < state->at) {
        state->asking = 1;
        state->answered = 0;
        arc_status status = ask_page(op, PAGE, page_found, &err);
        state->asking = 0;
        if (status != ARC_OK || (!state->answered && !op->over)) {
            refuse(op, status, &err);
            return;
        }
        if (state->got < PAGE)
            break;
    }
    if (op->over)
        return;
    if (state->history.run.seq == state->at)
        show_reply(op);
    else
        arc__op_refuse_text(op, ARC_ECONFLICT, "run", "The run is damaged: Event %lld is missing.",
                            (long long)state->history.run.seq + 1);
}

static void show_known(struct arc_op *op)
{
    struct history_state *state = op->state;
    if (state->last_seq == 0) {
        arc__op_refuse_text(op, ARC_ENOTFOUND, "run", "The run has no event.");
        return;
    }
    if (state->at == 0)
        state->at = state->last_seq;
    if (state->at > state->last_seq) {
        arc__op_refuse_text(op, ARC_EINVAL, "at", "The last event of the run is number %lld.",
                            (long long)state->last_seq);
        return;
    }
    if (state->at > SHOW_EVENTS_MAX) {
        arc__op_refuse_text(op, ARC_ELIMIT, "show.events",
                            "At most %d events are folded for one answer.", SHOW_EVENTS_MAX);
        return;
    }
    arc__history_init(&state->history, &op->mem);
    state->made = 1;
    show_pages(op);
}

static arc_status show_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__ShowPipelineRunRequest *request = message;
    struct history_state *state = op->state;
    if (request->at < 0)
        return arc__fail(err, ARC_EINVAL, "at", "Events count from 1.");
    state->at = request->at;
    return begin(op, request->pipeline_run_id, show_known, err);
}

const struct arc_handler arc__control_show_run = {
    .state_size = sizeof(struct history_state), .begin = show_begin, .drop = show_drop};

/* --- ListPipelineRunEvents ----------------------------------------------------------- */

static void events_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct history_state *state = op->state;
    const struct arc_row_event *row = rows->rows;
    arc_err err = ARC_ERR_INIT;
    arc_status status = ARC_OK;
    Control__V1__ListPipelineRunEventsResponse *reply = arc__op_reply_new(op);
    struct arc_arena scratch;
    arc__arena_init(&scratch, &op->mem, ARC_OP_BYTES_MAX);
    for (size_t i = 0; reply != NULL && status == ARC_OK && i < rows->count; i++) {
        Control__V1__RunEvent *item = arc__pb_add(reply, "events", &op->arena);
        if (item == NULL)
            break;
        status = arc__show_event_row(item, &row[i], &op->arena, &scratch, &err);
        arc__arena_reset(&scratch);
    }
    arc__arena_deinit(&scratch);
    if (reply != NULL)
        reply->last_seq = state->last_seq;
    if (status != ARC_OK)
        refuse(op, status, &err);
    else
        arc__op_reply(op);
}

static void events_known(struct arc_op *op)
{
    const struct history_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    refuse(op, ask_page(op, (size_t)state->limit, events_found, &err), &err);
}

static arc_status events_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__ListPipelineRunEventsRequest *request = message;
    struct history_state *state = op->state;
    if (request->after < 0)
        return arc__fail(err, ARC_EINVAL, "after", "Events count from 1.");
    if (request->limit < 0 || request->limit > ARC_EVENTS_LIMIT_MAX)
        return arc__fail(err, ARC_EINVAL, "limit", "limit must be between 1 and %d.",
                         ARC_EVENTS_LIMIT_MAX);
    state->after = request->after;
    state->at = INT64_MAX;
    state->limit = request->limit != 0 ? request->limit : ARC_EVENTS_LIMIT;
    return begin(op, request->pipeline_run_id, events_known, err);
}

const struct arc_handler arc__control_run_events = {.state_size = sizeof(struct history_state),
                                                    .begin = events_begin};
