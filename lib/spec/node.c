/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/node.h"

#include "spec/tree.h"

const struct arc_node *arc__node_get(const struct arc_node *map, const char *key)
{
    if (map == NULL || map->kind != ARC_NODE_MAP)
        return NULL;
    for (const struct arc_node *child = map->first; child != NULL; child = child->next) {
        if (arc__slice_is(child->key, key))
            return child;
    }
    return NULL;
}

static size_t digits(arc_slice text, size_t at)
{
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
        at++;
    return at;
}

/* YAML has numbers that JSON has not: +1, 0x1f, 007, .5, 1. */
static int is_json_number(arc_slice text)
{
    size_t from = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t at = digits(text, from);
    if (at == from || (text.ptr[from] == '0' && at > from + 1))
        return 0;
    if (at < text.len && text.ptr[at] == '.') {
        size_t fraction = at + 1;
        at = digits(text, fraction);
        if (at == fraction)
            return 0;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+'))
            at++;
        size_t exponent = at;
        at = digits(text, at);
        if (at == exponent)
            return 0;
    }
    return at == text.len;
}

static void put_number(struct arc_json *json, const struct arc_node *node)
{
    if (is_json_number(node->text))
        arc__json_raw(json, node->text);
    else if (node->kind == ARC_NODE_INT)
        arc__json_i64(json, node->number);
    else if (node->real - node->real == 0) /* not an infinity, not NaN */
        arc__json_double(json, node->real);
    else
        arc__json_text(json, node->text); /* JSON has no such number */
}

void arc__node_put(struct arc_json *json, const struct arc_node *node)
{
    switch (node->kind) {
    case ARC_NODE_NULL:
        arc__json_null(json);
        break;
    case ARC_NODE_BOOL:
        arc__json_bool(json, node->number != 0);
        break;
    case ARC_NODE_INT:
    case ARC_NODE_FLOAT:
        put_number(json, node);
        break;
    case ARC_NODE_TEXT:
        arc__json_text(json, node->text);
        break;
    case ARC_NODE_LIST:
        arc__json_array(json);
        for (const struct arc_node *c = node->first; c != NULL; c = c->next)
            arc__node_put(json, c);
        arc__json_end_array(json);
        break;
    case ARC_NODE_MAP:
        arc__json_object(json);
        for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
            arc__json_key(json, c->key);
            arc__node_put(json, c);
        }
        arc__json_end_object(json);
        break;
    }
}

void arc__node_to_json(const struct arc_node *node, struct arc_buf *out)
{
    struct arc_json json;
    arc__json_init(&json, out);
    arc__node_put(&json, node);
}

/* What even the smallest document asks for at once: room for all that may be open. */
#define PIECE_LEAST ((size_t)8192)

/* What a failed arena means: its ceiling, or the host's memory. The ceiling is what is left when
 * less remains than the largest piece that a document of this size asks for at once. */
arc_status arc__arena_status(const struct arc_arena *arena, size_t document_bytes, arc_err *err)
{
    size_t left = arena->max_bytes - arena->used_bytes;
    if (left < 8 * document_bytes + PIECE_LEAST)
        return arc__fail(err, ARC_ELIMIT, "definition",
                         "The definition needs more memory than the budget of %zu bytes.",
                         arena->max_bytes);
    return arc__fail_nomem(err);
}

arc_status arc__json_read(arc_slice text, const struct arc_spec_limits *limits,
                          struct arc_arena *arena, const struct arc_node **out, arc_err *err)
{
    struct arc_diags diags;
    struct arc_sink sink = {.arena = arena, .diags = &diags, .max = 1};
    struct arc_spec_limits resolved = arc__limits_resolve(limits);
    if (limits == NULL || limits->depth == 0)
        resolved.depth = ARC_JSON_READ_DEPTH;
    struct arc_tree tree;
    const struct arc_node *root = NULL;
    if (arc__diags_init(&diags, arena, ARC_NONE, text) &&
        arc__tree_init(&tree, 0, &resolved, arena, &sink))
        root = arc__json_tree(&tree);
    if (arena->failed)
        return arc__arena_status(arena, text.len, err);
    if (diags.errors > 0) {
        const struct arc_diag *first = diags.first;
        return arc__fail_at(err, ARC_EINVAL, first->mark.line, first->mark.column, "json", "%.*s",
                            ARC_ARG(first->message));
    }
    *out = root;
    return ARC_OK;
}
