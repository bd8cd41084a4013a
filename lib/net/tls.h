/* SPDX-License-Identifier: Apache-2.0 */
/* TLS by OpenSSL: contexts from files, and one session over a non-blocking socket. The only file
 * that knows OpenSSL is tls.c. What is always so: TLS 1.2 at least, of 1.2 only ECDHE with AEAD
 * (RFC 9113 9.2.2), ALPN h2 or no connection, no renegotiation, no compression, no resumption, and
 * a client that checks the chain and the name of the server. No signal: writes go through
 * send(MSG_NOSIGNAL), because OpenSSL's own sockets raise SIGPIPE.
 * Sessions are not resumed, and no ticket is sent: connections here are made once and stay, and a
 * resumed one would not look at the certificate again, nor at the rules that were reloaded since.
 * OpenSSL's memory is the process's, not arc_env's: its hooks are global and belong to the host. */
#ifndef ARC_NET_TLS_H
#define ARC_NET_TLS_H

#include <arcentra/grpc.h>

#include "net/env.h"

struct arc_tls_ctx; /* certificates and rules; many sessions share one and keep it alive */
struct arc_tls;     /* one session */

/* Reads the files. ARC_EINVAL names the file and the reason; ARC_ENOMEM. */
arc_status arc__tls_ctx_open(const struct arc_mem *mem, const struct arc_tls_options *options,
                             int server, struct arc_tls_ctx **out, arc_err *err);
void arc__tls_ctx_close(struct arc_tls_ctx *ctx); /* NULL is fine; its sessions go on */
/* Reads the same files again into another context, which takes the place of *ctx for sessions from
 * now on. On failure *ctx stays. As arc__tls_ctx_open; ARC_ECONFLICT where *ctx is NULL. */
arc_status arc__tls_ctx_reload(struct arc_tls_ctx **ctx, arc_err *err);

/* name: client, the host to check (a name or a literal address). fd stays the caller's. */
arc_status arc__tls_open(struct arc_tls_ctx *ctx, int fd, const char *name, struct arc_tls **out,
                         arc_err *err);
void arc__tls_close(struct arc_tls *tls); /* says goodbye if it can; NULL is fine */

/* Handshake, read and write: ARC_EAGAIN until arc__tls_wants() of the socket is there; ARC_EDONE
 * when the peer has ended; ARC_EPROTOCOL or ARC_EIO for a failure, with OpenSSL's reason. */
arc_status arc__tls_handshake(struct arc_tls *tls, arc_err *err);
/* After the handshake: tells conn who the peer is, if it showed a certificate. ARC_EINVAL or
 * ARC_ELIMIT for one whose names nobody should go by, ARC_ENOMEM. */
arc_status arc__tls_identify(const struct arc_tls *tls, struct arc_grpc_conn *conn, arc_err *err);
arc_status arc__tls_read(struct arc_tls *tls, char *buf, size_t size, size_t *got, arc_err *err);
arc_status arc__tls_write(struct arc_tls *tls, const char *buf, size_t size, size_t *put,
                          arc_err *err);
/* What the last ARC_EAGAIN waits for: ARC_LOOP_READ or ARC_LOOP_WRITE. */
uint32_t arc__tls_wants(const struct arc_tls *tls);
/* Bytes that are decrypted already: the socket will not become readable for them. */
size_t arc__tls_pending(const struct arc_tls *tls);

#endif
