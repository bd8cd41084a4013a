/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket on a clock that is given: so many at once, so many a second after that. It tells a
 * flood from bad luck. Must stay true: it needs no timer and never counts backwards. */
#ifndef ARC_WIRE_BUCKET_H
#define ARC_WIRE_BUCKET_H

#include <stdint.h>

struct arc_bucket {
    uint64_t milli;       /* thousandths of a token in the bucket */
    uint64_t last_ns;     /* when it was last filled */
    uint32_t burst;       /* how many fit */
    uint32_t per_s_milli; /* how many come a second, in thousandths */
};

/* per_s_milli: 10000 is ten a second, 200 one in five seconds. Starts full. */
void arc__bucket_init(struct arc_bucket *bucket, uint32_t burst, uint32_t per_s_milli,
                      uint64_t now_ns);
/* 1: a token was there and is gone now; 0: the bucket is empty. */
int arc__bucket_take(struct arc_bucket *bucket, uint64_t now_ns);
/* Puts so many back, as far as they fit. */
void arc__bucket_give(struct arc_bucket *bucket, uint32_t count);

#endif
