/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that people page through, in PostgreSQL: what `lists_test` asks of SQLite. The tables are
 * filled before a plan is asked for, since a planner that knows of no rows reads them all. */
#include <stdio.h>
#include <stdlib.h>

#include "pg_server.h"
#include "store/pg_sql.h"
#include "store_contract.h"

static int alone; /* the store is shared with nobody */

struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct arc_store_pg_options options = pg_server_options();
    options.shared = !alone;
    return pg_server_store(mem, &options, err);
}

void contract_close(struct arc_store *store)
{
    store->ops->close(store);
}

/* Of the contract this program has the hooks alone. */
struct arc_store *contract_again(struct arc_store *store, const struct arc_mem *mem, arc_err *err)
{
    contract_close(store);
    return contract_open(mem, err);
}

int contract_lasts(void)
{
    return 0;
}

size_t contract_key_bytes(void)
{
    return 1000;
}

/* An empty store, with the tables made. */
static struct arc_store *open_empty(void)
{
    struct arc_mem mem = arc__mem_default();
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = contract_open(&mem, &err);
    CHECK_OK(err.status);
    CHECK(store == NULL || contract_count(store, ARC_TABLE_event) == 0);
    return store;
}

/* --- plans ----------------------------------------------------------------------------------- */

/* Where a plan has a word and does not read the whole table, nor sort unless it may. */
#define PLAN_IS \
    "CREATE OR REPLACE FUNCTION plan_is(q text, word text, sorts boolean) RETURNS bigint" \
    " LANGUAGE plpgsql AS $$ DECLARE line text; plan text := ''; BEGIN" \
    " FOR line IN EXECUTE 'EXPLAIN ' || q LOOP plan := plan || line || '; '; END LOOP;" \
    " IF strpos(plan, word) > 0 AND strpos(plan, 'Seq Scan') = 0 AND" \
    " (sorts OR strpos(plan, 'Sort') = 0) THEN RETURN 1; END IF;" \
    " RAISE EXCEPTION 'the plan is %', plan; END $$"

static int fill(void)
{
    static const char rows[] =
        "INSERT INTO t_pipeline_run (id, pipeline_id, branch, status, created_at_ns, ended_at_ns)"
        " SELECT lpad(n::text, 26, '0'), 'p' || n % 200, 'b' || n % 2, 3 + n % 3, n, n"
        " FROM generate_series(1, 20000) AS n;"
        "INSERT INTO t_pipeline (id, project_id, status) SELECT lpad(n::text, 26, '0'), 'p' || n %"
        " 200, 1 FROM generate_series(1, 10000) AS n;"
        "INSERT INTO t_step_run (id, pipeline_id, run_id) SELECT lpad(n::text, 26, '0'), 'p' || n %"
        " 200, n % 900 FROM generate_series(1, 20000) AS n;"
        "INSERT INTO t_job_run (id, status, queued_at_ns) SELECT lpad(n::text, 26, '0'),"
        " CASE WHEN n % 500 = 0 THEN 2 ELSE 4 END, n FROM generate_series(1, 20000) AS n;"
        "UPDATE t_job_run SET agent_id = 'a' || queued_at_ns % 7;"
        "ANALYZE t_pipeline_run, t_pipeline, t_step_run, t_job_run";
    struct arc_store *store = open_empty();
    if (store == NULL)
        return 0;
    store->ops->close(store);
    (void)pg_server_ask(pg_server_get(), PLAN_IS);
    (void)pg_server_ask(pg_server_get(), rows);
    return 1;
}

static void check_plan(const struct arc_query *query, const char *index, int sorts)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf sql;
    arc__buf_init(&sql, &mem, 65536);
    arc__buf_add_cstr(&sql, "SET plan_cache_mode = force_generic_plan; PREPARE q AS ");
    arc__pg_sql_select(&sql, query);
    arc__buf_add_cstr(&sql, "; SELECT plan_is('EXECUTE q (");
    for (size_t i = 0; i < query->filter_count; i++) {
        const struct arc_filter *filter = &query->filters[i];
        if (arc__table_def(query->table)->cols[filter->col].type == ARC_COL_INT)
            arc__buf_printf(&sql, "%lld, ", (long long)filter->number);
        else
            arc__buf_printf(&sql, "''%.*s'', ", ARC_ARG(filter->text));
    }
    arc__buf_printf(&sql, "%zu, 0)', '%s', %s)", query->limit, index, sorts ? "true" : "false");
    if (!CHECK_INT(pg_server_ask(pg_server_get(), sql.ptr), 1))
        printf("# %s\n", sql.ptr);
    arc__buf_deinit(&sql);
}

static void add(struct arc_query *query, uint32_t col, const char *text, int64_t number)
{
    query->filters[query->filter_count++] =
        (struct arc_filter){.col = col, .text = arc__slice_cstr(text), .number = number};
}

static void lists_are_found_in_order(void)
{
    if (!fill())
        return;
    struct arc_query query = {
        .table = ARC_TABLE_pipeline_run, .order_col = -1, .descending = 1, .limit = 20};
    add(&query, ARC_COL_pipeline_run_pipeline_id, "p3", 0);
    check_plan(&query, "t_pipeline_run__pipeline_id__id", 0);
    add(&query, ARC_COL_pipeline_run_status, NULL, 4);
    check_plan(&query, "__pipeline_id__id", 0);
    query.filter_count = 1;
    add(&query, ARC_COL_pipeline_run_branch, "b1", 0);
    check_plan(&query, "t_pipeline_run__branch__pipeline_id__id", 0);
    query = (struct arc_query){
        .table = ARC_TABLE_pipeline, .order_col = -1, .descending = 1, .limit = 20};
    add(&query, ARC_COL_pipeline_project_id, "p3", 0);
    check_plan(&query, "t_pipeline__project_id__id", 1); /* there are few of a project */
    query = (struct arc_query){.table = ARC_TABLE_step_run, .order_col = -1, .limit = 20};
    add(&query, ARC_COL_step_run_pipeline_id, "p3", 0);
    check_plan(&query, "t_step_run__pipeline_id__id", 0);
}

static void what_waits_is_found_in_order(void)
{
    if (!fill())
        return;
    struct arc_query query = {
        .table = ARC_TABLE_job_run, .order_col = ARC_COL_job_run_queued_at_ns, .limit = 5};
    add(&query, ARC_COL_job_run_status, NULL, ARC_JOB_RUN_WAITS);
    check_plan(&query, "t_job_run__queued_at_ns__id", 0);
}

static void the_jobs_of_an_agent_are_found(void)
{
    if (!fill())
        return;
    struct arc_query query = {.table = ARC_TABLE_job_run, .order_col = -1, .limit = 100};
    add(&query, ARC_COL_job_run_agent_id, "a3", 0);
    add(&query, ARC_COL_job_run_status, NULL, ARC_JOB_RUN_WAITS);
    check_plan(&query, "t_job_run__status__agent_id__id", 1);
}

/* --- the indexes themselves ------------------------------------------------------------------ */

static int64_t indexes_named(const char *name)
{
    char sql[160];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_indexes WHERE indexname = '%s'",
                   name);
    return pg_server_ask(pg_server_get(), sql);
}

static void earlier_indexes(void)
{
    struct arc_store *store = open_empty();
    if (store == NULL)
        return;
    store->ops->close(store);
    (void)pg_server_ask(pg_server_get(),
                        "DROP INDEX t_pipeline_run__pipeline_id__id; CREATE INDEX "
                        "t_pipeline_run__pipeline_id ON t_pipeline_run (left(pipeline_id, 255))");
    store = open_empty();
    CHECK_INT(indexes_named("t_pipeline_run__pipeline_id"), 0);
    CHECK_INT(indexes_named("t_pipeline_run__pipeline_id__id"), 1);
    store->ops->close(store);
}

/* What only several ask for costs one that is alone nothing. */
static void indexes_of_a_shared_store(void)
{
    static const char *const names[] = {"t_job_run__queued_at_ns__id",
                                        "t_job_run__status__agent_id__id"};
    for (alone = 1; alone >= 0; alone--) {
        if (alone)
            (void)pg_server_ask(pg_server_get(), "DROP TABLE IF EXISTS t_job_run");
        struct arc_store *store = open_empty();
        if (store == NULL)
            break;
        for (size_t i = 0; i < 2; i++)
            CHECK_INT(indexes_named(names[i]), !alone);
        store->ops->close(store);
    }
    alone = 0;
}

/* Of what an index has the beginning, any length is taken and found again, though two differ only
 * behind it. */
static void long_texts_have_their_place(void)
{
    enum { LENGTH = 100000 };
    struct arc_store *store = open_empty();
    char *texts[2] = {malloc(LENGTH), malloc(LENGTH)};
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_rows rows = {NULL, 0, 0};
    if (store == NULL || texts[0] == NULL || texts[1] == NULL)
        return;
    arc__arena_init(&arena, &mem, 1 << 24);
    for (int i = 0; i < LENGTH; i++) /* U+1F600, and no two parts alike enough to be packed */
        texts[0][i] = texts[1][i] = "\xf0\x9f\x98\x80"[i % 4];
    for (int i = 3; i < LENGTH; i += 4)
        texts[0][i] = texts[1][i] = (char)(0x80 + (i * 7919 >> 4 & 63) % 56);
    texts[1][LENGTH - 1] = (char)0xbf;
    for (int i = 0; i < 2; i++) {
        struct arc_row_pipeline_run run = {.id = arc__slice(texts[i] + LENGTH - 1000, 1000),
                                           .pipeline_id =
                                               arc__slice(texts[i] + LENGTH - 1000, 1000),
                                           .branch = arc__slice(texts[i], LENGTH)};
        struct arc_row_pipeline pipeline = {.id = run.id, .project_id = run.branch, .version = 1};
        struct arc_store_op ops[] = {{ARC_STORE_INSERT, ARC_TABLE_pipeline_run, &run, 0},
                                     {ARC_STORE_INSERT, ARC_TABLE_pipeline, &pipeline, 0}};
        CHECK_OK(contract_commit(store, ops, 2, NULL));
    }
    for (int i = 0; i < 2; i++) {
        struct arc_query query = {.table = ARC_TABLE_pipeline_run, .order_col = -1, .limit = 9};
        add(&query, ARC_COL_pipeline_run_branch, NULL, 0);
        add(&query, ARC_COL_pipeline_run_pipeline_id, NULL, 0);
        query.filters[0].text = arc__slice(texts[i], LENGTH);
        query.filters[1].text = arc__slice(texts[i] + LENGTH - 1000, 1000);
        CHECK_OK(contract_query(store, &query, &arena, &rows, NULL));
        CHECK_INT(rows.count, 1);
    }
    arc__arena_deinit(&arena);
    free(texts[0]);
    free(texts[1]);
    store->ops->close(store);
}

static void totals(void)
{
    struct arc_store *store = open_empty();
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    if (store == NULL)
        return;
    (void)pg_server_ask(pg_server_get(), "INSERT INTO t_event (stream, seq, position) SELECT 's', "
                                         "n, n FROM generate_series(1, 10) AS n");
    arc__arena_init(&arena, &mem, 1 << 20);
    for (size_t most = 0; most <= 12; most++) {
        struct arc_rows rows = {NULL, 0, -1};
        struct arc_query query = {.table = ARC_TABLE_event,
                                  .order_col = -1,
                                  .limit = 1,
                                  .want_total = 1,
                                  .total_max = most};
        CHECK_OK(contract_query(store, &query, &arena, &rows, NULL));
        CHECK_INT(rows.total, most == 0 || most > 10 ? 10 : (int64_t)most);
        CHECK_INT(rows.count, 1);
    }
    arc__arena_deinit(&arena);
    store->ops->close(store);
}

static const struct test tests[] = {
    {"each list finds its rows by an index of PostgreSQL", lists_are_found_in_order},
    {"jobs that wait are found by an index of PostgreSQL", what_waits_is_found_in_order},
    {"an agent's jobs are found by an index of PostgreSQL", the_jobs_of_an_agent_are_found},
    {"what only several processes ask has an index only there", indexes_of_a_shared_store},
    {"a database of an earlier version gets the indexes of lists", earlier_indexes},
    {"texts of any length stand in the indexes of lists", long_texts_have_their_place},
    {"PostgreSQL stops counting where it may", totals},
};
TEST_MAIN(tests)
