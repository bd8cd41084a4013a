/* SPDX-License-Identifier: Apache-2.0 */
/* A treap: a search tree by the order that is a heap by weights which look random, so it is about
 * as deep as the logarithm of its size. The recursion is as deep as the tree. */
#include "base/ranks.h"

static size_t size_of(const struct arc_rank *node)
{
    return node != NULL ? node->size : 0;
}

static void count(struct arc_rank *node)
{
    node->size = size_of(node->left) + 1 + size_of(node->right);
}

static int is_before(const struct arc_rank *a, const struct arc_rank *b)
{
    return a->first != b->first ? a->first < b->first : a->second < b->second;
}

/* The finaliser of splitmix64: neighbours get weights that have nothing to do with each other. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* Those before `at` and the others. */
static void split(struct arc_rank *node, const struct arc_rank *at, struct arc_rank **before,
                  struct arc_rank **rest)
{
    if (node == NULL) {
        *before = *rest = NULL;
        return;
    }
    if (is_before(node, at)) {
        split(node->right, at, &node->right, rest);
        *before = node;
    } else {
        split(node->left, at, before, &node->left);
        *rest = node;
    }
    count(node);
}

static struct arc_rank *join(struct arc_rank *before, struct arc_rank *rest)
{
    if (before == NULL || rest == NULL)
        return before != NULL ? before : rest;
    if (before->weight > rest->weight) {
        before->right = join(before->right, rest);
        count(before);
        return before;
    }
    rest->left = join(before, rest->left);
    count(rest);
    return rest;
}

void arc__ranks_add(struct arc_ranks *ranks, struct arc_rank *entry, uint64_t first,
                    uint64_t second)
{
    *entry = (struct arc_rank){
        .first = first, .second = second, .weight = mix(first ^ mix(second)), .size = 1};
    struct arc_rank **at = &ranks->root;
    while (*at != NULL && (*at)->weight >= entry->weight) {
        (*at)->size++;
        at = is_before(entry, *at) ? &(*at)->left : &(*at)->right;
    }
    split(*at, entry, &entry->left, &entry->right);
    count(entry);
    *at = entry;
}

void arc__ranks_remove(struct arc_ranks *ranks, struct arc_rank *entry)
{
    struct arc_rank **at = &ranks->root;
    if (entry->size == 0)
        return;
    while (*at != entry) {
        (*at)->size--;
        at = is_before(entry, *at) ? &(*at)->left : &(*at)->right;
    }
    *at = join(entry->left, entry->right);
    *entry = (struct arc_rank){0};
}

size_t arc__ranks_count(const struct arc_ranks *ranks)
{
    return size_of(ranks->root);
}

size_t arc__ranks_before(const struct arc_ranks *ranks, const struct arc_rank *entry)
{
    size_t before = 0;
    const struct arc_rank *node = ranks->root;
    while (node != entry) {
        if (is_before(entry, node)) {
            node = node->left;
        } else {
            before += size_of(node->left) + 1;
            node = node->right;
        }
    }
    return before + size_of(node->left);
}

struct arc_rank *arc__ranks_at(const struct arc_ranks *ranks, size_t before)
{
    struct arc_rank *node = ranks->root;
    while (node != NULL && size_of(node->left) != before) {
        if (before < size_of(node->left)) {
            node = node->left;
        } else {
            before -= size_of(node->left) + 1;
            node = node->right;
        }
    }
    return node;
}
