/* SPDX-License-Identifier: Apache-2.0 */
/* A new connection, asked before it is used: is this a server that the store can work on, is the
 * schema there, and under which session and epoch does it write. */
#include <stdio.h>

#include "store/pg_private.h"
#include "store/pg_sql.h"

#define SCHEMA_VERSION 1 /* columns that are appended do not change it */
#define SERVER_MIN 130000
#define COMMIT_COLUMNS 5
#define LOCK_CLASS 1095910193 /* "ARC1": of our advisory locks */

enum {
    STEP_CHECK,   /* settings of the session, and what the server is */
    STEP_HOLD,    /* keeps other control planes away, unless they share */
    STEP_WAIT,    /* for the one that holds it, which may be about to end */
    STEP_LOOK,    /* what is there of the schema, under its lock */
    STEP_VERSION, /* of a database that is ours */
    STEP_MAKE,    /* what is missing */
    STEP_SESSION, /* the session's row under a new epoch */
    STEP_LISTEN,  /* to what others write, where they share */
    STEP_READY,
};

static arc_status fail_schema(const char *why, const char *table, arc_err *err)
{
    return arc__fail(err, ARC_EPRECONDITION, "store", "The table t_%s of the database %s.", table,
                     why);
}

/* --- what is asked --------------------------------------------------------------------------- */

/* A setting that makes commits wait for nothing is raised; one that waits for more is left. The
 * server looks for a client that has gone without a word, whose transaction would keep its locks.
 */
static void ask_check(struct arc_pg_store *self, const struct arc_pg_link *link)
{
    const struct arc_store_pg_options *options = &self->options;
    arc__buf_printf(
        &self->sql,
        "SELECT current_setting('server_version_num'), current_setting('server_encoding'),"
        " current_setting('transaction_read_only'),"
        " (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,"
        " current_schema() IS NULL,"
        " set_config('statement_timeout', '%u', false), set_config('lock_timeout', '%u', false),"
        " set_config('idle_in_transaction_session_timeout', '%u', false),"
        " set_config('tcp_keepalives_idle', '10', false),"
        " set_config('tcp_keepalives_interval', '5', false),"
        " set_config('tcp_keepalives_count', '3', false),"
        " set_config('default_transaction_isolation', 'read committed', false),"
        " set_config('jit', 'off', false),"
        " CASE WHEN current_setting('synchronous_commit') = 'off'"
        " THEN set_config('synchronous_commit', 'on', false) END",
        options->statement_ms, options->lock_ms, options->statement_ms);
    /* What is written is found by its key, whatever the statistics of a young table say. */
    arc__buf_add_cstr(
        &self->sql, link->is_writer ? ", set_config('enable_seqscan', 'off', false),"
                                      " set_config('enable_hashjoin', 'off', false),"
                                      " set_config('enable_mergejoin', 'off', false),"
                                      " set_config('plan_cache_mode', 'force_generic_plan', false)"
                                    : ", set_config('default_transaction_read_only', 'on', false)");
}

#define HOLD_KEY "mod(current_schema()::regnamespace::oid::bigint, 2147483647)::int"

/* Those who share it keep out one who would have it alone. */
static const char *lock_suffix(const struct arc_pg_store *self)
{
    return self->options.shared ? "_shared" : "";
}

/* The lock of the schema in use, and who has it where we could not get it. */
static void ask_hold(struct arc_pg_store *self)
{
    arc__buf_printf(&self->sql,
                    "SELECT pg_try_advisory_lock%s(%d, " HOLD_KEY ");"
                    " SELECT string_agg(format('process %%s of %%s', l.pid,"
                    " coalesce(host(a.client_addr), 'its own machine')), ', ')"
                    " FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid"
                    " WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_backend_pid()"
                    " AND l.database = (SELECT oid FROM pg_database WHERE datname ="
                    " current_database()) AND l.classid = %d AND l.objid = " HOLD_KEY,
                    lock_suffix(self), LOCK_CLASS, LOCK_CLASS);
}

static void ask_wait(struct arc_pg_store *self)
{
    arc__buf_printf(&self->sql, "SELECT pg_advisory_lock%s(%d, " HOLD_KEY ")", lock_suffix(self),
                    LOCK_CLASS);
}

/* Columns in their order with the place in the key, then indexes, of the schema in use alone. */
static void ask_look(struct arc_pg_store *self)
{
    arc__buf_printf(&self->sql, "BEGIN; SELECT pg_advisory_xact_lock(%d, 1); ", LOCK_CLASS);
    arc__buf_add_cstr(
        &self->sql,
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),"
        " coalesce((SELECT k.at FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(num, at)"
        " WHERE k.num = a.attnum), 0)"
        " FROM pg_class AS c JOIN pg_attribute AS a"
        " ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"
        " AND c.relname LIKE 't\\_%' ORDER BY c.relname, a.attnum; "
        "SELECT c.relname::text FROM pg_class AS c"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('i', 'I')"
        " AND c.relname LIKE 't\\_%'");
}

static void ask_version(struct arc_pg_store *self)
{
    arc__buf_add_cstr(&self->sql, "SELECT value FROM t_store WHERE name = 'schema'");
}

static void ask_indexes(struct arc_pg_store *self, enum arc_table table)
{
    const struct arc_table_def *def = arc__table_def(table);
    struct arc_sql_index index;
    char earlier[ARC_SQL_INDEX_NAME_MAX];
    for (uint32_t number = 0; arc__sql_index(table, number, &index); number++) {
        if ((self->look.indexes[table] >> number & 1) == 0 &&
            (self->options.shared || !index.of_shared))
            arc__pg_sql_create_index(&self->sql, table, &index);
    }
    for (uint32_t col = 0; col < def->col_count; col++) {
        if (arc__sql_earlier_index(def, col, earlier))
            arc__buf_printf(&self->sql, "DROP INDEX IF EXISTS \"%s\";\n", earlier);
    }
}

/* The tables that no other store has. Their rows change all the time: room for that in their page.
 */
static void ask_own(struct arc_pg_store *self)
{
    const struct arc_pg_look *look = &self->look;
    if (look->commit_columns == 0)
        arc__buf_add_cstr(&self->sql,
                          "CREATE TABLE t_commit (session bigint PRIMARY KEY, epoch bigint NOT "
                          "NULL, number bigint NOT NULL, at timestamptz NOT NULL) WITH "
                          "(fillfactor = 20);\n");
    if (look->commit_columns < COMMIT_COLUMNS)
        arc__buf_add_cstr(&self->sql,
                          "ALTER TABLE t_commit ADD COLUMN shift bigint NOT NULL DEFAULT 0;\n");
    if (!look->has_log)
        arc__buf_add_cstr(&self->sql,
                          "CREATE TABLE t_log (id bigint PRIMARY KEY, last bigint NOT NULL) WITH "
                          "(fillfactor = 20);\nINSERT INTO t_log VALUES (1, 0);\n");
}

static void ask_make(struct arc_pg_store *self)
{
    struct arc_pg_look *look = &self->look;
    if (!look->is_signed)
        arc__buf_printf(&self->sql,
                        "CREATE TABLE t_store (name text PRIMARY KEY, value bigint NOT NULL);\n"
                        "INSERT INTO t_store VALUES ('schema', %d);\n",
                        SCHEMA_VERSION);
    ask_own(self);
    for (int i = 0; i < ARC_TABLE_COUNT; i++) {
        const struct arc_table_def *def = arc__table_def((enum arc_table)i);
        if (look->columns[i] == 0)
            arc__pg_sql_create_table(&self->sql, def);
        for (uint32_t col = look->columns[i]; col > 0 && col < def->col_count; col++)
            arc__pg_sql_add_column(&self->sql, def, col);
        ask_indexes(self, (enum arc_table)i);
    }
    /* Also where rows came in by another way than ours. */
    arc__buf_add_cstr(&self->sql,
                      "UPDATE t_log SET last = greatest(last, (SELECT coalesce(max(position), 0)"
                      " FROM t_event WHERE position > 0));\nCOMMIT");
}

/* A new session has a number that nobody else has, and clears away the others, which ends what they
 * might still do; where several share the database, only those that are long over. */
static void ask_session(struct arc_pg_store *self)
{
    if (self->session != 0) {
        arc__buf_printf(&self->sql,
                        "UPDATE t_commit SET epoch = epoch + 1, at = now() WHERE session = %lld"
                        " RETURNING session, epoch, number, shift",
                        (long long)self->session);
        return;
    }
    arc__buf_printf(&self->sql,
                    "DELETE FROM t_commit%s;"
                    " INSERT INTO t_commit VALUES"
                    " (('x' || left(replace(gen_random_uuid()::text, '-', ''), 15))"
                    "::bit(60)::bigint, 1, 0, now()) RETURNING session, epoch, number, shift",
                    self->options.shared ? " WHERE at < now() - interval '7 days'" : "");
}

static arc_status ask(struct arc_pg_store *self, struct arc_pg_link *link, arc_err *err)
{
    link->answers = 0;
    arc__buf_clear(&self->sql);
    switch (link->step) {
    case STEP_CHECK:
        ask_check(self, link);
        break;
    case STEP_HOLD:
        self->is_held = 0;
        ask_hold(self);
        break;
    case STEP_WAIT:
        ask_wait(self);
        break;
    case STEP_LOOK:
        self->look = (struct arc_pg_look){.is_signed = 0};
        ask_look(self);
        break;
    case STEP_VERSION:
        ask_version(self);
        break;
    case STEP_MAKE:
        ask_make(self);
        break;
    case STEP_SESSION:
        self->session_found = 0;
        ask_session(self);
        break;
    default:
        arc__buf_add_cstr(&self->sql,
                          "DO $$ BEGIN EXECUTE format('LISTEN %I', " ARC_PG_CHANNEL "); END $$");
        break;
    }
    ARC_TRY(arc__buf_check(&self->sql, err));
    if (arc__pg_send_script(&link->wire, self->sql.ptr) && arc__pg_wire_flush(&link->wire))
        return ARC_OK;
    return arc__fail(err, ARC_EUNAVAILABLE, "store", "%s", "The connection is gone.");
}

arc_status arc__pg_setup_begin(struct arc_pg_store *self, struct arc_pg_link *link, arc_err *err)
{
    link->step = STEP_CHECK;
    return ask(self, link, err);
}

/* --- what is answered ------------------------------------------------------------------------ */

static int64_t int_at(const struct arc_pg_result *result, int32_t row, int32_t col)
{
    int64_t number = 0;
    (void)arc__slice_to_i64(arc__pg_value(result, row, col), &number);
    return number;
}

static arc_status read_check(struct arc_pg_store *self, const struct arc_pg_link *link,
                             const struct arc_pg_result *result, arc_err *err)
{
    int64_t version = int_at(result, 0, 0), server = int_at(result, 0, 3);
    if (version < SERVER_MIN)
        return arc__fail(err, ARC_EPRECONDITION, "store",
                         "The server is PostgreSQL %lld; it must be 13 or newer.",
                         (long long)version / 10000);
    if (!arc__slice_is(arc__pg_value(result, 0, 1), "UTF8"))
        return arc__fail(err, ARC_EPRECONDITION, "store", "%s",
                         "The encoding of the database is not UTF8.");
    if (!arc__slice_is(arc__pg_value(result, 0, 2), "off"))
        return arc__fail(err, ARC_EUNAVAILABLE, "store", "%s", "The server is read-only.");
    if (arc__slice_is(arc__pg_value(result, 0, 4), "t"))
        return arc__fail(err, ARC_EPRECONDITION, "store", "%s",
                         "The search_path names no schema that is there.");
    if (link->is_writer)
        self->server = server;
    else if (self->server != server)
        return arc__fail(err, ARC_EUNAVAILABLE, "store", "%s",
                         "The connection that reads is to another server than the one that "
                         "writes.");
    return ARC_OK;
}

/* The table of a name like "t_event", or ARC_TABLE_COUNT. */
static int table_of(arc_slice name)
{
    int table = 0;
    while (table < ARC_TABLE_COUNT &&
           !arc__slice_is(arc__slice_from(name, 2), arc__table_def((enum arc_table)table)->name))
        table++;
    return table;
}

static arc_status read_column(struct arc_pg_store *self, const struct arc_pg_result *result,
                              int32_t row, arc_err *err)
{
    arc_slice name = arc__pg_value(result, row, 0);
    self->look.commit_columns += arc__slice_is(name, "t_commit");
    self->look.has_log |= arc__slice_is(name, "t_log");
    int table = table_of(name);
    if (table == ARC_TABLE_COUNT)
        return ARC_OK;
    const struct arc_table_def *def = arc__table_def((enum arc_table)table);
    uint32_t at = self->look.columns[table]++;
    if (at >= def->col_count)
        return fail_schema("has more columns than this version knows", def->name, err);
    const struct arc_col_def *col = &def->cols[at];
    int64_t key = (col->flags & ARC_COL_KEY) != 0 ? (int64_t)at + 1 : 0;
    if (!arc__slice_is(arc__pg_value(result, row, 1), col->name) ||
        !arc__slice_is(arc__pg_value(result, row, 2), arc__pg_sql_type(col->type)) ||
        int_at(result, row, 3) != key)
        return fail_schema("has other columns than this version knows", def->name, err);
    return ARC_OK;
}

static void read_index(struct arc_pg_store *self, arc_slice name)
{
    struct arc_sql_index index;
    for (int table = 0; table < ARC_TABLE_COUNT; table++) {
        for (uint32_t number = 0; arc__sql_index((enum arc_table)table, number, &index); number++) {
            if (arc__slice_is(name, index.name))
                self->look.indexes[table] |= UINT64_C(1) << number;
        }
    }
}

/* Whose tables these are, before anything in them is looked at. */
static arc_status read_owner(struct arc_pg_store *self, const struct arc_pg_result *result,
                             arc_err *err)
{
    for (int32_t row = 0; row < result->rows; row++)
        self->look.is_signed |= arc__slice_is(arc__pg_value(result, row, 0), "t_store");
    if (!self->look.is_signed && result->rows > 0)
        return arc__fail(err, ARC_EPRECONDITION, "store", "%s",
                         "The database has tables like ours of another program.");
    if (!self->look.is_signed && self->options.must_exist)
        return arc__fail(err, ARC_ENOTFOUND, "store", "%s", "There is no store in the database.");
    return ARC_OK;
}

/* The script has four statements: BEGIN, the lock, columns, indexes. */
static arc_status read_look(struct arc_pg_store *self, const struct arc_pg_link *link,
                            const struct arc_pg_result *result, arc_err *err)
{
    if (link->answers == 2)
        ARC_TRY(read_owner(self, result, err));
    for (int32_t row = 0; link->answers == 2 && row < result->rows; row++)
        ARC_TRY(read_column(self, result, row, err));
    for (int32_t row = 0; link->answers == 3 && row < result->rows; row++)
        read_index(self, arc__pg_value(result, row, 0));
    return ARC_OK;
}

/* After the columns of every table were seen. */
static arc_status judge_look(struct arc_pg_store *self, arc_err *err)
{
    for (int i = 0; i < ARC_TABLE_COUNT; i++) {
        const struct arc_table_def *def = arc__table_def((enum arc_table)i);
        if (self->look.columns[i] > 0 && self->look.columns[i] < def->key_count)
            return fail_schema("lacks a part of its key", def->name, err);
    }
    return ARC_OK;
}

static arc_status read_version(const struct arc_pg_result *result, arc_err *err)
{
    int64_t version = result->rows == 1 ? int_at(result, 0, 0) : 0;
    if (version == SCHEMA_VERSION)
        return ARC_OK;
    return arc__fail(err, ARC_EPRECONDITION, "store",
                     "The database was written by another version (schema %lld, not %d).",
                     (long long)version, SCHEMA_VERSION);
}

/* Two statements: whether we got it, and who has it. */
static void read_hold(struct arc_pg_store *self, const struct arc_pg_link *link,
                      const struct arc_pg_result *result)
{
    arc_slice value = result->rows == 1 ? arc__pg_value(result, 0, 0) : ARC_NONE;
    if (link->answers == 0)
        self->is_held = arc__slice_is(value, "t");
    else
        (void)arc__slice_to_cstr(value, self->holder, sizeof(self->holder));
}

static arc_status fail_held(const struct arc_pg_store *self, arc_err *err)
{
    return arc__fail(err, ARC_ECONFLICT, "store", "Another control plane has the database: %s.",
                     self->holder[0] != '\0' ? self->holder : "it has just gone");
}

static void read_session(struct arc_pg_store *self, const struct arc_pg_result *result)
{
    if (result->kind != ARC_PG_ROWS || result->rows != 1)
        return;
    self->session = int_at(result, 0, 0);
    self->epoch = int_at(result, 0, 1);
    self->stored = int_at(result, 0, 2);
    self->stored_shift = int_at(result, 0, 3);
    self->session_found = 1;
}

static arc_status read_answer(struct arc_pg_store *self, struct arc_pg_link *link,
                              const struct arc_pg_result *result, arc_err *err)
{
    if (result->kind == ARC_PG_FAILED && link->step == STEP_WAIT &&
        strcmp(result->state, "55P03") == 0) /* lock_not_available */
        return fail_held(self, err);
    if (result->kind == ARC_PG_FAILED)
        return arc__pg_fail(self, result, NULL, err);
    arc_status status = ARC_OK;
    if (link->step == STEP_CHECK)
        status = result->rows == 1 ? read_check(self, link, result, err) : ARC_OK;
    else if (link->step == STEP_HOLD)
        read_hold(self, link, result);
    else if (link->step == STEP_LOOK)
        status = read_look(self, link, result, err);
    else if (link->step == STEP_VERSION)
        status = read_version(result, err);
    else if (link->step == STEP_SESSION)
        read_session(self, result);
    link->answers++;
    return status;
}

/* --- the steps ------------------------------------------------------------------------------- */

static int next_step(struct arc_pg_store *self, const struct arc_pg_link *link)
{
    switch (link->step) {
    case STEP_CHECK:
        return link->is_writer ? STEP_HOLD : STEP_READY;
    case STEP_HOLD: /* with a session, its row says whether somebody took the database over */
        if (!self->is_held && self->session == 0)
            return STEP_WAIT;
        return self->schema_is_ready ? STEP_SESSION : STEP_LOOK;
    case STEP_WAIT:
        return self->schema_is_ready ? STEP_SESSION : STEP_LOOK;
    case STEP_LOOK:
        return self->look.is_signed ? STEP_VERSION : STEP_MAKE;
    case STEP_VERSION:
        return STEP_MAKE;
    case STEP_MAKE:
        self->schema_is_ready = 1;
        return STEP_SESSION;
    case STEP_SESSION:
        return self->options.shared ? STEP_LISTEN : STEP_READY;
    default:
        return STEP_READY;
    }
}

static arc_status end_step(struct arc_pg_store *self, struct arc_pg_link *link, arc_err *err)
{
    if (link->step == STEP_LOOK)
        ARC_TRY(judge_look(self, err));
    if (link->step == STEP_SESSION && !self->session_found)
        return arc__pg_fail_session(err);
    link->step = next_step(self, link);
    if (link->step != STEP_READY)
        return ask(self, link, err);
    if (!arc__pg_wire_pipeline(&link->wire, !self->options.without_pipeline))
        return arc__fail(err, ARC_EUNAVAILABLE, "store", "%s", "libpq refuses its pipeline.");
    link->phase = ARC_PG_READY;
    return ARC_OK;
}

arc_status arc__pg_setup_go_on(struct arc_pg_store *self, struct arc_pg_link *link, arc_err *err)
{
    struct arc_pg_result result;
    while (link->phase == ARC_PG_SETUP && arc__pg_wire_next(&link->wire, &result)) {
        arc_status status = result.kind == ARC_PG_END ? end_step(self, link, err)
                                                      : read_answer(self, link, &result, err);
        arc__pg_result_free(&result);
        ARC_TRY(status);
    }
    return ARC_OK;
}
