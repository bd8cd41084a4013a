/* SPDX-License-Identifier: Apache-2.0 */
/* A definition as the host holds it: its text and canonical form, counted. */
#ifndef ARC_FACE_SPEC_PRIVATE_H
#define ARC_FACE_SPEC_PRIVATE_H

#include <arcentra/spec.h>

#include <stdatomic.h>

#include "base/arena.h"
#include "spec/diag.h"

struct arc_spec_object {
    struct arc_mem mem;
    atomic_uint refs;
    struct arc_arena arena;
    arc_slice text;      /* as given */
    arc_slice canonical; /* JSON */
    enum arc_format format;
    uint32_t job_count;
};

/* Findings about a text that is no definition: a new list, and where to add to it (max is the
 * caller's); then made ready to be looked at. */
arc_status arc__face_diags_new(arc_slice text, arc_diags **out, struct arc_sink *sink,
                               arc_err *err);
arc_status arc__face_diags_end(arc_diags *diags, arc_err *err);

#endif
