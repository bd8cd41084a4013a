/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_reserve.h"

#include "store/sqlite_db.h"

#define PAUSE_MAX 256u

/* Where even this fails the disk is broken; a commit will find out. */
static void empty(struct arc_sqlite_reserve *reserve)
{
    if (arc__sqlite_side_truncate(&reserve->side, 0) == SQLITE_OK)
        (void)arc__sqlite_side_sync(&reserve->side); /* some file systems free blocks only then */
}

static arc_status take(struct arc_sqlite_reserve *reserve, arc_err *err)
{
    /* Twice as much and then half of it: what is left over is for the next batches. */
    int code = arc__sqlite_side_fill(&reserve->side, 2 * reserve->bytes);
    if (code == SQLITE_OK)
        code = arc__sqlite_side_truncate(&reserve->side, reserve->bytes);
    if (code == SQLITE_OK)
        code = arc__sqlite_side_sync(&reserve->side);
    if (code == SQLITE_OK) {
        reserve->held = 1;
        reserve->pause = reserve->paused = 0;
        return ARC_OK;
    }
    empty(reserve);
    reserve->paused = 0;
    reserve->pause = reserve->pause == 0 ? 1 : reserve->pause * 2;
    if (reserve->pause > PAUSE_MAX)
        reserve->pause = PAUSE_MAX;
    /* The VFS of SQLite says of blocks that it did not get that it could not write. */
    if (code == SQLITE_FULL || code == SQLITE_IOERR_WRITE)
        return ARC_OK;
    return arc__sqlite_fail(NULL, code, err);
}

arc_status arc__sqlite_reserve_open(struct arc_sqlite_reserve *reserve, const struct arc_mem *mem,
                                    const char *vfs, const char *path, int64_t bytes, arc_err *err)
{
    int64_t size = 0;
    if (bytes <= 0)
        return ARC_OK;
    ARC_TRY(arc__sqlite_side_open(&reserve->side, mem, vfs, path, err));
    reserve->bytes = bytes;
    int code = arc__sqlite_side_size(&reserve->side, &size);
    if (code != SQLITE_OK)
        return arc__sqlite_fail(NULL, code, err);
    reserve->held = size == bytes;
    return reserve->held ? ARC_OK : take(reserve, err);
}

void arc__sqlite_reserve_close(struct arc_sqlite_reserve *reserve, const struct arc_mem *mem)
{
    arc__sqlite_side_close(&reserve->side, mem);
}

int arc__sqlite_reserve_give(struct arc_sqlite_reserve *reserve)
{
    if (!reserve->held)
        return 0;
    reserve->held = 0;
    empty(reserve);
    return 1;
}

arc_status arc__sqlite_reserve_take(struct arc_sqlite_reserve *reserve, arc_err *err)
{
    if (!arc__sqlite_reserve_lacks(reserve) || reserve->paused++ < reserve->pause)
        return ARC_OK;
    return take(reserve, err);
}
