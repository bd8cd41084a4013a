/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "codec/codec.h"
#include "messages.h"
#include "shim.h"

struct room {
    struct arc_mem mem;
    struct arc_arena arena;
};

static void room_init(struct room *room)
{
    room->mem = arc__mem_default();
    arc__arena_init(&room->arena, &room->mem, 1024 * 1024);
}

static void a_new_message_has_its_defaults(void)
{
    struct room room;
    room_init(&room);
    const Agent__V1__RegisterRequest *request = ARC_PB_NEW(&room.arena, Agent__V1__RegisterRequest,
                                                           agent__v1__register_request__descriptor);
    if (CHECK_INT(request != NULL, 1)) {
        CHECK(request->base.descriptor == &agent__v1__register_request__descriptor);
        CHECK_TEXT(arc__slice_cstr(request->token), "");
        CHECK_INT(request->n_labels, 0);
    }
    arc__arena_deinit(&room.arena);
}

static void strings_are_made_fit_for_the_wire(void)
{
    struct room room;
    room_init(&room);
    CHECK_TEXT(arc__slice_cstr(arc__pb_string(&room.arena, ARC_LIT("plain"))), "plain");
    CHECK_TEXT(arc__slice_cstr(arc__pb_string(&room.arena, (arc_slice){"cut\0off", 7})), "cut");
    CHECK_TEXT(arc__slice_cstr(arc__pb_string(&room.arena, ARC_LIT("a\xFFz"))), "a\xEF\xBF\xBDz");
    CHECK_TEXT(arc__slice_cstr(arc__pb_cstr(&room.arena, NULL)), "");
    size_t used = room.arena.used_bytes;
    CHECK_TEXT(arc__slice_cstr(arc__pb_string(&room.arena, ARC_NONE)), "");
    CHECK_INT(room.arena.used_bytes, used);
    arc__arena_deinit(&room.arena);
}

static void lists_grow_one_by_one(void)
{
    struct room room;
    room_init(&room);
    Pipeline__V1__Job *job = arc__pb_new(&pipeline__v1__job__descriptor, &room.arena);
    for (int i = 0; i < 100; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "job-%d", i);
        CHECK(arc__pb_add_text(job, "dependsOn", arc__slice_cstr(name), &room.arena));
        Pipeline__V1__Step *step = arc__pb_add(job, "steps", &room.arena);
        if (step != NULL)
            step->name = arc__pb_cstr(&room.arena, name);
    }
    if (CHECK_INT(job->n_dependson, 100) && CHECK_INT(job->n_steps, 100)) {
        CHECK_TEXT(arc__slice_cstr(job->dependson[63]), "job-63");
        CHECK_TEXT(arc__slice_cstr(job->steps[99]->name), "job-99");
        CHECK_TEXT(arc__slice_cstr(job->steps[0]->uses), "");
    }
    /* A caller's mistake is answered like a refusal. */
    CHECK(arc__pb_add(job, "name", &room.arena) == NULL);
    CHECK(arc__pb_add(job, "none", &room.arena) == NULL);
    CHECK(!arc__pb_add_text(job, "steps", ARC_LIT("x"), &room.arena));
    CHECK(!arc__pb_map_put(job, "steps", ARC_LIT("x"), ARC_LIT("y"), &room.arena));
    arc__arena_deinit(&room.arena);
}

static void maps_keep_order_and_find_keys(void)
{
    struct room room;
    room_init(&room);
    Pipeline__V1__Job *job = arc__pb_new(&pipeline__v1__job__descriptor, &room.arena);
    CHECK(arc__pb_map_put(job, "env", ARC_LIT("B"), ARC_LIT("2"), &room.arena));
    CHECK(arc__pb_map_put(job, "env", ARC_LIT("A"), ARC_LIT(""), &room.arena));
    CHECK_TEXT(arc__pb_map_get(job, "env", ARC_LIT("B")), "2");
    CHECK(arc__pb_map_get(job, "env", ARC_LIT("A")).ptr != NULL);
    CHECK(arc__pb_map_get(job, "env", ARC_LIT("C")).ptr == NULL);
    size_t at = 0;
    arc_slice key = ARC_NONE, value = ARC_NONE;
    CHECK(arc__pb_map_next(job, "env", &at, &key, &value));
    CHECK_TEXT(key, "B");
    CHECK(arc__pb_map_next(job, "env", &at, &key, &value));
    CHECK_TEXT(key, "A");
    CHECK(!arc__pb_map_next(job, "env", &at, &key, &value));
    arc__arena_deinit(&room.arena);
}

static void helpers_leave_the_message_alone_when_memory_is_out(void)
{
    for (uint64_t n = 1; n < 12; n++) {
        struct test_mem state = {.fail_at = n, .sticky = 1};
        struct arc_mem mem = test_mem(&state);
        struct arc_arena arena;
        arc__arena_init(&arena, &mem, 1024 * 1024);
        Pipeline__V1__Job *job = arc__pb_new(&pipeline__v1__job__descriptor, &arena);
        if (job != NULL) {
            int put = arc__pb_map_put(job, "env", ARC_LIT("A"), ARC_LIT("1"), &arena);
            CHECK_INT(job->n_env, put);
            int added = arc__pb_add_text(job, "dependsOn", ARC_LIT("a"), &arena);
            CHECK_INT(job->n_dependson, added);
            const void *step = arc__pb_add(job, "steps", &arena);
            CHECK_INT(job->n_steps, step != NULL);
            CHECK(step != NULL || arena.failed);
        }
        arc__arena_deinit(&arena);
        CHECK_INT(state.live, 0);
    }
    /* Repairing takes a buffer of its own. */
    for (uint64_t n = 1; n < 6; n++) {
        struct test_mem state = {.fail_at = n, .sticky = 1};
        struct arc_mem mem = test_mem(&state);
        struct arc_arena arena;
        arc__arena_init(&arena, &mem, 1024 * 1024);
        CHECK(arc__pb_string(&arena, ARC_LIT("\xFF")) != NULL || arena.failed);
        arc__arena_deinit(&arena);
        CHECK_INT(state.live, 0);
    }
}

static void fields_are_found_in_both_spellings(void)
{
    const ProtobufCMessageDescriptor *d = &agent__v1__report_job_run_status_request__descriptor;
    const ProtobufCFieldDescriptor *field = arc__pb_field(d, ARC_LIT("job_run_id"));
    CHECK(field != NULL && field == arc__pb_field(d, ARC_LIT("jobRunId")));
    CHECK(arc__pb_field(d, ARC_LIT("jobrunid")) == NULL);
    CHECK(arc__pb_field(d, ARC_LIT("JobRunId")) == NULL);
    CHECK(arc__pb_field(d, ARC_LIT("job_run_i")) == NULL);
    CHECK(arc__pb_field(d, ARC_LIT("jobRunIdx")) == NULL);
    CHECK(arc__pb_field(d, ARC_LIT("job_runId")) == NULL);
    CHECK(arc__pb_field(d, ARC_NONE) == NULL);
    CHECK(arc__pb_field(&pipeline__v1__job__descriptor, ARC_LIT("dependsOn")) != NULL);
}

static void moments_are_known_by_their_names(void)
{
    static const struct {
        const ProtobufCMessageDescriptor *descriptor;
        const char *field;
        int want;
    } cases[] = {
        {&steprun__v1__step_run_detail__descriptor, "created_at", 1},
        {&steprun__v1__step_run_detail__descriptor, "started_at_ns", 1},
        {&steprun__v1__step_run_detail__descriptor, "duration", 0},
        {&steprun__v1__step_run_detail__descriptor, "step_index", 0},
        {&pipeline__v1__pipeline_run_detail__descriptor, "end_time", 1},
        {&pipeline__v1__pipeline_detail__descriptor, "last_synced_at", 1},
        {&stream__v1__stream_agent_status_response__descriptor, "last_heartbeat", 1},
        {&stream__v1__stream_agent_status_response__descriptor, "time_ns", 1},
        {&stream__v1__stream_agent_status_response__descriptor, "timestamp", 1},
        {&agent__v1__heartbeat_response__descriptor, "next_heartbeat_ms", 0},
        {&agent__v1__step_run__descriptor, "lease_ttl_ms", 0},
        {&gateway__v1__meta__descriptor, "timestamp", 0}, /* a message: absent when unset */
    };
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        const ProtobufCFieldDescriptor *field =
            arc__pb_field(cases[i].descriptor, arc__slice_cstr(cases[i].field));
        if (field == NULL || !CHECK_INT(arc__pb_is_time(field), cases[i].want))
            printf("# %s\n", cases[i].field);
        CHECK(field != NULL);
    }
}

struct word_case {
    const ProtobufCEnumDescriptor *descriptor;
    int value;
    const char *word;
};

static void every_enum_has_the_contracts_words(void)
{
    static const struct word_case cases[] = {
        {&pipeline__v1__pipeline_status__descriptor, 0, ""},
        {&pipeline__v1__pipeline_status__descriptor, 1, "pending"},
        {&pipeline__v1__pipeline_status__descriptor, 7, "partial"},
        {&pipeline__v1__trigger_type__descriptor, 2, "cron"},
        {&pipeline__v1__pipeline_save_mode__descriptor, 2, "pr"},
        {&pipeline__v1__spec_format__descriptor, 2, "yaml"},
        {&steprun__v1__step_run_status__descriptor, 8, "skipped"},
        {&steprun__v1__plugin_location__descriptor, 3, "registry"},
        {&control__v1__job_run_status__descriptor, 7, "timeout"},
        {&agent__v1__agent_status__descriptor, 4, "idle"},
        {&agent__v1__ack_status__descriptor, 1, "ok"},
        {&gateway__v1__log_batch__compression__descriptor, 3, "zstd"},
        {&gateway__v1__ingest_ack__status__descriptor, 2, "partial_accepted"},
        {&stream__v1__event_type__descriptor, 1, "step_run_created"},
    };
    char room[64];
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        int value = -1;
        CHECK_TEXT(arc__pb_enum_word(cases[i].descriptor, cases[i].value, room, sizeof(room)),
                   cases[i].word);
        CHECK(arc__pb_enum_value(cases[i].descriptor, arc__slice_cstr(cases[i].word), &value));
        CHECK_INT(value, cases[i].value);
        CHECK(arc__pb_enum_value(cases[i].descriptor,
                                 arc__slice_cstr(cases[i].descriptor->values[1].name), &value));
        CHECK_INT(value, cases[i].descriptor->values[1].value);
    }
    int value = -1;
    CHECK(!arc__pb_enum_value(&agent__v1__ack_status__descriptor, ARC_LIT("okay"), &value));
    CHECK(!arc__pb_enum_value(&agent__v1__ack_status__descriptor, ARC_LIT("o"), &value));
    CHECK_INT(value, -1);
    CHECK(arc__pb_enum_word(&agent__v1__ack_status__descriptor, 9, room, sizeof(room)).ptr == NULL);
}

static void fields_are_set_from_bare_text(void)
{
    static const struct {
        const char *name, *value;
        arc_status want;
    } cases[] = {
        {"pipelineId", "01P", ARC_OK},
        {"page", "2", ARC_OK},
        {"page_size", "2147483648", ARC_EINVAL},
        {"pageSize", "many", ARC_EINVAL},
        {"page", "", ARC_EINVAL},
        {"page", "-0", ARC_EINVAL},
        {"status", "running", ARC_OK},
        {"status", "3", ARC_OK},
        {"status", "done", ARC_EINVAL},
        {"triggerType", "CRON", ARC_OK},
        {"from", "1700000000", ARC_OK},
        {"branch", "a\xFF", ARC_EINVAL},
        {"nothing", "1", ARC_ENOTFOUND},
    };
    struct room room;
    room_init(&room);
    Pipeline__V1__ListPipelineRunsRequest *request =
        arc__pb_new(&pipeline__v1__list_pipeline_runs_request__descriptor, &room.arena);
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        arc_err err = ARC_ERR_INIT;
        CHECK_STATUS(arc__pb_set_text(request, arc__slice_cstr(cases[i].name),
                                      arc__slice_cstr(cases[i].value), &room.arena, NULL, &err),
                     cases[i].want);
        if (cases[i].want != ARC_OK)
            CHECK_TEXT(arc__slice_cstr(err.subject), cases[i].name);
    }
    CHECK_STATUS(arc__pb_set_text(request, ARC_LIT("branch"), (arc_slice){"a\0b", 3}, &room.arena,
                                  NULL, NULL),
                 ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(request->pipeline_id), "01P");
    CHECK_INT(request->page, 2);
    CHECK_INT(request->page_size, 0);
    CHECK_INT(request->status, 3);
    CHECK_INT(request->trigger_type, PIPELINE__V1__TRIGGER_TYPE__TRIGGER_TYPE_CRON);
    CHECK_INT(request->from, 1700000000);

    Stream__V1__StreamEventsRequest *events =
        arc__pb_new(&stream__v1__stream_events_request__descriptor, &room.arena);
    struct arc_pb_limits few = {.elements_max = 2};
    CHECK_OK(arc__pb_set_text(events, ARC_LIT("types"), ARC_LIT("a"), &room.arena, &few, NULL));
    CHECK_OK(arc__pb_set_text(events, ARC_LIT("types"), ARC_LIT("b"), &room.arena, &few, NULL));
    CHECK_STATUS(arc__pb_set_text(events, ARC_LIT("types"), ARC_LIT("c"), &room.arena, &few, NULL),
                 ARC_ELIMIT);
    CHECK_OK(arc__pb_set_text(events, ARC_LIT("eventTypes"), ARC_LIT("job_failed"), &room.arena,
                              NULL, NULL));
    CHECK(events->n_types == 2 && events->n_event_types == 1 && events->event_types[0] == 8);

    Pipeline__V1__DeletePipelineRequest *gone =
        arc__pb_new(&pipeline__v1__delete_pipeline_request__descriptor, &room.arena);
    CHECK_OK(arc__pb_set_text(gone, ARC_LIT("force"), ARC_LIT("true"), &room.arena, NULL, NULL));
    CHECK_STATUS(arc__pb_set_text(gone, ARC_LIT("force"), ARC_LIT("yes"), &room.arena, NULL, NULL),
                 ARC_EINVAL);
    CHECK_INT(gone->force, 1);
    Pipeline__V1__Spec *spec = arc__pb_new(&pipeline__v1__spec__descriptor, &room.arena);
    CHECK_STATUS(arc__pb_set_text(spec, ARC_LIT("runtime"), ARC_LIT("x"), &room.arena, NULL, NULL),
                 ARC_EINVAL);
    arc__arena_deinit(&room.arena);
}

static const struct test tests[] = {
    {"a new message has its defaults", a_new_message_has_its_defaults},
    {"strings are made fit for the wire", strings_are_made_fit_for_the_wire},
    {"lists grow one by one", lists_grow_one_by_one},
    {"maps keep their order and find their keys", maps_keep_order_and_find_keys},
    {"helpers leave the message alone when memory is out",
     helpers_leave_the_message_alone_when_memory_is_out},
    {"fields are found in both spellings", fields_are_found_in_both_spellings},
    {"moments are known by their names", moments_are_known_by_their_names},
    {"every enum has the contract's words", every_enum_has_the_contracts_words},
    {"fields are set from bare text", fields_are_set_from_bare_text},
};

TEST_MAIN(tests)
