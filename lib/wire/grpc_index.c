/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/grpc_index.h"

#include <stdlib.h>

#include "base/text.h"
#include "wire/pb.h"

/* Fields of google/protobuf/descriptor.proto. */
#define SET_FILE 1u
#define ANY_NAME 1u
#define FILE_PACKAGE 2u
#define FILE_MESSAGE 4u
#define FILE_ENUM 5u
#define FILE_SERVICE 6u
#define FILE_EXTENSION 7u
#define MESSAGE_FIELD 2u
#define MESSAGE_NESTED 3u
#define MESSAGE_ENUM 4u
#define MESSAGE_EXTENSION 6u
#define MESSAGE_ONEOF 8u
#define ENUM_VALUE 2u
#define SERVICE_METHOD 2u
#define FIELD_EXTENDEE 2u
#define FIELD_NUMBER 3u

/* Names, beside the sets. */
#define NAMES_MAX_BYTES (256u << 20)

/* A file, or a message in it, that is being read. */
struct level {
    arc_slice rest;
    size_t scope_len; /* of walk.scope, outside of it */
};

struct walk {
    struct arc_grpc_index *index;
    uint32_t file;
    size_t depth;
    struct level levels[ARC_GRPC_INDEX_DEPTH_MAX + 1]; /* the file, and messages in messages */
    size_t scope_len;
    char scope[ARC_GRPC_INDEX_NAME_MAX_BYTES]; /* "package.Outer" */
};

/* --- reading --------------------------------------------------------------------------------- */

static arc_status malformed(arc_err *err)
{
    return arc__fail(err, ARC_EINVAL, "descriptor_set", "This is no FileDescriptorSet.");
}

static int is_identifier(arc_slice name, int dots)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        int fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '_' || (dots && c == '.');
        if (!fits)
            return 0;
    }
    return name.len > 0;
}

/* Appends ".name" to the scope. */
static arc_status enter(struct walk *walk, arc_slice name, arc_err *err)
{
    size_t dot = walk->scope_len > 0;
    if (name.len > sizeof(walk->scope) - walk->scope_len - dot)
        return arc__fail(err, ARC_ELIMIT, "descriptor_set", "A name is too long.");
    if (dot)
        walk->scope[walk->scope_len++] = '.';
    memcpy(walk->scope + walk->scope_len, name.ptr, name.len);
    walk->scope_len += name.len;
    return ARC_OK;
}

/* Reads the name of a descriptor and notes it as a symbol of the scope, which is left as it was.
 * *full is the whole name. */
static arc_status add_symbol(struct walk *walk, arc_slice descriptor, int is_message,
                             arc_slice *full, arc_err *err)
{
    struct arc_grpc_index *index = walk->index;
    size_t outside = walk->scope_len;
    arc_slice name;
    if (!arc__pb_find(descriptor, ANY_NAME, &name) || !is_identifier(name, 0))
        return malformed(err);
    ARC_TRY(enter(walk, name, err));
    ARC_TRY(arc__grow(&index->mem, (void **)&index->symbols, &index->symbol_capacity,
                      index->symbol_count, sizeof(*index->symbols), ARC_GRPC_INDEX_SYMBOLS_MAX,
                      err));
    *full = arc__arena_copy(&index->names, arc__slice(walk->scope, walk->scope_len));
    if (full->ptr == NULL)
        return arc__fail_nomem(err);
    index->symbols[index->symbol_count++] =
        (struct arc_grpc_symbol){.name = *full, .file = walk->file, .is_message = is_message};
    walk->scope_len = outside;
    return ARC_OK;
}

/* The symbols that are one field of a descriptor: methods of a service, values of an enum. */
static arc_status add_parts(struct walk *walk, arc_slice descriptor, uint32_t number, arc_err *err)
{
    struct arc_pb_field field;
    arc_slice full;
    int got;
    while ((got = arc__pb_next(&descriptor, &field)) > 0) {
        if (field.number == number && field.type == ARC_PB_BYTES)
            ARC_TRY(add_symbol(walk, field.bytes, 0, &full, err));
    }
    return got == 0 ? ARC_OK : malformed(err);
}

static arc_status add_service(struct walk *walk, arc_slice descriptor, arc_err *err)
{
    size_t outside = walk->scope_len;
    arc_slice name, full;
    ARC_TRY(add_symbol(walk, descriptor, 0, &full, err));
    (void)arc__pb_find(descriptor, ANY_NAME, &name); /* which add_symbol has found */
    ARC_TRY(enter(walk, name, err));
    ARC_TRY(add_parts(walk, descriptor, SERVICE_METHOD, err));
    walk->scope_len = outside;
    return ARC_OK;
}

static arc_status add_enum(struct walk *walk, arc_slice descriptor, arc_err *err)
{
    arc_slice full;
    ARC_TRY(add_symbol(walk, descriptor, 0, &full, err));
    /* As in C++, values are names beside their enum, not in it. */
    return add_parts(walk, descriptor, ENUM_VALUE, err);
}

static arc_status add_extension(struct walk *walk, arc_slice descriptor, arc_err *err)
{
    struct arc_grpc_index *index = walk->index;
    struct arc_pb_field field;
    arc_slice full, rest = descriptor, type;
    uint64_t number = 0;
    ARC_TRY(add_symbol(walk, descriptor, 0, &full, err));
    if (!arc__pb_find(descriptor, FIELD_EXTENDEE, &type))
        return malformed(err);
    while (arc__pb_next(&rest, &field) > 0) {
        if (field.number == FIELD_NUMBER && field.type == ARC_PB_VARINT)
            number = field.value;
    }
    /* protoc writes full names, with a dot before them. */
    if (type.len < 2 || type.ptr[0] != '.' || !is_identifier(arc__slice_from(type, 1), 1) ||
        number == 0 || number > INT32_MAX)
        return malformed(err);
    ARC_TRY(arc__grow(&index->mem, (void **)&index->extensions, &index->extension_capacity,
                      index->extension_count, sizeof(*index->extensions),
                      ARC_GRPC_INDEX_SYMBOLS_MAX, err));
    index->extensions[index->extension_count++] = (struct arc_grpc_extension){
        .type = arc__slice_from(type, 1), .number = (int32_t)number, .file = walk->file};
    return ARC_OK;
}

static arc_status add_message(struct walk *walk, arc_slice descriptor, arc_err *err)
{
    size_t outside = walk->scope_len;
    arc_slice name, full;
    if (walk->depth == ARC_COUNT_OF(walk->levels))
        return arc__fail(err, ARC_ELIMIT, "descriptor_set", "Messages are nested too deep.");
    ARC_TRY(add_symbol(walk, descriptor, 1, &full, err));
    (void)arc__pb_find(descriptor, ANY_NAME, &name);
    ARC_TRY(enter(walk, name, err));
    walk->levels[walk->depth++] = (struct level){.rest = descriptor, .scope_len = outside};
    return ARC_OK;
}

static arc_status add_of_file(struct walk *walk, const struct arc_pb_field *field, arc_err *err)
{
    switch (field->number) {
    case FILE_MESSAGE:
        return add_message(walk, field->bytes, err);
    case FILE_ENUM:
        return add_enum(walk, field->bytes, err);
    case FILE_SERVICE:
        return add_service(walk, field->bytes, err);
    case FILE_EXTENSION:
        return add_extension(walk, field->bytes, err);
    default:
        return ARC_OK;
    }
}

static arc_status add_of_message(struct walk *walk, const struct arc_pb_field *field, arc_err *err)
{
    arc_slice full;
    switch (field->number) {
    case MESSAGE_NESTED:
        return add_message(walk, field->bytes, err);
    case MESSAGE_ENUM:
        return add_enum(walk, field->bytes, err);
    case MESSAGE_EXTENSION:
        return add_extension(walk, field->bytes, err);
    case MESSAGE_FIELD:
    case MESSAGE_ONEOF:
        return add_symbol(walk, field->bytes, 0, &full, err);
    default:
        return ARC_OK;
    }
}

static arc_status add_names(struct arc_grpc_index *index, uint32_t number, arc_err *err)
{
    struct walk walk;
    const struct arc_grpc_file *file = &index->files[number];
    arc_slice package;
    walk.index = index;
    walk.file = number;
    walk.scope_len = 0;
    walk.depth = 1;
    walk.levels[0] = (struct level){.rest = file->bytes};
    if (!arc__pb_find(file->bytes, FILE_PACKAGE, &package))
        return malformed(err);
    if (package.len > 0) {
        if (!is_identifier(package, 1))
            return malformed(err);
        ARC_TRY(enter(&walk, package, err));
    }
    while (walk.depth > 0) {
        struct level *level = &walk.levels[walk.depth - 1];
        struct arc_pb_field field;
        int got = arc__pb_next(&level->rest, &field);
        if (got < 0)
            return malformed(err);
        if (got == 0) {
            walk.scope_len = level->scope_len;
            walk.depth--;
        } else if (field.type == ARC_PB_BYTES) {
            ARC_TRY(walk.depth == 1 ? add_of_file(&walk, &field, err)
                                    : add_of_message(&walk, &field, err));
        }
    }
    return ARC_OK;
}

static arc_status add_files(struct arc_grpc_index *index, arc_slice set, arc_err *err)
{
    struct arc_pb_field field;
    int got;
    while ((got = arc__pb_next(&set, &field)) > 0) {
        arc_slice name;
        size_t bad_at;
        if (field.number != SET_FILE || field.type != ARC_PB_BYTES)
            return malformed(err);
        if (!arc__pb_find(field.bytes, ANY_NAME, &name) || name.len == 0 ||
            name.len > ARC_GRPC_INDEX_NAME_MAX_BYTES || !arc__utf8_valid(name, &bad_at))
            return malformed(err);
        ARC_TRY(arc__grow(&index->mem, (void **)&index->files, &index->file_capacity,
                          index->file_count, sizeof(*index->files), ARC_GRPC_INDEX_FILES_MAX, err));
        index->files[index->file_count++] =
            (struct arc_grpc_file){.name = name, .bytes = field.bytes};
    }
    return got == 0 ? ARC_OK : malformed(err);
}

/* --- order ----------------------------------------------------------------------------------- */

/* The same name twice: the first file has it. */
static int symbol_order(const void *a, const void *b)
{
    const struct arc_grpc_symbol *x = a, *y = b;
    int order = arc__slice_compare(x->name, y->name);
    return order != 0 ? order : (x->file > y->file) - (x->file < y->file);
}

static int extension_order(const void *a, const void *b)
{
    const struct arc_grpc_extension *x = a, *y = b;
    int order = arc__slice_compare(x->type, y->type);
    if (order == 0)
        order = (x->number > y->number) - (x->number < y->number);
    return order != 0 ? order : (x->file > y->file) - (x->file < y->file);
}

static arc_status order_files(struct arc_grpc_index *index, arc_err *err)
{
    if (index->file_count == 0)
        return ARC_OK;
    index->by_name = arc__alloc_array(&index->mem, index->file_count, sizeof(*index->by_name));
    if (index->by_name == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < index->file_count; i++)
        index->by_name[i] =
            (struct arc_grpc_symbol){.name = index->files[i].name, .file = (uint32_t)i};
    qsort(index->by_name, index->file_count, sizeof(*index->by_name), symbol_order);
    for (size_t i = 1; i < index->file_count; i++)
        index->files[index->by_name[i].file].repeated =
            arc__slice_equal(index->by_name[i - 1].name, index->by_name[i].name);
    return ARC_OK;
}

static arc_status build(struct arc_grpc_index *index, arc_err *err)
{
    for (size_t i = 0; i < index->set_count; i++)
        ARC_TRY(add_files(index, arc__slice(index->sets[i].ptr, index->sets[i].len), err));
    ARC_TRY(order_files(index, err));
    for (size_t i = 0; i < index->file_count; i++) {
        if (!index->files[i].repeated)
            ARC_TRY(add_names(index, (uint32_t)i, err));
    }
    if (index->symbol_count > 0)
        qsort(index->symbols, index->symbol_count, sizeof(*index->symbols), symbol_order);
    if (index->extension_count > 0)
        qsort(index->extensions, index->extension_count, sizeof(*index->extensions),
              extension_order);
    return ARC_OK;
}

/* --- life ------------------------------------------------------------------------------------ */

static void drop(struct arc_grpc_index *index)
{
    struct arc_mem mem = index->mem;
    arc__arena_deinit(&index->names);
    arc__free(&mem, index->sets);
    arc__free(&mem, index->files);
    arc__free(&mem, index->by_name);
    arc__free(&mem, index->symbols);
    arc__free(&mem, index->extensions);
    arc__free(&mem, index);
}

/* The sets of the old one and the new one, in a fresh index. */
static arc_status take_sets(struct arc_grpc_index *index, const struct arc_grpc_index *old,
                            arc_slice set, int copy, arc_err *err)
{
    struct arc_grpc_set one = {.ptr = set.ptr, .len = set.len};
    for (size_t i = 0; i <= (old != NULL ? old->set_count : 0); i++) {
        ARC_TRY(arc__grow(&index->mem, (void **)&index->sets, &index->set_capacity,
                          index->set_count, sizeof(*index->sets), ARC_GRPC_INDEX_SETS_MAX, err));
        if (old != NULL && i < old->set_count)
            index->sets[index->set_count++] = old->sets[i];
    }
    if (copy && set.len > 0) {
        one.owned = arc__alloc(&index->mem, set.len);
        if (one.owned == NULL)
            return arc__fail_nomem(err);
        memcpy(one.owned, set.ptr, set.len);
        one.ptr = one.owned;
    }
    index->sets[index->set_count++] = one;
    return ARC_OK;
}

arc_status arc__grpc_index_open(const struct arc_mem *mem, struct arc_grpc_index *old,
                                arc_slice set, int copy, struct arc_grpc_index **out, arc_err *err)
{
    struct arc_grpc_index *index = arc__alloc(mem, sizeof(*index));
    size_t kept = old != NULL ? old->set_count : 0;
    if (index == NULL)
        return arc__fail_nomem(err);
    index->mem = *mem;
    arc__arena_init(&index->names, &index->mem, NAMES_MAX_BYTES);
    arc_status status = take_sets(index, old, set, copy, err);
    if (status == ARC_OK)
        status = build(index, err);
    if (status != ARC_OK) {
        if (index->set_count > kept)
            arc__free(&index->mem, index->sets[kept].owned);
        drop(index);
        return status;
    }
    if (old != NULL)
        drop(old);
    *out = index;
    return ARC_OK;
}

void arc__grpc_index_close(struct arc_grpc_index *index)
{
    if (index == NULL)
        return;
    for (size_t i = 0; i < index->set_count; i++)
        arc__free(&index->mem, index->sets[i].owned);
    drop(index);
}

/* --- looking up ------------------------------------------------------------------------------ */

static const struct arc_grpc_symbol *find(const struct arc_grpc_symbol *symbols, size_t count,
                                          arc_slice name)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (arc__slice_compare(symbols[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && arc__slice_equal(symbols[low].name, name) ? &symbols[low] : NULL;
}

const struct arc_grpc_symbol *arc__grpc_index_file(const struct arc_grpc_index *index,
                                                   arc_slice name)
{
    return find(index->by_name, index->file_count, name);
}

const struct arc_grpc_symbol *arc__grpc_index_symbol(const struct arc_grpc_index *index,
                                                     arc_slice name)
{
    return find(index->symbols, index->symbol_count, name);
}

const struct arc_grpc_extension *arc__grpc_index_extensions(const struct arc_grpc_index *index,
                                                            arc_slice type, size_t *count)
{
    size_t low = 0, high = index->extension_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (arc__slice_compare(index->extensions[middle].type, type) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (high = low;
         high < index->extension_count && arc__slice_equal(index->extensions[high].type, type);)
        high++;
    *count = high - low;
    return *count > 0 ? &index->extensions[low] : NULL;
}
