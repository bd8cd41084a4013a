/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine asks of a store: commit a batch, answer a query, and take part in the loop.
 * One contract suite (tests/unit/store/store_contract.c) says what correct is, for every store.
 *
 * A store has one owner thread. `done` may be called before commit or query returns (a store that
 * works at once) or later from dispatch (one that asks a server); never from another thread, and
 * exactly once for every call that returned ARC_OK, never for one that did not. From inside `done`
 * further calls may be made; dispatch and close may not.
 */
#ifndef ARC_PORT_STORE_H
#define ARC_PORT_STORE_H

#include "base/arena.h"
#include "port/tables.h"

enum arc_store_verb {
    ARC_STORE_INSERT, /* the key (and every UNIQUE value) must be new, else ARC_ECONFLICT */
    ARC_STORE_PUT,    /* insert or replace the whole row */
    ARC_STORE_UPDATE, /* the row must be there with version == expect_version, else ARC_ECONFLICT;
                         replaces the whole row (which carries its new version) */
    ARC_STORE_DELETE, /* by key alone; nothing there is fine */
};

struct arc_store_op {
    enum arc_store_verb verb;
    enum arc_table table;
    const void *row; /* struct arc_row_<table>; borrowed until done */
    int64_t expect_version;
};

/* All or nothing, in order; later operations see earlier ones. Durable when done says ARC_OK.
 *
 * follow: 0: events stand at the positions that they have. 1: the events are all inserted, at
 * positions that are consecutive in the order of the operations; the store moves them so that the
 * first one follows the last event of the store, and done says by how much. They are inserted after
 * everything else of the batch. Positions are in the order of the commits then, without gaps, also
 * where several processes write. A store that only one process can have may take the positions as
 * they are. */
struct arc_store_batch {
    const struct arc_store_op *ops;
    size_t count; /* at most ARC_STORE_BATCH_MAX */
    int follow;
};
#define ARC_STORE_BATCH_MAX 100000

enum arc_filter_op {
    ARC_FILTER_EQ,
    ARC_FILTER_NE,
    ARC_FILTER_LT,
    ARC_FILTER_LE,
    ARC_FILTER_GT,
    ARC_FILTER_GE,
    ARC_FILTER_IN,       /* INT columns: any of ints[0..int_count) */
    ARC_FILTER_CONTAINS, /* TEXT columns: the text stands somewhere in it, bytewise */
};

struct arc_filter {
    uint32_t col; /* ARC_COL_<table>_<name> */
    enum arc_filter_op op;
    arc_slice text; /* for TEXT and BLOB columns; compared bytewise */
    int64_t number; /* for INT columns */
    const int64_t *ints;
    size_t int_count;
};

#define ARC_QUERY_FILTERS_MAX 8

/* Rows that pass every filter, ordered by order_col and then by the key. */
struct arc_query {
    enum arc_table table;
    struct arc_filter filters[ARC_QUERY_FILTERS_MAX];
    size_t filter_count;
    int32_t order_col; /* -1: by the key */
    int descending;    /* both order_col and key */
    size_t limit;      /* 0: no limit but max_bytes of the arena */
    size_t offset;
    int want_total;   /* also count what the filters pass, without limit and offset */
    size_t total_max; /* counting may stop there; 0: it goes to the end */
};

struct arc_rows {
    const void *rows; /* array of struct arc_row_<table>, in the arena of the query */
    size_t count;
    int64_t total; /* when wanted, else count */
};

/* Takes rows that are free: those whose until_col is not after now_ns. The first ones in the order
 * of the key get by and until_ns (and the next version, where the table has one) and are answered
 * as they are then. Two processes never get the same row before until_ns, and none waits for
 * another: rows that somebody takes just now are passed over. One's own claim that was never
 * answered is free again after until_ns as well. */
struct arc_claim {
    enum arc_table table;
    uint32_t by_col, until_col; /* a TEXT and an INT without flags */
    arc_slice by;
    int64_t now_ns, until_ns; /* of the caller's clock; until_ns is later */
    size_t limit;             /* 1 … ARC_STORE_CLAIM_MAX */
};
#define ARC_STORE_CLAIM_MAX 1000

/* shift: by how much the positions of the events were moved; 0 unless the status is ARC_OK. */
typedef void (*arc_commit_done)(void *user, arc_status status, int64_t shift, const arc_err *err);
typedef void (*arc_query_done)(void *user, arc_status status, const struct arc_rows *rows,
                               const arc_err *err);

/* Subjects of health with ARC_ELIMIT. FULL: what room is left is for what has begun; nothing new
 * should be. LOG: the store's own log has grown past its limit, and commits go on as before. */
#define ARC_STORE_FULL "store.full"
#define ARC_STORE_LOG "store.log"

struct arc_store; /* the adapter's own */

struct arc_store_ops {
    size_t size; /* sizeof; new functions are appended */
    /* ARC_OK, ARC_ECONFLICT (nothing happened; the subject names the table), ARC_EUNAVAILABLE,
     * ARC_EIO, ARC_ELIMIT, ARC_ENOMEM. Of a store that asks a server, ARC_EUNAVAILABLE may also
     * mean that it is not known what became of the batch, as the message says; what is read
     * afterwards tells. After ARC_EIO of a sync the store is poisoned: every later commit is
     * ARC_EIO until it is opened anew. */
    arc_status (*commit)(struct arc_store *store, const struct arc_store_batch *batch,
                         arc_commit_done done, void *user, arc_err *err);
    /* Rows are copied into arena, which lives until done has returned at least. */
    arc_status (*query)(struct arc_store *store, const struct arc_query *query,
                        struct arc_arena *arena, arc_query_done done, void *user, arc_err *err);
    int (*fd)(struct arc_store *store);         /* -1: none */
    int (*timeout_ms)(struct arc_store *store); /* -1: none */
    arc_status (*dispatch)(struct arc_store *store, arc_err *err);
    /* ARC_OK while commits can succeed. ARC_ELIMIT: they still do, but a limit was passed that
     * somebody should know of; the subject says which. Else why they cannot. */
    arc_status (*health)(struct arc_store *store, arc_err *err);
    void (*close)(struct arc_store *store); /* NULL is fine; pending calls end ARC_ECANCELLED */
    /* changed is called from dispatch when events of another process may be there, or may have come
     * while nobody listened; the fd wakes for it. A hint: it may come for nothing and may fail to
     * come, so whoever needs to know looks at times all the same. Calls may be made from inside it
     * as from done. changed NULL: no more. NULL for a store that nobody else can write to. */
    void (*watch)(struct arc_store *store, void (*changed)(void *user), void *user);
    /* One transaction; errors as commit's, and ARC_ELIMIT where the rows do not fit into the arena.
     * After an error some rows may have been taken all the same. */
    arc_status (*claim)(struct arc_store *store, const struct arc_claim *claim,
                        struct arc_arena *arena, arc_query_done done, void *user, arc_err *err);
};

/* Every adapter's struct begins with this. */
struct arc_store {
    const struct arc_store_ops *ops;
};

#endif
