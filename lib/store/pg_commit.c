/* SPDX-License-Identifier: Apache-2.0 */
/* BEGIN, the number of the commit, the changes, COMMIT, sync. After a failure nothing more is sent
 * but the sync, and the transaction is rolled back.
 *
 * Where several processes write, the row of t_log is locked by the one that commits: what it is
 * locked for comes last, without waiting for an answer, so that the positions of events are in the
 * order of the commits and nobody waits for the way between a client and the server. They are told
 * of it after the COMMIT, since notices within a transaction would make all commits wait for each
 * other. */
#include <stdio.h>

#include "store/check.h"
#include "store/pg_private.h"
#include "store/pg_sql.h"

enum {
    STAGE_BEGIN,
    STAGE_STAMP,
    STAGE_CHANGES,
    STAGE_COMMIT,
    STAGE_NOTIFY,
    STAGE_SYNC,
    STAGE_SENT
};

#define STAMP_SQL \
    "WITH u AS (UPDATE t_commit SET number = $3::bigint, at = now() WHERE session = $1::bigint" \
    " AND epoch = $2::bigint RETURNING 1) SELECT 1 / count(*) FROM u"

/* Moves the end of the log, and keeps by how much the events are moved, for whom it is not told. */
#define FOLLOW_SQL \
    "WITH l AS (UPDATE t_log SET last = last + $1::bigint WHERE id = 1 RETURNING last)," \
    " c AS (UPDATE t_commit SET shift = l.last - $2::bigint FROM l WHERE session = $3::bigint)" \
    " SELECT last - $2::bigint FROM l"
/* It runs after the COMMIT: whatever it finds in t_log is stored. */
#define NOTIFY_SQL \
    "SELECT pg_notify(" ARC_PG_CHANNEL ", $1::bigint || ' ' || last) FROM t_log WHERE id = 1"
#define TOLD (1u << ARC_TABLE_event | 1u << ARC_TABLE_inbox | 1u << ARC_TABLE_outbox)
#define REACH_SQL "UPDATE t_log SET last = $1::bigint WHERE id = 1 AND last < $1::bigint"

enum own { OWN_FOLLOW, OWN_REACH, OWN_NOTIFY };

static const struct {
    const char *name, *sql;
} owns[] = {
    [OWN_FOLLOW] = {"follow", FOLLOW_SQL},
    [OWN_REACH] = {"reach", REACH_SQL},
    [OWN_NOTIFY] = {"notify", NOTIFY_SQL},
};

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

/* 1: the link did not know the statement, and *sent is what became of telling it. */
static int send_own_prepare(struct arc_pg_link *link, struct arc_pg_call *call, enum own own,
                            int *sent)
{
    uint8_t *prepared = &link->changes[ARC_TABLE_COUNT][own];
    if (*prepared != 0)
        return 0;
    *prepared = 2;
    *sent = send_prepare(link, call, owns[own].name, owns[own].sql);
    arc__pg_last_note(link)->table = ARC_TABLE_COUNT;
    arc__pg_last_note(link)->verb = (uint8_t)own;
    return 1;
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

static int log_is_due(const struct arc_pg_call *call)
{
    return call->plan.log_last > 0 && !call->log_is_sent;
}

static int send_log(struct arc_pg_store *self, struct arc_pg_link *link, struct arc_pg_call *call)
{
    int follows = call->plan.log_count > 0, sent = 0;
    enum own own = follows ? OWN_FOLLOW : OWN_REACH;
    if (send_own_prepare(link, call, own, &sent))
        return sent;
    arc__pg_params_begin(&self->params);
    if (follows)
        arc__pg_params_int(&self->params, call->plan.log_count);
    arc__pg_params_int(&self->params, call->plan.log_last);
    if (follows)
        arc__pg_params_int(&self->params, self->session);
    arc_status status = arc__pg_params_end(&self->params, &call->err);
    if (status != ARC_OK)
        return fail_here(call, status);
    arc__pg_note(link, ARC_PG_SENT_LOG, call);
    call->log_is_sent = 1;
    if (call->group == call->plan.group_count)
        call->stage = STAGE_COMMIT;
    return send_params(self, link, owns[own].name);
}

static int send_notify(struct arc_pg_store *self, struct arc_pg_link *link,
                       struct arc_pg_call *call)
{
    int sent = 0;
    if (send_own_prepare(link, call, OWN_NOTIFY, &sent))
        return sent;
    arc__pg_params_begin(&self->params);
    arc__pg_params_int(&self->params, call->plan.tables);
    arc_status status = arc__pg_params_end(&self->params, &call->err);
    if (status != ARC_OK)
        return fail_here(call, status);
    arc__pg_note(link, ARC_PG_SENT_NOTIFY, call);
    call->stage = STAGE_SYNC;
    return send_params(self, link, owns[OWN_NOTIFY].name);
}

static int send_group(struct arc_pg_store *self, struct arc_pg_link *link, struct arc_pg_call *call)
{
    const struct arc_pg_group *group = &call->plan.groups[call->group];
    int follows = call->group >= call->plan.log_group;
    uint8_t verb = follows ? ARC_PG_FOLLOW : (uint8_t)group->verb;
    char name[24];
    (void)snprintf(name, sizeof(name), "c%d.%d", (int)group->table, (int)verb);
    uint8_t *prepared = &link->changes[group->table][verb];
    if (*prepared == 0) {
        arc__buf_clear(&self->sql);
        if (follows)
            arc__pg_sql_follow(&self->sql);
        else
            arc__pg_sql_change(&self->sql, arc__table_def(group->table), group->verb);
        arc_status status = arc__buf_check(&self->sql, &call->err);
        if (status != ARC_OK)
            return fail_here(call, status);
        *prepared = 2;
        int sent = send_prepare(link, call, name, self->sql.ptr);
        arc__pg_last_note(link)->table = (uint8_t)group->table;
        arc__pg_last_note(link)->verb = verb;
        return sent;
    }
    arc__pg_params_group(&self->params, &call->plan, group);
    if (follows)
        arc__pg_params_int(&self->params, call->plan.log_last);
    arc_status status = arc__pg_params_end(&self->params, &call->err);
    if (status != ARC_OK)
        return fail_here(call, status);
    arc__pg_note(link, ARC_PG_SENT_CHANGE, call);
    arc__pg_last_note(link)->table = (uint8_t)group->table;
    arc__pg_last_note(link)->verb = verb;
    if (++call->group == call->plan.group_count && !log_is_due(call))
        call->stage = STAGE_COMMIT;
    return send_params(self, link, name);
}

static int send_claim(struct arc_pg_store *self, struct arc_pg_link *link, struct arc_pg_call *call)
{
    int over = 0, sent = arc__pg_claim_send(self, link, call, &over);
    if (call->status != ARC_OK)
        call->stage = STAGE_SYNC;
    else if (over)
        call->stage = STAGE_COMMIT;
    return sent;
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
        if (call->is_claim)
            return send_claim(self, link, call);
        return call->group == call->plan.log_group && log_is_due(call)
                   ? send_log(self, link, call)
                   : send_group(self, link, call);
    case STAGE_COMMIT:
        call->stage =
            self->options.shared && (call->plan.tables & TOLD) != 0 ? STAGE_NOTIFY : STAGE_SYNC;
        call->may_be_done = 1;
        return send_plain(link, call, ARC_PG_SENT_COMMIT, "COMMIT");
    case STAGE_NOTIFY:
        return send_notify(self, link, call);
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

int arc__pg_commit_is_sent(const struct arc_pg_call *call)
{
    return call->stage == STAGE_SENT;
}

/* --- answers --------------------------------------------------------------------------------- */

/* What the failure of a change means. */
static void fail_change(struct arc_pg_store *self, struct arc_pg_call *call,
                        const struct arc_pg_sent *sent, const struct arc_pg_result *result)
{
    const struct arc_table_def *def = arc__table_def((enum arc_table)sent->table);
    enum arc_store_verb verb =
        sent->verb == ARC_PG_FOLLOW ? ARC_STORE_INSERT : (enum arc_store_verb)sent->verb;
    if (sent->verb == ARC_PG_SET && strcmp(result->state, ARC_PG_MISMATCH) == 0) {
        arc__pg_plan_doubt(&call->plan); /* a row is not there: all over again */
        call->again = 1;
        call->status = arc__fail(&call->err, ARC_EUNAVAILABLE, "store", "A row of t_%s is missing.",
                                 def->name);
        return;
    }
    int is_conflict =
        strcmp(result->state, "23505") == 0 || /* unique_violation */
        (sent->verb == ARC_STORE_UPDATE && strcmp(result->state, ARC_PG_MISMATCH) == 0);
    call->status = is_conflict ? arc__store_conflict(def, verb, &call->err)
                               : arc__pg_fail(self, result, &call->again, &call->err);
}

void arc__pg_commit_answer(struct arc_pg_store *self, struct arc_pg_link *link,
                           const struct arc_pg_sent *sent, const struct arc_pg_result *result)
{
    struct arc_pg_call *call = sent->call;
    int failed = result->kind == ARC_PG_FAILED;
    if (sent->kind == ARC_PG_SENT_PREPARE && sent->table <= ARC_TABLE_COUNT)
        link->changes[sent->table][sent->verb] = result->kind == ARC_PG_DONE;
    if (sent->kind == ARC_PG_SENT_COMMIT && result->kind != ARC_PG_END)
        call->is_done = result->kind == ARC_PG_DONE;
    if (sent->kind == ARC_PG_SENT_LOG && result->kind == ARC_PG_ROWS && result->rows == 1)
        call->shift = arc__pg_read_int(arc__pg_value(result, 0, 0));
    if (sent->kind == ARC_PG_SENT_ROWS && result->kind == ARC_PG_ROWS && call->status == ARC_OK)
        call->status = arc__pg_read_rows(call, result, &call->err);
    if (!failed || call->status != ARC_OK || call->is_done) /* of a notice: nobody is told */
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
    call->shift = 0;
    call->log_is_sent = call->has_rows = 0;
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
    int is_answered = !call->is_claim || call->has_rows;
    if (call->may_be_done && self->stored == call->number && is_answered) {
        call->shift = call->plan.log_count > 0 ? self->stored_shift : 0;
        arc__pg_end_commit(self, call, ARC_OK, NULL);
        return;
    }
    call->may_be_done = 0;
    /* What was taken and not answered stays taken, so the number must not say it of what comes. */
    call->number = call->is_claim ? 0 : call->number;
    start_over(call);
}
