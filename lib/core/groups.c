/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of concurrency groups, as one run sees them: whether it or a job of it waits for one, and
 * that it has been given one. Whose turn it is, is the engine's to say. */
#include "core/decide_private.h"

static int is_halted(const struct arc_run *run)
{
    return run->stopping || run->status == ARC_RUN_PAUSED || arc__run_over(run);
}

int arc__run_lacks_slot(const struct arc_run *run)
{
    return run->plan != NULL && run->plan->group.group.len > 0 && !run->admitted;
}

int arc__job_lacks_slot(const struct arc_run *run, uint32_t j)
{
    return run->plan->jobs[j].group.group.len > 0 && !run->jobs[j].admitted;
}

int arc__run_wants_slot(const struct arc_run *run)
{
    if (!arc__run_lacks_slot(run) || is_halted(run))
        return 0;
    return run->plan->gate == 0 || run->gates[run->plan->gate - 1].status == ARC_GATE_APPROVED;
}

int arc__job_wants_slot(const struct arc_run *run, uint32_t j)
{
    return run->jobs[j].status == ARC_JOB_QUEUED && arc__job_lacks_slot(run, j) && !is_halted(run);
}

arc_status arc__decide_admit_run(struct arc_decision *d, struct arc_run *run, arc_err *err)
{
    if (!arc__run_wants_slot(run))
        return arc__fail(err, ARC_ECONFLICT, "run", "The run does not wait for a slot.");
    ARC_TRY(arc__emit(
        d, run, (struct arc_event){.type = ARC_EVENT_PIPELINE_ADMITTED, .job = -1, .step = -1},
        err));
    return arc__settle_all(d, run, err);
}

arc_status arc__decide_admit_job(struct arc_decision *d, struct arc_run *run, uint32_t j,
                                 arc_err *err)
{
    if (j >= run->plan->job_count || !arc__job_wants_slot(run, j))
        return arc__fail(err, ARC_ECONFLICT, "job", "The job does not wait for a slot.");
    return arc__emit(
        d, run, (struct arc_event){.type = ARC_EVENT_JOB_ADMITTED, .job = (int32_t)j, .step = -1},
        err);
}
