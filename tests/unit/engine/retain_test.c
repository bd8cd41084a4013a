/* SPDX-License-Identifier: Apache-2.0 */
/* Retention of an engine at work: old runs go by themselves, a few rows at a time, and who keeps
 * all runs is not woken for it. */
#include "world.h"

#include <stdio.h>

#include "engine/desk.h"

#define STEP "steps: [{name: s, run: 'true'}]"
static const char one_job[] = "namespace: demo\njobs: [{name: a, " STEP "}]\n";

#define DAY (SECONDS(86400))
/* An ended run is in use for five minutes; then a pass comes within one more. */
#define SETTLED (SECONDS(600))

struct lives {
    struct world w;
    struct said pipeline, runs[6];
};

/* So many runs that ended well, and nobody there any more. */
static int live(struct lives *l, enum world_store kind, const struct arc_retention *retention,
                int count)
{
    struct hand hand = {0};
    memset(l, 0, sizeof(*l));
    if (!world_open(&l->w, kind))
        return 0;
    world_end_engine(&l->w);
    l->w.options.retention = *retention;
    if (!CHECK_OK(world_start_engine(&l->w, NULL)) || !hand_join(&hand, &l->w, "a", "{}", 4))
        return 0;
    for (int i = 0; i < count; i++) {
        if (i == 0)
            world_start_run(&l->w, one_job, &l->pipeline, &l->runs[0]);
        else
            l->runs[i] = world_ask(&l->w, world_trigger(&l->w, l->pipeline.id, ""));
        hand_work(&hand);
        CHECK_INT(world_run_status(&l->w, l->runs[i].id), ARC_RUN_SUCCESS);
    }
    hand_leave(&hand);
    return 1;
}

/* "011": which of the runs are there. */
static const char *there(struct lives *l, int count, char text[8])
{
    for (int i = 0; i < count; i++)
        text[i] = (char)('0' + world_count(&l->w, ARC_TABLE_pipeline_run, ARC_COL_pipeline_run_id,
                                           l->runs[i].id));
    text[count] = '\0';
    return text;
}

/* What the engine asks and stores in this time. */
static uint64_t calls_in(struct world *w, int64_t ns)
{
    uint64_t before = w->store_calls;
    world_pass(w, ns);
    return w->store_calls - before;
}

static uint64_t deleted(struct world *w)
{
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    arc__engine_stats(w->engine, &stats);
    return stats.runs_deleted;
}

static void all_are_kept(void)
{
    static struct lives l;
    const struct arc_retention nothing = {0};
    char text[8];
    if (!live(&l, WORLD_MEM, &nothing, 3))
        return;
    world_pass(&l.w, DAY);
    CHECK(arc__engine_deadline(l.w.engine) == UINT64_MAX);
    CHECK_INT(calls_in(&l.w, 400 * DAY), 0);
    CHECK_TEXT(arc__slice_cstr(there(&l, 3, text)), "111");
    world_close(&l.w);
}

static void by_age(enum world_store kind)
{
    static struct lives l;
    const struct arc_retention retention = {.max_age_ns = 10 * DAY};
    char text[8];
    if (!live(&l, kind, &retention, 3))
        return;
    world_pass(&l.w, DAY);
    CHECK_INT(calls_in(&l.w, 8 * DAY), 0); /* it knows when, and is not woken before */
    CHECK_TEXT(arc__slice_cstr(there(&l, 3, text)), "111");
    /* Something is newer than all three. */
    CHECK_OK(world_ask(&l.w, world_create(&l.w, "other", one_job)).status);
    world_pass(&l.w, DAY + SETTLED);
    CHECK_TEXT(arc__slice_cstr(there(&l, 3, text)), "000");
    CHECK_INT(deleted(&l.w), 3);
    CHECK(arc__engine_deadline(l.w.engine) == UINT64_MAX);
    CHECK_INT(calls_in(&l.w, 400 * DAY), 0);
    world_close(&l.w);
}

static void by_age_mem(void)
{
    by_age(WORLD_MEM);
}

static void by_age_sqlite(void)
{
    by_age(WORLD_SQLITE);
}

static void by_count(void)
{
    static struct lives l;
    const struct arc_retention retention = {.per_pipeline = 2};
    char text[8];
    if (!live(&l, WORLD_MEM, &retention, 5))
        return;
    CHECK_TEXT(arc__slice_cstr(there(&l, 5, text)), "11111");
    world_pass(&l.w, 2 * SETTLED);
    CHECK_TEXT(arc__slice_cstr(there(&l, 5, text)), "00011");
    CHECK_INT(calls_in(&l.w, 400 * DAY), 0);
    world_close(&l.w);
}

/* The process before this one had other settings. */
static void after_a_restart(void)
{
    static struct lives l;
    const struct arc_retention nothing = {0};
    char text[8];
    if (!live(&l, WORLD_SQLITE, &nothing, 4))
        return;
    world_end_engine(&l.w);
    l.w.options.retention.runs = 1;
    CHECK_OK(world_start_engine(&l.w, NULL));
    world_pass(&l.w, SETTLED);
    CHECK_TEXT(arc__slice_cstr(there(&l, 4, text)), "0001");
    world_close(&l.w);
}

/* --- what goes wrong ------------------------------------------------------------------------- */

struct faults {
    size_t largest;      /* operations of one commit */
    uint64_t deletions;  /* commits that delete a run's row */
    uint64_t fail_until; /* so many of them fail */
    uint32_t hold;       /* rounds that everything waits */
};

static int deletes_run(const struct arc_store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->ops[i].verb == ARC_STORE_DELETE && batch->ops[i].table == ARC_TABLE_pipeline_run)
            return 1;
    }
    return 0;
}

static void look(void *user, const struct arc_store_batch *batch, const struct arc_query *query,
                 struct arc_store_fault *fault)
{
    struct faults *faults = user;
    (void)query;
    fault->held_rounds = faults->hold;
    if (batch == NULL || !deletes_run(batch))
        return;
    if (batch->count > faults->largest)
        faults->largest = batch->count;
    if (faults->deletions++ >= faults->fail_until)
        return;
    fault->kind = faults->deletions % 2 == 0 ? ARC_STORE_FAULT_FAIL : ARC_STORE_FAULT_LOSE;
    fault->status = faults->deletions % 3 == 0 ? ARC_ECONFLICT : ARC_EUNAVAILABLE;
}

static void failing_store(void)
{
    static struct lives l;
    struct faults faults = {.fail_until = 5};
    const struct arc_retention retention = {.per_pipeline = 1};
    char text[8];
    if (!live(&l, WORLD_MEM, &retention, 4))
        return;
    arc__store_mem_set_fault(l.w.store, look, &faults);
    world_pass(&l.w, 10 * SETTLED);
    CHECK_TEXT(arc__slice_cstr(there(&l, 4, text)), "0001");
    CHECK(faults.deletions >= 5);
    CHECK(faults.largest < 700);
    CHECK_OK(arc__engine_health(l.w.engine, NULL));
    CHECK_OK(world_ask(&l.w, world_trigger(&l.w, l.pipeline.id, "")).status);
    world_close(&l.w);
}

/* The store answers late; runs go on between the batches. */
static void slow_store(void)
{
    static struct lives l;
    struct faults faults = {.hold = 3};
    struct said run;
    const struct arc_retention retention = {.per_pipeline = 1};
    char text[8];
    if (!live(&l, WORLD_MEM, &retention, 4))
        return;
    world_pass(&l.w, SECONDS(30));
    arc__store_mem_set_fault(l.w.store, look, &faults);
    world_submit(&l.w, world_trigger(&l.w, l.pipeline.id, ""), &run);
    for (int i = 0; i < 3000; i++) {
        uint64_t next = arc__engine_deadline(l.w.engine);
        int64_t ns = next == UINT64_MAX || next > l.w.now.mono_ns + (uint64_t)SECONDS(1)
                         ? SECONDS(1)
                         : (int64_t)(next - l.w.now.mono_ns);
        l.w.now.mono_ns += (uint64_t)(next > l.w.now.mono_ns ? ns : 0);
        l.w.now.wall_ns += next > l.w.now.mono_ns ? ns : 0;
        CHECK_OK(arc__engine_dispatch(l.w.engine, l.w.now, 1000, NULL));
    }
    arc__store_mem_set_fault(l.w.store, NULL, NULL);
    CHECK_INT(run.times, 1);
    CHECK_OK(run.status);
    world_turn(&l.w);
    CHECK_TEXT(arc__slice_cstr(there(&l, 4, text)), "0000"); /* the new one is the newest */
    world_close(&l.w);
}

static void request_keys(void)
{
    static struct lives l;
    const struct arc_retention nothing = {0};
    if (!live(&l, WORLD_MEM, &nothing, 1))
        return;
    CHECK_OK(world_ask(&l.w, world_trigger(&l.w, l.pipeline.id, "one")).status);
    world_pass(&l.w, 31 * DAY);
    CHECK_INT(world_count(&l.w, ARC_TABLE_request_key, ARC_COL_request_key_request_id, "one"), 1);
    struct said again = world_ask(&l.w, world_trigger(&l.w, l.pipeline.id, "two"));
    CHECK_OK(again.status);
    world_pass(&l.w, DAY);
    CHECK_INT(world_count(&l.w, ARC_TABLE_request_key, ARC_COL_request_key_request_id, "one"), 0);
    CHECK_INT(world_count(&l.w, ARC_TABLE_request_key, ARC_COL_request_key_request_id, "two"), 1);
    world_close(&l.w);
}

/* --- watches -----------------------------------------------------------------------------------
 */

static int drain(struct arc_event_watch *watch, int *gaps)
{
    const struct arc_event *event = NULL;
    arc_status status;
    int count = 0;
    while ((status = arc__event_watch_next(watch, &event, NULL)) == ARC_OK ||
           (status == ARC_ENOTFOUND && *gaps < 10)) {
        count += status == ARC_OK;
        *gaps += status != ARC_OK;
    }
    CHECK_STATUS(status, ARC_EAGAIN);
    return count;
}

/* Who goes on from a position hears once that something is missing; who begins anew does not. */
static void gaps_are_told(enum world_store kind)
{
    static struct lives l;
    const struct arc_retention retention = {.per_pipeline = 1};
    int64_t positions[] = {0, 1, -1};
    int told[] = {0, 1, 0};
    if (!live(&l, kind, &retention, 3))
        return;
    world_pass(&l.w, 2 * SETTLED);
    CHECK_INT(deleted(&l.w), 2);
    CHECK_OK(world_crash(&l.w, NULL)); /* so that nothing is in the ring */
    for (size_t i = 0; i < ARC_COUNT_OF(positions); i++) {
        struct arc_event_watch *watch = NULL;
        struct arc_watch_filter filter = {.after = positions[i]};
        int gaps = 0;
        CHECK_OK(arc__event_watch_open(l.w.engine, &filter, NULL, NULL, &watch, NULL));
        CHECK((drain(watch, &gaps) > 0) == (positions[i] >= 0));
        CHECK_INT(gaps, told[i]);
        CHECK_OK(world_ask(&l.w, world_create(&l.w, "more", one_job)).status);
        CHECK(drain(watch, &gaps) > 0);
        CHECK_INT(gaps, told[i]);
        arc__event_watch_close(watch);
    }
    world_close(&l.w);
}
ON_BOTH(gaps_are_told)

static const struct test tests[] = {
    {"an engine that keeps all runs asks nothing and is not woken", all_are_kept},
    {"runs go when they are too old, and then it is quiet", by_age_mem},
    {"and in SQLite they go when they are too old", by_age_sqlite},
    {"of each pipeline so many runs are kept by the engine", by_count},
    {"a new setting is followed after a restart", after_a_restart},
    {"a store that fails in the middle changes nothing in the end", failing_store},
    {"a slow store holds up neither deleting nor runs", slow_store},
    {"old keys of requests go an hour behind a new one", request_keys},
    {"a kept position hears once that events were deleted", gaps_are_told_mem},
    {"and in SQLite it hears so", gaps_are_told_sqlite},
};
TEST_MAIN(tests)
