/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>

/* --- the service ----------------------------------------------------------------------------- */

enum kind { ECHO, COLLECT, FEED, CHAT, FAIL, EARLY, HANG, PAUSE };

struct served {
    struct service *service;
    enum kind kind;
    struct arc_buf text; /* the messages so far */
    size_t messages, bytes;
    uint64_t left, size; /* of Feed */
};

static void finish(struct arc_grpc_call *call, int code, const char *message)
{
    /* Under a failing allocator the stream is reset instead, which the tests allow for. */
    (void)arc_grpc_call_finish(call, code, arc__slice_cstr(message), NULL, 0, NULL);
}

static void fail_with_trailers(struct arc_grpc_call *call)
{
    const struct arc_grpc_field trailers[] = {
        {ARC_LIT("x-reason"), ARC_LIT("gone")},
        {ARC_LIT("x-raw-bin"), ARC_LIT("\x00\xff\x10")},
    };
    (void)arc_grpc_call_finish(call, ARC_GRPC_NOT_FOUND, ARC_LIT("no such thing: 100%\n"), trailers,
                               2, NULL);
}

static void on_call(void *user, struct arc_grpc_call *call, const struct arc_grpc_request *request)
{
    static const char *const paths[] = {"/t/Echo", "/t/Collect", "/t/Feed", "/t/Chat",
                                        "/t/Fail", "/t/Early",   "/t/Hang", "/t/Pause"};
    struct service *service = user;
    size_t kind = 0;
    service->calls++;
    service->metadata_seen = request->count;
    service->deadline_ns = request->deadline_ns;
    service->encoding = request->encoding;
    for (size_t i = 0; i < request->count; i++) {
        if (arc__slice_is(request->fields[i].name, "authorization"))
            (void)arc__slice_to_cstr(request->fields[i].value, service->authorization,
                                     sizeof(service->authorization));
    }
    while (kind < ARC_COUNT_OF(paths) && !arc__slice_is(request->path, paths[kind]))
        kind++;
    struct served *served = arc__alloc(&service->mem, sizeof(*served));
    arc_grpc_call_set_user(call, served);
    if (served == NULL) {
        finish(call, ARC_GRPC_RESOURCE_EXHAUSTED, "no memory");
        return;
    }
    served->service = service;
    served->kind = (enum kind)kind;
    arc__buf_init(&served->text, &service->mem, 8 << 20);
    if (kind == ARC_COUNT_OF(paths)) {
        finish(call, ARC_GRPC_UNIMPLEMENTED, "unknown method");
    } else if (kind == FAIL) {
        fail_with_trailers(call);
    } else if (kind == EARLY) {
        if (arc_grpc_call_send(call, ARC_LIT("early"), NULL) == ARC_OK)
            finish(call, ARC_GRPC_OK, NULL);
        else
            arc_grpc_call_cancel(call);
    } else if (kind == HANG || kind == PAUSE) {
        service->hanging = call;
        if (kind == PAUSE)
            arc_grpc_call_pause(call);
    }
}

static void on_message(void *user, struct arc_grpc_call *call, arc_slice message)
{
    struct served *served = user;
    served->messages++;
    served->bytes += message.len;
    served->service->messages++;
    served->service->bytes += message.len;
    served->service->packed += arc_grpc_call_was_packed(call) == 1;
    if (served->kind == CHAT) {
        if (arc_grpc_call_send(call, message, NULL) != ARC_OK)
            finish(call, ARC_GRPC_RESOURCE_EXHAUSTED, "cannot answer");
    } else if (served->kind == ECHO || served->kind == FEED) {
        arc__buf_add_slice(&served->text, message);
    }
}

static void feed(struct served *served, struct arc_grpc_call *call)
{
    struct arc_buf message;
    arc__buf_init(&message, &served->service->mem, 8 << 20);
    char *room = arc__buf_reserve(&message, served->size + 1);
    if (room != NULL) {
        memset(room, 'f', served->size);
        arc__buf_commit(&message, served->size);
    }
    arc_status status = room == NULL ? ARC_ENOMEM : ARC_OK;
    while (served->left > 0 && status == ARC_OK) {
        status = arc_grpc_call_send(call, arc__buf_slice(&message), NULL);
        served->left -= status == ARC_OK;
    }
    if (served->left == 0)
        finish(call, ARC_GRPC_OK, NULL);
    else if (status != ARC_EAGAIN)
        finish(call, ARC_GRPC_RESOURCE_EXHAUSTED, "cannot feed");
    arc__buf_deinit(&message);
}

static void on_half_close(void *user, struct arc_grpc_call *call)
{
    struct served *served = user;
    served->service->half_closed++;
    if (served->kind == ECHO || served->kind == COLLECT || served->kind == PAUSE) {
        char text[64];
        int len = snprintf(text, sizeof(text), "%zu %zu", served->messages, served->bytes);
        arc_slice reply =
            served->kind == ECHO ? arc__buf_slice(&served->text) : arc__slice(text, (size_t)len);
        if (served->text.failed != ARC_OK || arc_grpc_call_send(call, reply, NULL) != ARC_OK)
            finish(call, ARC_GRPC_RESOURCE_EXHAUSTED, "cannot answer");
        else
            finish(call, ARC_GRPC_OK, NULL);
    } else if (served->kind == CHAT) {
        finish(call, ARC_GRPC_OK, NULL);
    } else if (served->kind == FEED) {
        arc_slice rest = ARC_NONE;
        arc_slice count = arc__slice_cut(arc__buf_slice(&served->text), ' ', &rest);
        if (!arc__slice_to_u64(count, &served->left) || !arc__slice_to_u64(rest, &served->size))
            finish(call, ARC_GRPC_INVALID_ARGUMENT, "count and size");
        else
            feed(served, call);
    }
}

static void on_writable(void *user, struct arc_grpc_call *call)
{
    struct served *served = user;
    if (served->kind == FEED)
        feed(served, call);
}

static void on_close(void *user, struct arc_grpc_call *call, arc_grpc_why why)
{
    struct served *served = user;
    if (served == NULL)
        return;
    struct service *service = served->service;
    if (service->hanging == call)
        service->hanging = NULL;
    service->closed++;
    service->last_why = why;
    arc__buf_deinit(&served->text);
    arc__free(&service->mem, served);
}

const struct arc_grpc_events service_events = {
    .size = sizeof(struct arc_grpc_events),
    .on_call = on_call,
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_writable = on_writable,
    .on_close = on_close,
};

/* --- the client ------------------------------------------------------------------------------ */

uint32_t pair_sum(uint32_t sum, arc_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        sum = sum * 31 + (unsigned char)bytes.ptr[i];
    return sum;
}

static void seen_headers(void *user, struct arc_grpc_call *call,
                         const struct arc_grpc_field *fields, size_t count)
{
    struct seen *seen = user;
    (void)call;
    (void)fields;
    (void)count;
    seen->headers++;
    seen->misuse += seen->messages > 0 || seen->statuses > 0;
}

static void seen_message(void *user, struct arc_grpc_call *call, arc_slice message)
{
    struct seen *seen = user;
    if (seen->messages++ == 0)
        (void)arc__slice_to_cstr(message, seen->first, sizeof(seen->first));
    seen->bytes += message.len;
    seen->packed += arc_grpc_call_was_packed(call) == 1;
    seen->sum = pair_sum(seen->sum, message);
    seen->misuse += seen->statuses > 0;
    if (seen->pause_after > 0 && seen->messages == seen->pause_after)
        arc_grpc_call_pause(call);
}

static void seen_writable(void *user, struct arc_grpc_call *call)
{
    struct seen *seen = user;
    (void)call;
    seen->writables++;
}

static void seen_status(void *user, struct arc_grpc_call *call,
                        const struct arc_grpc_status *status)
{
    struct seen *seen = user;
    (void)call;
    seen->statuses++;
    seen->misuse += seen->closes > 0;
    seen->code = status->code;
    seen->unprocessed = status->unprocessed;
    seen->trailers = status->count;
    (void)arc__slice_to_cstr(status->message, seen->text, sizeof(seen->text));
    if (status->count > 0)
        (void)arc__slice_to_cstr(status->fields[0].value, seen->trailer, sizeof(seen->trailer));
}

static void seen_close(void *user, struct arc_grpc_call *call, arc_grpc_why why)
{
    struct seen *seen = user;
    (void)call;
    seen->closes++;
    seen->why = why;
    seen->call = NULL;
}

const struct arc_grpc_events seen_events = {
    .size = sizeof(struct arc_grpc_events),
    .on_headers = seen_headers,
    .on_message = seen_message,
    .on_writable = seen_writable,
    .on_status = seen_status,
    .on_close = seen_close,
};

/* --- the wire -------------------------------------------------------------------------------- */

arc_status pair_open(struct pair *pair, const struct arc_mem *mem,
                     const struct arc_grpc_limits *server, const struct arc_grpc_limits *client)
{
    if (pair->now_ns == 0)
        pair->now_ns = 1000 * PAIR_S;
    pair->mem = mem != NULL ? *mem : arc__mem_default();
    pair->service.mem = pair->mem;
    pair->random = pair->random * 2 + 88172645463325252U;
    arc_env env = arc__mem_to_env(&pair->mem);
    struct arc_grpc_config config = {
        .size = sizeof(config),
        .env = &env,
        .server = 1,
        .limits = server,
        .events = pair->events != NULL ? pair->events : &service_events,
        .user = pair->events != NULL ? pair->user : &pair->service,
        .counters = &pair->server_counters,
        .peer = "10.0.0.7:4711",
        .interceptors = pair->server_interceptors,
        .interceptor_count = pair->server_interceptor_count,
        .encoding = pair->server_encoding,
        .accept_encodings = pair->server_accepts,
        .seed = pair->seed,
    };
    ARC_TRY(arc_grpc_conn_new(&config, pair->now_ns, &pair->server, NULL));
    config.server = 0;
    config.limits = client;
    config.events = NULL;
    config.counters = &pair->client_counters;
    config.interceptors = pair->client_interceptors;
    config.interceptor_count = pair->client_interceptor_count;
    config.peer = "server";
    config.authority = "server:1";
    config.encoding = pair->client_encoding;
    config.accept_encodings = pair->client_accepts;
    return arc_grpc_conn_new(&config, pair->now_ns, &pair->client, NULL);
}

void pair_close(struct pair *pair)
{
    arc_grpc_conn_free(pair->client);
    arc_grpc_conn_free(pair->server);
    pair->client = pair->server = NULL;
}

void pair_close_over(struct pair *pair, struct seen *const *all, size_t count)
{
    int opened[8];
    CHECK(count <= ARC_COUNT_OF(opened));
    for (size_t i = 0; i < count; i++)
        opened[i] = all[i]->call != NULL || all[i]->closes > 0;
    pair_close(pair);
    for (size_t i = 0; i < count; i++) {
        CHECK_INT(all[i]->closes, opened[i]);
        CHECK_INT(all[i]->statuses, opened[i]);
    }
}

static size_t next_step(struct pair *pair, size_t left)
{
    size_t step = pair->step;
    if (step == SIZE_MAX) {
        pair->random ^= pair->random << 13;
        pair->random ^= pair->random >> 7;
        pair->random ^= pair->random << 17;
        step = 1 + (size_t)(pair->random % 97) * (size_t)(pair->random >> 32 & 63);
    }
    return step == 0 || step > left ? left : step;
}

/* Carries what one has to say now. 0: nothing. */
static size_t carry(struct pair *pair, struct arc_grpc_conn *from, struct arc_grpc_conn *to,
                    arc_status *end)
{
    static char buf[65536];
    size_t len = arc_grpc_conn_send(from, pair->now_ns, buf, sizeof(buf));
    if (from == pair->client && pair->record != NULL)
        arc__buf_add(pair->record, buf, len);
    if (from == pair->server && pair->record_server != NULL)
        arc__buf_add(pair->record_server, buf, len);
    for (size_t at = 0; at < len;) {
        size_t step = next_step(pair, len - at);
        char *piece = malloc(step); /* of its own, so that ASan sees a read beyond it */
        if (piece == NULL)
            abort();
        memcpy(piece, buf + at, step);
        arc_status status = arc_grpc_conn_recv(to, pair->now_ns, arc__slice(piece, step), NULL);
        free(piece);
        if (status != ARC_OK)
            *end = status;
        at += step;
    }
    return len;
}

static size_t tick(struct pair *pair, struct arc_grpc_conn *conn)
{
    if (arc_grpc_conn_get_deadline(conn) > pair->now_ns)
        return 0;
    arc_grpc_conn_tick(conn, pair->now_ns);
    return 1;
}

static void watch(struct pair *pair)
{
    size_t queued = arc_grpc_conn_get_queued(pair->server);
    size_t held = arc_grpc_conn_get_held(pair->server);
    pair->max_queued = queued > pair->max_queued ? queued : pair->max_queued;
    pair->max_held = held > pair->max_held ? held : pair->max_held;
}

void pair_pump(struct pair *pair)
{
    for (int round = 0; round < 100000; round++) {
        size_t moved = 0;
        moved += carry(pair, pair->client, pair->server, &pair->server_end);
        moved += tick(pair, pair->server);
        watch(pair);
        moved += carry(pair, pair->server, pair->client, &pair->client_end);
        moved += tick(pair, pair->client);
        watch(pair);
        if (moved == 0)
            return;
    }
    CU_FAIL("the connections never come to rest");
}

void pair_wait(struct pair *pair, uint64_t ns)
{
    pair->now_ns += ns;
    pair_pump(pair);
}

arc_status pair_call(struct pair *pair, const char *path, uint64_t deadline_ns, struct seen *seen)
{
    struct arc_grpc_request request = {
        .size = sizeof(request),
        .path = arc__slice_cstr(path),
        .deadline_ns = deadline_ns != 0 ? deadline_ns : ARC_GRPC_NEVER,
    };
    return arc_grpc_call_open(pair->client, &request, &seen_events, seen, &seen->call, NULL);
}

arc_status pair_unary(struct pair *pair, const char *path, arc_slice message, struct seen *seen)
{
    ARC_TRY(pair_call(pair, path, 0, seen));
    arc_status status = arc_grpc_call_send(seen->call, message, NULL);
    if (status == ARC_OK)
        arc_grpc_call_half_close(seen->call);
    else
        arc_grpc_call_cancel(seen->call);
    pair_pump(pair);
    return status;
}
