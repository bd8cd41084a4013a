/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rows.h"

#include "base/list.h"
#include "store/check.h"

/* A row is one piece of memory and never changes: a new version is another piece, which takes its
 * place in the node that stands in the trees. What is inserted changes rarely: that version stands
 * behind its node, in the same piece.
 *
 *   node  | row | links, one for each index | the row that was inserted, if it was |
 *   row   | struct arc_row_<table> | bytes of the texts |
 */
struct arc_row_node {
    void *row;
    struct arc_store_tree_link links[];
};

#define HINTS_FIRST 16 /* rows; a table with fewer does without */
#define HINTS_MAX 65536

/* Rows that are likely to be asked for, or followed, next. A miss costs a walk down a tree and no
 * more, so whoever chooses keys that collide gains nothing. */
struct arc_row_hints {
    size_t mask;
    struct arc_row_node **found;     /* by the look of the key: changed last */
    struct arc_row_node *followed[]; /* by the look of the key's first column: added last */
};

static struct arc_row_node *node_of(const struct arc_row_index *index,
                                    const struct arc_store_tree_link *link)
{
    const struct arc_store_tree_link *first = link - index->place;
    return (struct arc_row_node *)(uintptr_t)((const char *)first -
                                              offsetof(struct arc_row_node, links));
}

static int compare_ints(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_col(const struct arc_col_def *col, const void *a, const void *b)
{
    if (col->type == ARC_COL_INT)
        return compare_ints(arc__row_int(a, col), arc__row_int(b, col));
    return arc__slice_compare(arc__row_text(a, col), arc__row_text(b, col));
}

static int compare_key(const struct arc_table_def *def, const void *a, const void *b)
{
    int side = 0;
    for (uint32_t i = 0; side == 0 && i < def->key_count; i++)
        side = compare_col(&def->cols[i], a, b);
    return side;
}

/* Rows in the order of (order_col, key). */
static int compare_rows(const struct arc_table_def *def, int32_t order_col, const void *a,
                        const void *b)
{
    int side = order_col >= 0 ? compare_col(&def->cols[order_col], a, b) : 0;
    return side != 0 ? side : compare_key(def, a, b);
}

static int compare_links(const void *context, const struct arc_store_tree_link *a,
                         const struct arc_store_tree_link *b)
{
    const struct arc_row_index *index = context;
    return compare_rows(index->def, index->col, node_of(index, a)->row, node_of(index, b)->row);
}

/* --- life ------------------------------------------------------------------------------------ */

static void index_init(struct arc_row_table *table, int32_t col)
{
    struct arc_row_index *index = &table->indexes[table->index_count];
    *index = (struct arc_row_index){.def = table->def, .col = col, .place = table->index_count};
    arc__store_tree_init(&index->tree, compare_links, index);
    table->index_count++;
}

void arc__rows_init(struct arc_row_table *table, const struct arc_table_def *def)
{
    *table = (struct arc_row_table){.def = def};
    index_init(table, -1);
    for (uint32_t i = 0; i < def->col_count && table->index_count < ARC_INDEXES_MAX; i++) {
        if ((def->cols[i].flags & (ARC_COL_INDEX | ARC_COL_UNIQUE)) != 0)
            index_init(table, (int32_t)i);
    }
}

static size_t node_bytes(const struct arc_row_table *table)
{
    return offsetof(struct arc_row_node, links) +
           table->index_count * sizeof(struct arc_store_tree_link);
}

/* A version that is no more. */
static void row_free(const struct arc_row_table *table, const struct arc_mem *mem,
                     const struct arc_row_node *node, void *row)
{
    if (row != (const char *)node + node_bytes(table))
        arc__free(mem, row);
}

static void node_free(const struct arc_row_table *table, const struct arc_mem *mem,
                      struct arc_row_node *node)
{
    row_free(table, mem, node, node->row);
    arc__free(mem, node);
}

void arc__rows_deinit(struct arc_row_table *table, const struct arc_mem *mem)
{
    struct arc_row_index *key = &table->indexes[0];
    /* Leaves first, without balancing: each link is visited from its parent, then forgotten. */
    struct arc_store_tree_link *link = table->index_count > 0 ? key->tree.root : NULL;
    while (link != NULL) {
        if (link->left != NULL) {
            link = link->left;
        } else if (link->right != NULL) {
            link = link->right;
        } else {
            struct arc_store_tree_link *parent = link->parent;
            if (parent != NULL && parent->left == link)
                parent->left = NULL;
            else if (parent != NULL)
                parent->right = NULL;
            node_free(table, mem, node_of(key, link));
            link = parent;
        }
    }
    table->index_count = 0;
    arc__free(mem, table->hints);
    table->hints = NULL;
}

static size_t row_bytes(const struct arc_table_def *def, const void *row)
{
    size_t size = def->row_size;
    for (uint32_t i = 0; i < def->text_count; i++) {
        /* ARC_STORE_VALUE_MAX was checked, so the sum cannot overflow. */
        size += arc__row_text(row, &def->cols[def->texts[i]]).len;
    }
    return size;
}

/* Into so many bytes. */
static void *row_copy(const struct arc_table_def *def, const void *from, void *to)
{
    char *row = memcpy(to, from, def->row_size), *at = row + def->row_size;
    for (uint32_t i = 0; i < def->text_count; i++) {
        const struct arc_col_def *col = &def->cols[def->texts[i]];
        arc_slice text = arc__row_text(from, col);
        if (text.len > 0)
            memcpy(at, text.ptr, text.len);
        arc__row_set_text(row, col, text.len > 0 ? arc__slice(at, text.len) : ARC_NONE);
        at += text.len;
    }
    return row;
}

static void *row_new(const struct arc_table_def *def, const struct arc_mem *mem, const void *from)
{
    void *row = arc__realloc(mem, NULL, row_bytes(def, from));
    return row != NULL ? row_copy(def, from, row) : NULL;
}

static struct arc_row_node *node_new(const struct arc_row_table *table, const struct arc_mem *mem,
                                     const struct arc_store_op *op)
{
    size_t size = node_bytes(table);
    int inside = op->verb == ARC_STORE_INSERT;
    struct arc_row_node *node =
        arc__realloc(mem, NULL, size + (inside ? row_bytes(table->def, op->row) : 0));
    if (node == NULL)
        return NULL;
    node->row = inside ? row_copy(table->def, op->row, (char *)node + size)
                       : row_new(table->def, mem, op->row);
    if (node->row != NULL)
        return node;
    arc__free(mem, node);
    return NULL;
}

/* --- hints ----------------------------------------------------------------------------------- */

static uint32_t look(const struct arc_table_def *def, const void *row, uint32_t cols)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < cols; i++) {
        const struct arc_col_def *col = &def->cols[i];
        uint32_t part = col->type == ARC_COL_INT ? (uint32_t)arc__row_int(row, col)
                                                 : arc__slice_look(arc__row_text(row, col));
        sum = sum * UINT32_C(0x9e3779b1) + part;
    }
    return sum;
}

static struct arc_row_node **found_place(const struct arc_row_table *table, const void *row)
{
    return &table->hints->found[look(table->def, row, table->def->key_count) & table->hints->mask];
}

static struct arc_row_node **followed_place(const struct arc_row_table *table, const void *row)
{
    return &table->hints->followed[look(table->def, row, 1) & table->hints->mask];
}

/* What was known is forgotten where they grow. */
static void hints_grow(struct arc_row_table *table, const struct arc_mem *mem)
{
    size_t size = table->hints != NULL ? (table->hints->mask + 1) * 4 : HINTS_FIRST;
    if (table->indexes[0].tree.count <= size || size > HINTS_MAX)
        return;
    struct arc_row_hints *hints =
        arc__alloc(mem, sizeof(*hints) + 2 * size * sizeof(struct arc_row_node *));
    if (hints == NULL)
        return;
    hints->mask = size - 1;
    hints->found = hints->followed + size;
    arc__free(mem, table->hints);
    table->hints = hints;
}

/* The node goes. */
static void hints_forget(struct arc_row_table *table, const struct arc_row_node *node)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].last == &node->links[i])
            table->indexes[i].last = NULL;
    }
    if (table->hints == NULL)
        return;
    struct arc_row_node **found = found_place(table, node->row);
    struct arc_row_node **followed = followed_place(table, node->row);
    if (*found == node)
        *found = NULL;
    if (*followed == node)
        *followed = NULL;
}

static int is_empty(const struct arc_col_def *col, const void *row)
{
    return col->type == ARC_COL_INT ? arc__row_int(row, col) == 0
                                    : arc__row_text(row, col).len == 0;
}

/* 1: no two rows of the index may have the value that this one has. */
static int is_unique(const struct arc_row_index *index, const void *row)
{
    if (index->col < 0)
        return 1;
    const struct arc_col_def *col = &index->def->cols[index->col];
    return (col->flags & ARC_COL_UNIQUE) != 0 && !is_empty(col, row);
}

/* 1: a stands before b, and no unique value is the same. */
static int is_before(const struct arc_row_index *index, const void *a, const void *b, int unique)
{
    if (unique && index->col >= 0)
        return compare_col(&index->def->cols[index->col], a, b) < 0;
    return compare_rows(index->def, index->col, a, b) < 0;
}

/* 1: the row belongs right behind the link, which may be NULL. */
static int follows(const struct arc_row_index *index, const struct arc_store_tree_link *link,
                   const void *row)
{
    int unique = is_unique(index, row);
    if (link == NULL || !is_before(index, node_of(index, link)->row, row, unique))
        return 0;
    const struct arc_store_tree_link *next = arc__store_tree_next(link);
    return next == NULL || is_before(index, row, node_of(index, next)->row, unique);
}

/* Behind whom the row belongs, and that no row has its key or its unique value; NULL: not known. */
static struct arc_store_tree_link *guess(const struct arc_row_table *table, uint32_t at,
                                         const void *row)
{
    const struct arc_row_index *index = &table->indexes[at];
    if (at == 0 && table->hints != NULL && table->def->key_count > 1) {
        struct arc_row_node *node = *followed_place(table, row);
        if (node != NULL && follows(index, &node->links[0], row))
            return &node->links[0];
    }
    return follows(index, index->last, row) ? index->last : NULL;
}

/* --- changes --------------------------------------------------------------------------------- */

/* after: by index, what guess has answered. */
static void node_add(struct arc_row_table *table, struct arc_row_node *node,
                     struct arc_store_tree_link *const *after)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        struct arc_row_index *index = &table->indexes[i];
        if (after != NULL && after[i] != NULL)
            arc__store_tree_add_after(&index->tree, after[i], &node->links[i]);
        else
            (void)arc__store_tree_add(&index->tree, &node->links[i]); /* the key was free */
        index->last = &node->links[i];
    }
    if (table->hints != NULL && table->def->key_count > 1)
        *followed_place(table, node->row) = node;
}

static void node_remove(struct arc_row_table *table, struct arc_row_node *node)
{
    hints_forget(table, node);
    for (uint32_t i = 0; i < table->index_count; i++)
        arc__store_tree_remove(&table->indexes[i].tree, &node->links[i]);
}

/* Another version of the same row: where the indexed value is the same, its links stay. */
static void node_set(struct arc_row_table *table, struct arc_row_node *node, void *is)
{
    const void *was = node->row;
    uint32_t moved = 0;
    _Static_assert(ARC_INDEXES_MAX <= 32, "a bit for each index");
    for (uint32_t i = 1; i < table->index_count; i++) {
        struct arc_row_index *index = &table->indexes[i];
        if (compare_col(&table->def->cols[index->col], was, is) == 0)
            continue;
        moved |= UINT32_C(1) << i;
        if (index->last == &node->links[i])
            index->last = NULL;
        arc__store_tree_remove(&index->tree, &node->links[i]);
    }
    node->row = is;
    for (uint32_t i = 1; moved >> i != 0; i++) {
        if ((moved >> i & 1) != 0)
            (void)arc__store_tree_add(&table->indexes[i].tree, &node->links[i]);
    }
}

struct row_want {
    const struct arc_row_index *index;
    const void *row;
};

static int probe_key(const void *context, const struct arc_store_tree_link *link)
{
    const struct row_want *want = context;
    return compare_key(want->index->def, node_of(want->index, link)->row, want->row);
}

static int probe_value(const void *context, const struct arc_store_tree_link *link)
{
    const struct row_want *want = context;
    return compare_col(&want->index->def->cols[want->index->col], node_of(want->index, link)->row,
                       want->row);
}

static struct arc_row_node *find(const struct arc_row_table *table, const void *row)
{
    const struct arc_row_index *index = &table->indexes[0];
    struct row_want want = {index, row};
    if (table->hints != NULL) {
        struct arc_row_node *node = *found_place(table, row);
        if (node != NULL && compare_key(table->def, node->row, row) == 0)
            return node;
    }
    struct arc_store_tree_link *link = arc__store_tree_seek(&index->tree, probe_key, &want);
    return link != NULL && probe_key(&want, link) == 0 ? node_of(index, link) : NULL;
}

/* 1: a row other than `except` has one of the unique values of this one. */
static int clashes(const struct arc_row_table *table, const void *row,
                   const struct arc_row_node *except, struct arc_store_tree_link *const *after)
{
    for (uint32_t i = 1; i < table->index_count; i++) {
        const struct arc_row_index *index = &table->indexes[i];
        if (after[i] != NULL || !is_unique(index, row))
            continue;
        struct row_want want = {index, row};
        struct arc_store_tree_link *link = arc__store_tree_seek(&index->tree, probe_value, &want);
        if (link != NULL && probe_value(&want, link) == 0 && node_of(index, link) != except)
            return 1;
    }
    return 0;
}

static int allowed(const struct arc_row_table *table, const struct arc_store_op *op,
                   const struct arc_row_node *was, struct arc_store_tree_link *const *after)
{
    switch (op->verb) {
    case ARC_STORE_INSERT:
        return was == NULL && !clashes(table, op->row, NULL, after);
    case ARC_STORE_PUT:
        return !clashes(table, op->row, was, after);
    case ARC_STORE_UPDATE:
        return was != NULL &&
               arc__row_int(was->row, &table->def->cols[table->def->version_col]) ==
                   op->expect_version &&
               !clashes(table, op->row, was, after);
    case ARC_STORE_DELETE:
        return 1;
    }
    return 0;
}

/* The row that has the key; for one that is to be added, where it belongs as far as that is known.
 */
static struct arc_row_node *look_up(const struct arc_row_table *table,
                                    const struct arc_store_op *op,
                                    struct arc_store_tree_link **after)
{
    struct arc_row_node *node = NULL;
    if (op->verb != ARC_STORE_INSERT && (node = find(table, op->row)) != NULL)
        return node;
    if (op->verb == ARC_STORE_UPDATE || op->verb == ARC_STORE_DELETE)
        return NULL;
    for (uint32_t i = 0; i < table->index_count; i++)
        after[i] = guess(table, i, op->row);
    return op->verb == ARC_STORE_INSERT && after[0] == NULL ? find(table, op->row) : NULL;
}

static arc_status set_row(struct arc_row_table *table, const struct arc_mem *mem,
                          struct arc_row_node *node, const void *row, struct arc_row_change *change,
                          arc_err *err)
{
    void *is = row_new(table->def, mem, row);
    if (is == NULL)
        return arc__fail_nomem(err);
    *change = (struct arc_row_change){table, node, node->row, is};
    node_set(table, node, is);
    if (table->hints != NULL)
        *found_place(table, is) = node;
    return ARC_OK;
}

static arc_status add_row(struct arc_row_table *table, const struct arc_mem *mem,
                          const struct arc_store_op *op, struct arc_store_tree_link *const *after,
                          struct arc_row_change *change, arc_err *err)
{
    struct arc_row_node *node = node_new(table, mem, op);
    if (node == NULL)
        return arc__fail_nomem(err);
    node_add(table, node, after);
    if (table->hints != NULL && op->verb == ARC_STORE_PUT) /* the next one will follow */
        *found_place(table, node->row) = node;
    *change = (struct arc_row_change){table, node, NULL, node->row};
    return ARC_OK;
}

arc_status arc__rows_apply(struct arc_row_table *table, const struct arc_mem *mem,
                           const struct arc_store_op *op, struct arc_row_change *change,
                           arc_err *err)
{
    struct arc_store_tree_link *after[ARC_INDEXES_MAX] = {NULL};
    hints_grow(table, mem);
    struct arc_row_node *node = look_up(table, op, after);
    if (!allowed(table, op, node, after))
        return arc__store_conflict(table->def, op->verb, err);
    if (op->verb != ARC_STORE_DELETE)
        return node != NULL ? set_row(table, mem, node, op->row, change, err)
                            : add_row(table, mem, op, after, change, err);
    *change = (struct arc_row_change){table, node, node != NULL ? node->row : NULL, NULL};
    if (node != NULL)
        node_remove(table, node);
    return ARC_OK;
}

void arc__rows_undo(const struct arc_mem *mem, struct arc_row_change *change)
{
    struct arc_row_table *table = change->table;
    if (change->is != NULL && change->was != NULL) {
        node_set(table, change->node, change->was);
        row_free(table, mem, change->node, change->is);
    } else if (change->is != NULL) {
        node_remove(table, change->node);
        node_free(table, mem, change->node);
    } else if (change->was != NULL) {
        node_add(table, change->node, NULL);
    }
}

void arc__rows_keep(const struct arc_mem *mem, struct arc_row_change *change)
{
    if (change->is == NULL && change->was != NULL)
        node_free(change->table, mem, change->node);
    else if (change->was != NULL)
        row_free(change->table, mem, change->node, change->was);
}

/* --- queries --------------------------------------------------------------------------------- */

/* The row's value against the filter's. */
static int compare_filter(const struct arc_table_def *def, const struct arc_filter *filter,
                          const void *row)
{
    const struct arc_col_def *col = &def->cols[filter->col];
    if (col->type == ARC_COL_INT)
        return compare_ints(arc__row_int(row, col), filter->number);
    return arc__slice_compare(arc__row_text(row, col), filter->text);
}

static int contains(arc_slice text, arc_slice part)
{
    return part.len == 0 ||
           (text.len >= part.len && memmem(text.ptr, text.len, part.ptr, part.len) != NULL);
}

static int passes(const struct arc_table_def *def, const struct arc_filter *filter, const void *row)
{
    const struct arc_col_def *col = &def->cols[filter->col];
    switch (filter->op) {
    case ARC_FILTER_EQ:
        return compare_filter(def, filter, row) == 0;
    case ARC_FILTER_NE:
        return compare_filter(def, filter, row) != 0;
    case ARC_FILTER_LT:
        return compare_filter(def, filter, row) < 0;
    case ARC_FILTER_LE:
        return compare_filter(def, filter, row) <= 0;
    case ARC_FILTER_GT:
        return compare_filter(def, filter, row) > 0;
    case ARC_FILTER_GE:
        return compare_filter(def, filter, row) >= 0;
    case ARC_FILTER_IN:
        for (size_t i = 0; i < filter->int_count; i++) {
            if (arc__row_int(row, col) == filter->ints[i])
                return 1;
        }
        return 0;
    case ARC_FILTER_CONTAINS:
        return contains(arc__row_text(row, col), filter->text);
    }
    return 0;
}

static int passes_all(const struct arc_table_def *def, const struct arc_query *query,
                      const void *row)
{
    for (size_t i = 0; i < query->filter_count; i++) {
        if (!passes(def, &query->filters[i], row))
            return 0;
    }
    return 1;
}

/* The part of an index that a query has to look at: the rows that have these values in the first
 * columns of the index, and lie between these bounds in the next. */
struct row_path {
    const struct arc_row_index *index;
    const struct arc_filter *equal[ARC_QUERY_FILTERS_MAX];
    uint32_t equal_count;
    const struct arc_filter *low, *high; /* NULL: open */
};

/* The number of the column that an index sorts by in the at-th place; -1: no more. */
static int32_t index_col(const struct arc_row_index *index, uint32_t at)
{
    if (index->col < 0)
        return at < index->def->key_count ? (int32_t)at : -1;
    return at == 0 ? index->col : at - 1 < index->def->key_count ? (int32_t)(at - 1) : -1;
}

static const struct arc_filter *find_filter(const struct arc_query *query, int32_t col,
                                            enum arc_filter_op a, enum arc_filter_op b)
{
    for (size_t i = 0; i < query->filter_count; i++) {
        const struct arc_filter *filter = &query->filters[i];
        if ((int32_t)filter->col == col && (filter->op == a || filter->op == b))
            return filter;
    }
    return NULL;
}

static int probe_equal(const struct row_path *path, const void *row)
{
    int side = 0;
    for (uint32_t i = 0; side == 0 && i < path->equal_count; i++)
        side = compare_filter(path->index->def, path->equal[i], row);
    return side;
}

/* Below 0: the row stands before the part. */
static int probe_low(const void *context, const struct arc_store_tree_link *link)
{
    const struct row_path *path = context;
    const void *row = node_of(path->index, link)->row;
    int side = probe_equal(path, row);
    if (side != 0 || path->low == NULL)
        return side;
    side = compare_filter(path->index->def, path->low, row);
    return path->low->op == ARC_FILTER_GT && side == 0 ? -1 : side;
}

/* Above 0: the row stands behind the part. */
static int probe_high(const void *context, const struct arc_store_tree_link *link)
{
    const struct row_path *path = context;
    const void *row = node_of(path->index, link)->row;
    int side = probe_equal(path, row);
    if (side != 0 || path->high == NULL)
        return side;
    side = compare_filter(path->index->def, path->high, row);
    return path->high->op == ARC_FILTER_LT && side == 0 ? 1 : side;
}

/* 1: walking the part of the index gives the order that the query wants. */
static int path_orders(const struct row_path *path, const struct arc_query *query)
{
    const struct arc_row_index *index = path->index;
    uint32_t at = 0;
    if (query->order_col >= 0 && index_col(index, at) != query->order_col) {
        /* Columns that are the same in all rows of the part do not matter. */
        while (at < path->equal_count && index_col(index, at) != query->order_col)
            at++;
        if (index_col(index, at) != query->order_col)
            return 0;
    }
    if (index->col < 0) /* the rest of the key follows; what was skipped of it is constant */
        return query->order_col < 0 || at <= path->equal_count;
    return query->order_col == index->col || path->equal_count > 0;
}

/* How promising a path is: by what its first column is asked for. */
static int path_score(const struct row_path *path, const struct arc_query *query)
{
    const struct arc_row_index *index = path->index;
    const struct arc_table_def *def = index->def;
    int orders = path_orders(path, query);
    if (path->equal_count == 0)
        return (path->low != NULL || path->high != NULL ? 20 : 0) + (orders ? 10 : 0);
    const struct arc_col_def *col = &def->cols[path->equal[0]->col];
    if (index->col < 0 && path->equal_count >= def->key_count)
        return 100;
    if (col->type != ARC_COL_INT)
        return 50 + (int)path->equal_count + ((col->flags & ARC_COL_UNIQUE) != 0 ? 40 : 0);
    /* "0: not yet" is what most rows have, so it is no help. */
    return path->equal[0]->number != 0 ? 35 + orders : 5;
}

static void path_try(struct row_path *best, int *best_score, const struct arc_row_index *index,
                     const struct arc_query *query)
{
    struct row_path path = {.index = index};
    int32_t col;
    while ((col = index_col(index, path.equal_count)) >= 0 &&
           path.equal_count < ARC_QUERY_FILTERS_MAX) {
        const struct arc_filter *equal = find_filter(query, col, ARC_FILTER_EQ, ARC_FILTER_EQ);
        if (equal == NULL)
            break;
        path.equal[path.equal_count++] = equal;
    }
    if (col >= 0) {
        path.low = find_filter(query, col, ARC_FILTER_GT, ARC_FILTER_GE);
        path.high = find_filter(query, col, ARC_FILTER_LT, ARC_FILTER_LE);
    }
    int score = path_score(&path, query);
    if (score > *best_score) {
        *best_score = score;
        *best = path;
    }
}

/* Rows that were found. While more may come than the query wants, a heap with the worst on top. */
struct row_found {
    const struct arc_table_def *def;
    const struct arc_query *query;
    const struct arc_mem *mem;
    void **rows;
    size_t count, capacity, max;
};

/* Above 0: a stands behind b in the answer. */
static int compare_found(const struct row_found *found, const void *a, const void *b)
{
    int side = compare_rows(found->def, found->query->order_col, a, b);
    return found->query->descending ? -side : side;
}

static void sift_down(struct row_found *found, size_t at, size_t count)
{
    void *moved = found->rows[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count &&
            compare_found(found, found->rows[child + 1], found->rows[child]) > 0)
            child++;
        if (compare_found(found, found->rows[child], moved) <= 0)
            break;
        found->rows[at] = found->rows[child];
        at = child;
    }
    found->rows[at] = moved;
}

static void heapify(struct row_found *found)
{
    for (size_t at = found->count / 2; at > 0; at--)
        sift_down(found, at - 1, found->count);
}

static arc_status found_add(struct row_found *found, void *row, int ordered, arc_err *err)
{
    if (found->count < found->max) {
        void *rows = found->rows;
        ARC_TRY(arc__grow(found->mem, &rows, &found->capacity, found->count, sizeof(void *),
                          SIZE_MAX / sizeof(void *), err));
        found->rows = rows;
        found->rows[found->count++] = row;
        if (!ordered && found->count == found->max)
            heapify(found);
    } else if (!ordered && found->max > 0 && compare_found(found, found->rows[0], row) > 0) {
        found->rows[0] = row;
        sift_down(found, 0, found->count);
    }
    return ARC_OK;
}

static void found_sort(struct row_found *found)
{
    heapify(found);
    for (size_t left = found->count; left > 1; left--) {
        void *last = found->rows[left - 1];
        found->rows[left - 1] = found->rows[0];
        found->rows[0] = last;
        sift_down(found, 0, left - 1);
    }
}

static arc_status walk(struct arc_row_table *table, const struct arc_query *query,
                       struct row_found *found, int64_t *total, arc_err *err)
{
    struct row_path path = {.index = NULL};
    int score = -1;
    for (uint32_t i = 0; i < table->index_count; i++)
        path_try(&path, &score, &table->indexes[i], query);
    int ordered = path_orders(&path, query);
    int backward = ordered && query->descending;
    const struct arc_store_tree *tree = &path.index->tree;
    const struct arc_store_tree_link *link =
        backward ? arc__store_tree_seek_last(tree, probe_high, &path)
                 : arc__store_tree_seek(tree, probe_low, &path);
    while (link != NULL) {
        if (backward ? probe_low(&path, link) < 0 : probe_high(&path, link) > 0)
            break;
        void *row = node_of(path.index, link)->row;
        if (passes_all(table->def, query, row)) {
            ++*total;
            ARC_TRY(found_add(found, row, ordered, err));
            if (ordered && !query->want_total && found->count == found->max)
                break;
        }
        link = backward ? arc__store_tree_prev(link) : arc__store_tree_next(link);
    }
    if (!ordered)
        found_sort(found);
    return ARC_OK;
}

static arc_status copy_row(const struct arc_table_def *def, const void *row,
                           struct arc_arena *arena, void *out, arc_err *err)
{
    size_t size = 0;
    for (uint32_t i = 0; i < def->col_count; i++)
        size += def->cols[i].type != ARC_COL_INT ? arc__row_text(row, &def->cols[i]).len : 0;
    void *bytes = NULL;
    if (size > 0)
        ARC_TRY(arc__store_arena_take(arena, size, &bytes, err));
    memcpy(out, row, def->row_size);
    char *at = bytes;
    for (uint32_t i = 0; i < def->col_count; i++) {
        const struct arc_col_def *col = &def->cols[i];
        arc_slice text = col->type != ARC_COL_INT ? arc__row_text(row, col) : ARC_NONE;
        if (text.len == 0)
            continue;
        memcpy(at, text.ptr, text.len);
        arc__row_set_text(out, col, arc__slice(at, text.len));
        at += text.len;
    }
    return ARC_OK;
}

static arc_status copy_found(const struct row_found *found, struct arc_arena *arena,
                             struct arc_rows *out, arc_err *err)
{
    size_t offset = found->query->offset < found->count ? found->query->offset : found->count;
    size_t count = found->count - offset;
    void *rows = NULL;
    if (count > 0)
        ARC_TRY(arc__store_arena_take(arena, count * found->def->row_size, &rows, err));
    for (size_t i = 0; i < count; i++)
        ARC_TRY(copy_row(found->def, found->rows[offset + i], arena,
                         (char *)rows + i * found->def->row_size, err));
    *out = (struct arc_rows){.rows = rows, .count = count};
    return ARC_OK;
}

arc_status arc__rows_query(struct arc_row_table *table, const struct arc_mem *mem,
                           const struct arc_query *query, struct arc_arena *arena,
                           struct arc_rows *out, arc_err *err)
{
    struct row_found found = {.def = table->def, .query = query, .mem = mem, .max = SIZE_MAX};
    if (query->limit > 0 && query->limit <= SIZE_MAX - query->offset)
        found.max = query->offset + query->limit;
    int64_t total = 0;
    struct arc_rows rows = {NULL, 0, 0};
    arc_status status = walk(table, query, &found, &total, err);
    if (status == ARC_OK)
        status = copy_found(&found, arena, &rows, err);
    arc__free(mem, found.rows);
    if (status != ARC_OK)
        return status;
    rows.total = query->want_total ? total : (int64_t)rows.count;
    *out = rows;
    return ARC_OK;
}
