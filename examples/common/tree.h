/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of steps: made private, removed whole, and never left by a name from outside. */
#ifndef EXAMPLES_COMMON_TREE_H
#define EXAMPLES_COMMON_TREE_H

#include <stddef.h>

/* 1 for a relative path that stays inside: no empty part, no `.` or `..`, no leading `/`, no
 * control character, at most 1024 bytes and 255 a part. "" is the top itself. */
int tree_is_inside(const char *path);
/* Makes path and what is missing above it, each 0700. 0 or an errno. */
int tree_make(const char *path);
/* Removes path and everything below it, follows no link and stays on its file system. Directories
 * that are not writable are opened first. 0 or the errno of the first thing that stayed. */
int tree_remove(const char *path);
/* Writes a file for its owner alone: to the side, synced, then renamed into place. 0 or an errno.
 */
int tree_write(const char *path, const void *bytes, size_t len, int executable);
/* Gives a file of the user's new content, whole or not at all: to the side, synced, then renamed.
 * Its permissions stay, and a link still points to it. 0 or an errno. */
int tree_replace(const char *path, const void *bytes, size_t len);

#endif
