/* SPDX-License-Identifier: Apache-2.0 */
/* AgentService but for its channel: joining, presence, reports, leaving. */
#include "command/agent.h"

#include "base/text.h"
#include "base/time.h"
#include "command/handlers.h"

#define TEXT_BYTES_MAX 1024
#define ERROR_BYTES_MAX 16384
#define SLOTS_MAX 4096

struct agent_state {
    const void *request;
};

/* --- shared -------------------------------------------------------------------------------------
 */

arc_status arc__agent_who(const struct arc_op *op, const char *named, arc_slice *out, arc_err *err)
{
    if (op->principal.kind == ARC_PRINCIPAL_HOST) {
        if (named[0] == '\0')
            return arc__fail(err, ARC_EINVAL, "agentId", "The agent's id is missing.");
        *out = arc__slice_cstr(named);
        return ARC_OK;
    }
    if (named[0] != '\0' && strcmp(named, op->principal.id) != 0)
        return arc__fail(err, ARC_EDENIED, "agentId", "This token is of another agent.");
    *out = arc__slice_cstr(op->principal.id);
    return ARC_OK;
}

int64_t arc__agent_heartbeat_ns(const struct arc_op *op)
{
    /* Rarer than a third of the lease would let leases lapse between two of them. */
    int64_t most_ns = arc__engine_rules(op->engine)->lease_ttl_ns / 3;
    int64_t wanted_ns = arc__engine_heartbeat_ns(op->engine);
    return wanted_ns < most_ns ? wanted_ns : most_ns;
}

arc_status arc__agent_leases(Agent__V1__Lease **leases, size_t count, struct arc_arena *arena,
                             struct arc_lease **out, arc_err *err)
{
    struct arc_lease *list = arc__arena_array(arena, count + 1, sizeof(*list));
    if (list == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < count; i++)
        list[i] = (struct arc_lease){arc__slice_cstr(leases[i]->step_run_id), leases[i]->attempt,
                                     leases[i]->fence};
    *out = list;
    return ARC_OK;
}

static void leases_show(void *renewal, const char *field, const struct arc_lease *leases,
                        size_t count, struct arc_arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        Agent__V1__Lease *out = arc__pb_add(renewal, field, arena);
        if (out == NULL)
            return;
        out->step_run_id = arc__pb_string(arena, leases[i].step_run_id);
        out->attempt = leases[i].attempt;
        out->fence = leases[i].fence;
    }
}

Agent__V1__LeaseRenewal *arc__agent_renewal(const struct arc_renewal *renewal,
                                            struct arc_arena *arena)
{
    Agent__V1__LeaseRenewal *out =
        ARC_PB_NEW(arena, Agent__V1__LeaseRenewal, agent__v1__lease_renewal__descriptor);
    if (out == NULL)
        return NULL;
    out->server_time = arc__show_seconds(renewal->server_time_ns);
    out->ttl_ms = renewal->ttl_ns / ARC_NS_PER_MS;
    leases_show(out, "renewed", renewal->renewed, renewal->renewed_count, arena);
    leases_show(out, "lost", renewal->lost, renewal->lost_count, arena);
    return out;
}

void arc__agent_cancel(Agent__V1__TaskCancel *out, const struct arc_cancel_order *order,
                       struct arc_arena *arena)
{
    out->step_run_id = arc__pb_string(arena, order->step_run_id);
    out->reason = arc__pb_string(arena, order->reason);
    out->attempt = order->attempt;
    out->fence = order->fence;
    out->grace_ms = order->grace_ns / ARC_NS_PER_MS;
    out->force = order->force != 0;
}

/* --- Heartbeat ----------------------------------------------------------------------------------
 */

static arc_status heartbeat_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Agent__V1__HeartbeatRequest *request = message;
    struct arc_heartbeat beat = {.running_count = request->running_step_runs_count,
                                 .incarnation = arc__slice_cstr(request->incarnation),
                                 .lease_count = request->n_leases};
    struct arc_renewal renewal = {0};
    struct arc_lease *leases = NULL;
    ARC_TRY(arc__agent_who(op, request->agent_id, &beat.agent_id, err));
    ARC_TRY(arc__agent_leases(request->leases, request->n_leases, &op->arena, &leases, err));
    beat.leases = leases;
    /* An old agent knows neither; one that names its start also lists what it holds. */
    beat.has_leases = request->incarnation[0] != '\0' || request->n_leases > 0;
    ARC_TRY(arc__engine_heartbeat(op->engine, &beat, &op->arena, &renewal, err));
    Agent__V1__HeartbeatResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        reply->timestamp = arc__show_seconds(renewal.server_time_ns);
        reply->renewal = arc__agent_renewal(&renewal, &op->arena);
        for (size_t i = 0; i < renewal.cancel_count; i++) {
            Agent__V1__TaskCancel *cancel = arc__pb_add(reply, "cancels", &op->arena);
            if (cancel != NULL)
                arc__agent_cancel(cancel, &renewal.cancels[i], &op->arena);
        }
        reply->next_heartbeat_ms = arc__agent_heartbeat_ns(op) / ARC_NS_PER_MS;
        reply->drain = renewal.drain != 0;
    }
    arc__op_reply(op);
    return ARC_OK;
}

const struct arc_handler arc__agent_heartbeat = {.begin = heartbeat_begin};

/* --- Register -----------------------------------------------------------------------------------
 */

static void register_done(struct arc_op *op, const struct arc_answer *answer)
{
    const struct agent_state *state = op->state;
    const Agent__V1__RegisterRequest *request = state->request;
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    Agent__V1__RegisterResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        struct arc_agent_view view;
        reply->agent_id = arc__pb_string(&op->arena, answer->id);
        reply->auth_token = arc__pb_string(&op->arena, answer->secret);
        reply->heartbeat_interval = arc__show_seconds(arc__agent_heartbeat_ns(op));
        if (reply->heartbeat_interval == 0)
            reply->heartbeat_interval = 1;
        reply->lease_ttl_ms = arc__engine_rules(op->engine)->lease_ttl_ns / ARC_NS_PER_MS;
        reply->protocol_level =
            request->protocol_level < ARC_AGENT_LEVEL ? request->protocol_level : ARC_AGENT_LEVEL;
        if (arc__engine_agent(op->engine, answer->id, &view, NULL) == ARC_OK) {
            arc__show_map(reply, "labels", view.row->labels, &op->arena);
            reply->pending_approval = view.row->approved == 0;
            reply->protocol_level = arc__show_i32(view.row->protocol_level);
        }
    }
    arc__op_reply(op);
}

static arc_status register_check(const Agent__V1__RegisterRequest *request, arc_err *err)
{
    const char *texts[] = {request->agent_name, request->os, request->arch,
                           request->version,    request->ip, request->incarnation};
    for (size_t i = 0; i < ARC_COUNT_OF(texts); i++) {
        if (strlen(texts[i]) > TEXT_BYTES_MAX)
            return arc__fail(err, ARC_EINVAL, "request", "A text is longer than %d bytes.",
                             TEXT_BYTES_MAX);
    }
    if (request->registration_token[0] == '\0' && request->token[0] == '\0')
        return arc__fail(err, ARC_EUNAUTHENTICATED, "registrationToken",
                         "An agent joins with a registration token or its own token.");
    if (request->max_concurrent_step_runs < 0 || request->max_concurrent_step_runs > SLOTS_MAX)
        return arc__fail(err, ARC_EINVAL, "maxConcurrentStepRuns",
                         "An agent has between 1 and %d slots.", SLOTS_MAX);
    if (request->protocol_level < 0)
        return arc__fail(err, ARC_EINVAL, "protocolLevel", "The protocol level is negative.");
    return ARC_OK;
}

static arc_status register_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Agent__V1__RegisterRequest *request = message;
    struct agent_state *state = op->state;
    state->request = request;
    ARC_TRY(register_check(request, err));
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_AGENT_REGISTER);
    if (cmd == NULL)
        return arc__fail_nomem(err);
#define COPY(to, from) \
    cmd->u.agent.to = arc__arena_copy(&cmd->arena, arc__slice_cstr(request->from))
    COPY(registration_token, registration_token);
    COPY(agent_id, agent_id);
    COPY(auth_token, token);
    COPY(name, agent_name);
    COPY(os, os);
    COPY(arch, arch);
    COPY(version, version);
    COPY(ip, ip);
    COPY(incarnation, incarnation);
#undef COPY
    if (cmd->u.agent.ip.len == 0)
        cmd->u.agent.ip = arc__arena_copy(&cmd->arena, op->peer);
    cmd->u.agent.labels = arc__bind_map(request, "labels", &cmd->arena, &op->mem);
    cmd->u.agent.max_concurrent =
        request->max_concurrent_step_runs > 0 ? request->max_concurrent_step_runs : 1;
    cmd->u.agent.protocol_level =
        request->protocol_level < ARC_AGENT_LEVEL ? request->protocol_level : ARC_AGENT_LEVEL;
    return arc__op_submit(op, cmd, register_done, err);
}

const struct arc_handler arc__agent_register = {.state_size = sizeof(struct agent_state),
                                                .begin = register_begin};

/* --- Unregister ---------------------------------------------------------------------------------
 */

static void plain_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    (void)arc__op_reply_new(op); /* reply checks it */
    arc__op_reply(op);
}

static arc_status unregister_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Agent__V1__UnregisterRequest *request = message;
    arc_slice who = ARC_NONE;
    ARC_TRY(arc__agent_who(op, request->agent_id, &who, err));
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_AGENT_UNREGISTER);
    if (cmd != NULL) {
        (void)arc__slice_to_cstr(who, cmd->principal.id, sizeof(cmd->principal.id));
        cmd->u.agent.agent_id = arc__arena_copy(&cmd->arena, who);
        cmd->reason = arc__arena_copy(&cmd->arena, arc__slice_cstr(request->reason));
    }
    return arc__op_submit(op, cmd, plain_done, err);
}

const struct arc_handler arc__agent_unregister = {.begin = unregister_begin};

/* --- ReportStepRunStatus ------------------------------------------------------------------------
 */

/* The same field of two messages. */
static arc_status take_artifacts(struct arc_cmd *cmd, const void *message, arc_err *err)
{
    const ProtobufCMessage *base = message;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(base->descriptor, "artifacts");
    if (field == NULL)
        return ARC_OK;
    const char *at = message;
    size_t count = *(const size_t *)(const void *)(at + field->quantifier_offset);
    Agent__V1__ArtifactRecord *const *from =
        *(Agent__V1__ArtifactRecord *const *const *)(const void *)(at + field->offset);
    struct arc_artifact *items = arc__arena_array(&cmd->arena, count + 1, sizeof(*items));
    if (items == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct arc_artifact){
            .name = arc__arena_copy(&cmd->arena, arc__slice_cstr(from[i]->name)),
            .path = arc__arena_copy(&cmd->arena, arc__slice_cstr(from[i]->path)),
            .digest = arc__arena_copy(&cmd->arena, arc__slice_cstr(from[i]->digest)),
            .size = from[i]->size};
    cmd->u.report.artifacts = items;
    cmd->u.report.artifact_count = (uint32_t)(count < UINT32_MAX ? count : UINT32_MAX);
    return cmd->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}

arc_status arc__agent_report_submit(struct arc_op *op, arc_slice agent_id,
                                    const struct arc_agent_report *report, arc_op_answer answer,
                                    arc_err *err)
{
    struct arc_agent_reported tag = {.attempt = report->attempt, .fence = report->fence};
    if (report->step_run_id[0] == '\0' || strlen(report->step_run_id) >= sizeof(tag.step_run_id))
        return arc__fail(err, ARC_EINVAL, "stepRunId", "The step run's id is missing or too long.");
    (void)arc__slice_to_cstr(arc__slice_cstr(report->step_run_id), tag.step_run_id,
                             sizeof(tag.step_run_id));
    if (report->status < ARC_STEP_RUNNING || report->status >= ARC_STEP_SKIPPED)
        return arc__fail(err, ARC_EINVAL, "status",
                         "An agent reports running, success, failed, cancelled or timeout.");
    if (report->attempt < 0 || report->log_lines < 0)
        return arc__fail(err, ARC_EINVAL, "request", "attempt and logLines are not negative.");
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_STEP_REPORT);
    if (cmd == NULL)
        return arc__fail_nomem(err);
    struct arc_arena *arena = &cmd->arena;
    arc_slice text = arc__slice_cstr(report->error_message);
    text.len = arc__utf8_prefix(text, ERROR_BYTES_MAX);
    cmd->u.report.agent_id = arc__arena_copy(arena, agent_id);
    cmd->u.report.step_run_id = arc__arena_copy(arena, arc__slice_cstr(report->step_run_id));
    cmd->u.report.error_message = arc__arena_copy(arena, text);
    cmd->u.report.metrics = arc__bind_map(report->message, "metrics", arena, &op->mem);
    cmd->u.report.outputs = arc__bind_map(report->message, "outputs", arena, &op->mem);
    cmd->u.report.status = report->status;
    cmd->u.report.attempt = report->attempt;
    cmd->u.report.fence = report->fence;
    cmd->u.report.exit_code = report->exit_code;
    cmd->u.report.log_lines = report->log_lines;
    arc_status status = take_artifacts(cmd, report->message, err);
    if (status != ARC_OK) {
        arc__cmd_free(cmd);
        return status;
    }
    return arc__op_submit_tagged(op, cmd, answer, &tag, sizeof(tag), err);
}

static arc_status report_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Agent__V1__ReportStepRunStatusRequest *request = message;
    const struct arc_agent_report report = {.step_run_id = request->step_run_id,
                                            .error_message = request->error_message,
                                            .status = (int32_t)request->status,
                                            .attempt = request->attempt,
                                            .exit_code = request->exit_code,
                                            .fence = request->fence,
                                            .log_lines = request->log_lines,
                                            .message = request};
    arc_slice who = ARC_NONE;
    ARC_TRY(arc__agent_who(op, request->agent_id, &who, err));
    return arc__agent_report_submit(op, who, &report, plain_done, err);
}

const struct arc_handler arc__agent_report = {.begin = report_begin};
