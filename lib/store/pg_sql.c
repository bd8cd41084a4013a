/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_sql.h"

#include "store/pg_plan.h"

/* A row of an index has at most 2,704 bytes, and a key at most 1,000. What an index has of another
 * text is its beginning, so many characters of four bytes, and an equality asks for that as well.
 * Keys stand there whole: the planner takes two questions for more than one, believes in fewer rows
 * than there are, and sorts them. */
#define SHORT_CHARS 255
#define FILL_PERCENT 50  /* of a page of rows that change */
#define LISTED_CHARS 100 /* before two keys */

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
    arc__sql_name(sql, "", col->name);
    /* Bytes are compared, in order and in equality, as every store does. */
    arc__buf_printf(sql, " %s%s NOT NULL DEFAULT %s", arc__pg_sql_type(col->type),
                    col->type == ARC_COL_TEXT ? " COLLATE \"C\"" : "", empty_of(col));
}

static int is_written_again(const struct arc_table_def *def, uint32_t col)
{
    return (def->cols[col].flags & (ARC_COL_KEY | ARC_COL_FIXED)) == 0;
}

/* A list that a changed row moves in, or into. */
static int is_moved_by_changes(const struct arc_table_def *def, const struct arc_listing *listing)
{
    int moved = listing->only_col >= 0;
    for (uint32_t i = 0; i < listing->count; i++)
        moved |= is_written_again(def, listing->cols[i]);
    return moved;
}

/* Rows that are written again while they are new, in columns that no index has: where they find
 * room in their page that touches no index, and what they were before is cleared away with the next
 * look at the page. */
static int changes_in_place(const struct arc_table_def *def)
{
    int has_fixed = 0;
    for (uint32_t i = 0; i < def->col_count; i++) {
        uint32_t flags = def->cols[i].flags;
        if (is_written_again(def, i) && (flags & (ARC_COL_INDEX | ARC_COL_UNIQUE)) != 0)
            return 0;
        has_fixed |= (flags & ARC_COL_FIXED) != 0;
    }
    for (size_t i = 0; arc__listing(i) != NULL; i++) {
        const struct arc_listing *listing = arc__listing(i);
        if (arc__table_def(listing->table) == def && !listing->of_shared &&
            is_moved_by_changes(def, listing))
            return 0;
    }
    return has_fixed;
}

void arc__pg_sql_create_table(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__sql_create_table(sql, def, add_column_def);
    if (changes_in_place(def))
        arc__buf_printf(sql, " WITH (fillfactor = %d)", FILL_PERCENT);
    arc__buf_add_cstr(sql, ";\n");
}

void arc__pg_sql_add_column(struct arc_buf *sql, const struct arc_table_def *def, uint32_t col)
{
    arc__sql_add_column(sql, def, col, add_column_def);
    arc__buf_add_cstr(sql, ";\n");
}

/* How many characters of the column its indexes have; 0: all, or there is none. */
static int short_chars(enum arc_table table, uint32_t col)
{
    const struct arc_col_def *column = &arc__table_def(table)->cols[col];
    if (column->type != ARC_COL_TEXT || (column->flags & ARC_COL_REF) != 0)
        return 0;
    if (arc__sql_is_listed(table, col))
        return LISTED_CHARS;
    return (column->flags & ARC_COL_INDEX) != 0 ? SHORT_CHARS : 0;
}

void arc__pg_sql_create_index(struct arc_buf *sql, enum arc_table table,
                              const struct arc_sql_index *index)
{
    const struct arc_table_def *def = index->def;
    arc__sql_index_begin(sql, index, "");
    for (uint32_t i = 0; i < index->count; i++) {
        int chars = short_chars(table, index->cols[i]);
        const char *before = i == 0 ? " (" : ", ", *name = def->cols[index->cols[i]].name;
        if (chars > 0)
            arc__buf_printf(sql, "%sleft(\"%s\", %d)", before, name, chars);
        else
            arc__sql_name(sql, before, name);
    }
    arc__sql_index_end(sql, index, empty_of(&def->cols[index->cols[0]]));
    arc__buf_add_cstr(sql, ";\n");
}

/* --- changes --------------------------------------------------------------------------------- */

/* The rows as they came, (SELECT unnest($1::text[]) AS "id", …) AS s: in step with each other,
 * where unnest of several arrays at once would keep each of them in a store of its own first. */
static void add_column(struct arc_buf *sql, const char *type, const char *name, uint32_t *place)
{
    arc__buf_printf(sql, "%sunnest($%u::%s[]) AS ", *place == 0 ? "(SELECT " : ", ", *place + 1,
                    type);
    arc__sql_name(sql, "", name);
    ++*place;
}

/* Of the first count columns those without any of these flags; answers how many. */
static uint32_t add_rows(struct arc_buf *sql, const struct arc_table_def *def, uint32_t count,
                         uint32_t without, const char *more)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < count; i++) {
        if ((def->cols[i].flags & without) == 0)
            add_column(sql, arc__pg_sql_type(def->cols[i].type), def->cols[i].name, &place);
    }
    if (more != NULL)
        add_column(sql, "bigint", more, &place);
    arc__buf_add_cstr(sql, ") AS s");
    return place;
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
    arc__sql_table(sql, def);
    arc__sql_names(sql, def, " (", ", ");
    arc__sql_names(sql, def, ") SELECT s.", ", s.");
    arc__buf_add_cstr(sql, " FROM ");
    (void)add_rows(sql, def, def->col_count, 0, NULL);
}

/* All of the rows are changed, or it fails. With a version each row has to be of the one that is
 * expected; without one what is FIXED is left as it is. */
static void add_update(struct arc_buf *sql, const struct arc_table_def *def, int with_version)
{
    uint32_t without = with_version ? 0 : ARC_COL_FIXED;
    const char *before = " AS t SET ";
    arc__buf_add_cstr(sql, "WITH u AS (UPDATE ");
    arc__sql_table(sql, def);
    for (uint32_t i = def->key_count; i < def->col_count; i++) {
        if ((def->cols[i].flags & without) != 0)
            continue;
        arc__buf_printf(sql, "%s\"%s\" = s.\"%s\"", before, def->cols[i].name, def->cols[i].name);
        before = ", ";
    }
    arc__buf_add_cstr(sql, " FROM ");
    uint32_t places =
        add_rows(sql, def, def->col_count, without, with_version ? "expect version" : NULL);
    add_same_key(sql, def);
    if (with_version)
        arc__buf_printf(sql, " AND t.\"%s\" = s.\"expect version\"",
                        def->cols[def->version_col].name);
    arc__buf_printf(sql, " RETURNING 1) SELECT 1 / (count(*) = $%u::bigint)::int FROM u",
                    places + 1);
}

static void add_delete(struct arc_buf *sql, const struct arc_table_def *def)
{
    arc__buf_add_cstr(sql, "DELETE FROM ");
    arc__sql_table(sql, def);
    arc__buf_add_cstr(sql, " AS t USING ");
    (void)add_rows(sql, def, def->key_count, 0, NULL);
    add_same_key(sql, def);
}

void arc__pg_sql_change(struct arc_buf *sql, const struct arc_table_def *def,
                        enum arc_store_verb verb)
{
    switch ((unsigned)verb) {
    case ARC_STORE_INSERT:
        add_insert(sql, def);
        break;
    case ARC_STORE_PUT:
        add_insert(sql, def);
        arc__sql_or_replace(sql, def);
        break;
    case ARC_STORE_UPDATE:
        add_update(sql, def, 1);
        break;
    case ARC_PG_SET:
        add_update(sql, def, 0);
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
    arc__sql_table(sql, def);
    arc__sql_names(sql, def, " (", ", ");
    for (uint32_t i = 0; i < def->col_count; i++) {
        arc__sql_name(sql, i == 0 ? ") SELECT s." : ", s.", def->cols[i].name);
        if (def->cols[i].name == position)
            arc__buf_printf(sql, " - $%u::bigint + (SELECT last FROM t_log WHERE id = 1)",
                            def->col_count + 1);
    }
    arc__buf_add_cstr(sql, " FROM ");
    (void)add_rows(sql, def, def->col_count, 0, NULL);
}

/* Rows that somebody else is changing are passed over; one that was taken since the statement began
 * is looked at again before it is locked, and is not free then. */
void arc__pg_sql_claim(struct arc_buf *sql, const struct arc_claim *claim)
{
    const struct arc_table_def *def = arc__table_def(claim->table);
    const char *by = def->cols[claim->by_col].name, *until = def->cols[claim->until_col].name;
    arc__buf_add_cstr(sql, "WITH s AS (SELECT ");
    arc__sql_key(sql, def);
    arc__buf_add_cstr(sql, " FROM ");
    arc__sql_table(sql, def);
    arc__buf_printf(sql, " WHERE \"%s\" <= $1::bigint ORDER BY ", until);
    arc__sql_key(sql, def);
    arc__buf_add_cstr(sql, " LIMIT $2::bigint FOR UPDATE SKIP LOCKED), u AS (UPDATE ");
    arc__sql_table(sql, def);
    arc__buf_printf(sql, " AS t SET \"%s\" = $3::text, \"%s\" = $4::bigint", by, until);
    if (def->version_col >= 0) {
        const char *version = def->cols[def->version_col].name;
        arc__buf_printf(sql, ", \"%s\" = t.\"%s\" + 1", version, version);
    }
    arc__buf_add_cstr(sql, " FROM s");
    add_same_key(sql, def);
    arc__sql_names(sql, def, " RETURNING t.", ", t.");
    arc__sql_names(sql, def, ") SELECT ", ", ");
    arc__buf_add_cstr(sql, " FROM u ORDER BY ");
    arc__sql_key(sql, def);
}

/* --- queries --------------------------------------------------------------------------------- */

static void add_filter(struct arc_buf *sql, const struct arc_query *query, uint32_t at)
{
    const struct arc_filter *filter = &query->filters[at];
    const struct arc_col_def *col = &arc__table_def(query->table)->cols[filter->col];
    const char *type = arc__pg_sql_type(col->type);
    uint32_t place = at + 1;
    if (filter->op == ARC_FILTER_CONTAINS) { /* UTF-8 in UTF-8: a match of bytes is one of texts */
        arc__buf_printf(sql, "strpos(\"%s\", $%u::text) > 0", col->name, place);
        return;
    }
    if (filter->op == ARC_FILTER_IN) {
        arc__buf_printf(sql, "\"%s\" = ANY ($%u::bigint[])", col->name, place);
        return;
    }
    int chars = filter->op == ARC_FILTER_EQ ? short_chars(query->table, filter->col) : 0;
    if (chars > 0)
        arc__buf_printf(sql, "left(\"%s\", %d) = left($%u::text, %d) AND ", col->name, chars, place,
                        chars);
    arc__buf_printf(sql, "\"%s\"%s$%u::%s", col->name, arc__sql_sign(filter->op), place, type);
    if (arc__sql_implies_value(query->table, filter))
        arc__buf_printf(sql, " AND \"%s\" <> %s", col->name, empty_of(col));
    if (arc__sql_implies_only(query, filter))
        arc__buf_printf(sql, " AND \"%s\" = %lld", col->name, (long long)filter->number);
}

static void add_from(struct arc_buf *sql, const struct arc_query *query)
{
    arc__buf_add_cstr(sql, " FROM ");
    arc__sql_table(sql, arc__table_def(query->table));
    for (uint32_t i = 0; i < query->filter_count; i++) {
        arc__buf_add_cstr(sql, i == 0 ? " WHERE " : " AND ");
        add_filter(sql, query, i);
    }
}

void arc__pg_sql_select(struct arc_buf *sql, const struct arc_query *query)
{
    uint32_t place = (uint32_t)query->filter_count;
    arc__sql_names(sql, arc__table_def(query->table), "SELECT ", ", ");
    add_from(sql, query);
    arc__sql_order(sql, query);
    arc__buf_printf(sql, " LIMIT $%u::bigint OFFSET $%u::bigint", place + 1, place + 2);
}

void arc__pg_sql_count(struct arc_buf *sql, const struct arc_query *query)
{
    arc__sql_count_begin(sql, query);
    add_from(sql, query);
    arc__sql_count_end(sql, query);
}
