/* SPDX-License-Identifier: Apache-2.0 */
/* What connections share: blocks come back, bounds hold, a busy connection asks for no memory. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <string.h>

#include "pair.h"
#include "shim.h"
#include "wire/grpc_pool.h"

static void blocks_come_back(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct arc_grpc_pool pool;
    CHECK_OK(arc__grpc_limits_fill(NULL, 1, &limits, NULL));
    arc__grpc_pool_init(&pool, &mem, &limits);
    for (size_t size = 1; size <= 2 * ARC_GRPC_POOL_BLOCK_MAX; size += 13) {
        char *block = arc__grpc_pool_take(&pool, size);
        CHECK(block != NULL);
        memset(block, 'x', size);
        arc__grpc_pool_give(&pool, block, size);
    }
    CHECK(pool.block_bytes <= ARC_GRPC_POOL_BLOCKS_KEEP_MAX);
    arc__grpc_pool_deinit(&pool);
    CHECK_INT(state.live, 0);
}

static void bounded(void)
{
    static char *blocks[2 * ARC_GRPC_POOL_BLOCKS_KEEP_MAX / ARC_GRPC_POOL_BLOCK_MAX];
    struct arc_mem mem = arc__mem_default();
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct arc_grpc_pool pool;
    CHECK_OK(arc__grpc_limits_fill(NULL, 1, &limits, NULL));
    arc__grpc_pool_init(&pool, &mem, &limits);
    for (size_t i = 0; i < ARC_COUNT_OF(blocks); i++)
        blocks[i] = arc__grpc_pool_take(&pool, ARC_GRPC_POOL_BLOCK_MAX);
    for (size_t i = 0; i < ARC_COUNT_OF(blocks); i++)
        arc__grpc_pool_give(&pool, blocks[i], ARC_GRPC_POOL_BLOCK_MAX);
    CHECK(pool.block_bytes <= ARC_GRPC_POOL_BLOCKS_KEEP_MAX);
    arc__grpc_pool_deinit(&pool);
}

/* A sanitized build keeps no blocks, so that it sees their misuse. */
static void serves_without_asking(void)
{
#ifndef ARC_SANITIZED
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct pair pair = {0};
    CHECK_OK(pair_open(&pair, &mem, NULL, NULL));
    for (int i = 0; i < 100; i++) {
        struct seen seen = {0};
        CHECK_OK(pair_unary(&pair, "/t/Echo", ARC_LIT("warm"), &seen));
    }
    uint64_t before = state.calls;
    for (int i = 0; i < 100; i++) {
        struct seen seen = {0};
        CHECK_OK(pair_unary(&pair, "/t/Echo", ARC_LIT("warm"), &seen));
        CHECK_INT(seen.code, ARC_GRPC_OK);
    }
    /* A handful a call is for pair.c's own book-keeping. */
    CHECK(state.calls - before <= 100 * 6);
    pair_close(&pair);
    CHECK_INT(state.live, 0);
#endif
}

static const struct test tests[] = {
    {"blocks of a pool come back, of every size", blocks_come_back},
    {"a pool keeps no more than its bound", bounded},
    {"a warm connection serves without asking for memory", serves_without_asking},
};
TEST_MAIN(tests)
