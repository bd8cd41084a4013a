/* SPDX-License-Identifier: Apache-2.0 */
/* The store on a PostgreSQL server (13 or newer), through libpq, without ever waiting for it.
 *
 * Two connections: one commits, the other reads. Both are made, used and made again from dispatch
 * alone; a call that comes while there is none waits for it, up to its deadline. A batch is one
 * transaction, sent as a whole in one pipeline: rows of a table that meet the same verb go in one
 * statement, and a statement that does not find what it expects fails on the server, so that no
 * answer must be awaited on the way.
 *
 * What must stay true: `done` says ARC_OK after the server said so, or after the stored number of
 * the last commit said so. Each transaction writes its number into the row of this session in
 * t_commit, if that row has the epoch of the connection. A new connection raises the epoch first:
 * that waits for a transaction that the old backend may still be running, and one that it has not
 * begun can never succeed. So what became of a batch whose answer was lost is read, not guessed;
 * it is reported done, or sent again. Nothing is read either before that is known.
 *
 * Where it is shared, the events of a batch that follow the log are placed by the transaction
 * itself, which locks the end of the log (t_log) for its last statements: positions are in the
 * order of the commits.
 *
 * Unless it is shared, the database (to be exact: its schema) is held by one process, by a lock
 * that ends with the connection. Where another one has taken it over meanwhile, the session's row
 * is gone and nothing more is written.
 *
 * After an error of the server's disk or files (58xxx, XX001, XX002) nothing is acknowledged any
 * more until the store is opened anew.
 *
 * Secrets: the password is never part of an error. libpq is given every setting that it would
 * otherwise read from the environment; docs/POSTGRES.md names what it reads all the same. */
#ifndef ARC_STORE_PG_H
#define ARC_STORE_PG_H

#include "base/mem.h"
#include "port/store.h"

struct arc_store_pg_options {
    size_t size;                    /* sizeof */
    uint64_t (*now_ns)(void *user); /* monotonic; must be given */
    void *now_user;
    const char *hostaddr;  /* addresses of the URL's hosts, with commas; NULL: host names are looked
                              up while the store is opened, which may take its time */
    uint32_t connect_ms;   /* an attempt to connect; 0: 5,000 */
    uint32_t statement_ms; /* a statement on the server; 0: 10,000 */
    uint32_t lock_ms;      /* waiting for a lock on the server; 0: 5,000 */
    uint32_t call_ms;      /* a commit or query in all, with waiting and reconnecting; 0: 30,000 */
    uint32_t tcp_user_ms;  /* bytes sent and not acknowledged; 0: 15,000 */
    uint32_t retry_ms;     /* between attempts to connect, doubled up to 32 times; 0: 100 */
    uint32_t calls_max;    /* that are not done; one more is ARC_ELIMIT; 0: 100,000 */
    int32_t without_pipeline; /* 1: one statement after another, as with libpq 13 */
    int32_t shared;           /* 1: other processes may have the database as well */
    int32_t must_exist;       /* 1: a database without our tables is ARC_ENOTFOUND */
};
#define ARC_STORE_PG_OPTIONS_INIT \
    { \
        sizeof(struct arc_store_pg_options), NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/* Begins to connect to the database that the URL names ("postgres://user@host/database") and
 * answers at once: what the server has to say is in health and in the calls. The schema is made, or
 * extended by the columns, tables and indexes that a newer version brought, on the first
 * connection.
 *
 * The URL must name a user. Unless it says sslmode, that is verify-full for a host that is neither
 * a Unix socket nor this machine.
 *
 * Errors: ARC_EINVAL (the URL; now_ns), ARC_EUNAVAILABLE (a host name is not known), ARC_EIO (no
 * descriptor), ARC_ENOMEM; ARC_EUNIMPLEMENTED where the store was left out of the build.
 *
 * Errors of commit and query: ARC_ECONFLICT (also: another process has the database; the message
 * names it), ARC_ELIMIT (calls_max, a row of more than 256 MiB, the
 * server's disk is full), ARC_EUNAVAILABLE (no connection, a deadline; of a commit nothing happened
 * unless the message says that it is not known), ARC_EPRECONDITION (the database is not one of this
 * library, or of a newer version; the server is too old or not UTF-8), ARC_EIO, ARC_EINTERNAL,
 * ARC_ENOMEM. Until a connection has been made once, a failed attempt ends what waits for it; later
 * the calls wait for their deadline. */
arc_status arc__store_pg_open(const struct arc_mem *mem, const char *url,
                              const struct arc_store_pg_options *options, struct arc_store **out,
                              arc_err *err);

#endif
