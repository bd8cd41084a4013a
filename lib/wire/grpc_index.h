/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of descriptor sets define, by name: the knowledge of the reflection service. The
 * descriptors themselves stay serialized; of each only the names are read.
 * Must stay true: any bytes can be given as a set; a set that cannot be read changes nothing. */
#ifndef ARC_WIRE_GRPC_INDEX_H
#define ARC_WIRE_GRPC_INDEX_H

#include "base/arena.h"

/* Limits of what may be indexed: sets, files, symbols; depth of messages in messages; length of a
 * file's name and of a symbol's full name. */
#define ARC_GRPC_INDEX_SETS_MAX 64
#define ARC_GRPC_INDEX_FILES_MAX 10000
#define ARC_GRPC_INDEX_SYMBOLS_MAX 1000000
#define ARC_GRPC_INDEX_DEPTH_MAX 32
#define ARC_GRPC_INDEX_NAME_MAX_BYTES 512

struct arc_grpc_file {
    arc_slice name;
    arc_slice bytes; /* the FileDescriptorProto */
    int repeated;    /* an earlier set has a file of this name, which counts */
};

struct arc_grpc_symbol {
    arc_slice name; /* full name; of a file: its name */
    uint32_t file;
    int32_t is_message;
};

struct arc_grpc_extension {
    arc_slice type; /* full name of what is extended */
    int32_t number;
    uint32_t file;
};

struct arc_grpc_set {
    const char *ptr;
    size_t len;
    char *owned; /* to be freed; NULL for what is compiled in */
};

struct arc_grpc_index {
    struct arc_mem mem;
    struct arc_arena names;
    struct arc_grpc_set *sets;
    size_t set_count, set_capacity;
    struct arc_grpc_file *files;
    size_t file_count, file_capacity;
    struct arc_grpc_symbol *by_name; /* the files */
    struct arc_grpc_symbol *symbols;
    size_t symbol_count, symbol_capacity;
    struct arc_grpc_extension *extensions;
    size_t extension_count, extension_capacity;
};

/* An index of the sets of `old` (NULL: none) and one more, which is copied if copy. The files of
 * old keep their numbers. old is the new one's then: it is freed, whereas it stays as it is on
 * failure. ARC_EINVAL, ARC_ELIMIT, ARC_ENOMEM. */
arc_status arc__grpc_index_open(const struct arc_mem *mem, struct arc_grpc_index *old,
                                arc_slice set, int copy, struct arc_grpc_index **out, arc_err *err);
void arc__grpc_index_close(struct arc_grpc_index *index); /* NULL is fine */

/* NULL: not known. */
const struct arc_grpc_symbol *arc__grpc_index_file(const struct arc_grpc_index *index,
                                                   arc_slice name);
const struct arc_grpc_symbol *arc__grpc_index_symbol(const struct arc_grpc_index *index,
                                                     arc_slice name);
/* The extensions of a message, by number. */
const struct arc_grpc_extension *arc__grpc_index_extensions(const struct arc_grpc_index *index,
                                                            arc_slice type, size_t *count);

#endif
