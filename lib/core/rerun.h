/* SPDX-License-Identifier: Apache-2.0 */
/* What a rerun of an ended run does again, and what it keeps of it. Pure.
 *
 * A rerun is a run of its own, of the same plan. A job that is kept begins where the old one ended,
 * with its outputs; what depends on a job that runs again runs again as well, and so does every
 * later stage, because a stage depends on all before it. */
#ifndef ARC_CORE_RERUN_H
#define ARC_CORE_RERUN_H

#include "core/run.h"

enum arc_rerun {
    ARC_RERUN_ALL = 1,
    ARC_RERUN_FAILED, /* what failed, timed out, was cancelled, or was skipped because of that */
    ARC_RERUN_FROM,   /* one job (all cells of a matrix job, or one of them) */
};

/* Which jobs: ARC_NONE for all modes but ARC_RERUN_FROM. *kept gets an array of the plan's
 * job_count in arena, or NULL when everything runs again; its texts are the old run's.
 * ARC_ECONFLICT: the run has not ended, or nothing of it failed; ARC_ENOTFOUND: no such job;
 * ARC_ENOMEM. */
arc_status arc__rerun_keep(const struct arc_run *run, enum arc_rerun mode, arc_slice from,
                           struct arc_arena *arena, const struct arc_kept **kept, arc_err *err);

#endif
