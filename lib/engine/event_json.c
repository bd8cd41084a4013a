/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/event_json.h"

#include <arcentra/states.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "spec/spec.h"

/* --- maps of texts ------------------------------------------------------------------- */

void arc__kvs_to_json(const struct arc_kvs *kvs, struct arc_buf *out)
{
    struct arc_json json;
    arc__json_init(&json, out);
    arc__json_object(&json);
    for (uint32_t i = 0; i < kvs->count; i++) {
        arc__json_key(&json, kvs->items[i].key);
        arc__json_text(&json, kvs->items[i].value);
    }
    arc__json_end_object(&json);
}

static int by_key(const void *a, const void *b)
{
    const struct arc_kv *left = a, *right = b;
    return arc__slice_compare(left->key, right->key);
}

static arc_status kvs_from_node(const struct arc_node *node, struct arc_arena *arena,
                                struct arc_kvs *out, arc_err *err)
{
    if (node == NULL || node->count == 0)
        return ARC_OK;
    struct arc_kv *items = arc__arena_array(arena, node->count, sizeof(*items));
    uint32_t count = 0;
    if (items == NULL)
        return arc__fail_nomem(err);
    for (const struct arc_node *child = node->first; child != NULL; child = child->next) {
        items[count++] = (struct arc_kv){arc__arena_copy(arena, child->key),
                                         arc__arena_copy(arena, child->text)};
    }
    if (arena->failed)
        return arc__fail_nomem(err);
    qsort(items, count, sizeof(*items), by_key);
    *out = (struct arc_kvs){items, count};
    return ARC_OK;
}

arc_status arc__kvs_from_json(arc_slice text, struct arc_arena *arena, struct arc_kvs *out,
                              arc_err *err)
{
    const struct arc_node *node = NULL;
    *out = (struct arc_kvs){NULL, 0};
    if (text.len == 0)
        return ARC_OK;
    ARC_TRY(arc__json_read(text, NULL, arena, &node, err));
    if (node->kind != ARC_NODE_MAP)
        return arc__fail(err, ARC_EINVAL, "json", "A JSON object of texts is expected.");
    return kvs_from_node(node, arena, out, err);
}

/* --- the stored body ----------------------------------------------------------------- */

static void add_text(struct arc_json *json, const char *key, arc_slice text)
{
    if (text.len > 0)
        arc__json_key_text(json, key, text);
}

static void add_int(struct arc_json *json, const char *key, int64_t value)
{
    if (value != 0)
        arc__json_key_i64(json, key, value);
}

static void add_raw(struct arc_json *json, const char *key, arc_slice value)
{
    if (value.len == 0)
        return;
    arc__json_key(json, arc__slice_cstr(key));
    arc__json_raw(json, value);
}

static void add_ids(struct arc_json *json, const char *key, const arc_id *ids, uint32_t count)
{
    if (count == 0)
        return;
    arc__json_key(json, arc__slice_cstr(key));
    arc__json_array(json);
    for (uint32_t i = 0; i < count; i++)
        arc__json_text(json, arc__id_slice(&ids[i]));
    arc__json_end_array(json);
}

/* One row for each job of the plan: its status, whether a failure skipped it, its outputs. */
static void add_kept(struct arc_json *json, const struct arc_birth *birth)
{
    if (birth->kept == NULL)
        return;
    arc__json_key(json, ARC_LIT("kept"));
    arc__json_array(json);
    for (uint32_t j = 0; j < birth->plan->job_count; j++) {
        arc__json_object(json);
        add_int(json, "status", birth->kept[j].status);
        add_int(json, "byFailure", birth->kept[j].by_failure);
        add_raw(json, "outputs", birth->kept[j].outputs);
        arc__json_end_object(json);
    }
    arc__json_end_array(json);
}

static void add_birth(struct arc_json *json, const struct arc_birth *birth)
{
    if (birth == NULL)
        return;
    arc__json_key(json, ARC_LIT("birth"));
    arc__json_object(json);
    add_text(json, "pipelineName", birth->pipeline_name);
    add_text(json, "projectId", birth->project_id);
    add_text(json, "definitionSha", birth->definition_sha);
    add_text(json, "branch", birth->branch);
    add_text(json, "ref", birth->ref);
    add_text(json, "requestId", birth->request_id);
    add_int(json, "number", birth->number);
    add_int(json, "triggerType", birth->trigger_type);
    add_int(json, "priority", birth->priority);
    add_text(json, "rerunOf", birth->rerun_of);
    add_int(json, "attempt", birth->attempt);
    add_kept(json, birth);
    add_ids(json, "jobIds", birth->job_ids, birth->plan->job_count);
    add_ids(json, "stepIds", birth->step_ids, birth->step_id_count);
    arc__json_key(json, ARC_LIT("plan"));
    /* The plan writes itself as a whole value; the writer only has to put the comma. */
    arc__json_raw(json, ARC_LIT(" "));
    arc__plan_to_json(birth->plan, json->out);
    arc__json_end_object(json);
}

/* A number of the body: its key, and where it stands in the record. */
#define NUMBERS(N) \
    N("state", state) \
    N("previous", previous) \
    N("attempt", attempt) \
    N("exitCode", exit_code) \
    N("cause", cause) \
    N("fence", fence) \
    N("logLines", log_lines) \
    N("notBeforeNs", not_before_ns) \
    N("graceNs", grace_ns) \
    N("force", force) \
    N("gate", gate) \
    N("expiresNs", expires_ns) \
    N("timeoutNs", timeout_ns) \
    N("size", size)

/* Most bodies are a few ids and numbers: room is made once for the most that those can take, and
 * each pair is put there as it will stand. */
#define QUICK_MAX 4096u
#define PAIR_BYTES(key, field) +sizeof(",\"" key "\":\"\"") + ARC_I64_LEN
#define QUICK_PAIRS \
    (PAIR_BYTES("job", job) PAIR_BYTES("step", step) ARC_EVENT_TEXTS(PAIR_BYTES) \
         NUMBERS(PAIR_BYTES) ARC_EVENT_OBJECTS(PAIR_BYTES))

static char *quick_bytes(char *at, const char *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

static char *quick_text(char *at, arc_slice lead, arc_slice text)
{
    at = quick_bytes(at, lead.ptr, lead.len);
    *at++ = '"';
    at = quick_bytes(at, text.ptr, text.len);
    *at++ = '"';
    return at;
}

static char *quick_int(char *at, arc_slice lead, int64_t value)
{
    return arc__put_i64(quick_bytes(at, lead.ptr, lead.len), value);
}

/* The bytes of its texts where they are few, and nothing in them needs an escape. Else: too many.
 */
static size_t quick_size(const struct arc_event *event)
{
    size_t size = 0;
#define ADD_SIZE(key, field) size += event->field.len;
    ARC_EVENT_TEXTS(ADD_SIZE)
    ARC_EVENT_OBJECTS(ADD_SIZE)
    if (size > QUICK_MAX)
        return size;
#define ADD_FOREIGN(key, field) \
    if (event->field.len > 0 && !arc__json_is_plain(event->field)) \
        size = SIZE_MAX;
    ARC_EVENT_TEXTS(ADD_FOREIGN)
    return size;
}

/* 0: not a short one. */
static int quick_body(const struct arc_event *event, struct arc_json *json)
{
    size_t size = quick_size(event);
    char *at = size <= QUICK_MAX ? arc__buf_reserve(json->out, QUICK_PAIRS + size) : NULL;
    if (at == NULL)
        return 0;
#define LEAD(key) ARC_LIT(",\"" key "\":")
#define PUT_TEXT(key, field) \
    if (event->field.len > 0) \
        at = quick_text(at, LEAD(key), event->field);
    ARC_EVENT_TEXTS(PUT_TEXT)
    if (event->job >= 0)
        at = quick_int(at, LEAD("job"), event->job);
    if (event->step >= 0)
        at = quick_int(at, LEAD("step"), event->step);
#define PUT_NUMBER(key, field) \
    if (event->field != 0) \
        at = quick_int(at, LEAD(key), (int64_t)event->field);
    NUMBERS(PUT_NUMBER)
#define PUT_OBJECT(key, field) \
    if (event->field.len > 0) { \
        at = quick_bytes(at, LEAD(key).ptr, LEAD(key).len); \
        at = quick_bytes(at, event->field.ptr, event->field.len); \
    }
    ARC_EVENT_OBJECTS(PUT_OBJECT)
    arc__json_object_of(json, at);
    return 1;
}

static void any_body(const struct arc_event *event, struct arc_json *json)
{
    arc__json_object(json);
#define ADD_TEXT(key, field) add_text(json, key, event->field);
    ARC_EVENT_TEXTS(ADD_TEXT)
    if (event->job >= 0)
        arc__json_key_i64(json, "job", event->job);
    if (event->step >= 0)
        arc__json_key_i64(json, "step", event->step);
#define ADD_NUMBER(key, field) add_int(json, key, (int64_t)event->field);
    NUMBERS(ADD_NUMBER)
#define ADD_OBJECT(key, field) add_raw(json, key, event->field);
    ARC_EVENT_OBJECTS(ADD_OBJECT)
}

void arc__event_body(const struct arc_event *event, struct arc_buf *out)
{
    struct arc_json json;
    arc__json_init(&json, out);
    if (!quick_body(event, &json))
        any_body(event, &json);
    add_ids(&json, "stepIds", event->step_ids, event->step_id_count);
    add_birth(&json, event->birth);
    arc__json_end_object(&json);
}

/* --- and back ------------------------------------------------------------------------ */

static arc_slice get_text(const struct arc_node *map, const char *key, struct arc_arena *arena)
{
    const struct arc_node *node = arc__node_get(map, key);
    return node != NULL && node->text.len > 0 ? arc__arena_copy(arena, node->text) : ARC_NONE;
}

static int64_t get_int(const struct arc_node *map, const char *key, int64_t otherwise)
{
    const struct arc_node *node = arc__node_get(map, key);
    return node != NULL && node->kind == ARC_NODE_INT ? node->number : otherwise;
}

/* A subtree as the text that it was. */
static arc_slice get_raw(const struct arc_node *map, const char *key, arc_slice body,
                         struct arc_arena *arena)
{
    const struct arc_node *node = arc__node_get(map, key);
    if (node == NULL || node->mark.end > body.len || node->mark.offset >= node->mark.end)
        return ARC_NONE;
    return arc__arena_copy(
        arena, arc__slice(body.ptr + node->mark.offset, node->mark.end - node->mark.offset));
}

static arc_status get_ids(const struct arc_node *map, const char *key, struct arc_arena *arena,
                          const arc_id **out, uint32_t *count, arc_err *err)
{
    const struct arc_node *list = arc__node_get(map, key);
    uint32_t at = 0;
    if (list == NULL || list->count == 0)
        return ARC_OK;
    arc_id *ids = arc__arena_array(arena, list->count, sizeof(*ids));
    if (ids == NULL)
        return arc__fail_nomem(err);
    for (const struct arc_node *child = list->first; child != NULL; child = child->next) {
        if (child->text.len > ARC_ULID_LEN || !arc__id_valid(child->text))
            return arc__fail(err, ARC_EINTERNAL, "event", "An entry of %s is not an id.", key);
        (void)arc__slice_to_cstr(child->text, ids[at++].text, sizeof(arc_id));
    }
    *out = ids;
    *count = at;
    return ARC_OK;
}

static arc_status get_kept(const struct arc_node *birth, arc_slice body, uint32_t jobs,
                           struct arc_arena *arena, const struct arc_kept **out, arc_err *err)
{
    const struct arc_node *list = arc__node_get(birth, "kept");
    uint32_t at = 0;
    if (list == NULL)
        return ARC_OK;
    if (list->count != jobs)
        return arc__fail(err, ARC_EINTERNAL, "event", "The plan and what is kept do not agree.");
    struct arc_kept *kept = arc__arena_array(arena, jobs, sizeof(*kept));
    if (kept == NULL)
        return arc__fail_nomem(err);
    for (const struct arc_node *child = list->first; child != NULL; child = child->next) {
        kept[at].status = (int32_t)get_int(child, "status", 0);
        kept[at].by_failure = (int32_t)get_int(child, "byFailure", 0);
        kept[at++].outputs = get_raw(child, "outputs", body, arena);
    }
    *out = kept;
    return ARC_OK;
}

static arc_status get_birth(const struct arc_node *body, arc_slice text, struct arc_arena *arena,
                            struct arc_event *event, arc_err *err)
{
    const struct arc_node *node = arc__node_get(body, "birth");
    uint32_t jobs = 0;
    if (node == NULL)
        return ARC_OK;
    struct arc_birth *birth = ARC_ARENA_NEW(arena, struct arc_birth);
    const struct arc_node *plan = arc__node_get(node, "plan");
    if (birth == NULL)
        return arc__fail_nomem(err);
    if (plan == NULL)
        return arc__fail(err, ARC_EINTERNAL, "event", "The run's first event has no plan.");
    birth->pipeline_name = get_text(node, "pipelineName", arena);
    birth->project_id = get_text(node, "projectId", arena);
    birth->definition_sha = get_text(node, "definitionSha", arena);
    birth->branch = get_text(node, "branch", arena);
    birth->ref = get_text(node, "ref", arena);
    birth->request_id = get_text(node, "requestId", arena);
    birth->number = get_int(node, "number", 0);
    birth->trigger_type = (int32_t)get_int(node, "triggerType", 0);
    birth->priority = (int32_t)get_int(node, "priority", 0);
    ARC_TRY(get_ids(node, "jobIds", arena, &birth->job_ids, &jobs, err));
    ARC_TRY(get_ids(node, "stepIds", arena, &birth->step_ids, &birth->step_id_count, err));
    ARC_TRY(arc__plan_from_node(plan, arena, &birth->plan, err));
    if (birth->plan->job_count != jobs)
        return arc__fail(err, ARC_EINTERNAL, "event", "The plan and the ids do not agree.");
    birth->rerun_of = get_text(node, "rerunOf", arena);
    birth->attempt = (int32_t)get_int(node, "attempt", 1);
    ARC_TRY(get_kept(node, text, jobs, arena, &birth->kept, err));
    birth->variables = birth->plan->variables;
    event->birth = birth;
    return ARC_OK;
}

/* The stream's id is not in the body: it says whose event it is. */
static void name_stream(struct arc_event *event, arc_slice stream)
{
    arc_slice object = arc__event_object(event->type);
    if (event->type <= ARC_EVENT_PIPELINE_DELETED)
        event->pipeline_id = stream;
    else if (event->type == ARC_EVENT_STEP_DELETED) /* its run may be over, and goes no further */
        event->step_run_id = stream;
    else if (arc__slice_is(object, "agent"))
        event->agent_id = stream;
    else
        event->run_id = stream;
}

arc_status arc__event_from_row(const struct arc_row_event *row, struct arc_arena *arena,
                               struct arc_event **out, arc_err *err)
{
    /* A plan of thousands of jobs is one body: what we wrote ourselves has no reader's limits. */
    static const struct arc_spec_limits own = {.document_bytes = 64u * 1024 * 1024,
                                               .nodes = 20000000,
                                               .keys = 1000000,
                                               .string_bytes = 64u * 1024 * 1024};
    const struct arc_node *body = NULL;
    struct arc_event *event = ARC_ARENA_NEW(arena, struct arc_event);
    if (event == NULL)
        return arc__fail_nomem(err);
    arc_slice text = arc__arena_copy(arena, row->body);
    if (arc__json_read(text, &own, arena, &body, err) != ARC_OK)
        return arc__fail(err, arena->failed ? ARC_ENOMEM : ARC_EINTERNAL, "event",
                         "The body of event %lld cannot be read.", (long long)row->seq);
    event->type = arc__event_type_from_name(row->type);
    event->seq = row->seq;
    event->position = row->position;
    event->time_ns = row->time_ns;
#define GET_TEXT(key, field) event->field = get_text(body, key, arena);
    ARC_EVENT_TEXTS(GET_TEXT)
#define GET_NUMBER(key, field) event->field = (__typeof__(event->field))get_int(body, key, 0);
    NUMBERS(GET_NUMBER)
    event->job = (int32_t)get_int(body, "job", -1);
    event->step = (int32_t)get_int(body, "step", -1);
#define GET_OBJECT(key, field) event->field = get_raw(body, key, text, arena);
    ARC_EVENT_OBJECTS(GET_OBJECT)
    ARC_TRY(get_ids(body, "stepIds", arena, &event->step_ids, &event->step_id_count, err));
    ARC_TRY(get_birth(body, text, arena, event, err));
    name_stream(event, arc__arena_copy(arena, row->stream));
    if (arena->failed)
        return arc__fail_nomem(err);
    *out = event;
    return ARC_OK;
}

/* --- as CloudEvents ------------------------------------------------------------------ */

void arc__event_subject(const struct arc_event *event, struct arc_buf *out)
{
    if (arc__slice_is(arc__event_object(event->type), "agent")) {
        arc__buf_printf(out, "agent:%.*s", ARC_ARG(event->agent_id));
        return;
    }
    arc__buf_printf(out, "pipeline:%.*s", ARC_ARG(event->pipeline_id));
    if (event->job_id.len > 0)
        arc__buf_printf(out, ":job:%.*s", ARC_ARG(event->job_id));
    if (event->step_run_id.len > 0)
        arc__buf_printf(out, ":step:%.*s", ARC_ARG(event->step_run_id));
}

static const char *state_word(const struct arc_event *event, int state)
{
    arc_slice object = arc__event_object(event->type);
    if (arc__slice_is(object, "step"))
        return arc_step_state_name(state);
    if (arc__slice_is(object, "job"))
        return arc_job_state_name(state);
    return arc_run_state_name(state);
}

static void add_data(const struct arc_event *event, struct arc_json *json)
{
    arc__json_key(json, ARC_LIT("data"));
    arc__json_object(json);
    arc__json_key_text(json, "status", arc__event_lifecycle(event->type));
    add_text(json, "state", arc__slice_cstr(state_word(event, event->state)));
    add_text(json, "previousState", arc__slice_cstr(state_word(event, event->previous)));
    add_text(json, "runId", event->run_id);
    add_text(json, "pipelineId", event->pipeline_id);
    add_text(json, "jobId", event->job_id);
    add_text(json, "jobName", event->job_name);
    add_text(json, "stepRunId", event->step_run_id);
    add_text(json, "stepName", event->step_name);
    add_text(json, "reason", event->reason);
    add_text(json, "actor", event->actor);
    add_text(json, "errorMessage", event->error_message);
    add_text(json, "gate", event->gate_name);
    add_text(json, "comment", event->comment);
    add_text(json, "channel", event->channel);
    add_text(json, "artifact", event->artifact);
    add_text(json, "path", event->path);
    add_text(json, "digest", event->digest);
    if (event->type == ARC_EVENT_ARTIFACT_CREATED)
        arc__json_key_i64(json, "size", event->size);
    else if (event->step >= 0 && arc_step_state_is_terminal(event->state))
        arc__json_key_i64(json, "exitCode", event->exit_code);
    arc__json_end_object(json);
}

void arc__event_cloudevent(const struct arc_event *event, struct arc_json *json)
{
    char text[256];
    struct arc_mem mem = json->out->mem;
    struct arc_buf scratch;
    arc_slice stream = event->type == ARC_EVENT_STEP_DELETED ? event->step_run_id
                       : event->run_id.len > 0               ? event->run_id
                       : arc__slice_is(arc__event_object(event->type), "agent")
                           ? event->agent_id
                           : event->pipeline_id;
    arc__buf_init(&scratch, &mem, 4096);
    arc__json_object(json);
    arc__json_key_text(json, "specversion", ARC_LIT("1.0"));
    (void)snprintf(text, sizeof(text), "%.*s-%lld", ARC_ARG(stream), (long long)event->seq);
    arc__json_key_text(json, "id", arc__slice_cstr(text));
    arc__json_key_text(json, "source", ARC_LIT("urn:arcentra:control"));
    arc__json_key_text(json, "type", arc__slice_cstr(arc__event_type_name(event->type)));
    arc__event_subject(event, &scratch);
    arc__json_key_text(json, "subject", arc__buf_slice(&scratch));
    arc__buf_clear(&scratch);
    arc__rfc3339_add(&scratch, event->time_ns);
    arc__json_key_text(json, "time", arc__buf_slice(&scratch));
    arc__json_key_text(json, "datacontenttype", ARC_LIT("application/json"));
    add_text(json, "runid", event->run_id);
    (void)snprintf(text, sizeof(text), "%lld", (long long)event->seq);
    arc__json_key_text(json, "sequence", arc__slice_cstr(text));
    if (event->attempt > 0)
        arc__json_key_i64(json, "attempt", event->attempt);
    add_text(json, "agentid", event->agent_id);
    add_data(event, json);
    arc__json_end_object(json);
    if (scratch.failed != ARC_OK && json->out->failed == ARC_OK)
        json->out->failed = scratch.failed;
    arc__buf_deinit(&scratch);
}
