/* SPDX-License-Identifier: Apache-2.0 */
/* What a call does, without HTTP/2: messages in and out, its end, and the events that were put off.
 * Must stay true: on_close comes once; after it no event of the call comes; an object is released
 * in one place, arc__grpc_conn_run_ready, where no other frame of ours can be using it. */
#include <stdio.h>

#include "base/options.h"
#include "wire/grpc_priv.h"

/* --- life ------------------------------------------------------------------------------------ */

size_t arc__grpc_out_max(const struct arc_grpc_limits *limits)
{
    return (size_t)(limits->queue_max_bytes + limits->message_send_max_bytes + 1024) * 2;
}

struct arc_grpc_call *arc__grpc_call_make(struct arc_grpc_conn *conn)
{
    struct arc_grpc_call *call;
    struct arc_grpc_pool *pool = conn->pool;
    if (!arc__list_empty(&pool->calls)) {
        call = ARC_CONTAINER(pool->calls.next, struct arc_grpc_call, link);
        arc__list_remove(&call->link);
        pool->call_count--;
    } else {
        const struct arc_grpc_limits *limits = conn->limits;
        call = arc__alloc(&conn->mem, sizeof(*call));
        if (call == NULL)
            return NULL;
        arc__lpm_init(&call->lpm, &conn->mem, (uint32_t)limits->message_max_bytes);
        arc__buf_init(&call->held, &conn->mem, 2 * (size_t)limits->stream_window_bytes);
        arc__buf_init(&call->out, &conn->mem, arc__grpc_out_max(limits));
        arc__buf_init(&call->list, &conn->mem, 4 * (size_t)limits->header_list_max_bytes + 65536);
    }
    call->conn = conn;
    call->events = conn->events;
    call->user = conn->user;
    call->deadline_ns = ARC_GRPC_NEVER;
    arc__list_add_tail(&conn->calls, &call->link);
    conn->total++;
    return call;
}

void arc__grpc_call_destroy(struct arc_grpc_call *call, const struct arc_mem *mem)
{
    arc__lpm_deinit(&call->lpm);
    arc__buf_deinit(&call->held);
    arc__buf_deinit(&call->out);
    arc__buf_deinit(&call->list);
    if (call->trail != NULL)
        arc__grpc_block_deinit(call->trail);
    arc__free(mem, call->trail);
    arc__grpc_intercept_forget(call, mem);
    arc__free(mem, call);
}

static void trim(struct arc_buf *buf)
{
    if (buf->capacity > ARC_GRPC_POOL_KEEP_BYTES) {
        struct arc_buf fresh;
        arc__buf_init(&fresh, &buf->mem, buf->max_bytes);
        arc__buf_deinit(buf);
        *buf = fresh;
    }
    arc__buf_clear(buf);
}

void arc__grpc_call_release(struct arc_grpc_call *call)
{
    struct arc_grpc_conn *conn = call->conn;
    arc__list_remove(&call->ready);
    arc__list_remove(&call->link);
    conn->total--;
    arc__heap_disarm(&conn->timers, &call->timer);
    conn->queued_bytes -= call->out.len - call->out_at;
    conn->waiting -= call->wanted > 0;
    if (arc__list_empty(&conn->calls))
        conn->idle_ns = conn->now_ns;
    if (conn->pool->call_count >= ARC_GRPC_POOL_CALLS_MAX || conn->dead) {
        arc__grpc_call_destroy(call, &conn->mem);
        return;
    }
    arc__lpm_clear(&call->lpm, ARC_GRPC_POOL_KEEP_BYTES);
    trim(&call->held);
    trim(&call->out);
    trim(&call->list);
    if (call->trail != NULL)
        arc__grpc_block_reset(call->trail);
    struct arc_grpc_call clean = {
        .conn = conn,
        .lpm = call->lpm,
        .held = call->held,
        .out = call->out,
        .list = call->list,
        .trail = call->trail,
        .track = call->track,
    };
    *call = clean;
    /* The warmest first. */
    arc__list_add_tail(conn->pool->calls.next, &call->link);
    conn->pool->call_count++;
}

void arc__grpc_call_mark(struct arc_grpc_call *call)
{
    if (!arc__list_linked(&call->ready))
        arc__list_add_tail(&call->conn->ready, &call->ready);
    arc__grpc_conn_touch(call->conn);
}

static void drop_message(struct arc_grpc_call *call)
{
    call->conn->assembly_bytes -= call->assembly;
    call->assembly = 0;
    arc__lpm_clear(&call->lpm, 0);
}

static void let_go(struct arc_grpc_call *call)
{
    call->conn->held_back -= call->held_back;
    call->held_back = 0;
}

/* What was received and not delivered goes, and its window back to the peer. */
static void drop_input(struct arc_grpc_call *call)
{
    struct arc_grpc_conn *conn = call->conn;
    conn->held_bytes -= call->held.len - call->held_at;
    call->held_at = 0;
    arc__buf_clear(&call->held);
    let_go(call);
    call->partial_ns = 0;
    call->in_done = 1;
    if (!call->delivering)
        drop_message(call);
    if (call->unconsumed > 0)
        arc__grpc_h2_consume(call, call->unconsumed);
}

void arc__grpc_call_drop_input(struct arc_grpc_call *call)
{
    drop_input(call);
}

/* The application's hold ends; the stream may go on for a while. */
static int close_hold(struct arc_grpc_call *call)
{
    struct arc_grpc_conn *conn = call->conn;
    if (!call->is_open)
        return 0;
    call->is_open = 0;
    conn->open--;
    arc__heap_disarm(&conn->timers, &call->timer);
    if (call->wanted > 0) {
        call->wanted = 0;
        conn->waiting--;
    }
    call->due_deliver = call->due_writable = call->due_end = 0;
    return 1;
}

static void say_end(struct arc_grpc_call *call, const struct arc_grpc_status *status)
{
    arc_grpc_why why = status->why;
    /* The trailers of `status` live in call->trail, which drop_input leaves alone. */
    drop_input(call);
    if (!call->conn->server && call->events->on_status != NULL)
        call->events->on_status(call->user, call, status);
    if (call->events->on_close != NULL && !call->dropped)
        call->events->on_close(call->user, call, why);
    arc__grpc_intercept_end(call, why, status->code);
    if (call->stream_closed)
        arc__grpc_call_mark(call);
}

void arc__grpc_call_end(struct arc_grpc_call *call, arc_grpc_why why, int code, const char *text)
{
    struct arc_grpc_status status = {
        .code = code,
        .message = arc__slice_cstr(text),
        .unprocessed = call->unprocessed,
        .why = why,
    };
    if (!arc__grpc_call_keep(call, why, code) && close_hold(call))
        say_end(call, &status);
}

/* A client's call ends with the status that the server sent. */
static void end_with_trailers(struct arc_grpc_call *call)
{
    const struct arc_grpc_block *trail = call->trail;
    struct arc_grpc_status status = {
        .code = call->status_code,
        .fields = trail->fields,
        .count = trail->count,
        .unprocessed = call->unprocessed,
        .why = ARC_GRPC_WHY_DONE,
    };
    struct arc_buf text;
    arc__buf_init(&text, &call->conn->mem, 4 * trail->message.len + 16);
    arc__grpc_message_decode(&text, trail->message);
    status.message = text.failed == ARC_OK ? arc__buf_slice(&text) : ARC_NONE;
    if (close_hold(call))
        say_end(call, &status);
    arc__buf_deinit(&text);
}

static arc_status add_status(struct arc_buf *list, int code, arc_slice message)
{
    char digits[16] = {(char)('0' + code)};
    int len = 1;
    if (code < 0 || code > 9)
        len = snprintf(digits, sizeof(digits), "%d", code);
    arc__grpc_list_add(list, ARC_LIT("grpc-status"), arc__slice(digits, (size_t)len));
    if (message.len > 0) {
        struct arc_buf text;
        arc__buf_init(&text, &list->mem, ARC_GRPC_MESSAGE_MAX_BYTES);
        arc__grpc_message_add(&text, message);
        if (text.failed == ARC_OK)
            arc__grpc_list_add(list, ARC_LIT("grpc-message"), arc__buf_slice(&text));
        arc__buf_deinit(&text);
    }
    return arc__buf_check(list, NULL);
}

/* Queues the status behind what is queued. -1: it could not be, the stream is reset. */
static int submit_status(struct arc_grpc_call *call, int code, arc_slice message,
                         const struct arc_grpc_field *fields, size_t count)
{
    struct arc_buf *list = &call->list;
    int only = !call->headers_sent;
    call->finished = 1;
    call->status_code = code;
    if (call->wanted > 0) {
        call->wanted = 0;
        call->conn->waiting--;
    }
    arc__buf_clear(list);
    if (!only && code == ARC_GRPC_OK && message.len == 0 && count == 0) {
        /* The usual end; an empty list stands for it. */
        arc__grpc_h2_resume(call);
        return 0;
    }
    if (only) {
        arc__grpc_list_add(list, ARC_LIT(":status"), ARC_LIT("200"));
        arc__grpc_list_add(list, ARC_LIT("content-type"), ARC_LIT("application/grpc"));
    }
    if (code == ARC_GRPC_UNIMPLEMENTED)
        arc__grpc_list_add(list, ARC_LIT("grpc-accept-encoding"),
                           arc__grpc_encoding_names(call->conn->accepts));
    arc_status added = add_status(list, code, message);
    arc__grpc_list_add_fields(list, fields, count);
    if (added != ARC_OK || arc__buf_check(list, NULL) != ARC_OK ||
        (only && arc__grpc_h2_headers(call, list, 1) != 0)) {
        arc__grpc_h2_reset(call, ARC_H2_INTERNAL_ERROR);
        return -1;
    }
    call->headers_sent = 1;
    if (!only)
        arc__grpc_h2_resume(call);
    return 0;
}

/* Ends a call from our side before its time: a limit, a rule, a deadline. */
static void fail_call(struct arc_grpc_call *call, arc_grpc_why why, int code, const char *text)
{
    if (call->conn->server && !call->finished)
        (void)submit_status(call, code, arc__slice_cstr(text), NULL, 0);
    else
        arc__grpc_h2_reset(call, ARC_H2_CANCEL);
    if (call->is_open)
        arc__grpc_call_end(call, why, code, text);
    else
        drop_input(call);
}

void arc__grpc_call_fail(struct arc_grpc_call *call, arc_grpc_why why, int code, const char *text)
{
    fail_call(call, why, code, text);
}

/* --- in -------------------------------------------------------------------------------------- */

static void message_refused(struct arc_grpc_call *call, arc_status status, const arc_err *why)
{
    switch (status) {
    case ARC_ELIMIT:
    case ARC_EAGAIN: /* of the memory that all calls share */
        fail_call(call, ARC_GRPC_WHY_PROTOCOL, ARC_GRPC_RESOURCE_EXHAUSTED, why->message);
        return;
    case ARC_ENOMEM:
        fail_call(call, ARC_GRPC_WHY_NOMEM, ARC_GRPC_RESOURCE_EXHAUSTED, "Out of memory.");
        return;
    default:
        fail_call(call, ARC_GRPC_WHY_PROTOCOL, ARC_GRPC_INTERNAL, why->message);
        return;
    }
}

/* Keeps count of the memory that messages in pieces take. 0: the connection holds too much. */
static int count_assembly(struct arc_grpc_call *call)
{
    struct arc_grpc_conn *conn = call->conn;
    size_t held = arc__lpm_held_bytes(&call->lpm);
    conn->assembly_bytes = conn->assembly_bytes - call->assembly + held;
    call->assembly = held;
    return conn->assembly_bytes <= conn->limits->assembly_max_bytes;
}

int arc__grpc_conn_reclaim(struct arc_grpc_conn *conn, const struct arc_grpc_call *except)
{
    ARC_LIST_EACH(&conn->calls, link)
    {
        struct arc_grpc_call *call = ARC_CONTAINER(link, struct arc_grpc_call, link);
        if (call != except && call->assembly > 0 && !call->delivering &&
            !arc__lpm_partial(&call->lpm))
            drop_message(call);
    }
    return conn->assembly_bytes <= conn->limits->assembly_max_bytes;
}

/* A message that goes on beyond the bytes that are there. */
static void note_partial(struct arc_grpc_call *call, size_t used, int within)
{
    struct arc_grpc_conn *conn = call->conn;
    if (call->partial_ns == 0) {
        call->partial_ns = conn->now_ns;
        call->partial_got = 0;
    }
    call->partial_got += used;
    if (within)
        return;
    conn->counters->refused_assembly++;
    fail_call(call, ARC_GRPC_WHY_PROTOCOL, ARC_GRPC_RESOURCE_EXHAUSTED,
              "Too many large messages at once on this connection.");
}

/* The next message, where it does not lie whole in the bytes. ARC_OK: deliver it. ARC_EAGAIN: go
 * on. ARC_EDONE: it was refused. */
static arc_status next_message(struct arc_grpc_call *call, arc_slice bytes, size_t *used,
                               arc_slice *message, int *compressed)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__lpm_next(&call->lpm, bytes, used, message, compressed, &err);
    int within = count_assembly(call) || arc__grpc_conn_reclaim(call->conn, call);
    if (status == ARC_EAGAIN) {
        note_partial(call, *used, within);
        return ARC_EAGAIN;
    }
    if (status == ARC_OK)
        return ARC_OK;
    call->conn->counters->refused_message_size += status == ARC_ELIMIT;
    message_refused(call, status, &err);
    return ARC_EDONE;
}

static void give_message(struct arc_grpc_call *call, arc_slice message)
{
    struct arc_grpc_conn *conn = call->conn;
    conn->counters->messages_in++;
    conn->counters->message_bytes_in += message.len;
    call->delivering = 1;
    if (call->track != NULL)
        arc__grpc_intercept_message(call, 0, message.len);
    if (!call->in_done && call->events->on_message != NULL)
        call->events->on_message(call->user, call, message);
    call->delivering = 0;
}

static void give_packed(struct arc_grpc_call *call, arc_slice message)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__grpc_message_unpack(call, &message, &err);
    if (status != ARC_OK) {
        message_refused(call, status, &err);
        return;
    }
    give_message(call, message);
    arc__grpc_message_forget(call->conn, 1);
}

/* More is queued for the peer than the bound says. Who asks for more answers than it reads gets no
 * further message of it delivered until it has read some. */
static int is_full(const struct arc_grpc_conn *conn)
{
    return conn->server && conn->queued_bytes > conn->limits->conn_queue_max_bytes;
}

/* Delivers whole messages until the bytes end or the call is paused. Answers the bytes taken. */
static size_t deliver(struct arc_grpc_call *call, arc_slice bytes)
{
    size_t at = 0;
    while (at < bytes.len && !call->paused && !call->in_done && !is_full(call->conn)) {
        arc_slice message = ARC_NONE, rest = arc__slice_from(bytes, at);
        size_t used = arc__lpm_whole(&call->lpm, rest, &message);
        int compressed = 0;
        if (used == 0) {
            arc_status status = next_message(call, rest, &used, &message, &compressed);
            at += used;
            if (status == ARC_EAGAIN)
                continue;
            if (status != ARC_OK)
                break;
        } else {
            at += used;
        }
        call->partial_ns = 0;
        call->was_packed = compressed != 0;
        call->last = at == bytes.len && (call->in_end || call->frame_last);
        if (compressed)
            give_packed(call, message);
        else
            give_message(call, message);
        if (call->in_done)
            drop_message(call);
    }
    /* A reader that has ended takes the rest without looking. */
    return call->in_done ? bytes.len : at;
}

static void end_of_reading(struct arc_grpc_call *call)
{
    if (call->in_done)
        return;
    if (arc__lpm_partial(&call->lpm) &&
        (call->conn->server || !call->have_status || call->status_code == ARC_GRPC_OK)) {
        fail_call(call, ARC_GRPC_WHY_PROTOCOL, ARC_GRPC_INTERNAL,
                  "The stream ended inside a message.");
        return;
    }
    call->in_done = 1;
    if (call->conn->server) {
        if (call->is_open && call->events->on_half_close != NULL)
            call->events->on_half_close(call->user, call);
        return;
    }
    if (call->have_status && arc__grpc_call_keep(call, ARC_GRPC_WHY_DONE, call->status_code))
        return;
    /* The server has said its last word; what we still had to send interests nobody. */
    arc_grpc_call_half_close(call);
    if (call->have_status)
        end_with_trailers(call);
    else
        arc__grpc_call_end(call, ARC_GRPC_WHY_PROTOCOL, ARC_GRPC_UNKNOWN,
                           "The server ended the stream without a status.");
}

static void hold_back(struct arc_grpc_call *call)
{
    if (call->held_back)
        return;
    call->held_back = 1;
    call->back_ns = call->conn->now_ns;
    call->conn->held_back++;
}

static void hold(struct arc_grpc_call *call, arc_slice bytes)
{
    struct arc_grpc_conn *conn = call->conn;
    if (call->held_at > 0) {
        arc__buf_consume(&call->held, call->held_at);
        call->held_at = 0;
    }
    size_t before = call->held.len;
    if (!call->paused && is_full(conn))
        hold_back(call);
    arc__buf_add_slice(&call->held, bytes);
    conn->held_bytes += call->held.len - before;
    if (call->held.failed != ARC_OK)
        fail_call(call, ARC_GRPC_WHY_NOMEM, ARC_GRPC_RESOURCE_EXHAUSTED, "Out of memory.");
}

void arc__grpc_call_data(struct arc_grpc_call *call, arc_slice bytes)
{
    const struct arc_grpc_limits *limits = call->conn->limits;
    call->received += bytes.len;
    call->unconsumed += bytes.len;
    if (call->in_done) {
        arc__grpc_h2_consume(call, bytes.len);
        arc__grpc_call_stop_sender(call);
        return;
    }
    int full = is_full(call->conn);
    if (!full && !call->raised && call->received > limits->stream_window_first_bytes / 4 &&
        limits->stream_window_bytes > limits->stream_window_first_bytes)
        arc__grpc_h2_raise_window(call);
    if (call->held.len > call->held_at || call->paused || full) {
        hold(call, bytes);
        return;
    }
    size_t taken = deliver(call, bytes);
    if (taken < bytes.len)
        hold(call, arc__slice_from(bytes, taken));
    if (call->unconsumed >= taken && taken > 0)
        arc__grpc_h2_consume(call, taken);
}

/* A client that was refused in HTTP ends a short request by itself; one that is still sending a
 * long one is told to stop. */
void arc__grpc_call_stop_sender(struct arc_grpc_call *call)
{
    if (call->answered && call->received > ARC_GRPC_HTTP_BODY_BYTES)
        arc__grpc_h2_reset(call, ARC_H2_NO_ERROR);
}

/* The time of a message stands still while nothing is read of it by our own doing. */
static void begin_anew(struct arc_grpc_call *call)
{
    if (call->partial_ns != 0)
        call->partial_ns = call->conn->now_ns;
    call->partial_got = 0;
}

static void deliver_held(struct arc_grpc_call *call)
{
    struct arc_grpc_conn *conn = call->conn;
    size_t waiting = call->held.len - call->held_at;
    if (waiting > 0 && !call->in_done && !call->paused) {
        begin_anew(call);
        /* Moved out: an event may put more into call->held, which may move. */
        struct arc_buf bytes = call->held;
        size_t from = call->held_at;
        arc__buf_init(&call->held, &conn->mem, bytes.max_bytes);
        call->held_at = 0;
        conn->held_bytes -= waiting;
        size_t taken = deliver(call, arc__slice(bytes.ptr + from, waiting));
        if (taken < waiting && !call->paused)
            hold_back(call);
        if (taken < waiting) {
            call->held = bytes;
            call->held_at = from + taken;
            conn->held_bytes += waiting - taken;
        } else {
            arc__buf_deinit(&bytes);
        }
        if (call->unconsumed >= taken && taken > 0)
            arc__grpc_h2_consume(call, taken);
    }
    if (call->in_end && call->held.len == call->held_at && !call->paused)
        end_of_reading(call);
}

void arc__grpc_call_end_of_data(struct arc_grpc_call *call)
{
    call->in_end = 1;
    if (call->held.len == call->held_at && !call->paused)
        end_of_reading(call);
}

/* --- beginning and end ----------------------------------------------------------------------- */

/* Answers a request that never becomes a call of the application. */
static void refuse(struct arc_grpc_call *call, uint64_t *counter, int code, const char *text)
{
    ++*counter;
    drop_input(call);
    (void)submit_status(call, code, arc__slice_cstr(text), NULL, 0);
}

/* In the words of HTTP, for a client that speaks no gRPC: a line of text says why. */
static void refuse_http(struct arc_grpc_call *call, const struct arc_grpc_block *block,
                        uint64_t *counter, const char *http_status, arc_slice text)
{
    struct arc_buf *list = &call->list;
    ++*counter;
    drop_input(call);
    arc__buf_clear(list);
    arc__grpc_list_add(list, ARC_LIT(":status"), arc__slice_cstr(http_status));
    arc__grpc_list_add(list, ARC_LIT("content-type"), ARC_LIT("text/plain"));
    if (!block->is_post)
        arc__grpc_list_add(list, ARC_LIT("allow"), ARC_LIT("POST"));
    if (!block->is_head)
        arc__buf_add_slice(&call->out, text);
    call->conn->queued_bytes += call->out.len;
    call->finished = 1;
    call->is_http = 1;
    if (arc__buf_check(list, NULL) != ARC_OK || arc__buf_check(&call->out, NULL) != ARC_OK ||
        arc__grpc_h2_headers(call, list, block->is_head) != 0)
        arc__grpc_h2_reset(call, ARC_H2_INTERNAL_ERROR);
    call->headers_sent = 1;
}

/* A request becomes a call of the application, if the interceptors let it. */
static void begin(struct arc_grpc_call *call, const struct arc_grpc_request *request)
{
    struct arc_grpc_conn *conn = call->conn;
    struct arc_grpc_counters *counters = conn->counters;
    if (conn->interceptor_count > 0) {
        char text[ARC_GRPC_REFUSAL_SIZE];
        int code = ARC_GRPC_OK;
        arc_status status = arc__grpc_intercept_begin(call, request, &code, text);
        if (status != ARC_OK) {
            refuse(call,
                   status == ARC_ENOMEM ? &counters->refused_headers
                                        : &counters->refused_interceptor,
                   code, text);
            return;
        }
    }
    call->is_open = 1;
    conn->open++;
    if (arc_grpc_call_set_deadline(call, request->deadline_ns, NULL) != ARC_OK) {
        call->is_open = 0;
        conn->open--;
        arc__grpc_intercept_end(call, ARC_GRPC_WHY_NOMEM, ARC_GRPC_RESOURCE_EXHAUSTED);
        refuse(call, &counters->refused_headers, ARC_GRPC_RESOURCE_EXHAUSTED, "Out of memory.");
        return;
    }
    counters->calls++;
    if (call->events->on_call != NULL)
        call->events->on_call(call->user, call, request);
    else
        fail_call(call, ARC_GRPC_WHY_DONE, ARC_GRPC_UNIMPLEMENTED, "Nothing is served here.");
}

/* A request without "te: trailers" is served: the field tells of proxies that drop trailers, and
 * where one stands, its client cannot be helped by a refusal either. Another value than that is a
 * fault of HTTP/2, which nghttp2 answers. */
void arc__grpc_call_request(struct arc_grpc_call *call, struct arc_grpc_block *block)
{
    struct arc_grpc_conn *conn = call->conn;
    struct arc_grpc_counters *counters = conn->counters;
    uint64_t timeout_ns = ARC_GRPC_NEVER;
    if (block->over) {
        refuse(call, &counters->refused_headers, ARC_GRPC_RESOURCE_EXHAUSTED,
               "The metadata is larger than this server takes.");
    } else if (block->nomem) {
        refuse(call, &counters->refused_headers, ARC_GRPC_RESOURCE_EXHAUSTED, "Out of memory.");
    } else if (!block->is_post) {
        refuse_http(call, block, &counters->refused_method, "405",
                    ARC_LIT("This server speaks gRPC: its methods are called with POST.\n"));
    } else if (!arc__grpc_content_type_valid(block->content_type)) {
        refuse_http(call, block, &counters->refused_content_type, "415",
                    ARC_LIT("This server speaks gRPC: its content-type is application/grpc.\n"));
    } else if (!arc__grpc_path_valid(block->path)) {
        refuse(call, &counters->refused_metadata, ARC_GRPC_UNIMPLEMENTED,
               "The path is not that of a method.");
    } else if (arc__grpc_encoding_read(call, block) != 0) {
        refuse(call, &counters->refused_encoding, ARC_GRPC_UNIMPLEMENTED,
               (conn->accepts & ARC_GRPC_GZIP) != 0
                   ? "The encoding of the messages is none of identity and gzip."
                   : "Only the encoding identity is offered.");
    } else if (block->bad) {
        refuse(call, &counters->refused_metadata, ARC_GRPC_INVALID_ARGUMENT,
               "A -bin value of the metadata is no base64.");
    } else if (block->timeout.ptr != NULL &&
               arc__grpc_timeout_parse(block->timeout, &timeout_ns, NULL) != ARC_OK) {
        arc_err err = ARC_ERR_INIT; /* again, for the words: nearly all requests need none */
        (void)arc__grpc_timeout_parse(block->timeout, &timeout_ns, &err);
        refuse(call, &counters->refused_metadata, ARC_GRPC_INVALID_ARGUMENT, err.message);
    } else {
        struct arc_grpc_request request = {
            .size = sizeof(request),
            .path = block->path,
            .authority = block->authority,
            .fields = block->fields,
            .count = block->count,
            .deadline_ns = ARC_GRPC_NEVER,
            .now_ns = conn->now_ns,
            .encoding = call->unpacks ? ARC_GRPC_GZIP : ARC_GRPC_IDENTITY,
        };
        if (timeout_ns < ARC_GRPC_NEVER - conn->now_ns)
            request.deadline_ns = conn->now_ns + timeout_ns;
        begin(call, &request);
    }
}

void arc__grpc_call_response(struct arc_grpc_call *call, struct arc_grpc_block *block, int last)
{
    struct arc_grpc_conn *conn = call->conn;
    if (!call->is_open || call->cancelled)
        return;
    if (block->over || block->nomem) {
        fail_call(call, ARC_GRPC_WHY_PROTOCOL, ARC_GRPC_RESOURCE_EXHAUSTED,
                  "The server's metadata is larger than this client takes.");
        return;
    }
    if (!call->headers_seen && !last) {
        char text[64];
        call->headers_seen = 1;
        arc__grpc_call_commit(call);
        if (block->http_status != 200 || !arc__grpc_content_type_valid(block->content_type)) {
            snprintf(text, sizeof(text), "The server answered HTTP %d and no gRPC.",
                     block->http_status);
            fail_call(call, ARC_GRPC_WHY_PROTOCOL, arc__grpc_status_from_http(block->http_status),
                      text);
        } else if (arc__grpc_encoding_read(call, block) != 0) {
            conn->counters->refused_encoding++;
            fail_call(call, ARC_GRPC_WHY_PROTOCOL, ARC_GRPC_INTERNAL,
                      "The server answers in an encoding that was not offered.");
        } else if (block->bad) {
            fail_call(call, ARC_GRPC_WHY_PROTOCOL, ARC_GRPC_INTERNAL,
                      "A -bin value of the metadata is no base64.");
        } else if (call->events->on_headers != NULL) {
            call->events->on_headers(call->user, call, block->fields, block->count);
        }
        return;
    }
    if (!last)
        return; /* nghttp2 lets no such block through; it would be informational */
    if (call->trail == NULL) {
        call->trail = arc__alloc(&conn->mem, sizeof(*call->trail));
        if (call->trail == NULL) {
            fail_call(call, ARC_GRPC_WHY_NOMEM, ARC_GRPC_RESOURCE_EXHAUSTED, "Out of memory.");
            return;
        }
        arc__grpc_block_init(call->trail, conn);
    }
    call->have_status = 1;
    if (block->status.ptr != NULL) {
        call->status_code = arc__grpc_status_parse(block->status);
    } else {
        call->status_code =
            call->headers_seen ? ARC_GRPC_UNKNOWN : arc__grpc_status_from_http(block->http_status);
        block->message =
            call->headers_seen
                ? ARC_LIT("The server ended the call without a status.")
                : arc__arena_printf(&block->arena, "The server answered HTTP %d and no gRPC.",
                                    block->http_status);
    }
    /* A trailing line that cannot be read is left out: the status is worth more. */
    arc__grpc_block_add_details(block);
    /* The call takes the block over, the connection gets the call's empty one. */
    struct arc_grpc_block spare = *call->trail;
    *call->trail = *block;
    *block = spare;
}

void arc__grpc_call_closed(struct arc_grpc_call *call, uint32_t h2_code)
{
    struct arc_grpc_conn *conn = call->conn;
    call->stream_closed = 1;
    conn->queued_bytes -= call->out.len - call->out_at;
    call->out_at = call->out.len;
    arc__grpc_call_mark(call);
    if (!call->is_open || call->cancelled)
        return;
    if (conn->server) {
        int done = call->finished && h2_code == ARC_H2_NO_ERROR;
        arc__grpc_call_end(call, done ? ARC_GRPC_WHY_DONE : ARC_GRPC_WHY_RESET, 0, NULL);
        return;
    }
    if (call->have_status || (call->in_end && !call->in_done))
        return; /* the status waits for a paused reader */
    if (h2_code == ARC_H2_CANCEL && call->deadline_ns <= conn->now_ns) {
        /* The server's clock was the faster one. */
        conn->counters->deadlines++;
        arc__grpc_call_end(call, ARC_GRPC_WHY_DEADLINE, ARC_GRPC_DEADLINE_EXCEEDED,
                           "The deadline of the call has passed.");
        return;
    }
    call->unprocessed = h2_code == ARC_H2_REFUSED_STREAM;
    arc__grpc_call_end(call, ARC_GRPC_WHY_RESET, arc__grpc_status_from_h2(h2_code),
                       call->unprocessed ? "The server did not take the call."
                                         : "The server reset the stream.");
}

/* --- out ------------------------------------------------------------------------------------- */

size_t arc__grpc_call_take(struct arc_grpc_call *call, uint8_t *buf, size_t size, int *end)
{
    size_t waiting = call->out.len - call->out_at;
    size_t take = waiting < size ? waiting : size;
    if (take > 0) {
        memcpy(buf, call->out.ptr + call->out_at, take);
        call->out_at += take;
        call->conn->queued_bytes -= take;
        call->out_ns = call->conn->took_ns = call->conn->now_ns;
    }
    if (call->out_at == call->out.len && !call->keep) {
        arc__buf_clear(&call->out);
        call->out_at = 0;
    }
    *end = take == waiting && call->finished;
    return take;
}

static int fits(const struct arc_grpc_call *call, size_t need, size_t queue_max)
{
    const struct arc_grpc_conn *conn = call->conn;
    size_t waiting = call->out.len - call->out_at;
    return waiting == 0 || (waiting + need <= queue_max &&
                            conn->queued_bytes + need <= conn->limits->conn_queue_max_bytes);
}

/* Behind what is queued, whole or not at all. */
static arc_status queue_message(struct arc_grpc_call *call, arc_slice message, int packs,
                                size_t bound, arc_err *err)
{
    size_t len = 0;
    if (call->keep && call->out.len + bound > call->conn->keeper->keep_bytes)
        arc__grpc_call_commit(call);
    if (!call->keep && call->out_at > 0 && call->out.len + bound > call->out.capacity) {
        arc__buf_consume(&call->out, call->out_at);
        call->out_at = 0;
    }
    char *room = arc__buf_reserve(&call->out, bound);
    if (room == NULL) {
        call->out.failed = ARC_OK; /* this message is refused; what is queued stands */
        return arc__fail_nomem(err);
    }
    if (arc__grpc_message_put(call, message, packs, bound, room, &len) != ARC_OK)
        return arc__fail_nomem(err);
    if (call->out.len == call->out_at)
        call->out_ns = 0; /* the time may be an old one here, outside of a pump */
    arc__buf_commit(&call->out, len);
    call->conn->queued_bytes += len;
    return ARC_OK;
}

arc_status arc_grpc_call_send_with(struct arc_grpc_call *call, arc_slice message, uint32_t flags,
                                   arc_err *err)
{
    struct arc_grpc_conn *conn = call->conn;
    size_t queue_max = (size_t)conn->limits->queue_max_bytes;
    ARC_REQUIRE((flags & ~(ARC_GRPC_SEND_PLAIN | ARC_GRPC_SEND_PACKED)) == 0, err, "flags");
    if (!call->is_open || call->cancelled || call->stream_closed)
        return arc__fail(err, ARC_ECANCELLED, "call", "The call has ended.");
    if (call->finished)
        return arc__fail(err, ARC_ECONFLICT, "call", "Nothing may be sent after the end.");
    if (message.len > conn->limits->message_send_max_bytes)
        return arc__fail(err, ARC_ELIMIT, "message", "The message is %zu bytes long; too long.",
                         message.len);
    int packs = arc__grpc_message_packs(call, message.len, flags);
    size_t need = arc__grpc_message_bound(message, packs, flags);
    if (!fits(call, need, queue_max)) {
        conn->waiting += call->wanted == 0;
        call->wanted = need;
        return arc__fail(err, ARC_EAGAIN, "call", "The queue of the call is full.");
    }
    if (conn->server && !call->headers_sent)
        ARC_TRY(arc_grpc_call_send_headers(call, NULL, 0, err));
    ARC_TRY(queue_message(call, message, packs, need, err));
    conn->proven = 1;
    conn->counters->messages_out++;
    conn->counters->message_bytes_out += message.len;
    if (call->track != NULL)
        arc__grpc_intercept_message(call, 1, message.len);
    if (!call->is_open) /* an interceptor has ended it, and all events of that have come */
        return arc__fail(err, ARC_ECANCELLED, "call", "The call has ended.");
    arc__grpc_h2_resume(call);
    return ARC_OK;
}

arc_status arc_grpc_call_send(struct arc_grpc_call *call, arc_slice message, arc_err *err)
{
    return arc_grpc_call_send_with(call, message, 0, err);
}

/* The queue has room again: what was held back is delivered, until it is full once more. */
static void wake_readers(struct arc_grpc_conn *conn)
{
    ARC_LIST_EACH(&conn->calls, link)
    {
        struct arc_grpc_call *call = ARC_CONTAINER(link, struct arc_grpc_call, link);
        if (!call->held_back)
            continue;
        let_go(call);
        call->due_deliver = 1;
        arc__grpc_call_mark(call);
    }
}

void arc__grpc_conn_wake_writers(struct arc_grpc_conn *conn)
{
    if (conn->held_back > 0 && !is_full(conn))
        wake_readers(conn);
    if (conn->waiting == 0)
        return;
    /* Half of the queue free, or there would be an event for each message. */
    size_t half = (size_t)conn->limits->queue_max_bytes / 2;
    ARC_LIST_EACH(&conn->calls, link)
    {
        struct arc_grpc_call *call = ARC_CONTAINER(link, struct arc_grpc_call, link);
        size_t waiting = call->out.len - call->out_at;
        if (call->wanted == 0 || waiting > half ||
            !fits(call, call->wanted, (size_t)conn->limits->queue_max_bytes))
            continue;
        call->wanted = 0;
        conn->waiting--;
        call->due_writable = 1;
        arc__grpc_call_mark(call);
    }
}

void arc__grpc_conn_run_ready(struct arc_grpc_conn *conn)
{
    struct arc_link batch;
    if (arc__list_empty(&conn->ready))
        return;
    /* Only what is there now: an event that puts off another one gets it next time. */
    arc__list_init(&batch);
    arc__list_add_tail(&conn->ready, &batch);
    arc__list_remove(&conn->ready);
    arc__list_init(&conn->ready);
    while (!arc__list_empty(&batch)) {
        struct arc_grpc_call *call = ARC_CONTAINER(batch.next, struct arc_grpc_call, ready);
        arc__list_remove(&call->ready);
        if (call->due_end) {
            call->due_end = 0;
            arc__grpc_call_end(call, call->why, call->status_code, "The call was cancelled.");
        }
        if (call->parked && call->is_open && !arc__grpc_conn_is_lobby(conn)) {
            arc__grpc_call_go_back(call);
            continue;
        }
        if (call->due_deliver && call->is_open) {
            call->due_deliver = 0;
            deliver_held(call);
        }
        if (call->due_writable && call->is_open && !call->finished) {
            call->due_writable = 0;
            if (call->events->on_writable != NULL)
                call->events->on_writable(call->user, call);
        }
        if (!call->is_open && call->stream_closed)
            arc__grpc_call_release(call);
    }
}

/* --- what the application asks for ----------------------------------------------------------- */

void arc_grpc_call_set_user(struct arc_grpc_call *call, void *user)
{
    call->user = user;
}

void *arc_grpc_call_get_user(const struct arc_grpc_call *call)
{
    return call->user;
}

struct arc_grpc_conn *arc_grpc_call_get_conn(const struct arc_grpc_call *call)
{
    return call->conn;
}

int32_t arc_grpc_call_get_id(const struct arc_grpc_call *call)
{
    return call->id;
}

size_t arc_grpc_call_get_queued(const struct arc_grpc_call *call)
{
    return call->out.len - call->out_at;
}

uint64_t arc_grpc_call_get_deadline(const struct arc_grpc_call *call)
{
    return call->deadline_ns;
}

arc_status arc_grpc_call_set_deadline(struct arc_grpc_call *call, uint64_t deadline_ns,
                                      arc_err *err)
{
    if (!call->is_open || deadline_ns >= call->deadline_ns)
        return ARC_OK;
    ARC_TRY(arc__heap_arm(&call->conn->timers, &call->timer, deadline_ns, err));
    call->deadline_ns = deadline_ns;
    arc__grpc_conn_touch(call->conn);
    return ARC_OK;
}

static arc_status build_request(struct arc_grpc_conn *conn, const struct arc_grpc_request *request,
                                struct arc_buf *list, arc_err *err)
{
    arc_slice authority = request->authority;
    arc__buf_clear(list);
    arc__grpc_list_add(list, ARC_LIT(":method"), ARC_LIT("POST"));
    arc__grpc_list_add(list, ARC_LIT(":scheme"), conn->secure ? ARC_LIT("https") : ARC_LIT("http"));
    arc__grpc_list_add(list, ARC_LIT(":path"), request->path);
    arc__grpc_list_add(list, ARC_LIT(":authority"),
                       authority.len > 0 ? authority : arc__slice_cstr(conn->authority));
    arc__grpc_list_add(list, ARC_LIT("te"), ARC_LIT("trailers"));
    arc__grpc_list_add(list, ARC_LIT("content-type"), ARC_LIT("application/grpc"));
    arc__grpc_list_add(list, ARC_LIT("user-agent"), arc__slice_cstr(conn->user_agent));
    if (request->deadline_ns != ARC_GRPC_NEVER && !arc__grpc_conn_is_lobby(conn)) {
        char text[ARC_GRPC_TIMEOUT_SIZE];
        uint64_t left =
            request->deadline_ns > conn->now_ns ? request->deadline_ns - conn->now_ns : 0;
        size_t len = arc__grpc_timeout_print(left, text);
        arc__grpc_list_add(list, ARC_LIT("grpc-timeout"), arc__slice(text, len));
    }
    ARC_TRY(arc__grpc_encoding_request(conn, request->encoding, list, err));
    ARC_TRY(arc__grpc_fields_check(request->fields, request->count, conn->limits, 0, err));
    arc__grpc_list_add_fields(list, request->fields, request->count);
    return arc__buf_check(list, err);
}

/* A client's call before anything of it is sent. */
static arc_status intercept(struct arc_grpc_call *call, const struct arc_grpc_request *request,
                            arc_err *err)
{
    char text[ARC_GRPC_REFUSAL_SIZE];
    int code = ARC_GRPC_OK;
    if (call->conn->interceptor_count == 0)
        return ARC_OK;
    arc_status status = arc__grpc_intercept_begin(call, request, &code, text);
    if (status != ARC_EDENIED)
        return status == ARC_OK ? ARC_OK : arc__fail_nomem(err);
    call->conn->counters->refused_interceptor++;
    return arc__fail(err, ARC_EDENIED, arc_grpc_status_name(code), "%s",
                     text[0] != '\0' ? text : "The call was refused.");
}

arc_status arc_grpc_call_open(struct arc_grpc_conn *conn, const struct arc_grpc_request *given,
                              const struct arc_grpc_events *events, void *user,
                              struct arc_grpc_call **out, arc_err *err)
{
    struct arc_grpc_call *call;
    struct arc_grpc_request asked;
    ARC_TRY(arc__options_read(given, sizeof(asked), &asked, "request", err));
    const struct arc_grpc_request *request = &asked;
    if (asked.deadline_ns == 0)
        asked.deadline_ns = ARC_GRPC_NEVER;
    if (asked.encoding == 0)
        asked.encoding = conn->encoding;
    ARC_REQUIRE(events != NULL && events->size >= sizeof(*events), err, "events.size");
    ARC_REQUIRE(!conn->server && request->path.len > 1 && request->path.ptr[0] == '/', err,
                "request");
    if (arc_grpc_conn_is_draining(conn))
        return arc__fail(err, ARC_EUNAVAILABLE, "connection", "%s takes no more calls.",
                         conn->peer);
    /* Those that ended before there was a transport are still in HTTP/2's queue. */
    if (conn->open >= conn->limits->calls_max || conn->total >= 2 * conn->limits->calls_max)
        return arc__fail(err, ARC_ELIMIT, "connection", "Too many calls at once to %s.",
                         conn->peer);
    call = arc__grpc_call_make(conn);
    if (call == NULL)
        return arc__fail_nomem(err);
    call->events = events;
    call->user = user;
    arc_status status = intercept(call, request, err);
    call->is_open = 1;
    conn->open++;
    if (status == ARC_OK && arc_grpc_conn_is_draining(conn)) /* an interceptor may end it all */
        status =
            arc__fail(err, ARC_EUNAVAILABLE, "connection", "%s takes no more calls.", conn->peer);
    if (status == ARC_OK) /* after them, who may open other calls */
        status = build_request(conn, request, &conn->pool->scratch, err);
    if (status == ARC_OK)
        status = arc_grpc_call_set_deadline(call, request->deadline_ns, err);
    if (status == ARC_OK && arc__grpc_conn_is_lobby(conn))
        status = arc__grpc_call_wait(call, request, err);
    else if (status == ARC_OK && arc__grpc_h2_request(call, &conn->pool->scratch) != 0)
        status = conn->draining ? arc__fail(err, ARC_EUNAVAILABLE, "connection",
                                            "%s takes no more calls.", conn->peer)
                                : arc__fail_nomem(err);
    if (status != ARC_OK) {
        call->is_open = 0;
        conn->open--;
        arc__grpc_intercept_end(call, ARC_GRPC_WHY_LOST, ARC_GRPC_UNAVAILABLE);
        arc__grpc_call_release(call);
        return status;
    }
    call->headers_sent = 1;
    call->wait_for_ready = request->wait_for_ready != 0;
    call->packs = request->encoding == ARC_GRPC_GZIP;
    conn->counters->calls++;
    *out = call;
    return ARC_OK;
}

arc_status arc_grpc_call_send_headers(struct arc_grpc_call *call,
                                      const struct arc_grpc_field *fields, size_t count,
                                      arc_err *err)
{
    struct arc_grpc_conn *conn = call->conn;
    if (!call->is_open || call->cancelled || call->stream_closed)
        return arc__fail(err, ARC_ECANCELLED, "call", "The call has ended.");
    if (!conn->server || call->headers_sent || call->finished)
        return arc__fail(err, ARC_ECONFLICT, "call", "The headers were sent before.");
    if (count > 0) {
        struct arc_buf *list = &conn->pool->scratch;
        arc__buf_clear(list);
        arc__grpc_list_add(list, ARC_LIT(":status"), ARC_LIT("200"));
        arc__grpc_list_add(list, ARC_LIT("content-type"), ARC_LIT("application/grpc"));
        if (call->packs)
            arc__grpc_list_add(list, ARC_LIT("grpc-encoding"), ARC_LIT("gzip"));
        if (call->tells_encodings)
            arc__grpc_list_add(list, ARC_LIT("grpc-accept-encoding"),
                               arc__grpc_encoding_names(conn->accepts));
        ARC_TRY(arc__grpc_fields_check(fields, count, conn->limits, 0, err));
        arc__grpc_list_add_fields(list, fields, count);
        ARC_TRY(arc__buf_check(list, err));
    }
    if (arc__grpc_h2_headers(call, count > 0 ? &conn->pool->scratch : NULL, 0) != 0)
        return arc__fail_nomem(err);
    call->headers_sent = 1;
    return ARC_OK;
}

void arc_grpc_call_half_close(struct arc_grpc_call *call)
{
    struct arc_grpc_conn *conn = call->conn;
    if (conn->server || call->finished || call->stream_closed)
        return;
    call->finished = 1;
    if (call->wanted > 0) {
        call->wanted = 0;
        conn->waiting--;
    }
    if (call->in_done) {
        conn->queued_bytes -= call->out.len - call->out_at;
        call->out_at = call->out.len;
    }
    arc__grpc_h2_resume(call);
}

arc_status arc_grpc_call_finish(struct arc_grpc_call *call, int32_t code, arc_slice message,
                                const struct arc_grpc_field *fields, size_t count, arc_err *err)
{
    ARC_REQUIRE(call->conn->server, err, "call");
    if (!call->is_open || call->cancelled || call->stream_closed)
        return arc__fail(err, ARC_ECANCELLED, "call", "The call has ended.");
    if (call->finished)
        return arc__fail(err, ARC_ECONFLICT, "call", "The call has its status already.");
    ARC_TRY(arc__grpc_fields_check(fields, count, call->conn->limits, 1, err));
    if (code < ARC_GRPC_OK || code > ARC_GRPC_UNAUTHENTICATED)
        code = ARC_GRPC_UNKNOWN; /* as every peer would read it */
    if (code == ARC_GRPC_OK)
        call->conn->proven = 1;
    int sent = submit_status(call, code, message, fields, count);
    drop_input(call);
    return sent == 0 ? ARC_OK : arc__fail_nomem(err);
}

void arc_grpc_call_cancel(struct arc_grpc_call *call)
{
    if (!call->is_open || call->cancelled)
        return;
    call->cancelled = 1;
    call->why = ARC_GRPC_WHY_CANCELLED;
    call->status_code = ARC_GRPC_CANCELLED;
    arc__grpc_h2_reset(call, ARC_H2_CANCEL);
    drop_input(call);
    call->due_end = 1;
    arc__grpc_call_mark(call);
}

void arc_grpc_call_drop(struct arc_grpc_call *call)
{
    if (!close_hold(call)) {
        call->dropped = 1; /* in on_status: on_close does not follow */
        return;
    }
    if (!call->cancelled)
        arc__grpc_h2_reset(call, ARC_H2_CANCEL);
    call->cancelled = 1;
    drop_input(call);
    arc__grpc_intercept_end(call, ARC_GRPC_WHY_CANCELLED, ARC_GRPC_CANCELLED);
    if (call->stream_closed)
        arc__grpc_call_mark(call);
}

void arc_grpc_call_pause(struct arc_grpc_call *call)
{
    call->paused = 1;
}

void arc_grpc_call_resume(struct arc_grpc_call *call)
{
    if (!call->paused)
        return;
    call->paused = 0;
    begin_anew(call);
    if (!call->is_open || (call->held.len == call->held_at && !call->in_end))
        return;
    call->due_deliver = 1;
    arc__grpc_call_mark(call);
}

void arc_grpc_call_set_events(struct arc_grpc_call *call, const struct arc_grpc_events *events,
                              void *user)
{
    call->events = events;
    call->user = user;
}
