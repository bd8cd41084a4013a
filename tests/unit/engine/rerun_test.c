/* SPDX-License-Identifier: Apache-2.0 */
/* Reruns and cancels over the store: what is answered, what is kept over a restart, what agents are
 * told. */
#include "world.h"

#include "port/store.h"

static const char two_jobs[] = "namespace: n\njobs:\n"
                               "- name: a\n  outputs: {v: 'one'}\n"
                               "  steps: [{name: s, run: 'true'}]\n"
                               "- name: b\n  dependsOn: [a]\n"
                               "  steps: [{name: s, run: 'true'}, {name: t, run: 'true'}]\n";

static struct arc_cmd *rerun(struct world *w, const char *run, enum arc_rerun mode,
                             const char *request)
{
    struct arc_cmd *cmd = world_control(w, ARC_CMD_RUN_RERUN, run);
    cmd->u.rerun.mode = mode;
    cmd->u.rerun.request_id = world_text(cmd, request);
    return cmd;
}

/* Ends job a well and job b not. */
static void run_badly(struct world *w, struct hand *hand)
{
    world_turn(w);
    (void)hand_take(hand, 1);
    CHECK_OK(hand_say(hand, hand_find(hand, "a"), ARC_STEP_SUCCESS, 0).status);
    world_turn(w);
    (void)hand_take(hand, 1);
    CHECK_OK(hand_say(hand, hand_find(hand, "b"), ARC_STEP_FAILED, 3).status);
    world_turn(w);
}

static int step_of_b(struct world *w, const char *run, char *id, size_t size)
{
    struct arc_rows rows;
    struct arc_query query = {.table = ARC_TABLE_step_run, .order_col = -1, .filter_count = 1};
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_step_run_run_id, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(run)};
    CHECK_OK(world_rows(w, &query, &rows));
    const struct arc_row_step_run *row = rows.rows;
    for (size_t i = 0; i < rows.count; i++) {
        if (arc__slice_is(row[i].job_name, "b") && arc__slice_is(row[i].name, "s"))
            return arc__slice_to_cstr(row[i].id, id, size) > 0;
    }
    return 0;
}

static void a_failed_run_is_run_again_where_it_failed(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, two_jobs, &pipeline, &run);
    CHECK_STATUS(world_ask(&w, rerun(&w, run.id, ARC_RERUN_ALL, "")).status, ARC_ECONFLICT);
    if (hand_join(&hand, &w, "A", "{}", 2)) {
        run_badly(&w, &hand);
        CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
        struct said again = world_ask(&w, rerun(&w, run.id, ARC_RERUN_FAILED, "r1"));
        CHECK_OK(again.status);
        CHECK(strcmp(again.id, run.id) != 0);
        struct said twice = world_ask(&w, rerun(&w, run.id, ARC_RERUN_FAILED, "r1"));
        CHECK_OK(twice.status);
        CHECK_INT(twice.duplicate, 1);
        CHECK_TEXT(arc__slice_cstr(twice.id), again.id);
        CHECK_STATUS(world_ask(&w, rerun(&w, run.id, ARC_RERUN_ALL, "r1")).status, ARC_ECONFLICT);
        CHECK_INT(world_run_col(&w, again.id, ARC_COL_pipeline_run_completed_jobs), 1);
        CHECK_INT(world_run_col(&w, again.id, ARC_COL_pipeline_run_attempt), 2);
        CHECK_INT(world_count(&w, ARC_TABLE_pipeline_run, ARC_COL_pipeline_run_rerun_of, run.id),
                  1);
        hand_leave(&hand);
        CHECK_OK(world_crash(&w, &err)); /* what is kept is in the log */
        hand_connect(&hand);
        hand_work(&hand);
        CHECK_INT(world_run_status(&w, again.id), ARC_RUN_SUCCESS);
        CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
        hand_leave(&hand);
    }
    world_check_events(&w);
    world_close(&w);
}

static void a_step_that_ended_is_the_start_of_a_rerun(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    char step[32] = "";
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, two_jobs, &pipeline, &run);
    if (hand_join(&hand, &w, "A", "{}", 2)) {
        run_badly(&w, &hand);
        CHECK(step_of_b(&w, run.id, step, sizeof(step)));
        struct arc_cmd *cmd = rerun(&w, run.id, ARC_RERUN_FROM, "");
        cmd->u.rerun.step_run_id = world_text(cmd, step);
        struct said again = world_ask(&w, cmd);
        CHECK_OK(again.status);
        CHECK(step_of_b(&w, again.id, step, sizeof(step)));
        CHECK_TEXT(arc__slice_cstr(again.step_run_id), step);
        hand_work(&hand);
        CHECK_INT(world_run_status(&w, again.id), ARC_RUN_SUCCESS);
        hand_leave(&hand);
    }
    world_close(&w);
}

static struct said cancel(struct world *w, enum arc_cmd_kind kind, const char *run,
                          const char *what)
{
    struct arc_cmd *cmd = world_control(w, kind, run);
    cmd->actor = world_text(cmd, "ann");
    cmd->u.cancel.what = world_text(cmd, what);
    return world_ask(w, cmd);
}

static void the_holder_of_a_cancelled_step_is_told(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, two_jobs, &pipeline, &run);
    if (hand_join(&hand, &w, "A", "{}", 2)) {
        world_turn(&w);
        (void)hand_take(&hand, 1);
        struct held *held = hand_find(&hand, "a");
        CHECK_OK(hand_say(&hand, held, ARC_STEP_RUNNING, 0).status);
        CHECK_OK(cancel(&w, ARC_CMD_STEP_CANCEL, run.id, held->id).status);
        hand_leave(&hand);
        CHECK_OK(world_crash(&w, &err)); /* asked for is asked for */
        hand_connect(&hand);
        (void)hand_take(&hand, 1);
        CHECK_INT((long long)hand.cancel_count, 1);
        CHECK_OK(hand_say(&hand, held, ARC_STEP_CANCELLED, 0).status);
        hand_leave(&hand);
    }
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_CANCELLED);
    CHECK_INT(world_count(&w, ARC_TABLE_step_run, ARC_COL_step_run_reason, "Cancelled by ann."), 1);
    world_check_events(&w);
    world_close(&w);
}

static void a_job_is_cancelled_by_its_name(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, two_jobs, &pipeline, &run);
    CHECK_STATUS(cancel(&w, ARC_CMD_JOB_CANCEL, run.id, "c").status, ARC_ENOTFOUND);
    CHECK_OK(cancel(&w, ARC_CMD_JOB_CANCEL, run.id, "b").status);
    CHECK_STATUS(cancel(&w, ARC_CMD_JOB_CANCEL, run.id, "b").status, ARC_ECONFLICT);
    CHECK_OK(cancel(&w, ARC_CMD_JOB_CANCEL, run.id, "a").status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_CANCELLED);
    world_check_events(&w);
    world_close(&w);
}

ON_BOTH(a_failed_run_is_run_again_where_it_failed)
ON_BOTH(a_step_that_ended_is_the_start_of_a_rerun)
ON_BOTH(the_holder_of_a_cancelled_step_is_told)
ON_BOTH(a_job_is_cancelled_by_its_name)

static const struct test tests[] = {
    {"a failed run is run again where it failed (memory)",
     a_failed_run_is_run_again_where_it_failed_mem},
    {"a failed run is run again where it failed (SQLite)",
     a_failed_run_is_run_again_where_it_failed_sqlite},
    {"a step that ended is the start of a rerun (memory)",
     a_step_that_ended_is_the_start_of_a_rerun_mem},
    {"a step that ended is the start of a rerun (SQLite)",
     a_step_that_ended_is_the_start_of_a_rerun_sqlite},
    {"the holder of a cancelled step is told, also later (memory)",
     the_holder_of_a_cancelled_step_is_told_mem},
    {"the holder of a cancelled step is told, also later (SQLite)",
     the_holder_of_a_cancelled_step_is_told_sqlite},
    {"a job is cancelled by its name (memory)", a_job_is_cancelled_by_its_name_mem},
    {"a job is cancelled by its name (SQLite)", a_job_is_cancelled_by_its_name_sqlite},
};
TEST_MAIN(tests)
