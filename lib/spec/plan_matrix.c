/* SPDX-License-Identifier: Apache-2.0 */
/* The cells of a matrix. A cell is a row of nodes, one a name: first the axes as written, then what
 * `include` adds. Values are compared as they are written, so that two cells that differ have
 * different keys. */
#include <stdlib.h>

#include "base/text.h"
#include "spec/plan_private.h"
#include "spec/rules.h"

struct axis {
    const struct arc_node *list; /* NULL: a name that only `include` has */
    arc_slice name;
    uint32_t at; /* the odometer */
};

struct cells {
    struct arc_arena *arena;
    struct axis *axes; /* axes proper, then extra names in order */
    uint32_t axis_count, name_count;
    const struct arc_node **values; /* count rows of `width`; NULL: the cell has none of it */
    uint32_t width, count, product;
};

static int same(const struct arc_node *a, const struct arc_node *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (a->kind < ARC_NODE_LIST && b->kind < ARC_NODE_LIST)
        return arc__slice_equal(a->text, b->text);
    return 0; /* lists and maps are no axis values */
}

static uint32_t name_index(const struct cells *cells, arc_slice name)
{
    uint32_t i = 0;
    while (i < cells->name_count && !arc__slice_equal(cells->axes[i].name, name))
        i++;
    return i;
}

static const struct arc_node **row(const struct cells *cells, uint32_t index)
{
    return cells->values + (size_t)index * cells->width;
}

/* --- names -------------------------------------------------------------------------------- */

static const struct arc_node *maps_of(const struct arc_node *matrix, enum arc_field_id id)
{
    const struct arc_node *list = arc__field_get(matrix, id);
    return list != NULL && list->kind == ARC_NODE_LIST ? list : NULL;
}

/* Every name that a cell can have, at most as many as cells: they are looked for one by one. */
static int collect_names(struct cells *cells, const struct arc_node *matrix,
                         const struct arc_node *include, uint32_t most)
{
    size_t room = matrix->count;
    for (const struct arc_node *c = include != NULL ? include->first : NULL; c != NULL; c = c->next)
        room += c->count;
    cells->axes = arc__arena_array(cells->arena, room, sizeof(*cells->axes));
    if (cells->axes == NULL)
        return 0;
    for (const struct arc_node *c = matrix->first; c != NULL; c = c->next) {
        if (c->kind == ARC_NODE_LIST && arc__is_axis(c))
            cells->axes[cells->name_count++] = (struct axis){c, c->key, 0};
    }
    cells->axis_count = cells->name_count;
    if (cells->axis_count > most)
        return 0;
    for (const struct arc_node *c = include != NULL ? include->first : NULL; c != NULL; c = c->next)
        for (const struct arc_node *v = c->first; v != NULL; v = v->next) {
            if (name_index(cells, v->key) < cells->name_count)
                continue;
            if (cells->name_count >= most)
                return 0;
            cells->axes[cells->name_count++].name = v->key;
        }
    cells->width = cells->name_count > 0 ? cells->name_count : 1;
    return 1;
}

/* --- the product -------------------------------------------------------------------------- */

static uint64_t product_of(const struct cells *cells, uint32_t most)
{
    uint64_t product = cells->axis_count > 0;
    for (uint32_t i = 0; i < cells->axis_count; i++) {
        product *= cells->axes[i].list->count;
        if (product > most && cells->axes[i].list->count > 0)
            product = product < UINT32_MAX ? product : UINT32_MAX; /* only to be said */
    }
    return product;
}

/* The first axis turns slowest. */
static void multiply(struct cells *cells, uint32_t product, const struct arc_node ***nodes)
{
    for (uint32_t a = 0; a < cells->axis_count; a++) {
        uint32_t index = 0;
        for (const struct arc_node *v = cells->axes[a].list->first; v != NULL; v = v->next)
            nodes[a][index++] = v;
    }
    while (cells->count < product) {
        const struct arc_node **cell = row(cells, cells->count++);
        for (uint32_t a = 0; a < cells->axis_count; a++)
            cell[a] = nodes[a][cells->axes[a].at];
        for (uint32_t a = cells->axis_count; a > 0; a--) {
            struct axis *axis = &cells->axes[a - 1];
            axis->at = (axis->at + 1) % axis->list->count;
            if (axis->at != 0)
                break;
        }
    }
}

/* --- exclude and include ------------------------------------------------------------------ */

/* The axes that a map names, and what it says of them; *strange: it names something else too. */
struct wanted {
    uint32_t *at;
    const struct arc_node **values;
    uint32_t count;
    int strange;
};

static void want(const struct cells *cells, const struct arc_node *map, struct wanted *wanted)
{
    wanted->count = 0;
    wanted->strange = 0;
    for (const struct arc_node *v = map->first; v != NULL; v = v->next) {
        uint32_t at = name_index(cells, v->key);
        if (at >= cells->axis_count) {
            wanted->strange = 1;
            continue;
        }
        wanted->at[wanted->count] = at;
        wanted->values[wanted->count++] = v;
    }
}

static int agrees(const struct wanted *wanted, const struct arc_node *const *cell)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        if (!same(cell[wanted->at[i]], wanted->values[i]))
            return 0;
    }
    return 1;
}

/* Cells that have all values of an `exclude` are left out. One that names nothing, or what is no
 * axis, leaves out nothing. */
static void drop_excluded(struct cells *cells, const struct arc_node *exclude,
                          struct wanted *wanted)
{
    uint32_t kept = 0;
    for (const struct arc_node *c = exclude != NULL ? exclude->first : NULL; c != NULL;
         c = c->next) {
        want(cells, c, wanted);
        for (uint32_t i = 0; wanted->count > 0 && !wanted->strange && i < cells->count; i++) {
            const struct arc_node **cell = row(cells, i);
            if (cell[0] != NULL && agrees(wanted, cell))
                cell[0] = NULL; /* each cell of the product has a value of the first axis */
        }
    }
    for (uint32_t i = 0; i < cells->count; i++) {
        if (row(cells, i)[0] != NULL)
            memcpy(row(cells, kept++), row(cells, i), cells->axis_count * sizeof(*cells->values));
    }
    if (kept < cells->count)
        memset(row(cells, kept), 0,
               (size_t)(cells->count - kept) * cells->width * sizeof(*cells->values));
    cells->count = cells->product = kept;
}

static void put_all(const struct cells *cells, const struct arc_node *map,
                    const struct arc_node **cell)
{
    for (const struct arc_node *v = map->first; v != NULL; v = v->next)
        cell[name_index(cells, v->key)] = v;
}

/* A map that agrees with cells of the product on every axis that it names extends them; another one
 * is a cell of its own. */
static void add_includes(struct cells *cells, const struct arc_node *include, struct wanted *wanted)
{
    for (const struct arc_node *c = include != NULL ? include->first : NULL; c != NULL;
         c = c->next) {
        int extended = 0;
        if (c->kind != ARC_NODE_MAP || c->count == 0)
            continue;
        want(cells, c, wanted);
        for (uint32_t i = 0; i < cells->product; i++) {
            if (!agrees(wanted, row(cells, i)))
                continue;
            if (wanted->strange)
                put_all(cells, c, row(cells, i));
            extended = 1;
        }
        if (!extended)
            put_all(cells, c, row(cells, cells->count++));
    }
}

/* --- keys and values ---------------------------------------------------------------------- */

/* What ends a part of a key, and what could not be read in one, as %XX. */
static void add_escaped(struct arc_buf *out, arc_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f || strchr(",]=%", c) != NULL)
            arc__buf_printf(out, "%%%02X", c);
        else
            arc__buf_add_char(out, (char)c);
    }
}

static void add_key(const struct cells *cells, const struct arc_node *const *cell,
                    struct arc_buf *out, struct arc_buf *json)
{
    int any = 0;
    for (uint32_t i = 0; i < cells->name_count; i++) {
        if (cell[i] == NULL)
            continue;
        if (any)
            arc__buf_add_char(out, ',');
        any = 1;
        add_escaped(out, cells->axes[i].name);
        arc__buf_add_char(out, '=');
        if (cell[i]->kind < ARC_NODE_LIST) {
            add_escaped(out, cell[i]->text);
            continue;
        }
        arc__buf_clear(json);
        arc__node_to_json(cell[i], json);
        if (json->failed != ARC_OK)
            out->failed = json->failed;
        add_escaped(out, arc__buf_slice(json));
    }
}

/* 1: the number prints as it was written. `1.10` is no number then: as one it would become `1.1`,
 * and another version of what is tested. */
static int prints_back(const struct arc_node *node, struct arc_buf *buf)
{
    struct arc_json json;
    arc__buf_clear(buf);
    arc__json_init(&json, buf);
    if (node->kind == ARC_NODE_INT)
        arc__json_i64(&json, node->number);
    else
        arc__json_double(&json, node->real);
    return arc__slice_equal(arc__buf_slice(buf), node->text);
}

/* As deep as documents may be. */
static struct arc_value value_of(const struct arc_node *node, struct arc_arena *arena,
                                 struct arc_buf *buf)
{
    uint32_t count = 0;
    switch (node->kind) {
    case ARC_NODE_NULL:
        return ARC_VALUE_OF_NULL;
    case ARC_NODE_BOOL:
        return arc__value_bool(node->number != 0);
    case ARC_NODE_INT:
    case ARC_NODE_FLOAT:
        if (!prints_back(node, buf))
            break;
        return node->kind == ARC_NODE_INT
                   ? arc__value_int(node->number)
                   : (struct arc_value){ARC_VALUE_FLOAT, 0, {.real = node->real}};
    case ARC_NODE_TEXT:
        break;
    case ARC_NODE_LIST: {
        struct arc_value *items = arc__arena_array(arena, node->count, sizeof(*items));
        for (const struct arc_node *c = items != NULL ? node->first : NULL; c != NULL; c = c->next)
            items[count++] = value_of(c, arena, buf);
        return (struct arc_value){ARC_VALUE_LIST, count, {.items = items}};
    }
    case ARC_NODE_MAP: {
        struct arc_member *members = arc__arena_array(arena, node->count, sizeof(*members));
        for (const struct arc_node *c = members != NULL ? node->first : NULL; c != NULL;
             c = c->next)
            members[count++] = (struct arc_member){c->key, value_of(c, arena, buf)};
        return arc__value_map(members, count);
    }
    }
    return arc__value_text(node->text);
}

static struct arc_value cell_value(const struct cells *cells, const struct arc_node *const *cell,
                                   struct arc_buf *buf)
{
    struct arc_member *members =
        arc__arena_array(cells->arena, cells->name_count, sizeof(*members));
    uint32_t count = 0;
    for (uint32_t i = 0; members != NULL && i < cells->name_count; i++) {
        if (cell[i] != NULL)
            members[count++] =
                (struct arc_member){cells->axes[i].name, value_of(cell[i], cells->arena, buf)};
    }
    return arc__value_map(members, count);
}

struct ranked {
    arc_slice key;
    uint32_t index;
};

static int ranked_order(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int order = arc__slice_compare(x->key, y->key);
    return order != 0 ? order : x->index < y->index ? -1 : x->index > y->index;
}

/* A cell that is there already is not there twice: of cells with one key the first stays. */
static uint32_t drop_twins(struct arc_matrix_cell *out, uint32_t count, struct ranked *ranked)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){out[i].key, i};
    qsort(ranked, count, sizeof(*ranked), ranked_order);
    for (uint32_t i = 1; i < count; i++) {
        if (arc__slice_equal(ranked[i - 1].key, ranked[i].key))
            out[ranked[i].index].key = ARC_NONE;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (out[i].key.len > 0)
            out[kept++] = out[i];
    }
    return kept;
}

static uint32_t finish(struct cells *cells, struct arc_matrix_cell **out)
{
    const struct arc_mem *mem = &cells->arena->mem;
    struct arc_buf key, json;
    uint32_t count = 0;
    struct ranked *ranked = arc__arena_array(cells->arena, cells->count, sizeof(*ranked));
    *out = arc__arena_array(cells->arena, cells->count, sizeof(**out));
    if (*out == NULL || ranked == NULL)
        return 0;
    arc__buf_init(&key, mem, cells->arena->max_bytes);
    arc__buf_init(&json, mem, cells->arena->max_bytes);
    for (uint32_t i = 0; i < cells->count && !cells->arena->failed; i++) {
        const struct arc_node **cell = row(cells, i);
        arc__buf_clear(&key);
        add_key(cells, cell, &key, &json);
        cells->arena->failed |= key.failed != ARC_OK;
        (*out)[count].key = arc__arena_copy(cells->arena, arc__buf_slice(&key));
        (*out)[count++].value = cell_value(cells, cell, &json);
        cells->arena->failed |= json.failed != ARC_OK;
    }
    arc__buf_deinit(&key);
    arc__buf_deinit(&json);
    return drop_twins(*out, count, ranked);
}

/* --- all of it ---------------------------------------------------------------------------- */

/* Memory for rows, and for what a map wants. 0: it is out. */
static int make_rows(struct cells *cells, uint64_t rows, struct wanted *wanted,
                     const struct arc_node ****nodes)
{
    struct arc_arena *arena = cells->arena;
    cells->values = arc__arena_array(arena, (size_t)rows * cells->width, sizeof(*cells->values));
    wanted->at = arc__arena_array(arena, cells->width, sizeof(*wanted->at));
    wanted->values = arc__arena_array(arena, cells->width, sizeof(*wanted->values));
    *nodes = arc__arena_array(arena, cells->axis_count + 1U, sizeof(**nodes));
    for (uint32_t a = 0; *nodes != NULL && a < cells->axis_count; a++)
        (*nodes)[a] = arc__arena_array(arena, cells->axes[a].list->count + 1U, sizeof(***nodes));
    return !arena->failed;
}

arc_status arc__matrix_cells(const struct arc_node *matrix, uint32_t most, struct arc_arena *arena,
                             struct arc_matrix_cell **out, uint32_t *count, uint64_t *wanted)
{
    const struct arc_node *include = maps_of(matrix, ARC_FIELD_MATRIX_INCLUDE);
    const struct arc_node *exclude = maps_of(matrix, ARC_FIELD_MATRIX_EXCLUDE);
    const struct arc_node ***nodes = NULL;
    uint32_t added = include != NULL ? include->count : 0;
    struct wanted asked = {0};
    struct cells cells = {.arena = arena};
    *count = 0;
    /* The maps of a matrix have the limit of its cells, so that no one can keep us busy. */
    *wanted = added > most ? added : exclude != NULL && exclude->count > most ? exclude->count : 0;
    if (*wanted > 0)
        return ARC_ELIMIT;
    *wanted = (uint64_t)most + 1;
    if (!collect_names(&cells, matrix, include, most))
        return arena->failed ? ARC_ENOMEM : ARC_ELIMIT;
    *wanted = product_of(&cells, most);
    if (*wanted > most)
        return ARC_ELIMIT;
    if (!make_rows(&cells, *wanted + added + 1, &asked, &nodes))
        return ARC_ENOMEM;
    multiply(&cells, (uint32_t)*wanted, nodes);
    drop_excluded(&cells, exclude, &asked);
    add_includes(&cells, include, &asked);
    *wanted = cells.count;
    if (cells.count > most)
        return ARC_ELIMIT;
    *count = finish(&cells, out);
    return arena->failed ? ARC_ENOMEM : ARC_OK;
}
