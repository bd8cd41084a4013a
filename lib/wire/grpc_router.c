/* SPDX-License-Identifier: Apache-2.0 */
/* A table from paths to handlers. A call is handed over to its method once and goes there directly
 * from then on (arc_grpc_call_set_events), so that the table costs one look-up a call.
 *
 * A unary handler runs once, with the one message, when it is certain that it is the one: when the
 * client has half closed. Where the message and the half close come in one frame, as clients send
 * them, the handler reads the message where it lies; else a copy waits for the half close. */
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "wire/grpc_services.h"

struct route {
    arc_slice path; /* behind the struct */
    struct arc_grpc_method method;
    struct arc_mem mem;
};

/* A message that waits for the half close. */
struct pending {
    struct arc_mem mem;
    const struct route *route;
    size_t len;
    char bytes[];
};

/* --- unary ----------------------------------------------------------------------------------- */

static void refuse(arc_grpc_call *call, int32_t code, arc_slice text)
{
    /* Without memory for a status the stream is reset, which is a status too. */
    (void)arc_grpc_call_finish(call, code, text, NULL, 0, NULL);
}

/* The call belongs to the handler: nothing but its end comes any more. `user` is the handler's. */
static void handled_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    const struct route *route = arc__grpc_call_get_route(call);
    (void)why;
    if (route != NULL && route->method.gone != NULL)
        route->method.gone(user, call);
}

static const arc_grpc_events handled_events = {
    .size = sizeof(arc_grpc_events),
    .on_close = handled_close,
};

static void run(const struct route *route, arc_grpc_call *call, arc_slice message)
{
    arc__grpc_call_set_route(call, route);
    arc_grpc_call_set_events(call, &handled_events, route->method.user);
    route->method.unary(route->method.user, call, message);
    if (arc__grpc_call_get_events(call) != &handled_events)
        return; /* it goes on by events of its own */
    if (!arc__grpc_call_is_unanswered(call))
        arc__grpc_call_set_route(call, NULL);
    else if (route->method.gone == NULL)
        refuse(call, ARC_GRPC_INTERNAL, ARC_LIT("The method gave no answer."));
}

static void pending_message(void *user, arc_grpc_call *call, arc_slice message)
{
    (void)user;
    (void)message;
    refuse(call, ARC_GRPC_INTERNAL, ARC_LIT("One message was expected, and more came."));
}

static void pending_half_close(void *user, arc_grpc_call *call)
{
    struct pending *pending = user;
    struct arc_mem mem = pending->mem;
    run(pending->route, call, arc__slice(pending->bytes, pending->len));
    arc__free(&mem, pending);
}

static void pending_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    struct pending *pending = user;
    struct arc_mem mem = pending->mem;
    (void)call;
    (void)why;
    arc__free(&mem, pending);
}

static const arc_grpc_events pending_events = {
    .size = sizeof(arc_grpc_events),
    .on_message = pending_message,
    .on_half_close = pending_half_close,
    .on_close = pending_close,
};

static void unary_message(void *user, arc_grpc_call *call, arc_slice message)
{
    const struct route *route = user;
    if (arc__grpc_call_is_last(call)) {
        run(route, call, message);
        return;
    }
    struct pending *pending = arc__alloc(&route->mem, sizeof(*pending) + message.len);
    if (pending == NULL) {
        refuse(call, ARC_GRPC_RESOURCE_EXHAUSTED, ARC_LIT("Out of memory."));
        return;
    }
    pending->mem = route->mem;
    pending->route = route;
    pending->len = message.len;
    if (message.len > 0)
        memcpy(pending->bytes, message.ptr, message.len);
    arc_grpc_call_set_events(call, &pending_events, pending);
}

static void unary_half_close(void *user, arc_grpc_call *call)
{
    (void)user;
    refuse(call, ARC_GRPC_INTERNAL, ARC_LIT("One message was expected, and none came."));
}

static const arc_grpc_events unary_events = {
    .size = sizeof(arc_grpc_events),
    .on_message = unary_message,
    .on_half_close = unary_half_close,
};

arc_status arc_grpc_call_reply(arc_grpc_call *call, arc_slice message, arc_err *err)
{
    arc_status status = arc_grpc_call_send(call, message, err);
    if (status == ARC_OK)
        return arc_grpc_call_finish(call, ARC_GRPC_OK, ARC_NONE, NULL, 0, err);
    if (status != ARC_ECANCELLED)
        (void)arc_grpc_call_finish(call, ARC_GRPC_RESOURCE_EXHAUSTED,
                                   status == ARC_ENOMEM
                                       ? ARC_LIT("Out of memory.")
                                       : ARC_LIT("The answer is longer than may be sent."),
                                   NULL, 0, NULL);
    return status;
}

/* --- calls ----------------------------------------------------------------------------------- */

/* "/package.Service/Method" */
static int path_valid(arc_slice path)
{
    size_t slashes = 0;
    for (size_t i = 0; i < path.len; i++)
        slashes += path.ptr[i] == '/';
    return path.len >= 4 && path.len <= ARC_GRPC_PATH_MAX_BYTES && path.ptr[0] == '/' &&
           slashes == 2 && path.ptr[1] != '/' && path.ptr[path.len - 1] != '/';
}

static arc_slice service_of(arc_slice path, arc_slice *method)
{
    return arc__slice_cut(arc__slice_from(path, 1), '/', method);
}

static void refuse_unknown(const arc_grpc_router *router, arc_grpc_call *call, arc_slice path)
{
    char text[64 + ARC_GRPC_PATH_MAX_BYTES];
    arc_slice method = ARC_NONE;
    int len;
    if (!path_valid(path)) {
        refuse(call, ARC_GRPC_UNIMPLEMENTED, ARC_LIT("malformed method name"));
        return;
    }
    arc_slice service = service_of(path, &method);
    const struct arc_grpc_service *known = arc__grpc_service_find(router, service);
    if (known != NULL && known->served)
        len = snprintf(text, sizeof(text), "unknown method %.*s for service %.*s", ARC_ARG(method),
                       ARC_ARG(service));
    else
        len = snprintf(text, sizeof(text), "unknown service %.*s", ARC_ARG(service));
    refuse(call, ARC_GRPC_UNIMPLEMENTED, arc__slice(text, (size_t)len));
}

static struct route *find_route(arc_grpc_router *router, arc_slice path)
{
    struct route *route = router->last;
    if (route != NULL && arc__slice_equal(route->path, path))
        return route;
    route = arc__map_get(&router->routes, path);
    if (route != NULL)
        router->last = route;
    return route;
}

static void on_call(void *user, arc_grpc_call *call, const arc_grpc_request *request)
{
    arc_grpc_router *router = user;
    struct route *route = find_route(router, request->path);
    if (route != NULL && route->method.unary != NULL) {
        arc_grpc_call_set_events(call, &unary_events, route);
        return;
    }
    const arc_grpc_events *events = route != NULL ? route->method.events : router->fallback;
    if (events == NULL) {
        refuse_unknown(router, call, request->path);
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

/* --- services -------------------------------------------------------------------------------- */

/* Where the name is, or where it would be. */
static size_t service_at(const arc_grpc_router *router, arc_slice name)
{
    size_t low = 0, high = router->service_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct arc_grpc_service *service = router->services[middle];
        if (arc__slice_compare(arc__slice(service->name, service->len), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct arc_grpc_service *arc__grpc_service_find(const arc_grpc_router *router, arc_slice name)
{
    size_t at = service_at(router, name);
    if (at == router->service_count)
        return NULL;
    struct arc_grpc_service *service = router->services[at];
    return arc__slice_equal(arc__slice(service->name, service->len), name) ? service : NULL;
}

arc_status arc__grpc_service_need(arc_grpc_router *router, arc_slice name,
                                  struct arc_grpc_service **out, arc_err *err)
{
    struct arc_grpc_service *service = arc__grpc_service_find(router, name);
    if (service == NULL) {
        ARC_TRY(arc__grow(&router->mem, (void **)&router->services, &router->service_capacity,
                          router->service_count, sizeof(*router->services), SIZE_MAX, err));
        service = arc__alloc(&router->mem, sizeof(*service) + name.len + 1);
        if (service == NULL)
            return arc__fail_nomem(err);
        service->health = ARC_GRPC_HEALTH_UNTOLD;
        service->len = name.len;
        memcpy(service->name, name.ptr, name.len);
        size_t at = service_at(router, name);
        memmove(&router->services[at + 1], &router->services[at],
                (router->service_count - at) * sizeof(*router->services));
        router->services[at] = service;
        router->service_count++;
    }
    *out = service;
    return ARC_OK;
}

arc_status arc__grpc_router_know(arc_grpc_router *router, arc_slice name, arc_err *err)
{
    struct arc_grpc_service *service;
    ARC_REQUIRE(name.len > 0 && name.len < ARC_GRPC_PATH_MAX_BYTES, err, "service");
    ARC_TRY(arc__grpc_service_need(router, name, &service, err));
    service->served = 1;
    arc__grpc_health_changed(router);
    return ARC_OK;
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
    router->health_all = ARC_GRPC_HEALTH_SERVING;
    arc__list_init(&router->watches);
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
    arc__grpc_reflection_close(router);
    while (arc__map_next(&router->routes, &at, &key, &value))
        arc__free(&mem, value);
    arc__map_deinit(&router->routes);
    for (size_t i = 0; i < router->service_count; i++)
        arc__free(&mem, router->services[i]);
    arc__free(&mem, router->services);
    arc__free(&mem, router);
}

static arc_status add_route(arc_grpc_router *router, arc_slice path, const arc_grpc_method *method,
                            arc_err *err)
{
    struct arc_grpc_service *service;
    arc_slice name;
    ARC_TRY(arc__grpc_service_need(router, service_of(path, &name), &service, err));
    struct route *route = arc__alloc(&router->mem, sizeof(*route) + path.len);
    if (route == NULL)
        return arc__fail_nomem(err);
    memcpy(route + 1, path.ptr, path.len);
    route->path = arc__slice(route + 1, path.len);
    route->method = *method;
    route->mem = router->mem;
    arc_status status = arc__map_put(&router->routes, path, route, NULL, err);
    if (status != ARC_OK) {
        arc__free(&router->mem, route);
        return status;
    }
    if (!service->served) {
        service->served = 1;
        arc__grpc_health_changed(router);
    }
    return ARC_OK;
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
    ARC_REQUIRE(method.events == NULL || method.events->size >= sizeof(*method.events), err,
                "events.size");
    if (arc__map_get(&router->routes, key) != NULL)
        return arc__fail(err, ARC_EEXISTS, path, "The path has a method already.");
    return add_route(router, key, &method, err);
}

/* The methods of one service, which has no other ones. */
arc_status arc__grpc_router_add_rows(arc_grpc_router *router, const struct arc_grpc_route_row *rows,
                                     size_t count, arc_err *err)
{
    arc_status status = ARC_OK;
    size_t done = 0;
    while (done < count && status == ARC_OK) {
        status = arc_grpc_router_add(router, rows[done].path, &rows[done].method, err);
        done += status == ARC_OK;
    }
    if (status == ARC_OK)
        return ARC_OK;
    router->last = NULL;
    while (done > 0) {
        arc_slice path = arc__slice_cstr(rows[--done].path), method;
        arc__free(&router->mem, arc__map_remove(&router->routes, path));
        arc__grpc_service_find(router, service_of(path, &method))->served = 0;
    }
    return status;
}

void arc_grpc_router_set_fallback(arc_grpc_router *router, const arc_grpc_events *events,
                                  void *user)
{
    router->fallback = events;
    router->fallback_user = user;
}
