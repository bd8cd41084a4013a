/* SPDX-License-Identifier: Apache-2.0 */
/* What operators make of values that are known. Arithmetic is exact or a fault: nothing wraps
 * around, nothing becomes an infinity. */
#include <math.h>

#include "core/expr_private.h"

#define DEPTH_MAX 128 /* of values: JSON is read at most 64 deep, literals stand 64 deep */
#define BYTES_A_UNIT 64u

/* --- looking into values ------------------------------------------------------------------ */

static int holds_unknown(struct arc_machine *machine, const struct arc_value *value, int depth)
{
    uint32_t kind = value->kind;
    if (kind == ARC_VALUE_UNKNOWN)
        return 1;
    if (kind == ARC_VALUE_TEXT)
        return value->count < BYTES_A_UNIT ||
                       arc__fn_pay(&machine->call, value->count / BYTES_A_UNIT)
                   ? 0
                   : -1;
    if (kind != ARC_VALUE_LIST && kind != ARC_VALUE_MAP)
        return 0;
    if (depth == DEPTH_MAX || !arc__fn_pay(&machine->call, value->count))
        return -1;
    int found = 0;
    for (uint32_t i = 0; found == 0 && i < value->count; i++)
        found = holds_unknown(
            machine, kind == ARC_VALUE_LIST ? &value->as.items[i] : &value->as.members[i].value,
            depth + 1);
    return found;
}

int arc__expr_unknown(struct arc_machine *machine, const struct arc_value *value)
{
    return holds_unknown(machine, value, 0);
}

/* --- faults ------------------------------------------------------------------------------- */

static arc_status mismatch(struct arc_machine *machine, enum arc_operator operator_,
                           const struct arc_value *a, const struct arc_value *b)
{
    const struct arc_operator_row *row = arc__operator(operator_);
    const char *sign = row->sign[0] != '\0' ? row->sign : row->word;
    const char *hint = "";
    int texts = (a->kind == ARC_VALUE_TEXT) + (b->kind == ARC_VALUE_TEXT);
    if (a->kind == ARC_VALUE_NULL || b->kind == ARC_VALUE_NULL)
        hint = "write `value ?? \"\"` where a value may be missing";
    else if (texts == 1 && operator_ == ARC_OPERATOR_ADD)
        hint = "make a text of it with `string(value)`";
    else if (texts == 1)
        hint = "make a number of the text with `int(text)` or `float(text)`";
    return arc__fn_fail(&machine->call, ARC_FAULT_TYPE, hint, "`%s` does not go with %s and %s",
                        sign, arc__value_kind_name((enum arc_value_kind)a->kind),
                        arc__value_kind_name((enum arc_value_kind)b->kind));
}

static arc_status overflow(struct arc_machine *machine, enum arc_operator operator_)
{
    return arc__fn_fail(&machine->call, ARC_FAULT_VALUE, "calculate with floats: `1.0 * value`",
                        "the result of `%s` is out of the range of integers",
                        arc__operator(operator_)->sign);
}

static arc_status by_zero(struct arc_machine *machine, enum arc_operator operator_)
{
    return arc__fn_fail(&machine->call, ARC_FAULT_VALUE, "look before: `b == 0 ? 0 : a / b`",
                        "`%s` divides by 0", arc__operator(operator_)->sign);
}

/* --- arithmetic --------------------------------------------------------------------------- */

static arc_status whole(struct arc_machine *machine, enum arc_operator operator_, int64_t a,
                        int64_t b, uint32_t kind, struct arc_value *out)
{
    int64_t result = 0;
    int over = 0;
    if (operator_ == ARC_OPERATOR_ADD) {
        over = __builtin_add_overflow(a, b, &result);
    } else if (operator_ == ARC_OPERATOR_SUB) {
        over = __builtin_sub_overflow(a, b, &result);
    } else if (operator_ == ARC_OPERATOR_MUL) {
        over = __builtin_mul_overflow(a, b, &result);
    } else if (b == 0) {
        return by_zero(machine, operator_);
    } else if (b == -1) { /* the least integer has no counterpart */
        over = operator_ == ARC_OPERATOR_DIV && __builtin_sub_overflow((int64_t)0, a, &result);
    } else {
        result = operator_ == ARC_OPERATOR_DIV ? a / b : a % b;
    }
    if (over)
        return overflow(machine, operator_);
    *out = (struct arc_value){kind, 0, {.integer = result}};
    return ARC_OK;
}

static double real_of(const struct arc_value *value)
{
    return value->kind == ARC_VALUE_INT ? (double)value->as.integer : value->as.real;
}

static arc_status real(struct arc_machine *machine, enum arc_operator operator_,
                       const struct arc_value *a, const struct arc_value *b, struct arc_value *out)
{
    double x = real_of(a), y = real_of(b);
    if (operator_ == ARC_OPERATOR_MOD)
        return mismatch(machine, operator_, a, b);
    if (operator_ == ARC_OPERATOR_DIV && y == 0)
        return by_zero(machine, operator_);
    double result = operator_ == ARC_OPERATOR_ADD   ? x + y
                    : operator_ == ARC_OPERATOR_SUB ? x - y
                    : operator_ == ARC_OPERATOR_MUL ? x * y
                                                    : x / y;
    if (!isfinite(result))
        return arc__fn_fail(&machine->call, ARC_FAULT_VALUE, "",
                            "the result of `%s` is out of the range of floats",
                            arc__operator(operator_)->sign);
    *out = (struct arc_value){ARC_VALUE_FLOAT, 0, {.real = result}};
    return ARC_OK;
}

static arc_status join(struct arc_machine *machine, const struct arc_value *a,
                       const struct arc_value *b, struct arc_value *out)
{
    uint64_t bytes = (uint64_t)a->count + b->count;
    if (a->count == 0 || b->count == 0) {
        *out = a->count == 0 ? *b : *a;
        return ARC_OK;
    }
    if (bytes > machine->call.result_bytes)
        return arc__fn_fail(&machine->call, ARC_FAULT_BUDGET, "",
                            "the text would be longer than %u bytes", machine->call.result_bytes);
    if (!arc__fn_pay(&machine->call, bytes / BYTES_A_UNIT))
        return ARC_EINVAL;
    char *text = arc__arena_alloc(machine->call.arena, bytes);
    if (text == NULL)
        return ARC_ENOMEM;
    memcpy(text, a->as.text, a->count);
    memcpy(text + a->count, b->as.text, b->count);
    *out = arc__value_text(arc__slice(text, bytes));
    return ARC_OK;
}

/* Durations and times. The kind of the result; NULL: they do not go together. */
static uint32_t kind_of_time(enum arc_operator operator_, uint32_t a, uint32_t b)
{
    if (operator_ == ARC_OPERATOR_ADD && a != b)
        return (a == ARC_VALUE_TIME && b == ARC_VALUE_DURATION) ||
                       (a == ARC_VALUE_DURATION && b == ARC_VALUE_TIME)
                   ? ARC_VALUE_TIME
                   : ARC_VALUE_NULL;
    if (operator_ == ARC_OPERATOR_ADD || operator_ == ARC_OPERATOR_SUB) {
        if (a == ARC_VALUE_DURATION && b == ARC_VALUE_DURATION)
            return ARC_VALUE_DURATION;
        if (operator_ == ARC_OPERATOR_SUB && a == ARC_VALUE_TIME)
            return b == ARC_VALUE_TIME       ? ARC_VALUE_DURATION
                   : b == ARC_VALUE_DURATION ? ARC_VALUE_TIME
                                             : ARC_VALUE_NULL;
        return ARC_VALUE_NULL;
    }
    if (a == ARC_VALUE_DURATION && b == ARC_VALUE_INT && operator_ != ARC_OPERATOR_MOD)
        return ARC_VALUE_DURATION;
    return a == ARC_VALUE_INT && b == ARC_VALUE_DURATION && operator_ == ARC_OPERATOR_MUL
               ? ARC_VALUE_DURATION
               : ARC_VALUE_NULL;
}

static arc_status arithmetic(struct arc_machine *machine, enum arc_operator operator_,
                             const struct arc_value *a, const struct arc_value *b,
                             struct arc_value *out)
{
    int a_number = a->kind == ARC_VALUE_INT || a->kind == ARC_VALUE_FLOAT;
    int b_number = b->kind == ARC_VALUE_INT || b->kind == ARC_VALUE_FLOAT;
    if (a->kind == ARC_VALUE_INT && b->kind == ARC_VALUE_INT)
        return whole(machine, operator_, a->as.integer, b->as.integer, ARC_VALUE_INT, out);
    if (a_number && b_number)
        return real(machine, operator_, a, b, out);
    if (a->kind == ARC_VALUE_TEXT && b->kind == ARC_VALUE_TEXT && operator_ == ARC_OPERATOR_ADD)
        return join(machine, a, b, out);
    uint32_t kind = kind_of_time(operator_, a->kind, b->kind);
    if (kind != ARC_VALUE_NULL)
        return whole(machine, operator_, a->as.integer, b->as.integer, kind, out);
    return mismatch(machine, operator_, a, b);
}

arc_status arc__expr_negate(struct arc_machine *machine, const struct arc_value *a,
                            struct arc_value *out)
{
    static const struct arc_value zero = {ARC_VALUE_INT, 0, {0}};
    if (a->kind == ARC_VALUE_FLOAT) {
        *out = (struct arc_value){ARC_VALUE_FLOAT, 0, {.real = -a->as.real}};
        return ARC_OK;
    }
    if (a->kind == ARC_VALUE_INT || a->kind == ARC_VALUE_DURATION)
        return whole(machine, ARC_OPERATOR_SUB, zero.as.integer, a->as.integer, a->kind, out);
    return arc__fn_fail(&machine->call, ARC_FAULT_TYPE, "", "`-` takes a number, not %s",
                        arc__value_kind_name((enum arc_value_kind)a->kind));
}

/* --- comparing and searching -------------------------------------------------------------- */

static arc_status equal(struct arc_machine *machine, const struct arc_value *a,
                        const struct arc_value *b, struct arc_value *out)
{
    int known = arc__expr_unknown(machine, a);
    if (known == 0)
        known = arc__expr_unknown(machine, b);
    if (known < 0)
        return ARC_EINVAL;
    *out = known == 0 ? arc__value_bool(arc__value_equal(a, b)) : ARC_VALUE_OF_UNKNOWN;
    return ARC_OK;
}

static arc_status order(struct arc_machine *machine, enum arc_operator operator_,
                        const struct arc_value *a, const struct arc_value *b, struct arc_value *out)
{
    int way = 0;
    arc_status status = arc__fn_compare(&machine->call, a, b, &way);
    if (status != ARC_OK)
        return status;
    int yes = operator_ == ARC_OPERATOR_LE   ? way <= 0
              : operator_ == ARC_OPERATOR_LT ? way < 0
              : operator_ == ARC_OPERATOR_GE ? way >= 0
                                             : way > 0;
    *out = arc__value_bool(yes);
    return ARC_OK;
}

static arc_status in_list(struct arc_machine *machine, const struct arc_value *a,
                          const struct arc_value *list, struct arc_value *out)
{
    struct arc_value found = arc__value_bool(0);
    if (!arc__fn_pay(&machine->call, list->count))
        return ARC_EINVAL;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct arc_value *item = &list->as.items[i];
        struct arc_value same = {0};
        if (item->kind == ARC_VALUE_TEXT && a->kind == ARC_VALUE_TEXT &&
            (item->count != a->count ||
             (a->count < BYTES_A_UNIT && !arc__same_bytes(a->as.text, item->as.text, a->count))))
            continue;
        ARC_TRY(equal(machine, a, item, &same));
        if (same.kind == ARC_VALUE_BOOL && same.as.integer != 0) {
            *out = same;
            return ARC_OK;
        }
        if (same.kind == ARC_VALUE_UNKNOWN)
            found = same;
    }
    *out = found;
    return ARC_OK;
}

static arc_status in(struct arc_machine *machine, const struct arc_value *a,
                     const struct arc_value *b, struct arc_value *out)
{
    if (b->kind == ARC_VALUE_LIST)
        return in_list(machine, a, b, out);
    if (b->kind == ARC_VALUE_MAP && a->kind == ARC_VALUE_TEXT) {
        *out = arc__value_bool(arc__value_get(b, arc__value_slice(a)) != NULL);
        return ARC_OK;
    }
    if (b->kind == ARC_VALUE_NULL) { /* what is missing holds nothing */
        *out = arc__value_bool(0);
        return ARC_OK;
    }
    if (b->kind == ARC_VALUE_MAP)
        return arc__fn_fail(&machine->call, ARC_FAULT_TYPE, "",
                            "the key of a map is a text, not %s",
                            arc__value_kind_name((enum arc_value_kind)a->kind));
    return arc__fn_fail(&machine->call, ARC_FAULT_TYPE,
                        b->kind == ARC_VALUE_TEXT ? "write `text contains part`" : "",
                        "`in` takes a list or a map on its right side, not %s",
                        arc__value_kind_name((enum arc_value_kind)b->kind));
}

arc_status arc__expr_binary(struct arc_machine *machine, enum arc_operator operator_,
                            const struct arc_value *a, const struct arc_value *b,
                            struct arc_value *out)
{
    struct arc_value args[2] = {*a, *b};
    switch (operator_) {
    case ARC_OPERATOR_EQ:
        return equal(machine, a, b, out);
    case ARC_OPERATOR_LE:
    case ARC_OPERATOR_LT:
    case ARC_OPERATOR_GE:
    case ARC_OPERATOR_GT:
        return order(machine, operator_, a, b, out);
    case ARC_OPERATOR_IN:
        return in(machine, a, b, out);
    case ARC_OPERATOR_MATCHES:
        return arc__fn_matches(&machine->call, args, 2, out);
    case ARC_OPERATOR_CONTAINS:
        return arc__fn_contains(&machine->call, args, 2, out);
    case ARC_OPERATOR_STARTS:
        return arc__fn_starts_with(&machine->call, args, 2, out);
    case ARC_OPERATOR_ENDS:
        return arc__fn_ends_with(&machine->call, args, 2, out);
    default:
        return arithmetic(machine, operator_, a, b, out);
    }
}
