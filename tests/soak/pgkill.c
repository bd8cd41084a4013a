/* SPDX-License-Identifier: Apache-2.0 */
/* A client of PostgreSQL is killed: at any moment, or at one of its system calls that say something
 * to the server or hear from it, before or after the call. The server goes on with what it has
 * heard; what the client has said to be stored is there, once, and the next client goes on. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "pg_server.h"
#include "soak.h"
#include "trace.h"

#define LIVES_OF_A_DATABASE 50
#define COMMITS_MAX 12
#define PLACES_STEP 37
#define AIMED_MIN 10         /* fewer that miss say nothing */
#define PATIENCE_ROUNDS 4000 /* of 5 ms */

struct client {
    char url[160];
    uint64_t world;
    int64_t there; /* batches that it begins with */
    int64_t count; /* that it says, and then it closes */
    int acks;
};

/* The one before may be on the server yet: its connection ends when the server has noticed. */
static struct arc_store *open_store(const struct client *client, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_store_pg_options options = pg_server_options();
    for (int round = 0; round < PATIENCE_ROUNDS; round++) {
        struct arc_store *store = NULL;
        if (arc__store_pg_open(&mem, client->url, &options, &store, err) != ARC_OK)
            return NULL;
        arc_status status = ARC_EUNAVAILABLE;
        for (int turn = 0; turn < PATIENCE_ROUNDS && status == ARC_EUNAVAILABLE; turn++) {
            struct pollfd fd = {.fd = store->ops->fd(store), .events = POLLIN};
            if (store->ops->dispatch(store, err) != ARC_OK)
                break;
            status = store->ops->health(store, err);
            if (status == ARC_EUNAVAILABLE)
                (void)poll(&fd, 1, 5);
        }
        if (status == ARC_OK)
            return store;
        store->ops->close(store);
        (void)poll(NULL, 0, 5); /* it is asked again */
    }
    return NULL;
}

static void live(void *user)
{
    const struct client *client = user;
    struct arc_store *store = open_store(client, NULL);
    if (store == NULL)
        _exit(3);
    int64_t next =
        soak_say_many(store, client->world, client->there + 1, client->count, client->acks);
    if (next < 0)
        _exit((int)-next);
    store->ops->close(store);
    _exit(0);
}

static void look(void *user, struct soak_seen *seen)
{
    const struct client *client = user;
    struct arc_store *store = open_store(client, &seen->err);
    if (store == NULL)
        return;
    seen->heard = soak_heard(store, client->world);
    store->ops->close(store);
}

/* Reads what was said to be stored; after `most` of them it does not wait for more. */
static int64_t hear(int acks, int64_t last, int64_t most)
{
    int64_t number;
    while (most-- > 0 && read(acks, &number, sizeof(number)) > 0)
        last = number;
    return last;
}

/* At a moment that nobody chose; the last batch that was said to be stored. */
static int64_t live_at_random(struct client *client, uint64_t random, int *status)
{
    int acks[2];
    int64_t most = (int64_t)(soak_random(&random) % COMMITS_MAX);
    unsigned spins = (unsigned)(soak_random(&random) % 600000);
    if (pipe(acks) != 0)
        abort();
    client->acks = acks[1];
    client->count = INT64_MAX / 2;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        live(client);
    (void)close(acks[1]);
    int64_t last = hear(acks[0], client->there, most);
    for (volatile unsigned i = 0; i < spins; i++)
        continue; /* a little further, into the middle of things */
    (void)kill(child, SIGKILL);
    last = hear(acks[0], last, INT64_MAX);
    (void)close(acks[0]);
    (void)waitpid(child, status, 0);
    return last;
}

static int64_t live_at_call(struct client *client, struct trace *trace, int *status)
{
    int acks[2];
    if (pipe(acks) != 0)
        abort();
    client->acks = acks[1];
    client->count = COMMITS_MAX;
    *status = trace_live(trace, live, client);
    (void)close(acks[1]);
    int64_t last = hear(acks[0], client->there, INT64_MAX);
    (void)close(acks[0]);
    return last;
}

/* How many calls there are to die at. The first life makes the tables, the one behind it is as
 * those that follow; neither is killed. 0: they did not come to their end. */
static uint64_t calls_of_a_life(struct client *client, const struct pg_server *server)
{
    struct trace trace = {.calls = TRACE_WIRE};
    pg_server_empty(server);
    client->there = 0;
    client->world = 1;
    for (int life = 0; life < 2; life++) {
        int status = 0;
        int64_t last = live_at_call(client, &trace, &status);
        if (status != 0 || last != client->there + COMMITS_MAX)
            return 0;
        client->there = last;
    }
    return trace.counted;
}

static void live_all(struct soak *soak, struct client *client, const struct pg_server *server,
                     uint64_t calls)
{
    struct trace trace = {.calls = TRACE_WIRE};
    uint64_t in_calls = 0, ended = 0, first = soak->from;
    uint64_t places = calls + (calls % PLACES_STEP == 0);
    first -= (first - 1) % LIVES_OF_A_DATABASE;
    for (uint64_t life = first; life <= soak->to; life++) {
        int status = 0;
        uint64_t random = soak_begin(soak, life);
        if ((life - 1) % LIVES_OF_A_DATABASE == 0) {
            pg_server_empty(server);
            client->there = 0;
            client->world = random;
        }
        int64_t before = client->there, last;
        if (life % 2 == 0) {
            /* Each call, before it is done and after; the near ones not one after the other, so
             * that a few show much. */
            trace.dies_at = 1 + life / 4 * PLACES_STEP % places;
            trace.after = life / 2 % 2 == 1;
            last = live_at_call(client, &trace, &status);
            in_calls += WIFSIGNALED(status) != 0;
            ended += !WIFSIGNALED(status);
        } else {
            last = live_at_random(client, random, &status);
        }
        if (!WIFSIGNALED(status) && WEXITSTATUS(status) != 0)
            soak_fail(soak, life, "the process could not commit", "");
        struct soak_seen seen = soak_look(look, client);
        client->there = soak_judge(soak, life, &seen, last);
        soak->lives++;
        soak_count(soak, "batches said to be stored", (uint64_t)(last - before));
        if (client->there < 0)
            break; /* the rest of this database's lives would say the same */
    }
    soak_count(soak, "calls of a life", calls);
    soak_count(soak, "killed at a certain call", in_calls);
    soak_count(soak, "over before that call came", ended);
    if (ended >= AIMED_MIN && ended > in_calls)
        soak_fail(soak, soak->to, "lives are shorter than was measured", "few died at a call");
}

void soak_pgkill(struct soak *soak)
{
    /* Of the client's deaths alone: the server's disk has no part in them. */
    static const char *const fast[] = {"fsync=off", "full_page_writes=off", "jit=off", NULL};
    struct client client = {.there = 0};
    const char *refused = trace_refused();
    struct pg_server *server = refused == NULL ? pg_server_get() : NULL;
    if (refused != NULL || server == NULL || !pg_server_restart(server, fast)) {
        soak_skip(soak, refused != NULL ? refused : "there is no PostgreSQL 15 here");
        return;
    }
    (void)pg_server_url(server, "", client.url, sizeof(client.url));
    uint64_t calls = calls_of_a_life(&client, server);
    if (calls == 0)
        soak_fail(soak, 0, "a life that nobody ends did not come to its end", "");
    else
        live_all(soak, &client, server, calls);
}
