/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: the present state first, then what changes, nothing missed and nothing twice. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "command/house.h"
#include "store/mem.h"

#define SPEC \
    "{\"namespace\":\"n\",\"version\":\"v1\",\"jobs\":[{\"name\":\"build\",\"steps\":[{" \
    "\"name\":\"one\",\"uses\":\"shell\",\"args\":{\"run\":\"make\"}},{\"name\":\"two\"," \
    "\"uses\":\"shell\",\"args\":{\"run\":\"true\"}}]}]}"

struct desk {
    struct house house;
    char pipeline[64], run[64], agent[128], token[128];
    struct arc_call *channel;
    char job[64], steps[2][64], fence[32];
};

static int desk_open(struct desk *desk)
{
    memset(desk, 0, sizeof(*desk));
    if (!house_open(&desk->house))
        return 0;
    int ok = house_join(&desk->house, desk->agent, desk->token, sizeof(desk->agent)) &&
             house_run(&desk->house, SPEC, desk->pipeline, desk->run, sizeof(desk->run));
    CHECK_OK(house_call(&desk->house, house_host(), "ListStepRuns",
                        house_text("{\"pipelineRunId\":\"%s\"}", desk->run, "")));
    ok = ok && house_field(&desk->house, "stepRunId", 0, desk->steps[0], sizeof(desk->steps[0])) &&
         house_field(&desk->house, "stepRunId", 1, desk->steps[1], sizeof(desk->steps[1])) &&
         house_field(&desk->house, "jobId", 0, desk->job, sizeof(desk->job));
    CHECK(ok);
    return ok;
}

static void desk_close(struct desk *desk)
{
    if (desk->channel != NULL)
        desk->channel->ops->close(desk->channel);
    house_close(&desk->house);
}

/* The agent takes the next step and reports it. */
static void step_goes(struct desk *desk, const char *status)
{
    char step[64], request[256];
    if (desk->channel == NULL)
        desk->channel = house_stream(&desk->house, house_agent(desk->agent), "Connect",
                                     "{\"heartbeat\":{\"incarnation\":\"i1\"}}", 0);
    if (strcmp(status, "running") == 0) {
        for (int i = 0; i < 20 && house_next(&desk->house, desk->channel) == ARC_OK; i++) {
            if (strstr(desk->house.out, "taskDispatch") != NULL)
                break;
        }
        CHECK(house_field(&desk->house, "fence", 0, desk->fence, sizeof(desk->fence)));
        CHECK(house_field(&desk->house, "stepRunId", 0, step, sizeof(step)));
        memcpy(desk->steps[0], step, sizeof(step));
    }
    (void)snprintf(request, sizeof(request),
                   "{\"stepRunId\":\"%s\",\"status\":\"%s\",\"attempt\":1,\"fence\":%s,"
                   "\"exitCode\":%d}",
                   desk->steps[0], status, desk->fence, strcmp(status, "failed") == 0 ? 3 : 0);
    CHECK_OK(house_call(&desk->house, house_agent(desk->agent), "ReportStepRunStatus", request));
}

static void lines(struct desk *desk, int first, int count)
{
    struct arc_buf text;
    arc__buf_init(&text, &desk->house.mem, 1u << 20);
    for (int i = 0; i < count; i++)
        arc__buf_printf(&text, "line %d\n", first + i);
    struct arc_log_batch batch = {.agent_id = arc__slice_cstr(desk->agent),
                                  .step_run_id = arc__slice_cstr(desk->steps[0]),
                                  .attempt = 1,
                                  .stream = ARC_LOG_STDOUT,
                                  .first_line = first,
                                  .time_ns = desk->house.now.wall_ns,
                                  .text = arc__buf_slice(&text)};
    CHECK(arc__slice_to_u64(arc__slice_cstr(desk->fence), &batch.fence));
    CHECK_OK(arc__engine_log_append(desk->house.engine, &batch, NULL));
    arc__buf_deinit(&text);
}

static int next_has(struct desk *desk, struct arc_call *call, const char *text)
{
    arc_status status = house_next(&desk->house, call);
    return CHECK_OK(status) && house_has(&desk->house, text);
}

static void steps_of_a_run_are_followed_to_its_end(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    struct arc_call *call =
        house_stream(&desk.house, house_user(ARC_SCOPE_READ, "p1"), "StreamStepRunStatus",
                     house_text("{\"pipelineRunId\":\"%s\"}", desk.run, ""), 1);
    for (int i = 0; i < 2; i++) {
        CHECK(next_has(&desk, call, "\"snapshot\":true"));
        CHECK(house_has(&desk.house, "\"status\":\"pending\""));
    }
    CHECK_STATUS(house_next(&desk.house, call), ARC_EAGAIN);
    int told = desk.house.ready;
    const char *states[] = {"queued", "running", "success"};
    for (int step = 0; step < 2; step++) {
        step_goes(&desk, "running");
        step_goes(&desk, "success");
        for (size_t i = 0; i < ARC_COUNT_OF(states); i++) {
            char want[64];
            (void)snprintf(want, sizeof(want), "\"status\":\"%s\",\"previousStatus\":\"%s\"",
                           states[i], i == 0 ? "pending" : states[i - 1]);
            CHECK(next_has(&desk, call, want));
            CHECK(house_has(&desk.house, "\"snapshot\":false"));
        }
    }
    CHECK(desk.house.ready > told);
    CHECK_STATUS(house_next(&desk.house, call), ARC_EDONE);
    CHECK_OK(call->ops->status(call, NULL));
    call->ops->close(call);
    desk_close(&desk);
}

static void a_cursor_goes_on_where_it_was(void)
{
    struct desk desk;
    char cursor[32] = "", request[256];
    if (!desk_open(&desk))
        return;
    struct arc_call *call = house_stream(&desk.house, house_host(), "StreamStepRunStatus",
                                         house_text("{\"pipelineRunId\":\"%s\"}", desk.run, ""), 1);
    CHECK(next_has(&desk, call, "\"snapshot\":true"));
    CHECK(next_has(&desk, call, "\"snapshot\":true"));
    step_goes(&desk, "running");
    while (house_next(&desk.house, call) == ARC_OK)
        CHECK(house_field(&desk.house, "cursor", 0, cursor, sizeof(cursor)));
    call->ops->close(call);
    step_goes(&desk, "failed");
    (void)snprintf(request, sizeof(request), "{\"pipelineRunId\":\"%s\",\"cursor\":\"%s\"}",
                   desk.run, cursor);
    call = house_stream(&desk.house, house_host(), "StreamStepRunStatus", request, 1);
    CHECK(next_has(&desk, call, "\"status\":\"failed\",\"previousStatus\":\"running\""));
    CHECK(house_has(&desk.house, "\"exitCode\":3"));
    CHECK(next_has(&desk, call, "\"status\":\"skipped\""));
    CHECK_STATUS(house_next(&desk.house, call), ARC_EDONE);
    call->ops->close(call);
    call = house_stream(&desk.house, house_host(), "StreamStepRunStatus", "{\"cursor\":\"x\"}", 1);
    CHECK_STATUS(call->ops->status(call, NULL), ARC_EINVAL);
    call->ops->close(call);
    desk_close(&desk);
}

static void filters_hold_together(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    char request[256];
    (void)snprintf(request, sizeof(request), "{\"stepRunIds\":[\"%s\"],\"jobName\":\"other\"}",
                   desk.steps[0]);
    struct arc_call *none =
        house_stream(&desk.house, house_host(), "StreamStepRunStatus", request, 1);
    (void)snprintf(request, sizeof(request), "{\"stepRunIds\":[\"%s\"],\"pipelineId\":\"%s\"}",
                   desk.steps[1], desk.pipeline);
    struct arc_call *second =
        house_stream(&desk.house, house_host(), "StreamStepRunStatus", request, 1);
    CHECK_STATUS(house_next(&desk.house, none), ARC_EAGAIN);
    CHECK(next_has(&desk, second, desk.steps[1]));
    step_goes(&desk, "running");
    step_goes(&desk, "failed");
    CHECK(next_has(&desk, second, "\"status\":\"skipped\""));
    CHECK_STATUS(house_next(&desk.house, second), ARC_EDONE);
    CHECK_STATUS(house_next(&desk.house, none), ARC_EDONE);
    none->ops->close(none);
    second->ops->close(second);
    desk_close(&desk);
}

static void runs_are_followed_to_their_end(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    struct arc_call *call =
        house_stream(&desk.house, house_user(ARC_SCOPE_READ, "p1"), "StreamPipelineStatus",
                     house_text("{\"pipelineRunIds\":[\"%s\"]}", desk.run, ""), 1);
    struct arc_call *by_pipeline =
        house_stream(&desk.house, house_user(ARC_SCOPE_READ, "p1"), "StreamPipelineStatus",
                     house_text("{\"pipelineIds\":[\"%s\"]}", desk.pipeline, ""), 1);
    struct arc_call *other = house_stream(&desk.house, house_user(ARC_SCOPE_READ, "p2"),
                                          "StreamPipelineStatus", "{}", 1);
    CHECK(next_has(&desk, call, "\"status\":\"pending\""));
    CHECK(house_has(&desk.house, "\"totalJobs\":1"));
    CHECK(next_has(&desk, by_pipeline, "\"snapshot\":true"));
    step_goes(&desk, "running");
    CHECK(next_has(&desk, call, "\"status\":\"running\",\"previousStatus\":\"pending\""));
    CHECK(house_has(&desk.house, "\"namespace\":\"n\""));
    step_goes(&desk, "failed");
    CHECK(next_has(&desk, call, "\"status\":\"failed\",\"previousStatus\":\"running\""));
    CHECK(house_has(&desk.house, "\"failedJobs\":1"));
    CHECK_STATUS(house_next(&desk.house, call), ARC_EDONE);
    CHECK(next_has(&desk, by_pipeline, "\"status\":\"running\""));
    CHECK(next_has(&desk, by_pipeline, "\"status\":\"failed\""));
    CHECK_STATUS(house_next(&desk.house, by_pipeline), ARC_EAGAIN);
    CHECK_STATUS(house_next(&desk.house, other), ARC_EAGAIN);
    call->ops->close(call);
    by_pipeline->ops->close(by_pipeline);
    other->ops->close(other);
    desk_close(&desk);
}

/* It has left the memory, as one of which another process is the home was never in it. */
static void a_run_that_is_not_in_memory_is_shown_to_its_own(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    step_goes(&desk, "running");
    step_goes(&desk, "failed");
    house_sleep(&desk.house, 400 * 1000);
    CHECK(arc__engine_live_run(desk.house.engine, arc__slice_cstr(desk.run)) == NULL);
    struct arc_call *own = house_stream(&desk.house, house_user(ARC_SCOPE_READ, "p1"),
                                        "StreamPipelineStatus", "{\"cursor\":\"0\"}", 1);
    struct arc_call *other = house_stream(&desk.house, house_user(ARC_SCOPE_READ, "p2"),
                                          "StreamPipelineStatus", "{\"cursor\":\"0\"}", 1);
    static const char *const states[] = {"pending", "running", "failed"};
    for (size_t i = 0; i < ARC_COUNT_OF(states); i++)
        CHECK(next_has(&desk, own, house_text("\"status\":\"%s\"", states[i], "")));
    CHECK_STATUS(house_next(&desk.house, own), ARC_EAGAIN);
    CHECK_STATUS(house_next(&desk.house, other), ARC_EAGAIN);
    own->ops->close(own);
    other->ops->close(other);
    desk_close(&desk);
}

static void a_stream_of_nothing_is_not_found(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    const struct arc_principal other = house_user(ARC_SCOPE_READ, "p2");
    const char *rows[][2] = {
        {"StreamStepRunStatus", "{\"pipelineRunId\":\"%s\"}"},
        {"StreamPipelineStatus", "{\"pipelineRunIds\":[\"%s\"]}"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        CHECK_STATUS(
            house_call(&desk.house, other, rows[i][0], house_text(rows[i][1], desk.run, "")),
            ARC_ENOTFOUND);
        CHECK_STATUS(house_call(&desk.house, house_host(), rows[i][0],
                                house_text(rows[i][1], "nothing", "")),
                     ARC_ENOTFOUND);
    }
    const char *of_steps[][2] = {
        {"StreamStepRunStatus", "{\"stepRunIds\":[\"%s\"]}"},
        {"StreamStepRunLogs", "{\"stepRunId\":\"%s\"}"},
        {"StreamStepRunEvents", "{\"stepRunId\":\"%s\"}"},
        {"StreamStepRunEvents", "{\"stepRunId\":\"%s\",\"jobId\":\"x\"}"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(of_steps); i++)
        CHECK_STATUS(house_call(&desk.house, other, of_steps[i][0],
                                house_text(of_steps[i][1], desk.steps[0], "")),
                     ARC_ENOTFOUND);
    CHECK_STATUS(house_call(&desk.house, other, "StreamStepRunStatus", "{}"), ARC_EINVAL);
    desk_close(&desk);
}

static void events_of_a_step_carry_the_cloud_event(void)
{
    struct desk desk;
    char step[64];
    if (!desk_open(&desk))
        return;
    memcpy(step, desk.steps[0], sizeof(step));
    struct arc_call *call = house_stream(&desk.house, house_host(), "StreamStepRunEvents",
                                         house_text("{\"stepRunId\":\"%s\"}", step, ""), 1);
    CHECK(next_has(&desk, call, "\"snapshot\":true"));
    step_goes(&desk, "running");
    CHECK(next_has(&desk, call, "\"eventType\":\"arcentra.step.queued\""));
    CHECK(next_has(&desk, call,
                   "\"eventType\":\"arcentra.step.started\",\"eventStatus\":\"started\""));
    CHECK(house_has(&desk.house, "\"specversion\":\"1.0\""));
    char subject[256];
    (void)snprintf(subject, sizeof(subject), "\"subject\":\"pipeline:%s:job:%s:step:%s\"",
                   desk.pipeline, desk.job, step);
    CHECK(house_has(&desk.house, subject));
    step_goes(&desk, "success");
    CHECK(next_has(&desk, call, "\"eventStatus\":\"completed\""));
    CHECK(house_has(&desk.house, "\"ended\":true"));
    CHECK_STATUS(house_next(&desk.house, call), ARC_EDONE);
    call->ops->close(call);
    call = house_stream(&desk.house, house_host(), "StreamStepRunEvents",
                        house_text("{\"stepRunId\":\"%s\"}", step, ""), 1);
    CHECK(next_has(&desk, call, "\"snapshot\":true"));
    CHECK(house_has(&desk.house, "\"ended\":true"));
    CHECK_STATUS(house_next(&desk.house, call), ARC_EDONE);
    call->ops->close(call);
    desk_close(&desk);
}

/* Counts the lines of a message and checks that they go on from *next. */
static int lines_follow(struct desk *desk, int *next)
{
    char number[16];
    int n = 0;
    for (; house_field(&desk->house, "lineNumber", n, number, sizeof(number)); n++) {
        char want[16];
        (void)snprintf(want, sizeof(want), "%d", *next);
        CHECK_TEXT(arc__slice_cstr(number), want);
        (*next)++;
    }
    return n;
}

static void a_log_is_followed_without_a_gap(void)
{
    struct desk desk;
    int next = 1;
    if (!desk_open(&desk))
        return;
    step_goes(&desk, "running");
    lines(&desk, 1, 450);
    struct arc_call *call =
        house_stream(&desk.house, house_host(), "StreamStepRunLogs",
                     house_text("{\"stepRunId\":\"%s\",\"follow\":true}", desk.steps[0], ""), 1);
    CHECK_OK(house_next(&desk.house, call));
    CHECK(house_has(&desk.house, house_text("\"agentId\":\"%s\"", desk.agent, "")));
    CHECK_INT(lines_follow(&desk, &next), 200);
    lines(&desk, 451, 30); /* while history is sent */
    CHECK_OK(house_next(&desk.house, call));
    CHECK_INT(lines_follow(&desk, &next), 200);
    CHECK_OK(house_next(&desk.house, call));
    CHECK_INT(lines_follow(&desk, &next), 50);
    CHECK(next_has(&desk, call, "\"historyDone\":true"));
    CHECK_OK(house_next(&desk.house, call));
    CHECK_INT(lines_follow(&desk, &next), 30);
    CHECK_STATUS(house_next(&desk.house, call), ARC_EAGAIN);
    int told = desk.house.ready;
    lines(&desk, 481, 1);
    house_turn(&desk.house);
    CHECK(desk.house.ready > told);
    lines(&desk, 482, 2);
    step_goes(&desk, "success");
    CHECK_OK(house_next(&desk.house, call));
    CHECK_INT(lines_follow(&desk, &next), 3);
    CHECK(next_has(&desk, call, "\"ended\":true"));
    CHECK_STATUS(house_next(&desk.house, call), ARC_EDONE);
    call->ops->close(call);
    call = house_stream(&desk.house, house_host(), "StreamStepRunLogs",
                        house_text("{\"stepRunId\":\"%s\",\"from\":482}", desk.steps[0], ""), 1);
    next = 482;
    CHECK_OK(house_next(&desk.house, call));
    CHECK_INT(lines_follow(&desk, &next), 2);
    CHECK(next_has(&desk, call, "\"historyDone\":true"));
    CHECK(next_has(&desk, call, "\"ended\":true"));
    CHECK_STATUS(house_next(&desk.house, call), ARC_EDONE);
    call->ops->close(call);
    desk_close(&desk);
}

/* --- a store that takes its time ----------------------------------------------------------------
 */

static void hold_queries(void *user, const struct arc_store_batch *batch,
                         const struct arc_query *query, struct arc_store_fault *fault)
{
    (void)user;
    if (batch == NULL && query != NULL)
        fault->held_rounds = 3;
}

static void a_slow_snapshot_has_nothing_twice(void)
{
    struct desk desk;
    char run[256];
    int seen[16] = {0};
    if (!desk_open(&desk))
        return;
    (void)snprintf(run, sizeof(run), "{\"pipelineRunId\":\"%s\"}", desk.run);
    step_goes(&desk, "running");
    arc__store_mem_set_fault(desk.house.store, hold_queries, NULL);
    struct arc_call *call = house_stream(&desk.house, house_host(), "StreamStepRunStatus", run, 1);
    (void)call->ops->next(call, &(arc_slice){NULL, 0}, NULL);
    step_goes(&desk, "success"); /* while the store looks */
    arc__store_mem_set_fault(desk.house.store, NULL, NULL);
    for (int i = 0; i < 50; i++) {
        house_turn(&desk.house);
        if (house_next(&desk.house, call) != ARC_OK)
            continue;
        if (strstr(desk.house.out, desk.steps[0]) == NULL)
            continue;
        char status[32];
        CHECK(house_field(&desk.house, "status", 0, status, sizeof(status)));
        seen[strcmp(status, "success") == 0 ? 4 : strcmp(status, "running") == 0 ? 3 : 0]++;
    }
    CHECK_INT(seen[4], 1);
    CHECK(seen[3] <= 1);
    CHECK_INT(seen[0], 0);
    call->ops->close(call);
    desk_close(&desk);
}

static void a_call_may_close_while_the_store_looks(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    const char *methods[] = {"GetPipelineRun", "ListPipelines", "StreamPipelineStatus",
                             "StreamStepRunStatus"};
    arc__store_mem_set_fault(desk.house.store, hold_queries, NULL);
    for (size_t i = 0; i < ARC_COUNT_OF(methods); i++) {
        struct arc_call *call = house_stream(&desk.house, house_host(), methods[i],
                                             i == 0 ? "{\"runId\":\"x\"}" : "{}", 1);
        (void)call->ops->next(call, &(arc_slice){NULL, 0}, NULL);
        call->ops->close(call);
    }
    CHECK(arc__store_mem_held(desk.house.store) > 0);
    struct arc_call *open = house_stream(&desk.house, house_host(), "ListPipelines", "{}", 1);
    CHECK(arc__store_mem_held(desk.house.store) > 0);
    open->ops->close(open); /* still owed when everything closes */
    desk_close(&desk);
}

static void too_many_ids_are_refused(void)
{
    struct house house;
    static char request[4096];
    if (!house_open(&house))
        return;
    const char *methods[][2] = {{"StreamStepRunStatus", "stepRunIds"},
                                {"StreamPipelineStatus", "pipelineRunIds"},
                                {"StreamPipelineStatus", "pipelineIds"}};
    for (size_t i = 0; i < ARC_COUNT_OF(methods); i++) {
        size_t at = (size_t)snprintf(request, sizeof(request), "{\"%s\":[\"x\"", methods[i][1]);
        for (int k = 0; k < 100; k++)
            at += (size_t)snprintf(request + at, sizeof(request) - at, ",\"x\"");
        (void)snprintf(request + at, sizeof(request) - at, "]}");
        CHECK_STATUS(house_call(&house, house_host(), methods[i][0], request), ARC_EINVAL);
    }
    house_close(&house);
}

/* Streams that are open while a step runs, with every allocation failing once. */
static uint64_t torture(uint64_t n)
{
    static const char *const streams[][2] = {
        {"StreamStepRunStatus", "{\"pipelineRunId\":\"%s\"}"},
        {"StreamPipelineStatus", "{\"pipelineRunIds\":[\"%s\"]}"},
        {"StreamStepRunLogs", "{\"stepRunId\":\"%s\",\"follow\":true}"},
        {"StreamStepRunEvents", "{\"stepRunId\":\"%s\"}"},
    };
    struct desk desk;
    struct arc_call *calls[ARC_COUNT_OF(streams)] = {NULL};
    if (!desk_open(&desk))
        return 0;
    step_goes(&desk, "running");
    lines(&desk, 1, 3);
    desk.house.state.calls = 0;
    desk.house.state.fail_at = n;
    for (size_t i = 0; i < ARC_COUNT_OF(streams); i++) {
        calls[i] = house_stream(&desk.house, house_host(), streams[i][0],
                                house_text(streams[i][1], i < 2 ? desk.run : desk.steps[0], ""), 1);
        for (int k = 0; calls[i] != NULL && k < 4; k++)
            (void)house_next(&desk.house, calls[i]);
    }
    (void)house_call(&desk.house, house_agent(desk.agent), "Heartbeat",
                     house_text("{\"incarnation\":\"i1\",\"leases\":[{\"stepRunId\":\"%s\","
                                "\"attempt\":1,\"fence\":%s}]}",
                                desk.steps[0], desk.fence));
    struct arc_call *events =
        house_stream(&desk.house, house_agent(desk.agent), "PushEvents",
                     "{\"batch\":{\"events\":[{\"eventId\":\"e\",\"eventType\":\"arcentra.a.b\","
                     "\"meta\":{\"seq\":1},\"payload\":{}}]}}",
                     1);
    if (events != NULL) {
        (void)house_next(&desk.house, events);
        events->ops->close(events);
    }
    for (int k = 0; k < 3; k++)
        (void)house_next(&desk.house, desk.channel);
    uint64_t made = desk.house.state.calls;
    desk.house.state.fail_at = 0;
    for (size_t i = 0; i < ARC_COUNT_OF(streams); i++) {
        if (calls[i] != NULL)
            calls[i]->ops->close(calls[i]);
    }
    desk_close(&desk);
    return made;
}

static void memory_may_fail_anywhere(void)
{
    uint64_t n = 1;
    while (torture(n) >= n)
        n++;
    CHECK(n > 50);
}

static const struct test tests[] = {
    {"the steps of a run are followed to its end", steps_of_a_run_are_followed_to_its_end},
    {"a run that left the memory is shown to its project",
     a_run_that_is_not_in_memory_is_shown_to_its_own},
    {"a cursor goes on where it was", a_cursor_goes_on_where_it_was},
    {"filters of a stream hold together", filters_hold_together},
    {"runs are followed to their end", runs_are_followed_to_their_end},
    {"a stream of what one may not see is not found", a_stream_of_nothing_is_not_found},
    {"the events of a step carry the whole CloudEvent", events_of_a_step_carry_the_cloud_event},
    {"a log is followed without a gap, by number", a_log_is_followed_without_a_gap},
    {"a snapshot that comes late has nothing twice", a_slow_snapshot_has_nothing_twice},
    {"a call may be closed while the store looks", a_call_may_close_while_the_store_looks},
    {"a stream follows at most 100 ids", too_many_ids_are_refused},
    {"any allocation of a stream may fail", memory_may_fail_anywhere},
};

TEST_MAIN(tests)
