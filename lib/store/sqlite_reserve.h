/* SPDX-License-Identifier: Apache-2.0 */
/* Room on the disk that is kept for the end of runs: a file of zeros beside the database, given
 * back when a batch finds the disk full, and taken again when there is room for twice as much, so
 * that it does not come and go with each batch. */
#ifndef ARC_STORE_SQLITE_RESERVE_H
#define ARC_STORE_SQLITE_RESERVE_H

#include "store/sqlite_side.h"

struct arc_sqlite_reserve {
    struct arc_sqlite_side side;
    int64_t bytes; /* 0: none is kept */
    int held;
    uint32_t pause, paused; /* so many calls of take are let pass after one that failed */
};

/* Opens and, where the file is not whole, takes. A full disk is no failure: then it is not held. */
arc_status arc__sqlite_reserve_open(struct arc_sqlite_reserve *reserve, const struct arc_mem *mem,
                                    const char *vfs, const char *path, int64_t bytes, arc_err *err);
void arc__sqlite_reserve_close(struct arc_sqlite_reserve *reserve, const struct arc_mem *mem);

/* 1: it was held, and its room is free now. */
int arc__sqlite_reserve_give(struct arc_sqlite_reserve *reserve);
/* Takes it where there is room; does nothing where it is held. ARC_EIO alone is a failure. */
arc_status arc__sqlite_reserve_take(struct arc_sqlite_reserve *reserve, arc_err *err);
/* 1: it should be held and is not. */
static inline int arc__sqlite_reserve_lacks(const struct arc_sqlite_reserve *reserve)
{
    return reserve->bytes > 0 && !reserve->held;
}

#endif
