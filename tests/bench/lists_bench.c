/* SPDX-License-Identifier: Apache-2.0 */
/* Lists over a million runs in SQLite: `./dev bench lists`. Rows are written through the port, not
 * by running; half of them are of one pipeline, one in a thousand has failed, one in ten thousand
 * is of another branch. Printed is what the first page, one in the middle and the last one take, of
 * the whole list and of filtered ones, and what counting takes: median and worst of 101 times, in
 * microseconds. ARC_LISTS_ROWS says how many rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arcentra/states.h>

#include "base/arena.h"
#include "base/ulid.h"
#include "port/store.h"
#include "store/sqlite.h"

#define BATCH 1000u
#define TIMES 101u
#define PAGE 20u
#define COUNTED 10000u /* as lists count */
#define FIRST_MS UINT64_C(1700000000000)

struct lists {
    struct arc_mem mem;
    struct arc_store *store;
    char dir[64], path[96];
    uint64_t rows;
};

static void committed(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    (void)shift;
    (void)err;
    *(arc_status *)user = status;
}

static void found(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    (void)err;
    *(int64_t *)user = status == ARC_OK ? (int64_t)rows->count : -1;
}

/* --- filling --------------------------------------------------------------------------------- */

static void make_run(uint64_t n, arc_id *id, struct arc_row_pipeline_run *row)
{
    arc__ulid_first(FIRST_MS + n, id);
    *row = (struct arc_row_pipeline_run){
        .id = arc__id_slice(id),
        .pipeline_id = n % 2 == 0 ? ARC_LIT("01HF7YAT00AAFGY4TQCX94F500")
                                  : ARC_LIT("01HF7YAT00AAFGY4TQCX94F501"),
        .pipeline_name = ARC_LIT("build"),
        .project_id = ARC_LIT("project"),
        .namespace = ARC_LIT("bench"),
        .number = (int64_t)(n / 2 + 1),
        .status = n % 1000 == 0 ? ARC_RUN_FAILED : ARC_RUN_SUCCESS,
        .trigger_type = 1,
        .triggered_by = ARC_LIT("somebody"),
        .branch = n % 10000 == 2 ? ARC_LIT("release") : ARC_LIT("main"),
        .definition_sha =
            ARC_LIT("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        .variables = ARC_LIT("{}"),
        .total_jobs = 4,
        .completed_jobs = 4,
        .version = 30,
        .created_at_ns = (int64_t)((FIRST_MS + n) * 1000000),
        .ended_at_ns = (int64_t)((FIRST_MS + n + 60000) * 1000000),
    };
}

static int fill(struct lists *lists)
{
    static arc_id ids[BATCH];
    static struct arc_row_pipeline_run rows[BATCH];
    static struct arc_store_op ops[BATCH];
    for (uint64_t n = 0; n < lists->rows; n += BATCH) {
        arc_status status = ARC_EINTERNAL;
        const struct arc_store_batch batch = {ops, BATCH, 0};
        for (size_t i = 0; i < BATCH; i++) {
            make_run(n + i, &ids[i], &rows[i]);
            ops[i] = (struct arc_store_op){ARC_STORE_INSERT, ARC_TABLE_pipeline_run, &rows[i], 0};
        }
        if (lists->store->ops->commit(lists->store, &batch, committed, &status, NULL) != ARC_OK ||
            status != ARC_OK || lists->store->ops->dispatch(lists->store, NULL) != ARC_OK)
            return 0;
    }
    return 1;
}

/* --- measuring ------------------------------------------------------------------------------- */

static double now_us(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static int measure(struct lists *lists, const char *name, const struct arc_query *query)
{
    static double times[TIMES];
    int64_t count = 0;
    for (size_t i = 0; i < TIMES; i++) {
        struct arc_arena arena;
        arc__arena_init(&arena, &lists->mem, (size_t)64 << 20);
        double before = now_us();
        if (lists->store->ops->query(lists->store, query, &arena, found, &count, NULL) != ARC_OK)
            count = -1;
        times[i] = now_us() - before;
        arc__arena_deinit(&arena);
    }
    qsort(times, TIMES, sizeof(times[0]), by_value);
    printf("%-44s %3lld rows  %10.0f us  %10.0f us\n", name, (long long)count, times[TIMES / 2],
           times[TIMES - 1]);
    return count >= 0;
}

static void add(struct arc_query *query, uint32_t col, enum arc_filter_op op, const char *text,
                int64_t number)
{
    query->filters[query->filter_count++] =
        (struct arc_filter){.col = col, .op = op, .text = arc__slice_cstr(text), .number = number};
}

/* The page of the list that begins behind this part of all runs. */
static struct arc_query page(struct lists *lists, double part, arc_id *cursor)
{
    struct arc_query query = {
        .table = ARC_TABLE_pipeline_run, .order_col = -1, .descending = 1, .limit = PAGE};
    arc__ulid_first(FIRST_MS + (uint64_t)((double)lists->rows * (1 - part)), cursor);
    add(&query, ARC_COL_pipeline_run_pipeline_id, ARC_FILTER_EQ, "01HF7YAT00AAFGY4TQCX94F500", 0);
    if (part > 0)
        add(&query, ARC_COL_pipeline_run_id, ARC_FILTER_LT, cursor->text, 0);
    return query;
}

static int measure_pages(struct lists *lists)
{
    static const struct {
        const char *name;
        double part;
    } parts[] = {{"first page", 0}, {"middle page", 0.5}, {"last page", 0.9999}};
    char name[96];
    arc_id cursor;
    int good = 1;
    for (size_t i = 0; i < 3; i++) {
        struct arc_query query = page(lists, parts[i].part, &cursor);
        good &= measure(lists, parts[i].name, &query);
        add(&query, ARC_COL_pipeline_run_status, ARC_FILTER_EQ, NULL, ARC_RUN_FAILED);
        (void)snprintf(name, sizeof(name), "%s, failed", parts[i].name);
        good &= measure(lists, name, &query);
        query = page(lists, parts[i].part, &cursor);
        add(&query, ARC_COL_pipeline_run_branch, ARC_FILTER_EQ, "release", 0);
        (void)snprintf(name, sizeof(name), "%s, of a rare branch", parts[i].name);
        good &= measure(lists, name, &query);
    }
    return good;
}

static int measure_counts(struct lists *lists)
{
    arc_id cursor;
    struct arc_query query = page(lists, 0, &cursor);
    int good = 1;
    query.want_total = 1;
    query.total_max = COUNTED;
    good &= measure(lists, "first page and its total", &query);
    add(&query, ARC_COL_pipeline_run_status, ARC_FILTER_EQ, NULL, ARC_RUN_FAILED);
    good &= measure(lists, "first page and its total, failed", &query);
    query = page(lists, 0, &cursor);
    query.offset = COUNTED - PAGE;
    good &= measure(lists, "page 500 by its number", &query);
    query.offset = 0;
    query.want_total = 1;
    good &= measure(lists, "all counted, as lists do not", &query);
    return good;
}

static int run(struct lists *lists)
{
    double before = now_us();
    if (arc__store_sqlite_open(&lists->mem, lists->path, NULL, &lists->store, NULL) != ARC_OK ||
        !fill(lists))
        return 0;
    printf("lists: %llu runs in SQLite, half of them of the pipeline that is listed; filled in "
           "%.0f s\n",
           (unsigned long long)lists->rows, (now_us() - before) / 1e6);
    printf("%-44s %8s  %13s  %13s\n", "", "", "median", "worst");
    return measure_pages(lists) && measure_counts(lists);
}

static int is_wanted(int argc, char **argv)
{
    int wanted = argc < 2;
    for (int i = 1; i < argc; i++)
        wanted |= strstr("lists", argv[i]) != NULL;
    return wanted;
}

int main(int argc, char **argv)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".reserve", ".mark"};
    struct lists lists = {.mem = arc__mem_default(), .rows = 1000000};
    const char *rows = getenv("ARC_LISTS_ROWS");
    char path[128];
    if (!is_wanted(argc, argv))
        return 0;
    if (rows != NULL)
        lists.rows = strtoull(rows, NULL, 10) / BATCH * BATCH;
    (void)snprintf(lists.dir, sizeof(lists.dir), "arc-lists-XXXXXX");
    if (mkdtemp(lists.dir) == NULL)
        return 1;
    (void)snprintf(lists.path, sizeof(lists.path), "%s/lists.db", lists.dir);
    int good = run(&lists);
    if (lists.store != NULL)
        lists.store->ops->close(lists.store);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", lists.path, ends[i]);
        (void)unlink(path);
    }
    (void)rmdir(lists.dir);
    return good ? 0 : 1;
}
