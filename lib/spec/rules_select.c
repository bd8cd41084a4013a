/* SPDX-License-Identifier: Apache-2.0 */
/* Whether there can be an agent that a job may run on: all of its selectors, and those of its
 * steps, are met by one agent. */
#include "spec/rules.h"

#include <stdlib.h>

/* One demand on a label. A label that must be equal is a demand of In with one value. */
struct demand {
    arc_slice key;
    enum arc_label_op op;
    const struct arc_node *values; /* a list; or the scalar itself where `equal` */
    const struct arc_node *where;  /* what a finding points to */
    uint32_t order;
    int equal;
};

#define PAIRS_MAX 65536u

struct demands {
    struct demand *items;
    uint32_t count;
};

/* --- gathering ---------------------------------------------------------------------------- */

static const struct arc_node *map_of(const struct arc_node *map, enum arc_field_id id)
{
    const struct arc_node *node = arc__field_get(map, id);
    return node != NULL && node->kind == ARC_NODE_MAP ? node : NULL;
}

static const struct arc_node *list_of(const struct arc_node *map, enum arc_field_id id)
{
    const struct arc_node *node = arc__field_get(map, id);
    return node != NULL && node->kind == ARC_NODE_LIST ? node : NULL;
}

static size_t count_of(const struct arc_node *selector)
{
    const struct arc_node *labels = map_of(selector, ARC_FIELD_SELECTOR_MATCH_LABELS);
    const struct arc_node *rules = list_of(selector, ARC_FIELD_SELECTOR_MATCH_EXPRESSIONS);
    return (labels != NULL ? labels->count : 0) + (size_t)(rules != NULL ? rules->count : 0);
}

static int has_values(enum arc_label_op op)
{
    return op != ARC_LABEL_EXISTS && op != ARC_LABEL_NOT_EXISTS;
}

/* Rules that are wrong in themselves were complained about, and demand nothing. */
static int read_rule(const struct arc_node *rule, struct demand *out)
{
    const struct arc_node *key = arc__scalar_of(rule, ARC_FIELD_MATCH_KEY);
    const struct arc_node *op = arc__scalar_of(rule, ARC_FIELD_MATCH_OPERATOR);
    const struct arc_node *values = list_of(rule, ARC_FIELD_MATCH_VALUES);
    int index =
        op != NULL ? arc__word_index(arc__field(ARC_FIELD_MATCH_OPERATOR)->words, op->text) : -1;
    if (key == NULL || index < 0)
        return 0;
    *out = (struct demand){.key = key->text, .op = (enum arc_label_op)(index + 1), .where = rule};
    if (!has_values(out->op))
        return 1;
    out->values = values;
    for (const struct arc_node *c = values != NULL ? values->first : NULL; c != NULL; c = c->next) {
        if (c->kind >= ARC_NODE_LIST)
            return 0;
    }
    int order;
    if (out->op == ARC_LABEL_GT || out->op == ARC_LABEL_LT)
        return values != NULL && values->count == 1 &&
               arc__slice_compare_numbers(values->first->text, values->first->text, &order);
    return values != NULL && values->count > 0;
}

static void gather(struct demands *demands, const struct arc_node *selector)
{
    const struct arc_node *labels = map_of(selector, ARC_FIELD_SELECTOR_MATCH_LABELS);
    const struct arc_node *rules = list_of(selector, ARC_FIELD_SELECTOR_MATCH_EXPRESSIONS);
    for (const struct arc_node *c = labels != NULL ? labels->first : NULL; c != NULL; c = c->next) {
        if (c->kind < ARC_NODE_LIST)
            demands->items[demands->count] = (struct demand){
                .key = c->key, .op = ARC_LABEL_IN, .values = c, .where = c, .equal = 1};
        demands->count += c->kind < ARC_NODE_LIST;
    }
    for (const struct arc_node *c = rules != NULL ? rules->first : NULL; c != NULL; c = c->next)
        demands->count += (uint32_t)read_rule(c, &demands->items[demands->count]);
}

static int demand_order(const void *a, const void *b)
{
    const struct demand *x = a, *y = b;
    int order = arc__slice_compare(x->key, y->key);
    return order != 0 ? order : x->order < y->order ? -1 : x->order > y->order;
}

/* --- two demands on one label ------------------------------------------------------------- */

static const struct arc_node *first_value(const struct demand *demand)
{
    return demand->equal ? demand->values : demand->values->first;
}

static const struct arc_node *next_value(const struct demand *demand, const struct arc_node *value)
{
    return demand->equal ? NULL : value->next;
}

static int takes_value(const struct demand *demand, arc_slice text)
{
    int order;
    if (demand->op == ARC_LABEL_EXISTS || demand->op == ARC_LABEL_NOT_EXISTS)
        return demand->op == ARC_LABEL_EXISTS;
    if (demand->op == ARC_LABEL_GT || demand->op == ARC_LABEL_LT)
        return arc__slice_compare_numbers(text, first_value(demand)->text, &order) &&
               order == (demand->op == ARC_LABEL_GT ? 1 : -1);
    for (const struct arc_node *c = first_value(demand); c != NULL; c = next_value(demand, c)) {
        if (arc__slice_equal(c->text, text))
            return demand->op == ARC_LABEL_IN;
    }
    return demand->op == ARC_LABEL_NOT_IN;
}

/* 1: some label, or its absence, meets both. */
static int agree(const struct demand *a, const struct demand *b)
{
    if (b->op == ARC_LABEL_IN && a->op != ARC_LABEL_IN)
        return agree(b, a);
    if (a->op == ARC_LABEL_IN) {
        uint64_t pairs = (uint64_t)(a->equal ? 1 : a->values->count) *
                         (has_values(b->op) && !b->equal ? b->values->count : 1);
        if (pairs > PAIRS_MAX)
            return 1; /* nobody writes that by hand */
        for (const struct arc_node *c = first_value(a); c != NULL; c = next_value(a, c)) {
            if (takes_value(b, c->text))
                return 1;
        }
        return 0;
    }
    if (a->op == ARC_LABEL_NOT_EXISTS || b->op == ARC_LABEL_NOT_EXISTS) {
        enum arc_label_op other = a->op == ARC_LABEL_NOT_EXISTS ? b->op : a->op;
        return other == ARC_LABEL_NOT_EXISTS || other == ARC_LABEL_NOT_IN;
    }
    if ((a->op == ARC_LABEL_GT && b->op == ARC_LABEL_LT) ||
        (a->op == ARC_LABEL_LT && b->op == ARC_LABEL_GT)) {
        const struct demand *above = a->op == ARC_LABEL_GT ? a : b, *below = above == a ? b : a;
        int order;
        return arc__slice_compare_numbers(first_value(above)->text, first_value(below)->text,
                                          &order) &&
               order < 0; /* between two numbers there is always one more */
    }
    return 1; /* what NotIn, Gt and Exists leave over is without end */
}

/* --- saying ------------------------------------------------------------------------------- */

static arc_slice phrase(struct arc_check *check, const struct demand *demand)
{
    static const char *const words[] = {"",          "one of ",    "none of ",  "present",
                                        "not there", "more than ", "less than "};
    struct arc_buf buf;
    uint32_t shown = 0;
    arc__buf_init(&buf, &check->arena->mem, 4096);
    if (demand->op != ARC_LABEL_IN || (!demand->equal && demand->values->count > 1))
        arc__buf_add_cstr(&buf, words[demand->op]);
    for (const struct arc_node *c = has_values(demand->op) ? first_value(demand) : NULL;
         c != NULL && shown < 4; c = next_value(demand, c), shown++) {
        arc__buf_add_cstr(&buf, shown > 0 ? ", " : "");
        arc__buf_add_slice(&buf, arc__quoted(check->sink, c->text));
    }
    if (shown == 4 && demand->values->count > 4)
        arc__buf_add_cstr(&buf, ", …");
    arc_slice text = arc__arena_copy(check->arena, arc__buf_slice(&buf));
    check->arena->failed |= buf.failed != ARC_OK;
    arc__buf_deinit(&buf);
    return text;
}

static void report(struct arc_check *check, const struct demand *a, const struct demand *b,
                   const struct arc_path *path)
{
    arc_slice key = arc__quoted(check->sink, a->key);
    const struct arc_span *where =
        a->where->mark.offset > b->where->mark.offset ? &a->where->mark : &b->where->mark;
    const struct arc_span *other = where == &a->where->mark ? &b->where->mark : &a->where->mark;
    struct arc_diag *diag;
    if (!arc__sink_keeps(check->sink))
        diag =
            arc__diag_add(check->sink, ARC_DIAG_SELECTOR_NEVER, path, where, ARC_NONE, ARC_NO_ARGS);
    else if (a->equal && b->equal)
        diag = arc__diag_add(check->sink, ARC_DIAG_SELECTOR_CONFLICT, path, where, ARC_NONE,
                             ARC_ARGS(key, arc__quoted(check->sink, a->values->text),
                                      arc__quoted(check->sink, b->values->text)));
    else
        diag = arc__diag_add(check->sink, ARC_DIAG_SELECTOR_NEVER, path, where, ARC_NONE,
                             ARC_ARGS(key, phrase(check, a), phrase(check, b)));
    arc__diag_relate(check->sink, diag, other, "the other one is here");
}

/* Each demand against the one before it, and against the one that is narrowest: comparing all
 * pairs would cost their square. */
static void compare(struct arc_check *check, struct demands *demands, const struct arc_path *path)
{
    qsort(demands->items, demands->count, sizeof(*demands->items), demand_order);
    for (uint32_t i = 1, first = 0, narrow = 0; i < demands->count; i++) {
        const struct demand *here = &demands->items[i];
        if (!arc__slice_equal(demands->items[first].key, here->key)) {
            first = narrow = i;
            continue;
        }
        if (!agree(&demands->items[narrow], here))
            report(check, &demands->items[narrow], here, path);
        else if (narrow != i - 1 && !agree(&demands->items[i - 1], here))
            report(check, &demands->items[i - 1], here, path);
        if (here->op == ARC_LABEL_IN && (demands->items[narrow].op != ARC_LABEL_IN || here->equal))
            narrow = i;
    }
}

int arc__check_selectors(struct arc_check *check, const struct arc_spec_job *job,
                         const struct arc_node *steps, const struct arc_path *path)
{
    const struct arc_node *own = map_of(job->node, ARC_FIELD_JOB_AGENT_SELECTOR);
    struct demands demands = {NULL, 0};
    size_t most = count_of(own);
    for (const struct arc_node *c = steps != NULL ? steps->first : NULL; c != NULL; c = c->next)
        most += count_of(map_of(c, ARC_FIELD_STEP_AGENT_SELECTOR));
    if (most < 2)
        return 1;
    demands.items = arc__check_alloc(check, most, sizeof(*demands.items));
    if (demands.items == NULL)
        return 0;
    gather(&demands, own);
    for (const struct arc_node *c = steps != NULL ? steps->first : NULL; c != NULL; c = c->next)
        gather(&demands, map_of(c, ARC_FIELD_STEP_AGENT_SELECTOR));
    for (uint32_t i = 0; i < demands.count; i++)
        demands.items[i].order = i;
    compare(check, &demands, path);
    arc__free(&check->arena->mem, demands.items);
    return 1;
}
