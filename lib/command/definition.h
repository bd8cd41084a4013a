/* SPDX-License-Identifier: Apache-2.0 */
/* A definition in a request, whatever its form: a JSON subtree of the body, a whole document in
 * Spec.definition_json, or a Spec message. All become one JSON text for the reader. */
#ifndef ARC_COMMAND_DEFINITION_H
#define ARC_COMMAND_DEFINITION_H

#include "command/show.h"

struct arc_definition {
    arc_slice text;      /* what is stored */
    uint32_t format;     /* 1 json, 2 yaml */
    arc_slice canonical; /* JSON */
    int whole;           /* 0: it came as a Spec message, which cannot hold all of the language */
    struct arc_spec *spec;
    struct arc_diags diags;
};

/* The fields of a message that are given, as keys of an object that is open in json: the messages
 * of steps and their parts have the names of the language. */
arc_status arc__definition_fields(const void *message, const char *const *names, size_t count,
                                  struct arc_json *json, arc_err *err);
/* 1: the request carries one. */
int arc__definition_given(const struct arc_op *op, const Pipeline__V1__Spec *spec);
/* Reads and checks it; everything lives in op->arena. runnable: it is to be saved, not only looked
 * at, so what is not run yet is an error. ARC_EINVAL: out->diags has the findings (if it has any: a
 * definition that is missing has none). */
arc_status arc__definition_read(struct arc_op *op, const Pipeline__V1__Spec *spec, int32_t format,
                                int runnable, struct arc_definition *out, arc_err *err);
/* The findings as an object for a refusal's details; ARC_NONE without findings. */
arc_slice arc__definition_details(struct arc_op *op, const struct arc_diags *diags);
/* What err says of a definition with findings: the first error. Answers ARC_EINVAL. */
arc_status arc__definition_fail(const struct arc_diags *diags, arc_err *err);
/* What any other failure of the reader is to the caller. */
arc_status arc__definition_forward(arc_status status, const arc_err *why, arc_err *err);
/* The plan of a definition without a trigger's inputs, as JSON in op->arena. */
arc_status arc__definition_plan(struct arc_op *op, struct arc_definition *definition,
                                arc_slice *out, arc_err *err);
/* A stored definition as a message, as far as the message can hold it; *whole: it can hold all. */
arc_status arc__definition_message(arc_slice canonical, struct arc_arena *arena,
                                   Pipeline__V1__Spec **out, int *whole, arc_err *err);
/* Copies what a command carries into the command. */
void arc__definition_bind(const struct arc_definition *definition, struct arc_arena *arena,
                          struct arc_definition_input *out);

#endif
