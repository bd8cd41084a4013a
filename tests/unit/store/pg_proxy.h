/* SPDX-License-Identifier: Apache-2.0 */
/* Stands between a store and its server and moves their bytes, in the test's own loop: it can hold
 * what goes one way and cut one side off, so that a test decides at which byte a connection
 * breaks. */
#ifndef ARC_TEST_PG_PROXY_H
#define ARC_TEST_PG_PROXY_H

#include "pg_server.h"

#define PG_PROXY_LINES 16

struct pg_line {
    int client, server; /* -1: closed */
};

struct pg_proxy {
    const struct pg_server *behind;
    char dir[64]; /* its socket is in it */
    int listener;
    struct pg_line lines[PG_PROXY_LINES];
    size_t line_count;
    /* Of lines that are there: bytes to the server, or to the client, that still pass; -1: all.
     * Others wait where they are. New lines are not held. */
    int64_t to_server, to_client;
    size_t held_lines; /* the first so many are meant */
    uint64_t moved;    /* bytes, both ways; the test sets it back */
};

int pg_proxy_open(struct pg_proxy *proxy, const struct pg_server *behind);
void pg_proxy_close(struct pg_proxy *proxy);
/* Moves what can be moved now. */
void pg_proxy_turn(struct pg_proxy *proxy);
/* From now on so many bytes pass on the lines that are there. */
void pg_proxy_hold(struct pg_proxy *proxy, int64_t to_server, int64_t to_client);
/* Everything passes again. */
void pg_proxy_release(struct pg_proxy *proxy);
/* The lines that are there end for the client; for the server as well where both is 1. */
void pg_proxy_cut(struct pg_proxy *proxy, int both);
/* The lines that are there end for both, in order: each side has heard what had come here. */
void pg_proxy_end(struct pg_proxy *proxy);
/* Lines that have ended are forgotten, so that there is room for more. */
void pg_proxy_forget(struct pg_proxy *proxy);
/* Held lines end for the server, which never hears the rest. */
void pg_proxy_drop_held(struct pg_proxy *proxy);

#endif
