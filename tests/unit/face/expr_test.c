/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/arcentra.h>

#include <stdio.h>
#include <string.h>

#include "shim.h"

#define CONTEXT \
    "{\"trigger\":{\"branch\":\"main\"},\"variables\":{\"n\":\"3\"},\"run\":{\"startedAt\":" \
    "\"2026-01-31T08:00:00Z\"},\"status\":\"failed\",\"now\":\"2026-01-31T09:30:00+01:00\"}"

static arc_expr *parsed(const char *text)
{
    arc_expr *expr = NULL;
    CHECK_OK(arc_expr_parse(text, strlen(text), &expr, NULL));
    return expr;
}

static arc_expr_context *context_of(const char *json)
{
    arc_expr_context *context = NULL;
    CHECK_OK(arc_expr_context_parse(json, strlen(json), &context, NULL));
    return context;
}

static void a_result_of_each_kind_is_seen(void)
{
    static const struct {
        const char *text;
        uint32_t kind;
        int64_t integer;
        const char *as_text; /* NULL: none */
    } rows[] = {
        {"null", ARC_EXPR_NULL, 0, NULL},
        {"trigger.branch == 'main'", ARC_EXPR_BOOL, 0, NULL},
        {"int(n) + 1", ARC_EXPR_INT, 4, NULL},
        {"1.5", ARC_EXPR_FLOAT, 0, NULL},
        {"trigger.branch", ARC_EXPR_TEXT, 0, "main"},
        {"[1, 'a']", ARC_EXPR_LIST, 0, "[1,\"a\"]"},
        {"{a: true}", ARC_EXPR_MAP, 0, "{\"a\":true}"},
        {"duration('90m')", ARC_EXPR_DURATION, INT64_C(5400000000000), "1h30m"},
        {"now() - run.startedAt", ARC_EXPR_DURATION, INT64_C(1800000000000), "30m"},
        {"run.startedAt", ARC_EXPR_TIME, INT64_C(1769846400000000000), "2026-01-31T08:00:00.000Z"},
    };
    arc_expr_context *context = context_of(CONTEXT);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        arc_expr *expr = parsed(rows[i].text);
        arc_expr_result result = ARC_EXPR_RESULT_INIT;
        arc_err err = ARC_ERR_INIT;
        CHECK_OK(arc_expr_eval(expr, context, 0, &result, &err));
        CHECK_INT(result.kind, rows[i].kind);
        CHECK_INT(result.boolean, rows[i].kind == ARC_EXPR_BOOL);
        CHECK_INT(result.integer, rows[i].integer);
        CHECK(rows[i].kind != ARC_EXPR_FLOAT || (result.real > 1.4 && result.real < 1.6));
        CHECK_TEXT(arc__slice_cstr(result.text), rows[i].as_text);
        CHECK_INT(result.len, rows[i].as_text != NULL ? strlen(rows[i].as_text) : 0);
        arc_expr_result_free(&result);
        CHECK(result.text == NULL);
        (void)arc_expr_unref(expr);
    }
    (void)arc_expr_context_unref(context);
}

static void a_bad_expression_names_its_column_and_the_fix(void)
{
    arc_expr *expr = NULL;
    arc_err err = ARC_ERR_INIT;
    CHECK_STATUS(arc_expr_parse("'ä' = 1", strlen("'ä' = 1"), &expr, &err), ARC_EINVAL);
    CHECK(expr == NULL && err.line == 1 && err.column == 5);
    CHECK_TEXT(arc__slice_cstr(err.subject), "expression");
    CHECK_TEXT(arc__slice_cstr(err.message), "`=` sets nothing here (write `==` to compare)");
    arc_expr_context *context = context_of("{}");
    arc_expr_result result = ARC_EXPR_RESULT_INIT;
    expr = parsed("true &&\n 1 / 0 == 1");
    CHECK_STATUS(arc_expr_eval(expr, context, 0, &result, &err), ARC_EINVAL);
    CHECK(err.line == 2 && err.column == 4 && strstr(err.message, "divides by 0") != NULL);
    (void)arc_expr_unref(expr);
    expr = parsed("now()");
    CHECK_STATUS(arc_expr_eval(expr, context, 0, &result, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "now");
    result.size = 4;
    CHECK_STATUS(arc_expr_eval(expr, context, 0, &result, &err), ARC_EINVAL);
    result.size = sizeof(result);
    CHECK_STATUS(arc_expr_eval(expr, context, 8, &result, &err), ARC_EINVAL);
    CHECK_STATUS(arc_expr_eval(NULL, context, 0, &result, &err), ARC_EINVAL);
    (void)arc_expr_unref(expr);
    (void)arc_expr_context_unref(context);
}

static void a_check_gives_all_findings_in_order(void)
{
    arc_diags *diags = NULL;
    arc_diag_view view = ARC_DIAG_VIEW_INIT;
    arc_err err = ARC_ERR_INIT;
    arc_expr *expr = parsed("trigger.brnch == 1 && lenght(x)");
    CHECK_STATUS(arc_expr_check(expr, ARC_EXPR_WHEN, &diags, &err), ARC_EINVAL);
    CHECK_INT(err.column, 9);
    CHECK_INT(arc_diags_get_count(diags), 2);
    CHECK_OK(arc_diags_get(diags, 0, &view));
    CHECK(view.line == 1 && view.column == 9 && view.end_column == 14);
    CHECK(strstr(view.message, "`brnch`") != NULL && strstr(view.hint, "`branch`") != NULL);
    CHECK_OK(arc_diags_get(diags, 1, &view));
    CHECK(view.column == 23 && strstr(view.hint, "`len`") != NULL);
    arc_diags_free(diags);
    (void)arc_expr_unref(expr);
    expr = parsed("success() && anything == 'x'");
    CHECK_OK(arc_expr_check(expr, ARC_EXPR_WHEN, &diags, &err));
    CHECK_INT(arc_diags_get_count(diags), 0);
    arc_diags_free(diags);
    CHECK_STATUS(arc_expr_check(expr, 0, NULL, &err), ARC_EINVAL);
    (void)arc_expr_unref(expr);
    expr = parsed("1");
    CHECK_OK(arc_expr_check(expr, 0, NULL, &err));
    CHECK_STATUS(arc_expr_check(expr, ARC_EXPR_WHEN, NULL, &err), ARC_EINVAL);
    (void)arc_expr_unref(expr);
}

static void a_condition_sees_the_status_of_the_context(void)
{
    static const struct {
        const char *status, *text;
        uint32_t yes;
    } rows[] = {
        {"success", "true", 1},    {"failed", "true", 0},           {"failed", "failure()", 1},
        {"failed", "always()", 1}, {"cancelled", "cancelled()", 1}, {"cancelled", "failure()", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char json[64];
        snprintf(json, sizeof(json), "{\"status\": \"%s\"}", rows[i].status);
        arc_expr_context *context = context_of(json);
        arc_expr *expr = parsed(rows[i].text);
        arc_expr_result result = ARC_EXPR_RESULT_INIT;
        CHECK_OK(arc_expr_eval(expr, context, ARC_EXPR_WHEN, &result, NULL));
        CHECK_INT(result.boolean, rows[i].yes);
        (void)arc_expr_unref(expr);
        (void)arc_expr_context_unref(context);
    }
}

static void a_wrong_context_names_the_key(void)
{
    static const char *const rows[][2] = {
        {"{\"triger\":{}}", "triger"},     {"{\"trigger\":1}", "trigger"},
        {"{\"status\":\"ok\"}", "status"}, {"{\"status\":1}", "status"},
        {"{\"now\":\"today\"}", "now"},    {"[]", "context"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        arc_expr_context *context = NULL;
        arc_err err = ARC_ERR_INIT;
        CHECK_STATUS(arc_expr_context_parse(rows[i][0], strlen(rows[i][0]), &context, &err),
                     ARC_EINVAL);
        CHECK_TEXT(arc__slice_cstr(err.subject), rows[i][1]);
        CHECK(context == NULL);
    }
    arc_expr_context *context = NULL;
    CHECK_STATUS(arc_expr_context_parse("{", 1, &context, NULL), ARC_EINVAL);
}

static void expressions_and_contexts_are_counted(void)
{
    arc_expr *expr = parsed("1");
    arc_expr_context *context = context_of("{}");
    CHECK(arc_expr_ref(expr) == expr && arc_expr_context_ref(context) == context);
    CHECK(arc_expr_unref(expr) == NULL && arc_expr_context_unref(context) == NULL);
    arc_expr_result result = ARC_EXPR_RESULT_INIT;
    CHECK_OK(arc_expr_eval(expr, context, 0, &result, NULL));
    CHECK(arc_expr_unref(expr) == NULL && arc_expr_context_unref(context) == NULL);
    CHECK(arc_expr_unref(NULL) == NULL && arc_expr_context_unref(NULL) == NULL);
    arc_expr_result_free(NULL);
}

static const struct test tests[] = {
    {"a result of each kind is seen", a_result_of_each_kind_is_seen},
    {"a bad expression names its column and the fix",
     a_bad_expression_names_its_column_and_the_fix},
    {"a check of an expression gives all findings in order", a_check_gives_all_findings_in_order},
    {"a condition sees the status of the context", a_condition_sees_the_status_of_the_context},
    {"a wrong context names the key", a_wrong_context_names_the_key},
    {"expressions and contexts are counted", expressions_and_contexts_are_counted},
};

TEST_MAIN(tests)
