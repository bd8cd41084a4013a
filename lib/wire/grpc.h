/* SPDX-License-Identifier: Apache-2.0 */
/* The transport as the library's own rooms see it: <arcentra/grpc.h>, whose functions are made in
 * this room, and what only they need. */
#ifndef ARC_WIRE_GRPC_H
#define ARC_WIRE_GRPC_H

#include <arcentra/grpc.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/grpc_meta.h"

/* *out is *in (NULL: none) with the defaults where it is zero. ARC_EINVAL for a limit out of range.
 */
arc_status arc__grpc_limits_fill(const struct arc_grpc_limits *in, int server,
                                 struct arc_grpc_limits *out, arc_err *err);

/* --- for a channel: calls that outlive their connections ----------------------------------------
 * A LOBBY is a client's connection that never gets a transport. A channel's calls are opened in it
 * and wait there; arc__grpc_call_reopen hands one over to a connection that carries bytes. When
 * that attempt ends before anything of a response came, the keeper is asked; if it wants another,
 * the call comes back to the lobby with all that was sent. Handle, deadline, user and what the
 * application may do with the call are the same all the time.
 *
 *     arc_grpc_call_open(lobby) --> lobby -- reopen --> connection -- on_status --> end
 *                                     ^                     |
 *                                     +--- keeper: again ---+
 *
 * Lobby and connections share their memory and their limits of calls. A response that began, or
 * more than keep_bytes of messages, commits the call: what was sent is then forgotten as it goes.
 */

/* What a channel notes with a call; zero at first. */
struct arc_grpc_again {
    uint64_t at_ns;    /* in the lobby: not before; 0: at once */
    uint64_t bound_ns; /* of the next wait; 0: the first */
    uint32_t attempts; /* that failed, without those that no server has looked at */
    int32_t unseen;    /* 1: was sent again because no server had looked at it */
    int32_t idempotent, wait_for_ready;
};

/* How an attempt ended. */
struct arc_grpc_ending {
    int code;
    arc_grpc_why why;
    int unprocessed, waiting; /* waiting: in the lobby, there was no connection for it */
    int may_again;            /* 0: it is committed, or its end is our own doing */
    arc_slice pushback;       /* grpc-retry-pushback-ms; ptr NULL: none */
    struct arc_grpc_again *note;
};

struct arc_grpc_keeper {
    struct arc_grpc_conn *lobby;
    size_t keep_bytes; /* of messages */
    /* Told of every end but those that the application asked for. 1: another attempt, which only
     * counts where may_again is set. Called from within a pump: it may only take note. */
    int (*ended)(void *owner, const struct arc_grpc_ending *ending);
    void *owner;
};

/* Outlives the connection. For the lobby itself, too. */
void arc__grpc_conn_set_keeper(struct arc_grpc_conn *conn, const struct arc_grpc_keeper *keeper);
struct arc_grpc_again *arc__grpc_call_note(struct arc_grpc_call *call);
/* Path, authority, deadline and what the caller asked for, without the metadata; lives as long as
 * the call waits. */
void arc__grpc_call_describe(const struct arc_grpc_call *call, struct arc_grpc_request *out);
/* From the lobby to a connection, with more metadata. The call stays where it is on failure:
 * ARC_ECANCELLED (it was ended meanwhile, or is not in the lobby any more), ARC_EUNAVAILABLE,
 * ARC_ELIMIT (calls_max of the connection), ARC_EINVAL (metadata), ARC_ENOMEM. */
arc_status arc__grpc_call_reopen(struct arc_grpc_call *call, struct arc_grpc_conn *to,
                                 uint64_t now_ns, const struct arc_grpc_field *fields, size_t count,
                                 arc_err *err);
/* Ends a call that waits in the lobby, without asking the keeper. */
void arc__grpc_call_give_up(struct arc_grpc_call *call, arc_grpc_why why, int code,
                            const char *text);
/* Each call whose time has come; fn may reopen it or give it up. *next: when the next one's time
 * comes. Answers how many of them still wait. */
size_t arc__grpc_lobby_each(struct arc_grpc_conn *lobby, uint64_t now_ns,
                            void (*fn)(void *user, struct arc_grpc_call *call), void *user,
                            uint64_t *next);
/* There is no connection for those whose time has come and that did not ask to wait. */
void arc__grpc_lobby_fail(struct arc_grpc_conn *lobby, uint64_t now_ns, const char *text);
/* ARC_EINVAL: too many, or one that is none. */
arc_status arc__grpc_interceptors_check(const struct arc_grpc_interceptor *const *list,
                                        size_t count, arc_err *err);

/* In on_message of a server's call: 1, the message ends what the client sends, as far as can be
 * seen yet; on_half_close is the next event of reading. 0: it may be so all the same. */
int arc__grpc_call_is_last(const struct arc_grpc_call *call);
/* 1: it can still be answered. */
int arc__grpc_call_is_unanswered(const struct arc_grpc_call *call);
/* What a router notes of a call; NULL from the start. */
void arc__grpc_call_set_route(struct arc_grpc_call *call, const void *route);
const void *arc__grpc_call_get_route(const struct arc_grpc_call *call);
const struct arc_grpc_events *arc__grpc_call_get_events(const struct arc_grpc_call *call);

/* Why the connection is over, in words; NULL: as it should. */
const char *arc__grpc_conn_fault(const struct arc_grpc_conn *conn);

struct arc_grpc_pool;
/* arc_grpc_conn_new with a pool that connections of one owner share (wire/grpc_pool.h); it outlives
 * them. NULL: one of its own. */
arc_status arc__grpc_conn_new(const struct arc_grpc_config *config, struct arc_grpc_pool *pool,
                              uint64_t now_ns, struct arc_grpc_conn **out, arc_err *err);

#endif
