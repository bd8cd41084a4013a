/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions of `cron` triggers: what can be read, what is said of the rest, and the next time. */
#include "core/cron.h"

#include <stdio.h>
#include <time.h>

#include "base/time.h"
#include "shim.h"

static arc_status parse(const char *text, struct arc_cron *cron, struct arc_cron_fault *fault)
{
    *fault = (struct arc_cron_fault){0};
    return arc__cron_parse(arc__slice_cstr(text), cron, fault);
}

static void every_usual_form_is_read(void)
{
    static const char *const good[] = {
        "* * * * *",         "0 3 * * *",        "*/5 * * * *",     "0 9-17 * * 1-5",
        "0,15,30 8 * * *",   "0 0 1 jan *",      "0 0 * * SUN",     "5 4 * * mon-fri",
        "0 22-23,0-5 * * *", "10-50/10 * * * *", "  0\t3  * * *  ", "0 0 31 * *",
        "0 0 29 2 *",        "@daily",           "@Weekly",         "0 0 * * 7",
        "0 0 30 2 1",        "5/15 * * * *",     "0 0 31 1,2 *",
    };
    for (size_t i = 0; i < ARC_COUNT_OF(good); i++) {
        struct arc_cron cron;
        struct arc_cron_fault fault;
        test_check_status(__FILE__, __LINE__, good[i], parse(good[i], &cron, &fault), ARC_OK);
    }
}

static void sunday_has_two_numbers_and_a_name(void)
{
    struct arc_cron zero, seven, named, range;
    struct arc_cron_fault fault;
    CHECK_OK(parse("0 0 * * 0", &zero, &fault));
    CHECK_OK(parse("0 0 * * 7", &seven, &fault));
    CHECK_OK(parse("0 0 * * sun", &named, &fault));
    CHECK_OK(parse("0 0 * * 5-7", &range, &fault));
    CHECK_INT(zero.weekdays, 1);
    CHECK_INT(seven.weekdays, 1);
    CHECK_INT(named.weekdays, 1);
    CHECK_INT(range.weekdays, 1 << 5 | 1 << 6 | 1);
}

static void each_fault_has_its_place_and_its_reason(void)
{
    static const struct {
        const char *text;
        uint32_t offset, end;
        const char *what;
    } rows[] = {
        {"", 0, 0, "it has five fields"},
        {"0 3 * *", 0, 7, "it has five fields"},
        {"0 0 3 * * *", 0, 11, "it has five fields"},
        {"60 3 * * *", 0, 2, "the minute goes from 0 to 59"},
        {"0 24 * * *", 2, 4, "the hour goes from 0 to 23"},
        {"0 3 0 * *", 4, 5, "the day of the month goes from 1 to 31"},
        {"0 3 * 13 *", 6, 8, "the month goes from 1 to 12, or jan to dec"},
        {"0 3 * juno *", 6, 10, "the month goes from 1 to 12, or jan to dec"},
        {"0 3 * * 8", 8, 9, "the day of the week goes from 0 to 7, or sun to sat"},
        {"0 3 * * jan", 8, 11, "the day of the week goes from 0 to 7, or sun to sat"},
        {"0 3 ? * *", 4, 5, "`?` is not part of these expressions"},
        {"0 3 L * *", 4, 5, "`L` and `W` are not part of these expressions"},
        {"0 3 * * 5#2", 9, 10, "`#` is not part of these expressions"},
        {"0 3 * * 5L", 8, 10, "the day of the week goes from 0 to 7, or sun to sat"},
        {"0 23-5 * * *", 2, 6, "the range ends before it begins"},
        {"*/0 * * * *", 2, 3, "a step is a number from 1 on that fits the field"},
        {"*/ * * * *", 2, 2, "a step is a number from 1 on that fits the field"},
        {"0, 3 * * *", 2, 2, "a value is missing"},
        {"-5 3 * * *", 0, 1, "a range begins with a value"},
        {"0 3 * * *x", 9, 10, "the day of the week goes from 0 to 7, or sun to sat"},
        {"99999999999999999999 3 * * *", 0, 20, "the minute goes from 0 to 59"},
        {"@reboot", 0, 7, "there is no such nickname"},
        {"0 0 31 2 *", 0, 10, "no month that it names has such a day"},
        {"0 0 31 4,6,9,11 *", 0, 17, "no month that it names has such a day"},
        {"0 0 30 2 *", 0, 10, "no month that it names has such a day"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_cron cron;
        struct arc_cron_fault fault;
        test_check_status(__FILE__, __LINE__, rows[i].text, parse(rows[i].text, &cron, &fault),
                          ARC_EINVAL);
        test_check_text(__FILE__, __LINE__, rows[i].text, arc__slice_cstr(fault.what),
                        arc__slice_cstr(rows[i].what));
        test_check_int(__FILE__, __LINE__, rows[i].text, fault.offset, rows[i].offset);
        test_check_int(__FILE__, __LINE__, rows[i].text, fault.end, rows[i].end);
    }
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute};
    return (int64_t)timegm(&tm) * ARC_NS_PER_S;
}

static void check_next(const char *text, int64_t after, int64_t want)
{
    struct arc_cron cron;
    struct arc_cron_fault fault;
    int64_t got = -1;
    CHECK_OK(parse(text, &cron, &fault));
    CHECK_INT(arc__cron_next(&cron, after, &got), 1);
    test_check_int(__FILE__, __LINE__, text, got / ARC_NS_PER_S, want / ARC_NS_PER_S);
}

static void the_next_time_is_strictly_later(void)
{
    check_next("0 3 * * *", at(2026, 1, 1, 3, 0), at(2026, 1, 2, 3, 0));
    check_next("0 3 * * *", at(2026, 1, 1, 3, 0) - 1, at(2026, 1, 1, 3, 0));
    check_next("* * * * *", at(2026, 1, 1, 0, 0) + 59 * ARC_NS_PER_S, at(2026, 1, 1, 0, 1));
    check_next("0 0 1 1 *", at(2026, 1, 1, 0, 0), at(2027, 1, 1, 0, 0));
    check_next("*/20 9-17 * * 1-5", at(2026, 1, 2, 17, 40), at(2026, 1, 5, 9, 0));
    check_next("@hourly", INT64_MIN, at(1970, 1, 1, 0, 0));
}

static void days_of_month_and_week_are_either_or_both(void)
{
    check_next("0 0 13 * 5", at(2026, 1, 1, 0, 0), at(2026, 1, 2, 0, 0));
    check_next("0 0 13 * *", at(2026, 1, 1, 0, 0), at(2026, 1, 13, 0, 0));
    check_next("0 0 */31 * 1", at(2026, 1, 1, 0, 0), at(2026, 6, 1, 0, 0));
}

static void a_leap_day_is_waited_for_over_a_century(void)
{
    check_next("0 0 29 2 *", at(2096, 2, 29, 0, 0), at(2104, 2, 29, 0, 0));
    check_next("0 0 29 2 */7", at(2088, 2, 29, 0, 0), at(2128, 2, 29, 0, 0));
}

static void no_time_is_found_where_none_can_be_held(void)
{
    struct arc_cron cron;
    struct arc_cron_fault fault;
    int64_t got = 42;
    CHECK_OK(parse("0 0 29 2 *", &cron, &fault));
    CHECK_INT(arc__cron_next(&cron, INT64_MAX - ARC_NS_PER_S, &got), 0);
    CHECK_INT(got, 42);
}

/* --- against walking over every minute ---------------------------------------------------------
 */

static int is_meant(const struct arc_cron *cron, int64_t ns)
{
    time_t seconds = (time_t)(ns / ARC_NS_PER_S);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    int month_day = (int)(cron->days >> tm.tm_mday & 1);
    int week_day = (int)(cron->weekdays >> tm.tm_wday & 1);
    return (cron->minutes >> tm.tm_min & 1) != 0 && (cron->hours >> tm.tm_hour & 1) != 0 &&
           (cron->months >> (tm.tm_mon + 1) & 1) != 0 &&
           (cron->both ? month_day && week_day : month_day || week_day);
}

static uint64_t roll(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void a_walk_over_every_minute_finds_the_same_time(void)
{
    static const char *const texts[] = {"*/7 */5 * * *", "3 4 */9 * 2",    "0 0 1,15 * 3",
                                        "59 23 * 2 *",   "30 12 28 2,3 *", "0 6 * * sat,sun"};
    uint64_t seed = 11;
    for (int round = 0; round < 60; round++) {
        struct arc_cron cron;
        struct arc_cron_fault fault;
        int64_t got = -1, day = (int64_t)(roll(&seed) % 30000), want;
        int64_t after = (day * 1440 + (int64_t)(roll(&seed) % 1440)) * 60 * ARC_NS_PER_S;
        const char *text = texts[(size_t)round % ARC_COUNT_OF(texts)];
        CHECK_OK(parse(text, &cron, &fault));
        CHECK_INT(arc__cron_next(&cron, after, &got), 1);
        for (want = after + 60 * ARC_NS_PER_S; !is_meant(&cron, want);)
            want += 60 * ARC_NS_PER_S;
        test_check_int(__FILE__, __LINE__, text, got, want);
    }
}

static const struct test tests[] = {
    {"every usual form is read", every_usual_form_is_read},
    {"sunday has two numbers and a name", sunday_has_two_numbers_and_a_name},
    {"each fault has its place and its reason", each_fault_has_its_place_and_its_reason},
    {"the next time is strictly later", the_next_time_is_strictly_later},
    {"days of month and week are either or both", days_of_month_and_week_are_either_or_both},
    {"a leap day is waited for over a century", a_leap_day_is_waited_for_over_a_century},
    {"no time is found where none can be held", no_time_is_found_where_none_can_be_held},
    {"a walk over every minute finds the same time", a_walk_over_every_minute_finds_the_same_time},
};

TEST_MAIN(tests)
