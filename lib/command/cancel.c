/* SPDX-License-Identifier: Apache-2.0 */
/* What operators ask of one job or step run, and of a run that has ended: cancel, retry, rerun. The
 * commands name the run; whether the asker may see it is theirs to say. */
#include "command/handlers.h"
#include "command/pipeline.h"
#include "command/steprun.h"

#define REASON_BYTES_MAX 4096

struct cancel_state {
    const char *agent_id, *reason; /* agent_id "": any */
    const struct arc_row_step_run *row;
    int force;
};

static arc_status check_reason(const char *reason, arc_err *err)
{
    if (strlen(reason) <= REASON_BYTES_MAX)
        return ARC_OK;
    return arc__fail(err, ARC_EINVAL, "reason", "The text is longer than %d bytes.",
                     REASON_BYTES_MAX);
}

static void cancel_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    (void)arc__op_reply_new(op); /* reply checks it */
    arc__op_reply(op);
}

static void submit(struct arc_op *op, struct arc_cmd *cmd, arc_slice run_id, arc_op_answer done)
{
    arc_err err = ARC_ERR_INIT;
    if (cmd != NULL)
        cmd->run_id = arc__arena_copy(&cmd->arena, run_id);
    arc_status status = arc__op_submit(op, cmd, done, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static void fill_cancel(struct arc_cmd *cmd, const struct cancel_state *state, arc_slice what)
{
    cmd->reason = arc__arena_copy(&cmd->arena, arc__slice_cstr(state->reason));
    cmd->u.cancel.what = arc__arena_copy(&cmd->arena, what);
    cmd->u.cancel.force = state->force;
}

/* --- a step run ---------------------------------------------------------------------- */

static void step_submit(struct arc_op *op)
{
    const struct cancel_state *state = op->state;
    const struct arc_row_step_run *row = state->row;
    if (state->agent_id[0] != '\0' && !arc__slice_is(row->agent_id, state->agent_id)) {
        arc__op_refuse_text(op, ARC_ECONFLICT, "agentId", "The step run is not on this agent.");
        return;
    }
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_STEP_CANCEL);
    if (cmd != NULL)
        fill_cancel(cmd, state, row->id);
    submit(op, cmd, row->run_id, cancel_done);
}

static void step_run_found(struct arc_op *op, const struct arc_rows *rows)
{
    if (arc__step_run_visible(op, rows))
        step_submit(op);
}

static void step_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct cancel_state *state = op->state;
    state->row = arc__step_row(op, rows);
    if (state->row == NULL)
        return;
    if (op->principal.project_id[0] == '\0')
        step_submit(op);
    else
        arc__step_run_find(op, state->row, step_run_found);
}

static arc_status step_begin(struct arc_op *op, const char *step_run_id, const char *agent_id,
                             const char *reason, int force, arc_err *err)
{
    struct cancel_state *state = op->state;
    *state = (struct cancel_state){.agent_id = agent_id, .reason = reason, .force = force};
    ARC_TRY(check_reason(reason, err));
    return arc__op_find(op, ARC_TABLE_step_run, step_run_id, "step run", step_found, err);
}

static arc_status steprun_cancel_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Steprun__V1__CancelStepRunRequest *request = message;
    return step_begin(op, request->step_run_id, "", request->reason, request->force, err);
}

static arc_status agent_cancel_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Agent__V1__CancelStepRunRequest *request = message;
    return step_begin(op, request->step_run_id, request->agent_id, request->reason, 0, err);
}

const struct arc_handler arc__steprun_cancel = {.state_size = sizeof(struct cancel_state),
                                                .begin = steprun_cancel_begin};
const struct arc_handler arc__agent_cancel_step = {.state_size = sizeof(struct cancel_state),
                                                   .begin = agent_cancel_begin};

/* --- a job run ----------------------------------------------------------------------- */

static void job_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_job_run *row = rows->rows;
    if (rows->count == 0) {
        arc__op_refuse_text(op, ARC_ENOTFOUND, "jobRun", "There is no job run with this id.");
        return;
    }
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_JOB_CANCEL);
    if (cmd != NULL)
        fill_cancel(cmd, op->state, row->id);
    submit(op, cmd, row->run_id, cancel_done);
}

static arc_status job_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Agent__V1__CancelJobRunRequest *request = message;
    struct cancel_state *state = op->state;
    state->agent_id = "";
    state->reason = request->reason;
    ARC_TRY(check_reason(request->reason, err));
    return arc__op_find(op, ARC_TABLE_job_run, request->job_run_id, "job run", job_found, err);
}

const struct arc_handler arc__agent_cancel_job = {.state_size = sizeof(struct cancel_state),
                                                  .begin = job_begin};

/* --- a rerun ------------------------------------------------------------------------- */

static void retry_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    Steprun__V1__RetryStepRunResponse *reply = arc__op_reply_new(op);
    if (reply != NULL)
        reply->new_step_run_id = arc__pb_string(&op->arena, answer->step_run_id);
    arc__op_reply(op);
}

static void retry_submit(struct arc_op *op)
{
    const struct cancel_state *state = op->state;
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_RUN_RERUN);
    if (cmd != NULL) {
        cmd->u.rerun.mode = ARC_RERUN_FROM;
        cmd->u.rerun.step_run_id = arc__arena_copy(&cmd->arena, state->row->id);
    }
    submit(op, cmd, state->row->run_id, retry_done);
}

static void retry_run_found(struct arc_op *op, const struct arc_rows *rows)
{
    if (arc__step_run_visible(op, rows))
        retry_submit(op);
}

static void retry_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct cancel_state *state = op->state;
    state->row = arc__step_row(op, rows);
    if (state->row == NULL)
        return;
    if (op->principal.project_id[0] == '\0')
        retry_submit(op);
    else
        arc__step_run_find(op, state->row, retry_run_found);
}

static arc_status retry_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Steprun__V1__RetryStepRunRequest *request = message;
    return arc__op_find(op, ARC_TABLE_step_run, request->step_run_id, "step run", retry_found, err);
}

const struct arc_handler arc__steprun_retry = {.state_size = sizeof(struct cancel_state),
                                               .begin = retry_begin};

static void rerun_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, arc__pipeline_status_word);
        return;
    }
    Control__V1__RerunPipelineRunResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        reply->pipeline_run_id = arc__pb_string(&op->arena, answer->id);
        reply->duplicate = answer->duplicate;
    }
    arc__op_reply(op);
}

static arc_status rerun_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__RerunPipelineRunRequest *request = message;
    if (request->failed_only && request->from_job[0] != '\0')
        return arc__fail(err, ARC_EINVAL, "fromJob",
                         "Give failedOnly or fromJob, or neither to run everything again.");
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_RUN_RERUN);
    if (cmd != NULL) {
        cmd->run_id = arc__arena_copy(&cmd->arena, arc__slice_cstr(request->pipeline_run_id));
        cmd->u.rerun.mode = request->failed_only           ? ARC_RERUN_FAILED
                            : request->from_job[0] != '\0' ? ARC_RERUN_FROM
                                                           : ARC_RERUN_ALL;
        cmd->u.rerun.from = arc__arena_copy(&cmd->arena, arc__slice_cstr(request->from_job));
        cmd->u.rerun.request_id =
            arc__arena_copy(&cmd->arena, arc__slice_cstr(request->request_id));
    }
    return arc__op_submit(op, cmd, rerun_done, err);
}

const struct arc_handler arc__control_rerun = {.begin = rerun_begin};
