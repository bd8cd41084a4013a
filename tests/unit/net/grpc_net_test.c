/* SPDX-License-Identifier: Apache-2.0 */
/* Server and channel over loopback sockets in plaintext. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"
#include "net/addr.h"

static void check_done(const struct seen *seen, int code)
{
    CHECK_INT(seen->code, code);
    CHECK_INT(seen->statuses, 1);
    CHECK_INT(seen->closes, 1);
    CHECK_INT(seen->misuse, 0);
}

static void four_kinds(void)
{
    struct host host;
    struct seen echo = {0}, feed = {0}, collect = {0}, chat = {0};
    char *big = calloc(1, 3 << 20);
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, NULL, NULL));
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", arc__slice(big, 3 << 20), &echo));
    check_done(&echo, ARC_GRPC_OK);
    CHECK_INT(echo.bytes, 3 << 20);
    CHECK_OK(host_unary(&host, host.channel, "/t/Feed", ARC_LIT("2000 10000"), &feed));
    check_done(&feed, ARC_GRPC_OK);
    CHECK_INT(feed.bytes, 20000000);

    CHECK_OK(host_call(&host, host.channel, "/t/Collect", 0, 0, &collect));
    for (int sent = 0; sent < 5000;) {
        arc_status status = arc_grpc_call_send(collect.call, arc__slice(big, 1000), NULL);
        if (status == ARC_EAGAIN) {
            int before = collect.writables;
            for (int i = 0; i < 1000 && collect.writables == before; i++)
                host_turn(&host, 5);
        } else {
            CHECK_OK(status);
            sent++;
        }
    }
    arc_grpc_call_half_close(collect.call);
    host_until(&host, &collect.closes);
    check_done(&collect, ARC_GRPC_OK);
    CHECK_TEXT(arc__slice_cstr(collect.first), "5000 5000000");
    CHECK(collect.writables > 0);

    CHECK_OK(host_call(&host, host.channel, "/t/Chat", 0, 0, &chat));
    for (int i = 0; i < 20; i++) {
        int want = i + 1;
        CHECK_OK(arc_grpc_call_send(chat.call, ARC_LIT("ping"), NULL));
        for (int k = 0; k < 1000 && chat.messages < want; k++)
            host_turn(&host, 5);
        CHECK_INT(chat.messages, want);
    }
    arc_grpc_call_half_close(chat.call);
    host_until(&host, &chat.closes);
    check_done(&chat, ARC_GRPC_OK);
    struct arc_grpc_server_stats stats;
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.accepted, 1);
    CHECK_INT(stats.connections, 1);
    CHECK_INT(stats.calls, 0);
    CHECK_INT(stats.wire.calls, 4);
    CHECK(stats.bytes_in > 8000000 && stats.bytes_out > 23000000);
    host_close(&host);
    free(big);
}

static void a_call_connects_and_waits(void)
{
    struct host host;
    struct seen seen = {0};
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, NULL, NULL));
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    CHECK_INT(arc__net_channel_get_state(host.channel), ARC_GRPC_CHANNEL_IDLE);
    host_settle(&host);
    struct arc_grpc_server_stats stats;
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.accepted, 0);
    CHECK_OK(host_call(&host, host.channel, "/t/Echo", 0, 0, &seen));
    CHECK_INT(host.states[ARC_GRPC_CHANNEL_CONNECTING], 0);
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("early bird"), NULL));
    arc_grpc_call_half_close(seen.call);
    host_until(&host, &seen.closes);
    check_done(&seen, ARC_GRPC_OK);
    CHECK_TEXT(arc__slice_cstr(seen.first), "early bird");
    CHECK_INT(host.states[ARC_GRPC_CHANNEL_CONNECTING], 1);
    CHECK_INT(host.states[ARC_GRPC_CHANNEL_READY], 1);
    host_close(&host);
}

static void nobody_listens(void)
{
    struct host host;
    struct seen fast = {0}, patient = {0}, again = {0};
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, NULL, NULL));
    host_stop(&host); /* the port was ours; now nobody's */
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    CHECK_OK(host_call(&host, host.channel, "/t/Echo", 0, 0, &fast));
    CHECK_OK(host_call(&host, host.channel, "/t/Echo", host.now_ns + 100 * PAIR_S, 1, &patient));
    host_until(&host, &fast.closes);
    check_done(&fast, ARC_GRPC_UNAVAILABLE);
    CHECK_INT(fast.unprocessed, 1);
    CHECK_TEXT(arc__slice_cstr(fast.text), "Connection refused.");
    CHECK_INT(patient.closes, 0);
    CHECK_INT(arc__net_channel_get_state(host.channel), ARC_GRPC_CHANNEL_BACKOFF);
    CHECK_STATUS(host_call(&host, host.channel, "/t/Echo", 0, 0, &again), ARC_EUNAVAILABLE);
    host_until(&host, &patient.closes);
    check_done(&patient, ARC_GRPC_DEADLINE_EXCEEDED);
    /* 0.2 s doubled up to 30 s, half of it on average: neither a flood of attempts nor a sleep. */
    CHECK(host.states[ARC_GRPC_CHANNEL_CONNECTING] >= 8 &&
          host.states[ARC_GRPC_CHANNEL_CONNECTING] <= 40);
    host_close(&host);
}

static void comes_back_after_a_loss(void)
{
    struct host host;
    struct seen hang = {0}, patient = {0}, before = {0};
    char listen[64];
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, NULL, NULL));
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &before));
    CHECK_OK(host_call(&host, host.channel, "/t/Hang", 0, 0, &hang));
    host_settle(&host);
    CHECK(host.service.hanging != NULL);
    host.now_ns += 10 * PAIR_S;
    host_stop(&host);
    host_until(&host, &hang.closes);
    check_done(&hang, ARC_GRPC_UNAVAILABLE);
    CHECK_INT(arc__net_channel_get_state(host.channel), ARC_GRPC_CHANNEL_IDLE);
    CHECK_OK(host_call(&host, host.channel, "/t/Echo", 0, 1, &patient));
    CHECK_OK(arc_grpc_call_send(patient.call, ARC_LIT("x"), NULL));
    arc_grpc_call_half_close(patient.call);
    host_until(&host, &host.states[ARC_GRPC_CHANNEL_BACKOFF]);
    snprintf(listen, sizeof(listen), "%s", host.address);
    const char *const addresses[] = {listen};
    struct arc_net_server_options options = {.listen = addresses, .listen_count = 1};
    CHECK_OK(host_serve(&host, &options, NULL));
    host_until(&host, &patient.closes);
    check_done(&patient, ARC_GRPC_OK);
    CHECK_INT(patient.messages, 1);
    host_close(&host);
}

static void goaway_moves_to_a_new_connection(void)
{
    struct host host;
    struct seen chat = {0}, next = {0};
    char listen[64];
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, NULL, NULL));
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    CHECK_OK(host_call(&host, host.channel, "/t/Chat", 0, 0, &chat));
    host_settle(&host);
    arc__net_server_drain(host.server, host.now_ns + 60 * PAIR_S);
    host_settle(&host);
    CHECK(!arc__net_server_is_drained(host.server));
    CHECK_INT(chat.closes, 0);

    /* Another server takes the port while the first finishes what it has. */
    struct arc_net_server *old = host.server;
    host.server = NULL;
    snprintf(listen, sizeof(listen), "%s", host.address);
    const char *const addresses[] = {listen};
    struct arc_net_server_options options = {.listen = addresses, .listen_count = 1};
    CHECK_OK(host_serve(&host, &options, NULL));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &next));
    check_done(&next, ARC_GRPC_OK);
    CHECK_INT(chat.closes, 0);
    CHECK_OK(arc_grpc_call_send(chat.call, ARC_LIT("still there"), NULL));
    arc_grpc_call_half_close(chat.call);
    for (int i = 0; i < 1000 && chat.closes == 0; i++) {
        host_turn(&host, 5);
        arc__net_server_tick(old);
    }
    check_done(&chat, ARC_GRPC_OK);
    CHECK_TEXT(arc__slice_cstr(chat.first), "still there");
    for (int i = 0; i < 1000 && !arc__net_server_is_drained(old); i++) {
        host_turn(&host, 5);
        host.now_ns += PAIR_MS * 100;
        arc__net_server_tick(old);
    }
    CHECK(arc__net_server_is_drained(old));
    arc__net_server_close(old);
    host_close(&host);
}

static void a_drain_cuts_at_its_deadline(void)
{
    struct host host;
    struct seen hang = {0}, late = {0};
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, NULL, NULL));
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    CHECK_OK(host_call(&host, host.channel, "/t/Hang", 0, 0, &hang));
    host_settle(&host);
    arc__net_server_drain(host.server, host.now_ns + 5 * PAIR_S);
    host_settle(&host);
    CHECK_INT(hang.closes, 0);
    CHECK_OK(host_call(&host, host.channel, "/t/Echo", 0, 0, &late));
    host_until(&host, &late.closes);
    check_done(&late, ARC_GRPC_UNAVAILABLE);
    host_until(&host, &hang.closes);
    check_done(&hang, ARC_GRPC_UNAVAILABLE);
    CHECK(host.now_ns >= 1005 * PAIR_S);
    CHECK(arc__net_server_is_drained(host.server));
    CHECK_INT(host.service.last_why, ARC_GRPC_WHY_LOST);
    host_close(&host);
}

static void deadline_while_waiting(void)
{
    struct host host;
    struct seen seen = {0};
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    CHECK_OK(host_open(&host, NULL));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(silent, (struct sockaddr *)&at, len) == 0 && listen(silent, 1) == 0);
    CHECK(getsockname(silent, (struct sockaddr *)&at, &len) == 0);
    snprintf(host.address, sizeof(host.address), "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    /* It accepts and says nothing: the handshake of HTTP/2 has 10 s, the call less. */
    CHECK_OK(host_call(&host, host.channel, "/t/Hang", host.now_ns + 3 * PAIR_S, 0, &seen));
    host_until(&host, &seen.closes);
    check_done(&seen, ARC_GRPC_DEADLINE_EXCEEDED);
    seen = (struct seen){0};
    CHECK_OK(host_call(&host, host.channel, "/t/Hang", 0, 0, &seen));
    host_until(&host, &seen.closes);
    check_done(&seen, ARC_GRPC_UNAVAILABLE);
    CHECK(host.now_ns <= 1011 * PAIR_S);
    host_close(&host);
    close(silent);
}

/* A bare client socket to the server. */
static int dial(const struct host *host)
{
    struct arc_addr_list list;
    CHECK_OK(arc__addr_resolve(host->address, 0, &list, NULL));
    int fd = socket(list.items[0].sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(fd, &list.items[0].sa.any, list.items[0].len) == 0);
    return fd;
}

static void limits_of_connections(void)
{
    struct host host;
    struct arc_net_server_options options = {.unproven_per_source_max = 4};
    struct arc_grpc_server_stats stats;
    int fds[10];
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, &options, NULL));
    for (int i = 0; i < 10; i++)
        fds[i] = dial(&host);
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 4);
    CHECK_INT(stats.refused_source, 6);
    /* They say nothing; after the handshake's time they are gone. */
    host.now_ns += 11 * PAIR_S;
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 0);
    for (int i = 0; i < 10; i++)
        close(fds[i]);
    host_stop(&host);

    options = (struct arc_net_server_options){.conns_max = 3};
    CHECK_OK(host_serve(&host, &options, NULL));
    for (int i = 0; i < 5; i++)
        fds[i] = dial(&host);
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 3);
    CHECK_INT(stats.refused_full, 2);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 0);
    host_close(&host);
}

/* Whoever sends on while the server ends the connection still reads why. */
static void an_end_is_read_by_who_sends_on(void)
{
    static const char said[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                               "\0\0\0\4\0\0\0\0\0"              /* SETTINGS */
                               "\0\0\5\2\0\0\0\0\0\0\0\0\0\x10"; /* PRIORITY of no stream */
    static const char ping[] = "\0\0\x8\6\0\0\0\0\0"
                               "12345678";
    struct host host;
    struct arc_grpc_server_stats stats;
    char heard[4096];
    size_t len = 0;
    ssize_t got;
    int goaway = 0;
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, NULL, NULL));
    int fd = dial(&host);
    CHECK_INT(send(fd, said, sizeof(said) - 1, MSG_NOSIGNAL), sizeof(said) - 1);
    host_settle(&host);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(send(fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL), sizeof(ping) - 1);
        host_settle(&host);
    }
    while ((got = recv(fd, heard + len, sizeof(heard) - len, 0)) > 0)
        len += (size_t)got;
    CHECK_INT(got, 0);
    for (size_t at = 0; at + 9 <= len; at += 9 + (unsigned char)heard[at + 2])
        goaway += heard[at + 3] == 7;
    CHECK_INT(goaway, 1);
    /* It is waited for no longer than a second. */
    host.now_ns += PAIR_S;
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 0);
    close(fd);
    host_close(&host);
}

static void who_was_answered_does_not_count(void)
{
    struct host host;
    struct arc_net_server_options options = {.unproven_per_source_max = 2};
    struct arc_grpc_server_stats stats;
    struct seen seen = {0};
    int fds[100];
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, &options, NULL));
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &seen));
    for (int i = 0; i < 3; i++)
        fds[i] = dial(&host);
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 3);
    CHECK_INT(stats.refused_source, 1);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    host_stop(&host);

    /* By default a proxy on this machine may bring as many as it likes. */
    CHECK_OK(host_serve(&host, NULL, NULL));
    for (int i = 0; i < 100; i++)
        fds[i] = dial(&host);
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 100);
    for (int i = 0; i < 100; i++)
        close(fds[i]);
    host_close(&host);
}

static void no_descriptors(void)
{
    struct host host;
    struct rlimit before, low;
    struct arc_grpc_server_stats stats;
    struct seen seen = {0};
    int fds[512], count = 0;
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, NULL, NULL));
    int peer = dial(&host);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    low = before;
    low.rlim_cur = 256;
    CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
    while (count < 512) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            break;
        fds[count++] = fd;
    }
    host_settle(&host); /* would never come to rest if the socket stayed readable */
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.refused_starved, 1);
    CHECK_INT(stats.accepted, 0);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    close(peer);
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), &seen));
    check_done(&seen, ARC_GRPC_OK);
    host_close(&host);
}

static void a_socket_that_takes_nothing(void)
{
    struct host host;
    struct arc_grpc_server_stats stats;
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    static char request[65536];
    size_t len = 0;
    /* An honest client's bytes, with windows wide open, and then nobody reads the socket. */
    struct pair pair = {0};
    struct seen seen = {0};
    limits.stream_window_first_bytes = limits.stream_window_bytes = 64 << 20;
    limits.conn_window_bytes = 64 << 20;
    CHECK_OK(pair_open(&pair, NULL, NULL, &limits));
    CHECK_OK(pair_call(&pair, "/t/Feed", 0, &seen));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("60 1000000"), NULL));
    arc_grpc_call_half_close(seen.call);
    len = arc_grpc_conn_send(pair.client, pair.now_ns, request, sizeof(request));
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, NULL, NULL));
    int fd = dial(&host);
    CHECK_INT(send(fd, request, len, MSG_NOSIGNAL), len);
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.calls, 1);
    CHECK(stats.bytes_out < 30000000);
    host.now_ns += 31 * PAIR_S;
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 0);
    CHECK_INT(host.service.closed, 1);
    close(fd);
    host_close(&host);
    pair_close(&pair);
}

/* Reads what lies in the socket, at most so many bytes. */
static size_t take_some(int fd, size_t most)
{
    static char buf[65536];
    size_t total = 0;
    ssize_t got = 1;
    while (total < most && got > 0) {
        got = recv(fd, buf, most - total < sizeof(buf) ? most - total : sizeof(buf), MSG_DONTWAIT);
        total += got > 0 ? (size_t)got : 0;
    }
    return total;
}

/* A socket that takes some bytes now and then, and in the end none any more. */
static void a_socket_that_takes_a_little(void)
{
    struct host host;
    struct arc_grpc_server_stats stats;
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    static char request[65536];
    static const char ping[] = "\0\0\x08\x06\0\0\0\0\0pingpong";
    struct pair pair = {0};
    struct seen seen = {0};
    struct arc_net_server_options options = {.limits = &limits};
    limits.stream_window_first_bytes = limits.stream_window_bytes = 64 << 20;
    limits.conn_window_bytes = 64 << 20;
    CHECK_OK(pair_open(&pair, NULL, NULL, &limits));
    CHECK_OK(pair_call(&pair, "/t/Feed", 0, &seen));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("60 1000000"), NULL));
    arc_grpc_call_half_close(seen.call);
    size_t len = arc_grpc_conn_send(pair.client, pair.now_ns, request, sizeof(request));
    limits = (struct arc_grpc_limits)ARC_GRPC_LIMITS_INIT;
    limits.stall_ns = ARC_GRPC_NEVER; /* the socket's alone */
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, &options, NULL));
    int fd = dial(&host);
    CHECK_INT(send(fd, request, len, MSG_NOSIGNAL), len);
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    uint64_t before = stats.bytes_out;
    host.now_ns += 20 * PAIR_S;
    /* Little enough that the socket takes a part of a buffer; the PING makes the server try. */
    uint64_t more = 0;
    for (int i = 0; i < 1000 && more % 65536 == 0; i++) {
        CHECK(take_some(fd, 10000) > 0);
        CHECK_INT(send(fd, ping, sizeof(ping) - 1, MSG_NOSIGNAL), sizeof(ping) - 1);
        host_settle(&host);
        arc__net_server_stats(host.server, &stats);
        more = stats.bytes_out - before;
    }
    host.now_ns += 20 * PAIR_S; /* it has taken some since */
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 1);
    host.now_ns += 11 * PAIR_S;
    host_settle(&host);
    arc__net_server_stats(host.server, &stats);
    CHECK_INT(stats.connections, 0);
    close(fd);
    host_close(&host);
    pair_close(&pair);
}

static void addresses(void)
{
    char host[ARC_ADDR_HOST_SIZE];
    uint16_t port = 0;
    static const char *const bad[] = {"",       "host",    "host:", "host:70000",
                                      "::1:80", "host:-1", "h:80x", "[::1]80"};
    CHECK_OK(arc__addr_parse("127.0.0.1:9090", host, &port, NULL));
    CHECK_TEXT(arc__slice_cstr(host), "127.0.0.1");
    CHECK_INT(port, 9090);
    CHECK_OK(arc__addr_parse("[::1]:1", host, &port, NULL));
    CHECK_TEXT(arc__slice_cstr(host), "::1");
    CHECK_OK(arc__addr_parse("*:0", host, &port, NULL));
    CHECK_TEXT(arc__slice_cstr(host), "");
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++)
        CHECK_STATUS(arc__addr_parse(bad[i], host, &port, NULL), ARC_EINVAL);
    struct arc_addr_list list;
    char text[ARC_ADDR_TEXT_SIZE];
    CHECK_OK(arc__addr_resolve("[::1]:80", 0, &list, NULL));
    arc__addr_print(&list.items[0], text);
    CHECK_TEXT(arc__slice_cstr(text), "[::1]:80");
    CHECK(arc__addr_is_loopback(&list.items[0]));
    CHECK_OK(arc__addr_resolve("[::ffff:10.0.0.1]:80", 0, &list, NULL));
    arc__addr_print(&list.items[0], text);
    CHECK_TEXT(arc__slice_cstr(text), "10.0.0.1:80");
    CHECK(!arc__addr_is_loopback(&list.items[0]));
    CHECK_STATUS(arc__addr_resolve("nobody.invalid:80", 0, &list, NULL), ARC_EUNAVAILABLE);
}

static void listens_where_it_is_told(void)
{
    struct host host;
    arc_err err = ARC_ERR_INIT;
    const char *const all[] = {":0", "localhost:0"};
    struct arc_net_server_options options = {.listen = all, .listen_count = 2};
    struct seen one = {0}, two = {0};
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, &options, NULL));
    CHECK_INT(arc__net_server_listeners(host.server), 2);
    CHECK(!arc__net_server_is_loopback(host.server));
    for (size_t i = 0; i < 2; i++) {
        snprintf(host.address, sizeof(host.address), "localhost:%u",
                 (unsigned)arc__net_server_port(host.server, i));
        CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
        CHECK_OK(host_unary(&host, host.channel, "/t/Echo", ARC_LIT("x"), i == 0 ? &one : &two));
        arc__net_channel_close(host.channel);
        host.channel = NULL;
    }
    check_done(&one, ARC_GRPC_OK);
    check_done(&two, ARC_GRPC_OK);

    snprintf(host.address, sizeof(host.address), "127.0.0.1:%u",
             (unsigned)arc__net_server_port(host.server, 0));
    const char *const taken[] = {host.address};
    struct arc_net_server *other = NULL;
    options.listen = taken;
    options.listen_count = 1;
    options.size = sizeof(options);
    options.env = &host.env;
    options.events = &service_events;
    CHECK_STATUS(arc__net_server_open(&options, &other, &err), ARC_EIO);
    CHECK(strstr(err.message, "Address already in use") != NULL);
    CHECK(other == NULL);
    host_close(&host);
}

/* --- memory ---------------------------------------------------------------------------------- */

static int life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct host host;
    struct seen seen = {0};
    int done = 0;
    if (host_open(&host, &mem) == ARC_OK && host_serve(&host, NULL, NULL) == ARC_OK &&
        host_connect(&host, NULL, &host.channel, NULL) == ARC_OK) {
        if (host_call(&host, host.channel, "/t/Echo", host.now_ns + 5 * PAIR_S, 0, &seen) ==
            ARC_OK) {
            if (arc_grpc_call_send(seen.call, ARC_LIT("hello"), NULL) == ARC_OK)
                arc_grpc_call_half_close(seen.call);
            host_until(&host, &seen.closes);
            CHECK_INT(seen.statuses, 1);
        }
        done = seen.messages == 1 && seen.code == ARC_GRPC_OK;
    }
    host_close(&host);
    return done;
}

static void fails_cleanly(void)
{
    test_torture(life, 0, 2000);
    test_torture(life, 1, 2000);
}

static const struct test tests[] = {
    {"the four kinds of call work over sockets", four_kinds},
    {"a call brings the connection and waits for it", a_call_connects_and_waits},
    {"without a server a call fails at once or waits if it asked to", nobody_listens},
    {"a channel comes back when its server does", comes_back_after_a_loss},
    {"a server that leaves keeps its calls, new ones go elsewhere",
     goaway_moves_to_a_new_connection},
    {"a drain cuts what is left at its deadline", a_drain_cuts_at_its_deadline},
    {"a silent server costs a deadline, not a life", deadline_while_waiting},
    {"connections are limited in all and by source", limits_of_connections},
    {"connections that were answered, or local, are not counted", who_was_answered_does_not_count},
    {"without descriptors a peer is turned away, not left waiting", no_descriptors},
    {"a socket that takes nothing is closed, within bounds", a_socket_that_takes_nothing},
    {"a socket that took a little and then nothing is closed", a_socket_that_takes_a_little},
    {"why a connection ended is read by who sends on", an_end_is_read_by_who_sends_on},
    {"addresses are read, refused and printed", addresses},
    {"a server listens where it is told and says what is taken", listens_where_it_is_told},
    {"every failed allocation over sockets ends cleanly", fails_cleanly},
};
TEST_MAIN(tests)
