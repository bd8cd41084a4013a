/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that another process is the home of, as one knows them: late, or as they were. */
#include <stdio.h>

#include "pair.h"

static const char two_steps[] =
    "namespace: demo\njobs:\n"
    "- {name: build, steps: [{name: make, run: 'true'}, {name: test, run: 'true'}]}\n";

/* To the other process; its steps are its own there. */
static void go_to(struct pair *p, struct hand *hand, int to)
{
    struct arc_renewal renewal;
    int here = 0;
    hand_leave(hand);
    hand->w = &p->w[to];
    hand_connect(hand);
    for (int i = 0; i < 80 && !here; i++) {
        pair_pass(p, PAIR_STEP);
        CHECK_OK(hand_beat(hand, &renewal));
        here = renewal.renewed_count == hand->held_count;
    }
    CHECK(here);
}

/* An agent that registers at the other process when the home of the run has just read who there is,
 * and is given a job before the next time. */
static int given_to_a_stranger(struct pair *p, enum world_store kind)
{
    if (!pair_open(p, kind))
        return 0;
    pair_pass(p, SECONDS(1));
    CHECK(hand_join(&p->hand, &p->w[1], "a", "{}", 1));
    world_start_run(&p->w[0], two_steps, &p->pipeline, &p->run);
    CHECK_INT(pair_take(p, &p->hand), 1);
    return 1;
}

/* Then nothing happens to the run. */
static void one_that_is_not_known_yet_loses_no_lease(enum world_store kind)
{
    struct pair p;
    struct arc_renewal renewal;
    if (!given_to_a_stranger(&p, kind))
        return;
    for (int i = 0; i < 12; i++) { /* longer than a lease */
        pair_pass(&p, SECONDS(5));
        CHECK_OK(hand_beat(&p.hand, &renewal));
        CHECK_INT(renewal.renewed_count, 1);
    }
    pair_say(&p.hand, ARC_STEP_SUCCESS);
    pair_serve(&p, &p.hand);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_SUCCESS));
    pair_end(&p);
}
ON_BOTH(one_that_is_not_known_yet_loses_no_lease)

/* And it comes to the home of the run, where another one waits. */
static void one_that_was_not_known_yet_keeps_its_slot(enum world_store kind)
{
    struct pair p;
    if (!given_to_a_stranger(&p, kind))
        return;
    CHECK_OK(world_ask(&p.w[0], world_trigger(&p.w[0], p.pipeline.id, "")).status);
    pair_pass(&p, SECONDS(6));
    go_to(&p, &p.hand, 0);
    pair_pass(&p, SECONDS(2));
    CHECK_INT(hand_take(&p.hand, 1), 0);
    pair_end(&p);
}
ON_BOTH(one_that_was_not_known_yet_keeps_its_slot)

/* --- what agents push ------------------------------------------------------------------------- */

static struct arc_cmd *push(struct world *w, const struct hand *hand, uint64_t epoch, uint64_t seq)
{
    struct arc_cmd *cmd = world_cmd(w, ARC_CMD_EVENTS_PUSH);
    struct arc_agent_event_input *event = ARC_ARENA_NEW(&cmd->arena, struct arc_agent_event_input);
    *event = (struct arc_agent_event_input){.seq = seq,
                                            .event_id = arc__arena_printf(&cmd->arena, "e%llu-%llu",
                                                                          (unsigned long long)epoch,
                                                                          (unsigned long long)seq),
                                            .type = ARC_LIT("custom"),
                                            .payload = ARC_LIT("{}")};
    cmd->u.events.agent_id = world_text(cmd, hand->id);
    cmd->u.events.epoch = epoch;
    cmd->u.events.events = event;
    cmd->u.events.count = 1;
    return cmd;
}

static void begin_epoch(struct world *w, const struct hand *hand, uint64_t epoch)
{
    struct said said = world_ask(w, push(w, hand, epoch, 1));
    CHECK_OK(said.status);
    CHECK_INT(said.epoch, epoch);
    CHECK_INT(said.last_accepted, 1);
}

/* One of an epoch that is over was taken by nobody. */
static void check_over(struct pair *p, const struct hand *hand, const struct said *said)
{
    CHECK_OK(said->status);
    CHECK_INT(said->ack_status, 3);
    CHECK_INT(said->epoch, 2);
    CHECK_INT(world_count(&p->w[0], ARC_TABLE_agent_event, ARC_COL_agent_event_agent_id, hand->id),
              2);
}

/* A process asks what there is of an agent, and is answered when the agent has been elsewhere. */
static void what_an_agent_pushed_elsewhere_is_not_what_was_asked_before(void)
{
    struct pair p;
    struct hand hand;
    struct said late;
    if (!pair_open(&p, WORLD_MEM))
        return;
    CHECK(hand_join(&hand, &p.w[0], "a", "{}", 1));
    begin_epoch(&p.w[0], &hand, 1);
    pair_pass(&p, SECONDS(6)); /* each has read who there is */
    p.w[0].answers_late = WORLD_LATE_AGENT_EVENTS;
    world_submit(&p.w[0], push(&p.w[0], &hand, 1, 2), &late);
    pair_pass(&p, SECONDS(1));
    CHECK(p.w[0].late != NULL);
    go_to(&p, &hand, 1);
    begin_epoch(&p.w[1], &hand, 2);
    pair_pass(&p, SECONDS(1));
    CHECK_INT(late.times, 0);
    world_answer(&p.w[0]);
    pair_pass(&p, SECONDS(5));
    CHECK_INT(late.times, 1);
    check_over(&p, &hand, &late);
    hand_leave(&hand);
    pair_close(&p);
}

/* The agent has gone on elsewhere, and its former home has not heard of it. */
static void what_an_agent_pushes_late_to_its_former_home_is_late(enum world_store kind)
{
    struct pair p;
    struct hand hand;
    struct said late;
    if (!pair_open(&p, kind))
        return;
    CHECK(hand_join(&hand, &p.w[0], "a", "{}", 1));
    pair_pass(&p, SECONDS(6));
    begin_epoch(&p.w[0], &hand, 1);
    hand_leave(&hand);
    hand.w = &p.w[1];
    hand_connect(&hand);
    for (int i = 0; i < 4; i++)
        world_pass(&p.w[1], PAIR_STEP);
    begin_epoch(&p.w[1], &hand, 2);
    world_submit(&p.w[0], push(&p.w[0], &hand, 1, 2), &late);
    pair_pass(&p, SECONDS(5));
    CHECK_INT(late.times, 1);
    check_over(&p, &hand, &late);
    hand_leave(&hand);
    pair_close(&p);
}
ON_BOTH(what_an_agent_pushes_late_to_its_former_home_is_late)

/* Each of the two has something of it, and both wait for the store: neither takes it from the other
 * again and again. */
static void two_that_want_an_agent_take_turns(void)
{
    struct pair p;
    struct said said[2];
    if (!pair_begin(&p, WORLD_MEM, 0, two_steps))
        return;
    pair_pass(&p, SECONDS(6));
    for (int i = 1; i >= 0; i--) {
        p.w[i].answers_late = WORLD_LATE_EVENTS;
        world_submit(&p.w[i], push(&p.w[i], &p.hand, 1, 1), &said[i]);
        pair_pass(&p, SECONDS(1));
    }
    int64_t before =
        world_count(&p.w[0], ARC_TABLE_event, ARC_COL_event_type, "arcentra.agent.online");
    for (int i = 0; i < 32; i++) {
        pair_pass(&p, PAIR_STEP);
        world_tell(&p.w[0]);
        world_tell(&p.w[1]);
    }
    int64_t moves =
        world_count(&p.w[0], ARC_TABLE_event, ARC_COL_event_type, "arcentra.agent.online") - before;
    CHECK(moves > 0 && moves < 8);
    for (int i = 0; i < 2; i++)
        world_answer(&p.w[i]);
    pair_pass(&p, SECONDS(6));
    for (int i = 0; i < 2; i++) {
        CHECK_INT(said[i].times, 1);
        CHECK_OK(said[i].status);
    }
    pair_end(&p);
}

static int64_t count_losses(struct pair *p)
{
    return world_count(&p->w[0], ARC_TABLE_event, ARC_COL_event_type, "arcentra.step.retrying");
}

/* Something that it had said long ago comes to the other process, and its home does not hear of
 * that for a while. What it is promised there holds, though it is cut off then. */
static void what_a_former_home_renews_holds(enum world_store kind)
{
    struct pair p;
    struct arc_renewal renewal;
    struct said stray;
    if (!pair_begin(&p, kind, 0, two_steps))
        return;
    pair_pass(&p, SECONDS(6));
    p.w[0].answers_late = WORLD_LATE_INBOX;
    world_submit(&p.w[1], push(&p.w[1], &p.hand, 1, 1), &stray);
    for (int i = 0; i < 24; i++) {
        pair_pass(&p, PAIR_STEP);
        CHECK_OK(hand_beat(&p.hand, &renewal));
        CHECK_INT(renewal.renewed_count, 1);
    }
    CHECK_INT(stray.times, 1); /* it is at the other one since */
    pair_pass(&p, renewal.ttl_ns - PAIR_STEP);
    CHECK_INT(count_losses(&p), 0);
    pair_pass(&p, SECONDS(12));
    CHECK_INT(count_losses(&p), 1);
    world_answer(&p.w[0]);
    pair_end(&p);
}
ON_BOTH(what_a_former_home_renews_holds)

/* --- incarnations ----------------------------------------------------------------------------- */

/* The word of the process before was on its way, and comes to where nobody had heard the next one.
 */
static void who_was_followed_elsewhere_is_late_here_too(enum world_store kind)
{
    struct pair p;
    struct hand hand;
    struct said pipeline, run;
    struct arc_renewal renewal;
    if (!pair_open(&p, kind))
        return;
    CHECK(hand_join(&hand, &p.w[0], "a", "{}", 1));
    pair_pass(&p, SECONDS(6));
    (void)snprintf(hand.incarnation, sizeof(hand.incarnation), "i2");
    struct arc_cmd *next = world_register(&p.w[1], hand.token, "a", "{}");
    next->u.agent.incarnation = world_text(next, "i2");
    struct said said = {0};
    world_submit(&p.w[1], next, &said);
    pair_pass(&p, SECONDS(6));
    CHECK_OK(said.status);
    go_to(&p, &hand, 1);
    world_start_run(&p.w[1], two_steps, &pipeline, &run);
    CHECK_INT(pair_take(&p, &hand), 1);
    CHECK_STATUS(world_ask(&p.w[0], world_register(&p.w[0], hand.token, "a", "{}")).status,
                 ARC_ECONFLICT);
    pair_pass(&p, SECONDS(2));
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.renewed_count, 1);
    hand_leave(&hand);
    pair_close(&p);
}
ON_BOTH(who_was_followed_elsewhere_is_late_here_too)

/* --- old states ------------------------------------------------------------------------------- */

static const char gated[] =
    "namespace: demo\njobs:\n"
    "- {name: build, steps: [{name: make, run: 'true'}]}\n"
    "- {name: ship, dependsOn: [build], approval: {required: true, timeout: 1h},\n"
    "   steps: [{name: put, run: 'true'}]}\n";

/* It served a job of a run, whose home goes on with it, tells nobody, as nobody else has a job of
 * it by then, and is gone. */
static void who_takes_over_knows_how_things_stand(enum world_store kind)
{
    struct pair p;
    if (!pair_begin(&p, kind, 1, gated))
        return;
    pair_say(&p.hand, ARC_STEP_SUCCESS);
    pair_pass(&p, SECONDS(2));
    CHECK_OK(world_ask(&p.w[0], world_control(&p.w[0], ARC_CMD_RUN_STOP, p.run.id)).status);
    CHECK(pair_await(&p, p.run.id, ARC_RUN_CANCELLED));
    world_end_engine(&p.w[0]);
    pair_pass(&p, SECONDS(20));
    const struct arc_run *live = arc__engine_live_run(p.w[1].engine, arc__slice_cstr(p.run.id));
    CHECK(live == NULL || live->status == ARC_RUN_CANCELLED);
    pair_end(&p);
}
ON_BOTH(who_takes_over_knows_how_things_stand)

/* The first one stands still until its agent's step has another holder at the other one, who has
 * said something. What its agent says then is of an attempt that is over: nothing of it comes
 * behind the lines of the next one, neither lines nor how many were lost. */
static void an_old_state_adds_nothing_to_a_log(void)
{
    struct pair p;
    struct hand next;
    struct arc_log_info info = {0};
    if (!pair_open(&p, WORLD_MEM))
        return;
    pair_pass(&p, SECONDS(1));
    CHECK(hand_join(&p.hand, &p.w[0], "a", "{}", 1));
    world_start_run(&p.w[0], two_steps, &p.pipeline, &p.run);
    CHECK_INT(pair_take(&p, &p.hand), 1);
    for (int i = 0; i < 60; i++)
        world_pass(&p.w[1], SECONDS(1));
    CHECK(hand_join(&next, &p.w[1], "b", "{}", 1));
    for (int i = 0; i < 80 && hand_take(&next, 1) == 0; i++)
        world_pass(&p.w[1], PAIR_STEP);
    if (CHECK_INT(next.held_count, 1))
        CHECK_INT(next.held[0].attempt, 2);
    CHECK_OK(pair_log(next.w, &next, 1));
    CHECK_STATUS(pair_log(p.hand.w, &p.hand, 1), ARC_EPRECONDITION);
    struct arc_cmd *cmd = hand_report(&p.hand, &p.hand.held[0], ARC_STEP_SUCCESS, 0);
    struct said said = {0};
    cmd->u.report.log_lines = 3;
    world_submit(&p.w[0], cmd, &said);
    pair_pass(&p, SECONDS(10));
    CHECK_STATUS(said.status, ARC_EPRECONDITION);
    CHECK_OK(arc__engine_log_info(p.w[1].engine, arc__slice_cstr(p.run.id),
                                  arc__slice_cstr(next.held[0].id), &info, NULL));
    CHECK_INT(info.lines, 1);
    hand_leave(&next);
    pair_end(&p);
}

/* --- notes ------------------------------------------------------------------------------------ */

static void put_done(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    (void)shift;
    (void)err;
    *(arc_status *)user = status;
}

static void put_note(struct pair *p, const char *id, const char *addressee)
{
    arc_status done = ARC_EAGAIN;
    const struct arc_row_inbox note = {.id = arc__slice_cstr(id),
                                       .addressee = arc__slice_cstr(addressee),
                                       .run_id = arc__slice_cstr(p->run.id)};
    const struct arc_store_op op = {ARC_STORE_PUT, ARC_TABLE_inbox, &note, 0};
    const struct arc_store_batch batch = {&op, 1, 0};
    CHECK_OK(p->w[0].store->ops->commit(p->w[0].store, &batch, put_done, &done, NULL));
    CHECK_OK(done);
}

/* Who wrote it has a clock that is far behind that of the leader. */
static void a_note_waits_for_whom_it_is_for(void)
{
    struct pair p;
    if (!pair_open(&p, WORLD_MEM))
        return;
    pair_pass(&p, SECONDS(1)); /* the first one leads */
    CHECK(hand_join(&p.hand, &p.w[1], "a", "{}", 1));
    world_start_run(&p.w[0], two_steps, &p.pipeline, &p.run);
    CHECK_INT(pair_take(&p, &p.hand), 1);
    pair_pass(&p, SECONDS(6)); /* each knows of the agent */
    put_note(&p, "00000000000000000000000001", p.hand.id);
    put_note(&p, "00000000000000000000000002", "01HF7YAT00NOBODYKNOWSTHIS1");
    for (int i = 0; i < 4; i++)
        world_pass(&p.w[0], SECONDS(1));
    CHECK_INT(world_count(&p.w[0], ARC_TABLE_inbox, ARC_COL_inbox_run_id, p.run.id), 1);
    CHECK_INT(world_count(&p.w[0], ARC_TABLE_inbox, ARC_COL_inbox_addressee, p.hand.id), 1);
    pair_pass(&p, SECONDS(2));
    CHECK_INT(world_count(&p.w[0], ARC_TABLE_inbox, ARC_COL_inbox_run_id, p.run.id), 0);
    pair_end(&p);
}

static const struct test tests[] = {
    {"an agent that is not known yet loses no lease", one_that_is_not_known_yet_loses_no_lease_mem},
    {"SQLite: one that is not known yet loses no lease",
     one_that_is_not_known_yet_loses_no_lease_sqlite},
    {"an agent that was not known yet keeps its slot",
     one_that_was_not_known_yet_keeps_its_slot_mem},
    {"SQLite: one that was not known yet keeps its slot",
     one_that_was_not_known_yet_keeps_its_slot_sqlite},
    {"what an agent pushed elsewhere is asked for when it is back",
     what_an_agent_pushed_elsewhere_is_not_what_was_asked_before},
    {"what an agent pushes late to its former home is late",
     what_an_agent_pushes_late_to_its_former_home_is_late_mem},
    {"SQLite: what is pushed late to a former home is late",
     what_an_agent_pushes_late_to_its_former_home_is_late_sqlite},
    {"what a former home renews holds", what_a_former_home_renews_holds_mem},
    {"SQLite: what a former home renews holds", what_a_former_home_renews_holds_sqlite},
    {"two processes that want an agent take turns", two_that_want_an_agent_take_turns},
    {"whose process was followed elsewhere is late here too",
     who_was_followed_elsewhere_is_late_here_too_mem},
    {"SQLite: who was followed elsewhere is late here too",
     who_was_followed_elsewhere_is_late_here_too_sqlite},
    {"who takes over knows how the runs stand that it had",
     who_takes_over_knows_how_things_stand_mem},
    {"SQLite: who takes over knows how the runs stand",
     who_takes_over_knows_how_things_stand_sqlite},
    {"an old state adds nothing to a log", an_old_state_adds_nothing_to_a_log},
    {"a note waits for whom it is for, whatever the clocks say", a_note_waits_for_whom_it_is_for},
};
TEST_MAIN(tests)
