/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

static struct yajl_val_s *value_of(const json_node *node)
{
    union {
        const json_node *node;
        struct yajl_val_s *value;
    } cast = {node}; /* the tree is ours and only read; yajl's own accessors want no const */
    return cast.value;
}

const json_node *json_parse(const char *bytes, size_t len, char *why, size_t why_size)
{
    /* yajl wants a NUL at the end, and would take a NUL inside for the end. */
    struct text copy = {NULL, 0, 0};
    text_add(&copy, bytes, len);
    char reason[256] = "";
    yajl_val root = NULL;
    if (memchr(bytes, '\0', len) != NULL)
        snprintf(reason, sizeof(reason), "a NUL byte");
    else
        root = yajl_tree_parse(copy.ptr, reason, sizeof(reason));
    text_deinit(&copy);
    if (root == NULL && why != NULL) {
        reason[strcspn(reason, "\n")] = '\0';
        snprintf(why, why_size, "%s", reason[0] != '\0' ? reason : "not JSON");
    }
    return (const json_node *)root;
}

void json_free(const json_node *root)
{
    if (root != NULL)
        yajl_tree_free(value_of(root));
}

const json_node *json_get(const json_node *object, const char *key)
{
    yajl_val value = value_of(object);
    if (!YAJL_IS_OBJECT(value))
        return NULL;
    for (size_t i = 0; i < value->u.object.len; i++) {
        if (strcmp(value->u.object.keys[i], key) == 0)
            return (const json_node *)value->u.object.values[i];
    }
    return NULL;
}

int json_is_text(const json_node *node)
{
    yajl_val value = value_of(node);
    return YAJL_IS_STRING(value);
}

const char *json_text(const json_node *node)
{
    yajl_val value = value_of(node);
    if (YAJL_IS_STRING(value))
        return value->u.string;
    if (YAJL_IS_NUMBER(value))
        return value->u.number.r;
    if (YAJL_IS_TRUE(value))
        return "true";
    return YAJL_IS_FALSE(value) ? "false" : "";
}

const char *json_get_text(const json_node *object, const char *key)
{
    return json_text(json_get(object, key));
}

int64_t json_get_int(const json_node *object, const char *key)
{
    return (int64_t)strtoll(json_get_text(object, key), NULL, 10);
}

uint64_t json_get_uint(const json_node *object, const char *key)
{
    return (uint64_t)strtoull(json_get_text(object, key), NULL, 10);
}

int json_get_bool(const json_node *object, const char *key)
{
    return YAJL_IS_TRUE(value_of(json_get(object, key)));
}

size_t json_count(const json_node *node)
{
    yajl_val value = value_of(node);
    if (YAJL_IS_ARRAY(value))
        return value->u.array.len;
    return YAJL_IS_OBJECT(value) ? value->u.object.len : 0;
}

const json_node *json_at(const json_node *node, size_t index)
{
    yajl_val value = value_of(node);
    if (index >= json_count(node))
        return NULL;
    return (const json_node *)(YAJL_IS_ARRAY(value) ? value->u.array.values[index]
                                                    : value->u.object.values[index]);
}

const char *json_key_at(const json_node *node, size_t index)
{
    yajl_val value = value_of(node);
    if (!YAJL_IS_OBJECT(value) || index >= value->u.object.len)
        return "";
    return value->u.object.keys[index];
}

static size_t utf8_len(const unsigned char *at, size_t left)
{
    unsigned char lead = at[0], low = 0x80, high = 0xBF;
    size_t len = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0x80)
        return 1;
    if (lead < 0xC2 || lead > 0xF4 || len > left)
        return 0;
    if (lead == 0xE0)
        low = 0xA0; /* shorter forms exist */
    else if (lead == 0xED)
        high = 0x9F; /* surrogates */
    else if (lead == 0xF0)
        low = 0x90;
    else if (lead == 0xF4)
        high = 0x8F;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    }
    return len;
}

static void put_escaped(struct text *out, const char *value, size_t len)
{
    const unsigned char *at = (const unsigned char *)value;
    text_put(out, "\"");
    for (size_t i = 0; i < len;) {
        size_t width = utf8_len(at + i, len - i);
        if (width == 0)
            text_put(out, "\xEF\xBF\xBD");
        else if (width > 1)
            text_add(out, at + i, width);
        else if (at[i] == '"' || at[i] == '\\')
            text_printf(out, "\\%c", at[i]);
        else if (at[i] == '\n')
            text_put(out, "\\n");
        else if (at[i] < 0x20 || at[i] == 0x7F)
            text_printf(out, "\\u%04x", at[i]);
        else
            text_add(out, at + i, 1);
        i += width > 0 ? width : 1;
    }
    text_put(out, "\"");
}

static void begin(struct json_out *json, const char *key)
{
    if (json->comma)
        text_put(json->out, ",");
    if (key != NULL) {
        put_escaped(json->out, key, strlen(key));
        text_put(json->out, ":");
    }
    json->comma = 1;
}

void json_open(struct json_out *json, const char *key, char bracket)
{
    begin(json, key);
    text_add(json->out, &bracket, 1);
    json->comma = 0;
}

void json_close(struct json_out *json, char bracket)
{
    text_add(json->out, &bracket, 1);
    json->comma = 1;
}

void json_put_text(struct json_out *json, const char *key, const char *value)
{
    json_put_bytes(json, key, value, value != NULL ? strlen(value) : 0);
}

void json_put_bytes(struct json_out *json, const char *key, const char *value, size_t len)
{
    begin(json, key);
    put_escaped(json->out, value, len);
}

void json_put_int(struct json_out *json, const char *key, int64_t value)
{
    begin(json, key);
    text_printf(json->out, "%" PRId64, value);
}

void json_put_uint(struct json_out *json, const char *key, uint64_t value)
{
    begin(json, key);
    text_printf(json->out, "%" PRIu64, value);
}

void json_put_bool(struct json_out *json, const char *key, int value)
{
    begin(json, key);
    text_put(json->out, value ? "true" : "false");
}

void json_put_base64(struct json_out *json, const char *key, const void *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = bytes;
    begin(json, key);
    text_put(json->out, "\"");
    for (size_t i = 0; i < len; i += 3) {
        unsigned group = (unsigned)at[i] << 16;
        group |= i + 1 < len ? (unsigned)at[i + 1] << 8 : 0;
        group |= i + 2 < len ? at[i + 2] : 0;
        char four[4] = {digits[group >> 18], digits[(group >> 12) & 63],
                        i + 1 < len ? digits[(group >> 6) & 63] : '=',
                        i + 2 < len ? digits[group & 63] : '='};
        text_add(json->out, four, sizeof(four));
    }
    text_put(json->out, "\"");
}

void json_put_raw(struct json_out *json, const char *key, const char *value)
{
    begin(json, key);
    text_put(json->out, value);
}
