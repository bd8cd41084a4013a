/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_schema.h"

#include <stdio.h>

#include "store/sqlite_db.h"
#include "store/sqlite_sql.h"

#define APPLICATION_ID 0x41524331 /* "ARC1", in the header of the file */
#define SCHEMA_VERSION 1          /* user_version; columns that are appended do not change it */

/* --- the schema ------------------------------------------------------------------------------ */

static arc_status fail_schema(const char *why, const char *table, arc_err *err)
{
    return arc__fail(err, ARC_EPRECONDITION, "store", "The table t_%s of the file %s.", table, why);
}

/* How many of the columns are there; they must be the first ones, as they are known here. */
static arc_status check_columns(sqlite3_stmt *info, const struct arc_table_def *def,
                                uint32_t *count, arc_err *err)
{
    static const char *const types[] = {
        [ARC_COL_TEXT] = "TEXT", [ARC_COL_BLOB] = "BLOB", [ARC_COL_INT] = "INTEGER"};
    int code;
    uint32_t at = 0;
    for (; (code = sqlite3_step(info)) == SQLITE_ROW; at++) {
        if (at >= def->col_count)
            return fail_schema("has more columns than this version knows", def->name, err);
        const struct arc_col_def *col = &def->cols[at];
        arc_slice name = arc__slice_cstr((const char *)sqlite3_column_text(info, 0));
        arc_slice type = arc__slice_cstr((const char *)sqlite3_column_text(info, 1));
        int key = (col->flags & ARC_COL_KEY) != 0 ? (int)at + 1 : 0;
        if (!arc__slice_is(name, col->name) || !arc__slice_is(type, types[col->type]) ||
            sqlite3_column_int(info, 2) != key)
            return fail_schema("has other columns than this version knows", def->name, err);
    }
    if (code != SQLITE_DONE)
        return arc__sqlite_fail(sqlite3_db_handle(info), code, err);
    *count = at;
    return ARC_OK;
}

static arc_status exec_built(sqlite3 *db, struct arc_buf *sql, arc_err *err)
{
    ARC_TRY(arc__buf_check(sql, err));
    return sql->len > 0 ? arc__sqlite_exec(db, sql->ptr, err) : ARC_OK;
}

static arc_status count_columns(sqlite3_stmt *info, const struct arc_table_def *def,
                                uint32_t *count, arc_err *err)
{
    char name[64];
    int len = snprintf(name, sizeof(name), "t_%s", def->name);
    if (sqlite3_bind_text(info, 1, name, len, SQLITE_STATIC) != SQLITE_OK)
        return arc__fail_nomem(err);
    arc_status status = check_columns(info, def, count, err);
    (void)sqlite3_reset(info);          /* says again what step said */
    (void)sqlite3_clear_bindings(info); /* cannot fail */
    return status;
}

static arc_status ensure_table(sqlite3 *db, struct arc_buf *sql, sqlite3_stmt *info,
                               enum arc_table table, arc_err *err)
{
    const struct arc_table_def *def = arc__table_def(table);
    uint32_t count = 0;
    ARC_TRY(count_columns(info, def, &count, err));
    if (count == 0) {
        arc__buf_clear(sql);
        arc__sqlite_create_table(sql, def);
        ARC_TRY(exec_built(db, sql, err));
        count = def->col_count;
    }
    for (; count < def->col_count; count++) {
        if ((def->cols[count].flags & ARC_COL_KEY) != 0)
            return fail_schema("lacks a part of its key", def->name, err);
        arc__buf_clear(sql);
        arc__sqlite_add_column(sql, def, count);
        ARC_TRY(exec_built(db, sql, err));
    }
    arc__buf_clear(sql);
    arc__sqlite_create_indexes(sql, table);
    return exec_built(db, sql, err);
}

#define COLUMNS "SELECT name, type, pk FROM pragma_table_info(?)"

static arc_status ensure_all(sqlite3 *db, struct arc_buf *sql, arc_err *err)
{
    sqlite3_stmt *info = NULL;
    ARC_TRY(arc__sqlite_prepare(db, COLUMNS, &info, err));
    arc_status status = ARC_OK;
    for (int i = 0; status == ARC_OK && i < ARC_TABLE_COUNT; i++)
        status = ensure_table(db, sql, info, (enum arc_table)i, err);
    (void)sqlite3_finalize(info); /* it is not running */
    return status;
}

arc_status arc__sqlite_check_tables(sqlite3 *db, arc_err *err)
{
    sqlite3_stmt *info = NULL;
    ARC_TRY(arc__sqlite_prepare(db, COLUMNS, &info, err));
    arc_status status = ARC_OK;
    for (int i = 0; status == ARC_OK && i < ARC_TABLE_COUNT; i++) {
        const struct arc_table_def *def = arc__table_def((enum arc_table)i);
        uint32_t count = 0;
        status = count_columns(info, def, &count, err);
        if (status == ARC_OK && count < def->col_count)
            status = fail_schema("is of an earlier version, which a server brings up to date",
                                 def->name, err);
    }
    (void)sqlite3_finalize(info); /* it is not running */
    return status;
}

/* Whose file it is, before anything in it is changed. */
arc_status arc__sqlite_check_owner(sqlite3 *db, int *is_new, arc_err *err)
{
    int64_t application = 0, version = 0, objects = 0;
    ARC_TRY(arc__sqlite_ask_int(db, "PRAGMA application_id", &application, err));
    ARC_TRY(arc__sqlite_ask_int(db, "PRAGMA user_version", &version, err));
    ARC_TRY(arc__sqlite_ask_int(db, "SELECT count(*) FROM sqlite_schema", &objects, err));
    *is_new = application == 0 && objects == 0;
    if (!*is_new && application != APPLICATION_ID)
        return arc__fail(err, ARC_EPRECONDITION, "store", "%s",
                         "The file is a database of another program.");
    if (version > SCHEMA_VERSION)
        return arc__fail(err, ARC_EPRECONDITION, "store",
                         "The file was written by a newer version (schema %lld, not %d).",
                         (long long)version, SCHEMA_VERSION);
    return ARC_OK;
}

static arc_status sign(sqlite3 *db, arc_err *err)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, SCHEMA_VERSION);
    return arc__sqlite_exec(db, sql, err);
}

arc_status arc__sqlite_ensure_tables(sqlite3 *db, struct arc_buf *sql, int is_new, arc_err *err)
{
    ARC_TRY(ensure_all(db, sql, err));
    return is_new ? sign(db, err) : ARC_OK;
}
