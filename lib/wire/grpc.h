/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over HTTP/2 as bytes in, bytes out, for server and client. It knows no socket, no clock and
 * no protobuf: bytes of a transport go in and come out, time is a parameter, a message is a slice,
 * a method is a path.
 *
 * A CONNECTION is pumped by its owner (lib/net, a test, a simulator), in any order:
 *     arc__grpc_conn_recv(conn, now, bytes)      what the transport brought
 *     arc__grpc_conn_send(conn, now, buf, size)  what the transport shall carry, until 0 comes back
 *     arc__grpc_conn_tick(conn, now)             when arc__grpc_conn_next_deadline() <= now
 *     arc__grpc_conn_is_over(conn)               then close the transport and free
 * After every one of them, and after any function of a call, ask next_deadline and wants_send
 * again.
 *
 * A CALL is one stream. Server: on_call begins it, arc__grpc_call_finish ends it. Client:
 * arc__grpc_call_open begins it, on_status ends it. Order of events for one call:
 *     server  on_call, on_message*, on_half_close?,               on_close
 *     client  on_headers?, on_message*,            on_status,     on_close
 *     with on_writable at any time between, only after a send was answered with ARC_EAGAIN.
 * on_close comes exactly once for a call that on_call brought or that open answered with, unless it
 * was dropped; the handle is dead when on_close returns. Slices given to an event live until it
 * returns.
 *
 * Inside an event everything may be called but recv, send, tick, eof and free of any connection
 * (those answer ARC_ECONFLICT or do nothing): events submit, they never pump.
 *
 * BACK-PRESSURE. Out: arc__grpc_call_send answers ARC_EAGAIN while the call's queue is full. In: a
 * paused call gets no events of reading, and its window is not given back, so the peer stops after
 * stream_window_bytes. Memory of one connection is bounded by
 *     unread     conn_window_bytes                                     16 MiB
 *     messages in pieces  assembly_max_bytes                           32 MiB
 *     to be sent conn_queue_max_bytes + one message for each call      16 MiB + ...
 *     headers    header_list_max_bytes of the block that is being read 16 KiB
 * and far below that for peers that behave. WINDOWS: the bandwidth of a stream is at most window /
 * round trip: 64 KiB at 50 ms are 1.3 MB/s, 1 MiB are 21 MB/s; 16 streams of 1 MiB fill the
 * connection's 16 MiB. A stream starts with stream_window_first_bytes (what an unauthenticated peer
 * can make us hold) and is raised once it has used a quarter of it and the application did not
 * refuse it.
 *
 * Thread: owner for everything here. */
#ifndef ARC_WIRE_GRPC_H
#define ARC_WIRE_GRPC_H

#include "base/err.h"
#include "base/mem.h"
#include "wire/grpc_meta.h"

struct arc_grpc_conn;
struct arc_grpc_call;

/* No deadline, no timer. */
#define ARC_GRPC_NEVER UINT64_MAX

/* Every limit, once: name, default of a server, default of a client, what it bounds. Zero in the
 * struct means the default. Times in nanoseconds. */
/* clang-format off */
#define ARC_GRPC_LIMITS(ROW) \
    ROW(calls_max,                 100,  1000, "calls alive at once; a server announces it") \
    ROW(message_max_bytes,         4 << 20, 4 << 20, "longest message received, by its prefix") \
    ROW(message_send_max_bytes,    16 << 20, 16 << 20, "longest message sent") \
    ROW(queue_max_bytes,           1 << 20, 1 << 20, "queued to be sent, each call") \
    ROW(conn_queue_max_bytes,      16 << 20, 16 << 20, "queued to be sent, all calls") \
    ROW(assembly_max_bytes,        32 << 20, 32 << 20, "held for messages in pieces, all calls") \
    ROW(header_list_max_bytes,     16 << 10, 16 << 10, "header block, name + value + 32 a field") \
    ROW(header_fields_max,         100, 100, "fields of a header block") \
    ROW(continuations_max,         8, 8, "CONTINUATION frames of a header block") \
    ROW(stream_window_first_bytes, 64 << 10, 64 << 10, "flow control window a stream begins with") \
    ROW(stream_window_bytes,       1 << 20, 1 << 20, "flow control window of an accepted stream") \
    ROW(conn_window_bytes,         16 << 20, 16 << 20, "flow control window of the connection") \
    ROW(reset_burst,               100, 1000, "resets by the peer, and again faults of the peer") \
    ROW(reset_per_s,               10, 100, "a second, after the burst") \
    ROW(settings_burst,            10, 10, "SETTINGS frames") \
    ROW(settings_per_min,          10, 10, "a minute, after the burst") \
    ROW(settings_entries_max,      32, 32, "entries of a SETTINGS frame") \
    ROW(acks_max,                  100, 100, "answers to PING and SETTINGS that the peer leaves") \
    ROW(idle_pings_burst,          10, 10, "PINGs while there is no call") \
    ROW(idle_pings_per_min,        12, 12, "a minute, after the burst") \
    ROW(pings_burst,               1000, 1000, "PINGs while there are calls") \
    ROW(pings_per_s,               100, 100, "a second, after the burst") \
    ROW(empty_frames_max,          100, 100, "DATA frames without a byte, each stream") \
    ROW(handshake_ns,              10000000000, 10000000000, "until the first SETTINGS") \
    ROW(headers_ns,                10000000000, 10000000000, "for one header block") \
    ROW(message_grace_ns,          10000000000, ARC_GRPC_NEVER, "then a message must come faster") \
    ROW(message_bytes_per_s,       100, 100, "than this, or its call ends") \
    ROW(stall_ns,                  30000000000, ARC_GRPC_NEVER, "a reader that takes nothing") \
    ROW(idle_ns,                   300000000000, ARC_GRPC_NEVER, "connection without a call") \
    ROW(keepalive_ns,              ARC_GRPC_NEVER, 30000000000, "silence after which we PING") \
    ROW(keepalive_timeout_ns,      20000000000, 20000000000, "for the answer to it") \
    ROW(drain_notice_ns,           1000000000, 1000000000, "from one GOAWAY to the other")
/* clang-format on */

struct arc_grpc_limits {
    size_t size; /* sizeof(struct arc_grpc_limits) */
#define ROW(name, server, client, text) uint64_t name;
    ARC_GRPC_LIMITS(ROW)
#undef ROW
};
#define ARC_GRPC_LIMITS_INIT \
    (struct arc_grpc_limits) \
    { \
        .size = sizeof(struct arc_grpc_limits) \
    }

/* *out is *in (NULL: none) with the defaults where it is zero. ARC_EINVAL for a limit out of range.
 */
arc_status arc__grpc_limits_fill(const struct arc_grpc_limits *in, int server,
                                 struct arc_grpc_limits *out, arc_err *err);

/* What happened, for whoever exports it. Only ever goes up; may be shared by all connections of one
 * thread. */
struct arc_grpc_counters {
    uint64_t connections, calls, messages_in, messages_out, message_bytes_in, message_bytes_out;
    uint64_t refused_content_type, refused_method, refused_encoding, refused_headers,
        refused_message_size, refused_metadata, refused_assembly, refused_draining;
    uint64_t resets_by_peer, faults_by_peer, deadlines, stalls;
    uint64_t floods_reset, floods_fault, floods_ping, floods_settings, floods_empty, floods_library;
    uint64_t timeouts_handshake, timeouts_headers, timeouts_idle, timeouts_keepalive;
};

/* Why a call ended. */
enum arc_grpc_why {
    ARC_GRPC_WHY_NONE,
    ARC_GRPC_WHY_DONE,      /* the status was sent in full, or received */
    ARC_GRPC_WHY_RESET,     /* the peer gave it up */
    ARC_GRPC_WHY_CANCELLED, /* we gave it up */
    ARC_GRPC_WHY_DEADLINE,
    ARC_GRPC_WHY_LOST,     /* the connection went away */
    ARC_GRPC_WHY_PROTOCOL, /* the peer broke a rule or a limit */
    ARC_GRPC_WHY_NOMEM,
};
const char *arc__grpc_why_name(enum arc_grpc_why why);

/* What a call asks for. */
struct arc_grpc_request {
    arc_slice path; /* "/package.Service/Method" */
    arc_slice authority;
    const struct arc_grpc_field *fields; /* metadata; "-bin" values as raw bytes */
    size_t count;
    uint64_t deadline_ns; /* on the clock that is given; ARC_GRPC_NEVER: none */
    uint64_t now_ns;      /* server: when the call came */
    int wait_for_ready;   /* client: survives arc__grpc_conn_not_connected */
};

/* How a call of a client ended. */
struct arc_grpc_status {
    int code; /* ARC_GRPC_* */
    arc_slice message;
    const struct arc_grpc_field *fields; /* trailing metadata */
    size_t count;
    int unprocessed; /* 1: the server has not looked at it; sending it again is safe */
    enum arc_grpc_why why;
};

/* Functions may be NULL. `user` is the call's (arc__grpc_call_set_user), before that the
 * connection's. */
struct arc_grpc_events {
    size_t size;
    /* Server. The application keeps the handle until on_close and sets its user. */
    void (*on_call)(void *user, struct arc_grpc_call *call, const struct arc_grpc_request *request);
    /* Client: the server's first metadata. */
    void (*on_headers)(void *user, struct arc_grpc_call *call, const struct arc_grpc_field *fields,
                       size_t count);
    void (*on_message)(void *user, struct arc_grpc_call *call, arc_slice message);
    /* Server: the client will send no more. */
    void (*on_half_close)(void *user, struct arc_grpc_call *call);
    /* There is room again for what was answered with ARC_EAGAIN. */
    void (*on_writable)(void *user, struct arc_grpc_call *call);
    /* Client. */
    void (*on_status)(void *user, struct arc_grpc_call *call, const struct arc_grpc_status *status);
    void (*on_close)(void *user, struct arc_grpc_call *call, enum arc_grpc_why why);
};

struct arc_grpc_config {
    size_t size;
    const struct arc_mem *mem;
    int server;                           /* 1: server, 0: client */
    const struct arc_grpc_limits *limits; /* NULL: defaults; copied */
    const struct arc_grpc_events *events; /* of a server; outlives the connection */
    void *user;                           /* of the connection */
    struct arc_grpc_counters *counters;   /* NULL: own ones */
    const char *peer;                     /* for messages: "127.0.0.1:4711"; copied */
    const char *authority;                /* client: ":authority", "host:port"; copied */
    const char *user_agent;               /* client; NULL: "libarcentra"; copied */
    int secure;                           /* client: ":scheme" is https */
    /* Tells whoever pumps that outside of a pump something came up to be sent or ticked; once until
     * the next arc__grpc_conn_send. It may not pump either. NULL: the owner asks by itself. */
    void (*on_work)(void *owner, struct arc_grpc_conn *conn);
    void *owner;
};

/* --- the connection ------------------------------------------------------------------------- */

/* ARC_ENOMEM, ARC_EINVAL. */
arc_status arc__grpc_conn_new(const struct arc_grpc_config *config, uint64_t now_ns,
                              struct arc_grpc_conn **out, arc_err *err);
/* Ends what is alive first (arc__grpc_conn_eof). NULL is fine. */
void arc__grpc_conn_free(struct arc_grpc_conn *conn);

/* Takes all bytes. On failure (ARC_EPROTOCOL, ARC_ELIMIT, ARC_ENOMEM) every call has ended; what
 * arc__grpc_conn_send still gives (the GOAWAY that says why) should be carried before closing. */
arc_status arc__grpc_conn_recv(struct arc_grpc_conn *conn, uint64_t now_ns, arc_slice bytes,
                               arc_err *err);
/* Fills buf as far as there is something to send. 0: nothing now. */
size_t arc__grpc_conn_send(struct arc_grpc_conn *conn, uint64_t now_ns, char *buf, size_t size);
/* Client. Calls may be opened before there is a transport; they are sent once it carries bytes.
 * This says that it does, and starts the clock of the handshake. */
void arc__grpc_conn_connected(struct arc_grpc_conn *conn, uint64_t now_ns);
/* Client, before that: an attempt to connect failed. Calls that did not ask to wait for another end
 * as unavailable, with the text. */
void arc__grpc_conn_not_connected(struct arc_grpc_conn *conn, uint64_t now_ns, const char *text);
/* The transport is gone: ends every call with ARC_GRPC_WHY_LOST. */
void arc__grpc_conn_eof(struct arc_grpc_conn *conn, uint64_t now_ns);
/* Everything that time brings: deadlines, stalls, keepalive, the second GOAWAY, and events that
 * were put off (resume, cancel). */
void arc__grpc_conn_tick(struct arc_grpc_conn *conn, uint64_t now_ns);
uint64_t arc__grpc_conn_next_deadline(const struct arc_grpc_conn *conn); /* 0: at once */

/* Tells the time without doing anything, for a function of a call that is used outside of a pump.
 */
void arc__grpc_conn_set_now(struct arc_grpc_conn *conn, uint64_t now_ns);

int arc__grpc_conn_wants_send(const struct arc_grpc_conn *conn);
/* 1: nothing will be read or written any more. */
int arc__grpc_conn_is_over(const struct arc_grpc_conn *conn);
/* 1: arc__grpc_call_open would be refused: draining, told to go away, or over. */
int arc__grpc_conn_is_draining(const struct arc_grpc_conn *conn);
/* The peer has spoken HTTP/2: its first SETTINGS came. */
int arc__grpc_conn_is_ready(const struct arc_grpc_conn *conn);

/* Server: the application has answered a call with a message or with OK, so the peer is more than a
 * connection that somebody opened. */
int arc__grpc_conn_is_proven(const struct arc_grpc_conn *conn);

/* No new calls; those alive go on. Server: GOAWAY twice, as RFC 9113 6.8 asks. */
void arc__grpc_conn_drain(struct arc_grpc_conn *conn, uint64_t now_ns);
/* Ends all calls now, with GOAWAY and an HTTP/2 error code (0: none). */
void arc__grpc_conn_terminate(struct arc_grpc_conn *conn, uint64_t now_ns, uint32_t h2_code);

size_t arc__grpc_conn_calls(const struct arc_grpc_conn *conn); /* alive for the application */
const char *arc__grpc_conn_get_peer(const struct arc_grpc_conn *conn);
void *arc__grpc_conn_get_user(const struct arc_grpc_conn *conn);
const struct arc_grpc_counters *arc__grpc_conn_get_counters(const struct arc_grpc_conn *conn);
/* Bytes queued to be sent by calls, and held for them. For tests of the bounds. */
size_t arc__grpc_conn_queued_bytes(const struct arc_grpc_conn *conn);
size_t arc__grpc_conn_held_bytes(const struct arc_grpc_conn *conn);

/* --- the call -------------------------------------------------------------------------------- */

void arc__grpc_call_set_user(struct arc_grpc_call *call, void *user);
void *arc__grpc_call_get_user(const struct arc_grpc_call *call);
struct arc_grpc_conn *arc__grpc_call_get_conn(const struct arc_grpc_call *call);
int32_t arc__grpc_call_get_id(const struct arc_grpc_call *call); /* the stream's number */

/* Client. request->authority empty: the connection's. The events outlive the call. Nothing of the
 * call has happened when it fails: ARC_EUNAVAILABLE (the connection takes no calls), ARC_ELIMIT
 * (calls_max), ARC_EINVAL (metadata), ARC_ENOMEM. */
arc_status arc__grpc_call_open(struct arc_grpc_conn *conn, const struct arc_grpc_request *request,
                               const struct arc_grpc_events *events, void *user,
                               struct arc_grpc_call **out, arc_err *err);

/* Server, optional, once and before the first message: metadata that goes with the headers.
 * ARC_EINVAL, ARC_ECONFLICT (too late), ARC_ENOMEM. */
arc_status arc__grpc_call_send_headers(struct arc_grpc_call *call,
                                       const struct arc_grpc_field *fields, size_t count,
                                       arc_err *err);
/* Takes the message whole or not at all. A message that does not fit beside what is queued is
 * answered with ARC_EAGAIN (on_writable follows); one that meets an empty queue always fits.
 * ARC_ELIMIT (message_send_max_bytes), ARC_ECONFLICT (after finish or half_close), ARC_ECANCELLED
 * (the call has ended), ARC_ENOMEM. */
arc_status arc__grpc_call_send(struct arc_grpc_call *call, arc_slice message, arc_err *err);
/* Client: no more messages. Repeating it does nothing. */
void arc__grpc_call_half_close(struct arc_grpc_call *call);
/* Server: what is queued, then the status. Without a message before it, headers and status are one
 * block (Trailers-Only). A client that is still sending is told to stop (RST_STREAM NO_ERROR).
 * Events but on_close end. ARC_EINVAL (metadata; nothing happened), ARC_ECONFLICT (twice),
 * ARC_ECANCELLED; ARC_ENOMEM: the stream is reset instead. */
arc_status arc__grpc_call_finish(struct arc_grpc_call *call, int code, arc_slice message,
                                 const struct arc_grpc_field *fields, size_t count, arc_err *err);
/* Resets the stream. on_status (client, CANCELLED) and on_close come with the next tick. */
void arc__grpc_call_cancel(struct arc_grpc_call *call);
/* The same without any further event: the handle is dead when it returns. */
void arc__grpc_call_drop(struct arc_grpc_call *call);

/* Reading. What was held back by a pause comes with the next tick after resume. */
void arc__grpc_call_pause(struct arc_grpc_call *call);
void arc__grpc_call_resume(struct arc_grpc_call *call);

/* Server: brings the deadline nearer, or sets one. */
arc_status arc__grpc_call_set_deadline(struct arc_grpc_call *call, uint64_t deadline_ns,
                                       arc_err *err);
uint64_t arc__grpc_call_get_deadline(const struct arc_grpc_call *call);
size_t arc__grpc_call_queued_bytes(const struct arc_grpc_call *call);

#endif
