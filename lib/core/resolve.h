/* SPDX-License-Identifier: Apache-2.0 */
/* What a step is given when it is granted: its texts with every template expanded, read off the
 * plan and the run. Pure, and the same each time it is asked for one attempt, because everything
 * that it names (needs, earlier steps, the trigger) is over by then. */
#ifndef ARC_CORE_RESOLVE_H
#define ARC_CORE_RESOLVE_H

#include "core/expr.h"
#include "core/run.h"

struct arc_resolved {
    arc_slice args; /* JSON */
    struct arc_kvs env;
    arc_slice image, working_directory;
    arc_slice target, runtime; /* of its job, JSON objects for those who act on them; or empty */
    arc_slice artifacts;       /* of the step, a JSON list; or empty */
};

/* The agent's side of the world; all may be empty where the host runs the step. */
struct arc_place_facts {
    arc_slice id, name, os, arch;
    struct arc_kvs labels;
};

/* The limits of what a run evaluates. The units are those that its definition was planned with. How
 * long an expression may be was decided when the definition was checked, under a limit that is not
 * known any more: one that was accepted is never refused by its run. */
struct arc_expr_limits arc__run_limits(const struct arc_plan *plan);

/* 1: it has texts beside its environment that only the run can tell. */
static inline int arc__step_is_late(const struct arc_plan *plan, uint32_t job, uint32_t step)
{
    return plan->jobs[job].steps[step].late != 0 || (plan->jobs[job].late & ARC_LATE_RUNTIME) != 0;
}

/* ARC_EINVAL: a template cannot be expanded (err says which and why); the step then fails with that
 * message. ARC_ENOMEM. place may be NULL. */
arc_status arc__step_resolve(const struct arc_run *run, uint32_t job, uint32_t step,
                             const struct arc_place_facts *place, struct arc_arena *arena,
                             struct arc_resolved *out, arc_err *err);

/* The world of an expression in a job (step UINT32_MAX) or step: only the contexts whose bits
 * are set in `need` are filled in; the rest are NULL. */
arc_status arc__run_world(const struct arc_run *run, uint32_t stage, uint32_t job, uint32_t step,
                          uint32_t need, const struct arc_place_facts *place,
                          struct arc_arena *arena, struct arc_world *out, arc_err *err);

/* Whether a condition holds: 1 or 0 in *yes, and a sentence in *why when it does not. A condition
 * that cannot be evaluated does not hold, and *failed is set: what it guards fails. */
arc_status arc__condition_holds(const struct arc_run *run, const struct arc_condition *condition,
                                uint32_t stage, uint32_t job, uint32_t step, uint32_t status,
                                struct arc_arena *arena, int *yes, int *failed, arc_slice *why,
                                arc_err *err);

/* The arguments of a notice about a job, a stage (job UINT32_MAX) or the run (both), a JSON object,
 * with its templates expanded. ARC_EINVAL: one cannot be. */
arc_status arc__notice_params(const struct arc_run *run, uint32_t stage, uint32_t job,
                              arc_slice params, struct arc_arena *arena, arc_slice *out,
                              arc_err *err);

/* The outputs of a job that has ended, as JSON: an object of texts. */
arc_status arc__job_outputs(const struct arc_run *run, uint32_t job, struct arc_arena *arena,
                            arc_slice *out, arc_err *err);

#endif
