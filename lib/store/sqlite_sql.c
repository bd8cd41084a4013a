/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_sql.h"

/* Quoted, because "when" and others are words of SQL. */
static void add_name(struct arc_buf *sql, const char *prefix, const char *name)
{
    arc__buf_printf(sql, "%s\"%s\"", prefix, name);
}

static void add_table(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_printf(sql, "\"t_%s\"", def->name);
}

static const char *empty_of(const struct arc_col_def *col)
{
    return col->type == ARC_COL_INT ? "0" : col->type == ARC_COL_TEXT ? "''" : "x''";
}

static void add_column_def(struct arc_buf *sql, const struct arc_col_def *col)
{
    static const char *const types[] = {
        [ARC_COL_TEXT] = "TEXT", [ARC_COL_BLOB] = "BLOB", [ARC_COL_INT] = "INTEGER"};
    add_name(sql, "", col->name);
    arc__buf_printf(sql, " %s NOT NULL DEFAULT %s", types[col->type], empty_of(col));
}

static void add_key(struct arc_buf *sql, const struct arc_table_def *def)
{
    for (uint32_t i = 0; i < def->key_count; i++)
        add_name(sql, i == 0 ? "" : ", ", def->cols[i].name);
}

void arc__sqlite_create_table(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, "CREATE TABLE ");
    add_table(sql, def);
    arc__buf_add_cstr(sql, " (");
    for (uint32_t i = 0; i < def->col_count; i++) {
        add_column_def(sql, &def->cols[i]);
        arc__buf_add_cstr(sql, ", ");
    }
    arc__buf_add_cstr(sql, "PRIMARY KEY (");
    add_key(sql, def);
    arc__buf_add_cstr(sql, ")) STRICT");
    /* Tiny rows need no second tree. Others are added at the end of theirs, whatever their key is:
     * in a tree by the key a few wide rows fill a page, and each commit would move them about. */
    if (def->col_count <= 4)
        arc__buf_add_cstr(sql, ", WITHOUT ROWID");
}

void arc__sqlite_add_column(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col)
{
    arc__buf_add_cstr(sql, "ALTER TABLE ");
    add_table(sql, def);
    arc__buf_add_cstr(sql, " ADD COLUMN ");
    add_column_def(sql, &def->cols[col]);
}

static void add_listing(struct arc_buf *sql, const struct arc_table_def *def,
                        const struct arc_listing *listing)
{
    arc__buf_printf(sql, "CREATE INDEX IF NOT EXISTS \"t_%s", def->name);
    for (uint32_t i = 0; i < listing->count; i++)
        arc__buf_printf(sql, "__%s", def->cols[listing->cols[i]].name);
    arc__buf_add_cstr(sql, "\" ON ");
    add_table(sql, def);
    for (uint32_t i = 0; i < listing->count; i++)
        add_name(sql, i == 0 ? " (" : ", ", def->cols[listing->cols[i]].name);
    arc__buf_add_cstr(sql, ");");
}

/* 1: there are listings that begin with the column. */
static int add_listings(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col)
{
    int found = 0;
    const struct arc_listing *listing;
    for (size_t i = 0; (listing = arc__listing(i)) != NULL; i++) {
        if (arc__table_def(listing->table) != def || listing->cols[0] != col)
            continue;
        add_listing(sql, def, listing);
        found = 1;
    }
    return found;
}

void arc__sqlite_create_index(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col)
{
    const struct arc_col_def *column = &def->cols[col];
    if (add_listings(sql, def, col)) {
        arc__buf_printf(sql, "DROP INDEX IF EXISTS \"t_%s__%s\"", def->name, column->name);
        return;
    }
    if ((column->flags & (ARC_COL_INDEX | ARC_COL_UNIQUE)) == 0)
        return;
    int unique = (column->flags & ARC_COL_UNIQUE) != 0;
    arc__buf_printf(sql, "CREATE %sINDEX IF NOT EXISTS \"t_%s__%s\" ON ", unique ? "UNIQUE " : "",
                    def->name, column->name);
    add_table(sql, def);
    arc__buf_printf(sql, " (\"%s\")", column->name);
    if (unique) /* empty values may repeat */
        arc__buf_printf(sql, " WHERE \"%s\" <> %s", column->name, empty_of(column));
}

static void add_insert(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, "INSERT INTO ");
    add_table(sql, def);
    arc__buf_add_cstr(sql, " (");
    for (uint32_t i = 0; i < def->col_count; i++)
        add_name(sql, i == 0 ? "" : ", ", def->cols[i].name);
    arc__buf_add_cstr(sql, ") VALUES (");
    for (uint32_t i = 0; i < def->col_count; i++)
        arc__buf_printf(sql, "%s?%u", i == 0 ? "" : ", ", i + 1);
    arc__buf_add_cstr(sql, ")");
}

/* ON CONFLICT names the key, so that a clash in another column stays an error; REPLACE would delete
 * the other row. */
static void add_or_replace(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, " ON CONFLICT (");
    add_key(sql, def);
    const char *before = ") DO UPDATE SET ";
    for (uint32_t i = def->key_count; i < def->col_count; i++) {
        /* A column that is set has its index written anew, whatever its value is. */
        if ((def->cols[i].flags & ARC_COL_FIXED) != 0)
            continue;
        add_name(sql, before, def->cols[i].name);
        add_name(sql, " = excluded.", def->cols[i].name);
        before = ", ";
    }
    if (before[0] == ')')
        arc__buf_add_cstr(sql, ") DO NOTHING");
}

static void add_where_key(struct arc_buf *sql, const struct arc_table_def *def)
{
    for (uint32_t i = 0; i < def->key_count; i++) {
        add_name(sql, i == 0 ? " WHERE " : " AND ", def->cols[i].name);
        arc__buf_printf(sql, " = ?%u", i + 1);
    }
}

static void add_update(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, "UPDATE ");
    add_table(sql, def);
    arc__buf_add_cstr(sql, " SET ");
    for (uint32_t i = def->key_count; i < def->col_count; i++) {
        add_name(sql, i == def->key_count ? "" : ", ", def->cols[i].name);
        arc__buf_printf(sql, " = ?%u", i + 1);
    }
    add_where_key(sql, def);
    add_name(sql, " AND ", def->cols[def->version_col].name);
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
        add_or_replace(sql, def);
        break;
    case ARC_STORE_UPDATE:
        add_update(sql, def);
        break;
    case ARC_STORE_DELETE:
        arc__buf_add_cstr(sql, "DELETE FROM ");
        add_table(sql, def);
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
    add_table(sql, def);
    for (uint32_t i = def->key_count; i < def->col_count; i++) {
        if ((def->cols[i].flags & ARC_COL_FIXED) != 0)
            continue;
        add_name(sql, before, def->cols[i].name);
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

/* 1: what passes is not empty, so that the index over the values that are not empty may be used. */
static int implies_value(const struct arc_col_def *col, const struct arc_filter *filter)
{
    if ((col->flags & ARC_COL_UNIQUE) == 0)
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

static void add_filter(struct arc_buf *sql, const struct arc_table_def *def,
                       const struct arc_filter *filter, int text_path, int listed)
{
    static const char *const signs[] = {
        [ARC_FILTER_EQ] = " = ?",  [ARC_FILTER_NE] = " <> ?", [ARC_FILTER_LT] = " < ?",
        [ARC_FILTER_LE] = " <= ?", [ARC_FILTER_GT] = " > ?",  [ARC_FILTER_GE] = " >= ?"};
    const struct arc_col_def *col = &def->cols[filter->col];
    if (filter->op == ARC_FILTER_CONTAINS) {
        arc__buf_printf(sql, "instr(\"%s\", ?) > 0", col->name);
        return;
    }
    add_name(sql, is_poor(def, filter, text_path) && !listed ? "+" : "", col->name);
    if (filter->op != ARC_FILTER_IN) {
        arc__buf_add_cstr(sql, signs[filter->op]);
        if (implies_value(col, filter))
            arc__buf_printf(sql, " AND \"%s\" <> %s", col->name, empty_of(col));
        return;
    }
    size_t places = arc__sqlite_in_places(filter->int_count);
    arc__buf_add_cstr(sql, " IN (");
    for (size_t i = 0; i < places; i++)
        arc__buf_add_cstr(sql, i == 0 ? "?" : ", ?");
    arc__buf_add_cstr(sql, ")");
}

static void add_where(struct arc_buf *sql, const struct arc_table_def *def,
                      const struct arc_query *query)
{
    int text_path = has_text_path(def, query);
    for (size_t i = 0; i < query->filter_count; i++) {
        arc__buf_add_cstr(sql, i == 0 ? " WHERE " : " AND ");
        add_filter(sql, def, &query->filters[i], text_path,
                   is_listed(query, query->filters[i].col));
    }
}

void arc__sqlite_select(struct arc_buf *sql, const struct arc_query *query)
{
    const struct arc_table_def *def = arc__table_def(query->table);
    const char *direction = query->descending ? " DESC" : "";
    for (uint32_t i = 0; i < def->col_count; i++)
        add_name(sql, i == 0 ? "SELECT " : ", ", def->cols[i].name);
    arc__buf_add_cstr(sql, " FROM ");
    add_table(sql, def);
    add_where(sql, def, query);
    arc__buf_add_cstr(sql, " ORDER BY ");
    if (query->order_col >= 0)
        arc__buf_printf(sql, "\"%s\"%s, ", def->cols[query->order_col].name, direction);
    for (uint32_t i = 0; i < def->key_count; i++)
        arc__buf_printf(sql, "%s\"%s\"%s", i == 0 ? "" : ", ", def->cols[i].name, direction);
    arc__buf_add_cstr(sql, " LIMIT ? OFFSET ?");
}

void arc__sqlite_count(struct arc_buf *sql, const struct arc_query *query)
{
    const struct arc_table_def *def = arc__table_def(query->table);
    arc__buf_add_cstr(sql, query->total_max > 0 ? "SELECT count(*) FROM (SELECT 1 FROM "
                                                : "SELECT count(*) FROM ");
    add_table(sql, def);
    add_where(sql, def, query);
    if (query->total_max > 0) /* a constant of ours */
        arc__buf_printf(sql, " LIMIT %zu)", query->total_max);
}
