/* SPDX-License-Identifier: Apache-2.0 */
/* The suite that every store passes, a host's own as well (suite/, <arcentra/sys/store_suite.h>),
 * as cases of a test program. A program for one store gives the functions below and puts
 * STORE_CONTRACT_CASES into its table. */
#ifndef ARC_TEST_STORE_CONTRACT_H
#define ARC_TEST_STORE_CONTRACT_H

#include "../../../suite/cases.h"
#include "base/arena.h"
#include "port/store.h"
#include "shim.h"

/* A store without rows, NULL when it could not be opened (the error was reported); and its end with
 * all that it left behind. */
struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err);
void contract_close(struct arc_store *store);
/* How long one text of a key may be; SIZE_MAX: as any text. */
size_t contract_key_bytes(void);

/* Its process is killed, and another opens what it left. NULL where it failed (the error was
 * reported), or where contract_lasts answers 0. */
struct arc_store *contract_again(struct arc_store *store, const struct arc_mem *mem, arc_err *err);
int contract_lasts(void);

#define STORE_CONTRACT_DECLARE(name, sentence) void name(void);
STORE_CONTRACT(STORE_CONTRACT_DECLARE)
#define STORE_CONTRACT_ROW(name, sentence) {sentence, name},
#define STORE_CONTRACT_CASES STORE_CONTRACT(STORE_CONTRACT_ROW)
/* For stores that one process has at a time, as all of these are when they are not told more. */
void nobody_else_writes(void);

/* Calls that wait for their end, also of a store that answers later. The status is that of the
 * call or, where the call said ARC_OK, that of done. err may be NULL. */
arc_status contract_commit(struct arc_store *store, const struct arc_store_op *ops, size_t count,
                           arc_err *err);
/* With follow; shift may be NULL. */
arc_status contract_follow(struct arc_store *store, const struct arc_store_op *ops, size_t count,
                           int64_t *shift, arc_err *err);
arc_status contract_query(struct arc_store *store, const struct arc_query *query,
                          struct arc_arena *arena, struct arc_rows *out, arc_err *err);
arc_status contract_claim(struct arc_store *store, const struct arc_claim *claim,
                          struct arc_arena *arena, struct arc_rows *out, arc_err *err);
/* Waits for what the store waits for, and dispatches. */
void contract_round(struct arc_store *store);
/* How many rows a table has; -1: the query failed. */
int64_t contract_count(struct arc_store *store, enum arc_table table);

#endif
