/* SPDX-License-Identifier: Apache-2.0 */
/* The fingerprint of a world: of everything that decides what may happen next and nothing else.
 * Times count from now and only where something waits for them; fences are numbered anew by their
 * order among those that somebody still knows; the messages on their way have no order; and of the
 * two namings of the agents the one with the smaller print stands for both. */
#include <stdlib.h>
#include <string.h>

#include "small.h"

#define FAR 20 /* units; nothing of a tiny world waits as long */
#define PAUSE_FAR 3
#define KNOWN_MAX 16
#define LETTER_BYTES 12

struct bytes {
    const struct lab *lab;
    const uint8_t *names;
    uint8_t *at;
};

static void put(struct bytes *out, uint64_t value)
{
    *out->at++ = (uint8_t)value;
}

/* Units since then; 0: never. */
static void put_since(struct bytes *out, uint64_t mono_ns)
{
    uint64_t now = world_now(out->lab).mono_ns;
    uint64_t since = now > mono_ns ? (now - mono_ns) / UNIT_NS : 0;
    put(out, mono_ns == 0 ? 0 : 1 + (since < FAR ? since : FAR));
}

/* Units until then; 0: never. */
static void put_until(struct bytes *out, uint64_t mono_ns)
{
    uint64_t now = world_now(out->lab).mono_ns;
    uint64_t until = mono_ns > now ? (mono_ns - now) / UNIT_NS : 0;
    put(out, mono_ns == 0 ? 0 : 1 + (until < FAR ? until : FAR));
}

static void put_agent(struct bytes *out, arc_slice name)
{
    int agent = agent_of(name);
    put(out, agent < 0 ? 0 : 1u + out->names[agent]);
}

/* --- the run ---------------------------------------------------------------------------------- */

static void put_step(struct bytes *out, const struct arc_step_state *step,
                     const struct arc_plan_step *plan, int soft)
{
    put(out, (uint64_t)step->status);
    if (step->status >= S_SUCCESS && soft)
        return;
    put(out, step->executions);
    put_until(out, step->not_before_mono_ns);
    put(out, (uint64_t)step->stopping);
    put(out, (uint64_t)step->forced);
    if (step->stopping) {
        put_since(out, step->stop_mono_ns);
        put(out, (uint64_t)(step->stop_grace_ns / UNIT_NS));
    }
    if (plan->timeout_ns > 0 && step->status == S_RUNNING)
        put_since(out, step->started_mono_ns);
    if (plan->finally && is_granted(step))
        put_since(out, step->queued_mono_ns);
    if (soft && is_granted(step)) {
        put_until(out, step->lease_mono_ns);
        put(out, (uint64_t)step->acked);
        put_until(out, step->cancel_by_mono_ns);
    }
    if (soft)
        return;
    put(out, (uint64_t)step->attempt);
    put(out, step->fence);
    put(out, (uint64_t)step->exit_code);
    put_since(out, step->queued_mono_ns);
    put_since(out, step->started_mono_ns);
    put(out, (uint64_t)(step->ended_ns / UNIT_NS));
    put_agent(out, step->agent_id);
    put(out, (uint64_t)step->id.text[ARC_ULID_LEN - 1]);
}

/* What is left of its time; while it stands still that does not become less. */
static void put_clock(struct bytes *out, const struct arc_run *run)
{
    uint64_t from = run->still_mono_ns;
    if (run->plan->timeout_ns == 0 || run->clock_mono_ns == 0)
        return;
    if (from != 0 && from < run->clock_mono_ns)
        from = run->clock_mono_ns;
    uint64_t end = run->clock_mono_ns + (uint64_t)run->plan->timeout_ns + run->still_total_ns;
    if (from == 0)
        put_until(out, end);
    else
        put(out, 64 + (end - from) / UNIT_NS);
}

/* The same of a job in the queue. That a pause does not count is for the core to show: how long it
 * has lasted is told for some units. */
static void put_queue(struct bytes *out, const struct arc_run *run, const struct arc_job_state *job)
{
    uint64_t now = world_now(out->lab).mono_ns, paused = run->paused_mono_ns;
    uint64_t from = paused > job->queued_mono_ns ? paused : job->queued_mono_ns;
    if (paused == 0) {
        put_since(out, job->queued_mono_ns);
        return;
    }
    uint64_t lasted = (now - from) / UNIT_NS;
    put(out, 64 + (from - job->queued_mono_ns) / UNIT_NS);
    put(out, lasted < PAUSE_FAR ? lasted : PAUSE_FAR);
}

static void put_job(struct bytes *out, const struct arc_run *run, uint32_t j, int soft)
{
    const struct arc_job_state *job = &run->jobs[j];
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    put(out, (uint64_t)job->status);
    put(out, (uint64_t)job->by_failure);
    put(out, (uint64_t)job->outrun);
    if (job->status >= S_SUCCESS && soft)
        return;
    put(out, (uint64_t)job->attempt);
    put(out, job->lost);
    put(out, job->step);
    put(out, (uint64_t)job->failed);
    put(out, (uint64_t)job->timed_out);
    put(out, (uint64_t)(job->started_any | job->cut << 1 | job->admitted << 2));
    put(out, (uint64_t)(job->stopping | job->forced << 1));
    put_agent(out, job->agent_id);
    put_until(out, job->not_before_mono_ns);
    if (job->stopping) {
        put(out, job->stop_cause);
        put_since(out, job->stop_mono_ns);
        put(out, (uint64_t)(job->stop_grace_ns / UNIT_NS));
    }
    if (plan->queue_timeout_ns > 0 && job->status == S_QUEUED && job->agent_id.len == 0)
        put_queue(out, run, job);
    if (plan->timeout_ns > 0 && job->status == S_RUNNING)
        put_since(out, job->started_mono_ns);
    if (!soft) {
        put(out, job->blockers);
        put(out, (uint64_t)(job->ended_ns / UNIT_NS));
    }
    for (uint32_t s = 0; s < plan->step_count; s++)
        put_step(out, &job->steps[s], &plan->steps[s], soft);
}

size_t run_bytes(const struct lab *lab, const struct arc_run *run, const uint8_t *names, int soft,
                 uint8_t *out)
{
    struct bytes bytes = {lab, names, out};
    put(&bytes, (uint64_t)run->status);
    put(&bytes, (uint64_t)(run->started_any | run->stopping << 1 | run->forced << 2));
    put(&bytes, run->stop_cause);
    put(&bytes, run->gate_refused);
    if (run->stopping) {
        put_since(&bytes, run->stop_mono_ns);
        put(&bytes, (uint64_t)(run->stop_grace_ns / UNIT_NS));
    }
    put_clock(&bytes, run);
    for (uint32_t g = 0; g < run->plan->gate_count; g++) {
        put(&bytes, (uint64_t)run->gates[g].status);
        put(&bytes, run->gates[g].approvals);
        put_until(&bytes, run->gates[g].expires_mono_ns);
    }
    if (!soft) {
        put(&bytes, (uint64_t)run->seq);
        put(&bytes, run->jobs_open | run->jobs_running << 2 | run->jobs_failed << 4);
        put(&bytes, run->jobs_partial | run->gates_waiting << 4);
        put(&bytes, run->stage);
    }
    for (uint32_t j = 0; j < run->plan->job_count; j++)
        put_job(&bytes, run, j, soft);
    return (size_t)(bytes.at - out);
}

/* --- grants that somebody still knows --------------------------------------------------------- */

struct known {
    uint16_t fence[KNOWN_MAX];
    uint32_t count;
};

static void know(struct known *known, uint16_t fence)
{
    uint32_t at = 0;
    while (at < known->count && known->fence[at] < fence)
        at++;
    if (fence == 0 || (at < known->count && known->fence[at] == fence))
        return;
    for (uint32_t i = known->count++; i > at; i--)
        known->fence[i] = known->fence[i - 1];
    known->fence[at] = fence;
}

static uint8_t number_of(const struct known *known, uint16_t fence)
{
    for (uint32_t i = 0; i < known->count; i++) {
        if (known->fence[i] == fence)
            return (uint8_t)(i + 1);
    }
    return 0;
}

static void know_all(struct lab *lab, struct known *known)
{
    const struct world *world = lab->world;
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        const struct arc_step_state *step = present_step(lab, j);
        if (is_granted(step))
            know(known, (uint16_t)step->fence);
    }
    for (uint32_t h = 0; h < HANDS; h++) {
        for (uint32_t a = 0; a < SMALL_AGENTS; a++)
            know(known, world->agents[a].tasks[h].state ? world->agents[a].tasks[h].fence : 0);
        for (uint32_t i = 0; i < world->pool_count; i++)
            know(known, world->pool[i].fence[h]);
    }
}

static uint8_t relation(uint8_t life, uint8_t other)
{
    return other == 0 ? 255 : (uint8_t)(life - other);
}

static void put_grant(struct bytes *out, uint16_t fence)
{
    const struct world *world = out->lab->world;
    const struct grant *grant = &world->grants[fence];
    const struct arc_job_state *job = &world->run.jobs[grant->job];
    uint8_t life = world->agents[grant->agent].life;
    put(out, grant->job);
    put(out, grant->step);
    put(out, grant->job_attempt == job->attempt && job->steps[grant->step].fence == fence);
    put(out, out->names[grant->agent]);
    put(out, relation(life, grant->life));
    put(out, relation(life, grant->began));
    put(out, relation(life, grant->declined));
}

/* --- agents, messages, the desk --------------------------------------------------------------- */

static void put_tasks(struct bytes *out, const struct agent *agent, const struct known *known)
{
    uint32_t first =
        number_of(known, agent->tasks[0].fence) > number_of(known, agent->tasks[HANDS - 1].fence);
    for (uint32_t h = 0; h < HANDS; h++) {
        const struct task *task = &agent->tasks[h ^ first];
        put(out, task->state);
        if (task->state == TASK_NONE)
            continue;
        put(out, number_of(known, task->fence));
        put(out, (uint64_t)(task->cancelled | task->said << 1));
        put(out, task->state == TASK_OVER ? task->status : task->age);
        put(out, task->state == TASK_RUNNING && task->told);
    }
}

static void put_agents(struct bytes *out, const struct known *known)
{
    const struct world *world = out->lab->world;
    for (uint32_t i = 0; i < SMALL_AGENTS; i++) {
        uint32_t a = out->names[0] == i ? 0 : 1;
        const struct agent *agent = &world->agents[a];
        put(out, (uint64_t)(agent->up | agent->beaten << 1));
        put(out, relation(agent->life, world->desk[a].life));
        put(out, relation(agent->life, world->desk[a].session));
        put_tasks(out, agent, known);
    }
}

static int compare_letters(const void *a, const void *b)
{
    return memcmp(a, b, LETTER_BYTES);
}

static void put_pool(struct bytes *out, const struct known *known)
{
    const struct world *world = out->lab->world;
    uint8_t *from = out->at;
    for (uint32_t i = 0; i < world->pool_count; i++) {
        const struct message *message = &world->pool[i];
        int beats = message->kind == MSG_BEAT || message->kind == MSG_BEATEN;
        uint8_t one = number_of(known, message->fence[0]),
                two = number_of(known, message->fence[1]);
        uint32_t first = two != 0 && two < one;
        put(out, message->kind);
        put(out, out->names[message->agent]);
        put(out, relation(world->agents[message->agent].life, message->life));
        put(out, message->copied);
        put(out, beats ? message->age : 0);
        put(out, message->status);
        put(out, message->yes);
        put(out, first ? two : one);
        put(out, first ? one : two);
        put(out, message->marks[first]);
        put(out, message->marks[first ^ 1]);
        put(out, 0);
    }
    qsort(from, world->pool_count, LETTER_BYTES, compare_letters);
}

static void put_places(struct bytes *out)
{
    const struct lab *lab = out->lab;
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        const struct arc_job_state *job = &lab->world->run.jobs[j];
        const struct desk_job *place = &lab->world->places[j];
        if (job->status >= S_SUCCESS || job->agent_id.len == 0 ||
            job->step >= lab->plan->jobs[j].step_count || !is_granted(&job->steps[job->step]))
            continue;
        uint16_t fence = (uint16_t)job->steps[job->step].fence;
        int told = place->told == fence, cancel = place->cancel == fence;
        put(out, (uint64_t)(told | (told && place->offered) << 1 | cancel << 2 |
                            (cancel && place->cancel_forced) << 3));
    }
}

/* --- all of it -------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Two lanes of 64 bits that see the same words in another way. */
static struct print hash(const uint8_t *bytes, size_t len)
{
    struct print print = {UINT64_C(0x9e3779b97f4a7c15) ^ len, UINT64_C(0xc2b2ae3d27d4eb4f) + len};
    for (size_t at = 0; at < len; at += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + at, len - at < 8 ? len - at : 8);
        print.a = mix(print.a ^ word) + UINT64_C(0x165667b19e3779f9);
        print.b = mix((print.b << 23 | print.b >> 41) + word * UINT64_C(0x9fb21c651e98df25));
    }
    return (struct print){mix(print.a + print.b * 3), mix(print.b ^ print.a >> 7)};
}

static struct print print_named(struct lab *lab, const struct known *known, const uint8_t *names)
{
    uint8_t text[PRINT_BYTES];
    const struct world *world = lab->world;
    struct bytes bytes = {lab, names, text};
    put(&bytes, world->bads_left);
    put(&bytes, world->asks_left);
    put(&bytes, world->confused);
    for (uint32_t g = 0; g < lab->plan->gate_count; g++)
        put(&bytes, world->seen.gates[g].by);
    bytes.at += run_bytes(lab, &world->run, names, 1, bytes.at);
    for (uint32_t i = 0; i < known->count; i++)
        put_grant(&bytes, known->fence[i]);
    put_agents(&bytes, known);
    put_places(&bytes);
    put_pool(&bytes, known);
    return hash(text, (size_t)(bytes.at - text));
}

struct print world_print(struct lab *lab)
{
    static const uint8_t names[2][SMALL_AGENTS] = {{0, 1}, {1, 0}};
    struct known known = {{0}, 0};
    know_all(lab, &known);
    struct print one = print_named(lab, &known, names[0]);
    struct print two = print_named(lab, &known, names[1]);
    return one.a < two.a || (one.a == two.a && one.b < two.b) ? one : two;
}
