/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/text.h"
#include "spec/scope.h"

static int name_order(const void *a, const void *b)
{
    const struct arc_named *x = a, *y = b;
    int order = arc__slice_compare(x->name, y->name);
    return order != 0 ? order : x->order < y->order ? -1 : x->order > y->order;
}

/* Room for `most` names; 0: memory is out. */
static int begin(struct arc_check *check, struct arc_names *names, size_t most)
{
    *names = (struct arc_names){.ready = 1};
    names->items = arc__arena_array(check->arena, most + 1, sizeof(*names->items));
    return names->items != NULL;
}

static void add(struct arc_names *names, arc_slice name, uint32_t order,
                const struct arc_node *node)
{
    names->items[names->count++] = (struct arc_named){name, order, node};
}

static const struct arc_names *sorted(struct arc_names *names)
{
    if (names->items == NULL)
        return NULL;
    if (names->count > 1)
        qsort(names->items, names->count, sizeof(*names->items), name_order);
    return names;
}

const struct arc_named *arc__names_find(const struct arc_names *names, arc_slice name)
{
    uint32_t low = 0, high = names != NULL ? names->count : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (arc__slice_compare(names->items[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return names != NULL && low < names->count && arc__slice_equal(names->items[low].name, name)
               ? &names->items[low]
               : NULL;
}

/* A suggestion costs a comparison with each; beyond this many names there is none. */
#define CANDIDATES_MAX 256

arc_slice arc__names_nearest(const struct arc_names *names, arc_slice name)
{
    arc_slice candidates[CANDIDATES_MAX];
    size_t count = 0;
    for (uint32_t i = 0; names != NULL && i < names->count && count < CANDIDATES_MAX; i++)
        candidates[count++] = names->items[i].name;
    return arc__nearest(name, candidates, count);
}

static const struct arc_node *list_of(const struct arc_node *map, enum arc_field_id id)
{
    const struct arc_node *list = arc__field_get(map, id);
    return list != NULL && list->kind == ARC_NODE_LIST ? list : NULL;
}

static const struct arc_node *map_of(const struct arc_node *map, enum arc_field_id id)
{
    const struct arc_node *node = arc__field_get(map, id);
    return node != NULL && node->kind == ARC_NODE_MAP ? node : NULL;
}

/* Axes, and the keys of the cells that are added. */
const struct arc_names *arc__scope_axes(struct arc_check *check)
{
    struct arc_names *names = &check->names->axes;
    if (check->job == NULL || names->ready)
        return check->job != NULL ? names : NULL;
    const struct arc_node *matrix = map_of(check->job->node, ARC_FIELD_JOB_MATRIX);
    const struct arc_node *include = list_of(matrix, ARC_FIELD_MATRIX_INCLUDE);
    size_t most = matrix != NULL ? matrix->count : 0;
    for (const struct arc_node *c = include != NULL ? include->first : NULL; c != NULL; c = c->next)
        most += c->kind == ARC_NODE_MAP ? c->count : 0;
    if (!begin(check, names, most))
        return NULL;
    for (const struct arc_node *c = matrix != NULL ? matrix->first : NULL; c != NULL; c = c->next) {
        if (arc__is_axis(c))
            add(names, c->key, 0, c);
    }
    for (const struct arc_node *c = include != NULL ? include->first : NULL; c != NULL;
         c = c->next) {
        for (const struct arc_node *p = c->kind == ARC_NODE_MAP ? c->first : NULL; p != NULL;
             p = p->next)
            add(names, p->key, 1, NULL);
    }
    return sorted(names);
}

const struct arc_names *arc__scope_needs(struct arc_check *check)
{
    struct arc_names *names = &check->names->needs;
    if (check->job == NULL || names->ready)
        return check->job != NULL ? names : NULL;
    const struct arc_node *list = list_of(check->job->node, ARC_FIELD_JOB_DEPENDS_ON);
    if (!begin(check, names, list != NULL ? list->count : 0))
        return NULL;
    for (const struct arc_node *c = list != NULL ? list->first : NULL; c != NULL; c = c->next) {
        const struct arc_spec_job *job =
            c->kind < ARC_NODE_LIST ? arc__spec_job(check->spec, c->text) : NULL;
        if (job != NULL)
            add(names, c->text, job->index, NULL);
    }
    return sorted(names);
}

static uint32_t add_steps(struct arc_names *names, const struct arc_node *list, uint32_t order)
{
    for (const struct arc_node *c = list != NULL ? list->first : NULL; c != NULL;
         c = c->next, order++) {
        arc_slice id = arc__field_text(c, ARC_FIELD_STEP_ID);
        if (id.len == 0)
            id = arc__field_text(c, ARC_FIELD_STEP_NAME);
        if (id.len > 0)
            add(names, id, order, NULL);
    }
    return order;
}

const struct arc_names *arc__scope_steps(struct arc_check *check)
{
    struct arc_names *names = &check->names->steps;
    if (check->job == NULL || names->ready)
        return check->job != NULL ? names : NULL;
    const struct arc_node *steps = list_of(check->job->node, ARC_FIELD_JOB_STEPS);
    const struct arc_node *after = list_of(check->job->node, ARC_FIELD_JOB_FINALLY);
    size_t most = (size_t)(steps != NULL ? steps->count : 0) + (after != NULL ? after->count : 0);
    if (!begin(check, names, most))
        return NULL;
    (void)add_steps(names, after, add_steps(names, steps, 0));
    return sorted(names);
}

const struct arc_names *arc__scope_outputs(struct arc_check *check, struct arc_spec_job *job)
{
    if (job->outputs == NULL) {
        const struct arc_node *map = map_of(job->node, ARC_FIELD_JOB_OUTPUTS);
        struct arc_names *names = ARC_ARENA_NEW(check->arena, struct arc_names);
        if (names == NULL || !begin(check, names, map != NULL ? map->count : 0))
            return NULL;
        for (const struct arc_node *c = map != NULL ? map->first : NULL; c != NULL; c = c->next)
            add(names, c->key, 0, NULL);
        job->outputs = sorted(names);
    }
    return job->outputs;
}
