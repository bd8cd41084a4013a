/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns that are matched in linear time whatever they look like: RE2's syntax without captures
 * (`matches`). A compiled pattern is immutable. Globs are base/glob.h.
 *
 *   x \n \t \r \f \v \a \x7F \x{10FFFF} \. \Q..\E     characters
 *   . [a-z] [^a-z] [[:alpha:]] \d \D \w \W \s \S        classes; names and letters are ASCII
 *   (x) (?:x) (?P<name>x) (?<name>x) x|y                groups, alternatives
 *   * + ? {n} {n,} {n,m} and each with ? or not         repetitions; lazy ones are the same here
 *   ^ $ \A \z \b \B                                    places
 *   (?i) (?s) (?m) (?U) (?i-s) (?i:x)                   flags; i is for ASCII letters
 *
 * $ is the very end of the text, or of a line with (?m). Refused, because they cannot be matched in
 * linear time or need tables of Unicode: backreferences, lookaround, \pN, \C.
 *
 * Most patterns become a deterministic automaton, which looks at each byte once. Those with \b, \B
 * or (?m) and those whose automaton would be large are simulated: all their places at once. */
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
/* The same for a pattern that is matched once: sooner done, and slower to match. */
arc_status arc__pattern_compile_once(arc_slice text, struct arc_arena *arena,
                                     const struct arc_pattern **out,
                                     struct arc_pattern_fault *fault);
#define ARC_PATTERN_NO_MEMORY (-1)
#define ARC_PATTERN_SPENT (-2)

/* 1: it matches somewhere in text (valid UTF-8), as RE2's partial match. *units (may be NULL) grows
 * by the work: at most states times bytes. scratch is used and left as it was found. */
int arc__pattern_match(const struct arc_pattern *pattern, arc_slice text, struct arc_arena *scratch,
                       uint64_t *units);
/* The same, given up (ARC_PATTERN_SPENT) soon after *units has grown by more than most. */
int arc__pattern_match_within(const struct arc_pattern *pattern, arc_slice text,
                              struct arc_arena *scratch, uint64_t most, uint64_t *units);

#endif
