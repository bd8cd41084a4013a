/* SPDX-License-Identifier: Apache-2.0 */
/* A matrix: its axes, what is added and left out, and how many cells that makes. Cells are counted
 * from the axes before any is looked at, so that a few lines cannot stand for millions. */
#include "spec/rules.h"

#include <stdlib.h>

struct axis {
    const struct arc_node *node;
    const struct arc_node *value; /* of the cell that is looked at */
};

struct matrix {
    struct arc_check *check;
    const struct arc_node *map;
    const struct arc_path *path;
    struct axis *axes; /* sorted by name */
    uint32_t axis_count;
    const struct arc_node *include, *exclude; /* lists, or NULL */
    uint64_t product;                         /* cells of the axes */
};

/* 1: the key is an axis, as those are that are not in the table. */
int arc__is_axis(const struct arc_node *child)
{
    return !arc__slice_starts(child->key, ARC_LIT("x-")) &&
           arc__field_find(ARC_OBJECT_MATRIX, child->key) == NULL;
}

static int is_value(const struct arc_node *node)
{
    return node->kind > ARC_NODE_NULL && node->kind < ARC_NODE_LIST;
}

static const struct arc_node *list_of(const struct arc_node *map, enum arc_field_id id)
{
    const struct arc_node *list = arc__field_get(map, id);
    return list != NULL && list->kind == ARC_NODE_LIST ? list : NULL;
}

/* --- axes --------------------------------------------------------------------------------- */

struct value {
    const struct arc_node *node;
    uint32_t index;
};

static int value_order(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    int order = arc__slice_compare(x->node->text, y->node->text);
    return order != 0 ? order : x->index < y->index ? -1 : x->index > y->index;
}

static int report_twins(struct matrix *matrix, const struct arc_node *axis)
{
    struct arc_check *check = matrix->check;
    struct value *values = arc__check_alloc(check, axis->count + 1, sizeof(*values));
    uint32_t count = 0, index = 0;
    struct arc_path list = {matrix->path, axis->key, 0};
    if (values == NULL)
        return 0;
    for (const struct arc_node *c = axis->first; c != NULL; c = c->next, index++) {
        if (is_value(c))
            values[count++] = (struct value){c, index};
    }
    qsort(values, count, sizeof(*values), value_order);
    for (uint32_t i = 1; i < count; i++) {
        const struct arc_node *a = values[i - 1].node, *b = values[i].node;
        if (!arc__slice_equal(a->text, b->text))
            continue;
        struct arc_path item = {&list, ARC_NONE, values[i].index};
        struct arc_diag *diag = arc__diag_add(
            check->sink, ARC_DIAG_AXIS_VALUE, &item, &b->mark, ARC_NONE,
            ARC_ARGS(arc__quoted(check->sink, axis->key), arc__quoted(check->sink, b->text)));
        arc__diag_relate(check->sink, diag, &a->mark, "the first one is here");
    }
    arc__free(&check->arena->mem, values);
    return 1;
}

static void check_name(struct matrix *matrix, const struct arc_node *node,
                       const struct arc_path *path)
{
    struct arc_check *check = matrix->check;
    if (!arc__form_ident(node->key))
        (void)arc__say_key(check, ARC_DIAG_AXIS_NAME, node, path, ARC_NONE,
                           ARC_ARGS(arc__quoted(check->sink, node->key)));
}

static int axis_order(const void *a, const void *b)
{
    const struct axis *x = a, *y = b;
    return arc__slice_compare(x->node->key, y->node->key);
}

/* 1: every axis is one that cells can be made of. */
static int check_axes(struct matrix *matrix)
{
    int good = 1;
    matrix->product = 1;
    for (const struct arc_node *c = matrix->map->first; c != NULL; c = c->next) {
        if (!arc__is_axis(c))
            continue;
        check_name(matrix, c, matrix->path);
        if (c->kind != ARC_NODE_LIST || c->count == 0) {
            good = 0;
            continue;
        }
        for (const struct arc_node *v = c->first; v != NULL; v = v->next)
            good &= is_value(v);
        good &= report_twins(matrix, c);
        matrix->axes[matrix->axis_count] = (struct axis){c, c->first};
        matrix->axis_count++;
        if (__builtin_mul_overflow(matrix->product, (uint64_t)c->count, &matrix->product))
            matrix->product = UINT64_MAX;
    }
    if (matrix->axis_count == 0)
        matrix->product = 0;
    qsort(matrix->axes, matrix->axis_count, sizeof(*matrix->axes), axis_order);
    return good;
}

/* --- entries of include and exclude ------------------------------------------------------- */

static const struct axis *find_axis(const struct matrix *matrix, arc_slice name)
{
    uint32_t low = 0, high = matrix->axis_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = arc__slice_compare(matrix->axes[middle].node->key, name);
        if (order == 0)
            return &matrix->axes[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int has_value(const struct axis *axis, arc_slice text)
{
    for (const struct arc_node *c = axis->node->first; c != NULL; c = c->next) {
        if (is_value(c) && arc__slice_equal(c->text, text))
            return 1;
    }
    return 0;
}

/* One pair of an entry of `exclude` that no cell can have. */
static void check_excluded(struct matrix *matrix, const struct arc_node *pair,
                           const struct arc_path *path)
{
    struct arc_check *check = matrix->check;
    const struct axis *axis = find_axis(matrix, pair->key);
    arc_slice key = arc__quoted(check->sink, pair->key), why;
    if (axis != NULL && has_value(axis, pair->text))
        return;
    if (axis == NULL) {
        why = arc__arena_printf(check->arena, "%.*s is not an axis", ARC_ARG(key));
    } else {
        arc_slice value = arc__quoted(check->sink, pair->text);
        why = arc__arena_printf(check->arena, "the axis %.*s has no value %.*s", ARC_ARG(key),
                                ARC_ARG(value));
    }
    (void)arc__say_key(check, ARC_DIAG_EXCLUDE_NOTHING, pair, path, ARC_NONE, ARC_ARGS(why));
}

static int check_entry(struct matrix *matrix, const struct arc_node *entry,
                       const struct arc_path *path, int excluded)
{
    struct arc_check *check = matrix->check;
    int good = 1;
    if (entry->kind != ARC_NODE_MAP)
        return 0;
    if (entry->count == 0) {
        (void)arc__diag_add(
            check->sink, ARC_DIAG_EMPTY_LIST, path, &entry->mark, ARC_NONE,
            ARC_ARGS(excluded ? ARC_LIT("An item of `exclude`") : ARC_LIT("An item of `include`")));
        return 0;
    }
    for (const struct arc_node *c = entry->first; c != NULL; c = c->next) {
        struct arc_path here = {path, c->key, 0};
        if (!excluded)
            check_name(matrix, c, path);
        if (!is_value(c)) {
            arc__shape_type(check, c, &here, arc__quoted(check->sink, c->key), "a single value",
                            ARC_NONE);
            good = 0;
        } else if (excluded) {
            check_excluded(matrix, c, path);
        }
    }
    return good;
}

static int check_entries(struct matrix *matrix, const struct arc_node *list, int excluded)
{
    struct arc_path here = {matrix->path, list != NULL ? list->key : ARC_NONE, 0};
    uint32_t index = 0;
    int good = 1;
    for (const struct arc_node *c = list != NULL ? list->first : NULL; c != NULL;
         c = c->next, index++) {
        struct arc_path item = {&here, ARC_NONE, index};
        good &= check_entry(matrix, c, &item, excluded);
    }
    return good;
}

/* --- cells -------------------------------------------------------------------------------- */

static int cell_matches(const struct matrix *matrix, const struct arc_node *entry)
{
    for (const struct arc_node *c = entry->first; c != NULL; c = c->next) {
        const struct axis *axis = find_axis(matrix, c->key);
        if (axis == NULL || !arc__slice_equal(axis->value->text, c->text))
            return 0;
    }
    return 1;
}

static int is_excluded(const struct matrix *matrix)
{
    for (const struct arc_node *c = matrix->exclude->first; c != NULL; c = c->next) {
        if (cell_matches(matrix, c))
            return 1;
    }
    return 0;
}

/* To the next cell, the last axis first. */
static void next_cell(struct matrix *matrix)
{
    for (uint32_t i = matrix->axis_count; i-- > 0;) {
        struct axis *axis = &matrix->axes[i];
        axis->value = axis->value->next;
        if (axis->value != NULL)
            return;
        axis->value = axis->node->first;
    }
}

/* The product is within the limit by now. */
static uint32_t cells_left(struct matrix *matrix)
{
    uint32_t left = 0;
    if (matrix->exclude == NULL || matrix->exclude->count == 0)
        return (uint32_t)matrix->product;
    for (uint64_t i = 0; i < matrix->product; i++) {
        left += !is_excluded(matrix);
        next_cell(matrix);
    }
    return left;
}

static int too_many(struct matrix *matrix, uint64_t count, const char *what)
{
    struct arc_check *check = matrix->check;
    if (count <= check->limits.cells)
        return 0;
    arc_slice shown = count == UINT64_MAX ? ARC_LIT("more than 18446744073709551615")
                                          : arc__decimal(check->sink, count);
    (void)arc__say_key(check, ARC_DIAG_TOO_MANY, matrix->map, matrix->path->up,
                       ARC_LIT("split the job, or make the axes shorter"),
                       ARC_ARGS(ARC_LIT("The matrix"), shown, arc__slice_cstr(what),
                                arc__decimal(check->sink, check->limits.cells)));
    return 1;
}

/* 0: there are more than are looked at. */
static int count_fits(struct matrix *matrix)
{
    uint32_t added = matrix->include != NULL ? matrix->include->count : 0;
    uint32_t removed = matrix->exclude != NULL ? matrix->exclude->count : 0;
    uint64_t most = matrix->product;
    if (__builtin_add_overflow(most, (uint64_t)added, &most))
        most = UINT64_MAX;
    return !too_many(matrix, most, "cells") && !too_many(matrix, removed, "entries in `exclude`");
}

void arc__check_matrix(struct arc_check *check, const struct arc_node *map,
                       const struct arc_path *path)
{
    struct matrix matrix = {.check = check, .map = map, .path = path};
    matrix.include = list_of(map, ARC_FIELD_MATRIX_INCLUDE);
    matrix.exclude = list_of(map, ARC_FIELD_MATRIX_EXCLUDE);
    matrix.axes = arc__check_alloc(check, map->count + 1, sizeof(*matrix.axes));
    if (matrix.axes == NULL)
        return; /* the arena says so */
    uint32_t added = matrix.include != NULL ? matrix.include->count : 0;
    int good = check_axes(&matrix), any = matrix.axis_count > 0 || added > 0;
    if (good && !any)
        (void)arc__say_key(check, ARC_DIAG_MATRIX_EMPTY, map, path->up, ARC_NONE, ARC_NO_ARGS);
    if (count_fits(&matrix)) {
        good &= check_entries(&matrix, matrix.include, 0);
        good &= check_entries(&matrix, matrix.exclude, 1);
        check->cells = good && any ? cells_left(&matrix) + added : 1;
        if (check->cells == 0)
            (void)arc__say_key(check, ARC_DIAG_NO_CELLS, map, path->up, ARC_NONE, ARC_NO_ARGS);
    }
    arc__free(&check->arena->mem, matrix.axes);
}
