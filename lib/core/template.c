/* SPDX-License-Identifier: Apache-2.0 */
#include "core/template.h"

static const char *find_open(arc_slice text)
{
    /* Most texts have none, and few have a `$`: a search for one byte is the fastest there is. */
    while (text.len >= 3) {
        const char *open = memchr(text.ptr, '$', text.len - 2);
        if (open == NULL || (open[1] == '{' && open[2] == '{'))
            return open;
        text = arc__slice_from(text, (size_t)(open - text.ptr) + 1);
    }
    return NULL;
}

int arc__template_any(arc_slice text)
{
    return find_open(text) != NULL;
}

/* The offset behind the closing braces of a text that begins with ${{; 0: there are none. */
static size_t find_close(arc_slice text)
{
    char quote = 0;
    for (size_t i = 3; i < text.len; i++) {
        char c = text.ptr[i];
        if (quote != 0 && c == '\\')
            i++;
        else if (quote != 0)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '}' && i + 1 < text.len && text.ptr[i + 1] == '}')
            return i + 2;
    }
    return 0;
}

int arc__template_next(arc_slice whole, arc_slice *rest, struct arc_template_part *part)
{
    if (rest->len == 0)
        return 0;
    const char *open = find_open(*rest);
    size_t len = open == NULL ? rest->len : (size_t)(open - rest->ptr);
    *part = (struct arc_template_part){.text = arc__slice(rest->ptr, len)};
    if (open == rest->ptr) {
        len = find_close(*rest);
        part->open = len == 0;
        if (part->open)
            len = rest->len;
        part->expression = 1;
        part->text = arc__slice_trim(arc__slice(open + 3, len - 3 - (part->open ? 0 : 2)));
    }
    part->offset = (uint32_t)(part->text.ptr - whole.ptr);
    *rest = arc__slice_from(*rest, len);
    return 1;
}

int arc__template_is_whole(arc_slice text, arc_slice *expression)
{
    arc_slice rest = text;
    struct arc_template_part part;
    if (!arc__template_next(text, &rest, &part) || !part.expression || part.open || rest.len > 0)
        return 0;
    *expression = part.text;
    return 1;
}

static arc_status expand(const struct arc_template_part *part, const struct arc_world *world,
                         const struct arc_expr_limits *limits, struct arc_arena *arena,
                         struct arc_buf *out, int *unknown, struct arc_fault *fault)
{
    const struct arc_expr *expr = NULL;
    struct arc_value value;
    arc_status status = arc__expr_parse(part->text, limits, arena, &expr, fault);
    if (status == ARC_OK)
        status = arc__expr_eval(expr, world, limits, arena, &value, fault);
    if (status == ARC_EINVAL) {
        fault->offset += part->offset;
        fault->end += part->offset;
    }
    if (status != ARC_OK)
        return status;
    if (value.kind == ARC_VALUE_UNKNOWN)
        *unknown = 1;
    else
        arc__value_to_text(&value, out);
    return ARC_OK;
}

arc_status arc__template_expand(arc_slice text, const struct arc_world *world,
                                const struct arc_expr_limits *limits, struct arc_arena *arena,
                                struct arc_buf *out, int *unknown, struct arc_fault *fault)
{
    arc_slice rest = text;
    struct arc_template_part part;
    int any_unknown = 0;
    for (arc_slice from = rest; arc__template_next(text, &rest, &part); from = rest) {
        if (part.open) { /* it may be nothing but the braces */
            uint32_t at = (uint32_t)(from.ptr - text.ptr);
            *fault = (struct arc_fault){ARC_FAULT_SYNTAX, at, at + 3, ARC_LIT("`${{` has no `}}`"),
                                        ARC_LIT("write `}}` at the end of the expression")};
            return ARC_EINVAL;
        }
        if (part.expression)
            ARC_TRY(expand(&part, world, limits, arena, out, &any_unknown, fault));
        else
            arc__buf_add_slice(out, part.text);
    }
    if (unknown != NULL)
        *unknown = any_unknown;
    return out->failed;
}
