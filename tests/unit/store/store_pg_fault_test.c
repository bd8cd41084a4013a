/* SPDX-License-Identifier: Apache-2.0 */
/* A server that is away, slow, stopped, killed, read-only or full, and connections that break at a
 * chosen byte: nothing waits for it, and what is said of a batch is true. */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pg_proxy.h"
#include "pg_server.h"
#include "store_contract.h"

struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct arc_store_pg_options options = pg_server_options();
    return pg_server_store(mem, &options, err);
}

void contract_close(struct arc_store *store)
{
    store->ops->close(store);
}

size_t contract_key_bytes(void)
{
    return 1000; /* its indexes take no more than 2.7 kB */
}

/* --- a store with a commit or a query under way ---------------------------------------------- */

struct scene {
    struct pg_server *server;
    struct pg_proxy proxy;
    int has_proxy;
    struct arc_store *store;
    struct arc_mem mem;
    struct arc_arena arena;
    int ended; /* how often done came */
    arc_status status;
    int64_t shift;
    int follow; /* of its batches */
    arc_err err;
    struct arc_row_event rows[4];
    struct arc_store_op ops[4];
    size_t seen;
};

static int begin(struct scene *s, const struct arc_store_pg_options *given, int with_proxy)
{
    char url[160];
    struct arc_store_pg_options options = pg_server_options();
    *s = (struct scene){.server = pg_server_get(), .mem = arc__mem_default()};
    s->err = (arc_err)ARC_ERR_INIT;
    if (s->server == NULL)
        return 0;
    arc__arena_init(&s->arena, &s->mem, 1 << 24);
    pg_server_empty(s->server);
    (void)pg_server_url(s->server, "", url, sizeof(url));
    if (with_proxy) {
        s->has_proxy = pg_proxy_open(&s->proxy, s->server);
        (void)snprintf(url, sizeof(url), "postgres://arc@/arc?host=%s", s->proxy.dir);
    }
    return CHECK_OK(
        arc__store_pg_open(&s->mem, url, given != NULL ? given : &options, &s->store, &s->err));
}

static void end(struct scene *s)
{
    if (s->store != NULL)
        s->store->ops->close(s->store);
    if (s->has_proxy)
        pg_proxy_close(&s->proxy);
    if (s->server != NULL)
        arc__arena_deinit(&s->arena);
}

static void on_commit(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct scene *s = user;
    s->shift = shift;
    s->ended++;
    s->status = status;
    if (err != NULL)
        s->err = *err;
}

static void on_query(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct scene *s = user;
    on_commit(user, status, 0, err);
    s->seen = rows != NULL ? rows->count : 0;
}

/* One round of everybody, without waiting for long. */
static void turn(struct scene *s)
{
    if (s->has_proxy)
        pg_proxy_turn(&s->proxy);
    CHECK_OK(s->store->ops->dispatch(s->store, NULL));
    if (s->has_proxy)
        pg_proxy_turn(&s->proxy);
}

/* A proxy's descriptors are looked at all the time. */
static void turn_and_wait(struct scene *s)
{
    struct pollfd fd = {.fd = s->store->ops->fd(s->store), .events = POLLIN};
    int wait_ms = s->store->ops->timeout_ms(s->store);
    (void)poll(&fd, 1, s->has_proxy ? 1 : wait_ms < 0 || wait_ms > 100 ? 100 : wait_ms);
    turn(s);
}

/* Events (stream, 1 … count), begun. */
static void say(struct scene *s, const char *stream, size_t count, arc_slice body)
{
    int64_t base = stream[0] * 1000;
    for (size_t i = 0; i < count; i++) {
        s->rows[i] = (struct arc_row_event){.stream = arc__slice_cstr(stream),
                                            .seq = (int64_t)i + 1,
                                            .position = base + (int64_t)i,
                                            .body = body};
        s->ops[i] = (struct arc_store_op){ARC_STORE_INSERT, ARC_TABLE_event, &s->rows[i], 0};
    }
    struct arc_store_batch batch = {s->ops, count, s->follow};
    s->ended = 0;
    CHECK_OK(s->store->ops->commit(s->store, &batch, on_commit, s, NULL));
}

static void ask(struct scene *s)
{
    struct arc_query query = {.table = ARC_TABLE_event, .order_col = -1};
    s->ended = 0;
    CHECK_OK(s->store->ops->query(s->store, &query, &s->arena, on_query, s, NULL));
}

/* The linker puts this in the place of libpq's own where the store asks for it. */
static int refused_flushes;
int __wrap_PQflush(PGconn *conn);
int __real_PQflush(PGconn *conn);

int __wrap_PQflush(PGconn *conn)
{
    if (refused_flushes <= 0)
        return __real_PQflush(conn);
    refused_flushes--;
    return 1; /* the socket is full */
}

static arc_status finish(struct scene *s)
{
    for (int i = 0; i < 30000 && s->ended == 0; i++)
        turn_and_wait(s);
    CHECK_INT(s->ended, 1);
    return s->ended ? s->status : ARC_EINTERNAL;
}

static arc_status say_all(struct scene *s, const char *stream)
{
    say(s, stream, 2, ARC_LIT("{}"));
    return finish(s);
}

static int64_t stored(const struct scene *s, const char *stream)
{
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM t_event WHERE stream = '%s'", stream);
    return pg_server_ask(s->server, sql);
}

/* Until the answer is this; the store goes on meanwhile. */
static int wait_for(struct scene *s, const char *sql, int64_t want)
{
    for (int i = 0; i < 5000; i++) {
        turn(s);
        if (pg_server_ask(s->server, sql) == want)
            return 1;
    }
    return CHECK_TEXT(arc__slice_cstr(sql), "the answer that was waited for");
}

/* --- a server that is away ------------------------------------------------------------------- */

static void a_server_that_is_not_there(void)
{
    struct scene s;
    if (pg_server_get() == NULL)
        return;
    pg_server_crash(pg_server_get());
    char url[160];
    struct arc_store_pg_options options = pg_server_options();
    s = (struct scene){.mem = arc__mem_default()};
    struct pg_server gone = {.dir = "/tmp/arc-pg-nowhere"};
    CHECK_OK(arc__store_pg_open(&s.mem, pg_server_url(&gone, "", url, sizeof(url)), &options,
                                &s.store, &s.err));
    CHECK_STATUS(s.store->ops->health(s.store, &s.err), ARC_EUNAVAILABLE);
    CHECK_STATUS(say_all(&s, "a"), ARC_EUNAVAILABLE);
    CHECK(strstr(s.err.message, "/tmp/arc-pg-nowhere") != NULL);
    CHECK_STATUS(s.store->ops->health(s.store, &s.err), ARC_EUNAVAILABLE);
    CHECK(strstr(s.err.message, "/tmp/arc-pg-nowhere") != NULL);
    CHECK(s.store->ops->timeout_ms(s.store) >= 0);
    s.store->ops->close(s.store);
    CHECK_INT(pg_server_get() != NULL, 1); /* started again */
}

struct dice {
    uint64_t now_ns, number;
    int fails;
};

static uint64_t dice_now(void *user)
{
    return ((struct dice *)user)->now_ns;
}

static int dice_roll(void *user, void *buf, size_t len)
{
    const struct dice *dice = user;
    CHECK_INT(len, sizeof(dice->number));
    memcpy(buf, &dice->number, sizeof(dice->number));
    return dice->fails ? -1 : 0;
}

/* The milliseconds that it waits after each of some attempts, one after another. */
static void check_waits(struct dice *dice, int with_random, uint32_t retry_ms, uint32_t max_ms,
                        const int *waits, size_t count)
{
    char url[160];
    struct arc_mem mem = arc__mem_default();
    struct arc_store *store = NULL;
    struct pg_server gone = {.dir = "/tmp/arc-pg-nowhere"};
    struct arc_store_pg_options options = ARC_STORE_PG_OPTIONS_INIT;
    options.now_ns = dice_now;
    options.now_user = dice;
    options.random = with_random ? dice_roll : NULL;
    options.random_user = dice;
    options.retry_ms = retry_ms;
    options.retry_max_ms = max_ms;
    CHECK_OK(arc__store_pg_open(&mem, pg_server_url(&gone, "", url, sizeof(url)), &options, &store,
                                NULL));
    for (size_t i = 0; store != NULL && i < count; i++) {
        CHECK_OK(store->ops->dispatch(store, NULL));
        CHECK_STATUS(store->ops->health(store, NULL), ARC_EUNAVAILABLE);
        CHECK_INT(store->ops->timeout_ms(store), waits[i]);
        dice->now_ns += (uint64_t)waits[i] * 1000000;
    }
    if (store != NULL)
        store->ops->close(store);
}

static void attempts_are_spread(void)
{
    static const int whole[] = {100, 200, 400, 800, 1600, 3200, 3200, 3200};
    static const int bounded[] = {40, 80, 100, 100}, half[] = {50, 100, 200, 400};
    static const int none[] = {0, 0, 0, 0};
    const uint64_t ms = 1000000;
    struct dice dice = {.now_ns = ms};
    check_waits(&dice, 0, 0, 0, whole, ARC_COUNT_OF(whole));
    check_waits(&dice, 0, 40, 100, bounded, ARC_COUNT_OF(bounded));
    check_waits(&dice, 0, 40, 40, (const int[]){40, 40}, 2);
    check_waits(&dice, 1, 0, 0, none, ARC_COUNT_OF(none));
    dice.number = 50 * ms + 5 * (100 * ms + 1);
    check_waits(&dice, 1, 100, 100, (const int[]){50, 50}, 2);
    dice.number = 100 * ms;
    check_waits(&dice, 1, 100, 100, (const int[]){100, 100}, 2);
    dice.number++;
    check_waits(&dice, 1, 100, 100, none, 2);
    dice.fails = 1; /* no entropy: all of it */
    check_waits(&dice, 1, 50, 0, half, ARC_COUNT_OF(half));
}

static void a_server_that_was_restarted(void)
{
    struct scene s;
    if (!begin(&s, NULL, 0))
        return;
    CHECK_OK(say_all(&s, "a"));
    CHECK_INT(pg_server_restart(s.server, NULL), 1);
    CHECK_OK(say_all(&s, "b"));
    pg_server_crash(s.server);
    say(&s, "c", 2, ARC_LIT("{}"));
    for (int i = 0; i < 100; i++)
        turn(&s);
    CHECK_INT(s.ended, 0); /* it waits for the server to come back */
    CHECK_INT(pg_server_start(s.server, NULL), 1);
    CHECK_OK(finish(&s));
    ask(&s);
    CHECK_OK(finish(&s));
    CHECK_INT(s.seen, 6);
    CHECK_OK(s.store->ops->health(s.store, NULL));
    end(&s);
}

static void a_call_ends_at_its_deadline(void)
{
    struct scene s;
    if (!begin(&s, NULL, 0))
        return;
    CHECK_OK(say_all(&s, "a"));
    pg_server_crash(s.server);
    say(&s, "b", 2, ARC_LIT("{}"));
    for (int i = 0; i < 10; i++)
        turn(&s);
    CHECK_INT(s.ended, 0);
    pg_server_pass(30000);
    CHECK_STATUS(finish(&s), ARC_EUNAVAILABLE);
    CHECK(strstr(s.err.message, "not known") == NULL || s.err.message[0] != '\0');
    CHECK_INT(pg_server_start(s.server, NULL), 1);
    CHECK_OK(say_all(&s, "c"));
    CHECK_INT(stored(&s, "a") + stored(&s, "c"), 4);
    end(&s);
}

static void a_wrong_password_is_not_repeated(void)
{
    struct scene s;
    char path[96], url[200];
    if (!begin(&s, NULL, 0))
        return;
    (void)snprintf(path, sizeof(path), "%s/data/pg_hba.conf", s.server->dir);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (file != NULL) {
        (void)fputs("local all walled scram-sha-256\nlocal all all trust\n"
                    "host all all 127.0.0.1/32 trust\n",
                    file);
        (void)fclose(file);
    }
    (void)pg_server_ask(s.server, "CREATE ROLE walled LOGIN PASSWORD 'sesam oeffne'");
    (void)pg_server_ask(s.server, "GRANT ALL ON SCHEMA public TO walled");
    (void)pg_server_ask(s.server, "GRANT ALL ON ALL TABLES IN SCHEMA public TO walled");
    (void)pg_server_ask(s.server, "SELECT pg_reload_conf()");
    s.store->ops->close(s.store);
    s.store = NULL;
    static const char *const passwords[] = {"", ":falsches+Wort", ":sesam%20oeffne"};
    for (size_t i = 0; i < ARC_COUNT_OF(passwords); i++) {
        struct arc_store_pg_options options = pg_server_options();
        (void)snprintf(url, sizeof(url), "postgres://walled%s@/arc?host=%s", passwords[i],
                       s.server->dir);
        CHECK_OK(arc__store_pg_open(&s.mem, url, &options, &s.store, &s.err));
        CHECK_STATUS(say_all(&s, "a"), i == 2 ? ARC_OK : ARC_EUNAVAILABLE);
        if (i == 1)
            CHECK(strstr(s.err.message, "walled") != NULL);
        CHECK(strstr(s.err.message, "falsches") == NULL);
        s.store->ops->close(s.store);
        s.store = NULL;
    }
    end(&s);
}

static void a_server_that_only_reads(void)
{
    struct scene s;
    struct pg_server *server = pg_server_get();
    if (server == NULL)
        return;
    (void)pg_server_ask(server, "ALTER DATABASE arc SET default_transaction_read_only = on");
    char url[160];
    struct arc_store_pg_options options = pg_server_options();
    s = (struct scene){.server = server, .mem = arc__mem_default()};
    arc__arena_init(&s.arena, &s.mem, 1 << 20);
    CHECK_OK(arc__store_pg_open(&s.mem, pg_server_url(server, "", url, sizeof(url)), &options,
                                &s.store, &s.err));
    CHECK_STATUS(say_all(&s, "a"), ARC_EUNAVAILABLE);
    CHECK(strstr(s.err.message, "read-only") != NULL);
    struct pg_side *side = pg_side_open(server);
    pg_side_ask(side, "SET default_transaction_read_only = off");
    pg_side_ask(side, "ALTER DATABASE arc RESET default_transaction_read_only");
    pg_side_close(side);
    pg_server_empty(server);
    for (int i = 0; i < 30000 && s.store->ops->health(s.store, NULL) != ARC_OK; i++)
        turn_and_wait(&s);
    CHECK_OK(say_all(&s, "a"));
    end(&s);
}

/* What becomes of a commit of a store on this URL. */
static arc_status try_url(const char *url, arc_err *err)
{
    struct scene s = {.mem = arc__mem_default()};
    struct arc_store_pg_options options = pg_server_options();
    if (!CHECK_OK(arc__store_pg_open(&s.mem, url, &options, &s.store, err)))
        return err->status;
    arc_status status = say_all(&s, "a");
    if (status != ARC_OK)
        *err = s.err;
    s.store->ops->close(s.store);
    return status;
}

static void tls_is_used_and_checked(void)
{
    struct pg_server *server = pg_server_get();
    arc_err err = ARC_ERR_INIT;
    char url[256];
    if (access("/usr/bin/openssl", X_OK) != 0) {
        test_skip("openssl is not installed");
        return;
    }
    int port = server != NULL ? pg_server_listen(server) : 0;
    if (port == 0)
        return;
    static const struct {
        const char *host, *before, *behind;
        arc_status status;
        const char *says;
    } rows[] = {
        {"localhost", "sslmode=verify-full&sslrootcert=", "/root.crt", ARC_OK, ""},
        {"127.0.0.1", "sslmode=verify-full&sslrootcert=", "/root.crt", ARC_EUNAVAILABLE,
         "127.0.0.1"},
        {"other.example", "hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=", "/root.crt",
         ARC_EUNAVAILABLE, "other.example"},
        {"localhost", "sslmode=verify-full&sslrootcert=", "/none.crt", ARC_EUNAVAILABLE,
         "none.crt"},
        {"localhost", "sslmode=require&application_name=", "", ARC_OK, ""},
        {"localhost", "application_name=", "", ARC_OK, ""},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        pg_server_empty(server);
        (void)snprintf(url, sizeof(url), "postgres://arc@%s:%d/arc?%s%s%s", rows[i].host, port,
                       rows[i].before, server->dir, rows[i].behind);
        CHECK_STATUS(try_url(url, &err), rows[i].status);
        CHECK(rows[i].status == ARC_OK || strstr(err.message, rows[i].says) != NULL);
    }
    CHECK_INT(pg_server_restart(server, NULL), 1);
}

/* --- connections that break ------------------------------------------------------------------ */

static void a_backend_that_is_ended(void)
{
    static const char kill_all[] = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                   " WHERE application_name = 'arcentra'";
    struct scene s;
    if (!begin(&s, NULL, 0))
        return;
    CHECK_OK(say_all(&s, "a"));
    for (int i = 0; i < 30000 && s.store->ops->health(s.store, NULL) != ARC_OK; i++)
        turn_and_wait(&s);                           /* until the one that reads is there as well */
    CHECK_INT(pg_server_ask(s.server, kill_all), 2); /* between commits */
    CHECK_OK(say_all(&s, "b"));
    ask(&s);
    CHECK_INT(pg_server_ask(s.server, kill_all) > 0, 1); /* with a query under way, or before it */
    CHECK_OK(finish(&s));
    CHECK_INT(s.seen, 4);
    end(&s);
}

/* The table's own lock holds the commit up in the middle; then its backend is ended. */
static void a_commit_that_is_ended_is_sent_again(void)
{
    struct scene s;
    struct arc_store_pg_options options = pg_server_options();
    if (!begin(&s, &options, 0))
        return;
    CHECK_OK(say_all(&s, "a"));
    (void)pg_server_ask(s.server,
                        "CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql"
                        " AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$;"
                        "CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON t_event DEFERRABLE"
                        " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold()");
    struct pg_side *side = pg_side_open(s.server);
    pg_side_ask(side, "SELECT pg_advisory_lock(7)");
    say(&s, "b", 2, ARC_LIT("{}"));
    CHECK(wait_for(&s,
                   "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND "
                   "wait_event = 'advisory'",
                   1));
    CHECK_INT(pg_server_ask(s.server, "SELECT count(pg_terminate_backend(pid)) FROM "
                                      "pg_stat_activity WHERE query = 'COMMIT'"),
              1);
    pg_side_close(side);
    CHECK_OK(finish(&s));
    CHECK_INT(stored(&s, "b"), 2);
    (void)pg_server_ask(s.server, "DROP TRIGGER hold ON t_event");
    end(&s);
}

static void an_answer_that_was_lost_is_found_out(void)
{
    struct scene s;
    if (!begin(&s, NULL, 1))
        return;
    CHECK_OK(say_all(&s, "a"));
    pg_proxy_hold(&s.proxy, -1, 0); /* the server hears it, and is not heard */
    say(&s, "b", 2, ARC_LIT("{}"));
    CHECK(wait_for(&s, "SELECT count(*) FROM t_event WHERE stream = 'b'", 2));
    CHECK_INT(s.ended, 0);
    pg_proxy_cut(&s.proxy, 1);
    pg_proxy_release(&s.proxy);
    CHECK_OK(finish(&s)); /* sent again it would conflict */
    CHECK_INT(stored(&s, "b"), 2);
    CHECK_OK(say_all(&s, "c"));
    end(&s);
}

static void where_it_stands_is_found_out_too(void)
{
    struct scene s;
    struct arc_store_pg_options options = pg_server_options();
    options.shared = 1;
    if (!begin(&s, &options, 1))
        return;
    s.follow = 1;
    CHECK_OK(say_all(&s, "a"));
    CHECK_INT(s.shift, 1 - 'a' * 1000);
    pg_proxy_hold(&s.proxy, -1, 0); /* the server hears it, and is not heard */
    say(&s, "b", 2, ARC_LIT("{}"));
    CHECK(wait_for(&s, "SELECT count(*) FROM t_event WHERE stream = 'b'", 2));
    CHECK_INT(s.ended, 0);
    pg_proxy_cut(&s.proxy, 1);
    pg_proxy_release(&s.proxy);
    CHECK_OK(finish(&s));
    CHECK_INT(s.shift, 3 - 'b' * 1000);
    CHECK_INT(pg_server_ask(s.server, "SELECT max(position) FROM t_event"), 4);
    end(&s);
}

/* The rows of a claim whose answer was lost stay taken, and the next ones are answered. */
static void a_claim_that_was_lost_takes_others(void)
{
    static const struct arc_claim claim = {.table = ARC_TABLE_outbox,
                                           .by_col = ARC_COL_outbox_claimed_by,
                                           .until_col = ARC_COL_outbox_claimed_until_ns,
                                           .by = {"me", 2},
                                           .until_ns = 5,
                                           .limit = 2};
    struct scene s;
    if (!begin(&s, NULL, 1))
        return;
    CHECK_OK(say_all(&s, "a"));
    (void)pg_server_ask(s.server,
                        "INSERT INTO t_outbox (id) SELECT n FROM generate_series(1, 5) n");
    pg_proxy_hold(&s.proxy, -1, 0); /* the server hears it, and is not heard */
    s.ended = 0;
    CHECK_OK(s.store->ops->claim(s.store, &claim, &s.arena, on_query, &s, NULL));
    CHECK(wait_for(&s, "SELECT count(*) FROM t_outbox WHERE claimed_by = 'me'", 2));
    CHECK_INT(s.ended, 0);
    pg_proxy_cut(&s.proxy, 1);
    pg_proxy_release(&s.proxy);
    CHECK_OK(finish(&s));
    CHECK_INT(s.seen, 2);
    CHECK_INT(pg_server_ask(s.server, "SELECT count(*) FROM t_outbox WHERE claimed_by = 'me'"), 4);
    CHECK_OK(say_all(&s, "b"));
    (void)pg_server_ask(s.server, "DELETE FROM t_commit"); /* somebody took the database over */
    s.ended = 0;
    CHECK_OK(s.store->ops->claim(s.store, &claim, &s.arena, on_query, &s, NULL));
    CHECK_STATUS(finish(&s), ARC_EIO);
    CHECK_INT(pg_server_ask(s.server, "SELECT count(*) FROM t_outbox WHERE claimed_by = 'me'"), 4);
    s.ended = 0;
    CHECK_OK(s.store->ops->claim(s.store, &claim, &s.arena, on_query, &s, NULL));
    CHECK_STATUS(finish(&s), ARC_EIO);
    end(&s);
}

static void a_batch_that_never_arrived_is_sent_again(void)
{
    struct scene s;
    if (!begin(&s, NULL, 1))
        return;
    CHECK_OK(say_all(&s, "a"));
    static const int64_t passing[] = {0, 1, 60, 120, 200, 400};
    char stream[2] = "b";
    for (size_t i = 0; i < ARC_COUNT_OF(passing); i++, stream[0]++) {
        pg_proxy_hold(&s.proxy, passing[i], -1);
        say(&s, stream, 2, ARC_LIT("{}"));
        for (int round = 0; round < 50; round++)
            turn(&s);
        CHECK_INT(s.ended, 0);
        pg_proxy_cut(&s.proxy, 1);
        pg_proxy_release(&s.proxy);
        s.proxy.line_count = 0;
        CHECK_OK(finish(&s));
        CHECK_INT(stored(&s, stream), 2);
    }
    end(&s);
}

/* The old backend has the whole batch before it and begins when the new connection is through. */
static void a_batch_that_arrives_too_late_does_nothing(void)
{
    struct scene s;
    if (!begin(&s, NULL, 1))
        return;
    CHECK_OK(say_all(&s, "a"));
    pg_proxy_hold(&s.proxy, 0, -1);
    say(&s, "b", 2, ARC_LIT("{}"));
    for (int i = 0; i < 50; i++)
        turn(&s);
    pg_server_pass(11500); /* the store takes the connection for dead */
    CHECK_OK(finish(&s));
    CHECK_INT(stored(&s, "b"), 2);
    struct arc_store_op gone[] = {{ARC_STORE_DELETE, ARC_TABLE_event, &s.rows[0], 0},
                                  {ARC_STORE_DELETE, ARC_TABLE_event, &s.rows[1], 0}};
    struct arc_store_batch batch = {gone, 2, 0};
    s.ended = 0;
    CHECK_OK(s.store->ops->commit(s.store, &batch, on_commit, &s, NULL));
    CHECK_OK(finish(&s));
    pg_proxy_release(&s.proxy); /* now it arrives, and would go in */
    CHECK(wait_for(&s, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'arcentra'",
                   2));
    CHECK_INT(stored(&s, "b"), 0);
    end(&s);
}

#define OURS "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'arcentra' AND "

/* The old backend is in the middle of the transaction and cannot know that nobody listens. */
static void an_old_transaction_is_waited_for(void)
{
    struct scene s;
    if (!begin(&s, NULL, 1))
        return;
    CHECK_OK(say_all(&s, "a"));
    size_t size = 4 * 1024 * 1024;
    char *body = malloc(size);
    for (size_t i = 0; body != NULL && i < size; i++)
        body[i] = (char)('a' + i * i % 23);
    pg_proxy_hold(&s.proxy, 300000, -1); /* BEGIN and the number, and no end */
    say(&s, "b", 2, arc__slice(body, size));
    CHECK(wait_for(&s, OURS "wait_event = 'ClientRead' AND query LIKE 'WITH u AS%'", 1));
    pg_server_pass(11500);
    CHECK(wait_for(&s, OURS "wait_event_type = 'Lock' AND query LIKE 'UPDATE t_commit%'", 1));
    CHECK_INT(s.ended, 0);
    pg_proxy_drop_held(&s.proxy);
    pg_proxy_release(&s.proxy);
    CHECK_OK(finish(&s));
    CHECK_INT(stored(&s, "b"), 2);
    free(body);
    end(&s);
}

/* --- a server that is slow ------------------------------------------------------------------- */

static void a_statement_has_a_deadline(void)
{
    struct scene s;
    struct arc_store_pg_options options = pg_server_options();
    options.statement_ms = 300;
    options.lock_ms = 200;
    if (!begin(&s, &options, 0))
        return;
    CHECK_OK(say_all(&s, "a"));
    struct pg_side *side = pg_side_open(s.server);
    pg_side_ask(side, "BEGIN; LOCK TABLE t_event IN ACCESS EXCLUSIVE MODE");
    CHECK_STATUS(say_all(&s, "b"), ARC_EUNAVAILABLE);
    CHECK(strstr(s.err.message, "55P03") != NULL);
    ask(&s);
    CHECK_STATUS(finish(&s), ARC_EUNAVAILABLE);
    pg_side_ask(side, "ROLLBACK; CREATE OR REPLACE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql"
                      " AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;"
                      "CREATE TRIGGER nap BEFORE INSERT ON t_event EXECUTE FUNCTION nap()");
    CHECK_STATUS(say_all(&s, "b"), ARC_EUNAVAILABLE);
    CHECK(strstr(s.err.message, "57014") != NULL);
    pg_side_ask(side, "DROP TRIGGER nap ON t_event");
    pg_side_close(side);
    CHECK_OK(say_all(&s, "b"));
    CHECK_INT(stored(&s, "b"), 2);
    end(&s);
}

static void a_socket_that_was_full_for_a_moment(void)
{
    struct scene s;
    static char body[20000];
    if (!begin(&s, NULL, 0))
        return;
    memset(body, 'x', sizeof(body));
    say(&s, "a", 1, ARC_NONE);
    CHECK_OK(finish(&s));
    refused_flushes = 1; /* in the middle of the batch, and at its end no more */
    say(&s, "b", 4, arc__slice(body, sizeof(body)));
    CHECK_INT(refused_flushes, 0);
    struct pollfd fd = {.fd = s.store->ops->fd(s.store), .events = POLLIN};
    while (s.ended == 0 && poll(&fd, 1, 5000) == 1) /* there is always something to hear */
        turn(&s);
    CHECK_INT(s.ended, 1);
    CHECK_OK(s.status);
    ask(&s);
    CHECK_OK(finish(&s));
    CHECK_INT(s.seen, 5);
    end(&s);
}

/* Were there one call that waits for the server, this case would never end: it is stopped, and goes
 * on only after all of them have returned. */
static void a_stopped_server_stops_nobody(void)
{
    struct scene s;
    if (!begin(&s, NULL, 0))
        return;
    CHECK_OK(say_all(&s, "a"));
    size_t size = 16 * 1024 * 1024; /* more than all buffers on the way */
    char *body = calloc(1, size);
    if (body != NULL)
        memset(body, 'x', size);
    pg_server_freeze(s.server, 1);
    say(&s, "b", 4, arc__slice(body, size));
    ask(&s);
    for (int i = 0; i < 100; i++)
        turn(&s);
    CHECK(s.store->ops->timeout_ms(s.store) > 0);
    CHECK_INT(s.ended, 0);
    pg_server_pass(11500); /* both connections are given up, and new ones begun */
    for (int i = 0; i < 100; i++)
        turn(&s);
    CHECK_STATUS(s.store->ops->health(s.store, &s.err), ARC_EUNAVAILABLE);
    CHECK_INT(s.ended, 0);
    pg_server_pass(30000);
    for (int i = 0; i < 100; i++)
        turn(&s);
    CHECK_INT(s.ended, 2);
    CHECK_STATUS(s.status, ARC_EUNAVAILABLE);
    struct arc_store *second = NULL;
    char url[160];
    struct arc_store_pg_options options = pg_server_options();
    CHECK_OK(arc__store_pg_open(&s.mem, pg_server_url(s.server, "", url, sizeof(url)), &options,
                                &second, NULL));
    CHECK_OK(second->ops->dispatch(second, NULL));
    second->ops->close(second);
    say(&s, "c", 1, ARC_LIT("{}"));
    for (int i = 0; i < 10; i++)
        turn(&s);
    s.store->ops->close(s.store);
    CHECK_INT(s.ended, 1);
    CHECK_STATUS(s.status, ARC_ECANCELLED);
    s.store = NULL;
    pg_server_freeze(s.server, 0);
    free(body);
    end(&s);
}

static void closing_ends_what_waits(void)
{
    struct scene s;
    if (!begin(&s, NULL, 0))
        return;
    say(&s, "a", 2, ARC_LIT("{}")); /* before there is a connection */
    s.store->ops->close(s.store);
    CHECK_INT(s.ended, 1);
    CHECK_STATUS(s.status, ARC_ECANCELLED);
    s.store = NULL;
    end(&s);
    if (!begin(&s, NULL, 0))
        return;
    CHECK_OK(say_all(&s, "b"));
    say(&s, "y", 2, ARC_LIT("{}")); /* under way: the server may do it all the same, and later */
    s.store->ops->close(s.store);
    CHECK_INT(s.ended, 1);
    CHECK_STATUS(s.status, ARC_ECANCELLED);
    s.store = NULL;
    end(&s);
}

/* --- what the server says -------------------------------------------------------------------- */

/* The next inserts into t_event fail with this, so many times. */
static void will_fail(struct scene *s, const char *state, int times)
{
    char sql[512];
    (void)snprintf(
        sql, sizeof(sql),
        "DROP SEQUENCE IF EXISTS failed; CREATE SEQUENCE failed;"
        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF nextval('failed') <= %d THEN RAISE EXCEPTION 'so it is' USING ERRCODE = '%s'; "
        "END IF; RETURN NULL; END $$; CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON "
        "t_event FOR EACH STATEMENT EXECUTE FUNCTION fail()",
        times, state);
    (void)pg_server_ask(s->server, sql);
}

static void each_failure_has_its_status(void)
{
    static const struct {
        const char *state;
        int times;
        arc_status status;
    } rows[] = {
        {"40001", 4, ARC_OK}, /* tried again */
        {"40P01", 1, ARC_OK},
        {"40001", 5, ARC_EUNAVAILABLE},
        {"53100", 1, ARC_ELIMIT},
        {"53200", 1, ARC_EUNAVAILABLE},
        {"54000", 1, ARC_ELIMIT},
        {"25006", 1, ARC_OK}, /* on another connection */
        {"42501", 1, ARC_EUNAVAILABLE},
        {"22012", 1, ARC_EINTERNAL}, /* of an insert: not our division */
        {"23505", 1, ARC_ECONFLICT},
        {"XX000", 1, ARC_EINTERNAL},
        {"58030", 1, ARC_EIO},
    };
    struct scene s;
    if (!begin(&s, NULL, 0))
        return;
    CHECK_OK(say_all(&s, "A"));
    char stream[2] = "a";
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++, stream[0]++) {
        will_fail(&s, rows[i].state, rows[i].times);
        CHECK_STATUS(say_all(&s, stream), rows[i].status);
        if (!CHECK_INT(stored(&s, stream), rows[i].status == ARC_OK ? 2 : 0))
            printf("# %s: %s\n", rows[i].state, s.err.message);
        if (rows[i].status != ARC_OK && rows[i].status != ARC_ECONFLICT)
            CHECK(strstr(s.err.message, "so it is") != NULL);
    }
    CHECK_STATUS(say_all(&s, "Z"), ARC_EIO); /* after a failure of its files nothing is believed */
    CHECK_STATUS(s.store->ops->health(s.store, NULL), ARC_EIO);
    ask(&s);
    CHECK_OK(finish(&s));
    (void)pg_server_ask(s.server, "DROP TRIGGER fail ON t_event");
    end(&s);
}

static const struct test tests[] = {
    {"a server that is not there is named", a_server_that_is_not_there},
    {"attempts to connect are spread over a time with a limit", attempts_are_spread},
    {"a restarted server is found again, and nothing is lost", a_server_that_was_restarted},
    {"a call ends at its deadline", a_call_ends_at_its_deadline},
    {"a wrong password is told, and not repeated", a_wrong_password_is_not_repeated},
    {"a server that only reads is not taken", a_server_that_only_reads},
    {"TLS is used, and the name of the server checked", tls_is_used_and_checked},
    {"a backend that is ended is replaced", a_backend_that_is_ended},
    {"a commit whose backend is ended is sent again", a_commit_that_is_ended_is_sent_again},
    {"a commit whose answer was lost is found out", an_answer_that_was_lost_is_found_out},
    {"where its events stand is found out as well", where_it_stands_is_found_out_too},
    {"a claim whose answer was lost takes other rows", a_claim_that_was_lost_takes_others},
    {"a batch that never arrived is sent again", a_batch_that_never_arrived_is_sent_again},
    {"a batch that arrives too late does nothing", a_batch_that_arrives_too_late_does_nothing},
    {"an old transaction is waited for", an_old_transaction_is_waited_for},
    {"a statement has a deadline on the server", a_statement_has_a_deadline},
    {"a stopped server stops nobody", a_stopped_server_stops_nobody},
    {"a socket that was full for a moment is written to again",
     a_socket_that_was_full_for_a_moment},
    {"closing ends what waits", closing_ends_what_waits},
    {"each failure has its status", each_failure_has_its_status},
};

TEST_MAIN(tests)
