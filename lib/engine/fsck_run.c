/* SPDX-License-Identifier: Apache-2.0 */
/* One stream of events, and the rows that they make. */
#include <stdlib.h>

#include "base/text.h"
#include "engine/event_json.h"
#include "engine/fsck_private.h"
#include "engine/project.h"
#include "engine/replay.h"

#define PAGE 256u

struct stream {
    struct arc_fsck *fsck;
    arc_slice id; /* the cursor's */
    int64_t next; /* the number that the next event must have */
    int known, is_run, is_step, broken;
    struct arc_replay replay; /* with the rows as they are to be */
};

/* --- its events ------------------------------------------------------------------------------ */

static void note_gap(struct stream *stream, int64_t found)
{
    struct arc_fsck *fsck = stream->fsck;
    int64_t missing = found - stream->next;
    arc_slice text =
        missing == 1
            ? arc__arena_printf(&fsck->found, "Event %lld is missing.", (long long)stream->next)
            : arc__arena_printf(&fsck->found, "Events %lld to %lld are missing.",
                                (long long)stream->next, (long long)found - 1);
    arc__fsck_note(fsck, &(struct arc_fsck_finding){.kind = ARC_FINDING_GAP,
                                                    .stream = stream->id,
                                                    .seq = stream->next,
                                                    .table = "event",
                                                    .text = text});
    stream->broken = 1;
}

static void note_event(struct stream *stream, int64_t seq, arc_slice text)
{
    arc__fsck_note(stream->fsck, &(struct arc_fsck_finding){.kind = ARC_FINDING_EVENT,
                                                            .stream = stream->id,
                                                            .seq = seq,
                                                            .table = "event",
                                                            .text = text});
    stream->broken = 1;
}

static int is_of_run(arc_slice type)
{
    enum arc_event_type known = arc__event_type_from_name(type);
    if (known == ARC_EVENT_STEP_DELETED)
        return 0;
    return known > ARC_EVENT_PIPELINE_DELETED ? known < ARC_EVENT_AGENT_REGISTERED
                                              : known == ARC_EVENT_NONE;
}

/* The stream of a step run has one event: that it was deleted. */
static arc_status take_deletion(struct stream *stream, const struct arc_row_event *row,
                                arc_err *err)
{
    struct arc_event *event = NULL;
    arc_err why = ARC_ERR_INIT;
    if (row->seq > 1)
        note_event(stream, row->seq, ARC_LIT("A step run is deleted once, and that is the end."));
    if (stream->broken)
        return ARC_OK;
    arc_status status = arc__event_from_row(row, &stream->fsck->made, &event, &why);
    if (status == ARC_ENOMEM)
        return arc__fail_nomem(err);
    if (status != ARC_OK)
        note_event(stream, row->seq, arc__slice_cstr(why.message));
    return ARC_OK;
}

static arc_status take_event(struct stream *stream, const struct arc_row_event *row, arc_err *err)
{
    arc_err why = ARC_ERR_INIT;
    if (!stream->known) {
        stream->is_run = is_of_run(row->type);
        stream->is_step = arc__event_type_from_name(row->type) == ARC_EVENT_STEP_DELETED;
    }
    stream->known = 1;
    stream->fsck->report.events++;
    if (row->seq < stream->next) {
        note_event(stream, row->seq, ARC_LIT("Events count from 1."));
        return ARC_OK;
    }
    if (row->seq > stream->next)
        note_gap(stream, row->seq);
    stream->next = row->seq + 1;
    if (stream->is_step)
        return take_deletion(stream, row, err);
    if (!stream->is_run || stream->broken)
        return ARC_OK;
    arc_status status = arc__replay_take(&stream->replay, row, &why);
    if (status == ARC_ENOMEM)
        return arc__fail_nomem(err);
    if (status != ARC_OK)
        note_event(stream, row->seq, arc__slice_cstr(why.message));
    return ARC_OK;
}

static arc_status read_events(struct stream *stream, arc_err *err)
{
    struct arc_fsck *fsck = stream->fsck;
    struct arc_rows rows = {.count = PAGE};
    int64_t after = INT64_MIN;
    while (rows.count == PAGE) {
        struct arc_query query = {
            .table = ARC_TABLE_event, .filter_count = 2, .order_col = -1, .limit = PAGE};
        query.filters[0] = (struct arc_filter){.col = ARC_COL_event_stream, .text = stream->id};
        query.filters[1] =
            (struct arc_filter){.col = ARC_COL_event_seq, .op = ARC_FILTER_GT, .number = after};
        arc__arena_reset(&fsck->page);
        ARC_TRY(arc__desk_query(fsck->desk, &query, &fsck->page, &rows, err));
        const struct arc_row_event *row = rows.rows;
        for (size_t i = 0; i < rows.count; i++) {
            ARC_TRY(take_event(stream, &row[i], err));
            after = row[i].seq;
        }
    }
    return ARC_OK;
}

/* --- its rows -------------------------------------------------------------------------------- */

/* Every row's first column is its key. */
static arc_slice key_of(const void *row)
{
    arc_slice key;
    memcpy(&key, row, sizeof(key));
    return key;
}

static int by_key(const void *a, const void *b)
{
    const void *left, *right;
    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return arc__slice_compare(key_of(left), key_of(right));
}

static const void **sorted(struct stream *stream, const void *rows, size_t count, size_t size,
                           arc_err *err)
{
    const void **list = arc__arena_array(&stream->fsck->made, count + 1, sizeof(*list));
    for (size_t i = 0; list != NULL && i < count; i++)
        list[i] = (const char *)rows + i * size;
    if (list != NULL)
        qsort(list, count, sizeof(*list), by_key);
    else
        (void)arc__fail_nomem(err);
    return list;
}

static arc_slice value_text(struct stream *stream, const struct arc_col_def *col, const void *row)
{
    const char *at = (const char *)row + col->offset;
    arc_slice text;
    int64_t number;
    if (col->type == ARC_COL_INT) {
        memcpy(&number, at, sizeof(number));
        return arc__arena_printf(&stream->fsck->found, "%lld", (long long)number);
    }
    memcpy(&text, at, sizeof(text));
    return text;
}

static int same_value(const struct arc_col_def *col, const void *a, const void *b)
{
    const char *left = (const char *)a + col->offset, *right = (const char *)b + col->offset;
    arc_slice one, other;
    if (col->type == ARC_COL_INT)
        return memcmp(left, right, sizeof(int64_t)) == 0;
    memcpy(&one, left, sizeof(one));
    memcpy(&other, right, sizeof(other));
    return arc__slice_equal(one, other);
}

static void keep_value(const struct arc_col_def *col, void *to, const void *from)
{
    size_t size = col->type == ARC_COL_INT ? sizeof(int64_t) : sizeof(arc_slice);
    memcpy((char *)to + col->offset, (const char *)from + col->offset, size);
}

static arc_status compare_row(struct stream *stream, enum arc_table table, const void *stored,
                              const void *made, arc_err *err)
{
    struct arc_fsck *fsck = stream->fsck;
    const struct arc_table_def *def = arc__table_def(table);
    void *row = arc__arena_alloc(&fsck->made, def->row_size);
    int differs = 0;
    if (row == NULL)
        return arc__fail_nomem(err);
    memcpy(row, made, def->row_size);
    for (uint32_t i = 0; i < def->col_count; i++) {
        const struct arc_col_def *col = &def->cols[i];
        if (same_value(col, stored, made))
            continue;
        if (arc__project_soft(table, i, stored, made)) {
            keep_value(col, row, stored);
            continue;
        }
        differs = 1;
        arc__fsck_note(fsck, &(struct arc_fsck_finding){
                                 .kind = ARC_FINDING_VALUE,
                                 .fixed = arc__fsck_fixes(fsck),
                                 .stream = stream->id,
                                 .table = def->name,
                                 .row = key_of(made),
                                 .column = col->name,
                                 .has = value_text(stream, col, stored),
                                 .expected = value_text(stream, col, made),
                                 .text = ARC_LIT("The row is not what its events make of it.")});
    }
    return differs ? arc__fsck_write(fsck, table, row, err) : ARC_OK;
}

static void note_row(struct stream *stream, enum arc_finding_kind kind, const char *table,
                     arc_slice row, const char *text)
{
    arc__fsck_note(stream->fsck, &(struct arc_fsck_finding){.kind = kind,
                                                            .fixed = arc__fsck_fixes(stream->fsck),
                                                            .stream = stream->id,
                                                            .table = table,
                                                            .row = row,
                                                            .text = arc__slice_cstr(text)});
}

/* Both lists in the order of their keys. */
static arc_status compare(struct stream *stream, enum arc_table table, uint32_t run_col,
                          const struct arc_row_list *made, arc_err *err)
{
    struct arc_fsck *fsck = stream->fsck;
    const struct arc_table_def *def = arc__table_def(table);
    struct arc_query query = {.table = table, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] = (struct arc_filter){.col = run_col, .text = stream->id};
    ARC_TRY(arc__desk_query(fsck->desk, &query, &fsck->page, &rows, err));
    const void **has = sorted(stream, rows.rows, rows.count, def->row_size, err);
    const void **want = sorted(stream, made->items, made->count, def->row_size, err);
    if (has == NULL || want == NULL)
        return ARC_ENOMEM;
    fsck->report.rows += rows.count;
    for (size_t h = 0, w = 0; h < rows.count || w < made->count;) {
        int order = h == rows.count    ? 1
                    : w == made->count ? -1
                                       : arc__slice_compare(key_of(has[h]), key_of(want[w]));
        if (order < 0) {
            note_row(stream, ARC_FINDING_ORPHAN, def->name, key_of(has[h]),
                     "No event of the run makes this row.");
            ARC_TRY(arc__fsck_delete(fsck, table, has[h++], err));
        } else if (order > 0) {
            note_row(stream, ARC_FINDING_MISSING, def->name, key_of(want[w]),
                     "The events of the run make a row that is not there.");
            ARC_TRY(arc__fsck_write(fsck, table, want[w++], err));
        } else {
            ARC_TRY(compare_row(stream, table, has[h++], want[w++], err));
        }
    }
    return ARC_OK;
}

/* --- what it is in its pipeline -------------------------------------------------------------- */

static arc_status find_row(struct stream *stream, const struct arc_row_pipeline_run **out,
                           arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_pipeline_run_id, .text = stream->id};
    arc__arena_reset(&stream->fsck->page);
    ARC_TRY(arc__desk_query(stream->fsck->desk, &query, &stream->fsck->page, &rows, err));
    *out = rows.count > 0 ? rows.rows : NULL;
    return ARC_OK;
}

static arc_status count_run(struct stream *stream, const struct arc_row_pipeline_run *row,
                            arc_err *err)
{
    const struct arc_run *run = &stream->replay.history.run;
    arc_slice pipeline = run->plan != NULL ? run->pipeline_id
                         : row != NULL     ? row->pipeline_id
                                           : ARC_NONE;
    if (stream->replay.fence > stream->fsck->fence)
        stream->fsck->fence = stream->replay.fence;
    if (!arc__id_valid(pipeline))
        return ARC_OK;
    struct tally *tally = arc__fsck_tally(stream->fsck, pipeline);
    if (tally == NULL)
        return arc__fail_nomem(err);
    tally->unsure |= stream->broken;
    if (stream->broken)
        return ARC_OK;
    tally->total++;
    tally->success += run->status == ARC_RUN_SUCCESS;
    tally->failed += run->status == ARC_RUN_FAILED || run->status == ARC_RUN_PARTIAL;
    if (run->birth->number > tally->newest) {
        tally->newest = run->birth->number;
        tally->status = run->status == ARC_RUN_PARTIAL ? ARC_RUN_FAILED : run->status;
    }
    return ARC_OK;
}

/* It was set aside, and nothing is wrong with its events: it may go on. */
static arc_status release(struct stream *stream, const struct arc_row_pipeline_run *row,
                          arc_err *err)
{
    struct arc_fsck *fsck = stream->fsck;
    struct arc_row_pipeline_run *free = ARC_ARENA_NEW(&fsck->made, struct arc_row_pipeline_run);
    if (free == NULL)
        return arc__fail_nomem(err);
    arc__fsck_note(fsck, &(struct arc_fsck_finding){
                             .kind = ARC_FINDING_QUARANTINE,
                             .fixed = arc__fsck_fixes(fsck),
                             .stream = stream->id,
                             .table = "pipeline_run",
                             .row = stream->id,
                             .column = "held",
                             .has = row->held_why,
                             .text = ARC_LIT("The run is quarantined, and its events fold.")});
    *free = *row;
    free->held = 0;
    free->held_why = ARC_NONE;
    return arc__fsck_write(fsck, ARC_TABLE_pipeline_run, free, err);
}

/* Which of its step runs were deleted: they say so in streams of their own. */
static arc_status take_deletions(struct stream *stream, arc_err *err)
{
    struct arc_fsck *fsck = stream->fsck;
    struct arc_row_step_run *step = (void *)stream->replay.steps.items;
    for (size_t i = 0; i < stream->replay.steps.count; i++) {
        const struct arc_row_event *event = NULL;
        arc__arena_reset(&fsck->page);
        ARC_TRY(arc__replay_find_deletion(fsck->desk, step[i].id, &fsck->page, &event, err));
        if (event != NULL && !arc__replay_delete(&step[i], event))
            arc__fsck_note(fsck,
                           &(struct arc_fsck_finding){
                               .kind = ARC_FINDING_EVENT,
                               .stream = step[i].id,
                               .seq = event->seq,
                               .table = "event",
                               .text = ARC_LIT("The step run was deleted and has not ended.")});
    }
    return ARC_OK;
}

static arc_status compare_all(struct stream *stream, arc_err *err)
{
    const struct {
        enum arc_table table;
        uint32_t run_col;
        const struct arc_row_list *made;
    } all[] = {
        {ARC_TABLE_pipeline_run, ARC_COL_pipeline_run_id, &stream->replay.runs},
        {ARC_TABLE_job_run, ARC_COL_job_run_run_id, &stream->replay.jobs},
        {ARC_TABLE_step_run, ARC_COL_step_run_run_id, &stream->replay.steps},
        {ARC_TABLE_step_run_artifact, ARC_COL_step_run_artifact_run_id, &stream->replay.artifacts},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(all); i++)
        ARC_TRY(compare(stream, all[i].table, all[i].run_col, all[i].made, err));
    return ARC_OK;
}

static arc_status check_run(struct stream *stream, arc_err *err)
{
    struct arc_fsck *fsck = stream->fsck;
    const struct arc_row_pipeline_run *row = NULL;
    ARC_TRY(find_row(stream, &row, err));
    if (row != NULL && row->held == ARC_HELD_PRUNED)
        return ARC_OK; /* some of it is gone, and the rest will be */
    /* What was lost at the end leaves no gap, but the row knows of it. */
    if (!stream->broken && row != NULL && row->version >= stream->next)
        note_gap(stream, row->version + 1);
    fsck->report.runs++;
    fsck->report.damaged += stream->broken != 0;
    if (row == NULL || row->held != ARC_HELD_IMPORTED)
        ARC_TRY(count_run(stream, row, err));
    if (stream->broken)
        return ARC_OK;
    if (row != NULL && row->held == ARC_HELD_DAMAGED)
        ARC_TRY(release(stream, row, err));
    ARC_TRY(arc__fsck_flush(fsck, err)); /* what is compared next is as it is then */
    ARC_TRY(arc__replay_end(&stream->replay, err));
    ARC_TRY(take_deletions(stream, err));
    ARC_TRY(compare_all(stream, err));
    return arc__fsck_flush(fsck, err); /* rows borrow from the history */
}

arc_status arc__fsck_stream(struct arc_fsck *fsck, arc_err *err)
{
    struct stream stream = {.fsck = fsck, .id = arc__buf_slice(&fsck->cursor), .next = 1};
    arc__replay_init(&stream.replay, &fsck->desk->mem, &fsck->made);
    arc_status status = read_events(&stream, err);
    if (status == ARC_OK && stream.is_run)
        status = check_run(&stream, err);
    arc__replay_deinit(&stream.replay);
    return status;
}
