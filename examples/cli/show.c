/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra show: one run, now or as of one of its events; from a server, or from the store of one
 * that does not run. */
#include <arcentra/runlog.h>
#include <arcentra/states.h>
#include <stdio.h>
#include <string.h>

#include "cli/draw.h"
#include "cli/eventlog.h"
#include "cli/follow.h"
#include "cli/remote.h"
#include "common/clock.h"
#include "common/duration.h"
#include "common/mem.h"

#define EVENTS_PAGE 1000

struct showing {
    struct remote remote;
    arc_runlog *log; /* NULL: the server is asked */
    const char *run_id;
    int64_t at;
    int events;
};

/* --- asking ---------------------------------------------------------------------------------- */

/* The answer to either question, from where it is to come; NULL: it has said why not. */
static const json_node *ask(struct showing *showing, const char *method, const char *key,
                            int64_t number, int64_t limit)
{
    struct text request = {NULL, 0, 0};
    struct json_out json = {&request, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "pipelineRunId", showing->run_id);
    json_put_int(&json, key, number);
    if (limit > 0)
        json_put_int(&json, "limit", limit);
    json_close(&json, '}');
    const json_node *reply = showing->remote.json
                                 ? remote_call_print(&showing->remote, method, &request)
                                 : remote_call(&showing->remote, method, &request);
    text_deinit(&request);
    return reply;
}

/* What the library has answered from a store. */
static const json_node *take(struct showing *showing, arc_status status, char *text,
                             const arc_err *err)
{
    char why[160] = "";
    if (status != ARC_OK) {
        cli_fail("%s", err->message);
        return NULL;
    }
    if (showing->remote.json)
        printf("%s\n", text);
    const json_node *reply = json_parse(text, strlen(text), why, sizeof(why));
    if (reply == NULL)
        cli_fail("The answer cannot be read: %s", why);
    arc_runlog_text_free(showing->log, text);
    return reply;
}

static const json_node *ask_run(struct showing *showing)
{
    char *text = NULL;
    arc_err err = ARC_ERR_INIT;
    if (showing->log == NULL)
        return ask(showing, "control.v1.ControlService/ShowPipelineRun", "at", showing->at, 0);
    arc_status status = arc_runlog_show(showing->log, showing->run_id, showing->at, &text, &err);
    return take(showing, status, text, &err);
}

static const json_node *ask_events(struct showing *showing, int64_t after)
{
    char *text = NULL;
    arc_err err = ARC_ERR_INIT;
    if (showing->log == NULL)
        return ask(showing, "control.v1.ControlService/ListPipelineRunEvents", "after", after,
                   EVENTS_PAGE);
    arc_status status =
        arc_runlog_events(showing->log, showing->run_id, after, EVENTS_PAGE, &text, &err);
    return take(showing, status, text, &err);
}

/* --- its events ------------------------------------------------------------------------------ */

/* "build/compile", "build", "" for the run itself. */
static void put_thing(struct text *out, const json_node *event)
{
    const char *step = json_get_text(event, "stepName"), *gate = json_get_text(event, "gate");
    text_put(out, json_get_text(event, "jobName"));
    if (step[0] != '\0')
        text_printf(out, "/%s", step);
    if (out->len == 0)
        text_put(out, gate);
}

static const char *why_of(const json_node *event)
{
    static const char *const keys[] = {"reason", "errorMessage", "comment"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (json_get_text(event, keys[i])[0] != '\0')
            return json_get_text(event, keys[i]);
    }
    return "";
}

/* Without "arcentra.", which all of them begin with. */
static const char *short_type(const json_node *event)
{
    const char *type = json_get_text(event, "type");
    return strncmp(type, "arcentra.", 9) == 0 ? type + 9 : type;
}

static void add_event(struct table *table, const json_node *event)
{
    struct text time = {NULL, 0, 0}, thing = {NULL, 0, 0};
    time_put(&time, json_get_int(event, "timeNs"));
    put_thing(&thing, event);
    table_add(table, json_get_text(event, "seq"));
    table_add(table, text_get(&time));
    table_add(table, short_type(event));
    table_add(table, text_get(&thing));
    table_add(table, json_get_text(event, "state"));
    table_add(table, json_get_text(event, "actor")[0] != '\0' ? json_get_text(event, "actor")
                                                              : json_get_text(event, "agentId"));
    table_add(table, why_of(event));
    text_deinit(&time);
    text_deinit(&thing);
}

static int show_events(struct showing *showing)
{
    static const char *const heads[] = {"SEQ", "TIME", "EVENT", "WHAT", "STATE", "BY", "WHY"};
    struct table table = {{NULL, 0, 0}, 7, 0};
    struct term term;
    int64_t after = 0, last = 1;
    int exit_code = EXIT_OK;
    term_init(&term, stdout);
    for (size_t k = 0; k < 7; k++)
        table_add(&table, heads[k]);
    while (exit_code == EXIT_OK && after < last) {
        const json_node *reply = ask_events(showing, after);
        const json_node *events = json_get(reply, "events");
        if (reply == NULL)
            exit_code = EXIT_FAILED;
        last = json_count(events) > 0 ? json_get_int(reply, "lastSeq") : after;
        for (size_t i = 0; i < json_count(events); i++) {
            after = json_get_int(json_at(events, i), "seq");
            add_event(&table, json_at(events, i));
        }
        json_free(reply);
    }
    if (exit_code == EXIT_OK && !showing->remote.json)
        table_print(&table, &term, "There is no event.");
    table_deinit(&table);
    return exit_code;
}

/* --- the run --------------------------------------------------------------------------------- */

static void print_event(const json_node *reply)
{
    const json_node *event = json_get(reply, "event");
    struct text line = {NULL, 0, 0}, thing = {NULL, 0, 0};
    put_thing(&thing, event);
    text_printf(&line, "As of event %s of %s, ", json_get_text(reply, "seq"),
                json_get_text(reply, "lastSeq"));
    time_put(&line, json_get_int(event, "timeNs"));
    text_printf(&line, ": %s%s%s%s%s", short_type(event), thing.len > 0 ? " " : "",
                text_get(&thing), why_of(event)[0] != '\0' ? ": " : "", why_of(event));
    printf("%s\n\n", text_get(&line));
    text_deinit(&line);
    text_deinit(&thing);
}

static int show_then(struct showing *showing)
{
    const json_node *reply = ask_run(showing);
    if (reply == NULL)
        return EXIT_FAILED;
    if (!showing->remote.json) {
        struct view view;
        view_init(&view, stdout, 0, "", showing->run_id);
        view.quiet = 1;
        follow_fill(&view, reply);
        print_event(reply);
        fflush(stdout);
        view_end(&view, json_get_int(json_get(reply, "event"), "timeNs"));
        view_deinit(&view);
    }
    json_free(reply);
    return EXIT_OK;
}

static int show_now(struct showing *showing)
{
    struct view view;
    view_init(&view, stdout, showing->remote.json, "", showing->run_id);
    view.quiet = 1;
    int exit_code = follow_refresh(&showing->remote, showing->run_id, &view);
    if (exit_code == 0)
        view_end(&view, clock_wall_ns());
    view_deinit(&view);
    return exit_code;
}

int cmd_show(const struct command *command, int argc, char **argv)
{
    struct showing showing = {.at = 0};
    struct arg table[3 + REMOTE_ARGS];
    struct arg_list rest = {NULL, 0, NULL};
    const char *store = NULL;
    int exit_code = 0;
    const struct arg own[] = {
        {"at", 0, ARG_NUMBER, NULL, "N", "As of its event number N.", &showing.at, 1, INT64_MAX},
        {"events", 0, ARG_SWITCH, NULL, NULL, "What has happened, event by event.", &showing.events,
         0, 0},
        STORE_ARG(&store),
    };
    memcpy(table, own, sizeof(own));
    size_t count = remote_args(&showing.remote, table, sizeof(own) / sizeof(own[0]));
    if (cli_parse(command, table, count, argc, argv, &rest, 1, 1, &exit_code) == 0) {
        showing.run_id = rest.items[0];
        exit_code =
            store != NULL ? eventlog_open(store, &showing.log) : remote_open(&showing.remote);
        if (exit_code == 0 && showing.events)
            exit_code = show_events(&showing);
        else if (exit_code == 0)
            exit_code =
                showing.log != NULL || showing.at != 0 ? show_then(&showing) : show_now(&showing);
    }
    arc_runlog_close(showing.log);
    remote_close(&showing.remote);
    arg_list_deinit(&rest);
    return exit_code;
}
