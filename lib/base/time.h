/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic with time that is given. Nothing here asks a clock. All times are nanoseconds; wall
 * times since the Unix epoch in UTC. */
#ifndef ARC_BASE_TIME_H
#define ARC_BASE_TIME_H

#include "base/buf.h"

#define ARC_NS_PER_MS INT64_C(1000000)
#define ARC_NS_PER_S INT64_C(1000000000)

/* "90s", "1h30m", "1.5h", "250ms", "0"; units ns us ms s m h d. Saturates never: too large is
 * ARC_ELIMIT. What is less than 1ns is dropped, but a duration that is nothing else, blanks, signs
 * and numbers without a unit are ARC_EINVAL (the message shows the form). */
arc_status arc__duration_parse(arc_slice text, int64_t *out_ns, arc_err *err);
/* The shortest exact form that parses back: "1h30m", "250ms", "0". */
void arc__duration_add(struct arc_buf *out, int64_t ns);
/* Days since 1970-01-01, not before the year 0, as a date: month and day from 1. */
void arc__date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day);
/* RFC 3339 in UTC with milliseconds: "2026-01-31T08:00:00.250Z". */
void arc__rfc3339_add(struct arc_buf *out, int64_t wall_ns);

#endif
