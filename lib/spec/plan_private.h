/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make a plan share:
 *
 *   plan_build.c    inputs, stages, jobs, their order and edges, the hash
 *   plan_matrix.c   the cells of a matrix
 *   plan_step.c     steps, environments, what is inserted before and behind
 *   plan_text.c     templates: what is known now, what the run will tell
 *   plan_when.c     conditions: what is decided now, and why
 *   plan_json.c, plan_load.c   a plan as JSON and back
 *   plan_hash.c     its hash */
#ifndef ARC_SPEC_PLAN_PRIVATE_H
#define ARC_SPEC_PLAN_PRIVATE_H

#include "base/sha256.h"
#include "core/template.h"
#include "spec/model.h"
#include "spec/node.h"

/* Environments in layers: what is known, and what is a template still; no name is in both. The
 * layers below are those of the callers. */
struct arc_plan_env {
    struct arc_kvs known, late;       /* all layers, merged */
    struct arc_plan_layer own;        /* the uppermost one */
    const struct arc_plan_env *below; /* NULL: it is the lowest */
};

/* What was made of a text that says the same everywhere: it names neither `env` nor `matrix`. */
#define ARC_KNOWN_TEXTS_MAX 128u

struct arc_known_text {
    arc_slice text; /* as written; empty: there is none */
    arc_slice made;
    int late;
};

struct arc_known_condition {
    arc_slice text;
    struct arc_condition made;
};

struct arc_known {
    arc_slice names[ARC_KNOWN_TEXTS_MAX], values[ARC_KNOWN_TEXTS_MAX];
    struct arc_known_text texts[ARC_KNOWN_TEXTS_MAX];
    struct arc_known_text wholes[ARC_KNOWN_TEXTS_MAX]; /* one template alone; made is JSON */
    struct arc_known_condition conditions[ARC_KNOWN_TEXTS_MAX];
};

struct arc_planner {
    const struct arc_spec *spec;
    const struct arc_plan_inputs *inputs;
    struct arc_arena *arena;  /* what the plan keeps */
    struct arc_arena scratch; /* of one evaluation */
    struct arc_arena step;    /* the world's `env`, made where something names it */
    struct arc_sink *sink;
    struct arc_world world;
    const struct arc_plan_env *env; /* what the world's `env` is made of */
    const struct arc_path *path;    /* of the object whose fields are read */
    struct arc_spec_limits limits;
    struct arc_known *known; /* NULL until variables have their values */
    struct arc_buf spare;    /* of arc__plan_scratch: what was settled last */
    uint32_t names_matrix;   /* 1: something that was worked out may name `matrix` */
    uint32_t runtime;        /* 1: something is left for the run to expand or to decide */
};

/* --- plan_text.c -------------------------------------------------------------------------- */

/* Arrays and copies in the plan's arena, which says so when memory is out. */
void *arc__plan_array(struct arc_planner *p, size_t count, size_t size);
arc_slice arc__plan_keep(struct arc_planner *p, arc_slice text);
/* A copy that is shared with what was kept before: of names that come again and again. */
arc_slice arc__plan_name(struct arc_planner *p, arc_slice text);
/* The same for values, which have a table of their own: they come less often again. */
arc_slice arc__plan_value(struct arc_planner *p, arc_slice text);
/* What was built, kept; the buffer is gone. */
struct arc_buf arc__plan_scratch(struct arc_planner *p);
arc_slice arc__plan_settle(struct arc_planner *p, struct arc_buf *buf);

/* The environment that templates see from now on. */
void arc__plan_use_env(struct arc_planner *p, const struct arc_plan_env *env);
/* 1: what the text says is the same in all jobs and steps. */
int arc__plan_is_common(arc_slice text);
/* Before an expression or a template is worked out: fills in the world's `env` if it may name it,
 * and notes whether it may name `matrix`. */
void arc__plan_see(struct arc_planner *p, arc_slice text);
/* What cannot be worked out, as a finding at the scalar. */
void arc__plan_fault(struct arc_planner *p, const struct arc_node *node,
                     const struct arc_fault *fault);
/* The text with its templates expanded. *late is set when a value is not known yet: the text is
 * then as written. late NULL: that is a finding. */
arc_slice arc__plan_expand(struct arc_planner *p, const struct arc_node *node, int *late);
arc_slice arc__plan_field(struct arc_planner *p, const struct arc_node *map, enum arc_field_id id);
/* A map of texts, expanded and sorted. */
struct arc_kvs arc__plan_texts(struct arc_planner *p, const struct arc_node *map);
/* Two sorted lists as one; where both have a key, `above` wins. */
struct arc_kvs arc__plan_overlay(struct arc_planner *p, const struct arc_kvs *below,
                                 const struct arc_kvs *above);
int arc__plan_kv_order(const void *a, const void *b);
/* A layer of environment on top of another. */
struct arc_plan_env arc__plan_layer(struct arc_planner *p, const struct arc_plan_env *below,
                                    const struct arc_node *map);
/* 1: one of the texts may name `env`. */
int arc__plan_names_env(const struct arc_kvs *texts);
/* What it was merged from, kept. */
struct arc_plan_layers arc__plan_layers(struct arc_planner *p, const struct arc_plan_env *env);
/* Writes an object of the field table in its canonical form, templates of fields that have them
 * expanded; *late as above, then what is written is of no use. late NULL: nothing is expanded. */
void arc__plan_put_object(struct arc_planner *p, struct arc_json *json, const struct arc_node *node,
                          enum arc_object object, int *late);
/* Any JSON, texts expanded; a text that is one template and nothing else keeps its type. */
void arc__plan_put_value(struct arc_planner *p, struct arc_json *json, const struct arc_node *node,
                         int *late);
/* The same for a child of the list or map that p->path names. */
void arc__plan_put_child(struct arc_planner *p, struct arc_json *json, const struct arc_node *child,
                         uint32_t index, int *late);

/* --- plan_when.c -------------------------------------------------------------------------- */

/* node NULL: success(). */
struct arc_condition arc__plan_condition(struct arc_planner *p, const struct arc_node *node);

/* --- plan_step.c -------------------------------------------------------------------------- */

/* plan_where.c: what the job's steps and its runtime ask of an agent, as rules of its selector. */
void arc__plan_needs(struct arc_planner *p, const struct arc_node *runtime,
                     struct arc_plan_job *job);

/* Of the value of a field; NULL: what stands for an absent one. */
int64_t arc__plan_duration(const struct arc_node *node);
uint32_t arc__plan_bool(const struct arc_node *node);
struct arc_retry arc__plan_retry(const struct arc_node *node);
int arc__plan_word(const struct arc_node *map, enum arc_field_id id);
/* What a job takes over from above when it has none of its own. */
struct arc_plan_defaults {
    const struct arc_node *source, *target, *notify, *runtime;
};
/* Own steps, those of `finally`, and what is inserted. */
void arc__plan_steps(struct arc_planner *p, const struct arc_fields *job,
                     const struct arc_plan_defaults *defaults, const struct arc_plan_env *env,
                     struct arc_plan_job *out);
/* The canonical JSON of an optional part, or empty; bit of ARC_LATE_… goes to *late. */
arc_slice arc__plan_part(struct arc_planner *p, const struct arc_node *node, enum arc_object object,
                         uint32_t bit, uint32_t *late);

/* --- plan_json.c -------------------------------------------------------------------------- */

/* Whether the JSON of a plan has no more than ARC_PLAN_BYTES_MAX bytes. ARC_ELIMIT; ARC_ENOMEM. */
arc_status arc__plan_json_fits(const struct arc_plan *plan, const struct arc_mem *mem);

/* --- plan_hash.c -------------------------------------------------------------------------- */

/* SHA-256 of all that a plan says but its hash, as hex. Answers how many bytes its JSON has at
 * most, which is far more than it has. */
uint64_t arc__plan_hash(const struct arc_plan *plan, char out[ARC_SHA256_HEX_LEN + 1]);

/* --- plan_matrix.c ------------------------------------------------------------------------ */

struct arc_matrix_cell {
    arc_slice key;          /* `os=linux,go=1.25`, escaped */
    struct arc_value value; /* a map */
};

/* The cells of a matrix, without repetitions, in order. most: how many there may be, of the axes'
 * product and in the end; *wanted is how many there would be when that is too many (ARC_ELIMIT).
 * ARC_ENOMEM. *out lives in arena; the node was checked. */
arc_status arc__matrix_cells(const struct arc_node *matrix, uint32_t most, struct arc_arena *arena,
                             struct arc_matrix_cell **out, uint32_t *count, uint64_t *wanted);

#endif
