/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of arcentrad share: one process, one thread. libwebsockets runs the loop, the
 * sockets, TLS and WebSocket; the control plane is a guest in it by its one descriptor. What must
 * stay true: every connection and every queue has a bound, and whatever a client sends, what it
 * gets back is the JSON envelope.
 *
 *     listen.c   sockets that accept              h1.c      bytes to requests
 *     http.c     a connection and its requests    answer.c  responses as bytes
 *     ws.c       WebSocket sessions               loop.c    the loop, signals, the drain
 */
#ifndef EXAMPLES_SERVER_SERVER_H
#define EXAMPLES_SERVER_SERVER_H

#include <arcentra/arcentra.h>
#include <libwebsockets.h>
#include <stdint.h>

#include "common/log.h"
#include "common/text.h"
#include "server/config.h"
#include "server/h1.h"

/* Bodies of all connections together: beyond it a request is told to come back. */
#define BODIES_MAX_BYTES ((size_t)64 << 20)
/* One write to a socket; one read is at most as much. */
#define PIECE_BYTES 16384u
#define LISTENERS_MAX 4u

struct conn;
struct tunnel;

struct server {
    struct config *config;
    struct log log;
    arc_ctl *ctl;
    arc_server *grpc;
    struct lws_context *lws;
    struct lws_vhost *outer; /* what comes from the network, with TLS where it is set */
    struct lws_vhost *inner; /* our own descriptors, and WebSocket behind its gate */
    struct lws *listeners[LISTENERS_MAX];
    size_t listener_count;
    int listeners_rest; /* they could not accept; tried again a little later */
    int http_port, grpc_port;
    lws_sorted_usec_list_t turn, sweep;
    int sweeps;         /* the next sweep is due; without a connection there is none */
    struct conn *conns; /* doubly linked, newest first */
    int64_t conn_count;
    struct tunnel *tunnels;
    size_t bodies_bytes;    /* held at present */
    unsigned char *piece;   /* LWS_PRE + PIECE_BYTES to write from */
    int64_t drain_until_ms; /* 0: not draining */
    int stop;               /* 1: the loop ends */
    int failed;             /* the exit code */
};

/* --- loop.c --- */

/* Makes the loop and takes the descriptors of ctl and of the signals into it. 0, or -1: logged. */
int loop_open(struct server *server, int signal_fd);
/* Runs until a signal has drained the server or something failed for good. */
void loop_run(struct server *server);
void loop_close(struct server *server);
/* Monotonic milliseconds. */
int64_t loop_now_ms(void);
/* Something has a deadline now: looks each second until nothing has, and then sleeps. */
void loop_need_sweep(struct server *server);

/* --- listen.c --- */

/* Listens for HTTP as the configuration says. 0, or -1: logged. */
int listen_open(struct server *server);
void listen_close(struct server *server);
/* Goes on accepting after descriptors had run out; once a second. */
void listen_again(struct server *server);
/* 1 when nobody beyond this machine can reach an address "host:port". */
int listen_is_local(const char *address);
int listen_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len);

/* --- http.c --- */

enum conn_state {
    CONN_HEAD = 1, /* waits for a request, or has a part of one */
    CONN_BODY,
    CONN_WAIT,   /* the library has it */
    CONN_WRITE,  /* its response goes out */
    CONN_LINGER, /* the response is out; what still comes in is dropped until the peer has read it
                  */
    CONN_TUNNEL, /* WebSocket */
};

struct conn {
    struct server *server;
    struct conn *next, *prev;
    struct lws *wsi;
    enum conn_state state;
    int64_t deadline_ms; /* of the state; 0: none */
    struct text in;      /* bytes that are not a request yet */
    struct h1_scan scan;
    char *head_bytes; /* what head points into */
    struct h1_head head;
    struct h1_chunks chunks;
    struct text body;
    size_t body_mark; /* bytes of the body when deadline_ms was set */
    arc_http *http;
    struct text out; /* bytes to write before the response's body */
    size_t out_at;
    struct text own;      /* a body of our own */
    const char *out_body; /* borrowed from http, or own */
    size_t out_body_len, out_body_at;
    int close_after;
    int deaf; /* reading is off */
    struct tunnel *tunnel;
};

int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len);
/* Answers with the error envelope and closes afterwards. */
void http_refuse(struct conn *conn, int status, const char *sentence);
/* Looks after deadlines, once a second. */
void http_sweep(struct server *server, int64_t now_ms);
/* Closes what is idle and lets what is not end. */
void http_drain(struct server *server);
/* Makes room for one more connection by closing the longest idle one. 0: there is room. */
int http_make_room(struct server *server);
/* Stops or goes on reading from the peer. */
void http_listen_to_peer(struct conn *conn, int on);

/* --- answer.c --- */

/* Status line and headers into conn->out; the body's length is known. */
void answer_head(struct conn *conn, int status, const char *content_type, const char *headers,
                 size_t body_len);
/* The same for a refusal of our own, whose envelope stands in conn->own. */
void answer_refusal_head(struct conn *conn, int status);
/* The error envelope into conn->own. */
void answer_envelope(struct conn *conn, int status, const char *sentence);
/* 1 when the origin is on the list. */
int answer_origin_allowed(const struct server *server, const char *origin);
/* Answers the preflight of a browser; 1 when the request was one. */
int answer_preflight(struct conn *conn);

/* --- ws.c --- */

/* 1 when the request wants /api/v1/ws; then it was accepted or refused. */
int ws_take(struct conn *conn);
int ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                size_t len);
int pair_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len);
/* The outer connection of a tunnel: bytes of the peer, room to write, and its end. -1: close it. */
void ws_outer_bytes(struct tunnel *tunnel, const void *bytes, size_t len);
int ws_outer_writable(struct tunnel *tunnel, struct lws *wsi);
void ws_outer_gone(struct tunnel *tunnel);
void ws_sweep(struct server *server, int64_t now_ms);
/* Tells every session that the server goes away. */
void ws_drain(struct server *server);

/* --- token.c --- */

/* Makes DATA/admin.token when there is none that holds. 0, or -1: logged. */
int token_first_start(struct server *server);
/* `arcentrad token admin|agent`: the exit code. */
int token_command(struct config *config, const struct log *log, const char *kind, const char *name);

/* --- notify.c --- */

/* Tells the service manager, if one asked for it: "READY=1". */
void notify(const char *state);

#endif
