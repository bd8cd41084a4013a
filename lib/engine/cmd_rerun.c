/* SPDX-License-Identifier: Apache-2.0 */
/* A run that has ended is run again: a new run of the same plan, linked to the old one. */
#include "core/rerun.h"
#include "engine/engine_private.h"
#include "spec/spec.h"

#define PLAN_BYTES_MAX (64u * 1024u * 1024u)

/* The new run outlives the old one, so it has a plan of its own. */
static arc_status copy_plan(const struct arc_plan *plan, struct arc_arena *arena,
                            const struct arc_plan **out, arc_err *err)
{
    /* What we wrote ourselves has no reader's limits. */
    static const struct arc_spec_limits own = {
        .document_bytes = PLAN_BYTES_MAX, .nodes = 20000000, .string_bytes = PLAN_BYTES_MAX};
    const struct arc_node *node = NULL;
    struct arc_buf buf;
    arc__buf_init(&buf, &arena->mem, PLAN_BYTES_MAX);
    arc__plan_to_json(plan, &buf);
    arc_status status = arc__buf_check(&buf, err);
    arc_slice text = arc__arena_copy(arena, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
    if (status == ARC_OK)
        status = arc__json_read(text, &own, arena, &node, err);
    return status == ARC_OK ? arc__plan_from_node(node, arena, out, err) : status;
}

static arc_status start(struct arc_engine *engine, const struct arc_cmd *cmd, struct live *old,
                        struct live *live, const struct arc_kept *kept, arc_err *err)
{
    const struct arc_birth *before = old->run.birth;
    struct arc_decision d;
    struct arc_create create = {
        .run_id = live->id,
        .pipeline_id = arc__id_slice(&old->pipe->id),
        .triggered_by = cmd->actor,
        .birth = *before,
    };
    create.birth.rerun_of = arc__id_slice(&old->id);
    create.birth.attempt = (before->attempt > 0 ? before->attempt : 1) + 1;
    create.birth.number = old->pipe->row.total_runs + 1;
    create.birth.request_id = cmd->u.rerun.request_id;
    create.birth.kept = kept;
    ARC_TRY(copy_plan(old->run.plan, &live->run.arena, &create.birth.plan, err));
    ARC_TRY(arc__turn_enter(engine, live, &d, err));
    arc_status status = arc__decide_create(&d, &live->run, &create, err);
    if (status == ARC_OK)
        status = arc__live_ready(live, err);
    if (status != ARC_OK)
        return arc__turn_spoil(engine, status);
    return arc__turn_leave(engine, live, &d, ARC_OK, err);
}

/* The job that the command names, by its key or by a step run of it; and where that step stands. */
static arc_status find_from(const struct arc_run *run, const struct arc_cmd *cmd, arc_slice *from,
                            uint32_t *j, uint32_t *s, arc_err *err)
{
    *from = cmd->u.rerun.from;
    if (cmd->u.rerun.step_run_id.len == 0)
        return ARC_OK;
    if (!arc__run_find_step(run, cmd->u.rerun.step_run_id, j, s))
        return arc__fail(err, ARC_ECONFLICT, "step",
                         "The step run is of an attempt that was followed by another one.");
    *from = run->plan->jobs[*j].key;
    return ARC_OK;
}

static arc_status run_again(struct arc_engine *engine, struct cmd_box *box, struct live *old,
                            arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    const struct arc_kept *kept = NULL;
    struct live *live = NULL;
    arc_slice from = ARC_NONE;
    uint32_t j = 0, s = 0;
    arc_id id = cmd->u.rerun.run_id;
    ARC_TRY(find_from(&old->run, cmd, &from, &j, &s, err));
    ARC_TRY(arc__rerun_keep(&old->run, cmd->u.rerun.mode, from, &cmd->arena, &kept, err));
    if (!old->pipe->row.is_enabled)
        return arc__fail(err, ARC_ECONFLICT, "pipeline", "The pipeline is disabled.");
    ARC_TRY(arc__check_runs_open(engine, err));
    if (id.text[0] == '\0')
        ARC_TRY(arc__engine_new_id(engine, &id, err));
    ARC_TRY(arc__live_new(engine, &id, old->pipe, &live, err));
    arc_status status = start(engine, cmd, old, live, kept, err);
    if (status != ARC_OK) {
        if (!live->touched) /* else it goes with its turn */
            arc__live_drop(live);
        return status;
    }
    box->answer.id = arc__arena_copy(&cmd->arena, arc__id_slice(&live->id));
    box->answer.state = live->run.status;
    if (cmd->u.rerun.step_run_id.len > 0)
        box->answer.step_run_id =
            arc__arena_copy(&cmd->arena, arc__id_slice(&live->run.jobs[j].steps[s].id));
    return ARC_OK;
}

arc_status arc__do_run_rerun(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct live *old = NULL;
    struct request request = {.id = cmd->u.rerun.request_id};
    ARC_TRY(arc__visible_run(engine, cmd, &old, err));
    static const char *const modes[] = {"", "all", "failed", "from"};
    const arc_slice body[] = {arc__id_slice(&old->id), arc__slice_cstr(modes[cmd->u.rerun.mode]),
                              cmd->u.rerun.from, cmd->u.rerun.step_run_id};
    request.scope = arc__arena_printf(&cmd->arena, "trigger:%s", old->pipe->id.text);
    arc__digest(body, ARC_COUNT_OF(body), NULL, request.digest);
    arc_status seen = arc__request_seen(engine, &box->loads[0], &request, &box->answer.id, err);
    if (seen == ARC_EDONE) {
        box->answer.duplicate = 1;
        return ARC_OK;
    }
    ARC_TRY(seen);
    ARC_TRY(run_again(engine, box, old, err));
    return arc__request_keep(engine, &request, box->answer.id, err);
}
