/* SPDX-License-Identifier: Apache-2.0 */
/* GatewayService: log lines and events of agents. One answer at the end of each stream; a stream
 * that is long enough is ended by us, with OK and what is in so far, so that its acknowledgement
 * is never far away. */
#include "base/text.h"
#include "base/time.h"
#include "codec/unpack.h"
#include "command/agent.h"
#include "command/handlers.h"
#include "messages.h"

#define STREAM_BYTES_MAX (16u * 1024u * 1024u)
#define STREAM_NS (INT64_C(60) * ARC_NS_PER_S)
#define BATCH_BYTES_MAX (1024u * 1024u)
#define PACKED_MAX (256u * 1024u)
#define BATCH_EVENTS_MAX 1024u
#define PAYLOAD_BYTES_MAX (64u * 1024u)
#define REJECTED_MAX 1024u
#define TYPE_BYTES_MAX 128u

struct push_state {
    int said_hello, has_batch, ended, timed_out;
    uint64_t bytes;
    /* the acknowledgement so far */
    int32_t status;
    uint64_t epoch, last_seq, expected_seq;
    uint64_t accepted, refused;
    uint64_t rejected[REJECTED_MAX];
    size_t rejected_count;
    arc_slice message; /* static or in op->arena */
    arc_err stale;     /* the last refusal of a lease */
};

/* --- both ---------------------------------------------------------------------------------------
 */

static arc_status push_begin(struct arc_op *op, const void *message, arc_err *err)
{
    (void)message;
    return arc__op_timer(op, arc__op_now(op).mono_ns + (uint64_t)STREAM_NS, err);
}

static arc_status push_hello(struct arc_op *op, const Gateway__V1__AgentHandshake *hello,
                             arc_err *err)
{
    struct push_state *state = op->state;
    arc_slice who = ARC_NONE;
    if (state->said_hello || state->has_batch)
        return arc__fail(err, ARC_EINVAL, "handshake", "The handshake is the first message.");
    ARC_TRY(arc__agent_who(op, hello->agent_id, &who, err));
    state->said_hello = 1;
    state->epoch = hello->epoch;
    return ARC_OK;
}

static void push_reject(struct push_state *state, uint64_t seq)
{
    state->refused++;
    if (seq > 0 && state->rejected_count < REJECTED_MAX)
        state->rejected[state->rejected_count++] = seq;
}

static Gateway__V1__IngestAck *ack_show(struct arc_op *op)
{
    const struct push_state *state = op->state;
    Gateway__V1__IngestAck *ack =
        ARC_PB_NEW(&op->arena, Gateway__V1__IngestAck, gateway__v1__ingest_ack__descriptor);
    if (ack == NULL)
        return NULL;
    ack->status = (Gateway__V1__IngestAck__Status)state->status;
    ack->message = arc__pb_string(&op->arena, state->message);
    ack->last_accepted_seq = state->last_seq;
    ack->expected_seq = state->expected_seq;
    ack->epoch = state->epoch;
    if (state->rejected_count > 0) {
        ack->rejected_seqs =
            arc__arena_array(&op->arena, state->rejected_count, sizeof(*ack->rejected_seqs));
        if (ack->rejected_seqs == NULL)
            return NULL;
        memcpy(ack->rejected_seqs, state->rejected,
               state->rejected_count * sizeof(*ack->rejected_seqs));
        ack->n_rejected_seqs = state->rejected_count;
    }
    return ack;
}

/* --- PushLogs -----------------------------------------------------------------------------------
 */

static void logs_finish(struct arc_op *op)
{
    struct push_state *state = op->state;
    /* Nothing but refusals for want of the lease: the agent has to hear that as what it is. */
    if (state->accepted == 0 && state->stale.status != ARC_OK) {
        arc__op_fail(op, state->stale.status, &state->stale);
        return;
    }
    state->status = state->refused == 0 ? GATEWAY__V1__INGEST_ACK__STATUS__STATUS_ACCEPTED
                    : state->accepted == 0
                        ? GATEWAY__V1__INGEST_ACK__STATUS__STATUS_REJECTED
                        : GATEWAY__V1__INGEST_ACK__STATUS__STATUS_PARTIAL_ACCEPTED;
    state->expected_seq = state->last_seq + 1;
    Gateway__V1__PushLogsResponse *reply = arc__op_reply_new(op);
    if (reply != NULL)
        reply->ack = ack_show(op);
    arc__op_reply(op);
}

static arc_status logs_stream(const char *word, uint32_t *stream, arc_err *err)
{
    if (word[0] == '\0' || strcmp(word, "stdout") == 0)
        *stream = ARC_LOG_STDOUT;
    else if (strcmp(word, "stderr") == 0)
        *stream = ARC_LOG_STDERR;
    else
        return arc__fail(err, ARC_EINVAL, "stream", "A stream is stdout or stderr.");
    return ARC_OK;
}

static void logs_refused(struct push_state *state, uint64_t seq, const char *why)
{
    push_reject(state, seq);
    state->message = arc__slice_cstr(why);
}

/* The lines of a batch. What is wrong with them is said in the acknowledgement: logs are not worth
 * the stream. */
static arc_status logs_unpack(const Gateway__V1__LogBatch *batch, struct arc_arena *arena,
                              arc_slice *text, arc_err *err)
{
    arc_slice data = arc__slice(batch->data.data, batch->data.len);
    int packed = batch->compression > GATEWAY__V1__LOG_BATCH__COMPRESSION__COMPRESSION_NONE;
    if (batch->raw_size > BATCH_BYTES_MAX || data.len > (packed ? PACKED_MAX : BATCH_BYTES_MAX))
        return arc__fail(err, ARC_EINVAL, "data",
                         "A log batch has at most 1 MiB, and 256 KiB packed.");
    if (batch->compression == GATEWAY__V1__LOG_BATCH__COMPRESSION__COMPRESSION_GZIP)
        return arc__unpack_gzip(data, batch->raw_size, arena, text, err);
    if (packed)
        return arc__fail(err, ARC_EUNIMPLEMENTED, "compression",
                         "This version takes log batches as gzip or uncompressed.");
    if (batch->raw_size != 0 && batch->raw_size != data.len)
        return arc__fail(err, ARC_EINVAL, "raw_size", "raw_size is not the size of data.");
    *text = data;
    return ARC_OK;
}

static arc_status logs_batch(struct arc_op *op, const Gateway__V1__LogBatch *batch, arc_err *err)
{
    struct push_state *state = op->state;
    const Gateway__V1__Meta *meta = batch->meta;
    struct arc_log_batch lines = {.first_line = batch->first_line,
                                  .dropped_lines = batch->dropped_lines,
                                  .time_ns = arc__op_now(op).wall_ns};
    state->has_batch = 1;
    if (meta == NULL || meta->step_id[0] == '\0')
        return arc__fail(err, ARC_EINVAL, "meta", "A batch names its step run in meta.step_id.");
    ARC_TRY(arc__agent_who(op, meta->agent_id, &lines.agent_id, err));
    ARC_TRY(logs_stream(batch->stream, &lines.stream, err));
    if (batch->first_line < 0 || batch->dropped_lines < 0 || meta->attempt < 0)
        return arc__fail(err, ARC_EINVAL, "batch",
                         "first_line, dropped_lines and attempt are not "
                         "negative.");
    arc_err bad = ARC_ERR_INIT;
    arc__arena_reset(&op->page);
    arc_status unpacked = logs_unpack(batch, &op->page, &lines.text, &bad);
    if (unpacked == ARC_ENOMEM)
        return arc__fail_nomem(err);
    if (unpacked != ARC_OK) {
        push_reject(state, meta->seq);
        state->message = arc__arena_copy(&op->arena, arc__slice_cstr(bad.message));
        return ARC_OK;
    }
    state->bytes += lines.text.len; /* what it grew to is what it costs */
    lines.step_run_id = arc__slice_cstr(meta->step_id);
    lines.attempt = meta->attempt;
    lines.fence = meta->fence;
    arc_status status = arc__engine_log_append(op->engine, &lines, err);
    if (status == ARC_EPRECONDITION || status == ARC_ENOTFOUND) {
        arc_err why = ARC_ERR_INIT;
        if (err != NULL)
            why = *err;
        why.status = ARC_EPRECONDITION;
        state->stale = why;
        logs_refused(state, meta->seq, "This agent does not hold the step run.");
        return ARC_OK;
    }
    ARC_TRY(status);
    state->accepted++;
    if (meta->seq > state->last_seq)
        state->last_seq = meta->seq;
    if (state->bytes >= STREAM_BYTES_MAX)
        logs_finish(op);
    return ARC_OK;
}

static arc_status logs_take(struct arc_op *op, const void *message, arc_err *err)
{
    const Gateway__V1__PushLogsRequest *request = message;
    if (request->payload_case == GATEWAY__V1__PUSH_LOGS_REQUEST__PAYLOAD_HANDSHAKE)
        return push_hello(op, request->handshake, err);
    if (request->payload_case == GATEWAY__V1__PUSH_LOGS_REQUEST__PAYLOAD_BATCH)
        return logs_batch(op, request->batch, err);
    return ARC_OK;
}

static arc_status logs_end(struct arc_op *op, arc_err *err)
{
    (void)err;
    logs_finish(op);
    return ARC_OK;
}

const struct arc_handler arc__gateway_logs = {.state_size = sizeof(struct push_state),
                                              .begin = push_begin,
                                              .take = logs_take,
                                              .end = logs_end,
                                              .timeout = logs_finish};

/* --- PushEvents ---------------------------------------------------------------------------------
 */

static void events_finish(struct arc_op *op)
{
    struct push_state *state = op->state;
    if (state->status == 0)
        state->status = GATEWAY__V1__INGEST_ACK__STATUS__STATUS_ACCEPTED;
    Gateway__V1__PushEventsResponse *reply = arc__op_reply_new(op);
    if (reply != NULL)
        reply->ack = ack_show(op);
    arc__op_reply(op);
}

/* The worst of the batches is what the stream was: a refusal of one is not hidden by the next. */
static void events_note(struct push_state *state, int32_t status)
{
    if (state->status == 0)
        state->status = status;
    else if (status == GATEWAY__V1__INGEST_ACK__STATUS__STATUS_OUT_OF_ORDER)
        state->status = status;
    else if (status != state->status)
        state->status = GATEWAY__V1__INGEST_ACK__STATUS__STATUS_PARTIAL_ACCEPTED;
}

static void events_done(struct arc_op *op, const struct arc_answer *answer)
{
    struct push_state *state = op->state;
    const struct arc_ingest_ack *ack = answer->ack;
    op->busy = 0;
    if (answer->status != ARC_OK || ack == NULL) {
        arc__op_refuse(op, answer->status != ARC_OK ? answer->status : ARC_EINTERNAL, answer->err,
                       ARC_NONE);
        return;
    }
    events_note(state, ack->status);
    state->epoch = ack->epoch;
    state->last_seq = ack->last_accepted_seq;
    state->expected_seq = ack->expected_seq;
    for (size_t i = 0; i < ack->rejected_count; i++)
        push_reject(state, ack->rejected_seqs[i]);
    if (ack->message.len > 0)
        state->message = arc__arena_copy(&op->arena, ack->message);
    if (state->ended || state->timed_out || state->bytes >= STREAM_BYTES_MAX ||
        ack->status == GATEWAY__V1__INGEST_ACK__STATUS__STATUS_OUT_OF_ORDER)
        events_finish(op);
    else
        arc__op_wake(op);
}

/* arcentra.<object>.<lifecycle>, in lower case. */
static int type_ok(const char *type)
{
    size_t len = strlen(type);
    if (len > TYPE_BYTES_MAX || strncmp(type, "arcentra.", 9) != 0)
        return 0;
    int dots = 0;
    for (size_t i = 0; i < len; i++) {
        if (type[i] == '.') {
            if (i == 0 || type[i - 1] == '.' || i + 1 == len)
                return 0;
            dots++;
        } else if (!((type[i] >= 'a' && type[i] <= 'z') || type[i] == '_' ||
                     (type[i] >= '0' && type[i] <= '9'))) {
            return 0;
        }
    }
    return dots >= 2;
}

static arc_slice payload_text(struct arc_op *op, const Gateway__V1__Event *event,
                              struct arc_arena *arena, const char **bad)
{
    struct arc_buf text;
    struct arc_json json;
    if (event->payload == NULL)
        return ARC_LIT("{}");
    arc__buf_init(&text, &op->mem, PAYLOAD_BYTES_MAX);
    arc__json_init(&json, &text);
    arc_slice out = ARC_NONE;
    if (arc__pb_to_json(event->payload, &json, NULL, NULL) == ARC_OK && text.failed == ARC_OK)
        out = arc__arena_copy(arena, arc__buf_slice(&text));
    else
        *bad = "The payload is larger than 64 KiB.";
    arc__buf_deinit(&text);
    return out;
}

static arc_status event_bind(struct arc_op *op, const Gateway__V1__Event *event,
                             struct arc_arena *arena, struct arc_agent_event_input *out,
                             arc_err *err)
{
    const Gateway__V1__Meta *meta = event->meta;
    const char *bad = NULL;
    arc_slice who = ARC_NONE;
    if (meta == NULL || meta->seq == 0)
        return arc__fail(err, ARC_EINVAL, "meta", "An event has a sequence from 1 in meta.seq.");
    ARC_TRY(arc__agent_who(op, meta->agent_id, &who, err));
    if (!arc__id_valid(arc__slice_cstr(event->event_id)))
        bad = "The event_id is not an id.";
    else if (!type_ok(event->event_type))
        bad = "The event_type has not the form arcentra.<object>.<lifecycle>.";
    *out = (struct arc_agent_event_input){
        .seq = meta->seq,
        .event_id = arc__arena_copy(arena, arc__slice_cstr(event->event_id)),
        .type = arc__arena_copy(arena, arc__slice_cstr(event->event_type)),
        .pipeline_id = arc__arena_copy(arena, arc__slice_cstr(meta->pipeline_id)),
        .step_run_id = arc__arena_copy(arena, arc__slice_cstr(meta->step_id)),
        .time_ns = arc__op_now(op).wall_ns};
    if (meta->timestamp != NULL && meta->timestamp->seconds > 0 &&
        meta->timestamp->seconds < INT64_MAX / ARC_NS_PER_S - 1)
        out->time_ns = meta->timestamp->seconds * ARC_NS_PER_S + meta->timestamp->nanos;
    out->payload = payload_text(op, event, arena, &bad);
    if (bad != NULL)
        out->bad = arc__arena_copy(arena, arc__slice_cstr(bad));
    return ARC_OK;
}

static arc_status events_submit(struct arc_op *op, const Gateway__V1__EventBatch *batch,
                                arc_err *err)
{
    struct push_state *state = op->state;
    size_t count = batch != NULL ? batch->n_events : 0;
    arc_slice who = ARC_NONE;
    if (count > BATCH_EVENTS_MAX)
        return arc__fail(err, ARC_ELIMIT, "batch", "A batch has at most %u events.",
                         BATCH_EVENTS_MAX);
    const char *named =
        count > 0 && batch->events[0]->meta != NULL ? batch->events[0]->meta->agent_id : "";
    ARC_TRY(arc__agent_who(op, named, &who, err));
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_EVENTS_PUSH);
    if (cmd == NULL)
        return arc__fail_nomem(err);
    struct arc_agent_event_input *events =
        arc__arena_array(&cmd->arena, count + 1, sizeof(*events));
    arc_status status = events != NULL ? ARC_OK : arc__fail_nomem(err);
    for (size_t i = 0; status == ARC_OK && i < count; i++)
        status = event_bind(op, batch->events[i], &cmd->arena, &events[i], err);
    if (status != ARC_OK) {
        arc__cmd_free(cmd);
        return status;
    }
    cmd->u.events.agent_id = arc__arena_copy(&cmd->arena, who);
    cmd->u.events.epoch = state->epoch;
    cmd->u.events.events = events;
    cmd->u.events.count = count;
    ARC_TRY(arc__op_submit(op, cmd, events_done, err));
    op->busy = 1; /* the next batch goes on where this one ends */
    return ARC_OK;
}

static arc_status events_take(struct arc_op *op, const void *message, arc_err *err)
{
    const Gateway__V1__PushEventsRequest *request = message;
    struct push_state *state = op->state;
    if (request->payload_case == GATEWAY__V1__PUSH_EVENTS_REQUEST__PAYLOAD_HANDSHAKE)
        return push_hello(op, request->handshake, err);
    if (request->payload_case != GATEWAY__V1__PUSH_EVENTS_REQUEST__PAYLOAD_BATCH ||
        request->batch->n_events == 0)
        return ARC_OK;
    state->has_batch = 1;
    state->bytes += protobuf_c_message_get_packed_size(&request->base);
    return events_submit(op, request->batch, err);
}

static arc_status events_end(struct arc_op *op, arc_err *err)
{
    struct push_state *state = op->state;
    state->ended = 1;
    if (op->command_count > 0)
        return ARC_OK;
    /* A handshake alone asks where the sequence stands. */
    if (!state->has_batch && state->said_hello)
        return events_submit(op, NULL, err);
    events_finish(op);
    return ARC_OK;
}

static void events_timeout(struct arc_op *op)
{
    struct push_state *state = op->state;
    state->timed_out = 1;
    if (op->command_count == 0)
        events_finish(op);
}

const struct arc_handler arc__gateway_events = {.state_size = sizeof(struct push_state),
                                                .begin = push_begin,
                                                .take = events_take,
                                                .end = events_end,
                                                .timeout = events_timeout};
