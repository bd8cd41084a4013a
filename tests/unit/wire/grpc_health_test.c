/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.health.v1.Health as a client sees it. */
#include "shim.h"

#include <arcentra/service.h>
#include <stdio.h>
#include <stdlib.h>

#include "pair.h"
#include "wire/pb.h"

#define CHECK_PATH "/grpc.health.v1.Health/Check"
#define LIST_PATH "/grpc.health.v1.Health/List"
#define WATCH_PATH "/grpc.health.v1.Health/Watch"
#define UNKNOWN_SERVICE 3

static void echo(void *user, arc_grpc_call *call, arc_slice message)
{
    (void)user;
    (void)arc_grpc_call_reply(call, message, NULL);
}

struct clinic {
    struct pair pair;
    struct arc_mem mem;
    arc_grpc_router *router;
};

static arc_status open_clinic(struct clinic *clinic, struct test_mem *memory,
                              const struct arc_grpc_limits *limits)
{
    arc_grpc_method method = ARC_GRPC_METHOD_INIT;
    clinic->mem = memory != NULL ? test_mem(memory) : arc__mem_default();
    arc_env env = arc__mem_to_env(&clinic->mem);
    method.unary = echo;
    ARC_TRY(arc_grpc_router_open(&env, &clinic->router, NULL));
    ARC_TRY(arc_grpc_router_add(clinic->router, "/t.Shop/Echo", &method, NULL));
    ARC_TRY(arc_grpc_router_add_health(clinic->router, NULL));
    clinic->pair.events = arc_grpc_router_get_events();
    clinic->pair.user = clinic->router;
    return pair_open(&clinic->pair, NULL, limits, NULL);
}

static void close_clinic(struct clinic *clinic)
{
    pair_close(&clinic->pair);
    arc_grpc_router_close(clinic->router);
}

static arc_slice request_for(const char *service, char out[128])
{
    size_t len = strlen(service);
    out[0] = 0x0a;
    out[1] = (char)len;
    memcpy(out + 2, service, len);
    return arc__slice(out, len > 0 ? len + 2 : 0);
}

/* The status in a HealthCheckResponse that was seen first. */
static int status_in(const struct seen *seen)
{
    return seen->bytes == 0 ? 0 : seen->first[0] == 0x08 ? seen->first[1] : -1;
}

/* What Check says: the status, or minus the code. */
static int check(struct clinic *clinic, const char *service)
{
    struct seen seen = {0};
    char text[128];
    CHECK_OK(pair_unary(&clinic->pair, CHECK_PATH, request_for(service, text), &seen));
    CHECK_INT(seen.closes, 1);
    return seen.code != ARC_GRPC_OK ? -seen.code : status_in(&seen);
}

static void set(struct clinic *clinic, const char *service, int32_t status)
{
    CHECK_OK(arc_grpc_router_set_health(clinic->router, service, status, NULL));
}

/* --- Check and List -------------------------------------------------------------------------- */

static void checks(void)
{
    static const size_t steps[] = {0, 1, SIZE_MAX};
    for (size_t i = 0; i < ARC_COUNT_OF(steps); i++) {
        struct clinic clinic = {.pair.step = steps[i]};
        CHECK_OK(open_clinic(&clinic, NULL, NULL));
        CHECK_INT(check(&clinic, ""), ARC_GRPC_HEALTH_SERVING);
        CHECK_INT(check(&clinic, "t.Shop"), ARC_GRPC_HEALTH_SERVING);
        CHECK_INT(check(&clinic, "t.Other"), -ARC_GRPC_NOT_FOUND);
        set(&clinic, "t.Other", ARC_GRPC_HEALTH_NOT_SERVING);
        set(&clinic, "t.Shop", ARC_GRPC_HEALTH_UNKNOWN);
        CHECK_INT(check(&clinic, "t.Other"), ARC_GRPC_HEALTH_NOT_SERVING);
        CHECK_INT(check(&clinic, "t.Shop"), ARC_GRPC_HEALTH_UNKNOWN);
        set(&clinic, "", ARC_GRPC_HEALTH_NOT_SERVING);
        CHECK_INT(check(&clinic, ""), ARC_GRPC_HEALTH_NOT_SERVING);
        close_clinic(&clinic);
    }
}

static void shut(void)
{
    struct clinic clinic = {0};
    CHECK_OK(open_clinic(&clinic, NULL, NULL));
    arc_grpc_router_shut_health(clinic.router);
    set(&clinic, "", ARC_GRPC_HEALTH_SERVING);
    set(&clinic, "t.Shop", ARC_GRPC_HEALTH_SERVING);
    CHECK_INT(check(&clinic, ""), ARC_GRPC_HEALTH_NOT_SERVING);
    CHECK_INT(check(&clinic, "t.Shop"), ARC_GRPC_HEALTH_NOT_SERVING);
    CHECK_INT(check(&clinic, "t.Other"), -ARC_GRPC_NOT_FOUND);
    close_clinic(&clinic);
}

static void lists(void)
{
    /* Entries "", grpc.health.v1.Health, t.Other, t.Shop, in this order. */
    static const char wanted[] = "\x0a\x06\x0a\x00\x12\x02\x08\x01"
                                 "\x0a\x1b\x0a\x15grpc.health.v1.Health\x12\x02\x08\x01"
                                 "\x0a\x0d\x0a\x07t.Other\x12\x02\x08\x02"
                                 "\x0a\x0a\x0a\x06t.Shop\x12\x00";
    struct clinic clinic = {0};
    struct seen seen = {0};
    CHECK_OK(open_clinic(&clinic, NULL, NULL));
    set(&clinic, "t.Other", ARC_GRPC_HEALTH_NOT_SERVING);
    set(&clinic, "t.Shop", ARC_GRPC_HEALTH_UNKNOWN);
    CHECK_OK(pair_unary(&clinic.pair, LIST_PATH, ARC_NONE, &seen));
    CHECK_INT(seen.code, ARC_GRPC_OK);
    CHECK_INT(seen.bytes, sizeof(wanted) - 1);
    CHECK_INT(seen.sum, pair_sum(0, arc__slice(wanted, sizeof(wanted) - 1)));
    close_clinic(&clinic);
}

static void malformed(void)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {{"\x0a", 1}, {"\x0a\x05x", 3}, {"\x0a\x02\xff\xfe", 4}, {"\x0b", 1}};
    static const char *const paths[] = {CHECK_PATH, WATCH_PATH};
    struct clinic clinic = {0};
    char big[600] = {0};
    CHECK_OK(open_clinic(&clinic, NULL, NULL));
    for (size_t p = 0; p < ARC_COUNT_OF(paths); p++) {
        struct seen over = {0};
        for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
            struct seen seen = {0};
            CHECK_OK(pair_unary(&clinic.pair, paths[p], arc__slice(cases[i].bytes, cases[i].len),
                                &seen));
            CHECK_INT(seen.code, ARC_GRPC_INVALID_ARGUMENT);
        }
        memset(big, 'n', sizeof(big));
        big[0] = 0x0a;
        big[1] = (char)0xd5; /* 597 */
        big[2] = 0x04;
        CHECK_OK(pair_unary(&clinic.pair, paths[p], arc__slice(big, sizeof(big)), &over));
        CHECK_INT(over.code, ARC_GRPC_INVALID_ARGUMENT);
    }
    close_clinic(&clinic);
}

/* --- Watch ----------------------------------------------------------------------------------- */

/* The last status of a stream, and how many there were. */
struct told {
    struct arc_grpc_call *call;
    int count, last, code;
};

static void told_message(void *user, struct arc_grpc_call *call, arc_slice message)
{
    struct told *told = user;
    (void)call;
    told->count++;
    told->last = message.len == 0 ? 0 : message.ptr[1];
}

static void told_status(void *user, struct arc_grpc_call *call,
                        const struct arc_grpc_status *status)
{
    struct told *told = user;
    (void)call;
    told->code = status->code;
}

static void told_close(void *user, struct arc_grpc_call *call, arc_grpc_why why)
{
    struct told *told = user;
    (void)call;
    (void)why;
    told->call = NULL;
}

static const struct arc_grpc_events told_events = {
    .size = sizeof(struct arc_grpc_events),
    .on_message = told_message,
    .on_status = told_status,
    .on_close = told_close,
};

static void watch(struct clinic *clinic, const char *service, struct told *told)
{
    struct arc_grpc_request request = ARC_GRPC_REQUEST_INIT;
    char text[128];
    request.path = ARC_LIT(WATCH_PATH);
    *told = (struct told){.code = -1};
    if (CHECK_OK(arc_grpc_call_open(clinic->pair.client, &request, &told_events, told, &told->call,
                                    NULL)) != 1)
        return;
    CHECK_OK(arc_grpc_call_send(told->call, request_for(service, text), NULL));
    arc_grpc_call_half_close(told->call);
    pair_pump(&clinic->pair);
}

static void watches(void)
{
    struct clinic clinic = {0};
    struct told all, shop, later;
    arc_grpc_method method = ARC_GRPC_METHOD_INIT;
    method.unary = echo;
    CHECK_OK(open_clinic(&clinic, NULL, NULL));
    watch(&clinic, "", &all);
    watch(&clinic, "t.Shop", &shop);
    watch(&clinic, "t.Later", &later);
    CHECK(all.count == 1 && all.last == ARC_GRPC_HEALTH_SERVING);
    CHECK(shop.count == 1 && shop.last == ARC_GRPC_HEALTH_SERVING);
    CHECK(later.count == 1 && later.last == UNKNOWN_SERVICE);
    set(&clinic, "t.Shop", ARC_GRPC_HEALTH_NOT_SERVING);
    set(&clinic, "t.Shop", ARC_GRPC_HEALTH_NOT_SERVING); /* no change */
    CHECK_OK(arc_grpc_router_add(clinic.router, "/t.Later/Do", &method, NULL));
    pair_pump(&clinic.pair);
    CHECK(all.count == 1);
    CHECK(shop.count == 2 && shop.last == ARC_GRPC_HEALTH_NOT_SERVING);
    CHECK(later.count == 2 && later.last == ARC_GRPC_HEALTH_SERVING);
    arc_grpc_router_shut_health(clinic.router);
    pair_pump(&clinic.pair);
    CHECK(all.count == 2 && all.last == ARC_GRPC_HEALTH_NOT_SERVING);
    CHECK(shop.count == 2);
    CHECK(later.count == 3 && later.last == ARC_GRPC_HEALTH_NOT_SERVING);
    CHECK(all.call != NULL && shop.call != NULL && later.call != NULL); /* they stay */
    arc_grpc_call_cancel(shop.call);
    pair_pump(&clinic.pair);
    CHECK_INT(arc_grpc_conn_get_calls(clinic.pair.server), 2);
    close_clinic(&clinic);
}

static void a_watcher_that_does_not_read(void)
{
    struct clinic clinic = {0};
    struct told told;
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    limits.queue_max_bytes = 1;
    CHECK_OK(open_clinic(&clinic, NULL, &limits));
    watch(&clinic, "t.Shop", &told);
    CHECK_INT(told.count, 1);
    for (int i = 0; i < 1001; i++) /* without a pump: one message is queued, none else fits */
        set(&clinic, "t.Shop", i % 2 == 0 ? ARC_GRPC_HEALTH_NOT_SERVING : ARC_GRPC_HEALTH_UNKNOWN);
    set(&clinic, "t.Shop", ARC_GRPC_HEALTH_SERVING);
    CHECK(arc_grpc_conn_get_queued(clinic.pair.server) < 16);
    pair_pump(&clinic.pair);
    CHECK_INT(told.count, 3);
    CHECK_INT(told.last, ARC_GRPC_HEALTH_SERVING);
    close_clinic(&clinic);
}

static void too_many_watchers(void)
{
    struct clinic clinic = {0};
    struct told *told = calloc(ARC_GRPC_HEALTH_WATCHES_MAX + 1, sizeof(*told));
    struct arc_grpc_limits limits = ARC_GRPC_LIMITS_INIT;
    limits.calls_max = 2000;
    if (told == NULL)
        return;
    CHECK_OK(open_clinic(&clinic, NULL, &limits));
    pair_pump(&clinic.pair);
    arc_grpc_conn_free(clinic.pair.client);
    struct arc_grpc_config config = {.size = sizeof(config), .limits = &limits, .peer = "server"};
    arc_grpc_conn_free(clinic.pair.server);
    CHECK_OK(arc_grpc_conn_new(&config, clinic.pair.now_ns, &clinic.pair.client, NULL));
    config.server = 1;
    config.events = clinic.pair.events;
    config.user = clinic.pair.user;
    CHECK_OK(arc_grpc_conn_new(&config, clinic.pair.now_ns, &clinic.pair.server, NULL));
    for (int i = 0; i <= ARC_GRPC_HEALTH_WATCHES_MAX; i++)
        watch(&clinic, "", &told[i]);
    CHECK_INT(told[ARC_GRPC_HEALTH_WATCHES_MAX - 1].count, 1);
    CHECK_INT(told[ARC_GRPC_HEALTH_WATCHES_MAX].code, ARC_GRPC_RESOURCE_EXHAUSTED);
    close_clinic(&clinic);
    free(told);
}

/* --- misuse and limits ----------------------------------------------------------------------- */

static void misuse(void)
{
    struct clinic clinic = {0};
    arc_grpc_router *bare = NULL;
    CHECK_OK(open_clinic(&clinic, NULL, NULL));
    CHECK_STATUS(arc_grpc_router_add_health(clinic.router, NULL), ARC_EEXISTS);
    CHECK_STATUS(arc_grpc_router_set_health(clinic.router, "", 3, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_router_set_health(clinic.router, "", -1, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_router_set_health(clinic.router, NULL, 1, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_router_set_health(clinic.router, "\xff", 1, NULL), ARC_EINVAL);
    CHECK_OK(arc_grpc_router_open(NULL, &bare, NULL));
    CHECK_STATUS(arc_grpc_router_set_health(bare, "", 1, NULL), ARC_ECONFLICT);
    arc_grpc_router_shut_health(bare);
    arc_grpc_router_close(bare);
    arc_grpc_router_close(NULL);
    arc_status status = ARC_OK;
    int told = 2; /* t.Shop and the health service itself */
    while (status == ARC_OK && told <= ARC_GRPC_HEALTH_SERVICES_MAX) {
        char name[32];
        snprintf(name, sizeof(name), "t.S%d", told);
        status = arc_grpc_router_set_health(clinic.router, name, 1, NULL);
        told += status == ARC_OK;
    }
    CHECK_STATUS(status, ARC_ELIMIT);
    CHECK_INT(told, ARC_GRPC_HEALTH_SERVICES_MAX);
    struct seen seen = {0};
    set(&clinic, "t.Shop", ARC_GRPC_HEALTH_NOT_SERVING); /* one of the table still can be told */
    CHECK_OK(pair_unary(&clinic.pair, LIST_PATH, ARC_NONE, &seen));
    CHECK_INT(seen.code, ARC_GRPC_OK);
    close_clinic(&clinic);
}

static void fails_cleanly(void)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        for (uint64_t n = 1; n < 500; n++) {
            struct test_mem memory = {.fail_at = n, .sticky = sticky};
            struct clinic clinic = {0};
            struct told told;
            struct seen list = {0};
            if (open_clinic(&clinic, &memory, NULL) == ARC_OK) {
                watch(&clinic, "t.Shop", &told);
                arc_status added = arc_grpc_router_set_health(clinic.router, "t.New", 1, NULL);
                CHECK(added == ARC_OK || added == ARC_ENOMEM);
                set(&clinic, "t.Shop", ARC_GRPC_HEALTH_NOT_SERVING);
                CHECK_OK(pair_unary(&clinic.pair, LIST_PATH, ARC_NONE, &list));
                CHECK(list.code == ARC_GRPC_OK || list.code == ARC_GRPC_RESOURCE_EXHAUSTED);
                CHECK(told.count == 2 || told.code == ARC_GRPC_RESOURCE_EXHAUSTED);
            }
            uint64_t calls = memory.calls;
            close_clinic(&clinic);
            CHECK_INT(memory.live, 0);
            if (calls < n) {
                CHECK_INT(list.code, ARC_GRPC_OK);
                break;
            }
            CHECK(n < 499);
        }
    }
}

static const struct test tests[] = {
    {"Check says how a service is, or that there is none", checks},
    {"a router that is shut serves nothing, whatever is set later", shut},
    {"List tells all services", lists},
    {"a malformed request is refused", malformed},
    {"Watch tells the status now and every change, and stays", watches},
    {"a watcher that does not read is told the last status", a_watcher_that_does_not_read},
    {"there are so many watchers and no more", too_many_watchers},
    {"what makes no sense is refused, and the table has an end", misuse},
    {"every failed allocation of health ends cleanly", fails_cleanly},
};
TEST_MAIN(tests)
