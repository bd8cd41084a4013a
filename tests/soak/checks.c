/* SPDX-License-Identifier: Apache-2.0 */
/* What the server of the unit tests says with the checks of a case, said without one. */
#include <stdio.h>
#include <stdlib.h>

#include "shim.h"

void test_skip(const char *why)
{
    printf("# %s\n", why);
}

int test_check_int(const char *file, int line, const char *what, int64_t got, int64_t want)
{
    if (got == want)
        return 1;
    printf("# %s:%d: %s: %lld, not %lld\n", file, line, what, (long long)got, (long long)want);
    exit(1);
}

int test_check_text(const char *file, int line, const char *what, arc_slice got, arc_slice want)
{
    if (arc__slice_equal(got, want))
        return 1;
    printf("# %s:%d: %s: \"%.*s\", not \"%.*s\"\n", file, line, what, (int)got.len, got.ptr,
           (int)want.len, want.ptr);
    exit(1);
}
