/* SPDX-License-Identifier: Apache-2.0 */
/* The gRPC door before a real control plane: a server and a client of the public API on loopback.
 */
#include "shim.h"

#include <arcentra/call.h>
#include <arcentra/client.h>
#include <arcentra/ctl.h>
#include <arcentra/server.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

struct both {
    arc_ctl *ctl;
    arc_server *server;
    arc_client *client;
    char token[ARC_TOKEN_SIZE];
};

static void both_close(struct both *both)
{
    arc_client_close(both->client);
    arc_server_close(both->server);
    arc_ctl_close(both->ctl);
}

static arc_status both_open(struct both *both)
{
    arc_ctl_options ctl = ARC_CTL_OPTIONS_INIT;
    arc_server_options server = ARC_SERVER_OPTIONS_INIT;
    arc_client_options client = ARC_CLIENT_OPTIONS_INIT;
    char target[64];
    *both = (struct both){0};
    server.listen = "127.0.0.1:0";
    if (CHECK_OK(arc_ctl_open(&ctl, &both->ctl, NULL)) != 1 ||
        CHECK_OK(arc_ctl_token_new(both->ctl, "test",
                                   ARC_SCOPE_READ | ARC_SCOPE_WRITE | ARC_SCOPE_RUN, both->token,
                                   sizeof(both->token), NULL)) != 1 ||
        CHECK_OK(arc_server_open(both->ctl, &server, &both->server, NULL)) != 1)
        return ARC_EINTERNAL;
    snprintf(target, sizeof(target), "127.0.0.1:%d", arc_server_get_port(both->server));
    client.target = target;
    return arc_client_open(&client, &both->client, NULL);
}

static int sooner(int a_ms, int b_ms)
{
    return a_ms < 0 ? b_ms : b_ms < 0 ? a_ms : a_ms < b_ms ? a_ms : b_ms;
}

static void turn(struct both *both)
{
    struct pollfd fds[2] = {{.fd = arc_ctl_fd(both->ctl), .events = POLLIN},
                            {.fd = arc_client_fd(both->client), .events = POLLIN}};
    int ms = sooner(arc_ctl_timeout_ms(both->ctl), arc_client_timeout_ms(both->client));
    (void)poll(fds, 2, sooner(ms, 100));
    CHECK_OK(arc_ctl_dispatch(both->ctl, 100, NULL));
    CHECK_OK(arc_client_dispatch(both->client, NULL));
}

/* Turns until the call has a message or is over. */
static arc_status next(struct both *both, arc_call *call, const char **text)
{
    size_t len = 0;
    arc_status status = ARC_EAGAIN;
    for (int i = 0; i < 1000 && status == ARC_EAGAIN; i++) {
        status = arc_call_next(call, text, &len, NULL);
        if (status == ARC_EAGAIN)
            turn(both);
    }
    return status;
}

static arc_call *open_call(struct both *both, const char *method, const char *token,
                           uint32_t format)
{
    arc_call_options options = ARC_CALL_OPTIONS_INIT;
    arc_call *call = NULL;
    options.token = token;
    options.format = format;
    options.deadline_ms = 20000;
    CHECK_OK(arc_client_call(both->client, method, &options, &call, NULL));
    return call;
}

/* One request, one answer: the status; the reply begins with `reply` (NULL: not looked at). */
static void check_unary(struct both *both, const char *method, const char *token,
                        const char *request, arc_status want, const char *reply)
{
    const char *text = "";
    arc_err err = ARC_ERR_INIT;
    arc_call *call = open_call(both, method, token, ARC_CALL_JSON);
    if (call == NULL)
        return;
    CHECK_OK(arc_call_send(call, request, strlen(request), NULL));
    CHECK_OK(arc_call_half_close(call, NULL));
    arc_status status = next(both, call, &text);
    if (want == ARC_OK) {
        CHECK_OK(status);
        if (reply != NULL && strstr(text, reply) == NULL) {
            printf("# %s\n", text);
            CU_FAIL("the reply is another");
        }
        status = next(both, call, &text);
    }
    CHECK_STATUS(status, ARC_EDONE);
    CHECK_STATUS(arc_call_status(call, &err), want);
    arc_call_close(call);
}

static void unary_calls(void)
{
    struct both both;
    CHECK_OK(both_open(&both));
    if (both.client != NULL) {
        check_unary(&both, "pipeline.v1.PipelineService/CreatePipeline", both.token,
                    "{\"projectId\":\"p\",\"name\":\"one\"}", ARC_OK, "\"success\":true");
        check_unary(&both, "pipeline.v1.PipelineService/ListPipelines", both.token,
                    "{\"projectId\":\"p\"}", ARC_OK, "\"one\"");
        check_unary(&both, "pipeline.v1.PipelineService/GetPipeline", both.token,
                    "{\"pipelineId\":\"nothing\"}", ARC_OK, "\"success\":false");
        check_unary(&both, "stream.v1.StreamService/StreamEvents", both.token, "{}",
                    ARC_EUNIMPLEMENTED, NULL);
    }
    both_close(&both);
}

static void credentials(void)
{
    struct both both;
    CHECK_OK(both_open(&both));
    if (both.client != NULL) {
        const char *method = "pipeline.v1.PipelineService/ListPipelines";
        check_unary(&both, method, NULL, "{}", ARC_EUNAUTHENTICATED, NULL);
        check_unary(&both, method, "arct_wrong", "{}", ARC_EUNAUTHENTICATED, NULL);
        check_unary(&both, "control.v1.ControlService/CreateApiToken", both.token, "{}",
                    ARC_EDENIED, NULL);
    }
    both_close(&both);
}

static void bad_bytes(void)
{
    struct both both;
    const char *text = "";
    CHECK_OK(both_open(&both));
    arc_call *call = both.client == NULL
                         ? NULL
                         : open_call(&both, "pipeline.v1.PipelineService/ListPipelines", both.token,
                                     ARC_CALL_PROTOBUF);
    if (call != NULL) {
        CHECK_OK(arc_call_send(call, "\x0a\xff", 2, NULL));
        CHECK_OK(arc_call_half_close(call, NULL));
        CHECK_STATUS(next(&both, call, &text), ARC_EDONE);
        CHECK_STATUS(arc_call_status(call, NULL), ARC_EINVAL);
    }
    arc_call_close(call);
    both_close(&both);
}

static void streams_and_drain(void)
{
    struct both both;
    const char *text = "";
    size_t len = 0;
    CHECK_OK(both_open(&both));
    arc_call *call = both.client == NULL
                         ? NULL
                         : open_call(&both, "stream.v1.StreamService/StreamPipelineStatus",
                                     both.token, ARC_CALL_JSON);
    if (call != NULL) {
        CHECK_OK(arc_call_send(call, "{}", 2, NULL));
        CHECK_OK(arc_call_half_close(call, NULL));
        for (int i = 0; i < 20; i++)
            turn(&both);
        CHECK_STATUS(arc_call_next(call, &text, &len, NULL), ARC_EAGAIN);
        arc_server_drain(both.server, 5000);
        CHECK_STATUS(next(&both, call, &text), ARC_EDONE);
        CHECK_STATUS(arc_call_status(call, NULL), ARC_EUNAVAILABLE);
        for (int i = 0; i < 200 && !arc_server_get_drained(both.server); i++)
            turn(&both);
        CHECK(arc_server_get_drained(both.server));
    }
    arc_call_close(call);
    both_close(&both);
}

/* Two servers of one control plane, behind an address where nobody is. */
static void several_servers(void)
{
    struct both both;
    arc_server *second = NULL;
    arc_server_options server = ARC_SERVER_OPTIONS_INIT;
    arc_client_options client = ARC_CLIENT_OPTIONS_INIT;
    char first_at[64], second_at[64];
    const char *const targets[] = {"127.0.0.1:1", first_at, second_at};
    const char *const method = "pipeline.v1.PipelineService/ListPipelines";
    CHECK_OK(both_open(&both));
    arc_client_close(both.client);
    both.client = NULL;
    server.listen = "127.0.0.1:0";
    CHECK_OK(arc_server_open(both.ctl, &server, &second, NULL));
    snprintf(first_at, sizeof(first_at), "127.0.0.1:%d", arc_server_get_port(both.server));
    snprintf(second_at, sizeof(second_at), "127.0.0.1:%d", arc_server_get_port(second));
    client.targets = targets;
    CHECK_STATUS(arc_client_open(&client, &both.client, NULL), ARC_EINVAL); /* none of them */
    client.target_count = 3;
    client.connect_ms = 5000;
    client.target = first_at;
    CHECK_STATUS(arc_client_open(&client, &both.client, NULL), ARC_EINVAL); /* one or several */
    client.target = NULL;
    CHECK_OK(arc_client_open(&client, &both.client, NULL));
    if (both.client != NULL) {
        check_unary(&both, method, both.token, "{}", ARC_OK, NULL);
        arc_server_close(both.server);
        both.server = NULL;
        for (int i = 0; i < 100 && arc_client_get_state(both.client) == ARC_CLIENT_READY; i++)
            turn(&both);
        check_unary(&both, method, both.token, "{}", ARC_OK, NULL);
    }
    arc_client_close(both.client);
    both.client = NULL;
    arc_server_close(second);
    both_close(&both);
}

static const struct test tests[] = {
    {"calls reach a control plane by gRPC and come back", unary_calls},
    {"a control plane by gRPC wants a token that allows it", credentials},
    {"bytes that are no message are refused by gRPC", bad_bytes},
    {"a drain ends the streams of a control plane by gRPC", streams_and_drain},
    {"of several servers the next one is taken when one is gone", several_servers},
};
TEST_MAIN(tests)
