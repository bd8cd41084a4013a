/* SPDX-License-Identifier: Apache-2.0 */
/* What the server of a control plane has beside the control plane: health, reflection, services of
 * its host, interceptors. Asked over loopback. */
#include "shim.h"

#include <arcentra/client.h>
#include <arcentra/ctl.h>
#include <arcentra/server.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

struct house {
    arc_ctl *ctl;
    arc_server *server;
    arc_grpc_channel *channel;
};

struct answer {
    arc_grpc_call *call;
    char message[128];
    char text[128];
    int messages, code, closes;
    size_t bytes;
};

static void on_message(void *user, arc_grpc_call *call, arc_slice message)
{
    struct answer *answer = user;
    (void)call;
    answer->messages++;
    answer->bytes += message.len;
    (void)arc__slice_to_cstr(message, answer->message, sizeof(answer->message));
}

static void on_status(void *user, arc_grpc_call *call, const arc_grpc_status *status)
{
    struct answer *answer = user;
    (void)call;
    answer->code = status->code;
    (void)arc__slice_to_cstr(status->message, answer->text, sizeof(answer->text));
}

static void on_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    struct answer *answer = user;
    (void)call;
    (void)why;
    answer->closes++;
    answer->call = NULL;
}

static const arc_grpc_events events = {
    .size = sizeof(arc_grpc_events),
    .on_message = on_message,
    .on_status = on_status,
    .on_close = on_close,
};

static int open_house(struct house *house, arc_server_options *options)
{
    arc_ctl_options ctl = ARC_CTL_OPTIONS_INIT;
    arc_grpc_channel_options channel = ARC_GRPC_CHANNEL_OPTIONS_INIT;
    char text[64];
    const char *target = text;
    options->listen = "127.0.0.1:0";
    *house = (struct house){0};
    if (CHECK_OK(arc_ctl_open(&ctl, &house->ctl, NULL)) != 1 ||
        CHECK_OK(arc_server_open(house->ctl, options, &house->server, NULL)) != 1)
        return 0;
    snprintf(text, sizeof(text), "127.0.0.1:%d", arc_server_get_port(house->server));
    channel.targets = &target;
    channel.target_count = 1;
    return CHECK_OK(arc_grpc_channel_open(&channel, &house->channel, NULL)) == 1;
}

static void close_house(struct house *house)
{
    arc_grpc_channel_close(house->channel);
    arc_server_close(house->server);
    arc_ctl_close(house->ctl);
}

static void turn(struct house *house)
{
    struct pollfd fds[2] = {{.fd = arc_ctl_fd(house->ctl), .events = POLLIN},
                            {.fd = arc_grpc_channel_get_fd(house->channel), .events = POLLIN}};
    int a = arc_ctl_timeout_ms(house->ctl), b = arc_grpc_channel_get_timeout_ms(house->channel);
    int ms = a < 0 || (b >= 0 && b < a) ? b : a;
    (void)poll(fds, 2, ms < 0 || ms > 100 ? 100 : ms);
    CHECK_OK(arc_ctl_dispatch(house->ctl, 100, NULL));
    CHECK_OK(arc_grpc_channel_dispatch(house->channel, NULL));
}

/* Sends one message; turns until a message or the end is there. */
static void ask(struct house *house, const char *path, arc_slice message, int half_close,
                struct answer *answer)
{
    arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    request.path = arc__slice_cstr(path);
    *answer = (struct answer){.code = -1};
    if (CHECK_OK(arc_grpc_channel_call(house->channel, &request, &events, answer, &answer->call,
                                       NULL)) != 1)
        return;
    CHECK_OK(arc_grpc_call_send(answer->call, message, NULL));
    if (half_close)
        arc_grpc_call_half_close(answer->call);
    for (int i = 0; i < 500 && answer->closes == 0 && (half_close || answer->messages == 0); i++)
        turn(house);
}

static void health(void)
{
    struct house house;
    struct answer all, one, none, watch;
    arc_server_options options = ARC_SERVER_OPTIONS_INIT;
    if (open_house(&house, &options)) {
        ask(&house, "/grpc.health.v1.Health/Check", ARC_NONE, 1, &all);
        CHECK_INT(all.code, ARC_GRPC_OK);
        CHECK_TEXT(arc__slice_cstr(all.message), "\x08\x01");
        ask(&house, "/grpc.health.v1.Health/Check", ARC_LIT("\x0a\x15gateway.v1.GatewayServic"), 1,
            &none);
        CHECK_INT(none.code, ARC_GRPC_INVALID_ARGUMENT); /* a length that does not fit */
        ask(&house, "/grpc.health.v1.Health/Check", ARC_LIT("\x0a\x19gateway.v1.GatewayService"), 1,
            &one);
        CHECK_INT(one.code, ARC_GRPC_OK);
        CHECK_TEXT(arc__slice_cstr(one.message), "\x08\x01");
        ask(&house, "/grpc.health.v1.Health/Watch", ARC_NONE, 0, &watch);
        CHECK_INT(watch.closes, 0); /* the half close is still to come */
        if (watch.call != NULL)
            arc_grpc_call_half_close(watch.call);
        for (int i = 0; i < 500 && watch.messages == 0; i++)
            turn(&house);
        CHECK_TEXT(arc__slice_cstr(watch.message), "\x08\x01");
        arc_server_drain(house.server, 100);
        for (int i = 0; i < 500 && watch.messages < 2; i++)
            turn(&house);
        CHECK_TEXT(arc__slice_cstr(watch.message), "\x08\x02");
    }
    close_house(&house);
}

static void reflection(void)
{
    static const char by_symbol[] = "\x22\x1bpipeline.v1.PipelineService";
    struct house house;
    struct answer list, file;
    arc_server_options options = ARC_SERVER_OPTIONS_INIT;
    if (open_house(&house, &options)) {
        ask(&house, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            ARC_LIT("\x3a\x00"), 1, &list);
        CHECK_INT(list.code, ARC_GRPC_OK);
        CHECK(list.bytes > 200);
        ask(&house, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            arc__slice(by_symbol, sizeof(by_symbol) - 1), 1, &file);
        CHECK_INT(file.code, ARC_GRPC_OK);
        CHECK(file.bytes > 5000);
    }
    close_house(&house);
    options.reflection_off = 1;
    if (open_house(&house, &options)) {
        ask(&house, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            ARC_LIT("\x3a\x00"), 1, &list);
        CHECK_INT(list.code, ARC_GRPC_UNIMPLEMENTED);
        ask(&house, "/grpc.health.v1.Health/Check", ARC_NONE, 1, &list);
        CHECK_INT(list.code, ARC_GRPC_OK);
    }
    close_house(&house);
}

static void echo(void *user, arc_grpc_call *call, arc_slice message)
{
    int *calls = user;
    ++*calls;
    CHECK_OK(arc_grpc_call_reply(call, message, NULL));
}

static void own_services(void)
{
    struct house house;
    struct answer own, control, unknown;
    arc_server_options options = ARC_SERVER_OPTIONS_INIT;
    arc_grpc_method method = ARC_GRPC_METHOD_INIT;
    int calls = 0;
    method.user = &calls;
    method.unary = echo;
    if (open_house(&house, &options)) {
        CHECK_OK(arc_grpc_router_add(arc_server_get_router(house.server), "/host.Own/Echo", &method,
                                     NULL));
        ask(&house, "/host.Own/Echo", ARC_LIT("hello"), 1, &own);
        CHECK_INT(own.code, ARC_GRPC_OK);
        CHECK_TEXT(arc__slice_cstr(own.message), "hello");
        CHECK_INT(calls, 1);
        ask(&house, "/pipeline.v1.PipelineService/ListPipelines", ARC_NONE, 1, &control);
        CHECK_INT(control.code, ARC_GRPC_UNAUTHENTICATED);
        ask(&house, "/host.Own/Other", ARC_NONE, 1, &unknown);
        CHECK_INT(unknown.code, ARC_GRPC_UNIMPLEMENTED);
    }
    close_house(&house);
}

struct guard {
    int begun, ended;
    int32_t last;
};

static int32_t guard_begin(void *user, arc_grpc_call *call, const arc_grpc_request *request,
                           char *text, size_t text_size)
{
    struct guard *guard = user;
    (void)call;
    guard->begun++;
    if (!arc__slice_starts(request->path, ARC_LIT("/grpc.health.")))
        return ARC_GRPC_OK;
    snprintf(text, text_size, "health is private");
    return ARC_GRPC_PERMISSION_DENIED;
}

static void guard_end(void *user, const arc_grpc_report *report)
{
    struct guard *guard = user;
    guard->ended++;
    guard->last = report->code;
}

static void intercepted(void)
{
    struct house house;
    struct answer refused, control;
    struct guard guard = {0};
    const arc_grpc_interceptor one = {
        .size = sizeof(one), &guard, .begin = guard_begin, .end = guard_end};
    const arc_grpc_interceptor *list[] = {&one};
    arc_server_options options = ARC_SERVER_OPTIONS_INIT;
    options.interceptors = list;
    options.interceptor_count = 1;
    if (open_house(&house, &options)) {
        ask(&house, "/grpc.health.v1.Health/Check", ARC_NONE, 1, &refused);
        CHECK_INT(refused.code, ARC_GRPC_PERMISSION_DENIED);
        CHECK_TEXT(arc__slice_cstr(refused.text), "health is private");
        CHECK(guard.begun == 1 && guard.ended == 0);
        ask(&house, "/pipeline.v1.PipelineService/ListPipelines", ARC_NONE, 1, &control);
        CHECK(guard.begun == 2 && guard.ended == 1);
        CHECK_INT(guard.last, ARC_GRPC_UNAUTHENTICATED);
    }
    close_house(&house);
    options.interceptor_count = ARC_GRPC_INTERCEPTORS_MAX + 1;
    arc_ctl_options ctl = ARC_CTL_OPTIONS_INIT;
    if (CHECK_OK(arc_ctl_open(&ctl, &house.ctl, NULL)) == 1)
        CHECK_STATUS(arc_server_open(house.ctl, &options, &house.server, NULL), ARC_EINVAL);
    arc_ctl_close(house.ctl);
}

static const struct test tests[] = {
    {"a control plane's server tells its health until it drains", health},
    {"it tells its services and their messages, unless told not to", reflection},
    {"it takes services of its host", own_services},
    {"it asks interceptors, for every service", intercepted},
};
TEST_MAIN(tests)
