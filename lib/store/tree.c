/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tree.h"

void arc__store_tree_init(struct arc_store_tree *tree, arc_store_tree_compare compare,
                          const void *context)
{
    *tree = (struct arc_store_tree){.compare = compare, .context = context};
}

/* splitmix64: a full period over the counter and well mixed, which is all that a treap asks. */
static uint64_t next_priority(struct arc_store_tree *tree)
{
    uint64_t z = (tree->seed += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void replace_child(struct arc_store_tree *tree, struct arc_store_tree_link *old,
                          struct arc_store_tree_link *fresh)
{
    struct arc_store_tree_link *parent = old->parent;
    if (parent == NULL)
        tree->root = fresh;
    else if (parent->left == old)
        parent->left = fresh;
    else
        parent->right = fresh;
    if (fresh != NULL)
        fresh->parent = parent;
}

/* Lifts a link above its parent; the order of all links stays the same. */
static void rotate_up(struct arc_store_tree *tree, struct arc_store_tree_link *link)
{
    struct arc_store_tree_link *parent = link->parent, *moved;
    replace_child(tree, parent, link);
    if (parent->left == link) {
        moved = link->right;
        link->right = parent;
        parent->left = moved;
    } else {
        moved = link->left;
        link->left = parent;
        parent->right = moved;
    }
    if (moved != NULL)
        moved->parent = parent;
    parent->parent = link;
}

/* At a free place below parent; then as far up as its priority takes it. */
static void put(struct arc_store_tree *tree, struct arc_store_tree_link *parent,
                struct arc_store_tree_link **place, struct arc_store_tree_link *link)
{
    *link = (struct arc_store_tree_link){.parent = parent, .priority = next_priority(tree)};
    *place = link;
    tree->count++;
    while (link->parent != NULL && link->parent->priority < link->priority)
        rotate_up(tree, link);
}

struct arc_store_tree_link *arc__store_tree_add(struct arc_store_tree *tree,
                                                struct arc_store_tree_link *link)
{
    struct arc_store_tree_link *parent = NULL, **place = &tree->root;
    while (*place != NULL) {
        parent = *place;
        int side = tree->compare(tree->context, link, parent);
        if (side == 0)
            return parent;
        place = side < 0 ? &parent->left : &parent->right;
    }
    put(tree, parent, place, link);
    return NULL;
}

void arc__store_tree_add_after(struct arc_store_tree *tree, struct arc_store_tree_link *before,
                               struct arc_store_tree_link *link)
{
    if (before->right == NULL) {
        put(tree, before, &before->right, link);
        return;
    }
    struct arc_store_tree_link *next = before->right;
    while (next->left != NULL)
        next = next->left;
    put(tree, next, &next->left, link);
}

void arc__store_tree_remove(struct arc_store_tree *tree, struct arc_store_tree_link *link)
{
    while (link->left != NULL && link->right != NULL)
        rotate_up(tree, link->left->priority > link->right->priority ? link->left : link->right);
    replace_child(tree, link, link->left != NULL ? link->left : link->right);
    *link = (struct arc_store_tree_link){.parent = NULL};
    tree->count--;
}

static struct arc_store_tree_link *leftmost(struct arc_store_tree_link *link)
{
    while (link != NULL && link->left != NULL)
        link = link->left;
    return link;
}

static struct arc_store_tree_link *rightmost(struct arc_store_tree_link *link)
{
    while (link != NULL && link->right != NULL)
        link = link->right;
    return link;
}

struct arc_store_tree_link *arc__store_tree_first(const struct arc_store_tree *tree)
{
    return leftmost(tree->root);
}

struct arc_store_tree_link *arc__store_tree_last(const struct arc_store_tree *tree)
{
    return rightmost(tree->root);
}

struct arc_store_tree_link *arc__store_tree_next(const struct arc_store_tree_link *link)
{
    if (link->right != NULL)
        return leftmost(link->right);
    while (link->parent != NULL && link->parent->right == link)
        link = link->parent;
    return link->parent;
}

struct arc_store_tree_link *arc__store_tree_prev(const struct arc_store_tree_link *link)
{
    if (link->left != NULL)
        return rightmost(link->left);
    while (link->parent != NULL && link->parent->left == link)
        link = link->parent;
    return link->parent;
}

struct arc_store_tree_link *arc__store_tree_seek(const struct arc_store_tree *tree,
                                                 arc_store_tree_probe probe, const void *want)
{
    struct arc_store_tree_link *link = tree->root, *found = NULL;
    while (link != NULL) {
        if (probe(want, link) >= 0) {
            found = link;
            link = link->left;
        } else {
            link = link->right;
        }
    }
    return found;
}

struct arc_store_tree_link *arc__store_tree_seek_last(const struct arc_store_tree *tree,
                                                      arc_store_tree_probe probe, const void *want)
{
    struct arc_store_tree_link *link = tree->root, *found = NULL;
    while (link != NULL) {
        if (probe(want, link) <= 0) {
            found = link;
            link = link->right;
        } else {
            link = link->left;
        }
    }
    return found;
}
