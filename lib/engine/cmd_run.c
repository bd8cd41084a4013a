/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about runs: trigger, and what holders report. */
#include "base/sha256.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/engine_private.h"
#include "engine/event_json.h"
#include "engine/pipe_text.h"
#include "spec/spec.h"

#define FINDINGS_BYTES_MAX (4u * 1024u * 1024u)
#define ARTIFACTS_MAX 1024u /* of one report */
#define ARTIFACT_NAME_MAX 64u
#define ARTIFACT_PATH_MAX 1024u
#define MESSAGE_BYTES_MAX 65536u /* of an error message; longer ones are cut */

/* --- trigger ------------------------------------------------------------------------- */

/* The text of the pipeline's present definition. */
static arc_status load_definition(struct arc_engine *engine, struct cmd_box *box, struct pipe *pipe,
                                  arc_slice *text, uint32_t *format, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_definition, .filter_count = 2, .order_col = -1};
    if (pipe->row.definition_sha.len == 0)
        return arc__fail(err, ARC_ECONFLICT, "definition",
                         "The pipeline has no definition yet; save one first.");
    if (arc__pipe_text(pipe, text, format))
        return ARC_OK;
    query.filters[0] = arc__eq_text(ARC_COL_definition_pipeline_id, pipe->row.id);
    query.filters[1] = arc__eq_text(ARC_COL_definition_sha, pipe->row.definition_sha);
    ARC_TRY(arc__load(engine, &box->loads[1], &query, err));
    if (box->loads[1].rows.count == 0) {
        /* saved by a command of this very turn: not readable before its commit */
        arc__load_deinit(&box->loads[1]);
        return arc__pipe_marked(pipe) ? ARC_EAGAIN
                                      : arc__fail(err, ARC_EINTERNAL, "definition",
                                                  "The pipeline's definition is not in the store.");
    }
    const struct arc_row_definition *row = box->loads[1].rows.rows;
    arc__pipe_keep_text(engine, pipe, row);
    *text = row->text;
    *format = (uint32_t)row->format;
    return ARC_OK;
}

/* Everything that may happen to a run at once has to fit into one batch of the store. */
static arc_status check_size(const struct arc_plan *plan, arc_err *err)
{
    uint64_t things = plan->job_count;
    for (uint32_t j = 0; j < plan->job_count; j++)
        things += plan->jobs[j].step_count;
    if (things > ARC_RUN_THINGS_MAX)
        return arc__fail(err, ARC_ELIMIT, "run.things",
                         "The run would have %llu jobs and steps, the limit is %u.",
                         (unsigned long long)things, ARC_RUN_THINGS_MAX);
    return ARC_OK;
}

/* What was merged into the definition before it came here, for the plan, which outlives the
 * command.
 */
static arc_status take_includes(const struct arc_cmd *cmd, struct arc_arena *arena,
                                struct arc_spec *spec, arc_err *err)
{
    const struct arc_plan_include *list =
        arc__includes_copy(arena, cmd->u.trigger.includes, cmd->u.trigger.include_count);
    if (list == NULL)
        return arc__fail_nomem(err);
    arc__spec_take_includes(spec, list, cmd->u.trigger.include_count);
    return ARC_OK;
}

static struct arc_plan_inputs inputs_of(const struct arc_cmd *cmd, const arc_id *pipeline)
{
    return (struct arc_plan_inputs){.variables = cmd->u.trigger.variables,
                                    .pipeline_id = arc__id_slice(pipeline),
                                    .trigger_type = ARC_LIT("manual"),
                                    .actor = cmd->u.trigger.triggered_by,
                                    .ref = cmd->u.trigger.ref,
                                    .branch = cmd->u.trigger.branch,
                                    .request_id = cmd->u.trigger.request_id,
                                    .tag = cmd->u.trigger.tag,
                                    .sha = cmd->u.trigger.sha,
                                    .event = cmd->u.trigger.event,
                                    .payload = cmd->u.trigger.payload,
                                    .git_commit = cmd->u.trigger.git_commit,
                                    .git_branch = cmd->u.trigger.git_branch,
                                    .git_repo = cmd->u.trigger.git_repo};
}

/* Reads in memory of the command's own, and plans in the run's: the plan borrows nothing of what
 * was read, which goes once there is one. Both together may take what a run may. */
static arc_status make_plan(struct cmd_box *box, const arc_id *pipeline, struct arc_arena *arena,
                            arc_slice text, uint32_t format, const struct arc_plan **plan,
                            arc_err *err)
{
    const struct arc_cmd *cmd = &box->cmd;
    struct arc_diags *diags = ARC_ARENA_NEW(&box->cmd.arena, struct arc_diags);
    struct arc_arena *read = &box->read_arena;
    struct arc_spec *spec = NULL;
    const struct arc_plan_inputs inputs = inputs_of(cmd, pipeline);
    struct arc_read_options to_run = {.runnable = 1};
    if (cmd->u.trigger.definition.limits != NULL)
        to_run.limits = *cmd->u.trigger.definition.limits;
    arc__arena_deinit(read);
    arc__arena_init(read, &arena->mem, arena->max_bytes);
    arc_slice own = arc__arena_copy(read, text);
    if (diags == NULL || own.ptr == NULL)
        return arc__fail_nomem(err);
    arc_status status =
        arc__spec_read(own, (enum arc_format)format, ARC_NONE, &to_run, read, diags, &spec, err);
    if (status == ARC_OK && cmd->u.trigger.include_count > 0)
        status = take_includes(cmd, read, spec, err);
    arena->max_bytes -= read->used_bytes;
    if (status == ARC_OK)
        status = arc__plan_build(spec, &inputs, arena, diags, plan, err);
    if (status == ARC_EINVAL && diags->first != NULL)
        box->diags_text_due = 1;
    box->diags = diags;
    if (status != ARC_OK)
        return status;
    box->diags = NULL; /* it would speak of what goes here */
    arc__arena_deinit(read);
    return check_size(*plan, err);
}

/* Findings live in the run's arena and the command's, which go when the run is refused. */
static void save_findings(struct arc_engine *engine, struct cmd_box *box)
{
    struct arc_buf buf;
    if (!box->diags_text_due)
        return;
    arc__buf_init(&buf, &engine->mem, FINDINGS_BYTES_MAX);
    arc__diags_to_json(box->diags, &buf);
    if (arc__buf_check(&buf, NULL) == ARC_OK)
        box->answer.findings = arc__arena_copy(&box->cmd.arena, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
}

static arc_status start_run(struct arc_engine *engine, struct cmd_box *box, struct live *live,
                            struct pipe *pipe, const struct arc_plan *plan, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct arc_decision d;
    char hex[ARC_SHA256_HEX_LEN + 1] = "";
    /* Not the pipeline's own; one that was made for the definition names it already. */
    if (cmd->u.trigger.definition.canonical.len > 0 && cmd->pipeline_id.len > 0)
        arc__sha256_hex(cmd->u.trigger.definition.canonical, hex);
    struct arc_create create = {
        .run_id = live->id,
        .pipeline_id = arc__id_slice(&pipe->id),
        .triggered_by = cmd->u.trigger.triggered_by,
        .birth = {.pipeline_name = pipe->row.name,
                  .project_id = pipe->row.project_id,
                  .definition_sha =
                      hex[0] != '\0' ? arc__slice_cstr(hex) : pipe->row.definition_sha,
                  .branch = cmd->u.trigger.branch,
                  .ref = cmd->u.trigger.ref,
                  .request_id = cmd->u.trigger.request_id,
                  .number = pipe->row.total_runs + 1,
                  .trigger_type = 1,
                  .priority = cmd->u.trigger.priority,
                  .plan = plan},
    };
    ARC_TRY(arc__turn_enter(engine, live, &d, err));
    arc_status status = arc__decide_create(&d, &live->run, &create, err);
    if (status == ARC_OK)
        status = arc__live_ready(live, err);
    if (status != ARC_OK)
        return arc__turn_spoil(engine, status);
    return arc__turn_leave(engine, live, &d, ARC_OK, err);
}

/* What room is left is for runs that have begun. */
static arc_status check_room(const struct arc_engine *engine, arc_err *err)
{
    arc_err why = ARC_ERR_INIT;
    arc_status status = engine->store->ops->health(engine->store, &why);
    if (status != ARC_ELIMIT || strcmp(why.subject, ARC_STORE_FULL) != 0)
        return ARC_OK; /* what else is wrong is found by the commit */
    return arc__fail(err, status, ARC_STORE_FULL, "No new run begins: %s", why.message);
}

arc_status arc__check_runs_open(const struct arc_engine *engine, arc_err *err)
{
    ARC_TRY(check_room(engine, err));
    if (engine->lives_open < engine->options.runs_max)
        return ARC_OK;
    return arc__fail(err, ARC_ELIMIT, "runs.max", "%zu runs are open already, the limit is %u.",
                     engine->lives_open, engine->options.runs_max);
}

/* The run lives in the memory that its plan was made in. */
static const struct arc_plan *take_plan(struct cmd_box *box, struct live *live)
{
    const struct arc_plan *plan = box->plan;
    arc__arena_deinit(&live->run.arena); /* nothing is in it yet */
    live->run.arena = box->plan_arena;
    box->plan_arena = (struct arc_arena){0};
    box->plan = NULL;
    return plan;
}

static arc_status new_run(struct arc_engine *engine, struct cmd_box *box, struct pipe *pipe,
                          arc_slice text, uint32_t format, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    const struct arc_plan *plan = NULL;
    struct live *live = NULL;
    arc_id id = cmd->u.trigger.run_id;
    ARC_TRY(arc__check_runs_open(engine, err));
    if (id.text[0] == '\0')
        ARC_TRY(arc__engine_new_id(engine, &id, err));
    ARC_TRY(arc__live_new(engine, &id, pipe, &live, err));
    arc_status status = ARC_OK;
    if (box->plan != NULL)
        plan = take_plan(box, live);
    else
        status = make_plan(box, &pipe->id, &live->run.arena, text, format, &plan, err);
    if (status != ARC_OK) {
        save_findings(engine, box);
        arc__live_drop(live);
        return status;
    }
    status = start_run(engine, box, live, pipe, plan, err);
    if (status != ARC_OK) {
        if (!live->touched) /* else it goes with its turn */
            arc__live_drop(live);
        return status;
    }
    box->answer.id = arc__arena_copy(&cmd->arena, arc__id_slice(&live->id));
    box->answer.step_run_id =
        arc__arena_copy(&cmd->arena, arc__id_slice(&live->run.jobs[0].steps[0].id));
    box->answer.state = live->run.status;
    return ARC_OK;
}

/* A run of a definition that belongs to no pipeline yet: one is made for it. */
static arc_status pipe_for_definition(struct arc_engine *engine, struct cmd_box *box,
                                      struct pipe **out, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    char hex[ARC_SHA256_HEX_LEN + 1];
    struct pipe *pipe = NULL;
    arc__sha256_hex(cmd->u.trigger.definition.canonical, hex);
    ARC_TRY(arc__pipe_new(engine, &cmd->u.trigger.pipe_for, &pipe, err));
    pipe->loaded = 1;
    arc__pipe_mark(engine, pipe);
    struct arc_row_pipeline row = {.id = arc__id_slice(&pipe->id),
                                   .project_id = arc__slice_cstr(cmd->principal.project_id),
                                   .name = ARC_LIT("inline"),
                                   .is_enabled = 1,
                                   .status = ARC_RUN_PENDING,
                                   .definition_sha = arc__slice_cstr(hex),
                                   .created_by = cmd->u.trigger.triggered_by,
                                   .version = 1,
                                   .created_at_ns = engine->now.wall_ns,
                                   .updated_at_ns = engine->now.wall_ns};
    struct arc_row_definition definition = {.pipeline_id = row.id,
                                            .sha = row.definition_sha,
                                            .format = cmd->u.trigger.definition.format,
                                            .text = cmd->u.trigger.definition.text,
                                            .canonical = cmd->u.trigger.definition.canonical,
                                            .created_at_ns = engine->now.wall_ns};
    ARC_TRY(arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_definition, &definition, 0, err));
    arc_status status = arc__pipe_copy_row(pipe, &row, err);
    if (status != ARC_OK)
        return arc__turn_spoil(engine, status);
    *out = pipe;
    return arc__turn_op(engine, ARC_STORE_INSERT, ARC_TABLE_pipeline, &pipe->row, 0, err);
}

arc_status arc__cmd_plan(struct arc_cmd *cmd, const struct arc_diags **diags, arc_err *err)
{
    struct cmd_box *box = arc__box(cmd);
    arc__cmd_clean(cmd); /* as it will be when it is submitted */
    arc__arena_deinit(&box->plan_arena);
    arc__arena_init(&box->plan_arena, &cmd->engine->mem, ARC_RUN_BYTES_MAX);
    arc_status status =
        make_plan(box, &cmd->u.trigger.pipe_for, &box->plan_arena, cmd->u.trigger.definition.text,
                  cmd->u.trigger.definition.format, &box->plan, err);
    if (status != ARC_OK)
        box->plan = NULL;
    *diags = box->diags;
    return status;
}

/* A refused run leaves no pipeline behind: its definition is read before anything is written. It
 * may name the pipeline, whose id is therefore made first. */
static arc_status check_definition(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    arc_id *pipeline = &box->cmd.u.trigger.pipe_for;
    const struct arc_diags *diags = NULL;
    ARC_TRY(arc__check_runs_open(engine, err));
    if (pipeline->text[0] == '\0')
        ARC_TRY(arc__engine_new_id(engine, pipeline, err));
    if (box->plan != NULL)
        return ARC_OK;
    arc_status status = arc__cmd_plan(&box->cmd, &diags, err);
    if (status != ARC_OK)
        save_findings(engine, box);
    return status;
}

/* The run that this request started before. */
static arc_status answer_again(struct arc_engine *engine, struct cmd_box *box)
{
    const struct live *live = arc__map_get(&engine->runs, box->answer.id);
    box->answer.duplicate = 1;
    box->answer.state = live != NULL && live->loaded ? live->run.status : 0;
    return ARC_OK;
}

arc_status arc__do_run_trigger(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct pipe *pipe = NULL;
    struct request request = {.id = cmd->u.trigger.request_id};
    const arc_slice body[] = {cmd->u.trigger.branch,       cmd->u.trigger.ref,
                              cmd->u.trigger.triggered_by, cmd->u.trigger.tag,
                              cmd->u.trigger.sha,          cmd->u.trigger.event,
                              cmd->u.trigger.payload,      cmd->u.trigger.git_commit,
                              cmd->u.trigger.git_branch,   cmd->u.trigger.git_repo};
    arc_slice text = cmd->u.trigger.definition.text;
    uint32_t format = cmd->u.trigger.definition.format;
    if (cmd->u.trigger.priority < -ARC_PRIORITY_MAX || cmd->u.trigger.priority > ARC_PRIORITY_MAX)
        return arc__fail(err, ARC_EINVAL, "priority", "A priority is a number from %d to %d.",
                         -ARC_PRIORITY_MAX, ARC_PRIORITY_MAX);
    if (cmd->pipeline_id.len == 0) {
        ARC_TRY(check_definition(engine, box, err));
        ARC_TRY(pipe_for_definition(engine, box, &pipe, err));
        arc_status status = new_run(engine, box, pipe, text, format, err);
        return status == ARC_OK ? ARC_OK : arc__turn_spoil(engine, status);
    }
    ARC_TRY(arc__visible_pipe(engine, cmd, cmd->pipeline_id, &pipe, err));
    request.scope = arc__arena_printf(&cmd->arena, "trigger:%s", pipe->id.text);
    arc__digest(body, ARC_COUNT_OF(body), &cmd->u.trigger.variables, request.digest);
    arc_status seen = arc__request_seen(engine, &box->loads[0], &request, &box->answer.id, err);
    if (seen == ARC_EDONE)
        return answer_again(engine, box);
    ARC_TRY(seen);
    if (!pipe->row.is_enabled)
        return arc__fail(err, ARC_ECONFLICT, "pipeline", "The pipeline is disabled.");
    if (text.len == 0)
        ARC_TRY(load_definition(engine, box, pipe, &text, &format, err));
    ARC_TRY(new_run(engine, box, pipe, text, format, err));
    return arc__request_keep(engine, &request, box->answer.id, err);
}

/* --- reports ------------------------------------------------------------------------- */

/* Metrics and outputs stand in the event as they are, so they have to be what they are said to be:
 * one that could not be read back would cost the run. */
static arc_status check_texts(const char *what, arc_slice json, struct arc_arena *arena,
                              arc_err *err)
{
    const struct arc_node *node = NULL;
    if (json.len == 0 || arc__slice_is(json, "{}"))
        return ARC_OK;
    int fine = arc__json_read(json, NULL, arena, &node, NULL) == ARC_OK && node != NULL &&
               node->kind == ARC_NODE_MAP;
    for (const struct arc_node *child = fine ? node->first : NULL; child != NULL;
         child = child->next)
        fine &= child->kind != ARC_NODE_MAP && child->kind != ARC_NODE_LIST;
    if (arena->failed)
        return arc__fail_nomem(err);
    return fine ? ARC_OK : arc__fail(err, ARC_EINVAL, what, "A JSON object of texts is expected.");
}

/* "sha256:" and 64 digits; empty: not known. */
static int is_digest(arc_slice digest)
{
    static const char prefix[] = "sha256:";
    size_t at = sizeof(prefix) - 1;
    if (digest.len == 0)
        return 1;
    if (digest.len != at + 64 || memcmp(digest.ptr, prefix, at) != 0)
        return 0;
    for (; at < digest.len; at++) {
        if (strchr("0123456789abcdef", digest.ptr[at]) == NULL || digest.ptr[at] == '\0')
            return 0;
    }
    return 1;
}

/* When an artifact of this name goes, as the list of the definition says; 0: it stays. */
static int64_t expires_at(const struct arc_engine *engine, arc_slice list, arc_slice name,
                          struct arc_arena *arena)
{
    const struct arc_node *node = NULL;
    if (list.len == 0 || arc__json_read(list, NULL, arena, &node, NULL) != ARC_OK || node == NULL)
        return 0;
    for (const struct arc_node *child = node->first; child != NULL; child = child->next) {
        const struct arc_node *own = arc__node_get(child, "name");
        const struct arc_node *expire = arc__node_get(child, "expire");
        const struct arc_node *days = arc__node_get(child, "expireDays");
        if (own != NULL && arc__slice_equal(own->text, name) && expire != NULL && days != NULL &&
            expire->number != 0)
            return engine->now.wall_ns + days->number * 86400 * ARC_NS_PER_S;
    }
    return 0;
}

static arc_status check_artifacts(const struct arc_engine *engine, const struct step_ref *ref,
                                  struct arc_cmd *cmd, arc_err *err)
{
    const struct arc_plan_job *job = &ref->live->run.plan->jobs[ref->job];
    if (cmd->u.report.artifact_count > ARTIFACTS_MAX)
        return arc__fail(err, ARC_EINVAL, "artifacts", "More than %u artifacts at once.",
                         ARTIFACTS_MAX);
    for (uint32_t i = 0; i < cmd->u.report.artifact_count; i++) {
        struct arc_artifact *artifact = &cmd->u.report.artifacts[i];
        if (artifact->name.len == 0 || artifact->name.len > ARTIFACT_NAME_MAX)
            return arc__fail(err, ARC_EINVAL, "artifacts", "An artifact has a name of up to %u.",
                             ARTIFACT_NAME_MAX);
        if (artifact->path.len == 0 || artifact->path.len > ARTIFACT_PATH_MAX ||
            !arc__path_inside(artifact->path))
            return arc__fail(err, ARC_EINVAL, "artifacts",
                             "The path of an artifact lies inside the workspace.");
        if (artifact->size < 0 || !is_digest(artifact->digest))
            return arc__fail(err, ARC_EINVAL, "artifacts",
                             "An artifact has a size, and a digest like sha256:….");
        artifact->expires_ns = expires_at(engine, job->artifacts, artifact->name, &cmd->arena);
        if (artifact->expires_ns == 0)
            artifact->expires_ns =
                expires_at(engine, job->steps[ref->step].artifacts, artifact->name, &cmd->arena);
    }
    return cmd->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}

static arc_slice shorten(arc_slice message)
{
    return message.len <= MESSAGE_BYTES_MAX
               ? message
               : arc__slice(message.ptr, arc__utf8_prefix(message, MESSAGE_BYTES_MAX));
}

/* A fence may be missing only from an agent that knows none. */
static arc_status check_level(struct arc_engine *engine, const struct arc_cmd *cmd, arc_err *err)
{
    const struct agent *agent = arc__agent_find(engine, cmd->u.report.agent_id);
    if (cmd->u.report.fence != 0 || (agent != NULL && agent->row.protocol_level == 0))
        return ARC_OK;
    engine->stats.stale_fences++;
    return arc__fail(err, ARC_EPRECONDITION, "fence", "The report lacks the fence of its lease.");
}

/* A report about an attempt that is over: the same answer twice is no harm, anything else comes too
 * late. */
static arc_status late_report(struct arc_engine *engine, const struct arc_cmd *cmd,
                              const struct arc_step_state *state, arc_err *err)
{
    int weak = cmd->u.report.fence == 0 && cmd->u.report.attempt == 0;
    if (arc__slice_equal(state->agent_id, cmd->u.report.agent_id) &&
        (weak ||
         (state->fence == cmd->u.report.fence && state->attempt == cmd->u.report.attempt)) &&
        (state->status == cmd->u.report.status || cmd->u.report.status == ARC_STEP_RUNNING))
        return ARC_OK;
    engine->stats.stale_fences++;
    return arc__fail(err, ARC_EPRECONDITION, "fence", "The attempt that reports is over.");
}

/* The log of a step that ends: what is known to be missing becomes a gap. A log store that is away
 * or full must not keep a run from ending. */
static int64_t end_log(struct arc_engine *engine, struct step_ref *ref, const struct arc_cmd *cmd)
{
    arc_err why = ARC_ERR_INIT;
    arc_slice id = cmd->u.report.step_run_id;
    if (engine->replicas.on) /* another one may have had lines that nobody has sent to us */
        ref->info_known = 0;
    arc_status status = arc__log_know(engine, ref, id, &why);
    int holds = ref->state->fence != 0 && ref->state->fence == cmd->u.report.fence &&
                !arc_step_state_is_terminal(ref->state->status);
    if (status == ARC_OK && holds && cmd->u.report.log_lines > 0)
        status = arc__log_tail(engine, ref, id, cmd->u.report.log_lines, &why);
    if (status != ARC_OK)
        arc__engine_say(engine, ARC_LOG_WARN, why.message);
    return ref->info.lines;
}

/* Its job has ended, or so it may seem: another process has stored the result, and the agent did
 * not hear of it. NULL: there is no such step. */
static arc_status find_elsewhere(struct arc_engine *engine, struct cmd_box *box,
                                 struct step_ref **out, arc_err *err)
{
    arc_slice id = box->cmd.u.report.step_run_id;
    struct live *live = NULL;
    struct arc_query query = {.table = ARC_TABLE_step_run, .filter_count = 1, .order_col = -1};
    query.filters[0] = arc__eq_text(ARC_COL_step_run_id, id);
    ARC_TRY(arc__load(engine, &box->loads[0], &query, err));
    const struct arc_row_step_run *row = box->loads[0].rows.rows;
    if (box->loads[0].rows.count == 0)
        return ARC_OK;
    arc_status status = arc__live_get(engine, row->run_id, &live, err);
    *out = arc__step_find(engine, id);
    return status == ARC_EAGAIN || status == ARC_ENOMEM || status == ARC_EUNAVAILABLE ? status
                                                                                      : ARC_OK;
}

arc_status arc__do_step_report(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct step_ref *ref = arc__step_find(engine, cmd->u.report.step_run_id);
    struct arc_decision d;
    ARC_TRY(arc__agent_needs_home(engine, cmd->u.report.agent_id));
    if (ref == NULL && engine->replicas.on)
        ARC_TRY(find_elsewhere(engine, box, &ref, err));
    if (ref != NULL && ref->live->stale)
        return ARC_EAGAIN;
    if (ref == NULL) {
        engine->stats.stale_fences++;
        return arc__fail(err, ARC_EPRECONDITION, "fence",
                         "No step run of this id is open: its lease is gone.");
    }
    struct live *live = ref->live;
    ARC_TRY(check_level(engine, cmd, err));
    ARC_TRY(check_texts("metrics", cmd->u.report.metrics, &cmd->arena, err));
    ARC_TRY(check_texts("outputs", cmd->u.report.outputs, &cmd->arena, err));
    ARC_TRY(check_artifacts(engine, ref, cmd, err));
    box->answer.state = ref->state->status;
    if (arc__run_over(&live->run) || &live->run.jobs[ref->job].steps[ref->step] != ref->state)
        return late_report(engine, cmd, ref->state, err);
    struct arc_report report = {.artifacts = cmd->u.report.artifacts,
                                .artifact_count = cmd->u.report.artifact_count,
                                .job = ref->job,
                                .step = ref->step,
                                .status = cmd->u.report.status,
                                .attempt = cmd->u.report.attempt,
                                .fence = cmd->u.report.fence,
                                .exit_code = cmd->u.report.exit_code,
                                .agent_id = cmd->u.report.agent_id,
                                .error_message = shorten(cmd->u.report.error_message),
                                .metrics = cmd->u.report.metrics,
                                .outputs = cmd->u.report.outputs};
    if (arc_step_state_is_terminal(report.status))
        report.log_lines = end_log(engine, ref, cmd);
    ARC_TRY(arc__turn_enter(engine, live, &d, err));
    arc_status status = arc__decide_report(&d, &live->run, &report, err);
    if (status == ARC_OK)
        status = arc__withdraw(live, &d, err); /* cells that failFast has cancelled */
    status = arc__turn_leave(engine, live, &d, status, err);
    engine->stats.stale_fences += status == ARC_EPRECONDITION;
    box->answer.state = ref->state->status;
    return status;
}
