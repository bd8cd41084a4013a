/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/walk.h"

#define KEY_BYTES_MAX (64u * 1024u)

void arc__walk_init(struct arc_walk *walk, struct arc_desk *desk, enum arc_table table)
{
    memset(walk, 0, sizeof(*walk));
    walk->desk = desk;
    walk->table = table;
    walk->limit = ARC_WALK_ROWS;
    arc__arena_init(&walk->arena, &desk->mem, ARC_WALK_ROW_BYTES_MAX);
    for (size_t i = 0; i < ARC_WALK_KEYS_MAX; i++)
        arc__buf_init(&walk->texts[i], &desk->mem, KEY_BYTES_MAX);
}

void arc__walk_deinit(struct arc_walk *walk)
{
    if (walk->desk == NULL)
        return;
    arc__arena_deinit(&walk->arena);
    for (size_t i = 0; i < ARC_WALK_KEYS_MAX; i++)
        arc__buf_deinit(&walk->texts[i]);
    walk->desk = NULL;
}

static void filter_key(const struct arc_walk *walk, struct arc_query *query, uint32_t col,
                       enum arc_filter_op op)
{
    query->filters[query->filter_count++] = (struct arc_filter){
        .col = col,
        .op = op,
        .text = arc__buf_slice(&walk->texts[col]),
        .number = walk->numbers[col],
    };
}

/* A page of rows that are alike in the first columns of the key and greater in the next: a key of
 * several columns is gone through like a number with several digits, from the last one up. */
static arc_status read_page(struct arc_walk *walk, struct arc_rows *rows, arc_err *err)
{
    for (;;) {
        arc_err why = ARC_ERR_INIT;
        struct arc_query query = {.table = walk->table, .order_col = -1, .limit = walk->limit};
        for (uint32_t i = 0; walk->started && i < walk->same; i++)
            filter_key(walk, &query, i, ARC_FILTER_EQ);
        if (walk->started)
            filter_key(walk, &query, walk->same, ARC_FILTER_GT);
        arc__arena_reset(&walk->arena);
        arc_status status = arc__desk_query(walk->desk, &query, &walk->arena, rows, &why);
        if (status == ARC_OK)
            return ARC_OK;
        if (status != ARC_ELIMIT || walk->limit == 1)
            return arc__fail(err, status, why.subject, "%s", why.message);
        walk->limit = 1; /* rows as wide as these are read one by one */
    }
}

static arc_status keep_key(struct arc_walk *walk, const struct arc_table_def *def, const void *row,
                           arc_err *err)
{
    for (uint32_t i = 0; i < def->key_count; i++) {
        if (def->cols[i].type == ARC_COL_INT) {
            walk->numbers[i] = arc__row_number(def, row, i);
            continue;
        }
        arc__buf_clear(&walk->texts[i]);
        arc__buf_add_slice(&walk->texts[i], arc__row_slice(def, row, i));
        ARC_TRY(arc__buf_check(&walk->texts[i], err));
    }
    return ARC_OK;
}

static void fit_page(struct arc_walk *walk, size_t asked)
{
    if (walk->arena.used_bytes > ARC_WALK_PAGE_BYTES && walk->limit > 1)
        walk->limit /= 2;
    else if (walk->arena.used_bytes < ARC_WALK_PAGE_BYTES / 4 && walk->count == asked &&
             walk->limit < ARC_WALK_ROWS)
        walk->limit *= 2;
}

static arc_status next_page(struct arc_walk *walk, arc_err *err)
{
    const struct arc_table_def *def = arc__table_def(walk->table);
    struct arc_rows rows = {0};
    walk->rows = NULL;
    walk->count = walk->at = 0;
    for (;;) {
        ARC_TRY(read_page(walk, &rows, err));
        size_t asked = walk->limit;
        int top = !walk->started || walk->same == 0;
        if (rows.count > 0)
            ARC_TRY(keep_key(walk, def, (const char *)rows.rows + (rows.count - 1) * def->row_size,
                             err));
        /* A full page may have stopped anywhere; one that is not has come to the end of its kind.
         */
        if (rows.count == asked)
            walk->same = def->key_count - 1;
        else if (!top)
            walk->same--;
        else
            walk->over = 1;
        walk->started = 1;
        if (rows.count == 0 && !walk->over)
            continue;
        walk->rows = rows.rows;
        walk->count = rows.count;
        fit_page(walk, asked);
        return ARC_OK;
    }
}

arc_status arc__walk_look(struct arc_walk *walk, const void **row, arc_err *err)
{
    if (arc__walk_page_ends(walk))
        ARC_TRY(next_page(walk, err));
    *row = walk->at < walk->count
               ? (const char *)walk->rows + walk->at * arc__table_def(walk->table)->row_size
               : NULL;
    return ARC_OK;
}

void arc__walk_pass(struct arc_walk *walk)
{
    walk->at++;
}

/* --- rows ------------------------------------------------------------------------------------ */

static int value_order(const struct arc_table_def *def, const void *a, const void *b, uint32_t col)
{
    if (def->cols[col].type != ARC_COL_INT)
        return arc__slice_compare(arc__row_slice(def, a, col), arc__row_slice(def, b, col));
    int64_t left = arc__row_number(def, a, col), right = arc__row_number(def, b, col);
    return left < right ? -1 : left > right;
}

int arc__row_key_order(const struct arc_table_def *def, const void *a, const void *b)
{
    int order = 0;
    for (uint32_t i = 0; order == 0 && i < def->key_count; i++)
        order = value_order(def, a, b, i);
    return order;
}

int arc__row_same(const struct arc_table_def *def, const void *a, const void *b)
{
    for (uint32_t i = 0; i < def->col_count; i++) {
        if (value_order(def, a, b, i) != 0)
            return 0;
    }
    return 1;
}

uint64_t arc__row_bytes(const struct arc_table_def *def, const void *row)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < def->col_count; i++)
        bytes += def->cols[i].type == ARC_COL_INT ? 8 : arc__row_slice(def, row, i).len;
    return bytes;
}
