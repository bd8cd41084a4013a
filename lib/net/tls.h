/* SPDX-License-Identifier: Apache-2.0 */
/* TLS by OpenSSL: contexts from files, and one session over a non-blocking socket. The only file
 * that knows OpenSSL is tls.c. What is always so: TLS 1.2 at least, ALPN h2 or no connection, no
 * renegotiation, no compression, and a client that checks the chain and the name of the server. No
 * signal: writes go through send(MSG_NOSIGNAL), because OpenSSL's own sockets raise SIGPIPE.
 * OpenSSL's memory is the process's, not arc_env's: its hooks are global and belong to the host. */
#ifndef ARC_NET_TLS_H
#define ARC_NET_TLS_H

#include <arcentra/grpc.h>

#include "net/env.h"

struct arc_tls_ctx; /* certificates and rules; many sessions share one */
struct arc_tls;     /* one session */

/* Reads the files. ARC_EINVAL names the file and the reason; ARC_ENOMEM. */
arc_status arc__tls_ctx_open(const struct arc_mem *mem, const struct arc_tls_options *options,
                             int server, struct arc_tls_ctx **out, arc_err *err);
void arc__tls_ctx_close(struct arc_tls_ctx *ctx); /* NULL is fine; after its sessions */

/* name: client, the host to check (a name or a literal address). fd stays the caller's. */
arc_status arc__tls_open(struct arc_tls_ctx *ctx, int fd, const char *name, struct arc_tls **out,
                         arc_err *err);
void arc__tls_close(struct arc_tls *tls); /* says goodbye if it can; NULL is fine */

/* Each of the three: ARC_EAGAIN until arc__tls_wants() of the socket is there; ARC_EDONE when the
 * peer has ended; ARC_EPROTOCOL or ARC_EIO for a failure, with OpenSSL's reason. */
arc_status arc__tls_handshake(struct arc_tls *tls, arc_err *err);
arc_status arc__tls_read(struct arc_tls *tls, char *buf, size_t size, size_t *got, arc_err *err);
arc_status arc__tls_write(struct arc_tls *tls, const char *buf, size_t size, size_t *put,
                          arc_err *err);
/* What the last ARC_EAGAIN waits for: ARC_LOOP_READ or ARC_LOOP_WRITE. */
uint32_t arc__tls_wants(const struct arc_tls *tls);
/* Bytes that are decrypted already: the socket will not become readable for them. */
size_t arc__tls_pending(const struct arc_tls *tls);

#endif
