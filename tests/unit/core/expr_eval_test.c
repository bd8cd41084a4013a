/* SPDX-License-Identifier: Apache-2.0 */
/* What expressions come to. */
#include "expr_trial.h"

/* clang-format off */
static const struct trial_row texts[] = {
    {"1 + 2", "3"},
    {"1 - 2", "-1"},
    {"2 * 3", "6"},
    {"7 / 2", "3"},
    {"-7 / 2", "-3"},
    {"7 % 3", "1"},
    {"-7 % 3", "-1"},
    {"7.0 / 2", "3.5"},
    {"1.5 + 1", "2.5"},
    {"1.5 * 2", "3.0"},
    {"1 - 0.5", "0.5"},
    {"1 / 0", "value 2..3: `/` divides by 0 (look before: `b == 0 ? 0 : a / b`)"},
    {"1 % 0", "value 2..3: `%` divides by 0 (look before: `b == 0 ? 0 : a / b`)"},
    {"1.0 / 0", "value 4..5: `/` divides by 0 (look before: `b == 0 ? 0 : a / b`)"},
    {"1.5 % 2", "type 4..5: `%` does not go with a float and an int"},
    {"9223372036854775807 + 1", "value 20..21: the result of `+` is out of the range of integers (calculate with floats: `1.0 * value`)"},
    {"-9223372036854775808 - 1", "value 21..22: the result of `-` is out of the range of integers (calculate with floats: `1.0 * value`)"},
    {"9223372036854775807 * 2", "value 20..21: the result of `*` is out of the range of integers (calculate with floats: `1.0 * value`)"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"-(-9223372036854775808)", "value 0..1: the result of `-` is out of the range of integers (calculate with floats: `1.0 * value`)"},
    {"- -9223372036854775808", "value 0..1: the result of `-` is out of the range of integers (calculate with floats: `1.0 * value`)"},
    {"-9223372036854775808 / -1", "value 21..22: the result of `/` is out of the range of integers (calculate with floats: `1.0 * value`)"},
    {"-9223372036854775808 % -1", "0"},
    {"1e308 * 10", "value 6..7: the result of `*` is out of the range of floats"},
    {"0x1F", "31"},
    {"0xff + 0XFF", "510"},
    {"1.5e3", "1500.0"},
    {"2.5e-1", "0.25"},
    {"0.1 + 0.2", "0.30000000000000004"},
    {"\"a\" + \"b\"", "\"ab\""},
    {"\"a\" + \"\"", "\"a\""},
    {"\"a\" + 1", "type 4..5: `+` does not go with text and an int (make a text of it with `string(value)`)"},
    {"1 + \"a\"", "type 2..3: `+` does not go with an int and text (make a text of it with `string(value)`)"},
    {"null + 1", "type 5..6: `+` does not go with null and an int (write `value ?""? \"\"` where a value may be missing)"},
    {"\"a\" - \"b\"", "type 4..5: `-` does not go with text and text"},
    {"duration(\"1h\") + duration(\"30m\")", "\"1h30m\""},
    {"duration(\"1h\") - duration(\"90m\")", "\"-30m\""},
    {"duration(\"1h\") * 2", "\"2h\""},
    {"2 * duration(\"1h\")", "\"2h\""},
    {"duration(\"1h\") / 4", "\"15m\""},
    {"duration(\"1h\") % 2", "type 15..16: `%` does not go with a duration and an int"},
    {"-duration(\"1h\")", "\"-1h\""},
    {"now() + duration(\"1h\")", "\"2023-11-14T23:13:20.000Z\""},
    {"duration(\"1h\") + now()", "\"2023-11-14T23:13:20.000Z\""},
    {"now() - now()", "\"0\""},
    {"now() - duration(\"1h\")", "\"2023-11-14T21:13:20.000Z\""},
    {"now() + now()", "type 6..7: `+` does not go with a time and a time"},
    {"true && true", "true"},
    {"true && false", "false"},
    {"false && 1", "false"},
    {"true && 1", "type 8..9: `&&` takes true or false, not an int (compare it with `==`)"},
    {"1 && true", "type 0..1: `&&` takes true or false, not an int (compare it with `==`)"},
    {"false || true", "true"},
    {"true || 1", "true"},
    {"null || true", "type 0..4: `||` takes true or false, not null (compare it with `==`)"},
    {"true and not false", "true"},
    {"!true", "false"},
    {"not 1", "type 4..5: `not` takes true or false, not an int (compare it with `==`)"},
    {"-\"a\"", "type 0..1: `-` takes a number, not text"},
    {"-1.5", "-1.5"},
    {"1 == 1.0", "true"},
    {"1 == \"1\"", "false"},
    {"\"a\" == \"a\"", "true"},
    {"null == null", "true"},
    {"variables.deploy == null", "false"},
    {"env.NONE == null", "true"},
    {"[1, 2] == [1, 2.0]", "true"},
    {"{a: 1} == {a: 1}", "true"},
    {"\"a\" != \"b\"", "true"},
    {"trigger.branch != \"main\"", "false"},
    {"\"main\" == trigger.branch", "true"},
    {"1 < 2", "true"},
    {"2 <= 2", "true"},
    {"\"a\" < \"b\"", "true"},
    {"\"b\" >= \"a\"", "true"},
    {"1.5 > 1", "true"},
    {"duration(\"1h\") < duration(\"2h\")", "true"},
    {"now() <= now()", "true"},
    {"\"a\" < 1", "type 4..5: text and an int have no order (bring both to one type, with `int(…)`, `float(…)` or `string(…)`)"},
    {"null < 1", "type 5..6: null and an int have no order (bring both to one type, with `int(…)`, `float(…)` or `string(…)`)"},
    {"true < false", "type 5..6: a bool has no order (numbers, texts, durations and times have an order)"},
    {"1 in [1, 2]", "true"},
    {"3 in [1, 2]", "false"},
    {"3 not in [1, 2]", "true"},
    {"\"linux\" in [\"linux\", \"mac\"]", "true"},
    {"matrix.os in [\"mac\", 1]", "false"},
    {"matrix.os not in [matrix.os]", "false"},
    {"\"size\" in trigger.payload", "true"},
    {"\"none\" in trigger.payload", "false"},
    {"1 in trigger.payload", "type 2..4: the key of a map is a text, not an int"},
    {"\"a\" in \"abc\"", "type 4..6: `in` takes a list or a map on its right side, not text (write `text contains part`)"},
    {"\"a\" in null", "false"},
    {"1 in 2", "type 2..4: `in` takes a list or a map on its right side, not an int"},
    {"\"abc\" contains \"b\"", "true"},
    {"\"abc\" not contains \"b\"", "false"},
    {"[1, 2] contains 2", "true"},
    {"trigger.payload.labels contains \"bug\"", "true"},
    {"\"abc\" startsWith \"ab\"", "true"},
    {"\"abc\" not startsWith \"x\"", "true"},
    {"\"ab\" startsWith \"abc\"", "false"},
    {"1 startsWith \"a\"", "type 2..12: the first argument of `startsWith` must be text, not an int (`string(value)` makes text of it)"},
    {"trigger.ref startsWith \"refs/tags/\"", "true"},
    {"\"abc\" endsWith \"bc\"", "true"},
    {"\"abc\" not endsWith \"bc\"", "false"},
    {"contains(\"abc\", \"b\")", "true"},
    {"startsWith(\"abc\", \"b\")", "false"},
    {"startsWith(1, \"b\")", "type 0..10: the first argument of `startsWith` must be text, not an int (`string(value)` makes text of it)"},
    {"\"v12\" matches \"^v[0-9]+$\"", "true"},
    {"\"v12\" not matches \"^v[0-9]+$\"", "false"},
    {"matches(\"v12\", \"^v\")", "true"},
    {"matches(1, \"^v\")", "type 0..7: `matches` takes a text, not an int (make a text of it with `string(value)`)"},
    {"\"v12\" matches \"^\" + \"v\"", "true"},
    {"1 matches \"a\"", "type 2..9: `matches` takes a text, not an int (make a text of it with `string(value)`)"},
    {"null ?""? 1", "1"},
    {"1 ?""? 2", "1"},
    {"null ?""? null ?""? 3", "3"},
    {"trigger.payload.none.deep ?""? \"x\"", "\"x\""},
    {"env.CI ?""? \"x\"", "\"true\""},
    {"true ? 1 : 2", "1"},
    {"false ? 1 : 2", "2"},
    {"false ? 1 : true ? 2 : 3", "2"},
    {"true ? false ? 1 : 2 : 3", "2"},
    {"1 ? 2 : 3", "type 0..1: `?:` takes true or false, not an int (compare it with `==`)"},
    {"(true ? trigger.branch : trigger.ref) == \"main\"", "true"},
    {"(false ? trigger.branch : trigger.ref) == \"main\"", "false"},
    {"(null ?""? trigger.branch) == \"main\"", "true"},
    {"trigger.payload.labels[0]", "\"bug\""},
    {"trigger.payload.labels[-1]", "\"ui\""},
    {"trigger.payload.labels[2]", "null"},
    {"trigger.payload.labels[-3]", "null"},
    {"trigger.payload[\"size\"]", "12"},
    {"trigger[\"branch\"]", "\"main\""},
    {"trigger.payload[\"u\" + \"ser\"].name", "\"kim\""},
    {"trigger.payload.user[\"full-name\"]", "\"Kim Oh\""},
    {"trigger.payload.user.full-name", "\"Kim Oh\""},
    {"trigger.payload[1]", "type 15..18: the key of a map is a text, not an int"},
    {"trigger.payload.labels[\"a\"]", "type 23..26: a list has no member `a` (write `[0]` for the first one)"},
    {"trigger.payload.labels.a", "type 23..24: a list has no member `a` (write `[0]` for the first one)"},
    {"trigger.branch.a", "type 15..16: text has no member `a`"},
    {"trigger.branch[0]", "type 14..17: text has no members"},
    {"null.a", "null"},
    {"[1, [2, 3]][1][0]", "2"},
    {"{a: {b: 2}}.a.b", "2"},
    {"{a: 1}[\"a\"]", "1"},
    {"{a: 1, \"b c\": [true, null]}", "{\"a\":1,\"b c\":[true,null]}"},
    {"{a: matrix.n, b: 2}", "{\"a\":3,\"b\":2}"},
    {"{a: matrix.n, a: 2}", "value 0..1: a key stands twice in the map (leave one of them out)"},
    {"[matrix.n, 2]", "[3,2]"},
    {"[]", "[]"},
    {"{}", "{}"},
    {"needs.build-app.result", "\"failed\""},
    {"needs[\"build-app\"].result", "\"failed\""},
    {"matrix.n - 1", "2"},
    {"matrix.n -1", "2"},
    {"(matrix.n)-1", "2"},
    {"trigger.none", "name 8..12: `trigger` has no `none`"},
    {"trigger[\"none\"]", "name 8..14: `trigger` has no `none`"},
    {"variables.none", "null"},
    {"none", "name 0..4: `none` is neither a context nor a variable (texts stand in quotes)"},
    {"deploy", "\"yes\""},
    {"success()", "true"},
    {"failure()", "false"},
    {"cancelled()", "false"},
    {"always()", "true"},
    {"success(1)", "function 0..7: `success` takes no arguments (write `success()`)"},
    {"none(1)", "function 0..4: `none` is no function"},
    {"len()", "function 0..3: `len` takes 1 argument, not 0 (it is `len(value) -> int`)"},
    {"len(\"abc\", 1)", "function 0..3: `len` takes 1 argument, not 2 (it is `len(value) -> int`)"},
    {"len(\"äöü\")", "3"},
    {"fromJson(\"{\\\"a\\\": [1]}\").a[0]", "1"},
    {"format(\"{0}-{1}\", \"a\", 2)", "\"a-2\""},
    {"\"a\\n\\t\\\"\\'\\/\\\\\\u00e9\\ud83d\\ude00\"", "\"a\\n\\t\\\"'/\\\\é😀\""},
    {"'a\"b'", "\"a\\\"b\""},
    {"  1", "1"},
    {"( ( 1 ) )", "1"},
    {"secrets.KEY", "\"s3\""},
    {"int(secrets.KEY)", "value 0..3: `int` cannot read \"…\" (`int` takes digits with at most a minus before them)"},
    {"int('x' + secrets.KEY)", "value 0..3: `int` cannot read \"…\" (`int` takes digits with at most a minus before them)"},
    {"fromJson(secrets.KEY)", "value 0..8: `fromJson` cannot read its text: line 1, column 1: it may be a secret (`fromJson` takes one JSON value)"},
    {"'a' matches ('[' + secrets.KEY)", "value 4..11: the pattern \"…\" of `matches` is wrong at byte 1: a `[` without its `]` (patterns are regular expressions in RE2's syntax)"},
    {"run.number + 1", "42"},
    {"agent.labels.gpu", "\"yes\""},
};
/* clang-format on */

static void each_expression_comes_to_what_the_table_wants(void)
{
    TRIAL(trial_eval, texts);
}

static arc_slice eval_planning(struct trial *trial, const char *text)
{
    trial->world.contexts[ARC_CONTEXT_NEEDS] = ARC_VALUE_OF_UNKNOWN;
    trial->world.unknown = ARC_STATUS_SUCCESS | ARC_STATUS_FAILURE;
    trial->world.now_ns = INT64_MIN;
    return trial_eval(trial, text);
}

static void what_is_not_known_makes_unknown_only_what_depends_on_it(void)
{
    static const struct trial_row rows[] = {
        {"needs", "unknown"},
        {"needs.build.result", "unknown"},
        {"needs.build.result == 'success'", "unknown"},
        {"'success' == needs.build.result", "unknown"},
        {"needs.a.result in ['x']", "unknown"},
        {"needs.a.result startsWith 'x'", "unknown"},
        {"needs.a.result matches 'x'", "unknown"},
        {"needs.a.result + 'x'", "unknown"},
        {"-needs.a", "unknown"},
        {"!needs.a", "unknown"},
        {"now()", "unknown"},
        {"success()", "unknown"},
        {"cancelled()", "false"},
        {"always()", "true"},
        {"success() && false", "false"},
        {"false && success()", "false"},
        {"success() && true", "unknown"},
        {"true && success()", "unknown"},
        {"success() && failure()", "unknown"},
        {"success() || true", "true"},
        {"true || success()", "true"},
        {"success() || false", "unknown"},
        {"false || success()", "unknown"},
        {"success() || failure() || true", "true"},
        {"success() && failure() && false", "false"},
        {"success() ? 1 : 2", "unknown"},
        {"success() ? 1 / 0 : 2", "unknown"},
        {"true ? success() : 2", "unknown"},
        {"needs.a ?? 1", "unknown"},
        {"null ?? needs.a", "unknown"},
        {"[needs.a]", "unknown"},
        {"{a: needs.a, b: 1}", "unknown"},
        {"{a: 1, b: needs.a}.a", "unknown"},
        {"upper(needs.a)", "unknown"},
        {"trigger.payload[needs.a]", "unknown"},
        {"needs[trigger.branch]", "unknown"},
        {"fromJson(needs.a).b", "unknown"},
        {"success() && 1", "type 13..14: `&&` takes true or false, not an int (compare it with "
                           "`==`)"},
    };
    TRIAL(eval_planning, rows);
}

static arc_slice eval_nested_unknown(struct trial *trial, const char *text)
{
    static struct arc_member one[] = {{{"job", 3}, {ARC_VALUE_UNKNOWN, 0, {0}}}};
    trial->world.contexts[ARC_CONTEXT_NEEDS] = arc__value_map(one, 1);
    return trial_eval(trial, text);
}

static void an_unknown_member_is_seen_inside_of_a_map(void)
{
    static const struct trial_row rows[] = {
        {"toJson(needs)", "unknown"},         {"needs == {job: 1}", "unknown"},
        {"len(trigger.payload.labels)", "2"}, {"'other' in needs", "false"},
        {"needs in [1]", "unknown"},
    };
    TRIAL(eval_nested_unknown, rows);
}

static arc_slice when_failed(struct trial *trial, const char *text)
{
    trial->world.status = ARC_STATUS_FAILURE;
    return trial_eval_when(trial, text);
}

static arc_slice when_planning(struct trial *trial, const char *text)
{
    trial->world.unknown = ARC_STATUS_SUCCESS;
    return trial_eval_when(trial, text);
}

static void a_condition_without_status_function_asks_for_success(void)
{
    static const struct trial_row good[] = {
        {"true", "true"},
        {"deploy == 'no'", "false"},
        {"failure()", "false"},
        {"1", "type 0..1: the condition is an int, and must be true or false (compare it with "
              "`==`)"},
    };
    static const struct trial_row failed[] = {
        {"true", "false"},      {"1 / 0 == 1", "false"},
        {"failure()", "true"},  {"always() && deploy == 'yes'", "true"},
        {"!success()", "true"},
    };
    static const struct trial_row planning[] = {
        {"true", "unknown"},         {"false", "false"},   {"success()", "unknown"},
        {"deploy == 'no'", "false"}, {"always()", "true"},
    };
    TRIAL(trial_eval_when, good);
    TRIAL(when_failed, failed);
    TRIAL(when_planning, planning);
}

static void the_units_of_an_evaluation_are_bounded(void)
{
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    trial.limits.units = 3;
    CHECK_TEXT(trial_eval(&trial, "matrix.n + matrix.n"), "6");
    (void)trial_eval(&trial, "matrix.n + matrix.n + matrix.n");
    CHECK(trial.status == ARC_EINVAL && trial.fault.kind == ARC_FAULT_BUDGET);
    CHECK_INT(trial.fault.end, 30);
    (void)trial_eval(&trial, "matrix == matrix");
    CHECK(trial.status == ARC_EINVAL && trial.fault.kind == ARC_FAULT_BUDGET);
    CHECK_INT(trial.fault.offset, 7);
    trial.limits.units = 100;
    CHECK_TEXT(trial_eval(&trial, "matrix == matrix"), "true");
    trial_deinit(&trial);
}

static void what_an_evaluation_makes_is_bounded_in_result_bytes(void)
{
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    trial.limits.result_bytes = 8;
    CHECK_TEXT(trial_eval(&trial, "trigger.branch + trigger.branch"), "\"mainmain\"");
    (void)trial_eval(&trial, "trigger.branch + trigger.branch + 'x'");
    CHECK(trial.status == ARC_EINVAL && trial.fault.kind == ARC_FAULT_BUDGET);
    CHECK_INT(trial.fault.offset, 32);
    trial_deinit(&trial);
}

static void a_wide_expression_needs_a_wide_stack(void)
{
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    CHECK_TEXT(trial_eval(&trial, "[run.attempt,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,"
                                  "21,22,23,24,25,26,27,28,29,30,31,32][31]"),
               "32");
    trial_deinit(&trial);
}

static void a_scalar_is_evaluated_without_memory(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct trial trial;
    struct arc_arena none;
    const struct arc_expr *expr = NULL;
    struct arc_value out = ARC_VALUE_OF_NULL;
    CHECK(trial_init(&trial, NULL));
    arc__arena_init(&none, &mem, 1024);
    CHECK_OK(arc__expr_parse(ARC_LIT("trigger.branch == 'main' && matrix.n * 2 - 1 > 4 && "
                                     "matrix.os in ['linux', 'mac'] && startsWith(trigger.ref, "
                                     "'refs/') && success()"),
                             NULL, &trial.arena, &expr, &trial.fault));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(arc__expr_eval(expr, &trial.world, NULL, &none, &out, &trial.fault));
        CHECK(out.kind == ARC_VALUE_BOOL && out.as.integer == 1);
    }
    CHECK_INT(state.calls, 0);
    arc__arena_deinit(&none);
    trial_deinit(&trial);
}

static void a_guess_of_another_world_does_no_harm(void)
{
    static const char *const worlds[] = {"{\"os\":\"a\"}", "{\"a\":1,\"b\":2,\"os\":\"b\"}", "{}",
                                         "{\"os\":\"c\",\"z\":1}"};
    static const char *const want[] = {"a", "b", NULL, "c"};
    struct trial trial;
    const struct arc_expr *expr = NULL;
    CHECK(trial_init(&trial, NULL));
    CHECK_OK(arc__expr_parse(ARC_LIT("matrix.os"), NULL, &trial.arena, &expr, &trial.fault));
    for (size_t i = 0; i < ARC_COUNT_OF(worlds); i++) {
        struct arc_value out = ARC_VALUE_OF_NULL;
        CHECK_OK(arc__value_from_json(arc__slice_cstr(worlds[i]), 8, &trial.arena,
                                      &trial.world.contexts[ARC_CONTEXT_MATRIX], NULL));
        CHECK_OK(arc__expr_eval(expr, &trial.world, NULL, &trial.arena, &out, &trial.fault));
        CHECK_INT(out.kind, want[i] == NULL ? ARC_VALUE_NULL : ARC_VALUE_TEXT);
        if (out.kind == ARC_VALUE_TEXT && want[i] != NULL)
            CHECK_TEXT(arc__value_slice(&out), want[i]);
    }
    trial_deinit(&trial);
}

static int eval_life(struct test_mem *state)
{
    static const char *const rows[] = {
        "{a: [matrix.n, 2], b: trigger.branch + 'x' + toJson(matrix)}", "1 / (matrix.n - 3)",
        "trigger.payload.labels contains 'ui' && trigger.ref matches '^refs/.*[0-9]$'"};
    struct arc_mem mem = test_mem(state);
    struct trial trial;
    int well = trial_init(&trial, &mem);
    for (size_t i = 0; well && i < ARC_COUNT_OF(rows); i++) {
        (void)trial_eval(&trial, rows[i]);
        well = trial.status == (i == 1 ? ARC_EINVAL : ARC_OK) && trial.out.failed == ARC_OK;
        CHECK(well || trial.status == ARC_ENOMEM || trial.out.failed == ARC_ENOMEM);
    }
    trial_deinit(&trial);
    return well;
}

static void evaluating_survives_failing_memory(void)
{
    test_torture(eval_life, 0, 400);
    test_torture(eval_life, 1, 400);
}

static const struct test tests[] = {
    {"each expression comes to what the table wants",
     each_expression_comes_to_what_the_table_wants},
    {"what is not known makes unknown only what depends on it",
     what_is_not_known_makes_unknown_only_what_depends_on_it},
    {"an unknown member is seen inside of a map", an_unknown_member_is_seen_inside_of_a_map},
    {"a condition without status function asks for success",
     a_condition_without_status_function_asks_for_success},
    {"the units of an evaluation are bounded", the_units_of_an_evaluation_are_bounded},
    {"what an evaluation makes is bounded in result bytes",
     what_an_evaluation_makes_is_bounded_in_result_bytes},
    {"a wide expression needs a wide stack", a_wide_expression_needs_a_wide_stack},
    {"a scalar is evaluated without memory", a_scalar_is_evaluated_without_memory},
    {"a guess of another world does no harm", a_guess_of_another_world_does_no_harm},
    {"evaluating an expression survives failing memory", evaluating_survives_failing_memory},
};

TEST_MAIN(tests)
