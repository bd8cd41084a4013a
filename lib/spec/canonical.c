/* SPDX-License-Identifier: Apache-2.0 */
/* A definition as canonical JSON: camelCase keys in the order of the field table, zero values left
 * out, texts as texts, durations in their shortest form. Free maps keep the order as written. */
#include "base/json.h"
#include "base/time.h"
#include "spec/model.h"
#include "spec/node.h"

static void put_object(struct arc_json *json, const struct arc_node *node, enum arc_object object);

static void put_text_map(struct arc_json *json, const struct arc_node *node)
{
    arc__json_object(json);
    for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
        arc__json_key(json, c->key);
        arc__json_text(json, c->text);
    }
    arc__json_end_object(json);
}

static void put_texts(struct arc_json *json, const struct arc_node *node)
{
    arc__json_array(json);
    for (const struct arc_node *c = node->first; c != NULL; c = c->next)
        arc__json_text(json, c->text);
    arc__json_end_array(json);
}

static void put_objects(struct arc_json *json, const struct arc_node *node, enum arc_object object)
{
    arc__json_array(json);
    for (const struct arc_node *c = node->first; c != NULL; c = c->next)
        put_object(json, c, object);
    arc__json_end_array(json);
}

static void put_duration(struct arc_json *json, arc_slice text)
{
    int64_t ns = 0;
    struct arc_buf form;
    arc__buf_init(&form, &json->out->mem, 64);
    if (arc__duration_parse(text, &ns, NULL) == ARC_OK)
        arc__duration_add(&form, ns);
    if (form.failed != ARC_OK)
        json->out->failed = form.failed;
    arc__json_text(json, arc__buf_slice(&form));
    arc__buf_deinit(&form);
}

static void put_value(struct arc_json *json, const struct arc_node *node,
                      const struct arc_field *field)
{
    switch (field->type) {
    case ARC_TYPE_DURATION:
        put_duration(json, node->text);
        break;
    case ARC_TYPE_INT:
    case ARC_TYPE_BOOL:
    case ARC_TYPE_MAP:
    case ARC_TYPE_MAPS:
        arc__node_put(json, node);
        break;
    case ARC_TYPE_WHEN:
        arc__json_text(json, arc__slice_trim(node->text));
        break;
    case ARC_TYPE_VARIABLES:
    case ARC_TYPE_ENV:
    case ARC_TYPE_TEXTMAP:
        put_text_map(json, node);
        break;
    case ARC_TYPE_OBJECT:
        put_object(json, node, field->of);
        break;
    case ARC_TYPE_LIST:
        put_objects(json, node, field->of);
        break;
    default:
        if (node->kind == ARC_NODE_LIST && field->of != ARC_OBJECT_NONE)
            put_objects(json, node, field->of);
        else if (node->kind == ARC_NODE_LIST)
            put_texts(json, node);
        else if (node->kind == ARC_NODE_MAP)
            put_object(json, node, field->of);
        else
            arc__json_text(json, node->text);
        break;
    }
}

/* Absent and zero mean the same but for fields that say otherwise. */
static int is_zero(const struct arc_node *node, const struct arc_field *field)
{
    int64_t ns = 1;
    if (node == NULL)
        return 1;
    if (node->kind >= ARC_NODE_LIST)
        return node->count == 0;
    if ((field->flags & ARC_FIELD_FLAG_KEEP) != 0)
        return 0;
    if (field->type == ARC_TYPE_BOOL || field->type == ARC_TYPE_INT)
        return node->number == 0;
    if (field->type == ARC_TYPE_DURATION)
        return arc__duration_parse(node->text, &ns, NULL) == ARC_OK && ns == 0;
    return node->text.len == 0;
}

static void put_object(struct arc_json *json, const struct arc_node *node, enum arc_object object)
{
    const struct arc_field *first;
    size_t count = arc__object_fields(object, &first);
    arc__json_object(json);
    for (size_t i = 0; i < count; i++) {
        const struct arc_node *value = arc__field_get(node, first[i].id);
        if (is_zero(value, &first[i]))
            continue;
        arc__json_key(json, arc__slice_cstr(first[i].key));
        put_value(json, value, &first[i]);
    }
    arc__json_end_object(json);
}

arc_status arc__spec_canonical(const struct arc_spec *spec, struct arc_buf *out, arc_err *err)
{
    struct arc_json json;
    arc__json_init(&json, out);
    put_object(&json, spec->root, ARC_OBJECT_PIPELINE);
    return arc__buf_check(out, err);
}
