/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of an embedded store: made while it is in use, checked, and put back.
 *
 * A copy is one file, whole in itself: it is written under a temporary name beside its place (mode
 * 0600), synced, checked page by page, and only then given its name. What was not finished leaves
 * nothing with that name. The calls that take no store may be made by any process. */
#ifndef ARC_STORE_SQLITE_BACKUP_H
#define ARC_STORE_SQLITE_BACKUP_H

#include "base/mem.h"
#include "port/store.h"

struct arc_store_backup_options {
    size_t size;         /* sizeof */
    uint32_t step_pages; /* copied at once; 0: 256 */
    int32_t replace;     /* 1: over a file that is there */
    uint32_t busy_ms;    /* how long to wait for a lock; 0: 1,000 */
    /* Called after each step. Anything but 0 ends it with ARC_ECANCELLED. NULL is fine. */
    int (*progress)(void *user, uint64_t pages_done, uint64_t pages);
    void *user;
};
#define ARC_STORE_BACKUP_OPTIONS_INIT \
    { \
        .size = sizeof(struct arc_store_backup_options) \
    }

typedef void (*arc_store_backup_done)(void *user, arc_status status, const arc_err *err);

/* Errors of all three: ARC_EEXISTS (something is at `to`), ARC_EINTERNAL (a page is damaged),
 * ARC_EPRECONDITION (not a file of this library, or of a newer version), ARC_ELIMIT (no room at the
 * copy's place), ARC_EUNAVAILABLE (locked), ARC_ECANCELLED, ARC_EINVAL, ARC_EIO, ARC_ENOMEM. */

/* In the process that has the store open, a step with each dispatch; commits between the steps are
 * in the copy, which is as of its last step. One at a time (ARC_ECONFLICT). done is called once,
 * from dispatch, cancel or close, where this answers ARC_OK. */
arc_status arc__store_sqlite_backup(struct arc_store *store, const char *to,
                                    const struct arc_store_backup_options *options,
                                    arc_store_backup_done done, void *done_user, arc_err *err);
/* 1: one is being made, so the store wants to be dispatched. */
int arc__store_sqlite_backup_runs(const struct arc_store *store);
void arc__store_sqlite_backup_cancel(struct arc_store *store); /* none: nothing happens */

/* At once and whole, of a file that a server may have open: read-only, as of the start, and never
 * copying its WAL back. The server's WAL cannot be cut meanwhile. */
arc_status arc__store_sqlite_backup_file(const struct arc_mem *mem, const char *from,
                                         const char *to,
                                         const struct arc_store_backup_options *options,
                                         arc_err *err);

/* Puts a copy in the place of a store. ARC_ECONFLICT: a process has that store open; the message
 * names it. Cut off anywhere it is to be done again: the store may refuse to open until then, and
 * never opens as a mixture of both. */
arc_status arc__store_sqlite_restore(const struct arc_mem *mem, const char *from, const char *to,
                                     const struct arc_store_backup_options *options, arc_err *err);

/* Whether the file, which nobody has open, is whole and ours. */
arc_status arc__store_sqlite_check_file(const char *path, arc_err *err);

#endif
