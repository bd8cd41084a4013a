/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket at /api/v1/ws. The handshake comes in through the same strict reader as every request;
 * its token and origin are checked there, and only then a session is made: a pair of sockets, of
 * which one end is given to libwebsockets' WebSocket role on the inner vhost, behind a handshake
 * that we write ourselves. So the bytes of a stranger reach that role only as frames, an old HTTP
 * parser never sees them, and a refusal is the envelope. TLS stays on the outer connection.
 *
 *     peer <=> conn (http.c) <=> pair <=> WebSocket role <=> arc_ws
 *
 * What must stay true: in each direction at most one piece waits here; what the peer does not take
 * stays in the library, which closes the session by itself when it falls too far behind. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "server/frames.h"
#include "server/server.h"

#define WS_PATH "/api/v1/ws"
#define WS_PROTOCOL "arcentra.v1"
#define FRAGMENTS_MAX 64
#define FRAME_MAX_BYTES ((size_t)256 << 10) /* of what we send; a longer text goes in several */
#define STALL_MAX_MS 30000                  /* the peer takes nothing */
#define REASON_MAX_BYTES 123                /* of a close frame */

struct tunnel {
    struct server *server;
    struct tunnel *next, *prev;
    struct conn *conn; /* NULL: the peer is gone */
    struct lws *pair;  /* our end of the sockets; NULL: gone */
    struct lws *role;  /* the WebSocket end; NULL: gone */
    arc_ws *ws;
    struct text to_peer, to_role; /* one piece each */
    struct frames frames;         /* of the peer */
    int unmasked;                 /* one had no mask: nothing more is taken */
    int64_t stalled_ms;           /* since when to_peer waits; 0: it does not */
    struct text message;          /* of the client, so far */
    int fragments;
    const char *text; /* of ours, borrowed from ws, that goes out */
    size_t text_len, text_at;
    int close_code; /* 0: open */
    char close_reason[REASON_MAX_BYTES + 1];
};

static void tunnel_release(struct tunnel *tunnel)
{
    struct server *server = tunnel->server;
    if (tunnel->conn != NULL || tunnel->pair != NULL || tunnel->role != NULL)
        return;
    if (tunnel->prev != NULL)
        tunnel->prev->next = tunnel->next;
    else
        server->tunnels = tunnel->next;
    if (tunnel->next != NULL)
        tunnel->next->prev = tunnel->prev;
    arc_ws_close(tunnel->ws);
    text_deinit(&tunnel->to_peer);
    text_deinit(&tunnel->to_role);
    text_deinit(&tunnel->message);
    mem_free(tunnel);
}

/* --- the gate -------------------------------------------------------------------------------- */

static int is_ws_path(const char *target)
{
    size_t len = strlen(WS_PATH);
    return strncmp(target, WS_PATH, len) == 0 && (target[len] == '\0' || target[len] == '?');
}

/* The token of "Bearer TOKEN". */
static char *bearer_token(const char *authorization)
{
    if (authorization == NULL || strncasecmp(authorization, "bearer ", 7) != 0)
        return NULL;
    authorization += 7;
    return mem_copy(authorization + strspn(authorization, " "));
}

/* Our protocol comes first in the list; what was not offered may not be answered. */
static int offers_ours(const char *protocols)
{
    size_t len = strlen(WS_PROTOCOL);
    return protocols != NULL && strncmp(protocols, WS_PROTOCOL, len) == 0 &&
           (protocols[len] == '\0' || strchr(", \t", protocols[len]) != NULL);
}

/* The second of "arcentra.v1, TOKEN". Owner: the caller. */
static char *protocol_token(const char *protocols)
{
    if (!offers_ours(protocols))
        return NULL;
    protocols += strlen(WS_PROTOCOL);
    protocols += strspn(protocols, " \t");
    if (*protocols != ',')
        return NULL;
    protocols += 1 + strspn(protocols + 1, " \t");
    size_t token = strcspn(protocols, ", \t");
    return token > 0 ? mem_copy_bytes(protocols, token) : NULL;
}

static int is_ws_key(const char *key)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return key != NULL && strspn(key, letters) == 22 && strcmp(key + 22, "==") == 0;
}

/* The parts of a handshake that any server checks. 0, or the status to refuse with. */
static int check_handshake(const struct h1_head *head, const char **why)
{
    *why = "This address speaks WebSocket, version 13.";
    if (strcmp(head->method, "GET") != 0 || head->minor == 0)
        return 405;
    if (head->upgrade == NULL || strcasecmp(head->upgrade, "websocket") != 0 ||
        !head->connection_upgrade || head->ws_version == NULL ||
        strcmp(head->ws_version, "13") != 0)
        return 426;
    *why = "Sec-WebSocket-Key is 16 bytes in base64.";
    if (!is_ws_key(head->ws_key))
        return 400;
    *why = "A WebSocket handshake has no body.";
    return head->chunked || head->length > 0 ? 400 : 0;
}

/* Who calls: a page must be on the list, and only a program may come without an origin. */
static int check_caller(struct tunnel *tunnel, const struct h1_head *head, const char **why);

static void on_texts(void *user, arc_ws *ws)
{
    struct tunnel *tunnel = user;
    (void)ws;
    if (tunnel->role != NULL)
        lws_callback_on_writable(tunnel->role);
}

static int check_caller(struct tunnel *tunnel, const struct h1_head *head, const char **why)
{
    static const char unknown[] = "The token is missing or not valid.";
    struct server *server = tunnel->server;
    arc_err err = ARC_ERR_INIT;
    *why = "Pages of this origin may not open a WebSocket.";
    if (head->origin != NULL && !answer_origin_allowed(server, head->origin))
        return 403;
    char *token = bearer_token(head->authorization);
    if (token == NULL)
        token = protocol_token(head->ws_protocol);
    *why = unknown;
    if (token == NULL)
        return 401;
    arc_status status = arc_ws_open(server->ctl, token, on_texts, tunnel, &tunnel->ws, &err);
    explicit_bzero(token, strlen(token));
    mem_free(token);
    if (status == ARC_OK)
        return 0;
    tunnel->ws = NULL;
    *why = status == ARC_EDENIED ? "The token does not allow this." : *why;
    *why = status != ARC_EDENIED && status != ARC_EUNAUTHENTICATED
               ? "The server cannot open a session now; try again."
               : *why;
    return status == ARC_EUNAUTHENTICATED ? 401 : status == ARC_EDENIED ? 403 : 503;
}

/* Gives both ends to the loop. 0, or -1. */
static int adopt(struct tunnel *tunnel, const int *ends)
{
    struct lws_adopt_desc pair = {.vh = tunnel->server->inner,
                                  .type = LWS_ADOPT_SOCKET,
                                  .fd = {.sockfd = ends[0]},
                                  .vh_prot_name = "pair",
                                  .opaque = tunnel};
    struct lws_adopt_desc role = {.vh = tunnel->server->inner,
                                  .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP,
                                  .fd = {.sockfd = ends[1]},
                                  .opaque = tunnel};
    tunnel->pair = lws_adopt_descriptor_vhost_via_info(&pair);
    if (tunnel->pair == NULL) {
        (void)close(ends[1]); /* the other was closed with the attempt */
        return -1;
    }
    tunnel->role = lws_adopt_descriptor_vhost_via_info(&role);
    return tunnel->role != NULL ? 0 : -1;
}

/* Makes the pair and writes the role's handshake into it. 0, or -1. */
static int connect_role(struct tunnel *tunnel, const struct h1_head *head)
{
    struct text hello = {NULL, 0, 0};
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    text_printf(&hello,
                "GET " WS_PATH " HTTP/1.1\r\nHost: arcentra\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s"
                "\r\n",
                head->ws_key,
                offers_ours(head->ws_protocol) ? "Sec-WebSocket-Protocol: " WS_PROTOCOL "\r\n"
                                               : "");
    ssize_t sent = send(ends[0], hello.ptr, hello.len, MSG_NOSIGNAL);
    int whole = sent >= 0 && (size_t)sent == hello.len; /* a fresh socket has room for it */
    text_deinit(&hello);
    if (whole)
        return adopt(tunnel, ends);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return -1;
}

int ws_take(struct conn *conn)
{
    struct server *server = conn->server;
    const struct h1_head *head = &conn->head;
    const char *why = "";
    if (!is_ws_path(head->target))
        return 0;
    struct tunnel *tunnel = mem_new(sizeof(*tunnel));
    tunnel->server = server;
    tunnel->next = server->tunnels;
    if (tunnel->next != NULL)
        tunnel->next->prev = tunnel;
    server->tunnels = tunnel;
    int status = check_handshake(head, &why);
    if (status == 0)
        status = check_caller(tunnel, head, &why);
    if (status == 0 && connect_role(tunnel, head) != 0) {
        status = 503;
        why = "The server cannot open a session now; try again.";
    }
    if (status != 0) {
        if (tunnel->pair != NULL)
            lws_set_timeout(tunnel->pair, PENDING_TIMEOUT_CLOSE_ACK, LWS_TO_KILL_ASYNC);
        tunnel_release(tunnel);
        http_refuse(conn, status, why);
        return 1;
    }
    tunnel->conn = conn;
    conn->tunnel = tunnel;
    conn->state = CONN_TUNNEL;
    conn->deadline_ms = 0;
    if (conn->in.len > 0)
        ws_outer_bytes(tunnel, conn->in.ptr, conn->in.len);
    text_deinit(&conn->in);
    return 1;
}

/* --- the outer connection -------------------------------------------------------------------- */

/* Writes one piece of waiting to wsi. 0, or -1 when it is gone. */
static int pass_on(struct server *server, struct text *waiting, struct lws *wsi)
{
    size_t len = waiting->len < PIECE_BYTES ? waiting->len : PIECE_BYTES;
    if (len == 0)
        return 0;
    memcpy(server->piece + LWS_PRE, waiting->ptr, len);
    text_skip(waiting, len);
    if (lws_write(wsi, server->piece + LWS_PRE, len, LWS_WRITE_RAW) < 0)
        return -1;
    lws_callback_on_writable(wsi); /* also to hear that it is out */
    return 0;
}

static void ask_to_close(struct tunnel *tunnel, int code, const char *reason);

void ws_outer_bytes(struct tunnel *tunnel, const void *bytes, size_t len)
{
    if (tunnel->pair == NULL || tunnel->unmasked)
        return;
    if (frames_pass(&tunnel->frames, bytes, len) != 0) {
        tunnel->unmasked = 1;
        ask_to_close(tunnel, LWS_CLOSE_STATUS_PROTOCOL_ERR, "A client masks its frames.");
        return;
    }
    text_add(&tunnel->to_role, bytes, len);
    http_listen_to_peer(tunnel->conn, 0);
    lws_callback_on_writable(tunnel->pair);
}

int ws_outer_writable(struct tunnel *tunnel, struct lws *wsi)
{
    tunnel->stalled_ms = 0;
    if (tunnel->to_peer.len > 0) {
        if (pass_on(tunnel->server, &tunnel->to_peer, wsi) != 0)
            return -1;
        tunnel->stalled_ms = loop_now_ms();
        return 0;
    }
    if (tunnel->pair == NULL)
        return -1; /* the role has said all it had to say */
    (void)lws_rx_flow_control(tunnel->pair, 1);
    return 0;
}

void ws_outer_gone(struct tunnel *tunnel)
{
    tunnel->conn = NULL;
    if (tunnel->pair != NULL)
        lws_set_timeout(tunnel->pair, PENDING_TIMEOUT_CLOSE_ACK, LWS_TO_KILL_ASYNC);
    tunnel_release(tunnel);
}

int pair_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len)
{
    (void)user;
    struct tunnel *tunnel = lws_get_opaque_user_data(wsi);
    if (tunnel == NULL)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_RAW_RX:
        if (tunnel->conn == NULL)
            return -1;
        text_add(&tunnel->to_peer, in, len);
        if (tunnel->stalled_ms == 0)
            tunnel->stalled_ms = loop_now_ms();
        (void)lws_rx_flow_control(wsi, 0);
        lws_callback_on_writable(tunnel->conn->wsi);
        return 0;
    case LWS_CALLBACK_RAW_WRITEABLE:
        if (tunnel->to_role.len > 0)
            return pass_on(tunnel->server, &tunnel->to_role, wsi);
        if (tunnel->conn != NULL)
            http_listen_to_peer(tunnel->conn, 1);
        return 0;
    case LWS_CALLBACK_RAW_CLOSE:
        lws_set_opaque_user_data(wsi, NULL);
        tunnel->pair = NULL;
        if (tunnel->conn != NULL)
            lws_callback_on_writable(tunnel->conn->wsi);
        tunnel_release(tunnel);
        return 0;
    default:
        return 0;
    }
}

void ws_sweep(struct server *server, int64_t now_ms)
{
    for (struct tunnel *tunnel = server->tunnels; tunnel != NULL; tunnel = tunnel->next)
        if (tunnel->stalled_ms != 0 && now_ms - tunnel->stalled_ms > STALL_MAX_MS &&
            tunnel->conn != NULL)
            lws_set_timeout(tunnel->conn->wsi, PENDING_TIMEOUT_CLOSE_ACK, LWS_TO_KILL_ASYNC);
}

/* --- the WebSocket role ---------------------------------------------------------------------- */

static void ask_to_close(struct tunnel *tunnel, int code, const char *reason)
{
    if (tunnel->close_code != 0)
        return;
    tunnel->close_code = code;
    (void)snprintf(tunnel->close_reason, sizeof(tunnel->close_reason), "%s", reason);
    size_t len = strlen(tunnel->close_reason);
    while (len > 0 && ((unsigned char)tunnel->close_reason[len - 1] & 0xc0) == 0x80)
        len--; /* never half a character */
    if (len > 0 && ((unsigned char)tunnel->close_reason[len - 1] & 0x80) != 0)
        tunnel->close_reason[len - 1] = '\0';
    if (tunnel->role != NULL)
        lws_callback_on_writable(tunnel->role);
}

void ws_drain(struct server *server)
{
    for (struct tunnel *tunnel = server->tunnels; tunnel != NULL; tunnel = tunnel->next)
        ask_to_close(tunnel, LWS_CLOSE_STATUS_GOINGAWAY, "The server is going away.");
}

/* A part of a message of the client. */
static void on_part(struct tunnel *tunnel, struct lws *wsi, const char *bytes, size_t len)
{
    arc_err err = ARC_ERR_INIT;
    if (tunnel->close_code != 0)
        return;
    if (lws_frame_is_binary(wsi)) {
        ask_to_close(tunnel, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "Messages are text.");
        return;
    }
    if (lws_is_first_fragment(wsi)) {
        text_clear(&tunnel->message);
        tunnel->fragments = 0;
    }
    if (tunnel->message.len + len > ARC_WS_MESSAGE_MAX) {
        ask_to_close(tunnel, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE,
                     "A message has at most 65536 bytes.");
        return;
    }
    text_add(&tunnel->message, bytes, len);
    if (lws_remaining_packet_payload(wsi) != 0)
        return;
    if (++tunnel->fragments > FRAGMENTS_MAX) {
        ask_to_close(tunnel, LWS_CLOSE_STATUS_POLICY_VIOLATION,
                     "A message has at most 64 fragments.");
        return;
    }
    if (!lws_is_final_fragment(wsi))
        return;
    arc_status status =
        arc_ws_feed(tunnel->ws, text_get(&tunnel->message), tunnel->message.len, &err);
    text_deinit(&tunnel->message);
    if (status == ARC_ELIMIT)
        ask_to_close(tunnel, LWS_CLOSE_STATUS_POLICY_VIOLATION, err.message);
    else if (status != ARC_OK)
        ask_to_close(tunnel, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, err.message);
    lws_callback_on_writable(wsi);
}

/* Sends one frame of the text that goes out. */
static int send_frame(struct tunnel *tunnel, struct lws *wsi)
{
    size_t len = tunnel->text_len - tunnel->text_at;
    len = len < FRAME_MAX_BYTES ? len : FRAME_MAX_BYTES;
    int first = tunnel->text_at == 0, last = tunnel->text_at + len == tunnel->text_len;
    unsigned char *frame = mem_grow(NULL, LWS_PRE + len + 1);
    memcpy(frame + LWS_PRE, tunnel->text + tunnel->text_at, len);
    int wrote = lws_write(wsi, frame + LWS_PRE, len,
                          (enum lws_write_protocol)lws_write_ws_flags(LWS_WRITE_TEXT, first, last));
    mem_free(frame);
    tunnel->text_at += len;
    if (last)
        tunnel->text = NULL;
    lws_callback_on_writable(wsi);
    return wrote < 0 ? -1 : 0;
}

static int on_role_writable(struct tunnel *tunnel, struct lws *wsi)
{
    arc_err err = ARC_ERR_INIT;
    if (tunnel->text == NULL && tunnel->close_code == 0) {
        arc_status status = arc_ws_next(tunnel->ws, &tunnel->text, &tunnel->text_len, &err);
        tunnel->text_at = 0;
        if (status != ARC_OK)
            tunnel->text = NULL;
        if (status == ARC_EDONE)
            ask_to_close(tunnel, 1013, err.message);
        else if (status != ARC_OK && status != ARC_EAGAIN)
            ask_to_close(tunnel, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION, err.message);
    }
    if (tunnel->text != NULL)
        return send_frame(tunnel, wsi);
    if (tunnel->close_code == 0)
        return 0;
    lws_close_reason(wsi, (enum lws_close_status)tunnel->close_code,
                     (unsigned char *)tunnel->close_reason, strlen(tunnel->close_reason));
    return -1;
}

int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    struct tunnel *tunnel = NULL;
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WSI_DESTROY: /* of every descriptor on the inner vhost */
        tunnel = lws_get_opaque_user_data(wsi);
        break;
    case LWS_CALLBACK_HTTP: /* nothing on the inner vhost speaks plain HTTP */
        return -1;
    default:
        return 0;
    }
    if (reason == LWS_CALLBACK_WSI_DESTROY) {
        if (tunnel != NULL && tunnel->role == wsi) {
            tunnel->role = NULL;
            tunnel_release(tunnel);
        } else if (tunnel != NULL && tunnel->pair == wsi) {
            tunnel->pair = NULL;
            tunnel_release(tunnel);
        }
        return 0;
    }
    /* A session exists only behind the gate; anything else has no business with this role. */
    if (tunnel == NULL || tunnel->ws == NULL)
        return -1;
    if (reason == LWS_CALLBACK_ESTABLISHED)
        lws_callback_on_writable(wsi);
    if (reason == LWS_CALLBACK_RECEIVE)
        on_part(tunnel, wsi, in, len);
    return reason == LWS_CALLBACK_SERVER_WRITEABLE ? on_role_writable(tunnel, wsi) : 0;
}
