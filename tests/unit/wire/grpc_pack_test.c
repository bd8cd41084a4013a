/* SPDX-License-Identifier: Apache-2.0 */
/* Messages compressed with gzip, in both directions: what is agreed on, what is on the wire, and
 * what happens to one that is no such message. */
#include "shim.h"

#include <stdlib.h>

#include "frames.h"
#include "wire/pack.h"

static const size_t steps[] = {0, 1, SIZE_MAX, SIZE_MAX};

static void check_done(const struct seen *seen, int code)
{
    CHECK_INT(seen->code, code);
    CHECK_INT(seen->statuses, 1);
    CHECK_INT(seen->closes, 1);
    CHECK_INT(seen->misuse, 0);
}

/* --- what is on the wire --------------------------------------------------------------------- */

/* What the DATA frames of all streams hold, one after the other. */
static void data_of(arc_slice wire, struct arc_buf *out)
{
    struct frame_seen seen;
    size_t at = 0;
    while (frame_next(wire, &at, &seen)) {
        if (seen.type == DATA)
            arc__buf_add_slice(out, seen.payload);
    }
}

/* Its flags, "01" for a plain message and a packed one, and the bytes of the bodies. */
static size_t flags_of(arc_slice wire, char *flags, size_t size)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf data;
    size_t count = 0, bytes = 0;
    arc__buf_init(&data, &mem, 16 << 20);
    data_of(wire, &data);
    for (size_t at = 0; at + 5 <= data.len && count + 1 < size;
         at += 5 + frame_to_u32(data.ptr + at + 1)) {
        flags[count++] = data.ptr[at] == 1 ? '1' : '0';
        bytes += frame_to_u32(data.ptr + at + 1);
    }
    flags[count] = '\0';
    arc__buf_deinit(&data);
    return bytes;
}

struct taped {
    struct pair pair;
    struct arc_buf client, server; /* what they said */
};

static void taped_open(struct taped *t, const struct arc_grpc_limits *server,
                       const struct arc_grpc_limits *client)
{
    struct arc_mem mem = arc__mem_default();
    arc__buf_init(&t->client, &mem, 64 << 20);
    arc__buf_init(&t->server, &mem, 64 << 20);
    t->pair.record = &t->client;
    t->pair.record_server = &t->server;
    CHECK_OK(pair_open(&t->pair, NULL, server, client));
}

static void taped_close(struct taped *t, const char *client_flags, const char *server_flags)
{
    char flags[64];
    pair_close(&t->pair);
    (void)flags_of(arc__buf_slice(&t->client), flags, sizeof(flags));
    CHECK_TEXT(arc__slice_cstr(flags), client_flags);
    (void)flags_of(arc__buf_slice(&t->server), flags, sizeof(flags));
    CHECK_TEXT(arc__slice_cstr(flags), server_flags);
    arc__buf_deinit(&t->client);
    arc__buf_deinit(&t->server);
}

static void open_with(struct pair *pair, const char *path, uint32_t encoding, struct seen *seen)
{
    struct arc_grpc_request request = {
        .size = sizeof(request), .path = arc__slice_cstr(path), .encoding = encoding};
    CHECK_OK(arc_grpc_call_open(pair->client, &request, &seen_events, seen, &seen->call, NULL));
}

static const char *text_of(size_t len)
{
    static char text[100000];
    for (size_t i = 0; i < len; i++)
        text[i] = "log line of the build, "[i % 23];
    return text;
}

/* --- both ways ------------------------------------------------------------------------------- */

static void packed_both_ways(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(steps); i++) {
        struct taped t = {.pair = {.step = steps[i],
                                   .random = i,
                                   .server_encoding = ARC_GRPC_GZIP,
                                   .client_encoding = ARC_GRPC_GZIP}};
        struct seen seen = {0};
        arc_slice message = arc__slice(text_of(50000), 50000);
        taped_open(&t, NULL, NULL);
        open_with(&t.pair, "/t/Chat", 0, &seen);
        for (int k = 0; k < 3; k++)
            CHECK_OK(arc_grpc_call_send(seen.call, message, NULL));
        arc_grpc_call_half_close(seen.call);
        pair_pump(&t.pair);
        check_done(&seen, ARC_GRPC_OK);
        CHECK_INT(seen.messages, 3);
        CHECK_INT(seen.packed, 3);
        CHECK_INT(seen.bytes, 150000);
        CHECK_INT(seen.sum, pair_sum(pair_sum(pair_sum(0, message), message), message));
        CHECK_INT(t.pair.service.packed, 3);
        CHECK_INT(t.pair.service.encoding, ARC_GRPC_GZIP);
        CHECK_INT(t.pair.server_counters.message_bytes_in, 150000);
        CHECK_INT(t.pair.server_counters.message_bytes_out, 150000);
        CHECK(t.client.len < 5000 && t.server.len < 5000);
        CHECK_INT(arc_grpc_conn_get_held(t.pair.server), 0);
        CHECK_INT(arc_grpc_conn_get_queued(t.pair.server), 0);
        taped_close(&t, "111", "111");
    }
}

static void each_side_chooses_for_itself(void)
{
    struct taped t = {.pair = {.client_encoding = ARC_GRPC_GZIP}};
    struct seen one = {0}, two = {0};
    arc_slice message = arc__slice(text_of(3000), 3000);
    taped_open(&t, NULL, NULL);
    open_with(&t.pair, "/t/Echo", 0, &one);
    CHECK_OK(arc_grpc_call_send(one.call, message, NULL));
    arc_grpc_call_half_close(one.call);
    pair_pump(&t.pair);
    check_done(&one, ARC_GRPC_OK);
    open_with(&t.pair, "/t/Echo", ARC_GRPC_IDENTITY, &two);
    CHECK_OK(arc_grpc_call_send(two.call, message, NULL));
    arc_grpc_call_half_close(two.call);
    pair_pump(&t.pair);
    check_done(&two, ARC_GRPC_OK);
    CHECK_INT(t.pair.service.encoding, ARC_GRPC_IDENTITY);
    taped_close(&t, "10", "00");

    t = (struct taped){.pair = {.server_encoding = ARC_GRPC_GZIP}};
    one = two = (struct seen){0};
    taped_open(&t, NULL, NULL);
    CHECK_OK(pair_unary(&t.pair, "/t/Echo", message, &one));
    check_done(&one, ARC_GRPC_OK);
    open_with(&t.pair, "/t/Echo", ARC_GRPC_GZIP, &two);
    CHECK_OK(arc_grpc_call_send(two.call, message, NULL));
    arc_grpc_call_half_close(two.call);
    pair_pump(&t.pair);
    check_done(&two, ARC_GRPC_OK);
    CHECK_INT(two.packed, 1);
    taped_close(&t, "01", "11");
}

static void small_and_dense_messages_go_plain(void)
{
    struct taped t = {.pair = {.client_encoding = ARC_GRPC_GZIP}};
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct seen seen = {0};
    char noise[4000];
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)(i * i * 2654435761U >> 13);
    limits.compress_min_bytes = 500;
    taped_open(&t, NULL, &limits);
    open_with(&t.pair, "/t/Chat", 0, &seen);
    CHECK_OK(arc_grpc_call_send(seen.call, arc__slice(text_of(499), 499), NULL));
    CHECK_OK(arc_grpc_call_send(seen.call, arc__slice(text_of(500), 500), NULL));
    CHECK_OK(arc_grpc_call_send(seen.call, arc__slice(noise, sizeof(noise)), NULL));
    CHECK_OK(arc_grpc_call_send_with(seen.call, arc__slice(text_of(499), 499), ARC_GRPC_SEND_PACKED,
                                     NULL));
    CHECK_OK(arc_grpc_call_send_with(seen.call, arc__slice(noise, sizeof(noise)),
                                     ARC_GRPC_SEND_PACKED, NULL));
    CHECK_OK(arc_grpc_call_send_with(seen.call, ARC_LIT(""), ARC_GRPC_SEND_PACKED, NULL));
    CHECK_OK(arc_grpc_call_send_with(seen.call, arc__slice(text_of(5000), 5000),
                                     ARC_GRPC_SEND_PLAIN, NULL));
    CHECK_OK(arc_grpc_call_send_with(seen.call, arc__slice(text_of(5000), 5000),
                                     ARC_GRPC_SEND_PLAIN | ARC_GRPC_SEND_PACKED, NULL));
    CHECK_STATUS(arc_grpc_call_send_with(seen.call, ARC_LIT("x"), 4, NULL), ARC_EINVAL);
    arc_grpc_call_half_close(seen.call);
    pair_pump(&t.pair);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(t.pair.service.packed, 4);
    CHECK_INT(t.pair.service.bytes, 499 + 500 + 4000 + 499 + 4000 + 0 + 5000 + 5000);
    taped_close(&t, "01011100", "00000000");
}

static void packed_on_a_call_without_encoding_is_plain(void)
{
    struct taped t = {
        .pair = {.server_encoding = ARC_GRPC_GZIP, .client_accepts = ARC_GRPC_IDENTITY}};
    struct seen seen = {0};
    taped_open(&t, NULL, NULL);
    open_with(&t.pair, "/t/Chat", 0, &seen);
    CHECK_OK(arc_grpc_call_send_with(seen.call, arc__slice(text_of(2000), 2000),
                                     ARC_GRPC_SEND_PACKED, NULL));
    arc_grpc_call_half_close(seen.call);
    pair_pump(&t.pair);
    check_done(&seen, ARC_GRPC_OK);
    taped_close(&t, "0", "0"); /* the server's default falls back in silence */
}

/* --- what is agreed on ----------------------------------------------------------------------- */

static void a_server_sets_an_encoding(void)
{
    struct taped t = {0};
    struct seen seen = {0};
    taped_open(&t, NULL, NULL);
    CHECK_OK(pair_call(&t.pair, "/t/Hang", 0, &seen));
    pair_pump(&t.pair);
    struct arc_grpc_call *call = t.pair.service.hanging;
    CHECK_STATUS(arc_grpc_call_set_encoding(call, 0, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_call_set_encoding(call, 4, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_call_set_encoding(seen.call, ARC_GRPC_GZIP, NULL), ARC_EINVAL);
    CHECK_OK(arc_grpc_call_set_encoding(call, ARC_GRPC_GZIP, NULL));
    CHECK_OK(arc_grpc_call_set_encoding(call, ARC_GRPC_IDENTITY, NULL));
    CHECK_OK(arc_grpc_call_set_encoding(call, ARC_GRPC_GZIP, NULL));
    CHECK_OK(arc_grpc_call_send(call, arc__slice(text_of(2000), 2000), NULL));
    CHECK_STATUS(arc_grpc_call_set_encoding(call, ARC_GRPC_IDENTITY, NULL), ARC_ECONFLICT);
    CHECK_OK(arc_grpc_call_finish(call, ARC_GRPC_OK, ARC_NONE, NULL, 0, NULL));
    pair_pump(&t.pair);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(seen.packed, 1);
    taped_close(&t, "", "1");

    t = (struct taped){.pair = {.client_accepts = ARC_GRPC_IDENTITY}};
    seen = (struct seen){0};
    taped_open(&t, NULL, NULL);
    CHECK_OK(pair_call(&t.pair, "/t/Hang", 0, &seen));
    pair_pump(&t.pair);
    CHECK_STATUS(arc_grpc_call_set_encoding(t.pair.service.hanging, ARC_GRPC_GZIP, NULL),
                 ARC_EUNIMPLEMENTED);
    CHECK_OK(arc_grpc_call_set_encoding(t.pair.service.hanging, ARC_GRPC_IDENTITY, NULL));
    arc_grpc_call_cancel(t.pair.service.hanging);
    CHECK_STATUS(arc_grpc_call_set_encoding(t.pair.service.hanging, ARC_GRPC_IDENTITY, NULL),
                 ARC_ECANCELLED);
    pair_pump(&t.pair);
    taped_close(&t, "", "");
}

static void an_unknown_encoding_is_no_config(void)
{
    struct arc_grpc_config config = ARC_GRPC_CONFIG_INIT;
    struct arc_grpc_conn *conn = NULL;
    arc_err err = ARC_ERR_INIT;
    config.encoding = 4;
    CHECK_STATUS(arc_grpc_conn_new(&config, 1, &conn, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "encoding");
    config.encoding = ARC_GRPC_IDENTITY | ARC_GRPC_GZIP;
    CHECK_STATUS(arc_grpc_conn_new(&config, 1, &conn, NULL), ARC_EINVAL);
    config.encoding = 0;
    config.accept_encodings = 8;
    CHECK_STATUS(arc_grpc_conn_new(&config, 1, &conn, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "accept_encodings");
    struct pair pair = {0};
    struct seen seen = {0};
    struct arc_grpc_request request = {
        .size = sizeof(request), .path = ARC_LIT("/t/Echo"), .encoding = 4};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_STATUS(arc_grpc_call_open(pair.client, &request, &seen_events, &seen, &seen.call, NULL),
                 ARC_EINVAL);
    pair_close(&pair);
}

static void a_server_that_takes_no_gzip_says_so(void)
{
    struct pair pair = {.server_accepts = ARC_GRPC_IDENTITY, .client_encoding = ARC_GRPC_GZIP};
    struct seen packed = {0}, plain = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Echo", arc__slice(text_of(2000), 2000), &packed));
    check_done(&packed, ARC_GRPC_UNIMPLEMENTED);
    CHECK_TEXT(arc__slice_cstr(packed.text), "Only the encoding identity is offered.");
    CHECK_INT(pair.server_counters.refused_encoding, 1);
    CHECK_INT(pair.service.calls, 0);
    open_with(&pair, "/t/Echo", ARC_GRPC_IDENTITY, &plain);
    CHECK_OK(arc_grpc_call_send(plain.call, ARC_LIT("x"), NULL));
    arc_grpc_call_half_close(plain.call);
    pair_pump(&pair);
    check_done(&plain, ARC_GRPC_OK);
    pair_close(&pair);
}

/* --- what a server is sent ------------------------------------------------------------------- */

static void add_message(struct arc_buf *out, int flag, arc_slice body)
{
    const char prefix[5] = {(char)flag, (char)(body.len >> 24), (char)(body.len >> 16 & 0xff),
                            (char)(body.len >> 8 & 0xff), (char)(body.len & 0xff)};
    arc__buf_add(out, prefix, sizeof(prefix));
    arc__buf_add_slice(out, body);
}

static arc_slice pack(arc_slice message, struct arc_buf *out)
{
    size_t bound = arc__pack_bound(message.len), len = 0;
    char *room = arc__buf_reserve(out, bound);
    CHECK_OK(arc__pack(&out->mem, message, room, bound, &len));
    arc__buf_commit(out, len);
    return arc__buf_slice(out);
}

/* A client opens the call; what follows of it is said by hand. */
static void say_to_server(const char *encoding, int flag, arc_slice body, struct seen *seen,
                          struct arc_grpc_counters *counters)
{
    static char buf[65536];
    struct pair pair = {0};
    struct arc_buf out, message;
    size_t got;
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    arc__buf_init(&out, &pair.mem, 1 << 20);
    arc__buf_init(&message, &pair.mem, 1 << 20);
    CHECK_OK(pair_call(&pair, "/t/Collect", 0, seen));
    (void)arc_grpc_conn_send(pair.client, pair.now_ns, buf, sizeof(buf));
    preface(&out);
    request(&out, 1, 0, "/t/Collect", encoding != NULL ? "grpc-encoding" : NULL, encoding);
    add_message(&message, flag, body);
    frame(&out, DATA, END_STREAM, 1, arc__buf_slice(&message));
    CHECK_OK(arc_grpc_conn_recv(pair.server, pair.now_ns, arc__buf_slice(&out), NULL));
    while ((got = arc_grpc_conn_send(pair.server, pair.now_ns, buf, sizeof(buf))) > 0)
        CHECK_OK(arc_grpc_conn_recv(pair.client, pair.now_ns, arc__slice(buf, got), NULL));
    CHECK_INT(seen->statuses, 1);
    CHECK_INT(arc_grpc_conn_get_held(pair.server), 0);
    *counters = pair.server_counters;
    pair_close(&pair);
    CHECK_INT(pair.service.calls, pair.service.closed);
    arc__buf_deinit(&out);
    arc__buf_deinit(&message);
}

static void check_said(const char *encoding, int flag, arc_slice body, int code, const char *text)
{
    struct seen seen = {0};
    struct arc_grpc_counters counters = {0};
    say_to_server(encoding, flag, body, &seen, &counters);
    CHECK_INT(seen.code, code);
    if (code == ARC_GRPC_OK) {
        CHECK_TEXT(arc__slice_cstr(seen.first), text);
        CHECK_INT(counters.refused_encoding, 0);
        return;
    }
    CHECK_TEXT(arc__slice_cstr(seen.text), text);
    CHECK_INT(counters.refused_encoding, 1);
    CHECK_INT(counters.messages_in, 0);
}

static void bad_packed_messages_are_told_why(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf packed;
    arc__buf_init(&packed, &mem, 1 << 16);
    arc_slice body = pack(arc__slice(text_of(1000), 1000), &packed);
    check_said("gzip", 1, body, ARC_GRPC_OK, "1 1000");
    check_said("gzip", 0, ARC_LIT("plain"), ARC_GRPC_OK, "1 5");
    check_said("identity", 0, ARC_LIT("plain"), ARC_GRPC_OK, "1 5");
    const char *unnamed = "The message is compressed, but no encoding was named.";
    check_said(NULL, 1, body, ARC_GRPC_INTERNAL, unnamed);
    check_said("identity", 1, body, ARC_GRPC_INTERNAL, unnamed);
    const char *none = "The encoding of the messages is none of identity and gzip.";
    check_said("snappy", 0, body, ARC_GRPC_UNIMPLEMENTED, none);
    check_said("deflate", 1, body, ARC_GRPC_UNIMPLEMENTED, none);
    check_said("gzip", 1, ARC_LIT("no gzip at all"), ARC_GRPC_INTERNAL,
               "The compressed message is damaged.");
    check_said("gzip", 1, ARC_NONE, ARC_GRPC_INTERNAL, "The compressed message is empty.");
    for (size_t cut = 1; cut < body.len; cut++)
        check_said("gzip", 1, arc__slice(body.ptr, cut), ARC_GRPC_INTERNAL,
                   "The compressed message is cut short.");
    arc__buf_add_char(&packed, 'x');
    check_said("gzip", 1, arc__buf_slice(&packed), ARC_GRPC_INTERNAL,
               "The compressed message is followed by something.");
    arc__buf_truncate(&packed, packed.len - 1);
    (void)pack(ARC_LIT("again"), &packed);
    check_said("gzip", 1, arc__buf_slice(&packed), ARC_GRPC_INTERNAL,
               "The compressed message is followed by something.");
    arc__buf_deinit(&packed);
}

static void a_bomb_ends_within_its_bound(void)
{
    struct attack attack;
    struct arc_buf packed, message;
    const size_t big = 64 << 20;
    char *zeros = calloc(1, big);
    if (zeros == NULL)
        return;
    attack_open(&attack, NULL);
    arc__buf_init(&packed, &attack.mem, 256 << 20);
    arc__buf_init(&message, &attack.mem, 1 << 20);
    add_message(&message, 1, pack(arc__slice(zeros, big), &packed));
    free(zeros);
    for (uint32_t i = 0; i < 20; i++) {
        uint32_t stream = 1 + 2 * i;
        request(&attack.out, stream, 0, "/t/Hang", "grpc-encoding", "gzip");
        for (size_t at = 0; at < message.len; at += 16384) {
            size_t len = message.len - at < 16384 ? message.len - at : 16384;
            frame(&attack.out, DATA, 0, stream, arc__slice(message.ptr + at, len));
        }
        send_out(&attack);
        CHECK(arc_grpc_conn_get_held(attack.pair.server) < 1 << 20);
    }
    CHECK_OK(attack.status);
    CHECK_INT(attack.pair.server_counters.refused_message_size, 20);
    CHECK_INT(attack.pair.server_counters.messages_in, 0);
    arc__buf_deinit(&packed);
    arc__buf_deinit(&message);
    attack_close(&attack);
}

static void unpacking_shares_the_bound_of_pieces(void)
{
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct pair pair = {.client_encoding = ARC_GRPC_GZIP};
    struct seen fits = {0}, big = {0};
    limits.assembly_max_bytes = 60000;
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Collect", arc__slice(text_of(40000), 40000), &fits));
    check_done(&fits, ARC_GRPC_OK);
    CHECK_OK(pair_unary(&pair, "/t/Collect", arc__slice(text_of(70000), 70000), &big));
    check_done(&big, ARC_GRPC_RESOURCE_EXHAUSTED);
    CHECK_INT(pair.server_counters.refused_assembly, 1);
    CHECK_INT(pair.server_counters.refused_message_size, 0);
    CHECK_INT(arc_grpc_conn_get_held(pair.server), 0);
    pair_close(&pair);

    pair = (struct pair){.client_encoding = ARC_GRPC_GZIP};
    limits = (struct arc_grpc_limits)ARC_GRPC_LIMITS_INIT;
    limits.message_max_bytes = 40000;
    fits = big = (struct seen){0};
    CHECK_OK(pair_open(&pair, NULL, &limits, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Collect", arc__slice(text_of(40000), 40000), &fits));
    check_done(&fits, ARC_GRPC_OK);
    CHECK_OK(pair_unary(&pair, "/t/Collect", arc__slice(text_of(40001), 40001), &big));
    check_done(&big, ARC_GRPC_RESOURCE_EXHAUSTED);
    CHECK_TEXT(arc__slice_cstr(big.text),
               "The message is longer than 40000 bytes (message_max_bytes) when it is unpacked.");
    CHECK_INT(pair.server_counters.refused_message_size, 1);
    pair_close(&pair);
}

/* --- what a client is sent ------------------------------------------------------------------- */

static void say_to_client(uint32_t accepts, const char *encoding, arc_slice body, int code,
                          const char *text)
{
    static char buf[65536];
    struct pair pair = {.client_accepts = accepts};
    struct arc_buf out, fields, message;
    struct seen seen = {0};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    arc__buf_init(&out, &pair.mem, 1 << 20);
    arc__buf_init(&fields, &pair.mem, 1 << 20);
    arc__buf_init(&message, &pair.mem, 1 << 20);
    CHECK_OK(pair_call(&pair, "/t/Hang", 0, &seen));
    (void)arc_grpc_conn_send(pair.client, pair.now_ns, buf, sizeof(buf));
    frame(&out, SETTINGS, 0, 0, ARC_NONE);
    field(&fields, ":status", "200");
    field(&fields, "content-type", "application/grpc");
    if (encoding != NULL)
        field(&fields, "grpc-encoding", encoding);
    frame(&out, HEADERS, END_HEADERS, 1, arc__buf_slice(&fields));
    add_message(&message, 1, body);
    frame(&out, DATA, 0, 1, arc__buf_slice(&message));
    arc__buf_clear(&fields);
    field(&fields, "grpc-status", "0");
    frame(&out, HEADERS, END_HEADERS | END_STREAM, 1, arc__buf_slice(&fields));
    CHECK_OK(arc_grpc_conn_recv(pair.client, pair.now_ns, arc__buf_slice(&out), NULL));
    CHECK_INT(seen.statuses, 1);
    CHECK_INT(seen.code, code);
    CHECK_TEXT(arc__slice_cstr(seen.text), text);
    CHECK_INT(seen.messages, code == ARC_GRPC_OK);
    CHECK_INT(pair.client_counters.refused_encoding, code != ARC_GRPC_OK);
    pair_close(&pair);
    arc__buf_deinit(&out);
    arc__buf_deinit(&fields);
    arc__buf_deinit(&message);
}

static void a_client_takes_only_what_it_offered(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf packed;
    arc__buf_init(&packed, &mem, 1 << 16);
    arc_slice body = pack(ARC_LIT("hello"), &packed);
    const char *other = "The server answers in an encoding that was not offered.";
    const char *unnamed = "The message is compressed, but no encoding was named.";
    say_to_client(0, "gzip", body, ARC_GRPC_OK, "");
    say_to_client(0, "snappy", body, ARC_GRPC_INTERNAL, other);
    say_to_client(ARC_GRPC_IDENTITY, "gzip", body, ARC_GRPC_INTERNAL, other);
    say_to_client(0, NULL, body, ARC_GRPC_INTERNAL, unnamed);
    say_to_client(0, "identity", body, ARC_GRPC_INTERNAL, unnamed);
    say_to_client(0, "gzip", ARC_LIT("x"), ARC_GRPC_INTERNAL,
                  "The compressed message is cut short.");
    say_to_client(0, "gzip", ARC_NONE, ARC_GRPC_INTERNAL, "The compressed message is empty.");
    arc__buf_deinit(&packed);
}

/* --- pauses, and memory ---------------------------------------------------------------------- */

static void a_paused_reader_unpacks_later(void)
{
    struct pair pair = {.server_encoding = ARC_GRPC_GZIP};
    struct seen seen = {.pause_after = 2};
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Feed", ARC_LIT("20 100000"), &seen));
    CHECK_INT(seen.messages, 2);
    CHECK(arc_grpc_conn_get_held(pair.client) < 10000); /* packed, as it came */
    arc_grpc_call_resume(seen.call);
    pair_pump(&pair);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_INT(seen.messages, 20);
    CHECK_INT(seen.packed, 20);
    CHECK_INT(seen.bytes, 2000000);
    CHECK_INT(arc_grpc_conn_get_held(pair.client), 0);
    pair_close(&pair);
}

static void dropping_message(void *user, struct arc_grpc_call *call, arc_slice message)
{
    struct seen *seen = user;
    seen->messages++;
    arc_grpc_call_drop(call);
    seen->sum = pair_sum(0, message); /* it lives until this returns */
}

static void a_call_may_be_dropped_over_its_message(void)
{
    struct pair pair = {.server_encoding = ARC_GRPC_GZIP};
    struct seen seen = {0}, next = {0};
    struct arc_grpc_events events = seen_events;
    events.on_message = dropping_message;
    struct arc_grpc_request request = {.size = sizeof(request), .path = ARC_LIT("/t/Chat")};
    arc_slice message = arc__slice(text_of(20000), 20000);
    CHECK_OK(pair_open(&pair, NULL, NULL, NULL));
    CHECK_OK(arc_grpc_call_open(pair.client, &request, &events, &seen, &seen.call, NULL));
    CHECK_OK(arc_grpc_call_send(seen.call, message, NULL));
    CHECK_OK(arc_grpc_call_send(seen.call, message, NULL));
    pair_pump(&pair);
    CHECK_INT(seen.messages, 1);
    CHECK_INT(seen.sum, pair_sum(0, message));
    CHECK_INT(arc_grpc_conn_get_held(pair.client), 0);
    CHECK_OK(pair_unary(&pair, "/t/Echo", message, &next));
    check_done(&next, ARC_GRPC_OK);
    pair_close(&pair);
}

static int life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct pair pair = {.server_encoding = ARC_GRPC_GZIP, .client_encoding = ARC_GRPC_GZIP};
    struct seen one = {0}, two = {0};
    int done = 0;
    if (pair_open(&pair, &mem, NULL, NULL) == ARC_OK) {
        (void)pair_unary(&pair, "/t/Echo", arc__slice(text_of(9000), 9000), &one);
        (void)pair_unary(&pair, "/t/Feed", ARC_LIT("5 30000"), &two);
        done = one.messages == 1 && one.code == ARC_GRPC_OK && one.packed == 1 && two.packed == 5 &&
               two.code == ARC_GRPC_OK;
        CHECK_INT(arc_grpc_conn_get_held(pair.client) + arc_grpc_conn_get_held(pair.server), 0);
    }
    struct seen *const all[] = {&one, &two};
    pair_close_over(&pair, all, ARC_COUNT_OF(all));
    return done;
}

static void fails_cleanly(void)
{
    test_torture(life, 0, 5000);
    test_torture(life, 1, 5000);
}

/* Bytes that the connections have of the allocator. */
static size_t counted;

static void *count_alloc(void *user, void *ptr, size_t size)
{
    size_t *block = ptr == NULL ? NULL : (size_t *)ptr - 2;
    (void)user;
    if (block != NULL)
        counted -= *block;
    if (size == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, size + 16);
    if (block == NULL)
        return NULL;
    *block = size;
    counted += size;
    return block + 2;
}

static void an_idle_connection_keeps_no_state(void)
{
    const struct arc_mem mem = {NULL, count_alloc};
    struct pair pair = {.server_encoding = ARC_GRPC_GZIP, .client_encoding = ARC_GRPC_GZIP};
    struct seen plain = {0}, packed = {0};
    counted = 0;
    CHECK_OK(pair_open(&pair, &mem, NULL, NULL));
    CHECK_OK(pair_unary(&pair, "/t/Echo", ARC_LIT("x"), &plain));
    size_t before = counted;
    CHECK_OK(pair_unary(&pair, "/t/Echo", arc__slice(text_of(90000), 90000), &packed));
    check_done(&packed, ARC_GRPC_OK);
    CHECK_INT(packed.packed, 1);
    CHECK(counted <= before + 4 * 4096);
    pair_close(&pair);
    CHECK_INT(counted, 0);
}

static const struct test tests[] = {
    {"packed messages pass both ways however they are cut", packed_both_ways},
    {"each side and each call chooses its encoding", each_side_chooses_for_itself},
    {"small and dense messages go plain unless told otherwise", small_and_dense_messages_go_plain},
    {"a peer that takes no gzip gets none", packed_on_a_call_without_encoding_is_plain},
    {"a server sets the encoding before its headers", a_server_sets_an_encoding},
    {"an encoding that does not exist is refused", an_unknown_encoding_is_no_config},
    {"a server that takes no gzip says what it takes", a_server_that_takes_no_gzip_says_so},
    {"a bad packed message ends its call with the reason", bad_packed_messages_are_told_why},
    {"bombs end within their bound", a_bomb_ends_within_its_bound},
    {"unpacking shares the bound of messages in pieces", unpacking_shares_the_bound_of_pieces},
    {"a client takes only the encodings it offered", a_client_takes_only_what_it_offered},
    {"a paused reader holds messages packed", a_paused_reader_unpacks_later},
    {"a call may be dropped over its packed message", a_call_may_be_dropped_over_its_message},
    {"every failed allocation, once or for good, ends cleanly", fails_cleanly},
    {"an idle connection keeps no state of zlib", an_idle_connection_keeps_no_state},
};
TEST_MAIN(tests)
