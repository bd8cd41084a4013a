/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as they come from a pipe, as whole lines. One for each stream of a step. What must stay
 * true: never more than one line is held, and none is longer than LINE_MAX_BYTES; a longer one is
 * given in parts, cut between characters. All zeros is an empty one. */
#ifndef EXAMPLES_COMMON_LINES_H
#define EXAMPLES_COMMON_LINES_H

#include "common/text.h"

#define LINE_MAX_BYTES 65536u

struct lines {
    struct text part; /* of the line that has no end yet */
};

/* One line without its newline. split: more of the same line follows. Borrowed. */
typedef void line_fn(void *user, const char *bytes, size_t len, int split);

void lines_feed(struct lines *lines, const char *bytes, size_t len, line_fn *line, void *user);
/* The stream has ended: gives what is left, if anything, and is empty. */
void lines_end(struct lines *lines, line_fn *line, void *user);

#endif
