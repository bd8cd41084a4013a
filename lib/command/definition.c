/* SPDX-License-Identifier: Apache-2.0 */
#include "command/definition.h"

#include "base/json.h"

#define TEXT_BYTES_MAX (4u * 1024u * 1024u)
#define NAME_MAX_LEN 64

/* --- a Spec message as JSON ---------------------------------------------------------------------
 */

/* A field that is zero or empty says nothing in a Spec, so it is left out: the reader would take
 * an empty timeout for a timeout. What stands inside a Struct is data and stays as it is. */

static void camel_add(struct arc_json *json, const char *name)
{
    char out[NAME_MAX_LEN];
    size_t len = 0;
    for (const char *c = name; *c != '\0' && len < sizeof(out) - 1; c++) {
        if (*c == '_' && c[1] >= 'a' && c[1] <= 'z') {
            c++;
            out[len++] = (char)(*c - 'a' + 'A');
        } else {
            out[len++] = *c;
        }
    }
    arc__json_key(json, arc__slice(out, len));
}

static int is_data(const ProtobufCMessageDescriptor *descriptor)
{
    return descriptor == &google__protobuf__struct__descriptor;
}

static int is_entry(const ProtobufCMessageDescriptor *descriptor)
{
    size_t len = strlen(descriptor->short_name);
    return len > 5 && strcmp(descriptor->short_name + len - 5, "Entry") == 0;
}

static int field_given(const char *message, const ProtobufCFieldDescriptor *field)
{
    const void *at = message + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)(const void *)(message + field->quantifier_offset) > 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return (*(char *const *)at)[0] != '\0';
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(void *const *)at != NULL;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)at != 0;
    default:
        return *(const int32_t *)at != 0; /* Spec has no other numbers */
    }
}

static arc_status message_add(const void *message, struct arc_json *json, uint32_t depth,
                              arc_err *err);

static arc_status field_add(const void *message, const ProtobufCFieldDescriptor *field,
                            struct arc_json *json, uint32_t depth, arc_err *err)
{
    const char *at = (const char *)message + field->offset;
    const ProtobufCMessageDescriptor *inner =
        field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
    if (!field_given(message, field))
        return ARC_OK;
    camel_add(json, field->name);
    if (inner == NULL || is_data(inner) || is_entry(inner))
        return arc__pb_field_to_json(message, field->name, json, err);
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return message_add(*(void *const *)(const void *)at, json, depth + 1, err);
    size_t count =
        *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
    void *const *items = *(void *const *const *)(const void *)at;
    arc__json_array(json);
    for (size_t k = 0; k < count; k++)
        ARC_TRY(message_add(items[k], json, depth + 1, err));
    arc__json_end_array(json);
    return ARC_OK;
}

static arc_status message_add(const void *message, struct arc_json *json, uint32_t depth,
                              arc_err *err)
{
    const ProtobufCMessageDescriptor *descriptor = ((const ProtobufCMessage *)message)->descriptor;
    if (depth > 16) /* Spec is six deep */
        return arc__fail(err, ARC_ELIMIT, "spec", "The spec is too deep.");
    arc__json_object(json);
    for (unsigned i = 0; i < descriptor->n_fields; i++)
        ARC_TRY(field_add(message, &descriptor->fields[i], json, depth, err));
    arc__json_end_object(json);
    return ARC_OK;
}

arc_status arc__definition_fields(const void *message, const char *const *names, size_t count,
                                  struct arc_json *json, arc_err *err)
{
    const ProtobufCMessageDescriptor *descriptor = ((const ProtobufCMessage *)message)->descriptor;
    for (size_t i = 0; i < count; i++) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(descriptor, names[i]);
        if (field != NULL)
            ARC_TRY(field_add(message, field, json, 0, err));
    }
    return ARC_OK;
}

static arc_status message_text(struct arc_op *op, const Pipeline__V1__Spec *spec, arc_slice *out,
                               arc_err *err)
{
    struct arc_buf text;
    struct arc_json json;
    arc__buf_init(&text, &op->mem, TEXT_BYTES_MAX);
    arc__json_init(&json, &text);
    arc_status status = message_add(spec, &json, 0, err);
    if (status == ARC_OK)
        status = arc__buf_check(&text, err);
    if (status == ARC_OK) {
        *out = arc__arena_copy(&op->arena, arc__buf_slice(&text));
        if (out->ptr == NULL)
            status = arc__fail_nomem(err);
    }
    arc__buf_deinit(&text);
    return status;
}

/* --- reading ------------------------------------------------------------------------------------
 */

int arc__definition_given(const struct arc_op *op, const Pipeline__V1__Spec *spec)
{
    return op->raw_spec.len > 0 || spec != NULL;
}

/* The reader counts from the start of the definition; the caller sent a body around it. */
static void marks_move(struct arc_mark *mark, uint32_t lines, uint32_t columns)
{
    if (mark->line == 0 || mark->file != 0)
        return;
    if (mark->line == 1)
        mark->column += columns;
    if (mark->end_line == 1)
        mark->end_column += columns;
    mark->line += lines;
    mark->end_line += lines;
}

static void diags_move(struct arc_op *op, struct arc_diags *diags)
{
    uint32_t lines = 0, columns = 0;
    for (const char *c = op->body.ptr; c < op->raw_spec.ptr; c++) {
        if (*c == '\n') {
            lines++;
            columns = 0;
        } else if (((unsigned char)*c & 0xC0u) != 0x80u) {
            columns++;
        }
    }
    for (struct arc_diag *diag = diags->first; diag != NULL; diag = diag->next) {
        marks_move(&diag->mark, lines, columns);
        for (struct arc_diag_related *r = diag->related; r != NULL; r = r->next)
            marks_move(&r->mark, lines, columns);
    }
}

arc_status arc__definition_fail(const struct arc_diags *diags, arc_err *err)
{
    const struct arc_diag *first = diags->first;
    while (first != NULL && first->severity != ARC_SEVERITY_ERROR)
        first = first->next;
    if (first == NULL)
        return arc__fail(err, ARC_EINVAL, "spec", "The definition is not valid.");
    char path[sizeof(err->subject)];
    arc__slice_to_cstr(first->path, path, sizeof(path));
    return arc__fail_at(err, ARC_EINVAL, first->mark.line, first->mark.column,
                        path[0] != '\0' ? path : "spec", "The definition is not valid: %.*s",
                        ARC_ARG(first->message));
}

/* A document over the reader's limits is a wrong document: waiting and trying again does not help,
 * as ARC_ELIMIT would say. */
arc_status arc__definition_forward(arc_status status, const arc_err *why, arc_err *err)
{
    if (status == ARC_ELIMIT)
        return arc__fail(err, ARC_EINVAL, "spec", "%s", why->message);
    if (err != NULL)
        *err = *why;
    return status;
}

static arc_status canonical_make(struct arc_op *op, struct arc_definition *out, arc_err *err)
{
    struct arc_buf text;
    arc__buf_init(&text, &op->mem, TEXT_BYTES_MAX);
    arc_status status = arc__spec_canonical(out->spec, &text, err);
    if (status == ARC_OK)
        status = arc__buf_check(&text, err);
    if (status == ARC_OK) {
        out->canonical = arc__arena_copy(&op->arena, arc__buf_slice(&text));
        if (out->canonical.ptr == NULL)
            status = arc__fail_nomem(err);
    }
    arc__buf_deinit(&text);
    return status;
}

arc_status arc__definition_read(struct arc_op *op, const Pipeline__V1__Spec *spec, int32_t format,
                                int runnable, struct arc_definition *out, arc_err *err)
{
    const struct arc_read_options options = {.runnable = runnable != 0};
    arc_slice text = ARC_NONE;
    *out = (struct arc_definition){.whole = 1};
    if (op->raw_spec.len > 0) {
        text = op->raw_spec;
    } else if (spec != NULL && spec->definition_json[0] != '\0') {
        text = arc__slice_cstr(spec->definition_json);
    } else if (spec != NULL) {
        out->whole = 0;
        ARC_TRY(message_text(op, spec, &text, err));
    } else {
        return arc__fail(err, ARC_EINVAL, "spec", "The definition is missing: send spec.");
    }
    arc_err why = ARC_ERR_INIT;
    arc_status status = arc__spec_read(text, ARC_FORMAT_JSON, ARC_NONE, &options, &op->arena,
                                       &out->diags, &out->spec, &why);
    if (op->raw_spec.len > 0)
        diags_move(op, &out->diags);
    if (status == ARC_EINVAL)
        return arc__definition_fail(&out->diags, err);
    if (status != ARC_OK)
        return arc__definition_forward(status, &why, err);
    ARC_TRY(canonical_make(op, out, err));
    /* The spec is structured, so YAML is a wish about how it is kept. Canonical JSON is YAML too.
     */
    out->format = format == 2 ? ARC_FORMAT_YAML : ARC_FORMAT_JSON;
    out->text = out->format == ARC_FORMAT_YAML ? out->canonical : text;
    return ARC_OK;
}

arc_slice arc__definition_details(struct arc_op *op, const struct arc_diags *diags)
{
    if (diags->count == 0)
        return ARC_NONE;
    struct arc_buf text, list;
    struct arc_json json;
    arc__buf_init(&text, &op->mem, TEXT_BYTES_MAX);
    arc__buf_init(&list, &op->mem, TEXT_BYTES_MAX);
    arc__diags_to_json(diags, &list);
    arc__json_init(&json, &text);
    arc__json_object(&json);
    arc__json_key_i64(&json, "errors", diags->errors);
    arc__json_key_i64(&json, "warnings", diags->warnings);
    arc__json_key(&json, ARC_LIT("diagnostics"));
    arc__json_raw(&json, arc__buf_slice(&list));
    arc__json_end_object(&json);
    arc_slice out = ARC_NONE;
    if (text.failed == ARC_OK && list.failed == ARC_OK)
        out = arc__arena_copy(&op->arena, arc__buf_slice(&text));
    arc__buf_deinit(&list);
    arc__buf_deinit(&text);
    return out;
}

arc_status arc__definition_plan(struct arc_op *op, struct arc_definition *definition,
                                arc_slice *out, arc_err *err)
{
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    const struct arc_plan *plan = NULL;
    arc_err why = ARC_ERR_INIT;
    arc_status status =
        arc__plan_build(definition->spec, &inputs, &op->arena, &definition->diags, &plan, &why);
    if (status == ARC_EINVAL)
        return arc__definition_fail(&definition->diags, err);
    if (status != ARC_OK)
        return arc__definition_forward(status, &why, err);
    struct arc_buf text;
    arc__buf_init(&text, &op->mem, ARC_OP_BYTES_MAX);
    arc__plan_to_json(plan, &text);
    status = arc__buf_check(&text, err);
    if (status == ARC_OK) {
        *out = arc__arena_copy(&op->arena, arc__buf_slice(&text));
        if (out->ptr == NULL)
            status = arc__fail_nomem(err);
    }
    arc__buf_deinit(&text);
    return status;
}

arc_status arc__definition_message(arc_slice canonical, struct arc_arena *arena,
                                   Pipeline__V1__Spec **out, int *whole, arc_err *err)
{
    const struct arc_pb_limits limits = {.string_bytes_max = 1024u * 1024u};
    void *message = NULL;
    arc_err ignored = ARC_ERR_INIT;
    arc_status status = arc__pb_from_json(&pipeline__v1__spec__descriptor, canonical, arena,
                                          &limits, &message, NULL, &ignored);
    *whole = status == ARC_OK;
    if (status != ARC_OK)
        message = arc__pb_new(&pipeline__v1__spec__descriptor, arena);
    if (message == NULL)
        return arc__fail_nomem(err);
    *out = message;
    (*out)->definition_json = arc__pb_string(arena, canonical);
    return arena->failed ? arc__fail(err, ARC_ELIMIT, "spec", "The definition is too large.")
                         : ARC_OK;
}

void arc__definition_bind(const struct arc_definition *definition, struct arc_arena *arena,
                          struct arc_definition_input *out)
{
    out->text = arc__arena_copy(arena, definition->text);
    out->format = definition->format;
    out->canonical = arc__arena_copy(arena, definition->canonical);
}
