/* SPDX-License-Identifier: Apache-2.0 */
#include "net/grpc_server.h"

#include <stdio.h>
#include <unistd.h>

#include "base/list.h"
#include "net/grpc_pipe.h"
#include "net/listener.h"

#define CONNS_MAX 10000
#define UNPROVEN_PER_SOURCE_MAX 64
#define HANDSHAKE_NS (10 * UINT64_C(1000000000))
#define LINGER_NS UINT64_C(1000000000)
#define STALL_NS (30 * UINT64_C(1000000000))

struct peer {
    struct arc_grpc_pipe pipe;
    struct arc_link link; /* server->peers */
    struct arc_net_server *server;
};

struct arc_net_server {
    struct arc_pipe_hub hub;
    struct arc_tls_ctx *tls;
    struct arc_listener *listeners[ARC_GRPC_LISTEN_MAX];
    size_t listener_count;
    struct arc_grpc_limits limits;
    const struct arc_grpc_events *events;
    void *user;
    const struct arc_grpc_interceptor *const *interceptors;
    size_t interceptor_count;
    uint32_t encoding;
    uint32_t conns_max, unproven_per_source_max;
    struct arc_link peers;
    size_t peer_count;
    int draining;
    uint64_t drain_at;
    struct arc_grpc_server_stats stats;
};

static uint64_t now_of(const struct arc_net_server *server)
{
    return server->hub.env.now_ns(server->hub.env.user);
}

static void say(const struct arc_net_server *server, int level, const char *peer, const char *text)
{
    const struct arc_net_env *env = &server->hub.env;
    char line[400];
    if (env->log == NULL)
        return;
    snprintf(line, sizeof(line), "%s: %s", peer, text);
    env->log(env->user, level, "net.grpc", line);
}

/* --- peers ----------------------------------------------------------------------------------- */

static void free_peer(struct peer *peer)
{
    struct arc_net_server *server = peer->server;
    if (peer->pipe.wire != NULL)
        arc_grpc_conn_eof(peer->pipe.wire, now_of(server));
    arc_grpc_conn_free(peer->pipe.wire);
    arc__list_remove(&peer->link);
    server->peer_count--;
    arc__free(&server->hub.env.mem, peer);
}

static void on_work(void *owner, struct arc_grpc_conn *conn)
{
    struct peer *peer = owner;
    (void)conn;
    arc__pipe_touch(&peer->pipe);
}

static uint64_t make_seed(const struct arc_net_server *server)
{
    const struct arc_net_env *env = &server->hub.env;
    uint64_t seed = 0;
    /* Without entropy all connections have the age they were given: no reason to refuse one. */
    if (env->random != NULL && env->random(env->user, &seed, sizeof(seed)) != 0)
        seed = 0;
    return seed;
}

static arc_status make_wire(struct peer *peer, arc_err *err)
{
    struct arc_net_server *server = peer->server;
    struct arc_grpc_pipe *pipe = &peer->pipe;
    arc_env env = arc__mem_to_env(&server->hub.env.mem);
    struct arc_grpc_config config = {
        .size = sizeof(config),
        .env = &env,
        .server = 1,
        .limits = &server->limits,
        .events = server->events,
        .user = server->user,
        .counters = &server->stats.wire,
        .peer = pipe->conn.peer_text,
        .on_work = on_work,
        .owner = peer,
        .encoding = server->encoding,
        .interceptors = server->interceptors,
        .interceptor_count = server->interceptor_count,
        .seed = make_seed(server),
    };
    ARC_TRY(arc__grpc_conn_new(&config, &server->hub.pool, now_of(server), &pipe->wire, err));
    return arc__conn_identify(&pipe->conn, pipe->wire, err);
}

static void on_open(void *user, struct arc_grpc_pipe *pipe)
{
    struct arc_net_server *server = user;
    struct peer *peer = ARC_CONTAINER(pipe, struct peer, pipe);
    arc_err err = ARC_ERR_INIT;
    if (make_wire(peer, &err) != ARC_OK) {
        pipe->open = 0; /* nothing of HTTP/2 was said: it counts as a failed handshake */
        arc__pipe_fail(pipe, &err);
        return;
    }
    if (server->draining)
        arc_grpc_conn_drain(pipe->wire, now_of(server));
}

static void on_over(void *user, struct arc_grpc_pipe *pipe, const arc_err *err)
{
    struct arc_net_server *server = user;
    struct peer *peer = ARC_CONTAINER(pipe, struct peer, pipe);
    if (!pipe->open)
        server->stats.failed_handshake++;
    if (err->status != ARC_EDONE)
        say(server, ARC_LOG_INFO, pipe->conn.peer_text, err->message);
    free_peer(peer);
}

static size_t unproven_of_source(const struct arc_net_server *server, const struct arc_addr *addr)
{
    size_t count = 0;
    ARC_LIST_EACH(&server->peers, link)
    {
        const struct peer *peer = ARC_CONTAINER(link, struct peer, link);
        count += arc__addr_same_host(&peer->pipe.conn.peer, addr) &&
                 (peer->pipe.wire == NULL || !arc_grpc_conn_is_proven(peer->pipe.wire));
    }
    return count;
}

static int too_many_of_source(const struct arc_net_server *server, const struct arc_addr *addr)
{
    uint32_t most = server->unproven_per_source_max;
    if (most == 0 && arc__addr_is_loopback(addr))
        return 0;
    return unproven_of_source(server, addr) >= (most != 0 ? most : UNPROVEN_PER_SOURCE_MAX);
}

static void on_accept(void *user, int fd, const struct arc_addr *addr)
{
    struct arc_net_server *server = user;
    arc_err err = ARC_ERR_INIT;
    struct peer *peer = NULL;
    uint64_t *refused = NULL;
    if (server->peer_count >= server->conns_max)
        refused = &server->stats.refused_full;
    else if (too_many_of_source(server, addr))
        refused = &server->stats.refused_source;
    else if ((peer = arc__alloc(&server->hub.env.mem, sizeof(*peer))) == NULL)
        refused = &server->stats.refused_starved;
    if (refused != NULL) {
        ++*refused;
        close(fd);
        return;
    }
    peer->server = server;
    if (arc__conn_accept(&peer->pipe.conn, fd, addr, server->tls, &err) != ARC_OK) {
        server->stats.refused_starved++;
        arc__free(&server->hub.env.mem, peer);
        return;
    }
    arc__list_add_tail(&server->peers, &peer->link);
    server->peer_count++;
    if (arc__pipe_start(&peer->pipe, &server->hub, NULL, &err) != ARC_OK) {
        server->stats.refused_starved++;
        arc__pipe_stop(&peer->pipe);
        free_peer(peer);
        return;
    }
    server->stats.accepted++;
}

/* --- the server ------------------------------------------------------------------------------ */

static arc_status check_options(const struct arc_net_server_options *options, arc_err *err)
{
    ARC_REQUIRE(options != NULL && options->size == sizeof(*options), err, "options");
    ARC_REQUIRE(options->env != NULL && options->env->loop != NULL && options->env->now_ns != NULL,
                err, "options.env");
    ARC_REQUIRE(options->listen_count > 0 && options->listen_count <= ARC_GRPC_LISTEN_MAX, err,
                "options.listen");
    ARC_REQUIRE(options->events != NULL, err, "options.events");
    ARC_TRY(arc__grpc_interceptors_check(options->interceptors, options->interceptor_count, err));
    return ARC_OK;
}

static arc_status open_parts(struct arc_net_server *server,
                             const struct arc_net_server_options *options, arc_err *err)
{
    ARC_TRY(arc__grpc_limits_fill(options->limits, 1, &server->limits, err));
    ARC_TRY(arc__hub_init(&server->hub, options->env, &server->limits, err));
    server->hub.user = server;
    server->hub.on_open = on_open;
    server->hub.on_over = on_over;
    server->hub.handshake_ns = options->handshake_ns != 0 ? options->handshake_ns : HANDSHAKE_NS;
    server->hub.linger_ns = LINGER_NS;
    server->hub.stall_ns = options->stall_ns != 0 ? options->stall_ns : STALL_NS;
    if (options->tls != NULL)
        ARC_TRY(arc__tls_ctx_open(&server->hub.env.mem, options->tls, 1, &server->tls, err));
    for (size_t i = 0; i < options->listen_count; i++) {
        ARC_TRY(arc__listener_open(&server->hub.env, options->listen[i], on_accept, server,
                                   &server->listeners[i], err));
        server->listener_count++;
    }
    return ARC_OK;
}

arc_status arc__net_server_open(const struct arc_net_server_options *options,
                                struct arc_net_server **out, arc_err *err)
{
    ARC_TRY(check_options(options, err));
    struct arc_net_server *server = arc__alloc(&options->env->mem, sizeof(*server));
    if (server == NULL)
        return arc__fail_nomem(err);
    server->hub.env = *options->env;
    server->events = options->events;
    server->user = options->user;
    server->interceptors = options->interceptors;
    server->interceptor_count = options->interceptor_count;
    server->encoding = options->encoding;
    server->conns_max = options->conns_max != 0 ? options->conns_max : CONNS_MAX;
    server->unproven_per_source_max = options->unproven_per_source_max;
    server->drain_at = ARC_NET_NEVER;
    arc__list_init(&server->peers);
    arc_status status = open_parts(server, options, err);
    if (status != ARC_OK) {
        arc__net_server_close(server);
        return status;
    }
    *out = server;
    return ARC_OK;
}

static void close_listeners(struct arc_net_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        server->stats.refused_starved += arc__listener_starved(server->listeners[i]);
        arc__listener_close(server->listeners[i]);
    }
    server->listener_count = 0;
}

static void cut_peers(struct arc_net_server *server)
{
    while (!arc__list_empty(&server->peers)) {
        struct peer *peer = ARC_CONTAINER(server->peers.next, struct peer, link);
        arc__pipe_stop(&peer->pipe);
        free_peer(peer);
    }
}

void arc__net_server_close(struct arc_net_server *server)
{
    if (server == NULL)
        return;
    close_listeners(server);
    cut_peers(server);
    arc__tls_ctx_close(server->tls);
    struct arc_mem mem = server->hub.env.mem;
    arc__hub_deinit(&server->hub);
    arc__free(&mem, server);
}

void arc__net_server_tick(struct arc_net_server *server)
{
    arc__hub_tick(&server->hub);
    if (server->draining && now_of(server) >= server->drain_at)
        cut_peers(server);
}

uint64_t arc__net_server_next_deadline(const struct arc_net_server *server)
{
    uint64_t next = arc__hub_next_deadline(&server->hub);
    if (server->draining && server->peer_count > 0 && server->drain_at < next)
        return server->drain_at;
    return next;
}

void arc__net_server_drain(struct arc_net_server *server, uint64_t deadline_ns)
{
    if (deadline_ns < server->drain_at)
        server->drain_at = deadline_ns;
    if (server->draining)
        return;
    server->draining = 1;
    close_listeners(server);
    ARC_LIST_EACH(&server->peers, link)
    {
        struct peer *peer = ARC_CONTAINER(link, struct peer, link);
        if (peer->pipe.wire != NULL)
            arc_grpc_conn_drain(peer->pipe.wire, now_of(server));
    }
}

int arc__net_server_is_drained(const struct arc_net_server *server)
{
    return server->draining && server->peer_count == 0;
}

size_t arc__net_server_listeners(const struct arc_net_server *server)
{
    return server->listener_count;
}

uint16_t arc__net_server_port(const struct arc_net_server *server, size_t index)
{
    return index < server->listener_count ? arc__listener_port(server->listeners[index]) : 0;
}

int arc__net_server_is_loopback(const struct arc_net_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        if (!arc__listener_is_loopback(server->listeners[i]))
            return 0;
    }
    return 1;
}

void arc__net_server_stats(const struct arc_net_server *server, struct arc_grpc_server_stats *out)
{
    *out = server->stats;
    out->connections = server->peer_count;
    out->bytes_in = server->hub.bytes_in;
    out->bytes_out = server->hub.bytes_out;
    for (size_t i = 0; i < server->listener_count; i++)
        out->refused_starved += arc__listener_starved(server->listeners[i]);
    ARC_LIST_EACH(&server->peers, link)
    {
        const struct peer *peer = ARC_CONTAINER(link, struct peer, link);
        out->calls += peer->pipe.wire != NULL ? arc_grpc_conn_get_calls(peer->pipe.wire) : 0;
    }
}

arc_status arc__net_server_reload_tls(struct arc_net_server *server, arc_err *err)
{
    return arc__tls_ctx_reload(&server->tls, err);
}
