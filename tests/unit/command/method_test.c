/* SPDX-License-Identifier: Apache-2.0 */
/* The method table against the contract, and the routes. */
#include <stdio.h>
#include <string.h>

#include "codec/codec.h"
#include "command/house.h"
#include "command/method.h"
#include "messages.h"

struct rpc {
    const char *service, *method;
    const ProtobufCMessageDescriptor *request, *reply;
    int client_streams, server_streams;
};

#define RPC(service, method, request, reply, client, server) \
    {service, method, &request, &reply, client, server},
static const struct rpc rpcs[] = {
#include "rpc_table.def"
};

static void every_rpc_has_its_row(void)
{
    size_t count = 0;
    const struct arc_method *table = arc__method_table(&count);
    CHECK_INT(count, ARC_COUNT_OF(rpcs));
    for (size_t i = 0; i < ARC_COUNT_OF(rpcs); i++) {
        char path[128];
        int found = 0;
        (void)snprintf(path, sizeof(path), "%s/%s", rpcs[i].service, rpcs[i].method);
        for (size_t k = 0; k < count; k++) {
            if (strcmp(table[k].path, path) != 0)
                continue;
            found++;
            CHECK(table[k].request == rpcs[i].request);
            CHECK(table[k].reply == rpcs[i].reply);
            CHECK_INT(table[k].client_streams, rpcs[i].client_streams);
            CHECK_INT(table[k].server_streams, rpcs[i].server_streams);
            CHECK_TEXT(arc__slice_cstr(table[k].name), rpcs[i].method);
        }
        if (!CHECK_INT(found, 1))
            printf("# %s\n", path);
    }
}

static void every_row_says_who_may(void)
{
    size_t count = 0, offered = 0;
    const struct arc_method *table = arc__method_table(&count);
    for (size_t i = 0; i < count; i++) {
        const struct arc_principal nobody = {.kind = ARC_PRINCIPAL_NONE};
        const struct arc_principal idle = house_user(0, "");
        arc_status open = arc__method_allow(&table[i], &nobody, NULL);
        CHECK(table[i].need != ARC_NEED_REFUSED);
        CHECK_STATUS(open, table[i].need == ARC_NEED_REGISTER ? ARC_OK : ARC_EUNAUTHENTICATED);
        if (table[i].need != ARC_NEED_REGISTER)
            CHECK_STATUS(arc__method_allow(&table[i], &idle, NULL), ARC_EDENIED);
        offered += table[i].handler != NULL;
    }
    CHECK_INT(offered, 49);
}

/* The row of a test that forgot it. */
static void a_row_without_a_need_refuses_all_but_the_host(void)
{
    const struct arc_method row = {.path = "x/Y", .name = "Y"};
    const struct arc_principal all = house_user(0xffffffffu, ""), agent = house_agent("a");
    CHECK_STATUS(arc__method_allow(&row, &all, NULL), ARC_EDENIED);
    CHECK_STATUS(arc__method_allow(&row, &agent, NULL), ARC_EDENIED);
}

static void names_of_routes_are_fields_of_the_request(void)
{
    size_t count = 0;
    const struct arc_method *table = arc__method_table(&count);
    for (size_t i = 0; i < count; i++) {
        arc_slice rest = arc__slice_cstr(table[i].route);
        while (rest.len > 0) {
            arc_slice part = arc__slice_cut(rest, '/', &rest);
            if (part.len == 0 || part.ptr[0] != ':')
                continue;
            const ProtobufCFieldDescriptor *field =
                arc__pb_field(table[i].request, arc__slice_from(part, 1));
            CHECK(field != NULL && field->type == PROTOBUF_C_TYPE_STRING);
        }
        if (table[i].shown[0] != '\0')
            CHECK(protobuf_c_message_descriptor_get_field_by_name(table[i].reply, table[i].shown) !=
                  NULL);
        CHECK_INT(table[i].route[0] == '\0', table[i].verb[0] == '\0');
        if (table[i].route[0] != '\0')
            CHECK(!table[i].client_streams && !table[i].server_streams);
    }
}

static void scopes_are_what_counts(void)
{
    const struct {
        const char *method;
        uint32_t scopes;
        const char *project;
        arc_status want;
    } rows[] = {
        {"pipeline.v1.PipelineService/GetPipeline", ARC_SCOPE_READ, "", ARC_OK},
        {"pipeline.v1.PipelineService/GetPipeline", ARC_SCOPE_WRITE, "", ARC_EDENIED},
        {"pipeline.v1.PipelineService/TriggerPipeline", ARC_SCOPE_RUN, "", ARC_OK},
        {"pipeline.v1.PipelineService/TriggerPipeline", ARC_SCOPE_READ, "", ARC_EDENIED},
        {"pipeline.v1.PipelineService/SavePipelineSpec", ARC_SCOPE_ADMIN, "", ARC_OK},
        {"control.v1.ControlService/CreateApiToken", ARC_SCOPE_WRITE, "", ARC_EDENIED},
        {"control.v1.ControlService/CreateApiToken", ARC_SCOPE_ADMIN, "", ARC_OK},
        {"control.v1.ControlService/CreateApiToken", ARC_SCOPE_ADMIN, "p1", ARC_EDENIED},
        {"control.v1.ControlService/ListAgents", ARC_SCOPE_READ, "p1", ARC_EDENIED},
        {"agent.v1.AgentService/Heartbeat", ARC_SCOPE_ADMIN, "", ARC_EDENIED},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        const struct arc_method *method = arc__method_find(NULL, arc__slice_cstr(rows[i].method));
        const struct arc_principal user = house_user(rows[i].scopes, rows[i].project);
        CHECK(method != NULL);
        if (method != NULL)
            CHECK_STATUS(arc__method_allow(method, &user, NULL), rows[i].want);
    }
}

static void methods_are_found_with_and_without_a_slash(void)
{
    const struct arc_method *a =
        arc__method_find(NULL, ARC_LIT("/pipeline.v1.PipelineService/GetPipeline"));
    CHECK(a != NULL);
    CHECK(a == arc__method_find(NULL, ARC_LIT("pipeline.v1.PipelineService/GetPipeline")));
    CHECK(arc__method_find(NULL, ARC_LIT("")) == NULL);
    CHECK(arc__method_find(NULL, ARC_LIT("pipeline.v1.PipelineService/GetPipelin")) == NULL);
}

static void check_route(struct arc_arena *arena, const char *verb, const char *path,
                        const char *want, const char *key, const char *value)
{
    const struct arc_method *method = NULL;
    struct arc_kvs params = {NULL, 0};
    arc_slice allow = ARC_NONE;
    arc_err err = ARC_ERR_INIT;
    CHECK_OK(arc__method_route(NULL, arc__slice_cstr(verb), arc__slice_cstr(path), arena, &method,
                               &params, &allow, &err));
    if (method == NULL)
        return;
    CHECK_TEXT(arc__slice_cstr(method->name), want);
    if (key[0] != '\0')
        CHECK_TEXT(arc__kvs_get(&params, arc__slice_cstr(key)), value);
}

static void paths_find_their_methods(void)
{
    struct arc_arena arena;
    struct arc_mem mem = arc__mem_default();
    arc__arena_init(&arena, &mem, 65536);
    check_route(&arena, "POST", "/api/v1/pipelines", "CreatePipeline", "", "");
    check_route(&arena, "GET", "/api/v1/pipelines", "ListPipelines", "", "");
    check_route(&arena, "GET", "/api/v1/pipelines/x", "GetPipeline", "pipelineId", "x");
    check_route(&arena, "PUT", "/api/v1/pipelines/a%20b", "UpdatePipeline", "pipelineId", "a b");
    check_route(&arena, "GET", "/api/v1/pipelines/p/runs", "ListPipelineRuns", "pipelineId", "p");
    check_route(&arena, "GET", "/api/v1/pipelines/runs/r", "GetPipelineRun", "runId", "r");
    check_route(&arena, "GET", "/api/v1/pipelines/runs/r/jobs", "ListJobRuns", "pipelineRunId",
                "r");
    check_route(&arena, "POST", "/api/v1/pipelines/p/runs/r/stop", "StopPipeline", "runId", "r");
    check_route(&arena, "GET", "/api/v1/pipelines/p/spec", "GetPipelineSpec", "pipelineId", "p");
    check_route(&arena, "GET", "/api/v1/step-runs/s/logs", "GetStepRunLogs", "stepRunId", "s");
    arc__arena_deinit(&arena);
}

static void other_verbs_and_paths_are_told_apart(void)
{
    struct arc_arena arena;
    struct arc_mem mem = arc__mem_default();
    const struct arc_method *method = NULL;
    struct arc_kvs params = {NULL, 0};
    arc_slice allow = ARC_NONE;
    arc_err err = ARC_ERR_INIT;
    arc__arena_init(&arena, &mem, 65536);
    CHECK_STATUS(arc__method_route(NULL, ARC_LIT("PATCH"), ARC_LIT("/api/v1/pipelines"), &arena,
                                   &method, &params, &allow, &err),
                 ARC_ECONFLICT);
    CHECK_TEXT(allow, "POST, GET");
    const char *nowhere[] = {"/",
                             "/api/v1/pipeline",
                             "/api/v1/pipelines/",
                             "/api/v1/pipelines//spec",
                             "/api/v1/pipelines/p/spec/x",
                             ""};
    for (size_t i = 0; i < ARC_COUNT_OF(nowhere); i++)
        CHECK_STATUS(arc__method_route(NULL, ARC_LIT("GET"), arc__slice_cstr(nowhere[i]), &arena,
                                       &method, &params, &allow, &err),
                     ARC_ENOTFOUND);
    CHECK_STATUS(arc__method_route(NULL, ARC_LIT("GET"), ARC_LIT("/api/v1/pipelines/%zz"), &arena,
                                   &method, &params, &allow, &err),
                 ARC_EINVAL);
    CHECK_STATUS(arc__method_route(NULL, ARC_LIT("GET"), ARC_LIT("/api/v1/pipelines/%ff"), &arena,
                                   &method, &params, &allow, &err),
                 ARC_EINVAL);
    CHECK(method == NULL);
    arc__arena_deinit(&arena);
}

static const struct test tests[] = {
    {"every rpc of the contract has exactly one row", every_rpc_has_its_row},
    {"every row says who may call it", every_row_says_who_may},
    {"a row that says nothing refuses everybody", a_row_without_a_need_refuses_all_but_the_host},
    {"what routes name are fields of their messages", names_of_routes_are_fields_of_the_request},
    {"a token opens what its scopes and project say", scopes_are_what_counts},
    {"a method is found by its path", methods_are_found_with_and_without_a_slash},
    {"a verb and a path find their method", paths_find_their_methods},
    {"an unknown path is not a wrong verb", other_verbs_and_paths_are_told_apart},
};

TEST_MAIN(tests)
