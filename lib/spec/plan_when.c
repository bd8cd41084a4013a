/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions while planning. An expression is worked out under every answer that the status
 * functions can give: where all results are known, it is one of the words of a condition or it
 * mixes them; where one is not, the run decides. */
#include "core/why.h"
#include "spec/plan_private.h"

#define SHOWN_MAX 120
#define STATUS_ALL (ARC_STATUS_SUCCESS | ARC_STATUS_FAILURE | ARC_STATUS_CANCELLED)

/* Bit i of a table: the result under the status i. */
#define TABLE_SUCCESS 0xaau
#define TABLE_FAILURE 0xccu
#define TABLE_CANCELLED 0xf0u
#define TABLE_ALWAYS 0xffu

_Static_assert(ARC_STATUS_SUCCESS == 1 && ARC_STATUS_FAILURE == 2 && ARC_STATUS_CANCELLED == 4,
               "the tables above");

static enum arc_when word_of(uint32_t table)
{
    switch (table) {
    case TABLE_SUCCESS:
        return ARC_WHEN_SUCCESS;
    case TABLE_FAILURE:
        return ARC_WHEN_FAILURE;
    case TABLE_CANCELLED:
        return ARC_WHEN_CANCELLED;
    case TABLE_ALWAYS:
        return ARC_WHEN_ALWAYS;
    case 0:
        return ARC_WHEN_NEVER;
    default:
        return ARC_WHEN_EXPR;
    }
}

/* --- why ---------------------------------------------------------------------------------- */

static arc_slice why_text(struct arc_planner *p, const struct arc_expr *expr, arc_slice text,
                          enum arc_when when)
{
    static const char *const words[] = {[ARC_WHEN_SUCCESS] = "`success()`",
                                        [ARC_WHEN_FAILURE] = "`failure()`",
                                        [ARC_WHEN_ALWAYS] = "true",
                                        [ARC_WHEN_CANCELLED] = "`cancelled()`",
                                        [ARC_WHEN_NEVER] = "false"};
    struct arc_buf buf = arc__plan_scratch(p);
    arc__buf_add_char(&buf, '`');
    arc__why_text(text, SHOWN_MAX, &buf);
    arc__buf_printf(&buf, "` is %s",
                    when == ARC_WHEN_SUCCESS && !arc__expr_has_status(expr) ? "true" : words[when]);
    arc__why_operands(expr, text, &p->world, &p->scratch, &buf);
    return arc__plan_settle(p, &buf);
}

/* --- deciding ----------------------------------------------------------------------------- */

/* Under one status: 1, 0, or -1 when it is not known; -2: it cannot be worked out. */
static int under(struct arc_planner *p, const struct arc_node *node, const struct arc_expr *expr,
                 uint32_t status)
{
    const struct arc_expr_limits limits = {.units = p->limits.expression_units};
    struct arc_fault fault = {0};
    struct arc_value value;
    p->world.status = status;
    arc_status failed = arc__expr_eval_when(expr, &p->world, &limits, &p->scratch, &value, &fault);
    if (failed == ARC_EINVAL)
        arc__plan_fault(p, node, &fault);
    if (failed != ARC_OK) {
        p->arena->failed |= failed != ARC_EINVAL;
        return -2;
    }
    return value.kind == ARC_VALUE_UNKNOWN ? -1 : value.as.integer != 0;
}

/* What all of them come to. Without a status function two of them say everything: the expression
 * means success() && (…). */
static enum arc_when decide(struct arc_planner *p, const struct arc_node *node,
                            const struct arc_expr *expr)
{
    uint32_t table = 0;
    p->world.unknown = 0;
    if (!arc__expr_has_status(expr)) {
        int yes = under(p, node, expr, ARC_STATUS_SUCCESS);
        return yes < 0 ? ARC_WHEN_EXPR : yes ? ARC_WHEN_SUCCESS : ARC_WHEN_NEVER;
    }
    for (uint32_t status = 0; status <= STATUS_ALL; status++) {
        int yes = under(p, node, expr, status);
        if (yes < 0)
            return ARC_WHEN_EXPR;
        table |= (uint32_t)yes << status;
    }
    return word_of(table);
}

static struct arc_condition evaluate(struct arc_planner *p, const struct arc_node *node)
{
    const struct arc_expr_limits limits = {.bytes = p->limits.expression_bytes};
    struct arc_condition out = {ARC_WHEN_EXPR, ARC_NONE, ARC_NONE};
    const struct arc_expr *expr = NULL;
    struct arc_fault fault = {0};
    arc_slice text = arc__slice_trim(node->text);
    struct arc_known_condition *known = NULL;
    if (p->known != NULL && text.len > 0)
        known = &p->known->conditions[arc__slice_look(text) % ARC_KNOWN_TEXTS_MAX];
    if (known != NULL && arc__slice_equal(known->text, text)) {
        p->runtime |= known->made.when == ARC_WHEN_EXPR;
        return known->made;
    }
    if (!arc__plan_is_common(text))
        known = NULL;
    uint32_t errors = p->sink->diags->errors;
    arc__plan_see(p, text);
    arc_status status = arc__expr_parse(text, &limits, &p->scratch, &expr, &fault);
    if (status == ARC_EINVAL)
        arc__plan_fault(p, node, &fault);
    else if (status != ARC_OK)
        p->arena->failed = 1;
    if (status == ARC_OK) {
        out.when = decide(p, node, expr);
        out.text = arc__plan_keep(p, text);
    }
    if (status == ARC_OK && out.when != ARC_WHEN_EXPR)
        out.why = why_text(p, expr, text, out.when);
    else
        p->runtime = 1;
    p->arena->failed |= p->scratch.failed;
    arc__arena_reset(&p->scratch);
    p->world.status = 0;
    p->world.unknown = STATUS_ALL;
    if (known != NULL && !p->arena->failed && p->sink->diags->errors == errors)
        *known = (struct arc_known_condition){text, out};
    return out;
}

struct arc_condition arc__plan_condition(struct arc_planner *p, const struct arc_node *node)
{
    struct arc_condition out = {ARC_WHEN_SUCCESS, ARC_NONE, ARC_NONE};
    if (node == NULL || arc__form_when(node, &out.when))
        return out;
    return evaluate(p, node);
}
