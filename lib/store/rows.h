/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the memory store: rows, their indexes, changes that can be undone, and queries.
 * What must stay true: every row of a table stands in each of its trees, and undo allocates
 * nothing, so that a batch either happened or did not whatever memory does. */
#ifndef ARC_STORE_ROWS_H
#define ARC_STORE_ROWS_H

#include "base/mem.h"
#include "port/store.h"
#include "store/tree.h"

#define ARC_INDEXES_MAX 8 /* of one table: the key and each INDEX or UNIQUE column */

struct arc_row_node; /* private */
struct arc_row_hints;

/* One order over the rows of a table: by the key, or by a column and then by the key. */
struct arc_row_index {
    struct arc_store_tree tree;
    const struct arc_table_def *def;
    int32_t col;    /* -1: the key alone */
    uint32_t place; /* of its link in each row */
    struct arc_store_tree_link
        *last; /* added last, if it is still there: the next one often follows */
};

struct arc_row_table {
    const struct arc_table_def *def;
    struct arc_row_index indexes[ARC_INDEXES_MAX]; /* the first is by the key */
    uint32_t index_count;
    struct arc_row_hints *hints; /* NULL: the table is small, or there was no memory for them */
};

/* What one operation did. */
struct arc_row_change {
    struct arc_row_table *table;
    struct arc_row_node *node;
    void *was, *is; /* versions of the row; NULL: no row before, after */
};

/* The struct must stay where it is: the trees point into it. */
void arc__rows_init(struct arc_row_table *table, const struct arc_table_def *def);
void arc__rows_deinit(struct arc_row_table *table, const struct arc_mem *mem);

/* ARC_ECONFLICT or ARC_ENOMEM: nothing has changed. */
arc_status arc__rows_apply(struct arc_row_table *table, const struct arc_mem *mem,
                           const struct arc_store_op *op, struct arc_row_change *change,
                           arc_err *err);
void arc__rows_undo(const struct arc_mem *mem, struct arc_row_change *change);
void arc__rows_keep(const struct arc_mem *mem, struct arc_row_change *change);

/* The query was checked. ARC_ENOMEM, ARC_ELIMIT. */
arc_status arc__rows_query(struct arc_row_table *table, const struct arc_mem *mem,
                           const struct arc_query *query, struct arc_arena *arena,
                           struct arc_rows *out, arc_err *err);

#endif
