/* SPDX-License-Identifier: Apache-2.0 */
/* The transport as the library's own rooms see it: <arcentra/grpc.h>, whose functions are made in
 * this room, and what only they need. */
#ifndef ARC_WIRE_GRPC_H
#define ARC_WIRE_GRPC_H

#include <arcentra/grpc.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/grpc_meta.h"

/* *out is *in (NULL: none) with the defaults where it is zero. ARC_EINVAL for a limit out of range.
 */
arc_status arc__grpc_limits_fill(const struct arc_grpc_limits *in, int server,
                                 struct arc_grpc_limits *out, arc_err *err);

/* ARC_EINVAL: too many, or one that is none. */
arc_status arc__grpc_interceptors_check(const struct arc_grpc_interceptor *const *list,
                                        size_t count, arc_err *err);

/* In on_message of a server's call: 1, the message ends what the client sends, as far as can be
 * seen yet; on_half_close is the next event of reading. 0: it may be so all the same. */
int arc__grpc_call_is_last(const struct arc_grpc_call *call);
/* 1: it can still be answered. */
int arc__grpc_call_is_unanswered(const struct arc_grpc_call *call);
/* What a router notes of a call; NULL from the start. */
void arc__grpc_call_set_route(struct arc_grpc_call *call, const void *route);
const void *arc__grpc_call_get_route(const struct arc_grpc_call *call);
const struct arc_grpc_events *arc__grpc_call_get_events(const struct arc_grpc_call *call);

struct arc_grpc_pool;
/* arc_grpc_conn_new with a pool that connections of one owner share (wire/grpc_pool.h); it outlives
 * them. NULL: one of its own. */
arc_status arc__grpc_conn_new(const struct arc_grpc_config *config, struct arc_grpc_pool *pool,
                              uint64_t now_ns, struct arc_grpc_conn **out, arc_err *err);

#endif
