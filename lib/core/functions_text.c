/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of texts. What a text is made to is measured and paid before it is made. */
#include <arcentra/base.h>

#include <string.h>

#include "base/glob.h"
#include "base/text.h"
#include "core/functions_private.h"
#include "core/pattern.h"

#define STEPS_PER_UNIT 64u /* of a pattern: a state at a byte */

/* Both of two texts, paid for. */
static arc_status two_texts(struct arc_fn_call *call, const char *function,
                            const struct arc_value *args)
{
    ARC_TRY(arc__fn_want(call, function, args, 0, ARC_VALUE_TEXT));
    ARC_TRY(arc__fn_want(call, function, args, 1, ARC_VALUE_TEXT));
    return arc__fn_pay_bytes(call, (uint64_t)args[0].count + args[1].count) ? ARC_OK : ARC_EINVAL;
}

static arc_status change_case(struct arc_fn_call *call, const char *function,
                              const struct arc_value *args, char first, struct arc_value *out)
{
    ARC_TRY(arc__fn_want(call, function, args, 0, ARC_VALUE_TEXT));
    if (!arc__fn_pay_bytes(call, args[0].count))
        return ARC_EINVAL;
    ARC_TRY(arc__fn_room(call, function, args[0].count));
    char *copy = arc__arena_strdup(call->arena, arc__value_slice(&args[0]));
    if (copy == NULL)
        return ARC_ENOMEM;
    for (uint32_t i = 0; i < args[0].count; i++) {
        if (copy[i] >= first && copy[i] <= first + ('z' - 'a'))
            copy[i] = (char)(copy[i] ^ ('a' ^ 'A'));
    }
    *out = arc__value_text(arc__slice(copy, args[0].count));
    return ARC_OK;
}

arc_status arc__fn_lower(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                         struct arc_value *out)
{
    (void)count;
    return change_case(call, "lower", args, 'A', out);
}

arc_status arc__fn_upper(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                         struct arc_value *out)
{
    (void)count;
    return change_case(call, "upper", args, 'a', out);
}

arc_status arc__fn_trim(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                        struct arc_value *out)
{
    (void)count;
    ARC_TRY(arc__fn_want(call, "trim", args, 0, ARC_VALUE_TEXT));
    if (!arc__fn_pay_bytes(call, args[0].count))
        return ARC_EINVAL;
    *out = arc__value_text(arc__slice_trim(arc__value_slice(&args[0])));
    return ARC_OK;
}

/* Where `part`, which is not empty, begins in text from `at` on; or the length of the text. */
static size_t find(arc_slice text, size_t at, arc_slice part)
{
    if (at >= text.len)
        return text.len;
    const char *found = memmem(text.ptr + at, text.len - at, part.ptr, part.len);
    return found != NULL ? (size_t)(found - text.ptr) : text.len;
}

static uint64_t occurrences(arc_slice text, arc_slice part)
{
    uint64_t count = 0;
    for (size_t at = find(text, 0, part); at < text.len; at = find(text, at + part.len, part))
        count++;
    return count;
}

arc_status arc__fn_replace(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                           struct arc_value *out)
{
    (void)count;
    ARC_TRY(two_texts(call, "replace", args));
    ARC_TRY(arc__fn_want(call, "replace", args, 2, ARC_VALUE_TEXT));
    arc_slice text = arc__value_slice(&args[0]), old = arc__value_slice(&args[1]);
    arc_slice new = arc__value_slice(&args[2]);
    if (old.len == 0)
        return arc__fn_fail(call, ARC_FAULT_VALUE, "say which text is to be replaced",
                            "the second argument of `replace` is empty");
    uint64_t times = occurrences(text, old), len = text.len - times * old.len + times * new.len;
    if (!arc__fn_pay_bytes(call, len))
        return ARC_EINVAL;
    ARC_TRY(arc__fn_room(call, "replace", len));
    char *to = arc__arena_alloc(call->arena, (size_t)len + 1);
    if (to == NULL)
        return ARC_ENOMEM;
    *out = arc__value_text(arc__slice(to, (size_t)len));
    for (size_t at = 0; at < text.len;) {
        size_t next = find(text, at, old);
        memcpy(to, text.ptr + at, next - at);
        to += next - at;
        at = next;
        if (at < text.len) {
            if (new.len > 0)
                memcpy(to, new.ptr, new.len);
            to += new.len;
            at += old.len;
        }
    }
    return ARC_OK;
}

arc_status arc__fn_split(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                         struct arc_value *out)
{
    struct arc_value *items = NULL;
    (void)count;
    ARC_TRY(two_texts(call, "split", args));
    arc_slice text = arc__value_slice(&args[0]), separator = arc__value_slice(&args[1]);
    if (separator.len == 0)
        return arc__fn_fail(call, ARC_FAULT_VALUE, "say what stands between the parts, like ','",
                            "the second argument of `split` is empty");
    uint64_t parts = occurrences(text, separator) + 1;
    ARC_TRY(arc__fn_new_list(call, "split", parts, &items));
    size_t at = 0;
    for (uint64_t i = 0; i < parts; i++) {
        size_t next = find(text, at, separator);
        items[i] = arc__value_text(arc__slice(text.ptr + at, next - at));
        at = next + separator.len;
    }
    *out = arc__fn_list(items, (uint32_t)parts);
    return ARC_OK;
}

arc_status arc__fn_starts_with(struct arc_fn_call *call, const struct arc_value *args,
                               uint32_t count, struct arc_value *out)
{
    (void)count;
    ARC_TRY(two_texts(call, "startsWith", args));
    *out =
        arc__value_bool(arc__slice_starts(arc__value_slice(&args[0]), arc__value_slice(&args[1])));
    return ARC_OK;
}

arc_status arc__fn_ends_with(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                             struct arc_value *out)
{
    (void)count;
    ARC_TRY(two_texts(call, "endsWith", args));
    arc_slice text = arc__value_slice(&args[0]), end = arc__value_slice(&args[1]);
    *out = arc__value_bool(
        end.len <= text.len &&
        arc__slice_equal(end, arc__slice(text.ptr + (text.len - end.len), end.len)));
    return ARC_OK;
}

static arc_status contains_text(struct arc_fn_call *call, const struct arc_value *args,
                                struct arc_value *out)
{
    ARC_TRY(two_texts(call, "contains", args));
    arc_slice text = arc__value_slice(&args[0]), part = arc__value_slice(&args[1]);
    *out = arc__value_bool(part.len == 0 || find(text, 0, part) < text.len);
    return ARC_OK;
}

arc_status arc__fn_contains(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                            struct arc_value *out)
{
    (void)count;
    if (args[0].kind == ARC_VALUE_TEXT)
        return contains_text(call, args, out);
    if (args[0].kind == ARC_VALUE_MAP) {
        ARC_TRY(arc__fn_want(call, "contains", args, 1, ARC_VALUE_TEXT));
        *out = arc__value_bool(arc__value_get(&args[0], arc__value_slice(&args[1])) != NULL);
        return ARC_OK;
    }
    if (args[0].kind != ARC_VALUE_LIST)
        return arc__fn_fail_type(call, "contains", 0, "text, a list or a map", &args[0]);
    *out = arc__value_bool(0);
    for (uint32_t i = 0; i < args[0].count; i++) {
        const struct arc_value *item = &args[0].as.items[i];
        /* Where they are equal both cost the same; where not, it ends before the cheaper one does.
         */
        if (!arc__fn_pay_values(call, i % ARC_FN_VALUES_PER_UNIT == 0 ? ARC_FN_VALUES_PER_UNIT : 0))
            return ARC_EINVAL;
        if (item->kind == args[1].kind && item->count == args[1].count && item->count > 0 &&
            !arc__fn_pay_whole(call, item))
            return ARC_EINVAL;
        if (arc__value_equal(item, &args[1])) {
            *out = arc__value_bool(1);
            return ARC_OK;
        }
    }
    return ARC_OK;
}

arc_status arc__fn_glob(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                        struct arc_value *out)
{
    (void)count;
    ARC_TRY(two_texts(call, "glob", args));
    if (args[1].count > ARC_GLOB_PATTERN_MAX)
        return arc__fn_fail(call, ARC_FAULT_VALUE, "write a shorter one",
                            "the pattern of `glob` has more than %d bytes", ARC_GLOB_PATTERN_MAX);
    /* Sixty-four places of the pattern are one word at each byte of the text. */
    if (!arc__fn_pay_bytes(call, (uint64_t)args[0].count * (args[1].count / 8 + 8)))
        return ARC_EINVAL;
    *out = arc__value_bool(arc__glob_match(arc__value_slice(&args[1]), arc__value_slice(&args[0])));
    return ARC_OK;
}

arc_status arc__fn_matches(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                           struct arc_value *out)
{
    const struct arc_pattern *pattern = NULL;
    struct arc_pattern_fault fault = {0};
    uint64_t steps = 0;
    (void)count;
    ARC_TRY(two_texts(call, "matches", args));
    if (!arc__fn_pay(call, args[1].count / 4))
        return ARC_EINVAL;
    arc_status status =
        arc__pattern_compile_once(arc__value_slice(&args[1]), call->arena, &pattern, &fault);
    if (status == ARC_EINVAL) {
        arc_slice shown = arc__fn_show(call, arc__value_slice(&args[1]));
        return arc__fn_fail(call, ARC_FAULT_VALUE,
                            "patterns are regular expressions in RE2's syntax",
                            "the pattern %.*s of `matches` is wrong at byte %u: %s", ARC_ARG(shown),
                            fault.offset + 1, fault.what);
    }
    if (status != ARC_OK)
        return status;
    int fits = arc__pattern_match_within(pattern, arc__value_slice(&args[0]), call->arena,
                                         (uint64_t)call->units * STEPS_PER_UNIT, &steps);
    if (fits == ARC_PATTERN_NO_MEMORY)
        return ARC_ENOMEM;
    if (!arc__fn_pay(call, fits == ARC_PATTERN_SPENT ? UINT64_MAX : steps / STEPS_PER_UNIT))
        return ARC_EINVAL;
    *out = arc__value_bool(fits);
    return ARC_OK;
}

static arc_status bad_format(struct arc_fn_call *call, size_t at, const char *why)
{
    return arc__fn_fail(call, ARC_FAULT_VALUE,
                        "values are `{0}`, `{1}`, …; `{{` and `}}` are braces",
                        "the text of `format` is wrong at byte %zu: %s", at + 1, why);
}

/* The number between the braces at *at, which moves behind them. */
static arc_status format_index(struct arc_fn_call *call, arc_slice text, size_t *at,
                               uint32_t values, uint32_t *index)
{
    size_t start = *at, digits = 0;
    *index = 0;
    for (size_t i = start + 1; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
        *index = digits < 8 ? *index * 10 + (uint32_t)(text.ptr[i] - '0') : UINT32_MAX;
        digits++;
    }
    if (digits == 0 || start + 1 + digits >= text.len || text.ptr[start + 1 + digits] != '}')
        return bad_format(call, start, "a `{` without a number and a `}` after it");
    if (*index >= values)
        return arc__fn_fail(call, ARC_FAULT_VALUE, "give as many values as the text asks for",
                            "the text of `format` asks for value {%.*s}, but there %s %u",
                            (int)(digits < 10 ? digits : 10), text.ptr + start + 1,
                            values == 1 ? "is" : "are", values);
    *at = start + digits + 2;
    return ARC_OK;
}

static arc_status format_into(struct arc_fn_call *call, arc_slice text,
                              const struct arc_value *values, uint32_t count, struct arc_buf *buf)
{
    for (size_t at = 0; at < text.len && buf->failed == ARC_OK;) {
        char c = text.ptr[at];
        uint32_t index = 0;
        if (c != '{' && c != '}') {
            size_t end = at;
            while (end < text.len && text.ptr[end] != '{' && text.ptr[end] != '}')
                end++;
            arc__buf_add(buf, text.ptr + at, end - at);
            at = end;
        } else if (at + 1 < text.len && text.ptr[at + 1] == c) {
            arc__buf_add_char(buf, c);
            at += 2;
        } else if (c == '}') {
            return bad_format(call, at, "a `}` without its `{`");
        } else {
            ARC_TRY(format_index(call, text, &at, count, &index));
            if (!arc__fn_pay_whole(call, &values[index]))
                return ARC_EINVAL;
            arc__value_to_text(&values[index], buf);
        }
    }
    return ARC_OK;
}

arc_status arc__fn_format(struct arc_fn_call *call, const struct arc_value *args, uint32_t count,
                          struct arc_value *out)
{
    struct arc_buf buf;
    ARC_TRY(arc__fn_want(call, "format", args, 0, ARC_VALUE_TEXT));
    if (!arc__fn_pay_bytes(call, args[0].count))
        return ARC_EINVAL;
    arc__fn_text_init(call, &buf);
    arc_status status = format_into(call, arc__value_slice(&args[0]), args + 1, count - 1, &buf);
    if (status != ARC_OK) {
        arc__buf_deinit(&buf);
        return status;
    }
    return arc__fn_take_text(call, "format", &buf, out);
}
