/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cron.h"

#include "base/time.h"

/* --- tables ------------------------------------------------------------------------------- */

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

struct field_row {
    uint32_t low, high;
    const char *names; /* three letters each, the first one is `low`; or NULL */
    const char *range;
};

static const struct field_row fields[FIELDS] = {
    {0, 59, NULL, "the minute goes from 0 to 59"},
    {0, 23, NULL, "the hour goes from 0 to 23"},
    {1, 31, NULL, "the day of the month goes from 1 to 31"},
    {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", "the month goes from 1 to 12, or jan to dec"},
    {0, 7, "sunmontuewedthufrisat", "the day of the week goes from 0 to 7, or sun to sat"},
};

static const struct {
    const char *name, *expression;
} nicknames[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/* --- reading ------------------------------------------------------------------------------ */

struct reader {
    arc_slice text;
    size_t at;
    struct arc_cron_fault *fault;
};

static arc_status refuse(struct reader *reader, size_t from, size_t to, const char *what,
                         const char *hint)
{
    *reader->fault = (struct arc_cron_fault){(uint32_t)from, (uint32_t)to, what, hint, 0};
    return ARC_EINVAL;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char peek(const struct reader *reader)
{
    return reader->at < reader->text.len ? reader->text.ptr[reader->at] : '\0';
}

/* The end of the word at `at`: what one may think of as a single value. */
static size_t word_end(const struct reader *reader, size_t at)
{
    while (at < reader->text.len &&
           (is_digit(reader->text.ptr[at]) || is_letter(reader->text.ptr[at])))
        at++;
    return at;
}

/* The number of a name, or -1. */
static int name_value(const struct field_row *row, arc_slice word)
{
    if (row->names == NULL || word.len != 3)
        return -1;
    for (size_t i = 0; row->names[3 * i] != '\0'; i++) {
        if (arc__slice_compare_nocase(word, arc__slice(row->names + 3 * i, 3)) == 0)
            return (int)(row->low + i);
    }
    return -1;
}

/* Why a word is no value, where other crons give it a meaning. */
static arc_status refuse_value(struct reader *reader, const struct field_row *row, size_t from)
{
    size_t end = word_end(reader, from);
    char c = peek(reader);
    if (c == '?')
        return refuse(reader, from, from + 1, "`?` is not part of these expressions", "write `*`");
    if (c == '\0' || is_blank(c) || c == ',')
        return refuse(reader, from, from, "a value is missing", row->range);
    if (c == '-')
        return refuse(reader, from, from + 1, "a range begins with a value", row->range);
    if ((c == 'L' || c == 'W') && end == from + 1)
        return refuse(reader, from, end, "`L` and `W` are not part of these expressions",
                      "let the job decide on the day it runs");
    return refuse(reader, from, end > from ? end : from + 1, row->range, "");
}

/* One value, between the row's bounds. */
static arc_status read_value(struct reader *reader, const struct field_row *row, uint32_t *out)
{
    size_t from = reader->at, end = word_end(reader, from);
    arc_slice word = arc__slice(reader->text.ptr + from, end - from);
    uint64_t number;
    int named = name_value(row, word);
    if (named >= 0)
        number = (uint64_t)named;
    else if (word.len == 0 || word.len > 4 || !arc__slice_to_u64(word, &number))
        return refuse_value(reader, row, from);
    if (number < row->low || number > row->high)
        return refuse(reader, from, end, row->range, "");
    reader->at = end;
    *out = (uint32_t)number;
    return ARC_OK;
}

static arc_status read_step(struct reader *reader, const struct field_row *row, uint32_t *out)
{
    size_t from = ++reader->at, end = word_end(reader, from);
    uint64_t number = 0;
    if (!arc__slice_to_u64(arc__slice(reader->text.ptr + from, end - from), &number) ||
        number == 0 || number > row->high)
        return refuse(reader, from, end > from ? end : from,
                      "a step is a number from 1 on that fits the field", "write it like `*/5`");
    reader->at = end;
    *out = (uint32_t)number;
    return ARC_OK;
}

/* One item of a list: `*`, a value or a range, and a step. */
static arc_status read_item(struct reader *reader, const struct field_row *row, uint64_t *set)
{
    size_t from = reader->at;
    uint32_t low = row->low, high = row->high, step = 1;
    int single = 0;
    arc_status status = ARC_OK;
    if (peek(reader) == '*') {
        reader->at++;
    } else {
        status = read_value(reader, row, &low);
        single = status == ARC_OK && peek(reader) != '-';
        if (status == ARC_OK && !single) {
            reader->at++;
            status = read_value(reader, row, &high);
        }
    }
    if (status != ARC_OK)
        return status;
    if (single)
        high = peek(reader) == '/' ? row->high : low;
    if (low > high)
        return refuse(reader, from, reader->at, "the range ends before it begins",
                      "write it as two ranges, like `22-23,0-5`");
    if (peek(reader) == '/')
        status = read_step(reader, row, &step);
    for (uint32_t value = low; status == ARC_OK && value <= high; value += step)
        *set |= UINT64_C(1) << value;
    return status;
}

static arc_status read_field(struct reader *reader, const struct field_row *row, uint64_t *set)
{
    *set = 0;
    for (;;) {
        arc_status status = read_item(reader, row, set);
        if (status != ARC_OK)
            return status;
        if (peek(reader) != ',')
            break;
        reader->at++;
    }
    char c = peek(reader);
    if (c == '\0' || is_blank(c))
        return ARC_OK;
    if (c == '#')
        return refuse(reader, reader->at, reader->at + 1, "`#` is not part of these expressions",
                      "let the job decide on the day it runs");
    return refuse_value(reader, row, reader->at);
}

static void skip_blanks(struct reader *reader)
{
    while (is_blank(peek(reader)))
        reader->at++;
}

static uint32_t count_fields(arc_slice text)
{
    uint32_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += !is_blank(text.ptr[i]) && (i == 0 || is_blank(text.ptr[i - 1]));
    return count;
}

static const char *count_hint(uint32_t count)
{
    if (count == 6)
        return "seconds are not part of it: leave out the first field";
    return "write it like `0 3 * * *`: minute, hour, day, month, day of the week";
}

/* --- days --------------------------------------------------------------------------------- */

static uint32_t month_days(int64_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

/* 1: some month that is meant has a day that is meant. */
static int has_day(const struct arc_cron *cron)
{
    if (!cron->both)
        return 1; /* the day of the week is enough */
    for (uint32_t month = 1; month <= 12; month++) {
        uint32_t within = (uint32_t)((UINT64_C(2) << month_days(2000, month)) - 1);
        if ((cron->months >> month & 1) != 0 && (cron->days & within) != 0)
            return 1;
    }
    return 0;
}

static arc_status read_nickname(arc_slice text, arc_slice *out, struct reader *reader)
{
    for (size_t i = 0; i < ARC_COUNT_OF(nicknames); i++) {
        if (arc__slice_compare_nocase(text, arc__slice_cstr(nicknames[i].name)) == 0) {
            *out = arc__slice_cstr(nicknames[i].expression);
            return ARC_OK;
        }
    }
    return refuse(reader, 0, reader->text.len, "there is no such nickname",
                  "use @hourly, @daily, @weekly, @monthly or @yearly");
}

arc_status arc__cron_parse(arc_slice text, struct arc_cron *out, struct arc_cron_fault *fault)
{
    struct reader reader = {text, 0, fault};
    uint64_t sets[FIELDS] = {0};
    uint32_t stars = 0;
    arc_slice trimmed = arc__slice_trim(text);
    if (trimmed.len > 0 && trimmed.ptr[0] == '@') {
        arc_status status = read_nickname(trimmed, &reader.text, &reader);
        if (status != ARC_OK)
            return status;
    }
    uint32_t count = count_fields(reader.text);
    if (count != FIELDS)
        return refuse(&reader, 0, text.len, "it has five fields", count_hint(count));
    for (int i = 0; i < FIELDS; i++) {
        skip_blanks(&reader);
        stars |= peek(&reader) == '*' ? 1U << i : 0;
        arc_status status = read_field(&reader, &fields[i], &sets[i]);
        if (status != ARC_OK)
            return status;
    }
    struct arc_cron cron = {sets[MINUTE],
                            (uint32_t)sets[HOUR],
                            (uint32_t)sets[DAY],
                            (uint32_t)sets[MONTH],
                            (uint32_t)(sets[WEEKDAY] & 0x7fU) | (uint32_t)(sets[WEEKDAY] >> 7),
                            (stars & (1U << DAY | 1U << WEEKDAY)) != 0};
    if (!has_day(&cron)) {
        (void)refuse(&reader, 0, text.len, "no month that it names has such a day",
                     "choose a day that the month has");
        fault->never = 1;
        return ARC_EINVAL;
    }
    *out = cron;
    return ARC_OK;
}

/* --- the next time ------------------------------------------------------------------------ */

static int day_is_meant(const struct arc_cron *cron, int64_t day_number, uint32_t month,
                        uint32_t day)
{
    uint32_t weekday = (uint32_t)((day_number + 4) % 7); /* 1970-01-01 was a Thursday */
    int of_month = (cron->days >> day & 1) != 0, of_week = (cron->weekdays >> weekday & 1) != 0;
    if ((cron->months >> month & 1) == 0)
        return 0;
    return cron->both ? of_month && of_week : of_month || of_week;
}

/* The first minute of a day from `from` on that is meant; -1: none. */
static int64_t minute_of_day(const struct arc_cron *cron, int64_t from)
{
    for (int64_t minute = from; minute < 1440; minute++) {
        if ((cron->hours >> (minute / 60) & 1) == 0)
            minute += 59 - minute % 60;
        else if ((cron->minutes >> (minute % 60) & 1) != 0)
            return minute;
    }
    return -1;
}

/* The 29th of February falls on one day of the week once in 28 years, and once in 40 where a
 * century without a leap day lies between. */
#define SEARCH_DAYS (41 * 366)

int arc__cron_next(const struct arc_cron *cron, int64_t after_ns, int64_t *out_ns)
{
    const int64_t minute_ns = 60 * ARC_NS_PER_S;
    int64_t minute = (after_ns < 0 ? 0 : after_ns / minute_ns) + (after_ns >= 0);
    int64_t today = minute / 1440, from = minute % 1440, year, month, day;
    arc__date_of(today, &year, &month, &day);
    for (int64_t last = today + SEARCH_DAYS; today < last; today++, from = 0) {
        if (day_is_meant(cron, today, (uint32_t)month, (uint32_t)day)) {
            int64_t found = minute_of_day(cron, from);
            int64_t ns;
            if (found >= 0 && __builtin_mul_overflow(today * 1440 + found, minute_ns, &ns))
                return 0;
            if (found >= 0) {
                *out_ns = ns;
                return 1;
            }
        }
        if (++day > (int64_t)month_days(year, (uint32_t)month)) {
            day = 1;
            month = month == 12 ? 1 : month + 1;
            year += month == 1;
        }
    }
    return 0;
}
