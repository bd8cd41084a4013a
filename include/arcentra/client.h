/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gRPC clients on sockets, which connect on demand and reconnect with jittered back-off. First the
 * channel, for any service; its calls are those of grpc.h. Then the client of a control plane,
 * whose calls are those of call.h. Neither needs an arc_ctl; both are guests of your loop:
 *     poll(…_get_fd(), …_get_timeout_ms()), …_dispatch()
 */
#ifndef ARCENTRA_CLIENT_H
#define ARCENTRA_CLIENT_H

#include <arcentra/call.h>
#include <arcentra/grpc.h>

ARC_BEGIN_DECLS

/* --- for any service -------------------------------------------------------------------------- */

typedef struct arc_grpc_channel arc_grpc_channel;

#define ARC_GRPC_CHANNEL_IDLE 1
#define ARC_GRPC_CHANNEL_CONNECTING 2
#define ARC_GRPC_CHANNEL_READY 3
#define ARC_GRPC_CHANNEL_BACKOFF 4 /* waits for the next attempt */

/**
 * Which of several addresses takes a call. The first that connects: they are tried in their order,
 * and again from the first after a loss. Each in turn: every address has a connection and a
 * back-off of its own, and those that are READY take turns. An address is READY when its server
 * has spoken HTTP/2, not when something there took the connection.
 */
#define ARC_GRPC_PICK_FIRST 0
#define ARC_GRPC_ROUND_ROBIN 1

/** Addresses that one channel may have, those of names counted each. */
#define ARC_GRPC_ADDRESSES_MAX 64
/** Bytes of metadata that credentials may add to a call. */
#define ARC_GRPC_CREDENTIALS_MAX_BYTES 8192

/**
 * When a call is sent again that its request calls idempotent, before any of its response was given
 * to the application (gRPC proposal A6). A call that no server has looked at is sent again in any
 * case, once. Between attempts the handle does all that it does else, the deadline runs, and a
 * channel without a READY address counts as a failed attempt.
 *
 * A call is committed, and its end is its end, once its response begins (on_headers, and with it
 * all of its messages and trailing metadata come from one attempt), once more than buffer_bytes of
 * messages were sent, and by a cancel or its deadline. Of attempts that were not the last nothing
 * is told, their trailing metadata neither. The server may name the pause in its trailing metadata
 * (grpc-retry-pushback-ms; what is no number ends the retry), and reads grpc-previous-rpc-attempts.
 * Ten tokens bound what a failing server gets: such a failure takes one, any call that ends well
 * gives a tenth back, and calls are sent again while more than five are left.
 * Zero in a field: the default. Since: 0.1.
 */
typedef struct arc_grpc_retry {
    size_t size;
    uint32_t attempts_max;   /* 1: no retry; at most 5 count, the first among them */
    uint32_t backoff_min_ms; /* 100: bound of the first wait; each is random below its bound */
    uint32_t backoff_max_ms; /* 5000 */
    uint32_t codes;          /* bit i: ARC_GRPC_… i; 0: UNAVAILABLE alone */
    uint32_t buffer_bytes;   /* 262144: of messages, kept to be sent again; more ends the retry */
} arc_grpc_retry;
#define ARC_GRPC_RETRY_INIT \
    { \
        sizeof(arc_grpc_retry), 0, 0, 0, 0, 0 \
    }

/** Zero in a field: the default. Since: 0.1. */
typedef struct arc_grpc_channel_options {
    size_t size;
    const arc_env *env;         /* NULL: defaults; copied */
    const char *const *targets; /* "host:port", each; names are looked up when it opens */
    size_t target_count;
    uint32_t balance;              /* ARC_GRPC_PICK_FIRST or ARC_GRPC_ROUND_ROBIN */
    const arc_tls_options *tls;    /* NULL: plaintext */
    const arc_grpc_limits *limits; /* of each connection; NULL: defaults */
    const arc_grpc_retry *retry;   /* NULL: none; copied */
    const char *user_agent;        /* NULL: "libarcentra"; copied */
    const char *authority;         /* NULL: the first target; copied */
    uint32_t encoding;             /* ARC_GRPC_GZIP: requests are compressed */
    uint32_t connect_ms;           /* 20000: one attempt, TCP and TLS */
    uint32_t backoff_min_ms;       /* 1000: bound of the first wait; each is random below it */
    uint32_t backoff_max_ms;       /* 120000 */
    uint32_t stall_ms;             /* 30000: a socket that takes no byte */
    const arc_grpc_interceptor *const *interceptors; /* they and the list outlive the channel */
    size_t interceptor_count;
    /* Metadata for each call, such as a token, asked for when the call, and again each further
     * attempt, goes to a connection: writes at most max fields to out, which live until the next
     * call of this function, and answers their number; -1 refuses the call (UNAUTHENTICATED). Of
     * the request it sees all but metadata. It may neither dispatch nor close the channel. A
     * channel without TLS takes none (ARC_EINVAL), unless credentials_in_clear is 1. */
    int32_t (*credentials)(void *user, const arc_grpc_request *request, arc_grpc_field *out,
                           size_t max);
    int32_t credentials_in_clear;
    /* From dispatch, set_targets and drain; err: why, where it came to BACKOFF or was lost; NULL
     * else. */
    void (*on_state)(void *user, arc_grpc_channel *channel, int32_t state, const arc_err *err);
    void *user; /* of credentials and on_state */
} arc_grpc_channel_options;
#define ARC_GRPC_CHANNEL_OPTIONS_INIT \
    { \
        sizeof(arc_grpc_channel_options), NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, \
            0, 0, NULL, 0, NULL, 0, NULL, NULL \
    }

/**
 * A channel; connects with the first call. Names are looked up, which blocks; those that are not
 * known are left out while there are others. Owner: the caller. Thread: owner.
 * Errors: ARC_EINVAL (target, more than ARC_GRPC_ADDRESSES_MAX, certificates, limit),
 * ARC_EUNAVAILABLE (no name is known now), ARC_ENOMEM, ARC_EUNIMPLEMENTED (built without gRPC).
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_channel_open(const arc_grpc_channel_options *options,
                                                      arc_grpc_channel **out, arc_err *err);
/**
 * Ends every call with ARC_GRPC_WHY_LOST. NULL is fine. Not from an event. Owner: takes.
 * Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_channel_close(arc_grpc_channel *channel);
/** Readable: dispatch. Owner: channel. Thread: owner. Since: 0.1. */
ARC_API int arc_grpc_channel_get_fd(const arc_grpc_channel *channel);
/** How long to wait for the fd, in the unit of poll. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int arc_grpc_channel_get_timeout_ms(const arc_grpc_channel *channel);
/**
 * Connects, reads, calls events, writes; never blocks. Owner: none. Thread: owner.
 * Errors: ARC_ECONFLICT (from an event), ARC_EIO. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_channel_dispatch(arc_grpc_channel *channel, arc_err *err);
/**
 * poll and dispatch in one, for a thread that has nothing else to do: waits for at most max_ms (-1:
 * as long as it takes) until something is due, then dispatches. One system call less a turn than a
 * host with a loop of its own needs. A signal ends the waiting. Owner: none. Thread: owner.
 * Errors: as dispatch. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_channel_wait(arc_grpc_channel *channel, int max_ms,
                                                      arc_err *err);
/**
 * Opens a call. While there is no connection it waits for the attempts that are going on; when
 * every address has failed, the call ends as UNAVAILABLE unless it asked to wait_for_ready.
 * request->deadline_ns is on the clock of env (arc_grpc_channel_get_now). The call's connection may
 * change until its response begins. Owner: the call is the channel's, the handle lives until
 * on_close. Thread: owner. Errors: as arc_grpc_call_open; ARC_EUNAVAILABLE besides while the
 * channel backs off and the call did not ask to wait; ARC_EUNAUTHENTICATED (credentials refused; a
 * call that had to wait hears it as its status). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_channel_call(arc_grpc_channel *channel,
                                                      const arc_grpc_request *request,
                                                      const arc_grpc_events *events, void *user,
                                                      arc_grpc_call **out, arc_err *err);
/** The time now, for deadlines. Owner: none. Thread: owner. Since: 0.1. */
ARC_API uint64_t arc_grpc_channel_get_now(const arc_grpc_channel *channel);
/**
 * Other addresses from now on, for a host that looks names up itself. Connections to those that
 * are gone finish their calls. Owner: copied. Thread: owner. Errors: as arc_grpc_channel_open; the
 * old ones stay then. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_channel_set_targets(arc_grpc_channel *channel,
                                                             const char *const *targets,
                                                             size_t count, arc_err *err);
/**
 * Connects now, without a call, and without waiting for the end of a back-off. Owner: none.
 * Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_channel_connect(arc_grpc_channel *channel);
/**
 * No more calls on the present connections; those alive go on. Owner: none. Thread: owner.
 * Since: 0.1.
 */
ARC_API void arc_grpc_channel_drain(arc_grpc_channel *channel);
/** ARC_GRPC_CHANNEL_…; of several addresses the best. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int32_t arc_grpc_channel_get_state(const arc_grpc_channel *channel);
/** Calls alive. Owner: none. Thread: owner. Since: 0.1. */
ARC_API size_t arc_grpc_channel_get_calls(const arc_grpc_channel *channel);
/** Of all its connections. Owner: channel. Thread: owner. Since: 0.1. */
ARC_API const arc_grpc_counters *arc_grpc_channel_get_counters(const arc_grpc_channel *channel);
/** Reads the certificate files again; as arc_grpc_server_reload_tls. Owner: none. Thread: owner.
 * Errors: ARC_EINVAL, ARC_ECONFLICT, ARC_ENOMEM. Since: 0.1. */
ARC_API ARC_MUST_USE arc_status arc_grpc_channel_reload_tls(arc_grpc_channel *channel,
                                                            arc_err *err);

/* --- of a control plane ------------------------------------------------------------------------
 */

typedef struct arc_client arc_client;

#define ARC_CLIENT_IDLE 1
#define ARC_CLIENT_CONNECTING 2
#define ARC_CLIENT_READY 3
#define ARC_CLIENT_WAITING 4 /* for the next attempt */

/** Zero in a field: the default. Since: 0.1. */
typedef struct arc_client_options {
    size_t size;
    const arc_env *env;
    const char *target;      /* "host:port"; or targets, below */
    const char *tls_ca_file; /* PEM: use TLS and trust these; NULL: plaintext unless tls is 1 */
    uint32_t tls;            /* 1: TLS with the system's certificates */
    const char *tls_name;    /* the name to check, if not the target's host */
    const char *tls_cert_file, *tls_key_file; /* our own, for mTLS */
    const char *token;       /* bearer token of every call; arc_client_set_token changes it */
    uint32_t backoff_min_ms; /* 1000 */
    uint32_t backoff_max_ms; /* 60000 */
    uint32_t keepalive_ms;   /* 30000: ping when quiet with calls open; 10000 ms to answer */
    void (*state)(void *user, arc_client *client, int state); /* from dispatch; may be NULL */
    void *user;
    /* Several servers of one control plane, where target is NULL: the first that connects, tried in
     * their order, and again from the first after a loss. */
    const char *const *targets;
    size_t target_count;
    uint32_t connect_ms; /* 20000: one attempt at one of them, TCP and TLS */
} arc_client_options;
#define ARC_CLIENT_OPTIONS_INIT \
    { \
        sizeof(arc_client_options), NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, \
            NULL, NULL, 0, 0 \
    }

/**
 * Makes a channel; connects with the first call. Owner: the caller. Thread: owner (of client).
 * Errors: ARC_EINVAL (target, certificates), ARC_ENOMEM, ARC_EUNIMPLEMENTED (built without gRPC).
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_client_open(const arc_client_options *options, arc_client **out,
                                                arc_err *err);
/** As arc_ctl_fd. Owner: client. Thread: owner. Since: 0.1. */
ARC_API int arc_client_fd(arc_client *client);
/** As arc_ctl_timeout_ms. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int arc_client_timeout_ms(arc_client *client);
/**
 * As arc_ctl_dispatch. Owner: none. Thread: owner. Errors: ARC_ECONFLICT (from a callback),
 * ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_client_dispatch(arc_client *client, arc_err *err);
/** ARC_CLIENT_…. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int arc_client_get_state(arc_client *client);
/** Why the last attempt failed, or "". Owner: client. Thread: owner. Since: 0.1. */
ARC_API const char *arc_client_get_trouble(arc_client *client);
/**
 * The bearer token of calls from now on; NULL: none. Owner: copied. Thread: owner.
 * Errors: ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_client_set_token(arc_client *client, const char *token,
                                                     arc_err *err);
/**
 * Opens a call on the channel; used like one of arc_call_open (call.h). A call that waits for a
 * connection takes messages up to a bound and then says ARC_EAGAIN.
 * Owner: the caller, who closes it before client. Thread: owner.
 * Errors: ARC_EINVAL (an unknown method), ARC_ENOMEM, ARC_ELIMIT. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_client_call(arc_client *client, const char *method,
                                                const arc_call_options *options, arc_call **out,
                                                arc_err *err);
/** Ends its calls and closes. NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_client_close(arc_client *client);

ARC_END_DECLS

#endif
