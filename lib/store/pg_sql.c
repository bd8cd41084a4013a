/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_sql.h"

#include <stdio.h>

#define SHORT_CHARS 255 /* of a text that has an index */

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
    return col->type == ARC_COL_INT ? "0" : col->type == ARC_COL_TEXT ? "''" : "'\\x'::bytea";
}

const char *arc__pg_sql_type(enum arc_col_type type)
{
    return type == ARC_COL_INT ? "bigint" : type == ARC_COL_TEXT ? "text" : "bytea";
}

/* --- the schema ------------------------------------------------------------------------------ */

static void add_column_def(struct arc_buf *sql, const struct arc_col_def *col)
{
    add_name(sql, "", col->name);
    /* Bytes are compared, in order and in equality, as every store does. */
    arc__buf_printf(sql, " %s%s NOT NULL DEFAULT %s", arc__pg_sql_type(col->type),
                    col->type == ARC_COL_TEXT ? " COLLATE \"C\"" : "", empty_of(col));
}

static void add_key(struct arc_buf *sql, const struct arc_table_def *def)
{
    for (uint32_t i = 0; i < def->key_count; i++)
        add_name(sql, i == 0 ? "" : ", ", def->cols[i].name);
}

void arc__pg_sql_create_table(struct arc_buf *sql, const struct arc_table_def *def)
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
    arc__buf_add_cstr(sql, "));\n");
}

void arc__pg_sql_add_column(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col)
{
    arc__buf_add_cstr(sql, "ALTER TABLE ");
    add_table(sql, def);
    arc__buf_add_cstr(sql, " ADD COLUMN ");
    add_column_def(sql, &def->cols[col]);
    arc__buf_add_cstr(sql, ";\n");
}

int arc__pg_sql_index_name(const struct arc_table_def *def, uint32_t col, char *name, size_t size)
{
    const struct arc_col_def *column = &def->cols[col];
    if ((column->flags & (ARC_COL_INDEX | ARC_COL_UNIQUE)) == 0)
        return 0;
    (void)snprintf(name, size, "t_%s__%s", def->name, column->name);
    return 1;
}

/* A row of an index has at most 2,704 bytes, so the index of a text that may be longer is over its
 * beginning, and an equality asks for that as well. */
static int has_short_index(const struct arc_col_def *col)
{
    return col->type == ARC_COL_TEXT && (col->flags & ARC_COL_INDEX) != 0;
}

void arc__pg_sql_create_index(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col)
{
    char name[64]; /* as long as PostgreSQL takes one */
    const struct arc_col_def *column = &def->cols[col];
    if (!arc__pg_sql_index_name(def, col, name, sizeof(name)))
        return;
    int unique = (column->flags & ARC_COL_UNIQUE) != 0;
    arc__buf_printf(sql, "CREATE %sINDEX \"%s\" ON ", unique ? "UNIQUE " : "", name);
    add_table(sql, def);
    if (has_short_index(column))
        arc__buf_printf(sql, " (left(\"%s\", %d))", column->name, SHORT_CHARS);
    else
        arc__buf_printf(sql, " (\"%s\")", column->name);
    if (unique) /* empty values may repeat */
        arc__buf_printf(sql, " WHERE \"%s\" <> %s", column->name, empty_of(column));
    arc__buf_add_cstr(sql, ";\n");
}

/* --- changes --------------------------------------------------------------------------------- */

/* unnest($1::text[], …) AS s("id", …): the rows as they came. */
static void add_rows(struct arc_buf *sql, const struct arc_table_def *def, uint32_t count,
                     const char *more)
{
    for (uint32_t i = 0; i < count; i++)
        arc__buf_printf(sql, "%s$%u::%s[]", i == 0 ? "unnest(" : ", ", i + 1,
                        arc__pg_sql_type(def->cols[i].type));
    if (more != NULL)
        arc__buf_printf(sql, ", $%u::bigint[]", count + 1);
    for (uint32_t i = 0; i < count; i++)
        add_name(sql, i == 0 ? ") AS s(" : ", ", def->cols[i].name);
    if (more != NULL)
        add_name(sql, ", ", more);
    arc__buf_add_cstr(sql, ")");
}

static void add_same_key(struct arc_buf *sql, const struct arc_table_def *def)
{
    for (uint32_t i = 0; i < def->key_count; i++)
        arc__buf_printf(sql, "%st.\"%s\" = s.\"%s\"", i == 0 ? " WHERE " : " AND ",
                        def->cols[i].name, def->cols[i].name);
}

static void add_insert(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, "INSERT INTO ");
    add_table(sql, def);
    for (uint32_t i = 0; i < def->col_count; i++)
        add_name(sql, i == 0 ? " (" : ", ", def->cols[i].name);
    for (uint32_t i = 0; i < def->col_count; i++)
        add_name(sql, i == 0 ? ") SELECT s." : ", s.", def->cols[i].name);
    arc__buf_add_cstr(sql, " FROM ");
    add_rows(sql, def, def->col_count, NULL);
}

/* ON CONFLICT names the key, so that a clash in another column stays an error. */
static void add_or_replace(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, " ON CONFLICT (");
    add_key(sql, def);
    const char *before = ") DO UPDATE SET ";
    for (uint32_t i = def->key_count; i < def->col_count; i++) {
        if ((def->cols[i].flags & ARC_COL_FIXED) != 0)
            continue;
        add_name(sql, before, def->cols[i].name);
        add_name(sql, " = excluded.", def->cols[i].name);
        before = ", ";
    }
    if (before[0] == ')')
        arc__buf_add_cstr(sql, ") DO NOTHING");
}

static void add_update(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, "WITH u AS (UPDATE ");
    add_table(sql, def);
    for (uint32_t i = def->key_count; i < def->col_count; i++)
        arc__buf_printf(sql, "%s\"%s\" = s.\"%s\"", i == def->key_count ? " AS t SET " : ", ",
                        def->cols[i].name, def->cols[i].name);
    arc__buf_add_cstr(sql, " FROM ");
    add_rows(sql, def, def->col_count, "expect version");
    add_same_key(sql, def);
    arc__buf_printf(sql,
                    " AND t.\"%s\" = s.\"expect version\" RETURNING 1)"
                    " SELECT 1 / (count(*) = $%u::bigint)::int FROM u",
                    def->cols[def->version_col].name, def->col_count + 2);
}

static void add_delete(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, "DELETE FROM ");
    add_table(sql, def);
    arc__buf_add_cstr(sql, " AS t USING ");
    add_rows(sql, def, def->key_count, NULL);
    add_same_key(sql, def);
}

void arc__pg_sql_change(struct arc_buf *sql, const struct arc_table_def *def,
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
        add_delete(sql, def);
        break;
    }
}

void arc__pg_sql_follow(struct arc_buf *sql)
{
    const struct arc_table_def *def = arc__table_def(ARC_TABLE_event);
    const char *position = def->cols[ARC_COL_event_position].name;
    arc__buf_add_cstr(sql, "INSERT INTO ");
    add_table(sql, def);
    for (uint32_t i = 0; i < def->col_count; i++)
        add_name(sql, i == 0 ? " (" : ", ", def->cols[i].name);
    for (uint32_t i = 0; i < def->col_count; i++) {
        add_name(sql, i == 0 ? ") SELECT s." : ", s.", def->cols[i].name);
        if (def->cols[i].name == position)
            arc__buf_printf(sql, " - $%u::bigint + (SELECT last FROM t_log WHERE id = 1)",
                            def->col_count + 1);
    }
    arc__buf_add_cstr(sql, " FROM ");
    add_rows(sql, def, def->col_count, NULL);
}

/* Rows that somebody else is changing are passed over; one that was taken since the statement began
 * is looked at again before it is locked, and is not free then. */
void arc__pg_sql_claim(struct arc_buf *sql, const struct arc_claim *claim)
{
    const struct arc_table_def *def = arc__table_def(claim->table);
    const char *by = def->cols[claim->by_col].name, *until = def->cols[claim->until_col].name;
    arc__buf_add_cstr(sql, "WITH s AS (SELECT ");
    add_key(sql, def);
    arc__buf_add_cstr(sql, " FROM ");
    add_table(sql, def);
    arc__buf_printf(sql, " WHERE \"%s\" <= $1::bigint ORDER BY ", until);
    add_key(sql, def);
    arc__buf_add_cstr(sql, " LIMIT $2::bigint FOR UPDATE SKIP LOCKED), u AS (UPDATE ");
    add_table(sql, def);
    arc__buf_printf(sql, " AS t SET \"%s\" = $3::text, \"%s\" = $4::bigint", by, until);
    if (def->version_col >= 0) {
        const char *version = def->cols[def->version_col].name;
        arc__buf_printf(sql, ", \"%s\" = t.\"%s\" + 1", version, version);
    }
    arc__buf_add_cstr(sql, " FROM s");
    add_same_key(sql, def);
    for (uint32_t i = 0; i < def->col_count; i++)
        add_name(sql, i == 0 ? " RETURNING t." : ", t.", def->cols[i].name);
    for (uint32_t i = 0; i < def->col_count; i++)
        add_name(sql, i == 0 ? ") SELECT " : ", ", def->cols[i].name);
    arc__buf_add_cstr(sql, " FROM u ORDER BY ");
    add_key(sql, def);
}

/* --- queries --------------------------------------------------------------------------------- */

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
                       const struct arc_filter *filter, uint32_t place)
{
    static const char *const signs[] = {
        [ARC_FILTER_EQ] = "=",  [ARC_FILTER_NE] = "<>", [ARC_FILTER_LT] = "<",
        [ARC_FILTER_LE] = "<=", [ARC_FILTER_GT] = ">",  [ARC_FILTER_GE] = ">="};
    const struct arc_col_def *col = &def->cols[filter->col];
    const char *type = arc__pg_sql_type(col->type);
    if (filter->op == ARC_FILTER_CONTAINS) { /* UTF-8 in UTF-8: a match of bytes is one of texts */
        arc__buf_printf(sql, "strpos(\"%s\", $%u::text) > 0", col->name, place);
        return;
    }
    if (filter->op == ARC_FILTER_IN) {
        arc__buf_printf(sql, "\"%s\" = ANY ($%u::bigint[])", col->name, place);
        return;
    }
    if (filter->op == ARC_FILTER_EQ && has_short_index(col))
        arc__buf_printf(sql, "left(\"%s\", %d) = left($%u::text, %d) AND ", col->name, SHORT_CHARS,
                        place, SHORT_CHARS);
    arc__buf_printf(sql, "\"%s\" %s $%u::%s", col->name, signs[filter->op], place, type);
    if (implies_value(col, filter))
        arc__buf_printf(sql, " AND \"%s\" <> %s", col->name, empty_of(col));
}

static void add_from(struct arc_buf *sql, const struct arc_table_def *def,
                     const struct arc_query *query)
{
    arc__buf_add_cstr(sql, " FROM ");
    add_table(sql, def);
    for (uint32_t i = 0; i < query->filter_count; i++) {
        arc__buf_add_cstr(sql, i == 0 ? " WHERE " : " AND ");
        add_filter(sql, def, &query->filters[i], i + 1);
    }
}

void arc__pg_sql_select(struct arc_buf *sql, const struct arc_query *query)
{
    const struct arc_table_def *def = arc__table_def(query->table);
    const char *direction = query->descending ? " DESC" : "";
    uint32_t place = (uint32_t)query->filter_count;
    for (uint32_t i = 0; i < def->col_count; i++)
        add_name(sql, i == 0 ? "SELECT " : ", ", def->cols[i].name);
    add_from(sql, def, query);
    arc__buf_add_cstr(sql, " ORDER BY ");
    if (query->order_col >= 0)
        arc__buf_printf(sql, "\"%s\"%s, ", def->cols[query->order_col].name, direction);
    for (uint32_t i = 0; i < def->key_count; i++)
        arc__buf_printf(sql, "%s\"%s\"%s", i == 0 ? "" : ", ", def->cols[i].name, direction);
    arc__buf_printf(sql, " LIMIT $%u::bigint OFFSET $%u::bigint", place + 1, place + 2);
}

void arc__pg_sql_count(struct arc_buf *sql, const struct arc_query *query)
{
    arc__buf_add_cstr(sql, "SELECT count(*)");
    add_from(sql, arc__table_def(query->table), query);
}
