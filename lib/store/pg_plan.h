/* SPDX-License-Identifier: Apache-2.0 */
/* How a batch is cut into statements: rows of one table that meet the same verb go together, as far
 * as nobody could tell the difference.
 *
 * Tables know nothing of each other, so each has its own order. Within a table, operations upon
 * different keys may change places, unless the table has unique values; then only neighbours with
 * the same verb go together, and only where they are inserts or deletes. A put of a key that the
 * same statement puts already takes its place.
 *
 * Tables come in their own order, and where several processes write the rows of a statement in that
 * of their keys, so that two which lock the same rows do not wait for each other in a circle.
 * Events that follow the log come last of all: from the statement that moves the end of the log on,
 * all others wait. */
#ifndef ARC_STORE_PG_PLAN_H
#define ARC_STORE_PG_PLAN_H

#include "base/mem.h"
#include "port/store.h"

/* In place of a verb: rows that should be there, of which what is FIXED is not sent. Where one is
 * not there, the batch is done again with PUT. */
#define ARC_PG_SET ((enum arc_store_verb)(ARC_STORE_DELETE + 1))
#define ARC_PG_GROUP_ROWS_MAX 1000u
#define ARC_PG_GROUP_BYTES_MAX (1024u * 1024u) /* of texts; one row may have more */

struct arc_pg_group {
    enum arc_table table;
    enum arc_store_verb verb;
    uint32_t first, count; /* in the plan's order */
};

struct arc_pg_plan {
    struct arc_store_op *ops; /* the plan's own list; the rows are the caller's */
    uint32_t *order;          /* places in ops */
    struct arc_pg_group *groups;
    size_t group_count, group_capacity;
    size_t log_group;  /* before this one the end of the log is moved, if log_last is not 0 */
    int64_t log_count; /* events that follow it; 0: they stand where they say */
    uint32_t tables;   /* a bit for each in which there may be something new */
    int64_t log_last;  /* the greatest position of an event that is written */
};

/* The batch has been checked; without follow its events stand where they say whatever it asks for.
 * Errors: ARC_ENOMEM. */
arc_status arc__pg_plan_make(const struct arc_mem *mem, const struct arc_store_batch *batch,
                             int follow, struct arc_pg_plan *plan, arc_err *err);
/* Nothing is taken to be there any more. */
void arc__pg_plan_doubt(struct arc_pg_plan *plan);
void arc__pg_plan_drop(const struct arc_mem *mem, struct arc_pg_plan *plan); /* zeroed is fine */

#endif
