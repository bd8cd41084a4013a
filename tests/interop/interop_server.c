/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.testing.TestService on the public headers. Prints its port, serves until its standard input
 * ends, then drains and prints what it counted.
 *     interop_server [--port N] [--tls CERT KEY [CA]] [--descriptors FILE]
 * Answers that are to come later wait in their call and are sent by the loop of main. */
#include <arcentra/server.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"

#define DRAIN_MS 3000u
/* Answers that one call may owe; it reads no further requests while it owes more than half. */
#define OWED_MAX 4096u

/* Which requests a method takes and when it answers them. */
struct kind {
    const char *name;
    const ProtobufCMessageDescriptor *request;
    int32_t many;  /* requests; else exactly one */
    int32_t early; /* answers before the client's last message */
};

/* A message to be sent, or the status that ends the call. */
struct owed {
    struct owed *next;
    arc_slice message;
    uint64_t after_ns; /* the message before it */
    int32_t packed;
    int32_t code; /* not ARC_GRPC_OK: a status, message is its text */
};

struct server {
    arc_grpc_server *grpc;
    struct call *calls;
    uint64_t served;
};

struct method {
    struct server *server;
    const struct kind *kind;
};

struct call {
    struct call *next, **link;
    struct server *server;
    const struct kind *kind;
    arc_grpc_call *handle;
    char *trailing; /* the value to be given back, NULL: none */
    size_t trailing_len;
    struct owed *first, **last;
    size_t owed;
    uint64_t sent_ns;  /* when the last message went */
    uint64_t requests; /* messages received */
    uint64_t total;    /* their payloads */
    int32_t half_closed, blocked, paused, ended, packs;
};

static const struct kind kinds[] = {
    {"EmptyCall", &grpc__testing__empty__descriptor, 0, 0},
    {"UnaryCall", &grpc__testing__simple_request__descriptor, 0, 0},
    {"StreamingOutputCall", &grpc__testing__streaming_output_call_request__descriptor, 0, 1},
    {"StreamingInputCall", &grpc__testing__streaming_input_call_request__descriptor, 1, 0},
    {"FullDuplexCall", &grpc__testing__streaming_output_call_request__descriptor, 1, 1},
    {"HalfDuplexCall", &grpc__testing__streaming_output_call_request__descriptor, 1, 0},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* --- what is owed ---------------------------------------------------------------------------- */

static void finish(struct call *call, int32_t code, const char *text)
{
    arc_grpc_field trailing = {text_slice(ECHO_TRAILING), {call->trailing, call->trailing_len}};
    arc_err err = ARC_ERR_INIT;
    if (call->ended)
        return;
    call->ended = 1;
    if (arc_grpc_call_finish(call->handle, code, text_slice(text), &trailing,
                             call->trailing != NULL ? 1 : 0, &err) != ARC_OK)
        print_err("finish", &err);
}

static void forget_first(struct call *call)
{
    struct owed *first = call->first;
    call->first = first->next;
    if (call->first == NULL)
        call->last = &call->first;
    call->owed--;
    pack_free(first->message);
    free(first);
}

static void owe(struct call *call, arc_slice message, int32_t interval_us, int32_t packed,
                int32_t code)
{
    struct owed *owed = must_alloc(sizeof(*owed));
    owed->message = message;
    owed->after_ns = interval_us > 0 ? (uint64_t)interval_us * 1000 : 0;
    owed->packed = packed;
    owed->code = code;
    *call->last = owed;
    call->last = &owed->next;
    call->owed++;
    if (call->owed > OWED_MAX / 2 && !call->paused) {
        call->paused = 1;
        arc_grpc_call_pause(call->handle);
    }
}

/* When the first of what is owed is due; UINT64_MAX: it does not wait for the time. */
static uint64_t due_ns(const struct call *call)
{
    int ready = call->kind->early || call->half_closed;
    if (call->first == NULL || !ready || call->blocked || call->ended)
        return UINT64_MAX;
    return call->sent_ns + call->first->after_ns;
}

/* Sends the first; 0 when the call must wait or is over. */
static int send_first(struct call *call)
{
    struct owed *first = call->first;
    arc_err err = ARC_ERR_INIT;
    uint32_t flags = first->packed && call->packs ? ARC_GRPC_SEND_PACKED : ARC_GRPC_SEND_PLAIN;
    if (first->code != ARC_GRPC_OK) {
        finish(call, first->code, first->message.ptr);
        return 0;
    }
    arc_status status = arc_grpc_call_send_with(call->handle, first->message, flags, &err);
    if (status == ARC_EAGAIN) {
        call->blocked = 1;
        return 0;
    }
    if (status != ARC_OK && status != ARC_ECANCELLED)
        finish(call, ARC_GRPC_INTERNAL, err.message);
    call->sent_ns = clock_ns();
    forget_first(call);
    return status == ARC_OK;
}

static void pump(struct call *call)
{
    while (due_ns(call) <= clock_ns())
        if (!send_first(call))
            return;
    if (call->paused && call->owed < OWED_MAX / 4) {
        call->paused = 0;
        arc_grpc_call_resume(call->handle);
    }
    if (call->half_closed && call->first == NULL)
        finish(call, ARC_GRPC_OK, "");
}

/* --- requests -------------------------------------------------------------------------------- */

static int is_true(const Grpc__Testing__BoolValue *value)
{
    return value != NULL && value->value;
}

/* 0: the call was refused, since the request did not come as it said. */
static int came_as_expected(struct call *call, const Grpc__Testing__BoolValue *expected)
{
    if (expected == NULL || !expected->value == !arc_grpc_call_was_packed(call->handle))
        return 1;
    finish(call, ARC_GRPC_INVALID_ARGUMENT,
           expected->value ? "The message is not compressed." : "The message is compressed.");
    return 0;
}

static int size_fits(struct call *call, int32_t size)
{
    if (size >= 0 && size <= PAYLOAD_MAX)
        return 1;
    finish(call, ARC_GRPC_INVALID_ARGUMENT, "No payload has that size.");
    return 0;
}

static int owe_status(struct call *call, const Grpc__Testing__EchoStatus *status)
{
    if (status == NULL || status->code == ARC_GRPC_OK)
        return 0;
    char *text = copy_text(text_slice(status->message));
    owe(call, (arc_slice){text, strlen(text)}, 0, 0, status->code);
    return 1;
}

static void on_simple(struct call *call, const Grpc__Testing__SimpleRequest *request)
{
    Grpc__Testing__SimpleResponse response;
    grpc__testing__simple_response__init(&response);
    if (!came_as_expected(call, request->expect_compressed) ||
        !size_fits(call, request->response_size) || owe_status(call, request->response_status))
        return;
    Grpc__Testing__Payload payload = zeros((size_t)request->response_size);
    response.payload = &payload;
    owe(call, pack(&response.base), 0, is_true(request->response_compressed), ARC_GRPC_OK);
}

static void on_output(struct call *call, const Grpc__Testing__StreamingOutputCallRequest *request)
{
    if (request->n_response_parameters > OWED_MAX - call->owed) {
        finish(call, ARC_GRPC_RESOURCE_EXHAUSTED, "These are too many answers.");
        return;
    }
    for (size_t i = 0; i < request->n_response_parameters; i++) {
        const Grpc__Testing__ResponseParameters *asked = request->response_parameters[i];
        Grpc__Testing__StreamingOutputCallResponse response;
        grpc__testing__streaming_output_call_response__init(&response);
        if (!size_fits(call, asked->size))
            return;
        Grpc__Testing__Payload payload = zeros((size_t)asked->size);
        response.payload = &payload;
        owe(call, pack(&response.base), asked->interval_us, is_true(asked->compressed),
            ARC_GRPC_OK);
    }
    (void)owe_status(call, request->response_status);
}

static void on_input(struct call *call, const Grpc__Testing__StreamingInputCallRequest *request)
{
    if (came_as_expected(call, request->expect_compressed) && request->payload != NULL)
        call->total += request->payload->body.len;
}

static void owe_empty(struct call *call)
{
    Grpc__Testing__Empty empty;
    grpc__testing__empty__init(&empty);
    owe(call, pack(&empty.base), 0, 0, ARC_GRPC_OK);
}

static void owe_total(struct call *call)
{
    Grpc__Testing__StreamingInputCallResponse response;
    grpc__testing__streaming_input_call_response__init(&response);
    response.aggregated_payload_size = (int32_t)call->total;
    owe(call, pack(&response.base), 0, 0, ARC_GRPC_OK);
}

/* --- events ---------------------------------------------------------------------------------- */

static void on_message(void *user, arc_grpc_call *handle, arc_slice message)
{
    struct call *call = user;
    (void)handle;
    if (call->ended)
        return;
    ProtobufCMessage *request = unpack(call->kind->request, message);
    if (request == NULL) {
        finish(call, ARC_GRPC_INTERNAL, "The request cannot be read.");
    } else if (call->requests++ > 0 && !call->kind->many) {
        finish(call, ARC_GRPC_INTERNAL, "The method takes one request.");
    } else if (call->kind->request == &grpc__testing__simple_request__descriptor) {
        on_simple(call, (Grpc__Testing__SimpleRequest *)request);
    } else if (call->kind->request == &grpc__testing__empty__descriptor) {
        owe_empty(call);
    } else if (call->kind->request == &grpc__testing__streaming_input_call_request__descriptor) {
        on_input(call, (Grpc__Testing__StreamingInputCallRequest *)request);
    } else {
        on_output(call, (Grpc__Testing__StreamingOutputCallRequest *)request);
    }
    protobuf_c_message_free_unpacked(request, NULL);
    pump(call);
}

static void on_half_close(void *user, arc_grpc_call *handle)
{
    struct call *call = user;
    (void)handle;
    call->half_closed = 1;
    if (!call->kind->many && call->requests == 0)
        finish(call, ARC_GRPC_INTERNAL, "The method takes one request.");
    if (call->kind->request == &grpc__testing__streaming_input_call_request__descriptor)
        owe_total(call);
    pump(call);
}

static void on_writable(void *user, arc_grpc_call *handle)
{
    struct call *call = user;
    (void)handle;
    call->blocked = 0;
    pump(call);
}

static void on_close(void *user, arc_grpc_call *handle, arc_grpc_why why)
{
    struct call *call = user;
    (void)handle, (void)why;
    while (call->first != NULL)
        forget_first(call);
    *call->link = call->next;
    if (call->next != NULL)
        call->next->link = call->link;
    free(call->trailing);
    free(call);
}

/* What the client wants to have back: of the metadata with the headers, and with the status. */
static void echo(struct call *call, const arc_grpc_request *request)
{
    arc_grpc_field back[8];
    size_t count = 0;
    arc_err err = ARC_ERR_INIT;
    for (size_t i = 0; i < request->count; i++) {
        const arc_grpc_field *field = &request->fields[i];
        if (slice_is(field->name, ECHO_INITIAL) && count < sizeof(back) / sizeof(back[0])) {
            back[count++] = *field;
        } else if (slice_is(field->name, ECHO_TRAILING)) {
            free(call->trailing);
            call->trailing = copy_text(field->value);
            call->trailing_len = field->value.len;
        }
    }
    if (count > 0 && arc_grpc_call_send_headers(call->handle, back, count, &err) != ARC_OK)
        print_err("headers", &err);
}

static void on_call(void *user, arc_grpc_call *handle, const arc_grpc_request *request)
{
    const struct method *method = user;
    struct server *server = method->server;
    struct call *call = must_alloc(sizeof(*call));
    call->server = server;
    call->kind = method->kind;
    call->handle = handle;
    call->last = &call->first;
    call->sent_ns = clock_ns();
    call->next = server->calls;
    call->link = &server->calls;
    if (call->next != NULL)
        call->next->link = &call->next;
    server->calls = call;
    server->served++;
    arc_grpc_call_set_user(handle, call);
    /* A client that takes gzip may ask for it message by message. */
    call->packs = arc_grpc_call_set_encoding(handle, ARC_GRPC_GZIP, NULL) == ARC_OK;
    echo(call, request);
}

static const arc_grpc_events events = {
    .size = sizeof(arc_grpc_events),
    .on_call = on_call,
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_writable = on_writable,
    .on_close = on_close,
};

/* --- the program ----------------------------------------------------------------------------- */

struct given {
    const char *port, *descriptors;
    arc_tls_options tls;
};

static int usage(void)
{
    fprintf(stderr, "usage: interop_server [--port N] [--tls CERT KEY [CA]] "
                    "[--descriptors FILE]\n");
    return 2;
}

static int read_arguments(int argc, char **argv, struct given *given)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--port") == 0 && i + 1 < argc) {
            given->port = argv[++i];
        } else if (strcmp(argv[i], "--descriptors") == 0 && i + 1 < argc) {
            given->descriptors = argv[++i];
        } else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
            given->tls.cert_file = argv[++i];
            given->tls.key_file = argv[++i];
            if (i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0)
                given->tls.ca_file = argv[++i];
        } else {
            return 0;
        }
    }
    return 1;
}

static arc_status add_reflection(arc_grpc_router *router, const char *path, arc_err *err)
{
    static char set[1 << 20];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    size_t len = fread(set, 1, sizeof(set), file);
    fclose(file);
    return arc_grpc_router_add_reflection(router, set, len, err);
}

static arc_status add_methods(arc_grpc_router *router, struct server *server,
                              struct method *methods, const char *descriptors, arc_err *err)
{
    for (size_t i = 0; i < KINDS; i++) {
        arc_grpc_method method = ARC_GRPC_METHOD_INIT;
        char path[64];
        methods[i] = (struct method){server, &kinds[i]};
        method.user = &methods[i];
        method.events = &events;
        snprintf(path, sizeof(path), "%s%s", INTEROP_SERVICE, kinds[i].name);
        arc_status status = arc_grpc_router_add(router, path, &method, err);
        if (status != ARC_OK)
            return status;
    }
    if (descriptors == NULL)
        return ARC_OK;
    arc_status status = arc_grpc_router_add_health(router, err);
    return status == ARC_OK ? add_reflection(router, descriptors, err) : status;
}

/* What is due; answers when to come back. */
static uint64_t pump_all(struct server *server)
{
    uint64_t next = UINT64_MAX;
    for (struct call *call = server->calls; call != NULL; call = call->next) {
        if (due_ns(call) <= clock_ns())
            pump(call);
        uint64_t due = due_ns(call);
        next = due < next ? due : next;
    }
    return next;
}

static int serve(struct server *server)
{
    struct pollfd fds[2] = {{.fd = arc_grpc_server_get_fd(server->grpc), .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
    nfds_t watched = 2;
    arc_err err = ARC_ERR_INIT;
    while (!arc_grpc_server_get_drained(server->grpc)) {
        char buf[64];
        int own = wait_ms(pump_all(server));
        int ms = arc_grpc_server_get_timeout_ms(server->grpc);
        if (ms < 0 || (own >= 0 && own < ms))
            ms = own;
        if (poll(fds, watched, ms) < 0)
            return 1;
        if (watched == 2 && fds[1].revents != 0 && read(STDIN_FILENO, buf, sizeof(buf)) <= 0) {
            arc_grpc_server_drain(server->grpc, DRAIN_MS);
            watched = 1;
        }
        if (arc_grpc_server_dispatch(server->grpc, &err) != ARC_OK) {
            print_err("dispatch", &err);
            return 1;
        }
    }
    return 0;
}

static void print_stats(const struct server *server)
{
    arc_grpc_server_stats stats = {.size = sizeof(stats)};
    arc_grpc_server_get_stats(server->grpc, &stats);
    printf("connections %" PRIu64 " calls %" PRIu64 " served %" PRIu64 " in %" PRIu64
           " out %" PRIu64 " resets %" PRIu64 " faults %" PRIu64 "\n",
           stats.accepted, stats.wire.calls, server->served, stats.wire.messages_in,
           stats.wire.messages_out, stats.wire.resets_by_peer, stats.wire.faults_by_peer);
}

int main(int argc, char **argv)
{
    struct given given = {.port = "0", .tls = ARC_TLS_OPTIONS_INIT};
    struct server server = {0};
    struct method methods[KINDS];
    arc_grpc_router *router = NULL;
    arc_grpc_server_options options = ARC_GRPC_SERVER_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    char address[64];
    const char *const listen[] = {address};
    if (!read_arguments(argc, argv, &given))
        return usage();
    snprintf(address, sizeof(address), "localhost:%s", given.port);
    if (arc_grpc_router_open(NULL, &router, &err) != ARC_OK ||
        add_methods(router, &server, methods, given.descriptors, &err) != ARC_OK) {
        print_err("router", &err);
        return 1;
    }
    options.listen = listen;
    options.listen_count = 1;
    options.tls = given.tls.cert_file != NULL ? &given.tls : NULL;
    options.events = arc_grpc_router_get_events();
    options.user = router;
    if (arc_grpc_server_open(&options, &server.grpc, &err) != ARC_OK) {
        print_err("server", &err);
        return 1;
    }
    printf("%d\n", arc_grpc_server_get_port(server.grpc, 0));
    fflush(stdout);
    int code = serve(&server);
    print_stats(&server);
    arc_grpc_server_close(server.grpc);
    arc_grpc_router_close(router);
    return code;
}
