/* SPDX-License-Identifier: Apache-2.0 */
/* A definition in the order of the field table. Two uses: the canonical form, which is what a
 * definition means (camelCase, what is as good as absent left out, texts as texts, durations in
 * their shortest form), and the ordered form, which is the document itself with its keys in their
 * first spelling and in their order. Free maps keep the order as written.
 *
 * The tree that is made shares the parts that stay as they are; the recursion is bounded by the
 * depth of the tree that was read. */
#include "base/time.h"
#include "spec/include.h"
#include "spec/model.h"
#include "spec/node.h"
#include "spec/print.h"

struct shaper {
    struct arc_arena *arena;
    size_t node_size;
    int ordered; /* the document itself, not only its meaning */
    int front;   /* keys of one's own come first */
};

static struct arc_node *shape_object(struct shaper *s, const struct arc_node *node,
                                     enum arc_object object);

static struct arc_node *copy_of(struct shaper *s, const struct arc_node *node)
{
    struct arc_node *copy = arc__arena_alloc(s->arena, s->node_size);
    if (copy != NULL) {
        *copy = *node;
        copy->next = NULL;
    }
    return copy;
}

/* The same without its children, and where the first one goes. */
static struct arc_node *hollow(struct shaper *s, const struct arc_node *node,
                               struct arc_node ***tail)
{
    struct arc_node *copy = copy_of(s, node);
    if (copy == NULL)
        return NULL;
    copy->first = NULL;
    copy->count = 0;
    copy->fields = 0;
    *tail = &copy->first;
    return copy;
}

static void append(struct arc_node *parent, struct arc_node ***tail, struct arc_node *child)
{
    if (child == NULL)
        return; /* the arena says so */
    **tail = child;
    *tail = &child->next;
    parent->count++;
}

/* Any value as it stands; the children are copied only where nodes need room for notes. */
static struct arc_node *shape_any(struct shaper *s, const struct arc_node *node)
{
    struct arc_node **tail, *copy;
    if (node->kind < ARC_NODE_LIST || s->node_size == sizeof(struct arc_node))
        return copy_of(s, node);
    copy = hollow(s, node, &tail);
    for (const struct arc_node *c = node->first; c != NULL && copy != NULL; c = c->next)
        append(copy, &tail, shape_any(s, c));
    return copy;
}

/* --- values ------------------------------------------------------------------------------- */

static struct arc_node *shape_text(struct shaper *s, const struct arc_node *node, arc_slice text)
{
    struct arc_node *copy = copy_of(s, node);
    if (copy != NULL) {
        copy->kind = ARC_NODE_TEXT;
        copy->text = text;
        copy->plain = 0;
        copy->braceless = 0;
        copy->number = 0;
    }
    return copy;
}

static struct arc_node *shape_texts(struct shaper *s, const struct arc_node *node)
{
    struct arc_node **tail, *copy = hollow(s, node, &tail);
    for (const struct arc_node *c = node->first; c != NULL && copy != NULL; c = c->next)
        append(copy, &tail, c->kind < ARC_NODE_LIST ? shape_text(s, c, c->text) : shape_any(s, c));
    return copy;
}

static struct arc_node *shape_objects(struct shaper *s, const struct arc_node *node,
                                      enum arc_object object)
{
    struct arc_node **tail, *copy = hollow(s, node, &tail);
    for (const struct arc_node *c = node->first; c != NULL && copy != NULL; c = c->next)
        append(copy, &tail, c->kind == ARC_NODE_MAP ? shape_object(s, c, object) : shape_any(s, c));
    return copy;
}

static struct arc_node *shape_duration(struct shaper *s, const struct arc_node *node)
{
    int64_t ns = 0;
    struct arc_buf form;
    if (arc__duration_parse(node->text, &ns, NULL) != ARC_OK)
        return shape_text(s, node, node->text);
    arc__buf_init(&form, &s->arena->mem, 64);
    arc__duration_add(&form, ns);
    s->arena->failed |= form.failed != ARC_OK;
    struct arc_node *copy = shape_text(s, node, arc__arena_copy(s->arena, arc__buf_slice(&form)));
    arc__buf_deinit(&form);
    return copy;
}

/* What a value means, whatever way it was written. */
static struct arc_node *shape_meaning(struct shaper *s, const struct arc_node *node,
                                      const struct arc_field *field)
{
    int scalar = node->kind < ARC_NODE_LIST;
    switch (field->type) {
    case ARC_TYPE_DURATION:
        return scalar ? shape_duration(s, node) : shape_any(s, node);
    case ARC_TYPE_INT:
    case ARC_TYPE_BOOL:
    case ARC_TYPE_MAP:
    case ARC_TYPE_MAPS:
        return shape_any(s, node);
    case ARC_TYPE_WHEN:
        return scalar ? shape_text(s, node, arc__slice_trim(node->text)) : shape_any(s, node);
    default:
        return scalar ? shape_text(s, node, node->text) : shape_texts(s, node);
    }
}

static struct arc_node *shape_value(struct shaper *s, const struct arc_node *node,
                                    const struct arc_field *field)
{
    if (field->of != ARC_OBJECT_NONE && node->kind == ARC_NODE_MAP)
        return shape_object(s, node, field->of);
    if (field->of != ARC_OBJECT_NONE && node->kind == ARC_NODE_LIST)
        return shape_objects(s, node, field->of);
    return s->ordered ? shape_any(s, node) : shape_meaning(s, node, field);
}

/* --- what is as good as absent ------------------------------------------------------------ */

/* 1: the list holds these words, in this order. */
static int are_words(const struct arc_node *list, arc_slice words)
{
    arc_slice word;
    const struct arc_node *c = list->kind == ARC_NODE_LIST ? list->first : NULL;
    for (; c != NULL && arc__word_next(&words, &word); c = c->next) {
        if (c->kind != ARC_NODE_TEXT || !arc__slice_equal(c->text, word))
            return 0;
    }
    return c == NULL && words.len == 0;
}

static int is_standard(const struct arc_node *node, const struct arc_field *field)
{
    int64_t here = 0, there = 0;
    arc_slice standard = arc__slice_cstr(field->standard);
    if (node->kind >= ARC_NODE_LIST)
        return node->count == 0 || (standard.len > 0 && are_words(node, standard));
    if (standard.len == 0)
        return node->kind == ARC_NODE_TEXT && node->text.len == 0 &&
               (field->flags & ARC_FIELD_FLAG_KEEP) == 0;
    if (field->type == ARC_TYPE_DURATION)
        return arc__duration_parse(node->text, &here, NULL) == ARC_OK &&
               arc__duration_parse(standard, &there, NULL) == ARC_OK && here == there;
    if (field->type == ARC_TYPE_INT)
        return node->kind == ARC_NODE_INT && arc__slice_to_i64(standard, &there) &&
               node->number == there;
    if (field->type == ARC_TYPE_BOOL)
        return node->kind == ARC_NODE_BOOL &&
               (node->number != 0) == arc__slice_is(standard, "true");
    return arc__slice_equal(node->text, standard);
}

/* --- objects ------------------------------------------------------------------------------ */

static int is_axis(enum arc_object object, const struct arc_node *child)
{
    return object == ARC_OBJECT_MATRIX && arc__field_find(object, child->key) == NULL &&
           !arc__slice_starts(child->key, ARC_LIT("x-"));
}

static struct arc_node *shape_meaning_of_object(struct shaper *s, const struct arc_node *node,
                                                enum arc_object object, int whole)
{
    const struct arc_field *first;
    size_t count = arc__object_fields(object, &first);
    struct arc_node **tail, *copy = hollow(s, node, &tail);
    for (const struct arc_node *c = node->first; c != NULL && copy != NULL; c = c->next) {
        if (is_axis(object, c))
            append(copy, &tail, shape_any(s, c));
    }
    for (size_t i = 0; i < count && copy != NULL; i++) {
        const struct arc_node *child = arc__field_get(node, first[i].id);
        struct arc_node *value = child != NULL ? shape_value(s, child, &first[i]) : NULL;
        if (value == NULL || (value->kind >= ARC_NODE_LIST && value->count == 0) ||
            (!whole && is_standard(value, &first[i])))
            continue;
        value->key = arc__slice_cstr(first[i].key);
        append(copy, &tail, value);
    }
    return copy;
}

/* The index of the field that each child means, or -1 for keys of one's own; a second spelling of
 * what has been given is such a key too. */
static void find_fields(const struct arc_node *node, const struct arc_field *first, size_t count,
                        enum arc_object object, int32_t *index)
{
    uint64_t seen = 0;
    size_t at = 0;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next, at++) {
        const struct arc_field *field = arc__field_find(object, c->key);
        size_t found = field != NULL ? (size_t)(field - first) : count;
        index[at] = found < count && found < 64 && (seen >> found & 1) == 0 ? (int32_t)found : -1;
        if (index[at] >= 0)
            seen |= (uint64_t)1 << found;
    }
}

/* Keys of one's own stay in front of the first known key where they stood there (they may hold
 * anchors), else they come last. The axes of a matrix come before its options. */
static void order_children(struct shaper *s, const struct arc_node *node, enum arc_object object,
                           const int32_t *index, struct arc_node *copy, struct arc_node **tail)
{
    const struct arc_field *first;
    size_t count = arc__object_fields(object, &first), at = 0, known = node->count;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next, at++) {
        if (index[at] >= 0 && known == node->count)
            known = at;
        if (index[at] < 0 && (s->front || known == node->count || is_axis(object, c)))
            append(copy, &tail, shape_any(s, c));
    }
    for (size_t i = 0; i < count; i++) {
        at = 0;
        for (const struct arc_node *c = node->first; c != NULL; c = c->next, at++) {
            if (index[at] != (int32_t)i)
                continue;
            struct arc_node *value = shape_value(s, c, &first[i]);
            if (value != NULL)
                value->key = arc__slice_cstr(first[i].key);
            append(copy, &tail, value);
        }
    }
    at = 0;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next, at++) {
        if (index[at] < 0 && !s->front && at > known && !is_axis(object, c))
            append(copy, &tail, shape_any(s, c));
    }
}

static struct arc_node *order_object(struct shaper *s, const struct arc_node *node,
                                     enum arc_object object)
{
    const struct arc_field *first;
    size_t count = arc__object_fields(object, &first);
    struct arc_node **tail, *copy = hollow(s, node, &tail);
    int32_t *index = arc__arena_array(s->arena, node->count + 1, sizeof(*index));
    if (copy == NULL || index == NULL)
        return NULL;
    find_fields(node, first, count, object, index);
    order_children(s, node, object, index, copy, tail);
    return copy;
}

/* An object that says something stays: `approval: {type: manual}` is a gate, also where `manual` is
 * what an absent type means. */
static struct arc_node *shape_object(struct shaper *s, const struct arc_node *node,
                                     enum arc_object object)
{
    if (s->ordered)
        return order_object(s, node, object);
    struct arc_node *copy = shape_meaning_of_object(s, node, object, 0);
    return copy != NULL && copy->count == 0 && node->count > 0
               ? shape_meaning_of_object(s, node, object, 1)
               : copy;
}

/* What is included declares its parameters and belongs to no namespace. */
static enum arc_object object_of(const struct arc_node *root)
{
    return arc__is_template(root) ? ARC_OBJECT_TEMPLATE : ARC_OBJECT_PIPELINE;
}

static struct arc_node *shape_root(struct shaper *s, const struct arc_node *root)
{
    struct arc_node *out =
        root->kind == ARC_NODE_MAP ? shape_object(s, root, object_of(root)) : shape_any(s, root);
    return s->arena->failed ? NULL : out;
}

const struct arc_node *arc__canonical_tree(const struct arc_node *root, struct arc_arena *arena)
{
    struct shaper s = {.arena = arena, .node_size = sizeof(struct arc_node)};
    return shape_root(&s, root);
}

struct arc_node *arc__ordered_tree(const struct arc_node *root, uint32_t flags,
                                   struct arc_arena *arena)
{
    struct shaper s = {.arena = arena, .node_size = sizeof(struct arc_node), .ordered = 1};
    if ((flags & ARC_ORDER_NOTED) != 0)
        s.node_size = sizeof(struct arc_noted);
    s.front = (flags & ARC_ORDER_FRONT) != 0;
    return shape_root(&s, root);
}

int arc__trees_equal(const struct arc_node *a, const struct arc_node *b)
{
    if (a->kind != b->kind || !arc__slice_equal(a->key, b->key))
        return 0;
    if (a->kind == ARC_NODE_BOOL)
        return a->number == b->number;
    if (a->kind < ARC_NODE_LIST)
        return a->kind == ARC_NODE_NULL || arc__slice_equal(a->text, b->text);
    const struct arc_node *x = a->first, *y = b->first;
    for (; x != NULL && y != NULL; x = x->next, y = y->next) {
        if (!arc__trees_equal(x, y))
            return 0;
    }
    return x == NULL && y == NULL;
}

arc_status arc__spec_canonical(const struct arc_spec *spec, struct arc_buf *out, arc_err *err)
{
    return arc__spec_print(spec, ARC_FORMAT_JSON, out, err);
}

arc_status arc__spec_print(const struct arc_spec *spec, enum arc_format form, struct arc_buf *out,
                           arc_err *err)
{
    struct arc_arena arena;
    arc__arena_init(&arena, &out->mem, ARC_PRINT_BYTES_MAX);
    const struct arc_node *tree = arc__canonical_tree(spec->root, &arena);
    if (tree != NULL && form == ARC_FORMAT_YAML)
        arc__print_yaml(tree, out);
    else if (tree != NULL)
        arc__node_to_json(tree, out);
    arc__arena_deinit(&arena);
    return tree != NULL ? arc__buf_check(out, err) : arc__fail_nomem(err);
}
