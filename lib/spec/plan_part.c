/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a definition that a plan hands on as they are: sources, targets, runtimes, notices,
 * artifacts. Canonical: camelCase keys in the order of the field table, what is absent left out. */
#include "spec/plan_private.h"

static void put_list(struct arc_planner *p, struct arc_json *json, const struct arc_node *node,
                     enum arc_object object, int *late)
{
    arc__json_array(json);
    for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
        if (object != ARC_OBJECT_NONE)
            arc__plan_put_object(p, json, c, object, late);
        else
            arc__json_text(json, late != NULL ? arc__plan_expand(p, c, late) : c->text);
    }
    arc__json_end_array(json);
}

static void put_map(struct arc_planner *p, struct arc_json *json, const struct arc_node *node,
                    int *late)
{
    arc__json_object(json);
    for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
        arc__json_key(json, c->key);
        arc__json_text(json, late != NULL ? arc__plan_expand(p, c, late) : c->text);
    }
    arc__json_end_object(json);
}

static int is_absent(const struct arc_node *node, const struct arc_field *field)
{
    if (node == NULL)
        return 1;
    if (node->kind >= ARC_NODE_LIST)
        return node->count == 0;
    if ((field->flags & ARC_FIELD_FLAG_KEEP) != 0)
        return 0;
    if (field->type == ARC_TYPE_BOOL || field->type == ARC_TYPE_INT)
        return node->number == 0;
    return node->text.len == 0;
}

static void put_field(struct arc_planner *p, struct arc_json *json, const struct arc_node *node,
                      const struct arc_field *field, int *late)
{
    if ((field->flags & ARC_FIELD_FLAG_TEMPLATE) == 0 && field->of == ARC_OBJECT_NONE)
        late = NULL;
    if (field->type == ARC_TYPE_INT || field->type == ARC_TYPE_BOOL)
        arc__node_put(json, node);
    else if (field->type == ARC_TYPE_MAP || field->type == ARC_TYPE_MAPS)
        arc__plan_put_value(p, json, node, late);
    else if (node->kind == ARC_NODE_LIST)
        put_list(p, json, node, field->of, late);
    else if (node->kind == ARC_NODE_MAP && field->of != ARC_OBJECT_NONE)
        arc__plan_put_object(p, json, node, field->of, late);
    else if (node->kind == ARC_NODE_MAP)
        put_map(p, json, node, late);
    else
        arc__json_text(json, late != NULL ? arc__plan_expand(p, node, late) : node->text);
}

/* As deep as the field table, and documents, are. */
void arc__plan_put_object(struct arc_planner *p, struct arc_json *json, const struct arc_node *node,
                          enum arc_object object, int *late)
{
    const struct arc_field *first;
    size_t count = arc__object_fields(object, &first);
    arc__json_object(json);
    for (size_t i = 0; i < count; i++) {
        const struct arc_node *value = arc__field_get(node, first[i].id);
        if (is_absent(value, &first[i]))
            continue;
        arc__json_key(json, arc__slice_cstr(first[i].key));
        put_field(p, json, value, &first[i], late);
    }
    arc__json_end_object(json);
}

static void put_part(struct arc_planner *p, struct arc_json *json, const struct arc_node *node,
                     enum arc_object object, int *late)
{
    if (node->kind == ARC_NODE_LIST)
        put_list(p, json, node, object, late);
    else
        arc__plan_put_object(p, json, node, object, late);
}

arc_slice arc__plan_part(struct arc_planner *p, const struct arc_node *node, enum arc_object object,
                         uint32_t bit, uint32_t *late)
{
    struct arc_buf buf;
    struct arc_json json;
    int unknown = 0;
    if (node == NULL || node->count == 0)
        return ARC_NONE;
    buf = arc__plan_scratch(p);
    arc__json_init(&json, &buf);
    put_part(p, &json, node, object, late != NULL ? &unknown : NULL);
    if (unknown) {
        arc__buf_clear(&buf);
        arc__json_init(&json, &buf);
        put_part(p, &json, node, object, NULL);
        *late |= bit;
        p->runtime = 1;
    }
    return arc__plan_settle(p, &buf);
}
