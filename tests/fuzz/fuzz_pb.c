/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as any message of the contract (the first byte chooses which): refused with a reason, or
 * they mean what protobuf-c reads in them, and encoded again they stay what they are. What it costs
 * is bounded by the arena. */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "fuzz.h"
#include "messages.h"

#define BUDGET ((size_t)8 << 20)

static const ProtobufCMessageDescriptor *const types[] = {
#define MESSAGE(name, descriptor) &descriptor,
#include "message_table.def"
#undef MESSAGE
};

/* Ours, written and read again. */
static void round_trip(const ProtobufCMessageDescriptor *type, const void *message,
                       const struct arc_mem *mem, struct arc_buf *first)
{
    struct arc_arena arena;
    struct arc_buf second;
    void *again = NULL;
    arc__arena_init(&arena, mem, BUDGET);
    arc__buf_init(&second, mem, BUDGET);
    FUZZ_CHECK(arc__pb_encode(message, first, NULL) == ARC_OK);
    FUZZ_CHECK(arc__pb_decode(type, arc__buf_slice(first), &arena, NULL, &again, NULL) == ARC_OK);
    FUZZ_CHECK(arc__pb_encode(again, &second, NULL) == ARC_OK);
    FUZZ_CHECK(arc__slice_equal(arc__buf_slice(first), arc__buf_slice(&second)));
    arc__arena_deinit(&arena);
    arc__buf_deinit(&second);
}

static uint64_t varint(const uint8_t **at)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
}

/* Whether a message that is no list stands there twice, so that it is merged: protobuf-c forgets
 * the numbers of the first then, which is a fault of its own. The bytes are well-formed. */
static int is_merged(const ProtobufCMessageDescriptor *type, const uint8_t *at, const uint8_t *end)
{
    uint64_t seen = 0;
    while (at < end) {
        uint64_t tag = varint(&at), len = 0;
        if ((tag & 7) == 0)
            (void)varint(&at);
        else
            len = (tag & 7) == 1 ? 8 : (tag & 7) == 5 ? 4 : varint(&at);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
        if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE) {
            uint64_t bit = field->label == PROTOBUF_C_LABEL_REPEATED
                               ? 0
                               : UINT64_C(1) << (field - type->fields);
            if ((seen & bit) != 0 || is_merged(field->descriptor, at, at + len))
                return 1;
            seen |= bit;
        }
        at += len;
    }
    return 0;
}

/* What protobuf-c reads in them, written by it, read and written by us. */
static void same_as_theirs(const ProtobufCMessageDescriptor *type, arc_slice bytes,
                           const struct arc_mem *mem, const struct arc_buf *ours)
{
    ProtobufCMessage *theirs =
        protobuf_c_message_unpack(type, NULL, bytes.len, (const uint8_t *)bytes.ptr);
    FUZZ_CHECK(theirs != NULL);
    struct arc_buf buf;
    struct arc_arena arena;
    void *again = NULL;
    arc__buf_init(&buf, mem, BUDGET);
    arc__arena_init(&arena, mem, BUDGET);
    FUZZ_CHECK(arc__pb_encode(theirs, &buf, NULL) == ARC_OK);
    protobuf_c_message_free_unpacked(theirs, NULL);
    FUZZ_CHECK(arc__pb_decode(type, arc__buf_slice(&buf), &arena, NULL, &again, NULL) == ARC_OK);
    arc__buf_clear(&buf);
    FUZZ_CHECK(arc__pb_encode(again, &buf, NULL) == ARC_OK);
    const uint8_t *from = (const uint8_t *)bytes.ptr;
    FUZZ_CHECK(arc__slice_equal(arc__buf_slice(&buf), arc__buf_slice(ours)) ||
               is_merged(type, from, from + bytes.len));
    arc__buf_deinit(&buf);
    arc__arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_mem state = {0};
    struct arc_mem mem = fuzz_mem(&state);
    struct arc_arena arena;
    struct arc_buf buf;
    arc_err err = ARC_ERR_INIT;
    void *message = NULL;
    if (size == 0)
        return 0;
    const ProtobufCMessageDescriptor *type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
    char *copy = fuzz_copy(data + 1, size - 1);
    arc_slice bytes = arc__slice(copy, size - 1);
    arc__arena_init(&arena, &mem, BUDGET);
    arc__buf_init(&buf, &mem, BUDGET);
    arc_status status = arc__pb_decode(type, bytes, &arena, NULL, &message, &err);
    FUZZ_CHECK(state.peak <= BUDGET + 65536);
    if (status == ARC_OK) {
        round_trip(type, message, &mem, &buf);
        same_as_theirs(type, bytes, &mem, &buf);
    } else {
        FUZZ_CHECK(status == ARC_EINVAL || status == ARC_ELIMIT);
        FUZZ_CHECK(message == NULL && err.status == status && err.message[0] != '\0');
    }
    arc__buf_deinit(&buf);
    arc__arena_deinit(&arena);
    FUZZ_CHECK(state.live == 0);
    free(copy);
    return 0;
}
