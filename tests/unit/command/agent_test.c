/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent does, from joining to its last report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "command/house.h"

#define SPEC \
    "{\"namespace\":\"n\",\"version\":\"v1\",\"variables\":{\"who\":\"world\"},\"jobs\":[{" \
    "\"name\":\"build\",\"steps\":[{\"name\":\"one\",\"uses\":\"shell\",\"args\":{\"run\":" \
    "\"make\",\"n\":3},\"env\":{\"GREET\":\"hello ${{ variables.who }}\"},\"timeout\":\"90s\"},{" \
    "\"name\":\"two\",\"uses\":\"shell\",\"args\":{\"run\":\"true\"}}]}]}"
#define HEARTBEAT "{\"heartbeat\":{\"incarnation\":\"i1\",\"maxConcurrentStepRuns\":2}}"

struct desk {
    struct house house;
    char pipeline[64], run[64], agent[128], token[128];
    struct arc_call *channel;
    char step[64], fence[32], command[128];
};

/* A control plane with a run and an agent that is connected; the first step has been offered. */
static int desk_open_spec(struct desk *desk, const char *spec)
{
    memset(desk, 0, sizeof(*desk));
    if (!house_open(&desk->house))
        return 0;
    int ok = house_join(&desk->house, desk->agent, desk->token, sizeof(desk->agent)) &&
             house_run(&desk->house, spec, desk->pipeline, desk->run, sizeof(desk->run));
    CHECK(ok);
    desk->channel = house_stream(&desk->house, house_agent(desk->agent), "Connect", HEARTBEAT, 0);
    CHECK(desk->channel != NULL);
    return ok && desk->channel != NULL;
}

static int desk_open(struct desk *desk)
{
    return desk_open_spec(desk, SPEC);
}

static void desk_close(struct desk *desk)
{
    if (desk->channel != NULL)
        desk->channel->ops->close(desk->channel);
    house_close(&desk->house);
}

/* Takes messages until one holds text. */
static int until(struct desk *desk, const char *text)
{
    for (int i = 0; i < 20; i++) {
        if (house_next(&desk->house, desk->channel) != ARC_OK)
            return 0;
        if (strstr(desk->house.out, text) != NULL)
            return 1;
    }
    return 0;
}

static int offered(struct desk *desk)
{
    return until(desk, "\"taskDispatch\"") &&
           house_field(&desk->house, "stepRunId", 0, desk->step, sizeof(desk->step)) &&
           house_field(&desk->house, "fence", 0, desk->fence, sizeof(desk->fence)) &&
           house_field(&desk->house, "commandId", 0, desk->command, sizeof(desk->command));
}

static void say(struct desk *desk, const char *message)
{
    CHECK_OK(desk->channel->ops->send(desk->channel, arc__slice_cstr(message), NULL));
}

static arc_status report(struct desk *desk, const char *status, const char *fence)
{
    char request[512];
    (void)snprintf(request, sizeof(request),
                   "{\"stepRunId\":\"%s\",\"status\":\"%s\",\"attempt\":1,\"fence\":%s,"
                   "\"metrics\":{\"cpu\":\"1\"}}",
                   desk->step, status, fence);
    return house_call(&desk->house, house_agent(desk->agent), "ReportStepRunStatus", request);
}

static void a_registration_tells_its_terms(void)
{
    struct house house;
    char agent[128], token[128];
    struct arc_principal who;
    if (!house_open(&house))
        return;
    CHECK(house_join(&house, agent, token, sizeof(agent)));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK(house_has(&house, "\"heartbeatInterval\":10"));
    CHECK(house_has(&house, "\"leaseTtlMs\":30000"));
    CHECK(house_has(&house, "\"protocolLevel\":1"));
    CHECK(house_has(&house, "\"labels\":{\"os\":\"linux\"}"));
    CHECK(house_has(&house, "\"pendingApproval\":false"));
    CHECK_OK(arc__engine_authenticate(house.engine, arc__slice_cstr(token), &who, NULL));
    CHECK_INT(who.kind, ARC_PRINCIPAL_AGENT);
    CHECK_TEXT(arc__slice_cstr(who.id), agent);
    CHECK_OK(house_call(&house, house_user(ARC_SCOPE_READ, ""), "ListAgents", "{}"));
    CHECK(house_has(&house, agent));
    CHECK(house_has(&house, "\"approved\":true"));
    CHECK_STATUS(house_call(&house, (struct arc_principal){0}, "Register", "{}"),
                 ARC_EUNAUTHENTICATED);
    CHECK_STATUS(
        house_call(&house, (struct arc_principal){0}, "Register",
                   "{\"registrationToken\":\"art_0000000000000000000000000000000000000000\"}"),
        ARC_EUNAUTHENTICATED);
    house_close(&house);
}

static void an_agent_is_who_its_token_says(void)
{
    struct house house;
    char agent[128], token[128];
    if (!house_open(&house))
        return;
    CHECK(house_join(&house, agent, token, sizeof(agent)));
    const char *methods[] = {"Heartbeat", "Unregister", "ReportStepRunStatus"};
    for (size_t i = 0; i < ARC_COUNT_OF(methods); i++)
        CHECK_STATUS(
            house_call(&house, house_agent(agent), methods[i], "{\"agentId\":\"somebody-else\"}"),
            ARC_EDENIED);
    CHECK_OK(house_call(&house, house_agent(agent), "Heartbeat",
                        house_text("{\"agentId\":\"%s\",\"incarnation\":\"i1\",\"leases\":[{"
                                   "\"stepRunId\":\"gone\",\"attempt\":1,\"fence\":9}]}",
                                   agent, "")));
    CHECK(house_has(&house, "\"lost\":[{\"stepRunId\":\"gone\""));
    CHECK(house_has(&house, "\"nextHeartbeatMs\":10000"));
    CHECK_OK(house_call(&house, house_agent(agent), "Unregister", "{}"));
    CHECK_STATUS(house_call(&house, house_agent("nobody"), "Heartbeat", "{}"), ARC_ENOTFOUND);
    house_close(&house);
}

static void a_step_is_dispatched_with_all_it_needs(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    CHECK(until(&desk, "\"renewal\""));
    CHECK(house_has(&desk.house, "\"ttlMs\":30000"));
    CHECK(offered(&desk));
    const char *parts[] = {"\"stepName\":\"one\"",
                           "\"jobName\":\"build\"",
                           "\"uses\":\"shell\"",
                           "\"args\":{\"run\":\"make\",\"n\":3}",
                           "\"GREET\":\"hello world\"",
                           "\"timeout\":\"1m30s\"",
                           "\"attempt\":1",
                           "\"leaseTtlMs\":30000",
                           "\"when\":\"\"",
                           "\"runOnAgent\":true"};
    for (size_t i = 0; i < ARC_COUNT_OF(parts); i++)
        CHECK(house_has(&desk.house, parts[i]));
    CHECK(house_has(&desk.house, desk.run));
    CHECK(house_has(&desk.house, desk.pipeline));
    CHECK_STATUS(house_next(&desk.house, desk.channel), ARC_EAGAIN);
    desk_close(&desk);
}

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const char keeping[] =
    "{\"namespace\":\"n\",\"target\":{\"type\":\"vm\"},\"jobs\":[{\"name\":\"build\",\"steps\":[{"
    "\"name\":\"one\",\"uses\":\"shell\",\"args\":{\"run\":\"make\"},\"artifacts\":[{\"name\":"
    "\"out\",\"path\":\"dist/*\",\"destination\":\"s3://x/${{ run.number }}\",\"expire\":true,"
    "\"expireDays\":3}]}]}]}";

static void artifacts_are_told_to_agents_and_by_them(void)
{
    struct desk desk;
    if (!desk_open_spec(&desk, keeping))
        return;
    CHECK(offered(&desk));
    const char *parts[] = {"\"artifacts\":[{\"name\":\"out\",\"path\":\"dist/*\",",
                           "\"destination\":\"s3://x/1\"", "\"expireDays\":3",
                           "\"target\":\"{\\\"type\\\":\\\"vm\\\"}\""};
    for (size_t i = 0; i < ARC_COUNT_OF(parts); i++)
        CHECK(house_has(&desk.house, parts[i]));
    char request[512];
    (void)snprintf(request, sizeof(request),
                   "{\"stepRunId\":\"%s\",\"status\":\"success\",\"attempt\":1,\"fence\":%s,"
                   "\"artifacts\":[{\"name\":\"out\",\"path\":\"dist/a\",\"size\":7,"
                   "\"digest\":\"" DIGEST "\"}]}",
                   desk.step, desk.fence);
    CHECK_OK(house_call(&desk.house, house_agent(desk.agent), "ReportStepRunStatus", request));
    CHECK(house_has(&desk.house, "\"success\":true"));
    CHECK_OK(house_call(&desk.house, house_host(), "ListStepRunArtifacts",
                        house_text("{\"stepRunId\":\"%s\"}", desk.step, "")));
    CHECK(house_has(&desk.house, "\"name\":\"out\",\"path\":\"dist/a\""));
    CHECK(house_has(&desk.house, "\"size\":"));
    CHECK_OK(house_call(&desk.house, house_user(ARC_SCOPE_READ, "p2"), "ListStepRunArtifacts",
                        house_text("{\"stepRunId\":\"%s\"}", desk.step, "")));
    CHECK(house_has(&desk.house, "\"code\":404"));
    desk_close(&desk);
}

static void a_dispatch_comes_again_until_it_is_acknowledged(void)
{
    struct desk desk;
    char first[128];
    if (!desk_open(&desk))
        return;
    CHECK(offered(&desk));
    (void)snprintf(first, sizeof(first), "%s", desk.command);
    house_sleep(&desk.house, 6000);
    CHECK(offered(&desk));
    CHECK_TEXT(arc__slice_cstr(desk.command), first);
    say(&desk, house_text("{\"taskAck\":{\"commandId\":\"%s\",\"status\":\"ok\"}}", first, ""));
    house_sleep(&desk.house, 6000);
    CHECK_STATUS(house_next(&desk.house, desk.channel), ARC_EAGAIN);
    CHECK_STATUS(desk.channel->ops->send(
                     desk.channel, ARC_LIT("{\"taskAck\":{\"commandId\":\"nonsense\"}}"), NULL),
                 ARC_OK);
    CHECK_STATUS(desk.channel->ops->status(desk.channel, NULL), ARC_EINVAL);
    desk_close(&desk);
}

static void reports_move_the_run_to_its_end(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    for (int i = 0; i < 2; i++) {
        CHECK(offered(&desk));
        CHECK_OK(report(&desk, "running", desk.fence));
        CHECK_OK(report(&desk, "running", desk.fence));
        CHECK_OK(report(&desk, "success", desk.fence));
        CHECK(house_has(&desk.house, "\"success\":true"));
    }
    CHECK_OK(house_call(&desk.house, house_host(), "GetPipelineRun",
                        house_text("{\"runId\":\"%s\"}", desk.run, "")));
    CHECK(house_has(&desk.house, "\"status\":\"success\""));
    CHECK(house_has(&desk.house, "\"completedJobs\":1"));
    CHECK_OK(house_call(&desk.house, house_host(), "ListStepRuns",
                        house_text("{\"pipelineRunId\":\"%s\"}", desk.run, "")));
    CHECK(house_has(&desk.house, "\"total\":2"));
    CHECK(house_has(&desk.house, "\"metrics\":{\"cpu\":\"1\"}"));
    CHECK_OK(house_call(&desk.house, house_host(), "GetStepRun",
                        house_text("{\"stepRunId\":\"%s\"}", desk.step, "")));
    CHECK(house_has(&desk.house, "\"stepName\":\"two\""));
    CHECK(house_has(&desk.house, desk.agent));
    CHECK_OK(house_call(&desk.house, house_host(), "ListJobRuns",
                        house_text("{\"pipelineRunId\":\"%s\"}", desk.run, "")));
    CHECK(house_has(&desk.house, "\"statusWord\":\"success\""));
    desk_close(&desk);
}

static void a_stale_report_is_refused(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    CHECK(offered(&desk));
    CHECK_STATUS(report(&desk, "running", "999999"), ARC_EPRECONDITION);
    CHECK_STATUS(report(&desk, "running", "0"), ARC_EPRECONDITION);
    CHECK_STATUS(report(&desk, "skipped", desk.fence), ARC_EINVAL);
    CHECK_STATUS(report(&desk, "pending", desk.fence), ARC_EINVAL);
    CHECK_OK(report(&desk, "running", desk.fence));
    desk_close(&desk);
}

static void a_stale_message_in_the_channel_is_answered_by_a_cancel(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    CHECK(offered(&desk));
    say(&desk, house_text("{\"taskStatus\":{\"stepRunId\":\"%s\",\"status\":\"running\","
                          "\"attempt\":1,\"fence\":77}}",
                          desk.step, ""));
    CHECK(until(&desk, "\"taskCancel\""));
    CHECK(house_has(&desk.house, "\"fence\":77"));
    CHECK(house_has(&desk.house, desk.step));
    CHECK_STATUS(desk.channel->ops->status(desk.channel, NULL), ARC_EAGAIN);
    say(&desk, house_text("{\"taskStatus\":{\"stepRunId\":\"%s\",\"status\":\"running\","
                          "\"attempt\":1,\"fence\":%s}}",
                          desk.step, desk.fence));
    house_turn(&desk.house);
    CHECK_OK(house_call(&desk.house, house_host(), "GetPipelineRun",
                        house_text("{\"runId\":\"%s\"}", desk.run, "")));
    CHECK(house_has(&desk.house, "\"status\":\"running\""));
    desk_close(&desk);
}

static void a_stop_reaches_the_agent(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    CHECK(offered(&desk));
    CHECK_OK(report(&desk, "running", desk.fence));
    CHECK_OK(house_call(&desk.house, house_host(), "StopPipeline",
                        house_text("{\"pipelineId\":\"%s\",\"runId\":\"%s\",\"reason\":\"enough\"}",
                                   desk.pipeline, desk.run)));
    CHECK(until(&desk, "\"taskCancel\""));
    CHECK(house_has(&desk.house, "\"graceMs\":10000"));
    CHECK(house_has(&desk.house, "enough"));
    CHECK_OK(report(&desk, "cancelled", desk.fence));
    CHECK_OK(house_call(&desk.house, house_host(), "GetPipelineRun",
                        house_text("{\"runId\":\"%s\"}", desk.run, "")));
    CHECK(house_has(&desk.house, "\"status\":\"cancelled\""));
    desk_close(&desk);
}

static void a_newer_channel_ends_the_older_one(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    struct arc_call *newer =
        house_stream(&desk.house, house_agent(desk.agent), "Connect", HEARTBEAT, 0);
    house_turn(&desk.house);
    while (house_next(&desk.house, desk.channel) == ARC_OK)
        ;
    CHECK_STATUS(desk.channel->ops->status(desk.channel, NULL), ARC_ECONFLICT);
    desk.channel->ops->close(desk.channel);
    desk.channel = newer;
    CHECK(offered(&desk));
    CHECK_OK(newer->ops->half_close(newer, NULL));
    CHECK_STATUS(house_next(&desk.house, newer), ARC_EDONE);
    CHECK_OK(newer->ops->status(newer, NULL));
    desk_close(&desk);
}

/* --- lines --------------------------------------------------------------------------------------
 */

static struct arc_call *push(struct desk *desk, const char *method)
{
    return house_stream(&desk->house, house_agent(desk->agent), method, NULL, 0);
}

static arc_status push_end(struct desk *desk, struct arc_call *call)
{
    (void)call->ops->half_close(call, &desk->house.err);
    (void)house_next(&desk->house, call);
    arc_err err = ARC_ERR_INIT;
    char kept[2048];
    (void)snprintf(kept, sizeof(kept), "%.2000s", desk->house.out);
    while (call->ops->status(call, &err) == ARC_EAGAIN)
        (void)house_next(&desk->house, call);
    (void)snprintf(desk->house.out, sizeof(kept), "%s", kept);
    arc_status status = call->ops->status(call, &err);
    call->ops->close(call);
    return status;
}

static arc_status send_lines(struct desk *desk, struct arc_call *call, const char *fence,
                             const char *lines)
{
    char message[1024];
    struct arc_buf data;
    arc__buf_init(&data, &desk->house.mem, 4096);
    arc__base64_add(&data, arc__slice_cstr(lines), 1);
    (void)snprintf(message, sizeof(message),
                   "{\"batch\":{\"batchId\":\"b\",\"meta\":{\"stepId\":\"%s\",\"seq\":1,"
                   "\"attempt\":1,\"fence\":%s},\"data\":\"%.*s\",\"stream\":\"stderr\","
                   "\"firstLine\":1}}",
                   desk->step, fence, (int)data.len, data.ptr);
    arc__buf_deinit(&data);
    return call->ops->send(call, arc__slice_cstr(message), NULL);
}

static void lines_go_in_and_come_out(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    CHECK(offered(&desk));
    CHECK_OK(report(&desk, "running", desk.fence));
    struct arc_call *call = push(&desk, "PushLogs");
    CHECK_OK(send_lines(&desk, call, desk.fence, "first\nsecond\n"));
    CHECK_OK(push_end(&desk, call));
    CHECK(house_has(&desk.house, "\"status\":\"accepted\""));
    CHECK(house_has(&desk.house, "\"lastAcceptedSeq\":1"));
    CHECK(house_has(&desk.house, "\"expectedSeq\":2"));
    CHECK_OK(house_call(&desk.house, house_host(), "GetStepRunLogs",
                        house_text("{\"stepRunId\":\"%s\"}", desk.step, "")));
    CHECK(house_has(&desk.house, "\"content\":\"first\",\"stream\":\"stderr\""));
    CHECK(house_has(&desk.house, "\"lineNumber\":2"));
    CHECK(house_has(&desk.house, "\"totalLines\":2"));
    CHECK_OK(house_call(&desk.house, house_host(), "GetStepRunLogs",
                        house_text("{\"stepRunId\":\"%s\",\"tail\":1}", desk.step, "")));
    CHECK(strstr(desk.house.out, "first") == NULL);
    CHECK(house_has(&desk.house, "second"));
    CHECK_OK(house_call(&desk.house, house_host(), "GetStepRunLogs",
                        house_text("{\"stepRunId\":\"%s\",\"tail\":1,\"from\":1}", desk.step, "")));
    CHECK(house_has(&desk.house, "\"code\":400"));
    desk_close(&desk);
}

static void lines_of_others_are_refused(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    CHECK(offered(&desk));
    CHECK_OK(report(&desk, "running", desk.fence));
    struct arc_call *call = push(&desk, "PushLogs");
    CHECK_OK(send_lines(&desk, call, "4711", "evil\n"));
    CHECK_STATUS(push_end(&desk, call), ARC_EPRECONDITION);
    call = push(&desk, "PushLogs");
    CHECK_OK(send_lines(&desk, call, desk.fence, "good\n"));
    CHECK_OK(send_lines(&desk, call, "4711", "evil\n"));
    CHECK_OK(push_end(&desk, call));
    CHECK(house_has(&desk.house, "\"status\":\"partial_accepted\""));
    call = push(&desk, "PushLogs");
    CHECK_OK(call->ops->send(call, ARC_LIT("{\"handshake\":{\"agentId\":\"other\"}}"), NULL));
    CHECK_STATUS(push_end(&desk, call), ARC_EDENIED);
    call = push(&desk, "PushLogs");
    CHECK_OK(call->ops->send(call, ARC_LIT("{\"batch\":{\"data\":\"eAo=\"}}"), NULL));
    CHECK_STATUS(push_end(&desk, call), ARC_EINVAL);
    desk_close(&desk);
}

static void packed_lines_are_unpacked_or_refused_in_words(void)
{
    /* "one\ntwo\n" as gzip -n -9 makes it */
    static const char gzip[] = "H4sIAAAAAAACA8vPS+UqKc/nAgDmC7oSCAAAAA==";
    static const struct {
        const char *compression;
        int raw_size;
        const char *status, *says;
    } rows[] = {{"gzip", 8, "accepted", "\"rejectedSeqs\":[]"},
                {"gzip", 7, "rejected", "longer than raw_size"},
                {"gzip", 9, "rejected", "shorter than raw_size"},
                {"gzip", 0, "rejected", "longer than raw_size"},
                {"gzip", 1 << 21, "rejected", "at most 1 MiB"},
                {"zstd", 8, "rejected", "gzip or uncompressed"}};
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct desk desk;
        char batch[512];
        if (!desk_open(&desk))
            return;
        CHECK(offered(&desk));
        struct arc_call *call = push(&desk, "PushLogs");
        (void)snprintf(batch, sizeof(batch),
                       "{\"batch\":{\"compression\":\"%s\",\"data\":\"%s\",\"rawSize\":%d,"
                       "\"meta\":{\"stepId\":\"%s\",\"seq\":7,\"attempt\":1,\"fence\":%s}}}",
                       rows[i].compression, gzip, rows[i].raw_size, desk.step, desk.fence);
        CHECK_OK(call->ops->send(call, arc__slice_cstr(batch), NULL));
        CHECK_OK(push_end(&desk, call));
        CHECK(house_has(&desk.house, house_text("\"status\":\"%s\"", rows[i].status, "")));
        CHECK(house_has(&desk.house, rows[i].says));
        desk_close(&desk);
    }
}

static void a_long_stream_is_ended_with_its_acknowledgement(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    CHECK(offered(&desk));
    struct arc_call *call = push(&desk, "PushLogs");
    CHECK_OK(send_lines(&desk, call, desk.fence, "line\n"));
    house_sleep(&desk.house, 61000);
    CHECK_OK(house_next(&desk.house, call));
    CHECK(house_has(&desk.house, "\"status\":\"accepted\""));
    CHECK_OK(call->ops->status(call, NULL));
    CHECK_STATUS(call->ops->send(call, ARC_LIT("{}"), NULL), ARC_EDONE);
    call->ops->close(call);
    desk_close(&desk);
}

/* --- events -------------------------------------------------------------------------------------
 */

static arc_status send_event(struct arc_call *call, const char *id, int seq, const char *type)
{
    char message[512];
    (void)snprintf(message, sizeof(message),
                   "{\"batch\":{\"events\":[{\"eventId\":\"%s\",\"eventType\":\"%s\",\"meta\":{"
                   "\"seq\":%d},\"payload\":{\"a\":[1]}}]}}",
                   id, type, seq);
    return call->ops->send(call, arc__slice_cstr(message), NULL);
}

static void events_are_acknowledged_in_sequence(void)
{
    struct desk desk;
    char epoch[32];
    if (!desk_open(&desk))
        return;
    struct arc_call *call = push(&desk, "PushEvents");
    CHECK_OK(send_event(call, "e1", 1, "arcentra.step.started"));
    CHECK_STATUS(send_event(call, "e2", 2, "arcentra.step.started"), ARC_EAGAIN);
    house_turn(&desk.house);
    CHECK_OK(send_event(call, "e2", 2, "arcentra.step.started"));
    CHECK_OK(push_end(&desk, call));
    CHECK(house_has(&desk.house, "\"status\":\"accepted\""));
    CHECK(house_has(&desk.house, "\"lastAcceptedSeq\":2"));
    CHECK(house_has(&desk.house, "\"expectedSeq\":3"));
    CHECK(house_field(&desk.house, "epoch", 0, epoch, sizeof(epoch)));
    const char *hello = "{\"handshake\":{\"epoch\":%s}}";
    call = push(&desk, "PushEvents");
    CHECK_OK(call->ops->send(call, arc__slice_cstr(house_text(hello, epoch, "")), NULL));
    CHECK_OK(send_event(call, "e9", 9, "arcentra.step.started"));
    house_turn(&desk.house);
    CHECK_STATUS(send_event(call, "e3", 3, "arcentra.step.started"), ARC_EDONE);
    CHECK_OK(push_end(&desk, call));
    CHECK(house_has(&desk.house, "\"status\":\"out_of_order\""));
    CHECK(house_has(&desk.house, "\"expectedSeq\":3"));
    call = push(&desk, "PushEvents");
    CHECK_OK(call->ops->send(call, arc__slice_cstr(house_text(hello, epoch, "")), NULL));
    CHECK_OK(send_event(call, "e3", 3, "not a type"));
    house_turn(&desk.house);
    CHECK_OK(send_event(call, "e4", 4, "arcentra.step.started"));
    CHECK_OK(push_end(&desk, call));
    CHECK(house_has(&desk.house, "\"rejectedSeqs\":[3]"));
    CHECK(house_has(&desk.house, "\"lastAcceptedSeq\":4"));
    desk_close(&desk);
}

static void a_handshake_alone_tells_where_the_sequence_stands(void)
{
    struct desk desk;
    char epoch[32];
    if (!desk_open(&desk))
        return;
    struct arc_call *call = push(&desk, "PushEvents");
    CHECK_OK(send_event(call, "e1", 1, "arcentra.step.started"));
    CHECK_OK(push_end(&desk, call));
    CHECK(house_field(&desk.house, "epoch", 0, epoch, sizeof(epoch)));
    call = push(&desk, "PushEvents");
    CHECK_OK(call->ops->send(
        call, arc__slice_cstr(house_text("{\"handshake\":{\"epoch\":%s}}", epoch, "")), NULL));
    CHECK_OK(push_end(&desk, call));
    CHECK(house_has(&desk.house, "\"expectedSeq\":2"));
    desk_close(&desk);
}

static const struct test tests[] = {
    {"a registration tells its terms and opens the door", a_registration_tells_its_terms},
    {"an agent is who its token says, whatever the body says", an_agent_is_who_its_token_says},
    {"a step is dispatched with all that it needs", a_step_is_dispatched_with_all_it_needs},
    {"artifacts are told to agents, and by them", artifacts_are_told_to_agents_and_by_them},
    {"a dispatch comes again until it is acknowledged",
     a_dispatch_comes_again_until_it_is_acknowledged},
    {"reports move a run to its end", reports_move_the_run_to_its_end},
    {"a report under a stale fence is refused", a_stale_report_is_refused},
    {"a stale message in the channel is answered by a cancel",
     a_stale_message_in_the_channel_is_answered_by_a_cancel},
    {"a stop reaches the agent and its report ends the run", a_stop_reaches_the_agent},
    {"a newer channel ends the older one of an agent", a_newer_channel_ends_the_older_one},
    {"lines go in and come out by number", lines_go_in_and_come_out},
    {"lines for a step that one does not hold are refused", lines_of_others_are_refused},
    {"packed lines are unpacked, or refused in words",
     packed_lines_are_unpacked_or_refused_in_words},
    {"a long stream is ended with its acknowledgement",
     a_long_stream_is_ended_with_its_acknowledgement},
    {"events are acknowledged in sequence", events_are_acknowledged_in_sequence},
    {"a handshake alone tells where the sequence stands",
     a_handshake_alone_tells_where_the_sequence_stands},
};

TEST_MAIN(tests)
