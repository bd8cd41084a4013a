/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/sim.h"
#include "cli/view.h"
#include "common/duration.h"
#include "common/ignore.h"
#include "common/mem.h"

/* Where made-up time begins: any moment will do, as long as it is always the same. */
#define WALL_NS (INT64_C(1767225600) * NS_PER_S)
#define BOOT_NS (INT64_C(1000) * NS_PER_S)
#define GATE_LEAST_NS (30 * NS_PER_S)
#define GATE_MOST_NS (3600 * NS_PER_S)
/* Turns within one moment; an engine that wants more than so many does not come to rest. */
#define ROUNDS_MAX 100000

/* One job in this life. */
struct sim_mark {
    int state, started, ended;
    int64_t started_ns;
};

struct sim_gate {
    struct sim_gate *next;
    char *name;
    int64_t at_ns; /* when somebody decides */
};

struct sim_start {
    uint64_t key; /* of the step run and the attempt; 0: free */
};

/* --- chance ---------------------------------------------------------------------------------- */

/* splitmix64: every seed is as good as another. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int sim_chance(struct sim_life *life, int64_t percent)
{
    return (int64_t)(draw(&life->random) % 100) < percent;
}

int64_t sim_between(struct sim_life *life, int64_t least, int64_t most)
{
    uint64_t drawn = draw(&life->random);
    return most <= least ? least : least + (int64_t)(drawn % (uint64_t)(most - least + 1));
}

static uint64_t now_ns(void *user)
{
    const struct sim_life *life = user;
    return (uint64_t)(BOOT_NS + life->now_ns);
}

static int64_t wall_ns(void *user)
{
    const struct sim_life *life = user;
    return WALL_NS + life->now_ns;
}

static int fill_random(void *user, void *buf, size_t len)
{
    struct sim_life *life = user;
    uint8_t *bytes = buf;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(draw(&life->ids) >> 32);
    return 0;
}

/* --- what happened --------------------------------------------------------------------------- */

static void add_digest(uint64_t *digest, const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        *digest = (*digest ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    *digest = (*digest ^ 0xff) * UINT64_C(0x100000001b3);
}

__attribute__((__format__(__printf__, 2, 3))) static void broke(struct sim_life *life,
                                                                const char *format, ...)
{
    va_list args;
    if (life->broken[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(life->broken, sizeof(life->broken), format, args);
    va_end(args);
}

static void grow_starts(struct sim_life *life)
{
    struct sim_start *old = life->starts;
    size_t room = life->start_room;
    life->start_room = room > 0 ? room * 2 : 256;
    life->starts = mem_new(life->start_room * sizeof(*life->starts));
    for (size_t i = 0; i < room; i++) {
        size_t at = old[i].key & (life->start_room - 1);
        while (old[i].key != 0 && life->starts[at].key != 0)
            at = (at + 1) & (life->start_room - 1);
        if (old[i].key != 0)
            life->starts[at] = old[i];
    }
    mem_free(old);
}

/* 0: this attempt of the step had begun before. */
static int begin_once(struct sim_life *life, const arc_event_view *event)
{
    char attempt[16];
    uint64_t key = UINT64_C(0xcbf29ce484222325);
    snprintf(attempt, sizeof(attempt), "%" PRIu32, event->attempt);
    add_digest(&key, event->step_run_id);
    add_digest(&key, attempt);
    key |= key == 0;
    if (life->start_count * 2 >= life->start_room)
        grow_starts(life);
    size_t at = key & (life->start_room - 1);
    for (; life->starts[at].key != 0; at = (at + 1) & (life->start_room - 1)) {
        if (life->starts[at].key == key)
            return 0;
    }
    life->starts[at].key = key;
    life->start_count++;
    return 1;
}

static void take_step_event(struct sim_life *life, const arc_event_view *event, const char *what)
{
    int began = strcmp(what, "started") == 0;
    if (began && !begin_once(life, event))
        broke(life, "Attempt %" PRIu32 " of step %s of job %s began twice.", event->attempt,
              event->step_name, event->job_name);
    if (began)
        life->running++;
    else if (strcmp(event->previous, "running") == 0 && strcmp(event->state, "running") != 0)
        life->running--;
    if (life->running > life->most_running)
        life->most_running = life->running;
}

static void take_job_event(struct sim_life *life, const arc_event_view *event, const char *what)
{
    size_t index = sim_find_job(life->rules, event->job_name);
    int state = view_find_state(arc_job_state_name, event->state);
    if (index == life->rules->job_count || state == ARC_JOB_NONE)
        return;
    struct sim_mark *mark = &life->marks[index];
    struct sim_job *job = &life->jobs[index];
    if (mark->ended && state != mark->state)
        broke(life, "Job %s was %s and became %s.", event->job_name,
              arc_job_state_name(mark->state), event->state);
    mark->state = state;
    if (strcmp(what, "retrying") == 0)
        job->retried++;
    if (state == ARC_JOB_RUNNING && !mark->started) {
        mark->started = 1;
        mark->started_ns = life->now_ns;
        job->started++;
    }
    if (arc_job_state_is_terminal(state) && !mark->ended) {
        mark->ended = 1;
        job->lives[state]++;
        if (mark->started)
            job->took_ns += life->now_ns - mark->started_ns;
        else if (job->why_not == NULL)
            job->why_not = mem_copy(event->reason);
    }
}

static void take_gate(struct sim_life *life, const arc_event_view *event)
{
    struct sim_gate *gate = mem_new(sizeof(*gate));
    gate->next = life->gates;
    gate->name = mem_copy(event->gate);
    gate->at_ns = life->now_ns + sim_between(life, GATE_LEAST_NS, GATE_MOST_NS);
    life->gates = gate;
}

static void take_run_event(struct sim_life *life, const arc_event_view *event, const char *what)
{
    int state = view_find_state(arc_run_state_name, event->state);
    if (strcmp(what, "approval.requested") == 0)
        take_gate(life, event);
    if (!arc_run_state_is_terminal(state))
        return;
    if (life->result != 0)
        broke(life, "The run ended twice.");
    life->result = state;
    life->took_ns = life->now_ns;
    snprintf(life->reason, sizeof(life->reason), "%s", event->reason);
}

static void print_event(const struct sim_life *life, const arc_event_view *event)
{
    struct text time = {NULL, 0, 0};
    duration_put(&time, life->now_ns);
    printf("%9s  %s", text_get(&time), event->type + strlen("arcentra."));
    if (event->job_name[0] != '\0')
        printf("  %s", event->job_name);
    if (event->step_name[0] != '\0')
        printf("/%s", event->step_name);
    if (event->gate[0] != '\0')
        printf("  %s", event->gate);
    if (event->attempt > 1)
        printf("  attempt %" PRIu32, event->attempt);
    if (event->reason[0] != '\0')
        printf("  %s", event->reason);
    putchar('\n');
    text_deinit(&time);
}

static void take_event(struct sim_life *life, const arc_event_view *event)
{
    static const char prefix[] = "arcentra.";
    char time[24];
    const char *type = event->type + strlen(prefix);
    snprintf(time, sizeof(time), "%" PRId64, life->now_ns);
    add_digest(&life->digest, event->type);
    add_digest(&life->digest, event->job_name);
    add_digest(&life->digest, event->step_name);
    add_digest(&life->digest, event->state);
    add_digest(&life->digest, time);
    if (life->trace)
        print_event(life, event);
    if (strncmp(type, "step.", 5) == 0)
        take_step_event(life, event, type + 5);
    else if (strncmp(type, "job.", 4) == 0)
        take_job_event(life, event, type + 4);
    else if (strncmp(type, "pipeline.", 9) == 0)
        take_run_event(life, event, type + 9);
}

/* 1: something had happened. */
static int take_events(struct sim_life *life, arc_err *err)
{
    arc_event_view event = ARC_EVENT_VIEW_INIT;
    int some = 0;
    while (arc_events_next(life->sub, &event, err) == ARC_OK) {
        take_event(life, &event);
        some = 1;
    }
    return some;
}

/* --- the loop -------------------------------------------------------------------------------- */

static int64_t tick_gates(struct sim_life *life)
{
    int64_t next = INT64_MAX;
    for (struct sim_gate **at = &life->gates; *at != NULL;) {
        struct sim_gate *gate = *at;
        if (gate->at_ns > life->now_ns) {
            next = gate->at_ns < next ? gate->at_ns : next;
            at = &gate->next;
            continue;
        }
        arc_gate_options options = ARC_GATE_OPTIONS_INIT;
        options.actor = "somebody";
        options.override = 1;
        options.reject = (uint32_t)sim_chance(life, life->rules->reject);
        /* It may have expired meanwhile, or its run is over. */
        ignore(arc_run_decide_gate(life->ctl, life->run_id, gate->name, &options, NULL));
        *at = gate->next;
        mem_free(gate->name);
        mem_free(gate);
    }
    return next;
}

/* Everything that is due at this moment. *next_ns: when something is due again. */
static arc_status settle(struct sim_life *life, int64_t *next_ns, arc_err *err)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        int told = 0;
        *next_ns = INT64_MAX;
        arc_status status = arc_ctl_dispatch(life->ctl, 0, err);
        if (status != ARC_OK)
            return status;
        told |= take_events(life, err);
        if (life->result != 0)
            return ARC_OK;
        for (size_t i = 0; i < life->agent_count; i++) {
            told |= sim_agent_listen(&life->agents[i]);
            int64_t next = sim_agent_tick(&life->agents[i]);
            *next_ns = next < *next_ns ? next : *next_ns;
        }
        int64_t next = tick_gates(life);
        *next_ns = next < *next_ns ? next : *next_ns;
        int wait_ms = arc_ctl_timeout_ms(life->ctl);
        if (wait_ms > 0 && life->now_ns + wait_ms * NS_PER_MS < *next_ns)
            *next_ns = life->now_ns + wait_ms * NS_PER_MS;
        if (!told && wait_ms != 0)
            return ARC_OK;
    }
    broke(life, "The engine does not come to rest.");
    *next_ns = INT64_MAX;
    return ARC_OK;
}

static arc_status live(struct sim_life *life, arc_err *err)
{
    int64_t next_ns = 0;
    arc_status status = settle(life, &next_ns, err);
    while (status == ARC_OK && life->result == 0 && next_ns <= life->rules->give_up_ns) {
        life->now_ns = next_ns > life->now_ns ? next_ns : life->now_ns + 1;
        status = settle(life, &next_ns, err);
    }
    return status;
}

/* --- its beginning and its end --------------------------------------------------------------- */

static arc_status begin(struct sim_life *life, const arc_env *env, arc_err *err)
{
    const struct sim_rules *rules = life->rules;
    char token[ARC_TOKEN_SIZE];
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_sub_options sub = ARC_SUB_OPTIONS_INIT;
    options.env = env;
    options.store_url = "mem:";
    arc_status status = arc_ctl_open(&options, &life->ctl, err);
    if (status == ARC_OK)
        status = arc_ctl_token_new(life->ctl, "sim", 0, token, sizeof(token), err);
    for (size_t i = 0; status == ARC_OK && i < life->agent_count; i++) {
        struct sim_agent *agent = &life->agents[i];
        agent->life = life;
        agent->number = i + 1;
        agent->kind = i / (size_t)rules->agents;
        status = sim_agent_open(agent, token, err);
    }
    if (status == ARC_OK)
        status = arc_run_start(life->ctl, rules->spec, rules->run, life->run_id, err);
    sub.run_id = life->run_id;
    if (status == ARC_OK)
        status = arc_sub_open(life->ctl, &sub, &life->sub, err);
    return status;
}

static void check_end(struct sim_life *life)
{
    if (life->result == 0) {
        broke(life, "The run does not end.");
        return;
    }
    for (size_t i = 0; i < life->rules->job_count; i++) {
        if (!life->marks[i].ended)
            broke(life, "The run has ended, and job %s has not.", life->rules->jobs[i]);
    }
}

static void end(struct sim_life *life)
{
    for (size_t i = 0; i < life->agent_count; i++)
        sim_agent_close(&life->agents[i]);
    arc_sub_close(life->sub);
    arc_ctl_close(life->ctl);
    while (life->gates != NULL) {
        struct sim_gate *gate = life->gates;
        life->gates = gate->next;
        mem_free(gate->name);
        mem_free(gate);
    }
    mem_free(life->agents);
    mem_free(life->marks);
    mem_free(life->starts);
}

int sim_live(struct sim_life *life)
{
    const struct sim_rules *rules = life->rules;
    arc_env env = ARC_ENV_INIT;
    arc_err err = ARC_ERR_INIT;
    env.user = life;
    env.now_ns = now_ns;
    env.wall_ns = wall_ns;
    env.random = fill_random;
    life->random = life->seed;
    life->ids = ~life->seed;
    life->digest = UINT64_C(0xcbf29ce484222325);
    life->agent_count = rules->kind_count * (size_t)rules->agents;
    life->agents = mem_new(life->agent_count * sizeof(*life->agents));
    life->marks = mem_new(rules->job_count * sizeof(*life->marks));
    arc_status status = begin(life, &env, &err);
    if (status == ARC_OK)
        status = live(life, &err);
    if (status == ARC_OK)
        check_end(life);
    end(life);
    if (status == ARC_OK)
        return EXIT_OK;
    cli_fail("%s", err.message);
    return status == ARC_EINVAL ? EXIT_USAGE : EXIT_FAILED;
}
