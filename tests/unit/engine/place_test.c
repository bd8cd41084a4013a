/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: in which order jobs that wait are served, by whom, and what a look at it costs. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE SECONDS(60)
#define TEXT_BYTES (256 * 1024)

/* --- runs ------------------------------------------------------------------------------------ */

/* Jobs NAME1 to NAMEcount of one step, all to be placed at once, on agents that have the label. */
static char *yaml_of(const char *name, int count, const char *label)
{
    char *text = malloc(TEXT_BYTES);
    size_t at = 0;
    if (text == NULL)
        return NULL;
    at += (size_t)snprintf(text, TEXT_BYTES, "namespace: demo\njobs:\n");
    for (int i = 1; i <= count && at + 256 < TEXT_BYTES; i++) {
        at += (size_t)snprintf(text + at, TEXT_BYTES - at,
                               "- {name: %s%d%s, steps: [{name: s, uses: x}]}\n", name, i, label);
    }
    return text;
}

static struct said pipeline_of(struct world *w, const char *name, int count, const char *label)
{
    char *yaml = yaml_of(name, count, label);
    struct said said = world_ask(w, world_create(w, name, yaml));
    if (!CHECK_OK(said.status))
        printf("# %s: %s %s\n", said.subject, said.message, said.findings);
    free(yaml);
    return said;
}

static struct said trigger(struct world *w, const struct said *pipeline, int priority)
{
    struct arc_cmd *cmd = world_trigger(w, pipeline->id, "");
    if (cmd != NULL)
        cmd->u.trigger.priority = priority;
    return world_ask(w, cmd);
}

/* A pipeline with one run of it. */
static struct said queue(struct world *w, const char *name, int count, int priority)
{
    struct said pipeline = pipeline_of(w, name, count, "");
    struct said run = trigger(w, &pipeline, priority);
    CHECK_OK(run.status);
    return run;
}

/* What the agent is given, one job after the other, count at most: "a1 b1 a2". */
static void serve(struct hand *hand, int count, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        if (hand->held_count == 0 && hand_take(hand, 1) == 0)
            return;
        struct held held = hand->held[0];
        at += (size_t)snprintf(text + at, size - at, "%s%s", i > 0 ? " " : "", held.job);
        CHECK_OK(hand_say(hand, &held, ARC_STEP_RUNNING, 0).status);
        CHECK_OK(hand_say(hand, &held, ARC_STEP_SUCCESS, 0).status);
    }
}

/* The agent that the row of the run's only job names. */
static void check_row_agent(struct world *w, const char *run, const char *agent)
{
    struct arc_query query = {.table = ARC_TABLE_job_run, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_job_run_run_id, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(run)};
    CHECK_OK(world_rows(w, &query, &rows));
    if (CHECK_INT(rows.count, 1)) {
        CHECK_TEXT(((const struct arc_row_job_run *)rows.rows)->agent_id, agent);
        CHECK_INT(((const struct arc_row_job_run *)rows.rows)->status, ARC_JOB_QUEUED);
    }
    arc__arena_reset(&w->arena);
}

static void the_row_of_a_job_names_its_agent_before_it_starts(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said run = queue(&w, "a", 1, 0);
    check_row_agent(&w, run.id, "");
    if (!hand_join(&hand, &w, "agent", "{}", 1))
        return;
    check_row_agent(&w, run.id, hand.id); /* granted, and not begun */
    hand_leave(&hand);
    world_pass(&w, SECONDS(40)); /* the lease lapses: it waits again */
    check_row_agent(&w, run.id, "");
    world_close(&w);
}

static void check_order(struct hand *hand, int count, const char *expected)
{
    char text[1024];
    serve(hand, count, text, sizeof(text));
    CHECK_TEXT(arc__slice_cstr(text), expected);
}

static uint64_t looks(struct world *w)
{
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    arc__engine_stats(w->engine, &stats);
    return stats.place_looks;
}

static uint64_t queued(struct world *w)
{
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    arc__engine_stats(w->engine, &stats);
    return stats.jobs_queued;
}

static void end(struct world *w, struct hand *hand)
{
    hand_leave(hand);
    world_close(w);
}

/* --- order ----------------------------------------------------------------------------------- */

static void one_pipeline_is_served_in_order(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said pipeline = pipeline_of(&w, "a", 2, "");
    CHECK_OK(trigger(&w, &pipeline, 0).status);
    world_pass(&w, SECONDS(1));
    struct said other = pipeline_of(&w, "b", 1, "");
    CHECK_OK(trigger(&w, &pipeline, 0).status);
    CHECK_INT(queued(&w), 4);
    (void)other;
    if (hand_join(&hand, &w, "a", "{}", 1))
        check_order(&hand, 4, "a1 a2 a1 a2");
    end(&w, &hand);
}

static void pipelines_take_turns(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    (void)queue(&w, "a", 40, 0);
    world_pass(&w, SECONDS(1));
    (void)queue(&w, "b", 3, 0);
    world_pass(&w, SECONDS(1));
    (void)queue(&w, "c", 1, 0);
    if (hand_join(&hand, &w, "a", "{}", 1))
        check_order(&hand, 8, "a1 b1 c1 a2 b2 a3 b3 a4");
    end(&w, &hand);
}

/* Had it been forgotten with its last job, it would come before the other one for ever. */
static void who_comes_back_waits_for_the_others(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    (void)queue(&w, "a", 9, 0);
    struct said pipeline = pipeline_of(&w, "b", 1, "");
    CHECK_OK(trigger(&w, &pipeline, 0).status);
    if (hand_join(&hand, &w, "a", "{}", 1)) {
        check_order(&hand, 1, "a1");
        CHECK_INT(hand_take(&hand, 1), 1);
        CHECK_TEXT(arc__slice_cstr(hand.held[0].job), "b1");
        CHECK_OK(trigger(&w, &pipeline, 0).status);
        check_order(&hand, 3, "b1 a2 b1");
    }
    end(&w, &hand);
}

static void the_higher_priority_goes_first(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    (void)queue(&w, "low", 2, -5);
    (void)queue(&w, "mid", 2, 0);
    struct said run = queue(&w, "high", 2, 100);
    CHECK_INT(world_run_col(&w, run.id, ARC_COL_pipeline_run_priority), 100);
    if (hand_join(&hand, &w, "a", "{}", 1))
        check_order(&hand, 6, "high1 high2 mid1 mid2 low1 low2");
    end(&w, &hand);
}

static void a_priority_has_bounds(void)
{
    struct world w;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said pipeline = pipeline_of(&w, "a", 1, "");
    struct said said = trigger(&w, &pipeline, 101);
    CHECK_INT(said.status, ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(said.message), "A priority is a number from -100 to 100.");
    CHECK_INT(trigger(&w, &pipeline, -101).status, ARC_EINVAL);
    CHECK_OK(trigger(&w, &pipeline, 100).status);
    CHECK_OK(trigger(&w, &pipeline, -100).status);
    world_close(&w);
}

/* Ten points lower, queued first by so much. */
static void aged(int64_t first_by, const char *expected)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    (void)queue(&w, "low", 2, -10);
    world_pass(&w, first_by);
    (void)queue(&w, "high", 2, 0);
    if (hand_join(&hand, &w, "a", "{}", 1))
        check_order(&hand, 4, expected);
    end(&w, &hand);
}

static void a_point_is_less_than_more_than_a_minute(void)
{
    aged(10 * MINUTE - SECONDS(1), "high1 high2 low1 low2");
}

static void a_low_priority_is_late_and_not_starved(void)
{
    aged(10 * MINUTE + SECONDS(1), "low1 low2 high1 high2");
}

static void the_order_outlives_the_engine(void)
{
    struct world w;
    struct hand hand;
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, WORLD_SQLITE))
        return;
    (void)queue(&w, "a", 3, 0);
    world_pass(&w, SECONDS(1));
    (void)queue(&w, "b", 1, 0);
    (void)queue(&w, "high", 1, 7);
    CHECK_OK(world_crash(&w, &err));
    world_turn(&w);
    CHECK_INT(queued(&w), 5);
    if (hand_join(&hand, &w, "a", "{}", 1))
        check_order(&hand, 5, "high1 a1 b1 a2 a3");
    end(&w, &hand);
}

/* --- who waits, and who does not ------------------------------------------------------------- */

static void a_paused_run_leaves_the_queue_and_returns(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said pipeline = pipeline_of(&w, "a", 2, "");
    struct said first = trigger(&w, &pipeline, 0);
    world_pass(&w, SECONDS(1));
    CHECK_OK(trigger(&w, &pipeline, 0).status);
    struct said other = queue(&w, "b", 1, 0);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_PAUSE, first.id)).status);
    CHECK_INT(queued(&w), 5);
    if (hand_join(&hand, &w, "a", "{}", 1)) {
        char held[64];
        check_order(&hand, 1, "a1");
        CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_RESUME, first.id)).status);
        CHECK_INT(hand_take(&hand, 1), 1); /* given before it came back */
        (void)snprintf(held, sizeof(held), "%s", hand.held[0].job);
        CHECK_TEXT(arc__slice_cstr(held), "b1");
        check_order(&hand, 2, "b1 a1");
        CHECK_INT(world_run_status(&w, first.id), ARC_RUN_RUNNING);
        check_order(&hand, 2, "a2 a2");
        CHECK_INT(world_run_status(&w, first.id), ARC_RUN_SUCCESS);
    }
    CHECK_INT(world_run_status(&w, other.id), ARC_RUN_SUCCESS);
    end(&w, &hand);
}

static void a_stopped_run_leaves_the_queue(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said gone = queue(&w, "a", 5, 50);
    (void)queue(&w, "b", 1, 0);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, gone.id)).status);
    CHECK_INT(queued(&w), 1);
    if (hand_join(&hand, &w, "a", "{}", 1))
        check_order(&hand, 9, "b1");
    end(&w, &hand);
}

#define GPU ", agentSelector: {matchLabels: {gpu: 'yes'}}"

static void jobs_nobody_takes_hold_nobody_up(void)
{
    struct world w;
    struct hand hand, late;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said gpu = pipeline_of(&w, "gpu", 2, GPU);
    CHECK_OK(trigger(&w, &gpu, 100).status);
    (void)queue(&w, "b", 2, 0);
    if (hand_join(&hand, &w, "a", "{}", 1))
        check_order(&hand, 9, "b1 b2");
    if (hand_join(&late, &w, "g", "{\"gpu\":\"yes\"}", 1))
        check_order(&late, 9, "gpu1 gpu2");
    hand_leave(&late);
    end(&w, &hand);
}

static void new_labels_are_looked_at_anew(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said gpu = pipeline_of(&w, "gpu", 1, GPU);
    CHECK_OK(trigger(&w, &gpu, 0).status);
    if (hand_join(&hand, &w, "a", "{}", 1)) {
        CHECK_INT(hand_take(&hand, 1), 0);
        CHECK_OK(world_ask(&w, world_register(&w, hand.token, "a", "{\"gpu\":\"yes\"}")).status);
        check_order(&hand, 9, "gpu1");
    }
    end(&w, &hand);
}

/* While nobody served it, others had a thousand turns: these are not owed to it. */
static void nobody_saves_up_turns(void)
{
    struct world w;
    struct hand plain, both;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said gpu = pipeline_of(&w, "gpu", 30, GPU);
    CHECK_OK(trigger(&w, &gpu, 0).status);
    (void)queue(&w, "a", 30, 0);
    if (hand_join(&plain, &w, "p", "{}", 1)) {
        char text[1024];
        serve(&plain, 20, text, sizeof(text));
        plain.silent = 1;
    }
    hand_leave(&plain);
    world_turn(&w);
    if (hand_join(&both, &w, "g", "{\"gpu\":\"yes\"}", 1)) {
        char text[256];
        serve(&both, 6, text, sizeof(text));
        CHECK_TEXT(arc__slice_cstr(text), "gpu1 a22 gpu2 a23 gpu3 a24");
    }
    hand_leave(&both);
    world_close(&w);
}

static void the_least_loaded_agent_takes_it(void)
{
    struct world w;
    struct hand hands[3];
    static const int slots[] = {2, 4, 1};
    if (!world_open(&w, WORLD_MEM))
        return;
    for (int i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "n%d", i);
        CHECK(hand_join(&hands[i], &w, name, "{}", slots[i]));
        world_pass(&w, SECONDS(1));
    }
    (void)queue(&w, "a", 6, 0);
    for (int i = 0; i < 3; i++)
        (void)hand_take(&hands[i], 1);
    /* One for each, then by load: 1/4, 2/4 or 1/2 by id, ... */
    CHECK_INT(hands[0].held_count, 2);
    CHECK_INT(hands[1].held_count, 3);
    CHECK_INT(hands[2].held_count, 1);
    for (int i = 0; i < 3; i++)
        hand_leave(&hands[i]);
    world_close(&w);
}

/* --- what it costs --------------------------------------------------------------------------- */

/* Looks for one job that comes and goes beside so many that nobody takes. */
static uint64_t looks_beside(int count)
{
    struct world w;
    struct hand hand;
    uint64_t cost = 0;
    if (!world_open(&w, WORLD_MEM))
        return 0;
    struct said gpu = pipeline_of(&w, "gpu", count, GPU);
    CHECK_OK(trigger(&w, &gpu, 0).status);
    struct said pipeline = pipeline_of(&w, "a", 1, "");
    if (hand_join(&hand, &w, "a", "{}", 1)) {
        uint64_t before = looks(&w);
        CHECK_OK(trigger(&w, &pipeline, 0).status);
        check_order(&hand, 2, "a1");
        cost = looks(&w) - before;
    }
    CHECK_INT(queued(&w), count);
    end(&w, &hand);
    return cost;
}

static void a_lane_costs_one_look(void)
{
    uint64_t few = looks_beside(2), many = looks_beside(2000);
    CHECK_INT(few, many);
    CHECK(many <= 2);
}

static void a_full_agent_costs_no_look(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    if (hand_join(&hand, &w, "a", "{}", 1)) {
        (void)queue(&w, "a", 50, 0);
        uint64_t before = looks(&w);
        (void)queue(&w, "b", 50, 0);
        CHECK_INT(looks(&w) - before, 0);
        check_order(&hand, 4, "a1 b1 a2 b2");
        CHECK(looks(&w) - before <= 9);
    }
    end(&w, &hand);
}

static void an_idle_engine_does_nothing(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM))
        return;
    if (hand_join(&hand, &w, "a", "{}", 1)) {
        (void)queue(&w, "a", 3, 0);
        check_order(&hand, 9, "a1 a2 a3");
    }
    hand_leave(&hand);
    world_pass(&w, 10 * MINUTE); /* the agent goes offline, late logs have had their time */
    struct said gpu = pipeline_of(&w, "gpu", 9, GPU);
    CHECK_OK(trigger(&w, &gpu, 0).status);
    uint64_t calls = w.store_calls;
    CHECK(arc__engine_deadline(w.engine) == UINT64_MAX);
    world_pass(&w, 1000 * MINUTE);
    CHECK_INT(w.store_calls - calls, 0);
    world_close(&w);
}

static const struct test tests[] = {
    {"the row of a job names its agent before it starts",
     the_row_of_a_job_names_its_agent_before_it_starts},
    {"jobs of one pipeline are served in their order", one_pipeline_is_served_in_order},
    {"pipelines take turns, however many jobs one has", pipelines_take_turns},
    {"who comes back with a job waits for the others", who_comes_back_waits_for_the_others},
    {"the higher priority goes first", the_higher_priority_goes_first},
    {"a priority has bounds", a_priority_has_bounds},
    {"a point of priority holds for a minute", a_point_is_less_than_more_than_a_minute},
    {"a low priority is late and not starved", a_low_priority_is_late_and_not_starved},
    {"the order of the queue outlives the engine", the_order_outlives_the_engine},
    {"a paused run leaves the queue and returns", a_paused_run_leaves_the_queue_and_returns},
    {"a stopped run leaves the queue", a_stopped_run_leaves_the_queue},
    {"jobs that nobody takes hold nobody up", jobs_nobody_takes_hold_nobody_up},
    {"new labels of an agent are looked at anew", new_labels_are_looked_at_anew},
    {"who could not be served saves up no turns", nobody_saves_up_turns},
    {"the least loaded agent takes the next job", the_least_loaded_agent_takes_it},
    {"jobs that nobody takes cost one look together", a_lane_costs_one_look},
    {"a full agent is not looked at", a_full_agent_costs_no_look},
    {"an idle engine asks nothing and wakes never", an_idle_engine_does_nothing},
};
TEST_MAIN(tests)
