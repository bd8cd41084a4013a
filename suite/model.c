/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

static arc_slice text_of(const struct arc_col_def *col, const void *row)
{
    return *(const arc_slice *)(const void *)((const char *)row + col->offset);
}

static int64_t int_of(const struct arc_col_def *col, const void *row)
{
    return *(const int64_t *)(const void *)((const char *)row + col->offset);
}

/* Byte by byte, so that not even memcmp is shared. */
static int compare_texts(arc_slice a, arc_slice b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        unsigned char x = (unsigned char)a.ptr[i], y = (unsigned char)b.ptr[i];
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

static int compare_values(const struct arc_col_def *col, const void *a, const void *b)
{
    if (col->type != ARC_COL_INT)
        return compare_texts(text_of(col, a), text_of(col, b));
    return int_of(col, a) == int_of(col, b) ? 0 : int_of(col, a) < int_of(col, b) ? -1 : 1;
}

static int same_key(const struct arc_table_def *def, const void *a, const void *b)
{
    for (uint32_t i = 0; i < def->col_count; i++) {
        if ((def->cols[i].flags & ARC_COL_KEY) != 0 && compare_values(&def->cols[i], a, b) != 0)
            return 0;
    }
    return 1;
}

int arc__model_same(const struct arc_table_def *def, const void *a, const void *b)
{
    for (uint32_t i = 0; i < def->col_count; i++) {
        if (compare_values(&def->cols[i], a, b) != 0)
            return 0;
    }
    return 1;
}

struct model *arc__model_new(void)
{
    return calloc(1, sizeof(struct model));
}

static void clear(struct model *model)
{
    for (int t = 0; t < ARC_TABLE_COUNT; t++) {
        for (size_t i = 0; i < model->counts[t]; i++)
            free(model->rows[t][i]);
        model->counts[t] = 0;
    }
}

void arc__model_free(struct model *model)
{
    clear(model);
    free(model);
}

static void *copy_row(const struct arc_table_def *def, const void *row)
{
    void *copy = malloc(def->row_size);
    if (copy == NULL)
        abort();
    return memcpy(copy, row, def->row_size);
}

static int unique_clash(const struct model *model, const struct arc_store_op *op, size_t except)
{
    const struct arc_table_def *def = arc_table_get(op->table);
    for (uint32_t c = 0; c < def->col_count; c++) {
        const struct arc_col_def *col = &def->cols[c];
        if ((col->flags & ARC_COL_UNIQUE) == 0)
            continue;
        if (col->type == ARC_COL_INT ? int_of(col, op->row) == 0 : text_of(col, op->row).len == 0)
            continue;
        for (size_t i = 0; i < model->counts[op->table]; i++) {
            if (i != except && compare_values(col, model->rows[op->table][i], op->row) == 0)
                return 1;
        }
    }
    return 0;
}

static arc_status apply(struct model *model, const struct arc_store_op *op)
{
    const struct arc_table_def *def = arc_table_get(op->table);
    void **rows = model->rows[op->table];
    size_t *count = &model->counts[op->table], at = 0;
    while (at < *count && !same_key(def, rows[at], op->row))
        at++;
    int there = at < *count;
    if (op->verb == ARC_STORE_DELETE) {
        if (there) {
            free(rows[at]);
            rows[at] = rows[--*count];
        }
        return ARC_OK;
    }
    if (op->verb == ARC_STORE_INSERT && there)
        return ARC_ECONFLICT;
    if (op->verb == ARC_STORE_UPDATE &&
        (!there || int_of(&def->cols[def->version_col], rows[at]) != op->expect_version))
        return ARC_ECONFLICT;
    if (unique_clash(model, op, at))
        return ARC_ECONFLICT;
    if (there)
        free(rows[at]);
    else if (++*count > MODEL_ROWS_MAX)
        abort();
    rows[at] = copy_row(def, op->row);
    return ARC_OK;
}

arc_status arc__model_commit(struct model *model, const struct arc_store_op *ops, size_t count)
{
    struct model *before = arc__model_new();
    for (int t = 0; t < ARC_TABLE_COUNT; t++) {
        for (size_t i = 0; i < model->counts[t]; i++)
            before->rows[t][i] = copy_row(arc_table_get((uint32_t)t), model->rows[t][i]);
        before->counts[t] = model->counts[t];
    }
    arc_status status = ARC_OK;
    for (size_t i = 0; status == ARC_OK && i < count; i++)
        status = apply(model, &ops[i]);
    if (status != ARC_OK) {
        clear(model);
        memcpy(model, before, sizeof(*model));
        free(before);
    } else {
        arc__model_free(before);
    }
    return status;
}

static int text_contains(arc_slice text, arc_slice part)
{
    for (size_t at = 0; at + part.len <= text.len; at++) {
        if (compare_texts((arc_slice){text.ptr + at, part.len}, part) == 0)
            return 1;
    }
    return 0;
}

static int passes(const struct arc_col_def *col, const struct arc_filter *filter, const void *row)
{
    int side = 0;
    if (col->type != ARC_COL_INT)
        side = compare_texts(text_of(col, row), filter->text);
    else if (int_of(col, row) != filter->number)
        side = int_of(col, row) < filter->number ? -1 : 1;
    switch (filter->op) {
    case ARC_FILTER_EQ:
        return side == 0;
    case ARC_FILTER_NE:
        return side != 0;
    case ARC_FILTER_LT:
        return side < 0;
    case ARC_FILTER_LE:
        return side <= 0;
    case ARC_FILTER_GT:
        return side > 0;
    case ARC_FILTER_GE:
        return side >= 0;
    case ARC_FILTER_IN:
        for (size_t i = 0; i < filter->int_count; i++) {
            if (filter->ints[i] == int_of(col, row))
                return 1;
        }
        return 0;
    case ARC_FILTER_CONTAINS:
        return text_contains(text_of(col, row), filter->text);
    }
    return 0;
}

static int stands_before(const struct arc_query *query, const void *a, const void *b)
{
    const struct arc_table_def *def = arc_table_get(query->table);
    int side = 0;
    if (query->order_col >= 0)
        side = compare_values(&def->cols[query->order_col], a, b);
    for (uint32_t i = 0; side == 0 && i < def->col_count; i++) {
        if ((def->cols[i].flags & ARC_COL_KEY) != 0)
            side = compare_values(&def->cols[i], a, b);
    }
    return query->descending ? side > 0 : side < 0;
}

size_t arc__model_query(struct model *model, const struct arc_query *query, const void **out,
                        size_t max, int64_t *total)
{
    const struct arc_table_def *def = arc_table_get(query->table);
    static const void *found[MODEL_ROWS_MAX];
    size_t count = 0, written = 0;
    for (size_t i = 0; i < model->counts[query->table]; i++) {
        const void *row = model->rows[query->table][i];
        int pass = 1;
        for (size_t f = 0; f < query->filter_count; f++)
            pass = pass && passes(&def->cols[query->filters[f].col], &query->filters[f], row);
        if (!pass)
            continue;
        size_t at = count++; /* insertion sort */
        for (; at > 0 && stands_before(query, row, found[at - 1]); at--)
            found[at] = found[at - 1];
        found[at] = row;
    }
    for (size_t i = query->offset; i < count && written < max; i++) {
        if (query->limit == 0 || written < query->limit)
            out[written++] = found[i];
    }
    *total = query->want_total ? (int64_t)count : (int64_t)written;
    return written;
}
