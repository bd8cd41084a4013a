/* SPDX-License-Identifier: Apache-2.0 */
/* Frames written by hand against the server: floods, bombs, broken and cut input. */
#include "shim.h"

#include <stdio.h>
#include <stdlib.h>

#include "frames.h"

/* --- floods of resets ------------------------------------------------------------------------ */

static void run_flood(const char *name, void (*one)(struct attack *attack, uint32_t stream))
{
    struct attack attack;
    attack_open(&attack, NULL);
    for (int i = 0; i < 1000000 && attack.status == ARC_OK; i++) {
        one(&attack, attack.next);
        attack.next += 2;
        if (i % 7 == 0)
            send_out(&attack);
    }
    if (attack.status == ARC_OK || attack.pair.service.calls > 130)
        printf("# %s: status %d, calls %d\n", name, attack.status, attack.pair.service.calls);
    CHECK(attack.status != ARC_OK);
    CHECK(attack.pair.service.calls <= 130);
    CHECK(arc_grpc_conn_is_over(attack.pair.server));
    /* What comes after the end is not even read. */
    struct arc_grpc_counters before = attack.pair.server_counters;
    attack.status = ARC_OK;
    one(&attack, attack.next);
    send_out(&attack);
    CHECK_INT(attack.pair.server_counters.calls, before.calls);
    attack_close(&attack);
}

static void rapid(struct attack *attack, uint32_t stream)
{
    request(&attack->out, stream, 0, "/t/Hang", NULL, NULL);
    frame_u32(&attack->out, RST_STREAM, stream, 8);
}

static void window_overflow(struct attack *attack, uint32_t stream)
{
    request(&attack->out, stream, 0, "/t/Hang", NULL, NULL);
    frame_u32(&attack->out, WINDOW_UPDATE, stream, 0x7fffffff);
}

static void window_zero(struct attack *attack, uint32_t stream)
{
    request(&attack->out, stream, 0, "/t/Hang", NULL, NULL);
    frame_u32(&attack->out, WINDOW_UPDATE, stream, 0);
}

static void length_mismatch(struct attack *attack, uint32_t stream)
{
    request(&attack->out, stream, 0, "/t/Hang", "content-length", "1");
    frame(&attack->out, DATA, END_STREAM, stream, ARC_LIT("12345"));
}

static void second_headers(struct attack *attack, uint32_t stream)
{
    request(&attack->out, stream, 0, "/t/Hang", NULL, NULL);
    request(&attack->out, stream, 0, "/t/Hang", NULL, NULL);
}

static void data_after_end(struct attack *attack, uint32_t stream)
{
    request(&attack->out, stream, END_STREAM, "/t/Hang", NULL, NULL);
    frame(&attack->out, DATA, 0, stream, ARC_LIT("more"));
}

static void headers_after_end(struct attack *attack, uint32_t stream)
{
    request(&attack->out, stream, END_STREAM, "/t/Hang", NULL, NULL);
    request(&attack->out, stream, END_STREAM, "/t/Hang", NULL, NULL);
}

static void short_priority(struct attack *attack, uint32_t stream)
{
    request(&attack->out, stream, 0, "/t/Hang", NULL, NULL);
    frame(&attack->out, PRIORITY, 0, stream, ARC_LIT("123"));
}

static void bad_header_name(struct attack *attack, uint32_t stream)
{
    request(&attack->out, stream, 0, "/t/Hang", "Upper", "x");
}

static void rapid_reset_is_stopped(void)
{
    run_flood("rapid reset", rapid);
}

static void resets_that_we_are_made_to_send_are_counted(void)
{
    run_flood("window overflow", window_overflow);
    run_flood("window zero", window_zero);
    run_flood("content length", length_mismatch);
    run_flood("second headers", second_headers);
    run_flood("data after end", data_after_end);
    run_flood("headers after end", headers_after_end);
    run_flood("short priority", short_priority);
    run_flood("bad header name", bad_header_name);
}

static void cancels_at_a_human_rate_are_fine(void)
{
    struct attack attack;
    attack_open(&attack, NULL);
    for (int i = 0; i < 2000; i++) {
        rapid(&attack, attack.next);
        attack.next += 2;
        attack.pair.now_ns += PAIR_S / 8;
        send_out(&attack);
    }
    CHECK_OK(attack.status);
    CHECK_INT(attack.pair.service.calls, 2000);
    attack_close(&attack);
}

/* --- bombs ----------------------------------------------------------------------------------- */

static void header_bomb(void)
{
    struct test_mem state = {0};
    struct arc_mem counted = test_mem(&state);
    struct attack attack = {.next = 1, .mem = arc__mem_default()};
    arc__buf_init(&attack.out, &attack.mem, 16 << 20);
    CHECK_OK(pair_open(&attack.pair, &counted, NULL, NULL));
    preface(&attack.out);
    send_out(&attack);
    for (int i = 0; i < 300 && attack.status == ARC_OK; i++) {
        struct arc_buf fields;
        char big[3000];
        arc__buf_init(&fields, &attack.mem, 65536);
        memset(big, 'b', sizeof(big));
        request_fields(&fields, "/t/Hang");
        /* One entry of 3000 bytes into the table, then named 12,000 times in a byte each. */
        arc__buf_add(&fields, "\x40\x01x\x7f\xb9\x16", 6);
        arc__buf_add(&fields, big, sizeof(big));
        for (int k = 0; k < 12000; k++)
            arc__buf_add_char(&fields, (char)0xbe);
        frame(&attack.out, HEADERS, END_HEADERS, attack.next, arc__buf_slice(&fields));
        attack.next += 2;
        arc__buf_deinit(&fields);
        send_out(&attack);
    }
    CHECK(attack.status != ARC_OK);
    CHECK_INT(attack.pair.service.calls, 0);
    CHECK(attack.pair.server_counters.refused_headers <= 130);
    CHECK(state.calls < 20000);
    pair_close(&attack.pair);
    arc__buf_deinit(&attack.out);
    CHECK_INT(state.live, 0);
}

/* The client opens stream 1; what it says is replaced by what the test says. */
static void answer_to(arc_slice bytes, struct seen *seen, struct arc_grpc_counters *counters)
{
    static char buf[65536];
    struct pair pair = {0};
    size_t got;
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, seen));
    (void)arc_grpc_conn_send(pair.client, pair.now_ns, buf, sizeof(buf));
    CHECK_OK(arc_grpc_conn_recv(pair.server, pair.now_ns, bytes, NULL));
    while ((got = arc_grpc_conn_send(pair.server, pair.now_ns, buf, sizeof(buf))) > 0)
        CHECK_OK(arc_grpc_conn_recv(pair.client, pair.now_ns, arc__slice(buf, got), NULL));
    CHECK_INT(seen->statuses, 1);
    *counters = pair.server_counters;
    pair_close(&pair);
}

static void check_refusal(const char *name, const char *value, int code, const char *text)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_grpc_counters counters = {0};
    struct arc_buf out;
    struct seen seen = {0};
    arc__buf_init(&out, &mem, 65536);
    preface(&out);
    request(&out, 1, 0, "/t/Hang", name, value);
    answer_to(arc__buf_slice(&out), &seen, &counters);
    CHECK_INT(seen.code, code);
    CHECK_TEXT(arc__slice_cstr(seen.text), text);
    CHECK_INT(counters.calls, 0);
    arc__buf_deinit(&out);
}

static void bad_requests_are_told_why(void)
{
    check_refusal("grpc-timeout", "5", ARC_GRPC_INVALID_ARGUMENT,
                  "A timeout is 1 to 8 digits and one of H, M, S, m, u, n.");
    check_refusal("grpc-encoding", "snappy", ARC_GRPC_UNIMPLEMENTED,
                  "The encoding of the messages is none of identity and gzip.");
    check_refusal("x-bin", "***", ARC_GRPC_INVALID_ARGUMENT,
                  "A -bin value of the metadata is no base64.");
}

static void not_grpc_is_http(void)
{
    const struct {
        const char *method, *type, *text;
    } cases[] = {
        {"POST", "application/json", "The server answered HTTP 415 and no gRPC."},
        {"POST", "application/grpc-web", "The server answered HTTP 415 and no gRPC."},
        {"GET", "application/grpc", "The server answered HTTP 405 and no gRPC."},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct arc_mem mem = arc__mem_default();
        struct arc_grpc_counters counters = {0};
        struct arc_buf out, fields;
        struct seen seen = {0};
        arc__buf_init(&out, &mem, 65536);
        arc__buf_init(&fields, &mem, 65536);
        preface(&out);
        field(&fields, ":method", cases[i].method);
        field(&fields, ":scheme", "http");
        field(&fields, ":path", "/t/Hang");
        field(&fields, ":authority", "x");
        field(&fields, "content-type", cases[i].type);
        frame(&out, HEADERS, END_HEADERS, 1, arc__buf_slice(&fields));
        answer_to(arc__buf_slice(&out), &seen, &counters);
        CHECK_INT(seen.code, ARC_GRPC_UNKNOWN);
        CHECK_TEXT(arc__slice_cstr(seen.text), cases[i].text);
        CHECK_INT(counters.calls, 0);
        arc__buf_deinit(&out);
        arc__buf_deinit(&fields);
    }
}

static void large_metadata_is_told_why(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_grpc_counters counters = {0};
    struct arc_buf out, fields;
    struct seen seen = {0};
    arc__buf_init(&out, &mem, 65536);
    arc__buf_init(&fields, &mem, 65536);
    preface(&out);
    request_fields(&fields, "/t/Hang");
    for (int i = 0; i < 110; i++)
        field(&fields, "x-a", "b");
    frame(&out, HEADERS, END_HEADERS, 1, arc__buf_slice(&fields));
    answer_to(arc__buf_slice(&out), &seen, &counters);
    CHECK_INT(seen.code, ARC_GRPC_RESOURCE_EXHAUSTED);
    CHECK_INT(counters.refused_headers, 1);
    arc__buf_deinit(&out);
    arc__buf_deinit(&fields);
}

static void bad_messages_are_told_why(void)
{
    const struct {
        arc_slice data;
        int code;
        int end;
    } cases[] = {
        {ARC_LIT("\x00\xff\xff\xff\xff"), ARC_GRPC_RESOURCE_EXHAUSTED, 0},
        {ARC_LIT("\x00\x00\x40\x00\x01"), ARC_GRPC_RESOURCE_EXHAUSTED, 0},
        {ARC_LIT("\x02\x00\x00\x00\x01x"), ARC_GRPC_INTERNAL, 0},
        {ARC_LIT("\x01\x00\x00\x00\x01x"), ARC_GRPC_INTERNAL, 0},
        {ARC_LIT("\x00\x00\x00\x00\x05x"), ARC_GRPC_INTERNAL, 1},
        {ARC_LIT("\x00\x00"), ARC_GRPC_INTERNAL, 1},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct arc_mem mem = arc__mem_default();
        struct arc_grpc_counters counters = {0};
        struct arc_buf out;
        struct seen seen = {0};
        arc__buf_init(&out, &mem, 65536);
        preface(&out);
        request(&out, 1, 0, "/t/Hang", NULL, NULL);
        frame(&out, DATA, cases[i].end ? END_STREAM : 0, 1, cases[i].data);
        answer_to(arc__buf_slice(&out), &seen, &counters);
        CHECK_INT(seen.code, cases[i].code);
        CHECK_INT(counters.messages_in, 0);
        arc__buf_deinit(&out);
    }
}

/* --- floods of small things ------------------------------------------------------------------ */

static void check_flood(int type, int flags, uint32_t stream, arc_slice payload, int with_call,
                        int deaf, int most)
{
    struct attack attack;
    int sent = 0;
    attack_open(&attack, NULL);
    attack.deaf = deaf;
    if (with_call)
        request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
    while (sent < 20000 && attack.status == ARC_OK) {
        frame(&attack.out, type, flags, stream, payload);
        send_out(&attack);
        sent++;
    }
    CHECK(attack.status != ARC_OK);
    if (sent > most)
        printf("# type %d: %d sent\n", type, sent);
    CHECK(sent <= most);
    CHECK_INT(attack.pair.service.calls, with_call);
    attack_close(&attack);
}

static void small_floods_are_stopped(void)
{
    check_flood(PING, 0, 0, ARC_LIT("12345678"), 0, 0, 11);
    check_flood(PING, 0, 0, ARC_LIT("12345678"), 1, 0, 1001);
    check_flood(PING, 0, 0, ARC_LIT("12345678"), 1, 1, 102);
    check_flood(SETTINGS, 0, 0, ARC_NONE, 0, 0, 11);
    check_flood(DATA, 0, 1, ARC_NONE, 1, 0, 101);
    check_flood(CONTINUATION, 0, 1, ARC_NONE, 0, 0, 1);
    check_flood(PUSH_PROMISE, END_HEADERS, 1, ARC_LIT("\x00\x00\x00\x02"), 1, 0, 1);
}

static void continuations_end(void)
{
    struct attack attack;
    int sent = 0;
    attack_open(&attack, NULL);
    frame(&attack.out, HEADERS, 0, 1, ARC_NONE);
    while (sent < 100 && attack.status == ARC_OK) {
        frame(&attack.out, CONTINUATION, 0, 1, ARC_LIT("\x82"));
        send_out(&attack);
        sent++;
    }
    CHECK(sent <= 10);
    attack_close(&attack);

    attack_open(&attack, NULL);
    struct arc_buf entries;
    arc__buf_init(&entries, &attack.mem, 4096);
    for (int i = 0; i < 33; i++)
        arc__buf_add(&entries, "\x00\x01\x00\x00\x10\x00", 6);
    frame(&attack.out, SETTINGS, 0, 0, arc__buf_slice(&entries));
    send_out(&attack);
    CHECK(attack.status != ARC_OK);
    arc__buf_deinit(&entries);
    attack_close(&attack);
}

/* --- slowness -------------------------------------------------------------------------------- */

static void slow_peers_are_let_go(void)
{
    struct pair pair = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_INT(arc_grpc_conn_get_deadline(pair.server), pair.now_ns + 10 * PAIR_S);
    arc_grpc_conn_tick(pair.server, pair.now_ns + 10 * PAIR_S);
    CHECK(arc_grpc_conn_is_over(pair.server));
    CHECK_INT(pair.server_counters.timeouts_handshake, 1);
    pair_close(&pair);

    /* A header block that never ends. */
    struct attack attack;
    attack_open(&attack, NULL);
    frame(&attack.out, HEADERS, 0, 1, ARC_LIT("\x82"));
    send_out(&attack);
    attack.pair.now_ns += 10 * PAIR_S;
    send_out(&attack);
    CHECK_INT(attack.pair.server_counters.timeouts_headers, 1);
    CHECK(arc_grpc_conn_is_over(attack.pair.server));
    attack_close(&attack);

    /* A message of which a byte comes each second. */
    attack_open(&attack, NULL);
    request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
    frame(&attack.out, DATA, 0, 1, ARC_LIT("\x00\x00\x00\x10\x00"));
    int seconds = 0;
    while (seconds < 100 && attack.pair.service.closed == 0) {
        frame(&attack.out, DATA, 0, 1, ARC_LIT("x"));
        attack.pair.now_ns += PAIR_S;
        send_out(&attack);
        seconds++;
    }
    CHECK(seconds >= 10 && seconds <= 16);
    CHECK_INT(attack.pair.server_counters.stalls, 1);
    CHECK_OK(attack.status);
    attack_close(&attack);
}

/* Seconds until the connection is over, with a byte each second of a frame that is announced with
 * more than will ever come. */
static int drip(struct attack *attack)
{
    int seconds = 0;
    while (seconds < 100 && !arc_grpc_conn_is_over(attack->pair.server)) {
        arc__buf_add_char(&attack->out, (char)0x82);
        attack->pair.now_ns += PAIR_S;
        send_out(attack);
        seconds++;
    }
    return seconds;
}

/* What was refused is still decoded, and nothing says when it ends: whoever drips the rest of it
 * must not get more time than who drips a good one, but for one question. */
static void the_rest_of_a_refused_block_is_not_waited_for(void)
{
    static const char unfinished[] = "\0\0\x80\1\0\0\0\0\1"; /* 128 bytes, no END_HEADERS */
    struct attack attack;
    attack_open(&attack, NULL);
    arc__buf_add(&attack.out, unfinished, sizeof(unfinished) - 1);
    arc__buf_add_cstr(&attack.out, "\x82\x83"); /* two methods */
    CHECK_INT(drip(&attack), 21);               /* it began with the first of these seconds */
    CHECK_INT(attack.pair.server_counters.timeouts_headers, 1);
    attack_close(&attack);

    /* On a stream that we closed, where no block begins as far as anybody is told. */
    attack_open(&attack, NULL);
    request(&attack.out, 1, 0, "/t/Fail", NULL, NULL);
    send_out(&attack);
    arc__buf_add(&attack.out, unfinished, sizeof(unfinished) - 1);
    CHECK_INT(drip(&attack), 21);
    attack_close(&attack);

    /* On a stream that the client closed itself, the first byte of another block is the last. */
    attack_open(&attack, NULL);
    request(&attack.out, 1, 0, "/t/Fail", NULL, NULL);
    frame(&attack.out, RST_STREAM, 0, 1, ARC_LIT("\0\0\0\x8"));
    send_out(&attack);
    arc__buf_add(&attack.out, unfinished, sizeof(unfinished) - 1);
    CHECK_INT(drip(&attack), 1);
    attack_close(&attack);

    /* In CONTINUATION frames as well. */
    attack_open(&attack, NULL);
    frame(&attack.out, HEADERS, 0, 1, ARC_LIT("\x82\x83"));
    for (int i = 0; i < 7; i++) {
        frame(&attack.out, CONTINUATION, 0, 1, ARC_LIT("\x82"));
        attack.pair.now_ns += 2 * PAIR_S;
        send_out(&attack);
    }
    attack.pair.now_ns += 10 * PAIR_S;
    send_out(&attack);
    CHECK(arc_grpc_conn_is_over(attack.pair.server));
    attack_close(&attack);
}

/* An honest client whose headers were too many, and who then has nothing to say. */
static void a_refused_block_that_ended_costs_a_question(void)
{
    struct pair pair = {0};
    struct seen refused = {0};
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    limits.header_fields_max = 1;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &refused));
    pair_pump(&pair);
    CHECK_INT(pair.server_counters.refused_headers, 1);
    for (int i = 0; i < 60; i++)
        pair_wait(&pair, PAIR_S);
    CHECK(!arc_grpc_conn_is_over(pair.server));
    CHECK_INT(pair.server_counters.timeouts_headers, 0);
    CHECK(!arc_grpc_conn_is_draining(pair.client));
    pair_close(&pair);
}

static void an_idle_stream_wakes_nobody(void)
{
    struct attack attack;
    attack_open(&attack, NULL);
    request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
    send_out(&attack);
    CHECK_INT(arc_grpc_conn_get_deadline(attack.pair.server), ARC_GRPC_NEVER);
    frame(&attack.out, DATA, 0, 1, ARC_LIT("\x00\x00\x00\x10\x00"));
    send_out(&attack);
    CHECK(arc_grpc_conn_get_deadline(attack.pair.server) <= attack.pair.now_ns + 10 * PAIR_S);
    attack_close(&attack);
}

static void a_reader_that_stalls_loses_the_call(void)
{
    struct attack attack;
    attack_open(&attack, NULL);
    request(&attack.out, 1, 0, "/t/Feed", NULL, NULL);
    frame(&attack.out, DATA, END_STREAM, 1,
          ARC_LIT("\x00\x00\x00\x00\x08"
                  "9 100000"));
    send_out(&attack);
    CHECK(attack.replied > 60000 &&
          attack.replied < 70000); /* the window that HTTP/2 begins with */
    attack.pair.now_ns += 29 * PAIR_S;
    send_out(&attack);
    CHECK_INT(attack.pair.service.closed, 0);
    attack.pair.now_ns += 10 * PAIR_S;
    send_out(&attack);
    CHECK_INT(attack.pair.service.closed, 1);
    CHECK_INT(attack.pair.server_counters.stalls, 1);
    CHECK_INT(arc_grpc_conn_get_queued(attack.pair.server), 0);
    attack_close(&attack);
}

static void pieces_of_many_messages_are_bounded(void)
{
    struct attack attack;
    static char piece[16384];
    attack_open(&attack, NULL);
    /* A hundred calls, each with 4 MiB announced and as much sent as the windows allow. */
    for (uint32_t i = 0; i < 100; i++)
        request(&attack.out, 1 + 2 * i, 0, "/t/Hang", NULL, NULL);
    send_out(&attack);
    for (int round = 0; round < 60; round++) {
        for (uint32_t i = 0; i < 100 && attack.status == ARC_OK; i++) {
            memcpy(piece, "\x00\x00\x40\x00\x00", 5);
            frame(&attack.out, DATA, 0, 1 + 2 * i, arc__slice(piece, sizeof(piece)));
            send_out(&attack);
            size_t held = arc_grpc_conn_get_held(attack.pair.server);
            if (held > attack.pair.max_held)
                attack.pair.max_held = held;
        }
    }
    CHECK(attack.pair.max_held <= (33 << 20));
    CHECK(attack.pair.server_counters.refused_assembly > 0);
    attack_close(&attack);
}

/* --- broken and cut -------------------------------------------------------------------------- */

static void record_session(struct arc_buf *record)
{
    struct pair pair = {.record = record};
    struct seen echo = {0}, chat = {0}, cancelled = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Echo", ARC_LIT("hello"), &echo));
    CHECK_OK(pair_call(&pair, "/t/Chat", pair.now_ns + PAIR_S, &chat));
    CHECK_OK(arc_grpc_call_send(chat.call, ARC_LIT("one"), NULL));
    pair_pump(&pair);
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &cancelled));
    pair_pump(&pair);
    arc_grpc_call_cancel(cancelled.call);
    CHECK_OK(arc_grpc_call_send(chat.call, ARC_LIT("two"), NULL));
    arc_grpc_call_half_close(chat.call);
    pair_pump(&pair);
    pair_close(&pair);
}

/* Plays bytes to a fresh server and lets it go; calls must have ended as often as they began. */
static void play(arc_slice bytes, size_t step, int *calls)
{
    static char buf[65536];
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct pair pair = {0};
    arc_status status = ARC_OK;
    CHECK_OK(pair_open(&pair, &mem, NULL, NULL));
    for (size_t at = 0; at < bytes.len && status == ARC_OK; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        char *copy = malloc(len);
        if (copy == NULL)
            break;
        memcpy(copy, bytes.ptr + at, len);
        status = arc_grpc_conn_recv(pair.server, pair.now_ns, arc__slice(copy, len), NULL);
        free(copy);
        while (arc_grpc_conn_send(pair.server, pair.now_ns, buf, sizeof(buf)) > 0)
            ;
    }
    if (calls != NULL)
        *calls = pair.service.calls;
    pair_close(&pair);
    CHECK_INT(pair.service.calls, pair.service.closed);
    CHECK_INT(state.live, 0);
}

static void cut_at_every_length(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf record;
    int calls = 0, before = 0;
    arc__buf_init(&record, &mem, 1 << 20);
    record_session(&record);
    for (size_t cut = 0; cut <= record.len; cut++) {
        play(arc__slice(record.ptr, cut), 4096, &calls);
        CHECK(calls >= before);
        before = calls;
    }
    CHECK_INT(calls, 3);
    play(arc__buf_slice(&record), 1, &calls);
    CHECK_INT(calls, 3);
    arc__buf_deinit(&record);
}

static void flipped_anywhere(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf record;
    arc__buf_init(&record, &mem, 1 << 20);
    record_session(&record);
    for (size_t at = 0; at < record.len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            record.ptr[at] = (char)(record.ptr[at] ^ (1 << bit));
            play(arc__buf_slice(&record), 61, NULL);
            record.ptr[at] = (char)(record.ptr[at] ^ (1 << bit));
        }
    }
    arc__buf_deinit(&record);
}

/* Two calls as a client, answered by bytes. */
static void play_to_client(arc_slice bytes, size_t step, int *messages)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct pair pair = {0};
    struct seen echo = {0}, fail = {0};
    static char buf[65536];
    arc_status status = ARC_OK;
    CHECK_OK(pair_open(&pair, &mem, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Echo", 0, &echo));
    CHECK_OK(arc_grpc_call_send(echo.call, ARC_LIT("hello"), NULL));
    arc_grpc_call_half_close(echo.call);
    CHECK_OK(pair_call(&pair, "/t/Fail", 0, &fail));
    while (arc_grpc_conn_send(pair.client, pair.now_ns, buf, sizeof(buf)) > 0)
        ;
    for (size_t at = 0; at < bytes.len && status == ARC_OK; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        char *copy = malloc(len);
        if (copy == NULL)
            break;
        memcpy(copy, bytes.ptr + at, len);
        status = arc_grpc_conn_recv(pair.client, pair.now_ns, arc__slice(copy, len), NULL);
        free(copy);
        while (arc_grpc_conn_send(pair.client, pair.now_ns, buf, sizeof(buf)) > 0)
            ;
    }
    pair_close(&pair);
    CHECK_INT(echo.closes + fail.closes, 2);
    CHECK_INT(echo.statuses + fail.statuses, 2);
    CHECK_INT(echo.misuse + fail.misuse, 0);
    CHECK_INT(state.live, 0);
    if (messages != NULL)
        *messages = echo.messages;
}

static void a_wrong_server(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf record;
    struct pair pair = {.record_server = &record};
    struct seen echo = {0}, fail = {0};
    int messages = 0;
    arc__buf_init(&record, &mem, 1 << 20);
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_call(&pair, "/t/Echo", 0, &echo));
    CHECK_OK(arc_grpc_call_send(echo.call, ARC_LIT("hello"), NULL));
    arc_grpc_call_half_close(echo.call);
    CHECK_OK(pair_call(&pair, "/t/Fail", 0, &fail));
    pair_pump(&pair);
    pair_close(&pair);
    for (size_t cut = 0; cut <= record.len; cut++)
        play_to_client(arc__slice(record.ptr, cut), 4096, &messages);
    CHECK_INT(messages, 1);
    play_to_client(arc__buf_slice(&record), 1, &messages);
    CHECK_INT(messages, 1);
    for (size_t at = 0; at < record.len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            record.ptr[at] = (char)(record.ptr[at] ^ (1 << bit));
            play_to_client(arc__buf_slice(&record), 61, NULL);
            record.ptr[at] = (char)(record.ptr[at] ^ (1 << bit));
        }
    }
    arc__buf_deinit(&record);
}

static void not_http2(void)
{
    static const char *const hello[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x02\x00",
                                        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "SSH-2.0-x\r\n"};
    for (size_t i = 0; i < ARC_COUNT_OF(hello); i++) {
        struct pair pair = {0};
        arc_err err = ARC_ERR_INIT;
        CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
        CHECK_STATUS(arc_grpc_conn_recv(pair.server, pair.now_ns, arc__slice_cstr(hello[i]), &err),
                     ARC_EPROTOCOL);
        CHECK_TEXT(arc__slice_cstr(err.message), "The peer does not speak HTTP/2.");
        CHECK_TEXT(arc__slice_cstr(err.subject), "10.0.0.7:4711");
        CHECK(arc_grpc_conn_is_over(pair.server));
        pair_close(&pair);
    }
}

static const struct test tests[] = {
    {"a flood of resets is stopped at its burst", rapid_reset_is_stopped},
    {"resets that a peer makes us send are counted and stopped",
     resets_that_we_are_made_to_send_are_counted},
    {"cancelling now and then is no flood", cancels_at_a_human_rate_are_fine},
    {"a header bomb is neither kept nor served", header_bomb},
    {"too large metadata is refused with a status", large_metadata_is_told_why},
    {"a request with a bad header is refused with the reason", bad_requests_are_told_why},
    {"what is not gRPC is answered in HTTP", not_grpc_is_http},
    {"a bad, long, compressed or cut message ends its call", bad_messages_are_told_why},
    {"floods of pings, settings and empty frames are stopped", small_floods_are_stopped},
    {"an endless header block and huge settings are refused", continuations_end},
    {"a peer that drips at any stage is let go", slow_peers_are_let_go},
    {"the rest of a refused header block is not waited for",
     the_rest_of_a_refused_block_is_not_waited_for},
    {"a refused header block that has ended costs a question",
     a_refused_block_that_ended_costs_a_question},
    {"a stream on which nothing waits wakes nobody", an_idle_stream_wakes_nobody},
    {"a reader that takes nothing for long loses its call", a_reader_that_stalls_loses_the_call},
    {"messages in pieces share one bound of memory", pieces_of_many_messages_are_bounded},
    {"a session cut at any byte ends cleanly", cut_at_every_length},
    {"a session with any bit wrong ends cleanly", flipped_anywhere},
    {"a client survives a server cut or wrong at any bit", a_wrong_server},
    {"a peer that speaks something else is told apart", not_http2},
};
TEST_MAIN(tests)
