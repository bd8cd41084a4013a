/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about a run that is there: pause, resume, stop, gates, and the cancel of one job or
 * step.
 */
#include "engine/engine_private.h"

arc_status arc__visible_run(struct arc_engine *engine, const struct arc_cmd *cmd, struct live **out,
                            arc_err *err)
{
    struct live *live = NULL;
    struct pipe *pipe = NULL;
    if (cmd->pipeline_id.len > 0)
        ARC_TRY(arc__visible_pipe(engine, cmd, cmd->pipeline_id, &pipe, err));
    if (cmd->run_id.len == 0)
        return arc__fail(err, ARC_EINVAL, "runId", "The run's id is missing.");
    ARC_TRY(arc__live_get(engine, cmd->run_id, &live, err));
    if (pipe != NULL && live->pipe != pipe)
        return arc__fail(err, ARC_ENOTFOUND, "run", "The pipeline has no run of this id.");
    if (cmd->principal.project_id[0] != '\0' &&
        !arc__slice_is(live->pipe->row.project_id, cmd->principal.project_id))
        return arc__fail(err, ARC_ENOTFOUND, "run", "No run has this id.");
    *out = live;
    return ARC_OK;
}

static arc_status decide_gate(struct arc_decision *d, struct arc_run *run,
                              const struct arc_cmd *cmd, arc_err *err)
{
    struct arc_say said = {.gate = cmd->u.gate.index,
                           .approve = cmd->u.gate.approve,
                           .override = cmd->u.gate.override,
                           .plugin = cmd->u.gate.plugin,
                           .actor = cmd->actor,
                           .comment = cmd->u.gate.comment,
                           .channel = cmd->u.gate.channel};
    if (said.channel.len == 0)
        said.channel = said.plugin                                 ? ARC_LIT("plugin")
                       : cmd->principal.kind == ARC_PRINCIPAL_HOST ? ARC_LIT("host")
                                                                   : ARC_LIT("api");
    if (said.gate == 0)
        said.gate = arc__gate_find(run->plan, cmd->u.gate.name);
    if (said.gate == 0)
        return arc__fail(err, ARC_ENOTFOUND, "gate", "The run has no gate %.*s.",
                         ARC_ARG(cmd->u.gate.name));
    return arc__decide_gate(d, run, &said, err);
}

/* A job by its id or its key. */
static arc_status find_job(const struct arc_run *run, arc_slice name, uint32_t *out, arc_err *err)
{
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        if (arc__slice_equal(arc__id_slice(&run->jobs[j].id), name) ||
            arc__slice_equal(run->plan->jobs[j].key, name)) {
            *out = j;
            return ARC_OK;
        }
    }
    return arc__fail(err, ARC_ENOTFOUND, "job", "The run has no job %.*s.", ARC_ARG(name));
}

static arc_status cancel_job(struct arc_decision *d, struct arc_run *run, const struct arc_cmd *cmd,
                             arc_err *err)
{
    uint32_t j = 0;
    ARC_TRY(find_job(run, cmd->u.cancel.what, &j, err));
    return arc__decide_cancel_job(d, run, j, cmd->reason, cmd->actor, cmd->u.cancel.force, err);
}

static arc_status cancel_step(struct arc_decision *d, struct arc_run *run,
                              const struct arc_cmd *cmd, arc_err *err)
{
    uint32_t j = 0, s = 0;
    if (!arc__run_find_step(run, cmd->u.cancel.what, &j, &s))
        return arc__fail(err, ARC_ECONFLICT, "step",
                         "The step run is not of a present attempt: it has ended.");
    return arc__decide_cancel_step(d, run, j, s, cmd->reason, cmd->actor, cmd->u.cancel.force, err);
}

static arc_status update_step(struct arc_decision *d, struct arc_run *run,
                              const struct arc_cmd *cmd, arc_err *err)
{
    uint32_t j = 0, s = 0;
    if (!arc__run_find_step(run, cmd->u.step.step_run_id, &j, &s))
        return arc__fail(err, ARC_ECONFLICT, "step",
                         "The step run is not of a present attempt: it has ended.");
    return arc__decide_update_step(d, run, j, s, cmd->u.step.env, cmd->u.step.timeout_ns,
                                   cmd->actor, err);
}

static arc_status decide(struct arc_decision *d, struct arc_run *run, const struct arc_cmd *cmd,
                         arc_err *err)
{
    switch (cmd->kind) {
    case ARC_CMD_RUN_PAUSE:
        return arc__decide_pause(d, run, cmd->reason, cmd->actor, err);
    case ARC_CMD_RUN_RESUME:
        return arc__decide_resume(d, run, cmd->reason, cmd->actor, err);
    case ARC_CMD_RUN_STOP:
        return arc__decide_stop(d, run, cmd->reason, cmd->actor, cmd->u.stop.force, err);
    case ARC_CMD_JOB_CANCEL:
        return cancel_job(d, run, cmd, err);
    case ARC_CMD_STEP_CANCEL:
        return cancel_step(d, run, cmd, err);
    case ARC_CMD_STEP_UPDATE:
        return update_step(d, run, cmd, err);
    default:
        return decide_gate(d, run, cmd, err);
    }
}

arc_status arc__do_run_control(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct live *live = NULL;
    struct arc_decision d;
    ARC_TRY(arc__visible_run(engine, cmd, &live, err));
    ARC_TRY(arc__turn_enter(engine, live, &d, err));
    arc_status status = decide(&d, &live->run, cmd, err);
    if (status == ARC_OK)
        status = arc__withdraw(live, &d, err);
    status = arc__turn_leave(engine, live, &d, status, err);
    box->answer.id = arc__arena_copy(&cmd->arena, arc__id_slice(&live->id));
    box->answer.state = live->run.status;
    return status;
}
