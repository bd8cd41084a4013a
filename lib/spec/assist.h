/* SPDX-License-Identifier: Apache-2.0 */
/* Help for editors: what may stand at a place, what stands there, where a name is made. All three
 * work on text that is being typed (spec/outline.h) and answer JSON, which has the same form for
 * every editor; docs are those of the field table, the contexts and the functions. */
#ifndef ARC_SPEC_ASSIST_H
#define ARC_SPEC_ASSIST_H

#include "spec/outline.h"

/* A place as findings say it: 1-based, the column counts characters. */
struct arc_assist_at {
    arc_slice text; /* valid UTF-8 */
    int json;
    uint32_t line, column;
};

/* {"line","column","endLine","endColumn","items":[{"label","kind","insert","detail","meaning"}]}:
 * the place is that of the word to be replaced. kind: key, value, name, context, member, function.
 */
arc_status arc__assist_complete(const struct arc_assist_at *at, const struct arc_mem *mem,
                                struct arc_buf *out, arc_err *err);
/* {"line",…,"text"} with the text in Markdown, or null. */
arc_status arc__assist_hover(const struct arc_assist_at *at, const struct arc_mem *mem,
                             struct arc_buf *out, arc_err *err);
/* {"line","column","endLine","endColumn"} of what a name stands for (a job, a step, a variable), or
 * null. */
arc_status arc__assist_define(const struct arc_assist_at *at, const struct arc_mem *mem,
                              struct arc_buf *out, arc_err *err);
/* [{"name","kind","line",…,"children"}]: stages, jobs and steps. */
arc_status arc__assist_symbols(const struct arc_assist_at *at, const struct arc_mem *mem,
                               struct arc_buf *out, arc_err *err);

#endif
