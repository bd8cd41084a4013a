/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs of a step: what it wrote into the file that ARCENTRA_OUTPUT names.
 *
 *   name=value              one line
 *   name<<WORD              several: up to the line that is WORD alone
 *
 * A name is letters, digits, `_` and `-`, no digit first, at most 64. Empty lines do not count; of
 * one name the last value does. */
#ifndef EXAMPLES_COMMON_OUTPUTS_H
#define EXAMPLES_COMMON_OUTPUTS_H

#include <stddef.h>

#define OUTPUTS_VARIABLE "ARCENTRA_OUTPUT"
#define OUTPUTS_BYTES_MAX 65536 /* of the file; what the library keeps of one step */

struct outputs {
    char **names, **values; /* each name once */
    size_t count;
};

/* The path of the file in a step's scratch directory. Owner: the caller, mem_free. */
char *outputs_path(const char *scratch);
/* 1: all were read, or there is no file; 0 and why: a line that is no output, a name that is none,
 * a file that is too large. Either way outputs_deinit. */
int outputs_read(const char *path, struct outputs *out, char *why, size_t why_size);
void outputs_deinit(struct outputs *outputs);

#endif
