/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about pipelines, definitions and runs, and who may give them. */
#include "world.h"

#include <stdio.h>

static const char one_job[] = "namespace: demo\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";
static const char two_jobs[] = "namespace: demo\n"
                               "variables: {who: me}\n"
                               "jobs:\n"
                               "- {name: build, steps: [{name: make, run: 'true'}]}\n"
                               "- {name: test, steps: [{name: make, run: 'true'}]}\n";
static const char in_a_directory[] =
    "namespace: demo\n"
    "variables: {dir: here}\n"
    "jobs:\n"
    "- name: build\n"
    "  steps: [{name: make, run: 'true', workingDirectory: '${{ variables.dir }}'}]\n";
static const char no_id[] = "01HZZZZZZZZZZZZZZZZZZZZZZZ";

static struct arc_cmd *scoped(struct arc_cmd *cmd, const char *project)
{
    cmd->principal.kind = ARC_PRINCIPAL_USER;
    (void)snprintf(cmd->principal.project_id, sizeof(cmd->principal.project_id), "%s", project);
    return cmd;
}

static struct arc_cmd *update(struct world *w, const char *pipeline, const char *name,
                              int64_t version)
{
    struct arc_cmd *cmd = world_cmd(w, ARC_CMD_PIPELINE_UPDATE);
    cmd->pipeline_id = world_text(cmd, pipeline);
    cmd->u.pipeline.row.name = world_text(cmd, name);
    cmd->u.pipeline.set = ARC_PIPELINE_SET_NAME;
    cmd->u.pipeline.expect_version = version;
    return cmd;
}

static struct arc_cmd *delete (struct world *w, const char *pipeline, int force)
{
    struct arc_cmd *cmd = world_cmd(w, ARC_CMD_PIPELINE_DELETE);
    cmd->pipeline_id = world_text(cmd, pipeline);
    cmd->u.pipeline_delete.force = force;
    return cmd;
}

static void a_pipeline_is_made_changed_and_deleted(void)
{
    struct world w;
    if (!world_open(&w, WORLD_SQLITE))
        return;
    CHECK_STATUS(world_ask(&w, world_create(&w, "", NULL)).status, ARC_EINVAL);
    struct said made = world_ask(&w, world_create(&w, "one", NULL));
    CHECK_OK(made.status);
    CHECK_INT(strlen(made.id), 26);
    CHECK_STATUS(world_ask(&w, world_trigger(&w, made.id, "")).status, ARC_ECONFLICT); /* empty */
    struct said said = world_ask(&w, update(&w, made.id, "two", 1));
    CHECK_OK(said.status);
    CHECK_INT(said.number, 2);
    said = world_ask(&w, update(&w, made.id, "three", 1));
    CHECK_STATUS(said.status, ARC_ECONFLICT);
    CHECK_INT(said.number, 2);
    CHECK_INT(world_count(&w, ARC_TABLE_pipeline, ARC_COL_pipeline_name, "two"), 1);
    CHECK_OK(world_ask(&w, delete (&w, made.id, 0)).status);
    CHECK_STATUS(world_ask(&w, delete (&w, made.id, 0)).status, ARC_ENOTFOUND);
    CHECK_STATUS(world_ask(&w, update(&w, made.id, "x", 0)).status, ARC_ENOTFOUND);
    CHECK_STATUS(world_ask(&w, update(&w, no_id, "x", 0)).status, ARC_ENOTFOUND);
    CHECK_STATUS(
        world_ask(&w, update(&w, "not an id at all, and far too long for one", "x", 0)).status,
        ARC_ENOTFOUND);
    world_check_events(&w);
    world_close(&w);
}

static void a_definition_is_saved_over_the_head_it_knew(void)
{
    struct world w;
    if (!world_open(&w, WORLD_SQLITE))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", one_job));
    CHECK_INT(strlen(pipeline.sha), 64);
    struct arc_cmd *cmd = world_save(&w, pipeline.id, two_jobs);
    cmd->u.save.expected_head = world_text(cmd, pipeline.sha);
    cmd->u.save.request_id = world_text(cmd, "s1");
    struct said saved = world_ask(&w, cmd);
    CHECK_OK(saved.status);
    CHECK(strcmp(saved.sha, pipeline.sha) != 0);
    cmd = world_save(&w, pipeline.id, one_job);
    cmd->u.save.expected_head = world_text(cmd, pipeline.sha);
    struct said stale = world_ask(&w, cmd);
    CHECK_STATUS(stale.status, ARC_ECONFLICT);
    CHECK_TEXT(arc__slice_cstr(stale.sha), saved.sha);
    cmd = world_save(&w, pipeline.id, two_jobs); /* the same request again */
    cmd->u.save.expected_head = world_text(cmd, pipeline.sha);
    cmd->u.save.request_id = world_text(cmd, "s1");
    struct said again = world_ask(&w, cmd);
    CHECK_OK(again.status);
    CHECK_INT(again.duplicate, 1);
    CHECK_TEXT(arc__slice_cstr(again.sha), saved.sha);
    cmd = world_save(&w, pipeline.id, two_jobs); /* the message is part of the body */
    cmd->u.save.expected_head = world_text(cmd, pipeline.sha);
    cmd->u.save.request_id = world_text(cmd, "s1");
    cmd->u.save.message = world_text(cmd, "why");
    CHECK_STATUS(world_ask(&w, cmd).status, ARC_ECONFLICT);
    cmd = world_save(&w, pipeline.id, one_job); /* and with another body */
    cmd->u.save.request_id = world_text(cmd, "s1");
    CHECK_STATUS(world_ask(&w, cmd).status, ARC_ECONFLICT);
    world_check_events(&w);
    world_close(&w);
}

static void a_request_id_has_a_bound(void)
{
    struct world w;
    char id[258];
    memset(id, 'r', sizeof(id));
    id[257] = '\0';
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", one_job));
    struct said refused = world_ask(&w, world_trigger(&w, pipeline.id, id));
    CHECK_STATUS(refused.status, ARC_EINVAL);
    id[256] = '\0';
    CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, id)).status);
    world_close(&w);
}

static void what_one_turn_saves_the_next_can_run(void)
{
    struct world w;
    struct said made, saved, run;
    if (!world_open(&w, WORLD_SQLITE))
        return;
    made = world_ask(&w, world_create(&w, "p", NULL));
    world_submit(&w, world_save(&w, made.id, one_job), &saved);
    world_submit(&w, world_trigger(&w, made.id, ""), &run); /* not readable before its commit */
    world_turn(&w);
    CHECK_OK(saved.status);
    CHECK_OK(run.status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PENDING);
    world_close(&w);
}

static void a_trigger_is_counted_once_by_its_request(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_SQLITE))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", two_jobs));
    struct said run = world_ask(&w, world_trigger(&w, pipeline.id, "r1"));
    CHECK_OK(run.status);
    CHECK_INT(run.state, ARC_RUN_PENDING);
    struct said again = world_ask(&w, world_trigger(&w, pipeline.id, "r1"));
    CHECK_OK(again.status);
    CHECK_INT(again.duplicate, 1);
    CHECK_TEXT(arc__slice_cstr(again.id), run.id);
    struct arc_cmd *cmd = world_trigger(&w, pipeline.id, "r1");
    struct arc_kv kv = {ARC_LIT("who"), ARC_LIT("you")};
    cmd->u.trigger.variables = (struct arc_kvs){&kv, 1};
    CHECK_STATUS(world_ask(&w, cmd).status, ARC_ECONFLICT);
    /* the same id in another pipeline is another request */
    struct said other = world_ask(&w, world_create(&w, "q", two_jobs));
    struct said second = world_ask(&w, world_trigger(&w, other.id, "r1"));
    CHECK_OK(second.status);
    CHECK_INT(second.duplicate, 0);
    /* and it holds over a restart and over the run's end */
    if (hand_join(&hand, &w, "a", "{}", 4)) {
        hand_work(&hand);
        hand_leave(&hand);
    }
    CHECK_OK(world_crash(&w, NULL));
    again = world_ask(&w, world_trigger(&w, pipeline.id, "r1"));
    CHECK_INT(again.duplicate, 1);
    CHECK_TEXT(arc__slice_cstr(again.id), run.id);
    world_close(&w);
}

static void a_trigger_that_cannot_be_planned_says_why(void)
{
    struct world w;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", in_a_directory));
    struct arc_cmd *cmd = world_trigger(&w, pipeline.id, "r");
    struct arc_kv kv = {ARC_LIT("dir"), ARC_LIT("../up")};
    cmd->u.trigger.variables = (struct arc_kvs){&kv, 1};
    struct said said = world_ask(&w, cmd);
    CHECK_STATUS(said.status, ARC_EINVAL);
    CHECK(strstr(said.findings, "../up") != NULL);
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    arc__engine_stats(w.engine, &stats);
    CHECK_INT(stats.runs_open, 0);
    CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, "r")).status); /* the id is still free */
    /* a definition of its own: nothing is left of a refused one */
    int64_t before = world_count(&w, ARC_TABLE_pipeline, ARC_COL_pipeline_name, "inline");
    cmd = world_trigger(&w, "", "");
    cmd->u.trigger.definition =
        world_definition(cmd, "namespace: n\njobs: [{name: a, stepz: 1}]\n");
    said = world_ask(&w, cmd);
    CHECK_STATUS(said.status, ARC_EINVAL);
    CHECK(strstr(said.findings, "stepz") != NULL);
    CHECK_INT(world_count(&w, ARC_TABLE_pipeline, ARC_COL_pipeline_name, "inline"), before);
    cmd = world_trigger(&w, "", "");
    cmd->u.trigger.definition = world_definition(cmd, one_job);
    (void)snprintf(cmd->u.trigger.run_id.text, sizeof(arc_id), "%s", no_id);
    said = world_ask(&w, cmd);
    CHECK_OK(said.status);
    CHECK_TEXT(arc__slice_cstr(said.id), no_id);
    CHECK_INT(world_run_status(&w, no_id), ARC_RUN_PENDING);
    world_check_events(&w);
    world_close(&w);
}

static void runs_max_is_a_refusal_of_its_own(void)
{
    struct world w;
    struct said run, inline_run, other;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", one_job));
    world_end_engine(&w);
    w.options.runs_max = 1;
    CHECK_OK(world_start_engine(&w, NULL));
    CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, "")).status);
    world_submit(&w, world_trigger(&w, pipeline.id, ""), &run);
    struct arc_cmd *cmd = world_trigger(&w, "", "");
    cmd->u.trigger.definition = world_definition(cmd, one_job);
    world_submit(&w, cmd, &inline_run);
    world_submit(&w, world_create(&w, "q", NULL), &other);
    world_turn(&w);
    CHECK_STATUS(run.status, ARC_ELIMIT);
    CHECK_STATUS(inline_run.status, ARC_ELIMIT);
    CHECK_OK(other.status); /* a neighbour in the same turn */
    world_close(&w);
}

static void a_pipeline_with_open_runs_is_deleted_by_force(void)
{
    struct world w;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM))
        return;
    world_start_run(&w, two_jobs, &pipeline, &run);
    struct said said = world_ask(&w, delete (&w, pipeline.id, 0));
    CHECK_STATUS(said.status, ARC_ECONFLICT);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PENDING);
    CHECK_OK(world_ask(&w, delete (&w, pipeline.id, 1)).status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_CANCELLED);
    CHECK_STATUS(world_ask(&w, world_trigger(&w, pipeline.id, "")).status, ARC_ENOTFOUND);
    world_check_events(&w);
    world_close(&w);
}

static void runs_are_paused_resumed_and_stopped(void)
{
    struct world w;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_SQLITE))
        return;
    world_start_run(&w, two_jobs, &pipeline, &run);
    CHECK_STATUS(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, "")).status, ARC_EINVAL);
    CHECK_STATUS(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, no_id)).status, ARC_ENOTFOUND);
    /* a pipeline has events too, and is no run */
    CHECK_STATUS(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, pipeline.id)).status,
                 ARC_ENOTFOUND);
    struct arc_cmd *cmd = world_control(&w, ARC_CMD_RUN_PAUSE, run.id);
    struct said other = world_ask(&w, world_create(&w, "q", NULL));
    cmd->pipeline_id = world_text(cmd, other.id);
    CHECK_STATUS(world_ask(&w, cmd).status, ARC_ENOTFOUND);
    struct said said = world_ask(&w, world_control(&w, ARC_CMD_RUN_PAUSE, run.id));
    CHECK_OK(said.status);
    CHECK_INT(said.state, ARC_RUN_PAUSED);
    said = world_ask(&w, world_control(&w, ARC_CMD_RUN_PAUSE, run.id));
    CHECK_STATUS(said.status, ARC_ECONFLICT);
    CHECK_INT(said.state, ARC_RUN_PAUSED);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_RESUME, run.id)).status);
    said = world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id));
    CHECK_OK(said.status);
    CHECK_INT(said.state, ARC_RUN_CANCELLED);
    /* long over, and no longer in memory */
    world_pass(&w, SECONDS(400));
    said = world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id));
    CHECK_STATUS(said.status, ARC_ECONFLICT);
    CHECK_INT(said.state, ARC_RUN_CANCELLED);
    world_check_events(&w);
    world_close(&w);
}

static void a_token_of_a_project_sees_nothing_of_others(void)
{
    struct world w;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM))
        return;
    world_start_run(&w, one_job, &pipeline, &run); /* of project p1 */
    CHECK_STATUS(world_ask(&w, scoped(update(&w, pipeline.id, "x", 0), "p2")).status,
                 ARC_ENOTFOUND);
    CHECK_STATUS(world_ask(&w, scoped(delete (&w, pipeline.id, 1), "p2")).status, ARC_ENOTFOUND);
    CHECK_STATUS(world_ask(&w, scoped(world_save(&w, pipeline.id, two_jobs), "p2")).status,
                 ARC_ENOTFOUND);
    CHECK_STATUS(world_ask(&w, scoped(world_trigger(&w, pipeline.id, ""), "p2")).status,
                 ARC_ENOTFOUND);
    CHECK_STATUS(world_ask(&w, scoped(world_control(&w, ARC_CMD_RUN_STOP, run.id), "p2")).status,
                 ARC_ENOTFOUND);
    CHECK_STATUS(world_ask(&w, scoped(world_create(&w, "x", NULL), "p2")).status, ARC_EDENIED);
    CHECK_OK(world_ask(&w, scoped(update(&w, pipeline.id, "x", 0), "p1")).status);
    CHECK_OK(world_ask(&w, scoped(world_control(&w, ARC_CMD_RUN_STOP, run.id), "p1")).status);
    world_close(&w);
}

static void counters_of_a_pipeline_follow_its_runs(void)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 1))
        return;
    struct said pipeline = world_ask(&w, world_create(&w, "p", one_job));
    struct said first = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    struct said second = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_FAILED, 2).status);
    hand_work(&hand);
    CHECK_INT(world_run_status(&w, first.id), ARC_RUN_FAILED);
    CHECK_INT(world_run_status(&w, second.id), ARC_RUN_SUCCESS);
    CHECK_INT(world_run_col(&w, second.id, ARC_COL_pipeline_run_number), 2);
    struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1};
    struct arc_rows rows = {0};
    CHECK_OK(world_rows(&w, &query, &rows));
    const struct arc_row_pipeline *row = rows.rows;
    CHECK_INT(rows.count, 1);
    CHECK_INT(row->total_runs, 2);
    CHECK_INT(row->success_runs, 1);
    CHECK_INT(row->failed_runs, 1);
    CHECK_INT(row->status, ARC_RUN_SUCCESS); /* of the newest run */
    hand_leave(&hand);
    world_close(&w);
}

static void too_many_commands_are_refused(void)
{
    struct world w;
    struct said said = {0};
    arc_status status = ARC_OK;
    size_t taken = 0;
    if (!world_open(&w, WORLD_MEM))
        return;
    while (taken <= 100000) {
        struct arc_cmd *cmd = world_control(&w, ARC_CMD_RUN_STOP, "");
        status = arc__engine_submit(w.engine, cmd, world_done, &said, NULL);
        if (status != ARC_OK)
            break;
        taken++;
    }
    CHECK_STATUS(status, ARC_ELIMIT);
    CHECK_INT(taken, 100000);
    world_close(&w); /* and what waits goes with the engine */
}

static void a_forgotten_command_still_happens(void)
{
    struct world w;
    struct said said;
    if (!world_open(&w, WORLD_MEM))
        return;
    struct arc_cmd *cmd = world_create(&w, "p", NULL);
    world_submit(&w, cmd, &said);
    arc__cmd_forget(cmd);
    world_turn(&w);
    CHECK_INT(said.times, 0);
    CHECK_INT(world_count(&w, ARC_TABLE_pipeline, ARC_COL_pipeline_name, "p"), 1);
    world_close(&w);
}

/* n jobs of 1,000 steps each; the caller frees it. */
static char *big_definition(struct world *w, int jobs, int steps)
{
    struct arc_buf buf;
    arc__buf_init(&buf, &w->mem, 4u * 1024 * 1024);
    arc__buf_add_cstr(&buf, "namespace: n\njobs:\n");
    for (int j = 0; j < jobs; j++) {
        arc__buf_printf(&buf, "- name: j%d\n  steps:\n", j);
        for (int s = 0; s < steps; s++)
            arc__buf_printf(&buf, "  - {name: s%d, run: a}\n", s);
    }
    return arc__buf_take(&buf, NULL);
}

static void a_run_that_no_batch_could_hold_is_refused(void)
{
    struct world w;
    if (!world_open(&w, WORLD_MEM))
        return;
    char *text = big_definition(&w, 35, 1000);
    struct said pipeline = world_ask(&w, world_create(&w, "p", text));
    CHECK_OK(pipeline.status);
    struct said run = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    CHECK_STATUS(run.status, ARC_ELIMIT); /* 35 jobs and 35,000 steps */
    CHECK_TEXT(arc__slice_cstr(run.subject), "run.things");
    arc__free(&w.mem, text);
    world_close(&w);
}

static void what_is_too_much_for_one_turn_goes_on_in_the_next(void)
{
    struct world w;
    struct said run[8], stop[4];
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    if (!world_open(&w, WORLD_MEM))
        return;
    char *text = big_definition(&w, 10, 600);
    struct said pipeline = world_ask(&w, world_create(&w, "p", text));
    arc__free(&w.mem, text);
    for (size_t i = 0; i < ARC_COUNT_OF(run); i++)
        world_submit(&w, world_trigger(&w, pipeline.id, ""), &run[i]);
    world_turn(&w);
    for (size_t i = 0; i < ARC_COUNT_OF(run); i++)
        CHECK_OK(run[i].status);
    arc__engine_stats(w.engine, &stats);
    CHECK_INT(stats.commits, 3); /* the pipeline, and two turns of four runs each */
    for (size_t i = 0; i < 4; i++)
        world_submit(&w, world_control(&w, ARC_CMD_RUN_STOP, run[i].id), &stop[i]);
    world_turn(&w);
    for (size_t i = 0; i < 4; i++) {
        CHECK_OK(stop[i].status);
        CHECK_INT(world_run_status(&w, run[i].id), ARC_RUN_CANCELLED);
    }
    /* and the rest with their pipeline: 12,000 rows a run, more than one batch holds at once */
    CHECK_OK(world_ask(&w, delete (&w, pipeline.id, 1)).status);
    for (size_t i = 4; i < ARC_COUNT_OF(run); i++)
        CHECK_INT(world_run_status(&w, run[i].id), ARC_RUN_CANCELLED);
    world_check_events(&w);
    world_close(&w);
}

/* While runs of a pipeline are open, the next one costs the store a commit and no question; what is
 * saved meanwhile is what the one after it runs. */
static void a_definition_that_is_run_is_read_once(void)
{
    struct world w;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_SQLITE))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, "")).status);
    for (int i = 0; i < 3; i++) {
        uint64_t calls = w.store_calls;
        CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, "")).status);
        CHECK_INT(w.store_calls - calls, 1);
    }
    CHECK_INT(world_count(&w, ARC_TABLE_job_run, ARC_COL_job_run_pipeline_id, pipeline.id), 5);
    CHECK_OK(world_ask(&w, world_save(&w, pipeline.id, two_jobs)).status);
    CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, "")).status);
    CHECK_INT(world_count(&w, ARC_TABLE_job_run, ARC_COL_job_run_pipeline_id, pipeline.id), 7);
    world_close(&w);
}

/* One that is longer is read for each run. */
static void a_definition_is_kept_up_to_its_size(void)
{
    const uint32_t size = sizeof(one_job) - 1;
    for (uint32_t most = size - 1; most <= size; most++) {
        struct world w;
        struct said pipeline, run;
        if (!world_open(&w, WORLD_MEM))
            return;
        world_end_engine(&w);
        w.options.definition_kept_max = most;
        CHECK_OK(world_start_engine(&w, NULL));
        world_start_run(&w, one_job, &pipeline, &run);
        CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, "")).status);
        uint64_t calls = w.store_calls;
        CHECK_OK(world_ask(&w, world_trigger(&w, pipeline.id, "")).status);
        CHECK_INT(w.store_calls - calls, most < size ? 2 : 1);
        world_close(&w);
    }
}

static const struct test tests[] = {
    {"a pipeline is made, changed and deleted", a_pipeline_is_made_changed_and_deleted},
    {"a definition is saved over the head that its editor knew",
     a_definition_is_saved_over_the_head_it_knew},
    {"what is saved and triggered at once runs", what_one_turn_saves_the_next_can_run},
    {"a definition that is run is read once", a_definition_that_is_run_is_read_once},
    {"a definition is kept for its next run up to a size", a_definition_is_kept_up_to_its_size},
    {"a request id has a bound", a_request_id_has_a_bound},
    {"a trigger is counted once by its request id", a_trigger_is_counted_once_by_its_request},
    {"a trigger that cannot be planned says why and leaves nothing",
     a_trigger_that_cannot_be_planned_says_why},
    {"too many open runs are refused, and nothing else of the turn",
     runs_max_is_a_refusal_of_its_own},
    {"a run that no batch could hold is refused", a_run_that_no_batch_could_hold_is_refused},
    {"what is too much for one turn goes on in the next",
     what_is_too_much_for_one_turn_goes_on_in_the_next},
    {"a pipeline with open runs is deleted by force alone",
     a_pipeline_with_open_runs_is_deleted_by_force},
    {"runs are paused, resumed and stopped", runs_are_paused_resumed_and_stopped},
    {"a token of a project sees nothing of others", a_token_of_a_project_sees_nothing_of_others},
    {"the counters of a pipeline follow its runs", counters_of_a_pipeline_follow_its_runs},
    {"more commands than may wait are refused", too_many_commands_are_refused},
    {"a command that is forgotten still happens", a_forgotten_command_still_happens},
};
TEST_MAIN(tests)
