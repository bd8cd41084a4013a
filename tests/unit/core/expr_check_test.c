/* SPDX-License-Identifier: Apache-2.0 */
/* What is found in an expression before it runs. */
#include "expr_trial.h"

/* clang-format off */
static const struct trial_row texts[] = {
    {"1 + 2", "int"},
    {"1 + 0.5", "float"},
    {"\"a\" + \"b\"", "text"},
    {"\"a\" + trigger.payload.x", "text"},
    {"trigger.payload.x + 1", "any"},
    {"trigger.payload.x + trigger.payload.y", "any"},
    {"variables.count + 1", "type 16..17: `+` does not go with `variables.count`, which is text, and `1`, which is an int (write `string(1)`)"},
    {"1 + variables.count", "type 2..3: `+` does not go with `1`, which is an int, and `variables.count`, which is text (write `string(1)`)"},
    {"variables.count - 1", "type 16..17: `-` does not go with `variables.count`, which is text, and `1`, which is an int (write `int(variables.count)`)"},
    {"true + 1", "type 5..6: `+` does not go with `true`, which is a bool, and `1`, which is an int"},
    {"1.5 % 2", "type 4..5: `%` does not go with `1.5`, which is a float, and `2`, which is an int"},
    {"now() - now()", "duration"},
    {"now() + duration(\"1h\")", "time"},
    {"duration(\"1h\") * 2", "duration"},
    {"duration(\"1 hour\")", "value 9..17: `duration` cannot read \"1 hour\" (durations are written like 90s, 1h30m or 250ms, up to 106751d)"},
    {"duration(\"1h\") == \"1h\"", "type 15..17: `==` does not go with `duration(\"1h\")`, which is a duration, and `\"1h\"`, which is text (write `duration(\"1h\")`)"},
    {"\"1h\" < duration(\"2h\")", "type 5..6: `<` does not go with `\"1h\"`, which is text, and `duration(\"2h\")`, which is a duration (write `duration(\"1h\")`)"},
    {"1 / 0", "value 2..3: `/` divides by 0 (look before: `b == 0 ? 0 : a / b`)"},
    {"9223372036854775807 + 1", "value 20..21: the result of `+` is out of the range of integers (calculate with floats: `1.0 * value`)"},
    {"variables.count == 3", "type 16..18: `==` does not go with `variables.count`, which is text, and `3`, which is an int (write `\"3\"`)"},
    {"3 == variables.count", "type 2..4: `==` does not go with `3`, which is an int, and `variables.count`, which is text (write `\"3\"`)"},
    {"matrix.n == \"3\"", "type 9..11: `==` does not go with `matrix.n`, which is an int, and `\"3\"`, which is text (write `3` without quotes)"},
    {"matrix.n == \"x\"", "type 9..11: `==` does not go with `matrix.n`, which is an int, and `\"x\"`, which is text (write `string(matrix.n)`)"},
    {"matrix.n == variables.count", "type 9..11: `==` does not go with `matrix.n`, which is an int, and `variables.count`, which is text (write `string(matrix.n)`)"},
    {"env.CI == true", "type 7..9: `==` does not go with `env.CI`, which is text, and `true`, which is a bool (write `\"true\"`)"},
    {"env.CI == null", "bool"},
    {"needs.build.result == 1", "type 19..21: `==` does not go with `needs.build.result`, which is text, and `1`, which is an int (write `\"1\"`)"},
    {"variables.count > 3", "type 16..17: `>` does not go with `variables.count`, which is text, and `3`, which is an int (write `int(variables.count)`)"},
    {"\"3\" > matrix.n", "type 4..5: `>` does not go with `\"3\"`, which is text, and `matrix.n`, which is an int (write `3` without quotes)"},
    {"true < false", "type 5..6: `<` does not go with `true`, which is a bool, and `false`, which is a bool"},
    {"null < 1", "type 5..6: `<` does not go with `null`, which is null, and `1`, which is an int"},
    {"[1] < [2]", "type 4..5: `<` does not go with `[1]`, which is a list, and `[2]`, which is a list"},
    {"matrix.n in [\"1\", \"2\"]", "type 12..22: `matrix.n` is an int, and nothing in the list is"},
    {"variables.count in [1, 2]", "type 19..25: `variables.count` is text, and nothing in the list is (put the values into quotes)"},
    {"matrix.n in [1, 2]", "bool"},
    {"\"a\" in \"abc\"", "type 4..6: `in` does not go with `\"a\"`, which is text, and `\"abc\"`, which is text (write `\"abc\" contains \"a\"`)"},
    {"1 in trigger.payload", "bool"},
    {"1 in variables", "type 0..1: `in` of a map takes text, and `1` is an int"},
    {"\"a\" in 1", "type 4..6: `in` does not go with `\"a\"`, which is text, and `1`, which is an int (write `in [a, b]`)"},
    {"1 contains \"a\"", "type 0..1: `contains` takes text, and `1` is an int"},
    {"variables contains \"a\"", "bool"},
    {"matrix.n startsWith \"1\"", "type 0..8: `startsWith` takes text, and `matrix.n` is an int"},
    {"\"a\" endsWith 1", "type 13..14: `endsWith` takes text, and `1` is an int"},
    {"1 matches \"a\"", "type 0..1: `matches` takes text, and `1` is an int"},
    {"\"a\" matches 1", "type 12..13: `matches` takes text, and `1` is an int"},
    {"not deploy", "type 4..10: `not` takes true or false, and `deploy` is text (write `not (a == b)` with its brackets, or compare the value)"},
    {"not (deploy == \"yes\")", "bool"},
    {"not deploy == \"yes\"", "type 4..10: `not` takes true or false, and `deploy` is text (write `not (a == b)` with its brackets, or compare the value)"},
    {"-deploy", "type 1..7: `-` takes a number, and `deploy` is text"},
    {"-duration(\"1h\")", "duration"},
    {"deploy && true", "type 0..6: `&&` takes true or false, and `deploy` is text (compare it: `deploy == \"true\"` or `deploy != \"\"`)"},
    {"variables.deploy || \"x\"", "type 0..16: `||` takes true or false, and `variables.deploy` is text (for another text in its "
     "place write `variables.deploy != \"\" ? variables.deploy : \"…\"`)"},
    {"true && deploy || \"x\"", "type 8..14: `&&` takes true or false, and `deploy` is text (compare it: `deploy == \"true\"` or "
     "`deploy != \"\"`); type 18..21: `||` takes true or false, and `\"x\"` is text"},
    {"true || 1", "type 8..9: `||` takes true or false, and `1` is an int (compare it: `1 != 0`)"},
    {"[1] && true", "type 0..3: `&&` takes true or false, and `[1]` is a list (compare it: `len([1]) > 0`)"},
    {"1 ? 2 : 3", "type 0..1: `?:` takes true or false, and `1` is an int (compare it: `1 != 0`)"},
    {"true ? 1 : \"a\"", "any"},
    {"true ? 1 : 2", "int"},
    {"null ?""? 1", "int"},
    {"env.CI ?""? \"a\"", "text"},
    {"deploi", "name 0..6: `deploi` is neither a context nor a variable of the pipeline (did you mean `deploy`?)"},
    {"deploy", "text"},
    {"depoly == \"yes\"", "name 0..6: `depoly` is neither a context nor a variable of the pipeline (did you mean `deploy`?)"},
    {"True", "name 0..4: `True` is neither a context nor a variable of the pipeline (did you mean `true`?)"},
    {"None", "name 0..4: `None` is neither a context nor a variable of the pipeline (did you mean `null`?)"},
    {"vars.x", "name 0..4: `vars` is neither a context nor a variable of the pipeline (did you mean `variables`?)"},
    {"branch", "name 0..6: `branch` is neither a context nor a variable of the pipeline (did you mean `trigger.branch`?)"},
    {"commit", "name 0..6: `commit` is neither a context nor a variable of the pipeline (did you mean `git.commit`?)"},
    {"success", "name 0..7: `success` is neither a context nor a variable of the pipeline (functions are called: write `success()`)"},
    {"len", "name 0..3: `len` is neither a context nor a variable of the pipeline (functions are called: write `len()`)"},
    {"foo", "name 0..3: `foo` is neither a context nor a variable of the pipeline (texts stand in quotes: `\"foo\"`)"},
    {"variables.deploi", "name 10..16: `variables` has no `deploi` (did you mean `deploy`?)"},
    {"variables.zzzzzz", "name 10..16: `variables` has no `zzzzzz` (declare it in `variables` of the pipeline)"},
    {"trigger.brnch", "name 8..13: `trigger` has no `brnch` (did you mean `branch`?)"},
    {"trigger.zzzzzz", "name 8..14: `trigger` has no `zzzzzz` (it has `type`, `ref`, `branch`, `tag`, `sha`, `event`, `actor`, `payload` and `requestId`)"},
    {"trigger.branch.x", "type 15..16: text has no member `x`"},
    {"trigger.branch[\"x\"]", "type 15..18: text has no member `x`"},
    {"trigger.payload.x.y.z", "any"},
    {"env.X.y", "type 6..7: text has no member `y`"},
    {"env[\"X\"]", "text"},
    {"agent.labels.x", "text"},
    {"agent.labels.x.y", "type 15..16: text has no member `y`"},
    {"matrix.oss", "name 7..10: `matrix` has no `oss` (did you mean `os`?)"},
    {"matrix.n-1", "name 7..10: `matrix` has no `n-1` (names may hold `-`: write a blank before a minus)"},
    {"matrix.n - 1", "int"},
    {"needs.biuld.result", "name 6..11: `needs` has no `biuld` (did you mean `build`?)"},
    {"needs.zzzzzz.result", "name 6..12: `needs` has no `zzzzzz` (name the job in `dependsOn`)"},
    {"needs.build.reslt", "name 12..17: `needs.build` has no `reslt` (did you mean `result`?)"},
    {"needs.build.result-1", "name 12..20: `needs.build` has no `result-1` (names may hold `-`: write a blank before a minus)"},
    {"needs.build.outputs.x", "any"},
    {"steps.mak.status", "name 6..9: `steps` has no `mak` (did you mean `make`?)"},
    {"steps.make.exitCode > 0", "bool"},
    {"steps.make.exitCode == \"0\"", "type 20..22: `==` does not go with `steps.make.exitCode`, which is an int, and `\"0\"`, which is text (write `0` without quotes)"},
    {"steps.make.outputs.x == 1", "type 21..23: `==` does not go with `steps.make.outputs.x`, which is text, and `1`, which is an int (write `\"1\"`)"},
    {"[1, 2][0]", "any"},
    {"[1, 2][\"a\"]", "type 7..10: a list has no member `a` (write `[0]` for the first one)"},
    {"{a: 1}[0]", "type 7..8: the key of a map takes text, and `0` is an int"},
    {"{a: 1}.b", "any"},
    {"\"a\".b", "type 4..5: text has no member `b`"},
    {"null.b", "null"},
    {"trigger.payload[true]", "type 16..20: an index is an integer or a text, not a bool"},
    {"lenght(\"a\")", "function 0..6: `lenght` is no function (did you mean `len`?)"},
    {"length(\"a\")", "function 0..6: `length` is no function (did you mean `len`?)"},
    {"toJSON(1)", "function 0..6: `toJSON` is no function (did you mean `toJson`?)"},
    {"zzzzzz(1)", "function 0..6: `zzzzzz` is no function"},
    {"upper()", "function 0..5: `upper` takes 1 argument, not 0 (it is `upper(text) -> text`)"},
    {"upper(\"a\", \"b\")", "function 0..5: `upper` takes 1 argument, not 2 (it is `upper(text) -> text`)"},
    {"upper(1)", "type 6..7: `upper` takes text, and `1` is an int (it is `upper(text) -> text`)"},
    {"round(\"a\")", "type 6..9: `round` takes a number, and `\"a\"` is text (it is `round(number) -> int`)"},
    {"round(1)", "int"},
    {"join([\"a\"], 1)", "type 12..13: `join` takes text, and `1` is an int (it is `join(list, separator) -> text`)"},
    {"success() && deploy == \"yes\"", "place 0..7: `success()` has a meaning in `when` only (use `job.status`, or a `when`)"},
    {"success(1)", "function 0..7: `success` takes no arguments (write `success()`)"},
    {"foo(bar)", "function 0..3: `foo` is no function; name 4..7: `bar` is neither a context nor a variable of the pipeline (texts stand in quotes: `\"bar\"`)"},
    {"deploi == \"a\" && 1 + true == 2 && zzzzzz(1)", "name 0..6: `deploi` is neither a context nor a variable of the pipeline (did you mean `deploy`?)"
     "; type 19..20: `+` does not go with `1`, which is an int, and `true`, which is a bool; function 34..40: `zzzzzz` is no function"},
};
/* clang-format on */

static arc_slice check_plain(struct trial *trial, const char *text)
{
    trial->scope.status = 0;
    return trial_check(trial, text);
}

static void each_type_and_finding_is_what_the_table_wants(void)
{
    TRIAL(check_plain, texts);
}

static void a_condition_must_be_true_or_false(void)
{
    static const struct trial_row rows[] = {
        {"success()", "bool"},
        {"trigger.payload.x", "any"},
        {"always() && deploy == 'yes'", "bool"},
        {"1", "type 0..1: `when` takes true or false, and `1` is an int (compare it: `1 != 0`)"},
        {"null", "type 0..4: `when` takes true or false, and `null` is null"},
    };
    TRIAL(trial_check, rows);
}

static arc_slice check_in_pipeline(struct trial *trial, const char *text)
{
    trial->scope.level = ARC_LEVEL_PIPELINE;
    trial->scope.denied = ARC_CONTEXT_BIT(ARC_CONTEXT_GIT);
    return check_plain(trial, text);
}

static void a_context_has_a_meaning_where_the_table_says(void)
{
    static const struct trial_row rows[] = {
        {"trigger.branch", "text"},
        {"env.A", "place 0..3: `env` has a meaning in jobs and their steps only (The environment "
                  "of the step, or of the job; in `env` itself: of the layers below.)"},
        {"steps.make.status", "place 0..5: `steps` has a meaning in steps only (The steps of the "
                              "job before this one.)"},
        {"git.commit", "place 0..3: `git` cannot be used here (The revision that the run is "
                       "about.)"},
    };
    TRIAL(check_in_pipeline, rows);
}

static arc_slice check_undeclared(struct trial *trial, const char *text)
{
    trial->scope.declared = NULL;
    trial->scope.nearest = NULL;
    return check_plain(trial, text);
}

static void without_declarations_every_name_may_be_one(void)
{
    static const struct trial_row rows[] = {
        {"anything", "any"},
        {"variables.anything", "any"},
        {"needs.job.result", "text"},
        {"needs.job.reslt", "name 10..15: `needs.job` has no `reslt` (did you mean `result`?)"},
        {"steps.one.exitCode", "int"},
        {"trigger.brnch", "name 8..13: `trigger` has no `brnch` (did you mean `branch`?)"},
    };
    TRIAL(check_undeclared, rows);
}

static int check_life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct trial trial;
    int well = trial_init(&trial, &mem);
    if (well) {
        (void)trial_check(&trial, "deploi == 1 + 'a' && lenght(needs.x.y) && duration('1x') < 3 "
                                  "&& upper(1) in [1] ? 1 : matrix.n-1");
        well = trial.status == ARC_OK && trial.findings == 9 && trial.out.failed == ARC_OK;
    }
    trial_deinit(&trial);
    return well;
}

static void checking_survives_failing_memory(void)
{
    test_torture(check_life, 0, 400);
    test_torture(check_life, 1, 400);
}

static const struct test tests[] = {
    {"each type and finding is what the table wants",
     each_type_and_finding_is_what_the_table_wants},
    {"a condition must be true or false", a_condition_must_be_true_or_false},
    {"a context has a meaning where the table says", a_context_has_a_meaning_where_the_table_says},
    {"without declarations every name may be one", without_declarations_every_name_may_be_one},
    {"checking an expression survives failing memory", checking_survives_failing_memory},
};

TEST_MAIN(tests)
