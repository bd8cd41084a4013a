/* SPDX-License-Identifier: Apache-2.0 */
/* The wire format of protobuf (protobuf.dev/programming-guides/encoding) into protobuf-c's structs.
 *
 * Each message is gone over twice: first its own fields are counted (and everything is found that
 * is cut short), so that every list gets one array of the right size; then they are stored, and a
 * message inside opens a frame of its own. A byte is looked at twice at most for each kind of step,
 * frames are bounded by the depth limit, and every count is checked before memory is taken. */
#include <arcentra/base.h>

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "codec/codec.h"
#include "codec/shape.h"

struct span {
    const uint8_t *at, *end;
};

struct frame {
    void *message;
    const ProtobufCMessageDescriptor *descriptor;
    struct span rest;
    const ProtobufCFieldDescriptor *via; /* in the message around; NULL for the outermost */
    size_t index;                        /* among the elements of via */
    int has_maps;                        /* this part adds entries to one */
};

struct decoder {
    struct arc_arena *arena;
    struct arc_pb_limits limits;
    arc_err *err;
    const ProtobufCFieldDescriptor *field; /* that is looked at, for errors */
    uint32_t messages;
    uint32_t depth; /* frames in use */
    struct frame frames[ARC_PB_DEPTH_MOST];
};

/* One field as it stands on the wire. */
struct item {
    uint32_t number;
    uint32_t wire;
    uint64_t value;    /* varint and fixed */
    struct span bytes; /* length-delimited */
};

/* ---- reading -------------------------------------------------------------------------------- */

static int read_varint(struct span *in, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (in->at == in->end)
            return 0;
        uint8_t byte = *in->at++;
        if (shift == 63 && byte > 1) /* beyond 64 bits */
            return 0;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *out = value;
            return 1;
        }
    }
    return 0;
}

/* A tag or a length: 32 bits, in five bytes at most, as every other reader has it. */
static int read_short(struct span *in, uint64_t *out)
{
    const uint8_t *from = in->at;
    return read_varint(in, out) && in->at - from <= 5 && *out <= UINT32_MAX;
}

static int read_fixed(struct span *in, size_t size, uint64_t *out)
{
    uint64_t value = 0;
    if ((size_t)(in->end - in->at) < size)
        return 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)*in->at++ << (8 * i);
    *out = value;
    return 1;
}

static int read_item(struct span *in, struct item *item)
{
    uint64_t tag = 0, len = 0;
    if (!read_short(in, &tag) || tag >> 3 == 0)
        return 0;
    item->number = (uint32_t)(tag >> 3);
    item->wire = (uint32_t)(tag & 7);
    switch (item->wire) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return read_varint(in, &item->value);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return read_fixed(in, 8, &item->value);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return read_fixed(in, 4, &item->value);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!read_short(in, &len) || len > (uint64_t)(in->end - in->at))
            return 0;
        item->bytes = (struct span){in->at, in->at + len};
        in->at += len;
        return 1;
    default: /* groups and what does not exist */
        return 0;
    }
}

static uint32_t wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

/* ---- errors --------------------------------------------------------------------------------- */

static void add_step(char *path, size_t size, const ProtobufCFieldDescriptor *field, size_t index)
{
    size_t len = strlen(path);
    (void)snprintf(path + len, size - len, "%s%s", len > 0 ? "." : "", field->name);
    len = strlen(path);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        (void)snprintf(path + len, size - len, "[%zu]", index);
}

/* The path of what is looked at: "batch.events[3].payload". */
static void path_of(const struct decoder *d, char *path, size_t size)
{
    path[0] = '\0';
    for (uint32_t i = 1; i < d->depth; i++)
        add_step(path, size, d->frames[i].via, d->frames[i].index);
    if (d->field != NULL && d->depth > 0) {
        const void *message = d->frames[d->depth - 1].message;
        add_step(path, size, d->field,
                 d->field->label == PROTOBUF_C_LABEL_REPEATED ? arc__pb_count(message, d->field)
                                                              : 0);
    }
    if (path[0] == '\0')
        (void)snprintf(path, size, "message");
}

static arc_status malformed(const struct decoder *d, const char *why)
{
    char path[64];
    path_of(d, path, sizeof(path));
    return arc__fail(d->err, ARC_EINVAL, path, "%s", why);
}

static arc_status over(const struct decoder *d, const char *what, uint32_t most)
{
    char path[64];
    path_of(d, path, sizeof(path));
    return arc__fail(d->err, ARC_ELIMIT, path, "The message has more than %u %s.", most, what);
}

/* ---- counting ------------------------------------------------------------------------------- */

/* Elements of a packed list; -1 when it is cut short. */
static int64_t packed_count(ProtobufCType type, struct span bytes)
{
    int64_t size = bytes.end - bytes.at, count = 0;
    uint32_t wire = wire_of(type);
    if (wire == PROTOBUF_C_WIRE_TYPE_32BIT)
        return size % 4 == 0 ? size / 4 : -1;
    if (wire == PROTOBUF_C_WIRE_TYPE_64BIT)
        return size % 8 == 0 ? size / 8 : -1;
    for (uint64_t ignored = 0; bytes.at != bytes.end; count++) {
        if (!read_varint(&bytes, &ignored))
            return -1;
    }
    return count;
}

static int is_packed(const ProtobufCFieldDescriptor *field, const struct item *item)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED &&
           item->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
           wire_of(field->type) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

/* Goes over the fields of one message: all are well formed, and how many elements each list gets.
 */
static arc_status count_fields(struct decoder *d, const ProtobufCMessageDescriptor *descriptor,
                               struct span in, uint32_t counts[ARC_PB_FIELDS_MAX])
{
    struct item item;
    while (in.at != in.end) {
        d->field = NULL;
        if (!read_item(&in, &item))
            return malformed(d, "The bytes are not a message, or are cut short.");
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(descriptor, item.number);
        if (field == NULL)
            continue;
        int64_t more = 1;
        if (is_packed(field, &item))
            more = packed_count(field->type, item.bytes);
        else if (item.wire != wire_of(field->type))
            more = -1;
        if (more < 0) {
            d->field = field;
            return malformed(d, "The field is not of its type.");
        }
        if (field->label != PROTOBUF_C_LABEL_REPEATED)
            continue;
        size_t index = (size_t)(field - descriptor->fields);
        if (more > (int64_t)d->limits.elements_max ||
            (counts[index] += (uint32_t)more) > d->limits.elements_max) {
            d->field = field;
            return over(d, "elements in one list", d->limits.elements_max);
        }
    }
    d->field = NULL;
    return ARC_OK;
}

/* Arrays for what comes, with what an earlier part of the same message left in front. */
static arc_status make_arrays(struct decoder *d, struct frame *frame,
                              const uint32_t counts[ARC_PB_FIELDS_MAX])
{
    const ProtobufCMessageDescriptor *descriptor = frame->descriptor;
    void *message = frame->message;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (counts[i] == 0)
            continue;
        size_t before = arc__pb_count(message, field), size = arc__pb_size_of(field->type);
        size_t total = before + counts[i];
        if (total > d->limits.elements_max) {
            d->field = field;
            return over(d, "elements in one list", d->limits.elements_max);
        }
        char **array = arc__pb_member(message, field->offset);
        char *larger = arc__arena_array(d->arena, total, size);
        if (larger == NULL)
            return arc__pb_refused(d->arena, total * size, d->err);
        if (before > 0)
            memcpy(larger, *array, before * size);
        *array = larger;
        frame->has_maps |= arc__pb_is_map(field);
    }
    return ARC_OK;
}

/* Opens a frame for a message, a fresh one where *message is NULL. */
static arc_status enter(struct decoder *d, const ProtobufCMessageDescriptor *descriptor,
                        struct span bytes, const ProtobufCFieldDescriptor *via, size_t index,
                        void **message)
{
    uint32_t counts[ARC_PB_FIELDS_MAX] = {0};
    if (descriptor->n_fields > ARC_PB_FIELDS_MAX)
        return arc__fail(d->err, ARC_EINTERNAL, descriptor->short_name,
                         "The message has more than %d fields.", ARC_PB_FIELDS_MAX);
    if (d->depth >= d->limits.depth_max)
        return over(d, "messages inside each other", d->limits.depth_max);
    if (++d->messages > d->limits.messages_max)
        return over(d, "messages in it", d->limits.messages_max);
    void *target = *message != NULL ? *message : arc__pb_new(descriptor, d->arena);
    if (target == NULL)
        return arc__pb_refused(d->arena, descriptor->sizeof_message, d->err);
    struct frame *frame = &d->frames[d->depth++];
    *frame = (struct frame){target, descriptor, bytes, via, index, 0};
    ARC_TRY(count_fields(d, descriptor, bytes, counts));
    ARC_TRY(make_arrays(d, frame, counts));
    *message = target;
    return ARC_OK;
}

/* ---- storing -------------------------------------------------------------------------------- */

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static void store_number(ProtobufCType type, uint64_t value, void *slot)
{
    uint32_t low = (uint32_t)value;
    switch (type) {
    case PROTOBUF_C_TYPE_SINT32:
        *(int32_t *)slot = (int32_t)unzigzag(low);
        break;
    case PROTOBUF_C_TYPE_SINT64:
        *(int64_t *)slot = unzigzag(value);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)slot = value != 0;
        break;
    default: /* the bytes as they are, little end first or not */
        if (arc__pb_size_of(type) == 4)
            memcpy(slot, &low, sizeof(low));
        else
            memcpy(slot, &value, sizeof(value));
    }
}

static arc_status store_text(struct decoder *d, struct span bytes, char **slot)
{
    arc_slice text = arc__slice(bytes.at, (size_t)(bytes.end - bytes.at));
    if (text.len == 0) {
        *slot = arc__pb_empty();
        return ARC_OK;
    }
    if (text.len > d->limits.string_bytes_max)
        return over(d, "bytes in one text", d->limits.string_bytes_max);
    if (memchr(text.ptr, '\0', text.len) != NULL)
        return malformed(d, "The text holds a NUL.");
    if (!arc__utf8_valid(text, NULL))
        return malformed(d, "The text is not UTF-8.");
    char *copy = arc__arena_strdup(d->arena, text);
    if (copy == NULL)
        return arc__pb_refused(d->arena, text.len + 1, d->err);
    *slot = copy;
    return ARC_OK;
}

static arc_status store_bytes(struct decoder *d, struct span bytes, ProtobufCBinaryData *slot)
{
    size_t len = (size_t)(bytes.end - bytes.at);
    uint8_t *copy = NULL;
    if (len > 0) {
        copy = (uint8_t *)arc__arena_strdup(d->arena, arc__slice(bytes.at, len));
        if (copy == NULL)
            return arc__pb_refused(d->arena, len + 1, d->err);
    }
    *slot = (ProtobufCBinaryData){len, copy};
    return ARC_OK;
}

/* slot: where the value goes; index: which element of a list it is. */
static arc_status store_value(struct decoder *d, const ProtobufCFieldDescriptor *field,
                              const struct item *item, void *slot, size_t index)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return store_text(d, item->bytes, slot);
    case PROTOBUF_C_TYPE_BYTES:
        return store_bytes(d, item->bytes, slot);
    case PROTOBUF_C_TYPE_MESSAGE:
        return enter(d, field->descriptor, item->bytes, field, index, slot);
    default:
        store_number(field->type, item->value, slot);
        return ARC_OK;
    }
}

/* The array was made by enter(): there is room for every element. */
static arc_status store_element(struct decoder *d, void *message,
                                const ProtobufCFieldDescriptor *field, const struct item *item)
{
    size_t *count = arc__pb_member(message, field->quantifier_offset);
    char *array = *(char **)arc__pb_member(message, field->offset);
    size_t size = arc__pb_size_of(field->type);
    if (!is_packed(field, item)) {
        size_t index = *count;
        ARC_TRY(store_value(d, field, item, array + index * size, index));
        *count = index + 1;
        return ARC_OK;
    }
    struct span bytes = item->bytes;
    while (bytes.at != bytes.end) {
        uint64_t value = 0;
        uint32_t wire = wire_of(field->type);
        int ok = wire == PROTOBUF_C_WIRE_TYPE_VARINT
                     ? read_varint(&bytes, &value)
                     : read_fixed(&bytes, wire == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8, &value);
        if (!ok) /* counted before: cannot be */
            return malformed(d, "The field is not of its type.");
        store_number(field->type, value, array + (*count)++ * size);
    }
    return ARC_OK;
}

/* What holds of a whole message only: its maps have each key once. Only a part that added to a map
 * pays for it, or a message of many empty parts would cost a sort each. */
static arc_status leave(struct decoder *d)
{
    struct frame *frame = &d->frames[d->depth - 1];
    for (unsigned i = 0; frame->has_maps && i < frame->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &frame->descriptor->fields[i];
        arc_slice key = ARC_NONE;
        if (field->label != PROTOBUF_C_LABEL_REPEATED || !arc__pb_is_map(field))
            continue;
        ARC_TRY(arc__pb_map_twice(frame->message, field, d->arena, &key, d->err));
        if (key.ptr != NULL) {
            d->field = field;
            return malformed(d, "The map holds a key twice.");
        }
    }
    d->depth--;
    return ARC_OK;
}

static arc_status step(struct decoder *d)
{
    struct frame *frame = &d->frames[d->depth - 1];
    struct item item;
    d->field = NULL;
    if (frame->rest.at == frame->rest.end)
        return leave(d);
    if (!read_item(&frame->rest, &item)) /* counted before: cannot be */
        return malformed(d, "The bytes are not a message, or are cut short.");
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(frame->descriptor, item.number);
    if (field == NULL)
        return ARC_OK;
    d->field = field;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return store_element(d, frame->message, field, &item);
    arc__pb_mark(frame->message, field);
    return store_value(d, field, &item, arc__pb_member(frame->message, field->offset), 0);
}

arc_status arc__pb_decode(const ProtobufCMessageDescriptor *descriptor, arc_slice bytes,
                          struct arc_arena *arena, const struct arc_pb_limits *limits,
                          void **message, arc_err *err)
{
    struct decoder d;
    d.arena = arena;
    d.limits = arc__pb_limits(limits);
    d.err = err;
    d.field = NULL;
    d.messages = 0;
    d.depth = 0;
    if (bytes.len > d.limits.message_bytes_max)
        return arc__fail(err, ARC_ELIMIT, "message", "The message has more than %u bytes.",
                         d.limits.message_bytes_max);
    static const uint8_t nothing;
    const uint8_t *at = bytes.len > 0 ? (const uint8_t *)bytes.ptr : &nothing;
    void *root = NULL;
    ARC_TRY(enter(&d, descriptor, (struct span){at, at + bytes.len}, NULL, 0, &root));
    while (d.depth > 0)
        ARC_TRY(step(&d));
    *message = root;
    return ARC_OK;
}
