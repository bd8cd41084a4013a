/* SPDX-License-Identifier: Apache-2.0 */
/* A select, and a count where the total is wanted, prepared when they are first met. */
#include <stdio.h>

#include "store/check.h"
#include "store/pg_private.h"
#include "store/pg_sql.h"

enum { STAGE_ROWS, STAGE_COUNT, STAGE_SYNC, STAGE_SENT };

/* --- the call -------------------------------------------------------------------------------- */

struct arc_pg_call *arc__pg_query_new(const struct arc_mem *mem, const struct arc_query *query)
{
    size_t ints = 0, bytes = 0;
    for (size_t i = 0; i < query->filter_count; i++) {
        ints += query->filters[i].op == ARC_FILTER_IN ? query->filters[i].int_count : 0;
        bytes += query->filters[i].text.len;
    }
    struct arc_pg_call *call = arc__alloc(mem, sizeof(*call) + ints * sizeof(int64_t) + bytes);
    if (call == NULL)
        return NULL;
    int64_t *int_at = (int64_t *)(call + 1);
    char *byte_at = (char *)(int_at + ints);
    call->query = *query;
    for (size_t i = 0; i < query->filter_count; i++) {
        struct arc_filter *filter = &call->query.filters[i];
        if (filter->op == ARC_FILTER_IN && filter->int_count > 0) {
            filter->ints = memcpy(int_at, filter->ints, filter->int_count * sizeof(int64_t));
            int_at += filter->int_count;
        }
        if (filter->text.len > 0) {
            filter->text.ptr = memcpy(byte_at, filter->text.ptr, filter->text.len);
            byte_at += filter->text.len;
        }
    }
    return call;
}

/* --- sending --------------------------------------------------------------------------------- */

static int fail_here(struct arc_pg_call *call, arc_status status)
{
    if (call->status == ARC_OK)
        call->status = status;
    call->stage = STAGE_SYNC;
    return 1;
}

static void select_drop(struct arc_pg_store *self, struct arc_pg_select *select)
{
    arc__free(&self->mem, select->sql);
    *select = (struct arc_pg_select){.sql = NULL};
}

void arc__pg_selects_drop(struct arc_pg_store *self, struct arc_pg_link *link)
{
    for (size_t i = 0; i < ARC_PG_SELECTS_MAX; i++)
        select_drop(self, &link->selects[i]);
}

/* The place of the statement in self->sql: used_at 0 where it must be prepared, in the place of the
 * one that was not used for longest. */
static struct arc_pg_select *find_select(struct arc_pg_store *self, struct arc_pg_link *link)
{
    struct arc_pg_select *oldest = &link->selects[0];
    for (size_t i = 0; i < ARC_PG_SELECTS_MAX; i++) {
        struct arc_pg_select *select = &link->selects[i];
        if (select->used_at != 0 && arc__slice_is(arc__buf_slice(&self->sql), select->sql)) {
            select->used_at = ++link->select_uses;
            return select;
        }
        if (select->used_at < oldest->used_at)
            oldest = select;
    }
    return oldest;
}

static int forget_select(struct arc_pg_store *self, struct arc_pg_link *link,
                         struct arc_pg_call *call, struct arc_pg_select *select)
{
    char sql[32];
    (void)snprintf(sql, sizeof(sql), "DEALLOCATE s%u", select->number);
    select_drop(self, select);
    arc__pg_note(link, ARC_PG_SENT_OTHER, call);
    return arc__pg_send_plain(&link->wire, sql);
}

/* self->sql is ready. *went is 1 where something was sent (or failed here) and the same is to be
 * done again. */
static int prepare(struct arc_pg_store *self, struct arc_pg_link *link, struct arc_pg_call *call,
                   char *name, size_t size, int *went)
{
    *went = 1;
    arc_status status = arc__buf_check(&self->sql, &call->err);
    if (status != ARC_OK)
        return fail_here(call, status);
    struct arc_pg_select *select = find_select(self, link);
    if (select->used_at == link->select_uses && select->used_at != 0) {
        *went = 0;
        (void)snprintf(name, size, "s%u", select->number);
        return 1;
    }
    if (select->used_at != 0)
        return forget_select(self, link, call, select);
    select->sql = arc__strdup(&self->mem, arc__buf_slice(&self->sql));
    if (select->sql == NULL)
        return fail_here(call, arc__fail_nomem(&call->err));
    select->number = ++link->select_numbers;
    select->used_at = ++link->select_uses;
    (void)snprintf(name, size, "s%u", select->number);
    arc__pg_note(link, ARC_PG_SENT_PREPARE, call);
    arc__pg_last_note(link)->select = select->number;
    return arc__pg_send_prepare(&link->wire, name, self->sql.ptr) &&
           arc__pg_paced(link, self->sql.len);
}

static void add_filters(struct arc_pg_params *params, const struct arc_query *query)
{
    const struct arc_table_def *def = arc__table_def(query->table);
    arc__pg_params_begin(params);
    for (size_t i = 0; i < query->filter_count; i++) {
        const struct arc_filter *filter = &query->filters[i];
        if (filter->op == ARC_FILTER_IN)
            arc__pg_params_ints(params, filter->ints, filter->int_count);
        else if (def->cols[filter->col].type == ARC_COL_INT)
            arc__pg_params_int(params, filter->number);
        else
            arc__pg_params_text(params, filter->text);
    }
}

/* More rows than fit into the arena need not be sent: one more is enough to refuse them. */
static int64_t limit_of(const struct arc_pg_call *call)
{
    const struct arc_table_def *def = arc__table_def(call->query.table);
    size_t left = call->arena->max_bytes > call->arena->used_bytes
                      ? call->arena->max_bytes - call->arena->used_bytes
                      : 0;
    size_t most = left / def->row_size + 1;
    return (int64_t)(call->query.limit > 0 && call->query.limit < most ? call->query.limit : most);
}

static int send_select(struct arc_pg_store *self, struct arc_pg_link *link,
                       struct arc_pg_call *call)
{
    char name[24];
    int went = 0, wants_rows = call->stage == STAGE_ROWS;
    arc__buf_clear(&self->sql);
    if (wants_rows)
        arc__pg_sql_select(&self->sql, &call->query);
    else
        arc__pg_sql_count(&self->sql, &call->query);
    int sent = prepare(self, link, call, name, sizeof(name), &went);
    if (went || !sent)
        return sent;
    struct arc_pg_params *params = &self->params;
    add_filters(params, &call->query);
    if (wants_rows) {
        arc__pg_params_int(params, limit_of(call));
        arc__pg_params_int(params, (int64_t)call->query.offset);
    }
    arc_status status = arc__pg_params_end(params, &call->err);
    if (status != ARC_OK)
        return fail_here(call, status);
    arc__pg_note(link, wants_rows ? ARC_PG_SENT_ROWS : ARC_PG_SENT_COUNT, call);
    call->stage = wants_rows && call->query.want_total ? STAGE_COUNT : STAGE_SYNC;
    return arc__pg_send_prepared(&link->wire, name, params->count, params->values, params->lengths,
                                 params->formats) &&
           arc__pg_paced(link, params->bytes.len);
}

int arc__pg_query_send(struct arc_pg_store *self, struct arc_pg_link *link,
                       struct arc_pg_call *call)
{
    while (call->stage != STAGE_SENT && arc__pg_room(link)) {
        call->is_sent = 1;
        if (call->status != ARC_OK)
            call->stage = STAGE_SYNC;
        if (call->stage == STAGE_ROWS && call->has_rows) /* from before the connection was lost */
            call->stage = call->query.want_total ? STAGE_COUNT : STAGE_SYNC;
        if (call->stage != STAGE_SYNC) {
            if (!send_select(self, link, call))
                return 0;
            continue;
        }
        call->stage = STAGE_SENT;
        arc__pg_note(link, ARC_PG_SENT_SYNC, call);
        if (!arc__pg_send_sync(&link->wire))
            return 0;
    }
    return 1;
}

int arc__pg_query_is_sent(const struct arc_pg_call *call)
{
    return call->stage == STAGE_SENT;
}

/* --- rows ------------------------------------------------------------------------------------ */

static void read_row(const struct arc_pg_result *result, int32_t at,
                     const struct arc_table_def *def, void *row, char **bytes)
{
    for (uint32_t i = 0; i < def->col_count; i++) {
        const struct arc_col_def *col = &def->cols[i];
        arc_slice value = arc__pg_value(result, at, (int32_t)i);
        if (col->type == ARC_COL_INT) {
            arc__row_set_int(row, col, arc__pg_read_int(value));
        } else if (value.len > 0) {
            memcpy(*bytes, value.ptr, value.len);
            arc__row_set_text(row, col, arc__slice(*bytes, value.len));
            *bytes += value.len;
        }
    }
}

arc_status arc__pg_read_rows(struct arc_pg_call *call, const struct arc_pg_result *result,
                             arc_err *err)
{
    const struct arc_table_def *def = arc__table_def(call->query.table);
    size_t count = (size_t)result->rows, size = 0;
    void *rows = NULL, *bytes = NULL;
    for (int32_t row = 0; row < result->rows; row++) {
        for (uint32_t i = 0; i < def->col_count; i++)
            size +=
                def->cols[i].type != ARC_COL_INT ? arc__pg_value(result, row, (int32_t)i).len : 0;
    }
    if (count > 0)
        ARC_TRY(arc__store_arena_take(call->arena, count * def->row_size, &rows, err));
    if (size > 0)
        ARC_TRY(arc__store_arena_take(call->arena, size, &bytes, err));
    char *at = bytes;
    for (size_t i = 0; i < count; i++)
        read_row(result, (int32_t)i, def, (char *)rows + i * def->row_size, &at);
    call->rows = (struct arc_rows){rows, count, (int64_t)count};
    call->has_rows = 1;
    return ARC_OK;
}

static void drop_select_of(struct arc_pg_store *self, struct arc_pg_link *link, uint32_t number)
{
    for (size_t i = 0; i < ARC_PG_SELECTS_MAX; i++) {
        if (link->selects[i].used_at != 0 && link->selects[i].number == number)
            select_drop(self, &link->selects[i]);
    }
}

static arc_status fail_answer(arc_err *err)
{
    return arc__fail(err, ARC_EUNAVAILABLE, "store", "%s", "PostgreSQL: No rows were answered.");
}

void arc__pg_query_answer(struct arc_pg_store *self, struct arc_pg_link *link,
                          const struct arc_pg_sent *sent, const struct arc_pg_result *result)
{
    struct arc_pg_call *call = sent->call;
    if (sent->kind == ARC_PG_SENT_PREPARE && result->kind != ARC_PG_DONE)
        drop_select_of(self, link, sent->select);
    if (call == NULL || call->status != ARC_OK)
        return;
    if (result->kind == ARC_PG_FAILED)
        call->status = arc__pg_fail(self, result, &call->again, &call->err);
    else if (sent->kind == ARC_PG_SENT_ROWS && result->kind == ARC_PG_ROWS)
        call->status = arc__pg_read_rows(call, result, &call->err);
    else if (sent->kind == ARC_PG_SENT_COUNT && result->kind == ARC_PG_ROWS && result->rows == 1)
        call->rows.total = arc__pg_read_int(arc__pg_value(result, 0, 0));
    else if (sent->kind == ARC_PG_SENT_ROWS || sent->kind == ARC_PG_SENT_COUNT)
        call->status = result->kind == ARC_PG_END ? ARC_OK : fail_answer(&call->err);
}

void arc__pg_query_over(struct arc_pg_store *self, struct arc_pg_call *call)
{
    if (call->status != ARC_OK && call->again && ++call->tries < ARC_PG_TRIES_MAX) {
        call->stage = STAGE_ROWS;
        call->is_sent = call->again = 0;
        call->status = ARC_OK;
        call->err = (arc_err)ARC_ERR_INIT;
        return;
    }
    arc_err why = call->err;
    arc__pg_end_query(self, call, call->status, call->status == ARC_OK ? NULL : &why);
}
