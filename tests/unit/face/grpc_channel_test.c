/* SPDX-License-Identifier: Apache-2.0 */
/* arc_grpc_channel as a program uses it: public headers, poll, and servers of the same kind. */
#include "face.h"

#include <arcentra/client.h>
#include <arcentra/server.h>

#include <poll.h>
#include <stdio.h>

#define SERVERS 2

struct world;

/* The user of one server. */
struct served {
    struct world *world;
    int index;
};

struct world {
    struct given given;
    arc_env env;
    arc_grpc_server *servers[SERVERS];
    char addresses[SERVERS][32];
    const char *targets[SERVERS];
    int calls[SERVERS], fail[SERVERS];
    struct served users[SERVERS];
    arc_grpc_channel *channel;
    int32_t states[8];
    int asked;
    /* of the call */
    int closed, messages;
    int32_t code;
    arc_status from_event;
};

/* --- the servers ----------------------------------------------------------------------------- */

static void on_call(void *user, arc_grpc_call *call, const arc_grpc_request *request)
{
    (void)user;
    (void)call;
    CHECK(arc__slice_is(request->path, "/t/Ask"));
}

static void on_half_close(void *user, arc_grpc_call *call)
{
    const struct served *served = user;
    struct world *world = served->world;
    int index = served->index;
    world->calls[index]++;
    if (world->fail[index] > 0) {
        world->fail[index]--;
        (void)arc_grpc_call_finish(call, ARC_GRPC_UNAVAILABLE, ARC_NONE, NULL, 0, NULL);
    } else if (arc_grpc_call_send(call, ARC_LIT("hi"), NULL) == ARC_OK) {
        (void)arc_grpc_call_finish(call, ARC_GRPC_OK, ARC_NONE, NULL, 0, NULL);
    }
}

static const arc_grpc_events server_events = {
    .size = sizeof(arc_grpc_events), .on_call = on_call, .on_half_close = on_half_close};

static void serve(struct world *world, int index)
{
    const char *listen = "127.0.0.1:0";
    arc_grpc_server_options options = ARC_GRPC_SERVER_OPTIONS_INIT;
    options.env = &world->env;
    options.listen = &listen;
    options.listen_count = 1;
    options.events = &server_events;
    world->users[index] = (struct served){world, index};
    options.user = &world->users[index];
    CHECK_OK(arc_grpc_server_open(&options, &world->servers[index], NULL));
    snprintf(world->addresses[index], sizeof(world->addresses[index]), "127.0.0.1:%d",
             arc_grpc_server_get_port(world->servers[index], 0));
    world->targets[index] = world->addresses[index];
}

/* --- the client ------------------------------------------------------------------------------ */

static void on_message(void *user, arc_grpc_call *call, arc_slice message)
{
    struct world *world = user;
    (void)call;
    CHECK(arc__slice_is(message, "hi"));
    world->messages++;
}

static void on_status(void *user, arc_grpc_call *call, const arc_grpc_status *status)
{
    struct world *world = user;
    (void)call;
    world->code = status->code;
    world->from_event = arc_grpc_channel_dispatch(world->channel, NULL);
}

static void on_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    struct world *world = user;
    (void)call;
    (void)why;
    world->closed++;
}

static const arc_grpc_events client_events = {.size = sizeof(arc_grpc_events),
                                              .on_message = on_message,
                                              .on_status = on_status,
                                              .on_close = on_close};

static void on_state(void *user, arc_grpc_channel *channel, int32_t state, const arc_err *err)
{
    struct world *world = user;
    (void)channel;
    CHECK((err != NULL) == (state == ARC_GRPC_CHANNEL_BACKOFF));
    world->states[state]++;
}

static int32_t credentials(void *user, const arc_grpc_request *request, arc_grpc_field *out,
                           size_t max)
{
    struct world *world = user;
    CHECK(arc__slice_is(request->path, "/t/Ask") && max > 0);
    CHECK_STATUS(arc_grpc_channel_dispatch(world->channel, NULL), ARC_ECONFLICT);
    world->asked++;
    out[0] = (arc_grpc_field){ARC_LIT("authorization"), ARC_LIT("Bearer t")};
    return 1;
}

static void turn(struct world *world)
{
    struct pollfd fds[SERVERS + 1] = {{.fd = -1, .events = POLLIN}};
    nfds_t count = 0;
    for (int i = 0; i < SERVERS; i++) {
        fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
        if (world->servers[i] != NULL)
            fds[i].fd = arc_grpc_server_get_fd(world->servers[i]);
        count++;
    }
    fds[count++] = (struct pollfd){.fd = arc_grpc_channel_get_fd(world->channel), .events = POLLIN};
    int wait = arc_grpc_channel_get_timeout_ms(world->channel);
    if (poll(fds, count, wait == 0 ? 0 : 5) == 0 && wait > 0)
        pass_ms(&world->given, (uint64_t)wait);
    for (int i = 0; i < SERVERS; i++) {
        if (world->servers[i] != NULL)
            CHECK_OK(arc_grpc_server_dispatch(world->servers[i], NULL));
    }
    CHECK_OK(arc_grpc_channel_dispatch(world->channel, NULL));
}

static arc_status ask(struct world *world, int32_t idempotent)
{
    arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    arc_grpc_call *call = NULL;
    request.path = ARC_LIT("/t/Ask");
    request.idempotent = idempotent;
    request.deadline_ns = arc_grpc_channel_get_now(world->channel) + UINT64_C(60000000000);
    world->closed = 0;
    arc_status status =
        arc_grpc_channel_call(world->channel, &request, &client_events, world, &call, NULL);
    if (status != ARC_OK)
        return status;
    CHECK_OK(arc_grpc_call_send(call, ARC_LIT("hello"), NULL));
    arc_grpc_call_half_close(call);
    for (int i = 0; i < 5000 && !world->closed; i++)
        turn(world);
    CHECK_INT(world->closed, 1);
    CHECK_STATUS(world->from_event, ARC_ECONFLICT);
    return ARC_OK;
}

static void open_world(struct world *world, const arc_grpc_retry *retry, uint32_t balance)
{
    arc_grpc_channel_options options = ARC_GRPC_CHANNEL_OPTIONS_INIT;
    *world = (struct world){.code = -1};
    world->env = given_env(&world->given);
    for (int i = 0; i < SERVERS; i++)
        serve(world, i);
    options.env = &world->env;
    options.targets = world->targets;
    options.target_count = SERVERS;
    options.balance = balance;
    options.retry = retry;
    options.credentials = credentials;
    options.credentials_in_clear = 1;
    options.on_state = on_state;
    options.user = world;
    CHECK_OK(arc_grpc_channel_open(&options, &world->channel, NULL));
}

static void close_world(struct world *world)
{
    arc_grpc_channel_close(world->channel);
    for (int i = 0; i < SERVERS; i++)
        arc_grpc_server_close(world->servers[i]);
    CHECK_INT(world->given.mem.live, 0);
}

/* --- cases ----------------------------------------------------------------------------------- */

static void round_robin(void)
{
    struct world world;
    open_world(&world, NULL, ARC_GRPC_ROUND_ROBIN);
    CHECK_INT(arc_grpc_channel_get_state(world.channel), ARC_GRPC_CHANNEL_IDLE);
    arc_grpc_channel_connect(world.channel);
    for (int i = 0; i < 1000 && arc_grpc_channel_get_counters(world.channel)->connections < 2; i++)
        turn(&world);
    for (int i = 0; i < 20; i++)
        turn(&world);
    CHECK_INT(arc_grpc_channel_get_state(world.channel), ARC_GRPC_CHANNEL_READY);
    for (int i = 0; i < 6; i++) {
        CHECK_OK(ask(&world, 0));
        CHECK_INT(world.code, ARC_GRPC_OK);
    }
    CHECK_INT(world.calls[0], 3);
    CHECK_INT(world.calls[1], 3);
    CHECK_INT(world.asked, 6);
    CHECK_INT(arc_grpc_channel_get_calls(world.channel), 0);
    CHECK_INT(world.states[ARC_GRPC_CHANNEL_READY], 1);
    close_world(&world);
}

static void sent_again(void)
{
    static const arc_grpc_retry retry = ARC_GRPC_RETRY_INIT;
    struct world world;
    open_world(&world, &retry, ARC_GRPC_PICK_FIRST);
    world.fail[0] = 2;
    CHECK_OK(ask(&world, 1));
    CHECK_INT(world.code, ARC_GRPC_OK);
    CHECK_INT(world.messages, 1);
    CHECK_INT(world.calls[0], 3);
    CHECK_INT(world.asked, 3);
    world.fail[0] = 1;
    CHECK_OK(ask(&world, 0));
    CHECK_INT(world.code, ARC_GRPC_UNAVAILABLE);
    close_world(&world);
}

static void other_targets(void)
{
    struct world world;
    open_world(&world, NULL, ARC_GRPC_PICK_FIRST);
    CHECK_OK(ask(&world, 0));
    CHECK_OK(arc_grpc_channel_set_targets(world.channel, &world.targets[1], 1, NULL));
    CHECK_OK(ask(&world, 0));
    CHECK_INT(world.calls[0], 1);
    CHECK_INT(world.calls[1], 1);
    CHECK_STATUS(arc_grpc_channel_set_targets(world.channel, NULL, 1, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_channel_reload_tls(world.channel, NULL), ARC_ECONFLICT);
    arc_grpc_channel_drain(world.channel);
    CHECK_OK(ask(&world, 0));
    CHECK_INT(arc_grpc_channel_get_counters(world.channel)->connections, 3);
    close_world(&world);
}

static void nobody_there(void)
{
    struct world world;
    open_world(&world, NULL, ARC_GRPC_ROUND_ROBIN);
    for (int i = 0; i < SERVERS; i++) {
        arc_grpc_server_close(world.servers[i]);
        world.servers[i] = NULL;
    }
    CHECK_OK(ask(&world, 0));
    CHECK_INT(world.code, ARC_GRPC_UNAVAILABLE);
    CHECK_INT(arc_grpc_channel_get_state(world.channel), ARC_GRPC_CHANNEL_BACKOFF);
    CHECK(arc_grpc_channel_get_timeout_ms(world.channel) >= 0);
    CHECK_STATUS(ask(&world, 0), ARC_EUNAVAILABLE);
    close_world(&world);
}

static void options_that_are_wrong(void)
{
    struct given given = {0};
    arc_env env = given_env(&given);
    const char *target = "127.0.0.1:1";
    arc_grpc_retry retry = {.size = sizeof(retry), .codes = 1U << ARC_GRPC_OK};
    arc_grpc_channel *channel = NULL;
    arc_grpc_channel_options options = ARC_GRPC_CHANNEL_OPTIONS_INIT;
    options.env = &env;
    CHECK_STATUS(arc_grpc_channel_open(&options, &channel, NULL), ARC_EINVAL);
    options.targets = &target;
    options.target_count = ARC_GRPC_ADDRESSES_MAX + 1;
    CHECK_STATUS(arc_grpc_channel_open(&options, &channel, NULL), ARC_EINVAL);
    options.target_count = 1;
    options.balance = 7;
    CHECK_STATUS(arc_grpc_channel_open(&options, &channel, NULL), ARC_EINVAL);
    options.balance = 0;
    options.retry = &retry;
    CHECK_STATUS(arc_grpc_channel_open(&options, &channel, NULL), ARC_EINVAL);
    retry.codes = 0;
    options.credentials = credentials;
    CHECK_STATUS(arc_grpc_channel_open(&options, &channel, NULL), ARC_EINVAL);
    CHECK(channel == NULL);
    CHECK_INT(given.mem.live, 0);
    arc_grpc_channel_close(NULL);
}

static void every_allocation(void)
{
    const char *const targets[] = {"127.0.0.1:1", "[::1]:1"};
    for (uint64_t n = 1; n < 500; n++) {
        struct given given = {0};
        arc_env env = given_env(&given);
        arc_grpc_channel *channel = NULL;
        arc_grpc_channel_options options = ARC_GRPC_CHANNEL_OPTIONS_INIT;
        options.env = &env;
        options.targets = targets;
        options.target_count = 2;
        options.balance = ARC_GRPC_ROUND_ROBIN;
        given.mem.fail_at = n;
        arc_status status = arc_grpc_channel_open(&options, &channel, NULL);
        if (status == ARC_OK)
            status = arc_grpc_channel_set_targets(channel, targets, 1, NULL);
        CHECK(status == ARC_OK || status == ARC_ENOMEM);
        arc_grpc_channel_close(channel);
        CHECK_INT(given.mem.live, 0);
        if (given.mem.calls < n) {
            CHECK_OK(status);
            return;
        }
    }
    CU_FAIL("the torture never came to an end");
}

static const struct test tests[] = {
    {"a channel goes round its addresses, with credentials", round_robin},
    {"an idempotent call is sent again, with new credentials", sent_again},
    {"a channel takes other addresses while it is used", other_targets},
    {"without anybody a channel backs off and says so", nobody_there},
    {"options that cannot be followed are refused", options_that_are_wrong},
    {"every failed allocation of a channel is refused cleanly", every_allocation},
};
TEST_MAIN(tests)
