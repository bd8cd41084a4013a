/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP sockets that accept. They are ours and not the event library's, so that they are
 * dual-stack where the machine is, IPv4 alone where it is not, and know their port at once. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "server/server.h"

#define BACKLOG 256
#define ACCEPTS_MAX 64 /* in one turn of the loop */

/* "host:port", "[::1]:port" or ":port" cut in two. host: to free. 0, or -1. */
static int split(const char *address, char **host, const char **port)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strlen(colon + 1) > 5 || strtol(colon + 1, NULL, 10) > 65535)
        return -1;
    size_t len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    } else if (memchr(address, ':', len) != NULL) {
        return -1; /* an IPv6 address without brackets could mean two things */
    }
    *host = mem_copy_bytes(address, len);
    *port = colon + 1;
    return 0;
}

int listen_is_local(const char *address)
{
    char *host = NULL;
    const char *port = NULL;
    if (split(address, &host, &port) != 0)
        return 0;
    int local =
        strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
    mem_free(host);
    return local;
}

static int port_of(int fd)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0)
        return 0;
    return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                            : ((struct sockaddr_in *)&name)->sin_port);
}

/* A listening socket, or -1 with errno. */
static int open_socket(const struct addrinfo *at)
{
    int on = 1, off = 0;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (at->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

/* The first address that can be had: with no host that is IPv6 for both, then IPv4. */
static int open_any(const char *host, const char *port, const char **why)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int fd = -1, last = 0;
    int status = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &list);
    if (status != 0) {
        *why = gai_strerror(status);
        return -1;
    }
    for (int family = 0; family < 2 && fd < 0; family++) {
        for (const struct addrinfo *at = list; at != NULL && fd < 0; at = at->ai_next) {
            /* IPv6 first when it stands for both; else in the order of the resolver. */
            int want = host[0] == '\0' ? (family == 0 ? AF_INET6 : AF_INET) : at->ai_family;
            if (at->ai_family != want || (host[0] != '\0' && family == 1))
                continue;
            fd = open_socket(at);
            if (fd < 0 && errno == EADDRINUSE && host[0] == '\0') {
                /* IPv4 alone would hide that somebody has the port. */
                *why = strerror(EADDRINUSE);
                freeaddrinfo(list);
                return -1;
            }
            last = fd < 0 ? errno : 0;
        }
    }
    freeaddrinfo(list);
    if (fd < 0)
        *why = strerror(last);
    return fd;
}

int listen_open(struct server *server)
{
    const char *address = server->config->http_listen;
    const char *port = NULL, *why = "";
    char *host = NULL;
    if (split(address, &host, &port) != 0) {
        log_write(&server->log, ARC_LOG_ERROR,
                  "%s: http_listen is host:port with a port up to 65535, not \"%s\".",
                  server->config->source.http_listen, address);
        return -1;
    }
    int fd = open_any(host, port, &why);
    mem_free(host);
    if (fd < 0) {
        log_write(&server->log, ARC_LOG_ERROR, "Cannot listen on %s for HTTP: %s.", address, why);
        return -1;
    }
    server->http_port = port_of(fd);
    lws_sock_file_fd_type desc = {.filefd = fd};
    struct lws *wsi =
        lws_adopt_descriptor_vhost(server->inner, LWS_ADOPT_RAW_FILE_DESC, desc, "listen", NULL);
    if (wsi == NULL) {
        log_write(&server->log, ARC_LOG_ERROR, "Cannot watch the HTTP socket.");
        return -1;
    }
    server->listeners[server->listener_count++] = wsi;
    return 0;
}

void listen_close(struct server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        /* Refuses newcomers at once; the descriptor goes in the next turn. */
        (void)shutdown(lws_get_socket_fd(server->listeners[i]), SHUT_RD);
        lws_set_timeout(server->listeners[i], PENDING_TIMEOUT_CLOSE_ACK, LWS_TO_KILL_ASYNC);
    }
    server->listener_count = 0;
}

static void take(struct server *server, int fd)
{
    int on = 1;
    if (http_make_room(server) != 0) {
        log_write(&server->log, ARC_LOG_WARN, "http_connections are all in use; one was refused.");
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    lws_sock_file_fd_type desc = {.sockfd = fd};
    if (lws_adopt_descriptor_vhost(server->outer, LWS_ADOPT_SOCKET | LWS_ADOPT_ALLOW_SSL, desc,
                                   "http", NULL) == NULL)
        log_write(&server->log, ARC_LOG_DEBUG, "A connection ended before it began.");
}

int listen_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    (void)user;
    (void)in;
    (void)len;
    if (reason != LWS_CALLBACK_RAW_RX_FILE)
        return 0;
    struct server *server = lws_context_user(lws_get_context(wsi));
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(lws_get_socket_fd(wsi), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(server, fd);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR)
            continue;
        if (errno != EAGAIN) {
            /* Out of descriptors or memory: the newcomer waits where it is, and the loop goes on.
             */
            log_write(&server->log, ARC_LOG_WARN, "A connection has to wait: %s.", strerror(errno));
            (void)lws_rx_flow_control(wsi, 0);
            server->listeners_rest = 1;
            loop_need_sweep(server);
        }
        break;
    }
    return 0;
}

void listen_again(struct server *server)
{
    for (size_t i = 0; server->listeners_rest && i < server->listener_count; i++)
        (void)lws_rx_flow_control(server->listeners[i], 1);
    server->listeners_rest = 0;
}
