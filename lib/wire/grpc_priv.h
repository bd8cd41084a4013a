/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make up wire/grpc.h, and by nobody else. grpc_call.c decides what a call
 * does, grpc_time.c what time does; both know HTTP/2 only through the functions arc__grpc_h2_*,
 * which grpc_conn.c makes of nghttp2. */
#ifndef ARC_WIRE_GRPC_PRIV_H
#define ARC_WIRE_GRPC_PRIV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "wire/bucket.h"
#include "wire/grpc.h"
#include "wire/grpc_pool.h"
#include "wire/lpm.h"

struct nghttp2_session;
struct arc_grpc_kept;

/* HTTP/2 error codes that we send. */
#define ARC_H2_NO_ERROR 0x0
#define ARC_H2_PROTOCOL_ERROR 0x1
#define ARC_H2_INTERNAL_ERROR 0x2
#define ARC_H2_STREAM_CLOSED 0x5
#define ARC_H2_REFUSED_STREAM 0x7
#define ARC_H2_CANCEL 0x8
#define ARC_H2_ENHANCE_YOUR_CALM 0xb

/* A header block as received. Blocks of different streams never mix on the wire, so a connection
 * needs one; a client's call takes it over when its trailers must wait for a paused reader. */
struct arc_grpc_block {
    struct arc_arena arena;
    struct arc_grpc_field *fields; /* metadata, in the arena */
    size_t count, room;
    size_t seen_fields, seen_bytes; /* of all fields, kept or not */
    size_t charged;                 /* faults for what is beyond the limit */
    arc_slice path, authority, content_type, encoding, timeout, status, message, pushback;
    arc_slice details; /* grpc-status-details-bin, as it came */
    uint32_t accepts;  /* of grpc-accept-encoding, those we know; 0: it said nothing of use */
    int http_status;   /* client; 0: none */
    int is_post, is_head;
    int over; /* more than the limits: nothing more is kept */
    int bad;  /* a "-bin" value that is no base64 */
    int nomem;
};

struct arc_grpc_call {
    struct arc_grpc_conn *conn;
    const struct arc_grpc_events *events;
    void *user;
    struct arc_link link;   /* conn->calls, or pool->calls */
    struct arc_link ready;  /* conn->ready: has events that were put off */
    struct arc_timer timer; /* the deadline */
    uint64_t deadline_ns;
    int32_t id;

    /* in */
    struct arc_lpm lpm;
    struct arc_buf held;  /* received while paused, in wire form */
    size_t held_at;       /* bytes of it that were delivered */
    size_t unconsumed;    /* bytes whose window was not given back */
    uint64_t received;    /* DATA bytes so far */
    uint64_t partial_ns;  /* when the message that is incomplete began; 0: none */
    uint64_t partial_got; /* bytes of it */
    uint64_t back_ns;     /* since when it is held back */
    size_t assembly;      /* of conn->assembly_bytes */
    uint32_t empty_frames;

    /* out */
    struct arc_buf out;  /* messages in wire form */
    size_t out_at;       /* bytes of it that were sent */
    size_t wanted;       /* what the last ARC_EAGAIN was about; 0: none */
    uint64_t out_ns;     /* when bytes last left, or were first seen to wait; 0: not yet */
    struct arc_buf list; /* field records. Server: trailers. A channel's call: its request */
    struct arc_grpc_again again;

    /* client: the status once it is known and what went before it is not yet delivered */
    int status_code; /* server: the one it was answered with */
    arc_grpc_why why;
    struct arc_grpc_block *trail; /* NULL: never needed by this object */

    struct arc_grpc_track *track; /* NULL where there are no interceptors */
    const void *route;            /* of the router; NULL: none, or answered */

    unsigned is_open : 1;       /* the application holds it: on_close is still to come */
    unsigned dropped : 1;       /* by the application, while it was told of the end */
    unsigned cancelled : 1;     /* by us; only the events of the end are still due */
    unsigned stream_closed : 1; /* HTTP/2 is through with it */
    unsigned headers_sent : 1;
    unsigned headers_seen : 1; /* client: the response began */
    unsigned finished : 1;     /* server: the status is queued. Client: half closed */
    unsigned in_end : 1;       /* END_STREAM came */
    unsigned in_done : 1;      /* and its event was given, or reading is over */
    unsigned paused : 1;
    unsigned held_back : 1;   /* as if paused, until the connection's queue has room */
    unsigned delivering : 1;  /* an event is reading what the lpm holds */
    unsigned deferred : 1;    /* HTTP/2 waits for more to send */
    unsigned raised : 1;      /* the window is the large one */
    unsigned turns : 1;       /* takes turns with the other streams */
    unsigned reset_by_us : 1; /* so its RST_STREAM is no fault of the peer */
    unsigned fault_counted : 1;
    unsigned have_status : 1;
    unsigned due_deliver : 1, due_writable : 1, due_end : 1;
    unsigned unprocessed : 1;
    unsigned frame_last : 1; /* what is being read ends the frame, and the frame the stream */
    unsigned last : 1;       /* in on_message: half close is all that follows */
    unsigned wait_for_ready : 1;
    unsigned parked : 1;          /* has no stream: waits for a connection, or between attempts */
    unsigned keep : 1;            /* what was sent stays in `out`, to be sent again */
    unsigned departed : 1;        /* client: the request's headers have left */
    unsigned packs : 1;           /* what we send is gzip, where it is worth it */
    unsigned unpacks : 1;         /* what the peer sends may be */
    unsigned peer_unpacks : 1;    /* server: the client takes gzip */
    unsigned tells_encodings : 1; /* server: the headers hold grpc-accept-encoding */
    unsigned was_packed : 1;      /* the message that is being delivered */
    unsigned is_http : 1;         /* server: refused in HTTP alone, without trailers */
    unsigned answered : 1;        /* and that was sent whole */
};

/* So much of a request is read to its end when it was refused in HTTP. */
#define ARC_GRPC_HTTP_BODY_BYTES 16384

/* grpc_watch.c: what a client has said of its streams. */
#define ARC_GRPC_WATCH_KEPT 16
struct arc_grpc_watch {
    uint32_t left;     /* bytes until the next frame */
    uint32_t newest;   /* stream that was opened; 0: none */
    uint32_t gap_from; /* what the last jump passed over */
    uint32_t gap_end;
    uint32_t ended[ARC_GRPC_WATCH_KEPT]; /* by the client, lately */
    uint32_t next;                       /* place of the next one */
    uint8_t head[9];
    uint8_t have;     /* bytes of it */
    uint8_t drop;     /* what is left of the frame is passed over */
    uint8_t in_block; /* CONTINUATION must follow */
};

struct arc_grpc_heard {
    arc_slice bytes;  /* for nghttp2; may be empty */
    uint32_t h2_code; /* of the rule that what follows them breaks; 0: none */
    int passed;       /* after them a reset of a stream that was never opened was passed over */
};

/* What a connection has for itself where its owner shares nothing. */
struct arc_grpc_own {
    struct arc_grpc_pool pool;
    struct arc_grpc_counters counters;
};

struct arc_grpc_conn {
    struct arc_mem mem;
    struct nghttp2_session *session;
    const struct arc_grpc_limits *limits; /* the pool's */
    const struct arc_grpc_events *events;
    void *user;
    struct arc_grpc_counters *counters;
    void (*on_work)(void *owner, struct arc_grpc_conn *conn);
    void *owner;
    const struct arc_grpc_keeper *keeper; /* NULL: none */
    char *peer, *authority, *user_agent;
    struct arc_grpc_kept *identity; /* grpc_identity.c; NULL: none */
    struct arc_grpc_interceptor *interceptors;
    size_t interceptor_count;
    uint64_t now_ns;            /* as given last */
    uint32_t encoding, accepts; /* bits; what we send unless told otherwise, what we take */

    struct arc_link calls; /* not released */
    struct arc_link ready; /* with events that were put off */
    struct arc_grpc_pool *pool;
    struct arc_grpc_own *own; /* NULL: the owner gave both */
    struct arc_link blocks;   /* what nghttp2 has allocated */
    size_t total;             /* calls that are not released */
    size_t open;              /* calls that the application holds */
    size_t waiting;           /* calls that were answered with ARC_EAGAIN */
    size_t held_back;         /* calls whose messages wait for room in the queue */
    struct arc_heap timers;
    struct arc_grpc_block block;

    size_t queued_bytes, held_bytes, assembly_bytes;
    const uint8_t *rest; /* of the piece that nghttp2 gave last */
    size_t rest_len;
    size_t frame_left; /* bytes of the frame that is being received */

    struct arc_grpc_watch watch; /* server */

    struct arc_bucket resets, faults, settings, idle_pings, pings;
    uint64_t age_ns;  /* limits.age_ns, varied */
    uint64_t aged_ns; /* when it was reached; 0: not yet */
    uint64_t born_ns, header_ns, idle_ns, heard_ns, ping_ns, notice_ns, sweep_ns;
    uint64_t took_ns; /* when bytes of a call last left */
    uint8_t server, secure;
    uint8_t
        block_lost; /* nobody will tell the end of the block of header_ns; 2: the peer was asked */
    uint8_t work_said;  /* on_work was called since the last send */
    uint8_t ready_seen; /* the peer's SETTINGS came */
    uint8_t proven;     /* a call was answered with more than a refusal */
    uint8_t draining;   /* no new calls */
    uint8_t ended;      /* GOAWAY with an error: no more bytes go in */
    uint8_t dead;       /* nothing goes out either */
    uint8_t starved;    /* nghttp2 was refused memory: it is not called any more */
    int32_t depth;      /* in a pump: events may not pump */
    arc_status fault_status;
    const char *fault;
};

/* --- grpc_call.c: what a call does --- */
size_t arc__grpc_out_max(const struct arc_grpc_limits *limits);        /* of what a call queues */
struct arc_grpc_call *arc__grpc_call_make(struct arc_grpc_conn *conn); /* NULL: no memory */
void arc__grpc_call_release(struct arc_grpc_call *call);
void arc__grpc_call_destroy(struct arc_grpc_call *call, const struct arc_mem *mem);
void arc__grpc_call_data(struct arc_grpc_call *call, arc_slice bytes);
void arc__grpc_call_end_of_data(struct arc_grpc_call *call);
/* Server: the request's header block is whole. Client: a response's; trailers when last. */
void arc__grpc_call_request(struct arc_grpc_call *call, struct arc_grpc_block *block);
void arc__grpc_call_response(struct arc_grpc_call *call, struct arc_grpc_block *block, int last);
/* Server: a client that was refused in HTTP and sends on is told not to. */
void arc__grpc_call_stop_sender(struct arc_grpc_call *call);
/* The stream is closed by HTTP/2. */
void arc__grpc_call_closed(struct arc_grpc_call *call, uint32_t h2_code);
/* Ends it for the application, now: on_status (client, with code and text), on_close. */
void arc__grpc_call_end(struct arc_grpc_call *call, arc_grpc_why why, int code, const char *text);
/* Copies up to size queued bytes; *end: that was the last of them and the stream ends. */
size_t arc__grpc_call_take(struct arc_grpc_call *call, uint8_t *buf, size_t size, int *end);
/* The same from our side: a status for the client (server), a reset (client), then the end. */
void arc__grpc_call_fail(struct arc_grpc_call *call, arc_grpc_why why, int code, const char *text);
void arc__grpc_call_mark(struct arc_grpc_call *call); /* onto conn->ready */
void arc__grpc_conn_run_ready(struct arc_grpc_conn *conn);
/* The memory that calls keep of messages which came goes, but for that of one of them. 1: so much
 * is left that a message may go on. */
int arc__grpc_conn_reclaim(struct arc_grpc_conn *conn, const struct arc_grpc_call *except);
/* Calls that wait for room in the connection's queue. */
void arc__grpc_conn_wake_writers(struct arc_grpc_conn *conn);

/* The call holds nothing of a response any more, and its window is given back. */
void arc__grpc_call_drop_input(struct arc_grpc_call *call);

/* --- grpc_again.c: a channel's calls between connections; see grpc.h --- */
int arc__grpc_conn_is_lobby(const struct arc_grpc_conn *conn);
/* The call was opened in a lobby, its header list is in the pool's scratch. */
arc_status arc__grpc_call_wait(struct arc_grpc_call *call, const struct arc_grpc_request *request,
                               arc_err *err);
/* The attempt ends so. 1: the keeper wants another, and the call is parked; 0: it ends. */
int arc__grpc_call_keep(struct arc_grpc_call *call, arc_grpc_why why, int code);
/* From now on it cannot be sent again. */
void arc__grpc_call_commit(struct arc_grpc_call *call);
/* A parked call leaves its connection for the lobby; in arc__grpc_conn_run_ready alone. */
void arc__grpc_call_go_back(struct arc_grpc_call *call);

/* --- grpc_block.c: header lists --- */
void arc__grpc_block_init(struct arc_grpc_block *block, const struct arc_grpc_conn *conn);
void arc__grpc_block_reset(struct arc_grpc_block *block);
/* The memory of a block that is about to be read comes from the pool, and goes back when it was. */
void arc__grpc_block_borrow(struct arc_grpc_block *block, struct arc_grpc_pool *pool);
void arc__grpc_block_return(struct arc_grpc_block *block, struct arc_grpc_pool *pool);
void arc__grpc_block_deinit(struct arc_grpc_block *block);
/* 0: fine. -1: so far over the limits that the rest should not even be decoded. */
int arc__grpc_block_add(struct arc_grpc_block *block, const struct arc_grpc_conn *conn,
                        arc_slice name, arc_slice value);
/* The details of a status become the last line of its metadata, if they can be read. */
void arc__grpc_block_add_details(struct arc_grpc_block *block);
/* Lists to be sent are kept as records: two lengths, name, value. */
void arc__grpc_list_add(struct arc_buf *list, arc_slice name, arc_slice value);
void arc__grpc_list_add_fields(struct arc_buf *list, const struct arc_grpc_field *fields,
                               size_t count);
/* May they be sent? trailing: with a status. ARC_EINVAL. */
arc_status arc__grpc_fields_check(const struct arc_grpc_field *fields, size_t count,
                                  const struct arc_grpc_limits *limits, int trailing, arc_err *err);
/* 1: the record at *at was read and *at is moved on; 0: the end. */
int arc__grpc_list_next(const struct arc_buf *list, size_t *at, arc_slice *name, arc_slice *value);

/* --- grpc_watch.c: what nghttp2 does not look at --- */
void arc__grpc_watch_init(struct arc_grpc_watch *watch);
/* Takes from *bytes what can be handed on at once, until all are taken. 0: there is nothing more.
 */
int arc__grpc_watch_next(struct arc_grpc_watch *watch, arc_slice *bytes,
                         struct arc_grpc_heard *heard);

/* --- grpc_intercept.c: what stands between a call and the application --- */
#define ARC_GRPC_REFUSAL_SIZE 256
arc_status arc__grpc_intercept_init(struct arc_grpc_conn *conn,
                                    const struct arc_grpc_config *config, arc_err *err);
/* ARC_OK: the call may begin. ARC_EDENIED: *code and text say why not. ARC_ENOMEM: so do they. */
arc_status arc__grpc_intercept_begin(struct arc_grpc_call *call,
                                     const struct arc_grpc_request *request, int *code,
                                     char text[ARC_GRPC_REFUSAL_SIZE]);
void arc__grpc_intercept_message(struct arc_grpc_call *call, int outgoing, size_t bytes);
/* Does nothing but for a call that began, and once for that. */
void arc__grpc_intercept_end(struct arc_grpc_call *call, arc_grpc_why why, int code);
/* The object goes, in which no connection need be left. */
void arc__grpc_intercept_forget(struct arc_grpc_call *call, const struct arc_mem *mem);

/* --- grpc_encoding.c: messages that are compressed --- */
arc_slice arc__grpc_encoding_names(uint32_t encodings); /* for grpc-accept-encoding */
uint32_t arc__grpc_encoding_parse(arc_slice name);      /* 0: unknown; none is identity */
uint32_t arc__grpc_encodings_parse(arc_slice list);     /* those that we know */
arc_status arc__grpc_encoding_config(struct arc_grpc_conn *conn,
                                     const struct arc_grpc_config *config, arc_err *err);
/* The fields of a request. */
arc_status arc__grpc_encoding_request(struct arc_grpc_conn *conn, uint32_t encoding,
                                      struct arc_buf *list, arc_err *err);
/* What the peer's headers say of it. -1: an encoding that was not offered. */
int arc__grpc_encoding_read(struct arc_grpc_call *call, const struct arc_grpc_block *block);
int arc__grpc_message_packs(const struct arc_grpc_call *call, size_t len, uint32_t flags);
/* Room that the message needs at most, with its prefix. */
size_t arc__grpc_message_bound(arc_slice message, int packs, uint32_t flags);
/* Writes prefix and message to room, which holds bound bytes. ARC_ENOMEM. */
arc_status arc__grpc_message_put(struct arc_grpc_call *call, arc_slice message, int packs,
                                 size_t bound, char *room, size_t *len);
/* *message is in the pool then, until it is forgotten. ARC_EPROTOCOL, ARC_ELIMIT (counted),
 * ARC_EAGAIN (the memory that all calls share), ARC_ENOMEM. */
arc_status arc__grpc_message_unpack(struct arc_grpc_call *call, arc_slice *message, arc_err *err);
void arc__grpc_message_forget(struct arc_grpc_conn *conn, int counted);

/* --- grpc_time.c --- */
uint64_t arc__grpc_vary_age(uint64_t age_ns, uint64_t seed); /* by a tenth more or less */
void arc__grpc_conn_touch(struct arc_grpc_conn *conn);       /* says on_work where it is due */
/* Around what the application does where it is called outside of a pump: it may not pump either. */
void arc__grpc_conn_enter(struct arc_grpc_conn *conn);
void arc__grpc_conn_leave(struct arc_grpc_conn *conn);
void arc__grpc_conn_flood(struct arc_grpc_conn *conn, uint64_t *counter, const char *what);
void arc__grpc_conn_lose_calls(struct arc_grpc_conn *conn, arc_grpc_why why, const char *text);

/* --- grpc_conn.c: HTTP/2, by nghttp2. Each answers 0, or -1 when memory is out or the stream has
 * gone. --- */
int arc__grpc_h2_headers(struct arc_grpc_call *call, const struct arc_buf *list, int last);
int arc__grpc_h2_trailers(struct arc_grpc_call *call, const struct arc_buf *list);
int arc__grpc_h2_request(struct arc_grpc_call *call, const struct arc_buf *list);
void arc__grpc_h2_forget(struct arc_grpc_call *call); /* the call is about to go */
void arc__grpc_h2_resume(struct arc_grpc_call *call);
void arc__grpc_h2_reset(struct arc_grpc_call *call, uint32_t h2_code);
void arc__grpc_h2_consume(struct arc_grpc_call *call, size_t size);
void arc__grpc_h2_raise_window(struct arc_grpc_call *call);
void arc__grpc_h2_ping(struct arc_grpc_conn *conn);
void arc__grpc_h2_notice(struct arc_grpc_conn *conn);
void arc__grpc_h2_goaway(struct arc_grpc_conn *conn);
void arc__grpc_h2_terminate(struct arc_grpc_conn *conn, uint32_t h2_code);

#endif
