/* SPDX-License-Identifier: Apache-2.0 */
/* The limit that the PostgreSQL store is measured against: libpq alone, in pipeline mode, with a
 * prepared statement for each table and verb, a statement a row, and a transaction a batch that the
 * pipeline's end commits. */
#ifndef ARC_BENCH_STORE_PIPELINE_H
#define ARC_BENCH_STORE_PIPELINE_H

#include "record.h"

struct pipeline;

/* The tables must be there. NULL: it says why on stderr. */
struct pipeline *pipeline_open(const char *conninfo, const struct record *record);
/* Sends a batch and waits until it is durable. 0: it failed. */
int pipeline_write(struct pipeline *pipeline, const struct arc_store_batch *batch);
void pipeline_close(struct pipeline *pipeline);

#endif
