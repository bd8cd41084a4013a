/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/desk.h"

#define NO_ROW 1000000000u /* beyond the last one: counted and not read */
#define PEEK_BYTES_MAX (64u * 1024u * 1024u)

struct answer {
    int done;
    arc_status status;
    struct arc_rows rows;
    arc_err err;
};

static void keep(struct answer *answer, arc_status status, const arc_err *err)
{
    answer->done = 1;
    answer->status = status;
    if (err != NULL)
        answer->err = *err;
}

static void committed(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    (void)shift;
    keep(user, status, err);
}

static void found(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct answer *answer = user;
    keep(answer, status, err);
    if (rows != NULL)
        answer->rows = *rows;
}

/* Until done has come: the answer is on the caller's stack. A store that fails meanwhile answers
 * what it still owes, or it is closed with that. */
static arc_status await(struct arc_desk *desk, struct answer *answer, arc_err *err)
{
    const struct arc_store_ops *ops = desk->store->ops;
    while (!answer->done) {
        arc_err ignored = ARC_ERR_INIT;
        (void)ops->dispatch(desk->store, &ignored); /* the answer says whether it went well */
        if (!answer->done && desk->wait != NULL)
            desk->wait(desk->user, ops->fd(desk->store), ops->timeout_ms(desk->store));
    }
    if (answer->status == ARC_OK)
        return ARC_OK;
    return arc__fail(err, answer->status, answer->err.subject, "%s", answer->err.message);
}

arc_status arc__desk_query(struct arc_desk *desk, const struct arc_query *query,
                           struct arc_arena *arena, struct arc_rows *out, arc_err *err)
{
    struct answer answer = {.err = ARC_ERR_INIT};
    ARC_TRY(desk->store->ops->query(desk->store, query, arena, found, &answer, err));
    ARC_TRY(await(desk, &answer, err));
    *out = answer.rows;
    return ARC_OK;
}

arc_status arc__desk_commit(struct arc_desk *desk, const struct arc_store_op *ops, size_t count,
                            arc_err *err)
{
    struct answer answer = {.err = ARC_ERR_INIT};
    const struct arc_store_batch batch = {ops, count, 0};
    ARC_TRY(desk->store->ops->commit(desk->store, &batch, committed, &answer, err));
    return await(desk, &answer, err);
}

arc_status arc__desk_count(struct arc_desk *desk, uint64_t *total, arc_err *err)
{
    *total = 0;
    for (int table = 0; table < ARC_TABLE_COUNT; table++) {
        struct arc_query query = {.table = (enum arc_table)table,
                                  .order_col = -1,
                                  .limit = 1,
                                  .offset = NO_ROW,
                                  .want_total = 1};
        struct arc_rows rows = {0};
        struct arc_arena arena;
        arc__arena_init(&arena, &desk->mem, PEEK_BYTES_MAX);
        arc_status status = arc__desk_query(desk, &query, &arena, &rows, err);
        arc__arena_deinit(&arena);
        ARC_TRY(status);
        *total += (uint64_t)rows.total;
    }
    return ARC_OK;
}
