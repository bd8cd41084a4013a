/* SPDX-License-Identifier: Apache-2.0 */
/* A kill in the middle, and what goes on after it. Each case runs on both stores. */
#include "world.h"

#include <stdio.h>

static const char one_job[] = "namespace: demo\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";
static const char in_order[] = "namespace: demo\njobs:\n"
                               "- name: build\n"
                               "  steps: [{name: one, run: 'true'}, {name: two, run: 'true'}]\n"
                               "- {name: test, dependsOn: [build],"
                               " steps: [{name: one, run: 'true'}]}\n";
static const char with_delay[] =
    "namespace: demo\njobs:\n"
    "- name: build\n"
    "  steps: [{name: make, run: 'true', retry: {maxAttempts: 2, delay: 60s}}]\n";
static const char waits_and_times[] = "namespace: demo\njobs:\n"
                                      "- {name: build, queueTimeout: 60s,"
                                      " steps: [{name: make, run: 'true', timeout: 60s}]}\n";

/* Downtime of an hour is no reason to lose anything: it only counts for what waits for a clock. */
static int crash(struct world *w, struct hand *hand, int64_t down_ns)
{
    arc_err err = ARC_ERR_INIT;
    if (hand != NULL)
        hand_leave(hand);
    world_end_engine(w);
    w->now.mono_ns += (uint64_t)down_ns;
    w->now.wall_ns += down_ns;
    if (!CHECK_OK(world_crash(w, &err))) {
        printf("# %s: %s\n", err.subject, err.message);
        return 0;
    }
    if (hand != NULL)
        hand_connect(hand);
    world_turn(w);
    return 1;
}

/* The machine was started anew: its monotonic clock begins near 0. */
static void reboot(struct world *w)
{
    w->now.mono_ns = UINT64_C(3000000000);
}

static void end_well(struct world *w, struct hand *hand, const char *run)
{
    hand_work(hand);
    CHECK_INT(world_run_status(w, run), ARC_RUN_SUCCESS);
    /* no step was granted twice under one attempt */
    struct arc_query query = {.table = ARC_TABLE_event, .order_col = -1};
    struct arc_rows rows = {0};
    CHECK_OK(world_rows(w, &query, &rows));
    const struct arc_row_event *row = rows.rows;
    int64_t queued = 0, started = 0;
    for (size_t i = 0; i < rows.count; i++) {
        queued += arc__slice_is(row[i].type, "arcentra.step.queued");
        started += arc__slice_is(row[i].type, "arcentra.step.started");
    }
    CHECK_INT(queued, started);
    CHECK_INT(w->logged, 0); /* nothing was found damaged */
    world_check_events(w);
    hand_leave(hand);
    world_close(w);
}

static int begin(struct world *w, enum world_store kind, struct hand *hand, const char *yaml,
                 struct said *run)
{
    struct said pipeline;
    if (!world_open(w, kind) || !hand_join(hand, w, "a", "{}", 2))
        return 0;
    world_start_run(w, yaml, &pipeline, run);
    return run->status == ARC_OK;
}

static void queued(enum world_store kind)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, in_order, &pipeline, &run);
    if (crash(&w, NULL, SECONDS(3600)) && hand_join(&hand, &w, "a", "{}", 2))
        end_well(&w, &hand, run.id);
}

static void granted(enum world_store kind)
{
    struct world w;
    struct hand hand;
    struct said run;
    if (!begin(&w, kind, &hand, in_order, &run))
        return;
    CHECK_INT(hand_take(&hand, 0), 1); /* offered, and then the end */
    struct held held = hand.held[0];
    hand.held_count = 0;
    if (!crash(&w, &hand, SECONDS(3600)))
        return;
    CHECK_INT(hand_take(&hand, 1), 1);
    CHECK_INT(hand.held[0].fence, held.fence);
    CHECK_INT(hand.held[0].attempt, 1);
    end_well(&w, &hand, run.id);
}

static void running(enum world_store kind)
{
    struct world w;
    struct hand hand;
    struct said run;
    struct arc_renewal renewal;
    if (!begin(&w, kind, &hand, in_order, &run))
        return;
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
    hand_leave(&hand);
    world_end_engine(&w);
    reboot(&w);
    if (!crash(&w, NULL, SECONDS(15)))
        return;
    hand_connect(&hand);
    CHECK_INT(hand_take(&hand, 1), 0); /* it has it: it is not told again */
    world_pass(&w, SECONDS(29));       /* one lease time more */
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_RUNNING);
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.renewed_count, 1);
    world_pass(&w, SECONDS(29));
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_SUCCESS, 0).status);
    end_well(&w, &hand, run.id);
}

static void nobody_comes_back(enum world_store kind)
{
    struct world w;
    struct hand hand;
    struct said run;
    if (!begin(&w, kind, &hand, in_order, &run))
        return;
    CHECK_INT(hand_take(&hand, 1), 1);
    CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_RUNNING, 0).status);
    hand_leave(&hand);
    if (!crash(&w, NULL, 0))
        return;
    world_pass(&w, SECONDS(29));
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_RUNNING);
    world_pass(&w, SECONDS(1));
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    world_close(&w);
}

static void delayed(enum world_store kind)
{
    struct world w;
    struct hand hand;
    struct said run;
    if (!begin(&w, kind, &hand, with_delay, &run))
        return;
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_FAILED, 1).status);
    world_pass(&w, SECONDS(20));
    CHECK_OK(hand_beat(&hand, NULL));
    if (!crash(&w, &hand, SECONDS(10)))
        return;
    CHECK_OK(hand_beat(&hand, NULL));
    world_pass(&w, SECONDS(29));
    CHECK_INT(hand_take(&hand, 1), 0);
    world_pass(&w, SECONDS(1));
    CHECK_INT(hand_take(&hand, 1), 1);
    CHECK_INT(hand.held[0].attempt, 2);
    CHECK_TEXT(arc__slice_cstr(hand.held[0].id), held.id);
    end_well(&w, &hand, run.id);
}

static void paused(enum world_store kind)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, waits_and_times, &pipeline, &run);
    world_pass(&w, SECONDS(50));
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_PAUSE, run.id)).status);
    if (!crash(&w, NULL, SECONDS(3600)) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    CHECK_INT(hand_take(&hand, 1), 0);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PAUSED);
    world_pass(&w, SECONDS(60));
    CHECK_OK(hand_beat(&hand, NULL));
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_RESUME, run.id)).status);
    CHECK_INT(hand_take(&hand, 1), 1);
    end_well(&w, &hand, run.id);
}

static void stopping(enum world_store kind)
{
    struct world w;
    struct hand hand;
    struct said run;
    if (!begin(&w, kind, &hand, in_order, &run))
        return;
    CHECK_INT(hand_take(&hand, 1), 1);
    CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_RUNNING, 0).status);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id)).status);
    if (!crash(&w, &hand, SECONDS(5)))
        return;
    CHECK_INT(hand_take(&hand, 1), 0);
    CHECK_INT(hand.cancel_count, 1); /* it is told again */
    for (int i = 0; i < 4; i++) {
        CHECK_INT(world_run_status(&w, run.id), ARC_RUN_RUNNING);
        CHECK_OK(hand_beat(&hand, NULL));
        world_pass(&w, i < 3 ? SECONDS(10) : SECONDS(5));
    }
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_CANCELLED); /* 40 s after it was asked for */
    world_check_events(&w);
    hand_leave(&hand);
    world_close(&w);
}

static void many(enum world_store kind)
{
    struct world w;
    struct hand hand;
    struct said pipeline;
    char ids[20][32];
    if (!world_open(&w, kind) || !hand_join(&hand, &w, "a", "{}", 3))
        return;
    pipeline = world_ask(&w, world_create(&w, "p", in_order));
    for (size_t i = 0; i < ARC_COUNT_OF(ids); i++) {
        struct said run = world_ask(&w, world_trigger(&w, pipeline.id, ""));
        memcpy(ids[i], run.id, sizeof(ids[i]));
        if (i % 4 == 3 && !crash(&w, &hand, SECONDS(1)))
            return;
        if (hand_take(&hand, 1) > 0 && i % 2 == 0) {
            struct held held = hand.held[0];
            CHECK_OK(hand_say(&hand, &held, ARC_STEP_SUCCESS, 0).status);
        }
    }
    hand_work(&hand);
    for (size_t i = 0; i < ARC_COUNT_OF(ids); i++)
        CHECK_INT(world_run_status(&w, ids[i]), ARC_RUN_SUCCESS);
    world_check_events(&w);
    hand_leave(&hand);
    world_close(&w);
}

/* --- a damaged run ------------------------------------------------------------------------------
 */

static void saved(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    (void)shift;
    (void)err;
    *(arc_status *)user = status;
}

static void a_damaged_run_is_left_where_it_is(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, bad, good;
    arc_status done = ARC_EAGAIN;
    if (!world_open(&w, WORLD_MEM))
        return;
    world_start_run(&w, one_job, &pipeline, &bad);
    good = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    struct arc_row_event row = {.stream = arc__slice_cstr(bad.id),
                                .seq = 2,
                                .position = 3,
                                .type = ARC_LIT("arcentra.job.queued"),
                                .body = ARC_LIT("{\"job\":77}")};
    struct arc_store_op op = {ARC_STORE_PUT, ARC_TABLE_event, &row, 0};
    struct arc_store_batch batch = {&op, 1, 0};
    world_end_engine(&w);
    CHECK_OK(w.store->ops->commit(w.store, &batch, saved, &done, NULL));
    world_settle(&w);
    CHECK_OK(done);
    if (crash(&w, NULL, 0) && hand_join(&hand, &w, "a", "{}", 1)) {
        CHECK_INT(w.logged, 1);
        hand_work(&hand);
        CHECK_INT(world_run_status(&w, good.id), ARC_RUN_SUCCESS);
        CHECK_INT(world_run_status(&w, bad.id), ARC_RUN_PENDING);
        CHECK_STATUS(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, bad.id)).status,
                     ARC_ECONFLICT);
        CHECK_INT(world_run_col(&w, bad.id, ARC_COL_pipeline_run_held), ARC_HELD_DAMAGED);
        CHECK_OK(world_ask(&w, world_create(&w, "p", NULL)).status);
        hand_leave(&hand);
    }
    world_close(&w);
}

/* One whose log can be folded, and fits no decision: its job is over and its step runs. */
static void a_run_that_fits_no_decision_is_set_aside(void)
{
    struct world w;
    struct hand hand;
    struct said run;
    arc_status done = ARC_EAGAIN;
    if (!begin(&w, WORLD_MEM, &hand, one_job, &run))
        return;
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
    struct arc_row_event row = {.stream = arc__slice_cstr(run.id),
                                .seq = world_run_col(&w, run.id, ARC_COL_pipeline_run_version) + 1,
                                .position = arc__engine_position(w.engine) + 1,
                                .type = ARC_LIT("arcentra.job.completed"),
                                .body = ARC_LIT("{\"job\":0}")};
    struct arc_store_op op = {ARC_STORE_PUT, ARC_TABLE_event, &row, 0};
    struct arc_store_batch batch = {&op, 1, 0};
    hand_leave(&hand);
    world_end_engine(&w);
    CHECK_OK(w.store->ops->commit(w.store, &batch, saved, &done, NULL));
    world_settle(&w);
    CHECK_OK(done);
    CHECK_OK(world_start_engine(&w, NULL));
    struct said report, other;
    world_submit(&w, hand_report(&hand, &held, ARC_STEP_SUCCESS, 0), &report);
    world_submit(&w, world_create(&w, "p", NULL), &other);
    world_pass(&w, SECONDS(1));
    CHECK_STATUS(report.status, ARC_EUNAVAILABLE);
    CHECK_OK(other.status);
    CHECK_INT(w.logged, 1);
    CHECK_OK(world_ask(&w, world_create(&w, "p", NULL)).status);
    CHECK_STATUS(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id)).status, ARC_ECONFLICT);
    CHECK_STATUS(world_ask(&w, hand_report(&hand, &held, ARC_STEP_SUCCESS, 0)).status,
                 ARC_EPRECONDITION);
    CHECK_OK(arc__engine_health(w.engine, NULL));
    world_close(&w);
}

#define BOTH(name) \
    static void name##_mem(void) \
    { \
        name(WORLD_MEM); \
    } \
    static void name##_sqlite(void) \
    { \
        name(WORLD_SQLITE); \
    }
BOTH(queued)
BOTH(granted)
BOTH(running)
BOTH(nobody_comes_back)
BOTH(delayed)
BOTH(paused)
BOTH(stopping)
BOTH(many)

/* The run is older than the new boot. */
static void a_reboot_begins_no_deadline_anew(void)
{
    struct world w;
    struct hand hand;
    struct said run;
    if (!begin(&w, WORLD_MEM, &hand, waits_and_times, &run))
        return;
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
    for (int i = 0; i < 4; i++) {
        world_pass(&w, SECONDS(10));
        CHECK_OK(hand_beat(&hand, NULL));
    }
    hand_leave(&hand);
    world_end_engine(&w);
    reboot(&w);
    if (!crash(&w, NULL, SECONDS(5)))
        return;
    hand_connect(&hand);
    world_turn(&w);
    CHECK_OK(hand_beat(&hand, NULL));
    world_pass(&w, SECONDS(14)); /* 59 of its 60 seconds */
    struct arc_renewal renewal;
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.cancel_count, 0);
    world_pass(&w, SECONDS(2));
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.cancel_count, 1);
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_CANCELLED, 0).status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    hand_leave(&hand);
    world_close(&w);
}

/* The wall clock is set ahead while a job runs: as it is read back after the kill, the run's time
 * was over when the gate before the next job opened, and only stood still meanwhile. When nobody
 * decides, the gate ends, and the run in the same moment. */
static void what_a_tick_leads_to_is_due_in_the_same_turn(void)
{
    static const char yaml[] =
        "namespace: demo\ntimeout: 60s\njobs:\n"
        "- {name: build, steps: [{name: make, run: 'true'}]}\n"
        "- {name: ship, dependsOn: [build], steps: [{name: go, run: 'true'}],\n"
        "   approval: {required: true, timeout: 120s, onTimeout: approve}}\n";
    struct world w;
    struct hand hand;
    struct said run;
    if (!begin(&w, WORLD_MEM, &hand, yaml, &run))
        return;
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
    w.now.wall_ns += SECONDS(3600);
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_SUCCESS, 0).status);
    if (!crash(&w, &hand, 0))
        return;
    hand_leave(&hand);
    world_pass(&w, SECONDS(119));
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_RUNNING);
    world_pass(&w, SECONDS(1));
    CHECK_INT(
        world_count(&w, ARC_TABLE_event, ARC_COL_event_type, "arcentra.pipeline.approval.approved"),
        1);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    CHECK_INT(w.logged, 0);
    world_close(&w);
}

static const struct test tests[] = {
    {"a kill while jobs are queued (memory)", queued_mem},
    {"a kill while jobs are queued (SQLite)", queued_sqlite},
    {"a kill before a grant is acknowledged (memory)", granted_mem},
    {"a kill before a grant is acknowledged (SQLite)", granted_sqlite},
    {"a kill and a reboot while a step runs (memory)", running_mem},
    {"a kill and a reboot while a step runs (SQLite)", running_sqlite},
    {"a kill of the server and the agent at once (memory)", nobody_comes_back_mem},
    {"a kill of the server and the agent at once (SQLite)", nobody_comes_back_sqlite},
    {"a kill in the delay before a retry (memory)", delayed_mem},
    {"a kill in the delay before a retry (SQLite)", delayed_sqlite},
    {"a kill in a pause (memory)", paused_mem},
    {"a kill in a pause (SQLite)", paused_sqlite},
    {"a kill in the middle of a stop (memory)", stopping_mem},
    {"a kill in the middle of a stop (SQLite)", stopping_sqlite},
    {"kills over and over among many runs (memory)", many_mem},
    {"kills over and over among many runs (SQLite)", many_sqlite},
    {"a reboot begins no deadline anew", a_reboot_begins_no_deadline_anew},
    {"a damaged run keeps no other from going on", a_damaged_run_is_left_where_it_is},
    {"a run that fits no decision is set aside", a_run_that_fits_no_decision_is_set_aside},
    {"what a tick leads to is due in the same turn", what_a_tick_leads_to_is_due_in_the_same_turn},
};
TEST_MAIN(tests)
