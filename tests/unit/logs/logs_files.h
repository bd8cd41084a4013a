/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for a store of files, and the files of its step "run/step" as bytes. */
#ifndef ARC_TEST_LOGS_FILES_H
#define ARC_TEST_LOGS_FILES_H

#include <stddef.h>

extern char logs_dir[64];

void make_dir(void);
void remove_dir(void); /* with all that is in it */

struct file {
    char path[128];
    unsigned char *bytes; /* free() */
    size_t len;
};

/* end: "log" or "idx". The name alone, or the whole file. */
void file_name(struct file *file, const char *end);
void file_load(struct file *file, const char *end);
/* Makes the file be its first len bytes. */
void file_store(const struct file *file, size_t len);
/* Where in the log the n-th line ends. */
size_t record_end(const struct file *log, int n);

#endif
