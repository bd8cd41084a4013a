/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_pipe.h"

/* Buffers read, and written, in one wake-up; then other connections get their turn. */
#define READS_MAX 4
#define LINGER_MAX_BYTES ((size_t)1 << 20)
#define WRITES_MAX 16

static uint64_t now_of(const struct arc_pipe_hub *hub)
{
    return hub->env.now_ns(hub->env.user);
}

static uint64_t after(uint64_t at_ns, uint64_t span_ns)
{
    return span_ns >= ARC_NET_NEVER - at_ns ? ARC_NET_NEVER : at_ns + span_ns;
}

arc_status arc__hub_init(struct arc_pipe_hub *hub, const struct arc_net_env *env,
                         const struct arc_grpc_limits *limits, arc_err *err)
{
    *hub = (struct arc_pipe_hub){.env = *env};
    arc__heap_init(&hub->timers, &hub->env.mem);
    arc__list_init(&hub->due);
    arc__grpc_pool_init(&hub->pool, &hub->env.mem, limits);
    hub->in = arc__alloc(&hub->env.mem, ARC_PIPE_BUFFER_BYTES);
    hub->out = arc__alloc(&hub->env.mem, ARC_PIPE_BUFFER_BYTES);
    if (hub->in != NULL && hub->out != NULL)
        return ARC_OK;
    arc__hub_deinit(hub);
    return arc__fail_nomem(err);
}

void arc__hub_deinit(struct arc_pipe_hub *hub)
{
    if (hub->env.mem.alloc == NULL)
        return;
    arc__heap_deinit(&hub->timers);
    arc__grpc_pool_deinit(&hub->pool);
    arc__free(&hub->env.mem, hub->in);
    arc__free(&hub->env.mem, hub->out);
    hub->in = hub->out = NULL;
}

/* --- one pipe -------------------------------------------------------------------------------- */

static void make_due(struct arc_grpc_pipe *pipe)
{
    if (!arc__list_linked(&pipe->due))
        arc__list_add_tail(&pipe->hub->due, &pipe->due);
}

void arc__pipe_touch(struct arc_grpc_pipe *pipe)
{
    make_due(pipe);
}

void arc__pipe_stop(struct arc_grpc_pipe *pipe)
{
    if (pipe->hub == NULL)
        return;
    arc__loop_del(pipe->hub->env.loop, &pipe->watch);
    arc__heap_disarm(&pipe->hub->timers, &pipe->timer);
    arc__list_remove(&pipe->due);
    arc__conn_close(&pipe->conn);
    arc__buf_deinit(&pipe->rest);
    arc__free(&pipe->hub->env.mem, pipe->why);
    pipe->why = NULL;
}

static void remember(struct arc_grpc_pipe *pipe, const arc_err *why)
{
    if (pipe->why == NULL)
        pipe->why = arc__alloc(&pipe->hub->env.mem, sizeof(*pipe->why));
    if (pipe->why != NULL && pipe->why != why)
        *pipe->why = *why;
}

static arc_err recall(const struct arc_grpc_pipe *pipe)
{
    arc_err why = ARC_ERR_INIT;
    if (pipe->why == NULL)
        (void)arc__fail_nomem(&why);
    return pipe->why != NULL ? *pipe->why : why;
}

static void end(struct arc_grpc_pipe *pipe, const arc_err *why)
{
    if (pipe->over)
        return;
    pipe->over = 1;
    remember(pipe, why);
    make_due(pipe);
}

void arc__pipe_fail(struct arc_grpc_pipe *pipe, const arc_err *err)
{
    end(pipe, err);
}

static void end_with(struct arc_grpc_pipe *pipe, arc_status status, const char *text)
{
    arc_err err = ARC_ERR_INIT;
    (void)arc__fail(&err, status, pipe->conn.peer_text, "%s", text);
    end(pipe, &err);
}

static void establish(struct arc_grpc_pipe *pipe)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__conn_establish(&pipe->conn, &err);
    if (status == ARC_EAGAIN)
        return;
    if (status != ARC_OK) {
        end(pipe, &err);
        return;
    }
    pipe->open = 1;
    pipe->handshake_at = ARC_NET_NEVER;
    pipe->read_again = 1;
    pipe->hub->on_open(pipe->hub->user, pipe);
}

static void pump_in(struct arc_grpc_pipe *pipe)
{
    struct arc_pipe_hub *hub = pipe->hub;
    arc_err err = ARC_ERR_INIT;
    pipe->read_again = 0;
    for (int i = 0; i < READS_MAX; i++) {
        size_t got = 0;
        arc_status status = arc__conn_read(&pipe->conn, hub->in, ARC_PIPE_BUFFER_BYTES, &got, &err);
        if (status == ARC_EAGAIN)
            return;
        if (status != ARC_OK) {
            end(pipe, &err);
            return;
        }
        hub->bytes_in += got;
        pipe->heard = 1;
        status = arc_grpc_conn_recv(pipe->wire, now_of(hub), arc__slice(hub->in, got), &err);
        if (status != ARC_OK) {
            remember(pipe, &err); /* its GOAWAY is still to be carried */
            return;
        }
        /* A plain socket that gave less than asked for is empty; a TLS record is only a record. */
        if (pipe->conn.tls == NULL && got < ARC_PIPE_BUFFER_BYTES)
            return;
    }
    pipe->read_again = 1;
}

/* ARC_OK: the socket took it all. */
static arc_status put(struct arc_grpc_pipe *pipe, const char *bytes, size_t len, size_t *done)
{
    arc_err err = ARC_ERR_INIT;
    *done = 0;
    while (*done < len) {
        size_t some = 0;
        arc_status status = arc__conn_write(&pipe->conn, bytes + *done, len - *done, &some, &err);
        if (status != ARC_OK) {
            if (status != ARC_EAGAIN)
                end(pipe, &err);
            return status;
        }
        *done += some;
        pipe->hub->bytes_out += some;
        pipe->stall_at = ARC_NET_NEVER;
    }
    return ARC_OK;
}

static void pump_out(struct arc_grpc_pipe *pipe)
{
    struct arc_pipe_hub *hub = pipe->hub;
    size_t done = 0;
    if (pipe->rest.len > 0) {
        arc_status status = put(pipe, pipe->rest.ptr, pipe->rest.len, &done);
        arc__buf_consume(&pipe->rest, done);
        if (status == ARC_EAGAIN && done > 0) /* its time begins anew, and does not end */
            pipe->stall_at = after(now_of(hub), hub->stall_ns);
        if (status != ARC_OK)
            return;
        arc__buf_deinit(&pipe->rest);
        arc__buf_init(&pipe->rest, &hub->env.mem, ARC_PIPE_BUFFER_BYTES);
    }
    for (int i = 0; i < WRITES_MAX; i++) {
        size_t len = arc_grpc_conn_send(pipe->wire, now_of(hub), hub->out, ARC_PIPE_BUFFER_BYTES);
        if (len == 0)
            return;
        arc_status status = put(pipe, hub->out, len, &done);
        if (status == ARC_OK)
            continue;
        if (status != ARC_EAGAIN)
            return;
        arc__buf_add(&pipe->rest, hub->out + done, len - done);
        if (pipe->rest.failed != ARC_OK)
            end_with(pipe, ARC_ENOMEM, "Out of memory.");
        pipe->stall_at = after(now_of(hub), hub->stall_ns);
        return;
    }
    make_due(pipe);
}

static void finish(struct arc_grpc_pipe *pipe)
{
    if (pipe->why != NULL)
        end(pipe, pipe->why);
    else if (arc__grpc_conn_fault(pipe->wire) != NULL)
        end_with(pipe, ARC_EPROTOCOL, arc__grpc_conn_fault(pipe->wire));
    else
        end_with(pipe, ARC_EDONE, "The connection has ended.");
}

/* A socket that is closed while its peer sends on is reset, and the peer may never read the GOAWAY
 * that says why. So our side alone is shut, and what comes is thrown away, for a short while. */
static void linger(struct arc_grpc_pipe *pipe)
{
    struct arc_pipe_hub *hub = pipe->hub;
    size_t got = 0;
    if (pipe->linger_at == 0) {
        arc__conn_shut(&pipe->conn);
        pipe->linger_at = after(now_of(hub), hub->linger_ns);
        pipe->read_again = 0;
    }
    arc_status status = arc__conn_discard(&pipe->conn, hub->in, ARC_PIPE_BUFFER_BYTES, &got);
    pipe->discarded += got;
    if (status != ARC_EAGAIN || pipe->discarded > LINGER_MAX_BYTES)
        finish(pipe);
}

static uint32_t wanted_events(const struct arc_grpc_pipe *pipe)
{
    if (!pipe->open)
        return pipe->conn.wants;
    uint32_t events = ARC_LOOP_READ;
    /* TLS may want to read for a write or to write for a read. */
    if (pipe->rest.len > 0)
        events |= pipe->conn.tls != NULL ? pipe->conn.wants : ARC_LOOP_WRITE;
    return events;
}

/* After each pump: what to watch, and when to look again. */
static void settle(struct arc_grpc_pipe *pipe)
{
    struct arc_pipe_hub *hub = pipe->hub;
    uint64_t next = pipe->handshake_at < pipe->stall_at ? pipe->handshake_at : pipe->stall_at;
    arc_err err = ARC_ERR_INIT;
    if (pipe->open && !pipe->over && pipe->rest.len == 0 && arc_grpc_conn_is_over(pipe->wire)) {
        if (pipe->linger_at != 0 || (pipe->heard && hub->linger_ns > 0))
            linger(pipe);
        else
            finish(pipe);
    }
    if (pipe->over)
        return;
    if (pipe->linger_at != 0) {
        next = pipe->linger_at;
    } else if (pipe->open) {
        uint64_t wire = arc_grpc_conn_get_deadline(pipe->wire);
        next = wire < next ? wire : next;
        if (pipe->read_again || arc__conn_pending(&pipe->conn) ||
            (pipe->rest.len == 0 && arc_grpc_conn_wants_send(pipe->wire)))
            make_due(pipe);
    }
    if (arc__loop_mod(hub->env.loop, &pipe->watch, wanted_events(pipe), &err) != ARC_OK)
        end(pipe, &err);
    else if (next == ARC_NET_NEVER)
        arc__heap_disarm(&hub->timers, &pipe->timer);
    else if (arc__heap_arm(&hub->timers, &pipe->timer, next, &err) != ARC_OK)
        end(pipe, &err);
}

static void pump(struct arc_grpc_pipe *pipe, int readable)
{
    if (!pipe->open && !pipe->over)
        establish(pipe);
    if (pipe->open && !pipe->over && pipe->linger_at == 0) {
        if (readable || pipe->read_again || arc__conn_pending(&pipe->conn))
            pump_in(pipe);
        if (!pipe->over)
            pump_out(pipe);
    }
    settle(pipe);
}

static void on_event(void *user, uint32_t events)
{
    (void)events; /* whatever it is, the next read or write says it best */
    pump(user, 1);
}

arc_status arc__pipe_start(struct arc_grpc_pipe *pipe, struct arc_pipe_hub *hub,
                           struct arc_grpc_conn *wire, arc_err *err)
{
    pipe->hub = hub;
    pipe->wire = wire;
    pipe->watch.fn = on_event;
    pipe->watch.user = pipe;
    pipe->handshake_at = after(now_of(hub), hub->handshake_ns);
    pipe->stall_at = ARC_NET_NEVER;
    arc__buf_init(&pipe->rest, &hub->env.mem, ARC_PIPE_BUFFER_BYTES);
    ARC_TRY(arc__heap_arm(&hub->timers, &pipe->timer, pipe->handshake_at, err));
    ARC_TRY(arc__loop_add(hub->env.loop, &pipe->watch, pipe->conn.fd, pipe->conn.wants, err));
    make_due(pipe); /* an accepted plain connection is established already */
    return ARC_OK;
}

static void tick(struct arc_grpc_pipe *pipe, uint64_t now)
{
    pipe->heard = 0;
    arc_grpc_conn_tick(pipe->wire, now);
}

static void expire(struct arc_grpc_pipe *pipe, uint64_t now)
{
    if (pipe->linger_at != 0 && now >= pipe->linger_at)
        finish(pipe);
    else if (now >= pipe->handshake_at)
        end_with(pipe, ARC_EDEADLINE, "The connection was not established in time.");
    else if (now >= pipe->stall_at)
        end_with(pipe, ARC_EDEADLINE, "The peer takes no bytes any more.");
    else if (pipe->open && !pipe->over)
        tick(pipe, now);
    make_due(pipe);
}

void arc__hub_tick(struct arc_pipe_hub *hub)
{
    struct arc_link batch;
    struct arc_timer *first;
    uint64_t now = now_of(hub);
    while ((first = arc__heap_peek(&hub->timers)) != NULL && first->deadline_ns <= now) {
        arc__heap_disarm(&hub->timers, first);
        expire(ARC_CONTAINER(first, struct arc_grpc_pipe, timer), now);
    }
    if (arc__list_empty(&hub->due))
        return;
    /* What becomes due meanwhile is for the next tick, so that this one ends. */
    arc__list_init(&batch);
    arc__list_add_tail(&hub->due, &batch);
    arc__list_remove(&hub->due);
    arc__list_init(&hub->due);
    while (!arc__list_empty(&batch)) {
        struct arc_grpc_pipe *pipe = ARC_CONTAINER(batch.next, struct arc_grpc_pipe, due);
        arc__list_remove(&pipe->due);
        if (!pipe->over && pipe->open && arc_grpc_conn_get_deadline(pipe->wire) <= now)
            tick(pipe, now);
        if (!pipe->over)
            pump(pipe, 0);
        if (pipe->over) {
            arc_err why = recall(pipe);
            arc__pipe_stop(pipe);
            hub->on_over(hub->user, pipe, &why);
        }
    }
}

uint64_t arc__hub_next_deadline(const struct arc_pipe_hub *hub)
{
    struct arc_timer *first = arc__heap_peek(&hub->timers);
    if (!arc__list_empty(&hub->due))
        return 0;
    return first != NULL ? first->deadline_ns : ARC_NET_NEVER;
}
