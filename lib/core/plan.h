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

/* When a stage, job or step runs. The words of the status functions; expressions come on top. */
enum arc_when {
    ARC_WHEN_SUCCESS = 1, /* the default */
    ARC_WHEN_FAILURE,
    ARC_WHEN_ALWAYS,
    ARC_WHEN_CANCELLED,
    ARC_WHEN_NEVER, /* `when: false` */
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

struct arc_plan_step {
    arc_slice name;
    arc_slice id; /* for steps.ID; default the name */
    arc_slice uses;
    arc_slice action;
    arc_slice args;     /* a JSON object; `run` is args.run */
    struct arc_kvs env; /* every layer merged, templates expanded */
    arc_slice image;
    arc_slice working_directory;
    enum arc_when when;
    int64_t timeout_ns; /* 0: none */
    struct arc_retry retry;
    uint32_t continue_on_error;
};

struct arc_plan_job {
    arc_slice name;
    arc_slice key; /* instance key: the name, with matrix cells `test[os=linux]` */
    uint32_t stage;
    const uint32_t *deps; /* indices into jobs, ascending */
    uint32_t dep_count;
    const struct arc_plan_step *steps;
    uint32_t step_count;
    enum arc_when when;
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
    enum arc_when when;
    uint32_t first_job, job_count;
};

struct arc_plan {
    arc_slice namespace_;
    arc_slice version;
    arc_slice name;
    struct arc_kvs variables; /* the trigger's over the definition's */
    const struct arc_plan_stage *stages;
    uint32_t stage_count;
    const struct arc_plan_job *jobs;
    uint32_t job_count;
    int64_t timeout_ns;
    arc_slice hash; /* SHA-256 of the plan's JSON without the hash, hex */
};

/* The value of a key by binary search; ARC_NONE when absent (present and empty has ptr != NULL). */
arc_slice arc__kvs_get(const struct arc_kvs *kvs, arc_slice key);
/* 1 when labels pass the selector. */
int arc__selector_match(const struct arc_selector *selector, const struct arc_kvs *labels);

#endif
