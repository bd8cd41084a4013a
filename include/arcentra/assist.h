/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Help for editors of pipeline definitions: completion, hover, "go to definition", symbols. Works
 * on text that is being typed and need not be whole; needs no control plane, does no I/O.
 *
 * Places are those of findings: 1-based, and a column counts characters. Answers are JSON.
 */
#ifndef ARCENTRA_ASSIST_H
#define ARCENTRA_ASSIST_H

#include <arcentra/base.h>
#include <arcentra/spec.h>

ARC_BEGIN_DECLS

/** A place in a text. Since: 0.1. */
typedef struct arc_assist_place {
    size_t size;
    const char *text;
    size_t len;
    uint32_t format; /* ARC_FORMAT_…; ANY: a first non-blank { means JSON */
    uint32_t line, column;
} arc_assist_place;
#define ARC_ASSIST_PLACE_INIT \
    { \
        sizeof(arc_assist_place), NULL, 0, 0, 1, 1 \
    }

/**
 * What may stand at the place: {"line", "column", "endLine", "endColumn", "items": [{"label",
 * "kind", "insert", "detail", "meaning"}]}, where the place is that of the word to replace and kind
 * is key, value, name, context, member or function. No items: nothing is known.
 * Owner: the caller of *json, arc_text_free. Thread: any.
 * Errors: ARC_EINVAL (text that is not UTF-8, or no place), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_assist_complete(const arc_assist_place *place, char **json,
                                                    arc_err *err);
/**
 * What stands at the place: {"line", "column", "endLine", "endColumn", "text"} with the text in
 * Markdown, or null. Owner: the caller of *json, arc_text_free. Thread: any.
 * Errors: as arc_assist_complete. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_assist_hover(const arc_assist_place *place, char **json,
                                                 arc_err *err);
/**
 * Where the job, step, variable or axis is made whose name stands at the place: {"line", "column",
 * "endLine", "endColumn"}, or null. Owner: the caller of *json, arc_text_free. Thread: any.
 * Errors: as arc_assist_complete. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_assist_define(const arc_assist_place *place, char **json,
                                                  arc_err *err);
/**
 * The stages, jobs and steps of the text: [{"name", "kind", "line", "column", "endLine",
 * "endColumn", "children"}]. line and column of the place do not matter.
 * Owner: the caller of *json, arc_text_free. Thread: any.
 * Errors: as arc_assist_complete. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_assist_symbols(const arc_assist_place *place, char **json,
                                                   arc_err *err);

ARC_END_DECLS

#endif
