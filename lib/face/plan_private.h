/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs and agents of a plan, from the JSON that a host gives. */
#ifndef ARC_FACE_PLAN_PRIVATE_H
#define ARC_FACE_PLAN_PRIVATE_H

#include "spec/plan_print.h"
#include "spec/spec.h"

/* What is made lives in arena. ARC_EINVAL: err names the place as its subject. */
arc_status arc__plan_read_inputs(arc_slice json, struct arc_arena *arena,
                                 struct arc_plan_inputs *out, arc_err *err);
arc_status arc__plan_read_agents(arc_slice json, struct arc_arena *arena,
                                 struct arc_plan_agents *out, arc_err *err);

#endif
