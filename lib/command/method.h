/* SPDX-License-Identifier: Apache-2.0 */
/* A row of the method table: everything that a door must know of an rpc. Made from methods.def;
 * whoever adds an rpc to api/ adds a row there, and a test says so if it is forgotten. */
#ifndef ARC_COMMAND_METHOD_H
#define ARC_COMMAND_METHOD_H

#include <protobuf-c/protobuf-c.h>

#include "command/call.h"

/* What a caller must be. 0 is never in the table: a row that says nothing refuses everybody. */
enum arc_need {
    ARC_NEED_REFUSED,
    ARC_NEED_REGISTER, /* nobody: the request carries its own proof */
    ARC_NEED_READ,
    ARC_NEED_READ_ALL, /* read, by a token that is not bound to one project */
    ARC_NEED_RUN,
    ARC_NEED_WRITE,
    ARC_NEED_ADMIN, /* not bound to one project either */
    ARC_NEED_AGENT
};

/* What a method does. */
enum arc_effect { ARC_EFFECT_COMMAND = 1, ARC_EFFECT_QUERY, ARC_EFFECT_SUBSCRIPTION };

/* How its reply becomes the envelope's detail. */
enum arc_shape {
    ARC_SHAPE_FIELDS, /* its fields but success, message and error */
    ARC_SHAPE_ITEM,   /* the message in field `shown` */
    ARC_SHAPE_LIST,   /* its fields, with field `shown` under the name "list" */
    ARC_SHAPE_NONE    /* no detail */
};

struct arc_handler; /* op.h */

struct arc_method {
    const char *path; /* "pipeline.v1.PipelineService/CreatePipeline" */
    const char *name; /* "CreatePipeline" */
    int client_streams, server_streams;
    enum arc_effect effect;
    enum arc_need need;
    const char *verb;  /* "POST"; "": not offered over HTTP */
    const char *route; /* "/api/v1/pipelines/:pipelineId" */
    enum arc_shape shape;
    const char *shown;
    const ProtobufCMessageDescriptor *request, *reply;
    const struct arc_handler *handler; /* NULL: not offered by this version */
};

/* The whole table, for tests and for the list of endpoints. */
const struct arc_method *arc__method_table(size_t *count);
/* ARC_OK, or why the caller may not: ARC_EUNAUTHENTICATED, ARC_EDENIED. */
arc_status arc__method_allow(const struct arc_method *method, const struct arc_principal *principal,
                             arc_err *err);
/* The caller may see objects of this project. Absent and not allowed are told apart by nobody. */
int arc__principal_sees(const struct arc_principal *principal, arc_slice project_id);

#endif
