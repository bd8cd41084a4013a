/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.health.v1.Health. Who watches keeps the name that it asked for, so that names from outside
 * never become entries of the table; a change walks over all who watch, ARC_GRPC_HEALTH_WATCHES_MAX
 * at most. A watcher that does not read is told of the last state only, once it does. */
#include "base/text.h"
#include "wire/grpc_services.h"
#include "wire/pb.h"

#define SERVICE_UNKNOWN 3 /* of the published enum, for Watch alone */

#define REQUEST_SERVICE 1u
#define RESPONSE_STATUS 1u
#define LIST_STATUSES 1u
#define ENTRY_KEY 1u
#define ENTRY_VALUE 2u

struct watch {
    struct arc_link link;
    arc_grpc_router *router;
    arc_grpc_call *call;
    int32_t told;
    size_t len;
    char name[];
};

/* --- what is so ------------------------------------------------------------------------------ */

static int32_t status_of(const arc_grpc_router *router, const struct arc_grpc_service *service)
{
    if (service->health == ARC_GRPC_HEALTH_UNTOLD && !service->served)
        return SERVICE_UNKNOWN;
    if (router->health_shut)
        return ARC_GRPC_HEALTH_NOT_SERVING;
    return service->health != ARC_GRPC_HEALTH_UNTOLD ? service->health : ARC_GRPC_HEALTH_SERVING;
}

static int32_t status_named(const arc_grpc_router *router, arc_slice name)
{
    if (name.len == 0)
        return router->health_shut ? ARC_GRPC_HEALTH_NOT_SERVING : router->health_all;
    const struct arc_grpc_service *service = arc__grpc_service_find(router, name);
    return service != NULL ? status_of(router, service) : SERVICE_UNKNOWN;
}

/* A HealthCheckResponse; as in any proto3 message, zero is not written. */
static arc_slice response(int32_t status, char out[2])
{
    out[0] = (char)(RESPONSE_STATUS << 3);
    out[1] = (char)status;
    return arc__slice(out, status != 0 ? 2 : 0);
}

static void refuse(arc_grpc_call *call, int32_t code, arc_slice text)
{
    (void)arc_grpc_call_finish(call, code, text, NULL, 0, NULL);
}

/* 0: refused, and answered. */
static int read_service(arc_grpc_call *call, arc_slice message, arc_slice *name)
{
    size_t bad_at;
    if (arc__pb_find(message, REQUEST_SERVICE, name) && arc__utf8_valid(*name, &bad_at) &&
        name->len <= ARC_GRPC_PATH_MAX_BYTES)
        return 1;
    refuse(call, ARC_GRPC_INVALID_ARGUMENT, ARC_LIT("The request is malformed."));
    return 0;
}

/* --- Check and List -------------------------------------------------------------------------- */

static void check(void *user, arc_grpc_call *call, arc_slice message)
{
    const arc_grpc_router *router = user;
    arc_slice name;
    char out[2];
    if (!read_service(call, message, &name))
        return;
    int32_t status = status_named(router, name);
    if (status == SERVICE_UNKNOWN)
        refuse(call, ARC_GRPC_NOT_FOUND, ARC_LIT("unknown service"));
    else
        (void)arc_grpc_call_reply(call, response(status, out), NULL);
}

static void add_entry(struct arc_buf *out, arc_slice name, int32_t status)
{
    char text[2];
    arc_slice value = response(status, text);
    arc__pb_add_head(out, LIST_STATUSES,
                     arc__pb_head_size(ENTRY_KEY, name.len) + name.len +
                         arc__pb_head_size(ENTRY_VALUE, value.len) + value.len);
    arc__pb_add_bytes(out, ENTRY_KEY, name);
    arc__pb_add_bytes(out, ENTRY_VALUE, value);
}

static void list(void *user, arc_grpc_call *call, arc_slice message)
{
    arc_grpc_router *router = user;
    struct arc_buf out;
    (void)message;
    if (router->service_count > ARC_GRPC_HEALTH_SERVICES_MAX) {
        refuse(call, ARC_GRPC_RESOURCE_EXHAUSTED, ARC_LIT("There are too many services."));
        return;
    }
    arc__buf_init(&out, &router->mem,
                  (ARC_GRPC_HEALTH_SERVICES_MAX + 1) * (ARC_GRPC_PATH_MAX_BYTES + 32));
    add_entry(&out, ARC_NONE, status_named(router, ARC_NONE));
    for (size_t i = 0; i < router->service_count; i++) {
        const struct arc_grpc_service *service = router->services[i];
        int32_t status = status_of(router, service);
        if (status != SERVICE_UNKNOWN)
            add_entry(&out, arc__slice(service->name, service->len), status);
    }
    if (out.failed == ARC_OK)
        (void)arc_grpc_call_reply(call, arc__buf_slice(&out), NULL);
    else
        refuse(call, ARC_GRPC_RESOURCE_EXHAUSTED, ARC_LIT("Out of memory."));
    arc__buf_deinit(&out);
}

/* --- Watch ----------------------------------------------------------------------------------- */

static void tell(struct watch *watch)
{
    int32_t status = status_named(watch->router, arc__slice(watch->name, watch->len));
    arc_err err = ARC_ERR_INIT;
    char out[2];
    if (status == watch->told)
        return;
    arc_status sent = arc_grpc_call_send(watch->call, response(status, out), &err);
    if (sent == ARC_OK)
        watch->told = status;
    else if (sent != ARC_EAGAIN && sent != ARC_ECANCELLED) /* on_writable, on_close */
        refuse(watch->call, ARC_GRPC_RESOURCE_EXHAUSTED, arc__slice_cstr(err.message));
}

static void watch_writable(void *user, arc_grpc_call *call)
{
    (void)call;
    tell(user);
}

static void watch_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    struct watch *watch = user;
    arc_grpc_router *router = watch->router;
    (void)call;
    (void)why;
    arc__list_remove(&watch->link);
    router->watch_count--;
    arc__free(&router->mem, watch);
}

static const arc_grpc_events watch_events = {
    .size = sizeof(arc_grpc_events),
    .on_writable = watch_writable,
    .on_close = watch_close,
};

static void begin_watch(void *user, arc_grpc_call *call, arc_slice message)
{
    arc_grpc_router *router = user;
    arc_slice name;
    if (!read_service(call, message, &name))
        return;
    if (router->watch_count >= ARC_GRPC_HEALTH_WATCHES_MAX) {
        refuse(call, ARC_GRPC_RESOURCE_EXHAUSTED, ARC_LIT("Too many are watching."));
        return;
    }
    struct watch *watch = arc__alloc(&router->mem, sizeof(*watch) + name.len);
    if (watch == NULL) {
        refuse(call, ARC_GRPC_RESOURCE_EXHAUSTED, ARC_LIT("Out of memory."));
        return;
    }
    watch->router = router;
    watch->call = call;
    watch->told = ARC_GRPC_HEALTH_UNTOLD;
    watch->len = name.len;
    if (name.len > 0)
        memcpy(watch->name, name.ptr, name.len);
    arc__list_add_tail(&router->watches, &watch->link);
    router->watch_count++;
    arc_grpc_call_set_events(call, &watch_events, watch);
    tell(watch);
}

void arc__grpc_health_changed(arc_grpc_router *router)
{
    struct arc_link batch;
    if (arc__list_empty(&router->watches))
        return;
    /* Moved aside and back one by one: whoever hears of a message may end any of them. */
    arc__list_init(&batch);
    arc__list_add_tail(&router->watches, &batch);
    arc__list_remove(&router->watches);
    arc__list_init(&router->watches);
    while (!arc__list_empty(&batch)) {
        struct watch *watch = ARC_CONTAINER(batch.next, struct watch, link);
        arc__list_remove(&watch->link);
        arc__list_add_tail(&router->watches, &watch->link);
        tell(watch);
    }
}

/* --- the router's ---------------------------------------------------------------------------- */

arc_status arc_grpc_router_add_health(arc_grpc_router *router, arc_err *err)
{
    ARC_REQUIRE(router != NULL, err, "router");
    const struct arc_grpc_route_row rows[] = {
        {"/grpc.health.v1.Health/Check", {.size = sizeof(arc_grpc_method), router, .unary = check}},
        {"/grpc.health.v1.Health/List", {.size = sizeof(arc_grpc_method), router, .unary = list}},
        {"/grpc.health.v1.Health/Watch",
         {.size = sizeof(arc_grpc_method), router, .unary = begin_watch}},
    };
    ARC_TRY(arc__grpc_router_add_rows(router, rows, ARC_COUNT_OF(rows), err));
    router->health = 1;
    return ARC_OK;
}

arc_status arc_grpc_router_set_health(arc_grpc_router *router, const char *name, int32_t status,
                                      arc_err *err)
{
    struct arc_grpc_service *service;
    arc_slice text = arc__slice_cstr(name);
    size_t bad_at;
    ARC_REQUIRE(router != NULL && name != NULL, err, "router");
    ARC_REQUIRE(status >= ARC_GRPC_HEALTH_UNKNOWN && status <= ARC_GRPC_HEALTH_NOT_SERVING, err,
                "status");
    ARC_REQUIRE(text.len <= ARC_GRPC_PATH_MAX_BYTES && arc__utf8_valid(text, &bad_at), err,
                "service");
    if (!router->health)
        return arc__fail(err, ARC_ECONFLICT, "health", "The router has no health service.");
    if (text.len == 0) {
        router->health_all = status;
    } else {
        if (router->service_count >= ARC_GRPC_HEALTH_SERVICES_MAX &&
            arc__grpc_service_find(router, text) == NULL)
            return arc__fail(err, ARC_ELIMIT, name, "There are %zu services already.",
                             router->service_count);
        ARC_TRY(arc__grpc_service_need(router, text, &service, err));
        service->health = status;
    }
    arc__grpc_health_changed(router);
    return ARC_OK;
}

void arc_grpc_router_shut_health(arc_grpc_router *router)
{
    router->health_shut = 1;
    arc__grpc_health_changed(router);
}
