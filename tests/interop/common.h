/* SPDX-License-Identifier: Apache-2.0 */
/* What the server and the client of grpc.testing share. Both are made of the public headers and of
 * the generated messages alone. */
#ifndef ARC_INTEROP_COMMON_H
#define ARC_INTEROP_COMMON_H

#include <arcentra/grpc.h>
#include <protobuf-c/protobuf-c.h>

#include "interop/testservice.pb-c.h"

#define INTEROP_SERVICE "/grpc.testing.TestService/"
#define ECHO_INITIAL "x-grpc-test-echo-initial"
#define ECHO_TRAILING "x-grpc-test-echo-trailing-bin"
/* Longer payloads are refused. */
#define PAYLOAD_MAX (16 << 20)

arc_slice text_slice(const char *text);
int slice_is(arc_slice slice, const char *text);

/* Monotonic. */
uint64_t clock_ns(void);
/* For poll: until that time, at most a second; -1 for UINT64_MAX. */
int wait_ms(uint64_t until_ns);

/* Bytes of a message in memory of their own; ends the program when there is none. */
arc_slice pack(const ProtobufCMessage *message);
void pack_free(arc_slice bytes);
/* NULL: not such a message. */
void *unpack(const ProtobufCMessageDescriptor *type, arc_slice bytes);

/* A payload of zeros. The body is shared and stays whoever frees the message: not to be given to
 * free_unpacked. */
Grpc__Testing__Payload zeros(size_t size);
/* 1: the body has that length and nothing but zeros. */
int is_zeros(const Grpc__Testing__Payload *payload, size_t size);

void *must_alloc(size_t size);
/* The bytes, and a NUL behind them. */
char *copy_text(arc_slice text);
void print_err(const char *what, const arc_err *err);

#endif
