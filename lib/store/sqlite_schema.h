/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a file follow port/tables.h by themselves: what is appended there is added when the
 * file is opened, and nothing else in a file is ever changed. */
#ifndef ARC_STORE_SQLITE_SCHEMA_H
#define ARC_STORE_SQLITE_SCHEMA_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/err.h"

/* Whose file it is. is_new: it holds nothing yet. ARC_EPRECONDITION: of another program, or of a
 * newer version. */
arc_status arc__sqlite_check_owner(sqlite3 *db, int *is_new, arc_err *err);

/* Inside a transaction. sql: room for statements. ARC_EPRECONDITION: not our tables. */
arc_status arc__sqlite_ensure_tables(sqlite3 *db, struct arc_buf *sql, int is_new, arc_err *err);

/* Changes nothing. ARC_EPRECONDITION: not our tables, or a table or a column is missing. */
arc_status arc__sqlite_check_tables(sqlite3 *db, arc_err *err);

#endif
