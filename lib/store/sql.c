/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sql.h"

#include <stdio.h>

/* --- names ----------------------------------------------------------------------------------- */

void arc__sql_name(struct arc_buf *sql, const char *prefix, const char *name)
{
    arc__buf_printf(sql, "%s\"%s\"", prefix, name);
}

void arc__sql_table(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_printf(sql, "\"t_%s\"", def->name);
}

void arc__sql_names(struct arc_buf *sql, const struct arc_table_def *def, const char *first,
                    const char *next)
{
    for (uint32_t i = 0; i < def->col_count; i++)
        arc__sql_name(sql, i == 0 ? first : next, def->cols[i].name);
}

void arc__sql_key(struct arc_buf *sql, const struct arc_table_def *def)
{
    for (uint32_t i = 0; i < def->key_count; i++)
        arc__sql_name(sql, i == 0 ? "" : ", ", def->cols[i].name);
}

/* --- tables ---------------------------------------------------------------------------------- */

void arc__sql_create_table(struct arc_buf *sql, const struct arc_table_def *def,
                           void (*column)(struct arc_buf *sql, const struct arc_col_def *col))
{
    arc__buf_add_cstr(sql, "CREATE TABLE ");
    arc__sql_table(sql, def);
    arc__buf_add_cstr(sql, " (");
    for (uint32_t i = 0; i < def->col_count; i++) {
        column(sql, &def->cols[i]);
        arc__buf_add_cstr(sql, ", ");
    }
    arc__buf_add_cstr(sql, "PRIMARY KEY (");
    arc__sql_key(sql, def);
    arc__buf_add_cstr(sql, "))");
}

void arc__sql_add_column(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col,
                         void (*column)(struct arc_buf *sql, const struct arc_col_def *col))
{
    arc__buf_add_cstr(sql, "ALTER TABLE ");
    arc__sql_table(sql, def);
    arc__buf_add_cstr(sql, " ADD COLUMN ");
    column(sql, &def->cols[col]);
}

/* ON CONFLICT names the key, so that a clash in another column stays an error; SQLite's REPLACE
 * would delete the other row. */
void arc__sql_or_replace(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, " ON CONFLICT (");
    arc__sql_key(sql, def);
    const char *before = ") DO UPDATE SET ";
    for (uint32_t i = def->key_count; i < def->col_count; i++) {
        /* A column that is set has its index written anew, whatever its value is. */
        if ((def->cols[i].flags & ARC_COL_FIXED) != 0)
            continue;
        arc__sql_name(sql, before, def->cols[i].name);
        arc__sql_name(sql, " = excluded.", def->cols[i].name);
        before = ", ";
    }
    if (before[0] == ')')
        arc__buf_add_cstr(sql, ") DO NOTHING");
}

/* --- indexes --------------------------------------------------------------------------------- */

static int begins_listing(const struct arc_table_def *def, uint32_t col)
{
    const struct arc_listing *listing;
    for (size_t i = 0; (listing = arc__listing(i)) != NULL; i++) {
        if (arc__table_def(listing->table) == def && listing->only_col < 0 &&
            listing->cols[0] == col)
            return 1;
    }
    return 0;
}

static void name_column(const struct arc_table_def *def, uint32_t col, char *name)
{
    (void)snprintf(name, ARC_SQL_INDEX_NAME_MAX, "t_%s__%s", def->name, def->cols[col].name);
}

static void name_listing(const struct arc_listing *listing, char *name)
{
    const struct arc_table_def *def = arc__table_def(listing->table);
    int at = snprintf(name, ARC_SQL_INDEX_NAME_MAX, "t_%s", def->name);
    for (uint32_t i = 0; i < listing->count; i++)
        at += snprintf(name + at, ARC_SQL_INDEX_NAME_MAX - (size_t)at, "__%s",
                       def->cols[listing->cols[i]].name);
}

int arc__sql_index(enum arc_table table, uint32_t number, struct arc_sql_index *out)
{
    const struct arc_table_def *def = arc__table_def(table);
    const struct arc_listing *listing;
    *out = (struct arc_sql_index){.def = def, .count = 1, .only_col = -1};
    for (uint32_t col = 0; col < def->col_count; col++) {
        uint32_t flags = def->cols[col].flags & (ARC_COL_INDEX | ARC_COL_UNIQUE);
        if (flags == 0 || begins_listing(def, col) || number-- > 0)
            continue;
        out->cols[0] = col;
        out->unique = out->has_value = (flags & ARC_COL_UNIQUE) != 0;
        name_column(def, col, out->name);
        return 1;
    }
    for (size_t i = 0; (listing = arc__listing(i)) != NULL; i++) {
        if (listing->table != table || number-- > 0)
            continue;
        memcpy(out->cols, listing->cols, sizeof(out->cols));
        out->count = listing->count;
        out->only_col = listing->only_col;
        out->only = listing->only;
        out->has_value = listing->has_value;
        out->of_shared = listing->of_shared;
        name_listing(listing, out->name);
        return 1;
    }
    return 0;
}

int arc__sql_earlier_index(const struct arc_table_def *def, uint32_t col,
                           char name[ARC_SQL_INDEX_NAME_MAX])
{
    int unused = def == arc__table_def(ARC_TABLE_pipeline_run) &&
                 col == ARC_COL_pipeline_run_created_at_ns; /* lists by time go by the id */
    if (!begins_listing(def, col) && !unused)
        return 0;
    name_column(def, col, name);
    return 1;
}

void arc__sql_index_begin(struct arc_buf *sql, const struct arc_sql_index *index,
                          const char *if_not_exists)
{
    arc__buf_printf(sql, "CREATE %sINDEX %s\"%s\" ON ", index->unique ? "UNIQUE " : "",
                    if_not_exists, index->name);
    arc__sql_table(sql, index->def);
}

void arc__sql_index_end(struct arc_buf *sql, const struct arc_sql_index *index, const char *empty)
{
    arc__buf_add_cstr(sql, ")");
    if (index->has_value) /* empty values may repeat */
        arc__buf_printf(sql, " WHERE \"%s\" <> %s", index->def->cols[index->cols[0]].name, empty);
    if (index->only_col >= 0)
        arc__buf_printf(sql, " WHERE \"%s\" = %lld", index->def->cols[index->only_col].name,
                        (long long)index->only);
}

int arc__sql_is_listed(enum arc_table table, uint32_t col)
{
    const struct arc_listing *listing;
    for (size_t i = 0; (listing = arc__listing(i)) != NULL; i++) {
        for (uint32_t at = 0; listing->table == table && at + 1 < listing->count; at++) {
            if (listing->cols[at] == col)
                return 1;
        }
    }
    return 0;
}

/* --- queries --------------------------------------------------------------------------------- */

const char *arc__sql_sign(enum arc_filter_op op)
{
    static const char *const signs[] = {
        [ARC_FILTER_EQ] = " = ",  [ARC_FILTER_NE] = " <> ", [ARC_FILTER_LT] = " < ",
        [ARC_FILTER_LE] = " <= ", [ARC_FILTER_GT] = " > ",  [ARC_FILTER_GE] = " >= "};
    return op <= ARC_FILTER_GE ? signs[op] : NULL;
}

/* 1: some index has the rows alone in which the column is not empty. */
static int has_value_index(enum arc_table table, uint32_t col)
{
    const struct arc_listing *listing;
    for (size_t i = 0; (listing = arc__listing(i)) != NULL; i++) {
        if (listing->table == table && listing->has_value && listing->cols[0] == col)
            return 1;
    }
    return (arc__table_def(table)->cols[col].flags & ARC_COL_UNIQUE) != 0;
}

int arc__sql_implies_value(enum arc_table table, const struct arc_filter *filter)
{
    const struct arc_col_def *col = &arc__table_def(table)->cols[filter->col];
    if (!has_value_index(table, filter->col))
        return 0;
    int is_int = col->type == ARC_COL_INT;
    if (filter->op == ARC_FILTER_EQ)
        return is_int ? filter->number != 0 : filter->text.len > 0;
    if (filter->op == ARC_FILTER_GT)
        return is_int ? filter->number >= 0 : 1;
    if (filter->op == ARC_FILTER_GE)
        return is_int ? filter->number > 0 : filter->text.len > 0;
    return 0;
}

int arc__sql_implies_only(const struct arc_query *query, const struct arc_filter *filter)
{
    const struct arc_listing *listing;
    if (filter->op != ARC_FILTER_EQ)
        return 0;
    for (size_t i = 0; (listing = arc__listing(i)) != NULL; i++) {
        if (listing->table == query->table && listing->only_col == (int32_t)filter->col &&
            listing->only == filter->number && (int32_t)listing->cols[0] == query->order_col)
            return 1;
    }
    return 0;
}

void arc__sql_order(struct arc_buf *sql, const struct arc_query *query)
{
    const struct arc_table_def *def = arc__table_def(query->table);
    const char *direction = query->descending ? " DESC" : "";
    arc__buf_add_cstr(sql, " ORDER BY ");
    if (query->order_col >= 0)
        arc__buf_printf(sql, "\"%s\"%s, ", def->cols[query->order_col].name, direction);
    for (uint32_t i = 0; i < def->key_count; i++)
        arc__buf_printf(sql, "%s\"%s\"%s", i == 0 ? "" : ", ", def->cols[i].name, direction);
}

void arc__sql_count_begin(struct arc_buf *sql, const struct arc_query *query)
{
    arc__buf_add_cstr(sql,
                      query->total_max > 0 ? "SELECT count(*) FROM (SELECT 1" : "SELECT count(*)");
}

void arc__sql_count_end(struct arc_buf *sql, const struct arc_query *query)
{
    if (query->total_max > 0) /* a constant of ours */
        arc__buf_printf(sql, " LIMIT %zu) AS counted", query->total_max);
}
