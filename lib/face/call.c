/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/call.h>

#include "face/ctl_private.h"

arc_status arc_call_open(arc_ctl *ctl, const char *method, const arc_call_options *given,
                         arc_call **out, arc_err *err)
{
    arc_call_options options;
    ARC_REQUIRE(method != NULL && out != NULL, err, "method");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    struct arc_call_start start = {.format = options.format != 0 ? options.format : ARC_CALL_JSON,
                                   .ready = options.ready,
                                   .user = options.user};
    start.method = arc__method_find(ctl->command, arc__slice_cstr(method));
    if (start.method == NULL)
        return arc__fail(err, ARC_EINVAL, "method", "There is no method %.120s.", method);
    if (options.token == NULL)
        start.principal.kind = ARC_PRINCIPAL_HOST;
    else if (arc__engine_authenticate(ctl->engine, arc__slice_cstr(options.token), &start.principal,
                                      NULL) != ARC_OK)
        start.principal = (struct arc_principal){0}; /* the method's authorisation refuses it */
    if (options.deadline_ms > 0)
        start.deadline_mono_ns =
            ctl->env.now_ns(ctl->env.user) + (uint64_t)options.deadline_ms * 1000000u;
    return arc__call_open(ctl->command, &start, out, err);
}

arc_status arc_call_send(arc_call *call, const void *bytes, size_t len, arc_err *err)
{
    return call->ops->send(call, arc__slice(bytes, len), err);
}

arc_status arc_call_half_close(arc_call *call, arc_err *err)
{
    return call->ops->half_close(call, err);
}

arc_status arc_call_next(arc_call *call, const char **bytes, size_t *len, arc_err *err)
{
    arc_slice message = ARC_NONE;
    ARC_TRY(call->ops->next(call, &message, err));
    *bytes = message.ptr != NULL ? message.ptr : "";
    *len = message.len;
    return ARC_OK;
}

arc_status arc_call_status(arc_call *call, arc_err *err)
{
    return call->ops->status(call, err);
}

void arc_call_close(arc_call *call)
{
    if (call != NULL)
        call->ops->close(call);
}
