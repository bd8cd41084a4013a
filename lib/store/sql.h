/* SPDX-License-Identifier: Apache-2.0 */
/* What the SQL of two stores has in common: names, indexes, and which index a filter may ask for.
 * What must stay true: no value of a row or a query becomes part of a statement. */
#ifndef ARC_STORE_SQL_H
#define ARC_STORE_SQL_H

#include "base/buf.h"
#include "port/store.h"

/* Quoted, because "when" and others are words of SQL. */
void arc__sql_name(struct arc_buf *sql, const char *prefix, const char *name);
void arc__sql_table(struct arc_buf *sql, const struct arc_table_def *def);
/* All columns, or those of the key: the first one behind `first`, the others behind `next`. */
void arc__sql_names(struct arc_buf *sql, const struct arc_table_def *def, const char *first,
                    const char *next);
void arc__sql_key(struct arc_buf *sql, const struct arc_table_def *def);
/* A row is there already: its columns that are not FIXED are set. */
void arc__sql_or_replace(struct arc_buf *sql, const struct arc_table_def *def);
/* CREATE TABLE up to and with the key; column adds the definition of one. */
void arc__sql_create_table(struct arc_buf *sql, const struct arc_table_def *def,
                           void (*column)(struct arc_buf *sql, const struct arc_col_def *col));
void arc__sql_add_column(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col,
                         void (*column)(struct arc_buf *sql, const struct arc_col_def *col));
/* " ORDER BY …" of a query. */
void arc__sql_order(struct arc_buf *sql, const struct arc_query *query);
/* Around "FROM … WHERE …" of a count, which stops at query->total_max. */
void arc__sql_count_begin(struct arc_buf *sql, const struct arc_query *query);
void arc__sql_count_end(struct arc_buf *sql, const struct arc_query *query);
/* " = ", " < " and so on; NULL: it is no comparison. */
const char *arc__sql_sign(enum arc_filter_op op);

#define ARC_SQL_INDEX_NAME_MAX 64 /* as long as PostgreSQL takes one */

struct arc_sql_index {
    const struct arc_table_def *def;
    char name[ARC_SQL_INDEX_NAME_MAX];
    uint32_t cols[ARC_LISTING_COLS_MAX];
    uint32_t count;
    int unique;
    int has_value;    /* of the rows whose first column is not empty */
    int of_shared;    /* for several processes alone */
    int32_t only_col; /* -1: of all rows; else of those */
    int64_t only;     /* that have this number there */
};

/* Number index from 0 of the table's indexes beside that of the key. 0: there are not so many. */
int arc__sql_index(enum arc_table table, uint32_t number, struct arc_sql_index *out);
/* 1: the column had an index of its own, of this name, in an earlier version. */
int arc__sql_earlier_index(const struct arc_table_def *def, uint32_t col,
                           char name[ARC_SQL_INDEX_NAME_MAX]);
/* CREATE [UNIQUE] INDEX …, up to its columns, and the rows that it is of behind them; empty is the
 * empty value of a column that is unique. */
void arc__sql_index_begin(struct arc_buf *sql, const struct arc_sql_index *index,
                          const char *if_not_exists);
void arc__sql_index_end(struct arc_buf *sql, const struct arc_sql_index *index, const char *empty);

/* 1: the column stands in a listing, and is not the key at its end. */
int arc__sql_is_listed(enum arc_table table, uint32_t col);
/* 1: what passes is not empty, so that the index over the values that are not empty may be used. */
int arc__sql_implies_value(enum arc_table table, const struct arc_filter *filter);
/* 1: what passes are rows that an index of some rows has, in the order that the query wants: the
 * number is one of ours, and has to stand in the statement for the index to be used. */
int arc__sql_implies_only(const struct arc_query *query, const struct arc_filter *filter);

#endif
