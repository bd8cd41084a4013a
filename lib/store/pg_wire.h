/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to a server: the only file that knows how libpq sends and receives. Nothing here
 * waits; the descriptor is kept in the epoll instance of the store. */
#ifndef ARC_STORE_PG_WIRE_H
#define ARC_STORE_PG_WIRE_H

#include "store/pg_url.h"

enum arc_pg_wire_state { ARC_PG_CLOSED, ARC_PG_CONNECTING, ARC_PG_OPEN };

struct arc_pg_wire {
    void *conn; /* PGconn */
    enum arc_pg_wire_state state;
    int epoll_fd, fd; /* fd -1: none is watched */
    uint32_t tag;     /* what epoll says of it */
    uint32_t events;
    int pipeline;  /* 1: statements go out without waiting for answers */
    int unflushed; /* 1: bytes wait for the socket */
};

enum arc_pg_kind {
    ARC_PG_ROWS, /* of a statement, also none */
    ARC_PG_DONE, /* a statement that has no rows went well */
    ARC_PG_FAILED,
    ARC_PG_SKIPPED, /* because one before it in the pipeline failed */
    ARC_PG_END,     /* all of a statement's answers have been read */
    ARC_PG_SYNCED,  /* the answer to a sync */
};

struct arc_pg_result {
    enum arc_pg_kind kind;
    void *handle; /* PGresult */
    int32_t rows;
    char state[6]; /* SQLSTATE of a failure; empty: libpq failed */
};

/* Errors: ARC_ENOMEM, ARC_EUNAVAILABLE. */
arc_status arc__pg_wire_start(struct arc_pg_wire *wire, const struct arc_pg_url *url, arc_err *err);
void arc__pg_wire_close(struct arc_pg_wire *wire);
/* Goes on connecting, or reads and writes what the socket has and takes. ARC_EUNAVAILABLE: the
 * connection is gone. */
arc_status arc__pg_wire_turn(struct arc_pg_wire *wire, const struct arc_pg_url *url, arc_err *err);
/* From now on statements are pipelined, where libpq can do that and wanted is 1. 0: it failed. */
int arc__pg_wire_pipeline(struct arc_pg_wire *wire, int wanted);

/* 1: *out is the next answer, to be freed. 0: none has come yet. Only while an answer is owed. */
int arc__pg_wire_next(struct arc_pg_wire *wire, struct arc_pg_result *out);
void arc__pg_result_free(struct arc_pg_result *result);
arc_slice arc__pg_value(const struct arc_pg_result *result, int32_t row, int32_t col);
/* What the server or libpq said, on one line and without secrets. */
void arc__pg_result_message(const struct arc_pg_result *result, const struct arc_pg_url *url,
                            char *out, size_t size);
void arc__pg_wire_message(const struct arc_pg_wire *wire, const struct arc_pg_url *url, char *out,
                          size_t size);
/* 1: the connection has ended. */
int arc__pg_wire_is_bad(const struct arc_pg_wire *wire);

/* What other sessions have said of their commits. */
struct arc_pg_heard {
    uint32_t tables; /* a bit for each; 0: nothing was said */
    int64_t last;    /* position; 0: none was said */
};
/* Adds what has been said since this was asked last. */
void arc__pg_wire_hear(struct arc_pg_wire *wire, struct arc_pg_heard *heard);

/* Each answers 0 where libpq could not take it: the connection is of no use then. A script is
 * several statements with text results, and goes before the pipeline; the others have binary ones.
 */
int arc__pg_send_script(struct arc_pg_wire *wire, const char *sql);
int arc__pg_send_plain(struct arc_pg_wire *wire, const char *sql);
int arc__pg_send_prepare(struct arc_pg_wire *wire, const char *name, const char *sql);
int arc__pg_send_prepared(struct arc_pg_wire *wire, const char *name, int count,
                          const char *const *values, const int *lengths, const int *formats);
/* Nothing without a pipeline. */
int arc__pg_send_sync(struct arc_pg_wire *wire);
/* The server is asked to answer what it has done, though no sync comes. */
int arc__pg_send_flush_request(struct arc_pg_wire *wire);
/* Writes what the socket takes, and watches for the rest. */
int arc__pg_wire_flush(struct arc_pg_wire *wire);

#endif
