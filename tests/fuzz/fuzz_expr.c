/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as an expression, and as a text with templates: each is refused with a place and a
 * sentence, or it is evaluated within small budgets, twice to the same value, which is of the type
 * that the checker said. Orders: which allocation fails, how much work is allowed, what is not
 * known. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/template.h"
#include "fuzz.h"
#include "world.h"

#define BUDGET ((size_t)16 << 20)

static const char world_json[] =
    "{\"variables\":{\"a\":\"1\",\"deploy\":\"yes\",\"version\":\"v1.2.3-rc.1\",\"list\":\"a,b,,"
    "c\"},"
    "\"env\":{\"PATH\":\"/bin:/usr/bin\",\"EMPTY\":\"\"},"
    "\"trigger\":{\"type\":\"event\",\"ref\":\"refs/heads/release/1.2\",\"branch\":\"release/1.2\","
    "\"tag\":\"\",\"sha\":\"0a1b\",\"event\":\"push\",\"actor\":\"\xc3\xa4nne\",\"requestId\":"
    "\"r\","
    "\"payload\":{\"n\":1,\"f\":1.5,\"t\":\"x\",\"l\":[1,\"a\",null,[2]],\"m\":{\"k\":{\"j\":1}},"
    "\"b\":true,\"z\":null}},\"matrix\":{\"os\":\"linux\",\"go\":\"1.25\"},"
    "\"needs\":{\"build\":{\"result\":\"success\",\"outputs\":{\"x\":\"y\"}}},"
    "\"steps\":{\"one\":{\"status\":\"success\",\"outputs\":{},\"exitCode\":0}},"
    "\"run\":{\"id\":\"i\",\"number\":7,\"attempt\":1},\"now\":1767225600000000000}";

static const struct arc_expr_limits small = {4096, 2000, 24, 16384};

static void check_fault(const struct arc_fault *fault, arc_slice text)
{
    FUZZ_CHECK(fault->kind >= ARC_FAULT_SYNTAX && fault->kind <= ARC_FAULT_BUDGET);
    FUZZ_CHECK(fault->offset <= fault->end && fault->end <= text.len);
    FUZZ_CHECK(fault->message.len > 0 && arc__utf8_valid(fault->message, NULL));
    FUZZ_CHECK(arc__utf8_valid(fault->hint, NULL));
}

struct findings {
    arc_slice text;
    uint32_t count, last;
};

static void report(void *user, const struct arc_fault *fault)
{
    struct findings *findings = user;
    check_fault(fault, findings->text);
    FUZZ_CHECK(fault->offset >= findings->last);
    findings->last = fault->offset;
    findings->count++;
}

/* What the checker promises of a value. Null stands wherever something may be missing. */
static int is_of(enum arc_type_kind type, const struct arc_value *value)
{
    static const uint8_t kinds[] = {
        [ARC_TYPE_KIND_NULL] = ARC_VALUE_NULL,         [ARC_TYPE_KIND_BOOL] = ARC_VALUE_BOOL,
        [ARC_TYPE_KIND_INT] = ARC_VALUE_INT,           [ARC_TYPE_KIND_FLOAT] = ARC_VALUE_FLOAT,
        [ARC_TYPE_KIND_TEXT] = ARC_VALUE_TEXT,         [ARC_TYPE_KIND_LIST] = ARC_VALUE_LIST,
        [ARC_TYPE_KIND_MAP] = ARC_VALUE_MAP,           [ARC_TYPE_KIND_TEXTS] = ARC_VALUE_MAP,
        [ARC_TYPE_KIND_DURATION] = ARC_VALUE_DURATION, [ARC_TYPE_KIND_TIME] = ARC_VALUE_TIME};
    return type == ARC_TYPE_KIND_ANY || value->kind == ARC_VALUE_NULL ||
           value->kind == ARC_VALUE_UNKNOWN || kinds[type] == value->kind;
}

/* How a call may end, and what it says then. */
static int ended_well(arc_status status, int failing, const struct arc_fault *fault, arc_slice text)
{
    FUZZ_CHECK(status == ARC_OK || status == ARC_EINVAL || (status == ARC_ENOMEM && failing));
    if (status == ARC_EINVAL)
        check_fault(fault, text);
    return status == ARC_OK;
}

struct trial {
    struct arc_arena *arena;
    const struct arc_world *world;
    struct arc_expr_limits limits;
    int failing;
};

static void evaluate(const struct trial *trial, const struct arc_expr *expr, arc_slice text,
                     enum arc_type_kind type, int clean)
{
    struct arc_value first = ARC_VALUE_OF_NULL, second = ARC_VALUE_OF_NULL;
    struct arc_fault fault = {0};
    arc_status status =
        arc__expr_eval(expr, trial->world, &trial->limits, trial->arena, &first, &fault);
    if (!ended_well(status, trial->failing, &fault, text))
        return;
    FUZZ_CHECK(!clean || is_of(type, &first));
    status = arc__expr_eval(expr, trial->world, &trial->limits, trial->arena, &second, &fault);
    if (ended_well(status, trial->failing, &fault, text))
        FUZZ_CHECK(arc__value_equal(&first, &second) || !arc__value_is_known(&first));
    else
        FUZZ_CHECK(trial->failing);
    status = arc__expr_eval_when(expr, trial->world, &trial->limits, trial->arena, &second, &fault);
    if (ended_well(status, trial->failing, &fault, text))
        FUZZ_CHECK(second.kind == ARC_VALUE_BOOL || second.kind == ARC_VALUE_UNKNOWN);
}

static void try_expression(const struct trial *trial, arc_slice text)
{
    const struct arc_expr *expr = NULL;
    struct arc_fault fault = {0};
    struct findings findings = {text, 0, 0};
    const struct arc_scope scope = {.level = ARC_LEVEL_STEP, .status = 1};
    arc_status status = arc__expr_parse(text, &small, trial->arena, &expr, &fault);
    if (!ended_well(status, trial->failing, &fault, text))
        return;
    enum arc_type_kind type = arc__expr_check(expr, &scope, trial->arena, report, &findings);
    FUZZ_CHECK(type <= ARC_TYPE_KIND_TIME);
    (void)arc__expr_contexts(expr);
    evaluate(trial, expr, text, type, findings.count == 0);
}

static void try_template(const struct trial *trial, arc_slice text, const struct arc_mem *mem)
{
    struct arc_buf out;
    struct arc_fault fault = {0};
    struct arc_template_part part;
    arc_slice rest = text, whole = ARC_NONE;
    size_t parts = 0;
    int unknown = 0;
    while (arc__template_next(text, &rest, &part)) {
        FUZZ_CHECK(part.offset + part.text.len <= text.len);
        FUZZ_CHECK(parts++ <= text.len);
    }
    (void)arc__template_is_whole(text, &whole);
    arc__buf_init(&out, mem, 4096);
    arc_status status = arc__template_expand(text, trial->world, &trial->limits, trial->arena, &out,
                                             &unknown, &fault);
    FUZZ_CHECK(status != ARC_ELIMIT || text.len + 16384 > 4096);
    if (status != ARC_ELIMIT && ended_well(status, trial->failing, &fault, text))
        FUZZ_CHECK(arc__utf8_valid(arc__buf_slice(&out), NULL));
    arc__buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_split(data, size);
    struct fuzz_mem state = {0};
    struct arc_mem mem = fuzz_mem(&state);
    struct arc_arena arena, world_arena;
    struct arc_world world;
    char *copy = fuzz_copy(input.bytes, input.len);
    arc_slice text = arc__slice(copy, input.len);
    arc__arena_init(&arena, &mem, BUDGET);
    arc__arena_init(&world_arena, &mem, BUDGET);
    FUZZ_CHECK(world_read(arc__slice_cstr(world_json), &world_arena, &world));
    unsigned fail_at = fuzz_order(&input), units = fuzz_order(&input), hidden = fuzz_order(&input);
    struct trial trial = {&arena, &world, small, fail_at != 0};
    if (units != 0)
        trial.limits.units = units;
    if (hidden != 0)
        world.contexts[hidden % ARC_CONTEXT_COUNT] = ARC_VALUE_OF_UNKNOWN;
    state.fail_at = fail_at != 0 ? state.calls + fail_at : 0;
    try_expression(&trial, text);
    if (arc__utf8_valid(text, NULL)) /* who reads documents looks before */
        try_template(&trial, text, &mem);
    arc__arena_deinit(&arena);
    arc__arena_deinit(&world_arena);
    FUZZ_CHECK(state.live == 0);
    free(copy);
    return 0;
}
