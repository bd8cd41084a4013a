/* SPDX-License-Identifier: Apache-2.0 */
#include "net/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "net/loop.h"

arc_status arc__conn_accept(struct arc_conn *conn, int fd, const struct arc_addr *peer,
                            struct arc_tls_ctx *ctx, arc_err *err)
{
    *conn = (struct arc_conn){.fd = fd, .peer = *peer, .wants = ARC_LOOP_READ};
    arc__addr_print(peer, conn->peer_text);
    if (ctx == NULL)
        return ARC_OK;
    arc_status status = arc__tls_open(ctx, fd, NULL, &conn->tls, err);
    if (status != ARC_OK)
        arc__conn_close(conn);
    return status;
}

arc_status arc__conn_connect(struct arc_conn *conn, const struct arc_addr *addr,
                             struct arc_tls_ctx *ctx, const char *name, arc_err *err)
{
    int on = 1;
    *conn = (struct arc_conn){.fd = -1, .peer = *addr, .wants = ARC_LOOP_WRITE, .connecting = 1};
    arc__addr_print(addr, conn->peer_text);
    conn->fd = socket(addr->sa.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0)
        return arc__fail(err, errno == EAFNOSUPPORT ? ARC_EUNAVAILABLE : ARC_EIO, conn->peer_text,
                         "No socket: %s.", strerror(errno));
    (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(conn->fd, &addr->sa.any, addr->len) != 0 && errno != EINPROGRESS &&
        errno != EINTR) {
        arc_status status =
            arc__fail(err, ARC_EUNAVAILABLE, conn->peer_text, "%s.", strerror(errno));
        arc__conn_close(conn);
        return status;
    }
    if (ctx == NULL)
        return ARC_OK;
    arc_status status = arc__tls_open(ctx, conn->fd, name, &conn->tls, err);
    if (status != ARC_OK)
        arc__conn_close(conn);
    return status;
}

void arc__conn_close(struct arc_conn *conn)
{
    arc__tls_close(conn->tls);
    conn->tls = NULL;
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
}

void arc__conn_shut(struct arc_conn *conn)
{
    arc__tls_close(conn->tls); /* says goodbye */
    conn->tls = NULL;
    (void)shutdown(conn->fd, SHUT_WR);
}

arc_status arc__conn_discard(struct arc_conn *conn, char *buf, size_t size, size_t *got)
{
    ssize_t result = recv(conn->fd, buf, size, 0);
    *got = result > 0 ? (size_t)result : 0;
    return result > 0 || (result < 0 && (errno == EAGAIN || errno == EINTR)) ? ARC_EAGAIN
                                                                             : ARC_EDONE;
}

arc_status arc__conn_establish(struct arc_conn *conn, arc_err *err)
{
    if (conn->connecting) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof(peer);
        int failed = 0;
        socklen_t failed_len = sizeof(failed);
        if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &failed, &failed_len) != 0)
            failed = errno;
        if (failed != 0)
            return arc__fail(err, ARC_EUNAVAILABLE, conn->peer_text, "%s.", strerror(failed));
        if (getpeername(conn->fd, (struct sockaddr *)&peer, &len) != 0) {
            conn->wants = ARC_LOOP_WRITE;
            return ARC_EAGAIN;
        }
        conn->connecting = 0;
    }
    if (conn->tls == NULL)
        return ARC_OK;
    arc_status status = arc__tls_handshake(conn->tls, err);
    conn->wants = arc__tls_wants(conn->tls);
    return status;
}

arc_status arc__conn_read(struct arc_conn *conn, char *buf, size_t size, size_t *got, arc_err *err)
{
    if (conn->tls != NULL) {
        arc_status status = arc__tls_read(conn->tls, buf, size, got, err);
        conn->wants = arc__tls_wants(conn->tls);
        return status;
    }
    ssize_t result;
    do {
        result = recv(conn->fd, buf, size, 0);
    } while (result < 0 && errno == EINTR);
    if (result > 0) {
        *got = (size_t)result;
        return ARC_OK;
    }
    if (result == 0)
        return arc__fail(err, ARC_EDONE, conn->peer_text, "The peer has closed the connection.");
    if (errno == EAGAIN) {
        conn->wants = ARC_LOOP_READ;
        return ARC_EAGAIN;
    }
    return arc__fail(err, ARC_EIO, conn->peer_text, "%s.", strerror(errno));
}

arc_status arc__conn_write(struct arc_conn *conn, const char *buf, size_t size, size_t *put,
                           arc_err *err)
{
    if (conn->tls != NULL) {
        arc_status status = arc__tls_write(conn->tls, buf, size, put, err);
        conn->wants = arc__tls_wants(conn->tls);
        return status;
    }
    ssize_t result;
    do {
        result = send(conn->fd, buf, size, MSG_NOSIGNAL);
    } while (result < 0 && errno == EINTR);
    if (result >= 0) {
        *put = (size_t)result;
        return ARC_OK;
    }
    if (errno == EAGAIN) {
        conn->wants = ARC_LOOP_WRITE;
        return ARC_EAGAIN;
    }
    return arc__fail(err, errno == EPIPE || errno == ECONNRESET ? ARC_EDONE : ARC_EIO,
                     conn->peer_text, "%s.", strerror(errno));
}

arc_status arc__conn_identify(const struct arc_conn *conn, struct arc_grpc_conn *wire, arc_err *err)
{
    return conn->tls != NULL ? arc__tls_identify(conn->tls, wire, err) : ARC_OK;
}

int arc__conn_pending(const struct arc_conn *conn)
{
    return conn->tls != NULL && arc__tls_pending(conn->tls) > 0;
}
