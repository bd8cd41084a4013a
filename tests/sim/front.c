/* SPDX-License-Identifier: Apache-2.0 */
/* In front of the store that the servers have: a layer of each that fails on purpose. */
#include "front.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "passing_logs.h"
#include "shadow.h"

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

/* When a call that is answered late happens. One server finds it at its answer; of several the
 * others may act before or after it. */
enum store_when {
    WHEN_ANSWERED, /* the server that is silent meanwhile has not sent it */
    WHEN_SENT,
    WHEN_THERE, /* when it has been on its way */
};

struct front {
    struct arc_store store;
    struct server *server;
};

static struct server *server_of(struct arc_store *store)
{
    return ((struct front *)(void *)store)->server;
}

/* --- what becomes of it ---------------------------------------------------------------------- */

static int commit_outcome(struct server *server)
{
    struct sim *sim = server->sim;
    struct dice *dice = &server->store_dice;
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
        server->full_until_ns = sim->now_ns + (uint64_t)SECONDS(1 + roll(dice, 10));
    return server->full_until_ns > sim->now_ns && !sim->healing ? OUTCOME_FULL : OUTCOME_DONE;
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
        server_trouble_now(sim);
}

struct caught {
    int done;
    int64_t shift;
    arc_status status;
    arc_err err;
    struct arc_rows rows;
};

static void catch_commit(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct caught *caught = user;
    caught->shift = shift;
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
    struct arc_store *base = sim->base;
    while (!caught->done) {
        arc_err ignored = ARC_ERR_INIT;
        (void)base->ops->dispatch(base, &ignored); /* the answer says whether it went well */
        if (!caught->done)
            sim->plan.store->wait(base->ops->fd(base), base->ops->timeout_ms(base));
    }
    return caught->status;
}

/* What a store that several processes share does with positions. */
static arc_status behind_others(struct sim *sim, const struct arc_store_batch *batch,
                                struct arc_store_batch *out, int64_t *shift, int64_t *count)
{
    struct arc_row_event *rows = arc__arena_array(&sim->arena, batch->count, sizeof(*rows));
    struct arc_store_op *ops = arc__arena_array(&sim->arena, batch->count, sizeof(*ops));
    *shift = *count = 0;
    if (rows == NULL || ops == NULL)
        return ARC_ENOMEM;
    for (size_t i = 0; i < batch->count; i++) {
        ops[i] = batch->ops[i];
        if (ops[i].table != ARC_TABLE_event || ops[i].verb != ARC_STORE_INSERT)
            continue;
        rows[i] = *(const struct arc_row_event *)ops[i].row;
        if ((*count)++ == 0)
            *shift = sim->position + 1 - rows[i].position;
        rows[i].position += *shift;
        ops[i].row = &rows[i];
    }
    *out = (struct arc_store_batch){ops, batch->count, batch->follow};
    return ARC_OK;
}

/* The others hear that there is something new, where the store says so: of events and of what they
 * are to read, as PostgreSQL tells them. */
static void notify_others(struct server *server, const struct arc_store_batch *batch)
{
    struct sim *sim = server->sim;
    const uint32_t told = 1u << ARC_TABLE_event | 1u << ARC_TABLE_inbox | 1u << ARC_TABLE_outbox;
    uint32_t tables = 0;
    for (size_t i = 0; i < batch->count; i++)
        tables |= (uint32_t)(batch->ops[i].verb != ARC_STORE_DELETE) << batch->ops[i].table;
    if ((tables & told) == 0)
        return;
    for (uint32_t i = 0; i < sim->server_count; i++) {
        struct server *other = &sim->servers[i];
        if (other == server || other->engine == NULL || sim->fault[FAULT_DEAF_REPLICAS])
            continue;
        other->notified |= tables;
        other->told_last = sim->position;
    }
}

static arc_status really_commit(struct server *server, const struct arc_store_batch *given,
                                uint64_t decided_ns, int64_t *shift, arc_err *err)
{
    struct caught caught = {.err = ARC_ERR_INIT};
    struct sim *sim = server->sim;
    struct arc_store *base = sim->base;
    struct arc_store_batch batch = *given;
    int64_t count = 0;
    arc_status status = ARC_OK;
    if (is_shared(sim))
        status = behind_others(sim, given, &batch, shift, &count);
    if (status == ARC_OK)
        status = base->ops->commit(base, &batch, catch_commit, &caught, &caught.err);
    if (status == ARC_OK)
        status = await(sim, &caught);
    *err = caught.err;
    if (is_shared(sim))
        sim_trace(sim, "server %u commits %zu: %d", server->number, batch.count, (int)status);
    else
        sim_trace(sim, "commit %zu: %d", batch.count, (int)status);
    if (status != ARC_OK && is_shared(sim))
        reached(sim, GOAL_REAL_CONFLICT);
    if (status != ARC_OK)
        return status;
    sim->position += count;
    if (is_shared(sim))
        notify_others(server, &batch);
    sim->shadow->writer = server->number;
    shadow_commit(sim->shadow, &batch, decided_ns);
    if (sim->plan.stored != NULL)
        sim->plan.stored(sim, &batch);
    return status;
}

arc_status front_query_now(struct sim *sim, const struct arc_query *query, struct arc_arena *arena,
                           arc_query_done done, void *user, arc_err *err)
{
    struct caught caught = {.err = ARC_ERR_INIT};
    struct arc_store *base = sim->base;
    ARC_TRY(base->ops->query(base, query, arena, catch_query, &caught, err));
    arc_status status = await(sim, &caught);
    done(user, status, status == ARC_OK ? &caught.rows : NULL,
         status == ARC_OK ? NULL : &caught.err);
    return ARC_OK;
}

/* It happens, once; its answer is kept. */
static void happen(struct server *server, struct held_call *call)
{
    struct arc_store *base = server->sim->base;
    struct caught caught = {.err = ARC_ERR_INIT};
    if (call->happened)
        return;
    call->happened = 1;
    call->err = (arc_err)ARC_ERR_INIT;
    if (call->batch_kind == 2) {
        call->status =
            base->ops->query(base, &call->query, call->arena, catch_query, &caught, &call->err);
        if (call->status == ARC_OK) {
            call->status = await(server->sim, &caught);
            call->err = caught.err;
        }
        call->rows = caught.rows;
        return;
    }
    call->status = outcomes[call->outcome].status;
    if (outcomes[call->outcome].happens) {
        arc_status really =
            really_commit(server, &call->batch, call->decided_ns, &call->shift, &call->err);
        call->status = really != ARC_OK ? really : call->status;
    }
    if (call->status != ARC_OK && call->err.message[0] == '\0')
        (void)arc__fail(&call->err, call->status, "store", "The store was told to fail.");
}

static void answer(struct held_call *call)
{
    const arc_err *err = call->status == ARC_OK ? NULL : &call->err;
    call->in_use = 0;
    if (call->batch_kind == 1)
        call->commit_done(call->user, call->status, call->status == ARC_OK ? call->shift : 0, err);
    else
        call->query_done(call->user, call->status, call->status == ARC_OK ? &call->rows : NULL,
                         err);
}

/* --- holding --------------------------------------------------------------------------------- */

static struct held_call *hold(struct server *server, uint32_t *number)
{
    struct sim *sim = server->sim;
    for (uint32_t i = 0; i < HELD_CALLS_MAX; i++) {
        if (!server->held[i].in_use) {
            *number = server->number * HELD_CALLS_MAX + i;
            server->held[i] = (struct held_call){.in_use = 1, .decided_ns = sim->now_ns};
            return &server->held[i];
        }
    }
    broke(sim, INV_I15, "the engine has more than %d calls of the store open", HELD_CALLS_MAX);
    return NULL;
}

static int64_t store_delay(struct server *server)
{
    struct sim *sim = server->sim;
    struct dice *dice = &server->store_dice;
    int64_t delay = 0;
    if (faulty(sim, FAULT_STORE_DELAY, dice, 60)) {
        server_trouble_now(sim);
        delay = (int64_t)(1 + roll(dice, 4000)) * 1000000;
    }
    if (sim->fault[FAULT_FAR] && sim->now_ns > 0)
        delay += (int64_t)(1 + roll(dice, 20 * sim->fault[FAULT_FAR])) * 1000000;
    if (server->away_until_ns > sim->now_ns) /* it arrives when there is a way again */
        delay += (int64_t)(server->away_until_ns - sim->now_ns);
    return delay;
}

/* Its answer comes after delay. */
static void send(struct server *server, struct held_call *call, uint32_t number, int64_t delay)
{
    struct sim *sim = server->sim;
    if (is_shared(sim))
        call->when = (int)roll(&server->store_dice, 3);
    if (call->when == WHEN_SENT && server->away_until_ns <= sim->now_ns)
        happen(server, call);
    call->due_ns = sim->now_ns + (uint64_t)delay;
    sim_at(sim, call->due_ns, HAPPEN_STORE, number);
}

void front_heal(struct server *server)
{
    struct sim *sim = server->sim;
    for (uint32_t i = 0; i < HELD_CALLS_MAX && server->away_until_ns > sim->now_ns; i++) {
        struct held_call *call = &server->held[i];
        if (!call->in_use || call->ready || call->due_ns < server->away_until_ns)
            continue;
        call->due_ns = sim->now_ns;
        sim_at(sim, sim->now_ns, HAPPEN_STORE, server->number * HELD_CALLS_MAX + i);
    }
    server->away_until_ns = 0;
}

void server_store_ready(struct sim *sim, uint32_t number)
{
    struct server *server = &sim->servers[number / HELD_CALLS_MAX];
    struct held_call *call = &server->held[number % HELD_CALLS_MAX];
    if (is_shared(sim) && call->due_ns > sim->now_ns)
        return; /* what was here before it was answered sooner */
    if (is_shared(sim) && call->in_use && call->when == WHEN_THERE)
        happen(server, call);
    call->ready = 1;
    if (!is_shared(sim) || sim->now_ns - call->decided_ns > (uint64_t)SECONDS(1))
        server_trouble_now(sim);
}

static arc_status front_commit(struct arc_store *store, const struct arc_store_batch *batch,
                               arc_commit_done done, void *user, arc_err *err)
{
    struct server *server = server_of(store);
    struct sim *sim = server->sim;
    uint32_t number = 0;
    int outcome = commit_outcome(server);
    int64_t delay = store_delay(server);
    struct held_call *call = hold(server, &number);
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
            (void)really_commit(server, batch, call->decided_ns, &call->shift, &why);
        server->crash_due = 1;
        return ARC_OK;
    }
    if (delay > 0) {
        send(server, call, number, delay);
        return ARC_OK;
    }
    happen(server, call);
    struct held_call now = *call;
    call->in_use = 0;
    answer(&now);
    return ARC_OK;
}

static arc_status front_query(struct arc_store *store, const struct arc_query *query,
                              struct arc_arena *arena, arc_query_done done, void *user,
                              arc_err *err)
{
    struct server *server = server_of(store);
    struct sim *sim = server->sim;
    struct dice *dice = &server->store_dice;
    uint32_t number = 0;
    int64_t delay = store_delay(server);
    if (server->recovering && faulty(sim, FAULT_CRASH_AGAIN, dice, 20)) {
        reached(sim, GOAL_CRASH_RECOVERING);
        server->crash_due = 1;
    }
    if (faulty(sim, FAULT_STORE_BUSY, dice, 15) && server->engine != NULL) {
        server_trouble_now(sim);
        return arc__fail(err, ARC_EUNAVAILABLE, "store", "The store is away.");
    }
    if (delay == 0 && !server->crash_due)
        return front_query_now(sim, query, arena, done, user, err);
    struct held_call *call = hold(server, &number);
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
    if (!server->crash_due)
        send(server, call, number, delay);
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
    struct server *server = server_of(store);
    if (server->notified != 0 && server->changed != NULL)
        server->changed(server->changed_user, server->notified, server->told_last);
    server->notified = 0;
    for (uint32_t i = 0; i < HELD_CALLS_MAX; i++) {
        struct held_call call = server->held[i];
        if (!call.in_use || !call.ready)
            continue;
        server->held[i].in_use = 0;
        happen(server, &call);
        answer(&call);
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
    struct server *server = server_of(store);
    arc_err err = ARC_ERR_INIT;
    (void)arc__fail(&err, ARC_ECANCELLED, "store", "The store is closed.");
    for (uint32_t i = 0; i < HELD_CALLS_MAX; i++) {
        struct held_call call = server->held[i];
        if (!call.in_use)
            continue;
        server->held[i].in_use = 0;
        int pending = call.batch_kind == 1 && !call.happened &&
                      call.outcome != OUTCOME_CRASH_AFTER && call.outcome != OUTCOME_CRASH_BEFORE &&
                      outcomes[call.outcome].happens;
        arc_err why = ARC_ERR_INIT;
        if (pending && roll(&server->store_dice, 2)) /* it had been sent */
            (void)really_commit(server, &call.batch, call.decided_ns, &call.shift, &why);
        if (call.batch_kind == 1)
            call.commit_done(call.user, ARC_ECANCELLED, 0, &err);
        else
            call.query_done(call.user, ARC_ECANCELLED, NULL, &err);
    }
}

static arc_status front_claim(struct arc_store *store, const struct arc_claim *claim,
                              struct arc_arena *arena, arc_query_done done, void *user,
                              arc_err *err)
{
    struct arc_store *base = server_of(store)->sim->base;
    return base->ops->claim(base, claim, arena, done, user, err);
}

static void front_watch(struct arc_store *store, arc_store_changed changed, void *user)
{
    struct server *server = server_of(store);
    server->changed = changed;
    server->changed_user = user;
}

#define FRONT_SLOTS \
    .size = sizeof(struct arc_store_ops), .commit = front_commit, .query = front_query, \
    .fd = front_fd, .timeout_ms = front_timeout_ms, .dispatch = front_dispatch, \
    .health = front_health, .close = front_close
static const struct arc_store_ops front_ops = {FRONT_SLOTS};
static const struct arc_store_ops shared_ops = {FRONT_SLOTS, .claim = front_claim,
                                                .watch = front_watch};

struct arc_store *front_new(struct server *server)
{
    struct front *front = malloc(sizeof(*front));
    *front = (struct front){{is_shared(server->sim) ? &shared_ops : &front_ops}, server};
    return &front->store;
}

/* --- logs that outlive their engine ---------------------------------------------------------- */

struct lasting_logs {
    struct passing_logs pass;
    struct server *server;
};

static arc_status lasting_append(struct arc_log_store *logs, arc_slice run_id,
                                 arc_slice step_run_id, struct arc_log_line *lines, size_t count,
                                 arc_err *err)
{
    struct server *server = ((struct lasting_logs *)(void *)logs)->server;
    struct sim *sim = server->sim;
    if (faulty(sim, FAULT_LOG_FULL, &server->store_dice, 60)) {
        reached(sim, GOAL_LOG_FULL);
        return arc__fail(err, ARC_EIO, "log", "The log store is full.");
    }
    arc_status status = passing_append(logs, run_id, step_run_id, lines, count, err);
    if (status == ARC_OK)
        logs_appended(sim->shadow, run_id, step_run_id, lines, count);
    return status;
}

static void lasting_close(struct arc_log_store *logs)
{
    free(logs);
}

static const struct arc_log_store_ops lasting_ops = {
    sizeof(lasting_ops), lasting_append,     passing_info, passing_read,
    passing_release,     passing_remove_run, lasting_close};

struct arc_log_store *front_logs_new(struct server *server)
{
    struct lasting_logs *logs = malloc(sizeof(*logs));
    *logs = (struct lasting_logs){{{&lasting_ops}, server->sim->logs}, server};
    return &logs->pass.logs;
}
