/* SPDX-License-Identifier: Apache-2.0 */
/* Long tests of the embedded store: lives that end badly, and what is found afterwards. Life n of a
 * seed is the same in every run, so one that failed can be lived again alone. */
#ifndef ARC_TEST_SOAK_H
#define ARC_TEST_SOAK_H

#include <stddef.h>
#include <stdint.h>

#include "port/store.h"
#include "store/sqlite.h"

struct soak {
    uint64_t seed, from, to; /* lives from..to, both lived */
    uint64_t lives, failed;
    /* What is counted, by name; a soak fills in its own. */
    struct {
        const char *name;
        uint64_t count;
    } figures[8];
};

void soak_kill(struct soak *soak);
void soak_power(struct soak *soak);
void soak_flips(struct soak *soak);

/* --- for the soaks --------------------------------------------------------------------------- */

/* The next of a life's own random numbers. */
uint64_t soak_random(uint64_t *state);
uint64_t soak_begin(const struct soak *soak, uint64_t life);
void soak_count(struct soak *soak, const char *name, uint64_t more);
/* Says what is wrong with this life. */
void soak_fail(struct soak *soak, uint64_t life, const char *what, const char *why);

struct arc_store *soak_open(const char *path, const struct arc_store_sqlite_options *options,
                            arc_err *err);
/* Commits batch `number` (1, 2, 3 …) of this world: an event whose body is made of both numbers,
 * the counter that says how many there are, and a row that only its version before can change. */
arc_status soak_say(struct arc_store *store, uint64_t world, int64_t number, arc_err *err);
/* How many batches are there. -1: the store answered with an error; -2: it answered what was never
 * said. */
int64_t soak_heard(struct arc_store *store, uint64_t world);

#endif
