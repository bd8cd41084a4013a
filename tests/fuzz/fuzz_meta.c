/* SPDX-License-Identifier: Apache-2.0 */
/* The texts in gRPC's headers. The first byte chooses which; the rest is the text. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "wire/grpc_meta.h"

static void timeout(arc_slice text)
{
    uint64_t ns = 0, again = 0;
    char out[ARC_GRPC_TIMEOUT_SIZE];
    arc_status status = arc__grpc_timeout_parse(text, &ns, NULL);
    FUZZ_CHECK(status == ARC_OK || status == ARC_EINVAL);
    int digits = 0;
    for (size_t i = 0; i + 1 < text.len; i++)
        digits += text.ptr[i] >= '0' && text.ptr[i] <= '9';
    int good = text.len >= 2 && text.len <= 9 && (size_t)digits == text.len - 1 &&
               strchr("HMSmun", text.ptr[text.len - 1]) != NULL && text.ptr[text.len - 1] != '\0';
    FUZZ_CHECK((status == ARC_OK) == good);
    if (status != ARC_OK)
        return;
    size_t len = arc__grpc_timeout_print(ns, out);
    FUZZ_CHECK(len <= sizeof(out));
    FUZZ_CHECK(arc__grpc_timeout_parse(arc__slice(out, len), &again, NULL) == ARC_OK);
    FUZZ_CHECK(again >= ns || again >= UINT64_C(99999999) * 3600 * 1000000000);
}

static void message(arc_slice text)
{
    struct fuzz_mem state = {0};
    struct arc_mem mem = fuzz_mem(&state);
    struct arc_buf out, back, again;
    arc__buf_init(&out, &mem, 1 << 20);
    arc__buf_init(&back, &mem, 1 << 20);
    arc__buf_init(&again, &mem, 1 << 20);
    arc__grpc_message_decode(&back, text); /* any text of a peer */
    FUZZ_CHECK(arc__buf_check(&back, NULL) == ARC_OK);
    FUZZ_CHECK(arc__utf8_valid(arc__buf_slice(&back), NULL));
    arc__grpc_message_add(&out, arc__buf_slice(&back));
    FUZZ_CHECK(out.len <= ARC_GRPC_MESSAGE_MAX_BYTES);
    for (size_t i = 0; i < out.len; i++)
        FUZZ_CHECK(out.ptr[i] >= ' ' && out.ptr[i] <= '~');
    arc__grpc_message_decode(&again, arc__buf_slice(&out));
    /* All of it, or as much as fits. */
    FUZZ_CHECK(again.len <= back.len);
    FUZZ_CHECK(again.len == 0 || memcmp(again.ptr, back.ptr, again.len) == 0);
    FUZZ_CHECK(again.len == back.len || out.len > ARC_GRPC_MESSAGE_MAX_BYTES - 12);
    arc__buf_clear(&out);
    arc__grpc_message_add(&out, text); /* any text of an application */
    for (size_t i = 0; i < out.len; i++)
        FUZZ_CHECK(out.ptr[i] >= ' ' && out.ptr[i] <= '~');
    arc__buf_deinit(&out);
    arc__buf_deinit(&back);
    arc__buf_deinit(&again);
    FUZZ_CHECK(state.live == 0);
}

static void binary(arc_slice text)
{
    struct fuzz_mem state = {0};
    struct arc_mem mem = fuzz_mem(&state);
    struct arc_arena arena;
    arc_slice out = ARC_NONE;
    arc__arena_init(&arena, &mem, 1 << 20);
    arc_status status = arc__grpc_binary_decode(text, &arena, &out, NULL);
    FUZZ_CHECK(status == ARC_OK || status == ARC_EINVAL);
    FUZZ_CHECK(status != ARC_OK || out.len <= text.len);
    arc__arena_deinit(&arena);
    FUZZ_CHECK(state.live == 0);
}

static void field(arc_slice text)
{
    arc_slice value = ARC_NONE;
    struct arc_grpc_field line;
    line.name = arc__slice_cut(text, ':', &value);
    line.value = value;
    int valid = arc__grpc_field_valid(&line);
    FUZZ_CHECK(!valid || (line.name.len > 0 && line.name.ptr[0] != ':'));
    for (size_t i = 0; valid && i < line.name.len; i++)
        FUZZ_CHECK(line.name.ptr[i] > ' ' && line.name.ptr[i] <= 'z');
    for (size_t i = 0; valid && !arc__grpc_name_is_binary(line.name) && i < value.len; i++)
        FUZZ_CHECK(value.ptr[i] >= ' ' && value.ptr[i] <= '~');
    (void)arc__grpc_name_is_reserved(line.name);
}

static void numbers(arc_slice text)
{
    int code = arc__grpc_status_parse(text);
    FUZZ_CHECK(code >= 0 && code <= 16);
    int type = arc__grpc_content_type_valid(text);
    FUZZ_CHECK(!type || text.len >= 16);
    int32_t number = 0;
    memcpy(&number, text.ptr, text.len < 4 ? text.len : 4);
    code = arc__grpc_status_from_http(number);
    FUZZ_CHECK(code > 0 && code <= 16);
    code = arc__grpc_status_from_h2((uint32_t)number);
    FUZZ_CHECK(code > 0 && code <= 16);
    FUZZ_CHECK(arc_grpc_status_name(number) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(arc_slice text) = {timeout, message, binary, field, numbers};
    if (size == 0)
        return 0;
    char *copy = fuzz_copy(data + 1, size - 1);
    readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](arc__slice(copy, size - 1));
    free(copy);
    return 0;
}
