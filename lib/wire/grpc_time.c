/* SPDX-License-Identifier: Apache-2.0 */
/* What time does to a connection and its calls, and the limits as a table. No clock is read here:
 * every function works on the time that was given last. */
#include <inttypes.h>

#include "base/options.h"
#include "wire/grpc_priv.h"

arc_status arc__grpc_limits_fill(const struct arc_grpc_limits *in, int server,
                                 struct arc_grpc_limits *out, arc_err *err)
{
    struct arc_grpc_limits filled = ARC_GRPC_LIMITS_INIT;
    if (in != NULL) {
        ARC_TRY(arc__options_read(in, sizeof(filled), &filled, "limits", err));
        filled.size = sizeof(filled);
    }
#define ROW(name, of_server, of_client, text) \
    if (filled.name == 0) \
        filled.name = server ? (uint64_t)(of_server) : (uint64_t)(of_client);
    ARC_GRPC_LIMITS(ROW)
#undef ROW
    /* What HTTP/2 and our own 32 bit fields can hold. */
    ARC_REQUIRE(filled.message_max_bytes <= INT32_MAX, err, "message_max_bytes");
    ARC_REQUIRE(filled.message_send_max_bytes <= INT32_MAX, err, "message_send_max_bytes");
    ARC_REQUIRE(filled.queue_max_bytes <= INT32_MAX, err, "queue_max_bytes");
    ARC_REQUIRE(filled.stream_window_first_bytes <= INT32_MAX, err, "stream_window_first_bytes");
    ARC_REQUIRE(filled.stream_window_bytes <= INT32_MAX, err, "stream_window_bytes");
    ARC_REQUIRE(filled.conn_window_bytes <= INT32_MAX, err, "conn_window_bytes");
    ARC_REQUIRE(filled.header_list_max_bytes <= 1 << 20, err, "header_list_max_bytes");
    ARC_REQUIRE(filled.header_fields_max <= 1000, err, "header_fields_max");
    ARC_REQUIRE(filled.calls_max <= INT32_MAX, err, "calls_max");
    ARC_REQUIRE(filled.identity_names_max <= 10000, err, "identity_names_max");
    ARC_REQUIRE(filled.identity_bytes_max <= 1 << 20, err, "identity_bytes_max");
    *out = filled;
    return ARC_OK;
}

const char *arc_grpc_why_name(arc_grpc_why why)
{
    switch (why) {
    case ARC_GRPC_WHY_DONE:
        return "done";
    case ARC_GRPC_WHY_RESET:
        return "reset";
    case ARC_GRPC_WHY_CANCELLED:
        return "cancelled";
    case ARC_GRPC_WHY_DEADLINE:
        return "deadline";
    case ARC_GRPC_WHY_LOST:
        return "lost";
    case ARC_GRPC_WHY_PROTOCOL:
        return "protocol";
    case ARC_GRPC_WHY_NOMEM:
        return "nomem";
    case ARC_GRPC_WHY_NONE:
        break;
    }
    return "none";
}

void arc__grpc_conn_lose_calls(struct arc_grpc_conn *conn, arc_grpc_why why, const char *text)
{
    struct arc_link *link = conn->calls.next;
    while (link != &conn->calls) {
        struct arc_grpc_call *call = ARC_CONTAINER(link, struct arc_grpc_call, link);
        link = link->next; /* nothing is released before run_ready, nothing is opened any more */
        if (call->parked && !arc__grpc_conn_is_lobby(conn))
            continue; /* on its way to the lobby */
        if (!conn->server && !call->departed && !call->cancelled)
            call->unprocessed = 1;
        arc__grpc_h2_forget(call);
        call->stream_closed = 1;
        if (call->cancelled)
            arc__grpc_call_end(call, ARC_GRPC_WHY_CANCELLED, ARC_GRPC_CANCELLED,
                               "The call was cancelled.");
        else
            arc__grpc_call_end(call, why, ARC_GRPC_UNAVAILABLE, text);
        arc__grpc_call_mark(call);
    }
}

void arc__grpc_conn_touch(struct arc_grpc_conn *conn)
{
    if (conn->depth > 0 || conn->work_said || conn->on_work == NULL)
        return;
    conn->work_said = 1;
    conn->on_work(conn->owner, conn);
}

void arc__grpc_conn_enter(struct arc_grpc_conn *conn)
{
    conn->depth++;
}

void arc__grpc_conn_leave(struct arc_grpc_conn *conn)
{
    conn->depth--;
    arc__grpc_conn_touch(conn); /* for whatever it asked for */
}

void arc_grpc_conn_connected(struct arc_grpc_conn *conn, uint64_t now_ns)
{
    conn->now_ns = conn->born_ns = conn->heard_ns = conn->idle_ns = conn->sweep_ns = now_ns;
}

void arc_grpc_conn_set_now(struct arc_grpc_conn *conn, uint64_t now_ns)
{
    conn->now_ns = now_ns;
}

void arc_grpc_conn_not_connected(struct arc_grpc_conn *conn, uint64_t now_ns, const char *text)
{
    if (conn->depth > 0)
        return;
    conn->depth++;
    conn->now_ns = now_ns;
    /* What an event opens goes behind the last, and waits for the next attempt. */
    const struct arc_link *last = conn->calls.prev;
    for (struct arc_link *link = &conn->calls; link != last;) {
        link = link->next;
        struct arc_grpc_call *call = ARC_CONTAINER(link, struct arc_grpc_call, link);
        if (!call->is_open || call->cancelled || call->wait_for_ready)
            continue;
        call->cancelled = 1;
        call->unprocessed = 1;
        arc__grpc_h2_reset(call, ARC_H2_CANCEL);
        arc__grpc_call_end(call, ARC_GRPC_WHY_LOST, ARC_GRPC_UNAVAILABLE, text);
    }
    arc__grpc_conn_run_ready(conn);
    conn->depth--;
}

void arc__grpc_conn_flood(struct arc_grpc_conn *conn, uint64_t *counter, const char *what)
{
    if (conn->ended)
        return;
    ++*counter;
    conn->fault = what;
    conn->fault_status = ARC_ELIMIT;
    arc__grpc_h2_terminate(conn, ARC_H2_ENHANCE_YOUR_CALM);
}

static uint64_t after(uint64_t at_ns, uint64_t span_ns)
{
    return span_ns >= ARC_GRPC_NEVER - at_ns ? ARC_GRPC_NEVER : at_ns + span_ns;
}

static uint64_t handshake_at(const struct arc_grpc_conn *conn)
{
    if (conn->ready_seen || conn->born_ns == ARC_GRPC_NEVER)
        return ARC_GRPC_NEVER;
    return after(conn->born_ns, conn->limits->handshake_ns);
}

static uint64_t keepalive_at(const struct arc_grpc_conn *conn)
{
    if (conn->open == 0 || !conn->ready_seen || conn->limits->keepalive_ns == ARC_GRPC_NEVER)
        return ARC_GRPC_NEVER;
    return conn->ping_ns != 0 ? after(conn->ping_ns, conn->limits->keepalive_timeout_ns)
                              : after(conn->heard_ns, conn->limits->keepalive_ns);
}

static uint64_t idle_at(const struct arc_grpc_conn *conn)
{
    if (!arc__list_empty(&conn->calls) || conn->draining || arc__grpc_conn_is_lobby(conn))
        return ARC_GRPC_NEVER;
    return after(conn->idle_ns, conn->limits->idle_ns);
}

uint64_t arc__grpc_vary_age(uint64_t age_ns, uint64_t seed)
{
    uint64_t tenth = age_ns / 10;
    if (age_ns >= ARC_GRPC_NEVER / 2)
        return ARC_GRPC_NEVER;
    /* The finalizer of splitmix64: numbers that count up become far apart. */
    seed += UINT64_C(0x9e3779b97f4a7c15);
    seed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    seed = (seed ^ seed >> 27) * UINT64_C(0x94d049bb133111eb);
    seed ^= seed >> 31;
    return age_ns - tenth + seed % (2 * tenth + 1);
}

static uint64_t age_at(const struct arc_grpc_conn *conn)
{
    if (conn->aged_ns != 0 || conn->born_ns == ARC_GRPC_NEVER)
        return ARC_GRPC_NEVER;
    return after(conn->born_ns, conn->age_ns);
}

static uint64_t grace_at(const struct arc_grpc_conn *conn)
{
    return conn->aged_ns == 0 ? ARC_GRPC_NEVER : after(conn->aged_ns, conn->limits->age_grace_ns);
}

/* A stream that is open and says nothing, such as one to an idle agent, need not be looked at. */
static int somebody_waits(const struct arc_grpc_conn *conn)
{
    ARC_LIST_EACH(&conn->calls, link)
    {
        const struct arc_grpc_call *call = ARC_CONTAINER(link, struct arc_grpc_call, link);
        if (!call->parked &&
            (call->partial_ns != 0 || call->out.len > call->out_at || call->answered))
            return 1;
    }
    return 0;
}

/* Slow readers and slow messages are looked for in a walk over all calls: a timer for each would
 * cost every fast call. */
static uint64_t sweep_at(const struct arc_grpc_conn *conn)
{
    uint64_t shortest = conn->limits->stall_ns < conn->limits->message_grace_ns
                            ? conn->limits->stall_ns
                            : conn->limits->message_grace_ns;
    if (shortest == ARC_GRPC_NEVER || !somebody_waits(conn))
        return ARC_GRPC_NEVER;
    return after(conn->sweep_ns, shortest / 4 + 1);
}

uint64_t arc_grpc_conn_get_deadline(const struct arc_grpc_conn *conn)
{
    const struct arc_grpc_limits *limits = conn->limits;
    struct arc_timer *first = arc__heap_peek(&conn->timers);
    if (!arc__list_empty(&conn->ready))
        return 0;
    if (conn->dead || conn->ended)
        return ARC_GRPC_NEVER;
    const uint64_t due[] = {
        first != NULL ? first->deadline_ns : ARC_GRPC_NEVER,
        handshake_at(conn),
        conn->header_ns == 0 ? ARC_GRPC_NEVER : after(conn->header_ns, limits->headers_ns),
        conn->notice_ns == 0 ? ARC_GRPC_NEVER : after(conn->notice_ns, limits->drain_notice_ns),
        idle_at(conn),
        age_at(conn),
        grace_at(conn),
        keepalive_at(conn),
        sweep_at(conn),
    };
    uint64_t next = ARC_GRPC_NEVER;
    for (size_t i = 0; i < ARC_COUNT_OF(due); i++)
        next = due[i] < next ? due[i] : next;
    return next;
}

static void expire_calls(struct arc_grpc_conn *conn)
{
    struct arc_timer *first;
    while ((first = arc__heap_peek(&conn->timers)) != NULL && first->deadline_ns <= conn->now_ns) {
        struct arc_grpc_call *call = ARC_CONTAINER(first, struct arc_grpc_call, timer);
        arc__heap_disarm(&conn->timers, first);
        conn->counters->deadlines++;
        if (!call->cancelled)
            arc__grpc_call_fail(call, ARC_GRPC_WHY_DEADLINE, ARC_GRPC_DEADLINE_EXCEEDED,
                                "The deadline of the call has passed.");
    }
}

static void sweep_call(struct arc_grpc_call *call)
{
    struct arc_grpc_conn *conn = call->conn;
    const struct arc_grpc_limits *limits = conn->limits;
    uint64_t now = conn->now_ns;
    if (call->stream_closed || call->cancelled || call->parked)
        return;
    if (call->out_ns == 0)
        call->out_ns = now;
    if ((call->out.len > call->out_at && now >= after(call->out_ns, limits->stall_ns)) ||
        (call->held_back && now >= after(call->back_ns, limits->stall_ns))) {
        conn->counters->stalls++;
        /* Its window is shut: a status could not be read either. */
        call->cancelled = 1;
        arc__grpc_h2_reset(call, ARC_H2_CANCEL);
        arc__grpc_call_end(call, ARC_GRPC_WHY_PROTOCOL, ARC_GRPC_UNAVAILABLE,
                           "The peer stopped reading.");
        return;
    }
    if (call->answered && now >= after(call->out_ns, limits->stall_ns))
        arc__grpc_h2_reset(call, ARC_H2_NO_ERROR); /* it neither sends on nor ends */
    if (call->partial_ns == 0 || call->paused || call->held_back ||
        now < after(call->partial_ns, limits->message_grace_ns))
        return;
    uint64_t seconds = (now - call->partial_ns) / UINT64_C(1000000000);
    if (seconds > 0 && call->partial_got / seconds < limits->message_bytes_per_s) {
        conn->counters->stalls++;
        arc__grpc_call_fail(call, ARC_GRPC_WHY_PROTOCOL, ARC_GRPC_DEADLINE_EXCEEDED,
                            "The message came too slowly.");
    }
}

static void give_up(struct arc_grpc_conn *conn, uint64_t *counter, const char *what)
{
    ++*counter;
    conn->fault = what;
    conn->fault_status = ARC_EUNAVAILABLE;
    conn->dead = 1;
    arc__grpc_conn_lose_calls(conn, ARC_GRPC_WHY_LOST, what);
}

static void tick_age(struct arc_grpc_conn *conn)
{
    uint64_t now = conn->now_ns;
    if (now >= age_at(conn)) {
        conn->aged_ns = now > 0 ? now : 1;
        conn->counters->timeouts_age += !conn->draining;
        arc_grpc_conn_drain(conn, now);
    }
    if (now >= grace_at(conn)) {
        conn->fault = "The connection has reached its age.";
        conn->fault_status = ARC_EUNAVAILABLE;
        arc__grpc_h2_terminate(conn, ARC_H2_NO_ERROR);
        arc__grpc_conn_lose_calls(conn, ARC_GRPC_WHY_LOST, conn->fault);
    }
}

/* The block is late. One that was refused may long have ended: the answer to a PING would say so,
 * and cannot come while the block goes on. */
static void tick_block(struct arc_grpc_conn *conn)
{
    if (conn->block_lost == 1) {
        conn->block_lost = 2;
        conn->header_ns = conn->now_ns;
        arc__grpc_h2_ping(conn);
        return;
    }
    conn->header_ns = 0;
    arc__grpc_conn_flood(conn, &conn->counters->timeouts_headers,
                         "A header block came too slowly.");
}

static void tick_connection(struct arc_grpc_conn *conn)
{
    const struct arc_grpc_limits *limits = conn->limits;
    struct arc_grpc_counters *counters = conn->counters;
    uint64_t now = conn->now_ns;
    if (now >= handshake_at(conn)) {
        give_up(conn, &counters->timeouts_handshake, "The peer did not begin to speak HTTP/2.");
        return;
    }
    if (now >= keepalive_at(conn)) {
        if (conn->ping_ns != 0) {
            give_up(conn, &counters->timeouts_keepalive, "The peer does not answer any more.");
            return;
        }
        conn->ping_ns = now;
        arc__grpc_h2_ping(conn);
    }
    if (conn->header_ns != 0 && now >= after(conn->header_ns, limits->headers_ns))
        tick_block(conn);
    if (now >= idle_at(conn)) {
        counters->timeouts_idle++;
        arc_grpc_conn_drain(conn, now);
    }
    tick_age(conn);
    if (conn->ended)
        return;
    if (conn->notice_ns != 0 && now >= after(conn->notice_ns, limits->drain_notice_ns)) {
        conn->notice_ns = 0;
        arc__grpc_h2_goaway(conn);
    }
    if (now >= sweep_at(conn)) {
        conn->sweep_ns = now;
        ARC_LIST_EACH(&conn->calls, link)
        sweep_call(ARC_CONTAINER(link, struct arc_grpc_call, link));
    }
}

void arc_grpc_conn_tick(struct arc_grpc_conn *conn, uint64_t now_ns)
{
    if (conn->depth > 0)
        return;
    conn->depth++;
    conn->now_ns = now_ns;
    if (!conn->dead && !conn->ended) {
        expire_calls(conn);
        tick_connection(conn);
    }
    if (conn->ended)
        arc__grpc_conn_lose_calls(conn, ARC_GRPC_WHY_PROTOCOL, conn->fault);
    arc__grpc_conn_run_ready(conn);
    conn->depth--;
}

void arc_grpc_conn_drain(struct arc_grpc_conn *conn, uint64_t now_ns)
{
    if (conn->draining || conn->ended || conn->dead)
        return;
    conn->now_ns = now_ns;
    conn->draining = 1;
    if (!conn->server) {
        /* A client opens the calls itself, so nothing can cross the GOAWAY. */
        arc__grpc_h2_goaway(conn);
        return;
    }
    conn->notice_ns = now_ns;
    arc__grpc_h2_notice(conn);
}

void arc_grpc_conn_terminate(struct arc_grpc_conn *conn, uint64_t now_ns, uint32_t h2_code)
{
    if (conn->ended || conn->dead)
        return;
    conn->now_ns = now_ns;
    conn->fault = "The connection was shut down.";
    conn->fault_status = ARC_EUNAVAILABLE;
    arc__grpc_h2_terminate(conn, h2_code);
    conn->depth++;
    arc__grpc_conn_lose_calls(conn, ARC_GRPC_WHY_LOST, conn->fault);
    if (conn->depth == 1)
        arc__grpc_conn_run_ready(conn);
    conn->depth--;
}

void arc_grpc_conn_eof(struct arc_grpc_conn *conn, uint64_t now_ns)
{
    if (conn->depth > 0)
        return;
    conn->depth++;
    conn->now_ns = now_ns;
    conn->dead = 1;
    arc__grpc_conn_lose_calls(conn, ARC_GRPC_WHY_LOST,
                              conn->fault != NULL ? conn->fault : "The connection was lost.");
    arc__grpc_conn_run_ready(conn);
    conn->depth--;
}
