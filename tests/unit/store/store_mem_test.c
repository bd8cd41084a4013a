/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mem.h"

#include <stdio.h>

#include "base/mem.h"
#include "store_contract.h"

struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct arc_store *store = NULL;
    return arc__store_mem_open(mem, &store, err) == ARC_OK ? store : NULL;
}

void contract_close(struct arc_store *store)
{
    store->ops->close(store);
}

struct arc_store *contract_again(struct arc_store *store, const struct arc_mem *mem, arc_err *err)
{
    (void)mem;
    (void)err;
    store->ops->close(store);
    return NULL;
}

int contract_lasts(void)
{
    return 0;
}

size_t contract_key_bytes(void)
{
    return SIZE_MAX;
}

/* Many streams that take turns, some of whose rows go again: as the engine's events do, and as they
 * do not. Each row is found under its key, and each stream is whole and in order. */
static void many_rows_taking_turns(void)
{
    enum { STREAMS = 50, ROUNDS = 60 };
    struct arc_mem mem = arc__mem_default();
    struct arc_store *store = contract_open(&mem, NULL);
    char names[STREAMS][16];
    for (int64_t round = 0; round < ROUNDS; round++) {
        for (int64_t s = 0; s < STREAMS; s++) {
            (void)snprintf(names[s], sizeof(names[s]), "s%d", (int)(s * 7 % STREAMS));
            int64_t seq = round % 2 == 0 ? round : 1000 - round; /* also before the last one */
            struct arc_row_event row = {.stream = arc__slice_cstr(names[s]),
                                        .seq = seq,
                                        .position = round * STREAMS + s + 1};
            struct arc_row_event twin = row;
            twin.seq = -1;
            struct arc_store_op ops[] = {{ARC_STORE_INSERT, ARC_TABLE_event, &row, 0},
                                         {ARC_STORE_INSERT, ARC_TABLE_event, &twin, 0},
                                         {ARC_STORE_DELETE, ARC_TABLE_event, &row, 0}};
            CHECK_OK(contract_commit(store, ops, 1, NULL));
            CHECK_STATUS(contract_commit(store, ops, 1, NULL), ARC_ECONFLICT);
            /* The second clashes by its position: the batch is undone. */
            CHECK_STATUS(contract_commit(store, &ops[1], 1, NULL), ARC_ECONFLICT);
            if (round % 5 == 4)
                CHECK_OK(contract_commit(store, &ops[2], 1, NULL));
        }
    }
    struct arc_arena arena;
    arc__arena_init(&arena, &mem, 1 << 24);
    for (int64_t s = 0; s < STREAMS; s++) {
        struct arc_query query = {.table = ARC_TABLE_event, .order_col = -1, .filter_count = 1};
        struct arc_rows found = {NULL, 0, 0};
        query.filters[0] =
            (struct arc_filter){.col = ARC_COL_event_stream, .text = arc__slice_cstr(names[s])};
        CHECK_OK(contract_query(store, &query, &arena, &found, NULL));
        const struct arc_row_event *rows = found.rows;
        CHECK_INT(found.count, ROUNDS - ROUNDS / 5);
        for (size_t i = 1; i < found.count; i++)
            CHECK(rows[i - 1].seq < rows[i].seq);
    }
    arc__arena_deinit(&arena);
    contract_close(store);
}

/* What only makes it faster may be missing. */
static void no_memory_for_hints(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct arc_store *store = contract_open(&mem, NULL);
    int went_on = 0;
    for (int i = 0; i < 40; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "c%d", i);
        struct arc_row_counter row = {arc__slice_cstr(name), i};
        struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_counter, &row, 0};
        state.fail_at = state.calls + 2; /* behind the list of changes */
        arc_status status = contract_commit(store, &op, 1, NULL);
        state.fail_at = 0;
        went_on += status == ARC_OK;
        if (status != ARC_OK)
            CHECK_OK(contract_commit(store, &op, 1, NULL));
    }
    CHECK(went_on > 0 && went_on < 40);
    CHECK_INT(contract_count(store, ARC_TABLE_counter), 40);
    contract_close(store);
    CHECK_INT(state.live, 0);
}

static const struct test tests[] = {
    STORE_CONTRACT_CASES{"a store of one has nobody to watch", nobody_else_writes},
    {"streams that take turns stay whole and in order", many_rows_taking_turns},
    {"a table grows on without memory for hints", no_memory_for_hints},
};

TEST_MAIN(tests)
