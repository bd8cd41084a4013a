/* SPDX-License-Identifier: Apache-2.0 */
/* Why a job waits, as the engine knows it: agents, executors, the queue; and what an agent that is
 * not there would be given. */
#include <stdio.h>

#include "engine/desk.h"
#include "engine/explain.h"
#include "world.h"

#define STEP "steps: [{name: s, run: 'true'}]"
#define LINUX "agentSelector: {matchLabels: {os: linux}}, "

static const char one_job[] = "namespace: n\njobs:\n- {name: a, " STEP "}\n";

static struct arc_look *ask(struct world *w, uint32_t what, const char *run,
                            const struct arc_newcomer *newcomer)
{
    struct arc_look_ask ask = {
        .what = what, .run_id = arc__slice_cstr(run), .principal = {.kind = ARC_PRINCIPAL_HOST}};
    struct arc_look *look = NULL;
    if (newcomer != NULL)
        ask.newcomer = *newcomer;
    CHECK_OK(arc__look_open(w->engine, &ask, NULL, NULL, &look, NULL));
    for (int i = 0;
         i < 10 && arc__look_result(look, &(const struct arc_look_result *){0}, NULL) == ARC_EAGAIN;
         i++)
        world_turn(w);
    return look;
}

static const struct arc_look_result *result_of(const struct arc_look *look)
{
    static const struct arc_look_result nothing;
    const struct arc_look_result *result = NULL;
    return CHECK_OK(arc__look_result(look, &result, NULL)) ? result : &nothing;
}

/* What is said about the first job of a run, as sentences in one line. */
static void job_says(struct world *w, const char *run, const char *want)
{
    struct arc_look *look = ask(w, ARC_LOOK_WHY, run, NULL);
    const struct arc_look_result *result = result_of(look);
    arc_slice out = ARC_NONE;
    arc__arena_reset(&w->arena);
    for (size_t i = 0; result->job_count > 0 && i < result->jobs[0].told.count; i++)
        out = arc__arena_printf(
            &w->arena, "%.*s%s%.*s", ARC_ARG(out), i > 0 ? " " : "",
            ARC_ARG(result->waits.items[result->jobs[0].told.first + i].sentence));
    CHECK_TEXT(out, want);
    arc__look_close(look);
}

#define PLACE "It waits for an agent with a free slot. "

static void without_agents_there_are_none(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    job_says(&w, run.id, PLACE "There are no agents.");
    world_close(&w);
}
ON_BOTH(without_agents_there_are_none)

static void a_label_that_no_agent_has_is_named(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    if (!world_open(&w, kind))
        return;
    if (hand_join(&hand, &w, "A", "{\"os\":\"mac\"}", 1)) {
        world_start_run(&w, "namespace: n\njobs:\n- {name: a, " LINUX STEP "}\n", &pipeline, &run);
        job_says(&w, run.id, PLACE "No agent has the label os=linux.");
        hand_leave(&hand);
    }
    world_close(&w);
}
ON_BOTH(a_label_that_no_agent_has_is_named)

static void full_agents_and_the_queue_are_told(enum world_store kind)
{
    struct world w;
    struct said pipeline, busy, first, second;
    char handed[128];
    struct hand hand;
    if (!world_open(&w, kind))
        return;
    if (hand_join(&hand, &w, "A", "{}", 1)) {
        world_start_run(&w, one_job, &pipeline, &busy);
        first = world_ask(&w, world_trigger(&w, pipeline.id, ""));
        second = world_ask(&w, world_trigger(&w, pipeline.id, ""));
        (void)snprintf(handed, sizeof(handed), "Agent %s has been given it and has not started it.",
                       hand.id);
        job_says(&w, busy.id, handed);
        job_says(&w, first.id, PLACE "Agent A is full: 1 of 1 slots are taken.");
        job_says(&w, second.id,
                 PLACE "Agent A is full: 1 of 1 slots are taken. There are 1 waiting jobs before "
                       "it.");
        hand_leave(&hand);
    }
    world_close(&w);
}
ON_BOTH(full_agents_and_the_queue_are_told)

static void an_agent_that_left_is_unconnected_then_offline(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    if (!world_open(&w, kind))
        return;
    if (hand_join(&hand, &w, "A", "{}", 1)) {
        CHECK_OK(hand_beat(&hand, NULL));
        hand_leave(&hand);
        world_start_run(&w, one_job, &pipeline, &run);
        job_says(&w, run.id, PLACE "Agent A has no open channel.");
        world_pass(&w, SECONDS(600));
        job_says(&w, run.id, PLACE "Agent A is offline.");
    }
    world_close(&w);
}
ON_BOTH(an_agent_that_left_is_unconnected_then_offline)

static void an_agent_that_is_not_approved_says_so(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    if (!world_open(&w, kind))
        return;
    world_end_engine(&w);
    w.options.agents_approved = 0;
    CHECK_OK(world_start_engine(&w, NULL));
    world_turn(&w);
    if (hand_join(&hand, &w, "A", "{}", 1)) {
        world_start_run(&w, one_job, &pipeline, &run);
        job_says(&w, run.id, PLACE "Agent A is not approved.");
        hand_leave(&hand);
    }
    world_close(&w);
}
ON_BOTH(an_agent_that_is_not_approved_says_so)

static int offers_shell(void *user, arc_slice uses)
{
    (void)user;
    return arc__slice_is(uses, "shell");
}

static void an_executor_that_is_missing_is_named(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    const struct arc_host_port host = {1, offers_shell, NULL};
    if (!world_open(&w, kind))
        return;
    arc__engine_set_host(w.engine, &host);
    world_start_run(&w,
                    "namespace: n\njobs:\n- name: a\n  runOnAgent: false\n"
                    "  steps: [{name: s, uses: other@v1}]\n",
                    &pipeline, &run);
    job_says(&w, run.id, PLACE "This process has no executor for other@v1.");
    world_close(&w);
}
ON_BOTH(an_executor_that_is_missing_is_named)

static void a_run_that_is_not_in_memory_is_told_from_the_store(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    if (!world_open(&w, kind))
        return;
    if (hand_join(&hand, &w, "A", "{}", 1)) {
        world_start_run(&w, one_job, &pipeline, &run);
        hand_work(&hand);
        CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
        hand_leave(&hand);
        world_pass(&w, SECONDS(1000));
        CHECK(arc__engine_live_run(w.engine, arc__slice_cstr(run.id)) == NULL);
        job_says(&w, run.id, "It has ended: success.");
    }
    world_close(&w);
}
ON_BOTH(a_run_that_is_not_in_memory_is_told_from_the_store)

static arc_status refused(struct world *w, const struct arc_look_ask *ask)
{
    struct arc_look *look = NULL;
    const struct arc_look_result *result = NULL;
    arc_status status = arc__look_open(w->engine, ask, NULL, NULL, &look, NULL);
    if (status == ARC_OK)
        status = arc__look_result(look, &result, NULL);
    arc__look_close(look);
    return status;
}

static void questions_that_cannot_be_answered_are_refused(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    struct arc_look_ask ask = {.what = ARC_LOOK_WHY, .run_id = ARC_LIT("nobody")};
    CHECK_STATUS(refused(&w, &ask), ARC_ENOTFOUND);
    ask.run_id = arc__slice_cstr(run.id);
    (void)snprintf(ask.principal.project_id, sizeof(ask.principal.project_id), "other");
    CHECK_STATUS(refused(&w, &ask), ARC_ENOTFOUND);
    ask.what = ARC_LOOK_END;
    ask.principal.project_id[0] = '\0';
    ask.limits.events = 1;
    CHECK_STATUS(refused(&w, &ask), ARC_ELIMIT);
    ask.run_id = ARC_NONE;
    CHECK_STATUS(refused(&w, &ask), ARC_EINVAL);
    ask.what = ARC_LOOK_AGENT;
    ask.newcomer.slots = 10001;
    CHECK_STATUS(refused(&w, &ask), ARC_EINVAL);
    world_close(&w);
}
ON_BOTH(questions_that_cannot_be_answered_are_refused)

static const char mixed[] = "namespace: n\njobs:\n- {name: a, " LINUX STEP "}\n"
                            "- {name: b, " STEP "}\n"
                            "- {name: c, agentSelector: {matchLabels: {os: mac}}, " STEP "}\n"
                            "- {name: d, " LINUX STEP "}\n";

/* A word for each job: its place, or the kind of the first reason. */
static void would_be(const struct arc_look_result *result, const char *want,
                     struct arc_arena *arena)
{
    arc_slice out = ARC_NONE;
    arc__arena_reset(arena);
    for (size_t i = 0; i < result->would_count; i++) {
        const struct arc_would *would = &result->would[i];
        out = arc__arena_printf(
            arena, "%.*s%s%.*s %.*s", ARC_ARG(out), i > 0 ? ", " : "", ARC_ARG(would->job_name),
            ARC_ARG(would->place > 0
                        ? arc__arena_printf(arena, "%u", would->place)
                        : arc__slice_cstr(arc_reason_name(
                              would->count > 0 ? result->waits.items[would->first].kind : 0))));
    }
    CHECK_TEXT(out, want);
}

static void a_newcomer_gets_what_it_is_said_to_get(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    const struct arc_kv labels[] = {{ARC_LIT("os"), ARC_LIT("linux")}};
    const struct arc_newcomer newcomer = {.labels = {labels, 1}, .slots = 2};
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, mixed, &pipeline, &run);
    struct arc_look *look = ask(&w, ARC_LOOK_AGENT, "", &newcomer);
    would_be(result_of(look), "a 1, b 2, c no-label, d full", &w.arena);
    arc__look_close(look);
    if (hand_join(&hand, &w, "N", "{\"os\":\"linux\"}", 2)) {
        CHECK_INT(hand_take(&hand, 1), 2);
        CHECK(hand_find(&hand, "a") != NULL);
        CHECK(hand_find(&hand, "b") != NULL);
        hand_leave(&hand);
    }
    world_close(&w);
}
ON_BOTH(a_newcomer_gets_what_it_is_said_to_get)

static void a_question_changes_nothing(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    char before[2000], after[2000];
    const struct arc_newcomer newcomer = {.slots = 9};
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, mixed, &pipeline, &run);
    world_story(&w, run.id, before, sizeof(before));
    int64_t position = arc__engine_position(w.engine);
    arc__look_close(ask(&w, ARC_LOOK_WHY | ARC_LOOK_AGENT | ARC_LOOK_END, run.id, &newcomer));
    world_turn(&w);
    world_story(&w, run.id, after, sizeof(after));
    CHECK_TEXT(arc__slice_cstr(after), before);
    CHECK_INT(arc__engine_position(w.engine), position);
    world_check_events(&w);
    world_close(&w);
}
ON_BOTH(a_question_changes_nothing)

static void an_answer_keeps_to_its_limits(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct arc_look *look = NULL;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, mixed, &pipeline, &run);
    struct arc_look_ask ask = {.what = ARC_LOOK_WHY | ARC_LOOK_AGENT,
                               .run_id = arc__slice_cstr(run.id),
                               .newcomer = {.slots = 4},
                               .limits = {.reasons = 3, .waiting = 1}};
    CHECK_OK(arc__look_open(w.engine, &ask, NULL, NULL, &look, NULL));
    const struct arc_look_result *result = result_of(look);
    CHECK_INT(result->waits.count, 3);
    CHECK(result->waits.left_out > 0);
    CHECK_INT(result->would_count, 1);
    CHECK_INT(result->would_left_out, 3);
    arc__look_close(look);
    ask.limits = (struct arc_look_limits){.queue = 3}; /* four jobs wait */
    CHECK_STATUS(refused(&w, &ask), ARC_ELIMIT);
    ask.what = ARC_LOOK_WHY;
    CHECK_OK(arc__look_open(w.engine, &ask, NULL, NULL, &look, NULL));
    result = result_of(look);
    CHECK_INT(result->waits.left_out, 4);
    for (size_t i = 0; i < result->waits.count; i++)
        CHECK(result->waits.items[i].kind != ARC_REASON_QUEUE);
    arc__look_close(look);
    world_close(&w);
}
ON_BOTH(an_answer_keeps_to_its_limits)

static void answers_are_text_for_people(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct arc_buf out;
    char text[2000];
    const struct arc_newcomer newcomer = {.slots = 1};
    if (!world_open(&w, kind))
        return;
    world_start_run(
        &w, "namespace: n\njobs:\n- {name: a, " STEP "}\n- {name: b, dependsOn: [a], " STEP "}\n",
        &pipeline, &run);
    struct arc_look *look =
        ask(&w, ARC_LOOK_WHY | ARC_LOOK_AGENT | ARC_LOOK_END, run.id, &newcomer);
    arc__buf_init(&out, &w.mem, 100000);
    arc__look_print(look, &out);
    (void)arc__slice_to_cstr(arc__buf_slice(&out), text, sizeof(text));
    char *id = strstr(text, run.id);
    if (id != NULL) { /* so that it can be compared */
        id[0] = 'X';
        memmove(id + 1, id + 26, strlen(id + 26) + 1);
    }
    CHECK_TEXT(arc__slice_cstr(text),
               "run : pending\n  None of its 2 open jobs runs.\n"
               "job a: queued\n  It waits for an agent with a free slot.\n  There are no agents.\n"
               "job b: pending\n  It waits for job a.\n"
               "It would be given 1: job a of run X.\n"
               "It would end success in 2m.\nThe longest way there: a, b.\n"
               "0 of 2 steps have a history, of 0 runs.\n"
               "  Every step that has still to end ends well.\n"
               "  Steps without a history take the default length.\n");
    arc__buf_deinit(&out);
    arc__look_close(look);
    world_close(&w);
}
ON_BOTH(answers_are_text_for_people)

static void reasons_of_a_kind_are_counted_beyond_a_bound(enum world_store kind)
{
    static const char *const names[] = {"A", "B", "C"};
    struct world w;
    struct said pipeline, run;
    struct hand hands[3];
    struct arc_look *look = NULL;
    if (!world_open(&w, kind))
        return;
    for (size_t i = 0; i < 3; i++) {
        CHECK(hand_join(&hands[i], &w, names[i], "{}", 1));
        CHECK_OK(hand_beat(&hands[i], NULL));
        hand_leave(&hands[i]);
    }
    world_start_run(&w, one_job, &pipeline, &run);
    struct arc_look_ask ask = {
        .what = ARC_LOOK_WHY, .run_id = arc__slice_cstr(run.id), .limits = {.alike = 2}};
    CHECK_OK(arc__look_open(w.engine, &ask, NULL, NULL, &look, NULL));
    const struct arc_look_result *result = result_of(look);
    if (CHECK_INT(result->job_count, 1) && CHECK_INT(result->jobs[0].told.count, 3)) {
        const struct arc_wait *last = &result->waits.items[result->jobs[0].told.first + 2];
        CHECK_INT(last->kind, ARC_REASON_UNCONNECTED);
        CHECK_TEXT(last->name, "B");
        CHECK_INT(last->more, 1);
    }
    arc__look_close(look);
    world_close(&w);
}
ON_BOTH(reasons_of_a_kind_are_counted_beyond_a_bound)

/* --- slots of groups --------------------------------------------------------------------- */

static void who_holds_a_slot_is_told(enum world_store kind)
{
    struct world w;
    struct said pipeline, one;
    struct hand hand;
    char text[256];
    if (!world_open(&w, kind))
        return;
    if (hand_join(&hand, &w, "A", "{}", 5)) {
        world_start_run(&w,
                        "namespace: n\njobs:\n- {name: a, concurrency: {group: lab}, " STEP "}\n",
                        &pipeline, &one);
        struct said two = world_ask(&w, world_trigger(&w, pipeline.id, ""));
        struct said three = world_ask(&w, world_trigger(&w, pipeline.id, ""));
        (void)snprintf(
            text, sizeof(text),
            "It waits for a slot of the group lab (limit 1), held by job a of run %s; it "
            "is next.",
            one.id);
        job_says(&w, two.id, text);
        (void)snprintf(text, sizeof(text),
                       "It waits for a slot of the group lab (limit 1), held by job a of run %s; 1 "
                       "is before it.",
                       one.id);
        job_says(&w, three.id, text);
        struct arc_look *look = ask(&w, ARC_LOOK_WHY, three.id, NULL);
        const struct arc_look_result *result = result_of(look);
        if (CHECK_INT(result->job_count, 1) && CHECK_INT(result->jobs[0].told.count, 1)) {
            const struct arc_wait *wait = &result->waits.items[result->jobs[0].told.first];
            CHECK_INT(wait->kind, ARC_REASON_GROUP);
            CHECK_TEXT(wait->name, "lab");
            CHECK_INT(wait->count, 1);
            CHECK_INT(wait->of, 1);
        }
        arc__look_close(look);
        hand_work(&hand);
        CHECK_INT(world_run_status(&w, three.id), ARC_RUN_SUCCESS);
        hand_leave(&hand);
    }
    world_close(&w);
}
ON_BOTH(who_holds_a_slot_is_told)

/* --- the queue --------------------------------------------------------------------------- */

#define QUEUED 12

struct queued {
    char run[32], job[8];
    uint32_t before; /* as it was told */
};

/* Runs of three pipelines, of three priorities, over some time: the order in which they are served
 * is none that is seen at once. */
static void queue_up(struct world *w, struct queued *queued, uint32_t salt)
{
    struct said pipelines[3];
    for (int i = 0; i < 3; i++) {
        char yaml[200];
        (void)snprintf(yaml, sizeof(yaml), "namespace: n\njobs:\n- {name: p%d, " STEP "}\n", i);
        pipelines[i] = world_ask(w, world_create(w, "p", yaml));
        CHECK_OK(pipelines[i].status);
    }
    for (uint32_t i = 0; i < QUEUED; i++) {
        uint32_t which = (i * i + salt * 7 + i * salt) % 5;
        uint32_t pipe = which < 3 ? which : 0;
        world_pass(w, SECONDS(20));
        struct arc_cmd *cmd = world_trigger(w, pipelines[pipe].id, "");
        cmd->u.trigger.priority = (int32_t)((i * 3 + salt) % 7 == 0) - (int32_t)(i % 4 == 1);
        struct said run = world_ask(w, cmd);
        CHECK_OK(run.status);
        (void)snprintf(queued[i].run, sizeof(queued[i].run), "%s", run.id);
        (void)snprintf(queued[i].job, sizeof(queued[i].job), "p%u", pipe);
    }
}

/* How many are said to be before a job of the run. */
static uint32_t before_of(struct world *w, const char *run, uint32_t job)
{
    uint32_t before = 0;
    struct arc_look *look = ask(w, ARC_LOOK_WHY, run, NULL);
    const struct arc_look_result *result = result_of(look);
    for (size_t i = 0; i < result->waits.count; i++) {
        const struct arc_wait *wait = &result->waits.items[i];
        if (wait->kind == ARC_REASON_QUEUE && wait->job == (int32_t)job)
            before = wait->count;
    }
    arc__look_close(look);
    return before;
}

/* The one of which so many were told to be before it. */
static const struct queued *at_place(const struct queued *queued, uint32_t place)
{
    static const struct queued none;
    for (size_t i = 0; i < QUEUED; i++) {
        if (queued[i].before == place)
            return &queued[i];
    }
    return &none;
}

static void a_newcomer_would_get(struct world *w, const struct queued *queued)
{
    const struct arc_newcomer newcomer = {.slots = QUEUED};
    struct arc_look *look = ask(w, ARC_LOOK_AGENT, "", &newcomer);
    const struct arc_look_result *result = result_of(look);
    CHECK_INT(result->would_count, QUEUED);
    for (size_t i = 0; i < result->would_count; i++) {
        CHECK_INT(result->would[i].place, i + 1);
        CHECK_TEXT(result->would[i].run_id, at_place(queued, (uint32_t)i)->run);
    }
    arc__look_close(look);
}

/* What is told beforehand of the queue, and of an agent that would come, is what happens when one
 * comes: priorities, turns of pipelines and all. */
static void the_queue_is_served_as_it_is_told(enum world_store kind)
{
    for (uint32_t salt = 0; salt < 4; salt++) {
        struct world w;
        struct hand hand;
        struct queued queued[QUEUED];
        if (!world_open(&w, kind))
            return;
        queue_up(&w, queued, salt);
        for (size_t i = 0; i < QUEUED; i++)
            queued[i].before = before_of(&w, queued[i].run, 0);
        a_newcomer_would_get(&w, queued);
        if (hand_join(&hand, &w, "A", "{}", 1)) {
            for (uint32_t i = 0; i < QUEUED && hand_take(&hand, 1) == 1; i++) {
                struct held held = hand.held[0];
                CHECK_TEXT(arc__slice_cstr(held.run), at_place(queued, i)->run);
                CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
                CHECK_OK(hand_say(&hand, &held, ARC_STEP_SUCCESS, 0).status);
            }
            for (size_t i = 0; i < QUEUED; i++)
                CHECK_INT(world_run_status(&w, queued[i].run), ARC_RUN_SUCCESS);
            hand_leave(&hand);
        }
        world_close(&w);
    }
}
ON_BOTH(the_queue_is_served_as_it_is_told)

/* What has been served weighs on whoever was there, and not on who comes later. */
static void who_comes_later_is_foretold_too(enum world_store kind)
{
    struct world w;
    struct hand hand;
    struct said any, own, run;
    char runs[9][32];
    size_t count = 0;
    if (!world_open(&w, kind))
        return;
    any = world_ask(&w, world_create(&w, "any", one_job));
    own = world_ask(&w,
                    world_create(&w, "own", "namespace: n\njobs:\n- {name: a, " LINUX STEP "}\n"));
    if (hand_join(&hand, &w, "A", "{\"os\":\"linux\"}", 1)) {
        for (int i = 0; i < 6; i++) {
            run = world_ask(&w, world_trigger(&w, any.id, ""));
            (void)snprintf(runs[count++], sizeof(runs[0]), "%s", run.id);
        }
        for (size_t i = 0; i < 3; i++) { /* the fourth is under way then */
            CHECK_INT(hand_take(&hand, 1), 1);
            const struct held held = hand.held[0];
            CHECK_TEXT(arc__slice_cstr(held.run), runs[i]);
            CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
            CHECK_OK(hand_say(&hand, &held, ARC_STEP_SUCCESS, 0).status);
        }
        for (int i = 0; i < 3; i++) {
            run = world_ask(&w, world_trigger(&w, own.id, ""));
            (void)snprintf(runs[count++], sizeof(runs[0]), "%s", run.id);
        }
        uint32_t before[9] = {0};
        for (size_t i = 4; i < count; i++)
            before[i] = before_of(&w, runs[i], 0);
        for (uint32_t place = 0; place < 6; place++) {
            size_t next = 3; /* it is under way */
            for (size_t i = 4; place > 0 && i < count; i++)
                next = before[i] == place - 1 ? i : next;
            if (!CHECK_INT(hand_take(&hand, 1), 1))
                break;
            const struct held held = hand.held[0];
            CHECK_TEXT(arc__slice_cstr(held.run), runs[next]);
            CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
            CHECK_OK(hand_say(&hand, &held, ARC_STEP_SUCCESS, 0).status);
        }
        hand_leave(&hand);
    }
    world_close(&w);
}
ON_BOTH(who_comes_later_is_foretold_too)

/* Who waits for other agents is nobody's rival. */
static void only_rivals_stand_before_a_job(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand linux, mac;
    if (!world_open(&w, kind))
        return;
    if (hand_join(&linux, &w, "L", "{\"os\":\"linux\"}", 1) &&
        hand_join(&mac, &w, "M", "{\"os\":\"mac\"}", 1)) {
        world_start_run(&w, "namespace: n\njobs:\n- {name: a, " STEP "}\n- {name: b, " STEP "}\n",
                        &pipeline, &run); /* both are busy */
        CHECK_INT(hand_take(&linux, 1) + hand_take(&mac, 1), 2);
        world_start_run(&w, mixed, &pipeline, &run);
        CHECK_INT(before_of(&w, run.id, 0), 0);
        CHECK_INT(before_of(&w, run.id, 1), 1); /* a; it may go to either agent */
        CHECK_INT(before_of(&w, run.id, 2), 1); /* b; a is none that the Mac could take */
        CHECK_INT(before_of(&w, run.id, 3), 2); /* a and b, not c */
        hand_leave(&linux);
        hand_leave(&mac);
    }
    world_close(&w);
}
ON_BOTH(only_rivals_stand_before_a_job)

/* --- what the engine leaves alone ------------------------------------------------------- */

static void write_row(struct world *w, enum arc_store_verb verb, enum arc_table table,
                      const void *row)
{
    struct arc_desk desk = {.store = w->store, .mem = w->mem};
    struct arc_store_op op = {verb, table, row, 0};
    CHECK_OK(arc__desk_commit(&desk, &op, 1, NULL));
}

static void told_is(const struct arc_look_result *result, const struct arc_told *told,
                    const char *want)
{
    if (!CHECK_INT(told->count, 1))
        return;
    const struct arc_wait *wait = &result->waits.items[told->first];
    CHECK_INT(wait->kind, ARC_REASON_ASIDE);
    CHECK_TEXT(wait->sentence, want);
}

/* No end is foretold, and who may not see the run hears of none. */
static void aside_is_refused(struct world *w, const char *run)
{
    struct arc_look *look = ask(w, ARC_LOOK_END, run, NULL);
    const struct arc_look_result *result = NULL;
    CHECK_STATUS(arc__look_result(look, &result, NULL), ARC_ECONFLICT);
    arc__look_close(look);
    struct arc_look_ask other = {.what = ARC_LOOK_WHY,
                                 .run_id = arc__slice_cstr(run),
                                 .principal = {.kind = ARC_PRINCIPAL_USER, .project_id = "other"}};
    CHECK_OK(arc__look_open(w->engine, &other, NULL, NULL, &look, NULL));
    for (int i = 0; i < 10 && arc__look_result(look, &result, NULL) == ARC_EAGAIN; i++)
        world_turn(w);
    CHECK_STATUS(arc__look_result(look, &result, NULL), ARC_ENOTFOUND);
    arc__look_close(look);
}

static void a_quarantined_run_says_so(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct arc_row_event second = {.seq = 2};
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    world_end_engine(&w);
    second.stream = arc__slice_cstr(run.id);
    write_row(&w, ARC_STORE_DELETE, ARC_TABLE_event, &second);
    for (int start = 0; start < 2; start++) { /* the second reads it off the row */
        CHECK_OK(world_start_engine(&w, NULL));
        struct arc_look *look = ask(&w, ARC_LOOK_WHY, run.id, NULL);
        const struct arc_look_result *result = result_of(look);
        told_is(result, &result->run, "It is set aside: Event 2 is missing.");
        CHECK_TEXT(result->run.id, run.id);
        CHECK_TEXT(result->pipeline_id, pipeline.id);
        CHECK_INT(result->job_count, 0);
        arc__look_close(look);
        aside_is_refused(&w, run.id);
        world_turn(&w);
        world_end_engine(&w);
    }
    world_close(&w);
}
ON_BOTH(a_quarantined_run_says_so)

/* A run that is over is not read before somebody asks; the question itself changes nothing. row is
 * put or deleted, with seq 0 as the last; want may be NULL where it is then missing. */
static void damage_met_first(struct world *w, enum arc_store_verb verb,
                             const struct arc_row_event *row, const char *want)
{
    struct said pipeline, run;
    struct hand hand;
    struct arc_row_event damage = *row;
    char missing[64];
    if (!hand_join(&hand, w, "a", "{}", 1))
        return;
    world_start_run(w, one_job, &pipeline, &run);
    hand_work(&hand);
    CHECK_INT(world_run_status(w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_end_engine(w);
    damage.stream = arc__slice_cstr(run.id);
    if (damage.seq == 0) /* the last, which leaves no gap */
        damage.seq = world_run_col(w, run.id, ARC_COL_pipeline_run_version);
    (void)snprintf(missing, sizeof(missing), "It is set aside: Event %lld is missing.",
                   (long long)damage.seq);
    write_row(w, verb, ARC_TABLE_event, &damage);
    CHECK_OK(world_start_engine(w, NULL));
    world_turn(w);
    struct arc_look *look = ask(w, ARC_LOOK_WHY, run.id, NULL);
    const struct arc_look_result *result = result_of(look);
    told_is(result, &result->run, want != NULL ? want : missing);
    CHECK_TEXT(result->run.id, run.id);
    CHECK_INT(result->run.status, ARC_RUN_SUCCESS);
    CHECK_TEXT(result->pipeline_id, pipeline.id);
    CHECK_INT(result->job_count, 0);
    arc__look_close(look);
    aside_is_refused(w, run.id);
    CHECK_INT(world_run_col(w, run.id, ARC_COL_pipeline_run_held), 0);
    CHECK_INT(w->logged, 0);
}

static void a_question_may_be_the_first_to_meet_damage(enum world_store kind)
{
    static const struct {
        enum arc_store_verb verb;
        struct arc_row_event row;
        const char *want;
    } cases[] = {
        {ARC_STORE_DELETE, {.seq = 1}, NULL},
        {ARC_STORE_DELETE, {.seq = 2}, NULL},
        {ARC_STORE_DELETE, {.seq = 0}, NULL},
        {ARC_STORE_PUT,
         {.seq = 2, .position = 9000, .type = {"arcentra.job.queued", 19}, .body = {"{", 1}},
         "It is set aside: The body of event 2 cannot be read."},
        {ARC_STORE_PUT,
         {.seq = 2, .position = 9000, .type = {"arcentra.job.completed", 22}, .body = {"{}", 2}},
         "It is set aside: arcentra.job.completed at seq 2 does not fit the state of its run."},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct world w;
        if (!world_open(&w, kind))
            return;
        damage_met_first(&w, cases[i].verb, &cases[i].row, cases[i].want);
        world_close(&w);
    }
}
ON_BOTH(a_question_may_be_the_first_to_meet_damage)

/* Each allocation of the question fails once: it says so, and keeps nothing. */
static void aside_is_told_or_there_is_no_memory(void)
{
    struct world w;
    struct said pipeline, run;
    struct arc_row_event second = {.seq = 2};
    int done = 0;
    if (!world_open(&w, WORLD_MEM))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    world_end_engine(&w);
    second.stream = arc__slice_cstr(run.id);
    write_row(&w, ARC_STORE_DELETE, ARC_TABLE_event, &second);
    CHECK_OK(world_start_engine(&w, NULL));
    world_turn(&w);
    struct arc_look_ask ask = {.what = ARC_LOOK_WHY,
                               .run_id = arc__slice_cstr(run.id),
                               .principal = {.kind = ARC_PRINCIPAL_HOST}};
    for (uint64_t n = 1; n < 500 && !done; n++) {
        const struct arc_look_result *result = NULL;
        struct arc_look *look = NULL;
        int64_t live = w.memory.live;
        uint64_t before = w.memory.calls;
        w.memory.fail_at = before + n;
        arc_status status = arc__look_open(w.engine, &ask, NULL, NULL, &look, NULL);
        if (status == ARC_OK)
            status = arc__look_result(look, &result, NULL);
        done = w.memory.calls < before + n;
        w.memory.fail_at = 0;
        if (done)
            told_is(result, &result->run, "It is set aside: Event 2 is missing.");
        CHECK_STATUS(status, done ? ARC_OK : ARC_ENOMEM);
        arc__look_close(look);
        CHECK_INT(w.memory.live, live);
    }
    CHECK(done);
    world_close(&w);
}

static void a_record_of_elsewhere_says_so(enum world_store kind)
{
    struct world w;
    struct said pipeline, runs[2];
    struct arc_rows rows = {0};
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .order_col = -1};
    if (!world_open(&w, kind))
        return;
    for (int i = 0; i < 2; i++)
        world_start_run(&w, one_job, &pipeline, &runs[i]);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, runs[1].id)).status);
    world_end_engine(&w);
    CHECK_OK(world_rows(&w, &query, &rows));
    for (size_t i = 0; i < rows.count; i++) {
        struct arc_row_pipeline_run row = ((const struct arc_row_pipeline_run *)rows.rows)[i];
        row.held = ARC_HELD_IMPORTED;
        row.held_why = ARC_LIT("It was imported.");
        write_row(&w, ARC_STORE_PUT, ARC_TABLE_pipeline_run, &row);
    }
    CHECK_OK(world_start_engine(&w, NULL));
    struct arc_look *look = ask(&w, ARC_LOOK_WHY, runs[0].id, NULL);
    const struct arc_look_result *result = result_of(look);
    told_is(result, &result->run, "It is set aside: It was imported.");
    if (CHECK_INT(result->job_count, 1)) {
        told_is(result, &result->jobs[0].told, "It is set aside: It was imported.");
        told_is(result, &result->jobs[0].steps[0], "It is set aside: It was imported.");
    }
    arc__look_close(look);
    aside_is_refused(&w, runs[0].id);
    look = ask(&w, ARC_LOOK_WHY, runs[1].id, NULL); /* one that is over has ended */
    result = result_of(look);
    CHECK_INT(result->run.count, 1);
    CHECK_INT(result->waits.items[result->run.first].kind, ARC_REASON_ENDED);
    arc__look_close(look);
    world_close(&w);
}
ON_BOTH(a_record_of_elsewhere_says_so)

static const struct test tests[] = {
    {"a quarantined run says so, in memory", a_quarantined_run_says_so_mem},
    {"a quarantined run says so, in SQLite", a_quarantined_run_says_so_sqlite},
    {"a question may be the first to meet damage, in memory",
     a_question_may_be_the_first_to_meet_damage_mem},
    {"a question may be the first to meet damage, in SQLite",
     a_question_may_be_the_first_to_meet_damage_sqlite},
    {"what is set aside is told, or there is no memory", aside_is_told_or_there_is_no_memory},
    {"a record of a run of elsewhere says so, in memory", a_record_of_elsewhere_says_so_mem},
    {"a record of a run of elsewhere says so, in SQLite", a_record_of_elsewhere_says_so_sqlite},
    {"who holds a slot is told to who waits for it, in memory", who_holds_a_slot_is_told_mem},
    {"who holds a slot is told to who waits for it, in SQLite", who_holds_a_slot_is_told_sqlite},
    {"the queue is served as it is told, in memory", the_queue_is_served_as_it_is_told_mem},
    {"the queue is served as it is told, in SQLite", the_queue_is_served_as_it_is_told_sqlite},
    {"who comes later is foretold too, in memory", who_comes_later_is_foretold_too_mem},
    {"who comes later is foretold too, in SQLite", who_comes_later_is_foretold_too_sqlite},
    {"only rivals stand before a job, in memory", only_rivals_stand_before_a_job_mem},
    {"only rivals stand before a job, in SQLite", only_rivals_stand_before_a_job_sqlite},
    {"without agents a job hears that there are none, in memory",
     without_agents_there_are_none_mem},
    {"without agents a job hears that there are none, in SQLite",
     without_agents_there_are_none_sqlite},
    {"a label that no agent has is named, in memory", a_label_that_no_agent_has_is_named_mem},
    {"a label that no agent has is named, in SQLite", a_label_that_no_agent_has_is_named_sqlite},
    {"full agents and the queue are told, in memory", full_agents_and_the_queue_are_told_mem},
    {"full agents and the queue are told, in SQLite", full_agents_and_the_queue_are_told_sqlite},
    {"an agent that left is unconnected, then offline, in memory",
     an_agent_that_left_is_unconnected_then_offline_mem},
    {"an agent that left is unconnected, then offline, in SQLite",
     an_agent_that_left_is_unconnected_then_offline_sqlite},
    {"an agent that is not approved says so, in memory", an_agent_that_is_not_approved_says_so_mem},
    {"an agent that is not approved says so, in SQLite",
     an_agent_that_is_not_approved_says_so_sqlite},
    {"an executor that is missing is named, in memory", an_executor_that_is_missing_is_named_mem},
    {"an executor that is missing is named, in SQLite",
     an_executor_that_is_missing_is_named_sqlite},
    {"a run that left memory is told from the store, in memory",
     a_run_that_is_not_in_memory_is_told_from_the_store_mem},
    {"a run that left memory is told from the store, in SQLite",
     a_run_that_is_not_in_memory_is_told_from_the_store_sqlite},
    {"questions without an answer are refused, in memory",
     questions_that_cannot_be_answered_are_refused_mem},
    {"questions without an answer are refused, in SQLite",
     questions_that_cannot_be_answered_are_refused_sqlite},
    {"a newcomer gets what it is said to get, in memory",
     a_newcomer_gets_what_it_is_said_to_get_mem},
    {"a newcomer gets what it is said to get, in SQLite",
     a_newcomer_gets_what_it_is_said_to_get_sqlite},
    {"a question changes nothing, in memory", a_question_changes_nothing_mem},
    {"a question changes nothing, in SQLite", a_question_changes_nothing_sqlite},
    {"an answer keeps to its limits, in memory", an_answer_keeps_to_its_limits_mem},
    {"an answer keeps to its limits, in SQLite", an_answer_keeps_to_its_limits_sqlite},
    {"reasons of a kind are counted beyond a bound, in memory",
     reasons_of_a_kind_are_counted_beyond_a_bound_mem},
    {"reasons of a kind are counted beyond a bound, in SQLite",
     reasons_of_a_kind_are_counted_beyond_a_bound_sqlite},
    {"an answer is text for people, in memory", answers_are_text_for_people_mem},
    {"an answer is text for people, in SQLite", answers_are_text_for_people_sqlite},
};

int main(int argc, char **argv)
{
    return test_main(argc, argv, tests, ARC_COUNT_OF(tests));
}
