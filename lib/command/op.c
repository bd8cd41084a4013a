/* SPDX-License-Identifier: Apache-2.0 */
#include "command/op.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/status.h"
#include "core/states.h"
#include "messages.h"

struct op_command {
    struct arc_link link;
    struct arc_op *op;
    struct arc_cmd *cmd;
    arc_op_answer answer;
    void *tag; /* behind the struct */
};

#define DETAILS_BYTES_MAX (1024u * 1024u)

static void timer_due(struct arc_op_timer *timer)
{
    struct arc_op *op = ARC_CONTAINER(timer, struct arc_op, timer);
    if (!op->over && op->method->handler->timeout != NULL)
        op->method->handler->timeout(op);
}

/* --- begin and end ------------------------------------------------------------------------------
 */

arc_status arc__op_open(struct arc_command *command, const struct arc_method *method,
                        const struct arc_principal *principal, arc_slice peer,
                        void (*wake)(void *user), void *user, struct arc_op **out, arc_err *err)
{
    struct arc_engine *engine = arc__command_engine(command);
    struct arc_op *op = arc__alloc(arc__engine_mem(engine), sizeof(*op));
    if (op == NULL)
        return arc__fail_nomem(err);
    *op = (struct arc_op){.command = command,
                          .engine = engine,
                          .method = method,
                          .mem = *arc__engine_mem(engine),
                          .principal = *principal,
                          .status = ARC_EAGAIN,
                          .err = ARC_ERR_INIT,
                          .wake = wake,
                          .user = user,
                          .timer = {.due = timer_due}};
    arc__arena_init(&op->arena, &op->mem, ARC_OP_BYTES_MAX);
    arc__arena_init(&op->page, &op->mem, ARC_OP_BYTES_MAX);
    arc__list_init(&op->commands);
    arc__list_add_tail(arc__command_ops(command), &op->link);
    op->peer = arc__arena_copy(&op->arena, peer);
    arc_err refusal = ARC_ERR_INIT;
    arc_status status = arc__method_allow(method, principal, &refusal);
    if (status != ARC_OK) {
        arc__op_fail(op, status, &refusal);
    } else if (method->handler == NULL) {
        status = arc__fail(&refusal, ARC_EUNIMPLEMENTED, "method",
                           "%s is not offered by this version.", method->name);
        arc__op_fail(op, status, &refusal);
    } else if (method->handler->state_size > 0) {
        op->state = arc__arena_alloc(&op->arena, method->handler->state_size);
        if (op->state == NULL)
            arc__op_fail(op, arc__fail_nomem(&refusal), &refusal);
    }
    *out = op;
    return ARC_OK;
}

static void op_drop(struct arc_op *op)
{
    if (op->dropped)
        return;
    op->dropped = 1;
    op->busy = 0;
    if (op->command != NULL)
        arc__command_disarm(op->command, &op->timer);
    ARC_LIST_EACH_SAFE(&op->commands, link)
    {
        struct op_command *owed = ARC_CONTAINER(link, struct op_command, link);
        arc__list_remove(link);
        arc__cmd_forget(owed->cmd);
        arc__free(&op->mem, owed);
    }
    op->command_count = 0;
    if (op->begun && op->state != NULL && op->method->handler->drop != NULL)
        op->method->handler->drop(op);
}

static void op_free(struct arc_op *op)
{
    struct arc_mem mem = op->mem;
    arc__list_remove(&op->link);
    arc__arena_deinit(&op->arena);
    arc__arena_deinit(&op->page);
    arc__free(&mem, op);
}

void arc__op_close(struct arc_op *op)
{
    if (op == NULL)
        return;
    op->closed = 1;
    op->wake = NULL;
    op->over = 1;
    op_drop(op);
    /* A query cannot be called back: its rows are on their way into this arena. */
    if (op->rows == NULL)
        op_free(op);
}

static void op_over(struct arc_op *op, arc_status status, const arc_err *err)
{
    op->over = 1;
    op->status = status;
    if (status != ARC_OK) {
        op->err = err != NULL ? *err : (arc_err)ARC_ERR_INIT;
        op->err.status = status;
    }
    op_drop(op);
    arc__op_wake(op);
}

void arc__op_wake(struct arc_op *op)
{
    if (op->wake != NULL)
        op->wake(op->user);
}

struct arc_now arc__op_now(const struct arc_op *op)
{
    return op->command != NULL ? arc__command_now(op->command) : arc__engine_now(op->engine);
}

/* --- doors --------------------------------------------------------------------------------------
 */

static void op_result(struct arc_op *op, arc_status status, const arc_err *err)
{
    if (status != ARC_OK && !op->over)
        arc__op_refuse(op, status, err, ARC_NONE);
}

void arc__op_request(struct arc_op *op, const void *request)
{
    if (op->over || op->begun)
        return;
    op->begun = 1;
    arc_err err = ARC_ERR_INIT;
    op_result(op, op->method->handler->begin(op, request, &err), &err);
}

void arc__op_start(struct arc_op *op)
{
    if (op->over || op->begun)
        return;
    op->begun = 1;
    arc_err err = ARC_ERR_INIT;
    if (op->method->handler->begin != NULL)
        op_result(op, op->method->handler->begin(op, NULL, &err), &err);
}

arc_status arc__op_take(struct arc_op *op, const void *message)
{
    if (op->over)
        return ARC_EDONE;
    if (op->busy)
        return ARC_EAGAIN;
    arc_err err = ARC_ERR_INIT;
    op_result(op, op->method->handler->take(op, message, &err), &err);
    return ARC_OK;
}

void arc__op_end(struct arc_op *op)
{
    if (op->over)
        return;
    arc_err err = ARC_ERR_INIT;
    if (op->method->handler->end != NULL)
        op_result(op, op->method->handler->end(op, &err), &err);
}

arc_status arc__op_pull(struct arc_op *op, struct arc_arena *arena, const void **out)
{
    const struct arc_handler *handler = op->method->handler;
    if (op->over || !op->begun || handler->pull == NULL)
        return op->over ? ARC_EDONE : ARC_EAGAIN;
    arc_err err = ARC_ERR_INIT;
    arc_status status = handler->pull(op, arena, out, &err);
    if (status == ARC_OK || status == ARC_EAGAIN)
        return op->over ? ARC_EDONE : status;
    if (status == ARC_EDONE)
        op_over(op, ARC_OK, NULL);
    else
        op_result(op, status, &err);
    return ARC_EDONE;
}

void arc__op_fail(struct arc_op *op, arc_status status, const arc_err *err)
{
    if (op->over)
        return;
    op->as_status = 1;
    op_over(op, status, err);
}

/* --- replies and refusals -----------------------------------------------------------------------
 */

static int *flag_of(void *message, const char *name)
{
    const ProtobufCMessage *base = message;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(base->descriptor, name);
    return field != NULL ? (int *)(void *)((char *)message + field->offset) : NULL;
}

static void text_set(void *message, const char *name, char *text)
{
    const ProtobufCMessage *base = message;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(base->descriptor, name);
    if (field != NULL && text != NULL)
        *(char **)(void *)((char *)message + field->offset) = text;
}

void *arc__op_reply_new(struct arc_op *op)
{
    op->reply = arc__pb_new(op->method->reply, &op->arena);
    return op->reply;
}

void arc__op_reply(struct arc_op *op)
{
    if (op->over)
        return;
    if (op->reply == NULL || op->arena.failed) {
        arc_err err = ARC_ERR_INIT;
        arc_status status = arc__fail(&err, ARC_ELIMIT, "reply", "The reply is too large.");
        arc__op_fail(op, status, &err);
        return;
    }
    int *success = flag_of(op->reply, "success");
    if (success != NULL)
        *success = 1;
    op_over(op, ARC_OK, NULL);
}

void arc__op_refuse(struct arc_op *op, arc_status status, const arc_err *err, arc_slice details)
{
    if (op->over)
        return;
    op->details = details;
    op_over(op, status, err);
}

void arc__op_refuse_text(struct arc_op *op, arc_status status, const char *subject,
                         const char *format, ...)
{
    arc_err err = ARC_ERR_INIT;
    char text[sizeof(err.message)];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments); /* cut where it is too long */
    va_end(arguments);
    (void)arc__fail(&err, status, subject, "%s", text); /* written, not returned */
    arc__op_refuse(op, status, &err, ARC_NONE);
}

void arc__op_refuse_answer(struct arc_op *op, const struct arc_answer *answer,
                           const char *(*words)(int state))
{
    struct arc_buf text;
    struct arc_json json;
    arc__buf_init(&text, &op->mem, DETAILS_BYTES_MAX);
    arc__json_init(&json, &text);
    arc__json_object(&json);
    size_t empty = text.len;
    if (words != NULL && words(answer->state)[0] != '\0')
        arc__json_key_text(&json, "status", arc__slice_cstr(words(answer->state)));
    if (answer->sha.len > 0)
        arc__json_key_text(&json, "headCommitSha", answer->sha);
    if (answer->findings.len > 0) {
        arc__json_key(&json, ARC_LIT("diagnostics"));
        arc__json_raw(&json, answer->findings);
    }
    int more = text.len > empty;
    arc__json_end_object(&json);
    arc_slice details = ARC_NONE;
    if (more && text.failed == ARC_OK)
        details = arc__arena_copy(&op->arena, arc__buf_slice(&text));
    arc__buf_deinit(&text);
    arc__op_refuse(op, answer->status, answer->err, details);
}

/* What is the domain's own refusal and so goes into the reply; everything else is a status. */
static int is_domain(arc_status status)
{
    return status == ARC_EINVAL || status == ARC_ENOTFOUND || status == ARC_ECONFLICT ||
           status == ARC_EEXISTS || status == ARC_EUNIMPLEMENTED;
}

void *arc__op_refusal(struct arc_op *op)
{
    if (op->as_status || !is_domain(op->status) || op->method->client_streams ||
        op->method->server_streams)
        return NULL;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(op->method->reply, "error");
    if (field == NULL || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return NULL;
    void *reply = op->reply != NULL ? op->reply : arc__op_reply_new(op);
    void *error = arc__pb_new(field->descriptor, &op->arena);
    if (reply == NULL || error == NULL)
        return NULL;
    int *code = flag_of(error, "code");
    if (code != NULL)
        *code = arc__status_http(op->status);
    text_set(error, "message", arc__pb_cstr(&op->arena, op->err.message));
    text_set(error, "type", arc__pb_cstr(&op->arena, arc__refusal_type(op->status)));
    const ProtobufCFieldDescriptor *details =
        protobuf_c_message_descriptor_get_field_by_name(field->descriptor, "details");
    void *data = NULL;
    /* Details that do not fit a Struct are left out rather than losing the refusal. */
    if (details != NULL && op->details.len > 0 &&
        arc__pb_from_json(&google__protobuf__struct__descriptor, op->details, &op->arena, NULL,
                          &data, NULL, NULL) == ARC_OK)
        *(void **)(void *)((char *)error + details->offset) = data;
    *(void **)(void *)((char *)reply + field->offset) = error;
    text_set(reply, "message", arc__pb_cstr(&op->arena, op->err.message));
    int *success = flag_of(reply, "success");
    if (success != NULL)
        *success = 0;
    return reply;
}

const char *arc__refusal_type(arc_status status)
{
    if (status == ARC_EINVAL)
        return "validation";
    return arc_status_name(status);
}

/* --- the engine ---------------------------------------------------------------------------------
 */

static void query_done(void *user, arc_status status, const struct arc_rows *rows,
                       const arc_err *err)
{
    struct arc_op *op = user;
    arc_op_rows next = op->rows;
    op->rows = NULL;
    if (op->closed) {
        op_free(op);
        return;
    }
    if (op->over)
        return;
    if (status != ARC_OK) {
        arc__op_refuse(op, status, err, ARC_NONE);
        return;
    }
    next(op, rows);
}

arc_status arc__op_query(struct arc_op *op, const struct arc_query *query, struct arc_arena *arena,
                         arc_op_rows rows, arc_err *err)
{
    if (op->rows != NULL)
        return arc__fail(err, ARC_EINTERNAL, "query", "A query is under way.");
    op->rows = rows;
    arc_status status = arc__engine_query(op->engine, query, arena, query_done, op, err);
    if (status != ARC_OK)
        op->rows = NULL;
    return status;
}

struct arc_cmd *arc__op_cmd(struct arc_op *op, enum arc_cmd_kind kind)
{
    struct arc_cmd *cmd = arc__cmd_new(op->engine, kind);
    if (cmd == NULL)
        return NULL;
    cmd->principal = op->principal;
    cmd->actor = arc__arena_copy(&cmd->arena, arc__slice_cstr(op->principal.name));
    return cmd;
}

static void cmd_done(void *user, const struct arc_answer *answer)
{
    struct op_command *owed = user;
    struct arc_op *op = owed->op;
    arc_op_answer next = owed->answer;
    arc__list_remove(&owed->link);
    op->command_count--;
    if (!op->over) {
        op->tag = owed->tag;
        next(op, answer);
        op->tag = NULL;
    }
    arc__free(&op->mem, owed);
}

arc_status arc__op_submit(struct arc_op *op, struct arc_cmd *cmd, arc_op_answer answer,
                          arc_err *err)
{
    return arc__op_submit_tagged(op, cmd, answer, NULL, 0, err);
}

arc_status arc__op_submit_tagged(struct arc_op *op, struct arc_cmd *cmd, arc_op_answer answer,
                                 const void *tag, size_t tag_size, arc_err *err)
{
    if (cmd == NULL)
        return arc__fail_nomem(err);
    if (cmd->arena.failed || op->command_count >= ARC_OP_COMMANDS_MAX) {
        arc_status status = cmd->arena.failed ? arc__fail_nomem(err)
                                              : arc__fail(err, ARC_ELIMIT, "call",
                                                          "Too many commands of this call wait.");
        arc__cmd_free(cmd);
        return status;
    }
    struct op_command *owed = arc__alloc(&op->mem, sizeof(*owed) + tag_size);
    if (owed == NULL) {
        arc__cmd_free(cmd);
        return arc__fail_nomem(err);
    }
    *owed = (struct op_command){.op = op, .cmd = cmd, .answer = answer, .tag = owed + 1};
    if (tag_size > 0)
        memcpy(owed->tag, tag, tag_size);
    arc_status status = arc__engine_submit(op->engine, cmd, cmd_done, owed, err);
    if (status != ARC_OK) {
        arc__free(&op->mem, owed);
        return status;
    }
    arc__list_add_tail(&op->commands, &owed->link);
    op->command_count++;
    return ARC_OK;
}

arc_status arc__op_timer(struct arc_op *op, uint64_t at_mono_ns, arc_err *err)
{
    return arc__command_arm(op->command, &op->timer, at_mono_ns, err);
}

arc_status arc__op_find(struct arc_op *op, enum arc_table table, const char *id, const char *what,
                        arc_op_rows rows, arc_err *err)
{
    if (id[0] == '\0')
        return arc__fail(err, ARC_EINVAL, what, "The id of the %s is missing.", what);
    struct arc_query query = {.table = table, .order_col = -1, .limit = 1, .filter_count = 1};
    /* The id is the first key column of every table that is asked this way. */
    query.filters[0] =
        (struct arc_filter){.col = 0, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(id)};
    return arc__op_query(op, &query, &op->arena, rows, err);
}
