/* SPDX-License-Identifier: Apache-2.0 */
/* Strict: a key that nothing reads would be a value that a plan silently lacks. */
#include "face/plan_private.h"

#include <stdlib.h>

#include "base/text.h"

#define AGENTS_MAX 10000u

/* A key of an object, and where its text goes. */
struct slot {
    const char *key;
    arc_slice *text; /* NULL: the key is read elsewhere */
};

static arc_status unknown_key(const struct arc_node *child, const char *what,
                              const struct slot *slots, size_t count, arc_err *err)
{
    arc_slice names[16], near;
    for (size_t i = 0; i < count; i++)
        names[i] = arc__slice_cstr(slots[i].key);
    near = arc__nearest(child->key, names, count);
    int len = (int)arc__utf8_prefix(child->key, 64);
    if (near.len > 0)
        return arc__fail(err, ARC_EINVAL, what, "%s has no `%.*s`; did you mean `%.*s`?", what, len,
                         child->key.ptr, ARC_ARG(near));
    return arc__fail(err, ARC_EINVAL, what, "%s has no `%.*s`; it takes `%s` and the like.", what,
                     len, child->key.ptr, slots[0].key);
}

static arc_status wrong_type(const char *what, const char *key, const char *wanted, arc_err *err)
{
    return arc__fail(err, ARC_EINVAL, key, "`%s` of %s must be %s.", key, what, wanted);
}

/* Numbers and booleans are taken as they are written, like in `env`. */
static int is_text(const struct arc_node *node)
{
    return node->kind != ARC_NODE_NULL && node->kind < ARC_NODE_LIST;
}

static arc_status read_object(const struct arc_node *map, const char *what,
                              const struct slot *slots, size_t count, arc_err *err)
{
    if (map == NULL || map->kind == ARC_NODE_NULL)
        return ARC_OK;
    if (map->kind != ARC_NODE_MAP)
        return arc__fail(err, ARC_EINVAL, what, "%s must be an object.", what);
    for (const struct arc_node *c = map->first; c != NULL; c = c->next) {
        size_t at = 0;
        while (at < count && !arc__slice_is(c->key, slots[at].key))
            at++;
        if (at == count)
            return unknown_key(c, what, slots, count, err);
        if (slots[at].text == NULL || c->kind == ARC_NODE_NULL)
            continue;
        if (!is_text(c))
            return wrong_type(what, slots[at].key, "text", err);
        *slots[at].text = c->text;
    }
    return ARC_OK;
}

static int kv_order(const void *a, const void *b)
{
    const struct arc_kv *x = a, *y = b;
    return arc__slice_compare(x->key, y->key);
}

/* Keys are unique: the reader refuses a second one. */
static arc_status read_texts(const struct arc_node *map, const char *what, const char *key,
                             struct arc_arena *arena, struct arc_kvs *out, arc_err *err)
{
    if (map == NULL || map->kind == ARC_NODE_NULL)
        return ARC_OK;
    if (map->kind != ARC_NODE_MAP)
        return wrong_type(what, key, "an object of texts", err);
    struct arc_kv *items = arc__arena_array(arena, map->count, sizeof(*items));
    if (items == NULL)
        return arc__fail_nomem(err);
    for (const struct arc_node *c = map->first; c != NULL; c = c->next) {
        if (!is_text(c))
            return wrong_type(what, key, "an object of texts", err);
        items[out->count++] = (struct arc_kv){c->key, c->text};
    }
    qsort(items, out->count, sizeof(*items), kv_order);
    out->items = items;
    return ARC_OK;
}

static arc_status read_payload(const struct arc_node *trigger, struct arc_arena *arena,
                               arc_slice *out, arc_err *err)
{
    const struct arc_node *node = arc__node_get(trigger, "payload");
    struct arc_buf buf;
    if (node == NULL || node->kind == ARC_NODE_NULL)
        return ARC_OK;
    arc__buf_init(&buf, &arena->mem, arena->max_bytes);
    arc__node_to_json(node, &buf);
    *out = arc__arena_copy(arena, arc__buf_slice(&buf));
    arc_status status = arc__buf_check(&buf, err);
    arc__buf_deinit(&buf);
    if (status != ARC_OK)
        return status;
    return arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

static arc_status read_json(arc_slice json, const char *what, struct arc_arena *arena,
                            const struct arc_node **out, arc_err *err)
{
    arc_err why = ARC_ERR_INIT;
    arc_status status = arc__json_read(json, NULL, arena, out, &why);
    if (status == ARC_EINVAL)
        return arc__fail_at(err, ARC_EINVAL, why.line, why.column, what, "%s: %s", what,
                            why.message);
    if (status != ARC_OK)
        return status == ARC_ENOMEM ? arc__fail_nomem(err)
                                    : arc__fail(err, status, what, "%s", why.message);
    return ARC_OK;
}

arc_status arc__plan_read_inputs(arc_slice json, struct arc_arena *arena,
                                 struct arc_plan_inputs *out, arc_err *err)
{
    const struct slot top[] = {
        {"variables", NULL}, {"trigger", NULL}, {"git", NULL}, {"pipeline", NULL}};
    const struct slot trigger[] = {{"type", &out->trigger_type},
                                   {"ref", &out->ref},
                                   {"branch", &out->branch},
                                   {"tag", &out->tag},
                                   {"sha", &out->sha},
                                   {"event", &out->event},
                                   {"actor", &out->actor},
                                   {"requestId", &out->request_id},
                                   {"payload", NULL}};
    const struct slot git[] = {
        {"commit", &out->git_commit}, {"branch", &out->git_branch}, {"repo", &out->git_repo}};
    const struct slot pipeline[] = {{"id", &out->pipeline_id}};
    const struct arc_node *root = NULL;
    if (json.len > 0)
        ARC_TRY(read_json(json, "inputs", arena, &root, err));
    ARC_TRY(read_object(root, "inputs", top, ARC_COUNT_OF(top), err));
    const struct arc_node *started = arc__node_get(root, "trigger");
    ARC_TRY(read_object(started, "trigger", trigger, ARC_COUNT_OF(trigger), err));
    ARC_TRY(read_object(arc__node_get(root, "git"), "git", git, ARC_COUNT_OF(git), err));
    ARC_TRY(read_object(arc__node_get(root, "pipeline"), "pipeline", pipeline,
                        ARC_COUNT_OF(pipeline), err));
    ARC_TRY(read_payload(started, arena, &out->payload, err));
    if (out->trigger_type.len == 0)
        out->trigger_type = ARC_LIT("manual");
    return read_texts(arc__node_get(root, "variables"), "inputs", "variables", arena,
                      &out->variables, err);
}

arc_status arc__plan_read_agents(arc_slice json, struct arc_arena *arena,
                                 struct arc_plan_agents *out, arc_err *err)
{
    const struct arc_node *root = NULL;
    *out = (struct arc_plan_agents){.given = json.ptr != NULL};
    if (!out->given)
        return ARC_OK;
    ARC_TRY(read_json(json, "agents", arena, &root, err));
    if (root == NULL || root->kind != ARC_NODE_LIST)
        return arc__fail(err, ARC_EINVAL, "agents", "agents must be a list of objects.");
    if (root->count > AGENTS_MAX)
        return arc__fail(err, ARC_EINVAL, "agents", "There are %u agents; at most %u are asked.",
                         root->count, AGENTS_MAX);
    struct arc_plan_agent *items = arc__arena_array(arena, root->count, sizeof(*items));
    if (items == NULL)
        return arc__fail_nomem(err);
    for (const struct arc_node *c = root->first; c != NULL; c = c->next) {
        struct arc_plan_agent *agent = &items[out->count++];
        const struct slot slots[] = {{"id", &agent->id}, {"name", &agent->name}, {"labels", NULL}};
        if (c->kind != ARC_NODE_MAP)
            return arc__fail(err, ARC_EINVAL, "agents", "agents must be a list of objects.");
        ARC_TRY(read_object(c, "an agent", slots, ARC_COUNT_OF(slots), err));
        if (agent->id.len == 0)
            return arc__fail(err, ARC_EINVAL, "agents", "Agent %u has no `id`.", out->count);
        ARC_TRY(read_texts(arc__node_get(c, "labels"), "an agent", "labels", arena, &agent->labels,
                           err));
    }
    out->items = items;
    return ARC_OK;
}
