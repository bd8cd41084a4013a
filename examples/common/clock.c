/* SPDX-License-Identifier: Apache-2.0 */
#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now = {0, 0};
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_boot_ns(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

int64_t clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

void clock_random(void *buf, size_t len)
{
    if (getrandom(buf, len, 0) == (ssize_t)len)
        return;
    fputs("The system gives no random bytes.\n", stderr);
    exit(70);
}

int64_t clock_jitter(int64_t limit)
{
    uint64_t random = 0;
    clock_random(&random, sizeof(random));
    return (int64_t)(random % (uint64_t)limit);
}
