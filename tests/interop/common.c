/* SPDX-License-Identifier: Apache-2.0 */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

arc_slice text_slice(const char *text)
{
    return (arc_slice){text, strlen(text)};
}

int slice_is(arc_slice slice, const char *text)
{
    return slice.len == strlen(text) && (slice.len == 0 || memcmp(slice.ptr, text, slice.len) == 0);
}

uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int wait_ms(uint64_t until_ns)
{
    uint64_t now = clock_ns();
    if (until_ns == UINT64_MAX)
        return -1;
    if (until_ns <= now)
        return 0;
    uint64_t ms = (until_ns - now + 999999) / 1000000;
    return ms > 1000 ? 1000 : (int)ms;
}

void *must_alloc(size_t size)
{
    void *made = calloc(1, size);
    if (made == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return made;
}

char *copy_text(arc_slice text)
{
    char *copy = must_alloc(text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

arc_slice pack(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = must_alloc(size + 1);
    protobuf_c_message_pack(message, bytes);
    return (arc_slice){(const char *)bytes, size};
}

void pack_free(arc_slice bytes)
{
    void *made;
    memcpy(&made, &bytes.ptr, sizeof(made));
    free(made);
}

void *unpack(const ProtobufCMessageDescriptor *type, arc_slice bytes)
{
    return protobuf_c_message_unpack(type, NULL, bytes.len, (const uint8_t *)bytes.ptr);
}

Grpc__Testing__Payload zeros(size_t size)
{
    static uint8_t body[PAYLOAD_MAX];
    Grpc__Testing__Payload payload = GRPC__TESTING__PAYLOAD__INIT;
    payload.body.data = body;
    payload.body.len = size;
    return payload;
}

int is_zeros(const Grpc__Testing__Payload *payload, size_t size)
{
    size_t len = payload != NULL ? payload->body.len : 0;
    if (len != size)
        return 0;
    for (size_t i = 0; i < len; i++)
        if (payload->body.data[i] != 0)
            return 0;
    return 1;
}

void print_err(const char *what, const arc_err *err)
{
    fprintf(stderr, "%s: %s: %s\n", what, err->subject, err->message);
}
