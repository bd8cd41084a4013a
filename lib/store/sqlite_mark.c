/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_mark.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"
#include "store/sqlite_db.h"
#include "store/sqlite_page.h"

/* One place: "ARCM", sequence (8), salts (8), sums (8), frames (4), page (4), page's sum (8),
 * zeros, and a sum over all of that. Big-endian, as SQLite's own. */
#define PLACE_BYTES 64u
#define PLACE_APART 512 /* a sector each */
#define PLACE_SUMMED (PLACE_BYTES - 8u)
#define WAL_HEADER 32
#define WAL_FRAME_HEADER 24
#define LIVES_MAX 65536u /* of a WAL that may have gone by since the mark was synced */

static const uint8_t magic[4] = {'A', 'R', 'C', 'M'};

static void put32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put64(uint8_t *bytes, uint64_t value)
{
    put32(bytes, (uint32_t)(value >> 32));
    put32(bytes + 4, (uint32_t)value);
}

static uint64_t get64(const uint8_t *bytes)
{
    return (uint64_t)arc__sqlite_get32(bytes) << 32 | arc__sqlite_get32(bytes + 4);
}

static void encode(const struct arc_sqlite_mark *mark, uint8_t *place)
{
    const struct arc_sqlite_commit_end *end = &mark->end;
    memset(place, 0, PLACE_BYTES);
    memcpy(place, magic, sizeof(magic));
    put64(place + 4, mark->sequence);
    put32(place + 12, end->salts[0]);
    put32(place + 16, end->salts[1]);
    put32(place + 20, end->sums[0]);
    put32(place + 24, end->sums[1]);
    put32(place + 28, end->frames);
    put32(place + 32, end->page);
    put64(place + 36, end->page_sum);
    put32(place + 44, mark->copied);
    put64(place + PLACE_SUMMED, arc__sqlite_page_sum(0, place, PLACE_SUMMED));
}

/* The newer of what is in the mark and what this place says. */
static void decode(struct arc_sqlite_mark *mark, uint32_t number, const uint8_t *place)
{
    uint64_t sequence = get64(place + 4);
    if (memcmp(place, magic, sizeof(magic)) != 0 || sequence <= mark->sequence ||
        get64(place + PLACE_SUMMED) != arc__sqlite_page_sum(0, place, PLACE_SUMMED))
        return;
    mark->sequence = sequence;
    mark->safe = number;
    mark->unsure = 1;
    mark->copied = arc__sqlite_get32(place + 44);
    mark->end = (struct arc_sqlite_commit_end){
        .salts = {arc__sqlite_get32(place + 12), arc__sqlite_get32(place + 16)},
        .sums = {arc__sqlite_get32(place + 20), arc__sqlite_get32(place + 24)},
        .frames = arc__sqlite_get32(place + 28),
        .page = arc__sqlite_get32(place + 32),
        .page_sum = get64(place + 36),
    };
}

/* --- the file -------------------------------------------------------------------------------- */

static int64_t place_at(uint32_t number)
{
    return (int64_t)number * PLACE_APART;
}

arc_status arc__sqlite_mark_open(struct arc_sqlite_mark *mark, const struct arc_mem *mem,
                                 const char *vfs, const char *path, uint32_t sync_every,
                                 arc_err *err)
{
    ARC_TRY(arc__sqlite_side_open(&mark->side, mem, vfs, path, err));
    mark->sync_every = sync_every;
    for (uint32_t i = 0; i < 2; i++) {
        uint8_t place[PLACE_BYTES] = {0};
        int code = arc__sqlite_side_read(&mark->side, place, sizeof(place), place_at(i));
        if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
            return arc__sqlite_fail(NULL, code, err);
        decode(mark, i, place);
    }
    return ARC_OK;
}

void arc__sqlite_mark_close(struct arc_sqlite_mark *mark, const struct arc_mem *mem)
{
    arc__sqlite_side_close(&mark->side, mem);
}

/* What was read may stand in the kernel's memory alone: whoever wrote it was killed before its
 * sync, or its sync failed, and then another one brings nothing to the disk that is not written
 * again. */
static int make_sure(struct arc_sqlite_mark *mark)
{
    uint8_t place[PLACE_BYTES];
    if (!mark->unsure)
        return SQLITE_OK;
    int code = arc__sqlite_side_read(&mark->side, place, sizeof(place), place_at(mark->safe));
    if (code == SQLITE_OK)
        code = arc__sqlite_side_write(&mark->side, place, sizeof(place), place_at(mark->safe));
    if (code == SQLITE_OK)
        code = arc__sqlite_side_sync(&mark->side);
    mark->unsure = code != SQLITE_OK;
    return code;
}

static arc_status write_mark(struct arc_sqlite_mark *mark, arc_err *err)
{
    uint8_t place[PLACE_BYTES];
    int code = make_sure(mark);
    mark->sequence++;
    encode(mark, place);
    if (code == SQLITE_OK)
        code = arc__sqlite_side_write(&mark->side, place, sizeof(place), place_at(!mark->safe));
    mark->unsynced++;
    mark->behind = code != SQLITE_OK;
    if (mark->behind)
        mark->sequence--; /* the safe place stays as it is */
    return mark->behind ? arc__sqlite_fail(NULL, code, err) : ARC_OK;
}

arc_status arc__sqlite_mark_sync(struct arc_sqlite_mark *mark, arc_err *err)
{
    if (mark->side.file == NULL)
        return ARC_OK;
    int code = make_sure(mark);
    if (code != SQLITE_OK)
        return arc__sqlite_fail(NULL, code, err);
    if (mark->unsynced == 0)
        return ARC_OK;
    if (mark->behind)
        ARC_TRY(write_mark(mark, err));
    code = arc__sqlite_side_sync(&mark->side);
    if (code != SQLITE_OK)
        return arc__sqlite_fail(NULL, code, err);
    mark->unsynced = 0;
    mark->safe = !mark->safe;
    return ARC_OK;
}

arc_status arc__sqlite_mark_commit(struct arc_sqlite_mark *mark, const struct arc_sqlite_vfs *shim,
                                   arc_err *err)
{
    if (mark->side.file == NULL || mark->seen == shim->commits)
        return ARC_OK;
    mark->seen = shim->commits;
    mark->end = shim->end;
    mark->copied = 0;
    arc_status status = write_mark(mark, err);
    if (status == ARC_OK && mark->unsynced >= mark->sync_every)
        status = arc__sqlite_mark_sync(mark, err);
    return status == ARC_ELIMIT ? ARC_OK : status;
}

arc_status arc__sqlite_mark_copied(struct arc_sqlite_mark *mark, arc_err *err)
{
    if (mark->side.file == NULL || mark->end.frames == 0 || mark->copied)
        return ARC_OK;
    mark->copied = 1;
    ARC_TRY(write_mark(mark, err));
    return arc__sqlite_mark_sync(mark, err);
}

arc_status arc__sqlite_mark_clean(struct arc_sqlite_mark *mark, arc_err *err)
{
    if (mark->side.file == NULL || mark->end.frames == 0)
        return ARC_OK;
    mark->end = (struct arc_sqlite_commit_end){.frames = 0};
    ARC_TRY(write_mark(mark, err));
    return arc__sqlite_mark_sync(mark, err);
}

/* --- the check ------------------------------------------------------------------------------- */

/* What is read of a WAL or of a database before SQLite does it. */
struct look {
    const struct arc_mem *mem;
    struct arc_sqlite_side file;
    uint8_t *bytes;
    uint32_t page_bytes;
};

static arc_status look_open(struct look *look, const char *vfs, const char *path, int flags,
                            int *there, arc_err *err)
{
    sqlite3_vfs *under = sqlite3_vfs_find(vfs);
    int exists = 0;
    *there = 0;
    int code = under->xAccess(under, path, SQLITE_ACCESS_EXISTS, &exists);
    if (code != SQLITE_OK)
        return arc__sqlite_fail(NULL, code, err);
    if (!exists)
        return ARC_OK;
    sqlite3_file *file = arc__alloc(look->mem, (size_t)under->szOsFile);
    if (file == NULL)
        return arc__fail_nomem(err);
    code = under->xOpen(under, path, file, SQLITE_OPEN_READONLY | flags, NULL);
    if (code != SQLITE_OK) {
        arc__free(look->mem, file);
        return arc__sqlite_fail(NULL, code, err);
    }
    look->file.file = file;
    *there = 1;
    return ARC_OK;
}

static void look_close(struct look *look)
{
    arc__sqlite_side_close(&look->file, look->mem);
    arc__free(look->mem, look->bytes);
    look->bytes = NULL;
}

static arc_status look_read(struct look *look, uint8_t *out, size_t len, int64_t at, arc_err *err)
{
    memset(out, 0, len);
    int code = arc__sqlite_side_read(&look->file, out, len, at);
    return code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ ? ARC_OK
                                                                : arc__sqlite_fail(NULL, code, err);
}

static arc_status look_room(struct look *look, uint32_t page_bytes, arc_err *err)
{
    look->page_bytes = page_bytes;
    look->bytes = arc__alloc(look->mem, (size_t)page_bytes + WAL_FRAME_HEADER);
    return look->bytes != NULL ? ARC_OK : arc__fail_nomem(err);
}

enum found {
    FOUND_ALL,  /* the frames of the mark, or a later life of the WAL, which followed them */
    FOUND_PART, /* the life of the mark, and fewer frames that are right */
    FOUND_BAD,  /* a header that says nothing: SQLite takes no frame behind it */
    FOUND_NONE, /* the WAL is empty, or was begun anew: the database may hold all */
};

static int is_page_size(uint32_t bytes)
{
    return bytes >= 512 && bytes <= 65536 && (bytes & (bytes - 1)) == 0;
}

/* 1: it is the header of the mark's life, and the first part of the next one's over it: a write
 * that failed half-way, which is tried only when all has been copied back. */
static int is_half_new(const uint8_t *header, const struct arc_sqlite_commit_end *end)
{
    uint8_t old[WAL_HEADER];
    uint32_t sums[2] = {0, 0};
    memcpy(old, header, sizeof(old));
    put32(old + 12, arc__sqlite_get32(header + 12) - 1);
    put32(old + 16, end->salts[0]);
    put32(old + 20, end->salts[1]);
    arc__sqlite_wal_sum(header[3] & 1, old, 24, sums);
    return sums[0] == arc__sqlite_get32(header + 24) && sums[1] == arc__sqlite_get32(header + 28);
}

static arc_status walk(struct look *look, const struct arc_sqlite_commit_end *end,
                       const uint8_t *header, uint32_t sums[2], uint32_t *frames, arc_err *err)
{
    int big_endian = header[3] & 1;
    uint32_t size = look->page_bytes + WAL_FRAME_HEADER;
    for (*frames = 0; *frames < end->frames; ++*frames) {
        ARC_TRY(look_read(look, look->bytes, size, WAL_HEADER + (int64_t)*frames * size, err));
        arc__sqlite_wal_sum(big_endian, look->bytes, 8, sums);
        arc__sqlite_wal_sum(big_endian, look->bytes + WAL_FRAME_HEADER, look->page_bytes, sums);
        if (memcmp(look->bytes + 8, header + 16, 8) != 0 ||
            sums[0] != arc__sqlite_get32(look->bytes + 16) ||
            sums[1] != arc__sqlite_get32(look->bytes + 20))
            return ARC_OK;
    }
    return ARC_OK;
}

static arc_status look_at_wal(struct look *look, const struct arc_sqlite_commit_end *end,
                              enum found *found, uint32_t *frames, arc_err *err)
{
    uint8_t header[WAL_HEADER];
    uint32_t sums[2] = {0, 0};
    int64_t size = 0;
    *found = FOUND_NONE;
    int code = arc__sqlite_side_size(&look->file, &size);
    if (code != SQLITE_OK)
        return arc__sqlite_fail(NULL, code, err);
    if (size == 0)
        return ARC_OK;
    ARC_TRY(look_read(look, header, sizeof(header), 0, err));
    uint32_t kind = arc__sqlite_get32(header), bytes = arc__sqlite_get32(header + 8);
    arc__sqlite_wal_sum(kind & 1, header, 24, sums);
    if ((kind | 1) != 0x377f0683 || !is_page_size(bytes) ||
        sums[0] != arc__sqlite_get32(header + 24) || sums[1] != arc__sqlite_get32(header + 28)) {
        *found = is_half_new(header, end) ? FOUND_NONE : FOUND_BAD;
        return ARC_OK;
    }
    uint32_t lives = arc__sqlite_get32(header + 16) - end->salts[0];
    if (lives > 0 && lives < LIVES_MAX)
        *found = FOUND_ALL;
    if (lives != 0 || arc__sqlite_get32(header + 20) != end->salts[1])
        return ARC_OK;
    ARC_TRY(look_room(look, bytes, err));
    ARC_TRY(walk(look, end, header, sums, frames, err));
    *found = *frames == end->frames && sums[0] == end->sums[0] && sums[1] == end->sums[1]
                 ? FOUND_ALL
                 : FOUND_PART;
    return ARC_OK;
}

/* 1: the page that the last commit wrote last is in the database as it was written. */
static arc_status look_at_page(struct look *look, const struct arc_sqlite_commit_end *end,
                               int *holds, arc_err *err)
{
    uint8_t header[100];
    *holds = 0;
    ARC_TRY(look_read(look, header, sizeof(header), 0, err));
    uint32_t bytes = (uint32_t)header[16] << 8 | header[17];
    bytes = bytes == 1 ? 65536 : bytes;
    if (!is_page_size(bytes) || end->page == 0)
        return ARC_OK;
    ARC_TRY(look_room(look, bytes, err));
    ARC_TRY(look_read(look, look->bytes, bytes, (int64_t)(end->page - 1) * bytes, err));
    size_t len = bytes - (header[20] == ARC_SQLITE_SEAL_BYTES ? ARC_SQLITE_SEAL_BYTES : 0);
    *holds = arc__sqlite_page_sum(end->page, look->bytes, len) == end->page_sum;
    return ARC_OK;
}

static arc_status fail_lost(const struct arc_sqlite_commit_end *end, uint32_t frames,
                            const char *path, arc_err *err)
{
    return arc__fail(err, ARC_EINTERNAL, "store",
                     "The file is damaged: its last commits are gone, the WAL is right up to frame "
                     "%u of %u. If another program has copied it back, remove %.100s.mark.",
                     frames, end->frames, path);
}

/* *copied: another program has copied the WAL back and removed it, and the mark does not know. */
static arc_status check(const struct arc_sqlite_mark *mark, const struct arc_mem *mem,
                        const char *vfs, const char *path, int *copied, arc_err *err)
{
    char name[4096 + 8];
    struct look look = {.mem = mem};
    enum found found = FOUND_NONE;
    uint32_t frames = 0;
    int there = 0, holds = 0;
    if (mark->end.frames == 0)
        return ARC_OK;
    snprintf(name, sizeof(name), "%s-wal", path);
    arc_status status = look_open(&look, vfs, name, SQLITE_OPEN_WAL, &there, err);
    if (status == ARC_OK && there)
        status = look_at_wal(&look, &mark->end, &found, &frames, err);
    look_close(&look);
    if (status != ARC_OK || found == FOUND_ALL)
        return status;
    if (found != FOUND_PART && mark->copied) /* where a write of a new header failed, too */
        return ARC_OK;
    if (found != FOUND_NONE)
        return fail_lost(&mark->end, frames, path, err);
    /* Another program has copied it back and removed it, or somebody has lost it. */
    status = look_open(&look, vfs, path, SQLITE_OPEN_MAIN_DB, &there, err);
    if (status == ARC_OK && there)
        status = look_at_page(&look, &mark->end, &holds, err);
    look_close(&look);
    if (status != ARC_OK)
        return status;
    *copied = holds;
    return holds ? ARC_OK : fail_lost(&mark->end, 0, path, err);
}

arc_status arc__sqlite_mark_check(struct arc_sqlite_mark *mark, const struct arc_mem *mem,
                                  const char *vfs, const char *path, arc_err *err)
{
    int copied = 0;
    ARC_TRY(check(mark, mem, vfs, path, &copied, err));
    return copied ? arc__sqlite_mark_clean(mark, err) : ARC_OK;
}

arc_status arc__sqlite_mark_look(const struct arc_mem *mem, const char *vfs, const char *path,
                                 arc_err *err)
{
    char name[4096 + 8];
    struct arc_sqlite_mark mark = {.sequence = 0};
    int copied = 0;
    snprintf(name, sizeof(name), "%s.mark", path);
    if (access(name, F_OK) != 0) /* opening would make it */
        return ARC_OK;
    arc_status status = arc__sqlite_mark_open(&mark, mem, vfs, name, 1, err);
    if (status == ARC_OK)
        status = check(&mark, mem, vfs, path, &copied, err);
    arc__sqlite_mark_close(&mark, mem);
    return status;
}
