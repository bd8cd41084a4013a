/* SPDX-License-Identifier: Apache-2.0 */
/* PipelineService: the definition of a pipeline, inline. What lives in a repository is refused in
 * words: reading it from there comes with a later version. */
#include "base/json.h"
#include "command/handlers.h"
#include "command/pipeline.h"

#define DETAIL_BYTES_MAX (8u * 1024u * 1024u)

struct spec_state {
    const void *request;
    struct arc_row_pipeline pipeline; /* its texts live in op->arena */
    struct arc_definition definition;
};

static void refuse_repository(struct arc_op *op)
{
    arc__op_refuse_text(op, ARC_EUNIMPLEMENTED, "repoUrl",
                        "This version keeps definitions inline and cannot use a repository.");
}

static void refuse(struct arc_op *op, arc_status status, const arc_err *err)
{
    if (status != ARC_OK)
        arc__op_refuse(op, status, err, ARC_NONE);
}

/* The stored definition that the pipeline has now. */
static arc_status definition_find(struct arc_op *op, const struct arc_row_pipeline *row,
                                  arc_op_rows rows, arc_err *err)
{
    struct arc_query query = {
        .table = ARC_TABLE_definition, .order_col = -1, .limit = 1, .filter_count = 2};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_definition_pipeline_id, .text = row->id};
    query.filters[1] =
        (struct arc_filter){.col = ARC_COL_definition_sha, .text = row->definition_sha};
    return arc__op_query(op, &query, &op->arena, rows, err);
}

/* --- get ----------------------------------------------------------------------------------------
 */

/* HTTP shows the document itself, and the text as stored. */
static arc_status get_http(struct arc_op *op, const struct arc_row_definition *row)
{
    const struct spec_state *state = op->state;
    struct arc_buf text;
    struct arc_json json;
    arc__buf_init(&text, &op->mem, DETAIL_BYTES_MAX);
    arc__json_init(&json, &text);
    arc__json_object(&json);
    arc__json_key(&json, ARC_LIT("spec"));
    arc__json_raw(&json, row->canonical);
    arc__json_key_text(&json, "format",
                       row->format == ARC_FORMAT_YAML ? ARC_LIT("yaml") : ARC_LIT("json"));
    arc__json_key_text(&json, "headCommitSha", row->sha);
    arc__json_key_text(&json, "branch", state->pipeline.default_branch);
    arc__json_key_text(&json, "pipelineFilePath", state->pipeline.pipeline_file_path);
    arc__json_key_text(&json, "text", row->text);
    arc__json_end_object(&json);
    if (text.failed == ARC_OK)
        op->http_json = arc__arena_copy(&op->arena, arc__buf_slice(&text));
    arc_status status = text.failed != ARC_OK ? text.failed
                        : op->arena.failed    ? ARC_ELIMIT
                                              : ARC_OK;
    arc__buf_deinit(&text);
    return status;
}

static void get_definition(struct arc_op *op, const struct arc_rows *rows)
{
    const struct spec_state *state = op->state;
    const struct arc_row_definition *row = rows->rows;
    arc_err err = ARC_ERR_INIT;
    if (rows->count == 0) {
        arc__op_refuse_text(op, ARC_EINTERNAL, "definition", "The stored definition is missing.");
        return;
    }
    Pipeline__V1__GetPipelineSpecResponse *reply = arc__op_reply_new(op);
    if (reply != NULL && op->http) {
        if (get_http(op, row) != ARC_OK)
            op->arena.failed = 1;
    } else if (reply != NULL) {
        int whole = 0;
        arc_status status =
            arc__definition_message(row->canonical, &op->arena, &reply->spec, &whole, &err);
        if (status != ARC_OK) {
            arc__op_refuse(op, status, &err, ARC_NONE);
            return;
        }
        reply->format = (Pipeline__V1__SpecFormat)row->format;
        reply->head_commit_sha = arc__pb_string(&op->arena, row->sha);
        reply->branch = arc__pb_string(&op->arena, state->pipeline.default_branch);
        reply->pipeline_file_path = arc__pb_string(&op->arena, state->pipeline.pipeline_file_path);
    }
    arc__op_reply(op);
}

static void get_pipeline(struct arc_op *op, const struct arc_rows *rows)
{
    struct spec_state *state = op->state;
    const struct arc_row_pipeline *row = arc__pipeline_row(op, rows);
    arc_err err = ARC_ERR_INIT;
    if (row == NULL)
        return;
    state->pipeline = *row;
    if (row->definition_sha.len == 0 && row->repo_url.len > 0)
        refuse_repository(op);
    else if (row->definition_sha.len == 0)
        arc__op_refuse_text(op, ARC_ENOTFOUND, "spec", "The pipeline has no definition yet.");
    else
        refuse(op, definition_find(op, row, get_definition, &err), &err);
}

static arc_status get_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Pipeline__V1__GetPipelineSpecRequest *request = message;
    return arc__pipeline_find(op, request->pipeline_id, get_pipeline, err);
}

const struct arc_handler arc__pipeline_spec_get = {.state_size = sizeof(struct spec_state),
                                                   .begin = get_begin};

/* --- validate -----------------------------------------------------------------------------------
 */

arc_status arc__validate_show(struct arc_op *op, struct arc_definition *definition, arc_slice plan,
                              arc_err *err)
{
    struct arc_buf text, list;
    struct arc_json json;
    arc__buf_init(&text, &op->mem, DETAIL_BYTES_MAX);
    arc__buf_init(&list, &op->mem, DETAIL_BYTES_MAX);
    arc__json_init(&json, &text);
    arc__json_object(&json);
    arc__json_key_i64(&json, "jobsCount", arc__spec_job_count(definition->spec));
    arc__json_key(&json, ARC_LIT("warnings"));
    arc__json_array(&json);
    for (const struct arc_diag *diag = definition->diags.first; diag != NULL; diag = diag->next) {
        if (diag->severity == ARC_SEVERITY_WARNING)
            arc__json_text(&json, diag->message);
    }
    arc__json_end_array(&json);
    arc__diags_to_json(&definition->diags, &list);
    arc__json_key(&json, ARC_LIT("diagnostics"));
    arc__json_raw(&json, arc__buf_slice(&list));
    if (plan.len > 0) {
        arc__json_key(&json, ARC_LIT("plan"));
        arc__json_raw(&json, plan);
    }
    arc__json_end_object(&json);
    arc_status status = arc__buf_check(&text, err);
    if (status == ARC_OK)
        status = arc__buf_check(&list, err);
    if (status == ARC_OK) {
        op->http_json = arc__arena_copy(&op->arena, arc__buf_slice(&text));
        if (op->http_json.ptr == NULL)
            status = arc__fail_nomem(err);
    }
    arc__buf_deinit(&list);
    arc__buf_deinit(&text);
    return status;
}

static void validate_reply(struct arc_op *op, Pipeline__V1__ValidatePipelineSpecResponse *reply,
                           const struct arc_definition *definition)
{
    arc__show_diags(reply, "diagnostics", &definition->diags, &op->arena);
    for (const struct arc_diag *diag = definition->diags.first; diag != NULL; diag = diag->next) {
        if (diag->severity == ARC_SEVERITY_WARNING)
            (void)arc__pb_add_text(reply, "warnings", diag->message,
                                   &op->arena); /* the arena remembers */
    }
    if (definition->spec != NULL)
        reply->jobs_count = (int32_t)arc__spec_job_count(definition->spec);
}

static void validate_pipeline(struct arc_op *op, const struct arc_rows *rows)
{
    struct spec_state *state = op->state;
    const Pipeline__V1__ValidatePipelineSpecRequest *request = state->request;
    struct arc_definition *definition = &state->definition;
    arc_err err = ARC_ERR_INIT;
    arc_slice plan = ARC_NONE;
    if (arc__pipeline_row(op, rows) == NULL)
        return;
    arc_status status =
        arc__definition_read(op, request->spec, (int32_t)request->format, 0, definition, &err);
    if (status == ARC_OK && request->plan)
        status = arc__definition_plan(op, definition, &plan, &err);
    if (status == ARC_OK && op->http)
        status = arc__validate_show(op, definition, plan, &err);
    Pipeline__V1__ValidatePipelineSpecResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        validate_reply(op, reply, definition);
        if (plan.len > 0)
            reply->plan_json = arc__pb_string(&op->arena, plan);
    }
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, arc__definition_details(op, &definition->diags));
    else
        arc__op_reply(op);
}

static arc_status validate_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Pipeline__V1__ValidatePipelineSpecRequest *request = message;
    struct spec_state *state = op->state;
    state->request = request;
    return arc__pipeline_find(op, request->pipeline_id, validate_pipeline, err);
}

const struct arc_handler arc__pipeline_spec_validate = {.state_size = sizeof(struct spec_state),
                                                        .begin = validate_begin};

/* --- save ---------------------------------------------------------------------------------------
 */

static void save_done(struct arc_op *op, const struct arc_answer *answer)
{
    const struct spec_state *state = op->state;
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    Pipeline__V1__SavePipelineSpecResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        reply->commit_sha = arc__pb_string(&op->arena, answer->sha);
        reply->branch = arc__pb_string(&op->arena, state->pipeline.default_branch);
        reply->save_mode = (Pipeline__V1__PipelineSaveMode)state->pipeline.save_mode;
    }
    arc__op_reply(op);
}

static void save_submit(struct arc_op *op)
{
    const struct spec_state *state = op->state;
    const Pipeline__V1__SavePipelineSpecRequest *request = state->request;
    arc_err err = ARC_ERR_INIT;
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_DEFINITION_SAVE);
    if (cmd != NULL) {
        struct arc_arena *arena = &cmd->arena;
        cmd->pipeline_id = arc__arena_copy(arena, state->pipeline.id);
        arc__definition_bind(&state->definition, arena, &cmd->u.save.definition);
        cmd->u.save.expected_head =
            arc__arena_copy(arena, arc__slice_cstr(request->expected_head_commit_sha));
        cmd->u.save.request_id = arc__arena_copy(arena, arc__slice_cstr(request->request_id));
        cmd->u.save.message = arc__arena_copy(arena, arc__slice_cstr(request->commit_message));
        cmd->u.save.editor = arc__arena_copy(arena, arc__slice_cstr(request->editor));
        if (cmd->u.save.editor.len == 0)
            cmd->u.save.editor = cmd->actor;
    }
    refuse(op, arc__op_submit(op, cmd, save_done, &err), &err);
}

/* A Spec message may not take the place of a definition that it cannot hold. */
static void save_stored(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_definition *row = rows->rows;
    Pipeline__V1__Spec *spec = NULL;
    arc_err err = ARC_ERR_INIT;
    int whole = 1;
    if (rows->count > 0) {
        arc_status status =
            arc__definition_message(row->canonical, &op->arena, &spec, &whole, &err);
        if (status != ARC_OK) {
            arc__op_refuse(op, status, &err, ARC_NONE);
            return;
        }
    }
    if (whole)
        save_submit(op);
    else
        arc__op_refuse_text(op, ARC_ECONFLICT, "spec",
                            "The stored definition holds what Spec cannot; send definition_json.");
}

static void save_pipeline(struct arc_op *op, const struct arc_rows *rows)
{
    struct spec_state *state = op->state;
    const Pipeline__V1__SavePipelineSpecRequest *request = state->request;
    const struct arc_row_pipeline *row = arc__pipeline_row(op, rows);
    arc_err err = ARC_ERR_INIT;
    if (row == NULL)
        return;
    state->pipeline = *row;
    if (row->repo_url.len > 0 && row->definition_sha.len == 0) {
        refuse_repository(op);
        return;
    }
    arc_status status = arc__definition_read(op, request->spec, (int32_t)request->format, 1,
                                             &state->definition, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, arc__definition_details(op, &state->definition.diags));
    else if (!state->definition.whole && row->definition_sha.len > 0)
        refuse(op, definition_find(op, row, save_stored, &err), &err);
    else
        save_submit(op);
}

static arc_status save_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Pipeline__V1__SavePipelineSpecRequest *request = message;
    struct spec_state *state = op->state;
    state->request = request;
    return arc__pipeline_find(op, request->pipeline_id, save_pipeline, err);
}

const struct arc_handler arc__pipeline_spec_save = {.state_size = sizeof(struct spec_state),
                                                    .begin = save_begin};
