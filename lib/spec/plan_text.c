/* SPDX-License-Identifier: Apache-2.0 */
/* Templates while planning. What is known is put in; what only the run will know leaves the whole
 * text as it was written, for core/resolve.h to expand when the step is granted. Most texts have no
 * template and are copied. */
#include <stdlib.h>

#include "base/text.h"
#include "base/time.h"
#include "spec/plan_private.h"

/* --- memory ------------------------------------------------------------------------------- */

void *arc__plan_array(struct arc_planner *p, size_t count, size_t size)
{
    return arc__arena_array(p->arena, count, size);
}

arc_slice arc__plan_keep(struct arc_planner *p, arc_slice text)
{
    return arc__arena_copy(p->arena, text);
}

static arc_slice shared(struct arc_planner *p, arc_slice *table, arc_slice text)
{
    arc_slice *last = &table[arc__slice_look(text) % ARC_KNOWN_TEXTS_MAX];
    if (!arc__slice_same(*last, text))
        *last = arc__plan_keep(p, text);
    return *last;
}

arc_slice arc__plan_name(struct arc_planner *p, arc_slice text)
{
    return p->known != NULL && text.len > 0 ? shared(p, p->known->names, text)
                                            : arc__plan_keep(p, text);
}

arc_slice arc__plan_value(struct arc_planner *p, arc_slice text)
{
    return p->known != NULL && text.len > 0 ? shared(p, p->known->values, text)
                                            : arc__plan_keep(p, text);
}

/* A buffer that may take what is left of the arena. */
struct arc_buf arc__plan_scratch(struct arc_planner *p)
{
    struct arc_buf buf = p->spare;
    size_t most = p->arena->max_bytes - p->arena->used_bytes;
    p->spare = (struct arc_buf){0};
    if (buf.ptr == NULL)
        arc__buf_init(&buf, &p->arena->mem, most);
    buf.max_bytes = most;
    arc__buf_clear(&buf);
    return buf;
}

static void put_back(struct arc_planner *p, struct arc_buf *buf)
{
    if (p->spare.ptr == NULL) {
        p->spare = *buf;
        *buf = (struct arc_buf){0};
    }
    arc__buf_deinit(buf);
}

arc_slice arc__plan_settle(struct arc_planner *p, struct arc_buf *buf)
{
    arc_slice text = ARC_NONE;
    if (buf->failed != ARC_OK)
        p->arena->failed = 1;
    else
        text = arc__plan_keep(p, arc__buf_slice(buf));
    put_back(p, buf);
    return text;
}

/* --- findings ----------------------------------------------------------------------------- */

void arc__plan_fault(struct arc_planner *p, const struct arc_node *node,
                     const struct arc_fault *fault)
{
    struct arc_path here = {p->path, node->key, 0};
    arc_slice message = fault->message;
    /* It is one clause of our sentence. */
    if (message.len > 0 && message.ptr[message.len - 1] == '.')
        message.len--;
    (void)arc__diag_add(p->sink, ARC_DIAG_EVALUATION, node->key.ptr != NULL ? &here : p->path,
                        &node->mark, arc__arena_copy(p->sink->arena, fault->hint),
                        ARC_ARGS(message));
}

static void too_long(struct arc_planner *p, const struct arc_node *node)
{
    uint32_t most = p->limits.string_bytes;
    arc_slice more = arc__arena_printf(p->arena, "more than %u", most);
    (void)arc__diag_add(p->sink, ARC_DIAG_TEXT_SIZE, p->path, &node->mark,
                        ARC_LIT("use fewer or shorter values in it"),
                        ARC_ARGS(more, arc__decimal(p->sink, most)));
}

static void not_known(struct arc_planner *p, const struct arc_node *node)
{
    struct arc_path here = {p->path, node->key, 0};
    (void)arc__diag_add(p->sink, ARC_DIAG_NOT_KNOWN, node->key.ptr != NULL ? &here : p->path,
                        &node->mark, ARC_NONE, ARC_ARGS(arc__quoted(p->sink, node->text)));
}

/* --- what templates see ------------------------------------------------------------------- */

void arc__plan_use_env(struct arc_planner *p, const struct arc_plan_env *env)
{
    p->env = env;
    p->world.contexts[ARC_CONTEXT_ENV] = ARC_VALUE_OF_UNKNOWN;
    arc__arena_reset(&p->step);
}

static int may_name(arc_slice text, const char *name)
{
    return memmem(text.ptr, text.len, name, strlen(name)) != NULL;
}

int arc__plan_is_common(arc_slice text)
{
    return text.len > 0 && !may_name(text, "env") && !may_name(text, "matrix");
}

void arc__plan_see(struct arc_planner *p, arc_slice text)
{
    struct arc_value *seen = &p->world.contexts[ARC_CONTEXT_ENV];
    uint32_t count = 0;
    if (text.len == 0)
        return;
    p->names_matrix |= (uint32_t)may_name(text, "matrix");
    if (p->env == NULL || seen->kind == ARC_VALUE_MAP || !may_name(text, "env"))
        return;
    size_t most = (size_t)p->env->known.count + p->env->late.count;
    struct arc_member *members = arc__arena_array(&p->step, most, sizeof(*members));
    if (members == NULL) {
        p->arena->failed = 1;
        return;
    }
    for (uint32_t i = 0; i < p->env->known.count; i++)
        members[count++] = (struct arc_member){p->env->known.items[i].key,
                                               arc__value_text(p->env->known.items[i].value)};
    for (uint32_t i = 0; i < p->env->late.count; i++)
        members[count++] = (struct arc_member){p->env->late.items[i].key, ARC_VALUE_OF_UNKNOWN};
    *seen = arc__value_map(members, count);
}

static struct arc_expr_limits expr_limits(const struct arc_planner *p)
{
    return (struct arc_expr_limits){.bytes = p->limits.expression_bytes,
                                    .units = p->limits.expression_units};
}

/* What an evaluation made is gone; that its memory was out is not. The ceiling of the scratch is an
 * expression's fault, the host's memory is not. */
static void scratch_done(struct arc_planner *p, arc_status status)
{
    if (status == ARC_ENOMEM || p->scratch.failed)
        p->arena->failed = 1;
    arc__arena_reset(&p->scratch);
}

/* --- texts -------------------------------------------------------------------------------- */

/* The expanded text in *buf; 0: it is not known, or a finding says why not. */
static int expand_into(struct arc_planner *p, const struct arc_node *node, struct arc_buf *buf,
                       int *late)
{
    struct arc_expr_limits limits = expr_limits(p);
    struct arc_fault fault = {0};
    int unknown = 0, known;
    arc__plan_see(p, node->text);
    arc_status status =
        arc__template_expand(node->text, &p->world, &limits, &p->scratch, buf, &unknown, &fault);
    known = status == ARC_OK && !unknown;
    if (status == ARC_ELIMIT)
        too_long(p, node);
    else if (status == ARC_EINVAL)
        arc__plan_fault(p, node, &fault);
    else if (status == ARC_OK && unknown && late != NULL)
        *late = 1;
    else if (status == ARC_OK && unknown)
        not_known(p, node);
    scratch_done(p, status);
    return known;
}

/* A few templates in one text can make it huge: what is expanded has the limit of any text. */
static arc_slice expand_new(struct arc_planner *p, const struct arc_node *node, int *late)
{
    struct arc_buf buf = arc__plan_scratch(p);
    buf.max_bytes = p->limits.string_bytes;
    int expanded = expand_into(p, node, &buf, late);
    arc_slice made = arc__plan_keep(p, expanded ? arc__buf_slice(&buf) : node->text);
    put_back(p, &buf);
    return made;
}

arc_slice arc__plan_expand(struct arc_planner *p, const struct arc_node *node, int *late)
{
    if (!arc__node_template(node))
        return arc__plan_value(p, node->text);
    struct arc_known_text *known = NULL;
    if (p->known != NULL)
        known = &p->known->texts[arc__slice_look(node->text) % ARC_KNOWN_TEXTS_MAX];
    if (known != NULL && arc__slice_equal(known->text, node->text) &&
        (late != NULL || !known->late)) {
        if (known->late)
            *late = 1;
        return known->made;
    }
    uint32_t errors = p->sink->diags->errors;
    int is_late = 0;
    arc_slice made = expand_new(p, node, late != NULL ? &is_late : NULL);
    if (is_late)
        *late = 1;
    if (known != NULL && !p->arena->failed && p->sink->diags->errors == errors &&
        arc__plan_is_common(node->text))
        *known = (struct arc_known_text){node->text, made, is_late};
    return made;
}

arc_slice arc__plan_field(struct arc_planner *p, const struct arc_node *map, enum arc_field_id id)
{
    return arc__plan_keep(p, arc__field_text(map, id));
}

/* --- maps of texts ------------------------------------------------------------------------ */

int arc__plan_kv_order(const void *a, const void *b)
{
    const struct arc_kv *x = a, *y = b;
    return arc__slice_compare(x->key, y->key);
}

/* Most are sorted as they are written, and few. */
static void sort_kvs(struct arc_kv *items, uint32_t count)
{
    uint32_t at = 1;
    while (at < count && arc__plan_kv_order(&items[at - 1], &items[at]) < 0)
        at++;
    if (at < count)
        qsort(items, count, sizeof(*items), arc__plan_kv_order);
}

/* Two sorted lists as a new one; where both have a key, `above` wins. */
static struct arc_kvs merged(struct arc_planner *p, const struct arc_kvs *below,
                             const struct arc_kvs *above)
{
    struct arc_kv *items = arc__plan_array(p, (size_t)below->count + above->count, sizeof(*items));
    struct arc_kvs out = {items, 0};
    uint32_t i = 0, j = 0;
    while (items != NULL && (i < below->count || j < above->count)) {
        int order = i == below->count   ? 1
                    : j == above->count ? -1
                                        : arc__plan_kv_order(&below->items[i], &above->items[j]);
        if (order < 0)
            items[out.count++] = below->items[i++];
        else
            items[out.count++] = above->items[j++];
        i += order == 0;
    }
    return out;
}

struct arc_kvs arc__plan_overlay(struct arc_planner *p, const struct arc_kvs *below,
                                 const struct arc_kvs *above)
{
    return above->count == 0 ? *below : below->count == 0 ? *above : merged(p, below, above);
}

/* The entries of a map, expanded and sorted: into known, and those that are not known into late.
 * Both have room for all; late NULL: what is not known is a finding. */
static void expand_all(struct arc_planner *p, const struct arc_node *map, struct arc_kv *known,
                       uint32_t *known_count, struct arc_kv *late, uint32_t *late_count)
{
    *known_count = *late_count = 0;
    for (const struct arc_node *c = map->first; c != NULL; c = c->next) {
        int unknown = 0;
        struct arc_kv item = {arc__plan_name(p, c->key),
                              arc__plan_expand(p, c, late != NULL ? &unknown : NULL)};
        if (unknown)
            late[(*late_count)++] = item;
        else
            known[(*known_count)++] = item;
    }
    sort_kvs(known, *known_count);
    sort_kvs(late, *late_count);
    p->runtime |= *late_count > 0;
}

struct arc_kvs arc__plan_texts(struct arc_planner *p, const struct arc_node *map)
{
    struct arc_kvs texts = {NULL, 0};
    uint32_t none;
    if (map == NULL || map->count == 0)
        return texts;
    struct arc_kv *items = arc__plan_array(p, map->count, sizeof(*items));
    if (items != NULL)
        expand_all(p, map, items, &texts.count, NULL, &none);
    texts.items = items;
    return texts;
}

/* The list without what another one names. */
static struct arc_kvs without(struct arc_planner *p, const struct arc_kvs *list,
                              const struct arc_kvs *names)
{
    if (list->count == 0 || names->count == 0)
        return *list;
    struct arc_kv *items = arc__plan_array(p, list->count, sizeof(*items));
    struct arc_kvs out = {items, 0};
    for (uint32_t i = 0; items != NULL && i < list->count; i++) {
        if (arc__kvs_get(names, list->items[i].key).ptr == NULL)
            items[out.count++] = list->items[i];
    }
    return out;
}

struct arc_plan_env arc__plan_layer(struct arc_planner *p, const struct arc_plan_env *below,
                                    const struct arc_node *map)
{
    struct arc_plan_env out = {.below = below};
    struct arc_plan_layer *own = &out.own;
    if (map == NULL || map->count == 0)
        return *below;
    struct arc_kv *items = arc__plan_array(p, (size_t)2 * map->count, sizeof(*items));
    if (items == NULL)
        return *below;
    arc__plan_use_env(p, below);
    own->env.items = items;
    own->late_env.items = items + map->count;
    expand_all(p, map, items, &own->env.count, items + map->count, &own->late_env.count);
    out.known = without(p, &below->known, &own->late_env);
    out.late = without(p, &below->late, &own->env);
    if (own->env.count > 0)
        out.known = merged(p, &out.known, &own->env);
    if (own->late_env.count > 0)
        out.late = merged(p, &out.late, &own->late_env);
    return out;
}

int arc__plan_names_env(const struct arc_kvs *texts)
{
    for (uint32_t i = 0; i < texts->count; i++) {
        arc_slice value = texts->items[i].value; /* without memory there may be none */
        if (value.ptr != NULL && memmem(value.ptr, value.len, "env", 3) != NULL)
            return 1;
    }
    return 0;
}

struct arc_plan_layers arc__plan_layers(struct arc_planner *p, const struct arc_plan_env *env)
{
    uint32_t count = 0, at;
    for (const struct arc_plan_env *e = env; e->below != NULL; e = e->below)
        count++;
    struct arc_plan_layer *items = count > 0 ? arc__plan_array(p, count, sizeof(*items)) : NULL;
    if (items == NULL)
        return (struct arc_plan_layers){NULL, 0};
    at = count;
    for (const struct arc_plan_env *e = env; e->below != NULL; e = e->below)
        items[--at] = e->own;
    return (struct arc_plan_layers){items, count};
}

/* --- JSON --------------------------------------------------------------------------------- */

/* One template and nothing else, as JSON in *buf: nothing where it is not known, or a finding says
 * why not. 0: not that it is not known. */
static int expand_whole(struct arc_planner *p, const struct arc_node *node, arc_slice text,
                        struct arc_buf *buf)
{
    struct arc_expr_limits limits = expr_limits(p);
    const struct arc_expr *expr = NULL;
    struct arc_fault fault = {0};
    struct arc_value value = ARC_VALUE_OF_NULL;
    arc__plan_see(p, text);
    arc_status status = arc__expr_parse(text, &limits, &p->scratch, &expr, &fault);
    if (status == ARC_OK)
        status = arc__expr_eval(expr, &p->world, &limits, &p->scratch, &value, &fault);
    if (status == ARC_EINVAL)
        arc__plan_fault(p, node, &fault);
    else if (status == ARC_OK && value.kind != ARC_VALUE_UNKNOWN)
        arc__value_to_json(&value, buf);
    if (buf->failed == ARC_ELIMIT)
        too_long(p, node);
    else if (buf->failed != ARC_OK)
        p->arena->failed = 1;
    scratch_done(p, status);
    return status == ARC_OK && value.kind == ARC_VALUE_UNKNOWN;
}

/* Its value with its type. */
static void put_whole(struct arc_planner *p, struct arc_json *json, const struct arc_node *node,
                      arc_slice text, int *late)
{
    struct arc_known_text *known = NULL;
    struct arc_buf buf;
    if (p->known != NULL)
        known = &p->known->wholes[arc__slice_look(text) % ARC_KNOWN_TEXTS_MAX];
    if (known != NULL && text.len > 0 && arc__slice_equal(known->text, text)) {
        *late |= known->late;
        arc__json_raw(json, known->made);
        return;
    }
    arc__buf_init(&buf, &p->arena->mem, p->limits.string_bytes);
    uint32_t errors = p->sink->diags->errors;
    int unknown = expand_whole(p, node, text, &buf);
    *late |= unknown;
    arc__json_raw(json, buf.failed == ARC_OK ? arc__buf_slice(&buf) : ARC_NONE);
    if (known != NULL && arc__plan_is_common(text) && p->sink->diags->errors == errors &&
        !p->arena->failed)
        *known = (struct arc_known_text){text, arc__plan_keep(p, arc__buf_slice(&buf)), unknown};
    arc__buf_deinit(&buf);
}

static void put_text(struct arc_planner *p, struct arc_json *json, const struct arc_node *node,
                     int *late)
{
    arc_slice whole;
    if (late == NULL || !arc__node_template(node))
        arc__json_text(json, node->text);
    else if (arc__template_is_whole(node->text, &whole))
        put_whole(p, json, node, whole, late);
    else
        arc__json_text(json, arc__plan_expand(p, node, late));
}

/* A child of a list or map, under its own path when it has no key or is no scalar. */
void arc__plan_put_child(struct arc_planner *p, struct arc_json *json, const struct arc_node *child,
                         uint32_t index, int *late)
{
    struct arc_path here = {p->path, child->key, index};
    int framed = child->key.ptr == NULL || child->kind >= ARC_NODE_LIST;
    if (framed)
        p->path = &here;
    arc__plan_put_value(p, json, child, late);
    if (framed)
        p->path = here.up;
}

/* As deep as documents may be. */
void arc__plan_put_value(struct arc_planner *p, struct arc_json *json, const struct arc_node *node,
                         int *late)
{
    uint32_t index = 0;
    if (node->kind == ARC_NODE_TEXT) {
        put_text(p, json, node, late);
    } else if (node->kind < ARC_NODE_LIST) {
        arc__node_put(json, node);
    } else if (node->kind == ARC_NODE_LIST) {
        arc__json_array(json);
        for (const struct arc_node *c = node->first; c != NULL; c = c->next)
            arc__plan_put_child(p, json, c, index++, late);
        arc__json_end_array(json);
    } else {
        arc__json_object(json);
        for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
            arc__json_key(json, c->key);
            arc__plan_put_child(p, json, c, 0, late);
        }
        arc__json_end_object(json);
    }
}
