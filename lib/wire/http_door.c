/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http_door.h"

#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include "base/time.h"
#include "wire/http_query.h"

#define ARENA_BYTES_MAX (256u * 1024u)
#define BODY_BYTES_MAX (64u * 1024u * 1024u)
#define REQUEST_ID_MAX 128u

struct arc_http {
    struct arc_mem mem;
    struct arc_command *command;
    struct arc_arena arena;
    arc_slice verb, path, query, if_none_match;
    char request_id[REQUEST_ID_MAX + 1];
    struct arc_http_call *call; /* NULL: answered without one */
    void (*ready)(void *user, struct arc_http *http);
    void *user;
    int answered; /* the response stands */
    int told;     /* and was taken */
    int status;
    const char *content_type;
    struct arc_buf headers, body;
};

/* --- the response -------------------------------------------------------------------------------
 */

static void header(struct arc_http *http, const char *name, arc_slice value)
{
    arc__buf_printf(&http->headers, "%s: %.*s\r\n", name, ARC_ARG(value));
}

static void answer_begin(struct arc_http *http, int status, const char *content_type)
{
    arc__buf_clear(&http->body);
    arc__buf_clear(&http->headers);
    http->answered = 1;
    http->status = status;
    http->content_type = content_type;
    header(http, "X-Request-Id", arc__slice_cstr(http->request_id));
    arc__buf_add_cstr(&http->headers, "X-Content-Type-Options: nosniff\r\n");
}

static int64_t now_s(const struct arc_http *http)
{
    return arc__command_now(http->command).wall_ns / ARC_NS_PER_S;
}

static void answer_ok(struct arc_http *http, arc_slice detail)
{
    struct arc_json json;
    answer_begin(http, 200, "application/json");
    arc__json_init(&json, &http->body);
    arc__json_object(&json);
    arc__json_key_i64(&json, "code", 0);
    arc__json_key_text(&json, "msg", ARC_LIT("success"));
    if (detail.len > 0) {
        arc__json_key(&json, ARC_LIT("detail"));
        arc__json_raw(&json, detail);
    }
    arc__json_key_i64(&json, "timestamp", now_s(http));
    arc__json_end_object(&json);
}

struct refusal {
    int status;
    arc_slice message, type, details, allow;
    uint32_t retry_after_s;
};

static void answer_refusal(struct arc_http *http, const struct refusal *refusal)
{
    struct arc_json json;
    answer_begin(http, refusal->status, "application/json");
    if (refusal->status == 401)
        arc__buf_add_cstr(&http->headers, "WWW-Authenticate: Bearer\r\n");
    if (refusal->allow.len > 0)
        header(http, "Allow", refusal->allow);
    if (refusal->retry_after_s > 0)
        arc__buf_printf(&http->headers, "Retry-After: %u\r\n", refusal->retry_after_s);
    arc__json_init(&json, &http->body);
    arc__json_object(&json);
    arc__json_key_i64(&json, "code", refusal->status);
    arc__json_key_text(&json, "errMsg", refusal->message);
    arc__json_key_text(&json, "path", http->path);
    if (refusal->type.len > 0)
        arc__json_key_text(&json, "type", refusal->type);
    if (refusal->details.len > 0) {
        arc__json_key(&json, ARC_LIT("details"));
        arc__json_raw(&json, refusal->details);
    }
    arc__json_key_i64(&json, "timestamp", now_s(http));
    arc__json_end_object(&json);
}

static void answer_status(struct arc_http *http, arc_status status, const arc_err *err)
{
    struct refusal refusal = {
        .message = arc__slice_cstr(err->message),
        .type = arc__slice_cstr(status == ARC_EINVAL ? "validation" : arc_status_name(status))};
    refusal.status = arc__http_status(status, &refusal.retry_after_s);
    answer_refusal(http, &refusal);
}

static void answer_plain(struct arc_http *http, int status, const char *type, const char *message,
                         arc_slice allow)
{
    const struct refusal refusal = {.status = status,
                                    .message = arc__slice_cstr(message),
                                    .type = arc__slice_cstr(type),
                                    .allow = allow};
    answer_refusal(http, &refusal);
}

static void answer_call(struct arc_http *http, const struct arc_http_result *result)
{
    if (result->status >= 400) {
        const struct refusal refusal = {.status = result->status,
                                        .message = result->err_msg,
                                        .type = result->type,
                                        .details = result->details,
                                        .retry_after_s = result->retry_after_s};
        answer_refusal(http, &refusal);
        return;
    }
    if (result->etag.len > 0 && arc__http_etag_matches(http->if_none_match, result->etag)) {
        answer_begin(http, 304, "application/json");
    } else if (result->text.ptr != NULL) {
        answer_begin(http, 200, "text/plain; charset=utf-8");
        arc__buf_add_slice(&http->body, result->text);
    } else {
        answer_ok(http, result->detail);
    }
    if (result->etag.len > 0) {
        arc__buf_printf(&http->headers, "ETag: \"%.*s\"\r\nCache-Control: no-cache\r\n",
                        ARC_ARG(result->etag));
    }
}

/* --- paths that need no token -------------------------------------------------------------------
 */

static int only_get(struct arc_http *http)
{
    if (arc__slice_is(http->verb, "GET"))
        return 1;
    answer_plain(http, 405, "method", "This path is for GET.", ARC_LIT("GET"));
    return 0;
}

static void answer_version(struct arc_http *http)
{
    struct arc_buf text;
    struct arc_json json;
    arc__buf_init(&text, &http->mem, 1024);
    arc__json_init(&json, &text);
    arc__json_object(&json);
    arc__json_key_text(&json, "name", ARC_LIT("arcentra"));
    arc__json_key_text(&json, "version", arc__slice_cstr(arc_version()));
    arc__json_key_text(&json, "api", ARC_LIT("v1"));
    arc__json_end_object(&json);
    answer_ok(http, arc__buf_slice(&text));
    arc__buf_deinit(&text);
}

static void answer_ready(struct arc_http *http)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__engine_health(arc__command_engine(http->command), &err);
    if (status == ARC_OK) {
        answer_ok(http, ARC_LIT("{\"status\":\"ready\"}"));
        return;
    }
    /* Whatever it is that keeps it from working: not ready is one answer. */
    const struct refusal refusal = {.status = 503,
                                    .message = arc__slice_cstr(err.message),
                                    .type = arc__slice_cstr(arc_status_name(status)),
                                    .retry_after_s = 1};
    answer_refusal(http, &refusal);
}

static int answer_exempt(struct arc_http *http)
{
    int health = arc__slice_is(http->path, "/health"), ready = arc__slice_is(http->path, "/ready");
    if (!health && !ready && !arc__slice_is(http->path, "/api/v1/version"))
        return 0;
    if (!only_get(http))
        return 1;
    if (health)
        answer_ok(http, ARC_LIT("{\"status\":\"ok\"}"));
    else if (ready)
        answer_ready(http);
    else
        answer_version(http);
    return 1;
}

/* --- the request --------------------------------------------------------------------------------
 */

static void call_ready(void *user)
{
    struct arc_http *http = user;
    if (!http->told && http->ready != NULL)
        http->ready(http->user, http);
}

static arc_status request_texts(struct arc_http *http, const arc_http_request *request,
                                arc_err *err)
{
    arc_slice query = ARC_NONE;
    arc_slice target = arc__slice_cstr(request->target);
    if (target.len > ARC_HTTP_TARGET_MAX)
        target.len = 0;
    arc_slice path = arc__slice_cut(target, '?', &query);
    http->verb = arc__arena_copy(&http->arena, arc__slice_cstr(request->method));
    http->path = arc__arena_copy(&http->arena, path);
    http->query = arc__arena_copy(&http->arena, query);
    http->if_none_match = arc__arena_copy(&http->arena, arc__slice_cstr(request->if_none_match));
    if (http->arena.failed)
        return arc__fail_nomem(err);
    arc_slice id = arc__slice_cstr(request->request_id);
    if (arc__id_valid(id)) {
        (void)arc__slice_to_cstr(id, http->request_id, sizeof(http->request_id));
        return ARC_OK;
    }
    arc_id made;
    ARC_TRY(arc__engine_new_id(arc__command_engine(http->command), &made, err));
    (void)arc__slice_to_cstr(arc__id_slice(&made), http->request_id, sizeof(http->request_id));
    return ARC_OK;
}

/* 1: who it is; 0: answered. */
static int authenticate(struct arc_http *http, const arc_http_request *request,
                        struct arc_principal *out)
{
    arc_err err = ARC_ERR_INIT;
    arc_slice token = arc__http_bearer(arc__slice_cstr(request->authorization));
    arc_status status;
    if (token.len == 0)
        status = arc__fail(&err, ARC_EUNAUTHENTICATED, "authorization",
                           "A valid bearer token is needed.");
    else
        status = arc__engine_authenticate(arc__command_engine(http->command), token, out, &err);
    if (status == ARC_OK)
        return 1;
    answer_status(http, status, &err);
    return 0;
}

/* 1: the body may be read; 0: answered. */
static int body_fits(struct arc_http *http, const arc_http_request *request)
{
    if (request->body_len > ARC_HTTP_BODY_MAX) {
        answer_plain(http, 413, "limit_exceeded", "The body has more than 4 MiB.", ARC_NONE);
        return 0;
    }
    if (request->body_len > 0 && http->verb.ptr[0] != 'G' &&
        !arc__http_is_json(arc__slice_cstr(request->content_type))) {
        answer_plain(http, 415, "validation", "The body must be application/json.", ARC_NONE);
        return 0;
    }
    return 1;
}

static arc_status begin_call(struct arc_http *http, const arc_http_request *request, arc_err *err)
{
    struct arc_http_call_start start = {.body = arc__slice(request->body, request->body_len),
                                        .text =
                                            arc__http_wants_text(arc__slice_cstr(request->accept)),
                                        .ready = call_ready,
                                        .user = http};
    arc_slice allow = ARC_NONE;
    arc_err why = ARC_ERR_INIT;
    if (!authenticate(http, request, &start.principal))
        return ARC_OK;
    arc_status status = arc__method_route(http->command, http->verb, http->path, &http->arena,
                                          &start.method, &start.params, &allow, &why);
    if (status == ARC_ECONFLICT) {
        answer_plain(http, 405, "method", why.message, allow);
        return ARC_OK;
    }
    if (status == ARC_OK)
        status = arc__http_query_read(http->query, &http->arena, &start.query, &why);
    if (status == ARC_ENOMEM)
        return arc__fail_nomem(err);
    if (status != ARC_OK) {
        answer_status(http, status, &why);
        return ARC_OK;
    }
    if (!body_fits(http, request))
        return ARC_OK;
    return arc__http_call_open(http->command, &start, &http->call, err);
}

arc_status arc__http_open(struct arc_command *command, struct arc_now now,
                          const arc_http_request *request, struct arc_http **out, arc_err *err)
{
    ARC_REQUIRE(request->method != NULL && request->method[0] != '\0', err, "method");
    ARC_REQUIRE(request->target != NULL, err, "target");
    const struct arc_mem *mem = arc__engine_mem(arc__command_engine(command));
    struct arc_http *http = arc__alloc(mem, sizeof(*http));
    if (http == NULL)
        return arc__fail_nomem(err);
    *http = (struct arc_http){
        .mem = *mem, .command = command, .ready = request->ready, .user = request->user};
    arc__arena_init(&http->arena, mem, ARENA_BYTES_MAX);
    arc__buf_init(&http->headers, mem, ARENA_BYTES_MAX);
    arc__buf_init(&http->body, mem, BODY_BYTES_MAX);
    arc__command_set_now(command, now);
    arc_status status = request_texts(http, request, err);
    if (status == ARC_OK && http->path.len == 0)
        answer_plain(http, 400, "validation", "The path is missing or too long.", ARC_NONE);
    else if (status == ARC_OK && !answer_exempt(http))
        status = begin_call(http, request, err);
    if (status != ARC_OK) {
        arc__http_close(http);
        return status;
    }
    *out = http;
    return ARC_OK;
}

arc_status arc__http_get_response(struct arc_http *http, arc_http_response *out)
{
    struct arc_http_result result;
    if (!http->answered) {
        if (arc__http_call_result(http->call, &result) != ARC_OK)
            return ARC_EAGAIN;
        answer_call(http, &result);
    }
    /* A response that does not fit is told in a small one. */
    if (http->body.failed != ARC_OK || http->headers.failed != ARC_OK)
        answer_plain(http, 503, "limit_exceeded", "The response is too large.", ARC_NONE);
    if (http->body.failed != ARC_OK || http->headers.failed != ARC_OK)
        return ARC_ENOMEM;
    http->told = 1;
    out->status = http->status;
    out->content_type = http->content_type;
    out->headers = http->headers.len > 0 ? http->headers.ptr : "";
    out->body = http->body.len > 0 ? http->body.ptr : "";
    out->body_len = http->body.len;
    return ARC_OK;
}

void arc__http_close(struct arc_http *http)
{
    if (http == NULL)
        return;
    struct arc_mem mem = http->mem;
    arc__http_call_close(http->call);
    arc__arena_deinit(&http->arena);
    arc__buf_deinit(&http->headers);
    arc__buf_deinit(&http->body);
    arc__free(&mem, http);
}
