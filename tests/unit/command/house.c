/* SPDX-License-Identifier: Apache-2.0 */
#include "command/house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/method.h"
#include "logs/mem.h"
#include "store/mem.h"

#define OUT_SIZE 262144u
static char out_text[OUT_SIZE], reply_text[OUT_SIZE], made_text[OUT_SIZE];

static int counted_random(void *user, void *buf, size_t len)
{
    struct house *house = user;
    for (size_t i = 0; i < len; i++) {
        house->random =
            house->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((uint8_t *)buf)[i] = (uint8_t)(house->random >> 56);
    }
    return 0;
}

arc_status house_build(struct house *house, uint64_t fail_at, int sticky)
{
    struct arc_log_store *logs = NULL;
    arc_err err = ARC_ERR_INIT;
    memset(house, 0, sizeof(*house));
    house->out = out_text;
    house->out[0] = '\0';
    house->state = (struct test_mem){.fail_at = fail_at, .sticky = sticky};
    house->mem = test_mem(&house->state);
    house->now = (struct arc_now){UINT64_C(5000000000), INT64_C(1700000000) * 1000000000};
    arc_status status = arc__store_mem_open(&house->mem, &house->store, &err);
    if (status == ARC_OK)
        status = arc__logs_mem_open(&house->mem, &logs, &err);
    const struct arc_engine_options options = {.mem = house->mem,
                                               .store = house->store,
                                               .logs = logs,
                                               .random = counted_random,
                                               .random_user = house,
                                               .rules = {.lease_ttl_ns = INT64_C(30000000000),
                                                         .stop_grace_ns = INT64_C(10000000000),
                                                         .stop_settle_ns = INT64_C(30000000000),
                                                         .lost_retries_max = 3,
                                                         .host_default = 0},
                                               .heartbeat_ns = INT64_C(10000000000),
                                               .runs_max = 100,
                                               .agents_approved = 1};
    if (status == ARC_OK)
        status = arc__engine_open(&options, house->now, &house->engine, &err);
    if (status != ARC_OK) {
        if (house->store != NULL)
            house->store->ops->close(house->store);
        if (logs != NULL)
            logs->ops->close(logs);
        return status;
    }
    return arc__command_open(house->engine, &house->command, &err);
}

int house_open(struct house *house)
{
    arc_status status = house_build(house, 0, 0);
    CHECK_OK(status);
    house_turn(house);
    return status == ARC_OK;
}

void house_close(struct house *house)
{
    arc__command_close(house->command);
    arc__engine_close(house->engine);
    CHECK_INT(house->state.live, 0);
}

int house_visit(struct house *house, struct arc_engine *engine, struct arc_now now)
{
    arc_err err = ARC_ERR_INIT;
    *house = (struct house){.engine = engine, .now = now, .out = out_text};
    house->out[0] = '\0';
    return CHECK_OK(arc__command_open(engine, &house->command, &err));
}

void house_leave(struct house *house)
{
    arc__command_close(house->command);
}

void house_turn(struct house *house)
{
    arc_err err = ARC_ERR_INIT;
    for (int i = 0; i < 1000; i++) {
        (void)arc__engine_dispatch(house->engine, house->now, 1000, &err);
        arc__command_tick(house->command, house->now);
        if (arc__engine_deadline(house->engine) > house->now.mono_ns &&
            arc__command_deadline(house->command) > house->now.mono_ns)
            return;
    }
}

void house_sleep(struct house *house, int64_t ms)
{
    house->now.mono_ns += (uint64_t)ms * 1000000u;
    house->now.wall_ns += ms * 1000000;
    house_turn(house);
}

struct arc_principal house_host(void)
{
    return (struct arc_principal){.kind = ARC_PRINCIPAL_HOST};
}

struct arc_principal house_user(uint32_t scopes, const char *project_id)
{
    struct arc_principal out = {.kind = ARC_PRINCIPAL_USER, .scopes = scopes, .name = "ada"};
    (void)arc__slice_to_cstr(arc__slice_cstr(project_id), out.project_id, sizeof(out.project_id));
    return out;
}

struct arc_principal house_agent(const char *agent_id)
{
    struct arc_principal out = {.kind = ARC_PRINCIPAL_AGENT};
    (void)arc__slice_to_cstr(arc__slice_cstr(agent_id), out.id, sizeof(out.id));
    return out;
}

static const struct arc_method *find(const char *name)
{
    size_t count = 0;
    const struct arc_method *table = arc__method_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].path, name) == 0 || strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

static void told(void *user, struct arc_call *call)
{
    struct house *house = user;
    (void)call;
    house->ready++;
}

struct arc_call *house_stream(struct house *house, struct arc_principal principal,
                              const char *method, const char *request, int half_close)
{
    struct arc_call_start start = {.method = find(method),
                                   .format = ARC_CALL_JSON,
                                   .principal = principal,
                                   .ready = told,
                                   .user = house};
    struct arc_call *call = NULL;
    house->err = (arc_err)ARC_ERR_INIT;
    if (start.method == NULL ||
        arc__call_open(house->command, &start, &call, &house->err) != ARC_OK)
        return NULL;
    if (request != NULL)
        (void)call->ops->send(call, arc__slice_cstr(request), &house->err);
    if (half_close)
        (void)call->ops->half_close(call, &house->err);
    return call;
}

arc_status house_next(struct house *house, struct arc_call *call)
{
    arc_slice out = ARC_NONE;
    arc_status status = call->ops->next(call, &out, NULL);
    if (status == ARC_EAGAIN) {
        house_turn(house);
        status = call->ops->next(call, &out, NULL);
    }
    house->out[0] = '\0';
    if (status == ARC_OK)
        (void)arc__slice_to_cstr(out, house->out, OUT_SIZE);
    return status;
}

arc_status house_call(struct house *house, struct arc_principal principal, const char *method,
                      const char *request)
{
    struct arc_call *call = house_stream(house, principal, method, request, 1);
    if (call == NULL)
        return ARC_ENOMEM;
    reply_text[0] = '\0';
    while (house_next(house, call) == ARC_OK)
        memcpy(reply_text, house->out, OUT_SIZE);
    memcpy(house->out, reply_text, OUT_SIZE);
    house->err = (arc_err)ARC_ERR_INIT;
    arc_status status = call->ops->status(call, &house->err);
    call->ops->close(call);
    return status;
}

int house_field(const struct house *house, const char *name, int n, char *value, size_t size)
{
    char key[80];
    const char *at = house->out;
    (void)snprintf(key, sizeof(key), "\"%s\":", name);
    value[0] = '\0';
    for (; (at = strstr(at, key)) != NULL; at += strlen(key)) {
        if (n-- == 0)
            break;
    }
    if (at == NULL)
        return 0;
    at += strlen(key);
    int quoted = *at == '"';
    at += quoted;
    size_t len = quoted ? strcspn(at, "\"") : strcspn(at, ",}]");
    (void)arc__slice_to_cstr(arc__slice(at, len), value, size);
    return 1;
}

const char *house_text(const char *format, const char *a, const char *b)
{
    size_t at = 0;
    for (; *format != '\0' && at + 1 < OUT_SIZE; format++) {
        if (format[0] != '%' || format[1] != 's') {
            made_text[at++] = *format;
            continue;
        }
        at += arc__slice_to_cstr(arc__slice_cstr(a), made_text + at, OUT_SIZE - at);
        a = b;
        format++;
    }
    made_text[at] = '\0';
    return made_text;
}

int house_has(const struct house *house, const char *text)
{
    if (strstr(house->out, text) != NULL)
        return 1;
    (void)fprintf(stderr, "# not there: %s\n# in: %.2000s\n", text, house->out);
    return 0;
}

int house_run(struct house *house, const char *spec, char *pipeline_id, char *run_id, size_t size)
{
    CHECK_OK(
        house_call(house, house_host(), "CreatePipeline",
                   house_text("{\"projectId\":\"p1\",\"name\":\"build\",\"spec\":%s}", spec, "")));
    if (!house_field(house, "pipelineId", 0, pipeline_id, size) || pipeline_id[0] == '\0') {
        CHECK(house_has(house, "\"success\":true"));
        return 0;
    }
    CHECK_OK(house_call(house, house_host(), "TriggerPipeline",
                        house_text("{\"pipelineId\":\"%s\"}", pipeline_id, "")));
    return house_field(house, "runId", 0, run_id, size) && run_id[0] != '\0';
}

int house_join(struct house *house, char *agent_id, char *token, size_t size)
{
    char secret[128], request[512];
    CHECK_OK(house_call(house, house_host(), "CreateRegistrationToken", "{}"));
    if (!house_field(house, "token", 0, secret, sizeof(secret)))
        return 0;
    (void)snprintf(
        request, sizeof(request),
        "{\"registrationToken\":\"%s\",\"agentName\":\"a1\",\"protocolLevel\":1,"
        "\"incarnation\":\"i1\",\"maxConcurrentStepRuns\":2,\"labels\":{\"os\":\"linux\"}}",
        secret);
    CHECK_OK(house_call(house, (struct arc_principal){0}, "Register", request));
    return house_field(house, "agentId", 0, agent_id, size) &&
           house_field(house, "authToken", 0, token, size) && agent_id[0] != '\0';
}
