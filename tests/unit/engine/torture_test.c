/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th allocation fails, for every n, once or from then on: everything answers cleanly, nothing
 * leaks, and the engine goes on as soon as there is memory again. And the same seed is the same
 * life. */
#include "world.h"

#include <config.h>
#include <stdio.h>

static const char yaml[] = "namespace: demo\nconcurrency: {group: whole, limit: 2}\njobs:\n"
                           "- name: a\n  concurrency: one\n  steps:\n"
                           "  - {name: s, run: 'true', retry: {maxAttempts: 2}}\n"
                           "- {name: b, dependsOn: [a], steps: [{name: s, run: 'true'}]}\n";

/* One whole life, in which every call may fail for want of memory. What it learns it uses; what was
 * refused it leaves out. Ends with the engine still open. */
struct life {
    struct world *w;
    struct said token, agent, pipeline, saved, run, stopped, pushed;
    struct arc_session *session;
    struct arc_event_watch *watch;
    struct arc_log_watch *log_watch;
    int events;
};

static void ignore(void *user)
{
    (void)user;
}

static struct said ask(struct life *life, struct arc_cmd *cmd)
{
    struct said said = {0};
    arc_err err = ARC_ERR_INIT;
    if (cmd == NULL) {
        said.status = ARC_ENOMEM;
        return said;
    }
    arc_status status = arc__engine_submit(life->w->engine, cmd, world_done, &said, &err);
    if (status != ARC_OK) {
        said.status = status;
        return said;
    }
    for (int i = 0; i < 50 && said.times == 0; i++) {
        (void)arc__engine_dispatch(life->w->engine, life->w->now, 10, &err);
        life->w->now.mono_ns += 100000000;
        life->w->now.wall_ns += 100000000;
    }
    CHECK_INT(said.times, 1);
    return said;
}

static void clean(arc_status status)
{
    /* what a caller may see of a want of memory: itself, or that nothing was stored */
    if (status == ARC_OK || status == ARC_ENOMEM || status == ARC_EUNAVAILABLE ||
        status == ARC_EAGAIN)
        return;
    CHECK_STATUS(status, ARC_ENOMEM);
}

static void work(struct life *life)
{
    struct arc_offer offer;
    struct world *w = life->w;
    struct arc_arena arena;
    arc__arena_init(&arena, &w->mem, 1024u * 1024);
    for (int i = 0; i < 12; i++) {
        if (arc__session_next(life->session, &arena, &offer, NULL) == ARC_OK &&
            offer.kind == ARC_OFFER_STEP) {
            const struct arc_step_state *step = &offer.run->jobs[offer.job].steps[offer.step];
            struct held held = {.attempt = step->attempt, .fence = step->fence};
            struct hand hand = {.w = w};
            memcpy(hand.id, life->agent.id, sizeof(hand.id));
            (void)arc__slice_to_cstr(arc__id_slice(&step->id), held.id, sizeof(held.id));
            clean(arc__session_ack(life->session, arc__slice_cstr(held.id), held.fence, 1, ARC_NONE,
                                   NULL));
            struct arc_log_batch batch = {.agent_id = arc__slice_cstr(hand.id),
                                          .step_run_id = arc__slice_cstr(held.id),
                                          .attempt = held.attempt,
                                          .fence = held.fence,
                                          .stream = ARC_LOG_STDOUT,
                                          .first_line = 1,
                                          .text = ARC_LIT("one\nb\xff\n")};
            clean(arc__engine_log_append(w->engine, &batch, NULL));
            struct arc_lease lease = {arc__slice_cstr(held.id), held.attempt, held.fence};
            struct arc_heartbeat beat = {.agent_id = arc__slice_cstr(hand.id),
                                         .incarnation = ARC_LIT("i1"),
                                         .leases = &lease,
                                         .lease_count = 1,
                                         .has_leases = 1};
            struct arc_renewal renewal;
            clean(arc__engine_heartbeat(w->engine, &beat, &arena, &renewal, NULL));
            clean(ask(life, hand_report(&hand, &held, ARC_STEP_RUNNING, 0)).status);
            int status = held.attempt == 1 && i == 0 ? ARC_STEP_FAILED : ARC_STEP_SUCCESS;
            struct arc_cmd *end = hand_report(&hand, &held, status, 0);
            if (end != NULL)
                end->u.report.log_lines = 5;
            clean(ask(life, end).status);
        }
        w->now.mono_ns += 1000000000;
        w->now.wall_ns += 1000000000;
        (void)arc__engine_dispatch(w->engine, w->now, 10, NULL);
        arc__arena_reset(&arena);
    }
    arc__arena_deinit(&arena);
}

static void watch(struct life *life)
{
    const struct arc_event *event = NULL;
    arc_status status = ARC_OK;
    for (int i = 0; i < 200 && life->watch != NULL; i++) {
        status = arc__event_watch_next(life->watch, &event, NULL);
        clean(status);
        if (status == ARC_EAGAIN)
            return;
        life->events += status == ARC_OK;
    }
}

static struct arc_cmd *push_command(struct world *w, const char *agent)
{
    struct arc_cmd *cmd = world_cmd(w, ARC_CMD_EVENTS_PUSH);
    if (cmd == NULL)
        return NULL;
    struct arc_agent_event_input *event = ARC_ARENA_NEW(&cmd->arena, struct arc_agent_event_input);
    if (event != NULL)
        *event = (struct arc_agent_event_input){
            .seq = 1, .event_id = ARC_LIT("e"), .type = ARC_LIT("t"), .payload = ARC_LIT("{}")};
    cmd->u.events.agent_id = world_text(cmd, agent);
    cmd->u.events.epoch = 1;
    cmd->u.events.events = event;
    cmd->u.events.count = 1;
    return cmd;
}

static void live(struct life *life, struct world *w)
{
    struct arc_watch_filter filter = {.after = 0};
    *life = (struct life){.w = w};
    clean(arc__event_watch_open(w->engine, &filter, ignore, NULL, &life->watch, NULL));
    life->token = ask(life, world_token(w, 1, 0));
    clean(life->token.status);
    life->agent =
        ask(life, world_register(w, life->token.status == ARC_OK ? life->token.secret : "art_none",
                                 "a", "{\"os\":\"linux\"}"));
    if (life->token.status == ARC_OK)
        clean(life->agent.status);
    if (life->agent.status == ARC_OK)
        clean(arc__session_open(w->engine, arc__slice_cstr(life->agent.id), ignore, NULL,
                                &life->session, NULL));
    life->pipeline = ask(life, world_create(w, "p", NULL));
    clean(life->pipeline.status);
    if (life->pipeline.status == ARC_OK) {
        life->saved = ask(life, world_save(w, life->pipeline.id, yaml));
        clean(life->saved.status);
        clean(arc__log_watch_open(w->engine, ARC_LIT("x"), ignore, NULL, &life->log_watch, NULL));
    }
    if (life->saved.status == ARC_OK && life->pipeline.status == ARC_OK) {
        life->run = ask(life, world_trigger(w, life->pipeline.id, "r"));
        clean(life->run.status);
    }
    if (life->session != NULL)
        work(life);
    if (life->agent.status == ARC_OK)
        clean(ask(life, push_command(w, life->agent.id)).status);
    if (life->run.status == ARC_OK && life->run.times > 0) {
        life->stopped = ask(life, world_control(w, ARC_CMD_RUN_STOP, life->run.id));
        if (life->stopped.status != ARC_ECONFLICT) /* it is over, as it should be */
            clean(life->stopped.status);
    }
    watch(life);
}

/* There is memory again: the engine works, and nothing that was stored is half of something. */
static void goes_on(struct life *life)
{
    struct world *w = life->w;
    struct hand hand;
    w->memory.fail_at = 0;
    arc__session_close(life->session);
    arc__event_watch_close(life->watch);
    arc__log_watch_close(life->log_watch);
    world_pass(w, SECONDS(120));
    CHECK_OK(arc__engine_health(w->engine, NULL));
    struct said pipeline = world_ask(w, world_create(w, "after", yaml));
    CHECK_OK(pipeline.status);
    struct said run = world_ask(w, world_trigger(w, pipeline.id, ""));
    CHECK_OK(run.status);
    if (hand_join(&hand, w, "b", "{}", 4)) {
        hand_work(&hand);
        CHECK_INT(world_run_status(w, run.id), ARC_RUN_SUCCESS);
        hand_leave(&hand);
    }
    world_check_events(w);
    CHECK_INT(w->logged, 0);
}

static int one_round(uint64_t fail_at, int sticky)
{
    struct world w;
    struct life life;
    if (!world_open(&w, WORLD_MEM))
        return 0;
    uint64_t before = w.memory.calls;
    w.memory.sticky = sticky;
    w.memory.fail_at = fail_at > 0 ? before + fail_at : 0;
    live(&life, &w);
    int reached = fail_at > 0 && w.memory.calls >= before + fail_at;
    goes_on(&life);
    world_close(&w);
    return reached;
}

static unsigned failures(void)
{
    return CU_get_number_of_failures();
}

static void torture(int sticky)
{
    uint64_t rounds = 0;

    for (uint64_t n = 1; one_round(n, sticky); n++) {
        rounds++;
        if (failures() > 0) {
            printf("# allocation %llu\n", (unsigned long long)n);
            return;
        }
    }
    /* A sanitized arena takes one allocation a piece, a plain one a block for many. */
#ifdef ARC_SANITIZED
    CHECK(rounds > 500);
#else
    CHECK(rounds > 100);
#endif
    printf("# %llu rounds\n", (unsigned long long)rounds);
}

static void one_allocation_fails(void)
{
    torture(0);
}

static void all_allocations_fail_from_one_on(void)
{
    torture(1);
}

static void opening_fails_cleanly(void)
{
    for (uint64_t n = 1; n < 400; n++) {
        struct world w;
        struct said pipeline, run;
        if (!world_open(&w, WORLD_MEM))
            return;
        world_start_run(&w, yaml, &pipeline, &run);
        world_end_engine(&w);
        int64_t live = w.memory.live;
        struct arc_engine *engine = NULL;
        w.memory.fail_at = w.memory.calls + n;
        arc_status status = world_start_engine(&w, NULL);
        int reached = w.memory.calls >= w.memory.fail_at;
        w.memory.fail_at = 0;
        if (status != ARC_OK) {
            CHECK_STATUS(status, ARC_ENOMEM);
            CHECK(w.engine == engine);
            CHECK_INT(w.memory.live, live);
        }
        world_close(&w);
        if (!reached)
            return;
    }
    CHECK_TEXT(ARC_LIT("opening"), "needs fewer allocations");
}

/* --- the same seed ------------------------------------------------------------------------------
 */

static uint64_t life_hash(void)
{
    struct world w;
    struct life life;
    struct arc_query query = {.table = ARC_TABLE_event, .order_col = ARC_COL_event_position};
    struct arc_rows rows = {0};
    uint64_t hash = UINT64_C(14695981039346656037);
    if (!world_open(&w, WORLD_MEM))
        return 0;
    live(&life, &w);
    CHECK_OK(world_rows(&w, &query, &rows));
    const struct arc_row_event *row = rows.rows;
    CHECK(rows.count > 15);
    for (size_t i = 0; i < rows.count; i++) {
        for (size_t k = 0; k < row[i].body.len; k++)
            hash = (hash ^ (uint8_t)row[i].body.ptr[k]) * UINT64_C(1099511628211);
        hash = (hash ^ (uint64_t)row[i].time_ns) * UINT64_C(1099511628211);
    }
    goes_on(&life);
    world_close(&w);
    return hash;
}

static void the_same_seed_is_the_same_life(void)
{
    uint64_t first = life_hash();
    CHECK(first != 0);
    CHECK(life_hash() == first);
}

static const struct test tests[] = {
    {"a life in which one allocation fails ends well", one_allocation_fails},
    {"a life in which memory runs out ends cleanly", all_allocations_fail_from_one_on},
    {"opening without memory leaves nothing behind", opening_fails_cleanly},
    {"the same seed gives the same events", the_same_seed_is_the_same_life},
};
TEST_MAIN(tests)
