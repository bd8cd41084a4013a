/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that are old enough go, whole, and leave nothing but what the counters owe them. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "engine/fsck.h"
#include "engine/prune.h"
#include "engine/walk.h"

#define STEP "steps: [{name: s, run: 'true'}]"
static const char one_job[] = "namespace: demo\njobs: [{name: a, " STEP "}]\n";
static const char keeps[] =
    "namespace: demo\njobs: [{name: a, artifacts: [{name: out, path: 'dist/*'}], " STEP "}]\n";
static const char tells[] = "namespace: demo\nnotify: {always: {plugin: mail}}\n"
                            "jobs: [{name: a, " STEP "}]\n";

#define DAY (SECONDS(86400))
#define ROWS_BYTES_MAX (64u * 1024u * 1024u)

/* --- a store and what is done to it ---------------------------------------------------------- */

static struct arc_desk desk_of(struct world *w)
{
    return (struct arc_desk){.store = w->store, .mem = w->mem};
}

static void put(struct world *w, enum arc_store_verb verb, enum arc_table table, const void *row)
{
    struct arc_desk desk = desk_of(w);
    struct arc_store_op op = {verb, table, row, 0};
    CHECK_OK(arc__desk_commit(&desk, &op, 1, NULL));
}

/* At most so many steps; the status of the last one. */
static arc_status prune_some(struct world *w, const struct arc_retention *retention, int dry,
                             uint64_t steps, struct arc_prune_report *report)
{
    struct arc_desk desk = desk_of(w);
    struct arc_prune_tool *tool = NULL;
    arc_status status =
        arc__prune_tool_new(&desk, w->logs, retention, w->now.wall_ns, dry, &tool, NULL);
    for (uint64_t i = 0; status == ARC_OK && i < steps; i++)
        status = arc__prune_tool_step(tool, NULL);
    if (tool != NULL && report != NULL)
        *report = *arc__prune_tool_report(tool);
    arc__prune_tool_free(tool);
    return status;
}

static struct arc_prune_report prune(struct world *w, const struct arc_retention *retention)
{
    struct arc_prune_report report = {0};
    CHECK_STATUS(prune_some(w, retention, 0, 100000, &report), ARC_EDONE);
    return report;
}

static uint64_t findings(struct world *w)
{
    struct arc_desk desk = desk_of(w);
    struct arc_fsck *fsck = NULL;
    const struct arc_fsck_finding *finding = NULL;
    CHECK_OK(arc__fsck_new(&desk, 0, &fsck, NULL));
    while (arc__fsck_next(fsck, &finding, NULL) == ARC_OK)
        printf("# %s %.*s %s: %.*s (%.*s, not %.*s)\n", finding->table, ARC_ARG(finding->row),
               finding->column, ARC_ARG(finding->text), ARC_ARG(finding->has),
               ARC_ARG(finding->expected));
    uint64_t count = arc__fsck_report(fsck)->findings;
    arc__fsck_free(fsck);
    return count;
}

static int holds(arc_slice text, const char *what)
{
    size_t len = strlen(what);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (memcmp(text.ptr + i, what, len) == 0)
            return 1;
    }
    return 0;
}

/* How many values of all tables hold the text. */
static size_t traces(struct world *w, const char *what)
{
    struct arc_desk desk = desk_of(w);
    size_t count = 0;
    for (int t = 0; t < ARC_TABLE_COUNT; t++) {
        const struct arc_table_def *def = arc__table_def((enum arc_table)t);
        struct arc_walk walk;
        const void *row = NULL;
        arc__walk_init(&walk, &desk, (enum arc_table)t);
        while (arc__walk_look(&walk, &row, NULL) == ARC_OK && row != NULL) {
            for (uint32_t i = 0; i < def->col_count; i++)
                count +=
                    def->cols[i].type != ARC_COL_INT && holds(arc__row_slice(def, row, i), what);
            arc__walk_pass(&walk);
        }
        arc__walk_deinit(&walk);
    }
    return count;
}

static int64_t runs_left(struct world *w)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .order_col = -1};
    struct arc_rows rows = {0};
    CHECK_OK(world_rows(w, &query, &rows));
    return (int64_t)rows.count;
}

/* The pipeline's row. */
static struct arc_row_pipeline pipeline_row(struct world *w, const char *id)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_pipeline_id, .text = arc__slice_cstr(id)};
    CHECK_OK(world_rows(w, &query, &rows));
    return rows.count == 1 ? *(const struct arc_row_pipeline *)rows.rows
                           : (struct arc_row_pipeline){0};
}

/* --- lives ----------------------------------------------------------------------------------- */

struct lives {
    struct world w;
    struct hand hand;
    struct said pipeline;
    struct said runs[8];
};

static int open_lives(struct lives *l, enum world_store kind)
{
    memset(l, 0, sizeof(*l));
    return world_open(&l->w, kind) && hand_join(&l->hand, &l->w, "a", "{}", 4);
}

/* One more run of the first pipeline, ended well; a second between two. */
static void live_one(struct lives *l, int i, const char *yaml)
{
    if (l->pipeline.id[0] == '\0')
        world_start_run(&l->w, yaml, &l->pipeline, &l->runs[i]);
    else
        l->runs[i] = world_ask(&l->w, world_trigger(&l->w, l->pipeline.id, ""));
    hand_work(&l->hand);
    CHECK_INT(world_run_status(&l->w, l->runs[i].id), ARC_RUN_SUCCESS);
    world_pass(&l->w, SECONDS(1));
}

static int live(struct lives *l, enum world_store kind, int count)
{
    if (!open_lives(l, kind))
        return 0;
    for (int i = 0; i < count; i++)
        live_one(l, i, one_job);
    return 1;
}

/* Nobody but the tools from now on; the agent's last words are the newest events. */
static void end_lives(struct lives *l)
{
    struct said other, run;
    world_start_run(&l->w, one_job, &other, &run); /* an open run has the newest event */
    hand_leave(&l->hand);
    world_end_engine(&l->w);
}

static int is_there(struct lives *l, int i)
{
    return world_count(&l->w, ARC_TABLE_pipeline_run, ARC_COL_pipeline_run_id, l->runs[i].id) == 1;
}

/* "110": which of the runs are there. */
static const char *there(struct lives *l, int count, char text[9])
{
    for (int i = 0; i < count; i++)
        text[i] = is_there(l, i) ? '1' : '0';
    text[count] = '\0';
    return text;
}

static void add_line(struct world *w, const char *run, const char *step)
{
    struct arc_log_line line = {.time_ns = 1, .stream = ARC_LOG_STDOUT, .content = ARC_LIT("x")};
    CHECK_OK(
        w->logs->ops->append(w->logs, arc__slice_cstr(run), arc__slice_cstr(step), &line, 1, NULL));
}

static int64_t lines(struct world *w, const char *run, const char *step)
{
    struct arc_log_info info = {0};
    CHECK_OK(w->logs->ops->info(w->logs, arc__slice_cstr(run), arc__slice_cstr(step), &info, NULL));
    return info.lines;
}

static void tell_of_artifact(struct hand *hand)
{
    if (!CHECK_INT(hand_take(hand, 1), 1))
        return;
    struct held held = hand->held[0];
    CHECK_OK(hand_say(hand, &held, ARC_STEP_RUNNING, 0).status);
    struct arc_cmd *cmd = hand_report(hand, &held, ARC_STEP_SUCCESS, 0);
    cmd->u.report.artifacts = arc__arena_array(&cmd->arena, 1, sizeof(struct arc_artifact));
    cmd->u.report.artifacts[0] = (struct arc_artifact){
        .name = world_text(cmd, "out"), .path = world_text(cmd, "dist/a"), .size = 1};
    cmd->u.report.artifact_count = 1;
    CHECK_OK(world_ask(hand->w, cmd).status);
    hand_drop(hand, &held);
}

/* --- by age ---------------------------------------------------------------------------------- */

/* A run with artifacts, logs and a step that was deleted; and one that is a day younger. */
static void whole(enum world_store kind)
{
    static struct lives l;
    struct said young, pipeline;
    char step[32];
    const struct arc_retention retention = {.max_age_ns = DAY};
    if (!open_lives(&l, kind))
        return;
    world_start_run(&l.w, keeps, &l.pipeline, &l.runs[0]);
    CHECK_INT(hand_take(&l.hand, 1), 1);
    struct held held = l.hand.held[0];
    (void)snprintf(step, sizeof(step), "%s", held.id);
    add_line(&l.w, l.runs[0].id, step);
    CHECK_OK(hand_say(&l.hand, &held, ARC_STEP_RUNNING, 0).status);
    CHECK_OK(hand_say(&l.hand, &held, ARC_STEP_SUCCESS, 0).status);
    hand_drop(&l.hand, &held);
    tell_of_artifact(&l.hand);
    hand_work(&l.hand);
    struct arc_cmd *cmd = world_control(&l.w, ARC_CMD_STEP_DELETE, l.runs[0].id);
    cmd->u.step.step_run_id = world_text(cmd, step);
    CHECK_OK(world_ask(&l.w, cmd).status);
    world_pass(&l.w, DAY / 2);
    world_start_run(&l.w, one_job, &pipeline, &young);
    hand_work(&l.hand);
    world_pass(&l.w, DAY / 2 + SECONDS(1));
    end_lives(&l);
    CHECK(traces(&l.w, l.runs[0].id) > 10);
    CHECK(traces(&l.w, step) > 2);
    struct arc_row_pipeline before = pipeline_row(&l.w, l.pipeline.id);
    CHECK_INT(before.total_runs, 1);
    struct arc_prune_report report = prune(&l.w, &retention);
    CHECK_INT(report.runs, 1);
    CHECK_INT(report.jobs, 1);
    CHECK_INT(report.steps, 2);
    CHECK_INT(report.artifacts, 1);
    CHECK(report.events > 5);
    CHECK_INT(traces(&l.w, l.runs[0].id), 0);
    CHECK_INT(traces(&l.w, step), 0);
    CHECK_INT(lines(&l.w, l.runs[0].id, step), 0);
    CHECK(traces(&l.w, young.id) > 10);
    struct arc_row_pipeline after = pipeline_row(&l.w, l.pipeline.id);
    CHECK_INT(after.total_runs, before.total_runs);
    CHECK_INT(after.success_runs, before.success_runs);
    CHECK_INT(after.status, before.status);
    CHECK_INT(findings(&l.w), 0);
    CHECK_INT(prune(&l.w, &retention).runs, 0);
    world_close(&l.w);
}
ON_BOTH(whole)

static void what_is_not_over_stays(enum world_store kind)
{
    static struct lives l;
    const struct arc_retention retention = {.max_age_ns = 1, .per_pipeline = 1, .runs = 1};
    if (!live(&l, kind, 0))
        return;
    world_start_run(&l.w, one_job, &l.pipeline, &l.runs[0]);
    for (int i = 1; i < 3; i++)
        l.runs[i] = world_ask(&l.w, world_trigger(&l.w, l.pipeline.id, ""));
    end_lives(&l);
    l.w.now.wall_ns += 400 * DAY;
    CHECK_INT(prune(&l.w, &retention).runs, 0);
    CHECK_INT(runs_left(&l.w), 4);
    CHECK_INT(findings(&l.w), 0);
    world_close(&l.w);
}
ON_BOTH(what_is_not_over_stays)

/* --- by count -------------------------------------------------------------------------------- */

static void newest_of_each(enum world_store kind)
{
    static struct lives l;
    char text[9];
    const struct arc_retention three = {.per_pipeline = 3}, two = {.per_pipeline = 2};
    if (!live(&l, kind, 5))
        return;
    end_lives(&l);
    CHECK_INT(prune(&l.w, &three).runs, 2);
    CHECK_TEXT(arc__slice_cstr(there(&l, 5, text)), "00111");
    CHECK_INT(prune(&l.w, &three).runs, 0);
    CHECK_INT(prune(&l.w, &two).runs, 1);
    CHECK_TEXT(arc__slice_cstr(there(&l, 5, text)), "00011");
    CHECK_INT(findings(&l.w), 0);
    CHECK_INT(runs_left(&l.w), 3); /* the other pipeline's */
    world_close(&l.w);
}
ON_BOTH(newest_of_each)

static void newest_of_all(enum world_store kind)
{
    static struct lives l;
    char text[9];
    const struct arc_retention retention = {.runs = 3};
    if (!live(&l, kind, 4))
        return;
    end_lives(&l); /* the fifth, of another pipeline, is open */
    CHECK_INT(prune(&l.w, &retention).runs, 2);
    CHECK_TEXT(arc__slice_cstr(there(&l, 4, text)), "0011");
    CHECK_INT(prune(&l.w, &retention).runs, 0);
    CHECK_INT(findings(&l.w), 0);
    world_close(&l.w);
}
ON_BOTH(newest_of_all)

/* Numbers and positions go on as if nothing were gone. */
static void life_goes_on(enum world_store kind)
{
    static struct lives l;
    const struct arc_retention retention = {.max_age_ns = 1};
    if (!live(&l, kind, 3))
        return;
    hand_leave(&l.hand);
    world_end_engine(&l.w);
    struct arc_query query = {
        .table = ARC_TABLE_event, .order_col = ARC_COL_event_position, .descending = 1, .limit = 1};
    struct arc_rows rows = {0};
    CHECK_OK(world_rows(&l.w, &query, &rows));
    int64_t position = ((const struct arc_row_event *)rows.rows)->position;
    l.w.now.wall_ns += SECONDS(10);
    (void)prune(&l.w, &retention);
    CHECK_OK(world_start_engine(&l.w, NULL));
    struct said run = world_ask(&l.w, world_trigger(&l.w, l.pipeline.id, ""));
    CHECK_OK(run.status);
    CHECK_INT(world_run_col(&l.w, run.id, ARC_COL_pipeline_run_number), 4);
    world_end_engine(&l.w);
    query.descending = 0;
    query.filter_count = 1;
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_event_stream, .text = arc__slice_cstr(run.id)};
    CHECK_OK(world_rows(&l.w, &query, &rows));
    CHECK_INT(((const struct arc_row_event *)rows.rows)->position, position + 1);
    CHECK_INT(findings(&l.w), 0);
    world_close(&l.w);
}
ON_BOTH(life_goes_on)

/* --- what is left alone ---------------------------------------------------------------------- */

static void newest_event_stays(void)
{
    static struct lives l;
    char text[9];
    struct arc_row_event gone;
    const struct arc_retention retention = {.max_age_ns = 1};
    if (!live(&l, WORLD_MEM, 2))
        return;
    hand_leave(&l.hand);
    world_end_engine(&l.w);
    /* The agent's own events are away, so that the second run's end is the newest. */
    struct arc_query query = {
        .table = ARC_TABLE_event, .order_col = ARC_COL_event_position, .descending = 1, .limit = 1};
    struct arc_rows rows = {0};
    for (;;) {
        CHECK_OK(world_rows(&l.w, &query, &rows));
        gone = *(const struct arc_row_event *)rows.rows;
        if (arc__slice_is(gone.stream, l.runs[1].id))
            break;
        put(&l.w, ARC_STORE_DELETE, ARC_TABLE_event, &gone);
    }
    l.w.now.wall_ns += DAY;
    struct arc_prune_report report = prune(&l.w, &retention);
    CHECK_INT(report.runs, 1);
    CHECK_INT(report.busy, 1);
    CHECK_TEXT(arc__slice_cstr(there(&l, 2, text)), "01");
    world_close(&l.w);
}

static void notices_stay(enum world_store kind)
{
    static struct lives l;
    char text[9];
    const struct arc_retention retention = {.max_age_ns = 1, .per_pipeline = 1, .runs = 1};
    if (!open_lives(&l, kind))
        return;
    for (int i = 0; i < 3; i++)
        live_one(&l, i, tells);
    end_lives(&l);
    l.w.now.wall_ns += DAY;
    struct arc_query query = {.table = ARC_TABLE_outbox, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_outbox_run_id, .text = arc__slice_cstr(l.runs[1].id)};
    CHECK_OK(world_rows(&l.w, &query, &rows));
    if (CHECK_INT(rows.count, 1)) /* the host has dealt with this one alone */
        put(&l.w, ARC_STORE_DELETE, ARC_TABLE_outbox, rows.rows);
    struct arc_prune_report report = prune(&l.w, &retention);
    CHECK_INT(report.runs, 1);
    CHECK(report.noticed >= 2);
    CHECK_TEXT(arc__slice_cstr(there(&l, 3, text)), "101");
    CHECK_INT(findings(&l.w), 0);
    world_close(&l.w);
}
ON_BOTH(notices_stay)

static void hold(struct world *w, const char *run, int64_t held)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_pipeline_run_id, .text = arc__slice_cstr(run)};
    CHECK_OK(world_rows(w, &query, &rows));
    struct arc_row_pipeline_run row = *(const struct arc_row_pipeline_run *)rows.rows;
    row.held = held;
    put(w, ARC_STORE_PUT, ARC_TABLE_pipeline_run, &row);
}

static void held_ones(void)
{
    static struct lives l;
    char text[9];
    struct arc_retention retention = {.max_age_ns = 1};
    if (!live(&l, WORLD_MEM, 3))
        return;
    end_lives(&l);
    hold(&l.w, l.runs[0].id, ARC_HELD_DAMAGED);
    hold(&l.w, l.runs[1].id, ARC_HELD_IMPORTED);
    l.w.now.wall_ns += DAY;
    CHECK_INT(prune(&l.w, &retention).runs, 1);
    CHECK_TEXT(arc__slice_cstr(there(&l, 3, text)), "110");
    retention.held = 1;
    CHECK_INT(prune(&l.w, &retention).runs, 2);
    CHECK_TEXT(arc__slice_cstr(there(&l, 3, text)), "000");
    CHECK_INT(world_count(&l.w, ARC_TABLE_pruned, ARC_COL_pruned_pipeline_id, l.pipeline.id), 1);
    struct arc_query query = {.table = ARC_TABLE_pruned, .order_col = -1};
    struct arc_rows rows = {0};
    CHECK_OK(world_rows(&l.w, &query, &rows));
    CHECK_INT(((const struct arc_row_pruned *)rows.rows)->total, 2); /* the record is in none */
    world_close(&l.w);
}

static void request_keys(enum world_store kind)
{
    static struct lives l;
    const struct arc_retention nothing = {0};
    if (!live(&l, kind, 1))
        return;
    CHECK_OK(world_ask(&l.w, world_trigger(&l.w, l.pipeline.id, "old")).status);
    l.w.now.wall_ns += 20 * DAY;
    CHECK_OK(world_ask(&l.w, world_trigger(&l.w, l.pipeline.id, "young")).status);
    end_lives(&l);
    l.w.now.wall_ns += 10 * DAY - SECONDS(60);
    CHECK_INT(prune(&l.w, &nothing).request_keys, 0);
    l.w.now.wall_ns += SECONDS(120);
    CHECK_INT(prune(&l.w, &nothing).request_keys, 1);
    CHECK_INT(world_count(&l.w, ARC_TABLE_request_key, ARC_COL_request_key_request_id, "young"), 1);
    CHECK_INT(world_count(&l.w, ARC_TABLE_request_key, ARC_COL_request_key_request_id, "old"), 0);
    CHECK_INT(runs_left(&l.w), 4);
    world_close(&l.w);
}
ON_BOTH(request_keys)

static void dry(void)
{
    static struct lives l;
    struct arc_prune_report report;
    const struct arc_retention retention = {.max_age_ns = 1, .per_pipeline = 2, .runs = 3};
    if (!live(&l, WORLD_MEM, 5))
        return;
    end_lives(&l);
    l.w.now.wall_ns += DAY;
    CHECK_STATUS(prune_some(&l.w, &retention, 1, 1000, &report), ARC_EDONE);
    CHECK_INT(report.runs, 5);
    CHECK_INT(runs_left(&l.w), 6);
    CHECK_INT(prune(&l.w, &retention).runs, 5);
    world_close(&l.w);
}

/* --- in parts -------------------------------------------------------------------------------- */

/* A run of 150 jobs, each with a step, that was stopped. */
static int live_large(struct lives *l, enum world_store kind)
{
    struct arc_buf yaml;
    struct arc_mem mem = arc__mem_default();
    if (!open_lives(l, kind))
        return 0;
    arc__buf_init(&yaml, &mem, (size_t)1 << 20);
    arc__buf_add_cstr(&yaml, "namespace: demo\njobs:\n");
    for (int i = 0; i < 150; i++)
        arc__buf_printf(&yaml, "- {name: j%d, agentSelector: {matchLabels: {x: y}}, " STEP "}\n",
                        i);
    arc__buf_add(&yaml, "", 1);
    world_start_run(&l->w, yaml.ptr, &l->pipeline, &l->runs[0]);
    arc__buf_deinit(&yaml);
    CHECK_OK(world_ask(&l->w, world_control(&l->w, ARC_CMD_RUN_STOP, l->runs[0].id)).status);
    world_pass(&l->w, SECONDS(60));
    CHECK_INT(world_run_status(&l->w, l->runs[0].id), ARC_RUN_CANCELLED);
    end_lives(l);
    l->w.now.wall_ns += DAY;
    return 1;
}

/* Cut off behind each batch, checked there, opened by an engine there, and gone on with. */
static void in_parts(enum world_store kind)
{
    static struct lives l;
    uint64_t cuts = 0;
    const struct arc_retention retention = {.max_age_ns = 1}, nothing = {0};
    if (!live_large(&l, kind))
        return;
    for (; runs_left(&l.w) == 2 && cuts < 100; cuts++) {
        arc_status status = prune_some(&l.w, cuts == 0 ? &retention : &nothing, 0, 1, NULL);
        CHECK(status == ARC_OK || status == ARC_EDONE);
        CHECK_INT(findings(&l.w), 0);
        CHECK_OK(world_start_engine(&l.w, NULL));
        if (is_there(&l, 0) && cuts > 0) {
            struct said said =
                world_ask(&l.w, world_control(&l.w, ARC_CMD_RUN_RERUN, l.runs[0].id));
            CHECK_STATUS(said.status, ARC_ENOTFOUND);
        }
        world_end_engine(&l.w);
    }
    CHECK(cuts > 3);
    CHECK_INT(traces(&l.w, l.runs[0].id), 0);
    CHECK_INT(pipeline_row(&l.w, l.pipeline.id).total_runs, 1);
    CHECK_INT(findings(&l.w), 0);
    world_close(&l.w);
}
ON_BOTH(in_parts)

/* --- without memory -------------------------------------------------------------------------- */

static void without_memory(void)
{
    const struct arc_retention retention = {.max_age_ns = 1, .per_pipeline = 1, .runs = 1};
    for (int sticky = 0; sticky < 2; sticky++) {
        arc_status status = ARC_ENOMEM;
        for (uint64_t n = 1; status == ARC_ENOMEM && n < 100000; n += 1 + n / 8) {
            static struct lives l;
            if (!live(&l, WORLD_MEM, 2))
                return;
            end_lives(&l);
            l.w.now.wall_ns += DAY;
            l.w.memory.fail_at = l.w.memory.calls + n;
            l.w.memory.sticky = sticky;
            status = prune_some(&l.w, &retention, 0, 1000, NULL);
            l.w.memory.fail_at = 0;
            CHECK(status == ARC_ENOMEM || status == ARC_EDONE);
            CHECK_INT(findings(&l.w), 0);
            (void)prune(&l.w, &retention);
            CHECK_INT(runs_left(&l.w), 1);
            world_close(&l.w);
        }
        CHECK_STATUS(status, ARC_EDONE);
    }
}

static const struct test tests[] = {
    {"a run that is too old goes with all that it consists of", whole_mem},
    {"and in SQLite it goes whole too", whole_sqlite},
    {"a run that is not over is never deleted", what_is_not_over_stays_mem},
    {"and in SQLite it never is either", what_is_not_over_stays_sqlite},
    {"the newest runs of each pipeline are kept", newest_of_each_mem},
    {"and in SQLite those of each pipeline are", newest_of_each_sqlite},
    {"the newest runs of all pipelines are kept", newest_of_all_mem},
    {"and in SQLite those of all pipelines are", newest_of_all_sqlite},
    {"numbers and positions go on after runs were deleted", life_goes_on_mem},
    {"and in SQLite they go on", life_goes_on_sqlite},
    {"the run with the newest event of the log stays", newest_event_stays},
    {"a run with notices that wait for the host stays", notices_stay_mem},
    {"and in SQLite it stays with its notices", notices_stay_sqlite},
    {"runs that are held go only where that is asked for", held_ones},
    {"a requestId is forgotten after thirty days", request_keys_mem},
    {"and in SQLite it is after thirty days", request_keys_sqlite},
    {"a dry pass counts what would go, each run once", dry},
    {"a large run goes in parts, and is sound between any two", in_parts_mem},
    {"and in SQLite it goes in parts too", in_parts_sqlite},
    {"without memory a pass ends cleanly and the next one does it", without_memory},
};
TEST_MAIN(tests)
