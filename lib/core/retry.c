/* SPDX-License-Identifier: Apache-2.0 */
#include "core/retry.h"

/* Beyond this a delay makes no sense and arithmetic would come near its end: 10 years. */
#define DELAY_MAX_NS (INT64_C(10) * 366 * 86400 * 1000000000)

int arc__retry_covers(const struct arc_retry *retry, uint32_t ended, uint32_t cause)
{
    return retry->max_attempts > 0 && ended < retry->max_attempts && (retry->on & cause) != 0;
}

static int64_t times(int64_t delay_ns, int64_t factor)
{
    return delay_ns > DELAY_MAX_NS / factor ? DELAY_MAX_NS : delay_ns * factor;
}

int64_t arc__retry_delay_ns(const struct arc_retry *retry, uint32_t ended,
                            uint64_t (*random)(void *user, uint64_t bound), void *user)
{
    int64_t delay_ns = retry->delay_ns < DELAY_MAX_NS ? retry->delay_ns : DELAY_MAX_NS;
    if (retry->backoff == ARC_BACKOFF_LINEAR)
        delay_ns = times(delay_ns, ended > 0 ? ended : 1);
    if (retry->backoff == ARC_BACKOFF_EXPONENTIAL) {
        for (uint32_t i = 1; i < ended && delay_ns < DELAY_MAX_NS; i++)
            delay_ns = times(delay_ns, 2);
    }
    if (retry->max_delay_ns > 0 && delay_ns > retry->max_delay_ns)
        delay_ns = retry->max_delay_ns;
    if (retry->jitter && delay_ns > 0)
        delay_ns = (int64_t)random(user, (uint64_t)delay_ns + 1);
    return delay_ns;
}
