/* SPDX-License-Identifier: Apache-2.0 */
#include "store_contract.h"

#include <arcentra/sys/store_suite.h>

#include <poll.h>
#include <stdio.h>

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)

/* --- the suite ------------------------------------------------------------------------------- */

static arc_store *suite_open(void *user, const arc_env *env, arc_err *err)
{
    struct arc_mem mem = arc__mem_from_env(env);
    (void)user;
    return contract_open(&mem, err);
}

static void suite_close(void *user, arc_store *store)
{
    (void)user;
    contract_close(store);
}

static arc_store *suite_again(void *user, arc_store *store, const arc_env *env, arc_err *err)
{
    struct arc_mem mem = arc__mem_from_env(env);
    (void)user;
    return contract_again(store, &mem, err);
}

static void run_case(size_t index)
{
    arc_store_suite suite = {
        .size = sizeof(suite), .open = suite_open, .close = suite_close, .say = NULL};
    if (contract_lasts())
        suite.again = suite_again;
    if (contract_key_bytes() != SIZE_MAX)
        suite.key_bytes_max = contract_key_bytes();
    CHECK(arc_store_suite_case(&suite, index) != 0);
}

enum {
#define CASE_INDEX(name, sentence) CASE_##name,
    STORE_CONTRACT(CASE_INDEX)
};
#define CASE_RUN(name, sentence) \
    void name(void) \
    { \
        run_case(CASE_##name); \
    }
STORE_CONTRACT(CASE_RUN)

void nobody_else_writes(void)
{
    struct arc_mem mem = arc__mem_default();
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = contract_open(&mem, &err);
    CHECK(store != NULL || err.status == ARC_OK);
    if (store != NULL) {
        CHECK(store->ops->watch == NULL);
        contract_close(store);
    }
}

/* --- calling --------------------------------------------------------------------------------- */

struct ended {
    int count;
    arc_status status;
    int64_t shift;
    arc_err err;
    struct arc_rows rows;
};

static void on_commit(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct ended *ended = user;
    ended->count++;
    ended->status = status;
    ended->shift = shift;
    if (err != NULL)
        ended->err = *err;
    CHECK(status == ARC_OK || (err != NULL && err->status == status && err->message[0] != '\0'));
}

static void on_query(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct ended *ended = user;
    on_commit(user, status, 0, err);
    if (status == ARC_OK)
        ended->rows = *rows;
}

void contract_round(struct arc_store *store)
{
    struct pollfd fd = {.fd = store->ops->fd(store), .events = POLLIN};
    int wait_ms = store->ops->timeout_ms(store);
    if (wait_ms != 0)
        (void)poll(&fd, fd.fd >= 0, wait_ms < 0 ? 1000 : wait_ms); /* dispatch looks itself */
    CHECK_OK(store->ops->dispatch(store, NULL));
}

static void wait_for(struct arc_store *store, const struct ended *ended)
{
    for (int rounds = 0; ended->count == 0 && rounds < 100000; rounds++)
        contract_round(store);
    CHECK_INT(ended->count, 1);
}

static arc_status commit_and_wait(struct arc_store *store, const struct arc_store_batch *batch,
                                  int64_t *shift, arc_err *err)
{
    struct ended ended = {.err = ARC_ERR_INIT};
    arc_status status = store->ops->commit(store, batch, on_commit, &ended, err);
    if (status != ARC_OK) {
        CHECK_INT(ended.count, 0);
        return status;
    }
    wait_for(store, &ended);
    CHECK(ended.shift == 0 || (batch->follow && ended.status == ARC_OK));
    if (err != NULL && ended.status != ARC_OK)
        *err = ended.err;
    if (shift != NULL)
        *shift = ended.shift;
    return ended.status;
}

arc_status contract_commit(struct arc_store *store, const struct arc_store_op *ops, size_t count,
                           arc_err *err)
{
    return commit_and_wait(store, &(struct arc_store_batch){ops, count, 0}, NULL, err);
}

arc_status contract_follow(struct arc_store *store, const struct arc_store_op *ops, size_t count,
                           int64_t *shift, arc_err *err)
{
    return commit_and_wait(store, &(struct arc_store_batch){ops, count, 1}, shift, err);
}

arc_status contract_query(struct arc_store *store, const struct arc_query *query,
                          struct arc_arena *arena, struct arc_rows *out, arc_err *err)
{
    struct ended ended = {.err = ARC_ERR_INIT};
    arc_status status = store->ops->query(store, query, arena, on_query, &ended, err);
    if (status != ARC_OK) {
        CHECK_INT(ended.count, 0);
        return status;
    }
    wait_for(store, &ended);
    if (err != NULL && ended.status != ARC_OK)
        *err = ended.err;
    if (ended.status == ARC_OK)
        *out = ended.rows;
    return ended.status;
}

arc_status contract_claim(struct arc_store *store, const struct arc_claim *claim,
                          struct arc_arena *arena, struct arc_rows *out, arc_err *err)
{
    struct ended ended = {.err = ARC_ERR_INIT};
    arc_status status = store->ops->claim(store, claim, arena, on_query, &ended, err);
    if (status == ARC_OK) {
        wait_for(store, &ended);
        status = ended.status;
        if (err != NULL && status != ARC_OK)
            *err = ended.err;
    } else {
        CHECK_INT(ended.count, 0);
    }
    if (status == ARC_OK)
        *out = ended.rows;
    return status;
}

int64_t contract_count(struct arc_store *store, enum arc_table table)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    arc__arena_init(&arena, &mem, ARENA_BYTES);
    struct arc_query query = {.table = table, .order_col = -1, .limit = 1, .want_total = 1};
    struct arc_rows rows = {NULL, 0, -1};
    if (contract_query(store, &query, &arena, &rows, NULL) != ARC_OK)
        rows.total = -1;
    arc__arena_deinit(&arena);
    return rows.total;
}
