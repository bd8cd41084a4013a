/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/run.h>

#include <stdlib.h>
#include <string.h>

#include "face/ctl_private.h"
#include "face/spec_private.h"

static int by_key(const void *a, const void *b)
{
    const struct arc_kv *left = a, *right = b;
    return arc__slice_compare(left->key, right->key);
}

static arc_status copy_variables(const arc_run_options *options, struct arc_arena *arena,
                                 struct arc_kvs *out, arc_err *err)
{
    struct arc_kv *items = arc__arena_array(arena, options->variable_count, sizeof(*items));
    if (items == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < options->variable_count; i++) {
        ARC_REQUIRE(options->variables[i].key != NULL, err, "variables");
        items[i].key = arc__arena_copy(arena, arc__slice_cstr(options->variables[i].key));
        items[i].value = arc__arena_copy(arena, arc__slice_cstr(options->variables[i].value));
    }
    if (arena->failed)
        return arc__fail_nomem(err);
    qsort(items, options->variable_count, sizeof(*items), by_key);
    for (size_t i = 1; i < options->variable_count; i++) {
        if (arc__slice_equal(items[i - 1].key, items[i].key))
            return arc__fail(err, ARC_EINVAL, "variables", "Variable %.*s is given twice.",
                             ARC_ARG(items[i].key));
    }
    *out = (struct arc_kvs){items, (uint32_t)options->variable_count};
    return ARC_OK;
}

/* What is wrong with the inputs is said now, not by a command nobody waits for. */
static arc_status make_plan(struct arc_cmd *cmd, arc_err *err)
{
    const struct arc_diags *diags = NULL;
    arc_status status = arc__cmd_plan(cmd, &diags, err);
    if (status != ARC_EINVAL || diags == NULL || diags->first == NULL)
        return status;
    char subject[64];
    (void)arc__slice_to_cstr(diags->first->path, subject, sizeof(subject));
    return arc__fail_at(err, ARC_EINVAL, diags->first->mark.line, diags->first->mark.column,
                        subject, "%.*s", ARC_ARG(diags->first->message));
}

static void cmd_drop(struct arc_cmd **cmd)
{
    arc__cmd_free(*cmd);
}

/* What the definition's contexts `trigger` and `git` give. */
static void take_texts(struct arc_cmd *cmd, const arc_run_options *options)
{
    const struct {
        arc_slice *to;
        const char *from;
    } texts[] = {
        {&cmd->u.trigger.triggered_by, options->triggered_by},
        {&cmd->u.trigger.branch, options->branch},
        {&cmd->u.trigger.ref, options->ref},
        {&cmd->u.trigger.tag, options->tag},
        {&cmd->u.trigger.sha, options->sha},
        {&cmd->u.trigger.event, options->event},
        {&cmd->u.trigger.payload, options->payload},
        {&cmd->u.trigger.git_commit, options->git_commit},
        {&cmd->u.trigger.git_branch, options->git_branch},
        {&cmd->u.trigger.git_repo, options->git_repo},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(texts); i++)
        *texts[i].to = arc__arena_copy(&cmd->arena, arc__slice_cstr(texts[i].from));
}

arc_status arc_run_start(arc_ctl *ctl, arc_spec *spec, const arc_run_options *given, char *run_id,
                         arc_err *err)
{
    arc_run_options options;
    ARC_REQUIRE(spec != NULL && run_id != NULL, err, "spec");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    if (options.priority < -ARC_PRIORITY_MAX || options.priority > ARC_PRIORITY_MAX)
        return arc__fail(err, ARC_EINVAL, "priority", "A priority is a number from %d to %d.",
                         -ARC_PRIORITY_MAX, ARC_PRIORITY_MAX);
    ARC_CLEANUP(cmd_drop)
    struct arc_cmd *cmd = arc__cmd_new(ctl->engine, ARC_CMD_RUN_TRIGGER);
    if (cmd == NULL)
        return arc__fail_nomem(err);
    cmd->principal.kind = ARC_PRINCIPAL_HOST;
    ARC_TRY(copy_variables(&options, &cmd->arena, &cmd->u.trigger.variables, err));
    take_texts(cmd, &options);
    cmd->u.trigger.definition.text = arc__arena_copy(&cmd->arena, spec->text);
    cmd->u.trigger.definition.canonical = arc__arena_copy(&cmd->arena, spec->canonical);
    cmd->u.trigger.definition.format = spec->format;
    cmd->u.trigger.priority = options.priority;
    struct arc_spec_limits *limits = ARC_ARENA_NEW(&cmd->arena, struct arc_spec_limits);
    if (limits != NULL)
        *limits = spec->limits; /* the spec may be gone before the command's turn */
    cmd->u.trigger.definition.limits = limits;
    cmd->u.trigger.include_count = spec->include_count;
    cmd->u.trigger.includes = arc__includes_copy(&cmd->arena, spec->includes, spec->include_count);
    if (cmd->arena.failed)
        return arc__fail_nomem(err);
    ARC_TRY(arc__engine_new_id(ctl->engine, &cmd->u.trigger.run_id, err));
    ARC_TRY(arc__engine_new_id(ctl->engine, &cmd->u.trigger.pipe_for, err));
    ARC_TRY(make_plan(cmd, err));
    arc_id id = cmd->u.trigger.run_id;
    struct arc_cmd *given_away = cmd;
    cmd = NULL;
    ARC_TRY(arc__engine_submit(ctl->engine, given_away, NULL, NULL, err));
    memcpy(run_id, id.text, sizeof(id.text));
    return ARC_OK;
}

/* A command about a run that was not here to be looked at. */
struct distant {
    const arc_env *env;
    arc_slice run_id;
    const char *what;
};

static void distant_done(void *user, const struct arc_answer *answer)
{
    const struct distant *distant = user;
    if (answer->status != ARC_OK)
        arc__env_log(distant->env, ARC_LOG_WARN, "run", "%s of run %.*s was refused: %s",
                     distant->what, ARC_ARG(distant->run_id), answer->err->message);
}

/* Who asked has been told already that all is well: what is refused after all is said in the log.
 */
static arc_status submit_distant(arc_ctl *ctl, struct arc_cmd *cmd, const char *what, arc_err *err)
{
    struct distant *distant = ARC_ARENA_NEW(&cmd->arena, struct distant);
    if (distant == NULL) {
        arc__cmd_free(cmd);
        return arc__fail_nomem(err);
    }
    *distant = (struct distant){&ctl->env, cmd->run_id, what};
    return arc__engine_submit(ctl->engine, cmd, distant_done, distant, err);
}

static arc_status no_open_run(arc_err *err)
{
    return arc__fail(err, ARC_ENOTFOUND, "run", "No open run has this id.");
}

arc_status arc_run_stop(arc_ctl *ctl, const char *run_id, const char *reason, int force,
                        arc_err *err)
{
    ARC_REQUIRE(run_id != NULL, err, "run_id");
    const struct arc_run *run = NULL;
    arc_status found = arc__engine_find_run(ctl->engine, arc__slice_cstr(run_id), &run);
    if (found == ARC_ENOTFOUND)
        return no_open_run(err);
    if (found == ARC_OK && arc__run_over(run))
        return arc__fail(err, ARC_ECONFLICT, "run", "The run is %s already.",
                         arc_run_state_name(run->status));
    struct arc_cmd *cmd = arc__cmd_new(ctl->engine, ARC_CMD_RUN_STOP);
    if (cmd == NULL)
        return arc__fail_nomem(err);
    cmd->principal.kind = ARC_PRINCIPAL_HOST;
    cmd->run_id = arc__arena_copy(&cmd->arena, arc__slice_cstr(run_id));
    cmd->reason = arc__arena_copy(&cmd->arena, arc__slice_cstr(reason));
    cmd->u.stop.force = force;
    if (found == ARC_EAGAIN)
        return submit_distant(ctl, cmd, "The stop", err);
    return arc__engine_submit(ctl->engine, cmd, NULL, NULL, err);
}

int arc_run_get_status(arc_ctl *ctl, const char *run_id)
{
    return arc__engine_run_status(ctl->engine, arc__slice_cstr(run_id));
}

static struct arc_cmd *gate_cmd(arc_ctl *ctl, const char *run_id, const char *gate,
                                const arc_gate_options *options)
{
    struct arc_cmd *cmd = arc__cmd_new(ctl->engine, ARC_CMD_RUN_GATE);
    if (cmd == NULL)
        return NULL;
    cmd->principal.kind = ARC_PRINCIPAL_HOST;
    cmd->run_id = arc__arena_copy(&cmd->arena, arc__slice_cstr(run_id));
    cmd->actor = arc__arena_copy(&cmd->arena, arc__slice_cstr(options->actor));
    cmd->u.gate.name = arc__arena_copy(&cmd->arena, arc__slice_cstr(gate));
    cmd->u.gate.comment = arc__arena_copy(&cmd->arena, arc__slice_cstr(options->comment));
    cmd->u.gate.channel = arc__arena_copy(&cmd->arena, arc__slice_cstr(options->channel));
    cmd->u.gate.approve = options->reject == 0;
    cmd->u.gate.override = options->override != 0;
    cmd->u.gate.plugin = options->plugin != 0;
    if (!cmd->arena.failed)
        return cmd;
    arc__cmd_free(cmd);
    return NULL;
}

/* *again: it was said before. */
static arc_status check_gate(const struct arc_run *run, const char *gate,
                             const arc_gate_options *options, int *again, arc_err *err)
{
    const struct arc_say said = {.gate = arc__gate_find(run->plan, arc__slice_cstr(gate)),
                                 .approve = options->reject == 0,
                                 .override = options->override != 0,
                                 .plugin = options->plugin != 0,
                                 .actor = arc__slice_cstr(options->actor)};
    return arc__gate_check(run, &said, again, err);
}

arc_status arc_run_decide_gate(arc_ctl *ctl, const char *run_id, const char *gate,
                               const arc_gate_options *given, arc_err *err)
{
    arc_gate_options options;
    const struct arc_run *run = NULL;
    int again = 0;
    ARC_REQUIRE(run_id != NULL, err, "run_id");
    ARC_REQUIRE(gate != NULL, err, "gate");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    arc_status found = arc__engine_find_run(ctl->engine, arc__slice_cstr(run_id), &run);
    if (found == ARC_ENOTFOUND)
        return no_open_run(err);
    if (found == ARC_OK)
        ARC_TRY(check_gate(run, gate, &options, &again, err));
    if (again)
        return ARC_OK;
    struct arc_cmd *cmd = gate_cmd(ctl, run_id, gate, &options);
    if (cmd == NULL)
        return arc__fail_nomem(err);
    if (found == ARC_EAGAIN)
        return submit_distant(ctl, cmd, "The decision at a gate", err);
    return arc__engine_submit(ctl->engine, cmd, NULL, NULL, err);
}

arc_status arc_gate_next(arc_ctl *ctl, arc_gate_view *out, arc_err *err)
{
    const struct arc_run *run = NULL;
    uint32_t gate = 0;
    ARC_REQUIRE(out != NULL, err, "out");
    if (!arc__engine_next_ask(ctl->engine, &run, &gate))
        return arc__fail(err, ARC_EAGAIN, "gate", "No plugin is to be asked now.");
    const struct arc_plan_gate *def = &run->plan->gates[gate - 1];
    struct arc_gate_state *state = &run->gates[gate - 1];
    struct arc_arena *arena = &ctl->asked;
    arc__arena_reset(arena);
    arc_slice params = def->params.len > 0 ? def->params : ARC_LIT("{}");
    const arc_gate_view view = {
        .size = out->size,
        .run_id = arc__arena_strdup(arena, arc__id_slice(&run->id)),
        .pipeline_id = arc__arena_strdup(arena, run->pipeline_id),
        .gate = arc__arena_strdup(arena, arc__gate_name(run->plan, gate, arena)),
        .plugin = arc__arena_strdup(arena, def->plugin),
        .params = arc__arena_strdup(arena, params),
        .requested_ns = state->requested_ns,
        .expires_ns = state->expires_ns,
    };
    if (arena->failed) {
        state->told = 0; /* it is asked about again */
        return arc__fail_nomem(err);
    }
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

arc_status arc_notice_next(arc_ctl *ctl, arc_notice_view *out, arc_err *err)
{
    const struct arc_row_outbox *row = NULL;
    struct arc_arena *arena = &ctl->asked;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__engine_next_notice(ctl->engine, &row, err));
    arc__arena_reset(arena);
    const arc_notice_view view = {
        .size = out->size,
        .id = arc__arena_strdup(arena, row->id),
        .run_id = arc__arena_strdup(arena, row->run_id),
        .pipeline_id = arc__arena_strdup(arena, row->pipeline_id),
        .about = arc__arena_strdup(arena, row->about),
        .result = arc__arena_strdup(arena, row->result),
        .plugin = arc__arena_strdup(arena, row->plugin),
        .action = arc__arena_strdup(arena, row->action),
        .params = arc__arena_strdup(arena, row->params),
        .fault = arc__arena_strdup(arena, row->fault),
        .created_ns = row->created_at_ns,
    };
    if (arena->failed) {
        arc__engine_untell_notice(ctl->engine); /* it comes again */
        return arc__fail_nomem(err);
    }
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

arc_status arc_notice_done(arc_ctl *ctl, const char *id, arc_err *err)
{
    ARC_REQUIRE(id != NULL, err, "id");
    struct arc_cmd *cmd = arc__cmd_new(ctl->engine, ARC_CMD_NOTICE_DONE);
    if (cmd == NULL)
        return arc__fail_nomem(err);
    cmd->principal.kind = ARC_PRINCIPAL_HOST;
    cmd->u.notice.id = arc__arena_copy(&cmd->arena, arc__slice_cstr(id));
    if (cmd->arena.failed) {
        arc__cmd_free(cmd);
        return arc__fail_nomem(err);
    }
    return arc__engine_submit(ctl->engine, cmd, NULL, NULL, err);
}
