/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for the files of one SQLite store, and small calls upon a store. */
#ifndef ARC_TEST_STORE_FILES_H
#define ARC_TEST_STORE_FILES_H

#include "port/store.h"
#include "store/sqlite.h"

struct store_files {
    char dir[64];
    char path[96];
};

void store_files_make(struct store_files *files);
void store_files_remove(struct store_files *files);

/* The store, or NULL with the status in err. */
struct arc_store *store_files_open(const struct store_files *files,
                                   const struct arc_store_sqlite_options *options, arc_err *err);
/* Inserts the event (stream, seq) with a position of its own. */
arc_status store_files_say(struct arc_store *store, const char *stream, int64_t seq, arc_err *err);
/* How many events the stream has, where they are seq 1 to n; -1: there is a gap or a failure. */
int64_t store_files_heard(struct arc_store *store, const char *stream);

#endif
