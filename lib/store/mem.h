/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: for tests, for the simulator and for `run` without a server. It keeps
 * nothing when it is closed, and it works at once: `done` is called before commit and query return,
 * unless a fault says otherwise.
 *
 * Faults: a function that is asked before each commit and each query what shall become of it. With
 * it a test makes the store slow, wrong-footed or forgetful in every way that a real one knows. */
#ifndef ARC_STORE_MEM_H
#define ARC_STORE_MEM_H

#include "base/mem.h"
#include "port/store.h"

enum arc_store_fault_kind {
    ARC_STORE_FAULT_NONE,
    ARC_STORE_FAULT_FAIL, /* nothing happens; done says status */
    ARC_STORE_FAULT_LOSE, /* it happens, but done says status: the outcome is unknown to the caller.
                             A query fails */
};

struct arc_store_fault {
    enum arc_store_fault_kind kind;
    arc_status status;    /* for FAIL and LOSE; 0: ARC_EUNAVAILABLE */
    uint32_t held_rounds; /* 0: at once; n: it happens and is done in the n-th dispatch from now, so
                             that one held less overtakes it */
};

/* Exactly one of batch and query is given; of a claim, the query that finds its rows. The fault
 * arrives as "none, at once". */
typedef void (*arc_store_fault_fn)(void *user, const struct arc_store_batch *batch,
                                   const struct arc_query *query, struct arc_store_fault *fault);

/* Errors: ARC_ENOMEM. */
arc_status arc__store_mem_open(const struct arc_mem *mem, struct arc_store **out, arc_err *err);

/* NULL: no faults. Calls that are held already stay held. */
void arc__store_mem_set_fault(struct arc_store *store, arc_store_fault_fn fault, void *user);
/* Calls that wait for a dispatch. */
size_t arc__store_mem_held(const struct arc_store *store);

#endif
