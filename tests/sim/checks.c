/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of the shim for a program that has no cases: they say what they saw. */
#include <stdio.h>

#include "../unit/shim.h"

int test_check_status(const char *file, int line, const char *what, arc_status got, arc_status want)
{
    if (got != want)
        printf("%s:%d: %s: %s\n", file, line, what, arc_status_name(got));
    return got == want;
}

int test_check_int(const char *file, int line, const char *what, int64_t got, int64_t want)
{
    if (got != want)
        printf("%s:%d: %s: %lld, not %lld\n", file, line, what, (long long)got, (long long)want);
    return got == want;
}

int test_check_text(const char *file, int line, const char *what, arc_slice got, arc_slice want)
{
    int same = arc__slice_equal(got, want);
    if (!same)
        printf("%s:%d: %s: %.*s, not %.*s\n", file, line, what, ARC_ARG(got), ARC_ARG(want));
    return same;
}

void test_skip(const char *why)
{
    printf("%s\n", why);
}
