/* SPDX-License-Identifier: Apache-2.0 */
/* A gRPC channel: calls to one service at one or more addresses. Its calls begin in a lobby
 * (wire/grpc.h); when a line (grpc_line.h) is READY they go on to its connection, at once or when
 * one becomes so, and come back when they are to be sent again (grpc_retry.h). It connects when
 * there is a call.
 *
 *     calls --> lobby --> line: 127.0.0.1:1 --> connection
 *                 ^  |    line: 127.0.0.1:2 --> connection     round robin; with pick-first there
 *                 |  +--> line: ...                            is one line that has all addresses
 *                 +-- to be sent again, after a wait --+
 *
 * A call waits in the lobby while a line connects. When every line backs off, it ends as
 * UNAVAILABLE unless it asked to wait_for_ready: then only its deadline ends it. A server that says
 * GOAWAY keeps the calls it has; the next call goes to a new connection.
 *
 * Tick and loop: as for a server.
 * Thread: owner. */
#ifndef ARC_NET_GRPC_CLIENT_H
#define ARC_NET_GRPC_CLIENT_H

#include <arcentra/client.h>

#include "net/env.h"
#include "net/tls.h"
#include "wire/grpc.h"

struct arc_net_channel;

struct arc_net_channel_options {
    size_t size;
    const struct arc_net_env *env; /* copied; random is required */
    const char *const *targets;    /* "host:port"; copied */
    size_t target_count;
    uint32_t balance;                     /* ARC_GRPC_PICK_FIRST, ARC_GRPC_ROUND_ROBIN */
    const struct arc_tls_options *tls;    /* NULL: plaintext */
    const struct arc_grpc_limits *limits; /* NULL: defaults */
    const struct arc_grpc_retry *retry;   /* NULL: none; copied */
    const char *user_agent;               /* NULL: "libarcentra"; copied */
    const char *authority;                /* NULL: the first target; copied */
    uint32_t encoding;
    const struct arc_grpc_interceptor *const *interceptors;
    size_t interceptor_count;
    int32_t (*credentials)(void *user, const struct arc_grpc_request *request,
                           struct arc_grpc_field *out, size_t max);
    void *credentials_user;
    int32_t credentials_in_clear;
    /* 0: the default */
    uint64_t connect_ns;     /* 20 s: one attempt, TCP and TLS */
    uint64_t backoff_min_ns; /* 200 ms: bound of the first wait */
    uint64_t backoff_max_ns; /* 30 s */
    uint64_t stall_ns;       /* 30 s: a socket that takes no byte */
    /* May be NULL. err: why, where it came to BACKOFF or was lost; NULL else. It may open calls. */
    void (*on_state)(void *user, int32_t state, const arc_err *err);
    void *user;
};

/* Metadata lines that credentials may add. */
#define ARC_NET_CREDENTIALS_MAX 16

/* Looks up the targets' names, which blocks, once: for a name that moves there is set_targets.
 * Connects nothing yet. ARC_EINVAL, ARC_EUNAVAILABLE (no name is known), ARC_ENOMEM. */
arc_status arc__net_channel_open(const struct arc_net_channel_options *options,
                                 struct arc_net_channel **out, arc_err *err);
/* Ends every call with ARC_GRPC_WHY_LOST. NULL is fine. Not from an event. */
void arc__net_channel_close(struct arc_net_channel *channel);

void arc__net_channel_tick(struct arc_net_channel *channel);
uint64_t arc__net_channel_next_deadline(const struct arc_net_channel *channel); /* 0: at once */

/* As arc_grpc_call_open. ARC_EUNAVAILABLE besides while the channel backs off and the call did not
 * ask to wait; ARC_EUNAUTHENTICATED where credentials refused. */
arc_status arc__net_channel_call(struct arc_net_channel *channel,
                                 const struct arc_grpc_request *request,
                                 const struct arc_grpc_events *events, void *user,
                                 struct arc_grpc_call **out, arc_err *err);
/* As open; connections to addresses that stay are kept, others finish their calls. */
arc_status arc__net_channel_set_targets(struct arc_net_channel *channel, const char *const *targets,
                                        size_t count, arc_err *err);
arc_status arc__net_channel_reload_tls(struct arc_net_channel *channel, arc_err *err);
/* Connects now, without a call, and without waiting for the end of a back-off. */
void arc__net_channel_connect(struct arc_net_channel *channel);
/* No more calls on the present connections; those alive go on. */
void arc__net_channel_drain(struct arc_net_channel *channel);

int32_t arc__net_channel_get_state(const struct arc_net_channel *channel);
const char *arc__net_channel_state_name(int32_t state);
size_t arc__net_channel_calls(const struct arc_net_channel *channel); /* alive */
const struct arc_grpc_counters *
arc__net_channel_get_counters(const struct arc_net_channel *channel);

#endif
