/* SPDX-License-Identifier: Apache-2.0 */
/* Values that are not messages, from text and from JSON tokens. For this room only. */
#ifndef ARC_CODEC_SCALAR_H
#define ARC_CODEC_SCALAR_H

#include "codec/codec.h"
#include "codec/json_read.h"

/* Stores the token's value at slot as the field's type, which is not a message. ARC_EINVAL: it is
 * none, and wanted says what would be ("An integer of 32 bits"); ARC_ENOMEM: the arena refuses.
 * slot is untouched then. */
arc_status arc__pb_scalar(const ProtobufCFieldDescriptor *field, const struct arc_pb_token *token,
                          struct arc_arena *arena, void *slot, char *wanted, size_t size);

/* A JSON number as a double, whatever the host's locale. 0: too large, or a negative zero. */
int arc__pb_double(arc_slice text, double *out);
/* The same, but an integer that a double would change is refused too. */
int arc__pb_exact_double(arc_slice text, double *out);

#endif
