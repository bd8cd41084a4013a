/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.reflection.v1 and v1alpha, whose messages are the same: one answer for each question of a
 * stream. What is known is in grpc_index.c. A stream whose answer finds no room is not read on, so
 * that it holds one answer at most. */
#include "base/text.h"
#include "wire/grpc_index.h"
#include "wire/grpc_services.h"
#include "wire/pb.h"

/* A question, and all files in one answer. */
#define QUESTION_MAX_BYTES 4096u
#define ANSWER_MAX_BYTES (64u << 20)

#define REQUEST_HOST 1u
#define REQUEST_FILE 3u
#define REQUEST_SYMBOL 4u
#define REQUEST_EXTENSION 5u
#define REQUEST_NUMBERS 6u
#define REQUEST_LIST 7u
#define EXTENSION_TYPE 1u
#define EXTENSION_NUMBER 2u
#define RESPONSE_HOST 1u
#define RESPONSE_REQUEST 2u
#define RESPONSE_FILES 4u
#define RESPONSE_NUMBERS 5u
#define RESPONSE_LIST 6u
#define RESPONSE_ERROR 7u
#define FILES_FILE 1u
#define NUMBERS_TYPE 1u
#define NUMBERS_NUMBER 2u
#define LIST_SERVICE 1u
#define SERVICE_NAME 1u
#define ERROR_CODE 1u
#define ERROR_MESSAGE 2u
#define FILE_DEPENDENCY 3u /* of FileDescriptorProto */

struct stream {
    arc_grpc_router *router;
    struct arc_buf answer; /* that finds no room; empty: none */
    int has_answer;
    size_t files; /* places in the two arrays */
    uint32_t *queue;
    unsigned char *sent; /* 1: the stream has carried the file */
};

struct question {
    uint32_t kind; /* REQUEST_… */
    arc_slice host, text;
    arc_slice type; /* of REQUEST_EXTENSION */
    int64_t number;
};

static void refuse(arc_grpc_call *call, int32_t code, arc_slice text)
{
    (void)arc_grpc_call_finish(call, code, text, NULL, 0, NULL);
}

/* --- questions ------------------------------------------------------------------------------- */

static int read_extension(struct question *question, arc_slice bytes)
{
    struct arc_pb_field field;
    int got;
    question->type = ARC_NONE;
    question->number = 0;
    while ((got = arc__pb_next(&bytes, &field)) > 0) {
        if (field.number == EXTENSION_TYPE && field.type == ARC_PB_BYTES)
            question->type = field.bytes;
        else if (field.number == EXTENSION_NUMBER && field.type == ARC_PB_VARINT)
            question->number = (int32_t)(uint32_t)field.value;
    }
    return got == 0 && arc__utf8_valid(question->type, NULL);
}

/* 0: it cannot be read. */
static int read_question(arc_slice message, struct question *question)
{
    struct arc_pb_field field;
    int got;
    *question = (struct question){0};
    while ((got = arc__pb_next(&message, &field)) > 0) {
        if (field.type != ARC_PB_BYTES)
            continue;
        if (field.number == REQUEST_HOST) {
            question->host = field.bytes;
        } else if (field.number >= REQUEST_FILE && field.number <= REQUEST_LIST) {
            question->kind = field.number;
            question->text = field.bytes;
        }
    }
    if (got < 0 || !arc__utf8_valid(question->host, NULL))
        return 0;
    return question->kind == REQUEST_EXTENSION ? read_extension(question, question->text)
                                               : arc__utf8_valid(question->text, NULL);
}

/* --- answers --------------------------------------------------------------------------------- */

static void answer_error(struct arc_buf *out, int32_t code, arc_slice text)
{
    arc__pb_add_head(out, RESPONSE_ERROR,
                     2 + arc__pb_head_size(ERROR_MESSAGE, text.len) + text.len);
    arc__pb_add_varint(out, ERROR_CODE, (uint64_t)code);
    arc__pb_add_bytes(out, ERROR_MESSAGE, text);
}

static void answer_list(const struct stream *stream, struct arc_buf *out)
{
    const arc_grpc_router *router = stream->router;
    size_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            arc__pb_add_head(out, RESPONSE_LIST, total);
        for (size_t i = 0; i < router->service_count; i++) {
            const struct arc_grpc_service *service = router->services[i];
            size_t len = arc__pb_head_size(SERVICE_NAME, service->len) + service->len;
            if (!service->served)
                continue;
            total += arc__pb_head_size(LIST_SERVICE, len) + len;
            if (pass == 0)
                continue;
            arc__pb_add_head(out, LIST_SERVICE, len);
            arc__pb_add_bytes(out, SERVICE_NAME, arc__slice(service->name, service->len));
        }
    }
}

static size_t varint_len(int32_t value)
{
    size_t len = 1;
    for (uint32_t left = (uint32_t)value >> 7; left != 0; left >>= 7)
        len++;
    return len;
}

static void answer_numbers(const struct stream *stream, arc_slice type, struct arc_buf *out)
{
    const struct arc_grpc_index *index = stream->router->index;
    const struct arc_grpc_symbol *message = arc__grpc_index_symbol(index, type);
    size_t count, total = arc__pb_head_size(NUMBERS_TYPE, type.len) + type.len;
    const struct arc_grpc_extension *all = arc__grpc_index_extensions(index, type, &count);
    if (message == NULL || !message->is_message) {
        answer_error(out, ARC_GRPC_NOT_FOUND, ARC_LIT("There is no such message."));
        return;
    }
    for (size_t i = 0; i < count; i++)
        total += 1 + varint_len(all[i].number);
    arc__pb_add_head(out, RESPONSE_NUMBERS, total);
    arc__pb_add_bytes(out, NUMBERS_TYPE, type);
    for (size_t i = 0; i < count; i++)
        arc__pb_add_varint(out, NUMBERS_NUMBER, (uint64_t)all[i].number);
}

/* The file, and what it imports and the stream does not know, into stream->queue. */
static size_t collect(struct stream *stream, uint32_t first)
{
    const struct arc_grpc_index *index = stream->router->index;
    size_t count = 0;
    stream->queue[count++] = first;
    stream->sent[first] = 1;
    for (size_t i = 0; i < count; i++) {
        arc_slice rest = index->files[stream->queue[i]].bytes;
        struct arc_pb_field field;
        while (arc__pb_next(&rest, &field) > 0) {
            if (field.number != FILE_DEPENDENCY || field.type != ARC_PB_BYTES)
                continue;
            const struct arc_grpc_symbol *import = arc__grpc_index_file(index, field.bytes);
            if (import == NULL || stream->sent[import->file])
                continue; /* a set without its imports answers with what there is */
            stream->sent[import->file] = 1;
            stream->queue[count++] = import->file;
        }
    }
    return count;
}

static void answer_file(struct stream *stream, uint32_t file, struct arc_buf *out)
{
    const struct arc_grpc_file *files = stream->router->index->files;
    size_t count = collect(stream, file), total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = files[stream->queue[i]].bytes.len;
        total += arc__pb_head_size(FILES_FILE, len) + len;
    }
    arc__pb_add_head(out, RESPONSE_FILES, total);
    for (size_t i = 0; i < count; i++)
        arc__pb_add_bytes(out, FILES_FILE, files[stream->queue[i]].bytes);
}

static void answer_extension(struct stream *stream, const struct question *question,
                             struct arc_buf *out)
{
    size_t count;
    const struct arc_grpc_extension *all =
        arc__grpc_index_extensions(stream->router->index, question->type, &count);
    for (size_t i = 0; i < count; i++) {
        if (all[i].number == question->number) {
            answer_file(stream, all[i].file, out);
            return;
        }
    }
    answer_error(out, ARC_GRPC_NOT_FOUND, ARC_LIT("There is no such extension."));
}

static void answer(struct stream *stream, const struct question *question, arc_slice message,
                   struct arc_buf *out)
{
    const struct arc_grpc_index *index = stream->router->index;
    const struct arc_grpc_symbol *symbol = NULL;
    if (question->host.len > 0)
        arc__pb_add_bytes(out, RESPONSE_HOST, question->host);
    arc__pb_add_bytes(out, RESPONSE_REQUEST, message);
    switch (question->kind) {
    case REQUEST_FILE:
        symbol = arc__grpc_index_file(index, question->text);
        break;
    case REQUEST_SYMBOL:
        symbol = arc__grpc_index_symbol(index, question->text);
        break;
    case REQUEST_EXTENSION:
        answer_extension(stream, question, out);
        return;
    case REQUEST_NUMBERS:
        answer_numbers(stream, question->text, out);
        return;
    case REQUEST_LIST:
        answer_list(stream, out);
        return;
    default:
        answer_error(out, ARC_GRPC_INVALID_ARGUMENT, ARC_LIT("There is no question."));
        return;
    }
    if (symbol != NULL)
        answer_file(stream, symbol->file, out);
    else
        answer_error(out, ARC_GRPC_NOT_FOUND,
                     question->kind == REQUEST_FILE ? ARC_LIT("There is no such file.")
                                                    : ARC_LIT("There is no such symbol."));
}

/* --- streams --------------------------------------------------------------------------------- */

static void on_call(void *user, arc_grpc_call *call, const arc_grpc_request *request)
{
    arc_grpc_router *router = user;
    struct stream *stream = arc__alloc(&router->mem, sizeof(*stream));
    (void)request;
    arc_grpc_call_set_user(call, stream);
    if (stream == NULL) {
        refuse(call, ARC_GRPC_RESOURCE_EXHAUSTED, ARC_LIT("Out of memory."));
        return;
    }
    stream->router = router;
    arc__buf_init(&stream->answer, &router->mem, ANSWER_MAX_BYTES);
}

/* Room for all files, of which there may be more than at the last question. 0: no memory. */
static int need_files(struct stream *stream)
{
    const struct arc_mem *mem = &stream->router->mem;
    size_t count = stream->router->index->file_count;
    if (count <= stream->files)
        return 1;
    uint32_t *queue = arc__realloc(mem, stream->queue, count * sizeof(*queue));
    if (queue == NULL)
        return 0;
    stream->queue = queue;
    unsigned char *sent = arc__realloc(mem, stream->sent, count);
    if (sent == NULL)
        return 0;
    memset(sent + stream->files, 0, count - stream->files);
    stream->sent = sent;
    stream->files = count;
    return 1;
}

/* Sends the answer, or keeps it until there is room. 1: it was sent. An interceptor that is told of
 * the message may end it all, and with the call the stream. */
static int send_answer(struct stream *stream, arc_grpc_call *call)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__buf_check(&stream->answer, &err);
    if (status == ARC_OK)
        status = arc_grpc_call_send(call, arc__buf_slice(&stream->answer), &err);
    if (status == ARC_ECANCELLED)
        return 0;
    stream->has_answer = status == ARC_EAGAIN;
    if (stream->has_answer) {
        arc_grpc_call_pause(call);
        return 0;
    }
    arc__buf_deinit(&stream->answer);
    arc__buf_init(&stream->answer, &stream->router->mem, ANSWER_MAX_BYTES);
    if (status != ARC_OK)
        refuse(call, ARC_GRPC_RESOURCE_EXHAUSTED, arc__slice_cstr(err.message));
    return status == ARC_OK;
}

static void on_message(void *user, arc_grpc_call *call, arc_slice message)
{
    struct stream *stream = user;
    struct question question;
    if (message.len > QUESTION_MAX_BYTES || !read_question(message, &question)) {
        refuse(call, ARC_GRPC_INVALID_ARGUMENT, ARC_LIT("The question is malformed."));
        return;
    }
    if (!need_files(stream)) {
        refuse(call, ARC_GRPC_RESOURCE_EXHAUSTED, ARC_LIT("Out of memory."));
        return;
    }
    answer(stream, &question, message, &stream->answer);
    (void)send_answer(stream, call);
}

static void on_half_close(void *user, arc_grpc_call *call)
{
    (void)user;
    refuse(call, ARC_GRPC_OK, ARC_NONE); /* every question has its answer: none is kept */
}

static void on_writable(void *user, arc_grpc_call *call)
{
    struct stream *stream = user;
    if (!stream->has_answer)
        return;
    if (send_answer(stream, call))
        arc_grpc_call_resume(call);
}

static void on_close(void *user, arc_grpc_call *call, arc_grpc_why why)
{
    struct stream *stream = user;
    (void)call;
    (void)why;
    if (stream == NULL)
        return;
    struct arc_mem mem = stream->router->mem;
    arc__buf_deinit(&stream->answer);
    arc__free(&mem, stream->queue);
    arc__free(&mem, stream->sent);
    arc__free(&mem, stream);
}

static const arc_grpc_events events = {
    .size = sizeof(arc_grpc_events),
    .on_call = on_call,
    .on_message = on_message,
    .on_half_close = on_half_close,
    .on_writable = on_writable,
    .on_close = on_close,
};

/* --- the router's ---------------------------------------------------------------------------- */

static arc_status begin_reflection(arc_grpc_router *router, arc_err *err)
{
    const struct arc_grpc_route_row rows[] = {
        {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
         {.size = sizeof(arc_grpc_method), router, .events = &events}},
        {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
         {.size = sizeof(arc_grpc_method), router, .events = &events}},
    };
    struct arc_grpc_index *index;
    arc_slice own = arc__slice(arc__grpc_service_files, arc__grpc_service_files_len);
    ARC_TRY(arc__grpc_index_open(&router->mem, NULL, own, 0, &index, err));
    arc_status status = arc__grpc_router_add_rows(router, rows, ARC_COUNT_OF(rows), err);
    if (status == ARC_OK)
        router->index = index;
    else
        arc__grpc_index_close(index);
    return status;
}

static arc_status add_set(arc_grpc_router *router, arc_slice set, int copy, arc_err *err)
{
    if (router->index == NULL)
        ARC_TRY(begin_reflection(router, err));
    if (set.len == 0)
        return ARC_OK;
    return arc__grpc_index_open(&router->mem, router->index, set, copy, &router->index, err);
}

arc_status arc_grpc_router_add_reflection(arc_grpc_router *router, const void *descriptor_set,
                                          size_t len, arc_err *err)
{
    ARC_REQUIRE(router != NULL && (descriptor_set != NULL || len == 0), err, "router");
    return add_set(router, arc__slice(descriptor_set, len), 1, err);
}

arc_status arc__grpc_router_reflect(arc_grpc_router *router, const unsigned char *set, size_t len,
                                    arc_err *err)
{
    return add_set(router, arc__slice(set, len), 0, err);
}

void arc__grpc_reflection_close(arc_grpc_router *router)
{
    arc__grpc_index_close(router->index);
    router->index = NULL;
}
