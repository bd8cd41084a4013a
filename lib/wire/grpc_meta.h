/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of gRPC's headers: which metadata may be sent, grpc-timeout, grpc-message, grpc-status,
 * base64 of "-bin" values, and the tables from HTTP and HTTP/2 to a status. Pure functions.
 * Must stay true: nothing that a peer writes here can make the reader fail where the protocol says
 * it must not (a grpc-message is always text, whatever it holds). */
#ifndef ARC_WIRE_GRPC_META_H
#define ARC_WIRE_GRPC_META_H

#include <arcentra/grpc.h>

#include "base/arena.h"
#include "base/buf.h"

/* Bytes of grpc-message on the wire, after escaping. */
#define ARC_GRPC_MESSAGE_MAX_BYTES 1024

/* Decimal, 0 to 16; anything else is ARC_GRPC_UNKNOWN. */
int arc__grpc_status_parse(arc_slice text);
/* For a response without grpc-status. */
int arc__grpc_status_from_http(int http_status);
/* For a stream that was reset with this HTTP/2 error code. */
int arc__grpc_status_from_h2(uint32_t error_code);

/* May this line be sent by an application? Lower-case name of [0-9a-z_.-], not of the protocol's
 * own (pseudo-headers, "grpc-", content-type, te and what HTTP/2 forbids), value of printable ASCII
 * without blanks at its ends, or raw bytes for "-bin". */
int arc__grpc_field_valid(const struct arc_grpc_field *field);
int arc__grpc_name_is_binary(arc_slice name);
/* Names that never reach an application as metadata. */
int arc__grpc_name_is_reserved(arc_slice name);
/* The one name of the protocol's own that goes with a status of the application. */
int arc__grpc_name_is_details(arc_slice name);
/* What can be the path of a method: "/" and more, of printable ASCII without blanks. */
int arc__grpc_path_valid(arc_slice path);
/* "application/grpc", alone or followed by "+" or ";", in any case. */
int arc__grpc_content_type_valid(arc_slice value);

/* The value of a received "-bin" line: padded or not; several, joined by commas, are joined as
 * bytes. ARC_EINVAL, ARC_ENOMEM. */
arc_status arc__grpc_binary_decode(arc_slice text, struct arc_arena *arena, arc_slice *out,
                                   arc_err *err);

/* grpc-timeout: 1 to 8 digits and one of H M S m u n. ARC_EINVAL on anything else. Saturates. */
arc_status arc__grpc_timeout_parse(arc_slice text, uint64_t *out_ns, arc_err *err);
/* In the finest unit that fits 8 digits, rounded up: a deadline must not come early. */
#define ARC_GRPC_TIMEOUT_SIZE 10
size_t arc__grpc_timeout_print(uint64_t ns, char out[ARC_GRPC_TIMEOUT_SIZE]);

/* Escapes all but printable ASCII, and "%", and ends before ARC_GRPC_MESSAGE_MAX_BYTES would be
 * passed, never inside a character of UTF-8. */
void arc__grpc_message_add(struct arc_buf *out, arc_slice text);
/* Never refuses: a bad escape stays as it is, bad UTF-8 is replaced. */
void arc__grpc_message_decode(struct arc_buf *out, arc_slice text);

#endif
