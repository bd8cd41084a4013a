/* SPDX-License-Identifier: Apache-2.0 */
/* Stores gone through row by row: the walk, the copy into another store, what is counted. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/copy.h"
#include "engine/survey.h"
#include "engine/walk.h"
#include "store/sqlite.h"

static const char two_jobs[] =
    "namespace: demo\njobs:\n"
    "- {name: build, retry: {maxAttempts: 2}, steps: [{name: one, run: 'true'}]}\n"
    "- {name: test, dependsOn: [build], steps: [{name: two, run: 'true'}]}\n";

#define ROWS_BYTES_MAX (64u * 1024u * 1024u)

/* --- two stores ------------------------------------------------------------------------------ */

struct pair {
    struct world w;          /* the first store, with a life in it */
    char dir[64], path[128]; /* of the second */
    struct arc_desk from, to;
};

static arc_status open_second(struct pair *p, enum world_store kind)
{
    p->to = (struct arc_desk){.mem = p->w.mem};
    if (kind == WORLD_MEM)
        return arc__store_mem_open(&p->w.mem, &p->to.store, NULL);
    if (p->dir[0] == '\0') {
        snprintf(p->dir, sizeof(p->dir), "/tmp/arc-pair-XXXXXX");
        CHECK(mkdtemp(p->dir) != NULL);
    }
    snprintf(p->path, sizeof(p->path), "%s/second.db", p->dir);
    return arc__store_sqlite_open(&p->w.mem, p->path, NULL, &p->to.store, NULL);
}

/* Some runs that are over, one that is not, and what agents and tokens leave. */
static int open_pair(struct pair *p, enum world_store from, enum world_store to)
{
    struct hand hand = {0};
    struct said pipeline, run;
    memset(p, 0, sizeof(*p));
    if (!world_open(&p->w, from))
        return 0;
    if (!CHECK_INT(hand_join(&hand, &p->w, "a", "", 2), 1))
        return 0;
    world_start_run(&p->w, two_jobs, &pipeline, &run);
    hand_work(&hand);
    for (int i = 0; i < 3; i++) {
        (void)world_ask(&p->w, world_trigger(&p->w, pipeline.id, i == 1 ? "again" : ""));
        hand_work(&hand);
    }
    world_start_run(&p->w, two_jobs, &pipeline, &run); /* nobody works on it */
    hand_leave(&hand);
    world_end_engine(&p->w);
    p->from = (struct arc_desk){.store = p->w.store, .mem = p->w.mem};
    return CHECK_OK(open_second(p, to));
}

static void close_pair(struct pair *p)
{
    if (p->to.store != NULL)
        p->to.store->ops->close(p->to.store);
    if (p->path[0] != '\0') {
        char name[160];
        static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".mark", ".reserve"};
        for (size_t i = 0; i < ARC_COUNT_OF(ends); i++) {
            snprintf(name, sizeof(name), "%s%s", p->path, ends[i]);
            (void)unlink(name);
        }
        (void)rmdir(p->dir);
    }
    world_close(&p->w);
}

static arc_status all_rows(struct arc_desk *desk, enum arc_table table, struct arc_arena *arena,
                           struct arc_rows *rows)
{
    struct arc_query query = {.table = table, .order_col = -1};
    return arc__desk_query(desk, &query, arena, rows, NULL);
}

/* 1: they have the same rows; the mark is one. */
static int same_stores(struct pair *p)
{
    int same = 1;
    for (int t = 0; t < ARC_TABLE_COUNT; t++) {
        struct arc_arena arena;
        struct arc_rows a = {0}, b = {0};
        const struct arc_table_def *def = arc__table_def((enum arc_table)t);
        arc__arena_init(&arena, &p->w.mem, ROWS_BYTES_MAX);
        CHECK_OK(all_rows(&p->from, (enum arc_table)t, &arena, &a));
        CHECK_OK(all_rows(&p->to, (enum arc_table)t, &arena, &b));
        same &= a.count == b.count;
        for (size_t i = 0; same && i < a.count; i++)
            same = arc__row_same(def, (const char *)a.rows + i * def->row_size,
                                 (const char *)b.rows + i * def->row_size);
        arc__arena_deinit(&arena);
    }
    return same;
}

/* Goes on by so many rows at a time, at most so many times. */
static arc_status copy_some(struct pair *p, int resume, uint32_t rows, uint64_t steps, arc_err *err)
{
    struct arc_copy *copy = NULL;
    arc_status status = arc__copy_new(&p->from, &p->to, resume, &copy, err);
    for (uint64_t i = 0; status == ARC_OK && i < steps; i++)
        status = arc__copy_step(copy, rows, err);
    arc__copy_free(copy);
    return status;
}

static arc_status copy_all(struct pair *p, int resume, arc_err *err)
{
    return copy_some(p, resume, 7, UINT64_MAX, err);
}

static int unfinished(struct arc_desk *desk)
{
    int yes = -1;
    CHECK_OK(arc__copy_is_unfinished(desk, &yes, NULL));
    return yes;
}

/* --- the walk -------------------------------------------------------------------------------- */

static void put(struct arc_desk *desk, enum arc_store_verb verb, enum arc_table table,
                const void *row)
{
    struct arc_store_op op = {verb, table, row, 0};
    CHECK_OK(arc__desk_commit(desk, &op, 1, NULL));
}

/* Keys of three columns in which each digit turns over. */
static size_t fill(struct arc_desk *desk)
{
    size_t count = 0;
    for (int a = 0; a < 4; a++) {
        for (int64_t e = 1; e <= 3; e++) {
            for (int64_t s = 1; s <= (a == 2 ? 1 : 5); s++, count++) {
                char agent[16];
                snprintf(agent, sizeof(agent), "a%d", a);
                struct arc_row_agent_event row = {
                    .agent_id = arc__slice_cstr(agent), .epoch = e, .seq = s};
                put(desk, ARC_STORE_INSERT, ARC_TABLE_agent_event, &row);
            }
        }
    }
    return count;
}

static void pages_of_every_size(void)
{
    struct world w = {0};
    struct arc_arena arena;
    struct arc_rows rows = {0};
    if (!world_open(&w, WORLD_MEM))
        return;
    world_end_engine(&w);
    struct arc_desk desk = {.store = w.store, .mem = w.mem};
    const struct arc_table_def *def = arc__table_def(ARC_TABLE_agent_event);
    size_t count = fill(&desk);
    arc__arena_init(&arena, &w.mem, ROWS_BYTES_MAX);
    CHECK_OK(all_rows(&desk, ARC_TABLE_agent_event, &arena, &rows));
    CHECK_INT(rows.count, count);
    for (size_t limit = 1; limit <= count + 1; limit++) {
        struct arc_walk walk;
        const void *row = NULL;
        size_t seen = 0;
        arc__walk_init(&walk, &desk, ARC_TABLE_agent_event);
        for (;;) {
            walk.limit = limit;
            if (!CHECK_OK(arc__walk_look(&walk, &row, NULL)) || row == NULL)
                break;
            CHECK(seen < count &&
                  arc__row_same(def, row, (const char *)rows.rows + seen * def->row_size));
            arc__walk_pass(&walk);
            seen++;
        }
        CHECK_INT(seen, count);
        arc__walk_deinit(&walk);
    }
    arc__arena_deinit(&arena);
    world_close(&w);
}

/* --- copying --------------------------------------------------------------------------------- */

static void copies_between(enum world_store from, enum world_store to)
{
    struct pair p;
    struct arc_copy_progress progress;
    struct arc_copy *copy = NULL;
    uint64_t rows = 0;
    arc_status status;
    if (!open_pair(&p, from, to))
        return;
    CHECK_OK(arc__copy_new(&p.from, &p.to, 0, &copy, NULL));
    while ((status = arc__copy_step(copy, 50, NULL)) == ARC_OK) {
        arc__copy_progress(copy, &progress);
        CHECK(progress.rows <= progress.total);
    }
    CHECK_INT(status, ARC_EDONE);
    arc__copy_progress(copy, &progress);
    CHECK_INT(progress.written, progress.total);
    for (int t = 0; t < ARC_TABLE_COUNT; t++) {
        const struct arc_copy_table *table = arc__copy_table(copy, (enum arc_table)t);
        CHECK_INT(strlen(table->sha256), ARC_SHA256_HEX_LEN);
        rows += table->rows;
    }
    CHECK_INT(rows, progress.total);
    CHECK(rows > 40);
    CHECK(same_stores(&p));
    CHECK_INT(unfinished(&p.to), 0);
    arc__copy_free(copy);
    close_pair(&p);
}

static void memory_to_sqlite(void)
{
    copies_between(WORLD_MEM, WORLD_SQLITE);
}

static void sqlite_to_memory(void)
{
    copies_between(WORLD_SQLITE, WORLD_MEM);
}

static void sqlite_to_sqlite(void)
{
    copies_between(WORLD_SQLITE, WORLD_SQLITE);
}

/* How many steps of a row a whole copy takes. */
static uint64_t steps_of(struct pair *p)
{
    struct arc_copy *copy = NULL;
    uint64_t steps = 0;
    CHECK_OK(arc__copy_new(&p->from, &p->to, 0, &copy, NULL));
    while (arc__copy_step(copy, 1, NULL) == ARC_OK)
        steps++;
    arc__copy_free(copy);
    return steps;
}

static void cut_off(void)
{
    struct pair p;
    if (!open_pair(&p, WORLD_MEM, WORLD_MEM))
        return;
    uint64_t steps = steps_of(&p);
    CHECK(steps > 100);
    for (uint64_t n = 0; n <= steps; n += 1 + n / 16) {
        p.to.store->ops->close(p.to.store);
        CHECK_OK(open_second(&p, WORLD_MEM));
        CHECK_INT(copy_some(&p, 0, 1, n, NULL), ARC_OK);
        CHECK_INT(unfinished(&p.to), 1);
        CHECK_INT(copy_all(&p, 0, NULL), ARC_ECONFLICT);
        CHECK_INT(copy_some(&p, 1, 3, n / 8, NULL), ARC_OK); /* cut off again */
        CHECK_INT(copy_all(&p, 1, NULL), ARC_EDONE);
        CHECK(same_stores(&p));
        CHECK_INT(unfinished(&p.to), 0);
    }
    close_pair(&p);
}

static void an_engine_stays_away(void)
{
    struct pair p;
    arc_err err = ARC_ERR_INIT;
    if (!open_pair(&p, WORLD_MEM, WORLD_MEM))
        return;
    CHECK_INT(copy_some(&p, 0, 10, 3, NULL), ARC_OK);
    struct arc_store *first = p.w.store;
    p.w.store = p.to.store;
    CHECK_INT(world_start_engine(&p.w, &err), ARC_EPRECONDITION);
    CHECK(strstr(err.message, "not finished") != NULL);
    CHECK_INT(copy_all(&p, 1, NULL), ARC_EDONE);
    err = (arc_err)ARC_ERR_INIT;
    CHECK_OK(world_start_engine(&p.w, &err));
    world_end_engine(&p.w);
    p.w.store = first;
    close_pair(&p);
}

/* The first store goes on between two parts: rows change, come and go. */
static void first_goes_on(void)
{
    struct pair p;
    struct said pipeline, run;
    struct arc_row_counter gone = {.name = ARC_LIT("a"), .value = 1};
    arc_err err = ARC_ERR_INIT;
    if (!open_pair(&p, WORLD_SQLITE, WORLD_SQLITE))
        return;
    put(&p.from, ARC_STORE_INSERT, ARC_TABLE_counter, &gone);
    uint64_t rows = 0;
    CHECK_OK(arc__desk_count(&p.from, &rows, NULL));
    CHECK_INT(copy_some(&p, 0, 1, rows, NULL), ARC_OK);
    put(&p.from, ARC_STORE_DELETE, ARC_TABLE_counter, &gone);
    if (CHECK_OK(world_start_engine(&p.w, &err))) {
        struct hand hand = {0};
        CHECK(hand_join(&hand, &p.w, "late", "", 2));
        hand_work(&hand); /* the run that was open is over */
        world_start_run(&p.w, two_jobs, &pipeline, &run);
        hand_leave(&hand);
        world_end_engine(&p.w);
    }
    CHECK_INT(copy_all(&p, 1, NULL), ARC_EDONE);
    CHECK(same_stores(&p));
    close_pair(&p);
}

/* Somebody writes into the first store behind the copy's back. */
static void changed_meanwhile(void)
{
    struct pair p;
    struct arc_copy *copy = NULL;
    struct arc_copy_progress progress = {0};
    struct arc_row_counter late = {.name = ARC_LIT("late"), .value = 1};
    arc_err err = ARC_ERR_INIT;
    arc_status status = ARC_OK;
    if (!open_pair(&p, WORLD_MEM, WORLD_MEM))
        return;
    CHECK_OK(arc__copy_new(&p.from, &p.to, 0, &copy, NULL));
    while (status == ARC_OK && !progress.proving) {
        status = arc__copy_step(copy, 1, &err);
        arc__copy_progress(copy, &progress);
    }
    put(&p.from, ARC_STORE_INSERT, ARC_TABLE_counter, &late);
    while (status == ARC_OK)
        status = arc__copy_step(copy, 100, &err);
    CHECK_INT(status, ARC_ECONFLICT);
    CHECK(strstr(err.message, "t_counter") != NULL);
    CHECK_INT(arc__copy_step(copy, 100, NULL), ARC_EINVAL);
    arc__copy_free(copy);
    CHECK_INT(unfinished(&p.to), 1);
    CHECK_INT(copy_all(&p, 1, NULL), ARC_EDONE);
    CHECK(same_stores(&p));
    close_pair(&p);
}

static void refusals(void)
{
    struct pair p;
    if (!open_pair(&p, WORLD_MEM, WORLD_MEM))
        return;
    CHECK_INT(copy_all(&p, 1, NULL), ARC_EDONE); /* nothing to go on with: it begins */
    CHECK_INT(copy_all(&p, 0, NULL), ARC_EPRECONDITION);
    CHECK_INT(copy_all(&p, 1, NULL), ARC_EPRECONDITION);
    CHECK(same_stores(&p));
    struct arc_row_counter mark = {.name = ARC_LIT(ARC_COPY_MARK), .value = 1};
    put(&p.from, ARC_STORE_INSERT, ARC_TABLE_counter, &mark);
    CHECK_INT(copy_all(&p, 0, NULL), ARC_EPRECONDITION);
    close_pair(&p);
}

static void without_memory(void)
{
    struct pair p;
    if (!open_pair(&p, WORLD_MEM, WORLD_MEM))
        return;
    for (int sticky = 0; sticky < 2; sticky++) {
        arc_status status = ARC_ENOMEM;
        for (uint64_t n = 1; status != ARC_EDONE && n < 100000; n += 1 + n / 8) {
            p.to.store->ops->close(p.to.store);
            CHECK_OK(open_second(&p, WORLD_MEM));
            p.w.memory.fail_at = p.w.memory.calls + n;
            p.w.memory.sticky = sticky;
            status = copy_all(&p, 0, NULL);
            p.w.memory.fail_at = 0;
            CHECK(status == ARC_ENOMEM || status == ARC_EDONE);
            if (status == ARC_ENOMEM)
                CHECK_INT(copy_all(&p, 1, NULL), ARC_EDONE);
            CHECK(same_stores(&p));
        }
        CHECK_INT(status, ARC_EDONE);
    }
    close_pair(&p);
}

/* --- counting -------------------------------------------------------------------------------- */

static void counts(void)
{
    struct pair p;
    struct arc_survey *survey = NULL;
    arc_status status;
    uint64_t rows = 0;
    if (!open_pair(&p, WORLD_SQLITE, WORLD_MEM))
        return;
    CHECK_OK(arc__survey_new(&p.from, &survey, NULL));
    while ((status = arc__survey_step(survey, 5, NULL)) == ARC_OK)
        continue;
    CHECK_INT(status, ARC_EDONE);
    const struct arc_survey_report *report = arc__survey_report(survey);
    for (int t = 0; t < ARC_TABLE_COUNT; t++) {
        CHECK((report->tables[t].rows == 0) == (report->tables[t].bytes == 0));
        rows += report->tables[t].rows;
    }
    CHECK_INT(rows, report->total);
    CHECK_INT(report->tables[ARC_TABLE_pipeline_run].rows, 5);
    CHECK_INT(report->runs_by_state[ARC_RUN_SUCCESS], 4);
    CHECK_INT(report->runs_by_state[ARC_RUN_SUCCESS] + report->runs_by_state[ARC_RUN_PENDING] +
                  report->runs_by_state[ARC_RUN_RUNNING],
              5);
    CHECK(report->oldest_run_ns > 0 && report->oldest_run_ns <= report->newest_run_ns);
    CHECK(report->oldest_event_ns > 0 && report->oldest_event_ns <= report->newest_event_ns);
    CHECK_INT(report->position, report->tables[ARC_TABLE_event].rows);
    arc__survey_free(survey);
    close_pair(&p);
}

static const struct test tests[] = {
    {"a walk with pages of every size sees each row once, in order", pages_of_every_size},
    {"a copy from memory to SQLite has the same rows", memory_to_sqlite},
    {"a copy from SQLite to memory has the same rows", sqlite_to_memory},
    {"a copy from SQLite to SQLite has the same rows", sqlite_to_sqlite},
    {"a copy that was cut off anywhere is gone on with", cut_off},
    {"an engine does not open a copy that is not finished", an_engine_stays_away},
    {"a copy ends right though its store went on in between", first_goes_on},
    {"a copy is refused when its store changes under it", changed_meanwhile},
    {"a copy goes into an empty store only", refusals},
    {"a copy without memory ends cleanly and can be gone on with", without_memory},
    {"a survey counts every row, and runs by how they stand", counts},
};
TEST_MAIN(tests)
