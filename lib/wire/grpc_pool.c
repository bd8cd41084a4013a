/* SPDX-License-Identifier: Apache-2.0 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "wire/grpc_pool.h"

#include "wire/grpc_priv.h"

/* Each kept field costs its copy (with room for alignment and the NUL) and its slices, and the list
 * of them that it outgrew. */
static size_t header_max(const struct arc_grpc_limits *limits)
{
    return 4 * (size_t)limits->header_list_max_bytes +
           (size_t)limits->header_fields_max * (3 * sizeof(struct arc_grpc_field) + 64) + 4096;
}

void arc__grpc_pool_init(struct arc_grpc_pool *pool, const struct arc_mem *mem,
                         const struct arc_grpc_limits *limits)
{
    *pool = (struct arc_grpc_pool){.mem = *mem, .limits = *limits};
    arc__list_init(&pool->calls);
    arc__buf_init(&pool->scratch, mem, 4 * (size_t)limits->header_list_max_bytes + 65536);
    arc__arena_init(&pool->header, mem, header_max(limits));
    arc__buf_init(&pool->unpacked, mem, 0); /* its bound is that of each message */
}

void arc__grpc_pool_deinit(struct arc_grpc_pool *pool)
{
    if (pool->mem.alloc == NULL)
        return;
    arc__buf_deinit(&pool->scratch);
    arc__arena_deinit(&pool->header);
    arc__buf_deinit(&pool->unpacked);
    while (!arc__list_empty(&pool->calls)) {
        struct arc_grpc_call *call = ARC_CONTAINER(pool->calls.next, struct arc_grpc_call, link);
        arc__list_remove(&call->link);
        arc__grpc_call_destroy(call, &pool->mem);
    }
    for (size_t i = 0; i < ARC_COUNT_OF(pool->blocks); i++) {
        while (pool->blocks[i] != NULL) {
            void *block = pool->blocks[i];
            pool->blocks[i] = *(void **)block;
            arc__free(&pool->mem, block);
        }
    }
    pool->call_count = pool->block_bytes = 0;
}

/* Under a sanitizer every block comes from the host, so that a use after free is seen. */
#ifdef ARC_SANITIZED
#define KEPT_MAX 0
#else
#define KEPT_MAX ARC_GRPC_POOL_BLOCK_MAX
#endif

static size_t class_of(size_t size)
{
    return size == 0 ? 0 : (size - 1) / ARC_GRPC_POOL_BLOCK_STEP;
}

void *arc__grpc_pool_take(struct arc_grpc_pool *pool, size_t size)
{
    if (size > KEPT_MAX)
        return arc__realloc(&pool->mem, NULL, size);
    size_t i = class_of(size), whole = (i + 1) * ARC_GRPC_POOL_BLOCK_STEP;
    void *block = pool->blocks[i];
    if (block == NULL)
        return arc__realloc(&pool->mem, NULL, whole);
    pool->blocks[i] = *(void **)block;
    pool->block_bytes -= whole;
    return block;
}

void arc__grpc_pool_give(struct arc_grpc_pool *pool, void *block, size_t size)
{
    size_t i = class_of(size), whole = (i + 1) * ARC_GRPC_POOL_BLOCK_STEP;
    if (size > KEPT_MAX || pool->block_bytes + whole > ARC_GRPC_POOL_BLOCKS_KEEP_MAX) {
        arc__free(&pool->mem, block);
        return;
    }
    *(void **)block = pool->blocks[i];
    pool->blocks[i] = block;
    pool->block_bytes += whole;
}
