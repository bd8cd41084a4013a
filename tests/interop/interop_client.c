/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of grpc.testing as a client, on the public headers.
 *     interop_client --target HOST:PORT [--tls CA NAME] --case CASE
 * Ends with 0 when all is as the case wants it; else it says what differs. Messages are packed one
 * after the other and calls wait for what is meant with one deadline: a case reads as it is told.
 */
#include <arcentra/client.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

#define PATIENCE_NS UINT64_C(30000000000)
#define MESSAGES_MAX 16
#define LARGE_REQUEST 271828
#define LARGE_RESPONSE 314159

static const int32_t request_sizes[] = {27182, 8, 1828, 45904};
static const int32_t response_sizes[] = {31415, 9, 2653, 58979};
#define SIZES 4u

struct client {
    arc_grpc_channel *channel;
    const char *name; /* of the case */
};

/* A call, and all that came of it. */
struct call {
    struct client *client;
    arc_grpc_call *handle;
    arc_slice messages[MESSAGES_MAX];
    int32_t packed[MESSAGES_MAX];
    size_t count;
    int32_t writable, closed, code;
    arc_grpc_why why;
    char *text;               /* of the status */
    char *initial, *trailing; /* what the server gave back of our metadata */
    size_t trailing_len;
};

/* --- what differs ---------------------------------------------------------------------------- */

static _Noreturn void differs(const struct client *client, const char *format, ...)
    ARC_PRINTF(2, 3);
static _Noreturn void differs(const struct client *client, const char *format, ...)
{
    va_list list;
    fprintf(stderr, "%s: ", client->name);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fprintf(stderr, "\n");
    exit(1);
}

static void must(const struct client *client, arc_status status, const char *what,
                 const arc_err *err)
{
    if (status != ARC_OK)
        differs(client, "%s: %s: %s", what, err->subject, err->message);
}

/* --- events ---------------------------------------------------------------------------------- */

static void keep_fields(struct call *call, const arc_grpc_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_is(fields[i].name, ECHO_INITIAL) && call->initial == NULL) {
            call->initial = copy_text(fields[i].value);
        } else if (slice_is(fields[i].name, ECHO_TRAILING) && call->trailing == NULL) {
            call->trailing = copy_text(fields[i].value);
            call->trailing_len = fields[i].value.len;
        }
    }
}

static void on_headers(void *user, arc_grpc_call *handle, const arc_grpc_field *fields,
                       size_t count)
{
    (void)handle;
    keep_fields(user, fields, count);
}

static void on_message(void *user, arc_grpc_call *handle, arc_slice message)
{
    struct call *call = user;
    if (call->count == MESSAGES_MAX)
        differs(call->client, "more than %d messages came", MESSAGES_MAX);
    call->packed[call->count] = arc_grpc_call_was_packed(handle);
    call->messages[call->count++] = (arc_slice){copy_text(message), message.len};
}

static void on_writable(void *user, arc_grpc_call *handle)
{
    struct call *call = user;
    (void)handle;
    call->writable = 1;
}

static void on_status(void *user, arc_grpc_call *handle, const arc_grpc_status *status)
{
    struct call *call = user;
    (void)handle;
    call->code = status->code;
    call->text = copy_text(status->message);
    keep_fields(call, status->fields, status->count);
}

static void on_close(void *user, arc_grpc_call *handle, arc_grpc_why why)
{
    struct call *call = user;
    (void)handle;
    call->closed = 1;
    call->why = why;
}

static const arc_grpc_events events = {
    .size = sizeof(arc_grpc_events),
    .on_headers = on_headers,
    .on_message = on_message,
    .on_writable = on_writable,
    .on_status = on_status,
    .on_close = on_close,
};

/* --- calls ----------------------------------------------------------------------------------- */

static int is_closed(const struct call *call)
{
    return call->closed;
}

static int has_message(const struct call *call)
{
    return call->closed || call->count > 0;
}

static int is_writable(const struct call *call)
{
    return call->closed || call->writable;
}

static void run_until(struct call *call, int (*reached)(const struct call *call), const char *what)
{
    const struct client *client = call->client;
    struct pollfd fd = {.fd = arc_grpc_channel_get_fd(client->channel), .events = POLLIN};
    uint64_t end = clock_ns() + PATIENCE_NS;
    arc_err err = ARC_ERR_INIT;
    while (!reached(call)) {
        int ms = arc_grpc_channel_get_timeout_ms(client->channel), most = wait_ms(end);
        if (most == 0)
            differs(client, "waited in vain for %s", what);
        if (poll(&fd, 1, ms < 0 || ms > most ? most : ms) < 0)
            differs(client, "poll failed");
        must(client, arc_grpc_channel_dispatch(client->channel, &err), "dispatch", &err);
    }
}

static void start_with(struct client *client, struct call *call, const char *path,
                       const arc_grpc_request *given)
{
    arc_grpc_request request = *given;
    arc_err err = ARC_ERR_INIT;
    *call = (struct call){.client = client, .code = -1};
    request.path = text_slice(path);
    must(client,
         arc_grpc_channel_call(client->channel, &request, &events, call, &call->handle, &err), path,
         &err);
}

static void start(struct client *client, struct call *call, const char *path)
{
    arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    start_with(client, call, path, &request);
}

static void send_flags(struct call *call, const ProtobufCMessage *message, uint32_t flags)
{
    arc_slice bytes = pack(message);
    arc_err err = ARC_ERR_INIT;
    arc_status status = ARC_EAGAIN;
    while (!call->closed) {
        call->writable = 0;
        status = arc_grpc_call_send_with(call->handle, bytes, flags, &err);
        if (status != ARC_EAGAIN)
            break;
        run_until(call, is_writable, "room for a message");
    }
    pack_free(bytes);
    must(call->client, status, "send", &err);
}

static void send(struct call *call, const ProtobufCMessage *message)
{
    send_flags(call, message, 0);
}

static void half_close(struct call *call)
{
    arc_grpc_call_half_close(call->handle);
}

/* One message, and the end of the call. */
static void ask(struct client *client, struct call *call, const char *path,
                const ProtobufCMessage *message)
{
    start(client, call, path);
    send(call, message);
    half_close(call);
    run_until(call, is_closed, "the end of the call");
}

static void forget(struct call *call)
{
    for (size_t i = 0; i < call->count; i++)
        pack_free(call->messages[i]);
    free(call->text);
    free(call->initial);
    free(call->trailing);
}

/* --- what is wanted -------------------------------------------------------------------------- */

static void want_status(const struct call *call, int32_t code, const char *text)
{
    if (call->code != code)
        differs(call->client, "status: got %s (%s), want %s",
                call->code >= 0 ? arc_grpc_status_name(call->code) : "none",
                call->text != NULL ? call->text : "", arc_grpc_status_name(code));
    if (text != NULL && strcmp(call->text, text) != 0)
        differs(call->client, "status message: got \"%s\", want \"%s\"", call->text, text);
}

static void want_count(const struct call *call, size_t count)
{
    if (call->count != count)
        differs(call->client, "messages: got %zu, want %zu", call->count, count);
}

static void want_packed(const struct call *call, size_t index, int32_t packed)
{
    if (!call->packed[index] != !packed)
        differs(call->client, "message %zu: %s, want the opposite", index,
                packed ? "not compressed" : "compressed");
}

static void want_zeros(const struct call *call, const Grpc__Testing__Payload *payload, int32_t size)
{
    if (!is_zeros(payload, (size_t)size))
        differs(call->client, "payload: got %zu bytes, want %" PRId32 " zeros",
                payload != NULL ? payload->body.len : 0, size);
}

static void *read_message(const struct call *call, size_t index,
                          const ProtobufCMessageDescriptor *type)
{
    void *message = unpack(type, call->messages[index]);
    if (message == NULL)
        differs(call->client, "message %zu cannot be read as %s", index, type->name);
    return message;
}

/* The only message is a SimpleResponse with that many bytes, and the call ended well. */
static void want_simple(const struct call *call, int32_t size)
{
    want_status(call, ARC_GRPC_OK, "");
    want_count(call, 1);
    Grpc__Testing__SimpleResponse *response =
        read_message(call, 0, &grpc__testing__simple_response__descriptor);
    want_zeros(call, response->payload, size);
    grpc__testing__simple_response__free_unpacked(response, NULL);
}

static void want_output(const struct call *call, size_t index, int32_t size)
{
    Grpc__Testing__StreamingOutputCallResponse *response =
        read_message(call, index, &grpc__testing__streaming_output_call_response__descriptor);
    want_zeros(call, response->payload, size);
    grpc__testing__streaming_output_call_response__free_unpacked(response, NULL);
}

static void want_total(const struct call *call, int32_t total)
{
    want_status(call, ARC_GRPC_OK, "");
    want_count(call, 1);
    Grpc__Testing__StreamingInputCallResponse *response =
        read_message(call, 0, &grpc__testing__streaming_input_call_response__descriptor);
    if (response->aggregated_payload_size != total)
        differs(call->client, "aggregated_payload_size: got %" PRId32 ", want %" PRId32,
                response->aggregated_payload_size, total);
    grpc__testing__streaming_input_call_response__free_unpacked(response, NULL);
}

/* --- requests -------------------------------------------------------------------------------- */

static void send_input(struct call *call, int32_t size, Grpc__Testing__BoolValue *expect,
                       uint32_t flags)
{
    Grpc__Testing__StreamingInputCallRequest request;
    Grpc__Testing__Payload payload = zeros((size_t)size);
    grpc__testing__streaming_input_call_request__init(&request);
    request.payload = &payload;
    request.expect_compressed = expect;
    send_flags(call, &request.base, flags);
}

/* Asks for one message of `wanted` bytes, with a payload of `given` bytes. */
static void send_output(struct call *call, int32_t given, int32_t wanted)
{
    Grpc__Testing__StreamingOutputCallRequest request;
    Grpc__Testing__ResponseParameters parameters, *list[] = {&parameters};
    Grpc__Testing__Payload payload = zeros((size_t)given);
    grpc__testing__streaming_output_call_request__init(&request);
    grpc__testing__response_parameters__init(&parameters);
    parameters.size = wanted;
    request.n_response_parameters = wanted >= 0 ? 1 : 0;
    request.response_parameters = list;
    request.payload = &payload;
    send(call, &request.base);
}

/* --- the cases ------------------------------------------------------------------------------- */

static void empty_unary(struct client *client)
{
    struct call call;
    Grpc__Testing__Empty empty;
    grpc__testing__empty__init(&empty);
    ask(client, &call, INTEROP_SERVICE "EmptyCall", &empty.base);
    want_status(&call, ARC_GRPC_OK, "");
    want_count(&call, 1);
    if (call.messages[0].len != 0)
        differs(client, "the answer has %zu bytes, want none", call.messages[0].len);
    forget(&call);
}

static void large_unary(struct client *client)
{
    struct call call;
    Grpc__Testing__SimpleRequest request;
    Grpc__Testing__Payload payload = zeros(LARGE_REQUEST);
    grpc__testing__simple_request__init(&request);
    request.response_size = LARGE_RESPONSE;
    request.payload = &payload;
    ask(client, &call, INTEROP_SERVICE "UnaryCall", &request.base);
    want_simple(&call, LARGE_RESPONSE);
    forget(&call);
}

static void client_streaming(struct client *client)
{
    struct call call;
    int32_t total = 0;
    start(client, &call, INTEROP_SERVICE "StreamingInputCall");
    for (size_t i = 0; i < SIZES; i++) {
        send_input(&call, request_sizes[i], NULL, 0);
        total += request_sizes[i];
    }
    half_close(&call);
    run_until(&call, is_closed, "the end of the call");
    want_total(&call, total);
    forget(&call);
}

static void server_streaming(struct client *client)
{
    struct call call;
    Grpc__Testing__StreamingOutputCallRequest request;
    Grpc__Testing__ResponseParameters parameters[SIZES], *list[SIZES];
    grpc__testing__streaming_output_call_request__init(&request);
    for (size_t i = 0; i < SIZES; i++) {
        grpc__testing__response_parameters__init(&parameters[i]);
        parameters[i].size = response_sizes[i];
        list[i] = &parameters[i];
    }
    request.n_response_parameters = SIZES;
    request.response_parameters = list;
    ask(client, &call, INTEROP_SERVICE "StreamingOutputCall", &request.base);
    want_status(&call, ARC_GRPC_OK, "");
    want_count(&call, SIZES);
    for (size_t i = 0; i < SIZES; i++)
        want_output(&call, i, response_sizes[i]);
    forget(&call);
}

static void ping_pong(struct client *client)
{
    struct call call;
    start(client, &call, INTEROP_SERVICE "FullDuplexCall");
    for (size_t i = 0; i < SIZES; i++) {
        send_output(&call, request_sizes[i], response_sizes[i]);
        run_until(&call, has_message, "the answer to a message");
        want_count(&call, 1);
        want_output(&call, 0, response_sizes[i]);
        pack_free(call.messages[0]);
        call.count = 0;
    }
    half_close(&call);
    run_until(&call, is_closed, "the end of the call");
    want_status(&call, ARC_GRPC_OK, "");
    want_count(&call, 0);
    forget(&call);
}

static void empty_stream(struct client *client)
{
    struct call call;
    start(client, &call, INTEROP_SERVICE "FullDuplexCall");
    half_close(&call);
    run_until(&call, is_closed, "the end of the call");
    want_status(&call, ARC_GRPC_OK, "");
    want_count(&call, 0);
    forget(&call);
}

static void want_cancelled(struct call *call)
{
    arc_grpc_call_cancel(call->handle);
    run_until(call, is_closed, "the end of the call");
    want_status(call, ARC_GRPC_CANCELLED, NULL);
    if (call->why != ARC_GRPC_WHY_CANCELLED)
        differs(call->client, "why: got %s, want cancelled", arc_grpc_why_name(call->why));
    forget(call);
}

static void cancel_after_begin(struct client *client)
{
    struct call call;
    /* A whole call first, so that the one that is cancelled goes out to the server. */
    empty_stream(client);
    start(client, &call, INTEROP_SERVICE "StreamingInputCall");
    arc_err err = ARC_ERR_INIT;
    must(client, arc_grpc_channel_dispatch(client->channel, &err), "dispatch", &err);
    want_cancelled(&call);
}

static void cancel_after_first_response(struct client *client)
{
    struct call call;
    start(client, &call, INTEROP_SERVICE "FullDuplexCall");
    send_output(&call, request_sizes[0], response_sizes[0]);
    run_until(&call, has_message, "the answer to a message");
    want_count(&call, 1);
    want_output(&call, 0, response_sizes[0]);
    want_cancelled(&call);
}

static void timeout_on_sleeping_server(struct client *client)
{
    struct call call;
    arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    empty_stream(client); /* the connection is there: the time is the call's alone */
    request.deadline_ns = arc_grpc_channel_get_now(client->channel) + 1000000;
    start_with(client, &call, INTEROP_SERVICE "FullDuplexCall", &request);
    send_output(&call, request_sizes[0], -1);
    run_until(&call, is_closed, "the end of the call");
    want_status(&call, ARC_GRPC_DEADLINE_EXCEEDED, NULL);
    forget(&call);
}

static void want_echo(struct call *call)
{
    static const char trailing[] = "\xab\xab\xab";
    if (call->initial == NULL || strcmp(call->initial, "test_initial_metadata_value") != 0)
        differs(call->client, "%s came back as \"%s\"", ECHO_INITIAL,
                call->initial != NULL ? call->initial : "(nothing)");
    if (call->trailing == NULL || call->trailing_len != 3 ||
        memcmp(call->trailing, trailing, 3) != 0)
        differs(call->client, "%s did not come back as it went, but with %zu bytes", ECHO_TRAILING,
                call->trailing_len);
}

static void custom_metadata(struct client *client)
{
    struct call call;
    const arc_grpc_field fields[] = {
        {text_slice(ECHO_INITIAL), text_slice("test_initial_metadata_value")},
        {text_slice(ECHO_TRAILING), {"\xab\xab\xab", 3}},
    };
    arc_grpc_request given = ARC_GRPC_REQUEST_INIT;
    Grpc__Testing__SimpleRequest request;
    given.fields = fields;
    given.count = 2;
    grpc__testing__simple_request__init(&request);
    request.response_size = LARGE_RESPONSE;
    start_with(client, &call, INTEROP_SERVICE "UnaryCall", &given);
    send(&call, &request.base);
    half_close(&call);
    run_until(&call, is_closed, "the end of the call");
    want_simple(&call, LARGE_RESPONSE);
    want_echo(&call);
    forget(&call);
    start_with(client, &call, INTEROP_SERVICE "FullDuplexCall", &given);
    send_output(&call, request_sizes[0], response_sizes[0]);
    half_close(&call);
    run_until(&call, is_closed, "the end of the call");
    want_status(&call, ARC_GRPC_OK, "");
    want_count(&call, 1);
    want_output(&call, 0, response_sizes[0]);
    want_echo(&call);
    forget(&call);
}

static void echo_status(struct client *client, char *text, int duplex)
{
    struct call call;
    Grpc__Testing__EchoStatus status;
    Grpc__Testing__SimpleRequest simple;
    Grpc__Testing__StreamingOutputCallRequest output;
    grpc__testing__echo_status__init(&status);
    grpc__testing__simple_request__init(&simple);
    grpc__testing__streaming_output_call_request__init(&output);
    status.code = ARC_GRPC_UNKNOWN;
    status.message = text;
    simple.response_status = &status;
    output.response_status = &status;
    if (duplex)
        ask(client, &call, INTEROP_SERVICE "FullDuplexCall", &output.base);
    else
        ask(client, &call, INTEROP_SERVICE "UnaryCall", &simple.base);
    want_status(&call, ARC_GRPC_UNKNOWN, text);
    want_count(&call, 0);
    forget(&call);
}

static void status_code_and_message(struct client *client)
{
    char text[] = "test status message";
    echo_status(client, text, 0);
    echo_status(client, text, 1);
}

static void special_status_message(struct client *client)
{
    /* Both planes of Unicode: U+263A and U+1F608. */
    char text[] = "\t\ntest with whitespace\r\nand Unicode BMP \xe2\x98\xba and non-BMP "
                  "\xf0\x9f\x98\x88\t\n";
    echo_status(client, text, 0);
}

static void unimplemented(struct client *client, const char *path)
{
    struct call call;
    Grpc__Testing__Empty empty;
    grpc__testing__empty__init(&empty);
    ask(client, &call, path, &empty.base);
    want_status(&call, ARC_GRPC_UNIMPLEMENTED, NULL);
    want_count(&call, 0);
    forget(&call);
}

static void unimplemented_method(struct client *client)
{
    unimplemented(client, INTEROP_SERVICE "UnimplementedCall");
}

static void unimplemented_service(struct client *client)
{
    unimplemented(client, "/grpc.testing.UnimplementedService/UnimplementedCall");
}

/* --- the cases of compression ---------------------------------------------------------------- */

static const arc_grpc_request gzip_request = {
    .size = sizeof(arc_grpc_request),
    .deadline_ns = ARC_GRPC_NEVER,
    .encoding = ARC_GRPC_GZIP,
};

/* A message that says it is compressed, or is not, and that is so or is not. */
static void large_packed(struct client *client, int said, uint32_t flags, int32_t code)
{
    struct call call;
    Grpc__Testing__SimpleRequest request;
    Grpc__Testing__BoolValue expect;
    Grpc__Testing__Payload payload = zeros(LARGE_REQUEST);
    grpc__testing__simple_request__init(&request);
    grpc__testing__bool_value__init(&expect);
    expect.value = said;
    request.response_size = LARGE_RESPONSE;
    request.payload = &payload;
    request.expect_compressed = &expect;
    start_with(client, &call, INTEROP_SERVICE "UnaryCall", &gzip_request);
    send_flags(&call, &request.base, flags);
    half_close(&call);
    run_until(&call, is_closed, "the end of the call");
    if (code == ARC_GRPC_OK)
        want_simple(&call, LARGE_RESPONSE);
    else
        want_status(&call, code, NULL);
    forget(&call);
}

static void client_compressed_unary(struct client *client)
{
    large_packed(client, 1, ARC_GRPC_SEND_PLAIN, ARC_GRPC_INVALID_ARGUMENT);
    large_packed(client, 1, ARC_GRPC_SEND_PACKED, ARC_GRPC_OK);
    large_packed(client, 0, ARC_GRPC_SEND_PLAIN, ARC_GRPC_OK);
}

static void server_compressed_unary(struct client *client)
{
    for (int packed = 1; packed >= 0; packed--) {
        struct call call;
        Grpc__Testing__SimpleRequest request;
        Grpc__Testing__BoolValue wanted;
        Grpc__Testing__Payload payload = zeros(LARGE_REQUEST);
        grpc__testing__simple_request__init(&request);
        grpc__testing__bool_value__init(&wanted);
        wanted.value = packed;
        request.response_size = LARGE_RESPONSE;
        request.payload = &payload;
        request.response_compressed = &wanted;
        ask(client, &call, INTEROP_SERVICE "UnaryCall", &request.base);
        want_simple(&call, LARGE_RESPONSE);
        want_packed(&call, 0, packed);
        forget(&call);
    }
}

static void client_compressed_streaming(struct client *client)
{
    struct call call;
    Grpc__Testing__BoolValue yes, no;
    grpc__testing__bool_value__init(&yes);
    grpc__testing__bool_value__init(&no);
    yes.value = 1;
    start_with(client, &call, INTEROP_SERVICE "StreamingInputCall", &gzip_request);
    send_input(&call, 27182, &yes, ARC_GRPC_SEND_PLAIN);
    half_close(&call);
    run_until(&call, is_closed, "the end of the call");
    want_status(&call, ARC_GRPC_INVALID_ARGUMENT, NULL);
    forget(&call);
    start_with(client, &call, INTEROP_SERVICE "StreamingInputCall", &gzip_request);
    send_input(&call, 27182, &yes, ARC_GRPC_SEND_PACKED);
    send_input(&call, 45904, &no, ARC_GRPC_SEND_PLAIN);
    half_close(&call);
    run_until(&call, is_closed, "the end of the call");
    want_total(&call, 27182 + 45904);
    forget(&call);
}

static void server_compressed_streaming(struct client *client)
{
    struct call call;
    const int32_t sizes[] = {31415, 92653};
    Grpc__Testing__StreamingOutputCallRequest request;
    Grpc__Testing__ResponseParameters parameters[2], *list[2];
    Grpc__Testing__BoolValue wanted[2];
    grpc__testing__streaming_output_call_request__init(&request);
    for (int i = 0; i < 2; i++) {
        grpc__testing__response_parameters__init(&parameters[i]);
        grpc__testing__bool_value__init(&wanted[i]);
        wanted[i].value = i == 0;
        parameters[i].size = sizes[i];
        parameters[i].compressed = &wanted[i];
        list[i] = &parameters[i];
    }
    request.n_response_parameters = 2;
    request.response_parameters = list;
    ask(client, &call, INTEROP_SERVICE "StreamingOutputCall", &request.base);
    want_status(&call, ARC_GRPC_OK, "");
    want_count(&call, 2);
    for (size_t i = 0; i < 2; i++) {
        want_output(&call, i, sizes[i]);
        want_packed(&call, i, i == 0);
    }
    forget(&call);
}

/* Not of the published cases: for a server that answers compressed where it was asked compressed.
 */
static void gzip_both_ways(struct client *client)
{
    struct call call;
    Grpc__Testing__SimpleRequest request;
    Grpc__Testing__Payload payload = zeros(LARGE_REQUEST);
    grpc__testing__simple_request__init(&request);
    request.response_size = LARGE_RESPONSE;
    request.payload = &payload;
    start_with(client, &call, INTEROP_SERVICE "UnaryCall", &gzip_request);
    send(&call, &request.base);
    half_close(&call);
    run_until(&call, is_closed, "the end of the call");
    want_simple(&call, LARGE_RESPONSE);
    want_packed(&call, 0, 1);
    forget(&call);
    start_with(client, &call, INTEROP_SERVICE "FullDuplexCall", &gzip_request);
    send_output(&call, 27182, 31415);
    half_close(&call);
    run_until(&call, is_closed, "the end of the call");
    want_status(&call, ARC_GRPC_OK, "");
    want_count(&call, 1);
    want_output(&call, 0, 31415);
    want_packed(&call, 0, 1);
    forget(&call);
}

/* --- the program ----------------------------------------------------------------------------- */

#define CASE(name) \
    { \
#name, name \
    }
static const struct {
    const char *name;
    void (*run)(struct client *client);
} cases[] = {
    CASE(empty_unary),
    CASE(large_unary),
    CASE(client_streaming),
    CASE(server_streaming),
    CASE(ping_pong),
    CASE(empty_stream),
    CASE(cancel_after_begin),
    CASE(cancel_after_first_response),
    CASE(timeout_on_sleeping_server),
    CASE(custom_metadata),
    CASE(status_code_and_message),
    CASE(special_status_message),
    CASE(unimplemented_method),
    CASE(unimplemented_service),
    CASE(client_compressed_unary),
    CASE(server_compressed_unary),
    CASE(client_compressed_streaming),
    CASE(server_compressed_streaming),
    CASE(gzip_both_ways),
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

struct given {
    const char *target, *name;
    arc_tls_options tls;
};

static int usage(void)
{
    fprintf(stderr, "usage: interop_client --target HOST:PORT [--tls CA NAME] --case CASE\n");
    for (size_t i = 0; i < CASES; i++)
        fprintf(stderr, "  %s\n", cases[i].name);
    return 2;
}

static int read_arguments(int argc, char **argv, struct given *given)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--target") == 0 && i + 1 < argc) {
            given->target = argv[++i];
        } else if (strcmp(argv[i], "--case") == 0 && i + 1 < argc) {
            given->name = argv[++i];
        } else if (strcmp(argv[i], "--tls") == 0 && i + 2 < argc) {
            given->tls.ca_file = argv[++i];
            given->tls.server_name = argv[++i];
        } else {
            return 0;
        }
    }
    return given->target != NULL && given->name != NULL;
}

int main(int argc, char **argv)
{
    struct given given = {.tls = ARC_TLS_OPTIONS_INIT};
    arc_grpc_channel_options options = ARC_GRPC_CHANNEL_OPTIONS_INIT;
    struct client client = {NULL, "open"};
    arc_err err = ARC_ERR_INIT;
    size_t at = 0;
    if (!read_arguments(argc, argv, &given))
        return usage();
    while (at < CASES && strcmp(cases[at].name, given.name) != 0)
        at++;
    if (at == CASES)
        return usage();
    options.targets = &given.target;
    options.target_count = 1;
    options.tls = given.tls.ca_file != NULL ? &given.tls : NULL;
    must(&client, arc_grpc_channel_open(&options, &client.channel, &err), "channel", &err);
    client.name = given.name;
    cases[at].run(&client);
    arc_grpc_channel_close(client.channel);
    printf("%s: ok\n", given.name);
    return 0;
}
