/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of lists and maps. Members are shared, never copied. */
#include <arcentra/base.h>

#include <string.h>

#include "base/text.h"
#include "core/functions_private.h"

arc_status arc__fn_len(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                       struct arc_value *out)
{
    (void)count;
    if (args[0].kind == ARC_VALUE_TEXT) {
        if (!arc__fn_pay_bytes(call, args[0].count))
            return ARC_EINVAL;
        *out = arc__value_int((int64_t)arc__utf8_count(arc__value_slice(&args[0])));
        return ARC_OK;
    }
    if (args[0].kind != ARC_VALUE_LIST && args[0].kind != ARC_VALUE_MAP)
        return arc__fn_fail_type(call, "len", 0, "text, a list or a map", &args[0]);
    *out = arc__value_int(args[0].count);
    return ARC_OK;
}

arc_status arc__fn_join(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                        struct arc_value *out)
{
    struct arc_buf buf;
    (void)count;
    ARC_TRY(arc__fn_want(call, "join", args, 0, ARC_VALUE_LIST));
    ARC_TRY(arc__fn_want(call, "join", args, 1, ARC_VALUE_TEXT));
    if (!arc__fn_pay_whole(call, &args[0]) ||
        !arc__fn_pay_bytes(call, (uint64_t)args[0].count * args[1].count))
        return ARC_EINVAL;
    arc__fn_text_init(call, &buf);
    for (uint32_t i = 0; i < args[0].count && buf.failed == ARC_OK; i++) {
        if (i > 0)
            arc__buf_add_slice(&buf, arc__value_slice(&args[1]));
        arc__value_to_text(&args[0].as.items[i], &buf);
    }
    return arc__fn_take_text(call, "join", &buf, out);
}

arc_status arc__fn_keys(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                        struct arc_value *out)
{
    struct arc_value *items = NULL;
    (void)count;
    ARC_TRY(arc__fn_want(call, "keys", args, 0, ARC_VALUE_MAP));
    ARC_TRY(arc__fn_new_list(call, "keys", args[0].count, &items));
    for (uint32_t i = 0; i < args[0].count; i++)
        items[i] = arc__value_text(args[0].as.members[i].key);
    *out = arc__fn_list(items, args[0].count);
    return ARC_OK;
}

arc_status arc__fn_values(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                          struct arc_value *out)
{
    struct arc_value *items = NULL;
    (void)count;
    ARC_TRY(arc__fn_want(call, "values", args, 0, ARC_VALUE_MAP));
    ARC_TRY(arc__fn_new_list(call, "values", args[0].count, &items));
    for (uint32_t i = 0; i < args[0].count; i++)
        items[i] = args[0].as.members[i].value;
    *out = arc__fn_list(items, args[0].count);
    return ARC_OK;
}

arc_status arc__fn_first(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                         struct arc_value *out)
{
    (void)count;
    ARC_TRY(arc__fn_want(call, "first", args, 0, ARC_VALUE_LIST));
    *out = args[0].count > 0 ? args[0].as.items[0] : ARC_VALUE_OF_NULL;
    return ARC_OK;
}

arc_status arc__fn_last(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                        struct arc_value *out)
{
    (void)count;
    ARC_TRY(arc__fn_want(call, "last", args, 0, ARC_VALUE_LIST));
    *out = args[0].count > 0 ? args[0].as.items[args[0].count - 1] : ARC_VALUE_OF_NULL;
    return ARC_OK;
}

/* An index as it is meant: from the end where it is negative, and within 0 to len. */
static uint32_t bound(int64_t index, uint32_t len)
{
    if (index < 0)
        return index < -(int64_t)len ? 0 : (uint32_t)(len + index);
    return index > (int64_t)len ? len : (uint32_t)index;
}

/* The offset of the character with that number. */
static uint32_t offset_of(arc_slice text, uint32_t number)
{
    uint32_t at = 0;
    while (at < text.len && (number > 0 || ((unsigned char)text.ptr[at] & 0xC0) == 0x80)) {
        at++;
        if (at == text.len || ((unsigned char)text.ptr[at] & 0xC0) != 0x80)
            number--;
    }
    return at;
}

arc_status arc__fn_slice(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                         struct arc_value *out)
{
    int is_text = args[0].kind == ARC_VALUE_TEXT;
    uint32_t len = args[0].count;
    if (!is_text && args[0].kind != ARC_VALUE_LIST)
        return arc__fn_fail_type(call, "slice", 0, "text or a list", &args[0]);
    ARC_TRY(arc__fn_want(call, "slice", args, 1, ARC_VALUE_INT));
    if (count > 2)
        ARC_TRY(arc__fn_want(call, "slice", args, 2, ARC_VALUE_INT));
    if (is_text) {
        if (!arc__fn_pay_bytes(call, len))
            return ARC_EINVAL;
        len = (uint32_t)arc__utf8_count(arc__value_slice(&args[0]));
    }
    uint32_t from = bound(args[1].as.integer, len);
    uint32_t to = count > 2 ? bound(args[2].as.integer, len) : len;
    if (to < from)
        to = from;
    if (is_text) {
        arc_slice text = arc__value_slice(&args[0]);
        uint32_t start = offset_of(text, from), end = offset_of(text, to);
        *out = arc__value_text(start == end ? ARC_NONE : arc__slice(text.ptr + start, end - start));
    } else {
        *out = arc__fn_list(from == to ? NULL : args[0].as.items + from, to - from);
    }
    return ARC_OK;
}

/* 1 when an equal one is among the first `count`; paid for, -1 when it cannot be. */
static int holds(struct arc_fn_call *call, const struct arc_value *items, uint32_t count,
                 const struct arc_value *wanted)
{
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].kind == wanted->kind && items[i].count == wanted->count && wanted->count > 0 &&
            !arc__fn_pay_whole(call, wanted))
            return -1;
        if (arc__value_equal(&items[i], wanted))
            return 1;
    }
    return 0;
}

arc_status arc__fn_unique(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                          struct arc_value *out)
{
    struct arc_value *items = NULL;
    uint32_t kept = 0;
    (void)count;
    ARC_TRY(arc__fn_want(call, "unique", args, 0, ARC_VALUE_LIST));
    ARC_TRY(arc__fn_new_list(call, "unique", args[0].count, &items));
    for (uint32_t i = 0; i < args[0].count; i++) {
        /* Each with all that were kept. */
        if (!arc__fn_pay_values(call, kept))
            return ARC_EINVAL;
        int held = holds(call, items, kept, &args[0].as.items[i]);
        if (held < 0)
            return ARC_EINVAL;
        if (!held)
            items[kept++] = args[0].as.items[i];
    }
    *out = arc__fn_list(items, kept);
    return ARC_OK;
}

/* --- order ---------------------------------------------------------------------------------- */

/* Two sorted neighbours, from[0..left) and from[left..left + right), into one. */
static arc_status merge(struct arc_fn_call *call, const struct arc_value *from, uint32_t left,
                        uint32_t right, struct arc_value *to)
{
    const struct arc_value *a = from, *b = from + left;
    const struct arc_value *a_end = b, *b_end = b + right;
    while (a < a_end && b < b_end) {
        int order = 0;
        ARC_TRY(arc__fn_compare(call, a, b, &order));
        *to++ = order <= 0 ? *a++ : *b++;
    }
    while (a < a_end)
        *to++ = *a++;
    while (b < b_end)
        *to++ = *b++;
    return ARC_OK;
}

/* What is said of a list is said before anything is done, and names the first that is wrong. */
static arc_status check_order(struct arc_fn_call *call, const char *function,
                              const struct arc_value *items, uint32_t count)
{
    static const uint8_t groups[] = {
        [ARC_VALUE_INT] = 1,      [ARC_VALUE_FLOAT] = 1, [ARC_VALUE_TEXT] = 2,
        [ARC_VALUE_DURATION] = 3, [ARC_VALUE_TIME] = 4,  [ARC_VALUE_UNKNOWN] = 0};
    for (uint32_t i = 0; i < count; i++) {
        if (groups[items[i].kind] == 0)
            return arc__fn_fail(call, ARC_FAULT_TYPE,
                                "numbers, texts, durations and times have an order",
                                "`%s` cannot order %s (value %u)", function,
                                arc__value_kind_name(items[i].kind), i + 1);
        if (groups[items[i].kind] != groups[items[0].kind])
            return arc__fn_fail(
                call, ARC_FAULT_TYPE,
                "bring all of them to one type, with `int(…)`, `float(…)` or `string(…)`",
                "`%s` cannot order %s (value %u) beside %s (value 1)", function,
                arc__value_kind_name(items[i].kind), i + 1, arc__value_kind_name(items[0].kind));
    }
    return ARC_OK;
}

arc_status arc__fn_sort(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                        struct arc_value *out)
{
    struct arc_value *from = NULL, *to = NULL;
    (void)count;
    ARC_TRY(arc__fn_want(call, "sort", args, 0, ARC_VALUE_LIST));
    count = args[0].count;
    ARC_TRY(arc__fn_new_list(call, "sort", count, &from));
    ARC_TRY(arc__fn_new_list(call, "sort", count, &to));
    ARC_TRY(check_order(call, "sort", args[0].as.items, count));
    if (count > 0)
        memcpy(from, args[0].as.items, count * sizeof(*from));
    for (uint32_t width = 1; width < count; width *= 2) {
        if (!arc__fn_pay_values(call, count))
            return ARC_EINVAL;
        for (uint32_t at = 0; at < count; at += 2 * width) {
            uint32_t left = width < count - at ? width : count - at;
            uint32_t right = width < count - at - left ? width : count - at - left;
            ARC_TRY(merge(call, from + at, left, right, to + at));
        }
        struct arc_value *swap = from;
        from = to;
        to = swap;
    }
    *out = arc__fn_list(from, count);
    return ARC_OK;
}

/* The smallest where sign is 1, the largest where it is -1; of equal ones the first. */
static arc_status extreme(struct arc_fn_call *call, const char *function,
                          const struct arc_value *args, uint32_t count, int sign,
                          struct arc_value *out)
{
    if (count == 1 && args[0].kind == ARC_VALUE_LIST) {
        count = args[0].count;
        args = args[0].as.items;
    }
    if (!arc__fn_pay_values(call, count))
        return ARC_EINVAL;
    ARC_TRY(check_order(call, function, args, count));
    struct arc_value best = count > 0 ? args[0] : ARC_VALUE_OF_NULL;
    for (uint32_t i = 1; i < count; i++) {
        int order = 0;
        ARC_TRY(arc__fn_compare(call, &args[i], &best, &order));
        if (order * sign < 0)
            best = args[i];
    }
    *out = best;
    return ARC_OK;
}

arc_status arc__fn_min(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                       struct arc_value *out)
{
    return extreme(call, "min", args, count, 1, out);
}

arc_status arc__fn_max(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                       struct arc_value *out)
{
    return extreme(call, "max", args, count, -1, out);
}
