/* SPDX-License-Identifier: Apache-2.0 */
/* One execution of a method over messages, without bytes and without a door. A call (call.c) and an
 * HTTP request (http_call.c) each drive one; the services' files implement the methods on it.
 *
 *   open ── request (unary, server stream) ──┐
 *      └─── take … take, end (client side) ──┴── pull, pull … ARC_EDONE ── close
 *
 * What must stay true: an op ends exactly once, by a reply, a refusal or the end of its stream, and
 * nothing that the engine still owes it (a query, a command's answer) may reach it after close. */
#ifndef ARC_COMMAND_OP_H
#define ARC_COMMAND_OP_H

#include <protobuf-c/protobuf-c.h>

#include "base/heap.h"
#include "codec/codec.h"
#include "command/method.h"

/* What one call may hold: the decoded request, its state, the rows it read and the reply. */
#define ARC_OP_BYTES_MAX (48u * 1024u * 1024u)
/* Command answers that one op may wait for at a time (Connect reports without waiting). */
#define ARC_OP_COMMANDS_MAX 256u
/* The longest list of ids that a filter may have. */
#define ARC_OP_IDS_MAX 100u

struct arc_op;

/* Every function may be NULL where the method does not have that side. They answer ARC_OK when it
 * goes on (or is over already, by reply or refuse); any other status is the refusal. */
struct arc_handler {
    /* Of the state that is made, zeroed, in the op's arena before the first of the others. */
    size_t state_size;
    /* The request of a unary method or a server stream; NULL at the opening of the others. */
    arc_status (*begin)(struct arc_op *op, const void *request, arc_err *err);
    /* A message of a client stream; it is gone when take returns. May be refused for now by
     * setting op->busy beforehand. */
    arc_status (*take)(struct arc_op *op, const void *message, arc_err *err);
    /* The client has no more. */
    arc_status (*end)(struct arc_op *op, arc_err *err);
    /* The next message of a server stream, made in arena. ARC_EAGAIN: arc__op_wake will tell;
     * ARC_EDONE: the end, with success. */
    arc_status (*pull)(struct arc_op *op, struct arc_arena *arena, const void **out, arc_err *err);
    /* op->timer came due. */
    void (*timeout)(struct arc_op *op);
    /* Closes what is outside of the arena. Once, also after a refusal. */
    void (*drop)(struct arc_op *op);
};

typedef void (*arc_op_rows)(struct arc_op *op, const struct arc_rows *rows);
typedef void (*arc_op_answer)(struct arc_op *op, const struct arc_answer *answer);

struct arc_op_timer {
    struct arc_timer timer;
    void (*due)(struct arc_op_timer *timer);
};

struct arc_op {
    struct arc_command *command;
    struct arc_engine *engine;
    const struct arc_method *method;
    struct arc_mem mem;
    struct arc_principal principal;
    arc_slice peer;
    struct arc_arena arena; /* request, state and reply: as long as the op */
    struct arc_arena page;  /* rows of a query that comes in pages; the handler resets it */
    void *state;

    /* What came beside the message. */
    int http;           /* 1: an HTTP request: show what HTTP shows */
    int text;           /* 1: the caller would rather have text/plain */
    arc_slice body;     /* the JSON text, in the arena; empty over protobuf */
    arc_slice raw_spec; /* the definition as it stands in body; empty: there is none */
    uint64_t present;   /* JSON: fields that were there */
    /* UpdatePipeline in JSON: what cannot be changed, if it was sent; ptr NULL: it was not. */
    arc_slice fixed_project, fixed_creator;

    /* How it ended. */
    int over;
    arc_status status;
    arc_err err;
    int as_status;     /* the refusal is the call's status even if the reply could carry it */
    arc_slice details; /* of a refusal: a JSON object, or empty */
    void *reply;       /* unary and client streams */
    const void *http_message; /* HTTP: shown as detail in place of the reply */
    arc_slice http_json;      /* HTTP: the detail itself */
    arc_slice http_text;      /* HTTP: a text/plain body in place of an envelope */

    int busy; /* take may not be called now; arc__op_wake tells */

    /* the op's own */
    struct arc_link link; /* in the command's list */
    void (*wake)(void *user);
    void *user;
    struct arc_op_timer timer; /* the handler's, see timeout */
    arc_op_rows rows;          /* who waits for the query that is under way; NULL: none */
    struct arc_link commands;  /* struct op_command */
    const void *tag;           /* during an answer */
    uint32_t command_count;
    int begun, dropped, closed;
};

/* --- for doors -------------------------------------------------------------------------------- */

/* The authorisation's refusal is the op's end, not this function's. wake: something may have
 * changed; it may come from inside any function here and must only take a note. */
arc_status arc__op_open(struct arc_command *command, const struct arc_method *method,
                        const struct arc_principal *principal, arc_slice peer,
                        void (*wake)(void *user), void *user, struct arc_op **out, arc_err *err);
/* For methods whose client streams: right after open. */
void arc__op_start(struct arc_op *op);
/* The request of the others; it lives in op->arena. */
void arc__op_request(struct arc_op *op, const void *request);
/* ARC_EAGAIN: busy. ARC_EDONE: the op is over. */
arc_status arc__op_take(struct arc_op *op, const void *message);
void arc__op_end(struct arc_op *op);
/* ARC_OK, ARC_EAGAIN, or ARC_EDONE: the op is over (op->status). */
arc_status arc__op_pull(struct arc_op *op, struct arc_arena *arena, const void **out);
/* Ends it from outside: a deadline, a message that is none. Always as a status. */
void arc__op_fail(struct arc_op *op, arc_status status, const arc_err *err);
/* The reply of a refusal where the message can carry one: success, message, error. NULL: the
 * refusal is a status. */
void *arc__op_refusal(struct arc_op *op);
void arc__op_close(struct arc_op *op); /* NULL is fine */

/* --- for the services' files --------------------------------------------------------------------
 */

void *arc__op_reply_new(struct arc_op *op); /* sets op->reply; NULL: no memory */
/* Over, with op->reply. `success` is set where the reply has it. */
void arc__op_reply(struct arc_op *op);
/* Over, with a refusal. details: a JSON object in op->arena, or ARC_NONE. */
void arc__op_refuse(struct arc_op *op, arc_status status, const arc_err *err, arc_slice details);
void arc__op_refuse_text(struct arc_op *op, arc_status status, const char *subject,
                         const char *format, ...) ARC_PRINTF(4, 5);
/* What an answer that is not ARC_OK says, with the present state or head as details. words: names
 * the answer's state, may be NULL. */
void arc__op_refuse_answer(struct arc_op *op, const struct arc_answer *answer,
                           const char *(*words)(int state));
void arc__op_wake(struct arc_op *op);

/* One query at a time. rows is called once, unless the op was closed or the query failed: then the
 * op has ended with that. The rows live in arena, which is &op->arena or &op->page. May be called
 * from rows. */
arc_status arc__op_query(struct arc_op *op, const struct arc_query *query, struct arc_arena *arena,
                         arc_op_rows rows, arc_err *err);
/* A command of the caller, NULL when memory is out. */
struct arc_cmd *arc__op_cmd(struct arc_op *op, enum arc_cmd_kind kind);
/* Takes cmd. answer is called once unless the op was closed before. */
arc_status arc__op_submit(struct arc_op *op, struct arc_cmd *cmd, arc_op_answer answer,
                          arc_err *err);
/* The same with a copy of what the answer is about: op->tag during answer. */
arc_status arc__op_submit_tagged(struct arc_op *op, struct arc_cmd *cmd, arc_op_answer answer,
                                 const void *tag, size_t tag_size, arc_err *err);
/* Calls the handler's timeout at this time. */
arc_status arc__op_timer(struct arc_op *op, uint64_t at_mono_ns, arc_err *err);
struct arc_now arc__op_now(const struct arc_op *op);

/* The row of an id, or ARC_ENOTFOUND as the op's end; project checked where the row has one. */
arc_status arc__op_find(struct arc_op *op, enum arc_table table, const char *id, const char *what,
                        arc_op_rows rows, arc_err *err);

const char *arc__refusal_type(arc_status status); /* "validation", "not_found", … */

/* --- the layer's own ----------------------------------------------------------------------------
 */

arc_status arc__command_arm(struct arc_command *command, struct arc_op_timer *timer,
                            uint64_t at_mono_ns, arc_err *err);
void arc__command_disarm(struct arc_command *command, struct arc_op_timer *timer);
struct arc_link *arc__command_ops(struct arc_command *command);

/* Decodes a request (or a message of a client stream, into arena). JSON: takes care of what stands
 * beside the message (op->body, raw_spec, present). */
arc_status arc__op_decode(struct arc_op *op, uint32_t format, arc_slice bytes,
                          struct arc_arena *arena, void **message, arc_err *err);

#endif
