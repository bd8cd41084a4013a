/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gRPC servers on sockets. First the general one, for any service: listeners, TLS, connections, and
 * the pumping of grpc.h; it needs nothing else of the library and is a guest of your loop:
 *     poll(arc_grpc_server_get_fd(), arc_grpc_server_get_timeout_ms()), arc_grpc_server_dispatch()
 * Then the one in front of a control plane, which arc_ctl_dispatch drives and whose sockets are
 * nested in arc_ctl_fd.
 */
#ifndef ARCENTRA_SERVER_H
#define ARCENTRA_SERVER_H

#include <arcentra/grpc.h>
#include <arcentra/service.h>

ARC_BEGIN_DECLS

/* --- for any service -------------------------------------------------------------------------- */

typedef struct arc_grpc_server arc_grpc_server;

/** Addresses that one server may listen on. */
#define ARC_GRPC_LISTEN_MAX 8

/** Zero in a field: the default. Since: 0.1. */
typedef struct arc_grpc_server_options {
    size_t size;
    const arc_env *env;        /* NULL: defaults; copied */
    const char *const *listen; /* "host:port", ":9090" is all addresses; port 0: any free one */
    size_t listen_count;
    const arc_tls_options *tls;    /* NULL: plaintext */
    const arc_grpc_limits *limits; /* of each connection; NULL: defaults */
    const arc_grpc_events *events; /* or those of a router (service.h); they outlive the server */
    void *user;                    /* of the events, until a call has its own */
    const arc_grpc_interceptor *const *interceptors; /* they and the list outlive the server */
    size_t interceptor_count;
    uint32_t encoding;        /* ARC_GRPC_GZIP: replies are compressed where the client takes it */
    uint32_t connections_max; /* 10000 */
    /* 64: connections of one address that were never answered but with a refusal. By default not
     * for loopback, where a proxy speaks for many. */
    uint32_t unproven_per_source_max;
    uint32_t handshake_ms; /* 10000: TCP and TLS */
    uint32_t stall_ms;     /* 30000: a socket that takes no byte */
} arc_grpc_server_options;
#define ARC_GRPC_SERVER_OPTIONS_INIT \
    { \
        sizeof(arc_grpc_server_options), NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, \
            0, 0 \
    }

/** What a server has done. Since: 0.1. */
typedef struct arc_grpc_server_stats {
    size_t size;
    uint64_t connections, calls; /* now */
    uint64_t accepted, refused_full, refused_source, refused_starved, failed_handshake;
    uint64_t bytes_in, bytes_out;
    arc_grpc_counters wire; /* of all connections there were */
} arc_grpc_server_stats;

/**
 * Listens. Names in `listen` are looked up, which blocks. Owner: the caller. Thread: owner.
 * Errors: ARC_EINVAL (address, certificate, limit), ARC_EIO (bind; the message says why),
 * ARC_EUNAVAILABLE (a name is not known now), ARC_ENOMEM, ARC_EUNIMPLEMENTED (built without gRPC).
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_server_open(const arc_grpc_server_options *options,
                                                     arc_grpc_server **out, arc_err *err);
/**
 * Cuts what is alive: its calls end with ARC_GRPC_WHY_LOST. NULL is fine. Not from an event.
 * Owner: takes. Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_server_close(arc_grpc_server *server);
/** Readable: dispatch. Owner: server. Thread: owner. Since: 0.1. */
ARC_API int arc_grpc_server_get_fd(const arc_grpc_server *server);
/** How long to wait for the fd, in the unit of poll. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int arc_grpc_server_get_timeout_ms(const arc_grpc_server *server);
/**
 * Reads, calls events, writes; never blocks. Also after calls were answered outside of an event.
 * Owner: none. Thread: owner. Errors: ARC_ECONFLICT (from an event), ARC_EIO. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_server_dispatch(arc_grpc_server *server, arc_err *err);
/**
 * poll and dispatch in one, for a thread that has nothing else to do: waits for at most max_ms (-1:
 * as long as it takes) until something is due, then dispatches. One system call less a turn than a
 * host with a loop of its own needs. A signal ends the waiting. Owner: none. Thread: owner.
 * Errors: as dispatch. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_server_wait(arc_grpc_server *server, int max_ms,
                                                     arc_err *err);
/**
 * Stops listening and tells every peer to go (GOAWAY); calls that are alive go on, and what is left
 * after deadline_ms is cut. Again: only a nearer deadline changes anything. Owner: none.
 * Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_server_drain(arc_grpc_server *server, uint32_t deadline_ms);
/** 1: no connection is left. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int arc_grpc_server_get_drained(const arc_grpc_server *server);
/** The port of listen[index]. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int arc_grpc_server_get_port(const arc_grpc_server *server, size_t index);
/** Fills what out->size has room for. Owner: the caller's. Thread: owner. Since: 0.1. */
ARC_API void arc_grpc_server_get_stats(const arc_grpc_server *server, arc_grpc_server_stats *out);
/**
 * Reads the certificate files again, for connections from now on; those that are open go on with
 * what they have. On failure the old ones stay. Owner: none. Thread: owner.
 * Errors: ARC_EINVAL (the file and the reason), ARC_ECONFLICT (no TLS), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_server_reload_tls(arc_grpc_server *server, arc_err *err);

/* --- of a control plane ------------------------------------------------------------------------
 */

struct arc_ctl;
typedef struct arc_server arc_server;

/** Zero in a field: the default. Since: 0.1. */
typedef struct arc_server_options {
    size_t size;
    const char *listen; /* "host:port"; ":9090" is all addresses; port 0: any free one */
    const char *tls_cert_file, *tls_key_file; /* PEM; both or none (plaintext) */
    const char *tls_client_ca_file;           /* PEM: clients must show a certificate of these */
    uint32_t connections_max;                 /* 10000 */
    /* The same as of arc_grpc_server_options. */
    uint32_t unproven_per_source_max; /* 64 */
    uint32_t handshake_ms;            /* 10000 */
    const arc_grpc_limits *limits;    /* of each connection; NULL: defaults; copied */
    const arc_grpc_interceptor *const *interceptors; /* they and the list outlive the server */
    size_t interceptor_count;
    int32_t reflection_off; /* 1: nobody may ask for the services and their messages */
} arc_server_options;
#define ARC_SERVER_OPTIONS_INIT \
    { \
        sizeof(arc_server_options), NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, 0, 0 \
    }

/**
 * Listens. Beside the control plane it serves health (grpc.health.v1: the server and each service
 * of the contract are SERVING, and NOT_SERVING once it drains) and reflection. Both ask for no
 * token: what they tell is in the published contract; reflection_off or an interceptor close them.
 * Owner: the caller, who closes it before ctl. Thread: owner.
 * Errors: ARC_EINVAL (address, certificate, limit), ARC_EIO (bind; the message says why),
 * ARC_ENOMEM, ARC_EUNIMPLEMENTED (built without gRPC). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_server_open(struct arc_ctl *ctl,
                                                const arc_server_options *options, arc_server **out,
                                                arc_err *err);
/**
 * Its router (service.h), for services of the host beside the control plane's: methods, health,
 * descriptor sets. To be filled before the next arc_ctl_dispatch. They are not subject to the
 * control plane's tokens; an interceptor may ask for some. The fallback is the control plane: leave
 * it. Owner: server. Thread: owner. Since: 0.1.
 */
ARC_API arc_grpc_router *arc_server_get_router(arc_server *server);
/** The port that it has. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int arc_server_get_port(arc_server *server);
/**
 * Takes no more connections, tells its peers to go (GOAWAY) and lets calls end for deadline_ms.
 * arc_server_get_drained is 1 then or earlier. Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API void arc_server_drain(arc_server *server, uint32_t deadline_ms);
/** 1: nothing is open any more. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int arc_server_get_drained(arc_server *server);
/**
 * Reads the certificate files again, for connections from now on; as arc_grpc_server_reload_tls.
 * Owner: none. Thread: owner. Errors: ARC_EINVAL (the file and the reason), ARC_ECONFLICT (no TLS),
 * ARC_ENOMEM; the old ones stay then. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_server_reload_tls(arc_server *server, arc_err *err);
/** Closes at once. NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_server_close(arc_server *server);

ARC_END_DECLS

#endif
