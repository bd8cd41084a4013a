/* SPDX-License-Identifier: Apache-2.0 */
/* The boundaries of a client's WebSocket frames, looked at as they pass: libwebsockets takes frames
 * without a mask, and a client must not send them (RFC 6455, 5.1). Nothing is held or changed. */
#ifndef EXAMPLES_SERVER_FRAMES_H
#define EXAMPLES_SERVER_FRAMES_H

#include <stddef.h>
#include <stdint.h>

/* All zeros is the beginning. */
struct frames {
    unsigned have;         /* bytes of the present header */
    unsigned need;         /* its length as far as is known; 0: the first two bytes are missing */
    unsigned length_bytes; /* of a longer length behind the first two bytes: 0, 2 or 8 */
    uint64_t left;         /* of the present frame's payload */
};

/* 0, or -1 when a frame has no mask. */
int frames_pass(struct frames *frames, const void *bytes, size_t len);

#endif
