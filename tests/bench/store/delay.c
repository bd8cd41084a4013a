/* SPDX-License-Identifier: Apache-2.0 */
/* A database that is further away: delay FOLDER SERVER MICROSECONDS listens on a socket in FOLDER
 * as PostgreSQL would, and hands on what comes to and from the one in SERVER, each byte so much
 * later as it came. Until its standard input ends. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINES_MAX 16 /* connections, two ways each */
#define PIECE_BYTES 65536
#define PIECES_MAX 256 /* of one way, on their way */

struct piece {
    char *bytes;
    size_t size, sent;
    uint64_t due_ns;
};

/* One way of a connection; a ring of what is on its way. */
struct way {
    int from, to; /* -1: there is none */
    struct piece pieces[PIECES_MAX];
    unsigned first, count;
};

static struct way ways[2 * LINES_MAX];

static uint64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static int socket_in(const char *folder, struct sockaddr_un *at)
{
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    int size = snprintf(at->sun_path, sizeof(at->sun_path), "%s/.s.PGSQL.5432", folder);
    if (size < 0 || (size_t)size >= sizeof(at->sun_path))
        return -1;
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* --- connections ----------------------------------------------------------------------------- */

static void drop_line(unsigned line)
{
    for (unsigned i = 2 * line; i < 2 * line + 2; i++) {
        for (; ways[i].count > 0; ways[i].count--) {
            free(ways[i].pieces[ways[i].first].bytes);
            ways[i].first = (ways[i].first + 1) % PIECES_MAX;
        }
    }
    close(ways[2 * line].from);
    close(ways[2 * line].to);
    ways[2 * line].from = ways[2 * line + 1].from = -1;
}

static void take_client(int listener, const char *server)
{
    struct sockaddr_un at;
    unsigned line = 0;
    int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0)
        return;
    while (line < LINES_MAX && ways[2 * line].from >= 0)
        line++;
    int to = socket_in(server, &at);
    if (line == LINES_MAX || to < 0 || connect(to, (struct sockaddr *)&at, sizeof(at)) != 0) {
        fprintf(stderr, "delay: no connection to the server\n");
        close(client);
        if (to >= 0)
            close(to);
        return;
    }
    ways[2 * line] = (struct way){.from = client, .to = to};
    ways[2 * line + 1] = (struct way){.from = to, .to = client};
}

/* --- bytes ----------------------------------------------------------------------------------- */

/* Takes what is there. 0: the side has ended. */
static int take(struct way *way, uint64_t delay_ns)
{
    while (way->count < PIECES_MAX) {
        char *bytes = malloc(PIECE_BYTES);
        ssize_t size = bytes != NULL ? recv(way->from, bytes, PIECE_BYTES, 0) : 0;
        if (size <= 0) {
            free(bytes);
            return size < 0 && (errno == EAGAIN || errno == EINTR);
        }
        way->pieces[(way->first + way->count++) % PIECES_MAX] =
            (struct piece){bytes, (size_t)size, 0, now_ns() + delay_ns};
    }
    return 1;
}

/* Hands on what is due. 0: nobody takes it any more. */
static int give(struct way *way, uint64_t now)
{
    while (way->count > 0 && way->pieces[way->first].due_ns <= now) {
        struct piece *piece = &way->pieces[way->first];
        ssize_t sent =
            send(way->to, piece->bytes + piece->sent, piece->size - piece->sent, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        piece->sent += (size_t)sent;
        if (piece->sent < piece->size)
            return 1;
        free(piece->bytes);
        way->first = (way->first + 1) % PIECES_MAX;
        way->count--;
    }
    return 1;
}

/* The earliest time at which a piece is due; 0: none waits for its time. */
static uint64_t earliest(uint64_t now)
{
    uint64_t at = 0;
    for (unsigned i = 0; i < 2 * LINES_MAX; i++) {
        const struct way *way = &ways[i];
        uint64_t due = way->from >= 0 && way->count > 0 ? way->pieces[way->first].due_ns : 0;
        if (due > now && (at == 0 || due < at))
            at = due;
    }
    return at;
}

/* Which descriptors are waited for; what is due and was not taken waits for room. */
static void wait_for_something(struct pollfd *fds, int listener)
{
    uint64_t now = now_ns(), at = earliest(now);
    struct timespec left = {(time_t)((at - now) / 1000000000u), (long)((at - now) % 1000000000u)};
    fds[0] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
    fds[1] = (struct pollfd){listener, POLLIN, 0};
    for (unsigned i = 0; i < 2 * LINES_MAX; i++) {
        const struct way *way = &ways[i], *back = &ways[i ^ 1];
        int stuck = back->count > 0 && back->pieces[back->first].due_ns <= now;
        short wanted = (short)((way->count < PIECES_MAX ? POLLIN : 0) | (stuck ? POLLOUT : 0));
        fds[2 + i] = (struct pollfd){way->from, wanted, 0};
    }
    ppoll(fds, 2 + 2 * LINES_MAX, at > 0 ? &left : NULL, NULL);
}

int main(int argc, char **argv)
{
    struct sockaddr_un at;
    struct pollfd fds[2 + 2 * LINES_MAX];
    int listener = argc == 4 ? socket_in(argv[1], &at) : -1;
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(listener, LINES_MAX) != 0) {
        fprintf(stderr, "delay FOLDER SERVER MICROSECONDS\n");
        return 2;
    }
    uint64_t delay_ns = strtoull(argv[3], NULL, 10) * 1000;
    for (unsigned i = 0; i < 2 * LINES_MAX; i++)
        ways[i].from = -1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        wait_for_something(fds, listener);
        if (fds[0].revents != 0)
            break;
        if (fds[1].revents != 0)
            take_client(listener, argv[2]);
        uint64_t now = now_ns();
        for (unsigned i = 0; i < 2 * LINES_MAX; i++) {
            int went = ways[i].from < 0 || (give(&ways[i], now) &&
                                            (fds[2 + i].revents == 0 || take(&ways[i], delay_ns)));
            if (!went)
                drop_line(i / 2);
        }
    }
    unlink(at.sun_path);
    return 0;
}
