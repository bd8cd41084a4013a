/* SPDX-License-Identifier: Apache-2.0 */
/* JSON for the programs: reading a message into a tree, and writing one. The one place that knows
 * yajl. What is read comes from the library, which has bounded its size and depth. */
#ifndef EXAMPLES_COMMON_JSON_H
#define EXAMPLES_COMMON_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

/* A value of a tree; borrowed from the tree's root. NULL stands for what is absent, and every
 * function below takes it. */
typedef struct json_node json_node;

/* NULL: not JSON, why says what is wrong. Owner: the caller, json_free on this root alone. */
const json_node *json_parse(const char *bytes, size_t len, char *why, size_t why_size);
void json_free(const json_node *root);

const json_node *json_get(const json_node *object, const char *key);
/* "" or 0 or the like when it is absent or of another type. A number written as text counts. */
const char *json_get_text(const json_node *object, const char *key);
int64_t json_get_int(const json_node *object, const char *key);
uint64_t json_get_uint(const json_node *object, const char *key);
int json_get_bool(const json_node *object, const char *key);

/* The text of a node itself: of a string, a number as written, true or false; else "". */
const char *json_text(const json_node *node);
/* 1: it is a string. */
int json_is_text(const json_node *node);
/* How many members an array or an object has. */
size_t json_count(const json_node *node);
/* Member index of an array or an object, and its key ("" in an array). */
const json_node *json_at(const json_node *node, size_t index);
const char *json_key_at(const json_node *node, size_t index);

/* Writing: into a text, commas by themselves. All zeros but for out is the beginning.
 *
 *     struct json_out json = {&text, 0};
 *     json_open(&json, NULL, '{');
 *     json_put_text(&json, "name", name);
 *     json_close(&json, '}');
 *
 * A key of NULL stands for a member of an array, or the root. */
struct json_out {
    struct text *out;
    int comma; /* the next member wants one before it */
};

void json_open(struct json_out *json, const char *key, char bracket);
void json_close(struct json_out *json, char bracket);
/* NULL is written as "". Bytes that are not UTF-8 become U+FFFD. */
void json_put_text(struct json_out *json, const char *key, const char *value);
void json_put_bytes(struct json_out *json, const char *key, const char *value, size_t len);
void json_put_int(struct json_out *json, const char *key, int64_t value);
void json_put_uint(struct json_out *json, const char *key, uint64_t value);
void json_put_bool(struct json_out *json, const char *key, int value);
/* The protobuf form of bytes. */
void json_put_base64(struct json_out *json, const char *key, const void *bytes, size_t len);
/* A text that is JSON already. */
void json_put_raw(struct json_out *json, const char *key, const char *value);

#endif
