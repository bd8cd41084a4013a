/* SPDX-License-Identifier: Apache-2.0 */
/* A share of the lives of several servers on one store. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "shim.h"

#define PEACEFUL_LIVES 60
#define FAILING_LIVES 200

#define BIT(name) (UINT64_C(1) << FAULT_##name)

/* The goals of several servers are met over a range, so that it is not too tame. */
static void live(uint32_t replicas, uint64_t lives, uint64_t off, enum goal first)
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
    for (uint32_t i = first; i < GOAL_COUNT; i++) {
        if (!CHECK(goals[i] > 0))
            printf("# %s\n", sim_goal_sentences[i]);
    }
    free(sim);
}
