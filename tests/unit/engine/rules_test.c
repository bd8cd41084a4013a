/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of docs/RULES.md that are about what is stored, on each store. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "port/store.h"

#define STEP "steps: [{name: s, run: x}]"

/* --- what a pipeline shows ------------------------------------------------------------ */

static int pipeline_status(struct world *w, const char *id)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_pipeline_id, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(id)};
    CHECK_OK(world_rows(w, &query, &rows));
    const struct arc_row_pipeline *row = rows.rows;
    return rows.count == 1 ? (int)row->status : 0;
}

static void end_one(struct hand *hand, int status)
{
    (void)hand_take(hand, 1);
    if (!CHECK_INT(hand->held_count > 0, 1))
        return;
    struct held held = hand->held[0];
    CHECK_OK(hand_say(hand, &held, ARC_STEP_RUNNING, 0).status);
    CHECK_OK(hand_say(hand, &held, status, status == ARC_STEP_FAILED).status);
}

static void a_pipeline_shows_its_newest_run(enum world_store kind)
{
    struct world w;
    struct hand hand;
    if (!world_open(&w, kind) || !hand_join(&hand, &w, "A", "{}", 1))
        return;
    struct said pipeline =
        world_ask(&w, world_create(&w, "p",
                                   "namespace: n\njobs:\n"
                                   "- {name: a, continueOnError: true, " STEP "}\n"));
    CHECK_INT(pipeline_status(&w, pipeline.id), ARC_RUN_PENDING);
    struct said old = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    struct said partial = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    end_one(&hand, ARC_STEP_SUCCESS);
    CHECK_INT(world_run_status(&w, old.id), ARC_RUN_SUCCESS);
    CHECK_INT(pipeline_status(&w, pipeline.id), ARC_RUN_PENDING); /* the newest has not begun */
    end_one(&hand, ARC_STEP_FAILED);
    CHECK_INT(world_run_status(&w, partial.id), ARC_RUN_PARTIAL);
    CHECK_INT(pipeline_status(&w, pipeline.id), ARC_RUN_FAILED);
    struct said last = world_ask(&w, world_trigger(&w, pipeline.id, ""));
    CHECK_INT(pipeline_status(&w, pipeline.id), ARC_RUN_PENDING);
    (void)hand_take(&hand, 1);
    CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_RUNNING, 0).status);
    CHECK_INT(pipeline_status(&w, pipeline.id), ARC_RUN_RUNNING);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_PAUSE, last.id)).status);
    CHECK_INT(pipeline_status(&w, pipeline.id), ARC_RUN_PAUSED);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, last.id)).status);
    CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_CANCELLED, 0).status);
    CHECK_INT(pipeline_status(&w, pipeline.id), ARC_RUN_CANCELLED);
    hand_leave(&hand);
    world_close(&w);
}

/* --- counters ------------------------------------------------------------------------- */

/* Every number of the run's row against the rows of its jobs, as they are stored. */
static int counters_hold(struct world *w, const char *run)
{
    struct arc_query query = {.table = ARC_TABLE_job_run, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    int64_t ended = 0, failed = 0, running = 0;
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_job_run_run_id, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(run)};
    CHECK_OK(world_rows(w, &query, &rows));
    const struct arc_row_job_run *job = rows.rows;
    for (size_t i = 0; i < rows.count; i++) {
        ended += arc_job_state_is_terminal((int)job[i].status);
        failed += job[i].status == ARC_JOB_FAILED || job[i].status == ARC_JOB_TIMEOUT;
        running += job[i].status == ARC_JOB_RUNNING;
    }
    return CHECK_INT(world_run_col(w, run, ARC_COL_pipeline_run_total_jobs), rows.count) &
           CHECK_INT(world_run_col(w, run, ARC_COL_pipeline_run_completed_jobs), ended) &
           CHECK_INT(world_run_col(w, run, ARC_COL_pipeline_run_failed_jobs), failed) &
           CHECK_INT(world_run_col(w, run, ARC_COL_pipeline_run_running_jobs), running);
}

static const char many_ends[] =
    "namespace: n\njobs:\n- {name: good, " STEP "}\n"
    "- {name: bad, continueOnError: true, retry: {maxAttempts: 2}, " STEP "}\n"
    "- {name: left, dependsOn: [bad], when: failure(), " STEP "}\n"
    "- {name: never, dependsOn: [good], when: failure(), " STEP "}\n"
    "- {name: off, " STEP "}\n"
    "- {name: slow, queueTimeout: 10m, agentSelector: {matchLabels: {no: one}}, " STEP "}\n"
    "- {name: m, matrix: {os: [a, b, c], maxParallel: 2}, " STEP "}\n"
    "- {name: after, dependsOn: [m], " STEP "}\n";

/* What is in hand, one after the other: failed where its job is to fail. */
static void work_and_look(struct hand *hand, const char *run)
{
    for (int i = 0; i < 100; i++) {
        (void)hand_take(hand, 1);
        if (!counters_hold(hand->w, run) || hand->held_count == 0)
            return;
        struct held held = hand->held[0];
        int bad = strcmp(held.job, "bad") == 0 || strcmp(held.job, "m[os=b]") == 0;
        (void)hand_say(hand, &held, ARC_STEP_RUNNING, 0);
        (void)counters_hold(hand->w, run);
        CHECK_OK(hand_say(hand, &held, bad ? ARC_STEP_FAILED : ARC_STEP_SUCCESS, bad).status);
    }
}

static void counters_are_the_sum_of_the_jobs(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, many_ends, &pipeline, &run);
    (void)counters_hold(&w, run.id);
    struct arc_cmd *cmd = world_control(&w, ARC_CMD_JOB_CANCEL, run.id);
    cmd->u.cancel.what = world_text(cmd, "off");
    CHECK_OK(world_ask(&w, cmd).status);
    (void)counters_hold(&w, run.id);
    if (hand_join(&hand, &w, "A", "{}", 3)) {
        work_and_look(&hand, run.id);
        hand_leave(&hand);
    }
    CHECK_OK(world_crash(&w, &err));
    world_pass(&w, SECONDS(700)); /* nobody takes `slow` */
    (void)counters_hold(&w, run.id);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    CHECK_INT(world_run_col(&w, run.id, ARC_COL_pipeline_run_completed_jobs), 10);
    CHECK_INT(world_run_col(&w, run.id, ARC_COL_pipeline_run_failed_jobs), 3);
    world_close(&w);
}

/* --- what is said at a gate ------------------------------------------------------------ */

static int body_has(struct world *w, const char *run, const char *type, const char *text)
{
    struct arc_query query = {.table = ARC_TABLE_event, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    char body[2048];
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_event_stream, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(run)};
    CHECK_OK(world_rows(w, &query, &rows));
    const struct arc_row_event *row = rows.rows;
    for (size_t i = 0; i < rows.count; i++) {
        if (arc__slice_is(row[i].type, type) &&
            arc__slice_to_cstr(row[i].body, body, sizeof(body)) && strstr(body, text) != NULL)
            return row[i].time_ns > 0;
    }
    return 0;
}

static void what_is_said_at_a_gate_is_kept(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w,
                    "namespace: n\njobs:\n- {name: a, approval: {timeout: 1h}, " STEP "}\n"
                    "- {name: b, approval: {timeout: 1h, onTimeout: approve}, " STEP "}\n",
                    &pipeline, &run);
    struct arc_cmd *cmd = world_control(&w, ARC_CMD_RUN_GATE, run.id);
    cmd->actor = world_text(cmd, "ann");
    cmd->u.gate.name = world_text(cmd, "job:a");
    cmd->u.gate.comment = world_text(cmd, "it is fine");
    cmd->u.gate.channel = world_text(cmd, "chat");
    cmd->u.gate.approve = 1;
    CHECK_OK(world_ask(&w, cmd).status);
    world_pass(&w, SECONDS(3601));
    CHECK_OK(world_crash(&w, &err));
    static const char type[] = "arcentra.pipeline.approval.approved";
    CHECK(body_has(&w, run.id, type, "\"actor\":\"ann\""));
    CHECK(body_has(&w, run.id, type, "\"comment\":\"it is fine\""));
    CHECK(body_has(&w, run.id, type, "\"channel\":\"chat\""));
    CHECK(body_has(&w, run.id, type, "\"channel\":\"timeout\""));
    world_close(&w);
}

/* --- writes to step runs ----------------------------------------------------------------- */

static struct arc_cmd *step_cmd(struct world *w, enum arc_cmd_kind kind, const char *run,
                                const char *step)
{
    struct arc_cmd *cmd = world_control(w, kind, run);
    cmd->actor = world_text(cmd, "ann");
    cmd->u.step.step_run_id = world_text(cmd, step);
    cmd->u.step.timeout_ns = -1;
    return cmd;
}

/* The id of the run's first step as it is stored. */
static void first_step(struct world *w, const char *run, char *id, size_t size)
{
    struct arc_query query = {.table = ARC_TABLE_step_run, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_step_run_run_id, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(run)};
    CHECK_OK(world_rows(w, &query, &rows));
    const struct arc_row_step_run *row = rows.rows;
    id[0] = '\0';
    if (CHECK_INT(rows.count > 0, 1))
        (void)arc__slice_to_cstr(row->id, id, size);
}

static void a_step_that_waits_is_changed(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    char step[32];
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w,
                    "namespace: n\njobs:\n- name: a\n"
                    "  steps: [{name: s, run: x, timeout: 1h, env: {A: plan, B: plan}}]\n",
                    &pipeline, &run);
    first_step(&w, run.id, step, sizeof(step));
    struct arc_cmd *cmd = step_cmd(&w, ARC_CMD_STEP_UPDATE, run.id, step);
    cmd->u.step.env = world_text(cmd, "{\"A\":\"new\",\"C\":\"new\"}");
    cmd->u.step.timeout_ns = SECONDS(60);
    CHECK_OK(world_ask(&w, cmd).status);
    CHECK_OK(world_crash(&w, &err));
    static const char env[] = "{\"A\":\"new\",\"B\":\"plan\",\"C\":\"new\"}";
    CHECK_INT(world_count(&w, ARC_TABLE_step_run, ARC_COL_step_run_env, env), 1);
    CHECK_INT(world_count(&w, ARC_TABLE_step_run, ARC_COL_step_run_timeout, "1m"), 1);
    CHECK(body_has(&w, run.id, "arcentra.step.updated", "\"actor\":\"ann\""));
    if (hand_join(&hand, &w, "A", "{}", 1)) {
        CHECK_INT((long long)hand_take(&hand, 1), 1);
        CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_RUNNING, 0).status);
        cmd = step_cmd(&w, ARC_CMD_STEP_UPDATE, run.id, step);
        cmd->u.step.timeout_ns = 0;
        CHECK_STATUS(world_ask(&w, cmd).status, ARC_ECONFLICT);
        for (int i = 0; i < 7; i++) { /* the timeout that was set is the one that holds */
            world_pass(&w, SECONDS(10));
            (void)hand_beat(&hand, NULL);
        }
        (void)hand_take(&hand, 1);
        CHECK_INT((long long)hand.cancel_count, 1);
        CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_CANCELLED, 0).status);
        hand_leave(&hand);
    }
    CHECK_INT(world_count(&w, ARC_TABLE_step_run, ARC_COL_step_run_env, env), 1);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    world_close(&w);
}

static void a_step_that_ended_is_hidden(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    char step[32];
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind))
        return;
    world_start_run(&w, "namespace: n\njobs: [{name: a, " STEP "}]\n", &pipeline, &run);
    first_step(&w, run.id, step, sizeof(step));
    CHECK_STATUS(world_ask(&w, step_cmd(&w, ARC_CMD_STEP_DELETE, run.id, step)).status,
                 ARC_ECONFLICT);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id)).status);
    CHECK_OK(world_ask(&w, step_cmd(&w, ARC_CMD_STEP_DELETE, run.id, step)).status);
    CHECK_STATUS(world_ask(&w, step_cmd(&w, ARC_CMD_STEP_DELETE, run.id, step)).status,
                 ARC_ENOTFOUND);
    CHECK(body_has(&w, step, "arcentra.step.deleted", "\"actor\":\"ann\""));
    CHECK_OK(world_crash(&w, &err)); /* what happened in the run is as it was */
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_CANCELLED);
    world_check_events(&w);
    world_close(&w);
}

/* --- artifacts -------------------------------------------------------------------------- */

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct arc_cmd *keeping(struct hand *hand, const struct held *held, const char *name,
                               const char *path, const char *digest)
{
    struct arc_cmd *cmd = hand_report(hand, held, ARC_STEP_SUCCESS, 0);
    cmd->u.report.artifacts = arc__arena_array(&cmd->arena, 1, sizeof(struct arc_artifact));
    cmd->u.report.artifacts[0] = (struct arc_artifact){.name = world_text(cmd, name),
                                                       .path = world_text(cmd, path),
                                                       .digest = world_text(cmd, digest),
                                                       .size = 42};
    cmd->u.report.artifact_count = 1;
    return cmd;
}

static void look_at_artifact(struct world *w, const char *run)
{
    struct arc_query query = {.table = ARC_TABLE_step_run_artifact, .order_col = -1};
    struct arc_rows rows = {0};
    CHECK_OK(world_rows(w, &query, &rows));
    const struct arc_row_step_run_artifact *row = rows.rows;
    if (!CHECK_INT(rows.count, 1))
        return;
    CHECK_TEXT(row->run_id, run);
    CHECK_TEXT(row->name, "out");
    CHECK_TEXT(row->path, "dist/a.tgz");
    CHECK_TEXT(row->digest, DIGEST);
    CHECK_INT(row->size, 42);
    CHECK_INT(row->attempt, 1);
    CHECK_INT(row->expire_at_ns - row->created_at_ns, SECONDS(30 * 86400));
}

static void what_steps_keep_is_recorded(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    char story[1024];
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind) || !hand_join(&hand, &w, "A", "{}", 1))
        return;
    world_start_run(&w,
                    "namespace: n\njobs:\n- name: a\n  steps: [{name: s, run: x}]\n  artifacts:\n"
                    "  - {name: out, path: 'dist/*', expire: true, expireDays: 30}\n",
                    &pipeline, &run);
    end_one(&hand, ARC_STEP_SUCCESS);
    CHECK_INT((long long)hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
    CHECK_STATUS(world_ask(&w, keeping(&hand, &held, "out", "../x", "")).status, ARC_EINVAL);
    CHECK_STATUS(world_ask(&w, keeping(&hand, &held, "", "x", "")).status, ARC_EINVAL);
    CHECK_STATUS(world_ask(&w, keeping(&hand, &held, "out", "x", "md5:1")).status, ARC_EINVAL);
    CHECK_OK(world_ask(&w, keeping(&hand, &held, "out", "dist/a.tgz", DIGEST)).status);
    CHECK_STATUS(world_ask(&w, keeping(&hand, &held, "out", "dist/a.tgz", DIGEST)).status, ARC_OK);
    look_at_artifact(&w, run.id);
    hand_leave(&hand);
    CHECK_OK(world_crash(&w, &err));
    look_at_artifact(&w, run.id);
    world_story(&w, run.id, story, sizeof(story));
    CHECK(strstr(story, "step.started artifact.created step.completed job.completed") != NULL);
    CHECK(body_has(&w, run.id, "arcentra.artifact.created", "\"path\":\"dist/a.tgz\""));
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    world_close(&w);
}

ON_BOTH(what_steps_keep_is_recorded)

/* --- notices ---------------------------------------------------------------------------- */

static const char telling[] =
    "namespace: n\nvariables: {who: ann}\n"
    "notify:\n  onSuccess: {plugin: mail}\n"
    "  onFailure: {plugin: mail, action: Warn, params: {to: '${{ variables.who }}'}}\n"
    "  always: [{plugin: log}, {plugin: chat, action: Post}]\n"
    "stages:\n- name: one\n  notify: {onFailure: {plugin: stage}}\n  jobs:\n"
    "  - name: a\n    notify: {onFailure: {plugin: job, params: {n: 1}}}\n    steps: [{name: s, "
    "run: x}]\n"
    "  - {name: b, " STEP
    "}\n- {name: two, notify: {always: {plugin: none}}, jobs: [{name: c, " STEP "}]}\n";

/* "about result plugin action params; " of each that is told now, into text; done: each is dealt
 * with. */
static void told(struct world *w, char *text, size_t size, int done)
{
    const struct arc_row_outbox *row = NULL;
    char ids[16][32];
    size_t at = 0, count = 0;
    text[0] = '\0';
    while (count < 16 && world_next_notice(w, &row) == ARC_OK) {
        at += (size_t)snprintf(text + at, size - at, "%.*s %.*s %.*s %.*s %.*s%s; ",
                               ARC_ARG(row->about), ARC_ARG(row->result), ARC_ARG(row->plugin),
                               ARC_ARG(row->action), ARC_ARG(row->params),
                               row->fault.len > 0 ? " !" : "");
        (void)arc__slice_to_cstr(row->id, ids[count++], sizeof(ids[0]));
    }
    for (size_t i = 0; i < count && done; i++) {
        struct arc_cmd *cmd = world_cmd(w, ARC_CMD_NOTICE_DONE);
        cmd->u.notice.id = world_text(cmd, ids[i]);
        CHECK_OK(world_ask(w, cmd).status);
    }
}

static void who_is_to_know_is_told(enum world_store kind)
{
    static const char all[] = "job:a failure job Send {\"n\":1}; stage:one failure stage Send {}; "
                              "pipeline failure mail Warn {\"to\":\"ann\"}; "
                              "pipeline failure log Send {}; pipeline failure chat Post {}; ";
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    char text[1024];
    arc_err err = ARC_ERR_INIT;
    if (!world_open(&w, kind) || !hand_join(&hand, &w, "A", "{}", 1))
        return;
    world_start_run(&w, telling, &pipeline, &run);
    told(&w, text, sizeof(text), 0);
    CHECK_TEXT(arc__slice_cstr(text), ""); /* nothing has ended */
    end_one(&hand, ARC_STEP_FAILED);
    end_one(&hand, ARC_STEP_SUCCESS);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_FAILED);
    hand_leave(&hand);
    CHECK_OK(world_crash(&w, &err)); /* nobody had heard of it yet */
    told(&w, text, sizeof(text), 0);
    CHECK_TEXT(arc__slice_cstr(text), all);
    told(&w, text, sizeof(text), 0);
    CHECK_TEXT(arc__slice_cstr(text), ""); /* once, while it is not done */
    CHECK_OK(world_crash(&w, &err));
    told(&w, text, sizeof(text), 1);
    CHECK_TEXT(arc__slice_cstr(text), all); /* at least once */
    CHECK_OK(world_crash(&w, &err));
    told(&w, text, sizeof(text), 1);
    CHECK_TEXT(arc__slice_cstr(text), "");
    world_close(&w);
}

static void each_result_has_its_notice(enum world_store kind)
{
    static const char yaml[] =
        "namespace: n\nnotify: {onSuccess: {plugin: good}, onFailure: {plugin: "
        "bad}, onCancelled: {plugin: off, params: {n: '${{ int(run.id) }}'}}}\n"
        "jobs: [{name: a, continueOnError: true, " STEP "}]\n";
    struct world w;
    struct said pipeline, run;
    struct hand hand;
    char text[1024];
    if (!world_open(&w, kind) || !hand_join(&hand, &w, "A", "{}", 1))
        return;
    world_start_run(&w, yaml, &pipeline, &run);
    end_one(&hand, ARC_STEP_SUCCESS);
    told(&w, text, sizeof(text), 1);
    CHECK_TEXT(arc__slice_cstr(text), "pipeline success good Send {}; ");
    world_start_run(&w, yaml, &pipeline, &run);
    end_one(&hand, ARC_STEP_FAILED);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_PARTIAL);
    told(&w, text, sizeof(text), 1);
    CHECK_TEXT(arc__slice_cstr(text), "pipeline failure bad Send {}; ");
    world_start_run(&w, yaml, &pipeline, &run);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, run.id)).status);
    (void)hand_take(&hand, 1);
    if (hand.held_count > 0)
        CHECK_OK(hand_say(&hand, &hand.held[0], ARC_STEP_CANCELLED, 0).status);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_CANCELLED);
    told(&w, text, sizeof(text), 1);
    CHECK_TEXT(arc__slice_cstr(text),
               "pipeline cancelled off Send {\"n\":\"${{ int(run.id) }}\"} !; ");
    hand_leave(&hand);
    world_close(&w);
}

ON_BOTH(who_is_to_know_is_told)
ON_BOTH(each_result_has_its_notice)

/* --- where ------------------------------------------------------------------------------ */

static void only_who_has_the_image_runs_it(enum world_store kind)
{
    struct world w;
    struct said pipeline, run;
    struct hand plain, other, right;
    if (!world_open(&w, kind) || !hand_join(&plain, &w, "plain", "{}", 4) ||
        !hand_join(&other, &w, "other", "{\"arcentra.image\":\"alpine\"}", 4))
        return;
    world_start_run(&w,
                    "namespace: n\njobs:\n- name: a\n"
                    "  steps: [{name: s, run: x}, {name: t, run: x, image: 'debian:12'}]\n",
                    &pipeline, &run);
    CHECK_INT((long long)hand_take(&plain, 1), 0);
    CHECK_INT((long long)hand_take(&other, 1), 0);
    CHECK_INT(hand_join(&right, &w, "right", "{\"arcentra.image\":\"any\"}", 4), 1);
    CHECK_INT((long long)hand_take(&right, 1), 1);
    hand_work(&right);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&plain);
    hand_leave(&other);
    hand_leave(&right);
    world_close(&w);
}

ON_BOTH(only_who_has_the_image_runs_it)
ON_BOTH(a_step_that_waits_is_changed)
ON_BOTH(a_step_that_ended_is_hidden)
ON_BOTH(a_pipeline_shows_its_newest_run)
ON_BOTH(counters_are_the_sum_of_the_jobs)
ON_BOTH(what_is_said_at_a_gate_is_kept)

static const struct test tests[] = {
    {"who is to know how it ended is told, until done (memory)", who_is_to_know_is_told_mem},
    {"who is to know how it ended is told, until done (SQLite)", who_is_to_know_is_told_sqlite},
    {"each result has its notice (memory)", each_result_has_its_notice_mem},
    {"each result has its notice (SQLite)", each_result_has_its_notice_sqlite},
    {"what steps keep is recorded (memory)", what_steps_keep_is_recorded_mem},
    {"what steps keep is recorded (SQLite)", what_steps_keep_is_recorded_sqlite},
    {"only an agent that has the image runs the step (memory)", only_who_has_the_image_runs_it_mem},
    {"only an agent that has the image runs the step (SQLite)",
     only_who_has_the_image_runs_it_sqlite},
    {"a step that waits is changed, and only then (memory)", a_step_that_waits_is_changed_mem},
    {"a step that waits is changed, and only then (SQLite)", a_step_that_waits_is_changed_sqlite},
    {"a step that has ended may be hidden (memory)", a_step_that_ended_is_hidden_mem},
    {"a step that has ended may be hidden (SQLite)", a_step_that_ended_is_hidden_sqlite},
    {"a pipeline shows its newest run (memory)", a_pipeline_shows_its_newest_run_mem},
    {"a pipeline shows its newest run (SQLite)", a_pipeline_shows_its_newest_run_sqlite},
    {"a run's counters are the sum of its jobs (memory)", counters_are_the_sum_of_the_jobs_mem},
    {"a run's counters are the sum of its jobs (SQLite)", counters_are_the_sum_of_the_jobs_sqlite},
    {"what is said at a gate is kept (memory)", what_is_said_at_a_gate_is_kept_mem},
    {"what is said at a gate is kept (SQLite)", what_is_said_at_a_gate_is_kept_sqlite},
};
TEST_MAIN(tests)
