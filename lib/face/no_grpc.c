/* SPDX-License-Identifier: Apache-2.0 */
/* What a build without gRPC says where the others serve and connect. */
#include <arcentra/client.h>
#include <arcentra/server.h>

#include "face/ctl_private.h"

static arc_status absent(arc_err *err)
{
    return arc__fail(err, ARC_EUNIMPLEMENTED, "grpc", "This build of libarcentra has no gRPC.");
}

arc_status arc_server_open(arc_ctl *ctl, const arc_server_options *options, arc_server **out,
                           arc_err *err)
{
    (void)ctl, (void)options, (void)out;
    return absent(err);
}

int arc_server_get_port(arc_server *server)
{
    (void)server;
    return 0;
}

void arc_server_drain(arc_server *server, uint32_t deadline_ms)
{
    (void)server, (void)deadline_ms;
}

int arc_server_get_drained(arc_server *server)
{
    (void)server;
    return 1;
}

void arc_server_close(arc_server *server)
{
    (void)server;
}

arc_status arc_client_open(const arc_client_options *options, arc_client **out, arc_err *err)
{
    (void)options, (void)out;
    return absent(err);
}

int arc_client_fd(arc_client *client)
{
    (void)client;
    return -1;
}

int arc_client_timeout_ms(arc_client *client)
{
    (void)client;
    return -1;
}

arc_status arc_client_dispatch(arc_client *client, arc_err *err)
{
    (void)client;
    return absent(err);
}

int arc_client_get_state(arc_client *client)
{
    (void)client;
    return ARC_CLIENT_IDLE;
}

const char *arc_client_get_trouble(arc_client *client)
{
    (void)client;
    return "This build of libarcentra has no gRPC.";
}

arc_status arc_client_set_token(arc_client *client, const char *token, arc_err *err)
{
    (void)client, (void)token;
    return absent(err);
}

arc_status arc_client_call(arc_client *client, const char *method, const arc_call_options *options,
                           arc_call **out, arc_err *err)
{
    (void)client, (void)method, (void)options, (void)out;
    return absent(err);
}

void arc_client_close(arc_client *client)
{
    (void)client;
}

void arc__servers_dispatch(struct arc_ctl *ctl)
{
    (void)ctl;
}

void arc__servers_tick(struct arc_ctl *ctl)
{
    (void)ctl;
}

uint64_t arc__servers_deadline(const struct arc_ctl *ctl)
{
    (void)ctl;
    return UINT64_MAX;
}

void arc__servers_close(struct arc_ctl *ctl)
{
    (void)ctl;
}
