/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include "shim.h"

#include <stdio.h>
#include <string.h>

static struct arc_buf open_buf(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct arc_buf buf;
    arc__buf_init(&buf, &mem, 200);
    return buf;
}

static const char *printed(struct arc_buf *buf, int64_t ns)
{
    arc__buf_clear(buf);
    arc__duration_add(buf, ns);
    return buf->ptr;
}

#define MINUTE (60 * ARC_NS_PER_S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static void durations_mean_what_they_say(void)
{
    static const struct {
        const char *text;
        int64_t ns;
    } known[] = {
        {"0", 0},
        {"0s", 0},
        {"0.0ns", 0},
        {"90s", 90 * ARC_NS_PER_S},
        {"1h30m", 90 * MINUTE},
        {"1.5h", 90 * MINUTE},
        {"250ms", 250 * ARC_NS_PER_MS},
        {"1ns", 1},
        {"1us", 1000},
        {"2d", 2 * DAY},
        {"1d2h3m4s5ms6us7ns",
         DAY + 2 * HOUR + 3 * MINUTE + 4 * ARC_NS_PER_S + 5 * ARC_NS_PER_MS + 6007},
        {"0.1s", 100 * ARC_NS_PER_MS},
        {"0.000000001s", 1},
        {"0.0000000019s", 1},
        {"1.9ns", 1},
        {"0.99999999999999999999999999999999s", ARC_NS_PER_S - 1},
        {"1.5h30m", 2 * HOUR},
        {"007m", 7 * MINUTE},
        {"9223372036854775807ns", INT64_MAX},
        {"106751d", 106751 * DAY},
        {"2562047h47m16.854775807s", INT64_MAX},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(known); i++) {
        int64_t ns = -1;
        CHECK_OK(arc__duration_parse(arc__slice_cstr(known[i].text), &ns, NULL));
        CHECK_INT(ns, known[i].ns);
    }
}

static void what_is_no_duration_is_refused_and_writes_nothing(void)
{
    static const char *const bad[] = {
        "",    " ",    "1",    "00",         "90",   "s",     "h1",       "1 s",    " 1s",
        "1s ", "-1s",  "+1s",  "1.s",        ".5s",  "1..5s", "1,5s",     "1S",     "1sec",
        "1w",  "1y",   "1e3s", "1m1h",       "1h1h", "1s1m",  "1h30",     "1ms1s",  "0x1s",
        "1.5", "1msm", "--",   "1\xC2\xB5s", "1s\n", "0.1ns", "0.0001us", "0s0.9ns"};
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
        int64_t ns = 77;
        arc_err err = ARC_ERR_INIT;
        if (!CHECK_STATUS(arc__duration_parse(arc__slice_cstr(bad[i]), &ns, &err), ARC_EINVAL))
            CHECK_TEXT(arc__slice_cstr(bad[i]), "");
        CHECK_INT(ns, 77);
        CHECK_INT(err.status, ARC_EINVAL);
    }
    static const char *const long_ones[] = {"9223372036854775808ns", "106752d",
                                            "99999999999999999999h", "2562047h47m16.854775808s",
                                            "106751d23h47m17s"};
    for (size_t i = 0; i < ARC_COUNT_OF(long_ones); i++) {
        int64_t untouched = 77;
        if (!CHECK_STATUS(arc__duration_parse(arc__slice_cstr(long_ones[i]), &untouched, NULL),
                          ARC_ELIMIT))
            CHECK_TEXT(arc__slice_cstr(long_ones[i]), "");
        CHECK_INT(untouched, 77);
    }
    int64_t ns = 77;
    CHECK_STATUS(arc__duration_parse(arc__slice("1s\0", 3), &ns, NULL), ARC_EINVAL);
    CHECK_STATUS(arc__duration_parse(ARC_NONE, &ns, NULL), ARC_EINVAL);
    arc_err err = ARC_ERR_INIT;
    (void)arc__duration_parse(ARC_LIT("90"), &ns, &err);
    CHECK(strstr(err.message, "90s") != NULL); /* the message shows the form */
}

static void durations_are_printed_in_their_plain_form(void)
{
    static const struct {
        int64_t ns;
        const char *text;
    } known[] = {
        {0, "0"},
        {1, "1ns"},
        {1500, "1.5us"},
        {250 * ARC_NS_PER_MS, "250ms"},
        {1500 * ARC_NS_PER_MS, "1.5s"},
        {90 * ARC_NS_PER_S, "1m30s"},
        {90 * MINUTE, "1h30m"},
        {DAY, "1d"},
        {36 * HOUR, "1d12h"},
        {HOUR + 1, "1h1ns"},
        {HOUR + 1000001, "1h1.000001ms"},
        {10 * ARC_NS_PER_S, "10s"},
        {INT64_MAX, "106751d23h47m16.854775807s"},
        {-90 * MINUTE, "-1h30m"},
        {INT64_MIN, "-106751d23h47m16.854775808s"},
    };
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state);
    for (size_t i = 0; i < ARC_COUNT_OF(known); i++)
        CHECK_TEXT(arc__slice_cstr(printed(&buf, known[i].ns)), known[i].text);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static void what_is_printed_parses_back(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state);
    uint64_t seed = 11;
    unsigned wrong = 0;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        int64_t ns = (int64_t)((seed ^ seed >> 29) >> (1 + i % 63)), back = -1;
        if (i % 3 == 0)
            ns -= ns % ARC_NS_PER_S;
        (void)printed(&buf, ns);
        wrong += arc__duration_parse(arc__buf_slice(&buf), &back, NULL) != ARC_OK || back != ns;
    }
    CHECK_INT(wrong, 0);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static const char *instant(struct arc_buf *buf, int64_t ns)
{
    arc__buf_clear(buf);
    arc__rfc3339_add(buf, ns);
    return buf->ptr;
}

static void known_instants_are_printed_in_utc(void)
{
    static const struct {
        int64_t seconds, ms;
        const char *text;
    } known[] = {
        {0, 0, "1970-01-01T00:00:00.000Z"},
        {0, 1, "1970-01-01T00:00:00.001Z"},
        {1769846400, 250, "2026-01-31T08:00:00.250Z"},
        {951782399, 999, "2000-02-28T23:59:59.999Z"},
        {951782400, 0, "2000-02-29T00:00:00.000Z"},
        {951868800, 0, "2000-03-01T00:00:00.000Z"},
        {1709164800, 0, "2024-02-29T00:00:00.000Z"},
        {1735689599, 999, "2024-12-31T23:59:59.999Z"},
        {4107542399, 0, "2100-02-28T23:59:59.000Z"},
        {4107542400, 0, "2100-03-01T00:00:00.000Z"},
        {2147483648, 0, "2038-01-19T03:14:08.000Z"},
        {-1, 0, "1969-12-31T23:59:59.000Z"},
        {-1, 999, "1969-12-31T23:59:59.999Z"},
        {-86400, 0, "1969-12-31T00:00:00.000Z"},
        {-2203891200, 0, "1900-03-01T00:00:00.000Z"},
        {-2203891201, 0, "1900-02-28T23:59:59.000Z"},
        {-5364662400, 0, "1800-01-01T00:00:00.000Z"},
    };
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state);
    for (size_t i = 0; i < ARC_COUNT_OF(known); i++) {
        int64_t ns = known[i].seconds * ARC_NS_PER_S + known[i].ms * ARC_NS_PER_MS;
        CHECK_TEXT(arc__slice_cstr(instant(&buf, ns)), known[i].text);
        /* What is finer is left out, never rounded up. */
        CHECK_TEXT(arc__slice_cstr(instant(&buf, ns + ARC_NS_PER_MS - 1)), known[i].text);
    }
    CHECK_TEXT(arc__slice_cstr(instant(&buf, INT64_MAX)), "2262-04-11T23:47:16.854Z");
    CHECK_TEXT(arc__slice_cstr(instant(&buf, INT64_MIN)), "1677-09-21T00:12:43.145Z");
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static void every_day_from_1678_to_2261_follows_the_one_before(void)
{
    struct test_mem state = {0};
    struct arc_buf buf = open_buf(&state);
    int year = 1678, month = 1, day = 1;
    unsigned wrong = 0;
    for (int64_t at = -106650; year < 2262; at++) { /* counted back from 1970 by the calendar */
        char expected[64];
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT13:37:00.000Z", year, month, day);
        wrong += strcmp(instant(&buf, at * DAY + 13 * HOUR + 37 * MINUTE), expected) != 0;
        if (++day > days_in(year, month)) {
            day = 1;
            month++;
        }
        if (month > 12) {
            month = 1;
            year++;
        }
    }
    CHECK_INT(wrong, 0);
    arc__buf_deinit(&buf);
    CHECK_INT(state.live, 0);
}

static const struct test tests[] = {
    {"durations mean what they say", durations_mean_what_they_say},
    {"what is no duration is refused and writes nothing",
     what_is_no_duration_is_refused_and_writes_nothing},
    {"durations are printed in their plain form", durations_are_printed_in_their_plain_form},
    {"a duration that is printed parses back", what_is_printed_parses_back},
    {"known instants are printed in UTC", known_instants_are_printed_in_utc},
    {"every day from 1678 to 2261 follows the one before",
     every_day_from_1678_to_2261_follows_the_one_before},
};
TEST_MAIN(tests)
