/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A store of the host's own: what a control plane asks of the place where its rows live. Give one
 * as `store` of arc_ctl_options, and the library is as well served as by those that are built in;
 * those are written against the same slots, and pass the same suite (<arcentra/sys/store_suite.h>).
 * docs/CUSTOM_STORE.md shows how to write one; examples/store is one.
 *
 *     struct my_store {
 *         arc_store base;                 // first: what the library sees
 *         ...
 *     };
 *     static const arc_store_ops my_ops = {
 *         sizeof(arc_store_ops), ARC_COLS_ALL, my_commit, my_query, my_fd, my_timeout_ms,
 *         my_dispatch, my_health, my_close, NULL, NULL};
 *
 * What all of it rests on, besides what stands at the slots:
 *
 *   A store has one owner thread: that of the arc_ctl. Every slot is called by it, one at a time,
 *   and `done` is called from it: before commit or query returns (a store that works at once) or
 *   later from dispatch (one that asks a server). Never from another thread.
 *
 *   `done` comes exactly once for each call that answered ARC_OK, never for one that did not. From
 *   inside `done` commit and query may be called again; dispatch answers ARC_EINVAL there, and
 * close may not be called.
 *
 *   No slot may wait for a server, a lock or a person: whoever else is served waits with it. A disk
 *   may be waited for.
 *
 * Of the second tier, as all of sys/: within a minor version it stays as it is.
 */
#ifndef ARCENTRA_SYS_STORE_H
#define ARCENTRA_SYS_STORE_H

#include <arcentra/sys/tables.h>

ARC_BEGIN_DECLS

/* clang-format off */
ARC_NUMBERS(arc_store_verb) {
    ARC_STORE_INSERT, /* the key (and every UNIQUE value) must be new, else ARC_ECONFLICT */
    ARC_STORE_PUT,    /* insert or replace the whole row; FIXED columns of a row that is there are
                         what they were, and need not be written. expect_version is 0, or
                         ARC_STORE_THERE where the row should be there: a store may try that first */
    ARC_STORE_UPDATE, /* the row must be there with version == expect_version, else ARC_ECONFLICT;
                         replaces the whole row (which carries its new version) */
    ARC_STORE_DELETE, /* by key alone; nothing there is fine */
};
#define ARC_STORE_THERE 1
/* clang-format on */

/** One change. An empty text is a length of 0, whatever its pointer is. Since: 0.1. */
typedef struct arc_store_op {
    uint32_t verb;   /* ARC_STORE_… */
    uint32_t table;  /* ARC_TABLE_… */
    const void *row; /* struct arc_row_<table>; borrowed until done */
    int64_t expect_version;
} arc_store_op;

/**
 * All or nothing, in order; later operations see earlier ones. Durable when done says ARC_OK.
 *
 * follow: 0: events stand at the positions that they have. 1: the events are all inserted, at
 * positions that are consecutive in the order of the operations; the store moves them so that the
 * first one follows the last event of the store, and done says by how much. They are inserted after
 * everything else of the batch. Positions are in the order of the commits then, without gaps, also
 * where several processes write. A store that only one process can have may take the positions as
 * they are. Since: 0.1.
 */
typedef struct arc_store_batch {
    const arc_store_op *ops; /* borrowed until done; the batch itself until commit returns */
    size_t count;            /* at most ARC_STORE_BATCH_MAX */
    int follow;
} arc_store_batch;
#define ARC_STORE_BATCH_MAX 100000

/** Bytes of one TEXT or BLOB, and numbers of one ARC_FILTER_IN, that a store takes. */
#define ARC_STORE_VALUE_MAX (64u * 1024u * 1024u)
#define ARC_STORE_IN_MAX 256u

/* clang-format off */
ARC_NUMBERS(arc_filter_op) {
    ARC_FILTER_EQ,
    ARC_FILTER_NE,
    ARC_FILTER_LT,
    ARC_FILTER_LE,
    ARC_FILTER_GT,
    ARC_FILTER_GE,
    ARC_FILTER_IN,       /* INT columns: any of ints[0..int_count) */
    ARC_FILTER_CONTAINS, /* TEXT columns: the text stands somewhere in it, bytewise */
};
/* clang-format on */

/** What a row must meet. Since: 0.1. */
typedef struct arc_filter {
    uint32_t col;   /* ARC_COL_<table>_<name> */
    uint32_t op;    /* ARC_FILTER_… */
    arc_slice text; /* for TEXT and BLOB columns; compared bytewise, the shorter first */
    int64_t number; /* for INT columns */
    const int64_t *ints;
    size_t int_count;
} arc_filter;

#define ARC_QUERY_FILTERS_MAX 8

/** Rows that pass every filter, ordered by order_col and then by the key. Since: 0.1. */
typedef struct arc_query {
    uint32_t table; /* ARC_TABLE_… */
    arc_filter filters[ARC_QUERY_FILTERS_MAX];
    size_t filter_count;
    int32_t order_col; /* -1: by the key */
    int descending;    /* both order_col and key */
    size_t limit;      /* 0: no limit but that of the arena */
    size_t offset;
    int want_total;   /* also count what the filters pass, without limit and offset */
    size_t total_max; /* counting may stop there; 0: it goes to the end */
} arc_query;

/** What was found. Since: 0.1. */
typedef struct arc_rows {
    const void *rows; /* array of struct arc_row_<table>, in the arena of the query */
    size_t count;
    int64_t total; /* when wanted, else count */
} arc_rows;

/**
 * Takes rows that are free: those whose until_col is not after now_ns. The first ones in the order
 * of the key get by and until_ns (and the next version, where the table has one) and are answered
 * as they are then. Two processes never get the same row before until_ns, and none waits for
 * another: rows that somebody takes just now are passed over. One's own claim that was never
 * answered is free again after until_ns as well. Since: 0.1.
 */
typedef struct arc_claim {
    uint32_t table;             /* ARC_TABLE_… */
    uint32_t by_col, until_col; /* a TEXT and an INT without flags */
    arc_slice by;
    int64_t now_ns, until_ns; /* of the caller's clock; until_ns is later */
    size_t limit;             /* 1 … ARC_STORE_CLAIM_MAX */
} arc_claim;
#define ARC_STORE_CLAIM_MAX 1000

/**
 * The ends of calls. user is the caller's. err is borrowed, and NULL where the status is ARC_OK;
 * else it has that status and a sentence. shift: by how much the positions of the events were
 * moved; 0 unless the status is ARC_OK. rows: NULL unless the status is ARC_OK.
 */
typedef void (*arc_commit_done)(void *user, arc_status status, int64_t shift, const arc_err *err);
typedef void (*arc_query_done)(void *user, arc_status status, const arc_rows *rows,
                               const arc_err *err);

/** Something may be new in these tables; last is the greatest position of the log, 0: not known. */
typedef void (*arc_store_changed)(void *user, uint32_t tables, int64_t last);
#define ARC_STORE_ANY UINT32_MAX

/** Memory with a ceiling that what is found is copied into: arc_arena_take. */
typedef struct arc_arena arc_arena;

/** Subjects of health with ARC_ELIMIT. FULL: what room is left is for what has begun; nothing new
 * should be. LOG: the store's own log has grown past its limit, and commits go on as before. */
#define ARC_STORE_FULL "store.full"
#define ARC_STORE_LOG "store.log"

/** Every store's struct begins with this. Since: 0.1. */
typedef struct arc_store {
    const struct arc_store_ops *ops;
} arc_store;

/**
 * The slots. New ones are appended, and those that a store is too old to know are not called.
 * Owner: the store; it outlives the store. Since: 0.1.
 */
typedef struct arc_store_ops {
    size_t size; /* sizeof(arc_store_ops) when the store was compiled */

    /* ARC_COLS_ALL when the store was compiled; 0: it learns the tables from arc_table_get as it
     * runs. Any other number is refused with ARC_EPRECONDITION. */
    uint32_t cols_all;

    /**
     * Takes a batch: all of it happens, or nothing does. What is refused for its form is refused
     * before anything happens, in the words of arc_batch_check.
     * Owner: the operations, their rows and texts are the caller's; they stay until done, the batch
     * itself only until commit returns. Thread: owner.
     * Errors, of the call or of done: ARC_ECONFLICT (nothing happened; the subject names the
     * table), ARC_EINVAL (the form), ARC_EUNAVAILABLE (not now), ARC_EIO, ARC_ELIMIT (full, a value
     * too long), ARC_ENOMEM. All of them: nothing happened. There are two exceptions. Of a store
     * that asks a server, ARC_EUNAVAILABLE may also mean that it is not known what became of the
     * batch, as the message says; what is read afterwards tells. And after ARC_EIO of a sync the
     * batch may be found done when the store is opened anew; until then every commit is ARC_EIO.
     * Correct is: with ARC_OK the batch survives the end of this process at any later moment, and
     * every later query sees it. Since: 0.1.
     */
    arc_status (*commit)(arc_store *store, const arc_store_batch *batch, arc_commit_done done,
                         void *user, arc_err *err);

    /**
     * Finds rows. What is refused for its form is refused in the words of arc_query_check.
     * Owner: query is the caller's and stays, with the texts and lists of its filters, only until
     * query returns; rows and their texts are copied into arena, which lives until done has
     * returned at least. Thread: owner.
     * Errors, of the call or of done: ARC_EINVAL (the form), ARC_ELIMIT (the rows do not fit into
     * the arena; arc_arena_take says so), ARC_EUNAVAILABLE, ARC_EIO, ARC_EINTERNAL (what is stored
     * is damaged: say so rather than answer wrongly), ARC_ENOMEM.
     * Correct is: what is answered is the state after some whole number of batches, not earlier
     * than the last one whose done has come; order is total, by order_col and then by the key,
     * bytewise for texts. Since: 0.1.
     */
    arc_status (*query)(arc_store *store, const arc_query *query, arc_arena *arena,
                        arc_query_done done, void *user, arc_err *err);

    /**
     * A descriptor that can be read when dispatch has something to do, the same for the life of the
     * store; -1: there is none. Owner: the store. Thread: owner. Since: 0.1.
     */
    int (*fd)(arc_store *store);

    /**
     * In how many milliseconds dispatch wants to be called even if the descriptor is silent; -1:
     * not at all, 0: now. Asked again after every dispatch. Thread: owner. Since: 0.1.
     */
    int (*timeout_ms)(arc_store *store);

    /**
     * Goes on: takes in what arrived, calls `done` of what ended, looks after itself. It may come
     * when there is nothing to do. Thread: owner.
     * Errors: what ends the store for good, ARC_EIO or ARC_EINTERNAL; a server that is away does
     * not. Since: 0.1.
     */
    arc_status (*dispatch)(arc_store *store, arc_err *err);

    /**
     * ARC_OK while commits can succeed. ARC_ELIMIT: they still do, but a limit was passed that
     * somebody should know of; the subject says which, ARC_STORE_FULL or ARC_STORE_LOG. Else why
     * they cannot. It asks nobody. Thread: owner. Since: 0.1.
     */
    arc_status (*health)(arc_store *store, arc_err *err);

    /**
     * The end. Calls that are under way end first, with ARC_ECANCELLED and whatever became of them.
     * NULL is fine. Owner: takes. Thread: owner. Since: 0.1.
     */
    void (*close)(arc_store *store);

    /**
     * changed is called from dispatch when events or notes of another process may be there, or may
     * have come while nobody listened; the fd wakes for it. tables has a bit for each table that it
     * may have written to (1 << ARC_TABLE_…), ARC_STORE_ANY where that is not known; whatever is
     * up to last can be read. A hint: it may come for nothing and may fail to come, so whoever
     * needs to know looks at times all the same. Calls may be made from inside it as from done.
     * changed NULL: no more. NULL for a store that nobody else can write to. Owner: user is the
     * caller's. Thread: owner. Since: 0.1.
     */
    void (*watch)(arc_store *store, arc_store_changed changed, void *user);

    /**
     * Takes rows, in one transaction; done says which. What is refused for its form is refused in
     * the words of arc_claim_check. NULL for a store that works at once and that nobody else can
     * write to: the library takes rows there with a query and a commit.
     * Owner: as of query; claim and its text are the caller's and stay until claim returns.
     * Thread: owner.
     * Errors: as commit's, and ARC_ELIMIT where the rows do not fit into the arena. After an error
     * some rows may have been taken all the same. Since: 0.1.
     */
    arc_status (*claim)(arc_store *store, const arc_claim *claim, arc_arena *arena,
                        arc_query_done done, void *user, arc_err *err);
} arc_store_ops;

/* --- what stores share ---------------------------------------------------------------------- */

/**
 * What every store refuses, in the same words. A batch that passes here fails later only because
 * of what is stored or because of the machine. Owner: none. Thread: any.
 * Errors: ARC_EINVAL (the subject is "table.column" where a value is at fault), ARC_ELIMIT.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_batch_check(const arc_store_batch *batch, arc_err *err);

/** The same for a query. Owner: none. Thread: any. Errors: ARC_EINVAL, ARC_ELIMIT. Since: 0.1. */
ARC_API ARC_MUST_USE arc_status arc_query_check(const arc_query *query, arc_err *err);

/** The same for a claim. Owner: none. Thread: any. Errors: ARC_EINVAL, ARC_ELIMIT. Since: 0.1. */
ARC_API ARC_MUST_USE arc_status arc_claim_check(const arc_claim *claim, arc_err *err);

/**
 * Fills err with the words for an operation that meets another state than it expects, and answers
 * ARC_ECONFLICT. Owner: none. Thread: any. Errors: ARC_ECONFLICT. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_batch_conflict(const arc_store_op *op, arc_err *err);

/**
 * Memory for what a query found, zeroed and aligned for any row. Owner: arena; it is never freed
 * alone. Thread: owner.
 * Errors: ARC_ELIMIT (the ceiling of the arena), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_arena_take(arc_arena *arena, size_t size, void **out,
                                               arc_err *err);

/**
 * An arena, for who calls a store without a control plane: tests, tools. env: whose memory; NULL:
 * the process's own. Owner: the caller, who frees it. Thread: owner.
 * Errors: ARC_ENOMEM, ARC_EINVAL (env). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_arena_new(const arc_env *env, size_t max_bytes, arc_arena **out,
                                              arc_err *err);
/** Everything that was taken is gone; the arena is as new. Thread: owner. Owner: none. Since: 0.1.
 */
ARC_API void arc_arena_reset(arc_arena *arena);
/** NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_arena_free(arc_arena *arena);

ARC_END_DECLS

#endif
