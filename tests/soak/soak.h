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
    uint64_t lives, failed, skipped;
    /* What is counted, by name; a soak fills in its own. */
    struct {
        const char *name;
        uint64_t count;
    } figures[8];
};

void soak_kill(struct soak *soak);
void soak_power(struct soak *soak);
void soak_flips(struct soak *soak);
void soak_calls(struct soak *soak);
void soak_pgkill(struct soak *soak);
void soak_pgbytes(struct soak *soak);

/* --- for the soaks --------------------------------------------------------------------------- */

/* The next of a life's own random numbers. */
uint64_t soak_random(uint64_t *state);
uint64_t soak_begin(const struct soak *soak, uint64_t life);
void soak_count(struct soak *soak, const char *name, uint64_t more);
/* Says what is wrong with this life. */
void soak_fail(struct soak *soak, uint64_t life, const char *what, const char *why);
/* All of this soak is left out, and why. */
void soak_skip(struct soak *soak, const char *why);

struct arc_store *soak_open(const char *path, const struct arc_store_sqlite_options *options,
                            arc_err *err);
/* Commits batch `number` (1, 2, 3 …) of this world: an event whose body is made of both numbers,
 * the counter that says how many there are, and a row that only its version before can change. */
arc_status soak_say(struct arc_store *store, uint64_t world, int64_t number, arc_err *err);
/* Commits `from` and those behind it, each with a dispatch, and tells the descriptor each number
 * when it is stored. The next number; a negative one where a commit failed. */
int64_t soak_say_many(struct arc_store *store, uint64_t world, int64_t from, int64_t count,
                      int acks);
/* How many batches are there. -1: the store answered with an error; -2: it answered what was never
 * said. */
int64_t soak_heard(struct arc_store *store, uint64_t world);

/* What another process has found in a store. */
struct soak_seen {
    int64_t heard; /* as above; -3: it did not open */
    arc_err err;
};
/* Looks in a process of its own: what it opens can be left there as a kill would leave it. look
 * fills in what it is given and may return. */
struct soak_seen soak_look(void (*look)(void *user, struct soak_seen *seen), void *user);
/* Whether that is all that was said to be stored, and at most one batch more; else the life has
 * failed, and -1. */
int64_t soak_judge(struct soak *soak, uint64_t life, const struct soak_seen *seen, int64_t last);

#endif
