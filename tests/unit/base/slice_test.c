/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include "shim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void comparing_orders_by_bytes_then_by_length(void)
{
    static const arc_slice rising[] = {
        {NULL, 0}, {"", 1},  {"A", 1},    {"B", 1},    {"a", 1},    {"aa", 2},
        {"ab", 2}, {"b", 1}, {"\x7F", 1}, {"\x80", 1}, {"\xFF", 1},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rising); i++) {
        for (size_t j = 0; j < ARC_COUNT_OF(rising); j++) {
            CHECK_INT(sign(arc__slice_compare(rising[i], rising[j])), (i > j) - (i < j));
            CHECK_INT(arc__slice_equal(rising[i], rising[j]), i == j);
        }
    }
    CHECK(arc__slice_equal(ARC_NONE, ARC_LIT("")));
    CHECK_INT(arc__slice_compare(ARC_NONE, ARC_LIT("")), 0);
}

static void case_is_ignored_for_ascii_letters_alone(void)
{
    CHECK_INT(arc__slice_compare_nocase(ARC_LIT("Content-TYPE"), ARC_LIT("content-type")), 0);
    CHECK(arc__slice_compare_nocase(ARC_LIT("a"), ARC_LIT("B")) < 0);
    CHECK(arc__slice_compare_nocase(ARC_LIT("B"), ARC_LIT("a")) > 0);
    CHECK(arc__slice_compare_nocase(ARC_LIT("ab"), ARC_LIT("A")) > 0);
    CHECK(arc__slice_compare_nocase(ARC_LIT("[@"), ARC_LIT("{`")) != 0); /* neighbours of letters */
    CHECK(arc__slice_compare_nocase(ARC_LIT("\xC3\x89"), ARC_LIT("\xC3\xA9")) != 0);
    CHECK(arc__slice_compare_nocase(ARC_LIT("\x80"), ARC_LIT("a")) > 0);
    CHECK_INT(arc__slice_compare_nocase(ARC_NONE, ARC_NONE), 0);
}

static void blanks_are_trimmed_off_both_ends(void)
{
    CHECK_TEXT(arc__slice_trim(ARC_LIT(" \t\r\n\v\f a b \n")), "a b");
    CHECK_TEXT(arc__slice_trim(ARC_LIT("a")), "a");
    CHECK_INT(arc__slice_trim(ARC_LIT("  \n ")).len, 0);
    CHECK_INT(arc__slice_trim(ARC_NONE).len, 0);
    CHECK_TEXT(arc__slice_trim(ARC_LIT("\xC2\xA0")), "\xC2\xA0"); /* no-break space is no blank */
}

static void cutting_tells_the_end_from_an_empty_rest(void)
{
    arc_slice rest = ARC_LIT("a,,b,");
    CHECK_TEXT(arc__slice_cut(rest, ',', &rest), "a");
    CHECK_TEXT(arc__slice_cut(rest, ',', &rest), "");
    CHECK_TEXT(arc__slice_cut(rest, ',', &rest), "b");
    CHECK(rest.len == 0 && rest.ptr != NULL);
    CHECK_TEXT(arc__slice_cut(rest, ',', &rest), "");
    CHECK(rest.ptr == NULL);
    CHECK_TEXT(arc__slice_cut(ARC_LIT("whole"), ',', NULL), "whole");
    CHECK_INT(arc__slice_cut(ARC_NONE, ',', &rest).len, 0);
    CHECK_TEXT(arc__slice_cut(arc__slice("a\0b", 3), '\0', &rest), "a");
    CHECK_TEXT(rest, "b");
}

static void beginnings_and_tails_stay_inside(void)
{
    CHECK(arc__slice_starts(ARC_LIT("runs/1"), ARC_LIT("runs/")));
    CHECK(!arc__slice_starts(ARC_LIT("run"), ARC_LIT("runs/")));
    CHECK(arc__slice_starts(ARC_NONE, ARC_NONE));
    CHECK_TEXT(arc__slice_from(ARC_LIT("abc"), 1), "bc");
    CHECK(arc__slice_from(ARC_LIT("abc"), 3).ptr == NULL);
    CHECK_INT(arc__slice_from(ARC_LIT("abc"), SIZE_MAX).len, 0);
    CHECK(arc__slice_is(ARC_LIT("abc"), "abc") && !arc__slice_is(ARC_LIT("abc"), "abcd"));
    CHECK(arc__slice_is(ARC_NONE, NULL));
}

static void whole_numbers_read_back_what_was_printed(void)
{
    static const int64_t values[] = {
        0, 1, -1, 10, INT64_MAX, INT64_MIN, INT64_MIN + 1, 1234567890123};
    for (size_t i = 0; i < ARC_COUNT_OF(values); i++) {
        char text[32];
        int64_t back = 77;
        uint64_t unsigned_back = 77;
        snprintf(text, sizeof(text), "%" PRId64, values[i]);
        CHECK_INT(arc__slice_to_i64(arc__slice_cstr(text), &back), 1);
        CHECK_INT(back, values[i]);
        snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)values[i]);
        CHECK_INT(arc__slice_to_u64(arc__slice_cstr(text), &unsigned_back), 1);
        CHECK(unsigned_back == (uint64_t)values[i]);
    }
    int64_t zero = 1;
    CHECK(arc__slice_to_i64(ARC_LIT("-0"), &zero));
    CHECK_INT(zero, 0);
    CHECK(arc__slice_to_i64(ARC_LIT("007"), &zero));
    CHECK_INT(zero, 7);
}

static void what_is_no_number_is_refused_and_writes_nothing(void)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "1e3",
                                      "--1",
                                      "1-",
                                      "a",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "18446744073709551616",
                                      "99999999999999999999999999"};
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
        int64_t out = 77;
        CHECK_INT(arc__slice_to_i64(arc__slice_cstr(bad[i]), &out), 0);
        CHECK_INT(out, 77);
    }
    uint64_t out = 77;
    CHECK_INT(arc__slice_to_u64(ARC_LIT("-1"), &out), 0);
    CHECK_INT(arc__slice_to_u64(ARC_LIT("18446744073709551616"), &out), 0);
    CHECK_INT(arc__slice_to_u64(ARC_LIT("28446744073709551610"), &out), 0);
    CHECK_INT(arc__slice_to_u64(arc__slice("1\0", 2), &out), 0);
    CHECK_INT(out, 77);
}

static void numbers_are_compared_exactly(void)
{
    static const char *const rising[] = {"-99999999999999999999999.1",
                                         "-10.5",
                                         "-10.25",
                                         "-1",
                                         "-0.001",
                                         "0",
                                         "0.00000000000000000000001",
                                         "0.5",
                                         "0.50001",
                                         "1",
                                         "1.5",
                                         "9",
                                         "10",
                                         "10.01",
                                         "10.1",
                                         "18446744073709551616.5"};
    static const struct {
        const char *a, *b;
    } equal[] = {{"0", "-0.000"}, {"007.50", "7.5"}, {"-1.0", "-1"}, {"10", "010"}};
    static const char *const bad[] = {"",    "-",   "+1",    ".5", "1.",
                                      "1e3", "0x1", "1.2.3", " 1", "-.1"};
    for (size_t i = 0; i < ARC_COUNT_OF(rising); i++) {
        for (size_t j = 0; j < ARC_COUNT_OF(rising); j++) {
            int order = 77;
            CHECK(arc__slice_compare_numbers(arc__slice_cstr(rising[i]), arc__slice_cstr(rising[j]),
                                             &order));
            CHECK_INT(order, i < j ? -1 : i > j);
        }
    }
    for (size_t i = 0; i < ARC_COUNT_OF(equal); i++) {
        int order = 77;
        CHECK(arc__slice_compare_numbers(arc__slice_cstr(equal[i].a), arc__slice_cstr(equal[i].b),
                                         &order));
        CHECK_INT(order, 0);
    }
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
        int order = 77;
        CHECK(!arc__slice_compare_numbers(arc__slice_cstr(bad[i]), ARC_LIT("1"), &order));
        CHECK(!arc__slice_compare_numbers(ARC_LIT("1"), arc__slice_cstr(bad[i]), &order));
        CHECK_INT(order, 77);
    }
}

static void a_path_stays_inside_however_it_is_read(void)
{
    static const char *const inside[] = {"",     ".",     "a",      "a/b",    "./a", "a/../b",
                                         "a/..", "..a/b", "a/b..c", "ab:c/d", "1:2", "a b"};
    static const char *const outside[] = {
        "/",     "/a",        "..",          "../a",       "a/../..", "a/../../b",
        "C:\\x", "C:/x",      "c:",          "z:x",        "\\x",     "\\\\h\\s",
        "..\\x", "a\\..\\..", "a\\..\\../b", "a\\b/../..", "./..",    ".\\..\\x"};
    for (size_t i = 0; i < ARC_COUNT_OF(inside); i++) {
        if (!CHECK_INT(arc__path_inside(arc__slice_cstr(inside[i])), 1))
            CHECK_TEXT(arc__slice_cstr(inside[i]), "");
    }
    for (size_t i = 0; i < ARC_COUNT_OF(outside); i++) {
        if (!CHECK_INT(arc__path_inside(arc__slice_cstr(outside[i])), 0))
            CHECK_TEXT(arc__slice_cstr(outside[i]), "");
    }
    CHECK(!arc__path_inside(ARC_LIT("a\0b")));
}

static void copying_out_never_passes_the_end(void)
{
    char out[8];
    for (size_t size = 0; size <= sizeof(out); size++) {
        memset(out, '#', sizeof(out));
        size_t copied = arc__slice_to_cstr(ARC_LIT("abcde"), out, size);
        CHECK_INT(copied, size == 0 ? 0 : size - 1 < 5 ? size - 1 : 5);
        CHECK(memcmp(out, "abcde", copied) == 0);
        if (size > 0)
            CHECK_INT(out[copied], 0);
        for (size_t i = size; i < sizeof(out); i++)
            CHECK_INT(out[i], '#');
    }
    CHECK_INT(arc__slice_to_cstr(ARC_NONE, out, sizeof(out)), 0);
    CHECK_INT(out[0], 0);
}

/* A table of what came before is of use only where the texts of one kind stand apart in it. */
static void texts_that_look_alike_are_told_apart(void)
{
    static const char *const forms[] = {"", "key-", "${{ variables.REGION }}-cache-",
                                        "the last of many words is "};
    static const char *const ends[] = {"", " }}", "/bin"};
    for (size_t f = 0; f < ARC_COUNT_OF(forms) * ARC_COUNT_OF(ends); f++) {
        uint8_t seen[1024] = {0};
        unsigned different = 0;
        for (unsigned i = 0; i < 100; i++) {
            char text[80];
            int len = snprintf(text, sizeof(text), "%s%u%s", forms[f % ARC_COUNT_OF(forms)], i,
                               ends[f / ARC_COUNT_OF(forms)]);
            uint32_t slot = arc__slice_look(arc__slice(text, (size_t)len)) % 1024;
            different += !seen[slot];
            seen[slot] = 1;
        }
        CHECK(different > 80); /* of 100 into 1024 by chance: 95 */
    }
    CHECK_INT(arc__slice_look(ARC_NONE), arc__slice_look(ARC_LIT("")));
}

static const struct test tests[] = {
    {"comparing orders by bytes, then by length", comparing_orders_by_bytes_then_by_length},
    {"case is ignored for ASCII letters alone", case_is_ignored_for_ascii_letters_alone},
    {"blanks are trimmed off both ends", blanks_are_trimmed_off_both_ends},
    {"cutting tells the end from an empty rest", cutting_tells_the_end_from_an_empty_rest},
    {"beginnings and tails stay inside", beginnings_and_tails_stay_inside},
    {"whole numbers read back what was printed", whole_numbers_read_back_what_was_printed},
    {"what is no number is refused and writes nothing",
     what_is_no_number_is_refused_and_writes_nothing},
    {"numbers are compared exactly", numbers_are_compared_exactly},
    {"a path stays inside however it is read", a_path_stays_inside_however_it_is_read},
    {"copying out never passes the end", copying_out_never_passes_the_end},
    {"texts that look alike are told apart", texts_that_look_alike_are_told_apart},
};
TEST_MAIN(tests)
