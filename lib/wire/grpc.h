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

struct arc_grpc_pool;
/* arc_grpc_conn_new with a pool that connections of one owner share (wire/grpc_pool.h); it outlives
 * them. NULL: one of its own. */
arc_status arc__grpc_conn_new(const struct arc_grpc_config *config, struct arc_grpc_pool *pool,
                              uint64_t now_ns, struct arc_grpc_conn **out, arc_err *err);

#endif
