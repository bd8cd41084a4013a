/* SPDX-License-Identifier: Apache-2.0 */
/* When a run would end: what is said beforehand is what then happens, where lengths are known. */
#include <stdio.h>

#include "engine/explain.h"
#include "world.h"

#define HANDS 3
#define STEP "steps: [{name: s, run: 'true'}]"

/* A world in which each step has its length, which the test knows. */
struct play {
    struct world w;
    struct hand hands[HANDS];
    size_t hand_count;
    struct said pipeline;
    uint32_t salt;
};

/* No two steps are likely to end at one moment: then it would be chance who comes first. */
static int64_t length_of(const struct play *p, const char *job, const char *step)
{
    uint32_t sum = p->salt;
    for (; *job != '\0'; job++)
        sum = sum * 31 + (unsigned char)*job;
    for (; *step != '\0'; step++)
        sum = sum * 31 + (unsigned char)*step;
    return SECONDS(1 + (int64_t)(sum % 9)) + (int64_t)(sum % 99991);
}

struct busy {
    struct held held;
    struct hand *hand;
    int64_t until_ns;
};

struct stage {
    struct busy items[16];
    size_t count;
};

static void start_all(struct play *p, struct stage *stage)
{
    for (size_t h = 0; h < p->hand_count; h++) {
        struct hand *hand = &p->hands[h];
        (void)hand_take(hand, 1);
        for (size_t i = 0; i < hand->held_count && stage->count < 16; i++) {
            const struct held held = hand->held[i];
            int known = 0;
            for (size_t k = 0; k < stage->count; k++)
                known |= stage->items[k].held.fence == held.fence;
            if (known)
                continue;
            CHECK_OK(hand_say(hand, &held, ARC_STEP_RUNNING, 0).status);
            stage->items[stage->count++] =
                (struct busy){held, hand, p->w.now.wall_ns + length_of(p, held.job, held.step)};
        }
    }
}

/* Until the run is over, or until a time of day. */
static void play(struct play *p, struct stage *stage, const char *run, int64_t until_ns)
{
    for (int i = 0; i < 500; i++) {
        size_t first = 0;
        world_turn(&p->w);
        start_all(p, stage);
        if (stage->count == 0 || arc_run_state_is_terminal(world_run_status(&p->w, run)))
            return;
        for (size_t k = 1; k < stage->count; k++)
            first = stage->items[k].until_ns < stage->items[first].until_ns ? k : first;
        struct busy next = stage->items[first];
        if (until_ns != 0 && next.until_ns > until_ns) {
            world_pass(&p->w, until_ns - p->w.now.wall_ns);
            return;
        }
        for (size_t h = 0; h < p->hand_count; h++)
            CHECK_OK(hand_beat(&p->hands[h], NULL));
        if (next.until_ns > p->w.now.wall_ns)
            world_pass(&p->w, next.until_ns - p->w.now.wall_ns);
        for (size_t k = first; k + 1 < stage->count; k++)
            stage->items[k] = stage->items[k + 1];
        stage->count--;
        CHECK_OK(hand_say(next.hand, &next.held, ARC_STEP_SUCCESS, 0).status);
        hand_drop(next.hand, &next.held);
    }
}

static struct arc_look *ask(struct play *p, const char *run, struct arc_look_ask ask)
{
    struct arc_look *look = NULL;
    ask.what |= ARC_LOOK_END;
    ask.run_id = arc__slice_cstr(run);
    CHECK_OK(arc__look_open(p->w.engine, &ask, NULL, NULL, &look, NULL));
    return look;
}

static const struct arc_forecast *forecast_of(const struct arc_look *look)
{
    static const struct arc_forecast nothing;
    const struct arc_look_result *result = NULL;
    return CHECK_OK(arc__look_result(look, &result, NULL)) ? &result->forecast : &nothing;
}

static int open_play(struct play *p, const char *yaml, int slots, uint32_t salt, struct said *run)
{
    static const char *const names[HANDS] = {"A", "B", "C"};
    *p = (struct play){.salt = salt};
    if (!world_open(&p->w, WORLD_MEM))
        return 0;
    for (int left = slots; left > 0 && p->hand_count < HANDS; left -= 2, p->hand_count++) {
        if (!hand_join(&p->hands[p->hand_count], &p->w, names[p->hand_count], "{}",
                       left > 1 ? 2 : 1))
            return 0;
    }
    world_start_run(&p->w, yaml, &p->pipeline, run);
    return 1;
}

static void close_play(struct play *p)
{
    for (size_t h = 0; h < p->hand_count; h++)
        hand_leave(&p->hands[h]);
    world_close(&p->w);
}

/* The rows of the run's jobs are what was said. */
static void jobs_are_as_foreseen(struct play *p, const char *run,
                                 const struct arc_forecast *forecast)
{
    struct arc_rows rows;
    struct arc_query query = {
        .table = ARC_TABLE_job_run, .order_col = ARC_COL_job_run_job_index, .filter_count = 1};
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_job_run_run_id, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(run)};
    if (!CHECK_OK(world_rows(&p->w, &query, &rows)))
        return;
    const struct arc_row_job_run *row = rows.rows;
    for (size_t i = 0; i < rows.count; i++) {
        CHECK_INT(forecast->jobs[i].status, row[i].status);
        CHECK_INT(forecast->jobs[i].started_ns, row[i].started_at_ns);
        CHECK_INT(forecast->jobs[i].ended_ns, row[i].ended_at_ns);
        CHECK(arc__slice_equal(forecast->jobs[i].agent_id, row[i].agent_id));
    }
}

/* One run for the history, one that is foreseen: at its start, or when it has gone on a while. */
static void foresee(const char *yaml, int slots, uint32_t salt, int64_t later_ns)
{
    struct play p;
    struct said first, second;
    struct stage stage = {.count = 0};
    if (!open_play(&p, yaml, slots, salt, &first))
        return;
    play(&p, &stage, first.id, 0);
    CHECK_INT(world_run_status(&p.w, first.id), ARC_RUN_SUCCESS);
    stage.count = 0;
    second = world_ask(&p.w, world_trigger(&p.w, p.pipeline.id, ""));
    CHECK_OK(second.status);
    if (later_ns > 0)
        play(&p, &stage, second.id, p.w.now.wall_ns + later_ns);
    struct arc_look *look = ask(&p, second.id, (struct arc_look_ask){0});
    const struct arc_forecast *forecast = forecast_of(look);
    CHECK_INT(forecast->ends, 1);
    CHECK_INT(forecast->known, forecast->steps);
    CHECK_INT(forecast->assumed, ARC_ASSUME_SUCCESS);
    play(&p, &stage, second.id, 0);
    CHECK_INT(world_run_status(&p.w, second.id), forecast->status);
    CHECK_INT(world_run_col(&p.w, second.id, ARC_COL_pipeline_run_ended_at_ns), forecast->end_ns);
    jobs_are_as_foreseen(&p, second.id, forecast);
    if (CHECK_INT(forecast->path_count > 0, 1)) {
        uint32_t last = forecast->path[forecast->path_count - 1];
        CHECK_INT(forecast->jobs[last].ended_ns, forecast->end_ns);
    }
    arc__look_close(look);
    close_play(&p);
}

static const char chain[] =
    "namespace: n\njobs:\n"
    "- {name: a, steps: [{name: x, run: 'true'}, {name: y, run: 'true'}]}\n"
    "- {name: b, dependsOn: [a], " STEP "}\n- {name: c, dependsOn: [a], " STEP "}\n"
    "- {name: d, dependsOn: [b, c], " STEP "}\n- {name: e, " STEP "}\n";
static const char wide[] =
    "namespace: n\njobs:\n- name: m\n  matrix: {x: [1, 2, 3, 4, 5, 6, 7], maxParallel: 3}\n"
    "  " STEP "\n- {name: z, dependsOn: [m], " STEP "}\n";
static const char stages[] =
    "namespace: n\nstages:\n"
    "- {name: one, jobs: [{name: a, " STEP "}, {name: b, " STEP "}, {name: c, " STEP "}]}\n"
    "- {name: two, jobs: [{name: d, when: failure(), " STEP "}, {name: e, " STEP "}]}\n";

static void a_forecast_with_known_lengths_is_what_happens(void)
{
    static const char *const plans[] = {chain, wide, stages};
    for (uint32_t salt = 0; salt < 6; salt++) {
        for (size_t i = 0; i < ARC_COUNT_OF(plans); i++)
            foresee(plans[i], 1 + (int)((salt + i) % 5), salt, 0);
    }
}

static void a_run_that_is_under_way_is_foreseen_from_there(void)
{
    static const char *const plans[] = {chain, wide, stages};
    for (uint32_t salt = 0; salt < 6; salt++) {
        for (size_t i = 0; i < ARC_COUNT_OF(plans); i++)
            foresee(plans[i], 1 + (int)((salt + i) % 4), salt, SECONDS(2 + salt));
    }
}

static void steps_without_a_history_take_the_default(void)
{
    struct play p;
    struct said run;
    if (!open_play(&p, chain, 2, 1, &run))
        return;
    struct arc_look *look = ask(&p, run.id, (struct arc_look_ask){.step_ns = SECONDS(10)});
    const struct arc_forecast *forecast = forecast_of(look);
    CHECK_INT(forecast->steps, 6);
    CHECK_INT(forecast->known, 0);
    CHECK_INT(forecast->end_ns, p.w.now.wall_ns + SECONDS(40));
    CHECK_INT(forecast->assumed, ARC_ASSUME_SUCCESS | ARC_ASSUME_DEFAULT);
    CHECK_INT(forecast->path_count, 3);
    arc__look_close(look);
    close_play(&p);
}

static void a_run_that_nobody_can_take_does_not_end(void)
{
    struct play p;
    struct said run;
    const struct arc_newcomer newcomer = {.slots = 1};
    if (!open_play(&p, chain, 0, 1, &run))
        return;
    struct arc_look *look = ask(&p, run.id, (struct arc_look_ask){0});
    const struct arc_forecast *forecast = forecast_of(look);
    CHECK_INT(forecast->ends, 0);
    CHECK_INT(forecast->cut, 0);
    if (CHECK_INT(forecast->stuck.count > 1, 1)) {
        CHECK_INT(forecast->stuck.items[0].kind, ARC_REASON_PLACE);
        CHECK_INT(forecast->stuck.items[1].kind, ARC_REASON_NO_AGENT);
    }
    arc__look_close(look);
    look = ask(&p, run.id, (struct arc_look_ask){.what = ARC_LOOK_AGENT, .newcomer = newcomer});
    CHECK_INT(forecast_of(look)->ends, 1);
    arc__look_close(look);
    close_play(&p);
}

static void gates_and_pauses_are_assumed_to_end(void)
{
    struct play p;
    struct said run;
    if (!open_play(&p, "namespace: n\njobs:\n- {name: a, approval: {required: true}, " STEP "}\n",
                   1, 1, &run))
        return;
    CHECK_OK(world_ask(&p.w, world_control(&p.w, ARC_CMD_RUN_PAUSE, run.id)).status);
    struct arc_look *look = ask(&p, run.id, (struct arc_look_ask){0});
    const struct arc_forecast *forecast = forecast_of(look);
    CHECK_INT(forecast->ends, 1);
    CHECK_INT(forecast->status, ARC_RUN_SUCCESS);
    CHECK_INT(forecast->assumed & (ARC_ASSUME_APPROVED | ARC_ASSUME_RESUMED),
              ARC_ASSUME_APPROVED | ARC_ASSUME_RESUMED);
    arc__look_close(look);
    close_play(&p);
}

static void what_others_hold_is_free_after_one_step(void)
{
    struct play p;
    struct said run, other;
    struct stage stage = {.count = 0};
    if (!open_play(&p, "namespace: n\njobs:\n- {name: a, " STEP "}\n", 1, 1, &other))
        return;
    start_all(&p, &stage);
    run = world_ask(&p.w, world_trigger(&p.w, p.pipeline.id, ""));
    struct arc_look *look = ask(&p, run.id, (struct arc_look_ask){.step_ns = SECONDS(5)});
    const struct arc_forecast *forecast = forecast_of(look);
    CHECK_INT(forecast->end_ns, p.w.now.wall_ns + SECONDS(10));
    CHECK(forecast->assumed & ARC_ASSUME_OTHERS);
    arc__look_close(look);
    close_play(&p);
}

static void slots_of_others_are_assumed_and_own_ones_are_not(void)
{
    struct play p;
    struct said run, other;
    struct stage stage = {.count = 0};
    if (!open_play(&p,
                   "namespace: n\nconcurrency: deploy\njobs:\n"
                   "- {name: a, concurrency: lab, " STEP "}\n"
                   "- {name: b, concurrency: lab, " STEP "}\n"
                   "- {name: c, concurrency: other, " STEP "}\n",
                   3, 1, &other))
        return;
    struct arc_look *look = ask(&p, other.id, (struct arc_look_ask){.step_ns = SECONDS(5)});
    CHECK_INT(forecast_of(look)->ends, 1);
    CHECK_INT(forecast_of(look)->end_ns, p.w.now.wall_ns + SECONDS(10)); /* a, then b */
    CHECK_INT(forecast_of(look)->assumed & ARC_ASSUME_SLOTS, 0);
    arc__look_close(look);
    start_all(&p, &stage);
    run = world_ask(&p.w, world_trigger(&p.w, p.pipeline.id, ""));
    look = ask(&p, run.id, (struct arc_look_ask){.step_ns = SECONDS(5)});
    CHECK_INT(forecast_of(look)->ends, 1);
    CHECK_INT(forecast_of(look)->end_ns, p.w.now.wall_ns + SECONDS(10));
    CHECK(forecast_of(look)->assumed & ARC_ASSUME_SLOTS);
    arc__look_close(look);
    close_play(&p);
}

static void a_forecast_has_limits(void)
{
    struct play p;
    struct said run;
    if (!open_play(&p, chain, 2, 1, &run))
        return;
    struct arc_look *look = ask(&p, run.id, (struct arc_look_ask){.limits = {.work = 5}});
    CHECK_INT(forecast_of(look)->ends, 0);
    CHECK_INT(forecast_of(look)->cut, 1);
    arc__look_close(look);
    look = ask(&p, run.id,
               (struct arc_look_ask){.step_ns = SECONDS(90000), .limits = {.horizon_days = 1}});
    CHECK_INT(forecast_of(look)->ends, 0);
    CHECK_INT(forecast_of(look)->cut, 1);
    arc__look_close(look);
    look = ask(&p, run.id, (struct arc_look_ask){.limits = {.path = 1}});
    CHECK_INT(forecast_of(look)->path_count, 1);
    arc__look_close(look);
    close_play(&p);
}

static void only_so_many_runs_are_the_history(void)
{
    struct play p;
    struct said run;
    struct stage stage = {.count = 0};
    if (!open_play(&p, "namespace: n\njobs:\n- {name: a, " STEP "}\n", 1, 0, &run))
        return;
    for (int i = 0; i < 3; i++) {
        p.salt = (uint32_t)i;
        stage.count = 0;
        play(&p, &stage, run.id, 0);
        world_pass(&p.w, SECONDS(1));
        run = world_ask(&p.w, world_trigger(&p.w, p.pipeline.id, ""));
    }
    struct arc_look *look = ask(&p, run.id, (struct arc_look_ask){.limits = {.history_runs = 2}});
    CHECK_INT(forecast_of(look)->runs, 2);
    arc__look_close(look);
    look =
        ask(&p, run.id, (struct arc_look_ask){.limits = {.history_runs = 1, .history_steps = 1}});
    CHECK_INT(forecast_of(look)->end_ns, p.w.now.wall_ns + length_of(&p, "a", "s"));
    arc__look_close(look);
    close_play(&p);
}

/* Everything is asked, with each allocation failing in turn. */
static void fails_everywhere(const char *yaml, int slots)
{
    struct play p;
    struct said run;
    if (!open_play(&p, yaml, slots, 1, &run))
        return;
    int failures = 0, done = 0;
    for (uint64_t at = 1; !done && at < 2000; at++) {
        const struct arc_look_result *result = NULL;
        struct arc_look *look = NULL;
        struct arc_look_ask ask = {.what = ARC_LOOK_WHY | ARC_LOOK_END | ARC_LOOK_AGENT,
                                   .run_id = arc__slice_cstr(run.id)};
        p.w.memory.fail_at = p.w.memory.calls + at;
        arc_status status = arc__look_open(p.w.engine, &ask, NULL, NULL, &look, NULL);
        if (status == ARC_OK)
            status = arc__look_result(look, &result, NULL);
        p.w.memory.fail_at = 0;
        arc__look_close(look);
        done = status == ARC_OK;
        failures += !done;
        if (!done && status != ARC_ENOMEM && status != ARC_EUNAVAILABLE)
            CHECK_STATUS(status, ARC_ENOMEM);
    }
    CHECK(failures > 5);
    CHECK_INT(done, 1);
    close_play(&p);
}

static void a_forecast_without_memory_fails_and_says_so(void)
{
    fails_everywhere(chain, 2);
    fails_everywhere("namespace: n\njobs:\n"
                     "- {name: a, concurrency: lab, " STEP "}\n"
                     "- {name: b, concurrency: lab, " STEP "}\n- {name: c, " STEP "}\n"
                     "- {name: d, agentSelector: {matchLabels: {os: mac}}, " STEP "}\n"
                     "- {name: e, agentSelector: {matchLabels: {os: mac}}, " STEP "}\n",
                     1);
}

/* Every query is answered a few rounds later. */
static void hold_queries(void *user, const struct arc_store_batch *batch,
                         const struct arc_query *query, struct arc_store_fault *fault)
{
    (void)user;
    (void)batch;
    if (query != NULL)
        fault->held_rounds = 2;
}

static void count_done(void *user)
{
    (*(int *)user)++;
}

static void an_answer_that_takes_the_store_time_comes_later(void)
{
    struct play p;
    struct said run;
    struct arc_look *look = NULL, *closed = NULL;
    const struct arc_look_result *result = NULL;
    int came = 0, never = 0;
    if (!open_play(&p, chain, 2, 1, &run))
        return;
    struct arc_look_ask ask = {.what = ARC_LOOK_END, .run_id = arc__slice_cstr(run.id)};
    arc__store_mem_set_fault(p.w.store, hold_queries, NULL);
    CHECK_OK(arc__look_open(p.w.engine, &ask, count_done, &came, &look, NULL));
    CHECK_OK(arc__look_open(p.w.engine, &ask, count_done, &never, &closed, NULL));
    CHECK_STATUS(arc__look_result(look, &result, NULL), ARC_EAGAIN);
    arc__look_close(closed); /* the store writes into it still */
    for (int i = 0; i < 50 && came == 0; i++)
        CHECK_OK(arc__engine_dispatch(p.w.engine, p.w.now, 1000, NULL));
    CHECK_INT(came, 1);
    CHECK_INT(never, 0);
    CHECK_INT(forecast_of(look)->ends, 1);
    arc__look_close(look);
    arc__store_mem_set_fault(p.w.store, NULL, NULL);
    close_play(&p);
}

static const struct test tests[] = {
    {"a forecast with known lengths is what happens",
     a_forecast_with_known_lengths_is_what_happens},
    {"a run under way is foreseen from there", a_run_that_is_under_way_is_foreseen_from_there},
    {"steps without a history take the default", steps_without_a_history_take_the_default},
    {"a run that nobody can take does not end", a_run_that_nobody_can_take_does_not_end},
    {"gates and pauses are assumed to end", gates_and_pauses_are_assumed_to_end},
    {"what others hold is free after one step", what_others_hold_is_free_after_one_step},
    {"slots of others are assumed, and own ones are not",
     slots_of_others_are_assumed_and_own_ones_are_not},
    {"a forecast keeps to its limits", a_forecast_has_limits},
    {"only so many runs are the history", only_so_many_runs_are_the_history},
    {"a forecast without memory fails and says so", a_forecast_without_memory_fails_and_says_so},
    {"an answer that takes the store time comes later",
     an_answer_that_takes_the_store_time_comes_later},
};

int main(int argc, char **argv)
{
    return test_main(argc, argv, tests, ARC_COUNT_OF(tests));
}
