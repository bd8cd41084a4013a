/* SPDX-License-Identifier: Apache-2.0 */
/* The one file of the room that knows zlib.
 * The states of zlib live as long as one message. Kept on the connection, a deflate state would be
 * 268 KB on each that ever sent a packed message, where an idle one shall cost 16 KiB; and making
 * it anew is cheap against its use, because it is made no larger than the message asks for. Inflate
 * needs no window of its own while the message fits the first piece of memory. */
#include "wire/pack.h"

#include <limits.h>
#include <zlib.h>

/* The thread that packs serves all other calls meanwhile: a MiB of log lines takes it 18 ms so and
 * 69 ms at zlib's default, for a quarter more bytes. */
#define LEVEL Z_BEST_SPEED
#define GZIP 16 /* added to the window's bits: a gzip header and trailer, and nothing else */

static voidpf take(voidpf user, uInt count, uInt size)
{
    size_t total = 0;
    if (__builtin_mul_overflow((size_t)count, (size_t)size, &total))
        return NULL;
    return arc__realloc(user, NULL, total); /* zlib clears what it must */
}

static void leave(voidpf user, voidpf memory)
{
    arc__free(user, memory);
}

/* zlib wants its pointers writable; it writes neither through `opaque` nor to the input. */
static void open_stream(z_stream *stream, const struct arc_mem *mem, arc_slice input)
{
    *stream = (z_stream){.zalloc = take, .zfree = leave, .opaque = (voidpf)(uintptr_t)mem};
    stream->next_in = (z_const Bytef *)(uintptr_t)input.ptr;
    stream->avail_in = (uInt)input.len;
}

size_t arc__pack_bound(size_t len)
{
    /* Where nothing can be saved, deflate stores: some bytes a block, and a block is never shorter
     * than an eighth of the window. */
    return len + len / 4 + 64;
}

arc_status arc__pack(const struct arc_mem *mem, arc_slice message, char *out, size_t size,
                     size_t *len)
{
    z_stream stream;
    int bits = 9;
    if (message.len > INT_MAX || size > INT_MAX)
        return ARC_ELIMIT;
    while (bits < MAX_WBITS && (size_t)1 << bits < message.len)
        bits++;
    open_stream(&stream, mem, message);
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)size;
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP + bits, bits - 7, Z_DEFAULT_STRATEGY) != Z_OK)
        return ARC_ENOMEM;
    int code = deflate(&stream, Z_FINISH);
    *len = size - stream.avail_out;
    (void)deflateEnd(&stream); /* only says whether the stream was at its end */
    return code == Z_STREAM_END ? ARC_OK : ARC_ELIMIT;
}

static arc_status damaged(arc_err *err, const char *why)
{
    return arc__fail(err, ARC_EPROTOCOL, "message", "The compressed message %s.", why);
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Inflates into what room there is. At the bound a byte more is asked for: that there is none
 * proves the end. */
static arc_status step(z_stream *stream, size_t max_bytes, struct arc_buf *out, int *code)
{
    size_t want = out->len > 0 ? out->len : 4 * (size_t)stream->avail_in + 256;
    size_t room = min_size(want, max_bytes - out->len);
    Bytef beyond = 0;
    stream->next_out = &beyond;
    stream->avail_out = 1;
    if (room > 0) {
        char *place = arc__buf_reserve(out, room);
        if (place == NULL)
            return ARC_ENOMEM;
        stream->next_out = (Bytef *)place;
        stream->avail_out = (uInt)room;
    }
    *code = inflate(stream, Z_FINISH);
    if (room == 0)
        return stream->avail_out == 0 ? ARC_ELIMIT : ARC_OK;
    arc__buf_commit(out, room - stream->avail_out);
    return ARC_OK;
}

static arc_status run(z_stream *stream, size_t max_bytes, struct arc_buf *out, arc_err *err)
{
    int code;
    do {
        arc_status status = step(stream, max_bytes, out, &code);
        if (status == ARC_ENOMEM || code == Z_MEM_ERROR)
            return arc__fail_nomem(err);
        if (status != ARC_OK)
            return arc__fail(err, status, "message", "The message is longer than %zu bytes.",
                             max_bytes);
        if (code == Z_STREAM_END)
            return stream->avail_in == 0 ? ARC_OK : damaged(err, "is followed by something");
        if (code != Z_OK && code != Z_BUF_ERROR)
            return damaged(err, "is damaged");
    } while (stream->avail_out == 0);
    return damaged(err, "is cut short");
}

arc_status arc__unpack(const struct arc_mem *mem, arc_slice packed, size_t max_bytes,
                       struct arc_buf *out, arc_err *err)
{
    z_stream stream;
    arc__buf_clear(out);
    if (packed.len == 0)
        return damaged(err, "is empty");
    if (packed.len > INT_MAX || max_bytes > INT_MAX)
        return arc__fail(err, ARC_ELIMIT, "message", "The message is too long.");
    out->max_bytes = max_bytes;
    open_stream(&stream, mem, packed);
    if (inflateInit2(&stream, GZIP + MAX_WBITS) != Z_OK)
        return arc__fail_nomem(err);
    arc_status status = run(&stream, max_bytes, out, err);
    (void)inflateEnd(&stream);
    return status;
}
