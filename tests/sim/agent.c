/* SPDX-License-Identifier: Apache-2.0 */
/* Agents that keep to the contract, on machines and behind a network that do not. An agent starts a
 * step only once a renewal that lists its lease has been answered, and stops it at 80 % of the TTL
 * since it asked for the last one that was: what was on its way for long is no lease. */
#include <string.h>

#include "shadow.h"

#define FENCE_NS (TTL_NS / 10 * 8)

/* --- its clock ------------------------------------------------------------------------------- */

static uint64_t local_ns(const struct sim *sim, const struct agent_sim *agent)
{
    return sim->now_ns + (uint64_t)((int64_t)(sim->now_ns / 1000000) * agent->rate_ppm);
}

/* The world's time at which its clock will show at_ns. */
static uint64_t world_ns(const struct sim *sim, const struct agent_sim *agent, uint64_t at_ns)
{
    uint64_t local = local_ns(sim, agent);
    if (at_ns <= local)
        return sim->now_ns;
    return sim->now_ns +
           (at_ns - local) / 1000 * 1000000 / (uint64_t)(1000000 + agent->rate_ppm) * 1000 + 1000;
}

static void look_at(struct sim *sim, uint32_t number, uint64_t at_ns)
{
    struct agent_sim *agent = &sim->agents[number];
    if (at_ns < sim->now_ns)
        at_ns = sim->now_ns;
    if (agent->next_look_ns > sim->now_ns && agent->next_look_ns <= at_ns)
        return; /* it will look before anyhow */
    agent->next_look_ns = at_ns;
    sim_at(sim, at_ns, HAPPEN_AGENT, number);
}

/* --- the network ----------------------------------------------------------------------------- */

static int to_server(const struct message *message)
{
    return message->kind <= MSG_PUSH;
}

/* A batch whose end does not arrive: what it counts is not changed. */
static void truncate(struct sim *sim, struct message *message)
{
    int is_log = message->kind == MSG_LOG;
    uint32_t count = is_log ? (uint32_t)message->line_count : message->event_count;
    if ((!is_log && message->kind != MSG_PUSH) || count < 2 ||
        !faulty(sim, FAULT_TRUNCATE, &sim->net_dice, 100))
        return;
    count = 1 + roll(&sim->net_dice, count - 1);
    if (is_log)
        message->line_count = count;
    else
        message->event_count = count;
}

static void post(struct sim *sim, const struct message *message, uint64_t delay_ns)
{
    for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
        if (sim->messages[i].in_use)
            continue;
        sim->messages[i] = *message;
        sim->messages[i].in_use = 1;
        sim_at(sim, sim->now_ns + delay_ns, HAPPEN_MESSAGE, i);
        return;
    }
}

static void send(struct sim *sim, const struct message *given)
{
    struct dice *dice = &sim->net_dice;
    struct message sent = *given, *message = &sent;
    const struct agent_sim *agent = &sim->agents[message->agent];
    truncate(sim, message);
    uint64_t cut = to_server(message) ? agent->cut_in_until_ns : agent->cut_out_until_ns;
    uint64_t delay_ns = (uint64_t)(1 + roll(dice, 40)) * 1000000;
    if (to_server(message))
        adversary_keeps(sim, message);
    if (faulty(sim, FAULT_DELAY, dice, 100)) {
        uint32_t most_ms = roll(dice, 6) == 0 ? 60000 : 12000; /* seldom longer than any lease */
        delay_ns += (uint64_t)roll(dice, most_ms) * 1000000;
    }
    if (cut > sim->now_ns || faulty(sim, FAULT_DROP, dice, 50))
        return;
    post(sim, message, delay_ns);
    if (faulty(sim, FAULT_DUPLICATE, dice, 80))
        post(sim, message, delay_ns + (uint64_t)roll(dice, 5000) * 1000000);
}

static struct message letter(const struct agent_sim *agent, const struct sim *sim,
                             enum message_kind kind)
{
    return (struct message){.kind = kind,
                            .agent = (uint32_t)(agent - sim->agents),
                            .server = agent->server,
                            .life = agent->life,
                            .connection = agent->connection,
                            .sent_ns = local_ns(sim, agent)};
}

/* --- fates ----------------------------------------------------------------------------------- */

static int can_time_out(const struct arc_plan *plan, uint32_t job, uint32_t step)
{
    return plan->timeout_ns > 0 || plan->jobs[job].timeout_ns > 0 ||
           plan->jobs[job].steps[step].timeout_ns > 0;
}

struct fate sim_fate(const struct sim *sim, uint32_t run, uint32_t job, uint32_t step,
                     uint32_t job_attempt, uint32_t execution)
{
    uint64_t what = ((((uint64_t)run * 64 + job) * 64 + step) * 64 + job_attempt) * 64 + execution;
    struct dice dice = dice_split(sim->plan.seed, "fate", what);
    const struct arc_plan *plan = sim->shadow->runs[run].plan;
    uint32_t sick = sim->fault[FAULT_SICK] * 80u;
    struct fate fate = {.status = SUCCESS,
                        .takes_ns = (int64_t)(100 + roll(&dice, 8000)) * 1000000};
    (void)snprintf(fate.outputs, sizeof(fate.outputs), "{\"v\":\"%u\"}", 1 + roll(&dice, 2));
    if (chance(&dice, 80 + sick)) {
        fate.status = FAILED;
        fate.exit_code = 1 + (int)roll(&dice, 3);
    }
    if (chance(&dice, 20 + sick / 2) && can_time_out(plan, job, step))
        fate.takes_ns = SECONDS(100000);
    return fate;
}

/* --- tasks ----------------------------------------------------------------------------------- */

static struct task *find_task(struct agent_sim *agent, const struct lease *lease)
{
    for (uint32_t i = 0; i < agent->task_count; i++) {
        if (agent->tasks[i].lease.fence == lease->fence &&
            agent->tasks[i].lease.attempt == lease->attempt &&
            strcmp(agent->tasks[i].lease.id, lease->id) == 0)
            return &agent->tasks[i];
    }
    return NULL;
}

static void forget_task(struct agent_sim *agent, struct task *task)
{
    *task = agent->tasks[--agent->task_count];
}

/* What it remembers may be older than a lease: it goes on with what it has lost long ago. */
static int is_set_back(const struct sim *sim, const struct agent_sim *agent)
{
    return agent->rolled_ns > 0 && sim->now_ns < agent->rolled_ns + 2 * (uint64_t)TTL_NS;
}

static void check_alone(struct sim *sim, const struct agent_sim *agent, const struct task *task)
{
    for (uint32_t i = 0; i < sim->agent_count; i++) {
        const struct agent_sim *other = &sim->agents[i];
        /* A lease ends at once when a new process is heard of; one that only seemed to be new is
         * taken for it. */
        if (other == agent || !other->alive || other->paused || sim->confused ||
            is_set_back(sim, other))
            continue;
        for (uint32_t k = 0; k < other->task_count; k++) {
            const struct task *have = &other->tasks[k];
            /* One that was asked to end and does not is not waited for. */
            if (have->state == TASK_RUNNING && !have->cancelled && have->run == task->run &&
                have->job == task->job && have->step == task->step)
                broke(sim, INV_I6, "agents %u and %u both execute step %u of job %u of run %u", i,
                      (uint32_t)(agent - sim->agents), task->step, task->job, task->run);
        }
    }
}

static void begin(struct sim *sim, struct agent_sim *agent, struct task *task)
{
    uint32_t number = (uint32_t)(agent - sim->agents);
    struct attempt *attempt = shadow_attempt(sim->shadow, task->lease.id, task->lease.attempt, 0);
    struct fate fate =
        sim_fate(sim, task->run, task->job, task->step, task->job_attempt, task->execution);
    task->state = TASK_RUNNING;
    task->ends_ns = local_ns(sim, agent) + (uint64_t)fate.takes_ns;
    task->status = fate.status;
    task->exit_code = fate.exit_code;
    memcpy(task->outputs, fate.outputs, sizeof(task->outputs));
    sim_trace(sim, "agent %u begins %.27s attempt %d", number, task->lease.id, task->lease.attempt);
    if (attempt == NULL) {
        broke(sim, INV_I17, "agent %u begins a step that was never granted", number);
        return;
    }
    if (attempt->executed != 0 && (agent->rolled_ns == 0 || attempt->executed != 1 + (int)number))
        broke(sim, INV_I1,
              "attempt %d of step %s starts on agent %u (life %u) after agent %d "
              "(life %u)",
              task->lease.attempt, task->lease.id, number, agent->life, attempt->executed - 1,
              attempt->life);
    attempt->executed = 1 + (int)number;
    attempt->life = agent->life;
    if (!is_set_back(sim, agent))
        check_alone(sim, agent, task);
}

static void report(struct sim *sim, struct agent_sim *agent, struct task *task, int status)
{
    struct message message = letter(agent, sim, MSG_REPORT);
    message.lease = task->lease;
    message.status = status;
    message.exit_code = status == RUNNING ? 0 : task->exit_code;
    message.line_count = status == RUNNING ? 0 : task->lines;
    if (status == SUCCESS)
        memcpy(message.outputs, task->outputs, sizeof(message.outputs));
    task->reported_ns = local_ns(sim, agent);
    send(sim, &message);
}

/* --- what it does ---------------------------------------------------------------------------- */

static void watchdog(struct sim *sim, struct agent_sim *agent)
{
    uint64_t now = local_ns(sim, agent);
    for (uint32_t i = agent->task_count; i-- > 0;) {
        struct task *task = &agent->tasks[i];
        if (task->state != TASK_RUNNING || now - task->renewed_ns < (uint64_t)FENCE_NS)
            continue;
        reached(sim, GOAL_SELF_FENCED);
        sim_trace(sim, "agent %u stops %.27s by itself", (uint32_t)(agent - sim->agents),
                  task->lease.id);
        forget_task(agent, task);
    }
}

static void beat(struct sim *sim, struct agent_sim *agent)
{
    struct message message = letter(agent, sim, MSG_BEAT);
    for (uint32_t i = 0; i < agent->task_count; i++)
        message.leases[message.lease_count++] = agent->tasks[i].lease;
    agent->beat_ns =
        local_ns(sim, agent) + (uint64_t)(agent->task_count > 0 ? agent->every_ns : SECONDS(9));
    send(sim, &message);
}

/* --- logs ------------------------------------------------------------------------------------ */

void sim_line(char *out, size_t size, int32_t attempt, int64_t n, int clean)
{
    const char *odd = n % 7 != 3 ? "" : clean ? "\xef\xbf\xbd" : "\xff";
    (void)snprintf(out, size, "line %lld%s of %d", (long long)n, odd, attempt);
}

/* Now and then it says something; what it has no room for is lost, and its number is not given to
 * another. */
static void make_lines(struct sim *sim, struct agent_sim *agent, struct task *task)
{
    task->log_ns = local_ns(sim, agent) + (uint64_t)(1000 + roll(&agent->dice, 4000)) * 1000000;
    if (task->lines < 12 && roll(&agent->dice, 3) != 0)
        task->lines += 1 + roll(&agent->dice, 3);
    if (faulty(sim, FAULT_AGENT_FULL, &agent->dice, 100))
        task->lines_kept = task->lines + 1;
}

/* What has not been answered, again; sometimes more. 1: there was something to say. */
static int send_lines(struct sim *sim, struct agent_sim *agent, struct task *task)
{
    struct message message = letter(agent, sim, MSG_LOG);
    int64_t first = task->lines_told + 1;
    if (task->lines_told >= task->lines)
        return 0;
    if (first > 1 && roll(&agent->dice, 8) == 0)
        first--;
    if (first < task->lines_kept)
        first = task->lines_kept;
    if (first > task->lines)
        return 0;
    message.lease = task->lease;
    message.first_line = first;
    message.line_count = task->lines - first + 1;
    task->log_ns = local_ns(sim, agent) + (uint64_t)SECONDS(3);
    send(sim, &message);
    return 1;
}

/* 1: its end waits until all of the log is there, but not for long. */
static int waits_for_log(struct sim *sim, struct agent_sim *agent, struct task *task)
{
    uint64_t now = local_ns(sim, agent);
    if (task->over_ns == 0)
        task->over_ns = now;
    if (task->lines_told >= task->lines || now - task->over_ns > (uint64_t)SECONDS(5) ||
        task->reported_ns != 0)
        return 0;
    return task->log_ns > now || send_lines(sim, agent, task);
}

static void work_on(struct sim *sim, struct agent_sim *agent, struct task *task)
{
    uint64_t now = local_ns(sim, agent);
    int deaf = sim->fault[FAULT_AGENT_DEAF] && !sim->healing;
    if (task->state == TASK_TAKEN && task->cancelled) {
        task->state = TASK_OVER;
        task->status = CANCELLED;
        task->reported_ns = 0;
    }
    if (task->state == TASK_TAKEN && task->renewed_ns > 0 &&
        now - task->renewed_ns < (uint64_t)FENCE_NS) {
        begin(sim, agent, task);
        report(sim, agent, task, RUNNING);
    }
    if (task->state != TASK_RUNNING && task->state != TASK_OVER)
        return;
    int ended = task->ends_ns <= now;
    if (task->state == TASK_RUNNING && ((task->cancelled && !deaf) || ended)) {
        if (!ended) {
            task->status = CANCELLED;
            task->exit_code = 0;
        } else if (task->cancelled && task->status == SUCCESS) {
            reached(sim, GOAL_CANCEL_THEN_SUCCESS);
        }
        task->state = TASK_OVER;
        task->reported_ns = 0;
    }
    if (task->state == TASK_RUNNING && task->log_ns <= now) {
        make_lines(sim, agent, task);
        (void)send_lines(sim, agent, task);
    }
    if (task->reported_ns != 0 && now - task->reported_ns < (uint64_t)SECONDS(4))
        return;
    if (task->state == TASK_OVER && waits_for_log(sim, agent, task))
        return;
    if (task->state == TASK_OVER)
        report(sim, agent, task, task->status);
    else if (!task->told)
        report(sim, agent, task, RUNNING);
}

static void push_events(struct sim *sim, struct agent_sim *agent)
{
    struct message message = letter(agent, sim, MSG_PUSH);
    agent->push_ns = local_ns(sim, agent) + (uint64_t)SECONDS(4);
    if (agent->made_seq < agent->acked_seq + 6 && !sim->healing)
        agent->made_seq += roll(&agent->dice, 3);
    if (agent->made_seq == agent->acked_seq)
        return;
    /* It does not wait for an answer before it sends the next; now and then it begins again. */
    if (agent->sent_seq < agent->acked_seq || agent->sent_seq == agent->made_seq ||
        roll(&agent->dice, 4) == 0)
        agent->sent_seq = agent->acked_seq;
    message.epoch = agent->epoch;
    message.first_seq = agent->sent_seq + 1;
    message.event_count = (uint32_t)(agent->made_seq - agent->sent_seq);
    if (message.event_count > 4)
        message.event_count = 4;
    agent->sent_seq += message.event_count;
    send(sim, &message);
}

static void connect(struct sim *sim, struct agent_sim *agent)
{
    uint64_t now = local_ns(sim, agent);
    struct message message;
    if (agent->registering_ns > now)
        return;
    agent->registering_ns = now + (uint64_t)SECONDS(3);
    roam_choose(sim, agent, now);
    if (agent->registered)
        agent->connection++;
    message = letter(agent, sim, agent->registered ? MSG_CONNECT : MSG_REGISTER);
    send(sim, &message);
}

/* What it had not sent is gone, and a new epoch begins; or it is there, and what has been taken of
 * it is not known. */
static void new_outbox(struct sim *sim, struct agent_sim *agent)
{
    if (sim->fault[FAULT_OUTBOX] && roll(&agent->dice, 2)) {
        agent->acked_seq = agent->sent_seq = roll(&agent->dice, (uint32_t)agent->acked_seq + 1);
        return;
    }
    agent->epoch++;
    agent->made_seq = agent->acked_seq = agent->sent_seq = 0;
}

/* --- machines that are set back -------------------------------------------------------------- */

static void save(struct sim *sim, struct agent_sim *agent)
{
    agent->saved_ns = sim->now_ns;
    agent->snapshot = (struct snapshot){.life = agent->life,
                                        .task_count = agent->task_count,
                                        .epoch = agent->epoch,
                                        .made_seq = agent->made_seq,
                                        .acked_seq = agent->acked_seq,
                                        .sent_seq = agent->sent_seq};
    memcpy(agent->snapshot.tasks, agent->tasks, sizeof(agent->tasks));
}

/* Its clock is the host's, and goes on; its connections are gone. */
static void set_back(struct sim *sim, struct agent_sim *agent)
{
    const struct snapshot *old = &agent->snapshot;
    if (agent->saved_ns == 0 || old->life != agent->life)
        return;
    memcpy(agent->tasks, old->tasks, sizeof(agent->tasks));
    agent->task_count = old->task_count;
    agent->epoch = old->epoch;
    agent->made_seq = old->made_seq;
    agent->acked_seq = old->acked_seq;
    agent->sent_seq = old->sent_seq;
    agent->connected = 0;
    agent->registering_ns = agent->beat_ns = agent->saved_ns = 0;
    agent->rolled_ns = sim->now_ns;
    reached(sim, GOAL_SNAPSHOT);
    sim_trace(sim, "agent %u is what it was a while ago", (uint32_t)(agent - sim->agents));
}

static void come_back(struct sim *sim, struct agent_sim *agent)
{
    uint32_t number = (uint32_t)(agent - sim->agents);
    if (!agent->alive) {
        agent->life++;
        agent->alive = 1;
        agent->task_count = 0;
        agent->registered = agent->connected = 0;
        agent->registering_ns = agent->beat_ns = 0;
        new_outbox(sim, agent);
        sim_trace(sim, "agent %u is started anew", number);
        return;
    }
    agent->paused = 0;
    sim_trace(sim, "agent %u goes on", number);
    watchdog(sim, agent);
    for (uint32_t i = 0; i < agent->task_count && !is_set_back(sim, agent); i++) {
        if (agent->tasks[i].state == TASK_RUNNING && !agent->tasks[i].cancelled)
            check_alone(sim, agent, &agent->tasks[i]);
    }
}

/* Once a second or so: what befalls it. */
static void befall(struct sim *sim, struct agent_sim *agent)
{
    struct dice *dice = &agent->dice;
    uint32_t number = (uint32_t)(agent - sim->agents);
    uint64_t away = (uint64_t)SECONDS(1 + roll(dice, 50));
    if (faulty(sim, FAULT_AGENT_CRASH, dice, 10)) {
        if (agent->task_count > 0)
            reached(sim, GOAL_REINCARNATED);
        agent->alive = 0;
        agent->back_ns = sim->now_ns + away;
        sim_trace(sim, "agent %u dies", number);
    } else if (faulty(sim, FAULT_AGENT_PAUSE, dice, 10)) {
        agent->paused = 1;
        agent->back_ns = sim->now_ns + away;
        sim_trace(sim, "agent %u stands still", number);
    } else if (faulty(sim, FAULT_AGENT_SNAPSHOT, dice, 15)) {
        if (agent->saved_ns == 0)
            save(sim, agent);
        else
            set_back(sim, agent);
    }
    away = (uint64_t)SECONDS(2 + roll(dice, 45));
    if (faulty(sim, FAULT_CUT_IN, dice, 6))
        agent->cut_in_until_ns = sim->now_ns + away;
    if (faulty(sim, FAULT_CUT_OUT, dice, 6))
        agent->cut_out_until_ns = sim->now_ns + away;
    if (faulty(sim, FAULT_CUT_BOTH, dice, 6))
        agent->cut_in_until_ns = agent->cut_out_until_ns = sim->now_ns + away;
}

static uint64_t next_due(const struct agent_sim *agent, uint64_t now)
{
    uint64_t at = now + (uint64_t)SECONDS(4);
    if (agent->registered && agent->beat_ns < at)
        at = agent->beat_ns;
    if ((!agent->registered || !agent->connected) && agent->registering_ns < at)
        at = agent->registering_ns;
    for (uint32_t i = 0; i < agent->task_count; i++) {
        const struct task *task = &agent->tasks[i];
        if (task->state == TASK_RUNNING && task->ends_ns < at)
            at = task->ends_ns;
        if (task->state == TASK_RUNNING && task->log_ns < at)
            at = task->log_ns;
        if (task->state == TASK_RUNNING && task->renewed_ns + (uint64_t)FENCE_NS < at)
            at = task->renewed_ns + (uint64_t)FENCE_NS;
    }
    return at > now + 20000000 ? at : now + 20000000;
}

void agent_look(struct sim *sim, uint32_t number)
{
    struct agent_sim *agent = &sim->agents[number];
    if (agent->next_look_ns > sim->now_ns)
        return; /* an older entry of the heap */
    agent->next_look_ns = 0;
    if (!agent->alive || agent->paused) {
        if (agent->back_ns > sim->now_ns) {
            look_at(sim, number, agent->back_ns);
            return;
        }
        come_back(sim, agent);
    }
    if (sim->now_ns >= agent->befall_ns) {
        agent->befall_ns = sim->now_ns + (uint64_t)SECONDS(1);
        befall(sim, agent);
    }
    if (!agent->alive || agent->paused) {
        look_at(sim, number, agent->back_ns);
        return;
    }
    watchdog(sim, agent);
    for (uint32_t i = 0; i < agent->task_count; i++)
        work_on(sim, agent, &agent->tasks[i]);
    if (agent->connected && roam_leaves(sim, agent, local_ns(sim, agent)))
        agent->connected = 0;
    if (!agent->registered || !agent->connected)
        connect(sim, agent);
    if (agent->registered && agent->beat_ns <= local_ns(sim, agent))
        beat(sim, agent);
    if (agent->registered && agent->push_ns <= local_ns(sim, agent))
        push_events(sim, agent);
    look_at(sim, number, world_ns(sim, agent, next_due(agent, local_ns(sim, agent))));
}

/* --- what it hears --------------------------------------------------------------------------- */

/* A word once given is kept: what it has done, has or would not have it does not take. Of what
 * another process of its did it knows nothing. */
static int would_take(struct sim *sim, struct agent_sim *agent, struct attempt *attempt)
{
    if (attempt->declined == agent->life)
        return 0;
    if (agent->task_count < TASKS_MAX && !faulty(sim, FAULT_AGENT_REFUSE, &agent->dice, 60))
        return 1;
    attempt->declined = agent->life;
    return 0;
}

static void hear_offer(struct sim *sim, struct agent_sim *agent, const struct message *message)
{
    struct message answer = letter(agent, sim, MSG_ACK);
    struct task *task = find_task(agent, &message->lease);
    struct attempt *attempt =
        shadow_attempt(sim->shadow, message->lease.id, message->lease.attempt, 0);
    answer.lease = message->lease;
    answer.accepted = 1;
    if (task != NULL)
        reached(sim, GOAL_OFFERED_AGAIN);
    if (task == NULL && attempt != NULL) {
        if (attempt->executed == 1 + (int)message->agent && attempt->life == agent->life)
            return;
        answer.accepted = would_take(sim, agent, attempt);
    }
    if (task == NULL && answer.accepted && agent->task_count < TASKS_MAX) {
        task = &agent->tasks[agent->task_count++];
        *task = (struct task){.lease = message->lease,
                              .run = message->run,
                              .job = message->job,
                              .step = message->step,
                              .execution = message->execution,
                              .job_attempt = message->job_attempt};
        agent->beat_ns = 0;
    }
    send(sim, &answer);
}

static void hear_beaten(struct sim *sim, struct agent_sim *agent, const struct message *message)
{
    for (uint32_t i = 0; i < message->lease_count; i++) {
        struct task *task = find_task(agent, &message->leases[i]);
        if (task != NULL && task->renewed_ns < message->sent_ns)
            task->renewed_ns = message->sent_ns;
    }
    for (uint32_t i = 0; i < message->lost_count; i++) {
        struct task *task = find_task(agent, &message->lost[i]);
        if (task == NULL)
            continue;
        if (task->state == TASK_RUNNING)
            reached(sim, GOAL_ZOMBIE);
        forget_task(agent, task);
    }
    for (uint32_t i = 0; i < message->cancel_count; i++) {
        struct task *task = find_task(agent, &message->cancels[i]);
        if (task != NULL)
            task->cancelled = 1;
    }
}

static void hear_reported(struct agent_sim *agent, const struct message *message)
{
    struct task *task = find_task(agent, &message->lease);
    if (task == NULL)
        return;
    if (message->answer == ARC_OK && message->status == RUNNING)
        task->told = 1;
    else if (message->answer == ARC_OK || message->answer == ARC_EPRECONDITION ||
             message->answer == ARC_ECONFLICT)
        forget_task(agent, task);
}

static void hear_cancel(struct sim *sim, struct agent_sim *agent, const struct message *message)
{
    struct task *task = find_task(agent, &message->lease);
    struct attempt *attempt =
        shadow_attempt(sim->shadow, message->lease.id, message->lease.attempt, 0);
    if (task == NULL && agent->task_count < TASKS_MAX && attempt != NULL) {
        /* One that it never heard of: it is answered all the same, as ended. */
        task = &agent->tasks[agent->task_count++];
        *task = (struct task){.lease = message->lease,
                              .run = attempt->run,
                              .job = attempt->job,
                              .step = attempt->step};
    }
    if (task != NULL)
        task->cancelled = 1;
}

static void hear_logged(struct agent_sim *agent, const struct message *message)
{
    struct task *task = find_task(agent, &message->lease);
    int64_t last = message->first_line + message->line_count - 1;
    if (task == NULL || message->answer == ARC_EUNAVAILABLE || message->answer == ARC_EIO)
        return;
    if (message->answer != ARC_OK) /* nobody wants it */
        task->lines_told = task->lines;
    else if (last > task->lines_told)
        task->lines_told = last;
}

/* What was taken is what it has said, or had said before it was set back. */
static void hear_pushed(struct agent_sim *agent, const struct message *message)
{
    if (message->epoch != agent->epoch || message->acked_seq <= agent->acked_seq)
        return;
    agent->acked_seq = message->acked_seq;
    if (agent->made_seq < agent->acked_seq)
        agent->made_seq = agent->acked_seq;
}

static void agent_hears(struct sim *sim, const struct message *message)
{
    struct agent_sim *agent = &sim->agents[message->agent];
    if (!agent->alive || message->life != agent->life)
        return;
    if (agent->paused) { /* it waits in the socket */
        if (agent->back_ns > sim->now_ns)
            post(sim, message, agent->back_ns - sim->now_ns + 1000000);
        return;
    }
    sim_trace(sim, "agent %u hears %d of %.27s (%d)", message->agent, (int)message->kind,
              message->lease.id, (int)message->answer);
    if (message->server == agent->server)
        agent->answered_ns = local_ns(sim, agent);
    switch (message->kind) {
    case MSG_REGISTERED:
        agent->registered = 1;
        agent->registering_ns = 0;
        break;
    case MSG_BEATEN:
        if (message->answer != ARC_OK) /* not known, or no channel: once more from the start */
            agent->connected = 0;
        else
            agent->connected = message->accepted;
        if (message->answer == ARC_OK)
            hear_beaten(sim, agent, message);
        break;
    case MSG_OFFER:
        hear_offer(sim, agent, message);
        break;
    case MSG_CANCEL:
        hear_cancel(sim, agent, message);
        break;
    case MSG_REPORTED:
        hear_reported(agent, message);
        break;
    case MSG_PUSHED:
        hear_pushed(agent, message);
        break;
    case MSG_LOGGED:
        hear_logged(agent, message);
        break;
    default:
        break;
    }
    agent->next_look_ns = 0;
    agent_look(sim, message->agent);
}

void message_arrives(struct sim *sim, uint32_t number)
{
    struct message message = sim->messages[number];
    sim->messages[number].in_use = 0;
    if (to_server(&message))
        message_deliver(sim, &message);
    else
        agent_hears(sim, &message);
}

/* --- the server's end ------------------------------------------------------------------------ */

static void notice(void *user)
{
    struct channel *channel = user;
    channel->due = 1;
}

void agents_forget_sessions(struct server *server, int close)
{
    for (uint32_t i = 0; i < server->sim->agent_count; i++) {
        struct channel *channel = &server->sim->agents[i].channels[server->number];
        if (close)
            arc__session_close(channel->session);
        channel->session = NULL;
        channel->due = 0;
    }
}

static void open_session(struct sim *sim, const struct message *message)
{
    struct agent_sim *agent = &sim->agents[message->agent];
    struct channel *channel = &agent->channels[message->server];
    if (channel->session != NULL &&
        (message->connection < channel->connection || message->life < channel->life))
        return; /* an old connection */
    arc__session_close(channel->session);
    channel->session = NULL;
    if (arc__session_open(sim->server->engine, arc__slice_cstr(agent->id), notice, channel,
                          &channel->session, NULL) != ARC_OK)
        channel->session = NULL;
    channel->connection = message->connection;
    channel->life = message->life;
    roam_arrived(sim->server, message->agent);
}

static void check_offer(struct sim *sim, uint32_t number, const struct message *message)
{
    struct attempt *attempt =
        shadow_attempt(sim->shadow, message->lease.id, message->lease.attempt, 0);
    if (attempt == NULL || attempt->fence != message->lease.fence) {
        broke(sim, INV_I17, "agent %u is offered a grant that is not stored", number);
        return;
    }
    const struct shadow_step *step = shadow_step_of(sim->shadow, attempt);
    if (step != NULL && step->state == RUNNING && roam_known(sim, step->started_ns))
        broke(sim, INV_I1, "agent %u is offered a step that it has started", number);
    if (attempt->agent != number || roam_known_over(sim, attempt))
        broke(sim, INV_I5, "agent %u is offered a step that %s", number,
              attempt->over ? "is over" : "another agent holds");
}

void agent_pump(struct server *server, uint32_t number)
{
    struct sim *sim = server->sim;
    struct agent_sim *agent = &sim->agents[number];
    struct channel *channel = &agent->channels[server->number];
    struct arc_offer offer;
    arc_status status = ARC_OK;
    channel->due = 0;
    while (channel->session != NULL &&
           (status = arc__session_next(channel->session, &sim->arena, &offer, NULL)) == ARC_OK) {
        const struct arc_step_state *step = &offer.run->jobs[offer.job].steps[offer.step];
        struct message message = letter(agent, sim, MSG_OFFER);
        int run = shadow_run_index(sim->shadow, arc__id_slice(&offer.run->id));
        message.server = server->number;
        message.life = channel->life;
        memcpy(message.lease.id, step->id.text, sizeof(step->id.text));
        message.lease.attempt = step->attempt;
        message.lease.fence = step->fence;
        message.run = run < 0 ? 0 : (uint32_t)run;
        message.job = offer.job;
        message.step = offer.step;
        message.execution = step->executions;
        message.job_attempt = (uint32_t)offer.run->jobs[offer.job].attempt;
        if (offer.kind == ARC_OFFER_CANCEL)
            message.kind = MSG_CANCEL;
        else
            check_offer(sim, number, &message);
        sim_trace(sim, "offer %d to %u of %.27s attempt %d", (int)offer.kind, number,
                  message.lease.id, message.lease.attempt);
        send(sim, &message);
    }
    roam_pumped(channel, status);
}

static void heard_life(struct sim *sim, struct agent_sim *agent, uint32_t life)
{
    if (life >= agent->server_lives)
        agent->heard_ns[sim->server->number] = sim->now_ns;
    agent->lives_heard[sim->server->number] |= UINT64_C(1) << life % 64;
    if (life <= agent->server_lives)
        return;
    agent->server_lives = life;
    agent->life_server = sim->server->number;
    agent->life_start = sim->server->starts;
    agent->new_life_ns = sim->now_ns;
}

/* A process that is gone is taken for a new one when nobody heard of it while it lived, when the
 * one that followed it has been silent for long, or when the server has forgotten that it followed.
 */
static void claim_life(struct sim *sim, struct agent_sim *agent, uint32_t life)
{
    sim->confused |= life < agent->claimed_lives &&
                     (sim->server->starts != agent->life_start || roam_forgets(sim, agent, life) ||
                      (agent->lives_heard[sim->server->number] >> life % 64 & 1) == 0 ||
                      sim->now_ns >= agent->heard_ns[sim->server->number] + (uint64_t)SECONDS(30));
    if (life > agent->claimed_lives)
        agent->claimed_lives = life;
}

static struct lease renewed(struct sim *sim, const struct message *message, size_t i)
{
    const struct lease *lease = &message->leases[i];
    struct attempt *attempt = shadow_attempt(sim->shadow, lease->id, lease->attempt, 0);
    if (attempt != NULL && attempt->fence == lease->fence && replicas_has(sim->shadow, message))
        attempt->renewed_ns = sim->now_ns;
    return *lease;
}

static void take_beat(struct sim *sim, const struct message *message)
{
    struct agent_sim *agent = &sim->agents[message->agent];
    struct arc_lease leases[LEASES_MAX];
    struct arc_renewal renewal;
    struct message answer = {.kind = MSG_BEATEN,
                             .agent = message->agent,
                             .server = message->server,
                             .life = message->life,
                             .sent_ns = message->sent_ns};
    char incarnation[16];
    (void)snprintf(incarnation, sizeof(incarnation), "i%u", message->life);
    claim_life(sim, agent, message->life);
    for (uint32_t i = 0; i < message->lease_count; i++)
        leases[i] = (struct arc_lease){arc__slice_cstr(message->leases[i].id),
                                       message->leases[i].attempt, message->leases[i].fence};
    struct arc_heartbeat said = {.agent_id = arc__slice_cstr(agent->id),
                                 .incarnation = arc__slice_cstr(incarnation),
                                 .leases = leases,
                                 .lease_count = message->lease_count,
                                 .has_leases = 1};
    answer.answer = arc__engine_heartbeat(sim->server->engine, &said, &sim->arena, &renewal, NULL);
    if (answer.answer == ARC_OK)
        heard_life(sim, agent, message->life);
    const struct channel *channel = &agent->channels[message->server];
    answer.accepted = channel->session != NULL && channel->life == message->life;
    for (size_t i = 0; answer.answer == ARC_OK && i < message->lease_count; i++) {
        for (size_t k = 0; k < renewal.renewed_count; k++) {
            if (renewal.renewed[k].fence == message->leases[i].fence)
                answer.leases[answer.lease_count++] = renewed(sim, message, i);
        }
        for (size_t k = 0; k < renewal.lost_count; k++) {
            if (renewal.lost[k].fence == message->leases[i].fence)
                answer.lost[answer.lost_count++] = message->leases[i];
        }
        for (size_t k = 0; k < renewal.cancel_count; k++) {
            if (renewal.cancels[k].fence == message->leases[i].fence)
                answer.cancels[answer.cancel_count++] = message->leases[i];
        }
    }
    send(sim, &answer);
}

static void take_report(struct sim *sim, const struct message *message)
{
    struct attempt *attempt =
        shadow_attempt(sim->shadow, message->lease.id, message->lease.attempt, 0);
    struct call *call = call_new(sim, ARC_CMD_STEP_REPORT);
    if (call == NULL)
        return;
    if (attempt != NULL && attempt->fence == message->lease.fence &&
        attempt->agent == message->agent) {
        attempt->said |= 1u << message->status;
        if (message->line_count > 0)
            attempt->log_lines = message->line_count;
    }
    call->message = *message;
    call->cmd->u.report.agent_id = call_text(call, sim->agents[message->agent].id);
    call->cmd->u.report.step_run_id = call_text(call, message->lease.id);
    call->cmd->u.report.status = message->status;
    call->cmd->u.report.attempt = message->lease.attempt;
    call->cmd->u.report.fence = message->lease.fence;
    call->cmd->u.report.exit_code = message->exit_code;
    call->cmd->u.report.outputs = call_text(call, message->outputs);
    call->cmd->u.report.log_lines = message->line_count;
    call_submit(call);
}

static void check_log(struct sim *sim, const struct message *message, arc_status status,
                      int64_t before)
{
    struct attempt *attempt =
        shadow_attempt(sim->shadow, message->lease.id, message->lease.attempt, 0);
    int64_t last = message->first_line + message->line_count - 1;
    if (status == ARC_EPRECONDITION)
        reached(sim, GOAL_LOG_STALE);
    if (status != ARC_OK)
        return;
    reached(sim, last > before ? GOAL_LOG_LINES : GOAL_LOG_AGAIN);
    if (attempt == NULL || attempt->agent != message->agent ||
        attempt->fence != message->lease.fence)
        broke(sim, INV_I5, "lines of agent %u about a lease that it does not hold were taken",
              message->agent);
    if (logs_accounted(sim->shadow, message->lease.id, message->lease.attempt) < last)
        broke(sim, INV_I8, "line %lld of step %s was answered and is not stored", (long long)last,
              message->lease.id);
}

static void take_log(struct sim *sim, const struct message *message)
{
    struct message answer = *message;
    char text[640];
    size_t len = 0;
    int64_t before = logs_accounted(sim->shadow, message->lease.id, message->lease.attempt);
    for (int64_t i = 0; i < message->line_count && len + 48 < sizeof(text); i++) {
        sim_line(text + len, 47, message->lease.attempt, message->first_line + i, 0);
        if (strchr(text + len, 0xff) != NULL)
            reached(sim, GOAL_LOG_REPAIRED);
        len += strlen(text + len);
        text[len++] = '\n';
    }
    const struct arc_log_batch batch = {
        .agent_id = arc__slice_cstr(sim->agents[message->agent].id),
        .step_run_id = arc__slice_cstr(message->lease.id),
        .attempt = message->lease.attempt,
        .fence = message->lease.fence,
        .stream = ARC_LOG_STDOUT,
        .first_line = message->first_line,
        .text = {text, len},
    };
    answer.kind = MSG_LOGGED;
    answer.answer = arc__engine_log_append(sim->server->engine, &batch, NULL);
    check_log(sim, message, answer.answer, before);
    if (!message->forged)
        send(sim, &answer);
}

static void take_register(struct sim *sim, const struct message *message)
{
    struct agent_sim *agent = &sim->agents[message->agent];
    char incarnation[16];
    struct call *call = call_new(sim, ARC_CMD_AGENT_REGISTER);
    if (call == NULL)
        return;
    (void)snprintf(incarnation, sizeof(incarnation), "i%u", message->life);
    claim_life(sim, agent, message->life);
    call->message = *message;
    call->cmd->u.agent.auth_token = call_text(call, agent->token);
    call->cmd->u.agent.name = call_text(call, "robot");
    call->cmd->u.agent.labels = call_text(call, agent->labels);
    call->cmd->u.agent.incarnation = call_text(call, incarnation);
    call->cmd->u.agent.max_concurrent = agent->slots;
    call->cmd->u.agent.protocol_level = 1;
    call_submit(call);
}

/* Every fifth event of an agent can never be taken. */
static int is_bad(uint64_t epoch, uint64_t seq)
{
    return (epoch * 3 + seq) % 5 == 0;
}

static void take_push(struct sim *sim, const struct message *message)
{
    struct call *call = call_new(sim, ARC_CMD_EVENTS_PUSH);
    struct arc_agent_event_input *events;
    if (call == NULL)
        return;
    call->message = *message;
    events = arc__arena_array(&call->cmd->arena, message->event_count, sizeof(*events));
    for (uint32_t i = 0; events != NULL && i < message->event_count; i++) {
        char id[40];
        uint64_t seq = message->first_seq + i;
        (void)snprintf(id, sizeof(id), "e%llu-%llu", (unsigned long long)message->epoch,
                       (unsigned long long)seq);
        events[i] = (struct arc_agent_event_input){.seq = seq,
                                                   .event_id = call_text(call, id),
                                                   .type = ARC_LIT("x"),
                                                   .payload = ARC_LIT("{}"),
                                                   .time_ns = 1};
        if (is_bad(message->epoch, seq))
            events[i].bad = ARC_LIT("It is bad.");
    }
    call->cmd->u.events.agent_id = call_text(call, sim->agents[message->agent].id);
    call->cmd->u.events.epoch = message->epoch;
    call->cmd->u.events.events = events;
    call->cmd->u.events.count = events != NULL ? message->event_count : 0;
    call_submit(call);
}

static void take_ack(struct sim *sim, const struct message *message)
{
    struct channel *channel = &sim->agents[message->agent].channels[message->server];
    struct attempt *attempt =
        shadow_attempt(sim->shadow, message->lease.id, message->lease.attempt, 0);
    if (channel->session == NULL || channel->connection != message->connection ||
        channel->life != message->life)
        return;
    arc_status status =
        arc__session_ack(channel->session, arc__slice_cstr(message->lease.id), message->lease.fence,
                         message->accepted, ARC_LIT("no"), NULL);
    if (status == ARC_OK && (attempt == NULL || attempt->agent != message->agent ||
                             attempt->fence != message->lease.fence))
        broke(sim, INV_I5, "agent %u acknowledged a grant that it does not hold", message->agent);
    if (status == ARC_OK && !message->accepted && attempt != NULL)
        attempt->refused = 1;
}

void message_deliver(struct sim *sim, const struct message *message)
{
    sim->server = &sim->servers[message->server];
    if (!server_awake(sim->server)) {
        uint64_t at = roam_heard_ns(sim, message->server);
        if (at > 0)
            post(sim, message, at - sim->now_ns + 1000000);
        return;
    }
    arc__engine_set_now(sim->server->engine, server_now(sim->server));
    sim_trace(sim, "agent %u says %d of %.27s (%d)%s", message->agent, (int)message->kind,
              message->lease.id, message->status, message->forged ? " FORGED" : "");
    switch (message->kind) {
    case MSG_REGISTER:
        take_register(sim, message);
        break;
    case MSG_CONNECT:
        open_session(sim, message);
        break;
    case MSG_BEAT:
        take_beat(sim, message);
        break;
    case MSG_ACK:
        take_ack(sim, message);
        break;
    case MSG_REPORT:
        take_report(sim, message);
        break;
    case MSG_LOG:
        take_log(sim, message);
        break;
    case MSG_PUSH:
        take_push(sim, message);
        break;
    default:
        break;
    }
}

/* --- answers --------------------------------------------------------------------------------- */

static void check_report(struct sim *sim, const struct message *message, arc_status status)
{
    struct attempt *attempt =
        shadow_attempt(sim->shadow, message->lease.id, message->lease.attempt, 0);
    int genuine = attempt != NULL && attempt->agent == message->agent &&
                  attempt->fence == message->lease.fence;
    if (status == ARC_EPRECONDITION)
        reached(sim, message->forged > 1 ? GOAL_FORGED : GOAL_STALE_FENCE);
    if (status != ARC_OK)
        return;
    if (!genuine) {
        broke(sim, INV_I5, "a report of agent %u about a lease that it does not hold was taken",
              message->agent);
        return;
    }
    if (attempt->acked & 1u << message->status)
        reached(sim, GOAL_REPEATED);
    attempt->acked |= 1u << message->status;
    const struct shadow_step *step = shadow_step_of(sim->shadow, attempt);
    int started = attempt->over || (step != NULL && step->state == RUNNING);
    if (message->status == RUNNING ? !started : !attempt->over)
        broke(sim, INV_I17, "a report (%d) of agent %u was answered and is not stored",
              message->status, message->agent);
}

static void check_push(struct sim *sim, struct message *reply, const struct arc_answer *answer)
{
    const struct shadow *shadow = sim->shadow;
    if (answer->status != ARC_OK || answer->ack == NULL)
        return;
    reply->epoch = answer->ack->epoch;
    reply->acked_seq = answer->ack->last_accepted_seq;
    if (answer->ack->rejected_count > 0)
        reached(sim, GOAL_TOMBSTONE);
    /* Others of the same commit may have gone further. */
    if (answer->ack->epoch > shadow->agent_epoch[reply->agent] &&
        answer->ack->last_accepted_seq == 0)
        return;
    if (answer->ack->epoch > shadow->agent_epoch[reply->agent] ||
        (answer->ack->epoch == shadow->agent_epoch[reply->agent] &&
         answer->ack->last_accepted_seq > (uint64_t)shadow->agent_seq[reply->agent]))
        broke(sim, INV_I4, "agent %u was told %llu of epoch %llu, stored are %lld of %llu",
              reply->agent, (unsigned long long)answer->ack->last_accepted_seq,
              (unsigned long long)answer->ack->epoch, (long long)shadow->agent_seq[reply->agent],
              (unsigned long long)shadow->agent_epoch[reply->agent]);
    uint32_t server = sim->server->number;
    uint64_t *told_epoch = &sim->agents[reply->agent].told_epoch[server];
    uint64_t *told_seq = &sim->agents[reply->agent].told_seq[server];
    if (answer->ack->epoch < *told_epoch ||
        (answer->ack->epoch == *told_epoch && answer->ack->last_accepted_seq < *told_seq))
        broke(sim, INV_I4, "agent %u was told %llu of epoch %llu after %llu of %llu", reply->agent,
              (unsigned long long)answer->ack->last_accepted_seq,
              (unsigned long long)answer->ack->epoch, (unsigned long long)*told_seq,
              (unsigned long long)*told_epoch);
    if (answer->ack->epoch == *told_epoch && reply->epoch == *told_epoch &&
        reply->first_seq <= *told_seq)
        reached(sim, GOAL_SENT_AGAIN);
    *told_epoch = answer->ack->epoch;
    *told_seq = answer->ack->last_accepted_seq;
    if (answer->ack->expected_seq != answer->ack->last_accepted_seq + 1)
        broke(sim, INV_I4, "agent %u is to go on at %llu after %llu", reply->agent,
              (unsigned long long)answer->ack->expected_seq,
              (unsigned long long)answer->ack->last_accepted_seq);
}

void agent_answered(struct call *call, const struct arc_answer *answer)
{
    struct sim *sim = call->sim;
    struct agent_sim *agent = &sim->agents[call->message.agent];
    struct message reply = call->message;
    reply.answer = answer->status;
    switch (call->message.kind) {
    case MSG_REPORT:
        reply.kind = MSG_REPORTED;
        check_report(sim, &call->message, answer->status);
        break;
    case MSG_REGISTER:
        if (answer->status != ARC_OK)
            return;
        reply.kind = MSG_REGISTERED;
        heard_life(sim, agent, reply.life);
        break;
    case MSG_PUSH:
        reply.kind = MSG_PUSHED;
        reply.acked_seq = 0;
        check_push(sim, &reply, answer);
        break;
    default:
        return;
    }
    if (!call->message.forged)
        send(sim, &reply);
}

/* --- beginning and end ----------------------------------------------------------------------- */

void agents_build(struct sim *sim)
{
    static const char *const labels[] = {"{\"os\":\"linux\",\"size\":\"big\"}",
                                         "{\"os\":\"linux\"}", "{\"os\":\"mac\"}"};
    for (uint32_t i = 0; i < sim->agent_count; i++) {
        struct agent_sim *agent = &sim->agents[i];
        struct call *token = call_new(sim, ARC_CMD_TOKEN_CREATE);
        agent->dice = dice_split(sim->plan.seed, "agent", i);
        agent->alive = agent->registered = 1;
        agent->life = agent->server_lives = agent->claimed_lives = 1;
        agent->epoch = 1;
        agent->every_ns = SECONDS(roll(&agent->dice, 2) ? 3 : 9);
        agent->slots = 1 + roll(&agent->dice, 3);
        (void)snprintf(agent->labels, sizeof(agent->labels), "%s", labels[i < 2 ? i : i % 3]);
        if (sim->fault[FAULT_AGENT_RATE])
            agent->rate_ppm = (int64_t)roll(&agent->dice, 200001) - 100000;
        token->cmd->u.token.kind = 1;
        token->cmd->u.token.name = call_text(token, "t");
        char secret[128];
        call_wait(token);
        memcpy(secret, token->secret, sizeof(secret)); /* its place is the next call's */
        struct call *call = call_new(sim, ARC_CMD_AGENT_REGISTER);
        call->cmd->u.agent.registration_token = call_text(call, secret);
        call->cmd->u.agent.name = call_text(call, "robot");
        call->cmd->u.agent.labels = call_text(call, agent->labels);
        call->cmd->u.agent.incarnation = call_text(call, "i1");
        call->cmd->u.agent.max_concurrent = agent->slots;
        call->cmd->u.agent.protocol_level = 1;
        call_wait(call);
        memcpy(agent->id, call->id, sizeof(agent->id));
        memcpy(agent->token, call->secret, sizeof(agent->token));
    }
}

void agents_heal(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->agent_count; i++) {
        struct agent_sim *agent = &sim->agents[i];
        agent->cut_in_until_ns = agent->cut_out_until_ns = 0;
        if ((!agent->alive || agent->paused) && agent->back_ns > sim->now_ns) {
            agent->back_ns = sim->now_ns;
            agent->next_look_ns = 0;
            sim_at(sim, sim->now_ns, HAPPEN_AGENT, i);
        }
    }
}

int agents_idle(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->agent_count; i++) {
        const struct agent_sim *agent = &sim->agents[i];
        if (!agent->alive || agent->paused || agent->task_count > 0 ||
            agent->made_seq != agent->acked_seq)
            return 0;
    }
    return 1;
}
