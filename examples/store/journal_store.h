/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a few hundred lines: rows in memory, sorted by their keys, and a journal on the disk
 * that makes them again. It is meant to be read; docs/CUSTOM_STORE.md goes through it. Good for
 * some hundred thousand rows: a question that is not about a key looks at every row of its table.
 */
#ifndef JOURNAL_STORE_H
#define JOURNAL_STORE_H

#include <arcentra/sys/store.h>

#define JOURNAL_COMPACT_BYTES (INT64_C(4) * 1024 * 1024)

/* env: whose memory; NULL: the process's own. The file is made where there is none. A record at its
 * end that was not written whole is dropped: nobody has been told that it was.
 *
 * The journal is written anew, as PATH.new, which then takes its name, when it is longer than
 * compact_bytes and more than half of it is of the past; 0: JOURNAL_COMPACT_BYTES.
 *
 * Errors: ARC_ECONFLICT (another process has it), ARC_EINVAL (the path names no file, or is too
 * long), ARC_EPRECONDITION (it is no journal, or of a newer version), ARC_EINTERNAL (it is
 * damaged), ARC_EIO, ARC_ENOMEM. */
arc_status journal_store_open(const arc_env *env, const char *path, int64_t compact_bytes,
                              arc_store **out, arc_err *err);

#endif
