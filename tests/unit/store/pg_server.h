/* SPDX-License-Identifier: Apache-2.0 */
/* A PostgreSQL server of the test's own: started when it is first wanted, on a socket in a
 * temporary directory, as an unprivileged user where the test runs as root, and gone when the
 * program ends. Databases are ordered as German would be, so that only what asks for bytes gets
 * them. */
#ifndef ARC_TEST_PG_SERVER_H
#define ARC_TEST_PG_SERVER_H

#include <sys/types.h>

#include "store/pg.h"

struct pg_server {
    char dir[64]; /* the socket is in it */
    pid_t pid;
    int is_small; /* its files have been moved */
};

/* The program's one server, running. NULL: the case has been skipped, or has failed. */
struct pg_server *pg_server_get(void);

/* The server's files are moved to a file system of their own, of so many MiB, which ends with the
 * program. 0: the case has been skipped, or has failed. */
int pg_server_shrink(struct pg_server *server, unsigned mib, const char *const *options);
/* 1: whatever room is left on it is taken; 0: that is given back. */
void pg_server_fill(const struct pg_server *server, int full);
/* Whether the server's first process is there. */
int pg_server_lives(struct pg_server *server);

/* Another set of options of postgres from now on: the server is restarted with them. */
int pg_server_restart(struct pg_server *server, const char *const *options);
/* The server also listens on 127.0.0.1 from now on, with TLS under a certificate for "localhost"
 * that it signed itself (root.crt in dir). The port; 0: that failed. */
int pg_server_listen(struct pg_server *server);
/* SIGQUIT: as a crash would end it, and waits until it is gone; then up again. */
void pg_server_crash(struct pg_server *server);
int pg_server_start(struct pg_server *server, const char *const *options);
/* The processes of the server that do the work of a client stop, or go on; all of them. */
void pg_server_freeze(struct pg_server *server, int frozen);

/* "postgres://arc@/arc?host=DIR" with more parameters ("&…") behind. */
const char *pg_server_url(const struct pg_server *server, const char *more, char *out, size_t size);
/* Waits for the end of a statement, on a connection of its own. The first value as a number, 0
 * where there is none; -1: it failed, which is a failed check. */
int64_t pg_server_ask(const struct pg_server *server, const char *sql);
/* A connection that stays open, for locks. */
struct pg_side;
struct pg_side *pg_side_open(const struct pg_server *server);
void pg_side_ask(struct pg_side *side, const char *sql);
/* The same, whatever comes of it. */
void pg_side_try(struct pg_side *side, const char *sql);
void pg_side_close(struct pg_side *side);
/* An empty database with the tables that the last store left. */
void pg_server_empty(const struct pg_server *server);

/* Options with a real clock, which pg_server_pass sets forward. */
struct arc_store_pg_options pg_server_options(void);
void pg_server_pass(uint32_t ms);
/* A store on an empty database; NULL: the case has been skipped, or the status is in err. */
struct arc_store *pg_server_store(const struct arc_mem *mem,
                                  const struct arc_store_pg_options *options, arc_err *err);
/* The store is closed, and another opened upon what is there. */
struct arc_store *pg_server_again(struct arc_store *store, const struct arc_mem *mem,
                                  const struct arc_store_pg_options *options, arc_err *err);

#endif
