/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra explain: why a run does not run, and what would be. */
#include <stdio.h>
#include <string.h>

#include "cli/remote.h"
#include "common/clock.h"
#include "common/duration.h"
#include "common/mem.h"

struct asked {
    const char *run_id; /* "": none */
    const char *labels; /* NULL: no agent is asked about */
    int64_t slots, step_ns;
    int end;
};

/* --- what is asked ---------------------------------------------------------------------------- */

/* "os=linux,arch=amd64" as a map; 0, or an exit code. */
static int put_labels(struct json_out *json, const char *labels)
{
    char *copy = mem_copy(labels), *rest = copy;
    struct arg_list list = {NULL, 0, NULL};
    struct pairs pairs;
    while (rest != NULL && *rest != '\0') {
        char *comma = strchr(rest, ',');
        if (comma != NULL)
            *comma = '\0';
        arg_list_add(&list, rest);
        rest = comma != NULL ? comma + 1 : NULL;
    }
    int failed = cli_read_pairs(&list, "--agent", &pairs);
    json_open(json, "labels", '{');
    for (size_t i = 0; i < pairs.count; i++)
        json_put_text(json, pairs.items[i].key, pairs.items[i].value);
    json_close(json, '}');
    cli_free_pairs(&pairs);
    arg_list_deinit(&list);
    mem_free(copy);
    return failed;
}

static int put_request(struct text *request, const struct asked *asked)
{
    struct json_out json = {request, 0};
    int failed = 0;
    json_open(&json, NULL, '{');
    json_put_text(&json, "pipelineRunId", asked->run_id);
    if (asked->labels != NULL) {
        json_put_bool(&json, "agent", 1);
        json_put_int(&json, "slots", asked->slots);
        failed = put_labels(&json, asked->labels);
    }
    if (asked->end)
        json_put_bool(&json, "end", 1);
    if (asked->step_ns > 0)
        json_put_int(&json, "stepMs", asked->step_ns / NS_PER_MS);
    json_close(&json, '}');
    return failed;
}

/* --- what is answered ------------------------------------------------------------------------- */

static void print_duration(int64_t ns)
{
    struct text text = {NULL, 0, 0};
    duration_put(&text, ns);
    fputs(text_get(&text), stdout);
    text_deinit(&text);
}

static void print_reasons(const json_node *reasons, const char *indent)
{
    int64_t now = clock_wall_ns();
    for (size_t i = 0; i < json_count(reasons); i++) {
        const json_node *reason = json_at(reasons, i);
        int64_t until = json_get_int(reason, "untilNs");
        printf("%s%s", indent, json_get_text(reason, "sentence"));
        if (until > now) {
            fputs(" It ends in ", stdout);
            print_duration((until - now) / NS_PER_MS * NS_PER_MS);
            fputs(".", stdout);
        }
        putchar('\n');
    }
}

/* A step that ended well, or waits for what is before it, is not worth a line. */
static int worth_a_line(const json_node *step)
{
    const json_node *reasons = json_get(step, "reasons");
    const char *kind = json_get_text(json_at(reasons, 0), "kind");
    return json_count(reasons) > 0 && strcmp(json_get_text(step, "status"), "success") != 0 &&
           strcmp(kind, "step") != 0 && strcmp(kind, "job") != 0;
}

static void print_why(const json_node *reply)
{
    const json_node *jobs = json_get(reply, "jobs");
    printf("run: %s\n", json_get_text(reply, "status"));
    print_reasons(json_get(reply, "reasons"), "  ");
    for (size_t j = 0; j < json_count(jobs); j++) {
        const json_node *job = json_at(jobs, j), *steps = json_get(job, "steps");
        printf("job %s: %s\n", json_get_text(job, "jobName"), json_get_text(job, "status"));
        print_reasons(json_get(job, "reasons"), "  ");
        for (size_t s = 0; s < json_count(steps); s++) {
            const json_node *step = json_at(steps, s);
            if (!worth_a_line(step))
                continue;
            printf("  step %s: %s\n", json_get_text(step, "stepName"),
                   json_get_text(step, "status"));
            print_reasons(json_get(step, "reasons"), "    ");
        }
    }
    if (json_get_int(reply, "leftOut") > 0)
        printf("and %lld more reasons\n", (long long)json_get_int(reply, "leftOut"));
}

static void print_agent(const json_node *reply)
{
    const json_node *jobs = json_get(reply, "jobs");
    if (json_count(jobs) == 0)
        puts("No job waits for an agent.");
    for (size_t i = 0; i < json_count(jobs); i++) {
        const json_node *job = json_at(jobs, i);
        int64_t place = json_get_int(job, "place");
        if (place > 0)
            printf("%lld. ", (long long)place);
        else
            fputs("not ", stdout);
        printf("%s of %s\n", json_get_text(job, "jobName"), json_get_text(job, "pipelineRunId"));
        print_reasons(json_get(job, "reasons"), "   ");
    }
}

static void print_end(const json_node *forecast)
{
    const json_node *path = json_get(forecast, "criticalPath");
    const json_node *assumed = json_get(forecast, "assumptions");
    int64_t left = json_get_int(forecast, "endNs") - clock_wall_ns();
    if (json_get_bool(forecast, "ends")) {
        printf("It would end: %s", json_get_text(forecast, "status"));
        if (left > 0) {
            fputs(", in ", stdout);
            print_duration(left / NS_PER_MS * NS_PER_MS);
        }
        puts(".");
    } else {
        puts(json_get_bool(forecast, "cut") ? "Its end is too far away to be seen."
                                            : "It would not end by itself.");
        print_reasons(json_get(forecast, "stuck"), "  ");
    }
    for (size_t i = 0; i < json_count(path); i++)
        printf("%s%s%s", i == 0 ? "The longest way there: " : ", ", json_text(json_at(path, i)),
               i + 1 == json_count(path) ? ".\n" : "");
    printf("%lld of %lld steps have a history, of %lld runs.\n",
           (long long)json_get_int(forecast, "stepsKnown"),
           (long long)json_get_int(forecast, "steps"),
           (long long)json_get_int(forecast, "historyRuns"));
    for (size_t i = 0; i < json_count(assumed); i++)
        printf("  %s\n", json_text(json_at(assumed, i)));
}

static int explain(struct remote *remote, const struct asked *asked)
{
    int what_if = asked->labels != NULL || asked->end;
    const char *method =
        what_if ? "control.v1.ControlService/WhatIf" : "control.v1.ControlService/ExplainRun";
    struct text request = {NULL, 0, 0};
    int exit_code = put_request(&request, asked);
    if (exit_code == 0)
        exit_code = remote_open(remote);
    if (exit_code == 0) {
        const json_node *reply = remote->json ? remote_call_print(remote, method, &request)
                                              : remote_call(remote, method, &request);
        exit_code = reply != NULL ? EXIT_OK : EXIT_FAILED;
        if (reply != NULL && !remote->json && !what_if)
            print_why(reply);
        if (reply != NULL && !remote->json && asked->labels != NULL)
            print_agent(reply);
        if (reply != NULL && !remote->json && asked->end)
            print_end(json_get(reply, "forecast"));
        json_free(reply);
    }
    text_deinit(&request);
    return exit_code;
}

int cmd_explain(const struct command *command, int argc, char **argv)
{
    struct remote remote = {.server = NULL};
    struct arg table[4 + REMOTE_ARGS];
    struct arg_list rest = {NULL, 0, NULL};
    struct asked asked = {.run_id = "", .slots = 1};
    int exit_code = 0;
    const struct arg own[] = {
        {"agent", 'a', ARG_TEXT, NULL, "LABELS",
         "What an agent with these labels (os=linux,…) would be given.", &asked.labels, 0, 0},
        {"slots", 0, ARG_NUMBER, NULL, "N", "Its slots [1].", &asked.slots, 1, 10000},
        {"end", 'e', ARG_SWITCH, NULL, NULL, "When the run would end.", &asked.end, 0, 0},
        {"step", 0, ARG_DURATION, NULL, "TIME", "The length of a step without a history [1m].",
         &asked.step_ns, 0, 0},
    };
    memcpy(table, own, sizeof(own));
    size_t count = remote_args(&remote, table, sizeof(own) / sizeof(own[0]));
    if (cli_parse(command, table, count, argc, argv, &rest, 0, 1, &exit_code) == 0) {
        if (rest.count > 0)
            asked.run_id = rest.items[0];
        if (rest.count == 0 && (asked.labels == NULL || asked.end)) {
            cli_fail("Say which run: arcentra %s", command->usage);
            exit_code = EXIT_USAGE;
        } else {
            exit_code = explain(&remote, &asked);
        }
    }
    remote_close(&remote);
    arg_list_deinit(&rest);
    return exit_code;
}
