/* SPDX-License-Identifier: Apache-2.0 */
/* The service of pair.h on a socket, for clients that others wrote. Prints its port, serves until
 * its standard input ends, then drains and prints its counters. serve ADDRESS [CERT KEY [CA]];
 * with CA, clients must show a certificate of it. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "net/grpc_server.h"
#include "net/loop.h"
#include "pair.h"

static uint64_t now_ns(void *user)
{
    struct timespec now;
    (void)user;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * PAIR_S + (uint64_t)now.tv_nsec;
}

static void log_line(void *user, int level, const char *scope, const char *text)
{
    (void)user;
    fprintf(stderr, "# %d %s: %s\n", level, scope, text);
}

static int wait_ms(uint64_t deadline_ns)
{
    uint64_t now = now_ns(NULL);
    if (deadline_ns == ARC_NET_NEVER)
        return -1;
    if (deadline_ns <= now)
        return 0;
    uint64_t ms = (deadline_ns - now + PAIR_MS - 1) / PAIR_MS;
    return ms > 1000 ? 1000 : (int)ms;
}

static void serve(struct arc_loop *loop, struct arc_net_server *server)
{
    struct pollfd fds[2] = {{.fd = arc__loop_fd(loop), .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
    int watched = 2;
    while (!arc__net_server_is_drained(server)) {
        char buf[64];
        if (poll(fds, (nfds_t)watched, wait_ms(arc__net_server_next_deadline(server))) < 0)
            return;
        if (watched == 2 && fds[1].revents != 0 && read(STDIN_FILENO, buf, sizeof(buf)) <= 0) {
            arc__net_server_drain(server, now_ns(NULL) + 3 * PAIR_S);
            watched = 1;
        }
        (void)arc__loop_dispatch(loop, 256, NULL, NULL);
        arc__net_server_tick(server);
    }
}

int main(int argc, char **argv)
{
    struct arc_net_env env = {.mem = arc__mem_default(), .now_ns = now_ns, .log = log_line};
    struct service service = {.mem = env.mem};
    struct arc_net_server *server = NULL;
    struct arc_tls_options tls = {.size = sizeof(tls)};
    arc_err err = ARC_ERR_INIT;
    if (argc != 2 && argc != 4 && argc != 5) {
        fprintf(stderr, "usage: serve ADDRESS [CERT KEY [CA]]\n");
        return 2;
    }
    const char *const listen[] = {argv[1]};
    if (argc >= 4) {
        tls.cert_file = argv[2];
        tls.key_file = argv[3];
        tls.ca_file = argv[4]; /* NULL at the end */
    }
    struct arc_net_server_options options = {
        .size = sizeof(options),
        .env = &env,
        .listen = listen,
        .listen_count = 1,
        .tls = argc >= 4 ? &tls : NULL,
        .events = &service_events,
        .user = &service,
    };
    if (arc__loop_open(&env.mem, &env.loop, &err) != ARC_OK ||
        arc__net_server_open(&options, &server, &err) != ARC_OK) {
        fprintf(stderr, "%s: %s\n", err.subject, err.message);
        return 1;
    }
    printf("%u\n", (unsigned)arc__net_server_port(server, 0));
    fflush(stdout);
    serve(env.loop, server);
    struct arc_grpc_server_stats stats;
    arc__net_server_stats(server, &stats);
    printf("connections %" PRIu64 " calls %" PRIu64 " in %" PRIu64 " out %" PRIu64
           " resets %" PRIu64 " faults %" PRIu64 " refused %" PRIu64 "\n",
           stats.accepted, stats.wire.calls, stats.wire.messages_in, stats.wire.messages_out,
           stats.wire.resets_by_peer, stats.wire.faults_by_peer, stats.failed_handshake);
    arc__net_server_close(server);
    arc__loop_close(env.loop);
    return 0;
}
