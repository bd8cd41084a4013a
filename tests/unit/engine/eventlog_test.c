/* SPDX-License-Identifier: Apache-2.0 */
/* What is done about a log that is damaged, and what can be done with one that is not: quarantine,
 * check and rebuild, runs as files. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "engine/fsck.h"
#include "engine/portable.h"

static const char one_job[] = "namespace: demo\n"
                              "jobs: [{name: build, steps: [{name: make, run: 'true'}]}]\n";
static const char tried_twice[] =
    "namespace: demo\njobs:\n"
    "- name: build\n  retry: {maxAttempts: 2}\n"
    "  steps: [{name: one, run: 'true'}, {name: two, run: 'true'}]\n"
    "- {name: test, dependsOn: [build], steps: [{name: one, run: 'true'}]}\n";

/* --- a store that somebody writes into --------------------------------------------------------
 */

static struct arc_desk desk_of(struct world *w)
{
    return (struct arc_desk){.store = w->store, .mem = w->mem};
}

static void write_row(struct world *w, enum arc_store_verb verb, enum arc_table table,
                      const void *row)
{
    struct arc_desk desk = desk_of(w);
    struct arc_store_op op = {verb, table, row, 0};
    CHECK_OK(arc__desk_commit(&desk, &op, 1, NULL));
}

static struct arc_row_event event_of(struct world *w, const char *run, int64_t seq)
{
    struct arc_query query = {.table = ARC_TABLE_event, .filter_count = 2, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_event_stream, .text = arc__slice_cstr(run)};
    query.filters[1] = (struct arc_filter){.col = ARC_COL_event_seq, .number = seq};
    CHECK_OK(world_rows(w, &query, &rows));
    return CHECK_INT(rows.count, 1) ? *(const struct arc_row_event *)rows.rows
                                    : (struct arc_row_event){0};
}

/* Ways to damage a run: each takes its engine away before. */
static void lose_second(struct world *w, const char *run)
{
    struct arc_row_event row = event_of(w, run, 2);
    write_row(w, ARC_STORE_DELETE, ARC_TABLE_event, &row);
}

static void lose_first(struct world *w, const char *run)
{
    struct arc_row_event row = event_of(w, run, 1);
    write_row(w, ARC_STORE_DELETE, ARC_TABLE_event, &row);
}

static void garble_body(struct world *w, const char *run)
{
    struct arc_row_event row = event_of(w, run, 2);
    row.body.len--;
    write_row(w, ARC_STORE_PUT, ARC_TABLE_event, &row);
}

static void garble_plan(struct world *w, const char *run)
{
    struct arc_row_event row = event_of(w, run, 1);
    row.body = ARC_LIT("{\"birth\":{\"jobIds\":[\"A\"],\"plan\":{}}}");
    write_row(w, ARC_STORE_PUT, ARC_TABLE_event, &row);
}

static void rename_type(struct world *w, const char *run)
{
    struct arc_row_event row = event_of(w, run, 2);
    row.type = ARC_LIT("arcentra.job.dreamt");
    write_row(w, ARC_STORE_PUT, ARC_TABLE_event, &row);
}

static void lose_pipeline(struct world *w, const char *run)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_pipeline_run_id, .text = arc__slice_cstr(run)};
    CHECK_OK(world_rows(w, &query, &rows));
    const struct arc_row_pipeline_run *row = rows.rows;
    struct arc_row_pipeline pipeline = {.id = row->pipeline_id};
    write_row(w, ARC_STORE_DELETE, ARC_TABLE_pipeline, &pipeline);
}

static const struct damage {
    void (*how)(struct world *w, const char *run);
    const char *why;
    const char *kind; /* of the finding */
    int64_t seq;
} damages[] = {
    {lose_second, "Event 2 is missing.", "gap", 2},
    {lose_first, "Its first event is missing.", "gap", 1},
    {garble_body, "The body of event 2 cannot be read.", "event", 2},
    {garble_plan, NULL, "event", 1},
    {rename_type, " at seq 2 does not fit the state of its run.", "event", 2},
    {lose_pipeline, "Its pipeline is missing.", "missing", 0},
};

/* Two runs of two pipelines that wait for an agent; both stay open. */
static int two_runs(struct world *w, enum world_store kind, struct said *bad, struct said *good)
{
    struct said pipeline;
    if (!world_open(w, kind))
        return 0;
    world_start_run(w, one_job, &pipeline, bad);
    world_start_run(w, one_job, &pipeline, good);
    world_end_engine(w);
    return bad->status == ARC_OK && good->status == ARC_OK;
}

static int ends_with(arc_slice text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

static uint64_t quarantined(struct world *w)
{
    arc_ctl_stats stats = ARC_CTL_STATS_INIT;
    arc__engine_stats(w->engine, &stats);
    return stats.runs_quarantined;
}

static void check_held(struct world *w, const char *run, const char *why)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_pipeline_run_id, .text = arc__slice_cstr(run)};
    CHECK_OK(world_rows(w, &query, &rows));
    const struct arc_row_pipeline_run *row = rows.rows;
    if (!CHECK_INT(rows.count, 1))
        return;
    CHECK_INT(row->held, ARC_HELD_DAMAGED);
    if (why != NULL && !CHECK_INT(ends_with(row->held_why, why), 1))
        printf("# %.*s\n", ARC_ARG(row->held_why));
    CHECK_INT(row->held_why.len > 0, 1);
    CHECK(arc__engine_quarantined(w->engine, row->id) != NULL);
}

static void damaged(enum world_store kind)
{
    for (size_t i = 0; i < ARC_COUNT_OF(damages); i++) {
        struct world w;
        struct hand hand;
        struct said bad, good;
        if (!two_runs(&w, kind, &bad, &good))
            return;
        damages[i].how(&w, bad.id);
        for (int start = 0; start < 2; start++) { /* the second reads it off the row */
            CHECK_OK(world_start_engine(&w, NULL));
            world_turn(&w);
            CHECK_INT(quarantined(&w), 1);
            check_held(&w, bad.id, damages[i].why);
            CHECK_STATUS(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, bad.id)).status,
                         ARC_ECONFLICT);
            world_end_engine(&w);
        }
        CHECK_OK(world_start_engine(&w, NULL));
        if (hand_join(&hand, &w, "a", "{}", 2)) {
            hand_work(&hand);
            CHECK_INT(world_run_status(&w, good.id), ARC_RUN_SUCCESS);
            CHECK_INT(world_run_col(&w, bad.id, ARC_COL_pipeline_run_status), ARC_RUN_PENDING);
            hand_leave(&hand);
        }
        CHECK_INT(w.logged, 3); /* once a start */
        world_close(&w);
    }
}
ON_BOTH(damaged)

/* The mark is part of a turn like any other: one that is not stored is made again. */
static void fail_commits(void *user, const struct arc_store_batch *batch,
                         const struct arc_query *query, struct arc_store_fault *fault)
{
    int *left = user;
    (void)query;
    if (batch != NULL && *left > 0 && --*left >= 0)
        fault->kind = ARC_STORE_FAULT_FAIL;
}

static void a_mark_that_is_lost_is_made_again(void)
{
    struct world w;
    struct said bad, good;
    int left = 3;
    if (!two_runs(&w, WORLD_MEM, &bad, &good))
        return;
    lose_second(&w, bad.id);
    arc__store_mem_set_fault(w.store, fail_commits, &left);
    CHECK_OK(world_start_engine(&w, NULL));
    world_pass(&w, SECONDS(5));
    CHECK_INT(left, 0);
    check_held(&w, bad.id, "Event 2 is missing.");
    world_close(&w);
}

/* A run that had ended is only read when somebody asks for it. */
static void a_damaged_run_that_is_over_is_found_when_asked_for(void)
{
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 2))
        return;
    world_start_run(&w, one_job, &pipeline, &run);
    hand_work(&hand);
    CHECK_INT(world_run_status(&w, run.id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_end_engine(&w);
    garble_body(&w, run.id);
    CHECK_OK(world_start_engine(&w, NULL));
    CHECK_INT(quarantined(&w), 0);
    CHECK_STATUS(world_ask(&w, world_control(&w, ARC_CMD_RUN_RERUN, run.id)).status, ARC_ECONFLICT);
    world_turn(&w);
    CHECK_INT(quarantined(&w), 1);
    check_held(&w, run.id, "The body of event 2 cannot be read.");
    world_close(&w);
}

/* --- check and rebuild ----------------------------------------------------------------------- */

struct found {
    uint64_t findings, fixed, damaged;
    char last[24];
    int64_t seq;
    arc_status status;
};

static struct found check(struct world *w, int rebuild)
{
    struct arc_desk desk = desk_of(w);
    struct arc_fsck *fsck = NULL;
    const struct arc_fsck_finding *finding = NULL;
    struct found found = {.status = arc__fsck_new(&desk, rebuild, &fsck, NULL)};
    while (found.status == ARC_OK &&
           (found.status = arc__fsck_next(fsck, &finding, NULL)) == ARC_OK) {
        (void)snprintf(found.last, sizeof(found.last), "%s", arc__finding_word(finding->kind));
        found.seq = finding->seq;
        CHECK(finding->text.len > 0);
    }
    if (fsck != NULL) {
        found.findings = arc__fsck_report(fsck)->findings;
        found.fixed = arc__fsck_report(fsck)->fixed;
        found.damaged = arc__fsck_report(fsck)->damaged;
    }
    arc__fsck_free(fsck);
    return found;
}

static void every_damage_is_named(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(damages); i++) {
        struct world w;
        struct said bad, good;
        if (!two_runs(&w, WORLD_MEM, &bad, &good))
            return;
        CHECK_INT(check(&w, 0).findings, 0);
        damages[i].how(&w, bad.id);
        struct found found = check(&w, 0);
        CHECK_STATUS(found.status, ARC_EDONE);
        CHECK_TEXT(arc__slice_cstr(found.last), damages[i].kind);
        CHECK_INT(found.seq, damages[i].seq);
        CHECK_INT(found.damaged, damages[i].how != lose_pipeline);
        world_close(&w);
    }
}

/* A run with a job that was tried again, and one that waits. */
static int lived(struct world *w, enum world_store kind, struct said *ended, struct said *open)
{
    struct hand hand;
    struct said pipeline;
    if (!world_open(w, kind) || !hand_join(&hand, w, "a", "{}", 2))
        return 0;
    world_start_run(w, tried_twice, &pipeline, ended);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_RUNNING, 0).status);
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_FAILED, 3).status);
    world_pass(w, SECONDS(1));
    hand_work(&hand);
    CHECK_INT(world_run_status(w, ended->id), ARC_RUN_SUCCESS);
    hand_leave(&hand);
    world_start_run(w, one_job, &pipeline, open);
    world_end_engine(w);
    return open->status == ARC_OK;
}

static void wipe(struct world *w, enum arc_table table)
{
    struct arc_query query = {.table = table, .order_col = -1};
    struct arc_rows rows = {0};
    CHECK_OK(world_rows(w, &query, &rows));
    for (size_t i = 0; i < rows.count; i++)
        write_row(w, ARC_STORE_DELETE, table,
                  (const char *)rows.rows + i * arc__table_def(table)->row_size);
}

static void cut_off(enum world_store kind)
{
    static const enum arc_table tables[] = {ARC_TABLE_pipeline_run, ARC_TABLE_job_run,
                                            ARC_TABLE_step_run};
    struct world w;
    struct said ended, open;
    if (!lived(&w, kind, &ended, &open))
        return;
    CHECK_INT(check(&w, 0).findings, 0);
    for (size_t i = 0; i < ARC_COUNT_OF(tables); i++)
        wipe(&w, tables[i]);
    uint64_t lost = check(&w, 0).findings;
    CHECK(lost >= 9);
    int left = 1;
    if (kind == WORLD_MEM) { /* the first transaction of the rebuild fails */
        arc__store_mem_set_fault(w.store, fail_commits, &left);
        CHECK_STATUS(check(&w, 1).status, ARC_EUNAVAILABLE);
    }
    struct found found = check(&w, 1);
    CHECK_STATUS(found.status, ARC_EDONE);
    CHECK_INT(found.fixed, lost);
    CHECK_INT(check(&w, 1).findings, 0);
    CHECK_OK(world_start_engine(&w, NULL));
    CHECK_INT(world_run_col(&w, ended.id, ARC_COL_pipeline_run_completed_jobs), 2);
    struct hand hand;
    if (hand_join(&hand, &w, "b", "{}", 2)) { /* the one that waited goes on */
        hand_work(&hand);
        CHECK_INT(world_run_status(&w, open.id), ARC_RUN_SUCCESS);
        hand_leave(&hand);
    }
    world_close(&w);
}
ON_BOTH(cut_off)

static void a_sound_run_is_let_go(void)
{
    struct world w;
    struct said bad, good;
    if (!two_runs(&w, WORLD_MEM, &bad, &good))
        return;
    struct arc_row_event row = event_of(&w, bad.id, 2);
    struct arc_arena own;
    arc__arena_init(&own, &w.mem, (size_t)1024 * 1024);
    row.stream = arc__arena_copy(&own, row.stream);
    row.type = arc__arena_copy(&own, row.type);
    row.body = arc__arena_copy(&own, row.body);
    lose_second(&w, bad.id);
    CHECK_OK(world_start_engine(&w, NULL));
    world_turn(&w);
    world_end_engine(&w);
    CHECK_INT(check(&w, 1).fixed, 0); /* nothing can be made of it */
    CHECK_INT(world_run_col(&w, bad.id, ARC_COL_pipeline_run_held), ARC_HELD_DAMAGED);
    write_row(&w, ARC_STORE_INSERT, ARC_TABLE_event, &row);
    struct found found = check(&w, 0);
    CHECK_TEXT(arc__slice_cstr(found.last), "quarantine");
    CHECK_INT(check(&w, 1).fixed, 1);
    CHECK_INT(world_run_col(&w, bad.id, ARC_COL_pipeline_run_held), 0);
    CHECK_OK(world_start_engine(&w, NULL));
    CHECK_INT(quarantined(&w), 0);
    CHECK_OK(world_ask(&w, world_control(&w, ARC_CMD_RUN_STOP, bad.id)).status);
    arc__arena_deinit(&own);
    world_close(&w);
}

static void what_no_event_makes_is_only_said(void)
{
    struct world w;
    struct said ended, open;
    struct arc_rows rows = {0};
    struct arc_query query = {.table = ARC_TABLE_definition, .order_col = -1};
    if (!lived(&w, WORLD_MEM, &ended, &open))
        return;
    CHECK_OK(world_rows(&w, &query, &rows));
    struct arc_row_definition row = *(const struct arc_row_definition *)rows.rows;
    row.canonical = ARC_LIT("{}");
    write_row(&w, ARC_STORE_PUT, ARC_TABLE_definition, &row);
    struct found found = check(&w, 1);
    CHECK_TEXT(arc__slice_cstr(found.last), "damage");
    CHECK_INT(found.findings, 1);
    CHECK_INT(found.fixed, 0);
    write_row(&w, ARC_STORE_DELETE, ARC_TABLE_definition, &row);
    found = check(&w, 1);
    CHECK_TEXT(arc__slice_cstr(found.last), "missing");
    CHECK_INT(found.fixed, 0);
    world_close(&w);
}

/* The attempt ended in the turn that began the next one: its row still says what it was given. */
static void an_earlier_attempt_keeps_what_it_was_given(void)
{
    static const char yaml[] =
        "namespace: demo\njobs:\n- name: build\n  retry: {maxAttempts: 2}\n"
        "  steps: [{name: one, id: one, run: 'true'},"
        " {name: two, run: 'true', env: {V: '${{ steps.one.outputs.v }}'}}]\n";
    struct world w;
    struct hand hand;
    struct said pipeline, run;
    struct arc_query query = {.table = ARC_TABLE_step_run, .filter_count = 2, .order_col = -1};
    struct arc_rows rows = {0};
    if (!world_open(&w, WORLD_MEM) || !hand_join(&hand, &w, "a", "{}", 2))
        return;
    world_start_run(&w, yaml, &pipeline, &run);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct arc_cmd *cmd = hand_report(&hand, &hand.held[0], ARC_STEP_SUCCESS, 0);
    cmd->u.report.outputs = world_text(cmd, "{\"v\":\"x7\"}");
    CHECK_OK(world_ask(&w, cmd).status);
    hand_drop(&hand, &hand.held[0]);
    CHECK_INT(hand_take(&hand, 1), 1);
    struct held held = hand.held[0];
    CHECK_OK(hand_say(&hand, &held, ARC_STEP_FAILED, 3).status);
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_step_run_id, .text = arc__slice_cstr(held.id)};
    query.filters[1] = (struct arc_filter){.col = ARC_COL_step_run_job_attempt, .number = 1};
    CHECK_OK(world_rows(&w, &query, &rows));
    if (CHECK_INT(rows.count, 1)) {
        const struct arc_row_step_run *row = rows.rows;
        CHECK_INT(row->status, ARC_STEP_FAILED);
        CHECK_TEXT(row->env, "{\"V\":\"x7\"}");
    }
    hand_leave(&hand);
    world_end_engine(&w);
    CHECK_INT(check(&w, 0).findings, 0);
    world_close(&w);
}

/* --- runs as files --------------------------------------------------------------------------- */

static arc_status export_run(struct world *w, const char *run, struct arc_buf *out)
{
    struct arc_desk desk = desk_of(w);
    struct arc_export *ex = NULL;
    arc_slice line;
    arc_status status = arc__export_new(&desk, arc__slice_cstr(run), &ex, NULL);
    while (status == ARC_OK && (status = arc__export_next(ex, &line, NULL)) == ARC_OK)
        arc__buf_add_slice(out, line);
    arc__export_free(ex);
    return status == ARC_EDONE ? out->failed : status;
}

static arc_status import_run(struct world *w, arc_slice file, struct arc_take_report *report,
                             arc_err *err)
{
    struct arc_desk desk = desk_of(w);
    struct arc_take *take = NULL;
    arc_status status = arc__take_new(&desk, &take, err);
    while (status == ARC_OK && file.len > 0) {
        const char *newline = memchr(file.ptr, '\n', file.len);
        size_t len = newline != NULL ? (size_t)(newline - file.ptr) : file.len;
        status = arc__take_line(take, arc__slice(file.ptr, len), err);
        file = arc__slice_from(file, len + (newline != NULL));
    }
    if (status == ARC_OK)
        status = arc__take_end(take, report, err);
    arc__take_free(take);
    return status;
}

static void make_buf(struct arc_buf *buf)
{
    struct arc_mem mem = arc__mem_default();
    arc__buf_init(buf, &mem, (size_t)512 * 1024 * 1024);
}

static int same_text(const struct arc_buf *a, const struct arc_buf *b)
{
    return arc__slice_equal(arc__buf_slice(a), arc__buf_slice(b));
}

static void comes_back(enum world_store kind)
{
    struct world from, to;
    struct said runs[2];
    if (!lived(&from, WORLD_MEM, &runs[0], &runs[1]) || !world_open(&to, kind))
        return;
    world_end_engine(&to);
    for (int i = 0; i < 2; i++) {
        struct arc_buf file, again;
        struct arc_take_report report = {0};
        arc_err err = ARC_ERR_INIT;
        make_buf(&file);
        make_buf(&again);
        CHECK_OK(export_run(&from, runs[i].id, &file));
        if (!CHECK_OK(import_run(&to, arc__buf_slice(&file), &report, &err)))
            printf("# line %u: %s\n", err.line, err.message);
        CHECK_INT(report.same, 0);
        CHECK_INT(report.status, i == 0 ? ARC_RUN_SUCCESS : ARC_RUN_PENDING);
        CHECK_OK(export_run(&to, runs[i].id, &again));
        CHECK(same_text(&file, &again));
        CHECK_OK(import_run(&to, arc__buf_slice(&again), &report, &err));
        CHECK_INT(report.same, 1);
        CHECK_INT(check(&to, 0).findings, 0);
        arc__buf_deinit(&file);
        arc__buf_deinit(&again);
    }
    /* a record: no agent gets it, nobody can end it, no counter counts it */
    CHECK_OK(world_start_engine(&to, NULL));
    struct hand hand;
    if (hand_join(&hand, &to, "a", "{}", 2)) {
        CHECK_INT(hand_take(&hand, 1), 0);
        world_pass(&to, SECONDS(120));
        hand_leave(&hand);
    }
    CHECK_INT(quarantined(&to), 0);
    CHECK_STATUS(world_ask(&to, world_control(&to, ARC_CMD_RUN_STOP, runs[1].id)).status,
                 ARC_ECONFLICT);
    CHECK_STATUS(world_ask(&to, world_control(&to, ARC_CMD_RUN_RERUN, runs[0].id)).status,
                 ARC_ECONFLICT);
    CHECK_INT(world_run_col(&to, runs[1].id, ARC_COL_pipeline_run_status), ARC_RUN_PENDING);
    world_end_engine(&to);
    CHECK_INT(check(&to, 0).findings, 0);
    world_close(&to);
    world_close(&from);
}
ON_BOTH(comes_back)

/* The same with its last line right again. */
static void seal(struct arc_buf *file, arc_slice lines)
{
    char hex[ARC_SHA256_HEX_LEN + 1];
    long long count = 0;
    for (size_t i = 0; i < lines.len; i++)
        count += lines.ptr[i] == '\n';
    arc__sha256_hex(lines, hex);
    arc__buf_clear(file);
    arc__buf_add_slice(file, lines);
    arc__buf_printf(file, "{\"end\":{\"lines\":%lld,\"sha256\":\"%s\"}}\n", count, hex);
}

/* All but the last line. */
static arc_slice without_end(const struct arc_buf *file)
{
    arc_slice text = arc__slice(file->ptr, file->len - 1);
    while (text.ptr[text.len - 1] != '\n')
        text.len--;
    return text;
}

/* Any file with a right digest is refused, or it is one that a check finds nothing wrong with. */
static void any_file_is_refused_or_sound(void)
{
    struct world from;
    struct said runs[2];
    struct arc_buf file, bad;
    uint64_t dice = 7;
    int taken = 0;
    if (!lived(&from, WORLD_MEM, &runs[0], &runs[1]))
        return;
    make_buf(&file);
    make_buf(&bad);
    CHECK_OK(export_run(&from, runs[0].id, &file));
    for (int round = 0; round < 150; round++) {
        struct world to;
        arc_slice lines = without_end(&file);
        char *text = malloc(lines.len);
        memcpy(text, lines.ptr, lines.len);
        for (int i = 0; i <= round % 3; i++) {
            dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
            size_t at = (size_t)(dice >> 20) % lines.len;
            static const char chars[] = "0123456789\"{}[]:,-abcj";
            text[at] = chars[(dice >> 8) % (sizeof(chars) - 1)];
        }
        seal(&bad, arc__slice(text, lines.len));
        free(text);
        if (!world_open(&to, WORLD_MEM))
            break;
        world_end_engine(&to);
        if (import_run(&to, arc__buf_slice(&bad), &(struct arc_take_report){0}, NULL) == ARC_OK) {
            taken++;
            CHECK_INT(check(&to, 0).findings, 0);
        } else {
            CHECK_INT(world_count(&to, ARC_TABLE_event, ARC_COL_event_stream, runs[0].id), 0);
        }
        world_close(&to);
    }
    CHECK(taken > 0);
    CHECK(taken < 150);
    arc__buf_deinit(&file);
    arc__buf_deinit(&bad);
    world_close(&from);
}

static void a_damaged_run_is_not_written(void)
{
    struct world w;
    struct said bad, good;
    struct arc_buf file;
    if (!two_runs(&w, WORLD_MEM, &bad, &good))
        return;
    make_buf(&file);
    garble_body(&w, bad.id);
    CHECK_STATUS(export_run(&w, bad.id, &file), ARC_EPRECONDITION);
    CHECK_STATUS(export_run(&w, "NOBODY", &file), ARC_ENOTFOUND);
    CHECK_STATUS(export_run(&w, "no id", &file), ARC_ENOTFOUND);
    CHECK_OK(export_run(&w, good.id, &file));
    arc__buf_deinit(&file);
    world_close(&w);
}

/* A run that was paused and resumed so often that its rows do not fit into one batch. */
static void add_pauses(struct arc_buf *text, const char *run, const char *pipeline, uint32_t count)
{
    (void)run;
    for (uint32_t i = 0; i < count; i++)
        arc__buf_printf(text,
                        "{\"seq\":%u,\"timeNs\":1700000000000000000,"
                        "\"type\":\"arcentra.pipeline.%s\",\"body\":{\"pipelineId\":\"%s\"}}\n",
                        i + 2, i % 2 == 0 ? "paused" : "resumed", pipeline);
}

static arc_slice lines_until_first_event(const struct arc_buf *file)
{
    arc_slice text = arc__buf_slice(file);
    size_t end = 0;
    for (int line = 0; line < 3; line++) { /* head, definition, event 1 */
        const char *newline = memchr(text.ptr + end, '\n', text.len - end);
        end = (size_t)(newline - text.ptr) + 1;
    }
    return arc__slice(text.ptr, end);
}

static void a_run_has_to_fit_into_one_batch(void)
{
    static const struct {
        uint32_t pauses;
        arc_status status;
    } sizes[] = {{99990, ARC_OK}, {ARC_STORE_BATCH_MAX, ARC_ELIMIT}};
    struct world from;
    struct said pipeline, run;
    struct arc_buf file;
    if (!world_open(&from, WORLD_MEM))
        return;
    world_start_run(&from, one_job, &pipeline, &run);
    world_end_engine(&from);
    make_buf(&file);
    CHECK_OK(export_run(&from, run.id, &file));
    for (size_t i = 0; i < ARC_COUNT_OF(sizes); i++) {
        struct world to;
        struct arc_buf lines, sealed;
        arc_err err = ARC_ERR_INIT;
        make_buf(&lines);
        make_buf(&sealed);
        arc__buf_add_slice(&lines, lines_until_first_event(&file));
        add_pauses(&lines, run.id, pipeline.id, sizes[i].pauses);
        seal(&sealed, arc__buf_slice(&lines));
        if (world_open(&to, WORLD_MEM)) {
            world_end_engine(&to);
            CHECK_STATUS(
                import_run(&to, arc__buf_slice(&sealed), &(struct arc_take_report){0}, &err),
                sizes[i].status);
            CHECK_TEXT(arc__slice_cstr(err.subject),
                       sizes[i].status == ARC_OK ? "" : "import.rows");
            world_close(&to);
        }
        arc__buf_deinit(&lines);
        arc__buf_deinit(&sealed);
    }
    arc__buf_deinit(&file);
    world_close(&from);
}

/* --- without memory -------------------------------------------------------------------------- */

/* What is used over and over, so that each round is short. */
struct tools {
    struct world from;
    struct said runs[2];
    struct arc_buf file;
};

/* One round: the n-th allocation of what the tools do fails. 1: none did, and all was well. */
static int use_tools(struct tools *tools, struct test_mem *state)
{
    struct world *from = &tools->from, to = {.mem = arc__mem_default()};
    struct arc_mem theirs = from->mem;
    struct arc_buf again;
    arc_err err = ARC_ERR_INIT;
    CHECK_OK(arc__store_mem_open(&to.mem, &to.store, NULL));
    wipe(from, ARC_TABLE_job_run);
    make_buf(&again);
    from->mem = to.mem = test_mem(state); /* of the tools; the stores keep theirs */
    int well = check(from, 1).status == ARC_EDONE;
    well &=
        export_run(from, tools->runs[0].id, &again) == ARC_OK && same_text(&again, &tools->file);
    arc_status status =
        import_run(&to, arc__buf_slice(&tools->file), &(struct arc_take_report){0}, &err);
    CHECK(status == ARC_OK || status == ARC_ENOMEM);
    well &= status == ARC_OK && state->calls < state->fail_at;
    state->fail_at = 0;
    CHECK_STATUS(check(from, 1).status, ARC_EDONE);
    CHECK_INT(check(from, 0).findings, 0);
    CHECK_OK(import_run(&to, arc__buf_slice(&tools->file), &(struct arc_take_report){0}, NULL));
    CHECK_INT(check(&to, 0).findings, 0);
    CHECK_INT(state->live, 0);
    arc__buf_deinit(&again);
    from->mem = theirs;
    to.store->ops->close(to.store);
    return well;
}

static void tools_end_cleanly_without_memory(void)
{
    struct tools tools;
    int done = 0;
    if (!lived(&tools.from, WORLD_MEM, &tools.runs[0], &tools.runs[1]))
        return;
    make_buf(&tools.file);
    CHECK_OK(export_run(&tools.from, tools.runs[0].id, &tools.file));
    for (uint64_t n = 1; n < 4000 && !done; n++) {
        struct test_mem state = {.fail_at = n};
        done = use_tools(&tools, &state);
    }
    CHECK(done);
    arc__buf_deinit(&tools.file);
    world_close(&tools.from);
}

/* A start that finds a damaged run, with the n-th allocation failing: it fails as a whole, or the
 * run is set aside as soon as there is memory. */
static void a_start_beside_damage_ends_cleanly(void)
{
    struct world w;
    struct said bad, good;
    int done = 0;
    if (!two_runs(&w, WORLD_MEM, &bad, &good))
        return;
    garble_body(&w, bad.id);
    for (uint64_t n = 1; n < 4000 && !done; n++) {
        int64_t live = w.memory.live;
        uint64_t before = w.memory.calls;
        w.memory.fail_at = before + n;
        arc_status status = world_start_engine(&w, NULL);
        done = status == ARC_OK && w.memory.calls < before + n;
        w.memory.fail_at = 0;
        if (status == ARC_OK) {
            world_pass(&w, SECONDS(1));
            CHECK_INT(quarantined(&w), 1);
            CHECK_INT(world_run_status(&w, good.id), ARC_RUN_PENDING);
            world_end_engine(&w);
        } else {
            CHECK_STATUS(status, ARC_ENOMEM);
            CHECK_INT(w.memory.live, live);
        }
        CHECK_INT(check(&w, 0).damaged, 1);
    }
    CHECK(done);
    world_close(&w);
}

static const struct test tests[] = {
    {"a damaged run is set aside, and the other goes on", damaged_mem},
    {"and so it is in SQLite", damaged_sqlite},
    {"a mark that was not stored is made again", a_mark_that_is_lost_is_made_again},
    {"a damaged run that is over is found when asked for",
     a_damaged_run_that_is_over_is_found_when_asked_for},
    {"each damage is named by its event", every_damage_is_named},
    {"a rebuild that was cut off is done by the next", cut_off_mem},
    {"and in SQLite lost rows come back too", cut_off_sqlite},
    {"a quarantined run whose events fold is let go", a_sound_run_is_let_go},
    {"what no event makes is said, and left", what_no_event_makes_is_only_said},
    {"an earlier attempt keeps what it was given", an_earlier_attempt_keeps_what_it_was_given},
    {"a run comes back from its file the same, as a record", comes_back_mem},
    {"and so it does in SQLite", comes_back_sqlite},
    {"a file with any content is refused or sound", any_file_is_refused_or_sound},
    {"a damaged run is not written as a file", a_damaged_run_is_not_written},
    {"a run that is taken in fits into one batch", a_run_has_to_fit_into_one_batch},
    {"a start beside damage ends cleanly without memory", a_start_beside_damage_ends_cleanly},
    {"the tools end cleanly without memory", tools_end_cleanly_without_memory},
};
TEST_MAIN(tests)
