/* SPDX-License-Identifier: Apache-2.0 */
/**
 * gRPC over HTTP/2 as bytes in, bytes out, for server and client, for any service. It knows no
 * socket, no clock and no protobuf: bytes of a transport go in and come out, time is a parameter, a
 * message is a slice, a method is a path. Sockets and TLS around it are in server.h and client.h,
 * a table of methods, health and reflection in service.h. Nothing here needs the rest of the
 * library.
 *
 * A CONNECTION is pumped by its owner, in any order:
 *     arc_grpc_conn_recv(conn, now, bytes)      what the transport brought
 *     arc_grpc_conn_send(conn, now, buf, size)  what the transport shall carry, until 0 comes back
 *     arc_grpc_conn_tick(conn, now)             when arc_grpc_conn_get_deadline() <= now
 *     arc_grpc_conn_is_over(conn)               then close the transport and free
 * After every one of them, and after any function of a call, ask get_deadline and wants_send again.
 *
 * A CALL is one stream. Server: on_call begins it, arc_grpc_call_finish ends it. Client:
 * arc_grpc_call_open begins it, on_status ends it. Order of events for one call:
 *     server  on_call, on_message*, on_half_close?,               on_close
 *     client  on_headers?, on_message*,            on_status,     on_close
 *     with on_writable at any time between, only after a send was answered with ARC_EAGAIN.
 * on_close comes exactly once for a call that on_call brought or that open answered with, unless it
 * was dropped; the handle is dead when on_close returns. Slices given to an event live until it
 * returns.
 *
 * Inside an event, of an interceptor too, everything may be called but recv, send, tick, eof and
 * free of any connection (of the event's own those answer ARC_ECONFLICT or do nothing): events
 * submit, they never pump.
 *
 * BACK-PRESSURE. Out: arc_grpc_call_send answers ARC_EAGAIN while the call's queue is full. In: a
 * paused call gets no events of reading, and its window is not given back, so the peer stops after
 * stream_window_bytes. Memory of one connection is bounded by
 *     unread     conn_window_bytes                                     16 MiB
 *     messages in pieces, and unpacked  assembly_max_bytes             32 MiB
 *     to be sent conn_queue_max_bytes + one message                     1 MiB + ...
 *     headers    header_list_max_bytes of the block that is being read 16 KiB
 * and far below that for peers that behave. A server delivers no message of a connection while more
 * than conn_queue_max_bytes wait to be read there, so that who asks without reading makes nothing
 * grow (but for messages that the application sends later, unasked: one for each call fits always).
 * WINDOWS: the bandwidth of a stream is at most window /
 * round trip: 64 KiB at 50 ms are 1.3 MB/s, 1 MiB are 21 MB/s; 16 streams of 1 MiB fill the
 * connection's 16 MiB. A stream starts with stream_window_first_bytes (what an unauthenticated peer
 * can make us hold) and is raised once it has used a quarter of it and the application did not
 * refuse it.
 *
 * Times are nanoseconds on one monotonic clock, the caller's. Thread: owner for everything here,
 * the one thread that pumps the connection.
 */
#ifndef ARCENTRA_GRPC_H
#define ARCENTRA_GRPC_H

#include <arcentra/base.h>

ARC_BEGIN_DECLS

typedef struct arc_grpc_conn arc_grpc_conn;
typedef struct arc_grpc_call arc_grpc_call;

/** No deadline, no timer. */
#define ARC_GRPC_NEVER UINT64_MAX

/** Status codes of gRPC (grpc/grpc, doc/statuscodes.md). */
#define ARC_GRPC_OK 0
#define ARC_GRPC_CANCELLED 1
#define ARC_GRPC_UNKNOWN 2
#define ARC_GRPC_INVALID_ARGUMENT 3
#define ARC_GRPC_DEADLINE_EXCEEDED 4
#define ARC_GRPC_NOT_FOUND 5
#define ARC_GRPC_ALREADY_EXISTS 6
#define ARC_GRPC_PERMISSION_DENIED 7
#define ARC_GRPC_RESOURCE_EXHAUSTED 8
#define ARC_GRPC_FAILED_PRECONDITION 9
#define ARC_GRPC_ABORTED 10
#define ARC_GRPC_OUT_OF_RANGE 11
#define ARC_GRPC_UNIMPLEMENTED 12
#define ARC_GRPC_INTERNAL 13
#define ARC_GRPC_UNAVAILABLE 14
#define ARC_GRPC_DATA_LOSS 15
#define ARC_GRPC_UNAUTHENTICATED 16

/**
 * "NOT_FOUND"; "UNKNOWN" for a number that is none. Owner: the library, static. Thread: any.
 * Since: 0.1.
 */
ARC_API const char *arc_grpc_status_name(int32_t code);

/** Compression of messages. Bits, for sets of them. */
#define ARC_GRPC_IDENTITY 1u
#define ARC_GRPC_GZIP 2u

/**
 * One line of metadata. The value of a name that ends in "-bin" is raw bytes on this side; the wire
 * form is base64. Names that the protocol uses itself are refused, but for
 * "grpc-status-details-bin", which goes with a status. What was received may be sent as it is:
 * lines of other than printable ASCII are left out. Since: 0.1.
 */
typedef struct arc_grpc_field {
    arc_slice name, value;
} arc_grpc_field;

/**
 * Every limit, once: name, default of a server, default of a client, what it bounds. Zero in the
 * struct means the default. Times in nanoseconds.
 */
/* clang-format off */
#define ARC_GRPC_LIMITS(ROW) \
    ROW(calls_max,                 100,  1000, "calls alive at once; a server announces it") \
    ROW(message_max_bytes,         4 << 20, 4 << 20, "longest message received, unpacked") \
    ROW(message_send_max_bytes,    16 << 20, 16 << 20, "longest message sent") \
    ROW(queue_max_bytes,           256 << 10, 1 << 20, "queued to be sent, each call") \
    ROW(conn_queue_max_bytes,      1 << 20, 16 << 20, "queued to be sent, all calls") \
    ROW(assembly_max_bytes,        32 << 20, 32 << 20, "held for messages in pieces, all calls") \
    ROW(compress_min_bytes,        1024, 1024, "shorter messages are not compressed") \
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
    ROW(idle_pings_burst,          10, 10, "PINGs without a call since a frame of one was sent") \
    ROW(idle_pings_per_min,        12, 12, "a minute, after the burst") \
    ROW(pings_burst,               1000, 1000, "PINGs while there are calls, beyond one a frame sent") \
    ROW(pings_per_s,               100, 100, "a second, after the burst") \
    ROW(empty_frames_max,          100, 100, "DATA frames without a byte, each stream") \
    ROW(handshake_ns,              10000000000, 10000000000, "until the first SETTINGS") \
    ROW(headers_ns,                10000000000, 10000000000, "for one header block") \
    ROW(message_grace_ns,          10000000000, ARC_GRPC_NEVER, "then a message must come faster") \
    ROW(message_bytes_per_s,       100, 100, "than this, or its call ends") \
    ROW(stall_ns,                  30000000000, ARC_GRPC_NEVER, "a reader that takes nothing") \
    ROW(idle_ns,                   300000000000, ARC_GRPC_NEVER, "connection without a call") \
    ROW(age_ns,                    ARC_GRPC_NEVER, ARC_GRPC_NEVER, "connection, then GOAWAY") \
    ROW(age_grace_ns,              ARC_GRPC_NEVER, ARC_GRPC_NEVER, "for its calls after that") \
    ROW(keepalive_ns,              ARC_GRPC_NEVER, 30000000000, "silence after which we PING") \
    ROW(keepalive_timeout_ns,      20000000000, 20000000000, "for the answer to it") \
    ROW(drain_notice_ns,           1000000000, 1000000000, "from one GOAWAY to the other") \
    ROW(identity_names_max,        100, 1000, "names in the certificate of a peer") \
    ROW(identity_bytes_max,        16 << 10, 64 << 10, "subject and names of it, together")
/* clang-format on */

/** The limits of one connection; zero: the default. Since: 0.1. */
typedef struct arc_grpc_limits {
    size_t size; /* sizeof(arc_grpc_limits) */
#define ARC_GRPC_LIMIT_FIELD(name, server, client, text) uint64_t name;
    ARC_GRPC_LIMITS(ARC_GRPC_LIMIT_FIELD)
#undef ARC_GRPC_LIMIT_FIELD
} arc_grpc_limits;
/* One zero for each row, so that no field is left out where a compiler warns of it. */
#define ARC_GRPC_LIMIT_ZERO(name, server, client, text) , 0
#define ARC_GRPC_LIMITS_INIT \
    { \
        sizeof(arc_grpc_limits) ARC_GRPC_LIMITS(ARC_GRPC_LIMIT_ZERO) \
    }

/**
 * What happened, for whoever exports it. Only ever goes up; may be shared by all connections of one
 * thread. Since: 0.1.
 */
/* clang-format off */
#define ARC_GRPC_COUNTERS(ROW) \
    ROW(connections,          "connections made") \
    ROW(calls,                "calls that reached the application, or that it opened") \
    ROW(messages_in,          "messages received") \
    ROW(messages_out,         "messages sent") \
    ROW(message_bytes_in,     "their bytes, unpacked") \
    ROW(message_bytes_out,    "their bytes, before they are packed") \
    ROW(refused_content_type, "requests of another content type, answered with 415") \
    ROW(refused_method,       "requests that are no POST, answered with 405") \
    ROW(refused_encoding,     "messages in an encoding that is not offered, or damaged in it") \
    ROW(refused_headers,      "header blocks over a limit") \
    ROW(refused_message_size, "messages over message_max_bytes") \
    ROW(refused_metadata,     "requests with metadata that cannot be read") \
    ROW(refused_assembly,     "calls ended because of assembly_max_bytes") \
    ROW(refused_draining,     "requests that came after the last GOAWAY") \
    ROW(refused_interceptor,  "calls that an interceptor refused") \
    ROW(resets_by_peer,       "RST_STREAM frames received") \
    ROW(faults_by_peer,       "frames that had to be refused") \
    ROW(deadlines,            "calls that ran out of time") \
    ROW(stalls,               "calls ended because of stall_ns or message_bytes_per_s") \
    ROW(floods_reset,         "connections ended because of reset_burst, by resets") \
    ROW(floods_fault,         "connections ended because of reset_burst, by faults") \
    ROW(floods_ping,          "connections ended because of pings_burst or idle_pings_burst") \
    ROW(floods_settings,      "connections ended because of settings_burst") \
    ROW(floods_empty,         "connections ended because of empty_frames_max") \
    ROW(floods_library,       "connections ended because of acks_max, entries, continuations") \
    ROW(timeouts_handshake,   "connections ended because of handshake_ns") \
    ROW(timeouts_headers,     "connections ended because of headers_ns") \
    ROW(timeouts_idle,        "connections ended because of idle_ns") \
    ROW(timeouts_age,         "connections ended because of age_ns") \
    ROW(timeouts_keepalive,   "connections ended because of keepalive_timeout_ns")
/* clang-format on */

/** One number for each row of ARC_GRPC_COUNTERS. Since: 0.1. */
typedef struct arc_grpc_counters {
#define ARC_GRPC_COUNTER_FIELD(name, text) uint64_t name;
    ARC_GRPC_COUNTERS(ARC_GRPC_COUNTER_FIELD)
#undef ARC_GRPC_COUNTER_FIELD
} arc_grpc_counters;

/** Why a call ended. */
typedef int32_t arc_grpc_why;
#define ARC_GRPC_WHY_NONE 0
#define ARC_GRPC_WHY_DONE 1      /* the status was sent in full, or received */
#define ARC_GRPC_WHY_RESET 2     /* the peer gave it up */
#define ARC_GRPC_WHY_CANCELLED 3 /* we gave it up */
#define ARC_GRPC_WHY_DEADLINE 4
#define ARC_GRPC_WHY_LOST 5     /* the connection went away */
#define ARC_GRPC_WHY_PROTOCOL 6 /* the peer broke a rule or a limit */
#define ARC_GRPC_WHY_NOMEM 7

/** "done", "reset", … Owner: the library, static. Thread: any. Since: 0.1. */
ARC_API const char *arc_grpc_why_name(arc_grpc_why why);

/** What a call asks for. Zero in a field: the default. Since: 0.1. */
typedef struct arc_grpc_request {
    size_t size;
    arc_slice path; /* "/package.Service/Method" */
    arc_slice authority;
    const arc_grpc_field *fields; /* metadata */
    size_t count;
    uint64_t deadline_ns; /* ARC_GRPC_NEVER: none; so is 0 when a client asks */
    uint64_t now_ns;      /* server: when the call came */
    /* Client: 1 waits through failed attempts to connect until the deadline; 0 ends the call as
     * UNAVAILABLE at the first. */
    int32_t wait_for_ready;
    /* Client: ARC_GRPC_GZIP compresses what is sent; 0: the connection's. Server: what the client
     * compresses with. */
    uint32_t encoding;
    /* Client of a channel: the retry policy may send it again (client.h). */
    int32_t idempotent;
} arc_grpc_request;
#define ARC_GRPC_REQUEST_INIT \
    { \
        sizeof(arc_grpc_request), {NULL, 0}, {NULL, 0}, NULL, 0, ARC_GRPC_NEVER, 0, 0, 0, 0 \
    }

/** How a call of a client ended. Since: 0.1. */
typedef struct arc_grpc_status {
    int32_t code; /* ARC_GRPC_… */
    arc_slice message;
    const arc_grpc_field *fields; /* trailing metadata, "grpc-status-details-bin" among it */
    size_t count;
    int32_t unprocessed; /* 1: the server has not looked at it; sending it again is safe */
    arc_grpc_why why;
} arc_grpc_status;

/**
 * What happens to calls. Functions may be NULL. `user` is the call's (arc_grpc_call_set_user),
 * before that the connection's. Since: 0.1.
 */
typedef struct arc_grpc_events {
    size_t size;
    /* Server. The application keeps the handle until on_close and sets its user. */
    void (*on_call)(void *user, arc_grpc_call *call, const arc_grpc_request *request);
    /* Client: the server's first metadata. */
    void (*on_headers)(void *user, arc_grpc_call *call, const arc_grpc_field *fields, size_t count);
    void (*on_message)(void *user, arc_grpc_call *call, arc_slice message);
    /* Server: the client will send no more. */
    void (*on_half_close)(void *user, arc_grpc_call *call);
    /* There is room again for what was answered with ARC_EAGAIN. */
    void (*on_writable)(void *user, arc_grpc_call *call);
    /* Client. */
    void (*on_status)(void *user, arc_grpc_call *call, const arc_grpc_status *status);
    void (*on_close)(void *user, arc_grpc_call *call, arc_grpc_why why);
} arc_grpc_events;
#define ARC_GRPC_EVENTS_INIT \
    { \
        sizeof(arc_grpc_events), NULL, NULL, NULL, NULL, NULL, NULL, NULL \
    }

/**
 * Who the peer is, by the certificate that it showed and that was verified. All of it is UTF-8
 * without control characters; a certificate whose names are not, or hold a NUL, is refused with its
 * connection. Since: 0.1.
 */
typedef struct arc_grpc_identity {
    size_t size;
    arc_slice subject;     /* RFC 2253: "CN=agent-1,O=Example" */
    arc_slice common_name; /* "agent-1", the most specific; "" where there is none */
    const arc_slice *names; /* of subjectAltName: "dns:…", "uri:…", "email:…", "ip:…"; as it is */
    size_t name_count;
} arc_grpc_identity;

/**
 * Certificates and rules of TLS, for server.h and client.h. What is always so: TLS 1.2 at least,
 * and of 1.2 only ECDHE with AEAD (RFC 9113 9.2.2), ALPN h2 or no connection, no renegotiation, no
 * compression, no resumption (every connection looks at the certificate and at the rules of now),
 * and a client that checks the chain and the name of the server. Keys under a passphrase are
 * refused, nobody is asked for one. Zero in a field: the default. Since: 0.1.
 */
typedef struct arc_tls_options {
    size_t size;
    /* PEM; the certificate with its chain. Server: required. Client: for a server that asks. */
    const char *cert_file, *key_file;
    /* PEM. Client: who signs servers; NULL: the system's. Server: who signs clients; set, they are
     * asked for a certificate. */
    const char *ca_file;
    const char *server_name; /* client: the name to check instead of the target's host */
    /* Server with ca_file: 1 takes clients without a certificate too, which then have no identity;
     * a certificate that is shown must still be good. */
    int32_t client_cert_optional;
} arc_tls_options;
#define ARC_TLS_OPTIONS_INIT \
    { \
        sizeof(arc_tls_options), NULL, NULL, NULL, NULL, 0 \
    }

/** How a call went, for metrics and logs. Slices live until the function returns. Since: 0.1. */
typedef struct arc_grpc_report {
    size_t size;
    arc_slice path;
    const char *peer;                  /* "127.0.0.1:4711" */
    const arc_grpc_identity *identity; /* NULL: none */
    int32_t code;                      /* ARC_GRPC_… that was sent or received */
    arc_grpc_why why;
    uint64_t begun_ns, ended_ns;
    uint64_t messages_in, messages_out;
    uint64_t bytes_in, bytes_out; /* of messages */
} arc_grpc_report;

/**
 * Stands between HTTP/2 and the application for every call of a connection: for authorisation,
 * metrics, logs. Functions may be NULL. Several are asked in their order, and told of the end in
 * the reverse order; who did not let a call begin hears no end of it. Who did hears of its end
 * once, after on_close, and of a call that another refused, that was dropped, or that could not be
 * opened as well. A server's call that ended without a status is reported as CANCELLED, or as
 * UNAVAILABLE where the connection went away. Since: 0.1.
 */
typedef struct arc_grpc_interceptor {
    size_t size;
    void *user;
    /* Server: before on_call. Client: before the request is sent. ARC_GRPC_OK lets it through, any
     * other code is its status; the reason may be written to text, NUL-terminated. It may not use
     * functions of the call but get_conn and get_id (which a client's call does not have yet: 0).
     */
    int32_t (*begin)(void *user, arc_grpc_call *call, const arc_grpc_request *request, char *text,
                     size_t text_size);
    void (*message)(void *user, arc_grpc_call *call, int32_t outgoing, size_t bytes);
    void (*end)(void *user, const arc_grpc_report *report);
} arc_grpc_interceptor;
#define ARC_GRPC_INTERCEPTOR_INIT \
    { \
        sizeof(arc_grpc_interceptor), NULL, NULL, NULL, NULL \
    }
/** Interceptors that one connection may have. */
#define ARC_GRPC_INTERCEPTORS_MAX 8

/** Zero in a field: the default. Since: 0.1. */
typedef struct arc_grpc_config {
    size_t size;
    const arc_env *env;            /* its memory alone is used; copied */
    int32_t server;                /* 1: server, 0: client */
    const arc_grpc_limits *limits; /* NULL: defaults; copied */
    const arc_grpc_events *events; /* of a server; outlives the connection */
    void *user;                    /* of the connection */
    arc_grpc_counters *counters;   /* NULL: own ones; outlives the connection */
    const char *peer;              /* for messages: "127.0.0.1:4711"; copied */
    const char *authority;         /* client: ":authority", "host:port"; copied */
    const char *user_agent;        /* client; NULL: "libarcentra"; copied */
    int32_t secure;                /* client: ":scheme" is https */
    /* Tells whoever pumps that outside of a pump something came up to be sent or ticked; once until
     * the next arc_grpc_conn_send. It may not pump either. NULL: the owner asks by itself. */
    void (*on_work)(void *owner, arc_grpc_conn *conn);
    void *owner;
    /* What messages are compressed with where the peer takes it; 0: identity. What is taken from
     * the peer: bits; 0: identity and gzip. */
    uint32_t encoding, accept_encodings;
    const arc_grpc_interceptor *const *interceptors; /* they and the list outlive the connection */
    size_t interceptor_count;
    /* Any number that differs from one connection to the next: what age_ns is varied by (up to a
     * tenth more or less), so that those who came together do not go together. */
    uint64_t seed;
} arc_grpc_config;
#define ARC_GRPC_CONFIG_INIT \
    { \
        sizeof(arc_grpc_config), NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, \
            0, 0, NULL, 0, 0 \
    }

/* --- the connection ------------------------------------------------------------------------- */

/**
 * A connection without a transport. Owner: the caller. Thread: owner.
 * Errors: ARC_ENOMEM, ARC_EINVAL (a limit out of range: err.subject names it). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_conn_new(const arc_grpc_config *config, uint64_t now_ns,
                                                  arc_grpc_conn **out, arc_err *err);
/**
 * Ends what is alive first (arc_grpc_conn_eof). NULL is fine. Owner: takes. Thread: owner.
 * Since: 0.1.
 */
ARC_API void arc_grpc_conn_free(arc_grpc_conn *conn);

/**
 * Takes all bytes. On failure every call has ended; what arc_grpc_conn_send still gives (the GOAWAY
 * that says why) should be carried before closing. Owner: the bytes stay the caller's.
 * Thread: owner. Errors: ARC_EPROTOCOL, ARC_ELIMIT, ARC_ENOMEM, ARC_ECONFLICT. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_conn_recv(arc_grpc_conn *conn, uint64_t now_ns,
                                                   arc_slice bytes, arc_err *err);
/**
 * Fills buf as far as there is something to send. 0: nothing now. Owner: none. Thread: owner.
 * Since: 0.1.
 */
ARC_API size_t arc_grpc_conn_send(arc_grpc_conn *conn, uint64_t now_ns, char *buf, size_t size);
/**
 * Client. Calls may be opened before there is a transport; they are sent once it carries bytes.
 * This says that it does, and starts the clock of the handshake. Owner: none. Thread: owner.
 * Since: 0.1.
 */
ARC_API void arc_grpc_conn_connected(arc_grpc_conn *conn, uint64_t now_ns);
/**
 * Client, before that: an attempt to connect failed. Calls that did not ask to wait for another end
 * as unavailable, with the text. Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_conn_not_connected(arc_grpc_conn *conn, uint64_t now_ns, const char *text);
/**
 * The transport is gone: ends every call with ARC_GRPC_WHY_LOST. Owner: none. Thread: owner.
 * Since: 0.1.
 */
ARC_API void arc_grpc_conn_eof(arc_grpc_conn *conn, uint64_t now_ns);
/**
 * Everything that time brings: deadlines, stalls, keepalive, the second GOAWAY, and events that
 * were put off (resume, cancel). Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_conn_tick(arc_grpc_conn *conn, uint64_t now_ns);
/**
 * When to tick next; 0: at once; ARC_GRPC_NEVER. Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API uint64_t arc_grpc_conn_get_deadline(const arc_grpc_conn *conn);
/**
 * Tells the time without doing anything, for a function of a call that is used outside of a pump.
 * Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_conn_set_now(arc_grpc_conn *conn, uint64_t now_ns);

/** 1: arc_grpc_conn_send has something. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int32_t arc_grpc_conn_wants_send(const arc_grpc_conn *conn);
/** 1: nothing will be read or written any more. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int32_t arc_grpc_conn_is_over(const arc_grpc_conn *conn);
/**
 * 1: arc_grpc_call_open would be refused: draining, told to go away, or over. Owner: none.
 * Thread: owner. Since: 0.1.
 */
ARC_API int32_t arc_grpc_conn_is_draining(const arc_grpc_conn *conn);
/**
 * 1: the peer has spoken HTTP/2, its first SETTINGS came. Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API int32_t arc_grpc_conn_is_ready(const arc_grpc_conn *conn);
/**
 * Server: the application has answered a call with a message or with OK, so the peer is more than a
 * connection that somebody opened. Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API int32_t arc_grpc_conn_is_proven(const arc_grpc_conn *conn);

/**
 * No new calls; those alive go on. Server: GOAWAY twice, as RFC 9113 6.8 asks. Owner: none.
 * Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_conn_drain(arc_grpc_conn *conn, uint64_t now_ns);
/**
 * Ends all calls now, with GOAWAY and an HTTP/2 error code (0: none). Owner: none. Thread: owner.
 * Since: 0.1.
 */
ARC_API void arc_grpc_conn_terminate(arc_grpc_conn *conn, uint64_t now_ns, uint32_t h2_code);

/** Calls alive for the application. Owner: none. Thread: owner. Since: 0.1. */
ARC_API size_t arc_grpc_conn_get_calls(const arc_grpc_conn *conn);
/** As configured. Owner: conn. Thread: owner. Since: 0.1. */
ARC_API const char *arc_grpc_conn_get_peer(const arc_grpc_conn *conn);
/** As configured. Owner: the caller's. Thread: owner. Since: 0.1. */
ARC_API void *arc_grpc_conn_get_user(const arc_grpc_conn *conn);
/** Its own counters, or those that it shares. Owner: conn. Thread: owner. Since: 0.1. */
ARC_API const arc_grpc_counters *arc_grpc_conn_get_counters(const arc_grpc_conn *conn);
/**
 * Who the peer is, from whoever did TLS, before the first byte is received. Again: replaces what
 * was said. Owner: copied. Thread: owner. Errors: ARC_EINVAL (a name that is no text; err.subject
 * says which), ARC_ELIMIT (identity_names_max, identity_bytes_max), ARC_ENOMEM; what was said
 * before stays then. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_conn_set_identity(arc_grpc_conn *conn,
                                                           const arc_grpc_identity *identity,
                                                           arc_err *err);
/**
 * NULL: the peer showed no certificate. The same in every event of the connection, so that
 * authorisation can go by it. Owner: conn. Thread: owner. Since: 0.1.
 */
ARC_API const arc_grpc_identity *arc_grpc_conn_get_identity(const arc_grpc_conn *conn);
/** Bytes queued to be sent by calls. Owner: none. Thread: owner. Since: 0.1. */
ARC_API size_t arc_grpc_conn_get_queued(const arc_grpc_conn *conn);
/** Bytes received and held for calls. Owner: none. Thread: owner. Since: 0.1. */
ARC_API size_t arc_grpc_conn_get_held(const arc_grpc_conn *conn);

/* --- the call -------------------------------------------------------------------------------- */

/** What events are given from now on. Owner: the caller's. Thread: owner. Since: 0.1. */
ARC_API void arc_grpc_call_set_user(arc_grpc_call *call, void *user);
/** Owner: the caller's. Thread: owner. Since: 0.1. */
ARC_API void *arc_grpc_call_get_user(const arc_grpc_call *call);
/**
 * Other events, and their user, from now on; for one that routes. They outlive the call.
 * Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_call_set_events(arc_grpc_call *call, const arc_grpc_events *events,
                                      void *user);
/** Its connection. Owner: none. Thread: owner. Since: 0.1. */
ARC_API arc_grpc_conn *arc_grpc_call_get_conn(const arc_grpc_call *call);
/** The stream's number. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int32_t arc_grpc_call_get_id(const arc_grpc_call *call);

/**
 * Client. request->authority empty: the connection's. The events outlive the call. Nothing of the
 * call has happened when it fails. Owner: the call is its connection's, the handle lives until
 * on_close. Thread: owner. Errors: ARC_EUNAVAILABLE (the connection takes no calls), ARC_ELIMIT
 * (calls_max), ARC_EINVAL (metadata), ARC_EDENIED (an interceptor refused), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_call_open(arc_grpc_conn *conn,
                                                   const arc_grpc_request *request,
                                                   const arc_grpc_events *events, void *user,
                                                   arc_grpc_call **out, arc_err *err);
/**
 * Server, optional, once and before the first message: metadata that goes with the headers.
 * Owner: copied. Thread: owner. Errors: ARC_EINVAL, ARC_ECONFLICT (too late), ARC_ECANCELLED (the
 * call has ended), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_call_send_headers(arc_grpc_call *call,
                                                           const arc_grpc_field *fields,
                                                           size_t count, arc_err *err);
/**
 * Server, before the headers: what its messages are compressed with. Owner: none. Thread: owner.
 * Errors: ARC_EUNIMPLEMENTED (the client does not take it), ARC_ECONFLICT (too late). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_call_set_encoding(arc_grpc_call *call, uint32_t encoding,
                                                           arc_err *err);
/** For arc_grpc_call_send_with: this message is not compressed; or it is, however short. */
#define ARC_GRPC_SEND_PLAIN 1u
#define ARC_GRPC_SEND_PACKED 2u
/**
 * Takes the message whole or not at all. A message that does not fit beside what is queued is
 * answered with ARC_EAGAIN (on_writable follows); one that meets an empty queue always fits.
 * Owner: copied. Thread: owner. Errors: ARC_EAGAIN, ARC_ELIMIT (message_send_max_bytes),
 * ARC_ECONFLICT (after finish or half_close), ARC_ECANCELLED (the call has ended), ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_call_send(arc_grpc_call *call, arc_slice message,
                                                   arc_err *err);
/**
 * The same with ARC_GRPC_SEND_…. ARC_GRPC_SEND_PACKED on a call without an encoding sends it plain.
 * Without flags, on a call with one, a message is compressed from compress_min_bytes on, and sent
 * plain after all where that makes it no shorter. The queue's bounds count its plain size first.
 * Owner: copied. Thread: owner. Errors: as arc_grpc_call_send. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_grpc_call_send_with(arc_grpc_call *call, arc_slice message,
                                                        uint32_t flags, arc_err *err);
/** In on_message: 1, it came compressed. Owner: none. Thread: owner. Since: 0.1. */
ARC_API int32_t arc_grpc_call_was_packed(const arc_grpc_call *call);
/**
 * Client: no more messages. Repeating it does nothing. Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_call_half_close(arc_grpc_call *call);
/**
 * Server: what is queued, then the status (a code that gRPC does not have is UNKNOWN). Without a
 * message before it, headers and status are one block (Trailers-Only). A client that is still
 * sending is told to stop (RST_STREAM NO_ERROR). Events but on_close end. Owner: copied.
 * Thread: owner. Errors: ARC_EINVAL (metadata; nothing happened), ARC_ECONFLICT (twice),
 * ARC_ECANCELLED; ARC_ENOMEM: the stream is reset instead. Since: 0.1.
 */
ARC_API arc_status arc_grpc_call_finish(arc_grpc_call *call, int32_t code, arc_slice message,
                                        const arc_grpc_field *fields, size_t count, arc_err *err);
/**
 * Resets the stream. on_status (client, CANCELLED) and on_close come with the next tick.
 * Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_call_cancel(arc_grpc_call *call);
/**
 * The same without any further event: the handle is dead when it returns. Owner: takes.
 * Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_call_drop(arc_grpc_call *call);

/** No events of reading until resume. Owner: none. Thread: owner. Since: 0.1. */
ARC_API void arc_grpc_call_pause(arc_grpc_call *call);
/**
 * What was held back by a pause comes with the next tick. Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API void arc_grpc_call_resume(arc_grpc_call *call);

/**
 * Brings the deadline nearer, or sets one. Owner: none. Thread: owner. Errors: ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API arc_status arc_grpc_call_set_deadline(arc_grpc_call *call, uint64_t deadline_ns,
                                              arc_err *err);
/** ARC_GRPC_NEVER: none. Owner: none. Thread: owner. Since: 0.1. */
ARC_API uint64_t arc_grpc_call_get_deadline(const arc_grpc_call *call);
/** Bytes that wait to be sent. Owner: none. Thread: owner. Since: 0.1. */
ARC_API size_t arc_grpc_call_get_queued(const arc_grpc_call *call);

ARC_END_DECLS

#endif
