/* SPDX-License-Identifier: Apache-2.0 */
/* A claim in a store that nobody else writes to: the rows are looked for, changed and put back. */
#ifndef ARC_STORE_CLAIM_H
#define ARC_STORE_CLAIM_H

#include "base/mem.h"
#include "port/store.h"

/* The claim has been checked, here and below. What finds the rows that are free. */
struct arc_query arc__store_claim_query(const struct arc_claim *claim);

/* Marks the rows, which are the answer of that query and lie in the arena, and makes the operations
 * that store them: *ops, to be freed, and NULL where there are no rows. ARC_ENOMEM, ARC_ELIMIT. */
arc_status arc__store_claim_mark(const struct arc_mem *mem, const struct arc_claim *claim,
                                 const struct arc_rows *rows, struct arc_arena *arena,
                                 struct arc_store_op **ops, arc_err *err);

#endif
