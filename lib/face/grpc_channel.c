/* SPDX-License-Identifier: Apache-2.0 */
/* A gRPC channel for any service: net's channel with a loop of its own and the process's clock. */
#include <arcentra/client.h>

#include "face/env.h"
#include "net/grpc_client.h"
#include "net/loop.h"

#define LOOP_BUDGET 4096u
#define NS_PER_MS UINT64_C(1000000)
#define BACKOFF_MIN_MS 1000u
#define BACKOFF_MAX_MS 120000u

struct arc_grpc_channel {
    arc_env env;
    struct arc_mem mem;
    struct arc_loop *loop;
    int dispatching;
    struct arc_net_channel *net;
    void (*on_state)(void *user, arc_grpc_channel *channel, int32_t state, const arc_err *err);
    void *user;
};

static uint64_t now_of(const arc_grpc_channel *channel)
{
    return channel->env.now_ns(channel->env.user);
}

static void on_state(void *user, int32_t state, const arc_err *err)
{
    arc_grpc_channel *channel = user;
    channel->on_state(channel->user, channel, state, err);
}

static void channel_drop(arc_grpc_channel **channel)
{
    arc_grpc_channel_close(*channel);
}

static arc_status open_net(arc_grpc_channel *channel, const arc_grpc_channel_options *options,
                           arc_err *err)
{
    struct arc_net_env env = {.mem = channel->mem,
                              .loop = channel->loop,
                              .user = channel->env.user,
                              .now_ns = channel->env.now_ns,
                              .random = channel->env.random,
                              .log = channel->env.log};
    uint32_t least = options->backoff_min_ms != 0 ? options->backoff_min_ms : BACKOFF_MIN_MS;
    uint32_t most = options->backoff_max_ms != 0 ? options->backoff_max_ms : BACKOFF_MAX_MS;
    struct arc_net_channel_options given = {
        .size = sizeof(given),
        .env = &env,
        .targets = options->targets,
        .target_count = options->target_count,
        .balance = options->balance,
        .tls = options->tls,
        .limits = options->limits,
        .retry = options->retry,
        .user_agent = options->user_agent,
        .authority = options->authority,
        .encoding = options->encoding,
        .interceptors = options->interceptors,
        .interceptor_count = options->interceptor_count,
        .credentials = options->credentials,
        .credentials_user = options->user,
        .credentials_in_clear = options->credentials_in_clear,
        .connect_ns = options->connect_ms * NS_PER_MS,
        .backoff_min_ns = least * NS_PER_MS,
        .backoff_max_ns = (most < least ? least : most) * NS_PER_MS,
        .stall_ns = options->stall_ms * NS_PER_MS,
        .on_state = options->on_state != NULL ? on_state : NULL,
        .user = channel,
    };
    return arc__net_channel_open(&given, &channel->net, err);
}

arc_status arc_grpc_channel_open(const arc_grpc_channel_options *given, arc_grpc_channel **out,
                                 arc_err *err)
{
    arc_grpc_channel_options options;
    arc_env env;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    ARC_TRY(arc__env_fill(options.env, &env, err));
    struct arc_mem mem = arc__mem_from_env(&env);
    ARC_CLEANUP(channel_drop) arc_grpc_channel *channel = arc__alloc(&mem, sizeof(*channel));
    if (channel == NULL)
        return arc__fail_nomem(err);
    channel->env = env;
    channel->mem = mem;
    channel->on_state = options.on_state;
    channel->user = options.user;
    ARC_TRY(arc__loop_open(&mem, &channel->loop, err));
    ARC_TRY(open_net(channel, &options, err));
    *out = channel;
    channel = NULL;
    return ARC_OK;
}

void arc_grpc_channel_close(arc_grpc_channel *channel)
{
    if (channel == NULL)
        return;
    struct arc_mem mem = channel->mem;
    arc__net_channel_close(channel->net);
    arc__loop_close(channel->loop);
    arc__free(&mem, channel);
}

int arc_grpc_channel_get_fd(const arc_grpc_channel *channel)
{
    return arc__loop_fd(channel->loop);
}

int arc_grpc_channel_get_timeout_ms(const arc_grpc_channel *channel)
{
    return arc__wait_ms(arc__net_channel_next_deadline(channel->net), now_of(channel));
}

static arc_status turn(arc_grpc_channel *channel, int wait_ms, arc_err *err)
{
    if (channel->dispatching)
        return arc__fail(err, ARC_ECONFLICT, "dispatch", "Dispatch was called from an event.");
    channel->dispatching = 1;
    arc_status status = arc__loop_wait(channel->loop, wait_ms, LOOP_BUDGET, err);
    if (status == ARC_OK)
        arc__net_channel_tick(channel->net);
    channel->dispatching = 0;
    return status;
}

arc_status arc_grpc_channel_dispatch(arc_grpc_channel *channel, arc_err *err)
{
    return turn(channel, 0, err);
}

arc_status arc_grpc_channel_wait(arc_grpc_channel *channel, int max_ms, arc_err *err)
{
    int due_ms = arc_grpc_channel_get_timeout_ms(channel);
    int sooner = due_ms >= 0 && (max_ms < 0 || due_ms < max_ms);
    return turn(channel, sooner ? due_ms : max_ms, err);
}

arc_status arc_grpc_channel_call(arc_grpc_channel *channel, const arc_grpc_request *request,
                                 const arc_grpc_events *events, void *user, arc_grpc_call **out,
                                 arc_err *err)
{
    int outer = channel->dispatching;
    channel->dispatching = 1; /* whoever gives credentials, or intercepts, may not dispatch */
    arc_status status = arc__net_channel_call(channel->net, request, events, user, out, err);
    channel->dispatching = outer;
    return status;
}

uint64_t arc_grpc_channel_get_now(const arc_grpc_channel *channel)
{
    return now_of(channel);
}

arc_status arc_grpc_channel_set_targets(arc_grpc_channel *channel, const char *const *targets,
                                        size_t count, arc_err *err)
{
    return arc__net_channel_set_targets(channel->net, targets, count, err);
}

void arc_grpc_channel_connect(arc_grpc_channel *channel)
{
    arc__net_channel_connect(channel->net);
}

void arc_grpc_channel_drain(arc_grpc_channel *channel)
{
    arc__net_channel_drain(channel->net);
}

int32_t arc_grpc_channel_get_state(const arc_grpc_channel *channel)
{
    return arc__net_channel_get_state(channel->net);
}

size_t arc_grpc_channel_get_calls(const arc_grpc_channel *channel)
{
    return arc__net_channel_calls(channel->net);
}

const arc_grpc_counters *arc_grpc_channel_get_counters(const arc_grpc_channel *channel)
{
    return arc__net_channel_get_counters(channel->net);
}

arc_status arc_grpc_channel_reload_tls(arc_grpc_channel *channel, arc_err *err)
{
    return arc__net_channel_reload_tls(channel->net, err);
}
