/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The gRPC client: a channel to one control plane that connects on demand and reconnects with
 * jittered back-off. Needs no arc_ctl; it is a guest of your loop in the same way.
 */
#ifndef ARCENTRA_CLIENT_H
#define ARCENTRA_CLIENT_H

#include <arcentra/call.h>

ARC_BEGIN_DECLS

typedef struct arc_client arc_client;

#define ARC_CLIENT_IDLE 1
#define ARC_CLIENT_CONNECTING 2
#define ARC_CLIENT_READY 3
#define ARC_CLIENT_WAITING 4 /* for the next attempt */

/** Zero in a field: the default. Since: 0.1. */
typedef struct arc_client_options {
    size_t size;
    const arc_env *env;
    const char *target;      /* "host:port" */
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
} arc_client_options;
#define ARC_CLIENT_OPTIONS_INIT \
    { \
        sizeof(arc_client_options), NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, \
            NULL \
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
