/* SPDX-License-Identifier: Apache-2.0 */
/* The disk of the PostgreSQL server is full: for its tables, and for its log, which ends the
 * server. Batches are refused or wait, what was acknowledged stays, and all goes on when there is
 * room, with the same store. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "pg_server.h"
#include "shim.h"

#define MIB 160
#define BODY (64 * 1024)
#define ROUNDS_MAX 30000

static const char *const options[] = {"max_wal_size=32MB", "min_wal_size=32MB", "wal_recycle=off",
                                      "wal_init_zero=on",  "jit=off",           NULL};

struct full {
    struct pg_server *server;
    struct arc_store *store;
    struct arc_mem mem;
    char *body;
    struct arc_row_event row;
    struct arc_store_op op;
    struct arc_store_batch batch;
    int64_t said; /* that were acknowledged */
    int ended;
    arc_status status;
    arc_err err;
};

static void on_commit(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct full *f = user;
    (void)shift;
    f->ended++;
    f->status = status;
    if (err != NULL)
        f->err = *err;
}

static int begin(struct full *f)
{
    char url[160];
    struct arc_store_pg_options given = pg_server_options();
    *f = (struct full){.server = pg_server_get(), .mem = arc__mem_default()};
    f->err = (arc_err)ARC_ERR_INIT;
    if (f->server == NULL || !pg_server_shrink(f->server, MIB, options))
        return 0;
    pg_server_empty(f->server);
    f->body = malloc(BODY);
    return CHECK_INT(f->body != NULL, 1) &&
           CHECK_OK(arc__store_pg_open(&f->mem, pg_server_url(f->server, "", url, sizeof(url)),
                                       &given, &f->store, &f->err));
}

static void end(struct full *f)
{
    if (f->store != NULL)
        f->store->ops->close(f->store);
    free(f->body);
}

/* The next event, with a body that cannot be made smaller. */
static void say(struct full *f, size_t len)
{
    uint64_t state = (uint64_t)f->said + 1;
    for (size_t i = 0; i < len; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        f->body[i] = (char)('0' + (state >> 40) % 64);
    }
    f->row = (struct arc_row_event){.stream = ARC_LIT("s"),
                                    .seq = f->said + 1,
                                    .position = f->said + 1,
                                    .body = arc__slice(f->body, len)};
    f->op = (struct arc_store_op){ARC_STORE_INSERT, ARC_TABLE_event, &f->row, 0};
    f->batch = (struct arc_store_batch){&f->op, 1, 0};
    f->ended = 0;
    CHECK_OK(f->store->ops->commit(f->store, &f->batch, on_commit, f, NULL));
}

static void turn(struct full *f)
{
    struct pollfd fd = {.fd = f->store->ops->fd(f->store), .events = POLLIN};
    int wait_ms = f->store->ops->timeout_ms(f->store);
    (void)poll(&fd, 1, wait_ms < 0 || wait_ms > 50 ? 50 : wait_ms);
    CHECK_OK(f->store->ops->dispatch(f->store, NULL));
}

static arc_status finish(struct full *f)
{
    for (int i = 0; i < ROUNDS_MAX && f->ended == 0; i++)
        turn(f);
    CHECK_INT(f->ended, 1);
    f->said += f->ended == 1 && f->status == ARC_OK;
    return f->ended == 1 ? f->status : ARC_EINTERNAL;
}

static arc_status say_all(struct full *f, size_t len)
{
    say(f, len);
    return finish(f);
}

/* Whatever was said to be stored is there, and nothing else. */
static void check_there(const struct full *f)
{
    CHECK_INT(pg_server_ask(f->server, "SELECT count(*) FROM t_event"), f->said);
    CHECK_INT(pg_server_ask(f->server, "SELECT max(seq) FROM t_event"), f->said);
}

static void tables_without_room(void)
{
    struct full f;
    if (!begin(&f)) {
        end(&f);
        return;
    }
    for (int i = 0; i < 3; i++)
        CHECK_OK(say_all(&f, BODY));
    for (int round = 0; round < 3; round++) {
        pg_server_fill(f.server, 1);
        arc_status status = ARC_OK;
        for (int i = 0; i < 50 && status == ARC_OK; i++)
            status = say_all(&f, BODY);
        CHECK_STATUS(status, ARC_ELIMIT);
        CHECK(strstr(f.err.message, "No space left") != NULL);
        CHECK_STATUS(say_all(&f, BODY), ARC_ELIMIT);
        check_there(&f); /* it answers meanwhile */
        pg_server_fill(f.server, 0);
        CHECK_OK(say_all(&f, BODY)); /* nobody was restarted */
        CHECK_OK(f.store->ops->health(f.store, NULL));
        check_there(&f);
    }
    end(&f);
}

/* Its log cannot grow: the server ends by itself and cannot come back before there is room. */
static void log_without_room(void)
{
    struct full f;
    if (!begin(&f)) {
        end(&f);
        return;
    }
    CHECK_OK(say_all(&f, 100));
    pg_server_fill(f.server, 1);
    arc_status status = ARC_OK;
    int64_t before = f.said;
    for (int i = 0; i < 40 && status == ARC_OK && f.ended > 0; i++) {
        struct pg_side *side = pg_side_open(f.server);
        pg_side_try(side, "SELECT pg_switch_wal()"); /* the rest of this file of it is not used */
        pg_side_close(side);
        say(&f, 100);
        for (int k = 0; k < 40 && f.ended == 0; k++)
            turn(&f);
        status = f.ended > 0 ? f.status : ARC_EUNAVAILABLE;
        f.said += f.ended > 0 && status == ARC_OK;
    }
    CHECK(status == ARC_EUNAVAILABLE || status == ARC_ELIMIT); /* waits, or was refused */
    CHECK(f.said - before < 40);
    for (int i = 0; i < ROUNDS_MAX && pg_server_lives(f.server); i++)
        turn(&f);
    CHECK_INT(pg_server_lives(f.server), 0);
    pg_server_fill(f.server, 0);
    CHECK_INT(pg_server_start(f.server, options), 1);
    if (f.ended == 0)
        CHECK_OK(finish(&f));
    for (int i = 0; i < ROUNDS_MAX && f.store->ops->health(f.store, NULL) != ARC_OK; i++)
        turn(&f);
    CHECK_OK(say_all(&f, 100));
    check_there(&f);
    end(&f);
}

static const struct test tests[] = {
    {"tables without room refuse batches, until there is some", tables_without_room},
    {"a server that its full log has ended loses nothing", log_without_room},
};

TEST_MAIN(tests)
