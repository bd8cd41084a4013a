/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as any message of the contract (the first byte chooses which): refused with its place, or it
 * survives the way to bytes and back, and to JSON and back. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "codec/codec.h"
#include "fuzz.h"
#include "messages.h"

#define BUDGET ((size_t)8 << 20)

static const ProtobufCMessageDescriptor *const types[] = {
#define MESSAGE(name, descriptor) &descriptor,
#include "message_table.def"
#undef MESSAGE
};

static void to_json(const void *message, struct arc_buf *out)
{
    struct arc_json json;
    arc__json_init(&json, out);
    FUZZ_CHECK(arc__pb_to_json(message, &json, NULL, NULL) == ARC_OK);
    FUZZ_CHECK(arc__utf8_valid(arc__buf_slice(out), NULL));
}

static void round_trip(const ProtobufCMessageDescriptor *type, const void *message,
                       const struct arc_mem *mem)
{
    struct arc_buf wire, first, second;
    struct arc_arena arena;
    void *by_wire = NULL, *by_json = NULL;
    arc__buf_init(&wire, mem, BUDGET);
    arc__buf_init(&first, mem, BUDGET);
    arc__buf_init(&second, mem, BUDGET);
    arc__arena_init(&arena, mem, 2 * BUDGET);
    FUZZ_CHECK(arc__pb_encode(message, &wire, NULL) == ARC_OK);
    FUZZ_CHECK(arc__pb_decode(type, arc__buf_slice(&wire), &arena, NULL, &by_wire, NULL) == ARC_OK);
    to_json(message, &first);
    to_json(by_wire, &second);
    FUZZ_CHECK(arc__slice_equal(arc__buf_slice(&first), arc__buf_slice(&second)));
    FUZZ_CHECK(arc__pb_from_json(type, arc__buf_slice(&first), &arena, NULL, &by_json, NULL,
                                 NULL) == ARC_OK);
    arc__buf_clear(&second);
    to_json(by_json, &second);
    FUZZ_CHECK(arc__slice_equal(arc__buf_slice(&first), arc__buf_slice(&second)));
    arc__buf_deinit(&wire);
    arc__buf_deinit(&first);
    arc__buf_deinit(&second);
    arc__arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_mem state = {0};
    struct arc_mem mem = fuzz_mem(&state);
    struct arc_arena arena;
    arc_err err = ARC_ERR_INIT;
    void *message = NULL;
    if (size == 0)
        return 0;
    const ProtobufCMessageDescriptor *type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
    char *copy = fuzz_copy(data + 1, size - 1);
    arc__arena_init(&arena, &mem, BUDGET);
    arc_status status =
        arc__pb_from_json(type, arc__slice(copy, size - 1), &arena, NULL, &message, NULL, &err);
    if (status == ARC_OK) {
        round_trip(type, message, &mem);
    } else {
        FUZZ_CHECK(status == ARC_EINVAL || status == ARC_ELIMIT);
        FUZZ_CHECK(message == NULL && err.status == status && err.message[0] != '\0');
    }
    arc__arena_deinit(&arena);
    FUZZ_CHECK(state.live == 0);
    free(copy);
    return 0;
}
