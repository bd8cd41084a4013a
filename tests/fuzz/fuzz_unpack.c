/* SPDX-License-Identifier: Apache-2.0 */
/* A packed log batch with the size that it tells (the first three bytes): exactly that size comes
 * out or nothing, and never more memory than that. */
#include <stdlib.h>

#include "codec/unpack.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_mem state = {0};
    struct arc_mem mem = fuzz_mem(&state);
    struct arc_arena arena;
    arc_slice out = ARC_NONE;
    if (size < 3)
        return 0;
    size_t told = (size_t)(data[0] & 0x0fU) << 16 | (size_t)data[1] << 8 | data[2];
    char *copy = fuzz_copy(data + 3, size - 3);
    arc__arena_init(&arena, &mem, (size_t)4 << 20);
    arc_status status = arc__unpack_gzip(arc__slice(copy, size - 3), told, &arena, &out, NULL);
    FUZZ_CHECK(status == ARC_OK || status == ARC_EINVAL || status == ARC_EUNIMPLEMENTED);
    FUZZ_CHECK(status != ARC_OK || out.len == told);
    FUZZ_CHECK(state.peak <= told + 128 * 1024);
    arc__arena_deinit(&arena);
    FUZZ_CHECK(state.live == 0);
    free(copy);
    return 0;
}
