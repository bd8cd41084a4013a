/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The HTTP/JSON and WebSocket surface without a socket: your HTTP server hands over a request and
 * gets a response; your WebSocket server hands over texts and gets texts. Base path /api/v1.
 */
#ifndef ARCENTRA_HTTP_H
#define ARCENTRA_HTTP_H

#include <arcentra/ctl.h>

ARC_BEGIN_DECLS

typedef struct arc_http arc_http;
typedef struct arc_ws_object arc_ws;

/** One request. NULL: the header was not sent. Borrowed during arc_http_open alone. Since: 0.1. */
typedef struct arc_http_request {
    size_t size;
    const char *method; /* "GET" */
    const char *target; /* path and query as they came: "/api/v1/pipelines?page=2" */
    const char *authorization;
    const char *content_type;
    const char *request_id;    /* X-Request-Id */
    const char *if_none_match; /* If-None-Match */
    const char *accept;
    const char *body;
    size_t body_len;
    void (*ready)(void *user, arc_http *http); /* from dispatch: the response is there */
    void *user;
} arc_http_request;
#define ARC_HTTP_REQUEST_INIT \
    { \
        sizeof(arc_http_request), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL \
    }

/** One response. Borrowed from its arc_http. Since: 0.1. */
typedef struct arc_http_response {
    size_t size;
    int status;               /* 200 */
    const char *content_type; /* "application/json" */
    const char *headers;      /* further header lines, "Name: value\r\n…", or "" */
    const char *body;
    size_t body_len;
} arc_http_response;
#define ARC_HTTP_RESPONSE_INIT \
    { \
        sizeof(arc_http_response), 0, NULL, NULL, NULL, 0 \
    }

/** The greatest body that a request may have; more is a 413. */
#define ARC_HTTP_BODY_MAX (4u * 1024u * 1024u)

/**
 * Takes a request. Every request gets a response, errors too. The answer may be there at once.
 * Owner: the caller, who closes it before ctl. Thread: owner.
 * Errors: ARC_ENOMEM, ARC_EINVAL (method or target missing). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_http_open(arc_ctl *ctl, const arc_http_request *request,
                                              arc_http **out, arc_err *err);
/**
 * The response. Owner: borrowed from http. Thread: owner. Errors: ARC_EAGAIN (not yet).
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_http_get_response(arc_http *http, arc_http_response *out);
/** Gives up on it if it is not there yet. NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_http_close(arc_http *http);

/**
 * A WebSocket connection of GET /api/v1/ws. Call it with the token of the handshake (the bearer of
 * Authorization, or the second value of Sec-WebSocket-Protocol) before the upgrade is accepted.
 * ready: from dispatch, when there may be texts to take.
 * Owner: the caller, who closes it before ctl. Thread: owner.
 * Errors: ARC_EUNAUTHENTICATED (refuse the handshake with 401), ARC_EDENIED, ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_ws_open(arc_ctl *ctl, const char *token,
                                            void (*ready)(void *user, arc_ws *ws), void *user,
                                            arc_ws **out, arc_err *err);
/** The greatest message that a client may send; and how many subscriptions a connection may have.
 */
#define ARC_WS_MESSAGE_MAX 65536u
#define ARC_WS_SUBS_MAX 100u
/**
 * Gives one whole text message of the client. What is wrong with it is answered as a text.
 * Owner: none. Thread: owner. Errors: ARC_ELIMIT (close with 1008), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_ws_feed(arc_ws *ws, const char *text, size_t len, arc_err *err);
/**
 * The next text to send; take only what you can send now: what is not taken waits where it is.
 * Owner: borrowed until the next call. Thread: owner.
 * Errors: ARC_EAGAIN (none now), ARC_EDONE (close with 1013; err says where to resume), ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_ws_next(arc_ws *ws, const char **text, size_t *len,
                                            arc_err *err);
/** NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_ws_close(arc_ws *ws);

ARC_END_DECLS

#endif
