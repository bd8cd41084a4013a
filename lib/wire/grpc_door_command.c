/* SPDX-License-Identifier: Apache-2.0 */
/* The opener of the gRPC door: a path and a token become a call of the command layer. */
#include "wire/grpc_door.h"

arc_status arc__grpc_door_to_command(void *user, const struct arc_grpc_door_call *call,
                                     int *streams, struct arc_call **out, arc_err *err)
{
    struct arc_command *command = user;
    struct arc_call_start start = {
        .method = arc__method_find(command, call->path),
        .format = ARC_CALL_PROTOBUF,
        .principal = {.kind = ARC_PRINCIPAL_NONE},
        .deadline_mono_ns = call->deadline_ns,
        .peer = call->peer,
        .ready = call->ready,
        .user = call->user,
    };
    if (start.method == NULL)
        return arc__fail(err, ARC_EUNIMPLEMENTED, "method", "There is no method %.*s.",
                         call->path.len > 128 ? 128 : (int)call->path.len, call->path.ptr);
    if (call->token.len > 0) {
        arc_err why = ARC_ERR_INIT;
        arc_status status = arc__engine_authenticate(arc__command_engine(command), call->token,
                                                     &start.principal, &why);
        /* A token that is not valid counts as none: a method that needs none (Register, with a
         * stale token at hand) must still work, and the others refuse. */
        if (status == ARC_EUNAUTHENTICATED)
            start.principal = (struct arc_principal){.kind = ARC_PRINCIPAL_NONE};
        else if (status != ARC_OK)
            return arc__fail(err, status, why.subject, "%s", why.message);
    }
    *streams = arc__method_client_streams(start.method) || arc__method_server_streams(start.method);
    return arc__call_open(command, &start, out, err);
}
