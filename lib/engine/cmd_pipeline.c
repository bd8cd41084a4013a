/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about pipelines and their definitions. */
#include "base/sha256.h"
#include "engine/engine_private.h"
#include "spec/spec.h"

#define NAME_MAX_BYTES 255u

arc_status arc__visible_pipe(struct arc_engine *engine, const struct arc_cmd *cmd,
                             arc_slice pipeline_id, struct pipe **out, arc_err *err)
{
    struct pipe *pipe = NULL;
    ARC_TRY(arc__pipe_get(engine, pipeline_id, &pipe, err));
    /* "Absent" and "not yours" are one answer. */
    if (pipe->row.deleted_at_ns != 0 ||
        (cmd->principal.project_id[0] != '\0' &&
         !arc__slice_is(pipe->row.project_id, cmd->principal.project_id)))
        return arc__fail(err, ARC_ENOTFOUND, "pipeline", "No pipeline has this id.");
    *out = pipe;
    return ARC_OK;
}

static arc_status check_name(arc_slice name, arc_err *err)
{
    if (name.len == 0)
        return arc__fail(err, ARC_EINVAL, "name", "A pipeline needs a name.");
    if (name.len > NAME_MAX_BYTES)
        return arc__fail(err, ARC_ELIMIT, "name", "A name has at most %u bytes.", NAME_MAX_BYTES);
    return ARC_OK;
}

static arc_status pipeline_event(struct arc_engine *engine, const struct pipe *pipe,
                                 enum arc_event_type type, const struct arc_cmd *cmd, arc_err *err)
{
    return arc__turn_event(engine,
                           (struct arc_event){.type = type,
                                              .seq = pipe->row.version,
                                              .pipeline_id = arc__id_slice(&pipe->id),
                                              .actor = cmd->actor,
                                              .reason = cmd->reason},
                           arc__id_slice(&pipe->id), err);
}

/* Stores a definition under the hash of its canonical form; saving the same again is no new row. */
static arc_status put_definition(struct arc_engine *engine, struct pipe *pipe,
                                 const struct arc_definition_input *input, arc_slice editor,
                                 arc_slice message, arc_slice *sha, arc_err *err)
{
    char hex[ARC_SHA256_HEX_LEN + 1];
    arc__sha256_hex(input->canonical, hex);
    *sha = arc__turn_copy(engine, arc__slice_cstr(hex));
    if (sha->ptr == NULL)
        return arc__turn_spoil(engine, arc__fail_nomem(err));
    struct arc_row_definition row = {.pipeline_id = arc__id_slice(&pipe->id),
                                     .sha = *sha,
                                     .format = input->format,
                                     .text = input->text,
                                     .canonical = input->canonical,
                                     .editor = editor,
                                     .message = message,
                                     .created_at_ns = engine->now.wall_ns};
    return arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_definition, &row, 0, err);
}

/* The row as it shall be: into the cache and into the batch. */
static arc_status put_row(struct arc_engine *engine, struct pipe *pipe,
                          const struct arc_row_pipeline *row, int is_new, arc_err *err)
{
    arc_status status = arc__pipe_copy_row(pipe, row, err);
    if (status != ARC_OK)
        return arc__turn_spoil(engine, status);
    arc__pipe_mark(engine, pipe);
    pipe->row_due = !is_new;
    if (!is_new)
        return ARC_OK; /* written when the turn ends */
    pipe->row.revision = 1;
    return arc__turn_op(engine, ARC_STORE_INSERT, ARC_TABLE_pipeline, &pipe->row, 0, err);
}

arc_status arc__do_pipeline_create(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct arc_row_pipeline row = cmd->u.pipeline.row;
    struct pipe *pipe = NULL;
    arc_id id;
    ARC_TRY(check_name(row.name, err));
    if (cmd->principal.project_id[0] != '\0' &&
        !arc__slice_is(row.project_id, cmd->principal.project_id))
        return arc__fail(err, ARC_EDENIED, "projectId", "The token is for another project.");
    ARC_TRY(arc__engine_new_id(engine, &id, err));
    ARC_TRY(arc__pipe_new(engine, &id, &pipe, err));
    pipe->loaded = 1;
    arc__pipe_mark(engine, pipe); /* from here on a failed turn drops it */
    row.id = arc__id_slice(&pipe->id);
    row.is_enabled = 1;
    row.status = ARC_RUN_PENDING;
    row.version = 1;
    row.created_at_ns = row.updated_at_ns = engine->now.wall_ns;
    if (cmd->u.pipeline.definition.text.len > 0)
        ARC_TRY(put_definition(engine, pipe, &cmd->u.pipeline.definition, row.created_by, ARC_NONE,
                               &row.definition_sha, err));
    ARC_TRY(put_row(engine, pipe, &row, 1, err));
    box->answer.id = arc__arena_copy(&cmd->arena, arc__id_slice(&pipe->id));
    box->answer.sha = arc__arena_copy(&cmd->arena, row.definition_sha);
    return pipeline_event(engine, pipe, ARC_EVENT_PIPELINE_CREATED, cmd, err);
}

static void apply(struct arc_row_pipeline *row, const struct arc_row_pipeline *from, uint32_t set)
{
    if (set & ARC_PIPELINE_SET_NAME)
        row->name = from->name;
    if (set & ARC_PIPELINE_SET_DESCRIPTION)
        row->description = from->description;
    if (set & ARC_PIPELINE_SET_REPO_URL)
        row->repo_url = from->repo_url;
    if (set & ARC_PIPELINE_SET_DEFAULT_BRANCH)
        row->default_branch = from->default_branch;
    if (set & ARC_PIPELINE_SET_FILE_PATH)
        row->pipeline_file_path = from->pipeline_file_path;
    if (set & ARC_PIPELINE_SET_SAVE_MODE)
        row->save_mode = from->save_mode;
    if (set & ARC_PIPELINE_SET_PR_TARGET)
        row->pr_target_branch = from->pr_target_branch;
    if (set & ARC_PIPELINE_SET_METADATA)
        row->metadata = from->metadata;
    if (set & ARC_PIPELINE_SET_ENABLED)
        row->is_enabled = from->is_enabled;
}

arc_status arc__do_pipeline_update(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct pipe *pipe = NULL;
    ARC_TRY(arc__visible_pipe(engine, cmd, cmd->pipeline_id, &pipe, err));
    int64_t have = pipe->row.version, want = cmd->u.pipeline.expect_version;
    if (want != 0 && want != have) {
        box->answer.number = have;
        return arc__fail(err, ARC_ECONFLICT, "version",
                         "The pipeline is at version %lld, not %lld.", (long long)have,
                         (long long)want);
    }
    struct arc_row_pipeline row = pipe->row;
    apply(&row, &cmd->u.pipeline.row, cmd->u.pipeline.set);
    ARC_TRY(check_name(row.name, err));
    row.version = have + 1;
    row.updated_at_ns = engine->now.wall_ns;
    ARC_TRY(put_row(engine, pipe, &row, 0, err));
    box->answer.id = arc__arena_copy(&cmd->arena, arc__id_slice(&pipe->id));
    box->answer.number = row.version;
    return pipeline_event(engine, pipe, ARC_EVENT_PIPELINE_UPDATED, cmd, err);
}

static arc_status stop_runs_of(struct arc_engine *engine, const struct pipe *pipe,
                               const struct arc_cmd *cmd, arc_err *err)
{
    ARC_LIST_EACH(&engine->live_list, link)
    {
        struct live *live = ARC_CONTAINER(link, struct live, link);
        struct arc_decision d;
        if (!live->loaded || live->pipe != pipe || arc__run_over(&live->run))
            continue;
        if (live->run.stopping)
            continue;
        if (arc__turn_size(&engine->turn) > ARC_TURN_OPS_MAX)
            return ARC_EAGAIN; /* the rest of them in the next turn, then the pipeline */
        ARC_TRY(arc__turn_enter(engine, live, &d, err));
        arc_status status = arc__decide_stop(&d, &live->run, ARC_LIT("Its pipeline was deleted."),
                                             cmd->actor, 0, err);
        if (status == ARC_OK)
            status = arc__withdraw(live, &d, err);
        ARC_TRY(arc__turn_leave(engine, live, &d, status, err));
    }
    return ARC_OK;
}

static uint32_t open_runs_of(const struct arc_engine *engine, const struct pipe *pipe)
{
    uint32_t open = 0;
    ARC_LIST_EACH(&engine->live_list, link)
    {
        const struct live *live = ARC_CONTAINER(link, struct live, link);
        open += live->loaded && live->pipe == pipe && !arc__run_over(&live->run);
    }
    return open;
}

/* Into memory with those that are open and have another home. */
static arc_status gather_runs(struct arc_engine *engine, struct cmd_box *box,
                              const struct pipe *pipe, arc_err *err)
{
    static const int64_t unfinished[] = {ARC_RUN_PENDING, ARC_RUN_RUNNING, ARC_RUN_PAUSED};
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 2, .order_col = -1};
    if (!engine->replicas.on)
        return ARC_OK;
    query.filters[0] = arc__eq_text(ARC_COL_pipeline_run_pipeline_id, arc__id_slice(&pipe->id));
    query.filters[1] = (struct arc_filter){.col = ARC_COL_pipeline_run_status,
                                           .op = ARC_FILTER_IN,
                                           .ints = unfinished,
                                           .int_count = ARC_COUNT_OF(unfinished)};
    ARC_TRY(arc__load(engine, &box->loads[1], &query, err));
    const struct arc_row_pipeline_run *row = box->loads[1].rows.rows;
    arc_status all = ARC_OK;
    for (size_t i = 0; i < box->loads[1].rows.count; i++) {
        struct live *live = NULL;
        arc_status status = arc__live_get(engine, row[i].id, &live, err);
        if (status == ARC_EAGAIN || status == ARC_ENOMEM || status == ARC_EUNAVAILABLE)
            all = status;
    }
    return all;
}

arc_status arc__do_pipeline_delete(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct pipe *pipe = NULL;
    ARC_TRY(arc__visible_pipe(engine, cmd, cmd->pipeline_id, &pipe, err));
    ARC_TRY(gather_runs(engine, box, pipe, err));
    uint32_t open = open_runs_of(engine, pipe);
    if (open > 0 && !cmd->u.pipeline_delete.force) {
        box->answer.state = pipe->row.status != 0 ? (int32_t)pipe->row.status : 0;
        return arc__fail(err, ARC_ECONFLICT, "pipeline",
                         "%u run%s of it %s not over; stop %s first, or delete with force.", open,
                         open == 1 ? "" : "s", open == 1 ? "is" : "are", open == 1 ? "it" : "them");
    }
    ARC_TRY(stop_runs_of(engine, pipe, cmd, err));
    struct arc_row_pipeline row = pipe->row;
    row.version++;
    row.deleted_at_ns = row.updated_at_ns = engine->now.wall_ns;
    ARC_TRY(put_row(engine, pipe, &row, 0, err));
    return pipeline_event(engine, pipe, ARC_EVENT_PIPELINE_DELETED, cmd, err);
}

/* --- saving a definition ------------------------------------------------------------- */

arc_status arc__do_definition_save(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct pipe *pipe = NULL;
    struct request request = {.id = cmd->u.save.request_id};
    const arc_slice body[] = {cmd->u.save.definition.canonical, cmd->u.save.expected_head,
                              cmd->u.save.message, cmd->u.save.editor};
    ARC_TRY(arc__visible_pipe(engine, cmd, cmd->pipeline_id, &pipe, err));
    request.scope = arc__arena_printf(&cmd->arena, "save:%s", pipe->id.text);
    arc__digest(body, ARC_COUNT_OF(body), NULL, request.digest);
    arc_status seen = arc__request_seen(engine, &box->loads[0], &request, &box->answer.sha, err);
    if (seen != ARC_OK) {
        box->answer.duplicate = seen == ARC_EDONE;
        return seen == ARC_EDONE ? ARC_OK : seen;
    }
    if (cmd->u.save.expected_head.len > 0 &&
        !arc__slice_equal(cmd->u.save.expected_head, pipe->row.definition_sha)) {
        box->answer.sha = arc__arena_copy(&cmd->arena, pipe->row.definition_sha);
        return arc__fail(err, ARC_ECONFLICT, "expectedHeadCommitSha",
                         "The definition's head is %.*s now.", ARC_ARG(pipe->row.definition_sha));
    }
    struct arc_row_pipeline row = pipe->row;
    row.version++;
    row.updated_at_ns = engine->now.wall_ns;
    if (cmd->u.save.editor.len > 0)
        row.last_editor = cmd->u.save.editor;
    ARC_TRY(put_definition(engine, pipe, &cmd->u.save.definition, cmd->u.save.editor,
                           cmd->u.save.message, &row.definition_sha, err));
    ARC_TRY(put_row(engine, pipe, &row, 0, err));
    ARC_TRY(arc__request_keep(engine, &request, pipe->row.definition_sha, err));
    box->answer.sha = arc__arena_copy(&cmd->arena, pipe->row.definition_sha);
    return pipeline_event(engine, pipe, ARC_EVENT_PIPELINE_UPDATED, cmd, err);
}
