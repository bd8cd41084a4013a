/* SPDX-License-Identifier: Apache-2.0 */
/* Header lists: the one that is being received, with its limits counted field by field because
 * nghttp2 does not hold a peer to the size that we announce, and those that are to be sent. */
#include <inttypes.h>

#include "wire/grpc_priv.h"

/* Beyond so many times the limit a block is not only answered with a refusal, its decoding stops.
 */
#define BLOCK_HARD_FACTOR 4
/* Fields that a block has room for at first. */
#define FIELDS_FIRST 8

void arc__grpc_block_init(struct arc_grpc_block *block, const struct arc_grpc_conn *conn)
{
    *block = (struct arc_grpc_block){.count = 0};
    arc__arena_init(&block->arena, &conn->mem, conn->pool->header.max_bytes);
}

void arc__grpc_block_reset(struct arc_grpc_block *block)
{
    struct arc_arena arena = block->arena;
    arc__arena_reset(&arena);
    *block = (struct arc_grpc_block){.arena = arena};
}

static void swap_memory(struct arc_grpc_block *block, struct arc_grpc_pool *pool)
{
    struct arc_arena arena = block->arena;
    block->arena = pool->header;
    pool->header = arena;
}

void arc__grpc_block_borrow(struct arc_grpc_block *block, struct arc_grpc_pool *pool)
{
    if (block->arena.blocks == NULL)
        swap_memory(block, pool);
    arc__grpc_block_reset(block);
}

void arc__grpc_block_return(struct arc_grpc_block *block, struct arc_grpc_pool *pool)
{
    arc__grpc_block_reset(block);
    if (pool->header.blocks == NULL)
        swap_memory(block, pool);
    else
        arc__arena_deinit(&block->arena);
}

void arc__grpc_block_deinit(struct arc_grpc_block *block)
{
    arc__arena_deinit(&block->arena);
    *block = (struct arc_grpc_block){.count = 0};
}

/* The fields that the protocol reads itself. Looked at for every line of every request, so by
 * length first. */
static arc_slice *own_field(struct arc_grpc_block *block, arc_slice name)
{
#define IS(literal) (memcmp(name.ptr, literal, sizeof(literal) - 1) == 0)
    switch (name.len) {
    case sizeof(":path") - 1:
        return IS(":path") ? &block->path : NULL;
    case sizeof(":authority") - 1:
        return IS(":authority") ? &block->authority : NULL;
    case sizeof("grpc-status") - 1:
        return IS("grpc-status") ? &block->status : NULL;
    case sizeof("content-type") - 1:
        if (IS("content-type"))
            return &block->content_type;
        if (IS("grpc-timeout"))
            return &block->timeout;
        return IS("grpc-message") ? &block->message : NULL;
    case sizeof("grpc-encoding") - 1:
        return IS("grpc-encoding") ? &block->encoding : NULL;
    case sizeof("grpc-retry-pushback-ms") - 1:
        return IS("grpc-retry-pushback-ms") ? &block->pushback : NULL;
    case sizeof("grpc-status-details-bin") - 1:
        return IS("grpc-status-details-bin") ? &block->details : NULL;
    default:
        return NULL;
    }
#undef IS
}

/* Room for one more field; 0: no memory. The count is bounded by seen_fields. */
static int more_room(struct arc_grpc_block *block)
{
    if (block->count < block->room)
        return 1;
    size_t room = block->room > 0 ? 2 * block->room : FIELDS_FIRST;
    struct arc_grpc_field *fields = arc__arena_array(&block->arena, room, sizeof(*fields));
    if (fields == NULL)
        return 0;
    if (block->count > 0)
        memcpy(fields, block->fields, block->count * sizeof(*fields));
    block->fields = fields;
    block->room = room;
    return 1;
}

/* Only what could be sent as well: an application may give back what it was given. The protocol
 * wants no error for the rest, such as a text of other than ASCII; it is left out. */
static void keep_field(struct arc_grpc_block *block, arc_slice name, arc_slice value)
{
    struct arc_grpc_field given = {name, arc__slice_trim(value)};
    if (!arc__grpc_field_valid(&given) || !more_room(block))
        return; /* the arena says so at the end */
    struct arc_grpc_field *field = &block->fields[block->count];
    field->name = arc__arena_copy(&block->arena, name);
    if (!arc__grpc_name_is_binary(name)) {
        field->value = arc__arena_copy(&block->arena, given.value);
    } else if (arc__grpc_binary_decode(value, &block->arena, &field->value, NULL) == ARC_EINVAL) {
        block->bad = 1;
        return;
    }
    block->count++;
}

void arc__grpc_block_add_details(struct arc_grpc_block *block)
{
    arc_slice value = ARC_NONE;
    if (block->details.ptr == NULL ||
        arc__grpc_binary_decode(block->details, &block->arena, &value, NULL) != ARC_OK ||
        !more_room(block))
        return;
    block->fields[block->count++] =
        (struct arc_grpc_field){ARC_LIT("grpc-status-details-bin"), value};
}

int arc__grpc_block_add(struct arc_grpc_block *block, const struct arc_grpc_conn *conn,
                        arc_slice name, arc_slice value)
{
    const struct arc_grpc_limits *limits = conn->limits;
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
        block->is_head = arc__slice_is(value, "HEAD");
    } else if (arc__slice_is(name, ":status")) {
        uint64_t code;
        if (value.len == 3 && arc__slice_to_u64(value, &code))
            block->http_status = (int)code;
    } else if (arc__slice_is(name, "grpc-accept-encoding")) {
        block->accepts |= arc__grpc_encodings_parse(value);
    } else if (!arc__grpc_name_is_reserved(name)) {
        keep_field(block, name, value);
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

arc_status arc__grpc_fields_check(const struct arc_grpc_field *fields, size_t count,
                                  const struct arc_grpc_limits *limits, int trailing, arc_err *err)
{
    size_t bytes = 0;
    if (count > limits->header_fields_max)
        return arc__fail(err, ARC_EINVAL, "metadata", "More than %" PRIu64 " lines of metadata.",
                         limits->header_fields_max);
    for (size_t i = 0; i < count; i++) {
        if (!arc__grpc_field_valid(&fields[i]) &&
            !(trailing && arc__grpc_name_is_details(fields[i].name)))
            return arc__fail(err, ARC_EINVAL, "metadata",
                             "Line %zu of the metadata has a name or value that may not be sent.",
                             i + 1);
        bytes += fields[i].name.len + fields[i].value.len + 32;
        if (bytes > limits->header_list_max_bytes)
            return arc__fail(err, ARC_EINVAL, "metadata",
                             "More than %" PRIu64 " bytes of metadata.",
                             limits->header_list_max_bytes);
    }
    return ARC_OK;
}

void arc__grpc_list_add_fields(struct arc_buf *list, const struct arc_grpc_field *fields,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (arc__grpc_name_is_binary(fields[i].name))
            add_binary(list, fields[i].name, fields[i].value);
        else
            arc__grpc_list_add(list, fields[i].name, fields[i].value);
    }
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
