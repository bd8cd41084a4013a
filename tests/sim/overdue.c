/* SPDX-License-Identifier: Apache-2.0 */
/* What should have happened by now. The server gets SLACK after the last trouble that it had. */
#include <string.h>

#include "shadow.h"

#define SLACK_NS SECONDS(8)
/* Of several the others wait for a lease before they take over, and are told of it by the rows. */
#define SHARED_SLACK_NS (SLACK_NS + REPLICA_LEASE_NS + SECONDS(5))
/* What a holder that was asked to end gets, and the lease of one that says nothing at all. */
#define GIVE_UP_NS (SECONDS(40) + TTL_NS)

/* It was due, and its ending takes so long. */
static int late_by(const struct shadow *shadow, uint64_t due_ns, int64_t ending_ns)
{
    const struct sim *sim = shadow->sim;
    uint64_t from = due_ns > sim->trouble_ns ? due_ns : sim->trouble_ns;
    int64_t slack_ns = is_shared(sim) ? SHARED_SLACK_NS : SLACK_NS;
    return sim->now_ns > from + (uint64_t)(slack_ns + ending_ns);
}

static int late(const struct shadow *shadow, uint64_t due_ns)
{
    return late_by(shadow, due_ns, 0);
}

int overdue_late(const struct shadow *shadow, uint64_t due_ns)
{
    return late(shadow, due_ns);
}

static int has_finally(const struct arc_plan_job *job)
{
    int any = 0;
    for (uint32_t s = 0; s < job->step_count; s++)
        any |= job->steps[s].finally != 0;
    return any;
}

static void late_step(struct shadow *shadow, uint32_t r, uint32_t j, uint32_t s)
{
    struct sim *sim = shadow->sim;
    const struct shadow_run *run = &shadow->runs[r];
    const struct shadow_step *step = &run->jobs[j].steps[s];
    const struct arc_plan_step *plan = &run->plan->jobs[j].steps[s];
    const struct attempt *attempt = shadow_attempt(shadow, step->id, step->attempt, 0);
    if (step->state == PENDING) {
        if (step->not_before_ns > 0 && run->jobs[j].agent[0] != '\0' && run->state != RUN_PAUSED &&
            late(shadow, step->not_before_ns))
            broke(sim, INV_I7, "step %u of job %u of run %u: its retry is late", s, j, r);
        return;
    }
    if (plan->timeout_ns > 0 && step->state == RUNNING &&
        late_by(shadow, step->started_ns + (uint64_t)plan->timeout_ns, GIVE_UP_NS))
        broke(sim, INV_I7, "step %u of job %u of run %u: its timeout has passed", s, j, r);
    if (attempt == NULL)
        return;
    uint64_t since =
        attempt->renewed_ns > attempt->granted_ns ? attempt->renewed_ns : attempt->granted_ns;
    uint64_t came = shadow->agent_came_ns[attempt->agent];
    if (came > 0 && since < came + REPLICA_LEASE_NS) /* the server before may have renewed it */
        since = came + REPLICA_LEASE_NS;
    if (late_by(shadow, since, TTL_NS))
        broke(sim, INV_I7, "step %u of job %u of run %u: its lease has lapsed", s, j, r);
    if (sim->agents[attempt->agent].server_lives > attempt->claimed &&
        late(shadow, sim->agents[attempt->agent].new_life_ns))
        broke(sim, INV_I7, "step %u of job %u of run %u: the process that held it is gone", s, j,
              r);
}

static int is_connected(const struct sim *sim, uint32_t agent)
{
    const struct channel *channel = &sim->agents[agent].channels[sim->agents[agent].server];
    return channel->session != NULL;
}

/* An agent that could take the job stands there with a free slot. */
static int somebody_free(const struct shadow *shadow, const struct arc_plan_job *job)
{
    const struct sim *sim = shadow->sim;
    for (uint32_t i = 0; i < sim->agent_count; i++) {
        uint32_t used = 0;
        if (!is_connected(sim, i) || !shadow_labels_fit(job, sim->agents[i].labels))
            continue;
        for (uint32_t r = 0; r < shadow->run_count; r++) {
            const struct shadow_run *run = &shadow->runs[r];
            for (uint32_t j = 0; j < run->plan->job_count; j++)
                used += run->jobs[j].state < SUCCESS &&
                        strcmp(run->jobs[j].agent, sim->agents[i].id) == 0;
        }
        if (used < sim->agents[i].slots)
            return 1;
    }
    return 0;
}

static void late_job(struct shadow *shadow, uint32_t r, uint32_t j)
{
    struct sim *sim = shadow->sim;
    struct shadow_run *run = &shadow->runs[r];
    struct shadow_job *job = &run->jobs[j];
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    int waits = job->state == QUEUED && job->agent[0] == '\0' && run->state != RUN_PAUSED &&
                late(shadow, job->queued_ns);
    if (waits && plan->queue_timeout_ns > 0 &&
        late(shadow, job->queued_ns + job->waited_ns + (uint64_t)plan->queue_timeout_ns))
        broke(sim, INV_I7, "job %u of run %u: its queueTimeout has passed", j, r);
    if (!waits || groups_lacks(run, (int)j) || !somebody_free(shadow, plan))
        job->eligible_ns = 0;
    else if (job->eligible_ns == 0)
        job->eligible_ns = sim->now_ns;
    else if (late(shadow, job->eligible_ns))
        broke(sim, INV_I7, "job %u of run %u waits, and an agent has a free slot", j, r);
    if (job->state == RUNNING && plan->timeout_ns > 0 && !has_finally(plan) &&
        late_by(shadow, job->started_ns + (uint64_t)plan->timeout_ns, GIVE_UP_NS))
        broke(sim, INV_I7, "job %u of run %u: its timeout has passed", j, r);
    if (job->state == PENDING && job->attempt > 1 && run->state != RUN_PAUSED &&
        judge_room(run, j) && late(shadow, job->not_before_ns))
        broke(sim, INV_I7, "job %u of run %u: its retry is late", j, r);
    for (uint32_t s = 0; s < plan->step_count; s++) {
        if (job->steps[s].state < SUCCESS && job->state < SUCCESS)
            late_step(shadow, r, j, s);
    }
}

static void late_run(struct shadow *shadow, uint32_t r)
{
    struct sim *sim = shadow->sim;
    const struct shadow_run *run = &shadow->runs[r];
    int cleans = 0;
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        cleans |= has_finally(&run->plan->jobs[j]);
        late_job(shadow, r, j);
    }
    for (uint32_t g = 0; g < run->plan->gate_count; g++) {
        if (run->gates[g].state == GATE_WAITING && run->gates[g].expires_ns > 0 && !run->stopping &&
            late(shadow, run->gates[g].expires_ns))
            broke(sim, INV_I7, "gate %u of run %u: its timeout has passed", g, r);
    }
    if (run->ticks && run->plan->timeout_ns > 0 && !run->stopping && !run->stands &&
        late(shadow, run->clock_ns + run->still_ns + (uint64_t)run->plan->timeout_ns))
        broke(sim, INV_I7, "run %u: its timeout has passed", r);
    if (run->stopping && !cleans && late_by(shadow, run->stop_ns, GIVE_UP_NS))
        broke(sim, INV_I7, "run %u: the stop has not settled", r);
}

void shadow_overdue(struct shadow *shadow)
{
    struct sim *sim = shadow->sim;
    if (sim->jumps > 0 || !server_ready(sim))
        return;
    for (uint32_t r = 0; r < shadow->run_count && !sim->broken; r++) {
        if (!shadow_run_over(&shadow->runs[r]))
            late_run(shadow, r);
    }
}
