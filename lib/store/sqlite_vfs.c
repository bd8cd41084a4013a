/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_vfs.h"

#include <stdio.h>
#include <string.h>

#include "store/sqlite_page.h"

#define HEADER_BYTES 100u /* of a database, on its first page */
#define WAL_HEADER 32
#define WAL_FRAME_HEADER 24
#define PENDING_BYTE 0x40000000 /* SQLite keeps its locks on this page and nothing else */

struct shim_file {
    sqlite3_file base;
    struct arc_sqlite_vfs *shim;
    sqlite3_int64 size; /* at least so long */
};

static sqlite3_file *under_of(sqlite3_file *base)
{
    return (sqlite3_file *)(void *)((struct shim_file *)(void *)base + 1);
}

static struct arc_sqlite_vfs *shim_of(sqlite3_file *base)
{
    return ((struct shim_file *)(void *)base)->shim;
}

uint32_t arc__sqlite_get32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int damaged(struct arc_sqlite_vfs *shim, const char *what, sqlite3_int64 number,
                   const char *how)
{
    if (shim->damage[0] == '\0')
        snprintf(shim->damage, sizeof(shim->damage), "%s %lld %s", what, (long long)number, how);
    return SQLITE_IOERR_DATA;
}

/* --- the database ---------------------------------------------------------------------------- */

static int is_page(const struct arc_sqlite_vfs *shim, int len, sqlite3_int64 at)
{
    return shim->seals && len == (int)ARC_SQLITE_PAGE_BYTES && at % ARC_SQLITE_PAGE_BYTES == 0;
}

static int is_zero(const uint8_t *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static int db_read(sqlite3_file *base, void *out, int len, sqlite3_int64 at)
{
    struct arc_sqlite_vfs *shim = shim_of(base);
    uint8_t *page = out;
    int code = under_of(base)->pMethods->xRead(under_of(base), out, len, at);
    if (!is_page(shim, len, at) || (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ))
        return code;
    sqlite3_int64 number = at / ARC_SQLITE_PAGE_BYTES + 1;
    if (shim->lenient != ARC_LENIENT_NOT && code != SQLITE_OK)
        return code;
    if (shim->lenient == ARC_LENIENT_ALL && is_zero(page, ARC_SQLITE_PAGE_BYTES))
        return SQLITE_OK;
    if (code != SQLITE_OK)
        return damaged(shim, "page", number, "is not there");
    enum arc_sqlite_seal seal = arc__sqlite_page_check((uint32_t)number, page);
    if (seal == ARC_SEAL_WRONG)
        return damaged(shim, "page", number, "does not have its checksum");
    if (seal == ARC_SEAL_NONE && is_zero(page, ARC_SQLITE_PAGE_BYTES))
        return damaged(shim, "page", number, "is empty");
    memset(page + ARC_SQLITE_PAGE_BYTES - ARC_SQLITE_SEAL_BYTES, 0, ARC_SQLITE_SEAL_BYTES);
    return SQLITE_OK;
}

static int write_sealed(sqlite3_file *base, const void *bytes, sqlite3_int64 at)
{
    uint8_t page[ARC_SQLITE_PAGE_BYTES] = {0};
    struct shim_file *file = (struct shim_file *)(void *)base;
    if (bytes != NULL)
        memcpy(page, bytes, sizeof(page));
    arc__sqlite_page_seal((uint32_t)(at / ARC_SQLITE_PAGE_BYTES + 1), page);
    int code = under_of(base)->pMethods->xWrite(under_of(base), page, (int)sizeof(page), at);
    if (code == SQLITE_OK && at + (sqlite3_int64)sizeof(page) > file->size)
        file->size = at + (sqlite3_int64)sizeof(page);
    return code;
}

/* Pages that SQLite has no need to write would be holes, which look like pages that were lost. */
static int fill_gap(sqlite3_file *base, sqlite3_int64 at)
{
    struct shim_file *file = (struct shim_file *)(void *)base;
    int code = under_of(base)->pMethods->xFileSize(under_of(base), &file->size);
    sqlite3_int64 end = file->size - file->size % ARC_SQLITE_PAGE_BYTES;
    for (; code == SQLITE_OK && end < at; end += ARC_SQLITE_PAGE_BYTES) {
        if (end != PENDING_BYTE)
            code = write_sealed(base, NULL, end);
    }
    return code;
}

static int db_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 at)
{
    const struct shim_file *file = (struct shim_file *)(void *)base;
    if (!is_page(shim_of(base), len, at))
        return under_of(base)->pMethods->xWrite(under_of(base), bytes, len, at);
    int code = at > file->size ? fill_gap(base, at) : SQLITE_OK;
    return code == SQLITE_OK ? write_sealed(base, bytes, at) : code;
}

static int db_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct shim_file *file = (struct shim_file *)(void *)base;
    int code = SQLITE_OK;
    if (shim_of(base)->seals && size > file->size) /* a checkpoint makes it longer in this way */
        code = fill_gap(base, size);
    if (code != SQLITE_OK)
        return code;
    code = under_of(base)->pMethods->xTruncate(under_of(base), size);
    if (code == SQLITE_OK && size < file->size)
        file->size = size;
    return code;
}

/* --- the WAL --------------------------------------------------------------------------------- */

/* The number of the frame whose page stands at `at`; 0: this is no page of a frame. */
static uint32_t frame_at(const struct arc_sqlite_vfs *shim, int len, sqlite3_int64 at, int header)
{
    sqlite3_int64 frame = WAL_FRAME_HEADER + (sqlite3_int64)shim->page_bytes;
    if (shim->page_bytes == 0 || at < WAL_HEADER ||
        len != (header ? WAL_FRAME_HEADER : (int)shim->page_bytes) ||
        (at - WAL_HEADER) % frame != (header ? 0 : WAL_FRAME_HEADER))
        return 0;
    return (uint32_t)((at - WAL_HEADER) / frame + 1);
}

static int find_order(sqlite3_file *base)
{
    struct arc_sqlite_vfs *shim = shim_of(base);
    uint8_t magic[4];
    int code = SQLITE_OK;
    if (shim->wal_order == 0) {
        code = under_of(base)->pMethods->xRead(under_of(base), magic, sizeof(magic), 0);
        shim->wal_order = 1 + (magic[3] & 1);
    }
    return code;
}

static int wal_read(sqlite3_file *base, void *out, int len, sqlite3_int64 at)
{
    struct arc_sqlite_vfs *shim = shim_of(base);
    sqlite3_file *under = under_of(base);
    uint8_t header[WAL_FRAME_HEADER], before[8];
    int code = under->pMethods->xRead(under, out, len, at);
    uint32_t frame = frame_at(shim, len, at, 0);
    if (code != SQLITE_OK || frame == 0 || (shim->stale != 0 && frame >= shim->stale))
        return code;
    /* Ends with the sums so far; the file's header does as well. */
    sqlite3_int64 end_before = at - WAL_FRAME_HEADER - (frame > 1 ? (int)shim->page_bytes : 0);
    code = under->pMethods->xRead(under, header, sizeof(header), at - WAL_FRAME_HEADER);
    if (code == SQLITE_OK)
        code = under->pMethods->xRead(under, before, sizeof(before), end_before - 8);
    if (code == SQLITE_OK)
        code = find_order(base);
    if (code != SQLITE_OK)
        return code;
    uint32_t sums[2] = {arc__sqlite_get32(before), arc__sqlite_get32(before + 4)};
    arc__sqlite_wal_sum(shim->wal_order == 2, header, 8, sums);
    arc__sqlite_wal_sum(shim->wal_order == 2, out, (size_t)len, sums);
    if (sums[0] != arc__sqlite_get32(header + 16) || sums[1] != arc__sqlite_get32(header + 20))
        return damaged(shim, "frame of the WAL", frame, "does not have its checksum");
    return SQLITE_OK;
}

/* A frame's header, which says whether it ends a commit: written before its page, and once more
 * where SQLite has put an earlier page of the same transaction in another form. */
static void note_header(struct arc_sqlite_vfs *shim, uint32_t frame, const uint8_t *header)
{
    struct arc_sqlite_commit_end *end = &shim->end;
    if (shim->stale != 0 && frame <= shim->stale)
        shim->stale = 0; /* SQLite goes on to the last one */
    shim->written = frame;
    if (arc__sqlite_get32(header + 4) == 0)
        return;
    uint64_t page_sum = end->frames == frame ? end->page_sum : 0;
    *end = (struct arc_sqlite_commit_end){
        .salts = {arc__sqlite_get32(header + 8), arc__sqlite_get32(header + 12)},
        .sums = {arc__sqlite_get32(header + 16), arc__sqlite_get32(header + 20)},
        .frames = frame,
        .page = arc__sqlite_get32(header),
        .page_sum = page_sum,
    };
    shim->commits++;
}

static void note_page(struct arc_sqlite_vfs *shim, uint32_t frame, const uint8_t *page)
{
    if (shim->written != frame) { /* over a page of the same transaction */
        if (shim->stale == 0 || frame < shim->stale)
            shim->stale = frame;
    } else if (shim->end.frames == frame) {
        size_t len = shim->page_bytes - (shim->seals ? ARC_SQLITE_SEAL_BYTES : 0);
        shim->end.page_sum = arc__sqlite_page_sum(shim->end.page, page, len);
    }
}

static int wal_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 at)
{
    struct arc_sqlite_vfs *shim = shim_of(base);
    uint32_t header = frame_at(shim, len, at, 1), page = frame_at(shim, len, at, 0);
    int code = under_of(base)->pMethods->xWrite(under_of(base), bytes, len, at);
    if (code != SQLITE_OK)
        return code;
    if (header != 0)
        note_header(shim, header, bytes);
    else if (page != 0)
        note_page(shim, page, bytes);
    else if (at == 0) { /* a new life of the WAL */
        shim->wal_order = 0;
        shim->stale = 0;
        shim->written = 0;
    }
    return code;
}

static int wal_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    return under_of(base)->pMethods->xTruncate(under_of(base), size);
}

/* --- what is only passed on ------------------------------------------------------------------ */

static int pass_close(sqlite3_file *base)
{
    return under_of(base)->pMethods->xClose(under_of(base));
}

static int pass_sync(sqlite3_file *base, int flags)
{
    return under_of(base)->pMethods->xSync(under_of(base), flags);
}

static int pass_size(sqlite3_file *base, sqlite3_int64 *out)
{
    return under_of(base)->pMethods->xFileSize(under_of(base), out);
}

static int pass_lock(sqlite3_file *base, int level)
{
    return under_of(base)->pMethods->xLock(under_of(base), level);
}

static int pass_unlock(sqlite3_file *base, int level)
{
    return under_of(base)->pMethods->xUnlock(under_of(base), level);
}

static int pass_reserved(sqlite3_file *base, int *out)
{
    return under_of(base)->pMethods->xCheckReservedLock(under_of(base), out);
}

static int pass_control(sqlite3_file *base, int op, void *arg)
{
    return under_of(base)->pMethods->xFileControl(under_of(base), op, arg);
}

static int pass_sector(sqlite3_file *base)
{
    return under_of(base)->pMethods->xSectorSize(under_of(base));
}

static int pass_traits(sqlite3_file *base)
{
    int traits = under_of(base)->pMethods->xDeviceCharacteristics(under_of(base));
    return shim_of(base)->immutable ? traits | SQLITE_IOCAP_IMMUTABLE : traits;
}

static int pass_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
    return under_of(base)->pMethods->xShmMap(under_of(base), region, size, extend, out);
}

static int pass_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    return under_of(base)->pMethods->xShmLock(under_of(base), offset, count, flags);
}

static void pass_shm_barrier(sqlite3_file *base)
{
    under_of(base)->pMethods->xShmBarrier(under_of(base));
}

static int pass_shm_unmap(sqlite3_file *base, int delete_it)
{
    return under_of(base)->pMethods->xShmUnmap(under_of(base), delete_it);
}

#define METHODS(read, write, truncate) \
    { \
        .iVersion = 2, .xClose = pass_close, .xRead = (read), .xWrite = (write), \
        .xTruncate = (truncate), .xSync = pass_sync, .xFileSize = pass_size, .xLock = pass_lock, \
        .xUnlock = pass_unlock, .xCheckReservedLock = pass_reserved, .xFileControl = pass_control, \
        .xSectorSize = pass_sector, .xDeviceCharacteristics = pass_traits, \
        .xShmMap = pass_shm_map, .xShmLock = pass_shm_lock, .xShmBarrier = pass_shm_barrier, \
        .xShmUnmap = pass_shm_unmap, \
    }
static const sqlite3_io_methods db_methods = METHODS(db_read, db_write, db_truncate);
static const sqlite3_io_methods wal_methods = METHODS(wal_read, wal_write, wal_truncate);

/* --- opening --------------------------------------------------------------------------------- */

/* How a file that is there is to be read. Its header decides, and it may be the header that is
 * damaged: a first page whose seal is right but for that byte says so. */
static int look_at_header(struct arc_sqlite_vfs *shim, sqlite3_file *under, sqlite3_int64 size)
{
    uint8_t page[ARC_SQLITE_PAGE_BYTES] = {0};
    int len = size < (sqlite3_int64)sizeof(page) ? (int)size : (int)sizeof(page);
    int code = under->pMethods->xRead(under, page, len, 0);
    if (code != SQLITE_OK)
        return code;
    if (len < (int)HEADER_BYTES || memcmp(page, "SQLite format 3", 16) != 0) {
        shim->seals = 0; /* SQLite refuses it */
        return SQLITE_OK;
    }
    uint32_t bytes = (uint32_t)page[16] << 8 | page[17];
    shim->page_bytes = bytes == 1 ? 65536 : bytes;
    shim->seals = page[20] == ARC_SQLITE_SEAL_BYTES;
    uint8_t said = page[20];
    page[16] = ARC_SQLITE_PAGE_BYTES >> 8;
    page[17] = 0;
    page[20] = ARC_SQLITE_SEAL_BYTES;
    int sealed = arc__sqlite_page_check(1, page) == ARC_SEAL_RIGHT;
    if ((sealed && said != ARC_SQLITE_SEAL_BYTES) ||
        ((sealed || shim->seals) && shim->page_bytes != ARC_SQLITE_PAGE_BYTES))
        return damaged(shim, "page", 1, "does not have its checksum");
    return SQLITE_OK;
}

static int open_db(struct arc_sqlite_vfs *shim, struct shim_file *file)
{
    sqlite3_file *under = under_of(&file->base);
    int code = under->pMethods->xFileSize(under, &file->size);
    if (code != SQLITE_OK)
        return code;
    if (file->size > 0)
        return look_at_header(shim, under, file->size);
    shim->is_new = 1;
    shim->seals = shim->wanted;
    shim->page_bytes = ARC_SQLITE_PAGE_BYTES;
    return SQLITE_OK;
}

static struct arc_sqlite_vfs *self_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                     int *out_flags)
{
    struct arc_sqlite_vfs *shim = self_of(vfs);
    struct shim_file *file = (struct shim_file *)(void *)base;
    int is_db = (flags & SQLITE_OPEN_MAIN_DB) != 0, is_wal = (flags & SQLITE_OPEN_WAL) != 0;
    if (!is_db && !is_wal)
        return shim->under->xOpen(shim->under, name, base, flags, out_flags);
    base->pMethods = NULL;
    file->shim = shim;
    file->size = 0;
    int code = shim->under->xOpen(shim->under, name, under_of(base), flags, out_flags);
    if (code == SQLITE_OK && is_db)
        code = open_db(shim, file);
    if (under_of(base)->pMethods == NULL)
        return code;
    if (code != SQLITE_OK) {
        (void)pass_close(base); /* nothing was written */
        return code;
    }
    base->pMethods = is_db ? &db_methods : &wal_methods;
    return SQLITE_OK;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    return self_of(vfs)->under->xDelete(self_of(vfs)->under, name, sync);
}

static int shim_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    return self_of(vfs)->under->xAccess(self_of(vfs)->under, name, flags, out);
}

static int shim_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    return self_of(vfs)->under->xFullPathname(self_of(vfs)->under, name, size, out);
}

static int shim_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    return self_of(vfs)->under->xRandomness(self_of(vfs)->under, size, out);
}

static int shim_sleep(sqlite3_vfs *vfs, int microseconds)
{
    return self_of(vfs)->under->xSleep(self_of(vfs)->under, microseconds);
}

static int shim_last_error(sqlite3_vfs *vfs, int size, char *out)
{
    sqlite3_vfs *under = self_of(vfs)->under;
    return under->xGetLastError != NULL ? under->xGetLastError(under, size, out) : 0;
}

static int shim_time(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    return self_of(vfs)->under->xCurrentTimeInt64(self_of(vfs)->under, out);
}

arc_status arc__sqlite_vfs_init(struct arc_sqlite_vfs *shim, const char *under, int seals,
                                arc_err *err)
{
    *shim = (struct arc_sqlite_vfs){.under = sqlite3_vfs_find(under), .wanted = seals};
    if (shim->under == NULL || shim->under->iVersion < 2)
        return arc__fail(err, ARC_EIO, "store", "%s", "SQLite has no such VFS.");
    snprintf(shim->name, sizeof(shim->name), "arcentra-%p", (void *)shim);
    shim->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = (int)sizeof(struct shim_file) + shim->under->szOsFile,
        .mxPathname = shim->under->mxPathname,
        .zName = shim->name,
        .pAppData = shim,
        .xOpen = shim_open,
        .xDelete = shim_delete,
        .xAccess = shim_access,
        .xFullPathname = shim_full_path,
        .xRandomness = shim_randomness,
        .xSleep = shim_sleep,
        .xGetLastError = shim_last_error,
        .xCurrentTimeInt64 = shim_time,
    };
    return ARC_OK;
}

int arc__sqlite_vfs_open(struct arc_sqlite_vfs *shim, const char *path, int flags, sqlite3 **out)
{
    int code = sqlite3_vfs_register(&shim->vfs, 0);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_open_v2(path, out, flags, shim->name);
    (void)sqlite3_vfs_unregister(&shim->vfs); /* the connection has its address; cannot fail */
    return code;
}

const char *arc__sqlite_vfs_damage(sqlite3 *db)
{
    sqlite3_vfs *vfs = NULL;
    if (db == NULL || sqlite3_file_control(db, NULL, SQLITE_FCNTL_VFS_POINTER, &vfs) != SQLITE_OK ||
        vfs == NULL || vfs->xOpen != shim_open)
        return NULL;
    const struct arc_sqlite_vfs *shim = self_of(vfs);
    return shim->damage[0] != '\0' ? shim->damage : NULL;
}
