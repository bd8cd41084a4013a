/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_sql.h"

#include "store/sql.h"

static const char *empty_of(const struct arc_col_def *col)
{
    return col->type == ARC_COL_INT ? "0" : col->type == ARC_COL_TEXT ? "''" : "x''";
}

static void add_column_def(struct arc_buf *sql, const struct arc_col_def *col)
{
    static const char *const types[] = {
        [ARC_COL_TEXT] = "TEXT", [ARC_COL_BLOB] = "BLOB", [ARC_COL_INT] = "INTEGER"};
    arc__sql_name(sql, "", col->name);
    arc__buf_printf(sql, " %s NOT NULL DEFAULT %s", types[col->type], empty_of(col));
}

void arc__sqlite_create_table(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__sql_create_table(sql, def, add_column_def);
    arc__buf_add_cstr(sql, " STRICT");
    /* Tiny rows need no second tree. Others are added at the end of theirs, whatever their key is:
     * in a tree by the key a few wide rows fill a page, and each commit would move them about. */
    if (def->col_count <= 4)
        arc__buf_add_cstr(sql, ", WITHOUT ROWID");
}

void arc__sqlite_add_column(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col)
{
    arc__sql_add_column(sql, def, col, add_column_def);
}

void arc__sqlite_create_indexes(struct arc_buf *sql, enum arc_table table)
{
    const struct arc_table_def *def = arc__table_def(table);
    struct arc_sql_index index;
    char earlier[ARC_SQL_INDEX_NAME_MAX];
    for (uint32_t number = 0; arc__sql_index(table, number, &index); number++) {
        if (index.of_shared) { /* nobody shares a file */
            arc__buf_printf(sql, "DROP INDEX IF EXISTS \"%s\";", index.name);
            continue;
        }
        arc__sql_index_begin(sql, &index, "IF NOT EXISTS ");
        for (uint32_t i = 0; i < index.count; i++)
            arc__sql_name(sql, i == 0 ? " (" : ", ", def->cols[index.cols[i]].name);
        arc__sql_index_end(sql, &index, empty_of(&def->cols[index.cols[0]]));
        arc__buf_add_cstr(sql, ";");
    }
    for (uint32_t col = 0; col < def->col_count; col++) {
        if (arc__sql_earlier_index(def, col, earlier))
            arc__buf_printf(sql, "DROP INDEX IF EXISTS \"%s\";", earlier);
    }
}

static void add_insert(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, "INSERT INTO ");
    arc__sql_table(sql, def);
    arc__sql_names(sql, def, " (", ", ");
    arc__buf_add_cstr(sql, ") VALUES (");
    for (uint32_t i = 0; i < def->col_count; i++)
        arc__buf_printf(sql, "%s?%u", i == 0 ? "" : ", ", i + 1);
    arc__buf_add_cstr(sql, ")");
}

static void add_where_key(struct arc_buf *sql, const struct arc_table_def *def)
{
    for (uint32_t i = 0; i < def->key_count; i++) {
        arc__sql_name(sql, i == 0 ? " WHERE " : " AND ", def->cols[i].name);
        arc__buf_printf(sql, " = ?%u", i + 1);
    }
}

static void add_update(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, "UPDATE ");
    arc__sql_table(sql, def);
    arc__buf_add_cstr(sql, " SET ");
    for (uint32_t i = def->key_count; i < def->col_count; i++) {
        arc__sql_name(sql, i == def->key_count ? "" : ", ", def->cols[i].name);
        arc__buf_printf(sql, " = ?%u", i + 1);
    }
    add_where_key(sql, def);
    arc__sql_name(sql, " AND ", def->cols[def->version_col].name);
    arc__buf_printf(sql, " = ?%u", def->col_count + 1);
}

void arc__sqlite_change(struct arc_buf *sql, const struct arc_table_def *def,
                        enum arc_store_verb verb)
{
    switch (verb) {
    case ARC_STORE_INSERT:
        add_insert(sql, def);
        break;
    case ARC_STORE_PUT:
        add_insert(sql, def);
        arc__sql_or_replace(sql, def);
        break;
    case ARC_STORE_UPDATE:
        add_update(sql, def);
        break;
    case ARC_STORE_DELETE:
        arc__buf_add_cstr(sql, "DELETE FROM ");
        arc__sql_table(sql, def);
        add_where_key(sql, def);
        break;
    }
}

static int has_fixed(const struct arc_table_def *def)
{
    int fixed = 0;
    for (uint32_t i = 0; i < def->col_count; i++)
        fixed |= (def->cols[i].flags & ARC_COL_FIXED) != 0;
    return fixed;
}

void arc__sqlite_replace(struct arc_buf *sql, const struct arc_table_def *def)
{
    const char *before = " SET ";
    if (!has_fixed(def))
        return;
    arc__buf_add_cstr(sql, "UPDATE ");
    arc__sql_table(sql, def);
    for (uint32_t i = def->key_count; i < def->col_count; i++) {
        if ((def->cols[i].flags & ARC_COL_FIXED) != 0)
            continue;
        arc__sql_name(sql, before, def->cols[i].name);
        arc__buf_printf(sql, " = ?%u", i + 1);
        before = ", ";
    }
    add_where_key(sql, def);
}

size_t arc__sqlite_in_places(size_t int_count)
{
    size_t places = int_count > 0;
    while (places < int_count)
        places *= 2;
    return places;
}

static int is_indexed(const struct arc_table_def *def, uint32_t col)
{
    return col == 0 || (def->cols[col].flags & (ARC_COL_INDEX | ARC_COL_UNIQUE)) != 0;
}

static int is_given(const struct arc_query *query, uint32_t col)
{
    for (size_t i = 0; i < query->filter_count; i++) {
        if (query->filters[i].op == ARC_FILTER_EQ && query->filters[i].col == col)
            return 1;
    }
    return 0;
}

/* 1: one value is given for every column but the key of a listing that begins with this one. */
static int is_listed(const struct arc_query *query, uint32_t col)
{
    const struct arc_listing *listing;
    for (size_t i = 0; (listing = arc__listing(i)) != NULL; i++) {
        uint32_t given = 0;
        if (listing->table != query->table || listing->cols[0] != col)
            continue;
        while (given + 1 < listing->count && is_given(query, listing->cols[given]))
            given++;
        if (given > 1 && given + 1 == listing->count)
            return 1;
    }
    return 0;
}

/* 1: a text with an index is asked for, which beats an index over numbers. There are no statistics
 * in the file, so the planner could not know. */
static int has_text_path(const struct arc_table_def *def, const struct arc_query *query)
{
    for (size_t i = 0; i < query->filter_count; i++) {
        const struct arc_filter *filter = &query->filters[i];
        if (filter->op == ARC_FILTER_EQ && def->cols[filter->col].type != ARC_COL_INT &&
            is_indexed(def, filter->col))
            return 1;
    }
    return 0;
}

/* 1: this filter must not choose the index: it is about a number while a text is given, or about
 * "0: not yet", which is true of most rows. The key's own columns are left alone. */
static int is_poor(const struct arc_table_def *def, const struct arc_filter *filter, int text_path)
{
    const struct arc_col_def *col = &def->cols[filter->col];
    if (col->type != ARC_COL_INT || (col->flags & (ARC_COL_KEY | ARC_COL_UNIQUE)) != 0)
        return 0;
    return text_path || (filter->op == ARC_FILTER_EQ && filter->number == 0);
}

static void add_filter(struct arc_buf *sql, const struct arc_query *query,
                       const struct arc_filter *filter, int text_path)
{
    const struct arc_table_def *def = arc__table_def(query->table);
    const struct arc_col_def *col = &def->cols[filter->col];
    if (filter->op == ARC_FILTER_CONTAINS) {
        arc__buf_printf(sql, "instr(\"%s\", ?) > 0", col->name);
        return;
    }
    int poor = is_poor(def, filter, text_path) && !is_listed(query, filter->col);
    arc__sql_name(sql, poor ? "+" : "", col->name);
    if (filter->op != ARC_FILTER_IN) {
        arc__buf_printf(sql, "%s?", arc__sql_sign(filter->op));
        if (arc__sql_implies_value(query->table, filter))
            arc__buf_printf(sql, " AND \"%s\" <> %s", col->name, empty_of(col));
        if (arc__sql_implies_only(query, filter))
            arc__buf_printf(sql, " AND \"%s\" = %lld", col->name, (long long)filter->number);
        return;
    }
    size_t places = arc__sqlite_in_places(filter->int_count);
    arc__buf_add_cstr(sql, " IN (");
    for (size_t i = 0; i < places; i++)
        arc__buf_add_cstr(sql, i == 0 ? "?" : ", ?");
    arc__buf_add_cstr(sql, ")");
}

static void add_where(struct arc_buf *sql, const struct arc_query *query)
{
    int text_path = has_text_path(arc__table_def(query->table), query);
    for (size_t i = 0; i < query->filter_count; i++) {
        arc__buf_add_cstr(sql, i == 0 ? " WHERE " : " AND ");
        add_filter(sql, query, &query->filters[i], text_path);
    }
}

static void add_from(struct arc_buf *sql, const struct arc_query *query)
{
    arc__buf_add_cstr(sql, " FROM ");
    arc__sql_table(sql, arc__table_def(query->table));
    add_where(sql, query);
}

void arc__sqlite_select(struct arc_buf *sql, const struct arc_query *query)
{
    arc__sql_names(sql, arc__table_def(query->table), "SELECT ", ", ");
    add_from(sql, query);
    arc__sql_order(sql, query);
    arc__buf_add_cstr(sql, " LIMIT ? OFFSET ?");
}

void arc__sqlite_count(struct arc_buf *sql, const struct arc_query *query)
{
    arc__sql_count_begin(sql, query);
    add_from(sql, query);
    arc__sql_count_end(sql, query);
}
