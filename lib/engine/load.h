/* SPDX-License-Identifier: Apache-2.0 */
/* Queries that something in the engine waits for. */
#ifndef ARC_ENGINE_LOAD_H
#define ARC_ENGINE_LOAD_H

#include "base/arena.h"
#include "port/store.h"

struct arc_engine;
struct load_job; /* load.c */

/* One query that something waits for. A failure is told once; the next ask is a new one. */
struct load {
    struct arc_mem mem;
    struct load_job *job;
    int *wake; /* set to 1 when the store has answered late; may be NULL */
    int state; /* 0 not asked, 1 asked, 2 answered */
    arc_status status;
    struct arc_rows rows;
};

/* ARC_OK: load->rows is there, ARC_EAGAIN: not yet. */
void arc__load_init(struct load *load, const struct arc_mem *mem);
/* Whatever it waits for. It may ask again afterwards. */
void arc__load_deinit(struct load *load);
/* Where the rows are; only while they are there. */
struct arc_arena *arc__load_arena(struct load *load);
arc_status arc__load(struct arc_engine *engine, struct load *load, const struct arc_query *query,
                     arc_err *err);
/* The same for rows that are taken. */
arc_status arc__load_claim(struct arc_engine *engine, struct load *load,
                           const struct arc_claim *claim, arc_err *err);
/* Replaces the texts of a row by copies in arena; its sticky flag says whether that went well. */
void arc__row_own(enum arc_table table, void *row, struct arc_arena *arena);
struct arc_filter arc__eq_text(uint32_t col, arc_slice text);
struct arc_filter arc__eq_int(uint32_t col, int64_t number);

#endif
