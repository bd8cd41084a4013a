/* SPDX-License-Identifier: Apache-2.0 */
/* Lives on the real stores. A seed is the same life on each of them, word for word: the faults are
 * in front of the store, and virtual time stands still while a server is asked. So its hash must be
 * the one that it has in memory, and so must be the rows that are there at its end.
 *
 * Alone what depends on how often a store asks for memory may differ; who compares switches that
 * fault off. */
#ifndef ARC_SIM_STORES_H
#define ARC_SIM_STORES_H

#include "sim.h"

/* SQLite, on files in memory where the machine has room for files there. A kill: the next process
 * finds the files as they lay in that moment; what the last would have tidied up is not. */
struct sim_store *sim_store_sqlite(void);

/* PostgreSQL, on a server of the program's own, started when it is first wanted. NULL: it is not
 * installed, or was left out of the build; *why says which. In store_pg.c. */
struct sim_store *sim_store_pg(const char **why);

/* The faults that are off where lives are compared. */
#define SIM_UNLIKE (UINT64_C(1) << FAULT_SQUEEZE)

/* Lives a life in memory and on the store of the plan. 1: both hold and are the same; else sim is
 * the one that shows why. */
int sim_compare(struct sim *sim, const struct sim_plan *plan);

#endif
