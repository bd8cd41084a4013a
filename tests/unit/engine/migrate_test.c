/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations: their numbers, what is left where one is cut off, and what a reader that knows only
 * the columns of then sees meanwhile. */
#include "engine/migrate.h"

#include "store/check.h"
#include "world.h"

#define RUNS 6

static const char two_steps[] =
    "namespace: demo\njobs: [{name: a, steps: [{name: s, run: 'true'}, {name: t, run: x}]}]\n";

/* The first tables had so many columns; what came after them is what rows of then lack. */
static const struct then {
    enum arc_table table;
    uint32_t cols;
} then[] = {{ARC_TABLE_pipeline_run, 23}, {ARC_TABLE_step_run, 29}};
#define THEN (sizeof(then) / sizeof(then[0]))

struct lives {
    struct world w;
    struct hand hand;
    struct said pipeline, runs[RUNS];
    struct arc_rows whole[THEN], aged[THEN]; /* as they are to be, and as they were written */
};

static struct arc_desk desk_of(struct world *w)
{
    return (struct arc_desk){.store = w->store, .mem = w->mem};
}

static void look(struct world *w, struct arc_rows rows[THEN])
{
    for (size_t i = 0; i < THEN; i++) {
        struct arc_query query = {.table = then[i].table, .order_col = -1};
        CHECK_OK(world_rows(w, &query, &rows[i]));
    }
}

static const void *row_at(const struct arc_rows *rows, const struct arc_table_def *def, size_t at)
{
    return (const char *)rows->rows + at * def->row_size;
}

static int same_row(const struct arc_table_def *def, uint32_t cols, const void *a, const void *b)
{
    for (uint32_t i = 0; i < cols; i++) {
        const struct arc_col_def *col = &def->cols[i];
        if (col->type == ARC_COL_INT
                ? arc__row_int(a, col) != arc__row_int(b, col)
                : !arc__slice_equal(arc__row_text(a, col), arc__row_text(b, col)))
            return 0;
    }
    return 1;
}

/* How many rows are not the same; -1: not even as many are there. */
static int differing(size_t i, const struct arc_rows *a, const struct arc_rows *b, uint32_t cols)
{
    const struct arc_table_def *def = arc__table_def(then[i].table);
    int count = 0;
    if (a->count != b->count)
        return -1;
    for (size_t at = 0; at < a->count; at++)
        count += !same_row(def, cols, row_at(a, def, at), row_at(b, def, at));
    return count;
}

/* As the version of then would have written it. */
static void age_row(struct world *w, size_t i, const void *row)
{
    union {
        struct arc_row_pipeline_run run;
        struct arc_row_step_run step;
    } old;
    const struct arc_table_def *def = arc__table_def(then[i].table);
    struct arc_desk desk = desk_of(w);
    memcpy(&old, row, def->row_size);
    for (uint32_t at = then[i].cols; at < def->col_count; at++) {
        const struct arc_col_def *col = &def->cols[at];
        if (col->type == ARC_COL_INT)
            arc__row_set_int(&old, col, 0);
        else
            arc__row_set_text(&old, col, ARC_NONE);
    }
    const struct arc_store_op ops[] = {{ARC_STORE_DELETE, then[i].table, row, 0},
                                       {ARC_STORE_INSERT, then[i].table, &old, 0}};
    CHECK_OK(arc__desk_commit(&desk, ops, 2, NULL));
}

static void forget_number(struct world *w)
{
    struct arc_desk desk = desk_of(w);
    const struct arc_row_counter row = {.name = ARC_LIT(ARC_SCHEMA_COUNTER)};
    const struct arc_store_op op = {ARC_STORE_DELETE, ARC_TABLE_counter, &row, 0};
    CHECK_OK(arc__desk_commit(&desk, &op, 1, NULL));
}

static void age(struct lives *l)
{
    look(&l->w, l->whole);
    for (size_t i = 0; i < THEN; i++) {
        for (size_t at = 0; at < l->whole[i].count; at++)
            age_row(&l->w, i, row_at(&l->whole[i], arc__table_def(then[i].table), at));
    }
    forget_number(&l->w);
    look(&l->w, l->aged);
    for (size_t i = 0; i < THEN; i++) {
        CHECK_INT(differing(i, &l->aged[i], &l->whole[i], then[i].cols), 0);
        CHECK_INT(l->aged[i].count, i == 0 ? RUNS : 2 * RUNS);
    }
    CHECK(differing(0, &l->aged[0], &l->whole[0], arc__table_def(then[0].table)->col_count) > 0);
}

/* Runs that are over, the last one not; nobody but the tools from then on. */
static int live(struct lives *l, enum world_store kind)
{
    memset(l, 0, sizeof(*l));
    if (!world_open(&l->w, kind) || !hand_join(&l->hand, &l->w, "a", "{}", 4))
        return 0;
    for (int i = 0; i < RUNS; i++) {
        if (i == 0)
            world_start_run(&l->w, two_steps, &l->pipeline, &l->runs[0]);
        else
            l->runs[i] = world_ask(&l->w, world_trigger(&l->w, l->pipeline.id, ""));
        if (i + 1 < RUNS)
            hand_work(&l->hand);
        world_pass(&l->w, SECONDS(1));
    }
    hand_leave(&l->hand);
    world_end_engine(&l->w);
    age(l);
    return 1;
}

/* At most so many steps of a migration that is begun anew. */
static arc_status migrate(struct world *w, uint64_t steps, uint64_t *written)
{
    struct arc_desk desk = desk_of(w);
    struct arc_migrate *migrate = NULL;
    uint64_t runs = 0;
    arc_status status = arc__migrate_new(&desk, &migrate, NULL);
    for (uint64_t i = 0; status == ARC_OK && i < steps; i++)
        status = arc__migrate_step(migrate, NULL);
    if (migrate != NULL)
        arc__migrate_report(migrate, &runs, written);
    arc__migrate_free(migrate);
    return status;
}

static void numbers_have_no_gaps(void)
{
    size_t count = 0;
    for (const struct arc_migration *at = NULL; (at = arc__migration(count)) != NULL; count++) {
        CHECK_INT(at->number, count + 1);
        CHECK(at->what[0] != '\0' && at->step != NULL);
    }
    CHECK(count > 0);
    CHECK_INT(arc__schema_newest(), count);
}

/* 1: some rows of a table are made anew, and some are as they were; and nothing else is there. */
static int is_mixed(struct lives *l)
{
    struct arc_rows now[THEN];
    int mixed = 0;
    look(&l->w, now);
    for (size_t i = 0; i < THEN; i++) {
        const struct arc_table_def *def = arc__table_def(then[i].table);
        size_t whole = 0;
        /* Who knows the columns of then alone sees what was always there. */
        CHECK_INT(differing(i, &now[i], &l->aged[i], then[i].cols), 0);
        for (size_t at = 0; at < now[i].count; at++) {
            const void *row = row_at(&now[i], def, at);
            int made = same_row(def, def->col_count, row, row_at(&l->whole[i], def, at));
            CHECK(made || same_row(def, def->col_count, row, row_at(&l->aged[i], def, at)));
            whole += (size_t)made;
        }
        mixed |= whole > 0 && whole < now[i].count;
    }
    return mixed;
}

static void cut_anywhere(enum world_store kind)
{
    static struct lives l;
    arc_status status = ARC_OK;
    uint64_t written = 0;
    int mixed = 0;
    if (!live(&l, kind))
        return;
    for (uint64_t steps = 1; steps < 1000 && status == ARC_OK; steps++) {
        status = migrate(&l.w, steps, &written);
        CHECK(status == ARC_OK || status == ARC_EDONE);
        mixed |= is_mixed(&l);
        /* A server of this version may live in between; what is open is the fold of its events. */
        CHECK_OK(world_start_engine(&l.w, NULL));
        CHECK_INT(world_run_status(&l.w, l.runs[0].id), ARC_RUN_SUCCESS);
        world_end_engine(&l.w);
    }
    CHECK(mixed);
    CHECK_STATUS(status, ARC_EDONE);
    struct arc_rows now[THEN];
    look(&l.w, now);
    for (size_t i = 0; i < THEN; i++)
        CHECK_INT(differing(i, &now[i], &l.whole[i], arc__table_def(then[i].table)->col_count), 0);
    CHECK_INT(migrate(&l.w, 1, &written), ARC_EDONE);
    CHECK_INT(written, 0);
    CHECK_OK(world_start_engine(&l.w, NULL));
    hand_connect(&l.hand);
    hand_work(&l.hand);
    CHECK_INT(world_run_status(&l.w, l.runs[RUNS - 1].id), ARC_RUN_SUCCESS);
    hand_leave(&l.hand);
    world_close(&l.w);
}
ON_BOTH(cut_anywhere)

static void newer_ones_are_refused(void)
{
    static struct lives l;
    struct arc_migrate *migrate = NULL;
    arc_err err = ARC_ERR_INIT;
    if (!live(&l, WORLD_MEM))
        return;
    struct arc_desk desk = desk_of(&l.w);
    const struct arc_row_counter row = {ARC_LIT(ARC_SCHEMA_COUNTER), arc__schema_newest() + 1};
    const struct arc_store_op op = {ARC_STORE_PUT, ARC_TABLE_counter, &row, 0};
    CHECK_OK(arc__desk_commit(&desk, &op, 1, NULL));
    CHECK_STATUS(arc__migrate_new(&desk, &migrate, &err), ARC_EPRECONDITION);
    CHECK(strstr(err.message, "newer version") != NULL);
    world_close(&l.w);
}

static void without_memory(void)
{
    arc_status status = ARC_ENOMEM;
    for (uint64_t n = 1; status == ARC_ENOMEM && n < 100000; n += 1 + n / 8) {
        static struct lives l;
        uint64_t written = 0;
        if (!live(&l, WORLD_MEM))
            return;
        l.w.memory.fail_at = l.w.memory.calls + n;
        status = migrate(&l.w, 1000, &written);
        l.w.memory.fail_at = 0;
        CHECK(status == ARC_ENOMEM || status == ARC_EDONE);
        (void)is_mixed(&l);
        CHECK_STATUS(migrate(&l.w, 1000, &written), ARC_EDONE);
        world_close(&l.w);
    }
    CHECK_STATUS(status, ARC_EDONE);
}

static const struct test tests[] = {
    {"migrations have numbers from 1 without gaps", numbers_have_no_gaps},
    {"a migration that is cut off anywhere goes on", cut_anywhere_mem},
    {"and in SQLite it goes on from anywhere", cut_anywhere_sqlite},
    {"a store of a newer number is not migrated", newer_ones_are_refused},
    {"without memory a migration is cut off, and goes on", without_memory},
};
TEST_MAIN(tests)
