/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that turn one kind into another, of numbers, of time and of versions. */
#include <arcentra/base.h>

#include <math.h>
#include <string.h>

#include "base/sha256.h"
#include "base/text.h"
#include "base/time.h"
#include "core/functions_private.h"

#define JSON_DEPTH 64u /* as documents */
#define TWO_TO_63 9223372036854775808.0

static struct arc_value real_value(double real)
{
    return (struct arc_value){ARC_VALUE_FLOAT, 0, {.real = real}};
}

/* --- kinds ---------------------------------------------------------------------------------- */

static arc_status outside(struct arc_fn_call *call, const char *function)
{
    return arc__fn_fail(call, ARC_FAULT_VALUE, "an int has 64 bits",
                        "the number given to `%s` is too large for an int", function);
}

static arc_status int_of_text(struct arc_fn_call *call, arc_slice text, struct arc_value *out)
{
    double real = 0;
    if (arc__slice_to_i64(text, &out->as.integer)) {
        out->kind = ARC_VALUE_INT;
        return ARC_OK;
    }
    arc_slice shown = arc__fn_show(call, text);
    return arc__fn_fail(call, ARC_FAULT_VALUE,
                        arc__text_to_double(text, &real)
                            ? "`int(float(value))` and `round(float(value))` take a fraction"
                            : "`int` takes digits with at most a minus before them",
                        "`int` cannot read %.*s", ARC_ARG(shown));
}

arc_status arc__fn_int(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                       struct arc_value *out)
{
    (void)count;
    *out = arc__value_int(args[0].as.integer);
    switch (args[0].kind) {
    case ARC_VALUE_BOOL:
    case ARC_VALUE_INT:
        return ARC_OK;
    case ARC_VALUE_FLOAT:
        if (!(args[0].as.real >= -TWO_TO_63 && args[0].as.real < TWO_TO_63))
            return outside(call, "int");
        *out = arc__value_int((int64_t)args[0].as.real);
        return ARC_OK;
    case ARC_VALUE_TEXT:
        return int_of_text(call, arc__value_slice(&args[0]), out);
    default:
        return arc__fn_fail_type(call, "int", 0, "a number, text or a bool", &args[0]);
    }
}

arc_status arc__fn_float(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                         struct arc_value *out)
{
    double real = 0;
    (void)count;
    switch (args[0].kind) {
    case ARC_VALUE_FLOAT:
        *out = args[0];
        return ARC_OK;
    case ARC_VALUE_BOOL:
    case ARC_VALUE_INT:
        *out = real_value((double)args[0].as.integer);
        return ARC_OK;
    case ARC_VALUE_TEXT:
        if (!arc__text_to_double(arc__value_slice(&args[0]), &real)) {
            arc_slice shown = arc__fn_show(call, arc__value_slice(&args[0]));
            return arc__fn_fail(call, ARC_FAULT_VALUE, "`float` takes decimal numbers like -1.5e3",
                                "`float` cannot read %.*s", ARC_ARG(shown));
        }
        *out = real_value(real);
        return ARC_OK;
    default:
        return arc__fn_fail_type(call, "float", 0, "a number, text or a bool", &args[0]);
    }
}

arc_status arc__fn_bool(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                        struct arc_value *out)
{
    arc_slice text = args[0].kind == ARC_VALUE_TEXT ? arc__value_slice(&args[0]) : ARC_NONE;
    (void)count;
    if (args[0].kind == ARC_VALUE_BOOL) {
        *out = args[0];
        return ARC_OK;
    }
    if (args[0].kind != ARC_VALUE_TEXT)
        return arc__fn_fail(call, ARC_FAULT_TYPE, "compare it, as in `value != 0`",
                            "the first argument of `bool` must be text or a bool, not %s",
                            arc__value_kind_name(args[0].kind));
    if (!arc__slice_is(text, "true") && !arc__slice_is(text, "false")) {
        arc_slice shown = arc__fn_show(call, text);
        return arc__fn_fail(call, ARC_FAULT_VALUE, "compare it, as in `value == 'yes'`",
                            "`bool` takes the texts true and false, not %.*s", ARC_ARG(shown));
    }
    *out = arc__value_bool(text.len == 4);
    return ARC_OK;
}

arc_status arc__fn_string(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                          struct arc_value *out)
{
    struct arc_buf buf;
    (void)count;
    if (args[0].kind == ARC_VALUE_TEXT) {
        *out = args[0];
        return ARC_OK;
    }
    if (!arc__fn_pay_whole(call, &args[0]))
        return ARC_EINVAL;
    arc__fn_text_init(call, &buf);
    arc__value_to_text(&args[0], &buf);
    return arc__fn_take_text(call, "string", &buf, out);
}

arc_status arc__fn_to_json(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                           struct arc_value *out)
{
    struct arc_buf buf;
    (void)count;
    if (!arc__fn_pay_whole(call, &args[0]))
        return ARC_EINVAL;
    arc__fn_text_init(call, &buf);
    arc__value_to_json(&args[0], &buf);
    return arc__fn_take_text(call, "toJson", &buf, out);
}

arc_status arc__fn_from_json(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                             struct arc_value *out)
{
    arc_err err = ARC_ERR_INIT;
    (void)count;
    ARC_TRY(arc__fn_want(call, "fromJson", args, 0, ARC_VALUE_TEXT));
    /* A value may stand at every second byte. */
    if (!arc__fn_pay_values(call, args[0].count / 2))
        return ARC_EINVAL;
    ARC_TRY(arc__fn_room(call, "fromJson", args[0].count));
    arc_status status =
        arc__value_from_json(arc__value_slice(&args[0]), JSON_DEPTH, call->arena, out, &err);
    if (status == ARC_OK || status == ARC_ENOMEM)
        return status;
    /* A sentence, which is here a part of one. */
    arc_slice why = arc__slice_cstr(call->masked ? "it may be a secret" : err.message);
    if (why.len > 0 && why.ptr[why.len - 1] == '.')
        why.len--;
    return arc__fn_fail(call, ARC_FAULT_VALUE, "`fromJson` takes one JSON value",
                        "`fromJson` cannot read its text: line %u, column %u: %.*s", err.line,
                        err.column, ARC_ARG(why));
}

arc_status arc__fn_coalesce(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                            struct arc_value *out)
{
    (void)call;
    *out = ARC_VALUE_OF_NULL;
    for (uint32_t i = 0; i < count && out->kind == ARC_VALUE_NULL; i++)
        *out = args[i];
    return ARC_OK;
}

/* --- numbers -------------------------------------------------------------------------------- */

arc_status arc__fn_abs(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                       struct arc_value *out)
{
    (void)count;
    *out = args[0];
    if (args[0].kind == ARC_VALUE_FLOAT) {
        out->as.real = fabs(args[0].as.real);
        return ARC_OK;
    }
    if (args[0].kind != ARC_VALUE_INT && args[0].kind != ARC_VALUE_DURATION)
        return arc__fn_fail_type(call, "abs", 0, "a number or a duration", &args[0]);
    if (args[0].as.integer == INT64_MIN)
        return outside(call, "abs");
    if (args[0].as.integer < 0)
        out->as.integer = -args[0].as.integer;
    return ARC_OK;
}

arc_status arc__fn_round(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                         struct arc_value *out)
{
    double real = args[0].as.real;
    (void)count;
    if (args[0].kind == ARC_VALUE_INT) {
        *out = args[0];
        return ARC_OK;
    }
    if (args[0].kind != ARC_VALUE_FLOAT)
        return arc__fn_fail_type(call, "round", 0, "a number", &args[0]);
    if (!(real >= -TWO_TO_63 && real < TWO_TO_63))
        return outside(call, "round");
    int64_t whole = (int64_t)real; /* from 2^52 on there is no fraction, so nothing overflows */
    double fraction = real - (double)whole;
    *out = arc__value_int(whole + (fraction >= 0.5) - (fraction <= -0.5));
    return ARC_OK;
}

/* --- time and digests ----------------------------------------------------------------------- */

arc_status arc__fn_now(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                       struct arc_value *out)
{
    (void)args;
    (void)count;
    *out = ARC_VALUE_OF_UNKNOWN;
    if (call->now_ns != INT64_MIN)
        *out = (struct arc_value){ARC_VALUE_TIME, 0, {.integer = call->now_ns}};
    return ARC_OK;
}

arc_status arc__fn_duration(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                            struct arc_value *out)
{
    arc_err err = ARC_ERR_INIT;
    int64_t ns = 0;
    (void)count;
    if (args[0].kind == ARC_VALUE_INT || args[0].kind == ARC_VALUE_FLOAT)
        return arc__fn_fail(call, ARC_FAULT_TYPE, "say the unit, as in `duration('30s')`",
                            "the first argument of `duration` must be text, not %s",
                            arc__value_kind_name(args[0].kind));
    ARC_TRY(arc__fn_want(call, "duration", args, 0, ARC_VALUE_TEXT));
    if (!arc__fn_pay_bytes(call, args[0].count))
        return ARC_EINVAL;
    if (arc__duration_parse(arc__value_slice(&args[0]), &ns, &err) != ARC_OK) {
        arc_slice shown = arc__fn_show(call, arc__value_slice(&args[0]));
        return arc__fn_fail(call, ARC_FAULT_VALUE,
                            "durations are written like 90s, 1h30m or 250ms, up to 106751d",
                            "`duration` cannot read %.*s", ARC_ARG(shown));
    }
    *out = (struct arc_value){ARC_VALUE_DURATION, 0, {.integer = ns}};
    return ARC_OK;
}

arc_status arc__fn_hash(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                        struct arc_value *out)
{
    char hex[ARC_SHA256_HEX_LEN + 1];
    (void)count;
    ARC_TRY(arc__fn_want(call, "hash", args, 0, ARC_VALUE_TEXT));
    /* Four times what looking at it costs. */
    if (!arc__fn_pay_bytes(call, (uint64_t)args[0].count * 4))
        return ARC_EINVAL;
    ARC_TRY(arc__fn_room(call, "hash", ARC_SHA256_HEX_LEN));
    arc__sha256_hex(arc__value_slice(&args[0]), hex);
    arc_slice copy = arc__arena_copy(call->arena, arc__slice(hex, ARC_SHA256_HEX_LEN));
    *out = arc__value_text(copy);
    return copy.len > 0 ? ARC_OK : ARC_ENOMEM;
}

/* --- versions (SemVer 2.0.0) ---------------------------------------------------------------- */

struct version {
    arc_slice numbers[3];
    arc_slice pre; /* the identifiers before a release, or ARC_NONE */
};

static int is_digits(arc_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return 0;
    }
    return text.len > 0;
}

/* Item 2: without leading zeros. */
static int is_number_part(arc_slice text)
{
    return is_digits(text) && (text.len == 1 || text.ptr[0] != '0');
}

/* Items 9 and 10: not empty, of letters, digits and hyphens; numbers of a pre-release have no
 * leading zeros. */
static int are_identifiers(arc_slice text, int pre)
{
    for (;;) {
        arc_slice rest = ARC_NONE, one = arc__slice_cut(text, '.', &rest);
        if (one.len == 0)
            return 0;
        for (size_t i = 0; i < one.len; i++) {
            char c = one.ptr[i];
            if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '-'))
                return 0;
        }
        if (pre && is_digits(one) && !is_number_part(one))
            return 0;
        if (one.len == text.len)
            return 1;
        text = rest;
    }
}

static int read_version(arc_slice text, struct version *out)
{
    arc_slice build = ARC_NONE;
    *out = (struct version){0};
    if (text.len > 0 && text.ptr[0] == 'v')
        text = arc__slice_from(text, 1);
    arc_slice main = arc__slice_cut(text, '+', &build);
    if (main.len < text.len && !are_identifiers(build, 0))
        return 0;
    arc_slice core = arc__slice_cut(main, '-', &out->pre);
    if (core.len < main.len && !are_identifiers(out->pre, 1))
        return 0;
    for (size_t i = 0; i < 3; i++) {
        arc_slice rest = ARC_NONE;
        out->numbers[i] = arc__slice_cut(core, '.', &rest);
        if (!is_number_part(out->numbers[i]) || (i == 2 && out->numbers[i].len < core.len))
            return 0;
        core = rest;
    }
    return 1;
}

/* By value, whatever their length: there are no leading zeros. */
static int order_numbers(arc_slice a, arc_slice b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return arc__slice_compare(a, b);
}

/* Item 11: a version without pre-release is the later one; numbers before texts; more identifiers
 * after fewer. */
static int order_pre(arc_slice a, arc_slice b)
{
    if (a.len == 0 || b.len == 0)
        return (a.len == 0) - (b.len == 0);
    while (a.len > 0 && b.len > 0) {
        arc_slice a_rest = ARC_NONE, b_rest = ARC_NONE;
        arc_slice x = arc__slice_cut(a, '.', &a_rest), y = arc__slice_cut(b, '.', &b_rest);
        int x_number = is_digits(x), y_number = is_digits(y);
        int order = x_number && y_number   ? order_numbers(x, y)
                    : x_number != y_number ? y_number - x_number
                                           : arc__slice_compare(x, y);
        if (order != 0)
            return order;
        a = a_rest;
        b = b_rest;
    }
    return (a.len > 0) - (b.len > 0);
}

arc_status arc__fn_semver(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                          struct arc_value *out)
{
    struct version versions[2];
    (void)count;
    for (uint32_t i = 0; i < 2; i++) {
        ARC_TRY(arc__fn_want(call, "semver", args, i, ARC_VALUE_TEXT));
        if (!arc__fn_pay_bytes(call, (uint64_t)args[i].count * 2))
            return ARC_EINVAL;
        if (!read_version(arc__value_slice(&args[i]), &versions[i])) {
            arc_slice shown = arc__fn_show(call, arc__value_slice(&args[i]));
            return arc__fn_fail(call, ARC_FAULT_VALUE,
                                "versions are written like 1.2.3, v1.2.3-rc.1 or 1.2.3+build",
                                "`semver` cannot read the version %.*s", ARC_ARG(shown));
        }
    }
    int order = 0;
    for (size_t i = 0; i < 3 && order == 0; i++)
        order = order_numbers(versions[0].numbers[i], versions[1].numbers[i]);
    if (order == 0)
        order = order_pre(versions[0].pre, versions[1].pre);
    *out = arc__value_int((order > 0) - (order < 0));
    return ARC_OK;
}
