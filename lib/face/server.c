/* SPDX-License-Identifier: Apache-2.0 */
/* The gRPC server in front of a control plane: net's sockets, wire's router and door, driven by the
 * control plane's dispatch. */
#include <arcentra/server.h>

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "face/api_files.h"
#include "face/ctl_private.h"
#include "net/grpc_server.h"
#include "net/loop.h"
#include "wire/grpc_door.h"
#include "wire/grpc_services.h"

#define LOOP_BUDGET 4096u
#define NS_PER_MS UINT64_C(1000000)

struct arc_server {
    struct arc_link link;
    struct arc_ctl *ctl;
    struct arc_grpc_door *door;
    arc_grpc_router *router;
    struct arc_net_server *server;
};

/* The loop of all servers of a control plane, nested in its descriptor. */
static arc_status need_loop(struct arc_ctl *ctl, arc_err *err)
{
    struct epoll_event event = {.events = EPOLLIN};
    if (ctl->loop != NULL)
        return ARC_OK;
    ARC_TRY(arc__loop_open(&ctl->mem, &ctl->loop, err));
    event.data.fd = arc__loop_fd(ctl->loop);
    if (epoll_ctl(ctl->epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) == 0)
        return ARC_OK;
    arc__loop_close(ctl->loop);
    ctl->loop = NULL;
    return arc__fail(err, ARC_EIO, "server", "epoll: %s.", strerror(errno));
}

static arc_status open_sockets(struct arc_server *server, const arc_server_options *options,
                               arc_err *err)
{
    struct arc_ctl *ctl = server->ctl;
    struct arc_net_env env = {.mem = ctl->mem,
                              .loop = ctl->loop,
                              .user = ctl->env.user,
                              .now_ns = ctl->env.now_ns,
                              .random = ctl->env.random,
                              .log = ctl->env.log};
    struct arc_tls_options tls = {.size = sizeof(tls),
                                  .cert_file = options->tls_cert_file,
                                  .key_file = options->tls_key_file,
                                  .ca_file = options->tls_client_ca_file};
    const char *listen = options->listen != NULL ? options->listen : ":9090";
    struct arc_net_server_options given = {
        .size = sizeof(given),
        .env = &env,
        .listen = &listen,
        .listen_count = 1,
        .tls = options->tls_cert_file != NULL ? &tls : NULL,
        .events = arc_grpc_router_get_events(),
        .user = server->router,
        .limits = options->limits,
        .interceptors = options->interceptors,
        .interceptor_count = options->interceptor_count,
        .conns_max = options->connections_max,
        .unproven_per_source_max = options->unproven_per_source_max,
        .handshake_ns = options->handshake_ms * NS_PER_MS,
    };
    return arc__net_server_open(&given, &server->server, err);
}

/* Health and reflection, and everything else to the control plane. */
static arc_status open_router(struct arc_server *server, const arc_server_options *options,
                              arc_err *err)
{
#define RPC(service, method, request, reply, client_stream, server_stream) service,
    static const char *const services[] = {
#include "rpc_table.def"
    };
#undef RPC
    arc_env env = arc__mem_to_env(&server->ctl->mem);
    ARC_TRY(arc_grpc_router_open(&env, &server->router, err));
    arc_grpc_router_set_fallback(server->router, arc__grpc_door_events(), server->door);
    for (size_t i = 0; i < ARC_COUNT_OF(services); i++) {
        /* A row for each method; the methods of a service stand together. */
        if (i == 0 || strcmp(services[i], services[i - 1]) != 0)
            ARC_TRY(arc__grpc_router_know(server->router, arc__slice_cstr(services[i]), err));
    }
    ARC_TRY(arc_grpc_router_add_health(server->router, err));
    if (options->reflection_off)
        return ARC_OK;
    return arc__grpc_router_reflect(server->router, arc__api_files, arc__api_files_len, err);
}

static void server_drop(arc_server **server)
{
    arc_server_close(*server);
}

arc_status arc_server_open(arc_ctl *ctl, const arc_server_options *given, arc_server **out,
                           arc_err *err)
{
    arc_server_options options;
    ARC_REQUIRE(ctl != NULL && out != NULL, err, "ctl");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    if ((options.tls_cert_file == NULL) != (options.tls_key_file == NULL))
        return arc__fail(err, ARC_EINVAL, "tls", "A certificate and its key come together.");
    ARC_TRY(need_loop(ctl, err));
    ARC_CLEANUP(server_drop) arc_server *server = arc__alloc(&ctl->mem, sizeof(*server));
    if (server == NULL)
        return arc__fail_nomem(err);
    server->ctl = ctl;
    struct arc_grpc_door_options door = {.size = sizeof(door),
                                         .mem = &ctl->mem,
                                         .open = arc__grpc_door_to_command,
                                         .user = ctl->command};
    ARC_TRY(arc__grpc_door_open(&door, &server->door, err));
    ARC_TRY(open_router(server, &options, err));
    ARC_TRY(open_sockets(server, &options, err));
    arc__list_add_tail(&ctl->servers, &server->link);
    *out = server;
    server = NULL;
    return ARC_OK;
}

arc_grpc_router *arc_server_get_router(arc_server *server)
{
    return server->router;
}

int arc_server_get_port(arc_server *server)
{
    return arc__net_server_port(server->server, 0);
}

void arc_server_drain(arc_server *server, uint32_t deadline_ms)
{
    uint64_t now_ns = server->ctl->env.now_ns(server->ctl->env.user);
    arc_grpc_router_shut_health(server->router);
    arc__grpc_door_drain(server->door);
    arc__net_server_drain(server->server, now_ns + deadline_ms * NS_PER_MS);
}

int arc_server_get_drained(arc_server *server)
{
    return arc__net_server_is_drained(server->server);
}

arc_status arc_server_reload_tls(arc_server *server, arc_err *err)
{
    return arc__net_server_reload_tls(server->server, err);
}

void arc_server_close(arc_server *server)
{
    if (server == NULL)
        return;
    struct arc_mem mem = server->ctl->mem;
    arc__list_remove(&server->link);
    arc__net_server_close(server->server);
    arc_grpc_router_close(server->router);
    arc__grpc_door_close(server->door);
    arc__free(&mem, server);
}

void arc__servers_dispatch(struct arc_ctl *ctl)
{
    arc_err err = ARC_ERR_INIT;
    if (ctl->loop != NULL && arc__loop_dispatch(ctl->loop, LOOP_BUDGET, NULL, &err) != ARC_OK)
        arc__env_log(&ctl->env, ARC_LOG_WARN, "server", "%s", err.message);
    arc__servers_tick(ctl);
}

void arc__servers_tick(struct arc_ctl *ctl)
{
    ARC_LIST_EACH(&ctl->servers, link)
    {
        arc__net_server_tick(ARC_CONTAINER(link, struct arc_server, link)->server);
    }
}

uint64_t arc__servers_deadline(const struct arc_ctl *ctl)
{
    uint64_t at = UINT64_MAX;
    ARC_LIST_EACH(&ctl->servers, link)
    {
        const struct arc_server *server = ARC_CONTAINER(link, struct arc_server, link);
        uint64_t next = arc__net_server_next_deadline(server->server);
        at = next < at ? next : at;
    }
    return at;
}

void arc__servers_close(struct arc_ctl *ctl)
{
    ARC_LIST_EACH_SAFE(&ctl->servers, link)
    {
        arc_server_close(ARC_CONTAINER(link, struct arc_server, link));
    }
    arc__loop_close(ctl->loop);
    ctl->loop = NULL;
}
