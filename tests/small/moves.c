/* SPDX-License-Identifier: Apache-2.0 */
/* What may happen next in a world, and what it does. Agents keep to the contract: one begins a step
 * once a renewal that lists its lease was answered, stops it when the last one that was is too old,
 * and does not begin twice what it has begun. */
#include "small.h"

#include <string.h>

/* --- the network ------------------------------------------------------------------------------ */

void pool_add(struct lab *lab, const struct message *message)
{
    struct world *world = lab->world;
    if (world->pool_count == POOL_MAX) {
        broke(lab, "world", "a message too many");
        return;
    }
    world->pool[world->pool_count++] = *message;
}

static struct message pool_take(struct lab *lab, uint32_t index)
{
    struct world *world = lab->world;
    struct message message = world->pool[index];
    world->pool_count--;
    for (uint32_t i = index; i < world->pool_count; i++)
        world->pool[i] = world->pool[i + 1];
    world->pool[world->pool_count] = (struct message){0};
    return message;
}

static int has_room(const struct lab *lab)
{
    return lab->world->pool_count < POOL_MAX;
}

/* 1: one of these two kinds is on its way, of or to this process; fence 0: about whatever. */
static int is_on_its_way(const struct lab *lab, uint32_t agent, uint8_t life, uint16_t fence,
                         enum message_kind one, enum message_kind two)
{
    int any = 0;
    for (uint32_t i = 0; i < lab->world->pool_count; i++) {
        const struct message *message = &lab->world->pool[i];
        any |= (message->kind == one || message->kind == two) && message->agent == agent &&
               message->life == life && (fence == 0 || message->fence[0] == fence);
    }
    return any;
}

static int to_server(const struct message *message)
{
    return message->kind <= MSG_REPORT;
}

/* --- agents ----------------------------------------------------------------------------------- */

static struct task *find_task(struct agent *agent, uint16_t fence)
{
    for (uint32_t h = 0; h < HANDS; h++) {
        if (agent->tasks[h].state != TASK_NONE && agent->tasks[h].fence == fence)
            return &agent->tasks[h];
    }
    return NULL;
}

static struct task *free_hand(struct agent *agent)
{
    for (uint32_t h = 0; h < HANDS; h++) {
        if (agent->tasks[h].state == TASK_NONE)
            return &agent->tasks[h];
    }
    return NULL;
}

static struct message letter(const struct lab *lab, uint32_t number, enum message_kind kind,
                             uint16_t fence)
{
    return (struct message){.kind = (uint8_t)kind,
                            .agent = (uint8_t)number,
                            .life = lab->world->agents[number].life,
                            .fence = {fence}};
}

static void hear_offer(struct lab *lab, const struct message *message, int refuse)
{
    struct agent *agent = &lab->world->agents[message->agent];
    struct grant *grant = &lab->world->grants[message->fence[0]];
    struct message answer = letter(lab, message->agent, MSG_ACK, message->fence[0]);
    struct task *task = find_task(agent, message->fence[0]);
    if (task == NULL && grant->began == agent->life && lab->plant != PLANT_BEGINS_TWICE)
        return;
    if (task == NULL && !refuse && grant->declined != agent->life) {
        task = free_hand(agent);
        if (task != NULL) {
            *task =
                (struct task){.fence = message->fence[0], .state = TASK_TAKEN, .age = TTL_UNITS};
            agent->beaten = 0;
        }
    }
    answer.yes = task != NULL;
    if (task == NULL)
        grant->declined = agent->life;
    pool_add(lab, &answer);
}

static void hear_beaten(struct lab *lab, const struct message *message)
{
    struct agent *agent = &lab->world->agents[message->agent];
    for (uint32_t i = 0; i < HANDS && message->fence[i] != 0; i++) {
        struct task *task = find_task(agent, message->fence[i]);
        if (task == NULL)
            continue;
        if (message->marks[i] & MARK_LOST) {
            *task = (struct task){0};
            continue;
        }
        if (message->age < task->age)
            task->age = message->age;
        if (message->marks[i] & MARK_CANCEL)
            task->cancelled = 1;
    }
}

static void hear_cancel(struct lab *lab, const struct message *message)
{
    struct agent *agent = &lab->world->agents[message->agent];
    struct task *task = find_task(agent, message->fence[0]);
    if (task == NULL && (task = free_hand(agent)) != NULL)
        *task = (struct task){.fence = message->fence[0], .state = TASK_TAKEN, .age = TTL_UNITS};
    if (task != NULL)
        task->cancelled = 1;
}

/* Every answer to the end of a step is the last word about it. */
static void hear_reported(struct lab *lab, const struct message *message)
{
    struct task *task = find_task(&lab->world->agents[message->agent], message->fence[0]);
    if (task == NULL)
        return;
    if (message->status == S_RUNNING)
        task->told = 1;
    else
        *task = (struct task){0};
}

void agent_hear(struct lab *lab, const struct message *message, int refuse)
{
    const struct agent *agent = &lab->world->agents[message->agent];
    if (!agent->up || agent->life != message->life)
        return;
    switch (message->kind) {
    case MSG_OFFER:
        hear_offer(lab, message, refuse);
        break;
    case MSG_CANCEL:
        hear_cancel(lab, message);
        break;
    case MSG_BEATEN:
        hear_beaten(lab, message);
        break;
    default:
        hear_reported(lab, message);
        break;
    }
}

static void say(struct lab *lab, uint32_t number, struct task *task, uint8_t status)
{
    struct message message = letter(lab, number, MSG_REPORT, task->fence);
    message.status = status;
    task->said = 1;
    pool_add(lab, &message);
}

/* It begins: nobody has begun it before, and nobody else is at it. */
static void begin(struct lab *lab, uint32_t number, struct task *task)
{
    struct world *world = lab->world;
    struct agent *agent = &world->agents[number];
    struct grant *grant = &world->grants[task->fence];
    if (grant->began != 0)
        broke(lab, "I1", "agent %u begins what was begun: step %u of job %u, attempt %u", number,
              grant->step, grant->job, grant->attempt);
    for (uint32_t a = 0; a < SMALL_AGENTS; a++) {
        for (uint32_t h = 0; h < HANDS; h++) {
            const struct task *other = &world->agents[a].tasks[h];
            const struct grant *have = &world->grants[other->fence];
            if (other != task && other->state == TASK_RUNNING && !other->cancelled &&
                have->job == grant->job && have->step == grant->step && !world->confused)
                broke(lab, "I6", "step %u of job %u runs on agent %u already", grant->step,
                      grant->job, a);
        }
    }
    grant->began = agent->life;
    task->state = TASK_RUNNING;
    say(lab, number, task, S_RUNNING);
}

static void beat(struct lab *lab, uint32_t number)
{
    struct agent *agent = &lab->world->agents[number];
    struct message message = letter(lab, number, MSG_BEAT, 0);
    uint32_t count = 0;
    for (uint32_t h = 0; h < HANDS; h++) {
        if (agent->tasks[h].state != TASK_NONE)
            message.fence[count++] = agent->tasks[h].fence;
    }
    agent->beaten = 1;
    pool_add(lab, &message);
}

static uint8_t older(uint8_t age)
{
    return age < TTL_UNITS ? (uint8_t)(age + 1) : age;
}

/* A unit passes: first the agents look at their leases, which they count from earlier. */
static void tick(struct lab *lab)
{
    struct world *world = lab->world;
    world->now++;
    for (uint32_t i = 0; i < world->pool_count; i++)
        world->pool[i].age = older(world->pool[i].age);
    for (uint32_t a = 0; a < SMALL_AGENTS; a++) {
        world->agents[a].beaten = 0;
        for (uint32_t h = 0; h < HANDS; h++) {
            struct task *task = &world->agents[a].tasks[h];
            task->said = 0;
            task->age = task->state != TASK_NONE ? older(task->age) : 0;
            if (task->state == TASK_RUNNING && task->age == TTL_UNITS &&
                lab->plant != PLANT_NO_SELF_FENCE)
                *task = (struct task){0};
        }
    }
    desk_tick(lab);
}

/* A message that would come to the renewal of this grant, or a heartbeat that may be sent. */
static int is_under_way(struct lab *lab, struct agent *agent, uint32_t a, uint16_t fence)
{
    const struct world *world = lab->world;
    int any = find_task(agent, fence) != NULL && !agent->beaten;
    for (uint32_t i = 0; i < world->pool_count; i++) {
        const struct message *message = &world->pool[i];
        int lists = message->fence[0] == fence || message->fence[HANDS - 1] == fence;
        any |= message->agent == a && message->life == agent->life && lists &&
               (message->kind == MSG_BEAT || message->kind == MSG_OFFER);
    }
    return any;
}

/* Its holder is well and could still say a word for it: that it does not is a fault. */
static int would_renew(struct lab *lab, uint32_t j)
{
    struct world *world = lab->world;
    const struct arc_step_state *step = present_step(lab, j);
    if (!is_granted(step))
        return 0;
    const struct grant *grant = &world->grants[step->fence];
    struct agent *agent = &world->agents[grant->agent];
    if (grant->until > world->now + 1 || !agent->up || grant->life != agent->life)
        return 0;
    if (is_under_way(lab, agent, grant->agent, (uint16_t)step->fence))
        return 1;
    /* It has not heard of it so far. */
    return find_task(agent, (uint16_t)step->fence) == NULL && !step->acked &&
           grant->began != agent->life && grant->declined != agent->life &&
           (desk_may_offer(lab, j) ||
            (world->desk[grant->agent].session != agent->life && !agent->beaten));
}

static int tick_costs(struct lab *lab)
{
    int costs = 0;
    for (uint32_t j = 0; j < lab->plan->job_count; j++)
        costs |= would_renew(lab, j);
    return costs;
}

/* --- what may happen -------------------------------------------------------------------------- */

struct list {
    uint16_t *out;
    uint32_t count;
};

static void add(struct list *list, enum move_kind kind, uint32_t a, uint32_t b)
{
    if (list->count < MOVES_MAX)
        list->out[list->count++] = MOVE(kind, a, b);
}

static void calm_tasks(struct lab *lab, struct list *list, uint32_t a)
{
    const struct agent *agent = &lab->world->agents[a];
    for (uint32_t h = 0; h < HANDS; h++) {
        const struct task *task = &agent->tasks[h];
        int fresh = task->age < TTL_UNITS || lab->plant == PLANT_BEGINS_WITHOUT_LEASE;
        if (task->state == TASK_TAKEN && !task->cancelled && fresh)
            add(list, MOVE_BEGIN, a, h);
        if (task->cancelled && (task->state == TASK_TAKEN || task->state == TASK_RUNNING))
            add(list, MOVE_END, a, h + HANDS * S_CANCELLED);
        if (task->state == TASK_RUNNING && !task->cancelled)
            add(list, MOVE_END, a, h + HANDS * S_SUCCESS);
        int silent = task->state == TASK_OVER || (task->state == TASK_RUNNING && !task->told);
        if (silent && !task->said &&
            !is_on_its_way(lab, a, agent->life, task->fence, MSG_REPORT, MSG_REPORTED))
            add(list, MOVE_SAY, a, h);
    }
}

static int wants_to_beat(const struct lab *lab, uint32_t a)
{
    const struct agent *agent = &lab->world->agents[a];
    const struct desk_agent *desk = &lab->world->desk[a];
    /* Without tasks there is no hurry, unless its channel is gone, which it sees at once. */
    int any = desk->session != agent->life || desk->life != agent->life;
    for (uint32_t h = 0; h < HANDS; h++)
        any |= agent->tasks[h].state != TASK_NONE;
    return any && !agent->beaten && !is_on_its_way(lab, a, agent->life, 0, MSG_BEAT, MSG_BEATEN);
}

static void calm_people(struct lab *lab, struct list *list)
{
    const struct seen *seen = &lab->world->seen;
    if (seen->state == ARC_RUN_PAUSED && !seen->stopping)
        add(list, MOVE_RESUME, 0, 0);
    for (uint32_t g = 1; g <= lab->plan->gate_count && !seen->stopping; g++) {
        for (uint32_t who = 1; seen->gates[g - 1].state == 1 && who <= 2; who++) {
            if ((who == 1 || lab->plan->gates[g - 1].approver_count == 0) &&
                (seen->gates[g - 1].by & who) == 0)
                add(list, MOVE_APPROVE, g, who);
        }
    }
}

/* What is on its way to be offered may come twice by MOVE_COPY. */
static int may_offer(struct lab *lab, uint32_t j)
{
    const struct world *world = lab->world;
    if (!desk_may_offer(lab, j))
        return 0;
    const struct arc_step_state *step = present_step(lab, j);
    uint32_t agent = (uint32_t)agent_of(step->agent_id);
    return !is_on_its_way(lab, agent, world->desk[agent].session, (uint16_t)step->fence, MSG_OFFER,
                          MSG_OFFER);
}

static void calm_moves(struct lab *lab, struct list *list)
{
    struct world *world = lab->world;
    int room = has_room(lab);
    for (uint32_t a = 0; a < SMALL_AGENTS; a++) {
        if (!world->agents[a].up)
            add(list, MOVE_RISE, a, 0);
    }
    for (uint32_t i = 0; i < world->pool_count; i++)
        add(list, MOVE_DELIVER, i, 0);
    calm_people(lab, list);
    for (uint32_t a = 0; a < SMALL_AGENTS && room; a++) {
        if (world->agents[a].up)
            calm_tasks(lab, list, a);
    }
    for (uint32_t a = 0; a < SMALL_AGENTS && room; a++) {
        if (world->agents[a].up && wants_to_beat(lab, a))
            add(list, MOVE_BEAT, a, 0);
    }
    for (uint32_t j = 0; j < lab->plan->job_count && room; j++) {
        if (desk_may_order(lab, j))
            add(list, MOVE_ORDER, j, 0);
        if (may_offer(lab, j))
            add(list, MOVE_OFFER, j, 0);
    }
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        for (uint32_t a = 0; a < SMALL_AGENTS; a++) {
            if (desk_may_place(lab, j, a))
                add(list, MOVE_PLACE, j, a);
        }
    }
    if (!tick_costs(lab))
        add(list, MOVE_TICK, 0, 0);
}

/* Steps fail, and what was asked to end ends by itself. */
static void sick_moves(struct lab *lab, struct list *list)
{
    for (uint32_t a = 0; a < SMALL_AGENTS && has_room(lab); a++) {
        const struct agent *agent = &lab->world->agents[a];
        for (uint32_t h = 0; h < HANDS && agent->up; h++) {
            if (agent->tasks[h].state != TASK_RUNNING)
                continue;
            if (lab->def->bads & BAD_SICK)
                add(list, MOVE_END, a, h + HANDS * S_FAILED);
            if (agent->tasks[h].cancelled)
                add(list, MOVE_END, a, h + HANDS * S_SUCCESS);
        }
    }
}

/* It has something to do, or is to have it: the death of another changes nothing. */
static int is_of_use(const struct lab *lab, uint32_t a)
{
    int any = 0;
    for (uint32_t h = 0; h < HANDS; h++)
        any |= lab->world->agents[a].tasks[h].state != TASK_NONE;
    for (uint32_t j = 0; j < lab->plan->job_count; j++)
        any |=
            lab->world->seen.jobs[j].state < S_SUCCESS && lab->world->seen.jobs[j].agent == a + 1;
    return any;
}

static void bad_moves(struct lab *lab, struct list *list)
{
    const struct world *world = lab->world;
    uint32_t bads = world->bads_left > 0 ? lab->def->bads : 0;
    for (uint32_t i = 0; i < world->pool_count; i++) {
        const struct message *message = &world->pool[i];
        if ((lab->def->bads & BAD_COPY) && has_room(lab) && !message->copied)
            add(list, MOVE_COPY, i, 0);
        if (bads & BAD_LOSS)
            add(list, MOVE_LOSE, i, 0);
        if ((bads & BAD_REFUSAL) && message->kind == MSG_OFFER)
            add(list, MOVE_REFUSE, i, 0);
        if ((bads & BAD_SERVER) && to_server(message)) {
            add(list, MOVE_UNHEARD, i, 0);
            add(list, MOVE_UNSAID, i, 0);
        }
    }
    if (bads & BAD_SERVER)
        add(list, MOVE_CRASH, 0, 0);
    for (uint32_t a = 0; a < SMALL_AGENTS && (bads & BAD_AGENT); a++) {
        if (world->agents[a].up && is_of_use(lab, a))
            add(list, MOVE_DIE, a, 0);
    }
    if ((bads & BAD_LEASE) && tick_costs(lab))
        add(list, MOVE_STALL, 0, 0);
}

static void ask_of_job(struct lab *lab, struct list *list, uint32_t j, uint32_t asks)
{
    const struct seen_job *job = &lab->world->seen.jobs[j];
    const struct arc_step_state *step = present_step(lab, j);
    if (job->state >= S_SUCCESS)
        return;
    if ((asks & ASK_CANCEL_JOB) && !job->stopping)
        add(list, MOVE_CANCEL_JOB, j, 0);
    if ((asks & ASK_KILL_JOB) && !job->forced)
        add(list, MOVE_CANCEL_JOB, j, 1);
    if ((asks & ASK_CANCEL_STEP) && step != NULL && !step->stopping)
        add(list, MOVE_CANCEL_STEP, j, 0);
}

static void ask_moves(struct lab *lab, struct list *list)
{
    const struct seen *seen = &lab->world->seen;
    uint32_t asks = lab->world->asks_left > 0 ? lab->def->asks : 0;
    if ((asks & ASK_PAUSE) && seen->state != ARC_RUN_PAUSED && !seen->stopping)
        add(list, MOVE_PAUSE, 0, 0);
    if ((asks & ASK_STOP) && !seen->stopping)
        add(list, MOVE_STOP, 0, 0);
    if ((asks & ASK_FORCE) && !seen->forced)
        add(list, MOVE_STOP, 1, 0);
    for (uint32_t j = 0; j < lab->plan->job_count; j++)
        ask_of_job(lab, list, j, asks);
    for (uint32_t g = 1; g <= lab->plan->gate_count && (asks & ASK_REJECT); g++) {
        if (seen->gates[g - 1].state == 1 && !seen->stopping)
            add(list, MOVE_REJECT, g, 0);
    }
}

uint32_t moves_list(struct lab *lab, uint16_t *out, uint32_t *calm)
{
    struct list list = {out, 0};
    *calm = 0;
    if (rules_over(lab))
        return 0;
    calm_moves(lab, &list);
    *calm = list.count;
    sick_moves(lab, &list);
    bad_moves(lab, &list);
    ask_moves(lab, &list);
    if (list.count == MOVES_MAX)
        broke(lab, "world", "%d moves or more in one state", MOVES_MAX);
    return list.count;
}

/* --- and then --------------------------------------------------------------------------------- */

static void deliver(struct lab *lab, const struct message *message, int refuse)
{
    if (to_server(message))
        desk_hear(lab, message);
    else
        agent_hear(lab, message, refuse);
}

static void move_message(struct lab *lab, enum move_kind kind, uint32_t index)
{
    struct world *world = lab->world;
    struct message message;
    if (kind == MOVE_COPY) {
        message = world->pool[index];
        world->pool[index].copied = 1;
    } else {
        message = pool_take(lab, index);
    }
    if (kind != MOVE_DELIVER && kind != MOVE_COPY)
        world->bads_left--;
    if (kind == MOVE_LOSE)
        return;
    uint32_t count = world->pool_count;
    if (kind != MOVE_UNHEARD)
        deliver(lab, &message, kind == MOVE_REFUSE);
    if (kind == MOVE_UNSAID && world->pool_count > count)
        (void)pool_take(lab, world->pool_count - 1u);
    if (kind == MOVE_UNHEARD || kind == MOVE_UNSAID)
        desk_restart(lab);
}

static void move_agent(struct lab *lab, enum move_kind kind, uint32_t a, uint32_t b)
{
    struct agent *agent = &lab->world->agents[a];
    struct task *task = &agent->tasks[b % HANDS];
    switch (kind) {
    case MOVE_RISE:
        *agent = (struct agent){.up = 1, .life = (uint8_t)(agent->life + 1)};
        break;
    case MOVE_DIE:
        lab->world->bads_left--;
        *agent = (struct agent){.life = agent->life};
        break;
    case MOVE_BEGIN:
        begin(lab, a, task);
        break;
    case MOVE_END:
        /* What it has given back before it began it does not take again: an offer of it may still
         * be on its way, and the answer to a heartbeat that lists it. */
        if (task->state == TASK_TAKEN)
            lab->world->grants[task->fence].declined = agent->life;
        task->state = TASK_OVER;
        task->status = (uint8_t)(b / HANDS);
        say(lab, a, task, task->status);
        break;
    case MOVE_SAY:
        say(lab, a, task, task->state == TASK_OVER ? task->status : S_RUNNING);
        break;
    default:
        beat(lab, a);
        break;
    }
}

static void make(struct lab *lab, uint16_t move)
{
    enum move_kind kind = move_kind(move);
    uint32_t a = move_a(move), b = move_b(move);
    if (kind == MOVE_DELIVER || (kind >= MOVE_COPY && kind <= MOVE_UNSAID))
        move_message(lab, kind, a);
    else if (kind == MOVE_RISE || kind == MOVE_DIE || (kind >= MOVE_BEGIN && kind <= MOVE_BEAT))
        move_agent(lab, kind, a, b);
    else if (kind == MOVE_ORDER)
        desk_order(lab, a);
    else if (kind == MOVE_OFFER)
        desk_offer(lab, a);
    else if (kind == MOVE_PLACE)
        desk_place(lab, a, b);
    else if (kind == MOVE_TICK || kind == MOVE_STALL)
        tick(lab);
    else if (kind == MOVE_CRASH)
        desk_restart(lab);
    else
        desk_ask(lab, move);
    if (kind == MOVE_STALL || kind == MOVE_CRASH)
        lab->world->bads_left--;
    if (kind >= MOVE_PAUSE)
        lab->world->asks_left--;
}

/* The deadline found from what has changed is that of all jobs. Afterwards each job stands where
 * its own time is, so that nothing of how a world came to be stays in it. */
static void check_clock(struct lab *lab)
{
    struct arc_run *run = &lab->world->run;
    uint64_t quick = arc__run_deadline(&lab->rules, run);
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        if (run->jobs[j].status < S_SUCCESS)
            (void)arc__heap_arm(&run->wakes, &run->jobs[j].wake, 0, NULL);
    }
    if (!rules_over(lab) && arc__run_deadline(&lab->rules, run) != quick)
        broke(lab, "I7", "what is due next is not the earliest of what is due");
}

static int holds_any(struct agent *agent, const struct message *message)
{
    int any = 0;
    for (uint32_t i = 0; i < HANDS && message->fence[i] != 0; i++)
        any |= find_task(agent, message->fence[i]) != NULL;
    return any;
}

/* 1: it is the same whether it arrives or not, now and for ever: it is to a process that is gone,
 * about a grant that is over and that its receiver has forgotten, or it says nothing. That reports
 * about such grants change nothing, whenever they come, is tried in every state (desk_probe). */
static int is_void(struct lab *lab, const struct message *message)
{
    const struct world *world = lab->world;
    struct agent *agent = &lab->world->agents[message->agent];
    const struct desk_agent *desk = &world->desk[message->agent];
    int gone = message->life != agent->life,
        job = desk_lease(lab, message->agent, message->fence[0]);
    switch (message->kind) {
    case MSG_BEAT:
        return message->fence[0] == 0 && desk->life == message->life &&
               desk->session == message->life;
    case MSG_ACK:
        return job < 0 || (message->yes && present_step(lab, (uint32_t)job)->status == S_RUNNING);
    case MSG_REPORT:
        return job < 0 && (gone || find_task(agent, message->fence[0]) == NULL);
    case MSG_BEATEN:
    case MSG_REPORTED:
        return gone || !holds_any(agent, message);
    default:
        return gone;
    }
}

static void forget_void(struct lab *lab)
{
    for (uint32_t i = lab->world->pool_count; i-- > 0;) {
        if (is_void(lab, &lab->world->pool[i]))
            (void)pool_take(lab, i);
    }
}

int move_make(struct lab *lab, uint16_t move)
{
    lab->wrong[0] = '\0';
    lab->move = move;
    lab->said = (struct message){0};
    make(lab, move);
    forget_void(lab);
    if (lab->wrong[0] == '\0')
        check_clock(lab);
    if (lab->wrong[0] == '\0')
        rules_state(lab);
    return lab->wrong[0] == '\0';
}

/* --- in words --------------------------------------------------------------------------------- */

static const char *status_word(uint32_t status)
{
    static const char *const words[] = {"",       "pending",   "queued",  "running", "success",
                                        "failed", "cancelled", "timeout", "skipped"};
    return status < ARC_COUNT_OF(words) ? words[status] : "?";
}

static void show_lease(const struct lab *lab, uint16_t fence, char *out, size_t size)
{
    const struct grant *grant = &lab->world->grants[fence];
    (void)snprintf(out, size, "step %u of job %u (attempt %u, fence %u)", grant->step, grant->job,
                   grant->attempt, fence);
}

static void show_message(const struct lab *lab, const struct message *message, char *out,
                         size_t size)
{
    static const char *const words[] = {
        "",      "heartbeat", "acknowledgement",   "report", "answer to a heartbeat",
        "offer", "cancel",    "answer to a report"};
    char lease[80];
    show_lease(lab, message->fence[0], lease, sizeof(lease));
    int len = snprintf(out, size, "%s %s agent %u", words[message->kind],
                       to_server(message) ? "of" : "to", message->agent);
    if (message->life > 1)
        len += snprintf(out + len, size - (size_t)len, ", process %u", message->life);
    if (message->fence[0] != 0)
        len += snprintf(out + len, size - (size_t)len, " about %s", lease);
    if (message->kind == MSG_REPORT || message->kind == MSG_REPORTED)
        len += snprintf(out + len, size - (size_t)len, ": %s", status_word(message->status));
    if (message->kind == MSG_ACK && !message->yes)
        len += snprintf(out + len, size - (size_t)len, ": no");
    for (uint32_t i = 0; message->kind == MSG_BEATEN && i < HANDS && message->fence[i] != 0; i++)
        len += snprintf(out + len, size - (size_t)len, ", %s%s",
                        message->marks[i] & MARK_LOST ? "lost" : "renewed",
                        message->marks[i] & MARK_CANCEL ? ", to be cancelled" : "");
}

static const char *const show_words[MOVE_KINDS] = {
    [MOVE_RISE] = "agent %u is started anew",
    [MOVE_DELIVER] = "arrives: ",
    [MOVE_RESUME] = "the run is resumed",
    [MOVE_APPROVE] = "gate %u is approved by %s",
    [MOVE_BEGIN] = "agent %u begins ",
    [MOVE_END] = "agent %u ends ",
    [MOVE_SAY] = "agent %u says again ",
    [MOVE_BEAT] = "agent %u sends a heartbeat",
    [MOVE_ORDER] = "the server sends the cancel of job %u",
    [MOVE_OFFER] = "the server offers the next step of job %u",
    [MOVE_PLACE] = "job %u is placed on agent %u",
    [MOVE_TICK] = "a unit of time passes",
    [MOVE_COPY] = "arrives, and will again: ",
    [MOVE_LOSE] = "LOST: ",
    [MOVE_REFUSE] = "REFUSED: ",
    [MOVE_UNHEARD] = "THE SERVER DIES before it has stored: ",
    [MOVE_UNSAID] = "THE SERVER DIES before it has answered: ",
    [MOVE_CRASH] = "THE SERVER DIES and is started anew",
    [MOVE_DIE] = "AGENT %u DIES",
    [MOVE_STALL] = "A UNIT OF TIME PASSES without a renewal",
    [MOVE_PAUSE] = "the run is paused",
    [MOVE_STOP] = "the run is stopped, force %u",
    [MOVE_CANCEL_JOB] = "job %u is cancelled, force %u",
    [MOVE_CANCEL_STEP] = "the present step of job %u is cancelled",
    [MOVE_REJECT] = "gate %u is rejected",
};

/* What stands in show_words, with at most two numbers. */
static int show_frame(const char *words, uint32_t a, uint32_t b, char *out, size_t size)
{
    uint32_t numbers[2] = {a, b}, next = 0;
    size_t len = 0;
    for (; *words != '\0' && len + 12 < size; words++) {
        if (*words != '%') {
            out[len++] = *words;
            continue;
        }
        words++;
        len +=
            (size_t)(*words == 's' ? snprintf(out + len, size - len, "%s", b == 1 ? "ann" : "bob")
                                   : snprintf(out + len, size - len, "%u", numbers[next++ % 2]));
    }
    out[len] = '\0';
    return (int)len;
}

void move_show(const struct lab *lab, uint16_t move, char *out, size_t size)
{
    enum move_kind kind = move_kind(move);
    uint32_t a = move_a(move), b = move_b(move);
    int len = show_frame(show_words[kind], a, b, out, size);
    char *at = out + len;
    size_t left = size - (size_t)len;
    if (kind == MOVE_DELIVER || (kind >= MOVE_COPY && kind <= MOVE_UNSAID))
        show_message(lab, &lab->world->pool[a], at, left);
    if (kind != MOVE_BEGIN && kind != MOVE_END && kind != MOVE_SAY)
        return;
    show_lease(lab, lab->world->agents[a].tasks[b % HANDS].fence, at, left);
    if (kind == MOVE_END) {
        size_t used = strlen(at);
        (void)snprintf(at + used, left - used, ": %s", status_word(b / HANDS));
    }
}
