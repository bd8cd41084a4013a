/* SPDX-License-Identifier: Apache-2.0 */
/* The server around the core: what lib/engine does with heartbeats, offers, acknowledgements,
 * reports and time, without its store, its threads of work and its other runs. Each call is a turn:
 * what it decides is stored at once, or the caller puts the world back. */
#include "small.h"

#define LEASE_NS (TTL_UNITS * UNIT_NS)

/* --- turns ------------------------------------------------------------------------------------ */

static int run_over(const struct lab *lab)
{
    return rules_over(lab);
}

static int is_placed(const struct lab *lab, uint32_t j)
{
    const struct arc_job_state *job = &lab->world->run.jobs[j];
    return (job->status == S_QUEUED || job->status == S_RUNNING) && job->agent_id.len > 0;
}

static int holder_of(const struct lab *lab, uint32_t j)
{
    return is_placed(lab, j) ? agent_of(lab->world->run.jobs[j].agent_id) : -1;
}

static void finish(struct lab *lab, const struct arc_decision *d, arc_status status)
{
    if (status == ARC_ENOMEM || status == ARC_EINTERNAL)
        broke(lab, "I9", "a decision came to status %d", (int)status);
    if (status != ARC_OK && d->count > 0)
        broke(lab, "I5", "what was refused left %u events", (uint32_t)d->count);
    world_store(lab, d);
}

/* What nobody has heard of ends at once, when it is asked to. */
static arc_status withdraw(struct lab *lab, struct arc_decision *d)
{
    struct arc_run *run = &lab->world->run;
    int asked = 0;
    for (size_t i = 0; i < d->count; i++)
        asked |= d->events[i]->type == ARC_EVENT_PIPELINE_STOPPING ||
                 d->events[i]->type == ARC_EVENT_JOB_STOPPING ||
                 d->events[i]->type == ARC_EVENT_STEP_STOPPING;
    for (uint32_t j = 0; asked && j < lab->plan->job_count; j++) {
        const struct arc_step_state *step = present_step(lab, j);
        if (arc_run_state_is_terminal(run->status) || !is_placed(lab, j) || step == NULL ||
            step->status != S_QUEUED || step->acked ||
            lab->world->places[j].told == (uint16_t)step->fence || !arc__cancel_due(run, j))
            continue;
        const struct arc_report report = {.job = j,
                                          .step = run->jobs[j].step,
                                          .status = S_CANCELLED,
                                          .attempt = step->attempt,
                                          .fence = step->fence,
                                          .agent_id = step->agent_id};
        ARC_TRY(arc__decide_report(d, run, &report, NULL));
    }
    return ARC_OK;
}

static void lose(struct lab *lab, uint32_t j)
{
    struct arc_decision d;
    world_decide(lab, &d);
    finish(lab, &d, arc__decide_lost(&d, &lab->world->run, j, ARC_LIT("It is gone."), NULL));
}

/* --- what agents say -------------------------------------------------------------------------- */

static void hear_life(struct lab *lab, uint32_t agent, uint8_t life)
{
    struct world *world = lab->world;
    struct desk_agent *desk = &world->desk[agent];
    if (desk->life != life) {
        world->confused |= life < desk->life;
        desk->life = life;
        for (uint32_t j = 0; j < lab->plan->job_count && !run_over(lab); j++) {
            if (holder_of(lab, j) == (int)agent && lab->plant != PLANT_OLD_INCARNATION)
                lose(lab, j);
        }
    }
    if (desk->session >= life)
        return;
    desk->session = life;
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        if (holder_of(lab, j) == (int)agent)
            world->places[j].cancel = world->places[j].offered = 0;
    }
}

/* Where the agent holds this grant; -1: it does not. */
int desk_lease(struct lab *lab, uint32_t agent, uint16_t fence)
{
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        const struct arc_step_state *step = present_step(lab, j);
        if (holder_of(lab, j) == (int)agent && is_granted(step) && step->fence == fence)
            return (int)j;
    }
    return -1;
}

static void hear_beat(struct lab *lab, const struct message *message)
{
    struct message answer = *message;
    answer.kind = MSG_BEATEN;
    answer.copied = 0;
    hear_life(lab, message->agent, message->life);
    for (uint32_t i = 0; i < HANDS && message->fence[i] != 0; i++) {
        int job = desk_lease(lab, message->agent, message->fence[i]);
        answer.marks[i] = job < 0 ? MARK_LOST : MARK_RENEWED;
        if (job < 0)
            continue;
        struct arc_step_state *step = present_step(lab, (uint32_t)job);
        lab->world->grants[message->fence[i]].until = (uint16_t)(lab->world->now + TTL_UNITS);
        if (lab->plant != PLANT_RENEWED_AND_NOT)
            step->lease_mono_ns = world_now(lab).mono_ns + LEASE_NS;
        step->acked = 1;
        if (arc__cancel_due(&lab->world->run, (uint32_t)job))
            answer.marks[i] |= MARK_CANCEL;
    }
    pool_add(lab, &answer);
}

static void hear_ack(struct lab *lab, const struct message *message)
{
    int job = desk_lease(lab, message->agent, message->fence[0]);
    if (lab->world->desk[message->agent].session != message->life || job < 0)
        return;
    if (message->yes)
        present_step(lab, (uint32_t)job)->acked = 1;
    else
        lose(lab, (uint32_t)job);
}

static void hear_report(struct lab *lab, const struct message *message)
{
    const struct grant *grant = &lab->world->grants[message->fence[0]];
    struct arc_run *run = &lab->world->run;
    struct message answer = *message;
    struct arc_decision d;
    answer.kind = MSG_REPORTED;
    answer.copied = 0;
    if (run->jobs[grant->job].attempt == grant->job_attempt) {
        const struct arc_report report = {.job = grant->job,
                                          .step = grant->step,
                                          .status = message->status,
                                          .attempt = grant->attempt,
                                          .fence = message->fence[0],
                                          .exit_code = message->status == S_FAILED,
                                          .agent_id = agent_name(message->agent)};
        world_decide(lab, &d);
        arc_status status = arc__decide_report(&d, run, &report, NULL);
        if (status == ARC_OK)
            status = withdraw(lab, &d);
        finish(lab, &d, status);
    }
    pool_add(lab, &answer);
}

void desk_hear(struct lab *lab, const struct message *message)
{
    lab->said = *message;
    if (message->kind == MSG_BEAT)
        hear_beat(lab, message);
    else if (message->kind == MSG_ACK)
        hear_ack(lab, message);
    else
        hear_report(lab, message);
}

/* --- what it tells them ----------------------------------------------------------------------- */

int desk_may_place(struct lab *lab, uint32_t job, uint32_t agent)
{
    const struct world *world = lab->world;
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        if (holder_of(lab, j) == (int)agent)
            return 0; /* it has one slot */
    }
    return world->desk[agent].session == world->desk[agent].life &&
           arc__job_wants_place(&world->run, job, world_now(lab));
}

void desk_place(struct lab *lab, uint32_t job, uint32_t agent)
{
    const struct arc_place_facts facts = {.id = agent_name(agent), .name = agent_name(agent)};
    struct arc_decision d;
    world_decide(lab, &d);
    finish(lab, &d, arc__decide_place(&d, &lab->world->run, job, &facts, NULL));
    lab->world->places[job] = (struct desk_job){0};
}

int desk_may_offer(struct lab *lab, uint32_t job)
{
    const struct world *world = lab->world;
    const struct arc_step_state *step = present_step(lab, job);
    int agent = holder_of(lab, job), acked = step != NULL && step->acked;
    if (agent < 0 || !is_granted(step) || arc__cancel_due(&world->run, job))
        return 0;
    if (acked && lab->plant != PLANT_OFFERED_AGAIN)
        return 0;
    return world->desk[agent].session != 0 &&
           (!world->places[job].offered || world->places[job].told != (uint16_t)step->fence);
}

int desk_may_order(struct lab *lab, uint32_t job)
{
    const struct world *world = lab->world;
    const struct desk_job *place = &world->places[job];
    int agent = holder_of(lab, job);
    if (agent < 0 || world->desk[agent].session == 0 || !arc__cancel_due(&world->run, job))
        return 0;
    int force = arc__cancel_terms(&lab->rules, &world->run, job).force;
    return place->cancel != (uint16_t)present_step(lab, job)->fence ||
           place->cancel_forced != (uint8_t)force;
}

static struct message letter(const struct lab *lab, uint32_t job, enum message_kind kind)
{
    uint32_t agent = (uint32_t)holder_of(lab, job);
    return (struct message){
        .kind = (uint8_t)kind, .agent = (uint8_t)agent, .life = lab->world->desk[agent].session};
}

void desk_offer(struct lab *lab, uint32_t job)
{
    const struct arc_step_state *step = present_step(lab, job);
    struct message message = letter(lab, job, MSG_OFFER);
    if (step->status == S_RUNNING)
        broke(lab, "I1", "step %u of job %u is offered, and it runs",
              lab->world->run.jobs[job].step, job);
    message.fence[0] = (uint16_t)step->fence;
    lab->world->places[job].offered = 1;
    lab->world->places[job].told = message.fence[0];
    pool_add(lab, &message);
}

void desk_order(struct lab *lab, uint32_t job)
{
    struct message message = letter(lab, job, MSG_CANCEL);
    struct desk_job *place = &lab->world->places[job];
    message.fence[0] = place->cancel = (uint16_t)present_step(lab, job)->fence;
    place->cancel_forced = arc__cancel_terms(&lab->rules, &lab->world->run, job).force != 0;
    pool_add(lab, &message);
}

/* --- time, people, crashes -------------------------------------------------------------------- */

void desk_tick(struct lab *lab)
{
    struct arc_run *run = &lab->world->run;
    struct arc_decision d;
    uint64_t now = world_now(lab).mono_ns;
    for (uint32_t j = 0; j < lab->plan->job_count; j++)
        lab->world->places[j].offered = 0;
    if (arc__run_deadline(&lab->rules, run) > now || lab->plant == PLANT_NO_TICK)
        return;
    world_decide(lab, &d);
    arc_status status = arc__decide_tick(&d, run, NULL);
    if (status == ARC_OK)
        status = withdraw(lab, &d);
    finish(lab, &d, status);
    if (arc__run_deadline(&lab->rules, run) <= now)
        broke(lab, "I7", "a tick leaves something due: a host would turn without end");
}

static arc_status ask(struct lab *lab, struct arc_decision *d, uint16_t move)
{
    struct arc_run *run = &lab->world->run;
    uint32_t a = move_a(move), b = move_b(move);
    const arc_slice actor = b == 2 ? ARC_LIT("bob") : ARC_LIT("ann");
    struct arc_say said = {.gate = a, .actor = actor, .approve = 1};
    switch (move_kind(move)) {
    case MOVE_RESUME:
        return arc__decide_resume(d, run, ARC_NONE, actor, NULL);
    case MOVE_PAUSE:
        return arc__decide_pause(d, run, ARC_NONE, actor, NULL);
    case MOVE_STOP:
        return arc__decide_stop(d, run, ARC_NONE, actor, (int)a, NULL);
    case MOVE_CANCEL_JOB:
        return arc__decide_cancel_job(d, run, a, ARC_NONE, actor, (int)b, NULL);
    case MOVE_CANCEL_STEP:
        return arc__decide_cancel_step(d, run, a, run->jobs[a].step, ARC_NONE, actor, 0, NULL);
    case MOVE_REJECT:
        said.approve = 0;
        return arc__decide_gate(d, run, &said, NULL);
    default:
        return arc__decide_gate(d, run, &said, NULL);
    }
}

void desk_ask(struct lab *lab, uint16_t move)
{
    struct arc_decision d;
    world_decide(lab, &d);
    arc_status status = ask(lab, &d, move);
    if (status == ARC_OK)
        status = withdraw(lab, &d);
    if (status != ARC_OK)
        broke(lab, "I9", "what may be asked for is refused with status %d", (int)status);
    finish(lab, &d, status);
}

/* Leases are not in the events: who held one has one lease time more. What was granted may have
 * been offered. */
void desk_restart(struct lab *lab)
{
    struct world *world = lab->world;
    world_restart(lab);
    for (uint32_t a = 0; a < SMALL_AGENTS; a++)
        world->desk[a].session = 0;
    for (uint32_t j = 0; j < lab->plan->job_count && lab->wrong[0] == '\0'; j++) {
        struct arc_step_state *step = present_step(lab, j);
        world->places[j] = (struct desk_job){0};
        if (!is_granted(step))
            continue;
        int none = lab->plant == PLANT_NO_LEASE_AFTER_RESTART;
        step->lease_mono_ns = world_now(lab).mono_ns + (none ? 0 : LEASE_NS);
        world->grants[step->fence].until = (uint16_t)(world->now + TTL_UNITS);
        if (is_placed(lab, j))
            world->places[j].told = (uint16_t)step->fence;
    }
}

/* --- what must be refused --------------------------------------------------------------------- */

static void refused(struct lab *lab, const struct arc_decision *d, arc_status status,
                    const char *what, uint32_t j)
{
    lab->probes++;
    if (status == ARC_ENOMEM || status == ARC_EINTERNAL)
        broke(lab, "I9", "%s about job %u comes to status %d", what, j, (int)status);
    if (d->count > 0)
        broke(lab, "I5", "%s about job %u is taken", what, j);
}

static void probe_report(struct lab *lab, const struct arc_report *report, const char *what)
{
    struct arc_decision d;
    world_decide(lab, &d);
    refused(lab, &d, arc__decide_report(&d, &lab->world->run, report, NULL), what, report->job);
}

/* Nobody but its holder moves a step, and he under his fence alone. */
static void probe_step(struct lab *lab, uint32_t j)
{
    const struct arc_step_state *step = present_step(lab, j);
    if (!is_granted(step))
        return;
    struct arc_report report = {.job = j,
                                .step = lab->world->run.jobs[j].step,
                                .status = S_SUCCESS,
                                .attempt = step->attempt,
                                .fence = step->fence + 1,
                                .agent_id = step->agent_id};
    probe_report(lab, &report, "a report under another fence");
    report.fence = step->fence;
    report.attempt = step->attempt + 1;
    probe_report(lab, &report, "a report on another attempt");
    report.attempt = step->attempt;
    report.agent_id = agent_name(agent_of(step->agent_id) == 0 ? 1 : 0);
    probe_report(lab, &report, "a report of another agent");
    report.fence = 0;
    report.attempt = 0;
    probe_report(lab, &report, "a report of another, old agent");
}

/* Whatever its holder says of a grant that is over, and whenever. */
static void probe_grant(struct lab *lab, uint16_t fence)
{
    static const int32_t words[] = {S_RUNNING, S_SUCCESS, S_FAILED, S_CANCELLED};
    const struct grant *grant = &lab->world->grants[fence];
    if (desk_lease(lab, grant->agent, fence) >= 0 ||
        lab->world->run.jobs[grant->job].attempt != grant->job_attempt)
        return;
    struct arc_report report = {.job = grant->job,
                                .step = grant->step,
                                .attempt = grant->attempt,
                                .fence = fence,
                                .agent_id = agent_name(grant->agent)};
    for (size_t i = 0; i < ARC_COUNT_OF(words); i++) {
        report.status = words[i];
        probe_report(lab, &report, "a late report");
    }
}

static void probe_gate(struct lab *lab, uint32_t gate)
{
    const struct seen_gate *seen = &lab->world->seen.gates[gate - 1];
    int waits = seen->state == 1 && !lab->world->seen.stopping;
    struct arc_decision d;
    for (uint32_t who = 1; who <= 2; who++) {
        int may = lab->plan->gates[gate - 1].approver_count == 0 || who == 1;
        struct arc_say said = {
            .gate = gate, .actor = who == 1 ? ARC_LIT("ann") : ARC_LIT("bob"), .approve = 1};
        if (waits && may && (seen->by & who) == 0)
            continue;
        world_decide(lab, &d);
        refused(lab, &d, arc__decide_gate(&d, &lab->world->run, &said, NULL), "an approval", gate);
        said.approve = 0;
        if (waits && may)
            continue;
        world_decide(lab, &d);
        refused(lab, &d, arc__decide_gate(&d, &lab->world->run, &said, NULL), "a rejection", gate);
    }
}

void desk_probe(struct lab *lab)
{
    const struct world *world = lab->world;
    const struct seen *seen = &world->seen;
    const struct arc_place_facts facts = {.id = agent_name(0), .name = agent_name(0)};
    struct arc_decision d;
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        probe_step(lab, j);
        if (seen->jobs[j].state == S_QUEUED && seen->jobs[j].agent == 0 && !seen->stopping &&
            seen->state != ARC_RUN_PAUSED)
            continue;
        world_decide(lab, &d);
        refused(lab, &d, arc__decide_place(&d, &lab->world->run, j, &facts, NULL), "a place", j);
    }
    for (uint16_t fence = 1; fence <= world->fences; fence++)
        probe_grant(lab, fence);
    for (uint32_t g = 1; g <= lab->plan->gate_count; g++)
        probe_gate(lab, g);
}
