/* SPDX-License-Identifier: Apache-2.0 */
/* ControlService: the gates at which runs wait, and what is said at them. An approval's id is the
 * run's and the number of the gate in its plan: "01J…-2". */
#include "base/time.h"
#include "command/handlers.h"
#include "command/pipeline.h"

#define COMMENT_BYTES_MAX 4096

/* --- list ---------------------------------------------------------------------------- */

static void add_texts(Control__V1__ApprovalDetail *out, const struct arc_plan_gate *def,
                      const struct arc_gate_state *gate, struct arc_arena *arena)
{
    char **approvers = arc__arena_array(arena, def->approver_count, sizeof(*approvers));
    char **given = arc__arena_array(arena, gate->approvals, sizeof(*given));
    if (approvers == NULL || given == NULL)
        return; /* the arena remembers */
    for (uint32_t i = 0; i < def->approver_count; i++)
        approvers[i] = arc__pb_string(arena, def->approvers[i]);
    for (uint32_t i = 0; i < gate->approvals; i++)
        given[i] = arc__pb_string(arena, gate->approved_by[i]);
    out->approvers = approvers;
    out->n_approvers = def->approver_count;
    out->approved_by = given;
    out->n_approved_by = gate->approvals;
}

static void approval_show(const struct arc_run *run, uint32_t gate,
                          Control__V1__ApprovalDetail *out, struct arc_arena *arena)
{
    const struct arc_plan_gate *def = &run->plan->gates[gate - 1];
    const struct arc_gate_state *state = &run->gates[gate - 1];
    out->approval_id = arc__pb_string(arena, arc__arena_printf(arena, "%s-%u", run->id.text, gate));
    out->pipeline_run_id = arc__pb_string(arena, arc__id_slice(&run->id));
    out->pipeline_id = arc__pb_string(arena, run->pipeline_id);
    out->gate = arc__pb_string(arena, arc__gate_name(run->plan, gate, arena));
    out->count = (int32_t)def->count;
    out->requested_at = arc__show_seconds(state->requested_ns);
    out->expires_at = arc__show_seconds(state->expires_ns);
    add_texts(out, def, state, arena);
}

static arc_status approvals_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__ListApprovalsRequest *request = message;
    Control__V1__ListApprovalsResponse *reply = arc__op_reply_new(op);
    const struct arc_run *run = NULL;
    void *at = NULL;
    (void)err;
    while (reply != NULL && (run = arc__engine_next_run(op->engine, &at)) != NULL) {
        if (!arc__principal_sees(&op->principal, run->birth->project_id) ||
            (request->pipeline_run_id[0] != '\0' &&
             !arc__slice_is(arc__id_slice(&run->id), request->pipeline_run_id)))
            continue;
        for (uint32_t gate = 1; gate <= run->plan->gate_count; gate++) {
            if (run->gates[gate - 1].status != ARC_GATE_WAITING)
                continue;
            Control__V1__ApprovalDetail *item = arc__pb_add(reply, "approvals", &op->arena);
            if (item != NULL)
                approval_show(run, gate, item, &op->arena);
            reply->total++;
        }
    }
    arc__op_reply(op);
    return ARC_OK;
}

const struct arc_handler arc__control_approvals = {.begin = approvals_begin};

/* --- approve, reject ----------------------------------------------------------------- */

static void gate_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    (void)arc__op_reply_new(op); /* reply checks it */
    arc__op_reply(op);
}

/* Whether the asker may see the run is the command's to say. */
static arc_status gate_begin(struct arc_op *op, const char *approval_id, const char *comment,
                             int approve, arc_err *err)
{
    const char *dash = strrchr(approval_id, '-');
    int64_t gate = 0;
    if (dash == NULL || !arc__slice_to_i64(arc__slice_cstr(dash + 1), &gate) || gate <= 0 ||
        gate > UINT32_MAX)
        return arc__fail(err, ARC_ENOTFOUND, "approval", "There is no approval with this id.");
    if (strlen(comment) > COMMENT_BYTES_MAX)
        return arc__fail(err, ARC_EINVAL, "comment", "The text is longer than %d bytes.",
                         COMMENT_BYTES_MAX);
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_RUN_GATE);
    if (cmd != NULL) {
        cmd->run_id =
            arc__arena_copy(&cmd->arena, arc__slice(approval_id, (size_t)(dash - approval_id)));
        cmd->u.gate.index = (uint32_t)gate;
        cmd->u.gate.comment = arc__arena_copy(&cmd->arena, arc__slice_cstr(comment));
        cmd->u.gate.approve = approve;
    }
    return arc__op_submit(op, cmd, gate_done, err);
}

static arc_status approve_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__ApproveGateRequest *request = message;
    return gate_begin(op, request->approval_id, request->comment, 1, err);
}

static arc_status reject_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__RejectGateRequest *request = message;
    return gate_begin(op, request->approval_id, request->comment, 0, err);
}

const struct arc_handler arc__control_approve = {.begin = approve_begin};
const struct arc_handler arc__control_reject = {.begin = reject_begin};
