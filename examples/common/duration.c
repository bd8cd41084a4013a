/* SPDX-License-Identifier: Apache-2.0 */
#include "common/duration.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static const struct {
    char name[4];
    int64_t ns;
} units[] = {{"ns", 1},
             {"us", 1000},
             {"ms", NS_PER_MS},
             {"s", NS_PER_S},
             {"m", 60 * NS_PER_S},
             {"h", 3600 * NS_PER_S},
             {"d", 86400 * NS_PER_S}};

/* The longest unit at `at`: "ms" before "m". */
static int64_t unit_at(const char **at)
{
    size_t best = 0, len = 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t here = strlen(units[i].name);
        if (here > len && strncmp(*at, units[i].name, here) == 0) {
            best = i;
            len = here;
        }
    }
    *at += len;
    return len > 0 ? units[best].ns : 0;
}

int duration_parse(const char *text, int64_t *out_ns)
{
    /* 100 years: beyond it a sum could overflow, and nobody means it. */
    const double most = 3.2e18;
    double total = 0;
    if (strcmp(text, "0") == 0) {
        *out_ns = 0;
        return 1;
    }
    const char *at = text;
    do {
        double number = 0, place = 1;
        int digits = 0;
        for (; *at >= '0' && *at <= '9'; at++, digits++)
            number = number * 10 + (*at - '0');
        if (*at == '.') {
            for (at++; *at >= '0' && *at <= '9'; at++, digits++) {
                place /= 10;
                number += place * (*at - '0');
            }
        }
        int64_t unit = unit_at(&at);
        if (digits == 0 || digits > 18 || unit == 0)
            return 0;
        total += number * (double)unit;
        if (total > most)
            return 0;
    } while (*at != '\0');
    *out_ns = (int64_t)(total + 0.5);
    return 1;
}

void duration_put(struct text *text, int64_t ns)
{
    int64_t s = ns / NS_PER_S;
    if (ns < 0)
        text_put(text, "-");
    else if (s < 1)
        text_printf(text, "%" PRId64 "ms", ns / NS_PER_MS);
    else if (s < 10)
        text_printf(text, "%" PRId64 ".%02" PRId64 "s", s, ns % NS_PER_S / (10 * NS_PER_MS));
    else if (s < 60)
        text_printf(text, "%" PRId64 ".%" PRId64 "s", s, ns % NS_PER_S / (100 * NS_PER_MS));
    else if (s < 3600)
        text_printf(text, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else
        text_printf(text, "%" PRId64 "h%02" PRId64 "m", s / 3600, s % 3600 / 60);
}

void time_put(struct text *text, int64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL)
        return;
    text_printf(text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                (int)(wall_ns % NS_PER_S / NS_PER_MS));
}
