/* SPDX-License-Identifier: Apache-2.0 */
#include "expr_trial.h"

#include "base/text.h"

static const char world_json[] =
    "{\"variables\":{\"deploy\":\"yes\",\"count\":\"3\",\"empty\":\"\",\"region\":\"eu-west\"},"
    "\"trigger\":{\"type\":\"event\",\"ref\":\"refs/tags/v1.2\",\"branch\":\"main\",\"event\":"
    "\"push\",\"payload\":{\"labels\":[\"bug\",\"ui\"],\"size\":12,\"draft\":false,\"ratio\":0.5,"
    "\"user\":{\"name\":\"kim\",\"full-name\":\"Kim Oh\"}}},"
    "\"git\":{\"commit\":\"abc\",\"branch\":\"main\"},\"pipeline\":{\"id\":\"7\"},"
    "\"run\":{\"number\":41,\"attempt\":1},\"env\":{\"CI\":\"true\"},"
    "\"matrix\":{\"os\":\"linux\",\"go\":1.5,\"arch\":\"arm64\",\"n\":3},"
    "\"needs\":{\"build\":{\"result\":\"success\",\"outputs\":{\"tag\":\"v9\"}},"
    "\"build-app\":{\"result\":\"failed\",\"outputs\":{}}},"
    "\"job\":{\"name\":\"test\",\"status\":\"success\"},"
    "\"steps\":{\"make\":{\"status\":\"success\",\"outputs\":{\"n\":\"5\"},\"exitCode\":0}},"
    "\"step\":{\"name\":\"unit\",\"attempt\":2},"
    "\"agent\":{\"id\":\"a1\",\"labels\":{\"gpu\":\"yes\"},\"os\":\"linux\"},"
    "\"secrets\":{\"KEY\":\"s3\"}}";

struct declaration {
    enum arc_context context;
    const char *of, *name;
    enum arc_type_kind kind;
};

static const struct declaration declarations[] = {
    {ARC_CONTEXT_VARIABLES, NULL, "deploy", ARC_TYPE_KIND_TEXT},
    {ARC_CONTEXT_VARIABLES, NULL, "count", ARC_TYPE_KIND_TEXT},
    {ARC_CONTEXT_VARIABLES, NULL, "empty", ARC_TYPE_KIND_TEXT},
    {ARC_CONTEXT_VARIABLES, NULL, "region", ARC_TYPE_KIND_TEXT},
    {ARC_CONTEXT_MATRIX, NULL, "os", ARC_TYPE_KIND_TEXT},
    {ARC_CONTEXT_MATRIX, NULL, "n", ARC_TYPE_KIND_INT},
    {ARC_CONTEXT_MATRIX, NULL, "go", ARC_TYPE_KIND_FLOAT},
    {ARC_CONTEXT_MATRIX, NULL, "any", ARC_TYPE_KIND_ANY},
    {ARC_CONTEXT_NEEDS, NULL, "build", ARC_TYPE_KIND_MAP},
    {ARC_CONTEXT_NEEDS, NULL, "build-app", ARC_TYPE_KIND_MAP},
    {ARC_CONTEXT_STEPS, NULL, "make", ARC_TYPE_KIND_MAP},
};

static int declared(void *user, enum arc_context context, arc_slice of, arc_slice name,
                    enum arc_type_kind *type)
{
    (void)user;
    for (size_t i = 0; i < ARC_COUNT_OF(declarations); i++) {
        if (declarations[i].context == context && of.ptr == NULL &&
            arc__slice_is(name, declarations[i].name)) {
            *type = declarations[i].kind;
            return 1;
        }
    }
    return 0;
}

static arc_slice nearest(void *user, enum arc_context context, arc_slice of, arc_slice name)
{
    arc_slice names[ARC_COUNT_OF(declarations)];
    size_t count = 0;
    (void)user;
    (void)of;
    for (size_t i = 0; i < ARC_COUNT_OF(declarations); i++) {
        if (declarations[i].context == context)
            names[count++] = arc__slice_cstr(declarations[i].name);
    }
    return arc__nearest(name, names, count);
}

int trial_init(struct trial *trial, const struct arc_mem *mem)
{
    struct arc_mem own = arc__mem_default();
    struct arc_value all = ARC_VALUE_OF_NULL;
    memset(trial, 0, sizeof(*trial));
    arc__arena_init(&trial->arena, mem != NULL ? mem : &own, (size_t)16 << 20);
    arc__buf_init(&trial->out, mem != NULL ? mem : &own, (size_t)1 << 20);
    trial->status = arc__value_from_json(arc__slice(world_json, sizeof(world_json) - 1), 64,
                                         &trial->arena, &all, NULL);
    for (size_t i = 0; trial->status == ARC_OK && i < ARC_CONTEXT_COUNT; i++) {
        const char *name = arc__context((enum arc_context)i)->name;
        const struct arc_value *found = arc__value_get(&all, arc__slice_cstr(name));
        if (found != NULL)
            trial->world.contexts[i] = *found;
    }
    trial->world.status = ARC_STATUS_SUCCESS;
    trial->world.now_ns = INT64_C(1700000000000000000);
    trial->scope = (struct arc_scope){ARC_LEVEL_STEP, 0, 1, NULL, declared, nearest};
    return trial->status == ARC_OK;
}

void trial_deinit(struct trial *trial)
{
    arc__buf_deinit(&trial->out);
    arc__arena_deinit(&trial->arena);
}

static void add_fault(struct trial *trial, const struct arc_fault *fault)
{
    static const char *const kinds[] = {"",         "syntax", "size",  "name",  "place",
                                        "function", "type",   "value", "budget"};
    arc__buf_printf(&trial->out, "%s %u..%u: ", kinds[fault->kind], fault->offset, fault->end);
    arc__buf_add_slice(&trial->out, fault->message);
    if (fault->hint.len > 0)
        arc__buf_printf(&trial->out, " (%.*s)", ARC_ARG(fault->hint));
}

static arc_slice said(struct trial *trial)
{
    return arc__buf_slice(&trial->out);
}

static const struct arc_expr *parse(struct trial *trial, const char *text)
{
    const struct arc_expr *expr = NULL;
    arc__buf_clear(&trial->out);
    trial->status =
        arc__expr_parse(arc__slice_cstr(text), &trial->limits, &trial->arena, &expr, &trial->fault);
    if (trial->status == ARC_EINVAL)
        add_fault(trial, &trial->fault);
    return trial->status == ARC_OK ? expr : NULL;
}

arc_slice trial_parse(struct trial *trial, const char *text)
{
    if (parse(trial, text) != NULL)
        arc__buf_add_cstr(&trial->out, "ok");
    return said(trial);
}

static arc_slice evaluate(struct trial *trial, const char *text, int when)
{
    struct arc_value value = ARC_VALUE_OF_NULL;
    const struct arc_expr *expr = parse(trial, text);
    if (expr == NULL)
        return said(trial);
    trial->status = (when ? arc__expr_eval_when : arc__expr_eval)(
        expr, &trial->world, &trial->limits, &trial->arena, &value, &trial->fault);
    if (trial->status == ARC_EINVAL)
        add_fault(trial, &trial->fault);
    else if (trial->status == ARC_OK && value.kind == ARC_VALUE_UNKNOWN)
        arc__buf_add_cstr(&trial->out, "unknown");
    else if (trial->status == ARC_OK)
        arc__value_to_json(&value, &trial->out);
    return said(trial);
}

arc_slice trial_eval(struct trial *trial, const char *text)
{
    return evaluate(trial, text, 0);
}

arc_slice trial_eval_when(struct trial *trial, const char *text)
{
    return evaluate(trial, text, 1);
}

static void report(void *user, const struct arc_fault *fault)
{
    struct trial *trial = user;
    if (trial->findings++ > 0)
        arc__buf_add_cstr(&trial->out, "; ");
    add_fault(trial, fault);
}

arc_slice trial_check(struct trial *trial, const char *text)
{
    static const char *const names[] = {"any",  "null", "bool",  "int",      "float", "text",
                                        "list", "map",  "texts", "duration", "time"};
    const struct arc_expr *expr = parse(trial, text);
    if (expr == NULL)
        return said(trial);
    trial->findings = 0;
    enum arc_type_kind kind = arc__expr_check(expr, &trial->scope, &trial->arena, report, trial);
    if (trial->arena.failed)
        trial->status = ARC_ENOMEM;
    if (trial->findings == 0)
        arc__buf_add_cstr(&trial->out, names[kind]);
    return said(trial);
}

void trial_rows(arc_slice (*run)(struct trial *trial, const char *text),
                const struct trial_row *rows, size_t count)
{
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    for (size_t i = 0; i < count; i++) {
        arc_slice got = run(&trial, rows[i].text);
        (void)test_check_text(__FILE__, __LINE__, rows[i].text, got, arc__slice_cstr(rows[i].want));
    }
    trial_deinit(&trial);
}
