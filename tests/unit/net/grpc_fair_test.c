/* SPDX-License-Identifier: Apache-2.0 */
/* One peer floods a server over its sockets, and comes back whenever it is thrown out; another one
 * makes calls. What the flood may cost the other is counted in turns of the server's loop, and what
 * it may make the server do in one turn in calls: times are the benchmark's matter. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames.h"
#include "host.h"
#include "net/addr.h"

#define CALLS 40
/* Turns of the loop that a call needs when nobody else is there: connect, request, answer, and a
 * poll that finds nothing between them. */
#define TURNS_MAX 12

struct flood {
    const struct host *host;
    void (*one)(struct arc_buf *out, uint32_t stream);
    struct arc_mem mem;
    struct arc_buf out;
    size_t sent_bytes; /* of out */
    uint32_t next;
    int fd, connections, frames;
};

static void hang_up(struct flood *flood)
{
    if (flood->fd >= 0)
        close(flood->fd);
    flood->fd = -1;
    arc__buf_clear(&flood->out);
    flood->sent_bytes = 0;
    flood->next = 1;
}

static void call_again(struct flood *flood)
{
    struct arc_addr_list list;
    CHECK_OK(arc__addr_resolve(flood->host->address, 0, &list, NULL));
    flood->fd = socket(list.items[0].sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(flood->fd, &list.items[0].sa.any, list.items[0].len) == 0);
    CHECK(fcntl(flood->fd, F_SETFL, O_NONBLOCK) == 0);
    flood->connections++;
    preface(&flood->out);
}

/* As much as the socket takes, and at most a piece that fills several reads of the server. */
static void pour(struct flood *flood)
{
    static char answers[65536];
    ssize_t got;
    if (flood->fd < 0)
        call_again(flood);
    while (flood->out.len < 300000) {
        flood->one(&flood->out, flood->next);
        flood->next += 2;
        flood->frames++;
    }
    ssize_t done = send(flood->fd, flood->out.ptr, flood->out.len, MSG_NOSIGNAL);
    if (done > 0)
        arc__buf_consume(&flood->out, (size_t)done);
    while ((got = recv(flood->fd, answers, sizeof(answers), 0)) > 0)
        ;
    if (got == 0 || (got < 0 && errno != EAGAIN) || (done < 0 && errno != EAGAIN))
        hang_up(flood);
}

/* Turns until a call of the good client has ended. */
static int turns_of_a_call(struct host *host, struct flood *flood, int *most_calls)
{
    struct seen seen = {0};
    int turns = 0;
    CHECK_OK(host_call(host, host->channel, "/t/Echo", 0, 1, &seen));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("hello"), NULL));
    arc_grpc_call_half_close(seen.call);
    while (seen.closes == 0 && turns < 1000) {
        int before = host->service.calls;
        if (flood != NULL)
            pour(flood);
        host_turn(host, 20);
        turns++;
        if (most_calls != NULL && host->service.calls - before > *most_calls)
            *most_calls = host->service.calls - before;
    }
    CHECK_INT(seen.code, ARC_GRPC_OK);
    CHECK_TEXT(arc__slice_cstr(seen.first), "hello");
    return turns;
}

static void check_fairness(const char *name, void (*one)(struct arc_buf *out, uint32_t stream))
{
    struct host host;
    struct flood flood = {.host = &host, .one = one, .mem = arc__mem_default(), .fd = -1};
    int most_turns = 0, most_calls = 0;
    flood.next = 1;
    arc__buf_init(&flood.out, &flood.mem, 4 << 20);
    CHECK_OK(host_open(&host, NULL));
    CHECK_OK(host_serve(&host, NULL, NULL));
    CHECK_OK(host_connect(&host, NULL, &host.channel, NULL));
    (void)turns_of_a_call(&host, NULL, NULL); /* the connection is there */
    for (int i = 0; i < CALLS; i++) {
        int turns = turns_of_a_call(&host, &flood, &most_calls);
        most_turns = turns > most_turns ? turns : most_turns;
    }
    if (most_turns > TURNS_MAX || most_calls > 202)
        printf("# %s: %d turns, %d calls, %d connections, %d frames\n", name, most_turns,
               most_calls, flood.connections, flood.frames);
    CHECK(most_turns <= TURNS_MAX);
    /* The slots of the connection, its burst of resets, and the call of the good one. */
    CHECK(most_calls <= 100 + 101 + 1);
    CHECK(flood.connections > 0 && flood.frames >= CALLS);
    hang_up(&flood);
    host_close(&host);
    CHECK_INT(host.service.calls, host.service.closed);
    arc__buf_deinit(&flood.out);
}

/* --- the floods --------------------------------------------------------------------------------
 */

static void rapid_reset(struct arc_buf *out, uint32_t stream)
{
    request(out, stream, 0, "/t/Hang", NULL, NULL);
    frame_u32(out, RST_STREAM, stream, 8);
}

static void made_to_reset(struct arc_buf *out, uint32_t stream)
{
    request(out, stream, 0, "/t/Hang", NULL, NULL);
    frame_u32(out, WINDOW_UPDATE, stream, 0x7fffffff);
}

static void too_many_calls(struct arc_buf *out, uint32_t stream)
{
    request(out, stream, END_STREAM, "/t/Echo", NULL, NULL);
}

static void bomb(struct arc_buf *out, uint32_t stream)
{
    static char big[3000];
    struct arc_mem mem = arc__mem_default();
    struct arc_buf fields;
    arc__buf_init(&fields, &mem, 65536);
    request_fields(&fields, "/t/Hang");
    arc__buf_add(&fields, "\x40\x01x\x7f\xb9\x16", 6);
    arc__buf_add(&fields, big, sizeof(big));
    for (int i = 0; i < 12000; i++)
        arc__buf_add_char(&fields, (char)0xbe);
    frame(out, HEADERS, END_HEADERS, stream, arc__buf_slice(&fields));
    arc__buf_deinit(&fields);
}

static void pings(struct arc_buf *out, uint32_t stream)
{
    (void)stream;
    frame(out, PING, 0, 0, ARC_LIT("12345678"));
}

static void priorities(struct arc_buf *out, uint32_t stream)
{
    frame(out, PRIORITY, 0, stream, ARC_LIT("\x00\x00\x00\x00\x0f"));
}

/* No rule is broken: one call that sends as fast as the windows let it. */
static void data(struct arc_buf *out, uint32_t stream)
{
    static const char message[5 + 8187] = {0, 0, 0, 0x1f, (char)0xfb};
    if (stream == 1)
        request(out, 1, 0, "/t/Hang", NULL, NULL);
    frame(out, DATA, 0, 1, arc__slice(message, sizeof(message)));
}

static void resets_hold_up_nobody(void)
{
    check_fairness("rapid reset", rapid_reset);
    check_fairness("made to reset", made_to_reset);
}

static void calls_hold_up_nobody(void)
{
    check_fairness("too many calls", too_many_calls);
    check_fairness("header bombs", bomb);
}

static void frames_hold_up_nobody(void)
{
    check_fairness("pings", pings);
    check_fairness("priorities", priorities);
    check_fairness("data", data);
}

static const struct test tests[] = {
    {"a flood of resets holds up no other connection", resets_hold_up_nobody},
    {"a flood of calls or headers holds up no other connection", calls_hold_up_nobody},
    {"a flood of frames or data holds up no other connection", frames_hold_up_nobody},
};
TEST_MAIN(tests)
