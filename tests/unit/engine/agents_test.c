/* SPDX-License-Identifier: Apache-2.0 */
/* Registration, presence, leases, placement and the channel to an agent. */
#include "world.h"

#include <stdio.h>

static const char one_job[] = "namespace: demo\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";
static const char linux_job[] =
    "namespace: demo\njobs:\n"
    "- name: build\n"
    "  agentSelector:\n"
    "    matchLabels: {os: linux}\n"
    "    matchExpressions: [{key: cores, operator: Gt, values: ['4']}]\n"
    "  steps: [{name: make, run: 'true'}]\n";
static const char retry_job[] = "namespace: demo\njobs:\n"
                                "- {name: build, retry: {maxAttempts: 3, on: [lost]},"
                                " steps: [{name: make, run: 'true'}]}\n";
static const char eight_jobs[] =
    "namespace: demo\njobs:\n"
    "- {name: a, steps: [{name: s, run: 'true'}]}\n- {name: b, steps: [{name: s, run: 'true'}]}\n"
    "- {name: c, steps: [{name: s, run: 'true'}]}\n- {name: d, steps: [{name: s, run: 'true'}]}\n"
    "- {name: e, steps: [{name: s, run: 'true'}]}\n- {name: f, steps: [{name: s, run: 'true'}]}\n"
    "- {name: g, steps: [{name: s, run: 'true'}]}\n- {name: h, steps: [{name: s, run: 'true'}]}\n";

static int status_of(struct hand *hand)
{
    struct arc_agent_view view = {0};
    if (arc__engine_agent(hand->w->engine, arc__slice_cstr(hand->id), &view, NULL) != ARC_OK)
        return -1;
    return view.status;
}

static uint64_t stale(struct world *w)
{
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    arc__engine_stats(w->engine, &stats);
    return stats.stale_fences;
}

/* --- registration -------------------------------------------------------------------------------
 */

static void an_agent_registers_with_a_token(void)
{
    struct world w;
    struct arc_principal who;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said token = world_ask(&w, world_token(&w, 1, 2));
    CHECK_INT(strlen(token.secret), 44);
    CHECK(strncmp(token.secret, "art_", 4) == 0);
    CHECK_STATUS(world_ask(&w, world_register(&w, "art_no", "a", "{}")).status,
                 ARC_EUNAUTHENTICATED);
    CHECK_STATUS(world_ask(&w, world_register(&w, token.secret, "a", "[]")).status, ARC_EINVAL);
    struct said said = world_ask(&w, world_register(&w, token.secret, "a", "{\"os\":\"linux\"}"));
    CHECK_OK(said.status);
    CHECK(strncmp(said.secret, said.id, 26) == 0 && said.secret[26] == ':');
    CHECK_OK(arc__engine_authenticate(w.engine, arc__slice_cstr(said.secret), &who, NULL));
    CHECK_INT(who.kind, ARC_PRINCIPAL_AGENT);
    CHECK_TEXT(arc__slice_cstr(who.id), said.id);
    said.secret[40] = said.secret[40] == 'a' ? 'b' : 'a';
    CHECK_STATUS(arc__engine_authenticate(w.engine, arc__slice_cstr(said.secret), &who, NULL),
                 ARC_EUNAUTHENTICATED);
    CHECK_STATUS(arc__engine_authenticate(w.engine, arc__slice_cstr(token.secret), &who, NULL),
                 ARC_EUNAUTHENTICATED);
    CHECK_OK(world_ask(&w, world_register(&w, token.secret, "b", "{}")).status);
    CHECK_STATUS(world_ask(&w, world_register(&w, token.secret, "c", "{}")).status,
                 ARC_EUNAUTHENTICATED); /* two uses, and they are used */
    CHECK_INT(world_count(&w, ARC_TABLE_token, ARC_COL_token_hash, token.secret), 0);
    world_close(&w);
}

static void an_expired_token_is_none(void)
{
    struct world w;
    struct arc_principal who;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct arc_cmd *cmd = world_token(&w, 2, 0);
    cmd->u.token.expires_at_ns = w.now.wall_ns + SECONDS(60);
    cmd->u.token.project_id = world_text(cmd, "p1");
    struct said token = world_ask(&w, cmd);
    CHECK_OK(arc__engine_authenticate(w.engine, arc__slice_cstr(token.secret), &who, NULL));
    CHECK_INT(who.scopes, ARC_SCOPE_READ | ARC_SCOPE_RUN);
    CHECK_TEXT(arc__slice_cstr(who.project_id), "p1");
    world_pass(&w, SECONDS(60));
    CHECK_STATUS(arc__engine_authenticate(w.engine, arc__slice_cstr(token.secret), &who, NULL),
                 ARC_EUNAUTHENTICATED);
    world_close(&w);
}

static void an_agent_registers_again_as_itself(void)
{
    struct world w;
    struct hand hand, other;
    if (!world_open(&w, WORLD_MEM))
        return;
    if (hand_join(&hand, &w, "a", "{}", 1) && hand_join(&other, &w, "b", "{}", 1)) {
        struct arc_cmd *cmd = world_register(&w, hand.token, "renamed", "{\"gpu\":\"1\"}");
        struct said said = world_ask(&w, cmd);
        CHECK_OK(said.status);
        CHECK_TEXT(arc__slice_cstr(said.id), hand.id);
        CHECK_TEXT(arc__slice_cstr(said.secret), hand.token);
        cmd = world_register(&w, hand.token, "a", "{}");
        cmd->u.agent.agent_id = world_text(cmd, other.id);
        CHECK_STATUS(world_ask(&w, cmd).status, ARC_EDENIED);
        cmd = world_register(&w, hand.token, "a", "{}");
        cmd->u.agent.protocol_level = 0;
        CHECK_STATUS(world_ask(&w, cmd).status, ARC_EDENIED);
        CHECK_INT(world_count(&w, ARC_TABLE_agent, ARC_COL_agent_name, "renamed"), 1);
        hand_leave(&hand);
        hand_leave(&other);
    }
    world_check_events(&w);
    world_close(&w);
}

static void an_agent_that_unregisters_is_gone(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    struct arc_principal who;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, retry_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_RUNNING, 0).status);
    struct arc_cmd *cmd = world_cmd(&w, ARC_CMD_AGENT_UNREGISTER);
    memcpy(cmd->principal.id, hand.id, sizeof(hand.id));
    CHECK_OK(world_ask(&w, cmd).status);
    CHECK_STATUS(arc__engine_authenticate(w.engine, arc__slice_cstr(hand.token), &who, NULL),
                 ARC_EUNAUTHENTICATED);
    CHECK_INT(world_count(&w, ARC_TABLE_event, ARC_COL_event_type, "arcentra.agent.offline"), 1);
    CHECK_INT(world_count(&w, ARC_TABLE_event, ARC_COL_event_type, "arcentra.job.retrying"), 1);
    struct arc_offer offer;
    CHECK_STATUS(arc__session_next(hand.session, &w.arena, &offer, NULL), ARC_EDONE);
    CHECK_INT(status_of(&hand), -1);
    hand_leave(&hand);
    world_check_events(&w);
    world_close(&w);
}

/* --- placement ----------------------------------------------------------------------------------
 */

static void a_job_goes_to_an_agent_that_matches(void)
{
    struct world w;
    struct hand wrong, small, right;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&wrong, &w, "w", "{\"os\":\"mac\"}", 4))
        return;
    world_start_run(&w, linux_job, &pipeline, &run);
    CHECK_INT(hand_take(&wrong, 1), 0);
    CHECK_INT(hand_join(&small, &w, "s", "{\"os\":\"linux\",\"cores\":\"4\"}", 4), 1);
    CHECK_INT(hand_take(&small, 1), 0);
    CHECK_INT(hand_join(&right, &w, "r", "{\"cores\":\"8\",\"os\":\"linux\"}", 4), 1);
    CHECK_INT(hand_take(&right, 1), 1);
    hand_leave(&wrong);
    hand_leave(&small);
    hand_leave(&right);
    world_close(&w);
}

static void jobs_spread_over_agents_by_load(void)
{
    struct world w;
    struct hand a, b;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&a, &w, "a", "{}", 2) ||
        !hand_join(&b, &w, "b", "{}", 4))
        return;
    CHECK_INT(status_of(&a), 4);
    world_start_run(&w, eight_jobs, &pipeline, &run);
    CHECK_INT(hand_take(&a, 1), 2);
    CHECK_INT(hand_take(&b, 1), 4); /* and no more than they have slots for */
    CHECK_INT(status_of(&a), 3);
    struct held held = a.held[0];
    CHECK_OK(hand_say(&a, &held, ARC_STEP_SUCCESS, 0).status);
    CHECK_INT(hand_take(&a, 1), 1);
    /* more slots by a heartbeat */
    struct arc_heartbeat beat = {.agent_id = arc__slice_cstr(b.id), .max_concurrent = 5};
    struct arc_renewal renewal;
    CHECK_OK(arc__engine_heartbeat(w.engine, &beat, &w.arena, &renewal, NULL));
    world_turn(&w);
    CHECK_INT(hand_take(&b, 1), 1);
    hand_leave(&a);
    hand_leave(&b);
    world_close(&w);
}

static void an_agent_that_is_not_approved_gets_nothing(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM))
        return;
    world_end_engine(&w);
    w.options.agents_approved = 0;
    CHECK_OK(world_start_engine(&w, NULL));
    if (hand_join(&hand, &w, "a", "{}", 1)) {
        world_start_run(&w, one_job, &pipeline, &run);
        CHECK_INT(hand_take(&hand, 1), 0);
        hand_leave(&hand);
    }
    world_close(&w);
}

/* --- leases -------------------------------------------------------------------------------------
 */

static void a_listed_lease_lives_on(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    struct arc_renewal renewal;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_RUNNING, 0).status);
    for (int i = 0; i < 30; i++) {
        world_pass(&w, SECONDS(10));
        CHECK_OK(hand_beat(&hand, &renewal));
        CHECK_INT(renewal.renewed_count, 1);
        CHECK_INT(renewal.ttl_ns, SECONDS(30));
    }
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_RUNNING);
    hand.held[0].fence++; /* a lease that it has not */
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.renewed_count, 0);
    CHECK_INT(renewal.lost_count, 1);
    world_pass(&w, SECONDS(31)); /* and the one that it has was not listed */
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    hand_leave(&hand);
    world_close(&w);
}

static void a_silent_agent_loses_its_job_to_another(void)
{
    struct world w;
    struct hand a, b;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_SQLITE) || !hand_join(&a, &w, "a", "{}", 1))
        return;
    world_start_run(&w, retry_job, &pipeline, &run);
    CHECK_INT(hand_take(&a, 1), 1);
    struct held old = a.held[0];
    CHECK_OK(hand_say(&a, &old, ARC_STEP_RUNNING, 0).status);
    CHECK_INT(hand_join(&b, &w, "b", "{}", 1), 1);
    for (int i = 0; i < 3; i++) {
        world_pass(&w, SECONDS(10));
        CHECK_OK(hand_beat(&b, NULL));
    }
    world_turn(&w);
    CHECK_INT(status_of(&a), 2); /* offline after three beats */
    CHECK_INT(hand_take(&b, 1), 1);
    CHECK(strcmp(b.held[0].id, old.id) != 0);
    uint64_t before = stale(&w);
    CHECK_STATUS(hand_say(&a, &old, ARC_STEP_SUCCESS, 0).status, ARC_EPRECONDITION);
    CHECK(stale(&w) > before);
    hand_work(&b);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    world_check_events(&w);
    hand_leave(&a);
    hand_leave(&b);
    world_close(&w);
}

/* Something of a process that is dead was still on its way when the next one was at work. */
static void a_late_word_of_a_dead_process_takes_nothing_from_the_next(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    struct arc_renewal renewal;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    (void)snprintf(hand.incarnation, sizeof(hand.incarnation), "i2");
    CHECK_OK(hand_beat(&hand, &renewal));
    world_start_run(&w, retry_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_RUNNING, 0).status);

    (void)snprintf(hand.incarnation, sizeof(hand.incarnation), "i1");
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.lost_count, 1); /* of whatever it lists, it has nothing */
    CHECK_INT(renewal.renewed_count, 0);
    struct arc_cmd *cmd = world_register(&w, hand.token, "a", "{}"); /* as i1 */
    CHECK_INT(world_ask(&w, cmd).status, ARC_ECONFLICT);
    world_turn(&w);

    (void)snprintf(hand.incarnation, sizeof(hand.incarnation), "i2");
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.lost_count, 0);
    CHECK_INT(renewal.renewed_count, 1);
    CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_SUCCESS, 0).status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_close(&w);
}

/* What a process asked for before it died waited for its turn until the next one was at work. */
static void a_registration_that_waited_takes_nothing_from_the_next(void)
{
    struct world w;
    struct hand hand;
    struct said late = {0};
    struct arc_agent_view view;
    struct arc_renewal renewal;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    struct arc_cmd *cmd = world_register(&w, hand.token, "a", "{}");
    cmd->u.agent.incarnation = ARC_LIT("i2");
    world_submit(&w, cmd, &late);
    (void)snprintf(hand.incarnation, sizeof(hand.incarnation), "i3");
    CHECK_OK(hand_beat(&hand, &renewal));
    world_turn(&w);
    CHECK_STATUS(late.status, ARC_ECONFLICT);
    CHECK_OK(arc__engine_agent(w.engine, arc__slice_cstr(hand.id), &view, NULL));
    CHECK_TEXT(view.row->incarnation, "i3");
    hand_leave(&hand);
    world_close(&w);
}

/* A machine that was set back: its process is an older one, and the only one there is. */
static void an_older_process_comes_back_when_the_next_is_silent(void)
{
    struct world w;
    struct hand hand;
    struct arc_renewal renewal;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    (void)snprintf(hand.incarnation, sizeof(hand.incarnation), "i2");
    CHECK_OK(hand_beat(&hand, &renewal));
    world_turn(&w);
    world_pass(&w, 3 * w.options.heartbeat_ns);
    CHECK_OK(world_ask(&w, world_register(&w, hand.token, "a", "{}")).status); /* as i1 */
    (void)snprintf(hand.incarnation, sizeof(hand.incarnation), "i1");
    CHECK_OK(hand_beat(&hand, &renewal));
    world_turn(&w);
    struct arc_agent_view view;
    CHECK_OK(arc__engine_agent(w.engine, arc__slice_cstr(hand.id), &view, NULL));
    CHECK_TEXT(view.row->incarnation, "i1");
    hand_leave(&hand);
    world_close(&w);
}

static void a_new_incarnation_has_lost_what_the_old_one_held(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    struct arc_renewal renewal;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, retry_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held old = hand.held[0];
    CHECK_OK(hand_say(&hand, &old, ARC_STEP_RUNNING, 0).status);
    (void)snprintf(hand.incarnation, sizeof(hand.incarnation), "i2");
    hand.held_count = 0;
    CHECK_OK(hand_beat(&hand, &renewal));
    world_turn(&w);
    CHECK_INT(hand_take(&hand, 1), 1); /* the next attempt, by the same agent */
    CHECK(hand.held[0].fence > old.fence);
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.renewed_count, 1);
    world_turn(&w);
    hand_work(&hand);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_close(&w);
}

/* Both cells wait for a retry's delay on the agent; the failure of the one ends the other at once,
 * which is the next that the agent had. */
static void a_loss_may_end_another_of_the_same_agent(void)
{
    static const char cells[] =
        "namespace: demo\njobs:\n- name: m\n  matrix: {os: [a, b], failFast: true}\n"
        "  steps: [{name: s, run: x, retry: {maxAttempts: 2, delay: 60s}}]\n";
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 2))
        return;
    world_start_run(&w, cells, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 2);
    while (hand.held_count > 0) {
        struct held held = hand.held[0];
        CHECK_OK(hand_say(&hand, &held, ARC_STEP_FAILED, 1).status);
        hand.held_count -= hand.held_count > 0 && strcmp(hand.held[0].id, held.id) == 0;
    }
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_RUNNING);
    (void)snprintf(hand.incarnation, sizeof(hand.incarnation), "i2");
    CHECK_OK(hand_beat(&hand, NULL));
    world_turn(&w);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    CHECK_INT(world_count(&w, ARC_TABLE_event, ARC_COL_event_type, "arcentra.job.failed"), 1);
    CHECK_INT(world_count(&w, ARC_TABLE_event, ARC_COL_event_type, "arcentra.job.cancelled"), 1);
    run = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    CHECK_INT(hand_take(&hand, 1), 2); /* both slots are free again */
    hand_work(&hand);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    world_check_events(&w);
    hand_leave(&hand);
    world_close(&w);
}

static struct arc_renewal old_beat(struct hand *hand, int32_t running)
{
    struct arc_renewal renewal;
    struct arc_heartbeat beat = {.agent_id = arc__slice_cstr(hand->id), .running_count = running};
    CHECK_OK(arc__engine_heartbeat(hand->w->engine, &beat, &hand->w->arena, &renewal, NULL));
    return renewal;
}

static void an_old_agent_renews_all_that_it_holds(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, retry_job, &pipeline, &run);
    (void)old_beat(&hand, 0); /* before it has heard of the step: that is not an answer to it */
    CHECK_INT(hand_take(&hand, 1), 1);
    CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_RUNNING, 0).status);
    for (int i = 0; i < 10; i++) {
        world_pass(&w, SECONDS(10));
        (void)old_beat(&hand, 1);
    }
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_RUNNING);
    (void)old_beat(&hand, 0);
    world_turn(&w);
    CHECK_INT(world_count(&w, ARC_TABLE_event, ARC_COL_event_type, "arcentra.job.retrying"), 0);
    (void)old_beat(&hand, 0); /* twice in a row: it has lost it */
    world_turn(&w);
    CHECK_INT(world_count(&w, ARC_TABLE_event, ARC_COL_event_type, "arcentra.job.retrying"), 1);
    hand_leave(&hand);
    world_close(&w);
}

static void a_fence_may_lack_only_where_none_is_known(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held bare = hand.held[0];
    bare.fence = 0;
    bare.attempt = 0;
    CHECK_STATUS(hand_say(&hand, &bare, ARC_STEP_RUNNING, 0).status, ARC_EPRECONDITION);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PENDING);
    hand_work(&hand);
    hand_leave(&hand);
    /* the same from an agent of level 0 */
    struct said token = world_ask(&w, world_token(&w, 1, 0));
    struct arc_cmd *cmd = world_register(&w, token.secret, "old", "{}");
    cmd->u.agent.protocol_level = 0;
    struct said said = world_ask(&w, cmd);
    memcpy(hand.id, said.id, sizeof(hand.id));
    hand_connect(&hand);
    run = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    hand.held_count = 0;
    CHECK_INT(hand_take(&hand, 1), 1);
    bare = hand.held[0];
    bare.fence = 0;
    bare.attempt = 0;
    CHECK_OK(hand_say(&hand, &bare, ARC_STEP_RUNNING, 0).status);
    CHECK_OK(hand_say(&hand, &bare, ARC_STEP_SUCCESS, 0).status);
    CHECK_OK(hand_say(&hand, &bare, ARC_STEP_SUCCESS, 0).status); /* twice is no harm */
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_close(&w);
}

static void reports_that_cannot_be_stored_are_refused(void)
{
    static const char *const bad[] = {"[]", "{", "{\"a\":{}}", "{\"a\":1,\"a\":2}", "7"};
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_SQLITE) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
        struct arc_cmd *cmd = hand_report(&hand, &held, ARC_STEP_SUCCESS, 0);
        cmd->u.report.outputs = world_text(cmd, bad[i]);
        CHECK_STATUS(world_ask(&w, cmd).status, ARC_EINVAL);
    }
    struct arc_cmd *cmd = hand_report(&hand, &held, ARC_STEP_FAILED, 1);
    cmd->u.report.outputs = world_text(cmd, "{\"sha\":\"abc\",\"n\":\"1\"}");
    cmd->u.report.error_message = arc__arena_copy(&cmd->arena, ARC_LIT("bad \xff\xfe\0 bytes"));
    CHECK_OK(world_ask(&w, cmd).status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    hand_leave(&hand);
    CHECK_OK(world_crash(&w, NULL)); /* and the run can be read back */
    CHECK_STATUS(world_ask(&w, world_control(&w, ARC_CMD_RUN_PAUSE, run.id)).status, ARC_ECONFLICT);
    CHECK_INT(w.logged, 0);
    world_close(&w);
}

/* --- the channel --------------------------------------------------------------------------------
 */

static void a_grant_is_offered_again_until_it_is_acknowledged(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 0), 1);
    uint64_t fence = hand.held[0].fence;
    hand.held_count = 0;
    CHECK_INT(hand_take(&hand, 0), 0);
    hand.notices = 0;
    world_pass(&w, SECONDS(5));
    CHECK(hand.notices > 0);
    CHECK_INT(hand_take(&hand, 0), 1);
    CHECK_INT(hand.held[0].fence, fence);
    hand.held_count = 0;
    hand_leave(&hand);
    hand_connect(&hand); /* a new channel: at once */
    CHECK_INT(hand_take(&hand, 1), 1);
    CHECK_INT(hand.held[0].fence, fence);
    world_pass(&w, SECONDS(6));
    CHECK_INT(hand_take(&hand, 0), 0);
    hand_leave(&hand);
    world_close(&w);
}

static void a_newer_channel_ends_the_older(void)
{
    struct world w;
    struct hand hand, twin;
    struct arc_offer offer;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    twin = hand;
    hand.notices = 0;
    hand_connect(&twin);
    CHECK_INT(hand.notices, 1);
    CHECK_STATUS(arc__session_next(hand.session, &w.arena, &offer, NULL), ARC_EDONE);
    CHECK_STATUS(arc__session_ack(hand.session, ARC_LIT("x"), 1, 1, ARC_NONE, NULL), ARC_EDONE);
    CHECK_STATUS(arc__session_next(twin.session, &w.arena, &offer, NULL), ARC_EAGAIN);
    CHECK_STATUS(arc__session_ack(twin.session, ARC_LIT("x"), 1, 1, ARC_NONE, NULL),
                 ARC_EPRECONDITION);
    hand_leave(&hand);
    hand_leave(&twin);
    world_close(&w);
}

static void a_refused_grant_is_placed_anew(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    for (int i = 1; i <= 4; i++) {
        CHECK_INT(hand_take(&hand, 0), 1);
        CHECK_INT(hand.held[0].attempt, i);
        CHECK_OK(arc__session_ack(hand.session, arc__slice_cstr(hand.held[0].id),
                                  hand.held[0].fence, 0, ARC_LIT("no room"), NULL));
        hand.held_count = 0;
        world_turn(&w);
    }
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    hand_leave(&hand);
    world_close(&w);
}

static void a_stop_reaches_the_agent_by_channel_and_heartbeat(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    struct arc_renewal renewal;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
    hand.notices = 0;
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id)).status);
    CHECK(hand.notices > 0);
    CHECK_INT(hand_take(&hand, 1), 0);
    CHECK_INT(hand.cancel_count, 1);
    CHECK_TEXT(arc__slice_cstr(hand.cancels[0].id), held.id);
    (void)hand_take(&hand, 1);
    CHECK_INT(hand.cancel_count, 1); /* once a channel */
    CHECK_OK(hand_beat(&hand, &renewal));
    CHECK_INT(renewal.cancel_count, 1);
    CHECK_INT(renewal.cancels[0].grace_ns, SECONDS(10));
    struct arc_cmd *cmd = world_control(&w, ARC_CMD_RUN_STOP, run.id);
    cmd->u.stop.force = 1;
    CHECK_OK(world_ask(&w, cmd).status);
    (void)hand_take(&hand, 1);
    CHECK_INT(hand.cancel_count, 2); /* and once more when it is forced */
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_CANCELLED, 143).status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_CANCELLED);
    hand_leave(&hand);
    world_close(&w);
}

static void what_nobody_has_heard_of_ends_at_once(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    /* granted, and its channel has not looked yet */
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id)).status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_CANCELLED);
    CHECK_INT(hand_take(&hand, 1), 0);
    CHECK_INT(hand.cancel_count, 0);
    /* the same looked at: now the agent has to be asked, and does not get the step any more */
    run = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    CHECK_INT(hand_take(&hand, 0), 1);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id)).status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PENDING);
    hand.held_count = 0;
    world_pass(&w, SECONDS(6));
    CHECK_INT(hand_take(&hand, 0), 0);
    CHECK_INT(hand.cancel_count, 1);
    world_pass(&w, SECONDS(40));
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_CANCELLED);
    hand_leave(&hand);
    world_close(&w);
}

static int has_shell(void *user, arc_slice uses)
{
    return arc__slice_is(uses, user);
}

static void jobs_run_in_the_hosts_executors(void)
{
    struct world w;
    struct hand host = {0}, agent;
    struct said pipeline, run;
    char uses[] = "shell";
    struct arc_host_port port = {.slots = 1, .offers = has_shell, .user = uses};
    if (!world_open(&w, WORLD_MEM))
        return;
    world_end_engine(&w);
    w.options.rules.host_default = 1;
    CHECK_OK(world_start_engine(&w, NULL));
    CHECK_INT(hand_join(&agent, &w, "a", "{}", 4), 1);
    arc__engine_set_host(w.engine, &port);
    host.w = &w;
    (void)snprintf(host.id, sizeof(host.id), "%s", ARC_HOST_AGENT);
    hand_connect(&host);
    world_start_run(&w,
                    "namespace: n\njobs:\n"
                    "- {name: here, steps: [{name: s, run: 'true'}]}\n"
                    "- {name: there, runOnAgent: true, steps: [{name: s, run: 'true'}]}\n"
                    "- {name: plugin, steps: [{name: s, uses: other@v1}]}\n",
                    &pipeline, &run);
    CHECK_INT(hand_take(&host, 1), 1);
    CHECK_TEXT(arc__slice_cstr(host.held[0].job), "here");
    CHECK_INT(hand_take(&agent, 1), 2);
    for (int i = 0; i < 5; i++) { /* it lists nothing, and keeps all */
        world_pass(&w, SECONDS(10));
        (void)old_beat(&host, 0);
        CHECK_OK(hand_beat(&agent, NULL));
    }
    hand_work(&host);
    hand_work(&agent);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&host);
    hand_leave(&agent);
    arc__engine_set_host(w.engine, NULL);
    world_close(&w);
}

static void numbers_say_what_there_is(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 3))
        return;
    world_start_run(&w, eight_jobs, &pipeline, &run);
    arc__engine_stats(w.engine, &stats);
    CHECK_INT(stats.runs_open, 1);
    CHECK_INT(stats.jobs_queued, 5);
    CHECK_INT(stats.steps_running, 3);
    CHECK_INT(stats.agents_online, 1);
    CHECK_INT(stats.commands, 4);
    /* an older caller's struct is shorter */
    arc_ctl_stats old = ARC_CTL_STATS_INIT;
    old.size = offsetof(arc_ctl_stats, jobs_queued);
    arc__engine_stats(w.engine, &old);
    CHECK_INT(old.runs_open, 1);
    CHECK_INT(old.jobs_queued, 0);
    hand_work(&hand);
    arc__engine_stats(w.engine, &stats);
    CHECK_INT(stats.runs_open, 0);
    CHECK_INT(stats.steps_running, 0);
    CHECK_INT(stats.events, arc__engine_position(w.engine));
    hand_leave(&hand);
    world_close(&w);
}

static void two_registrations_in_one_turn_are_two_events(void)
{
    struct world w;
    struct hand hand;
    struct said one, two;
    struct arc_watch_filter filter = {.after = -1};
    struct arc_event_watch *watch = NULL;
    const struct arc_event *event = NULL;
    int seen = 0;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    CHECK_OK(arc__event_watch_open(w.engine, &filter, NULL, NULL, &watch, NULL));
    world_submit(&w, world_register(&w, hand.token, "a", "{\"a\":\"1\"}"), &one);
    world_submit(&w, world_register(&w, hand.token, "a", "{\"b\":\"2\"}"), &two);
    world_turn(&w);
    CHECK_OK(one.status);
    CHECK_OK(two.status);
    while (arc__event_watch_next(watch, &event, NULL) == ARC_OK) {
        CHECK_TEXT(event->agent_id, hand.id);
        seen++;
    }
    CHECK_INT(seen, 2);
    arc__event_watch_close(watch);
    hand_leave(&hand);
    world_close(&w);
}

static void a_heartbeat_renews_from_when_it_comes(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w, retry_job, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
    w.now.mono_ns += (uint64_t)SECONDS(25); /* in which nobody dispatches */
    w.now.wall_ns += SECONDS(25);
    arc__engine_set_now(w.engine, w.now);
    CHECK_OK(hand_beat(&hand, NULL));
    world_pass(&w, SECONDS(29));
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_SUCCESS, 0).status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_close(&w);
}

/* The report and the refusal (of an offer that came twice) meet in one turn. */
static void a_refusal_is_of_one_grant(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run, said;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w,
                    "namespace: n\njobs: [{name: a, steps: [{name: x, run: 'true'}, "
                    "{name: y, run: 'true'}]}]\n",
                    &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    world_submit(&w, hand_report(&hand, &held, ARC_STEP_SUCCESS, 0), &said);
    CHECK_OK(arc__session_ack(hand.session, arc__slice_cstr(held.id), held.fence, 0,
                              ARC_LIT("I had it."), NULL));
    world_turn(&w);
    CHECK_OK(said.status);
    hand.held_count = 0;
    CHECK_INT(hand_take(&hand, 1), 1); /* the next step is in its hands */
    hand_work(&hand);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_close(&w);
}

static const struct test tests[] = {
    {"an agent registers with a token, as often as the token allows",
     an_agent_registers_with_a_token},
    {"a token that has expired is none", an_expired_token_is_none},
    {"an agent registers again as itself, not at a lower level",
     an_agent_registers_again_as_itself},
    {"an agent that unregisters is gone and what it held is lost",
     an_agent_that_unregisters_is_gone},
    {"a job goes to an agent whose labels match", a_job_goes_to_an_agent_that_matches},
    {"jobs spread over agents by load and slots", jobs_spread_over_agents_by_load},
    {"an agent that is not approved gets nothing", an_agent_that_is_not_approved_gets_nothing},
    {"a lease lives as long as heartbeats list it", a_listed_lease_lives_on},
    {"a heartbeat renews from when it comes", a_heartbeat_renews_from_when_it_comes},
    {"two registrations in one turn are two events", two_registrations_in_one_turn_are_two_events},
    {"a refusal is of one grant, not of the next", a_refusal_is_of_one_grant},
    {"a silent agent loses its job to another one", a_silent_agent_loses_its_job_to_another},
    {"a registration that waited takes nothing from the next",
     a_registration_that_waited_takes_nothing_from_the_next},
    {"a new incarnation has lost what the old one held",
     a_new_incarnation_has_lost_what_the_old_one_held},
    {"a loss may end another placement of the same agent",
     a_loss_may_end_another_of_the_same_agent},
    {"a late word of a dead process takes nothing from the next",
     a_late_word_of_a_dead_process_takes_nothing_from_the_next},
    {"an older process comes back when the next is silent",
     an_older_process_comes_back_when_the_next_is_silent},
    {"an old agent renews all that it holds, until it runs less",
     an_old_agent_renews_all_that_it_holds},
    {"a fence may lack only from an agent that knows none",
     a_fence_may_lack_only_where_none_is_known},
    {"a report that could not be read back is refused or repaired",
     reports_that_cannot_be_stored_are_refused},
    {"a grant is offered under its fence until it is acknowledged",
     a_grant_is_offered_again_until_it_is_acknowledged},
    {"a newer channel of an agent ends the older", a_newer_channel_ends_the_older},
    {"a grant that an agent refuses is placed anew", a_refused_grant_is_placed_anew},
    {"a stop reaches the agent by its channel and by its heartbeat",
     a_stop_reaches_the_agent_by_channel_and_heartbeat},
    {"a grant that nobody has heard of ends at once", what_nobody_has_heard_of_ends_at_once},
    {"jobs run in the host's executors where they have all it uses",
     jobs_run_in_the_hosts_executors},
    {"the numbers say what there is", numbers_say_what_there_is},
};
TEST_MAIN(tests)
