/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pg_server.h"
#include "store/pg_url.h"
#include "store_contract.h"

/* What a case gives a server that is only slow. A store gives up sooner: a machine on which much
 * else is done may stop one for longer than that. */
#define PATIENCE_MS 120000

/* Options for cases that are not about deadlines. */
static struct arc_store_pg_options patient_options(void)
{
    struct arc_store_pg_options options = pg_server_options();
    options.connect_ms = PATIENCE_MS;
    options.statement_ms = PATIENCE_MS;
    options.lock_ms = PATIENCE_MS;
    options.call_ms = PATIENCE_MS;
    return options;
}

static int64_t wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct arc_store_pg_options options = patient_options();
    return pg_server_store(mem, &options, err);
}

void contract_close(struct arc_store *store)
{
    store->ops->close(store);
}

struct arc_store *contract_again(struct arc_store *store, const struct arc_mem *mem, arc_err *err)
{
    struct arc_store_pg_options options = patient_options();
    return pg_server_again(store, mem, &options, err);
}

int contract_lasts(void)
{
    return 1;
}

size_t contract_key_bytes(void)
{
    return 1000; /* its indexes take no more than 2.7 kB */
}

static struct arc_store *open_default(void)
{
    struct arc_mem mem = arc__mem_default();
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = contract_open(&mem, &err);
    CHECK_OK(err.status);
    return store;
}

static arc_status open_url(const char *url, const struct arc_store_pg_options *given,
                           struct arc_store **out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_store_pg_options options = pg_server_options();
    *out = NULL;
    return arc__store_pg_open(&mem, url, given != NULL ? given : &options, out, err);
}

/* The tests' commits: an event (stream, seq) with a position of its own. */
static arc_status say(struct arc_store *store, const char *stream, int64_t seq, arc_err *err)
{
    struct arc_row_event row = {.stream = arc__slice_cstr(stream),
                                .seq = seq,
                                .position = seq,
                                .type = ARC_LIT("run.started"),
                                .body = ARC_LIT("{}")};
    struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_event, &row, 0};
    return contract_commit(store, &op, 1, err);
}

/* Until what it says of itself is this; 1: it was. */
static int wait_health(struct arc_store *store, arc_status want, arc_err *err)
{
    for (int i = 0; i < 20000; i++) {
        *err = (arc_err)ARC_ERR_INIT;
        if (store->ops->health(store, err) == want &&
            (want == ARC_OK || strstr(err->message, "being connected") == NULL))
            return 1;
        contract_round(store);
    }
    return CHECK_TEXT(arc__slice_cstr(err->message), "the health that was waited for");
}

/* --- the URL --------------------------------------------------------------------------------- */

static void a_bad_url_is_refused_without_its_password(void)
{
    static const char *const urls[] = {
        "postgres://host/db",
        "postgres://:geheim@host/db",
        "postgres://arc:geheim@127.0.0.1/db?no_such=1",
        "postgres://arc:geheim@[::1/db",
        "postgres://arc:geheim@127.0.0.1:5432:1/db?sslmode",
        "postgres://arc:geheim%zz@127.0.0.1/db",
        "postgres://arc:geheim@a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r/db?hostaddr=",
    };
    for (size_t i = 0; i < ARC_COUNT_OF(urls); i++) {
        struct arc_store *store = NULL;
        arc_err err = ARC_ERR_INIT;
        arc_status status = open_url(urls[i], NULL, &store, &err);
        CHECK(status == ARC_EINVAL || (i == 6 && status == ARC_EUNAVAILABLE));
        CHECK_TEXT(arc__slice_cstr(err.subject), "store_url");
        CHECK(strstr(err.message, "geheim") == NULL && err.message[0] != '\0');
        CHECK(store == NULL);
    }
    struct arc_store *store = NULL;
    struct arc_store_pg_options no_clock = ARC_STORE_PG_OPTIONS_INIT;
    CHECK_STATUS(open_url("postgres://arc@/db", &no_clock, &store, NULL), ARC_EINVAL);
}

static void a_host_beyond_this_machine_wants_tls(void)
{
    static const struct {
        const char *url, *hostaddr, *holds;
    } rows[] = {
        {"postgres://a@192.0.2.1/x", NULL, "sslmode='verify-full'"},
        {"postgres://a@[2001:db8::1]/x", NULL, "sslmode='verify-full'"},
        {"postgres://a@127.0.0.1,192.0.2.1/x", NULL, "sslmode='verify-full'"},
        {"postgres://a@db.example/x", "192.0.2.7", "hostaddr='192.0.2.7'"},
        {"postgres://a@db.example/x", "192.0.2.7", "sslmode='verify-full'"},
        {"postgres://a@db.example/x?hostaddr=127.0.0.1", NULL, "sslmode='prefer'"},
        {"postgres://a@127.0.0.1:77/x", NULL, "hostaddr='127.0.0.1'"},
        {"postgres://a@127.0.0.1:77/x", NULL, "port='77'"},
        {"postgres://a@127.8.0.1/x", NULL, "sslmode='prefer'"},
        {"postgres://a@[::1]/x", NULL, "sslmode='prefer'"},
        {"postgres:///x?user=a&host=/run/x", NULL, "sslmode='prefer'"},
        {"postgres:///x?user=a&host=/run/x", NULL, "host='/run/x'"},
        {"postgres://a@/x", NULL, "host=''"},
        {"postgres://a@192.0.2.1/x?sslmode=require", NULL, "sslmode='require'"},
        {"postgres://a@192.0.2.1/x", NULL, "target_session_attrs='read-write'"},
        {"postgres://a@192.0.2.1/x", NULL, "client_encoding='UTF8'"},
        {"postgres://a:b%27%5Cc@192.0.2.1/x", NULL, "password='b\\'\\\\c'"},
    };
    struct arc_mem mem = arc__mem_default();
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_pg_url url;
        struct arc_pg_url_options options = {rows[i].hostaddr, 15000};
        CHECK_OK(arc__pg_url_read(&mem, rows[i].url, &options, &url, NULL));
        CHECK(url.conninfo != NULL && strstr(url.conninfo, rows[i].holds) != NULL);
        arc__pg_url_drop(&mem, &url);
    }
}

static void secrets_are_struck_out_of_texts(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_pg_url url;
    struct arc_pg_url_options options = {NULL, 1};
    char text[] = "he said geheim, and geheimer; the key was pass";
    CHECK_OK(
        arc__pg_url_read(&mem, "postgres://a:geheim@/x?sslpassword=pass", &options, &url, NULL));
    arc__pg_url_scrub(&url, text);
    CHECK_TEXT(arc__slice_cstr(text), "he said ******, and ******er; the key was ****");
    arc__pg_url_drop(&mem, &url);
    CHECK(url.conninfo == NULL);
}

static int url_life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct arc_pg_url url;
    struct arc_pg_url_options options = {NULL, 1};
    arc_err err = ARC_ERR_INIT;
    arc_status status =
        arc__pg_url_read(&mem, "postgres://a:b@127.0.0.1,127.0.0.2/x", &options, &url, &err);
    CHECK(status == ARC_OK || status == ARC_ENOMEM);
    CHECK((url.conninfo != NULL) == (status == ARC_OK));
    arc__pg_url_drop(&mem, &url);
    return status == ARC_OK;
}

static void a_url_is_read_without_memory(void)
{
    test_torture(url_life, 0, 200);
    test_torture(url_life, 1, 200);
}

static void the_environment_is_not_asked(void)
{
    static const char *const names[][2] = {{"PGHOST", "/nowhere"},
                                           {"PGPORT", "1"},
                                           {"PGUSER", "nobody"},
                                           {"PGDATABASE", "nothing"},
                                           {"PGOPTIONS", "-c x"},
                                           {"PGSSLMODE", "no"},
                                           {"PGAPPNAME", "elsewhere"},
                                           {"PGPASSWORD", "x"},
                                           {"PGTARGETSESSIONATTRS", "no"},
                                           {"PGCLIENTENCODING", "no"},
                                           {"PGGSSENCMODE", "no"},
                                           {"PGCHANNELBINDING", "no"},
                                           {"PGSSLMINPROTOCOLVERSION", "no"},
                                           {"PGCONNECT_TIMEOUT", "no"}};
    char url[160];
    struct arc_store *store = open_default(); /* the helpers of the test do ask it */
    if (store == NULL)
        return;
    store->ops->close(store);
    for (size_t i = 0; i < ARC_COUNT_OF(names); i++)
        (void)setenv(names[i][0], names[i][1], 1);
    CHECK_OK(open_url(pg_server_url(pg_server_get(), "", url, sizeof(url)), NULL, &store, NULL));
    CHECK_OK(say(store, "s", 1, NULL));
    CHECK_INT(contract_count(store, ARC_TABLE_event), 1);
    for (size_t i = 0; i < ARC_COUNT_OF(names); i++)
        (void)unsetenv(names[i][0]);
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT count(*) FROM pg_stat_activity WHERE "
                                             "application_name = 'arcentra'"),
              2);
    store->ops->close(store);
}

/* --- opening --------------------------------------------------------------------------------- */

/* Opens the database as it is and answers what becomes of the first query. */
static arc_status open_and_ask(const struct arc_store_pg_options *options, arc_err *err)
{
    char url[160];
    struct arc_store *store = NULL;
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_rows rows;
    struct arc_query query = {.table = ARC_TABLE_outbox, .order_col = -1};
    *err = (arc_err)ARC_ERR_INIT;
    if (!CHECK_OK(
            open_url(pg_server_url(pg_server_get(), "", url, sizeof(url)), options, &store, err)))
        return err->status;
    arc__arena_init(&arena, &mem, 1 << 20);
    arc_status status = contract_query(store, &query, &arena, &rows, err);
    arc__arena_deinit(&arena);
    store->ops->close(store);
    return status;
}

static void drop_tables(void)
{
    (void)pg_server_ask(pg_server_get(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
}

static void what_a_newer_version_brings_is_added(void)
{
    arc_err err;
    struct pg_server *server = pg_server_get();
    if (server == NULL)
        return;
    drop_tables();
    CHECK_OK(open_and_ask(NULL, &err));
    int64_t indexes = pg_server_ask(server, "SELECT count(*) FROM pg_indexes");
    (void)pg_server_ask(server, "ALTER TABLE t_outbox DROP COLUMN claimed_by, DROP COLUMN "
                                "claimed_until_ns; ALTER TABLE t_pipeline_run DROP COLUMN home;"
                                "DROP INDEX t_event__position;"
                                "DROP TABLE t_token, t_commit, t_replica");
    CHECK_OK(open_and_ask(NULL, &err));
    CHECK_INT(pg_server_ask(server, "SELECT count(claimed_by) + count(claimed_until_ns) FROM "
                                    "t_outbox"),
              0);
    CHECK_INT(pg_server_ask(server, "SELECT count(home) FROM t_pipeline_run"), 0);
    CHECK_INT(pg_server_ask(server, "SELECT count(*) FROM t_replica"), 0);
    CHECK_INT(pg_server_ask(server, "SELECT count(*) FROM pg_indexes"), indexes);
    CHECK_OK(open_and_ask(NULL, &err)); /* nothing is missing any more */
    CHECK_INT(pg_server_ask(server, "SELECT count(*) FROM pg_indexes"), indexes);
}

static void what_is_not_ours_is_refused(void)
{
    static const struct {
        const char *make, *says;
    } rows[] = {
        {"CREATE TABLE t_event (x int)", "another program"},
        {"ALTER TABLE t_event ADD COLUMN extra text", "more columns"},
        {"ALTER TABLE t_event DROP COLUMN body; ALTER TABLE t_event ADD COLUMN body bytea",
         "other columns"},
        {"ALTER TABLE t_event RENAME COLUMN type TO kind", "other columns"},
        {"ALTER TABLE t_event DROP CONSTRAINT t_event_pkey", "other columns"},
        {"UPDATE t_store SET value = 2", "another version"},
        {"DELETE FROM t_store", "another version"},
    };
    struct pg_server *server = pg_server_get();
    if (server == NULL)
        return;
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        arc_err err;
        drop_tables();
        if (i > 0)
            CHECK_OK(open_and_ask(NULL, &err));
        (void)pg_server_ask(server, rows[i].make);
        CHECK_STATUS(open_and_ask(NULL, &err), ARC_EPRECONDITION);
        if (!CHECK_INT(strstr(err.message, rows[i].says) != NULL, 1))
            printf("# %s\n", err.message);
    }
    drop_tables();
    arc_err err;
    struct arc_store_pg_options options = pg_server_options();
    options.must_exist = 1;
    CHECK_STATUS(open_and_ask(&options, &err), ARC_ENOTFOUND);
    CHECK_INT(pg_server_ask(server, "SELECT count(*) FROM pg_class WHERE relname LIKE 't\\_%'"), 0);
    CHECK_OK(open_and_ask(NULL, &err));
    CHECK_OK(open_and_ask(&options, &err));
}

static int schema_life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    arc_err err = ARC_ERR_INIT;
    struct arc_store_pg_options options = pg_server_options();
    drop_tables();
    struct arc_store *store = pg_server_store(&mem, &options, &err);
    arc_status status = store != NULL ? say(store, "s", 1, &err) : err.status;
    CHECK(status == ARC_OK || status == ARC_ENOMEM);
    state->fail_at = 0; /* it goes on with the memory that is there again */
    if (store != NULL && status != ARC_OK)
        CHECK_OK(say(store, "s", 1, NULL));
    if (store != NULL)
        store->ops->close(store);
    return status == ARC_OK;
}

static void the_schema_is_made_without_memory(void)
{
    if (pg_server_get() != NULL)
        test_torture(schema_life, 0, 200);
}

static void a_second_process_is_kept_away(void)
{
    struct arc_store *first = open_default();
    if (first == NULL)
        return;
    arc_err err = ARC_ERR_INIT;
    char url[160];
    struct arc_store *second = NULL;
    struct arc_store_pg_options options = pg_server_options();
    options.lock_ms = 50;
    CHECK_OK(say(first, "s", 1, NULL));
    CHECK_OK(
        open_url(pg_server_url(pg_server_get(), "", url, sizeof(url)), &options, &second, &err));
    CHECK_STATUS(say(second, "s", 2, &err), ARC_ECONFLICT);
    CHECK(strstr(err.message, "process ") != NULL);
    CHECK(wait_health(second, ARC_ECONFLICT, &err));
    CHECK_OK(say(first, "s", 2, NULL));
    first->ops->close(first);
    CHECK(wait_health(second, ARC_OK, &err)); /* it stood by */
    CHECK_OK(say(second, "s", 3, &err));
    second->ops->close(second);
    options.shared = 1;
    CHECK_OK(open_url(url, &options, &first, &err));
    CHECK_OK(open_url(url, &options, &second, &err));
    CHECK_OK(say(first, "s", 4, &err));
    CHECK_OK(say(second, "s", 5, &err));
    CHECK_OK(say(first, "s", 6, &err));
    first->ops->close(first);
    second->ops->close(second);
}

static void who_was_taken_over_writes_no_more(void)
{
    struct arc_store *store = open_default();
    if (store == NULL)
        return;
    arc_err err = ARC_ERR_INIT;
    CHECK_OK(say(store, "s", 1, NULL));
    (void)pg_server_ask(pg_server_get(), "DELETE FROM t_commit");
    CHECK_STATUS(say(store, "s", 2, &err), ARC_EIO);
    CHECK(strstr(err.message, "taken the database over") != NULL);
    CHECK_STATUS(say(store, "s", 3, &err), ARC_EIO);
    CHECK_STATUS(store->ops->health(store, &err), ARC_EIO);
    CHECK_INT(contract_count(store, ARC_TABLE_event), 1);
    store->ops->close(store);
}

/* --- several processes ----------------------------------------------------------------------- */

#define TURNS 40
#define EVENTS_MAX 5

/* One of the processes: what it says follows what the others have said. */
struct replica {
    struct arc_store *store;
    char stream[2];
    int64_t seq, position; /* of the last event that it knows of */
    int turns;             /* that are done */
    int busy;
    struct arc_row_event rows[EVENTS_MAX];
    struct arc_store_op ops[EVENTS_MAX];
    size_t count;
    int moved; /* how many batches stood elsewhere than it thought */
    unsigned char taken[TURNS * EVENTS_MAX * 3];
};

static struct arc_store *open_shared(int without_pipeline)
{
    char url[160];
    struct arc_store *store = NULL;
    struct arc_store_pg_options options = patient_options();
    options.shared = 1;
    options.without_pipeline = without_pipeline;
    CHECK_OK(
        open_url(pg_server_url(pg_server_get(), "", url, sizeof(url)), &options, &store, NULL));
    return store;
}

static void on_said(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct replica *self = user;
    (void)err;
    self->busy = 0;
    CHECK_OK(status);
    self->moved += shift != 0;
    for (size_t i = 0; status == ARC_OK && i < self->count; i++) {
        int64_t at = self->rows[i].position + shift;
        if (CHECK_INT(at > self->position && at < (int64_t)sizeof(self->taken), 1))
            self->taken[at] = 1;
        self->position = at;
    }
    self->seq += (int64_t)self->count;
    self->turns++;
}

static void begin_turn(struct replica *self)
{
    self->count = (size_t)(self->turns * 7 + self->stream[0]) % EVENTS_MAX + 1;
    for (size_t i = 0; i < self->count; i++) {
        self->rows[i] = (struct arc_row_event){.stream = arc__slice_cstr(self->stream),
                                               .seq = self->seq + 1 + (int64_t)i,
                                               .position = self->position + 1 + (int64_t)i,
                                               .type = ARC_LIT("t")};
        self->ops[i] = (struct arc_store_op){ARC_STORE_INSERT, ARC_TABLE_event, &self->rows[i], 0};
    }
    struct arc_store_batch batch = {self->ops, self->count, 1};
    self->busy = 1;
    CHECK_OK(self->store->ops->commit(self->store, &batch, on_said, self, NULL));
}

/* Lets each of them work, once one has something to do. */
static void turn_all(struct arc_store *const *stores, size_t count)
{
    struct pollfd fds[3];
    int wait_ms = 100;
    for (size_t i = 0; i < count && i < ARC_COUNT_OF(fds); i++) {
        int timeout_ms = stores[i]->ops->timeout_ms(stores[i]);
        fds[i] = (struct pollfd){.fd = stores[i]->ops->fd(stores[i]), .events = POLLIN};
        wait_ms = timeout_ms >= 0 && timeout_ms < wait_ms ? timeout_ms : wait_ms;
    }
    (void)poll(fds, (nfds_t)count, wait_ms); /* dispatch looks itself */
    for (size_t i = 0; i < count; i++)
        CHECK_OK(stores[i]->ops->dispatch(stores[i], NULL));
}

static void all_take_turns(struct replica *replicas, struct arc_store *const *stores, size_t count)
{
    int64_t late_ms = wall_ms() + PATIENCE_MS;
    for (size_t over = 0; over < count && wall_ms() < late_ms;) {
        over = 0;
        for (size_t i = 0; i < count; i++) {
            struct replica *self = &replicas[i];
            if (!self->busy && self->turns < TURNS)
                begin_turn(self);
            over += !self->busy;
        }
        if (over < count)
            turn_all(stores, count);
    }
}

/* Where each event stands, as its process was told, is one row without gaps. */
static void check_log(const struct replica *replicas, int count)
{
    int64_t said = 0, last = 0;
    for (int i = 0; i < count; i++) {
        CHECK_INT(replicas[i].turns, TURNS);
        said += replicas[i].seq;
        last = replicas[i].position > last ? replicas[i].position : last;
    }
    CHECK_INT(last, said);
    for (int64_t at = 1; at <= last; at++) {
        int takers = 0;
        for (int i = 0; i < count; i++)
            takers += replicas[i].taken[at];
        CHECK_INT(takers, 1);
    }
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT max(position) FROM t_event"), said);
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT count(*) FROM t_event"), said);
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT count(*) FROM (SELECT position < lag(position)"
                                             " OVER (PARTITION BY stream ORDER BY seq) AS back"
                                             " FROM t_event) AS e WHERE back"),
              0);
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT last FROM t_log"), said);
}

static void several_processes_write_one_log(void)
{
    enum { COUNT = 3 };
    static struct replica replicas[COUNT];
    struct arc_store *stores[COUNT];
    struct arc_store *first = open_default(); /* makes the tables */
    if (first == NULL)
        return;
    CHECK_OK(say(first, "s", 1, NULL));
    first->ops->close(first);
    (void)pg_server_ask(pg_server_get(), "DELETE FROM t_event; UPDATE t_log SET last = 0");
    int moved = 0;
    for (int i = 0; i < COUNT; i++) {
        stores[i] = open_shared(i == COUNT - 1);
        replicas[i] = (struct replica){.store = stores[i]};
        replicas[i].stream[0] = (char)('a' + i);
    }
    all_take_turns(replicas, stores, COUNT);
    check_log(replicas, COUNT);
    for (int i = 0; i < COUNT; i++) {
        moved += replicas[i].moved;
        replicas[i].store->ops->close(replicas[i].store);
    }
    CHECK(moved > 0);
}

struct news {
    int times;
    uint32_t tables; /* the last time */
    int64_t last;
};

static void on_changed(void *user, uint32_t tables, int64_t last)
{
    struct news *news = user;
    news->times++;
    news->tables = tables;
    news->last = last;
}

/* Sleeps until the store wakes, and lets it work, until changed has been called so often. */
static void wait_changed(struct arc_store *store, const struct news *news, int want)
{
    for (int rounds = 0; rounds < 1000 && news->times < want; rounds++) {
        struct pollfd fd = {.fd = store->ops->fd(store), .events = POLLIN};
        int wait_ms = store->ops->timeout_ms(store);
        CHECK(poll(&fd, 1, wait_ms < 0 ? 10000 : wait_ms) == 1 || wait_ms >= 0);
        CHECK_OK(store->ops->dispatch(store, NULL));
    }
    CHECK_INT(news->times, want);
}

static void others_are_heard(int without_pipeline)
{
    struct arc_store *first = open_default(); /* an empty database */
    if (first == NULL)
        return;
    CHECK(first->ops->watch == NULL);
    CHECK_OK(say(first, "s", 1, NULL));
    first->ops->close(first);
    struct news news = {0, 0, 0};
    struct arc_store *one = open_shared(without_pipeline), *other = open_shared(without_pipeline);
    struct arc_row_counter row = {ARC_LIT("n"), 1};
    struct arc_store_op silent = {ARC_STORE_PUT, ARC_TABLE_counter, &row, 0};
    struct arc_row_inbox for_one = {.id = ARC_LIT("1"), .addressee = ARC_LIT("one")};
    struct arc_store_op note = {ARC_STORE_INSERT, ARC_TABLE_inbox, &for_one, 0};
    one->ops->watch(one, on_changed, &news);
    CHECK_OK(say(one, "one", 2, NULL)); /* what is one's own is no news, */
    CHECK_OK(say(one, "one", 3, NULL));
    CHECK_OK(contract_commit(other, &silent, 1, NULL));      /* nor is what holds no events, */
    CHECK_STATUS(say(other, "one", 3, NULL), ARC_ECONFLICT); /* nor what was refused */
    CHECK_OK(say(other, "other", 4, NULL));
    wait_changed(one, &news, 1);
    CHECK_INT(news.tables, 1u << ARC_TABLE_event);
    CHECK_INT(news.last, 4);
    CHECK_OK(say(one, "one", 5, NULL));
    CHECK_OK(say(other, "other", 6, NULL));
    wait_changed(one, &news, 2);
    (void)pg_server_ask(pg_server_get(), "SELECT count(pg_terminate_backend(pid)) FROM "
                                         "pg_stat_activity WHERE application_name = 'arcentra'");
    wait_changed(one, &news, 3); /* it may have missed something */
    CHECK_INT(news.tables, ARC_STORE_ANY);
    CHECK_OK(say(other, "other", 7, NULL));
    wait_changed(one, &news, 4); /* it listens again */
    CHECK_OK(contract_commit(other, &note, 1, NULL));
    wait_changed(one, &news, 5);
    CHECK_INT(news.tables, 1u << ARC_TABLE_inbox);
    CHECK_INT(news.last, 7);
    CHECK_INT(pg_server_ask(pg_server_get(), /* somebody else */
                            "SELECT 1 FROM (SELECT pg_notify('arcentra_' ||"
                            " current_schema()::regnamespace::oid, '2 hello')) AS n"),
              1);
    wait_changed(one, &news, 6);
    CHECK_INT(news.tables, ARC_STORE_ANY);
    CHECK_INT(news.last, 0);
    one->ops->watch(one, NULL, NULL);
    CHECK_OK(say(other, "other", 8, NULL));
    CHECK_OK(say(one, "one", 9, NULL));
    CHECK_INT(news.times, 6);
    one->ops->close(one);
    other->ops->close(other);
}

static void events_of_others_are_heard(void)
{
    others_are_heard(0);
    others_are_heard(1);
}

enum { NOTICES = 60, AT_ONCE = 7 };

struct taker {
    struct arc_store *store;
    struct arc_arena arena;
    int busy, over;
    int *taken; /* by notice, how often */
};

static void on_taken(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct taker *self = user;
    (void)err;
    self->busy = 0;
    CHECK_OK(status);
    self->over = status != ARC_OK || rows->count == 0;
    for (size_t i = 0; status == ARC_OK && i < rows->count; i++) {
        const struct arc_row_outbox *row = (const struct arc_row_outbox *)rows->rows + i;
        int64_t number = -1;
        (void)arc__slice_to_i64(row->id, &number);
        if (CHECK_INT(number >= 0 && number < NOTICES, 1))
            self->taken[number]++;
    }
    arc__arena_reset(&self->arena);
}

static const struct arc_claim notices = {.table = ARC_TABLE_outbox,
                                         .by_col = ARC_COL_outbox_claimed_by,
                                         .until_col = ARC_COL_outbox_claimed_until_ns,
                                         .by = {"me", 2},
                                         .until_ns = 5,
                                         .limit = AT_ONCE};

static void no_row_is_taken_twice(void)
{
    enum { TAKERS = 3 };
    struct arc_mem mem = arc__mem_default();
    struct taker takers[TAKERS];
    struct arc_store *stores[TAKERS];
    int taken[NOTICES] = {0};
    struct arc_store *first = open_default(); /* an empty database */
    if (first == NULL)
        return;
    CHECK_OK(say(first, "s", 1, NULL));
    first->ops->close(first);
    (void)pg_server_ask(pg_server_get(), "INSERT INTO t_outbox (id) SELECT lpad(n::text, 3, '0')"
                                         " FROM generate_series(0, 59) AS n");
    struct pg_side *side = pg_side_open(pg_server_get());
    pg_side_ask(side, "BEGIN; UPDATE t_outbox SET fault = 'x' WHERE id = '005'");
    for (int i = 0; i < TAKERS; i++) {
        stores[i] = open_shared(i == TAKERS - 1);
        takers[i] = (struct taker){.store = stores[i], .taken = taken};
        arc__arena_init(&takers[i].arena, &mem, 1 << 20);
    }
    int64_t late_ms = wall_ms() + PATIENCE_MS;
    for (int over = 0; over < TAKERS && wall_ms() < late_ms;) {
        over = 0;
        for (int i = 0; i < TAKERS; i++) {
            struct taker *self = &takers[i];
            if (!self->busy && !self->over) {
                self->busy = 1;
                CHECK_OK(self->store->ops->claim(self->store, &notices, &self->arena, on_taken,
                                                 self, NULL));
            }
            over += self->over;
        }
        if (over < TAKERS)
            turn_all(stores, TAKERS);
    }
    for (int i = 0; i < NOTICES; i++)
        CHECK_INT(taken[i], i != 5); /* which is locked, and nobody waited for it */
    pg_side_ask(side, "COMMIT");
    pg_side_close(side);
    struct arc_rows rows = {NULL, 0, 0};
    CHECK_OK(contract_claim(takers[0].store, &notices, &takers[0].arena, &rows, NULL));
    CHECK_INT(rows.count, 1);
    for (int i = 0; i < TAKERS; i++) {
        takers[i].store->ops->close(takers[i].store);
        arc__arena_deinit(&takers[i].arena);
    }
}

static void a_lost_batch_takes_no_place(void)
{
    struct arc_store *first = open_default(); /* an empty database */
    if (first == NULL)
        return;
    CHECK_OK(say(first, "s", 1, NULL));
    first->ops->close(first);
    struct arc_store *stores[] = {open_shared(0), open_shared(0)};
    int64_t shift = -1;
    struct arc_row_event row = {.stream = ARC_LIT("s"), .seq = 2, .position = 2};
    struct arc_row_agent agent = {.id = ARC_LIT("a"), .version = 2};
    struct arc_store_op ops[] = {{ARC_STORE_INSERT, ARC_TABLE_event, &row, 0},
                                 {ARC_STORE_UPDATE, ARC_TABLE_agent, &agent, 1}};
    CHECK_OK(contract_follow(stores[0], ops, 1, &shift, NULL));
    CHECK_INT(shift, 0);
    CHECK_STATUS(contract_follow(stores[1], ops, 1, NULL, NULL), ARC_ECONFLICT); /* its seq */
    row.seq = 3;
    CHECK_STATUS(contract_follow(stores[1], ops, 2, NULL, NULL), ARC_ECONFLICT); /* a version */
    CHECK_OK(contract_follow(stores[1], ops, 1, &shift, NULL));
    CHECK_INT(shift, 1);
    row.seq = 4;
    row.position = 100; /* it has not seen so many */
    CHECK_OK(contract_follow(stores[0], ops, 1, &shift, NULL));
    CHECK_INT(shift, -96);
    row.seq = 5;
    row.position = 50; /* of a tool: where it says, and others come behind it */
    CHECK_OK(contract_commit(stores[0], ops, 1, NULL));
    row.seq = 6;
    CHECK_STATUS(contract_commit(stores[1], ops, 1, NULL), ARC_ECONFLICT);
    CHECK_OK(contract_follow(stores[1], ops, 1, &shift, NULL));
    CHECK_INT(shift, 1);
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT position FROM t_event WHERE seq = 6"), 51);
    stores[0]->ops->close(stores[0]);
    stores[1]->ops->close(stores[1]);
}

static void the_end_of_an_older_log_is_found(void)
{
    struct arc_store *store = open_default();
    if (store == NULL)
        return;
    int64_t shift = 0;
    struct arc_row_event row = {.stream = ARC_LIT("s"), .seq = 8, .position = 3};
    struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_event, &row, 0};
    CHECK_OK(say(store, "s", 7, NULL));
    store->ops->close(store);
    (void)pg_server_ask(pg_server_get(),
                        "DROP TABLE t_log; ALTER TABLE t_commit DROP COLUMN shift");
    store = open_shared(0);
    CHECK_OK(contract_follow(store, &op, 1, &shift, NULL));
    CHECK_INT(shift, 5);
    store->ops->close(store);
    (void)pg_server_ask(pg_server_get(),
                        "UPDATE t_log SET last = 2"); /* rows came from elsewhere */
    store = open_shared(0);
    row.seq = 9;
    CHECK_OK(contract_follow(store, &op, 1, &shift, NULL));
    CHECK_INT(shift, 6);
    store->ops->close(store);
}

/* The lock of the log's end is for those who share it. */
static void who_is_alone_leaves_the_log_alone(void)
{
    struct arc_store *store = open_default();
    if (store == NULL)
        return;
    int64_t shift = 0;
    struct arc_row_event row = {.stream = ARC_LIT("s"), .seq = 2, .position = 9};
    struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_event, &row, 0};
    (void)pg_server_ask(pg_server_get(), "UPDATE t_log SET last = 0");
    CHECK_OK(say(store, "s", 1, NULL));
    store->ops->close(store);
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT last FROM t_log"), 0);
    store = open_shared(0);
    CHECK_OK(contract_follow(store, &op, 1, &shift, NULL));
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT position FROM t_event WHERE seq = 2"),
              pg_server_ask(pg_server_get(), "SELECT position + 1 FROM t_event WHERE seq = 1"));
    store->ops->close(store);
}

static void rows_that_change_have_room_for_it(void)
{
    struct arc_store *store = open_default();
    if (store == NULL)
        return;
    CHECK_OK(say(store, "s", 1, NULL)); /* the tables are there */
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT count(*) FROM pg_class WHERE relname ="
                                             " 't_step_run' AND 'fillfactor=50' = ANY"
                                             " (reloptions)"),
              1);
    /* Events do not change; what changes of a run has an index anyway. */
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT count(*) FROM pg_class WHERE relname IN"
                                             " ('t_event', 't_pipeline_run') AND reloptions IS"
                                             " NULL"),
              2);
    store->ops->close(store);
}

/* --- batches and queries --------------------------------------------------------------------- */

static void a_conflict_keeps_the_connection(void)
{
    struct arc_store *store = open_default();
    if (store == NULL)
        return;
    for (int64_t i = 1; i <= 20; i++) {
        CHECK_OK(say(store, "s", i, NULL));
        CHECK_STATUS(say(store, "s", i, NULL), ARC_ECONFLICT);
    }
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT epoch FROM t_commit"), 1);
    CHECK_INT(pg_server_ask(pg_server_get(), "SELECT count(*) FROM pg_stat_activity WHERE state "
                                             "LIKE 'idle in transaction%'"),
              0);
    store->ops->close(store);
}

static void a_batch_of_a_hundred_thousand(void)
{
    struct arc_store *store = open_default();
    struct arc_row_event *rows = calloc(ARC_STORE_BATCH_MAX, sizeof(*rows));
    struct arc_store_op *ops = calloc(ARC_STORE_BATCH_MAX, sizeof(*ops));
    static struct arc_row_agent agent = {.id = {"a", 1}, .version = 1};
    for (int64_t i = 0; store != NULL && rows != NULL && ops != NULL && i < ARC_STORE_BATCH_MAX;
         i++) {
        rows[i] = (struct arc_row_event){.stream = ARC_LIT("s"),
                                         .seq = i,
                                         .position = i + 1,
                                         .type = ARC_LIT("t"),
                                         .body = ARC_LIT("{\"a\":\"a body of some length\"}")};
        ops[i] = (struct arc_store_op){ARC_STORE_INSERT, ARC_TABLE_event, &rows[i], 0};
    }
    if (store != NULL && rows != NULL && ops != NULL) {
        ops[ARC_STORE_BATCH_MAX / 2] =
            (struct arc_store_op){ARC_STORE_UPDATE, ARC_TABLE_agent, &agent, 1};
        CHECK_STATUS(contract_commit(store, ops, ARC_STORE_BATCH_MAX, NULL), ARC_ECONFLICT);
        CHECK_INT(contract_count(store, ARC_TABLE_event), 0);
        ops[ARC_STORE_BATCH_MAX / 2].verb = ARC_STORE_INSERT;
        CHECK_OK(contract_commit(store, ops, ARC_STORE_BATCH_MAX, NULL));
        CHECK_INT(contract_count(store, ARC_TABLE_event), ARC_STORE_BATCH_MAX - 1);
        CHECK_INT(contract_count(store, ARC_TABLE_agent), 1);
    }
    free(rows);
    free(ops);
    if (store != NULL)
        store->ops->close(store);
}

struct many {
    int answered, in_order;
    int64_t seen;
};

static void on_one(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct many *many = user;
    (void)err;
    CHECK_OK(status);
    if (status == ARC_OK && rows->count == 1) {
        int64_t seq = ((const struct arc_row_event *)rows->rows)->seq;
        many->in_order += seq == many->seen + 1;
        many->seen = seq;
    }
    many->answered++;
}

static void many_queries_at_once(void)
{
    enum { COUNT = 500 };
    struct arc_store *store = open_default();
    if (store == NULL)
        return;
    struct arc_mem mem = arc__mem_default();
    struct many many = {0};
    static struct arc_arena arenas[COUNT];
    for (int64_t i = 1; i <= COUNT; i++)
        CHECK_OK(i % 50 == 1 ? say(store, "s", i, NULL) : ARC_OK);
    for (int i = 0; i < COUNT; i++) {
        struct arc_query query = {.table = ARC_TABLE_event, .filter_count = 1, .want_total = 1};
        query.filters[0] =
            (struct arc_filter){.col = ARC_COL_event_seq, .op = ARC_FILTER_EQ, .number = i + 1};
        arc__arena_init(&arenas[i], &mem, 4096);
        CHECK_OK(store->ops->query(store, &query, &arenas[i], on_one, &many, NULL));
    }
    for (int i = 0; i < 20000 && many.answered < COUNT; i++)
        contract_round(store);
    CHECK_INT(many.answered, COUNT);
    CHECK_INT(many.seen, COUNT - 49);
    for (int i = 0; i < COUNT; i++)
        arc__arena_deinit(&arenas[i]);
    store->ops->close(store);
}

static void more_kinds_of_queries_than_are_kept(void)
{
    struct arc_store *store = open_default();
    if (store == NULL)
        return;
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_rows rows = {NULL, 0, 0};
    struct arc_row_pipeline row = {.id = ARC_LIT("a"), .version = 1};
    struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_pipeline, &row, 0};
    arc__arena_init(&arena, &mem, 1 << 20);
    CHECK_OK(contract_commit(store, &op, 1, NULL));
    for (int round = 0; round < 2; round++) {
        for (int32_t col = 0; col < ARC_COL_pipeline_COUNT; col++) {
            for (int32_t order = 0; order < ARC_COL_pipeline_COUNT; order += 3) {
                struct arc_query query = {
                    .table = ARC_TABLE_pipeline, .order_col = order, .filter_count = 1};
                query.filters[0] = (struct arc_filter){
                    .col = (uint32_t)col, .op = ARC_FILTER_GE, .number = INT64_MIN};
                CHECK_OK(contract_query(store, &query, &arena, &rows, NULL));
                CHECK_INT(rows.count, 1);
                arc__arena_reset(&arena);
            }
        }
    }
    arc__arena_deinit(&arena);
    store->ops->close(store);
}

static void one_call_too_many_is_refused(void)
{
    struct arc_mem mem = arc__mem_default();
    arc_err err = ARC_ERR_INIT;
    struct arc_store_pg_options options = pg_server_options();
    options.calls_max = 3;
    struct arc_store *store = pg_server_store(&mem, &options, &err);
    if (store == NULL)
        return;
    struct many many = {0};
    struct arc_arena arena;
    struct arc_query query = {.table = ARC_TABLE_event, .order_col = -1};
    arc__arena_init(&arena, &mem, 1 << 20);
    for (int i = 0; i < 3; i++)
        CHECK_OK(store->ops->query(store, &query, &arena, on_one, &many, NULL));
    CHECK_STATUS(store->ops->query(store, &query, &arena, on_one, &many, &err), ARC_ELIMIT);
    for (int i = 0; i < 20000 && many.answered < 3; i++)
        contract_round(store);
    CHECK_OK(say(store, "s", 1, NULL));
    CHECK_INT(many.answered, 3);
    arc__arena_deinit(&arena);
    store->ops->close(store);
}

static const struct test tests[] = {
    STORE_CONTRACT_CASES{"a store of one has nobody to watch", nobody_else_writes},
    {"a bad URL is refused without its password", a_bad_url_is_refused_without_its_password},
    {"a host beyond this machine wants TLS and its name", a_host_beyond_this_machine_wants_tls},
    {"secrets are struck out of texts", secrets_are_struck_out_of_texts},
    {"a URL is read without memory", a_url_is_read_without_memory},
    {"the environment is not asked", the_environment_is_not_asked},
    {"what a newer version brings is added", what_a_newer_version_brings_is_added},
    {"what is not ours is refused, and not made for a tool", what_is_not_ours_is_refused},
    {"the schema is made without memory", the_schema_is_made_without_memory},
    {"a second process is kept away, unless they share", a_second_process_is_kept_away},
    {"who was taken over writes no more", who_was_taken_over_writes_no_more},
    {"several processes write one log without gaps", several_processes_write_one_log},
    {"events of others are heard, and no others", events_of_others_are_heard},
    {"no row is taken twice, and no lock is waited for", no_row_is_taken_twice},
    {"a batch that is lost takes no place in the log", a_lost_batch_takes_no_place},
    {"the end of an older log is found", the_end_of_an_older_log_is_found},
    {"who has the database alone leaves the log's end alone", who_is_alone_leaves_the_log_alone},
    {"rows that change have room for it in their page", rows_that_change_have_room_for_it},
    {"a conflict keeps the connection", a_conflict_keeps_the_connection},
    {"a batch of a hundred thousand is one transaction", a_batch_of_a_hundred_thousand},
    {"many queries at once are answered in their order", many_queries_at_once},
    {"more kinds of queries than are kept prepared", more_kinds_of_queries_than_are_kept},
    {"one call too many is refused", one_call_too_many_is_refused},
};

TEST_MAIN(tests)
