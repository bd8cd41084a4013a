/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be done to the rows of a store that an earlier version wrote, beyond tables, columns
 * and indexes, which every store adds by itself when it is opened. Numbered, forward only, in steps
 * that can be cut off and begun anew; the number that was reached stands in the counter `schema`.
 *
 * No engine waits for it: an open run is the fold of its events, whatever its rows say. What is not
 * migrated is that columns which came later are empty in the rows of older runs. */
#ifndef ARC_ENGINE_MIGRATE_H
#define ARC_ENGINE_MIGRATE_H

#include "engine/desk.h"

#define ARC_SCHEMA_COUNTER "schema"

struct arc_migrate;

/* One migration; they are in the order of their numbers, which have no gaps. */
struct arc_migration {
    int64_t number;
    const char *what; /* one sentence */
    /* A bounded amount of work. ARC_EDONE: it is done. Begun anew it ends in the same place. */
    arc_status (*step)(struct arc_migrate *migrate, arc_err *err);
};

/* Number index from 0; NULL: there are not so many. */
const struct arc_migration *arc__migration(size_t index);
/* The last number: what a store that is made now has. */
int64_t arc__schema_newest(void);

/* desk outlives it. ARC_EPRECONDITION: a newer version has written the store. */
arc_status arc__migrate_new(struct arc_desk *desk, struct arc_migrate **out, arc_err *err);
void arc__migrate_free(struct arc_migrate *migrate);
/* The number that the store has reached; an empty one has them all. */
int64_t arc__migrate_reached(const struct arc_migrate *migrate);
/* Goes on. ARC_EDONE: all is done. A failure ends it; what was reached stays. */
arc_status arc__migrate_step(struct arc_migrate *migrate, arc_err *err);
/* Runs that were gone through, and rows that were written. */
void arc__migrate_report(const struct arc_migrate *migrate, uint64_t *runs, uint64_t *written);

#endif
