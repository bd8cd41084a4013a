/* SPDX-License-Identifier: Apache-2.0 */
/* A host for servers and channels on real sockets with a clock of its own: it polls the loop, and
 * when nothing moves for a moment it lets the clock jump to the next deadline. */
#ifndef ARC_TEST_NET_HOST_H
#define ARC_TEST_NET_HOST_H

#include "pair.h"

#include "net/env.h"
#include "net/grpc_client.h"
#include "net/grpc_server.h"
#include "net/loop.h"

/* Servers beside the first that a host turns. */
#define HOST_MORE_MAX 4

struct host {
    struct arc_net_env env;
    struct arc_loop *loop;
    uint64_t now_ns;
    uint64_t random;
    struct arc_net_server *server, *more[HOST_MORE_MAX];
    struct arc_net_channel *channel, *second;
    struct service service;
    char address[64]; /* of the server, for a channel */
    int states[8];    /* how often the channel came to each */
    char why[256];    /* the last failure of the channel */
    char log[400];    /* for a test that gives a log: its last line */
    int broke;        /* a wait ended without what it waited for */
};

arc_status host_open(struct host *host, const struct arc_mem *mem);
void host_close(struct host *host);
/* options: what differs from "127.0.0.1:0, plaintext, defaults"; may be NULL. */
arc_status host_serve(struct host *host, const struct arc_net_server_options *options,
                      arc_err *err);
void host_stop(struct host *host);
arc_status host_connect(struct host *host, const struct arc_net_channel_options *options,
                        struct arc_net_channel **out, arc_err *err);
/* Turns until *done is not 0. Fails the test after many idle turns. */
void host_until(struct host *host, const int *done);
void host_turn(struct host *host, int wait_ms); /* one turn; no jump of the clock */
/* Turns until nothing moves; the clock stands. */
void host_settle(struct host *host);

arc_status host_call(struct host *host, struct arc_net_channel *channel, const char *path,
                     uint64_t deadline_ns, int wait_for_ready, struct seen *seen);
/* Opens, sends, half closes, turns until the end. */
arc_status host_unary(struct host *host, struct arc_net_channel *channel, const char *path,
                      arc_slice message, struct seen *seen);

#endif
