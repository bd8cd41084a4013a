/* SPDX-License-Identifier: Apache-2.0 */
/* A share of the soaks, for every build. */
#include "soak.h"

#include <string.h>

#include "base/err.h"
#include "shim.h"

static struct soak share(void (*run)(struct soak *soak), uint64_t lives)
{
    struct soak soak = {.seed = 7, .from = 1, .to = lives};
    run(&soak);
    CHECK_INT(soak.failed, 0);
    if (soak.skipped > 0) {
        test_skip("this soak has said why");
        return soak;
    }
    CHECK_INT(soak.lives, lives);
    return soak;
}

static uint64_t figure(const struct soak *soak, const char *name)
{
    for (size_t i = 0; i < ARC_COUNT_OF(soak->figures); i++) {
        if (soak->figures[i].name != NULL && strcmp(soak->figures[i].name, name) == 0)
            return soak->figures[i].count;
    }
    return 0;
}

static void kills_lose_nothing(void)
{
    (void)share(soak_kill, 150);
}

static void lost_power_loses_nothing(void)
{
    (void)share(soak_power, 500);
}

static void damage_is_told(void)
{
    (void)share(soak_flips, 300);
}

static void kills_at_calls_lose_nothing(void)
{
    (void)share(soak_calls, 120);
}

static void killed_clients_lose_nothing(void)
{
    struct soak soak = share(soak_pgkill, 40);
    CHECK(soak.skipped > 0 || figure(&soak, "killed at a certain call") > 10);
}

static void cut_connections_tell_the_truth(void)
{
    struct soak soak = share(soak_pgbytes, 60);
    CHECK(soak.skipped > 0 || figure(&soak, "lives of a batch of one event") == 20);
    CHECK(soak.skipped > 0 || figure(&soak, "lives of a batch of 4 events") == 20);
    CHECK(soak.skipped > 0 || figure(&soak, "lives of a batch of 40 events") == 20);
}

static const struct test tests[] = {
    {"kills anywhere lose nothing that was said to be stored", kills_lose_nothing},
    {"power that goes anywhere takes nothing stored with it", lost_power_loses_nothing},
    {"damage anywhere is an error or changes no answer", damage_is_told},
    {"kills at system calls lose nothing, and no copy is half", kills_at_calls_lose_nothing},
    {"a client of PostgreSQL that is killed loses nothing", killed_clients_lose_nothing},
    {"a commit whose connection fails at any byte is there once", cut_connections_tell_the_truth},
};

TEST_MAIN(tests)
