/* SPDX-License-Identifier: Apache-2.0 */
/* A gRPC server for any service: net's server with a loop of its own and the process's clock. */
#include <arcentra/server.h>

#include <string.h>

#include "face/env.h"
#include "net/grpc_server.h"
#include "net/loop.h"

#define LOOP_BUDGET 4096u
#define NS_PER_MS UINT64_C(1000000)

struct arc_grpc_server {
    arc_env env;
    struct arc_mem mem;
    struct arc_loop *loop;
    int dispatching;
    struct arc_net_server *net;
};

static uint64_t now_of(const arc_grpc_server *server)
{
    return server->env.now_ns(server->env.user);
}

static void server_drop(arc_grpc_server **server)
{
    arc_grpc_server_close(*server);
}

static arc_status open_net(arc_grpc_server *server, const arc_grpc_server_options *options,
                           arc_err *err)
{
    struct arc_net_env env = {.mem = server->mem,
                              .loop = server->loop,
                              .user = server->env.user,
                              .now_ns = server->env.now_ns,
                              .random = server->env.random,
                              .log = server->env.log};
    struct arc_net_server_options given = {
        .size = sizeof(given),
        .env = &env,
        .listen = options->listen,
        .listen_count = options->listen_count,
        .tls = options->tls,
        .limits = options->limits,
        .events = options->events,
        .user = options->user,
        .interceptors = options->interceptors,
        .interceptor_count = options->interceptor_count,
        .encoding = options->encoding,
        .conns_max = options->connections_max,
        .unproven_per_source_max = options->unproven_per_source_max,
        .handshake_ns = options->handshake_ms * NS_PER_MS,
        .stall_ns = options->stall_ms * NS_PER_MS,
    };
    return arc__net_server_open(&given, &server->net, err);
}

arc_status arc_grpc_server_open(const arc_grpc_server_options *given, arc_grpc_server **out,
                                arc_err *err)
{
    arc_grpc_server_options options;
    arc_env env;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    ARC_TRY(arc__env_fill(options.env, &env, err));
    struct arc_mem mem = arc__mem_from_env(&env);
    ARC_CLEANUP(server_drop) arc_grpc_server *server = arc__alloc(&mem, sizeof(*server));
    if (server == NULL)
        return arc__fail_nomem(err);
    server->env = env;
    server->mem = mem;
    ARC_TRY(arc__loop_open(&mem, &server->loop, err));
    ARC_TRY(open_net(server, &options, err));
    *out = server;
    server = NULL;
    return ARC_OK;
}

void arc_grpc_server_close(arc_grpc_server *server)
{
    if (server == NULL)
        return;
    struct arc_mem mem = server->mem;
    arc__net_server_close(server->net);
    arc__loop_close(server->loop);
    arc__free(&mem, server);
}

int arc_grpc_server_get_fd(const arc_grpc_server *server)
{
    return arc__loop_fd(server->loop);
}

int arc_grpc_server_get_timeout_ms(const arc_grpc_server *server)
{
    return arc__wait_ms(arc__net_server_next_deadline(server->net), now_of(server));
}

static arc_status turn(arc_grpc_server *server, int wait_ms, arc_err *err)
{
    if (server->dispatching)
        return arc__fail(err, ARC_ECONFLICT, "dispatch", "Dispatch was called from an event.");
    server->dispatching = 1;
    arc_status status = arc__loop_wait(server->loop, wait_ms, LOOP_BUDGET, err);
    if (status == ARC_OK)
        arc__net_server_tick(server->net);
    server->dispatching = 0;
    return status;
}

arc_status arc_grpc_server_dispatch(arc_grpc_server *server, arc_err *err)
{
    return turn(server, 0, err);
}

arc_status arc_grpc_server_wait(arc_grpc_server *server, int max_ms, arc_err *err)
{
    int due_ms = arc_grpc_server_get_timeout_ms(server);
    int sooner = due_ms >= 0 && (max_ms < 0 || due_ms < max_ms);
    return turn(server, sooner ? due_ms : max_ms, err);
}

void arc_grpc_server_drain(arc_grpc_server *server, uint32_t deadline_ms)
{
    arc__net_server_drain(server->net, now_of(server) + deadline_ms * NS_PER_MS);
}

int arc_grpc_server_get_drained(const arc_grpc_server *server)
{
    return arc__net_server_is_drained(server->net);
}

int arc_grpc_server_get_port(const arc_grpc_server *server, size_t index)
{
    return arc__net_server_port(server->net, index);
}

void arc_grpc_server_get_stats(const arc_grpc_server *server, arc_grpc_server_stats *out)
{
    arc_grpc_server_stats stats;
    size_t room = out->size < sizeof(stats) ? out->size : sizeof(stats);
    arc__net_server_stats(server->net, &stats);
    stats.size = room;
    memcpy(out, &stats, room);
}

arc_status arc_grpc_server_reload_tls(arc_grpc_server *server, arc_err *err)
{
    return arc__net_server_reload_tls(server->net, err);
}
