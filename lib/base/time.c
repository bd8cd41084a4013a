/* SPDX-License-Identifier: Apache-2.0 */
/* Whole-number arithmetic alone: no clock, no time zone, no floating point, so that every host
 * reads and writes the same. */
#include "base/time.h"

#include <arcentra/base.h>

#include <string.h>

struct unit {
    arc_slice name;
    int64_t ns;
};

/* Largest first. */
static const struct unit units[] = {
    {{"d", 1}, 86400 * ARC_NS_PER_S},
    {{"h", 1}, 3600 * ARC_NS_PER_S},
    {{"m", 1}, 60 * ARC_NS_PER_S},
    {{"s", 1}, ARC_NS_PER_S},
    {{"ms", 2}, ARC_NS_PER_MS},
    {{"us", 2}, 1000},
    {{"ns", 2}, 1},
};

static arc_status bad_duration(arc_err *err)
{
    return arc__fail(err, ARC_EINVAL, "duration",
                     "A duration is written like 90s, 1h30m or 250ms (units d h m s ms us ns).");
}

static arc_status long_duration(arc_err *err)
{
    return arc__fail(err, ARC_ELIMIT, "duration", "The duration is too long (106751d at most).");
}

/* The digits at the start of text. */
static arc_slice digits_of(arc_slice text)
{
    size_t len = 0;
    while (len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9')
        len++;
    return arc__slice(text.ptr, len);
}

/* The index of the unit that text starts with, or the count of units. None has more letters than a
 * first and a last one. */
static size_t unit_at(arc_slice text, size_t *len)
{
    size_t letters = 0;
    while (letters < text.len && text.ptr[letters] >= 'a' && text.ptr[letters] <= 'z')
        letters++;
    *len = letters;
    for (size_t i = 0; i < ARC_COUNT_OF(units); i++) {
        if (letters == units[i].name.len && text.ptr[0] == units[i].name.ptr[0] &&
            text.ptr[letters - 1] == units[i].name.ptr[letters - 1])
            return i;
    }
    return ARC_COUNT_OF(units);
}

/* What the digits after a point are worth, rounded down to nanoseconds. From the last digit to the
 * first, because rounding down at each step is then the same as once at the end. */
static int64_t fraction_of(arc_slice digits, int64_t unit_ns)
{
    int64_t value = 0;
    for (size_t i = digits.len; i-- > 0;)
        value = ((digits.ptr[i] - '0') * unit_ns + value) / 10;
    return value;
}

/* 1: a digit is not 0. */
static int is_some(arc_slice digits)
{
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] != '0')
            return 1;
    }
    return 0;
}

#define FEW_DIGITS 5u /* so many of the largest unit fit */

/* What most are: a few digits and one letter. 0: it is something else, or nothing. */
static int64_t simple_duration(arc_slice text)
{
    int64_t value = 0;
    size_t digits = text.len - 1, unit = 0;
    if (text.len < 2 || digits > FEW_DIGITS)
        return 0;
    for (size_t i = 0; i < digits; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return 0;
        value = value * 10 + (text.ptr[i] - '0');
    }
    while (units[unit].name.len == 1 && units[unit].name.ptr[0] != text.ptr[digits])
        unit++;
    return units[unit].name.len == 1 ? value * units[unit].ns : 0;
}

arc_status arc__duration_parse(arc_slice text, int64_t *out_ns, arc_err *err)
{
    int64_t total = simple_duration(text);
    int any = 0;
    size_t next_unit = 0; /* units come in falling order, each once: "30m1h" is a slip */
    if (total > 0) {
        *out_ns = total;
        return ARC_OK;
    }
    if (arc__slice_is(text, "0")) {
        *out_ns = 0;
        return ARC_OK;
    }
    if (text.len == 0)
        return bad_duration(err);
    while (text.len > 0) {
        arc_slice whole = digits_of(text), fraction = ARC_NONE;
        text = arc__slice_from(text, whole.len);
        if (whole.len == 0)
            return bad_duration(err);
        if (text.len > 0 && text.ptr[0] == '.') {
            fraction = digits_of(arc__slice_from(text, 1));
            if (fraction.len == 0)
                return bad_duration(err);
            text = arc__slice_from(text, fraction.len + 1);
        }
        size_t unit_len = 0;
        size_t unit = unit_at(text, &unit_len);
        if (unit == ARC_COUNT_OF(units) || unit < next_unit)
            return bad_duration(err);
        next_unit = unit + 1;
        text = arc__slice_from(text, unit_len);
        any |= is_some(whole) || is_some(fraction);
        int64_t part = 0;
        if (!arc__slice_to_i64(whole, &part) ||
            __builtin_mul_overflow(part, units[unit].ns, &part) ||
            __builtin_add_overflow(part, fraction_of(fraction, units[unit].ns), &part) ||
            __builtin_add_overflow(total, part, &total))
            return long_duration(err);
    }
    /* "No time" is what is to be meant by 0, not what is left of 0.1ns. */
    if (total == 0 && any)
        return bad_duration(err);
    *out_ns = total;
    return ARC_OK;
}

/* value/scale of a unit with a fraction, trailing zeros left out: 1500, 1000 is "1.5". */
static void add_decimal(struct arc_buf *out, uint64_t value, uint64_t scale)
{
    arc__buf_add_u64(out, value / scale);
    value %= scale;
    if (value != 0)
        arc__buf_add_char(out, '.');
    while (value != 0) {
        scale /= 10;
        arc__buf_add_char(out, (char)('0' + value / scale));
        value %= scale;
    }
}

void arc__duration_add(struct arc_buf *out, int64_t ns)
{
    uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns == 0)
        arc__buf_add_char(out, '0');
    if (ns < 0) /* does not parse; it is a fault that somebody wants to see */
        arc__buf_add_char(out, '-');
    for (size_t i = 0; i < ARC_COUNT_OF(units) && left != 0; i++) {
        uint64_t unit = (uint64_t)units[i].ns;
        if (left < unit)
            continue;
        if (units[i].ns > ARC_NS_PER_S) {
            arc__buf_add_u64(out, left / unit);
            left %= unit;
        } else { /* seconds and below take all that is left as a fraction */
            add_decimal(out, left, unit);
            left = 0;
        }
        arc__buf_add_slice(out, units[i].name);
    }
}

static void put_digits(char *to, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* Counted in years that begin in March, so that the leap day is
 * the last one; 400 of them are 146097 days. */
void arc__date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t since = days + 719468; /* since 0000-03-01; positive for every time in nanoseconds */
    int64_t era = since / 146097, in_era = since % 146097;
    /* Less the leap days gone by (one in 4 years, none in 100): 365 days are a year. */
    int64_t year_in_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year_in_era + year_in_era / 4 - year_in_era / 100);
    int64_t from_march = (5 * in_year + 2) / 153; /* five months are 153 days, twice a year */
    *day = in_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = era * 400 + year_in_era + (*month <= 2);
}

void arc__rfc3339_add(struct arc_buf *out, int64_t wall_ns)
{
    const int64_t day_ns = 86400 * ARC_NS_PER_S;
    int64_t days = wall_ns / day_ns, in_day = wall_ns % day_ns, year = 0, month = 0, day = 0;
    if (in_day < 0) { /* before 1970: division rounds towards zero, calendars do not */
        in_day += day_ns;
        days--;
    }
    arc__date_of(days, &year, &month, &day);
    int64_t ms = in_day / ARC_NS_PER_MS, second = ms / 1000;
    char text[] = "0000-00-00T00:00:00.000Z";
    put_digits(text, year, 4);
    put_digits(text + 5, month, 2);
    put_digits(text + 8, day, 2);
    put_digits(text + 11, second / 3600, 2);
    put_digits(text + 14, second / 60 % 60, 2);
    put_digits(text + 17, second % 60, 2);
    put_digits(text + 20, ms % 1000, 3);
    arc__buf_add(out, text, sizeof(text) - 1);
}
