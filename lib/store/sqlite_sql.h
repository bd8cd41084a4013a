/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL of the embedded store, made from the table definitions alone: no value ever becomes part
 * of a statement, and the statements that queries can lead to are finitely many.
 *
 * Parameters: in insert, put and update ?1… are the columns in order, and ?(count+1) of update is
 * the expected version; delete has the key columns. A select has the values of its filters in
 * order (of an IN list: arc__sqlite_in_places), then limit and offset. */
#ifndef ARC_STORE_SQLITE_SQL_H
#define ARC_STORE_SQLITE_SQL_H

#include "base/buf.h"
#include "port/store.h"

void arc__sqlite_create_table(struct arc_buf *sql, const struct arc_table_def *def);
void arc__sqlite_add_column(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col);
/* Those that are not there; what an earlier version had in their place goes. Nothing is appended
 * for a table without indexes. */
void arc__sqlite_create_indexes(struct arc_buf *sql, enum arc_table table);

void arc__sqlite_change(struct arc_buf *sql, const struct arc_table_def *def,
                        enum arc_store_verb verb);
/* What a PUT changes where the row is there: the columns that are not FIXED, with the parameters of
 * a put. Nothing is appended for a table without FIXED columns. */
void arc__sqlite_replace(struct arc_buf *sql, const struct arc_table_def *def);
void arc__sqlite_select(struct arc_buf *sql, const struct arc_query *query);
/* How many the filters pass; without limit and offset. */
void arc__sqlite_count(struct arc_buf *sql, const struct arc_query *query);

/* The places of an IN list with so many numbers: a power of two, so that lists of all lengths need
 * only nine statements. 0: the list is empty and so is the answer. */
size_t arc__sqlite_in_places(size_t int_count);

#endif
