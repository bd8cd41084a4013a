/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf and JSON for the same messages. Both forms come from walking protobuf-c's descriptors,
 * so that no message has code of its own here, and what is decoded never exceeds the limits, the
 * arena, or a stack of a few KiB, whatever the bytes say.
 *
 * Life of a call:
 *     arc__pb_decode (gRPC) or arc__pb_from_json (HTTP)   bytes -> message in the call's arena
 *     … the command layer reads and makes messages (arc__pb_new and the helpers below) …
 *     arc__pb_encode or arc__pb_to_json                   message -> bytes
 *
 * A message is a struct made by protoc-c ("agent/v1/agent.pb-c.h"), starting with ProtobufCMessage;
 * functions take it as void * and read its descriptor. All of a message is in one arena: it is
 * never freed by itself, and free_unpacked must not be called on it.
 *
 * Fields are named as in the .proto file (snake_case) where this header says `field`; names from
 * outside may also be camelCase. */
#ifndef ARC_CODEC_CODEC_H
#define ARC_CODEC_CODEC_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

/* No message of the contract has more fields; checked when a message is decoded. A set of fields
 * fits a word: bit i stands for descriptor->fields[i]. */
#define ARC_PB_FIELDS_MAX 64

/* Bounds for one message; 0 means the default. See limits.def for each. */
struct arc_pb_limits {
/* clang-format off */
#define LIMIT(name, standard, most, sentence) uint32_t name##_max;
#include "codec/limits.def"
#undef LIMIT
    /* clang-format on */
};

/* Every zero replaced by its default, what is too large by the most there is. limits may be NULL.
 */
struct arc_pb_limits arc__pb_limits(const struct arc_pb_limits *limits);

/* ---- protobuf ------------------------------------------------------------------------------- */

/* Bytes to a message of the arena; nothing in it points into bytes. Reads the wire format by
 * itself, without recursion, because protobuf-c's unpack has no bound on depth, cost or text:
 *   - strings must be UTF-8 without NUL; a map may not hold a key twice
 *   - unknown fields are skipped and not kept; groups, a known field in another wire type, and
 *     whatever is cut short are refused
 *   - a field that comes twice: the last one counts, messages are merged
 * ARC_EINVAL malformed (err.subject: the path of the field), ARC_ELIMIT a limit or the arena's
 * ceiling, ARC_ENOMEM. *message is written on ARC_OK only; memory that a failed call took from the
 * arena goes with the arena. */
ARC_MUST_USE arc_status arc__pb_decode(const ProtobufCMessageDescriptor *descriptor,
                                       arc_slice bytes, struct arc_arena *arena,
                                       const struct arc_pb_limits *limits, void **message,
                                       arc_err *err);

/* Appends the message's bytes. The caller's buffer bounds them. */
ARC_MUST_USE arc_status arc__pb_encode(const void *message, struct arc_buf *out, arc_err *err);

/* ---- JSON out ------------------------------------------------------------------------------- */

/* What the JSON form of a message is:
 *   names       camelCase
 *   numbers     numbers, 64 bits too; double and float in the shortest form, null when not finite
 *   enums       the value's word in lower case without the enum's name ("running"); "" for
 *               UNSPECIFIED; a number where the value has no name
 *   bytes       base64; Timestamp RFC 3339; FieldMask "a,b"; Struct, Value, ListValue plain JSON
 *   presence    scalars, lists and maps always; unset messages and oneof members not; times that
 *               are 0 not (arc__pb_is_time) */
struct arc_pb_json_options {
    const char *const *omit; /* fields of the outermost message to leave out */
    size_t omit_count;
    int members_only; /* write into the object that the caller has opened, without braces */
};

/* Writes the message as one JSON value. options may be NULL. ARC_ELIMIT where it is deeper than
 * the limit; else what the writer's buffer says. */
ARC_MUST_USE arc_status arc__pb_to_json(const void *message, struct arc_json *json,
                                        const struct arc_pb_json_options *options, arc_err *err);

/* Writes the value of one field: the list under "list", the one message of a reply. An unset
 * message is null. ARC_ENOTFOUND when there is no such field. */
ARC_MUST_USE arc_status arc__pb_field_to_json(const void *message, const char *field,
                                              struct arc_json *json, arc_err *err);

/* ---- JSON in -------------------------------------------------------------------------------- */

struct arc_pb_read {
    /* In: a field of the outermost message whose value is not decoded but left as it stands in the
     * text; NULL: none. It must be a well-formed JSON value. */
    const char *raw_field;
    /* Out: that value, a part of text; ARC_NONE when absent or null. */
    arc_slice raw;
    /* Out: fields of the outermost message that were there and not null, the raw one included. */
    uint64_t present;
};

/* JSON to a message of the arena. text is one object ("" counts as {}). Names in camelCase or
 * snake_case; enums by word (with or without the enum's name, any case) or by number; null is the
 * same as absent. Refused with ARC_EINVAL, err.subject the path ("jobs[0].steps[1].uses"), err.line
 * and err.column the place: bytes that are not UTF-8, NUL, lone surrogates, -0, numbers out of
 * range or with a fraction where an integer belongs, a key twice, two members of one oneof, a wrong
 * type, unknown fields (all of them named, with the nearest known name). ARC_ELIMIT for limits: a
 * message that was read can be encoded and decoded again under the same limits.
 * read may be NULL. *message and *read are written on ARC_OK only. */
ARC_MUST_USE arc_status arc__pb_from_json(const ProtobufCMessageDescriptor *descriptor,
                                          arc_slice text, struct arc_arena *arena,
                                          const struct arc_pb_limits *limits, void **message,
                                          struct arc_pb_read *read, arc_err *err);

/* Sets a field from bare text, as it stands in a path or a query: text, numbers, true and false,
 * enum words; a repeated field gets one more element. name in camelCase or snake_case.
 * ARC_ENOTFOUND no such field, ARC_EINVAL not a value for it (or not a kind that text can give). */
ARC_MUST_USE arc_status arc__pb_set_text(void *message, arc_slice name, arc_slice value,
                                         struct arc_arena *arena,
                                         const struct arc_pb_limits *limits, arc_err *err);

/* ---- making and reading messages ------------------------------------------------------------ */

/* An empty message with its defaults; NULL when the arena refuses. */
void *arc__pb_new(const ProtobufCMessageDescriptor *descriptor, struct arc_arena *arena);
#define ARC_PB_NEW(arena, type, descriptor) ((type *)arc__pb_new(&(descriptor), (arena)))

/* A string for a field: a copy up to the first NUL, and text that is not UTF-8 repaired, so that a
 * peer never refuses the message. The empty string needs no memory. NULL when the arena refuses
 * (sticky: check arena->failed once at the end). */
char *arc__pb_string(struct arc_arena *arena, arc_slice text);
/* NULL counts as empty. */
char *arc__pb_cstr(struct arc_arena *arena, const char *text);

/* Appends to a repeated field. add answers the new, empty message. Nothing is changed when they
 * fail: NULL or 0, with the arena's sticky flag; a field that is not there or of another kind is a
 * fault of the caller and answers the same. */
void *arc__pb_add(void *message, const char *field, struct arc_arena *arena);
int arc__pb_add_text(void *message, const char *field, arc_slice text, struct arc_arena *arena);

/* Maps of text to text. put appends (a key may not be put twice); get answers ARC_NONE where the
 * key is absent; next starts with *at = 0 and answers 0 at the end. */
int arc__pb_map_put(void *message, const char *field, arc_slice key, arc_slice value,
                    struct arc_arena *arena);
arc_slice arc__pb_map_get(const void *message, const char *field, arc_slice key);
int arc__pb_map_next(const void *message, const char *field, size_t *at, arc_slice *key,
                     arc_slice *value);

/* A field by its name in either spelling; NULL: there is none. */
const ProtobufCFieldDescriptor *arc__pb_field(const ProtobufCMessageDescriptor *descriptor,
                                              arc_slice name);
/* Whether a field is in a set of fields (arc_pb_read.present). */
int arc__pb_has(const ProtobufCMessageDescriptor *descriptor, uint64_t present, const char *field);
/* The field holds a moment: its name is or ends in _at, _time, their _ns forms, timestamp,
 * timestamp_ns, time_ns, last_heartbeat. Zero then means "not set". */
int arc__pb_is_time(const ProtobufCFieldDescriptor *field);
/* The word of an enum value; ARC_NONE where the number has no name. Lower case into out. */
arc_slice arc__pb_enum_word(const ProtobufCEnumDescriptor *descriptor, int value, char *out,
                            size_t size);
/* By word, with or without the enum's name, in any case; "" is 0. 1: found. */
int arc__pb_enum_value(const ProtobufCEnumDescriptor *descriptor, arc_slice word, int *value);

#endif
