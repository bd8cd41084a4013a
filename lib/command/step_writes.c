/* SPDX-License-Identifier: Apache-2.0 */
/* StepRunService: what is written. A step run that is created is a run of its own, of one job and
 * one step: into a run that is planned nothing is put, because it holds what its plan says. One
 * that waits may be changed, one that has ended may be deleted, which hides it. */
#include "base/json.h"
#include "base/time.h"
#include "command/definition.h"
#include "command/handlers.h"
#include "command/pipeline.h"
#include "command/steprun.h"
#include "spec/model.h"

#define STEP_BYTES_MAX (4u * 1024u * 1024u)

struct write_state {
    const void *request;
    const struct arc_row_step_run *row;
    struct arc_definition definition;
};

static void forward(struct arc_op *op, arc_status status, const arc_err *err)
{
    if (status != ARC_OK)
        arc__op_refuse(op, status, err, ARC_NONE);
}

/* --- create -------------------------------------------------------------------------- */

static void create_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    Steprun__V1__CreateStepRunResponse *reply = arc__op_reply_new(op);
    if (reply != NULL)
        reply->step_run_id = arc__pb_string(&op->arena, answer->step_run_id);
    arc__op_reply(op);
}

/* The definition of one job of one step. */
static arc_status definition_text(struct arc_op *op,
                                  const Steprun__V1__CreateStepRunRequest *request, char **out,
                                  arc_err *err)
{
    static const char *const fields[] = {"uses",    "action",       "args",
                                         "env",     "timeout",      "image",
                                         "secrets", "artifacts",    "continue_on_error",
                                         "when",    "run_on_agent", "agent_selector"};
    const char *name = request->step_name[0] != '\0' ? request->step_name : "step";
    const char *job = request->job_name[0] != '\0' ? request->job_name : name;
    struct arc_buf text;
    struct arc_json json;
    arc__buf_init(&text, &op->mem, STEP_BYTES_MAX);
    arc__json_init(&json, &text);
    arc__json_object(&json);
    arc__json_key_text(&json, "namespace", ARC_LIT("steps"));
    arc__json_key(&json, ARC_LIT("jobs"));
    arc__json_array(&json);
    arc__json_object(&json);
    arc__json_key_text(&json, "name", arc__slice_cstr(job));
    arc__json_key(&json, ARC_LIT("steps"));
    arc__json_array(&json);
    arc__json_object(&json);
    arc__json_key_text(&json, "name", arc__slice_cstr(name));
    arc_status status = arc__definition_fields(request, fields, ARC_COUNT_OF(fields), &json, err);
    arc__json_end_object(&json);
    arc__json_end_array(&json);
    arc__json_end_object(&json);
    arc__json_end_array(&json);
    arc__json_end_object(&json);
    if (status == ARC_OK)
        status = arc__buf_check(&text, err);
    if (status == ARC_OK)
        *out = arc__arena_strdup(&op->arena, arc__buf_slice(&text));
    arc__buf_deinit(&text);
    return status == ARC_OK && op->arena.failed ? arc__fail_nomem(err) : status;
}

static void create_submit(struct arc_op *op)
{
    struct write_state *state = op->state;
    const Steprun__V1__CreateStepRunRequest *request = state->request;
    arc_err err = ARC_ERR_INIT;
    Pipeline__V1__Spec *spec =
        ARC_PB_NEW(&op->arena, Pipeline__V1__Spec, pipeline__v1__spec__descriptor);
    if (spec == NULL) {
        forward(op, arc__fail_nomem(&err), &err);
        return;
    }
    arc_status status = definition_text(op, request, &spec->definition_json, &err);
    if (status == ARC_OK)
        status = arc__definition_read(op, spec, 1, 1, &state->definition, &err);
    if (status != ARC_OK) {
        arc__op_refuse(op, status, &err, arc__definition_details(op, &state->definition.diags));
        return;
    }
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_RUN_TRIGGER);
    if (cmd != NULL) {
        cmd->pipeline_id = arc__arena_copy(&cmd->arena, arc__slice_cstr(request->pipeline_id));
        cmd->u.trigger.triggered_by = cmd->actor;
        arc__definition_bind(&state->definition, &cmd->arena, &cmd->u.trigger.definition);
    }
    forward(op, arc__op_submit(op, cmd, create_done, &err), &err);
}

static void create_found(struct arc_op *op, const struct arc_rows *rows)
{
    if (arc__pipeline_row(op, rows) != NULL)
        create_submit(op);
}

static arc_status create_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Steprun__V1__CreateStepRunRequest *request = message;
    struct write_state *state = op->state;
    state->request = request;
    if (request->pipeline_run_id[0] != '\0' || request->job_id[0] != '\0')
        return arc__fail(err, ARC_ECONFLICT, "pipelineRunId",
                         "A run holds what its plan says: no step is added to it.");
    if (request->workspace[0] != '\0' || request->n_plugins > 0)
        return arc__fail(err, ARC_EINVAL, request->n_plugins > 0 ? "plugins" : "workspace",
                         "That is the agent's to say.");
    if (request->pipeline_id[0] != '\0')
        return arc__pipeline_find(op, request->pipeline_id, create_found, err);
    create_submit(op);
    return ARC_OK;
}

const struct arc_handler arc__steprun_create = {.state_size = sizeof(struct write_state),
                                                .begin = create_begin};

/* --- update and delete --------------------------------------------------------------- */

static void write_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    (void)arc__op_reply_new(op); /* reply checks it */
    arc__op_reply(op);
}

static arc_status update_fill(struct arc_op *op, struct arc_cmd *cmd,
                              const Steprun__V1__UpdateStepRunRequest *request, arc_err *err)
{
    struct arc_kvs env = {NULL, 0};
    cmd->u.step.timeout_ns = -1;
    if (request->timeout[0] != '\0')
        ARC_TRY(
            arc__duration_parse(arc__slice_cstr(request->timeout), &cmd->u.step.timeout_ns, err));
    ARC_TRY(arc__bind_kvs(request, "env", &cmd->arena, &env, err));
    for (uint32_t i = 0; i < env.count; i++) {
        if (!arc__form_env_name(env.items[i].key))
            return arc__fail(err, ARC_EINVAL, "env", "%.*s is no name of the environment.",
                             ARC_ARG(env.items[i].key));
    }
    if (env.count > 0)
        cmd->u.step.env = arc__bind_map(request, "env", &cmd->arena, &op->mem);
    return cmd->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}

static void write_submit(struct arc_op *op)
{
    const struct write_state *state = op->state;
    int updates = state->request != NULL;
    arc_err err = ARC_ERR_INIT;
    arc_status status = ARC_OK;
    struct arc_cmd *cmd = arc__op_cmd(op, updates ? ARC_CMD_STEP_UPDATE : ARC_CMD_STEP_DELETE);
    if (cmd != NULL) {
        cmd->run_id = arc__arena_copy(&cmd->arena, state->row->run_id);
        cmd->u.step.step_run_id = arc__arena_copy(&cmd->arena, state->row->id);
        if (updates)
            status = update_fill(op, cmd, state->request, &err);
    }
    if (status != ARC_OK)
        arc__cmd_free(cmd);
    else
        status = arc__op_submit(op, cmd, write_done, &err);
    forward(op, status, &err);
}

static void write_run_found(struct arc_op *op, const struct arc_rows *rows)
{
    if (arc__step_run_visible(op, rows))
        write_submit(op);
}

static void write_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct write_state *state = op->state;
    state->row = arc__step_row(op, rows);
    if (state->row != NULL)
        arc__step_run_find(op, state->row, write_run_found);
}

static arc_status update_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Steprun__V1__UpdateStepRunRequest *request = message;
    struct write_state *state = op->state;
    state->request = request;
    return arc__op_find(op, ARC_TABLE_step_run, request->step_run_id, "step run", write_found, err);
}

static arc_status delete_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Steprun__V1__DeleteStepRunRequest *request = message;
    return arc__op_find(op, ARC_TABLE_step_run, request->step_run_id, "step run", write_found, err);
}

const struct arc_handler arc__steprun_update = {.state_size = sizeof(struct write_state),
                                                .begin = update_begin};
const struct arc_handler arc__steprun_delete = {.state_size = sizeof(struct write_state),
                                                .begin = delete_begin};
