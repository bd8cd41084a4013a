/* SPDX-License-Identifier: Apache-2.0 */
/* A gRPC server on sockets: listeners, connections, and the pumping. What a call means is the
 * application's: it gives the events of wire/grpc.h and answers through its functions.
 *
 * The owner dispatches the loop, then ticks:
 *     arc__loop_dispatch(loop, budget)
 *     arc__net_server_tick(server)             (also after the application answered calls by
 * itself) sleep until the loop's descriptor is readable or arc__net_server_next_deadline()
 *
 * Draining: every connection is told to go (GOAWAY), calls that are alive go on, and what is left
 * at the deadline is cut. Thread: owner. */
#ifndef ARC_NET_GRPC_SERVER_H
#define ARC_NET_GRPC_SERVER_H

#include <arcentra/server.h>

#include "net/addr.h"
#include "net/env.h"
#include "net/tls.h"
#include "wire/grpc.h"

struct arc_net_server;

struct arc_net_server_options {
    size_t size;
    const struct arc_net_env *env;        /* copied */
    const char *const *listen;            /* net/addr.h; at least one */
    size_t listen_count;                  /* at most ARC_GRPC_LISTEN_MAX */
    const struct arc_tls_options *tls;    /* NULL: plaintext */
    const struct arc_grpc_limits *limits; /* of each connection; NULL: defaults */
    const struct arc_grpc_events *events; /* outlives the server */
    void *user;                           /* of the events, until a call has its own */
    const struct arc_grpc_interceptor *const *interceptors;
    size_t interceptor_count;
    uint32_t encoding;
    /* 0: the default */
    uint32_t conns_max; /* 10000 */
    /* 64: connections of one address that were never answered but with a refusal. By default not
     * for loopback, where a proxy speaks for many. */
    uint32_t unproven_per_source_max;
    uint64_t handshake_ns; /* 10 s: TCP and TLS */
    uint64_t stall_ns;     /* 30 s: a socket that takes no byte */
};
/* ARC_EINVAL, ARC_EIO, ARC_EUNAVAILABLE, ARC_ENOMEM. Names in `listen` are looked up, which blocks.
 */
arc_status arc__net_server_open(const struct arc_net_server_options *options,
                                struct arc_net_server **out, arc_err *err);
/* Cuts what is alive: its calls end with ARC_GRPC_WHY_LOST. NULL is fine. Not from an event. */
void arc__net_server_close(struct arc_net_server *server);

/* Reads the certificate files again, for connections from now on. As arc__tls_ctx_reload. */
arc_status arc__net_server_reload_tls(struct arc_net_server *server, arc_err *err);

void arc__net_server_tick(struct arc_net_server *server);
uint64_t arc__net_server_next_deadline(const struct arc_net_server *server); /* 0: at once */

/* Stops listening, sends GOAWAY; what is alive at deadline_ns is cut. Again: only a nearer deadline
 * changes anything. */
void arc__net_server_drain(struct arc_net_server *server, uint64_t deadline_ns);
int arc__net_server_is_drained(const struct arc_net_server *server); /* 1: no connection left */

size_t arc__net_server_listeners(const struct arc_net_server *server);
uint16_t arc__net_server_port(const struct arc_net_server *server, size_t index);
int arc__net_server_is_loopback(const struct arc_net_server *server); /* all listeners are */
void arc__net_server_stats(const struct arc_net_server *server, struct arc_grpc_server_stats *out);

#endif
