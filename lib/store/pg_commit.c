/* SPDX-License-Identifier: Apache-2.0 */
/* BEGIN, the number of the commit, the changes, COMMIT, sync. After a failure nothing more is sent
 * but the sync, and the transaction is rolled back. */
#include <stdio.h>

#include "store/check.h"
#include "store/pg_private.h"
#include "store/pg_sql.h"

enum { STAGE_BEGIN, STAGE_STAMP, STAGE_CHANGES, STAGE_COMMIT, STAGE_SYNC, STAGE_SENT };

#define STAMP_SQL \
    "WITH u AS (UPDATE t_commit SET number = $3::bigint, at = now() WHERE session = $1::bigint" \
    " AND epoch = $2::bigint RETURNING 1) SELECT 1 / count(*) FROM u"

/* What fails on this side ends the batch as a failed statement does. */
static int fail_here(struct arc_pg_call *call, arc_status status)
{
    if (call->status == ARC_OK)
        call->status = status;
    call->stage = STAGE_SYNC;
    return 1;
}

static int send_plain(struct arc_pg_link *link, struct arc_pg_call *call,
                      enum arc_pg_sent_kind kind, const char *sql)
{
    arc__pg_note(link, kind, call);
    return arc__pg_send_plain(&link->wire, sql) && arc__pg_paced(link, 64);
}

static int send_prepare(struct arc_pg_link *link, struct arc_pg_call *call, const char *name,
                        const char *sql)
{
    arc__pg_note(link, ARC_PG_SENT_PREPARE, call);
    return arc__pg_send_prepare(&link->wire, name, sql) && arc__pg_paced(link, strlen(sql));
}

static int send_params(struct arc_pg_store *self, struct arc_pg_link *link, const char *name)
{
    const struct arc_pg_params *params = &self->params;
    return arc__pg_send_prepared(&link->wire, name, params->count, params->values, params->lengths,
                                 params->formats) &&
           arc__pg_paced(link, params->bytes.len);
}

static int send_stamp(struct arc_pg_store *self, struct arc_pg_link *link, struct arc_pg_call *call)
{
    if (!link->stamp_is_prepared) {
        link->stamp_is_prepared = 1; /* a link on which this fails is given up */
        return send_prepare(link, call, "stamp", STAMP_SQL);
    }
    arc__pg_params_begin(&self->params);
    arc__pg_params_int(&self->params, self->session);
    arc__pg_params_int(&self->params, self->epoch);
    arc__pg_params_int(&self->params, call->number);
    arc_status status = arc__pg_params_end(&self->params, &call->err);
    if (status != ARC_OK)
        return fail_here(call, status);
    arc__pg_note(link, ARC_PG_SENT_STAMP, call);
    call->stage = STAGE_CHANGES;
    return send_params(self, link, "stamp");
}

static int send_group(struct arc_pg_store *self, struct arc_pg_link *link, struct arc_pg_call *call)
{
    const struct arc_pg_group *group = &call->plan.groups[call->group];
    char name[24];
    (void)snprintf(name, sizeof(name), "c%d.%d", (int)group->table, (int)group->verb);
    uint8_t *prepared = &link->changes[group->table][group->verb];
    if (*prepared == 0) {
        arc__buf_clear(&self->sql);
        arc__pg_sql_change(&self->sql, arc__table_def(group->table), group->verb);
        arc_status status = arc__buf_check(&self->sql, &call->err);
        if (status != ARC_OK)
            return fail_here(call, status);
        *prepared = 2;
        int sent = send_prepare(link, call, name, self->sql.ptr);
        arc__pg_last_note(link)->table = (uint8_t)group->table;
        arc__pg_last_note(link)->verb = (uint8_t)group->verb;
        return sent;
    }
    arc__pg_params_group(&self->params, &call->plan, group);
    arc_status status = arc__pg_params_end(&self->params, &call->err);
    if (status != ARC_OK)
        return fail_here(call, status);
    arc__pg_note(link, ARC_PG_SENT_CHANGE, call);
    arc__pg_last_note(link)->table = (uint8_t)group->table;
    arc__pg_last_note(link)->verb = (uint8_t)group->verb;
    if (++call->group == call->plan.group_count)
        call->stage = STAGE_COMMIT;
    return send_params(self, link, name);
}

static int send_next(struct arc_pg_store *self, struct arc_pg_link *link, struct arc_pg_call *call)
{
    call->is_sent = 1;
    switch (call->stage) {
    case STAGE_BEGIN:
        if (call->number == 0)
            call->number = ++self->number;
        call->stage = STAGE_STAMP;
        return send_plain(link, call, ARC_PG_SENT_OTHER,
                          "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    case STAGE_STAMP:
        return send_stamp(self, link, call);
    case STAGE_CHANGES:
        return send_group(self, link, call);
    case STAGE_COMMIT:
        call->stage = STAGE_SYNC;
        call->may_be_done = 1;
        return send_plain(link, call, ARC_PG_SENT_COMMIT, "COMMIT");
    default:
        call->stage = STAGE_SENT;
        arc__pg_note(link, ARC_PG_SENT_SYNC, call);
        return arc__pg_send_sync(&link->wire);
    }
}

int arc__pg_commit_send(struct arc_pg_store *self, struct arc_pg_link *link,
                        struct arc_pg_call *call)
{
    while (call->stage != STAGE_SENT && arc__pg_room(link)) {
        if (call->status != ARC_OK)
            call->stage = STAGE_SYNC;
        if (!send_next(self, link, call))
            return 0;
    }
    return 1;
}

/* --- answers --------------------------------------------------------------------------------- */

/* What the failure of a change means. */
static void fail_change(struct arc_pg_store *self, struct arc_pg_call *call,
                        const struct arc_pg_sent *sent, const struct arc_pg_result *result)
{
    const struct arc_table_def *def = arc__table_def((enum arc_table)sent->table);
    int is_conflict =
        strcmp(result->state, "23505") == 0 || /* unique_violation */
        (sent->verb == ARC_STORE_UPDATE && strcmp(result->state, ARC_PG_MISMATCH) == 0);
    call->status = is_conflict
                       ? arc__store_conflict(def, (enum arc_store_verb)sent->verb, &call->err)
                       : arc__pg_fail(self, result, &call->again, &call->err);
}

void arc__pg_commit_answer(struct arc_pg_store *self, struct arc_pg_link *link,
                           const struct arc_pg_sent *sent, const struct arc_pg_result *result)
{
    struct arc_pg_call *call = sent->call;
    int failed = result->kind == ARC_PG_FAILED;
    if (sent->kind == ARC_PG_SENT_PREPARE && sent->table < ARC_TABLE_COUNT)
        link->changes[sent->table][sent->verb] = result->kind == ARC_PG_DONE;
    if (sent->kind == ARC_PG_SENT_COMMIT && result->kind != ARC_PG_END)
        call->is_done = result->kind == ARC_PG_DONE;
    if (!failed || call->status != ARC_OK)
        return;
    if (sent->kind == ARC_PG_SENT_STAMP && strcmp(result->state, ARC_PG_MISMATCH) == 0)
        call->status = arc__pg_fail_session(&call->err);
    else if (sent->kind == ARC_PG_SENT_CHANGE)
        fail_change(self, call, sent, result);
    else
        call->status = arc__pg_fail(self, result, &call->again, &call->err);
}

static void start_over(struct arc_pg_call *call)
{
    call->stage = STAGE_BEGIN;
    call->group = 0;
    call->is_sent = call->is_done = call->again = 0;
    call->status = ARC_OK;
    call->err = (arc_err)ARC_ERR_INIT;
}

void arc__pg_commit_over(struct arc_pg_store *self, struct arc_pg_link *link,
                         struct arc_pg_call *call)
{
    if (call->status == ARC_OK && call->is_done) {
        arc__pg_end_commit(self, call, ARC_OK, NULL);
        return;
    }
    if (call->status == ARC_OK) { /* no answer that we know: the next connection tells */
        link->is_spoiled = 1;
        return;
    }
    call->may_be_done = 0;
    /* The transaction waits for its end; a batch of this side's failure may still be whole. */
    link->is_spoiled |= !send_plain(link, NULL, ARC_PG_SENT_OTHER, "ROLLBACK");
    arc__pg_note(link, ARC_PG_SENT_SYNC, NULL);
    link->is_spoiled |= !arc__pg_send_sync(&link->wire);
    if (call->again && ++call->tries < ARC_PG_TRIES_MAX) {
        start_over(call);
        return;
    }
    arc_err why = call->err;
    arc__pg_end_commit(self, call, call->status, &why);
}

void arc__pg_commit_resolve(struct arc_pg_store *self)
{
    if (arc__list_empty(&self->commits))
        return;
    struct arc_pg_call *call = ARC_CONTAINER(self->commits.next, struct arc_pg_call, link);
    if (call->may_be_done && self->stored == call->number) {
        arc__pg_end_commit(self, call, ARC_OK, NULL);
        return;
    }
    call->may_be_done = 0;
    start_over(call);
}
