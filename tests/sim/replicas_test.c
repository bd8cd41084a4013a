/* SPDX-License-Identifier: Apache-2.0 */
/* A share of the lives of several servers on one store. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "shim.h"

#define BIT(name) (UINT64_C(1) << FAULT_##name)

/* Goals are those of several servers, from first on: a range that does not meet them is too tame.
 */
static void live(uint32_t replicas, uint64_t lives, uint64_t off, enum goal first, enum goal last)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    uint64_t goals[GOAL_COUNT] = {0};
    for (uint64_t seed = 1; seed <= lives; seed++) {
        struct sim_plan plan = {.seed = seed, .replicas = replicas, .off = off};
        if (!CHECK_INT(sim_live(sim, &plan), 1)) {
            printf("# seed %llu: %s\n", (unsigned long long)seed, sim->sentence);
            break;
        }
        for (uint32_t i = 0; i < GOAL_COUNT; i++)
            goals[i] += sim->goals[i];
    }
    for (uint32_t i = first; i <= last; i++) {
        if (!CHECK_INT(goals[i] > 0, 1))
            printf("# %s\n", sim_goal_sentences[i]);
    }
    free(sim);
}

static void servers_to_which_nothing_happens(void)
{
    live(2, 60, UINT64_MAX, GOAL_WANDERED, GOAL_WANDERED);
}

/* They die and come back, the store is far away, and agents go from one to the other. */
static void servers_that_die(void)
{
    live(2, 60,
         ~(BIT(FAR) | BIT(NAMED) | BIT(CRASH_ANY) | BIT(CRASH_BEFORE) | BIT(CRASH_AFTER) |
           BIT(CRASH_AGAIN) | BIT(REBOOT) | BIT(ROAM) | BIT(DEAF_REPLICAS)),
         GOAL_ROAMED, GOAL_INHERITED);
}

static void servers_that_fall_silent(void)
{
    live(2, 60, ~(BIT(FAR) | BIT(NAMED) | BIT(SILENCE) | BIT(ASTRAY) | BIT(CRASH_ANY)),
         GOAL_REAL_CONFLICT, GOAL_WANDERED);
}

/* What each of them showed is said where it was mended: groups, leases, timeouts, rows of others,
 * agents that are not known yet or wanted by two, what they push, logs, runs that are inherited. */
static void lives_that_did_not_hold(void)
{
    static const struct {
        uint64_t seed;
        uint32_t replicas;
    } lives[] = {{190, 2},  {368, 2},  {450, 2},  {467, 2},  {796, 2},  {900, 2},
                 {952, 2},  {1551, 2}, {1721, 2}, {1816, 2}, {1817, 2}, {2129, 2},
                 {3970, 2}, {5853, 2}, {55, 3},   {269, 3},  {326, 3},  {522, 3}};
    struct sim *sim = calloc(1, sizeof(*sim));
    for (size_t i = 0; i < ARC_COUNT_OF(lives); i++) {
        struct sim_plan plan = {.seed = lives[i].seed, .replicas = lives[i].replicas};
        if (!CHECK_INT(sim_live(sim, &plan), 1))
            printf("# seed %llu: %s\n", (unsigned long long)plan.seed, sim->sentence);
    }
    free(sim);
}

static void a_seed_is_one_life(void)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    struct sim_plan plan = {.seed = 7, .replicas = 2, .off = BIT(SQUEEZE)};
    CHECK_INT(sim_live(sim, &plan), 1);
    uint64_t hash = sim->hash;
    CHECK_INT(sim_live(sim, &plan), 1);
    CHECK(sim->hash == hash);
    plan.replicas = 3;
    CHECK_INT(sim_live(sim, &plan), 1);
    CHECK(sim->hash != hash);
    free(sim);
}

static const struct test tests[] = {
    {"lives of two servers hold when nothing happens", servers_to_which_nothing_happens},
    {"lives of two servers that die and come back hold", servers_that_die},
    {"lives of two servers that fall silent hold", servers_that_fall_silent},
    {"lives of several servers that did not hold do now", lives_that_did_not_hold},
    {"with several servers as well a seed is one life", a_seed_is_one_life},
};
TEST_MAIN(tests)
