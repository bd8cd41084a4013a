/* SPDX-License-Identifier: Apache-2.0 */
/* A definition as the host holds it: its text and canonical form, counted. */
#ifndef ARC_FACE_SPEC_PRIVATE_H
#define ARC_FACE_SPEC_PRIVATE_H

#include <arcentra/spec.h>

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
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
};

/* The buffer's memory becomes the caller's, in a form that arc_text_free can free alone: texts are
 * always the process's own memory, because they outlive every arc_env. */
arc_status arc__give_text(struct arc_buf *buf, char **out, arc_err *err);

#endif
