/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/grpc_door.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/status.h"

#define UNARY_MAX_NS (300 * UINT64_C(1000000000))
/* A message that waits for its call; longer ones were refused by their prefix. */
#define HELD_MAX_BYTES (16U << 20)

struct arc_grpc_door {
    struct arc_mem mem;
    arc_grpc_opener *open;
    void *user;
    uint64_t unary_max_ns;
    struct arc_link calls;
    size_t count;
    int draining;
};

/* One stream and one call. */
struct served {
    struct arc_grpc_door *door;
    struct arc_link link;
    struct arc_grpc_call *wire;
    struct arc_call *call;
    struct arc_buf held; /* a message that the call did not take yet */
    arc_slice pending;   /* a message of the call that the stream did not take yet; borrowed */
    int holding, has_pending;
    int streams;
    int half_closed; /* the client is through; to be told after what is held */
    int finished;    /* the status was given to the stream */
    int busy;        /* in a function of the call: `ready` only notes that it came */
    int again;
};

/* --- out ------------------------------------------------------------------------------------- */

static void finish(struct served *served, arc_status status, const arc_err *err)
{
    arc_slice message = ARC_NONE;
    int code = arc__status_grpc(status);
    if (served->finished)
        return;
    served->finished = 1;
    if (status != ARC_OK && err != NULL)
        message = arc__slice_cstr(err->message);
    /* Without memory for a status the stream is reset, which is a status too. */
    (void)arc_grpc_call_finish(served->wire, code, message, NULL, 0, NULL);
}

/* 1: there is something to send in served->pending. */
static int next_message(struct served *served)
{
    arc_err err = ARC_ERR_INIT;
    if (served->has_pending)
        return 1;
    arc_status status = served->call->ops->next(served->call, &served->pending, &err);
    if (status == ARC_OK) {
        served->has_pending = 1;
        return 1;
    }
    if (status == ARC_EDONE) {
        err = (arc_err)ARC_ERR_INIT;
        status = served->call->ops->status(served->call, &err);
        finish(served, status, &err);
    } else if (status != ARC_EAGAIN) {
        finish(served, status, &err);
    }
    return 0;
}

static void pump_out(struct served *served)
{
    while (!served->finished && next_message(served)) {
        arc_err err = ARC_ERR_INIT;
        arc_status status = arc_grpc_call_send(served->wire, served->pending, &err);
        if (status == ARC_EAGAIN)
            return; /* on_writable */
        served->has_pending = 0;
        served->again |= served->holding; /* the call may have room for what waits now */
        if (status == ARC_ECANCELLED)
            return; /* on_close is on its way */
        if (status != ARC_OK)
            finish(served, status, &err);
    }
}

/* --- in -------------------------------------------------------------------------------------- */

/* Gives the call one message. ARC_EAGAIN: it takes none now. */
static arc_status give(struct served *served, arc_slice message)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = served->call->ops->send(served->call, message, &err);
    if (status == ARC_OK || status == ARC_EAGAIN)
        return status;
    /* What the call says of its end is better than what it says of this message. */
    pump_out(served);
    if (status != ARC_EDONE)
        finish(served, status, &err);
    return ARC_OK;
}

static void pump_in(struct served *served)
{
    if (served->holding && !served->finished) {
        if (give(served, arc__buf_slice(&served->held)) == ARC_EAGAIN)
            return;
        served->holding = 0;
        arc__buf_deinit(&served->held);
        arc__buf_init(&served->held, &served->door->mem, HELD_MAX_BYTES);
        arc_grpc_call_resume(served->wire);
    }
    if (served->half_closed == 1 && !served->finished) {
        served->half_closed = 2;
        /* A refusal shows in what the call says next. */
        (void)served->call->ops->half_close(served->call, NULL);
    }
}

/* Everything that can move now does. */
static void pump(struct served *served)
{
    if (served->busy) {
        served->again = 1;
        return;
    }
    served->busy = 1;
    do {
        served->again = 0;
        pump_in(served);
        pump_out(served);
    } while (served->again && !served->finished);
    served->busy = 0;
}

static void on_ready(void *user, struct arc_call *call)
{
    struct served *served = user;
    (void)call;
    if (served->call == NULL)
        served->again = 1; /* from inside the opening */
    else if (!served->finished)
        pump(served);
}

/* --- events of the wire ---------------------------------------------------------------------- */

int arc__grpc_door_token(arc_slice header, arc_slice *token)
{
    arc_slice rest = ARC_NONE;
    arc_slice scheme = arc__slice_cut(arc__slice_trim(header), ' ', &rest);
    rest = arc__slice_trim(rest);
    if (arc__slice_compare_nocase(scheme, ARC_LIT("bearer")) != 0 || rest.len == 0)
        return 0;
    *token = rest;
    return 1;
}

/* 0: more than one credential, or one of another kind: nobody should guess which was meant. */
static int find_token(const struct arc_grpc_request *request, arc_slice *token)
{
    int found = 0;
    for (size_t i = 0; i < request->count; i++) {
        if (!arc__slice_is(request->fields[i].name, "authorization"))
            continue;
        if (found || !arc__grpc_door_token(request->fields[i].value, token))
            return 0;
        found = 1;
    }
    return 1;
}

/* "10.0.0.1:4711" is the agent 10.0.0.1, whatever its port was. */
static arc_slice host_of(const char *peer)
{
    arc_slice text = arc__slice_cstr(peer);
    size_t end = text.len;
    while (end > 0 && text.ptr[end - 1] != ':')
        end--;
    if (end == 0)
        return text;
    text.len = end - 1;
    if (text.len >= 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
        text = (arc_slice){text.ptr + 1, text.len - 2};
    return text;
}

static void refuse(struct arc_grpc_call *wire, arc_status status, const char *message)
{
    (void)arc_grpc_call_finish(wire, arc__status_grpc(status), arc__slice_cstr(message), NULL, 0,
                               NULL);
}

static void begin(struct served *served, const struct arc_grpc_request *request)
{
    struct arc_grpc_door *door = served->door;
    arc_err err = ARC_ERR_INIT;
    const struct arc_grpc_conn *conn = arc_grpc_call_get_conn(served->wire);
    struct arc_grpc_door_call call = {
        .path = request->path,
        .peer = host_of(arc_grpc_conn_get_peer(conn)),
        .identity = arc_grpc_conn_get_identity(conn),
        .deadline_ns = request->deadline_ns != ARC_GRPC_NEVER ? request->deadline_ns : 0,
        .ready = on_ready,
        .user = served,
    };
    struct arc_call *opened = NULL;
    if (!find_token(request, &call.token)) {
        (void)arc__fail(&err, ARC_EUNAUTHENTICATED, "authorization",
                        "One bearer token is expected in authorization.");
        finish(served, err.status, &err);
        return;
    }
    arc_status status = door->open(door->user, &call, &served->streams, &opened, &err);
    if (status != ARC_OK) {
        finish(served, status, &err);
        return;
    }
    served->call = opened;
    if (served->streams && door->draining) {
        (void)arc__fail(&err, ARC_EUNAVAILABLE, "server", "The server is going away.");
        finish(served, err.status, &err);
        return;
    }
    if (!served->streams)
        (void)arc_grpc_call_set_deadline(served->wire, request->now_ns + door->unary_max_ns,
                                         NULL); /* without memory for it there is none */
    /* A server stream may have its first message at once; a call may be over already. */
    pump(served);
}

static void on_call(void *user, struct arc_grpc_call *wire, const struct arc_grpc_request *request)
{
    struct arc_grpc_door *door = user;
    struct served *served = arc__alloc(&door->mem, sizeof(*served));
    arc_grpc_call_set_user(wire, served);
    if (served == NULL) {
        refuse(wire, ARC_ENOMEM, "Out of memory.");
        return;
    }
    served->door = door;
    served->wire = wire;
    arc__buf_init(&served->held, &door->mem, HELD_MAX_BYTES);
    arc__list_add_tail(&door->calls, &served->link);
    door->count++;
    begin(served, request);
}

static void on_message(void *user, struct arc_grpc_call *wire, arc_slice message)
{
    struct served *served = user;
    if (served == NULL || served->finished || served->call == NULL)
        return;
    served->busy = 1;
    arc_status status = give(served, message);
    served->busy = 0;
    if (status == ARC_EAGAIN) {
        /* The bytes are ours only until we return. */
        arc__buf_clear(&served->held);
        arc__buf_add_slice(&served->held, message);
        served->holding = 1;
        arc_grpc_call_pause(wire);
        if (arc__buf_check(&served->held, NULL) != ARC_OK) {
            arc_err err = ARC_ERR_INIT;
            finish(served, arc__fail_nomem(&err), &err);
            return;
        }
        if (!served->again)
            return;
    }
    pump(served);
}

static void on_half_close(void *user, struct arc_grpc_call *wire)
{
    struct served *served = user;
    (void)wire;
    if (served == NULL || served->finished || served->call == NULL)
        return;
    served->half_closed = 1;
    pump(served);
}

static void on_writable(void *user, struct arc_grpc_call *wire)
{
    struct served *served = user;
    (void)wire;
    if (served != NULL && !served->finished && served->call != NULL)
        pump(served);
}

static void on_close(void *user, struct arc_grpc_call *wire, arc_grpc_why why)
{
    struct served *served = user;
    (void)wire;
    (void)why;
    if (served == NULL)
        return;
    struct arc_grpc_door *door = served->door;
    served->finished = 1;
    if (served->call != NULL)
        served->call->ops->close(served->call);
    arc__buf_deinit(&served->held);
    arc__list_remove(&served->link);
    door->count--;
    arc__free(&door->mem, served);
}

static const struct arc_grpc_events door_events = {
    .size = sizeof(struct arc_grpc_events),
    .on_call = on_call,
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_writable = on_writable,
    .on_close = on_close,
};

const struct arc_grpc_events *arc__grpc_door_events(void)
{
    return &door_events;
}

/* --- the door -------------------------------------------------------------------------------- */

arc_status arc__grpc_door_open(const struct arc_grpc_door_options *options,
                               struct arc_grpc_door **out, arc_err *err)
{
    ARC_REQUIRE(options != NULL && options->size == sizeof(*options) && options->mem != NULL &&
                    options->open != NULL,
                err, "options");
    struct arc_grpc_door *door = arc__alloc(options->mem, sizeof(*door));
    if (door == NULL)
        return arc__fail_nomem(err);
    door->mem = *options->mem;
    door->open = options->open;
    door->user = options->user;
    door->unary_max_ns = options->unary_max_ns != 0 ? options->unary_max_ns : UNARY_MAX_NS;
    arc__list_init(&door->calls);
    *out = door;
    return ARC_OK;
}

void arc__grpc_door_close(struct arc_grpc_door *door)
{
    if (door == NULL)
        return;
    struct arc_mem mem = door->mem;
    arc__free(&mem, door);
}

void arc__grpc_door_drain(struct arc_grpc_door *door)
{
    arc_err err = ARC_ERR_INIT;
    (void)arc__fail(&err, ARC_EUNAVAILABLE, "server", "The server is going away.");
    door->draining = 1;
    ARC_LIST_EACH_SAFE(&door->calls, link)
    {
        struct served *served = ARC_CONTAINER(link, struct served, link);
        if (served->streams)
            finish(served, err.status, &err);
    }
}

size_t arc__grpc_door_calls(const struct arc_grpc_door *door)
{
    return door->count;
}
