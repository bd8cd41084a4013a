/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL of the PostgreSQL store, made from the table definitions alone: no value ever becomes
 * part of a statement, and the statements that queries can lead to are finitely many.
 *
 * A change takes rows as arrays, one parameter a column in order, so one statement does for any
 * number of rows: $1… are the columns (of a delete: the key's), of an update $(count+1) are the
 * expected versions and $(count+2) is the number of rows. Whether an update found all of them is
 * asked on the server: ARC_PG_MISMATCH is raised where it did not, and the transaction is lost.
 *
 * Events that follow the log are inserted with one parameter more, the position of the last one
 * of the batch: t_log says where that one stands.
 *
 * A select has the values of its filters in order (an IN list is one array), then limit and
 * offset. */
#ifndef ARC_STORE_PG_SQL_H
#define ARC_STORE_PG_SQL_H

#include "base/buf.h"
#include "port/store.h"

/* SQL for the name of the channel on which those who share a schema hear of new events. */
#define ARC_PG_CHANNEL "'arcentra_' || current_schema()::regnamespace::oid"
#define ARC_PG_MISMATCH "22012" /* division by zero: nothing else here divides */

void arc__pg_sql_create_table(struct arc_buf *sql, const struct arc_table_def *def);
void arc__pg_sql_add_column(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col);
/* The type as the server names it. */
const char *arc__pg_sql_type(enum arc_col_type type);
/* 1: the column has an index of its own; its name, when it is made. */
int arc__pg_sql_index_name(const struct arc_table_def *def, uint32_t col, char *name, size_t size);
void arc__pg_sql_create_index(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col);

void arc__pg_sql_change(struct arc_buf *sql, const struct arc_table_def *def,
                        enum arc_store_verb verb);
void arc__pg_sql_follow(struct arc_buf *sql);
/* $1 now, $2 limit, $3 by, $4 until; its rows are those that were taken. */
void arc__pg_sql_claim(struct arc_buf *sql, const struct arc_claim *claim);
void arc__pg_sql_select(struct arc_buf *sql, const struct arc_query *query);
/* How many the filters pass; without limit and offset. */
void arc__pg_sql_count(struct arc_buf *sql, const struct arc_query *query);

#endif
