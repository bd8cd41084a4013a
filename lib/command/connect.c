/* SPDX-License-Identifier: Apache-2.0 */
/* AgentService.Connect: the channel to an agent.
 *
 *   up     heartbeat ── engine, at once ──> the newest renewal waits to be sent
 *          task_ack  ── session
 *          task_status ── a report; a stale one puts a cancel into the queue
 *   down   renewal, queued cancels, then what the session offers
 *
 * A command's id says what it is about, so that an acknowledgement needs no memory of what was
 * sent: "d.<fence>.<step run>" is a dispatch, "c.<fence>.<step run>" a cancel. */
#include "base/time.h"
#include "command/agent.h"
#include "command/handlers.h"
#include "spec/fields.h"

#define CANCELS_MAX 64u
#define RENEWAL_BYTES_MAX (4u * 1024u * 1024u)

struct queued_cancel {
    struct arc_link link;
    struct arc_agent_reported about;
    char reason[160];
};

struct connect_state {
    char agent_id[129];
    struct arc_session *session;
    struct arc_arena renewal_arena;
    Agent__V1__LeaseRenewal *renewal; /* NULL: none waits */
    struct arc_link cancels;          /* struct queued_cancel */
    uint32_t cancel_count;
    int ended; /* the agent has closed its side */
    int made;  /* lists and arena are there */
};

static void notified(void *user)
{
    arc__op_wake(user);
}

static arc_status connect_begin(struct arc_op *op, const void *message, arc_err *err)
{
    struct connect_state *state = op->state;
    (void)message;
    arc__list_init(&state->cancels);
    arc__arena_init(&state->renewal_arena, &op->mem, RENEWAL_BYTES_MAX);
    state->made = 1;
    /* The host names its agent in the first message. */
    if (op->principal.kind != ARC_PRINCIPAL_AGENT)
        return ARC_OK;
    (void)arc__slice_to_cstr(arc__slice_cstr(op->principal.id), state->agent_id,
                             sizeof(state->agent_id));
    return arc__session_open(op->engine, arc__slice_cstr(state->agent_id), notified, op,
                             &state->session, err);
}

static void connect_drop(struct arc_op *op)
{
    struct connect_state *state = op->state;
    if (!state->made)
        return;
    arc__session_close(state->session);
    state->session = NULL;
    ARC_LIST_EACH_SAFE(&state->cancels, link)
    {
        arc__list_remove(link);
        arc__free(&op->mem, ARC_CONTAINER(link, struct queued_cancel, link));
    }
    arc__arena_deinit(&state->renewal_arena);
}

/* --- up -----------------------------------------------------------------------------------------
 */

static arc_status take_heartbeat(struct arc_op *op, const Agent__V1__ConnectHeartbeat *said,
                                 arc_err *err)
{
    struct connect_state *state = op->state;
    struct arc_heartbeat beat = {.agent_id = arc__slice_cstr(state->agent_id),
                                 .incarnation = arc__slice_cstr(said->incarnation),
                                 .lease_count = said->n_leases,
                                 .has_leases = said->incarnation[0] != '\0' || said->n_leases > 0,
                                 .running_count = said->running_step_runs_count,
                                 .max_concurrent = said->max_concurrent_step_runs};
    struct arc_renewal renewal = {0};
    struct arc_lease *leases = NULL;
    if (beat.max_concurrent < 0)
        return arc__fail(err, ARC_EINVAL, "heartbeat", "The number of slots is negative.");
    state->renewal = NULL; /* the newer one answers for it as well */
    arc__arena_reset(&state->renewal_arena);
    ARC_TRY(arc__agent_leases(said->leases, said->n_leases, &state->renewal_arena, &leases, err));
    beat.leases = leases;
    ARC_TRY(arc__engine_heartbeat(op->engine, &beat, &state->renewal_arena, &renewal, err));
    if (said->incarnation[0] == '\0')
        return ARC_OK; /* an old agent does not know the answer */
    state->renewal = arc__agent_renewal(&renewal, &state->renewal_arena);
    if (state->renewal == NULL || state->renewal_arena.failed)
        return arc__fail_nomem(err);
    arc__op_wake(op);
    return ARC_OK;
}

static arc_status take_ack(struct arc_op *op, const Agent__V1__TaskAck *ack, arc_err *err)
{
    const struct connect_state *state = op->state;
    arc_slice rest = arc__slice_cstr(ack->command_id);
    arc_slice kind = arc__slice_cut(rest, '.', &rest);
    arc_slice number = arc__slice_cut(rest, '.', &rest);
    uint64_t fence = 0;
    if (arc__slice_is(kind, "c"))
        return ARC_OK; /* what counts is the step's end */
    if (!arc__slice_is(kind, "d") || !arc__slice_to_u64(number, &fence) || rest.len == 0)
        return arc__fail(err, ARC_EINVAL, "commandId", "No command has this id.");
    arc_status status = arc__session_ack(state->session, rest, fence,
                                         ack->status != AGENT__V1__ACK_STATUS__ACK_STATUS_FAILED,
                                         arc__slice_cstr(ack->message), err);
    /* The grant may be over by now: the next heartbeat says so. */
    return status == ARC_ENOMEM ? status : ARC_OK;
}

static void cancel_queue(struct arc_op *op, const struct arc_agent_reported *about,
                         const char *reason)
{
    struct connect_state *state = op->state;
    struct queued_cancel *cancel =
        state->cancel_count < CANCELS_MAX ? arc__alloc(&op->mem, sizeof(*cancel)) : NULL;
    if (cancel == NULL) {
        arc_err err = ARC_ERR_INIT;
        arc_status status =
            arc__fail(&err, ARC_ELIMIT, "call", "Too many answers to this agent wait.");
        arc__op_fail(op, status, &err);
        return;
    }
    cancel->about = *about;
    (void)arc__slice_to_cstr(arc__slice_cstr(reason), cancel->reason, sizeof(cancel->reason));
    arc__list_add_tail(&state->cancels, &cancel->link);
    state->cancel_count++;
    op->busy = op->command_count + state->cancel_count >= CANCELS_MAX;
    arc__op_wake(op);
}

static void reported(struct arc_op *op, const struct arc_answer *answer)
{
    const struct connect_state *state = op->state;
    op->busy = op->command_count + state->cancel_count >= CANCELS_MAX;
    if (answer->status == ARC_EPRECONDITION || answer->status == ARC_ENOTFOUND ||
        answer->status == ARC_ECONFLICT)
        cancel_queue(op, op->tag, answer->err != NULL ? answer->err->message : "");
    else if (answer->status != ARC_OK)
        /* The report is lost; the agent must learn that, so that it sends it again. */
        arc__op_fail(op, answer->status, answer->err);
    else
        arc__op_wake(op);
}

static arc_status take_status(struct arc_op *op, const Agent__V1__TaskStatus *said, arc_err *err)
{
    const struct connect_state *state = op->state;
    const struct arc_agent_report report = {.step_run_id = said->step_run_id,
                                            .error_message = said->error_message,
                                            .status = (int32_t)said->status,
                                            .attempt = said->attempt,
                                            .exit_code = said->exit_code,
                                            .fence = said->fence,
                                            .log_lines = said->log_lines,
                                            .message = said};
    ARC_TRY(arc__agent_report_submit(op, arc__slice_cstr(state->agent_id), &report, reported, err));
    op->busy = op->command_count + state->cancel_count >= CANCELS_MAX;
    return ARC_OK;
}

static arc_status connect_take(struct arc_op *op, const void *message, arc_err *err)
{
    const Agent__V1__ConnectRequest *request = message;
    struct connect_state *state = op->state;
    arc_slice who = ARC_NONE;
    ARC_TRY(arc__agent_who(op, request->agent_id, &who, err));
    if (state->session == NULL) {
        (void)arc__slice_to_cstr(who, state->agent_id, sizeof(state->agent_id));
        ARC_TRY(arc__session_open(op->engine, who, notified, op, &state->session, err));
    }
    switch (request->payload_case) {
    case AGENT__V1__CONNECT_REQUEST__PAYLOAD_HEARTBEAT:
        return take_heartbeat(op, request->heartbeat, err);
    case AGENT__V1__CONNECT_REQUEST__PAYLOAD_TASK_ACK:
        return take_ack(op, request->task_ack, err);
    case AGENT__V1__CONNECT_REQUEST__PAYLOAD_TASK_STATUS:
        return take_status(op, request->task_status, err);
    default:
        return ARC_OK; /* a newer agent may send what we do not know */
    }
}

static arc_status connect_end(struct arc_op *op, arc_err *err)
{
    struct connect_state *state = op->state;
    (void)err;
    state->ended = 1;
    arc__op_wake(op);
    return ARC_OK;
}

/* --- down ---------------------------------------------------------------------------------------
 */

static Google__Protobuf__Struct *args_show(arc_slice args, struct arc_arena *arena)
{
    Google__Protobuf__Struct *out = arc__show_struct(args, arena);
    return out != NULL
               ? out
               : ARC_PB_NEW(arena, Google__Protobuf__Struct, google__protobuf__struct__descriptor);
}

static char *duration_show(int64_t ns, struct arc_arena *arena)
{
    struct arc_buf text;
    if (ns == 0)
        return arc__pb_cstr(arena, "");
    arc__buf_init(&text, &arena->mem, 64);
    arc__duration_add(&text, ns);
    char *out = arc__pb_string(arena, arc__buf_slice(&text));
    arc__buf_deinit(&text);
    return out;
}

/* What is to be collected after the step, as the plan has it. */
static void artifacts_show(Agent__V1__StepRun *out, arc_slice list, struct arc_arena *arena)
{
    const struct arc_node *node = NULL;
    if (list.len == 0 || arc__json_read(list, NULL, arena, &node, NULL) != ARC_OK || node == NULL)
        return;
    for (const struct arc_node *child = node->first; child != NULL; child = child->next) {
        Agent__V1__ArtifactConfig *item = arc__pb_add(out, "artifacts", arena);
        const struct arc_node *expire = arc__node_get(child, "expire");
        const struct arc_node *days = arc__node_get(child, "expireDays");
        if (item == NULL)
            return; /* the arena remembers */
        item->name = arc__pb_string(arena, arc__node_text(arc__node_get(child, "name")));
        item->path = arc__pb_string(arena, arc__node_text(arc__node_get(child, "path")));
        item->destination =
            arc__pb_string(arena, arc__node_text(arc__node_get(child, "destination")));
        item->expire = expire != NULL && expire->number != 0;
        item->expire_days = days != NULL ? days->number : 0;
    }
}

static arc_status step_show(const struct arc_op *op, const struct arc_offer *offer,
                            Agent__V1__StepRun *out, struct arc_arena *arena)
{
    const struct arc_run *run = offer->run;
    const struct arc_plan_job *job = &run->plan->jobs[offer->job];
    const struct arc_plan_step *step = &job->steps[offer->step];
    const struct arc_step_state *state = &run->jobs[offer->job].steps[offer->step];
    struct arc_resolved texts;
    /* The grant was decided with the same texts, so that only memory can be missing. */
    ARC_TRY(arc__step_resolve(run, offer->job, offer->step, NULL, arena, &texts, NULL));
    out->step_run_id = arc__pb_string(arena, arc__id_slice(&state->id));
    out->pipeline_id = arc__pb_string(arena, run->pipeline_id);
    out->pipeline_run_id = arc__pb_string(arena, arc__id_slice(&run->id));
    out->job_id = arc__pb_string(arena, arc__id_slice(&run->jobs[offer->job].id));
    out->job_name = arc__pb_string(arena, job->key);
    out->step_name = arc__pb_string(arena, step->name);
    out->step_index = (int32_t)offer->step;
    out->uses = arc__pb_string(arena, step->uses);
    out->action = arc__pb_string(arena, step->action);
    out->args = args_show(texts.args, arena);
    for (uint32_t i = 0; i < texts.env.count; i++)
        (void)arc__pb_map_put(out, "env", texts.env.items[i].key, texts.env.items[i].value,
                              arena); /* the arena remembers */
    out->workspace = arc__pb_string(arena, offer->workspace);
    out->timeout = duration_show(arc__step_timeout_ns(run, offer->job, offer->step), arena);
    out->image = arc__pb_string(arena, texts.image);
    out->continue_on_error = step->continue_on_error != 0;
    out->run_on_agent = 1;
    out->attempt = state->attempt;
    out->fence = state->fence;
    out->lease_ttl_ms = arc__engine_rules(op->engine)->lease_ttl_ns / ARC_NS_PER_MS;
    out->working_directory = arc__pb_string(arena, texts.working_directory);
    artifacts_show(out, texts.artifacts, arena);
    out->target = arc__pb_string(arena, texts.target);
    out->runtime = arc__pb_string(arena, texts.runtime);
    return ARC_OK;
}

static char *command_id(char kind, uint64_t fence, arc_slice step_run_id, struct arc_arena *arena)
{
    arc_slice text = arc__arena_printf(arena, "%c.%llu.%.*s", kind, (unsigned long long)fence,
                                       ARC_ARG(step_run_id));
    return arc__pb_string(arena, text);
}

static arc_status offer_show(struct arc_op *op, const struct arc_offer *offer,
                             Agent__V1__ConnectResponse *out, struct arc_arena *arena)
{
    if (offer->kind == ARC_OFFER_CANCEL) {
        out->payload_case = AGENT__V1__CONNECT_RESPONSE__PAYLOAD_TASK_CANCEL;
        out->task_cancel =
            ARC_PB_NEW(arena, Agent__V1__TaskCancel, agent__v1__task_cancel__descriptor);
        if (out->task_cancel == NULL)
            return ARC_ENOMEM;
        arc__agent_cancel(out->task_cancel, &offer->cancel, arena);
        out->command_id = command_id('c', offer->cancel.fence, offer->cancel.step_run_id, arena);
        return ARC_OK;
    }
    const struct arc_step_state *state = &offer->run->jobs[offer->job].steps[offer->step];
    out->payload_case = AGENT__V1__CONNECT_RESPONSE__PAYLOAD_TASK_DISPATCH;
    out->task_dispatch =
        ARC_PB_NEW(arena, Agent__V1__TaskDispatch, agent__v1__task_dispatch__descriptor);
    Agent__V1__StepRun *step =
        out->task_dispatch != NULL ? arc__pb_add(out->task_dispatch, "step_runs", arena) : NULL;
    if (step == NULL)
        return ARC_ENOMEM;
    ARC_TRY(step_show(op, offer, step, arena));
    out->command_id = command_id('d', state->fence, arc__id_slice(&state->id), arena);
    return ARC_OK;
}

static arc_status stale_show(struct arc_op *op, Agent__V1__ConnectResponse *out,
                             struct arc_arena *arena)
{
    struct connect_state *state = op->state;
    struct queued_cancel *cancel = ARC_CONTAINER(state->cancels.next, struct queued_cancel, link);
    const struct arc_cancel_order order = {
        .step_run_id = arc__slice_cstr(cancel->about.step_run_id),
        .reason = arc__slice_cstr(cancel->reason),
        .attempt = cancel->about.attempt,
        .fence = cancel->about.fence,
        .grace_ns = arc__engine_rules(op->engine)->stop_grace_ns};
    out->payload_case = AGENT__V1__CONNECT_RESPONSE__PAYLOAD_TASK_CANCEL;
    out->task_cancel = ARC_PB_NEW(arena, Agent__V1__TaskCancel, agent__v1__task_cancel__descriptor);
    if (out->task_cancel == NULL)
        return ARC_ENOMEM;
    arc__agent_cancel(out->task_cancel, &order, arena);
    out->command_id = command_id('c', order.fence, order.step_run_id, arena);
    arc__list_remove(&cancel->link);
    arc__free(&op->mem, cancel);
    state->cancel_count--;
    if (op->busy) {
        op->busy = 0;
        arc__op_wake(op); /* whoever sends may go on */
    }
    return ARC_OK;
}

static arc_status connect_pull(struct arc_op *op, struct arc_arena *arena, const void **out,
                               arc_err *err)
{
    struct connect_state *state = op->state;
    struct arc_offer offer;
    arc_status status = ARC_OK;
    Agent__V1__ConnectResponse *response =
        ARC_PB_NEW(arena, Agent__V1__ConnectResponse, agent__v1__connect_response__descriptor);
    if (response == NULL)
        return arc__fail_nomem(err);
    response->agent_id = arc__pb_cstr(arena, state->agent_id);
    if (state->renewal != NULL) {
        response->payload_case = AGENT__V1__CONNECT_RESPONSE__PAYLOAD_RENEWAL;
        response->renewal = state->renewal;
        state->renewal = NULL;
    } else if (!arc__list_empty(&state->cancels)) {
        status = stale_show(op, response, arena);
    } else if (state->ended) {
        return op->command_count > 0 ? ARC_EAGAIN : ARC_EDONE;
    } else if (state->session == NULL) {
        return ARC_EAGAIN;
    } else {
        status = arc__session_next(state->session, arena, &offer, err);
        if (status == ARC_EDONE)
            return arc__fail(err, ARC_ECONFLICT, "session",
                             "Another connection of this agent took over.");
        if (status != ARC_OK)
            return status;
        status = offer_show(op, &offer, response, arena);
    }
    if (status != ARC_OK || arena->failed)
        return arc__fail_nomem(err);
    *out = response;
    return ARC_OK;
}

const struct arc_handler arc__agent_connect = {.state_size = sizeof(struct connect_state),
                                               .begin = connect_begin,
                                               .take = connect_take,
                                               .end = connect_end,
                                               .pull = connect_pull,
                                               .drop = connect_drop};
