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

/* 1: a sanitized build keeps no blocks, so that it sees their misuse; the case is skipped. */
static int keeps_nothing(void)
{
#ifdef ARC_SANITIZED
    test_skip("a sanitized pool keeps no blocks");
    return 1;
#else
    return 0;
#endif
}

static void bounded(void)
{
    static char *blocks[2 * ARC_GRPC_POOL_BLOCKS_KEEP_MAX / ARC_GRPC_POOL_BLOCK_MAX];
    struct arc_mem mem = arc__mem_default();
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct arc_grpc_pool pool;
    if (keeps_nothing())
        return;
    CHECK_OK(arc__grpc_limits_fill(NULL, 1, &limits, NULL));
    arc__grpc_pool_init(&pool, &mem, &limits);
    for (size_t i = 0; i < ARC_COUNT_OF(blocks); i++)
        blocks[i] = arc__grpc_pool_take(&pool, ARC_GRPC_POOL_BLOCK_MAX);
    for (size_t i = 0; i < ARC_COUNT_OF(blocks); i++)
        arc__grpc_pool_give(&pool, blocks[i], ARC_GRPC_POOL_BLOCK_MAX);
    /* Twice the bound was given back: it is full, and not beyond. */
    CHECK_INT(pool.block_bytes, ARC_GRPC_POOL_BLOCKS_KEEP_MAX);
    arc__grpc_pool_deinit(&pool);
}

/* A service that asks for no memory itself. */
static void echo_call(void *user, struct arc_grpc_call *call,
                      const struct arc_grpc_request *request)
{
    (void)user, (void)call, (void)request;
}

static void echo_message(void *user, struct arc_grpc_call *call, arc_slice message)
{
    (void)user;
    CHECK_OK(arc_grpc_call_send(call, message, NULL));
    CHECK_OK(arc_grpc_call_finish(call, ARC_GRPC_OK, ARC_NONE, NULL, 0, NULL));
}

static const struct arc_grpc_events echo_events = {
    .size = sizeof(struct arc_grpc_events),
    .on_call = echo_call,
    .on_message = echo_message,
};

static void serves_without_asking(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct pair pair = {.events = &echo_events};
    if (keeps_nothing())
        return;
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
    /* The client beside it asks once for each request, for the list of its lines. */
    CHECK_INT(state.calls - before, 100);
    pair_close(&pair);
    CHECK_INT(state.live, 0);
}

static const struct test tests[] = {
    {"blocks of a pool come back, of every size", blocks_come_back},
    {"a pool keeps no more than its bound", bounded},
    {"a warm connection serves without asking for memory", serves_without_asking},
};
TEST_MAIN(tests)
