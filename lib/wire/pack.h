/* SPDX-License-Identifier: Apache-2.0 */
/* Messages compressed with gzip (RFC 1952), one at a time: what the protocol asks for, as no state
 * of a compression goes over from one message to the next.
 * Must stay true: what a few bytes grow to is bounded before the first of them is read, and memory
 * follows what came out, never what was promised. */
#ifndef ARC_WIRE_PACK_H
#define ARC_WIRE_PACK_H

#include "base/buf.h"

/* What any message of len bytes packs to at most. */
size_t arc__pack_bound(size_t len);
/* Packs the message into out, which holds size bytes. ARC_OK and *len; ARC_ELIMIT: it gets longer
 * than size, and out holds a part of it; ARC_ENOMEM. */
arc_status arc__pack(const struct arc_mem *mem, arc_slice message, char *out, size_t size,
                     size_t *len);
/* Unpacks one whole gzip member into out, from its beginning. ARC_EPROTOCOL: it is damaged, cut
 * short, empty, or followed by something (a second member too); err says which. ARC_ELIMIT: more
 * than max_bytes come out; out->capacity never exceeds that by more than the NUL. ARC_ENOMEM. */
arc_status arc__unpack(const struct arc_mem *mem, arc_slice packed, size_t max_bytes,
                       struct arc_buf *out, arc_err *err);

#endif
