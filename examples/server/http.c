/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of HTTP/1.1: requests are read one after the other, given to the library, and
 * answered in order. While one is answered nothing more is read than one piece, so a peer that
 * sends without reading holds no memory of ours. */
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "common/mem.h"
#include "server/server.h"

#define HEAD_WAIT_MS 10000 /* for a whole head, from its first byte */
#define IDLE_WAIT_MS 75000 /* between two requests */
#define BODY_WAIT_MS 10000 /* for each BODY_STEP_BYTES of a body */
#define BODY_STEP_BYTES 1024u
#define WRITE_WAIT_MS 30000 /* without the peer taking anything */
#define LINGER_WAIT_MS 2000 /* for the peer to read a refusal while it still sends */

static void set_deadline(struct conn *conn, int64_t wait_ms)
{
    conn->deadline_ms = wait_ms > 0 ? loop_now_ms() + wait_ms : 0;
}

static void body_clear(struct conn *conn)
{
    conn->server->bodies_bytes -= conn->body.len;
    text_deinit(&conn->body);
}

static void conn_close_now(struct conn *conn)
{
    lws_set_timeout(conn->wsi, PENDING_TIMEOUT_CLOSE_ACK, LWS_TO_KILL_ASYNC);
}

void http_listen_to_peer(struct conn *conn, int on)
{
    if (conn->deaf == !on)
        return;
    conn->deaf = !on;
    (void)lws_rx_flow_control(conn->wsi, on);
}

/* --- answering ------------------------------------------------------------------------------- */

static void begin_write(struct conn *conn)
{
    conn->state = CONN_WRITE;
    set_deadline(conn, WRITE_WAIT_MS);
    lws_callback_on_writable(conn->wsi);
}

void http_refuse(struct conn *conn, int status, const char *sentence)
{
    conn->close_after = 1;
    answer_envelope(conn, status, sentence);
    answer_refusal_head(conn, status);
    conn->out_body = conn->own.ptr;
    conn->out_body_len = conn->own.len;
    conn->out_body_at = 0;
    if (conn->head.method != NULL && strcmp(conn->head.method, "HEAD") == 0)
        conn->out_body_len = 0;
    begin_write(conn);
}

/* Takes the library's response once it is there. */
static void take_response(struct conn *conn)
{
    arc_http_response response = ARC_HTTP_RESPONSE_INIT;
    if (arc_http_get_response(conn->http, &response) != ARC_OK)
        return;
    if (conn->server->drain_until_ms != 0 || !conn->head.keep_alive)
        conn->close_after = 1;
    answer_head(conn, response.status, response.content_type, response.headers, response.body_len);
    conn->out_body = response.body;
    conn->out_body_len =
        strcmp(conn->head.method, "HEAD") == 0 || response.status == 204 || response.status == 304
            ? 0
            : response.body_len;
    conn->out_body_at = 0;
    begin_write(conn);
}

static void on_ready(void *user, arc_http *http)
{
    struct conn *conn = user;
    (void)http;
    lws_callback_on_writable(conn->wsi);
}

static void ask(struct conn *conn)
{
    arc_http_request request = ARC_HTTP_REQUEST_INIT;
    arc_err err = ARC_ERR_INIT;
    const struct h1_head *head = &conn->head;
    request.method = strcmp(head->method, "HEAD") == 0 ? "GET" : head->method;
    request.target = head->target;
    request.authorization = head->authorization;
    request.content_type = head->content_type;
    request.request_id = head->request_id;
    request.if_none_match = head->if_none_match;
    request.accept = head->accept;
    request.body = text_get(&conn->body);
    request.body_len = conn->body.len;
    request.ready = on_ready;
    request.user = conn;
    conn->state = CONN_WAIT;
    set_deadline(conn, 0);
    arc_status status = arc_http_open(conn->server->ctl, &request, &conn->http, &err);
    body_clear(conn);
    if (status != ARC_OK) {
        conn->http = NULL;
        http_refuse(conn, status == ARC_EINVAL ? 400 : 503,
                    err.message[0] != '\0' ? err.message : "The server is out of memory.");
        return;
    }
    take_response(conn);
}

/* --- reading --------------------------------------------------------------------------------- */

/* The head is there. Decides what the request is. */
static void begin(struct conn *conn)
{
    const struct h1_head *head = &conn->head;
    conn->close_after = !head->keep_alive;
    if (head->has_length && head->length > ARC_HTTP_BODY_MAX) {
        http_refuse(conn, 413, "The body is longer than 4 MiB.");
        return;
    }
    if (strcmp(head->target, "*") == 0 || strcmp(head->method, "CONNECT") == 0) {
        http_refuse(conn, 404, "There is nothing at this address.");
        return;
    }
    if (ws_take(conn))
        return;
    if (answer_preflight(conn)) {
        begin_write(conn);
        return;
    }
    if (!head->chunked && head->length == 0) {
        ask(conn);
        return;
    }
    conn->state = CONN_BODY;
    conn->body_mark = 0;
    memset(&conn->chunks, 0, sizeof(conn->chunks));
    set_deadline(conn, BODY_WAIT_MS);
    if (head->expect_continue && conn->in.len == 0) {
        text_put(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
        lws_callback_on_writable(conn->wsi);
    }
}

/* 1: a request began or was refused; 0: more bytes are needed. */
static int step_head(struct conn *conn)
{
    const char *why = "The request is not one of HTTP.";
    int len = h1_scan(&conn->scan, text_get(&conn->in), conn->in.len);
    if (len == 0)
        return 0;
    memset(&conn->head, 0, sizeof(conn->head));
    if (len < 0) {
        http_refuse(conn, -len, len == -431 ? "The request's headers are too long." : why);
        return 1;
    }
    mem_free(conn->head_bytes);
    conn->head_bytes = mem_copy_bytes(conn->in.ptr, (size_t)len);
    text_skip(&conn->in, (size_t)len);
    conn->scan = (struct h1_scan){0, 0, 0};
    int status = h1_parse(conn->head_bytes, (size_t)len, &conn->head, &why);
    if (status != 0)
        http_refuse(conn, status, why);
    else
        begin(conn);
    return 1;
}

static int step_body(struct conn *conn)
{
    size_t len = conn->in.len, used = conn->in.len;
    int whole = 0;
    if (conn->head.chunked) {
        if (h1_chunks_feed(&conn->chunks, conn->in.ptr, &len, &used) != 0) {
            http_refuse(conn, 400, "The chunks of the body are not ones of HTTP.");
            return 1;
        }
        whole = conn->chunks.done;
    } else {
        size_t left = (size_t)conn->head.length - conn->body.len;
        len = used = len < left ? len : left;
        whole = len == left;
    }
    if (conn->body.len + len > ARC_HTTP_BODY_MAX) {
        http_refuse(conn, 413, "The body is longer than 4 MiB.");
        return 1;
    }
    if (conn->server->bodies_bytes + len > BODIES_MAX_BYTES) {
        http_refuse(conn, 503, "Too many bodies are on their way; try again.");
        return 1;
    }
    text_add(&conn->body, text_get(&conn->in), len);
    conn->server->bodies_bytes += len;
    text_skip(&conn->in, used);
    if (conn->body.len - conn->body_mark >= BODY_STEP_BYTES) {
        conn->body_mark = conn->body.len;
        set_deadline(conn, BODY_WAIT_MS);
    }
    if (whole)
        ask(conn);
    return whole;
}

/* Goes on as far as the bytes reach. */
static void step(struct conn *conn)
{
    int more = 1;
    while (more && (conn->state == CONN_HEAD || conn->state == CONN_BODY))
        more = conn->in.len > 0 && (conn->state == CONN_HEAD ? step_head(conn) : step_body(conn));
    if (conn->state == CONN_HEAD && conn->in.len > 0 && conn->deadline_ms == 0)
        set_deadline(conn, HEAD_WAIT_MS);
    http_listen_to_peer(conn, conn->state != CONN_WAIT && conn->state != CONN_WRITE);
}

static void on_bytes(struct conn *conn, const char *bytes, size_t len)
{
    if (conn->state == CONN_LINGER)
        return;
    if (conn->state == CONN_TUNNEL) {
        ws_outer_bytes(conn->tunnel, bytes, len);
        return;
    }
    if (conn->state == CONN_HEAD && conn->in.len == 0)
        set_deadline(conn, HEAD_WAIT_MS);
    text_add(&conn->in, bytes, len);
    step(conn);
}

/* --- writing --------------------------------------------------------------------------------- */

/* Writes one piece: 1 written, 0 nothing to write, -1 the peer is gone. */
static int write_piece(struct conn *conn)
{
    unsigned char *piece = conn->server->piece + LWS_PRE;
    size_t head = conn->out.len - conn->out_at;
    size_t len = head < PIECE_BYTES ? head : PIECE_BYTES;
    if (len > 0)
        memcpy(piece, conn->out.ptr + conn->out_at, len);
    conn->out_at += len;
    size_t body = conn->out_body_len - conn->out_body_at;
    body = body < PIECE_BYTES - len ? body : PIECE_BYTES - len;
    if (body > 0)
        memcpy(piece + len, conn->out_body + conn->out_body_at, body);
    conn->out_body_at += body;
    if (len + body == 0)
        return 0;
    return lws_write(conn->wsi, piece, len + body, LWS_WRITE_RAW) < 0 ? -1 : 1;
}

static void next_request(struct conn *conn)
{
    conn->out_body = NULL;
    conn->out_body_len = conn->out_body_at = 0;
    arc_http_close(conn->http);
    conn->http = NULL;
    text_deinit(&conn->own);
    if (conn->in.len == 0)
        text_deinit(&conn->in);
    memset(&conn->head, 0, sizeof(conn->head));
    conn->state = CONN_HEAD;
    set_deadline(conn, conn->in.len > 0 ? HEAD_WAIT_MS : IDLE_WAIT_MS);
    step(conn);
}

/* The response is out. -1: close. */
static int end_response(struct conn *conn)
{
    if (!conn->close_after && conn->server->drain_until_ms == 0) {
        next_request(conn);
        return 0;
    }
    /* Closing with bytes unread would take the response away from the peer. */
    conn->state = CONN_LINGER;
    set_deadline(conn, LINGER_WAIT_MS);
    if (!lws_is_ssl(conn->wsi))
        (void)shutdown(lws_get_socket_fd(conn->wsi), SHUT_WR);
    http_listen_to_peer(conn, 1);
    return 0;
}

static int on_writable(struct conn *conn)
{
    if (conn->state == CONN_TUNNEL)
        return ws_outer_writable(conn->tunnel, conn->wsi);
    if (conn->state == CONN_WAIT)
        take_response(conn);
    int wrote = write_piece(conn);
    if (wrote < 0)
        return -1;
    if (wrote > 0) {
        if (conn->state == CONN_WRITE)
            set_deadline(conn, WRITE_WAIT_MS);
        lws_callback_on_writable(conn->wsi);
        return 0;
    }
    if (conn->out_at > 0) {
        text_deinit(&conn->out);
        conn->out_at = 0;
    }
    return conn->state == CONN_WRITE ? end_response(conn) : 0;
}

/* --- life ------------------------------------------------------------------------------------ */

static void conn_open(struct lws *wsi, struct server *server)
{
    struct conn *conn = mem_new(sizeof(*conn));
    conn->server = server;
    conn->wsi = wsi;
    conn->state = CONN_HEAD;
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->prev = conn;
    server->conns = conn;
    loop_need_sweep(server);
    server->conn_count++;
    set_deadline(conn, HEAD_WAIT_MS);
    lws_set_opaque_user_data(wsi, conn);
}

static void conn_free(struct conn *conn)
{
    struct server *server = conn->server;
    lws_set_opaque_user_data(conn->wsi, NULL);
    if (conn->tunnel != NULL)
        ws_outer_gone(conn->tunnel);
    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    server->conn_count--;
    arc_http_close(conn->http);
    body_clear(conn);
    text_deinit(&conn->in);
    text_deinit(&conn->out);
    text_deinit(&conn->own);
    mem_free(conn->head_bytes);
    mem_free(conn);
}

int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    (void)user;
    struct server *server = lws_context_user(lws_get_context(wsi));
    struct conn *conn = NULL;
    switch (reason) {
    case LWS_CALLBACK_RAW_ADOPT:
        conn_open(wsi, server);
        return 0;
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_RAW_WRITEABLE:
    case LWS_CALLBACK_RAW_CLOSE:
    case LWS_CALLBACK_WSI_DESTROY: /* also of what never was adopted */
        conn = lws_get_opaque_user_data(wsi);
        break;
    default:
        return 0;
    }
    if (conn == NULL)
        return reason == LWS_CALLBACK_WSI_DESTROY ? 0 : -1;
    if (reason == LWS_CALLBACK_RAW_RX) {
        on_bytes(conn, in, len);
        return 0;
    }
    if (reason == LWS_CALLBACK_RAW_WRITEABLE)
        return on_writable(conn);
    conn_free(conn);
    return 0;
}

static int is_idle(const struct conn *conn)
{
    return conn->state == CONN_HEAD && conn->in.len == 0;
}

int http_make_room(struct server *server)
{
    struct conn *oldest = NULL;
    if (server->conn_count < server->config->http_connections)
        return 0;
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        if (is_idle(conn) && (oldest == NULL || conn->deadline_ms < oldest->deadline_ms))
            oldest = conn;
    if (oldest != NULL)
        conn_close_now(oldest);
    /* The list shrinks only when the loop comes round: a short overshoot is no harm. */
    return oldest != NULL && server->conn_count < server->config->http_connections + 64 ? 0 : -1;
}

void http_sweep(struct server *server, int64_t now_ms)
{
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (conn->deadline_ms == 0 || now_ms < conn->deadline_ms)
            continue;
        int speaks = (conn->state == CONN_HEAD && conn->in.len > 0) || conn->state == CONN_BODY;
        if (speaks && conn->out.len == 0)
            http_refuse(conn, 408, "The request did not come in time.");
        else
            conn_close_now(conn);
    }
}

void http_drain(struct server *server)
{
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        if (is_idle(conn))
            conn_close_now(conn);
}
