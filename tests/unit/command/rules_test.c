/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of docs/RULES.md that are about what a call may ask. */
#include <stdio.h>
#include <string.h>

#include "command/house.h"

#define SPEC \
    "{\"namespace\":\"n\",\"jobs\":[{\"name\":\"build\",\"steps\":[{\"name\":\"compile\",\"uses\":" \
    "\"shell\",\"args\":{\"run\":\"make\"}}]}]}"

#define with house_text

static void a_stop_without_a_run_is_wrong(void)
{
    struct house house;
    char id[64], run[64];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(house_call(&house, house_host(), "StopPipeline",
                        with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"success\":false"));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK_OK(
        house_call(&house, house_host(), "GetPipelineRun", with("{\"runId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"status\":\"pending\""));
    house_close(&house);
}

static const struct test tests[] = {
    {"a stop without a run is a wrong argument", a_stop_without_a_run_is_wrong},
};
TEST_MAIN(tests)
