/* SPDX-License-Identifier: Apache-2.0 */
/* The limit that the engine is measured against: SQLite alone, with the statements that a careful
 * program would write, storing what a run stores. */
#ifndef ARC_BENCH_ENGINE_BARE_H
#define ARC_BENCH_ENGINE_BARE_H

#include <stdint.h>

struct bare;

/* Takes the rows of the file that the engine has left, and stores copies of them into another file
 * with the same tables and indices. NULL: it says why on stderr. */
struct bare *bare_open(const char *sample, const char *path);
void bare_close(struct bare *bare);
/* One more life of the sample, rows a commit: each thing is inserted, then each of its events is,
 * and with the event what it moves is updated. 0: it failed. */
int bare_life(struct bare *bare, unsigned rows);
/* One commit of one event and the step that it moves, as the engine's least commit. */
int bare_commit(struct bare *bare);
/* Steps of one life of the sample. */
uint64_t bare_steps(const struct bare *bare);

#endif
