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

struct arc_sqlite_backup_options {
    size_t size;         /* sizeof */
    uint32_t step_pages; /* copied at once; 0: 256 */
    int32_t replace;     /* 1: over a file that is there */
    uint32_t busy_ms;    /* how long to wait for a lock; 0: 1,000 */
    /* Called after each step. Anything but 0 ends it with ARC_ECANCELLED. NULL is fine. */
    int (*progress)(void *user, uint64_t pages_done, uint64_t pages);
    void *user;
};
#define ARC_SQLITE_BACKUP_OPTIONS_INIT \
    { \
        .size = sizeof(struct arc_sqlite_backup_options) \
    }

typedef void (*arc_store_backup_done)(void *user, arc_status status, const arc_err *err);

/* Errors: ARC_ENOTFOUND (there is no `from`), ARC_EEXISTS (something is at `to`), ARC_EINTERNAL (a
 * page is damaged), ARC_EPRECONDITION (not a file of this library, or of a newer version),
 * ARC_ELIMIT (no room at the copy's place), ARC_EUNAVAILABLE (locked), ARC_ECANCELLED, ARC_EINVAL,
 * ARC_EIO, ARC_ENOMEM. */

/* In the process that has the store open, a step with each dispatch; commits between the steps are
 * in the copy, which is as of its last step. One at a time (ARC_ECONFLICT). done is called once,
 * from dispatch, cancel or close, where this answers ARC_OK. */
arc_status arc__store_sqlite_backup(struct arc_store *store, const char *to,
                                    const struct arc_sqlite_backup_options *options,
                                    arc_store_backup_done done, void *done_user, arc_err *err);
/* 1: one is being made, so the store wants to be dispatched. */
int arc__store_sqlite_backup_runs(const struct arc_store *store);
void arc__store_sqlite_backup_cancel(struct arc_store *store); /* none: nothing happens */

/* --- of a file, by any process ------------------------------------------------------------------
 *
 * Read-only, as of the start, and never copying its WAL back, which cannot be cut meanwhile. Where
 * nobody has the file open, its mark says whether its WAL is whole (ARC_EINTERNAL).
 *
 * restores: it is put in the place of a store, whose lock is held until it is freed (ARC_ECONFLICT:
 * a process has that store open; the message names it). Cut off anywhere it is to be done again:
 * the store may refuse to open until then, and never opens as a mixture of both. Otherwise `to` may
 * be no store that is in use or has a WAL (ARC_EPRECONDITION), nor `from` itself (ARC_EINVAL). */
struct arc_sqlite_backup;
arc_status arc__sqlite_copy_new(const struct arc_mem *mem, const char *from, const char *to,
                                int restores, const struct arc_sqlite_backup_options *options,
                                struct arc_sqlite_backup **out, arc_err *err);
/* So many pages, 0: as the options say. ARC_EDONE: the copy is whole, synced and checked, and has
 * no name yet. A failure ends it. */
arc_status arc__sqlite_copy_step(struct arc_sqlite_backup *copy, uint32_t pages, arc_err *err);
struct arc_sqlite_copy_progress {
    uint64_t pages_done, pages;
    uint32_t page_bytes;
    int copied; /* all pages are; the next step checks them */
    int beside; /* a process has the source open */
};
void arc__sqlite_copy_get_progress(const struct arc_sqlite_backup *copy,
                                   struct arc_sqlite_copy_progress *out);
/* Where it is until it has its name; it may be opened there as a store, and closed again. */
const char *arc__sqlite_copy_get_part(const struct arc_sqlite_backup *copy);
arc_status arc__sqlite_copy_name(struct arc_sqlite_backup *copy, arc_err *err);
/* What has no name is removed. NULL is fine. */
void arc__sqlite_copy_free(struct arc_sqlite_backup *copy);

/* All of it at once. */
arc_status arc__store_sqlite_backup_file(const struct arc_mem *mem, const char *from,
                                         const char *to,
                                         const struct arc_sqlite_backup_options *options,
                                         arc_err *err);

arc_status arc__store_sqlite_restore(const struct arc_mem *mem, const char *from, const char *to,
                                     const struct arc_sqlite_backup_options *options, arc_err *err);

/* Before somebody reads the files of a store who has not its lock: whether they hold all that was
 * ever acknowledged (ARC_EINTERNAL). *held: a process has it open, and has looked by itself. */
arc_status arc__sqlite_look_beside(const struct arc_mem *mem, const char *vfs, const char *path,
                                   int *held, arc_err *err);

/* Whether the file, which nobody has open, is whole and ours. */
arc_status arc__store_sqlite_check_file(const char *path, arc_err *err);

#endif
