/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arc_buf open_buf(struct test_mem *state, size_t max_bytes)
{
    struct arc_mem mem = test_mem(state);
    struct arc_buf buf;
    arc__buf_init(&buf, &mem, max_bytes);
    return buf;
}

static struct arc_arena open_arena(struct test_mem *state, size_t max_bytes)
{
    struct arc_mem mem = test_mem(state);
    struct arc_arena arena;
    arc__arena_init(&arena, &mem, max_bytes);
    return arena;
}

static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* --- UTF-8 ---------------------------------------------------------------------------------- */

/* The rows of table 3-7 of the Unicode standard, and nothing else. */
static const unsigned char well_formed[][9] = {
    {1, 0x00, 0x7F},
    {2, 0xC2, 0xDF, 0x80, 0xBF},
    {3, 0xE0, 0xE0, 0xA0, 0xBF, 0x80, 0xBF},
    {3, 0xE1, 0xEC, 0x80, 0xBF, 0x80, 0xBF},
    {3, 0xED, 0xED, 0x80, 0x9F, 0x80, 0xBF},
    {3, 0xEE, 0xEF, 0x80, 0xBF, 0x80, 0xBF},
    {4, 0xF0, 0xF0, 0x90, 0xBF, 0x80, 0xBF, 0x80, 0xBF},
    {4, 0xF1, 0xF3, 0x80, 0xBF, 0x80, 0xBF, 0x80, 0xBF},
    {4, 0xF4, 0xF4, 0x80, 0x8F, 0x80, 0xBF, 0x80, 0xBF},
};

/* The length of the character at p by the table, or 0. */
static size_t table_length(const unsigned char *p, size_t len)
{
    for (size_t row = 0; row < ARC_COUNT_OF(well_formed); row++) {
        size_t need = well_formed[row][0], fit = 0;
        while (fit < need && fit < len && p[fit] >= well_formed[row][1 + 2 * fit] &&
               p[fit] <= well_formed[row][2 + 2 * fit])
            fit++;
        if (fit == need)
            return need;
    }
    return 0;
}

static size_t table_prefix(const unsigned char *p, size_t len)
{
    size_t at = 0;
    for (size_t one = 1; at < len && one != 0; at += one)
        one = table_length(p + at, len - at);
    return at;
}

/* 1: it disagrees with the table. */
static int disagrees(const unsigned char *bytes, size_t len)
{
    size_t want = table_prefix(bytes, len), bad_at = SIZE_MAX;
    int valid = arc__utf8_valid(arc__slice(bytes, len), &bad_at);
    return valid != (want == len) || bad_at != (want == len ? SIZE_MAX : want);
}

static void all_sequences_of_three_bytes_agree_with_the_table(void)
{
    unsigned wrong = 0;
    for (unsigned number = 0; number < 1U << 24; number++) {
        const unsigned char bytes[3] = {(unsigned char)(number >> 16), (unsigned char)(number >> 8),
                                        (unsigned char)number};
        /* Shorter ones are those of a last byte 0. */
        wrong += (unsigned)disagrees(bytes, 3);
        if (bytes[2] == 0)
            wrong += (unsigned)disagrees(bytes, 2);
        if (bytes[1] == 0 && bytes[2] == 0)
            wrong += (unsigned)disagrees(bytes, 1);
    }
    CHECK_INT(wrong, 0);
    CHECK(arc__utf8_valid(ARC_NONE, NULL));
    CHECK(!arc__utf8_valid(ARC_LIT("\xFF"), NULL));
}

static void sequences_of_four_bytes_agree_with_the_table(void)
{
    unsigned wrong = 0;
    for (unsigned lead = 0xEE; lead <= 0xFF; lead++) {
        for (unsigned second = 0; second < 256; second++) {
            for (unsigned third = 0x70; third < 0xD0; third++) {
                for (unsigned fourth = 0x7E; fourth < 0xC2; fourth += 3) {
                    const unsigned char bytes[4] = {(unsigned char)lead, (unsigned char)second,
                                                    (unsigned char)third, (unsigned char)fourth};
                    wrong += (unsigned)disagrees(bytes, 4);
                }
            }
        }
    }
    CHECK_INT(wrong, 0);
}

static void a_bad_byte_is_found_at_every_offset(void)
{
    unsigned wrong = 0;
    for (size_t len = 1; len < 40; len++) {
        for (size_t at = 0; at < len; at++) {
            unsigned char bytes[40];
            memset(bytes, 'a', sizeof(bytes));
            bytes[at] = 0xC3; /* whole only where a continuation follows */
            wrong += (unsigned)disagrees(bytes, len);
            if (at + 1 < len)
                bytes[at + 1] = 0xA9;
            wrong += (unsigned)disagrees(bytes, len);
            bytes[at] = 0x80;
            wrong += (unsigned)disagrees(bytes, len);
        }
    }
    CHECK_INT(wrong, 0);
}

static void a_prefix_never_cuts_a_character(void)
{
    arc_slice text = ARC_LIT("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"); /* 1 2 3 4 1 bytes */
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t max = 0; max < ARC_COUNT_OF(want); max++)
        CHECK_INT(arc__utf8_prefix(text, max), want[max]);
    CHECK_INT(arc__utf8_prefix(text, SIZE_MAX), 11);
    CHECK_INT(arc__utf8_prefix(ARC_LIT("ab\xFF"
                                       "cd"),
                               5),
              2);
    CHECK_INT(arc__utf8_prefix(ARC_NONE, 5), 0);
}

#define R "\xEF\xBF\xBD"

static void repair_replaces_each_bad_sequence_once(void)
{
    static const struct {
        const char *text, *want;
    } pairs[] = {
        {"", ""},
        {"plain", "plain"},
        {"\xFF", R},
        {"\xC0\xAF", R R},
        {"\xED\xA0\x80", R R R},
        {"\xE2\x82", R},
        {"\xE2\x82z", R "z"},
        {"\xF0\x9F\x98", R},
        {"\xF0\x9F\x98\xF0\x9F\x98\x80", R "\xF0\x9F\x98\x80"},
        {"\xF4\x90\x80\x80", R R R R},
        /* The standard's own example (table 3-8 and after). */
        {"a\xF1\x80\x80\xE1\x80\xC2"
         "b\x80"
         "c\x80\xBF"
         "d",
         "a" R R R "b" R "c" R R "d"},
    };
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 1000);
    for (size_t i = 0; i < ARC_COUNT_OF(pairs); i++) {
        arc__buf_clear(&buf);
        int replaced = arc__utf8_repair(&buf, arc__slice_cstr(pairs[i].text));
        CHECK_TEXT(arc__buf_slice(&buf), pairs[i].want);
        CHECK_INT(replaced, strcmp(pairs[i].text, pairs[i].want) != 0);
    }
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void repaired_bytes_are_always_valid(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 1000);
    uint64_t seed = 3;
    unsigned wrong = 0;
    for (int round = 0; round < 50000; round++) {
        static const unsigned char often[] = {'a',  0x80, 0x9F, 0xA0, 0xBF, 0xC2, 0xDF, 0xE0,
                                              0xE2, 0xED, 0xEF, 0xF0, 0xF3, 0xF4, 0xF5, 0x00};
        unsigned char bytes[16];
        size_t len = next_number(&seed) % 17;
        for (size_t i = 0; i < len; i++)
            bytes[i] = often[next_number(&seed) % sizeof(often)];
        arc_slice text = arc__slice(bytes, len);
        arc__buf_clear(&buf);
        int replaced = arc__utf8_repair(&buf, text);
        wrong += !arc__utf8_valid(arc__buf_slice(&buf), NULL);
        wrong += replaced == arc__utf8_valid(text, NULL);
        wrong += !replaced && !arc__slice_equal(arc__buf_slice(&buf), text);
    }
    CHECK_INT(wrong, 0);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

/* --- base64 and hex ------------------------------------------------------------------------- */

static void base64_vectors_hold_both_ways(void)
{
    static const char *const vectors[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 1000);
    struct arc_arena arena = open_arena(&state, 1000);
    for (size_t i = 0; i < ARC_COUNT_OF(vectors); i++) {
        arc_slice plain = arc__slice_cstr(vectors[i][0]), out = ARC_LIT("untouched");
        arc_slice text = arc__slice_cstr(vectors[i][1]);
        arc__buf_clear(&buf);
        arc__base64_add(&buf, plain, 1);
        CHECK_TEXT(arc__buf_slice(&buf), vectors[i][1]);
        CHECK_OK(arc__base64_decode(text, &arena, &out, NULL));
        CHECK_TEXT(out, vectors[i][0]);
        while (text.len > 0 && text.ptr[text.len - 1] == '=')
            text.len--;
        arc__buf_clear(&buf);
        arc__base64_add(&buf, plain, 0);
        CHECK(arc__slice_equal(arc__buf_slice(&buf), text));
        CHECK_OK(arc__base64_decode(text, &arena, &out, NULL));
        CHECK_TEXT(out, vectors[i][0]);
    }
    arc__buf_deinit(&buf);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void random_bytes_survive_base64_in_both_alphabets(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 10000);
    struct arc_arena arena = open_arena(&state, 100000);
    uint64_t seed = 5;
    for (size_t len = 0; len < 300; len++) {
        unsigned char bytes[300];
        arc_slice out = ARC_NONE;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)next_number(&seed);
        arc__buf_clear(&buf);
        arc__arena_reset(&arena);
        arc__base64_add(&buf, arc__slice(bytes, len), (int)(len % 2));
        CHECK_OK(arc__base64_decode(arc__buf_slice(&buf), &arena, &out, NULL));
        CHECK(arc__slice_equal(out, arc__slice(bytes, len)));
        for (size_t i = 0; i < buf.len; i++)
            buf.ptr[i] = buf.ptr[i] == '+' ? '-' : buf.ptr[i] == '/' ? '_' : buf.ptr[i];
        CHECK_OK(arc__base64_decode(arc__buf_slice(&buf), &arena, &out, NULL));
        CHECK(arc__slice_equal(out, arc__slice(bytes, len)));
    }
    arc__buf_deinit(&buf);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void what_is_not_base64_is_refused(void)
{
    static const char *const bad[] = {"A",     "A===", "=",      "==",         "====",   "Zg=",
                                      "Zg===", "Z=g=", "Zm9v=",  "Zm 8=",      "Zm8=\n", "Zm9*",
                                      "Zh==",  "Zm9=", "Zg==Zg", "\xC3\xA9==", "Zm9vA"};
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 1000);
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
        arc_slice out = ARC_LIT("untouched");
        arc_err err = ARC_ERR_INIT;
        CHECK_STATUS(arc__base64_decode(arc__slice_cstr(bad[i]), &arena, &out, &err), ARC_EINVAL);
        CHECK_TEXT(out, "untouched");
        CHECK_INT(err.status, ARC_EINVAL);
    }
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void hex_is_lower_case_and_two_digits_a_byte(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 10);
    arc__hex_add(&buf, ARC_NONE);
    arc__hex_add(&buf, arc__slice("\x00\x0F\xF0\xAB\xFF", 5));
    CHECK_TEXT(arc__buf_slice(&buf), "000ff0abff");
    arc__hex_add(&buf, ARC_LIT("x"));
    CHECK_STATUS(arc__buf_check(&buf, NULL), ARC_ELIMIT);
    CHECK_TEXT(arc__buf_slice(&buf), "000ff0abff");
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

/* --- percent -------------------------------------------------------------------------------- */

static void percent_escapes_survive_the_way_back(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state, 10000);
    struct arc_arena arena = open_arena(&state, 10000);
    char all[255];
    arc_slice out = ARC_NONE;
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)(unsigned char)(i + 1);
    arc__percent_add(&buf, arc__slice(all, sizeof(all)));
    CHECK_INT(buf.len, 66 + (255 - 66) * 3);
    CHECK_OK(arc__percent_decode(arc__buf_slice(&buf), &arena, &out, NULL));
    CHECK(arc__slice_equal(out, arc__slice(all, sizeof(all))));
    arc__buf_clear(&buf);
    arc__percent_add(&buf, ARC_LIT("aZ09-._~ /%\xC3\xA9"));
    CHECK_TEXT(arc__buf_slice(&buf), "aZ09-._~%20%2F%25%C3%A9");
    CHECK_OK(arc__percent_decode(ARC_LIT("a+b%2b%2B%25"), &arena, &out, NULL));
    CHECK_TEXT(out, "a+b++%");
    CHECK_OK(arc__percent_decode(ARC_NONE, &arena, &out, NULL));
    CHECK_INT(out.len, 0);
    arc__buf_deinit(&buf);
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
}

static void bad_escapes_and_nul_are_refused(void)
{
    static const arc_slice bad[] = {{"%", 1},    {"%2", 2},  {"a%", 2},    {"%zz", 3},  {"%2g", 3},
                                    {"%%20", 4}, {"%00", 3}, {"a%00b", 5}, {"a\0b", 3}, {"% 1", 3}};
    struct test_mem state = {0};
    struct arc_arena arena = open_arena(&state, 1000);
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
        arc_slice out = ARC_LIT("untouched");
        CHECK_STATUS(arc__percent_decode(bad[i], &arena, &out, NULL), ARC_EINVAL);
        CHECK_TEXT(out, "untouched");
    }
    CHECK_INT(state.calls, 0);
    arc__arena_deinit(&arena);
}

static void decoding_fails_cleanly_without_memory(void)
{
    struct test_mem state = {.fail_at = 1, .sticky = 1};
    struct arc_arena arena = open_arena(&state, 1000);
    arc_slice out = ARC_LIT("untouched");
    arc_err err = ARC_ERR_INIT;
    CHECK_STATUS(arc__base64_decode(ARC_LIT("Zm9v"), &arena, &out, &err), ARC_ENOMEM);
    CHECK_STATUS(arc__percent_decode(ARC_LIT("a%20b"), &arena, &out, &err), ARC_ENOMEM);
    CHECK_INT(err.status, ARC_ENOMEM);
    CHECK_TEXT(out, "untouched");
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
    for (uint64_t n = 1; n < 3; n++) {
        struct test_mem again = {.fail_at = n};
        struct arc_buf buf = open_buf(&again, 1000);
        arc__base64_add(&buf, ARC_LIT("0123456789012345678901234567890123456789"), 1);
        arc__hex_add(&buf, ARC_LIT("0123456789012345678901234567890123456789"));
        arc__percent_add(&buf, ARC_LIT("///////////////////////////////////"));
        (void)arc__utf8_repair(&buf, ARC_LIT("\xFF"));
        CHECK_STATUS(arc__buf_check(&buf, NULL), ARC_ENOMEM);
        arc__buf_deinit(&buf);
        CHECK_INT(again.live, 0);
    }
}

/* --- did you mean --------------------------------------------------------------------------- */

static void slips_find_the_word_that_was_meant(void)
{
    static const arc_slice words[] = {
        {"name", 4}, {"stages", 6}, {"jobs", 4},    {"steps", 5}, {"dependsOn", 9},
        {"when", 4}, {"env", 3},    {"timeout", 7}, {"run", 3},   {"queueTimeout", 12},
    };
    static const char *const slips[][2] = {
        {"stage", "stages"},
        {"job", "jobs"},
        {"dependOn", "dependsOn"},
        {"nmae", "name"},
        {"tiemout", "timeout"},
        {"Stages", "stages"},
        {"evn", "env"},
        {"TIMEOUT", "timeout"},
        {"dependson", "dependsOn"},
        {"steps", "steps"},
        {"depends_on", "dependsOn"},
        {"queuetimout", "queueTimeout"},
        {"xyz", ""},
        {"if", ""},
        {"", ""},
        {"timeoutSeconds", ""},
        {"q", ""},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(slips); i++) {
        arc_slice found = arc__nearest(arc__slice_cstr(slips[i][0]), words, ARC_COUNT_OF(words));
        CHECK_TEXT(found, slips[i][1]);
    }
    CHECK(arc__nearest(ARC_LIT("name"), words, 0).ptr == NULL);
}

static void the_nearest_word_wins_and_long_ones_are_not_words(void)
{
    static char longer[65];
    static const arc_slice words[] = {{"abcdef", 6}, {"abcxyf", 6}, {"abcdxf", 6}, {longer, 65}};
    CHECK_TEXT(arc__nearest(ARC_LIT("abcdxf"), words, 4), "abcdxf");
    CHECK_TEXT(arc__nearest(ARC_LIT("abcdyf"), words, 4), "abcdef"); /* the first of equals */
    memset(longer, 'a', sizeof(longer));
    CHECK(arc__nearest(arc__slice(longer, 65), words, 4).ptr == NULL);
    CHECK(arc__nearest(arc__slice(longer, 64), words, 4).ptr == NULL);
    const arc_slice most = {longer, 64};
    CHECK_INT(arc__nearest(arc__slice(longer, 64), &most, 1).len, 64);
}

static void numbers_are_read_whole_or_not_at_all(void)
{
    static const struct {
        const char *text;
        double want;
        int taken;
    } rows[] = {
        {"0", 0, 1},      {"12", 12, 1},         {"-1.5", -1.5, 1}, {"1e3", 1000, 1},
        {"2E-1", 0.2, 1}, {"0.1", 0.1, 1},       {"1e-999", 0, 1},  {"1e999", 0, 0},
        {"", 0, 0},       {"-", 0, 0},           {".5", 0, 0},      {"5.", 0, 0},
        {"1e", 0, 0},     {"1e+", 0, 0},         {"+1", 0, 0},      {"0x10", 0, 0},
        {"inf", 0, 0},    {"nan", 0, 0},         {"1 ", 0, 0},      {"1,5", 0, 0},
        {"1e+2", 100, 1}, {"00012.50", 12.5, 1},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        double got = 0;
        CHECK_INT(arc__text_to_double(arc__slice_cstr(rows[i].text), &got), rows[i].taken);
        CHECK(memcmp(&got, &rows[i].want, sizeof(got)) == 0);
    }
    char digits[502];
    double got = 0;
    memset(digits, '0', sizeof(digits));
    digits[1] = '.';
    CHECK(arc__text_to_double(arc__slice(digits, 500), &got));
    CHECK(!arc__text_to_double(arc__slice(digits, 501), &got));
}

/* Most are made by one division, without strtod. */
static void decimals_are_what_strtod_makes_of_them(void)
{
    uint64_t state = 42;
    for (int round = 0; round < 200000; round++) {
        char text[40];
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t digits = state >> (8 + state % 54), zeros = state >> 50 & 7;
        int len = snprintf(text, sizeof(text), "%s%.*s%llu", state >> 40 & 1 ? "-" : "", (int)zeros,
                           "0000000", (unsigned long long)digits);
        size_t first = text[0] == '-', dot = first + 1 + (state >> 20) % (size_t)(len - (int)first);
        if (dot < (size_t)len) {
            memmove(text + dot + 1, text + dot, (size_t)len - dot + 1);
            text[dot] = '.';
        }
        double got = 1, want = strtod(text, NULL);
        int same = arc__text_to_double(arc__slice_cstr(text), &got) &&
                   memcmp(&got, &want, sizeof(got)) == 0;
        if (!same)
            printf("# %s: %.17g, not %.17g\n", text, got, want);
        CHECK(same);
    }
}

static void characters_are_put_and_taken_one_by_one(void)
{
    size_t wrong = 0;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char bytes[4];
        size_t len = 0;
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        size_t put = arc__utf8_put(bytes, c);
        wrong += !arc__utf8_valid(arc__slice(bytes, put), NULL);
        wrong += arc__utf8_get(arc__slice(bytes, put), &len) != c || len != put;
        wrong += arc__utf8_count(arc__slice(bytes, put)) != 1;
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(arc__utf8_count(ARC_LIT("a\xc3\xa4\xf0\x9f\x98\x80")), 3);
    CHECK_INT(arc__utf8_count(ARC_NONE), 0);
}

/* One odd byte at each place of texts of each length around a word's. */
static void plain_texts_are_told_apart(void)
{
    static const unsigned char odd[] = {0x00, 0x80, 0xC3, 0xFF, 0x01, 0x7F};
    char text[60];
    for (size_t len = 0; len <= 50; len++) {
        memset(text, 'a', sizeof(text));
        text[len] = '\0'; /* behind it: nobody looks there */
        CHECK(arc__text_is_ascii(arc__slice(text, len)));
        for (size_t at = 0; at < len; at++) {
            for (size_t i = 0; i < ARC_COUNT_OF(odd); i++) {
                memset(text, 'a', len);
                text[at] = (char)odd[i];
                CHECK_INT(arc__text_is_ascii(arc__slice(text, len)), odd[i] > 0 && odd[i] < 0x80);
            }
        }
    }
    CHECK(arc__text_is_ascii(ARC_NONE));
}

static const struct test tests[] = {
    {"ASCII without NUL is told from all else", plain_texts_are_told_apart},
    {"all sequences of three bytes agree with Unicode's table",
     all_sequences_of_three_bytes_agree_with_the_table},
    {"sequences of four bytes agree with Unicode's table",
     sequences_of_four_bytes_agree_with_the_table},
    {"a bad byte is found at every offset", a_bad_byte_is_found_at_every_offset},
    {"a prefix never cuts a character", a_prefix_never_cuts_a_character},
    {"repair replaces each bad sequence once", repair_replaces_each_bad_sequence_once},
    {"repaired bytes are always valid", repaired_bytes_are_always_valid},
    {"base64 vectors hold both ways", base64_vectors_hold_both_ways},
    {"random bytes survive base64 in both alphabets",
     random_bytes_survive_base64_in_both_alphabets},
    {"what is not base64 is refused", what_is_not_base64_is_refused},
    {"hex is lower case and two digits a byte", hex_is_lower_case_and_two_digits_a_byte},
    {"percent escapes survive the way back", percent_escapes_survive_the_way_back},
    {"bad escapes and NUL are refused", bad_escapes_and_nul_are_refused},
    {"decoding text fails cleanly without memory", decoding_fails_cleanly_without_memory},
    {"slips find the word that was meant", slips_find_the_word_that_was_meant},
    {"the nearest word wins and long ones are not words",
     the_nearest_word_wins_and_long_ones_are_not_words},
    {"decimal numbers are read whole or not at all", numbers_are_read_whole_or_not_at_all},
    {"decimals are what strtod makes of them", decimals_are_what_strtod_makes_of_them},
    {"characters are put and taken one by one", characters_are_put_and_taken_one_by_one},
};
TEST_MAIN(tests)
