/* SPDX-License-Identifier: Apache-2.0 */
/* A channel with several addresses, over loopback: which of them take its calls, what it does when
 * one goes, and what it adds to a request. */
#include "shim.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"

static const struct arc_net_channel_options round_robin = {.balance = ARC_GRPC_ROUND_ROBIN};

static void check_done(const struct seen *seen, int code)
{
    CHECK_INT(seen->code, code);
    CHECK_INT(seen->statuses, 1);
    CHECK_INT(seen->closes, 1);
    CHECK_INT(seen->misuse, 0);
}

static void asks(struct fleet *fleet, int count)
{
    struct seen seen;
    for (int i = 0; i < count; i++) {
        CHECK_OK(fleet_unary(fleet, 0, &seen));
        check_done(&seen, ARC_GRPC_OK);
    }
}

/* --- which address --------------------------------------------------------------------------- */

static void round_the_addresses(void)
{
    struct fleet fleet;
    CHECK_OK(fleet_open(&fleet, NULL, 3));
    CHECK_OK(fleet_connect(&fleet, &round_robin));
    arc__net_channel_connect(fleet.host.channel);
    host_settle(&fleet.host);
    CHECK_INT(arc__net_channel_get_state(fleet.host.channel), ARC_GRPC_CHANNEL_READY);
    asks(&fleet, 9);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(fleet.stations[i].calls, 3);
    CHECK_INT(arc__net_channel_get_counters(fleet.host.channel)->connections, 3);
    CHECK_INT(arc__net_channel_get_counters(fleet.host.channel)->calls, 9);
    fleet_close(&fleet);
}

static void dead_addresses(void)
{
    struct fleet fleet;
    CHECK_OK(fleet_open(&fleet, NULL, 2));
    fleet_add_dead(&fleet);
    fleet_add_silent(&fleet);
    CHECK_OK(fleet_connect(&fleet, &round_robin));
    asks(&fleet, 1); /* waits for the first that is ready, not for one that never is */
    host_settle(&fleet.host);
    asks(&fleet, 9);
    CHECK(fleet.stations[0].calls >= 4 && fleet.stations[1].calls >= 4);
    CHECK_INT(fleet_calls(&fleet), 10);
    CHECK_INT(fleet.host.now_ns, 1000 * PAIR_S); /* no wait of any kind was needed */
    fleet_close(&fleet);
}

static void pick_first(void)
{
    struct fleet fleet;
    struct seen hang = {0};
    CHECK_OK(fleet_open(&fleet, NULL, 2));
    fleet_add_dead(&fleet);
    CHECK_OK(fleet_connect(&fleet, NULL));
    asks(&fleet, 4);
    CHECK_INT(fleet.stations[0].calls, 4);
    CHECK_INT(fleet.host.states[ARC_GRPC_CHANNEL_BACKOFF], 0);
    /* After the loss it begins again, at the first. */
    fleet.host.now_ns += 2 * PAIR_S;
    fleet.stations[0].hold = 1;
    CHECK_OK(fleet_begin(&fleet, 0, &hang));
    host_settle(&fleet.host);
    fleet_stop(&fleet, 0);
    host_until(&fleet.host, &hang.closes);
    check_done(&hang, ARC_GRPC_UNAVAILABLE);
    asks(&fleet, 2);
    CHECK_INT(fleet.stations[1].calls, 2);
    fleet_close(&fleet);
}

static void silent_first(void)
{
    struct fleet fleet;
    CHECK_OK(fleet_open(&fleet, NULL, 1));
    fleet_add_silent(&fleet);
    CHECK_OK(fleet_connect(&fleet, NULL));
    asks(&fleet, 1);
    /* It took the connection and said nothing: the handshake's time, then the next address. */
    CHECK(fleet.host.now_ns >= 1010 * PAIR_S && fleet.host.now_ns < 1011 * PAIR_S);
    CHECK_INT(fleet.host.states[ARC_GRPC_CHANNEL_BACKOFF], 0);
    fleet_close(&fleet);
}

static void fails_fast_when_all_back_off(void)
{
    struct fleet fleet;
    struct seen fast = {0}, late = {0};
    CHECK_OK(fleet_open(&fleet, NULL, 2));
    fleet_add_silent(&fleet);
    CHECK_OK(fleet_connect(&fleet, &round_robin));
    fleet_stop(&fleet, 0);
    fleet_stop(&fleet, 1);
    CHECK_OK(fleet_begin(&fleet, 0, &fast));
    fleet_say(&fast, "x");
    host_settle(&fleet.host);
    CHECK_INT(fast.closes, 0); /* one of them is still being tried */
    CHECK_INT(arc__net_channel_get_state(fleet.host.channel), ARC_GRPC_CHANNEL_CONNECTING);
    CHECK_INT(arc__net_channel_calls(fleet.host.channel), 1);
    host_until(&fleet.host, &fast.closes);
    check_done(&fast, ARC_GRPC_UNAVAILABLE);
    CHECK_INT(fast.unprocessed, 1);
    CHECK_INT(arc__net_channel_get_state(fleet.host.channel), ARC_GRPC_CHANNEL_BACKOFF);
    CHECK_STATUS(fleet_begin(&fleet, 0, &late), ARC_EUNAVAILABLE);
    CHECK_INT(late.closes, 0);
    CHECK_OK(fleet_start(&fleet, 1));
    arc__net_channel_connect(fleet.host.channel);
    host_until(&fleet.host, &fleet.host.states[ARC_GRPC_CHANNEL_READY]);
    asks(&fleet, 1);
    fleet_close(&fleet);
}

/* A request as a program of an earlier version would give it, with nothing behind. */
static void a_shorter_request(void)
{
    struct fleet fleet;
    struct seen seen = {0};
    struct arc_grpc_call *call = NULL;
    struct arc_grpc_request whole = ARC_GRPC_REQUEST_INIT;
    CHECK_OK(fleet_open(&fleet, NULL, 1));
    CHECK_OK(fleet_connect(&fleet, NULL));
    fleet_stop(&fleet, 0);
    whole.path = ARC_LIT("/t/Ask");
    whole.size = offsetof(struct arc_grpc_request, wait_for_ready);
    void *part = malloc(whole.size);
    CHECK_OK(fleet_begin(&fleet, 0, &seen));
    host_until(&fleet.host, &seen.closes);
    CHECK_INT(arc__net_channel_get_state(fleet.host.channel), ARC_GRPC_CHANNEL_BACKOFF);
    if (part != NULL) {
        memcpy(part, &whole, whole.size);
        CHECK_STATUS(
            arc__net_channel_call(fleet.host.channel, part, &seen_events, &seen, &call, NULL),
            ARC_EUNAVAILABLE);
    }
    free(part);
    fleet_close(&fleet);
}

static void an_address_comes_back(void)
{
    struct fleet fleet;
    CHECK_OK(fleet_open(&fleet, NULL, 2));
    fleet_stop(&fleet, 0);
    CHECK_OK(fleet_connect(&fleet, &round_robin));
    asks(&fleet, 3);
    host_settle(&fleet.host);
    CHECK_INT(fleet.stations[1].calls, 3);
    CHECK_OK(fleet_start(&fleet, 0));
    for (int i = 0; i < 40 && fleet.stations[0].calls == 0; i++) {
        fleet.host.now_ns += PAIR_S;
        asks(&fleet, 1);
        host_settle(&fleet.host);
    }
    CHECK(fleet.stations[0].calls > 0);
    CHECK_INT(fleet.host.states[ARC_GRPC_CHANNEL_READY], 1); /* it never was less */
    fleet_close(&fleet);
}

static void full_connections(void)
{
    struct fleet fleet;
    struct seen seen[5] = {{0}};
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    struct arc_net_channel_options options = {.balance = ARC_GRPC_ROUND_ROBIN, .limits = &limits};
    limits.calls_max = 2;
    CHECK_OK(fleet_open(&fleet, NULL, 2));
    CHECK_OK(fleet_connect(&fleet, &options));
    arc__net_channel_connect(fleet.host.channel);
    host_settle(&fleet.host);
    fleet.stations[0].hold = fleet.stations[1].hold = 1;
    for (int i = 0; i < 4; i++)
        CHECK_OK(fleet_begin(&fleet, 0, &seen[i]));
    CHECK_STATUS(fleet_begin(&fleet, 0, &seen[4]), ARC_ELIMIT);
    CHECK_INT(arc__net_channel_calls(fleet.host.channel), 4);
    host_settle(&fleet.host);
    CHECK_INT(fleet.stations[0].calls, 2);
    CHECK_INT(fleet.stations[1].calls, 2);
    /* The end of one makes room, wherever it was. */
    arc_grpc_call_cancel(seen[2].call);
    host_until(&fleet.host, &seen[2].closes);
    CHECK_OK(fleet_begin(&fleet, 0, &seen[4]));
    fleet_close(&fleet);
    for (int i = 0; i < 5; i++)
        CHECK_INT(seen[i].closes, 1);
}

static void drained_by_the_host(void)
{
    struct fleet fleet;
    struct seen chat = {0};
    CHECK_OK(fleet_open(&fleet, NULL, 1));
    CHECK_OK(fleet_connect(&fleet, NULL));
    fleet.stations[0].hold = 1;
    CHECK_OK(fleet_begin(&fleet, 0, &chat));
    host_settle(&fleet.host);
    arc__net_channel_drain(fleet.host.channel);
    CHECK_INT(arc__net_channel_get_state(fleet.host.channel), ARC_GRPC_CHANNEL_IDLE);
    fleet.stations[0].hold = 0;
    asks(&fleet, 1);
    CHECK_INT(chat.closes, 0);
    CHECK_INT(arc__net_channel_get_counters(fleet.host.channel)->connections, 2);
    CHECK_OK(arc_grpc_call_finish(fleet.stations[0].held, ARC_GRPC_OK, ARC_NONE, NULL, 0, NULL));
    host_until(&fleet.host, &chat.closes);
    check_done(&chat, ARC_GRPC_OK);
    fleet_close(&fleet);
}

static void closing_ends_all(void)
{
    struct fleet fleet;
    struct seen waits = {0}, held = {0};
    CHECK_OK(fleet_open(&fleet, NULL, 1));
    CHECK_OK(fleet_connect(&fleet, NULL));
    fleet.stations[0].hold = 1;
    CHECK_OK(fleet_begin(&fleet, 1, &held));
    host_settle(&fleet.host);
    arc__net_channel_drain(fleet.host.channel);
    CHECK_OK(fleet_begin(&fleet, 1, &waits));
    arc__net_channel_close(fleet.host.channel);
    fleet.host.channel = NULL;
    check_done(&waits, ARC_GRPC_UNAVAILABLE);
    check_done(&held, ARC_GRPC_UNAVAILABLE);
    CHECK_INT(waits.why, ARC_GRPC_WHY_LOST);
    CHECK_INT(held.why, ARC_GRPC_WHY_LOST);
    fleet_close(&fleet);
}

/* --- other addresses ------------------------------------------------------------------------- */

static void other_targets(uint32_t balance)
{
    struct fleet fleet;
    struct seen held = {0};
    arc_err err = ARC_ERR_INIT;
    struct arc_net_channel_options options = {.balance = balance};
    CHECK_OK(fleet_open(&fleet, NULL, 3));
    options.targets = fleet.targets;
    options.target_count = 2;
    CHECK_OK(fleet_connect(&fleet, &options));
    fleet.stations[0].hold = 1;
    CHECK_OK(fleet_begin(&fleet, 0, &held));
    host_until(&fleet.host, &fleet.stations[0].calls);
    host_settle(&fleet.host);
    fleet.stations[0].hold = 0;
    int before = (int)arc__net_channel_get_counters(fleet.host.channel)->connections;

    /* Those that stay keep their connection. */
    const char *const swapped[] = {fleet.targets[1], fleet.targets[0]};
    CHECK_OK(arc__net_channel_set_targets(fleet.host.channel, swapped, 2, NULL));
    asks(&fleet, 4);
    CHECK_INT(arc__net_channel_get_counters(fleet.host.channel)->connections, before);

    /* What cannot be read changes nothing. */
    const char *const bad[] = {fleet.targets[2], "nonsense"};
    CHECK_STATUS(arc__net_channel_set_targets(fleet.host.channel, bad, 2, &err), ARC_EINVAL);
    CHECK_STATUS(arc__net_channel_set_targets(fleet.host.channel, bad, 0, &err), ARC_EINVAL);
    asks(&fleet, 4);
    CHECK_INT(fleet.stations[2].calls, 0);

    /* Those that go finish what they have. */
    int calls = fleet.stations[0].calls + fleet.stations[1].calls;
    CHECK_OK(arc__net_channel_set_targets(fleet.host.channel, &fleet.targets[2], 1, NULL));
    asks(&fleet, 4);
    CHECK_INT(fleet.stations[2].calls, 4);
    CHECK_INT(fleet.stations[0].calls + fleet.stations[1].calls, calls);
    CHECK_INT(held.closes, 0);
    CHECK_OK(arc_grpc_call_finish(fleet.stations[0].held, ARC_GRPC_OK, ARC_NONE, NULL, 0, NULL));
    host_until(&fleet.host, &held.closes);
    check_done(&held, ARC_GRPC_OK);
    struct arc_grpc_server_stats stats;
    for (size_t i = 0; i < 2; i++) {
        host_settle(&fleet.host);
        arc__net_server_stats(fleet.host.more[i], &stats);
        CHECK_INT(stats.connections, 0);
    }
    fleet_close(&fleet);
}

static void other_targets_of_one(void)
{
    other_targets(ARC_GRPC_PICK_FIRST);
}

static void other_targets_of_many(void)
{
    other_targets(ARC_GRPC_ROUND_ROBIN);
}

static void targets_while_connecting(void)
{
    for (uint32_t balance = 0; balance <= ARC_GRPC_ROUND_ROBIN; balance++) {
        struct fleet fleet;
        struct seen seen = {0};
        struct arc_net_channel_options options = {.balance = balance, .target_count = 1};
        CHECK_OK(fleet_open(&fleet, NULL, 1));
        fleet_add_silent(&fleet);
        options.targets = fleet.targets;
        CHECK_OK(fleet_connect(&fleet, &options));
        CHECK_OK(fleet_begin(&fleet, 0, &seen));
        fleet_say(&seen, "x");
        host_settle(&fleet.host);
        CHECK_INT(seen.closes, 0);
        CHECK_OK(arc__net_channel_set_targets(fleet.host.channel, &fleet.targets[1], 1, NULL));
        host_until(&fleet.host, &seen.closes);
        check_done(&seen, ARC_GRPC_OK);
        CHECK_INT(fleet.host.now_ns, 1000 * PAIR_S);
        fleet_close(&fleet);
    }
}

/* Sets other targets from within an event, once. */
struct changer {
    struct fleet *fleet;
    int status;
};

static void change(void *user, struct arc_grpc_call *call, const struct arc_grpc_status *status)
{
    struct changer *changer = user;
    struct fleet *fleet = changer->fleet;
    (void)call;
    (void)status;
    CHECK_OK(arc__net_channel_set_targets(fleet->host.channel, &fleet->targets[1], 1, NULL));
    arc__net_channel_drain(fleet->host.channel);
    arc__net_channel_connect(fleet->host.channel);
    changer->status = 1;
}

static void targets_from_an_event(void)
{
    static const struct arc_grpc_events events = {.size = sizeof(events), .on_status = change};
    for (uint32_t balance = 0; balance <= ARC_GRPC_ROUND_ROBIN; balance++) {
        for (int dead = 0; dead < 2; dead++) {
            struct fleet fleet;
            struct changer changer = {&fleet, 0};
            struct arc_grpc_call *call = NULL;
            struct arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
            struct arc_net_channel_options options = {.balance = balance, .target_count = 1};
            request.path = ARC_LIT("/t/Ask");
            CHECK_OK(fleet_open(&fleet, NULL, 2));
            fleet.stations[0].fail = fleet.stations[0].early = 1;
            options.targets = fleet.targets;
            CHECK_OK(fleet_connect(&fleet, &options));
            CHECK_OK(arc__net_channel_call(fleet.host.channel, &request, &events, &changer, &call,
                                           NULL));
            if (dead)
                fleet_stop(&fleet, 0);
            host_until(&fleet.host, &changer.status);
            asks(&fleet, 2);
            CHECK_INT(fleet.stations[1].calls, 2);
            fleet_close(&fleet);
        }
    }
}

static void too_many_targets(void)
{
    struct fleet fleet;
    const char *targets[ARC_GRPC_ADDRESSES_MAX + 1];
    char texts[ARC_GRPC_ADDRESSES_MAX + 1][32];
    for (size_t i = 0; i <= ARC_GRPC_ADDRESSES_MAX; i++) {
        snprintf(texts[i], sizeof(texts[i]), "127.0.0.1:%zu", 1000 + i);
        targets[i] = texts[i];
    }
    struct arc_net_channel_options options = {.targets = targets};
    CHECK_OK(fleet_open(&fleet, NULL, 0));
    options.target_count = ARC_GRPC_ADDRESSES_MAX + 1;
    CHECK_STATUS(fleet_connect(&fleet, &options), ARC_EINVAL);
    options.target_count = ARC_GRPC_ADDRESSES_MAX;
    options.balance = ARC_GRPC_ROUND_ROBIN;
    CHECK_OK(fleet_connect(&fleet, &options));
    arc__net_channel_close(fleet.host.channel);
    fleet.host.channel = NULL;
    /* A name that nobody knows is left out while there are others; the same twice counts once. */
    const char *const names[] = {"nobody.invalid:1", texts[0], texts[0]};
    options.targets = names;
    options.target_count = 3;
    CHECK_OK(fleet_connect(&fleet, &options));
    arc__net_channel_close(fleet.host.channel);
    fleet.host.channel = NULL;
    options.target_count = 1;
    CHECK_STATUS(fleet_connect(&fleet, &options), ARC_EUNAVAILABLE);
    options.balance = 2;
    CHECK_STATUS(fleet_connect(&fleet, &options), ARC_EINVAL);
    fleet_close(&fleet);
}

/* --- what is added to a request -------------------------------------------------------------- */

struct purse {
    int asked;
    int32_t count; /* what it answers */
    size_t value_len;
    char path[32], authority[64], value[9000];
};

static int32_t pay(void *user, const struct arc_grpc_request *request, struct arc_grpc_field *out,
                   size_t max)
{
    struct purse *purse = user;
    purse->asked++;
    (void)arc__slice_to_cstr(request->path, purse->path, sizeof(purse->path));
    (void)arc__slice_to_cstr(request->authority, purse->authority, sizeof(purse->authority));
    if (purse->value_len == 0)
        purse->value_len = (size_t)snprintf(purse->value, sizeof(purse->value), "token-%d", 1);
    for (size_t i = 0; i < max && (int32_t)i < purse->count; i++)
        out[i] = (struct arc_grpc_field){ARC_LIT("authorization"),
                                         arc__slice(purse->value, purse->value_len)};
    return purse->count;
}

static void credentials(void)
{
    struct fleet fleet;
    struct purse purse = {.count = 1};
    struct arc_net_channel_options options = {
        .credentials = pay, .credentials_user = &purse, .authority = "service.example:1"};
    struct seen seen = {0};
    CHECK_OK(fleet_open(&fleet, NULL, 1));
    CHECK_STATUS(fleet_connect(&fleet, &options), ARC_EINVAL); /* not in clear */
    options.credentials_in_clear = 1;
    CHECK_OK(fleet_connect(&fleet, &options));
    asks(&fleet, 2);
    CHECK_INT(purse.asked, 2);
    CHECK_TEXT(arc__slice_cstr(purse.path), "/t/Ask");
    CHECK_TEXT(arc__slice_cstr(purse.authority), "service.example:1");
    CHECK_TEXT(arc__slice_cstr(fleet.stations[0].token), "token-1");
    purse.count = -1;
    CHECK_STATUS(fleet_begin(&fleet, 0, &seen), ARC_EUNAUTHENTICATED);
    /* A call that waited for its connection hears it as its status. */
    arc__net_channel_drain(fleet.host.channel);
    CHECK_OK(fleet_begin(&fleet, 0, &seen));
    host_until(&fleet.host, &seen.closes);
    check_done(&seen, ARC_GRPC_UNAUTHENTICATED);
    CHECK_INT(fleet.stations[0].calls, 2);
    CHECK_INT(arc__net_channel_calls(fleet.host.channel), 0);
    fleet_close(&fleet);
}

static void bad_credentials(void)
{
    struct fleet fleet;
    struct purse purse = {.count = 1, .value_len = 5, .value = "a\nbcd"};
    struct arc_net_channel_options options = {
        .credentials = pay, .credentials_user = &purse, .credentials_in_clear = 1};
    struct arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    struct arc_grpc_call *call = NULL;
    struct seen seen = {0};
    arc_err err = ARC_ERR_INIT;
    request.path = ARC_LIT("/t/Ask");
    CHECK_OK(fleet_open(&fleet, NULL, 1));
    CHECK_OK(fleet_connect(&fleet, &options));
    arc__net_channel_connect(fleet.host.channel);
    host_settle(&fleet.host);
    for (int kind = 0; kind < 3; kind++) {
        err = (arc_err)ARC_ERR_INIT;
        CHECK_STATUS(
            arc__net_channel_call(fleet.host.channel, &request, &seen_events, &seen, &call, &err),
            ARC_EINVAL);
        CHECK(strstr(err.message, "bcd") == NULL && strstr(err.message, "xxx") == NULL);
        CHECK(call == NULL);
        if (kind == 0) {
            memset(purse.value, 'x', sizeof(purse.value));
            purse.value_len = ARC_GRPC_CREDENTIALS_MAX_BYTES;
        } else {
            purse.count = ARC_NET_CREDENTIALS_MAX + 1;
        }
    }
    host_settle(&fleet.host);
    CHECK_INT(seen.closes, 0);
    CHECK_INT(arc__net_channel_calls(fleet.host.channel), 0);
    fleet_close(&fleet);
}

static void names(void)
{
    struct fleet fleet;
    struct arc_net_channel_options options = {.authority = "greeter", .user_agent = "tester/1 x"};
    CHECK_OK(fleet_open(&fleet, NULL, 1));
    CHECK_OK(fleet_connect(&fleet, &options));
    asks(&fleet, 1);
    CHECK_TEXT(arc__slice_cstr(fleet.stations[0].authority), "greeter");
    CHECK_TEXT(arc__slice_cstr(fleet.stations[0].agent), "tester/1 x");
    arc__net_channel_close(fleet.host.channel);
    fleet.host.channel = NULL;
    CHECK_OK(fleet_connect(&fleet, NULL));
    asks(&fleet, 1);
    CHECK_TEXT(arc__slice_cstr(fleet.stations[0].authority), fleet.stations[0].address);
    CHECK_TEXT(arc__slice_cstr(fleet.stations[0].agent), "libarcentra");
    arc__net_channel_close(fleet.host.channel);
    fleet.host.channel = NULL;
    options.authority = "two\nlines";
    CHECK_STATUS(fleet_connect(&fleet, &options), ARC_EINVAL);
    options = (struct arc_net_channel_options){.user_agent = "\x01"};
    CHECK_STATUS(fleet_connect(&fleet, &options), ARC_EINVAL);
    fleet_close(&fleet);
}

/* Ends a call of the channel while the metadata of another one, or of itself, is asked for. */
struct thief {
    struct seen *victim;
    int drop;
};

static int32_t steal(void *user, const struct arc_grpc_request *request, struct arc_grpc_field *out,
                     size_t max)
{
    struct thief *thief = user;
    (void)request, (void)out, (void)max;
    if (thief->victim->call != NULL && thief->drop)
        arc_grpc_call_drop(thief->victim->call);
    else if (thief->victim->call != NULL)
        arc_grpc_call_cancel(thief->victim->call);
    if (thief->drop)
        thief->victim->call = NULL;
    return 0;
}

static void credentials_that_end_the_call(void)
{
    for (int drop = 0; drop < 2; drop++) {
        struct fleet fleet;
        struct seen seen = {0};
        struct thief thief = {.victim = &seen, .drop = drop};
        struct arc_net_channel_options options = {
            .credentials = steal, .credentials_user = &thief, .credentials_in_clear = 1};
        CHECK_OK(fleet_open(&fleet, NULL, 1));
        CHECK_OK(fleet_connect(&fleet, &options));
        CHECK_OK(fleet_begin(&fleet, 0, &seen)); /* waits for the connection, is asked about then */
        host_settle(&fleet.host);
        CHECK_INT(seen.closes, !drop);
        CHECK_INT(seen.code, drop ? 0 : ARC_GRPC_CANCELLED);
        CHECK_INT(fleet.stations[0].calls, 0);
        CHECK_INT(arc__net_channel_calls(fleet.host.channel), 0);
        asks(&fleet, 1);
        fleet_close(&fleet);
    }
}

/* --- limits ---------------------------------------------------------------------------------- */

static void idle_for_long(void)
{
    for (uint32_t balance = 0; balance <= ARC_GRPC_ROUND_ROBIN; balance++) {
        struct fleet fleet;
        struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
        struct arc_net_channel_options options = {.balance = balance, .limits = &limits};
        limits.idle_ns = 5 * PAIR_S;
        CHECK_OK(fleet_open(&fleet, NULL, 1));
        CHECK_OK(fleet_connect(&fleet, &options));
        for (int i = 0; i < 3; i++) {
            asks(&fleet, 1);
            fleet.host.now_ns += 20 * PAIR_S;
            host_settle(&fleet.host);
        }
        CHECK_INT(fleet.stations[0].calls, 3);
        CHECK_INT(arc__net_channel_get_counters(fleet.host.channel)->connections, 3);
        CHECK_INT(arc__net_channel_get_counters(fleet.host.channel)->timeouts_idle, 3);
        fleet_close(&fleet);
    }
}

/* --- memory ---------------------------------------------------------------------------------- */

static int life_of(struct test_mem *state, uint32_t balance)
{
    struct arc_mem mem = test_mem(state);
    struct fleet fleet;
    struct seen first = {0}, second = {0};
    struct arc_net_channel_options options = {.balance = balance};
    int done = 0;
    if (fleet_open(&fleet, &mem, 2) == ARC_OK && fleet_connect(&fleet, &options) == ARC_OK) {
        if (fleet_begin(&fleet, 0, &first) == ARC_OK) {
            fleet_say(&first, "hello");
            host_until(&fleet.host, &first.closes);
            CHECK_INT(first.statuses, 1);
        }
        (void)arc__net_channel_set_targets(fleet.host.channel, &fleet.targets[1], 1, NULL);
        if (fleet_unary(&fleet, 0, &second) == ARC_OK)
            CHECK_INT(second.statuses, 1);
        done = first.messages == 1 && second.messages == 1;
    }
    fleet_close(&fleet);
    return done;
}

static int life_of_pick_first(struct test_mem *state)
{
    return life_of(state, ARC_GRPC_PICK_FIRST);
}

static int life_of_round_robin(struct test_mem *state)
{
    return life_of(state, ARC_GRPC_ROUND_ROBIN);
}

static void fails_cleanly(void)
{
    test_torture(life_of_pick_first, 0, 3000);
    test_torture(life_of_round_robin, 0, 3000);
}

static const struct test tests[] = {
    {"calls go round the addresses that answer", round_the_addresses},
    {"a dead address does not delay the others", dead_addresses},
    {"pick-first keeps the first that connects, and begins again", pick_first},
    {"who accepts and is silent is passed over", silent_first},
    {"a call fails fast only when every address backs off", fails_fast_when_all_back_off},
    {"a request of an earlier version is not read beyond its end", a_shorter_request},
    {"an address that comes back gets calls again", an_address_comes_back},
    {"a full connection leaves its calls to another", full_connections},
    {"a channel drains its connections and makes others", drained_by_the_host},
    {"closing a channel ends every call, wherever it is", closing_ends_all},
    {"other addresses: pick-first keeps what stays", other_targets_of_one},
    {"other addresses: round robin keeps what stays", other_targets_of_many},
    {"other addresses end an attempt that is going on", targets_while_connecting},
    {"addresses may change within an event", targets_from_an_event},
    {"addresses are counted, names that nobody knows left out", too_many_targets},
    {"credentials are asked for each call, never in clear unasked", credentials},
    {"credentials that may not be sent are not shown either", bad_credentials},
    {"credentials may end the call that they are asked for", credentials_that_end_the_call},
    {"a channel that was idle for long still takes calls", idle_for_long},
    {"authority and user agent are what was asked for", names},
    {"every failed allocation of a channel ends cleanly", fails_cleanly},
};
TEST_MAIN(tests)
