/* SPDX-License-Identifier: Apache-2.0 */
/* What every log store asks of its arguments, and what it knows after each line. */
#ifndef ARC_LOGS_LINES_H
#define ARC_LOGS_LINES_H

#include "base/err.h"
#include "port/log_store.h"

#define ARC_LOGS_ID_MAX 200u                            /* bytes; a suffix still fits a name */
#define ARC_LOGS_APPEND_MAX_BYTES (64u * 1024u * 1024u) /* of content in one append */
#define ARC_LOGS_APPEND_MAX_LINES 1000000u

/* ARC_EINVAL unless both are made of letters, digits, '.', '_' and '-' and are not "." or "..":
 * they become names of files. */
arc_status arc__logs_check_ids(arc_slice run_id, arc_slice step_run_id, arc_err *err);
arc_status arc__logs_check_id(arc_slice id, const char *what, arc_err *err);
/* ARC_EINVAL, or ARC_ELIMIT for lines that are too long or too many. */
arc_status arc__logs_check_lines(const struct arc_log_line *lines, size_t count, arc_err *err);

/* ARC_ECONFLICT where the first line has a number and the log does not go on with it. */
arc_status arc__logs_check_place(const struct arc_log_info *info, const struct arc_log_line *first,
                                 arc_err *err);

/* Counts one more line in. A gap record stands for agent_line and the gap_lines-1 after it. Lines
 * of an earlier attempt than the last do not count for last_agent_line. */
void arc__logs_count(struct arc_log_info *info, const struct arc_log_line *line);

#endif
