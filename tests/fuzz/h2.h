/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of either role under the fuzzer: an application that does anything it is allowed to
 * do, wherever the input says so, and the promises of arcentra/grpc.h checked around it. */
#ifndef ARC_TEST_FUZZ_H2_H
#define ARC_TEST_FUZZ_H2_H

#include <arcentra/grpc.h>

#include "fuzz.h"

#define H2_CALLS_MAX 2048

/* One call as the application knows it. */
struct h2_call {
    struct h2 *h2;
    arc_grpc_call *call;
    int alive;    /* ours: on_close is still to come */
    int ended;    /* finished, cancelled: nothing but the end may come */
    int half;     /* the peer will send no more */
    int paused;   /* and nothing was to come since */
    int statuses; /* client */
    int headers, messages;
};

struct h2 {
    struct fuzz_mem state;
    struct arc_mem mem;
    struct fuzz_input input;
    arc_grpc_conn *conn;
    arc_grpc_counters counters;
    uint64_t now_ns;
    size_t seen;  /* bytes given */
    size_t alive; /* calls */
    size_t made;
    int server;
    int small;  /* the small limits */
    int deaf;   /* what is to be sent is not taken */
    int inside; /* in an event */
    int over;   /* recv has failed, or the end was seen */
    struct h2_call calls[H2_CALLS_MAX];
};

/* Runs an input through a connection. */
void h2_run(int server, const uint8_t *data, size_t size);

#endif
