/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/fsck.h"

#include <arcentra/states.h>

#include "base/sha256.h"
#include "base/text.h"
#include "base/ulid.h"
#include "engine/engine_private.h"
#include "engine/fsck_private.h"

#define PAGE 128u
#define DEFINITIONS 8u
#define NO_ROW 1000000000u /* beyond the last one */
#define FOUND_BYTES_MAX (64u * 1024u * 1024u)
#define ROWS_BYTES_MAX (512u * 1024u * 1024u)
#define KEY_BYTES_MAX (64u * 1024u)
#define SHOWN_BYTES_MAX 200u /* of a value that differs */

/* clang-format off */
#define WORD(name, word) [ARC_FINDING_##name] = (word),
static const char *const words[ARC_FINDING_COUNT] = {ARC_FINDINGS(WORD)};
/* clang-format on */

const char *arc__finding_word(enum arc_finding_kind kind)
{
    return kind < ARC_FINDING_COUNT ? words[kind] : "";
}

/* --- findings -------------------------------------------------------------------------------- */

static arc_slice cut(struct arc_fsck *fsck, arc_slice text)
{
    arc_slice clean = arc__text_cleaned(text, &fsck->found);
    size_t len = arc__utf8_prefix(clean, SHOWN_BYTES_MAX);
    return len < clean.len ? arc__arena_printf(&fsck->found, "%.*s…", (int)len, clean.ptr) : clean;
}

void arc__fsck_note(struct arc_fsck *fsck, const struct arc_fsck_finding *finding)
{
    struct note *note = ARC_ARENA_NEW(&fsck->found, struct note);
    if (note == NULL)
        return; /* the arena remembers */
    note->finding = *finding;
    note->finding.table = finding->table != NULL ? finding->table : "";
    note->finding.column = finding->column != NULL ? finding->column : "";
    note->finding.stream = cut(fsck, finding->stream);
    note->finding.row = cut(fsck, finding->row);
    note->finding.has = cut(fsck, finding->has);
    note->finding.expected = cut(fsck, finding->expected);
    note->finding.text = arc__text_cleaned(finding->text, &fsck->found);
    *fsck->end = note;
    fsck->end = &note->next;
    fsck->report.findings++;
    fsck->report.fixed += finding->fixed != 0;
}

/* --- writing --------------------------------------------------------------------------------- */

arc_status arc__fsck_flush(struct arc_fsck *fsck, arc_err *err)
{
    size_t count = fsck->op_count;
    fsck->op_count = 0;
    return count > 0 ? arc__desk_commit(fsck->desk, fsck->ops, count, err) : ARC_OK;
}

static void add_op(struct arc_fsck *fsck, enum arc_store_verb verb, enum arc_table table,
                   const void *row)
{
    if (fsck->rebuild)
        fsck->ops[fsck->op_count++] = (struct arc_store_op){verb, table, row, 0};
}

static arc_status make_room(struct arc_fsck *fsck, arc_err *err)
{
    return fsck->op_count + 2 > FSCK_OPS_MAX ? arc__fsck_flush(fsck, err) : ARC_OK;
}

/* A PUT leaves alone what never changes in a row; here that may be just what is wrong. */
arc_status arc__fsck_write(struct arc_fsck *fsck, enum arc_table table, const void *row,
                           arc_err *err)
{
    ARC_TRY(make_room(fsck, err));
    add_op(fsck, ARC_STORE_DELETE, table, row);
    add_op(fsck, ARC_STORE_INSERT, table, row);
    return ARC_OK;
}

arc_status arc__fsck_delete(struct arc_fsck *fsck, enum arc_table table, const void *row,
                            arc_err *err)
{
    ARC_TRY(make_room(fsck, err));
    add_op(fsck, ARC_STORE_DELETE, table, row);
    return ARC_OK;
}

/* --- walking --------------------------------------------------------------------------------- */

struct tally *arc__fsck_tally(struct arc_fsck *fsck, arc_slice pipeline_id)
{
    struct tally *tally = arc__map_get(&fsck->pipes, pipeline_id);
    if (tally != NULL)
        return tally;
    tally = arc__alloc(&fsck->desk->mem, sizeof(*tally));
    if (tally == NULL)
        return NULL;
    tally->status = ARC_RUN_PENDING;
    if (arc__map_put(&fsck->pipes, pipeline_id, tally, NULL, NULL) == ARC_OK)
        return tally;
    arc__free(&fsck->desk->mem, tally);
    return NULL;
}

static void go_to(struct arc_fsck *fsck, enum fsck_phase phase)
{
    fsck->phase = phase;
    arc__buf_clear(&fsck->cursor);
}

static arc_status move_cursor(struct arc_fsck *fsck, arc_slice key, arc_err *err)
{
    arc__buf_clear(&fsck->cursor);
    arc__buf_add_slice(&fsck->cursor, key);
    return arc__buf_check(&fsck->cursor, err);
}

/* A key that the store itself would not take: nothing behind it can be asked for by it. */
static int is_key(struct arc_fsck *fsck, const char *table, arc_slice key)
{
    if (arc__text_clean(key) && key.len > 0)
        return 1;
    arc__fsck_note(fsck, &(struct arc_fsck_finding){
                             .kind = ARC_FINDING_DAMAGE,
                             .table = table,
                             .row = key,
                             .text = ARC_LIT("The key is not a text; what is behind it in the "
                                             "table was not looked at.")});
    return 0;
}

/* The next rows of a table whose first column is beyond the cursor. */
static arc_status next_rows(struct arc_fsck *fsck, enum arc_table table, size_t limit,
                            struct arc_rows *rows, arc_err *err)
{
    struct arc_query query = {.table = table, .filter_count = 1, .order_col = -1, .limit = limit};
    query.filters[0] =
        (struct arc_filter){.col = 0, .op = ARC_FILTER_GT, .text = arc__buf_slice(&fsck->cursor)};
    return arc__desk_query(fsck->desk, &query, &fsck->page, rows, err);
}

static arc_status stream_step(struct arc_fsck *fsck, arc_err *err)
{
    struct arc_rows rows = {0};
    ARC_TRY(next_rows(fsck, ARC_TABLE_event, 1, &rows, err));
    const struct arc_row_event *row = rows.rows;
    if (rows.count == 0 || !is_key(fsck, "event", row->stream)) {
        go_to(fsck, FSCK_RUN_ROWS);
        return ARC_OK;
    }
    ARC_TRY(move_cursor(fsck, row->stream, err));
    return arc__fsck_stream(fsck, err);
}

/* --- rows without events --------------------------------------------------------------------- */

static arc_status has_events(struct arc_fsck *fsck, arc_slice run_id, int *yes, arc_err *err)
{
    /* Counted and not read: a first event holds a whole plan. */
    struct arc_query query = {.table = ARC_TABLE_event,
                              .filter_count = 1,
                              .order_col = -1,
                              .limit = 1,
                              .offset = NO_ROW,
                              .want_total = 1};
    struct arc_rows rows = {0};
    *yes = 0;
    if (!arc__text_clean(run_id))
        return ARC_OK;
    query.filters[0] = (struct arc_filter){.col = ARC_COL_event_stream, .text = run_id};
    ARC_TRY(arc__desk_query(fsck->desk, &query, &fsck->page, &rows, err));
    *yes = rows.total > 0;
    return ARC_OK;
}

static arc_slice text_of(const struct arc_table_def *def, const void *row, uint32_t col)
{
    arc_slice text;
    memcpy(&text, (const char *)row + def->cols[col].offset, sizeof(text));
    return text;
}

/* Its events go before its row does. */
static int is_being_deleted(enum arc_table table, const void *row)
{
    return table == ARC_TABLE_pipeline_run &&
           ((const struct arc_row_pipeline_run *)row)->held == ARC_HELD_PRUNED;
}

/* Those of a run that has events were compared with them. */
static arc_status orphan_step(struct arc_fsck *fsck, enum arc_table table, uint32_t run_col,
                              arc_err *err)
{
    const struct arc_table_def *def = arc__table_def(table);
    struct arc_rows rows = {0};
    arc_slice run = ARC_NONE;
    int yes = 0;
    ARC_TRY(next_rows(fsck, table, PAGE, &rows, err));
    for (size_t i = 0; i < rows.count; i++) {
        const void *row = (const char *)rows.rows + i * def->row_size;
        arc_slice key = text_of(def, row, 0), of = text_of(def, row, run_col);
        if (!is_key(fsck, def->name, key)) {
            rows.count = 0;
            break;
        }
        if (i == 0 || !arc__slice_equal(of, run))
            ARC_TRY(has_events(fsck, of, &yes, err));
        run = of;
        if (i + 1 == rows.count)
            ARC_TRY(move_cursor(fsck, key, err));
        if (yes || is_being_deleted(table, row))
            continue;
        fsck->report.rows++;
        arc__fsck_note(fsck, &(struct arc_fsck_finding){.kind = ARC_FINDING_ORPHAN,
                                                        .fixed = arc__fsck_fixes(fsck),
                                                        .stream = of,
                                                        .table = def->name,
                                                        .row = key,
                                                        .text = ARC_LIT("Its run has no event.")});
        ARC_TRY(arc__fsck_delete(fsck, table, row, err));
    }
    if (rows.count < PAGE)
        go_to(fsck, (enum fsck_phase)(fsck->phase + 1));
    return ARC_OK;
}

/* --- pipelines ------------------------------------------------------------------------------- */

static void differ(struct arc_fsck *fsck, const struct arc_row_pipeline *row, const char *column,
                   int64_t *value, int64_t expected, int *differs)
{
    if (*value == expected)
        return;
    arc__fsck_note(fsck,
                   &(struct arc_fsck_finding){
                       .kind = ARC_FINDING_VALUE,
                       .fixed = arc__fsck_fixes(fsck),
                       .stream = row->id,
                       .table = "pipeline",
                       .row = row->id,
                       .column = column,
                       .has = arc__arena_printf(&fsck->found, "%lld", (long long)*value),
                       .expected = arc__arena_printf(&fsck->found, "%lld", (long long)expected),
                       .text = ARC_LIT("It is not what the runs of the pipeline come to.")});
    *value = expected;
    *differs = 1;
}

static void check_definition(struct arc_fsck *fsck, const struct arc_row_definition *row)
{
    char hex[ARC_SHA256_HEX_LEN + 1];
    arc__sha256_hex(row->canonical, hex);
    if (arc__slice_is(row->sha, hex))
        return;
    arc__fsck_note(fsck, &(struct arc_fsck_finding){
                             .kind = ARC_FINDING_DAMAGE,
                             .stream = row->pipeline_id,
                             .table = "definition",
                             .row = row->sha,
                             .column = "canonical",
                             .has = arc__slice_cstr(hex),
                             .expected = row->sha,
                             .text = ARC_LIT("The definition is not what its hash says.")});
}

/* Some of its definitions, from the cursor's on; *head: the present one is among them. */
static arc_status some_definitions(struct arc_fsck *fsck, const struct arc_row_pipeline *pipeline,
                                   struct arc_arena *arena, char *after, size_t *count, int *head,
                                   arc_err *err)
{
    struct arc_query query = {
        .table = ARC_TABLE_definition, .filter_count = 2, .order_col = -1, .limit = DEFINITIONS};
    struct arc_rows rows = {0};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_definition_pipeline_id, .text = pipeline->id};
    query.filters[1] = (struct arc_filter){
        .col = ARC_COL_definition_sha, .op = ARC_FILTER_GT, .text = arc__slice_cstr(after)};
    ARC_TRY(arc__desk_query(fsck->desk, &query, arena, &rows, err));
    const struct arc_row_definition *row = rows.rows;
    for (size_t i = 0; i < rows.count; i++) {
        *head |= arc__slice_equal(row[i].sha, pipeline->definition_sha);
        check_definition(fsck, &row[i]);
        if (row[i].sha.len != ARC_SHA256_HEX_LEN || !arc__text_clean(row[i].sha)) {
            rows.count = 0; /* noted; nothing behind it can be asked for by it */
            break;
        }
        (void)arc__slice_to_cstr(row[i].sha, after, ARC_SHA256_HEX_LEN + 1);
    }
    *count = rows.count;
    return ARC_OK;
}

static arc_status check_definitions(struct arc_fsck *fsck, const struct arc_row_pipeline *pipeline,
                                    arc_err *err)
{
    char after[ARC_SHA256_HEX_LEN + 1] = "";
    int head = pipeline->definition_sha.len == 0;
    size_t count = DEFINITIONS;
    while (count == DEFINITIONS) {
        struct arc_arena arena;
        arc__arena_init(&arena, &fsck->desk->mem, ROWS_BYTES_MAX);
        arc_status status = some_definitions(fsck, pipeline, &arena, after, &count, &head, err);
        arc__arena_deinit(&arena);
        ARC_TRY(status);
    }
    if (!head)
        arc__fsck_note(fsck, &(struct arc_fsck_finding){
                                 .kind = ARC_FINDING_MISSING,
                                 .stream = pipeline->id,
                                 .table = "definition",
                                 .row = pipeline->definition_sha,
                                 .text = ARC_LIT("The definition of the pipeline is not there.")});
    return ARC_OK;
}

/* Runs that were deleted are counted on. */
static arc_status add_pruned(struct arc_fsck *fsck, arc_slice pipeline_id, struct tally *tally,
                             arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_pruned, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    struct arc_arena arena;
    query.filters[0] = (struct arc_filter){.col = ARC_COL_pruned_pipeline_id, .text = pipeline_id};
    arc__arena_init(&arena, &fsck->desk->mem, ROWS_BYTES_MAX);
    arc_status status = arc__desk_query(fsck->desk, &query, &arena, &rows, err);
    const struct arc_row_pruned *row = rows.rows;
    if (status == ARC_OK && rows.count > 0) {
        tally->total += row->total;
        tally->success += row->success;
        tally->failed += row->failed;
        if (row->newest > tally->newest)
            tally->status = (int32_t)row->status;
    }
    arc__arena_deinit(&arena);
    return status;
}

static arc_status check_pipeline(struct arc_fsck *fsck, const struct arc_row_pipeline *stored,
                                 arc_err *err)
{
    struct arc_row_pipeline *row = ARC_ARENA_NEW(&fsck->made, struct arc_row_pipeline);
    struct tally *tally = arc__fsck_tally(fsck, stored->id);
    int differs = 0;
    if (row == NULL || tally == NULL)
        return arc__fail_nomem(err);
    tally->seen = 1;
    fsck->report.rows++;
    ARC_TRY(add_pruned(fsck, stored->id, tally, err));
    *row = *stored;
    if (!tally->unsure) {
        differ(fsck, stored, "total_runs", &row->total_runs, tally->total, &differs);
        differ(fsck, stored, "success_runs", &row->success_runs, tally->success, &differs);
        differ(fsck, stored, "failed_runs", &row->failed_runs, tally->failed, &differs);
        differ(fsck, stored, "status", &row->status, tally->status, &differs);
    }
    if (differs)
        ARC_TRY(arc__fsck_write(fsck, ARC_TABLE_pipeline, row, err));
    return check_definitions(fsck, stored, err);
}

/* Runs whose pipeline is not there. */
static void note_unseen(struct arc_fsck *fsck)
{
    size_t at = 0;
    arc_slice key;
    void *value = NULL;
    while (arc__map_next(&fsck->pipes, &at, &key, &value)) {
        if (!((const struct tally *)value)->seen)
            arc__fsck_note(fsck, &(struct arc_fsck_finding){
                                     .kind = ARC_FINDING_MISSING,
                                     .stream = key,
                                     .table = "pipeline",
                                     .row = key,
                                     .text = ARC_LIT("It has runs, and is not there.")});
    }
}

static arc_status pipeline_step(struct arc_fsck *fsck, arc_err *err)
{
    struct arc_rows rows = {0};
    ARC_TRY(next_rows(fsck, ARC_TABLE_pipeline, PAGE, &rows, err));
    const struct arc_row_pipeline *row = rows.rows;
    for (size_t i = 0; i < rows.count; i++) {
        if (!is_key(fsck, "pipeline", row[i].id)) {
            rows.count = 0;
            break;
        }
        ARC_TRY(check_pipeline(fsck, &row[i], err));
        if (i + 1 == rows.count)
            ARC_TRY(move_cursor(fsck, row[i].id, err));
    }
    if (rows.count < PAGE) {
        note_unseen(fsck);
        go_to(fsck, FSCK_COUNTERS);
    }
    return ARC_OK;
}

/* A fence that was handed out is never handed out again. */
static arc_status counter_step(struct arc_fsck *fsck, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_counter, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_counter_name, .text = ARC_LIT("fence")};
    ARC_TRY(arc__desk_query(fsck->desk, &query, &fsck->page, &rows, err));
    const struct arc_row_counter *row = rows.rows;
    int64_t has = rows.count > 0 ? row->value : 0;
    go_to(fsck, FSCK_DONE);
    if (has >= 0 && (uint64_t)has >= fsck->fence)
        return ARC_OK;
    struct arc_row_counter *made = ARC_ARENA_NEW(&fsck->made, struct arc_row_counter);
    if (made == NULL)
        return arc__fail_nomem(err);
    *made = (struct arc_row_counter){ARC_LIT("fence"), (int64_t)fsck->fence};
    arc__fsck_note(fsck,
                   &(struct arc_fsck_finding){
                       .kind = ARC_FINDING_VALUE,
                       .fixed = arc__fsck_fixes(fsck),
                       .table = "counter",
                       .row = made->name,
                       .column = "value",
                       .has = arc__arena_printf(&fsck->found, "%lld", (long long)has),
                       .expected = arc__arena_printf(&fsck->found, "%lld", (long long)made->value),
                       .text = ARC_LIT("Fences up to the expected one were handed out.")});
    return arc__fsck_write(fsck, ARC_TABLE_counter, made, err);
}

static arc_status step(struct arc_fsck *fsck, arc_err *err)
{
    switch (fsck->phase) {
    case FSCK_STREAMS:
        return stream_step(fsck, err);
    case FSCK_RUN_ROWS:
        return orphan_step(fsck, ARC_TABLE_pipeline_run, ARC_COL_pipeline_run_id, err);
    case FSCK_JOB_ROWS:
        return orphan_step(fsck, ARC_TABLE_job_run, ARC_COL_job_run_run_id, err);
    case FSCK_STEP_ROWS:
        return orphan_step(fsck, ARC_TABLE_step_run, ARC_COL_step_run_run_id, err);
    case FSCK_ARTIFACT_ROWS:
        return orphan_step(fsck, ARC_TABLE_step_run_artifact, ARC_COL_step_run_artifact_run_id,
                           err);
    case FSCK_PIPELINES:
        return pipeline_step(fsck, err);
    case FSCK_COUNTERS:
        return counter_step(fsck, err);
    default:
        return ARC_OK;
    }
}

/* --- the outside ----------------------------------------------------------------------------- */

arc_status arc__fsck_new(struct arc_desk *desk, int rebuild, struct arc_fsck **out, arc_err *err)
{
    struct arc_fsck *fsck = arc__alloc(&desk->mem, sizeof(*fsck));
    if (fsck == NULL)
        return arc__fail_nomem(err);
    fsck->desk = desk;
    fsck->rebuild = rebuild;
    fsck->end = &fsck->first;
    arc__buf_init(&fsck->cursor, &desk->mem, KEY_BYTES_MAX);
    arc__arena_init(&fsck->found, &desk->mem, FOUND_BYTES_MAX);
    arc__arena_init(&fsck->page, &desk->mem, ROWS_BYTES_MAX);
    arc__arena_init(&fsck->made, &desk->mem, ROWS_BYTES_MAX);
    arc__map_init(&fsck->pipes, &desk->mem, 0, 0); /* ids are those of rows that are ours */
    *out = fsck;
    return ARC_OK;
}

void arc__fsck_free(struct arc_fsck *fsck)
{
    if (fsck == NULL)
        return;
    struct arc_mem mem = fsck->desk->mem;
    size_t at = 0;
    void *value = NULL;
    while (arc__map_next(&fsck->pipes, &at, NULL, &value))
        arc__free(&mem, value);
    arc__map_deinit(&fsck->pipes);
    arc__buf_deinit(&fsck->cursor);
    arc__arena_deinit(&fsck->found);
    arc__arena_deinit(&fsck->page);
    arc__arena_deinit(&fsck->made);
    arc__free(&mem, fsck);
}

static arc_status advance(struct arc_fsck *fsck, arc_err *err)
{
    arc__arena_reset(&fsck->found);
    arc__arena_reset(&fsck->page);
    arc__arena_reset(&fsck->made);
    fsck->first = NULL;
    fsck->end = &fsck->first;
    arc_status status = step(fsck, err);
    if (status == ARC_OK)
        status = arc__fsck_flush(fsck, err);
    if (status == ARC_OK && (fsck->found.failed || fsck->made.failed))
        status = arc__fail_nomem(err);
    if (status != ARC_OK) {
        fsck->first = NULL;
        go_to(fsck, FSCK_DONE);
    }
    return status;
}

arc_status arc__fsck_next(struct arc_fsck *fsck, const struct arc_fsck_finding **out, arc_err *err)
{
    while (fsck->first == NULL) {
        if (fsck->phase == FSCK_DONE)
            return ARC_EDONE;
        ARC_TRY(advance(fsck, err));
    }
    *out = &fsck->first->finding;
    fsck->first = fsck->first->next;
    return ARC_OK;
}

arc_status arc__fsck_step(struct arc_fsck *fsck, arc_err *err)
{
    return fsck->phase == FSCK_DONE ? ARC_EDONE : advance(fsck, err);
}

const struct arc_fsck_report *arc__fsck_report(const struct arc_fsck *fsck)
{
    return &fsck->report;
}
