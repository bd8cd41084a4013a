/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the check share. */
#ifndef ARC_ENGINE_FSCK_PRIVATE_H
#define ARC_ENGINE_FSCK_PRIVATE_H

#include "base/buf.h"
#include "base/map.h"
#include "engine/fsck.h"

#define FSCK_OPS_MAX 500u /* of one transaction of a rebuild */

struct note {
    struct arc_fsck_finding finding;
    struct note *next;
};

/* What the runs of a pipeline make of it. */
struct tally {
    int64_t total, success, failed;
    int64_t newest; /* number of the newest run */
    int32_t status; /* and how it stands */
    int unsure;     /* one of its runs is damaged */
    int seen;       /* the pipeline is there */
};

enum fsck_phase {
    FSCK_STREAMS,
    FSCK_RUN_ROWS,
    FSCK_JOB_ROWS,
    FSCK_STEP_ROWS,
    FSCK_ARTIFACT_ROWS,
    FSCK_PIPELINES,
    FSCK_COUNTERS,
    FSCK_DONE
};

struct arc_fsck {
    struct arc_desk *desk;
    int rebuild;
    enum fsck_phase phase;
    struct arc_buf cursor;  /* the key that the present phase has come to */
    struct arc_arena found; /* findings that have not been asked for, and the one that was last */
    struct note *first, **end;
    struct arc_arena page, made; /* rows as they are stored, and as they are to be */
    struct arc_store_op ops[FSCK_OPS_MAX];
    size_t op_count;
    struct arc_map pipes; /* pipeline id -> tally */
    uint64_t fence;       /* the highest that was handed out */
    struct arc_fsck_report report;
};

/* Adds one; its texts are copied, has and expected cut. */
void arc__fsck_note(struct arc_fsck *fsck, const struct arc_fsck_finding *finding);
/* 1: the finding is put right by what the caller is about to write. */
static inline int arc__fsck_fixes(const struct arc_fsck *fsck)
{
    return fsck->rebuild;
}
/* The row is to be so, and nothing of the one that is there stays. Not written without a rebuild.
 * row lives until the next flush. */
arc_status arc__fsck_write(struct arc_fsck *fsck, enum arc_table table, const void *row,
                           arc_err *err);
arc_status arc__fsck_delete(struct arc_fsck *fsck, enum arc_table table, const void *row,
                            arc_err *err);
arc_status arc__fsck_flush(struct arc_fsck *fsck, arc_err *err);
/* NULL: no memory. */
struct tally *arc__fsck_tally(struct arc_fsck *fsck, arc_slice pipeline_id);

/* fsck_run.c: the stream that the cursor names. */
arc_status arc__fsck_stream(struct arc_fsck *fsck, arc_err *err);

#endif
