/* SPDX-License-Identifier: Apache-2.0 */
/* A table from paths to handlers. A call is handed over to its method once and goes there directly
 * from then on (arc_grpc_call_set_events), so that the table costs one look-up a call. */
#include <arcentra/service.h>

#include <string.h>

#include "base/map.h"
#include "base/options.h"
#include "wire/grpc.h"

#define PATH_MAX_BYTES 256

struct route {
    arc_slice path; /* behind the struct */
    struct arc_grpc_method method;
    arc_grpc_router *router;
};

struct arc_grpc_router {
    struct arc_mem mem;
    struct arc_map routes; /* path to struct route */
    struct route *last;    /* the one that was asked for last: often the next one too */
    const arc_grpc_events *fallback;
    void *fallback_user;
};

/* --- unary ----------------------------------------------------------------------------------- */

static void unary_message(void *user, arc_grpc_call *call, arc_slice message)
{
    const struct route *route = user;
    route->method.unary(route->method.user, call, message);
}

static const arc_grpc_events unary_events = {
    .size = sizeof(arc_grpc_events),
    .on_message = unary_message,
};

arc_status arc_grpc_call_reply(arc_grpc_call *call, arc_slice message, arc_err *err)
{
    arc_err why = ARC_ERR_INIT;
    arc_status status = arc_grpc_call_send(call, message, &why);
    if (status == ARC_OK)
        return arc_grpc_call_finish(call, ARC_GRPC_OK, ARC_NONE, NULL, 0, err);
    if (status != ARC_ECANCELLED)
        (void)arc_grpc_call_finish(call, ARC_GRPC_RESOURCE_EXHAUSTED, arc__slice_cstr(why.message),
                                   NULL, 0, NULL);
    return arc__fail(err, status, why.subject, "%s", why.message);
}

/* --- calls ----------------------------------------------------------------------------------- */

static struct route *find(arc_grpc_router *router, arc_slice path)
{
    if (router->last != NULL && arc__slice_equal(router->last->path, path))
        return router->last;
    struct route *route = arc__map_get(&router->routes, path);
    if (route != NULL)
        router->last = route;
    return route;
}

static void on_call(void *user, arc_grpc_call *call, const arc_grpc_request *request)
{
    arc_grpc_router *router = user;
    struct route *route = find(router, request->path);
    if (route != NULL && route->method.unary != NULL) {
        arc_grpc_call_set_events(call, &unary_events, route);
        return;
    }
    const arc_grpc_events *events = route != NULL ? route->method.events : router->fallback;
    if (events == NULL) {
        (void)arc_grpc_call_finish(call, ARC_GRPC_UNIMPLEMENTED,
                                   ARC_LIT("There is no such method."), NULL, 0, NULL);
        return;
    }
    void *next = route != NULL ? route->method.user : router->fallback_user;
    arc_grpc_call_set_events(call, events, next);
    if (events->on_call != NULL)
        events->on_call(next, call, request);
}

static const arc_grpc_events router_events = {
    .size = sizeof(arc_grpc_events),
    .on_call = on_call,
};

const arc_grpc_events *arc_grpc_router_get_events(void)
{
    return &router_events;
}

/* --- the table ------------------------------------------------------------------------------- */

arc_status arc_grpc_router_open(const arc_env *env, arc_grpc_router **out, arc_err *err)
{
    struct arc_mem mem = arc__mem_from_env(env);
    ARC_REQUIRE(out != NULL, err, "out");
    arc_grpc_router *router = arc__alloc(&mem, sizeof(*router));
    if (router == NULL)
        return arc__fail_nomem(err);
    router->mem = mem;
    arc__map_init(&router->routes, &router->mem, 0, 0); /* the keys are the application's own */
    *out = router;
    return ARC_OK;
}

void arc_grpc_router_close(arc_grpc_router *router)
{
    size_t at = 0;
    arc_slice key;
    void *value;
    if (router == NULL)
        return;
    struct arc_mem mem = router->mem;
    while (arc__map_next(&router->routes, &at, &key, &value))
        arc__free(&mem, value);
    arc__map_deinit(&router->routes);
    arc__free(&mem, router);
}

/* "/package.Service/Method" */
static int path_valid(arc_slice path)
{
    size_t slashes = 0;
    for (size_t i = 0; i < path.len; i++)
        slashes += path.ptr[i] == '/';
    return path.len >= 4 && path.len <= PATH_MAX_BYTES && path.ptr[0] == '/' && slashes == 2 &&
           path.ptr[1] != '/' && path.ptr[path.len - 1] != '/';
}

arc_status arc_grpc_router_add(arc_grpc_router *router, const char *path,
                               const arc_grpc_method *given, arc_err *err)
{
    arc_grpc_method method;
    ARC_REQUIRE(router != NULL && path != NULL && given != NULL, err, "router");
    ARC_TRY(arc__options_read(given, sizeof(method), &method, "method", err));
    arc_slice key = arc__slice_cstr(path);
    if (!path_valid(key))
        return arc__fail(err, ARC_EINVAL, path, "A path has the form /package.Service/Method.");
    if ((method.unary == NULL) == (method.events == NULL))
        return arc__fail(err, ARC_EINVAL, path, "A method has either unary or events.");
    if (arc__map_get(&router->routes, key) != NULL)
        return arc__fail(err, ARC_EEXISTS, path, "The path has a method already.");
    struct route *route = arc__alloc(&router->mem, sizeof(*route) + key.len);
    if (route == NULL)
        return arc__fail_nomem(err);
    memcpy(route + 1, key.ptr, key.len);
    route->path = arc__slice(route + 1, key.len);
    route->method = method;
    route->router = router;
    arc_status status = arc__map_put(&router->routes, key, route, NULL, err);
    if (status != ARC_OK)
        arc__free(&router->mem, route);
    return status;
}

void arc_grpc_router_set_fallback(arc_grpc_router *router, const arc_grpc_events *events,
                                  void *user)
{
    router->fallback = events;
    router->fallback_user = user;
}

arc_status arc_grpc_router_add_health(arc_grpc_router *router, arc_err *err)
{
    (void)router;
    return arc__fail(err, ARC_EUNIMPLEMENTED, "health", "Not yet.");
}

arc_status arc_grpc_router_set_health(arc_grpc_router *router, const char *service, int32_t status,
                                      arc_err *err)
{
    (void)router, (void)service, (void)status;
    return arc__fail(err, ARC_EUNIMPLEMENTED, "health", "Not yet.");
}

void arc_grpc_router_shut_health(arc_grpc_router *router)
{
    (void)router;
}

arc_status arc_grpc_router_add_reflection(arc_grpc_router *router, const void *descriptor_set,
                                          size_t len, arc_err *err)
{
    (void)router, (void)descriptor_set, (void)len;
    return arc__fail(err, ARC_EUNIMPLEMENTED, "reflection", "Not yet.");
}
