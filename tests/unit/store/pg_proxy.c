/* SPDX-License-Identifier: Apache-2.0 */
#include "pg_proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim.h"

static int address(struct sockaddr_un *out, const char *dir)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    int wrote = snprintf(out->sun_path, sizeof(out->sun_path), "%s/.s.PGSQL.5432", dir);
    return wrote > 0 && (size_t)wrote < sizeof(out->sun_path);
}

int pg_proxy_open(struct pg_proxy *proxy, const struct pg_server *behind)
{
    struct sockaddr_un at;
    *proxy = (struct pg_proxy){.behind = behind, .to_server = -1, .to_client = -1};
    (void)snprintf(proxy->dir, sizeof(proxy->dir), "/tmp/arc-proxy-XXXXXX");
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int went = mkdtemp(proxy->dir) != NULL && address(&at, proxy->dir) &&
               bind(proxy->listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
               listen(proxy->listener, 16) == 0;
    return CHECK_INT(went, 1);
}

static void shut(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void pg_proxy_close(struct pg_proxy *proxy)
{
    struct sockaddr_un at;
    for (size_t i = 0; i < proxy->line_count; i++) {
        shut(&proxy->lines[i].client);
        shut(&proxy->lines[i].server);
    }
    shut(&proxy->listener);
    if (address(&at, proxy->dir))
        (void)unlink(at.sun_path);
    (void)CHECK_INT(rmdir(proxy->dir), 0);
}

static void take_client(struct pg_proxy *proxy)
{
    struct sockaddr_un at;
    int client = accept4(proxy->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0)
        return;
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!CHECK_INT(proxy->line_count < PG_PROXY_LINES && address(&at, proxy->behind->dir), 1) ||
        connect(server, (struct sockaddr *)&at, sizeof(at)) != 0) {
        shut(&client);
        shut(&server);
        return;
    }
    proxy->lines[proxy->line_count++] = (struct pg_line){client, server};
}

/* Moves bytes one way; *left: how many may pass, -1: all. 0: one side has ended. */
static int move(struct pg_proxy *proxy, int from, int to, int64_t *left)
{
    char bytes[8192];
    size_t room = sizeof(bytes);
    if (*left >= 0 && (uint64_t)*left < room)
        room = (size_t)*left;
    if (room == 0)
        return 1;
    /* Only what the other side takes is taken away here. */
    ssize_t seen = recv(from, bytes, room, MSG_PEEK);
    if (seen < 0)
        return errno == EAGAIN;
    if (seen == 0)
        return 0;
    ssize_t sent = send(to, bytes, (size_t)seen, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    (void)recv(from, bytes, (size_t)sent, 0);
    proxy->moved += (uint64_t)sent;
    if (*left >= 0)
        *left -= sent;
    return 1;
}

void pg_proxy_turn(struct pg_proxy *proxy)
{
    int64_t all = -1;
    take_client(proxy);
    for (size_t i = 0; i < proxy->line_count; i++) {
        struct pg_line *line = &proxy->lines[i];
        int held = i < proxy->held_lines;
        if (line->client < 0 || line->server < 0)
            continue;
        if (!move(proxy, line->client, line->server, held ? &proxy->to_server : &all) ||
            !move(proxy, line->server, line->client, held ? &proxy->to_client : &all)) {
            shut(&line->client);
            shut(&line->server);
        }
    }
}

void pg_proxy_hold(struct pg_proxy *proxy, int64_t to_server, int64_t to_client)
{
    proxy->held_lines = proxy->line_count;
    proxy->to_server = to_server;
    proxy->to_client = to_client;
}

void pg_proxy_release(struct pg_proxy *proxy)
{
    proxy->held_lines = 0;
    proxy->to_server = proxy->to_client = -1;
}

void pg_proxy_cut(struct pg_proxy *proxy, int both)
{
    for (size_t i = 0; i < proxy->line_count; i++) {
        shut(&proxy->lines[i].client);
        if (both)
            shut(&proxy->lines[i].server);
    }
}

/* What is unread when a socket is closed makes it a reset. */
static void drain(int fd)
{
    char bytes[8192];
    while (fd >= 0 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        continue;
}

void pg_proxy_end(struct pg_proxy *proxy)
{
    for (size_t i = 0; i < proxy->line_count; i++) {
        drain(proxy->lines[i].client);
        drain(proxy->lines[i].server);
    }
    pg_proxy_cut(proxy, 1);
}

void pg_proxy_forget(struct pg_proxy *proxy)
{
    size_t kept = 0;
    for (size_t i = 0; i < proxy->line_count; i++) {
        if (proxy->lines[i].client >= 0 || proxy->lines[i].server >= 0)
            proxy->lines[kept++] = proxy->lines[i];
    }
    proxy->line_count = kept;
}

void pg_proxy_drop_held(struct pg_proxy *proxy)
{
    for (size_t i = 0; i < proxy->held_lines; i++) {
        shut(&proxy->lines[i].client);
        shut(&proxy->lines[i].server);
    }
}
