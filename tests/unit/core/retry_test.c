/* SPDX-License-Identifier: Apache-2.0 */
/* Whether there is another attempt, and when. */
#include "core/retry.h"

#include "base/time.h"
#include "shim.h"

#define SECONDS(n) ((n)*ARC_NS_PER_S)

static const int64_t ten_years = INT64_C(10) * 366 * 86400 * 1000000000;

/* Answers what the test wants, and keeps what it was asked. */
struct dice {
    uint64_t answer, bound, asked;
};

static uint64_t roll(void *user, uint64_t bound)
{
    struct dice *dice = user;
    dice->asked++;
    dice->bound = bound;
    return dice->answer < bound ? dice->answer : bound - 1;
}

static int64_t delay(struct arc_retry retry, uint32_t ended)
{
    return arc__retry_delay_ns(&retry, ended, NULL, NULL);
}

static void attempts_are_counted_in_all(void)
{
    struct arc_retry retry = {.max_attempts = 3, .on = ARC_CAUSE_ALL};
    CHECK_INT(arc__retry_covers(&retry, 1, ARC_CAUSE_FAILED), 1);
    CHECK_INT(arc__retry_covers(&retry, 2, ARC_CAUSE_LOST), 1);
    CHECK_INT(arc__retry_covers(&retry, 3, ARC_CAUSE_TIMEOUT), 0);
    CHECK_INT(arc__retry_covers(&retry, UINT32_MAX, ARC_CAUSE_FAILED), 0);
    retry.max_attempts = 1;
    CHECK_INT(arc__retry_covers(&retry, 1, ARC_CAUSE_FAILED), 0);
    retry.max_attempts = 0; /* there is none */
    CHECK_INT(arc__retry_covers(&retry, 0, ARC_CAUSE_FAILED), 0);
}

static void a_cause_must_be_named(void)
{
    struct arc_retry retry = {.max_attempts = 9, .on = ARC_CAUSE_FAILED | ARC_CAUSE_LOST};
    CHECK_INT(arc__retry_covers(&retry, 1, ARC_CAUSE_FAILED), 1);
    CHECK_INT(arc__retry_covers(&retry, 1, ARC_CAUSE_LOST), 1);
    CHECK_INT(arc__retry_covers(&retry, 1, ARC_CAUSE_TIMEOUT), 0);
    CHECK_INT(arc__retry_covers(&retry, 1, 0), 0); /* a cancelled one is not retried */
}

static void each_backoff_grows_in_its_way(void)
{
    static const int64_t linear[] = {2, 4, 6, 8, 10}, doubling[] = {2, 4, 8, 16, 32};
    struct arc_retry retry = {.delay_ns = SECONDS(2)};
    for (uint32_t ended = 1; ended <= 5; ended++) {
        retry.backoff = ARC_BACKOFF_FIXED;
        CHECK_INT(delay(retry, ended), SECONDS(2));
        retry.backoff = ARC_BACKOFF_LINEAR;
        CHECK_INT(delay(retry, ended), SECONDS(linear[ended - 1]));
        retry.backoff = ARC_BACKOFF_EXPONENTIAL;
        CHECK_INT(delay(retry, ended), SECONDS(doubling[ended - 1]));
    }
    retry.max_delay_ns = SECONDS(7);
    CHECK_INT(delay(retry, 2), SECONDS(4));
    CHECK_INT(delay(retry, 3), SECONDS(7));
    retry.delay_ns = 0;
    CHECK_INT(delay(retry, 9), 0);
    retry = (struct arc_retry){.delay_ns = SECONDS(9), .max_delay_ns = SECONDS(3)};
    CHECK_INT(delay(retry, 1), SECONDS(3)); /* no back-off named */
}

static void no_delay_overflows(void)
{
    struct arc_retry retry = {.delay_ns = INT64_MAX};
    for (int backoff = ARC_BACKOFF_LINEAR; backoff <= ARC_BACKOFF_EXPONENTIAL; backoff++) {
        retry.backoff = (enum arc_backoff)backoff;
        retry.delay_ns = INT64_MAX;
        CHECK_INT(delay(retry, UINT32_MAX), ten_years);
        retry.delay_ns = 1;
        CHECK(delay(retry, UINT32_MAX) > 0);
        CHECK(delay(retry, 100) > 0);
        CHECK(delay(retry, UINT32_MAX) <= ten_years);
    }
    retry.backoff = ARC_BACKOFF_FIXED;
    retry.delay_ns = INT64_MAX;
    CHECK_INT(delay(retry, 1), ten_years);
}

static void jitter_lies_between_nothing_and_the_delay(void)
{
    struct arc_retry retry = {.delay_ns = SECONDS(2), .backoff = ARC_BACKOFF_FIXED, .jitter = 1};
    struct dice dice = {.answer = 0};
    CHECK_INT(arc__retry_delay_ns(&retry, 1, roll, &dice), 0);
    CHECK_INT(dice.bound, SECONDS(2) + 1);
    dice.answer = UINT64_MAX;
    CHECK_INT(arc__retry_delay_ns(&retry, 1, roll, &dice), SECONDS(2));
    retry.max_delay_ns = SECONDS(1);
    CHECK_INT(arc__retry_delay_ns(&retry, 1, roll, &dice), SECONDS(1));
    CHECK_INT(dice.asked, 3);
    retry.delay_ns = 0;
    CHECK_INT(arc__retry_delay_ns(&retry, 1, roll, &dice), 0);
    retry = (struct arc_retry){.delay_ns = SECONDS(2)};
    CHECK_INT(arc__retry_delay_ns(&retry, 1, roll, &dice), SECONDS(2));
    CHECK_INT(dice.asked, 3); /* nobody is asked without need */
}

static const struct test tests[] = {
    {"maxAttempts counts executions in all", attempts_are_counted_in_all},
    {"a retry covers the causes that it names", a_cause_must_be_named},
    {"each back-off grows in its way, up to maxDelay", each_backoff_grows_in_its_way},
    {"no delay overflows", no_delay_overflows},
    {"jitter lies between nothing and the delay", jitter_lies_between_nothing_and_the_delay},
};
TEST_MAIN(tests)
