/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan.h"

arc_slice arc__kvs_get(const struct arc_kvs *kvs, arc_slice key)
{
    uint32_t low = 0, high = kvs->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = arc__slice_compare(kvs->items[middle].key, key);
        if (order == 0) {
            arc_slice value = kvs->items[middle].value;
            return value.ptr != NULL ? value : arc__slice("", 0);
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return ARC_NONE;
}

static int any_value(const struct arc_label_expr *expr, arc_slice value)
{
    for (uint32_t i = 0; i < expr->value_count; i++) {
        if (arc__slice_equal(expr->values[i], value))
            return 1;
    }
    return 0;
}

/* Gt and Lt compare numbers; a label that is none does not match. */
static int compare_holds(const struct arc_label_expr *expr, arc_slice value)
{
    int order;
    return expr->value_count == 1 && arc__slice_compare_numbers(value, expr->values[0], &order) &&
           order == (expr->op == ARC_LABEL_GT ? 1 : -1);
}

static int expr_match(const struct arc_label_expr *expr, const struct arc_kvs *labels)
{
    arc_slice value = arc__kvs_get(labels, expr->key);
    int present = value.ptr != NULL;
    switch (expr->op) {
    case ARC_LABEL_IN:
        return present && any_value(expr, value);
    case ARC_LABEL_NOT_IN:
        return !present || !any_value(expr, value);
    case ARC_LABEL_EXISTS:
        return present;
    case ARC_LABEL_NOT_EXISTS:
        return !present;
    case ARC_LABEL_GT:
    case ARC_LABEL_LT:
        return present && compare_holds(expr, value);
    }
    return 0;
}

int arc__selector_match(const struct arc_selector *selector, const struct arc_kvs *labels)
{
    for (uint32_t i = 0; i < selector->labels.count; i++) {
        const struct arc_kv *want = &selector->labels.items[i];
        arc_slice value = arc__kvs_get(labels, want->key);
        if (value.ptr == NULL || !arc__slice_equal(value, want->value))
            return 0;
    }
    for (uint32_t i = 0; i < selector->expr_count; i++) {
        if (!expr_match(&selector->exprs[i], labels))
            return 0;
    }
    return 1;
}

/* --- what nobody meets --------------------------------------------------------------- */

const char *const arc__label_op_words[] = {"", "In", "NotIn", "Exists", "NotExists", "Gt", "Lt"};

static int anybody(const struct arc_selector *selector, const struct arc_asked *asked)
{
    for (size_t i = 0; i < asked->count; i++) {
        if (arc__selector_match(selector, asked->labels(asked->user, i)))
            return 1;
    }
    return 0;
}

enum arc_lack arc__selector_lack(const struct arc_selector *selector, const struct arc_asked *asked,
                                 uint32_t *index)
{
    *index = 0;
    if (asked->count == 0)
        return ARC_LACK_ANYBODY;
    if (anybody(selector, asked))
        return ARC_LACK_NOTHING;
    for (*index = 0; *index < selector->labels.count; (*index)++) {
        const struct arc_selector one = {.labels = {&selector->labels.items[*index], 1}};
        if (!anybody(&one, asked))
            return ARC_LACK_LABEL;
    }
    for (*index = 0; *index < selector->expr_count; (*index)++) {
        const struct arc_selector one = {.exprs = &selector->exprs[*index], .expr_count = 1};
        if (!anybody(&one, asked))
            return ARC_LACK_RULE;
    }
    return ARC_LACK_ALL;
}
