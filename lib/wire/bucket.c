/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bucket.h"

#include "base/time.h"

void arc__bucket_init(struct arc_bucket *bucket, uint32_t burst, uint32_t per_s_milli,
                      uint64_t now_ns)
{
    *bucket = (struct arc_bucket){(uint64_t)burst * 1000, now_ns, burst, per_s_milli};
}

int arc__bucket_take(struct arc_bucket *bucket, uint64_t now_ns)
{
    uint64_t full = (uint64_t)bucket->burst * 1000;
    if (now_ns > bucket->last_ns && bucket->per_s_milli > 0) {
        uint64_t gone_ns = now_ns - bucket->last_ns;
        uint64_t gone_ms = gone_ns / (uint64_t)ARC_NS_PER_MS;
        uint64_t fresh =
            gone_ms > UINT64_C(1000000000) ? full : gone_ms * bucket->per_s_milli / UINT64_C(1000);
        /* Time that made no whole thousandth stays on the clock, or a fast caller would starve
         * the bucket by asking often. */
        if (fresh > 0) {
            bucket->last_ns = now_ns;
            bucket->milli = bucket->milli + fresh > full ? full : bucket->milli + fresh;
        }
    }
    if (bucket->milli < 1000)
        return 0;
    bucket->milli -= 1000;
    return 1;
}

void arc__bucket_give(struct arc_bucket *bucket, uint32_t count)
{
    uint64_t full = (uint64_t)bucket->burst * 1000, given = (uint64_t)count * 1000;
    bucket->milli = bucket->milli + given > full ? full : bucket->milli + given;
}
