/* SPDX-License-Identifier: Apache-2.0 */
/* Interceptors: asked before a call begins, told of its messages and of its end. What they are told
 * is kept beside the call, in an object that stays with it in the pool, so that a connection
 * without interceptors pays one comparison with NULL.
 * Must stay true: who let a call begin hears of its end once, however it ends. */
#include "base/options.h"
#include "wire/grpc_priv.h"

struct arc_grpc_track {
    struct arc_buf path;
    struct arc_grpc_report report;
    size_t begun; /* interceptors that let it begin and have not heard of its end */
};

arc_status arc__grpc_interceptors_check(const struct arc_grpc_interceptor *const *list,
                                        size_t count, arc_err *err)
{
    struct arc_grpc_interceptor one;
    ARC_REQUIRE(count <= ARC_GRPC_INTERCEPTORS_MAX && (count == 0 || list != NULL), err,
                "interceptors");
    for (size_t i = 0; i < count; i++) {
        ARC_REQUIRE(list[i] != NULL, err, "interceptors");
        ARC_TRY(arc__options_read(list[i], sizeof(one), &one, "interceptor", err));
    }
    return ARC_OK;
}

arc_status arc__grpc_intercept_init(struct arc_grpc_conn *conn,
                                    const struct arc_grpc_config *config, arc_err *err)
{
    size_t count = config->interceptor_count;
    if (count == 0)
        return ARC_OK;
    ARC_TRY(arc__grpc_interceptors_check(config->interceptors, count, err));
    conn->interceptors = arc__alloc_array(&conn->mem, count, sizeof(*conn->interceptors));
    if (conn->interceptors == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < count; i++) {
        ARC_TRY(arc__options_read(config->interceptors[i], sizeof(*conn->interceptors),
                                  &conn->interceptors[i], "interceptor", err));
    }
    conn->interceptor_count = count;
    return ARC_OK;
}

void arc__grpc_intercept_forget(struct arc_grpc_call *call, const struct arc_mem *mem)
{
    if (call->track == NULL)
        return;
    arc__buf_deinit(&call->track->path);
    arc__free(mem, call->track);
    call->track = NULL;
}

/* NULL: no memory. */
static struct arc_grpc_track *need_track(struct arc_grpc_call *call, arc_slice path)
{
    struct arc_grpc_conn *conn = call->conn;
    struct arc_grpc_track *track = call->track;
    if (track == NULL) {
        track = arc__alloc(&conn->mem, sizeof(*track));
        if (track == NULL)
            return NULL;
        arc__buf_init(&track->path, &conn->mem, SIZE_MAX / 2);
        call->track = track;
    }
    if (track->path.capacity > ARC_GRPC_POOL_KEEP_BYTES)
        arc__buf_deinit(&track->path);
    arc__buf_clear(&track->path);
    arc__buf_add_slice(&track->path, path);
    if (track->path.failed != ARC_OK)
        return NULL;
    track->report = (struct arc_grpc_report){
        .size = sizeof(track->report),
        .path = arc__buf_slice(&track->path),
        .begun_ns = conn->now_ns,
    };
    track->begun = 0;
    return track;
}

arc_status arc__grpc_intercept_begin(struct arc_grpc_call *call,
                                     const struct arc_grpc_request *request, int *code,
                                     char text[ARC_GRPC_REFUSAL_SIZE])
{
    struct arc_grpc_conn *conn = call->conn;
    struct arc_grpc_track *track = need_track(call, request->path);
    text[0] = '\0';
    if (track == NULL) {
        *code = ARC_GRPC_RESOURCE_EXHAUSTED;
        (void)arc__slice_to_cstr(ARC_LIT("Out of memory."), text, ARC_GRPC_REFUSAL_SIZE);
        return ARC_ENOMEM;
    }
    for (; track->begun < conn->interceptor_count; track->begun++) {
        const struct arc_grpc_interceptor *one = &conn->interceptors[track->begun];
        int32_t answer = ARC_GRPC_OK;
        arc__grpc_conn_enter(conn);
        if (one->begin != NULL)
            answer = one->begin(one->user, call, request, text, ARC_GRPC_REFUSAL_SIZE);
        arc__grpc_conn_leave(conn);
        if (answer == ARC_GRPC_OK)
            continue;
        text[ARC_GRPC_REFUSAL_SIZE - 1] = '\0';
        *code = answer > 0 && answer <= ARC_GRPC_UNAUTHENTICATED ? answer : ARC_GRPC_UNKNOWN;
        arc__grpc_intercept_end(call, conn->server ? ARC_GRPC_WHY_DONE : ARC_GRPC_WHY_CANCELLED,
                                *code);
        return ARC_EDENIED;
    }
    return ARC_OK;
}

void arc__grpc_intercept_message(struct arc_grpc_call *call, int outgoing, size_t bytes)
{
    struct arc_grpc_conn *conn = call->conn;
    struct arc_grpc_track *track = call->track;
    if (outgoing) {
        track->report.messages_out++;
        track->report.bytes_out += bytes;
    } else {
        track->report.messages_in++;
        track->report.bytes_in += bytes;
    }
    arc__grpc_conn_enter(conn);
    for (size_t i = 0; i < track->begun; i++) {
        const struct arc_grpc_interceptor *one = &conn->interceptors[i];
        if (one->message != NULL)
            one->message(one->user, call, outgoing, bytes);
    }
    arc__grpc_conn_leave(conn);
}

/* The status of a server's call that ended without one. */
static int code_of(const struct arc_grpc_call *call, int code)
{
    if (!call->conn->server)
        return code;
    if (call->finished)
        return call->status_code;
    return code != ARC_GRPC_OK ? code : ARC_GRPC_CANCELLED;
}

void arc__grpc_intercept_end(struct arc_grpc_call *call, arc_grpc_why why, int code)
{
    struct arc_grpc_conn *conn = call->conn;
    struct arc_grpc_track *track = call->track;
    if (track == NULL || track->begun == 0)
        return;
    struct arc_grpc_report *report = &track->report;
    report->peer = conn->peer;
    report->identity = arc_grpc_conn_get_identity(conn);
    report->code = code_of(call, code);
    report->why = why;
    report->ended_ns = conn->now_ns;
    arc__grpc_conn_enter(conn);
    while (track->begun > 0) {
        const struct arc_grpc_interceptor *one = &conn->interceptors[--track->begun];
        if (one->end != NULL)
            one->end(one->user, report);
    }
    arc__grpc_conn_leave(conn);
}

/* --- for the router -------------------------------------------------------------------------- */

int arc__grpc_call_is_last(const struct arc_grpc_call *call)
{
    return call->last;
}

int arc__grpc_call_is_unanswered(const struct arc_grpc_call *call)
{
    return call->is_open && !call->finished && !call->cancelled;
}

void arc__grpc_call_set_route(struct arc_grpc_call *call, const void *route)
{
    call->route = route;
}

const void *arc__grpc_call_get_route(const struct arc_grpc_call *call)
{
    return call->route;
}

const struct arc_grpc_events *arc__grpc_call_get_events(const struct arc_grpc_call *call)
{
    return call->events;
}
