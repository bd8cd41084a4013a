/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is said before it is durable, and what was not stored has not happened. The store is the
 * one in memory, made slow, wrong or forgetful through its fault hook. */
#include "world.h"

#include <stdio.h>

static const char one_job[] = "namespace: demo\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";

struct faults {
    uint32_t hold;           /* rounds that commits are held */
    uint32_t hold_pipelines; /* and queries for pipelines */
    int commits, queries;    /* how many of each fail from now on; -1: all */
    enum arc_store_fault_kind kind;
    arc_status status;
    uint64_t asked;
};

static void decide_fault(void *user, const struct arc_store_batch *batch,
                         const struct arc_query *query, struct arc_store_fault *fault)
{
    struct faults *faults = user;
    int *left = batch != NULL ? &faults->commits : &faults->queries;
    faults->asked++;
    if (batch != NULL)
        fault->held_rounds = faults->hold;
    if (query != NULL && query->table == ARC_TABLE_pipeline)
        fault->held_rounds = faults->hold_pipelines;
    if (*left == 0)
        return;
    if (*left > 0)
        (*left)--;
    fault->kind = faults->kind;
    fault->status = faults->status;
}

static int open_with(struct world *w, struct faults *faults)
{
    *faults = (struct faults){.kind = ARC_STORE_FAULT_FAIL};
    if (!world_open(w, WORLD_MEM))
        return 0;
    arc__store_mem_set_fault(w->store, decide_fault, faults);
    return 1;
}

static void count_notice(void *user)
{
    ++*(int *)user;
}

static struct arc_event_watch *watch_all(struct world *w, int64_t after, int *notices)
{
    struct arc_event_watch *watch = NULL;
    struct arc_watch_filter filter = {.after = after};
    CHECK_OK(arc__event_watch_open(w->engine, &filter, count_notice, notices, &watch, NULL));
    return watch;
}

/* How many events there are now; they must follow each other without a gap after *position. */
static int drain(struct arc_event_watch *watch, int64_t *position)
{
    const struct arc_event *event = NULL;
    int count = 0;
    while (arc__event_watch_next(watch, &event, NULL) == ARC_OK) {
        CHECK_INT(event->position, *position + 1);
        *position = event->position;
        count++;
    }
    return count;
}

static void nothing_is_said_while_the_commit_is_held(void)
{
    struct world w;
    struct faults faults;
    struct said said;
    int notices = 0;
    int64_t position = 0;
    if (!open_with(&w, &faults))
        return;
    struct arc_event_watch *watch = watch_all(&w, -1, &notices);
    faults.hold = 3;
    world_submit(&w, world_create(&w, "p", one_job), &said);
    for (int i = 0; i < 3; i++) {
        world_turn(&w);
        CHECK_INT(said.times, 0);
        CHECK_INT(notices, 0);
        CHECK_INT(drain(watch, &position), 0);
        CHECK_INT(arc__engine_position(w.engine), 0);
        CHECK(arc__engine_deadline(w.engine) == UINT64_MAX); /* the store wakes the host */
    }
    world_turn(&w);
    CHECK_INT(said.times, 1);
    CHECK_OK(said.status);
    CHECK_INT(notices, 1);
    CHECK_INT(drain(watch, &position), 1);
    arc__event_watch_close(watch);
    world_close(&w);
}

static void nothing_is_offered_while_the_commit_is_held(void)
{
    struct world w;
    struct faults faults;
    struct hand hand;
    struct said run;
    struct arc_renewal renewal;
    if (!open_with(&w, &faults) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", one_job));
    faults.hold = 2;
    world_submit(&w, world_trigger(&w, pipeline.id, ""), &run);
    world_turn(&w);
    hand.notices = 0;
    CHECK_INT(hand_take(&hand, 1), 0);
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.cancel_count, 0);
    CHECK_INT(run.times, 0);
    CHECK_INT(hand.notices, 0);
    world_turn(&w);
    world_turn(&w);
    CHECK_INT(run.times, 1);
    CHECK_INT(hand.notices, 1);
    CHECK_INT(hand_take(&hand, 1), 1);
    /* the end of the step, held: its lease is neither renewed nor lost, the run not seen as over */
    struct said end;
    struct held held = hand.held[0];
    world_submit(&w, hand_report(&hand, &held, ARC_STEP_SUCCESS, 0), &end);
    world_turn(&w);
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.lost_count, 0);
    CHECK(arc__engine_live_run(w.engine, arc__slice_cstr(run.id)) == NULL);
    world_turn(&w);
    world_turn(&w);
    CHECK_INT(end.times, 1);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_close(&w);
}

static void a_failed_commit_changes_nothing(void)
{
    struct world w;
    struct faults faults;
    int notices = 0;
    int64_t position = 0;
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    if (!open_with(&w, &faults))
        return;
    struct arc_event_watch *watch = watch_all(&w, -1, &notices);
    faults.commits = 1;
    struct said said = world_ask(&w, world_create(&w, "p", one_job));
    CHECK_STATUS(said.status, ARC_EUNAVAILABLE);
    CHECK_INT(strlen(said.id), 0);
    CHECK_INT(drain(watch, &position), 0);
    CHECK_INT(notices, 0);
    arc__engine_stats(w.engine, &stats);
    CHECK_INT(stats.events, 0);
    world_pass(&w, SECONDS(1));
    said = world_ask(&w, world_create(&w, "p", one_job));
    CHECK_OK(said.status);
    CHECK_INT(drain(watch, &position), 1);
    world_check_events(&w);
    arc__event_watch_close(watch);
    world_close(&w);
}

static void a_failed_trigger_leaves_no_run(void)
{
    struct world w;
    struct faults faults;
    if (!open_with(&w, &faults))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", one_job));
    faults.commits = 1;
    struct said run = world_ask(&w, world_trigger(&w, pipeline.id, "r1"));
    CHECK_STATUS(run.status, ARC_EUNAVAILABLE);
    world_pass(&w, SECONDS(1));
    CHECK_INT(
        world_count(&w, ARC_TABLE_pipeline_run, ARC_COL_pipeline_run_pipeline_id, pipeline.id), 0);
    run = world_ask(&w, world_trigger(&w, pipeline.id, "r1"));
    CHECK_OK(run.status);
    CHECK_INT(run.duplicate, 0);
    CHECK_INT(world_run_col(&w, run.id, ARC_COL_pipeline_run_number), 1);
    world_check_events(&w);
    world_close(&w);
}

static void a_refusal_of_a_lost_turn_is_not_said(void)
{
    struct world w;
    struct faults faults;
    struct said pipeline, run, stop, pause;
    if (!open_with(&w, &faults))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    faults.commits = 1;
    world_submit(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id), &stop);
    world_submit(&w, world_control(&w, ARC_CMD_RUN_PAUSE, run.id), &pause);
    world_turn(&w);
    CHECK_STATUS(stop.status, ARC_EUNAVAILABLE);
    CHECK_STATUS(pause.status, ARC_EUNAVAILABLE); /* "being stopped" would have been untrue */
    world_pass(&w, SECONDS(1));
    pause = world_ask(&w, world_control(&w, ARC_CMD_RUN_PAUSE, run.id));
    CHECK_OK(pause.status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PAUSED);
    world_close(&w);
}

static void a_store_that_is_away_costs_no_lease(void)
{
    struct world w;
    struct faults faults;
    struct hand hand;
    struct said pipeline, run;
    struct arc_renewal renewal;
    struct arc_log_batch lines = {.attempt = 1, .stream = ARC_LOG_STDOUT, .text = ARC_LIT("x\n")};
    if (!open_with(&w, &faults) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
    faults.commits = faults.queries = -1;
    struct said end = world_ask(&w, hand_report(&hand, &held, ARC_STEP_SUCCESS, 0));
    CHECK_STATUS(end.status, ARC_EUNAVAILABLE);
    lines.agent_id = arc__slice_cstr(hand.id);
    lines.step_run_id = arc__slice_cstr(held.id);
    lines.fence = held.fence;
    for (int i = 0; i < 6; i++) { /* longer than any lease */
        faults.asked = 0;
        world_pass(&w, SECONDS(10));
        CHECK(faults.asked < 200); /* it is asked now and then, not without end */
        CHECK_OK(hand_beat(&hand, &renewal));
        CHECK_INT(renewal.renewed_count, 0); /* nobody knows: its end may be stored already */
        CHECK_INT(renewal.lost_count, 0);
        CHECK_STATUS(arc__engine_log_append(w.engine, &lines, NULL), ARC_EUNAVAILABLE);
        CHECK_STATUS(arc__engine_health(w.engine, NULL), ARC_EUNAVAILABLE);
    }
    struct said other;
    world_submit(&w, world_create(&w, "q", NULL), &other);
    world_pass(&w, SECONDS(1));
    CHECK_STATUS(other.status, ARC_EUNAVAILABLE); /* rather than waiting for ever */
    faults.commits = faults.queries = 0;
    world_pass(&w, SECONDS(1));
    CHECK_OK(arc__engine_health(w.engine, NULL));
    CHECK_OK(arc__engine_log_append(w.engine, &lines, NULL));
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_SUCCESS, 0).status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    world_check_events(&w);
    hand_leave(&hand);
    world_close(&w);
}

static void every_run_comes_back_after_a_stumbling_recovery(void)
{
    struct world w;
    struct faults faults;
    struct hand hand;
    struct said pipeline, run[4];
    if (!open_with(&w, &faults))
        return;
    pipeline = world_ask(&w, world_create(&w, "p", one_job));
    for (size_t i = 0; i < ARC_COUNT_OF(run); i++) {
        struct arc_cmd *cmd = world_trigger(&w, pipeline.id, "");
        world_submit(&w, cmd, &run[i]);
    }
    world_turn(&w);
    /* all of them are touched by one turn that fails, and each read of the recovery stumbles once
     */
    struct said stop[4];
    faults.commits = 1;
    for (size_t i = 0; i < ARC_COUNT_OF(run); i++)
        world_submit(&w, world_control(&w, ARC_CMD_RUN_PAUSE, run[i].id), &stop[i]);
    world_turn(&w);
    for (int i = 0; i < 12; i++) {
        faults.queries = 0;
        w.now.mono_ns += 300000000;
        w.now.wall_ns += 300000000;
        /* the i-th query of this attempt fails */
        faults.kind = ARC_STORE_FAULT_FAIL;
        faults.queries = i % 2 == 0 ? 1 : 0;
        CHECK_OK(arc__engine_dispatch(w.engine, w.now, 100, NULL));
    }
    faults.queries = 0;
    world_pass(&w, SECONDS(2));
    if (hand_join(&hand, &w, "a", "{}", 8)) {
        hand_work(&hand);
        hand_leave(&hand);
    }
    for (size_t i = 0; i < ARC_COUNT_OF(run); i++) {
        CHECK_STATUS(stop[i].status, ARC_EUNAVAILABLE);
        CHECK_INT(world_run_status(&w, run[i].id), ARC_RUN_SUCCESS);
    }
    world_check_events(&w);
    world_close(&w);
}

static void a_lost_answer_of_the_store_is_found_out(void)
{
    struct world w;
    struct faults faults;
    int notices = 0;
    int64_t position = 0;
    if (!open_with(&w, &faults))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", one_job));
    struct arc_event_watch *watch = watch_all(&w, 0, &notices);
    CHECK_INT(drain(watch, &position), 1);
    faults.kind = ARC_STORE_FAULT_LOSE;
    faults.commits = 1;
    notices = 0;
    struct said run = world_ask(&w, world_trigger(&w, pipeline.id, "once"));
    CHECK_STATUS(run.status, ARC_EUNAVAILABLE);
    world_pass(&w, SECONDS(1));
    CHECK_INT(notices, 1);
    CHECK_INT(drain(watch, &position), 2); /* triggered, queued: they are durable after all */
    run = world_ask(&w, world_trigger(&w, pipeline.id, "once"));
    CHECK_OK(run.status);
    CHECK_INT(run.duplicate, 1);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PENDING);
    CHECK_INT(run.state, ARC_RUN_PENDING);
    struct said pause = world_ask(&w, world_control(&w, ARC_CMD_RUN_PAUSE, run.id));
    CHECK_OK(pause.status);
    CHECK_INT(drain(watch, &position), 1);
    world_check_events(&w);
    arc__event_watch_close(watch);
    world_close(&w);
}

static void a_conflict_is_decided_one_by_one(void)
{
    struct world w;
    struct faults faults;
    struct said said[5];
    if (!open_with(&w, &faults))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", one_job));
    struct said other = world_ask(&w, world_create(&w, "q", one_job));
    /* the same request twice in one turn: the second key is there already when it is stored */
    world_submit(&w, world_trigger(&w, other.id, ""), &said[0]);
    world_submit(&w, world_trigger(&w, pipeline.id, "same"), &said[1]);
    world_submit(&w, world_trigger(&w, pipeline.id, "same"), &said[2]);
    world_submit(&w, world_trigger(&w, other.id, ""), &said[3]);
    struct arc_cmd *different = world_trigger(&w, pipeline.id, "same");
    different->u.trigger.branch = ARC_LIT("other");
    world_submit(&w, different, &said[4]);
    world_turn(&w);
    for (size_t i = 0; i < 4; i++) {
        CHECK_INT(said[i].times, 1);
        CHECK_OK(said[i].status);
        CHECK_INT(said[i].duplicate, i == 2);
    }
    CHECK_STATUS(said[4].status, ARC_ECONFLICT);
    CHECK_TEXT(arc__slice_cstr(said[2].id), said[1].id);
    CHECK_INT(
        world_count(&w, ARC_TABLE_pipeline_run, ARC_COL_pipeline_run_pipeline_id, pipeline.id), 1);
    CHECK_INT(world_count(&w, ARC_TABLE_pipeline_run, ARC_COL_pipeline_run_pipeline_id, other.id),
              2);
    world_check_events(&w);
    world_close(&w);
}

static void a_failed_registration_leaves_nobody(void)
{
    struct world w;
    struct faults faults;
    struct hand hand;
    struct arc_agent_view view;
    size_t at = 0;
    if (!open_with(&w, &faults))
        return;
    struct said token = world_ask(&w, world_token(&w, 1, 1));
    faults.commits = 1;
    struct said said = world_ask(&w, world_register(&w, token.secret, "a", "{}"));
    CHECK_STATUS(said.status, ARC_EUNAVAILABLE);
    CHECK_INT(strlen(said.secret), 0);
    world_pass(&w, SECONDS(1));
    CHECK_INT(arc__engine_next_agent(w.engine, &at, &view), 0);
    /* and its one use of the token was none */
    said = world_ask(&w, world_register(&w, token.secret, "a", "{}"));
    CHECK_OK(said.status);
    said = world_ask(&w, world_register(&w, token.secret, "b", "{}"));
    CHECK_STATUS(said.status, ARC_EUNAUTHENTICATED);
    /* an unregistration that failed leaves it where it was */
    if (hand_join(&hand, &w, "c", "{}", 1)) {
        faults.commits = 1;
        struct arc_cmd *cmd = world_cmd(&w, ARC_CMD_AGENT_UNREGISTER);
        memcpy(cmd->principal.id, hand.id, sizeof(hand.id));
        CHECK_STATUS(world_ask(&w, cmd).status, ARC_EUNAVAILABLE);
        world_pass(&w, SECONDS(1));
        struct arc_principal principal;
        CHECK_OK(arc__engine_authenticate(w.engine, arc__slice_cstr(hand.token), &principal, NULL));
        hand_leave(&hand);
    }
    world_check_events(&w);
    world_close(&w);
}

static void presence_is_told_once_it_is_stored(void)
{
    struct world w;
    struct faults faults;
    if (!open_with(&w, &faults))
        return;
    struct said token = world_ask(&w, world_token(&w, 1, 0));
    struct said said;
    world_submit(&w, world_register(&w, token.secret, "a", "{}"), &said);
    CHECK_OK(arc__engine_dispatch(w.engine, w.now, 1, NULL));
    faults.commits = 1; /* of the sweep that says "online" */
    world_pass(&w, SECONDS(2));
    CHECK_INT(world_count(&w, ARC_TABLE_event, ARC_COL_event_type, "arcentra.agent.online"), 1);
    world_check_events(&w);
    world_close(&w);
}

static void pushed_events_of_a_failed_commit_come_again(void)
{
    struct world w;
    struct faults faults;
    struct hand hand;
    if (!open_with(&w, &faults) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    for (int i = 0; i < 2; i++) {
        struct arc_cmd *cmd = world_cmd(&w, ARC_CMD_EVENTS_PUSH);
        struct arc_agent_event_input *event =
            ARC_ARENA_NEW(&cmd->arena, struct arc_agent_event_input);
        *event = (struct arc_agent_event_input){
            .seq = 1, .event_id = ARC_LIT("e1"), .type = ARC_LIT("x"), .payload = ARC_LIT("{}")};
        cmd->u.events.agent_id = world_text(cmd, hand.id);
        cmd->u.events.events = event;
        cmd->u.events.count = 1;
        cmd->u.events.epoch = 7;
        faults.commits = i == 0;
        struct said said = world_ask(&w, cmd);
        CHECK_STATUS(said.status, i == 0 ? ARC_EUNAVAILABLE : ARC_OK);
        if (i == 1) {
            CHECK_INT(said.ack_status, 1);
            CHECK_INT(said.last_accepted, 1);
        }
        world_pass(&w, SECONDS(1));
    }
    CHECK_INT(world_count(&w, ARC_TABLE_agent_event, ARC_COL_agent_event_event_id, "e1"), 1);
    hand_leave(&hand);
    world_close(&w);
}

static void a_closed_engine_forgets_what_was_held(void)
{
    struct world w;
    struct faults faults;
    struct said said, waiting;
    if (!open_with(&w, &faults))
        return;
    faults.hold = 1000;
    world_submit(&w, world_create(&w, "p", one_job), &said);
    world_turn(&w);
    world_submit(&w, world_create(&w, "q", one_job), &waiting);
    /* the store's own close ends what it holds, so it goes with the engine here */
    CHECK_INT(arc__store_mem_held(w.store), 1);
    w.store->ops->close(w.store);
    w.store = NULL;
    world_close(&w);
    CHECK_INT(said.times, 0);
    CHECK_INT(waiting.times, 0);
}

static void a_store_that_is_gone_is_the_hosts_to_hear(void)
{
    static const arc_status ways[] = {ARC_EIO, ARC_EINTERNAL};
    for (size_t i = 0; i < ARC_COUNT_OF(ways); i++) {
        struct world w;
        struct faults faults;
        struct said said;
        arc_err err = ARC_ERR_INIT;
        if (!open_with(&w, &faults))
            return;
        faults.commits = 1;
        faults.status = ways[i];
        world_submit(&w, world_create(&w, "p", one_job), &said);
        CHECK_STATUS(arc__engine_dispatch(w.engine, w.now, 10, &err), ways[i]);
        CHECK_STATUS(said.status, ARC_EUNAVAILABLE);
        CHECK_INT(arc__engine_fault(w.engine) != NULL, ways[i] == ARC_EINTERNAL);
        if (ways[i] == ARC_EINTERNAL)
            CHECK_STATUS(arc__engine_dispatch(w.engine, w.now, 10, &err), ARC_EINTERNAL);
        world_close(&w);
    }
}

/* Somebody else may have the step as soon as its end is stored. */
static void a_lease_whose_end_is_being_stored_is_not_renewed(void)
{
    struct world w;
    struct hand hand;
    struct faults faults;
    struct said pipeline, run;
    struct arc_renewal renewal;
    if (!open_with(&w, &faults) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_RUNNING, 0).status);
    faults.hold = 3;
    w.now.mono_ns += (uint64_t)SECONDS(31);
    w.now.wall_ns += SECONDS(31);
    CHECK_OK(arc__engine_dispatch(w.engine, w.now, 1000, NULL)); /* the lease has lapsed */
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.renewed_count, 0);
    CHECK_INT(renewal.lost_count, 0); /* nor is it said before it is stored */
    for (int i = 0; i < 4; i++)
        CHECK_OK(arc__engine_dispatch(w.engine, w.now, 1000, NULL));
    faults.hold = 0;
    world_turn(&w);
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.lost_count, 1);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    hand_leave(&hand);
    world_close(&w);
}

/* However often it is dispatched while its pipeline is being read. */
static void a_run_is_read_once(void)
{
    struct world w;
    struct hand hand;
    struct faults faults;
    struct said pipeline, run;
    uint64_t calls = 0;
    if (!open_with(&w, &faults) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    hand_leave(&hand);
    world_end_engine(&w);
    faults.hold_pipelines = 60;
    CHECK_OK(world_start_engine(&w, NULL));
    for (int i = 0; i < 40; i++) {
        CHECK_OK(arc__engine_dispatch(w.engine, w.now, 1000, NULL));
        CHECK_STATUS(arc__engine_health(w.engine, NULL), ARC_EUNAVAILABLE);
        if (i == 10)
            calls = w.memory.calls;
    }
    CHECK_INT(w.memory.calls, calls);
    faults.hold_pipelines = 0;
    for (int i = 0; i < 40; i++)
        CHECK_OK(arc__engine_dispatch(w.engine, w.now, 1000, NULL));
    hand_connect(&hand);
    world_turn(&w);
    hand_work(&hand);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_close(&w);
}

static arc_status full_health(struct arc_store *store, arc_err *err)
{
    (void)store;
    return arc__fail(err, ARC_ELIMIT, ARC_STORE_FULL, "The last room is in use.");
}

static arc_status log_health(struct arc_store *store, arc_err *err)
{
    (void)store;
    return arc__fail(err, ARC_ELIMIT, ARC_STORE_LOG, "A log is long.");
}

/* The store writes, and says that it has little room left. */
static void a_full_store_ends_runs_and_begins_none(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, WORLD_MEM))
        return;
    const struct arc_store_ops *usual = w.store->ops;
    struct arc_store_ops limited = *usual;
    w.store->ops = &limited;
    CHECK(hand_join(&hand, &w, "a", "", 1));
    world_start_run(&w, one_job, &pipeline, &run);
    limited.health = log_health;
    CHECK_OK(arc__engine_health(w.engine, NULL));
    CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, "once")).status);
    limited.health = full_health;
    CHECK_STATUS(arc__engine_health(w.engine, &err), ARC_ELIMIT);
    CHECK_TEXT(arc__slice_cstr(err.message), "The last room is in use.");
    struct said refused = world_ask(&w, world_trigger(&w, pipeline.id, "twice"));
    CHECK_STATUS(refused.status, ARC_ELIMIT);
    struct arc_cmd *cmd = world_trigger(&w, "", "");
    cmd->u.trigger.definition = world_definition(cmd, one_job);
    CHECK_STATUS(world_ask(&w, cmd).status, ARC_ELIMIT);
    CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, "once")).status); /* it is there */
    hand_work(&hand);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    CHECK_INT(w.logged, 2); /* once each, however many commits */
    limited.health = usual->health;
    CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, "twice")).status);
    CHECK_INT(w.logged, 3);
    hand_leave(&hand);
    world_close(&w);
}

static const struct test tests[] = {
    {"nothing is said while the commit is held", nothing_is_said_while_the_commit_is_held},
    {"nothing is offered or shown while the commit is held",
     nothing_is_offered_while_the_commit_is_held},
    {"a commit that fails changes nothing, and the next try works",
     a_failed_commit_changes_nothing},
    {"a trigger whose commit failed leaves no run", a_failed_trigger_leaves_no_run},
    {"a refusal that rests on a lost turn is not said", a_refusal_of_a_lost_turn_is_not_said},
    {"a store that is away costs no lease and no spinning", a_store_that_is_away_costs_no_lease},
    {"a lease whose end is being stored is in neither list",
     a_lease_whose_end_is_being_stored_is_not_renewed},
    {"a run is read once, however long its pipeline takes", a_run_is_read_once},
    {"every run comes back after a recovery that stumbled",
     every_run_comes_back_after_a_stumbling_recovery},
    {"a commit whose answer was lost is found out and told",
     a_lost_answer_of_the_store_is_found_out},
    {"after a conflict each command is decided on its own", a_conflict_is_decided_one_by_one},
    {"a registration whose commit failed leaves nobody", a_failed_registration_leaves_nobody},
    {"an agent's presence is told once, also after a failed commit",
     presence_is_told_once_it_is_stored},
    {"pushed events of a failed commit are taken when they come again",
     pushed_events_of_a_failed_commit_come_again},
    {"a store that is gone is for the host to hear", a_store_that_is_gone_is_the_hosts_to_hear},
    {"a store with little room ends runs and begins none", a_full_store_ends_runs_and_begins_none},
    {"an engine that is closed forgets what was held", a_closed_engine_forgets_what_was_held},
};
TEST_MAIN(tests)
