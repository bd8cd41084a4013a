/* SPDX-License-Identifier: Apache-2.0 */
/* A plan: the exact stages, jobs and steps that a run holds, with everything resolved that is known
 * before it runs. Made by `spec` from a definition and the trigger's inputs, decided over by
 * `core`, written into the run's first event and read back from there. Immutable once made;
 * everything in it lives in one arena.
 *
 *   plan ── stages[] ── first_job, job_count ──┐
 *      └── jobs[] (in stage order)  <──────────┘
 *             ├── deps[]   indices of jobs that must have ended (dependsOn)
 *             └── steps[]  in order, one workspace
 */
#ifndef ARC_CORE_PLAN_H
#define ARC_CORE_PLAN_H

#include "base/arena.h"

struct arc_kv {
    arc_slice key, value;
};

struct arc_kvs {
    const struct arc_kv *items; /* sorted by key, keys unique */
    uint32_t count;
};

/* When a stage, job or step runs: the words of the status functions, or an expression that only the
 * run can decide. What the inputs decide already is one of the words in the plan. */
enum arc_when {
    ARC_WHEN_SUCCESS = 1, /* the default */
    ARC_WHEN_FAILURE,
    ARC_WHEN_ALWAYS,
    ARC_WHEN_CANCELLED,
    ARC_WHEN_NEVER, /* `when: false`, or decided when the run was planned */
    ARC_WHEN_EXPR,  /* the text of `condition` decides */
};

struct arc_condition {
    enum arc_when when;
    arc_slice text; /* the expression as written; empty where there is none */
    arc_slice why;  /* decided while planning: "`variables.deploy == 'yes'` is false"; or empty */
};

/* What a retry covers, as bits; `on` of the definition, default all. */
#define ARC_CAUSE_FAILED 1u
#define ARC_CAUSE_TIMEOUT 2u
#define ARC_CAUSE_LOST 4u
#define ARC_CAUSE_ALL 7u

enum arc_backoff { ARC_BACKOFF_FIXED = 1, ARC_BACKOFF_LINEAR, ARC_BACKOFF_EXPONENTIAL };

struct arc_retry {
    uint32_t max_attempts; /* executions in all; 0: there is no retry block */
    uint32_t on;           /* ARC_CAUSE_… */
    enum arc_backoff backoff;
    uint32_t jitter; /* 1: full jitter */
    int64_t delay_ns;
    int64_t max_delay_ns; /* 0: none */
};

enum arc_label_op {
    ARC_LABEL_IN = 1,
    ARC_LABEL_NOT_IN,
    ARC_LABEL_EXISTS,
    ARC_LABEL_NOT_EXISTS,
    ARC_LABEL_GT,
    ARC_LABEL_LT,
};

struct arc_label_expr {
    arc_slice key;
    enum arc_label_op op;
    const arc_slice *values;
    uint32_t value_count;
};

struct arc_selector {
    struct arc_kvs labels; /* all must be equal */
    const struct arc_label_expr *exprs;
    uint32_t expr_count;
};

/* Which texts of a step or job are templates still: they name what only the run knows, and are
 * expanded, whole, when the step is granted (core/resolve.h). The others are final. Outputs and
 * notices are always templates. */
#define ARC_LATE_ARGS 1u
#define ARC_LATE_IMAGE 2u
#define ARC_LATE_DIRECTORY 4u
#define ARC_LATE_RUNTIME 8u
#define ARC_LATE_ARTIFACTS 16u

/* Steps that the plan inserts. */
enum arc_step_role { ARC_STEP_ROLE_OWN, ARC_STEP_ROLE_SOURCE, ARC_STEP_ROLE_ARTIFACTS };

/* One layer of an environment: what is known, and what is a template still; no name is in both. The
 * templates see the layers below it. */
struct arc_plan_layer {
    struct arc_kvs env, late_env;
};

struct arc_plan_layers {
    const struct arc_plan_layer *items; /* from the lowest */
    uint32_t count;
};

struct arc_plan_step {
    arc_slice name;
    arc_slice id; /* for steps.ID; default the name */
    arc_slice uses;
    arc_slice action;
    arc_slice args;          /* a JSON object; `run` is args.run */
    struct arc_kvs env;      /* every layer merged, templates expanded */
    struct arc_kvs late_env; /* those that are templates still; names are not in env */
    /* What both were merged from, where one of these templates names `env`; else none. */
    struct arc_plan_layers layers;
    arc_slice image;
    arc_slice working_directory;
    uint32_t late;          /* ARC_LATE_… */
    uint32_t role;          /* enum arc_step_role */
    uint32_t finally;       /* 1: of `finally`; these stand behind all others but (artifacts) */
    struct arc_kvs secrets; /* environment name -> secret name */
    arc_slice artifacts;    /* a JSON list, or empty */
    struct arc_condition condition;
    int64_t timeout_ns; /* 0: none */
    struct arc_retry retry;
    uint32_t continue_on_error;
};

/* A gate: an approval before what it guards. */
enum arc_gate_guards { ARC_GATE_PIPELINE = 1, ARC_GATE_STAGE, ARC_GATE_JOB };

struct arc_plan_gate {
    enum arc_gate_guards guards;
    uint32_t index; /* of the stage or job (with a matrix: of its first cell); 0 for the pipeline */
    uint32_t automatic;       /* `auto`: the plugin decides */
    arc_slice plugin, params; /* params: JSON */
    const arc_slice *approvers;
    uint32_t approver_count;
    uint32_t count; /* how many must approve, from 1 */
    int64_t timeout_ns;
    uint32_t approve_on_timeout;
};

enum arc_group_order { ARC_ORDER_CREATED = 1, ARC_ORDER_READY };
enum arc_on_full {
    ARC_FULL_WAIT = 1,
    ARC_FULL_CANCEL_RUNNING,
    ARC_FULL_CANCEL_PENDING,
    ARC_FULL_REJECT
};

/* A concurrency group; group empty: none. */
struct arc_plan_group {
    arc_slice group;
    uint32_t limit;
    enum arc_group_order order;
    enum arc_on_full on_full;
};

/* The cells of one matrix job: jobs first_job to first_job + job_count - 1. */
struct arc_plan_matrix {
    arc_slice name; /* of the job */
    uint32_t first_job, job_count;
    uint32_t max_parallel; /* 0: no bound */
    uint32_t fail_fast;
};

struct arc_plan_job {
    arc_slice name;
    arc_slice key; /* instance key: the name, with matrix cells `test[os=linux]` */
    uint32_t stage;
    uint32_t matrix; /* 1 + index into matrices; 0: it has none */
    arc_slice cell;  /* a JSON object of the cell's values; empty without a matrix */
    uint32_t gate;   /* 1 + index into gates; 0: none */
    struct arc_plan_group group;
    struct arc_kvs outputs; /* names and their templates, expanded when the job ends */
    /* Its environment, where its condition or an output names `env` in the run; else none. */
    struct arc_plan_layers layers;
    /* JSON of what the engine hands on: artifacts (a list), runtime, target, notify; or empty */
    arc_slice artifacts, runtime, target, notify;
    uint32_t late;        /* ARC_LATE_RUNTIME, ARC_LATE_ARTIFACTS */
    const uint32_t *deps; /* indices into jobs, ascending; a matrix job stands as all its cells */
    uint32_t dep_count;
    const struct arc_plan_step *steps;
    uint32_t step_count;
    struct arc_condition condition;
    int64_t timeout_ns;
    int64_t queue_timeout_ns;
    struct arc_retry retry;
    uint32_t continue_on_error;
    /* 1: an agent; 2: the host's executors; 0: the engine's setting decides */
    uint32_t place;
    struct arc_selector selector; /* the job's, narrowed by its steps' */
};

struct arc_plan_stage {
    arc_slice name;
    struct arc_condition condition;
    uint32_t gate; /* 1 + index into gates; 0: none */
    arc_slice notify;
    uint32_t first_job, job_count;
};

/* A text that was merged in by `include`. */
struct arc_plan_include {
    arc_slice template_, version, library;
    arc_slice digest; /* SHA-256 of the text, hex */
};

struct arc_plan {
    arc_slice namespace_;
    arc_slice version;
    arc_slice name;
    struct arc_kvs variables; /* the trigger's over the definition's */
    /* A JSON object of the contexts `trigger`, `git` and `pipeline`, for what is expanded later;
     * empty: nothing is. */
    arc_slice context;
    uint32_t gate; /* 1 + index into gates; 0: none */
    struct arc_plan_group group;
    arc_slice notify;
    const struct arc_plan_gate *gates;
    uint32_t gate_count;
    const struct arc_plan_matrix *matrices;
    uint32_t matrix_count;
    const struct arc_plan_include *includes;
    uint32_t include_count;
    const struct arc_plan_stage *stages;
    uint32_t stage_count;
    const struct arc_plan_job *jobs;
    uint32_t job_count;
    int64_t timeout_ns;
    uint32_t expression_units; /* of one evaluation, where the host set it; 0: the default */
    arc_slice hash;            /* SHA-256 of all the rest (spec/plan_hash.c), hex */
};

/* The value of a key by binary search; ARC_NONE when absent (present and empty has ptr != NULL). */
arc_slice arc__kvs_get(const struct arc_kvs *kvs, arc_slice key);
/* 1 when labels pass the selector. */
int arc__selector_match(const struct arc_selector *selector, const struct arc_kvs *labels);

/* "In", "NotIn" and so on, by enum arc_label_op. */
extern const char *const arc__label_op_words[ARC_LABEL_LT + 1];

/* What of a selector nobody meets. */
enum arc_lack {
    ARC_LACK_NOTHING, /* somebody meets all of it */
    ARC_LACK_ANYBODY, /* there is nobody */
    ARC_LACK_LABEL,   /* labels.items[index] */
    ARC_LACK_RULE,    /* exprs[index] */
    ARC_LACK_ALL,     /* each part is met by somebody, and all of it by nobody */
};
/* Those who are asked, by their labels. */
struct arc_asked {
    const struct arc_kvs *(*labels)(const void *user, size_t i);
    const void *user;
    size_t count;
};
enum arc_lack arc__selector_lack(const struct arc_selector *selector, const struct arc_asked *asked,
                                 uint32_t *index);

#endif
