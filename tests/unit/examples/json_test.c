/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"

#include <string.h>

#include "shim.h"

static void a_message_is_read_by_names(void)
{
    static const char bytes[] =
        "{\"a\":{\"fence\":18446744073709551615,\"n\":-5,\"yes\":true,\"t\":\"x\"},"
        "\"list\":[1,\"two\"],\"asText\":\"42\",\"none\":null}";
    const json_node *root = json_parse(bytes, strlen(bytes), NULL, 0);
    const json_node *a = json_get(root, "a"), *list = json_get(root, "list");
    CHECK(json_get_uint(a, "fence") == UINT64_MAX);
    CHECK_INT(json_get_int(a, "n"), -5);
    CHECK_INT(json_get_bool(a, "yes"), 1);
    CHECK_TEXT(arc__slice_cstr(json_get_text(a, "t")), "x");
    CHECK_INT(json_get_int(root, "asText"), 42);
    CHECK_INT(json_count(list), 2);
    CHECK_TEXT(arc__slice_cstr(json_text(json_at(list, 1))), "two");
    CHECK_TEXT(arc__slice_cstr(json_key_at(a, 1)), "n");
    json_free(root);
}

static void what_is_absent_reads_as_empty(void)
{
    const json_node *root = json_parse("{}", 2, NULL, 0);
    CHECK(json_get(json_get(root, "a"), "b") == NULL);
    CHECK_TEXT(arc__slice_cstr(json_get_text(json_get(root, "a"), "b")), "");
    CHECK_INT(json_get_int(NULL, "x"), 0);
    CHECK_INT(json_count(NULL), 0);
    CHECK(json_at(root, 0) == NULL);
    json_free(root);
    json_free(NULL);
}

static void what_is_no_json_is_refused(void)
{
    static const char *const rows[] = {"", "{", "{\"a\":}", "[1,]", "nul", "{} {}"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char why[128] = "";
        CHECK(json_parse(rows[i], strlen(rows[i]), why, sizeof(why)) == NULL);
        CHECK(why[0] != '\0' && strchr(why, '\n') == NULL);
    }
    CHECK(json_parse("{}\0{}", 5, NULL, 0) == NULL);
}

static void writing_places_commas_and_escapes(void)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "a\"", "x\n\x01\\");
    json_open(&json, "list", '[');
    json_put_int(&json, NULL, -1);
    json_put_bool(&json, NULL, 1);
    json_open(&json, NULL, '{');
    json_close(&json, '}');
    json_close(&json, ']');
    json_put_text(&json, "null", NULL);
    json_put_raw(&json, "raw", "[0]");
    json_close(&json, '}');
    CHECK_TEXT(arc__slice_cstr(text_get(&text)),
               "{\"a\\\"\":\"x\\n\\u0001\\\\\",\"list\":[-1,true,{}],\"null\":\"\",\"raw\":[0]}");
    text_deinit(&text);
}

static void broken_utf8_is_replaced(void)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    json_put_text(&json, NULL, "a\xC3\xA4\xFF\xC0\xAF\xED\xA0\x80z");
    CHECK_TEXT(arc__slice_cstr(text_get(&text)),
               "\"a\xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
               "\xEF\xBF\xBDz\"");
    text_deinit(&text);
}

static void bytes_are_written_as_base64(void)
{
    static const struct {
        const char *bytes, *text;
    } rows[] = {{"", "\"\""},        {"f", "\"Zg==\""},        {"fo", "\"Zm8=\""},
                {"foo", "\"Zm9v\""}, {"foob", "\"Zm9vYg==\""}, {"\xFF\xFE", "\"//4=\""}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct text text = {NULL, 0, 0};
        struct json_out json = {&text, 0};
        json_put_base64(&json, NULL, rows[i].bytes, strlen(rows[i].bytes));
        CHECK_TEXT(arc__slice_cstr(text_get(&text)), rows[i].text);
        text_deinit(&text);
    }
}

static const struct test tests[] = {
    {"a message is read by its names, 64 bits whole", a_message_is_read_by_names},
    {"what is absent reads as empty", what_is_absent_reads_as_empty},
    {"what is no JSON is refused with one line", what_is_no_json_is_refused},
    {"writing places commas and escapes", writing_places_commas_and_escapes},
    {"bytes that are not UTF-8 are replaced when written", broken_utf8_is_replaced},
    {"bytes are written as base64", bytes_are_written_as_base64},
};
TEST_MAIN(tests)
