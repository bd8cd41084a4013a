/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers are taken exactly or not at all. */
#include "codec/scalar.h"

#include <arcentra/base.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "codec/shape.h"

/* strtod reads the decimal point of the host's locale; what that is, printf shows. */
static char decimal_point(void)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%.1f", 0.5);
    return text[1];
}

int arc__pb_double(arc_slice text, double *out)
{
    char copy[80];
    if (text.len == 0 || text.len >= sizeof(copy))
        return 0;
    (void)arc__slice_to_cstr(text, copy, sizeof(copy));
    for (const char *c = copy; *c != '\0'; c++) {
        if (strchr("+-.0123456789eE", *c) == NULL) /* strtod knows hex, infinity and nan */
            return 0;
    }
    char *dot = strchr(copy, '.');
    if (dot != NULL)
        *dot = decimal_point();
    char *end = NULL;
    double value = strtod(copy, &end);
    if (end == copy || *end != '\0' || !isfinite(value) ||
        (fpclassify(value) == FP_ZERO && copy[0] == '-'))
        return 0;
    *out = value;
    return 1;
}

int arc__pb_exact_double(arc_slice text, double *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.' || text.ptr[i] == 'e' || text.ptr[i] == 'E')
            return arc__pb_double(text, out);
    }
    int64_t value = 0;
    if (!arc__slice_to_i64(text, &value) || arc__slice_is(text, "-0"))
        return 0;
    double nearest = (double)value;
    if (nearest >= 9223372036854775808.0 || (int64_t)nearest != value) /* rounded */
        return 0;
    *out = nearest;
    return 1;
}

/* ---- integers ------------------------------------------------------------------------------- */

static int signed_in(const struct arc_pb_token *token, int64_t least, int64_t most, int64_t *out)
{
    return token->kind == ARC_PB_TOKEN_NUMBER && !arc__slice_is(token->text, "-0") &&
           arc__slice_to_i64(token->text, out) && *out >= least && *out <= most;
}

static int unsigned_in(const struct arc_pb_token *token, uint64_t most, uint64_t *out)
{
    return token->kind == ARC_PB_TOKEN_NUMBER && arc__slice_to_u64(token->text, out) &&
           *out <= most;
}

static int store_integer(ProtobufCType type, const struct arc_pb_token *token, void *slot)
{
    int64_t value = 0;
    uint64_t magnitude = 0;
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        if (!signed_in(token, INT32_MIN, INT32_MAX, &value))
            return 0;
        *(int32_t *)slot = (int32_t)value;
        return 1;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        if (!unsigned_in(token, UINT32_MAX, &magnitude))
            return 0;
        *(uint32_t *)slot = (uint32_t)magnitude;
        return 1;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        if (!unsigned_in(token, UINT64_MAX, &magnitude))
            return 0;
        *(uint64_t *)slot = magnitude;
        return 1;
    default:
        if (!signed_in(token, INT64_MIN, INT64_MAX, &value))
            return 0;
        *(int64_t *)slot = value;
        return 1;
    }
}

/* ---- the others ----------------------------------------------------------------------------- */

static int store_double(ProtobufCType type, const struct arc_pb_token *token, void *slot)
{
    double value = 0;
    if (token->kind != ARC_PB_TOKEN_NUMBER || !arc__pb_double(token->text, &value))
        return 0;
    if (type == PROTOBUF_C_TYPE_DOUBLE) {
        *(double *)slot = value;
        return 1;
    }
    if (!isfinite((float)value))
        return 0;
    *(float *)slot = (float)value;
    return 1;
}

static int store_enum(const ProtobufCEnumDescriptor *descriptor, const struct arc_pb_token *token,
                      int32_t *slot)
{
    int64_t number = 0;
    int value = 0;
    if (token->kind == ARC_PB_TOKEN_TEXT) {
        if (!arc__pb_enum_value(descriptor, token->text, &value))
            return 0;
    } else {
        if (!signed_in(token, INT32_MIN, INT32_MAX, &number) ||
            protobuf_c_enum_descriptor_get_value(descriptor, (int)number) == NULL)
            return 0;
        value = (int)number;
    }
    *slot = value;
    return 1;
}

static arc_status store_text(const struct arc_pb_token *token, struct arc_arena *arena, char **slot)
{
    if (token->kind != ARC_PB_TOKEN_TEXT)
        return ARC_EINVAL;
    char *copy = arc__pb_string(arena, token->text);
    if (copy == NULL)
        return ARC_ENOMEM;
    *slot = copy;
    return ARC_OK;
}

static arc_status store_bytes(const struct arc_pb_token *token, struct arc_arena *arena,
                              ProtobufCBinaryData *slot)
{
    arc_slice bytes = ARC_NONE;
    if (token->kind != ARC_PB_TOKEN_TEXT)
        return ARC_EINVAL;
    arc_status status = arc__base64_decode(token->text, arena, &bytes, NULL);
    if (status == ARC_EINVAL)
        return ARC_EINVAL;
    if (status != ARC_OK)
        return ARC_ENOMEM;
    *slot = (ProtobufCBinaryData){bytes.len, (uint8_t *)(uintptr_t)bytes.ptr};
    return ARC_OK;
}

static void say_words(const ProtobufCEnumDescriptor *descriptor, char *wanted, size_t size)
{
    char word[64];
    size_t len = (size_t)snprintf(wanted, size, "One of");
    for (unsigned i = 0; i < descriptor->n_values && len < size; i++) {
        arc_slice text =
            arc__pb_enum_word(descriptor, descriptor->values[i].value, word, sizeof(word));
        if (text.len > 0)
            len += (size_t)snprintf(wanted + len, size - len, "%s %.*s", len > 6 ? "," : "",
                                    ARC_ARG(text));
    }
}

arc_status arc__pb_scalar(const ProtobufCFieldDescriptor *field, const struct arc_pb_token *token,
                          struct arc_arena *arena, void *slot, char *wanted, size_t size)
{
    int stored = 0;
    arc_status status = ARC_EINVAL;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        (void)snprintf(wanted, size, "A string");
        return store_text(token, arena, slot);
    case PROTOBUF_C_TYPE_BYTES:
        (void)snprintf(wanted, size, "A string in base64");
        status = store_bytes(token, arena, slot);
        return status;
    case PROTOBUF_C_TYPE_MESSAGE:
        (void)snprintf(wanted, size, "A value");
        return ARC_EINVAL;
    case PROTOBUF_C_TYPE_BOOL:
        (void)snprintf(wanted, size, "true or false");
        stored = token->kind == ARC_PB_TOKEN_BOOL;
        if (stored)
            *(protobuf_c_boolean *)slot = token->truth != 0;
        break;
    case PROTOBUF_C_TYPE_ENUM:
        stored = store_enum(field->descriptor, token, slot);
        if (!stored)
            say_words(field->descriptor, wanted, size);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        (void)snprintf(wanted, size, "A number");
        stored = store_double(field->type, token, slot);
        break;
    default:
        stored = store_integer(field->type, token, slot);
        (void)snprintf(wanted, size, "An integer of %zu bits", arc__pb_size_of(field->type) * 8);
        break;
    }
    return stored ? ARC_OK : ARC_EINVAL;
}

/* ---- from a path or a query ----------------------------------------------------------------- */

static struct arc_pb_token token_of(const ProtobufCFieldDescriptor *field, arc_slice value)
{
    struct arc_pb_token token = {ARC_PB_TOKEN_TEXT, 0, value, 0};
    int64_t number = 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    case PROTOBUF_C_TYPE_ENUM:
        if (arc__slice_to_i64(value, &number))
            token.kind = ARC_PB_TOKEN_NUMBER;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        if (arc__slice_is(value, "true") || arc__slice_is(value, "false"))
            token.kind = ARC_PB_TOKEN_BOOL;
        token.truth = arc__slice_is(value, "true");
        break;
    default:
        token.kind = ARC_PB_TOKEN_NUMBER;
    }
    return token;
}

arc_status arc__pb_set_text(void *message, arc_slice name, arc_slice value, struct arc_arena *arena,
                            const struct arc_pb_limits *limits, arc_err *err)
{
    const ProtobufCMessage *base = message;
    struct arc_pb_limits bounds = arc__pb_limits(limits);
    const ProtobufCFieldDescriptor *field = arc__pb_field(base->descriptor, name);
    char wanted[128], subject[64];
    (void)arc__slice_to_cstr(name, subject, sizeof(subject));
    if (field == NULL)
        return arc__fail(err, ARC_ENOTFOUND, subject, "There is no such field.");
    if (value.len > bounds.string_bytes_max)
        return arc__fail(err, ARC_ELIMIT, subject, "The value has more than %u bytes.",
                         bounds.string_bytes_max);
    if (value.len > 0 && memchr(value.ptr, '\0', value.len) != NULL)
        return arc__fail(err, ARC_EINVAL, subject, "The value holds a NUL.");
    if (!arc__utf8_valid(value, NULL))
        return arc__fail(err, ARC_EINVAL, subject, "The value is not UTF-8.");
    struct arc_pb_token token = token_of(field, value);
    union { /* any scalar */
        uint64_t number;
        double real;
        void *pointer;
        ProtobufCBinaryData bytes;
    } room = {0};
    arc_status status = arc__pb_scalar(field, &token, arena, &room, wanted, sizeof(wanted));
    if (status == ARC_ENOMEM)
        return arc__pb_refused(arena, value.len + 1, err);
    if (status != ARC_OK)
        return arc__fail(err, ARC_EINVAL, subject, "%s is expected here.", wanted);
    void *slot = arc__pb_member(message, field->offset);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        if (arc__pb_count(message, field) >= bounds.elements_max)
            return arc__fail(err, ARC_ELIMIT, subject, "There are more than %u values.",
                             bounds.elements_max);
        slot = arc__pb_append(message, field, arena);
        if (slot == NULL)
            return arc__pb_refused(arena, arc__pb_count(message, field) * 32, err);
    } else {
        arc__pb_mark(message, field);
    }
    memcpy(slot, &room, arc__pb_size_of(field->type));
    return ARC_OK;
}
