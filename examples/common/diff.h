/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two texts, line by line, as `diff -u` shows it. */
#ifndef EXAMPLES_COMMON_DIFF_H
#define EXAMPLES_COMMON_DIFF_H

#include "common/text.h"

/* Appends the changes that make `after` of `before`, with three lines around each, under the two
 * names; nothing where the texts are equal. The fewest lines change, unless that are more than
 * DIFF_EDITS_MAX: then all between the first and the last that differs do. */
#define DIFF_EDITS_MAX 1000
void diff_unified(const struct text *before, const struct text *after, const char *name_before,
                  const char *name_after, struct text *out);

#endif
