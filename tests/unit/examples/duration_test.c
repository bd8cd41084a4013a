/* SPDX-License-Identifier: Apache-2.0 */
#include "common/duration.h"

#include "shim.h"

static void durations_of_the_language_are_read(void)
{
    static const struct {
        const char *text;
        int64_t ns;
    } rows[] = {{"0", 0},
                {"90s", 90 * NS_PER_S},
                {"1h30m", 5400 * NS_PER_S},
                {"1.5h", 5400 * NS_PER_S},
                {"250ms", 250 * NS_PER_MS},
                {"2d", 172800 * NS_PER_S},
                {"7us", 7000},
                {"1ns", 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ns = -1;
        CHECK(duration_parse(rows[i].text, &ns));
        CHECK_INT(ns, rows[i].ns);
    }
}

static void what_is_no_duration_is_refused(void)
{
    static const char *const rows[] = {
        "", "30", "-1s", "s", "1 s", "1x", "1.", "1sm", ".s", "1e3s", "999999999999999999h"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ns = 7;
        CHECK(!duration_parse(rows[i], &ns));
        CHECK_INT(ns, 7);
    }
}

static void durations_are_printed_short(void)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {{0, "0ms"},
                {999999999, "999ms"},
                {1234 * NS_PER_MS, "1.23s"},
                {12345 * NS_PER_MS, "12.3s"},
                {65 * NS_PER_S, "1m05s"},
                {7440 * NS_PER_S, "2h04m"},
                {-1, "-"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct text text = {NULL, 0, 0};
        duration_put(&text, rows[i].ns);
        CHECK_TEXT(arc__slice_cstr(text_get(&text)), rows[i].text);
        text_deinit(&text);
    }
}

static void times_are_printed_in_utc(void)
{
    struct text text = {NULL, 0, 0};
    time_put(&text, 1730000000 * NS_PER_S + 42 * NS_PER_MS);
    CHECK_TEXT(arc__slice_cstr(text_get(&text)), "2024-10-27T03:33:20.042Z");
    text_deinit(&text);
}

static const struct test tests[] = {
    {"the durations of the language are read", durations_of_the_language_are_read},
    {"what is no duration is refused and writes nothing", what_is_no_duration_is_refused},
    {"durations are printed short", durations_are_printed_short},
    {"times are printed in UTC", times_are_printed_in_utc},
};
TEST_MAIN(tests)
