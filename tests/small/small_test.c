/* SPDX-License-Identifier: Apache-2.0 */
/* A share of the tiny worlds, and that what is planted in them is found. What is planted in the
 * core is found by mutants_test.py. */
#include "small.h"

#include <string.h>

#include "shim.h"

static const struct world_def *world_named(const char *name)
{
    for (uint32_t i = 0; i < world_count; i++) {
        if (strcmp(worlds[i].name, name) == 0)
            return &worlds[i];
    }
    return NULL;
}

static int searched(const char *name, const struct search_options *options,
                    struct search_result *result)
{
    const struct world_def *def = world_named(name);
    return CHECK_INT(def != NULL, 1) && CHECK_INT(search_world(def, options, result), 1);
}

static void the_first_states_of_every_world_hold(void)
{
    const struct search_options options = {.limit = 8000, .bads = -1, .asks = -1};
    for (uint32_t i = 0; i < world_count; i++) {
        struct search_result result;
        CHECK_INT(search_world(&worlds[i], &options, &result), 1);
        CHECK(result.states >= 8000);
        if (!CHECK_INT(result.broken, 0))
            search_show(&worlds[i], &options, &result);
    }
}

static void a_world_is_searched_to_its_end(void)
{
    const struct search_options options = {.bads = 0, .asks = -1};
    struct search_result result;
    if (!searched("step-retry", &options, &result))
        return;
    CHECK_INT(result.whole, 1);
    CHECK_INT(result.broken, 0);
    CHECK(result.states > 5000);
    CHECK(result.ends > 100);
    CHECK(result.longest_calm > 10);
}

static void a_limit_ends_a_search(void)
{
    const struct search_options options = {.limit = 500, .bads = -1, .asks = -1};
    struct search_result result;
    if (!searched("steps", &options, &result))
        return;
    CHECK_INT(result.whole, 0);
    CHECK(result.states >= 500 && result.states < 600);
}

/* The moves that are told lead to what is told, and it is not there before the last. */
static void check_way(const struct world_def *def, const struct search_options *options,
                      const struct search_result *result)
{
    struct world_def own = *def;
    struct lab lab;
    own.bads_most = options->bads >= 0 ? (uint32_t)options->bads : own.bads_most;
    CHECK_INT(lab_open(&lab, &own, options->plant), 1);
    lab_begin(&lab);
    for (uint32_t i = 0; i < result->way_count; i++) {
        uint16_t moves[MOVES_MAX];
        uint32_t calm = 0, known = 0, count = moves_list(&lab, moves, &calm);
        for (uint32_t k = 0; k < count; k++)
            known |= moves[k] == result->way[i];
        CHECK_INT(known, 1);
        if (!move_make(&lab, result->way[i])) {
            CHECK_INT(i + 1, result->way_count);
            CHECK_TEXT(arc__slice_cstr(lab.wrong), result->wrong);
        }
    }
    lab_close(&lab);
}

static void what_is_planted_is_found(void)
{
    static const struct {
        enum plant plant;
        const char *world;
        int bads;
        const char *breaks;
        uint32_t moves; /* of the shortest way */
    } rows[] = {
        {PLANT_NO_LEASE_AFTER_RESTART, "steps", 1, "I5: ", 2},
        {PLANT_RENEWED_AND_NOT, "steps", 0, "I5: ", 6},
        {PLANT_OFFERED_AGAIN, "steps", 1, "I1: ", 10},
        {PLANT_SAME_FENCE, "steps", 1, "I5: ", 8},
        {PLANT_EVENT_NOT_STORED, "steps", 0, "I16: ", 9},
        {PLANT_BEGINS_WITHOUT_LEASE, "steps", 1, "I6: ", 10},
        {PLANT_NO_TICK, "late", 0, "I7: ", 0},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        const struct search_options options = {
            .limit = 40000, .bads = rows[i].bads, .asks = 0, .plant = rows[i].plant};
        struct search_result result;
        if (!searched(rows[i].world, &options, &result))
            continue;
        if (!CHECK_INT(result.broken, 1) ||
            !CHECK_INT(strncmp(result.wrong, rows[i].breaks, strlen(rows[i].breaks)), 0))
            printf("# %s: %s\n", plant_names[rows[i].plant], result.wrong);
        if (rows[i].moves > 0)
            CHECK_INT(result.way_count, rows[i].moves);
        check_way(world_named(rows[i].world), &options, &result);
    }
}

static void worlds_of_one_print_behave_alike(void)
{
    static const char *const names[] = {"copies", "finally-job", "late", "cells", "gate-one"};
    const struct search_options options = {.limit = 2500, .twice = 40, .bads = -1, .asks = -1};
    for (size_t i = 0; i < ARC_COUNT_OF(names); i++) {
        struct search_result result;
        if (!searched(names[i], &options, &result))
            continue;
        CHECK(result.again > 10);
        if (!CHECK_INT(result.broken, 0))
            printf("# %s: %s\n", names[i], result.wrong);
    }
}

/* Two worlds after some moves each have one print, or have not. */
static int same_print(const char *name, const uint16_t *one, const uint16_t *two, uint32_t count)
{
    struct print prints[2];
    for (int i = 0; i < 2; i++) {
        struct lab lab;
        CHECK_INT(lab_open(&lab, world_named(name), PLANT_NONE), 1);
        lab_begin(&lab);
        for (uint32_t k = 0; k < count; k++)
            CHECK_INT(move_make(&lab, i == 0 ? one[k] : two[k]), 1);
        prints[i] = world_print(&lab);
        lab_close(&lab);
    }
    return prints[0].a == prints[1].a && prints[0].b == prints[1].b;
}

static void a_print_does_not_see_what_agents_are_called(void)
{
    const uint16_t first[] = {MOVE(MOVE_PLACE, 0, 0), MOVE(MOVE_OFFER, 0, 0)};
    const uint16_t second[] = {MOVE(MOVE_PLACE, 0, 1), MOVE(MOVE_OFFER, 0, 0)};
    const uint16_t later[] = {MOVE(MOVE_PLACE, 0, 0), MOVE(MOVE_TICK, 0, 0)};
    const uint16_t crossed[] = {MOVE(MOVE_PLACE, 0, 1), MOVE(MOVE_PLACE, 1, 0)};
    const uint16_t plain[] = {MOVE(MOVE_PLACE, 0, 0), MOVE(MOVE_PLACE, 1, 1)};
    CHECK_INT(same_print("steps", first, second, 2), 1);
    CHECK_INT(same_print("beside", crossed, plain, 2), 1);
    CHECK_INT(same_print("steps", first, later, 2), 0);
    CHECK_INT(same_print("beside", first, plain, 1), 1);
    CHECK_INT(same_print("beside", first, plain, 2), 0);
}

static const struct test tests[] = {
    {"the first states of every world hold", the_first_states_of_every_world_hold},
    {"a world is searched to its end", a_world_is_searched_to_its_end},
    {"a limit ends a search, and it says so", a_limit_ends_a_search},
    {"what is planted is found, by a shortest way that leads to it", what_is_planted_is_found},
    {"worlds of one print behave alike", worlds_of_one_print_behave_alike},
    {"a print does not see what agents are called", a_print_does_not_see_what_agents_are_called},
};
TEST_MAIN(tests)
