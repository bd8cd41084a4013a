/* SPDX-License-Identifier: Apache-2.0 */
/* Packed bytes of a peer, unpacked up to the size that it told and no further, so that what a few
 * bytes can grow to is known before the first of them is read. */
#ifndef ARC_CODEC_UNPACK_H
#define ARC_CODEC_UNPACK_H

#include "base/arena.h"

/* One gzip member (RFC 1952) of exactly raw_size bytes, into arena; at most raw_size + 64 KiB are
 * taken from it. ARC_EINVAL: it is damaged, cut short, followed by something, or not of that size.
 * ARC_EUNIMPLEMENTED: a build without zlib. ARC_ENOMEM. */
arc_status arc__unpack_gzip(arc_slice packed, size_t raw_size, struct arc_arena *arena,
                            arc_slice *out, arc_err *err);

#endif
