/* SPDX-License-Identifier: Apache-2.0 */
/* A definition as the host holds it: its text and canonical form, counted. */
#ifndef ARC_FACE_SPEC_PRIVATE_H
#define ARC_FACE_SPEC_PRIVATE_H

#include <arcentra/spec.h>

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "spec/diag.h"

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

struct arc_diags_object {
    struct arc_mem mem;
    struct arc_arena arena;
    arc_slice text, file;
    struct arc_diags diags;
    struct arc_diag **list; /* by index */
    char (*codes)[8];
    struct extra *extras; /* private to spec.c */
};

/* The host's resolver behind the internal one. */
struct arc_spec_bridge {
    arc_spec_resolve_fn *resolve;
    void *user;
};

/* The host's options, checked, as the reader takes them. */
struct arc_spec_reading {
    arc_spec_options options;
    struct arc_spec_bridge bridge;
    struct arc_read_options read; /* points to bridge */
};

/* given may be NULL. ARC_EINVAL: err names the option that is wrong. */
arc_status arc__face_options(const arc_spec_options *given, struct arc_spec_reading *out,
                             arc_err *err);
/* Findings of a text, which is copied. */
arc_status arc__face_diags_new(const struct arc_mem *mem, arc_slice text, arc_slice file,
                               arc_diags **out, arc_err *err);
/* Ends a call that made findings: *out (may be NULL) gets them, the first error is raised. */
arc_status arc__face_end(arc_status status, arc_diags **findings, arc_diags **out, arc_err *err);
void arc__face_drop(arc_diags **diags);
/* The text of the buffer is the caller's, for arc_text_free; the buffer is freed in any case. */
arc_status arc__face_give_text(struct arc_buf *buf, char **out, arc_err *err);

/* Findings about a text that is no definition: a new list, and where to add to it (max is the
 * caller's); then made ready to be looked at. */
arc_status arc__face_diags_begin(arc_slice text, arc_diags **out, struct arc_sink *sink,
                                 arc_err *err);
arc_status arc__face_diags_end(arc_diags *diags, arc_err *err);

#endif
