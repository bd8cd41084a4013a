/* SPDX-License-Identifier: Apache-2.0 */
/* What stands between an engine and the stores that outlive it. */
#ifndef ARC_SIM_FRONT_H
#define ARC_SIM_FRONT_H

#include "port/log_store.h"
#include "sim.h"

/* Freed by who made it: it outlives its engine. */
struct arc_store *front_new(struct server *server);
struct arc_log_store *front_logs_new(struct server *server); /* the engine's */
/* The way to the store is there again: what was to arrive when it is arrives now. */
void front_heal(struct server *server);
/* Past all faults. Who asked hears of it from here, not from the dispatch of the store: it may ask
 * again at once. */
arc_status front_query_now(struct sim *sim, const struct arc_query *query, struct arc_arena *arena,
                           arc_query_done done, void *user, arc_err *err);

#endif
