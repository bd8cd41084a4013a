/* SPDX-License-Identifier: Apache-2.0 */
/* What was committed: rows in, the runs as they stand. What each event may do is moves.c. */
#include "shadow.h"

#include <stdlib.h>
#include <string.h>

#include "moves.h"
#include "shadow_event.h"

/* --- finding ------------------------------------------------------------------------- */

struct shadow *shadow_new(struct sim *sim)
{
    struct shadow *shadow = calloc(1, sizeof(*shadow));
    struct arc_mem mem = arc__mem_default();
    if (shadow == NULL)
        return NULL;
    shadow->sim = sim;
    arc__arena_init(&shadow->plans, &mem, (size_t)64 * 1024 * 1024);
    return shadow;
}

void shadow_free(struct shadow *shadow)
{
    if (shadow != NULL)
        arc__arena_deinit(&shadow->plans);
    free(shadow);
}

int shadow_run_over(const struct shadow_run *run)
{
    return run->state == RUN_SUCCESS || run->state == RUN_FAILED || run->state == RUN_CANCELLED ||
           run->state == RUN_PARTIAL;
}

uint32_t shadow_open_runs(const struct shadow *shadow)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < shadow->run_count; i++)
        open += !shadow_run_over(&shadow->runs[i]);
    return open;
}

int shadow_in_hand(const struct shadow *shadow)
{
    for (uint32_t r = 0; r < shadow->run_count; r++) {
        const struct shadow_run *run = &shadow->runs[r];
        for (uint32_t j = 0; !shadow_run_over(run) && j < run->plan->job_count; j++) {
            for (uint32_t s = 0; s < run->plan->jobs[j].step_count; s++) {
                int state = run->jobs[j].steps[s].state;
                if (state == QUEUED || state == RUNNING)
                    return 1;
            }
        }
    }
    return 0;
}

static int same(arc_slice text, const char *other)
{
    return text.len == strlen(other) && (text.len == 0 || memcmp(text.ptr, other, text.len) == 0);
}

int shadow_run_index(const struct shadow *shadow, arc_slice id)
{
    for (uint32_t i = 0; i < shadow->run_count; i++) {
        if (same(id, shadow->runs[i].id))
            return (int)i;
    }
    return -1;
}

int shadow_labels_fit(const struct arc_plan_job *job, const char *labels)
{
    for (uint32_t i = 0; i < job->selector.labels.count; i++) {
        const struct arc_kv *kv = &job->selector.labels.items[i];
        char want[80];
        (void)snprintf(want, sizeof(want), "\"%.*s\":\"%.*s\"", ARC_ARG(kv->key),
                       ARC_ARG(kv->value));
        if (strstr(labels, want) == NULL)
            return 0;
    }
    return 1;
}

int shadow_agent_index(const struct sim *sim, arc_slice id)
{
    for (uint32_t i = 0; i < sim->agent_count; i++) {
        if (same(id, sim->agents[i].id))
            return (int)i;
    }
    return -1;
}

struct attempt *shadow_attempt(struct shadow *shadow, const char *id, int32_t number, int make)
{
    uint64_t hash = (uint64_t)(uint32_t)number * UINT64_C(0x9e3779b97f4a7c15);
    for (const char *c = id; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    for (uint32_t i = 0; i < ATTEMPTS_MAX; i++) {
        struct attempt *attempt = &shadow->attempts[(hash + i) & (ATTEMPTS_MAX - 1)];
        if (attempt->id[0] != '\0' && (attempt->attempt != number || strcmp(attempt->id, id) != 0))
            continue;
        if (attempt->id[0] != '\0' || !make)
            return attempt->id[0] != '\0' ? attempt : NULL;
        if (shadow->attempt_count++ >= ATTEMPTS_MAX / 2)
            broke(shadow->sim, INV_I15, "more than %d attempts in one life", ATTEMPTS_MAX / 2);
        (void)snprintf(attempt->id, sizeof(attempt->id), "%s", id);
        attempt->attempt = number;
        return attempt;
    }
    return NULL;
}

struct shadow_step *shadow_step_of(struct shadow *shadow, const struct attempt *attempt)
{
    struct shadow_step *step = &shadow->runs[attempt->run].jobs[attempt->job].steps[attempt->step];
    return strcmp(step->id, attempt->id) == 0 && step->attempt == attempt->attempt ? step : NULL;
}

/* --- rows ---------------------------------------------------------------------------- */

/* A row clears what was to be written, if it says what the events say. The row of a run may also
 * stay as it is while it still does. */
static int run_row_fits(const struct shadow_run *run)
{
    int64_t ends = 0, failed = 0, running = 0;
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        ends += run->jobs[j].state >= SUCCESS;
        failed += judge_failed(run, j);
        running += run->jobs[j].state == RUNNING;
    }
    return run->row.status == run->state && run->row.total == run->plan->job_count &&
           run->row.completed == ends && run->row.failed == failed && run->row.running == running;
}

static void row_run(struct shadow *shadow, const struct arc_row_pipeline_run *row)
{
    int index = shadow_run_index(shadow, row->id);
    if (index < 0) {
        broke(shadow->sim, INV_I12, "a run is stored that nothing triggered");
        return;
    }
    struct shadow_run *run = &shadow->runs[index];
    run->row = (struct shadow_row){row->status, row->total_jobs, row->completed_jobs,
                                   row->failed_jobs, row->running_jobs};
    (void)arc__slice_to_cstr(row->home, run->home, sizeof(run->home));
    run->dirty = row->version == run->seq ? 1 : 2; /* it is written with what it says last */
}

static void row_job(struct shadow *shadow, const struct arc_row_job_run *row)
{
    int index = shadow_run_index(shadow, row->run_id);
    if (index < 0 || row->job_index >= JOBS_MAX)
        return;
    struct shadow_job *job = &shadow->runs[index].jobs[row->job_index];
    int fits = row->status == job->state && row->attempt == job->attempt &&
               same(row->id, job->id) && same(row->agent_id, job->agent);
    job->dirty = fits ? 0 : 2;
}

static void row_step(struct shadow *shadow, const struct arc_row_step_run *row)
{
    int index = shadow_run_index(shadow, row->run_id);
    if (index < 0 || row->job_index >= JOBS_MAX || row->step_index >= STEPS_MAX)
        return;
    struct shadow_step *step = &shadow->runs[index].jobs[row->job_index].steps[row->step_index];
    if (!same(row->id, step->id))
        return; /* of an attempt of its job that is over */
    int fits = row->status == step->state && row->attempt == step->attempt &&
               row->fence == (int64_t)step->fence && row->exit_code == step->exit_code &&
               same(row->outputs, step->outputs);
    step->dirty = fits ? 0 : 2;
}

static void row_pipeline(struct shadow *shadow, const struct arc_row_pipeline *row)
{
    int64_t total = 0, success = 0, failed = 0;
    for (uint32_t i = 0; i < shadow->run_count; i++) {
        const struct shadow_run *run = &shadow->runs[i];
        if (!same(row->id, shadow->sim->pipelines[run->pipeline]))
            continue;
        total++;
        success += run->state == RUN_SUCCESS;
        failed += run->state == RUN_FAILED || run->state == RUN_PARTIAL;
    }
    for (uint32_t i = 0; i < shadow->sim->pipeline_count; i++) {
        if (!same(row->id, shadow->sim->pipelines[i]))
            continue;
        shadow->pipeline_wrong[i] =
            row->total_runs != total || row->success_runs != success || row->failed_runs != failed;
    }
}

static void row_agent_event(struct shadow *shadow, const struct arc_row_agent_event *row)
{
    struct sim *sim = shadow->sim;
    int agent = shadow_agent_index(sim, row->agent_id);
    int bad = (row->epoch * 3 + row->seq) % 5 == 0;
    if (agent < 0)
        return;
    if ((uint64_t)row->epoch > shadow->agent_epoch[agent]) {
        if (shadow->agent_epoch[agent] > 0)
            reached(sim, GOAL_NEW_EPOCH);
        shadow->agent_epoch[agent] = (uint64_t)row->epoch;
        shadow->agent_seq[agent] = 0;
    }
    if ((uint64_t)row->epoch != shadow->agent_epoch[agent] ||
        row->seq != shadow->agent_seq[agent] + 1)
        broke(sim, INV_I4, "event %lld of agent %d is stored after %lld", (long long)row->seq,
              agent, (long long)shadow->agent_seq[agent]);
    if (bad != (row->tombstone.len > 0))
        broke(sim, INV_I4, "event %lld of agent %d is %s tombstone", (long long)row->seq, agent,
              bad ? "stored without a" : "a");
    shadow->agent_seq[agent] = row->seq;
}

static uint64_t hash_text(arc_slice text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (uint8_t)text.ptr[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void row_event(struct shadow *shadow, const struct arc_row_event *row)
{
    struct sim *sim = shadow->sim;
    struct stored event;
    if (row->position != shadow->position + 1 || row->position > EVENTS_MAX) {
        broke(sim, INV_I16, "event position %lld after %lld", (long long)row->position,
              (long long)shadow->position);
        return;
    }
    shadow->position = row->position;
    shadow->events[row->position] = (struct seen_event){hash_text(row->stream), row->seq};
    if (!stored_read(row, &event)) {
        broke(sim, INV_I16, "event %lld cannot be read", (long long)row->position);
        return;
    }
    sim_trace(sim, "event %lld %.*s job %lld step %lld attempt %lld of %.*s",
              (long long)row->position, ARC_ARG(event.type), (long long)event.job,
              (long long)event.step, (long long)event.attempt, ARC_ARG(event.stream));
    sim_no_secret(sim, row->body, "an event");
    move(shadow, &event);
}

/* --- a batch ------------------------------------------------------------------------- */

static void check_dirty(struct shadow *shadow, uint32_t r)
{
    struct sim *sim = shadow->sim;
    struct shadow_run *run = &shadow->runs[r];
    if (run->dirty > 1 || (run->dirty && !run_row_fits(run)))
        broke(sim, INV_I3, "the row of run %u says something else than its events", r);
    run->dirty = 0;
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        struct shadow_job *job = &run->jobs[j];
        if (job->dirty)
            broke(sim, INV_I3, "the row of job %u of run %u %s", j, r,
                  job->dirty > 1 ? "says something else than its events" : "was not written");
        for (uint32_t s = 0; s < run->plan->jobs[j].step_count; s++) {
            if (job->steps[s].dirty)
                broke(sim, INV_I3, "the row of step %u of job %u of run %u %s", s, j, r,
                      job->steps[s].dirty > 1 ? "says something else than its events"
                                              : "was not written");
        }
    }
}

static void look_at_rows(struct shadow *shadow, const struct arc_store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct arc_store_op *op = &batch->ops[i];
        switch (op->table) {
        case ARC_TABLE_replica:
            if (op->verb == ARC_STORE_DELETE)
                replicas_gone(shadow, op->row);
            else
                replicas_row(shadow, op->row);
            break;
        case ARC_TABLE_inbox:
            replicas_note(shadow, op->row, op->verb == ARC_STORE_DELETE);
            break;
        case ARC_TABLE_agent:
            replicas_agent(shadow, op->row);
            break;
        case ARC_TABLE_pipeline_run:
            row_run(shadow, op->row);
            break;
        case ARC_TABLE_job_run:
            row_job(shadow, op->row);
            break;
        case ARC_TABLE_step_run:
            row_step(shadow, op->row);
            break;
        case ARC_TABLE_pipeline:
            row_pipeline(shadow, op->row);
            break;
        case ARC_TABLE_agent_event:
            row_agent_event(shadow, op->row);
            break;
        case ARC_TABLE_request_key:
            shadow->keys++;
            break;
        case ARC_TABLE_counter:
            if (((const struct arc_row_counter *)op->row)->name.len == 5)
                shadow->stored_fence = (uint64_t)((const struct arc_row_counter *)op->row)->value;
            break;
        default:
            break;
        }
    }
}

void shadow_commit(struct shadow *shadow, const struct arc_store_batch *batch, uint64_t decided_ns)
{
    struct sim *sim = shadow->sim;
    shadow->decided_ns = decided_ns;
    shadow->batch++;
    shadow->keys = shadow->keyed = shadow->writers = 0;
    for (size_t i = 0; i < batch->count && !sim->broken; i++) {
        if (batch->ops[i].table == ARC_TABLE_event)
            row_event(shadow, batch->ops[i].row);
    }
    if (!sim->broken)
        look_at_rows(shadow, batch);
    for (uint32_t r = 0; r < shadow->run_count && !sim->broken; r++) {
        if (!shadow->runs[r].touched)
            continue;
        shadow->runs[r].touched = 0;
        check_dirty(shadow, r);
        if (!sim->broken)
            move_check_eager(shadow, r);
        if (shadow->pipeline_wrong[shadow->runs[r].pipeline])
            broke(sim, INV_I3, "the counters of the pipeline of run %u are wrong", r);
    }
    if (!sim->broken)
        groups_check(shadow);
    if (is_shared(sim) && !sim->broken)
        replicas_check(shadow);
    else if (shadow->fence > shadow->stored_fence)
        broke(sim, INV_I5, "fence %llu is granted, %llu is stored",
              (unsigned long long)shadow->fence, (unsigned long long)shadow->stored_fence);
    if (shadow->keys != shadow->keyed)
        broke(sim, INV_I12, "%d runs with a request id, %d keys in their commit", shadow->keyed,
              shadow->keys);
}

/* --- memory -------------------------------------------------------------------------- */

static void compare_job(struct shadow *shadow, uint32_t r, uint32_t j, const struct arc_run *live)
{
    struct sim *sim = shadow->sim;
    const struct shadow_job *job = &shadow->runs[r].jobs[j];
    const struct arc_job_state *have = &live->jobs[j];
    if (have->status != job->state || have->attempt != job->attempt ||
        !same(have->agent_id, job->agent) || have->admitted != job->slot.admitted)
        broke(sim, INV_I16, "job %u of run %u is in %d at attempt %d in memory, stored in %d at %d",
              j, r, have->status, have->attempt, job->state, job->attempt);
    for (uint32_t s = 0; s < shadow->runs[r].plan->jobs[j].step_count; s++) {
        const struct shadow_step *step = &job->steps[s];
        const struct arc_step_state *held = &have->steps[s];
        if (held->status != step->state || held->attempt != step->attempt ||
            held->fence != step->fence || held->exit_code != step->exit_code ||
            strcmp(held->id.text, step->id) != 0 || held->executions != step->executions)
            broke(
                sim, INV_I16,
                "step %u of job %u of run %u is in %d at attempt %d in memory, stored in %d at %d",
                s, j, r, held->status, held->attempt, step->state, step->attempt);
    }
}

static int store_busy(const struct server *server)
{
    int busy = 0;
    for (uint32_t i = 0; i < HELD_CALLS_MAX; i++)
        busy |= server->held[i].in_use;
    return busy;
}

static void compare(struct shadow *shadow, const struct server *server)
{
    struct sim *sim = shadow->sim;
    for (uint32_t r = 0; r < shadow->run_count && !sim->broken; r++) {
        const struct shadow_run *run = &shadow->runs[r];
        const struct arc_run *live = arc__engine_live_run(server->engine, arc__slice_cstr(run->id));
        if (is_shared(sim) && !replicas_knows(shadow, server, r, live))
            continue;
        if (live == NULL && !shadow_run_over(run))
            broke(sim, INV_I16, "run %u is open and not in memory", r);
        if (live == NULL)
            continue;
        if (live->status != run->state || live->seq != run->seq ||
            live->stopping != run->stopping || live->admitted != run->slot.admitted)
            broke(sim, INV_I16, "run %u is in %d at %lld in memory, stored in %d at %lld", r,
                  live->status, (long long)live->seq, run->state, (long long)run->seq);
        for (uint32_t j = 0; j < run->plan->job_count && !sim->broken; j++)
            compare_job(shadow, r, j, live);
    }
}

void shadow_compare(struct shadow *shadow)
{
    struct sim *sim = shadow->sim;
    for (uint32_t i = 0; i < sim->server_count && !sim->broken; i++) {
        const struct server *server = &sim->servers[i];
        if (server_is_ready(server) && !store_busy(server))
            compare(shadow, server);
    }
}
