/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that are slow on purpose, in virtual time: at each stage of a connection a byte a second,
 * and readers who take nothing. */
#include "shim.h"

#include <stdlib.h>

#include "frames.h"

#define INITIAL_WINDOW_SIZE 4

/* Sends the bytes one each second; answers after how many seconds the server was through with the
 * connection, or -1. */
static int drip(struct attack *attack, arc_slice bytes, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        if ((size_t)i < bytes.len)
            arc__buf_add_char(&attack->out, bytes.ptr[i]);
        attack->pair.now_ns += PAIR_S;
        send_out(attack);
        if (attack->status != ARC_OK || arc_grpc_conn_is_over(attack->pair.server))
            return i + 1;
    }
    return -1;
}

/* A server that was never spoken to. */
static void open_silent(struct attack *attack)
{
    *attack = (struct attack){.next = 1, .mem = arc__mem_default()};
    arc__buf_init(&attack->out, &attack->mem, 16 << 20);
    CHECK_OK(pair_open(&attack->pair, NULL, NULL, NULL));
}

static void preface_drips(void)
{
    struct attack attack;
    open_silent(&attack);
    CHECK_INT(drip(&attack, ARC_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 60), 10);
    CHECK_INT(attack.pair.server_counters.timeouts_handshake, 1);
    attack_close(&attack);
    open_silent(&attack); /* the preface, and never the SETTINGS */
    arc__buf_add_cstr(&attack.out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    CHECK_INT(drip(&attack, ARC_NONE, 60), 10);
    attack_close(&attack);
}

static void headers_drip(void)
{
    struct attack attack;
    struct arc_buf fields;
    attack_open(&attack, NULL);
    arc__buf_init(&fields, &attack.mem, 4096);
    /* The block in one frame, whose length is told, and whose bytes drip. */
    request_fields(&fields, "/t/Hang");
    frame(&attack.out, HEADERS, END_HEADERS, 1, arc__buf_slice(&fields));
    arc_slice all = arc__buf_slice(&attack.out);
    char *copy = malloc(all.len);
    if (copy != NULL) {
        memcpy(copy, all.ptr, all.len);
        arc__buf_clear(&attack.out);
        arc__buf_add(&attack.out, copy, 10);
        send_out(&attack);
        int seconds = drip(&attack, arc__slice(copy + 10, all.len - 10), 60);
        CHECK(seconds >= 10 && seconds <= 11);
        CHECK_INT(attack.pair.server_counters.timeouts_headers, 1);
        CHECK_INT(attack.pair.service.calls, 0);
    }
    free(copy);
    attack_close(&attack);
    /* The rest in a CONTINUATION, a byte a second. */
    attack_open(&attack, NULL);
    frame(&attack.out, HEADERS, 0, 1, arc__slice(fields.ptr, 5));
    send_out(&attack);
    arc__buf_clear(&attack.out);
    struct arc_buf more;
    arc__buf_init(&more, &attack.mem, 4096);
    frame(&more, CONTINUATION, END_HEADERS, 1, arc__slice(fields.ptr + 5, fields.len - 5));
    arc__buf_add(&attack.out, more.ptr, 9);
    int seconds = drip(&attack, arc__slice(more.ptr + 9, more.len - 9), 100);
    CHECK(seconds >= 10 && seconds <= 11);
    CHECK_INT(attack.pair.server_counters.timeouts_headers, 1);
    arc__buf_deinit(&more);
    arc__buf_deinit(&fields);
    attack_close(&attack);
}

static void messages_drip(void)
{
    static const arc_slice prefixes[] = {{"\x00", 1}, {"\x00\x00\x00\x10\x00", 5}};
    for (size_t i = 0; i < ARC_COUNT_OF(prefixes); i++) {
        struct attack attack;
        attack_open(&attack, NULL);
        request(&attack.out, 1, 0, "/t/Hang", NULL, NULL);
        frame(&attack.out, DATA, 0, 1, prefixes[i]); /* and nothing behind it */
        int seconds = 0;
        while (seconds < 100 && attack.pair.service.closed == 0) {
            attack.pair.now_ns += PAIR_S;
            send_out(&attack);
            seconds++;
        }
        CHECK(seconds >= 10 && seconds <= 16);
        CHECK_INT(attack.pair.server_counters.stalls, 1);
        attack_close(&attack);
    }
}

static void nothing_is_asked(void)
{
    struct attack attack;
    attack_open(&attack, NULL);
    send_out(&attack);
    int seconds = drip(&attack, ARC_NONE, 400);
    CHECK(seconds >= 299 && seconds <= 302);
    CHECK_INT(attack.pair.server_counters.timeouts_idle, 1);
    attack_close(&attack);
}

/* --- a thousand at once ---------------------------------------------------------------------- */

#define CROWD 1000

static void a_crowd_drips(void)
{
    static struct pair crowd[CROWD];
    static const char preface_bytes[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct scales scales = {0, 0};
    struct arc_mem mem = scales_mem(&scales);
    int over = 0;
    memset(crowd, 0, sizeof(crowd));
    for (int i = 0; i < CROWD; i++) {
        CHECK_OK(pair_open(&crowd[i], &mem, NULL, NULL));
        arc_grpc_conn_free(crowd[i].client);
        crowd[i].client = NULL;
    }
    CHECK(scales.peak / CROWD <= 64 << 10);
    for (int second = 0; second < 10; second++) {
        for (int i = 0; i < CROWD; i++) {
            CHECK(!arc_grpc_conn_is_over(crowd[i].server) || second > 9);
            crowd[i].now_ns += PAIR_S;
            CHECK_OK(arc_grpc_conn_recv(crowd[i].server, crowd[i].now_ns,
                                        arc__slice(preface_bytes + second, 1), NULL));
            if (arc_grpc_conn_get_deadline(crowd[i].server) <= crowd[i].now_ns)
                arc_grpc_conn_tick(crowd[i].server, crowd[i].now_ns);
        }
    }
    for (int i = 0; i < CROWD; i++) {
        char buf[256];
        while (arc_grpc_conn_send(crowd[i].server, crowd[i].now_ns, buf, sizeof(buf)) > 0)
            ;
        over += arc_grpc_conn_is_over(crowd[i].server);
        pair_close(&crowd[i]);
    }
    CHECK_INT(over, CROWD);
    CHECK_INT(scales.bytes, 0);
}

/* --- slow readers ----------------------------------------------------------------------------- */

static void a_window_of(uint32_t window, size_t expect)
{
    struct attack attack;
    attack_open(&attack, NULL);
    setting(&attack.out, INITIAL_WINDOW_SIZE, window);
    request(&attack.out, 1, 0, "/t/Feed", NULL, NULL);
    frame(&attack.out, DATA, END_STREAM, 1,
          ARC_LIT("\x00\x00\x00\x00\x09"
                  "90 100000"));
    send_out(&attack);
    size_t before = attack.replied;
    CHECK(arc_grpc_conn_get_queued(attack.pair.server) <= (1 << 20));
    int seconds = 0;
    while (seconds < 100 && attack.pair.service.closed == 0) {
        attack.pair.now_ns += PAIR_S;
        send_out(&attack);
        seconds++;
    }
    CHECK(seconds >= 30 && seconds <= 60);
    CHECK_INT(attack.pair.server_counters.stalls, 1);
    CHECK_INT(arc_grpc_conn_get_queued(attack.pair.server), 0);
    CHECK(attack.replied - before <= 200 + expect); /* a reset, no data */
    attack_close(&attack);
}

static void closed_windows(void)
{
    a_window_of(0, 0);
    a_window_of(1, 10);
}

static void a_connection_without_window(void)
{
    /* The streams are open wide, the connection's window of 65,535 bytes is never given back. */
    struct attack attack;
    attack_open(&attack, NULL);
    setting(&attack.out, INITIAL_WINDOW_SIZE, 0x7fffffff);
    for (uint32_t i = 0; i < 50; i++) {
        request(&attack.out, 1 + 2 * i, 0, "/t/Feed", NULL, NULL);
        frame(&attack.out, DATA, END_STREAM, 1 + 2 * i,
              ARC_LIT("\x00\x00\x00\x00\x09"
                      "90 100000"));
    }
    send_out(&attack);
    CHECK(arc_grpc_conn_get_queued(attack.pair.server) <= (16 << 20) + 50 * 100005);
    int seconds = 0;
    while (seconds < 100 && attack.pair.service.closed < 50) {
        attack.pair.now_ns += PAIR_S;
        send_out(&attack);
        seconds++;
    }
    CHECK(seconds >= 30 && seconds <= 61);
    CHECK_INT(attack.pair.service.closed, 50);
    CHECK(attack.replied < 120000);
    attack_close(&attack);
}

static const struct test tests[] = {
    {"a preface that drips ends after ten seconds", preface_drips},
    {"a header block that drips ends after ten seconds", headers_drip},
    {"a message that never comes ends its call", messages_drip},
    {"a connection that asks nothing ends after five minutes", nothing_is_asked},
    {"a thousand slow connections end together and cost little", a_crowd_drips},
    {"windows of 0 and of 1 end the call after thirty seconds", closed_windows},
    {"a connection's window that stays shut ends its calls", a_connection_without_window},
};
TEST_MAIN(tests)
