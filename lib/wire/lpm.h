/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC's length-prefixed messages: one flag byte, four length bytes in network order, the message.
 * DATA frames cut the stream anywhere, so the reader takes any piece and hands out whole messages.
 * Must stay true: the length is judged before a byte is kept, and memory follows the bytes that
 * have arrived, never the length that was promised. */
#ifndef ARC_WIRE_LPM_H
#define ARC_WIRE_LPM_H

#include "base/buf.h"

#define ARC_LPM_PREFIX_BYTES 5

struct arc_lpm {
    struct arc_buf body; /* a message that came in pieces; empty between messages */
    uint32_t max_bytes;  /* longest message that is accepted */
    uint32_t size;       /* of the message being read, once the prefix is whole */
    uint8_t prefix[ARC_LPM_PREFIX_BYTES];
    uint8_t have; /* bytes of the prefix that are there */
    uint8_t done; /* body is the message handed out last: drop it at the next call */
};

void arc__lpm_init(struct arc_lpm *lpm, const struct arc_mem *mem, uint32_t max_bytes);
void arc__lpm_deinit(struct arc_lpm *lpm); /* a zeroed struct is fine */
/* Forgets a message that was begun. Keeps at most keep_bytes of memory. */
void arc__lpm_clear(struct arc_lpm *lpm, size_t keep_bytes);

/* A message that lies in the bytes whole, not compressed and within the limit, while no other is
 * being read: how nearly all of them come. Answers the bytes that it takes; 0: arc__lpm_next knows
 * what it is. */
static inline size_t arc__lpm_whole(const struct arc_lpm *lpm, arc_slice bytes, arc_slice *message)
{
    const unsigned char *head = (const unsigned char *)bytes.ptr;
    if (lpm->have != 0 || lpm->done || bytes.len < ARC_LPM_PREFIX_BYTES || head[0] != 0)
        return 0;
    size_t size = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (size > bytes.len - ARC_LPM_PREFIX_BYTES || size > lpm->max_bytes)
        return 0;
    *message = arc__slice(bytes.ptr + ARC_LPM_PREFIX_BYTES, size);
    return ARC_LPM_PREFIX_BYTES + size;
}

/* Takes bytes up to the end of one message. *used says how many were taken, whatever the result.
 *   ARC_OK         *message is whole: borrowed from bytes where it lies there in one piece, else
 *                  from the reader; valid until the next call. *compressed is the flag.
 *   ARC_EAGAIN     all bytes are taken, the message goes on
 *   ARC_ELIMIT     the prefix promises more than max_bytes
 *   ARC_EPROTOCOL  the flag byte is neither 0 nor 1
 *   ARC_ENOMEM
 * After a failure other than ARC_EAGAIN the stream cannot be read on. */
arc_status arc__lpm_next(struct arc_lpm *lpm, arc_slice bytes, size_t *used, arc_slice *message,
                         int *compressed, arc_err *err);

/* 1: a message was begun and is not whole: the end of the stream here is a cut. */
int arc__lpm_partial(const struct arc_lpm *lpm);
/* Memory that the reader holds. */
size_t arc__lpm_held_bytes(const struct arc_lpm *lpm);

/* The prefix of an uncompressed message. */
void arc__lpm_prefix(uint32_t size, uint8_t out[ARC_LPM_PREFIX_BYTES]);

#endif
