/* SPDX-License-Identifier: Apache-2.0 */
#include "shadow_event.h"

#include <stddef.h>
#include <string.h>

/* One past the end of the value that begins at `at`; 0: it has no end. */
static size_t skip_value(arc_slice text, size_t at)
{
    int depth = 0, quoted = 0;
    for (; at < text.len; at++) {
        char c = text.ptr[at];
        if (quoted) {
            at += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return at;
            depth--;
        } else if (c == ',' && depth == 0) {
            return at;
        }
    }
    return quoted || depth > 0 ? 0 : at;
}

static arc_slice cut(arc_slice text, size_t from, size_t to)
{
    while (from < to && text.ptr[from] == ' ')
        from++;
    while (to > from && text.ptr[to - 1] == ' ')
        to--;
    if (to - from >= 2 && text.ptr[from] == '"') {
        from++;
        to--;
    }
    return (arc_slice){text.ptr + from, to - from};
}

/* The next key of an object from *at on (just behind its brace or a comma). */
static int next_key(arc_slice text, size_t *at, arc_slice *key)
{
    size_t from = *at, colon;
    while (from < text.len && (text.ptr[from] == ' ' || text.ptr[from] == ','))
        from++;
    if (from >= text.len || text.ptr[from] != '"')
        return 0;
    for (colon = from + 1; colon < text.len && text.ptr[colon] != '"'; colon++)
        continue;
    *key = (arc_slice){text.ptr + from + 1, colon - from - 1};
    while (colon < text.len && text.ptr[colon] != ':')
        colon++;
    *at = colon + 1;
    return 1;
}

static int next_value(arc_slice text, size_t *at, arc_slice *value)
{
    size_t end = skip_value(text, *at);
    if (end == 0)
        return 0;
    *value = cut(text, *at, end);
    *at = end;
    return 1;
}

static int next_member(arc_slice text, size_t *at, arc_slice *key, arc_slice *value)
{
    return next_key(text, at, key) && next_value(text, at, value);
}

arc_slice stored_item(arc_slice list, size_t *at)
{
    if (*at == 0)
        *at = 1;
    while (*at < list.len && (list.ptr[*at] == ',' || list.ptr[*at] == ' '))
        (*at)++;
    if (*at >= list.len || list.ptr[*at] != '"')
        return (arc_slice){NULL, 0};
    size_t from = *at, end = skip_value(list, from);
    *at = end;
    return cut(list, from, end);
}

static int64_t number_of(arc_slice value)
{
    int64_t number = 0;
    size_t i = value.len > 0 && value.ptr[0] == '-';
    for (; i < value.len && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++)
        number = number * 10 + (value.ptr[i] - '0');
    return value.len > 0 && value.ptr[0] == '-' ? -number : number;
}

struct member {
    const char *key;
    size_t offset;
    int text;
};
#define MEMBER(where, key, field, text) \
    { \
        key, offsetof(struct where, field), text \
    }
#define MEMBER_TEXT(key, field) MEMBER(stored, key, field, 1)
#define MEMBER_NUMBER(key, field) MEMBER(stored, key, field, 0)
static const struct member members[] = {
    MEMBER_TEXT("pipelineId", pipeline_id),
    MEMBER_TEXT("stepRunId", step_run_id),
    MEMBER_TEXT("agentId", agent_id),
    MEMBER_TEXT("actor", actor),
    MEMBER_TEXT("outputs", outputs),
    MEMBER_TEXT("stepIds", step_ids),
    MEMBER_TEXT("birth", birth),
    MEMBER_TEXT("reason", reason),
    MEMBER_NUMBER("job", job),
    MEMBER_NUMBER("step", step),
    MEMBER_NUMBER("state", state),
    MEMBER_NUMBER("previous", previous),
    MEMBER_NUMBER("attempt", attempt),
    MEMBER_NUMBER("exitCode", exit_code),
    MEMBER_NUMBER("cause", cause),
    MEMBER_NUMBER("fence", fence),
    MEMBER_NUMBER("notBeforeNs", not_before_ns),
    MEMBER_NUMBER("force", force),
    MEMBER_NUMBER("gate", gate),
    MEMBER_NUMBER("expiresNs", expires_ns),
    MEMBER_NUMBER("logLines", log_lines),
};
static const struct member birth_members[] = {
    MEMBER(stored_birth, "requestId", request_id, 1),
    MEMBER(stored_birth, "projectId", project_id, 1),
    MEMBER(stored_birth, "rerunOf", rerun_of, 1),
    MEMBER(stored_birth, "jobIds", job_ids, 1),
    MEMBER(stored_birth, "stepIds", step_ids, 1),
    MEMBER(stored_birth, "kept", kept, 1),
    MEMBER(stored_birth, "number", number, 0),
    MEMBER(stored_birth, "priority", priority, 0),
    MEMBER(stored_birth, "attempt", attempt, 0),
};
static const struct member kept_members[] = {
    MEMBER(stored_kept, "status", status, 0),
    MEMBER(stored_kept, "byFailure", by_failure, 0),
    MEMBER(stored_kept, "outputs", outputs, 1),
};

static void take_member(const struct member *list, size_t count, arc_slice key, arc_slice value,
                        void *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(list[i].key) != key.len || memcmp(list[i].key, key.ptr, key.len) != 0)
            continue;
        char *to = (char *)out + list[i].offset;
        if (list[i].text)
            memcpy(to, &value, sizeof(value));
        else
            *(int64_t *)(void *)to = number_of(value);
        return;
    }
}

/* The plan comes last, and is long: it is not read. */
void stored_read_birth(arc_slice birth, struct stored_birth *out)
{
    size_t at = 1;
    arc_slice key, value;
    memset(out, 0, sizeof(*out));
    while (birth.len > 0 && next_key(birth, &at, &key) && !arc__slice_is(key, "plan")) {
        if (!next_value(birth, &at, &value))
            return;
        take_member(birth_members, ARC_COUNT_OF(birth_members), key, value, out);
    }
}

int stored_next_kept(arc_slice list, size_t *at, struct stored_kept *out)
{
    arc_slice key, value;
    size_t from = *at == 0 ? 1 : *at, inner = 1;
    memset(out, 0, sizeof(*out));
    while (from < list.len && (list.ptr[from] == ',' || list.ptr[from] == ' '))
        from++;
    if (from >= list.len || list.ptr[from] != '{')
        return 0;
    *at = skip_value(list, from);
    if (*at == 0)
        return 0;
    arc_slice object = {list.ptr + from, *at - from};
    while (next_member(object, &inner, &key, &value))
        take_member(kept_members, ARC_COUNT_OF(kept_members), key, value, out);
    return 1;
}

int stored_read(const struct arc_row_event *row, struct stored *out)
{
    static const char prefix[] = "arcentra.";
    size_t at = 1, cut_off = sizeof(prefix) - 1;
    arc_slice key, value, body = row->body;
    *out = (struct stored){.job = -1,
                           .step = -1,
                           .seq = row->seq,
                           .position = row->position,
                           .time_ns = row->time_ns,
                           .stream = row->stream};
    if (row->type.len <= cut_off || body.len < 2 || body.ptr[0] != '{' ||
        body.ptr[body.len - 1] != '}')
        return 0;
    out->type = (arc_slice){row->type.ptr + cut_off, row->type.len - cut_off};
    while (next_member(body, &at, &key, &value))
        take_member(members, ARC_COUNT_OF(members), key, value, out);
    return 1;
}
