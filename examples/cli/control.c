/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra stop, pause, resume, cancel, rerun, approvals, approve, reject: what is asked of runs on
 * a server. */
#include <stdio.h>
#include <string.h>

#include "cli/draw.h"
#include "cli/follow.h"
#include "cli/remote.h"
#include "common/mem.h"

/* What a request of these commands may hold; a text that is NULL is left out. */
struct asked {
    const char *reason, *from, *request_id, *comment;
    int force, failed, follow;
};

struct field {
    const char *key, *text;
};

static void put_request(struct text *request, const struct field *fields, size_t count, int force)
{
    struct json_out json = {request, 0};
    json_open(&json, NULL, '{');
    for (size_t i = 0; i < count; i++) {
        if (fields[i].text != NULL)
            json_put_text(&json, fields[i].key, fields[i].text);
    }
    if (force)
        json_put_bool(&json, "force", 1);
    json_close(&json, '}');
}

/* Asks, and says done about subject when it was; the exit code. */
static int ask(struct remote *remote, const char *method, const struct text *request,
               const char *subject, const char *done)
{
    const json_node *reply = remote->json ? remote_call_print(remote, method, request)
                                          : remote_call(remote, method, request);
    if (reply != NULL && !remote->json)
        printf("%s %s.\n", subject, done);
    int exit_code = reply != NULL ? EXIT_OK : EXIT_FAILED;
    json_free(reply);
    return exit_code;
}

/* The flags of a command, then its words; run is called with what they said. */
static int control(const struct command *command, int argc, char **argv, const struct arg *own,
                   size_t own_count, size_t least, size_t most, const struct asked *asked,
                   int (*run)(struct remote *remote, const struct asked *asked,
                              const struct arg_list *rest))
{
    struct remote remote = {.server = NULL};
    struct arg table[6 + REMOTE_ARGS];
    struct arg_list rest = {NULL, 0, NULL};
    int exit_code = 0;
    if (own_count > 0)
        memcpy(table, own, own_count * sizeof(*own));
    size_t count = remote_args(&remote, table, own_count);
    if (cli_parse(command, table, count, argc, argv, &rest, least, most, &exit_code) == 0 &&
        (exit_code = remote_open(&remote)) == 0)
        exit_code = run(&remote, asked, &rest);
    remote_close(&remote);
    arg_list_deinit(&rest);
    return exit_code;
}

#define REASON(asked) \
    { \
        "reason", 'm', ARG_TEXT, NULL, "TEXT", "Why; it stands in the run.", &(asked).reason, 0, 0 \
    }
#define FORCE(asked) \
    { \
        "force", 0, ARG_SWITCH, NULL, NULL, "No grace and no `finally`.", &(asked).force, 0, 0 \
    }
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- stop, pause, resume --------------------------------------------------------------------- */

static int ask_run(struct remote *remote, const struct asked *asked, const struct arg_list *rest,
                   const char *method, const char *done)
{
    const struct field fields[] = {
        {"pipelineId", rest->items[0]}, {"runId", rest->items[1]}, {"reason", asked->reason}};
    struct text request = {NULL, 0, 0};
    put_request(&request, fields, COUNT_OF(fields), asked->force);
    int exit_code = ask(remote, method, &request, rest->items[1], done);
    text_deinit(&request);
    return exit_code;
}

static int stop(struct remote *remote, const struct asked *asked, const struct arg_list *rest)
{
    return ask_run(remote, asked, rest, "pipeline.v1.PipelineService/StopPipeline",
                   "is being stopped");
}

static int pause_run(struct remote *remote, const struct asked *asked, const struct arg_list *rest)
{
    return ask_run(remote, asked, rest, "pipeline.v1.PipelineService/PausePipeline", "is paused");
}

static int resume(struct remote *remote, const struct asked *asked, const struct arg_list *rest)
{
    return ask_run(remote, asked, rest, "pipeline.v1.PipelineService/ResumePipeline", "goes on");
}

int cmd_stop(const struct command *command, int argc, char **argv)
{
    struct asked asked = {.reason = NULL};
    const struct arg own[] = {REASON(asked), FORCE(asked)};
    return control(command, argc, argv, own, COUNT_OF(own), 2, 2, &asked, stop);
}

int cmd_pause(const struct command *command, int argc, char **argv)
{
    struct asked asked = {.reason = NULL};
    const struct arg own[] = {REASON(asked)};
    return control(command, argc, argv, own, COUNT_OF(own), 2, 2, &asked, pause_run);
}

int cmd_resume(const struct command *command, int argc, char **argv)
{
    struct asked asked = {.reason = NULL};
    const struct arg own[] = {REASON(asked)};
    return control(command, argc, argv, own, COUNT_OF(own), 2, 2, &asked, resume);
}

/* --- cancel ---------------------------------------------------------------------------------- */

/* The id of a job of a run; owned. NULL: there is none, and it has been said. */
static char *find_job(struct remote *remote, const char *run_id, const char *job)
{
    const struct field fields[] = {{"pipelineRunId", run_id}};
    struct text request = {NULL, 0, 0};
    char *id = NULL;
    put_request(&request, fields, COUNT_OF(fields), 0);
    const json_node *reply = remote_call(remote, "control.v1.ControlService/ListJobRuns", &request);
    const json_node *jobs = json_get(reply, "jobRuns");
    for (size_t i = 0; i < json_count(jobs) && id == NULL; i++) {
        if (strcmp(json_get_text(json_at(jobs, i), "jobName"), job) == 0)
            id = mem_copy(json_get_text(json_at(jobs, i), "jobId"));
    }
    if (reply != NULL && id == NULL)
        (void)cli_fail("The run has no job %s.", job);
    json_free(reply);
    text_deinit(&request);
    return id;
}

/* The same of the newest step run of this name. */
static char *find_step(struct remote *remote, const char *run_id, const char *job, const char *step)
{
    struct view view;
    char *id = NULL;
    view_init(&view, stdout, remote->json, "", run_id);
    view.quiet = 1;
    if (follow_refresh(remote, run_id, &view) == 0) {
        const char *found = view_step(view_job(&view, job), step)->id;
        if (found == NULL)
            (void)cli_fail("Job %s has no step %s.", job, step);
        else
            id = mem_copy(found);
    }
    view_deinit(&view);
    return id;
}

static int cancel(struct remote *remote, const struct asked *asked, const struct arg_list *rest)
{
    const char *step = rest->count > 2 ? rest->items[2] : NULL;
    struct text request = {NULL, 0, 0}, subject = {NULL, 0, 0};
    if (step == NULL && asked->force)
        return cli_fail("--force is for a step; a whole run is what `arcentra stop` stops.");
    char *id = step == NULL ? find_job(remote, rest->items[0], rest->items[1])
                            : find_step(remote, rest->items[0], rest->items[1], step);
    if (id == NULL)
        return EXIT_FAILED;
    const struct field fields[] = {{step != NULL ? "stepRunId" : "jobRunId", id},
                                   {"reason", asked->reason}};
    text_printf(&subject, "%s%s%s", rest->items[1], step != NULL ? "/" : "",
                step != NULL ? step : "");
    put_request(&request, fields, COUNT_OF(fields), asked->force);
    int exit_code = ask(remote,
                        step != NULL ? "steprun.v1.StepRunService/CancelStepRun"
                                     : "agent.v1.AgentService/CancelJobRun",
                        &request, text_get(&subject), "is being cancelled");
    text_deinit(&subject);
    text_deinit(&request);
    mem_free(id);
    return exit_code;
}

int cmd_cancel(const struct command *command, int argc, char **argv)
{
    struct asked asked = {.reason = NULL};
    const struct arg own[] = {
        REASON(asked),
        {"force", 0, ARG_SWITCH, NULL, NULL, "No grace; of a step.", &asked.force, 0, 0},
    };
    return control(command, argc, argv, own, COUNT_OF(own), 2, 3, &asked, cancel);
}

/* --- rerun ----------------------------------------------------------------------------------- */

static int rerun(struct remote *remote, const struct asked *asked, const struct arg_list *rest)
{
    static const char method[] = "control.v1.ControlService/RerunPipelineRun";
    struct text request = {NULL, 0, 0};
    struct json_out json = {&request, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "pipelineRunId", rest->items[0]);
    json_put_bool(&json, "failedOnly", asked->failed);
    json_put_text(&json, "fromJob", asked->from);
    json_put_text(&json, "requestId", asked->request_id);
    json_close(&json, '}');
    const json_node *reply = remote->json && !asked->follow
                                 ? remote_call_print(remote, method, &request)
                                 : remote_call(remote, method, &request);
    text_deinit(&request);
    if (reply == NULL)
        return EXIT_FAILED;
    char *run_id = mem_copy(json_get_text(reply, "pipelineRunId"));
    json_free(reply);
    if (!remote->json)
        printf("%s\n", run_id);
    fflush(stdout);
    int exit_code = asked->follow
                        ? follow_run(remote, run_id, FOLLOW_STATES | FOLLOW_LOGS | FOLLOW_LIVE)
                        : EXIT_OK;
    mem_free(run_id);
    return exit_code;
}

int cmd_rerun(const struct command *command, int argc, char **argv)
{
    struct asked asked = {.reason = NULL};
    const struct arg own[] = {
        {"failed", 0, ARG_SWITCH, NULL, NULL, "Only what failed, and what follows from it.",
         &asked.failed, 0, 0},
        {"from", 0, ARG_TEXT, NULL, "JOB", "Only from this job on.", &asked.from, 0, 0},
        {"request-id", 0, ARG_TEXT, NULL, "ID", "The same twice starts one run.", &asked.request_id,
         0, 0},
        {"follow", 'f', ARG_SWITCH, NULL, NULL, "Show it until it is over.", &asked.follow, 0, 0},
    };
    return control(command, argc, argv, own, COUNT_OF(own), 1, 1, &asked, rerun);
}

/* --- approvals ------------------------------------------------------------------------------- */

static void add_approval(struct table *table, const json_node *item)
{
    const json_node *who = json_get(item, "approvers"), *given = json_get(item, "approvedBy");
    struct text names = {NULL, 0, 0}, count = {NULL, 0, 0};
    for (size_t k = 0; k < json_count(who); k++)
        text_printf(&names, "%s%s", k > 0 ? ", " : "", json_text(json_at(who, k)));
    text_printf(&count, "%zu of %s", json_count(given), json_get_text(item, "count"));
    table_add(table, json_get_text(item, "approvalId"));
    table_add(table, json_get_text(item, "pipelineRunId"));
    table_add(table, json_get_text(item, "gate"));
    table_add(table, text_get(&count));
    table_add(table, names.len > 0 ? text_get(&names) : "anybody");
    text_deinit(&count);
    text_deinit(&names);
}

static void print_approvals(const json_node *reply)
{
    static const char *const heads[] = {"APPROVAL", "RUN", "GATE", "GIVEN", "BY"};
    const json_node *list = json_get(reply, "approvals");
    struct table table = {{NULL, 0, 0}, COUNT_OF(heads), 0};
    struct term term;
    term_init(&term, stdout);
    for (size_t k = 0; k < COUNT_OF(heads); k++)
        table_add(&table, heads[k]);
    for (size_t i = 0; i < json_count(list); i++)
        add_approval(&table, json_at(list, i));
    table_print(&table, &term, "Nothing waits for approval.");
    table_deinit(&table);
}

static int approvals(struct remote *remote, const struct asked *asked, const struct arg_list *rest)
{
    static const char method[] = "control.v1.ControlService/ListApprovals";
    const struct field fields[] = {{"pipelineRunId", rest->count > 0 ? rest->items[0] : NULL}};
    struct text request = {NULL, 0, 0};
    (void)asked;
    put_request(&request, fields, COUNT_OF(fields), 0);
    const json_node *reply = remote->json ? remote_call_print(remote, method, &request)
                                          : remote_call(remote, method, &request);
    if (reply != NULL && !remote->json)
        print_approvals(reply);
    int exit_code = reply != NULL ? EXIT_OK : EXIT_FAILED;
    json_free(reply);
    text_deinit(&request);
    return exit_code;
}

static int decide(struct remote *remote, const struct asked *asked, const struct arg_list *rest,
                  const char *method, const char *done)
{
    const struct field fields[] = {{"approvalId", rest->items[0]}, {"comment", asked->comment}};
    struct text request = {NULL, 0, 0};
    put_request(&request, fields, COUNT_OF(fields), 0);
    int exit_code = ask(remote, method, &request, rest->items[0], done);
    text_deinit(&request);
    return exit_code;
}

static int approve(struct remote *remote, const struct asked *asked, const struct arg_list *rest)
{
    return decide(remote, asked, rest, "control.v1.ControlService/ApproveGate", "is approved");
}

static int reject(struct remote *remote, const struct asked *asked, const struct arg_list *rest)
{
    return decide(remote, asked, rest, "control.v1.ControlService/RejectGate", "is rejected");
}

#define COMMENT(asked) \
    { \
        "comment", 'm', ARG_TEXT, NULL, "TEXT", "Kept with the decision.", &(asked).comment, 0, 0 \
    }

int cmd_approvals(const struct command *command, int argc, char **argv)
{
    struct asked asked = {.reason = NULL};
    return control(command, argc, argv, NULL, 0, 0, 1, &asked, approvals);
}

int cmd_approve(const struct command *command, int argc, char **argv)
{
    struct asked asked = {.reason = NULL};
    const struct arg own[] = {COMMENT(asked)};
    return control(command, argc, argv, own, COUNT_OF(own), 1, 1, &asked, approve);
}

int cmd_reject(const struct command *command, int argc, char **argv)
{
    struct asked asked = {.reason = NULL};
    const struct arg own[] = {COMMENT(asked)};
    return control(command, argc, argv, own, COUNT_OF(own), 1, 1, &asked, reject);
}
