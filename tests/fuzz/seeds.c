/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the first inputs of the fuzz targets into DIR/<target>/: sessions of our own client and
 * server, and messages of every type. usage: seeds DIR */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pair.h"
#include "random_message.h"

static const char *out_dir;

/* ARC_LIT for a static table. */
#define BYTES(literal) \
    { \
        (literal), sizeof(literal) - 1 \
    }

/* The file number `index` of a target: a head, the bytes, a tail. */
static void write_seed(const char *target, int index, arc_slice head, arc_slice bytes,
                       arc_slice tail)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", out_dir, target);
    (void)mkdir(path, 0777); /* there already is fine, another failure is seen by fopen */
    snprintf(path, sizeof(path), "%s/%s/seed-%03d", out_dir, target, index);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    const arc_slice parts[] = {head, bytes, tail};
    for (size_t i = 0; i < ARC_COUNT_OF(parts); i++) {
        if (parts[i].len > 0)
            fwrite(parts[i].ptr, 1, parts[i].len, file);
    }
    if (fclose(file) != 0)
        exit(1);
}

/* Orders behind the bytes: none; small limits; small limits, pieces of five bytes and time; a
 * terminate, a drain, a cancel, a pause after a part. */
static const arc_slice orders[] = {
    BYTES("\x00"),
    BYTES("\x01\x01"),
    BYTES("\x01\x21\x21\x21\x52\x21\x52\x21\x21\x21\x0a"),
    BYTES("\x00\x48\x0d\x03"),
    BYTES("\x00\x48\x05\x48\x05\x05"),
    BYTES("\x00\x48\x03\x04\x40\x03\x06\x40\x03\x07\x0a"),
    BYTES("\x02\x20\x02"),
};

static void session(int number, struct pair *pair)
{
    static char big[20000];
    struct seen calls[12];
    memset(calls, 0, sizeof(calls));
    if (number == 6)
        pair->server_encoding = pair->client_encoding = ARC_GRPC_GZIP;
    CHECK_OK(pair_open(pair, NULL, NULL, NULL));
    switch (number) {
    case 0:
        CHECK_OK(pair_unary(pair, "/t/Echo", ARC_LIT("hello"), &calls[0]));
        break;
    case 1:
        CHECK_OK(pair_call(pair, "/t/Echo", 0, &calls[0]));
        CHECK_OK(arc_grpc_call_send(calls[0].call, ARC_LIT("hello"), NULL));
        arc_grpc_call_half_close(calls[0].call);
        CHECK_OK(pair_call(pair, "/t/Chat", 0, &calls[1]));
        CHECK_OK(arc_grpc_call_send(calls[1].call, ARC_LIT("hello"), NULL));
        CHECK_OK(pair_call(pair, "/t/Fail", 0, &calls[2]));
        pair_pump(pair);
        arc_grpc_call_half_close(calls[1].call);
        break;
    case 2:
        CHECK_OK(pair_call(pair, "/t/Chat", pair->now_ns + PAIR_S, &calls[0]));
        for (int i = 0; i < 5; i++) {
            CHECK_OK(arc_grpc_call_send(calls[0].call, arc__slice("abc2&", 5 - (size_t)i), NULL));
            pair_pump(pair);
        }
        arc_grpc_call_cancel(calls[0].call);
        break;
    case 3:
        for (int i = 0; i < 10; i++)
            CHECK_OK(pair_call(pair, "/t/Hang", 0, &calls[i]));
        break;
    case 4:
    case 6:
        CHECK_OK(pair_unary(pair, "/t/Collect", arc__slice(big, 1500), &calls[0]));
        CHECK_OK(pair_unary(pair, "/t/Feed", ARC_LIT("3 700"), &calls[1]));
        break;
    default:
        CHECK_OK(pair_call(pair, "/t/Pause", 0, &calls[0]));
        CHECK_OK(arc_grpc_call_send(calls[0].call, ARC_LIT("later"), NULL));
        pair_pump(pair);
        arc_grpc_conn_drain(pair->server, pair->now_ns);
        pair_pump(pair);
        arc_grpc_call_resume(pair->service.hanging);
        arc_grpc_call_half_close(calls[0].call);
        break;
    }
    pair_pump(pair);
    pair_close(pair);
}

static void sessions(void)
{
    struct arc_mem mem = arc__mem_default();
    for (int i = 0; i < 7; i++) {
        struct arc_buf client, server;
        arc__buf_init(&client, &mem, 1 << 20);
        arc__buf_init(&server, &mem, 1 << 20);
        struct pair pair = {.record = &client, .record_server = &server};
        session(i, &pair);
        for (size_t k = 0; k < ARC_COUNT_OF(orders); k++) {
            int index = i * 10 + (int)k;
            write_seed("h2srv", index, ARC_NONE, arc__buf_slice(&client), orders[k]);
            write_seed("h2cli", index, ARC_NONE, arc__buf_slice(&server), orders[k]);
        }
        arc__buf_deinit(&client);
        arc__buf_deinit(&server);
    }
}

static void messages(void)
{
    struct arc_mem mem = arc__mem_default();
    for (size_t i = 0; i < MESSAGE_TYPES; i++) {
        struct arc_arena arena;
        struct arc_buf bytes, text;
        struct arc_json json;
        struct dice dice = dice_of(i + 1);
        char head = (char)i;
        arc__arena_init(&arena, &mem, 8 << 20);
        arc__buf_init(&bytes, &mem, 8 << 20);
        arc__buf_init(&text, &mem, 8 << 20);
        arc__json_init(&json, &text);
        const void *message = random_message(&dice, message_types[i].descriptor, &arena, 3);
        CHECK_OK(arc__pb_encode(message, &bytes, NULL));
        CHECK_OK(arc__pb_to_json(message, &json, NULL, NULL));
        write_seed("pb", (int)i, arc__slice(&head, 1), arc__buf_slice(&bytes), ARC_NONE);
        write_seed("json", (int)i, arc__slice(&head, 1), arc__buf_slice(&text), ARC_NONE);
        arc__arena_deinit(&arena);
        arc__buf_deinit(&bytes);
        arc__buf_deinit(&text);
    }
}

static void texts(void)
{
    static const arc_slice meta[] = {
        BYTES("\x00"
              "5S"),
        BYTES("\x00"
              "99999999H"),
        BYTES("\x01"
              "a%20b%C3%A4 100%25"),
        BYTES("\x01"
              "\xc3\xa4\xed\xa0\x80%"),
        BYTES("\x02"
              "AP8Q,AP8,AA=="),
        BYTES("\x03"
              "x-name-bin:\x00\xff"),
        BYTES("\x03"
              "x-name:a value"),
        BYTES("\x04"
              "application/grpc+proto"),
        BYTES("\x04"
              "16"),
    };
    static const arc_slice lpm[] = {
        BYTES("\x00\x00\x00\x00\x05hello\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01x\x00"),
        BYTES("\x00\x00\x00\x00\x05hello\x00\x00\x00\x04\x00\x03\x06\x02"),
        BYTES("\x00\xff\xff\xff\xff\x00"),
        BYTES("\x02\x00\x00\x00\x01x\x00"),
    };
    /* gzip -9n of "hello\n" and of 300 zeros, by the size that they tell. */
    static const arc_slice packed[] = {
        BYTES("\x00\x00\x06\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xe7\x02"
              "\x00\x20\x30\x3a\x36\x06\x00\x00\x00"),
        BYTES("\x00\x00\x05\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\xe7\x02"
              "\x00\x20\x30\x3a\x36\x06\x00\x00\x00"),
    };
    for (size_t i = 0; i < ARC_COUNT_OF(meta); i++)
        write_seed("meta", (int)i, ARC_NONE, meta[i], ARC_NONE);
    for (size_t i = 0; i < ARC_COUNT_OF(lpm); i++)
        write_seed("lpm", (int)i, ARC_NONE, lpm[i], ARC_NONE);
    for (size_t i = 0; i < ARC_COUNT_OF(packed); i++)
        write_seed("unpack", (int)i, ARC_NONE, packed[i], ARC_NONE);
}

static void write_all(void)
{
    sessions();
    messages();
    texts();
}

static const struct test cases[] = {
    {"the first inputs are written", write_all},
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: seeds DIR\n");
        return 2;
    }
    out_dir = argv[1];
    return test_main(1, argv, cases, 1);
}
