/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pb.h"

#define VARINT_MAX_BYTES 10
#define NUMBER_MAX ((1u << 29) - 1)

static int take_varint(arc_slice *rest, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < VARINT_MAX_BYTES && i < rest->len; i++) {
        unsigned char byte = (unsigned char)rest->ptr[i];
        if (i == VARINT_MAX_BYTES - 1 && byte > 1)
            return 0;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *rest = arc__slice_from(*rest, i + 1);
            *out = value;
            return 1;
        }
    }
    return 0;
}

static int take_bytes(arc_slice *rest, uint64_t len, arc_slice *out)
{
    if (len > rest->len)
        return 0;
    *out = arc__slice(rest->ptr, (size_t)len);
    *rest = arc__slice_from(*rest, (size_t)len);
    return 1;
}

int arc__pb_next(arc_slice *rest, struct arc_pb_field *field)
{
    uint64_t tag, len;
    if (rest->len == 0)
        return 0;
    if (!take_varint(rest, &tag) || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
        return -1;
    *field = (struct arc_pb_field){.number = (uint32_t)(tag >> 3), .type = (uint32_t)(tag & 7)};
    switch (field->type) {
    case ARC_PB_VARINT:
        return take_varint(rest, &field->value) ? 1 : -1;
    case ARC_PB_BYTES:
        return take_varint(rest, &len) && take_bytes(rest, len, &field->bytes) ? 1 : -1;
    case 1:
        return take_bytes(rest, 8, &field->bytes) ? 1 : -1;
    case 5:
        return take_bytes(rest, 4, &field->bytes) ? 1 : -1;
    default:
        return -1;
    }
}

int arc__pb_valid(arc_slice message)
{
    struct arc_pb_field field;
    int got;
    while ((got = arc__pb_next(&message, &field)) > 0) {
    }
    return got == 0;
}

int arc__pb_find(arc_slice message, uint32_t number, arc_slice *out)
{
    struct arc_pb_field field;
    int got;
    *out = ARC_NONE;
    while ((got = arc__pb_next(&message, &field)) > 0) {
        if (field.number == number && field.type == ARC_PB_BYTES)
            *out = field.bytes;
    }
    return got == 0;
}

static void add_varint(struct arc_buf *out, uint64_t value)
{
    char bytes[VARINT_MAX_BYTES];
    size_t len = 0;
    while (value > 0x7f) {
        bytes[len++] = (char)(unsigned char)(value | 0x80);
        value >>= 7;
    }
    bytes[len++] = (char)value;
    arc__buf_add(out, bytes, len);
}

static size_t varint_size(uint64_t value)
{
    size_t size = 1;
    while ((value >>= 7) != 0)
        size++;
    return size;
}

void arc__pb_add_varint(struct arc_buf *out, uint32_t number, uint64_t value)
{
    add_varint(out, (uint64_t)number << 3 | ARC_PB_VARINT);
    add_varint(out, value);
}

void arc__pb_add_head(struct arc_buf *out, uint32_t number, size_t len)
{
    add_varint(out, (uint64_t)number << 3 | ARC_PB_BYTES);
    add_varint(out, len);
}

void arc__pb_add_bytes(struct arc_buf *out, uint32_t number, arc_slice bytes)
{
    arc__pb_add_head(out, number, bytes.len);
    arc__buf_add_slice(out, bytes);
}

size_t arc__pb_head_size(uint32_t number, size_t len)
{
    return varint_size((uint64_t)number << 3) + varint_size(len);
}
