/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "shim.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static struct arc_buf open_buf(struct test_mem *state, size_t max_bytes)
{
    struct arc_mem mem = test_mem(state);
    struct arc_buf buf;
    arc__buf_init(&buf, &mem, max_bytes);
    return buf;
}

static void write_sample(struct arc_json *json)
{
    arc__json_object(json);
    arc__json_key_text(json, "name", ARC_LIT("build"));
    arc__json_key(json, ARC_LIT("empty"));
    arc__json_object(json);
    arc__json_end_object(json);
    arc__json_key(json, ARC_LIT("steps"));
    arc__json_array(json);
    arc__json_object(json);
    arc__json_key_i64(json, "exitCode", -1);
    arc__json_key_bool(json, "ok", 0);
    arc__json_end_object(json);
    arc__json_array(json);
    arc__json_end_array(json);
    arc__json_null(json);
    arc__json_bool(json, 2);
    arc__json_u64(json, UINT64_MAX);
    arc__json_i64(json, INT64_MIN);
    arc__json_double(json, 1.5);
    arc__json_raw(json, ARC_LIT("{\"a\":1}"));
    arc__json_raw(json, ARC_NONE);
    arc__json_text(json, ARC_NONE);
    arc__json_end_array(json);
    arc__json_key_bool(json, "last", 1);
    arc__json_end_object(json);
}

static const char sample[] =
    "{\"name\":\"build\",\"empty\":{},\"steps\":[{\"exitCode\":-1,\"ok\":false},[],null,true,"
    "18446744073709551615,-9223372036854775808,1.5,{\"a\":1},null,\"\"],\"last\":true}";

static void commas_stand_where_they_are_due(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 10000);
    struct arc_json json;
    arc__json_init(&json, &buf);
    write_sample(&json);
    CHECK_TEXT(arc__buf_slice(&buf), sample);
    CHECK_INT(json.depth, 0);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void nesting_goes_to_its_limit_and_no_deeper(void)
{
    for (size_t depth = 1; depth <= ARC_JSON_DEPTH_MAX + 2; depth++) {
        struct test_mem state = {0};
        struct arc_buf buf = open_buf(&state, 10000);
        struct arc_json json;
        arc__json_init(&json, &buf);
        for (size_t i = 0; i < depth; i++) {
            arc__json_array(&json);
            arc__json_bool(&json, 1);
        }
        for (size_t i = 0; i < depth; i++)
            arc__json_end_array(&json);
        if (depth > ARC_JSON_DEPTH_MAX) {
            CHECK_STATUS(arc__buf_check(&buf, NULL), ARC_ELIMIT);
        } else {
            CHECK_OK(arc__buf_check(&buf, NULL));
            CHECK_INT(buf.len, depth * 7 - 1); /* "[true," and "]", less the last comma */
            CHECK_INT(json.depth, 0);
        }
        arc__buf_deinit(&buf);
        CHECK_INT(state.live, 0);
    }
}

static arc_slice quoted(struct arc_buf *buf, arc_slice text)
{
    struct arc_json json;
    arc__buf_clear(buf);
    arc__json_init(&json, buf);
    arc__json_text(&json, text);
    return arc__buf_slice(buf);
}

static void special_characters_are_escaped(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 10000);
    CHECK_TEXT(quoted(&buf, ARC_LIT("a\"b\\c/d")), "\"a\\\"b\\\\c/d\"");
    CHECK_TEXT(quoted(&buf, ARC_LIT("\b\f\n\r\t\x01\x1F\x7F")),
               "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\"");
    CHECK_TEXT(quoted(&buf, ARC_LIT("a\0b")), "\"a\\u0000b\"");
    CHECK_TEXT(quoted(&buf, ARC_LIT("\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80")),
               "\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"");
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void bytes_that_are_not_utf8_become_replacements(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 10000);
    CHECK_TEXT(quoted(&buf, ARC_LIT("\xFF")), "\"\xEF\xBF\xBD\"");
    CHECK_TEXT(quoted(&buf, ARC_LIT("a\xC0\xAF"
                                    "b\xE2\x82")),
               "\"a\xEF\xBF\xBD\xEF\xBF\xBD"
               "b\xEF\xBF\xBD\"");
    CHECK_TEXT(quoted(&buf, ARC_LIT("\xE2\x82\"\n")), "\"\xEF\xBF\xBD\\\"\\n\"");
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

/* Reads a quoted text back, knowing only what RFC 8259 says. -1: not a JSON text. */
static int unquote(arc_slice text, char *out)
{
    size_t len = 0;
    if (text.len < 2 || text.ptr[0] != '"' || text.ptr[text.len - 1] != '"')
        return -1;
    for (size_t i = 1; i < text.len - 1; i++) {
        static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
        char c = text.ptr[i];
        if ((unsigned char)c < 0x20 || c == '"')
            return -1;
        if (c == '\\') {
            c = text.ptr[++i];
            const char *letter = c != '\0' ? strchr(letters, c) : NULL;
            if (c == 'u') {
                char digits[5] = "";
                memcpy(digits, text.ptr + i + 1, 4);
                c = (char)strtol(digits, NULL, 16);
                i += 4;
            } else if (letter != NULL) {
                c = meanings[letter - letters];
            } else {
                return -1;
            }
        }
        out[len++] = c;
    }
    return (int)len;
}

static void every_text_reads_back_wherever_a_special_byte_stands(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 10000);
    unsigned wrong = 0;
    /* Two special bytes anywhere in a run, for the eight-at-a-time path. */
    for (unsigned byte = 0; byte < 128; byte++) {
        for (size_t at = 0; at < 20; at++) {
            for (size_t len = at + 1; len < 28; len++) {
                char text[32], back[32];
                memset(text, 'x', sizeof(text));
                text[at] = (char)byte;
                text[len - 1] = (char)byte;
                arc_slice got = quoted(&buf, arc__slice(text, len));
                int back_len = got.len <= 200 ? unquote(got, memset(back, 0, 32)) : -1;
                wrong += back_len != (int)len || memcmp(back, text, len) != 0;
            }
        }
    }
    CHECK_INT(wrong, 0);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void random_bytes_always_make_valid_utf8(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 10000);
    uint64_t seed = 99;
    unsigned wrong = 0;
    for (int round = 0; round < 20000; round++) {
        static const char pieces[][5] = {"a",    "\"",   "\xC3",     "\xA9", "\xE2\x82", "\xAC",
                                         "\xF0", "\x9F", "\x98\x80", "\xED", "\xA0",     "\n"};
        char text[64] = "", back[256];
        for (int i = 0; i < 12; i++) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            memcpy(text + strlen(text), pieces[(seed >> 33) % ARC_COUNT_OF(pieces)], 5);
        }
        struct test_mem other = {0};
        struct arc_buf repaired = open_buf(&other, 10000);
        (void)arc__utf8_repair(&repaired, arc__slice_cstr(text));
        arc_slice got = quoted(&buf, arc__slice_cstr(text));
        int len = unquote(got, back);
        wrong += len < 0 || !arc__utf8_valid(got, NULL);
        wrong +=
            len >= 0 && !arc__slice_equal(arc__slice(back, (size_t)len), arc__buf_slice(&repaired));
        arc__buf_deinit(&repaired);
    }
    CHECK_INT(wrong, 0);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static const char *number(struct arc_buf *buf, double value)
{
    struct arc_json json;
    arc__buf_clear(buf);
    arc__json_init(&json, buf);
    arc__json_double(&json, value);
    return buf->ptr;
}

static void doubles_are_short_and_read_back(void)
{
    static const struct {
        double value;
        const char *text;
    } known[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e21, "1e+21"},
        {100000, "100000"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {1.0 / 3, "0.3333333333333333"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
        {NAN, "null"},
    };
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 100);
    for (size_t i = 0; i < ARC_COUNT_OF(known); i++)
        CHECK_TEXT(arc__slice_cstr(number(&buf, known[i].value)), known[i].text);
    uint64_t seed = 1;
    unsigned wrong = 0;
    for (int i = 0; i < 20000; i++) {
        double value = 0;
        seed = seed * 6364136223846793005 + 1442695040888963407;
        uint64_t bits = seed ^ seed >> 31;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        double back = strtod(number(&buf, value), NULL);
        wrong += memcmp(&back, &value, sizeof(value)) != 0;
    }
    CHECK_INT(wrong, 0);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void a_value_that_has_no_number_still_gets_its_comma(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 100);
    struct arc_json json;
    arc__json_init(&json, &buf);
    arc__json_array(&json);
    arc__json_double(&json, NAN);
    arc__json_double(&json, 2);
    arc__json_raw(&json, ARC_NONE);
    arc__json_end_array(&json);
    CHECK_TEXT(arc__buf_slice(&buf), "[null,2,null]");
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void a_full_buffer_holds_a_true_prefix(void)
{
    for (size_t max = 0; max <= sizeof(sample); max++) {
        struct test_mem state = {0};
        struct arc_buf buf = open_buf(&state, max);
        struct arc_json json;
        arc__json_init(&json, &buf);
        write_sample(&json);
        CHECK_STATUS(arc__buf_check(&buf, NULL), max >= sizeof(sample) - 1 ? ARC_OK : ARC_ELIMIT);
        CHECK(buf.len <= max && (buf.len == 0 || memcmp(buf.ptr, sample, buf.len) == 0));
        arc__buf_deinit(&buf);
        CHECK_INT(state.live, 0);
    }
}

static void writing_fails_cleanly_without_memory(void)
{
    int failed = 1;
    for (uint64_t n = 1; failed; n++) {
        struct test_mem state = {.fail_at = n};
        struct arc_buf buf = open_buf(&state, 10000);
        struct arc_json json;
        arc__json_init(&json, &buf);
        write_sample(&json);
        failed = state.calls >= n;
        CHECK_STATUS(arc__buf_check(&buf, NULL), failed ? ARC_ENOMEM : ARC_OK);
        arc__buf_deinit(&buf);
        CHECK_INT(state.live, 0);
    }
}

/* Every byte at every place of short texts, and of two words with something left over. */
static void a_text_is_plain_where_it_needs_no_escape(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 10000);
    char text[20];
    int wrong = 0;
    for (size_t len = 0; len <= sizeof(text); len++) {
        memset(text, 'a', sizeof(text));
        CHECK_INT(arc__json_is_plain(arc__slice(text, len)), 1);
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                text[at] = (char)byte;
                arc_slice is = quoted(&buf, arc__slice(text, len));
                int same = is.len == len + 2 && memcmp(is.ptr + 1, text, len) == 0 && byte < 0x80;
                wrong += arc__json_is_plain(arc__slice(text, len)) != same;
            }
            text[at] = 'a';
        }
    }
    CHECK_INT(wrong, 0);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void an_object_goes_on_from_pairs_that_are_there(void)
{
    static const char ready[] = ",\"a\":1,\"b\":\"c\"";
    struct test_mem state = {0};
    for (int any = 0; any < 2; any++) {
        struct arc_buf buf = open_buf(&state, 10000);
        struct arc_json json;
        arc__json_init(&json, &buf);
        char *at = arc__buf_reserve(&buf, sizeof(ready));
        memcpy(at, ready, sizeof(ready) - 1);
        arc__json_object_of(&json, any ? at + sizeof(ready) - 1 : at);
        arc__json_key_i64(&json, "d", 2);
        arc__json_end_object(&json);
        CHECK_TEXT(arc__buf_slice(&buf), any ? "{\"a\":1,\"b\":\"c\",\"d\":2}" : "{\"d\":2}");
        CHECK_INT(json.depth, 0);
        arc__buf_deinit(&buf);
    }
    CHECK_INT(state.live, 0);
}

static const struct test tests[] = {
    {"commas stand where they are due", commas_stand_where_they_are_due},
    {"JSON nesting goes to its limit and no deeper", nesting_goes_to_its_limit_and_no_deeper},
    {"special characters are escaped", special_characters_are_escaped},
    {"bytes that are not UTF-8 become replacements", bytes_that_are_not_utf8_become_replacements},
    {"every text reads back wherever a special byte stands",
     every_text_reads_back_wherever_a_special_byte_stands},
    {"random bytes always make valid UTF-8", random_bytes_always_make_valid_utf8},
    {"doubles are short and read back", doubles_are_short_and_read_back},
    {"a value that has no number still gets its comma",
     a_value_that_has_no_number_still_gets_its_comma},
    {"a full buffer holds a true prefix of the JSON", a_full_buffer_holds_a_true_prefix},
    {"a text is plain where it needs no escape", a_text_is_plain_where_it_needs_no_escape},
    {"an object goes on from pairs that are there", an_object_goes_on_from_pairs_that_are_there},
    {"writing JSON fails cleanly without memory", writing_fails_cleanly_without_memory},
};
TEST_MAIN(tests)
