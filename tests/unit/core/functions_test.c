/* SPDX-License-Identifier: Apache-2.0 */
#include "core/functions.h"

#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define UNITS 10000u
#define RESULT_BYTES 65536u
#define NOW INT64_C(1767225600000000000) /* 2026-01-01 */

struct fixture {
    struct test_mem state;
    struct arc_arena arena;
    struct arc_buf out;
    struct arc_fault fault;
    struct arc_fn_call call;
};

static void fixture_open(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    struct arc_mem mem = test_mem(&f->state);
    arc__arena_init(&f->arena, &mem, 64 << 20);
    arc__buf_init(&f->out, &mem, 1 << 20);
    f->call = (struct arc_fn_call){.arena = &f->arena,
                                   .units = UNITS,
                                   .result_bytes = RESULT_BYTES,
                                   .now_ns = NOW,
                                   .fault = &f->fault};
}

static void fixture_close(struct fixture *f)
{
    arc__arena_deinit(&f->arena);
    arc__buf_deinit(&f->out);
    CHECK_INT(f->state.live, 0);
}

/* Calls a function with the members of a list. A text that begins with `d:` is a duration, one with
 * `t:` a time. */
static arc_status call(struct fixture *f, const char *name, const struct arc_value *list,
                       struct arc_value *out)
{
    const struct arc_function *function = arc__function_find(arc__slice_cstr(name));
    struct arc_value args[16];
    f->fault = (struct arc_fault){0};
    *out = ARC_VALUE_OF_UNKNOWN;
    if (function == NULL || list->count < function->least || list->count > function->most ||
        list->count > 16) {
        CHECK(function != NULL && list->count >= function->least);
        return ARC_EINTERNAL;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        args[i] = list->as.items[i];
        if (args[i].kind == ARC_VALUE_TEXT && args[i].count > 2 && args[i].as.text[1] == ':' &&
            (args[i].as.text[0] == 'd' || args[i].as.text[0] == 't')) {
            int64_t ns = 0;
            CHECK(arc__slice_to_i64(arc__slice_from(arc__value_slice(&args[i]), 2), &ns));
            args[i] =
                (struct arc_value){args[i].as.text[0] == 'd' ? ARC_VALUE_DURATION : ARC_VALUE_TIME,
                                   0,
                                   {.integer = ns}};
        }
    }
    return function->run(&f->call, args, list->count, out);
}

/* The result as JSON, or "KIND: message (hint)". */
static arc_slice said(struct fixture *f, const char *name, const char *json)
{
    static const char *const kinds[] = {"",         "SYNTAX", "SIZE",  "NAME",  "PLACE",
                                        "FUNCTION", "TYPE",   "VALUE", "BUDGET"};
    struct arc_value list, out;
    arc__buf_clear(&f->out);
    f->call.units = UNITS;
    CHECK_OK(arc__value_from_json(arc__slice_cstr(json), 100, &f->arena, &list, NULL));
    arc_status status = call(f, name, &list, &out);
    if (status == ARC_OK)
        arc__value_to_json(&out, &f->out);
    else if (status == ARC_EINVAL)
        arc__buf_printf(&f->out, "%s: %.*s (%.*s)", kinds[f->fault.kind], ARC_ARG(f->fault.message),
                        ARC_ARG(f->fault.hint));
    else
        arc__buf_add_cstr(&f->out, "another status");
    return arc__buf_slice(&f->out);
}

struct row {
    const char *name, *args, *want;
};

static void check_rows(const struct row *rows, size_t count)
{
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < count; i++) {
        if (!CHECK_TEXT(said(&f, rows[i].name, rows[i].args), rows[i].want))
            printf("# %s(%s)\n", rows[i].name, rows[i].args);
        arc__arena_reset(&f.arena);
    }
    fixture_close(&f);
}

/* clang-format off */
static const struct row texts[] = {
    {"len", "[\"\"]", "0"},
    {"len", "[\"a\xc3\xa4\xf0\x9f\x98\x80\"]", "3"},
    {"len", "[[]]", "0"},
    {"len", "[[1,null]]", "2"},
    {"len", "[{\"a\":1}]", "1"},
    {"len", "[null]", "TYPE: the first argument of `len` must be text, a list or a map, not null (it may be missing: give another value with `??`, as in `value ?? ''`)"},
    {"len", "[7]", "TYPE: the first argument of `len` must be text, a list or a map, not an int ()"},
    {"lower", "[\"ABCxyz\xc3\x84[@Z\"]", "\"abcxyz\xc3\x84[@z\""},
    {"upper", "[\"ABCxyz\xc3\xa4{`z\"]", "\"ABCXYZ\xc3\xa4{`Z\""},
    {"lower", "[\"\"]", "\"\""},
    {"lower", "[1]", "TYPE: the first argument of `lower` must be text, not an int (`string(value)` makes text of it)"},
    {"upper", "[[]]", "TYPE: the first argument of `upper` must be text, not a list (`string(value)` makes text of it)"},
    {"trim", "[\" \\t\\r\\na b \\n\"]", "\"a b\""},
    {"trim", "[\"  \"]", "\"\""},
    {"trim", "[\"\"]", "\"\""},
    {"trim", "[true]", "TYPE: the first argument of `trim` must be text, not a bool (`string(value)` makes text of it)"},
    {"replace", "[\"a-b-c\",\"-\",\"+\"]", "\"a+b+c\""},
    {"replace", "[\"aaa\",\"aa\",\"b\"]", "\"ba\""},
    {"replace", "[\"abc\",\"abc\",\"\"]", "\"\""},
    {"replace", "[\"abc\",\"x\",\"y\"]", "\"abc\""},
    {"replace", "[\"\",\"x\",\"y\"]", "\"\""},
    {"replace", "[\"xx\",\"x\",\"xx\"]", "\"xxxx\""},
    {"replace", "[\"a\",\"\",\"y\"]", "VALUE: the second argument of `replace` is empty (say which text is to be replaced)"},
    {"replace", "[\"a\",\"b\",null]", "TYPE: the third argument of `replace` must be text, not null (it may be missing: give another value with `??`, as in `value ?? ''`)"},
    {"split", "[\"a,b,,c\",\",\"]", "[\"a\",\"b\",\"\",\"c\"]"},
    {"split", "[\"\",\",\"]", "[\"\"]"},
    {"split", "[\",\",\",\"]", "[\"\",\"\"]"},
    {"split", "[\"a--b\",\"--\"]", "[\"a\",\"b\"]"},
    {"split", "[\"abc\",\"x\"]", "[\"abc\"]"},
    {"split", "[\"a\",\"\"]", "VALUE: the second argument of `split` is empty (say what stands between the parts, like ',')"},
    {"split", "[[],\",\"]", "TYPE: the first argument of `split` must be text, not a list (`string(value)` makes text of it)"},
    {"join", "[[\"a\",1,null,true,2.0,[1],{\"k\":\"v\"}],\"-\"]", "\"a-1--true-2.0-[1]-{\\\"k\\\":\\\"v\\\"}\""},
    {"join", "[[],\"-\"]", "\"\""},
    {"join", "[[\"a\"],\"-\"]", "\"a\""},
    {"join", "[\"a\",\"-\"]", "TYPE: the first argument of `join` must be a list, not text (`split(value, ',')` makes a list of it)"},
    {"join", "[[],1]", "TYPE: the second argument of `join` must be text, not an int (`string(value)` makes text of it)"},
    {"contains", "[\"abc\",\"bc\"]", "true"},
    {"contains", "[\"abc\",\"\"]", "true"},
    {"contains", "[\"\",\"\"]", "true"},
    {"contains", "[\"abc\",\"x\"]", "false"},
    {"contains", "[\"abc\",\"abcd\"]", "false"},
    {"contains", "[\"abc\",1]", "TYPE: the second argument of `contains` must be text, not an int (`string(value)` makes text of it)"},
    {"contains", "[[1,\"a\",[2]],[2]]", "true"},
    {"contains", "[[1,\"a\"],1.0]", "true"},
    {"contains", "[[1,\"a\"],\"1\"]", "false"},
    {"contains", "[[],null]", "false"},
    {"contains", "[[null],null]", "true"},
    {"contains", "[{\"a\":1},\"a\"]", "true"},
    {"contains", "[{\"a\":1},\"b\"]", "false"},
    {"contains", "[{\"a\":1},1]", "TYPE: the second argument of `contains` must be text, not an int (`string(value)` makes text of it)"},
    {"contains", "[1,1]", "TYPE: the first argument of `contains` must be text, a list or a map, not an int ()"},
    {"startsWith", "[\"abc\",\"ab\"]", "true"},
    {"startsWith", "[\"abc\",\"\"]", "true"},
    {"startsWith", "[\"abc\",\"bc\"]", "false"},
    {"startsWith", "[\"a\",\"ab\"]", "false"},
    {"startsWith", "[1,\"ab\"]", "TYPE: the first argument of `startsWith` must be text, not an int (`string(value)` makes text of it)"},
    {"endsWith", "[\"abc\",\"bc\"]", "true"},
    {"endsWith", "[\"abc\",\"\"]", "true"},
    {"endsWith", "[\"\",\"\"]", "true"},
    {"endsWith", "[\"abc\",\"ab\"]", "false"},
    {"endsWith", "[\"c\",\"bc\"]", "false"},
    {"endsWith", "[\"c\",false]", "TYPE: the second argument of `endsWith` must be text, not a bool (`string(value)` makes text of it)"},
    {"matches", "[\"v1.2.3\",\"^v\\\\d+(\\\\.\\\\d+)*$\"]", "true"},
    {"matches", "[\"x\",\"y\"]", "false"},
    {"matches", "[\"x\",\"a)\"]", "VALUE: the pattern \"a)\" of `matches` is wrong at byte 2: a `)` without its `(` (patterns are regular expressions in RE2's syntax)"},
    {"matches", "[1,\"a\"]", "TYPE: the first argument of `matches` must be text, not an int (`string(value)` makes text of it)"},
    {"glob", "[\"release/1\",\"release/*\"]", "true"},
    {"glob", "[\"release/1/2\",\"release/*\"]", "false"},
    {"glob", "[\"release/1/2\",\"release/**\"]", "true"},
    {"glob", "[\"a\",null]", "TYPE: the second argument of `glob` must be text, not null (it may be missing: give another value with `??`, as in `value ?? ''`)"},
    {"format", "[\"{0}-{1}\",\"a\",2]", "\"a-2\""},
    {"format", "[\"{1}{0}{1}\",\"a\",\"b\"]", "\"bab\""},
    {"format", "[\"{{0}} {0}\",1.5]", "\"{0} 1.5\""},
    {"format", "[\"{{{0}}}\",null]", "\"{}\""},
    {"format", "[\"plain\"]", "\"plain\""},
    {"format", "[\"\"]", "\"\""},
    {"format", "[\"{0}\",\"{0}{1}}\"]", "\"{0}{1}}\""},
    {"format", "[\"{0}\",[1,\"a\"]]", "\"[1,\\\"a\\\"]\""},
    {"format", "[\"{0} {2}\",1,2]", "VALUE: the text of `format` asks for value {2}, but there are 2 (give as many values as the text asks for)"},
    {"format", "[\"{1}\",1]", "VALUE: the text of `format` asks for value {1}, but there is 1 (give as many values as the text asks for)"},
    {"format", "[\"{99999999999999999999}\",1]", "VALUE: the text of `format` asks for value {9999999999}, but there is 1 (give as many values as the text asks for)"},
    {"format", "[\"a{\",1]", "VALUE: the text of `format` is wrong at byte 2: a `{` without a number and a `}` after it (values are `{0}`, `{1}`, …; `{{` and `}}` are braces)"},
    {"format", "[\"{}\",1]", "VALUE: the text of `format` is wrong at byte 1: a `{` without a number and a `}` after it (values are `{0}`, `{1}`, …; `{{` and `}}` are braces)"},
    {"format", "[\"{0\",1]", "VALUE: the text of `format` is wrong at byte 1: a `{` without a number and a `}` after it (values are `{0}`, `{1}`, …; `{{` and `}}` are braces)"},
    {"format", "[\"ab}\",1]", "VALUE: the text of `format` is wrong at byte 3: a `}` without its `{` (values are `{0}`, `{1}`, …; `{{` and `}}` are braces)"},
    {"format", "[1]", "TYPE: the first argument of `format` must be text, not an int (`string(value)` makes text of it)"},
    {"hash", "[\"abc\"]", "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""},
    {"hash", "[\"\"]", "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""},
    {"hash", "[{}]", "TYPE: the first argument of `hash` must be text, not a map (`string(value)` makes text of it)"},
};

static const struct row lists[] = {
    {"keys", "[{\"b\":1,\"a\":2,\"B\":3}]", "[\"B\",\"a\",\"b\"]"},
    {"keys", "[{}]", "[]"},
    {"keys", "[[]]", "TYPE: the first argument of `keys` must be a map, not a list ()"},
    {"values", "[{\"b\":1,\"a\":[2]}]", "[[2],1]"},
    {"values", "[{}]", "[]"},
    {"values", "[\"a\"]", "TYPE: the first argument of `values` must be a map, not text ()"},
    {"first", "[[3,4]]", "3"},
    {"first", "[[]]", "null"},
    {"first", "[\"ab\"]", "TYPE: the first argument of `first` must be a list, not text (`split(value, ',')` makes a list of it)"},
    {"last", "[[3,4]]", "4"},
    {"last", "[[]]", "null"},
    {"last", "[{\"a\":1}]", "TYPE: the first argument of `last` must be a list, not a map (`keys(value)` or `values(value)` makes a list of it)"},
    {"slice", "[\"abcde\",1]", "\"bcde\""},
    {"slice", "[\"abcde\",1,3]", "\"bc\""},
    {"slice", "[\"abcde\",-2]", "\"de\""},
    {"slice", "[\"abcde\",0,-1]", "\"abcd\""},
    {"slice", "[\"abcde\",-3,-1]", "\"cd\""},
    {"slice", "[\"abcde\",3,1]", "\"\""},
    {"slice", "[\"abcde\",9]", "\"\""},
    {"slice", "[\"abcde\",-9,9]", "\"abcde\""},
    {"slice", "[\"\",0,0]", "\"\""},
    {"slice", "[\"a\xc3\xa4\xf0\x9f\x98\x80z\",1,3]", "\"\xc3\xa4\xf0\x9f\x98\x80\""},
    {"slice", "[\"\xc3\xa4\xc3\xb6\",-1]", "\"\xc3\xb6\""},
    {"slice", "[[1,2,3],1]", "[2,3]"},
    {"slice", "[[1,2,3],-2,-1]", "[2]"},
    {"slice", "[[],0]", "[]"},
    {"slice", "[[1,2],-9223372036854775808,9223372036854775807]", "[1,2]"},
    {"slice", "[{},0]", "TYPE: the first argument of `slice` must be text or a list, not a map ()"},
    {"slice", "[[],\"1\"]", "TYPE: the second argument of `slice` must be an int, not text (`int(value)` makes an int of it)"},
    {"slice", "[[],1,1.0]", "TYPE: the third argument of `slice` must be an int, not a float ()"},
    {"unique", "[[1,2,1,1.0,\"1\",[1],[1],null,null]]", "[1,2,\"1\",[1],null]"},
    {"unique", "[[]]", "[]"},
    {"unique", "[\"a\"]", "TYPE: the first argument of `unique` must be a list, not text (`split(value, ',')` makes a list of it)"},
    {"sort", "[[3,1.5,2,-1]]", "[-1,1.5,2,3]"},
    {"sort", "[[\"b\",\"a\",\"B\",\"\",\"ab\"]]", "[\"\",\"B\",\"a\",\"ab\",\"b\"]"},
    {"sort", "[[2,1.0,1,2.0]]", "[1.0,1,2,2.0]"},
    {"sort", "[[]]", "[]"},
    {"sort", "[[5,4,3,2,1,9,8,7,6,0,11,10]]", "[0,1,2,3,4,5,6,7,8,9,10,11]"},
    {"sort", "[[true]]", "TYPE: `sort` cannot order a bool (value 1) (numbers, texts, durations and times have an order)"},
    {"sort", "[[1,2,\"a\"]]", "TYPE: `sort` cannot order text (value 3) beside an int (value 1) (bring all of them to one type, with `int(…)`, `float(…)` or `string(…)`)"},
    {"sort", "[null]", "TYPE: the first argument of `sort` must be a list, not null (it may be missing: give another value with `??`, as in `value ?? ''`)"},
    {"min", "[3,1,2]", "1"},
    {"max", "[3,1,3.5]", "3.5"},
    {"max", "[1,1.0]", "1"},
    {"min", "[[\"b\",\"a\"]]", "\"a\""},
    {"max", "[\"b\"]", "\"b\""},
    {"min", "[[]]", "null"},
    {"max", "[[4]]", "4"},
    {"min", "[\"d:5\",\"d:3\"]", "\"3ns\""},
    {"max", "[\"t:0\",\"t:1000000\"]", "\"1970-01-01T00:00:00.001Z\""},
    {"min", "[1,\"a\"]", "TYPE: `min` cannot order text (value 2) beside an int (value 1) (bring all of them to one type, with `int(…)`, `float(…)` or `string(…)`)"},
    {"max", "[null]", "TYPE: `max` cannot order null (value 1) (numbers, texts, durations and times have an order)"},
    {"max", "[[1],[2]]", "TYPE: `max` cannot order a list (value 1) (numbers, texts, durations and times have an order)"},
};

static const struct row kinds[] = {
    {"toJson", "[{\"b\":[1,null,\"x\\n\"],\"a\":1.0}]", "\"{\\\"a\\\":1.0,\\\"b\\\":[1,null,\\\"x\\\\n\\\"]}\""},
    {"toJson", "[null]", "\"null\""},
    {"fromJson", "[\"{\\\"a\\\":[1]}\"]", "{\"a\":[1]}"},
    {"fromJson", "[\"null\"]", "null"},
    {"fromJson", "[\"{\"]", "VALUE: `fromJson` cannot read its text: line 1, column 2: A key in quotes is missing (`fromJson` takes one JSON value)"},
    {"fromJson", "[\"{\\\"a\\\":1,\\\"a\\\":1}\"]", "VALUE: `fromJson` cannot read its text: line 1, column 8: The key stands twice in one object (`fromJson` takes one JSON value)"},
    {"fromJson", "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]", "VALUE: `fromJson` cannot read its text: line 1, column 65: Lists and maps are nested too deep (`fromJson` takes one JSON value)"},
    {"fromJson", "[1]", "TYPE: the first argument of `fromJson` must be text, not an int (`string(value)` makes text of it)"},
    {"int", "[\"-12\"]", "-12"},
    {"int", "[\"007\"]", "7"},
    {"int", "[3.99]", "3"},
    {"int", "[-3.99]", "-3"},
    {"int", "[true]", "1"},
    {"int", "[5]", "5"},
    {"int", "[\"9223372036854775807\"]", "9223372036854775807"},
    {"int", "[\"9223372036854775808\"]", "VALUE: `int` cannot read \"9223372036854775808\" (`int(float(value))` and `round(float(value))` take a fraction)"},
    {"int", "[\"1.5\"]", "VALUE: `int` cannot read \"1.5\" (`int(float(value))` and `round(float(value))` take a fraction)"},
    {"int", "[\" 1\"]", "VALUE: `int` cannot read \" 1\" (`int` takes digits with at most a minus before them)"},
    {"int", "[\"\"]", "VALUE: `int` cannot read \"\" (`int` takes digits with at most a minus before them)"},
    {"int", "[\"a\\nbcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\"]", "VALUE: `int` cannot read \"a\\nbcdefghijklmnopqrstuvwxyzabcdefghijklm\"… (`int` takes digits with at most a minus before them)"},
    {"int", "[1e19]", "VALUE: the number given to `int` is too large for an int (an int has 64 bits)"},
    {"int", "[-9223372036854775808.0]", "-9223372036854775808"},
    {"int", "[[]]", "TYPE: the first argument of `int` must be a number, text or a bool, not a list ()"},
    {"int", "[\"d:5\"]", "TYPE: the first argument of `int` must be a number, text or a bool, not a duration ()"},
    {"float", "[\"1.5e3\"]", "1500.0"},
    {"float", "[2]", "2.0"},
    {"float", "[2.5]", "2.5"},
    {"float", "[true]", "1.0"},
    {"float", "[\"1e999\"]", "VALUE: `float` cannot read \"1e999\" (`float` takes decimal numbers like -1.5e3)"},
    {"float", "[\"x\"]", "VALUE: `float` cannot read \"x\" (`float` takes decimal numbers like -1.5e3)"},
    {"float", "[{}]", "TYPE: the first argument of `float` must be a number, text or a bool, not a map ()"},
    {"bool", "[\"true\"]", "true"},
    {"bool", "[\"false\"]", "false"},
    {"bool", "[true]", "true"},
    {"bool", "[\"True\"]", "VALUE: `bool` takes the texts true and false, not \"True\" (compare it, as in `value == 'yes'`)"},
    {"bool", "[1]", "TYPE: the first argument of `bool` must be text or a bool, not an int (compare it, as in `value != 0`)"},
    {"string", "[1.0]", "\"1.0\""},
    {"string", "[null]", "\"\""},
    {"string", "[\"a\"]", "\"a\""},
    {"string", "[[\"a\"]]", "\"[\\\"a\\\"]\""},
    {"string", "[\"d:5400000000000\"]", "\"1h30m\""},
    {"string", "[\"t:0\"]", "\"1970-01-01T00:00:00.000Z\""},
    {"coalesce", "[null,0,1]", "0"},
    {"coalesce", "[null,null]", "null"},
    {"coalesce", "[\"\"]", "\"\""},
    {"coalesce", "[false,1]", "false"},
    {"abs", "[-5]", "5"},
    {"abs", "[5]", "5"},
    {"abs", "[-2.5]", "2.5"},
    {"abs", "[\"d:-5\"]", "\"5ns\""},
    {"abs", "[-9223372036854775808]", "VALUE: the number given to `abs` is too large for an int (an int has 64 bits)"},
    {"abs", "[\"1\"]", "TYPE: the first argument of `abs` must be a number or a duration, not text ()"},
    {"round", "[2.5]", "3"},
    {"round", "[-2.5]", "-3"},
    {"round", "[2.4999999999999996]", "2"},
    {"round", "[0.49999999999999994]", "0"},
    {"round", "[4503599627370497.5]", "4503599627370498"},
    {"round", "[7]", "7"},
    {"round", "[9223372036854775808.0]", "VALUE: the number given to `round` is too large for an int (an int has 64 bits)"},
    {"round", "[\"1.5\"]", "TYPE: the first argument of `round` must be a number, not text (`int(value)` or `float(value)` makes a number of it)"},
    {"now", "[]", "\"2026-01-01T00:00:00.000Z\""},
    {"duration", "[\"1h30m\"]", "\"1h30m\""},
    {"duration", "[\"0\"]", "\"0\""},
    {"duration", "[\"30\"]", "VALUE: `duration` cannot read \"30\" (durations are written like 90s, 1h30m or 250ms, up to 106751d)"},
    {"duration", "[\"-1h\"]", "VALUE: `duration` cannot read \"-1h\" (durations are written like 90s, 1h30m or 250ms, up to 106751d)"},
    {"duration", "[30]", "TYPE: the first argument of `duration` must be text, not an int (say the unit, as in `duration('30s')`)"},
    {"semver", "[\"1.2.3\",\"v1.2.3\"]", "0"},
    {"semver", "[\"1.2.3\",1]", "TYPE: the second argument of `semver` must be text, not an int (`string(value)` makes text of it)"},
    {"semver", "[\"1.2\",\"1.2.3\"]", "VALUE: `semver` cannot read the version \"1.2\" (versions are written like 1.2.3, v1.2.3-rc.1 or 1.2.3+build)"},
};
/* clang-format on */

static void functions_of_texts(void)
{
    check_rows(texts, ARC_COUNT_OF(texts));
}

static void functions_of_lists_and_maps(void)
{
    check_rows(lists, ARC_COUNT_OF(lists));
}

static void functions_of_kinds_numbers_and_time(void)
{
    check_rows(kinds, ARC_COUNT_OF(kinds));
}

/* In the order of SemVer's item 11 and some more; equal to itself alone. */
static void versions_have_the_order_of_semver(void)
{
    static const char *const rising[] = {"0.0.0-0",
                                         "0.0.1",
                                         "0.1.0",
                                         "1.0.0-0.3.7",
                                         "1.0.0-alpha",
                                         "1.0.0-alpha.1",
                                         "1.0.0-alpha.beta",
                                         "1.0.0-beta",
                                         "1.0.0-beta.2",
                                         "1.0.0-beta.11",
                                         "1.0.0-rc.1",
                                         "1.0.0-x--y",
                                         "1.0.0",
                                         "1.0.10-a",
                                         "1.9.0",
                                         "1.10.0",
                                         "2.0.0",
                                         "10.0.0",
                                         "99999999999999999999.0.0",
                                         "100000000000000000000.0.0"};
    static const char *const wrong[] = {
        "",           "1",        "1.2",      "1.2.3.4", "01.2.3",  "1.2.3-",   "1.2.3+",
        "1.2.3-a..b", "1.2.3-01", "1.2.x",    "V1.2.3",  "vv1.2.3", " 1.2.3",   "1.2.3-\xc3\xa4",
        "1..3",       "1.2.3-a.", "1.2.3+a.", "v",       "-1.2.3",  "1.2.3+a+b"};
    static const char *const taken[] = {"1.2.3-0a", "1.2.3--", "1.2.3+01.-", "1.2.3-a.b+c.d",
                                        "v0.0.0"};
    struct fixture f;
    char args[200], want[8];
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(rising); i++) {
        for (size_t k = 0; k < ARC_COUNT_OF(rising); k++) {
            snprintf(args, sizeof(args), "[\"%s\",\"v%s+build.7\"]", rising[i], rising[k]);
            snprintf(want, sizeof(want), "%d", i < k ? -1 : i > k);
            CHECK_TEXT(said(&f, "semver", args), want);
        }
    }
    for (size_t i = 0; i < ARC_COUNT_OF(wrong); i++) {
        snprintf(args, sizeof(args), "[\"1.2.3\",\"%s\"]", wrong[i]);
        CHECK(arc__slice_starts(said(&f, "semver", args), ARC_LIT("VALUE")));
    }
    for (size_t i = 0; i < ARC_COUNT_OF(taken); i++) {
        snprintf(args, sizeof(args), "[\"%s\",\"%s\"]", taken[i], taken[i]);
        CHECK_TEXT(said(&f, "semver", args), "0");
    }
    fixture_close(&f);
}

static void the_table_is_sorted_and_complete(void)
{
    static const char *const contract[] = {
        "len",      "lower",      "upper",    "trim",    "replace", "split",    "join",
        "contains", "startsWith", "endsWith", "matches", "format",  "toJson",   "fromJson",
        "int",      "float",      "string",   "bool",    "keys",    "values",   "first",
        "last",     "slice",      "unique",   "sort",    "min",     "max",      "abs",
        "round",    "coalesce",   "hash",     "glob",    "now",     "duration", "semver"};
    size_t count = 0;
    const struct arc_function *all = arc__functions(&count);
    CHECK_INT(count, ARC_COUNT_OF(contract));
    for (size_t i = 0; i < ARC_COUNT_OF(contract); i++)
        CHECK(arc__function_find(arc__slice_cstr(contract[i])) != NULL);
    CHECK(arc__function_find(ARC_LIT("lenght")) == NULL);
    CHECK(arc__function_find(ARC_NONE) == NULL);
    for (size_t i = 0; i < count; i++) {
        size_t name = strlen(all[i].name);
        CHECK(i == 0 || strcmp(all[i - 1].name, all[i].name) < 0);
        CHECK(strncmp(all[i].signature, all[i].name, name) == 0 && all[i].signature[name] == '(');
        CHECK(all[i].sentence[strlen(all[i].sentence) - 1] == '.');
        CHECK(all[i].least <= all[i].most);
        CHECK(all[i].most == UINT32_MAX || all[i].most == all[i].param_count);
        for (uint32_t k = 0; k < all[i].param_count; k++)
            CHECK(all[i].params[k] <= ARC_TYPE_KIND_TIME);
    }
}

static void types_accept_what_fits_them(void)
{
    for (uint32_t wanted = 0; wanted <= ARC_TYPE_KIND_TIME; wanted++) {
        for (uint32_t given = 0; given <= ARC_TYPE_KIND_TIME; given++) {
            int fits = wanted == given || wanted == ARC_TYPE_KIND_ANY ||
                       given == ARC_TYPE_KIND_ANY ||
                       (wanted == ARC_TYPE_KIND_FLOAT && given == ARC_TYPE_KIND_INT) ||
                       (wanted == ARC_TYPE_KIND_MAP && given == ARC_TYPE_KIND_TEXTS);
            CHECK_INT(arc__type_accepts(wanted, given), fits);
        }
    }
}

/* --- costs ---------------------------------------------------------------------------------- */

/* A list of `count` values, each a text of `len` bytes or an int. */
static struct arc_value list_of(struct fixture *f, uint32_t count, size_t len)
{
    struct arc_value *items = arc__arena_array(&f->arena, count, sizeof(*items));
    char *text = arc__arena_alloc(&f->arena, len + 1);
    memset(text, 'a', len);
    for (uint32_t i = 0; i < count; i++)
        items[i] = len > 0 ? arc__value_text(arc__slice(text, len)) : arc__value_int(i);
    return (struct arc_value){ARC_VALUE_LIST, count, {.items = items}};
}

static struct arc_value text_of(struct fixture *f, size_t len)
{
    return list_of(f, 1, len).as.items[0];
}

/* What it costs, checked to be the least budget that it does with. */
static uint32_t cost(struct fixture *f, const char *name, const struct arc_value *args,
                     uint32_t count)
{
    struct arc_value list = {ARC_VALUE_LIST, count, {.items = args}}, out;
    f->call.units = UINT32_MAX;
    f->call.result_bytes = 1 << 20;
    CHECK_OK(call(f, name, &list, &out));
    uint32_t spent = UINT32_MAX - f->call.units;
    f->call.units = spent;
    CHECK_OK(call(f, name, &list, &out));
    CHECK_INT(f->call.units, 0);
    if (spent > 0) {
        f->call.units = spent - 1;
        CHECK_STATUS(call(f, name, &list, &out), ARC_EINVAL);
        CHECK_INT(f->fault.kind, ARC_FAULT_BUDGET);
        CHECK_INT(f->call.units, 0);
    }
    return spent;
}

static void work_is_paid_before_it_is_done(void)
{
    static const struct {
        const char *name;
        size_t text; /* 0: a list of 4096 ints */
        const char *second;
        uint32_t least, most;
    } rows[] = {
        {"len", 6400, NULL, 100, 100},
        {"lower", 6400, NULL, 100, 100},
        {"upper", 6400, NULL, 100, 100},
        {"trim", 6400, NULL, 100, 100},
        {"hash", 6400, NULL, 400, 400},
        {"contains", 6400, "b", 100, 100},
        {"startsWith", 6400, "b", 100, 100},
        {"endsWith", 6400, "b", 100, 100},
        {"split", 6400, "a", 900, 901},
        {"matches", 6400, "b+$", 100, 400},
        {"glob", 6400, "*b", 800, 900},
        {"format", 6400, "b", 100, 100},
        {"toJson", 0, NULL, 512, 512},
        {"string", 0, NULL, 512, 512},
        {"join", 0, "ab", 640, 640},
        {"sort", 0, NULL, 7168, 7168},
        {"unique", 0, NULL, 1000000, 1100000},
        {"contains", 0, "b", 512, 512},
        {"min", 0, NULL, 512, 512},
        {"max", 0, NULL, 512, 512},
    };
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_value args[2];
        args[0] = rows[i].text > 0 ? text_of(&f, rows[i].text) : list_of(&f, 4096, 0);
        if (rows[i].second != NULL)
            args[1] = arc__value_text(arc__slice_cstr(rows[i].second));
        uint32_t spent = cost(&f, rows[i].name, args, rows[i].second != NULL ? 2 : 1);
        if (spent < rows[i].least || spent > rows[i].most) {
            printf("# %s costs %u\n", rows[i].name, spent);
            CHECK(spent >= rows[i].least && spent <= rows[i].most);
        }
        arc__arena_reset(&f.arena);
    }
    struct arc_value three[] = {text_of(&f, 6400), arc__value_text(ARC_LIT("a")),
                                arc__value_text(ARC_LIT("ab"))};
    CHECK_INT(cost(&f, "replace", three, 3), 300);
    struct arc_value pair[] = {list_of(&f, 10, 6400), text_of(&f, 6400)};
    CHECK(cost(&f, "contains", pair, 2) >= 100);
    CHECK(cost(&f, "unique", pair, 1) >= 900);
    struct arc_value json = arc__value_text(ARC_LIT("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"));
    CHECK_INT(cost(&f, "fromJson", &json, 1), 2);
    fixture_close(&f);
}

static void results_end_at_the_last_byte_allowed(void)
{
    static const struct {
        const char *name, *args;
        uint32_t bytes;
    } rows[] = {
        {"lower", "[\"abcd\"]", 4},
        {"upper", "[\"abcd\"]", 4},
        {"replace", "[\"xx\",\"x\",\"abc\"]", 6},
        {"split", "[\"a,b\",\",\"]", 32},
        {"join", "[[\"ab\",\"c\"],\"--\"]", 5},
        {"format", "[\"{0}{0}\",\"ab\"]", 4},
        {"toJson", "[[1,2]]", 5},
        {"string", "[[1,2]]", 5},
        {"fromJson", "[\"[1,2]\"]", 5},
        {"hash", "[\"\"]", 64},
        {"keys", "[{\"a\":1}]", 16},
        {"values", "[{\"a\":1}]", 16},
        {"unique", "[[1,2]]", 32},
        {"sort", "[[1,2]]", 32},
    };
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        char want[200];
        f.call.result_bytes = rows[i].bytes;
        CHECK(!arc__slice_starts(said(&f, rows[i].name, rows[i].args), ARC_LIT("BUDGET")));
        f.call.result_bytes = rows[i].bytes - 1;
        snprintf(want, sizeof(want),
                 "BUDGET: `%s` makes more than %u bytes (make less at once, or in several "
                 "expressions)",
                 rows[i].name, rows[i].bytes - 1);
        CHECK_TEXT(said(&f, rows[i].name, rows[i].args), want);
    }
    fixture_close(&f);
}

static void an_unknown_clock_is_an_unknown_time(void)
{
    struct fixture f;
    struct arc_value none = {ARC_VALUE_LIST, 0, {0}}, out;
    fixture_open(&f);
    f.call.now_ns = INT64_MIN;
    CHECK_OK(call(&f, "now", &none, &out));
    CHECK_INT(out.kind, ARC_VALUE_UNKNOWN);
    fixture_close(&f);
}

static void a_fault_cuts_long_messages_between_characters(void)
{
    struct fixture f;
    char text[800];
    fixture_open(&f);
    for (size_t i = 0; i + 1 < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    CHECK_STATUS(arc__fn_fail(&f.call, ARC_FAULT_VALUE, "", "a%.798s", text), ARC_EINVAL);
    CHECK_INT(f.fault.message.len, 511);
    CHECK_STATUS(arc__fn_fail(&f.call, ARC_FAULT_VALUE, "", "%.798s", text), ARC_EINVAL);
    CHECK_INT(f.fault.message.len, 510);
    fixture_close(&f);
}

/* --- memory --------------------------------------------------------------------------------- */

static int call_all(struct test_mem *state)
{
    static const struct row rows[] = {
        {"lower", "[\"ABC\"]", ""},
        {"replace", "[\"abc\",\"b\",\"xyz\"]", ""},
        {"split", "[\"a,b\",\",\"]", ""},
        {"join", "[[\"a\",1],\"-\"]", ""},
        {"format", "[\"{0}\",[1]]", ""},
        {"format", "[\"{0\",[1]]", ""},
        {"toJson", "[{\"a\":1}]", ""},
        {"fromJson", "[\"{\\\"a\\\":[1]}\"]", ""},
        {"keys", "[{\"a\":1}]", ""},
        {"sort", "[[3,2,1]]", ""},
        {"unique", "[[1,1]]", ""},
        {"hash", "[\"a\"]", ""},
        {"int", "[\"x\"]", ""},
        {"matches", "[\"ab\",\"a(b|c)\"]", ""},
        {"matches", "[\"ab\",\"a(\"]", ""},
        {"string", "[1]", ""},
        {"matches", "[\"ab\",\"([^x]|y){100}\"]", ""},
        {"semver", "[\"1\",\"1\"]", ""},
    };
    struct arc_mem mem = test_mem(state);
    int well = 1;
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_fault fault = {0};
        struct fixture f = {.call = {.units = UNITS, .result_bytes = RESULT_BYTES, .now_ns = NOW}};
        struct arc_value list, out;
        arc__arena_init(&f.arena, &mem, 1 << 20);
        f.call.arena = &f.arena;
        f.call.fault = &f.fault;
        f.fault = fault;
        arc_status status =
            arc__value_from_json(arc__slice_cstr(rows[i].args), 64, &f.arena, &list, NULL);
        if (status == ARC_OK)
            status = call(&f, rows[i].name, &list, &out);
        CHECK(status == ARC_OK || status == ARC_EINVAL || status == ARC_ENOMEM);
        CHECK((status == ARC_EINVAL) == (f.fault.kind != 0));
        well &= status != ARC_ENOMEM;
        arc__arena_deinit(&f.arena);
    }
    return well;
}

static void memory_may_be_out_at_every_step(void)
{
    test_torture(call_all, 0, 300);
    test_torture(call_all, 1, 300);
}

static const struct test tests[] = {
    {"functions of texts: values, edges and faults", functions_of_texts},
    {"functions of lists and maps: values, edges and faults", functions_of_lists_and_maps},
    {"functions of kinds, numbers and time", functions_of_kinds_numbers_and_time},
    {"versions have the order of SemVer", versions_have_the_order_of_semver},
    {"the table of functions is sorted and complete", the_table_is_sorted_and_complete},
    {"types accept what fits them", types_accept_what_fits_them},
    {"work is paid before it is done", work_is_paid_before_it_is_done},
    {"results end at the last byte that is allowed", results_end_at_the_last_byte_allowed},
    {"an unknown clock is an unknown time", an_unknown_clock_is_an_unknown_time},
    {"long messages are cut between characters", a_fault_cuts_long_messages_between_characters},
    {"functions survive failing memory", memory_may_be_out_at_every_step},
};

TEST_MAIN(tests)
