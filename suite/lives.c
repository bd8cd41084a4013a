/* SPDX-License-Identifier: Apache-2.0 */
/* The two cases of the contract that are long by nature: random lives beside the naive store, and
 * memory that runs out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "suite.h"

/* --- random lives ---------------------------------------------------------------------------- */

struct life {
    uint64_t random;
    struct arc_store *store;
    struct model *model;
    arc_arena *arena;
    uint64_t steps, conflicts, rows_seen;
    int failed;
};

static uint64_t next(struct life *life)
{
    uint64_t x = life->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return life->random = x;
}

static uint64_t below(struct life *life, uint64_t max)
{
    return (next(life) >> 11) % max;
}

/* Few values, so that keys meet, versions match and unique values clash. */
static arc_slice some_text(struct life *life)
{
    static const char *const texts[] = {
        "",         "a",    "b", "ab", "abc", "B", "a'", "a%",
        "\xc3\xa4", "a\nb", "z", "zz", "\"",  "0", "10", "a very long text, longer than most"};
    return text_of(texts[below(life, ARC_COUNT_OF(texts))]);
}

static int64_t some_int(struct life *life)
{
    static const int64_t edges[] = {INT64_MIN, INT64_MAX, -1, 1000000007};
    uint64_t roll = below(life, 24);
    return roll < ARC_COUNT_OF(edges) ? edges[roll] : (int64_t)(roll % 6);
}

/* What is fixed follows from the first column of the key, so that no writer breaks its word. */
static void some_row(struct life *life, const struct arc_table_def *def, void *row)
{
    arc_slice first = ARC_NONE;
    for (uint32_t i = 0; i < def->col_count; i++) {
        char *at = (char *)row + def->cols[i].offset;
        int fixed = (def->cols[i].flags & ARC_COL_FIXED) != 0;
        if (i == 1)
            memcpy(&first, (char *)row + def->cols[0].offset, sizeof(first));
        if (def->cols[i].type == ARC_COL_INT) {
            int64_t number = fixed ? (int64_t)first.len : some_int(life);
            memcpy(at, &number, sizeof(number));
        } else {
            arc_slice text = fixed ? first : some_text(life);
            memcpy(at, &text, sizeof(text));
        }
    }
}

static uint32_t some_table(struct life *life)
{
    static const uint32_t tables[] = {ARC_TABLE_pipeline,    ARC_TABLE_token,   ARC_TABLE_event,
                                      ARC_TABLE_agent_event, ARC_TABLE_counter, ARC_TABLE_step_run};
    return tables[below(life, ARC_COUNT_OF(tables))];
}

/* Big enough for any row. */
union any_row {
#define ROW_MEMBER(table) struct arc_row_##table table;
    ARC_TABLES(ROW_MEMBER)
};

static void step_commit(struct life *life)
{
    enum { OPS_MAX = 6 };
    union any_row rows[OPS_MAX];
    struct arc_store_op ops[OPS_MAX];
    size_t count = 1 + below(life, below(life, 3) == 0 ? OPS_MAX : 2);
    for (size_t i = 0; i < count; i++) {
        uint32_t table = some_table(life);
        const struct arc_table_def *def = arc_table_get(table);
        uint32_t verb = (uint32_t)below(life, 4);
        if (verb == ARC_STORE_UPDATE && def->version_col < 0)
            verb = ARC_STORE_PUT;
        some_row(life, def, &rows[i]);
        ops[i] = (struct arc_store_op){verb, table, &rows[i], some_int(life)};
    }
    arc_status want = arc__model_commit(life->model, ops, count);
    arc_status got = arc__suite_commit(life->store, ops, count, NULL);
    life->conflicts += want == ARC_ECONFLICT;
    life->failed |= !CHECK_STATUS(got, want);
}

static void some_filter(struct life *life, const struct arc_table_def *def,
                        struct arc_filter *filter, int64_t *ints, size_t ints_max)
{
    filter->col = (uint32_t)below(life, below(life, 2) ? def->key_count : def->col_count);
    int is_int = def->cols[filter->col].type == ARC_COL_INT;
    filter->op = below(life, 3) == 0 ? ARC_FILTER_EQ : (uint32_t)below(life, 7);
    if (filter->op == ARC_FILTER_IN && !is_int)
        filter->op = ARC_FILTER_CONTAINS;
    filter->text = some_text(life);
    filter->number = some_int(life);
    filter->int_count = below(life, ints_max + 1);
    for (size_t i = 0; i < filter->int_count; i++)
        ints[i] = some_int(life);
    filter->ints = ints;
}

static void step_query(struct life *life)
{
    enum { INTS_MAX = 5 };
    int64_t ints[ARC_QUERY_FILTERS_MAX][INTS_MAX];
    static const void *want[MODEL_ROWS_MAX];
    struct arc_query query = {.table = some_table(life), .order_col = -1};
    const struct arc_table_def *def = arc_table_get(query.table);
    query.filter_count = below(life, below(life, 8) == 0 ? ARC_QUERY_FILTERS_MAX + 1 : 4);
    for (size_t i = 0; i < query.filter_count; i++)
        some_filter(life, def, &query.filters[i], ints[i], INTS_MAX);
    if (below(life, 3) != 0)
        query.order_col = (int32_t)below(life, def->col_count);
    query.descending = (int)below(life, 2);
    query.limit = below(life, 2) ? below(life, 8) : 0;
    query.offset = below(life, 3) == 0 ? below(life, 6) : 0;
    query.want_total = (int)below(life, 2);
    int64_t total = 0;
    size_t count = arc__model_query(life->model, &query, want, MODEL_ROWS_MAX, &total);
    struct arc_rows rows = {NULL, 0, 0};
    life->failed |= !CHECK_OK(arc__suite_query(life->store, &query, life->arena, &rows, NULL));
    life->failed |= !CHECK_INT(rows.count, count) || !CHECK_INT(rows.total, total);
    for (size_t i = 0; !life->failed && i < count; i++) {
        life->failed |= !arc__model_same(def, (const char *)rows.rows + i * def->row_size, want[i]);
        CHECK(!life->failed);
    }
    life->rows_seen += count;
    arc_arena_reset(life->arena);
}

static void check_whole(struct life *life)
{
    static const void *want[MODEL_ROWS_MAX];
    for (int t = 0; t < ARC_TABLE_COUNT; t++) {
        const struct arc_table_def *def = arc_table_get((uint32_t)t);
        struct arc_query query = {.table = (uint32_t)t, .order_col = -1};
        struct arc_rows rows = {NULL, 0, 0};
        int64_t total = 0;
        size_t count = arc__model_query(life->model, &query, want, MODEL_ROWS_MAX, &total);
        CHECK_OK(arc__suite_query(life->store, &query, life->arena, &rows, NULL));
        life->failed |= !CHECK_INT(rows.count, count);
        for (size_t i = 0; !life->failed && i < count; i++)
            life->failed |=
                !arc__model_same(def, (const char *)rows.rows + i * def->row_size, want[i]);
    }
    arc_arena_reset(life->arena);
}

void arc__case_random_lives_agree(void)
{
    enum { LIVES = 6, STEPS = 1500 };
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        arc_err err = ARC_ERR_INIT;
        struct life life = {.random = seed * 0x9e3779b97f4a7c15u, .model = arc__model_new()};
        life.store = arc__suite_open(NULL, &err);
        life.arena = arc__suite_arena(NULL, (size_t)64 * 1024 * 1024);
        CHECK((life.store != NULL || err.status == ARC_OK) && life.model != NULL);
        CHECK(life.arena != NULL);
        if (life.store == NULL || life.model == NULL || life.arena == NULL) {
            arc_arena_free(life.arena);
            arc__model_free(life.model);
            return;
        }
        for (; life.steps < STEPS && !life.failed; life.steps++) {
            if (below(&life, 5) < 2)
                step_query(&life);
            else
                step_commit(&life);
        }
        check_whole(&life);
        CHECK(!life.failed);
        if (life.failed)
            arc__suite_say("seed %llu, step %llu", (unsigned long long)seed,
                           (unsigned long long)life.steps);
        /* A life in which little happens would agree with anything. */
        CHECK(life.failed || (life.conflicts > STEPS / 20 && life.rows_seen > STEPS));
        arc_arena_free(life.arena);
        arc__suite_close(life.store);
        arc__model_free(life.model);
    }
}

/* --- memory that runs out -------------------------------------------------------------------- */

/* One short life that uses every verb and a query. Answers the first failure. */
static arc_status torture_life(struct arc_store *store, arc_arena *arena)
{
    struct arc_row_pipeline v1 = {.id = ARC_LIT("a"), .name = ARC_LIT("one"), .revision = 1};
    struct arc_row_pipeline v2 = {.id = ARC_LIT("a"), .name = ARC_LIT("two"), .revision = 2};
    struct arc_row_counter counter = {ARC_LIT("n"), 4};
    struct arc_row_outbox notice = {.id = ARC_LIT("1")};
    struct arc_claim claim = {.table = ARC_TABLE_outbox,
                              .by_col = ARC_COL_outbox_claimed_by,
                              .until_col = ARC_COL_outbox_claimed_until_ns,
                              .by = ARC_LIT("me"),
                              .until_ns = 1,
                              .limit = 2};
    struct arc_store_op ops[] = {{ARC_STORE_INSERT, ARC_TABLE_pipeline, &v1, 0},
                                 {ARC_STORE_PUT, ARC_TABLE_outbox, &notice, 0},
                                 {ARC_STORE_UPDATE, ARC_TABLE_pipeline, &v2, 1},
                                 {ARC_STORE_PUT, ARC_TABLE_counter, &counter, 0}};
    ARC_TRY(arc__suite_commit(store, ops, ARC_COUNT_OF(ops), NULL));
    struct arc_query query = {
        .table = ARC_TABLE_pipeline, .order_col = ARC_COL_pipeline_description, .want_total = 1};
    struct arc_rows rows = {NULL, 0, 0};
    ARC_TRY(arc__suite_query(store, &query, arena, &rows, NULL));
    CHECK_INT(rows.count, 1);
    if (store->ops->claim != NULL) {
        ARC_TRY(arc__suite_claim(store, &claim, arena, &rows, NULL));
        CHECK_INT(rows.count, 1);
    }
    struct arc_store_op gone = {ARC_STORE_DELETE, ARC_TABLE_pipeline, &v1, 0};
    return arc__suite_commit(store, &gone, 1, NULL);
}

/* After a failure: every batch is there whole or not at all, and work goes on. */
static void check_after_failure(struct arc_store *store, arc_arena *arena)
{
    int64_t pipelines = arc__suite_count(store, ARC_TABLE_pipeline);
    int64_t counters = arc__suite_count(store, ARC_TABLE_counter);
    CHECK(pipelines == counters || (pipelines == 0 && counters == 1));
    struct arc_row_pipeline v1 = {.id = ARC_LIT("a")};
    struct arc_row_counter counter = {ARC_LIT("n"), 4};
    struct arc_store_op clean[] = {{ARC_STORE_DELETE, ARC_TABLE_pipeline, &v1, 0},
                                   {ARC_STORE_DELETE, ARC_TABLE_counter, &counter, 0}};
    CHECK_OK(arc__suite_commit(store, clean, 2, NULL));
    CHECK_OK(torture_life(store, arena));
}

/* 1: no allocation failed any more. */
static int torture(uint64_t fail_at, int sticky)
{
    struct suite_mem state = {0};
    arc_env env = arc__suite_env(&state);
    arc_err err = ARC_ERR_INIT;
    arc_arena *arena = arc__suite_arena(&env, 1 << 20);
    if (!CHECK(arena != NULL))
        return 1;
    state = (struct suite_mem){.fail_at = fail_at, .sticky = sticky, .live = state.live};
    arc_store *store = arc__suite_open(&env, &err);
    arc_status status = store != NULL ? torture_life(store, arena) : err.status;
    int done = state.calls < fail_at || (store == NULL && err.status == ARC_OK); /* or skipped */
    CHECK_STATUS(status, done ? ARC_OK : ARC_ENOMEM);
    state.fail_at = 0;
    if (store != NULL && status != ARC_OK)
        check_after_failure(store, arena);
    if (store != NULL)
        arc__suite_close(store);
    arc_arena_free(arena);
    CHECK_INT(state.live, 0);
    return done;
}

void arc__case_memory_runs_out(void)
{
    if (!arc__suite_fails_memory()) {
        arc__suite_skip();
        return;
    }
    for (int sticky = 0; sticky < 2; sticky++) {
        uint64_t at = 1;
        while (at < 10000 && !torture(at, sticky))
            at++;
        CHECK(at == 1 || (at > 5 && at < 10000)); /* 1: there is no such store here */
    }
}
