/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of expressions as functions, and how faults are said. */
#include "core/expr.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "core/expr_private.h"

/* --- tables ------------------------------------------------------------------------------- */

const struct arc_operator_row *arc__operator(enum arc_operator operator_)
{
    static const struct arc_operator_row rows[] = {
#define OPERATOR(NAME, sign, word, binds, sentence) {sign, word, binds, sentence},
#include "core/operators.def"
    };
    return &rows[operator_];
}

/* clang-format off */
static const struct arc_context_row contexts[] = {
#define CONTEXT(NAME, name, shape, level, known, sentence) \
    {name, ARC_SHAPE_##shape, ARC_LEVEL_##level, KNOWN_##known, sentence},
#define KNOWN_PLAN 1
#define KNOWN_RUN 0
#include "core/contexts.def"
};

static const struct arc_context_member members[] = {
#define MEMBER(CONTEXT, name, TYPE, sentence) \
    {ARC_CONTEXT_##CONTEXT, name, ARC_TYPE_KIND_##TYPE, sentence},
#include "core/contexts.def"
};
/* clang-format on */

const struct arc_context_row *arc__context(enum arc_context context)
{
    return &contexts[context];
}

enum arc_context arc__context_find(arc_slice name)
{
    for (int i = 0; i < ARC_CONTEXT_COUNT; i++) {
        if (arc__slice_is(name, contexts[i].name))
            return (enum arc_context)i;
    }
    return ARC_CONTEXT_COUNT;
}

const struct arc_context_member *arc__context_members(size_t *count)
{
    *count = ARC_COUNT_OF(members);
    return members;
}

const struct arc_context_member *arc__context_member(enum arc_context context, arc_slice name)
{
    for (size_t i = 0; i < ARC_COUNT_OF(members); i++) {
        if (members[i].context == context && arc__slice_is(name, members[i].name))
            return &members[i];
    }
    return NULL;
}

int arc__status_find(arc_slice name, uint8_t *bits)
{
    static const struct {
        const char *name;
        uint8_t bits;
    } rows[] = {
        {"success", ARC_STATUS_SUCCESS},
        {"failure", ARC_STATUS_FAILURE},
        {"cancelled", ARC_STATUS_CANCELLED},
        {"always", 0},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        if (arc__slice_is(name, rows[i].name)) {
            *bits = rows[i].bits;
            return 1;
        }
    }
    return 0;
}

struct arc_expr_limits arc__expr_limits(const struct arc_expr_limits *given)
{
    struct arc_expr_limits limits = given != NULL ? *given : (struct arc_expr_limits){0};
/* clang-format off */
#define LIMIT(field, default_value, cap, unit, sentence) \
    if (limits.field == 0) \
        limits.field = (default_value); \
    if (limits.field > (cap)) \
        limits.field = (cap);
#include "core/limits.def"
    /* clang-format on */
    return limits;
}

uint32_t arc__expr_contexts(const struct arc_expr *expr)
{
    return expr->contexts;
}

int arc__expr_has_status(const struct arc_expr *expr)
{
    return expr->has_status;
}

/* --- the nearest name --------------------------------------------------------------------- */

arc_slice arc__nearest_context(arc_slice name)
{
    arc_slice names[ARC_CONTEXT_COUNT];
    for (int i = 0; i < ARC_CONTEXT_COUNT; i++)
        names[i] = arc__slice_cstr(contexts[i].name);
    return arc__nearest(name, names, ARC_COUNT_OF(names));
}

arc_slice arc__nearest_member(enum arc_context context, arc_slice name)
{
    arc_slice names[ARC_COUNT_OF(members)];
    size_t count = 0;
    for (size_t i = 0; i < ARC_COUNT_OF(members); i++) {
        if (members[i].context == context)
            names[count++] = arc__slice_cstr(members[i].name);
    }
    return arc__nearest(name, names, count);
}

/* What functions are called elsewhere. */
static const char *const other_names[][2] = {
    {"length", "len"},           {"size", "len"},           {"count", "len"},
    {"toLower", "lower"},        {"lowercase", "lower"},    {"toUpper", "upper"},
    {"uppercase", "upper"},      {"strip", "trim"},         {"substring", "slice"},
    {"substr", "slice"},         {"toString", "string"},    {"str", "string"},
    {"text", "string"},          {"toInt", "int"},          {"parseInt", "int"},
    {"number", "float"},         {"toBool", "bool"},        {"includes", "contains"},
    {"hasPrefix", "startsWith"}, {"hasSuffix", "endsWith"}, {"sha256", "hash"},
    {"default", "coalesce"},     {"printf", "format"},      {"sprintf", "format"},
    {"regexp", "matches"},       {"test", "matches"},       {"sorted", "sort"},
    {"distinct", "unique"},      {"canceled", "cancelled"}, {"failed", "failure"},
    {"succeeded", "success"},
};

arc_slice arc__nearest_function(struct arc_arena *arena, arc_slice name)
{
    static const char *const status[] = {"success", "failure", "cancelled", "always"};
    size_t count = 0;
    const struct arc_function *functions = arc__functions(&count);
    for (size_t i = 0; i < ARC_COUNT_OF(other_names); i++) {
        if (arc__slice_compare_nocase(name, arc__slice_cstr(other_names[i][0])) == 0)
            return arc__slice_cstr(other_names[i][1]);
    }
    arc_slice *names = arc__arena_array(arena, count + ARC_COUNT_OF(status), sizeof(*names));
    if (names == NULL)
        return ARC_NONE;
    for (size_t i = 0; i < count; i++)
        names[i] = arc__slice_cstr(functions[i].name);
    for (size_t i = 0; i < ARC_COUNT_OF(status); i++)
        names[count++] = arc__slice_cstr(status[i]);
    arc_slice nearest = arc__nearest(name, names, count);
    if (nearest.len > 0)
        return nearest;
    arc_slice others[ARC_COUNT_OF(other_names)];
    for (size_t i = 0; i < ARC_COUNT_OF(other_names); i++)
        others[i] = arc__slice_cstr(other_names[i][0]);
    nearest = arc__nearest(name, others, ARC_COUNT_OF(others));
    for (size_t i = 0; i < ARC_COUNT_OF(other_names); i++) {
        if (arc__slice_is(nearest, other_names[i][0]))
            return arc__slice_cstr(other_names[i][1]);
    }
    return ARC_NONE;
}

/* --- faults ------------------------------------------------------------------------------- */

struct arc_quote arc__quote(arc_slice text)
{
    struct arc_quote quote;
    size_t room = sizeof(quote.text) - sizeof("…");
    size_t len = arc__utf8_prefix(text, room);
    (void)arc__slice_to_cstr(arc__slice(text.ptr, len), quote.text, sizeof(quote.text));
    for (size_t i = 0; i < len; i++) {
        if (quote.text[i] == '\n' || quote.text[i] == '\r' || quote.text[i] == '\t')
            quote.text[i] = ' ';
    }
    if (len < text.len)
        memcpy(quote.text + len, "…", sizeof("…"));
    return quote;
}

arc_status arc__fault(struct arc_fault_place to, enum arc_fault_kind kind, uint32_t at,
                      uint32_t end, arc_slice hint, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    size_t used = len < 0 ? 0 : (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    struct arc_fault fault = {kind, at, end, ARC_NONE, ARC_NONE};
    used = arc__utf8_prefix(arc__slice(text, used), used);
    fault.message = arc__arena_copy(to.arena, arc__slice(text, used));
    fault.hint = arc__arena_copy(to.arena, hint);
    if (to.arena->failed)
        return ARC_ENOMEM;
    *to.fault = fault;
    return ARC_EINVAL;
}

static arc_status count_fault(const struct arc_expr_key *key, const char *signature, uint32_t least,
                              uint32_t most, uint32_t count, struct arc_fault_place to)
{
    char want[64];
    if (most == UINT32_MAX)
        (void)snprintf(want, sizeof(want), "at least %u", least);
    else if (most == least)
        (void)snprintf(want, sizeof(want), "%u", least);
    else
        (void)snprintf(want, sizeof(want), "%u to %u", least, most);
    struct arc_quote quote = arc__quote(key->name);
    return arc__fault(to, ARC_FAULT_FUNCTION, key->at, key->end,
                      arc__arena_printf(to.arena, "it is `%s`", signature),
                      "`%s` takes %s %s, not %u", quote.text, want,
                      most == 1 ? "argument" : "arguments", count);
}

arc_status arc__expr_call_fault(const struct arc_expr *expr, uint32_t at, struct arc_arena *arena,
                                struct arc_fault *fault)
{
    const struct arc_code *code = &expr->code[at];
    const struct arc_expr_key *key = &expr->keys[code->c];
    struct arc_fault_place to = {arena, fault};
    const struct arc_function *function = key->function;
    uint8_t bits = 0;
    if (function != NULL)
        return code->b >= function->least && code->b <= function->most
                   ? ARC_OK
                   : count_fault(key, function->signature, function->least, function->most, code->b,
                                 to);
    struct arc_quote quote = arc__quote(key->name);
    if (arc__status_find(key->name, &bits))
        return arc__fault(to, ARC_FAULT_FUNCTION, key->at, key->end,
                          arc__arena_printf(arena, "write `%s()`", quote.text),
                          "`%s` takes no arguments", quote.text);
    arc_slice nearest = arc__nearest_function(arena, key->name);
    arc_slice hint = nearest.len > 0
                         ? arc__arena_printf(arena, "did you mean `%.*s`?", ARC_ARG(nearest))
                         : ARC_NONE;
    return arc__fault(to, ARC_FAULT_FUNCTION, key->at, key->end, hint, "`%s` is no function",
                      quote.text);
}
