/* SPDX-License-Identifier: Apache-2.0 */
/* A message as JSON, by walking its descriptor. A frame for each object and list that is open, so
 * that the stack does not depend on the message. */
#include <arcentra/base.h>

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "codec/codec.h"
#include "codec/shape.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

enum frame_kind { FRAME_MESSAGE, FRAME_MEMBERS, FRAME_LIST, FRAME_MAP };

struct frame {
    enum frame_kind kind;
    const void *message;                   /* that the field is of, or whose members these are */
    const ProtobufCFieldDescriptor *field; /* of a list or map */
    size_t next;                           /* field, element or entry */
};

struct writer {
    struct arc_json *json;
    const struct arc_pb_json_options *options; /* of the outermost message; NULL after it */
    arc_err *err;
    uint32_t depth;
    struct frame frames[ARC_PB_DEPTH_MOST];
};

static const ProtobufCMessageDescriptor *descriptor_of(const void *message)
{
    return ((const ProtobufCMessage *)message)->descriptor;
}

static arc_status push(struct writer *w, enum frame_kind kind, const void *message,
                       const ProtobufCFieldDescriptor *field)
{
    if (w->depth >= ARC_PB_DEPTH_MOST)
        return arc__fail(w->err, ARC_ELIMIT, descriptor_of(message)->short_name,
                         "The message is nested more than %d deep.", ARC_PB_DEPTH_MOST);
    w->frames[w->depth++] = (struct frame){kind, message, field, 0};
    if (kind == FRAME_LIST)
        arc__json_array(w->json);
    else if (kind != FRAME_MEMBERS)
        arc__json_object(w->json);
    return ARC_OK;
}

/* ---- values --------------------------------------------------------------------------------- */

/* A negative zero is written as 0: what is read back never holds one. */
static void write_double(struct arc_json *json, double value)
{
    if (!isfinite(value))
        arc__json_null(json);
    else if (fpclassify(value) == FP_ZERO)
        arc__json_i64(json, 0);
    else
        arc__json_double(json, value);
}

static arc_status write_timestamp(struct writer *w, const Google__Protobuf__Timestamp *time)
{
    char room[48];
    struct arc_buf text;
    struct arc_mem mem = w->json->out->mem;
    arc__buf_init(&text, &mem, sizeof(room));
    arc__pb_timestamp_add(&text, time->seconds, time->nanos);
    arc_status status = arc__buf_check(&text, w->err);
    if (status == ARC_OK)
        arc__json_text(w->json, arc__buf_slice(&text));
    arc__buf_deinit(&text);
    return status;
}

static arc_status write_field_mask(struct writer *w, const Google__Protobuf__FieldMask *mask)
{
    struct arc_buf text;
    struct arc_mem mem = w->json->out->mem;
    arc__buf_init(&text, &mem, w->json->out->max_bytes);
    for (size_t i = 0; i < mask->n_paths; i++) {
        if (i > 0)
            arc__buf_add_char(&text, ',');
        size_t len = strlen(mask->paths[i]);
        char *room = arc__buf_reserve(&text, len + 1);
        if (room != NULL)
            arc__buf_commit(&text, arc__pb_camel(mask->paths[i], room, len + 1));
    }
    arc_status status = arc__buf_check(&text, w->err);
    if (status == ARC_OK)
        arc__json_text(w->json, arc__buf_slice(&text));
    arc__buf_deinit(&text);
    return status;
}

static arc_status write_struct(struct writer *w, const Google__Protobuf__Struct *object)
{
    return push(w, FRAME_MAP, object, &google__protobuf__struct__descriptor.fields[0]);
}

static arc_status write_list_value(struct writer *w, const Google__Protobuf__ListValue *list)
{
    return push(w, FRAME_LIST, list, &google__protobuf__list_value__descriptor.fields[0]);
}

/* A Value, a Struct or a list that is missing where one should be is null. */
static arc_status write_any(struct writer *w, const Google__Protobuf__Value *value)
{
    switch (value->kind_case) {
    case GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE:
        write_double(w->json, value->number_value);
        return ARC_OK;
    case GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE:
        arc__json_text(w->json, arc__slice_cstr(value->string_value));
        return ARC_OK;
    case GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE:
        arc__json_bool(w->json, value->bool_value);
        return ARC_OK;
    case GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE:
        if (value->struct_value != NULL)
            return write_struct(w, value->struct_value);
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE:
        if (value->list_value != NULL)
            return write_list_value(w, value->list_value);
        break;
    default:
        break;
    }
    arc__json_null(w->json);
    return ARC_OK;
}

static arc_status write_message(struct writer *w, const void *message)
{
    if (message == NULL) {
        arc__json_null(w->json);
        return ARC_OK;
    }
    switch (arc__pb_kind(descriptor_of(message))) {
    case ARC_PB_STRUCT:
        return write_struct(w, message);
    case ARC_PB_VALUE:
        return write_any(w, message);
    case ARC_PB_LIST_VALUE:
        return write_list_value(w, message);
    case ARC_PB_TIMESTAMP:
        return write_timestamp(w, message);
    case ARC_PB_FIELD_MASK:
        return write_field_mask(w, message);
    case ARC_PB_PLAIN:
        break;
    }
    return push(w, FRAME_MESSAGE, message, NULL);
}

static void write_enum(struct writer *w, const ProtobufCFieldDescriptor *field, int32_t value)
{
    char room[128];
    arc_slice word = arc__pb_enum_word(field->descriptor, value, room, sizeof(room));
    if (word.ptr != NULL)
        arc__json_text(w->json, word);
    else
        arc__json_i64(w->json, value);
}

static arc_status write_bytes(struct writer *w, const ProtobufCBinaryData *bytes)
{
    struct arc_buf text;
    struct arc_mem mem = w->json->out->mem;
    arc__buf_init(&text, &mem, w->json->out->max_bytes);
    arc__base64_add(&text, arc__slice(bytes->data, bytes->len), 1);
    arc_status status = arc__buf_check(&text, w->err);
    if (status == ARC_OK)
        arc__json_text(w->json, arc__buf_slice(&text));
    arc__buf_deinit(&text);
    return status;
}

/* One value of the field's type at slot. */
static arc_status write_value(struct writer *w, const ProtobufCFieldDescriptor *field,
                              const void *slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        arc__json_i64(w->json, *(const int32_t *)slot);
        return ARC_OK;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        arc__json_i64(w->json, *(const int64_t *)slot);
        return ARC_OK;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        arc__json_u64(w->json, *(const uint32_t *)slot);
        return ARC_OK;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        arc__json_u64(w->json, *(const uint64_t *)slot);
        return ARC_OK;
    case PROTOBUF_C_TYPE_FLOAT:
        write_double(w->json, (double)*(const float *)slot);
        return ARC_OK;
    case PROTOBUF_C_TYPE_DOUBLE:
        write_double(w->json, *(const double *)slot);
        return ARC_OK;
    case PROTOBUF_C_TYPE_BOOL:
        arc__json_bool(w->json, *(const protobuf_c_boolean *)slot);
        return ARC_OK;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(w, field, *(const int32_t *)slot);
        return ARC_OK;
    case PROTOBUF_C_TYPE_STRING:
        arc__json_text(w->json, arc__slice_cstr(*(const char *const *)slot));
        return ARC_OK;
    case PROTOBUF_C_TYPE_BYTES:
        return write_bytes(w, slot);
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return write_message(w, *(const void *const *)slot);
}

static arc_status write_field(struct writer *w, const void *message,
                              const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return write_value(w, field, arc__pb_member_const(message, field->offset));
    return push(w, arc__pb_is_map(field) ? FRAME_MAP : FRAME_LIST, message, field);
}

/* ---- walking -------------------------------------------------------------------------------- */

static int is_omitted(const struct writer *w, const ProtobufCFieldDescriptor *field)
{
    for (size_t i = 0; w->depth == 1 && w->options != NULL && i < w->options->omit_count; i++) {
        if (strcmp(w->options->omit[i], field->name) == 0)
            return 1;
    }
    return 0;
}

static int is_absent(const void *message, const ProtobufCFieldDescriptor *field)
{
    const void *slot = arc__pb_member_const(message, field->offset);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return 0;
    if (arc__pb_in_oneof(field) && arc__pb_case(message, field) != field->id)
        return 1;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(const void *const *)slot == NULL;
    if (arc__pb_in_oneof(field))
        return 0;
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_STRING)
        return !*(const protobuf_c_boolean *)arc__pb_member_const(message,
                                                                  field->quantifier_offset);
    return arc__pb_is_time(field) && *(const int64_t *)slot == 0;
}

static arc_status next_member(struct writer *w, struct frame *frame)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(frame->message);
    while (frame->next < descriptor->n_fields) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[frame->next++];
        if (is_omitted(w, field) || is_absent(frame->message, field))
            continue;
        char name[128];
        size_t len = arc__pb_camel(field->name, name, sizeof(name));
        arc__json_key(w->json, arc__slice(name, len));
        return write_field(w, frame->message, field);
    }
    if (frame->kind == FRAME_MESSAGE)
        arc__json_end_object(w->json);
    w->depth--;
    return ARC_OK;
}

static arc_status next_element(struct writer *w, struct frame *frame)
{
    if (frame->next < arc__pb_count(frame->message, frame->field))
        return write_value(w, frame->field,
                           arc__pb_element(frame->message, frame->field, frame->next++));
    arc__json_end_array(w->json);
    w->depth--;
    return ARC_OK;
}

static arc_status next_entry(struct writer *w, struct frame *frame)
{
    if (frame->next < arc__pb_count(frame->message, frame->field)) {
        const ProtobufCMessageDescriptor *descriptor = frame->field->descriptor;
        const ProtobufCFieldDescriptor *key = &descriptor->fields[0];
        const void *entry =
            *(const void *const *)arc__pb_element(frame->message, frame->field, frame->next++);
        const char *const *text = arc__pb_member_const(entry, key->offset);
        arc__json_key(w->json, arc__slice_cstr(*text));
        return write_field(w, entry, &descriptor->fields[1]);
    }
    arc__json_end_object(w->json);
    w->depth--;
    return ARC_OK;
}

static arc_status walk(struct writer *w)
{
    while (w->depth > 0) {
        struct frame *frame = &w->frames[w->depth - 1];
        arc_status status = frame->kind == FRAME_LIST  ? next_element(w, frame)
                            : frame->kind == FRAME_MAP ? next_entry(w, frame)
                                                       : next_member(w, frame);
        if (status == ARC_OK && w->json->out->failed != ARC_OK)
            status = arc__buf_check(w->json->out, w->err); /* no use in going on */
        ARC_TRY(status);
    }
    return arc__buf_check(w->json->out, w->err);
}

arc_status arc__pb_to_json(const void *message, struct arc_json *json,
                           const struct arc_pb_json_options *options, arc_err *err)
{
    struct writer w;
    w.json = json;
    w.options = options;
    w.err = err;
    w.depth = 0;
    if (options != NULL && options->members_only)
        ARC_TRY(push(&w, FRAME_MEMBERS, message, NULL));
    else
        ARC_TRY(write_message(&w, message));
    return walk(&w);
}

arc_status arc__pb_field_to_json(const void *message, const char *field, struct arc_json *json,
                                 arc_err *err)
{
    const ProtobufCFieldDescriptor *found =
        arc__pb_field(descriptor_of(message), arc__slice_cstr(field));
    if (found == NULL)
        return arc__fail(err, ARC_ENOTFOUND, field, "The message has no such field.");
    struct writer w;
    w.json = json;
    w.options = NULL;
    w.err = err;
    w.depth = 0;
    ARC_TRY(write_field(&w, message, found));
    return walk(&w);
}
