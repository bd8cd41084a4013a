/* SPDX-License-Identifier: Apache-2.0 */
/* PushLogs: one client stream at a time. It is opened with the first line there is, carries lines
 * as they appear, and is half-closed after a second or a MiB for its one answer: what the answer
 * covers is freed, the rest goes on the next stream. */
#include "agent/agent.h"

#include <stdlib.h>

#include "common/duration.h"
#include "common/ignore.h"

#define PUSH_TIME_NS NS_PER_S
#define PUSH_BYTES (1u << 20)
/* How long the answer may take before the stream is given up. */
#define PUSH_ANSWER_NS (10 * NS_PER_S)

static void end_call(struct agent *agent)
{
    arc_call_close(agent->push.call);
    agent->push.call = NULL;
    agent->push.half_closed = 0;
    agent->push.bytes = 0;
}

static void retry_later(struct agent *agent, const char *message)
{
    struct push *push = &agent->push;
    end_call(agent);
    if (push->tries == 0)
        log_write(&agent->log, ARC_LOG_WARN, "Lines cannot be sent now (%s); they are kept.",
                  message);
    push->retry_ns = agent->now_ns + backoff_ns(push->tries < 3 ? push->tries : 3);
    push->tries++;
}

static void begin(struct agent *agent)
{
    struct push *push = &agent->push;
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    arc_err err = ARC_ERR_INIT;
    spool_rewind(&agent->spool);
    json_open(&json, NULL, '{');
    json_open(&json, "handshake", '{');
    json_put_text(&json, "agentId", agent->id);
    json_put_uint(&json, "lastKnownSeq", agent->spool.acked);
    json_put_uint(&json, "epoch", agent->spool.epoch);
    json_close(&json, '}');
    json_close(&json, '}');
    if (session_call(agent, "gateway.v1.GatewayService/PushLogs", 0, &push->call, &err) != ARC_OK ||
        arc_call_send(push->call, text.ptr, text.len, &err) != ARC_OK)
        retry_later(agent, err.message);
    push->opened_ns = agent->now_ns;
    text_deinit(&text);
}

/* Sends what fits. 1: everything there is has been handed over. */
static int send_batches(struct agent *agent)
{
    struct push *push = &agent->push;
    struct spool_batch *batch;
    arc_err err = ARC_ERR_INIT;
    while (push->bytes < PUSH_BYTES && (batch = spool_next(&agent->spool)) != NULL) {
        uint64_t seq = batch->seq;
        struct text text = {NULL, 0, 0};
        batch->seq = seq != 0 ? seq : agent->spool.next_seq;
        spool_put_batch(batch, &text);
        arc_status status = arc_call_send(push->call, text.ptr, text.len, &err);
        text_deinit(&text);
        if (status == ARC_EINVAL || status == ARC_ELIMIT) {
            log_write(&agent->log, ARC_LOG_ERROR, "A batch of lines cannot be sent: %s",
                      err.message);
            spool_reject(&agent->spool, batch->seq);
            continue;
        }
        batch->seq = seq;
        if (status != ARC_OK)
            return 0;
        spool_sent(&agent->spool, batch);
        push->bytes += batch->data.len;
    }
    return spool_next(&agent->spool) == NULL;
}

/* A step waits for the end of its log before it may report. */
static int somebody_waits(const struct agent *agent)
{
    for (const struct step *step = agent->steps; step != NULL; step = step->next) {
        if (step->phase == STEP_ENDED && step->log.held > 0)
            return 1;
    }
    return 0;
}

static void take_answer(struct agent *agent, const char *bytes, size_t len)
{
    const json_node *reply = json_parse(bytes, len, NULL, 0), *ack = json_get(reply, "ack");
    const json_node *rejected = json_get(ack, "rejectedSeqs");
    uint64_t before = agent->spool.acked;
    for (size_t i = 0; i < json_count(rejected); i++) {
        const char *seq = json_text(json_at(rejected, i));
        spool_reject(&agent->spool, (uint64_t)strtoull(seq, NULL, 10));
    }
    spool_ack(&agent->spool, json_get_uint(ack, "lastAcceptedSeq"));
    if (agent->spool.acked > before || json_count(rejected) > 0)
        agent->push.tries = 0;
    int64_t wait_ms = json_get_int(ack, "retryAfterMs");
    agent->push.retry_ns = agent->now_ns;
    if (wait_ms > 0)
        agent->push.retry_ns += (wait_ms < 60000 ? wait_ms : 60000) * NS_PER_MS;
    else if (agent->spool.acked == before && json_count(rejected) == 0)
        agent->push.retry_ns += backoff_ns(agent->push.tries++); /* nothing taken: not at once */
    json_free(reply);
    end_call(agent);
    agent->woken = 1; /* a step may have waited for this to report */
}

static void listen(struct agent *agent)
{
    arc_err err = ARC_ERR_INIT;
    const char *bytes;
    size_t len;
    arc_status status = arc_call_next(agent->push.call, &bytes, &len, &err);
    if (status == ARC_OK) {
        take_answer(agent, bytes, len);
    } else if (status != ARC_EAGAIN) {
        ignore(arc_call_status(agent->push.call, &err)); /* for its words; any end means again */
        retry_later(agent, err.message);
    } else if (agent->push.half_closed &&
               agent->now_ns - agent->push.opened_ns > PUSH_TIME_NS + PUSH_ANSWER_NS) {
        retry_later(agent, "no answer");
    }
}

int64_t push_tick(struct agent *agent)
{
    struct push *push = &agent->push;
    arc_err err = ARC_ERR_INIT;
    if (agent->session.state != SESSION_CONNECT)
        return NEVER;
    if (push->call == NULL) {
        if (agent->spool.first == NULL)
            return NEVER;
        if (agent->now_ns < push->retry_ns)
            return push->retry_ns;
        begin(agent);
    }
    if (push->call != NULL && !push->half_closed) {
        int all = send_batches(agent);
        if (push->bytes >= PUSH_BYTES || agent->now_ns - push->opened_ns >= PUSH_TIME_NS ||
            (all && somebody_waits(agent))) {
            ignore(arc_call_half_close(push->call, &err)); /* over already: next says so */
            push->half_closed = 1;
        }
    }
    if (push->call != NULL)
        listen(agent);
    if (push->call == NULL)
        return agent->spool.first != NULL ? push->retry_ns : NEVER;
    return push->opened_ns + PUSH_TIME_NS + (push->half_closed ? PUSH_ANSWER_NS : 0);
}

void push_close(struct agent *agent)
{
    end_call(agent);
}
