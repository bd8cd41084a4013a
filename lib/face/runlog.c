/* SPDX-License-Identifier: Apache-2.0 */
/* The tools of the event log, on a store that is opened without an engine. */
#include <arcentra/runlog.h>

#include <string.h>

#include "base/options.h"
#include "command/history.h"
#include "engine/desk.h"
#include "engine/fsck.h"
#include "engine/portable.h"
#include "face/env.h"
#include "face/tool_store.h"

#define TEXT_BYTES_MAX (256u * 1024u * 1024u)
#define ROWS_BYTES_MAX (512u * 1024u * 1024u)
#define PAGE 256u

_Static_assert(ARC_IMPORT_LINE_MAX == ARC_PORTABLE_LINE_MAX, "one limit");
_Static_assert(ARC_IMPORT_BYTES_MAX == ARC_PORTABLE_BYTES_MAX, "one limit");

struct arc_runlog {
    arc_env env; /* every function set */
    struct arc_mem mem;
    struct arc_desk desk;
};

/* --- opening --------------------------------------------------------------------------------- */

arc_status arc_runlog_open(const arc_runlog_options *given, arc_runlog **out, arc_err *err)
{
    arc_runlog_options options;
    arc_env env;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    ARC_TRY(arc__env_fill(options.env, &env, err));
    struct arc_mem mem = arc__mem_from_env(options.env);
    arc_runlog *log = arc__alloc(&mem, sizeof(*log));
    if (log == NULL)
        return arc__fail_nomem(err);
    log->env = env;
    log->mem = mem;
    arc_status status = arc__tool_store_open(&mem, &env, options.store_url, 0, &log->desk, err);
    if (status != ARC_OK) {
        arc__free(&mem, log);
        return status;
    }
    *out = log;
    return ARC_OK;
}

void arc_runlog_close(arc_runlog *log)
{
    if (log == NULL)
        return;
    struct arc_mem mem = log->mem;
    arc__tool_store_close(&log->desk);
    arc__free(&mem, log);
}

/* --- checking -------------------------------------------------------------------------------- */

struct arc_check {
    struct arc_runlog *log;
    struct arc_fsck *fsck;
    struct arc_arena arena; /* the texts of the finding that is shown */
};

#define FINDING_BYTES_MAX (1024u * 1024u)

arc_status arc_check_open(arc_runlog *log, uint32_t flags, arc_check **out, arc_err *err)
{
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_REQUIRE((flags & ~ARC_CHECK_REBUILD) == 0, err, "flags");
    arc_check *check = arc__alloc(&log->mem, sizeof(*check));
    if (check == NULL)
        return arc__fail_nomem(err);
    check->log = log;
    arc__arena_init(&check->arena, &log->mem, FINDING_BYTES_MAX);
    arc_status status =
        arc__fsck_new(&log->desk, (flags & ARC_CHECK_REBUILD) != 0, &check->fsck, err);
    if (status != ARC_OK) {
        arc__free(&log->mem, check);
        return status;
    }
    *out = check;
    return ARC_OK;
}

static const char *table_name(struct arc_arena *arena, const char *table)
{
    return table[0] == '\0' ? "" : arc__arena_printf(arena, "t_%s", table).ptr;
}

arc_status arc_check_next(arc_check *check, arc_finding *out, arc_err *err)
{
    const struct arc_fsck_finding *finding = NULL;
    struct arc_arena *arena = &check->arena;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__fsck_next(check->fsck, &finding, err));
    arc__arena_reset(arena);
    arc_finding view = {
        .size = out->size,
        .kind = arc__finding_word(finding->kind),
        .fixed = finding->fixed != 0,
        .stream = arc__arena_strdup(arena, finding->stream),
        .seq = finding->seq,
        .table = table_name(arena, finding->table),
        .row = arc__arena_strdup(arena, finding->row),
        .column = finding->column,
        .stored = arc__arena_strdup(arena, finding->has),
        .expected = arc__arena_strdup(arena, finding->expected),
        .text = arc__arena_strdup(arena, finding->text),
    };
    if (arena->failed)
        return arc__fail_nomem(err);
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

void arc_check_get_report(const arc_check *check, arc_check_report *out)
{
    const struct arc_fsck_report *report = arc__fsck_report(check->fsck);
    arc_check_report view = {
        .size = out->size,
        .runs = report->runs,
        .events = report->events,
        .rows = report->rows,
        .damaged = report->damaged,
        .findings = report->findings,
        .fixed = report->fixed,
    };
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
}

void arc_check_close(arc_check *check)
{
    if (check == NULL)
        return;
    struct arc_mem mem = check->log->mem;
    arc__fsck_free(check->fsck);
    arc__arena_deinit(&check->arena);
    arc__free(&mem, check);
}

/* --- looking --------------------------------------------------------------------------------- */

static arc_status last_seq(arc_runlog *log, arc_slice run_id, struct arc_arena *arena, int64_t *out,
                           arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_event,
                              .filter_count = 1,
                              .order_col = ARC_COL_event_seq,
                              .descending = 1,
                              .limit = 1};
    struct arc_rows rows = {0};
    if (!arc__id_valid(run_id))
        return arc__fail(err, ARC_ENOTFOUND, "run", "There is no run with this id.");
    query.filters[0] = (struct arc_filter){.col = ARC_COL_event_stream, .text = run_id};
    ARC_TRY(arc__desk_query(&log->desk, &query, arena, &rows, err));
    if (rows.count == 0)
        return arc__fail(err, ARC_ENOTFOUND, "run", "There is no run with this id.");
    *out = ((const struct arc_row_event *)rows.rows)->seq;
    return ARC_OK;
}

static arc_status events_behind(arc_runlog *log, arc_slice run_id, int64_t after, size_t limit,
                                struct arc_arena *arena, struct arc_rows *rows, arc_err *err)
{
    struct arc_query query = {
        .table = ARC_TABLE_event, .filter_count = 2, .order_col = -1, .limit = limit};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_event_stream, .text = run_id};
    query.filters[1] =
        (struct arc_filter){.col = ARC_COL_event_seq, .op = ARC_FILTER_GT, .number = after};
    arc__arena_reset(arena);
    return arc__desk_query(&log->desk, &query, arena, rows, err);
}

static arc_status fold_to(arc_runlog *log, arc_slice run_id, int64_t at, struct arc_arena *page,
                          struct arc_history *history, arc_err *err)
{
    struct arc_rows rows = {.count = PAGE};
    while (history->run.seq < at && rows.count == PAGE) {
        arc_err why = ARC_ERR_INIT;
        arc_status status = ARC_OK;
        ARC_TRY(events_behind(log, run_id, history->run.seq, PAGE, page, &rows, err));
        const struct arc_row_event *row = rows.rows;
        for (size_t i = 0; i < rows.count && history->run.seq < at && status == ARC_OK; i++)
            status = arc__history_take(history, &row[i], &why);
        if (status == ARC_EINTERNAL)
            return arc__fail(err, ARC_EPRECONDITION, "run", "The run is damaged: %s", why.message);
        if (status != ARC_OK)
            return arc__fail(err, status, why.subject, "%s", why.message);
    }
    return history->run.seq == at ? ARC_OK
                                  : arc__fail(err, ARC_EPRECONDITION, "run",
                                              "The run is damaged: Event %lld is missing.",
                                              (long long)history->run.seq + 1);
}

static arc_status to_text(arc_runlog *log, const void *message, char **out, arc_err *err)
{
    struct arc_buf buf;
    struct arc_json json;
    arc__buf_init(&buf, &log->mem, TEXT_BYTES_MAX);
    arc__json_init(&json, &buf);
    arc_status status = arc__pb_to_json(message, &json, NULL, err);
    if (status == ARC_OK)
        status = arc__buf_check(&buf, err);
    if (status != ARC_OK) {
        arc__buf_deinit(&buf);
        return status;
    }
    *out = arc__buf_take(&buf, NULL);
    return ARC_OK;
}

static arc_status show(arc_runlog *log, arc_slice run_id, int64_t at, struct arc_arena *arena,
                       struct arc_history *history, char **out, arc_err *err)
{
    int64_t last = 0;
    ARC_TRY(last_seq(log, run_id, arena, &last, err));
    if (at > last)
        return arc__fail(err, ARC_EINVAL, "at", "The last event of the run is number %lld.",
                         (long long)last);
    ARC_TRY(fold_to(log, run_id, at == 0 ? last : at, arena, history, err));
    arc__arena_reset(arena);
    Control__V1__ShowPipelineRunResponse *reply =
        ARC_PB_NEW(arena, Control__V1__ShowPipelineRunResponse,
                   control__v1__show_pipeline_run_response__descriptor);
    if (reply == NULL)
        return arc__fail_nomem(err);
    reply->success = 1;
    ARC_TRY(arc__show_history(reply, history, last, arena, err));
    return to_text(log, reply, out, err);
}

arc_status arc_runlog_show(arc_runlog *log, const char *run_id, int64_t at, char **out,
                           arc_err *err)
{
    struct arc_arena arena;
    struct arc_history history;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_REQUIRE(run_id != NULL, err, "run_id");
    ARC_REQUIRE(at >= 0, err, "at");
    arc__arena_init(&arena, &log->mem, ROWS_BYTES_MAX);
    arc__history_init(&history, &log->mem);
    arc_status status = show(log, arc__slice_cstr(run_id), at, &arena, &history, out, err);
    arc__history_deinit(&history);
    arc__arena_deinit(&arena);
    return status;
}

static arc_status list(arc_runlog *log, arc_slice run_id, int64_t after, uint32_t limit,
                       struct arc_arena *page, struct arc_arena *arena, char **out, arc_err *err)
{
    struct arc_rows rows = {0};
    struct arc_arena scratch;
    int64_t last = 0;
    arc_status status = ARC_OK;
    ARC_TRY(last_seq(log, run_id, page, &last, err));
    ARC_TRY(events_behind(log, run_id, after, limit, page, &rows, err));
    Control__V1__ListPipelineRunEventsResponse *reply =
        ARC_PB_NEW(arena, Control__V1__ListPipelineRunEventsResponse,
                   control__v1__list_pipeline_run_events_response__descriptor);
    arc__arena_init(&scratch, &log->mem, ROWS_BYTES_MAX);
    const struct arc_row_event *row = rows.rows;
    for (size_t i = 0; reply != NULL && status == ARC_OK && i < rows.count; i++) {
        Control__V1__RunEvent *item = arc__pb_add(reply, "events", arena);
        if (item == NULL)
            break;
        status = arc__show_event_row(item, &row[i], arena, &scratch, err);
        arc__arena_reset(&scratch);
    }
    arc__arena_deinit(&scratch);
    if (status == ARC_OK && (reply == NULL || arena->failed))
        status = arc__fail_nomem(err);
    if (status != ARC_OK)
        return status;
    reply->success = 1;
    reply->last_seq = last;
    return to_text(log, reply, out, err);
}

arc_status arc_runlog_events(arc_runlog *log, const char *run_id, int64_t after, uint32_t limit,
                             char **out, arc_err *err)
{
    struct arc_arena page, arena;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_REQUIRE(run_id != NULL, err, "run_id");
    ARC_REQUIRE(after >= 0, err, "after");
    ARC_REQUIRE(limit <= ARC_EVENTS_LIMIT_MAX, err, "limit");
    arc__arena_init(&page, &log->mem, ROWS_BYTES_MAX);
    arc__arena_init(&arena, &log->mem, ROWS_BYTES_MAX);
    arc_status status = list(log, arc__slice_cstr(run_id), after,
                             limit != 0 ? limit : ARC_EVENTS_LIMIT, &page, &arena, out, err);
    arc__arena_deinit(&page);
    arc__arena_deinit(&arena);
    return status;
}

void arc_runlog_text_free(arc_runlog *log, char *text)
{
    arc__free(&log->mem, text);
}

/* --- carrying runs --------------------------------------------------------------------------- */

arc_status arc_export_open(arc_runlog *log, const char *run_id, arc_export **out, arc_err *err)
{
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_REQUIRE(run_id != NULL, err, "run_id");
    return arc__export_new(&log->desk, arc__slice_cstr(run_id), out, err);
}

arc_status arc_export_next(arc_export *ex, arc_slice *out, arc_err *err)
{
    ARC_REQUIRE(out != NULL, err, "out");
    return arc__export_next(ex, out, err);
}

void arc_export_close(arc_export *ex)
{
    arc__export_free(ex);
}

struct arc_import {
    struct arc_mem mem;
    struct arc_take *take;
    struct arc_buf line; /* what of the next line has come */
    arc_status over;     /* not ARC_OK: it has failed, or was finished */
};

arc_status arc_import_open(arc_runlog *log, arc_import **out, arc_err *err)
{
    ARC_REQUIRE(out != NULL, err, "out");
    arc_import *im = arc__alloc(&log->mem, sizeof(*im));
    if (im == NULL)
        return arc__fail_nomem(err);
    im->mem = log->mem;
    arc__buf_init(&im->line, &log->mem, ARC_PORTABLE_LINE_MAX);
    arc_status status = arc__take_new(&log->desk, &im->take, err);
    if (status != ARC_OK) {
        arc__free(&log->mem, im);
        return status;
    }
    *out = im;
    return ARC_OK;
}

static arc_status feed(arc_import *im, arc_slice bytes, arc_err *err)
{
    while (bytes.len > 0) {
        const char *newline = memchr(bytes.ptr, '\n', bytes.len);
        size_t len = newline != NULL ? (size_t)(newline - bytes.ptr) : bytes.len;
        arc__buf_add(&im->line, bytes.ptr, len);
        if (im->line.failed == ARC_ELIMIT)
            return arc__fail(err, ARC_ELIMIT, "import.line", "A line has at most %u bytes.",
                             ARC_PORTABLE_LINE_MAX);
        ARC_TRY(arc__buf_check(&im->line, err));
        if (newline == NULL)
            return ARC_OK;
        ARC_TRY(arc__take_line(im->take, arc__buf_slice(&im->line), err));
        arc__buf_clear(&im->line);
        bytes = arc__slice_from(bytes, len + 1);
    }
    return ARC_OK;
}

arc_status arc_import_feed(arc_import *im, const void *bytes, size_t len, arc_err *err)
{
    ARC_REQUIRE(bytes != NULL || len == 0, err, "bytes");
    if (im->over != ARC_OK)
        return arc__fail(err, im->over, "file", "The import is over.");
    im->over = feed(im, arc__slice(bytes, len), err);
    return im->over;
}

arc_status arc_import_finish(arc_import *im, arc_import_report *out, arc_err *err)
{
    struct arc_take_report report = {0};
    if (im->over != ARC_OK)
        return arc__fail(err, im->over == ARC_EDONE ? ARC_EINVAL : im->over, "file",
                         "The import is over.");
    im->over = ARC_EDONE;
    if (im->line.len > 0)
        return arc__fail(err, ARC_EINVAL, "file", "The file is cut off in the middle of a line.");
    ARC_TRY(arc__take_end(im->take, &report, err));
    if (out == NULL)
        return ARC_OK;
    arc_import_report view = {
        .size = out->size,
        .same = report.same != 0,
        .status = report.status,
        .events = report.events,
        .rows = report.rows,
    };
    memcpy(view.run_id, report.run_id.text, sizeof(report.run_id.text));
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

void arc_import_close(arc_import *im)
{
    if (im == NULL)
        return;
    struct arc_mem mem = im->mem;
    arc__take_free(im->take);
    arc__buf_deinit(&im->line);
    arc__free(&mem, im);
}
