/* SPDX-License-Identifier: Apache-2.0 */
/* A server and a client connection with a wire of memory between them, the service that the tests
 * call, and a client that writes down what it saw. */
#ifndef ARC_TEST_WIRE_PAIR_H
#define ARC_TEST_WIRE_PAIR_H

#include "shim.h"

#include "base/buf.h"
#include "wire/grpc.h"

#define PAIR_S UINT64_C(1000000000)
#define PAIR_MS UINT64_C(1000000)

/* What the service knows about itself. */
struct service {
    struct arc_mem mem;
    int calls, closed;
    arc_grpc_why last_why;
    size_t metadata_seen;          /* lines of the last call */
    char authorization[64];        /* of the last call */
    uint64_t deadline_ns;          /* of the last call */
    size_t messages, bytes;        /* received by all calls */
    size_t packed;                 /* of them, those that came compressed */
    uint32_t encoding;             /* of the last call's request */
    struct arc_grpc_call *hanging; /* the call that /t/Hang or /t/Pause holds */
    size_t half_closed;
    int ended_inside; /* a call was found dead where it should live */
};

/* Serves
 *   /t/Echo     the message back at half close
 *   /t/Collect  "<messages> <bytes>" at half close
 *   /t/Feed     request "<count> <size>": so many messages of that size
 *   /t/Chat     each message back at once, OK at half close
 *   /t/Fail     NOT_FOUND "no such thing: 100%\n" with trailing metadata, headers never
 *   /t/Early    one message and OK, without looking at what is sent
 *   /t/Hang     nothing
 *   /t/Pause    like Collect, but reads nothing until the test resumes service->hanging
 *   anything else UNIMPLEMENTED */
extern const struct arc_grpc_events service_events;

/* What a client saw of one call. Zero it and open with seen_events. */
struct seen {
    struct arc_grpc_call *call; /* NULL after on_close */
    int headers, messages, statuses, closes, writables, code, unprocessed;
    size_t bytes, packed;
    uint32_t sum;     /* over all bytes of all messages */
    char first[64];   /* the first message's beginning */
    char text[256];   /* of the status */
    char trailer[64]; /* value of the last trailing line */
    size_t trailers;
    arc_grpc_why why;
    int pause_after; /* pause when so many messages have come; 0: never */
    int misuse;      /* an event out of order */
};
extern const struct arc_grpc_events seen_events;

struct pair {
    struct arc_mem mem;
    struct arc_grpc_conn *server, *client;
    struct service service;
    struct arc_grpc_counters server_counters, client_counters;
    uint64_t now_ns;
    size_t step;                       /* bytes a delivery; 0: as they come; SIZE_MAX: at random */
    uint64_t random;                   /* state of the random cuts */
    arc_status server_end, client_end; /* what recv answered last, if not ARC_OK */
    struct arc_buf *record;            /* what the client sent, if set */
    struct arc_buf *record_server;     /* what the server sent, if set */
    size_t max_queued, max_held;       /* the most that the server queued and held */
    const struct arc_grpc_events *events; /* of the server, instead of service_events */
    void *user;                           /* of those */
    const struct arc_grpc_interceptor *const *server_interceptors, *const *client_interceptors;
    size_t server_interceptor_count, client_interceptor_count;
    uint32_t server_encoding, client_encoding, server_accepts, client_accepts; /* of the config */
    uint64_t seed;                                                             /* of the server */
};

/* mem: NULL is the process's own. Limits may be NULL. */
arc_status pair_open(struct pair *pair, const struct arc_mem *mem,
                     const struct arc_grpc_limits *server, const struct arc_grpc_limits *client);
void pair_close(struct pair *pair);
/* Closes, and checks that each of these calls that was opened has ended, once and only once. */
void pair_close_over(struct pair *pair, struct seen *const *all, size_t count);
/* Carries bytes and ticks until nothing moves any more. */
void pair_pump(struct pair *pair);
void pair_wait(struct pair *pair, uint64_t ns); /* time passes, in one jump */
/* Opens a call; deadline_ns 0: none. */
arc_status pair_call(struct pair *pair, const char *path, uint64_t deadline_ns, struct seen *seen);
/* Opens, sends one message, half closes, pumps. */
arc_status pair_unary(struct pair *pair, const char *path, arc_slice message, struct seen *seen);

uint32_t pair_sum(uint32_t sum, arc_slice bytes);

#endif
