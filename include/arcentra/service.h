/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Services of a gRPC server: a table from paths to handlers, and the two services that every server
 * should have, health (grpc.health.v1) and reflection (grpc.reflection.v1 and v1alpha). Works with
 * connections of grpc.h and servers of server.h alike: give arc_grpc_router_get_events() and the
 * router.
 *
 *     arc_grpc_router_open(NULL, &router, &err);
 *     arc_grpc_router_add(router, "/greet.v1.Greeter/Hello", &hello, &err);
 *     arc_grpc_router_add_health(router, &err);
 *     arc_grpc_router_add_reflection(router, descriptor_set, length, &err);
 *
 * Thread: owner, the thread of the server.
 */
#ifndef ARCENTRA_SERVICE_H
#define ARCENTRA_SERVICE_H

#include <arcentra/grpc.h>

ARC_BEGIN_DECLS

typedef struct arc_grpc_router arc_grpc_router;

/**
 * How calls of one method are handled: by `unary`, or by events of grpc.h. Since: 0.1.
 */
typedef struct arc_grpc_method {
    size_t size;
    void *user; /* of unary, and of gone and events until arc_grpc_call_set_user */
    /* The one message of a call whose client sends one. Answers with arc_grpc_call_reply or
     * arc_grpc_call_finish, now or later; a handler that answers later keeps the call and hears of
     * its end by `gone`. One that streams its answer may go on with events of its own
     * (arc_grpc_call_set_events), which hear of the end instead. It runs when the client has half
     * closed: a call without a message, or with two, is refused before it gets here (INTERNAL).
     * The message is borrowed until it returns; it is not copied where it comes in one frame with
     * the half close. */
    void (*unary)(void *user, arc_grpc_call *call, arc_slice message);
    /* A call that unary kept has ended, before or after its answer; its handle is dead when this
     * returns. NULL: unary always answers before it returns; where it does not, the call ends as
     * INTERNAL. */
    void (*gone)(void *user, arc_grpc_call *call);
    /* Instead of unary. on_call is given the request; the events outlive the router. */
    const arc_grpc_events *events;
} arc_grpc_method;
#define ARC_GRPC_METHOD_INIT \
    { \
        sizeof(arc_grpc_method), NULL, NULL, NULL, NULL \
    }

/**
 * A router without methods. env: NULL for defaults; its memory alone is used. Owner: the caller,
 * who closes it after the servers and connections that use it. Thread: owner. Errors: ARC_ENOMEM,
 * ARC_EINVAL. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_router_open(const arc_env *env, arc_grpc_router **out,
                                                     arc_err *err);
/** NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_grpc_router_close(arc_grpc_router *router);

/**
 * Adds a method: "/package.Service/Method". Owner: both are copied; what method points to outlives
 * the router. Thread: owner. Errors: ARC_EINVAL (no path of that form, neither or both of unary and
 * events), ARC_EEXISTS, ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_router_add(arc_grpc_router *router, const char *path,
                                                    const arc_grpc_method *method, arc_err *err);
/**
 * Events for calls whose path is not in the table; without them they end as UNIMPLEMENTED, and the
 * message says whether the service or the method is unknown. Owner: the events outlive the router.
 * Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_router_set_fallback(arc_grpc_router *router, const arc_grpc_events *events,
                                          void *user);
/** What to give to a server or a connection, with the router as user. Owner: the library, static.
 * Thread: any. Since: 0.1. */
ARC_API const arc_grpc_events *arc_grpc_router_get_events(void);

/**
 * Answers a call with one message and OK. Owner: copied. Thread: owner. Errors: as
 * arc_grpc_call_send and arc_grpc_call_finish; the call has ended in any case. Since: 0.1.
 */
ARC_API arc_status arc_grpc_call_reply(arc_grpc_call *call, arc_slice message, arc_err *err);

/** grpc.health.v1.HealthCheckResponse.ServingStatus. */
#define ARC_GRPC_HEALTH_UNKNOWN 0
#define ARC_GRPC_HEALTH_SERVING 1
#define ARC_GRPC_HEALTH_NOT_SERVING 2
/** Services whose health is told, and streams that watch it at once. */
#define ARC_GRPC_HEALTH_SERVICES_MAX 1000
#define ARC_GRPC_HEALTH_WATCHES_MAX 1000

/**
 * Adds grpc.health.v1.Health (Check, Watch, List). The server itself, the service "", is SERVING
 * from the start, and so is every service of the table. Owner: none. Thread: owner.
 * Errors: ARC_EEXISTS, ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_router_add_health(arc_grpc_router *router, arc_err *err);
/**
 * Says how a service ("" is the whole server) is, and tells those who watch it. Owner: copied.
 * Thread: owner. Errors: ARC_EINVAL (no such status), ARC_ECONFLICT (no health in this router),
 * ARC_ELIMIT, ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_router_set_health(arc_grpc_router *router,
                                                           const char *service, int32_t status,
                                                           arc_err *err);
/**
 * Everything is NOT_SERVING from now on, whatever is set later: for a server that drains.
 * Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_router_shut_health(arc_grpc_router *router);

/**
 * Adds grpc.reflection.v1 and v1alpha. They list the services of the table and know the files of
 * the set: a serialized google.protobuf.FileDescriptorSet as `protoc --descriptor_set_out
 * --include_imports` writes it; health and reflection describe themselves. May be repeated with
 * further sets. Owner: copied. Thread: owner. Errors: ARC_EINVAL (not a descriptor set),
 * ARC_ELIMIT (too many sets, files or names, or too long ones), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_router_add_reflection(arc_grpc_router *router,
                                                               const void *descriptor_set,
                                                               size_t len, arc_err *err);

ARC_END_DECLS

#endif
