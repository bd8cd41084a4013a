/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to a request. What the message cannot say is kept beside it: which fields were there, and
 * the definition as it stands in the text. */
#include <string.h>

#include "command/op.h"
#include "messages.h"
#include "spec/spec.h"

/* A definition may be as long as the reader allows, and travels in one string. */
#define STRING_BYTES_MAX (1024u * 1024u)

static const struct arc_pb_limits limits = {.string_bytes_max = STRING_BYTES_MAX};

static const ProtobufCFieldDescriptor *field_of(const struct arc_method *method, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(method->request, name);
}

static int takes_definition(const struct arc_method *method)
{
    const ProtobufCFieldDescriptor *field = field_of(method, "spec");
    return field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE &&
           field->descriptor == (const void *)&pipeline__v1__spec__descriptor;
}

/* `yml` is a word of the contract for YAML and no value of the enum. It gives way to the number,
 * with blanks so that every later position stays what it was. */
static void format_word(const struct arc_op *op, char *text, size_t len)
{
    static const char word[] = "\"yml\"";
    if (field_of(op->method, "format") == NULL || memmem(text, len, word, sizeof(word) - 1) == NULL)
        return;
    /* Only the outermost `format` is meant, so the text is read for its place. What is wrong with
     * the text is said by the decoder. */
    struct arc_arena arena;
    const struct arc_node *root = NULL;
    arc__arena_init(&arena, &op->mem, ARC_OP_BYTES_MAX);
    if (arc__json_read(arc__slice(text, len), NULL, &arena, &root, NULL) == ARC_OK &&
        root->kind == ARC_NODE_MAP) {
        const struct arc_node *node = arc__node_get(root, "format");
        if (node != NULL && node->kind == ARC_NODE_TEXT && arc__slice_is(node->text, "yml") &&
            node->mark.end - node->mark.offset == sizeof(word) - 1)
            memcpy(text + node->mark.offset, "2    ", sizeof(word) - 1);
    }
    arc__arena_deinit(&arena);
}

/* A PUT takes the fields of a POST, and two of them can never change. They are not in the message:
 * they are kept beside it, to be held against what is there, and make room for blanks. */
static void blank_member(char *text, size_t len, const struct arc_node *member)
{
    size_t first = member->key_mark.offset, end = member->mark.end;
    size_t after = end, before = first;
    while (after < len && strchr(" \t\r\n", text[after]) != NULL)
        after++;
    while (before > 0 && strchr(" \t\r\n", text[before - 1]) != NULL)
        before--;
    if (after < len && text[after] == ',')
        end = after + 1;
    else if (before > 0 && text[before - 1] == ',')
        text[before - 1] = ' ';
    for (size_t i = first; i < end; i++) {
        if (text[i] != '\n') /* lines keep their numbers */
            text[i] = ' ';
    }
}

static void fixed_fields(struct arc_op *op, char *text, size_t len)
{
    static const char *const names[][2] = {{"projectId", "project_id"},
                                           {"createdBy", "created_by"}};
    arc_slice *const kept[] = {&op->fixed_project, &op->fixed_creator};
    struct arc_arena arena;
    if (op->method->request != &pipeline__v1__update_pipeline_request__descriptor)
        return;
    for (size_t i = 0; i < ARC_COUNT_OF(names); i++) {
        for (size_t k = 0; k < 2; k++) {
            const struct arc_node *root = NULL, *member = NULL;
            /* Read anew each time: the text has changed. */
            arc__arena_init(&arena, &op->mem, ARC_OP_BYTES_MAX);
            if (arc__json_read(arc__slice(text, len), NULL, &arena, &root, NULL) == ARC_OK &&
                root->kind == ARC_NODE_MAP)
                member = arc__node_get(root, names[i][k]);
            if (member != NULL && member->kind == ARC_NODE_TEXT) {
                *kept[i] =
                    arc__slice(arc__arena_strdup(&op->arena, member->text), member->text.len);
                blank_member(text, len, member);
            }
            arc__arena_deinit(&arena);
        }
    }
}

/* A definition that came as the message's own form is left to the message. */
static arc_status definition_take(struct arc_op *op, arc_slice raw, void *request, arc_err *err)
{
    if (raw.len == 0)
        return ARC_OK;
    if (raw.ptr[0] != '{')
        return arc__fail(err, ARC_EINVAL, "spec",
                         "The spec must be an object; a definition as text is not taken here.");
    if (memmem(raw.ptr, raw.len, "definition", 10) != NULL) {
        void *spec = NULL;
        arc_err ignored = ARC_ERR_INIT;
        if (arc__pb_from_json(&pipeline__v1__spec__descriptor, raw, &op->arena, &limits, &spec,
                              NULL, &ignored) == ARC_OK &&
            ((const Pipeline__V1__Spec *)spec)->definition_json[0] != '\0') {
            const ProtobufCFieldDescriptor *field = field_of(op->method, "spec");
            *(void **)(void *)((char *)request + field->offset) = spec;
            return ARC_OK;
        }
    }
    op->raw_spec = raw;
    return ARC_OK;
}

static arc_status decode_json(struct arc_op *op, arc_slice bytes, struct arc_arena *arena,
                              void **message, arc_err *err)
{
    struct arc_pb_read read = {.raw_field = NULL};
    void *decoded = NULL;
    char *text = arc__arena_strdup(arena, bytes);
    if (text == NULL)
        return arena->failed ? arc__fail(err, ARC_ELIMIT, "body", "The request is too large.")
                             : arc__fail_nomem(err);
    arc_slice body = arc__slice(text, bytes.len);
    if (op->method->client_streams)
        return arc__pb_from_json(op->method->request, body, arena, &limits, message, NULL, err);
    int definition = takes_definition(op->method);
    if (definition)
        read.raw_field = "spec";
    format_word(op, text, body.len);
    fixed_fields(op, text, body.len);
    arc_err why = ARC_ERR_INIT;
    arc_status status =
        arc__pb_from_json(op->method->request, body, arena, &limits, &decoded, &read, &why);
    if (status == ARC_EINVAL && definition && strncmp(why.subject, "content", 7) == 0)
        return arc__fail(err, ARC_EINVAL, "content",
                         "The field content was removed; send the definition as spec.");
    if (status != ARC_OK) {
        if (err != NULL)
            *err = why;
        return status;
    }
    ARC_TRY(definition_take(op, read.raw, decoded, err));
    op->body = body;
    op->present = read.present;
    *message = decoded;
    return ARC_OK;
}

arc_status arc__op_decode(struct arc_op *op, uint32_t format, arc_slice bytes,
                          struct arc_arena *arena, void **message, arc_err *err)
{
    if (format == ARC_CALL_PROTOBUF)
        return arc__pb_decode(op->method->request, bytes, arena, &limits, message, err);
    return decode_json(op, bytes, arena, message, err);
}
