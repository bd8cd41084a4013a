/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that people page through, in SQLite: each statement that a list can lead to finds its rows
 * by an index, in their order, so that the last page of a million costs what the first one does. */
#include <sqlite3.h>
#include <stdio.h>

#include "shim.h"
#include "store/sqlite.h"
#include "store/sqlite_sql.h"
#include "store_files.h"

/* --- asking for plans ------------------------------------------------------------------------ */

static sqlite3 *open_file(struct store_files *files)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_store *store = NULL;
    sqlite3 *db = NULL;
    store_files_make(files);
    CHECK_OK(arc__store_sqlite_open(&mem, files->path, NULL, &store, NULL));
    if (store != NULL)
        store->ops->close(store);
    CHECK(sqlite3_open(files->path, &db) == SQLITE_OK);
    return db;
}

/* SQLite's plan of a statement. */
static void plan_of(sqlite3 *db, const char *sql, char *plan, size_t size)
{
    sqlite3_stmt *statement = NULL;
    char explain[8192];
    plan[0] = '\0';
    (void)snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
    CHECK(sqlite3_prepare_v2(db, explain, -1, &statement, NULL) == SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        size_t len = strlen(plan);
        (void)snprintf(plan + len, size - len, "%s; ",
                       (const char *)sqlite3_column_text(statement, 3));
    }
    (void)sqlite3_finalize(statement);
}

/* Rows are found by this index, and only those of one moment are sorted; the count goes the same
 * way. */
static void check_plan(sqlite3 *db, const struct arc_query *query, const char *index)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf sql;
    char plan[1024];
    for (int counts = 0; counts < 2; counts++) {
        arc__buf_init(&sql, &mem, 65536);
        if (counts)
            arc__sqlite_count(&sql, query);
        else
            arc__sqlite_select(&sql, query);
        plan_of(db, sql.ptr, plan, sizeof(plan));
        int good = strstr(plan, index) != NULL && strstr(plan, "B-TREE FOR ORDER BY") == NULL &&
                   (strstr(plan, "SEARCH") != NULL || query->filter_count == 0);
        if (!good)
            printf("# %s\n#   is planned: %s\n", sql.ptr, plan);
        CHECK(good);
        arc__buf_deinit(&sql);
    }
}

static void add(struct arc_query *query, uint32_t col, enum arc_filter_op op, const char *text,
                int64_t number)
{
    query->filters[query->filter_count++] =
        (struct arc_filter){.col = col, .op = op, .text = arc__slice_cstr(text), .number = number};
}

static int64_t indexes_named(sqlite3 *db, const char *name)
{
    sqlite3_stmt *statement = NULL;
    int64_t count = -1;
    CHECK(sqlite3_prepare_v2(db,
                             "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = ?",
                             -1, &statement, NULL) == SQLITE_OK);
    CHECK(sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC) == SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return count;
}

/* --- lists ----------------------------------------------------------------------------------- */

#define BY_STATUS 1u
#define BY_BRANCH 2u
#define BY_TRIGGER 4u
#define BY_FROM 8u
#define BY_TO 16u
#define BY_CURSOR 32u
#define RUN_FILTERS 64u

static struct arc_query list_of_runs(unsigned with)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run,
                              .order_col = -1,
                              .descending = 1,
                              .limit = 20,
                              .want_total = 1,
                              .total_max = 1000};
    add(&query, ARC_COL_pipeline_run_pipeline_id, ARC_FILTER_EQ, "p", 0);
    if (with & BY_STATUS)
        add(&query, ARC_COL_pipeline_run_status, ARC_FILTER_EQ, NULL, 4);
    if (with & BY_BRANCH)
        add(&query, ARC_COL_pipeline_run_branch, ARC_FILTER_EQ, "main", 0);
    if (with & BY_TRIGGER)
        add(&query, ARC_COL_pipeline_run_trigger_type, ARC_FILTER_EQ, NULL, 1);
    if (with & BY_FROM) {
        add(&query, ARC_COL_pipeline_run_created_at_ns, ARC_FILTER_GE, NULL, 5);
        add(&query, ARC_COL_pipeline_run_id, ARC_FILTER_GE, "01", 0);
    }
    if (with & BY_TO)
        add(&query, ARC_COL_pipeline_run_created_at_ns, ARC_FILTER_LT, NULL, 9);
    if (with & (BY_TO | BY_CURSOR))
        add(&query, ARC_COL_pipeline_run_id, ARC_FILTER_LT, "02", 0);
    return query;
}

static void runs(void)
{
    struct store_files files;
    sqlite3 *db = open_file(&files);
    for (unsigned with = 0; with < RUN_FILTERS; with++) {
        struct arc_query query = list_of_runs(with);
        const char *index = "t_pipeline_run__pipeline_id__id";
        if (with & BY_STATUS)
            index = "t_pipeline_run__status__pipeline_id__id";
        else if (with & BY_BRANCH)
            index = "t_pipeline_run__branch__pipeline_id__id";
        if ((with & BY_STATUS) && (with & BY_BRANCH))
            index = "__pipeline_id__id"; /* either */
        check_plan(db, &query, index);
    }
    sqlite3_close(db);
    store_files_remove(&files);
}

static void pipelines(void)
{
    struct store_files files;
    sqlite3 *db = open_file(&files);
    struct arc_query query = {
        .table = ARC_TABLE_pipeline, .order_col = -1, .descending = 1, .limit = 20};
    add(&query, ARC_COL_pipeline_deleted_at_ns, ARC_FILTER_EQ, NULL, 0);
    add(&query, ARC_COL_pipeline_project_id, ARC_FILTER_EQ, "p", 0);
    check_plan(db, &query, "t_pipeline__project_id__id");
    add(&query, ARC_COL_pipeline_status, ARC_FILTER_EQ, NULL, 3);
    check_plan(db, &query, "t_pipeline__project_id__id");
    add(&query, ARC_COL_pipeline_id, ARC_FILTER_LT, "01", 0);
    check_plan(db, &query, "t_pipeline__project_id__id");
    query.filter_count = 1;
    add(&query, ARC_COL_pipeline_id, ARC_FILTER_LT, "01", 0);
    check_plan(db, &query, "sqlite_autoindex_t_pipeline_1");
    sqlite3_close(db);
    store_files_remove(&files);
}

static void steps_and_events(void)
{
    struct store_files files;
    sqlite3 *db = open_file(&files);
    struct arc_query steps = {.table = ARC_TABLE_step_run, .order_col = -1, .limit = 20};
    add(&steps, ARC_COL_step_run_deleted_at_ns, ARC_FILTER_EQ, NULL, 0);
    add(&steps, ARC_COL_step_run_pipeline_id, ARC_FILTER_EQ, "p", 0);
    check_plan(db, &steps, "t_step_run__pipeline_id__id");
    add(&steps, ARC_COL_step_run_status, ARC_FILTER_EQ, NULL, 3);
    check_plan(db, &steps, "t_step_run__pipeline_id__id");
    struct arc_query events = {.table = ARC_TABLE_event, .order_col = -1, .limit = 200};
    add(&events, ARC_COL_event_stream, ARC_FILTER_EQ, "r", 0);
    add(&events, ARC_COL_event_seq, ARC_FILTER_GT, NULL, 7);
    check_plan(db, &events, "sqlite_autoindex_t_event_1");
    struct arc_query log = {
        .table = ARC_TABLE_event, .order_col = ARC_COL_event_position, .limit = 128};
    add(&log, ARC_COL_event_position, ARC_FILTER_GT, NULL, 7);
    add(&log, ARC_COL_event_position, ARC_FILTER_LE, NULL, 9);
    check_plan(db, &log, "t_event__position");
    sqlite3_close(db);
    store_files_remove(&files);
}

/* What a process asks that has room, of a store that it has alone: nobody else has jobs to take. */
static void waiting_jobs(void)
{
    struct store_files files;
    struct arc_mem mem = arc__mem_default();
    struct arc_buf sql;
    char plan[1024];
    sqlite3 *db = open_file(&files);
    CHECK_INT(indexes_named(db, "t_job_run__queued_at_ns__id"), 0);
    /* Those of a run are found by the run. */
    struct arc_query query = {
        .table = ARC_TABLE_job_run, .order_col = ARC_COL_job_run_queued_at_ns, .limit = 5};
    add(&query, ARC_COL_job_run_run_id, ARC_FILTER_EQ, "r", 0);
    add(&query, ARC_COL_job_run_status, ARC_FILTER_EQ, NULL, ARC_JOB_RUN_WAITS);
    arc__buf_init(&sql, &mem, 65536);
    arc__sqlite_select(&sql, &query);
    plan_of(db, sql.ptr, plan, sizeof(plan));
    CHECK(strstr(plan, "t_job_run__run_id (run_id=?)") != NULL);
    arc__buf_deinit(&sql);
    sqlite3_close(db);
    store_files_remove(&files);
}

/* What retention asks: the oldest runs that are over. */
static void old_runs(void)
{
    struct store_files files;
    sqlite3 *db = open_file(&files);
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .order_col = -1, .limit = 1};
    add(&query, ARC_COL_pipeline_run_id, ARC_FILTER_GT, "00", 0);
    add(&query, ARC_COL_pipeline_run_ended_at_ns, ARC_FILTER_GT, NULL, 0);
    add(&query, ARC_COL_pipeline_run_held, ARC_FILTER_EQ, NULL, 0);
    check_plan(db, &query, "sqlite_autoindex_t_pipeline_run_1 (id>?)");
    add(&query, ARC_COL_pipeline_run_pipeline_id, ARC_FILTER_EQ, "p", 0);
    check_plan(db, &query, "t_pipeline_run__pipeline_id__id (pipeline_id=? AND id>?)");
    struct arc_query keys = {.table = ARC_TABLE_request_key,
                             .order_col = ARC_COL_request_key_created_at_ns,
                             .limit = 100};
    add(&keys, ARC_COL_request_key_created_at_ns, ARC_FILTER_LT, NULL, 5);
    check_plan(db, &keys, "t_request_key__created_at_ns (created_at_ns<?)");
    sqlite3_close(db);
    store_files_remove(&files);
}

/* --- an earlier file ------------------------------------------------------------------------- */

static void earlier_indexes(void)
{
    struct store_files files;
    struct arc_mem mem = arc__mem_default();
    struct arc_store *store = NULL;
    sqlite3 *db = open_file(&files);
    CHECK(sqlite3_exec(db,
                       "DROP INDEX t_pipeline_run__pipeline_id__id; CREATE INDEX "
                       "t_pipeline_run__pipeline_id ON t_pipeline_run (pipeline_id); CREATE INDEX "
                       "t_pipeline_run__created_at_ns ON t_pipeline_run (created_at_ns); CREATE "
                       "INDEX t_job_run__queued_at_ns__id ON t_job_run (id); VACUUM",
                       NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    CHECK_OK(arc__store_sqlite_open(&mem, files.path, NULL, &store, NULL));
    if (store != NULL)
        store->ops->close(store);
    CHECK(sqlite3_open(files.path, &db) == SQLITE_OK);
    CHECK_INT(indexes_named(db, "t_pipeline_run__pipeline_id"), 0);
    CHECK_INT(indexes_named(db, "t_pipeline_run__created_at_ns"), 0);
    CHECK_INT(indexes_named(db, "t_job_run__queued_at_ns__id"), 0);
    CHECK_INT(indexes_named(db, "t_pipeline_run__pipeline_id__id"), 1);
    sqlite3_close(db);
    store_files_remove(&files);
}

/* --- totals ---------------------------------------------------------------------------------- */

static int64_t told;

static void keep_total(void *user, arc_status status, const struct arc_rows *rows,
                       const arc_err *err)
{
    (void)user;
    (void)err;
    told = status == ARC_OK ? rows->total : -1;
}

static void totals(void)
{
    struct store_files files;
    struct arc_mem mem = arc__mem_default();
    struct arc_store *store = NULL;
    struct arc_arena arena;
    store_files_make(&files);
    CHECK_OK(arc__store_sqlite_open(&mem, files.path, NULL, &store, NULL));
    for (int64_t seq = 1; store != NULL && seq <= 10; seq++)
        CHECK_OK(store_files_say(store, "s", seq, NULL));
    for (size_t most = 0; store != NULL && most <= 12; most++) {
        struct arc_query query = {.table = ARC_TABLE_event,
                                  .order_col = -1,
                                  .limit = 1,
                                  .want_total = 1,
                                  .total_max = most};
        arc__arena_init(&arena, &mem, 1u << 20);
        CHECK_OK(store->ops->query(store, &query, &arena, keep_total, NULL, NULL));
        CHECK_INT(told, most == 0 || most > 10 ? 10 : (int64_t)most);
        arc__arena_deinit(&arena);
    }
    if (store != NULL)
        store->ops->close(store);
    store_files_remove(&files);
}

static const struct test tests[] = {
    {"every list of runs finds its rows by an index, in order", runs},
    {"lists of pipelines find theirs by an index, in order", pipelines},
    {"lists of steps and events find theirs by an index, in order", steps_and_events},
    {"jobs that wait in a run are found by the run", waiting_jobs},
    {"what retention asks is found by an index, in order", old_runs},
    {"a file of an earlier version gets the indexes of lists", earlier_indexes},
    {"counting stops where it may", totals},
};
TEST_MAIN(tests)
