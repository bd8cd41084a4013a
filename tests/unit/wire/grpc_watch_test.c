/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of HTTP/2 that nghttp2 leaves to us, and the answer for who speaks HTTP and no gRPC. */
#include "shim.h"

#include <stdio.h>

#include "frames.h"

#define H2_PROTOCOL_ERROR 1
#define H2_STREAM_CLOSED 5
#define H2_FRAME_SIZE_ERROR 6
#define MESSAGE ARC_LIT("\x00\x00\x00\x00\x01x")

/* --- what was heard -------------------------------------------------------------------------- */

struct talk {
    struct attack attack;
    struct arc_buf heard;
};

static void talk_open(struct talk *talk, const struct arc_grpc_limits *limits)
{
    attack_open(&talk->attack, limits);
    arc__buf_init(&talk->heard, &talk->attack.mem, 1 << 20);
    talk->attack.heard = &talk->heard;
}

static void talk_close(struct talk *talk)
{
    attack_close(&talk->attack);
    arc__buf_deinit(&talk->heard);
}

/* The first frame of that type: 1, its flags and payload. */
static int heard(const struct talk *talk, int type, int *flags, arc_slice *payload)
{
    const uint8_t *bytes = (const uint8_t *)talk->heard.ptr;
    size_t at = 0;
    while (at + 9 <= talk->heard.len) {
        size_t len = (size_t)bytes[at] << 16 | (size_t)bytes[at + 1] << 8 | bytes[at + 2];
        if (bytes[at + 3] == type) {
            *flags = bytes[at + 4];
            *payload = arc__slice(talk->heard.ptr + at + 9, len);
            return 1;
        }
        at += 9 + len;
    }
    return 0;
}

/* The HTTP/2 error of the first frame of that type; -1: none came. */
static int heard_code(const struct talk *talk, int type)
{
    arc_slice payload;
    int flags;
    if (!heard(talk, type, &flags, &payload) || payload.len < 4)
        return -1;
    return (unsigned char)payload.ptr[type == GOAWAY ? 7 : 3];
}

static void check_broken(struct talk *talk, int h2_code)
{
    send_out(&talk->attack);
    CHECK_INT(talk->attack.status, ARC_EPROTOCOL);
    CHECK_INT(heard_code(talk, GOAWAY), h2_code);
    CHECK(arc_grpc_conn_is_over(talk->attack.pair.server));
    CHECK_INT(talk->attack.pair.server_counters.faults_by_peer, 1);
    talk_close(talk);
}

static void check_fine(struct talk *talk)
{
    send_out(&talk->attack);
    CHECK_OK(talk->attack.status);
    CHECK_INT(heard_code(talk, GOAWAY), -1);
    talk_close(talk);
}

/* --- streams --------------------------------------------------------------------------------- */

/* A call that is over on both sides. */
static void whole_call(struct talk *talk, uint32_t stream)
{
    request(&talk->attack.out, stream, 0, "/t/Echo", NULL, NULL);
    frame(&talk->attack.out, DATA, END_STREAM, stream, MESSAGE);
    send_out(&talk->attack);
}

static void a_stream_that_the_client_ended_is_over(void)
{
    struct talk talk;
    talk_open(&talk, NULL);
    whole_call(&talk, 1);
    frame(&talk.attack.out, DATA, 0, 1, MESSAGE);
    check_broken(&talk, H2_STREAM_CLOSED);

    talk_open(&talk, NULL);
    whole_call(&talk, 1);
    request(&talk.attack.out, 1, END_STREAM, "/t/Echo", NULL, NULL);
    check_broken(&talk, H2_STREAM_CLOSED);

    /* By a reset, all in one piece. */
    talk_open(&talk, NULL);
    request(&talk.attack.out, 1, 0, "/t/Hang", NULL, NULL);
    frame_u32(&talk.attack.out, RST_STREAM, 1, 8);
    frame(&talk.attack.out, DATA, 0, 1, MESSAGE);
    check_broken(&talk, H2_STREAM_CLOSED);
}

static void what_comes_late_for_an_ended_stream_is_fine(void)
{
    struct talk talk;
    talk_open(&talk, NULL);
    whole_call(&talk, 1);
    frame_u32(&talk.attack.out, WINDOW_UPDATE, 1, 100);
    frame_u32(&talk.attack.out, RST_STREAM, 1, 8);
    frame(&talk.attack.out, PRIORITY, 0, 1, ARC_LIT("\0\0\0\0\x10"));
    check_fine(&talk);
}

static void what_comes_for_a_stream_that_we_reset_is_fine(void)
{
    struct talk talk;
    talk_open(&talk, NULL);
    request(&talk.attack.out, 1, 0, "/t/Early", NULL, NULL);
    send_out(&talk.attack);
    CHECK_INT(heard_code(&talk, RST_STREAM), 0);
    frame(&talk.attack.out, DATA, 0, 1, MESSAGE);
    frame(&talk.attack.out, DATA, END_STREAM, 1, MESSAGE);
    check_fine(&talk);
}

static void only_the_last_ended_streams_are_kept(void)
{
    struct talk talk;
    for (uint32_t later = 15; later <= 16; later++) {
        talk_open(&talk, NULL);
        for (uint32_t i = 0; i <= later; i++)
            whole_call(&talk, 1 + 2 * i);
        frame(&talk.attack.out, DATA, 0, 1, MESSAGE);
        if (later == 15)
            check_broken(&talk, H2_STREAM_CLOSED);
        else
            check_fine(&talk);
    }
}

static void a_stream_that_was_passed_over_is_closed(void)
{
    struct talk talk;
    talk_open(&talk, NULL);
    whole_call(&talk, 1);
    whole_call(&talk, 7);
    whole_call(&talk, 9);
    request(&talk.attack.out, 5, 0, "/t/Echo", NULL, NULL);
    check_broken(&talk, H2_PROTOCOL_ERROR);

    talk_open(&talk, NULL);
    request(&talk.attack.out, 7, 0, "/t/Hang", NULL, NULL);
    request(&talk.attack.out, 9, 0, "/t/Hang", NULL, NULL);
    frame(&talk.attack.out, DATA, END_STREAM, 7, MESSAGE);
    check_fine(&talk);
}

static void no_stream_has_no_priority(void)
{
    struct talk talk;
    talk_open(&talk, NULL);
    frame(&talk.attack.out, PRIORITY, 0, 0, ARC_LIT("\0\0\0\0\x10"));
    check_broken(&talk, H2_PROTOCOL_ERROR);

    talk_open(&talk, NULL);
    frame(&talk.attack.out, PRIORITY, 0, 3, ARC_LIT("\0\0\0\0\x10"));
    whole_call(&talk, 3);
    check_fine(&talk);
}

/* A client that cancels a call before it has left may say so and never open the stream; those that
 * it had opened, and others that wait in it, go on. */
static void a_reset_of_a_stream_never_opened_is_passed_over(void)
{
    struct talk talk;
    talk_open(&talk, NULL);
    request(&talk.attack.out, 1, 0, "/t/Echo", NULL, NULL);
    frame_u32(&talk.attack.out, RST_STREAM, 5, 8);
    frame_u32(&talk.attack.out, RST_STREAM, 7, 8);
    whole_call(&talk, 3);
    frame(&talk.attack.out, DATA, END_STREAM, 1, MESSAGE);
    whole_call(&talk, 9);
    CHECK_INT(talk.attack.pair.service.calls, 3);
    CHECK_INT(talk.attack.pair.server_counters.messages_out, 3);
    CHECK_INT(talk.attack.pair.server_counters.resets_by_peer, 2);
    CHECK_INT(talk.attack.pair.server_counters.faults_by_peer, 0);
    check_fine(&talk);

    talk_open(&talk, NULL); /* it is over, as after any reset */
    whole_call(&talk, 1);
    frame_u32(&talk.attack.out, RST_STREAM, 5, 8);
    request(&talk.attack.out, 5, 0, "/t/Echo", NULL, NULL);
    check_broken(&talk, H2_STREAM_CLOSED);
}

/* The connection ends with the code that nghttp2 knows. */
static void check_refused(struct talk *talk, int h2_code)
{
    send_out(&talk->attack);
    CHECK_STATUS(talk->attack.status, ARC_EPROTOCOL);
    CHECK_INT(heard_code(talk, GOAWAY), h2_code);
    talk_close(talk);
}

static void a_reset_that_is_no_cancelled_call_is_refused(void)
{
    struct talk talk;
    talk_open(&talk, NULL); /* there has been no call */
    frame_u32(&talk.attack.out, RST_STREAM, 1, 8);
    check_refused(&talk, H2_PROTOCOL_ERROR);

    talk_open(&talk, NULL); /* not its stream */
    whole_call(&talk, 1);
    frame_u32(&talk.attack.out, RST_STREAM, 4, 8);
    check_refused(&talk, H2_PROTOCOL_ERROR);

    talk_open(&talk, NULL); /* not its length */
    whole_call(&talk, 1);
    frame(&talk.attack.out, RST_STREAM, 0, 5, ARC_LIT("\0\0\x8"));
    check_refused(&talk, H2_FRAME_SIZE_ERROR);

    talk_open(&talk, NULL); /* in the middle of a header block */
    whole_call(&talk, 1);
    frame(&talk.attack.out, HEADERS, 0, 3, ARC_NONE);
    frame_u32(&talk.attack.out, RST_STREAM, 5, 8);
    check_refused(&talk, H2_PROTOCOL_ERROR);
}

static void resets_of_streams_never_opened_are_counted(void)
{
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct talk talk;
    limits.reset_burst = 5;
    limits.reset_per_s = 1;
    talk_open(&talk, &limits);
    whole_call(&talk, 1);
    for (uint32_t i = 0; i <= limits.reset_burst; i++) {
        CHECK_OK(talk.attack.status);
        frame_u32(&talk.attack.out, RST_STREAM, 3 + 2 * i, 8);
        send_out(&talk.attack);
    }
    CHECK_STATUS(talk.attack.status, ARC_ELIMIT);
    CHECK_INT(talk.attack.pair.server_counters.floods_reset, 1);
    talk_close(&talk);
}

static void a_reset_is_passed_over_however_it_is_cut(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf said;
    arc__buf_init(&said, &mem, 4096);
    request(&said, 1, 0, "/t/Echo", NULL, NULL);
    frame_u32(&said, RST_STREAM, 3, 8);
    frame(&said, DATA, END_STREAM, 1, MESSAGE);
    frame_u32(&said, RST_STREAM, 5, 8);
    for (size_t step = 1; step <= said.len; step++) {
        struct talk talk;
        talk_open(&talk, NULL);
        for (size_t at = 0; at < said.len; at += step) {
            size_t len = said.len - at < step ? said.len - at : step;
            arc__buf_add(&talk.attack.out, said.ptr + at, len);
            send_out(&talk.attack);
        }
        CHECK_INT(talk.attack.pair.server_counters.messages_out, 1);
        CHECK_INT(talk.attack.pair.server_counters.resets_by_peer, 2);
        CHECK_INT(talk.attack.pair.server_counters.faults_by_peer, 0);
        check_fine(&talk);
    }
    arc__buf_deinit(&said);
}

static void a_frame_is_seen_however_it_is_cut(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf said;
    arc__buf_init(&said, &mem, 4096);
    request(&said, 1, 0, "/t/Echo", NULL, NULL);
    frame(&said, DATA, END_STREAM, 1, MESSAGE);
    frame(&said, PING, 0, 0, ARC_LIT("12345678"));
    frame(&said, DATA, 0, 1, MESSAGE);
    for (size_t step = 1; step <= said.len; step++) {
        struct talk talk;
        talk_open(&talk, NULL);
        for (size_t at = 0; at < said.len; at += step) {
            size_t len = said.len - at < step ? said.len - at : step;
            arc__buf_add(&talk.attack.out, said.ptr + at, len);
            send_out(&talk.attack);
        }
        CHECK_INT(talk.attack.pair.service.calls, 1);
        check_broken(&talk, H2_STREAM_CLOSED);
    }
    arc__buf_deinit(&said);
}

/* --- who speaks no gRPC ---------------------------------------------------------------------- */

static void http_request(struct talk *talk, uint32_t stream, int flags, const char *method)
{
    struct arc_buf fields;
    arc__buf_init(&fields, &talk->attack.mem, 4096);
    field(&fields, ":method", method);
    field(&fields, ":scheme", "http");
    field(&fields, ":path", "/");
    field(&fields, ":authority", "x");
    frame(&talk->attack.out, HEADERS, END_HEADERS | flags, stream, arc__buf_slice(&fields));
    arc__buf_deinit(&fields);
    send_out(&talk->attack);
}

static void check_text(const struct talk *talk, const char *text)
{
    arc_slice payload;
    int flags;
    CHECK(heard(talk, HEADERS, &flags, &payload));
    CHECK_INT(flags, END_HEADERS);
    CHECK(heard(talk, DATA, &flags, &payload));
    CHECK_INT(flags, END_STREAM);
    CHECK_TEXT(payload, text);
}

static void a_refusal_in_http_says_why(void)
{
    struct talk talk;
    talk_open(&talk, NULL);
    http_request(&talk, 1, END_STREAM, "GET");
    check_text(&talk, "This server speaks gRPC: its methods are called with POST.\n");
    CHECK_INT(talk.attack.pair.server_counters.refused_method, 1);
    check_fine(&talk);

    talk_open(&talk, NULL);
    http_request(&talk, 1, END_STREAM, "POST");
    check_text(&talk, "This server speaks gRPC: its content-type is application/grpc.\n");
    CHECK_INT(talk.attack.pair.server_counters.refused_content_type, 1);
    check_fine(&talk);
}

static void head_gets_no_text(void)
{
    struct talk talk;
    arc_slice payload;
    int flags;
    talk_open(&talk, NULL);
    http_request(&talk, 1, END_STREAM, "HEAD");
    CHECK(heard(&talk, HEADERS, &flags, &payload));
    CHECK_INT(flags, END_HEADERS | END_STREAM);
    CHECK(!heard(&talk, DATA, &flags, &payload));
    check_fine(&talk);
}

static void a_short_body_is_let_to_its_end(void)
{
    static char body[16384]; /* what is read to its end, at most */
    struct talk talk;
    talk_open(&talk, NULL);
    http_request(&talk, 1, 0, "GET");
    frame(&talk.attack.out, DATA, 0, 1, arc__slice(body, sizeof(body)));
    send_out(&talk.attack);
    CHECK_INT(heard_code(&talk, RST_STREAM), -1);
    frame(&talk.attack.out, DATA, END_STREAM, 1, ARC_NONE);
    send_out(&talk.attack);
    CHECK_INT(heard_code(&talk, RST_STREAM), -1);
    check_fine(&talk);

    talk_open(&talk, NULL);
    http_request(&talk, 1, 0, "GET");
    frame(&talk.attack.out, DATA, 0, 1, arc__slice(body, sizeof(body)));
    frame(&talk.attack.out, DATA, 0, 1, ARC_LIT("x"));
    send_out(&talk.attack);
    CHECK_INT(heard_code(&talk, RST_STREAM), 0);
    CHECK_INT(talk.attack.pair.server_counters.faults_by_peer, 0);
    check_fine(&talk);
}

static void a_body_that_never_comes_ends(void)
{
    struct talk talk;
    talk_open(&talk, NULL);
    http_request(&talk, 1, 0, "GET");
    for (int seconds = 0; seconds < 25; seconds++) {
        talk.attack.pair.now_ns += PAIR_S;
        send_out(&talk.attack);
    }
    CHECK_INT(heard_code(&talk, RST_STREAM), -1);
    for (int seconds = 0; seconds < 25; seconds++) {
        talk.attack.pair.now_ns += PAIR_S;
        send_out(&talk.attack);
    }
    CHECK_INT(heard_code(&talk, RST_STREAM), 0);
    check_fine(&talk);
}

static void a_text_that_nobody_reads_is_given_up(void)
{
    struct talk talk;
    arc_slice payload;
    int flags;
    talk_open(&talk, NULL);
    frame(&talk.attack.out, SETTINGS, 0, 0, ARC_LIT("\0\x4\0\0\0\0")); /* windows of nothing */
    http_request(&talk, 1, END_STREAM, "GET");
    CHECK(!heard(&talk, DATA, &flags, &payload));
    CHECK(arc_grpc_conn_get_queued(talk.attack.pair.server) > 0);
    for (int seconds = 0; seconds < 50; seconds++) {
        talk.attack.pair.now_ns += PAIR_S;
        send_out(&talk.attack);
    }
    CHECK_INT(talk.attack.pair.server_counters.stalls, 1);
    CHECK_INT(arc_grpc_conn_get_queued(talk.attack.pair.server), 0);
    check_fine(&talk);
}

static const struct test tests[] = {
    {"what comes for a stream that its client ended is refused",
     a_stream_that_the_client_ended_is_over},
    {"late windows, resets and priorities harm nobody",
     what_comes_late_for_an_ended_stream_is_fine},
    {"what is under way to a stream that we reset is ignored",
     what_comes_for_a_stream_that_we_reset_is_fine},
    {"the last sixteen ended streams are remembered", only_the_last_ended_streams_are_kept},
    {"a stream that was passed over cannot be opened", a_stream_that_was_passed_over_is_closed},
    {"a priority of no stream breaks the rules", no_stream_has_no_priority},
    {"a reset of a stream never opened is passed over",
     a_reset_of_a_stream_never_opened_is_passed_over},
    {"a reset that is no cancelled call is refused", a_reset_that_is_no_cancelled_call_is_refused},
    {"resets of streams never opened are counted", resets_of_streams_never_opened_are_counted},
    {"a reset is passed over however it is cut", a_reset_is_passed_over_however_it_is_cut},
    {"a forbidden frame is found wherever the bytes are cut", a_frame_is_seen_however_it_is_cut},
    {"who speaks no gRPC is told so in a line of text", a_refusal_in_http_says_why},
    {"HEAD is refused without a text", head_gets_no_text},
    {"a short refused request is read to its end, a long one is not",
     a_short_body_is_let_to_its_end},
    {"a refused request that never ends is reset", a_body_that_never_comes_ends},
    {"the text of a refusal that nobody reads is given up", a_text_that_nobody_reads_is_given_up},
};
TEST_MAIN(tests)
