/* SPDX-License-Identifier: Apache-2.0 */
#include "test_disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 8
#define SHM_MAX 16
#define SECTOR 512u

/* A write (or, without bytes, a truncation) that no sync has made safe yet. */
struct change {
    struct change *next;
    size_t at, len;
    unsigned char *bytes;
};

struct disk_file {
    char name[256]; /* empty: free */
    unsigned char *now, *safe;
    size_t now_len, safe_len, now_room, safe_room;
    struct change *first, **last;
    void *shm[SHM_MAX];
};

struct open_file {
    sqlite3_file base;
    struct disk_file *file;
    int delete_on_close;
};

/* Files as they were when they were kept. */
static struct {
    char name[256];
    unsigned char *bytes;
    size_t len;
} saved[FILES_MAX];

static struct {
    struct disk_file files[FILES_MAX];
    uint64_t operations, failures, fail_at, snapshot_at, snapshot_random;
    int sticky, code, number;
    unsigned kinds;
    size_t limit;
} disk;

/* --- bytes ----------------------------------------------------------------------------------- */

static void resize(struct disk_file *file, int safe, size_t wanted)
{
    unsigned char **bytes = safe ? &file->safe : &file->now;
    size_t *len = safe ? &file->safe_len : &file->now_len;
    size_t *room = safe ? &file->safe_room : &file->now_room;
    if (wanted > *room) {
        *room = wanted * 2;
        *bytes = realloc(*bytes, *room);
        if (*bytes == NULL)
            abort();
    }
    if (wanted > *len)
        memset(*bytes + *len, 0, wanted - *len);
    *len = wanted;
}

static void put(struct disk_file *file, int safe, size_t at, const void *from, size_t size)
{
    if (at + size > (safe ? file->safe_len : file->now_len))
        resize(file, safe, at + size);
    if (size > 0)
        memcpy((safe ? file->safe : file->now) + at, from, size);
}

static void drop_changes(struct disk_file *file)
{
    while (file->first != NULL) {
        struct change *change = file->first;
        file->first = change->next;
        free(change->bytes);
        free(change);
    }
    file->last = &file->first;
}

static void drop_shm(struct disk_file *file)
{
    for (size_t i = 0; i < SHM_MAX; i++) {
        free(file->shm[i]);
        file->shm[i] = NULL;
    }
}

static void drop_file(struct disk_file *file)
{
    drop_changes(file);
    drop_shm(file);
    free(file->now);
    free(file->safe);
    memset(file, 0, sizeof(*file));
}

static void add_change(struct disk_file *file, size_t at, const void *bytes, size_t len)
{
    struct change *change = calloc(1, sizeof(*change));
    unsigned char *copy = bytes != NULL ? malloc(len + 1) : NULL;
    if (change == NULL || (bytes != NULL && copy == NULL))
        abort();
    if (bytes != NULL)
        memcpy(copy, bytes, len);
    *change = (struct change){NULL, at, len, copy};
    *file->last = change;
    file->last = &change->next;
}

/* --- faults ---------------------------------------------------------------------------------- */

static void snapshot(void);

/* SQLITE_OK, or what the operation shall answer. */
static int operate(unsigned kind)
{
    if ((disk.kinds & kind) == 0)
        return SQLITE_OK;
    disk.operations++;
    if (disk.operations == disk.snapshot_at)
        snapshot();
    if (disk.fail_at == 0 || disk.operations < disk.fail_at ||
        (disk.operations > disk.fail_at && !disk.sticky))
        return SQLITE_OK;
    disk.failures++;
    return disk.code;
}

uint64_t disk_operations(void)
{
    return disk.operations;
}

uint64_t disk_failures(void)
{
    return disk.failures;
}

void disk_fail(uint64_t nth, int sticky, int code, unsigned kinds)
{
    disk.operations = disk.failures = 0;
    disk.fail_at = nth;
    disk.sticky = sticky;
    disk.code = code;
    disk.kinds = kinds;
    disk.number = 0;
}

void disk_fail_errno(int number)
{
    disk.number = number;
}

void disk_limit(size_t bytes)
{
    disk.limit = bytes;
}

size_t disk_used(void)
{
    size_t used = 0;
    for (size_t i = 0; i < FILES_MAX; i++)
        used += disk.files[i].now_len;
    return used;
}

void disk_format(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        drop_file(&disk.files[i]);
    memset(&disk, 0, sizeof(disk));
    disk.kinds = DISK_ALL;
}

void disk_save(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        memcpy(saved[i].name, disk.files[i].name, sizeof(saved[i].name));
        saved[i].len = disk.files[i].now_len;
        free(saved[i].bytes);
        saved[i].bytes = malloc(saved[i].len + 1);
        if (saved[i].bytes == NULL)
            abort();
        if (saved[i].len > 0)
            memcpy(saved[i].bytes, disk.files[i].now, saved[i].len);
    }
}

void disk_restore(void)
{
    disk_format();
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct disk_file *file = &disk.files[i];
        memcpy(file->name, saved[i].name, sizeof(file->name));
        file->last = &file->first;
        put(file, 0, 0, saved[i].bytes, saved[i].len);
        put(file, 1, 0, saved[i].bytes, saved[i].len);
    }
}

void disk_keep_safe(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        const struct disk_file *file = &disk.files[i];
        saved[i].len = file->safe_len;
        free(saved[i].bytes);
        saved[i].bytes = malloc(saved[i].len + 1);
        if (saved[i].bytes == NULL)
            abort();
        if (file->safe_len > 0)
            memcpy(saved[i].bytes, file->safe, file->safe_len);
    }
}

static uint64_t next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random >> 11;
}

/* How much of what was not safe is there: of 8. */
static int keeps(uint64_t *random, unsigned of_8)
{
    return random == NULL || next(random) % 8 < of_8;
}

/* Makes what was written safe; with a random number only the part that it wants. */
static void settle(struct disk_file *file, uint64_t *random, unsigned of_8)
{
    for (const struct change *c = file->first; c != NULL; c = c->next) {
        if (c->bytes == NULL && keeps(random, of_8))
            resize(file, 1, c->at);
        for (size_t done = 0; c->bytes != NULL && done < c->len;) {
            size_t part = SECTOR - (c->at + done) % SECTOR;
            part = part < c->len - done ? part : c->len - done;
            if (keeps(random, of_8))
                put(file, 1, c->at + done, c->bytes + done, part);
            done += part;
        }
    }
    drop_changes(file);
}

/* Of 8, how many sectors that were not safe are there. */
static unsigned draw_share(uint64_t *random)
{
    static const unsigned shares[] = {0, 4, 4, 4, 7, 7, 8, 4};
    *random |= 1;
    return shares[next(random) % 8];
}

/* As the loss of power, but upon copies. */
static void snapshot(void)
{
    uint64_t random = disk.snapshot_random;
    unsigned of_8 = draw_share(&random);
    disk.snapshot_at = 0;
    for (size_t i = 0; i < FILES_MAX; i++) {
        const struct disk_file *file = &disk.files[i];
        struct disk_file copy = {.last = &copy.first};
        memcpy(copy.name, file->name, sizeof(copy.name));
        put(&copy, 1, 0, file->safe, file->safe_len);
        for (const struct change *c = file->first; c != NULL; c = c->next)
            add_change(&copy, c->at, c->bytes, c->len);
        settle(&copy, &random, of_8);
        memcpy(saved[i].name, copy.name, sizeof(copy.name));
        free(saved[i].bytes);
        saved[i].len = copy.safe_len;
        saved[i].bytes = copy.safe;
    }
}

void disk_lose_power_at(uint64_t nth, uint64_t random)
{
    disk.operations = 0;
    disk.snapshot_at = nth;
    disk.snapshot_random = random;
}

void disk_lose_power(uint64_t random)
{
    unsigned of_8 = draw_share(&random);
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct disk_file *file = &disk.files[i];
        if (file->name[0] == '\0')
            continue;
        settle(file, &random, of_8);
        drop_shm(file);
        file->now_len = 0;
        put(file, 0, 0, file->safe, file->safe_len);
    }
    disk_fail(0, 0, 0, DISK_ALL);
    disk.limit = 0;
}

unsigned char *disk_file(size_t index, const char **name, size_t *len)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct disk_file *file = &disk.files[i];
        if (file->name[0] == '\0' || file->now_len == 0 || index-- > 0)
            continue;
        *name = file->name;
        *len = file->now_len;
        return file->now;
    }
    return NULL;
}

/* --- a file ---------------------------------------------------------------------------------- */

static struct disk_file *file_of(sqlite3_file *base)
{
    return ((struct open_file *)base)->file;
}

static int file_close(sqlite3_file *base)
{
    struct open_file *open = (struct open_file *)base;
    if (open->delete_on_close)
        drop_file(open->file);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *out, int len, sqlite3_int64 at)
{
    struct disk_file *file = file_of(base);
    int code = operate(DISK_READS);
    size_t there = (size_t)at < file->now_len ? file->now_len - (size_t)at : 0;
    size_t part = there < (size_t)len ? there : (size_t)len;
    memset(out, 0, (size_t)len);
    if (code != SQLITE_OK)
        return code;
    if (part > 0)
        memcpy(out, file->now + at, part);
    return part < (size_t)len ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int file_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 at)
{
    struct disk_file *file = file_of(base);
    int code = operate(DISK_WRITES);
    size_t end = (size_t)at + (size_t)len;
    if (code == SQLITE_OK && disk.limit != 0 && end > file->now_len &&
        disk_used() + (end - file->now_len) > disk.limit)
        code = SQLITE_FULL;
    if (code != SQLITE_OK) /* half of it may have gone through */
        len /= 2;
    add_change(file, (size_t)at, bytes, (size_t)len);
    put(file, 0, (size_t)at, bytes, (size_t)len);
    return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct disk_file *file = file_of(base);
    int code = operate(DISK_OTHERS);
    if (code != SQLITE_OK)
        return code;
    add_change(file, (size_t)size, NULL, 0);
    resize(file, 0, (size_t)size);
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct disk_file *file = file_of(base);
    (void)flags;
    int code = operate(DISK_SYNCS);
    uint64_t random = disk.operations | 1;
    settle(file, code == SQLITE_OK ? NULL : &random, 4);
    return code;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)file_of(base)->now_len;
    return SQLITE_OK;
}

/* One thread, and never two transactions at once: locks are granted, but for a fault. */
static int file_lock(sqlite3_file *base, int level)
{
    (void)base;
    (void)level;
    return operate(DISK_LOCKS);
}

static int file_unlock(sqlite3_file *base, int level)
{
    (void)base;
    (void)level;
    return SQLITE_OK;
}

static int file_reserved(sqlite3_file *base, int *out)
{
    (void)base;
    *out = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
    (void)base;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *base)
{
    (void)base;
    return SECTOR;
}

static int file_traits(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as SQLite believes of real disks */
}

static int file_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
    struct disk_file *file = file_of(base);
    int code = operate(DISK_SHM);
    if (code != SQLITE_OK || region >= SHM_MAX)
        return code != SQLITE_OK ? code : SQLITE_IOERR_SHMSIZE;
    if (file->shm[region] == NULL && extend)
        file->shm[region] = calloc(1, (size_t)size);
    *out = file->shm[region];
    return SQLITE_OK;
}

static int file_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    (void)base;
    (void)offset;
    (void)count;
    return (flags & SQLITE_SHM_LOCK) != 0 ? operate(DISK_LOCKS) : SQLITE_OK;
}

static void file_shm_barrier(sqlite3_file *base)
{
    (void)base;
}

static int file_shm_unmap(sqlite3_file *base, int delete_it)
{
    if (delete_it)
        drop_shm(file_of(base));
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* --- the disk -------------------------------------------------------------------------------- */

static struct disk_file *find(const char *name)
{
    for (size_t i = 0; name != NULL && i < FILES_MAX; i++) {
        if (strcmp(disk.files[i].name, name) == 0)
            return &disk.files[i];
    }
    return NULL;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                    int *out_flags)
{
    struct open_file *open = (struct open_file *)base;
    struct disk_file *file = find(name);
    (void)vfs;
    base->pMethods = NULL;
    for (size_t i = 0; file == NULL && i < FILES_MAX; i++) {
        if (disk.files[i].name[0] == '\0')
            file = &disk.files[i];
    }
    if (file == NULL)
        return SQLITE_CANTOPEN;
    if (file->name[0] == '\0') {
        snprintf(file->name, sizeof(file->name), "%s", name != NULL ? name : "temporary");
        file->last = &file->first;
    }
    open->base.pMethods = &methods;
    open->file = file;
    open->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    if (out_flags != NULL)
        *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    struct disk_file *file = find(name);
    (void)vfs;
    (void)sync;
    int code = operate(DISK_OTHERS);
    if (code != SQLITE_OK)
        return code;
    if (file == NULL)
        return SQLITE_IOERR_DELETE_NOENT;
    drop_file(file);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    (void)flags;
    *out = find(name) != NULL;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    memset(out, 7, (size_t)size);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    (void)vfs;
    *out = 212642496000000; /* some day */
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    (void)size;
    (void)out;
    return disk.number;
}

int disk_register(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 2,
        .szOsFile = sizeof(struct open_file),
        .mxPathname = 255,
        .zName = DISK_NAME,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time,
    };
    disk_format();
    return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
}
