/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing over a power of two of slots, never more than three quarters in use, so that every
 * search meets an empty slot. The hash is SipHash-2-4 (Aumasson and Bernstein, 2012): without the
 * seed nobody can choose keys that collide. */
#include "base/map.h"

#include <arcentra/base.h>

#include <string.h>

#define CAPACITY_FIRST ((size_t)16)
#define TOMB SIZE_MAX /* key_len of a slot whose entry was removed */

struct arc_map_slot {
    char *key; /* NULL: empty or a tomb */
    size_t key_len;
    uint64_t hash;
    void *value;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* Little-endian, at most eight bytes. */
static uint64_t load(const char *bytes, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    return word;
}

/* The same of eight, which compilers know for one instruction where it is one. */
static uint64_t load_word(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    return (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24 |
           (uint64_t)b[4] << 32 | (uint64_t)b[5] << 40 | (uint64_t)b[6] << 48 |
           (uint64_t)b[7] << 56;
}

static uint64_t hash_of(const struct arc_map *map, arc_slice key)
{
    uint64_t v[4] = {
        map->seed[0] ^ UINT64_C(0x736f6d6570736575),
        map->seed[1] ^ UINT64_C(0x646f72616e646f6d),
        map->seed[0] ^ UINT64_C(0x6c7967656e657261),
        map->seed[1] ^ UINT64_C(0x7465646279746573),
    };
    size_t whole = key.len & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t word = load_word(key.ptr + i);
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)key.len << 56;
    if (key.len > whole)
        last |= load(key.ptr + whole, key.len - whole);
    v[3] ^= last;
    sip_round(v);
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xFF;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void arc__map_init(struct arc_map *map, const struct arc_mem *mem, uint64_t seed0, uint64_t seed1)
{
    *map = (struct arc_map){.mem = *mem, .seed = {seed0, seed1}};
}

void arc__map_deinit(struct arc_map *map)
{
    for (size_t i = 0; i < map->capacity; i++)
        arc__free(&map->mem, map->slots[i].key);
    if (map->slots != NULL)
        arc__free(&map->mem, map->slots);
    map->slots = NULL;
    map->capacity = map->count = map->tombs = 0;
}

static struct arc_map_slot *find(const struct arc_map *map, arc_slice key, uint64_t hash)
{
    if (map->count == 0)
        return NULL;
    size_t mask = map->capacity - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        struct arc_map_slot *slot = &map->slots[i];
        if (slot->key == NULL) {
            if (slot->key_len != TOMB)
                return NULL;
        } else if (slot->hash == hash &&
                   arc__slice_equal(arc__slice(slot->key, slot->key_len), key)) {
            return slot;
        }
    }
}

/* The first slot that may take an entry with this hash. There is one. */
static struct arc_map_slot *find_free(struct arc_map_slot *slots, size_t capacity, uint64_t hash)
{
    size_t mask = capacity - 1;
    size_t i = (size_t)hash & mask;
    while (slots[i].key != NULL)
        i = (i + 1) & mask;
    return &slots[i];
}

/* Room for one more; on the way all tombs go. */
static arc_status make_room(struct arc_map *map, arc_err *err)
{
    if (map->capacity != 0 && map->count + map->tombs + 1 <= map->capacity / 4 * 3)
        return ARC_OK;
    size_t capacity = map->capacity != 0 ? map->capacity : CAPACITY_FIRST;
    /* Doubles only when half of it is alive: a map that is filled and emptied stays its size. */
    if (map->count + 1 > capacity / 2 && __builtin_mul_overflow(capacity, (size_t)2, &capacity))
        return arc__fail_nomem(err);
    struct arc_map_slot *slots = arc__alloc_array(&map->mem, capacity, sizeof(*slots));
    if (slots == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].key != NULL)
            *find_free(slots, capacity, map->slots[i].hash) = map->slots[i];
    }
    if (map->slots != NULL)
        arc__free(&map->mem, map->slots);
    map->slots = slots;
    map->capacity = capacity;
    map->tombs = 0;
    return ARC_OK;
}

void *arc__map_get(const struct arc_map *map, arc_slice key)
{
    if (map->count == 0)
        return NULL;
    const struct arc_map_slot *slot = find(map, key, hash_of(map, key));
    return slot != NULL ? slot->value : NULL;
}

arc_status arc__map_put(struct arc_map *map, arc_slice key, void *value, void **old, arc_err *err)
{
    if (value == NULL)
        return arc__fail(err, ARC_EINTERNAL, "map", "A map's value may not be NULL.");
    uint64_t hash = hash_of(map, key);
    struct arc_map_slot *slot = find(map, key, hash);
    void *former = NULL;
    if (slot != NULL) {
        former = slot->value;
        slot->value = value;
    } else {
        ARC_TRY(make_room(map, err));
        char *copy = arc__strdup(&map->mem, key);
        if (copy == NULL)
            return arc__fail_nomem(err);
        slot = find_free(map->slots, map->capacity, hash);
        if (slot->key_len == TOMB)
            map->tombs--;
        *slot = (struct arc_map_slot){copy, key.len, hash, value};
        map->count++;
    }
    if (old != NULL)
        *old = former;
    return ARC_OK;
}

void *arc__map_remove(struct arc_map *map, arc_slice key)
{
    if (map->count == 0)
        return NULL;
    struct arc_map_slot *slot = find(map, key, hash_of(map, key));
    if (slot == NULL)
        return NULL;
    void *value = slot->value;
    arc__free(&map->mem, slot->key);
    *slot = (struct arc_map_slot){.key_len = TOMB};
    map->count--;
    map->tombs++;
    /* A tomb says "search on". Where the search would end at the next slot anyway, none is needed.
     */
    size_t mask = map->capacity - 1;
    size_t i = (size_t)(slot - map->slots);
    const struct arc_map_slot *after = &map->slots[(i + 1) & mask];
    if (after->key != NULL || after->key_len == TOMB)
        return value;
    while (map->slots[i].key == NULL && map->slots[i].key_len == TOMB) {
        map->slots[i].key_len = 0;
        map->tombs--;
        i = (i - 1) & mask;
    }
    return value;
}

int arc__map_next(const struct arc_map *map, size_t *at, arc_slice *key, void **value)
{
    while (*at < map->capacity) {
        const struct arc_map_slot *slot = &map->slots[(*at)++];
        if (slot->key == NULL)
            continue;
        if (key != NULL)
            *key = arc__slice(slot->key, slot->key_len);
        if (value != NULL)
            *value = slot->value;
        return 1;
    }
    return 0;
}
