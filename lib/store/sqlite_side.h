/* SPDX-License-Identifier: Apache-2.0 */
/* A small file beside the database, through the same VFS, so that a disk of tests fails there too.
 * Every call but open answers a code of SQLite. */
#ifndef ARC_STORE_SQLITE_SIDE_H
#define ARC_STORE_SQLITE_SIDE_H

#include <sqlite3.h>

#include "base/err.h"
#include "base/mem.h"

struct arc_sqlite_side {
    sqlite3_file *file; /* NULL: closed */
};

/* Makes it (mode 0600) where it is not there. vfs: NULL is the default one. ARC_ENOMEM, ARC_ELIMIT,
 * ARC_EIO. */
arc_status arc__sqlite_side_open(struct arc_sqlite_side *side, const struct arc_mem *mem,
                                 const char *vfs, const char *path, arc_err *err);
void arc__sqlite_side_close(struct arc_sqlite_side *side, const struct arc_mem *mem);

/* Where the file is shorter: SQLITE_IOERR_SHORT_READ, and zeros. */
int arc__sqlite_side_read(struct arc_sqlite_side *side, void *out, size_t len, int64_t at);
int arc__sqlite_side_write(struct arc_sqlite_side *side, const void *bytes, size_t len, int64_t at);
int arc__sqlite_side_sync(struct arc_sqlite_side *side);
int arc__sqlite_side_size(struct arc_sqlite_side *side, int64_t *out);
int arc__sqlite_side_truncate(struct arc_sqlite_side *side, int64_t size);
/* Makes it so long that all of its blocks are there. */
int arc__sqlite_side_fill(struct arc_sqlite_side *side, int64_t size);

#endif
