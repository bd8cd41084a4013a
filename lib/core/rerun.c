/* SPDX-License-Identifier: Apache-2.0 */
#include "core/rerun.h"

/* Which jobs run again: 1 in again; those whose dependents have not been looked at in list. */
struct again {
    const struct arc_run *run;
    uint8_t *again;
    uint32_t *list, count;
};

static void mark(struct again *set, uint32_t j)
{
    if (set->again[j])
        return;
    set->again[j] = 1;
    set->list[set->count++] = j;
}

static int went_wrong(const struct arc_job_state *job)
{
    return job->status == ARC_JOB_FAILED || job->status == ARC_JOB_TIMEOUT ||
           job->status == ARC_JOB_CANCELLED || (job->status == ARC_JOB_SKIPPED && job->by_failure);
}

static void mark_first(struct again *set, enum arc_rerun mode, arc_slice from)
{
    const struct arc_plan *plan = set->run->plan;
    for (uint32_t j = 0; j < plan->job_count; j++) {
        int named =
            arc__slice_equal(plan->jobs[j].key, from) || arc__slice_equal(plan->jobs[j].name, from);
        if (mode == ARC_RERUN_ALL || (mode == ARC_RERUN_FROM && named) ||
            (mode == ARC_RERUN_FAILED && went_wrong(&set->run->jobs[j])))
            mark(set, j);
    }
}

/* Marking grows the list at its end: what is marked late is looked at as well. */
static void mark_following(struct again *set)
{
    const struct arc_run *run = set->run;
    uint32_t stage = UINT32_MAX;
    for (uint32_t i = 0; i < set->count; i++) {
        if (run->plan->jobs[set->list[i]].stage < stage)
            stage = run->plan->jobs[set->list[i]].stage;
    }
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        if (run->plan->jobs[j].stage > stage)
            mark(set, j);
    }
    for (uint32_t i = 0; i < set->count; i++) {
        for (uint32_t k = 0; k < run->dependent_count[set->list[i]]; k++)
            mark(set, run->dependents[set->list[i]][k]);
    }
}

static arc_status take_kept(const struct again *set, struct arc_arena *arena,
                            const struct arc_kept **out, arc_err *err)
{
    uint32_t count = set->run->plan->job_count;
    *out = NULL;
    if (set->count == count)
        return ARC_OK;
    struct arc_kept *kept = arc__arena_array(arena, count, sizeof(*kept));
    if (kept == NULL)
        return arc__fail_nomem(err);
    for (uint32_t j = 0; j < count; j++) {
        const struct arc_job_state *job = &set->run->jobs[j];
        if (!set->again[j])
            kept[j] = (struct arc_kept){job->status, job->by_failure, job->outputs};
    }
    *out = kept;
    return ARC_OK;
}

arc_status arc__rerun_keep(const struct arc_run *run, enum arc_rerun mode, arc_slice from,
                           struct arc_arena *arena, const struct arc_kept **kept, arc_err *err)
{
    uint32_t count = run->plan->job_count;
    struct again set = {.run = run};
    if (!arc__run_over(run))
        return arc__fail(err, ARC_ECONFLICT, "run",
                         "The run is %s: only a run that has ended can be run again.",
                         arc_run_state_name(run->status));
    set.again = arc__arena_array(arena, count, sizeof(*set.again));
    set.list = arc__arena_array(arena, count, sizeof(*set.list));
    if (set.again == NULL || set.list == NULL)
        return arc__fail_nomem(err);
    mark_first(&set, mode, from);
    if (set.count == 0 && mode == ARC_RERUN_FROM)
        return arc__fail(err, ARC_ENOTFOUND, "job", "The run has no job %.*s.", ARC_ARG(from));
    if (set.count == 0)
        return arc__fail(err, ARC_ECONFLICT, "run", "Nothing of the run failed.");
    mark_following(&set);
    return take_kept(&set, arena, kept, err);
}
