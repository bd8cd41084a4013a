/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The gRPC server: sockets, TLS and HTTP/2 in front of a control plane. It is driven by
 * arc_ctl_dispatch; its sockets are nested in arc_ctl_fd.
 */
#ifndef ARCENTRA_SERVER_H
#define ARCENTRA_SERVER_H

#include <arcentra/ctl.h>

ARC_BEGIN_DECLS

typedef struct arc_server arc_server;

/** Zero in a field: the default. Since: 0.1. */
typedef struct arc_server_options {
    size_t size;
    const char *listen; /* "host:port"; ":9090" is all addresses; port 0: any free one */
    const char *tls_cert_file, *tls_key_file; /* PEM; both or none (plaintext) */
    const char *tls_client_ca_file;           /* PEM: clients must show a certificate of these */
    uint32_t connections_max;                 /* 10000 */
} arc_server_options;
#define ARC_SERVER_OPTIONS_INIT \
    { \
        sizeof(arc_server_options), NULL, NULL, NULL, NULL, 0 \
    }

/**
 * Listens. Owner: the caller, who closes it before ctl. Thread: owner.
 * Errors: ARC_EINVAL (address, certificate), ARC_EIO (bind; the message says why), ARC_ENOMEM,
 * ARC_EUNIMPLEMENTED (built without gRPC). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_server_open(arc_ctl *ctl, const arc_server_options *options,
                                                arc_server **out, arc_err *err);
/** The port that it has. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int arc_server_get_port(arc_server *server);
/**
 * Takes no more connections, tells its peers to go (GOAWAY) and lets calls end for deadline_ms.
 * arc_server_get_drained is 1 then or earlier. Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API void arc_server_drain(arc_server *server, uint32_t deadline_ms);
/** 1: nothing is open any more. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int arc_server_get_drained(arc_server *server);
/** Closes at once. NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_server_close(arc_server *server);

ARC_END_DECLS

#endif
