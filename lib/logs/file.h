/* SPDX-License-Identifier: Apache-2.0 */
/* Step logs in files: `<dir>/<run id>/<step run id>.log` holds the records (logs/record.h) and
 * `.idx` beside it the place of each, eight bytes a line, so that any range is read at once.
 *
 * What must stay true: an append is there whole or not at all, also after the process was killed in
 * the middle of it; the files alone say where to go on; the index can be made anew from the log.
 * Torn tails are cut when a step is first touched. A line that was damaged since is read as a gap
 * of one line, so that the rest of the log stays readable.
 *
 * One process at a time: the directory is locked while the store is open. */
#ifndef ARC_LOGS_FILE_H
#define ARC_LOGS_FILE_H

#include "base/mem.h"
#include "port/log_store.h"

struct arc_logs_file_options {
    size_t size;             /* sizeof */
    uint32_t steps_open_max; /* two file descriptors each; 0: 64 */
};
#define ARC_LOGS_FILE_OPTIONS_INIT \
    { \
        sizeof(struct arc_logs_file_options), 0 \
    }

/* Makes the directory (mode 0700) where it is missing; its parent must be there. options may be
 * NULL.
 *
 * Errors: ARC_EINVAL, ARC_ECONFLICT (another store has the directory), ARC_EIO, ARC_ENOMEM. Later:
 * ARC_EINVAL (an id that is no file name), ARC_ELIMIT (the disk is full, or a limit of lines.h),
 * ARC_EIO, ARC_EINTERNAL (a damaged index), ARC_ENOMEM. */
arc_status arc__logs_file_open(const struct arc_mem *mem, const char *dir,
                               const struct arc_logs_file_options *options,
                               struct arc_log_store **out, arc_err *err);

#endif
