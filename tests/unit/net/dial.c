/* SPDX-License-Identifier: Apache-2.0 */
/* A channel of the public API against a server that others wrote: connects, prints "ready" or why
 * it could not, and ends. A server of TLS that knows no HTTP/2 is not waited for. dial TARGET CA
 * [CERT KEY] */
#include <arcentra/client.h>

#include <poll.h>
#include <stdio.h>

/* What the first attempt came to; 0: nothing yet. */
static void on_state(void *user, arc_grpc_channel *channel, int32_t state, const arc_err *err)
{
    int *done = user;
    (void)channel;
    if (*done != 0 || (state != ARC_GRPC_CHANNEL_READY && state != ARC_GRPC_CHANNEL_BACKOFF))
        return;
    *done = 1;
    (void)puts(state == ARC_GRPC_CHANNEL_READY ? "ready" : err->message);
}

int main(int argc, char **argv)
{
    arc_tls_options tls = ARC_TLS_OPTIONS_INIT;
    arc_grpc_channel_options options = ARC_GRPC_CHANNEL_OPTIONS_INIT;
    arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    arc_grpc_channel *channel = NULL;
    arc_err err = ARC_ERR_INIT;
    int done = 0;
    if (argc != 3 && argc != 5) {
        (void)fputs("usage: dial TARGET CA [CERT KEY]\n", stderr);
        return 2;
    }
    const char *target = argv[1];
    tls.ca_file = argv[2];
    if (argc == 5) {
        tls.cert_file = argv[3];
        tls.key_file = argv[4];
    }
    options.targets = &target;
    options.target_count = 1;
    options.tls = &tls;
    limits.handshake_ns = 100000000;
    options.limits = &limits;
    options.connect_ms = 10000;
    options.on_state = on_state;
    options.user = &done;
    if (arc_grpc_channel_open(&options, &channel, &err) != ARC_OK) {
        (void)fprintf(stderr, "%s: %s\n", err.subject, err.message);
        return 1;
    }
    arc_grpc_channel_connect(channel);
    while (!done) {
        struct pollfd poller = {.fd = arc_grpc_channel_get_fd(channel), .events = POLLIN};
        (void)poll(&poller, 1, arc_grpc_channel_get_timeout_ms(channel));
        if (arc_grpc_channel_dispatch(channel, &err) != ARC_OK)
            break;
    }
    arc_grpc_channel_close(channel);
    return done ? 0 : 1;
}
