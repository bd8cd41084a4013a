/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with `${{ expr }}` inside. The braces end at the first `}}` that is not inside of a quoted
 * text of the expression; values are put in once and never looked at again. */
#ifndef ARC_CORE_TEMPLATE_H
#define ARC_CORE_TEMPLATE_H

#include "core/expr.h"

/* One piece of a text: literal, or the expression between the braces, trimmed. */
struct arc_template_part {
    arc_slice text;
    uint32_t offset; /* of `text` in the whole */
    int expression;
    int open; /* the closing braces are missing */
};

/* 1: the text holds ${{. */
int arc__template_any(arc_slice text);
/* The next part of *rest, which becomes what follows it; 0: no more. whole is for offsets. */
int arc__template_next(arc_slice whole, arc_slice *rest, struct arc_template_part *part);
/* 1: the text is one expression and nothing else, so that its value keeps its type. */
int arc__template_is_whole(arc_slice text, arc_slice *expression);

/* Expands a text in one pass. *unknown (may be NULL) is set when a value was not known; then what
 * stands in out is of no use. ARC_EINVAL: *fault, with offsets in `text`; ARC_ELIMIT: out is full;
 * ARC_ENOMEM. */
arc_status arc__template_expand(arc_slice text, const struct arc_world *world,
                                const struct arc_expr_limits *limits, struct arc_arena *arena,
                                struct arc_buf *out, int *unknown, struct arc_fault *fault);

#endif
