/* SPDX-License-Identifier: Apache-2.0 */
/* What the whole language asks of the engine, over the store and to the agents: gates outlive the
 * process, cells that failFast cancels are told, agents are given what earlier jobs said. */
#include "world.h"

#include "port/store.h"

static const char gated[] = "namespace: n\nstages:\n"
                            "- name: ship\n  approval: {required: true, timeout: 1h}\n"
                            "  jobs: [{name: j, steps: [{name: s, run: 'true'}]}]\n";

static struct said decide(struct world *w, const char *run, const char *gate, int approve)
{
    struct arc_cmd *cmd = world_control(w, ARC_CMD_RUN_GATE, run);
    cmd->actor = world_text(cmd, "ann");
    cmd->u.gate.name = world_text(cmd, gate);
    cmd->u.gate.approve = approve;
    return world_ask(w, cmd);
}

static void a_gate_outlives_the_process(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, gated, &pipeline, &run);
    CHECK_OK(world_crash(&w, &err));
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PENDING);
    CHECK_STATUS(decide(&w, run.id, "stage:none", 1).status, ARC_ENOTFOUND);
    CHECK_OK(decide(&w, run.id, "stage:ship", 1).status);
    CHECK_OK(world_crash(&w, &err));
    CHECK_OK(decide(&w, run.id, "ship", 1).status); /* decided so already */
    if (hand_join(&hand, &w, "A", "{}", 1)) {
        hand_work(&hand);
        hand_leave(&hand);
    }
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    world_check_events(&w);
    world_close(&w);
}

static void its_time_outlives_it_too(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, gated, &pipeline, &run);
    world_pass(&w, SECONDS(1800));
    CHECK_OK(world_crash(&w, &err));
    world_pass(&w, SECONDS(1799));
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PENDING);
    world_pass(&w, SECONDS(2));
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    world_close(&w);
}

static void agents_are_told_of_fail_fast(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w,
                    "namespace: n\njobs:\n- name: m\n  matrix: {os: [a, b, c], failFast: true}\n"
                    "  steps: [{name: s, run: 'true'}]\n",
                    &pipeline, &run);
    if (hand_join(&hand, &w, "A", "{}", 3)) {
        world_turn(&w);
        CHECK_INT((long long)hand_take(&hand, 1), 3);
        CHECK_OK(hand_say(&hand, hand_find(&hand, "m[os=b]"), ARC_STEP_RUNNING, 0).status);
        CHECK_OK(hand_say(&hand, hand_find(&hand, "m[os=a]"), ARC_STEP_FAILED, 1).status);
        (void)hand_take(&hand, 1);
        CHECK_INT((long long)hand.cancel_count, 2);
        CHECK_OK(hand_say(&hand, hand_find(&hand, "m[os=b]"), ARC_STEP_CANCELLED, 0).status);
        CHECK_OK(hand_say(&hand, hand_find(&hand, "m[os=c]"), ARC_STEP_CANCELLED, 0).status);
        hand_leave(&hand);
    }
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    CHECK_INT(world_count(&w, ARC_TABLE_job_run, ARC_COL_job_run_reason,
                          "Job m[os=a] failed, and the matrix has `failFast`."),
              2);
    world_close(&w);
}

static void a_step_is_given_what_a_job_before_it_said(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w,
                    "namespace: n\njobs:\n- name: a\n  outputs: {tag: '${{ steps.s.outputs.t }}'}\n"
                    "  steps: [{name: s, run: 'true'}]\n- name: b\n  dependsOn: [a]\n"
                    "  when: needs.a.outputs.tag == 'v1'\n  steps:\n"
                    "  - {name: s, run: 'true', env: {TAG: 'is-${{ needs.a.outputs.tag }}'}}\n",
                    &pipeline, &run);
    if (hand_join(&hand, &w, "A", "{}", 1)) {
        world_turn(&w);
        (void)hand_take(&hand, 1);
        struct held *held = hand_find(&hand, "a");
        if (held != NULL) {
            struct arc_cmd *cmd = hand_report(&hand, held, ARC_STEP_SUCCESS, 0);
            cmd->u.report.outputs = world_text(cmd, "{\"t\":\"v1\"}");
            CHECK_OK(world_ask(&w, cmd).status);
            hand_drop(&hand, held);
        }
        hand_work(&hand);
        hand_leave(&hand);
    }
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    CHECK_INT(world_count(&w, ARC_TABLE_step_run, ARC_COL_step_run_env, "{\"TAG\":\"is-v1\"}"), 1);
    world_close(&w);
}

/* Asked when the request is durable, once, and again after a kill; people have no say. */
static void the_plugin_of_a_gate_is_asked(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    const struct arc_run *asked = NULL;
    uint32_t gate = 0;
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w,
                    "namespace: n\njobs:\n- name: j\n  steps: [{name: s, run: x}]\n"
                    "  approval: {type: auto, plugin: scan, params: {level: 3}, timeout: 1h}\n",
                    &pipeline, &run);
    CHECK_INT(arc__engine_next_ask(w.engine, &asked, &gate), 1);
    CHECK_TEXT(arc__id_slice(&asked->id), run.id);
    CHECK_TEXT(asked->plan->gates[gate - 1].plugin, "scan");
    CHECK_TEXT(asked->plan->gates[gate - 1].params, "{\"level\":3}");
    CHECK_INT(arc__engine_next_ask(w.engine, &asked, &gate), 0);
    CHECK_STATUS(decide(&w, run.id, "job:j", 1).status, ARC_EDENIED);
    CHECK_OK(world_crash(&w, &err));
    CHECK_INT(arc__engine_next_ask(w.engine, &asked, &gate), 1);
    struct arc_cmd *cmd = world_control(&w, ARC_CMD_RUN_GATE, run.id);
    cmd->u.gate.index = gate;
    cmd->u.gate.plugin = 1;
    CHECK_OK(world_ask(&w, cmd).status);
    CHECK_INT(arc__engine_next_ask(w.engine, &asked, &gate), 0);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    CHECK_INT(world_count(&w, ARC_TABLE_job_run, ARC_COL_job_run_reason,
                          "Rejected before job j by scan."),
              1);
    world_close(&w);
}

ON_BOTH(the_plugin_of_a_gate_is_asked)
ON_BOTH(a_gate_outlives_the_process)
ON_BOTH(its_time_outlives_it_too)
ON_BOTH(agents_are_told_of_fail_fast)
ON_BOTH(a_step_is_given_what_a_job_before_it_said)

static void the_steps_of_a_next_attempt_have_rows_at_once(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    world_start_run(&w,
                    "namespace: n\njobs: [{name: a, retry: {maxAttempts: 2}, steps: "
                    "[{name: x, run: 'true'}, {name: y, run: 'true'}]}]\n",
                    &pipeline, &run);
    CHECK_INT(world_count(&w, ARC_TABLE_step_run, ARC_COL_step_run_run_id, run.id), 2);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_FAILED, 1).status);
    CHECK_INT(world_count(&w, ARC_TABLE_step_run, ARC_COL_step_run_run_id, run.id), 4);
    hand_work(&hand);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_close(&w);
}

static const struct test tests[] = {
    {"the plugin of a gate is asked and answers (memory)", the_plugin_of_a_gate_is_asked_mem},
    {"the plugin of a gate is asked and answers (SQLite)", the_plugin_of_a_gate_is_asked_sqlite},
    {"a gate and its decision outlive the process (memory)", a_gate_outlives_the_process_mem},
    {"a gate and its decision outlive the process (SQLite)", a_gate_outlives_the_process_sqlite},
    {"a gate expires in time over a restart (memory)", its_time_outlives_it_too_mem},
    {"a gate expires in time over a restart (SQLite)", its_time_outlives_it_too_sqlite},
    {"agents are told of the cells that failFast cancels (memory)",
     agents_are_told_of_fail_fast_mem},
    {"agents are told of the cells that failFast cancels (SQLite)",
     agents_are_told_of_fail_fast_sqlite},
    {"the steps of a next attempt have rows at once",
     the_steps_of_a_next_attempt_have_rows_at_once},
    {"a step is given what a job before it said (memory)",
     a_step_is_given_what_a_job_before_it_said_mem},
    {"a step is given what a job before it said (SQLite)",
     a_step_is_given_what_a_job_before_it_said_sqlite},
};
TEST_MAIN(tests)
