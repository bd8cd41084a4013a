/* SPDX-License-Identifier: Apache-2.0 */
/* A message from JSON. Tokens come one by one; a frame for each object and list that is open says
 * where the next value goes. Counts and depths are those of the wire format (a map entry, a Value
 * and a list of a Struct are messages), so that what is read here can be decoded everywhere. */
#include <arcentra/base.h>

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "codec/codec.h"
#include "codec/json_read.h"
#include "codec/scalar.h"
#include "codec/shape.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/struct.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

enum frame_kind {
    FRAME_MESSAGE, /* an object: members of message */
    FRAME_LIST,    /* elements of field of message */
    FRAME_MAP,     /* entries of field of message */
    FRAME_STRUCT,  /* entries of a Struct */
    FRAME_VALUES,  /* elements of a ListValue */
    FRAME_SKIP     /* raw or unknown: only brackets are followed */
};

struct frame {
    enum frame_kind kind;
    void *message;
    const ProtobufCFieldDescriptor *field; /* the member that comes next, the list, the map */
    const char *key;                       /* of the entry that comes next */
    uint64_t seen;                         /* members that have come */
    size_t index;                          /* of the element that is looked at */
    uint32_t depth;                        /* of message, the outermost is 1 */
};

/* How deep a raw value may be, beyond what its reader takes: it says so better than we can. */
#define RAW_DEPTH_MORE 64

struct builder {
    arc_slice text;
    struct arc_arena *arena;
    struct arc_pb_limits limits;
    const ProtobufCMessageDescriptor *descriptor; /* of the outermost message */
    const ProtobufCFieldDescriptor *raw_field;
    arc_err *err;
    void *root;
    struct arc_pb_read read;
    size_t token_start, token_end; /* of the token that is looked at */
    size_t raw_start;
    uint32_t messages;
    uint32_t unknown_count;
    uint32_t unknown_line, unknown_column; /* of the first */
    char unknown_path[64];
    char unknown[160]; /* their names, as a part of a sentence */
    uint32_t depth;
    struct frame frames[ARC_PB_DEPTH_MOST + RAW_DEPTH_MORE + 1];
};

static struct frame *top(struct builder *b)
{
    return &b->frames[b->depth - 1];
}

/* ---- errors --------------------------------------------------------------------------------- */

static void add_path(char *path, size_t size, const char *separator, const char *name)
{
    size_t len = strlen(path);
    (void)snprintf(path + len, size - len, "%s%s", len > 0 ? separator : "", name);
}

static void path_of(const struct builder *b, char *path, size_t size)
{
    char name[64];
    path[0] = '\0';
    for (uint32_t i = 0; i < b->depth; i++) {
        const struct frame *frame = &b->frames[i];
        switch (frame->kind) {
        case FRAME_MESSAGE:
            if (frame->field != NULL) {
                (void)arc__pb_camel(frame->field->name, name, sizeof(name));
                add_path(path, size, ".", name);
            }
            break;
        case FRAME_LIST:
        case FRAME_VALUES:
            (void)snprintf(name, sizeof(name), "[%zu]", frame->index);
            add_path(path, size, "", name);
            break;
        case FRAME_MAP:
        case FRAME_STRUCT:
            if (frame->key != NULL)
                add_path(path, size, ".", frame->key);
            break;
        case FRAME_SKIP:
            break;
        }
    }
    if (path[0] == '\0')
        (void)snprintf(path, size, "body");
}

static arc_status refuse(const struct builder *b, arc_status status, const char *why)
{
    char path[64];
    uint32_t line = 0, column = 0;
    path_of(b, path, sizeof(path));
    arc__pb_json_place(b->text, b->token_start, &line, &column);
    return arc__fail_at(b->err, status, line, column, path, "%s", why);
}

static arc_status refuse_type(const struct builder *b, const char *wanted)
{
    char why[160];
    (void)snprintf(why, sizeof(why), "%s is expected here.", wanted);
    return refuse(b, ARC_EINVAL, why);
}

static arc_status over(const struct builder *b, const char *what, uint32_t most)
{
    char why[96];
    (void)snprintf(why, sizeof(why), "There are more than %u %s.", most, what);
    return refuse(b, ARC_ELIMIT, why);
}

/* ---- making --------------------------------------------------------------------------------- */

/* A message at the depth, counted. */
static arc_status make(struct builder *b, const ProtobufCMessageDescriptor *descriptor,
                       uint32_t depth, void **message)
{
    if (depth > b->limits.depth_max)
        return over(b, "messages inside each other", b->limits.depth_max);
    if (++b->messages > b->limits.messages_max)
        return over(b, "messages", b->limits.messages_max);
    *message = arc__pb_new(descriptor, b->arena);
    return *message != NULL ? ARC_OK
                            : arc__pb_refused(b->arena, descriptor->sizeof_message, b->err);
}

/* One more element of a list; its place, zeroed. */
static arc_status append(struct builder *b, void *message, const ProtobufCFieldDescriptor *field,
                         void **slot)
{
    size_t count = arc__pb_count(message, field);
    if (count >= b->limits.elements_max)
        return over(b, "elements in one list", b->limits.elements_max);
    *slot = arc__pb_append(message, field, b->arena);
    if (*slot == NULL)
        return arc__pb_refused(b->arena, 2 * count * arc__pb_size_of(field->type), b->err);
    return ARC_OK;
}

static arc_status push(struct builder *b, enum frame_kind kind, void *message,
                       const ProtobufCFieldDescriptor *field, uint32_t depth)
{
    uint32_t most =
        kind == FRAME_SKIP ? (uint32_t)ARC_COUNT_OF(b->frames) : b->limits.json_depth_max;
    if (b->depth >= most)
        return over(b, "objects and lists inside each other", most);
    b->frames[b->depth++] = (struct frame){kind, message, field, NULL, 0, 0, depth};
    return ARC_OK;
}

/* ---- values --------------------------------------------------------------------------------- */

/* depth: of the Value itself. */
static arc_status fill_any(struct builder *b, Google__Protobuf__Value *value, uint32_t depth,
                           const struct arc_pb_token *token)
{
    void *inner = NULL;
    switch (token->kind) {
    case ARC_PB_TOKEN_NULL:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE;
        value->null_value = GOOGLE__PROTOBUF__NULL_VALUE__NULL_VALUE;
        return ARC_OK;
    case ARC_PB_TOKEN_BOOL:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE;
        value->bool_value = token->truth;
        return ARC_OK;
    case ARC_PB_TOKEN_NUMBER:
        if (!arc__pb_exact_double(token->text, &value->number_value))
            return refuse(b, ARC_EINVAL, "The number cannot be held exactly.");
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
        return ARC_OK;
    case ARC_PB_TOKEN_TEXT:
        value->string_value = arc__pb_string(b->arena, token->text);
        if (value->string_value == NULL)
            return arc__pb_refused(b->arena, token->text.len + 1, b->err);
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
        return ARC_OK;
    case ARC_PB_TOKEN_OBJECT:
        ARC_TRY(make(b, &google__protobuf__struct__descriptor, depth + 1, &inner));
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE;
        value->struct_value = inner;
        return push(b, FRAME_STRUCT, inner, &google__protobuf__struct__descriptor.fields[0],
                    depth + 1);
    case ARC_PB_TOKEN_LIST:
        ARC_TRY(make(b, &google__protobuf__list_value__descriptor, depth + 1, &inner));
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
        value->list_value = inner;
        return push(b, FRAME_VALUES, inner, &google__protobuf__list_value__descriptor.fields[0],
                    depth + 1);
    default:
        return refuse_type(b, "A value");
    }
}

static arc_status fill_timestamp(struct builder *b, Google__Protobuf__Timestamp *time,
                                 const struct arc_pb_token *token)
{
    if (token->kind != ARC_PB_TOKEN_TEXT ||
        !arc__pb_timestamp_parse(token->text, &time->seconds, &time->nanos))
        return refuse_type(b, "A time such as \"2026-01-31T08:00:00Z\"");
    return ARC_OK;
}

/* "displayName" -> "display_name"; what is snake_case already stays. */
static char *snake(struct arc_arena *arena, arc_slice path)
{
    char *out = arc__arena_alloc(arena, path.len * 2 + 1);
    size_t len = 0;
    for (size_t i = 0; out != NULL && i < path.len; i++) {
        char c = path.ptr[i];
        if (c >= 'A' && c <= 'Z') {
            out[len++] = '_';
            c = (char)(c - 'A' + 'a');
        }
        out[len++] = c;
    }
    return out;
}

static arc_status fill_field_mask(struct builder *b, Google__Protobuf__FieldMask *mask,
                                  const struct arc_pb_token *token)
{
    const ProtobufCFieldDescriptor *paths = &google__protobuf__field_mask__descriptor.fields[0];
    if (token->kind != ARC_PB_TOKEN_TEXT)
        return refuse_type(b, "Names of fields such as \"name,description\"");
    for (arc_slice rest = token->text; rest.len > 0;) {
        void *slot = NULL;
        arc_slice path = arc__slice_trim(arc__slice_cut(rest, ',', &rest));
        char *copy = snake(b->arena, path);
        if (copy == NULL)
            return arc__pb_refused(b->arena, path.len * 2 + 1, b->err);
        ARC_TRY(append(b, mask, paths, &slot));
        *(char **)slot = copy;
    }
    return ARC_OK;
}

/* A message for the field, filled or with a frame open. depth: of that message. */
static arc_status fill_message(struct builder *b, const ProtobufCMessageDescriptor *descriptor,
                               void **slot, uint32_t depth, const struct arc_pb_token *token)
{
    void *message = NULL;
    enum arc_pb_kind kind = arc__pb_kind(descriptor);
    ARC_TRY(make(b, descriptor, depth, &message));
    *slot = message;
    switch (kind) {
    case ARC_PB_VALUE:
        return fill_any(b, message, depth, token);
    case ARC_PB_TIMESTAMP:
        return fill_timestamp(b, message, token);
    case ARC_PB_FIELD_MASK:
        return fill_field_mask(b, message, token);
    case ARC_PB_LIST_VALUE:
        if (token->kind != ARC_PB_TOKEN_LIST)
            return refuse_type(b, "A list");
        return push(b, FRAME_VALUES, message, &descriptor->fields[0], depth);
    case ARC_PB_STRUCT:
    case ARC_PB_PLAIN:
        break;
    }
    if (token->kind != ARC_PB_TOKEN_OBJECT)
        return refuse_type(b, "An object");
    if (kind == ARC_PB_STRUCT)
        return push(b, FRAME_STRUCT, message, &descriptor->fields[0], depth);
    return push(b, FRAME_MESSAGE, message, NULL, depth);
}

/* One value of the field's type into slot; depth: of the message that holds the field. */
static arc_status fill(struct builder *b, const ProtobufCFieldDescriptor *field, void *slot,
                       uint32_t depth, const struct arc_pb_token *token)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return fill_message(b, field->descriptor, slot, depth + 1, token);
    char wanted[128];
    arc_status status = arc__pb_scalar(field, token, b->arena, slot, wanted, sizeof(wanted));
    if (status == ARC_ENOMEM)
        return arc__pb_refused(b->arena, token->text.len + 1, b->err);
    return status == ARC_OK ? ARC_OK : refuse_type(b, wanted);
}

/* ---- where a value goes --------------------------------------------------------------------- */

static int opens(const struct arc_pb_token *token)
{
    return token->kind == ARC_PB_TOKEN_OBJECT || token->kind == ARC_PB_TOKEN_LIST;
}

static void end_raw(struct builder *b)
{
    b->read.raw = arc__slice(b->text.ptr + b->raw_start, b->token_end - b->raw_start);
}

static arc_status begin_raw(struct builder *b, const struct arc_pb_token *token)
{
    b->raw_start = b->token_start;
    if (opens(token))
        return push(b, FRAME_SKIP, NULL, NULL, 0);
    end_raw(b);
    return ARC_OK;
}

/* A member may come once, and one member of a oneof only. */
static arc_status check_member(struct builder *b, struct frame *frame)
{
    const ProtobufCMessageDescriptor *descriptor =
        ((const ProtobufCMessage *)frame->message)->descriptor;
    const ProtobufCFieldDescriptor *field = frame->field;
    if (arc__pb_in_oneof(field) && arc__pb_case(frame->message, field) != 0)
        return refuse(b, ARC_EINVAL, "Only one of these fields may be set.");
    if (b->depth == 1)
        b->read.present |= UINT64_C(1) << (field - descriptor->fields);
    return ARC_OK;
}

static arc_status member_value(struct builder *b, struct frame *frame,
                               const struct arc_pb_token *token)
{
    const ProtobufCFieldDescriptor *field = frame->field;
    if (field == NULL) /* unknown; reported at the end, with all the others */
        return opens(token) ? push(b, FRAME_SKIP, NULL, NULL, 0) : ARC_OK;
    if (token->kind == ARC_PB_TOKEN_NULL)
        return ARC_OK;
    ARC_TRY(check_member(b, frame));
    if (b->depth == 1 && field == b->raw_field)
        return begin_raw(b, token);
    if (arc__pb_is_map(field)) {
        if (token->kind != ARC_PB_TOKEN_OBJECT)
            return refuse_type(b, "An object");
        return push(b, FRAME_MAP, frame->message, field, frame->depth);
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        if (token->kind != ARC_PB_TOKEN_LIST)
            return refuse_type(b, "A list");
        return push(b, FRAME_LIST, frame->message, field, frame->depth);
    }
    arc__pb_mark(frame->message, field);
    return fill(b, field, arc__pb_member(frame->message, field->offset), frame->depth, token);
}

/* The entry is appended when its value is there, so that a map never holds half of one. */
static arc_status entry_value(struct builder *b, struct frame *frame,
                              const struct arc_pb_token *token)
{
    const ProtobufCMessageDescriptor *descriptor = frame->field->descriptor;
    const ProtobufCFieldDescriptor *key = &descriptor->fields[0], *value = &descriptor->fields[1];
    void *entry = NULL, *slot = NULL;
    uint32_t depth = frame->depth + 1;
    ARC_TRY(make(b, descriptor, depth, &entry));
    ARC_TRY(append(b, frame->message, frame->field, &slot));
    *(void **)slot = entry;
    *(char **)arc__pb_member(entry, key->offset) = (char *)(uintptr_t)frame->key;
    return fill(b, value, arc__pb_member(entry, value->offset), depth, token);
}

static arc_status element_value(struct builder *b, struct frame *frame,
                                const struct arc_pb_token *token)
{
    void *slot = NULL;
    const ProtobufCFieldDescriptor *field = frame->field;
    int any =
        field->type == PROTOBUF_C_TYPE_MESSAGE && arc__pb_kind(field->descriptor) == ARC_PB_VALUE;
    frame->index = arc__pb_count(frame->message, field);
    if (token->kind == ARC_PB_TOKEN_NULL && !any)
        return refuse(b, ARC_EINVAL, "A list may not hold null.");
    ARC_TRY(append(b, frame->message, field, &slot));
    return fill(b, field, slot, frame->depth, token);
}

static arc_status root_value(struct builder *b, const struct arc_pb_token *token)
{
    if (arc__pb_kind(b->descriptor) == ARC_PB_PLAIN && token->kind != ARC_PB_TOKEN_OBJECT)
        return refuse_type(b, "An object");
    return fill_message(b, b->descriptor, &b->root, 1, token);
}

static arc_status on_value(struct builder *b, const struct arc_pb_token *token)
{
    if (b->depth == 0)
        return root_value(b, token);
    struct frame *frame = top(b);
    switch (frame->kind) {
    case FRAME_MESSAGE:
        return member_value(b, frame, token);
    case FRAME_LIST:
    case FRAME_VALUES:
        return element_value(b, frame, token);
    case FRAME_MAP:
        if (token->kind == ARC_PB_TOKEN_NULL)
            return refuse(b, ARC_EINVAL, "A map may not hold null.");
        return entry_value(b, frame, token);
    case FRAME_STRUCT:
        return entry_value(b, frame, token);
    case FRAME_SKIP:
        break;
    }
    return opens(token) ? push(b, FRAME_SKIP, NULL, NULL, 0) : ARC_OK;
}

/* ---- keys and brackets ---------------------------------------------------------------------- */

/* The nearest known name, in camelCase, or "". */
static void nearest_name(const ProtobufCMessageDescriptor *descriptor, arc_slice key, char *out,
                         size_t size)
{
    char names[ARC_PB_FIELDS_MAX][48];
    arc_slice known[ARC_PB_FIELDS_MAX];
    size_t count = 0;
    for (; count < descriptor->n_fields && count < ARC_PB_FIELDS_MAX; count++) {
        size_t len = arc__pb_camel(descriptor->fields[count].name, names[count], sizeof(names[0]));
        known[count] = arc__slice(names[count], len);
    }
    (void)arc__slice_to_cstr(arc__nearest(key, known, count), out, size);
}

/* Unknown names are gathered, so that one answer names them all. */
static void note_unknown(struct builder *b, const ProtobufCMessageDescriptor *descriptor,
                         arc_slice key)
{
    char nearest[48], name[64];
    size_t len = strlen(b->unknown);
    key.len = arc__utf8_prefix(key, sizeof(name) - 1);
    (void)arc__slice_to_cstr(key, name, sizeof(name));
    if (b->unknown_count++ == 0) {
        path_of(b, b->unknown_path, sizeof(b->unknown_path));
        if (strcmp(b->unknown_path, "body") == 0)
            b->unknown_path[0] = '\0';
        add_path(b->unknown_path, sizeof(b->unknown_path), ".", name);
        arc__pb_json_place(b->text, b->token_start, &b->unknown_line, &b->unknown_column);
    }
    nearest_name(descriptor, key, nearest, sizeof(nearest));
    (void)snprintf(b->unknown + len, sizeof(b->unknown) - len, "%s%s", len > 0 ? ", " : "", name);
    len = strlen(b->unknown);
    if (nearest[0] != '\0')
        (void)snprintf(b->unknown + len, sizeof(b->unknown) - len, " (meant: %s?)", nearest);
}

static arc_status member_key(struct builder *b, struct frame *frame, arc_slice key)
{
    const ProtobufCMessageDescriptor *descriptor =
        ((const ProtobufCMessage *)frame->message)->descriptor;
    frame->field = NULL;
    const ProtobufCFieldDescriptor *field = arc__pb_field(descriptor, key);
    if (field == NULL) {
        note_unknown(b, descriptor, key);
        return ARC_OK;
    }
    size_t index = (size_t)(field - descriptor->fields);
    if (index >= ARC_PB_FIELDS_MAX)
        return arc__fail(b->err, ARC_EINTERNAL, descriptor->short_name,
                         "The message has more than %d fields.", ARC_PB_FIELDS_MAX);
    frame->field = field;
    if ((frame->seen >> index & 1) != 0)
        return refuse(b, ARC_EINVAL, "The key comes twice.");
    frame->seen |= UINT64_C(1) << index;
    return ARC_OK;
}

static arc_status on_key(struct builder *b, arc_slice key)
{
    struct frame *frame = top(b);
    if (frame->kind == FRAME_MESSAGE)
        return member_key(b, frame, key);
    if (frame->kind == FRAME_SKIP)
        return ARC_OK;
    frame->key = arc__pb_string(b->arena, key);
    return frame->key != NULL ? ARC_OK : arc__pb_refused(b->arena, key.len + 1, b->err);
}

static arc_status on_end(struct builder *b)
{
    struct frame *frame = top(b);
    arc_slice twice = ARC_NONE;
    if (frame->kind == FRAME_MAP || frame->kind == FRAME_STRUCT) {
        ARC_TRY(arc__pb_map_twice(frame->message, frame->field, b->arena, &twice, b->err));
        frame->key = twice.ptr;
        if (twice.ptr != NULL)
            return refuse(b, ARC_EINVAL, "The key comes twice.");
    }
    int skipped = frame->kind == FRAME_SKIP;
    b->depth--;
    if (skipped && b->depth == 1 && b->raw_field != NULL && top(b)->kind == FRAME_MESSAGE &&
        top(b)->field == b->raw_field)
        end_raw(b);
    return ARC_OK;
}

static arc_status on_token(void *user, const struct arc_pb_token *token)
{
    struct builder *b = user;
    /* Between two tokens stand blanks, commas and colons only. */
    size_t start = b->token_end;
    while (start < token->end && memchr(" \t\r\n,:", b->text.ptr[start], 6) != NULL)
        start++;
    b->token_start = start;
    b->token_end = token->end;
    switch (token->kind) {
    case ARC_PB_TOKEN_KEY:
        return on_key(b, token->text);
    case ARC_PB_TOKEN_END_OBJECT:
    case ARC_PB_TOKEN_END_LIST:
        return on_end(b);
    default:
        return on_value(b, token);
    }
}

static void begin(struct builder *b, const ProtobufCMessageDescriptor *descriptor,
                  const struct arc_pb_read *read)
{
    b->descriptor = descriptor;
    b->raw_field = NULL;
    b->root = NULL;
    b->token_start = b->token_end = 0;
    b->raw_start = 0;
    b->messages = 0;
    b->unknown_count = 0;
    b->unknown_line = b->unknown_column = 0;
    b->unknown[0] = b->unknown_path[0] = '\0';
    b->depth = 0;
    b->read = (struct arc_pb_read){NULL, ARC_NONE, 0};
    if (read != NULL && read->raw_field != NULL) {
        b->read.raw_field = read->raw_field;
        b->raw_field = arc__pb_field(descriptor, arc__slice_cstr(read->raw_field));
    }
}

arc_status arc__pb_from_json(const ProtobufCMessageDescriptor *descriptor, arc_slice text,
                             struct arc_arena *arena, const struct arc_pb_limits *limits,
                             void **message, struct arc_pb_read *read, arc_err *err)
{
    struct builder b;
    b.text = text.len > 0 ? text : ARC_LIT("{}");
    b.arena = arena;
    b.limits = arc__pb_limits(limits);
    b.err = err;
    begin(&b, descriptor, read);
    if (text.len > b.limits.json_bytes_max)
        return arc__fail(err, ARC_ELIMIT, "body", "The text has more than %u bytes.",
                         b.limits.json_bytes_max);
    struct arc_pb_json_bounds bounds = {
        b.limits.json_depth_max + (b.raw_field != NULL ? RAW_DEPTH_MORE : 0),
        b.limits.string_bytes_max,
    };
    ARC_TRY(arc__pb_json_read(b.text, &bounds, &arena->mem, on_token, &b, err));
    if (b.unknown_count > 0)
        return arc__fail_at(err, ARC_EINVAL, b.unknown_line, b.unknown_column, b.unknown_path,
                            "Unknown field%s: %s.", b.unknown_count > 1 ? "s" : "", b.unknown);
    *message = b.root;
    if (read != NULL)
        *read = b.read;
    return ARC_OK;
}
