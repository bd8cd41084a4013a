/* SPDX-License-Identifier: Apache-2.0 */
/* A definition as the host holds it: its text and canonical form, counted. */
#ifndef ARC_FACE_SPEC_PRIVATE_H
#define ARC_FACE_SPEC_PRIVATE_H

#include <arcentra/spec.h>

#include <stdatomic.h>

#include "base/arena.h"
#include "spec/spec.h"

struct arc_spec_object {
    struct arc_mem mem;
    atomic_uint refs;
    struct arc_arena arena;
    arc_slice text;      /* as given; with its includes merged, where it has some */
    arc_slice canonical; /* JSON */
    enum arc_format format;
    uint32_t job_count;
    const struct arc_plan_include *includes; /* what was merged in, for plans */
    uint32_t include_count;
    /* How it was read, so that it can be read again. */
    arc_slice file;
    struct arc_spec_limits limits;
    uint32_t script_warnings;
};

/* A definition read again, for what is said of it with inputs: the arena and the findings are those
 * of `findings`, which holds no finding yet. */
struct arc_spec_again {
    arc_diags *findings; /* the caller's */
    struct arc_spec *spec;
    struct arc_arena *arena;
    struct arc_diags *diags;
};
arc_status arc__spec_again(const arc_spec *object, struct arc_spec_again *out, arc_err *err);
/* After the last finding: makes them ready to be shown. */
arc_status arc__spec_again_done(struct arc_spec_again *again, arc_err *err);
/* The buffer as a text for arc_text_free; the buffer is gone. */
arc_status arc__text_give(struct arc_buf *buf, char **out, arc_err *err);

#endif
