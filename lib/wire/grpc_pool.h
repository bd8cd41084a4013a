/* SPDX-License-Identifier: Apache-2.0 */
/* What connections of one owner keep for each other: ended calls with their buffers, and freed
 * blocks of HTTP/2 in a few sizes. A busy server so asks the host for no memory while it serves; an
 * idle connection holds nothing of it. All users of a pool have the same memory and the same
 * limits. Thread: owner. */
#ifndef ARC_WIRE_GRPC_POOL_H
#define ARC_WIRE_GRPC_POOL_H

#include <arcentra/grpc.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"

struct arc_grpc_call;

/* Ended calls that are kept, and how much buffer with each. */
#define ARC_GRPC_POOL_CALLS_MAX 256
#define ARC_GRPC_POOL_KEEP_BYTES 4096
/* Blocks of up to BLOCK_MAX bytes are kept, in steps of BLOCK_STEP; KEEP_MAX in all. */
#define ARC_GRPC_POOL_BLOCK_STEP 32
#define ARC_GRPC_POOL_BLOCK_MAX 1024
#define ARC_GRPC_POOL_BLOCKS_KEEP_MAX (1024 * 1024)

struct arc_grpc_pool {
    struct arc_mem mem;
    struct arc_grpc_limits limits; /* of all its connections */
    /* Used by one connection at a time, and between two functions by none. */
    struct arc_buf scratch;  /* a header list that is being built */
    struct arc_arena header; /* memory for the header block that is being read */
    struct arc_buf unpacked; /* the message that is being delivered, if it came compressed */
    struct arc_link calls;   /* of struct arc_grpc_call.link */
    size_t call_count;
    void *blocks[ARC_GRPC_POOL_BLOCK_MAX / ARC_GRPC_POOL_BLOCK_STEP]; /* stacks, by size */
    size_t block_bytes;                                               /* in all of them */
};

void arc__grpc_pool_init(struct arc_grpc_pool *pool, const struct arc_mem *mem,
                         const struct arc_grpc_limits *limits);
void arc__grpc_pool_deinit(struct arc_grpc_pool *pool); /* a zeroed struct is fine */

/* A block that holds size bytes, not zeroed. NULL: no memory. Give the same size back. */
void *arc__grpc_pool_take(struct arc_grpc_pool *pool, size_t size);
void arc__grpc_pool_give(struct arc_grpc_pool *pool, void *block, size_t size);

#endif
