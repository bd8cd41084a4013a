/* SPDX-License-Identifier: Apache-2.0 */
/* Where a limit lies: just inside it is served, just outside is refused. */
#include "shim.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "frames.h"
#include "wire/grpc_priv.h"

/* --- prefixes of messages ----------------------------------------------------------------------
 */

static void split_prefixes(void)
{
    static const arc_slice messages[] = {{"\x00\x00\x00\x00\x03one", 8},
                                         {"\x00\x00\x00\x00\x00", 5}};
    for (size_t i = 0; i < ARC_COUNT_OF(messages); i++) {
        for (size_t cut = 0; cut <= messages[i].len; cut++) {
            struct attack attack;
            attack_open(&attack, NULL);
            request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
            frame(&attack.out, DATA, 0, 1, arc__slice(messages[i].ptr, cut));
            send_out(&attack);
            CHECK_INT(attack.pair.server_counters.messages_in, cut == messages[i].len);
            frame(&attack.out, DATA, END_STREAM, 1, arc__slice_from(messages[i], cut));
            send_out(&attack);
            CHECK_OK(attack.status);
            CHECK_INT(attack.pair.server_counters.messages_in, 1);
            CHECK_INT(attack.pair.service.bytes, messages[i].len - 5);
            CHECK_INT(attack.pair.service.half_closed, 1);
            attack_close(&attack);
        }
    }
}

static void a_prefix_of_4_gib(void)
{
    static const char prefix[] = "\x00\xff\xff\xff\xff";
    for (size_t cut = 1; cut <= 5; cut++) {
        struct attack attack;
        struct scales scales = {0, 0};
        struct arc_mem mem = scales_mem(&scales);
        attack_open_in(&attack, &mem, NULL);
        request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
        frame(&attack.out, DATA, 0, 1, arc__slice(prefix, cut));
        send_out(&attack);
        CHECK_INT(attack.pair.service.closed, cut == 5);
        frame(&attack.out, DATA, 0, 1, arc__slice(prefix + cut, 5 - cut));
        send_out(&attack);
        CHECK_INT(attack.pair.service.closed, 1);
        CHECK_INT(attack.pair.server_counters.refused_message_size, 1);
        CHECK(scales.peak < 128 << 10);
        attack_close(&attack);
    }
}

static void longest_message(void)
{
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    limits.message_max_bytes = 1000;
    for (int more = 0; more < 2; more++) {
        struct pair pair = {0};
        struct seen seen = {0};
        static const char bytes[1001];
        CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
        CHECK_OK(pair_unary(&pair, "/t/Collect", arc__slice(bytes, 1000 + (size_t)more), &seen));
        CHECK_INT(seen.code, more ? ARC_GRPC_RESOURCE_EXHAUSTED : ARC_GRPC_OK);
        CHECK_INT(pair.server_counters.refused_message_size, more);
        pair_close(&pair);
    }
}

/* --- grpc-timeout ------------------------------------------------------------------------------
 */

static void timeouts(void)
{
    static const struct {
        const char *text;
        int served;
        uint64_t after_ns;
    } cases[] = {
        {"0n", 1, 0},
        {"1n", 1, 1},
        {"99999999m", 1, UINT64_C(99999999000000)},
        {"99999999H", 1, ARC_GRPC_NEVER}, /* beyond 64 bits: none */
        {"100000000n", 0, 0},             /* nine digits */
        {"999999999H", 0, 0},
        {"-1S", 0, 0},
        {"+1S", 0, 0},
        {"1", 0, 0},
        {"S", 0, 0},
        {"", 0, 0},
        {"1s", 0, 0},
        {"1 S", 0, 0},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct attack attack;
        attack_open(&attack, NULL);
        request(&attack.out, 1, 0, "/t/Hang", "grpc-timeout", cases[i].text);
        send_out(&attack);
        if (!CHECK_INT(attack.pair.service.calls, cases[i].served))
            printf("# %s\n", cases[i].text);
        CHECK_INT(attack.pair.server_counters.refused_metadata, !cases[i].served);
        uint64_t deadline_ns = attack.pair.service.deadline_ns;
        if (cases[i].served && cases[i].after_ns != ARC_GRPC_NEVER) {
            CHECK_INT(deadline_ns - attack.pair.now_ns, cases[i].after_ns);
            attack.pair.now_ns = deadline_ns;
            send_out(&attack);
            CHECK_INT(attack.pair.server_counters.deadlines, 1);
            CHECK_INT(attack.pair.service.closed, 1); /* its slot is free again */
        } else if (cases[i].served) {
            CHECK(deadline_ns > attack.pair.now_ns + (UINT64_C(1) << 62));
        }
        attack_close(&attack);
    }
}

/* --- numbers of streams ------------------------------------------------------------------------
 */

static void the_last_stream_of_a_server(void)
{
    struct attack attack;
    attack_open(&attack, NULL);
    request(&attack.out, 0x7ffffffd, 0, "/t/Hang", NULL, NULL);
    request(&attack.out, 0x7fffffff, 0, "/t/Hang", NULL, NULL);
    send_out(&attack);
    CHECK_OK(attack.status);
    CHECK_INT(attack.pair.service.calls, 2);
    request(&attack.out, 1, 0, "/t/Hang", NULL, NULL); /* ids never go back: not looked at */
    send_out(&attack);
    CHECK_INT(attack.pair.service.calls, 2);
    attack_close(&attack);
}

static void the_last_stream_of_a_client(void)
{
    struct pair pair = {0};
    struct seen last = {0}, none = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    pair_pump(&pair);
    CHECK_INT(nghttp2_session_set_next_stream_id(pair.client->session, INT32_MAX), 0);
    CHECK(!arc_grpc_conn_is_draining(pair.client));
    CHECK_OK(pair_call(&pair, "/t/Echo", 0, &last));
    CHECK_INT(arc_grpc_call_get_id(last.call), INT32_MAX);
    /* The next one belongs onto another connection, which a channel then makes. */
    CHECK_STATUS(pair_call(&pair, "/t/Echo", 0, &none), ARC_EUNAVAILABLE);
    CHECK(arc_grpc_conn_is_draining(pair.client));
    CHECK_OK(arc_grpc_call_send(last.call, ARC_LIT("x"), NULL));
    arc_grpc_call_half_close(last.call);
    pair_pump(&pair);
    CHECK_INT(last.code, ARC_GRPC_OK);
    CHECK_INT(last.messages, 1);
    CHECK_INT(none.statuses + none.closes, 0);
    pair_close(&pair);
}

/* --- rates -------------------------------------------------------------------------------------
 */

/* Resets at an even rate; answers how many were taken within a day's worth of them. */
static int resets_at(uint64_t apart_ns)
{
    struct attack attack;
    int sent = 0;
    attack_open(&attack, NULL);
    while (sent < 20000 && attack.status == ARC_OK) {
        request(&attack.out, attack.next, 0, "/t/Hang", NULL, NULL);
        frame_u32(&attack.out, RST_STREAM, attack.next, 8);
        attack.next += 2;
        attack.pair.now_ns += apart_ns;
        send_out(&attack);
        sent++;
    }
    CHECK_INT(attack.status == ARC_OK, sent == 20000);
    CHECK(attack.pair.service.calls <= sent);
    attack_close(&attack);
    return sent;
}

static void rate_of_resets(void)
{
    CHECK_INT(resets_at(PAIR_S / 10), 20000); /* ten a second, for ever */
    int sent = resets_at(PAIR_S / 20);        /* twice that: the burst is gone after 10 s */
    CHECK(sent >= 200 && sent <= 202);
    CHECK_INT(resets_at(0), 101);
}

/* --- what a turn may bring -----------------------------------------------------------------------
 */

/* A connection's unanswered calls fill its slots, and a reset one costs from the bucket: however
 * many requests are in the bytes, so many are handed over before other connections have a turn. */
static void calls_of_one_turn(void)
{
    struct attack attack;
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    for (uint64_t calls_max = 20; calls_max <= 100; calls_max += 80) {
        limits.calls_max = calls_max;
        attack_open(&attack, &limits);
        for (int i = 0; i < 4000; i++) {
            request(&attack.out, attack.next, END_STREAM, "/t/Echo", NULL, NULL);
            attack.next += 2;
        }
        arc_status status = arc_grpc_conn_recv(attack.pair.server, attack.pair.now_ns,
                                               arc__buf_slice(&attack.out), NULL);
        CHECK_STATUS(status, ARC_ELIMIT); /* more than the slots are faults */
        CHECK_INT(attack.pair.service.calls, calls_max);
        arc__buf_clear(&attack.out);
        attack_close(&attack);
    }
}

/* --- answers that nobody reads ----------------------------------------------------------------
 */

#define ANSWER_BYTES (300 << 10)

/* Echoes ANSWER_BYTES for each message, as a method of large answers does. */
static void large_answer(void *user, struct arc_grpc_call *call, arc_slice message)
{
    static const char answer[ANSWER_BYTES];
    size_t *answered = user;
    (void)message;
    ++*answered;
    CHECK_OK(arc_grpc_call_send(call, arc__slice(answer, sizeof(answer)), NULL));
    CHECK_OK(arc_grpc_call_finish(call, ARC_GRPC_OK, ARC_NONE, NULL, 0, NULL));
}

static void large_call(void *user, struct arc_grpc_call *call,
                       const struct arc_grpc_request *request)
{
    (void)user, (void)call, (void)request;
}

static const struct arc_grpc_events large_events = {
    .size = sizeof(struct arc_grpc_events),
    .on_call = large_call,
    .on_message = large_answer,
};

/* A hundred calls that ask for 30 MB, of a client that first takes none and then all of it. */
static void asks_and_does_not_read(void)
{
    enum { CALLS = 100 };
    static struct seen seen[CALLS];
    size_t answered = 0;
    struct pair pair = {.events = &large_events, .user = &answered};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    memset(seen, 0, sizeof(seen));
    for (size_t i = 0; i < CALLS; i++) {
        CHECK_OK(pair_call(&pair, "/t/Any", 0, &seen[i]));
        CHECK_OK(arc_grpc_call_send(seen[i].call, ARC_LIT("more"), NULL));
        arc_grpc_call_half_close(seen[i].call);
        arc_grpc_call_pause(seen[i].call);
    }
    pair_pump(&pair);
    CHECK(answered > 0 && answered < CALLS);
    CHECK(arc_grpc_conn_get_queued(pair.server) <= (1 << 20) + ANSWER_BYTES + 5);
    for (size_t i = 0; i < CALLS; i++)
        arc_grpc_call_resume(seen[i].call);
    pair_pump(&pair);
    CHECK_INT(answered, CALLS);
    for (size_t i = 0; i < CALLS; i++) {
        CHECK_INT(seen[i].messages, 1);
        CHECK_INT(seen[i].code, ARC_GRPC_OK);
    }
    CHECK_INT(arc_grpc_conn_get_queued(pair.server), 0);
    pair_close(&pair);
}

/* Streams that were each sent a message in pieces, and stay open, hold no more room of it. */
static void room_of_messages_that_came(void)
{
    enum { STREAMS = 20 };
    for (uint32_t packs = 0; packs < 2; packs++) {
        static struct seen seen[STREAMS];
        static char bytes[30000];
        struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
        struct pair pair = {.step = 4000};
        limits.assembly_max_bytes = 100000;
        pair.client_encoding = packs ? ARC_GRPC_GZIP : 0;
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)(i * i >> 7 ^ i);
        CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
        memset(seen, 0, sizeof(seen));
        for (size_t i = 0; i < STREAMS; i++) {
            CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen[i]));
            CHECK_OK(arc_grpc_call_send(seen[i].call, arc__slice(bytes, sizeof(bytes)), NULL));
            pair_pump(&pair);
        }
        CHECK_INT(pair.service.messages, STREAMS);
        CHECK_INT(pair.service.bytes, STREAMS * sizeof(bytes));
        CHECK_INT(pair.server_counters.refused_assembly, 0);
        CHECK(arc_grpc_conn_get_held(pair.server) <= 100000);
        pair_close(&pair);
    }
}

/* One answer for 200 s of the client's line, and a second call meanwhile: it reads all the time. */
static void a_slow_line_is_no_stall(void)
{
    static char buf[4000];
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct pair pair = {0};
    struct seen feed = {0}, echo = {0};
    limits.conn_queue_max_bytes = 4096;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    pair_pump(&pair);
    CHECK_OK(pair_call(&pair, "/t/Feed", 0, &feed));
    CHECK_OK(arc_grpc_call_send(feed.call, ARC_LIT("1 80000"), NULL));
    arc_grpc_call_half_close(feed.call);
    CHECK_OK(pair_call(&pair, "/t/Echo", 0, &echo));
    CHECK_OK(arc_grpc_call_send(echo.call, ARC_LIT("x"), NULL));
    arc_grpc_call_half_close(echo.call);
    for (int i = 0; i < 40; i++) {
        size_t len = arc_grpc_conn_send(pair.client, pair.now_ns, buf, sizeof(buf));
        CHECK_OK(arc_grpc_conn_recv(pair.server, pair.now_ns, arc__slice(buf, len), NULL));
        arc_grpc_conn_tick(pair.server, pair.now_ns);
        len = arc_grpc_conn_send(pair.server, pair.now_ns, buf, sizeof(buf));
        CHECK_OK(arc_grpc_conn_recv(pair.client, pair.now_ns, arc__slice(buf, len), NULL));
        pair.now_ns += 5 * PAIR_S;
    }
    pair_pump(&pair);
    CHECK_INT(feed.code, ARC_GRPC_OK);
    CHECK_INT(feed.bytes, 80000);
    CHECK_INT(echo.code, ARC_GRPC_OK);
    CHECK_INT(echo.messages, 1);
    CHECK_INT(pair.server_counters.stalls, 0);
    pair_close(&pair);
}

/* The reset of the call whose answer fills the queue makes room, and nothing is to be sent. */
static void room_by_a_reset(void)
{
    static char buf[65536];
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct pair pair = {0};
    struct seen feed = {0}, collect = {0};
    limits.conn_queue_max_bytes = 4096;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    CHECK_OK(pair_call(&pair, "/t/Feed", 0, &feed));
    arc_grpc_call_pause(feed.call);
    CHECK_OK(arc_grpc_call_send(feed.call, ARC_LIT("1 3000000"), NULL));
    arc_grpc_call_half_close(feed.call);
    pair_pump(&pair);
    CHECK(arc_grpc_conn_get_queued(pair.server) > 4096);
    CHECK_OK(pair_call(&pair, "/t/Collect", 0, &collect));
    CHECK_OK(arc_grpc_call_send(collect.call, ARC_LIT("x"), NULL));
    pair_pump(&pair);
    CHECK_INT(pair.service.messages, 1);
    arc_grpc_call_cancel(feed.call);
    size_t len = arc_grpc_conn_send(pair.client, pair.now_ns, buf, sizeof(buf));
    CHECK_OK(arc_grpc_conn_recv(pair.server, pair.now_ns, arc__slice(buf, len), NULL));
    CHECK_INT(arc_grpc_conn_get_queued(pair.server), 0);
    /* As the header says: send where it wants to, tick where it is due. */
    while (arc_grpc_conn_wants_send(pair.server))
        (void)arc_grpc_conn_send(pair.server, pair.now_ns, buf, sizeof(buf));
    if (arc_grpc_conn_get_deadline(pair.server) <= pair.now_ns)
        arc_grpc_conn_tick(pair.server, pair.now_ns);
    CHECK_INT(pair.service.messages, 2);
    pair_close(&pair);
}

/* A message that began, then a pause of the application's own: its time is not the client's. */
static void a_pause_after(int held)
{
    struct attack attack;
    attack_open(&attack, NULL);
    request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
    frame(&attack.out, DATA, 0, 1, ARC_LIT("\x00\x00\x00"));
    send_out(&attack);
    arc_grpc_call_pause(attack.pair.service.hanging);
    if (held)
        frame(&attack.out, DATA, 0, 1, ARC_LIT("\x00"));
    for (int i = 0; i < 61; i++) {
        attack.pair.now_ns += PAIR_S;
        send_out(&attack);
    }
    arc_grpc_call_resume(attack.pair.service.hanging);
    for (int i = 0; i < 9; i++) {
        send_out(&attack);
        attack.pair.now_ns += PAIR_S;
    }
    CHECK_INT(attack.pair.server_counters.stalls, 0);
    frame(&attack.out, DATA, 0, 1, held ? ARC_LIT("\x01x") : ARC_LIT("\x00\x01x"));
    send_out(&attack);
    CHECK_INT(attack.pair.service.messages, 1);
    CHECK_INT(attack.pair.service.closed, 0);
    attack_close(&attack);
}

static void a_pause_within_a_message(void)
{
    a_pause_after(0);
    a_pause_after(1);
}

static void a_drain_at_the_beginning_of_time(void)
{
    static char buf[4096];
    struct pair pair = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    pair_pump(&pair);
    arc_grpc_conn_drain(pair.server, 0);
    for (uint64_t at = 0; at <= 2; at++) {
        while (arc_grpc_conn_send(pair.server, at * PAIR_S, buf, sizeof(buf)) > 0) {
        }
        if (arc_grpc_conn_get_deadline(pair.server) <= at * PAIR_S)
            arc_grpc_conn_tick(pair.server, at * PAIR_S);
    }
    while (arc_grpc_conn_send(pair.server, 2 * PAIR_S, buf, sizeof(buf)) > 0) {
    }
    CHECK_INT(arc_grpc_conn_is_over(pair.server), 1);
    pair_close(&pair);
}

/* --- many calls --------------------------------------------------------------------------------
 */

static void thousands_at_once(void)
{
    enum { CALLS = 5000 };
    static struct seen seen[CALLS];
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct pair pair = {0};
    limits.calls_max = CALLS;
    CHECK_OK(pair_open(&pair, NULL, &limits, &limits));
    pair_pump(&pair);
    memset(seen, 0, sizeof(seen));
    for (size_t i = 0; i < CALLS; i++) {
        CHECK_OK(pair_call(&pair, "/t/Chat", 0, &seen[i]));
        CHECK_OK(arc_grpc_call_send(seen[i].call, ARC_LIT("one"), NULL));
    }
    pair_pump(&pair);
    CHECK_INT(arc_grpc_conn_get_calls(pair.server), CALLS);
    for (size_t i = CALLS; i-- > 0;) {
        CHECK_OK(arc_grpc_call_send(seen[i].call, ARC_LIT("two"), NULL));
        arc_grpc_call_half_close(seen[i].call);
    }
    pair_pump(&pair);
    for (size_t i = 0; i < CALLS; i++) {
        CHECK_INT(seen[i].messages, 2);
        CHECK_INT(seen[i].code, ARC_GRPC_OK);
    }
    CHECK_INT(arc_grpc_conn_get_calls(pair.server), 0);
    CHECK_INT(arc_grpc_conn_get_calls(pair.client), 0);
    pair_close(&pair);
}

static const struct test tests[] = {
    {"a prefix split at any byte brings one message", split_prefixes},
    {"a prefix that tells 4 GiB ends its call, and takes no memory", a_prefix_of_4_gib},
    {"the longest message passes, one byte more does not", longest_message},
    {"grpc-timeout is taken by its grammar, saturated, or refused", timeouts},
    {"after the last stream a server takes no other", the_last_stream_of_a_server},
    {"after the last stream a client's connection drains", the_last_stream_of_a_client},
    {"resets are free at their rate and end the connection above", rate_of_resets},
    {"bytes of one turn bring no more calls than there are slots", calls_of_one_turn},
    {"messages that have come leave their room to others", room_of_messages_that_came},
    {"who reads slowly is not taken for one that reads nothing", a_slow_line_is_no_stall},
    {"a reset that makes room lets the others be read", room_by_a_reset},
    {"a pause of the application is no slowness of the client", a_pause_within_a_message},
    {"a drain at the time 0 ends like any other", a_drain_at_the_beginning_of_time},
    {"who asks and does not read makes nothing grow", asks_and_does_not_read},
    {"five thousand calls are alive at once on one connection", thousands_at_once},
};
TEST_MAIN(tests)
