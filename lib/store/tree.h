/* SPDX-License-Identifier: Apache-2.0 */
/* An intrusive ordered tree: the links live in the caller's objects, so that adding and removing
 * allocate nothing and therefore cannot fail. That is what makes undo in the memory store safe.
 *
 * It is a treap: a search tree by the caller's order and a heap by a random priority, which keeps
 * it O(log n) deep whatever the order of arrival. The priorities come from a counter, not from the
 * keys, so an outsider who chooses keys cannot make it deep. */
#ifndef ARC_STORE_TREE_H
#define ARC_STORE_TREE_H

#include <stddef.h>
#include <stdint.h>

struct arc_store_tree_link {
    struct arc_store_tree_link *parent, *left, *right;
    uint64_t priority;
};

/* Less than, equal to or greater than 0, as a stands before, at or after b. */
typedef int (*arc_store_tree_compare)(const void *context, const struct arc_store_tree_link *a,
                                      const struct arc_store_tree_link *b);
/* The same for a link and a place that `want` describes. */
typedef int (*arc_store_tree_probe)(const void *want, const struct arc_store_tree_link *link);

struct arc_store_tree {
    struct arc_store_tree_link *root;
    size_t count;
    uint64_t seed;
    arc_store_tree_compare compare;
    const void *context; /* first argument of compare */
};

void arc__store_tree_init(struct arc_store_tree *tree, arc_store_tree_compare compare,
                          const void *context);
/* NULL: added. Else the link that stands at that place already; nothing has changed. */
struct arc_store_tree_link *arc__store_tree_add(struct arc_store_tree *tree,
                                                struct arc_store_tree_link *link);
/* The same where the place is known: link, which compares as none that stands there, belongs right
 * behind before. Nothing is compared. */
void arc__store_tree_add_after(struct arc_store_tree *tree, struct arc_store_tree_link *before,
                               struct arc_store_tree_link *link);
void arc__store_tree_remove(struct arc_store_tree *tree, struct arc_store_tree_link *link);

/* NULL at the ends. */
struct arc_store_tree_link *arc__store_tree_first(const struct arc_store_tree *tree);
struct arc_store_tree_link *arc__store_tree_last(const struct arc_store_tree *tree);
struct arc_store_tree_link *arc__store_tree_next(const struct arc_store_tree_link *link);
struct arc_store_tree_link *arc__store_tree_prev(const struct arc_store_tree_link *link);
/* The first link for which probe answers at least 0. */
struct arc_store_tree_link *arc__store_tree_seek(const struct arc_store_tree *tree,
                                                 arc_store_tree_probe probe, const void *want);
/* The last link for which probe answers at most 0. */
struct arc_store_tree_link *arc__store_tree_seek_last(const struct arc_store_tree *tree,
                                                      arc_store_tree_probe probe, const void *want);

#endif
