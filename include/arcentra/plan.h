/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Plans: exactly what a run of a definition would hold, before anything runs. Stages, jobs with the
 * cells of their matrices, steps, what waits for what, which conditions are decided already and
 * why, and which of some agents could take each job. Pure: no control plane, no I/O, no clock; the
 * same definition and inputs give the same plan and the same hash. The engine runs that same plan.
 * An arc_plan is immutable and counted; any number of threads may read one.
 */
#ifndef ARCENTRA_PLAN_H
#define ARCENTRA_PLAN_H

#include <arcentra/base.h>
#include <arcentra/spec.h>

ARC_BEGIN_DECLS

typedef struct arc_plan_object arc_plan;

/** What a run would be started with, as JSON texts that need not be terminated. Since: 0.1. */
typedef struct arc_plan_options {
    size_t size;
    /* {"variables": {NAME: text}, "trigger": {"type", "ref", "branch", "tag", "sha", "event",
     * "actor", "requestId": texts, "payload": any}, "git": {"commit", "branch", "repo"},
     * "pipeline": {"id"}}; all of it optional. NULL: nothing is given. The type is `manual`. */
    const char *inputs_json;
    size_t inputs_len;
    /* [{"id", "name": texts, "labels": {NAME: text}}], to be asked which of them could take each
     * job. NULL: nobody is asked. */
    const char *agents_json;
    size_t agents_len;
    uint32_t flags; /* none yet: 0 */
} arc_plan_options;
#define ARC_PLAN_OPTIONS_INIT \
    { \
        sizeof(arc_plan_options), NULL, 0, NULL, 0, 0 \
    }

/**
 * Plans a definition. options may be NULL. *diags (may be NULL) gets what only the inputs show, at
 * its place in the definition; NULL on ARC_OK. Free it with arc_diags_free.
 * Owner: the caller, of *out and *diags. Thread: any.
 * Errors: ARC_EINVAL (a value makes the definition wrong: err is the first finding; or the inputs
 * or agents are not as above: err says where and what is meant), ARC_ENOMEM, ARC_ELIMIT (the plan
 * is larger than 8 MiB). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_plan_build(const arc_spec *spec,
                                               const arc_plan_options *options, arc_plan **out,
                                               arc_diags **diags, arc_err *err);

/** One more holder; answers plan. Owner: the caller. Thread: shared-immutable. Since: 0.1. */
ARC_API arc_plan *arc_plan_ref(arc_plan *plan);
/** One holder less; answers NULL. NULL is fine. Owner: takes. Thread: shared-immutable. Since: 0.1.
 */
ARC_API arc_plan *arc_plan_unref(arc_plan *plan);
/**
 * The SHA-256 of the plan in lower-case hex: two runs with one hash do the same.
 * Owner: borrowed from plan. Thread: shared-immutable. Since: 0.1.
 */
ARC_API const char *arc_plan_get_hash(const arc_plan *plan);
/** How many jobs it has, each cell of a matrix as one. Owner: none. Thread: shared-immutable.
 * Since: 0.1. */
ARC_API uint32_t arc_plan_get_job_count(const arc_plan *plan);
/** How many steps all its jobs have, with those that the plan inserts. Owner: none. Thread:
 * shared-immutable. Since: 0.1. */
ARC_API uint32_t arc_plan_get_step_count(const arc_plan *plan);

/** Forms of arc_plan_copy_text. */
#define ARC_PLAN_TREE 1u    /* for people */
#define ARC_PLAN_JSON 2u    /* all of it; with agents, who could take each job in `placement` */
#define ARC_PLAN_DOT 3u     /* a graph for Graphviz */
#define ARC_PLAN_MERMAID 4u /* a graph for Mermaid */
/**
 * The plan as text, NUL-terminated, with a line feed at the end. form: one of the above.
 * Owner: the caller, arc_text_free. Thread: shared-immutable.
 * Errors: ARC_EINVAL (no such form), ARC_ENOMEM, ARC_ELIMIT (more than 64 MiB). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_plan_copy_text(const arc_plan *plan, uint32_t form, char **out,
                                                   arc_err *err);

ARC_END_DECLS

#endif
