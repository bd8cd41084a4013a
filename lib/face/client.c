/* SPDX-License-Identifier: Apache-2.0 */
/* The gRPC client: the same call object as in process, over a channel. Messages come as JSON or
 * protobuf and travel as protobuf. */
#include <arcentra/client.h>
#include <arcentra/version.h>

#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/status.h"
#include "codec/codec.h"
#include "command/call.h"
#include "face/env.h"
#include "messages.h"
#include "net/grpc_client.h"
#include "net/loop.h"

#define INBOX_BYTES_MAX (1u << 20) /* beyond it the peer is not read: back-pressure */
#define MESSAGE_BYTES_MAX (16u << 20)
#define ARENA_BYTES_MAX (64u << 20)
#define TOKEN_HEADER_MAX 1024
#define LOOP_BUDGET 10000u

struct rpc {
    const char *service, *method;
    const ProtobufCMessageDescriptor *request, *reply;
};

/* clang-format off */
#define RPC(service, method, request, reply, client_stream, server_stream)                         \
    {service, method, &request, &reply},
static const struct rpc rpcs[] = {
#include "rpc_table.def"
};
#undef RPC
/* clang-format on */

struct arc_client {
    arc_env env;
    struct arc_mem mem;
    struct arc_loop *loop;
    struct arc_net_channel *channel;
    struct arc_link calls;
    void (*state_fn)(void *user, arc_client *client, int state);
    void *state_user;
    char authorization[TOKEN_HEADER_MAX]; /* "Bearer …"; "": none */
    char trouble[256];
    int dispatching;
};

/* A message that has come and waits to be taken. */
struct letter {
    struct arc_link link;
    size_t len;
    char bytes[];
};

struct remote_call {
    struct arc_call base; /* first: an arc_call is its remote_call */
    struct arc_link link;
    struct arc_client *client;
    const struct rpc *rpc;
    uint32_t format;
    struct arc_grpc_call *call; /* NULL: over */
    struct arc_link inbox;
    size_t inbox_bytes;
    struct letter *shown; /* what next gave out last */
    struct arc_buf out;   /* what next shows of it, as JSON */
    struct arc_arena arena;
    int paused, over;
    arc_status status;
    arc_err err;
    void (*ready)(void *user, arc_call *call);
    void *user;
};

static struct remote_call *remote(struct arc_call *call)
{
    return (struct remote_call *)(void *)call;
}

static void tell(struct remote_call *call)
{
    if (call->ready != NULL)
        call->ready(call->user, &call->base);
}

/* --- what the wire brings ------------------------------------------------------------ */

static void end_call(struct remote_call *call, arc_status status, const char *message)
{
    if (call->over)
        return;
    call->over = 1;
    call->status = status;
    if (status != ARC_OK)
        (void)arc__fail(&call->err, status, call->rpc->method, "%s", message);
}

static void on_message(void *user, struct arc_grpc_call *wire, arc_slice message)
{
    struct remote_call *call = user;
    struct letter *letter = arc__alloc(&call->client->mem, sizeof(*letter) + message.len + 1);
    if (letter == NULL) {
        end_call(call, ARC_ENOMEM, "Out of memory.");
        arc_grpc_call_cancel(wire);
        return;
    }
    letter->len = message.len;
    if (message.len > 0)
        memcpy(letter->bytes, message.ptr, message.len);
    arc__list_add_tail(&call->inbox, &letter->link);
    call->inbox_bytes += message.len;
    if (call->inbox_bytes > INBOX_BYTES_MAX && !call->paused) {
        call->paused = 1;
        arc_grpc_call_pause(wire);
    }
    tell(call);
}

static void on_writable(void *user, struct arc_grpc_call *wire)
{
    (void)wire;
    tell(user);
}

static void on_status(void *user, struct arc_grpc_call *wire, const struct arc_grpc_status *status)
{
    struct remote_call *call = user;
    char text[256];
    (void)wire;
    (void)snprintf(text, sizeof(text), "%.*s", ARC_ARG(status->message));
    end_call(call, status->code == 0 ? ARC_OK : arc__status_from_grpc(status->code), text);
}

static void on_close(void *user, struct arc_grpc_call *wire, arc_grpc_why why)
{
    struct remote_call *call = user;
    (void)wire;
    call->call = NULL;
    end_call(call, ARC_EUNAVAILABLE, arc_grpc_why_name(why));
    tell(call);
}

static const struct arc_grpc_events call_events = {
    .size = sizeof(call_events),
    .on_message = on_message,
    .on_writable = on_writable,
    .on_status = on_status,
    .on_close = on_close,
};

/* --- the call ------------------------------------------------------------------------ */

static arc_status call_over(const struct remote_call *call, arc_err *err)
{
    return arc__fail(err, ARC_EDONE, call->rpc->method, "The call is over.");
}

static arc_status remote_send(struct arc_call *base, arc_slice bytes, arc_err *err)
{
    struct remote_call *call = remote(base);
    struct arc_buf packed;
    void *message = NULL;
    if (call->over || call->call == NULL)
        return call_over(call, err);
    if (call->format == ARC_CALL_PROTOBUF)
        return arc_grpc_call_send(call->call, bytes, err);
    arc__arena_reset(&call->arena);
    ARC_TRY(arc__pb_from_json(call->rpc->request, bytes, &call->arena, NULL, &message, NULL, err));
    arc__buf_init(&packed, &call->client->mem, MESSAGE_BYTES_MAX);
    arc_status status = arc__pb_encode(message, &packed, err);
    if (status == ARC_OK)
        status = arc__buf_check(&packed, err);
    if (status == ARC_OK)
        status = arc_grpc_call_send(call->call, arc__buf_slice(&packed), err);
    arc__buf_deinit(&packed);
    return status;
}

static arc_status remote_half_close(struct arc_call *base, arc_err *err)
{
    struct remote_call *call = remote(base);
    if (call->over || call->call == NULL)
        return call_over(call, err);
    arc_grpc_call_half_close(call->call);
    return ARC_OK;
}

static arc_status show(struct remote_call *call, arc_slice *out, arc_err *err)
{
    struct arc_json json;
    void *message = NULL;
    arc_slice bytes = arc__slice(call->shown->bytes, call->shown->len);
    if (call->format == ARC_CALL_PROTOBUF) {
        *out = bytes;
        return ARC_OK;
    }
    arc__arena_reset(&call->arena);
    ARC_TRY(arc__pb_decode(call->rpc->reply, bytes, &call->arena, NULL, &message, err));
    arc__buf_clear(&call->out);
    arc__json_init(&json, &call->out);
    ARC_TRY(arc__pb_to_json(message, &json, NULL, err));
    ARC_TRY(arc__buf_check(&call->out, err));
    *out = arc__buf_slice(&call->out);
    return ARC_OK;
}

static arc_status remote_next(struct arc_call *base, arc_slice *out, arc_err *err)
{
    struct remote_call *call = remote(base);
    if (arc__list_empty(&call->inbox))
        return call->over ? ARC_EDONE : ARC_EAGAIN;
    arc__free(&call->client->mem, call->shown);
    call->shown = ARC_CONTAINER(call->inbox.next, struct letter, link);
    arc__list_remove(&call->shown->link);
    call->inbox_bytes -= call->shown->len;
    if (call->paused && call->inbox_bytes <= INBOX_BYTES_MAX / 2 && call->call != NULL) {
        call->paused = 0;
        arc_grpc_call_resume(call->call);
    }
    return show(call, out, err);
}

static arc_status remote_status(struct arc_call *base, arc_err *err)
{
    struct remote_call *call = remote(base);
    if (!call->over)
        return ARC_EAGAIN;
    if (call->status == ARC_OK)
        return ARC_OK;
    return arc__fail(err, call->status, call->err.subject, "%s", call->err.message);
}

static void remote_close(struct arc_call *base)
{
    struct remote_call *call = remote(base);
    struct arc_mem mem = call->client->mem;
    if (call->call != NULL)
        arc_grpc_call_drop(call->call);
    ARC_LIST_EACH_SAFE(&call->inbox, link)
    {
        arc__free(&mem, ARC_CONTAINER(link, struct letter, link));
    }
    arc__free(&mem, call->shown);
    arc__list_remove(&call->link);
    arc__buf_deinit(&call->out);
    arc__arena_deinit(&call->arena);
    arc__free(&mem, call);
}

static const struct arc_call_ops remote_ops = {remote_send, remote_half_close, remote_next,
                                               remote_status, remote_close};

static const struct rpc *find_rpc(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (path[0] == '/')
        path++;
    for (size_t i = 0; slash != NULL && i < ARC_COUNT_OF(rpcs); i++) {
        arc_slice service = arc__slice(path, (size_t)(slash - path));
        if (arc__slice_is(service, rpcs[i].service) && strcmp(slash + 1, rpcs[i].method) == 0)
            return &rpcs[i];
    }
    return NULL;
}

static arc_status open_on_channel(struct arc_client *client, struct remote_call *call,
                                  const arc_call_options *options, arc_err *err)
{
    char path[256], header[TOKEN_HEADER_MAX];
    struct arc_grpc_field field = {.name = ARC_LIT("authorization")};
    struct arc_grpc_request request = {.size = sizeof(request),
                                       .deadline_ns = ARC_GRPC_NEVER,
                                       .wait_for_ready = !options->fail_fast};
    (void)snprintf(path, sizeof(path), "/%s/%s", call->rpc->service, call->rpc->method);
    request.path = arc__slice_cstr(path);
    if (options->deadline_ms > 0)
        request.deadline_ns =
            client->env.now_ns(client->env.user) + (uint64_t)options->deadline_ms * 1000000u;
    field.value = arc__slice_cstr(client->authorization);
    if (options->token != NULL) {
        int wrote = snprintf(header, sizeof(header), "Bearer %s", options->token);
        if (wrote < 0 || (size_t)wrote >= sizeof(header))
            return arc__fail(err, ARC_EINVAL, "token", "The token is too long.");
        field.value = arc__slice_cstr(header);
    }
    request.fields = &field;
    request.count = field.value.len > 0 ? 1 : 0;
    return arc__net_channel_call(client->channel, &request, &call_events, call, &call->call, err);
}

arc_status arc_client_call(arc_client *client, const char *method, const arc_call_options *given,
                           arc_call **out, arc_err *err)
{
    arc_call_options options;
    ARC_REQUIRE(method != NULL && out != NULL, err, "method");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    const struct rpc *rpc = find_rpc(method);
    if (rpc == NULL)
        return arc__fail(err, ARC_EINVAL, "method", "There is no method %.120s.", method);
    struct remote_call *call = arc__alloc(&client->mem, sizeof(*call));
    if (call == NULL)
        return arc__fail_nomem(err);
    call->base.ops = &remote_ops;
    call->client = client;
    call->rpc = rpc;
    call->format = options.format != 0 ? options.format : ARC_CALL_JSON;
    call->ready = options.ready;
    call->user = options.user;
    call->err = (arc_err)ARC_ERR_INIT;
    arc__list_init(&call->inbox);
    arc__buf_init(&call->out, &client->mem, ARENA_BYTES_MAX);
    arc__arena_init(&call->arena, &client->mem, ARENA_BYTES_MAX);
    arc__list_add_tail(&client->calls, &call->link);
    arc_status status = open_on_channel(client, call, &options, err);
    if (status == ARC_EUNAVAILABLE) { /* the call's own status, as for any other refusal */
        end_call(call, status, client->trouble[0] != '\0' ? client->trouble : "Not connected.");
        status = ARC_OK;
    }
    if (status != ARC_OK) {
        remote_close(&call->base);
        return status;
    }
    *out = &call->base;
    return ARC_OK;
}

/* --- the channel --------------------------------------------------------------------- */

static int public_state(int32_t state)
{
    switch (state) {
    case ARC_GRPC_CHANNEL_CONNECTING:
        return ARC_CLIENT_CONNECTING;
    case ARC_GRPC_CHANNEL_READY:
        return ARC_CLIENT_READY;
    case ARC_GRPC_CHANNEL_BACKOFF:
        return ARC_CLIENT_WAITING;
    default:
        return ARC_CLIENT_IDLE;
    }
}

static void on_state(void *user, int32_t state, const arc_err *err)
{
    struct arc_client *client = user;
    if (err != NULL)
        (void)snprintf(client->trouble, sizeof(client->trouble), "%s", err->message);
    else if (state == ARC_GRPC_CHANNEL_READY)
        client->trouble[0] = '\0';
    if (client->state_fn != NULL)
        client->state_fn(client->state_user, client, public_state(state));
}

static arc_status open_channel(struct arc_client *client, const arc_client_options *options,
                               arc_err *err)
{
    struct arc_net_env env = {.mem = client->mem,
                              .loop = client->loop,
                              .user = client->env.user,
                              .now_ns = client->env.now_ns,
                              .random = client->env.random,
                              .log = client->env.log};
    struct arc_tls_options tls = {.size = sizeof(tls),
                                  .cert_file = options->tls_cert_file,
                                  .key_file = options->tls_key_file,
                                  .ca_file = options->tls_ca_file,
                                  .server_name = options->tls_name};
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    limits.keepalive_ns =
        (uint64_t)(options->keepalive_ms != 0 ? options->keepalive_ms : 30000) * 1000000u;
    limits.keepalive_timeout_ns = UINT64_C(10000000000);
    struct arc_net_channel_options channel = {
        .size = sizeof(channel),
        .env = &env,
        .targets = options->target != NULL ? &options->target : options->targets,
        .target_count = options->target != NULL ? 1 : options->target_count,
        .tls = options->tls || options->tls_ca_file != NULL ? &tls : NULL,
        .limits = &limits,
        .user_agent = "libarcentra/" ARC_VERSION,
        .connect_ns = (uint64_t)options->connect_ms * 1000000u,
        .backoff_min_ns =
            (uint64_t)(options->backoff_min_ms != 0 ? options->backoff_min_ms : 1000) * 1000000u,
        .backoff_max_ns =
            (uint64_t)(options->backoff_max_ms != 0 ? options->backoff_max_ms : 60000) * 1000000u,
        .on_state = on_state,
        .user = client,
    };
    return arc__net_channel_open(&channel, &client->channel, err);
}

static void client_drop(arc_client **client)
{
    arc_client_close(*client);
}

arc_status arc_client_open(const arc_client_options *given, arc_client **out, arc_err *err)
{
    arc_client_options options;
    arc_env env;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    ARC_REQUIRE((options.target != NULL) != (options.targets != NULL), err, "target");
    ARC_REQUIRE(options.targets == NULL || options.target_count > 0, err, "target_count");
    ARC_TRY(arc__env_fill(options.env, &env, err));
    struct arc_mem mem = arc__mem_from_env(options.env);
    ARC_CLEANUP(client_drop) arc_client *client = arc__alloc(&mem, sizeof(*client));
    if (client == NULL)
        return arc__fail_nomem(err);
    client->env = env;
    client->mem = mem;
    client->state_fn = options.state;
    client->state_user = options.user;
    arc__list_init(&client->calls);
    ARC_TRY(arc__loop_open(&mem, &client->loop, err));
    ARC_TRY(open_channel(client, &options, err));
    ARC_TRY(arc_client_set_token(client, options.token, err));
    *out = client;
    client = NULL;
    return ARC_OK;
}

int arc_client_fd(arc_client *client)
{
    return arc__loop_fd(client->loop);
}

int arc_client_timeout_ms(arc_client *client)
{
    return arc__wait_ms(arc__net_channel_next_deadline(client->channel),
                        client->env.now_ns(client->env.user));
}

arc_status arc_client_dispatch(arc_client *client, arc_err *err)
{
    if (client->dispatching)
        return arc__fail(err, ARC_ECONFLICT, "dispatch", "Dispatch was called from a callback.");
    client->dispatching = 1;
    arc_status status = arc__loop_dispatch(client->loop, LOOP_BUDGET, NULL, err);
    if (status == ARC_OK)
        arc__net_channel_tick(client->channel);
    client->dispatching = 0;
    return status;
}

int arc_client_get_state(arc_client *client)
{
    return public_state(arc__net_channel_get_state(client->channel));
}

const char *arc_client_get_trouble(arc_client *client)
{
    return client->trouble;
}

arc_status arc_client_set_token(arc_client *client, const char *token, arc_err *err)
{
    if (token == NULL || token[0] == '\0') {
        arc__wipe(client->authorization, sizeof(client->authorization));
        return ARC_OK;
    }
    if (strlen(token) + sizeof("Bearer ") > sizeof(client->authorization))
        return arc__fail(err, ARC_EINVAL, "token", "The token is too long.");
    (void)snprintf(client->authorization, sizeof(client->authorization), "Bearer %s", token);
    return ARC_OK;
}

void arc_client_close(arc_client *client)
{
    if (client == NULL || client->dispatching)
        return;
    struct arc_mem mem = client->mem;
    arc__net_channel_close(client->channel);
    /* Calls belong to the caller, who closes them before; those that are left lose their wire. */
    arc__loop_close(client->loop);
    arc__wipe(client->authorization, sizeof(client->authorization));
    arc__free(&mem, client);
}
