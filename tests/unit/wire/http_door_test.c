/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP surface: every row of its tables, over the real engine. */
#include "wire/http_door.h"

#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/house.h"
#include "store/mem.h"

#define SPEC \
    "{\"namespace\":\"n\",\"version\":\"v1\",\"jobs\":[{\"name\":\"build\",\"steps\":[{" \
    "\"name\":\"compile\",\"uses\":\"shell\",\"args\":{\"run\":\"make\"}}]}]}"

struct desk {
    struct house house;
    char admin[128];
    int status;
    char headers[1024];
    char content_type[64];
    int ready;
    const char *request_id, *if_none_match, *accept, *content_type_in;
};

static void told(void *user, struct arc_http *http)
{
    struct desk *desk = user;
    (void)http;
    desk->ready++;
}

static int desk_open(struct desk *desk)
{
    memset(desk, 0, sizeof(*desk));
    if (!house_open(&desk->house))
        return 0;
    CHECK_OK(house_call(&desk->house, house_host(), "CreateApiToken",
                        "{\"name\":\"root\",\"scopes\":[\"admin\"]}"));
    return house_field(&desk->house, "token", 0, desk->admin, sizeof(desk->admin));
}

static int ask_as(struct desk *desk, const char *authorization, const char *verb,
                  const char *target, const char *body)
{
    struct arc_http *http = NULL;
    arc_http_response response = ARC_HTTP_RESPONSE_INIT;
    const arc_http_request request = {
        .size = sizeof(request),
        .method = verb,
        .target = target,
        .authorization = authorization,
        .content_type = desk->content_type_in != NULL ? desk->content_type_in : "application/json",
        .request_id = desk->request_id,
        .if_none_match = desk->if_none_match,
        .accept = desk->accept,
        .body = body,
        .body_len = body != NULL ? strlen(body) : 0,
        .ready = told,
        .user = desk};
    desk->status = 0;
    desk->house.out[0] = '\0';
    if (!CHECK_OK(arc__http_open(desk->house.command, desk->house.now, &request, &http, NULL)))
        return 0;
    arc_status status = arc__http_get_response(http, &response);
    int at_once = status == ARC_OK, before = desk->ready;
    if (!at_once) {
        house_turn(&desk->house);
        CHECK(desk->ready > before);
        status = arc__http_get_response(http, &response);
    }
    if (CHECK_OK(status)) {
        desk->status = response.status;
        (void)arc__slice_to_cstr(arc__slice(response.body, response.body_len), desk->house.out,
                                 262144);
        (void)arc__slice_to_cstr(arc__slice_cstr(response.headers), desk->headers,
                                 sizeof(desk->headers));
        (void)arc__slice_to_cstr(arc__slice_cstr(response.content_type), desk->content_type,
                                 sizeof(desk->content_type));
    }
    arc__http_close(http);
    house_turn(&desk->house);
    return desk->status;
}

static int ask(struct desk *desk, const char *verb, const char *target, const char *body)
{
    char authorization[160];
    (void)snprintf(authorization, sizeof(authorization), "Bearer %s", desk->admin);
    return ask_as(desk, authorization, verb, target, body);
}

static int header_has(const struct desk *desk, const char *text)
{
    if (strstr(desk->headers, text) != NULL)
        return 1;
    (void)fprintf(stderr, "# not in the headers: %s\n# %s\n", text, desk->headers);
    return 0;
}

static const char *path(const char *format, const char *a, const char *b)
{
    return house_text(format, a, b);
}

/* A pipeline with a run. */
static int make_run(struct desk *desk, char *pipeline, char *run, size_t size)
{
    CHECK_INT(ask(desk, "POST", "/api/v1/pipelines",
                  "{\"projectId\":\"proj any text\",\"name\":\"build-main\",\"spec\":" SPEC "}"),
              200);
    CHECK(house_field(&desk->house, "pipelineId", 0, pipeline, size));
    CHECK_INT(ask(desk, "POST", path("/api/v1/pipelines/%s/trigger", pipeline, ""), "{}"), 200);
    return house_field(&desk->house, "runId", 0, run, size);
}

static void exempt_paths_need_no_token(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    const char *open[] = {"/health", "/ready", "/api/v1/version"};
    for (size_t i = 0; i < ARC_COUNT_OF(open); i++) {
        CHECK_INT(ask_as(&desk, NULL, "GET", open[i], NULL), 200);
        CHECK(house_has(&desk.house, "\"code\":0,\"msg\":\"success\""));
        CHECK(house_has(&desk.house, "\"timestamp\":1700000000"));
        CHECK_INT(ask_as(&desk, NULL, "POST", open[i], NULL), 405);
        CHECK(header_has(&desk, "Allow: GET\r\n"));
    }
    CHECK(ask_as(&desk, NULL, "GET", "/api/v1/version", NULL) == 200 &&
          house_has(&desk.house, arc_version()));
    const char *closed[] = {"/metrics", "/health/", "/api/v1/pipelines", "/", "/api/v1/versions"};
    for (size_t i = 0; i < ARC_COUNT_OF(closed); i++) {
        CHECK_INT(ask_as(&desk, NULL, "GET", closed[i], NULL), 401);
        CHECK(header_has(&desk, "WWW-Authenticate: Bearer\r\n"));
    }
    house_close(&desk.house);
}

static void errors_are_envelopes(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    const struct {
        const char *authorization, *verb, *target, *body;
        int status;
        const char *has;
    } rows[] = {
        {NULL, "GET", "/api/v1/pipelines", NULL, 401, "\"type\":\"unauthenticated\""},
        {"Bearer nonsense", "GET", "/api/v1/pipelines", NULL, 401, "\"code\":401"},
        {"Basic x", "GET", "/api/v1/pipelines", NULL, 401, "\"code\":401"},
        {"", "GET", "/api/v1/nothing", NULL, 404, "\"path\":\"/api/v1/nothing\""},
        {"", "GET", "/api/v1/pipelines/none", NULL, 404, "\"errMsg\":\"There is no pipeline"},
        {"", "PATCH", "/api/v1/pipelines/none", NULL, 405, "\"code\":405"},
        {"", "GET", "/api/v1/pipelines?colour=red", NULL, 400, "colour"},
        {"", "GET", "/api/v1/pipelines?page=x", NULL, 400, "page"},
        {"", "GET", "/api/v1/pipelines?pageSize=101", NULL, 400, "pageSize"},
        {"", "GET", "/api/v1/pipelines?status=exploded", NULL, 400, "status"},
        {"", "GET", "/api/v1/pipelines?page=1&page=2", NULL, 400, "twice"},
        {"", "POST", "/api/v1/pipelines?page=1", "{}", 400, "page"},
        {"", "POST", "/api/v1/pipelines", "{", 400, "\"line\":1"},
        {"", "POST", "/api/v1/pipelines", "{\"naem\":1}", 400, "naem"},
        {"", "POST", "/api/v1/pipelines", "{\"name\":1}", 400, "\"path\":\"name\""},
        {"", "POST", "/api/v1/pipelines", "[]", 400, "\"code\":400"},
        {"", "POST", "/api/v1/pipelines", "", 400, "\"type\":\"validation\""},
        {"", "GET", "/api/v1/step-runs/x/artifacts", NULL, 404, "no step run"},
        {"", "GET", "/api/v1/pipelines/%ff", NULL, 400, "\"code\":400"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        int status =
            rows[i].authorization != NULL && rows[i].authorization[0] == '\0'
                ? ask(&desk, rows[i].verb, rows[i].target, rows[i].body)
                : ask_as(&desk, rows[i].authorization, rows[i].verb, rows[i].target, rows[i].body);
        if (!CHECK_INT(status, rows[i].status))
            printf("# %s %s\n", rows[i].verb, rows[i].target);
        CHECK(house_has(&desk.house, rows[i].has));
        CHECK(house_has(&desk.house, "\"errMsg\":\""));
        CHECK(house_has(&desk.house, "\"timestamp\":"));
        CHECK_TEXT(arc__slice_cstr(desk.content_type), "application/json");
    }
    CHECK_INT(ask(&desk, "PATCH", "/api/v1/pipelines/none", NULL), 405);
    CHECK(header_has(&desk, "Allow: PUT, GET, DELETE\r\n"));
    desk.content_type_in = "text/yaml";
    CHECK_INT(ask(&desk, "POST", "/api/v1/pipelines", "jobs: []"), 415);
    desk.content_type_in = NULL;
    char *large = arc__alloc(&desk.house.mem, ARC_HTTP_BODY_MAX + 2);
    memset(large, ' ', ARC_HTTP_BODY_MAX + 1);
    CHECK_INT(ask(&desk, "POST", "/api/v1/pipelines", large), 413);
    arc__free(&desk.house.mem, large);
    house_close(&desk.house);
}

static void scopes_are_forbidden_not_hidden(void)
{
    struct desk desk;
    char token[128], authorization[160];
    if (!desk_open(&desk))
        return;
    CHECK_OK(house_call(&desk.house, house_host(), "CreateApiToken",
                        "{\"name\":\"reader\",\"scopes\":[\"read\"]}"));
    CHECK(house_field(&desk.house, "token", 0, token, sizeof(token)));
    (void)snprintf(authorization, sizeof(authorization), "bearer %s", token);
    CHECK_INT(ask_as(&desk, authorization, "GET", "/api/v1/pipelines", NULL), 200);
    CHECK_INT(ask_as(&desk, authorization, "POST", "/api/v1/pipelines", "{\"name\":\"x\"}"), 403);
    CHECK(house_has(&desk.house, "\"type\":\"permission_denied\""));
    CHECK_INT(ask_as(&desk, authorization, "POST", "/api/v1/registration-tokens", "{}"), 403);
    house_close(&desk.house);
}

static void the_fourteen_endpoints_answer(void)
{
    struct desk desk;
    char id[64], run[64], head[80];
    if (!desk_open(&desk))
        return;
    CHECK(make_run(&desk, id, run, sizeof(id)));
    CHECK(house_has(&desk.house, "\"duplicate\":false"));
    CHECK_INT(ask(&desk, "PUT", path("/api/v1/pipelines/%s", id, ""),
                  "{\"description\":\"main branch build\",\"is_enabled\":1}"),
              200);
    CHECK(house_has(&desk.house, "\"detail\":{\"pipelineId\":"));
    CHECK(house_has(&desk.house, "\"description\":\"main branch build\""));
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/%s", id, ""), NULL), 200);
    CHECK(house_has(&desk.house, "\"projectId\":\"proj any text\""));
    CHECK(house_has(&desk.house, "\"metadata\":{}"));
    CHECK_INT(ask(&desk, "GET", "/api/v1/pipelines?projectId=proj+any%20text&pageSize=5", NULL),
              200);
    CHECK(house_has(&desk.house, "\"detail\":{\"list\":[{\"pipelineId\":"));
    CHECK(house_has(&desk.house, "\"total\":1,\"page\":1,\"pageSize\":5"));
    CHECK(strstr(desk.house.out, "\"success\":true") == NULL);
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/%s/spec", id, ""), NULL), 200);
    CHECK(house_has(&desk.house, "\"spec\":{\"namespace\":\"n\""));
    CHECK(house_has(&desk.house, "\"format\":\"json\""));
    CHECK(house_has(&desk.house, "\"text\":\"{"));
    CHECK(house_field(&desk.house, "headCommitSha", 0, head, sizeof(head)));
    CHECK_INT(ask(&desk, "POST", path("/api/v1/pipelines/%s/spec/validate", id, ""),
                  "{\"format\":\"yaml\",\"plan\":true,\"spec\":" SPEC "}"),
              200);
    CHECK(house_has(&desk.house, "\"jobsCount\":1,\"warnings\":["));
    CHECK(house_has(&desk.house, "\"plan\":{"));
    char body[1024];
    (void)snprintf(body, sizeof(body),
                   "{\"spec\":" SPEC ",\"format\":\"yml\",\"expectedHeadCommitSha\":\"%s\","
                   "\"commitMessage\":\"same\",\"requestId\":\"req-1\",\"editor\":\"ada\"}",
                   head);
    CHECK_INT(ask(&desk, "POST", path("/api/v1/pipelines/%s/spec/save", id, ""), body), 200);
    CHECK(house_has(&desk.house, head));
    CHECK(house_has(&desk.house, "\"saveMode\":\"direct\",\"prUrl\":\"\""));
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/%s/runs?status=pending", id, ""), NULL),
              200);
    CHECK(house_has(&desk.house, "\"detail\":{\"list\":[{\"runId\":"));
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/runs/%s", run, ""), NULL), 200);
    CHECK(house_has(&desk.house, "\"detail\":{\"runId\":"));
    CHECK_INT(ask(&desk, "POST", path("/api/v1/pipelines/%s/runs/%s/pause", id, run),
                  "{\"reason\":\"manual operation\",\"operator\":\"ada\"}"),
              200);
    CHECK(house_has(&desk.house, "\"status\":\"paused\""));
    CHECK_INT(ask(&desk, "POST", path("/api/v1/pipelines/%s/runs/%s/pause", id, run), ""), 409);
    CHECK(house_has(&desk.house, "\"details\":{\"status\":\"paused\"}"));
    CHECK_INT(ask(&desk, "POST", path("/api/v1/pipelines/%s/runs/%s/resume", id, run), NULL), 200);
    CHECK(house_has(&desk.house, "\"status\":\"pending\""));
    CHECK_INT(ask(&desk, "DELETE", path("/api/v1/pipelines/%s", id, ""), NULL), 409);
    CHECK_INT(
        ask(&desk, "POST", path("/api/v1/pipelines/%s/runs/%s/stop", id, run), "{\"force\":true}"),
        200);
    CHECK(house_has(&desk.house, "\"status\":\"cancelled\""));
    CHECK_INT(ask(&desk, "DELETE", path("/api/v1/pipelines/%s?force=true", id, ""), NULL), 200);
    CHECK(strstr(desk.house.out, "detail") == NULL);
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/%s", id, ""), NULL), 404);
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/runs/%s", run, ""), NULL), 200);
    house_close(&desk.house);
}

static void what_runs_need_besides_answers_too(void)
{
    struct desk desk;
    char id[64], run[64], step[64];
    if (!desk_open(&desk))
        return;
    CHECK(make_run(&desk, id, run, sizeof(id)));
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/runs/%s/jobs", run, ""), NULL), 200);
    CHECK(house_has(&desk.house, "\"detail\":{\"list\":[{\"jobId\":"));
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/runs/%s/steps", run, ""), NULL), 200);
    CHECK(house_has(&desk.house, "\"detail\":{\"list\":[{\"stepRunId\":"));
    CHECK(house_field(&desk.house, "stepRunId", 0, step, sizeof(step)));
    CHECK_INT(ask(&desk, "GET", path("/api/v1/step-runs/%s", step, ""), NULL), 200);
    CHECK(house_has(&desk.house, "\"args\":{\"run\":\"make\"}"));
    CHECK_INT(ask(&desk, "GET", path("/api/v1/step-runs/%s/logs?from=1&limit=10", step, ""), NULL),
              200);
    CHECK(house_has(&desk.house, "\"detail\":{\"list\":[],\"totalLines\":0}"));
    desk.accept = "text/plain";
    CHECK_INT(ask(&desk, "GET", path("/api/v1/step-runs/%s/logs", step, ""), NULL), 200);
    CHECK_TEXT(arc__slice_cstr(desk.content_type), "text/plain; charset=utf-8");
    CHECK_TEXT(arc__slice_cstr(desk.house.out), "");
    CHECK_INT(ask(&desk, "GET", "/api/v1/step-runs/none/logs", NULL), 404);
    CHECK_TEXT(arc__slice_cstr(desk.content_type), "application/json");
    desk.accept = NULL;
    CHECK_INT(ask(&desk, "POST", "/api/v1/registration-tokens", ""), 200);
    CHECK(house_has(&desk.house, "\"token\":\"art_"));
    CHECK(house_has(&desk.house, "\"tokenId\":"));
    CHECK_INT(ask(&desk, "GET", "/api/v1/agents", NULL), 200);
    CHECK(house_has(&desk.house, "\"detail\":{\"list\":[],\"total\":0"));
    CHECK_INT(ask(&desk, "POST", "/api/v1/validate", "{\"text\":\"jobs: [\"}"), 400);
    CHECK(house_has(&desk.house, "\"details\":{\"errors\":"));
    CHECK(house_has(&desk.house, "\"line\":"));
    house_close(&desk.house);
}

static void definitions_are_refused_with_their_findings(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    CHECK_INT(ask(&desk, "POST", "/api/v1/pipelines",
                  "{\"name\":\"x\",\"spec\":{\"namespace\":\"n\",\"version\":\"v1\",\"jobs\":[{"
                  "\"name\":\"a\",\"dependsOn\":[\"b\"],\"steps\":[{\"name\":\"s\",\"uses\":"
                  "\"shell\"}]}]}}"),
              400);
    CHECK(house_has(&desk.house, "\"code\":\"ARC"));
    CHECK(house_has(&desk.house, "jobs[0].dependsOn"));
    CHECK_INT(ask(&desk, "GET", "/api/v1/pipelines", NULL), 200);
    CHECK(house_has(&desk.house, "\"total\":0"));
    CHECK_INT(ask(&desk, "POST", "/api/v1/pipelines/x/spec/save", "{\"content\":\"jobs: []\"}"),
              400);
    CHECK(house_has(&desk.house, "removed"));
    house_close(&desk.house);
}

static void a_get_can_be_asked_for_again(void)
{
    struct desk desk;
    char id[64], run[64], etag[80];
    if (!desk_open(&desk))
        return;
    CHECK(make_run(&desk, id, run, sizeof(id)));
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/%s", id, ""), NULL), 200);
    const char *at = strstr(desk.headers, "ETag: ");
    CHECK(at != NULL);
    if (at != NULL)
        (void)snprintf(etag, sizeof(etag), "%.34s", at + 6);
    desk.if_none_match = etag;
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/%s", id, ""), NULL), 304);
    CHECK_TEXT(arc__slice_cstr(desk.house.out), "");
    CHECK(header_has(&desk, "ETag: "));
    CHECK_INT(ask(&desk, "PUT", path("/api/v1/pipelines/%s", id, ""), "{\"name\":\"other\"}"), 200);
    CHECK_INT(ask(&desk, "GET", path("/api/v1/pipelines/%s", id, ""), NULL), 200);
    house_close(&desk.house);
}

static void a_request_id_is_echoed_or_made(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    desk.request_id = "abc-1";
    CHECK_INT(ask(&desk, "GET", "/health", NULL), 200);
    CHECK(header_has(&desk, "X-Request-Id: abc-1\r\n"));
    desk.request_id = "bad\r\nSet-Cookie: x";
    CHECK_INT(ask(&desk, "GET", "/health", NULL), 200);
    CHECK(strstr(desk.headers, "Set-Cookie") == NULL);
    CHECK(header_has(&desk, "X-Request-Id: 01"));
    house_close(&desk.house);
}

static void a_body_may_not_contradict_the_path(void)
{
    struct desk desk;
    char id[64], run[64];
    if (!desk_open(&desk))
        return;
    CHECK(make_run(&desk, id, run, sizeof(id)));
    CHECK_INT(ask(&desk, "PUT", path("/api/v1/pipelines/%s", id, ""),
                  "{\"pipelineId\":\"another\",\"name\":\"x\"}"),
              400);
    CHECK_INT(ask(&desk, "POST", path("/api/v1/pipelines/%s/runs/%s/stop", "another", run), "{}"),
              404);
    house_close(&desk.house);
}

static void a_put_may_send_what_cannot_change(void)
{
    struct desk desk;
    char id[64], run[64];
    if (!desk_open(&desk))
        return;
    CHECK(make_run(&desk, id, run, sizeof(id)));
    const struct {
        const char *body;
        int status;
        const char *has;
    } rows[] = {
        {"{\"projectId\":\"proj any text\"}", 200, "\"name\":\"build-main\""},
        {"{\"project_id\" : \"proj any text\" , \"name\":\"n2\"}", 200, "\"name\":\"n2\""},
        {"{\"name\":\"n3\",\n\"createdBy\":\"root\"\n}", 200, "\"name\":\"n3\""},
        {"{\"name\":\"n4\",\"projectId\":\"proj any text\",\"createdBy\":\"root\",\"metadata\":{"
         "\"projectId\":\"x\"}}",
         200, "\"metadata\":{\"projectId\":\"x\"}"},
        {"{\"projectId\":\"elsewhere\"}", 400, "stays in its project"},
        {"{\"projectId\":\"\"}", 400, "stays in its project"},
        {"{\"createdBy\":\"eve\"}", 400, "does not change"},
        {"{\"projectId\":7}", 400, "projectId"},
        {"{\"projectId\":\"proj any text\",\n\n \"nope\":1}", 400, "\"line\":3"},
        {"{\"totalRuns\":1}", 400, "totalRuns"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        CHECK_INT(ask(&desk, "PUT", path("/api/v1/pipelines/%s", id, ""), rows[i].body),
                  rows[i].status);
        CHECK(house_has(&desk.house, rows[i].has));
    }
    house_close(&desk.house);
}

static void store_away(void *user, const struct arc_store_batch *batch,
                       const struct arc_query *query, struct arc_store_fault *fault)
{
    (void)user, (void)batch, (void)query;
    *fault = (struct arc_store_fault){ARC_STORE_FAULT_FAIL, ARC_EUNAVAILABLE, 0};
}

static void a_store_that_is_away_is_a_503(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    arc__store_mem_set_fault(desk.house.store, store_away, NULL);
    CHECK_INT(ask(&desk, "GET", "/api/v1/pipelines", NULL), 503);
    CHECK(header_has(&desk, "Retry-After: 1\r\n"));
    CHECK_INT(ask(&desk, "POST", "/api/v1/pipelines", "{\"name\":\"x\"}"), 503);
    arc__store_mem_set_fault(desk.house.store, NULL, NULL);
    CHECK_INT(ask(&desk, "GET", "/api/v1/pipelines", NULL), 200);
    CHECK(house_has(&desk.house, "\"total\":0"));
    house_close(&desk.house);
}

static void hold_long(void *user, const struct arc_store_batch *batch,
                      const struct arc_query *query, struct arc_store_fault *fault)
{
    (void)user, (void)batch, (void)query;
    fault->held_rounds = 1000000;
}

static void an_answer_that_takes_too_long_is_a_504(void)
{
    struct desk desk;
    struct arc_http *http = NULL;
    arc_http_response response = ARC_HTTP_RESPONSE_INIT;
    char authorization[160];
    if (!desk_open(&desk))
        return;
    (void)snprintf(authorization, sizeof(authorization), "Bearer %s", desk.admin);
    const arc_http_request request = {.size = sizeof(request),
                                      .method = "GET",
                                      .target = "/api/v1/pipelines",
                                      .authorization = authorization};
    arc__store_mem_set_fault(desk.house.store, hold_long, NULL);
    CHECK_OK(arc__http_open(desk.house.command, desk.house.now, &request, &http, NULL));
    CHECK_STATUS(arc__http_get_response(http, &response), ARC_EAGAIN);
    desk.house.now.mono_ns += UINT64_C(61000000000);
    arc__command_tick(desk.house.command, desk.house.now);
    CHECK_OK(arc__http_get_response(http, &response));
    CHECK_INT(response.status, 504);
    arc__http_close(http);
    house_close(&desk.house);
}

/* Every allocation of a few requests fails once. */
static void memory_may_fail_anywhere(void)
{
    uint64_t n = 1;
    for (;; n++) {
        struct desk desk;
        arc_http_response response = ARC_HTTP_RESPONSE_INIT;
        char authorization[160];
        if (!desk_open(&desk))
            return;
        (void)snprintf(authorization, sizeof(authorization), "Bearer %s", desk.admin);
        desk.house.state.calls = 0;
        desk.house.state.fail_at = n;
        static const char *const rows[][3] = {
            {"POST", "/api/v1/pipelines", "{\"name\":\"x\",\"spec\":" SPEC "}"},
            {"GET", "/api/v1/pipelines?name=x", NULL},
            {"GET", "/api/v1/nothing", NULL},
            {"GET", "/ready", NULL},
        };
        for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
            struct arc_http *http = NULL;
            const arc_http_request request = {.size = sizeof(request),
                                              .method = rows[i][0],
                                              .target = rows[i][1],
                                              .authorization = authorization,
                                              .content_type = "application/json",
                                              .body = rows[i][2],
                                              .body_len =
                                                  rows[i][2] != NULL ? strlen(rows[i][2]) : 0};
            if (arc__http_open(desk.house.command, desk.house.now, &request, &http, NULL) !=
                ARC_OK) {
                CHECK(http == NULL);
                continue;
            }
            house_turn(&desk.house);
            arc_status status = arc__http_get_response(http, &response);
            CHECK(status == ARC_OK || status == ARC_ENOMEM || status == ARC_EAGAIN);
            arc__http_close(http);
        }
        uint64_t calls = desk.house.state.calls;
        desk.house.state.fail_at = 0;
        house_close(&desk.house);
        if (calls < n || n > 100000)
            break;
    }
    /* A sanitized arena takes one allocation a piece, a plain one a block for many. */
#ifdef ARC_SANITIZED
    CHECK(n > 100);
#else
    CHECK(n > 10);
#endif
}

static const struct test tests[] = {
    {"exactly the exempt paths need no token", exempt_paths_need_no_token},
    {"every refusal is an envelope with its number", errors_are_envelopes},
    {"a token without the scope is forbidden", scopes_are_forbidden_not_hidden},
    {"the fourteen endpoints of pipelines answer", the_fourteen_endpoints_answer},
    {"jobs, steps, logs, tokens and agents answer", what_runs_need_besides_answers_too},
    {"a wrong definition is a 400 with its findings, and not stored",
     definitions_are_refused_with_their_findings},
    {"a get with the present etag is a 304", a_get_can_be_asked_for_again},
    {"a request id is echoed where it is one, else made", a_request_id_is_echoed_or_made},
    {"a body may not contradict the path", a_body_may_not_contradict_the_path},
    {"a PUT may send what cannot change, as it is", a_put_may_send_what_cannot_change},
    {"a store that is away is a 503 that may be tried again", a_store_that_is_away_is_a_503},
    {"an answer that takes too long is a 504", an_answer_that_takes_too_long_is_a_504},
    {"any allocation of a request may fail", memory_may_fail_anywhere},
};

TEST_MAIN(tests)
