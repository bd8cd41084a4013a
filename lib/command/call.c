/* SPDX-License-Identifier: Apache-2.0 */
/* A call in this process: bytes on both sides of an op.
 *
 *   send ─decode→ request ──half_close──> op ──pull──> reply ─encode→ next
 *
 * Unary calls and server streams begin at half_close, when it is certain that there is one message
 * and no more. Nothing is queued: what next has not taken stays where it is. */
#include "command/call.h"

#include "base/buf.h"
#include "base/json.h"
#include "command/op.h"

#define OUT_BYTES_MAX (32u * 1024u * 1024u)

struct local_call {
    struct arc_call base;
    struct arc_command *command;
    const struct arc_method *method;
    struct arc_mem mem;
    struct arc_op *op;
    uint32_t format;
    void *request;            /* unary and server streams: decoded, waits for half_close */
    struct arc_arena in, out; /* one message of a stream each */
    struct arc_buf bytes;     /* what next gave */
    struct arc_wakeup wakeup;
    struct arc_op_timer deadline;
    void (*ready)(void *user, struct arc_call *call);
    void *user;
    int half_closed;
    int replied; /* the one reply has been given */
    int status_known;
    arc_status status;
    arc_err err;
};

static struct local_call *local(struct arc_call *call)
{
    return (struct local_call *)(void *)call;
}

static void call_woken(void *user)
{
    struct local_call *call = user;
    if (call->ready != NULL)
        arc__command_wake(call->command, &call->wakeup);
}

static void call_fire(struct arc_wakeup *wakeup)
{
    struct local_call *call = ARC_CONTAINER(wakeup, struct local_call, wakeup);
    call->ready(call->user, &call->base);
}

static void call_late(struct arc_op_timer *timer)
{
    struct local_call *call = ARC_CONTAINER(timer, struct local_call, deadline);
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__fail(&err, ARC_EDEADLINE, "deadline", "The deadline has passed.");
    arc__op_fail(call->op, status, &err);
}

/* --- in -----------------------------------------------------------------------------------------
 */

static arc_status call_bad(struct local_call *call, arc_status status, const arc_err *why,
                           arc_err *err)
{
    arc__op_fail(call->op, status, why);
    if (err != NULL)
        *err = *why;
    return status;
}

static arc_status call_send(struct arc_call *base, arc_slice bytes, arc_err *err)
{
    struct local_call *call = local(base);
    arc_err why = ARC_ERR_INIT;
    if (call->op->over)
        return arc__fail(err, ARC_EDONE, "call", "The call is over.");
    if (call->half_closed)
        return arc__fail(err, ARC_EINVAL, "call", "The sending side has been closed.");
    if (call->method->client_streams) {
        void *message = NULL;
        if (call->op->busy)
            return arc__fail(err, ARC_EAGAIN, "call", "The call takes no message now.");
        arc__arena_reset(&call->in);
        arc_status status =
            arc__op_decode(call->op, call->format, bytes, &call->in, &message, &why);
        if (status != ARC_OK)
            return call_bad(call, status, &why, err);
        return arc__op_take(call->op, message);
    }
    if (call->request != NULL) {
        arc_status status =
            arc__fail(&why, ARC_EINVAL, "call", "%s takes one message.", call->method->name);
        return call_bad(call, status, &why, err);
    }
    arc_status status =
        arc__op_decode(call->op, call->format, bytes, &call->op->arena, &call->request, &why);
    return status == ARC_OK ? ARC_OK : call_bad(call, status, &why, err);
}

static arc_status call_half_close(struct arc_call *base, arc_err *err)
{
    struct local_call *call = local(base);
    if (call->op->over)
        return arc__fail(err, ARC_EDONE, "call", "The call is over.");
    if (call->half_closed)
        return ARC_OK;
    call->half_closed = 1;
    if (call->method->client_streams) {
        arc__op_end(call->op);
        return ARC_OK;
    }
    if (call->request == NULL) {
        arc_err why = ARC_ERR_INIT;
        arc_status status =
            arc__fail(&why, ARC_EINVAL, "call", "%s needs a message.", call->method->name);
        return call_bad(call, status, &why, err);
    }
    arc__op_request(call->op, call->request);
    call_woken(call); /* a stream has something to say from the start */
    return ARC_OK;
}

/* --- out ----------------------------------------------------------------------------------------
 */

static arc_status call_encode(struct local_call *call, const void *message, arc_err *err)
{
    arc__buf_clear(&call->bytes);
    if (call->format == ARC_CALL_PROTOBUF) {
        ARC_TRY(arc__pb_encode(message, &call->bytes, err));
    } else {
        struct arc_json json;
        arc__json_init(&json, &call->bytes);
        ARC_TRY(arc__pb_to_json(message, &json, NULL, err));
    }
    return arc__buf_check(&call->bytes, err);
}

static void call_settle(struct local_call *call, arc_status status, const arc_err *err)
{
    call->status_known = 1;
    call->status = status;
    call->err = *err;
}

/* The one message of a call that has ended, if it has one. */
static const void *call_reply(struct local_call *call)
{
    if (call->replied || call->method->server_streams)
        return NULL;
    call->replied = 1;
    return call->op->status == ARC_OK ? call->op->reply : arc__op_refusal(call->op);
}

static arc_status call_next(struct arc_call *base, arc_slice *out, arc_err *err)
{
    struct local_call *call = local(base);
    const void *message = NULL;
    if (call->status_known)
        return arc__fail(err, ARC_EDONE, "call", "The call is over.");
    arc__arena_reset(&call->out);
    arc_status status = arc__op_pull(call->op, &call->out, &message);
    if (status == ARC_EAGAIN)
        return arc__fail(err, ARC_EAGAIN, "call", "There is no message now.");
    if (status == ARC_EDONE) {
        message = call_reply(call);
        arc_err settled = call->op->err;
        /* A refusal that the reply carries is no failure of the call. */
        call_settle(call, message != NULL ? ARC_OK : call->op->status, &settled);
        if (message == NULL)
            return arc__fail(err, ARC_EDONE, "call", "The call is over.");
    }
    arc_err why = ARC_ERR_INIT;
    status = call_encode(call, message, &why);
    if (status != ARC_OK) {
        arc__op_fail(call->op, status, &why);
        call_settle(call, status, &why);
        return arc__fail(err, ARC_EDONE, "call", "The call is over.");
    }
    *out = arc__buf_slice(&call->bytes);
    return ARC_OK;
}

static arc_status call_status(struct arc_call *base, arc_err *err)
{
    struct local_call *call = local(base);
    if (!call->op->over)
        return arc__fail(err, ARC_EAGAIN, "call", "The call is not over.");
    arc_status status = call->op->status;
    const arc_err *why = &call->op->err;
    if (call->status_known) {
        status = call->status;
        why = &call->err;
    } else if (status != ARC_OK && arc__op_refusal(call->op) != NULL) {
        status = ARC_OK;
    }
    if (status != ARC_OK && err != NULL)
        *err = *why;
    return status;
}

static void call_close(struct arc_call *base)
{
    struct local_call *call = local(base);
    if (call == NULL)
        return;
    struct arc_mem mem = call->mem;
    arc__command_disarm(call->command, &call->deadline);
    arc__op_close(call->op);
    arc__list_remove(&call->wakeup.link);
    arc__arena_deinit(&call->in);
    arc__arena_deinit(&call->out);
    arc__buf_deinit(&call->bytes);
    arc__free(&mem, call);
}

static const struct arc_call_ops local_ops = {
    .send = call_send,
    .half_close = call_half_close,
    .next = call_next,
    .status = call_status,
    .close = call_close,
};

arc_status arc__call_open(struct arc_command *command, const struct arc_call_start *start,
                          struct arc_call **out, arc_err *err)
{
    ARC_REQUIRE(start->method != NULL, err, "method");
    ARC_REQUIRE(start->format == ARC_CALL_JSON || start->format == ARC_CALL_PROTOBUF, err,
                "format");
    const struct arc_mem *mem = arc__engine_mem(arc__command_engine(command));
    struct local_call *call = arc__alloc(mem, sizeof(*call));
    if (call == NULL)
        return arc__fail_nomem(err);
    *call = (struct local_call){.base = {&local_ops},
                                .command = command,
                                .method = start->method,
                                .mem = *mem,
                                .format = start->format,
                                .wakeup = {.fire = call_fire},
                                .deadline = {.due = call_late},
                                .ready = start->ready,
                                .user = start->user};
    arc__arena_init(&call->in, mem, ARC_OP_BYTES_MAX);
    arc__arena_init(&call->out, mem, ARC_OP_BYTES_MAX);
    arc__buf_init(&call->bytes, mem, OUT_BYTES_MAX);
    arc_status status = arc__op_open(command, start->method, &start->principal, start->peer,
                                     call_woken, call, &call->op, err);
    if (status == ARC_OK && start->deadline_mono_ns != 0)
        status = arc__command_arm(command, &call->deadline, start->deadline_mono_ns, err);
    if (status != ARC_OK) {
        call_close(&call->base);
        return status;
    }
    if (start->method->client_streams)
        arc__op_start(call->op);
    *out = &call->base;
    return ARC_OK;
}
