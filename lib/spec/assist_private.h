/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of assist share. */
#ifndef ARC_SPEC_ASSIST_PRIVATE_H
#define ARC_SPEC_ASSIST_PRIVATE_H

#include "base/json.h"
#include "spec/assist.h"

/* The place that is asked about. */
struct arc_assist {
    struct arc_outline outline;
    arc_slice text;
    uint32_t offset; /* of the place */
    uint32_t from;   /* where the word starts that the place is in or behind */
    uint32_t to;     /* where it ends */
};

void arc__assist_open(struct arc_assist *assist, const struct arc_assist_at *at,
                      const struct arc_mem *mem);
void arc__assist_close(struct arc_assist *assist);
/* "line", "column", "endLine", "endColumn" of a part of the text, into the open object. */
void arc__assist_put_place(struct arc_json *json, arc_slice text, uint32_t from, uint32_t to);

/* The entry whose value the place is in or would be; and whether a key belongs there. */
struct arc_assist_spot {
    uint32_t owner; /* NONE: the document */
    int wants_key;
};
struct arc_assist_spot arc__assist_spot(const struct arc_assist *assist);

/* An expression that the place is in: from behind `${{`, or a whole `when`. 0: none. */
int arc__assist_expression(const struct arc_assist *assist, uint32_t *from);

/* The name that ends at `to`, not from before `from`; empty: there is none. */
arc_slice arc__assist_name_before(arc_slice text, uint32_t from, uint32_t to);

/* The job or step that an entry stands in: the item of `jobs` or `steps`; NONE. */
uint32_t arc__assist_enclosing(const struct arc_outline *outline, uint32_t entry,
                               enum arc_object object);
/* Every job of the document, one after the other; NONE: no more. */
uint32_t arc__assist_next_job(const struct arc_outline *outline, uint32_t after);
/* The steps of a job. */
uint32_t arc__assist_next_step(const struct arc_outline *outline, uint32_t job, uint32_t after);
/* "list of Job", "duration": the type of a field in words. */
void arc__assist_type(const struct arc_field *field, struct arc_buf *out);

/* Completion inside of an expression that starts at `from`. */
void arc__assist_expression_items(const struct arc_assist *assist, uint32_t from,
                                  struct arc_json *json);

#endif
