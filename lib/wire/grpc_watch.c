/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the heads of the frames that a client sends, before nghttp2 does. A stream that is
 * closed nghttp2 forgets, and ignores what comes for it, as it must for one that we reset: frames
 * may be under way. After the client's own END_STREAM or RST_STREAM none can be (RFC 9113 5.1): the
 * last streams that it ended so are kept here, and what comes for them ends the connection. Must
 * stay true: only what the client said itself counts. To overlook a frame harms nobody, to end a
 * connection of one that keeps the rules does. */
#include "wire/grpc_priv.h"

enum { DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3 };
#define END_STREAM 0x1
#define PREFACE_BYTES 24

void arc__grpc_watch_init(struct arc_grpc_watch *watch)
{
    *watch = (struct arc_grpc_watch){.left = PREFACE_BYTES};
}

static int has_ended(const struct arc_grpc_watch *watch, uint32_t stream)
{
    for (size_t i = 0; i < ARC_GRPC_WATCH_KEPT; i++)
        if (watch->ended[i] == stream)
            return 1;
    return 0;
}

/* RFC 9113 5.1.1: to open a stream closes those of lower numbers that were never opened. */
static uint32_t check_number(struct arc_grpc_watch *watch, uint32_t stream)
{
    if (stream <= watch->newest)
        return stream >= watch->gap_from && stream < watch->gap_end ? ARC_H2_PROTOCOL_ERROR
                                                                    : ARC_H2_NO_ERROR;
    if (stream > watch->newest + 2) {
        watch->gap_from = watch->newest + 1;
        watch->gap_end = stream;
    }
    watch->newest = stream;
    return ARC_H2_NO_ERROR;
}

static uint32_t check_head(struct arc_grpc_watch *watch)
{
    const uint8_t *head = watch->head;
    uint32_t stream = ((uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 |
                       (uint32_t)head[8]) &
                      0x7fffffff;
    uint32_t code = ARC_H2_NO_ERROR;
    uint8_t type = head[3];
    if (type == PRIORITY)
        return stream == 0 ? ARC_H2_PROTOCOL_ERROR : ARC_H2_NO_ERROR;
    /* Of streams that a client cannot open nghttp2 knows what they are. */
    if (stream % 2 == 0 || (type != DATA && type != HEADERS && type != RST_STREAM))
        return ARC_H2_NO_ERROR;
    int ended = has_ended(watch, stream);
    if (type != RST_STREAM && ended)
        return ARC_H2_STREAM_CLOSED;
    if (type == HEADERS)
        code = check_number(watch, stream);
    if (!ended && (type == RST_STREAM || (head[4] & END_STREAM) != 0)) {
        watch->ended[watch->next] = stream;
        watch->next = (watch->next + 1) % ARC_GRPC_WATCH_KEPT;
    }
    return code;
}

size_t arc__grpc_watch_frames(struct arc_grpc_watch *watch, arc_slice bytes, uint32_t *h2_code)
{
    size_t at = 0;
    *h2_code = ARC_H2_NO_ERROR;
    for (;;) {
        size_t skip = watch->left < bytes.len - at ? watch->left : bytes.len - at;
        size_t before = at += skip;
        watch->left -= (uint32_t)skip;
        while (at < bytes.len && watch->have < sizeof(watch->head))
            watch->head[watch->have++] = (uint8_t)bytes.ptr[at++];
        if (watch->have < sizeof(watch->head))
            return at;
        watch->have = 0;
        watch->left = (uint32_t)watch->head[0] << 16 | (uint32_t)watch->head[1] << 8 |
                      (uint32_t)watch->head[2];
        *h2_code = check_head(watch);
        if (*h2_code != ARC_H2_NO_ERROR)
            return before;
    }
}
