/* SPDX-License-Identifier: Apache-2.0 */
/* The gRPC door: calls of a gRPC server become calls of the command layer and back. Path to method,
 * `authorization` to credential, messages to send, half close to half close, next to messages,
 * status to status.
 *
 * Give arc__grpc_door_events() and the door to arc__net_server_open, or to a connection. The calls
 * are driven by what happens: bytes, room to write, and `ready` from the command layer's dispatch;
 * there is nothing to tick.
 *
 * BACK-PRESSURE in both directions: a message that the call does not take yet pauses the reading of
 * its stream; a stream that takes no more leaves the next message in the call.
 * Must stay true: a call is closed when its stream is, and never from inside one of its own
 * functions. Thread: owner. */
#ifndef ARC_WIRE_GRPC_DOOR_H
#define ARC_WIRE_GRPC_DOOR_H

#include "command/call.h"
#include "wire/grpc.h"

struct arc_grpc_door;

/* What a call asks of whoever can open it. */
struct arc_grpc_door_call {
    arc_slice path;                    /* "/package.Service/Method" */
    arc_slice token;                   /* of "authorization: bearer …"; empty: none */
    arc_slice peer;                    /* the address, without its port */
    const arc_grpc_identity *identity; /* by the peer's certificate; NULL: none */
    uint64_t deadline_ns;              /* 0: none */
    void (*ready)(void *user, struct arc_call *call);
    void *user;
};

/* Opens a call; *streams is 1 when either side streams. A failure is the status of the call.
 * arc__grpc_door_to_command is the one that is used but for tests. */
typedef arc_status arc_grpc_opener(void *user, const struct arc_grpc_door_call *call, int *streams,
                                   struct arc_call **out, arc_err *err);

/* user is a struct arc_command. */
arc_status arc__grpc_door_to_command(void *user, const struct arc_grpc_door_call *call,
                                     int *streams, struct arc_call **out, arc_err *err);

struct arc_grpc_door_options {
    size_t size;
    const struct arc_mem *mem;
    arc_grpc_opener *open;
    void *user; /* of open */
    /* 0: the default. */
    uint64_t unary_max_ns; /* 300 s: the longest that a unary call may last */
};

/* ARC_ENOMEM, ARC_EINVAL. */
arc_status arc__grpc_door_open(const struct arc_grpc_door_options *options,
                               struct arc_grpc_door **out, arc_err *err);
/* After the server: its calls must have ended. NULL is fine. */
void arc__grpc_door_close(struct arc_grpc_door *door);
/* For arc_grpc_server_options.events; the door is their user. */
const struct arc_grpc_events *arc__grpc_door_events(void);
/* Ends every streaming call as UNAVAILABLE, for a server that drains: they would last until its
 * deadline. Unary calls go on; streams that come later are refused. */
void arc__grpc_door_drain(struct arc_grpc_door *door);
size_t arc__grpc_door_calls(const struct arc_grpc_door *door); /* open now */

/* The token of an authorization header: "Bearer abc", the scheme in any case. 0: there is none. */
int arc__grpc_door_token(arc_slice header, arc_slice *token);

#endif
