/* SPDX-License-Identifier: Apache-2.0 */
/* Where step logs live; never in the database. Lines are numbered by the store from 1 without gaps
 * within a step run, going on over its attempts. An append that returned ARC_OK has been handed to
 * the operating system: it survives the end of this process, not of the machine. */
#ifndef ARC_PORT_LOG_STORE_H
#define ARC_PORT_LOG_STORE_H

#include "base/arena.h"

#define ARC_LOG_STDOUT 1u
#define ARC_LOG_STDERR 2u
#define ARC_LOG_SYSTEM 3u /* written by the control plane: a gap record, a note */

#define ARC_LOG_FLAG_SPLIT 1u    /* the line goes on in the next: it was longer than the limit */
#define ARC_LOG_FLAG_REPAIRED 2u /* bytes that were not UTF-8 were replaced */
#define ARC_LOG_FLAG_GAP 4u      /* stands for gap_lines lines that were lost */

#define ARC_LOG_LINE_MAX 65536u

struct arc_log_line {
    int64_t number;     /* set by the store on append, 1-based; see there */
    int64_t time_ns;    /* wall clock */
    int64_t agent_line; /* the agent's own number within the attempt, 1-based; 0: not an agent's */
    int64_t gap_lines;
    uint32_t attempt; /* of the step */
    uint32_t stream;  /* ARC_LOG_STDOUT … */
    uint32_t flags;
    arc_slice content; /* without the newline, at most ARC_LOG_LINE_MAX bytes, UTF-8 */
};

struct arc_log_info {
    int64_t lines;         /* held, gap records included */
    uint32_t last_attempt; /* of the last agent line; 0: none */
    int64_t
        last_agent_line; /* the greatest number of that attempt (a gap counts what it stands for) */
    int64_t bytes;
};

struct arc_log_store;

struct arc_log_store_ops {
    size_t size;
    /* All or nothing in order; numbers are written into lines. Where the first of them has one it
     * is the number that it must come to have: ARC_ECONFLICT says that the log holds other lines
     * than the caller knows of, and nothing was appended. */
    arc_status (*append)(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                         struct arc_log_line *lines, size_t count, arc_err *err);
    /* A step run without lines is not an error: all zero. */
    arc_status (*info)(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                       struct arc_log_info *out, arc_err *err);
    /* Lines from number `from` on, at most limit and about max_bytes of content, at least one if
     * there is one. Content is copied into arena. */
    arc_status (*read)(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                       int64_t from, size_t limit, size_t max_bytes, struct arc_arena *arena,
                       struct arc_log_line **lines, size_t *count, arc_err *err);
    /* No more lines soon: may close files. Appending again is allowed. */
    void (*release)(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id);
    arc_status (*remove_run)(struct arc_log_store *logs, arc_slice run_id, arc_err *err);
    void (*close)(struct arc_log_store *logs);
};

struct arc_log_store {
    const struct arc_log_store_ops *ops;
};

#endif
