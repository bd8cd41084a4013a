/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions while planning. An expression is worked out under every answer that the status
 * functions can give: where all results are known, it is one of the words of a condition or it
 * mixes them; where one is not, the run decides. */
#include "base/text.h"
#include "spec/plan_private.h"

#define OPERANDS_MAX 4
#define SHOWN_MAX 120
#define VALUE_SHOWN_MAX 40
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

/* Text of somebody else inside of a sentence: short, on one line. */
static void add_shown(struct arc_buf *out, arc_slice text, size_t most)
{
    size_t shown = arc__utf8_prefix(text, most);
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '\n' || c == '\t' || c == '\r')
            arc__buf_add_char(out, ' ');
        else if (c < 0x20 || c == 0x7f)
            arc__buf_printf(out, "\\x%02x", c);
        else
            arc__buf_add_char(out, (char)c);
    }
    if (shown < text.len)
        arc__buf_add_cstr(out, "…");
}

static void add_value(struct arc_planner *p, const struct arc_value *value, struct arc_buf *out)
{
    struct arc_buf text;
    arc__buf_init(&text, &p->arena->mem, 65536);
    if (value->kind == ARC_VALUE_TEXT)
        arc__buf_add_slice(&text, arc__value_slice(value));
    else
        arc__value_to_json(value, &text);
    if (text.failed == ARC_ENOMEM)
        out->failed = ARC_ENOMEM;
    const char *quote = value->kind == ARC_VALUE_TEXT ? "'" : "";
    arc__buf_add_cstr(out, quote);
    add_shown(out, arc__buf_slice(&text), VALUE_SHOWN_MAX);
    arc__buf_add_cstr(out, quote);
    arc__buf_deinit(&text);
}

static int is_head(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
}

static size_t skip_quoted(arc_slice text, size_t at)
{
    char quote = text.ptr[at++];
    while (at < text.len && text.ptr[at] != quote)
        at += text.ptr[at] == '\\' ? 2 : 1;
    return at < text.len ? at + 1 : text.len;
}

/* The end of a name with its members, like `variables.deploy` or `matrix["go"]`. */
static size_t name_end(arc_slice text, size_t at)
{
    while (at < text.len && is_head(text.ptr[at]))
        at++;
    for (;;) {
        if (at + 1 < text.len && text.ptr[at] == '.' && is_head(text.ptr[at + 1])) {
            for (at++; at < text.len && (is_head(text.ptr[at]) || text.ptr[at] == '-');)
                at++;
        } else if (at + 1 < text.len && text.ptr[at] == '[' &&
                   (text.ptr[at + 1] == '"' || text.ptr[at + 1] == '\'')) {
            at = skip_quoted(text, at + 1);
            if (at >= text.len || text.ptr[at] != ']')
                return at;
            at++;
        } else {
            return at;
        }
    }
}

static int is_word(arc_slice name)
{
    static const char words[] =
        "and or not in matches contains startsWith endsWith true false null";
    return arc__word_index(words, name) >= 0;
}

/* The next name of the text that is no function and no word; 0: there is none. */
static int next_name(arc_slice text, size_t *at, arc_slice *name)
{
    while (*at < text.len) {
        char c = text.ptr[*at];
        if (c == '"' || c == '\'') {
            *at = skip_quoted(text, *at);
            continue;
        }
        if (!is_head(c)) {
            ++*at;
            continue;
        }
        size_t end = name_end(text, *at), behind = end;
        *name = arc__slice(text.ptr + *at, end - *at);
        *at = end;
        while (behind < text.len && text.ptr[behind] == ' ')
            behind++;
        int called = behind < text.len && text.ptr[behind] == '(';
        if (!called && !(c >= '0' && c <= '9') && !is_word(*name))
            return 1;
    }
    return 0;
}

/* One operand; 0: its value is not to be had. */
static int add_operand(struct arc_planner *p, arc_slice name, int first, struct arc_buf *out)
{
    const struct arc_expr *expr = NULL;
    struct arc_fault fault = {0};
    struct arc_value value;
    if (arc__expr_parse(name, NULL, &p->scratch, &expr, &fault) != ARC_OK ||
        arc__expr_eval(expr, &p->world, NULL, &p->scratch, &value, &fault) != ARC_OK ||
        value.kind == ARC_VALUE_UNKNOWN)
        return 0;
    arc__buf_add_cstr(out, first ? ": " : ", ");
    add_shown(out, name, VALUE_SHOWN_MAX);
    arc__buf_add_cstr(out, " is ");
    add_value(p, &value, out);
    return 1;
}

static void add_operands(struct arc_planner *p, arc_slice text, struct arc_buf *out)
{
    arc_slice seen[OPERANDS_MAX], name;
    size_t at = 0;
    uint32_t count = 0;
    while (count < OPERANDS_MAX && next_name(text, &at, &name)) {
        int again = 0;
        for (uint32_t i = 0; i < count; i++)
            again |= arc__slice_equal(seen[i], name);
        if (!again && add_operand(p, name, count == 0, out))
            seen[count++] = name;
    }
}

static arc_slice why_text(struct arc_planner *p, arc_slice text, enum arc_when when, int has_status)
{
    static const char *const words[] = {[ARC_WHEN_SUCCESS] = "`success()`",
                                        [ARC_WHEN_FAILURE] = "`failure()`",
                                        [ARC_WHEN_ALWAYS] = "true",
                                        [ARC_WHEN_CANCELLED] = "`cancelled()`",
                                        [ARC_WHEN_NEVER] = "false"};
    struct arc_buf buf = arc__plan_scratch(p);
    arc__buf_add_char(&buf, '`');
    add_shown(&buf, text, SHOWN_MAX);
    arc__buf_printf(&buf, "` is %s",
                    when == ARC_WHEN_SUCCESS && !has_status ? "true" : words[when]);
    add_operands(p, text, &buf);
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
    if (arc__plan_is_common(p, text))
        known = &p->known->conditions[arc__slice_look(text) % ARC_KNOWN_TEXTS_MAX];
    if (known != NULL && arc__slice_equal(known->text, text)) {
        p->runtime |= known->made.when == ARC_WHEN_EXPR;
        return known->made;
    }
    uint32_t errors = p->sink->diags->errors;
    arc__plan_see_env(p, text);
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
        out.why = why_text(p, text, out.when, arc__expr_has_status(expr));
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

struct arc_condition arc__plan_condition(struct arc_planner *p, const struct arc_node *map,
                                         enum arc_field_id id)
{
    struct arc_condition out = {ARC_WHEN_SUCCESS, ARC_NONE, ARC_NONE};
    const struct arc_node *node = arc__field_get(map, id);
    if (node == NULL || arc__form_when(node, &out.when))
        return out;
    return evaluate(p, node);
}
