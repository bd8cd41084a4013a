/* SPDX-License-Identifier: Apache-2.0 */
/* Servers: the real engine, of which several may share a store, and what befalls them. */
#include <stdlib.h>
#include <string.h>

#include "front.h"
#include "logs/mem.h"
#include "shadow.h"

#define MEMORY_BOUND ((uint64_t)192 * 1024 * 1024)
#define REST_MAX 400
#define WALL_BASE_NS (INT64_C(1700000000) * ARC_NS_PER_S)

struct arc_now server_now(const struct server *server)
{
    return (struct arc_now){server->sim->now_ns + server->mono_base,
                            (int64_t)server->sim->now_ns + server->wall_base};
}

void server_trouble_now(struct sim *sim)
{
    sim->trouble_ns = sim->now_ns;
}

/* --- memory ---------------------------------------------------------------------------------- */

struct block {
    size_t size, unused;
};

static void *counted(void *user, void *ptr, size_t size)
{
    struct server *server = user;
    struct sim *sim = server->sim;
    struct block *old = ptr != NULL ? (struct block *)ptr - 1 : NULL;
    size_t before = old != NULL ? old->size : 0;
    if (size == 0) {
        sim->live_bytes -= before;
        sim->live_allocations -= old != NULL;
        free(old);
        return NULL;
    }
    if (server->squeeze_until_ns > sim->now_ns && !sim->healing && chance(&server->dice, 4)) {
        reached(sim, GOAL_NO_MEMORY);
        server_trouble_now(sim);
        return NULL;
    }
    struct block *block = realloc(old, sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    block->size = size;
    sim->live_bytes += size - before;
    sim->live_allocations += old == NULL;
    if (sim->live_bytes > sim->most_bytes)
        sim->most_bytes = sim->live_bytes;
    if (sim->live_bytes > MEMORY_BOUND)
        broke(sim, INV_I15, "%llu bytes are allocated", (unsigned long long)sim->live_bytes);
    return block + 1;
}

/* --- its life -------------------------------------------------------------------------------- */

static int fill_random(void *user, void *buf, size_t len)
{
    struct server *server = user;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t z = dice_next(&server->random);
        memcpy((uint8_t *)buf + i, &z, len - i < 8 ? len - i : 8);
    }
    return 0;
}

/* An error in the log is what the engine finds wrong with itself. */
static void hear_log(void *user, int level, const char *scope, const char *text)
{
    struct server *server = user;
    struct sim *sim = server->sim;
    sim_trace(sim, "log %d %s: %.80s", level, scope, text);
    sim_no_secret(sim, arc__slice_cstr(text), "the server's own log");
    if (level <= ARC_LOG_ERROR && server->squeeze_until_ns <= sim->now_ns)
        broke(sim, INV_I16, "the engine says of itself: %.160s", text);
    if (strstr(text, "has taken over") != NULL)
        reached(sim, GOAL_TAKEN_OVER);
}

static arc_status open_base(struct sim *sim, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct sim_store *store = sim->plan.store;
    return store == NULL ? arc__store_mem_open(&mem, &sim->base, err)
                         : store->open(store, &sim->base, err);
}

static struct arc_engine_options options_of(struct server *server, struct arc_log_store *logs)
{
    struct sim *sim = server->sim;
    return (struct arc_engine_options){
        .mem = server->mem,
        .store = server->front,
        .logs = logs,
        .random = fill_random,
        .random_user = server,
        .log = hear_log,
        .log_user = server,
        .rules = {.lease_ttl_ns = TTL_NS,
                  .stop_grace_ns = SECONDS(10),
                  .stop_settle_ns = SECONDS(30),
                  .lost_retries_max = 3},
        .heartbeat_ns = SECONDS(10),
        .runs_max = sim->fault[FAULT_FEW_RUNS] ? 1 + sim->fault[FAULT_FEW_RUNS] : 1000,
        .agents_approved = 1,
        .shared = is_shared(sim),
        .replica_name = server->name,
        .replica_lease_ns = REPLICA_LEASE_NS,
    };
}

static void start(struct server *server)
{
    struct sim *sim = server->sim;
    arc_err err = ARC_ERR_INIT;
    free(server->front);
    server->front = front_new(server);
    struct arc_log_store *logs = front_logs_new(server);
    struct arc_engine_options options = options_of(server, logs);
    server->recovering = 1;
    server->compared = 0;
    server->starts++;
    for (uint32_t i = 0; i < sim->agent_count; i++)
        sim->agents[i].lives_heard[server->number] = 0;
    server_trouble_now(sim);
    sim_trace(sim, is_shared(sim) ? "server %u starts" : "server starts", server->number);
    arc_status status = arc__engine_open(&options, server_now(server), &server->engine, &err);
    if (status != ARC_OK) {
        sim_trace(sim, "server does not start: %d %s", (int)status, err.subject);
        free(logs);
        server->engine = NULL;
        server_crash(server, "cannot start");
        return;
    }
    if (server->crash_due)
        server_crash(server, "while it opened");
    else
        watchers_open(server);
}

int server_open(struct sim *sim)
{
    struct arc_mem mem = arc__mem_default();
    arc_err err = ARC_ERR_INIT;
    int up = 1;
    sim->server_count = sim->plan.replicas > 1 ? sim->plan.replicas : 1;
    sim->server = &sim->servers[0];
    if (open_base(sim, &err) != ARC_OK || arc__logs_mem_open(&mem, &sim->logs, &err) != ARC_OK)
        return 0;
    for (uint32_t i = 0; i < sim->server_count; i++) {
        struct server *server = &sim->servers[i];
        server->sim = sim;
        server->number = i;
        server->mono_base = UINT64_C(5000) * 1000000000 * (i + 1);
        server->wall_base = WALL_BASE_NS;
        server->mem = (struct arc_mem){server, counted};
        if (sim->fault[FAULT_NAMED])
            (void)snprintf(server->name, sizeof(server->name), "s%u", i);
        start(server);
        up &= server->engine != NULL;
    }
    return up;
}

static void end_engine(struct server *server)
{
    struct sim *sim = server->sim;
    agents_forget_sessions(server, server->engine != NULL);
    watchers_close(server);
    arc__engine_close(server->engine);
    server->engine = NULL;
    for (size_t i = 0; i < CALLS_MAX; i++)
        sim->calls[i].in_use &= sim->calls[i].server != server;
    memset(server->held, 0, sizeof(server->held));
    server->silent_until_ns = server->away_until_ns = 0;
}

void server_crash(struct server *server, const char *why)
{
    struct sim *sim = server->sim;
    if (is_shared(sim))
        sim_trace(sim, "server %u dies: %s", server->number, why);
    else
        sim_trace(sim, "server dies: %s", why);
    end_engine(server);
    server->crash_due = 0;
    server_trouble_now(sim);
    if (sim->plan.store != NULL) {
        arc_err err = ARC_ERR_INIT;
        if (sim->plan.store->reopen(sim->plan.store, &sim->base, &err) != ARC_OK)
            broke(sim, INV_I16, "the database does not open again: %s", err.message);
    }
    if (faulty(sim, FAULT_REBOOT, &server->dice, 300))
        server->mono_base = (uint64_t)SECONDS(3 + roll(&server->dice, 60)) - sim->now_ns;
    uint64_t away = sim->healing ? 1 : 1 + roll(&server->dice, 2500);
    if (!sim->healing && chance(&server->dice, 150))
        away += (uint64_t)roll(&server->dice, 50000);
    server->restart_ns = sim->now_ns + away * 1000000;
    sim_at(sim, server->restart_ns, HAPPEN_RESTART, server->number);
}

void server_restart(struct sim *sim, uint32_t number)
{
    struct server *server = &sim->servers[number];
    if (server->engine == NULL && server->restart_ns <= sim->now_ns)
        start(server);
}

void server_close(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->server_count; i++) {
        end_engine(&sim->servers[i]);
        free(sim->servers[i].front);
    }
    if (sim->plan.store != NULL)
        sim->plan.store->close(sim->plan.store, sim->base);
    else if (sim->base != NULL)
        sim->base->ops->close(sim->base);
    if (sim->logs != NULL)
        sim->logs->ops->close(sim->logs);
    if (sim->live_allocations != 0)
        broke(sim, INV_I15, "%lld allocations were not freed", (long long)sim->live_allocations);
}

int server_awake(const struct server *server)
{
    return server->engine != NULL && server->silent_until_ns <= server->sim->now_ns;
}

int server_is_ready(const struct server *server)
{
    return server_awake(server) && arc__engine_health(server->engine, NULL) == ARC_OK;
}

int server_ready(const struct sim *sim)
{
    int any = 0;
    for (uint32_t i = 0; i < sim->server_count; i++)
        any |= server_is_ready(&sim->servers[i]);
    return any;
}

int servers_ready(const struct sim *sim)
{
    int all = 1;
    for (uint32_t i = 0; i < sim->server_count; i++)
        all &= server_is_ready(&sim->servers[i]);
    return all;
}

static uint64_t deadline_of(const struct server *server)
{
    if (!server_awake(server))
        return UINT64_MAX;
    uint64_t at = arc__engine_deadline(server->engine);
    if (at == UINT64_MAX)
        return at;
    int64_t virtual_ns = (int64_t)(at - server->mono_base);
    return at > 0 && virtual_ns > 0 ? (uint64_t)virtual_ns : 0;
}

static int has_ready_calls(const struct server *server)
{
    int any = server->notified != 0;
    for (uint32_t i = 0; i < HELD_CALLS_MAX; i++)
        any |= server->held[i].in_use && server->held[i].ready;
    return any;
}

uint64_t server_deadline(const struct sim *sim)
{
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < sim->server_count; i++) {
        const struct server *server = &sim->servers[i];
        uint64_t at = deadline_of(server);
        if (is_shared(sim) && server_awake(server) && has_ready_calls(server))
            at = 0;
        first = at < first ? at : first;
    }
    return first;
}

static void pump(struct server *server)
{
    for (uint32_t i = 0; i < server->sim->agent_count; i++) {
        if (server->sim->agents[i].channels[server->number].due)
            agent_pump(server, i);
    }
}

/* One turn. 1: there is more to do now. */
static int turn_once(struct server *server)
{
    struct sim *sim = server->sim;
    arc_err err = ARC_ERR_INIT;
    if (!server_awake(server))
        return 0;
    sim->server = server;
    uint32_t budget = sim->fault[FAULT_TINY] && !sim->healing ? 1 : 1000;
    arc_status status = arc__engine_dispatch(server->engine, server_now(server), budget, &err);
    if (server->crash_due || status != ARC_OK) {
        server_crash(server, status == ARC_OK ? "at the store" : "its dispatch failed");
        return 0;
    }
    pump(server);
    if (deadline_of(server) <= sim->now_ns || has_ready_calls(server))
        return 1;
    if (server->recovering && server_is_ready(server)) {
        server->recovering = 0;
        shadow_compare(sim->shadow);
        if (shadow_in_hand(sim->shadow))
            reached(sim, GOAL_RECOVERED_OPEN);
    }
    return 0;
}

/* Turn by turn, in the order of the dice. Now and then one has to wait until something else has
 * happened: it is due still. */
static void share_turns(struct sim *sim)
{
    int more[REPLICAS_MAX];
    for (uint32_t i = 0; i < sim->server_count; i++)
        more[i] = sim->healing || !chance(&sim->turn_dice, 250);
    for (uint32_t i = 0; i < REST_MAX * sim->server_count; i++) {
        uint32_t at = roll(&sim->turn_dice, sim->server_count), k = 0;
        while (k < sim->server_count && !more[(at + k) % sim->server_count])
            k++;
        if (k == sim->server_count)
            return;
        at = (at + k) % sim->server_count;
        more[at] = turn_once(&sim->servers[at]);
    }
    broke(sim, INV_I15, "the engines do not come to rest");
}

void server_turn(struct sim *sim)
{
    if (is_shared(sim)) {
        share_turns(sim);
        return;
    }
    for (int i = 0; i < REST_MAX; i++) {
        if (!turn_once(&sim->servers[0]))
            return;
    }
    broke(sim, INV_I15, "the engine does not come to rest");
}

/* One after the other is cut off, and they come back in another order. */
static void swizzle(struct sim *sim)
{
    struct dice *dice = &sim->trouble_dice;
    for (uint32_t i = 0; i < sim->agent_count; i++) {
        struct agent_sim *agent = &sim->agents[i];
        if (roll(dice, 3) == 0)
            continue;
        agent->cut_in_until_ns = sim->now_ns + (uint64_t)SECONDS(1 + roll(dice, 40));
        agent->cut_out_until_ns = sim->now_ns + (uint64_t)SECONDS(1 + roll(dice, 40));
    }
    sim_trace(sim, "agents are cut off");
}

/* What befalls one of several: it stands still and knows nothing of it, or has no way to the store.
 */
static void befall_replica(struct server *server)
{
    struct sim *sim = server->sim;
    struct dice *dice = &sim->trouble_dice;
    uint64_t away = (uint64_t)SECONDS(1 + roll(dice, 8));
    if (!server_awake(server))
        return;
    if (faulty(sim, FAULT_SILENCE, dice, 8)) {
        if (roll(dice, 2))
            away += (uint64_t)SECONDS(4 + roll(dice, 50));
        server->silent_until_ns = sim->now_ns + away;
        sim_trace(sim, "server %u stands still", server->number);
        server_trouble_now(sim);
        sim_at(sim, server->silent_until_ns, HAPPEN_WAKE, server->number);
    } else if (faulty(sim, FAULT_ASTRAY, dice, 8)) {
        if (roll(dice, 2))
            away += (uint64_t)SECONDS(4 + roll(dice, 30));
        server->away_until_ns = sim->now_ns + away;
        sim_trace(sim, "server %u has lost its way to the store", server->number);
        server_trouble_now(sim);
    }
}

void server_wake(struct sim *sim, uint32_t number)
{
    struct server *server = &sim->servers[number];
    if (server->engine == NULL || server->silent_until_ns > sim->now_ns)
        return; /* it died since */
    sim_trace(sim, "server %u goes on", number);
    server_trouble_now(sim);
}

void servers_heal(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->server_count; i++) {
        struct server *server = &sim->servers[i];
        front_heal(server);
        if (server->silent_until_ns <= sim->now_ns)
            continue;
        server->silent_until_ns = sim->now_ns;
        sim_at(sim, sim->now_ns, HAPPEN_WAKE, i);
    }
}

static void befall(struct server *server)
{
    struct sim *sim = server->sim;
    struct dice *dice = &sim->trouble_dice;
    if (faulty(sim, FAULT_CRASH_ANY, dice, 8) && server->engine != NULL)
        server_crash(server, "between two turns");
    if (faulty(sim, FAULT_WALL_JUMP, dice, 10)) {
        int64_t off = (int64_t)roll(dice, 3000) - 1500;
        server->wall_base = WALL_BASE_NS + SECONDS(off);
        sim->jumps++;
        sim_trace(sim, "wall clock is off by %lld s", (long long)off);
    }
    if (faulty(sim, FAULT_SQUEEZE, dice, 15))
        server->squeeze_until_ns = sim->now_ns + (uint64_t)SECONDS(1 + roll(dice, 5));
}

void server_trouble(struct sim *sim)
{
    if (faulty(sim, FAULT_SWIZZLE, &sim->trouble_dice, 6))
        swizzle(sim);
    for (uint32_t i = 0; i < sim->server_count; i++) {
        befall(&sim->servers[i]);
        if (is_shared(sim))
            befall_replica(&sim->servers[i]);
    }
}

void server_pick(struct sim *sim, struct dice *dice)
{
    if (!is_shared(sim))
        return;
    uint32_t at = roll(dice, sim->server_count);
    for (uint32_t i = 0; i < sim->server_count; i++) {
        sim->server = &sim->servers[(at + i) % sim->server_count];
        if (server_awake(sim->server))
            return;
    }
}

/* --- calls ----------------------------------------------------------------------------------- */

static void call_done(void *user, const struct arc_answer *answer)
{
    struct call *call = user;
    struct sim *sim = call->sim;
    sim->server = call->server;
    call->times++;
    call->status = answer->status;
    call->in_use = 0;
    call->cmd = NULL;
    (void)arc__slice_to_cstr(answer->id, call->id, sizeof(call->id));
    (void)arc__slice_to_cstr(answer->secret, call->secret, sizeof(call->secret));
    sim_trace(sim, "answer %u: %d %.27s", call->number, (int)answer->status, call->id);
    if (answer->status != ARC_OK && answer->err != NULL)
        sim_no_secret(sim, arc__slice_cstr(answer->err->message), "an answer");
    if (call->command != NULL)
        people_answered(call, answer);
    else if (call->message.kind != MSG_NONE)
        agent_answered(call, answer);
}

struct call *call_new(struct sim *sim, enum arc_cmd_kind kind)
{
    struct server *server = sim->server;
    if (!server_awake(server))
        return NULL;
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        struct call *call = &sim->calls[i];
        if (call->in_use)
            continue;
        *call = (struct call){.sim = sim, .server = server, .in_use = 1, .number = i};
        call->cmd = arc__cmd_new(server->engine, kind);
        if (call->cmd == NULL) {
            call->in_use = 0;
            return NULL;
        }
        call->cmd->principal.kind = ARC_PRINCIPAL_HOST;
        return call;
    }
    return NULL;
}

arc_slice call_text(struct call *call, const char *text)
{
    return arc__arena_copy(&call->cmd->arena, arc__slice_cstr(text));
}

void call_submit(struct call *call)
{
    struct arc_cmd *cmd = call->cmd;
    if (arc__engine_submit(call->server->engine, cmd, call_done, call, NULL) != ARC_OK)
        call->in_use = 0;
}

void call_wait(struct call *call)
{
    if (call == NULL)
        return;
    call_submit(call);
    server_turn(call->sim);
    if (call->times != 1 || call->status != ARC_OK)
        broke(call->sim, INV_I7, "the world could not be built");
}

/* --- what it leaves behind ------------------------------------------------------------------- */

struct hashed {
    struct sim *sim;
    enum arc_table table;
};

static void mix_bytes(struct sim *sim, const void *bytes, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ len;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    sim->rows_hash = dice_mix(sim->rows_hash ^ hash) + 1;
}

static void hash_rows(void *user, arc_status status, const struct arc_rows *rows,
                      const arc_err *err)
{
    const struct hashed *hashed = user;
    struct sim *sim = hashed->sim;
    const struct arc_table_def *def = arc__table_def(hashed->table);
    if (status != ARC_OK) {
        broke(sim, INV_I16, "the rows of t_%s cannot be read: %s", def->name, err->message);
        return;
    }
    sim->row_count += rows->count;
    for (size_t i = 0; i < rows->count * def->col_count; i++) {
        const struct arc_col_def *col = &def->cols[i % def->col_count];
        const char *field =
            (const char *)rows->rows + i / def->col_count * def->row_size + col->offset;
        arc_slice text;
        if (col->type == ARC_COL_INT) {
            mix_bytes(sim, field, sizeof(int64_t));
            continue;
        }
        memcpy(&text, field, sizeof(text));
        mix_bytes(sim, text.ptr, text.len);
    }
}

void server_hash_rows(struct sim *sim)
{
    struct arc_mem mem = arc__mem_default();
    for (int table = 0; table < ARC_TABLE_COUNT; table++) {
        struct hashed hashed = {sim, (enum arc_table)table};
        struct arc_query query = {.table = hashed.table, .order_col = -1};
        struct arc_arena arena;
        arc_err err = ARC_ERR_INIT;
        arc__arena_init(&arena, &mem, (size_t)256 * 1024 * 1024);
        if (front_query_now(sim, &query, &arena, hash_rows, &hashed, &err) != ARC_OK)
            hash_rows(&hashed, err.status, NULL, &err);
        arc__arena_deinit(&arena);
    }
}
