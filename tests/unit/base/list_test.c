/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

#include "shim.h"

struct item {
    int number;
    struct arc_link link;
};

static void check_order(struct arc_link *head, const int *numbers, size_t count)
{
    size_t i = 0;
    ARC_LIST_EACH(head, link)
    {
        const struct item *item = ARC_CONTAINER(link, struct item, link);
        CHECK(i < count && item->number == numbers[i]);
        CHECK(link->prev->next == link && link->next->prev == link);
        i++;
    }
    CHECK_INT(i, count);
}

static void links_stand_in_the_order_of_adding(void)
{
    struct arc_link head;
    struct item items[4] = {{1, {0}}, {2, {0}}, {3, {0}}, {4, {0}}};
    arc__list_init(&head);
    CHECK(arc__list_empty(&head));
    check_order(&head, NULL, 0);
    arc__list_add_tail(&head, &items[1].link);
    arc__list_add_tail(&head, &items[2].link);
    arc__list_add_head(&head, &items[0].link);
    arc__list_add_tail(&head, &items[3].link);
    check_order(&head, (const int[]){1, 2, 3, 4}, 4);
    CHECK(!arc__list_empty(&head));
}

static void removing_twice_or_before_adding_is_nothing(void)
{
    struct arc_link head;
    struct item items[3] = {{1, {0}}, {2, {0}}, {3, {0}}};
    arc__list_init(&head);
    arc__list_remove(&items[0].link);
    for (int i = 0; i < 3; i++)
        arc__list_add_tail(&head, &items[i].link);
    CHECK(arc__list_linked(&items[1].link));
    arc__list_remove(&items[1].link);
    arc__list_remove(&items[1].link);
    CHECK(!arc__list_linked(&items[1].link));
    check_order(&head, (const int[]){1, 3}, 2);
}

static void the_current_link_may_be_removed_on_the_way(void)
{
    struct arc_link head;
    struct item items[5] = {{1, {0}}, {2, {0}}, {3, {0}}, {4, {0}}, {5, {0}}};
    arc__list_init(&head);
    for (int i = 0; i < 5; i++)
        arc__list_add_tail(&head, &items[i].link);
    ARC_LIST_EACH_SAFE(&head, link)
    {
        if (ARC_CONTAINER(link, struct item, link)->number % 2 == 1)
            arc__list_remove(link);
    }
    check_order(&head, (const int[]){2, 4}, 2);
    ARC_LIST_EACH_SAFE(&head, link)
    arc__list_remove(link);
    CHECK(arc__list_empty(&head));
}

static const struct test tests[] = {
    {"links stand in the order of adding", links_stand_in_the_order_of_adding},
    {"removing a link twice or before adding is nothing",
     removing_twice_or_before_adding_is_nothing},
    {"the current link may be removed on the way", the_current_link_may_be_removed_on_the_way},
};
TEST_MAIN(tests)
