/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One object for every method of api/, whatever its shape: unary, client, server and bidirectional
 * streaming. It is opened on a control plane in this process (arc_call_open) or on a remote one
 * (arc_client_call in client.h) and used the same way:
 *
 *     send, send, … half_close        messages in
 *     next, next, … until ARC_EDONE   messages out, then the status
 *     close
 *
 * Messages are JSON (camelCase names, enums as lower-case words, bytes as base64) or protobuf.
 */
#ifndef ARCENTRA_CALL_H
#define ARCENTRA_CALL_H

#include <arcentra/ctl.h>

ARC_BEGIN_DECLS

typedef struct arc_call arc_call;

#define ARC_CALL_JSON 1u
#define ARC_CALL_PROTOBUF 2u

/** How a call is made. Zero in a field: the default. Since: 0.1. */
typedef struct arc_call_options {
    size_t size;
    uint32_t format;      /* ARC_CALL_JSON (default) or ARC_CALL_PROTOBUF */
    uint32_t deadline_ms; /* 0: none */
    const char *token;    /* the bearer token; NULL: the host itself (arc_call_open), the
                             client's own (arc_client_call) */
    uint32_t fail_fast;   /* remote: 1 fails at once while there is no connection */
    /* Called, from dispatch, when next or send may have something new to say. May be NULL. */
    void (*ready)(void *user, arc_call *call);
    void *user;
} arc_call_options;
#define ARC_CALL_OPTIONS_INIT \
    { \
        sizeof(arc_call_options), 0, 0, NULL, 0, NULL, NULL \
    }

/**
 * Opens a call of a method, named "pipeline.v1.PipelineService/TriggerPipeline". Without a token
 * the host itself is the caller and may do anything. A refusal (credentials, an unknown method) is
 * the call's status, not this function's.
 * Owner: the caller, who closes it before ctl. Thread: owner.
 * Errors: ARC_ENOMEM, ARC_EINVAL. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_call_open(arc_ctl *ctl, const char *method,
                                              const arc_call_options *options, arc_call **out,
                                              arc_err *err);
/**
 * Gives one message. Owner: the bytes stay the caller's. Thread: owner.
 * Errors: ARC_EAGAIN (full: wait for `ready`), ARC_EINVAL (not a message of this method),
 * ARC_EDONE (the call is over: next tells), ARC_ENOMEM, ARC_ELIMIT. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_call_send(arc_call *call, const void *bytes, size_t len,
                                              arc_err *err);
/** No more messages will be sent. Owner: none. Thread: owner. Errors: ARC_EDONE. Since: 0.1. */
ARC_API ARC_MUST_USE arc_status arc_call_half_close(arc_call *call, arc_err *err);
/**
 * The next message, NUL-terminated beyond len. Owner: borrowed until the next call of this
 * function. Thread: owner. Errors: ARC_EAGAIN (none now), ARC_EDONE (the call is over;
 * arc_call_status). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_call_next(arc_call *call, const char **bytes, size_t *len,
                                              arc_err *err);
/**
 * How the call ended: ARC_OK or the refusal, which err repeats. ARC_EAGAIN while it is not over.
 * Owner: none. Thread: owner. Errors: any. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_call_status(arc_call *call, arc_err *err);
/** Cancels what is not over. NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_call_close(arc_call *call);

ARC_END_DECLS

#endif
