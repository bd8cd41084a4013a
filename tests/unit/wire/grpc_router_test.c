/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods, and the cardinality of unary calls. */
#include "shim.h"

#include <arcentra/service.h>

#include "frames.h"
#include "pair.h"

static const size_t steps[] = {0, 1, 7, 4096, SIZE_MAX};

/* --- a service behind a router --------------------------------------------------------------- */

struct shop {
    struct pair pair;
    struct test_mem memory; /* of the router alone */
    struct arc_mem mem;
    arc_grpc_router *router;
    int ran, gone;
    uint32_t sum;
    arc_grpc_call *kept;
};

static void echo(void *user, arc_grpc_call *call, arc_slice message)
{
    struct shop *shop = user;
    shop->ran++;
    shop->sum = pair_sum(0, message);
    (void)arc_grpc_call_reply(call, message, NULL);
}

static void keep(void *user, arc_grpc_call *call, arc_slice message)
{
    struct shop *shop = user;
    (void)message;
    shop->ran++;
    shop->kept = call;
}

static void gone(void *user, arc_grpc_call *call)
{
    struct shop *shop = user;
    CHECK(call == shop->kept);
    shop->gone++;
    shop->kept = NULL;
}

static void silent(void *user, arc_grpc_call *call, arc_slice message)
{
    struct shop *shop = user;
    (void)call;
    (void)message;
    shop->ran++;
}

/* Streams what it was sent, three times, by events of its own. */
static void thrice_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    struct shop *shop = user;
    (void)call;
    (void)why;
    shop->gone += 100;
}

static const arc_grpc_events thrice_events = {
    .size = sizeof(arc_grpc_events),
    .on_close = thrice_close,
};

static void thrice(void *user, arc_grpc_call *call, arc_slice message)
{
    struct shop *shop = user;
    shop->ran++;
    arc_grpc_call_set_events(call, &thrice_events, shop);
    for (int i = 0; i < 3; i++)
        CHECK_OK(arc_grpc_call_send(call, message, NULL));
    (void)arc_grpc_call_finish(call, ARC_GRPC_OK, ARC_NONE, NULL, 0, NULL);
}

static arc_status add(struct shop *shop, const char *path,
                      void (*unary)(void *, arc_grpc_call *, arc_slice),
                      void (*when_gone)(void *, arc_grpc_call *))
{
    arc_grpc_method method = ARC_GRPC_METHOD_INIT;
    method.user = shop;
    method.unary = unary;
    method.gone = when_gone;
    return arc_grpc_router_add(shop->router, path, &method, NULL);
}

static arc_status fill(struct shop *shop)
{
    arc_grpc_method method = ARC_GRPC_METHOD_INIT;
    ARC_TRY(add(shop, "/t.Shop/Echo", echo, NULL));
    ARC_TRY(add(shop, "/t.Shop/Keep", keep, gone));
    ARC_TRY(add(shop, "/t.Shop/Silent", silent, NULL));
    ARC_TRY(add(shop, "/t.Shop/Thrice", thrice, gone));
    method.user = &shop->pair.service;
    method.events = &service_events;
    return arc_grpc_router_add(shop->router, "/t/Chat", &method, NULL);
}

static arc_status open_shop(struct shop *shop, const struct arc_mem *wire)
{
    shop->mem = test_mem(&shop->memory);
    arc_env env = arc__mem_to_env(&shop->mem);
    ARC_TRY(arc_grpc_router_open(&env, &shop->router, NULL));
    ARC_TRY(fill(shop));
    shop->pair.events = arc_grpc_router_get_events();
    shop->pair.user = shop->router;
    return pair_open(&shop->pair, wire, NULL, NULL);
}

static void close_shop(struct shop *shop)
{
    pair_close(&shop->pair);
    arc_grpc_router_close(shop->router);
    CHECK_INT(shop->memory.live, 0);
}

/* Sends the messages; apart: in a frame each, and the half close in one of its own. */
static void call_with(struct shop *shop, const char *path, const arc_slice *messages, size_t count,
                      int apart, struct seen *seen)
{
    CHECK_OK(pair_call(&shop->pair, path, 0, seen));
    for (size_t i = 0; i < count && seen->call != NULL; i++) {
        CHECK_OK(arc_grpc_call_send(seen->call, messages[i], NULL));
        if (apart)
            pair_pump(&shop->pair);
    }
    if (seen->call != NULL)
        arc_grpc_call_half_close(seen->call);
    pair_pump(&shop->pair);
}

/* --- one message ----------------------------------------------------------------------------- */

static void one_message(void)
{
    static char big[100000];
    memset(big, 'b', sizeof(big));
    const arc_slice messages[] = {ARC_LIT(""), ARC_LIT("hello"), arc__slice(big, sizeof(big))};
    for (size_t i = 0; i < ARC_COUNT_OF(steps) * 2; i++) {
        struct shop shop = {.pair.step = steps[i / 2]};
        CHECK_OK(open_shop(&shop, NULL));
        for (size_t k = 0; k < ARC_COUNT_OF(messages); k++) {
            struct seen seen = {0};
            call_with(&shop, "/t.Shop/Echo", &messages[k], 1, i % 2 == 1, &seen);
            CHECK_INT(seen.code, ARC_GRPC_OK);
            CHECK_INT(seen.messages, 1);
            CHECK_INT(seen.sum, pair_sum(0, messages[k]));
            CHECK_INT(shop.ran, k + 1);
        }
        close_shop(&shop);
    }
}

static void no_copy_in_one_frame(void)
{
    struct shop shop = {0};
    struct seen together = {0}, apart = {0};
    const arc_slice hello = ARC_LIT("hello");
    CHECK_OK(open_shop(&shop, NULL));
    uint64_t before = shop.memory.calls;
    call_with(&shop, "/t.Shop/Echo", &hello, 1, 0, &together);
    CHECK_INT(shop.ran, 1);
    CHECK_INT(shop.memory.calls, before);
    call_with(&shop, "/t.Shop/Echo", &hello, 1, 1, &apart);
    CHECK_INT(shop.ran, 2);
    CHECK(shop.memory.calls > before);
    close_shop(&shop);
}

static void other_numbers_of_messages(void)
{
    const arc_slice two[] = {ARC_LIT("a"), ARC_LIT("b")};
    for (size_t i = 0; i < ARC_COUNT_OF(steps) * 2; i++) {
        struct shop shop = {.pair.step = steps[i / 2]};
        struct seen none = {0}, more = {0};
        CHECK_OK(open_shop(&shop, NULL));
        call_with(&shop, "/t.Shop/Echo", NULL, 0, 0, &none);
        CHECK_INT(none.code, ARC_GRPC_INTERNAL);
        CHECK_TEXT(arc__slice_cstr(none.text), "One message was expected, and none came.");
        call_with(&shop, "/t.Shop/Echo", two, 2, i % 2 == 1, &more);
        CHECK_INT(more.code, ARC_GRPC_INTERNAL);
        CHECK_TEXT(arc__slice_cstr(more.text), "One message was expected, and more came.");
        CHECK_INT(shop.ran, 0);
        CHECK_INT(more.messages, 0);
        close_shop(&shop);
    }
}

/* Frames as other clients may write them: padded, and with the message in two. */
static void other_frames(void)
{
    static const char padded[] = "\x03\x00\x00\x00\x00\x02hi\x00\x00\x00";
    static const char message[] = "\x00\x00\x00\x00\x02hi";
    struct shop shop = {0};
    struct attack attack = {.mem = arc__mem_default()};
    CHECK_OK(open_shop(&shop, NULL));
    attack.pair.server = shop.pair.server;
    attack.pair.now_ns = shop.pair.now_ns;
    arc__buf_init(&attack.out, &attack.mem, 4096);
    preface(&attack.out);
    request(&attack.out, 1, 0, "/t.Shop/Echo", NULL, NULL);
    frame(&attack.out, DATA, END_STREAM | 0x8, 1, arc__slice(padded, sizeof(padded) - 1));
    send_out(&attack);
    CHECK_INT(shop.ran, 1);
    request(&attack.out, 3, 0, "/t.Shop/Echo", NULL, NULL);
    frame(&attack.out, DATA, 0, 3, arc__slice(message, 6));
    frame(&attack.out, DATA, END_STREAM, 3, arc__slice(message + 6, 1));
    send_out(&attack);
    CHECK_INT(shop.ran, 2);
    request(&attack.out, 5, 0, "/t.Shop/Echo", NULL, NULL);
    frame(&attack.out, DATA, 0, 5, arc__slice(message, 7));
    request(&attack.out, 5, END_STREAM, "/t.Shop/Echo", NULL, NULL);
    send_out(&attack); /* a request's fields as trailers are refused */
    CHECK_INT(shop.ran, 2);
    CHECK_INT(shop.sum, pair_sum(0, ARC_LIT("hi")));
    CHECK_OK(attack.status);
    arc__buf_deinit(&attack.out);
    close_shop(&shop);
}

static void a_reset_before_the_half_close(void)
{
    struct shop shop = {0};
    struct seen seen = {0};
    CHECK_OK(open_shop(&shop, NULL));
    CHECK_OK(pair_call(&shop.pair, "/t.Shop/Echo", 0, &seen));
    CHECK_OK(arc_grpc_call_send(seen.call, ARC_LIT("x"), NULL));
    pair_pump(&shop.pair);
    arc_grpc_call_cancel(seen.call);
    pair_pump(&shop.pair);
    CHECK_INT(shop.ran, 0);
    close_shop(&shop);
}

/* --- later ----------------------------------------------------------------------------------- */

static void an_answer_later(void)
{
    struct shop shop = {0};
    struct seen seen = {0};
    CHECK_OK(open_shop(&shop, NULL));
    CHECK_OK(pair_unary(&shop.pair, "/t.Shop/Keep", ARC_LIT("x"), &seen));
    CHECK_INT(seen.closes, 0);
    CHECK(shop.kept != NULL);
    CHECK_INT(shop.gone, 0);
    CHECK_OK(arc_grpc_call_reply(shop.kept, ARC_LIT("late"), NULL));
    CHECK_INT(shop.gone, 0);
    pair_pump(&shop.pair);
    CHECK_INT(shop.gone, 1);
    CHECK_INT(seen.code, ARC_GRPC_OK);
    CHECK_TEXT(arc__slice_cstr(seen.first), "late");
    close_shop(&shop);
}

static void a_kept_call_is_cancelled(void)
{
    struct shop shop = {0};
    struct seen seen = {0}, lost = {0};
    CHECK_OK(open_shop(&shop, NULL));
    CHECK_OK(pair_unary(&shop.pair, "/t.Shop/Keep", ARC_LIT("x"), &seen));
    arc_grpc_call_cancel(seen.call);
    pair_pump(&shop.pair);
    CHECK_INT(shop.gone, 1);
    CHECK_OK(pair_unary(&shop.pair, "/t.Shop/Keep", ARC_LIT("x"), &lost));
    arc_grpc_conn_eof(shop.pair.server, shop.pair.now_ns);
    CHECK_INT(shop.gone, 2);
    close_shop(&shop);
}

static void no_answer(void)
{
    struct shop shop = {0};
    struct seen seen = {0};
    CHECK_OK(open_shop(&shop, NULL));
    CHECK_OK(pair_unary(&shop.pair, "/t.Shop/Silent", ARC_LIT("x"), &seen));
    CHECK_INT(shop.ran, 1);
    CHECK_INT(seen.code, ARC_GRPC_INTERNAL);
    close_shop(&shop);
}

static void events_of_its_own(void)
{
    struct shop shop = {0};
    struct seen seen = {0};
    CHECK_OK(open_shop(&shop, NULL));
    CHECK_OK(pair_unary(&shop.pair, "/t.Shop/Thrice", ARC_LIT("x"), &seen));
    CHECK_INT(seen.code, ARC_GRPC_OK);
    CHECK_INT(seen.messages, 3);
    CHECK_INT(shop.gone, 100);
    close_shop(&shop);
}

/* --- the table ------------------------------------------------------------------------------- */

static void unknown_paths(void)
{
    static const struct {
        const char *path, *text;
    } cases[] = {
        {"/t.Shop/Nope", "unknown method Nope for service t.Shop"},
        {"/t.Other/Echo", "unknown service t.Other"},
        {"/t.Shop", "malformed method name"},
        {"/t.Shop/Echo/More", "malformed method name"},
        {"/", "malformed method name"},
        {"/t.Shop/Ec%20ho\"", "unknown method Ec%20ho\" for service t.Shop"},
    };
    struct shop shop = {0};
    CHECK_OK(open_shop(&shop, NULL));
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct seen seen = {0};
        if (pair_unary(&shop.pair, cases[i].path, ARC_LIT("x"), &seen) != ARC_OK)
            continue; /* our own client sends no such path */
        CHECK_INT(seen.code, ARC_GRPC_UNIMPLEMENTED);
        CHECK_TEXT(arc__slice_cstr(seen.text), cases[i].text);
    }
    char path[1000];
    struct seen seen = {0};
    memset(path, 'p', sizeof(path));
    path[0] = path[500] = '/';
    path[999] = '\0';
    CHECK_OK(pair_unary(&shop.pair, path, ARC_LIT("x"), &seen));
    CHECK_INT(seen.code, ARC_GRPC_UNIMPLEMENTED);
    close_shop(&shop);
}

static void events_and_fallback(void)
{
    struct shop shop = {0};
    struct seen chat = {0}, other = {0}, own = {0};
    CHECK_OK(open_shop(&shop, NULL));
    shop.pair.service.mem = shop.mem;
    CHECK_OK(pair_unary(&shop.pair, "/t/Chat", ARC_LIT("hi"), &chat));
    CHECK_INT(chat.code, ARC_GRPC_OK);
    CHECK_TEXT(arc__slice_cstr(chat.first), "hi");
    arc_grpc_router_set_fallback(shop.router, &service_events, &shop.pair.service);
    CHECK_OK(pair_unary(&shop.pair, "/t/Echo", ARC_LIT("ho"), &other));
    CHECK_INT(other.code, ARC_GRPC_OK);
    CHECK_TEXT(arc__slice_cstr(other.first), "ho");
    CHECK_OK(pair_unary(&shop.pair, "/t.Shop/Echo", ARC_LIT("x"), &own));
    CHECK_INT(shop.ran, 1);
    close_shop(&shop);
}

static void bad_methods(void)
{
    static const char *const paths[] = {"",    "/",   "//",    "/a",    "/a/",
                                        "//b", "a/b", "/a/b/", "/a/b/c"};
    struct shop shop = {0};
    arc_grpc_method method = ARC_GRPC_METHOD_INIT;
    CHECK_OK(open_shop(&shop, NULL));
    for (size_t i = 0; i < ARC_COUNT_OF(paths); i++)
        CHECK_STATUS(add(&shop, paths[i], echo, NULL), ARC_EINVAL);
    CHECK_STATUS(add(&shop, "/t.Shop/Echo", echo, NULL), ARC_EEXISTS);
    CHECK_STATUS(arc_grpc_router_add(shop.router, "/t.Shop/X", &method, NULL), ARC_EINVAL);
    method.unary = echo;
    method.events = &service_events;
    CHECK_STATUS(arc_grpc_router_add(shop.router, "/t.Shop/X", &method, NULL), ARC_EINVAL);
    method.events = NULL;
    method.size = 1;
    CHECK_STATUS(arc_grpc_router_add(shop.router, "/t.Shop/X", &method, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_grpc_router_add(shop.router, "/t.Shop/X", NULL, NULL), ARC_EINVAL);
    close_shop(&shop);
}

/* --- memory ---------------------------------------------------------------------------------- */

static void torture(int sticky)
{
    const arc_slice hello = ARC_LIT("hello");
    for (uint64_t n = 1; n < 1000; n++) {
        struct shop shop = {.memory = {.fail_at = n, .sticky = sticky}};
        struct seen apart = {0}, together = {0};
        int done = 0;
        if (open_shop(&shop, NULL) == ARC_OK) {
            call_with(&shop, "/t.Shop/Echo", &hello, 1, 1, &apart);
            call_with(&shop, "/t.Shop/Echo", &hello, 1, 0, &together);
            CHECK(apart.code == ARC_GRPC_OK || apart.code == ARC_GRPC_RESOURCE_EXHAUSTED);
            CHECK_INT(together.code, ARC_GRPC_OK); /* which needs no memory of the router */
            done = apart.code == ARC_GRPC_OK;
        }
        int over = shop.memory.calls < n;
        close_shop(&shop);
        if (over) {
            CHECK(done);
            return;
        }
    }
    CU_FAIL("the torture never came to an end");
}

static void fails_cleanly(void)
{
    torture(0);
    torture(1);
}

static const struct test tests[] = {
    {"a unary method gets its message however the bytes are cut", one_message},
    {"a message with its half close in one frame is not copied", no_copy_in_one_frame},
    {"a unary call without a message, or with two, is refused", other_numbers_of_messages},
    {"a message may be padded, or in two frames", other_frames},
    {"a call that is reset before its half close runs no method", a_reset_before_the_half_close},
    {"a method may answer later and hears of the end", an_answer_later},
    {"a kept call that is cancelled or lost is told as gone", a_kept_call_is_cancelled},
    {"a method that neither answers nor keeps ends as internal", no_answer},
    {"a method may go on with events of its own", events_of_its_own},
    {"an unknown path says whether service or method is unknown", unknown_paths},
    {"a method may be events, and so may what is in no table", events_and_fallback},
    {"what is no path or no method is not added", bad_methods},
    {"every failed allocation of a router ends cleanly", fails_cleanly},
};
TEST_MAIN(tests)
