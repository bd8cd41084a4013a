/* SPDX-License-Identifier: Apache-2.0 */
/* A channel's calls between connections: how one comes back to the lobby and leaves it again.
 * Must stay true: a call is counted by exactly one connection, has its timer in that one's heap and
 * is known to no HTTP/2 stream while it is parked; it moves where no frame of ours is using it. */
#include <inttypes.h>
#include <stdio.h>

#include "wire/grpc_priv.h"

void arc__grpc_conn_set_keeper(struct arc_grpc_conn *conn, const struct arc_grpc_keeper *keeper)
{
    conn->keeper = keeper;
}

int arc__grpc_conn_is_lobby(const struct arc_grpc_conn *conn)
{
    return conn->keeper != NULL && conn->keeper->lobby == conn;
}

struct arc_grpc_again *arc__grpc_call_note(struct arc_grpc_call *call)
{
    return &call->again;
}

void arc__grpc_call_describe(const struct arc_grpc_call *call, struct arc_grpc_request *out)
{
    arc_slice name, value;
    size_t at = 0;
    *out = (struct arc_grpc_request)ARC_GRPC_REQUEST_INIT;
    while (arc__grpc_list_next(&call->list, &at, &name, &value)) {
        if (arc__slice_is(name, ":path"))
            out->path = value;
        else if (arc__slice_is(name, ":authority"))
            out->authority = value;
    }
    out->deadline_ns = call->deadline_ns;
    out->now_ns = call->conn->now_ns;
    out->wait_for_ready = call->again.wait_for_ready;
    out->idempotent = call->again.idempotent;
}

arc_status arc__grpc_call_wait(struct arc_grpc_call *call, const struct arc_grpc_request *request,
                               arc_err *err)
{
    arc__buf_clear(&call->list);
    arc__buf_add_slice(&call->list, arc__buf_slice(&call->conn->pool->scratch));
    ARC_TRY(arc__buf_check(&call->list, err));
    call->again.idempotent = request->idempotent != 0;
    call->again.wait_for_ready = request->wait_for_ready != 0;
    call->out.max_bytes = arc__grpc_out_max(call->conn->limits) + call->conn->keeper->keep_bytes;
    call->parked = 1;
    call->keep = 1;
    return ARC_OK;
}

/* --- where a call is ------------------------------------------------------------------------- */

/* From one connection's books to the other's. Only the timer can fail, and then nothing has
 * happened: the heap that it came from has room for it. */
static arc_status move(struct arc_grpc_call *call, struct arc_grpc_conn *to, arc_err *err)
{
    struct arc_grpc_conn *from = call->conn;
    size_t queued = call->out.len - call->out_at;
    size_t waits = call->wanted > 0;
    if (call->timer.place != 0) {
        arc__heap_disarm(&from->timers, &call->timer);
        arc_status status = arc__heap_arm(&to->timers, &call->timer, call->deadline_ns, err);
        if (status != ARC_OK) {
            (void)arc__heap_arm(&from->timers, &call->timer, call->deadline_ns, NULL);
            return status;
        }
    }
    arc__list_remove(&call->ready);
    arc__list_remove(&call->link);
    from->total--;
    from->open--;
    from->waiting -= waits;
    from->queued_bytes -= queued;
    if (arc__list_empty(&from->calls))
        from->idle_ns = from->now_ns;
    to->total++;
    to->open++;
    to->waiting += waits;
    to->queued_bytes += queued;
    arc__list_add_tail(&to->calls, &call->link);
    call->conn = to;
    if (call->due_deliver || call->due_writable || call->due_end)
        arc__grpc_call_mark(call);
    return ARC_OK;
}

/* --- back ------------------------------------------------------------------------------------ */

void arc__grpc_call_commit(struct arc_grpc_call *call)
{
    if (!call->keep)
        return;
    call->keep = 0;
    arc__buf_consume(&call->out, call->out_at);
    call->out_at = 0;
}

/* The stream goes its way without the call. */
static void leave_stream(struct arc_grpc_call *call)
{
    int all_said = call->finished && call->out_at == call->out.len;
    if (call->parked)
        return;
    /* After trailers a stream whose request is out closes by itself. */
    if (!call->stream_closed && !(call->in_end && all_said))
        arc__grpc_h2_reset(call, ARC_H2_CANCEL);
    if (!call->stream_closed)
        arc__grpc_h2_forget(call);
}

static void park(struct arc_grpc_call *call)
{
    struct arc_grpc_conn *conn = call->conn;
    arc__grpc_call_drop_input(call);
    leave_stream(call);
    conn->queued_bytes += call->out_at;
    call->out_at = 0;
    call->out_ns = 0;
    if (call->trail != NULL)
        arc__grpc_block_reset(call->trail);
    call->id = 0;
    call->received = 0;
    call->empty_frames = 0;
    call->status_code = 0;
    call->parked = 1;
    call->stream_closed = call->deferred = call->raised = call->turns = 0;
    call->in_end = call->in_done = 0;
    call->reset_by_us = call->fault_counted = 0;
    call->have_status = call->unprocessed = call->departed = 0;
    call->due_deliver = 0;
    if (!arc__grpc_conn_is_lobby(conn))
        arc__grpc_call_mark(call);
}

int arc__grpc_call_keep(struct arc_grpc_call *call, arc_grpc_why why, int code)
{
    const struct arc_grpc_keeper *keeper = call->conn->keeper;
    if (keeper == NULL || !call->is_open || call->cancelled)
        return 0;
    /* A deadline, or a response that breaks a limit of ours, would be no other the next time. */
    int outside = why == ARC_GRPC_WHY_DONE || why == ARC_GRPC_WHY_RESET || why == ARC_GRPC_WHY_LOST;
    struct arc_grpc_ending ending = {
        .code = code,
        .why = why,
        .unprocessed = call->unprocessed,
        .waiting = call->parked,
        .may_again = outside && call->keep && !call->headers_seen,
        .pushback = call->have_status ? call->trail->pushback : ARC_NONE,
        .note = &call->again,
    };
    if (!keeper->ended(keeper->owner, &ending) || !ending.may_again)
        return 0;
    park(call);
    return 1;
}

void arc__grpc_call_go_back(struct arc_grpc_call *call)
{
    arc_err err = ARC_ERR_INIT;
    if (move(call, call->conn->keeper->lobby, &err) == ARC_OK)
        return;
    call->cancelled = 1; /* not to be asked about */
    call->stream_closed = 1;
    arc__grpc_call_end(call, ARC_GRPC_WHY_NOMEM, ARC_GRPC_RESOURCE_EXHAUSTED, "Out of memory.");
}

/* --- and forth ------------------------------------------------------------------------------- */

/* The header list of this attempt, in the pool's scratch. */
static arc_status build(const struct arc_grpc_call *call, struct arc_grpc_conn *to,
                        const struct arc_grpc_field *fields, size_t count, arc_err *err)
{
    struct arc_buf *list = &to->pool->scratch;
    char text[16];
    ARC_TRY(arc__grpc_fields_check(fields, count, to->limits, 0, err));
    arc__buf_clear(list);
    arc__buf_add_slice(list, arc__buf_slice(&call->list));
    if (call->deadline_ns != ARC_GRPC_NEVER) {
        char timeout[ARC_GRPC_TIMEOUT_SIZE];
        uint64_t left = call->deadline_ns > to->now_ns ? call->deadline_ns - to->now_ns : 0;
        size_t len = arc__grpc_timeout_print(left, timeout);
        arc__grpc_list_add(list, ARC_LIT("grpc-timeout"), arc__slice(timeout, len));
    }
    if (call->again.attempts > 0) {
        int len = snprintf(text, sizeof(text), "%" PRIu32, call->again.attempts);
        arc__grpc_list_add(list, ARC_LIT("grpc-previous-rpc-attempts"),
                           arc__slice(text, (size_t)len));
    }
    arc__grpc_list_add_fields(list, fields, count);
    return arc__buf_check(list, err);
}

arc_status arc__grpc_call_reopen(struct arc_grpc_call *call, struct arc_grpc_conn *to,
                                 uint64_t now_ns, const struct arc_grpc_field *fields, size_t count,
                                 arc_err *err)
{
    struct arc_grpc_conn *from = call->conn;
    if (!call->is_open || call->cancelled || !call->parked)
        return arc__fail(err, ARC_ECANCELLED, "call", "The call has ended.");
    if (arc_grpc_conn_is_draining(to))
        return arc__fail(err, ARC_EUNAVAILABLE, "connection", "%s takes no more calls.", to->peer);
    if (to->open >= to->limits->calls_max || to->total >= 2 * to->limits->calls_max)
        return arc__fail(err, ARC_ELIMIT, "connection", "Too many calls at once to %s.", to->peer);
    to->now_ns = now_ns;
    ARC_TRY(build(call, to, fields, count, err));
    ARC_TRY(move(call, to, err));
    call->parked = 0;
    if (arc__grpc_h2_request(call, &to->pool->scratch) != 0) {
        call->parked = 1;
        (void)move(call, from, NULL);
        return to->draining ? arc__fail(err, ARC_EUNAVAILABLE, "connection",
                                        "%s takes no more calls.", to->peer)
                            : arc__fail_nomem(err);
    }
    call->again.at_ns = 0;
    return ARC_OK;
}

void arc__grpc_call_give_up(struct arc_grpc_call *call, arc_grpc_why why, int code,
                            const char *text)
{
    struct arc_grpc_conn *conn = call->conn;
    conn->depth++; /* events may not pump */
    call->cancelled = 1;
    call->unprocessed = 1;
    arc__grpc_h2_reset(call, ARC_H2_CANCEL);
    arc__grpc_call_end(call, why, code, text);
    conn->depth--;
}

/* --- the lobby ------------------------------------------------------------------------------- */

static int is_due(const struct arc_grpc_call *call, uint64_t now_ns)
{
    return call->parked && call->is_open && !call->cancelled && call->again.at_ns <= now_ns;
}

size_t arc__grpc_lobby_each(struct arc_grpc_conn *lobby, uint64_t now_ns,
                            void (*fn)(void *user, struct arc_grpc_call *call), void *user,
                            uint64_t *next)
{
    size_t left = 0;
    *next = ARC_GRPC_NEVER;
    lobby->now_ns = now_ns;
    /* What an event opens goes to the end; nothing but fn takes a call away from here. */
    ARC_LIST_EACH_SAFE(&lobby->calls, link)
    {
        struct arc_grpc_call *call = ARC_CONTAINER(link, struct arc_grpc_call, link);
        if (is_due(call, now_ns))
            fn(user, call);
        if (call->conn != lobby || !call->is_open || call->cancelled)
            continue;
        if (call->again.at_ns <= now_ns)
            left++;
        else if (call->again.at_ns < *next)
            *next = call->again.at_ns;
    }
    return left;
}

void arc__grpc_lobby_fail(struct arc_grpc_conn *lobby, uint64_t now_ns, const char *text)
{
    lobby->depth++;
    lobby->now_ns = now_ns;
    ARC_LIST_EACH(&lobby->calls, link)
    {
        struct arc_grpc_call *call = ARC_CONTAINER(link, struct arc_grpc_call, link);
        if (!is_due(call, now_ns) || call->again.wait_for_ready)
            continue;
        call->unprocessed = 1;
        call->stream_closed = 1;
        arc__grpc_call_end(call, ARC_GRPC_WHY_LOST, ARC_GRPC_UNAVAILABLE, text);
    }
    arc__grpc_conn_run_ready(lobby);
    lobby->depth--;
}
