/* SPDX-License-Identifier: Apache-2.0 */
/* ShowPipelineRun and ListPipelineRunEvents: who may, as of when, and of what. */
#include <stdio.h>
#include <string.h>

#include "codec/codec.h"
#include "command/house.h"
#include "engine/desk.h"

#define SPEC \
    "{\"namespace\":\"n\",\"version\":\"v1\",\"jobs\":[{\"name\":\"build\",\"steps\":[{\"name\":" \
    "\"compile\",\"run\":\"make\"}]}]}"

#define with house_text

static int stopped_run(struct house *house, char *run, size_t size)
{
    char id[64];
    if (!house_open(house) || !house_run(house, SPEC, id, run, size))
        return 0;
    CHECK_OK(house_call(house, house_host(), "StopPipeline",
                        with("{\"pipelineId\":\"%s\",\"runId\":\"%s\"}", id, run)));
    house_sleep(house, 100000);
    return 1;
}

static arc_status show(struct house *house, const char *run, const char *at)
{
    return house_call(house, house_host(), "ShowPipelineRun",
                      with("{\"pipelineRunId\":\"%s\",\"at\":%s}", run, at));
}

static void a_run_is_shown_as_of_an_event(void)
{
    struct house house;
    char run[64], last[24];
    if (!stopped_run(&house, run, sizeof(run)))
        return;
    CHECK_OK(show(&house, run, "1"));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK(house_has(&house, "\"type\":\"arcentra.pipeline.triggered\""));
    CHECK(house_has(&house, "\"status\":\"pending\""));
    CHECK(!house_has(&house, "\"status\":\"cancelled\""));
    CHECK(house_has(&house, "\"stepName\":\"compile\""));
    CHECK_OK(show(&house, run, "0"));
    CHECK(house_has(&house, "\"type\":\"arcentra.pipeline.cancelled\""));
    CHECK(house_has(&house, "\"status\":\"cancelled\""));
    CHECK(house_field(&house, "lastSeq", 0, last, sizeof(last)));
    CHECK_OK(show(&house, run, last));
    CHECK(house_has(&house, "\"status\":\"cancelled\""));
    house_close(&house);
}

/* Deleting hides a step run; what happened in the run is as it was. */
static void a_deleted_step_is_shown_in_its_run(void)
{
    struct house house;
    char run[64], step[64], before[8192];
    if (!stopped_run(&house, run, sizeof(run)))
        return;
    CHECK_OK(show(&house, run, "0"));
    CHECK(house_field(&house, "stepRunId", 0, step, sizeof(step)));
    (void)snprintf(before, sizeof(before), "%s", house.out);
    CHECK_OK(house_call(&house, house_host(), "DeleteStepRun",
                        with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK_OK(
        house_call(&house, house_host(), "GetStepRun", with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"code\":404"));
    CHECK_OK(show(&house, run, "0"));
    CHECK_TEXT(arc__slice_cstr(house.out), before);
    house_close(&house);
}

static void what_is_not_there_is_refused(void)
{
    struct house house;
    char run[64];
    if (!stopped_run(&house, run, sizeof(run)))
        return;
    CHECK_OK(show(&house, run, "1000"));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK(house_has(&house, "The last event of the run is number"));
    CHECK_OK(show(&house, run, "-1"));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK_OK(show(&house, "NOBODY", "1"));
    CHECK(house_has(&house, "\"code\":404"));
    CHECK_OK(show(&house, "", "1"));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK_OK(house_call(&house, house_host(), "ListPipelineRunEvents",
                        with("{\"pipelineRunId\":\"%s\",\"limit\":1001}", run, "")));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK_OK(house_call(&house, house_host(), "ListPipelineRunEvents",
                        with("{\"pipelineRunId\":\"%s\",\"after\":-1}", run, "")));
    CHECK(house_has(&house, "\"code\":400"));
    house_close(&house);
}

static void a_run_of_another_project_is_not_there(void)
{
    struct house house;
    char run[64];
    if (!stopped_run(&house, run, sizeof(run)))
        return;
    const char *request = with("{\"pipelineRunId\":\"%s\"}", run, "");
    const struct {
        uint32_t scopes;
        const char *project;
        arc_status status;
        const char *text;
    } rows[] = {{ARC_SCOPE_READ, "p1", ARC_OK, "\"success\":true"},
                {ARC_SCOPE_READ, "p2", ARC_OK, "\"code\":404"},
                {ARC_SCOPE_RUN, "p1", ARC_EDENIED, ""}};
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        const char *const methods[] = {"ShowPipelineRun", "ListPipelineRunEvents"};
        for (size_t m = 0; m < ARC_COUNT_OF(methods); m++) {
            request = with("{\"pipelineRunId\":\"%s\"}", run, "");
            CHECK_STATUS(house_call(&house, house_user(rows[i].scopes, rows[i].project), methods[m],
                                    request),
                         rows[i].status);
            CHECK(house_has(&house, rows[i].text));
        }
    }
    house_close(&house);
}

static void events_come_in_pages(void)
{
    struct house house;
    char run[64], seq[24];
    if (!stopped_run(&house, run, sizeof(run)))
        return;
    CHECK_OK(house_call(&house, house_host(), "ListPipelineRunEvents",
                        with("{\"pipelineRunId\":\"%s\",\"after\":1,\"limit\":2}", run, "")));
    CHECK(house_field(&house, "seq", 0, seq, sizeof(seq)) && strcmp(seq, "2") == 0);
    CHECK(house_field(&house, "seq", 1, seq, sizeof(seq)) && strcmp(seq, "3") == 0);
    CHECK(!house_field(&house, "seq", 2, seq, sizeof(seq)));
    house_close(&house);
}

/* An event that cannot be read is shown as such, and what is made of it is refused. */
static void a_damaged_event_is_shown(void)
{
    struct house house;
    char run[64];
    if (!stopped_run(&house, run, sizeof(run)))
        return;
    struct arc_desk desk = {.store = house.store, .mem = house.mem};
    struct arc_row_event row = {.stream = arc__slice_cstr(run),
                                .seq = 2,
                                .position = 1000,
                                .type = ARC_LIT("arcentra.job.queued"),
                                .body = ARC_LIT("{")};
    struct arc_store_op op = {ARC_STORE_PUT, ARC_TABLE_event, &row, 0};
    CHECK_OK(arc__desk_commit(&desk, &op, 1, NULL));
    CHECK_OK(house_call(&house, house_host(), "ListPipelineRunEvents",
                        with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "The body of event 2 cannot be read."));
    CHECK_OK(show(&house, run, "1"));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK_OK(show(&house, run, "2"));
    CHECK(house_has(&house, "The run is damaged: The body of event 2 cannot be read."));
    op.verb = ARC_STORE_DELETE;
    CHECK_OK(arc__desk_commit(&desk, &op, 1, NULL));
    CHECK_OK(show(&house, run, "0"));
    CHECK(house_has(&house, "The run is damaged: Event 2 is missing."));
    CHECK_OK(show(&house, run, "2"));
    CHECK(house_has(&house, "The run is damaged: Event 2 is missing."));
    house_close(&house);
}

/* The n-th allocation from here on fails. */
static void it_ends_cleanly_without_memory(void)
{
    const char *const methods[] = {"ShowPipelineRun", "ListPipelineRunEvents"};
    struct house house;
    char run[64];
    if (!stopped_run(&house, run, sizeof(run)))
        return;
    for (size_t m = 0; m < ARC_COUNT_OF(methods); m++) {
        int done = 0;
        for (uint64_t n = 1; n < 2000 && !done; n++) {
            house.out[0] = '\0';
            house.state.fail_at = house.state.calls + n;
            arc_status status = house_call(&house, house_host(), methods[m],
                                           with("{\"pipelineRunId\":\"%s\"}", run, ""));
            house.state.fail_at = 0;
            done = status == ARC_OK && house_has(&house, "\"success\":true");
            /* A reply whose arena refuses is said to be too large. */
            if (!done && status != ARC_EUNAVAILABLE && status != ARC_ELIMIT)
                CHECK_STATUS(status, ARC_ENOMEM);
        }
        CHECK(done);
    }
    house_close(&house);
}

static const struct test tests[] = {
    {"a run is shown as of an event", a_run_is_shown_as_of_an_event},
    {"a deleted step is shown in its run", a_deleted_step_is_shown_in_its_run},
    {"what is not there is refused", what_is_not_there_is_refused},
    {"a run of another project is not there", a_run_of_another_project_is_not_there},
    {"events come in pages", events_come_in_pages},
    {"a damaged event is shown, and nothing is made of it", a_damaged_event_is_shown},
    {"it ends cleanly without memory", it_ends_cleanly_without_memory},
};
TEST_MAIN(tests)
