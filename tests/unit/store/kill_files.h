/* SPDX-License-Identifier: Apache-2.0 */
/* What a killed process leaves of a SQLite store: its files as they lie in that moment. */
#ifndef ARC_TEST_KILL_FILES_H
#define ARC_TEST_KILL_FILES_H

/* Copies the database `name` of a directory into another one, with its log and its mark; the rest
 * is made again. 1: done. */
int kill_files_copy(const char *from_dir, const char *to_dir, const char *name);

#endif
