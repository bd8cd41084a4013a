/* SPDX-License-Identifier: Apache-2.0 */
/* What the codec must know about a descriptor beyond what protobuf-c says: which messages have a
 * JSON form of their own, which repeated fields are maps, how names are spelt, how members are
 * stored. For this room only. */
#ifndef ARC_CODEC_SHAPE_H
#define ARC_CODEC_SHAPE_H

#include "codec/codec.h"

/* The hard bound of every depth limit; frames on the stack are sized by it. */
#define ARC_PB_DEPTH_MOST 96

enum arc_pb_kind {
    ARC_PB_PLAIN,
    ARC_PB_STRUCT,
    ARC_PB_VALUE,
    ARC_PB_LIST_VALUE,
    ARC_PB_TIMESTAMP,
    ARC_PB_FIELD_MASK
};

enum arc_pb_kind arc__pb_kind(const ProtobufCMessageDescriptor *descriptor);

static inline const ProtobufCMessageDescriptor *
arc__pb_message_of(const ProtobufCFieldDescriptor *field)
{
    return field->descriptor;
}

/* A map with text as key: its entries are messages {key = 1, value = 2} named …Entry. */
int arc__pb_is_map(const ProtobufCFieldDescriptor *field);
/* Bytes of one value of the type inside a struct or an array. */
size_t arc__pb_size_of(ProtobufCType type);

static inline void *arc__pb_member(void *message, unsigned offset)
{
    return (char *)message + offset;
}
static inline const void *arc__pb_member_const(const void *message, unsigned offset)
{
    return (const char *)message + offset;
}
/* The number of elements of a repeated field. */
static inline size_t arc__pb_count(const void *message, const ProtobufCFieldDescriptor *field)
{
    return *(const size_t *)arc__pb_member_const(message, field->quantifier_offset);
}
/* Element i of a repeated field. */
const void *arc__pb_element(const void *message, const ProtobufCFieldDescriptor *field, size_t i);
/* Room for one more element, zeroed and counted; NULL when the arena refuses. Only arrays that were
 * made by this function may be passed: capacity is the next power of two of the count. */
void *arc__pb_append(void *message, const ProtobufCFieldDescriptor *field, struct arc_arena *arena);
/* A oneof's case, or the flag of an optional scalar, is set so that the member counts. */
void arc__pb_mark(void *message, const ProtobufCFieldDescriptor *field);
static inline int arc__pb_in_oneof(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}
/* Of a oneof: which member is set, by number; 0: none. */
static inline uint32_t arc__pb_case(const void *message, const ProtobufCFieldDescriptor *field)
{
    return *(const uint32_t *)arc__pb_member_const(message, field->quantifier_offset);
}

/* job_run_id -> jobRunId. Answers the length; name is cut to size-1. */
size_t arc__pb_camel(const char *name, char *out, size_t size);
/* The shared, constant empty string that protobuf-c's defaults use. */
char *arc__pb_empty(void);

/* The first key that a map of n entries holds twice, or ARC_NONE; ARC_ENOMEM or ARC_ELIMIT when the
 * arena refuses the memory for sorting. */
arc_status arc__pb_map_twice(const void *message, const ProtobufCFieldDescriptor *field,
                             struct arc_arena *arena, arc_slice *key, arc_err *err);

/* ARC_ELIMIT when it is the arena's own ceiling that refuses, else ARC_ENOMEM. */
arc_status arc__pb_refused(const struct arc_arena *arena, size_t size, arc_err *err);

/* Text forms of the types that have one. */
void arc__pb_timestamp_add(struct arc_buf *out, int64_t seconds, int32_t nanos);
int arc__pb_timestamp_parse(arc_slice text, int64_t *seconds, int32_t *nanos);

#endif
