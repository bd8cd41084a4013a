/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the heads of the frames that a client sends, before nghttp2 does. A stream that is
 * closed nghttp2 forgets, and ignores what comes for it, as it must for one that we reset: frames
 * may be under way. After the client's own END_STREAM or RST_STREAM none can be (RFC 9113 5.1): the
 * last streams that it ended so are kept here, and what comes for them ends the connection.
 *
 * Resets of streams that were never opened are kept from nghttp2, which would end the connection,
 * as RFC 9113 5.1 has it: clients in wide use send one for a call that is cancelled before it has
 * left, and their other calls would pay for it. Before the first stream there are none, and the
 * rule holds.
 *
 * Must stay true: only what the client said itself counts. To overlook a frame harms nobody, to end
 * a connection of one that keeps the rules does. */
#include "wire/grpc_priv.h"

enum { DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, CONTINUATION = 9 };
#define END_STREAM 0x1
#define END_HEADERS 0x4
#define PREFACE_BYTES 24
#define RST_STREAM_BYTES 4

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

static uint32_t stream_of(const uint8_t *head)
{
    return ((uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 |
            (uint32_t)head[8]) &
           0x7fffffff;
}

static uint32_t bytes_of(const uint8_t *head)
{
    return (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | (uint32_t)head[2];
}

static void keep_ended(struct arc_grpc_watch *watch, uint32_t stream)
{
    if (has_ended(watch, stream))
        return;
    watch->ended[watch->next] = stream;
    watch->next = (watch->next + 1) % ARC_GRPC_WATCH_KEPT;
}

static uint32_t check_head(struct arc_grpc_watch *watch)
{
    const uint8_t *head = watch->head;
    uint32_t stream = stream_of(head), code = ARC_H2_NO_ERROR;
    uint8_t type = head[3];
    if (type == HEADERS || type == CONTINUATION)
        watch->in_block = (head[4] & END_HEADERS) == 0;
    if (type == PRIORITY)
        return stream == 0 ? ARC_H2_PROTOCOL_ERROR : ARC_H2_NO_ERROR;
    /* Of streams that a client cannot open nghttp2 knows what they are. */
    if (stream % 2 == 0 || (type != DATA && type != HEADERS && type != RST_STREAM))
        return ARC_H2_NO_ERROR;
    if (type != RST_STREAM && has_ended(watch, stream))
        return ARC_H2_STREAM_CLOSED;
    if (type == HEADERS)
        code = check_number(watch, stream);
    if (type == RST_STREAM || (head[4] & END_STREAM) != 0)
        keep_ended(watch, stream);
    return code;
}

/* A stream that has not been opened, on a connection that has had others. Those of lower numbers
 * may still be opened: they can wait behind it in the client. */
static int resets_unopened(const struct arc_grpc_watch *watch)
{
    uint32_t stream = stream_of(watch->head);
    return watch->head[3] == RST_STREAM && bytes_of(watch->head) == RST_STREAM_BYTES &&
           stream % 2 == 1 && watch->newest > 0 && stream > watch->newest && !watch->in_block;
}

static void advance(arc_slice *bytes, size_t count)
{
    *bytes = arc__slice(bytes->ptr + count, bytes->len - count);
}

/* Takes as much of a head as there is; 1: it is whole. */
static int take_head(struct arc_grpc_watch *watch, arc_slice *bytes)
{
    size_t lacks = sizeof(watch->head) - watch->have;
    size_t take = lacks < bytes->len ? lacks : bytes->len;
    memcpy(watch->head + watch->have, bytes->ptr, take);
    watch->have = (uint8_t)(watch->have + take);
    advance(bytes, take);
    return watch->have == sizeof(watch->head);
}

/* A head that came in pieces is handed on when it is whole: of one that is passed over nothing may
 * have been read before. */
int arc__grpc_watch_next(struct arc_grpc_watch *watch, arc_slice *bytes,
                         struct arc_grpc_heard *heard)
{
    const char *from = bytes->ptr;
    *heard = (struct arc_grpc_heard){.h2_code = ARC_H2_NO_ERROR};
    while (bytes->len > 0) {
        size_t skip = watch->left < bytes->len ? watch->left : bytes->len;
        size_t split = watch->have;
        advance(bytes, skip);
        watch->left -= (uint32_t)skip;
        if (watch->drop) {
            from = bytes->ptr;
            watch->drop = watch->left > 0;
        }
        heard->bytes = arc__slice(from, (size_t)(bytes->ptr - from));
        if (bytes->len == 0 || !take_head(watch, bytes))
            break;
        watch->have = 0;
        heard->h2_code = check_head(watch);
        heard->passed = heard->h2_code == ARC_H2_NO_ERROR && resets_unopened(watch);
        watch->left = bytes_of(watch->head);
        watch->drop = heard->passed != 0;
        if (heard->h2_code != ARC_H2_NO_ERROR || heard->passed)
            return 1;
        if (split > 0) {
            heard->bytes = arc__slice(watch->head, sizeof(watch->head));
            return 1;
        }
        heard->bytes = arc__slice(from, (size_t)(bytes->ptr - from));
    }
    return heard->bytes.len > 0;
}
