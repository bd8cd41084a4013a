/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded store: one SQLite file (with its -wal and -shm beside it) and a lock file
 * `<path>.lock` that names the process that holds it.
 *
 * What must stay true: a commit that said ARC_OK was synced to disk; one connection alone writes
 * and checkpoints (SQLite before 3.51.3 loses pages when two do); after a failed write or sync
 * nothing is acknowledged any more until the store is opened anew, because the kernel may have
 * dropped what it could not write and a later sync would say nothing about it. */
#ifndef ARC_STORE_SQLITE_H
#define ARC_STORE_SQLITE_H

#include "base/mem.h"
#include "port/store.h"

struct arc_store_sqlite_options {
    size_t size;               /* sizeof */
    int32_t skip_quick_check;  /* 1: do not read the whole file at open */
    uint32_t busy_ms;          /* how long to wait for a foreign lock; 0: 1,000 */
    uint32_t cache_kib;        /* of each of the two connections; 0: 16,384 */
    uint32_t checkpoint_pages; /* the WAL is copied back when it has so many; 0: 1,000 */
    const char *vfs;           /* of sqlite3_vfs_register; NULL: the default one */
    int64_t reserve_bytes;     /* kept free for the end of runs, in `<path>.reserve`; 0: none */
    int64_t wal_max_bytes;     /* a larger WAL is told by health; 0: no limit */
    int32_t no_checksums;      /* 1: pages of a new file get none */
    uint32_t mark_commits;     /* the mark is synced after so many; 0: 256 */
    int32_t beside;            /* 1: read, as of now, what another process may have open */
};
#define ARC_STORE_SQLITE_RESERVE_BYTES (8 * 1024 * 1024)
#define ARC_STORE_SQLITE_WAL_MAX_BYTES (256 * 1024 * 1024)
#define ARC_STORE_SQLITE_OPTIONS_INIT \
    { \
        .size = sizeof(struct arc_store_sqlite_options), \
        .reserve_bytes = ARC_STORE_SQLITE_RESERVE_BYTES, \
        .wal_max_bytes = ARC_STORE_SQLITE_WAL_MAX_BYTES, \
    }

/* With `beside` it takes no lock, makes nothing, writes nothing and never copies the WAL back,
 * which cannot be cut until it is closed; all that is read is as of its opening. Commits answer
 * ARC_EPRECONDITION, and so does opening a file that lacks a table or a column.
 *
 * Creates the file (mode 0600) and the schema, or adds the columns, tables and indexes that a newer
 * version brought. options may be NULL. SQLite's own memory is not mem's.
 *
 * Errors: ARC_EINVAL (the path), ARC_ECONFLICT (another process holds it; the message names it),
 * ARC_EPRECONDITION (not a file of this library, or one of a newer version), ARC_EINTERNAL (the
 * file is damaged), ARC_EIO, ARC_ELIMIT (the disk is full), ARC_EUNAVAILABLE (locked by a foreign
 * program), ARC_ENOMEM.
 *
 * A commit that ended with ARC_EIO may be found done, whole, when the store is opened anew. */
arc_status arc__store_sqlite_open(const struct arc_mem *mem, const char *path,
                                  const struct arc_store_sqlite_options *options,
                                  struct arc_store **out, arc_err *err);

#endif
