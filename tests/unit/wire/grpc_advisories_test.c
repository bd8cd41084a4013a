/* SPDX-License-Identifier: Apache-2.0 */
/* One case for each published way to hurt an HTTP/2 server (docs/HARDENING.md): the attack is sent,
 * and what it made the server do is counted: calls, answers, bytes of memory. */
#include "shim.h"

#include <stdio.h>

#include "frames.h"

#define MANY 1000000
#define INITIAL_WINDOW_SIZE 4
#define MAX_FRAME_SIZE 5

/* What a connection may cost whatever is done to it: itself, and what it is about to say. */
#define GROWTH_MAX ((size_t)4 << 20)

struct siege {
    struct attack attack;
    struct scales scales;
    size_t before; /* bytes, once the connection is up */
    int sent;
};

static void begin(struct siege *siege)
{
    *siege = (struct siege){.sent = 0};
    struct arc_mem mem = scales_mem(&siege->scales);
    attack_open_in(&siege->attack, &mem, NULL);
    siege->before = siege->scales.bytes;
}

/* Sends rounds of `one` until the server has had enough, or MANY are through. */
static void run(struct siege *siege, void (*one)(struct attack *attack, uint32_t stream))
{
    struct attack *attack = &siege->attack;
    while (siege->sent < MANY && attack->status == ARC_OK) {
        for (int i = 0; i < 50; i++) {
            one(attack, attack->next);
            attack->next += 2;
            siege->sent++;
        }
        send_out(attack);
    }
}

static void end(struct siege *siege)
{
    CHECK(siege->scales.peak - siege->before <= GROWTH_MAX);
    attack_close(&siege->attack);
    CHECK_INT(siege->scales.bytes, 0);
}

static const struct arc_grpc_counters *counters_of(const struct siege *siege)
{
    return &siege->attack.pair.server_counters;
}

/* --- CVE-2019-9511: a large answer, taken a byte at a time ------------------------------------ */

static void data_dribble(void)
{
    struct siege siege;
    begin(&siege);
    struct attack *attack = &siege.attack;
    setting(&attack->out, INITIAL_WINDOW_SIZE, 1);
    request(&attack->out, 1, 0, "/t/Feed", NULL, NULL);
    frame(&attack->out, DATA, END_STREAM, 1,
          ARC_LIT("\x00\x00\x00\x00\x08"
                  "9 300000"));
    send_out(attack);
    size_t before = attack->replied;
    for (int i = 0; i < 1000; i++) {
        frame_u32(&attack->out, WINDOW_UPDATE, 1, 1);
        send_out(attack);
    }
    /* A frame of one byte for each; no more is made beforehand than a call may queue. */
    CHECK_INT(attack->replied - before, 1000 * 10);
    CHECK(arc_grpc_conn_get_queued(attack->pair.server) <= (1 << 20));
    CHECK_OK(attack->status);
    end(&siege);
}

/* --- CVE-2019-9512: PINGs ------------------------------------------------------------------- */

static void ping(struct attack *attack, uint32_t stream)
{
    (void)stream;
    frame(&attack->out, PING, 0, 0, ARC_LIT("12345678"));
}

static void ping_flood(void)
{
    struct siege siege;
    begin(&siege);
    run(&siege, ping);
    CHECK(siege.sent <= 50);
    CHECK_INT(counters_of(&siege)->floods_ping, 1);
    end(&siege);
    begin(&siege); /* with a call alive, and no answer is read */
    request(&siege.attack.out, 1, 0, "/t/Hang", NULL, NULL);
    siege.attack.deaf = 1;
    run(&siege, ping);
    CHECK(siege.sent <= 150);
    CHECK_INT(counters_of(&siege)->floods_library, 1);
    end(&siege);
}

/* --- CVE-2019-9513: priorities, again and again ----------------------------------------------- */

static void shuffle(struct attack *attack, uint32_t stream)
{
    /* Streams 1 to 199 take turns to hang below another. */
    const uint32_t id = stream % 200 | 1, parent = (stream * 7) % 200 | 1;
    const char payload[5] = {0, 0, 0, (char)(parent == id ? 0 : parent), 15};
    frame(&attack->out, PRIORITY, 0, id, arc__slice(payload, 5));
}

static void priority_loop(void)
{
    struct siege siege;
    begin(&siege);
    size_t said = siege.attack.replied;
    run(&siege, shuffle);
    /* They are not even looked at: no answer, no memory, no rank. */
    CHECK_INT(siege.sent, MANY);
    CHECK_INT(siege.attack.replied, said);
    CHECK(siege.scales.peak - siege.before <= 4096);
    end(&siege);
}

/* --- CVE-2019-9514: requests that must be reset ----------------------------------------------- */

static void bad_request(struct attack *attack, uint32_t stream)
{
    struct arc_buf fields;
    arc__buf_init(&fields, &attack->mem, 4096);
    field(&fields, ":method", "POST");
    field(&fields, ":method", "POST");
    frame(&attack->out, HEADERS, END_HEADERS | END_STREAM, stream, arc__buf_slice(&fields));
    arc__buf_deinit(&fields);
}

static void reset_flood(void)
{
    struct siege siege;
    begin(&siege);
    run(&siege, bad_request);
    CHECK(siege.sent <= 150);
    CHECK_INT(siege.attack.pair.service.calls, 0);
    CHECK_INT(counters_of(&siege)->floods_fault, 1);
    end(&siege);
}

static void more_calls(struct attack *attack, uint32_t stream)
{
    request(&attack->out, stream, 0, "/t/Hang", NULL, NULL);
}

static void calls_over_the_limit(void)
{
    struct siege siege;
    begin(&siege);
    run(&siege, more_calls);
    CHECK(siege.sent <= 250);
    CHECK_INT(siege.attack.pair.service.calls, 100);
    end(&siege);
}

/* --- CVE-2019-9515, CVE-2020-11080: SETTINGS, many and large ------------------------------------
 */

static void settings(struct attack *attack, uint32_t stream)
{
    setting(&attack->out, MAX_FRAME_SIZE, 16384 + stream % 2);
}

static void settings_flood(void)
{
    struct siege siege;
    begin(&siege);
    run(&siege, settings);
    CHECK(siege.sent <= 50);
    CHECK_INT(counters_of(&siege)->floods_settings, 1);
    end(&siege);
}

static arc_status settings_of(int entries)
{
    struct siege siege;
    begin(&siege);
    struct arc_buf payload;
    arc__buf_init(&payload, &siege.attack.mem, 1 << 16);
    for (int i = 0; i < entries; i++)
        arc__buf_add(&payload, "\x00\x01\x00\x00\x10\x00", 6);
    frame(&siege.attack.out, SETTINGS, 0, 0, arc__buf_slice(&payload));
    send_out(&siege.attack);
    arc_status status = siege.attack.status;
    arc__buf_deinit(&payload);
    end(&siege);
    return status;
}

static void large_settings(void)
{
    CHECK_OK(settings_of(32));
    CHECK(settings_of(33) != ARC_OK);
    CHECK(settings_of(2400) != ARC_OK);
}

/* --- CVE-2019-9516: fields without a name and a value ------------------------------------------
 */

static void nothing_fields(struct attack *attack, uint32_t stream)
{
    struct arc_buf fields;
    arc__buf_init(&fields, &attack->mem, 1 << 16);
    request_fields(&fields, "/t/Hang");
    for (int i = 0; i < 4000; i++)
        arc__buf_add(&fields, "\x40\x00\x00", 3); /* into the table of the decoder, too */
    frame(&attack->out, HEADERS, END_HEADERS, stream, arc__buf_slice(&fields));
    arc__buf_deinit(&fields);
}

static void empty_fields(void)
{
    struct siege siege;
    begin(&siege);
    run(&siege, nothing_fields);
    CHECK(siege.sent <= 150);
    CHECK_INT(siege.attack.pair.service.calls, 0);
    end(&siege);
}

/* --- CVE-2019-9517: answers asked for and never read --------------------------------------------
 */

static void internal_data(void)
{
    struct siege siege;
    begin(&siege);
    struct attack *attack = &siege.attack;
    setting(&attack->out, INITIAL_WINDOW_SIZE, 0x7fffffff);
    frame_u32(&attack->out, WINDOW_UPDATE, 0, 0x7fff0000);
    attack->deaf = 1;
    for (uint32_t i = 0; i < 100; i++) {
        request(&attack->out, 1 + 2 * i, 0, "/t/Feed", NULL, NULL);
        frame(&attack->out, DATA, END_STREAM, 1 + 2 * i,
              ARC_LIT("\x00\x00\x00\x00\x09"
                      "50 100000"));
        send_out(attack);
    }
    CHECK_INT(attack->pair.service.calls, 100);
    /* 500 MB were asked for; what is made is bounded for the connection. */
    CHECK(arc_grpc_conn_get_queued(attack->pair.server) <= (17 << 20) + 100 * 100005);
    CHECK(siege.scales.peak <= (size_t)64 << 20);
    attack->pair.now_ns += 31 * PAIR_S;
    send_out(attack);
    attack->pair.now_ns += 31 * PAIR_S;
    send_out(attack);
    CHECK_INT(attack->pair.service.closed, 100);
    CHECK_INT(counters_of(&siege)->stalls, 100);
    attack_close(attack);
    CHECK_INT(siege.scales.bytes, 0);
}

/* --- CVE-2019-9518: frames without a byte -------------------------------------------------------
 */

static void empty_data(struct attack *attack, uint32_t stream)
{
    (void)stream;
    frame(&attack->out, DATA, 0, 1, ARC_NONE);
}

static void padded_data(struct attack *attack, uint32_t stream)
{
    (void)stream;
    frame(&attack->out, DATA, 0x8, 1, ARC_LIT("\x03\x00\x00\x00"));
}

static void empty_headers(struct attack *attack, uint32_t stream)
{
    frame(&attack->out, HEADERS, END_HEADERS, stream, ARC_NONE);
}

static void empty_continuation(struct attack *attack, uint32_t stream)
{
    frame(&attack->out, stream == 3 ? HEADERS : CONTINUATION, 0, 3, ARC_NONE);
}

static void empty_frames(void)
{
    static void (*const kinds[])(struct attack * attack, uint32_t stream) = {
        empty_data, padded_data, empty_headers, empty_continuation};
    for (size_t i = 0; i < ARC_COUNT_OF(kinds); i++) {
        struct siege siege;
        begin(&siege);
        request(&siege.attack.out, 1, 0, "/t/Hang", NULL, NULL);
        siege.attack.next = 3;
        run(&siege, kinds[i]);
        if (siege.sent > 150)
            printf("# kind %zu: %d sent\n", i, siege.sent);
        CHECK(siege.sent <= 150);
        CHECK(siege.attack.pair.service.calls <= 1);
        end(&siege);
    }
}

/* --- VU#421644, CVE-2024-28182, CVE-2024-30255: CONTINUATION without end ------------------------
 */

static arc_status block_of(int continuations, int *calls)
{
    struct siege siege;
    begin(&siege);
    struct arc_buf fields;
    struct attack *attack = &siege.attack;
    arc__buf_init(&fields, &attack->mem, 4096);
    request_fields(&fields, "/t/Hang");
    frame(&attack->out, HEADERS, 0, 1, arc__buf_slice(&fields));
    for (int i = 1; i <= continuations; i++) {
        frame(&attack->out, CONTINUATION, i == continuations ? END_HEADERS : 0, 1,
              ARC_LIT("\x00\x01x\x01y"));
        send_out(attack);
    }
    *calls = attack->pair.service.calls;
    arc_status status = attack->status;
    arc__buf_deinit(&fields);
    end(&siege);
    return status;
}

static void continuations(void)
{
    int calls = 0;
    CHECK_OK(block_of(8, &calls));
    CHECK_INT(calls, 1);
    CHECK(block_of(9, &calls) != ARC_OK);
    CHECK_INT(calls, 0);
}

/* --- CVE-2016-6581, CVE-2016-1544: a bomb of header compression ----------------------------------
 */

static void bomb(struct attack *attack, uint32_t stream, int times)
{
    static char big[3000];
    struct arc_buf fields;
    arc__buf_init(&fields, &attack->mem, 65536);
    memset(big, 'b', sizeof(big));
    request_fields(&fields, "/t/Hang");
    /* One entry of 3000 bytes into the table, then named in a byte each time. */
    arc__buf_add(&fields, "\x40\x01x\x7f\xb9\x16", 6);
    arc__buf_add(&fields, big, sizeof(big));
    for (int i = 0; i < times; i++)
        arc__buf_add_char(&fields, (char)0xbe);
    frame(&attack->out, HEADERS, END_HEADERS, stream, arc__buf_slice(&fields));
    arc__buf_deinit(&fields);
}

static void large_bomb(struct attack *attack, uint32_t stream)
{
    bomb(attack, stream, 12000);
}

/* Over the limit, and not so far that it is cut short: the refusal is a status. */
static void small_bomb(struct attack *attack, uint32_t stream)
{
    bomb(attack, stream, 10);
}

static void header_bombs(void)
{
    static void (*const sizes[])(struct attack * attack, uint32_t stream) = {large_bomb,
                                                                             small_bomb};
    for (size_t i = 0; i < ARC_COUNT_OF(sizes); i++) {
        struct siege siege;
        begin(&siege);
        while (siege.sent < 10000 && siege.attack.status == ARC_OK) {
            sizes[i](&siege.attack, siege.attack.next);
            siege.attack.next += 2;
            siege.sent++;
            send_out(&siege.attack);
        }
        /* What was decoded in vain: the limit, a hundred times and a little, is 2.2 MB. */
        size_t each = i == 0 ? 4 * (16 << 10) + 3000 : 11 * 3000;
        CHECK((size_t)siege.sent * each <= 2200000);
        CHECK_INT(siege.attack.pair.service.calls, 0);
        CHECK(counters_of(&siege)->refused_headers <= 130);
        CHECK_INT(counters_of(&siege)->floods_fault, 1);
        CHECK(siege.scales.peak - siege.before <= 256 << 10);
        end(&siege);
    }
}

/* --- CVE-2026-27135: frames after the session was terminated
 * -------------------------------------- */

static void after_the_end(void)
{
    for (int frames = 0; frames < 3; frames++) {
        struct siege siege;
        begin(&siege);
        struct attack *attack = &siege.attack;
        if (frames > 0)
            request(&attack->out, 1, 0, "/t/Hang", NULL, NULL);
        if (frames > 1) /* in the middle of a header block */
            frame(&attack->out, HEADERS, 0, 3, ARC_LIT("\x83"));
        send_out(attack);
        arc_grpc_conn_terminate(attack->pair.server, attack->pair.now_ns, frames == 0 ? 0 : 2);
        struct arc_grpc_counters before = *counters_of(&siege);
        attack->status = ARC_OK;
        frame(&attack->out, CONTINUATION, END_HEADERS, 3, ARC_LIT("\x86"));
        more_calls(attack, 5);
        frame(&attack->out, DATA, END_STREAM, 1, ARC_LIT("\x00\x00\x00\x00\x01x"));
        frame_u32(&attack->out, RST_STREAM, 1, 8);
        frame(&attack->out, GOAWAY, 0, 0, ARC_LIT("\x00\x00\x00\x00\x00\x00\x00\x00"));
        settings(attack, 0);
        ping(attack, 0);
        arc_status status = arc_grpc_conn_recv(attack->pair.server, attack->pair.now_ns,
                                               arc__buf_slice(&attack->out), NULL);
        CHECK_STATUS(status, ARC_EUNAVAILABLE);
        arc__buf_clear(&attack->out);
        send_out(attack);
        const struct arc_grpc_counters *after = counters_of(&siege);
        CHECK_INT(after->calls, before.calls);
        CHECK_INT(after->messages_in, before.messages_in);
        CHECK_INT(after->resets_by_peer, before.resets_by_peer);
        CHECK_INT(after->faults_by_peer, before.faults_by_peer);
        CHECK(arc_grpc_conn_is_over(attack->pair.server));
        end(&siege);
    }
}

static const struct test tests[] = {
    {"CVE-2019-9511: data is made no faster than it is taken", data_dribble},
    {"CVE-2019-9512: a flood of PINGs ends its connection", ping_flood},
    {"CVE-2019-9513: a million PRIORITY frames change nothing", priority_loop},
    {"CVE-2019-9514: requests that must be reset are counted", reset_flood},
    {"calls over the limit are refused, then the connection", calls_over_the_limit},
    {"CVE-2019-9515: a flood of SETTINGS ends its connection", settings_flood},
    {"CVE-2020-11080: SETTINGS have 32 entries at most", large_settings},
    {"CVE-2019-9516: fields without name and value cost no memory", empty_fields},
    {"CVE-2019-9517: answers nobody reads are bounded and dropped", internal_data},
    {"CVE-2019-9518: frames without a byte are counted", empty_frames},
    {"CVE-2024-28182: the ninth CONTINUATION closes", continuations},
    {"CVE-2016-6581: header bombs are cut, counted and stopped", header_bombs},
    {"CVE-2026-27135: after the end no frame is read", after_the_end},
};
TEST_MAIN(tests)
