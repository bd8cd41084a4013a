/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the service ----------------------------------------------------------------------------- */

static void keep(const struct arc_grpc_field *field, const char *name, char *out, size_t size)
{
    if (arc__slice_is(field->name, name))
        (void)arc__slice_to_cstr(field->value, out, size);
}

static void fail(struct station *station, struct arc_grpc_call *call)
{
    const struct arc_grpc_field field = {ARC_LIT("grpc-retry-pushback-ms"),
                                         arc__slice_cstr(station->pushback)};
    int32_t code = station->code != 0 ? station->code : ARC_GRPC_UNAVAILABLE;
    station->fail--;
    if (station->headers)
        CHECK_OK(arc_grpc_call_send_headers(call, NULL, 0, NULL));
    (void)arc_grpc_call_finish(call, code, ARC_LIT("try again"), &field,
                               station->pushback != NULL ? 1 : 0, NULL);
}

static void on_call(void *user, struct arc_grpc_call *call, const struct arc_grpc_request *request)
{
    struct station *station = user;
    station->calls++;
    station->messages = station->bytes = station->packed = 0;
    station->sum = 0;
    station->attempts[0] = station->token[0] = station->agent[0] = '\0';
    station->deadline_ns = request->deadline_ns;
    (void)arc__slice_to_cstr(request->authority, station->authority, sizeof(station->authority));
    for (size_t i = 0; i < request->count; i++) {
        const struct arc_grpc_field *field = &request->fields[i];
        keep(field, "grpc-previous-rpc-attempts", station->attempts, sizeof(station->attempts));
        keep(field, "authorization", station->token, sizeof(station->token));
        keep(field, "user-agent", station->agent, sizeof(station->agent));
    }
    if (station->hold)
        station->held = call;
    else if (station->fail > 0 && station->early)
        fail(station, call);
}

static void on_message(void *user, struct arc_grpc_call *call, arc_slice message)
{
    struct station *station = user;
    station->messages++;
    station->packed += arc_grpc_call_was_packed(call) != 0;
    station->bytes += message.len;
    station->sum = pair_sum(station->sum, message);
}

static void on_half_close(void *user, struct arc_grpc_call *call)
{
    struct station *station = user;
    char text[16];
    if (station->hold)
        return;
    if (station->fail > 0) {
        fail(station, call);
        return;
    }
    int len = snprintf(text, sizeof(text), "%zu", station->index);
    if (arc_grpc_call_send(call, arc__slice(text, (size_t)len), NULL) == ARC_OK)
        (void)arc_grpc_call_finish(call, ARC_GRPC_OK, ARC_NONE, NULL, 0, NULL);
    else
        arc_grpc_call_cancel(call);
}

static void on_close(void *user, struct arc_grpc_call *call, arc_grpc_why why)
{
    struct station *station = user;
    (void)why;
    if (station->held == call)
        station->held = NULL;
}

static const struct arc_grpc_events station_events = {
    .size = sizeof(struct arc_grpc_events),
    .on_call = on_call,
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_close = on_close,
};

/* --- the servers ----------------------------------------------------------------------------- */

arc_status fleet_start(struct fleet *fleet, size_t index)
{
    struct station *station = &fleet->stations[index];
    const char *listen = station->address[0] != '\0' ? station->address : "127.0.0.1:0";
    struct arc_net_server_options options = {
        .size = sizeof(options),
        .env = &fleet->host.env,
        .listen = &listen,
        .listen_count = 1,
        .events = &station_events,
        .user = station,
    };
    ARC_TRY(arc__net_server_open(&options, &fleet->host.more[index], NULL));
    snprintf(station->address, sizeof(station->address), "127.0.0.1:%u",
             (unsigned)arc__net_server_port(fleet->host.more[index], 0));
    return ARC_OK;
}

void fleet_stop(struct fleet *fleet, size_t index)
{
    arc__net_server_close(fleet->host.more[index]);
    fleet->host.more[index] = NULL;
}

arc_status fleet_open(struct fleet *fleet, const struct arc_mem *mem, size_t count)
{
    *fleet = (struct fleet){.count = count, .silent = -1};
    ARC_TRY(host_open(&fleet->host, mem));
    for (size_t i = 0; i < count; i++) {
        fleet->stations[i].host = &fleet->host;
        fleet->stations[i].index = i;
        ARC_TRY(fleet_start(fleet, i));
        fleet->targets[fleet->target_count++] = fleet->stations[i].address;
    }
    return ARC_OK;
}

void fleet_close(struct fleet *fleet)
{
    host_close(&fleet->host);
    if (fleet->silent >= 0)
        close(fleet->silent);
}

static int take_port(char address[64])
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)&at, len) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    snprintf(address, 64, "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    return fd;
}

static void add_first(struct fleet *fleet, const char *address)
{
    for (size_t i = fleet->target_count++; i > 0; i--)
        fleet->targets[i] = fleet->targets[i - 1];
    fleet->targets[0] = address;
}

void fleet_add_dead(struct fleet *fleet)
{
    close(take_port(fleet->spare[0]));
    add_first(fleet, fleet->spare[0]);
}

void fleet_add_silent(struct fleet *fleet)
{
    fleet->silent = take_port(fleet->spare[1]);
    CHECK(listen(fleet->silent, 8) == 0);
    add_first(fleet, fleet->spare[1]);
}

arc_status fleet_connect(struct fleet *fleet, const struct arc_net_channel_options *options)
{
    struct arc_net_channel_options filled = {.size = sizeof(filled)};
    if (options != NULL)
        filled = *options;
    if (filled.targets == NULL) {
        filled.targets = fleet->targets;
        filled.target_count = fleet->target_count;
    }
    return host_connect(&fleet->host, &filled, &fleet->host.channel, NULL);
}

int fleet_calls(const struct fleet *fleet)
{
    int calls = 0;
    for (size_t i = 0; i < fleet->count; i++)
        calls += fleet->stations[i].calls;
    return calls;
}

/* --- calls ----------------------------------------------------------------------------------- */

arc_status fleet_begin(struct fleet *fleet, int idempotent, struct seen *seen)
{
    struct arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    request.path = ARC_LIT("/t/Ask");
    request.idempotent = idempotent;
    return arc__net_channel_call(fleet->host.channel, &request, &seen_events, seen, &seen->call,
                                 NULL);
}

void fleet_say(struct seen *seen, const char *text)
{
    if (arc_grpc_call_send(seen->call, arc__slice_cstr(text), NULL) == ARC_OK)
        arc_grpc_call_half_close(seen->call);
    else
        arc_grpc_call_cancel(seen->call);
}

arc_status fleet_unary(struct fleet *fleet, int idempotent, struct seen *seen)
{
    *seen = (struct seen){0};
    ARC_TRY(fleet_begin(fleet, idempotent, seen));
    fleet_say(seen, "hello");
    host_until(&fleet->host, &seen->closes);
    return ARC_OK;
}
