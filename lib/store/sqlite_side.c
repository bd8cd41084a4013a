/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_side.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite_db.h"

/* A kind of file that SQLite's own VFS takes no mode, no name and no lock from, and whose directory
 * it syncs with the first sync. */
#define SIDE_FLAGS (SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_SUPER_JOURNAL)

#define NAME_ZEROS 4

/* SQLite would make it with the mode of the umask. */
static arc_status make(const char *path, arc_err *err)
{
    char reason[128];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return arc__fail(err, errno == ENOSPC || errno == EDQUOT ? ARC_ELIMIT : ARC_EIO, "store",
                         "%s: %s.", path, strerror_r(errno, reason, sizeof(reason)));
    (void)close(fd); /* nothing was written that could be lost */
    return ARC_OK;
}

arc_status arc__sqlite_side_open(struct arc_sqlite_side *side, const struct arc_mem *mem,
                                 const char *vfs, const char *path, arc_err *err)
{
    sqlite3_vfs *under = sqlite3_vfs_find(vfs);
    if (under == NULL)
        return arc__fail(err, ARC_EIO, "store", "%s", "SQLite has no such VFS.");
    ARC_TRY(make(path, err));
    /* A VFS keeps the name and not a copy: it lies behind the file, with the zeros that follow the
     * names that SQLite makes. */
    size_t size = ((size_t)under->szOsFile + 7) & ~(size_t)7, len = strlen(path);
    sqlite3_file *file = arc__alloc(mem, size + len + NAME_ZEROS);
    if (file == NULL)
        return arc__fail_nomem(err);
    char *name = (char *)file + size;
    memcpy(name, path, len);
    int code = under->xOpen(under, name, file, SIDE_FLAGS, NULL);
    if (code != SQLITE_OK) {
        arc__free(mem, file);
        return arc__sqlite_fail(NULL, code, err);
    }
    side->file = file;
    return ARC_OK;
}

void arc__sqlite_side_close(struct arc_sqlite_side *side, const struct arc_mem *mem)
{
    if (side->file == NULL)
        return;
    if (side->file->pMethods != NULL)
        (void)side->file->pMethods->xClose(side->file); /* what counts was synced before */
    arc__free(mem, side->file);
    side->file = NULL;
}

int arc__sqlite_side_read(struct arc_sqlite_side *side, void *out, size_t len, int64_t at)
{
    return side->file->pMethods->xRead(side->file, out, (int)len, at);
}

int arc__sqlite_side_write(struct arc_sqlite_side *side, const void *bytes, size_t len, int64_t at)
{
    return side->file->pMethods->xWrite(side->file, bytes, (int)len, at);
}

int arc__sqlite_side_sync(struct arc_sqlite_side *side)
{
    return side->file->pMethods->xSync(side->file, SQLITE_SYNC_NORMAL);
}

int arc__sqlite_side_size(struct arc_sqlite_side *side, int64_t *out)
{
    sqlite3_int64 size = 0;
    int code = side->file->pMethods->xFileSize(side->file, &size);
    *out = size;
    return code;
}

int arc__sqlite_side_truncate(struct arc_sqlite_side *side, int64_t size)
{
    return side->file->pMethods->xTruncate(side->file, size);
}

/* Asks for blocks first, which costs no writing where the file system can do it; a VFS that does
 * not know of that is written to. */
int arc__sqlite_side_fill(struct arc_sqlite_side *side, int64_t size)
{
    static const char zeros[16384];
    int chunk = 4096;
    int64_t at = 0;
    sqlite3_int64 hint = size;
    int code = side->file->pMethods->xFileControl(side->file, SQLITE_FCNTL_CHUNK_SIZE, &chunk);
    if (code == SQLITE_OK)
        code = side->file->pMethods->xFileControl(side->file, SQLITE_FCNTL_SIZE_HINT, &hint);
    if (code != SQLITE_OK && code != SQLITE_NOTFOUND)
        return code;
    code = arc__sqlite_side_size(side, &at);
    while (code == SQLITE_OK && at < size) {
        int64_t part = size - at < (int64_t)sizeof(zeros) ? size - at : (int64_t)sizeof(zeros);
        code = arc__sqlite_side_write(side, zeros, (size_t)part, at);
        at += part;
    }
    return code;
}
