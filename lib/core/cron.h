/* SPDX-License-Identifier: Apache-2.0 */
/* Times of a `cron` trigger: five fields (minute, hour, day of the month, month, day of the week)
 * or a nickname like @daily. Pure: the time is given, and it is the caller who knows the zone. */
#ifndef ARC_CORE_CRON_H
#define ARC_CORE_CRON_H

#include "base/slice.h"

/* Each field as the set of its values, as bits. */
struct arc_cron {
    uint64_t minutes;
    uint32_t hours;
    uint32_t days;     /* of the month, 1 to 31 */
    uint32_t months;   /* 1 to 12 */
    uint32_t weekdays; /* 0 is Sunday, to 6 */
    /* A day must be in both sets where one of the two fields begins with `*`, else in either. */
    uint32_t both;
};

/* What is wrong with an expression: bytes of its text, a clause, and what to write instead. */
struct arc_cron_fault {
    uint32_t offset, end;
    const char *what; /* "the hour goes from 0 to 23" */
    const char *hint; /* may be empty */
    int never;        /* 1: it can be read, but no day is ever meant */
};

/* Fields are `*`, a value, a range `a-b`, either with a step `/n`, or a list of these. Months and
 * days of the week have names of three letters; 7 is Sunday too. ARC_EINVAL: *fault. */
arc_status arc__cron_parse(arc_slice text, struct arc_cron *out, struct arc_cron_fault *fault);
/* The first time after `after_ns` that is meant, in UTC; times are not before 1970. 0: none that
 * can be held. */
int arc__cron_next(const struct arc_cron *cron, int64_t after_ns, int64_t *out_ns);

#endif
