/* SPDX-License-Identifier: Apache-2.0 */
/* What applications do where they are called: in interceptors and in the events of an end, inside
 * of a pump and outside of it. */
#include "shim.h"

#include <arcentra/service.h>

#include "pair.h"
#include "wire/grpc_priv.h"

/* --- interceptors ---------------------------------------------------------------------------- */

/* Does one thing when it is asked, once. */
struct meddler {
    struct arc_grpc_interceptor one;
    int in_begin, in_message;        /* ends the whole connection there */
    int pumps;                       /* tries to pump, which nothing may come of */
    struct arc_grpc_call *ends_with; /* what `end` was told about last */
    int ends;
};

static void meddle(struct arc_grpc_conn *conn, uint64_t now_ns, int pumps)
{
    char buf[64];
    arc_grpc_conn_terminate(conn, now_ns, 0);
    if (!pumps)
        return;
    CHECK_INT(arc_grpc_conn_send(conn, now_ns, buf, sizeof(buf)), 0);
    CHECK_STATUS(arc_grpc_conn_recv(conn, now_ns, ARC_NONE, NULL), ARC_ECONFLICT);
    arc_grpc_conn_tick(conn, now_ns);
    arc_grpc_conn_free(conn);
}

static int32_t on_begin(void *user, struct arc_grpc_call *call,
                        const struct arc_grpc_request *request, char *text, size_t size)
{
    struct meddler *meddler = user;
    (void)request, (void)text, (void)size;
    if (meddler->in_begin)
        meddle(arc_grpc_call_get_conn(call), 1001 * PAIR_S, meddler->pumps);
    meddler->in_begin = 0;
    return ARC_GRPC_OK;
}

static void on_bytes(void *user, struct arc_grpc_call *call, int32_t outgoing, size_t bytes)
{
    struct meddler *meddler = user;
    (void)outgoing, (void)bytes;
    if (meddler->in_message == 0 || --meddler->in_message > 0)
        return;
    meddle(arc_grpc_call_get_conn(call), 1001 * PAIR_S, meddler->pumps);
}

static void on_end(void *user, const struct arc_grpc_report *report)
{
    struct meddler *meddler = user;
    (void)report;
    meddler->ends++;
}

static void prepare(struct meddler *meddler)
{
    meddler->one = (struct arc_grpc_interceptor){
        .size = sizeof(meddler->one),
        .user = meddler,
        .begin = on_begin,
        .message = on_bytes,
        .end = on_end,
    };
}

static void a_begin_that_ends_it_all(void)
{
    for (int pumps = 0; pumps < 2; pumps++) {
        struct meddler meddler = {.in_begin = 1, .pumps = pumps};
        const struct arc_grpc_interceptor *list[] = {&meddler.one};
        struct pair pair = {.client_interceptors = list, .client_interceptor_count = 1};
        struct seen seen = {0}, other = {0};
        prepare(&meddler);
        meddler.in_begin = 0;
        CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
        CHECK_OK(pair_call(&pair, "/t/Hang", 0, &other));
        pair_pump(&pair);
        meddler.in_begin = 1;
        CHECK_STATUS(pair_call(&pair, "/t/Hang", 0, &seen), ARC_EUNAVAILABLE);
        CHECK_INT(seen.closes, 0);
        CHECK_INT(arc_grpc_conn_get_calls(pair.client), 0);
        CHECK_INT(arc_grpc_conn_get_deadline(pair.client), 0); /* the other one is to be let go */
        pair_pump(&pair);
        CHECK_INT(other.closes, 1);
        CHECK_INT(meddler.ends, 2);
        CHECK_INT(pair.client->total, 0);
        CHECK(pair.client->pool->call_count <= 2);
        pair_close(&pair);
    }
}

static void a_message_that_ends_it_all(void)
{
    for (int pumps = 0; pumps < 2; pumps++) {
        struct meddler meddler = {.in_message = 1, .pumps = pumps};
        const struct arc_grpc_interceptor *list[] = {&meddler.one};
        struct pair pair = {.client_interceptors = list, .client_interceptor_count = 1};
        struct seen seen = {0};
        prepare(&meddler);
        CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
        CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
        pair_pump(&pair);
        CHECK_STATUS(arc_grpc_call_send(seen.call, ARC_LIT("x"), NULL), ARC_ECANCELLED);
        CHECK_INT(seen.closes, 1);
        pair_pump(&pair);
        CHECK_INT(pair.client->total, 0);
        CHECK_INT(arc_grpc_conn_get_queued(pair.client), 0);
        pair_close(&pair);
    }
}

/* Health and reflection answer while the connection ends under their hands. */
static void services_that_are_cut_in_their_answer(void)
{
    static const struct {
        const char *path;
        arc_slice question;
    } cases[] = {
        {"/grpc.health.v1.Health/Watch", {"", 0}},
        {"/grpc.health.v1.Health/Check", {"", 0}},
        {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", {"\x3a\x00", 2}},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct meddler meddler = {.in_message = 2}; /* the question is the first */
        const struct arc_grpc_interceptor *list[] = {&meddler.one};
        struct pair pair = {.server_interceptors = list, .server_interceptor_count = 1};
        struct seen seen = {0};
        arc_grpc_router *router = NULL;
        prepare(&meddler);
        CHECK_OK(arc_grpc_router_open(NULL, &router, NULL));
        CHECK_OK(arc_grpc_router_add_health(router, NULL));
        CHECK_OK(arc_grpc_router_add_reflection(router, NULL, 0, NULL));
        pair.events = arc_grpc_router_get_events();
        pair.user = router;
        CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
        CHECK_OK(pair_unary(&pair, cases[i].path, cases[i].question, &seen));
        CHECK_INT(meddler.ends, 1);
        CHECK_INT(arc_grpc_conn_get_calls(pair.server), 0);
        pair_close(&pair);
        arc_grpc_router_close(router);
    }
}

/* --- the events of an end -------------------------------------------------------------------- */

/* A client's call whose status is the place where it does something. */
struct ender {
    struct pair *pair;
    int drop, pumps, reopens; /* what on_status does */
    int statuses, closes;
    struct ender *after; /* on_close is told to this one, from on_status on */
};

static void ender_open(struct ender *ender);

static void ender_status(void *user, struct arc_grpc_call *call,
                         const struct arc_grpc_status *status)
{
    struct ender *ender = user;
    (void)status;
    ender->statuses++;
    if (ender->drop)
        arc_grpc_call_drop(call);
    if (ender->pumps)
        meddle(arc_grpc_call_get_conn(call), ender->pair->now_ns, 1);
    if (ender->reopens)
        ender_open(ender);
    if (ender->after != NULL)
        arc_grpc_call_set_user(call, ender->after);
}

static void ender_close(void *user, struct arc_grpc_call *call, arc_grpc_why why)
{
    struct ender *ender = user;
    (void)call, (void)why;
    ender->closes++;
}

static const struct arc_grpc_events ender_events = {
    .size = sizeof(struct arc_grpc_events),
    .on_status = ender_status,
    .on_close = ender_close,
};

static void ender_open(struct ender *ender)
{
    struct arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    struct arc_grpc_call *call = NULL;
    request.path = ARC_LIT("/t/Hang");
    CHECK_OK(arc_grpc_call_open(ender->pair->client, &request, &ender_events, ender, &call, NULL));
}

static void a_status_that_is_the_last(void)
{
    struct pair pair = {0};
    struct ender dropped = {.pair = &pair, .drop = 1}, next = {0};
    struct ender handed = {.pair = &pair, .after = &next};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    ender_open(&dropped);
    ender_open(&handed);
    pair_pump(&pair);
    arc_grpc_conn_eof(pair.client, pair.now_ns);
    CHECK_INT(dropped.statuses, 1);
    CHECK_INT(dropped.closes, 0); /* it was dropped */
    CHECK_INT(handed.statuses, 1);
    CHECK_INT(handed.closes, 0); /* the user is another one */
    CHECK_INT(next.closes, 1);
    CHECK_INT(pair.client->total, 0);
    pair_close(&pair);
}

static void no_event_of_a_shutdown_pumps(void)
{
    struct pair pair = {0};
    struct ender calls[3];
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    for (size_t i = 0; i < ARC_COUNT_OF(calls); i++) {
        calls[i] = (struct ender){.pair = &pair, .pumps = 1};
        ender_open(&calls[i]);
    }
    pair_pump(&pair);
    arc_grpc_conn_terminate(pair.client, pair.now_ns, 0);
    for (size_t i = 0; i < ARC_COUNT_OF(calls); i++) {
        CHECK_INT(calls[i].statuses, 1);
        CHECK_INT(calls[i].closes, 1);
    }
    CHECK_INT(pair.client->total, 0);
    pair_close(&pair);
}

static void a_failed_attempt_ends_what_waited_for_it(void)
{
    struct pair pair = {0};
    struct ender ender = {.pair = &pair, .reopens = 1};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    ender_open(&ender);
    for (int attempt = 1; attempt < 4; attempt++) {
        arc_grpc_conn_not_connected(pair.client, pair.now_ns, "Nobody there.");
        CHECK_INT(ender.statuses, attempt);
        CHECK_INT(arc_grpc_conn_get_calls(pair.client), 1);
    }
    ender.reopens = 0;
    pair_close(&pair);
}

static const struct test tests[] = {
    {"an interceptor's begin may end the connection, and not pump", a_begin_that_ends_it_all},
    {"an interceptor may end the connection at a message", a_message_that_ends_it_all},
    {"health and reflection may be cut in their answer", services_that_are_cut_in_their_answer},
    {"a call that is dropped in on_status hears nothing more", a_status_that_is_the_last},
    {"no event of a shutdown pumps its connection", no_event_of_a_shutdown_pumps},
    {"a failed attempt ends only calls that waited for it",
     a_failed_attempt_ends_what_waited_for_it},
};
TEST_MAIN(tests)
