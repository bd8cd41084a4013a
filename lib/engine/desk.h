/* SPDX-License-Identifier: Apache-2.0 */
/* A store as tools use it that have nothing else to do: one question, one answer, waited for. The
 * engine never does; it has others to serve meanwhile. */
#ifndef ARC_ENGINE_DESK_H
#define ARC_ENGINE_DESK_H

#include "port/store.h"

struct arc_desk {
    struct arc_store *store; /* the caller's */
    struct arc_mem mem;
    /* Waits until the store's descriptor can be read, or its time has come; NULL: it answers
     * without being waited for. */
    void (*wait)(void *user, int fd, int timeout_ms);
    void *user;
};

/* Rows live in arena. The statuses of the store. */
arc_status arc__desk_query(struct arc_desk *desk, const struct arc_query *query,
                           struct arc_arena *arena, struct arc_rows *out, arc_err *err);
/* Durable when it says ARC_OK. */
arc_status arc__desk_commit(struct arc_desk *desk, const struct arc_store_op *ops, size_t count,
                            arc_err *err);
/* The rows of all tables. */
arc_status arc__desk_count(struct arc_desk *desk, uint64_t *total, arc_err *err);

#endif
