/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/sha256.h"
#include "base/ulid.h"
#include "engine/event_json.h"
#include "engine/portable.h"
#include "engine/replay.h"

#define PAGE 128u
#define PAGE_BYTES_MAX (512u * 1024u * 1024u)
#define ROWS_BYTES_MAX (768u * 1024u * 1024u)

enum export_phase { HEAD, DEFINITION, EVENTS, DELETIONS, OVER };

struct arc_export {
    struct arc_desk *desk;
    enum export_phase phase;
    struct arc_replay replay; /* what was given folds, or it is not given */
    struct arc_arena made;    /* its rows */
    struct arc_arena page;
    struct arc_rows rows;
    size_t at;
    size_t step; /* the next of its step runs that may have been deleted */
    int64_t lines;
    struct arc_sha256 sha;
    struct arc_buf line;
    arc_id id;
};

arc_status arc__export_new(struct arc_desk *desk, arc_slice run_id, struct arc_export **out,
                           arc_err *err)
{
    if (run_id.len > ARC_ULID_LEN || !arc__id_valid(run_id))
        return arc__fail(err, ARC_ENOTFOUND, "run", "No run has this id.");
    struct arc_export *self = arc__alloc(&desk->mem, sizeof(*self));
    if (self == NULL)
        return arc__fail_nomem(err);
    self->desk = desk;
    (void)arc__slice_to_cstr(run_id, self->id.text, sizeof(self->id.text));
    arc__arena_init(&self->made, &desk->mem, ROWS_BYTES_MAX);
    arc__replay_init(&self->replay, &desk->mem, &self->made);
    arc__arena_init(&self->page, &desk->mem, PAGE_BYTES_MAX);
    arc__buf_init(&self->line, &desk->mem, ARC_PORTABLE_LINE_MAX);
    arc__sha256_init(&self->sha);
    *out = self;
    return ARC_OK;
}

void arc__export_free(struct arc_export *self)
{
    if (self == NULL)
        return;
    struct arc_mem mem = self->desk->mem;
    arc__replay_deinit(&self->replay);
    arc__arena_deinit(&self->made);
    arc__arena_deinit(&self->page);
    arc__buf_deinit(&self->line);
    arc__free(&mem, self);
}

/* The next of its events; *out NULL: there are no more. */
static arc_status next_event(struct arc_export *self, const struct arc_row_event **out,
                             arc_err *err)
{
    if (self->at == self->rows.count) {
        struct arc_query query = {
            .table = ARC_TABLE_event, .filter_count = 2, .order_col = -1, .limit = PAGE};
        query.filters[0] =
            (struct arc_filter){.col = ARC_COL_event_stream, .text = arc__id_slice(&self->id)};
        query.filters[1] = (struct arc_filter){
            .col = ARC_COL_event_seq, .op = ARC_FILTER_GT, .number = self->replay.history.run.seq};
        arc__arena_reset(&self->page);
        self->at = self->rows.count = 0;
        ARC_TRY(arc__desk_query(self->desk, &query, &self->page, &self->rows, err));
    }
    *out = self->at < self->rows.count ? &((const struct arc_row_event *)self->rows.rows)[self->at]
                                       : NULL;
    return ARC_OK;
}

static arc_status fold_next(struct arc_export *self, const struct arc_row_event *row, arc_err *err)
{
    arc_err why = ARC_ERR_INIT;
    arc_status status = arc__replay_take(&self->replay, row, &why);
    if (status == ARC_EINTERNAL)
        return arc__fail(err, ARC_EPRECONDITION, "run", "The run is damaged: %s", why.message);
    self->at++;
    return status == ARC_OK ? ARC_OK : arc__fail(err, status, why.subject, "%s", why.message);
}

static arc_status put_head(struct arc_export *self, struct arc_json *json, arc_err *err)
{
    const struct arc_row_event *row = NULL;
    ARC_TRY(next_event(self, &row, err));
    if (row == NULL)
        return arc__fail(err, ARC_ENOTFOUND, "run", "No run has this id.");
    ARC_TRY(fold_next(self, row, err));
    self->at--; /* it is given after the definition */
    arc__json_object(json);
    arc__json_key_text(json, "arcentra", ARC_LIT("run"));
    arc__json_key_i64(json, "version", ARC_PORTABLE_VERSION);
    arc__json_key_text(json, "runId", arc__id_slice(&self->id));
    arc__json_key_text(json, "pipelineId", self->replay.history.run.pipeline_id);
    arc__json_end_object(json);
    return ARC_OK;
}

/* Every column but those of the key that the head has. */
static void put_columns(struct arc_json *json, const struct arc_row_definition *row)
{
    arc__json_object(json);
    arc__json_key(json, ARC_LIT("definition"));
    arc__json_object(json);
    arc__json_key_text(json, "sha", row->sha);
    arc__json_key_i64(json, "format", row->format);
    arc__json_key_text(json, "text", row->text);
    arc__json_key_text(json, "canonical", row->canonical);
    arc__json_key_text(json, "editor", row->editor);
    arc__json_key_text(json, "message", row->message);
    arc__json_key_i64(json, "createdAtNs", row->created_at_ns);
    arc__json_end_object(json);
    arc__json_end_object(json);
}

static arc_status put_definition(struct arc_export *self, struct arc_json *json, arc_err *err)
{
    const struct arc_run *run = &self->replay.history.run;
    struct arc_query query = {.table = ARC_TABLE_definition, .filter_count = 2, .order_col = -1};
    struct arc_arena arena;
    struct arc_rows rows = {0};
    if (run->birth->definition_sha.len == 0)
        return ARC_OK;
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_definition_pipeline_id, .text = run->pipeline_id};
    query.filters[1] =
        (struct arc_filter){.col = ARC_COL_definition_sha, .text = run->birth->definition_sha};
    arc__arena_init(&arena, &self->desk->mem, PAGE_BYTES_MAX);
    arc_status status = arc__desk_query(self->desk, &query, &arena, &rows, err);
    if (status == ARC_OK && rows.count > 0)
        put_columns(json, rows.rows);
    arc__arena_deinit(&arena);
    return status;
}

static void put_body(struct arc_json *json, const struct arc_row_event *row)
{
    arc__json_object(json);
    arc__json_key_i64(json, "seq", row->seq);
    arc__json_key_i64(json, "timeNs", row->time_ns);
    arc__json_key_text(json, "type", row->type);
    arc__json_key(json, ARC_LIT("body"));
    arc__json_raw(json, row->body);
    arc__json_end_object(json);
}

static void put_end(struct arc_export *self, struct arc_json *json)
{
    char hex[ARC_SHA256_HEX_LEN + 1];
    arc__sha256_end_hex(&self->sha, hex);
    arc__json_object(json);
    arc__json_key(json, ARC_LIT("end"));
    arc__json_object(json);
    arc__json_key_i64(json, "lines", self->lines);
    arc__json_key_text(json, "sha256", arc__slice_cstr(hex));
    arc__json_end_object(json);
    arc__json_end_object(json);
}

/* A body of ours is one line; one that somebody has written into the store may be more. */
static arc_status check_line(const struct arc_row_event *row, arc_err *err)
{
    if (memchr(row->body.ptr, '\n', row->body.len) == NULL)
        return ARC_OK;
    return arc__fail(err, ARC_EPRECONDITION, "run",
                     "The run is damaged: event %lld of %.*s has more than one line.",
                     (long long)row->seq, ARC_ARG(row->stream));
}

static void put_deletion_body(struct arc_json *json, const struct arc_row_event *row)
{
    arc__json_object(json);
    arc__json_key(json, ARC_LIT("deletion"));
    arc__json_object(json);
    arc__json_key_text(json, "stepRunId", row->stream);
    arc__json_key_i64(json, "timeNs", row->time_ns);
    arc__json_key(json, ARC_LIT("body"));
    arc__json_raw(json, row->body);
    arc__json_end_object(json);
    arc__json_end_object(json);
}

/* The next step run that was deleted, in the order of the rows; the end when there is none. */
static arc_status put_deletion(struct arc_export *self, struct arc_json *json, arc_err *err)
{
    struct arc_row_step_run *steps = (void *)self->replay.steps.items;
    const struct arc_row_event *row = NULL;
    struct arc_event *event = NULL;
    arc_err why = ARC_ERR_INIT;
    while (row == NULL && self->step < self->replay.steps.count) {
        arc__arena_reset(&self->page);
        ARC_TRY(
            arc__replay_find_deletion(self->desk, steps[self->step].id, &self->page, &row, err));
        self->step += row == NULL;
    }
    if (row == NULL) {
        put_end(self, json);
        self->phase = OVER;
        return ARC_OK;
    }
    arc_status status = arc__event_from_row(row, &self->page, &event, &why);
    if (status == ARC_ENOMEM)
        return arc__fail_nomem(err);
    if (status != ARC_OK || !arc__replay_delete(&steps[self->step++], row))
        return arc__fail(err, ARC_EPRECONDITION, "run",
                         "The run is damaged: the deletion of step run %.*s does not fit it.",
                         ARC_ARG(row->stream));
    ARC_TRY(check_line(row, err));
    put_deletion_body(json, row);
    return ARC_OK;
}

static arc_status put_event(struct arc_export *self, struct arc_json *json, arc_err *err)
{
    const struct arc_row_event *row = NULL;
    ARC_TRY(next_event(self, &row, err));
    if (row == NULL) {
        self->phase = DELETIONS;
        ARC_TRY(arc__replay_end(&self->replay, err));
        return put_deletion(self, json, err);
    }
    if (row->seq == self->replay.history.run.seq) /* the first, which the head has folded */
        self->at++;
    else
        ARC_TRY(fold_next(self, row, err));
    ARC_TRY(check_line(row, err));
    put_body(json, row);
    return ARC_OK;
}

static arc_status put_line(struct arc_export *self, struct arc_json *json, arc_err *err)
{
    switch (self->phase) {
    case HEAD:
        self->phase = DEFINITION;
        return put_head(self, json, err);
    case DEFINITION:
        self->phase = EVENTS;
        ARC_TRY(put_definition(self, json, err));
        return self->line.len > 0 ? ARC_OK : put_event(self, json, err);
    case DELETIONS:
        return put_deletion(self, json, err);
    default:
        return put_event(self, json, err);
    }
}

arc_status arc__export_next(struct arc_export *self, arc_slice *out, arc_err *err)
{
    struct arc_json json;
    if (self->phase == OVER)
        return ARC_EDONE;
    arc__buf_clear(&self->line);
    arc__json_init(&json, &self->line);
    arc_status status = put_line(self, &json, err);
    if (status == ARC_OK) {
        arc__buf_add_char(&self->line, '\n');
        status = arc__buf_check(&self->line, err);
    }
    if (status != ARC_OK) {
        self->phase = OVER;
        return status;
    }
    *out = arc__buf_slice(&self->line);
    arc__sha256_add(&self->sha, *out);
    self->lines++;
    return ARC_OK;
}
