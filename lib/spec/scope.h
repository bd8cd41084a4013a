/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions where they stand in a definition: what they may name there, and what they do name. */
#ifndef ARC_SPEC_SCOPE_H
#define ARC_SPEC_SCOPE_H

#include "core/template.h"
#include "spec/rules.h"

/* Names of one kind, sorted. */
struct arc_named {
    arc_slice name;
    uint32_t order;              /* of steps: which one; of jobs: their index */
    const struct arc_node *node; /* of axes: its values */
};

struct arc_names {
    struct arc_named *items;
    uint32_t count;
    uint32_t ready; /* 1: they were looked for */
};

/* What can be named in the job that is walked; each is looked for when it is first needed. */
struct arc_scope_names {
    struct arc_names axes, needs, steps;
};

/* Work on finding out what an environment holds, for the whole definition: beyond it, everything
 * counts as coming from outside. */
#define ARC_SCOPE_WORK_MAX 1000000u

/* The names of the job where check stands. NULL: memory is out, or there is no such job. */
const struct arc_names *arc__scope_axes(struct arc_check *check);
const struct arc_names *arc__scope_needs(struct arc_check *check);
const struct arc_names *arc__scope_steps(struct arc_check *check);
/* The outputs that a job declares. */
const struct arc_names *arc__scope_outputs(struct arc_check *check, struct arc_spec_job *job);
const struct arc_named *arc__names_find(const struct arc_names *names, arc_slice name);
arc_slice arc__names_nearest(const struct arc_names *names, arc_slice name);

#endif
