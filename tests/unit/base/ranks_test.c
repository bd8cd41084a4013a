/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ranks.h"

#include "shim.h"

#include <string.h>

#define MANY 500
#define DEEP 100000

struct entry {
    struct arc_rank rank;
    int in;
};

/* A repeatable sequence (xorshift64). */
static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int goes_before(const struct arc_rank *a, const struct arc_rank *b)
{
    return a->first != b->first ? a->first < b->first : a->second < b->second;
}

/* Every entry's place is how many of the others are smaller: counted, not looked up. */
static size_t wrong_places(const struct arc_ranks *ranks, const struct entry *entries, size_t count)
{
    size_t wrong = 0, in = 0;
    for (size_t i = 0; i < count; i++) {
        size_t before = 0;
        if (!entries[i].in)
            continue;
        in++;
        for (size_t k = 0; k < count; k++)
            before += entries[k].in && goes_before(&entries[k].rank, &entries[i].rank);
        wrong += arc__ranks_before(ranks, &entries[i].rank) != before;
        wrong += arc__ranks_at(ranks, before) != &entries[i].rank;
    }
    return wrong + (arc__ranks_count(ranks) != in) + (arc__ranks_at(ranks, in) != NULL);
}

static void everyone_has_the_place_that_counting_gives(void)
{
    static struct entry entries[MANY];
    struct arc_ranks ranks = {0};
    uint64_t seed = 88172645463325252;
    memset(entries, 0, sizeof(entries));
    for (size_t round = 0; round < 40; round++) {
        for (size_t n = 0; n < 60; n++) {
            struct entry *entry = &entries[next_number(&seed) % MANY];
            if (entry->in)
                arc__ranks_remove(&ranks, &entry->rank);
            else /* few values for the first, so that the second decides */
                arc__ranks_add(&ranks, &entry->rank, next_number(&seed) % 7, next_number(&seed));
            entry->in = !entry->in;
        }
        CHECK_INT(wrong_places(&ranks, entries, MANY), 0);
    }
}

static void an_empty_set_has_nobody(void)
{
    struct arc_ranks ranks = {0};
    struct arc_rank rank = {0};
    CHECK_INT(arc__ranks_count(&ranks), 0);
    CHECK(arc__ranks_at(&ranks, 0) == NULL);
    arc__ranks_remove(&ranks, &rank); /* not in it */
    arc__ranks_add(&ranks, &rank, 1, 1);
    CHECK(arc__ranks_at(&ranks, 0) == &rank);
    arc__ranks_remove(&ranks, &rank);
    CHECK_INT(arc__ranks_count(&ranks), 0);
    CHECK_INT(rank.size, 0);
}

static size_t depth_of(const struct arc_ranks *ranks)
{
    const struct arc_rank *stack[256];
    size_t depths[256], top = 0, deepest = 0;
    stack[0] = ranks->root;
    depths[top++] = 1;
    while (top > 0) {
        const struct arc_rank *node = stack[--top];
        size_t depth = depths[top];
        if (node == NULL || top > 250)
            continue;
        deepest = depth > deepest ? depth : deepest;
        stack[top] = node->left;
        depths[top++] = depth + 1;
        stack[top] = node->right;
        depths[top++] = depth + 1;
    }
    return deepest;
}

static void in_order_of_coming_it_stays_shallow(void)
{
    static struct arc_rank entries[DEEP];
    struct arc_ranks ranks = {0};
    memset(entries, 0, sizeof(entries));
    for (size_t i = 0; i < DEEP; i++)
        arc__ranks_add(&ranks, &entries[i], i + 1, 0);
    CHECK(depth_of(&ranks) < 64);
    CHECK_INT(arc__ranks_before(&ranks, &entries[DEEP - 1]), DEEP - 1);
    size_t wrong = 0;
    for (size_t i = 0; i < DEEP; i++) {
        wrong += arc__ranks_at(&ranks, 0) != &entries[i];
        arc__ranks_remove(&ranks, &entries[i]);
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(arc__ranks_count(&ranks), 0);
}

static const struct test tests[] = {
    {"everyone has the place that counting gives", everyone_has_the_place_that_counting_gives},
    {"an empty set has nobody", an_empty_set_has_nobody},
    {"in order of coming it stays shallow", in_order_of_coming_it_stays_shallow},
};
TEST_MAIN(tests)
