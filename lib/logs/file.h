/* SPDX-License-Identifier: Apache-2.0 */
/* Step logs in files: `<dir>/<run id>/<step run id>.log` holds the records (logs/record.h) and
 * `.idx` beside it the place of each, eight bytes a line, so that any range is read at once.
 *
 * What must stay true: an append is there whole or not at all, also after the process was killed in
 * the middle of it; the files alone say where to go on; the index can be made anew from the log.
 * Torn tails are cut when a step is first touched (shared: by the next append). A line that was
 * damaged since is read as a gap of one line, so that the rest of the log stays readable.
 *
 * Unless it is shared, the directory is one process's at a time: it is locked while the store is
 * open.
 *
 * Shared: any number of stores, in one process or in several, have the directory open, all of them
 * with `shared`. At any time one of them writes the log of a step; which one may change from one
 * append to the next, also when the former writer died in the middle of its own.
 * - info and read see every append that returned before they were called. They write nothing: what
 *   is not whole is not there yet, and the torn tail of a dead writer lies there until somebody
 *   appends.
 * - append takes in first what others have written, and cuts a torn tail. A lock on the log file
 *   (flock) is held meanwhile. It is not waited for: where two append at the same moment, which is
 *   a mistake of theirs, the later one gets ARC_EUNAVAILABLE, and nothing was written. A process
 *   that is stopped in the middle of an append keeps the lock until it goes on or ends.
 * - A run that one store removes is gone for the others with their next call, open files or not. An
 *   append that goes on in the same moment is removed with it.
 * The file system must show every process the same bytes at once, and its locks must hold between
 * the machines: a local one does, NFS where it caches no attributes (`noac`). */
#ifndef ARC_LOGS_FILE_H
#define ARC_LOGS_FILE_H

#include "base/mem.h"
#include "port/log_store.h"

struct arc_logs_file_options {
    size_t size;             /* sizeof */
    uint32_t steps_open_max; /* two file descriptors each; 0: 64 */
    int32_t shared;          /* 1: other processes have the directory, too */
    /* Shared: lines of a step whose places are kept in memory where its index lacks them, as it
     * does when it was removed. 0: 8 million. The next append makes the index anew. */
    uint32_t unindexed_max;
};
#define ARC_LOGS_FILE_OPTIONS_INIT \
    { \
        sizeof(struct arc_logs_file_options), 0, 0, 0 \
    }

/* Makes the directory (mode 0700) where it is missing; its parent must be there. options may be
 * NULL.
 *
 * Errors: ARC_EINVAL, ARC_ECONFLICT (another store has the directory, and one of the two does not
 * share it), ARC_EIO, ARC_ENOMEM. Later: ARC_EINVAL (an id that is no file name), ARC_ELIMIT (the
 * disk is full, a limit of lines.h, or unindexed_max), ARC_EIO, ARC_EINTERNAL (a damaged index),
 * ARC_EUNAVAILABLE (append, shared: another process is writing the same log), ARC_ENOMEM. */
arc_status arc__logs_file_open(const struct arc_mem *mem, const char *dir,
                               const struct arc_logs_file_options *options,
                               struct arc_log_store **out, arc_err *err);

#endif
