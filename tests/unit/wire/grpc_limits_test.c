/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of ARC_GRPC_LIMITS set to something else than its default, and what it does then. A row
 * without a function here does not compile. */
#include "shim.h"

#include <stdio.h>

#include "frames.h"

#define INITIAL_WINDOW_SIZE 4

static struct arc_grpc_limits fresh(void)
{
    return (struct arc_grpc_limits)ARC_GRPC_LIMITS_INIT;
}

static const char *bytes_of(size_t len)
{
    static char bytes[1 << 20];
    memset(bytes, 'b', len);
    return bytes;
}

/* One call with a message of so many bytes; answers its status. */
static int unary_code(const struct arc_grpc_limits *server, const struct arc_grpc_limits *client,
                      size_t len, struct arc_grpc_counters *counters)
{
    struct pair pair = {0};
    struct seen seen = {0};
    CHECK_OK(pair_open(&pair, NULL, server, client));
    CHECK_OK(pair_unary(&pair, "/t/Collect", arc__slice(bytes_of(len), len), &seen));
    pair_close(&pair);
    *counters = pair.server_counters;
    return seen.code;
}

/* --- calls and messages ---------------------------------------------------------------------- */

static void try_calls_max(void)
{
    struct pair pair = {0};
    struct seen one = {0}, two = {0}, three = {0};
    struct arc_grpc_limits server = fresh(), client = fresh();
    server.calls_max = 1;
    client.calls_max = 2;
    CHECK_OK(pair_open(&pair, NULL, &server, &client));
    pair_pump(&pair);
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &one));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &two));
    CHECK_STATUS(pair_call(&pair, "/t/Hang", 0, &three), ARC_ELIMIT);
    pair_pump(&pair);
    CHECK_INT(pair.service.calls, 1); /* the other waits for its turn */
    CHECK_OK(arc_grpc_call_finish(pair.service.hanging, 0, ARC_NONE, NULL, 0, NULL));
    pair_pump(&pair);
    CHECK_INT(pair.service.calls, 2);
    pair_close(&pair);
}

static void try_message_max_bytes(void)
{
    struct arc_grpc_counters counters;
    struct arc_grpc_limits limits = fresh();
    limits.message_max_bytes = 100;
    CHECK_INT(unary_code(&limits, NULL, 100, &counters), ARC_GRPC_OK);
    CHECK_INT(unary_code(&limits, NULL, 101, &counters), ARC_GRPC_RESOURCE_EXHAUSTED);
    CHECK_INT(counters.refused_message_size, 1);
}

/* Sends on one call after the other; answers how many were taken before `want` came. */
static int sends_until(const struct arc_grpc_limits *client, size_t len, size_t calls,
                       arc_status want)
{
    struct pair pair = {0};
    struct seen seen[2] = {{0}, {0}};
    arc_status status = ARC_OK;
    int taken = 0;
    CHECK_OK(pair_open(&pair, NULL, NULL, client));
    for (size_t i = 0; i < calls; i++)
        CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen[i]));
    while (taken < 100) {
        status = arc_grpc_call_send(seen[(size_t)taken % calls].call,
                                    arc__slice(bytes_of(len), len), NULL);
        if (status != ARC_OK)
            break;
        taken++;
    }
    CHECK_STATUS(status, want);
    pair_close(&pair);
    return taken;
}

static void try_message_send_max_bytes(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.message_send_max_bytes = 100;
    CHECK_INT(sends_until(&limits, 101, 1, ARC_ELIMIT), 0);
    CHECK_INT(sends_until(&limits, 100, 1, ARC_OK), 100);
}

static void try_queue_max_bytes(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.queue_max_bytes = 550;
    CHECK_INT(sends_until(&limits, 50, 1, ARC_EAGAIN), 10);
    CHECK_INT(sends_until(&limits, 50, 2, ARC_EAGAIN), 20);
    CHECK_INT(sends_until(&limits, 1000, 1, ARC_EAGAIN), 1); /* one that meets an empty queue */
}

static void try_conn_queue_max_bytes(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.conn_queue_max_bytes = 550;
    CHECK_INT(sends_until(&limits, 50, 2, ARC_EAGAIN), 10);
}

static void try_assembly_max_bytes(void)
{
    struct arc_grpc_limits limits = fresh();
    struct attack attack;
    limits.assembly_max_bytes = 1000;
    attack_open(&attack, &limits);
    request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
    frame(&attack.out, DATA, 0, 1, ARC_LIT("\x00\x00\x00\x40\x00"));
    frame(&attack.out, DATA, 0, 1, arc__slice(bytes_of(900), 900));
    send_out(&attack);
    CHECK_INT(attack.pair.service.closed, 0);
    frame(&attack.out, DATA, 0, 1, arc__slice(bytes_of(900), 900));
    send_out(&attack);
    CHECK_INT(attack.pair.service.closed, 1);
    CHECK_INT(attack.pair.server_counters.refused_assembly, 1);
    attack_close(&attack);
}

static void try_compress_min_bytes(void)
{
    const size_t mins[] = {60, 61};
    for (size_t i = 0; i < ARC_COUNT_OF(mins); i++) {
        struct pair pair = {.client_encoding = ARC_GRPC_GZIP};
        struct arc_grpc_limits limits = fresh();
        struct seen seen = {0};
        limits.compress_min_bytes = mins[i];
        CHECK_OK(pair_open(&pair, NULL, NULL, &limits));
        CHECK_OK(pair_unary(&pair, "/t/Collect", arc__slice(bytes_of(60), 60), &seen));
        CHECK_INT(pair.service.packed, i == 0);
        pair_close(&pair);
    }
}

/* --- headers --------------------------------------------------------------------------------- */

static void try_header_list_max_bytes(void)
{
    struct arc_grpc_counters counters;
    struct arc_grpc_limits limits = fresh();
    limits.header_list_max_bytes = 1000;
    CHECK_INT(unary_code(&limits, NULL, 1, &counters), ARC_GRPC_OK);
    limits.header_list_max_bytes = 300;
    CHECK_INT(unary_code(&limits, NULL, 1, &counters), ARC_GRPC_RESOURCE_EXHAUSTED);
    CHECK_INT(counters.refused_headers, 1);
}

static void try_header_fields_max(void)
{
    struct arc_grpc_counters counters;
    struct arc_grpc_limits limits = fresh();
    limits.header_fields_max = 8; /* what a request of ours has */
    CHECK_INT(unary_code(&limits, NULL, 1, &counters), ARC_GRPC_OK);
    limits.header_fields_max = 7;
    CHECK_INT(unary_code(&limits, NULL, 1, &counters), ARC_GRPC_RESOURCE_EXHAUSTED);
    CHECK_INT(counters.refused_headers, 1);
}

static void try_continuations_max(void)
{
    const uint64_t most[] = {2, 3};
    for (size_t i = 0; i < ARC_COUNT_OF(most); i++) {
        struct arc_grpc_limits limits = fresh();
        struct attack attack;
        struct arc_buf fields;
        limits.continuations_max = most[i];
        attack_open(&attack, &limits);
        arc__buf_init(&fields, &attack.mem, 4096);
        request_fields(&fields, "/t/Hang");
        frame(&attack.out, HEADERS, 0, 1, arc__slice(fields.ptr, 10));
        frame(&attack.out, CONTINUATION, 0, 1, arc__slice(fields.ptr + 10, 10));
        frame(&attack.out, CONTINUATION, 0, 1, arc__slice(fields.ptr + 20, 10));
        frame(&attack.out, CONTINUATION, END_HEADERS, 1,
              arc__slice_from(arc__buf_slice(&fields), 30));
        send_out(&attack);
        CHECK_INT(attack.status == ARC_OK, i == 1);
        CHECK_INT(attack.pair.service.calls, i == 1);
        arc__buf_deinit(&fields);
        attack_close(&attack);
    }
}

/* A certificate with two names of four bytes; what becomes of it. */
static arc_status identity_with(const struct arc_grpc_limits *limits)
{
    const arc_slice names[] = {ARC_LIT("ip:1"), ARC_LIT("ip:2")};
    struct arc_grpc_identity identity = {.size = sizeof(identity), .names = names, .name_count = 2};
    struct pair pair = {0};
    CHECK_OK(pair_open(&pair, NULL, limits, NULL));
    arc_status status = arc_grpc_conn_set_identity(pair.server, &identity, NULL);
    pair_close(&pair);
    return status;
}

static void try_identity_names_max(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.identity_names_max = 2;
    CHECK_OK(identity_with(&limits));
    limits.identity_names_max = 1;
    CHECK_STATUS(identity_with(&limits), ARC_ELIMIT);
}

static void try_identity_bytes_max(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.identity_bytes_max = 8;
    CHECK_OK(identity_with(&limits));
    limits.identity_bytes_max = 7;
    CHECK_STATUS(identity_with(&limits), ARC_ELIMIT);
}

/* --- windows --------------------------------------------------------------------------------- */

/* What a server holds of clients that send all they may to calls that do not read. */
static size_t held_by(const struct arc_grpc_limits *server, size_t calls)
{
    struct pair pair = {0};
    struct seen seen[2] = {{0}, {0}};
    CHECK_OK(pair_open(&pair, NULL, server, NULL));
    pair_pump(&pair);
    for (size_t i = 0; i < calls; i++) {
        CHECK_OK(pair_call(&pair, "/t/Pause", 0, &seen[i]));
        for (int k = 0; k < 20; k++)
            CHECK_OK(arc_grpc_call_send(seen[i].call, arc__slice(bytes_of(50000), 50000), NULL));
    }
    pair_pump(&pair);
    size_t held = arc_grpc_conn_get_held(pair.server);
    pair_close(&pair);
    return held;
}

static void try_stream_window_first_bytes(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.stream_window_first_bytes = limits.stream_window_bytes = 1000;
    CHECK_INT(held_by(&limits, 1), 1000);
}

static void try_stream_window_bytes(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.stream_window_first_bytes = 1000;
    limits.stream_window_bytes = 30000;
    CHECK_INT(held_by(&limits, 1), 30000);
    CHECK_INT(held_by(&limits, 2), 60000);
}

static void try_conn_window_bytes(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.conn_window_bytes = 100000; /* HTTP/2 begins with 65535 and cannot take it back */
    CHECK_INT(held_by(&limits, 2), 100000);
}

/* --- rates ----------------------------------------------------------------------------------- */

enum flood { RESETS, SETTINGS_FRAMES, PINGS, PINGS_OF_CALLS, EMPTY_FRAMES };

static void flood_one(struct attack *attack, enum flood flood)
{
    switch (flood) {
    case RESETS:
        request(&attack->out, attack->next, 0, "/t/Hang", NULL, NULL);
        frame_u32(&attack->out, RST_STREAM, attack->next, 8);
        attack->next += 2;
        break;
    case SETTINGS_FRAMES:
        frame(&attack->out, SETTINGS, 0, 0, ARC_NONE);
        break;
    case PINGS:
    case PINGS_OF_CALLS:
        frame(&attack->out, PING, 0, 0, ARC_LIT("12345678"));
        break;
    case EMPTY_FRAMES:
        frame(&attack->out, DATA, 0, 1, ARC_NONE);
        break;
    }
    send_out(attack);
}

/* How many the server takes, one each gap_ns, before it ends the connection; 50: it does not. */
static int taken_of(const struct arc_grpc_limits *limits, enum flood flood, uint64_t gap_ns,
                    int deaf)
{
    struct attack attack;
    int taken = 0;
    attack_open(&attack, limits);
    if (flood == PINGS_OF_CALLS || flood == EMPTY_FRAMES)
        request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
    send_out(&attack);
    attack.deaf = deaf;
    for (; taken < 50; taken++) {
        attack.pair.now_ns += gap_ns;
        flood_one(&attack, flood);
        if (attack.status != ARC_OK)
            break;
    }
    attack_close(&attack);
    return taken;
}

static void try_reset_burst(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.reset_burst = 3;
    CHECK_INT(taken_of(&limits, RESETS, 0, 0), 3);
    limits.reset_burst = 40;
    CHECK_INT(taken_of(&limits, RESETS, 0, 0), 40);
}

static void try_reset_per_s(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.reset_burst = 2;
    limits.reset_per_s = 2;
    CHECK_INT(taken_of(&limits, RESETS, PAIR_S / 2, 0), 50);
    limits.reset_per_s = 1;
    CHECK(taken_of(&limits, RESETS, PAIR_S / 2, 0) < 5);
}

static void try_settings_burst(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.settings_burst = 4; /* the preface brings the first */
    CHECK_INT(taken_of(&limits, SETTINGS_FRAMES, 0, 0), 3);
}

static void try_settings_per_min(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.settings_burst = 2;
    limits.settings_per_min = 60;
    CHECK_INT(taken_of(&limits, SETTINGS_FRAMES, PAIR_S, 0), 50);
    limits.settings_per_min = 30;
    CHECK(taken_of(&limits, SETTINGS_FRAMES, PAIR_S, 0) < 5);
}

static void try_settings_entries_max(void)
{
    const uint64_t most[] = {2, 3};
    for (size_t i = 0; i < ARC_COUNT_OF(most); i++) {
        struct arc_grpc_limits limits = fresh();
        struct attack attack;
        limits.settings_entries_max = most[i];
        attack_open(&attack, &limits);
        frame(&attack.out, SETTINGS, 0, 0,
              ARC_LIT("\x00\x01\x00\x00\x10\x00\x00\x01\x00\x00\x10\x00\x00\x01\x00\x00\x10\x00"));
        send_out(&attack);
        CHECK_INT(attack.status == ARC_OK, i == 1);
        attack_close(&attack);
    }
}

static void try_acks_max(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.acks_max = 5;
    CHECK_INT(taken_of(&limits, PINGS_OF_CALLS, 0, 1), 5);
    CHECK_INT(taken_of(&limits, PINGS_OF_CALLS, 0, 0), 50); /* one that takes the answers */
}

static void try_idle_pings_burst(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.idle_pings_burst = 4;
    CHECK_INT(taken_of(&limits, PINGS, 0, 0), 4);
    CHECK_INT(taken_of(&limits, PINGS_OF_CALLS, 0, 0), 50);
}

static void try_idle_pings_per_min(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.idle_ns = ARC_GRPC_NEVER;
    limits.idle_pings_burst = 2;
    limits.idle_pings_per_min = 60;
    CHECK_INT(taken_of(&limits, PINGS, PAIR_S, 0), 50);
    limits.idle_pings_per_min = 30;
    CHECK(taken_of(&limits, PINGS, PAIR_S, 0) < 5);
}

/* Who measures bandwidth sends one for what has come, and the call is over by then. */
static void pings_for_answers_are_free(void)
{
    struct attack attack;
    struct arc_grpc_limits limits = fresh();
    limits.idle_pings_burst = 4;
    limits.idle_pings_per_min = 1;
    attack_open(&attack, &limits);
    for (uint32_t i = 0; i < 50; i++) {
        request(&attack.out, 1 + 2 * i, 0, "/t/Echo", NULL, NULL);
        frame(&attack.out, DATA, END_STREAM, 1 + 2 * i, ARC_LIT("\0\0\0\0\1x"));
        send_out(&attack);
        for (int k = 0; k < 4; k++)
            flood_one(&attack, PINGS);
        CHECK_OK(attack.status);
    }
    flood_one(&attack, PINGS);
    CHECK_STATUS(attack.status, ARC_ELIMIT); /* one more than the burst */
    attack_close(&attack);
}

static void pings_for_a_stream_are_free(void)
{
    struct attack attack;
    struct arc_grpc_limits limits = fresh();
    limits.pings_burst = 4;
    limits.pings_per_s = 1;
    attack_open(&attack, &limits);
    setting(&attack.out, INITIAL_WINDOW_SIZE, 1);
    request(&attack.out, 1, 0, "/t/Feed", NULL, NULL);
    frame(&attack.out, DATA, END_STREAM, 1, ARC_LIT("\0\0\0\0\x08\x39 300000"));
    send_out(&attack);
    for (int i = 0; i < 50; i++) {
        frame_u32(&attack.out, WINDOW_UPDATE, 1, 1); /* a frame of one byte for each */
        send_out(&attack);
        flood_one(&attack, PINGS_OF_CALLS);
        CHECK_OK(attack.status);
    }
    for (int i = 0; i < 5; i++)
        flood_one(&attack, PINGS_OF_CALLS);
    CHECK_STATUS(attack.status, ARC_ELIMIT);
    attack_close(&attack);
}

static void try_pings_burst(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.pings_burst = 7;
    CHECK_INT(taken_of(&limits, PINGS_OF_CALLS, 0, 0), 7);
}

static void try_pings_per_s(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.pings_burst = 2;
    limits.pings_per_s = 4;
    CHECK_INT(taken_of(&limits, PINGS_OF_CALLS, PAIR_S / 4, 0), 50);
    limits.pings_per_s = 2;
    CHECK(taken_of(&limits, PINGS_OF_CALLS, PAIR_S / 4, 0) < 5);
}

static void try_empty_frames_max(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.empty_frames_max = 9;
    CHECK_INT(taken_of(&limits, EMPTY_FRAMES, 0, 0), 9);
}

/* --- times ----------------------------------------------------------------------------------- */

static void try_handshake_ns(void)
{
    struct pair pair = {0};
    struct arc_grpc_limits limits = fresh();
    limits.handshake_ns = 3 * PAIR_S;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    CHECK_INT(arc_grpc_conn_get_deadline(pair.server), pair.now_ns + 3 * PAIR_S);
    arc_grpc_conn_tick(pair.server, pair.now_ns + 3 * PAIR_S);
    CHECK_INT(pair.server_counters.timeouts_handshake, 1);
    pair_close(&pair);
}

static void try_headers_ns(void)
{
    struct attack attack;
    struct arc_grpc_limits limits = fresh();
    limits.headers_ns = 3 * PAIR_S;
    attack_open(&attack, &limits);
    frame(&attack.out, HEADERS, 0, 1, ARC_LIT("\x82"));
    send_out(&attack);
    CHECK_INT(arc_grpc_conn_get_deadline(attack.pair.server), attack.pair.now_ns + 3 * PAIR_S);
    attack.pair.now_ns += 3 * PAIR_S;
    send_out(&attack);
    CHECK_INT(attack.pair.server_counters.timeouts_headers, 1);
    attack_close(&attack);
}

/* The seconds that a message lives of which some bytes come each second; 60: it goes on. */
static int seconds_of(const struct arc_grpc_limits *limits, size_t bytes)
{
    struct attack attack;
    int seconds = 0;
    attack_open(&attack, limits);
    request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
    frame(&attack.out, DATA, 0, 1, ARC_LIT("\x00\x00\x00\x40\x00"));
    while (seconds < 60 && attack.pair.service.closed == 0) {
        frame(&attack.out, DATA, 0, 1, arc__slice(bytes_of(bytes), bytes));
        attack.pair.now_ns += PAIR_S;
        send_out(&attack);
        seconds++;
    }
    CHECK_INT(attack.pair.server_counters.stalls, seconds < 60);
    attack_close(&attack);
    return seconds;
}

static void try_message_grace_ns(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.message_grace_ns = 20 * PAIR_S;
    int seconds = seconds_of(&limits, 10);
    CHECK(seconds >= 20 && seconds <= 30);
    limits.message_grace_ns = 4 * PAIR_S;
    seconds = seconds_of(&limits, 10);
    CHECK(seconds >= 4 && seconds <= 7);
}

static void try_message_bytes_per_s(void)
{
    struct arc_grpc_limits limits = fresh();
    limits.message_bytes_per_s = 10;
    CHECK_INT(seconds_of(&limits, 10), 60);
    limits.message_bytes_per_s = 11;
    CHECK(seconds_of(&limits, 10) < 20);
}

static void try_stall_ns(void)
{
    struct attack attack;
    struct arc_grpc_limits limits = fresh();
    limits.stall_ns = 4 * PAIR_S;
    attack_open(&attack, &limits);
    request(&attack.out, 1, 0, "/t/Feed", NULL, NULL);
    frame(&attack.out, DATA, END_STREAM, 1,
          ARC_LIT("\x00\x00\x00\x00\x08"
                  "9 100000"));
    send_out(&attack);
    attack.pair.now_ns += 3 * PAIR_S;
    send_out(&attack);
    CHECK_INT(attack.pair.service.closed, 0);
    attack.pair.now_ns += 3 * PAIR_S;
    send_out(&attack);
    CHECK_INT(attack.pair.service.closed, 1);
    CHECK_INT(attack.pair.server_counters.stalls, 1);
    attack_close(&attack);
}

static void try_idle_ns(void)
{
    struct pair pair = {0};
    struct arc_grpc_limits limits = fresh();
    limits.idle_ns = 3 * PAIR_S;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    pair_pump(&pair);
    pair_wait(&pair, 3 * PAIR_S - 1);
    CHECK(!arc_grpc_conn_is_draining(pair.server));
    pair_wait(&pair, 1);
    CHECK(arc_grpc_conn_is_over(pair.server));
    CHECK_INT(pair.server_counters.timeouts_idle, 1);
    pair_close(&pair);
}

static void try_keepalive_ns(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    struct arc_grpc_limits limits = fresh();
    limits.keepalive_ns = 4 * PAIR_S;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
    pair_pump(&pair);
    CHECK_INT(arc_grpc_conn_get_deadline(pair.server), pair.now_ns + 4 * PAIR_S);
    arc_grpc_conn_tick(pair.server, pair.now_ns + 4 * PAIR_S);
    CHECK(arc_grpc_conn_wants_send(pair.server)); /* a PING, and then its answer's time */
    CHECK_INT(arc_grpc_conn_get_deadline(pair.server), pair.now_ns + 24 * PAIR_S);
    pair_close(&pair);
}

static void try_keepalive_timeout_ns(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    struct arc_grpc_limits limits = fresh();
    limits.keepalive_ns = 4 * PAIR_S;
    limits.keepalive_timeout_ns = 2 * PAIR_S;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
    pair_pump(&pair);
    arc_grpc_conn_tick(pair.server, pair.now_ns + 4 * PAIR_S);
    arc_grpc_conn_tick(pair.server, pair.now_ns + 6 * PAIR_S - 1);
    CHECK_INT(pair.service.closed, 0);
    arc_grpc_conn_tick(pair.server, pair.now_ns + 6 * PAIR_S);
    CHECK_INT(pair.service.closed, 1);
    CHECK_INT(pair.server_counters.timeouts_keepalive, 1);
    pair_close(&pair);
}

static void try_drain_notice_ns(void)
{
    struct attack attack;
    struct arc_grpc_limits limits = fresh();
    limits.drain_notice_ns = 7 * PAIR_S;
    attack_open(&attack, &limits);
    request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
    send_out(&attack);
    arc_grpc_conn_drain(attack.pair.server, attack.pair.now_ns);
    send_out(&attack);
    CHECK_INT(arc_grpc_conn_get_deadline(attack.pair.server), attack.pair.now_ns + 7 * PAIR_S);
    request(&attack.out, 3, 0, "/t/Hang", NULL, NULL); /* between the two GOAWAYs */
    send_out(&attack);
    CHECK_INT(attack.pair.service.calls, 2);
    attack.pair.now_ns += 7 * PAIR_S;
    send_out(&attack);
    request(&attack.out, 5, 0, "/t/Hang", NULL, NULL);
    send_out(&attack);
    CHECK_INT(attack.pair.service.calls, 2);
    attack_close(&attack);
}

/* --- age ------------------------------------------------------------------------------------- */

/* When a server without calls will let its client go. */
static uint64_t age_with(uint64_t seed, uint64_t age_ns)
{
    struct pair pair = {.seed = seed};
    struct arc_grpc_limits limits = fresh();
    limits.idle_ns = ARC_GRPC_NEVER;
    limits.age_ns = age_ns;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    pair_pump(&pair);
    uint64_t at = arc_grpc_conn_get_deadline(pair.server);
    uint64_t age = at == ARC_GRPC_NEVER ? at : at - pair.now_ns;
    pair_close(&pair);
    return age;
}

static void try_age_ns(void)
{
    uint64_t least = UINT64_MAX, most = 0;
    CHECK(age_with(1, ARC_GRPC_NEVER) == ARC_GRPC_NEVER);
    CHECK(age_with(1, 1000 * PAIR_S) == age_with(1, 1000 * PAIR_S));
    for (uint64_t seed = 0; seed < 200; seed++) {
        uint64_t age = age_with(seed, 1000 * PAIR_S);
        CHECK(age >= 900 * PAIR_S && age <= 1100 * PAIR_S);
        least = age < least ? age : least;
        most = age > most ? age : most;
    }
    CHECK(least < 920 * PAIR_S && most > 1080 * PAIR_S);

    struct pair pair = {0};
    struct arc_grpc_limits limits = fresh();
    limits.age_ns = 100 * PAIR_S;
    limits.idle_ns = ARC_GRPC_NEVER;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    pair_pump(&pair);
    pair_wait(&pair, 90 * PAIR_S - 1);
    CHECK(!arc_grpc_conn_is_draining(pair.server));
    pair_wait(&pair, 20 * PAIR_S + 1);
    CHECK(arc_grpc_conn_is_over(pair.server)); /* nothing keeps it */
    CHECK_INT(pair.server_counters.timeouts_age, 1);
    pair_close(&pair);
}

static void try_age_grace_ns(void)
{
    struct pair pair = {0};
    struct seen hang = {0}, chat = {0}, late = {0};
    struct arc_grpc_limits limits = fresh();
    limits.age_ns = 100 * PAIR_S;
    limits.age_grace_ns = 30 * PAIR_S;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &hang));
    CHECK_OK(pair_call(&pair, "/t/Chat", 0, &chat));
    pair_pump(&pair);
    pair_wait(&pair, 110 * PAIR_S);
    CHECK_INT(pair.server_counters.timeouts_age, 1);
    CHECK_STATUS(pair_call(&pair, "/t/Echo", 0, &late), ARC_EUNAVAILABLE);
    pair_wait(&pair, 29 * PAIR_S);
    CHECK_INT(pair.service.closed, 0);
    CHECK_OK(arc_grpc_call_send(chat.call, ARC_LIT("x"), NULL));
    arc_grpc_call_half_close(chat.call);
    pair_pump(&pair);
    CHECK_INT(chat.code, ARC_GRPC_OK); /* what is alive goes on */
    CHECK_INT(hang.closes, 0);
    CHECK_INT(arc_grpc_conn_get_deadline(pair.server), pair.now_ns + PAIR_S);
    pair_wait(&pair, PAIR_S);
    CHECK_INT(pair.service.closed, 2);
    CHECK_INT(pair.service.last_why, ARC_GRPC_WHY_LOST);
    CHECK(arc_grpc_conn_is_over(pair.server));
    CHECK_INT(pair.server_counters.timeouts_age, 1);
    arc_grpc_conn_eof(pair.client, pair.now_ns);
    CHECK_INT(hang.code, ARC_GRPC_UNAVAILABLE);
    pair_close(&pair);
}

static void a_client_ages_too(void)
{
    struct pair pair = {0};
    struct seen seen = {0}, late = {0};
    struct arc_grpc_limits limits = fresh();
    limits.age_ns = 100 * PAIR_S;
    CHECK_OK(pair_open(&pair, NULL, NULL, &limits));
    arc_grpc_conn_connected(pair.client, pair.now_ns);
    CHECK_OK(pair_call(&pair, "/t/Chat", 0, &seen));
    pair_pump(&pair);
    pair_wait(&pair, 110 * PAIR_S);
    CHECK_INT(pair.client_counters.timeouts_age, 1);
    CHECK_STATUS(pair_call(&pair, "/t/Echo", 0, &late), ARC_EUNAVAILABLE);
    arc_grpc_call_half_close(seen.call);
    pair_pump(&pair);
    CHECK_INT(seen.code, ARC_GRPC_OK);
    CHECK(arc_grpc_conn_is_over(pair.client));
    pair_close(&pair);
}

static void a_drained_connection_has_its_age(void)
{
    struct pair pair = {0};
    struct seen seen = {0};
    struct arc_grpc_limits limits = fresh();
    limits.age_ns = 100 * PAIR_S;
    limits.age_grace_ns = 10 * PAIR_S;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
    pair_pump(&pair);
    arc_grpc_conn_drain(pair.server, pair.now_ns);
    pair_wait(&pair, 110 * PAIR_S);
    CHECK_INT(pair.service.closed, 0);
    CHECK_INT(pair.server_counters.timeouts_age, 0);
    pair_wait(&pair, 10 * PAIR_S);
    CHECK_INT(pair.service.closed, 1);
    pair_close(&pair);
}

/* --- out of range ---------------------------------------------------------------------------- */

static void any_number_is_refused_or_works(void)
{
    const uint64_t odd[] = {1, UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_MAX};
    const char *const names[] = {
#define ROW(name, server, client, text) #name,
        ARC_GRPC_LIMITS(ROW)
#undef ROW
    };
    for (size_t row = 0; row < ARC_COUNT_OF(names); row++) {
        for (size_t i = 0; i < ARC_COUNT_OF(odd); i++) {
            struct arc_grpc_limits limits = fresh();
            struct arc_grpc_config config = ARC_GRPC_CONFIG_INIT;
            struct arc_grpc_conn *conn = NULL;
            arc_err err = ARC_ERR_INIT;
            (&limits.calls_max)[row] = odd[i]; /* the rows are of one type, one after the other */
            config.limits = &limits;
            if (arc_grpc_conn_new(&config, 1, &conn, &err) == ARC_OK)
                arc_grpc_conn_free(conn);
            else
                CHECK_TEXT(arc__slice_cstr(err.subject), names[row]);
        }
    }
    /* Beyond what a bucket holds is as good as none. */
    struct arc_grpc_limits limits = fresh();
    limits.pings_burst = limits.pings_per_s = UINT64_MAX;
    limits.reset_burst = limits.reset_per_s = (UINT64_C(1) << 32) + 1;
    CHECK_INT(taken_of(&limits, PINGS_OF_CALLS, 0, 0), 50);
    CHECK_INT(taken_of(&limits, RESETS, 0, 0), 50);
    limits.message_bytes_per_s = UINT64_MAX;
    CHECK(seconds_of(&limits, 10) < 20);
}

/* --- the table ------------------------------------------------------------------------------- */

#define ROW(name, server, client, text) {"the limit " #name " holds as it is set", try_##name},
static const struct test tests[] = {
    ARC_GRPC_LIMITS(ROW){"a client's connection ages too", a_client_ages_too},
    {"a limit of any size is refused by its name or works", any_number_is_refused_or_works},
    {"a connection that drains already ends at its age", a_drained_connection_has_its_age},
    {"PINGs for answers that came cost nothing", pings_for_answers_are_free},
    {"PINGs for what a stream brings cost nothing", pings_for_a_stream_are_free},
};
#undef ROW
TEST_MAIN(tests)
