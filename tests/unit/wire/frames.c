/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include <stdlib.h>

/* --- memory ---------------------------------------------------------------------------------- */

struct weight {
    _Alignas(16) size_t size;
};

static void *weigh(void *user, void *ptr, size_t size)
{
    struct scales *scales = user;
    struct weight *old = ptr != NULL ? (struct weight *)ptr - 1 : NULL;
    size_t had = old != NULL ? old->size : 0;
    struct weight *fresh = NULL;
    if (size == 0)
        free(old);
    else
        fresh = realloc(old, sizeof(*fresh) + size);
    if (fresh == NULL && size > 0)
        return NULL;
    scales->bytes += size - had;
    if (scales->bytes > scales->peak)
        scales->peak = scales->bytes;
    if (fresh == NULL)
        return NULL;
    fresh->size = size;
    return fresh + 1;
}

struct arc_mem scales_mem(struct scales *scales)
{
    return (struct arc_mem){scales, weigh};
}

void frame(struct arc_buf *out, int type, int flags, uint32_t stream, arc_slice payload)
{
    const uint8_t head[9] = {
        (uint8_t)(payload.len >> 16),
        (uint8_t)(payload.len >> 8 & 0xff),
        (uint8_t)(payload.len & 0xff),
        (uint8_t)type,
        (uint8_t)flags,
        (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16 & 0xff),
        (uint8_t)(stream >> 8 & 0xff),
        (uint8_t)(stream & 0xff),
    };
    arc__buf_add(out, head, sizeof(head));
    arc__buf_add_slice(out, payload);
}

void frame_u32(struct arc_buf *out, int type, uint32_t stream, uint32_t value)
{
    const char payload[4] = {(char)(value >> 24), (char)(value >> 16 & 0xff),
                             (char)(value >> 8 & 0xff), (char)(value & 0xff)};
    frame(out, type, 0, stream, arc__slice(payload, 4));
}

void setting(struct arc_buf *out, uint16_t id, uint32_t value)
{
    const char payload[6] = {(char)(id >> 8),           (char)(id & 0xff),
                             (char)(value >> 24),       (char)(value >> 16 & 0xff),
                             (char)(value >> 8 & 0xff), (char)(value & 0xff)};
    frame(out, SETTINGS, 0, 0, arc__slice(payload, 6));
}

void field(struct arc_buf *out, const char *name, const char *value)
{
    arc__buf_add_char(out, 0); /* literal, not indexed */
    arc__buf_add_char(out, (char)strlen(name));
    arc__buf_add_cstr(out, name);
    arc__buf_add_char(out, (char)strlen(value));
    arc__buf_add_cstr(out, value);
}

void request_fields(struct arc_buf *out, const char *path)
{
    field(out, ":method", "POST");
    field(out, ":scheme", "http");
    field(out, ":path", path);
    field(out, ":authority", "x");
    field(out, "te", "trailers");
    field(out, "content-type", "application/grpc");
}

void request(struct arc_buf *out, uint32_t stream, int flags, const char *path,
             const char *extra_name, const char *extra_value)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf fields;
    arc__buf_init(&fields, &mem, 4096);
    request_fields(&fields, path);
    if (extra_name != NULL)
        field(&fields, extra_name, extra_value);
    frame(out, HEADERS, END_HEADERS | flags, stream, arc__buf_slice(&fields));
    arc__buf_deinit(&fields);
}

void preface(struct arc_buf *out)
{
    arc__buf_add_cstr(out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    frame(out, SETTINGS, 0, 0, ARC_NONE);
}

uint32_t frame_to_u32(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

int frame_next(arc_slice wire, size_t *at, struct frame_seen *out)
{
    if (*at == 0 && arc__slice_starts(wire, ARC_LIT("PRI")))
        *at = 24;
    if (*at + 9 > wire.len)
        return 0;
    const char *head = wire.ptr + *at;
    size_t len = frame_to_u32(head) >> 8;
    out->type = head[3];
    out->flags = (unsigned char)head[4];
    out->stream = frame_to_u32(head + 5);
    out->payload = arc__slice(head + 9, len);
    *at += 9 + len;
    return 1;
}

static void hear(struct attack *attack)
{
    static char buf[65536];
    size_t got;
    while (!attack->deaf && (got = arc_grpc_conn_send(attack->pair.server, attack->pair.now_ns, buf,
                                                      sizeof(buf))) > 0) {
        attack->replied += got;
        if (attack->heard != NULL)
            arc__buf_add(attack->heard, buf, got);
    }
}

void send_out(struct attack *attack)
{
    struct arc_grpc_conn *server = attack->pair.server;
    if (attack->status == ARC_OK)
        attack->status =
            arc_grpc_conn_recv(server, attack->pair.now_ns, arc__buf_slice(&attack->out), NULL);
    arc__buf_clear(&attack->out);
    hear(attack);
    if (arc_grpc_conn_get_deadline(server) <= attack->pair.now_ns) {
        arc_grpc_conn_tick(server, attack->pair.now_ns);
        hear(attack);
    }
    if (attack->status == ARC_OK && arc_grpc_conn_is_over(server))
        attack->status = ARC_EPROTOCOL;
}

void attack_open(struct attack *attack, const struct arc_grpc_limits *limits)
{
    attack_open_in(attack, NULL, limits);
}

void attack_open_in(struct attack *attack, const struct arc_mem *mem,
                    const struct arc_grpc_limits *limits)
{
    *attack = (struct attack){.next = 1, .mem = arc__mem_default()};
    arc__buf_init(&attack->out, &attack->mem, 16 << 20);
    CHECK_OK(pair_open(&attack->pair, mem, limits, NULL));
    preface(&attack->out);
    send_out(attack);
    CHECK_OK(attack->status);
}

void attack_close(struct attack *attack)
{
    pair_close(&attack->pair);
    CHECK_INT(attack->pair.service.calls, attack->pair.service.closed);
    arc__buf_deinit(&attack->out);
}
