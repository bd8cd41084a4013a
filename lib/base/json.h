/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON (RFC 8259) into a buffer. The writer puts the commas; the caller keeps the nesting
 * right. Bytes that are not UTF-8 are written as U+FFFD, so the output is always valid. */
#ifndef ARC_BASE_JSON_H
#define ARC_BASE_JSON_H

#include "base/buf.h"

#define ARC_JSON_DEPTH_MAX 128

struct arc_json {
    struct arc_buf *out;
    uint32_t depth;
    uint8_t has_items[ARC_JSON_DEPTH_MAX / 8 + 1]; /* a bit a level: a comma is due */
    uint8_t after_key;
};

void arc__json_init(struct arc_json *json, struct arc_buf *out);
void arc__json_object(struct arc_json *json); /* { */
void arc__json_end_object(struct arc_json *json);
void arc__json_array(struct arc_json *json); /* [ */
void arc__json_end_array(struct arc_json *json);
void arc__json_key(struct arc_json *json, arc_slice key);
void arc__json_text(struct arc_json *json, arc_slice text);
void arc__json_i64(struct arc_json *json, int64_t value);
void arc__json_u64(struct arc_json *json, uint64_t value);
void arc__json_double(struct arc_json *json, double value); /* shortest form that reads back */
void arc__json_bool(struct arc_json *json, int value);
void arc__json_null(struct arc_json *json);
/* A value that is JSON already. */
void arc__json_raw(struct arc_json *json, arc_slice value);

/* A key and its value, as the two calls would write them. */
void arc__json_pair_text(struct arc_json *json, arc_slice key, arc_slice text);
void arc__json_pair_i64(struct arc_json *json, arc_slice key, int64_t value);

/* Pairs that a caller writes by itself, because it writes the same ones often: each with a comma in
 * front, behind the end of the buffer, in room that it has reserved there. Here an object begins
 * that has those pairs, up to `end`, where no comma is due. What they quote is plain. */
void arc__json_object_of(struct arc_json *json, const char *end);
/* 1: the text can stand between quotes as it is. */
int arc__json_is_plain(arc_slice text);

/* Shorthands: a key of a literal, whose length the compiler knows, and its value. */
static inline void arc__json_key_text(struct arc_json *json, const char *key, arc_slice text)
{
    arc__json_pair_text(json, arc__slice_cstr(key), text);
}

static inline void arc__json_key_i64(struct arc_json *json, const char *key, int64_t value)
{
    arc__json_pair_i64(json, arc__slice_cstr(key), value);
}

static inline void arc__json_key_bool(struct arc_json *json, const char *key, int value)
{
    arc__json_key(json, arc__slice_cstr(key));
    arc__json_bool(json, value);
}

#endif
