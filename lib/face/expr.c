/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/expr.h>

#include <stdatomic.h>

#include "base/text.h"
#include "codec/shape.h"
#include "core/expr.h"
#include "face/spec_private.h"
#include "spec/diag.h"

#define EXPR_BYTES_MAX (16u * 1024u * 1024u)
#define CONTEXT_BYTES_MAX (64u * 1024u * 1024u)
#define CONTEXT_DEPTH 64u
#define RESULT_BYTES_MAX (64u * 1024u * 1024u)
#define FINDINGS_MAX 100u
/* What the first release's struct had; a caller's may have more. */
#define ARC_EXPR_RESULT_LEAST (offsetof(arc_expr_result, len) + sizeof(size_t))

struct arc_expr_object {
    struct arc_mem mem;
    atomic_uint refs;
    struct arc_arena arena;
    arc_slice text;
    const struct arc_expr *expr;
};

struct arc_expr_context_object {
    struct arc_mem mem;
    atomic_uint refs;
    struct arc_arena arena;
    struct arc_world world;
};

/* --- faults as errors --------------------------------------------------------------------- */

static arc_status refuse(arc_slice text, const struct arc_fault *fault, arc_err *err)
{
    uint32_t line = 1, column = 1;
    for (uint32_t i = 0; i < fault->offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.ptr[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    if (fault->hint.len > 0)
        return arc__fail_at(err, ARC_EINVAL, line, column, "expression", "%.*s (%.*s)",
                            ARC_ARG(fault->message), ARC_ARG(fault->hint));
    return arc__fail_at(err, ARC_EINVAL, line, column, "expression", "%.*s",
                        ARC_ARG(fault->message));
}

/* --- expressions -------------------------------------------------------------------------- */

static void expr_drop(arc_expr **expr)
{
    (void)arc_expr_unref(*expr);
}

arc_status arc_expr_parse(const char *text, size_t len, arc_expr **out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_fault fault = {0};
    ARC_REQUIRE(text != NULL || len == 0, err, "text");
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_CLEANUP(expr_drop) arc_expr *object = arc__alloc(&mem, sizeof(*object));
    if (object == NULL)
        return arc__fail_nomem(err);
    object->mem = mem;
    atomic_init(&object->refs, 1);
    arc__arena_init(&object->arena, &mem, EXPR_BYTES_MAX);
    arc_slice given = arc__slice(text, len);
    arc_status status = arc__expr_parse(given, NULL, &object->arena, &object->expr, &fault);
    if (status == ARC_EINVAL)
        return refuse(given, &fault, err);
    if (status != ARC_OK)
        return arc__fail_nomem(err);
    object->text = arc__arena_copy(&object->arena, given);
    if (object->arena.failed)
        return arc__fail_nomem(err);
    *out = object;
    object = NULL;
    return ARC_OK;
}

arc_expr *arc_expr_ref(arc_expr *expr)
{
    (void)atomic_fetch_add_explicit(&expr->refs, 1, memory_order_relaxed);
    return expr;
}

arc_expr *arc_expr_unref(arc_expr *expr)
{
    if (expr == NULL || atomic_fetch_sub_explicit(&expr->refs, 1, memory_order_acq_rel) > 1)
        return NULL;
    struct arc_mem mem = expr->mem;
    arc__arena_deinit(&expr->arena);
    arc__free(&mem, expr);
    return NULL;
}

/* --- checking ----------------------------------------------------------------------------- */

struct reporting {
    struct arc_sink *sink;
    struct arc_fault first;
    int any;
};

static void report(void *user, const struct arc_fault *fault)
{
    struct reporting *reporting = user;
    struct arc_span span = {fault->offset, fault->end, 0};
    if (!reporting->any)
        reporting->first = *fault;
    reporting->any = 1;
    (void)arc__diag_add(reporting->sink, arc__fault_code(fault->kind), NULL, &span, fault->hint,
                        ARC_ARGS(fault->message));
}

static void diags_drop(arc_diags **diags)
{
    arc_diags_free(*diags);
}

arc_status arc_expr_check(const arc_expr *expr, uint32_t flags, arc_diags **diags, arc_err *err)
{
    ARC_REQUIRE(expr != NULL, err, "expr");
    ARC_REQUIRE((flags & ~ARC_EXPR_WHEN) == 0, err, "flags");
    struct arc_sink sink = {.max = FINDINGS_MAX};
    struct reporting reporting = {.sink = &sink};
    struct arc_scope scope = {.level = ARC_LEVEL_STEP, .status = (flags & ARC_EXPR_WHEN) != 0};
    ARC_CLEANUP(diags_drop) arc_diags *findings = NULL;
    ARC_TRY(arc__face_diags_begin(expr->text, &findings, &sink, err));
    (void)arc__expr_check(expr->expr, &scope, sink.arena, report, &reporting);
    if (sink.arena->failed)
        return arc__fail_nomem(err);
    ARC_TRY(arc__face_diags_end(findings, err));
    if (diags != NULL) {
        *diags = findings;
        findings = NULL;
    }
    return reporting.any ? refuse(expr->text, &reporting.first, err) : ARC_OK;
}

/* --- contexts ----------------------------------------------------------------------------- */

static void context_drop(arc_expr_context **context)
{
    (void)arc_expr_context_unref(*context);
}

static int moment(const struct arc_value *value, int64_t *out_ns)
{
    int64_t seconds = 0, ns = 0;
    int32_t nanos = 0;
    if (value->kind != ARC_VALUE_TEXT ||
        !arc__pb_timestamp_parse(arc__value_slice(value), &seconds, &nanos) ||
        __builtin_mul_overflow(seconds, INT64_C(1000000000), &ns) ||
        __builtin_add_overflow(ns, (int64_t)nanos, &ns))
        return 0;
    *out_ns = ns;
    return 1;
}

static arc_status take_status(struct arc_world *world, const struct arc_value *value, arc_err *err)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } rows[] = {
        {"success", ARC_STATUS_SUCCESS},
        {"failed", ARC_STATUS_FAILURE},
        {"cancelled", ARC_STATUS_CANCELLED},
    };
    for (size_t i = 0; value->kind == ARC_VALUE_TEXT && i < ARC_COUNT_OF(rows); i++) {
        if (arc__slice_is(arc__value_slice(value), rows[i].name)) {
            world->status = rows[i].bits;
            return ARC_OK;
        }
    }
    return arc__fail(err, ARC_EINVAL, "status", "The status is success, failed or cancelled.");
}

static arc_status take_context(struct arc_world *world, const struct arc_member *member,
                               arc_err *err)
{
    enum arc_context context = arc__context_find(member->key);
    char subject[sizeof(err->subject)];
    (void)arc__slice_to_cstr(
        arc__slice(member->key.ptr, arc__utf8_prefix(member->key, sizeof(subject) - 1)), subject,
        sizeof(subject));
    if (context == ARC_CONTEXT_COUNT)
        return arc__fail(err, ARC_EINVAL, subject, "There is no context of this name.");
    if (member->value.kind != ARC_VALUE_MAP && member->value.kind != ARC_VALUE_NULL)
        return arc__fail(err, ARC_EINVAL, subject, "A context is a JSON object.");
    world->contexts[context] = member->value;
    return ARC_OK;
}

/* Times are texts in JSON: run.startedAt becomes one. */
static void take_started(struct arc_expr_context_object *object)
{
    struct arc_value *run = &object->world.contexts[ARC_CONTEXT_RUN];
    int64_t ns = 0;
    const struct arc_value *given = arc__value_get(run, ARC_LIT("startedAt"));
    if (given == NULL || !moment(given, &ns))
        return;
    struct arc_member *members =
        arc__arena_array(&object->arena, run->count, sizeof(struct arc_member));
    if (members == NULL)
        return;
    memcpy(members, run->as.members, run->count * sizeof(*members));
    for (uint32_t i = 0; i < run->count; i++) {
        if (arc__slice_is(members[i].key, "startedAt"))
            members[i].value = (struct arc_value){ARC_VALUE_TIME, 0, {.integer = ns}};
    }
    run->as.members = members;
}

static arc_status fill(struct arc_expr_context_object *object, const struct arc_value *all,
                       arc_err *err)
{
    struct arc_world *world = &object->world;
    world->status = ARC_STATUS_SUCCESS;
    world->now_ns = INT64_MIN;
    if (all->kind != ARC_VALUE_MAP)
        return arc__fail(err, ARC_EINVAL, "context", "The contexts are a JSON object.");
    for (uint32_t i = 0; i < all->count; i++) {
        const struct arc_member *member = &all->as.members[i];
        if (arc__slice_is(member->key, "status")) {
            ARC_TRY(take_status(world, &member->value, err));
        } else if (arc__slice_is(member->key, "now")) {
            if (!moment(&member->value, &world->now_ns))
                return arc__fail(err, ARC_EINVAL, "now",
                                 "The time is like \"2026-01-31T08:00:00Z\".");
        } else {
            ARC_TRY(take_context(world, member, err));
        }
    }
    take_started(object);
    return object->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}

arc_status arc_expr_context_parse(const char *json, size_t len, arc_expr_context **out,
                                  arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_value all = ARC_VALUE_OF_NULL;
    ARC_REQUIRE(json != NULL || len == 0, err, "json");
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_CLEANUP(context_drop) arc_expr_context *object = arc__alloc(&mem, sizeof(*object));
    if (object == NULL)
        return arc__fail_nomem(err);
    object->mem = mem;
    atomic_init(&object->refs, 1);
    arc__arena_init(&object->arena, &mem, CONTEXT_BYTES_MAX);
    arc_slice text = arc__arena_copy(&object->arena, arc__slice(json, len));
    if (object->arena.failed)
        return arc__fail_nomem(err);
    ARC_TRY(arc__value_from_json(text, CONTEXT_DEPTH, &object->arena, &all, err));
    ARC_TRY(fill(object, &all, err));
    *out = object;
    object = NULL;
    return ARC_OK;
}

arc_expr_context *arc_expr_context_ref(arc_expr_context *context)
{
    (void)atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

arc_expr_context *arc_expr_context_unref(arc_expr_context *context)
{
    if (context == NULL || atomic_fetch_sub_explicit(&context->refs, 1, memory_order_acq_rel) > 1)
        return NULL;
    struct arc_mem mem = context->mem;
    arc__arena_deinit(&context->arena);
    arc__free(&mem, context);
    return NULL;
}

/* --- evaluating --------------------------------------------------------------------------- */

static arc_status result_text(const struct arc_value *value, arc_expr_result *result, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf buf;
    arc__buf_init(&buf, &mem, RESULT_BYTES_MAX);
    arc__value_to_text(value, &buf);
    arc_status status = arc__buf_check(&buf, err);
    if (status == ARC_OK) {
        result->text = arc__buf_take(&buf, &result->len);
        if (result->text == NULL)
            status = arc__fail_nomem(err);
    }
    arc__buf_deinit(&buf);
    return status;
}

static arc_status give(const struct arc_value *value, arc_expr_result *out, arc_err *err)
{
    arc_expr_result result = {.size = out->size, .kind = value->kind};
    switch ((enum arc_value_kind)value->kind) {
    case ARC_VALUE_NULL:
        break;
    case ARC_VALUE_BOOL:
        result.boolean = value->as.integer != 0;
        break;
    case ARC_VALUE_INT:
        result.integer = value->as.integer;
        result.real = (double)value->as.integer;
        break;
    case ARC_VALUE_FLOAT:
        result.real = value->as.real;
        break;
    case ARC_VALUE_DURATION:
    case ARC_VALUE_TIME:
        result.integer = value->as.integer;
        ARC_TRY(result_text(value, &result, err));
        break;
    case ARC_VALUE_TEXT:
    case ARC_VALUE_LIST:
    case ARC_VALUE_MAP:
        ARC_TRY(result_text(value, &result, err));
        break;
    case ARC_VALUE_UNKNOWN:
        return arc__fail(err, ARC_EINVAL, "now",
                         "The expression asks for `now`, which is not given.");
    }
    memcpy(out, &result, out->size < sizeof(result) ? out->size : sizeof(result));
    return ARC_OK;
}

arc_status arc_expr_eval(const arc_expr *expr, const arc_expr_context *context, uint32_t flags,
                         arc_expr_result *out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_fault fault = {0};
    struct arc_value value = ARC_VALUE_OF_NULL;
    ARC_REQUIRE(expr != NULL, err, "expr");
    ARC_REQUIRE(context != NULL, err, "context");
    ARC_REQUIRE((flags & ~ARC_EXPR_WHEN) == 0, err, "flags");
    ARC_REQUIRE(out != NULL && out->size >= ARC_EXPR_RESULT_LEAST, err, "out");
    arc__arena_init(&arena, &mem, EXPR_BYTES_MAX);
    arc_status status = ((flags & ARC_EXPR_WHEN) != 0 ? arc__expr_eval_when : arc__expr_eval)(
        expr->expr, &context->world, NULL, &arena, &value, &fault);
    if (status == ARC_OK)
        status = give(&value, out, err);
    else if (status == ARC_EINVAL)
        status = refuse(expr->text, &fault, err);
    else
        status = arc__fail_nomem(err);
    arc__arena_deinit(&arena);
    return status;
}

void arc_expr_result_free(arc_expr_result *result)
{
    if (result == NULL)
        return;
    arc_text_free(result->text);
    result->text = NULL;
    result->len = 0;
    result->kind = ARC_EXPR_NULL;
}
