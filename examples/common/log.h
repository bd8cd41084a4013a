/* SPDX-License-Identifier: Apache-2.0 */
/* A program's own words to its operator, on stderr: lines for people or JSON for machines. */
#ifndef EXAMPLES_COMMON_LOG_H
#define EXAMPLES_COMMON_LOG_H

#include <arcentra/base.h>

struct log {
    int json;  /* one object a line */
    int level; /* ARC_LOG_…; what is above it is not written */
};

/* One sentence without a newline. */
__attribute__((__format__(__printf__, 3, 4))) void log_write(const struct log *log, int level,
                                                             const char *format, ...);
/* arc_env.log of a program: user is a struct log. */
void log_of_library(void *user, int level, const char *scope, const char *text);

#endif
