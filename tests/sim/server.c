/* SPDX-License-Identifier: Apache-2.0 */
/* The server: the real engine, and in front of its store a layer that fails on purpose. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "logs/mem.h"
#include "shadow.h"

#define MEMORY_BOUND ((uint64_t)192 * 1024 * 1024)
#define REST_MAX 400
#define WALL_BASE_NS (INT64_C(1700000000) * ARC_NS_PER_S)

/* What becomes of a call to the store. */
enum store_outcome {
    OUTCOME_DONE,
    OUTCOME_BUSY,
    OUTCOME_CONFLICT,
    OUTCOME_FULL,
    OUTCOME_IO,
    OUTCOME_UNKNOWN_DONE, /* it happens, and is said to have failed */
    OUTCOME_UNKNOWN_LOST,
    OUTCOME_CRASH_BEFORE,
    OUTCOME_CRASH_AFTER,
};

static const struct {
    arc_status status;
    int happens;
} outcomes[] = {
    [OUTCOME_DONE] = {ARC_OK, 1},
    [OUTCOME_BUSY] = {ARC_EUNAVAILABLE, 0},
    [OUTCOME_CONFLICT] = {ARC_ECONFLICT, 0},
    [OUTCOME_FULL] = {ARC_ELIMIT, 0},
    [OUTCOME_IO] = {ARC_EIO, 0},
    [OUTCOME_UNKNOWN_DONE] = {ARC_EUNAVAILABLE, 1},
    [OUTCOME_UNKNOWN_LOST] = {ARC_EUNAVAILABLE, 0},
    [OUTCOME_CRASH_BEFORE] = {ARC_ECANCELLED, 0},
    [OUTCOME_CRASH_AFTER] = {ARC_ECANCELLED, 1},
};

struct front {
    struct arc_store store;
    struct sim *sim;
    int closed; /* it outlives its engine */
};

static struct sim *sim_of(struct arc_store *store)
{
    return ((struct front *)(void *)store)->sim;
}

struct arc_now server_now(const struct sim *sim)
{
    return (struct arc_now){sim->now_ns + sim->server.mono_base,
                            (int64_t)sim->now_ns + sim->server.wall_base};
}

/* --- the store in front -------------------------------------------------------------------- */

static void trouble(struct sim *sim)
{
    sim->server.trouble_ns = sim->now_ns;
}

static int commit_outcome(struct sim *sim)
{
    struct dice *dice = &sim->server.store_dice;
    static const struct {
        enum fault fault;
        uint32_t per_mille;
        int outcome, or ;
    } rows[] = {
        {FAULT_CRASH_BEFORE, 3, OUTCOME_CRASH_BEFORE, OUTCOME_CRASH_BEFORE},
        {FAULT_CRASH_AFTER, 3, OUTCOME_CRASH_AFTER, OUTCOME_CRASH_AFTER},
        {FAULT_STORE_IO, 2, OUTCOME_IO, OUTCOME_IO},
        {FAULT_STORE_UNKNOWN, 10, OUTCOME_UNKNOWN_DONE, OUTCOME_UNKNOWN_LOST},
        {FAULT_STORE_CONFLICT, 8, OUTCOME_CONFLICT, OUTCOME_CONFLICT},
        {FAULT_STORE_BUSY, 15, OUTCOME_BUSY, OUTCOME_BUSY},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        if (faulty(sim, rows[i].fault, dice, rows[i].per_mille))
            return roll(dice, 2) ? rows[i].outcome : rows[i].or ;
    }
    if (faulty(sim, FAULT_STORE_FULL, dice, 3))
        sim->server.full_until_ns = sim->now_ns + (uint64_t)SECONDS(1 + roll(dice, 10));
    return sim->server.full_until_ns > sim->now_ns && !sim->healing ? OUTCOME_FULL : OUTCOME_DONE;
}

static void note_outcome(struct sim *sim, int outcome)
{
    static const int goals[] = {[OUTCOME_DONE] = -1,
                                [OUTCOME_BUSY] = -1,
                                [OUTCOME_CONFLICT] = GOAL_CONFLICT,
                                [OUTCOME_FULL] = GOAL_FULL,
                                [OUTCOME_IO] = GOAL_IO,
                                [OUTCOME_UNKNOWN_DONE] = GOAL_UNKNOWN_DONE,
                                [OUTCOME_UNKNOWN_LOST] = GOAL_UNKNOWN_LOST,
                                [OUTCOME_CRASH_BEFORE] = GOAL_CRASH_BEFORE,
                                [OUTCOME_CRASH_AFTER] = GOAL_CRASH_AFTER};
    if (goals[outcome] >= 0)
        reached(sim, (enum goal)goals[outcome]);
    if (outcome != OUTCOME_DONE)
        trouble(sim);
}

struct caught {
    int done;
    arc_status status;
    arc_err err;
    struct arc_rows rows;
};

static void catch_commit(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct caught *caught = user;
    (void)shift; /* nobody else writes there */
    caught->done = 1;
    caught->status = status;
    if (err != NULL)
        caught->err = *err;
}

static void catch_query(void *user, arc_status status, const struct arc_rows *rows,
                        const arc_err *err)
{
    struct caught *caught = user;
    catch_commit(caught, status, 0, err);
    if (rows != NULL)
        caught->rows = *rows;
}

/* A store that asks a server is waited for, while virtual time stands still: for the engine it is
 * as quick as memory. */
static arc_status await(struct sim *sim, struct caught *caught)
{
    struct arc_store *base = sim->server.base;
    while (!caught->done) {
        arc_err ignored = ARC_ERR_INIT;
        (void)base->ops->dispatch(base, &ignored); /* the answer says whether it went well */
        if (!caught->done)
            sim->plan.store->wait(base->ops->fd(base), base->ops->timeout_ms(base));
    }
    return caught->status;
}

static arc_status really_commit(struct sim *sim, const struct arc_store_batch *batch,
                                uint64_t decided_ns, arc_err *err)
{
    struct caught caught = {.err = ARC_ERR_INIT};
    struct arc_store *base = sim->server.base;
    arc_status status = base->ops->commit(base, batch, catch_commit, &caught, &caught.err);
    if (status == ARC_OK)
        status = await(sim, &caught);
    *err = caught.err;
    sim_trace(sim, "commit %zu: %d", batch->count, (int)status);
    if (status == ARC_OK)
        shadow_commit(sim->shadow, batch, decided_ns);
    if (status == ARC_OK && sim->plan.stored != NULL)
        sim->plan.stored(sim, batch);
    return status;
}

/* Who asked hears of it from here, not from the dispatch of the store: it may ask again at once. */
static arc_status really_query(struct sim *sim, const struct arc_query *query,
                               struct arc_arena *arena, arc_query_done done, void *user,
                               arc_err *err)
{
    struct caught caught = {.err = ARC_ERR_INIT};
    struct arc_store *base = sim->server.base;
    ARC_TRY(base->ops->query(base, query, arena, catch_query, &caught, err));
    arc_status status = await(sim, &caught);
    done(user, status, status == ARC_OK ? &caught.rows : NULL,
         status == ARC_OK ? NULL : &caught.err);
    return ARC_OK;
}

static void end_commit(struct sim *sim, struct held_call *call)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = outcomes[call->outcome].status;
    call->in_use = 0;
    if (outcomes[call->outcome].happens) {
        arc_status really = really_commit(sim, &call->batch, call->decided_ns, &err);
        status = really != ARC_OK ? really : status;
    }
    if (status != ARC_OK && err.message[0] == '\0')
        (void)arc__fail(&err, status, "store", "The store was told to fail.");
    call->commit_done(call->user, status, 0, status == ARC_OK ? NULL : &err);
}

static struct held_call *hold(struct sim *sim, uint32_t *number)
{
    for (uint32_t i = 0; i < HELD_CALLS_MAX; i++) {
        if (!sim->server.held[i].in_use) {
            *number = i;
            sim->server.held[i] = (struct held_call){.in_use = 1, .decided_ns = sim->now_ns};
            return &sim->server.held[i];
        }
    }
    broke(sim, INV_I15, "the engine has more than %d calls of the store open", HELD_CALLS_MAX);
    return NULL;
}

static int64_t store_delay(struct sim *sim)
{
    struct dice *dice = &sim->server.store_dice;
    if (!faulty(sim, FAULT_STORE_DELAY, dice, 60))
        return 0;
    trouble(sim);
    return (int64_t)(1 + roll(dice, 4000)) * 1000000;
}

static arc_status front_commit(struct arc_store *store, const struct arc_store_batch *batch,
                               arc_commit_done done, void *user, arc_err *err)
{
    struct sim *sim = sim_of(store);
    uint32_t number = 0;
    int outcome = commit_outcome(sim);
    int64_t delay = store_delay(sim);
    struct held_call *call = hold(sim, &number);
    if (call == NULL)
        return arc__fail(err, ARC_EUNAVAILABLE, "store", "Too many calls.");
    note_outcome(sim, outcome);
    call->batch_kind = 1;
    call->outcome = outcome;
    call->batch = *batch;
    call->commit_done = done;
    call->user = user;
    if (outcome == OUTCOME_CRASH_BEFORE || outcome == OUTCOME_CRASH_AFTER) {
        arc_err why = ARC_ERR_INIT;
        if (outcomes[outcome].happens)
            (void)really_commit(sim, batch, call->decided_ns, &why);
        sim->server.crash_due = 1;
        return ARC_OK;
    }
    if (delay == 0)
        end_commit(sim, call);
    else
        sim_at(sim, sim->now_ns + (uint64_t)delay, HAPPEN_STORE, number);
    return ARC_OK;
}

static arc_status front_query(struct arc_store *store, const struct arc_query *query,
                              struct arc_arena *arena, arc_query_done done, void *user,
                              arc_err *err)
{
    struct sim *sim = sim_of(store);
    struct dice *dice = &sim->server.store_dice;
    uint32_t number = 0;
    int64_t delay = store_delay(sim);
    if (sim->server.recovering && faulty(sim, FAULT_CRASH_AGAIN, dice, 20)) {
        reached(sim, GOAL_CRASH_RECOVERING);
        sim->server.crash_due = 1;
    }
    if (faulty(sim, FAULT_STORE_BUSY, dice, 15) && sim->server.engine != NULL) {
        trouble(sim);
        return arc__fail(err, ARC_EUNAVAILABLE, "store", "The store is away.");
    }
    if (delay == 0 && !sim->server.crash_due)
        return really_query(sim, query, arena, done, user, err);
    struct held_call *call = hold(sim, &number);
    if (call == NULL)
        return arc__fail(err, ARC_EUNAVAILABLE, "store", "Too many calls.");
    call->batch_kind = 2;
    call->query = *query;
    call->arena = arena;
    call->query_done = done;
    call->user = user;
    /* The texts of its filters live in rows of the engine that may go before it is answered. */
    for (size_t i = 0; i < query->filter_count; i++) {
        if (query->filters[i].text.len > 0)
            call->query.filters[i].text = arc__arena_copy(arena, query->filters[i].text);
    }
    if (arena->failed) { /* a question without its filters is another one */
        call->in_use = 0;
        return arc__fail_nomem(err);
    }
    if (!sim->server.crash_due)
        sim_at(sim, sim->now_ns + (uint64_t)delay, HAPPEN_STORE, number);
    return ARC_OK;
}

static int front_fd(struct arc_store *store)
{
    (void)store;
    return -1;
}

static int front_timeout_ms(struct arc_store *store)
{
    (void)store;
    return -1;
}

static arc_status front_dispatch(struct arc_store *store, arc_err *err)
{
    struct sim *sim = sim_of(store);
    for (uint32_t i = 0; i < HELD_CALLS_MAX; i++) {
        struct held_call call = sim->server.held[i];
        if (!call.in_use || !call.ready)
            continue;
        sim->server.held[i].in_use = 0;
        if (call.batch_kind == 1) {
            end_commit(sim, &call);
            continue;
        }
        arc_err why = ARC_ERR_INIT;
        arc_status status =
            really_query(sim, &call.query, call.arena, call.query_done, call.user, &why);
        if (status != ARC_OK)
            call.query_done(call.user, status, NULL, &why);
    }
    (void)err;
    return ARC_OK;
}

static arc_status front_health(struct arc_store *store, arc_err *err)
{
    (void)store;
    (void)err;
    return ARC_OK;
}

/* The end of the engine: what was held happens or not, and nobody hears how. */
static void front_close(struct arc_store *store)
{
    struct sim *sim = sim_of(store);
    arc_err err = ARC_ERR_INIT;
    (void)arc__fail(&err, ARC_ECANCELLED, "store", "The store is closed.");
    for (uint32_t i = 0; i < HELD_CALLS_MAX; i++) {
        struct held_call call = sim->server.held[i];
        if (!call.in_use)
            continue;
        sim->server.held[i].in_use = 0;
        int pending = call.batch_kind == 1 && call.outcome != OUTCOME_CRASH_AFTER &&
                      call.outcome != OUTCOME_CRASH_BEFORE && outcomes[call.outcome].happens;
        arc_err why = ARC_ERR_INIT;
        if (pending && roll(&sim->server.store_dice, 2)) /* it had been sent */
            (void)really_commit(sim, &call.batch, call.decided_ns, &why);
        if (call.batch_kind == 1)
            call.commit_done(call.user, ARC_ECANCELLED, 0, &err);
        else
            call.query_done(call.user, ARC_ECANCELLED, NULL, &err);
    }
}

static const struct arc_store_ops front_ops = {.size = sizeof(front_ops),
                                               .commit = front_commit,
                                               .query = front_query,
                                               .fd = front_fd,
                                               .timeout_ms = front_timeout_ms,
                                               .dispatch = front_dispatch,
                                               .health = front_health,
                                               .close = front_close};

void server_store_ready(struct sim *sim, uint32_t number)
{
    sim->server.held[number].ready = 1;
    trouble(sim);
}

/* --- logs that outlive their engine ---------------------------------------------------------- */

static struct arc_log_store *logs_under(struct arc_log_store *logs);

struct lasting_logs {
    struct arc_log_store logs;
    struct sim *sim;
};

static struct arc_log_store *logs_under(struct arc_log_store *logs)
{
    return ((struct lasting_logs *)(void *)logs)->sim->server.logs;
}

static arc_status lasting_append(struct arc_log_store *logs, arc_slice run_id,
                                 arc_slice step_run_id, struct arc_log_line *lines, size_t count,
                                 arc_err *err)
{
    struct sim *sim = ((struct lasting_logs *)(void *)logs)->sim;
    struct arc_log_store *under = sim->server.logs;
    if (faulty(sim, FAULT_LOG_FULL, &sim->server.store_dice, 60)) {
        reached(sim, GOAL_LOG_FULL);
        return arc__fail(err, ARC_EIO, "log", "The log store is full.");
    }
    arc_status status = under->ops->append(under, run_id, step_run_id, lines, count, err);
    if (status == ARC_OK)
        logs_appended(sim->shadow, run_id, step_run_id, lines, count);
    return status;
}

static arc_status lasting_info(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                               struct arc_log_info *out, arc_err *err)
{
    return logs_under(logs)->ops->info(logs_under(logs), run_id, step_run_id, out, err);
}

static arc_status lasting_read(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                               int64_t from, size_t limit, size_t max_bytes,
                               struct arc_arena *arena, struct arc_log_line **lines, size_t *count,
                               arc_err *err)
{
    return logs_under(logs)->ops->read(logs_under(logs), run_id, step_run_id, from, limit,
                                       max_bytes, arena, lines, count, err);
}

static void lasting_release(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id)
{
    logs_under(logs)->ops->release(logs_under(logs), run_id, step_run_id);
}

static arc_status lasting_remove(struct arc_log_store *logs, arc_slice run_id, arc_err *err)
{
    return logs_under(logs)->ops->remove_run(logs_under(logs), run_id, err);
}

static void lasting_close(struct arc_log_store *logs)
{
    free(logs);
}

static const struct arc_log_store_ops lasting_ops = {
    sizeof(lasting_ops), lasting_append, lasting_info, lasting_read,
    lasting_release,     lasting_remove, lasting_close};

/* --- memory ---------------------------------------------------------------------------------- */

struct block {
    size_t size, unused;
};

static void *counted(void *user, void *ptr, size_t size)
{
    struct sim *sim = user;
    struct block *old = ptr != NULL ? (struct block *)ptr - 1 : NULL;
    size_t before = old != NULL ? old->size : 0;
    if (size == 0) {
        sim->live_bytes -= before;
        sim->live_allocations -= old != NULL;
        free(old);
        return NULL;
    }
    if (sim->server.squeeze_until_ns > sim->now_ns && !sim->healing &&
        chance(&sim->server.dice, 4)) {
        reached(sim, GOAL_NO_MEMORY);
        trouble(sim);
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
    struct sim *sim = user;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t z = dice_next(&sim->server.random);
        memcpy((uint8_t *)buf + i, &z, len - i < 8 ? len - i : 8);
    }
    return 0;
}

/* An error in the log is what the engine finds wrong with itself. */
static void hear_log(void *user, int level, const char *scope, const char *text)
{
    struct sim *sim = user;
    sim_trace(sim, "log %d %s: %.80s", level, scope, text);
    sim_no_secret(sim, arc__slice_cstr(text), "the server's own log");
    if (level <= ARC_LOG_ERROR && sim->server.squeeze_until_ns <= sim->now_ns)
        broke(sim, INV_I16, "the engine says of itself: %.160s", text);
}

static arc_status open_base(struct sim *sim, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct sim_store *store = sim->plan.store;
    return store == NULL ? arc__store_mem_open(&mem, &sim->server.base, err)
                         : store->open(store, &sim->server.base, err);
}

static void start(struct sim *sim)
{
    struct server *server = &sim->server;
    struct front *front = malloc(sizeof(*front));
    struct lasting_logs *logs = malloc(sizeof(*logs));
    arc_err err = ARC_ERR_INIT;
    *front = (struct front){{&front_ops}, sim, 0};
    *logs = (struct lasting_logs){{&lasting_ops}, sim};
    free(server->front);
    server->front = &front->store;
    struct arc_engine_options options = {
        .mem = sim->mem,
        .store = &front->store,
        .logs = &logs->logs,
        .random = fill_random,
        .random_user = sim,
        .log = hear_log,
        .log_user = sim,
        .rules = {.lease_ttl_ns = TTL_NS,
                  .stop_grace_ns = SECONDS(10),
                  .stop_settle_ns = SECONDS(30),
                  .lost_retries_max = 3},
        .heartbeat_ns = SECONDS(10),
        .runs_max = sim->fault[FAULT_FEW_RUNS] ? 1 + sim->fault[FAULT_FEW_RUNS] : 1000,
        .agents_approved = 1,
    };
    server->recovering = 1;
    server->compared = 0;
    server->starts++;
    for (uint32_t i = 0; i < sim->agent_count; i++)
        sim->agents[i].lives_heard = 0;
    trouble(sim);
    sim_trace(sim, "server starts");
    arc_status status = arc__engine_open(&options, server_now(sim), &server->engine, &err);
    if (status != ARC_OK) {
        sim_trace(sim, "server does not start: %d %s", (int)status, err.subject);
        free(logs);
        server->engine = NULL;
        server_crash(sim, "cannot start");
        return;
    }
    if (server->crash_due)
        server_crash(sim, "while it opened");
    else
        watchers_open(sim);
}

int server_open(struct sim *sim)
{
    struct server *server = &sim->server;
    struct arc_mem mem = arc__mem_default();
    arc_err err = ARC_ERR_INIT;
    server->mono_base = UINT64_C(5000) * 1000000000;
    server->wall_base = WALL_BASE_NS;
    sim->mem = (struct arc_mem){sim, counted};
    if (open_base(sim, &err) != ARC_OK || arc__logs_mem_open(&mem, &server->logs, &err) != ARC_OK)
        return 0;
    start(sim);
    return server->engine != NULL;
}

static void end_engine(struct sim *sim)
{
    agents_forget_sessions(sim, sim->server.engine != NULL);
    watchers_close(sim);
    arc__engine_close(sim->server.engine);
    sim->server.engine = NULL;
    for (size_t i = 0; i < CALLS_MAX; i++)
        sim->calls[i].in_use = 0;
    memset(sim->server.held, 0, sizeof(sim->server.held));
}

void server_crash(struct sim *sim, const char *why)
{
    struct server *server = &sim->server;
    sim_trace(sim, "server dies: %s", why);
    end_engine(sim);
    server->crash_due = 0;
    trouble(sim);
    if (sim->plan.store != NULL) {
        arc_err err = ARC_ERR_INIT;
        if (sim->plan.store->reopen(sim->plan.store, &server->base, &err) != ARC_OK)
            broke(sim, INV_I16, "the database does not open again: %s", err.message);
    }
    if (faulty(sim, FAULT_REBOOT, &server->dice, 300))
        server->mono_base = (uint64_t)SECONDS(3 + roll(&server->dice, 60)) - sim->now_ns;
    uint64_t away = sim->healing ? 1 : 1 + roll(&server->dice, 2500);
    if (!sim->healing && chance(&server->dice, 150))
        away += (uint64_t)roll(&server->dice, 50000);
    server->restart_ns = sim->now_ns + away * 1000000;
    sim_at(sim, server->restart_ns, HAPPEN_RESTART, 0);
}

void server_restart(struct sim *sim)
{
    if (sim->server.engine == NULL && sim->server.restart_ns <= sim->now_ns)
        start(sim);
}

void server_close(struct sim *sim)
{
    struct server *server = &sim->server;
    end_engine(sim);
    if (sim->plan.store != NULL)
        sim->plan.store->close(sim->plan.store, server->base);
    else if (server->base != NULL)
        server->base->ops->close(server->base);
    if (server->logs != NULL)
        server->logs->ops->close(server->logs);
    free(server->front);
    if (sim->live_allocations != 0)
        broke(sim, INV_I15, "%lld allocations were not freed", (long long)sim->live_allocations);
}

int server_ready(const struct sim *sim)
{
    return sim->server.engine != NULL && arc__engine_health(sim->server.engine, NULL) == ARC_OK;
}

uint64_t server_deadline(const struct sim *sim)
{
    if (sim->server.engine == NULL)
        return UINT64_MAX;
    uint64_t at = arc__engine_deadline(sim->server.engine);
    if (at == UINT64_MAX)
        return at;
    int64_t virtual_ns = (int64_t)(at - sim->server.mono_base);
    return at > 0 && virtual_ns > 0 ? (uint64_t)virtual_ns : 0;
}

static int has_ready_calls(const struct sim *sim)
{
    int any = 0;
    for (uint32_t i = 0; i < HELD_CALLS_MAX; i++)
        any |= sim->server.held[i].in_use && sim->server.held[i].ready;
    return any;
}

static void pump(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->agent_count; i++) {
        if (sim->agents[i].session_due)
            agent_pump(sim, i);
    }
}

void server_turn(struct sim *sim)
{
    struct server *server = &sim->server;
    for (int i = 0; i < REST_MAX; i++) {
        arc_err err = ARC_ERR_INIT;
        if (server->engine == NULL)
            return;
        uint32_t budget = sim->fault[FAULT_TINY] && !sim->healing ? 1 : 1000;
        arc_status status = arc__engine_dispatch(server->engine, server_now(sim), budget, &err);
        if (server->crash_due || status != ARC_OK) {
            server_crash(sim, status == ARC_OK ? "at the store" : "its dispatch failed");
            return;
        }
        pump(sim);
        if (server_deadline(sim) > sim->now_ns && !has_ready_calls(sim)) {
            if (server->recovering && server_ready(sim)) {
                server->recovering = 0;
                shadow_compare(sim->shadow);
                if (shadow_in_hand(sim->shadow))
                    reached(sim, GOAL_RECOVERED_OPEN);
            }
            return;
        }
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

void server_trouble(struct sim *sim)
{
    struct server *server = &sim->server;
    struct dice *dice = &sim->trouble_dice;
    if (faulty(sim, FAULT_SWIZZLE, dice, 6))
        swizzle(sim);
    if (faulty(sim, FAULT_CRASH_ANY, dice, 8) && server->engine != NULL)
        server_crash(sim, "between two turns");
    if (faulty(sim, FAULT_WALL_JUMP, dice, 10)) {
        int64_t off = (int64_t)roll(dice, 3000) - 1500;
        server->wall_base = WALL_BASE_NS + SECONDS(off);
        server->jumps++;
        sim_trace(sim, "wall clock is off by %lld s", (long long)off);
    }
    if (faulty(sim, FAULT_SQUEEZE, dice, 15))
        server->squeeze_until_ns = sim->now_ns + (uint64_t)SECONDS(1 + roll(dice, 5));
}

/* --- calls ----------------------------------------------------------------------------------- */

static void call_done(void *user, const struct arc_answer *answer)
{
    struct call *call = user;
    struct sim *sim = call->sim;
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
    if (sim->server.engine == NULL)
        return NULL;
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        struct call *call = &sim->calls[i];
        if (call->in_use)
            continue;
        *call = (struct call){.sim = sim, .in_use = 1, .number = i};
        call->cmd = arc__cmd_new(sim->server.engine, kind);
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
    if (arc__engine_submit(call->sim->server.engine, cmd, call_done, call, NULL) != ARC_OK)
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
        if (really_query(sim, &query, &arena, hash_rows, &hashed, &err) != ARC_OK)
            hash_rows(&hashed, err.status, NULL, &err);
        arc__arena_deinit(&arena);
    }
}
