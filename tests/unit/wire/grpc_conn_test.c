/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the protocol talking to each other, whole and in pieces. */
#include "shim.h"

#include <stdlib.h>

#include "pair.h"

static const size_t steps[] = {0, 1, SIZE_MAX, SIZE_MAX, SIZE_MAX};

static void check_done(const struct seen *seen, int code)
{
    CHECK_INT(seen->code, code);
    CHECK_INT(seen->statuses, 1);
    CHECK_INT(seen->closes, 1);
    CHECK_INT(seen->misuse, 0);
}

/* --- the four kinds, cut anywhere ------------------------------------------------------------ */

static void unary(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(steps); i++) {
        struct pair pair = {.step = steps[i], .random = i};
        struct seen seen = {0}, empty = {0};
        CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
        CHECK_OK(pair_unary(&pair, "/t/Echo", ARC_LIT("hello"), &seen));
        check_done(&seen, ARC_GRPC_OK);
        CHECK_TEXT(arc__slice_cstr(seen.first), "hello");
        CHECK_INT(seen.messages, 1);
        CHECK_INT(seen.headers, 1);
        CHECK_INT(seen.why, ARC_GRPC_WHY_DONE);
        CHECK_OK(pair_unary(&pair, "/t/Echo", ARC_LIT(""), &empty));
        check_done(&empty, ARC_GRPC_OK);
        CHECK_INT(empty.messages, 1);
        CHECK_INT(empty.bytes, 0);
        CHECK_INT(pair.service.closed, 2);
        CHECK_INT(pair.service.last_why, ARC_GRPC_WHY_DONE);
        CHECK_INT(arc_grpc_conn_get_calls(pair.server), 0);
        pair_close(&pair);
    }
}

static void client_stream(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(steps); i++) {
        struct pair pair = {.step = steps[i], .random = i};
        struct seen seen = {0};
        char line[200];
        memset(line, 'l', sizeof(line));
        CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
        CHECK_OK(pair_call(&pair, "/t/Collect", 0, &seen));
        for (size_t k = 0; k < 200; k++) {
            CHECK_OK(arc_grpc_call_send(seen.call, arc__slice(line, k), NULL));
            if (k % 50 == 0)
                pair_pump(&pair);
        }
        arc_grpc_call_half_close(seen.call);
        pair_pump(&pair);
        check_done(&seen, ARC_GRPC_OK);
        CHECK_TEXT(arc__slice_cstr(seen.first), "200 19900");
        pair_close(&pair);
    }
}

static void server_stream(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(steps); i++) {
        struct pair pair = {.step = steps[i], .random = i};
        struct seen seen = {0};
        CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
        CHECK_OK(pair_unary(&pair, "/t/Feed", ARC_LIT("300 100"), &seen));
        check_done(&seen, ARC_GRPC_OK);
        CHECK_INT(seen.messages, 300);
        CHECK_INT(seen.bytes, 30000);
        pair_close(&pair);
    }
}

static void bidi_stream(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(steps); i++) {
        struct pair pair = {.step = steps[i], .random = i};
        struct seen seen = {0};
        uint32_t sum = 0;
        CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
        CHECK_OK(pair_call(&pair, "/t/Chat", 0, &seen));
        for (int k = 0; k < 50; k++) {
            char text[100];
            memset(text, 'a' + k % 26, sizeof(text));
            arc_slice message = arc__slice(text, (size_t)k * 2);
            sum = pair_sum(sum, message);
            CHECK_OK(arc_grpc_call_send(seen.call, message, NULL));
            pair_pump(&pair);
            CHECK_INT(seen.messages, k + 1);
        }
        CHECK_INT(seen.statuses, 0);
        arc_grpc_call_half_close(seen.call);
        pair_pump(&pair);
        check_done(&seen, ARC_GRPC_OK);
        CHECK_INT(seen.sum, sum);
        pair_close(&pair);
    }
}

static void many_calls_at_once(void)
{
    struct pair pair = {0};
    struct seen *seen = calloc(1000, sizeof(*seen));
    if (seen == NULL)
        return;
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(pair_call(&pair, "/t/Echo", 0, &seen[i]));
        CHECK_OK(arc_grpc_call_send(seen[i].call, ARC_LIT("x"), NULL));
        arc_grpc_call_half_close(seen[i].call);
    }
    struct seen more = {0};
    CHECK_STATUS(pair_call(&pair, "/t/Echo", 0, &more), ARC_ELIMIT);
    pair_pump(&pair);
    int done = 0;
    for (int i = 0; i < 1000; i++)
        done += seen[i].code == ARC_GRPC_OK && seen[i].messages == 1 && seen[i].closes == 1;
    CHECK_INT(done, 1000);
    CHECK_INT(pair.service.calls, 1000);
    pair_close(&pair);
    free(seen);
}

/* --- status and metadata --------------------------------------------------------------------- */

static void trailers_only(void)
{
    struct pair pair = {.step = 1};
    struct seen seen = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Fail", ARC_LIT("x"), &seen));
    check_done(&seen, ARC_GRPC_NOT_FOUND);
    CHECK_TEXT(arc__slice_cstr(seen.text), "no such thing: 100%\n");
    CHECK_INT(seen.headers, 0);
    CHECK_INT(seen.messages, 0);
    CHECK_INT(seen.trailers, 2);
    CHECK_TEXT(arc__slice_cstr(seen.trailer), "gone");
    pair_close(&pair);
}

static void unknown_path(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Nothing", ARC_LIT("x"), &seen));
    check_done(&seen, ARC_GRPC_UNIMPLEMENTED);
    pair_close(&pair);
}

static void metadata_travels(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    const struct arc_grpc_field fields[] = {
        {ARC_LIT("authorization"), ARC_LIT("Bearer abc")},
        {ARC_LIT("x-trace-bin"), ARC_LIT("\x00\x01")},
    };
    struct arc_grpc_request request = {
        .size = sizeof(request),
        .path = ARC_LIT("/t/Hang"),
        .fields = fields,
        .count = 2,
        .deadline_ns = 1005 * PAIR_S,
    };
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(arc_grpc_call_open(pair.client, &request, &seen_events, &seen, &seen.call, NULL));
    pair_pump(&pair);
    CHECK_TEXT(arc__slice_cstr(pair.service.authorization), "Bearer abc");
    CHECK_INT(pair.service.metadata_seen, 3); /* and the user agent */
    CHECK_INT(pair.service.deadline_ns, 1005 * PAIR_S);
    pair_close(&pair);
    CHECK_INT(seen.closes, 1);
    CHECK_INT(seen.code, ARC_GRPC_UNAVAILABLE);
}

static void bad_metadata_is_refused(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    const struct arc_grpc_field bad = {ARC_LIT("Grpc-Status"), ARC_LIT("0")};
    struct arc_grpc_request request = {.size = sizeof(request),
                                       .path = ARC_LIT("/t/Hang"),
                                       .fields = &bad,
                                       .count = 1,
                                       .deadline_ns = ARC_GRPC_NEVER};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_STATUS(arc_grpc_call_open(pair.client, &request, &seen_events, &seen, &seen.call, NULL),
                 ARC_EINVAL);
    CHECK(seen.call == NULL);
    request.count = 0;
    CHECK_OK(arc_grpc_call_open(pair.client, &request, &seen_events, &seen, &seen.call, NULL));
    pair_pump(&pair);
    CHECK_STATUS(arc_grpc_call_finish(pair.service.hanging, 0, ARC_NONE, &bad, 1, NULL),
                 ARC_EINVAL);
    CHECK_OK(arc_grpc_call_finish(pair.service.hanging, 0, ARC_NONE, NULL, 0, NULL));
    CHECK_STATUS(arc_grpc_call_finish(pair.service.hanging, 0, ARC_NONE, NULL, 0, NULL),
                 ARC_ECONFLICT);
    CHECK_STATUS(arc_grpc_call_send(pair.service.hanging, ARC_LIT("x"), NULL), ARC_ECONFLICT);
    pair_pump(&pair);
    check_done(&seen, ARC_GRPC_OK);
    pair_close(&pair);
}

/* --- back-pressure --------------------------------------------------------------------------- */

static void big_messages(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    char *big = malloc(3 << 20);
    if (big == NULL)
        return;
    for (size_t i = 0; i < 3 << 20; i++)
        big[i] = (char)(i * 7 + i / 1000);
    arc_slice message = arc__slice(big, 3 << 20);
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Echo", message, &seen));
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(seen.bytes, 3 << 20);
    CHECK_INT(seen.sum, pair_sum(0, message));
    pair_close(&pair);
    free(big);
}

static void a_fast_server_waits(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Feed", ARC_LIT("64 1048576"), &seen));
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(seen.messages, 64);
    CHECK_INT(seen.bytes, 64 << 20);
    CHECK(pair.max_queued <= (1 << 20) + 5);
    pair_close(&pair);
}

static void a_paused_client_holds_the_server(void)
{
    struct pair pair = {0};
    struct seen seen = {.pause_after = 3};
    struct arc_grpc_limits patient = ARC_GRPC_LIMITS_INIT;
    patient.stall_ns = ARC_GRPC_NEVER;
    CHECK_OK(pair_open(&pair, NULL, &patient, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Feed", ARC_LIT("2000 10000"), &seen));
    CHECK_INT(seen.messages, 3);
    CHECK_INT(seen.statuses, 0);
    CHECK(arc_grpc_conn_get_held(pair.client) <= 1 << 20);
    CHECK(pair.max_queued <= 1 << 20);
    seen.pause_after = 1500;
    arc_grpc_call_resume(seen.call);
    pair_pump(&pair);
    CHECK_INT(seen.messages, 1500);
    arc_grpc_call_resume(seen.call);
    pair_pump(&pair);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(seen.messages, 2000);
    CHECK_INT(seen.bytes, 20000000);
    CHECK_INT(arc_grpc_conn_get_held(pair.client), 0);
    pair_close(&pair);
}

static void a_status_waits_behind_messages(void)
{
    struct pair pair = {0};
    struct seen seen = {.pause_after = 1};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Feed", ARC_LIT("5 10"), &seen));
    CHECK_INT(seen.messages, 1);
    CHECK_INT(seen.statuses, 0);
    CHECK_INT(pair.service.closed, 1);
    arc_grpc_call_resume(seen.call);
    pair_pump(&pair);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(seen.messages, 5);
    pair_close(&pair);
}

static void a_paused_server_holds_the_client(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    static char block[32768];
    size_t sent = 0;
    memset(block, 'b', sizeof(block));
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Pause", 0, &seen));
    pair_pump(&pair);
    CHECK(pair.service.hanging != NULL);
    for (int i = 0; i < 1000; i++) {
        if (arc_grpc_call_send(seen.call, arc__slice(block, sizeof(block)), NULL) != ARC_OK)
            break;
        sent++;
        pair_pump(&pair);
    }
    CHECK_INT(pair.service.messages, 0);
    CHECK(sent >= 32 && sent <= 64); /* a window and a queue of 1 MiB each */
    CHECK(pair.max_held <= (1 << 20));
    CHECK_INT(seen.writables, 0);
    arc_grpc_call_resume(pair.service.hanging);
    pair_pump(&pair);
    CHECK_INT(seen.writables, 1);
    CHECK_INT(pair.service.messages, sent);
    CHECK_OK(arc_grpc_call_send(seen.call, arc__slice(block, sizeof(block)), NULL));
    arc_grpc_call_half_close(seen.call);
    pair_pump(&pair);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(pair.service.messages, sent + 1);
    pair_close(&pair);
}

static void two_streams_take_turns(void)
{
    struct pair pair = {0};
    struct seen big = {0}, small = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    pair_pump(&pair);
    CHECK_OK(pair_call(&pair, "/t/Feed", 0, &big));
    CHECK_OK(arc_grpc_call_send(big.call, ARC_LIT("1000 100000"), NULL));
    arc_grpc_call_half_close(big.call);
    CHECK_OK(pair_call(&pair, "/t/Feed", 0, &small));
    CHECK_OK(arc_grpc_call_send(small.call, ARC_LIT("3 1000"), NULL));
    arc_grpc_call_half_close(small.call);
    static char buf[65536];
    for (int round = 0; round < 100 && small.closes == 0; round++) {
        size_t len = arc_grpc_conn_send(pair.client, pair.now_ns, buf, sizeof(buf));
        CHECK_OK(arc_grpc_conn_recv(pair.server, pair.now_ns, arc__slice(buf, len), NULL));
        len = arc_grpc_conn_send(pair.server, pair.now_ns, buf, sizeof(buf));
        CHECK_OK(arc_grpc_conn_recv(pair.client, pair.now_ns, arc__slice(buf, len), NULL));
    }
    check_done(&small, ARC_GRPC_OK);
    CHECK_INT(big.closes, 0);
    CHECK(big.bytes < 1 << 20);
    pair_pump(&pair);
    check_done(&big, ARC_GRPC_OK);
    pair_close(&pair);
}

/* --- endings --------------------------------------------------------------------------------- */

static void early_answer(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(steps); i++) {
        struct pair pair = {.step = steps[i], .random = i};
        struct seen seen = {0};
        static char block[30000];
        memset(block, 'b', sizeof(block));
        CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
        CHECK_OK(pair_call(&pair, "/t/Early", 0, &seen));
        CHECK_OK(arc_grpc_call_send(seen.call, arc__slice(block, sizeof(block)), NULL));
        pair_pump(&pair);
        check_done(&seen, ARC_GRPC_OK);
        CHECK_TEXT(arc__slice_cstr(seen.first), "early");
        CHECK_INT(pair.service.last_why, ARC_GRPC_WHY_DONE);
        CHECK_INT(pair.server_counters.faults_by_peer, 0);
        CHECK_INT(pair.server_counters.resets_by_peer, 0);
        pair_close(&pair);
    }
}

static void deadline_on_both_sides(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", pair.now_ns + 250 * PAIR_MS, &seen));
    pair_pump(&pair);
    CHECK_INT(pair.service.deadline_ns, pair.now_ns + 250 * PAIR_MS);
    CHECK_INT(arc_grpc_conn_get_deadline(pair.client), pair.now_ns + 250 * PAIR_MS);
    CHECK_INT(arc_grpc_conn_get_deadline(pair.server), pair.now_ns + 250 * PAIR_MS);
    pair_wait(&pair, 249 * PAIR_MS);
    CHECK_INT(seen.closes, 0);
    pair_wait(&pair, 1 * PAIR_MS);
    check_done(&seen, ARC_GRPC_DEADLINE_EXCEEDED);
    CHECK_INT(pair.service.closed, 1);
    CHECK_INT(pair.service.last_why, ARC_GRPC_WHY_DEADLINE);
    CHECK_INT(arc_grpc_conn_get_calls(pair.server), 0);
    pair_close(&pair);
}

static void a_server_brings_a_deadline_nearer(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
    pair_pump(&pair);
    CHECK_OK(arc_grpc_call_set_deadline(pair.service.hanging, pair.now_ns + PAIR_S, NULL));
    CHECK_OK(arc_grpc_call_set_deadline(pair.service.hanging, pair.now_ns + 2 * PAIR_S, NULL));
    pair_wait(&pair, PAIR_S);
    check_done(&seen, ARC_GRPC_DEADLINE_EXCEEDED);
    pair_close(&pair);
}

static void cancel_by_client(void)
{
    struct pair pair = {0};
    struct seen seen = {0}, dropped = {0}, queued = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
    pair_pump(&pair);
    arc_grpc_call_cancel(seen.call);
    arc_grpc_call_cancel(seen.call);
    CHECK_INT(seen.closes, 0);
    CHECK_STATUS(arc_grpc_call_send(seen.call, ARC_LIT("x"), NULL), ARC_ECANCELLED);
    pair_pump(&pair);
    check_done(&seen, ARC_GRPC_CANCELLED);
    CHECK_INT(pair.service.last_why, ARC_GRPC_WHY_RESET);
    CHECK_INT(pair.service.closed, 1);

    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &dropped));
    pair_pump(&pair);
    arc_grpc_call_drop(dropped.call);
    pair_pump(&pair);
    CHECK_INT(dropped.closes + dropped.statuses, 0);
    CHECK_INT(pair.service.closed, 2);

    /* One that was never sent. */
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &queued));
    arc_grpc_call_cancel(queued.call);
    pair_pump(&pair);
    check_done(&queued, ARC_GRPC_CANCELLED);
    CHECK_INT(arc_grpc_conn_get_calls(pair.client), 0);
    CHECK_INT(arc_grpc_conn_get_calls(pair.server), 0);
    pair_close(&pair);
}

static void cancel_by_server(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
    pair_pump(&pair);
    arc_grpc_call_cancel(pair.service.hanging);
    pair_pump(&pair);
    check_done(&seen, ARC_GRPC_CANCELLED);
    CHECK_INT(pair.service.last_why, ARC_GRPC_WHY_CANCELLED);
    CHECK_INT(pair.server_counters.faults_by_peer, 0);
    pair_close(&pair);
}

static void drain_lets_calls_end(void)
{
    struct pair pair = {0};
    struct seen seen = {0}, late = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Chat", 0, &seen));
    pair_pump(&pair);
    arc_grpc_conn_drain(pair.server, pair.now_ns);
    pair_pump(&pair);
    CHECK_STATUS(pair_call(&pair, "/t/Echo", 0, &late), ARC_EUNAVAILABLE);
    pair_wait(&pair, 2 * PAIR_S);
    CHECK_INT(seen.closes, 0);
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("still here"), NULL));
    pair_pump(&pair);
    CHECK_TEXT(arc__slice_cstr(seen.first), "still here");
    CHECK(!arc_grpc_conn_is_over(pair.server));
    arc_grpc_call_half_close(seen.call);
    pair_pump(&pair);
    check_done(&seen, ARC_GRPC_OK);
    CHECK(arc_grpc_conn_is_over(pair.server));
    CHECK(arc_grpc_conn_is_over(pair.client));
    pair_close(&pair);
}

static void calls_that_cross_a_drain_may_be_sent_again(void)
{
    struct pair pair = {0};
    struct seen first = {0}, crossing = {0}, after = {0};
    static char buf[65536];
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Chat", 0, &first));
    pair_pump(&pair);
    arc_grpc_conn_drain(pair.server, pair.now_ns);
    /* Sent before the client has read the notice: still served. */
    CHECK_OK(pair_unary(&pair, "/t/Echo", ARC_LIT("x"), &crossing));
    check_done(&crossing, ARC_GRPC_OK);
    pair_close(&pair);

    pair = (struct pair){0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    first = (struct seen){0};
    CHECK_OK(pair_call(&pair, "/t/Chat", 0, &first));
    pair_pump(&pair);
    arc_grpc_conn_drain(pair.server, pair.now_ns);
    pair.now_ns += 2 * PAIR_S;
    arc_grpc_conn_tick(pair.server, pair.now_ns);
    (void)arc_grpc_conn_send(pair.server, pair.now_ns, buf, 0);
    /* Sent after the last GOAWAY was made: never looked at. */
    size_t len = arc_grpc_conn_send(pair.server, pair.now_ns, buf, sizeof(buf));
    CHECK_OK(pair_call(&pair, "/t/Echo", 0, &after));
    arc_grpc_call_half_close(after.call);
    static char out[65536];
    size_t out_len = arc_grpc_conn_send(pair.client, pair.now_ns, out, sizeof(out));
    CHECK_OK(arc_grpc_conn_recv(pair.server, pair.now_ns, arc__slice(out, out_len), NULL));
    CHECK_OK(arc_grpc_conn_recv(pair.client, pair.now_ns, arc__slice(buf, len), NULL));
    pair_pump(&pair);
    check_done(&after, ARC_GRPC_UNAVAILABLE);
    CHECK_INT(after.unprocessed, 1);
    CHECK_INT(pair.service.calls, 1);
    CHECK_INT(first.closes, 0);
    pair_close(&pair);
}

static void lost_connection(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
    pair_pump(&pair);
    arc_grpc_conn_eof(pair.client, pair.now_ns);
    arc_grpc_conn_eof(pair.server, pair.now_ns);
    check_done(&seen, ARC_GRPC_UNAVAILABLE);
    CHECK_INT(seen.why, ARC_GRPC_WHY_LOST);
    CHECK_INT(pair.service.last_why, ARC_GRPC_WHY_LOST);
    CHECK(arc_grpc_conn_is_over(pair.client));
    CHECK_INT(arc_grpc_conn_send(pair.client, pair.now_ns, (char[16]){0}, 16), 0);
    struct seen late = {0};
    CHECK_STATUS(pair_call(&pair, "/t/Echo", 0, &late), ARC_EUNAVAILABLE);
    pair_close(&pair);
}

static void keepalive(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    limits.keepalive_ns = 30 * PAIR_S;
    CHECK_OK(pair_open(&pair, NULL, NULL, &limits));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
    pair_pump(&pair);
    for (int i = 0; i < 50; i++)
        pair_wait(&pair, 30 * PAIR_S);
    CHECK_INT(seen.closes, 0);
    CHECK_INT(pair.server_counters.floods_ping, 0);
    /* The server falls silent. */
    pair.now_ns += 30 * PAIR_S;
    arc_grpc_conn_tick(pair.client, pair.now_ns);
    CHECK_INT(seen.closes, 0);
    pair.now_ns += 20 * PAIR_S;
    arc_grpc_conn_tick(pair.client, pair.now_ns);
    check_done(&seen, ARC_GRPC_UNAVAILABLE);
    CHECK_INT(pair.client_counters.timeouts_keepalive, 1);
    CHECK(arc_grpc_conn_is_over(pair.client));
    pair_close(&pair);
}

static void idle_connection_goes(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Echo", ARC_LIT("x"), &seen));
    pair_wait(&pair, 299 * PAIR_S);
    CHECK(!arc_grpc_conn_is_draining(pair.client));
    pair_wait(&pair, 1 * PAIR_S);
    CHECK(arc_grpc_conn_is_draining(pair.client));
    CHECK(arc_grpc_conn_is_over(pair.server)); /* the client answered the notice at once */
    CHECK_INT(pair.server_counters.timeouts_idle, 1);
    pair_close(&pair);
}

static void events_may_not_pump(void);

/* --- memory ---------------------------------------------------------------------------------- */

static int life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct pair pair = {.step = 0};
    struct seen one = {0}, two = {0}, three = {0};
    int done = 0;
    if (pair_open(&pair, &mem, NULL, NULL) == ARC_OK) {
        (void)pair_unary(&pair, "/t/Echo", ARC_LIT("hello"), &one);
        (void)pair_unary(&pair, "/t/Fail", ARC_LIT("hello"), &two);
        (void)pair_unary(&pair, "/t/Feed", ARC_LIT("50 10000"), &three);
        /* What was opened ends once and only once, whatever failed. */
        done = one.messages == 1 && one.code == ARC_GRPC_OK && two.code == ARC_GRPC_NOT_FOUND &&
               three.messages == 50 && three.code == ARC_GRPC_OK;
    }
    struct seen *const all[] = {&one, &two, &three};
    pair_close_over(&pair, all, ARC_COUNT_OF(all));
    return done;
}

static void fails_cleanly(void)
{
    test_torture(life, 0, 5000);
    test_torture(life, 1, 5000);
}

/* --- an event that pumps --------------------------------------------------------------------- */

static void pumping_message(void *user, struct arc_grpc_call *call, arc_slice message)
{
    struct seen *seen = user;
    struct arc_grpc_conn *conn = arc_grpc_call_get_conn(call);
    char buf[64];
    (void)message;
    seen->messages++;
    CHECK_STATUS(arc_grpc_conn_recv(conn, 0, ARC_LIT("x"), NULL), ARC_ECONFLICT);
    CHECK_INT(arc_grpc_conn_send(conn, 0, buf, sizeof(buf)), 0);
    arc_grpc_conn_tick(conn, 0);
    arc_grpc_conn_eof(conn, 0);
    arc_grpc_conn_free(conn);
    arc_grpc_call_drop(call);
}

static void events_may_not_pump(void)
{
    struct pair pair = {0};
    struct seen seen = {0}, next = {0};
    struct arc_grpc_events events = seen_events;
    events.on_message = pumping_message;
    struct arc_grpc_request request = {
        .size = sizeof(request), .path = ARC_LIT("/t/Chat"), .deadline_ns = ARC_GRPC_NEVER};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(arc_grpc_call_open(pair.client, &request, &events, &seen, &seen.call, NULL));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("one"), NULL));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("two"), NULL));
    pair_pump(&pair);
    CHECK_INT(seen.messages, 1);
    CHECK_INT(seen.closes, 0);
    CHECK_OK(pair_unary(&pair, "/t/Echo", ARC_LIT("x"), &next));
    check_done(&next, ARC_GRPC_OK);
    pair_close(&pair);
}

static const struct test tests[] = {
    {"a unary call works however the bytes are cut", unary},
    {"a client stream works however the bytes are cut", client_stream},
    {"a server stream works however the bytes are cut", server_stream},
    {"a bidirectional stream works however the bytes are cut", bidi_stream},
    {"a thousand calls share a connection, a hundred at a time", many_calls_at_once},
    {"an immediate error is one block of headers", trailers_only},
    {"an unknown path is answered by the application", unknown_path},
    {"metadata and deadline reach the server", metadata_travels},
    {"metadata that may not be sent is refused, and a second end", bad_metadata_is_refused},
    {"messages larger than the windows pass", big_messages},
    {"a server that produces faster than the wire is made to wait", a_fast_server_waits},
    {"a paused client stops the server within its window", a_paused_client_holds_the_server},
    {"a status waits until a paused client has the messages", a_status_waits_behind_messages},
    {"a paused server stops the client within its window", a_paused_server_holds_the_client},
    {"a large reply does not keep a small one waiting", two_streams_take_turns},
    {"an early answer stops the client without an error", early_answer},
    {"a deadline ends the call on both sides", deadline_on_both_sides},
    {"a server may bring a deadline nearer, never farther", a_server_brings_a_deadline_nearer},
    {"a client's cancel ends the call on both sides", cancel_by_client},
    {"a server's cancel ends the call on both sides", cancel_by_server},
    {"a draining server finishes its calls and takes no more", drain_lets_calls_end},
    {"a call that crosses a drain is served or safe to repeat",
     calls_that_cross_a_drain_may_be_sent_again},
    {"a lost connection ends its calls as unavailable", lost_connection},
    {"keepalive finds a silent server and bothers no living one", keepalive},
    {"a server sends a connection without calls away", idle_connection_goes},
    {"an event that pumps is refused", events_may_not_pump},
    {"every failed allocation, once or for good, ends cleanly", fails_cleanly},
};
TEST_MAIN(tests)
