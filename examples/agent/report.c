/* SPDX-License-Identifier: Apache-2.0 */
/* ReportStepRunStatus: running once, then one result, each told again until it is answered. The
 * result waits for the acknowledgement of the step's last line, but no longer than 10 s: then its
 * number of lines lets the server mark what is missing. */
#include "agent/agent.h"

#include <stdio.h>

#include "common/duration.h"

#define LOG_WAIT_NS (10 * NS_PER_S)

static void put_outputs(const struct outputs *outputs, struct json_out *json)
{
    if (outputs->count == 0)
        return;
    json_open(json, "outputs", '{');
    for (size_t i = 0; i < outputs->count; i++)
        json_put_text(json, outputs->names[i], outputs->values[i]);
    json_close(json, '}');
}

static void put_report(const struct agent *agent, const struct step *step, int status,
                       struct text *out)
{
    struct json_out json = {out, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "agentId", agent->id);
    json_put_text(&json, "stepRunId", step->id);
    json_put_text(&json, "status", arc_step_state_name(status));
    json_put_int(&json, "attempt", step->attempt);
    json_put_uint(&json, "fence", step->fence);
    json_put_int(&json, "startTime", step->start_wall_ns / NS_PER_S);
    json_put_int(&json, "startTimeNs", step->start_wall_ns);
    if (status != ARC_STEP_RUNNING) {
        json_put_int(&json, "exitCode", step->exit_code);
        json_put_text(&json, "errorMessage", step->message);
        json_put_int(&json, "endTime", step->end_wall_ns / NS_PER_S);
        json_put_int(&json, "endTimeNs", step->end_wall_ns);
        json_put_int(&json, "logLines", step->log.lines);
        put_outputs(&step->outputs, &json);
    }
    json_close(&json, '}');
}

static void retry_later(struct agent *agent, struct report *report)
{
    arc_call_close(report->call);
    report->call = NULL;
    /* Short waits: the client itself waits for the connection. */
    report->retry_ns = agent->now_ns + backoff_ns(report->tries < 3 ? report->tries : 3);
    report->tries++;
}

static void begin(struct agent *agent, struct step *step, struct report *report, int status)
{
    arc_err err = ARC_ERR_INIT;
    struct text text = {NULL, 0, 0};
    put_report(agent, step, status, &text);
    if (session_call(agent, "agent.v1.AgentService/ReportStepRunStatus", CALL_DEADLINE_MS,
                     &report->call, &err) != ARC_OK ||
        arc_call_send(report->call, text.ptr, text.len, &err) != ARC_OK ||
        arc_call_half_close(report->call, &err) != ARC_OK)
        retry_later(agent, report);
    text_deinit(&text);
}

/* 1: no use to tell it again. */
static int is_final(arc_status status)
{
    return status == ARC_EPRECONDITION || status == ARC_ENOTFOUND || status == ARC_EDENIED ||
           status == ARC_EINVAL || status == ARC_ECONFLICT;
}

static void listen(struct agent *agent, struct step *step, struct report *report)
{
    arc_err err = ARC_ERR_INIT;
    const char *bytes;
    size_t len;
    arc_status status = arc_call_next(report->call, &bytes, &len, &err);
    if (status == ARC_EAGAIN)
        return;
    if (status == ARC_OK) {
        const json_node *reply = json_parse(bytes, len, NULL, 0);
        if (!json_get_bool(reply, "success")) {
            snprintf(err.message, sizeof(err.message), "%s", json_get_text(reply, "message"));
            status = ARC_EPRECONDITION;
        }
        json_free(reply);
    } else {
        status = arc_call_status(report->call, &err);
    }
    if (status == ARC_OK) {
        arc_call_close(report->call);
        report->call = NULL;
        report->answered = 1;
    } else if (is_final(status)) {
        steps_forget(agent, step, err.message, 0);
    } else {
        retry_later(agent, report);
    }
}

static int64_t tell(struct agent *agent, struct step *step, struct report *report, int status)
{
    if (report->answered)
        return NEVER;
    if (report->call == NULL) {
        if (agent->now_ns < report->retry_ns)
            return report->retry_ns;
        begin(agent, step, report, status);
    }
    if (report->call != NULL)
        listen(agent, step, report);
    return report->call == NULL && !report->answered ? report->retry_ns : NEVER;
}

int64_t report_tick(struct agent *agent, struct step *step)
{
    if (agent->session.state != SESSION_CONNECT || step->stop == STOP_FORGET)
        return NEVER;
    if (step->running.wanted && !step->running.answered) {
        int64_t next = tell(agent, step, &step->running, ARC_STEP_RUNNING);
        if (!step->running.answered)
            return next;
    }
    if (step->phase != STEP_ENDED)
        return NEVER;
    int64_t patience = step->exited_ns + LOG_WAIT_NS;
    if (!step->ended.wanted) {
        if (step->log.held > 0 && agent->now_ns < patience)
            return patience;
        step->ended.wanted = 1;
    }
    int64_t next = tell(agent, step, &step->ended, step->status);
    if (step->ended.answered)
        step->phase = STEP_OVER;
    return next;
}

void report_close(struct step *step)
{
    arc_call_close(step->running.call);
    arc_call_close(step->ended.call);
    step->running.call = NULL;
    step->ended.call = NULL;
}
