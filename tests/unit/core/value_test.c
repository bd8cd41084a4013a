/* SPDX-License-Identifier: Apache-2.0 */
#include "core/value.h"

#include "shim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

struct fixture {
    struct test_mem state;
    struct arc_arena arena;
    struct arc_buf out;
};

static void fixture_open(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    struct arc_mem mem = test_mem(&f->state);
    arc__arena_init(&f->arena, &mem, 64 << 20);
    arc__buf_init(&f->out, &mem, 64 << 20);
}

static void fixture_close(struct fixture *f)
{
    arc__arena_deinit(&f->arena);
    arc__buf_deinit(&f->out);
    CHECK_INT(f->state.live, 0);
}

/* The JSON of what the JSON says. */
static arc_slice again(struct fixture *f, arc_slice json)
{
    struct arc_value value = ARC_VALUE_OF_UNKNOWN;
    arc_err err = ARC_ERR_INIT;
    arc__buf_clear(&f->out);
    if (arc__value_from_json(json, 64, &f->arena, &value, &err) != ARC_OK)
        return arc__slice_cstr("refused");
    arc__value_to_json(&value, &f->out);
    CHECK_INT(f->out.failed, ARC_OK);
    return arc__buf_slice(&f->out);
}

static void json_comes_back_sorted_and_without_blanks(void)
{
    static const char *const rows[][2] = {
        {"null", "null"},
        {" \t\r\n true \n", "true"},
        {"false", "false"},
        {"0", "0"},
        {"-0", "0"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775807", "9223372036854775807"},
        {"9223372036854775808", "9.223372036854776e+18"},
        {"1.0", "1.0"},
        {"-0.0", "-0.0"},
        {"0.1", "0.1"},
        {"1e2", "100.0"},
        {"1E+2", "100.0"},
        {"1.5e300", "1.5e+300"},
        {"5e-324", "5e-324"},
        {"1e-400", "0.0"},
        {"\"\"", "\"\""},
        {"\"a\\u00e4\\ud83d\\ude00\\n\\/\\\\\"", "\"a\xc3\xa4\xf0\x9f\x98\x80\\n/\\\\\""},
        {"\"\\b\\f\\r\\t\\\"\"", "\"\\b\\f\\r\\t\\\"\""},
        {"\"\\uFFFF\\u0001\\u0800\\u07ff\"", "\"\xef\xbf\xbf\\u0001\xe0\xa0\x80\xdf\xbf\""},
        {"[]", "[]"},
        {"{}", "{}"},
        {"[ ]", "[]"},
        {"[1, [2, []], {}]", "[1,[2,[]],{}]"},
        {"{\"b\": 1, \"a\": {\"d\": [true], \"c\": null}}",
         "{\"a\":{\"c\":null,\"d\":[true]},\"b\":1}"},
        {"{\"\": 1, \"a\": 2, \"aa\": 3, \"B\": 4}", "{\"\":1,\"B\":4,\"a\":2,\"aa\":3}"},
    };
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++)
        CHECK_TEXT(again(&f, arc__slice_cstr(rows[i][0])), rows[i][1]);
    fixture_close(&f);
}

static void what_is_not_json_is_refused_with_its_place(void)
{
    static const struct {
        const char *json;
        uint32_t line, column;
        const char *message;
    } rows[] = {
        {"", 1, 1, "A value is missing at the end."},
        {" ", 1, 2, "A value is missing at the end."},
        {"nul", 1, 1, "This is no value."},
        {"True", 1, 1, "This is no value."},
        {"'a'", 1, 1, "This is no value."},
        {"NaN", 1, 1, "This is no value."},
        {"+1", 1, 1, "This is no value."},
        {".5", 1, 1, "This is no value."},
        {"01", 1, 1, "A number may not begin with 0."},
        {"-", 1, 1, "A minus needs a number after it."},
        {"1.", 1, 3, "A digit must follow the point."},
        {"1e", 1, 3, "A digit must follow the exponent's sign."},
        {"1e+", 1, 4, "A digit must follow the exponent's sign."},
        {"1e999", 1, 1, "The number is too large."},
        {"1 2", 1, 3, "There is more than one value."},
        {"nullnull", 1, 5, "There is more than one value."},
        {"[1,]", 1, 4, "This is no value."},
        {"[1 2]", 1, 4, "A comma or ] is missing."},
        {"[1}", 1, 3, "A comma or ] is missing."},
        {"[", 1, 2, "A value is missing at the end."},
        {"[1", 1, 3, "A comma or ] is missing."},
        {"]", 1, 1, "This is no value."},
        {"{,}", 1, 2, "A key in quotes is missing."},
        {"{\"a\"}", 1, 5, "A colon must follow the key."},
        {"{\"a\":}", 1, 6, "This is no value."},
        {"{\"a\":1,}", 1, 8, "A key in quotes is missing."},
        {"{a:1}", 1, 2, "A key in quotes is missing."},
        {"{\"a\":1", 1, 7, "A comma or } is missing."},
        {"{\"a\":1,\n \"b\":2, \"a\":3}", 2, 9, "The key stands twice in one object."},
        {"{\"a\":1,\"\\u0061\":2}", 1, 8, "The key stands twice in one object."},
        {"\"a", 1, 1, "The text has no closing quote."},
        {"\"a\\", 1, 3, "The escape is none of JSON's."},
        {"\"\\x41\"", 1, 3, "The escape is none of JSON's."},
        {"\"\\u12g4\"", 1, 2, "Four hex digits must follow \\u."},
        {"\"\\u12", 1, 2, "Four hex digits must follow \\u."},
        {"\"\\ud800\"", 1, 2, "The escape is half of a character without its second half."},
        {"\"\\ud800\\u0041\"", 1, 2, "The escape is half of a character without its second half."},
        {"\"\\ude00\"", 1, 2, "The escape is the second half of a character without its first."},
        {"\"\\u0000\"", 1, 2, "A text may not contain a NUL."},
        {"\"a\nb\"", 1, 3, "A control character in a text must be escaped."},
        {"[1,\n \"\xff\"]", 2, 3, "The text is not UTF-8."},
    };
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_value value = arc__value_int(7);
        arc_err err = ARC_ERR_INIT;
        CHECK_STATUS(
            arc__value_from_json(arc__slice_cstr(rows[i].json), 64, &f.arena, &value, &err),
            ARC_EINVAL);
        CHECK_INT(err.line, rows[i].line);
        CHECK_INT(err.column, rows[i].column);
        CHECK_TEXT(arc__slice_cstr(err.message), rows[i].message);
        CHECK_INT(value.as.integer, 7);
    }
    struct arc_value value;
    CHECK_STATUS(arc__value_from_json(arc__slice("[\0]", 3), 64, &f.arena, &value, NULL),
                 ARC_EINVAL);
    fixture_close(&f);
}

static arc_status read_nested(struct fixture *f, uint32_t levels, uint32_t depth, char open)
{
    char text[2000];
    size_t len = 0;
    struct arc_value value;
    for (uint32_t i = 0; i < levels; i++) {
        text[len++] = open;
        if (open == '{' && i + 1 < levels) {
            memcpy(text + len, "\"k\":", 4);
            len += 4;
        }
    }
    memset(text + len, open == '{' ? '}' : ']', levels);
    return arc__value_from_json(arc__slice(text, len + levels), depth, &f->arena, &value, NULL);
}

static void depth_is_bounded_at_its_last_level(void)
{
    struct fixture f;
    fixture_open(&f);
    CHECK_OK(read_nested(&f, 3, 3, '['));
    CHECK_STATUS(read_nested(&f, 4, 3, '['), ARC_ELIMIT);
    CHECK_OK(read_nested(&f, 64, 64, '{'));
    CHECK_STATUS(read_nested(&f, 65, 64, '{'), ARC_ELIMIT);
    CHECK_OK(read_nested(&f, ARC_VALUE_DEPTH_MAX, 1000, '['));
    CHECK_STATUS(read_nested(&f, ARC_VALUE_DEPTH_MAX + 1, 1000, '['), ARC_ELIMIT);
    struct arc_value scalar;
    CHECK_OK(arc__value_from_json(ARC_LIT("1"), 0, &f.arena, &scalar, NULL));
    fixture_close(&f);
}

/* Deeper than any reader makes them. */
static struct arc_value nest(struct fixture *f, uint32_t levels)
{
    struct arc_value value = arc__value_int(1);
    for (uint32_t i = 0; i < levels; i++) {
        struct arc_value *item = ARC_ARENA_NEW(&f->arena, struct arc_value);
        *item = value;
        value = (struct arc_value){ARC_VALUE_LIST, 1, {.items = item}};
    }
    return value;
}

static void values_that_are_too_deep_are_let_go(void)
{
    struct fixture f;
    fixture_open(&f);
    struct arc_value fits = nest(&f, ARC_VALUE_DEPTH_MAX), deep = nest(&f, ARC_VALUE_DEPTH_MAX + 1);
    CHECK(arc__value_equal(&fits, &fits));
    CHECK(!arc__value_equal(&deep, &deep));
    CHECK_INT(arc__value_copy(&f.arena, &fits).kind, ARC_VALUE_LIST);
    CHECK_INT(arc__value_copy(&f.arena, &deep).kind, ARC_VALUE_UNKNOWN);
    arc__value_to_json(&fits, &f.out);
    CHECK_INT(f.out.failed, ARC_OK);
    CHECK_INT(f.out.len, 2 * ARC_VALUE_DEPTH_MAX + 1);
    arc__value_to_json(&deep, &f.out);
    CHECK_INT(f.out.failed, ARC_ELIMIT);
    fixture_close(&f);
}

static void texts_show_values_as_a_template_does(void)
{
    struct arc_value items[] = {arc__value_text(ARC_LIT("a\"")), arc__value_int(2)};
    const struct {
        struct arc_value value;
        const char *text, *json;
    } rows[] = {
        {ARC_VALUE_OF_NULL, "", "null"},
        {ARC_VALUE_OF_UNKNOWN, "", "null"},
        {arc__value_bool(7), "true", "true"},
        {arc__value_bool(0), "false", "false"},
        {arc__value_int(-5), "-5", "-5"},
        {{ARC_VALUE_FLOAT, 0, {.real = 2.5}}, "2.5", "2.5"},
        {{ARC_VALUE_FLOAT, 0, {.real = 3}}, "3.0", "3.0"},
        {{ARC_VALUE_FLOAT, 0, {.real = INFINITY}}, "null", "null"},
        {arc__value_text(ARC_LIT("a\"b")), "a\"b", "\"a\\\"b\""},
        {arc__value_text(ARC_NONE), "", "\"\""},
        {{ARC_VALUE_DURATION, 0, {.integer = INT64_C(5400000000000)}}, "1h30m", "\"1h30m\""},
        {{ARC_VALUE_TIME, 0, {.integer = 0}},
         "1970-01-01T00:00:00.000Z",
         "\"1970-01-01T00:00:00.000Z\""},
        {{ARC_VALUE_LIST, 2, {.items = items}}, "[\"a\\\"\",2]", "[\"a\\\"\",2]"},
    };
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        arc__buf_clear(&f.out);
        arc__value_to_text(&rows[i].value, &f.out);
        CHECK_TEXT(arc__buf_slice(&f.out), rows[i].text);
        arc__buf_clear(&f.out);
        arc__value_to_json(&rows[i].value, &f.out);
        CHECK_TEXT(arc__buf_slice(&f.out), rows[i].json);
    }
    const struct arc_value times[] = {{ARC_VALUE_DURATION, 0, {.integer = 0}},
                                      {ARC_VALUE_TIME, 0, {.integer = 1}}};
    const struct arc_value list = {ARC_VALUE_LIST, 2, {.items = times}};
    arc__buf_clear(&f.out);
    arc__value_to_json(&list, &f.out);
    CHECK_TEXT(arc__buf_slice(&f.out), "[\"0\",\"1970-01-01T00:00:00.000Z\"]");
    fixture_close(&f);
}

static struct arc_value real_value(double real)
{
    return (struct arc_value){ARC_VALUE_FLOAT, 0, {.real = real}};
}

static void numbers_compare_without_rounding(void)
{
    const struct {
        int64_t integer;
        double real;
        int order;
    } rows[] = {
        {1, 1.0, 0},
        {1, 1.5, -1},
        {2, 1.5, 1},
        {-1, -1.5, 1},
        {-2, -1.5, -1},
        {0, -0.0, 0},
        {INT64_C(9007199254740993), 9007199254740992.0, 1},
        {INT64_MAX, 9223372036854775808.0, -1},
        {INT64_MIN, -9223372036854775808.0, 0},
        {INT64_MIN, -1e300, 1},
        {INT64_MAX, 1e300, -1},
        {INT64_MAX, INFINITY, -1},
        {INT64_MIN, -INFINITY, 1},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_value a = arc__value_int(rows[i].integer), b = real_value(rows[i].real);
        CHECK_INT(arc__value_compare_numbers(&a, &b), rows[i].order);
        CHECK_INT(arc__value_compare_numbers(&b, &a), -rows[i].order);
        CHECK_INT(arc__value_equal(&a, &b), rows[i].order == 0);
    }
    struct arc_value none = real_value(NAN), one = arc__value_int(1);
    CHECK(!arc__value_equal(&none, &one));
}

static void values_of_other_kinds_are_not_equal(void)
{
    static const char *const jsons[] = {"null",      "false",     "true",  "0",     "1",
                                        "\"\"",      "\"1\"",     "[]",    "{}",    "[1]",
                                        "[[]]",      "[1,2]",     "[2,1]", "[1,3]", "{\"a\":1}",
                                        "{\"a\":2}", "{\"b\":1}", "\"a\"", "[{}]",  "[null]"};
    struct arc_value values[ARC_COUNT_OF(jsons)];
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(jsons); i++)
        CHECK_OK(arc__value_from_json(arc__slice_cstr(jsons[i]), 64, &f.arena, &values[i], NULL));
    for (size_t i = 0; i < ARC_COUNT_OF(jsons); i++) {
        struct arc_value copy = arc__value_copy(&f.arena, &values[i]);
        for (size_t k = 0; k < ARC_COUNT_OF(jsons); k++)
            CHECK_INT(arc__value_equal(&copy, &values[k]), i == k);
    }
    struct arc_value unknown = ARC_VALUE_OF_UNKNOWN;
    struct arc_value hour = {ARC_VALUE_DURATION, 0, {.integer = 1}}, one = arc__value_int(1);
    CHECK(!arc__value_equal(&unknown, &unknown));
    CHECK(!arc__value_equal(&hour, &one));
    fixture_close(&f);
}

static void a_copy_borrows_nothing(void)
{
    struct fixture f, g;
    struct arc_value value;
    fixture_open(&f);
    fixture_open(&g);
    char json[] = "{\"k\":[\"text\",{\"inner\":\"v\"},[]],\"l\":\"\"}";
    CHECK_OK(arc__value_from_json(arc__slice_cstr(json), 64, &f.arena, &value, NULL));
    memset(json, 'x', sizeof(json));
    struct arc_value copy = arc__value_copy(&g.arena, &value);
    fixture_close(&f); /* under a sanitizer whatever is still borrowed is seen now */
    arc__value_to_json(&copy, &g.out);
    CHECK_TEXT(arc__buf_slice(&g.out), "{\"k\":[\"text\",{\"inner\":\"v\"},[]],\"l\":\"\"}");
    fixture_close(&g);
}

static void the_later_of_two_members_wins(void)
{
    struct arc_member members[200];
    struct fixture f;
    fixture_open(&f);
    for (uint32_t i = 0; i < 200; i++)
        members[i] = (struct arc_member){arc__arena_printf(&f.arena, "k%02u", 99 - i * 7 % 100),
                                         arc__value_int(i)};
    struct arc_value map = arc__value_map(members, 200);
    CHECK_INT(map.count, 100);
    for (uint32_t i = 0; i < 200; i++) {
        const struct arc_value *got =
            arc__value_get(&map, arc__arena_printf(&f.arena, "k%02u", 99 - i * 7 % 100));
        CHECK(got != NULL && got->kind == ARC_VALUE_INT && got->as.integer == i % 100 + 100);
    }
    CHECK(arc__value_get(&map, ARC_LIT("k")) == NULL);
    CHECK(arc__value_get(&map, ARC_LIT("k991")) == NULL);
    struct arc_value text = arc__value_text(ARC_LIT("k00"));
    CHECK(arc__value_get(&text, ARC_LIT("k00")) == NULL);
    CHECK_INT(arc__value_map(NULL, 0).count, 0);
    fixture_close(&f);
}

static void each_kind_has_a_name_for_messages(void)
{
    for (uint32_t kind = ARC_VALUE_NULL; kind <= ARC_VALUE_UNKNOWN; kind++) {
        for (uint32_t other = ARC_VALUE_NULL; other < kind; other++)
            CHECK(strcmp(arc__value_kind_name(kind), arc__value_kind_name(other)) != 0);
    }
    CHECK_TEXT(arc__slice_cstr(arc__value_kind_name(ARC_VALUE_LIST)), "a list");
}

/* Every text of up to four of these bytes: reading ends, and what is read comes back the same. */
static void short_texts_of_all_kinds_end_and_come_back(void)
{
    static const char bytes[] = "[]{}\",:1-0.eun\\ \xc3\xa4";
    const size_t base = sizeof(bytes) - 1;
    struct fixture f;
    size_t taken = 0;
    fixture_open(&f);
    for (size_t n = 0; n < base * base * base * base; n++) {
        char text[4];
        struct arc_value value, back;
        for (size_t i = 0, left = n; i < 4; i++, left /= base)
            text[i] = bytes[left % base];
        if (arc__value_from_json(arc__slice(text, 4), 64, &f.arena, &value, NULL) == ARC_OK) {
            taken++;
            arc__buf_clear(&f.out);
            arc__value_to_json(&value, &f.out);
            CHECK_OK(arc__value_from_json(arc__buf_slice(&f.out), 64, &f.arena, &back, NULL));
            CHECK(arc__value_equal(&value, &back));
        }
        arc__arena_reset(&f.arena);
    }
    CHECK(taken > 100);
    fixture_close(&f);
}

static int read_copy_and_write(struct test_mem *state)
{
    static const char json[] = "{\"b\":[1,2.5,\"\\u00e4\",[],{}],\"a\":{\"c\":[[[true]]],\"d\":"
                               "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}}";
    struct arc_mem mem = test_mem(state);
    struct arc_arena arena;
    struct arc_buf out;
    struct arc_value value = arc__value_int(7), copy;
    arc_err err = ARC_ERR_INIT;
    int well = 0;
    arc__arena_init(&arena, &mem, 1 << 20);
    arc__buf_init(&out, &mem, 1 << 20);
    arc_status status = arc__value_from_json(arc__slice_cstr(json), 64, &arena, &value, &err);
    if (status == ARC_OK) {
        copy = arc__value_copy(&arena, &value);
        CHECK_INT(copy.kind == ARC_VALUE_UNKNOWN, arena.failed);
        arc__value_to_json(&copy, &out);
        well = copy.kind == ARC_VALUE_MAP && out.failed == ARC_OK;
        if (well)
            CHECK(arc__value_equal(&value, &copy));
    } else {
        CHECK_INT(status, ARC_ENOMEM);
        CHECK_INT(value.as.integer, 7);
    }
    arc__buf_deinit(&out);
    arc__arena_deinit(&arena);
    return well;
}

static void memory_may_be_out_at_every_step(void)
{
    test_torture(read_copy_and_write, 0, 100);
    test_torture(read_copy_and_write, 1, 100);
}

static const struct test tests[] = {
    {"JSON comes back sorted and without blanks", json_comes_back_sorted_and_without_blanks},
    {"what is not JSON is refused with its place", what_is_not_json_is_refused_with_its_place},
    {"depth is bounded at its last level", depth_is_bounded_at_its_last_level},
    {"values that are too deep are let go", values_that_are_too_deep_are_let_go},
    {"texts show values as a template does", texts_show_values_as_a_template_does},
    {"ints and floats compare without rounding", numbers_compare_without_rounding},
    {"values of other kinds are not equal", values_of_other_kinds_are_not_equal},
    {"a copy of a value borrows nothing", a_copy_borrows_nothing},
    {"the later of two members of one key wins", the_later_of_two_members_wins},
    {"each kind of value has a name for messages", each_kind_has_a_name_for_messages},
    {"short texts of all kinds end and come back", short_texts_of_all_kinds_end_and_come_back},
    {"reading and copying survive failing memory", memory_may_be_out_at_every_step},
};

TEST_MAIN(tests)
