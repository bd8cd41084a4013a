/* SPDX-License-Identifier: Apache-2.0 */
/* An ordered set that knows how many stand before each: who is first, who is the n-th, and the
 * place of one, all in O(log n). An entry is embedded in its object; nothing is allocated. */
#ifndef ARC_BASE_RANKS_H
#define ARC_BASE_RANKS_H

#include <stddef.h>
#include <stdint.h>

struct arc_rank {
    uint64_t first, second; /* the order; no two entries of a set may have the same pair */
    uint64_t weight;        /* of the treap, made from the pair */
    size_t size;            /* of the subtree; 0: it is in no set */
    struct arc_rank *left, *right;
};

struct arc_ranks {
    struct arc_rank *root; /* zeroed: empty */
};

void arc__ranks_add(struct arc_ranks *ranks, struct arc_rank *entry, uint64_t first,
                    uint64_t second);
void arc__ranks_remove(struct arc_ranks *ranks, struct arc_rank *entry); /* in no set is fine */
size_t arc__ranks_count(const struct arc_ranks *ranks);
/* How many stand before it. */
size_t arc__ranks_before(const struct arc_ranks *ranks, const struct arc_rank *entry);
/* The one with so many before it; NULL: there are not so many. */
struct arc_rank *arc__ranks_at(const struct arc_ranks *ranks, size_t before);

#endif
