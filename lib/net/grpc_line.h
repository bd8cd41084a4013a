/* SPDX-License-Identifier: Apache-2.0 */
/* One sub-connection of a channel: addresses that are tried in order, a back-off of its own, and
 * the connection that came of it. With pick-first a channel has one line with every address, with
 * round robin a line for each. It comes back after a loss with exponential back-off and full jitter
 * (each wait is random between nothing and the present bound), so that ten thousand agents do not
 * return in one wave.
 *
 *     IDLE -- begin --> CONNECTING -- the server speaks --> READY -- lost, GOAWAY --> IDLE
 *                        |    ^                                                        |
 *           no address left   +-- begin -- BACKOFF <--- lost or sent away too soon ----+
 *                        +---------------> (the wait is over: the channel begins or rests it)
 *
 * A connection is READY with the first SETTINGS, not with TCP: who accepts and says nothing is one
 * of those that do not answer. One that is told to go (GOAWAY) leaves its line with the calls it
 * has and ends when they do.
 * Must stay true: nothing is freed but in arc__lines_sweep, arc__lines_close and from the hub's
 * tick, so an event may do whatever a channel's functions do. Thread: owner. */
#ifndef ARC_NET_GRPC_LINE_H
#define ARC_NET_GRPC_LINE_H

#include <arcentra/client.h>

#include "net/grpc_pipe.h"
#include "net/tls.h"

struct arc_grpc_line;

struct arc_grpc_place {
    struct arc_addr addr;
    char host[ARC_ADDR_HOST_SIZE]; /* what the certificate must say */
};

/* What all lines of a channel share. */
struct arc_grpc_lines {
    struct arc_pipe_hub hub;
    struct arc_tls_ctx *tls;       /* NULL: plaintext */
    struct arc_grpc_config config; /* of each connection, but for its peer, owner and seed */
    const struct arc_grpc_keeper *keeper;
    uint64_t backoff_min_ns, backoff_max_ns;
    struct arc_link cables; /* connections, also those that leave */
    size_t leaving;
    struct arc_link gone; /* lines to be freed */
    void *user;
    /* A line came to another state. err: why, where it failed; NULL else. */
    void (*on_state)(void *user, struct arc_grpc_line *line, const arc_err *err);
};

struct arc_grpc_cable;

struct arc_grpc_line {
    struct arc_grpc_lines *lines;
    struct arc_link gone;
    struct arc_grpc_place *places;
    size_t place_count;
    size_t next_place;            /* of this attempt */
    struct arc_grpc_cable *cable; /* CONNECTING, READY; else NULL */
    int32_t state;                /* ARC_GRPC_CHANNEL_… */
    uint64_t backoff_ns;          /* bound of the next wait */
    uint64_t retry_at;            /* in BACKOFF */
};

/* Connections that finish their calls after a GOAWAY, beside those in use; while there are more, no
 * other is made. */
#define ARC_GRPC_LEAVING_MAX ARC_GRPC_ADDRESSES_MAX

/* lines->hub, tls, config, keeper, backoff and on_state are set by the owner. */
void arc__lines_init(struct arc_grpc_lines *lines);
void arc__lines_sweep(struct arc_grpc_lines *lines);
/* Ends every connection and its calls, frees lines that are gone; then the hub. */
void arc__lines_close(struct arc_grpc_lines *lines);
size_t arc__lines_calls(const struct arc_grpc_lines *lines);

/* places: copied. NULL: no memory. */
struct arc_grpc_line *arc__line_new(struct arc_grpc_lines *lines,
                                    const struct arc_grpc_place *places, size_t count);
/* Its connection finishes its calls; the line is freed by the next sweep. */
void arc__line_free(struct arc_grpc_line *line);
/* Other addresses; a connection to one that stays is kept. Takes places. */
void arc__line_set_places(struct arc_grpc_line *line, struct arc_grpc_place *places, size_t count);
int arc__line_same_place(const struct arc_grpc_place *a, const struct arc_grpc_place *b);

void arc__line_begin(struct arc_grpc_line *line); /* IDLE or BACKOFF: to CONNECTING, or BACKOFF */
void arc__line_rest(struct arc_grpc_line *line);  /* BACKOFF: to IDLE */
void arc__line_drain(struct arc_grpc_line *line); /* READY: to IDLE; its calls go on */
void arc__line_tick(struct arc_grpc_line *line);  /* after the hub's */
/* Where calls may be opened now, or NULL. */
struct arc_grpc_conn *arc__line_conn(const struct arc_grpc_line *line);
/* A call was opened on it. */
void arc__line_use(struct arc_grpc_line *line);

#endif
