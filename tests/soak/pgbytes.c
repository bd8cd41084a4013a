/* SPDX-License-Identifier: Apache-2.0 */
/* The connection of a commit fails at each of its bytes, in both directions: it ends, it is reset,
 * it falls silent and what was on its way is lost, or arrives when the store has gone on long ago.
 * Whatever the store says of the batch is true then: it is there once. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "pg_proxy.h"
#include "soak.h"

#define QUIET_ROUNDS 4     /* without a byte: nothing more will come by itself */
#define ROUNDS_MAX 20000   /* of a millisecond at most */
#define DEAD_PASS_MS 11500 /* the store takes a silent connection for dead */
#define LIVES_OF_A_WORLD 20
#define PLACES_STEP 7919

enum fault { ENDED, RESET, LOST, LATE, FAULTS };

/* Worlds take turns: the longest batch has more places than most soaks have lives. */
static const struct {
    size_t events;
    const char *lives, *bytes;
} kinds[] = {
    {1, "lives of a batch of one event", "bytes of a batch of one event"},
    {4, "lives of a batch of 4 events", "bytes of a batch of 4 events"},
    {40, "lives of a batch of 40 events", "bytes of a batch of 40 events"},
};

struct bytes {
    struct pg_server *server;
    struct pg_proxy proxy;
    struct arc_store *store;
    struct arc_mem mem;
    size_t events;                /* of a batch */
    int64_t number;               /* of the last batch */
    int64_t to_server, to_client; /* bytes of a batch, as nothing disturbs it */
    int ended;
    arc_status status;
    arc_err err;
    /* The batch, until it is done. */
    struct arc_row_event rows[40];
    struct arc_row_counter counter;
    struct arc_row_pipeline row;
    struct arc_store_op ops[42];
    struct arc_store_batch batch;
};

static void on_commit(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct bytes *b = user;
    b->ended++;
    (void)shift;
    b->status = status;
    if (err != NULL)
        b->err = *err;
}

static void turn(struct bytes *b)
{
    pg_proxy_turn(&b->proxy);
    if (b->store->ops->dispatch(b->store, NULL) != ARC_OK)
        abort();
    pg_proxy_turn(&b->proxy);
}

static int is_done(struct bytes *b)
{
    for (int i = 0; i < ROUNDS_MAX && b->ended == 0; i++) {
        struct pollfd fd = {.fd = b->store->ops->fd(b->store), .events = POLLIN};
        int wait_ms = b->store->ops->timeout_ms(b->store);
        (void)poll(&fd, 1, wait_ms == 0 ? 0 : 1);
        if (wait_ms > 1 && b->proxy.moved == 0)
            pg_server_pass(5); /* it waits before it connects again */
        b->proxy.moved = 0;
        turn(b);
    }
    return b->ended == 1;
}

/* Until no byte has moved for a while: what may pass has passed. */
static void settle(struct bytes *b)
{
    for (int quiet = 0; quiet < QUIET_ROUNDS && b->ended == 0; quiet++) {
        (void)poll(NULL, 0, 1); /* it is looked at again */
        b->proxy.moved = 0;
        turn(b);
        if (b->proxy.moved > 0)
            quiet = -1;
    }
}

/* Rows, and one that a second time cannot be written. */
static void say(struct bytes *b)
{
    size_t count = 0;
    int64_t number = ++b->number;
    for (size_t i = 0; i < b->events; i++) {
        int64_t place = (number - 1) * (int64_t)b->events + (int64_t)i + 1;
        b->rows[i] = (struct arc_row_event){.stream = ARC_LIT("s"),
                                            .seq = place,
                                            .position = place,
                                            .type = ARC_LIT("run.started"),
                                            .body = ARC_LIT("{\"some\": \"body\"}")};
        b->ops[count++] = (struct arc_store_op){ARC_STORE_INSERT, ARC_TABLE_event, &b->rows[i], 0};
    }
    b->counter = (struct arc_row_counter){ARC_LIT("said"), number};
    b->row =
        (struct arc_row_pipeline){.id = ARC_LIT("p"), .name = ARC_LIT("p"), .revision = number};
    b->ops[count++] = (struct arc_store_op){ARC_STORE_PUT, ARC_TABLE_counter, &b->counter, 0};
    b->ops[count++] = (struct arc_store_op){number == 1 ? ARC_STORE_INSERT : ARC_STORE_UPDATE,
                                            ARC_TABLE_pipeline, &b->row, number - 1};
    b->batch = (struct arc_store_batch){b->ops, count, 0};
    b->ended = 0;
    b->err = (arc_err)ARC_ERR_INIT;
    if (b->store->ops->commit(b->store, &b->batch, on_commit, b, NULL) != ARC_OK)
        abort();
}

/* 1: all of every batch is there, and once. */
static int is_right(const struct bytes *b)
{
    int64_t there = pg_server_ask(
        b->server, "SELECT (SELECT count(*) FROM t_event) * 1000000 + (SELECT revision FROM"
                   " t_pipeline) + (SELECT value FROM t_counter WHERE name = 'said')");
    return there == b->number * (int64_t)b->events * 1000000 + b->number * 2;
}

static void fail_in_between(struct bytes *b, enum fault fault)
{
    switch (fault) {
    case ENDED:
        pg_proxy_end(&b->proxy);
        break;
    case RESET:
        pg_proxy_cut(&b->proxy, 1);
        break;
    default:
        pg_server_pass(DEAD_PASS_MS);
        for (int i = 0; i < 12; i++) { /* another connection is made, and asks */
            (void)poll(NULL, 0, 1);
            turn(b);
        }
        if (fault == LOST)
            pg_proxy_drop_held(&b->proxy);
        break;
    }
    pg_proxy_release(&b->proxy);
}

/* The batch is begun, so many bytes of it pass, then it happens. */
static void live(struct soak *soak, struct bytes *b, uint64_t life, int64_t at, enum fault fault)
{
    char why[200];
    int up = at <= b->to_server;
    pg_proxy_forget(&b->proxy);
    pg_proxy_hold(&b->proxy, up ? at : -1, up ? -1 : at - b->to_server - 1);
    say(b);
    settle(b);
    soak_count(soak, "done before it happened", b->ended > 0);
    fail_in_between(b, fault);
    int done = is_done(b);
    settle(b);
    if (done && b->status == ARC_OK && is_right(b))
        return;
    snprintf(why, sizeof(why), "byte %lld to the %s, fault %d: %s; %.100s",
             (long long)(up ? at : at - b->to_server - 1), up ? "server" : "client", (int)fault,
             done ? arc_status_name(b->status) : "never done", b->err.message);
    soak_fail(soak, life, "a commit was lost, doubled or refused", why);
}

static void close_world(struct bytes *b)
{
    if (b->store == NULL)
        return;
    b->store->ops->close(b->store);
    pg_proxy_close(&b->proxy);
    b->store = NULL;
}

/* An empty database, a new store behind a new proxy, and the lengths of a batch. 0: none. */
static int open_world(struct bytes *b, size_t events)
{
    char url[160];
    struct arc_store_pg_options options = pg_server_options();
    close_world(b);
    b->events = events;
    b->number = 0;
    pg_server_empty(b->server);
    if (!pg_proxy_open(&b->proxy, b->server))
        return 0;
    (void)snprintf(url, sizeof(url), "postgres://arc@/arc?host=%s", b->proxy.dir);
    if (arc__store_pg_open(&b->mem, url, &options, &b->store, NULL) != ARC_OK)
        return 0;
    for (int i = 0; i < 4; i++) { /* statements are prepared by the first ones */
        pg_proxy_hold(&b->proxy, INT64_MAX, INT64_MAX);
        say(b);
        if (!is_done(b) || b->status != ARC_OK)
            return 0;
        settle(b);
        b->to_server = INT64_MAX - b->proxy.to_server;
        b->to_client = INT64_MAX - b->proxy.to_client;
        pg_proxy_release(&b->proxy);
    }
    return 1;
}

/* One life of a world. Every place of its kind comes once, whatever the seed is the first one, and
 * near ones not one after the other, so that a few show much. */
static void live_here(struct soak *soak, struct bytes *b, uint64_t life, uint64_t world)
{
    uint64_t places = (uint64_t)(b->to_server + b->to_client + 2) * FAULTS;
    uint64_t place = world / ARC_COUNT_OF(kinds) * LIVES_OF_A_WORLD + (life - 1) % LIVES_OF_A_WORLD;
    places += places % PLACES_STEP == 0;
    uint64_t here = (soak_begin(soak, 0) % places + place) * PLACES_STEP % places;
    live(soak, b, life, (int64_t)(here / FAULTS), (enum fault)(here % FAULTS));
}

void soak_pgbytes(struct soak *soak)
{
    struct bytes b = {.mem = arc__mem_default(), .server = pg_server_get()};
    uint64_t bytes[ARC_COUNT_OF(kinds)] = {0};
    if (b.server == NULL) {
        soak_skip(soak, "there is no PostgreSQL 15 here");
        return;
    }
    uint64_t first = soak->from - (soak->from - 1) % LIVES_OF_A_WORLD;
    for (uint64_t life = first; life <= soak->to; life++) {
        uint64_t world = (life - 1) / LIVES_OF_A_WORLD, kind = world % ARC_COUNT_OF(kinds);
        if ((life - 1) % LIVES_OF_A_WORLD == 0 && !open_world(&b, kinds[kind].events)) {
            soak_fail(soak, life, "the store does not open", b.err.message);
            break;
        }
        bytes[kind] = (uint64_t)(b.to_server + b.to_client);
        live_here(soak, &b, life, world);
        soak->lives += life >= soak->from;
        soak_count(soak, kinds[kind].lives, life >= soak->from);
    }
    for (size_t i = 0; i < ARC_COUNT_OF(kinds); i++)
        soak_count(soak, kinds[i].bytes, bytes[i]);
    close_world(&b);
}
