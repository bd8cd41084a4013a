/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "net/loop.h"

#define BACKLOG 1024
/* Accepts in one wake-up; the others wait for the next, so that connections alive get their turn.
 */
#define ACCEPT_MAX 32

struct socket {
    struct arc_listener *listener;
    struct arc_watch watch;
    int fd;
    struct arc_addr addr;
};

struct arc_listener {
    struct arc_net_env env;
    arc_accept_fn *on_accept;
    void *user;
    struct socket sockets[ARC_ADDR_LIST_MAX];
    size_t count;
    int spare_fd; /* given up when descriptors run out; -1: none */
    uint64_t starved;
};

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* No descriptor is left. The peer must leave the backlog, or the socket stays readable for ever. */
static void turn_away(struct arc_listener *listener, int fd)
{
    listener->starved++;
    if (listener->spare_fd >= 0)
        close(listener->spare_fd);
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (peer >= 0)
        close(peer);
    listener->spare_fd = open_spare();
}

static void on_readable(void *user, uint32_t events)
{
    struct socket *socket = user;
    struct arc_listener *listener = socket->listener;
    (void)events;
    for (int i = 0; i < ACCEPT_MAX; i++) {
        struct arc_addr peer = {.len = sizeof(peer.sa)};
        int on = 1;
        int fd = accept4(socket->fd, &peer.sa.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
            turn_away(listener, socket->fd);
            return;
        }
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0)
            return; /* EAGAIN, or a fault of the network that the next wake-up meets again */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        listener->on_accept(listener->user, fd, &peer);
    }
}

/* errno of the failure, or 0. */
static int bind_one(struct socket *out, const struct arc_addr *addr, int every)
{
    int on = 1, off = 0, reason;
    int fd = socket(addr->sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (addr->sa.any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, every ? &off : &on, sizeof(on));
    if (bind(fd, &addr->sa.any, addr->len) != 0 || listen(fd, BACKLOG) != 0) {
        reason = errno;
        close(fd);
        return reason;
    }
    out->addr.len = sizeof(out->addr.sa);
    (void)getsockname(fd, &out->addr.sa.any, &out->addr.len);
    out->fd = fd;
    return 0;
}

static arc_status bind_all(struct arc_listener *listener, const char *address, arc_err *err)
{
    struct arc_addr_list list;
    int every, reason = EADDRNOTAVAIL;
    ARC_TRY(arc__addr_resolve(address, 1, &list, err));
    every = list.host[0] == '\0';
    for (size_t i = 0; i < list.count; i++) {
        struct socket *socket = &listener->sockets[listener->count];
        /* [::] with both families takes IPv4 along; 0.0.0.0 is for machines without IPv6. */
        if (every && listener->count > 0)
            break;
        /* All addresses of a name share the port that the first was given. */
        if (listener->count > 0)
            arc__addr_set_port(&list.items[i], arc__addr_port(&listener->sockets[0].addr));
        int failed = bind_one(socket, &list.items[i], every);
        if (failed != 0) {
            reason = failed;
            /* "localhost" names ::1 also on machines that have none. */
            if (failed == EADDRNOTAVAIL || failed == EAFNOSUPPORT)
                continue;
            break;
        }
        socket->listener = listener;
        listener->count++;
        reason = 0;
    }
    if (listener->count == 0 || (reason != 0 && reason != EADDRNOTAVAIL && reason != EAFNOSUPPORT))
        return arc__fail(err, ARC_EIO, "listener", "%s cannot be listened on: %s.", address,
                         strerror(reason));
    return ARC_OK;
}

arc_status arc__listener_open(const struct arc_net_env *env, const char *address,
                              arc_accept_fn *on_accept, void *user, struct arc_listener **out,
                              arc_err *err)
{
    struct arc_listener *listener = arc__alloc(&env->mem, sizeof(*listener));
    if (listener == NULL)
        return arc__fail_nomem(err);
    listener->env = *env;
    listener->on_accept = on_accept;
    listener->user = user;
    listener->spare_fd = open_spare();
    arc_status status = bind_all(listener, address, err);
    for (size_t i = 0; i < listener->count && status == ARC_OK; i++) {
        struct socket *socket = &listener->sockets[i];
        socket->watch.fn = on_readable;
        socket->watch.user = socket;
        status = arc__loop_add(env->loop, &socket->watch, socket->fd, ARC_LOOP_READ, err);
    }
    if (status != ARC_OK) {
        arc__listener_close(listener);
        return status;
    }
    *out = listener;
    return ARC_OK;
}

void arc__listener_close(struct arc_listener *listener)
{
    if (listener == NULL)
        return;
    for (size_t i = 0; i < listener->count; i++) {
        arc__loop_del(listener->env.loop, &listener->sockets[i].watch);
        close(listener->sockets[i].fd);
    }
    if (listener->spare_fd >= 0)
        close(listener->spare_fd);
    struct arc_mem mem = listener->env.mem;
    arc__free(&mem, listener);
}

uint16_t arc__listener_port(const struct arc_listener *listener)
{
    return arc__addr_port(&listener->sockets[0].addr);
}

int arc__listener_is_loopback(const struct arc_listener *listener)
{
    for (size_t i = 0; i < listener->count; i++) {
        if (!arc__addr_is_loopback(&listener->sockets[i].addr))
            return 0;
    }
    return 1;
}

void arc__listener_print(const struct arc_listener *listener, char out[ARC_ADDR_TEXT_SIZE])
{
    arc__addr_print(&listener->sockets[0].addr, out);
}

uint64_t arc__listener_starved(const struct arc_listener *listener)
{
    return listener->starved;
}
