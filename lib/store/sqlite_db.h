/* SPDX-License-Identifier: Apache-2.0 */
/* Small calls upon a connection of SQLite, with errors in our words. What must stay true: a full
 * disk is ARC_ELIMIT and never ARC_EIO, and damage is ARC_EINTERNAL. */
#ifndef ARC_STORE_SQLITE_DB_H
#define ARC_STORE_SQLITE_DB_H

#include <sqlite3.h>

#include "base/err.h"

/* What a code of SQLite means, with its reason; db may be NULL. */
arc_status arc__sqlite_fail(sqlite3 *db, int code, arc_err *err);

arc_status arc__sqlite_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, arc_err *err);
/* Statements without parameters and rows. */
arc_status arc__sqlite_exec(sqlite3 *db, const char *sql, arc_err *err);
/* Runs a statement that has no rows. */
arc_status arc__sqlite_run(sqlite3 *db, sqlite3_stmt *statement, arc_err *err);
/* The one value of a statement as text, cut to the size; or as a number. */
arc_status arc__sqlite_ask(sqlite3 *db, const char *sql, char *out, size_t size, arc_err *err);
arc_status arc__sqlite_ask_int(sqlite3 *db, const char *sql, int64_t *out, arc_err *err);

/* Reads every page. ARC_EINTERNAL: the file is damaged, and where. */
arc_status arc__sqlite_quick_check(sqlite3 *db, arc_err *err);

#endif
