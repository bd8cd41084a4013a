/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with a length in front: what comes out does not depend on where the bytes were cut, each
 * is what its prefix told, and memory follows the bytes, not the promises. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/lpm.h"

#define MESSAGE_MAX 1000

struct result {
    arc_status end;
    size_t messages, bytes, used;
    uint64_t sum;
    int partial;
};

/* Reads with cuts of `step` bytes, of random ones where step is 0. */
static struct result feed(struct fuzz_input input, size_t step)
{
    struct fuzz_mem state = {0};
    struct arc_mem mem = fuzz_mem(&state);
    struct result result = {ARC_EAGAIN, 0, 0, 0, 14695981039346656037U, 0};
    struct arc_lpm lpm;
    arc__lpm_init(&lpm, &mem, MESSAGE_MAX);
    while (result.used < input.len && result.end == ARC_EAGAIN) {
        size_t left = input.len - result.used;
        size_t len = step != 0 ? step : fuzz_order(&input) + 1;
        len = len > left ? left : len;
        char *copy = fuzz_copy(input.bytes + result.used, len);
        size_t at = 0;
        do {
            arc_slice message = ARC_NONE;
            size_t used = 0;
            int compressed = 0;
            result.end = arc__lpm_next(&lpm, arc__slice(copy + at, len - at), &used, &message,
                                       &compressed, NULL);
            FUZZ_CHECK(used <= len - at);
            at += used;
            if (result.end == ARC_OK) {
                FUZZ_CHECK(message.len <= MESSAGE_MAX);
                result.messages++;
                result.bytes += message.len;
                result.sum = (result.sum ^ (unsigned)compressed) * 1099511628211U;
                for (size_t i = 0; i < message.len; i++)
                    result.sum = (result.sum ^ (uint8_t)message.ptr[i]) * 1099511628211U;
            }
        } while (result.end == ARC_OK);
        result.used += at;
        FUZZ_CHECK(result.end != ARC_EAGAIN || at == len);
        free(copy);
        FUZZ_CHECK(arc__lpm_held_bytes(&lpm) <= 2 * result.used + 256);
    }
    result.partial = arc__lpm_partial(&lpm);
    arc__lpm_deinit(&lpm);
    FUZZ_CHECK(state.live == 0);
    return result;
}

/* What the same bytes are by the plainest reading. */
static struct result reference(struct fuzz_input input)
{
    struct result result = {ARC_EAGAIN, 0, 0, 0, 0, 0};
    const uint8_t *bytes = input.bytes;
    size_t at = 0;
    while (input.len - at >= 5) {
        size_t size = (size_t)bytes[at + 1] << 24 | (size_t)bytes[at + 2] << 16 |
                      (size_t)bytes[at + 3] << 8 | bytes[at + 4];
        if (bytes[at] > 1 || size > MESSAGE_MAX) {
            result.end = bytes[at] > 1 ? ARC_EPROTOCOL : ARC_ELIMIT;
            return result;
        }
        if (input.len - at - 5 < size)
            break;
        at += 5 + size;
        result.messages++;
        result.bytes += size;
    }
    result.partial = at < input.len;
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = fuzz_split(data, size);
    struct result want = reference(input);
    struct result whole = feed(input, SIZE_MAX);
    const size_t steps[] = {0, 1, 2, 3, 5, 7};
    FUZZ_CHECK(whole.messages == want.messages && whole.bytes == want.bytes);
    /* A flag that is wrong may be refused before the prefix is whole. */
    FUZZ_CHECK(whole.end == want.end || whole.end == ARC_EPROTOCOL);
    FUZZ_CHECK(whole.end != ARC_EAGAIN || whole.partial == want.partial);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct result cut = feed(input, steps[i]);
        FUZZ_CHECK(cut.end == whole.end && cut.messages == whole.messages);
        FUZZ_CHECK(cut.sum == whole.sum);
        FUZZ_CHECK(cut.end != ARC_EAGAIN || cut.partial == whole.partial);
    }
    for (size_t cut = 1; cut < input.len && cut < 64; cut++) {
        struct result split = feed(input, cut);
        FUZZ_CHECK(split.end == whole.end && split.sum == whole.sum);
    }
    return 0;
}
