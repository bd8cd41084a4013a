/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of and about agents, and the events that they push. */
#include "base/sha256.h"
#include "engine/engine_private.h"
#include "engine/event_json.h"

#define EVENTS_A_BATCH_MAX 10000u

/* --- registration -------------------------------------------------------------------- */

static arc_status put_agent(struct arc_engine *engine, const struct agent *agent,
                            enum arc_event_type type, arc_slice reason, arc_err *err)
{
    ARC_TRY(arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_agent, &agent->row, 0, err));
    return arc__turn_event(
        engine,
        (struct arc_event){
            .type = type, .seq = agent->row.version, .agent_id = agent->row.id, .reason = reason},
        agent->row.id, err);
}

static void fill_row(const struct arc_cmd *cmd, struct arc_row_agent *row)
{
    row->name = cmd->u.agent.name;
    row->labels = cmd->u.agent.labels;
    row->os = cmd->u.agent.os;
    row->arch = cmd->u.agent.arch;
    row->agent_version = cmd->u.agent.version;
    row->ip = cmd->u.agent.ip;
    row->max_concurrent = cmd->u.agent.max_concurrent > 0 ? cmd->u.agent.max_concurrent : 1;
    if (row->max_concurrent > ARC_AGENT_SLOTS_MAX)
        row->max_concurrent = ARC_AGENT_SLOTS_MAX;
    row->protocol_level = cmd->u.agent.protocol_level;
}

/* One use of a registration token, so that a limit on uses holds. */
static arc_status use_token(struct arc_engine *engine, struct token *token, arc_err *err)
{
    int64_t have = token->row.version++;
    token->row.uses++;
    return arc__turn_op(engine, ARC_STORE_UPDATE, ARC_TABLE_token, &token->row, have, err);
}

static arc_status new_agent(struct arc_engine *engine, struct cmd_box *box, struct agent **out,
                            arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct token *token = arc__token_find(engine, cmd->u.agent.registration_token, 1);
    char secret[80], hash[ARC_SHA256_HEX_LEN + 1];
    arc_id id;
    if (token == NULL)
        return arc__fail(err, ARC_EUNAUTHENTICATED, "registrationToken",
                         "The registration token is not valid, or has been used up.");
    ARC_TRY(arc__engine_new_id(engine, &id, err));
    ARC_TRY(arc__secret_new(engine, "", 32, secret, sizeof(secret), err));
    arc__sha256_hex(arc__slice_cstr(secret), hash);
    struct arc_row_agent row = {.id = arc__id_slice(&id),
                                .incarnation = cmd->u.agent.incarnation,
                                .token_hash = arc__slice_cstr(hash),
                                .approved = engine->options.agents_approved,
                                .enabled = 1,
                                .version = 1,
                                .created_at_ns = engine->now.wall_ns,
                                .last_seen_ns = engine->now.wall_ns};
    fill_row(cmd, &row);
    if (engine->replicas.on)
        row.home = arc__id_slice(&engine->replicas.self);
    if (row.name.len == 0)
        row.name = row.id;
    ARC_TRY(use_token(engine, token, err));
    arc_status status = arc__agent_new(engine, &row, out, err);
    if (status != ARC_OK)
        return arc__turn_spoil(engine, status);
    box->answer.secret = arc__arena_printf(&cmd->arena, "%s:%s", id.text, secret);
    arc__wipe(secret, sizeof(secret));
    return ARC_OK;
}

/* By its own credential: the same agent, perhaps in a new incarnation. */
static arc_status known_agent(struct arc_engine *engine, struct cmd_box *box, struct agent **out,
                              arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct arc_principal principal;
    ARC_TRY(arc__engine_authenticate(engine, cmd->u.agent.auth_token, &principal, err));
    struct agent *agent = principal.kind == ARC_PRINCIPAL_AGENT
                              ? arc__agent_find(engine, arc__slice_cstr(principal.id))
                              : NULL;
    if (agent == NULL)
        return arc__fail(err, ARC_EUNAUTHENTICATED, "token", "This is not an agent's token.");
    if (cmd->u.agent.agent_id.len > 0 && !arc__slice_equal(cmd->u.agent.agent_id, agent->row.id))
        return arc__fail(err, ARC_EDENIED, "agentId", "The token is another agent's.");
    if (cmd->u.agent.protocol_level < agent->row.protocol_level)
        return arc__fail(err, ARC_EDENIED, "protocolLevel",
                         "The agent registered at level %lld; it cannot go back.",
                         (long long)agent->row.protocol_level);
    if (arc__is_late_word(engine, agent, cmd->u.agent.incarnation, box->word))
        return arc__fail(err, ARC_ECONFLICT, "incarnation",
                         "A newer process of this agent is at work.");
    ARC_TRY(arc__agent_needs_home(engine, agent->row.id));
    struct arc_row_agent row = agent->row;
    fill_row(cmd, &row);
    if (row.name.len == 0)
        row.name = agent->row.name;
    if (cmd->u.agent.incarnation.len > 0)
        row.incarnation = cmd->u.agent.incarnation;
    row.version++;
    row.last_seen_ns = engine->now.wall_ns;
    arc_status status = arc__incarnate(engine, agent, &row, err);
    if (status != ARC_OK)
        return arc__turn_spoil(engine, status);
    box->answer.secret = cmd->u.agent.auth_token;
    *out = agent;
    return ARC_OK;
}

arc_status arc__do_agent_register(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct arc_kvs labels;
    struct agent *agent = NULL;
    ARC_TRY(arc__kvs_from_json(cmd->u.agent.labels, &cmd->arena, &labels, err));
    if (cmd->u.agent.auth_token.len > 0)
        ARC_TRY(known_agent(engine, box, &agent, err));
    else
        ARC_TRY(new_agent(engine, box, &agent, err));
    arc__agent_seen(engine, agent);
    arc__agent_relabelled(engine, agent);
    box->answer.id = arc__arena_copy(&cmd->arena, agent->row.id);
    box->answer.state = agent->row.approved ? 1 : 0;
    return put_agent(engine, agent, ARC_EVENT_AGENT_REGISTERED, ARC_NONE, err);
}

/* Drains: it gets nothing new, and once nothing of it runs any more it is gone. What it still holds
 * is lost: it has said that it goes. */
arc_status arc__do_agent_unregister(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct agent *agent = arc__agent_find(engine, arc__slice_cstr(cmd->principal.id));
    ARC_TRY(arc__agent_needs_home(engine, arc__slice_cstr(cmd->principal.id)));
    if (agent == NULL || agent->is_host)
        return arc__fail(err, ARC_ENOTFOUND, "agent", "No agent has this id.");
    agent->row.enabled = 0;
    agent->row.unregistered_at_ns = engine->now.wall_ns;
    agent->row.version++;
    arc__agent_lose_all(engine, agent, "The agent was unregistered.");
    agent->heard = 0; /* offline from now on, not three heartbeats later */
    arc__agent_shift(engine, agent);
    engine->sweep_mono_ns = 0;
    box->answer.id = arc__arena_copy(&cmd->arena, agent->row.id);
    return put_agent(engine, agent, ARC_EVENT_AGENT_UNREGISTERED, cmd->reason, err);
}

/* --- events that agents push --------------------------------------------------------- */

/* The end of what is stored for this agent. */
static arc_status know_epoch(struct arc_engine *engine, struct agent *agent, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_agent_event,
                              .filter_count = 1,
                              .order_col = -1,
                              .descending = 1,
                              .limit = 1};
    if (agent->epoch_known)
        return ARC_OK;
    query.filters[0] = arc__eq_text(ARC_COL_agent_event_agent_id, agent->row.id);
    ARC_TRY(arc__load(engine, &agent->epoch_load, &query, err));
    const struct arc_row_agent_event *row = agent->epoch_load.rows.rows;
    int any = agent->epoch_load.rows.count > 0;
    agent->epoch = any ? (uint64_t)row->epoch : 0;
    agent->last_seq = any ? (uint64_t)row->seq : 0;
    arc__load_deinit(&agent->epoch_load);
    agent->epoch_known = 1;
    return ARC_OK;
}

static void event_digest(const struct arc_agent_event_input *event, char *out)
{
    const arc_slice parts[] = {event->event_id, event->type, event->payload};
    arc__digest(parts, ARC_COUNT_OF(parts), NULL, out);
}

/* Seq 1 again: the same event, or an agent that lost its memory and begins a new epoch? */
static arc_status first_is_other(struct arc_engine *engine, struct cmd_box *box,
                                 struct agent *agent, int *other, arc_err *err)
{
    const struct arc_cmd *cmd = &box->cmd;
    struct arc_query query = {.table = ARC_TABLE_agent_event, .filter_count = 3, .order_col = -1};
    char digest[2 * ARC_SHA256_LEN + 1];
    *other = 0;
    if (agent->last_seq == 0 || cmd->u.events.count == 0 || cmd->u.events.events[0].seq != 1)
        return ARC_OK;
    query.filters[0] = arc__eq_text(ARC_COL_agent_event_agent_id, agent->row.id);
    query.filters[1] = arc__eq_int(ARC_COL_agent_event_epoch, (int64_t)agent->epoch);
    query.filters[2] = arc__eq_int(ARC_COL_agent_event_seq, 1);
    ARC_TRY(arc__load(engine, &box->loads[0], &query, err));
    const struct arc_row_agent_event *row = box->loads[0].rows.rows;
    event_digest(&cmd->u.events.events[0], digest);
    *other = box->loads[0].rows.count > 0 && !arc__slice_is(row->digest, digest);
    return ARC_OK;
}

static arc_status put_event(struct arc_engine *engine, const struct agent *agent,
                            const struct arc_agent_event_input *event, arc_err *err)
{
    char digest[2 * ARC_SHA256_LEN + 1];
    event_digest(event, digest);
    struct arc_row_agent_event row = {.agent_id = agent->row.id,
                                      .epoch = (int64_t)agent->epoch,
                                      .seq = (int64_t)event->seq,
                                      .event_id = event->event_id,
                                      .type = event->type,
                                      .pipeline_id = event->pipeline_id,
                                      .step_run_id = event->step_run_id,
                                      .digest = arc__slice_cstr(digest),
                                      .payload = event->bad.len > 0 ? ARC_NONE : event->payload,
                                      .tombstone = event->bad,
                                      .time_ns = event->time_ns,
                                      .received_at_ns = engine->now.wall_ns};
    return arc__turn_op(engine, ARC_STORE_INSERT, ARC_TABLE_agent_event, &row, 0, err);
}

/* Takes the contiguous part. An event that is not new is accepted without being stored again. */
static arc_status take_events(struct arc_engine *engine, struct cmd_box *box, struct agent *agent,
                              struct arc_ingest_ack *ack, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    size_t taken = 0;
    uint64_t *rejected = arc__arena_array(&cmd->arena, cmd->u.events.count, sizeof(*rejected));
    if (rejected == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < cmd->u.events.count; i++) {
        const struct arc_agent_event_input *event = &cmd->u.events.events[i];
        if (event->seq > agent->last_seq + 1 || event->seq == 0) {
            ack->status = 4;
            ack->message = ARC_LIT("There is a gap: send again from expected_seq.");
            break;
        }
        taken++;
        if (event->seq <= agent->last_seq)
            continue;
        agent->guarded = 1; /* where it has gone to it may have begun another epoch */
        ARC_TRY(put_event(engine, agent, event, err));
        agent->last_seq = event->seq;
        if (event->bad.len > 0)
            rejected[ack->rejected_count++] = event->seq;
    }
    ack->rejected_seqs = rejected;
    if (ack->status != 4)
        ack->status = ack->rejected_count == 0 ? 1 : ack->rejected_count < taken ? 2 : 3;
    return ARC_OK;
}

arc_status arc__do_events_push(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_cmd *cmd = &box->cmd;
    struct agent *agent = arc__agent_find(engine, cmd->u.events.agent_id);
    ARC_TRY(arc__agent_needs_home(engine, cmd->u.events.agent_id));
    struct arc_ingest_ack *ack = ARC_ARENA_NEW(&cmd->arena, struct arc_ingest_ack);
    uint64_t epoch = cmd->u.events.epoch;
    int other = 0;
    if (agent == NULL)
        return arc__fail(err, ARC_ENOTFOUND, "agent", "The agent is not registered here.");
    if (ack == NULL)
        return arc__fail_nomem(err);
    if (cmd->u.events.count > EVENTS_A_BATCH_MAX)
        return arc__fail(err, ARC_ELIMIT, "events", "A batch has at most %u events.",
                         EVENTS_A_BATCH_MAX);
    ARC_TRY(know_epoch(engine, agent, err));
    if (epoch == 0)
        ARC_TRY(first_is_other(engine, box, agent, &other, err));
    if (epoch != 0 && epoch < agent->epoch) {
        *ack = (struct arc_ingest_ack){.status = 3,
                                       .message = ARC_LIT("The epoch is over: a newer one began.")};
    } else {
        if (epoch > agent->epoch || other || agent->epoch == 0) {
            agent->epoch = epoch > 0 ? epoch : agent->epoch + 1;
            agent->last_seq = 0;
        }
        arc_status status = take_events(engine, box, agent, ack, err);
        if (status != ARC_OK) {
            agent->epoch_known = 0;
            return arc__turn_spoil(engine, status);
        }
    }
    ack->epoch = agent->epoch;
    ack->last_accepted_seq = agent->last_seq;
    ack->expected_seq = agent->last_seq + 1;
    box->answer.ack = ack;
    return ARC_OK;
}
