/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra trigger, runs: runs on a server. */
#include <stdio.h>
#include <string.h>

#include "cli/draw.h"
#include "cli/follow.h"
#include "cli/remote.h"
#include "common/clock.h"
#include "common/duration.h"
#include "common/mem.h"

/* --- trigger --------------------------------------------------------------------------------- */

static int put_trigger(struct text *request, const char *pipeline_id,
                       const struct arg_list *variables, const char *request_id, const char *who)
{
    struct json_out json = {request, 0};
    struct pairs pairs;
    int failed = cli_read_pairs(variables, "--var", &pairs);
    json_open(&json, NULL, '{');
    json_put_text(&json, "pipelineId", pipeline_id);
    json_put_text(&json, "requestId", request_id);
    json_put_text(&json, "triggeredBy", who);
    json_open(&json, "variables", '{');
    for (size_t i = 0; i < pairs.count; i++)
        json_put_text(&json, pairs.items[i].key, pairs.items[i].value);
    json_close(&json, '}');
    json_close(&json, '}');
    cli_free_pairs(&pairs);
    return failed;
}

static int trigger(struct remote *remote, const struct text *request, int follow)
{
    static const char method[] = "pipeline.v1.PipelineService/TriggerPipeline";
    const json_node *reply = remote->json && !follow ? remote_call_print(remote, method, request)
                                                     : remote_call(remote, method, request);
    if (reply == NULL)
        return EXIT_FAILED;
    char *run_id = mem_copy(json_get_text(reply, "runId"));
    if (json_get_bool(reply, "duplicate"))
        fprintf(stderr, "This request was made before; it started %s.\n", run_id);
    if (!remote->json)
        printf("%s\n", run_id);
    fflush(stdout);
    json_free(reply);
    int exit_code =
        follow ? follow_run(remote, run_id, FOLLOW_STATES | FOLLOW_LOGS | FOLLOW_LIVE) : EXIT_OK;
    mem_free(run_id);
    return exit_code;
}

int cmd_trigger(const struct command *command, int argc, char **argv)
{
    struct remote remote = {.server = NULL};
    struct arg table[5 + REMOTE_ARGS];
    struct arg_list rest = {NULL, 0, NULL}, variables = {NULL, 0, NULL};
    const char *request_id = NULL, *who = NULL;
    struct text request = {NULL, 0, 0};
    int follow = 0, exit_code = 0;
    const struct arg own[] = {
        {"var", 'v', ARG_LIST, NULL, "NAME=VALUE", "A variable over the definition's.", &variables,
         0, 0},
        {"request-id", 0, ARG_TEXT, NULL, "ID", "The same twice starts one run.", &request_id, 0,
         0},
        {"as", 0, ARG_TEXT, NULL, "NAME", "Who triggers it, for people.", &who, 0, 0},
        {"follow", 'f', ARG_SWITCH, NULL, NULL, "Show it until it is over.", &follow, 0, 0},
    };
    memcpy(table, own, sizeof(own));
    size_t count = remote_args(&remote, table, sizeof(own) / sizeof(own[0]));
    if (cli_parse(command, table, count, argc, argv, &rest, 1, 1, &exit_code) == 0) {
        exit_code = put_trigger(&request, rest.items[0], &variables, request_id, who);
        if (exit_code == 0)
            exit_code = remote_open(&remote);
        if (exit_code == 0)
            exit_code = trigger(&remote, &request, follow);
        remote_close(&remote);
    }
    text_deinit(&request);
    arg_list_deinit(&variables);
    arg_list_deinit(&rest);
    return exit_code;
}

/* --- runs ------------------------------------------------------------------------------------ */

static void add_time(struct table *table, int64_t seconds)
{
    struct text text = {NULL, 0, 0};
    if (seconds > 0)
        time_put(&text, seconds * NS_PER_S);
    if (text.len > 5) {
        text.len -= 5; /* the milliseconds of a whole second */
        text.ptr[text.len] = '\0';
        text_put(&text, "Z");
    }
    table_add(table, text_get(&text));
    text_deinit(&text);
}

static void add_duration(struct table *table, int64_t ms)
{
    struct text text = {NULL, 0, 0};
    if (ms > 0)
        duration_put(&text, ms * NS_PER_MS);
    table_add(table, text_get(&text));
    text_deinit(&text);
}

static void print_runs(const json_node *reply)
{
    static const char *const heads[] = {"RUN",     "PIPELINE", "STATUS", "JOBS",
                                        "STARTED", "TIME",     "WHY"};
    const json_node *runs = json_get(reply, "runs");
    struct table table = {{NULL, 0, 0}, 7, 0};
    struct term term;
    term_init(&term, stdout);
    for (size_t k = 0; k < 7; k++)
        table_add(&table, heads[k]);
    for (size_t i = 0; i < json_count(runs); i++) {
        const json_node *run = json_at(runs, i);
        struct text jobs = {NULL, 0, 0};
        text_printf(&jobs, "%s/%s", json_get_text(run, "completedJobs"),
                    json_get_text(run, "totalJobs"));
        table_add(&table, json_get_text(run, "runId"));
        table_add(&table, json_get_text(run, "pipelineName"));
        table_add(&table, json_get_text(run, "status"));
        table_add(&table, text_get(&jobs));
        add_time(&table, json_get_int(run, "startTime"));
        add_duration(&table, json_get_int(run, "duration"));
        table_add(&table, json_get_text(run, "reason"));
        text_deinit(&jobs);
    }
    table_print(&table, &term, "There is no run.");
    table_deinit(&table);
}

int cmd_runs(const struct command *command, int argc, char **argv)
{
    struct remote remote = {.server = NULL};
    struct arg table[2 + REMOTE_ARGS];
    struct arg_list rest = {NULL, 0, NULL};
    const char *status = NULL;
    int64_t page = 1;
    int exit_code = 0;
    const struct arg own[] = {
        {"status", 0, ARG_TEXT, NULL, "WORD", "Only in this status.", &status, 0, 0},
        {"page", 0, ARG_NUMBER, NULL, "N", "Page, from 1.", &page, 1, 1000000},
    };
    memcpy(table, own, sizeof(own));
    size_t count = remote_args(&remote, table, sizeof(own) / sizeof(own[0]));
    if (cli_parse(command, table, count, argc, argv, &rest, 0, 1, &exit_code) == 0 &&
        (exit_code = remote_open(&remote)) == 0) {
        static const char method[] = "pipeline.v1.PipelineService/ListPipelineRuns";
        struct text request = {NULL, 0, 0};
        struct json_out json = {&request, 0};
        json_open(&json, NULL, '{');
        json_put_text(&json, "pipelineId", rest.count > 0 ? rest.items[0] : "");
        if (status != NULL)
            json_put_text(&json, "status", status);
        json_put_int(&json, "page", page);
        json_close(&json, '}');
        const json_node *reply = remote.json ? remote_call_print(&remote, method, &request)
                                             : remote_call(&remote, method, &request);
        if (reply != NULL && !remote.json)
            print_runs(reply);
        exit_code = reply != NULL ? EXIT_OK : EXIT_FAILED;
        json_free(reply);
        text_deinit(&request);
    }
    remote_close(&remote);
    arg_list_deinit(&rest);
    return exit_code;
}
