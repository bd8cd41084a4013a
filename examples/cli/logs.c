/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/logs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/follow.h"
#include "common/duration.h"
#include "common/mem.h"

#define REOPEN_NS NS_PER_S

void logs_init(struct logs *logs, struct remote *remote, int live, int64_t tail)
{
    *logs = (struct logs){.remote = remote, .live = live, .tail = tail};
}

void logs_want(struct logs *logs, const char *step_run_id, const char *job, const char *step)
{
    for (size_t i = 0; i < logs->count; i++) {
        if (strcmp(logs->streams[i].step_run_id, step_run_id) == 0)
            return;
    }
    logs->streams = mem_grow(logs->streams, (logs->count + 1) * sizeof(logs->streams[0]));
    logs->streams[logs->count++] = (struct log_stream){
        .step_run_id = mem_copy(step_run_id), .job = mem_copy(job), .step = mem_copy(step)};
}

static void put_request(const struct logs *logs, const struct log_stream *stream, struct text *out)
{
    struct json_out json = {out, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "stepRunId", stream->step_run_id);
    if (stream->next_line > 0)
        json_put_int(&json, "from", stream->next_line);
    else if (logs->tail > 0)
        json_put_int(&json, "tail", logs->tail);
    json_put_bool(&json, "follow", logs->live);
    json_close(&json, '}');
}

static void begin(struct logs *logs, struct log_stream *stream, int64_t now_ns)
{
    struct text request = {NULL, 0, 0};
    arc_err err = ARC_ERR_INIT;
    put_request(logs, stream, &request);
    stream->call =
        remote_stream(logs->remote, "control.v1.ControlService/StreamStepRunLogs", &request, &err);
    stream->reopen_ns = now_ns + REOPEN_NS;
    logs->open += stream->call != NULL;
    text_deinit(&request);
}

static void show(struct view *view, struct log_stream *stream, const json_node *entry)
{
    int64_t number = json_get_int(entry, "lineNumber"), gap = json_get_int(entry, "gapLines");
    const char *content = json_get_text(entry, "content");
    if (stream->next_line > number)
        return;
    stream->next_line = number + 1;
    if (gap > 0)
        view_gap(view, stream->job, stream->step, number, gap);
    else
        view_log(view, stream->job, stream->step, json_get_text(entry, "stream"), number, content,
                 strlen(content));
}

static void take(struct view *view, struct log_stream *stream, const char *bytes, size_t len)
{
    const json_node *message = json_parse(bytes, len, NULL, 0);
    const json_node *entries = json_get(message, "entries");
    for (size_t i = 0; i < json_count(entries); i++)
        show(view, stream, json_at(entries, i));
    stream->done |= json_get_bool(message, "ended");
    json_free(message);
}

static int may_come_again(arc_status status)
{
    return status == ARC_EUNAVAILABLE || status == ARC_EIO || status == ARC_EDEADLINE ||
           status == ARC_ECANCELLED || status == ARC_EPROTOCOL;
}

static void ended(struct logs *logs, struct view *view, struct log_stream *stream, int64_t now_ns)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc_call_status(stream->call, &err);
    arc_call_close(stream->call);
    stream->call = NULL;
    logs->open--;
    stream->reopen_ns = now_ns + REOPEN_NS;
    if (status == ARC_OK) {
        stream->done = 1;
    } else if (!may_come_again(status)) {
        view_say(view, "The log of %s cannot be read: %s%s", stream->step_run_id, err.message,
                 status == ARC_ENOTFOUND ? " (That of a whole run: --run RUN_ID.)" : "");
        stream->done = 1;
        logs->failed = 1;
    }
}

static void tick(struct logs *logs, struct view *view, struct log_stream *stream, int64_t now_ns)
{
    arc_err err = ARC_ERR_INIT;
    const char *bytes;
    size_t len;
    arc_status status = ARC_EAGAIN;
    if (stream->call == NULL && now_ns >= stream->reopen_ns && logs->open < LOGS_OPEN_MAX)
        begin(logs, stream, now_ns);
    while (stream->call != NULL &&
           (status = arc_call_next(stream->call, &bytes, &len, &err)) == ARC_OK)
        take(view, stream, bytes, len);
    if (stream->call != NULL && status != ARC_EAGAIN)
        ended(logs, view, stream, now_ns);
}

void logs_tick(struct logs *logs, struct view *view, int64_t now_ns)
{
    for (size_t i = 0; i < logs->count; i++) {
        if (!logs->streams[i].done || logs->streams[i].call != NULL)
            tick(logs, view, &logs->streams[i], now_ns);
    }
}

int logs_done(const struct logs *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        if (!logs->streams[i].done)
            return 0;
    }
    return 1;
}

void logs_deinit(struct logs *logs)
{
    for (size_t i = 0; i < logs->count; i++) {
        struct log_stream *stream = &logs->streams[i];
        arc_call_close(stream->call);
        mem_free(stream->step_run_id);
        mem_free(stream->job);
        mem_free(stream->step);
    }
    mem_free(logs->streams);
}

int cmd_logs(const struct command *command, int argc, char **argv)
{
    struct remote remote = {.server = NULL};
    struct arg table[4 + REMOTE_ARGS];
    struct arg_list rest = {NULL, 0, NULL};
    const char *run_id = NULL;
    int64_t tail = 0;
    int live = 0, exit_code = 0;
    const struct arg own[] = {
        {"follow", 'f', ARG_SWITCH, NULL, NULL, "Go on until the end.", &live, 0, 0},
        {"run", 0, ARG_TEXT, NULL, "RUN_ID", "All steps of a run.", &run_id, 0, 0},
        {"tail", 0, ARG_NUMBER, NULL, "N", "Only the last lines of what is there.", &tail, 1,
         1000000},
    };
    memcpy(table, own, sizeof(own));
    size_t count = remote_args(&remote, table, sizeof(own) / sizeof(own[0]));
    if (cli_parse(command, table, count, argc, argv, &rest, 0, 1, &exit_code) != 0) {
        arg_list_deinit(&rest);
        return exit_code;
    }
    if ((run_id != NULL) == (rest.count == 1)) {
        cli_fail("Give a step run's id, or --run and a run's id.");
        exit_code = EXIT_USAGE;
    } else {
        exit_code = remote_open(&remote);
        if (exit_code == 0 && run_id != NULL)
            exit_code = follow_run(&remote, run_id, FOLLOW_LOGS | (live ? FOLLOW_LIVE : 0u));
        else if (exit_code == 0)
            exit_code = follow_step(&remote, rest.items[0], live, tail);
        remote_close(&remote);
    }
    arg_list_deinit(&rest);
    return exit_code;
}
