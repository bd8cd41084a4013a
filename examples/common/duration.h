/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as the pipeline language writes them ("90s", "1h30m", "1.5h", "250ms", "0"), and times
 * for people. */
#ifndef EXAMPLES_COMMON_DURATION_H
#define EXAMPLES_COMMON_DURATION_H

#include <stdint.h>

#include "common/text.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/* 1 and *out_ns, or 0 when it is not a duration ("" too). */
int duration_parse(const char *text, int64_t *out_ns);
/* Short and for people: "12ms", "3.21s", "1m05s", "2h04m". */
void duration_put(struct text *text, int64_t ns);
/* A Unix time in nanoseconds as RFC 3339 in UTC with milliseconds. */
void time_put(struct text *text, int64_t wall_ns);

#endif
