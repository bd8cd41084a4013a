/* SPDX-License-Identifier: Apache-2.0 */
/* What choosing a run and deleting it share. */
#ifndef ARC_ENGINE_PRUNE_PRIVATE_H
#define ARC_ENGINE_PRUNE_PRIVATE_H

#include "base/map.h"
#include "engine/prune.h"

#define PRUNE_ROWS 100u   /* of one question, and of each table in one batch */
#define PRUNE_EVENTS 200u /* of one run in one batch */
#define PRUNE_OPS_MAX 1024u
#define PRUNE_ID_SIZE 130u

/* What is looked through, in this order. */
enum prune_phase {
    PRUNE_LEFT, /* runs that are being deleted in parts */
    PRUNE_AGE,
    PRUNE_HELD,
    PRUNE_PIPES,    /* too many of one pipeline: the pipelines … */
    PRUNE_PIPE,     /* … and the runs of one */
    PRUNE_SUM,      /* how many there are of all … */
    PRUNE_SUM_GONE, /* … less those that were deleted */
    PRUNE_RUNS,     /* too many of all */
    PRUNE_KEYS,
    PRUNE_DUE, /* when there will be something again */
    PRUNE_OVER,
};

/* Of one run. */
enum prune_stage {
    PRUNE_CHOOSE,
    PRUNE_NOTICES,
    PRUNE_NEWEST,
    PRUNE_LAST,
    PRUNE_STEPS,
    PRUNE_JOBS,
    PRUNE_ARTIFACTS,
    PRUNE_OWED,
    PRUNE_READY,
};

struct arc_prune {
    struct arc_mem mem;
    struct arc_prune_io io;
    struct arc_retention retention;
    int dry;
    int64_t now_ns, due_ns;
    enum prune_phase phase;
    char cursor[PRUNE_ID_SIZE]; /* of the phase: behind this key */
    char pipe[PRUNE_ID_SIZE];   /* the pipeline at work */
    arc_id upto;                /* no id of an older moment is greater */
    char aged[PRUNE_ID_SIZE];   /* how far the ages were looked at */
    int64_t excess;             /* runs that are too many where it is looked */
    int64_t sum;
    struct arc_map seen; /* dry: the runs that were counted */
    /* the run at work */
    enum prune_stage stage;
    struct arc_arena row;  /* its row */
    struct arc_arena kept; /* what the batch borrows */
    struct arc_row_pipeline_run run;
    struct arc_row_pruned owed; /* of its pipeline */
    int has_owed, part;
    char newest[PRUNE_ID_SIZE]; /* the stream of the last event of the log */
    int64_t last_seq;
    struct arc_store_op ops[PRUNE_OPS_MAX];
    size_t op_count;
    int ready;                             /* the batch is */
    struct arc_prune_report batch, report; /* what the batch will add; what was done */
};

/* Goes on with deleting the run that was chosen. ARC_OK: a step was made; see stage and op_count.
 */
arc_status arc__prune_run(struct arc_prune *prune, arc_err *err);
/* The run is done with, deleted or left alone. */
void arc__prune_pass_by(struct arc_prune *prune);
/* Appends an operation whose row the arena `kept` gets a copy of. */
arc_status arc__prune_op(struct arc_prune *prune, enum arc_store_verb verb, enum arc_table table,
                         const void *row, int64_t expect_version, arc_err *err);

#endif
