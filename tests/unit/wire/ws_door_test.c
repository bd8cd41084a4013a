/* SPDX-License-Identifier: Apache-2.0 */
/* The WebSocket's envelopes: every row of the contract's table, over the real engine. */
#include "wire/ws_door.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "command/house.h"

#define SPEC \
    "{\"namespace\":\"n\",\"version\":\"v1\",\"jobs\":[{\"name\":\"build\",\"steps\":[{" \
    "\"name\":\"one\",\"uses\":\"shell\",\"args\":{\"run\":\"make\"}},{\"name\":\"two\"," \
    "\"uses\":\"shell\",\"args\":{\"run\":\"true\"}}]}]}"

struct desk {
    struct house house;
    struct arc_ws *ws;
    int ready;
    char token[128], pipeline[64], run[64], job[64], step[64], params[256];
    char agent[128], agent_token[128], fence[32];
    struct arc_call *channel;
};

static void told(void *user, struct arc_ws *ws)
{
    struct desk *desk = user;
    (void)ws;
    desk->ready++;
}

static int desk_open(struct desk *desk)
{
    memset(desk, 0, sizeof(*desk));
    if (!house_open(&desk->house))
        return 0;
    struct house *house = &desk->house;
    int ok = house_join(house, desk->agent, desk->agent_token, sizeof(desk->agent)) &&
             house_run(house, SPEC, desk->pipeline, desk->run, sizeof(desk->run));
    CHECK_OK(house_call(house, house_host(), "CreateApiToken",
                        "{\"name\":\"eye\",\"scopes\":[\"read\"]}"));
    ok = ok && house_field(house, "token", 0, desk->token, sizeof(desk->token));
    CHECK_OK(house_call(house, house_host(), "ListStepRuns",
                        house_text("{\"pipelineRunId\":\"%s\"}", desk->run, "")));
    ok = ok && house_field(house, "stepRunId", 0, desk->step, sizeof(desk->step)) &&
         house_field(house, "jobId", 0, desk->job, sizeof(desk->job));
    (void)snprintf(desk->params, sizeof(desk->params),
                   "{\"pipelineId\":\"%s\",\"jobId\":\"%s\",\"stepRunId\":\"%s\"}", desk->pipeline,
                   desk->job, desk->step);
    CHECK_OK(arc__ws_open(house->command, house->now, arc__slice_cstr(desk->token), told, desk,
                          &desk->ws, NULL));
    CHECK(ok && desk->ws != NULL);
    return ok && desk->ws != NULL;
}

static void desk_close(struct desk *desk)
{
    arc__ws_close(desk->ws);
    if (desk->channel != NULL)
        desk->channel->ops->close(desk->channel);
    house_close(&desk->house);
}

static void say(struct desk *desk, const char *text)
{
    CHECK_OK(arc__ws_feed(desk->ws, desk->house.now, arc__slice_cstr(text), NULL));
}

static void subscribe(struct desk *desk, const char *channel)
{
    say(desk, house_text("{\"channel\":\"%s\",\"params\":%s}", channel, desk->params));
}

/* The next text into house.out; 0: none. */
static int hear(struct desk *desk)
{
    arc_slice text = ARC_NONE;
    arc_status status = arc__ws_next(desk->ws, &text, NULL);
    if (status == ARC_EAGAIN) {
        house_turn(&desk->house);
        status = arc__ws_next(desk->ws, &text, NULL);
    }
    desk->house.out[0] = '\0';
    if (status == ARC_OK)
        (void)arc__slice_to_cstr(text, desk->house.out, 262144);
    return status == ARC_OK;
}

static int hears(struct desk *desk, const char *what)
{
    return hear(desk) && house_has(&desk->house, what);
}

static void step_goes(struct desk *desk, const char *status)
{
    char request[256];
    if (desk->channel == NULL)
        desk->channel = house_stream(&desk->house, house_agent(desk->agent), "Connect",
                                     "{\"heartbeat\":{\"incarnation\":\"i1\"}}", 0);
    for (int i = 0; desk->fence[0] == '\0' && i < 20; i++) {
        if (house_next(&desk->house, desk->channel) == ARC_OK &&
            strstr(desk->house.out, "taskDispatch") != NULL)
            CHECK(house_field(&desk->house, "fence", 0, desk->fence, sizeof(desk->fence)));
    }
    (void)snprintf(request, sizeof(request),
                   "{\"stepRunId\":\"%s\",\"status\":\"%s\",\"attempt\":1,\"fence\":%s}",
                   desk->step, status, desk->fence);
    CHECK_OK(house_call(&desk->house, house_agent(desk->agent), "ReportStepRunStatus", request));
}

static void lines(struct desk *desk, int first, int count)
{
    struct arc_buf text;
    arc__buf_init(&text, &desk->house.mem, 1u << 20);
    for (int i = 0; i < count; i++)
        arc__buf_printf(&text, "line %d\n", first + i);
    struct arc_log_batch batch = {.agent_id = arc__slice_cstr(desk->agent),
                                  .step_run_id = arc__slice_cstr(desk->step),
                                  .attempt = 1,
                                  .stream = ARC_LOG_STDOUT,
                                  .first_line = first,
                                  .time_ns = desk->house.now.wall_ns,
                                  .text = arc__buf_slice(&text)};
    CHECK(arc__slice_to_u64(arc__slice_cstr(desk->fence), &batch.fence));
    CHECK_OK(arc__engine_log_append(desk->house.engine, &batch, NULL));
    arc__buf_deinit(&text);
}

static void only_readers_may_open(void)
{
    struct desk desk;
    struct arc_ws *ws = NULL;
    if (!desk_open(&desk))
        return;
    struct arc_command *command = desk.house.command;
    CHECK_STATUS(arc__ws_open(command, desk.house.now, ARC_NONE, told, &desk, &ws, NULL),
                 ARC_EUNAUTHENTICATED);
    CHECK_STATUS(arc__ws_open(command, desk.house.now, ARC_LIT("x"), told, &desk, &ws, NULL),
                 ARC_EUNAUTHENTICATED);
    CHECK_STATUS(arc__ws_open(command, desk.house.now, arc__slice_cstr(desk.agent_token), told,
                              &desk, &ws, NULL),
                 ARC_EDENIED);
    CHECK(ws == NULL);
    desk_close(&desk);
}

static void errors_have_their_words(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    const char *rows[][2] = {
        {"nonsense", "\"error\":\"message must be a JSON object\""},
        {"[1]", "\"error\":\"message must be a JSON object\""},
        {"", "\"error\":\"message must be a JSON object\""},
        {"{}",
         "{\"channel\":\"\",\"type\":\"error\",\"params\":{\"pipelineId\":\"\",\"jobId\":\"\","
         "\"stepRunId\":\"\"},\"error\":\"channel is required\"}"},
        {"{\"channel\":7}", "\"error\":\"channel is required\""},
        {"{\"channel\":\"x\"}", "\"channel\":\"x\",\"type\":\"error\""},
        {"{\"channel\":\"x\"}", "\"error\":\"unknown channel: x\""},
        {"{\"channel\":\"channel_log\",\"action\":\"fly\"}", "\"error\":\"unknown action: fly\""},
        {"{\"channel\":\"channel_log\"}",
         "\"error\":\"pipelineId, jobId and stepRunId are required\""},
        {"{\"channel\":\"channel_status\",\"params\":[]}",
         "\"error\":\"pipelineId, jobId and stepRunId are required\""},
        {"{\"channel\":\"channel_log\",\"params\":{\"pipelineId\":\"a\",\"jobId\":\"b\"}}",
         "\"params\":{\"pipelineId\":\"a\",\"jobId\":\"b\",\"stepRunId\":\"\"}"},
        {"{\"channel\":\"channel_log\",\"params\":{\"pipelineId\":\"a\",\"jobId\":\"b\","
         "\"stepRunId\":\"c\"}}",
         "\"error\":\"step run not found\""},
        {"{\"channel\":\"channel_log\",\"params\":{\"pipelineId\":\"a\",\"jobId\":\"b\","
         "\"stepRunId\":\"c\",\"from\":1,\"tail\":2}}",
         "\"error\":\"from and tail do not go together\""},
        {"{\"channel\":\"channel_log\",\"params\":{\"pipelineId\":\"a\",\"jobId\":\"b\","
         "\"stepRunId\":\"c\",\"from\":0}}",
         "\"type\":\"error\""},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        say(&desk, rows[i][0]);
        CHECK(hears(&desk, rows[i][1]));
        CHECK(!hear(&desk));
    }
    say(&desk, house_text("{\"channel\":\"channel_status\",\"params\":{\"pipelineId\":\"other\","
                          "\"jobId\":\"%s\",\"stepRunId\":\"%s\"}}",
                          desk.job, desk.step));
    CHECK(hears(&desk, "\"error\":\"step run not found\""));
    desk_close(&desk);
}

static int entries(const struct desk *desk, int *next)
{
    char number[16], want[16];
    int n = 0;
    for (; house_field(&desk->house, "line_number", n, number, sizeof(number)); n++) {
        (void)snprintf(want, sizeof(want), "%d", (*next)++);
        CHECK_TEXT(arc__slice_cstr(number), want);
    }
    return n;
}

static void a_log_comes_as_history_and_then_line_by_line(void)
{
    struct desk desk;
    int next = 1;
    if (!desk_open(&desk))
        return;
    step_goes(&desk, "running");
    lines(&desk, 1, 250);
    subscribe(&desk, "channel_log");
    CHECK(hears(&desk, "\"channel\":\"channel_log\",\"type\":\"subscribed\",\"params\":{"));
    CHECK(house_has(&desk.house, "\"data\":null"));
    CHECK(hears(&desk, "\"type\":\"log_chunk\""));
    CHECK(house_has(&desk.house, "\"data\":[{\"step_run_id\":"));
    CHECK(house_has(&desk.house, "\"content\":\"line 1\",\"stream\":\"stdout\",\"plugin_name\":"
                                 "\"shell\",\"agent_id\":\""));
    CHECK_INT(entries(&desk, &next), 200);
    lines(&desk, 251, 2);
    CHECK(hears(&desk, "\"type\":\"log_chunk\""));
    CHECK_INT(entries(&desk, &next), 50);
    CHECK(hears(&desk, "\"type\":\"history_done\""));
    CHECK(house_has(&desk.house, "\"data\":null"));
    for (int i = 0; i < 2; i++) {
        CHECK(hears(&desk, "\"type\":\"log\""));
        CHECK_INT(entries(&desk, &next), 1);
    }
    CHECK(!hear(&desk));
    int before = desk.ready;
    lines(&desk, 253, 1);
    house_turn(&desk.house);
    CHECK(desk.ready > before);
    CHECK(hears(&desk, "line 253"));
    subscribe(&desk, "channel_log"); /* the same again */
    CHECK(hears(&desk, "\"type\":\"subscribed\""));
    CHECK(!hear(&desk));
    say(&desk, house_text("{\"channel\":\"channel_log\",\"action\":\"unsubscribe\",\"params\":%s}",
                          desk.params, ""));
    CHECK(hears(&desk, "\"type\":\"unsubscribed\""));
    lines(&desk, 254, 1);
    CHECK(!hear(&desk));
    say(&desk, house_text("{\"channel\":\"channel_log\",\"action\":\"unsubscribe\",\"params\":%s}",
                          desk.params, ""));
    CHECK(hears(&desk, "\"type\":\"unsubscribed\"")); /* also of what is not there */
    desk_close(&desk);
}

static void a_log_begins_where_it_is_asked_to(void)
{
    struct desk desk;
    int next = 9;
    if (!desk_open(&desk))
        return;
    step_goes(&desk, "running");
    lines(&desk, 1, 10);
    const char *format = "{\"channel\":\"channel_log\",\"params\":{\"pipelineId\":\"%s\",";
    char message[512];
    for (int i = 0; i < 2; i++) {
        size_t at =
            (size_t)snprintf(message, sizeof(message), "%s", house_text(format, desk.pipeline, ""));
        (void)snprintf(message + at, sizeof(message) - at,
                       "\"jobId\":\"%s\",\"stepRunId\":\"%s\",\"%s\":%d}}", desk.job, desk.step,
                       i == 0 ? "from" : "tail", i == 0 ? 9 : 2);
        say(&desk, message);
        next = 9;
        CHECK(hears(&desk, "\"type\":\"subscribed\""));
        CHECK(hears(&desk, "\"type\":\"log_chunk\""));
        CHECK_INT(entries(&desk, &next), 2);
        CHECK(hears(&desk, "\"type\":\"history_done\""));
        say(&desk,
            house_text("{\"channel\":\"channel_log\",\"action\":\"unsubscribe\",\"params\":%s}",
                       desk.params, ""));
        CHECK(hears(&desk, "\"type\":\"unsubscribed\""));
    }
    desk_close(&desk);
}

static void a_status_comes_as_a_snapshot_and_then_changes(void)
{
    struct desk desk;
    char subject[300];
    if (!desk_open(&desk))
        return;
    subscribe(&desk, "channel_status");
    CHECK(hears(&desk, "\"channel\":\"channel_status\",\"type\":\"status_snapshot\""));
    CHECK(house_has(&desk.house, "\"status\":1,\"endTime\":null,\"duration\":0}"));
    step_goes(&desk, "running");
    CHECK(hears(&desk, "\"eventType\":\"arcentra.step.queued\",\"status\":\"queued\""));
    CHECK(hears(&desk, "\"type\":\"status\""));
    CHECK(house_has(&desk.house, "\"eventType\":\"arcentra.step.started\",\"status\":\"started\""));
    (void)snprintf(subject, sizeof(subject), "\"subject\":\"pipeline:%s:job:%s:step:%s\",\"raw\":{",
                   desk.pipeline, desk.job, desk.step);
    CHECK(house_has(&desk.house, subject));
    subscribe(&desk, "channel_status"); /* the same again */
    CHECK(hears(&desk, "\"type\":\"status_snapshot\""));
    CHECK(house_has(&desk.house, "\"status\":3,\"startTime\":\"2023-11-14T"));
    CHECK(!hear(&desk));
    house_sleep(&desk.house, 1500);
    step_goes(&desk, "success");
    CHECK(hears(&desk, "\"status\":\"completed\""));
    CHECK(!hear(&desk));
    subscribe(&desk, "channel_status"); /* it has ended */
    CHECK(hears(&desk, "\"type\":\"status_snapshot\""));
    CHECK(house_has(&desk.house, "\"status\":4,"));
    CHECK(house_has(&desk.house, "\"duration\":1500}"));
    CHECK(strstr(desk.house.out, "\"endTime\":null") == NULL);
    CHECK(!hear(&desk));
    desk_close(&desk);
}

static void lines_come_before_the_status_that_ends_their_step(void)
{
    for (int order = 0; order < 2; order++) {
        struct desk desk;
        int next = 1, lines_heard = 0, ended_after = -1;
        if (!desk_open(&desk))
            return;
        subscribe(&desk, order == 0 ? "channel_status" : "channel_log");
        subscribe(&desk, order == 0 ? "channel_log" : "channel_status");
        while (hear(&desk))
            ;
        step_goes(&desk, "running");
        lines(&desk, 1, 500);
        step_goes(&desk, "success");
        while (hear(&desk)) {
            lines_heard += entries(&desk, &next);
            if (strstr(desk.house.out, "arcentra.step.completed") != NULL)
                ended_after = lines_heard;
        }
        CHECK_INT(ended_after, 500);
        CHECK_INT(lines_heard, 500);
        desk_close(&desk);
    }
}

static void limits_hold(void)
{
    struct desk desk;
    if (!desk_open(&desk))
        return;
    char *large = arc__alloc(&desk.house.mem, ARC_WS_MESSAGE_MAX + 1);
    memset(large, ' ', ARC_WS_MESSAGE_MAX + 1);
    CHECK_STATUS(
        arc__ws_feed(desk.ws, desk.house.now, arc__slice(large, ARC_WS_MESSAGE_MAX + 1), NULL),
        ARC_ELIMIT);
    arc__free(&desk.house.mem, large);
    for (int i = 0; i < 50; i++)
        say(&desk, "{}");
    CHECK_STATUS(arc__ws_feed(desk.ws, desk.house.now, ARC_LIT("{}"), NULL), ARC_ELIMIT);
    house_sleep(&desk.house, 1000);
    say(&desk, "{}");
    for (int i = 0; i < 51; i++)
        CHECK(hears(&desk, "channel is required"));
    CHECK(!hear(&desk));
    desk_close(&desk);
}

static void there_is_a_greatest_number_of_subscriptions(void)
{
    struct desk desk;
    int refused = 0, opened = 0;
    char step[64];
    if (!desk_open(&desk))
        return;
    for (int i = 0; i < 52; i++) { /* two steps a run */
        CHECK_OK(house_call(&desk.house, house_host(), "TriggerPipeline",
                            house_text("{\"pipelineId\":\"%s\"}", desk.pipeline, "")));
        CHECK(house_field(&desk.house, "runId", 0, desk.run, sizeof(desk.run)));
        for (int k = 0; k < 2; k++) {
            CHECK_OK(house_call(&desk.house, house_host(), "ListStepRuns",
                                house_text("{\"pipelineRunId\":\"%s\"}", desk.run, "")));
            CHECK(house_field(&desk.house, "stepRunId", k, step, sizeof(step)));
            CHECK(house_field(&desk.house, "jobId", k, desk.job, sizeof(desk.job)));
            (void)snprintf(desk.params, sizeof(desk.params),
                           "{\"pipelineId\":\"%s\",\"jobId\":\"%s\",\"stepRunId\":\"%s\"}",
                           desk.pipeline, desk.job, step);
            subscribe(&desk, "channel_status");
            house_sleep(&desk.house, 100);
            CHECK(hear(&desk));
            opened += strstr(desk.house.out, "status_snapshot") != NULL;
            refused += strstr(desk.house.out, "too many subscriptions") != NULL;
        }
    }
    CHECK_INT(opened, 100);
    CHECK_INT(refused, 4);
    desk_close(&desk);
}

static void who_asks_and_never_reads_is_closed(void)
{
    struct desk desk;
    arc_slice text = ARC_NONE;
    arc_err err = ARC_ERR_INIT;
    if (!desk_open(&desk))
        return;
    for (int i = 0; i < 300; i++) {
        house_sleep(&desk.house, 100);
        say(&desk, "{}");
    }
    CHECK_STATUS(arc__ws_next(desk.ws, &text, &err), ARC_EDONE);
    CHECK(err.message[0] != '\0');
    desk_close(&desk);
}

static void memory_may_fail_anywhere(void)
{
    uint64_t n = 1;
    for (;; n++) {
        struct desk desk;
        arc_slice text;
        if (!desk_open(&desk))
            return;
        step_goes(&desk, "running");
        lines(&desk, 1, 3);
        desk.house.state.calls = 0;
        desk.house.state.fail_at = n;
        const char *channels[] = {"channel_log", "channel_status", "x"};
        for (size_t i = 0; i < ARC_COUNT_OF(channels); i++)
            (void)arc__ws_feed(desk.ws, desk.house.now,
                               arc__slice_cstr(house_text("{\"channel\":\"%s\",\"params\":%s}",
                                                          channels[i], desk.params)),
                               NULL);
        for (int i = 0; i < 12; i++)
            (void)arc__ws_next(desk.ws, &text, NULL);
        uint64_t calls = desk.house.state.calls;
        desk.house.state.fail_at = 0;
        desk_close(&desk);
        if (calls < n || n > 100000)
            break;
    }
    CHECK(n > 30);
}

static const struct test tests[] = {
    {"only who may read opens a connection", only_readers_may_open},
    {"errors have the contract's words and the connection stays", errors_have_their_words},
    {"a log comes as history and then line by line", a_log_comes_as_history_and_then_line_by_line},
    {"a log begins where it is asked to", a_log_begins_where_it_is_asked_to},
    {"a status comes as a snapshot and then its changes",
     a_status_comes_as_a_snapshot_and_then_changes},
    {"all lines come before the status that ends their step",
     lines_come_before_the_status_that_ends_their_step},
    {"a message has its size and a second its number", limits_hold},
    {"a connection has at most 100 subscriptions", there_is_a_greatest_number_of_subscriptions},
    {"who asks on and never reads is closed", who_asks_and_never_reads_is_closed},
    {"any allocation of a connection may fail", memory_may_fail_anywhere},
};

TEST_MAIN(tests)
