/* SPDX-License-Identifier: Apache-2.0 */
/* The gRPC door with calls whose side of the command layer is written out here. */
#include "shim.h"

#include <stdio.h>
#include <stdlib.h>

#include "pair.h"
#include "wire/grpc_door.h"

/* One call behind the door. It echoes, or produces, or refuses, as its path says. */
struct scripted {
    struct arc_call base;
    struct layer *layer;
    struct arc_buf message; /* one that waits to be taken by next */
    struct arc_buf given;   /* what next gave, until the next next */
    int has_message;
    int taken; /* messages that send took */
    int half_closed;
    int64_t produce; /* messages that next still makes by itself */
    size_t produce_size;
    int over;
    arc_status status;
    const char *text;
    void (*ready)(void *user, struct arc_call *call);
    void *user;
};

/* The whole of it. */
struct layer {
    struct arc_mem mem;
    struct arc_grpc_door *door;
    struct scripted *last; /* opened, and not closed */
    int opened, closed;
    int full; /* send answers ARC_EAGAIN */
    int64_t next_calls;
    char token[64], peer[64], path[64];
    char name[64]; /* of the peer's certificate */
    uint64_t deadline_ns;
};

static struct scripted *scripted_of(struct arc_call *call)
{
    return ARC_CONTAINER(call, struct scripted, base);
}

static arc_status scripted_send(struct arc_call *base, arc_slice bytes, arc_err *err)
{
    struct scripted *call = scripted_of(base);
    if (call->over)
        return arc__fail(err, ARC_EDONE, "call", "The call is over.");
    if (call->layer->full || call->has_message)
        return arc__fail(err, ARC_EAGAIN, "call", "Full.");
    if (arc__slice_is(bytes, "nonsense")) {
        call->over = 1;
        call->status = ARC_EINVAL;
        call->text = "That is no message.";
        return arc__fail(err, ARC_EINVAL, "call", "That is no message.");
    }
    arc__buf_clear(&call->message);
    arc__buf_add_slice(&call->message, bytes);
    call->has_message = 1;
    call->taken++;
    return arc__buf_check(&call->message, err);
}

static arc_status scripted_half_close(struct arc_call *base, arc_err *err)
{
    struct scripted *call = scripted_of(base);
    if (call->over)
        return arc__fail(err, ARC_EDONE, "call", "The call is over.");
    call->half_closed = 1;
    return ARC_OK;
}

static arc_status scripted_next(struct arc_call *base, arc_slice *out, arc_err *err)
{
    struct scripted *call = scripted_of(base);
    call->layer->next_calls++;
    arc__buf_clear(&call->given);
    if (call->has_message) {
        call->has_message = 0;
        arc__buf_add_slice(&call->given, arc__buf_slice(&call->message));
    } else if (call->produce > 0) {
        char *room = arc__buf_reserve(&call->given, call->produce_size);
        if (room != NULL) {
            memset(room, 'p', call->produce_size);
            arc__buf_commit(&call->given, call->produce_size);
        }
        call->produce--;
    } else {
        call->over |= call->half_closed;
        return arc__fail(err, call->over ? ARC_EDONE : ARC_EAGAIN, "call", "Nothing now.");
    }
    ARC_TRY(arc__buf_check(&call->given, err));
    *out = call->given.len > 0 ? arc__buf_slice(&call->given) : ARC_LIT("");
    return ARC_OK;
}

static arc_status scripted_status(struct arc_call *base, arc_err *err)
{
    struct scripted *call = scripted_of(base);
    if (!call->over)
        return arc__fail(err, ARC_EAGAIN, "call", "Not over.");
    return call->status == ARC_OK ? ARC_OK : arc__fail(err, call->status, "call", "%s", call->text);
}

static void scripted_close(struct arc_call *base)
{
    struct scripted *call = scripted_of(base);
    struct layer *layer = call->layer;
    if (layer->last == call)
        layer->last = NULL;
    layer->closed++;
    arc__buf_deinit(&call->message);
    arc__buf_deinit(&call->given);
    arc__free(&layer->mem, call);
}

static const struct arc_call_ops scripted_ops = {
    .send = scripted_send,
    .half_close = scripted_half_close,
    .next = scripted_next,
    .status = scripted_status,
    .close = scripted_close,
};

static arc_status open_scripted(void *user, const struct arc_grpc_door_call *start, int *streams,
                                struct arc_call **out, arc_err *err)
{
    struct layer *layer = user;
    (void)arc__slice_to_cstr(start->token, layer->token, sizeof(layer->token));
    (void)arc__slice_to_cstr(start->peer, layer->peer, sizeof(layer->peer));
    (void)arc__slice_to_cstr(start->path, layer->path, sizeof(layer->path));
    if (start->identity != NULL)
        (void)arc__slice_to_cstr(start->identity->common_name, layer->name, sizeof(layer->name));
    layer->deadline_ns = start->deadline_ns;
    if (arc__slice_is(start->path, "/d/Unknown"))
        return arc__fail(err, ARC_EUNIMPLEMENTED, "method", "There is no such method.");
    struct scripted *call = arc__alloc(&layer->mem, sizeof(*call));
    if (call == NULL)
        return arc__fail_nomem(err);
    call->base.ops = &scripted_ops;
    call->layer = layer;
    call->ready = start->ready;
    call->user = start->user;
    arc__buf_init(&call->message, &layer->mem, 8 << 20);
    arc__buf_init(&call->given, &layer->mem, 8 << 20);
    if (arc__slice_is(start->path, "/d/Denied")) {
        call->over = 1;
        call->status = ARC_EDENIED;
        call->text = "The token does not allow this.";
    } else if (arc__slice_is(start->path, "/d/Produce")) {
        call->produce = 10000;
        call->produce_size = 10000;
    }
    *streams = !arc__slice_is(start->path, "/d/Unary");
    layer->opened++;
    layer->last = call;
    *out = &call->base;
    return ARC_OK;
}

static arc_status layer_open(struct layer *layer, struct pair *pair, const struct arc_mem *mem)
{
    layer->mem = mem != NULL ? *mem : arc__mem_default();
    struct arc_grpc_door_options options = {
        .size = sizeof(options),
        .mem = &layer->mem,
        .open = open_scripted,
        .user = layer,
    };
    ARC_TRY(arc__grpc_door_open(&options, &layer->door, NULL));
    pair->events = arc__grpc_door_events();
    pair->user = layer->door;
    return pair_open(pair, mem, NULL, NULL);
}

static void layer_close(struct layer *layer, struct pair *pair)
{
    pair_close(pair);
    CHECK_INT(layer->opened, layer->closed);
    CHECK_INT(layer->door != NULL ? arc__grpc_door_calls(layer->door) : 0, 0);
    arc__grpc_door_close(layer->door);
}

static void wake(struct layer *layer, struct pair *pair)
{
    CHECK(layer->last != NULL);
    if (layer->last != NULL)
        layer->last->ready(layer->last->user, &layer->last->base);
    pair_pump(pair);
}

/* --- cases ----------------------------------------------------------------------------------- */

static void unary_and_back(void)
{
    struct pair pair = {.step = 1};
    struct layer layer = {0};
    struct seen seen = {0};
    CHECK_OK(layer_open(&layer, &pair, NULL));
    CHECK_OK(pair_unary(&pair, "/d/Unary", ARC_LIT("hello"), &seen));
    CHECK_INT(seen.code, ARC_GRPC_OK);
    CHECK_INT(seen.messages, 1);
    CHECK_TEXT(arc__slice_cstr(seen.first), "hello");
    CHECK_TEXT(arc__slice_cstr(layer.path), "/d/Unary");
    CHECK_TEXT(arc__slice_cstr(layer.peer), "10.0.0.7");
    CHECK_INT(layer.deadline_ns, 0);
    layer_close(&layer, &pair);
}

static void a_certificate_is_told(void)
{
    struct pair pair = {0};
    struct layer layer = {0};
    struct seen without = {0}, with = {0};
    struct arc_grpc_identity identity = {sizeof(identity), ARC_LIT("CN=agent-1"),
                                         ARC_LIT("agent-1"), NULL, 0};
    CHECK_OK(layer_open(&layer, &pair, NULL));
    CHECK_OK(pair_unary(&pair, "/d/Unary", ARC_LIT("hello"), &without));
    CHECK_TEXT(arc__slice_cstr(layer.name), "");
    CHECK_OK(arc_grpc_conn_set_identity(pair.server, &identity, NULL));
    CHECK_OK(pair_unary(&pair, "/d/Unary", ARC_LIT("hello"), &with));
    CHECK_TEXT(arc__slice_cstr(layer.name), "agent-1");
    layer_close(&layer, &pair);
}

static void a_late_answer(void)
{
    struct pair pair = {0};
    struct layer layer = {0};
    struct seen seen = {0};
    CHECK_OK(layer_open(&layer, &pair, NULL));
    CHECK_OK(pair_call(&pair, "/d/Chat", pair.now_ns + PAIR_S, &seen));
    pair_pump(&pair);
    CHECK_INT(layer.deadline_ns, pair.now_ns + PAIR_S);
    /* The command layer has something to say of its own. */
    layer.last->produce = 3;
    layer.last->produce_size = 5;
    CHECK_INT(seen.messages, 0);
    wake(&layer, &pair);
    CHECK_INT(seen.messages, 3);
    layer.last->over = 1;
    layer.last->half_closed = 1;
    layer.last->status = ARC_EPRECONDITION;
    layer.last->text = "The fence is stale.";
    wake(&layer, &pair);
    CHECK_INT(seen.code, ARC_GRPC_FAILED_PRECONDITION);
    CHECK_TEXT(arc__slice_cstr(seen.text), "The fence is stale.");
    layer_close(&layer, &pair);
}

static void refusals(void)
{
    struct pair pair = {0};
    struct layer layer = {0};
    struct seen unknown = {0}, denied = {0}, nonsense = {0};
    CHECK_OK(layer_open(&layer, &pair, NULL));
    CHECK_OK(pair_unary(&pair, "/d/Unknown", ARC_LIT("x"), &unknown));
    CHECK_INT(unknown.code, ARC_GRPC_UNIMPLEMENTED);
    CHECK_TEXT(arc__slice_cstr(unknown.text), "There is no such method.");
    CHECK_OK(pair_unary(&pair, "/d/Denied", ARC_LIT("x"), &denied));
    CHECK_INT(denied.code, ARC_GRPC_PERMISSION_DENIED);
    CHECK_OK(pair_unary(&pair, "/d/Chat", ARC_LIT("nonsense"), &nonsense));
    CHECK_INT(nonsense.code, ARC_GRPC_INVALID_ARGUMENT);
    CHECK_TEXT(arc__slice_cstr(nonsense.text), "That is no message.");
    layer_close(&layer, &pair);
}

static arc_status call_with(struct pair *pair, const struct arc_grpc_field *fields, size_t count,
                            struct seen *seen)
{
    struct arc_grpc_request request = {
        .size = sizeof(request),
        .path = ARC_LIT("/d/Chat"),
        .fields = fields,
        .count = count,
        .deadline_ns = ARC_GRPC_NEVER,
    };
    ARC_TRY(arc_grpc_call_open(pair->client, &request, &seen_events, seen, &seen->call, NULL));
    arc_grpc_call_half_close(seen->call);
    pair_pump(pair);
    return ARC_OK;
}

static void credentials(void)
{
    const struct {
        const char *first, *second, *token; /* token NULL: refused */
    } cases[] = {
        {NULL, NULL, ""},
        {"Bearer abc", NULL, "abc"},
        {"bearer a1:b2", NULL, "a1:b2"},
        {"BEARER  x", NULL, "x"},
        {"Basic abc", NULL, NULL},
        {"Bearer", NULL, NULL},
        {"", NULL, NULL},
        {"Bearer abc", "Bearer def", NULL},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct pair pair = {0};
        struct layer layer = {0};
        struct seen seen = {0};
        const struct arc_grpc_field fields[] = {
            {ARC_LIT("authorization"), arc__slice_cstr(cases[i].first)},
            {ARC_LIT("authorization"), arc__slice_cstr(cases[i].second)},
        };
        size_t count = cases[i].first == NULL ? 0 : cases[i].second == NULL ? 1 : 2;
        CHECK_OK(layer_open(&layer, &pair, NULL));
        CHECK_OK(call_with(&pair, fields, count, &seen));
        if (cases[i].token == NULL) {
            CHECK_INT(seen.code, ARC_GRPC_UNAUTHENTICATED);
            CHECK_INT(layer.opened, 0);
        } else {
            CHECK_INT(seen.code, ARC_GRPC_OK);
            CHECK_TEXT(arc__slice_cstr(layer.token), cases[i].token);
        }
        layer_close(&layer, &pair);
    }
}

static void a_full_call_pauses_its_stream(void)
{
    struct pair pair = {0};
    struct layer layer = {.full = 1};
    struct seen seen = {0};
    static char block[10000];
    int sent = 0;
    CHECK_OK(layer_open(&layer, &pair, NULL));
    CHECK_OK(pair_call(&pair, "/d/Chat", 0, &seen));
    for (; sent < 1000; sent++) {
        if (arc_grpc_call_send(seen.call, arc__slice(block, sizeof(block)), NULL) != ARC_OK)
            break;
        pair_pump(&pair);
    }
    CHECK(sent > 100 && sent < 250);
    CHECK_INT(layer.last->taken, 0);
    CHECK(pair.max_held <= 1 << 20);
    arc_grpc_call_half_close(seen.call);
    layer.full = 0;
    wake(&layer, &pair);
    CHECK_INT(seen.code, ARC_GRPC_OK);
    CHECK_INT(seen.statuses, 1);
    CHECK_INT(seen.messages, sent);
    CHECK_INT(seen.bytes, (int64_t)sent * 10000);
    layer_close(&layer, &pair);
}

static void a_full_stream_leaves_messages_in_the_call(void)
{
    struct pair pair = {0};
    struct layer layer = {0};
    struct seen seen = {.pause_after = 1};
    CHECK_OK(layer_open(&layer, &pair, NULL));
    CHECK_OK(pair_call(&pair, "/d/Produce", 0, &seen));
    arc_grpc_call_half_close(seen.call);
    pair_pump(&pair);
    CHECK_INT(seen.messages, 1);
    /* A window and a queue of 1 MiB, no more, of the 100 MB that it has. */
    CHECK(layer.next_calls < 250);
    CHECK(pair.max_queued <= 1 << 20);
    arc_grpc_call_resume(seen.call);
    pair_pump(&pair);
    CHECK_INT(seen.messages, 10000);
    CHECK_INT(seen.code, ARC_GRPC_OK);
    CHECK(pair.max_queued <= 1 << 20);
    layer_close(&layer, &pair);
}

static void a_stream_that_goes_closes_its_call(void)
{
    struct pair pair = {0};
    struct layer layer = {0};
    struct seen seen = {0}, late = {0}, slow = {0};
    CHECK_OK(layer_open(&layer, &pair, NULL));
    CHECK_OK(pair_call(&pair, "/d/Chat", 0, &seen));
    pair_pump(&pair);
    arc_grpc_call_cancel(seen.call);
    pair_pump(&pair);
    CHECK_INT(layer.closed, 1);
    CHECK_OK(pair_call(&pair, "/d/Chat", pair.now_ns + PAIR_S, &late));
    pair_pump(&pair);
    pair_wait(&pair, PAIR_S);
    CHECK_INT(late.code, ARC_GRPC_DEADLINE_EXCEEDED);
    CHECK_INT(layer.closed, 2);
    /* A unary call without a deadline has one all the same. */
    CHECK_OK(pair_call(&pair, "/d/Unary", 0, &slow));
    pair_pump(&pair);
    pair_wait(&pair, 299 * PAIR_S);
    CHECK_INT(slow.closes, 0);
    pair_wait(&pair, 1 * PAIR_S);
    CHECK_INT(slow.code, ARC_GRPC_DEADLINE_EXCEEDED);
    CHECK_INT(layer.closed, 3);
    layer_close(&layer, &pair);
}

static void drain_ends_streams(void)
{
    struct pair pair = {0};
    struct layer layer = {0};
    struct seen stream = {0}, unary = {0}, late = {0};
    CHECK_OK(layer_open(&layer, &pair, NULL));
    CHECK_OK(pair_call(&pair, "/d/Chat", 0, &stream));
    CHECK_OK(pair_call(&pair, "/d/Unary", 0, &unary));
    pair_pump(&pair);
    arc__grpc_door_drain(layer.door);
    pair_pump(&pair);
    CHECK_INT(stream.code, ARC_GRPC_UNAVAILABLE);
    CHECK_TEXT(arc__slice_cstr(stream.text), "The server is going away.");
    CHECK_INT(unary.closes, 0);
    CHECK_OK(arc_grpc_call_send(unary.call, ARC_LIT("x"), NULL));
    arc_grpc_call_half_close(unary.call);
    CHECK_OK(pair_call(&pair, "/d/Chat", 0, &late));
    pair_pump(&pair);
    CHECK_INT(unary.code, ARC_GRPC_OK);
    CHECK_INT(late.code, ARC_GRPC_UNAVAILABLE);
    layer_close(&layer, &pair);
}

static int life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct pair pair = {0};
    struct layer layer = {0};
    struct seen one = {0}, two = {.pause_after = 1};
    int done = 0;
    if (layer_open(&layer, &pair, &mem) == ARC_OK) {
        (void)pair_unary(&pair, "/d/Unary", ARC_LIT("hello"), &one);
        if (pair_call(&pair, "/d/Chat", 0, &two) == ARC_OK) {
            layer.full = 1;
            arc_status sent = arc_grpc_call_send(two.call, ARC_LIT("hello"), NULL);
            CHECK(sent == ARC_OK || sent == ARC_ENOMEM);
            arc_grpc_call_half_close(two.call);
            pair_pump(&pair);
            layer.full = 0;
            if (layer.last != NULL)
                wake(&layer, &pair);
        }
        done = one.code == ARC_GRPC_OK && one.messages == 1 && two.messages == 1;
    }
    layer_close(&layer, &pair);
    return done;
}

static void fails_cleanly(void)
{
    test_torture(life, 0, 3000);
}

static const struct test tests[] = {
    {"a unary call goes through the door and back", unary_and_back},
    {"who the peer is by its certificate reaches the opener", a_certificate_is_told},
    {"what a call says later reaches the client, and its status", a_late_answer},
    {"a refusal by the layer is the status of the call", refusals},
    {"one bearer token is taken, anything else refused", credentials},
    {"a call that takes nothing stops its client", a_full_call_pauses_its_stream},
    {"a client that takes nothing stops its call", a_full_stream_leaves_messages_in_the_call},
    {"a stream that ends closes its call, whatever ended it", a_stream_that_goes_closes_its_call},
    {"a drain ends streams and lets unary calls end", drain_ends_streams},
    {"every failed allocation at the door ends cleanly", fails_cleanly},
};
TEST_MAIN(tests)
