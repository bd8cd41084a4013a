/* SPDX-License-Identifier: Apache-2.0 */
#include "server/frames.h"

#define MASK_BYTES 4u

/* One byte of a header. 0, or -1. */
static int header_byte(struct frames *frames, unsigned char byte)
{
    unsigned at = frames->have++;
    if (at == 0)
        return 0;
    if (at == 1) {
        unsigned short_length = byte & 0x7fu;
        unsigned more = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
        frames->left = more > 0 ? 0 : short_length;
        frames->length_bytes = more;
        frames->need = 2 + more + MASK_BYTES;
        return (byte & 0x80u) != 0 ? 0 : -1;
    }
    if (at < 2 + frames->length_bytes)
        frames->left = frames->left << 8 | byte;
    if (frames->have == frames->need)
        frames->have = frames->need = 0; /* the payload follows, then the next header */
    return 0;
}

int frames_pass(struct frames *frames, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    while (len > 0) {
        if (frames->have == 0 && frames->left > 0) {
            size_t take = len < frames->left ? len : (size_t)frames->left;
            frames->left -= take;
            at += take;
            len -= take;
            continue;
        }
        if (header_byte(frames, *at) != 0)
            return -1;
        at++;
        len--;
    }
    return 0;
}
