/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the pipeline service and the control service, as messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "command/house.h"
#include "messages.h"

#define SPEC \
    "{\"namespace\":\"n\",\"version\":\"v1\",\"jobs\":[{\"name\":\"build\",\"steps\":[{\"name\":" \
    "\"compile\",\"uses\":\"shell\"," \
    "\"args\":{\"run\":\"make\"}}]}]}"
#define BAD_SPEC \
    "{\"namespace\":\"n\",\"version\":\"v1\",\"jobs\":[{\"name\":\"build\",\"stepz\":[]}]}"
#define ALL (ARC_SCOPE_READ | ARC_SCOPE_RUN | ARC_SCOPE_WRITE)

#define with house_text

static void a_pipeline_lives_its_life(void)
{
    struct house house;
    char id[64], run[64], sha[80];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(
        house_call(&house, house_host(), "GetPipeline", with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK(house_has(&house, "\"name\":\"build\""));
    CHECK(house_has(&house, "\"status\":\"pending\""));
    CHECK(house_has(&house, "\"totalRuns\":1"));
    CHECK(house_field(&house, "lastCommitSha", 0, sha, sizeof(sha)) && strlen(sha) == 64);
    CHECK_OK(house_call(&house, house_host(), "UpdatePipeline",
                        with("{\"pipelineId\":\"%s\",\"description\":\"it builds\"}", id, "")));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK_OK(house_call(&house, house_host(), "ListPipelines", "{\"projectId\":\"p1\"}"));
    CHECK(house_has(&house, "\"description\":\"it builds\""));
    CHECK(house_has(&house, "\"total\":1"));
    CHECK_OK(house_call(&house, house_host(), "ListPipelineRuns",
                        with("{\"pipelineId\":\"%s\",\"status\":\"pending\"}", id, "")));
    CHECK(house_has(&house, run));
    CHECK_OK(
        house_call(&house, house_host(), "GetPipelineRun", with("{\"runId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"totalJobs\":1"));
    CHECK(house_has(&house, "\"triggerType\":\"manual\""));
    CHECK_OK(house_call(&house, house_host(), "DeletePipeline",
                        with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"code\":409"));
    CHECK_OK(house_call(&house, house_host(), "StopPipeline",
                        with("{\"pipelineId\":\"%s\",\"runId\":\"%s\"}", id, run)));
    CHECK(house_has(&house, "\"success\":true"));
    house_sleep(&house, 100000);
    CHECK_OK(
        house_call(&house, house_host(), "GetPipelineRun", with("{\"runId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"status\":\"cancelled\""));
    CHECK_OK(house_call(&house, house_host(), "StopPipeline",
                        with("{\"pipelineId\":\"%s\",\"runId\":\"%s\"}", id, run)));
    CHECK(house_has(&house, "\"code\":409"));
    CHECK(house_has(&house, "\"status\":\"cancelled\""));
    CHECK_OK(house_call(&house, house_host(), "DeletePipeline",
                        with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK_OK(
        house_call(&house, house_host(), "GetPipeline", with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"code\":404"));
    CHECK(house_has(&house, "\"type\":\"not_found\""));
    house_close(&house);
}

static void a_definition_is_saved_by_its_head(void)
{
    struct house house;
    char id[64], run[64], sha[80];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(house_call(&house, house_host(), "GetPipelineSpec",
                        with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"definitionJson\":\"{"));
    CHECK(house_field(&house, "headCommitSha", 0, sha, sizeof(sha)));
    static char request[4096];
    (void)snprintf(request, sizeof(request),
                   "{\"pipelineId\":\"%s\",\"expectedHeadCommitSha\":\"%s\",\"format\":\"yml\","
                   "\"spec\":{\"namespace\":\"two\",\"version\":\"v1\",\"jobs\":[{\"name\":\"b\","
                   "\"steps\":[{\"name\":"
                   "\"c\",\"uses\":\"shell\",\"args\":{\"run\":\"true\"}}]}]}}",
                   id, sha);
    CHECK_OK(house_call(&house, house_host(), "SavePipelineSpec", request));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK(house_has(&house, "\"saveMode\":\"direct\""));
    CHECK_OK(house_call(&house, house_host(), "SavePipelineSpec", request));
    CHECK(house_has(&house, "\"code\":409"));
    CHECK(house_has(&house, "\"headCommitSha\":"));
    CHECK_OK(house_call(&house, house_host(), "GetPipelineSpec",
                        with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"format\":\"yaml\""));
    CHECK(house_has(&house, "\"namespace\":\"two\""));
    house_close(&house);
}

static void a_wrong_definition_is_told_with_its_place(void)
{
    struct house house;
    char id[64], run[64], line[16], column[16];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(house_call(&house, house_host(), "ValidatePipelineSpec",
                        with("{\"pipelineId\":\"%s\",\n \"spec\":" BAD_SPEC "}", id, "")));
    CHECK(house_has(&house, "\"success\":false"));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK(house_has(&house, "\"type\":\"validation\""));
    CHECK(house_has(&house, "jobs[0].stepz"));
    CHECK(house_field(&house, "line", 0, line, sizeof(line)));
    CHECK(house_field(&house, "column", 0, column, sizeof(column)));
    CHECK_TEXT(arc__slice_cstr(line), "2"); /* of the body as it was sent */
    CHECK(strtol(column, NULL, 10) > 20);
    CHECK_OK(house_call(&house, house_host(), "ValidatePipelineSpec",
                        with("{\"pipelineId\":\"%s\",\"plan\":true,\"spec\":" SPEC "}", id, "")));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK(house_has(&house, "\"jobsCount\":1"));
    CHECK(house_has(&house, "\"planJson\":\"{"));
    CHECK_OK(house_call(&house, house_host(), "CreatePipeline",
                        "{\"name\":\"x\",\"spec\":" BAD_SPEC "}"));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK(house_has(&house, "\"diagnostics\":"));
    house_close(&house);
}

#define GATED \
    "{\"namespace\":\"n\",\"stages\":[{\"name\":\"ship\",\"approval\":{\"required\":true," \
    "\"approvers\":[\"ann\"]},\"jobs\":[{\"name\":\"j\",\"steps\":[{\"name\":\"s\"," \
    "\"run\":\"true\"}]}]}]}"

static void an_approval_is_listed_and_decided(void)
{
    struct house house;
    char id[64], run[64], approval[80];
    struct arc_principal ann = house_user(ARC_SCOPE_READ | ARC_SCOPE_RUN, "p1");
    struct arc_principal eve = house_user(ARC_SCOPE_READ | ARC_SCOPE_RUN, "p1");
    struct arc_principal other = house_user(ARC_SCOPE_READ | ARC_SCOPE_RUN, "p2");
    (void)snprintf(ann.name, sizeof(ann.name), "ann");
    (void)snprintf(eve.name, sizeof(eve.name), "eve");
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, GATED, id, run, sizeof(id)));
    CHECK_OK(house_call(&house, ann, "ListApprovals", "{}"));
    CHECK(house_has(&house, "\"gate\":\"stage:ship\""));
    CHECK(house_has(&house, "\"approvers\":[\"ann\"]"));
    CHECK(house_field(&house, "approvalId", 0, approval, sizeof(approval)));
    CHECK_OK(house_call(&house, other, "ListApprovals", "{}")); /* of another project */
    CHECK(house_has(&house, "\"total\":0"));
    CHECK_OK(house_call(&house, ann, "ListJobRuns", with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"reason\":\"It waits for approval before stage ship.\""));
    CHECK_OK(house_call(&house, ann, "GetPipelineRun", with("{\"runId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"status\":\"pending\""));
    CHECK(house_has(&house, "\"reason\":\"It waits for approval before stage ship.\""));
    CHECK_OK(
        house_call(&house, other, "ApproveGate", with("{\"approvalId\":\"%s\"}", approval, "")));
    CHECK(house_has(&house, "\"code\":404"));
    CHECK_STATUS(
        house_call(&house, eve, "ApproveGate", with("{\"approvalId\":\"%s\"}", approval, "")),
        ARC_EDENIED);
    CHECK_OK(house_call(&house, ann, "ApproveGate",
                        with("{\"approvalId\":\"%s\",\"comment\":\"fine\"}", approval, "")));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK_OK(house_call(&house, ann, "RejectGate", with("{\"approvalId\":\"%s\"}", approval, "")));
    CHECK(house_has(&house, "\"code\":409"));
    CHECK_OK(house_call(&house, ann, "ListApprovals", "{}"));
    CHECK(house_has(&house, "\"total\":0"));
    CHECK_OK(house_call(&house, ann, "ListJobRuns", with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"reason\":\"It waits for an agent with a free slot.\""));
    house_close(&house);
}

#define QUEUED(of_run) \
    "{\"namespace\":\"n\"," of_run "\"jobs\":[{\"name\":\"j\",\"concurrency\":\"lab\"," \
    "\"steps\":[{\"name\":\"s\",\"run\":\"true\"}]}]}"

/* The sentence in the answer, with the id of whoever holds the slot. */
static int house_says(struct house *house, const char *format, const char *holder)
{
    char text[256];
    (void)snprintf(text, sizeof(text), "\"reason\":\"%s\"", with(format, holder, ""));
    return house_has(house, text);
}

static void who_holds_the_slot_is_told(void)
{
    struct house house;
    char id[64], first[64], second[64], third[64], fourth[64];
    struct arc_principal user = house_user(ARC_SCOPE_READ | ARC_SCOPE_RUN, "p1");
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, QUEUED(""), id, first, sizeof(id)));
    CHECK(house_run(&house, QUEUED(""), id, second, sizeof(id)));
    CHECK_OK(
        house_call(&house, user, "ListJobRuns", with("{\"pipelineRunId\":\"%s\"}", second, "")));
    CHECK(house_says(&house,
                     "It waits for a slot of the group lab (limit 1), held by job j of run %s; it "
                     "is next.",
                     first));
    CHECK(house_run(&house, QUEUED("\"concurrency\":\"whole\","), id, third, sizeof(id)));
    CHECK(house_run(&house, QUEUED("\"concurrency\":\"whole\","), id, fourth, sizeof(id)));
    CHECK_OK(house_call(&house, user, "GetPipelineRun", with("{\"runId\":\"%s\"}", fourth, "")));
    CHECK(house_has(&house,
                    "\"reason\":\"It waits for a slot of the group whole (limit 1), held by"));
    CHECK(house_has(&house, third));
    CHECK_OK(
        house_call(&house, user, "ListJobRuns", with("{\"pipelineRunId\":\"%s\"}", fourth, "")));
    CHECK(house_has(&house, "\"reason\":\"Its run waits for a slot of the group whole.\""));
    house_close(&house);
}

static void jobs_and_steps_are_cancelled_and_runs_run_again(void)
{
    struct house house;
    char id[64], run[64], step[64], job[64], again[64];
    struct arc_principal ann = house_user(ARC_SCOPE_READ | ARC_SCOPE_RUN, "p1");
    struct arc_principal other = house_user(ARC_SCOPE_READ | ARC_SCOPE_RUN, "p2");
    (void)snprintf(ann.name, sizeof(ann.name), "ann");
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(house_call(&house, ann, "ListStepRuns", with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_field(&house, "stepRunId", 0, step, sizeof(step)));
    CHECK_OK(house_call(&house, ann, "ListJobRuns", with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_field(&house, "jobId", 0, job, sizeof(job)));
    CHECK_OK(house_call(&house, ann, "RerunPipelineRun",
                        with("{\"pipelineRunId\":\"%s\"}", run, ""))); /* it has not ended */
    CHECK(house_has(&house, "\"code\":409"));
    CHECK_OK(house_call(&house, other, "steprun.v1.StepRunService/CancelStepRun",
                        with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"code\":404"));
    CHECK_STATUS(house_call(&house, other, "CancelJobRun", with("{\"jobRunId\":\"%s\"}", job, "")),
                 ARC_ENOTFOUND);
    CHECK_OK(house_call(&house, ann, "CancelJobRun",
                        with("{\"jobRunId\":\"%s\",\"reason\":\"not now\"}", job, "")));
    CHECK(house_has(&house, "\"success\":true"));
    CHECK_OK(house_call(&house, ann, "steprun.v1.StepRunService/CancelStepRun",
                        with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"code\":409"));
    CHECK_OK(house_call(&house, ann, "ListJobRuns", with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"reason\":\"not now\""));
    CHECK_OK(house_call(
        &house, ann, "RerunPipelineRun",
        with("{\"pipelineRunId\":\"%s\",\"failedOnly\":true,\"requestId\":\"q\"}", run, "")));
    CHECK(house_field(&house, "pipelineRunId", 0, again, sizeof(again)));
    CHECK_OK(house_call(&house, ann, "GetPipelineRun", with("{\"runId\":\"%s\"}", again, "")));
    CHECK(house_has(&house, with("\"rerunOf\":\"%s\"", run, "")));
    CHECK_OK(house_call(&house, other, "RetryStepRun", with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"code\":404"));
    CHECK_OK(house_call(&house, ann, "RetryStepRun", with("{\"stepRunId\":\"%s\"}", step, "")));
    CHECK(house_has(&house, "\"newStepRunId\":\"0"));
    CHECK_OK(house_call(
        &house, ann, "RerunPipelineRun",
        with("{\"pipelineRunId\":\"%s\",\"failedOnly\":true,\"fromJob\":\"j\"}", run, "")));
    CHECK(house_has(&house, "\"code\":400"));
    house_close(&house);
}

static void a_content_text_is_refused_in_words(void)
{
    struct house house;
    if (!house_open(&house))
        return;
    CHECK_STATUS(house_call(&house, house_host(), "SavePipelineSpec",
                            "{\"pipelineId\":\"x\",\"content\":\"jobs: []\"}"),
                 ARC_EINVAL);
    CHECK(strstr(house.err.message, "content was removed") != NULL);
    CHECK_STATUS(house_call(&house, house_host(), "SavePipelineSpec",
                            "{\"pipelineId\":\"x\",\"spec\":\"jobs: []\"}"),
                 ARC_EINVAL);
    CHECK(strstr(house.err.message, "must be an object") != NULL);
    house_close(&house);
}

/* A protobuf call, with the Spec as a message. */
static arc_status save_message(struct house *house, const char *id, const char *definition)
{
    struct arc_arena arena;
    struct arc_buf bytes;
    arc__arena_init(&arena, &house->mem, 1u << 20);
    arc__buf_init(&bytes, &house->mem, 1u << 20);
    Pipeline__V1__SavePipelineSpecRequest *request =
        arc__pb_new(&pipeline__v1__save_pipeline_spec_request__descriptor, &arena);
    request->pipeline_id = arc__pb_cstr(&arena, id);
    request->spec = arc__pb_new(&pipeline__v1__spec__descriptor, &arena);
    request->spec->definition_json = arc__pb_cstr(&arena, definition);
    request->spec->namespace_ = arc__pb_cstr(&arena, "msg");
    request->spec->version = arc__pb_cstr(&arena, "v1");
    Pipeline__V1__Job *job = arc__pb_add(request->spec, "jobs", &arena);
    job->name = arc__pb_cstr(&arena, "j");
    Pipeline__V1__Step *step = arc__pb_add(job, "steps", &arena);
    step->name = arc__pb_cstr(&arena, "s");
    step->uses = arc__pb_cstr(&arena, "actions/x@v1");
    CHECK_OK(arc__pb_encode(request, &bytes, NULL));
    const struct arc_call_start start = {
        .method = arc__method_find(house->command,
                                   ARC_LIT("pipeline.v1.PipelineService/SavePipelineSpec")),
        .format = ARC_CALL_PROTOBUF,
        .principal = house_host()};
    struct arc_call *call = NULL;
    arc_slice out = ARC_NONE;
    void *reply = NULL;
    CHECK_OK(arc__call_open(house->command, &start, &call, NULL));
    CHECK_OK(call->ops->send(call, arc__buf_slice(&bytes), NULL));
    CHECK_OK(call->ops->half_close(call, NULL));
    house_turn(house);
    arc_status status = call->ops->next(call, &out, NULL);
    if (status == ARC_OK)
        status = arc__pb_decode(&pipeline__v1__save_pipeline_spec_response__descriptor, out, &arena,
                                NULL, &reply, NULL);
    if (status == ARC_OK) {
        const Pipeline__V1__SavePipelineSpecResponse *said = reply;
        status = said->success ? ARC_OK : said->error->code == 409 ? ARC_ECONFLICT : ARC_EINVAL;
    }
    call->ops->close(call);
    arc__buf_deinit(&bytes);
    arc__arena_deinit(&arena);
    return status;
}

static void a_spec_message_cannot_lose_what_it_cannot_hold(void)
{
    struct house house;
    char id[64], run[64];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(save_message(&house, id, ""));
    CHECK_OK(house_call(&house, house_host(), "GetPipelineSpec",
                        with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"namespace\":\"msg\""));
    CHECK_OK(save_message(&house, id,
                          "{\"namespace\":\"n\",\"version\":\"v1\",\"stages\":[{\"name\":\"one\","
                          "\"jobs\":[{\"name\":\"j\",\"steps\":[{"
                          "\"name\":\"s\",\"uses\":\"shell\",\"args\":{\"run\":\"true\"}}]}]}]}"));
    CHECK_STATUS(save_message(&house, id, ""), ARC_ECONFLICT);
    house_close(&house);
}

static void a_repository_is_for_a_later_version(void)
{
    struct house house;
    char id[64];
    if (!house_open(&house))
        return;
    CHECK_OK(house_call(&house, house_host(), "CreatePipeline",
                        "{\"name\":\"r\",\"repoUrl\":\"https://x/y.git\",\"saveMode\":\"pr\","
                        "\"prTargetBranch\":\"main\"}"));
    CHECK(house_field(&house, "pipelineId", 0, id, sizeof(id)));
    CHECK_OK(
        house_call(&house, house_host(), "GetPipeline", with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"saveMode\":\"pr\""));
    const char *methods[] = {"GetPipelineSpec", "TriggerPipeline", "SavePipelineSpec"};
    for (size_t i = 0; i < ARC_COUNT_OF(methods); i++) {
        CHECK_OK(
            house_call(&house, house_host(), methods[i], with("{\"pipelineId\":\"%s\"}", id, "")));
        CHECK(house_has(&house, "\"code\":501"));
    }
    house_close(&house);
}

static void the_same_request_starts_one_run(void)
{
    struct house house;
    char id[64], run[64], first[64], second[64];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    const char *request = "{\"pipelineId\":\"%s\",\"requestId\":\"r-1\"%s}";
    CHECK_OK(house_call(&house, house_host(), "TriggerPipeline", with(request, id, "")));
    CHECK(house_field(&house, "runId", 0, first, sizeof(first)));
    CHECK(house_has(&house, "\"duplicate\":false"));
    CHECK_OK(house_call(&house, house_host(), "TriggerPipeline", with(request, id, "")));
    CHECK(house_field(&house, "runId", 0, second, sizeof(second)));
    CHECK(house_has(&house, "\"duplicate\":true"));
    CHECK_TEXT(arc__slice_cstr(second), first);
    CHECK_OK(house_call(&house, house_host(), "TriggerPipeline",
                        with(request, id, ",\"variables\":{\"a\":\"b\"}")));
    CHECK(house_has(&house, "\"code\":409"));
    house_close(&house);
}

static void another_project_is_as_if_absent(void)
{
    struct house house;
    char id[64], run[64];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    const struct arc_principal other = house_user(ALL, "p2"), own = house_user(ALL, "p1");
    const char *by_pipeline[] = {"GetPipeline", "DeletePipeline", "TriggerPipeline",
                                 "GetPipelineSpec", "UpdatePipeline"};
    for (size_t i = 0; i < ARC_COUNT_OF(by_pipeline); i++) {
        CHECK_OK(
            house_call(&house, other, by_pipeline[i], with("{\"pipelineId\":\"%s\"}", id, "")));
        CHECK(house_has(&house, "\"code\":404"));
        char refusal[512];
        (void)house_field(&house, "message", 0, refusal, sizeof(refusal));
        CHECK_OK(house_call(&house, other, by_pipeline[i], "{\"pipelineId\":\"nothing\"}"));
        CHECK(house_has(&house, refusal)); /* the very same words */
    }
    /* A reply without an error says it by the status. */
    CHECK_STATUS(
        house_call(&house, other, "ListPipelineRuns", with("{\"pipelineId\":\"%s\"}", id, "")),
        ARC_ENOTFOUND);
    CHECK_OK(house_call(&house, other, "GetPipelineRun", with("{\"runId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"code\":404"));
    CHECK_OK(house_call(&house, other, "ListJobRuns", with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"code\":404"));
    CHECK_OK(house_call(&house, other, "ListPipelines", "{}"));
    CHECK(house_has(&house, "\"total\":0"));
    CHECK_OK(house_call(&house, own, "ListPipelines", "{}"));
    CHECK(house_has(&house, "\"total\":1"));
    CHECK_STATUS(
        house_call(&house, other, "CreatePipeline", "{\"name\":\"n\",\"projectId\":\"p1\"}"),
        ARC_EDENIED);
    CHECK_OK(house_call(&house, other, "CreatePipeline", "{\"name\":\"n\"}"));
    CHECK_OK(house_call(&house, other, "ListPipelines", "{}"));
    CHECK(house_has(&house, "\"projectId\":\"p2\""));
    CHECK_STATUS(
        house_call(&house, other, "ListStepRuns", with("{\"pipelineRunId\":\"%s\"}", run, "")),
        ARC_ENOTFOUND);
    house_close(&house);
}

static void refusals_of_access_are_statuses(void)
{
    struct house house;
    if (!house_open(&house))
        return;
    CHECK_STATUS(house_call(&house, (struct arc_principal){0}, "GetPipeline", "{}"),
                 ARC_EUNAUTHENTICATED);
    CHECK_STATUS(house_call(&house, house_user(0, ""), "GetPipeline", "{}"), ARC_EDENIED);
    CHECK_STATUS(house_call(&house, house_agent("a"), "GetPipeline", "{}"), ARC_EDENIED);
    CHECK_STATUS(house_call(&house, house_host(), "GetPipeline", "{\"nope\":1}"), ARC_EINVAL);
    CHECK_STATUS(house_call(&house, house_host(), "GetPipeline", "[1"), ARC_EINVAL);
    CHECK_OK(house_call(&house, house_host(), "GetPipeline", "{}"));
    CHECK(house_has(&house, "\"code\":400"));
    house_close(&house);
}

static void what_is_not_offered_says_so(void)
{
    struct house house;
    if (!house_open(&house))
        return;
    CHECK_STATUS(house_call(&house, house_agent("a"), "FetchStepRun", "{}"), ARC_EUNIMPLEMENTED);
    CHECK_TEXT(arc__slice_cstr(house.err.message), "FetchStepRun is not offered by this version.");
    CHECK_STATUS(house_call(&house, house_user(ALL, ""), "StreamEvents", "{}"), ARC_EUNIMPLEMENTED);
    CHECK_STATUS(house_call(&house, house_user(0, ""), "RetryStepRun", "{}"), ARC_EDENIED);
    house_close(&house);
}

static void pages_have_bounds_and_cursors_go_on(void)
{
    struct house house;
    char cursor[64], first[64], id[64];
    if (!house_open(&house))
        return;
    for (int i = 0; i < 5; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "n%d", i);
        CHECK_OK(house_call(&house, house_host(), "CreatePipeline",
                            with("{\"name\":\"%s\",\"projectId\":\"p\"}", name, "")));
    }
    CHECK_OK(house_call(&house, house_host(), "ListPipelines", "{\"pageSize\":2}"));
    CHECK(house_has(&house, "\"total\":5"));
    CHECK(house_field(&house, "name", 0, first, sizeof(first)));
    CHECK_TEXT(arc__slice_cstr(first), "n4"); /* newest first */
    CHECK(house_field(&house, "nextCursor", 0, cursor, sizeof(cursor)) && cursor[0] != '\0');
    CHECK_OK(house_call(&house, house_host(), "ListPipelines",
                        with("{\"pageSize\":2,\"cursor\":\"%s\"}", cursor, "")));
    CHECK(house_field(&house, "name", 0, first, sizeof(first)));
    CHECK_TEXT(arc__slice_cstr(first), "n2");
    CHECK(house_has(&house, "\"total\":5")); /* as the first page has said */
    CHECK_OK(house_call(&house, house_host(), "ListPipelines", "{\"page\":3,\"pageSize\":2}"));
    CHECK(house_field(&house, "name", 0, first, sizeof(first)));
    CHECK_TEXT(arc__slice_cstr(first), "n0");
    CHECK_OK(
        house_call(&house, house_host(), "ListPipelines", "{\"sort\":\"name\",\"pageSize\":1}"));
    CHECK(house_field(&house, "name", 0, first, sizeof(first)));
    CHECK_TEXT(arc__slice_cstr(first), "n0");
    CHECK_OK(house_call(&house, house_host(), "ListPipelines", "{\"name\":\"3\"}"));
    CHECK(house_has(&house, "\"total\":1"));
    const char *wrong[] = {"{\"page\":-1}",       "{\"pageSize\":101}",
                           "{\"sort\":\"size\"}", "{\"sort\":\"name\",\"cursor\":\"x\"}",
                           "{\"cursor\":\"x\"}",  "{\"cursor\":\"x:-1\"}",
                           "{\"cursor\":\":5\"}", "{\"page\":101,\"pageSize\":100}"};
    CHECK_OK(house_call(&house, house_host(), "ListPipelines", "{\"page\":100,\"pageSize\":100}"));
    for (size_t i = 0; i < ARC_COUNT_OF(wrong); i++) {
        (void)house_call(&house, house_host(), "ListPipelines", wrong[i]);
        CHECK_STATUS(house.err.status, ARC_EINVAL);
    }
    CHECK_OK(house_call(&house, house_host(), "ListPipelines", "{\"pageSize\":5}"));
    CHECK(house_field(&house, "pipelineId", 4, id, sizeof(id)));
    house_close(&house);
}

static void an_update_sets_what_is_named(void)
{
    struct house house;
    char id[64], run[64], version[16];
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(
        house_call(&house, house_host(), "UpdatePipeline",
                   with("{\"pipelineId\":\"%s\",\"description\":\"d\",\"isEnabled\":0}", id, "")));
    CHECK_OK(
        house_call(&house, house_host(), "GetPipeline", with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"isEnabled\":0"));
    CHECK(house_has(&house, "\"name\":\"build\""));
    CHECK(house_field(&house, "version", 0, version, sizeof(version)));
    CHECK_OK(house_call(&house, house_host(), "TriggerPipeline",
                        with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"code\":409"));
    CHECK_OK(house_call(&house, house_host(), "UpdatePipeline",
                        with("{\"pipelineId\":\"%s\",\"description\":\"\",\"name\":\"ignored\","
                             "\"updateMask\":\"description\"}",
                             id, "")));
    CHECK_OK(
        house_call(&house, house_host(), "GetPipeline", with("{\"pipelineId\":\"%s\"}", id, "")));
    CHECK(house_has(&house, "\"description\":\"\""));
    CHECK(house_has(&house, "\"name\":\"build\""));
    CHECK_OK(
        house_call(&house, house_host(), "UpdatePipeline",
                   with("{\"pipelineId\":\"%s\",\"name\":\"x\",\"version\":%s}", id, version)));
    CHECK(house_has(&house, "\"code\":409"));
    CHECK_OK(house_call(&house, house_host(), "UpdatePipeline",
                        with("{\"pipelineId\":\"%s\",\"updateMask\":\"totalRuns\"}", id, "")));
    CHECK(house_has(&house, "\"code\":400"));
    CHECK_OK(house_call(&house, house_host(), "UpdatePipeline",
                        with("{\"pipelineId\":\"%s\",\"name\":\"\"}", id, "")));
    CHECK(house_has(&house, "\"code\":400"));
    house_close(&house);
}

static void tokens_are_made_and_open_doors(void)
{
    struct house house;
    char token[128];
    struct arc_principal who;
    if (!house_open(&house))
        return;
    CHECK_OK(house_call(&house, house_host(), "CreateApiToken",
                        "{\"name\":\"ci\",\"scopes\":[\"read\",\"run\"],\"projectId\":\"p1\"}"));
    CHECK(house_field(&house, "token", 0, token, sizeof(token)));
    CHECK(strncmp(token, "arct_", 5) == 0);
    CHECK_OK(arc__engine_authenticate(house.engine, arc__slice_cstr(token), &who, NULL));
    CHECK_INT(who.scopes & (ARC_SCOPE_READ | ARC_SCOPE_RUN), ARC_SCOPE_READ | ARC_SCOPE_RUN);
    CHECK_INT(who.scopes & (ARC_SCOPE_WRITE | ARC_SCOPE_ADMIN), 0);
    CHECK_TEXT(arc__slice_cstr(who.project_id), "p1");
    CHECK_OK(house_call(&house, house_host(), "CreateRegistrationToken",
                        "{\"maxUses\":1,\"expiresInS\":60}"));
    CHECK(house_field(&house, "token", 0, token, sizeof(token)));
    CHECK_INT(strlen(token), 44);
    CHECK(house_has(&house, "\"expiresAt\":1700000060"));
    const char *wrong[] = {"{\"name\":\"x\"}", "{\"name\":\"x\",\"scopes\":[\"root\"]}",
                           "{\"scopes\":[\"read\"]}",
                           "{\"name\":\"x\",\"scopes\":[\"read\"],\"expiresInS\":-1}"};
    for (size_t i = 0; i < ARC_COUNT_OF(wrong); i++) {
        CHECK_OK(house_call(&house, house_host(), "CreateApiToken", wrong[i]));
        CHECK(house_has(&house, "\"code\":400"));
    }
    house_close(&house);
}

static void a_definition_is_checked_without_a_pipeline(void)
{
    struct house house;
    if (!house_open(&house))
        return;
    CHECK_OK(house_call(&house, house_host(), "ValidateDefinition",
                        "{\"file\":\"p.yaml\",\"text\":\"namespace: n\\nversion: v1\\njobs:\\n- "
                        "name: a\\n  steps:\\n  - name: s\\n"
                        "    run: true\\n  stepz: 1\\n\"}"));
    CHECK(house_has(&house, "\"success\":false"));
    CHECK(house_has(&house, "\"file\":\"p.yaml\""));
    CHECK(house_has(&house, "\"severity\":\"error\""));
    CHECK_OK(house_call(&house, house_host(), "ValidateDefinition", "{\"text\":\"\"}"));
    CHECK(house_has(&house, "\"code\":400"));
    house_close(&house);
}

static void a_deadline_ends_a_call(void)
{
    struct house house;
    struct arc_call *call = NULL;
    if (!house_open(&house))
        return;
    const struct arc_call_start start = {
        .method = arc__method_find(house.command, ARC_LIT("stream.v1.StreamService/"
                                                          "StreamPipelineStatus")),
        .format = ARC_CALL_JSON,
        .principal = house_host(),
        .deadline_mono_ns = house.now.mono_ns + 1000000};
    CHECK_OK(arc__call_open(house.command, &start, &call, NULL));
    CHECK_OK(call->ops->send(call, ARC_LIT("{}"), NULL));
    CHECK_OK(call->ops->half_close(call, NULL));
    CHECK_STATUS(house_next(&house, call), ARC_EAGAIN);
    CHECK_INT(arc__command_deadline(house.command), house.now.mono_ns + 1000000);
    house_sleep(&house, 2);
    CHECK_STATUS(house_next(&house, call), ARC_EDONE);
    CHECK_STATUS(call->ops->status(call, NULL), ARC_EDEADLINE);
    call->ops->close(call);
    house_close(&house);
}

static void a_call_that_is_closed_early_still_does_its_work(void)
{
    struct house house;
    if (!house_open(&house))
        return;
    struct arc_call *call =
        house_stream(&house, house_host(), "CreatePipeline", "{\"name\":\"left alone\"}", 1);
    CHECK(call != NULL);
    if (call != NULL)
        call->ops->close(call);
    house_turn(&house);
    CHECK_OK(house_call(&house, house_host(), "ListPipelines", "{}"));
    CHECK(house_has(&house, "left alone"));
    house_close(&house);
}

static void messages_have_their_order(void)
{
    struct house house;
    if (!house_open(&house))
        return;
    struct arc_call *call = house_stream(&house, house_host(), "GetPipeline", NULL, 0);
    CHECK_STATUS(call->ops->status(call, NULL), ARC_EAGAIN);
    CHECK_STATUS(call->ops->half_close(call, NULL), ARC_EINVAL);
    CHECK_STATUS(call->ops->send(call, ARC_LIT("{}"), NULL), ARC_EDONE);
    CHECK_STATUS(call->ops->status(call, NULL), ARC_EINVAL);
    call->ops->close(call);
    call = house_stream(&house, house_host(), "GetPipeline", "{}", 0);
    CHECK_STATUS(call->ops->send(call, ARC_LIT("{}"), NULL), ARC_EINVAL);
    CHECK_STATUS(call->ops->status(call, NULL), ARC_EINVAL);
    call->ops->close(call);
    house_close(&house);
}

/* Every allocation of a life fails once: clean statuses, nothing leaked. */
static void torture(uint64_t *fail_at, int sticky)
{
    static const char *const steps[][2] = {
        {"CreatePipeline",
         "{\"name\":\"t\",\"projectId\":\"p\",\"metadata\":{\"a\":\"b\"},\"spec\":" SPEC "}"},
        {"ListPipelines", "{}"},
        {"ValidateDefinition", "{\"text\":\"jobs: [\",\"plan\":true}"},
        {"CreateApiToken", "{\"name\":\"ci\",\"scopes\":[\"read\"]}"},
        {"GetPipeline", "{\"pipelineId\":\"x\"}"},
        {"ListAgents", "{}"},
        {"StreamPipelineStatus", "{\"pipelineRunIds\":[\"x\"]}"},
    };
    for (uint64_t n = 1; n < 100000; n++) {
        struct house house;
        arc_status status = house_build(&house, 0, 0);
        if (status != ARC_OK)
            return;
        house_turn(&house);
        house.state.calls = 0;
        house.state.fail_at = n;
        house.state.sticky = sticky;
        for (size_t i = 0; i < ARC_COUNT_OF(steps); i++)
            (void)house_call(&house, house_host(), steps[i][0], steps[i][1]);
        uint64_t calls = house.state.calls;
        house.state.fail_at = 0;
        arc__command_close(house.command);
        arc__engine_close(house.engine);
        CHECK_INT(house.state.live, 0);
        *fail_at = n;
        if (calls < n)
            return;
    }
}

static void memory_may_fail_anywhere(void)
{
    uint64_t once = 0, ever = 0;
    torture(&once, 0);
    torture(&ever, 1);
    CHECK(once > 100);
    CHECK(ever > 1);
}

static void runs_are_explained_and_foreseen(void)
{
    struct house house;
    char id[64], run[64];
    struct arc_principal ann = house_user(ARC_SCOPE_READ, "p1");
    struct arc_principal other = house_user(ARC_SCOPE_READ, "p2");
    if (!house_open(&house))
        return;
    CHECK(house_run(&house, SPEC, id, run, sizeof(id)));
    CHECK_OK(house_call(&house, ann, "ExplainRun", with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"kind\":\"no-agent\""));
    CHECK(house_has(&house, "\"sentence\":\"There are no agents.\""));
    CHECK_OK(house_call(&house, other, "ExplainRun", with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"code\":404"));
    CHECK_OK(house_call(&house, ann, "WhatIf",
                        with("{\"pipelineRunId\":\"%s\",\"agent\":true,\"end\":true,"
                             "\"labels\":{\"os\":\"linux\"}}",
                             run, "")));
    CHECK(house_has(&house, "\"place\":1"));
    CHECK(house_has(&house, "\"ends\":true"));
    CHECK(house_has(&house, "\"agentId\":\"new\""));
    CHECK_OK(house_call(&house, other, "WhatIf", "{\"agent\":true}"));
    CHECK(!house_has(&house, "\"place\":1"));
    CHECK_OK(house_call(&house, ann, "WhatIf", with("{\"pipelineRunId\":\"%s\"}", run, "")));
    CHECK(house_has(&house, "\"code\":400"));
    house_close(&house);
}

static const struct test tests[] = {
    {"an approval is listed, and decided by who may", an_approval_is_listed_and_decided},
    {"runs are explained and foreseen", runs_are_explained_and_foreseen},
    {"who holds the slot that a job waits for is told", who_holds_the_slot_is_told},
    {"jobs and steps are cancelled, and runs run again",
     jobs_and_steps_are_cancelled_and_runs_run_again},
    {"a pipeline is made, run, stopped and removed", a_pipeline_lives_its_life},
    {"a definition is saved only over the head expected", a_definition_is_saved_by_its_head},
    {"a wrong definition is told with its place in the body",
     a_wrong_definition_is_told_with_its_place},
    {"a content text is refused and says that it was removed", a_content_text_is_refused_in_words},
    {"a Spec message never drops what it cannot hold",
     a_spec_message_cannot_lose_what_it_cannot_hold},
    {"what needs a repository is not offered yet", a_repository_is_for_a_later_version},
    {"the same requestId starts one run", the_same_request_starts_one_run},
    {"another project's objects are as if absent", another_project_is_as_if_absent},
    {"refused access is a status and not a reply", refusals_of_access_are_statuses},
    {"a method that is not offered says so", what_is_not_offered_says_so},
    {"pages have bounds and cursors go on where they ended", pages_have_bounds_and_cursors_go_on},
    {"an update sets what is named and nothing else", an_update_sets_what_is_named},
    {"a token that was made opens what it says", tokens_are_made_and_open_doors},
    {"a definition is checked without a pipeline", a_definition_is_checked_without_a_pipeline},
    {"a call ends at its deadline", a_deadline_ends_a_call},
    {"a command outlives the call that sent it", a_call_that_is_closed_early_still_does_its_work},
    {"messages out of order end the call", messages_have_their_order},
    {"any allocation of a call may fail", memory_may_fail_anywhere},
};

TEST_MAIN(tests)
