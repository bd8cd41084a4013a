/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/remote.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define CALL_MS 30000u

size_t remote_args(struct remote *remote, struct arg *table, size_t count)
{
    const struct arg rows[REMOTE_ARGS] = {
        {"server", 's', ARG_TEXT, "ARCENTRA_SERVER", "HOST:PORT",
         "The server's gRPC address (localhost:9090).", &remote->server, 0, 0},
        {"token-file", 0, ARG_TEXT, "ARCENTRA_TOKEN_FILE", "FILE", "Where the token stands.",
         &remote->token_file, 0, 0},
        {"tls", 0, ARG_SWITCH, "ARCENTRA_TLS", NULL, "TLS with the system's certificates.",
         &remote->tls, 0, 0},
        {"tls-ca", 0, ARG_TEXT, "ARCENTRA_TLS_CA", "FILE", "TLS, and trust these (PEM).",
         &remote->tls_ca, 0, 0},
        {"json", 0, ARG_SWITCH, NULL, NULL, "The answer as JSON.", &remote->json, 0, 0},
    };
    memcpy(table + count, rows, sizeof(rows));
    return count + REMOTE_ARGS;
}

static int read_token(struct remote *remote)
{
    const char *token = getenv("ARCENTRA_TOKEN");
    char why[512];
    if (remote->token_file == NULL) {
        if (token == NULL || token[0] == '\0') {
            cli_fail("No token: give ARCENTRA_TOKEN or --token-file. A server's first start writes "
                     "one to admin.token in its data directory.");
            return EXIT_USAGE;
        }
        remote->token = mem_copy(token);
        return 0;
    }
    remote->token = arg_read_secret(remote->token_file, why, sizeof(why));
    if (remote->token != NULL)
        return 0;
    cli_fail("%s", why);
    return EXIT_USAGE;
}

void remote_close(struct remote *remote)
{
    arc_client_close(remote->client);
    if (remote->token != NULL)
        explicit_bzero(remote->token, strlen(remote->token));
    mem_free(remote->token);
    remote->client = NULL;
    remote->token = NULL;
}

int remote_open(struct remote *remote)
{
    arc_client_options options = ARC_CLIENT_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    if (remote->server == NULL)
        remote->server = "localhost:9090";
    int failed = read_token(remote);
    if (failed != 0)
        return failed;
    options.target = remote->server;
    options.token = remote->token;
    options.tls = remote->tls ? 1 : 0;
    options.tls_ca_file = remote->tls_ca;
    options.backoff_min_ms = 200;
    options.backoff_max_ms = 3000;
    if (arc_client_open(&options, &remote->client, &err) == ARC_OK)
        return 0;
    cli_fail("%s: %s", remote->server, err.message);
    remote_close(remote);
    return EXIT_USAGE;
}

static void wake(void *user, arc_call *call)
{
    struct remote *remote = user;
    (void)call;
    remote->woken = 1;
}

static arc_status open_call(struct remote *remote, const char *method, uint32_t deadline_ms,
                            arc_call **out, arc_err *err)
{
    arc_call_options options = ARC_CALL_OPTIONS_INIT;
    options.deadline_ms = deadline_ms;
    options.ready = wake;
    options.user = remote;
    return arc_client_call(remote->client, method, &options, out, err);
}

int remote_wait(struct remote *remote, int fd, int timeout_ms)
{
    struct pollfd fds[2] = {{arc_client_fd(remote->client), POLLIN, 0}, {fd, POLLIN, 0}};
    int own_ms = remote->woken ? 0 : arc_client_timeout_ms(remote->client);
    arc_err err = ARC_ERR_INIT;
    if (own_ms >= 0 && (timeout_ms < 0 || own_ms < timeout_ms))
        timeout_ms = own_ms;
    remote->woken = 0;
    if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
        return cli_fail("poll: %s.", strerror(errno));
    if (arc_client_dispatch(remote->client, &err) != ARC_OK)
        return cli_fail("%s", err.message);
    return 0;
}

/* A server that speaks TLS ends a connection that does not, and cannot say why. */
static const char *tls_hint(const struct remote *remote)
{
    return remote->tls || remote->tls_ca != NULL
               ? ""
               : " If the server speaks TLS, give --tls or --tls-ca FILE.";
}

/* A server that cannot be reached is said at once: nobody wants to wait before a prompt. */
static int is_away(struct remote *remote)
{
    if (arc_client_get_state(remote->client) != ARC_CLIENT_WAITING)
        return 0;
    const char *trouble = arc_client_get_trouble(remote->client);
    int heard = strstr(trouble, "refused") == NULL && strstr(trouble, "unknown") == NULL;
    cli_fail("%s cannot be reached: %s%s", remote->server, trouble[0] != '\0' ? trouble : "why?",
             heard ? tls_hint(remote) : "");
    return 1;
}

static const json_node *judge(const json_node *reply, const char *bytes, size_t len)
{
    if (reply == NULL) {
        cli_fail("The answer is no JSON: %.*s", (int)(len < 200 ? len : 200), bytes);
        return NULL;
    }
    const json_node *success = json_get(reply, "success");
    if (success == NULL || json_get_bool(reply, "success"))
        return reply;
    const json_node *error = json_get(reply, "error");
    const char *message = json_get_text(error, "message");
    const json_node *found = json_get(json_get(error, "details"), "diagnostics");
    cli_fail("%s", message[0] != '\0' ? message : json_get_text(reply, "message"));
    for (size_t i = 0; i < json_count(found); i++)
        fprintf(stderr, "  %s: %s\n", json_get_text(json_at(found, i), "path"),
                json_get_text(json_at(found, i), "message"));
    json_free(reply);
    return NULL;
}

static const json_node *wait_for(struct remote *remote, arc_call *call, int print)
{
    arc_err err = ARC_ERR_INIT;
    const char *bytes;
    size_t len;
    for (;;) {
        arc_status status = arc_call_next(call, &bytes, &len, &err);
        if (status == ARC_OK) {
            const json_node *reply = judge(json_parse(bytes, len, NULL, 0), bytes, len);
            if (print && reply != NULL)
                printf("%.*s\n", (int)len, bytes);
            return reply;
        }
        if (status != ARC_EAGAIN) {
            status = arc_call_status(call, &err);
            cli_fail("%s%s%s",
                     status == ARC_EUNAUTHENTICATED ? "The token is not valid here. " : "",
                     err.message, status == ARC_EUNAVAILABLE ? tls_hint(remote) : "");
            return NULL;
        }
        if (is_away(remote) || remote_wait(remote, -1, -1) != 0)
            return NULL;
    }
}

static const json_node *call_and_wait(struct remote *remote, const char *method,
                                      const struct text *request, int print)
{
    arc_err err = ARC_ERR_INIT;
    arc_call *call = NULL;
    const json_node *reply = NULL;
    if (open_call(remote, method, CALL_MS, &call, &err) != ARC_OK ||
        arc_call_send(call, text_get(request), request->len, &err) != ARC_OK ||
        arc_call_half_close(call, &err) != ARC_OK)
        cli_fail("%s: %s", method, err.message);
    else
        reply = wait_for(remote, call, print);
    arc_call_close(call);
    return reply;
}

const json_node *remote_call(struct remote *remote, const char *method, const struct text *request)
{
    return call_and_wait(remote, method, request, 0);
}

const json_node *remote_call_print(struct remote *remote, const char *method,
                                   const struct text *request)
{
    return call_and_wait(remote, method, request, 1);
}

arc_call *remote_stream(struct remote *remote, const char *method, const struct text *request,
                        arc_err *err)
{
    arc_call *call = NULL;
    if (open_call(remote, method, 0, &call, err) == ARC_OK &&
        arc_call_send(call, text_get(request), request->len, err) == ARC_OK &&
        arc_call_half_close(call, err) == ARC_OK)
        return call;
    arc_call_close(call);
    return NULL;
}
