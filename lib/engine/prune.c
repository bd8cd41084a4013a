/* SPDX-License-Identifier: Apache-2.0 */
/* Which run goes next. */
#include "engine/prune.h"

#include <arcentra/states.h>

#include "engine/engine_private.h"
#include "engine/prune_private.h"

#define KEPT_BYTES_MAX (64u * 1024u * 1024u)
#define QUESTIONS_MAX 16 /* between two batches: then the driver has its say */

arc_status arc__prune_new(const struct arc_mem *mem, const struct arc_prune_io *io,
                          const struct arc_retention *retention, int dry, struct arc_prune **out,
                          arc_err *err)
{
    struct arc_prune *prune = arc__alloc(mem, sizeof(*prune));
    if (prune == NULL)
        return arc__fail_nomem(err);
    prune->mem = *mem;
    prune->io = *io;
    prune->retention = *retention;
    prune->dry = dry;
    prune->phase = PRUNE_OVER;
    arc__map_init(&prune->seen, mem, 0, 0);
    arc__arena_init(&prune->kept, mem, KEPT_BYTES_MAX);
    arc__arena_init(&prune->row, mem, KEPT_BYTES_MAX);
    *out = prune;
    return ARC_OK;
}

void arc__prune_free(struct arc_prune *prune)
{
    if (prune == NULL)
        return;
    struct arc_mem mem = prune->mem;
    arc__map_deinit(&prune->seen);
    arc__arena_deinit(&prune->kept);
    arc__arena_deinit(&prune->row);
    arc__free(&mem, prune);
}

static void go_to(struct arc_prune *prune, enum prune_phase phase)
{
    prune->phase = phase;
    prune->cursor[0] = '\0';
    prune->stage = PRUNE_CHOOSE;
}

void arc__prune_begin(struct arc_prune *prune, int64_t now_ns)
{
    prune->now_ns = now_ns;
    prune->due_ns = 0;
    prune->aged[0] = '\0';
    prune->pipe[0] = '\0';
    prune->ready = 0;
    prune->op_count = 0;
    int64_t old_ns = now_ns - prune->retention.max_age_ns + 1000000;
    arc__ulid_first(old_ns > 0 ? (uint64_t)old_ns / 1000000 : 0, &prune->upto);
    go_to(prune, prune->dry ? PRUNE_AGE : PRUNE_LEFT);
}

/* --- choosing -------------------------------------------------------------------------------- */

static struct arc_filter text_above(uint32_t col, const char *text)
{
    return (struct arc_filter){.col = col, .op = ARC_FILTER_GT, .text = arc__slice_cstr(text)};
}

static void add(struct arc_query *query, struct arc_filter filter)
{
    query->filters[query->filter_count++] = filter;
}

/* The first run behind the cursor that is over; ids are in the order of their triggers. */
static struct arc_query oldest(const struct arc_prune *prune, const char *behind, int held)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .order_col = -1, .limit = 1};
    add(&query, text_above(ARC_COL_pipeline_run_id, behind));
    if (held) {
        add(&query, (struct arc_filter){.col = ARC_COL_pipeline_run_held, .op = ARC_FILTER_NE});
        add(&query, (struct arc_filter){.col = ARC_COL_pipeline_run_created_at_ns,
                                        .op = ARC_FILTER_LE,
                                        .number = prune->now_ns - prune->retention.max_age_ns});
        return query;
    }
    add(&query, (struct arc_filter){.col = ARC_COL_pipeline_run_ended_at_ns, .op = ARC_FILTER_GT});
    add(&query, arc__eq_int(ARC_COL_pipeline_run_held, 0));
    return query;
}

static arc_status take_run(struct arc_prune *prune, const struct arc_row_pipeline_run *row,
                           arc_err *err)
{
    arc__arena_reset(&prune->kept);
    arc__arena_reset(&prune->row);
    prune->run = *row;
    arc__row_own(ARC_TABLE_pipeline_run, &prune->run, &prune->row);
    if (prune->row.failed)
        return arc__fail_nomem(err);
    prune->op_count = 0;
    prune->batch = (struct arc_prune_report){0};
    prune->part = 0;
    prune->stage = row->held == ARC_HELD_PRUNED ? PRUNE_LAST : PRUNE_NOTICES;
    return ARC_OK;
}

/* A run that nobody deletes, and that is counted once. */
static arc_status count_dry(struct arc_prune *prune, arc_err *err)
{
    if (arc__map_get(&prune->seen, prune->run.id) == NULL) {
        ARC_TRY(arc__map_put(&prune->seen, prune->run.id, prune, NULL, err));
        prune->report.runs++;
    }
    arc__prune_pass_by(prune);
    return ARC_OK;
}

/* *found: a run was chosen; else there is none. */
static arc_status choose(struct arc_prune *prune, const struct arc_query *query, int *found,
                         arc_err *err)
{
    struct arc_rows rows = {0};
    ARC_TRY(prune->io.query(prune->io.user, query, &rows, err));
    *found = rows.count > 0;
    arc_status status = rows.count > 0 ? take_run(prune, rows.rows, err) : ARC_OK;
    prune->io.release(prune->io.user);
    ARC_TRY(status);
    if (!*found)
        return ARC_OK;
    if (prune->io.busy != NULL && prune->io.busy(prune->io.user, prune->run.id)) {
        prune->report.busy++;
        arc__prune_pass_by(prune);
    }
    return ARC_OK;
}

/* --- the phases ------------------------------------------------------------------------------ */

static arc_status left(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_pruned, .order_col = -1, .limit = 1};
    struct arc_rows rows = {0};
    int found = 0;
    if (prune->pipe[0] == '\0') {
        add(&query, text_above(ARC_COL_pruned_pipeline_id, prune->cursor));
        add(&query, text_above(ARC_COL_pruned_run_id, ""));
        ARC_TRY(prune->io.query(prune->io.user, &query, &rows, err));
        const struct arc_row_pruned *row = rows.rows;
        if (rows.count > 0) {
            (void)arc__slice_to_cstr(row->pipeline_id, prune->cursor, sizeof(prune->cursor));
            (void)arc__slice_to_cstr(row->run_id, prune->pipe, sizeof(prune->pipe));
        } else {
            go_to(prune, PRUNE_AGE);
        }
        prune->io.release(prune->io.user);
        return ARC_OK;
    }
    query = (struct arc_query){.table = ARC_TABLE_pipeline_run, .order_col = -1, .limit = 1};
    add(&query, arc__eq_text(ARC_COL_pipeline_run_id, arc__slice_cstr(prune->pipe)));
    ARC_TRY(choose(prune, &query, &found, err));
    if (!found)
        prune->pipe[0] = '\0';
    return ARC_OK;
}

static arc_status age(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = oldest(prune, prune->cursor, 0);
    int found = 0;
    if (prune->retention.max_age_ns > 0) {
        add(&query, (struct arc_filter){.col = ARC_COL_pipeline_run_id,
                                        .op = ARC_FILTER_LT,
                                        .text = arc__id_slice(&prune->upto)});
        add(&query, (struct arc_filter){.col = ARC_COL_pipeline_run_ended_at_ns,
                                        .op = ARC_FILTER_LE,
                                        .number = prune->now_ns - prune->retention.max_age_ns});
        ARC_TRY(choose(prune, &query, &found, err));
    }
    if (found)
        return ARC_OK;
    memcpy(prune->aged, prune->cursor, sizeof(prune->aged));
    go_to(prune, PRUNE_HELD);
    return ARC_OK;
}

static arc_status held(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = oldest(prune, prune->cursor, 1);
    int found = 0;
    if (prune->retention.held)
        ARC_TRY(choose(prune, &query, &found, err));
    if (!found)
        go_to(prune, PRUNE_PIPES);
    return ARC_OK;
}

/* The next pipeline that may have too many. */
static arc_status pipes(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1, .limit = 1};
    struct arc_rows rows = {0};
    if (prune->retention.per_pipeline == 0) {
        prune->sum = 0;
        go_to(prune, PRUNE_SUM);
        return ARC_OK;
    }
    add(&query, text_above(ARC_COL_pipeline_id, prune->pipe));
    add(&query, (struct arc_filter){.col = ARC_COL_pipeline_total_runs,
                                    .op = ARC_FILTER_GT,
                                    .number = (int64_t)prune->retention.per_pipeline});
    ARC_TRY(prune->io.query(prune->io.user, &query, &rows, err));
    const struct arc_row_pipeline *row = rows.rows;
    prune->sum = 0;
    go_to(prune, rows.count > 0 ? PRUNE_PIPE : PRUNE_SUM);
    if (rows.count > 0) {
        prune->excess = row->total_runs - (int64_t)prune->retention.per_pipeline;
        (void)arc__slice_to_cstr(row->id, prune->pipe, sizeof(prune->pipe));
        prune->sum = -1; /* what was deleted of it is not known yet */
    }
    prune->io.release(prune->io.user);
    return ARC_OK;
}

static arc_status pipe_gone(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_pruned, .order_col = -1, .limit = 1};
    struct arc_rows rows = {0};
    add(&query, arc__eq_text(ARC_COL_pruned_pipeline_id, arc__slice_cstr(prune->pipe)));
    ARC_TRY(prune->io.query(prune->io.user, &query, &rows, err));
    prune->sum = rows.count > 0 ? ((const struct arc_row_pruned *)rows.rows)->total : 0;
    prune->excess -= prune->sum;
    prune->io.release(prune->io.user);
    return ARC_OK;
}

static arc_status pipe_runs(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = oldest(prune, prune->cursor, 0);
    int found = 0;
    if (prune->sum < 0)
        return pipe_gone(prune, err);
    add(&query, arc__eq_text(ARC_COL_pipeline_run_pipeline_id, arc__slice_cstr(prune->pipe)));
    if (prune->excess > 0)
        ARC_TRY(choose(prune, &query, &found, err));
    if (!found)
        go_to(prune, PRUNE_PIPES);
    return ARC_OK;
}

/* Adds a number of every row of a table to the sum. */
static arc_status add_up(struct arc_prune *prune, enum arc_table table, uint32_t col, int sign,
                         enum prune_phase next, arc_err *err)
{
    struct arc_query query = {.table = table, .order_col = -1, .limit = PRUNE_ROWS};
    const struct arc_table_def *def = arc__table_def(table);
    struct arc_rows rows = {0};
    if (prune->retention.runs == 0) {
        go_to(prune, PRUNE_KEYS);
        return ARC_OK;
    }
    add(&query, text_above(0, prune->cursor));
    ARC_TRY(prune->io.query(prune->io.user, &query, &rows, err));
    for (size_t i = 0; i < rows.count; i++) {
        const char *row = (const char *)rows.rows + i * def->row_size;
        arc_slice key;
        int64_t number;
        memcpy(&key, row + def->cols[0].offset, sizeof(key));
        memcpy(&number, row + def->cols[col].offset, sizeof(number));
        prune->sum += sign * number;
        (void)arc__slice_to_cstr(key, prune->cursor, sizeof(prune->cursor));
    }
    size_t count = rows.count;
    prune->io.release(prune->io.user);
    if (count < PRUNE_ROWS)
        go_to(prune, next);
    return ARC_OK;
}

static arc_status too_many(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = oldest(prune, prune->cursor, 0);
    int found = 0;
    if (prune->cursor[0] == '\0')
        prune->excess = prune->sum - (int64_t)prune->retention.runs;
    if (prune->excess > 0)
        ARC_TRY(choose(prune, &query, &found, err));
    if (!found)
        go_to(prune, PRUNE_KEYS);
    return ARC_OK;
}

/* A requestId is kept for its time, whatever becomes of the run that it started. */
static arc_status keys(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_request_key,
                              .order_col = ARC_COL_request_key_created_at_ns,
                              .limit = PRUNE_ROWS};
    struct arc_rows rows = {0};
    arc_status status = ARC_OK;
    if (prune->dry) {
        go_to(prune, PRUNE_DUE);
        return ARC_OK;
    }
    add(&query, (struct arc_filter){.col = ARC_COL_request_key_created_at_ns,
                                    .op = ARC_FILTER_LT,
                                    .number = prune->now_ns - ARC_PRUNE_KEY_NS});
    ARC_TRY(prune->io.query(prune->io.user, &query, &rows, err));
    const struct arc_row_request_key *row = rows.rows;
    arc__arena_reset(&prune->kept);
    prune->op_count = 0;
    prune->batch = (struct arc_prune_report){.request_keys = rows.count};
    for (size_t i = 0; status == ARC_OK && i < rows.count; i++) {
        struct arc_row_request_key key = {.scope = row[i].scope, .request_id = row[i].request_id};
        status = arc__prune_op(prune, ARC_STORE_DELETE, ARC_TABLE_request_key, &key, 0, err);
    }
    prune->io.release(prune->io.user);
    prune->ready = prune->op_count > 0;
    if (status == ARC_OK && !prune->ready)
        go_to(prune, PRUNE_DUE);
    return status;
}

static arc_status due(struct arc_prune *prune, arc_err *err)
{
    struct arc_query query = oldest(prune, prune->aged, 0);
    struct arc_rows rows = {0};
    if (prune->retention.max_age_ns > 0 && !prune->dry) {
        ARC_TRY(prune->io.query(prune->io.user, &query, &rows, err));
        if (rows.count > 0)
            prune->due_ns = ((const struct arc_row_pipeline_run *)rows.rows)->ended_at_ns +
                            prune->retention.max_age_ns;
        prune->io.release(prune->io.user);
    }
    go_to(prune, PRUNE_OVER);
    return ARC_OK;
}

/* --- driving --------------------------------------------------------------------------------- */

static arc_status look(struct arc_prune *prune, arc_err *err)
{
    switch (prune->phase) {
    case PRUNE_LEFT:
        return left(prune, err);
    case PRUNE_AGE:
        return age(prune, err);
    case PRUNE_HELD:
        return held(prune, err);
    case PRUNE_PIPES:
        return pipes(prune, err);
    case PRUNE_PIPE:
        return pipe_runs(prune, err);
    case PRUNE_SUM:
        return add_up(prune, ARC_TABLE_pipeline, ARC_COL_pipeline_total_runs, 1, PRUNE_SUM_GONE,
                      err);
    case PRUNE_SUM_GONE:
        return add_up(prune, ARC_TABLE_pruned, ARC_COL_pruned_total, -1, PRUNE_RUNS, err);
    case PRUNE_RUNS:
        return too_many(prune, err);
    case PRUNE_KEYS:
        return keys(prune, err);
    default:
        return due(prune, err);
    }
}

static arc_status advance(struct arc_prune *prune, arc_err *err)
{
    if (prune->stage == PRUNE_CHOOSE)
        return look(prune, err);
    if (prune->dry && prune->stage > PRUNE_NEWEST)
        return count_dry(prune, err);
    return arc__prune_run(prune, err);
}

arc_status arc__prune_next(struct arc_prune *prune, arc_err *err)
{
    for (int i = 0; i < QUESTIONS_MAX && !prune->ready; i++) {
        if (prune->phase == PRUNE_OVER)
            return ARC_EDONE;
        ARC_TRY(advance(prune, err));
    }
    return ARC_OK;
}

const struct arc_store_op *arc__prune_batch(const struct arc_prune *prune, size_t *count)
{
    *count = prune->ready ? prune->op_count : 0;
    return prune->ops;
}

static void add_report(struct arc_prune_report *sum, const struct arc_prune_report *more)
{
    sum->runs += more->runs;
    sum->jobs += more->jobs;
    sum->steps += more->steps;
    sum->events += more->events;
    sum->artifacts += more->artifacts;
    sum->request_keys += more->request_keys;
}

void arc__prune_stored(struct arc_prune *prune, int kept)
{
    int was_ready = prune->ready, over = prune->batch.runs > 0;
    prune->ready = 0;
    prune->op_count = 0;
    if (!was_ready)
        return;
    if (!kept) { /* somebody else may have deleted: what is too many is counted anew */
        arc__prune_begin(prune, prune->now_ns);
        return;
    }
    add_report(&prune->report, &prune->batch);
    prune->batch = (struct arc_prune_report){0};
    prune->part = 0;
    arc__arena_reset(&prune->kept);
    if (prune->phase == PRUNE_KEYS)
        return;
    if (over)
        arc__prune_pass_by(prune);
    else
        prune->stage = PRUNE_LAST; /* the next part of the same run */
}

const struct arc_prune_report *arc__prune_report(const struct arc_prune *prune)
{
    return &prune->report;
}

int64_t arc__prune_due(const struct arc_prune *prune)
{
    return prune->due_ns;
}
