/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a store says what its events say, and making it so again. The events are the truth and
 * are never written here; what they make is (project.h): rows of runs, jobs, steps and artifacts,
 * the counters and the status of pipelines, the counter of fences.
 *
 * A rebuild writes each run by itself, in batches of whole rows as they are to be: cut anywhere and
 * begun anew it ends in the same place. */
#ifndef ARC_ENGINE_FSCK_H
#define ARC_ENGINE_FSCK_H

#include "engine/desk.h"

/* F(NAME, word): what kind of finding it is. */
/* clang-format off */
#define ARC_FINDINGS(F)                                                                            \
    F(GAP, "gap")               /* an event is missing between others, or before them */           \
    F(EVENT, "event")           /* it cannot be read, or does not fit what was before it */        \
    F(VALUE, "value")           /* a column is not what the events make of it */                   \
    F(MISSING, "missing")       /* a row that must be there is not */                              \
    F(ORPHAN, "orphan")         /* a row that no event makes */                                    \
    F(QUARANTINE, "quarantine") /* a run is set aside though its events fold */                    \
    F(DAMAGE, "damage")         /* what no event makes is not what it says of itself */
/* clang-format on */
#define ARC_FINDING_ENUM(name, word) ARC_FINDING_##name,
enum arc_finding_kind { ARC_FINDINGS(ARC_FINDING_ENUM) ARC_FINDING_COUNT };
const char *arc__finding_word(enum arc_finding_kind kind);

/* Texts live until the next one is asked for. Empty and 0: it is not about such. */
struct arc_fsck_finding {
    enum arc_finding_kind kind;
    int32_t fixed;           /* 1: a rebuild has put it right */
    arc_slice stream;        /* the run's id, or the pipeline's, or the agent's */
    int64_t seq;             /* the event */
    const char *table;       /* without t_; "" for none */
    const char *column;      /* likewise */
    arc_slice row;           /* its key */
    arc_slice has, expected; /* values as text, long ones cut */
    arc_slice text;          /* one sentence */
};

struct arc_fsck_report {
    uint64_t runs, events, rows; /* looked at */
    uint64_t damaged;            /* runs whose events do not fold */
    uint64_t findings, fixed;
};

struct arc_fsck;
/* desk outlives it. */
arc_status arc__fsck_new(struct arc_desk *desk, int rebuild, struct arc_fsck **out, arc_err *err);
void arc__fsck_free(struct arc_fsck *fsck);
/* The next finding. ARC_EDONE: that was all. Any failure is of the store or of memory, and ends it.
 * Works on one run at a time, so what it holds does not grow with the store. */
arc_status arc__fsck_next(struct arc_fsck *fsck, const struct arc_fsck_finding **out, arc_err *err);
/* The same a bit at a time, for who does not ask for the findings: one run, or one page of rows. */
arc_status arc__fsck_step(struct arc_fsck *fsck, arc_err *err);
const struct arc_fsck_report *arc__fsck_report(const struct arc_fsck *fsck);

#endif
