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

/* The next member of an object from *at on (just behind its brace or a comma). */
static int next_member(arc_slice text, size_t *at, arc_slice *key, arc_slice *value)
{
    size_t from = *at, colon, end;
    while (from < text.len && (text.ptr[from] == ' ' || text.ptr[from] == ','))
        from++;
    if (from >= text.len || text.ptr[from] != '"')
        return 0;
    for (colon = from + 1; colon < text.len && text.ptr[colon] != '"'; colon++)
        continue;
    *key = (arc_slice){text.ptr + from + 1, colon - from - 1};
    while (colon < text.len && text.ptr[colon] != ':')
        colon++;
    end = skip_value(text, colon + 1);
    if (end == 0)
        return 0;
    *value = cut(text, colon + 1, end);
    *at = end;
    return 1;
}

arc_slice stored_get(arc_slice object, const char *name)
{
    size_t at = 1;
    arc_slice key, value;
    while (object.len > 0 && next_member(object, &at, &key, &value)) {
        if (key.len == strlen(name) && memcmp(key.ptr, name, key.len) == 0)
            return value;
    }
    return (arc_slice){NULL, 0};
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

static const struct {
    const char *key;
    size_t offset;
    int text;
} members[] = {
#define MEMBER_TEXT(key, field) \
    { \
        key, offsetof(struct stored, field), 1 \
    }
#define MEMBER_NUMBER(key, field) \
    { \
        key, offsetof(struct stored, field), 0 \
    }
    MEMBER_TEXT("pipelineId", pipeline_id),
    MEMBER_TEXT("stepRunId", step_run_id),
    MEMBER_TEXT("agentId", agent_id),
    MEMBER_TEXT("actor", actor),
    MEMBER_TEXT("outputs", outputs),
    MEMBER_TEXT("stepIds", step_ids),
    MEMBER_TEXT("birth", birth),
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
};

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
    while (next_member(body, &at, &key, &value)) {
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
            if (strlen(members[i].key) != key.len || memcmp(members[i].key, key.ptr, key.len) != 0)
                continue;
            char *to = (char *)out + members[i].offset;
            if (members[i].text)
                memcpy(to, &value, sizeof(value));
            else
                *(int64_t *)(void *)to = number_of(value);
            break;
        }
    }
    return 1;
}
