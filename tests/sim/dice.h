/* SPDX-License-Identifier: Apache-2.0 */
/* Chance that can be repeated: splitmix64. Each part of the world has a stream of its own, split
 * from the seed by its name, so that one more roll in one place leaves all the others as they were.
 */
#ifndef ARC_SIM_DICE_H
#define ARC_SIM_DICE_H

#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t dice_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t dice_next(struct dice *dice)
{
    return dice_mix(dice->state += UINT64_C(0x9e3779b97f4a7c15));
}

/* 0 to sides - 1. */
static inline uint32_t roll(struct dice *dice, uint32_t sides)
{
    return (uint32_t)(dice_next(dice) % sides);
}

/* 1 in per_mille of 1,000. */
static inline int chance(struct dice *dice, uint32_t per_mille)
{
    return roll(dice, 1000) < per_mille;
}

static inline struct dice dice_split(uint64_t seed, const char *name, uint64_t number)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ dice_mix(seed + 1) ^ dice_mix(number + 77);
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    return (struct dice){dice_mix(hash)};
}

#endif
