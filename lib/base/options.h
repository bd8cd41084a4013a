/* SPDX-License-Identifier: Apache-2.0 */
/* Structs of a caller that begin with their size: how an older or newer one is read. */
#ifndef ARC_BASE_OPTIONS_H
#define ARC_BASE_OPTIONS_H

#include "base/err.h"

/* "size first": copies what the caller's struct has into *out (of `full` bytes, zeroed before).
 * A larger one is accepted when what we do not know is zero. ARC_EINVAL names what. */
arc_status arc__options_read(const void *given, size_t full, void *out, const char *what,
                             arc_err *err);

#endif
