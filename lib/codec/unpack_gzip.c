/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/unpack.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#define GZIP_ONLY (16 + MAX_WBITS) /* zlib.h, inflateInit2: a gzip header, and nothing else */

static voidpf take(voidpf arena, uInt count, uInt size)
{
    return arc__arena_array(arena, count, size);
}

static void leave(voidpf arena, voidpf memory)
{
    (void)arena, (void)memory; /* goes with the arena */
}

static arc_status damaged(arc_err *err, const char *why)
{
    return arc__fail(err, ARC_EINVAL, "data", "The gzip data %s.", why);
}

/* One byte more than was told is asked for: that there is none proves the size. */
static arc_status run(z_stream *stream, size_t raw_size, arc_err *err)
{
    int code = inflate(stream, Z_FINISH);
    if (code == Z_MEM_ERROR)
        return arc__fail_nomem(err);
    if (code == Z_DATA_ERROR || code == Z_NEED_DICT || code == Z_STREAM_ERROR)
        return damaged(err, "is damaged");
    if (stream->total_out > raw_size)
        return damaged(err, "is longer than raw_size");
    if (code != Z_STREAM_END)
        return damaged(err, "is cut short");
    if (stream->avail_in > 0)
        return damaged(err, "is followed by something");
    return stream->total_out == raw_size ? ARC_OK : damaged(err, "is shorter than raw_size");
}

arc_status arc__unpack_gzip(arc_slice packed, size_t raw_size, struct arc_arena *arena,
                            arc_slice *out, arc_err *err)
{
    z_stream stream = {.zalloc = take, .zfree = leave, .opaque = arena};
    if (packed.len == 0 || packed.len > INT_MAX || raw_size > INT_MAX - 1)
        return damaged(err, packed.len == 0 ? "is cut short" : "is too long");
    unsigned char *raw = arc__arena_alloc(arena, raw_size + 1);
    if (raw == NULL)
        return arc__fail_nomem(err);
    stream.next_in = (z_const Bytef *)(uintptr_t)packed.ptr; /* zlib reads it only */
    stream.avail_in = (uInt)packed.len;
    stream.next_out = raw;
    stream.avail_out = (uInt)raw_size + 1;
    if (inflateInit2(&stream, GZIP_ONLY) != Z_OK)
        return arc__fail_nomem(err);
    arc_status status = run(&stream, raw_size, err);
    (void)inflateEnd(&stream); /* only says whether the stream was at its end */
    if (status == ARC_OK)
        *out = arc__slice(raw, raw_size);
    return status;
}
