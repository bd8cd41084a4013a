/* SPDX-License-Identifier: Apache-2.0 */
/* ControlService: job runs, tokens, agents, and checking a definition that belongs to no pipeline.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "command/handlers.h"
#include "command/pipeline.h"

#define JOBS_MAX 4096u
#define AGENTS_MAX 100000u
#define NAME_BYTES_MAX 63u
#define EXPIRY_S_MAX (INT64_C(10) * 366 * 24 * 3600)

static void refuse(struct arc_op *op, arc_status status, const arc_err *err)
{
    if (status != ARC_OK)
        arc__op_refuse(op, status, err, ARC_NONE);
}

/* --- ListJobRuns --------------------------------------------------------------------------------
 */

/* Why a job waits changes with the others, so the run itself is asked while it is here. */
static void show_why(struct arc_op *op, const struct arc_row_job_run *row,
                     Control__V1__JobRunDetail *item)
{
    if (row->job_index < 0 || row->job_index > UINT32_MAX)
        return;
    arc_slice why =
        arc__engine_job_why(op->engine, row->run_id, (uint32_t)row->job_index, &op->arena);
    if (why.len > 0)
        item->reason = arc__pb_string(&op->arena, why);
}

static void jobs_found(struct arc_op *op, const struct arc_rows *rows)
{
    Control__V1__ListJobRunsResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        const struct arc_row_job_run *row = rows->rows;
        for (size_t i = 0; i < rows->count; i++) {
            Control__V1__JobRunDetail *item = arc__pb_add(reply, "job_runs", &op->arena);
            if (item == NULL)
                break;
            arc__show_job(item, &row[i], arc__op_now(op), &op->arena);
            show_why(op, &row[i], item);
        }
        reply->total = arc__show_i32((int64_t)rows->count);
    }
    arc__op_reply(op);
}

static void jobs_run(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_pipeline_run *run = arc__run_row(op, rows, "");
    arc_err err = ARC_ERR_INIT;
    if (run == NULL)
        return;
    struct arc_query query = {.table = ARC_TABLE_job_run,
                              .order_col = ARC_COL_job_run_job_index,
                              .limit = JOBS_MAX,
                              .filter_count = 1};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_job_run_run_id, .text = run->id};
    refuse(op, arc__op_query(op, &query, &op->arena, jobs_found, &err), &err);
}

static arc_status jobs_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__ListJobRunsRequest *request = message;
    return arc__op_find(op, ARC_TABLE_pipeline_run, request->pipeline_run_id, "run", jobs_run, err);
}

const struct arc_handler arc__control_jobs = {.begin = jobs_begin};

/* --- tokens -------------------------------------------------------------------------------------
 */

struct token_state {
    int64_t expires_at_ns;
};

static arc_status expiry(struct arc_op *op, int64_t in_s, int64_t *at_ns, arc_err *err)
{
    if (in_s < 0 || in_s > EXPIRY_S_MAX)
        return arc__fail(err, ARC_EINVAL, "expiresInS",
                         "expiresInS must be between 0 and %lld seconds.", (long long)EXPIRY_S_MAX);
    *at_ns = in_s == 0 ? 0 : arc__op_now(op).wall_ns + in_s * ARC_NS_PER_S;
    return ARC_OK;
}

static arc_status name_check(const char *name, const char *field, arc_err *err)
{
    if (strlen(name) > NAME_BYTES_MAX)
        return arc__fail(err, ARC_EINVAL, field, "%s is longer than %u bytes.", field,
                         NAME_BYTES_MAX);
    return ARC_OK;
}

static void registration_done(struct arc_op *op, const struct arc_answer *answer)
{
    const struct token_state *state = op->state;
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    Control__V1__CreateRegistrationTokenResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        reply->token = arc__pb_string(&op->arena, answer->secret);
        reply->token_id = arc__pb_string(&op->arena, answer->id);
        reply->expires_at = arc__show_seconds(state->expires_at_ns);
    }
    arc__op_reply(op);
}

static arc_status registration_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__CreateRegistrationTokenRequest *request = message;
    struct token_state *state = op->state;
    if (request->max_uses < 0)
        return arc__fail(err, ARC_EINVAL, "maxUses", "maxUses is not negative.");
    ARC_TRY(name_check(request->description, "description", err));
    ARC_TRY(expiry(op, request->expires_in_s, &state->expires_at_ns, err));
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_TOKEN_CREATE);
    if (cmd != NULL) {
        cmd->u.token.kind = 1;
        cmd->u.token.name = arc__arena_copy(&cmd->arena, arc__slice_cstr(request->description));
        cmd->u.token.max_uses = request->max_uses;
        cmd->u.token.expires_at_ns = state->expires_at_ns;
    }
    return arc__op_submit(op, cmd, registration_done, err);
}

const struct arc_handler arc__control_registration_token = {
    .state_size = sizeof(struct token_state), .begin = registration_begin};

static void api_token_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    Control__V1__CreateApiTokenResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        reply->token = arc__pb_string(&op->arena, answer->secret);
        reply->token_id = arc__pb_string(&op->arena, answer->id);
    }
    arc__op_reply(op);
}

static arc_status scopes_bind(char **words, size_t count, uint32_t *scopes, arc_err *err)
{
    static const struct {
        const char *word;
        uint32_t scope;
    } known[] = {{"read", ARC_SCOPE_READ},
                 {"run", ARC_SCOPE_RUN},
                 {"write", ARC_SCOPE_WRITE},
                 {"admin", ARC_SCOPE_ADMIN}};
    *scopes = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t scope = 0;
        for (size_t k = 0; k < ARC_COUNT_OF(known); k++)
            scope |= strcmp(words[i], known[k].word) == 0 ? known[k].scope : 0;
        if (scope == 0)
            return arc__fail(err, ARC_EINVAL, "scopes", "The scopes are read, run, write, admin.");
        *scopes |= scope;
    }
    if (*scopes == 0)
        return arc__fail(err, ARC_EINVAL, "scopes", "A token needs at least one scope.");
    return ARC_OK;
}

static arc_status api_token_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__CreateApiTokenRequest *request = message;
    struct token_state *state = op->state;
    uint32_t scopes = 0;
    if (request->agent)
        return arc__fail(err, ARC_EUNIMPLEMENTED, "agent",
                         "Agents get their token by joining with a registration token.");
    if (request->name[0] == '\0')
        return arc__fail(err, ARC_EINVAL, "name", "A token needs a name.");
    ARC_TRY(name_check(request->name, "name", err));
    ARC_TRY(scopes_bind(request->scopes, request->n_scopes, &scopes, err));
    ARC_TRY(expiry(op, request->expires_in_s, &state->expires_at_ns, err));
    if (strlen(request->project_id) >= sizeof(op->principal.project_id))
        return arc__fail(err, ARC_EINVAL, "projectId", "The project's id is too long.");
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_TOKEN_CREATE);
    if (cmd != NULL) {
        cmd->u.token.kind = 2;
        cmd->u.token.scopes = scopes;
        cmd->u.token.name = arc__arena_copy(&cmd->arena, arc__slice_cstr(request->name));
        cmd->u.token.project_id =
            arc__arena_copy(&cmd->arena, arc__slice_cstr(request->project_id));
        cmd->u.token.expires_at_ns = state->expires_at_ns;
    }
    return arc__op_submit(op, cmd, api_token_done, err);
}

const struct arc_handler arc__control_api_token = {.state_size = sizeof(struct token_state),
                                                   .begin = api_token_begin};

/* --- ValidateDefinition -------------------------------------------------------------------------
 */

struct validate_state {
    struct arc_definition definition;
};

static arc_status validate_read(struct arc_op *op,
                                const Control__V1__ValidateDefinitionRequest *request,
                                arc_slice *plan, arc_err *err)
{
    struct validate_state *state = op->state;
    struct arc_definition *definition = &state->definition;
    arc_slice text = arc__slice_cstr(request->text);
    arc_err why = ARC_ERR_INIT;
    if (text.len == 0)
        return arc__fail(err, ARC_EINVAL, "text", "The definition is missing: send text.");
    arc_status status =
        arc__spec_read(text, (enum arc_format)request->format, arc__slice_cstr(request->file), NULL,
                       &op->arena, &definition->diags, &definition->spec, &why);
    if (status == ARC_EINVAL)
        return arc__definition_fail(&definition->diags, err);
    if (status == ARC_OK && request->plan)
        return arc__definition_plan(op, definition, plan, err);
    return status == ARC_OK ? ARC_OK : arc__definition_forward(status, &why, err);
}

static arc_status validate_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__ValidateDefinitionRequest *request = message;
    struct validate_state *state = op->state;
    struct arc_definition *definition = &state->definition;
    arc_slice plan = ARC_NONE;
    if (request->format > PIPELINE__V1__SPEC_FORMAT__SPEC_FORMAT_YAML)
        return arc__fail(err, ARC_EINVAL, "format", "The format is json or yaml.");
    arc_status status = validate_read(op, request, &plan, err);
    if (status == ARC_OK && op->http)
        status = arc__validate_show(op, definition, plan, err);
    Control__V1__ValidateDefinitionResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        arc__show_diags(reply, "diagnostics", &definition->diags, &op->arena);
        for (const struct arc_diag *diag = definition->diags.first; diag != NULL;
             diag = diag->next) {
            if (diag->severity == ARC_SEVERITY_WARNING)
                (void)arc__pb_add_text(reply, "warnings", diag->message,
                                       &op->arena); /* the arena remembers */
        }
        if (definition->spec != NULL)
            reply->jobs_count = (int32_t)arc__spec_job_count(definition->spec);
        if (plan.len > 0)
            reply->plan_json = arc__pb_string(&op->arena, plan);
    }
    if (status != ARC_OK)
        arc__op_refuse(op, status, err, arc__definition_details(op, &definition->diags));
    else
        arc__op_reply(op);
    return ARC_OK;
}

const struct arc_handler arc__control_validate = {.state_size = sizeof(struct validate_state),
                                                  .begin = validate_begin};

/* --- ListAgents ---------------------------------------------------------------------------------
 */

static int agent_order(const void *a, const void *b)
{
    return arc__slice_compare(((const struct arc_agent_view *)a)->row->id,
                              ((const struct arc_agent_view *)b)->row->id);
}

static void agent_show(struct arc_op *op, const struct arc_agent_view *view,
                       Control__V1__AgentDetail *out)
{
    const struct arc_row_agent *row = view->row;
    struct arc_arena *arena = &op->arena;
    struct arc_now now = arc__op_now(op);
    out->agent_id = arc__pb_string(arena, row->id);
    out->name = arc__pb_string(arena, row->name);
    out->status = (Agent__V1__AgentStatus)view->status;
    arc__show_map(out, "labels", row->labels, arena);
    out->os = arc__pb_string(arena, row->os);
    out->arch = arc__pb_string(arena, row->arch);
    out->version = arc__pb_string(arena, row->agent_version);
    out->max_concurrent_step_runs = arc__show_i32(row->max_concurrent);
    out->running_step_runs_count = arc__show_i32((int64_t)view->running);
    /* The row is written rarely; what was heard since is on the other clock. */
    int64_t last_ns = row->last_seen_ns;
    if (view->last_seen_mono_ns > 0 && view->last_seen_mono_ns <= now.mono_ns) {
        int64_t heard_ns = now.wall_ns - (int64_t)(now.mono_ns - view->last_seen_mono_ns);
        last_ns = heard_ns > last_ns ? heard_ns : last_ns;
    }
    out->last_heartbeat = arc__show_seconds(last_ns);
    out->created_at = arc__show_seconds(row->created_at_ns);
    out->approved = row->approved != 0;
    out->enabled = row->enabled != 0;
}

static arc_status agents_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__ListAgentsRequest *request = message;
    struct arc_query page = {.limit = 0};
    int32_t page_number = request->page, page_size = request->page_size;
    struct arc_agent_view view, *views = NULL;
    size_t at = 0, count = 0, found = 0;
    ARC_TRY(arc__page_bind(&page_number, &page_size, &page, err));
    while (count < AGENTS_MAX && arc__engine_next_agent(op->engine, &at, &view))
        count++;
    views = arc__arena_array(&op->arena, count + 1, sizeof(*views));
    if (views == NULL)
        return arc__fail_nomem(err);
    at = 0;
    while (found < count && arc__engine_next_agent(op->engine, &at, &view)) {
        if (view.row->unregistered_at_ns == 0 &&
            (request->status == 0 || (int32_t)request->status == view.status))
            views[found++] = view;
    }
    qsort(views, found, sizeof(*views), agent_order);
    Control__V1__ListAgentsResponse *reply = arc__op_reply_new(op);
    for (size_t i = page.offset; reply != NULL && i < found && i < page.offset + page.limit; i++) {
        Control__V1__AgentDetail *item = arc__pb_add(reply, "agents", &op->arena);
        if (item != NULL)
            agent_show(op, &views[i], item);
    }
    if (reply != NULL) {
        reply->total = arc__show_i32((int64_t)found);
        reply->page = page_number;
        reply->page_size = page_size;
    }
    arc__op_reply(op);
    return ARC_OK;
}

const struct arc_handler arc__control_agents = {.begin = agents_begin};
