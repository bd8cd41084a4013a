/* SPDX-License-Identifier: Apache-2.0 */
/* The boundaries of a client's frames, whole and a byte at a time. */
#include "server/frames.h"

#include <stdlib.h>
#include <string.h>

#include "shim.h"

static int pass(const unsigned char *bytes, size_t len, size_t piece)
{
    struct frames frames;
    memset(&frames, 0, sizeof(frames));
    for (size_t at = 0; at < len; at += piece)
        if (frames_pass(&frames, bytes + at, len - at < piece ? len - at : piece) != 0)
            return -1;
    return 0;
}

/* Appends a frame of len payload bytes that look like headers without a mask. */
static size_t put_frame(unsigned char *out, size_t at, size_t len, int masked)
{
    unsigned bit = masked ? 0x80u : 0;
    out[at++] = 0x81;
    if (len < 126) {
        out[at++] = (unsigned char)(bit | len);
    } else if (len < 65536) {
        out[at++] = (unsigned char)(bit | 126);
        out[at++] = (unsigned char)(len >> 8);
        out[at++] = (unsigned char)len;
    } else {
        out[at++] = (unsigned char)(bit | 127);
        for (int shift = 56; shift >= 0; shift -= 8)
            out[at++] = (unsigned char)((uint64_t)len >> shift);
    }
    if (masked)
        at += 4;
    memset(out + at, 1, len);
    return at + len;
}

static void masked_frames_of_every_length_pass(void)
{
    static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 70000, 3};
    unsigned char *bytes = calloc(1, 300000);
    size_t len = 0;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        len = put_frame(bytes, len, lengths[i], 1);
    CHECK_INT(pass(bytes, len, len), 0);
    CHECK_INT(pass(bytes, len, 1), 0);
    CHECK_INT(pass(bytes, len, 1021), 0);
    free(bytes);
}

static void a_frame_without_a_mask_is_seen_wherever_it_stands(void)
{
    static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536};
    unsigned char *bytes = calloc(1, 300000);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t len = put_frame(bytes, 0, lengths[i], 1);
        len = put_frame(bytes, len, 2, 0);
        CHECK_INT(pass(bytes, len, len), -1);
        CHECK_INT(pass(bytes, len, 1), -1);
        CHECK_INT(pass(bytes, len, 7), -1);
    }
    free(bytes);
}

static const struct test tests[] = {
    {"masked frames of every length pass", masked_frames_of_every_length_pass},
    {"a frame without a mask is seen wherever it stands",
     a_frame_without_a_mask_is_seen_wherever_it_stands},
};
TEST_MAIN(tests)
