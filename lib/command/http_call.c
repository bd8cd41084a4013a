/* SPDX-License-Identifier: Apache-2.0 */
/* A request by route: path, query and body become one message, and the reply becomes a detail. */
#include "base/json.h"
#include "base/sha256.h"
#include "base/status.h"
#include "base/time.h"
#include "command/op.h"

#define DETAIL_BYTES_MAX (32u * 1024u * 1024u)
#define ETAG_LEN 32
#define RETRY_AFTER_S 1
#define DEADLINE_NS (INT64_C(60) * ARC_NS_PER_S) /* then 504: nobody waits longer for a page */

struct arc_http_call {
    struct arc_command *command;
    struct arc_op *op;
    struct arc_mem mem;
    struct arc_wakeup wakeup;
    struct arc_op_timer deadline;
    void (*ready)(void *user);
    void *user;
    int shown;
    struct arc_http_result result;
    arc_err err; /* what result's texts point to */
    struct arc_buf detail, details;
    char etag[ARC_SHA256_HEX_LEN + 1];
};

static void call_woken(void *user)
{
    struct arc_http_call *call = user;
    if (call->ready != NULL)
        arc__command_wake(call->command, &call->wakeup);
}

static void call_fire(struct arc_wakeup *wakeup)
{
    struct arc_http_call *call = ARC_CONTAINER(wakeup, struct arc_http_call, wakeup);
    call->ready(call->user);
}

static void call_late(struct arc_op_timer *timer)
{
    struct arc_http_call *call = ARC_CONTAINER(timer, struct arc_http_call, deadline);
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__fail(&err, ARC_EDEADLINE, "deadline", "The answer took too long.");
    arc__op_fail(call->op, status, &err);
}

int arc__http_status(arc_status status, uint32_t *retry_after_s)
{
    int http = arc__status_http(status);
    if (status == ARC_EPRECONDITION)
        http = 409; /* 412 is kept for If-Match, which nobody sent */
    if (status == ARC_ECANCELLED)
        http = 503;
    if (retry_after_s != NULL)
        *retry_after_s = http == 429 || http == 503 ? RETRY_AFTER_S : 0;
    return http;
}

/* --- in -----------------------------------------------------------------------------------------
 */

static arc_status params_set(struct arc_op *op, void *message, const struct arc_kvs *params,
                             arc_err *err)
{
    const ProtobufCMessageDescriptor *descriptor = op->method->request;
    for (uint32_t i = 0; i < params->count; i++) {
        const struct arc_kv *param = &params->items[i];
        const ProtobufCFieldDescriptor *field = arc__pb_field(descriptor, param->key);
        if (field == NULL || field->type != PROTOBUF_C_TYPE_STRING)
            return arc__fail(err, ARC_EINTERNAL, "route", "The route names no field.");
        const char *told = *(char **)(void *)((char *)message + field->offset);
        if (arc__pb_has(descriptor, op->present, field->name) && !arc__slice_is(param->value, told))
            return arc__fail(err, ARC_EINVAL, field->name,
                             "%.*s in the body is not the one in the path.", ARC_ARG(param->key));
        ARC_TRY(arc__pb_set_text(message, param->key, param->value, &op->arena, NULL, err));
    }
    return ARC_OK;
}

static arc_status query_set(struct arc_op *op, void *message, const struct arc_kvs *params,
                            const struct arc_kvs *query, arc_err *err)
{
    const ProtobufCMessageDescriptor *descriptor = op->method->request;
    for (uint32_t i = 0; i < query->count; i++) {
        const struct arc_kv *pair = &query->items[i];
        char name[64];
        arc__slice_to_cstr(pair->key, name, sizeof(name));
        const ProtobufCFieldDescriptor *field = arc__pb_field(descriptor, pair->key);
        int taken = field != NULL && op->method->verb[0] != 'P';
        for (uint32_t k = 0; taken && k < params->count; k++)
            taken = arc__pb_field(descriptor, params->items[k].key) != field;
        if (!taken)
            return arc__fail(err, ARC_EINVAL, name, "The query parameter %s is not known here.",
                             name);
        arc_status status =
            arc__pb_set_text(message, pair->key, pair->value, &op->arena, NULL, err);
        if (status == ARC_EINVAL)
            return arc__fail(err, ARC_EINVAL, name,
                             "The value of the query parameter %s is not valid.", name);
        if (status != ARC_OK)
            return status;
    }
    return ARC_OK;
}

static void call_begin(struct arc_http_call *call, const struct arc_http_call_start *start)
{
    struct arc_op *op = call->op;
    void *message = NULL;
    arc_err why = ARC_ERR_INIT;
    arc_slice body = start->method->verb[0] == 'G' ? ARC_NONE : start->body;
    arc_status status = arc__op_decode(op, ARC_CALL_JSON, body, &op->arena, &message, &why);
    if (status == ARC_OK)
        status = params_set(op, message, &start->params, &why);
    if (status == ARC_OK)
        status = query_set(op, message, &start->params, &start->query, &why);
    if (status == ARC_OK)
        arc__op_request(op, message);
    else
        arc__op_fail(op, status, &why);
}

arc_status arc__http_call_open(struct arc_command *command, const struct arc_http_call_start *start,
                               struct arc_http_call **out, arc_err *err)
{
    const struct arc_mem *mem = arc__engine_mem(arc__command_engine(command));
    struct arc_http_call *call = arc__alloc(mem, sizeof(*call));
    if (call == NULL)
        return arc__fail_nomem(err);
    *call = (struct arc_http_call){.command = command,
                                   .mem = *mem,
                                   .wakeup = {.fire = call_fire},
                                   .deadline = {.due = call_late},
                                   .ready = start->ready,
                                   .user = start->user};
    arc__buf_init(&call->detail, mem, DETAIL_BYTES_MAX);
    arc__buf_init(&call->details, mem, DETAIL_BYTES_MAX);
    arc_status status = arc__op_open(command, start->method, &start->principal, start->peer,
                                     call_woken, call, &call->op, err);
    if (status == ARC_OK)
        status = arc__command_arm(command, &call->deadline,
                                  arc__command_now(command).mono_ns + (uint64_t)DEADLINE_NS, err);
    if (status != ARC_OK) {
        arc__http_call_close(call);
        return status;
    }
    call->op->http = 1;
    call->op->text = start->text;
    if (!call->op->over)
        call_begin(call, start);
    *out = call;
    return ARC_OK;
}

/* --- out ----------------------------------------------------------------------------------------
 */

static arc_status show_fields(const struct arc_method *method, const void *reply,
                              struct arc_json *json, arc_err *err)
{
    const char *omit[] = {"success", "message", "error", method->shown};
    struct arc_pb_json_options options = {.omit = omit, .omit_count = 3, .members_only = 1};
    arc__json_object(json);
    if (method->shape == ARC_SHAPE_LIST) {
        options.omit_count = 4;
        arc__json_key(json, ARC_LIT("list"));
        ARC_TRY(arc__pb_field_to_json(reply, method->shown, json, err));
    }
    ARC_TRY(arc__pb_to_json(reply, json, &options, err));
    arc__json_end_object(json);
    return ARC_OK;
}

static arc_status show_detail(struct arc_http_call *call, arc_err *err)
{
    struct arc_op *op = call->op;
    struct arc_json json;
    arc__json_init(&json, &call->detail);
    if (op->http_json.len > 0)
        arc__json_raw(&json, op->http_json);
    else if (op->http_message != NULL)
        ARC_TRY(arc__pb_to_json(op->http_message, &json, NULL, err));
    else if (op->method->shape == ARC_SHAPE_ITEM)
        ARC_TRY(arc__pb_field_to_json(op->reply, op->method->shown, &json, err));
    else if (op->method->shape != ARC_SHAPE_NONE)
        ARC_TRY(show_fields(op->method, op->reply, &json, err));
    return arc__buf_check(&call->detail, err);
}

/* Where in the request it is, for those refusals that are about its text. */
static void show_place(struct arc_http_call *call, const arc_err *why)
{
    struct arc_json json;
    if (why->line == 0)
        return;
    arc__json_init(&json, &call->details);
    arc__json_object(&json);
    if (why->subject[0] != '\0')
        arc__json_key_text(&json, "path", arc__slice_cstr(why->subject));
    arc__json_key_i64(&json, "line", why->line);
    arc__json_key_i64(&json, "column", why->column);
    arc__json_end_object(&json);
    if (call->details.failed == ARC_OK)
        call->result.details = arc__buf_slice(&call->details);
}

static void show_refusal(struct arc_http_call *call, arc_status status, const arc_err *why,
                         arc_slice details)
{
    struct arc_http_result *result = &call->result;
    call->err = *why;
    *result = (struct arc_http_result){.details = details};
    result->status = arc__http_status(status, &result->retry_after_s);
    /* A request that is over a limit of the decoder will be over it the next time as well. */
    if (status == ARC_ELIMIT && !call->op->begun) {
        result->status = 413;
        result->retry_after_s = 0;
    }
    result->err_msg = arc__slice_cstr(call->err.message);
    result->type = arc__slice_cstr(arc__refusal_type(status));
    if (details.len == 0)
        show_place(call, why);
}

arc_status arc__http_call_result(struct arc_http_call *call, struct arc_http_result *out)
{
    struct arc_op *op = call->op;
    if (!op->over)
        return ARC_EAGAIN;
    if (!call->shown) {
        arc_err why = ARC_ERR_INIT;
        call->shown = 1;
        arc_status status = op->status == ARC_OK ? show_detail(call, &why) : op->status;
        if (status != ARC_OK) {
            show_refusal(call, status, op->status == ARC_OK ? &why : &op->err, op->details);
        } else {
            call->result.status = 200;
            call->result.text = op->http_text;
            if (call->detail.len > 0)
                call->result.detail = arc__buf_slice(&call->detail);
            if (op->method->verb[0] == 'G') {
                arc__sha256_hex(op->http_text.ptr != NULL ? op->http_text : call->result.detail,
                                call->etag);
                call->result.etag = arc__slice(call->etag, ETAG_LEN);
            }
        }
    }
    *out = call->result;
    return ARC_OK;
}

void arc__http_call_close(struct arc_http_call *call)
{
    if (call == NULL)
        return;
    struct arc_mem mem = call->mem;
    arc__command_disarm(call->command, &call->deadline);
    arc__op_close(call->op);
    arc__list_remove(&call->wakeup.link);
    arc__buf_deinit(&call->detail);
    arc__buf_deinit(&call->details);
    arc__free(&mem, call);
}
