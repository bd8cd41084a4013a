/* SPDX-License-Identifier: Apache-2.0 */
/* A definition while it is checked and after: the tree, and an index over its jobs. The values of
 * fields are read from the tree when they are needed (spec/fields.h); they are not kept twice. */
#ifndef ARC_SPEC_MODEL_H
#define ARC_SPEC_MODEL_H

#include "core/template.h"
#include "spec/fields.h"
#include "spec/tree.h"

struct arc_names;
struct arc_scope_names;

struct arc_spec_job {
    const struct arc_node *node; /* a map */
    arc_slice name;              /* ARC_NONE: none was given */
    uint32_t stage;
    uint32_t index;       /* in jobs */
    uint32_t in_stage;    /* in the list where it stands, for paths */
    const uint32_t *deps; /* indices into jobs, as written, without those that are wrong */
    const struct arc_node **dep_nodes; /* where each is written */
    uint32_t dep_count;
    uint32_t has_matrix;
    uint32_t cells;                  /* of its matrix; 1: it has none, or it is wrong */
    uint32_t never;                  /* 1: its condition is false for good */
    uint32_t checked;                /* 1: arc__check_job has seen it */
    const struct arc_names *outputs; /* NULL: nobody asked for them */
};

struct arc_spec_stage {
    const struct arc_node *node; /* NULL: the stage `default` of the jobs-only form */
    arc_slice name;
    uint32_t first_job, job_count;
    uint32_t in_list; /* in `stages`, for paths */
    uint32_t never;
};

/* A declared variable; they are sorted by name. */
struct arc_spec_variable {
    const struct arc_node *node;
    int outside; /* its value holds something of the trigger */
    int used;
};

struct arc_spec {
    enum arc_format format;
    const struct arc_node *root;
    struct arc_spec_stage *stages;
    uint32_t stage_count;
    struct arc_spec_job *jobs;
    uint32_t job_count;
    struct arc_spec_job **by_name; /* those that have a name, sorted by it */
    uint32_t named_count;
    struct arc_spec_variable *variables;
    uint32_t variable_count;
    struct arc_spec_limits limits; /* that it was read under; its plan has the same */
    const struct arc_plan_include *includes;
    uint32_t include_count;
};

/* The same conditions and templates come again in many jobs: what was parsed last among those that
 * look alike, and what came of looking at it. */
#define ARC_PARSED_MAX 128u

struct arc_parsed {
    arc_slice text;
    const struct arc_expr *expr;
    int good;                           /* 1: there is nothing to say of it where … */
    uint32_t level, denied, status, in; /* … the same may be named (struct arc_scope) */
    int outside;                        /* its value may come from outside */
    int weighed, never;                 /* it was looked at as a condition: it is false for good */
};

/* What the checks share. */
struct arc_check {
    struct arc_arena *arena;
    struct arc_sink *sink;
    struct arc_spec_limits limits; /* resolved */
    struct arc_read_options options;
    int alone;    /* the document is a template */
    int merging;  /* texts are not templates yet: what they name may come with an include */
    int stop;     /* what is left would be guesses */
    int obscured; /* a part was not understood; what it uses is not known */
    struct arc_spec *spec;
    /* The job that is walked. job is NULL where the model does not know it. */
    struct arc_spec_job *job;
    struct arc_spec_stage *stage;
    const struct arc_node *in_stage, *in_job, *in_step;
    uint32_t next_job, next_stage, cells;
    uint32_t step; /* which one of the job, those of `finally` behind the others */
    struct arc_scope_names *names;
    uint32_t *listed;    /* for each job the last one, from 1, that was seen to depend on it */
    uint32_t scope_work; /* spent of ARC_SCOPE_WORK_MAX */
    struct arc_parsed *parsed; /* ARC_PARSED_MAX of them, or NULL */
};

/* Zeroed memory of the host for one pass; the caller frees it with the arena's mem. A refusal marks
 * the arena as failed. */
void *arc__check_alloc(struct arc_check *check, size_t count, size_t size);

/* 1: a template is in the scalar. */
static inline int arc__node_template(const struct arc_node *node)
{
    return !node->braceless && arc__template_any(node->text);
}

/* What the first character says of a text of no given format. */
enum arc_format arc__guess_format(arc_slice text);

/* --- the passes, in this order ------------------------------------------------------------ */

/* Stages and jobs as arrays; the shape need not be right. */
int arc__model_jobs(struct arc_check *check);
/* Variables by name, before templates are looked at. 0: memory is out (of all that answer int). */
int arc__model_variables(struct arc_check *check);
struct arc_spec_variable *arc__spec_variable(const struct arc_spec *spec, arc_slice name);
/* Every key and value against the field table. */
void arc__check_shape(struct arc_check *check);
const struct arc_spec_job *arc__spec_job(const struct arc_spec *spec, arc_slice name);
/* What holds between parts: names, dependencies, cycles, selectors, conditions that are false. */
int arc__check_rules(struct arc_check *check);

/* --- forms of values (values.c); 1: it has the form --------------------------------------- */
int arc__form_name(arc_slice text, size_t max);
int arc__form_version(arc_slice text);
int arc__form_ident(arc_slice text);
int arc__form_env_name(arc_slice text);
int arc__form_uses(arc_slice text);
/* 1: it is one of the conditions that this version evaluates. */
int arc__form_when(const struct arc_node *node, enum arc_when *out);
/* Whether a step's `uses` is the shell. */
int arc__uses_shell(arc_slice uses);

/* Names of time zones (zones.c): 1 when there is one of that name, and the one that is meant. */
int arc__zone_known(arc_slice name);
arc_slice arc__zone_nearest(arc_slice name);
/* Where bytes of a scalar's text stand in the document; the whole scalar where that cannot be told,
 * because it was escaped or folded. */
struct arc_span arc__scalar_span(const struct arc_check *check, const struct arc_node *node,
                                 size_t from, size_t to);

/* --- expressions (scope.c) ---------------------------------------------------------------- */

enum arc_template_in { ARC_IN_VALUE, ARC_IN_VARIABLE, ARC_IN_SCRIPT };

/* Every expression in the scalar, which is of the field. *outside is set when something that comes
 * from outside may become part of the text (may be NULL). */
void arc__template_check(struct arc_check *check, const struct arc_node *node,
                         const struct arc_field *field, const struct arc_path *path,
                         enum arc_template_in in, int *outside);
/* Variables that a text which cannot be read may use: they are not said to be unused then. */
void arc__mark_words(struct arc_check *check, arc_slice text);
/* A `when`. 1: it is right, and false whatever the run will be. */
int arc__condition_check(struct arc_check *check, const struct arc_node *node,
                         const struct arc_field *field, const struct arc_path *path);

#endif
