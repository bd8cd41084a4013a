/* SPDX-License-Identifier: Apache-2.0 */
/* Several engines on one store: whatever one of them is told, the others go on from. */
#include "pair.h"

#include <CUnit/CUnit.h>
#include <stdio.h>

static const char one_job[] = "namespace: demo\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";
static const char two_steps[] =
    "namespace: demo\njobs:\n"
    "- {name: build, steps: [{name: make, run: 'true'}, {name: test, run: 'true'}]}\n";
static const char two_jobs[] = "namespace: demo\njobs:\n"
                               "- {name: build, steps: [{name: make, run: 'true'}]}\n"
                               "- {name: docs, steps: [{name: make, run: 'true'}]}\n";
static const char grouped[] = "namespace: demo\nconcurrency: {group: deploy, limit: 1}\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";
static const char picky[] = "namespace: demo\njobs:\n"
                            "- {name: build, agentSelector: {matchLabels: {os: beos}},\n"
                            "   steps: [{name: make, run: 'true'}]}\n";
static const char timed[] = "namespace: demo\njobs:\n"
                            "- {name: build, timeout: 60s, steps: [{name: make, run: 'true'}]}\n";

static void nothing(void *user)
{
    (void)user;
}

static void a_run_is_served_by_an_agent_elsewhere(enum world_store kind)
{
    struct pair p;
    if (!pair_begin(&p, kind, 1, two_steps))
        return;
    pair_say(&p.hand, ARC_STEP_RUNNING);
    pair_say(&p.hand, ARC_STEP_SUCCESS);
    pair_serve(&p, &p.hand);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_SUCCESS));
    pair_end(&p);
}
ON_BOTH(a_run_is_served_by_an_agent_elsewhere)

static struct arc_cmd *approve(struct world *w, const char *run)
{
    struct arc_cmd *cmd = world_control(w, ARC_CMD_RUN_GATE, run);
    cmd->u.gate.index = 1;
    cmd->u.gate.approve = 1;
    return cmd;
}

/* Its first job was served elsewhere, and stays in memory there for its late lines. What happens to
 * it at its home nobody tells there. */
static void serve_a_later_job(enum world_store kind, const char *definition, int approver)
{
    struct pair p;
    if (!pair_open(&p, kind))
        return;
    pair_pass(&p, SECONDS(1)); /* the first one leads */
    pair_start(&p, 1, 0, definition);
    pair_say(&p.hand, ARC_STEP_SUCCESS);
    pair_pass(&p, SECONDS(2));
    CHECK_OK(world_ask(&p.w[approver], approve(&p.w[approver], p.run.id)).status);
    pair_serve(&p, &p.hand);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_SUCCESS));
    pair_end(&p);
}

static void a_later_job_is_served_elsewhere_as_well(enum world_store kind)
{
    static const char gate[] = "approval: {required: true, timeout: 1h}";
    static const char slot[] = "concurrency: {group: g}, approval: {required: true, timeout: 1h}";
    for (int i = 0; i < 2; i++) {
        char definition[300];
        (void)snprintf(definition, sizeof(definition),
                       "namespace: demo\njobs:\n"
                       "- {name: build, steps: [{name: make, run: 'true'}]}\n"
                       "- {name: ship, dependsOn: [build], %s,\n"
                       "   steps: [{name: put, run: 'true'}]}\n",
                       i == 0 ? gate : slot);
        serve_a_later_job(kind, definition, i);
    }
}
ON_BOTH(a_later_job_is_served_elsewhere_as_well)

static void a_run_is_stopped_by_another_process(enum world_store kind)
{
    struct pair p;
    if (!pair_begin(&p, kind, 0, one_job))
        return;
    CHECK_OK(world_ask(&p.w[1], world_control(&p.w[1], ARC_CMD_RUN_STOP, p.run.id)).status);
    for (int i = 0; i < 80 && p.hand.cancel_count == 0; i++) {
        pair_pass(&p, PAIR_STEP);
        (void)hand_take(&p.hand, 1);
    }
    pair_give_up(&p.hand);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_CANCELLED));
    pair_end(&p);
}
ON_BOTH(a_run_is_stopped_by_another_process)

static void what_one_has_answered_the_other_knows(enum world_store kind)
{
    struct pair p;
    struct said pipeline, run;
    if (!pair_open(&p, kind))
        return;
    world_start_run(&p.w[0], one_job, &pipeline, &run);
    for (int i = 0; i < 6; i++) { /* no time passes between two of them */
        struct world *w = &p.w[i % 2 ^ (i / 2) % 2];
        enum arc_cmd_kind kind_of = i % 2 == 0 ? ARC_CMD_RUN_PAUSE : ARC_CMD_RUN_RESUME;
        CHECK_OK(world_ask(w, world_control(w, kind_of, run.id)).status);
    }
    CHECK_OK(world_ask(&p.w[1], world_control(&p.w[1], ARC_CMD_RUN_STOP, run.id)).status);
    CHECK_STATUS(world_ask(&p.w[0], world_control(&p.w[0], ARC_CMD_RUN_PAUSE, run.id)).status,
                 ARC_ECONFLICT);
    world_check_events(&p.w[0]);
    pair_close(&p);
}
ON_BOTH(what_one_has_answered_the_other_knows)

/* The agent's process asks for what is new, and there is more before it is answered. */
static void news_while_a_run_is_read_is_read(void)
{
    struct pair p;
    if (!pair_begin(&p, WORLD_MEM, 1, one_job))
        return;
    pair_pass(&p, SECONDS(2));
    p.w[1].answers_late = WORLD_LATE_EVENTS;
    CHECK_OK(world_ask(&p.w[0], world_control(&p.w[0], ARC_CMD_RUN_PAUSE, p.run.id)).status);
    pair_pass(&p, SECONDS(2));
    CHECK(p.w[1].late != NULL);
    CHECK_OK(world_ask(&p.w[0], world_control(&p.w[0], ARC_CMD_RUN_STOP, p.run.id)).status);
    pair_pass(&p, SECONDS(2));
    CHECK_INT(world_count(&p.w[0], ARC_TABLE_inbox, ARC_COL_inbox_run_id, p.run.id), 0);
    world_answer(&p.w[1]);
    pair_pass(&p, SECONDS(3));
    (void)hand_take(&p.hand, 1);
    pair_give_up(&p.hand);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_CANCELLED));
    pair_end(&p);
}

/* What its home had stored is being read when the home is gone: who takes its place waits for that,
 * and goes on. */
static void who_takes_over_reads_what_was_doubted(void)
{
    struct pair p;
    if (!pair_begin(&p, WORLD_MEM, 1, one_job))
        return;
    pair_pass(&p, SECONDS(2));
    p.w[1].answers_late = WORLD_LATE_EVENTS;
    CHECK_OK(world_ask(&p.w[0], world_control(&p.w[0], ARC_CMD_RUN_STOP, p.run.id)).status);
    pair_pass(&p, SECONDS(2));
    CHECK(p.w[1].late != NULL);
    world_end_engine(&p.w[0]);
    pair_pass(&p, SECONDS(15));
    world_answer(&p.w[1]);
    pair_pass(&p, SECONDS(3));
    (void)hand_take(&p.hand, 1);
    pair_give_up(&p.hand);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_CANCELLED));
    pair_end(&p);
}

/* Agents and tokens are asked for together, and one answer comes long before the other. A job
 * waits, so that a free agent is a reason to look. */
static void one_of_two_answers_makes_nobody_busy(void)
{
    struct pair p;
    struct hand hand;
    struct said pipeline, run;
    if (!pair_open(&p, WORLD_MEM))
        return;
    pair_pass(&p, SECONDS(1));
    CHECK(hand_join(&hand, &p.w[1], "a", "{}", 1));
    world_start_run(&p.w[1], picky, &pipeline, &run);
    p.w[1].answers_late = WORLD_LATE_TOKENS;
    pair_pass(&p, SECONDS(6)); /* they come to rest meanwhile */
    CHECK(p.w[1].late != NULL);
    world_answer(&p.w[1]);
    pair_pass(&p, SECONDS(6));
    hand_leave(&hand);
    pair_close(&p);
}

/* Inbox and log are looked at together, each second: who waits for one of them does not ask for the
 * other one meanwhile. */
static void a_look_that_lasts_is_not_begun_again(void)
{
    struct pair p;
    if (!pair_open(&p, WORLD_MEM))
        return;
    pair_pass(&p, SECONDS(6));
    p.w[1].answers_late = WORLD_LATE_INBOX;
    pair_pass(&p, SECONDS(2));
    CHECK(p.w[1].late != NULL);
    uint64_t before = p.w[1].store_calls;
    pair_pass(&p, SECONDS(2));
    CHECK(p.w[1].store_calls - before < 6); /* of others */
    world_answer(&p.w[1]);
    pair_pass(&p, SECONDS(2));
    pair_close(&p);
}

static int64_t lost_jobs(struct pair *p)
{
    arc__arena_reset(&p->w[0].arena);
    return world_count(&p->w[0], ARC_TABLE_event, ARC_COL_event_type, "arcentra.job.retrying") +
           world_count(&p->w[0], ARC_TABLE_event, ARC_COL_event_type, "arcentra.job.failed");
}

/* How many have been lost after so long without a word of an agent, while the other process
 * triggers each second. */
static int64_t lost_after(struct pair *p, int seconds)
{
    for (int second = 0; second < seconds; second++) {
        CHECK_OK(world_ask(&p->w[1], world_trigger(&p->w[1], p->pipeline.id, "")).status);
        pair_pass(p, SECONDS(1));
    }
    return lost_jobs(p);
}

/* Whose lease has lapsed has lost it, however often the other process writes the pipeline's
 * counters before the batch that says so: it is not given another lease time each time. */
static void a_lapsed_lease_stays_lapsed(enum world_store kind)
{
    struct pair p;
    if (!pair_begin(&p, kind, 0, one_job))
        return;
    pair_say(&p.hand, ARC_STEP_RUNNING);
    CHECK_INT(lost_after(&p, 35), 1);
    pair_end(&p);
}
ON_BOTH(a_lapsed_lease_stays_lapsed)

/* Two steps of one turn lapse: with room for one lease, the other begins anew. */
static void so_many_leases_stay_lapsed(void)
{
    for (uint32_t most = 1; most <= 2; most++) {
        struct pair p;
        if (!pair_open(&p, WORLD_MEM))
            return;
        world_end_engine(&p.w[0]);
        p.w[0].options.leases_kept_max = most;
        CHECK_OK(world_start_engine(&p.w[0], NULL));
        pair_pass(&p, SECONDS(1));
        CHECK(hand_join(&p.hand, &p.w[0], "a", "{}", 2));
        world_start_run(&p.w[0], two_jobs, &p.pipeline, &p.run);
        CHECK_INT(pair_take(&p, &p.hand), 2);
        for (size_t i = 0; i < p.hand.held_count; i++) {
            struct held held = p.hand.held[i];
            CHECK_OK(hand_say(&p.hand, &held, ARC_STEP_RUNNING, 0).status);
        }
        CHECK_INT(lost_after(&p, 35), most);
        CHECK_INT(lost_after(&p, 35), 2);
        pair_end(&p);
    }
}

/* The other process has written the pipeline's counters, so the leader's first try to end who waits
 * is lost; it is tried again. */
static void a_newcomer_ends_who_waits_after_a_lost_turn(enum world_store kind)
{
    static const char newest[] =
        "namespace: demo\nconcurrency: {group: deploy, limit: 1, onFull: cancelPending}\n"
        "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";
    struct pair p;
    struct said pipeline, first;
    if (!pair_open(&p, kind))
        return;
    pair_pass(&p, SECONDS(1)); /* the first one leads */
    world_start_run(&p.w[0], newest, &pipeline, &first);
    struct said waits = world_ask(&p.w[0], world_trigger(&p.w[0], pipeline.id, ""));
    CHECK_OK(waits.status);
    pair_pass(&p, SECONDS(2));
    CHECK_INT(world_run_status(&p.w[0], waits.id), ARC_RUN_PENDING);
    CHECK_OK(world_ask(&p.w[1], world_trigger(&p.w[1], pipeline.id, "")).status);
    pair_pass(&p, SECONDS(10));
    CHECK_INT(world_run_status(&p.w[0], waits.id), ARC_RUN_CANCELLED);
    world_check_events(&p.w[0]);
    pair_close(&p);
}
ON_BOTH(a_newcomer_ends_who_waits_after_a_lost_turn)

static void a_request_has_one_effect_at_both(enum world_store kind)
{
    struct pair p;
    if (!pair_open(&p, kind))
        return;
    struct said pipeline = world_ask(&p.w[0], world_create(&p.w[0], "p", one_job));
    CHECK_OK(pipeline.status);
    struct said first = world_ask(&p.w[0], world_trigger(&p.w[0], pipeline.id, "r"));
    struct said again = world_ask(&p.w[1], world_trigger(&p.w[1], pipeline.id, "r"));
    CHECK_OK(first.status);
    CHECK_OK(again.status);
    CHECK(again.duplicate && strcmp(first.id, again.id) == 0);
    struct said other = world_ask(&p.w[1], world_trigger(&p.w[1], pipeline.id, "s"));
    struct said third = world_ask(&p.w[0], world_trigger(&p.w[0], pipeline.id, "t"));
    CHECK_OK(other.status);
    CHECK_OK(third.status);
    CHECK_INT(world_run_col(&p.w[0], first.id, ARC_COL_pipeline_run_number), 1);
    CHECK_INT(world_run_col(&p.w[0], other.id, ARC_COL_pipeline_run_number), 2);
    CHECK_INT(world_run_col(&p.w[0], third.id, ARC_COL_pipeline_run_number), 3);
    world_check_events(&p.w[0]);
    pair_close(&p);
}
ON_BOTH(a_request_has_one_effect_at_both)

/* The agent is at another process, and its lease with it. */
static void go_to(struct pair *p, struct hand *hand, int to)
{
    struct arc_renewal renewal;
    int renewed = 0;
    pair_connect(p, hand, to);
    for (int i = 0; i < 80 && !renewed; i++) {
        pair_pass(p, PAIR_STEP);
        CHECK_OK(hand_beat(hand, &renewal));
        CHECK_INT(renewal.lost_count, 0);
        renewed = renewal.renewed_count == 1;
    }
    CHECK(renewed);
}

static void an_agent_moves_with_its_lease(enum world_store kind)
{
    struct pair p;
    struct arc_renewal renewal;
    if (!pair_begin(&p, kind, 0, two_steps))
        return;
    pair_pass(&p, SECONDS(6)); /* the other one has heard of the agent */
    go_to(&p, &p.hand, 1);
    for (int i = 0; i < 12; i++) { /* longer than a lease */
        pair_pass(&p, SECONDS(5));
        CHECK_OK(hand_beat(&p.hand, &renewal));
        CHECK_INT(renewal.renewed_count, 1);
    }
    CHECK_INT(p.hand.held[0].attempt, 1);
    pair_say(&p.hand, ARC_STEP_SUCCESS);
    pair_serve(&p, &p.hand);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_SUCCESS));
    pair_end(&p);
}
ON_BOTH(an_agent_moves_with_its_lease)

/* The agent comes from another process, once from the one whose fences are greater, and the step is
 * tried again. */
static void try_again_at(struct pair *p, int from)
{
    static const char tried[] =
        "namespace: demo\njobs:\n- name: build\n  steps:\n"
        "  - {name: make, run: 'true', retry: {maxAttempts: 3, delay: 1s, on: [failed]}}\n";
    pair_start(p, from, 1 - from, tried);
    struct held first = p->hand.held[0];
    pair_pass(p, SECONDS(6)); /* the other one has heard of the agent */
    pair_connect(p, &p->hand, 1 - from);
    pair_pass(p, SECONDS(2));
    CHECK_OK(hand_say(&p->hand, &first, ARC_STEP_FAILED, 1).status);
    if (CHECK_INT(pair_take(p, &p->hand), 1)) {
        CHECK_INT(p->hand.held[0].attempt, 2);
        CHECK(p->hand.held[0].fence > first.fence);
        pair_say(&p->hand, ARC_STEP_SUCCESS);
    }
    CHECK(pair_await(p, p->run.id, ARC_RUN_SUCCESS));
}

static void fences_rise_where_the_next_process_is_older(enum world_store kind)
{
    for (int from = 0; from < 2; from++) {
        struct pair p;
        if (!pair_open(&p, kind))
            return;
        pair_pass(&p, SECONDS(1)); /* the first one joins before the other */
        try_again_at(&p, from);
        pair_end(&p);
    }
}
ON_BOTH(fences_rise_where_the_next_process_is_older)

static void a_silent_home_is_taken_over(enum world_store kind)
{
    struct pair p;
    if (!pair_begin(&p, kind, 1, timed))
        return;
    struct held held = p.hand.held[0];
    pair_say(&p.hand, ARC_STEP_RUNNING);
    world_end_engine(&p.w[0]);
    for (int i = 0; i < 16; i++) { /* the timeout of the job is its home's to see */
        struct arc_renewal renewal;
        pair_pass(&p, SECONDS(5));
        CHECK_OK(hand_beat(&p.hand, &renewal));
        (void)hand_take(&p.hand, 1);
    }
    CHECK(p.hand.cancel_count > 0);
    CHECK_OK(hand_say(&p.hand, &held, ARC_STEP_CANCELLED, 0).status);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_FAILED));
    pair_end(&p);
}
ON_BOTH(a_silent_home_is_taken_over)

/* An agent goes elsewhere and comes back, and then says no more. */
static void a_lease_lapses_where_its_agent_came_back_to(enum world_store kind)
{
    struct pair p;
    struct arc_renewal renewal;
    if (!pair_begin(&p, kind, 0, one_job))
        return;
    pair_say(&p.hand, ARC_STEP_RUNNING);
    pair_pass(&p, SECONDS(6)); /* the other one has heard of the agent */
    go_to(&p, &p.hand, 1);
    for (int i = 0; i < 12; i++) { /* longer than a lease */
        pair_pass(&p, SECONDS(5));
        CHECK_OK(hand_beat(&p.hand, &renewal));
    }
    go_to(&p, &p.hand, 0);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_FAILED));
    pair_end(&p);
}
ON_BOTH(a_lease_lapses_where_its_agent_came_back_to)

/* A lease lapses where its agent was, which has not heard that it is elsewhere: the inbox is read
 * late, and agents are looked at each five seconds. */
static void nobody_loses_a_lease_of_who_has_gone(void)
{
    struct pair p;
    struct arc_renewal renewal = {0};
    if (!pair_open(&p, WORLD_MEM))
        return;
    for (int i = 0; i < 2; i++) { /* before it is taken for offline, which its row would say */
        world_end_engine(&p.w[i]);
        p.w[i].options.rules.lease_ttl_ns = SECONDS(20);
        CHECK_OK(world_start_engine(&p.w[i], NULL));
    }
    pair_pass(&p, SECONDS(2)); /* no look at agents when it lapses */
    pair_start(&p, 0, 0, one_job);
    pair_say(&p.hand, ARC_STEP_RUNNING);
    pair_pass(&p, SECONDS(19));
    p.w[0].answers_late = WORLD_LATE_INBOX;
    pair_connect(&p, &p.hand, 1);
    for (int i = 0; i < 16; i++) {
        pair_pass(&p, PAIR_STEP);
        CHECK_OK(hand_beat(&p.hand, &renewal));
    }
    CHECK_INT(renewal.renewed_count, 1);
    CHECK_INT(lost_jobs(&p), 0);
    world_answer(&p.w[0]);
    pair_say(&p.hand, ARC_STEP_SUCCESS);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_SUCCESS));
    pair_end(&p);
}

/* One that stood still for longer than it is believed to be at work: before it has looked what the
 * others did meanwhile, it neither renews a lease nor offers a step. */
static void who_may_have_been_replaced_says_nothing(void)
{
    for (int seconds = 5; seconds <= 20; seconds += 15) {
        struct pair p;
        struct arc_renewal renewal = {0};
        int trusted = seconds == 5;
        if (!pair_open(&p, WORLD_MEM))
            return;
        CHECK(hand_join(&p.hand, &p.w[0], "a", "{}", 2));
        world_start_run(&p.w[0], one_job, &p.pipeline, &p.run);
        CHECK_INT(pair_take(&p, &p.hand), 1);
        CHECK_OK(world_ask(&p.w[0], world_trigger(&p.w[0], p.pipeline.id, "")).status);
        for (int i = 0; i < seconds; i++)
            world_pass(&p.w[1], SECONDS(1));
        p.w[0].now = p.w[1].now;
        arc__engine_set_now(p.w[0].engine, p.w[0].now);
        CHECK_OK(hand_beat(&p.hand, &renewal));
        CHECK_INT(renewal.renewed_count, trusted);
        CHECK_INT(renewal.lost_count, 0);
        CHECK_INT(hand_take(&p.hand, 0), trusted);
        pair_end(&p);
    }
}

/* Its step was given to another agent while it was silent. The process that it comes to has had the
 * run for something else, and remembers it as it was. */
static void who_comes_gets_nothing_that_is_another_ones(enum world_store kind)
{
    static const char picking[] = "namespace: demo\njobs:\n"
                                  "- {name: build, agentSelector: {matchLabels: {os: a}},\n"
                                  "   steps: [{name: make, run: 'true'}]}\n"
                                  "- {name: test, agentSelector: {matchLabels: {os: b}},\n"
                                  "   steps: [{name: look, run: 'true'}]}\n";
    struct pair p;
    static struct hand a, b, c; /* for a frame that a sanitizer makes larger */
    struct said pipeline, run;
    struct arc_renewal renewal;
    if (!pair_open(&p, kind))
        return;
    pair_pass(&p, SECONDS(1));
    CHECK(hand_join(&a, &p.w[0], "a", "{\"os\":\"a\"}", 1));
    CHECK(hand_join(&b, &p.w[1], "b", "{\"os\":\"b\"}", 1));
    pair_pass(&p, SECONDS(6)); /* each has heard of both */
    world_start_run(&p.w[0], picking, &pipeline, &run);
    CHECK_INT(pair_take(&p, &a), 1);
    CHECK_INT(pair_take(&p, &b), 1);
    struct held held = b.held[0];
    CHECK_OK(hand_say(&b, &held, ARC_STEP_SUCCESS, 0).status);
    hand_leave(&a);
    pair_pass(&p, SECONDS(20));
    CHECK(hand_join(&c, &p.w[0], "c", "{\"os\":\"a\"}", 1));
    for (int i = 0; i < 200 && hand_take(&c, 1) == 0; i++)
        pair_pass(&p, SECONDS(1) / 8);
    CHECK_INT(c.held_count, 1);
    pair_pass(&p, SECONDS(2));
    a.w = &p.w[1];
    hand_connect(&a);
    for (int i = 0; i < 24; i++) {
        pair_pass(&p, SECONDS(1) / 8);
        CHECK_INT(hand_take(&a, 1), 0);
        CHECK_OK(hand_beat(&a, &renewal));
        CHECK_INT(renewal.renewed_count, 0);
    }
    hand_leave(&a);
    hand_leave(&b);
    hand_leave(&c);
    pair_close(&p);
}
ON_BOTH(who_comes_gets_nothing_that_is_another_ones)

/* What it had asked about the others before it took over is answered after that. */
static void who_takes_over_goes_by_what_it_has_stored(void)
{
    static const char hasty[] =
        "namespace: demo\njobs:\n"
        "- {name: build, queueTimeout: 30s, steps: [{name: make, run: 'true'}]}\n";
    struct pair p;
    struct said pipeline, run;
    if (!pair_open(&p, WORLD_MEM))
        return;
    world_start_run(&p.w[0], hasty, &pipeline, &run);
    pair_pass(&p, SECONDS(6));
    world_end_engine(&p.w[0]);
    pair_pass(&p, SECONDS(6));
    p.w[1].answers_late = WORLD_LATE_REPLICAS;
    pair_pass(&p, SECONDS(10));
    CHECK(p.w[1].late != NULL);
    world_answer(&p.w[1]);
    CHECK(pair_await(&p, run.id, ARC_RUN_FAILED));
    world_check_events(&p.w[1]);
    pair_close(&p);
}

static void one_that_was_silent_begins_anew(enum world_store kind)
{
    struct pair p;
    if (!pair_open(&p, kind))
        return;
    world_start_run(&p.w[0], one_job, &p.pipeline, &p.run);
    for (int i = 0; i < 20; i++) /* and the first one does nothing */
        world_pass(&p.w[1], SECONDS(1));
    CHECK(hand_join(&p.hand, &p.w[1], "a", "{}", 1));
    for (int i = 0; i < 80 && hand_take(&p.hand, 1) == 0; i++)
        world_pass(&p.w[1], PAIR_STEP);
    if (CHECK_INT(p.hand.held_count, 1))
        pair_say(&p.hand, ARC_STEP_SUCCESS);
    p.w[0].now = p.w[1].now;
    struct said second = world_ask(&p.w[0], world_trigger(&p.w[0], p.pipeline.id, ""));
    CHECK_OK(second.status);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_SUCCESS));
    pair_serve(&p, &p.hand);
    CHECK(pair_await(&p, second.id, ARC_RUN_SUCCESS));
    pair_end(&p);
}
ON_BOTH(one_that_was_silent_begins_anew)

static void a_group_has_its_slots_once(enum world_store kind)
{
    struct pair p;
    struct hand hands[2];
    char runs[6][32];
    if (!pair_open(&p, kind))
        return;
    for (int i = 0; i < 2; i++)
        CHECK(hand_join(&hands[i], &p.w[i], i == 0 ? "a" : "b", "{}", 2));
    p.pipeline = world_ask(&p.w[0], world_create(&p.w[0], "p", grouped));
    for (int i = 0; i < 6; i++) {
        p.run = world_ask(&p.w[i % 2], world_trigger(&p.w[i % 2], p.pipeline.id, ""));
        CHECK_OK(p.run.status);
        memcpy(runs[i], p.run.id, sizeof(runs[i]));
    }
    for (int done = 0, tries = 0; done < 6 && tries < 400; tries++) {
        pair_pass(&p, PAIR_STEP);
        size_t held = 0;
        for (int i = 0; i < 2; i++) {
            (void)hand_take(&hands[i], 1);
            held += hands[i].held_count;
        }
        CHECK(held <= 1);
        for (int i = 0; i < 2; i++) {
            if (hands[i].held_count == 0)
                continue;
            pair_say(&hands[i], ARC_STEP_SUCCESS);
            done++;
        }
    }
    for (int i = 0; i < 6; i++)
        CHECK(pair_await(&p, runs[i], ARC_RUN_SUCCESS));
    world_check_events(&p.w[0]);
    for (int i = 0; i < 2; i++)
        hand_leave(&hands[i]);
    pair_close(&p);
}
ON_BOTH(a_group_has_its_slots_once)

/* Six jobs, the oldest ones, wait for a slot, and one agent has room for one job. */
static void what_waits_for_a_slot_hides_no_job(enum world_store kind)
{
    static const char slots[] =
        "namespace: demo\njobs:\n- name: build\n  concurrency: {group: g}\n"
        "  matrix: {n: [1, 2, 3, 4, 5, 6, 7]}\n  steps: [{name: make, run: 'true'}]\n";
    struct pair p;
    struct hand hands[2];
    struct said pipeline, run;
    if (!pair_open(&p, kind))
        return;
    pair_pass(&p, SECONDS(1));
    CHECK(hand_join(&hands[0], &p.w[0], "a", "{}", 1));
    world_start_run(&p.w[0], slots, &pipeline, &run);
    CHECK_INT(pair_take(&p, &hands[0]), 1);
    world_start_run(&p.w[0], one_job, &pipeline, &run);
    pair_pass(&p, SECONDS(1));
    CHECK(hand_join(&hands[1], &p.w[1], "b", "{}", 1));
    CHECK_INT(pair_take(&p, &hands[1]), 1);
    for (int i = 0; i < 2; i++)
        hand_leave(&hands[i]);
    pair_close(&p);
}
ON_BOTH(what_waits_for_a_slot_hides_no_job)

/* The one that would have turned it away is gone before it hears of it. */
static void a_newcomer_is_turned_away_by_the_next_leader(enum world_store kind)
{
    static const char full[] = "namespace: demo\nconcurrency: {group: deploy, onFull: reject}\n"
                               "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";
    struct pair p;
    struct said pipeline, first;
    if (!pair_open(&p, kind))
        return;
    pair_pass(&p, SECONDS(1)); /* the first one leads */
    world_start_run(&p.w[0], full, &pipeline, &first);
    pair_pass(&p, SECONDS(2));
    world_end_engine(&p.w[0]);
    struct said next = world_ask(&p.w[1], world_trigger(&p.w[1], pipeline.id, ""));
    CHECK_OK(next.status);
    pair_pass(&p, SECONDS(20));
    CHECK_INT(world_run_col(&p.w[1], first.id, ARC_COL_pipeline_run_status), ARC_RUN_PENDING);
    CHECK_INT(world_run_col(&p.w[1], next.id, ARC_COL_pipeline_run_status), ARC_RUN_CANCELLED);
    world_check_events(&p.w[1]);
    pair_close(&p);
}
ON_BOTH(a_newcomer_is_turned_away_by_the_next_leader)

static void deleting_a_pipeline_stops_runs_elsewhere(enum world_store kind)
{
    struct pair p;
    struct said pipeline, run;
    if (!pair_open(&p, kind))
        return;
    world_start_run(&p.w[0], one_job, &pipeline, &run);
    for (int force = 0; force < 2; force++) {
        struct arc_cmd *cmd = world_cmd(&p.w[1], ARC_CMD_PIPELINE_DELETE);
        cmd->pipeline_id = world_text(cmd, pipeline.id);
        cmd->u.pipeline_delete.force = force;
        CHECK_STATUS(world_ask(&p.w[1], cmd).status, force ? ARC_OK : ARC_ECONFLICT);
    }
    CHECK(pair_await(&p, run.id, ARC_RUN_CANCELLED));
    CHECK_STATUS(world_ask(&p.w[0], world_trigger(&p.w[0], pipeline.id, "")).status, ARC_ENOTFOUND);
    world_check_events(&p.w[0]);
    pair_close(&p);
}
ON_BOTH(deleting_a_pipeline_stops_runs_elsewhere)

static void a_notice_is_told_by_one_of_them(enum world_store kind)
{
    static const char telling[] = "namespace: n\nnotify: {always: {plugin: mail}}\n"
                                  "jobs: [{name: a, steps: [{name: s, run: 'true'}]}]\n";
    struct pair p;
    struct said pipeline, run;
    const struct arc_row_outbox *row = NULL;
    int told = 0;
    if (!pair_open(&p, kind))
        return;
    for (int i = 0; i < 4; i++) {
        world_start_run(&p.w[i % 2], telling, &pipeline, &run);
        CHECK_OK(world_ask(&p.w[0], world_control(&p.w[0], ARC_CMD_RUN_STOP, run.id)).status);
    }
    for (int i = 0; i < 40; i++) {
        pair_pass(&p, PAIR_STEP);
        while (world_next_notice(&p.w[i % 2], &row) == ARC_OK)
            told++;
    }
    CHECK_INT(told, 4);
    CHECK_INT(world_count(&p.w[0], ARC_TABLE_outbox, ARC_COL_outbox_plugin, "mail"), 4);
    pair_close(&p);
}
ON_BOTH(a_notice_is_told_by_one_of_them)

/* --- memory that runs out --------------------------------------------------------------------- */

/* Time passes, and nobody minds what fails. */
static void weak_pass(struct pair *p, int times)
{
    for (int i = 0; i < times; i++) {
        for (int w = 0; w < 2; w++) {
            (void)arc__engine_dispatch(p->w[w].engine, p->w[w].now, 1000, NULL);
            p->w[w].now.mono_ns += (uint64_t)PAIR_STEP;
            p->w[w].now.wall_ns += PAIR_STEP;
        }
    }
}

/* Whatever it is offered ends well. */
static void work_off(struct pair *p, struct hand *hand, const char *run)
{
    for (int i = 0; i < 800; i++) {
        pair_pass(p, PAIR_STEP);
        (void)hand_take(hand, 1);
        if (hand->held_count > 0) {
            struct held held = hand->held[0];
            (void)hand_say(hand, &held, ARC_STEP_SUCCESS, 0); /* it may have been lost */
        }
        arc__arena_reset(&p->w[0].arena);
        if (world_run_col(&p->w[0], run, ARC_COL_pipeline_run_status) >= ARC_RUN_SUCCESS)
            return;
    }
}

/* A run of the first one, served by an agent that comes to the second, whose memory fails once. 1:
 * it came to that. */
static int weak_round(uint64_t fail_at)
{
    struct pair p;
    struct hand *hand = &p.hand;
    if (!pair_begin(&p, WORLD_MEM, 0, two_steps))
        return 0;
    pair_pass(&p, SECONDS(6));
    hand_leave(hand);
    hand->w = &p.w[1];
    struct test_mem *memory = &p.w[1].memory;
    memory->fail_at = memory->calls + fail_at;
    for (int i = 0; i < 3 && hand->session == NULL; i++)
        (void)arc__session_open(p.w[1].engine, arc__slice_cstr(hand->id), nothing, NULL,
                                &hand->session, NULL);
    weak_pass(&p, 16);
    struct arc_cmd *cmd = hand_report(hand, &hand->held[0], ARC_STEP_SUCCESS, 0);
    if (cmd != NULL)
        (void)arc__engine_submit(p.w[1].engine, cmd, NULL, NULL, NULL);
    weak_pass(&p, 24);
    int reached = memory->calls >= memory->fail_at;
    memory->fail_at = 0;
    hand_drop(hand, &hand->held[0]);
    if (hand->session == NULL)
        hand_connect(hand);
    work_off(&p, hand, p.run.id);
    CHECK_INT(world_run_col(&p.w[0], p.run.id, ARC_COL_pipeline_run_status), ARC_RUN_SUCCESS);
    pair_end(&p);
    return reached;
}

static void no_allocation_of_one_costs_the_other(void)
{
    uint64_t n = 1;
    while (weak_round(n) && CU_get_number_of_failures() == 0)
        n++;
    if (CU_get_number_of_failures() > 0)
        printf("# allocation %llu\n", (unsigned long long)n);
    CHECK(n > 50);
}

static const struct test tests[] = {
    {"a run is served by an agent at another process", a_run_is_served_by_an_agent_elsewhere_mem},
    {"SQLite: a run is served by an agent elsewhere", a_run_is_served_by_an_agent_elsewhere_sqlite},
    {"a later job of a run is served elsewhere as well",
     a_later_job_is_served_elsewhere_as_well_mem},
    {"SQLite: a later job is served elsewhere as well",
     a_later_job_is_served_elsewhere_as_well_sqlite},
    {"a run is stopped by another process", a_run_is_stopped_by_another_process_mem},
    {"SQLite: a run is stopped by another process", a_run_is_stopped_by_another_process_sqlite},
    {"what one process has answered the other knows", what_one_has_answered_the_other_knows_mem},
    {"SQLite: what one has answered the other knows", what_one_has_answered_the_other_knows_sqlite},
    {"news that comes while a run is read is read as well", news_while_a_run_is_read_is_read},
    {"who takes over reads what was doubted, and goes on", who_takes_over_reads_what_was_doubted},
    {"one of two answers that are awaited makes nobody busy", one_of_two_answers_makes_nobody_busy},
    {"a look at what is new is not begun again while it lasts",
     a_look_that_lasts_is_not_begun_again},
    {"a lease that has lapsed is lost, whoever writes meanwhile", a_lapsed_lease_stays_lapsed_mem},
    {"SQLite: a lease that has lapsed is lost", a_lapsed_lease_stays_lapsed_sqlite},
    {"so many leases stay lapsed over one lost turn", so_many_leases_stay_lapsed},
    {"a newcomer ends who waits, after a lost turn as well",
     a_newcomer_ends_who_waits_after_a_lost_turn_mem},
    {"SQLite: a newcomer ends who waits, after a lost turn",
     a_newcomer_ends_who_waits_after_a_lost_turn_sqlite},
    {"a requestId has one effect at both processes", a_request_has_one_effect_at_both_mem},
    {"SQLite: a requestId has one effect at both", a_request_has_one_effect_at_both_sqlite},
    {"an agent that reconnects elsewhere keeps its lease", an_agent_moves_with_its_lease_mem},
    {"SQLite: an agent that reconnects keeps its lease", an_agent_moves_with_its_lease_sqlite},
    {"a lease lapses where its agent came back to",
     a_lease_lapses_where_its_agent_came_back_to_mem},
    {"SQLite: a lease lapses where its agent came back to",
     a_lease_lapses_where_its_agent_came_back_to_sqlite},
    {"nobody loses a lease of an agent that has gone elsewhere",
     nobody_loses_a_lease_of_who_has_gone},
    {"who may have been replaced renews and offers nothing",
     who_may_have_been_replaced_says_nothing},
    {"who comes is given nothing that is another one's by now",
     who_comes_gets_nothing_that_is_another_ones_mem},
    {"SQLite: who comes is given nothing of another one",
     who_comes_gets_nothing_that_is_another_ones_sqlite},
    {"fences rise where the next process is an older one",
     fences_rise_where_the_next_process_is_older_mem},
    {"SQLite: fences rise where the next process is older",
     fences_rise_where_the_next_process_is_older_sqlite},
    {"what a silent process was home of is taken over", a_silent_home_is_taken_over_mem},
    {"SQLite: what a silent process had is taken over", a_silent_home_is_taken_over_sqlite},
    {"who takes over goes by what it has stored since it asked",
     who_takes_over_goes_by_what_it_has_stored},
    {"a process that was silent too long begins anew", one_that_was_silent_begins_anew_mem},
    {"SQLite: one that was silent begins anew", one_that_was_silent_begins_anew_sqlite},
    {"jobs that wait for a slot hide none that waits for an agent",
     what_waits_for_a_slot_hides_no_job_mem},
    {"SQLite: jobs that wait for a slot hide no other one",
     what_waits_for_a_slot_hides_no_job_sqlite},
    {"a full group turns a newcomer away when its leader is gone",
     a_newcomer_is_turned_away_by_the_next_leader_mem},
    {"SQLite: a full group turns away when its leader is gone",
     a_newcomer_is_turned_away_by_the_next_leader_sqlite},
    {"who deletes a pipeline stops its runs elsewhere",
     deleting_a_pipeline_stops_runs_elsewhere_mem},
    {"SQLite: deleting a pipeline stops runs elsewhere",
     deleting_a_pipeline_stops_runs_elsewhere_sqlite},
    {"a notice is told by one of two processes", a_notice_is_told_by_one_of_them_mem},
    {"SQLite: a notice is told by one of two", a_notice_is_told_by_one_of_them_sqlite},
    {"no allocation that fails costs the other process anything",
     no_allocation_of_one_costs_the_other},
    {"a concurrency group has its slots once", a_group_has_its_slots_once_mem},
    {"SQLite: a concurrency group has its slots once", a_group_has_its_slots_once_sqlite},
};
TEST_MAIN(tests)
