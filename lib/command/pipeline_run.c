/* SPDX-License-Identifier: Apache-2.0 */
/* PipelineService: triggering, stopping, pausing and reading runs. */
#include "base/time.h"
#include "base/ulid.h"
#include "command/handlers.h"
#include "command/pipeline.h"

/* The longest text of who asked and why. */
#define REASON_BYTES_MAX 4096

struct run_state {
    const void *request;
    int32_t page, page_size;
    int64_t total; /* said before; -1: by this page */
    /* stop, pause, resume: the same fields of three messages */
    const char *pipeline_id, *run_id, *reason, *operator_;
    int force;
    enum arc_cmd_kind kind;
};

/* --- trigger ------------------------------------------------------------------------------------
 */

static void trigger_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    Pipeline__V1__TriggerPipelineResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        reply->run_id = arc__pb_string(&op->arena, answer->id);
        reply->duplicate = answer->duplicate != 0;
    }
    arc__op_reply(op);
}

static arc_status trigger_submit(struct arc_op *op,
                                 const Pipeline__V1__TriggerPipelineRequest *request, arc_err *err)
{
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_RUN_TRIGGER);
    if (cmd == NULL)
        return arc__fail_nomem(err);
    struct arc_arena *arena = &cmd->arena;
    arc_status status = arc__bind_kvs(request, "variables", arena, &cmd->u.trigger.variables, err);
    if (status != ARC_OK) {
        arc__cmd_free(cmd);
        return status;
    }
    cmd->pipeline_id = arc__arena_copy(arena, arc__slice_cstr(request->pipeline_id));
    cmd->u.trigger.triggered_by = arc__arena_copy(arena, arc__slice_cstr(request->triggered_by));
    if (cmd->u.trigger.triggered_by.len == 0)
        cmd->u.trigger.triggered_by = cmd->actor;
    cmd->u.trigger.request_id = arc__arena_copy(arena, arc__slice_cstr(request->request_id));
    cmd->u.trigger.branch = arc__arena_copy(arena, arc__slice_cstr(request->branch));
    cmd->u.trigger.ref = arc__arena_copy(arena, arc__slice_cstr(request->ref));
    return arc__op_submit(op, cmd, trigger_done, err);
}

static void trigger_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct run_state *state = op->state;
    const struct arc_row_pipeline *row = arc__pipeline_row(op, rows);
    arc_err err = ARC_ERR_INIT;
    arc_status status = ARC_OK;
    if (row == NULL)
        return;
    /* Everything else is for the engine to say, which knows whether the request was seen before. */
    if (row->definition_sha.len == 0 && row->repo_url.len > 0)
        status = arc__fail(&err, ARC_EUNIMPLEMENTED, "repoUrl",
                           "This version cannot read a definition from a repository.");
    else
        status = trigger_submit(op, state->request, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static arc_status trigger_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Pipeline__V1__TriggerPipelineRequest *request = message;
    struct run_state *state = op->state;
    state->request = request;
    return arc__pipeline_find(op, request->pipeline_id, trigger_found, err);
}

const struct arc_handler arc__pipeline_trigger = {.state_size = sizeof(struct run_state),
                                                  .begin = trigger_begin};

/* --- get and list -------------------------------------------------------------------------------
 */

const struct arc_row_pipeline_run *arc__run_row(struct arc_op *op, const struct arc_rows *rows,
                                                const char *pipeline_id)
{
    const struct arc_row_pipeline_run *row = rows->rows;
    if (rows->count > 0 && arc__principal_sees(&op->principal, row->project_id) &&
        (pipeline_id[0] == '\0' || arc__slice_is(row->pipeline_id, pipeline_id)))
        return row;
    arc__op_refuse_text(op, ARC_ENOTFOUND, "run", "There is no run with this id.");
    return NULL;
}

static Pipeline__V1__PipelineRunDetail *run_detail(struct arc_op *op,
                                                   const struct arc_row_pipeline_run *row)
{
    Pipeline__V1__PipelineRunDetail *detail = ARC_PB_NEW(
        &op->arena, Pipeline__V1__PipelineRunDetail, pipeline__v1__pipeline_run_detail__descriptor);
    if (detail != NULL)
        arc__show_run(detail, row, arc__op_now(op), &op->arena);
    return detail;
}

static void get_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_pipeline_run *row = arc__run_row(op, rows, "");
    if (row == NULL)
        return;
    Pipeline__V1__GetPipelineRunResponse *reply = arc__op_reply_new(op);
    if (reply != NULL)
        reply->run = run_detail(op, row);
    arc__op_reply(op);
}

static arc_status get_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Pipeline__V1__GetPipelineRunRequest *request = message;
    return arc__op_find(op, ARC_TABLE_pipeline_run, request->run_id, "run", get_found, err);
}

const struct arc_handler arc__pipeline_run_get = {.begin = get_begin};

static void list_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct run_state *state = op->state;
    Pipeline__V1__ListPipelineRunsResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        const struct arc_row_pipeline_run *row = rows->rows;
        for (size_t i = 0; i < rows->count; i++) {
            Pipeline__V1__PipelineRunDetail *item = arc__pb_add(reply, "runs", &op->arena);
            if (item != NULL)
                arc__show_run(item, &row[i], arc__op_now(op), &op->arena);
        }
        int64_t total = state->total >= 0 ? state->total : rows->total;
        reply->total = arc__show_i32(total);
        reply->page = state->page;
        reply->page_size = state->page_size;
        if (rows->count == (size_t)state->page_size)
            reply->next_cursor = arc__page_cursor(row[rows->count - 1].id, total, &op->arena);
    }
    arc__op_reply(op);
}

static void filter_add(struct arc_query *query, struct arc_filter filter)
{
    query->filters[query->filter_count++] = filter;
}

static arc_status seconds_to_ns(int64_t seconds, const char *name, int64_t *out, arc_err *err)
{
    if (seconds < 0 || seconds > INT64_MAX / ARC_NS_PER_S - 1)
        return arc__fail(err, ARC_EINVAL, name, "%s must be a Unix time in seconds.", name);
    *out = seconds * ARC_NS_PER_S;
    return ARC_OK;
}

/* Ids are in the order of time, so the times of a list are places in it: what is outside of them is
 * not walked. A clock that was set back makes ids later than their runs, by as much as is allowed
 * for here. */
#define CLOCK_SET_BACK_NS (INT64_C(3600) * ARC_NS_PER_S)

static arc_status list_from(struct arc_op *op, int64_t seconds, struct arc_query *query,
                            arc_err *err)
{
    struct arc_filter from = {.col = ARC_COL_pipeline_run_created_at_ns, .op = ARC_FILTER_GE};
    arc_id *first = ARC_ARENA_NEW(&op->arena, arc_id);
    if (first == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(seconds_to_ns(seconds, "from", &from.number, err));
    arc__ulid_first((uint64_t)from.number / 1000000, first);
    filter_add(query, from);
    filter_add(query, (struct arc_filter){.col = ARC_COL_pipeline_run_id,
                                          .op = ARC_FILTER_GE,
                                          .text = arc__id_slice(first)});
    return ARC_OK;
}

/* The whole of that second; *behind becomes the first id that is later for certain. */
static arc_status list_to(struct arc_op *op, int64_t seconds, struct arc_query *query,
                          arc_slice *behind, arc_err *err)
{
    struct arc_filter to = {.col = ARC_COL_pipeline_run_created_at_ns, .op = ARC_FILTER_LT};
    arc_id *first = ARC_ARENA_NEW(&op->arena, arc_id);
    if (first == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(seconds_to_ns(seconds, "to", &to.number, err));
    to.number += ARC_NS_PER_S;
    filter_add(query, to);
    uint64_t until = (uint64_t)to.number + (uint64_t)CLOCK_SET_BACK_NS;
    arc__ulid_first(until / 1000000 + 1, first);
    *behind = arc__id_slice(first);
    return ARC_OK;
}

static arc_status list_query(struct arc_op *op, arc_err *err)
{
    struct run_state *state = op->state;
    const Pipeline__V1__ListPipelineRunsRequest *request = state->request;
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .order_col = -1, .descending = 1};
    arc_slice later = ARC_NONE, behind = ARC_NONE;
    state->total = -1;
    ARC_TRY(arc__page_bind(&state->page, &state->page_size, &query, err));
    filter_add(&query, (struct arc_filter){.col = ARC_COL_pipeline_run_pipeline_id,
                                           .text = arc__slice_cstr(request->pipeline_id)});
    if (request->status != 0)
        filter_add(&query, (struct arc_filter){.col = ARC_COL_pipeline_run_status,
                                               .number = (int64_t)request->status});
    if (request->branch[0] != '\0')
        filter_add(&query, (struct arc_filter){.col = ARC_COL_pipeline_run_branch,
                                               .text = arc__slice_cstr(request->branch)});
    if (request->trigger_type != 0)
        filter_add(&query, (struct arc_filter){.col = ARC_COL_pipeline_run_trigger_type,
                                               .number = (int64_t)request->trigger_type});
    if (request->from != 0)
        ARC_TRY(list_from(op, request->from, &query, err));
    if (request->to != 0)
        ARC_TRY(list_to(op, request->to, &query, &later, err));
    if (request->cursor[0] != '\0')
        ARC_TRY(arc__page_go_on(request->cursor, &query, &behind, &state->total, err));
    if (behind.len == 0 || (later.len > 0 && arc__slice_compare(later, behind) < 0))
        behind = later;
    if (behind.len > 0)
        filter_add(&query, (struct arc_filter){.col = ARC_COL_pipeline_run_id,
                                               .op = ARC_FILTER_LT,
                                               .text = behind});
    return arc__op_query(op, &query, &op->arena, list_found, err);
}

static void list_pipeline(struct arc_op *op, const struct arc_rows *rows)
{
    arc_err err = ARC_ERR_INIT;
    const struct arc_row_pipeline *row = rows->rows;
    /* The runs of a pipeline that was deleted are kept and can be listed. */
    if (rows->count == 0 || !arc__principal_sees(&op->principal, row->project_id)) {
        arc__op_refuse_text(op, ARC_ENOTFOUND, "pipeline", "There is no pipeline with this id.");
        return;
    }
    arc_status status = list_query(op, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static arc_status list_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Pipeline__V1__ListPipelineRunsRequest *request = message;
    struct run_state *state = op->state;
    state->request = request;
    state->page = request->page;
    state->page_size = request->page_size;
    return arc__pipeline_find(op, request->pipeline_id, list_pipeline, err);
}

const struct arc_handler arc__pipeline_run_list = {.state_size = sizeof(struct run_state),
                                                   .begin = list_begin};

/* --- stop, pause, resume ------------------------------------------------------------------------
 */

static void shown_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_pipeline_run *row = arc__run_row(op, rows, "");
    if (row == NULL)
        return;
    op->http_message = run_detail(op, row);
    arc__op_reply(op);
}

static void control_done(struct arc_op *op, const struct arc_answer *answer)
{
    const struct run_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, arc__pipeline_status_word);
        return;
    }
    (void)arc__op_reply_new(op); /* reply checks it */
    if (!op->http) {
        arc__op_reply(op);
        return;
    }
    arc_status status =
        arc__op_find(op, ARC_TABLE_pipeline_run, state->run_id, "run", shown_found, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static void control_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct run_state *state = op->state;
    const struct arc_row_pipeline_run *row = arc__run_row(op, rows, state->pipeline_id);
    arc_err err = ARC_ERR_INIT;
    if (row == NULL)
        return;
    struct arc_cmd *cmd = arc__op_cmd(op, state->kind);
    if (cmd != NULL) {
        cmd->pipeline_id = arc__arena_copy(&cmd->arena, row->pipeline_id);
        cmd->run_id = arc__arena_copy(&cmd->arena, row->id);
        cmd->reason = arc__arena_copy(&cmd->arena, arc__slice_cstr(state->reason));
        if (state->operator_[0] != '\0')
            cmd->actor = arc__arena_copy(&cmd->arena, arc__slice_cstr(state->operator_));
        if (state->kind == ARC_CMD_RUN_STOP)
            cmd->u.stop.force = state->force;
    }
    arc_status status = arc__op_submit(op, cmd, control_done, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static arc_status control_begin(struct arc_op *op, arc_err *err)
{
    const struct run_state *state = op->state;
    if (strlen(state->reason) > REASON_BYTES_MAX || strlen(state->operator_) > REASON_BYTES_MAX)
        return arc__fail(err, ARC_EINVAL, "reason", "The text is longer than %d bytes.",
                         REASON_BYTES_MAX);
    return arc__op_find(op, ARC_TABLE_pipeline_run, state->run_id, "run", control_found, err);
}

#define CONTROL(name, type, signal, force_of) \
    static arc_status name##_begin(struct arc_op *op, const void *message, arc_err *err) \
    { \
        const type *request = message; \
        struct run_state *state = op->state; \
        state->kind = signal; \
        state->pipeline_id = request->pipeline_id; \
        state->run_id = request->run_id; \
        state->reason = request->reason; \
        state->operator_ = request->operator_; \
        state->force = force_of; \
        return control_begin(op, err); \
    } \
    const struct arc_handler arc__pipeline_##name = {.state_size = sizeof(struct run_state), \
                                                     .begin = name##_begin};

CONTROL(stop, Pipeline__V1__StopPipelineRequest, ARC_CMD_RUN_STOP, request->force)
CONTROL(pause, Pipeline__V1__PausePipelineRequest, ARC_CMD_RUN_PAUSE, 0)
CONTROL(resume, Pipeline__V1__ResumePipelineRequest, ARC_CMD_RUN_RESUME, 0)
