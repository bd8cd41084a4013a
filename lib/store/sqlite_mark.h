/* SPDX-License-Identifier: Apache-2.0 */
/* The high-water mark: a small file beside the database that says how far the WAL reached at the
 * last commit. SQLite takes a WAL up to its first frame that is wrong and says nothing of the rest;
 * with the mark that is an error.
 *
 * It is written after every commit and synced every so many of them, before anything shortens the
 * WAL, and at the end. So it is exact after a kill, and behind by that many commits at most when
 * the power goes: what is damaged later than that cannot be told from what was never written.
 *
 * What must stay true: the mark never claims more than the disk holds, and what is read after a
 * loss of power is no older than what was synced last: an older one asks for a log that is rightly
 * gone. So there are two places, and the one that holds what was synced last is left alone until
 * the other is synced, however often that is written. */
#ifndef ARC_STORE_SQLITE_MARK_H
#define ARC_STORE_SQLITE_MARK_H

#include "store/sqlite_side.h"
#include "store/sqlite_vfs.h"

struct arc_sqlite_mark {
    struct arc_sqlite_side side;
    uint64_t sequence;
    struct arc_sqlite_commit_end end; /* frames 0: nothing is asked of the WAL */
    uint32_t copied;                  /* 1: all of it is in the database as well, and synced */
    uint32_t sync_every, unsynced;
    uint32_t safe; /* the place (0, 1) that is left alone */
    int unsure;    /* it was read, and nobody knows whether it was synced */
    int behind;    /* the disk was too full for what is newest here */
    uint64_t seen; /* commits of the shim */
};

/* Reads it. Where it is not there, or nothing of it can be read, nothing is asked of the WAL. */
arc_status arc__sqlite_mark_open(struct arc_sqlite_mark *mark, const struct arc_mem *mem,
                                 const char *vfs, const char *path, uint32_t sync_every,
                                 arc_err *err);
void arc__sqlite_mark_close(struct arc_sqlite_mark *mark, const struct arc_mem *mem);

/* Before the database is opened: whether its files hold what the mark says. ARC_EINTERNAL: the last
 * commits are gone. */
arc_status arc__sqlite_mark_check(struct arc_sqlite_mark *mark, const struct arc_mem *mem,
                                  const char *vfs, const char *path, arc_err *err);

/* The same of a store that somebody else may open, and without writing anything. */
arc_status arc__sqlite_mark_look(const struct arc_mem *mem, const char *vfs, const char *path,
                                 arc_err *err);

/* After a commit: says how far it reached. ARC_EIO. A full disk is no failure here: the older mark
 * asks for less, and stays true as long as the WAL is there. */
arc_status arc__sqlite_mark_commit(struct arc_sqlite_mark *mark, const struct arc_sqlite_vfs *shim,
                                   arc_err *err);
/* Makes what is newest safe, where it is not. ARC_EIO, ARC_ELIMIT: then the WAL must stay. */
arc_status arc__sqlite_mark_sync(struct arc_sqlite_mark *mark, arc_err *err);
/* A checkpoint has copied everything back; the WAL is still as it was. Syncs. */
arc_status arc__sqlite_mark_copied(struct arc_sqlite_mark *mark, arc_err *err);
/* All is in the database and synced, and the WAL is empty. */
arc_status arc__sqlite_mark_clean(struct arc_sqlite_mark *mark, arc_err *err);

#endif
