/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra create, save, list: pipelines on a server. */
#include <stdio.h>
#include <string.h>

#include "cli/draw.h"
#include "cli/remote.h"

/* The definition as the server takes it: checked here first, so that the findings have lines. */
static int put_spec(struct json_out *json, const char *path)
{
    arc_spec *spec = NULL;
    arc_err err = ARC_ERR_INIT;
    char *text = NULL;
    int failed = cli_read_spec(path, 0, &spec);
    if (failed == 0 && arc_spec_copy_json(spec, &text, &err) != ARC_OK)
        failed = cli_fail("%s", err.message);
    if (failed == 0) {
        json_open(json, "spec", '{');
        json_put_text(json, "definitionJson", text);
        json_close(json, '}');
    }
    arc_text_free(text);
    arc_spec_unref(spec);
    return failed;
}

static int send(struct remote *remote, const char *method, const struct text *request,
                const char *shown_key)
{
    int failed = remote_open(remote);
    if (failed == 0) {
        const json_node *reply = remote->json ? remote_call_print(remote, method, request)
                                              : remote_call(remote, method, request);
        failed = reply != NULL ? 0 : EXIT_FAILED;
        if (reply != NULL && !remote->json)
            printf("%s\n", json_get_text(reply, shown_key));
        json_free(reply);
    }
    remote_close(remote);
    return failed;
}

int cmd_create(const struct command *command, int argc, char **argv)
{
    struct remote remote = {.server = NULL};
    struct arg table[4 + REMOTE_ARGS];
    struct arg_list rest = {NULL, 0, NULL};
    const char *project = "default", *name = NULL, *description = NULL;
    struct text request = {NULL, 0, 0};
    struct json_out json = {&request, 0};
    int exit_code = 0;
    const struct arg own[] = {
        {"project", 'p', ARG_TEXT, "ARCENTRA_PROJECT", "ID", "The project (default).", &project, 0,
         0},
        {"name", 'n', ARG_TEXT, NULL, "NAME", "The pipeline's name (the file's).", &name, 0, 0},
        {"description", 0, ARG_TEXT, NULL, "TEXT", "For people.", &description, 0, 0},
    };
    memcpy(table, own, sizeof(own));
    size_t count = remote_args(&remote, table, sizeof(own) / sizeof(own[0]));
    if (cli_parse(command, table, count, argc, argv, &rest, 1, 1, &exit_code) == 0) {
        const char *base = strrchr(rest.items[0], '/');
        base = base != NULL ? base + 1 : rest.items[0];
        json_open(&json, NULL, '{');
        json_put_text(&json, "projectId", project);
        if (name != NULL)
            json_put_text(&json, "name", name);
        else
            json_put_bytes(&json, "name", base, strcspn(base, "."));
        json_put_text(&json, "description", description);
        exit_code = put_spec(&json, rest.items[0]);
        json_close(&json, '}');
        if (exit_code == 0)
            exit_code =
                send(&remote, "pipeline.v1.PipelineService/CreatePipeline", &request, "pipelineId");
    }
    text_deinit(&request);
    arg_list_deinit(&rest);
    return exit_code;
}

int cmd_save(const struct command *command, int argc, char **argv)
{
    struct remote remote = {.server = NULL};
    struct arg table[4 + REMOTE_ARGS];
    struct arg_list rest = {NULL, 0, NULL};
    const char *message = NULL, *head = NULL, *request_id = NULL;
    struct text request = {NULL, 0, 0};
    struct json_out json = {&request, 0};
    int exit_code = 0;
    const struct arg own[] = {
        {"message", 'm', ARG_TEXT, NULL, "TEXT", "Why it changes.", &message, 0, 0},
        {"expect", 0, ARG_TEXT, NULL, "SHA", "Only over this head.", &head, 0, 0},
        {"request-id", 0, ARG_TEXT, NULL, "ID", "The same twice is done once.", &request_id, 0, 0},
    };
    memcpy(table, own, sizeof(own));
    size_t count = remote_args(&remote, table, sizeof(own) / sizeof(own[0]));
    if (cli_parse(command, table, count, argc, argv, &rest, 2, 2, &exit_code) == 0) {
        json_open(&json, NULL, '{');
        json_put_text(&json, "pipelineId", rest.items[0]);
        json_put_text(&json, "commitMessage", message);
        json_put_text(&json, "expectedHeadCommitSha", head);
        json_put_text(&json, "requestId", request_id);
        exit_code = put_spec(&json, rest.items[1]);
        json_close(&json, '}');
        if (exit_code == 0)
            exit_code = send(&remote, "pipeline.v1.PipelineService/SavePipelineSpec", &request,
                             "commitSha");
    }
    text_deinit(&request);
    arg_list_deinit(&rest);
    return exit_code;
}

static void print_pipelines(const json_node *reply)
{
    static const char *const heads[] = {"PIPELINE", "PROJECT", "NAME", "STATUS", "RUNS"};
    static const char *const keys[] = {"pipelineId", "projectId", "name", "status", "totalRuns"};
    const json_node *pipelines = json_get(reply, "pipelines");
    struct table table = {{NULL, 0, 0}, 5, 0};
    struct term term;
    term_init(&term, stdout);
    for (size_t k = 0; k < 5; k++)
        table_add(&table, heads[k]);
    for (size_t i = 0; i < json_count(pipelines); i++) {
        for (size_t k = 0; k < 5; k++)
            table_add(&table, json_get_text(json_at(pipelines, i), keys[k]));
    }
    table_print(&table, &term, "There is no pipeline.");
    if (json_get_int(reply, "total") > (int64_t)json_count(pipelines))
        printf("(%zu of %s; --page shows more)\n", json_count(pipelines),
               json_get_text(reply, "total"));
    table_deinit(&table);
}

int cmd_list(const struct command *command, int argc, char **argv)
{
    struct remote remote = {.server = NULL};
    struct arg table[4 + REMOTE_ARGS];
    struct arg_list rest = {NULL, 0, NULL};
    const char *project = NULL, *name = NULL;
    int64_t page = 1;
    int exit_code = 0;
    const struct arg own[] = {
        {"project", 'p', ARG_TEXT, "ARCENTRA_PROJECT", "ID", "Only of this project.", &project, 0,
         0},
        {"name", 'n', ARG_TEXT, NULL, "TEXT", "Only of this name.", &name, 0, 0},
        {"page", 0, ARG_NUMBER, NULL, "N", "Page, from 1.", &page, 1, 1000000},
    };
    memcpy(table, own, sizeof(own));
    size_t count = remote_args(&remote, table, sizeof(own) / sizeof(own[0]));
    if (cli_parse(command, table, count, argc, argv, &rest, 0, 0, &exit_code) == 0 &&
        (exit_code = remote_open(&remote)) == 0) {
        static const char method[] = "pipeline.v1.PipelineService/ListPipelines";
        struct text request = {NULL, 0, 0};
        struct json_out json = {&request, 0};
        json_open(&json, NULL, '{');
        json_put_text(&json, "projectId", project);
        json_put_text(&json, "name", name);
        json_put_int(&json, "page", page);
        json_put_int(&json, "pageSize", 100);
        json_close(&json, '}');
        const json_node *reply = remote.json ? remote_call_print(&remote, method, &request)
                                             : remote_call(&remote, method, &request);
        if (reply != NULL && !remote.json)
            print_pipelines(reply);
        exit_code = reply != NULL ? EXIT_OK : EXIT_FAILED;
        json_free(reply);
        text_deinit(&request);
        remote_close(&remote);
    }
    arg_list_deinit(&rest);
    return exit_code;
}
