/* SPDX-License-Identifier: Apache-2.0 */
/* Byte string to pointer, open addressing, seeded so that an outsider cannot choose collisions.
 * Keys are copied. */
#ifndef ARC_BASE_MAP_H
#define ARC_BASE_MAP_H

#include "base/err.h"
#include "base/mem.h"

struct arc_map_slot; /* private */

struct arc_map {
    struct arc_mem mem;
    struct arc_map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    size_t tombs;
    uint64_t seed[2]; /* SipHash key */
};

/* seed: 16 random bytes as two words; zero is allowed where keys are our own. Allocates nothing. */
void arc__map_init(struct arc_map *map, const struct arc_mem *mem, uint64_t seed0, uint64_t seed1);
void arc__map_deinit(struct arc_map *map); /* frees keys, not values */

void *arc__map_get(const struct arc_map *map, arc_slice key); /* NULL: absent */
/* Adds or replaces; value may not be NULL. *old (may be NULL) gets the former value or NULL. */
arc_status arc__map_put(struct arc_map *map, arc_slice key, void *value, void **old, arc_err *err);
void *arc__map_remove(struct arc_map *map, arc_slice key); /* the former value or NULL */
/* Walks in no order: start with *at = 0; 0 at the end. The current entry may be removed. */
int arc__map_next(const struct arc_map *map, size_t *at, arc_slice *key, void **value);

#endif
