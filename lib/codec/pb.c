/* SPDX-License-Identifier: Apache-2.0 */
/* Making messages in an arena, and their bytes. */
#include <arcentra/base.h>

#include <string.h>

#include "base/text.h"
#include "codec/codec.h"
#include "codec/shape.h"

void *arc__pb_new(const ProtobufCMessageDescriptor *descriptor, struct arc_arena *arena)
{
    void *message = arc__arena_alloc(arena, descriptor->sizeof_message);
    if (message != NULL)
        protobuf_c_message_init(descriptor, message);
    return message;
}

/* Not protobuf-c's own empty string: a member of a oneof that points at that, its default, is left
 * out when it is encoded. Nobody writes to it, though the members' type lets them. */
char *arc__pb_empty(void)
{
    static const char empty[1] = "";
    return (char *)(uintptr_t)empty;
}

char *arc__pb_string(struct arc_arena *arena, arc_slice text)
{
    const char *nul = text.len > 0 ? memchr(text.ptr, '\0', text.len) : NULL;
    if (nul != NULL)
        text.len = (size_t)(nul - text.ptr);
    if (text.len == 0)
        return arc__pb_empty();
    if (arc__utf8_valid(text, NULL))
        return arc__arena_strdup(arena, text);
    /* Three bytes take the place of one at most. */
    struct arc_buf repaired;
    arc__buf_init(&repaired, &arena->mem, text.len * 3 + 1);
    (void)arc__utf8_repair(&repaired, text); /* that something was replaced is why we are here */
    char *copy = NULL;
    if (repaired.failed == ARC_OK)
        copy = arc__arena_strdup(arena, arc__buf_slice(&repaired));
    else
        arena->failed = 1;
    arc__buf_deinit(&repaired);
    return copy;
}

char *arc__pb_cstr(struct arc_arena *arena, const char *text)
{
    return arc__pb_string(arena, arc__slice_cstr(text));
}

static const ProtobufCFieldDescriptor *field_of(const void *message, const char *name,
                                                ProtobufCType type)
{
    const ProtobufCMessage *base = message;
    const ProtobufCFieldDescriptor *field = arc__pb_field(base->descriptor, arc__slice_cstr(name));
    if (field == NULL || field->label != PROTOBUF_C_LABEL_REPEATED || field->type != type)
        return NULL;
    return field;
}

void *arc__pb_add(void *message, const char *field, struct arc_arena *arena)
{
    const ProtobufCFieldDescriptor *found = field_of(message, field, PROTOBUF_C_TYPE_MESSAGE);
    void *fresh = found != NULL ? arc__pb_new(found->descriptor, arena) : NULL;
    void **slot = fresh != NULL ? arc__pb_append(message, found, arena) : NULL;
    if (slot == NULL)
        return NULL;
    *slot = fresh;
    return fresh;
}

int arc__pb_add_text(void *message, const char *field, arc_slice text, struct arc_arena *arena)
{
    const ProtobufCFieldDescriptor *found = field_of(message, field, PROTOBUF_C_TYPE_STRING);
    char *copy = found != NULL ? arc__pb_string(arena, text) : NULL;
    char **slot = copy != NULL ? arc__pb_append(message, found, arena) : NULL;
    if (slot == NULL)
        return 0;
    *slot = copy;
    return 1;
}

/* The map's field, if its values are text too. */
static const ProtobufCFieldDescriptor *text_map(const void *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = field_of(message, name, PROTOBUF_C_TYPE_MESSAGE);
    if (field == NULL || !arc__pb_is_map(field) ||
        arc__pb_message_of(field)->fields[1].type != PROTOBUF_C_TYPE_STRING)
        return NULL;
    return field;
}

int arc__pb_map_put(void *message, const char *field, arc_slice key, arc_slice value,
                    struct arc_arena *arena)
{
    const ProtobufCFieldDescriptor *found = text_map(message, field);
    if (found == NULL)
        return 0;
    const ProtobufCMessageDescriptor *entry = found->descriptor;
    void *fresh = arc__pb_new(entry, arena);
    char *texts[2] = {arc__pb_string(arena, key), arc__pb_string(arena, value)};
    if (fresh == NULL || texts[0] == NULL || texts[1] == NULL)
        return 0;
    for (size_t i = 0; i < 2; i++)
        *(char **)arc__pb_member(fresh, entry->fields[i].offset) = texts[i];
    void **slot = arc__pb_append(message, found, arena);
    if (slot == NULL)
        return 0;
    *slot = fresh;
    return 1;
}

int arc__pb_map_next(const void *message, const char *field, size_t *at, arc_slice *key,
                     arc_slice *value)
{
    const ProtobufCFieldDescriptor *found = text_map(message, field);
    if (found == NULL || *at >= arc__pb_count(message, found))
        return 0;
    const ProtobufCMessageDescriptor *descriptor = found->descriptor;
    const void *entry = *(const void *const *)arc__pb_element(message, found, (*at)++);
    const char *const *texts[2] = {
        arc__pb_member_const(entry, descriptor->fields[0].offset),
        arc__pb_member_const(entry, descriptor->fields[1].offset),
    };
    *key = arc__slice_cstr(*texts[0]);
    *value = arc__slice_cstr(*texts[1]);
    return 1;
}

arc_slice arc__pb_map_get(const void *message, const char *field, arc_slice key)
{
    arc_slice found = ARC_NONE, value = ARC_NONE;
    for (size_t at = 0; arc__pb_map_next(message, field, &at, &found, &value);) {
        if (arc__slice_equal(found, key))
            return value;
    }
    return ARC_NONE;
}

arc_status arc__pb_encode(const void *message, struct arc_buf *out, arc_err *err)
{
    /* protobuf-c's pack recurses a small frame a message; what was decoded or built here is no
     * deeper than the limits, and what handlers make is their own few levels. */
    size_t size = protobuf_c_message_get_packed_size(message);
    ARC_TRY(arc__buf_check(out, err));
    if (size == 0)
        return ARC_OK;
    char *room = arc__buf_reserve(out, size);
    if (room == NULL)
        return arc__buf_check(out, err);
    arc__buf_commit(out, protobuf_c_message_pack(message, (uint8_t *)room));
    return ARC_OK;
}
