/* SPDX-License-Identifier: Apache-2.0 */
/* One TCP connection, plain or under TLS, as a non-blocking stream of bytes. It watches nothing by
 * itself: every function that answers ARC_EAGAIN says by `wants` what to wait for.
 * Thread: owner. */
#ifndef ARC_NET_CONN_H
#define ARC_NET_CONN_H

#include "net/addr.h"
#include "net/env.h"
#include "net/tls.h"

struct arc_conn {
    int fd; /* -1: none */
    struct arc_tls *tls;
    struct arc_addr peer;
    char peer_text[ARC_ADDR_TEXT_SIZE];
    uint32_t wants; /* ARC_LOOP_READ or ARC_LOOP_WRITE after ARC_EAGAIN */
    int connecting;
};

/* Takes an accepted descriptor; on failure it is closed. ctx NULL: plain. */
arc_status arc__conn_accept(struct arc_conn *conn, int fd, const struct arc_addr *peer,
                            struct arc_tls_ctx *ctx, arc_err *err);
/* Begins to connect. name: what the certificate must say. ARC_EUNAVAILABLE, ARC_EIO, ARC_ENOMEM. */
arc_status arc__conn_connect(struct arc_conn *conn, const struct arc_addr *addr,
                             struct arc_tls_ctx *ctx, const char *name, arc_err *err);
void arc__conn_close(struct arc_conn *conn); /* a closed one is fine */
/* No more will be written; the peer reads what there is and then the end. */
void arc__conn_shut(struct arc_conn *conn);
/* After that: throws away what comes, through buf. ARC_EAGAIN: there may be more. ARC_EDONE. */
arc_status arc__conn_discard(struct arc_conn *conn, char *buf, size_t size, size_t *got);

/* TCP and TLS are through: ARC_OK. ARC_EAGAIN: again when `wants` is there. */
arc_status arc__conn_establish(struct arc_conn *conn, arc_err *err);
/* Then: tells wire who the peer is by its certificate, if it showed one. As arc__tls_identify. */
arc_status arc__conn_identify(const struct arc_conn *conn, struct arc_grpc_conn *wire,
                              arc_err *err);
/* ARC_OK with *got > 0; ARC_EAGAIN; ARC_EDONE: the peer has ended; ARC_EIO, ARC_EPROTOCOL. */
arc_status arc__conn_read(struct arc_conn *conn, char *buf, size_t size, size_t *got, arc_err *err);
arc_status arc__conn_write(struct arc_conn *conn, const char *buf, size_t size, size_t *put,
                           arc_err *err);
/* 1: a read would give bytes although the socket is not readable. */
int arc__conn_pending(const struct arc_conn *conn);

#endif
