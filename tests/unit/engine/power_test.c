/* SPDX-License-Identifier: Apache-2.0 */
/* The power goes in the middle of runs: what the store holds then is what its events say, and runs
 * go on from there. */
#include "world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/fsck.h"
#include "store/sqlite.h"
#include "test_disk.h"

static const char spec[] = "namespace: demo\n"
                           "jobs:\n"
                           "  - {name: build, steps: [{name: make, run: 'true'},"
                           " {name: check, run: 'true'}]}\n"
                           "  - {name: ship, needs: [build], steps: [{name: go, run: 'true'}]}\n";

/* Puts a store upon the disk of tests in the place of the world's own. */
static int open_on_disk(struct world *w)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/x.db", w->dir);
    options.vfs = DISK_NAME;
    options.reserve_bytes = 0;
    options.checkpoint_pages = 40;
    arc_status status = arc__store_sqlite_open(&w->mem, path, &options, &w->store, &err);
    if (status == ARC_OK)
        status = world_start_engine(w, &err);
    if (!CHECK_OK(status))
        printf("# %s: %s\n", err.subject, err.message);
    return status == ARC_OK;
}

static int begin(struct world *w)
{
    if (!world_open(w, WORLD_SQLITE))
        return 0;
    world_end_engine(w);
    w->store->ops->close(w->store);
    w->store = NULL;
    return 1;
}

/* An agent works off two runs, one after the other. */
static void live(struct world *w)
{
    struct hand hand;
    struct said pipeline, run;
    CHECK(hand_join(&hand, w, "a", "", 2));
    world_start_run(w, spec, &pipeline, &run);
    hand_work(&hand);
    CHECK_INT(world_run_status(w, run.id), ARC_RUN_SUCCESS);
    run = world_ask(w, world_trigger(w, pipeline.id, ""));
    CHECK_OK(run.status);
    hand_work(&hand);
    CHECK_INT(world_run_status(w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
}

static void check_whole(struct world *w, uint64_t nth)
{
    struct arc_desk desk = {.store = w->store, .mem = w->mem};
    const struct arc_fsck_finding *finding = NULL;
    struct arc_fsck *fsck = NULL;
    CHECK_OK(arc__fsck_new(&desk, 0, &fsck, NULL));
    while (fsck != NULL && arc__fsck_next(fsck, &finding, NULL) == ARC_OK) {
        printf("# operation %llu: %s %s: %.*s\n", (unsigned long long)nth, finding->table,
               finding->column, (int)finding->text.len, finding->text.ptr);
        CHECK_TEXT(ARC_LIT("a finding"), "none");
    }
    arc__fsck_free(fsck);
}

/* How many operations the disk did. */
static uint64_t count_operations(void)
{
    struct world w;
    uint64_t operations = 0;
    if (!begin(&w))
        return 0;
    if (open_on_disk(&w)) {
        disk_lose_power_at(0, 0);
        live(&w);
        operations = disk_operations();
    }
    world_close(&w);
    disk_format();
    return operations;
}

static void runs_outlive_lost_power(void)
{
    enum { STEP = 9 };
    CHECK(disk_register());
    uint64_t operations = count_operations();
    CHECK(operations > 100);
    for (uint64_t nth = 1; nth < operations; nth += STEP) {
        struct world w;
        if (!begin(&w))
            return;
        if (open_on_disk(&w)) {
            disk_lose_power_at(nth, nth * 7919);
            live(&w);
            world_end_engine(&w);
            w.store->ops->close(w.store);
            w.store = NULL;
            disk_restore();
            if (open_on_disk(&w)) {
                check_whole(&w, nth);
                world_check_events(&w);
                live(&w); /* a new agent works off what was left, and more */
                check_whole(&w, nth);
            }
        }
        world_close(&w);
        disk_format();
    }
}

static const struct test tests[] = {
    {"runs outlive a loss of power, and their rows are their events", runs_outlive_lost_power},
};
TEST_MAIN(tests)
