/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of docs/RULES.md that are about what a call may ask. */
#include <stdio.h>
#include <string.h>

#include "command/house.h"

#define SPEC \
    "{\"namespace\":\"n\",\"jobs\":[{\"name\":\"build\",\"steps\":[{\"name\":\"compile\"," \
    "\"uses\":" \
    "\"shell\",\"args\":{\"run\":\"make\"}}]}]}"

#define with house_text

static void a_stop_without_a_run_is_wrong(void)
{
    struct house house;
    char id[64], run[64];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(
        house_call(&house, house_host(), "StopPipeline", with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"success\":false"));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK_OK(
        house_call(&house, house_host(), "GetPipelineRun", with("{\"runId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"status\":\"pending\""));
    house_close(&house);
}

/* --- step runs ------------------------------------------------------------------------ */

static void a_step_run_is_a_run_of_one_step(void)
{
    struct house house;
    char id[64], run[64], step[64], one[64];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(house_call(&house, house_host(), "CreateStepRun",
                        with("{\"pipelineRunId\":\"%s\",\"uses\":\"shell\"}", run, "")));
    CHECK(house_has(&house, "\"code\":409"));
    CHECK_OK(house_call(&house, house_host(), "CreateStepRun",
                        "{\"stepName\":\"s\",\"uses\":\"shell\",\"timeout\":\"soon\"}"));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK_OK(
        house_call(&house, house_host(), "CreateStepRun",
                   with("{\"pipelineId\":\"%s\",\"stepName\":\"s\",\"uses\":\"shell\","
                        "\"args\":{\"run\":\"make\"},\"env\":{\"A\":\"1\"},\"timeout\":\"5m\"}",
                        id, "")));
    CHECK(house_field(&house, "stepRunId", 0, step, sizeof(step)));
    CHECK_OK(
        house_call(&house, house_host(), "GetStepRun", with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"stepName\":\"s\""));
    CHECK(house_has(&house, "\"status\":\"pending\""));
    CHECK(house_has(&house, "\"timeout\":\"5m\""));
    CHECK(house_field(&house, "pipelineRunId", 0, one, sizeof(one)) && strcmp(one, run) != 0);
    CHECK_OK(
        house_call(&house, house_host(), "GetPipelineRun", with("{\"runId\":\"%s\"}", one, "")));
    CHECK(house_has(&house, "\"totalJobs\":1"));
    CHECK_OK(house_call(&house, house_host(), "CreateStepRun", "{\"uses\":\"shell\"}"));
    CHECK(house_has(&house, "\"success\":true")); /* a pipeline is made for it */
    house_close(&house);
}

static void a_step_run_is_changed_while_it_waits(void)
{
    struct house house;
    char id[64], run[64], step[64];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(house_call(&house, house_host(), "ListStepRuns",
                        with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_field(&house, "stepRunId", 0, step, sizeof(step)));
    CHECK_OK(house_call(&house, house_host(), "UpdateStepRun",
                        with("{\"stepRunId\":\"%s\",\"env\":{\"A\":\"1\",\"B\":\"2\"},"
                             "\"timeout\":\"90s\"}",
                             step, "")));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK_OK(
        house_call(&house, house_host(), "GetStepRun", with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"A\":\"1\""));
    CHECK(house_has(&house, "\"timeout\":\"1m30s\""));
    CHECK_OK(house_call(&house, house_host(), "UpdateStepRun",
                        with("{\"stepRunId\":\"%s\",\"env\":{\"A B\":\"1\"}}", step, "")));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK_OK(house_call(&house, house_host(), "DeleteStepRun",
                        with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"code\":409")); /* it has not ended */
    CHECK_OK(house_call(&house, house_host(), "StopPipeline",
                        with("{\"pipelineId\":\"%s\",\"runId\":\"%s\"}", id, run)));
    CHECK_OK(house_call(&house, house_host(), "UpdateStepRun",
                        with("{\"stepRunId\":\"%s\",\"timeout\":\"1s\"}", step, "")));
    CHECK(house_has(&house, "\"code\":409"));
    house_close(&house);
}

static void a_step_run_that_ended_is_hidden(void)
{
    struct house house;
    char id[64], run[64], step[64];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(house_call(&house, house_host(), "ListStepRuns",
                        with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_field(&house, "stepRunId", 0, step, sizeof(step)));
    CHECK_OK(house_call(&house, house_host(), "StopPipeline",
                        with("{\"pipelineId\":\"%s\",\"runId\":\"%s\"}", id, run)));
    CHECK_OK(house_call(&house, house_user(ARC_SCOPE_RUN, "p2"), "DeleteStepRun",
                        with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"code\":404")); /* of another project */
    CHECK_OK(house_call(&house, house_host(), "DeleteStepRun",
                        with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK_OK(
        house_call(&house, house_host(), "GetStepRun", with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"code\":404"));
    CHECK_OK(house_call(&house, house_host(), "ListStepRuns",
                        with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"total\":0"));
    CHECK_OK(house_call(&house, house_host(), "DeleteStepRun",
                        with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"code\":404"));
    house_close(&house);
}

static const struct test tests[] = {
    {"a step run that is created is a run of one step", a_step_run_is_a_run_of_one_step},
    {"a step run is changed while it waits, and only then", a_step_run_is_changed_while_it_waits},
    {"a step run that has ended may be hidden", a_step_run_that_ended_is_hidden},
    {"a stop without a run is a wrong argument", a_stop_without_a_run_is_wrong},
};
TEST_MAIN(tests)
