/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <poll.h>
#include <stdio.h>

static uint64_t host_now(void *user)
{
    struct host *host = user;
    return host->now_ns;
}

static int host_random(void *user, void *buf, size_t len)
{
    struct host *host = user;
    unsigned char *out = buf;
    for (size_t i = 0; i < len; i++) {
        host->random = host->random * UINT64_C(6364136223846793005) + 1442695040888963407U;
        out[i] = (unsigned char)(host->random >> 56);
    }
    return 0;
}

arc_status host_open(struct host *host, const struct arc_mem *mem)
{
    *host = (struct host){.now_ns = 1000 * PAIR_S, .random = 7};
    host->env.mem = mem != NULL ? *mem : arc__mem_default();
    host->env.user = host;
    host->env.now_ns = host_now;
    host->env.random = host_random;
    host->service.mem = host->env.mem;
    ARC_TRY(arc__loop_open(&host->env.mem, &host->loop, NULL));
    host->env.loop = host->loop;
    return ARC_OK;
}

void host_stop(struct host *host)
{
    arc__net_server_close(host->server);
    host->server = NULL;
}

void host_close(struct host *host)
{
    arc__net_channel_close(host->channel);
    arc__net_channel_close(host->second);
    host_stop(host);
    for (size_t i = 0; i < HOST_MORE_MAX; i++) {
        arc__net_server_close(host->more[i]);
        host->more[i] = NULL;
    }
    arc__loop_close(host->loop);
    host->channel = host->second = NULL;
    host->loop = NULL;
}

arc_status host_serve(struct host *host, const struct arc_net_server_options *options, arc_err *err)
{
    static const char *const any[] = {"127.0.0.1:0"};
    struct arc_net_server_options filled = {.size = sizeof(filled)};
    if (options != NULL)
        filled = *options;
    filled.size = sizeof(filled);
    filled.env = &host->env;
    filled.events = &service_events;
    filled.user = &host->service;
    if (filled.listen == NULL) {
        filled.listen = any;
        filled.listen_count = 1;
    }
    ARC_TRY(arc__net_server_open(&filled, &host->server, err));
    snprintf(host->address, sizeof(host->address), "127.0.0.1:%u",
             (unsigned)arc__net_server_port(host->server, 0));
    return ARC_OK;
}

static void on_state(void *user, int32_t state, const arc_err *err)
{
    struct host *host = user;
    host->states[state]++;
    if (err != NULL)
        snprintf(host->why, sizeof(host->why), "%s", err->message);
}

arc_status host_connect(struct host *host, const struct arc_net_channel_options *options,
                        struct arc_net_channel **out, arc_err *err)
{
    struct arc_net_channel_options filled = {.size = sizeof(filled)};
    if (options != NULL)
        filled = *options;
    filled.size = sizeof(filled);
    filled.env = &host->env;
    filled.on_state = on_state;
    filled.user = host;
    const char *address = host->address;
    if (filled.targets == NULL) {
        filled.targets = &address;
        filled.target_count = 1;
    }
    return arc__net_channel_open(&filled, out, err);
}

static uint64_t next_deadline(const struct host *host)
{
    uint64_t next = ARC_NET_NEVER, at;
    struct arc_net_channel *const channels[] = {host->channel, host->second};
    if (host->server != NULL)
        next = arc__net_server_next_deadline(host->server);
    for (size_t i = 0; i < HOST_MORE_MAX; i++) {
        if (host->more[i] == NULL)
            continue;
        at = arc__net_server_next_deadline(host->more[i]);
        next = at < next ? at : next;
    }
    for (size_t i = 0; i < 2; i++) {
        if (channels[i] == NULL)
            continue;
        at = arc__net_channel_next_deadline(channels[i]);
        next = at < next ? at : next;
    }
    return next;
}

/* 1: something moved. */
static int turn(struct host *host, int wait_ms)
{
    int due = next_deadline(host) <= host->now_ns;
    struct pollfd poller = {.fd = arc__loop_fd(host->loop), .events = POLLIN};
    int ready = poll(&poller, 1, due ? 0 : wait_ms);
    if (ready > 0)
        CHECK_OK(arc__loop_dispatch(host->loop, 64, NULL, NULL));
    if (host->server != NULL)
        arc__net_server_tick(host->server);
    for (size_t i = 0; i < HOST_MORE_MAX; i++) {
        if (host->more[i] != NULL)
            arc__net_server_tick(host->more[i]);
    }
    if (host->channel != NULL)
        arc__net_channel_tick(host->channel);
    if (host->second != NULL)
        arc__net_channel_tick(host->second);
    return due || ready > 0;
}

void host_turn(struct host *host, int wait_ms)
{
    (void)turn(host, wait_ms);
}

void host_settle(struct host *host)
{
    for (int i = 0; i < 100000; i++) {
        if (!turn(host, 20))
            return;
    }
    CU_FAIL("the host never comes to rest");
}

void host_until(struct host *host, const int *done)
{
    for (int i = 0; i < 200000 && *done == 0; i++) {
        if (turn(host, 5))
            continue;
        uint64_t next = next_deadline(host);
        if (next == ARC_NET_NEVER && !turn(host, 2000))
            break;
        if (next != ARC_NET_NEVER && next > host->now_ns)
            host->now_ns = next;
    }
    if (*done == 0) {
        host->broke = 1;
        CU_FAIL("the host waits for what does not come");
    }
}

arc_status host_call(struct host *host, struct arc_net_channel *channel, const char *path,
                     uint64_t deadline_ns, int wait_for_ready, struct seen *seen)
{
    struct arc_grpc_request request = {
        .size = sizeof(request),
        .path = arc__slice_cstr(path),
        .deadline_ns = deadline_ns != 0 ? deadline_ns : ARC_GRPC_NEVER,
        .wait_for_ready = wait_for_ready,
    };
    (void)host;
    return arc__net_channel_call(channel, &request, &seen_events, seen, &seen->call, NULL);
}

arc_status host_unary(struct host *host, struct arc_net_channel *channel, const char *path,
                      arc_slice message, struct seen *seen)
{
    ARC_TRY(host_call(host, channel, path, 0, 0, seen));
    arc_status status = arc_grpc_call_send(seen->call, message, NULL);
    if (status == ARC_OK)
        arc_grpc_call_half_close(seen->call);
    else
        arc_grpc_call_cancel(seen->call);
    host_until(host, &seen->closes);
    return status;
}
