/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the PostgreSQL store share: its connections, its calls, and who does what.
 *
 *   pg.c         the port; which connection is made when, deadlines, ends of calls
 *   pg_setup.c   what a new connection is asked before it is used: settings, schema, session
 *   pg_commit.c  a batch as statements in one transaction
 *   pg_claim.c   a claim in the place of its changes
 *   pg_query.c   a query as statements, and its rows
 *
 * A link's statements are answered in the order in which they were sent, so a ring of what was
 * sent says whose the next answer is. */
#ifndef ARC_STORE_PG_PRIVATE_H
#define ARC_STORE_PG_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "store/pg.h"
#include "store/pg_code.h"
#include "store/pg_plan.h"
#include "store/pg_wire.h"

#define ARC_PG_RING 128u               /* statements that are not answered */
#define ARC_PG_SELECTS_MAX 64u         /* prepared for queries */
#define ARC_PG_TRIES_MAX 5u            /* of a call that lost its connection, a deadlock, … */
#define ARC_PG_FOLLOW (ARC_PG_SET + 1) /* in place of a verb: events that follow the log */
#define ARC_PG_UNFLUSHED 65536u        /* bytes after which the socket is looked at */

enum arc_pg_sent_kind {
    ARC_PG_SENT_OTHER, /* that it failed is all that matters */
    ARC_PG_SENT_STAMP, /* the number of the commit, under the epoch of the connection */
    ARC_PG_SENT_LOG,   /* the end of the log is moved; its answer is the shift */
    ARC_PG_SENT_CHANGE,
    ARC_PG_SENT_COMMIT,
    ARC_PG_SENT_NOTIFY,  /* comes too late to fail */
    ARC_PG_SENT_PREPARE, /* slot: of a select, by number; of a change none */
    ARC_PG_SENT_ROWS,
    ARC_PG_SENT_COUNT,
    ARC_PG_SENT_SYNC, /* the end of what belongs together */
};

struct arc_pg_sent {
    uint8_t kind, table, verb;
    uint32_t select;          /* the number of a prepared select */
    struct arc_pg_call *call; /* NULL: the link's own, or one that has ended */
};

struct arc_pg_select {
    char *sql;
    uint64_t used_at; /* 0: free */
    uint32_t number;  /* its name is "s<number>" */
};

enum arc_pg_phase { ARC_PG_DOWN, ARC_PG_STARTING, ARC_PG_SETUP, ARC_PG_READY };

struct arc_pg_link {
    struct arc_pg_wire wire;
    int is_writer;
    enum arc_pg_phase phase;
    int step;          /* of the setup */
    uint32_t answers;  /* within the step */
    uint32_t attempts; /* since it was ready */
    uint64_t retry_at_ns;
    uint64_t heard_ns; /* when the phase began or the server was heard last */
    struct arc_pg_sent ring[ARC_PG_RING];
    uint32_t first, count;
    uint32_t unasked; /* statements since the server was asked to answer */
    size_t unlooked;  /* bytes since the socket was looked at */
    int is_spoiled;   /* 1: a new connection is wanted */
    int stamp_is_prepared;
    /* By table and verb, 1: prepared, 2: sent to be. The last ones are pg_commit.c's own. */
    uint8_t changes[ARC_TABLE_COUNT + 1][ARC_PG_FOLLOW + 1];
    struct arc_pg_select selects[ARC_PG_SELECTS_MAX];
    uint64_t select_uses;
    uint32_t select_numbers;
};

/* A commit or a query from its call to its done. */
struct arc_pg_call {
    struct arc_link link;
    uint64_t deadline_ns;
    void *user;
    uint32_t tries;    /* that failed */
    int stage;         /* what is sent next */
    int is_sent;       /* 1: something went out on the connection that there is now */
    arc_status status; /* what failed first; ARC_OK: nothing yet */
    arc_err err;
    int again; /* 1: what failed may go well when it is tried again */
    /* a commit */
    arc_commit_done commit_done;
    struct arc_pg_plan plan;
    size_t group;    /* the next one */
    int log_is_sent; /* 1: what moves the end of the log */
    int64_t shift;
    int64_t number;  /* 0: it has never been sent */
    int may_be_done; /* 1: its COMMIT went out and no answer came */
    int is_done;     /* 1: the answer came */
    struct arc_claim claim;
    int is_claim;
    /* a query; of a claim, its rows */
    arc_query_done query_done;
    struct arc_query query;
    struct arc_arena *arena;
    struct arc_rows rows;
    int has_rows;
};

/* What a database holds of the schema. */
struct arc_pg_look {
    uint32_t columns[ARC_TABLE_COUNT];
    uint64_t indexes[ARC_TABLE_COUNT]; /* by number */
    int commit_columns;
    int is_signed, has_log;
};

struct arc_pg_store {
    struct arc_store base;
    struct arc_mem mem;
    struct arc_store_pg_options options; /* every number set */
    struct arc_pg_url url;
    int epoll_fd;
    struct arc_pg_link writer, reader;
    struct arc_link commits, queries; /* struct arc_pg_call, oldest first */
    size_t call_count;
    int64_t session, epoch; /* session 0: there is none yet */
    int64_t number;         /* of the last commit that was sent */
    int64_t stored;         /* as the session's row said when it was taken up, */
    int64_t stored_shift;   /* and by how much that commit's events were moved */
    int session_found;      /* 1: the row was there, or has been made */
    int is_held;            /* 1: the lock that keeps others away is ours */
    char holder[80];        /* who has it otherwise */
    int64_t server;         /* when the writer's server was started */
    int schema_is_ready, was_ready;
    arc_store_changed changed; /* NULL: nobody watches */
    void *changed_user;
    struct arc_pg_heard heard; /* to be told of */
    struct arc_pg_look look;
    arc_err why;    /* why there is no connection */
    arc_err poison; /* status ARC_OK: none */
    struct arc_buf sql;
    struct arc_pg_params params;
    uint32_t depth; /* of done callbacks */
    int dispatching, closing;
};

/* --- pg.c ------------------------------------------------------------------------------------ */

uint64_t arc__pg_now(const struct arc_pg_store *self);
/* The status of a failure that the server or libpq has told, with what was said. *again may be
 * NULL. */
arc_status arc__pg_fail(const struct arc_pg_store *self, const struct arc_pg_result *result,
                        int *again, arc_err *err);
/* The session's row is gone: what others have written since is not known here. */
arc_status arc__pg_fail_session(arc_err *err);
/* Remembers that something was sent. */
void arc__pg_note(struct arc_pg_link *link, enum arc_pg_sent_kind kind, struct arc_pg_call *call);
struct arc_pg_sent *arc__pg_last_note(struct arc_pg_link *link);
/* 1: a statement may be sent now. */
int arc__pg_room(const struct arc_pg_link *link);
/* Closes the connection; what was under way on it is sent again, or ended. */
void arc__pg_lost(struct arc_pg_store *self, struct arc_pg_link *link, const arc_err *why);
/* Sends what is needed after a number of bytes or statements. 0: the wire failed. */
int arc__pg_paced(struct arc_pg_link *link, size_t bytes);
void arc__pg_end_commit(struct arc_pg_store *self, struct arc_pg_call *call, arc_status status,
                        const arc_err *err);
void arc__pg_end_query(struct arc_pg_store *self, struct arc_pg_call *call, arc_status status,
                       const arc_err *err);

/* --- pg_setup.c ------------------------------------------------------------------------------ */

/* The wire is open: begins to ask. */
arc_status arc__pg_setup_begin(struct arc_pg_store *self, struct arc_pg_link *link, arc_err *err);
/* Reads what has come; the phase is ARC_PG_READY when all went well. */
arc_status arc__pg_setup_go_on(struct arc_pg_store *self, struct arc_pg_link *link, arc_err *err);

/* --- pg_commit.c ----------------------------------------------------------------------------- */

/* Sends what there is room for. 0: the wire failed. */
int arc__pg_commit_send(struct arc_pg_store *self, struct arc_pg_link *link,
                        struct arc_pg_call *call);
/* 1: all of it was sent. */
int arc__pg_commit_is_sent(const struct arc_pg_call *call);
void arc__pg_commit_answer(struct arc_pg_store *self, struct arc_pg_link *link,
                           const struct arc_pg_sent *sent, const struct arc_pg_result *result);
/* Everything that was sent of it has been answered. */
void arc__pg_commit_over(struct arc_pg_store *self, struct arc_pg_link *link,
                         struct arc_pg_call *call);
/* A new connection is ready: what became of the commit that was under way on the last one. */
void arc__pg_commit_resolve(struct arc_pg_store *self);

/* --- pg_claim.c ------------------------------------------------------------------------------ */

/* A call with a copy of the claim. NULL: no memory. */
struct arc_pg_call *arc__pg_claim_new(const struct arc_mem *mem, const struct arc_claim *claim);
/* The next one of its statements. 0: the wire failed. *over: it was the last. */
int arc__pg_claim_send(struct arc_pg_store *self, struct arc_pg_link *link,
                       struct arc_pg_call *call, int *over);

/* --- pg_query.c ------------------------------------------------------------------------------ */

/* A call with a copy of the query. NULL: no memory. */
struct arc_pg_call *arc__pg_query_new(const struct arc_mem *mem, const struct arc_query *query);
/* The rows of an answer, copied into the call's arena. ARC_ENOMEM, ARC_ELIMIT. */
arc_status arc__pg_read_rows(struct arc_pg_call *call, const struct arc_pg_result *result,
                             arc_err *err);
int arc__pg_query_send(struct arc_pg_store *self, struct arc_pg_link *link,
                       struct arc_pg_call *call);
/* 1: all of it was sent. */
int arc__pg_query_is_sent(const struct arc_pg_call *call);
void arc__pg_query_answer(struct arc_pg_store *self, struct arc_pg_link *link,
                          const struct arc_pg_sent *sent, const struct arc_pg_result *result);
void arc__pg_query_over(struct arc_pg_store *self, struct arc_pg_call *call);
void arc__pg_selects_drop(struct arc_pg_store *self, struct arc_pg_link *link);

#endif
