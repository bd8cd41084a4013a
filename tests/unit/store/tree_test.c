/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tree.h"

#include <stdlib.h>

#include "base/list.h"
#include "shim.h"

struct item {
    struct arc_store_tree_link link;
    int value;
};

static int value_of(const struct arc_store_tree_link *link)
{
    return ((const struct item *)(const void *)link)->value; /* the link stands first */
}

static int compare(const void *context, const struct arc_store_tree_link *x,
                   const struct arc_store_tree_link *y)
{
    (void)context;
    return (value_of(x) > value_of(y)) - (value_of(x) < value_of(y));
}

static int probe(const void *want, const struct arc_store_tree_link *link)
{
    int value = *(const int *)want;
    return (value_of(link) > value) - (value_of(link) < value);
}

/* The depth below a link, or -1 where order, priorities or parents are wrong. */
static int check_links(const struct arc_store_tree_link *link,
                       const struct arc_store_tree_link *parent)
{
    if (link == NULL)
        return 0;
    if (link->parent != parent || (parent != NULL && link->priority > parent->priority) ||
        (link->left != NULL && value_of(link->left) >= value_of(link)) ||
        (link->right != NULL && value_of(link->right) <= value_of(link)))
        return -1;
    int left = check_links(link->left, link), right = check_links(link->right, link);
    return left < 0 || right < 0 ? -1 : 1 + (left > right ? left : right);
}

enum { ITEMS = 2000 };

static void random_trees_stay_sorted(void)
{
    struct item *items = calloc(ITEMS, sizeof(*items));
    char there[ITEMS] = {0};
    struct arc_store_tree tree;
    uint64_t random = 88172645463325252u;
    arc__store_tree_init(&tree, compare, NULL);
    for (int step = 0; step < 40000; step++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int at = (int)((random >> 20) % ITEMS);
        items[at].value = at;
        if (!there[at]) {
            CHECK(arc__store_tree_add(&tree, &items[at].link) == NULL);
        } else {
            struct item twin = {.value = at};
            CHECK(arc__store_tree_add(&tree, &twin.link) == &items[at].link);
            arc__store_tree_remove(&tree, &items[at].link);
        }
        there[at] = !there[at];
        if (step % 500 != 0)
            continue;
        CHECK(check_links(tree.root, NULL) >= 0);
        const struct arc_store_tree_link *forth = arc__store_tree_first(&tree),
                                         *back = arc__store_tree_last(&tree);
        size_t count = 0;
        for (int i = 0; i < ITEMS; i++) {
            const struct arc_store_tree_link *from = arc__store_tree_seek(&tree, probe, &i);
            CHECK(from == forth); /* the first that is not before i */
            if (there[i]) {
                CHECK(forth == &items[i].link);
                forth = arc__store_tree_next(forth);
                count++;
            }
            const struct arc_store_tree_link *to = arc__store_tree_seek_last(&tree, probe, &i);
            CHECK(to ==
                  (forth != NULL ? arc__store_tree_prev(forth) : arc__store_tree_last(&tree)));
            int j = ITEMS - 1 - i;
            if (there[j]) {
                CHECK(back == &items[j].link);
                back = arc__store_tree_prev(back);
            }
        }
        CHECK(forth == NULL && back == NULL);
        CHECK_INT(tree.count, count);
    }
    free(items);
}

static void sorted_input_makes_no_list(void)
{
    struct item *items = calloc(ITEMS, sizeof(*items));
    struct arc_store_tree tree;
    for (int way = 0; way < 2; way++) {
        arc__store_tree_init(&tree, compare, NULL);
        for (int i = 0; i < ITEMS; i++) {
            items[i].value = way ? i : -i;
            CHECK(arc__store_tree_add(&tree, &items[i].link) == NULL);
        }
        int depth = check_links(tree.root, NULL);
        CHECK(depth >= 11 && depth < 45);
    }
    free(items);
}

/* In the order of a walk with gaps, so that each place is one inside the tree. */
static void a_known_place_is_as_good(void)
{
    struct item *items = calloc(ITEMS, sizeof(*items));
    struct arc_store_tree tree;
    arc__store_tree_init(&tree, compare, NULL);
    for (int i = 0; i < ITEMS; i++)
        items[i].value = i;
    for (int i = 0; i < ITEMS; i += 7)
        CHECK(arc__store_tree_add(&tree, &items[i].link) == NULL);
    for (int i = 0; i < ITEMS; i++) {
        if (i % 7 != 0)
            arc__store_tree_add_after(&tree, &items[i - 1].link, &items[i].link);
    }
    CHECK_INT(tree.count, ITEMS);
    CHECK(check_links(tree.root, NULL) > 0 && check_links(tree.root, NULL) < 45);
    const struct arc_store_tree_link *at = arc__store_tree_first(&tree);
    for (int i = 0; i < ITEMS; i++, at = arc__store_tree_next(at))
        CHECK(at == &items[i].link);
    CHECK(at == NULL);
    free(items);
}

static const struct test tests[] = {
    {"a tree stays sorted over random additions and removals", random_trees_stay_sorted},
    {"sorted input makes no deep tree", sorted_input_makes_no_list},
    {"a link put behind another stands where it belongs", a_known_place_is_as_good},
};

TEST_MAIN(tests)
