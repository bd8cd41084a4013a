/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the embedded store share. */
#ifndef ARC_STORE_SQLITE_PRIVATE_H
#define ARC_STORE_SQLITE_PRIVATE_H

#include <limits.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "base/list.h"
#include "store/sqlite.h"
#include "store/sqlite_mark.h"
#include "store/sqlite_reserve.h"
#include "store/sqlite_vfs.h"

#define SELECTS_MAX 64
#define SQL_MAX_BYTES 65536
#define CHANGE_REPLACE (ARC_STORE_DELETE + 1) /* a PUT where the row is likely to be there */
#define CHANGES (CHANGE_REPLACE + 1)
#define INLINE_CHECKPOINTS 8 /* so many times the threshold: then a commit does it itself */

/* A prepared select. */
struct select_slot {
    char *sql;
    sqlite3_stmt *statement;
    uint64_t used_at; /* of the store's count of selects; 0: free */
};

struct arc_sqlite_backup;

struct sqlite_store {
    struct arc_store base;
    struct arc_mem mem;
    char path[PATH_MAX];
    const char *vfs;
    uint32_t busy_ms, cache_kib, checkpoint_pages;
    int lock_fd;
    sqlite3 *writer, *reader;
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *changes[ARC_TABLE_COUNT][CHANGES];
    struct select_slot selects[SELECTS_MAX];
    uint64_t select_count;
    struct arc_buf sql;
    uint32_t wal_pages, checkpoint_at;
    int64_t reserve_bytes, wal_max_bytes;
    struct arc_sqlite_reserve reserve;
    struct arc_sqlite_mark mark;
    uint32_t mark_commits;
    int no_checksums, beside;
    struct arc_sqlite_vfs shim;       /* of both connections */
    struct arc_sqlite_backup *backup; /* NULL: none is being made */
    arc_err poison;                   /* status ARC_OK: none */
    uint32_t depth;                   /* of done callbacks */
};

/* The next part of a copy that is being made; sqlite_backup.c. */
void arc__sqlite_backup_step(struct sqlite_store *self);

#endif
