/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gRPC server for a service of your own, and nothing else of the library: one unary method, one
 * that streams both ways, health, TLS where a certificate is given.
 *
 *     cc grpc_server.c -o grpc_server $(pkg-config --cflags --libs arcentra)
 *     ./grpc_server 127.0.0.1:50051 [CERTIFICATE KEY]
 *
 * Messages are bytes to the transport: decode them with protobuf-c, nanopb, upb or by hand. This
 * program sends back what it gets, so it needs none of them.
 */
#include <arcentra/server.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Unary: the one message of the call is here, and the answer goes at once. */
static void say(void *user, arc_grpc_call *call, arc_slice message)
{
    arc_err err = ARC_ERR_INIT;
    (void)user;
    if (arc_grpc_call_reply(call, message, &err) != ARC_OK)
        fprintf(stderr, "say: %s\n", err.message);
}

/* Streaming: each message goes back as it comes. When the client writes faster than it reads, the
 * queue is full one day: that message waits here, and reading stops until there is room for it, so
 * that the client has to stop, too. */
struct waiting {
    size_t len;
    char bytes[];
};

static void chat_call(void *user, arc_grpc_call *call, const arc_grpc_request *request)
{
    (void)user;
    (void)request;
    arc_grpc_call_set_user(call, NULL);
}

static void chat_message(void *user, arc_grpc_call *call, arc_slice message)
{
    arc_err err = ARC_ERR_INIT;
    (void)user;
    arc_status status = arc_grpc_call_send(call, message, &err);
    if (status == ARC_OK || status == ARC_ECANCELLED)
        return;
    struct waiting *waiting = malloc(sizeof(*waiting) + message.len);
    if (status != ARC_EAGAIN || waiting == NULL) {
        free(waiting);
        arc_grpc_call_finish(call, ARC_GRPC_RESOURCE_EXHAUSTED,
                             (arc_slice){err.message, strlen(err.message)}, NULL, 0, NULL);
        return;
    }
    waiting->len = message.len;
    memcpy(waiting->bytes, message.ptr, message.len);
    arc_grpc_call_set_user(call, waiting);
    arc_grpc_call_pause(call);
}

static void chat_writable(void *user, arc_grpc_call *call)
{
    struct waiting *waiting = user;
    if (waiting == NULL ||
        arc_grpc_call_send(call, (arc_slice){waiting->bytes, waiting->len}, NULL) == ARC_EAGAIN)
        return;
    free(waiting);
    arc_grpc_call_set_user(call, NULL);
    arc_grpc_call_resume(call);
}

static void chat_half_close(void *user, arc_grpc_call *call)
{
    (void)user;
    arc_grpc_call_finish(call, ARC_GRPC_OK, (arc_slice){NULL, 0}, NULL, 0, NULL);
}

static void chat_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    (void)call;
    (void)why;
    free(user);
}

static const arc_grpc_events chat = {
    .size = sizeof(arc_grpc_events),
    .on_call = chat_call,
    .on_message = chat_message,
    .on_half_close = chat_half_close,
    .on_writable = chat_writable,
    .on_close = chat_close,
};

static arc_status add_methods(arc_grpc_router *router, arc_err *err)
{
    arc_grpc_method one = ARC_GRPC_METHOD_INIT, many = ARC_GRPC_METHOD_INIT;
    one.unary = say;
    many.events = &chat;
    arc_status status = arc_grpc_router_add(router, "/echo.v1.Echo/Say", &one, err);
    if (status == ARC_OK)
        status = arc_grpc_router_add(router, "/echo.v1.Echo/Chat", &many, err);
    return status == ARC_OK ? arc_grpc_router_add_health(router, err) : status;
}

/* Serves until the standard input ends, then lets calls end for three seconds. */
static arc_status serve(arc_grpc_server *server, arc_err *err)
{
    struct pollfd fds[2] = {{.fd = arc_grpc_server_get_fd(server), .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
    nfds_t watched = 2;
    while (!arc_grpc_server_get_drained(server)) {
        char line[256];
        if (poll(fds, watched, arc_grpc_server_get_timeout_ms(server)) < 0)
            continue;
        if (watched == 2 && fds[1].revents != 0 && read(STDIN_FILENO, line, sizeof(line)) <= 0) {
            arc_grpc_server_drain(server, 3000);
            watched = 1;
        }
        if (arc_grpc_server_dispatch(server, err) != ARC_OK)
            return err->status;
    }
    return ARC_OK;
}

int main(int argc, char **argv)
{
    const char *const listen[] = {argc > 1 ? argv[1] : "127.0.0.1:50051"};
    arc_grpc_server_options options = ARC_GRPC_SERVER_OPTIONS_INIT;
    arc_tls_options tls = ARC_TLS_OPTIONS_INIT;
    arc_grpc_router *router = NULL;
    arc_grpc_server *server = NULL;
    arc_err err = ARC_ERR_INIT;
    if (argc > 3) {
        tls.cert_file = argv[2];
        tls.key_file = argv[3];
        options.tls = &tls;
    }
    arc_status status = arc_grpc_router_open(NULL, &router, &err);
    if (status == ARC_OK)
        status = add_methods(router, &err);
    options.listen = listen;
    options.listen_count = 1;
    options.events = arc_grpc_router_get_events();
    options.user = router;
    if (status == ARC_OK)
        status = arc_grpc_server_open(&options, &server, &err);
    if (status == ARC_OK) {
        printf("listening on port %d\n", arc_grpc_server_get_port(server, 0));
        fflush(stdout);
        status = serve(server, &err);
    }
    if (status != ARC_OK)
        fprintf(stderr, "grpc_server: %s: %s\n", err.subject, err.message);
    arc_grpc_server_close(server);
    arc_grpc_router_close(router);
    return status == ARC_OK ? 0 : 1;
}
