/* SPDX-License-Identifier: Apache-2.0 */
/* Interceptors of servers and clients: their order, their refusals, and the one end of each call.
 */
#include "shim.h"

#include <stdio.h>

#include "pair.h"

/* What interceptors were told, as letters: "a" begin of a, "A" its end. */
struct notes {
    char text[256];
    size_t len;
    int begun[3], ended[3];
    int in, out;
    size_t bytes;
    arc_grpc_report last; /* without its slices */
    char path[64], peer[32];
    int has_identity;
};

struct one {
    struct notes *notes;
    int number;
    int32_t refuse; /* with this code */
    const char *why;
    int terminate;              /* the whole connection, in begin */
    struct arc_grpc_call *drop; /* when it hears of a message */
    struct arc_grpc_interceptor self;
};

static void note(struct notes *notes, char letter)
{
    if (notes->len < sizeof(notes->text) - 1)
        notes->text[notes->len++] = letter;
}

static int32_t begin(void *user, struct arc_grpc_call *call, const struct arc_grpc_request *request,
                     char *text, size_t text_size)
{
    struct one *one = user;
    note(one->notes, (char)('a' + one->number));
    CHECK(arc_grpc_call_get_conn(call) != NULL);
    CHECK(request->path.len > 1);
    if (one->terminate)
        arc_grpc_conn_terminate(arc_grpc_call_get_conn(call), request->now_ns, 0);
    if (one->why != NULL)
        snprintf(text, text_size, "%s", one->why);
    one->notes->begun[one->number] += one->refuse == ARC_GRPC_OK;
    return one->refuse;
}

static void message(void *user, struct arc_grpc_call *call, int32_t outgoing, size_t bytes)
{
    struct one *one = user;
    one->notes->in += !outgoing;
    one->notes->out += outgoing;
    one->notes->bytes += bytes;
    if (one->drop == call)
        arc_grpc_call_drop(call);
}

static void end(void *user, const struct arc_grpc_report *report)
{
    struct one *one = user;
    struct notes *notes = one->notes;
    note(notes, (char)('A' + one->number));
    notes->ended[one->number]++;
    notes->last = *report;
    (void)arc__slice_to_cstr(report->path, notes->path, sizeof(notes->path));
    (void)arc__slice_to_cstr(arc__slice_cstr(report->peer), notes->peer, sizeof(notes->peer));
    notes->has_identity = report->identity != NULL;
}

struct setup {
    struct pair pair;
    struct notes notes;
    struct one ones[3];
    const struct arc_grpc_interceptor *list[3];
};

/* Three of them, on the server or on the client. */
static arc_status open_with(struct setup *setup, int client, const struct arc_mem *mem)
{
    for (int i = 0; i < 3; i++) {
        struct one *one = &setup->ones[i];
        one->notes = &setup->notes;
        one->number = i;
        one->self = (struct arc_grpc_interceptor){
            .size = sizeof(one->self), one, .begin = begin, .message = message, .end = end};
        setup->list[i] = &one->self;
    }
    if (client) {
        setup->pair.client_interceptors = setup->list;
        setup->pair.client_interceptor_count = 3;
    } else {
        setup->pair.server_interceptors = setup->list;
        setup->pair.server_interceptor_count = 3;
    }
    return pair_open(&setup->pair, mem, NULL, NULL);
}

static void check_ends(const struct setup *setup)
{
    for (int i = 0; i < 3; i++)
        CHECK_INT(setup->notes.ended[i], setup->notes.begun[i]);
}

/* --- a call ---------------------------------------------------------------------------------- */

static void order_and_report(void)
{
    for (int client = 0; client < 2; client++) {
        struct setup setup = {0};
        struct seen seen = {0};
        CHECK_OK(open_with(&setup, client, NULL));
        CHECK_OK(pair_call(&setup.pair, "/t/Chat", 0, &seen));
        CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("one"), NULL));
        CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("three"), NULL));
        pair_pump(&setup.pair);
        setup.pair.now_ns += 5 * PAIR_S;
        arc_grpc_conn_set_now(setup.pair.client, setup.pair.now_ns);
        arc_grpc_call_half_close(seen.call);
        pair_pump(&setup.pair);
        CHECK_TEXT(arc__slice_cstr(setup.notes.text), "abcCBA");
        const arc_grpc_report *report = &setup.notes.last;
        CHECK_TEXT(arc__slice_cstr(setup.notes.path), "/t/Chat");
        CHECK_TEXT(arc__slice_cstr(setup.notes.peer), client ? "server" : "10.0.0.7:4711");
        CHECK_INT(setup.notes.has_identity, 0);
        CHECK_INT(report->code, ARC_GRPC_OK);
        CHECK_INT(report->why, ARC_GRPC_WHY_DONE);
        CHECK_INT(report->messages_in, 2);
        CHECK_INT(report->messages_out, 2);
        CHECK_INT(report->bytes_in, 8);
        CHECK_INT(report->bytes_out, 8);
        CHECK_INT(report->ended_ns - report->begun_ns, 5 * PAIR_S);
        CHECK_INT(setup.notes.in, 6);
        CHECK_INT(setup.notes.out, 6);
        CHECK_INT(setup.notes.bytes, 48);
        pair_close(&setup.pair);
        check_ends(&setup);
    }
}

static void codes_of_calls(void)
{
    static const struct {
        const char *path;
        int32_t code;
    } cases[] = {{"/t/Fail", ARC_GRPC_NOT_FOUND}, {"/t/Nope", ARC_GRPC_UNIMPLEMENTED}};
    for (int client = 0; client < 2; client++) {
        for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
            struct setup setup = {0};
            struct seen seen = {0};
            CHECK_OK(open_with(&setup, client, NULL));
            CHECK_OK(pair_unary(&setup.pair, cases[i].path, ARC_LIT("x"), &seen));
            CHECK_INT(setup.notes.last.code, cases[i].code);
            CHECK_INT(setup.notes.last.why, ARC_GRPC_WHY_DONE);
            pair_close(&setup.pair);
            check_ends(&setup);
        }
    }
}

/* --- refusals -------------------------------------------------------------------------------- */

static void a_server_refuses(void)
{
    char long_text[1000];
    struct setup setup = {.ones = {[1] = {.refuse = ARC_GRPC_PERMISSION_DENIED, .why = "not you"}}};
    struct seen seen = {0}, other = {0}, again = {0};
    CHECK_OK(open_with(&setup, 0, NULL));
    CHECK_OK(pair_unary(&setup.pair, "/t/Echo", ARC_LIT("x"), &seen));
    CHECK_INT(seen.code, ARC_GRPC_PERMISSION_DENIED);
    CHECK_TEXT(arc__slice_cstr(seen.text), "not you");
    CHECK_TEXT(arc__slice_cstr(setup.notes.text), "abA");
    CHECK_INT(setup.notes.last.code, ARC_GRPC_PERMISSION_DENIED);
    CHECK_INT(setup.pair.server_counters.refused_interceptor, 1);
    CHECK_INT(setup.pair.server_counters.calls, 0);
    CHECK_INT(setup.pair.service.calls, 0);
    CHECK_INT(arc_grpc_conn_is_proven(setup.pair.server), 0);
    memset(long_text, 'w', sizeof(long_text));
    long_text[sizeof(long_text) - 1] = '\0';
    setup.ones[1].why = long_text;
    setup.ones[1].refuse = 4711;
    CHECK_OK(pair_unary(&setup.pair, "/t/Echo", ARC_LIT("x"), &other));
    CHECK_INT(other.code, ARC_GRPC_UNKNOWN);
    CHECK(strlen(other.text) > 100);
    setup.ones[1].why = NULL;
    setup.ones[1].refuse = ARC_GRPC_OK;
    CHECK_OK(pair_unary(&setup.pair, "/t/Echo", ARC_LIT("x"), &again));
    CHECK_INT(again.code, ARC_GRPC_OK);
    pair_close(&setup.pair);
    CHECK_INT(setup.notes.ended[0], 3);
    CHECK_INT(setup.notes.ended[1], 1);
    CHECK_INT(setup.notes.ended[2], 1);
}

static void a_client_refuses(void)
{
    struct setup setup = {.ones = {[2] = {.refuse = ARC_GRPC_ABORTED, .why = "not now"}}};
    struct arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    struct arc_grpc_call *call = NULL;
    struct seen seen = {0};
    arc_err err = ARC_ERR_INIT;
    CHECK_OK(open_with(&setup, 1, NULL));
    request.path = ARC_LIT("/t/Echo");
    CHECK_STATUS(arc_grpc_call_open(setup.pair.client, &request, &seen_events, &seen, &call, &err),
                 ARC_EDENIED);
    CHECK_TEXT(arc__slice_cstr(err.message), "not now");
    CHECK_TEXT(arc__slice_cstr(err.subject), "ABORTED");
    CHECK_TEXT(arc__slice_cstr(setup.notes.text), "abcBA");
    CHECK_INT(setup.pair.client_counters.refused_interceptor, 1);
    CHECK_INT(arc_grpc_conn_get_calls(setup.pair.client), 0);
    pair_pump(&setup.pair);
    CHECK_INT(setup.pair.service.calls, 0);
    CHECK_INT(seen.closes, 0);
    pair_close(&setup.pair);
    check_ends(&setup);
}

/* --- ends ------------------------------------------------------------------------------------ */

enum ending { CANCEL, DROP, DEADLINE, LOST, FREED, TERMINATED };

static void bring_about(struct setup *setup, enum ending ending, struct seen *seen, int by_server)
{
    struct pair *pair = &setup->pair;
    struct arc_grpc_call *call = by_server ? pair->service.hanging : seen->call;
    struct arc_grpc_conn *conn = by_server ? pair->server : pair->client;
    switch (ending) {
    case CANCEL:
        arc_grpc_call_cancel(call);
        break;
    case DROP:
        arc_grpc_call_drop(call);
        break;
    case DEADLINE:
        pair->now_ns += 2 * PAIR_S;
        arc_grpc_conn_tick(conn, pair->now_ns);
        break;
    case LOST:
        arc_grpc_conn_eof(conn, pair->now_ns);
        break;
    case FREED:
        break; /* by pair_close */
    case TERMINATED:
        arc_grpc_conn_terminate(conn, pair->now_ns, 0);
        break;
    }
    if (ending != FREED && ending != LOST)
        pair_pump(pair);
}

static void every_end_is_told_once(void)
{
    static const struct {
        enum ending ending;
        int by_server, at_client;
        int32_t code;
        arc_grpc_why why;
    } cases[] = {
        {CANCEL, 0, 0, ARC_GRPC_CANCELLED, ARC_GRPC_WHY_RESET},
        {CANCEL, 1, 0, ARC_GRPC_CANCELLED, ARC_GRPC_WHY_CANCELLED},
        {CANCEL, 0, 1, ARC_GRPC_CANCELLED, ARC_GRPC_WHY_CANCELLED},
        {CANCEL, 1, 1, ARC_GRPC_CANCELLED, ARC_GRPC_WHY_RESET},
        {DROP, 0, 0, ARC_GRPC_CANCELLED, ARC_GRPC_WHY_RESET},
        {DROP, 0, 1, ARC_GRPC_CANCELLED, ARC_GRPC_WHY_CANCELLED},
        {DEADLINE, 1, 0, ARC_GRPC_DEADLINE_EXCEEDED, ARC_GRPC_WHY_DEADLINE},
        {DEADLINE, 0, 1, ARC_GRPC_DEADLINE_EXCEEDED, ARC_GRPC_WHY_DEADLINE},
        {LOST, 1, 0, ARC_GRPC_UNAVAILABLE, ARC_GRPC_WHY_LOST},
        {LOST, 0, 1, ARC_GRPC_UNAVAILABLE, ARC_GRPC_WHY_LOST},
        {FREED, 0, 0, ARC_GRPC_UNAVAILABLE, ARC_GRPC_WHY_LOST},
        {FREED, 0, 1, ARC_GRPC_UNAVAILABLE, ARC_GRPC_WHY_LOST},
        {TERMINATED, 1, 0, ARC_GRPC_UNAVAILABLE, ARC_GRPC_WHY_LOST},
        {TERMINATED, 0, 1, ARC_GRPC_UNAVAILABLE, ARC_GRPC_WHY_LOST},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct setup setup = {0};
        struct seen seen = {0};
        CHECK_OK(open_with(&setup, cases[i].at_client, NULL));
        uint64_t deadline = cases[i].ending == DEADLINE ? setup.pair.now_ns + PAIR_S : 0;
        CHECK_OK(pair_call(&setup.pair, "/t/Hang", deadline, &seen));
        pair_pump(&setup.pair);
        bring_about(&setup, cases[i].ending, &seen, cases[i].by_server);
        pair_close(&setup.pair);
        CHECK_INT(setup.notes.begun[0], 1);
        check_ends(&setup);
        CHECK_TEXT(arc__slice_cstr(setup.notes.text), "abcCBA");
        CHECK_INT(setup.notes.last.code, cases[i].code);
        CHECK_INT(setup.notes.last.why, cases[i].why);
    }
}

static void an_interceptor_ends_it_all(void)
{
    for (int client = 0; client < 2; client++) {
        struct setup setup = {.ones = {[1] = {.terminate = 1}}};
        struct seen seen = {0};
        CHECK_OK(open_with(&setup, client, NULL));
        (void)pair_call(&setup.pair, "/t/Hang", 0, &seen);
        pair_pump(&setup.pair);
        pair_close(&setup.pair);
        CHECK_INT(setup.notes.begun[0], 1);
        check_ends(&setup);
    }
}

static void an_interceptor_drops_a_call(void)
{
    struct setup setup = {0};
    struct seen seen = {0};
    CHECK_OK(open_with(&setup, 1, NULL));
    CHECK_OK(pair_call(&setup.pair, "/t/Chat", 0, &seen));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("x"), NULL));
    setup.ones[0].drop = seen.call;
    pair_pump(&setup.pair);
    CHECK_INT(seen.messages, 0);
    CHECK_INT(seen.closes, 0); /* dropped: nothing comes any more */
    pair_close(&setup.pair);
    check_ends(&setup);
}

/* --- lists ----------------------------------------------------------------------------------- */

static void lists_that_are_refused(void)
{
    struct arc_grpc_interceptor one = ARC_GRPC_INTERCEPTOR_INIT, bad = {.size = 3};
    const struct arc_grpc_interceptor *list[ARC_GRPC_INTERCEPTORS_MAX + 1];
    for (size_t i = 0; i < ARC_COUNT_OF(list); i++)
        list[i] = &one;
    struct pair pair = {.server_interceptors = list,
                        .server_interceptor_count = ARC_COUNT_OF(list)};
    CHECK_STATUS(pair_open(&pair, NULL, NULL, NULL), ARC_EINVAL);
    pair.server_interceptor_count = 3;
    list[2] = NULL;
    CHECK_STATUS(pair_open(&pair, NULL, NULL, NULL), ARC_EINVAL);
    list[2] = &bad;
    CHECK_STATUS(pair_open(&pair, NULL, NULL, NULL), ARC_EINVAL);
    pair.server_interceptors = NULL;
    CHECK_STATUS(pair_open(&pair, NULL, NULL, NULL), ARC_EINVAL);
    /* Functions may be NULL. */
    struct seen seen = {0};
    list[2] = &one;
    pair.server_interceptors = pair.client_interceptors = list;
    pair.server_interceptor_count = pair.client_interceptor_count = ARC_GRPC_INTERCEPTORS_MAX;
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Echo", ARC_LIT("x"), &seen));
    CHECK_INT(seen.code, ARC_GRPC_OK);
    pair_close(&pair);
}

/* --- memory ---------------------------------------------------------------------------------- */

static int life_of(struct test_mem *state, int client)
{
    struct arc_mem mem = test_mem(state);
    struct setup setup = {0};
    struct seen seen[3] = {{0}};
    int done = 0;
    if (open_with(&setup, client, &mem) == ARC_OK) {
        (void)pair_unary(&setup.pair, "/t/Echo", ARC_LIT("x"), &seen[0]);
        (void)pair_unary(&setup.pair, "/t/Fail", ARC_LIT("x"), &seen[1]);
        (void)pair_unary(&setup.pair, "/t/Chat", ARC_LIT("x"), &seen[2]);
        done = seen[0].code == ARC_GRPC_OK && seen[0].closes == 1 && seen[2].closes == 1 &&
               seen[1].code == ARC_GRPC_NOT_FOUND;
    }
    pair_close(&setup.pair);
    check_ends(&setup);
    return done;
}

static int life_of_server(struct test_mem *state)
{
    return life_of(state, 0);
}

static int life_of_client(struct test_mem *state)
{
    return life_of(state, 1);
}

static void fails_cleanly(void)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        test_torture(life_of_server, sticky, 5000);
        test_torture(life_of_client, sticky, 5000);
    }
}

static const struct test tests[] = {
    {"interceptors are asked in order and told in reverse", order_and_report},
    {"the status of a call is in its report", codes_of_calls},
    {"a server's interceptor refuses with its code and text", a_server_refuses},
    {"a client's interceptor refuses before anything is sent", a_client_refuses},
    {"whoever let a call begin hears of its end once", every_end_is_told_once},
    {"an interceptor may end the connection", an_interceptor_ends_it_all},
    {"an interceptor may drop a call on its message", an_interceptor_drops_a_call},
    {"a list that is too long or holds a hole is refused", lists_that_are_refused},
    {"every failed allocation ends cleanly and is told", fails_cleanly},
};
TEST_MAIN(tests)
