/* SPDX-License-Identifier: Apache-2.0 */
/* Several servers for one channel, each of which counts what reaches it and fails when it is told
 * to; and a socket that accepts and is silent. */
#ifndef ARC_TEST_NET_FLEET_H
#define ARC_TEST_NET_FLEET_H

#include "host.h"

#define FLEET_MAX HOST_MORE_MAX

struct station {
    struct host *host;
    size_t index;
    char address[64];
    int calls;    /* that reached it */
    int fail;     /* so many are answered with `code` first */
    int32_t code; /* 0: UNAVAILABLE */
    int early;    /* they fail at once, not when the client has said all */
    int headers;  /* headers go out before the failure */
    int hold;     /* calls are kept in `held` and not answered */
    const char *pushback;
    struct arc_grpc_call *held;
    /* of the last call */
    char attempts[8], token[32], agent[32], authority[64];
    size_t messages, bytes, packed;
    uint32_t sum;
    uint64_t deadline_ns;
};

struct fleet {
    struct host host;
    struct station stations[FLEET_MAX];
    size_t count;
    const char *targets[FLEET_MAX + 2];
    size_t target_count;
    char spare[2][64]; /* addresses of no station */
    int silent;        /* a listening descriptor */
};

/* count servers; their addresses are the targets. */
arc_status fleet_open(struct fleet *fleet, const struct arc_mem *mem, size_t count);
void fleet_close(struct fleet *fleet);
void fleet_stop(struct fleet *fleet, size_t index);
arc_status fleet_start(struct fleet *fleet, size_t index); /* at the address it had */
/* One more target, before the others: nobody listens there; or somebody does and says nothing. */
void fleet_add_dead(struct fleet *fleet);
void fleet_add_silent(struct fleet *fleet);
/* The channel of the host; options may be NULL. */
arc_status fleet_connect(struct fleet *fleet, const struct arc_net_channel_options *options);
int fleet_calls(const struct fleet *fleet); /* that reached anybody */

/* An idempotent call with a message of its own and half closed, or not. */
arc_status fleet_begin(struct fleet *fleet, int idempotent, struct seen *seen);
void fleet_say(struct seen *seen, const char *text);
/* The same to its end. */
arc_status fleet_unary(struct fleet *fleet, int idempotent, struct seen *seen);

#endif
