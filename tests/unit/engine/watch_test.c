/* SPDX-License-Identifier: Apache-2.0 */
/* Watching events: in order, without a gap, nothing twice, however slow the watcher. */
#include "world.h"

#include <stdio.h>

static const char one_job[] = "namespace: demo\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";

static void count_notice(void *user)
{
    ++*(int *)user;
}

static struct arc_event_watch *open_watch(struct world *w, const char *run, int64_t after,
                                          int *notices)
{
    struct arc_event_watch *watch = NULL;
    struct arc_watch_filter filter = {.run_id = arc__slice_cstr(run), .after = after};
    CHECK_OK(arc__event_watch_open(w->engine, &filter, count_notice, notices, &watch, NULL));
    return watch;
}

/* Up to `most` of them; each must be after *position, without a gap where all are asked for. */
static int drain(struct arc_event_watch *watch, int64_t *position, int most, int all)
{
    const struct arc_event *event = NULL;
    int count = 0;
    while (count < most && arc__event_watch_next(watch, &event, NULL) == ARC_OK) {
        if (all)
            CHECK_INT(event->position, *position + 1);
        CHECK(event->position > *position);
        *position = event->position;
        count++;
    }
    return count;
}

/* n events of no run, cheap ones. */
static void make_noise(struct world *w, const char *pipeline, int n)
{
    for (int i = 0; i < n; i++) {
        struct arc_cmd *cmd = world_cmd(w, ARC_CMD_PIPELINE_UPDATE);
        cmd->pipeline_id = world_text(cmd, pipeline);
        CHECK_OK(arc__engine_submit(w->engine, cmd, NULL, NULL, NULL));
        if (i % 500 == 499)
            world_turn(w);
    }
    world_turn(w);
}

static void a_watch_sees_every_event_once(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    int live = 0, old = 0, other = 0;
    int64_t at_live = 0, at_old = 0, at_other = 0;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    at_live = arc__engine_position(w.engine);
    CHECK(at_live > 0);
    struct arc_event_watch *now = open_watch(&w, "", -1, &live);
    struct arc_event_watch *all = open_watch(&w, "", 0, &old);
    CHECK_INT(drain(now, &at_live, 1000, 1), 0);
    world_start_run(&w, one_job, &pipeline, &run);
    struct arc_event_watch *mine = open_watch(&w, run.id, 0, &other);
    hand_work(&hand);
    CHECK(live > 0 && old > 0 && other > 0);
    CHECK_INT(drain(now, &at_live, 1000, 1), 10);
    CHECK_INT(drain(all, &at_old, 1000, 1), arc__engine_position(w.engine));
    CHECK_INT(drain(mine, &at_other, 1000, 0), 9); /* all but "pipeline created" */
    CHECK_INT(at_live, arc__engine_position(w.engine));
    CHECK_INT(at_other, at_live);
    CHECK_INT(drain(now, &at_live, 1000, 1), 0);
    arc__event_watch_close(now);
    arc__event_watch_close(all);
    arc__event_watch_close(mine);
    hand_leave(&hand);
    world_close(&w);
}

static void a_watch_goes_on_from_a_position_after_a_restart(void)
{
    struct world w;
    struct said pipeline, run;
    int notices = 0;
    int64_t position = 0;
    if (!world_open(&w, WORLD_SQLITE))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    struct arc_event_watch *watch = open_watch(&w, "", 0, &notices);
    CHECK_INT(drain(watch, &position, 2, 1), 2);
    arc__event_watch_close(watch);
    CHECK_OK(world_crash(&w, NULL));
    watch = open_watch(&w, "", position, &notices);
    CHECK_INT(drain(watch, &position, 1000, 1), 1);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id)).status);
    CHECK(drain(watch, &position, 1000, 1) > 2);
    CHECK_INT(position, arc__engine_position(w.engine));
    arc__event_watch_close(watch);
    world_close(&w);
}

static void a_slow_watch_loses_nothing(void)
{
    struct world w;
    int notices = 0, other = 0;
    int64_t position = 0, filtered = 0;
    struct said run[2];
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", one_job));
    struct arc_event_watch *watch = open_watch(&w, "", 0, &notices);
    make_noise(&w, pipeline.id, 9000); /* more than are kept in memory */
    CHECK_INT(drain(watch, &position, 50, 1), 50);
    run[0] = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    make_noise(&w, pipeline.id, 10);
    struct arc_event_watch *mine = open_watch(&w, run[0].id, 0, &other);
    CHECK_INT(drain(mine, &filtered, 1, 0), 1);
    /* the page that it reads from is of now; the world goes on far beyond it */
    make_noise(&w, pipeline.id, 9000);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_PAUSE, run[0].id)).status);
    make_noise(&w, pipeline.id, 9000);
    CHECK_INT(drain(mine, &filtered, 1, 0), 1);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_RESUME, run[0].id)).status);
    make_noise(&w, pipeline.id, 9000);
    CHECK_INT(drain(mine, &filtered, 1000, 0), 2); /* paused, resumed */
    CHECK_INT(drain(watch, &position, 1000000, 1), arc__engine_position(w.engine) - 50);
    CHECK_INT(position, arc__engine_position(w.engine));
    arc__event_watch_close(watch);
    arc__event_watch_close(mine);
    world_close(&w);
}

struct nest {
    struct world *w;
    struct arc_event_watch *watch, *next;
    int told;
};

static void close_and_open(void *user)
{
    struct nest *nest = user;
    int64_t position = 0;
    nest->told++;
    (void)drain(nest->watch, &position, 1000, 0);
    arc__event_watch_close(nest->watch);
    struct arc_watch_filter filter = {.after = -1};
    CHECK_OK(
        arc__event_watch_open(nest->w->engine, &filter, close_and_open, nest, &nest->watch, NULL));
    CHECK_STATUS(arc__engine_dispatch(nest->w->engine, nest->w->now, 1, NULL), ARC_ECONFLICT);
}

static void a_notice_may_close_and_open_watches(void)
{
    struct world w;
    struct nest nest = {.w = &w};
    if (!world_open(&w, WORLD_MEM))
        return;
    struct arc_watch_filter filter = {.after = -1};
    CHECK_OK(arc__event_watch_open(w.engine, &filter, close_and_open, &nest, &nest.watch, NULL));
    for (int i = 1; i <= 3; i++) {
        CHECK_OK(world_ask(&w, world_create(&w, "p", NULL)).status);
        CHECK_INT(nest.told, i);
    }
    arc__event_watch_close(nest.watch);
    world_close(&w);
}

/* Each allocation of reading fails in turn; the event comes with the next try. */
static void an_event_without_memory_comes_later(void)
{
    struct world w;
    struct said pipeline;
    const struct arc_event *event = NULL;
    int notices = 0, failures = 0;
    int64_t seen = 0;
    if (!world_open(&w, WORLD_MEM))
        return;
    pipeline = world_ask(&w, world_create(&w, "p", one_job));
    make_noise(&w, pipeline.id, 20);
    CHECK_OK(world_crash(&w, NULL)); /* from here on they are read from the store */
    world_turn(&w);
    struct arc_event_watch *watch = open_watch(&w, "", 0, &notices);
    for (uint64_t k = 1; seen < arc__engine_position(w.engine) && k < 1000; k++) {
        w.memory.fail_at = w.memory.calls + 1 + k % 60;
        arc_status status = arc__event_watch_next(watch, &event, NULL);
        w.memory.fail_at = 0;
        failures += status != ARC_OK;
        if (status == ARC_OK) {
            CHECK_INT(event->position, seen + 1);
            seen = event->position;
        }
    }
    CHECK(failures > 0);
    CHECK_INT(seen, arc__engine_position(w.engine));
    arc__event_watch_close(watch);
    world_close(&w);
}

static const struct test tests[] = {
    {"a watch sees every event once and in order", a_watch_sees_every_event_once},
    {"a watch goes on from a position, after a restart too",
     a_watch_goes_on_from_a_position_after_a_restart},
    {"a slow watch loses nothing, whatever has left the ring", a_slow_watch_loses_nothing},
    {"an event that there was no memory for comes later", an_event_without_memory_comes_later},
    {"a notice may close and open watches, but not dispatch", a_notice_may_close_and_open_watches},
};
TEST_MAIN(tests)
