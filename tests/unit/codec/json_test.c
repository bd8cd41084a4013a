/* SPDX-License-Identifier: Apache-2.0 */
#include "random_message.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "codec/codec.h"
#include "shim.h"

#define BUDGET ((size_t)8 * 1024 * 1024)

struct room {
    struct arc_mem mem;
    struct arc_arena arena;
    struct arc_buf buf;
    struct arc_json json;
    arc_err err;
    void *message;
};

static void room_init(struct room *room)
{
    *room = (struct room){.mem = arc__mem_default(), .err = ARC_ERR_INIT};
    arc__arena_init(&room->arena, &room->mem, BUDGET);
    arc__buf_init(&room->buf, &room->mem, BUDGET * 2);
    arc__json_init(&room->json, &room->buf);
}

static void room_deinit(struct room *room)
{
    arc__arena_deinit(&room->arena);
    arc__buf_deinit(&room->buf);
}

static void room_clear(struct room *room)
{
    arc__arena_reset(&room->arena);
    arc__buf_clear(&room->buf);
    arc__json_init(&room->json, &room->buf);
    room->err = (arc_err)ARC_ERR_INIT;
    room->message = NULL;
}

static arc_status read_json(struct room *room, const ProtobufCMessageDescriptor *descriptor,
                            arc_slice text)
{
    return arc__pb_from_json(descriptor, text, &room->arena, NULL, &room->message, NULL,
                             &room->err);
}

/* What a message looks like; valid until the room is cleared. */
static arc_slice shown(struct room *room, const void *message)
{
    arc__buf_clear(&room->buf);
    arc__json_init(&room->json, &room->buf);
    CHECK_OK(arc__pb_to_json(message, &room->json, NULL, NULL));
    return arc__buf_slice(&room->buf);
}

/* ---- there and back ------------------------------------------------------------------------- */

static void check_round_trip(struct room *room, size_t type, uint64_t seed)
{
    struct dice dice = dice_of(seed * 1000 + type);
    const ProtobufCMessageDescriptor *descriptor = message_types[type].descriptor;
    struct arc_buf bytes;
    room_clear(room);
    arc__buf_init(&bytes, &room->mem, BUDGET);
    const void *first = random_message(&dice, descriptor, &room->arena, 5);
    CHECK_OK(arc__pb_encode(first, &bytes, NULL));
    arc_slice text = shown(room, first);
    CHECK(arc__utf8_valid(text, NULL));
    int held = CHECK_STATUS(read_json(room, descriptor, text), ARC_OK);
    if (held) {
        size_t before = bytes.len;
        CHECK_OK(arc__pb_encode(room->message, &bytes, NULL));
        held = CHECK_INT(arc__slice_equal(arc__slice(bytes.ptr, before),
                                          arc__slice(bytes.ptr + before, bytes.len - before)),
                         1);
    }
    if (!held)
        printf("# %s seed %d: %s: %s (%u:%u)\n# %.*s\n", message_types[type].name, (int)seed,
               room->err.subject, room->err.message, room->err.line, room->err.column,
               ARC_ARG(text));
    arc__buf_deinit(&bytes);
}

static void every_message_survives_json(void)
{
    struct room room;
    room_init(&room);
    for (size_t i = 0; i < MESSAGE_TYPES; i++) {
        for (uint64_t seed = 1; seed <= 12; seed++)
            check_round_trip(&room, i, seed);
    }
    room_deinit(&room);
}

static void a_locale_with_a_comma_changes_nothing(void)
{
    /* The test's own process; the library never sets a locale, but its host may. */
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"};
    const char *set = NULL;
    for (size_t i = 0; set == NULL && i < ARC_COUNT_OF(names); i++)
        set = setlocale(LC_NUMERIC, names[i]);
    if (set == NULL) {
        test_skip("no locale with a decimal comma is installed");
        return;
    }
    struct room room;
    room_init(&room);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (size_t i = 0; i < MESSAGE_TYPES; i++) {
            if (strcmp(message_types[i].name, "stream.v1.AgentMetrics") == 0)
                check_round_trip(&room, i, seed);
        }
    }
    room_deinit(&room);
    (void)setlocale(LC_NUMERIC, "C");
}

/* ---- out ------------------------------------------------------------------------------------ */

static void names_words_and_presence_are_the_contracts(void)
{
    struct room room;
    room_init(&room);
    Steprun__V1__StepRunDetail *step =
        arc__pb_new(&steprun__v1__step_run_detail__descriptor, &room.arena);
    step->step_run_id = arc__pb_cstr(&room.arena, "01S");
    step->status = STEPRUN__V1__STEP_RUN_STATUS__STEP_RUN_STATUS_RUNNING;
    step->started_at = 1700000000;
    step->started_at_ns = INT64_C(1700000000123456789);
    step->duration = INT64_C(9007199254740993);
    CHECK(arc__pb_map_put(step, "env", ARC_LIT("A"), ARC_LIT("1"), &room.arena));
    CHECK_TEXT(shown(&room, step),
               "{\"stepRunId\":\"01S\",\"pipelineId\":\"\",\"pipelineRunId\":\"\",\"jobId\":\"\","
               "\"jobName\":\"\",\"stepName\":\"\",\"stepIndex\":0,\"uses\":\"\",\"action\":\"\","
               "\"status\":\"running\",\"env\":{\"A\":\"1\"},\"workspace\":\"\",\"timeout\":\"\","
               "\"image\":\"\",\"artifacts\":[],\"continueOnError\":false,\"when\":\"\","
               "\"runOnAgent\":false,\"agentId\":\"\",\"agentLabels\":{},\"exitCode\":0,"
               "\"errorMessage\":\"\",\"startedAt\":1700000000,\"duration\":9007199254740993,"
               "\"createdBy\":\"\",\"metrics\":{},\"plugins\":[],\"attempt\":0,\"outputs\":{},"
               "\"reason\":\"\",\"startedAtNs\":1700000000123456789}");
    room_deinit(&room);
}

static void special_types_have_their_own_form(void)
{
    struct room room;
    room_init(&room);
    CHECK_OK(read_json(&room, &gateway__v1__event__descriptor,
                       ARC_LIT("{\"meta\":{\"seq\":18446744073709551615,"
                               "\"timestamp\":\"2026-01-31T09:00:00.25+01:00\"},"
                               "\"payload\":{\"n\":1,\"l\":[null,true,-2.5,\"x\",{}],\"o\":{\"a\":"
                               "[]}}}")));
    if (room.message != NULL)
        CHECK_TEXT(shown(&room, room.message),
                   "{\"eventId\":\"\",\"meta\":{\"agentId\":\"\",\"pipelineId\":\"\","
                   "\"stepId\":\"\",\"timestamp\":\"2026-01-31T08:00:00.250Z\","
                   "\"seq\":18446744073709551615,\"attempt\":0,\"fence\":0},\"eventType\":\"\","
                   "\"payload\":{\"n\":1,\"l\":[null,true,-2.5,\"x\",{}],\"o\":{\"a\":[]}}}");
    room_clear(&room);
    CHECK_OK(read_json(&room, &pipeline__v1__update_pipeline_request__descriptor,
                       ARC_LIT("{\"updateMask\":\"name, defaultBranch,is_enabled\"}")));
    const Pipeline__V1__UpdatePipelineRequest *update = room.message;
    if (update != NULL && CHECK_INT(update->update_mask->n_paths, 3)) {
        CHECK_TEXT(arc__slice_cstr(update->update_mask->paths[1]), "default_branch");
        CHECK_TEXT(arc__slice_cstr(update->update_mask->paths[2]), "is_enabled");
    }
    room_clear(&room);
    CHECK_OK(read_json(&room, &gateway__v1__log_batch__descriptor,
                       ARC_LIT("{\"data\":\"AAH/\",\"compression\":\"gzip\"}")));
    const Gateway__V1__LogBatch *batch = room.message;
    if (batch != NULL && CHECK_INT(batch->data.len, 3)) {
        CHECK(memcmp(batch->data.data, "\x00\x01\xFF", 3) == 0);
        CHECK_INT(batch->compression, GATEWAY__V1__LOG_BATCH__COMPRESSION__COMPRESSION_GZIP);
    }
    room_deinit(&room);
}

/* protobuf-c leaves out a member of a oneof that points where its default does. */
static void an_empty_text_in_free_data_stays(void)
{
    struct room room;
    struct arc_buf bytes;
    void *again = NULL;
    room_init(&room);
    arc__buf_init(&bytes, &room.mem, 1 << 16);
    CHECK_OK(read_json(&room, &google__protobuf__struct__descriptor,
                       ARC_LIT("{\"a\":\"\",\"b\":[\"\",null]}")));
    if (room.message != NULL) {
        CHECK_OK(arc__pb_encode(room.message, &bytes, NULL));
        CHECK_OK(arc__pb_decode(&google__protobuf__struct__descriptor, arc__buf_slice(&bytes),
                                &room.arena, NULL, &again, NULL));
        CHECK_TEXT(shown(&room, again), "{\"a\":\"\",\"b\":[\"\",null]}");
    }
    arc__buf_deinit(&bytes);
    room_deinit(&room);
}

static void fields_can_be_left_out_or_written_alone(void)
{
    static const char *const envelope[] = {"success", "message", "error"};
    struct room room;
    room_init(&room);
    Pipeline__V1__TriggerPipelineResponse *reply =
        arc__pb_new(&pipeline__v1__trigger_pipeline_response__descriptor, &room.arena);
    reply->success = 1;
    reply->run_id = arc__pb_cstr(&room.arena, "01R");
    struct arc_pb_json_options options = {envelope, 3, 0};
    CHECK_OK(arc__pb_to_json(reply, &room.json, &options, NULL));
    CHECK_TEXT(arc__buf_slice(&room.buf), "{\"runId\":\"01R\",\"duplicate\":false}");
    arc__buf_clear(&room.buf);
    arc__json_init(&room.json, &room.buf);
    options.members_only = 1;
    arc__json_object(&room.json);
    arc__json_key_i64(&room.json, "first", 1);
    CHECK_OK(arc__pb_to_json(reply, &room.json, &options, NULL));
    arc__json_end_object(&room.json);
    CHECK_TEXT(arc__buf_slice(&room.buf), "{\"first\":1,\"runId\":\"01R\",\"duplicate\":false}");

    Pipeline__V1__GetPipelineSpecResponse *get =
        arc__pb_new(&pipeline__v1__get_pipeline_spec_response__descriptor, &room.arena);
    Control__V1__ListJobRunsResponse *list =
        arc__pb_new(&control__v1__list_job_runs_response__descriptor, &room.arena);
    Control__V1__JobRunDetail *job = arc__pb_add(list, "job_runs", &room.arena);
    CHECK(job != NULL && arc__pb_add_text(job, "depends_on", ARC_LIT("a"), &room.arena));
    arc__buf_clear(&room.buf);
    arc__json_init(&room.json, &room.buf);
    arc__json_array(&room.json);
    CHECK_OK(arc__pb_field_to_json(get, "spec", &room.json, NULL));
    CHECK_OK(arc__pb_field_to_json(get, "branch", &room.json, NULL));
    CHECK_OK(arc__pb_field_to_json(list, "job_runs", &room.json, NULL));
    CHECK_STATUS(arc__pb_field_to_json(list, "jobs", &room.json, NULL), ARC_ENOTFOUND);
    arc__json_end_array(&room.json);
    CHECK(arc__slice_starts(arc__buf_slice(&room.buf), ARC_LIT("[null,\"\",[{\"jobId\":\"\",")));
    CHECK(memmem(room.buf.ptr, room.buf.len, "\"dependsOn\":[\"a\"]", 17) != NULL);
    room_deinit(&room);
}

static void numbers_that_json_cannot_say_are_null(void)
{
    struct room room;
    room_init(&room);
    Stream__V1__AgentMetrics *load =
        arc__pb_new(&stream__v1__agent_metrics__descriptor, &room.arena);
    load->cpu_usage = strtod("nan", NULL);
    load->memory_usage = strtod("-inf", NULL);
    load->disk_usage = -0.0;
    CHECK_TEXT(shown(&room, load), "{\"cpuUsage\":null,\"memoryUsage\":null,\"diskUsage\":0,"
                                   "\"runningStepRuns\":0,\"customMetrics\":{}}");
    room_deinit(&room);
}

static void an_enum_number_without_a_name_is_written_as_a_number(void)
{
    struct room room;
    room_init(&room);
    Agent__V1__TaskAck *ack = arc__pb_new(&agent__v1__task_ack__descriptor, &room.arena);
    ack->status = (Agent__V1__AckStatus)77;
    CHECK_TEXT(shown(&room, ack), "{\"commandId\":\"\",\"status\":77,\"message\":\"\"}");
    room_deinit(&room);
}

static void a_message_nested_too_deep_is_refused_not_followed(void)
{
    struct room room;
    room_init(&room);
    Google__Protobuf__Value *value = arc__pb_new(&google__protobuf__value__descriptor, &room.arena);
    Google__Protobuf__Value *outermost = value;
    for (int i = 0; i < 200; i++) {
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
        value->list_value = arc__pb_new(&google__protobuf__list_value__descriptor, &room.arena);
        value = arc__pb_add(value->list_value, "values", &room.arena);
    }
    CHECK_STATUS(arc__pb_to_json(outermost, &room.json, NULL, NULL), ARC_ELIMIT);
    room_deinit(&room);
}

/* ---- in: what is taken and what is refused -------------------------------------------------- */

struct number_case {
    const char *field, *text;
    arc_status want;
    const char *as; /* how it is written again; NULL: as text */
};

static const struct number_case values_cases[] = {
    {"exitCode", "2147483647", ARC_OK, NULL},
    {"exitCode", "-2147483648", ARC_OK, NULL},
    {"exitCode", "2147483648", ARC_EINVAL, NULL},
    {"exitCode", "-2147483649", ARC_EINVAL, NULL},
    {"exitCode", "-0", ARC_EINVAL, NULL},
    {"exitCode", "1.0", ARC_EINVAL, NULL},
    {"exitCode", "1e2", ARC_EINVAL, NULL},
    {"exitCode", "\"1\"", ARC_EINVAL, NULL},
    {"exitCode", "true", ARC_EINVAL, NULL},
    {"exitCode", "[]", ARC_EINVAL, NULL},
    {"exitCode", "01", ARC_EINVAL, NULL},
    {"exitCode", "+1", ARC_EINVAL, NULL},
    {"exitCode", "0x1", ARC_EINVAL, NULL},
    {"exitCode", "null", ARC_OK, "0"},
    {"logLines", "9223372036854775807", ARC_OK, NULL},
    {"logLines", "-9223372036854775808", ARC_OK, NULL},
    {"logLines", "9223372036854775808", ARC_EINVAL, NULL},
    {"logLines", "1e999", ARC_EINVAL, NULL},
    {"fence", "18446744073709551615", ARC_OK, NULL},
    {"fence", "18446744073709551616", ARC_EINVAL, NULL},
    {"fence", "-1", ARC_EINVAL, NULL},
    {"status", "\"running\"", ARC_OK, NULL},
    {"status", "\"Running\"", ARC_OK, "\"running\""},
    {"status", "\"STEP_RUN_STATUS_RUNNING\"", ARC_OK, "\"running\""},
    {"status", "3", ARC_OK, "\"running\""},
    {"status", "\"\"", ARC_OK, NULL},
    {"status", "\"unspecified\"", ARC_OK, "\"\""},
    {"status", "\"done\"", ARC_EINVAL, NULL},
    {"status", "99", ARC_EINVAL, NULL},
    {"status", "3.0", ARC_EINVAL, NULL},
    {"errorMessage", "\"\\u00e4\\ud83d\\ude80\\n\"", ARC_OK, "\"\xC3\xA4\xF0\x9F\x9A\x80\\n\""},
    {"errorMessage", "\"\\u0000\"", ARC_EINVAL, NULL},
    {"errorMessage", "\"\\ud83d\"", ARC_EINVAL, NULL},
    {"errorMessage", "\"\\ude80\\ud83d\"", ARC_EINVAL, NULL},
    {"errorMessage", "\"\\ud83d\\u0041\"", ARC_EINVAL, NULL},
    {"errorMessage", "\"\xC0\xAF\"", ARC_EINVAL, NULL},
    {"errorMessage", "\"\xED\xA0\x80\"", ARC_EINVAL, NULL},
    {"errorMessage", "\"\x01\"", ARC_EINVAL, NULL},
    {"errorMessage", "\"\\x\"", ARC_EINVAL, NULL},
    {"errorMessage", "7", ARC_EINVAL, NULL},
    {"metrics", "{\"a\":\"1\"}", ARC_OK, NULL},
    {"metrics", "{\"a\":1}", ARC_EINVAL, NULL},
    {"metrics", "{\"a\":null}", ARC_EINVAL, NULL},
    {"metrics", "{\"a\":\"1\",\"a\":\"1\"}", ARC_EINVAL, NULL},
    {"metrics", "{\"a\":\"1\",\"\\u0061\":\"1\"}", ARC_EINVAL, NULL},
    {"metrics", "[]", ARC_EINVAL, NULL},
    {"metrics", "null", ARC_OK, "{}"},
};

static void numbers_are_taken_exactly_or_refused(void)
{
    struct room room;
    room_init(&room);
    for (size_t i = 0; i < ARC_COUNT_OF(values_cases); i++) {
        char text[128], want[128];
        room_clear(&room);
        (void)snprintf(text, sizeof(text), "{\"%s\":%s}", values_cases[i].field,
                       values_cases[i].text);
        int held =
            CHECK_STATUS(read_json(&room, &agent__v1__report_step_run_status_request__descriptor,
                                   arc__slice_cstr(text)),
                         values_cases[i].want);
        if (held && values_cases[i].want == ARC_OK) {
            (void)snprintf(want, sizeof(want), "\"%s\":%s", values_cases[i].field,
                           values_cases[i].as != NULL ? values_cases[i].as : values_cases[i].text);
            arc_slice seen = shown(&room, room.message);
            held = CHECK_INT(memmem(seen.ptr, seen.len, want, strlen(want)) != NULL, 1);
        } else {
            CHECK(room.message == NULL);
        }
        if (!held)
            printf("# %s: %s: %s\n", text, room.err.subject, room.err.message);
    }
    room_deinit(&room);
}

static void free_data_keeps_its_numbers_exactly_or_refuses_them(void)
{
    static const struct {
        const char *text;
        arc_status want;
        const char *as;
    } cases[] = {
        {"9007199254740992", ARC_OK, NULL},
        {"9007199254740993", ARC_EINVAL, NULL},
        {"-9007199254740993", ARC_EINVAL, NULL},
        {"9223372036854775807", ARC_EINVAL, NULL},
        {"18446744073709551616", ARC_EINVAL, NULL},
        {"0.1", ARC_OK, NULL},
        {"1E3", ARC_OK, "1000"},
        {"-0", ARC_EINVAL, NULL},
        {"-0.0", ARC_EINVAL, NULL},
        {"1e999", ARC_EINVAL, NULL},
        {"-1e999", ARC_EINVAL, NULL},
    };
    struct room room;
    room_init(&room);
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        char text[64], want[64];
        room_clear(&room);
        (void)snprintf(text, sizeof(text), "{\"a\":%s}", cases[i].text);
        (void)snprintf(want, sizeof(want), "{\"a\":%s}",
                       cases[i].as != NULL ? cases[i].as : cases[i].text);
        if (CHECK_STATUS(
                read_json(&room, &google__protobuf__struct__descriptor, arc__slice_cstr(text)),
                cases[i].want) &&
            cases[i].want == ARC_OK)
            CHECK_TEXT(shown(&room, room.message), want);
    }
    room_deinit(&room);
}

/* clang-format off */
static const char *const bad_texts[] = {
    " ",
    "{",
    "}",
    "[]",
    "\"a\"",
    "1",
    "null",
    "true",
    "{]",
    "{}}",
    "{} {}",
    "{\"a\"}",
    "{\"a\":}",
    "{a:1}",
    "{'a':1}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\" 1}",
    "{\"a\"::1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":tru}",
    "{\"a\":nul}",
    "{\"a\":TRUE}",
    "{\"a\":NaN}",
    "{\"a\":Infinity}",
    "{\"a\":.5}",
    "{\"a\":5.}",
    "{\"a\":1e}",
    "{\"a\":1e+}",
    "{\"a\":--1}",
    "{\"a\":-}",
    "{\"a\":[1,]}",
    "{\"a\":[,1]}",
    "{\"a\":[1 2]}",
    "{\"a\":\"}",
    "{\"a\":\"\\\"}",
    "{\"a\":\"\\u12\"}",
    "{\"a\":\"\\u12g4\"}",
    "{\"a\":/**/1}",
    "// x\n{}",
    "{}\f",
    "\f{}",
    "\v{}",
    "\xEF\xBB\xBF{}",
    "{\"a\":1}x",
    "{\"\xFF\":1}",
    "{\"a\":\"\n\"}",
    "{\"a\":\"\t\"}",
    "#",
    "{\"a\":1}#",
    "{\"a\":0 1}",
    "{\"a\":[[]}",
    "{\"a\":[}]",
    "\xC2\xA0{}",
};
/* clang-format on */

static void texts_that_are_not_json_are_refused(void)
{
    struct room room;
    room_init(&room);
    for (size_t i = 0; i < ARC_COUNT_OF(bad_texts); i++) {
        room_clear(&room);
        if (!CHECK_STATUS(read_json(&room, &google__protobuf__struct__descriptor,
                                    arc__slice_cstr(bad_texts[i])),
                          ARC_EINVAL))
            printf("# case %zu: %s\n", i, bad_texts[i]);
        CHECK(room.message == NULL && room.err.line > 0);
    }
    CHECK_STATUS(read_json(&room, &google__protobuf__struct__descriptor, (arc_slice){"{}\0", 3}),
                 ARC_EINVAL);
    room_deinit(&room);
}

static void texts_that_are_json_are_taken(void)
{
    static const char *const good[] = {
        "{}",
        " {\t}\r\n",
        "{\"\":\"\"}",
        "{\"a\":[1,[2,[3,[]]],{\"b\":{}}]}",
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"}",
        "{\"a\":-1.5e-3,\"b\":0,\"c\":10}",
        "{\"a\":\"\xEF\xBF\xBF\xF4\x8F\xBF\xBF\x7F\"}",
        "{\"a b\":1,\"a.b\":2,\"A b\":3}",
    };
    struct room room;
    room_init(&room);
    for (size_t i = 0; i < ARC_COUNT_OF(good); i++) {
        room_clear(&room);
        CHECK_OK(read_json(&room, &google__protobuf__struct__descriptor, arc__slice_cstr(good[i])));
    }
    room_clear(&room);
    CHECK_OK(read_json(&room, &google__protobuf__list_value__descriptor, ARC_LIT("[1,[],null]")));
    CHECK_TEXT(shown(&room, room.message), "[1,[],null]");
    room_clear(&room);
    CHECK_OK(read_json(&room, &google__protobuf__value__descriptor, ARC_LIT("17")));
    CHECK_TEXT(shown(&room, room.message), "17");
    room_clear(&room);
    CHECK_OK(read_json(&room, &agent__v1__unregister_request__descriptor, ARC_NONE));
    CHECK(room.message != NULL);
    room_deinit(&room);
}

struct refusal {
    const ProtobufCMessageDescriptor *descriptor;
    const char *text, *subject, *message;
    uint32_t line, column;
};

static const struct refusal refusal_cases[] = {
    {&pipeline__v1__spec__descriptor, "{\"jobs\":[{},{\"steps\":[{\"uses\":7}]}]}",
     "jobs[1].steps[0].uses", "A string is expected here.", 1, 31},
    {&pipeline__v1__spec__descriptor, "{\n \"variables\": {\"A\": []}}", "variables.A",
     "A string is expected here.", 2, 21},
    {&pipeline__v1__spec__descriptor, "{\"jobs\":[null]}", "jobs[0]", "A list may not hold null.",
     1, 10},
    {&pipeline__v1__spec__descriptor, "{\"jobs\":{}}", "jobs", "A list is expected here.", 1, 9},
    {&pipeline__v1__spec__descriptor, "{\"meta\":{\"a\":[1,-0]}}", "meta.a[1]",
     "The number cannot be held exactly.", 1, 17},
    {&pipeline__v1__spec__descriptor, "{\"namespace\":\"a\",\"namespace\":\"b\"}", "namespace",
     "The key comes twice.", 1, 18},
    {&pipeline__v1__job__descriptor, "{\"dependsOn\":[],\"dependsOn\":[]}", "dependsOn",
     "The key comes twice.", 1, 17},
    {&pipeline__v1__trigger_pipeline_request__descriptor,
     "{\"pipelineId\":\"a\",\"pipeline_id\":\"b\"}", "pipelineId", "The key comes twice.", 1, 19},
    {&agent__v1__connect_request__descriptor, "{\"heartbeat\":{},\"taskAck\":{}}", "taskAck",
     "Only one of these fields may be set.", 1, 27},
    {&pipeline__v1__list_pipelines_request__descriptor, "{\"status\":\"done\"}", "status",
     "One of pending, running, success, failed, cancelled, paused, partial is expected here.", 1,
     11},
    {&gateway__v1__meta__descriptor, "{\"timestamp\":\"2026-02-29T00:00:00Z\"}", "timestamp",
     "A time such as \"2026-01-31T08:00:00Z\" is expected here.", 1, 14},
    {&gateway__v1__log_batch__descriptor, "{\"data\":\"a\"}", "data",
     "A string in base64 is expected here.", 1, 9},
    {&pipeline__v1__spec__descriptor, "[]", "body", "An object is expected here.", 1, 1},
    {&pipeline__v1__spec__descriptor, "{\n\"a\":\n\xE2\x82\xAC}", "json",
     "This character does not belong here.", 3, 1},
};

static void refusals_name_the_path_and_the_place(void)
{
    struct room room;
    room_init(&room);
    for (size_t i = 0; i < ARC_COUNT_OF(refusal_cases); i++) {
        room_clear(&room);
        CHECK_STATUS(
            read_json(&room, refusal_cases[i].descriptor, arc__slice_cstr(refusal_cases[i].text)),
            ARC_EINVAL);
        int held = CHECK_TEXT(arc__slice_cstr(room.err.subject), refusal_cases[i].subject) +
                   CHECK_TEXT(arc__slice_cstr(room.err.message), refusal_cases[i].message) +
                   CHECK_INT(room.err.line, refusal_cases[i].line) +
                   CHECK_INT(room.err.column, refusal_cases[i].column);
        if (held != 4)
            printf("# case %zu: %s\n", i, refusal_cases[i].text);
    }
    room_deinit(&room);
}

static void unknown_fields_are_all_named_with_what_was_meant(void)
{
    struct room room;
    room_init(&room);
    CHECK_STATUS(read_json(&room, &pipeline__v1__create_pipeline_request__descriptor,
                           ARC_LIT("{\"name\":\"a\",\"descripton\":[{\"x\":[1]}],\"zzz\":null,\n"
                                   "\"spec\":{\"jobs\":[{\"depends-on\":[]}]}}")),
                 ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(room.err.subject), "descripton");
    CHECK_TEXT(arc__slice_cstr(room.err.message),
               "Unknown fields: descripton (meant: description?), zzz, depends-on (meant: "
               "dependsOn?).");
    CHECK_INT(room.err.line, 1);
    room_clear(&room);
    CHECK_STATUS(read_json(&room, &pipeline__v1__create_pipeline_request__descriptor,
                           ARC_LIT("{\"spec\":{\"jobs\":[{},{\"nam\":1}]}}")),
                 ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(room.err.subject), "spec.jobs[1].nam");
    CHECK_TEXT(arc__slice_cstr(room.err.message), "Unknown field: nam (meant: name?).");
    room_deinit(&room);
}

static void what_was_there_is_reported(void)
{
    struct room room;
    struct arc_pb_read read = {NULL, ARC_NONE, 0};
    const ProtobufCMessageDescriptor *descriptor =
        &pipeline__v1__update_pipeline_request__descriptor;
    room_init(&room);
    CHECK_OK(arc__pb_from_json(descriptor,
                               ARC_LIT("{\"name\":\"\",\"is_enabled\":0,\"repoUrl\":null,"
                                       "\"metadata\":{}}"),
                               &room.arena, NULL, &room.message, &read, NULL));
    CHECK(arc__pb_has(descriptor, read.present, "name"));
    CHECK(arc__pb_has(descriptor, read.present, "is_enabled"));
    CHECK(arc__pb_has(descriptor, read.present, "metadata"));
    CHECK(!arc__pb_has(descriptor, read.present, "repo_url"));
    CHECK(!arc__pb_has(descriptor, read.present, "description"));
    CHECK(!arc__pb_has(descriptor, read.present, "no_such_field"));
    room_deinit(&room);
}

static void a_raw_field_is_left_as_it_stands(void)
{
    static const struct {
        const char *text, *raw;
        arc_status want;
    } cases[] = {
        {"{\"name\":\"a\",\"spec\": {\"jobs\" : [ {\"x-y\":1} ] }\n,\"saveMode\":\"pr\"}",
         "{\"jobs\" : [ {\"x-y\":1} ] }", ARC_OK},
        {"{\"spec\":{}}", "{}", ARC_OK},
        {"{ \"spec\" :\t[1,{\"spec\":2}] }", "[1,{\"spec\":2}]", ARC_OK},
        {"{\"spec\" : \"te\\\"xt\" }", "\"te\\\"xt\"", ARC_OK},
        {"{\"spec\": -1.5e3 }", "-1.5e3", ARC_OK},
        {"{\"spec\":true}", "true", ARC_OK},
        {"{\"spec\":null}", "", ARC_OK},
        {"{\"metadata\":{\"spec\":\"x\"}}", "", ARC_OK},
        {"{}", "", ARC_OK},
        {"{\"spec\":{\"a\":1,\"a\":2}}", "{\"a\":1,\"a\":2}", ARC_OK}, /* its reader's to refuse */
        {"{\"spec\":{\"a\":}}", "", ARC_EINVAL},
        {"{\"spec\":{},\"spec\":{}}", "", ARC_EINVAL},
        {"{\"spec\":{},\"speck\":{}}", "", ARC_EINVAL},
    };
    struct room room;
    room_init(&room);
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        struct arc_pb_read read = {"spec", ARC_NONE, 0};
        const ProtobufCMessageDescriptor *descriptor =
            &pipeline__v1__create_pipeline_request__descriptor;
        room_clear(&room);
        arc_slice text = arc__slice_cstr(cases[i].text);
        if (!CHECK_STATUS(arc__pb_from_json(descriptor, text, &room.arena, NULL, &room.message,
                                            &read, &room.err),
                          cases[i].want))
            printf("# case %zu: %s: %s\n", i, room.err.subject, room.err.message);
        CHECK_TEXT(read.raw, cases[i].raw);
        CHECK_INT(arc__pb_has(descriptor, read.present, "spec"), cases[i].raw[0] != '\0');
        CHECK(read.raw.ptr == NULL ||
              (read.raw.ptr >= text.ptr && read.raw.ptr + read.raw.len <= text.ptr + text.len));
        if (cases[i].want == ARC_OK) {
            const Pipeline__V1__CreatePipelineRequest *request = room.message;
            CHECK(request->spec == NULL);
        }
    }
    room_deinit(&room);
}

/* ---- bombs and limits ----------------------------------------------------------------------- */

struct bomb {
    arc_slice text;
    const char *raw_field;
    arc_status status;
};

static void *set_off(void *user)
{
    struct bomb *bomb = user;
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_pb_read read = {bomb->raw_field, ARC_NONE, 0};
    void *message = NULL;
    arc__arena_init(&arena, &mem, BUDGET);
    bomb->status = arc__pb_from_json(&pipeline__v1__create_pipeline_request__descriptor, bomb->text,
                                     &arena, NULL, &message, &read, NULL);
    arc__arena_deinit(&arena);
    return NULL;
}

static arc_status on_small_stack(struct bomb *bomb)
{
    pthread_attr_t attr;
    pthread_t thread;
    bomb->status = ARC_EINTERNAL;
    if (pthread_attr_init(&attr) == 0 && pthread_attr_setstacksize(&attr, 64 * 1024) == 0 &&
        pthread_create(&thread, &attr, set_off, bomb) == 0)
        (void)pthread_join(thread, NULL);
    (void)pthread_attr_destroy(&attr);
    return bomb->status;
}

static void no_depth_of_json_crashes_a_small_stack(void)
{
    static const size_t levels[] = {1,   20,  21,  22,   60,     64,     65,
                                    100, 128, 130, 1000, 100000, 1000000};
    static const char *const forms[][3] = {
        {"{\"spec\":{\"meta\":{\"a\":", "[", "]"},
        {"{\"spec\":{\"meta\":{\"a\":", "{\"b\":", "}"},
        {"{\"spec\":", "[", "]"},
        {"{\"nothing\":", "[", "]"},
    };
    struct room room;
    room_init(&room);
    for (size_t f = 0; f < ARC_COUNT_OF(forms); f++) {
        for (size_t i = 0; i < ARC_COUNT_OF(levels); i++) {
            for (int closed = 0; closed < 2; closed++) {
                room_clear(&room);
                arc__buf_add_cstr(&room.buf, forms[f][0]);
                for (size_t n = 0; n < levels[i]; n++)
                    arc__buf_add_cstr(&room.buf, forms[f][1]);
                arc__buf_add_cstr(&room.buf, f == 1 ? "1" : "");
                for (size_t n = 0; closed && n < levels[i]; n++)
                    arc__buf_add_cstr(&room.buf, forms[f][2]);
                arc__buf_add_cstr(&room.buf, closed ? (f < 2 ? "}}}" : "}") : "");
                struct bomb bomb = {arc__buf_slice(&room.buf), f == 2 ? "spec" : NULL, ARC_OK};
                arc_status status = on_small_stack(&bomb);
                /* 64 messages: request, spec, meta, and each level a list and a value, or a
                 * struct, an entry and a value. */
                size_t fits = f == 0 ? 28 : f == 1 ? 19 : f == 2 ? 127 : 0;
                if (closed && levels[i] <= fits) {
                    CHECK_STATUS(status, ARC_OK);
                } else {
                    CHECK(status == ARC_ELIMIT || status == ARC_EINVAL);
                }
            }
        }
    }
    room_deinit(&room);
}

static void long_strings_with_escapes_fit_the_parsers_memory(void)
{
    /* Around each size at which the parser's buffers double; too little memory would crash here. */
    struct room room;
    room_init(&room);
    for (size_t size = 16; size <= 262144; size *= 2) {
        for (size_t len = size - 3; len <= size + 3; len++) {
            room_clear(&room);
            arc__buf_add_cstr(&room.buf, "{\"reason\":\"");
            for (size_t i = 0; i + 1 < len; i++)
                arc__buf_add_char(&room.buf, 'x');
            arc__buf_add_cstr(&room.buf, "\\n\",\"agentId\":\"\\t\"}");
            arc_slice text = arc__buf_slice(&room.buf);
            CHECK_STATUS(read_json(&room, &agent__v1__unregister_request__descriptor, text),
                         len <= 262144 ? ARC_OK : ARC_ELIMIT);
            if (len > 262144 || size < 32768)
                continue;
            /* Every character an escape of six bytes. */
            room_clear(&room);
            arc__buf_add_cstr(&room.buf, "{\"reason\":\"");
            for (size_t i = 0; i < len; i++)
                arc__buf_add_cstr(&room.buf, "\\u0041");
            arc__buf_add_cstr(&room.buf, "\"}");
            CHECK_OK(read_json(&room, &agent__v1__unregister_request__descriptor,
                               arc__buf_slice(&room.buf)));
        }
    }
    room_deinit(&room);
}

static void each_limit_of_json_holds_and_can_be_set(void)
{
    struct room room;
    const char text[] = "{\"jobs\":[{\"name\":\"abc\"},{},{}]}";
    const struct {
        struct arc_pb_limits limits;
        arc_status want;
    } cases[] = {
        {{0}, ARC_OK},
        {{.json_bytes_max = sizeof(text) - 1}, ARC_OK},
        {{.json_bytes_max = sizeof(text) - 2}, ARC_ELIMIT},
        {{.elements_max = 3}, ARC_OK},
        {{.elements_max = 2}, ARC_ELIMIT},
        {{.messages_max = 4}, ARC_OK},
        {{.messages_max = 3}, ARC_ELIMIT},
        {{.depth_max = 2}, ARC_OK},
        {{.depth_max = 1}, ARC_ELIMIT},
        {{.json_depth_max = 3}, ARC_OK},
        {{.json_depth_max = 2}, ARC_ELIMIT},
        {{.string_bytes_max = 4}, ARC_OK},
        {{.string_bytes_max = 3}, ARC_ELIMIT}, /* "name" and "jobs" are strings too */
    };
    room_init(&room);
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        if (!CHECK_STATUS(arc__pb_from_json(&pipeline__v1__spec__descriptor, arc__slice_cstr(text),
                                            &room.arena, &cases[i].limits, &room.message, NULL,
                                            NULL),
                          cases[i].want))
            printf("# case %zu\n", i);
    }
    arc__buf_clear(&room.buf);
    arc__buf_add_cstr(&room.buf, "{\"stepIndex\":1");
    for (int i = 0; i < 100; i++)
        arc__buf_add_char(&room.buf, '0');
    arc__buf_add_cstr(&room.buf, "}");
    CHECK_STATUS(read_json(&room, &agent__v1__step_run__descriptor, arc__buf_slice(&room.buf)),
                 ARC_ELIMIT);
    struct arc_arena tiny;
    arc__arena_init(&tiny, &room.mem, 200);
    room.message = NULL;
    CHECK_STATUS(arc__pb_from_json(&pipeline__v1__spec__descriptor, arc__slice_cstr(text), &tiny,
                                   NULL, &room.message, NULL, NULL),
                 ARC_ELIMIT);
    CHECK(room.message == NULL);
    arc__arena_deinit(&tiny);
    room_deinit(&room);
}

static void json_that_is_cut_is_refused_at_every_length(void)
{
    struct room room;
    struct dice dice = dice_of(9);
    room_init(&room);
    const ProtobufCMessageDescriptor *descriptor = &pipeline__v1__spec__descriptor;
    arc_slice whole = shown(&room, random_message(&dice, descriptor, &room.arena, 4));
    for (size_t len = 1; len < whole.len; len++) {
        char *copy = malloc(len); /* exactly that size: a look behind its end is seen */
        void *message = NULL;
        if (copy == NULL)
            break;
        memcpy(copy, whole.ptr, len);
        CHECK_STATUS(arc__pb_from_json(descriptor, arc__slice(copy, len), &room.arena, NULL,
                                       &message, NULL, NULL),
                     ARC_EINVAL);
        CHECK(message == NULL);
        arc__arena_reset(&room.arena);
        free(copy);
    }
    room_deinit(&room);
}

static void damaged_json_never_crashes(void)
{
    struct room room;
    room_init(&room);
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct dice dice = dice_of(seed);
        const ProtobufCMessageDescriptor *descriptor =
            message_types[roll_below(&dice, MESSAGE_TYPES)].descriptor;
        room_clear(&room);
        arc_slice text = shown(&room, random_message(&dice, descriptor, &room.arena, 3));
        for (int i = 0; i < 2; i++)
            room.buf.ptr[roll_below(&dice, text.len)] = "{}[]\",:\\0 \xC3"[roll_below(&dice, 11)];
        arc_status status = read_json(&room, descriptor, text);
        CHECK(status == ARC_OK || status == ARC_EINVAL || status == ARC_ELIMIT);
        CHECK((status == ARC_OK) == (room.message != NULL));
    }
    room_deinit(&room);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void reading_json_survives_every_failed_allocation(void)
{
    struct room room;
    struct dice dice = dice_of(4);
    room_init(&room);
    const ProtobufCMessageDescriptor *descriptor = &agent__v1__step_run__descriptor;
    arc_slice text = shown(&room, random_message(&dice, descriptor, &room.arena, 5));
    for (int sticky = 0; sticky < 2; sticky++) {
        arc_status status = ARC_ENOMEM;
        for (uint64_t n = 1; status != ARC_OK; n++) {
            struct test_mem state = {.fail_at = n, .sticky = sticky};
            struct arc_mem mem = test_mem(&state);
            struct arc_arena arena;
            struct arc_pb_read read = {NULL, ARC_NONE, 0};
            void *message = NULL;
            arc__arena_init(&arena, &mem, BUDGET);
            status = arc__pb_from_json(descriptor, text, &arena, NULL, &message, &read, NULL);
            CHECK(status == ARC_OK ||
                  (status == ARC_ENOMEM && message == NULL && read.present == 0));
            arc__arena_deinit(&arena);
            CHECK_INT(state.live, 0);
            if (n > 10000 || (status != ARC_OK && status != ARC_ENOMEM))
                break;
        }
        CHECK_OK(status);
    }
    room_deinit(&room);
}

static void writing_json_survives_every_failed_allocation(void)
{
    struct room room;
    struct dice dice = dice_of(4);
    room_init(&room);
    const void *message =
        random_message(&dice, &gateway__v1__log_batch__descriptor, &room.arena, 5);
    arc_status status = ARC_ENOMEM;
    for (uint64_t n = 1; status != ARC_OK && n < 10000; n++) {
        struct test_mem state = {.fail_at = n};
        struct arc_mem mem = test_mem(&state);
        struct arc_buf out;
        struct arc_json json;
        arc__buf_init(&out, &mem, BUDGET);
        arc__json_init(&json, &out);
        status = arc__pb_to_json(message, &json, NULL, NULL);
        CHECK(status == ARC_OK || status == ARC_ENOMEM);
        arc__buf_deinit(&out);
        CHECK_INT(state.live, 0);
    }
    CHECK_OK(status);
    room_deinit(&room);
}

static const struct test tests[] = {
    {"every message of the contract survives JSON", every_message_survives_json},
    {"a locale with a decimal comma changes nothing", a_locale_with_a_comma_changes_nothing},
    {"names, words and presence are the contract's", names_words_and_presence_are_the_contracts},
    {"times, masks, bytes and free data have their own form", special_types_have_their_own_form},
    {"an empty text in free data stays on the way to bytes", an_empty_text_in_free_data_stays},
    {"fields can be left out or written alone", fields_can_be_left_out_or_written_alone},
    {"numbers that JSON cannot say are null", numbers_that_json_cannot_say_are_null},
    {"an enum number without a name is written as a number",
     an_enum_number_without_a_name_is_written_as_a_number},
    {"a message nested too deep is refused, not followed",
     a_message_nested_too_deep_is_refused_not_followed},
    {"values are taken exactly or refused", numbers_are_taken_exactly_or_refused},
    {"free data keeps its numbers exactly or refuses them",
     free_data_keeps_its_numbers_exactly_or_refuses_them},
    {"texts that are not JSON are refused with their place", texts_that_are_not_json_are_refused},
    {"texts that are JSON are taken", texts_that_are_json_are_taken},
    {"refusals name the path and the place", refusals_name_the_path_and_the_place},
    {"unknown fields are all named, with what was meant",
     unknown_fields_are_all_named_with_what_was_meant},
    {"which fields were there is reported", what_was_there_is_reported},
    {"a raw field is left as it stands in the text", a_raw_field_is_left_as_it_stands},
    {"no depth of JSON crashes a stack of 64 KiB", no_depth_of_json_crashes_a_small_stack},
    {"long strings with escapes fit the parser's memory",
     long_strings_with_escapes_fit_the_parsers_memory},
    {"each limit of JSON holds and can be set", each_limit_of_json_holds_and_can_be_set},
    {"JSON that is cut is refused at every length", json_that_is_cut_is_refused_at_every_length},
    {"damaged JSON never crashes", damaged_json_never_crashes},
    {"reading JSON survives every failed allocation",
     reading_json_survives_every_failed_allocation},
    {"writing JSON survives every failed allocation",
     writing_json_survives_every_failed_allocation},
};

TEST_MAIN(tests)
