/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 by nghttp2: the only file that knows it. It turns frames into the functions of grpc_call.c
 * and back, and counts what a hostile peer can make cheap for itself and dear for us: nghttp2 1.52
 * stops a flood of resets by the peer, but none of the ways to make us send the resets.
 * Must stay true: once `ended` is set no byte goes into nghttp2 any more, and inside its callbacks
 * we only submit. */
#include <limits.h>
#include <nghttp2/nghttp2.h>

#include "base/options.h"
#include "wire/grpc_priv.h"

/* --- memory ---------------------------------------------------------------------------------- */

/* nghttp2 1.52 does not survive every failed allocation: one that fails while a stream's first DATA
 * is queued is freed twice when the session is deleted. So each of its blocks is on a list of ours,
 * and a session that was ever refused memory is neither used nor deleted: its blocks are. */
struct block {
    struct arc_link link; /* conn->blocks */
    size_t size;          /* of the whole block, to give it back */
    size_t unused;        /* keeps what follows aligned */
};

static void *starve(struct arc_grpc_conn *conn)
{
    conn->starved = 1;
    return NULL;
}

static void *mem_malloc(size_t size, void *user)
{
    struct arc_grpc_conn *conn = user;
    struct block *block = NULL;
    if (size <= SIZE_MAX - sizeof(*block))
        block = arc__grpc_pool_take(conn->pool, sizeof(*block) + size);
    if (block == NULL)
        return starve(conn);
    block->size = sizeof(*block) + size;
    block->link = (struct arc_link){NULL, NULL};
    arc__list_add_tail(&conn->blocks, &block->link);
    return block + 1;
}

static void drop_block(struct arc_grpc_conn *conn, struct block *block)
{
    arc__list_remove(&block->link);
    arc__grpc_pool_give(conn->pool, block, block->size);
}

static void mem_free(void *ptr, void *user)
{
    if (ptr != NULL)
        drop_block(user, (struct block *)ptr - 1);
}

static void *mem_calloc(size_t count, size_t size, void *user)
{
    if (size > 0 && count > SIZE_MAX / size)
        return starve(user);
    void *ptr = mem_malloc(count * size, user);
    if (ptr != NULL)
        memset(ptr, 0, count * size);
    return ptr;
}

static void *mem_realloc(void *ptr, size_t size, void *user)
{
    if (ptr == NULL)
        return mem_malloc(size, user);
    struct block *block = (struct block *)ptr - 1;
    size_t had = block->size - sizeof(*block);
    void *fresh = mem_malloc(size, user);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, ptr, had < size ? had : size);
    mem_free(ptr, user);
    return fresh;
}

static void delete_session(struct arc_grpc_conn *conn)
{
    if (!conn->starved)
        nghttp2_session_del(conn->session);
    while (!arc__list_empty(&conn->blocks))
        drop_block(conn, ARC_CONTAINER(conn->blocks.next, struct block, link));
    conn->session = NULL;
}

/* --- from calls to frames -------------------------------------------------------------------- */

/* May nghttp2 be called? */
static int usable(const struct arc_grpc_conn *conn)
{
    return !conn->dead && !conn->starved;
}

/* Out of memory where a frame had to be made: the connection cannot keep its promises. */
static void broken(struct arc_grpc_conn *conn)
{
    conn->fault = "Out of memory.";
    conn->fault_status = ARC_ENOMEM;
    conn->ended = 1;
    conn->dead = 1;
}

static size_t list_to_nv(const struct arc_buf *list, nghttp2_nv *nv, size_t max)
{
    size_t count = 0, at = 0;
    arc_slice name, value;
    while (count < max && arc__grpc_list_next(list, &at, &name, &value)) {
        /* nghttp2 copies and writes to neither; its type only lacks the const. */
        union {
            const char *in;
            uint8_t *out;
        } n = {name.ptr}, v = {value.ptr};
        nv[count++] = (nghttp2_nv){n.out, v.out, name.len, value.len, NGHTTP2_NV_FLAG_NONE};
    }
    return count;
}

/* The one pointer from HTTP/2 to a call; gone before the call is (arc__grpc_h2_forget). */
static struct arc_grpc_call *find_call(nghttp2_session *session, int32_t stream_id)
{
    return stream_id == 0 ? NULL : nghttp2_session_get_stream_user_data(session, stream_id);
}

/* Streams of equal rank would be served one after the other; incremental ones take turns. Asked for
 * where there is more than one frame to send, for it costs more than a short call does. */
static void take_turns(struct arc_grpc_call *call)
{
    const nghttp2_extpri turns = {NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    call->turns = 1;
    if (call->conn->server)
        (void)nghttp2_session_change_extpri_stream_priority(call->conn->session, call->id, &turns,
                                                            1);
}

static ssize_t on_read(nghttp2_session *session, int32_t stream_id, uint8_t *buf, size_t length,
                       uint32_t *data_flags, nghttp2_data_source *source, void *user)
{
    struct arc_grpc_call *call = find_call(session, stream_id);
    int end = 0;
    (void)source;
    (void)user;
    if (call == NULL)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    size_t taken = arc__grpc_call_take(call, buf, length, &end);
    if (!end && taken > 0 && !call->turns)
        take_turns(call);
    if (end) {
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
        if (call->conn->server && !call->is_http) {
            *data_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            if (arc__grpc_h2_trailers(call, &call->list) != 0)
                return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
    } else if (taken == 0) {
        call->deferred = 1;
        return NGHTTP2_ERR_DEFERRED;
    }
    return (ssize_t)taken;
}

/* A line of two literals. NO_COPY: they outlive the session. nghttp2's type asks for writable
 * bytes, but it never writes them, and a library holds no writable data. */
static nghttp2_nv literal(const char *name, arc_slice value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value.ptr, strlen(name),
                        value.len, NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

/* The headers of a response without metadata. */
static size_t plain_headers(const struct arc_grpc_call *call, nghttp2_nv nv[4])
{
    size_t count = 0;
    nv[count++] = literal(":status", ARC_LIT("200"));
    nv[count++] = literal("content-type", ARC_LIT("application/grpc"));
    if (call->packs)
        nv[count++] = literal("grpc-encoding", ARC_LIT("gzip"));
    if (call->tells_encodings)
        nv[count++] =
            literal("grpc-accept-encoding", arc__grpc_encoding_names(call->conn->accepts));
    return count;
}

int arc__grpc_h2_headers(struct arc_grpc_call *call, const struct arc_buf *list, int last)
{
    nghttp2_data_provider provider = {.source = {.ptr = NULL}, .read_callback = on_read};
    const nghttp2_data_provider *data = last ? NULL : &provider;
    nghttp2_session *session = call->conn->session;
    if (call->stream_closed || !usable(call->conn))
        return -1;
    arc__grpc_conn_touch(call->conn);
    if (list == NULL) {
        nghttp2_nv plain[4];
        size_t plain_count = plain_headers(call, plain);
        return nghttp2_submit_response(session, call->id, plain, plain_count, data);
    }
    size_t max = list->len / 8;
    nghttp2_nv *nv = arc__alloc_array(&call->conn->mem, max, sizeof(*nv));
    if (nv == NULL)
        return -1;
    size_t count = list_to_nv(list, nv, max);
    int failed = nghttp2_submit_response(session, call->id, nv, count, data);
    arc__free(&call->conn->mem, nv);
    return failed == 0 ? 0 : -1;
}

int arc__grpc_h2_trailers(struct arc_grpc_call *call, const struct arc_buf *list)
{
    if (!usable(call->conn))
        return -1;
    if (list->len == 0) {
        nghttp2_nv ok = literal("grpc-status", ARC_LIT("0"));
        return nghttp2_submit_trailer(call->conn->session, call->id, &ok, 1);
    }
    size_t max = list->len / 8;
    nghttp2_nv few[8], *nv = few;
    if (max > ARC_COUNT_OF(few))
        nv = arc__alloc_array(&call->conn->mem, max, sizeof(*nv));
    if (nv == NULL)
        return -1;
    size_t count = list_to_nv(list, nv, nv == few ? ARC_COUNT_OF(few) : max);
    int failed = nghttp2_submit_trailer(call->conn->session, call->id, nv, count);
    if (nv != few)
        arc__free(&call->conn->mem, nv);
    return failed == 0 ? 0 : -1;
}

int arc__grpc_h2_request(struct arc_grpc_call *call, const struct arc_buf *list)
{
    struct arc_grpc_conn *conn = call->conn;
    size_t max = list->len / 8;
    nghttp2_data_provider provider = {.source = {.ptr = NULL}, .read_callback = on_read};
    if (!usable(conn))
        return -1;
    nghttp2_nv *nv = arc__alloc_array(&conn->mem, max, sizeof(*nv));
    if (nv == NULL)
        return -1;
    size_t count = list_to_nv(list, nv, max);
    arc__grpc_conn_touch(conn);
    int32_t id = nghttp2_submit_request(conn->session, NULL, nv, count, &provider, call);
    arc__free(&conn->mem, nv);
    if (id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE)
        conn->draining = 1; /* 2^31 used up: time for another connection */
    if (id < 0)
        return -1;
    call->id = id;
    return 0;
}

void arc__grpc_h2_forget(struct arc_grpc_call *call)
{
    if (usable(call->conn) && !call->parked)
        (void)nghttp2_session_set_stream_user_data(call->conn->session, call->id, NULL);
}

void arc__grpc_h2_resume(struct arc_grpc_call *call)
{
    if (!call->deferred || call->stream_closed || !usable(call->conn))
        return;
    call->deferred = 0;
    arc__grpc_conn_touch(call->conn);
    (void)nghttp2_session_resume_data(call->conn->session, call->id);
}

void arc__grpc_h2_reset(struct arc_grpc_call *call, uint32_t h2_code)
{
    if (call->parked && !call->stream_closed) {
        call->stream_closed = 1; /* there was none */
        arc__grpc_call_mark(call);
    }
    if (call->stream_closed || call->reset_by_us || !usable(call->conn))
        return;
    call->reset_by_us = 1;
    arc__grpc_conn_touch(call->conn);
    (void)nghttp2_submit_rst_stream(call->conn->session, NGHTTP2_FLAG_NONE, call->id, h2_code);
}

void arc__grpc_h2_consume(struct arc_grpc_call *call, size_t size)
{
    struct arc_grpc_conn *conn = call->conn;
    if (size > call->unconsumed)
        size = call->unconsumed;
    call->unconsumed -= size;
    /* The stream may be gone; then this gives back the connection's window alone. */
    if (size > 0 && usable(conn))
        (void)nghttp2_session_consume(conn->session, call->id, size);
}

void arc__grpc_h2_raise_window(struct arc_grpc_call *call)
{
    struct arc_grpc_conn *conn = call->conn;
    call->raised = 1;
    if (usable(conn))
        (void)nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, call->id,
                                                    (int32_t)conn->limits->stream_window_bytes);
}

static const uint8_t drain_ping[8] = {'d', 'r', 'a', 'i', 'n'};

void arc__grpc_h2_ping(struct arc_grpc_conn *conn)
{
    if (usable(conn))
        (void)nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, NULL);
}

void arc__grpc_h2_notice(struct arc_grpc_conn *conn)
{
    arc__grpc_conn_touch(conn);
    if (!usable(conn))
        return;
    (void)nghttp2_submit_shutdown_notice(conn->session);
    /* Its answer says that the notice was read: no call can cross the GOAWAY that follows. */
    (void)nghttp2_submit_ping(conn->session, NGHTTP2_FLAG_NONE, drain_ping);
}

void arc__grpc_h2_goaway(struct arc_grpc_conn *conn)
{
    arc__grpc_conn_touch(conn);
    if (!usable(conn))
        return;
    int32_t last = nghttp2_session_get_last_proc_stream_id(conn->session);
    (void)nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

void arc__grpc_h2_terminate(struct arc_grpc_conn *conn, uint32_t h2_code)
{
    conn->ended = 1;
    arc__grpc_conn_touch(conn);
    if (usable(conn))
        (void)nghttp2_session_terminate_session(conn->session, h2_code);
}

/* --- from frames to calls -------------------------------------------------------------------- */

/* What a callback answers: anything but 0 stops nghttp2 in the middle of the bytes it was given. */
static int go_on(const struct arc_grpc_conn *conn)
{
    return conn->ended || conn->starved ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static void charge(struct arc_grpc_conn *conn)
{
    conn->counters->faults_by_peer++;
    if (!arc__bucket_take(&conn->faults, conn->now_ns))
        arc__grpc_conn_flood(conn, &conn->counters->floods_fault,
                             "The peer sent too many frames that had to be refused.");
}

static void count_fault(struct arc_grpc_conn *conn, struct arc_grpc_call *call)
{
    if (call != NULL) {
        if (call->reset_by_us || call->fault_counted)
            return;
        call->fault_counted = 1;
    }
    charge(conn);
}

/* Decoding a block that is over the limit is work for nothing: each limit's worth of it is a fault,
 * so that a connection decodes no more in vain than the limit, reset_burst times. The first one is
 * counted with the refusal. */
static void charge_excess(struct arc_grpc_conn *conn)
{
    size_t worth = conn->block.seen_bytes / (size_t)conn->limits->header_list_max_bytes;
    for (; conn->block.charged + 1 < worth; conn->block.charged++)
        charge(conn);
}

/* A block that is refused, or for a stream that is closed, is decoded unseen, and its end is told
 * to nobody: its time runs until another frame begins, which cannot be before that end. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *user)
{
    struct arc_grpc_conn *conn = user;
    (void)session;
    conn->frame_left = head->length;
    if (head->type == NGHTTP2_CONTINUATION)
        return go_on(conn);
    conn->header_ns = 0;
    conn->block_lost = 0;
    if (head->type == NGHTTP2_HEADERS) {
        conn->header_ns = conn->now_ns > 0 ? conn->now_ns : 1;
        conn->block_lost = 1;
    }
    return go_on(conn);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct arc_grpc_conn *conn = user;
    arc__grpc_block_borrow(&conn->block, conn->pool);
    conn->block_lost = 0;
    if (!conn->server || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return go_on(conn);
    struct arc_grpc_call *call = arc__grpc_call_make(conn);
    if (call == NULL) {
        conn->block_lost = 1;
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    call->id = frame->hd.stream_id;
    (void)nghttp2_session_set_stream_user_data(session, call->id, call);
    return go_on(conn);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct arc_grpc_conn *conn = user;
    (void)session;
    (void)frame;
    (void)flags;
    int kept = arc__grpc_block_add(&conn->block, conn, arc__slice(name, name_len),
                                   arc__slice(value, value_len));
    if (conn->block.over && conn->server)
        charge_excess(conn);
    if (kept == 0)
        return go_on(conn);
    conn->counters->refused_headers++;
    conn->block_lost = 1;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* resets the stream and decodes on unseen */
}

static void headers_for(struct arc_grpc_conn *conn, const nghttp2_frame *frame,
                        struct arc_grpc_call *call)
{
    int last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (conn->server) {
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            arc__grpc_call_request(call, &conn->block);
            if (conn->block.over) /* decoding it was work for nothing, like a reset */
                count_fault(conn, call);
        }
    } else {
        if (conn->block.http_status >= 100 && conn->block.http_status < 200)
            return;
        arc__grpc_call_response(call, &conn->block, last);
    }
    if (last)
        arc__grpc_call_end_of_data(call);
}

static void headers_received(struct arc_grpc_conn *conn, const nghttp2_frame *frame,
                             struct arc_grpc_call *call)
{
    conn->header_ns = 0;
    if (call != NULL)
        headers_for(conn, frame, call);
    arc__grpc_block_return(&conn->block, conn->pool);
}

static void settings_received(struct arc_grpc_conn *conn)
{
    conn->ready_seen = 1;
    if (!arc__bucket_take(&conn->settings, conn->now_ns))
        arc__grpc_conn_flood(conn, &conn->counters->floods_settings,
                             "The peer sent too many SETTINGS.");
}

static void ping_received(struct arc_grpc_conn *conn, const nghttp2_ping *ping)
{
    if ((ping->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        if (conn->notice_ns != 0 &&
            memcmp(ping->opaque_data, drain_ping, sizeof(drain_ping)) == 0) {
            conn->notice_ns = 0;
            arc__grpc_h2_goaway(conn);
        }
        return;
    }
    struct arc_bucket *bucket = conn->open > 0 ? &conn->pings : &conn->idle_pings;
    if (!arc__bucket_take(bucket, conn->now_ns))
        arc__grpc_conn_flood(conn, &conn->counters->floods_ping, "The peer sent too many PINGs.");
}

static void reset_received(struct arc_grpc_conn *conn)
{
    conn->counters->resets_by_peer++;
    if (!arc__bucket_take(&conn->resets, conn->now_ns))
        arc__grpc_conn_flood(conn, &conn->counters->floods_reset,
                             "The peer reset too many streams.");
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct arc_grpc_conn *conn = user;
    struct arc_grpc_call *call = find_call(session, frame->hd.stream_id);
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        headers_received(conn, frame, call);
        break;
    case NGHTTP2_DATA:
        if (call == NULL)
            break;
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
            arc__grpc_call_end_of_data(call);
        else if (frame->hd.length == frame->data.padlen &&
                 ++call->empty_frames > conn->limits->empty_frames_max)
            arc__grpc_conn_flood(conn, &conn->counters->floods_empty,
                                 "The peer sent too many empty DATA frames.");
        break;
    case NGHTTP2_RST_STREAM:
        reset_received(conn);
        break;
    case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
            settings_received(conn);
        break;
    case NGHTTP2_PING:
        ping_received(conn, &frame->ping);
        break;
    case NGHTTP2_GOAWAY:
        if (!conn->server)
            conn->draining = 1;
        break;
    default:
        break;
    }
    return go_on(conn);
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id, const uint8_t *data,
                   size_t len, void *user)
{
    struct arc_grpc_conn *conn = user;
    struct arc_grpc_call *call = find_call(session, stream_id);
    conn->frame_left -= len < conn->frame_left ? len : conn->frame_left;
    if (call != NULL) {
        /* Of a padded frame the end cannot be seen from here; then the half close comes later. */
        call->frame_last = conn->frame_left == 0 && (flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
                           (flags & NGHTTP2_FLAG_PADDED) == 0;
        arc__grpc_call_data(call, arc__slice(data, len));
    } else {
        (void)nghttp2_session_consume(session, stream_id, len);
    }
    return go_on(conn);
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code,
                            void *user)
{
    struct arc_grpc_conn *conn = user;
    (void)code;
    conn->block_lost = 1;
    count_fault(conn, find_call(session, frame->hd.stream_id));
    return go_on(conn);
}

/* Stacks that measure bandwidth PING when something of ours has come. By then the call may be over,
 * and the next may be: so what we send gives back the PINGs that its receipt can bring. */
static void expect_pings(struct arc_grpc_conn *conn)
{
    arc__bucket_give(&conn->idle_pings, conn->idle_pings.burst);
    arc__bucket_give(&conn->pings, 1);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct arc_grpc_conn *conn = user;
    struct arc_grpc_call *call = find_call(session, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)
        expect_pings(conn);
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR &&
        !conn->ended) {
        /* nghttp2 saw the connection itself violated. */
        conn->counters->faults_by_peer++;
        conn->fault = "The peer broke the rules of HTTP/2.";
        conn->fault_status = ARC_EPROTOCOL;
        conn->ended = 1;
    }
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR &&
        (conn->server || call != NULL))
        count_fault(conn, call);
    if (!conn->server && call != NULL && frame->hd.type == NGHTTP2_HEADERS)
        call->departed = 1;
    if (conn->server && call != NULL && frame->hd.type == NGHTTP2_HEADERS &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
        nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0) {
        /* An early answer: RFC 9113 8.1 asks us to stop the client without calling it an error. */
        arc__grpc_h2_reset(call, NGHTTP2_NO_ERROR);
    }
    if (call != NULL && call->is_http && frame->hd.type == NGHTTP2_DATA &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
        nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0) {
        call->answered = 1;
        arc__grpc_call_stop_sender(call);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t code, void *user)
{
    struct arc_grpc_conn *conn = user;
    struct arc_grpc_call *call = find_call(session, stream_id);
    if (call != NULL) {
        (void)nghttp2_session_set_stream_user_data(session, stream_id, NULL);
        arc__grpc_call_closed(call, code);
    }
    return go_on(conn);
}

/* --- the connection -------------------------------------------------------------------------- */

static int make_session(struct arc_grpc_conn *conn)
{
    nghttp2_mem mem = {conn, mem_malloc, mem_free, mem_calloc, mem_realloc};
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    const struct arc_grpc_limits *limits = conn->limits;
    int failed = NGHTTP2_ERR_NOMEM;
    if (nghttp2_session_callbacks_new(&callbacks) != 0 || nghttp2_option_new(&option) != 0)
        goto done;
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, (size_t)limits->acks_max);
    nghttp2_option_set_max_settings(option, (size_t)limits->settings_entries_max);
    nghttp2_option_set_max_continuations(option, (size_t)limits->continuations_max);
    /* Our own count of resets is tighter and runs on the time that is given; this one reads a
     * clock, so it is set out of reach. */
    nghttp2_option_set_stream_reset_rate_limit(option, UINT64_C(1) << 40, UINT64_C(1) << 40);
    if (conn->server)
        failed = nghttp2_session_server_new3(&conn->session, callbacks, conn, option, &mem);
    else
        failed = nghttp2_session_client_new3(&conn->session, callbacks, conn, option, &mem);
done:
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return failed;
}

static int greet(struct arc_grpc_conn *conn)
{
    const struct arc_grpc_limits *limits = conn->limits;
    nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)limits->stream_window_first_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)limits->header_list_max_bytes},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {0, 0},
    };
    size_t count = 3;
    if (conn->server) {
        entries[2] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
                                              (uint32_t)limits->calls_max};
        entries[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1};
    }
    int failed = nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, entries, count);
    if (failed != 0 || limits->conn_window_bytes <= NGHTTP2_INITIAL_CONNECTION_WINDOW_SIZE)
        return failed;
    return nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, 0,
                                                 (int32_t)limits->conn_window_bytes);
}

/* Limits that no bucket can hold are as good as none: cut, not wrapped around. */
static void init_bucket(struct arc_bucket *bucket, uint64_t burst, uint64_t count, uint64_t seconds,
                        uint64_t now_ns)
{
    uint64_t per_s_milli = count > UINT32_MAX / 1000 ? UINT32_MAX : count * 1000 / seconds;
    arc__bucket_init(bucket, burst > UINT32_MAX ? UINT32_MAX : (uint32_t)burst,
                     (uint32_t)per_s_milli, now_ns);
}

static void init_buckets(struct arc_grpc_conn *conn, uint64_t now_ns)
{
    const struct arc_grpc_limits *l = conn->limits;
    init_bucket(&conn->resets, l->reset_burst, l->reset_per_s, 1, now_ns);
    init_bucket(&conn->faults, l->reset_burst, l->reset_per_s, 1, now_ns);
    init_bucket(&conn->settings, l->settings_burst, l->settings_per_min, 60, now_ns);
    init_bucket(&conn->idle_pings, l->idle_pings_burst, l->idle_pings_per_min, 60, now_ns);
    init_bucket(&conn->pings, l->pings_burst, l->pings_per_s, 1, now_ns);
}

/* The texts that a connection keeps. 0: no memory. */
static int keep_texts(struct arc_grpc_conn *conn, const struct arc_grpc_config *config)
{
    const char *peer = config->peer != NULL ? config->peer : "peer";
    const char *agent = config->user_agent != NULL ? config->user_agent : "libarcentra";
    const char *authority = config->authority != NULL ? config->authority : peer;
    conn->peer = arc__strdup(&conn->mem, arc__slice_cstr(peer));
    if (!conn->server) {
        conn->user_agent = arc__strdup(&conn->mem, arc__slice_cstr(agent));
        conn->authority = arc__strdup(&conn->mem, arc__slice_cstr(authority));
    }
    return conn->peer != NULL &&
           (conn->server || (conn->user_agent != NULL && conn->authority != NULL));
}

static void init_parts(struct arc_grpc_conn *conn, const struct arc_grpc_config *config,
                       uint64_t now_ns)
{
    conn->server = config->server != 0;
    conn->secure = config->secure != 0;
    conn->events = config->events;
    conn->user = config->user;
    conn->on_work = config->on_work;
    conn->owner = config->owner;
    conn->age_ns = arc__grpc_vary_age(conn->limits->age_ns, config->seed);
    conn->counters = config->counters != NULL ? config->counters : &conn->own->counters;
    arc_grpc_conn_connected(conn, now_ns);
    if (!config->server)
        conn->born_ns = ARC_GRPC_NEVER; /* no transport yet */
    arc__list_init(&conn->calls);
    arc__list_init(&conn->ready);
    arc__list_init(&conn->blocks);
    arc__heap_init(&conn->timers, &conn->mem);
    arc__grpc_block_init(&conn->block, conn);
    init_buckets(conn, now_ns);
    arc__grpc_watch_init(&conn->watch);
}

arc_status arc_grpc_conn_new(const struct arc_grpc_config *given, uint64_t now_ns,
                             struct arc_grpc_conn **out, arc_err *err)
{
    return arc__grpc_conn_new(given, NULL, now_ns, out, err);
}

arc_status arc__grpc_conn_new(const struct arc_grpc_config *given, struct arc_grpc_pool *pool,
                              uint64_t now_ns, struct arc_grpc_conn **out, arc_err *err)
{
    struct arc_grpc_config config;
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    ARC_REQUIRE(given != NULL && out != NULL, err, "config");
    ARC_TRY(arc__options_read(given, sizeof(config), &config, "config", err));
    ARC_REQUIRE(config.events == NULL || config.events->size >= sizeof(*config.events), err,
                "events.size");
    if (pool == NULL)
        ARC_TRY(arc__grpc_limits_fill(config.limits, config.server, &limits, err));
    struct arc_mem mem = arc__mem_from_env(config.env);
    int alone = pool == NULL || config.counters == NULL;
    struct arc_grpc_conn *conn =
        arc__alloc(&mem, sizeof(*conn) + (alone ? sizeof(struct arc_grpc_own) : 0));
    if (conn == NULL)
        return arc__fail_nomem(err);
    conn->mem = mem;
    conn->own = alone ? (struct arc_grpc_own *)(void *)(conn + 1) : NULL;
    conn->pool = pool != NULL ? pool : &conn->own->pool;
    if (pool == NULL)
        arc__grpc_pool_init(&conn->own->pool, &mem, &limits);
    conn->limits = &conn->pool->limits;
    init_parts(conn, &config, now_ns);
    arc_status status = arc__grpc_encoding_config(conn, &config, err);
    if (status == ARC_OK)
        status = arc__grpc_intercept_init(conn, &config, err);
    if (status != ARC_OK) {
        arc_grpc_conn_free(conn);
        return status;
    }
    if (!keep_texts(conn, &config) || make_session(conn) != 0 || greet(conn) != 0) {
        arc_grpc_conn_free(conn);
        return arc__fail_nomem(err);
    }
    conn->counters->connections++;
    *out = conn;
    return ARC_OK;
}

void arc_grpc_conn_free(struct arc_grpc_conn *conn)
{
    if (conn == NULL || conn->depth > 0)
        return;
    arc_grpc_conn_eof(conn, conn->now_ns);
    delete_session(conn);
    struct arc_mem mem = conn->mem;
    if (conn->own != NULL)
        arc__grpc_pool_deinit(&conn->own->pool);
    arc__heap_deinit(&conn->timers);
    arc__grpc_block_deinit(&conn->block);
    arc__free(&mem, conn->peer);
    arc__free(&mem, conn->authority);
    arc__free(&mem, conn->user_agent);
    arc__free(&mem, conn->identity);
    arc__free(&mem, conn->interceptors);
    arc__free(&mem, conn);
}

/* nghttp2 itself gave up. What it wants to say about it may still be sent, but for a lack of memory
 * or a peer that does not speak HTTP/2 at all. */
static void library_failed(struct arc_grpc_conn *conn, int code)
{
    conn->ended = 1;
    switch (code) {
    case NGHTTP2_ERR_NOMEM:
        broken(conn);
        return;
    case NGHTTP2_ERR_FLOODED:
        conn->counters->floods_library++;
        conn->fault = "The peer flooded the connection.";
        conn->fault_status = ARC_ELIMIT;
        break;
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
        conn->fault = "The peer does not speak HTTP/2.";
        conn->fault_status = ARC_EPROTOCOL;
        conn->dead = 1;
        return;
    default:
        conn->fault = nghttp2_strerror(code);
        conn->fault_status = code == NGHTTP2_ERR_CALLBACK_FAILURE ? ARC_EINTERNAL : ARC_EPROTOCOL;
        break;
    }
    if (nghttp2_session_terminate_session(conn->session, NGHTTP2_ENHANCE_YOUR_CALM) != 0)
        conn->dead = 1;
}

static void hand_on(struct arc_grpc_conn *conn, arc_slice bytes)
{
    ssize_t used = nghttp2_session_mem_recv(conn->session, (const uint8_t *)bytes.ptr, bytes.len);
    if (used < 0 && !conn->ended && !conn->starved)
        library_failed(conn, (int)used);
}

static void read_frames(struct arc_grpc_conn *conn, arc_slice bytes)
{
    struct arc_grpc_heard heard;
    if (!conn->server) {
        hand_on(conn, bytes);
        return;
    }
    while (!conn->ended && usable(conn) && arc__grpc_watch_next(&conn->watch, &bytes, &heard)) {
        if (heard.bytes.len > 0)
            hand_on(conn, heard.bytes);
        if (conn->ended || !usable(conn))
            return;
        if (heard.passed)
            reset_received(conn);
        if (heard.h2_code == ARC_H2_NO_ERROR)
            continue;
        conn->counters->faults_by_peer++;
        conn->fault = "The peer used a stream that was closed.";
        conn->fault_status = ARC_EPROTOCOL;
        arc__grpc_h2_terminate(conn, heard.h2_code);
    }
}

arc_status arc_grpc_conn_recv(struct arc_grpc_conn *conn, uint64_t now_ns, arc_slice bytes,
                              arc_err *err)
{
    if (conn->depth > 0)
        return arc__fail(err, ARC_ECONFLICT, "connection", "An event may not pump.");
    conn->depth++;
    conn->now_ns = now_ns;
    conn->heard_ns = now_ns;
    conn->ping_ns = 0;
    /* After our GOAWAY with an error nothing more is read: what a session does with frames after
     * that was the matter of more than one advisory. */
    if (!conn->ended && usable(conn) && bytes.len > 0)
        read_frames(conn, bytes);
    if (conn->starved)
        broken(conn);
    if (conn->ended)
        arc__grpc_conn_lose_calls(conn, ARC_GRPC_WHY_PROTOCOL, conn->fault);
    arc__grpc_conn_wake_writers(conn); /* a reset may have made room, with nothing to be sent */
    arc__grpc_conn_run_ready(conn);
    conn->depth--;
    if (conn->ended && conn->fault != NULL)
        return arc__fail(err, conn->fault_status, conn->peer, "%s", conn->fault);
    return ARC_OK;
}

static size_t fill(struct arc_grpc_conn *conn, char *buf, size_t size)
{
    size_t total = 0;
    while (total < size && usable(conn)) {
        if (conn->rest_len == 0) {
            ssize_t got = nghttp2_session_mem_send(conn->session, &conn->rest);
            if (got < 0 && !conn->starved)
                library_failed(conn, (int)got);
            if (got < 0)
                conn->dead = 1;
            if (got <= 0)
                break;
            conn->rest_len = (size_t)got;
        }
        size_t take = conn->rest_len < size - total ? conn->rest_len : size - total;
        memcpy(buf + total, conn->rest, take);
        conn->rest += take;
        conn->rest_len -= take;
        total += take;
    }
    if (conn->starved)
        broken(conn);
    return total;
}

size_t arc_grpc_conn_send(struct arc_grpc_conn *conn, uint64_t now_ns, char *buf, size_t size)
{
    if (conn->depth > 0)
        return 0;
    conn->depth++;
    conn->work_said = 0;
    conn->now_ns = now_ns;
    size_t total = fill(conn, buf, size);
    arc__grpc_conn_wake_writers(conn);
    arc__grpc_conn_run_ready(conn);
    /* What the events brought goes along. */
    total += fill(conn, buf + total, size - total);
    if (arc_grpc_conn_is_over(conn)) {
        arc__grpc_conn_lose_calls(conn, ARC_GRPC_WHY_LOST,
                                  conn->fault != NULL ? conn->fault : "The connection has ended.");
        arc__grpc_conn_run_ready(conn);
    }
    conn->depth--;
    return total;
}

int32_t arc_grpc_conn_wants_send(const struct arc_grpc_conn *conn)
{
    return usable(conn) && (conn->rest_len > 0 || nghttp2_session_want_write(conn->session));
}

int32_t arc_grpc_conn_is_over(const struct arc_grpc_conn *conn)
{
    if (!usable(conn))
        return 1;
    if (conn->rest_len > 0 || nghttp2_session_want_write(conn->session))
        return 0;
    return conn->ended || !nghttp2_session_want_read(conn->session);
}

int32_t arc_grpc_conn_is_draining(const struct arc_grpc_conn *conn)
{
    return conn->draining || conn->ended || !usable(conn);
}

int32_t arc_grpc_conn_is_ready(const struct arc_grpc_conn *conn)
{
    return conn->ready_seen;
}

int32_t arc_grpc_conn_is_proven(const struct arc_grpc_conn *conn)
{
    return conn->proven;
}

const char *arc__grpc_conn_fault(const struct arc_grpc_conn *conn)
{
    return conn->fault;
}

size_t arc_grpc_conn_get_calls(const struct arc_grpc_conn *conn)
{
    return conn->open;
}

const char *arc_grpc_conn_get_peer(const struct arc_grpc_conn *conn)
{
    return conn->peer;
}

void *arc_grpc_conn_get_user(const struct arc_grpc_conn *conn)
{
    return conn->user;
}

const struct arc_grpc_counters *arc_grpc_conn_get_counters(const struct arc_grpc_conn *conn)
{
    return conn->counters;
}

size_t arc_grpc_conn_get_queued(const struct arc_grpc_conn *conn)
{
    return conn->queued_bytes;
}

size_t arc_grpc_conn_get_held(const struct arc_grpc_conn *conn)
{
    return conn->held_bytes + conn->assembly_bytes;
}
