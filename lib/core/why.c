/* SPDX-License-Identifier: Apache-2.0 */
#include "core/why.h"

#include "base/text.h"

#define OPERANDS_MAX 4
#define SHOWN_MAX 40
#define VALUE_BYTES_MAX 65536u

void arc__why_text(arc_slice text, size_t most, struct arc_buf *out)
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

static void add_value(const struct arc_value *value, const struct arc_mem *mem, struct arc_buf *out)
{
    struct arc_buf text;
    arc__buf_init(&text, mem, VALUE_BYTES_MAX);
    if (value->kind == ARC_VALUE_TEXT)
        arc__buf_add_slice(&text, arc__value_slice(value));
    else
        arc__value_to_json(value, &text);
    if (text.failed == ARC_ENOMEM)
        out->failed = ARC_ENOMEM;
    const char *quote = value->kind == ARC_VALUE_TEXT ? "'" : "";
    arc__buf_add_cstr(out, quote);
    arc__why_text(arc__buf_slice(&text), SHOWN_MAX, out);
    arc__buf_add_cstr(out, quote);
    arc__buf_deinit(&text);
}

/* One operand; 0: its value is not to be had. */
static int add_operand(arc_slice name, const struct arc_world *world, struct arc_arena *scratch,
                       int first, struct arc_buf *out)
{
    const struct arc_expr *expr = NULL;
    struct arc_fault fault = {0};
    struct arc_value value;
    if (arc__expr_parse(name, NULL, scratch, &expr, &fault) != ARC_OK ||
        arc__expr_eval(expr, world, NULL, scratch, &value, &fault) != ARC_OK ||
        value.kind == ARC_VALUE_UNKNOWN)
        return 0;
    arc__buf_add_cstr(out, first ? ": " : ", ");
    arc__why_text(name, SHOWN_MAX, out);
    arc__buf_add_cstr(out, " is ");
    add_value(&value, &scratch->mem, out);
    return 1;
}

void arc__why_operands(const struct arc_expr *expr, arc_slice text, const struct arc_world *world,
                       struct arc_arena *scratch, struct arc_buf *out)
{
    arc_slice seen[OPERANDS_MAX];
    uint32_t count = 0, at = 0;
    struct arc_expr_name name;
    while (count < OPERANDS_MAX && arc__expr_name(expr, &at, &name)) {
        if ((ARC_CONTEXT_BIT(name.context) & ARC_WORLD_MASKED(world)) != 0)
            continue;
        arc_slice operand = arc__slice(text.ptr + name.offset, name.end - name.offset);
        int again = 0;
        for (uint32_t i = 0; i < count; i++)
            again |= arc__slice_equal(seen[i], operand);
        if (!again && add_operand(operand, world, scratch, count == 0, out))
            seen[count++] = operand;
    }
}
