/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include <stdarg.h>
#include <string.h>

#include "shadow.h"

#define HAPPENED_MAX 60000 /* for each server */
#define HEAL_SECONDS 6000
#define COMPARE_EVERY 16

const char *const sim_fault_names[FAULT_COUNT] = {
#define FAULT(name, text, odds, sentence) text,
#include "faults.def"
};
const char *const sim_fault_sentences[FAULT_COUNT] = {
#define FAULT(name, text, odds, sentence) sentence,
#include "faults.def"
};
static const uint32_t fault_odds[FAULT_COUNT] = {
#define FAULT(name, text, odds, sentence) odds,
#include "faults.def"
};
const char *const sim_goal_sentences[GOAL_COUNT] = {
#define GOAL(name, sentence) sentence,
#include "goals.def"
};
const char *const sim_invariant_names[INV_COUNT] = {
#define INVARIANT(name, sentence) #name,
#include "invariants.def"
};
const char *const sim_invariant_sentences[INV_COUNT] = {
#define INVARIANT(name, sentence) sentence,
#include "invariants.def"
};

/* --- the trace ------------------------------------------------------------------------------- */

void sim_mix(struct sim *sim, uint64_t value)
{
    sim->hash = dice_mix(sim->hash ^ value) + UINT64_C(0x9e3779b97f4a7c15);
}

void sim_trace(struct sim *sim, const char *format, ...)
{
    struct trace_line *line = &sim->trace[sim->traced++ % TRACE_MAX];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    va_list list;
    line->at_ns = sim->now_ns;
    va_start(list, format);
    (void)vsnprintf(line->text, sizeof(line->text), format, list);
    va_end(list);
    for (const char *c = line->text; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    sim_mix(sim, hash ^ sim->now_ns);
    if (sim->plan.verbose)
        printf("%12.6f %s\n", (double)sim->now_ns / 1e9, line->text);
}

void broke(struct sim *sim, enum invariant which, const char *format, ...)
{
    va_list list;
    if (sim->broken)
        return;
    sim->broken = 1;
    sim->broke = which;
    va_start(list, format);
    (void)vsnprintf(sim->sentence, sizeof(sim->sentence), format, list);
    va_end(list);
    sim_trace(sim, "BROKEN %s: %.90s", sim_invariant_names[which], sim->sentence);
}

/* --- the heap -------------------------------------------------------------------------------- */

const char *sim_project(const struct sim *sim, uint32_t pipeline)
{
    return sim->project[pipeline] == 1 ? "p1" : "p2";
}

void sim_no_secret(struct sim *sim, arc_slice text, const char *where)
{
    for (uint32_t i = 0; i < sim->agent_count; i++) {
        const char *secret = strchr(sim->agents[i].token, ':');
        if (secret == NULL || text.len < strlen(secret + 1))
            continue;
        if (memmem(text.ptr, text.len, secret + 1, strlen(secret + 1)) != NULL)
            broke(sim, INV_I13, "the credential of agent %u is in %s", i, where);
    }
}

static int before(const struct event *a, const struct event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void sim_at(struct sim *sim, uint64_t at_ns, enum happening what, uint32_t number)
{
    if (sim->heap_count == HEAP_MAX) {
        broke(sim, INV_I15, "more than %d events wait", HEAP_MAX);
        return;
    }
    uint32_t i = sim->heap_count++;
    struct event event = {at_ns < sim->now_ns ? sim->now_ns : at_ns, sim->order++, what, number};
    for (; i > 0 && before(&event, &sim->heap[(i - 1) / 2]); i = (i - 1) / 2)
        sim->heap[i] = sim->heap[(i - 1) / 2];
    sim->heap[i] = event;
}

static struct event take(struct sim *sim)
{
    struct event top = sim->heap[0], last = sim->heap[--sim->heap_count];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= sim->heap_count)
            break;
        if (child + 1 < sim->heap_count && before(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!before(&sim->heap[child], &last))
            break;
        sim->heap[i] = sim->heap[child];
        i = child;
    }
    if (sim->heap_count > 0)
        sim->heap[i] = last;
    return top;
}

/* --- drawing --------------------------------------------------------------------------------- */

static uint64_t roll_faults(struct dice *dice, uint32_t from, uint32_t to)
{
    uint64_t bits = 0;
    for (uint32_t i = from; i < to; i++)
        bits |= (uint64_t)(roll(dice, 10) < fault_odds[i]) << i;
    return bits;
}

uint64_t sim_drawn(const struct sim_plan *plan)
{
    struct dice dice = dice_split(plan->seed, "faults", 0);
    struct dice shared = dice_split(plan->seed, "faults of several", plan->replicas);
    uint64_t bits = roll_faults(&dice, 0, FAULT_OF_ONE);
    if (plan->replicas > 1)
        bits |= roll_faults(&shared, FAULT_OF_ONE, FAULT_COUNT);
    /* One seed in eight is calm: what is late there is late without an excuse. */
    return roll(&dice, 8) == 0 ? bits & (UINT64_C(1) << FAULT_SICK | UINT64_C(1) << FAULT_PAUSE |
                                         UINT64_C(1) << FAULT_STOP | UINT64_C(1) << FAULT_REJECT |
                                         UINT64_C(1) << FAULT_FAR | UINT64_C(1) << FAULT_NAMED)
                               : bits;
}

static void draw(struct sim *sim)
{
    uint64_t seed = sim->plan.seed, bits = sim_drawn(&sim->plan) & ~sim->plan.off;
    struct dice strengths = dice_split(seed, "strengths", 0);
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        uint8_t strength = (uint8_t)(1 + roll(&strengths, 3));
        sim->fault[i] = bits >> i & 1 ? strength : 0;
    }
    sim->draw_dice = dice_split(seed, "draw", 0);
    sim->net_dice = dice_split(seed, "net", 0);
    sim->people_dice = dice_split(seed, "people", 0);
    sim->evil_dice = dice_split(seed, "adversary", 0);
    sim->watch_dice = dice_split(seed, "watchers", 0);
    sim->trouble_dice = dice_split(seed, "trouble", 0);
    sim->turn_dice = dice_split(seed, "turns", 0);
    for (uint32_t i = 0; i < REPLICAS_MAX; i++) {
        sim->servers[i].dice = dice_split(seed, "server", i);
        sim->servers[i].store_dice = dice_split(seed, "store", i);
        sim->servers[i].random = dice_split(seed, "random", i);
    }
    sim->agent_count = 2 + roll(&sim->draw_dice, AGENTS_MAX - 1);
    sim->runs_wanted = 2 + roll(&sim->draw_dice, 5);
    uint32_t seconds = 90 + roll(&sim->draw_dice, 240);
    if (sim->plan.agents > 0 && sim->plan.agents < sim->agent_count)
        sim->agent_count = sim->plan.agents;
    if (sim->plan.runs > 0 && sim->plan.runs < sim->runs_wanted)
        sim->runs_wanted = sim->plan.runs;
    if (sim->plan.seconds > 0 && sim->plan.seconds < seconds)
        seconds = sim->plan.seconds;
    sim->chaos_ns = (uint64_t)SECONDS(seconds);
}

static void build(struct sim *sim)
{
    struct dice dice = dice_split(sim->plan.seed, "definitions", 0);
    defs_draw(sim, &dice);
    for (uint32_t i = 0; i < sim->pipeline_count; i++) {
        struct call *call = call_new(sim, ARC_CMD_PIPELINE_CREATE);
        call->cmd->u.pipeline.row.name = call_text(call, "p");
        sim->project[i] = 1 + (roll(&dice, 3) == 0);
        call->cmd->u.pipeline.row.project_id = call_text(call, sim_project(sim, i));
        call->cmd->u.pipeline.definition = defs_input(sim->texts[i], &call->cmd->arena);
        call_wait(call);
        memcpy(sim->pipelines[i], call->id, sizeof(sim->pipelines[i]));
        sim->shadow->plan[i] = defs_plan(sim->texts[i], &sim->shadow->plans);
        if (sim->shadow->plan[i] == NULL)
            broke(sim, INV_I9, "definition %u cannot be planned", i);
    }
    if (!sim->broken)
        agents_build(sim);
}

/* --- living ---------------------------------------------------------------------------------- */

static void happen(struct sim *sim, const struct event *event)
{
    uint64_t next = sim->now_ns;
    switch (event->what) {
    case HAPPEN_MESSAGE:
        message_arrives(sim, event->number);
        return;
    case HAPPEN_AGENT:
        agent_look(sim, event->number);
        return;
    case HAPPEN_PEOPLE:
        people_act(sim);
        next += (uint64_t)(500 + roll(&sim->people_dice, 6000)) * 1000000;
        break;
    case HAPPEN_ADVERSARY:
        adversary_act(sim);
        next += (uint64_t)(500 + roll(&sim->evil_dice, 4000)) * 1000000;
        break;
    case HAPPEN_WATCHER:
        watcher_act(sim, event->number);
        next += (uint64_t)(1000 + roll(&sim->watch_dice, 4000)) * 1000000;
        break;
    case HAPPEN_STORE:
        server_store_ready(sim, event->number);
        return;
    case HAPPEN_TROUBLE:
        server_trouble(sim);
        next += (uint64_t)SECONDS(1);
        break;
    case HAPPEN_RESTART:
        server_restart(sim, event->number);
        return;
    case HAPPEN_WAKE:
        server_wake(sim, event->number);
        return;
    default:
        return;
    }
    sim_at(sim, next, event->what, event->number);
}

/* The next thing that happens, or the engine's own deadline. 0: nothing before until_ns. */
static int step(struct sim *sim, uint64_t until_ns)
{
    uint64_t deadline = server_deadline(sim);
    uint64_t next = sim->heap_count > 0 ? sim->heap[0].at_ns : UINT64_MAX;
    uint64_t at = deadline < next ? deadline : next;
    if (at > until_ns) {
        sim->now_ns = until_ns;
        return 0;
    }
    if (at > sim->now_ns)
        sim->now_ns = at;
    sim->happened++;
    if (next <= sim->now_ns) {
        struct event event = take(sim);
        happen(sim, &event);
    }
    server_turn(sim);
    arc__arena_reset(&sim->arena);
    if (sim->happened % COMPARE_EVERY == 0 && !sim->broken) {
        shadow_overdue(sim->shadow);
        if (server_ready(sim))
            shadow_compare(sim->shadow);
    }
    if (sim->happened > (uint64_t)HAPPENED_MAX * sim->server_count)
        broke(sim, INV_I15, "more than %d things happened to each server", HAPPENED_MAX);
    return !sim->broken;
}

static void chaos(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->agent_count; i++)
        sim_at(sim, sim->now_ns, HAPPEN_AGENT, i);
    for (uint32_t i = 0; i < WATCHERS_MAX; i++)
        sim_at(sim, sim->now_ns, HAPPEN_WATCHER, i);
    sim_at(sim, sim->now_ns, HAPPEN_PEOPLE, 0);
    sim_at(sim, sim->now_ns, HAPPEN_TROUBLE, 0);
    sim_at(sim, sim->now_ns, HAPPEN_ADVERSARY, 0);
    sim->healing = 0;
    while (step(sim, sim->chaos_ns))
        continue;
}

static void heal(struct sim *sim)
{
    sim->heal_ns = sim->now_ns;
    sim->healing = 1;
    server_trouble_now(sim);
    sim_trace(sim, "the faults stop");
    agents_heal(sim);
    servers_heal(sim);
    while (step(sim, sim->heal_ns + (uint64_t)SECONDS(HEAL_SECONDS))) {
        if (servers_ready(sim) && shadow_open_runs(sim->shadow) == 0 && agents_idle(sim) &&
            people_idle(sim))
            return;
    }
    if (sim->broken)
        return;
    for (uint32_t i = 0; i < sim->shadow->run_count; i++) {
        if (!shadow_run_over(&sim->shadow->runs[i]))
            broke(sim, INV_I7, "run %u is still in state %d, %d s after the faults stopped", i,
                  sim->shadow->runs[i].state, HEAL_SECONDS);
    }
    broke(sim, INV_I7, "something was still unsaid %d s after the faults stopped", HEAL_SECONDS);
}

static void finish(struct sim *sim)
{
    for (int i = 0; i < 3000 && !watchers_idle(sim) && !sim->broken; i++) {
        for (uint32_t k = 0; k < WATCHERS_MAX; k++)
            watcher_act(sim, k);
        (void)step(sim, sim->now_ns + (uint64_t)SECONDS(2));
    }
    if (!sim->broken && !watchers_idle(sim))
        broke(sim, INV_I14, "a watcher does not catch up");
    /* Each hears within a second or two of what another one has stored last, unless what it asks
     * for is still on the long way that it took. */
    uint64_t heard_ns = sim->now_ns + (uint64_t)SECONDS(sim->fault[FAULT_ASTRAY] ? 60 : 5);
    int64_t known = sim->shadow->position;
    while (is_shared(sim) && step(sim, heard_ns))
        continue;
    shadow_compare(sim->shadow);
    logs_compare(sim->shadow);
    for (uint32_t i = 0; i < sim->server_count; i++) {
        const struct arc_engine *engine = sim->servers[i].engine;
        int64_t position = engine != NULL ? arc__engine_position(engine) : known;
        if (position < known || position > sim->shadow->position)
            broke(sim, INV_I16, "the engine is at position %lld, %lld are stored",
                  (long long)position, (long long)known);
    }
}

int sim_live(struct sim *sim, const struct sim_plan *plan)
{
    struct arc_mem mem = arc__mem_default();
    memset(sim, 0, sizeof(*sim));
    sim->plan = *plan;
    sim->healing = 1; /* nothing strikes while the world is built */
    sim->hash = plan->seed;
    arc__arena_init(&sim->arena, &mem, (size_t)64 * 1024 * 1024);
    draw(sim);
    sim->shadow = shadow_new(sim);
    if (sim->shadow == NULL || !server_open(sim))
        broke(sim, INV_I7, "the server could not be opened");
    if (!sim->broken)
        build(sim);
    if (!sim->broken)
        chaos(sim);
    if (!sim->broken)
        heal(sim);
    if (!sim->broken)
        finish(sim);
    if (!sim->broken && plan->rows)
        server_hash_rows(sim);
    if (!sim->broken && plan->ended != NULL)
        plan->ended(sim);
    server_close(sim);
    shadow_free(sim->shadow);
    sim->shadow = NULL;
    arc__arena_deinit(&sim->arena);
    return !sim->broken;
}
