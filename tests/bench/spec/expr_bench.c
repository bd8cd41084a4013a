/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluations a second of typical conditions, parsed once. expr_go measures the same conditions. */
#include <stdio.h>

#include "bench.h"
#include "core/expr.h"

static const char world_json[] =
    "{\"trigger\":{\"type\":\"event\",\"ref\":\"refs/heads/main\",\"branch\":\"main\",\"tag\":\"\","
    "\"sha\":\"0123456789abcdef\",\"event\":\"push\",\"actor\":\"kim\",\"requestId\":\"r1\"},"
    "\"variables\":{\"deploy\":\"yes\",\"region\":\"eu-west\",\"target\":\"staging\"},"
    "\"matrix\":{\"go\":\"1.25\",\"os\":\"linux\"},"
    "\"needs\":{\"build\":{\"outputs\":{\"tag\":\"v9\"},\"result\":\"success\"},"
    "\"lint\":{\"outputs\":{},\"result\":\"success\"}}}";

static double evaluate(const char *text, uint64_t rounds)
{
    static const struct {
        const char *name;
        enum arc_context context;
    } contexts[] = {
        {"trigger", ARC_CONTEXT_TRIGGER},
        {"variables", ARC_CONTEXT_VARIABLES},
        {"matrix", ARC_CONTEXT_MATRIX},
        {"needs", ARC_CONTEXT_NEEDS},
    };
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_world world = {.status = ARC_STATUS_SUCCESS};
    struct arc_value all = ARC_VALUE_OF_NULL, out = ARC_VALUE_OF_NULL;
    struct arc_fault fault;
    const struct arc_expr *expr = NULL;
    double done = -1;
    arc__arena_init(&arena, &mem, (size_t)1 << 20);
    arc_status status = arc__value_from_json(arc__slice(world_json, sizeof(world_json) - 1), 16,
                                             &arena, &all, NULL);
    for (size_t i = 0; status == ARC_OK && i < ARC_COUNT_OF(contexts); i++)
        world.contexts[contexts[i].context] =
            *arc__value_get(&all, arc__slice_cstr(contexts[i].name));
    if (status == ARC_OK)
        status = arc__expr_parse(arc__slice_cstr(text), NULL, &arena, &expr, &fault);
    for (uint64_t i = 0; status == ARC_OK && i < rounds; i++) {
        status = arc__expr_eval(expr, &world, NULL, &arena, &out, &fault);
        bench_sink += (uint64_t)out.as.integer;
    }
    if (status == ARC_OK && out.kind == ARC_VALUE_BOOL && out.as.integer == 1)
        done = (double)rounds;
    arc__arena_deinit(&arena);
    return done;
}

/* clang-format off */
#define CONDITIONS(ROW) \
    ROW(branch_and_variable, \
        "trigger.branch == \"main\" && variables.deploy == \"yes\" && success()") \
    ROW(needs_and_matrix, \
        "needs.build.result == \"success\" && matrix.os in [\"linux\", \"mac\"]") \
    ROW(tag_or_push, \
        "startsWith(trigger.ref, \"refs/tags/v\") || trigger.event == \"push\"") \
    ROW(one_comparison, \
        "variables.deploy == \"yes\"") \
    ROW(long_name, \
        "trigger.ref matches \"^refs/heads/(main|release-.*)$\" && trigger.actor != \"bot\"")
/* clang-format on */

#define FUNCTION(name, text) \
    static double name(uint64_t rounds) \
    { \
        return evaluate(text, rounds); \
    }
CONDITIONS(FUNCTION)

static double parse(uint64_t rounds)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_fault fault;
    const struct arc_expr *expr = NULL;
    arc_status status = ARC_OK;
    arc__arena_init(&arena, &mem, (size_t)1 << 20);
    for (uint64_t i = 0; status == ARC_OK && i < rounds; i++) {
        arc__arena_reset(&arena);
        status = arc__expr_parse(
            ARC_LIT("trigger.branch == \"main\" && variables.deploy == \"yes\" && success()"), NULL,
            &arena, &expr, &fault);
    }
    arc__arena_deinit(&arena);
    return status == ARC_OK ? (double)rounds : -1;
}

#define ROW(name, text) {#name, "evals", name},
static const struct bench rows[] = {CONDITIONS(ROW){"parse", "parses", parse}};

BENCH_MAIN(rows)
