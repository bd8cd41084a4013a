/* SPDX-License-Identifier: Apache-2.0 */
/* A process in the middle of runs dies at its system calls, one after the other: before the call is
 * done and after. Another process on the same store finds rows that are what their events say, runs
 * at the ends that were told, and works off the rest.
 *
 * Every STRIDEth call is one that kills; ARCENTRA_TEST_STRIDE=1 in the environment tries all. */
#include "world.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/fsck.h"
#include "store/sqlite.h"
#include "trace.h"

#ifndef KILL_CALLS /* those of the client of a server say something else: pg_kill_test.c */
#define KILL_CALLS TRACE_FILES
#define STRIDE 37
static void await_others(void)
{
}
#endif

#define RUNS 3
#define ID_SIZE 32

/* A step that ran when its agent was lost is run again. */
static const char spec[] = "namespace: demo\n"
                           "jobs:\n"
                           "  - name: build\n"
                           "    retry: {maxAttempts: 3, on: [lost]}\n"
                           "    steps: [{name: make, run: 'true'}, {name: check, run: 'true'}]\n"
                           "  - {name: ship, needs: [build], retry: {maxAttempts: 3, on: [lost]},"
                           " steps: [{name: go, run: 'true'}]}\n";

struct killed {
    struct world w;
    int told;                 /* of runs whose end was answered */
    char over[RUNS][ID_SIZE]; /* read from it */
    size_t over_count;
};

static int open_again(struct world *w)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/x.db", w->dir);
    options.skip_quick_check = 1;
    options.reserve_bytes = 64 * 1024;
    options.checkpoint_pages = 40;
    arc_status status = ARC_OK;
    if (w->kind == WORLD_GIVEN)
        w->store = world_given_store(&w->mem, 0, &err);
    else
        status = arc__store_sqlite_open(&w->mem, path, &options, &w->store, &err);
    if (status == ARC_OK)
        status = w->store != NULL ? world_start_engine(w, &err) : ARC_EIO;
    if (!CHECK_OK(status))
        printf("# %s: %s\n", err.subject, err.message);
    return status == ARC_OK;
}

static void leave(struct world *w)
{
    world_end_engine(w);
    if (w->store != NULL)
        w->store->ops->close(w->store);
    w->store = NULL;
}

static void tell(const struct killed *killed, const char *run)
{
    char id[ID_SIZE] = "";
    (void)snprintf(id, sizeof(id), "%s", run);
    if (write(killed->told, id, sizeof(id)) != (ssize_t)sizeof(id))
        _exit(5);
}

/* The process that dies, or comes to its end. */
static void live(void *user)
{
    struct killed *killed = user;
    struct world *w = &killed->w;
    struct hand hand;
    struct said pipeline, run;
    unsigned failures = CU_get_number_of_failures();
    if (!open_again(w) || !hand_join(&hand, w, "a", "", 2))
        _exit(3);
    world_start_run(w, spec, &pipeline, &run);
    for (int i = 0; i < RUNS; i++) {
        hand_work(&hand);
        CHECK_INT(world_run_status(w, run.id), ARC_RUN_SUCCESS);
        tell(killed, run.id);
        if (i + 1 < RUNS)
            run = world_ask(w, world_trigger(w, pipeline.id, ""));
    }
    hand_leave(&hand);
    leave(w);
    _exit(CU_get_number_of_failures() == failures ? 0 : 4);
}

static int begin(struct killed *killed, enum world_store kind, uint64_t nth)
{
    *killed = (struct killed){.over_count = 0};
    if (!world_open(&killed->w, kind))
        return 0;
    leave(&killed->w);
    killed->w.random = nth; /* of the one that dies; whoever comes after has other numbers */
    await_others();
    return 1;
}

/* How it ended; what it told is read. */
static int die(struct killed *killed, struct trace *trace)
{
    int ends[2];
    if (!CHECK_INT(pipe(ends), 0))
        return -1;
    killed->told = ends[1];
    int status = trace_live(trace, live, killed);
    (void)close(ends[1]);
    while (killed->over_count < RUNS &&
           read(ends[0], killed->over[killed->over_count], ID_SIZE) == (ssize_t)ID_SIZE)
        killed->over_count++;
    (void)close(ends[0]);
    await_others();
    return status;
}

static void check_whole(struct world *w, uint64_t nth)
{
    struct arc_desk desk = {.store = w->store, .mem = w->mem};
    const struct arc_fsck_finding *finding = NULL;
    struct arc_fsck *fsck = NULL;
    CHECK_OK(arc__fsck_new(&desk, 0, &fsck, NULL));
    arc_status status = ARC_OK;
    for (int i = 0; fsck != NULL && i < 10000 && (status == ARC_OK || status == ARC_EAGAIN); i++) {
        status = arc__fsck_next(fsck, &finding, NULL);
        if (status == ARC_EAGAIN)
            world_settle(w);
        if (status != ARC_OK)
            continue;
        printf("# call %llu: %s %s: %.*s\n", (unsigned long long)nth, finding->table,
               finding->column, (int)finding->text.len, finding->text.ptr);
        CHECK_TEXT(ARC_LIT("a finding"), "none");
    }
    CHECK_STATUS(status, ARC_EDONE);
    arc__fsck_free(fsck);
}

/* Whoever comes after works off what is left, and no run stands still. */
static void go_on(struct killed *killed, uint64_t nth)
{
    struct world *w = &killed->w;
    struct hand hand;
    w->random = nth + UINT64_C(1000000007);
    w->now.wall_ns += SECONDS(60);
    w->now.mono_ns += (uint64_t)SECONDS(60);
    if (!open_again(w))
        return;
    check_whole(w, nth);
    world_check_events(w);
    for (size_t i = 0; i < killed->over_count; i++)
        CHECK_INT(world_run_col(w, killed->over[i], ARC_COL_pipeline_run_status), ARC_RUN_SUCCESS);
    CHECK(hand_join(&hand, w, "b", "", 2));
    for (int i = 0; i < 4; i++) { /* leases of who died run out, and their jobs come again */
        hand_work(&hand);
        world_pass(w, SECONDS(20));
        CHECK_OK(hand_beat(&hand, &(struct arc_renewal){.ttl_ns = 0}));
    }
    hand_work(&hand);
    struct arc_rows rows = {.count = 0};
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .order_col = -1};
    CHECK_OK(world_rows(w, &query, &rows));
    const struct arc_row_pipeline_run *row = rows.rows;
    CHECK(rows.count >= killed->over_count);
    for (size_t i = 0; i < rows.count; i++)
        CHECK_INT(row[i].status, ARC_RUN_SUCCESS);
    hand_leave(&hand);
    check_whole(w, nth);
}

static uint64_t stride(void)
{
    const char *given = getenv("ARCENTRA_TEST_STRIDE");
    uint64_t number = given != NULL ? strtoull(given, NULL, 10) : 0;
    return number > 0 ? number : STRIDE;
}

static void runs_outlive_kills(enum world_store kind)
{
    struct killed killed;
    uint64_t step = stride(), died = 0;
    int over = 0;
    if (trace_refused() != NULL) {
        test_skip(trace_refused());
        return;
    }
    for (uint64_t nth = 1; !over; nth += step) {
        for (int after = 0; after < 2 && !over; after++) {
            struct trace trace = {.calls = KILL_CALLS, .dies_at = nth, .after = after};
            if (!begin(&killed, kind, nth))
                return;
            int status = die(&killed, &trace);
            over = !WIFSIGNALED(status);
            died += WIFSIGNALED(status) != 0;
            if (over)
                CHECK_INT(status, 0);
            go_on(&killed, nth);
            world_close(&killed.w);
        }
    }
    CHECK(died > 20 / step);
    if (step == 1)
        printf("# %llu kills\n", (unsigned long long)died);
}

static void runs_outlive_kills_at_calls(void)
{
    runs_outlive_kills(WORLD_SQLITE);
}

static const struct test tests[] = {
    {"runs outlive kills at any system call, and come to their end", runs_outlive_kills_at_calls},
};
TEST_MAIN(tests)
