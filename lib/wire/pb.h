/* SPDX-License-Identifier: Apache-2.0 */
/* As much of the protobuf wire format as the services of a gRPC server need: fields one after the
 * other, no recursion, no copies. Messages of the contract are codec's matter.
 * Must stay true: any bytes can be given to the reader. */
#ifndef ARC_WIRE_PB_H
#define ARC_WIRE_PB_H

#include "base/buf.h"

#define ARC_PB_VARINT 0u
#define ARC_PB_BYTES 2u

struct arc_pb_field {
    uint32_t number;
    uint32_t type;   /* ARC_PB_…, or that of a fixed field (1, 5), whose value is skipped */
    uint64_t value;  /* of a varint */
    arc_slice bytes; /* borrowed from what is read */
};

/* Takes a field off the front of *rest. 1: there was one; 0: the end; -1: malformed (groups are, no
 * message read here has any). */
int arc__pb_next(arc_slice *rest, struct arc_pb_field *field);
/* 1: the whole message can be read. */
int arc__pb_valid(arc_slice message);
/* The last value of a bytes field; empty where it is absent. 0: malformed. */
int arc__pb_find(arc_slice message, uint32_t number, arc_slice *out);

void arc__pb_add_varint(struct arc_buf *out, uint32_t number, uint64_t value);
/* The tag and the length; the bytes follow. */
void arc__pb_add_head(struct arc_buf *out, uint32_t number, size_t len);
void arc__pb_add_bytes(struct arc_buf *out, uint32_t number, arc_slice bytes);
/* What arc__pb_add_head takes, for a message that holds it. */
size_t arc__pb_head_size(uint32_t number, size_t len);

#endif
