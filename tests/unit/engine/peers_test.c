/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of processes on one store: how long those stay that are gone, and what a process is told
 * of runs that are another one's. */
#include <stdio.h>

#include "pair.h"

#define LONG SECONDS(700) /* any row that nobody needs is gone by then */

static const char one_job[] = "namespace: demo\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";

/* Those that are, or were, processes of this name; the last one's id. */
static int64_t rows_of(struct pair *p, const char *name, char *id)
{
    struct world *w = &p->w[1];
    struct arc_query query = {.table = ARC_TABLE_replica, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_replica_name, .text = arc__slice_cstr(name)};
    arc__arena_reset(&w->arena);
    if (!CHECK_OK(world_rows(w, &query, &rows)))
        return -1;
    const struct arc_row_replica *row = rows.rows;
    if (id != NULL && rows.count > 0)
        (void)arc__slice_to_cstr(row[rows.count - 1].id, id, 32);
    return (int64_t)rows.count;
}

/* Both have joined. */
static int joined(struct pair *p, enum world_store kind)
{
    if (!pair_open(p, kind))
        return 0;
    pair_pass(p, SECONDS(1));
    return 1;
}

/* The first one ends and comes back, so many times. */
static void first_restarts(struct pair *p, int times)
{
    arc_err err = ARC_ERR_INIT;
    for (int i = 0; i < times; i++) {
        world_end_engine(&p->w[0]);
        CHECK_OK(world_start_engine(&p->w[0], &err));
        pair_pass(p, SECONDS(1));
    }
}

static void rows_of_processes_that_are_gone_are_deleted(enum world_store kind)
{
    struct pair p;
    struct said pipeline, run;
    if (!joined(&p, kind))
        return;
    first_restarts(&p, 3);
    CHECK_INT(rows_of(&p, "first", NULL), 4);
    pair_pass(&p, SECONDS(300)); /* not at once */
    CHECK_INT(rows_of(&p, "first", NULL), 4);
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "first", NULL), 1);
    CHECK_INT(rows_of(&p, "second", NULL), 1);
    CHECK_INT(rows_of(&p, "", NULL), 1); /* the leader's */
    for (int i = 0; i < 2; i++) {        /* both are at work as before */
        world_start_run(&p.w[i], one_job, &pipeline, &run);
        CHECK_OK(
            world_ask(&p.w[1 - i], world_control(&p.w[1 - i], ARC_CMD_RUN_STOP, run.id)).status);
        CHECK(pair_await(&p, run.id, ARC_RUN_CANCELLED));
    }
    world_check_events(&p.w[0]);
    pair_close(&p);
}
ON_BOTH(rows_of_processes_that_are_gone_are_deleted)

static void a_home_that_an_open_run_names_stays(void)
{
    struct pair p;
    struct said pipeline, run;
    if (!joined(&p, WORLD_MEM))
        return;
    world_start_run(&p.w[0], one_job, &pipeline, &run);
    first_restarts(&p, 1);
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "first", NULL), 2);
    CHECK_OK(world_ask(&p.w[1], world_control(&p.w[1], ARC_CMD_RUN_STOP, run.id)).status);
    CHECK(pair_await(&p, run.id, ARC_RUN_CANCELLED));
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "first", NULL), 1);
    pair_close(&p);
}

static void a_home_that_an_agent_names_stays(void)
{
    struct pair p;
    struct hand hand;
    if (!joined(&p, WORLD_MEM))
        return;
    CHECK(hand_join(&hand, &p.w[0], "a", "{}", 1));
    hand_leave(&hand);
    first_restarts(&p, 1);
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "first", NULL), 2);
    hand.w = &p.w[1];
    hand_connect(&hand);
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "first", NULL), 1);
    hand_leave(&hand);
    pair_close(&p);
}

static void put_done(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    (void)shift;
    (void)err;
    *(arc_status *)user = status;
}

/* As another process would, of which there is no more than this. */
static void change(struct pair *p, enum arc_store_verb verb, enum arc_table table, const void *row)
{
    arc_status done = ARC_EAGAIN;
    const struct arc_store_op op = {verb, table, row, 0};
    const struct arc_store_batch batch = {&op, 1, 0};
    CHECK_OK(p->w[0].store->ops->commit(p->w[0].store, &batch, put_done, &done, NULL));
    CHECK_OK(done);
}

static void put_replica(struct pair *p, const char *id, const char *heir)
{
    const struct arc_row_replica row = {.id = arc__slice_cstr(id),
                                        .name = arc__slice_cstr(id),
                                        .version = 1,
                                        .heir = arc__slice_cstr(heir),
                                        .lease_ns = SECONDS(1000000)};
    change(p, ARC_STORE_PUT, ARC_TABLE_replica, &row);
}

/* "there" is at work, as far as anybody can see, and has not read yet what was left for "gone". */
static void a_home_that_a_note_names_stays(void)
{
    const struct arc_row_inbox note = {.id = ARC_LIT("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
                                       .addressee = ARC_LIT("gone")};
    struct pair p;
    if (!joined(&p, WORLD_MEM))
        return;
    put_replica(&p, "there", "");
    put_replica(&p, "gone", "there");
    change(&p, ARC_STORE_PUT, ARC_TABLE_inbox, &note);
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "gone", NULL), 1);
    change(&p, ARC_STORE_DELETE, ARC_TABLE_inbox, &note);
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "gone", NULL), 0);
    CHECK_INT(rows_of(&p, "there", NULL), 1);
    pair_close(&p);
}

/* Whoever joins next takes a greater one. */
static void the_greatest_epoch_stays(void)
{
    struct pair p;
    arc_err err = ARC_ERR_INIT;
    if (!joined(&p, WORLD_MEM))
        return;
    world_end_engine(&p.w[1]);
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "second", NULL), 1);
    CHECK_OK(world_start_engine(&p.w[1], &err));
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "second", NULL), 1);
    first_restarts(&p, 1);
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "first", NULL), 1);
    CHECK_INT(rows_of(&p, "second", NULL), 1);
    pair_close(&p);
}

/* Of a chain the one goes first that nobody names; who is in the middle is passed through. */
static void a_chain_of_heirs_goes_from_its_end(enum world_store kind)
{
    struct pair p;
    char first[32], second[32];
    struct said pipeline, run;
    if (!joined(&p, kind))
        return;
    world_start_run(&p.w[0], one_job, &pipeline, &run);
    CHECK_INT(rows_of(&p, "first", first), 1);
    CHECK_INT(rows_of(&p, "second", second), 1);
    world_end_engine(&p.w[0]);
    pair_pass(&p, SECONDS(30)); /* it is the second one's */
    put_replica(&p, "between", second);
    put_replica(&p, first, "between");
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "between", NULL), 1);
    CHECK_INT(rows_of(&p, first, NULL), 1);
    CHECK_OK(world_ask(&p.w[1], world_control(&p.w[1], ARC_CMD_RUN_STOP, run.id)).status);
    CHECK(pair_await(&p, run.id, ARC_RUN_CANCELLED));
    for (int i = 0; i < 9600 && rows_of(&p, first, NULL) == 1; i++)
        pair_pass(&p, PAIR_STEP);
    CHECK_INT(rows_of(&p, first, NULL), 0);
    CHECK_INT(rows_of(&p, "between", NULL), 1);
    pair_pass(&p, LONG);
    CHECK_INT(rows_of(&p, "between", NULL), 0);
    pair_close(&p);
}
ON_BOTH(a_chain_of_heirs_goes_from_its_end)

/* --- runs of others, for who does not wait ---------------------------------------------------- */

static int status_at(struct pair *p, int at, const char *run)
{
    return arc__engine_run_status(p->w[at].engine, arc__slice_cstr(run));
}

static void each_tells_how_a_run_stands(enum world_store kind)
{
    struct pair p;
    struct said pipeline, run;
    const struct arc_run *found = NULL;
    if (!joined(&p, kind))
        return;
    world_start_run(&p.w[0], one_job, &pipeline, &run);
    for (int i = 0; i < 2; i++)
        CHECK_INT(status_at(&p, i, run.id), ARC_RUN_PENDING);
    CHECK_STATUS(arc__engine_find_run(p.w[0].engine, arc__slice_cstr(run.id), &found), ARC_OK);
    CHECK(found != NULL);
    CHECK_STATUS(arc__engine_find_run(p.w[1].engine, arc__slice_cstr(run.id), &found), ARC_EAGAIN);
    CHECK(found == NULL);
    CHECK_STATUS(arc__engine_find_run(p.w[1].engine, ARC_LIT("x"), &found), ARC_ENOTFOUND);
    CHECK_INT(status_at(&p, 1, "x"), 0);
    CHECK_INT(status_at(&p, 1, "01HF7YAT00AAFGY4TQCX94F574"), 0);
    CHECK_OK(world_ask(&p.w[0], world_control(&p.w[0], ARC_CMD_RUN_STOP, run.id)).status);
    CHECK_INT(status_at(&p, 1, run.id), ARC_RUN_PENDING); /* a second old at most */
    pair_pass(&p, SECONDS(1));
    CHECK_INT(status_at(&p, 1, run.id), ARC_RUN_CANCELLED);
    pair_close(&p);
}
ON_BOTH(each_tells_how_a_run_stands)

/* Whoever was asked about longest ago makes room. */
static void so_many_runs_of_others_are_remembered(void)
{
    enum { MOST = 10 };
    struct pair p;
    char id[32];
    if (!joined(&p, WORLD_MEM))
        return;
    world_end_engine(&p.w[1]);
    p.w[1].options.runs_asked_max = MOST;
    CHECK_OK(world_start_engine(&p.w[1], NULL));
    pair_pass(&p, SECONDS(1));
    uint64_t calls = p.w[1].store_calls;
    for (uint64_t round = 0; round < 3; round++) { /* all are known; then one too many, twice */
        uint64_t most = MOST + (round > 0);
        for (uint64_t i = 0; i < most; i++) {
            (void)snprintf(id, sizeof(id), "01HF7YAT00AAFGY4TQCX%06llu", (unsigned long long)i);
            CHECK_INT(status_at(&p, 1, id), 0);
            if (round == 0)
                CHECK_INT(status_at(&p, 1, id), 0);
        }
        uint64_t asked = p.w[1].store_calls - calls;
        CHECK_INT(asked, round == 0 ? MOST : round == 1 ? MOST + 1 : 2 * (MOST + 1));
    }
    pair_close(&p);
}

static const struct test tests[] = {
    {"rows of processes that are gone are deleted",
     rows_of_processes_that_are_gone_are_deleted_mem},
    {"SQLite: rows of processes that are gone are deleted",
     rows_of_processes_that_are_gone_are_deleted_sqlite},
    {"a home that an open run names stays", a_home_that_an_open_run_names_stays},
    {"a home that an agent names stays", a_home_that_an_agent_names_stays},
    {"a home that a note names stays", a_home_that_a_note_names_stays},
    {"the row with the greatest epoch stays", the_greatest_epoch_stays},
    {"a chain of heirs goes from its end", a_chain_of_heirs_goes_from_its_end_mem},
    {"SQLite: a chain of heirs goes from its end", a_chain_of_heirs_goes_from_its_end_sqlite},
    {"each process tells how a run stands", each_tells_how_a_run_stands_mem},
    {"SQLite: each tells how a run stands", each_tells_how_a_run_stands_sqlite},
    {"so many runs of others are remembered", so_many_runs_of_others_are_remembered},
};
TEST_MAIN(tests)
