/* SPDX-License-Identifier: Apache-2.0 */
/* The one object at which every door meets: gRPC, HTTP, WebSocket, the bindings and the host.
 * A call is opened for a row of the method table; messages go in with send and come out with next.
 *
 * `struct arc_call` is only the operations, so that a remote call (face/client.c) is the same type.
 */
#ifndef ARC_COMMAND_CALL_H
#define ARC_COMMAND_CALL_H

#include <arcentra/call.h>

#include "engine/engine.h"

struct arc_call_ops {
    arc_status (*send)(struct arc_call *call, arc_slice bytes, arc_err *err);
    arc_status (*half_close)(struct arc_call *call, arc_err *err);
    arc_status (*next)(struct arc_call *call, arc_slice *out, arc_err *err);
    arc_status (*status)(struct arc_call *call, arc_err *err);
    void (*close)(struct arc_call *call);
};

struct arc_call {
    const struct arc_call_ops *ops;
};

/* --- the layer ------------------------------------------------------------------------------ */

struct arc_command; /* the table and its context; one for each arc_ctl */
struct arc_method;  /* a row */

arc_status arc__command_open(struct arc_engine *engine, struct arc_command **out, arc_err *err);
void arc__command_close(struct arc_command *command);
struct arc_engine *arc__command_engine(struct arc_command *command);
/* Deadlines of calls are looked at here; called once a dispatch after the engine. */
void arc__command_tick(struct arc_command *command, struct arc_now now);
uint64_t arc__command_deadline(const struct arc_command *command); /* mono; UINT64_MAX: none */
/* Time as a door knows it, where that is later than the last dispatch; and the later of the two. */
void arc__command_set_now(struct arc_command *command, struct arc_now now);
struct arc_now arc__command_now(const struct arc_command *command);

/* A note that somebody is to be told; all are told from arc__command_tick, so never from inside a
 * function that they are in themselves. Taken back with arc__list_remove(&wakeup->link). */
struct arc_wakeup {
    struct arc_link link;
    void (*fire)(struct arc_wakeup *wakeup);
};
void arc__command_wake(struct arc_command *command, struct arc_wakeup *wakeup);

/* "pipeline.v1.PipelineService/GetPipeline", with or without a leading slash; NULL: unknown. */
const struct arc_method *arc__method_find(const struct arc_command *command, arc_slice path);
const char *arc__method_path(const struct arc_method *method); /* "service/Method" */
int arc__method_client_streams(const struct arc_method *method);
int arc__method_server_streams(const struct arc_method *method);
/* The route of an HTTP verb and path ("/api/v1/pipelines/01H…", without query). ARC_ENOTFOUND: no
 * such path; ARC_ECONFLICT: the path is there, not for this verb (*allow: "GET, POST"). The values
 * of the template's names are written into params (in arena). */
arc_status arc__method_route(const struct arc_command *command, arc_slice verb, arc_slice path,
                             struct arc_arena *arena, const struct arc_method **out,
                             struct arc_kvs *params, arc_slice *allow, arc_err *err);

/* --- a call --------------------------------------------------------------------------------- */

struct arc_call_start {
    const struct arc_method *method;
    uint32_t format;                /* ARC_CALL_JSON, ARC_CALL_PROTOBUF */
    struct arc_principal principal; /* ARC_PRINCIPAL_NONE where there was no token */
    uint64_t deadline_mono_ns;      /* 0: none */
    arc_slice peer;                 /* address, for the agent's row and the audit; may be empty */
    void (*ready)(void *user, struct arc_call *call);
    void *user;
};

/* The refusal of an authorisation is the call's status. *out is freed with ops->close. */
arc_status arc__call_open(struct arc_command *command, const struct arc_call_start *start,
                          struct arc_call **out, arc_err *err);

/* --- what the HTTP door needs besides -------------------------------------------------------- */

/* A unary call by route: message fields come from the path, the query and the JSON body; what comes
 * out is the envelope's `detail` or its error. Done at once or later: ready comes from
 * arc__command_tick alone. The door frees it. */
struct arc_http_call;
struct arc_http_call_start {
    const struct arc_method *method;
    struct arc_principal principal;
    struct arc_kvs params, query; /* decoded; texts need to live during open only */
    arc_slice body;
    arc_slice peer;
    int text; /* the caller would rather have text/plain, where there is such a form */
    void (*ready)(void *user);
    void *user;
};
struct arc_http_result {
    int status;        /* HTTP */
    arc_slice detail;  /* JSON, or empty: none */
    arc_slice text;    /* ptr not NULL: the body is this, as text/plain, in place of an envelope */
    arc_slice err_msg; /* status >= 400 */
    arc_slice type;    /* "validation", … or empty */
    arc_slice details; /* JSON object, or empty */
    arc_slice etag;    /* without quotes, or empty */
    uint32_t retry_after_s;
};
arc_status arc__http_call_open(struct arc_command *command, const struct arc_http_call_start *start,
                               struct arc_http_call **out, arc_err *err);
/* ARC_EAGAIN: not yet. Borrowed from call. */
arc_status arc__http_call_result(struct arc_http_call *call, struct arc_http_result *out);
void arc__http_call_close(struct arc_http_call *call); /* NULL is fine */
/* What HTTP says of a status: the number, and after how long it may be tried again (0: not). */
int arc__http_status(arc_status status, uint32_t *retry_after_s);

#endif
