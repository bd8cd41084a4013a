/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of HTTP/2 written by hand, and a client that says them to a server. */
#ifndef ARC_TEST_WIRE_FRAMES_H
#define ARC_TEST_WIRE_FRAMES_H

#include "pair.h"

enum {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION
};
#define END_STREAM 0x1
#define ACK 0x1
#define END_HEADERS 0x4

void frame(struct arc_buf *out, int type, int flags, uint32_t stream, arc_slice payload);
void frame_u32(struct arc_buf *out, int type, uint32_t stream, uint32_t value);
void setting(struct arc_buf *out, uint16_t id, uint32_t value); /* a SETTINGS frame with one */
/* A field of a header block: literal, not indexed, shorter than 127 bytes. */
void field(struct arc_buf *out, const char *name, const char *value);
void request_fields(struct arc_buf *out, const char *path);
/* HEADERS of a request, with one field more where extra_name is given. */
void request(struct arc_buf *out, uint32_t stream, int flags, const char *path,
             const char *extra_name, const char *extra_value);
void preface(struct arc_buf *out);

/* The next frame of what somebody sent; 0: the end. A preface is stepped over. */
struct frame_seen {
    int type, flags;
    uint32_t stream;
    arc_slice payload;
};
int frame_next(arc_slice wire, size_t *at, struct frame_seen *out);
/* The first four bytes as a number. */
uint32_t frame_to_u32(const char *at);
/* Memory that is weighed. */
struct scales {
    size_t bytes, peak; /* now, and at most */
};
struct arc_mem scales_mem(struct scales *scales);

/* One client that says what it likes. */
struct attack {
    struct pair pair;
    struct arc_mem mem;
    struct arc_buf out;
    uint32_t next;         /* stream */
    size_t replied;        /* bytes that the server sent */
    arc_status status;     /* of the last recv */
    int deaf;              /* never reads what the server sends */
    struct arc_buf *heard; /* what the server sent, if set */
};

/* Opens the server of attack->pair and greets it. */
void attack_open(struct attack *attack, const struct arc_grpc_limits *limits);
/* The same with its memory from somewhere else; NULL: the process's. */
void attack_open_in(struct attack *attack, const struct arc_mem *mem,
                    const struct arc_grpc_limits *limits);
/* Says attack->out and hears the answers. */
void send_out(struct attack *attack);
void attack_close(struct attack *attack);

#endif
