/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC client for a service of your own, and nothing else of the library: each word is one unary
 * call, all of them at once on one connection, each with a deadline of five seconds.
 *
 *     cc grpc_client.c -o grpc_client $(pkg-config --cflags --libs arcentra)
 *     ./grpc_client 127.0.0.1:50051 hello world
 */
#include <arcentra/client.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define DEADLINE_NS UINT64_C(5000000000)

/* What all calls share. */
struct asked {
    int open, failed;
};

static void on_message(void *user, arc_grpc_call *call, arc_slice message)
{
    (void)user;
    printf("%d: %.*s\n", (int)arc_grpc_call_get_id(call), (int)message.len, message.ptr);
}

static void on_status(void *user, arc_grpc_call *call, const arc_grpc_status *status)
{
    struct asked *asked = user;
    asked->open--;
    if (status->code == ARC_GRPC_OK)
        return;
    asked->failed = 1;
    fprintf(stderr, "%d: %s: %.*s\n", (int)arc_grpc_call_get_id(call),
            arc_grpc_status_name(status->code), (int)status->message.len, status->message.ptr);
}

static const arc_grpc_events events = {
    .size = sizeof(arc_grpc_events),
    .on_message = on_message,
    .on_status = on_status,
};

static arc_status say(arc_grpc_channel *channel, const char *word, struct asked *asked,
                      arc_err *err)
{
    arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    arc_grpc_call *call = NULL;
    request.path = (arc_slice){"/echo.v1.Echo/Say", 17};
    request.deadline_ns = arc_grpc_channel_get_now(channel) + DEADLINE_NS;
    arc_status status = arc_grpc_channel_call(channel, &request, &events, asked, &call, err);
    if (status != ARC_OK)
        return status;
    asked->open++;
    status = arc_grpc_call_send(call, (arc_slice){word, strlen(word)}, err);
    arc_grpc_call_half_close(call);
    return status;
}

int main(int argc, char **argv)
{
    const char *const targets[] = {argc > 1 ? argv[1] : "127.0.0.1:50051"};
    arc_grpc_channel_options options = ARC_GRPC_CHANNEL_OPTIONS_INIT;
    arc_grpc_channel *channel = NULL;
    struct asked asked = {0, 0};
    arc_err err = ARC_ERR_INIT;
    options.targets = targets;
    options.target_count = 1;
    arc_status status = arc_grpc_channel_open(&options, &channel, &err);
    for (int i = 2; i < argc && status == ARC_OK; i++)
        status = say(channel, argv[i], &asked, &err);
    while (status == ARC_OK && asked.open > 0) {
        struct pollfd fd = {.fd = arc_grpc_channel_get_fd(channel), .events = POLLIN};
        if (poll(&fd, 1, arc_grpc_channel_get_timeout_ms(channel)) >= 0)
            status = arc_grpc_channel_dispatch(channel, &err);
    }
    if (status != ARC_OK)
        fprintf(stderr, "grpc_client: %s: %s\n", err.subject, err.message);
    arc_grpc_channel_close(channel);
    return status == ARC_OK && !asked.failed ? 0 : 1;
}
