/* SPDX-License-Identifier: Apache-2.0 */
/* Header lists: the one that is being received, with its limits counted field by field because
 * nghttp2 does not hold a peer to the size that we announce, and those that are to be sent. */
#include <inttypes.h>

#include "wire/grpc_priv.h"

/* Beyond so many times the limit a block is not only answered with a refusal, its decoding stops.
 */
#define BLOCK_HARD_FACTOR 4

void arc__grpc_block_init(struct arc_grpc_block *block, const struct arc_grpc_conn *conn)
{
    /* Each kept field costs its copy (with room for alignment and the NUL) and its slices. */
    size_t max = 4 * (size_t)conn->limits.header_list_max_bytes +
                 (size_t)conn->limits.header_fields_max * (sizeof(struct arc_grpc_field) + 64) +
                 4096;
    *block = (struct arc_grpc_block){.count = 0};
    arc__arena_init(&block->arena, &conn->mem, max);
}

void arc__grpc_block_reset(struct arc_grpc_block *block)
{
    struct arc_arena arena = block->arena;
    arc__arena_reset(&arena);
    *block = (struct arc_grpc_block){.arena = arena};
}

void arc__grpc_block_deinit(struct arc_grpc_block *block)
{
    arc__arena_deinit(&block->arena);
    *block = (struct arc_grpc_block){.count = 0};
}

/* The fields that the protocol reads itself. */
static arc_slice *own_field(struct arc_grpc_block *block, arc_slice name)
{
    const struct {
        const char *name;
        arc_slice *place;
    } own[] = {
        {":path", &block->path},
        {":authority", &block->authority},
        {"content-type", &block->content_type},
        {"grpc-encoding", &block->encoding},
        {"grpc-timeout", &block->timeout},
        {"grpc-status", &block->status},
        {"grpc-message", &block->message},
        {"grpc-retry-pushback-ms", &block->pushback},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(own); i++) {
        if (arc__slice_is(name, own[i].name))
            return own[i].place;
    }
    return NULL;
}

static void keep_field(struct arc_grpc_block *block, const struct arc_grpc_conn *conn,
                       arc_slice name, arc_slice value)
{
    size_t max = (size_t)conn->limits.header_fields_max;
    if (block->fields == NULL)
        block->fields = arc__arena_array(&block->arena, max, sizeof(*block->fields));
    if (block->fields == NULL || block->count == max)
        return; /* the arena says so at the end; the count is below max by seen_fields */
    struct arc_grpc_field *field = &block->fields[block->count++];
    field->name = arc__arena_copy(&block->arena, name);
    if (!arc__grpc_name_is_binary(name))
        field->value = arc__arena_copy(&block->arena, value);
    else if (arc__grpc_binary_decode(value, &block->arena, &field->value, NULL) == ARC_EINVAL)
        block->bad = 1;
}

int arc__grpc_block_add(struct arc_grpc_block *block, const struct arc_grpc_conn *conn,
                        arc_slice name, arc_slice value)
{
    const struct arc_grpc_limits *limits = &conn->limits;
    block->seen_fields++;
    block->seen_bytes += name.len + value.len + 32;
    if (block->seen_bytes > limits->header_list_max_bytes ||
        block->seen_fields > limits->header_fields_max) {
        block->over = 1;
        return block->seen_bytes > BLOCK_HARD_FACTOR * limits->header_list_max_bytes ? -1 : 0;
    }
    arc_slice *own = own_field(block, name);
    if (own != NULL) {
        *own = value.len == 0 ? ARC_LIT("") : arc__arena_copy(&block->arena, value);
    } else if (arc__slice_is(name, ":method")) {
        block->is_post = arc__slice_is(value, "POST");
    } else if (arc__slice_is(name, ":status")) {
        uint64_t code;
        if (value.len == 3 && arc__slice_to_u64(value, &code))
            block->http_status = (int)code;
    } else if (!arc__grpc_name_is_reserved(name) ||
               arc__slice_is(name, "grpc-previous-rpc-attempts")) { /* the application's to see */
        keep_field(block, conn, name, value);
    }
    block->nomem = block->arena.failed;
    return 0;
}

/* --- lists to be sent ------------------------------------------------------------------------ */

void arc__grpc_list_add(struct arc_buf *list, arc_slice name, arc_slice value)
{
    uint32_t lengths[2] = {(uint32_t)name.len, (uint32_t)value.len};
    arc__buf_add(list, lengths, sizeof(lengths));
    arc__buf_add_slice(list, name);
    arc__buf_add_slice(list, value);
}

static void add_binary(struct arc_buf *list, arc_slice name, arc_slice value)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t lengths[2] = {(uint32_t)name.len, (uint32_t)((value.len * 4 + 2) / 3)};
    arc__buf_add(list, lengths, sizeof(lengths));
    arc__buf_add_slice(list, name);
    /* Without padding, as the protocol recommends to senders. */
    for (size_t at = 0; at < value.len; at += 3) {
        size_t have = value.len - at < 3 ? value.len - at : 3;
        uint32_t word = 0;
        for (size_t i = 0; i < 3; i++)
            word = word << 8 | (i < have ? (unsigned char)value.ptr[at + i] : 0U);
        for (size_t i = 0; i <= have; i++)
            arc__buf_add_char(list, digits[word >> (18 - 6 * i) & 63]);
    }
}

arc_status arc__grpc_list_add_fields(struct arc_buf *list, const struct arc_grpc_field *fields,
                                     size_t count, const struct arc_grpc_limits *limits,
                                     arc_err *err)
{
    size_t bytes = 0;
    if (count > limits->header_fields_max)
        return arc__fail(err, ARC_EINVAL, "metadata", "More than %" PRIu64 " lines of metadata.",
                         limits->header_fields_max);
    for (size_t i = 0; i < count; i++) {
        if (!arc__grpc_field_valid(&fields[i]))
            return arc__fail(err, ARC_EINVAL, "metadata",
                             "Line %zu of the metadata has a name or value that may not be sent.",
                             i + 1);
        bytes += fields[i].name.len + fields[i].value.len + 32;
        if (bytes > limits->header_list_max_bytes)
            return arc__fail(err, ARC_EINVAL, "metadata",
                             "More than %" PRIu64 " bytes of metadata.",
                             limits->header_list_max_bytes);
    }
    for (size_t i = 0; i < count; i++) {
        if (arc__grpc_name_is_binary(fields[i].name))
            add_binary(list, fields[i].name, fields[i].value);
        else
            arc__grpc_list_add(list, fields[i].name, fields[i].value);
    }
    return ARC_OK;
}

int arc__grpc_list_next(const struct arc_buf *list, size_t *at, arc_slice *name, arc_slice *value)
{
    uint32_t lengths[2];
    if (list->len - *at < sizeof(lengths))
        return 0;
    memcpy(lengths, list->ptr + *at, sizeof(lengths));
    *name = arc__slice(list->ptr + *at + sizeof(lengths), lengths[0]);
    *value = arc__slice(name->ptr + name->len, lengths[1]);
    *at += sizeof(lengths) + name->len + value->len;
    return 1;
}
