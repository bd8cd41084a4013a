/* SPDX-License-Identifier: Apache-2.0 */
/* All that one run consists of, in one batch or in several. */
#include <arcentra/states.h>

#include "engine/engine_private.h"
#include "engine/prune_private.h"

arc_status arc__prune_op(struct arc_prune *prune, enum arc_store_verb verb, enum arc_table table,
                         const void *row, int64_t expect_version, arc_err *err)
{
    size_t size = arc__table_def(table)->row_size;
    void *copy = arc__arena_alloc(&prune->kept, size);
    if (copy == NULL || prune->op_count == PRUNE_OPS_MAX)
        return arc__fail_nomem(err);
    memcpy(copy, row, size);
    arc__row_own(table, copy, &prune->kept);
    if (prune->kept.failed)
        return arc__fail_nomem(err);
    prune->ops[prune->op_count++] = (struct arc_store_op){verb, table, copy, expect_version};
    return ARC_OK;
}

void arc__prune_pass_by(struct arc_prune *prune)
{
    if (prune->phase != PRUNE_LEFT) /* which goes by pipelines */
        (void)arc__slice_to_cstr(prune->run.id, prune->cursor, sizeof(prune->cursor));
    prune->excess--; /* no newer one goes for one that stays */
    prune->stage = PRUNE_CHOOSE;
    prune->op_count = 0;
}

static arc_status ask(struct arc_prune *prune, const struct arc_query *query, struct arc_rows *rows,
                      arc_err *err)
{
    return prune->io.query(prune->io.user, query, rows, err);
}

/* Rows of a table that belong to the run; at most a page. */
static arc_status ask_of_run(struct arc_prune *prune, enum arc_table table, uint32_t run_col,
                             size_t limit, struct arc_rows *rows, arc_err *err)
{
    struct arc_query query = {.table = table, .filter_count = 1, .order_col = -1, .limit = limit};
    query.filters[0] = arc__eq_text(run_col, prune->run.id);
    return ask(prune, &query, rows, err);
}

/* --- may it go? ------------------------------------------------------------------------------ */

static arc_status notices(struct arc_prune *prune, arc_err *err)
{
    struct arc_rows rows = {0};
    ARC_TRY(ask_of_run(prune, ARC_TABLE_outbox, ARC_COL_outbox_run_id, 1, &rows, err));
    size_t count = rows.count;
    prune->io.release(prune->io.user);
    prune->stage = PRUNE_NEWEST;
    if (count == 0)
        return ARC_OK;
    prune->report.noticed++;
    arc__prune_pass_by(prune);
    return ARC_OK;
}

/* Positions go on from the last event that is there. */
static arc_status newest(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_event,
                              .order_col = ARC_COL_event_position,
                              .descending = 1,
                              .limit = 1,
                              .filter_count = 1};
    struct arc_rows rows = {0};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_event_position, .op = ARC_FILTER_GT};
    ARC_TRY(ask(prune, &query, &rows, err));
    prune->newest[0] = '\0';
    if (rows.count > 0)
        (void)arc__slice_to_cstr(((const struct arc_row_event *)rows.rows)->stream, prune->newest,
                                 sizeof(prune->newest));
    prune->io.release(prune->io.user);
    prune->stage = PRUNE_LAST;
    if (!arc__slice_is(prune->run.id, prune->newest))
        return ARC_OK;
    prune->report.busy++;
    arc__prune_pass_by(prune);
    return ARC_OK;
}

/* --- what there is of it --------------------------------------------------------------------- */

static arc_status last(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = {
        .table = ARC_TABLE_event, .order_col = -1, .descending = 1, .limit = 1, .filter_count = 1};
    struct arc_rows rows = {0};
    query.filters[0] = arc__eq_text(ARC_COL_event_stream, prune->run.id);
    ARC_TRY(ask(prune, &query, &rows, err));
    prune->last_seq = rows.count > 0 ? ((const struct arc_row_event *)rows.rows)->seq : 0;
    prune->io.release(prune->io.user);
    prune->stage = PRUNE_STEPS;
    return ARC_OK;
}

/* A step run that was deleted has said so in a stream of its own. */
static arc_status drop_step(struct arc_prune *prune, const struct arc_row_step_run *row,
                            arc_err *err)
{
    struct arc_row_step_run step = {.id = row->id};
    struct arc_row_event deletion = {.stream = row->id, .seq = 1};
    ARC_TRY(arc__prune_op(prune, ARC_STORE_DELETE, ARC_TABLE_step_run, &step, 0, err));
    prune->batch.steps++;
    if (row->deleted_at_ns == 0 || arc__slice_is(row->id, prune->newest))
        return ARC_OK;
    prune->batch.events++;
    return arc__prune_op(prune, ARC_STORE_DELETE, ARC_TABLE_event, &deletion, 0, err);
}

static arc_status drop(struct arc_prune *prune, enum arc_table table, const void *row, arc_err *err)
{
    if (table == ARC_TABLE_step_run)
        return drop_step(prune, row, err);
    if (table == ARC_TABLE_job_run) {
        struct arc_row_job_run job = {.id = ((const struct arc_row_job_run *)row)->id};
        prune->batch.jobs++;
        return arc__prune_op(prune, ARC_STORE_DELETE, table, &job, 0, err);
    }
    struct arc_row_step_run_artifact artifact = {
        .id = ((const struct arc_row_step_run_artifact *)row)->id};
    prune->batch.artifacts++;
    return arc__prune_op(prune, ARC_STORE_DELETE, table, &artifact, 0, err);
}

/* A page that is full is a batch of its own: there may be more behind it. */
static arc_status drop_rows(struct arc_prune *prune, enum arc_table table, uint32_t run_col,
                            enum prune_stage next, arc_err *err)
{
    struct arc_rows rows = {0};
    size_t size = arc__table_def(table)->row_size;
    arc_status status = ARC_OK;
    ARC_TRY(ask_of_run(prune, table, run_col, PRUNE_ROWS, &rows, err));
    for (size_t i = 0; status == ARC_OK && i < rows.count; i++)
        status = drop(prune, table, (const char *)rows.rows + i * size, err);
    size_t count = rows.count;
    prune->io.release(prune->io.user);
    ARC_TRY(status);
    prune->part |= count == PRUNE_ROWS;
    prune->stage = count == PRUNE_ROWS ? PRUNE_OWED : next;
    return ARC_OK;
}

/* --- the batch ------------------------------------------------------------------------------- */

static arc_status owed(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_pruned, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    query.filters[0] = arc__eq_text(ARC_COL_pruned_pipeline_id, prune->run.pipeline_id);
    ARC_TRY(ask(prune, &query, &rows, err));
    prune->has_owed = rows.count > 0;
    prune->owed = (struct arc_row_pruned){.pipeline_id = prune->run.pipeline_id};
    if (rows.count > 0) {
        prune->owed = *(const struct arc_row_pruned *)rows.rows;
        arc__row_own(ARC_TABLE_pruned, &prune->owed, &prune->kept);
    }
    prune->io.release(prune->io.user);
    prune->stage = PRUNE_READY;
    return prune->kept.failed ? arc__fail_nomem(err) : ARC_OK;
}

static arc_status drop_events(struct arc_prune *prune, int64_t first, arc_err *err)
{
    for (int64_t seq = first; seq <= prune->last_seq; seq++) {
        struct arc_row_event event = {.stream = prune->run.id, .seq = seq};
        ARC_TRY(arc__prune_op(prune, ARC_STORE_DELETE, ARC_TABLE_event, &event, 0, err));
        prune->batch.events++;
    }
    return ARC_OK;
}

/* The counters of the pipeline go on counting it; a record of another control plane was never
 * counted. */
static void count_it(struct arc_prune *prune)
{
    const struct arc_row_pipeline_run *run = &prune->run;
    struct arc_row_pruned *sum = &prune->owed;
    if (run->held == ARC_HELD_IMPORTED)
        return;
    sum->total++;
    sum->success += run->status == ARC_RUN_SUCCESS;
    sum->failed += run->status == ARC_RUN_FAILED || run->status == ARC_RUN_PARTIAL;
    if (run->number > sum->newest) {
        sum->newest = run->number;
        sum->status = run->status == ARC_RUN_PARTIAL ? ARC_RUN_FAILED : run->status;
    }
}

static arc_status put_owed(struct arc_prune *prune, arc_err *err)
{
    struct arc_row_pruned *sum = &prune->owed;
    sum->version++;
    sum->updated_at_ns = prune->now_ns;
    return arc__prune_op(prune, prune->has_owed ? ARC_STORE_UPDATE : ARC_STORE_INSERT,
                         ARC_TABLE_pruned, sum, sum->version - 1, err);
}

/* From now on the engine and the tools know that some of it is gone. */
static arc_status mark(struct arc_prune *prune, arc_err *err)
{
    count_it(prune);
    prune->run.held = ARC_HELD_PRUNED;
    prune->run.held_why = ARC_LIT("It is being deleted.");
    prune->owed.run_id = prune->run.id;
    ARC_TRY(put_owed(prune, err));
    return arc__prune_op(prune, ARC_STORE_PUT, ARC_TABLE_pipeline_run, &prune->run, 0, err);
}

/* All that is left of it. */
static arc_status finish(struct arc_prune *prune, arc_err *err)
{
    struct arc_row_pipeline_run run = {.id = prune->run.id};
    ARC_TRY(drop_events(prune, 1, err));
    if (prune->run.held != ARC_HELD_PRUNED)
        count_it(prune);
    prune->owed.run_id = ARC_NONE;
    ARC_TRY(put_owed(prune, err));
    prune->batch.runs = 1;
    return arc__prune_op(prune, ARC_STORE_DELETE, ARC_TABLE_pipeline_run, &run, 0, err);
}

static arc_status ready(struct arc_prune *prune, arc_err *err)
{
    int rows_left = prune->part;
    int events_left = prune->last_seq > (int64_t)PRUNE_EVENTS;
    if (prune->io.remove_logs != NULL && prune->run.held != ARC_HELD_PRUNED)
        ARC_TRY(prune->io.remove_logs(prune->io.user, prune->run.id, err));
    prune->ready = 1;
    if (!rows_left && !events_left)
        return finish(prune, err);
    if (prune->run.held != ARC_HELD_PRUNED)
        ARC_TRY(mark(prune, err));
    /* Events go when no row is left that follows from them, and the last ones first. */
    return rows_left ? ARC_OK
                     : drop_events(prune, prune->last_seq - (int64_t)PRUNE_EVENTS + 1, err);
}

arc_status arc__prune_run(struct arc_prune *prune, arc_err *err)
{
    switch (prune->stage) {
    case PRUNE_NOTICES:
        return notices(prune, err);
    case PRUNE_NEWEST:
        return newest(prune, err);
    case PRUNE_LAST:
        return last(prune, err);
    case PRUNE_STEPS:
        return drop_rows(prune, ARC_TABLE_step_run, ARC_COL_step_run_run_id, PRUNE_JOBS, err);
    case PRUNE_JOBS:
        return drop_rows(prune, ARC_TABLE_job_run, ARC_COL_job_run_run_id, PRUNE_ARTIFACTS, err);
    case PRUNE_ARTIFACTS:
        return drop_rows(prune, ARC_TABLE_step_run_artifact, ARC_COL_step_run_artifact_run_id,
                         PRUNE_OWED, err);
    case PRUNE_OWED:
        return owed(prune, err);
    default:
        return ready(prune, err);
    }
}
