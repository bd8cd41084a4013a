/* SPDX-License-Identifier: Apache-2.0 */
/* In which order waiting jobs are placed: a point of priority weighs as much as a minute of
 * waiting; pipelines take turns; the jobs of one come as they were queued. What is looked at are
 * the jobs that the same agent could have taken. */
#include <string.h>

#include "shadow.h"

#define POINT_NS SECONDS(60)
#define PASSED_MAX 2 /* turns that another pipeline may have in between */

static int waits(const struct shadow_run *run, uint32_t j)
{
    return run->jobs[j].state == QUEUED && run->jobs[j].agent[0] == '\0' && !run->stopping &&
           run->state != RUN_PAUSED && !shadow_run_over(run) && !groups_lacks(run, (int)j);
}

/* They ask for the same place. */
static int same_lane(const struct shadow_run *a, uint32_t i, const struct shadow_run *b, uint32_t j)
{
    const struct arc_kvs *left = &a->plan->jobs[i].selector.labels;
    const struct arc_kvs *right = &b->plan->jobs[j].selector.labels;
    if (a->priority != b->priority || left->count != right->count)
        return 0;
    for (uint32_t k = 0; k < left->count; k++) {
        if (!arc__slice_equal(left->items[k].key, right->items[k].key) ||
            !arc__slice_equal(left->items[k].value, right->items[k].value))
            return 0;
    }
    return 1;
}

/* Since when the longest waiting job of this priority waits. */
static int64_t oldest(const struct shadow *shadow, int32_t priority)
{
    int64_t at = INT64_MAX;
    for (uint32_t r = 0; r < shadow->run_count; r++) {
        const struct shadow_run *run = &shadow->runs[r];
        for (uint32_t j = 0; run->priority == priority && j < run->plan->job_count; j++) {
            if (waits(run, j) && run->jobs[j].line_ns < at)
                at = run->jobs[j].line_ns;
        }
    }
    return at;
}

/* It is the first of its pipeline in its lane. */
static int is_next(const struct shadow *shadow, uint32_t r, uint32_t j)
{
    const struct shadow_run *run = &shadow->runs[r];
    for (uint32_t k = 0; k < shadow->run_count; k++) {
        const struct shadow_run *other = &shadow->runs[k];
        for (uint32_t i = 0; other->pipeline == run->pipeline && i < other->plan->job_count; i++) {
            if (waits(other, i) && other->jobs[i].line_ns < run->jobs[j].line_ns &&
                same_lane(run, j, other, i))
                return 0;
        }
    }
    return 1;
}

void line_came(struct shadow_job *job)
{
    memset(job->passed, 0, sizeof(job->passed));
}

/* r, j was placed, and job i of run k was not. */
static void passed(struct shadow *shadow, uint32_t r, uint32_t j, uint32_t k, uint32_t i)
{
    struct shadow_run *run = &shadow->runs[r], *other = &shadow->runs[k];
    struct shadow_job *job = &other->jobs[i];
    if (other->pipeline == run->pipeline) {
        line_came(job);
        if (job->line_ns < run->jobs[j].line_ns)
            broke(shadow->sim, INV_I18,
                  "job %u of run %u is placed before job %u of run %u, which was queued before", j,
                  r, i, k);
        return;
    }
    /* What was served before a restart, or before a lost turn, is not remembered. */
    if (job->passed_ns != shadow->sim->trouble_ns)
        line_came(job);
    job->passed_ns = shadow->sim->trouble_ns;
    if (!is_next(shadow, k, i))
        return;
    if (++job->passed[run->pipeline] > PASSED_MAX)
        broke(shadow->sim, INV_I18,
              "job %u of run %u waits while another pipeline has turn after turn", i, k);
    reached(shadow->sim, GOAL_TURNS);
}

void line_placed(struct shadow *shadow, uint32_t r, uint32_t j, const char *labels)
{
    const struct shadow_run *run = &shadow->runs[r];
    /* Of several servers each has a line of its own, and one that has nothing to do takes from the
     * lines of the others. */
    if (is_shared(shadow->sim))
        return;
    int64_t mine = oldest(shadow, run->priority) - run->priority * POINT_NS;
    for (uint32_t k = 0; k < shadow->run_count && !shadow->sim->broken; k++) {
        const struct shadow_run *other = &shadow->runs[k];
        for (uint32_t i = 0; i < other->plan->job_count; i++) {
            if ((k == r && i == j) || !waits(other, i) ||
                !shadow_labels_fit(&other->plan->jobs[i], labels))
                continue;
            if (same_lane(run, j, other, i))
                passed(shadow, r, j, k, i);
            if (other->priority == run->priority)
                continue;
            reached(shadow->sim, GOAL_PRIORITY);
            if (other->jobs[i].line_ns - other->priority * POINT_NS < mine)
                broke(shadow->sim, INV_I18,
                      "job %u of run %u (priority %d) is placed before job %u of run %u (%d)", j, r,
                      run->priority, i, k, other->priority);
        }
    }
}
