/* SPDX-License-Identifier: Apache-2.0 */
/* What stores share, for those that a host writes. */
#include "base/options.h"
#include "store/check.h"

const arc_table_def *arc_table_get(uint32_t table)
{
    return table < ARC_TABLE_COUNT ? arc__table_def((enum arc_table)table) : NULL;
}

const arc_listing *arc_listing_get(size_t index)
{
    return arc__listing(index);
}

arc_status arc_batch_check(const arc_store_batch *batch, arc_err *err)
{
    return arc__store_check_batch(batch, err);
}

arc_status arc_query_check(const arc_query *query, arc_err *err)
{
    return arc__store_check_query(query, err);
}

arc_status arc_claim_check(const arc_claim *claim, arc_err *err)
{
    return arc__store_check_claim(claim, err);
}

arc_status arc_batch_conflict(const arc_store_op *op, arc_err *err)
{
    ARC_REQUIRE(op != NULL && op->table < ARC_TABLE_COUNT, err, "op");
    return arc__store_conflict(arc__table_def((enum arc_table)op->table),
                               (enum arc_store_verb)op->verb, err);
}

arc_status arc_arena_take(arc_arena *arena, size_t size, void **out, arc_err *err)
{
    ARC_REQUIRE(arena != NULL && out != NULL, err, "arena");
    return arc__store_arena_take(arena, size, out, err);
}

arc_status arc_arena_new(const arc_env *env, size_t max_bytes, arc_arena **out, arc_err *err)
{
    arc_env given;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__options_read(env, sizeof(given), &given, "env", err));
    struct arc_mem mem = arc__mem_from_env(env);
    arc_arena *arena = arc__alloc(&mem, sizeof(*arena));
    if (arena == NULL)
        return arc__fail_nomem(err);
    arc__arena_init(arena, &mem, max_bytes);
    *out = arena;
    return ARC_OK;
}

void arc_arena_reset(arc_arena *arena)
{
    arc__arena_reset(arena);
}

void arc_arena_free(arc_arena *arena)
{
    if (arena == NULL)
        return;
    struct arc_mem mem = arena->mem;
    arc__arena_deinit(arena);
    arc__free(&mem, arena);
}
