/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns that are matched in linear time whatever they look like: RE2's syntax without captures
 * (`matches`). A compiled pattern is immutable. Globs are base/glob.h. */
#ifndef ARC_CORE_PATTERN_H
#define ARC_CORE_PATTERN_H

#include "base/arena.h"

#define ARC_PATTERN_BYTES_MAX 1024u
#define ARC_PATTERN_STATES_MAX 4096u /* after repetitions are written out */

struct arc_pattern;

struct arc_pattern_fault {
    uint32_t offset;
    const char *what; /* one clause: "a `)` without its `(`" */
};

/* ARC_EINVAL: *fault; ARC_ENOMEM. */
arc_status arc__pattern_compile(arc_slice text, struct arc_arena *arena,
                                const struct arc_pattern **out, struct arc_pattern_fault *fault);
/* 1: it matches somewhere in text, as RE2's partial match. *units (may be NULL) grows by the work:
 * at most states times bytes. scratch is used and left as it was found. -1: memory is out. */
int arc__pattern_match(const struct arc_pattern *pattern, arc_slice text, struct arc_arena *scratch,
                       uint64_t *units);

#endif
