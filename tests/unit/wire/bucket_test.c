/* SPDX-License-Identifier: Apache-2.0 */
#include "shim.h"

#include "wire/bucket.h"

#define S UINT64_C(1000000000)

static int take_all(struct arc_bucket *bucket, uint64_t now_ns)
{
    int count = 0;
    while (count < 10000 && arc__bucket_take(bucket, now_ns))
        count++;
    return count;
}

static void starts_full(void)
{
    struct arc_bucket bucket;
    arc__bucket_init(&bucket, 100, 10000, 5 * S);
    CHECK_INT(take_all(&bucket, 5 * S), 100);
    CHECK_INT(take_all(&bucket, 5 * S), 0);
}

static void refills(void)
{
    struct arc_bucket bucket;
    arc__bucket_init(&bucket, 100, 10000, 0);
    CHECK_INT(take_all(&bucket, 0), 100);
    CHECK_INT(take_all(&bucket, S), 10);
    CHECK_INT(take_all(&bucket, S + S / 10), 1);
    CHECK_INT(take_all(&bucket, 1000 * S), 100);
    CHECK_INT(take_all(&bucket, UINT64_MAX), 100);
}

static void survives_asking_often(void)
{
    struct arc_bucket bucket;
    int count = 0;
    arc__bucket_init(&bucket, 1, 200, 0);
    CHECK_INT(take_all(&bucket, 0), 1);
    for (uint64_t at = 0; at <= 10 * S; at += S / 10000)
        count += arc__bucket_take(&bucket, at);
    CHECK_INT(count, 2);
}

static void ignores_a_clock_that_goes_back(void)
{
    struct arc_bucket bucket;
    arc__bucket_init(&bucket, 2, 1000, 10 * S);
    CHECK_INT(take_all(&bucket, 9 * S), 2);
    CHECK_INT(take_all(&bucket, 8 * S), 0);
    CHECK_INT(take_all(&bucket, 11 * S), 1);
}

static void what_is_given_back_fits_or_is_lost(void)
{
    struct arc_bucket bucket;
    arc__bucket_init(&bucket, 10, 0, 0);
    arc__bucket_give(&bucket, 5);
    CHECK_INT(take_all(&bucket, 0), 10);
    arc__bucket_give(&bucket, 3);
    CHECK_INT(take_all(&bucket, 0), 3);
    arc__bucket_give(&bucket, UINT32_MAX);
    CHECK_INT(take_all(&bucket, S), 10);
}

static const struct test tests[] = {
    {"a bucket starts full and runs empty", starts_full},
    {"a bucket fills at its rate up to its burst", refills},
    {"asking often does not keep a slow bucket empty", survives_asking_often},
    {"time that goes back gives nothing", ignores_a_clock_that_goes_back},
    {"what is given back fits, or is lost", what_is_given_back_fits_or_is_lost},
};
TEST_MAIN(tests)
