/* SPDX-License-Identifier: Apache-2.0 */
/* An intrusive doubly linked list. The head is a link that is not in any object. */
#ifndef ARC_BASE_LIST_H
#define ARC_BASE_LIST_H

#include <stddef.h>

struct arc_link {
    struct arc_link *prev, *next;
};

#define ARC_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void arc__list_init(struct arc_link *head)
{
    head->prev = head->next = head;
}

static inline int arc__list_empty(const struct arc_link *head)
{
    return head->next == head;
}

static inline void arc__list_add_tail(struct arc_link *head, struct arc_link *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void arc__list_add_head(struct arc_link *head, struct arc_link *link)
{
    arc__list_add_tail(head->next, link);
}

/* A zeroed link, or one removed before, is fine. */
static inline void arc__list_remove(struct arc_link *link)
{
    if (link->next != NULL) {
        link->prev->next = link->next;
        link->next->prev = link->prev;
    }
    link->prev = link->next = NULL;
}

static inline int arc__list_linked(const struct arc_link *link)
{
    return link->next != NULL;
}

#define ARC_LIST_EACH(head, link) \
    for (struct arc_link *link = (head)->next; link != (head); link = link->next)
/* The current link may be removed. */
#define ARC_LIST_EACH_SAFE(head, link) \
    for (struct arc_link *link = (head)->next, *link##_next = link->next; link != (head); \
         link = link##_next, link##_next = link->next)

#endif
