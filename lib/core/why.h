/* SPDX-License-Identifier: Apache-2.0 */
/* Why a condition came out as it did, in words: what its names stood for. Planning and running say
 * it in the same way. */
#ifndef ARC_CORE_WHY_H
#define ARC_CORE_WHY_H

#include "core/expr.h"

/* Text of somebody else inside of a sentence: on one line, without control characters, at most so
 * many bytes and cut between characters. */
void arc__why_text(arc_slice text, size_t most, struct arc_buf *out);
/* ": variables.deploy is 'no', run.number is 1": the first few names of the expression that have a
 * value, each once; nothing where there are none. text: what expr was parsed from. It is there to
 * help: what cannot be looked up is left out, and memory that is out is told by out or scratch. */
void arc__why_operands(const struct arc_expr *expr, arc_slice text, const struct arc_world *world,
                       struct arc_arena *scratch, struct arc_buf *out);

#endif
