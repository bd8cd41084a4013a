/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions, and what all of them share. */
#include "core/functions.h"

#include <arcentra/base.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "core/functions_private.h"

#define MANY UINT32_MAX
#define SHOWN_MAX 40u /* bytes of a text in a message */

/* Behind the kinds there are: only in the table. */
#define ARC_TYPE_KIND_NONE ((enum arc_type_kind)(ARC_TYPE_KIND_TIME + 1))

#define PARAM_COUNT(A, B, C) \
    ((ARC_TYPE_KIND_##A != ARC_TYPE_KIND_NONE) + (ARC_TYPE_KIND_##B != ARC_TYPE_KIND_NONE) + \
     (ARC_TYPE_KIND_##C != ARC_TYPE_KIND_NONE))

/* clang-format off */
static const struct arc_function functions[] = {
#define FUNCTION(run, name, least, most, A, B, C, RESULT, signature, sentence) \
    {name, signature, least, most, \
     {ARC_TYPE_KIND_##A, ARC_TYPE_KIND_##B, ARC_TYPE_KIND_##C}, PARAM_COUNT(A, B, C), \
     ARC_TYPE_KIND_##RESULT, arc__fn_##run, sentence},
#include "core/functions.def"
};
/* clang-format on */

const struct arc_function *arc__functions(size_t *count)
{
    *count = ARC_COUNT_OF(functions);
    return functions;
}

const struct arc_function *arc__function_find(arc_slice name)
{
    size_t low = 0, high = ARC_COUNT_OF(functions);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = arc__slice_compare(arc__slice_cstr(functions[middle].name), name);
        if (order == 0)
            return &functions[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

int arc__type_accepts(enum arc_type_kind wanted, enum arc_type_kind given)
{
    return wanted == given || wanted == ARC_TYPE_KIND_ANY || given == ARC_TYPE_KIND_ANY ||
           (wanted == ARC_TYPE_KIND_FLOAT && given == ARC_TYPE_KIND_INT) ||
           (wanted == ARC_TYPE_KIND_MAP && given == ARC_TYPE_KIND_TEXTS);
}

/* --- faults --------------------------------------------------------------------------------- */

arc_status arc__fn_fail(struct arc_fn_call *call, enum arc_fault_kind kind, const char *hint,
                        const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    size_t kept = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    kept = arc__utf8_prefix(arc__slice(text, kept), kept);
    arc_slice copy = arc__arena_copy(call->arena, arc__slice(text, kept));
    if (copy.len != kept)
        return ARC_ENOMEM;
    call->fault->kind = kind;
    call->fault->message = copy;
    call->fault->hint = arc__slice_cstr(hint); /* hints are literals */
    return ARC_EINVAL;
}

int arc__fn_pay(struct arc_fn_call *call, uint64_t units)
{
    if (units <= call->units) {
        call->units -= (uint32_t)units;
        return 1;
    }
    call->units = 0;
    call->fault->kind = ARC_FAULT_BUDGET;
    call->fault->message = ARC_LIT("evaluating it takes more work than is allowed");
    call->fault->hint = ARC_LIT("do less in one expression, or with shorter values");
    return 0;
}

int arc__fn_pay_bytes(struct arc_fn_call *call, uint64_t bytes)
{
    return arc__fn_pay(call, bytes / ARC_FN_BYTES_PER_UNIT);
}

int arc__fn_pay_values(struct arc_fn_call *call, uint64_t values)
{
    return arc__fn_pay(call, values / ARC_FN_VALUES_PER_UNIT);
}

int arc__fn_pay_whole(struct arc_fn_call *call, const struct arc_value *value)
{
    struct {
        const struct arc_value *of;
        uint32_t at;
    } open[ARC_VALUE_DEPTH_MAX];
    uint32_t depth = 0;
    for (;;) {
        if (value->kind == ARC_VALUE_TEXT && !arc__fn_pay_bytes(call, value->count))
            return 0;
        if (value->kind == ARC_VALUE_LIST || value->kind == ARC_VALUE_MAP) {
            if (!arc__fn_pay_values(call, value->count))
                return 0;
            if (depth < ARC_VALUE_DEPTH_MAX && value->count > 0) {
                open[depth].of = value;
                open[depth++].at = 0;
            }
        }
        while (depth > 0 && open[depth - 1].at == open[depth - 1].of->count)
            depth--;
        if (depth == 0)
            return 1;
        const struct arc_value *of = open[depth - 1].of;
        uint32_t at = open[depth - 1].at++;
        value = of->kind == ARC_VALUE_MAP ? &of->as.members[at].value : &of->as.items[at];
    }
}

static const char *ordinal(uint32_t index)
{
    static const char *const words[] = {"first", "second", "third", "fourth", "fifth"};
    return index < ARC_COUNT_OF(words) ? words[index] : "last";
}

/* What makes the kind that is wanted of what came, where there is such a thing. */
static const char *way_out(const char *wanted, enum arc_value_kind got)
{
    if (got == ARC_VALUE_NULL)
        return "it may be missing: give another value with `??`, as in `value ?? ''`";
    if (strcmp(wanted, "text") == 0)
        return "`string(value)` makes text of it";
    if (got == ARC_VALUE_TEXT && strcmp(wanted, "an int") == 0)
        return "`int(value)` makes an int of it";
    if (got == ARC_VALUE_TEXT && strcmp(wanted, "a number") == 0)
        return "`int(value)` or `float(value)` makes a number of it";
    if (got == ARC_VALUE_TEXT && strcmp(wanted, "a list") == 0)
        return "`split(value, ',')` makes a list of it";
    if (got == ARC_VALUE_MAP && strcmp(wanted, "a list") == 0)
        return "`keys(value)` or `values(value)` makes a list of it";
    return "";
}

arc_status arc__fn_fail_type(struct arc_fn_call *call, const char *function, uint32_t index,
                             const char *wanted, const struct arc_value *got)
{
    return arc__fn_fail(call, ARC_FAULT_TYPE, way_out(wanted, got->kind),
                        "the %s argument of `%s` must be %s, not %s", ordinal(index), function,
                        wanted, arc__value_kind_name(got->kind));
}

arc_status arc__fn_want(struct arc_fn_call *call, const char *function,
                        const struct arc_value *args, uint32_t index, enum arc_value_kind kind)
{
    if (args[index].kind == kind)
        return ARC_OK;
    return arc__fn_fail_type(call, function, index, arc__value_kind_name(kind), &args[index]);
}

arc_slice arc__fn_show(struct arc_fn_call *call, arc_slice text)
{
    struct arc_buf buf;
    struct arc_json json;
    size_t kept = arc__utf8_prefix(text, SHOWN_MAX);
    if (call->masked)
        return ARC_LIT("\"…\"");
    arc__buf_init(&buf, &call->arena->mem, 512);
    arc__json_init(&json, &buf);
    arc__json_text(&json, arc__slice(text.ptr, kept));
    if (kept < text.len)
        arc__buf_add_cstr(&buf, "…");
    arc_slice shown =
        buf.failed == ARC_OK ? arc__arena_copy(call->arena, arc__buf_slice(&buf)) : ARC_LIT("it");
    arc__buf_deinit(&buf);
    return shown;
}

/* --- results -------------------------------------------------------------------------------- */

arc_status arc__fn_room(struct arc_fn_call *call, const char *function, uint64_t bytes)
{
    if (bytes <= call->result_bytes)
        return ARC_OK;
    return arc__fn_fail(call, ARC_FAULT_BUDGET, "make less at once, or in several expressions",
                        "`%s` makes more than %u bytes", function, call->result_bytes);
}

arc_status arc__fn_new_list(struct arc_fn_call *call, const char *function, uint64_t count,
                            struct arc_value **items)
{
    *items = NULL;
    if (!arc__fn_pay_values(call, count))
        return ARC_EINVAL;
    ARC_TRY(arc__fn_room(call, function, count * sizeof(struct arc_value)));
    if (count == 0)
        return ARC_OK;
    *items = arc__arena_array(call->arena, (size_t)count, sizeof(struct arc_value));
    return *items != NULL ? ARC_OK : ARC_ENOMEM;
}

struct arc_value arc__fn_list(const struct arc_value *items, uint32_t count)
{
    return (struct arc_value){ARC_VALUE_LIST, count, {.items = items}};
}

void arc__fn_text_init(struct arc_fn_call *call, struct arc_buf *buf)
{
    arc__buf_init(buf, &call->arena->mem, call->result_bytes);
}

arc_status arc__fn_take_text(struct arc_fn_call *call, const char *function, struct arc_buf *buf,
                             struct arc_value *out)
{
    arc_status status = buf->failed;
    if (status == ARC_ELIMIT) {
        status = arc__fn_room(call, function, (uint64_t)call->result_bytes + 1);
    } else if (status == ARC_OK) {
        arc_slice copy = arc__arena_copy(call->arena, arc__buf_slice(buf));
        if (copy.len != buf->len)
            status = ARC_ENOMEM;
        else
            *out = arc__value_text(copy);
    }
    arc__buf_deinit(buf);
    return status;
}

/* --- order ---------------------------------------------------------------------------------- */

static int is_number(const struct arc_value *value)
{
    return value->kind == ARC_VALUE_INT || value->kind == ARC_VALUE_FLOAT;
}

arc_status arc__fn_compare(struct arc_fn_call *call, const struct arc_value *a,
                           const struct arc_value *b, int *order)
{
    if (is_number(a) && is_number(b)) {
        *order = arc__value_compare_numbers(a, b);
        return ARC_OK;
    }
    if (a->kind == b->kind && (a->kind == ARC_VALUE_DURATION || a->kind == ARC_VALUE_TIME)) {
        *order = a->as.integer < b->as.integer ? -1 : a->as.integer > b->as.integer;
        return ARC_OK;
    }
    if (a->kind == b->kind && a->kind == ARC_VALUE_TEXT) {
        if (!arc__fn_pay_bytes(call, a->count < b->count ? a->count : b->count))
            return ARC_EINVAL;
        *order = arc__slice_compare(arc__value_slice(a), arc__value_slice(b));
        return ARC_OK;
    }
    if (a->kind == b->kind)
        return arc__fn_fail(call, ARC_FAULT_TYPE,
                            "numbers, texts, durations and times have an order", "%s has no order",
                            arc__value_kind_name(a->kind));
    return arc__fn_fail(
        call, ARC_FAULT_TYPE, "bring both to one type, with `int(…)`, `float(…)` or `string(…)`",
        "%s and %s have no order", arc__value_kind_name(a->kind), arc__value_kind_name(b->kind));
}
