/* SPDX-License-Identifier: Apache-2.0 */
/* One socket and one gRPC connection, and the pumping between them. Shared by server and client; it
 * decides nothing but when to read, to write and to give up.
 * Must stay true: a wake-up reads and writes a bounded amount; what is left keeps the loop readable
 * or the pipe due; bytes that TLS has decrypted already are not waited for. Thread: owner. */
#ifndef ARC_NET_GRPC_PIPE_H
#define ARC_NET_GRPC_PIPE_H

#include "base/heap.h"
#include "base/list.h"
#include "net/conn.h"
#include "net/env.h"
#include "net/loop.h"
#include "wire/grpc.h"
#include "wire/grpc_pool.h"

#define ARC_PIPE_BUFFER_BYTES 65536

struct arc_grpc_pipe;

/* What all pipes of one server or channel share. */
struct arc_pipe_hub {
    struct arc_net_env env;
    struct arc_heap timers; /* of pipes */
    struct arc_link due;    /* pipes with work that no descriptor announces */
    uint64_t handshake_ns;  /* to establish TCP and TLS */
    uint64_t stall_ns;      /* bytes wait and the socket takes none */
    uint64_t linger_ns;     /* for the peer to read why it ended, and to close; 0: not waited for */
    void *user;
    /* TCP and TLS are through; the gRPC connection is to be pumped from now on. */
    void (*on_open)(void *user, struct arc_grpc_pipe *pipe);
    /* It is over and closed, why is in err (ARC_EDONE: as it should). The owner frees it; the gRPC
     * connection is the owner's too. Called from dispatch or tick, never from within another call.
     */
    void (*on_over)(void *user, struct arc_grpc_pipe *pipe, const arc_err *err);
    uint64_t bytes_in, bytes_out;
    char *in, *out; /* ARC_PIPE_BUFFER_BYTES each */
    struct arc_grpc_pool pool;
};

struct arc_grpc_pipe {
    struct arc_pipe_hub *hub;
    struct arc_conn conn;
    struct arc_grpc_conn *wire; /* borrowed */
    struct arc_watch watch;
    struct arc_timer timer;
    struct arc_link due;
    struct arc_buf rest; /* taken from the wire, not yet by the socket */
    uint64_t handshake_at, stall_at, linger_at;
    size_t discarded; /* bytes that came since */
    int heard;        /* what happens now is by what the peer said, and not by time */
    int open, over;   /* over: `why` says why; no memory for it is a reason too */
    int read_again;   /* the last read filled its share: there may be more */
    arc_err *why;     /* NULL: nothing has happened */
};

/* limits: those of all its connections, filled. */
arc_status arc__hub_init(struct arc_pipe_hub *hub, const struct arc_net_env *env,
                         const struct arc_grpc_limits *limits, arc_err *err);
void arc__hub_deinit(struct arc_pipe_hub *hub); /* a zeroed struct is fine */
/* Everything that is due by time or by arc__pipe_touch. */
void arc__hub_tick(struct arc_pipe_hub *hub);
uint64_t arc__hub_next_deadline(const struct arc_pipe_hub *hub); /* 0: at once */

/* pipe->conn is connecting or accepted. wire may be NULL until on_open. */
arc_status arc__pipe_start(struct arc_grpc_pipe *pipe, struct arc_pipe_hub *hub,
                           struct arc_grpc_conn *wire, arc_err *err);
/* Closes the socket. The gRPC connection hears of it only by its owner. */
void arc__pipe_stop(struct arc_grpc_pipe *pipe);
/* Ends it from the owner's side; on_over follows with err. */
void arc__pipe_fail(struct arc_grpc_pipe *pipe, const arc_err *err);
/* Something came up outside of a pump (arc_grpc_config.on_work). */
void arc__pipe_touch(struct arc_grpc_pipe *pipe);

#endif
