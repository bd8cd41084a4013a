/* SPDX-License-Identifier: Apache-2.0 */
/* A VFS of SQLite's over another one, for one store: it seals the pages of the database as they are
 * written and checks them as they are read, checks what is read of the WAL against the sums that
 * SQLite keeps there, and remembers where the last commit in the WAL ended.
 *
 * SQLite's list of VFS is the process's. This one is in it only while a connection is opened, under
 * a name with its address, and never the default one: neither a second store nor a host that uses
 * SQLite can meet it.
 *
 * What must stay true: a page is wrong, or was never written, and the read fails; no read answers
 * anything else than what was written. In memory the seal of a page is zero, so a program without
 * this VFS that copies the WAL back leaves pages without a seal, which are taken as they are. */
#ifndef ARC_STORE_SQLITE_VFS_H
#define ARC_STORE_SQLITE_VFS_H

#include <sqlite3.h>

#include "base/err.h"

/* The last commit that was written to the WAL. */
struct arc_sqlite_commit_end {
    uint32_t salts[2]; /* of this life of the WAL; the first is one more in the next */
    uint32_t sums[2];  /* the running sum of all frames up to it */
    uint32_t frames;   /* up to and with it; 0: none was written */
    uint32_t page;     /* of its last frame */
    uint64_t page_sum; /* of what that holds, but for a seal */
};

/* A page that is free may never have been written; only copying reads it. */
enum arc_sqlite_lenient {
    ARC_LENIENT_NOT, /* then it is damage */
    ARC_LENIENT_END, /* it may be missing behind the end of the file */
    ARC_LENIENT_ALL, /* and be empty in the middle of it */
};

struct arc_sqlite_vfs {
    sqlite3_vfs vfs;
    sqlite3_vfs *under;
    char name[40];
    int wanted;    /* pages of a new file are to be sealed */
    int seals;     /* pages of this one are */
    int immutable; /* nobody writes to the file: it needs no WAL and no lock */
    enum arc_sqlite_lenient lenient;
    int is_new; /* the file was empty when it was opened */
    uint32_t page_bytes;
    int wal_order;    /* 0: unknown, 1: little-endian, 2: big-endian */
    uint32_t stale;   /* the sums of frames from here on are yet to be made right; 0: none */
    uint32_t written; /* the frame whose header was the last thing written to the WAL */
    uint64_t commits; /* that were written; it may count one twice */
    struct arc_sqlite_commit_end end;
    char damage[160]; /* the first that was seen, in words; "": none */
};

/* under: NULL is the default VFS. The struct must stay where it is until its connections are
 * closed. */
arc_status arc__sqlite_vfs_init(struct arc_sqlite_vfs *shim, const char *under, int seals,
                                arc_err *err);
/* As sqlite3_open_v2. */
int arc__sqlite_vfs_open(struct arc_sqlite_vfs *shim, const char *path, int flags, sqlite3 **out);
/* What is damaged in the file of this connection, in words; NULL: nothing is known, or it is not
 * over this VFS. */
const char *arc__sqlite_vfs_damage(sqlite3 *db);

/* Big-endian numbers in the formats of SQLite. */
uint32_t arc__sqlite_get32(const uint8_t *bytes);

#endif
