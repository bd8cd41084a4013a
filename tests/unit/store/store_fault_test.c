/* SPDX-License-Identifier: Apache-2.0 */
/* The faults of the memory store, and its size. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "shim.h"
#include "store/mem.h"
#include "store_contract.h"

struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct arc_store *store = NULL;
    return arc__store_mem_open(mem, &store, err) == ARC_OK ? store : NULL;
}

void contract_close(struct arc_store *store)
{
    store->ops->close(store);
}

struct arc_store *contract_again(struct arc_store *store, const struct arc_mem *mem, arc_err *err)
{
    (void)mem;
    (void)err;
    store->ops->close(store);
    return NULL;
}

int contract_lasts(void)
{
    return 0;
}

size_t contract_key_bytes(void)
{
    return SIZE_MAX;
}

/* --- a store with a plan of faults ----------------------------------------------------------- */

struct planned {
    struct arc_store_fault faults[8]; /* of the calls, in order */
    size_t count, at;
    int saw_batches, saw_queries;
};

static void next_fault(void *user, const struct arc_store_batch *batch,
                       const struct arc_query *query, struct arc_store_fault *fault)
{
    struct planned *planned = user;
    CHECK((batch != NULL) != (query != NULL));
    CHECK(fault->kind == ARC_STORE_FAULT_NONE && fault->held_rounds == 0);
    planned->saw_batches += batch != NULL;
    planned->saw_queries += query != NULL;
    if (planned->at < planned->count)
        *fault = planned->faults[planned->at++];
}

struct answer {
    int count;
    arc_status status;
    int order; /* which of all answers it was */
    int64_t rows;
    int *answers;
};

static void on_commit(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct answer *answer = user;
    CHECK_INT(shift, 0);
    CHECK((status == ARC_OK) == (err == NULL));
    answer->count++;
    answer->status = status;
    answer->order = ++*answer->answers;
}

static void on_query(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct answer *answer = user;
    CHECK((status == ARC_OK) == (rows != NULL));
    on_commit(user, status, 0, err);
    answer->rows = rows != NULL ? (int64_t)rows->count : -1;
}

struct fixture {
    struct arc_mem mem;
    struct arc_store *store;
    struct arc_arena arena;
    struct planned planned;
    int answers;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){.mem = arc__mem_default()};
    arc__arena_init(&f->arena, &f->mem, 1 << 20);
    CHECK_OK(arc__store_mem_open(&f->mem, &f->store, NULL));
    arc__store_mem_set_fault(f->store, next_fault, &f->planned);
}

static void end(struct fixture *f)
{
    if (f->store != NULL)
        f->store->ops->close(f->store);
    arc__arena_deinit(&f->arena);
}

static void plan(struct fixture *f, enum arc_store_fault_kind kind, arc_status status,
                 uint32_t held_rounds)
{
    f->planned.faults[f->planned.count++] = (struct arc_store_fault){kind, status, held_rounds};
}

static arc_status put(struct fixture *f, const struct arc_row_counter *row, struct answer *answer)
{
    struct arc_store_op op = {ARC_STORE_PUT, ARC_TABLE_counter, row, 0};
    struct arc_store_batch batch = {&op, 1, 0}; /* need not live on */
    answer->answers = &f->answers;
    return f->store->ops->commit(f->store, &batch, on_commit, answer, NULL);
}

static arc_status count(struct fixture *f, const char *name, struct answer *answer)
{
    char text[16];
    int64_t number = 1;
    snprintf(text, sizeof(text), "%s", name); /* need not live on */
    struct arc_query query = {.table = ARC_TABLE_counter, .filter_count = 2, .order_col = -1};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_counter_name, .text = arc__slice_cstr(text)};
    query.filters[1] = (struct arc_filter){
        .col = ARC_COL_counter_value, .op = ARC_FILTER_IN, .ints = &number, .int_count = 1};
    answer->answers = &f->answers;
    return f->store->ops->query(f->store, &query, &f->arena, on_query, answer, NULL);
}

static arc_status take(struct fixture *f, struct answer *answer)
{
    char by[] = "me"; /* need not live on */
    struct arc_claim claim = {.table = ARC_TABLE_outbox,
                              .by_col = ARC_COL_outbox_claimed_by,
                              .until_col = ARC_COL_outbox_claimed_until_ns,
                              .by = arc__slice_cstr(by),
                              .until_ns = 1,
                              .limit = 1};
    answer->answers = &f->answers;
    return f->store->ops->claim(f->store, &claim, &f->arena, on_query, answer, NULL);
}

static int64_t stored(struct fixture *f)
{
    arc__store_mem_set_fault(f->store, NULL, NULL);
    int64_t rows = contract_count(f->store, ARC_TABLE_counter);
    arc__store_mem_set_fault(f->store, next_fault, &f->planned);
    return rows;
}

static const struct arc_row_counter a = {{"a", 1}, 1}, b = {{"b", 1}, 1}, c = {{"c", 1}, 1};

static void calls_fail_when_told(void)
{
    struct fixture f;
    struct answer first = {0}, second = {0}, third = {0}, fourth = {0};
    begin(&f);
    plan(&f, ARC_STORE_FAULT_FAIL, ARC_EIO, 0);
    plan(&f, ARC_STORE_FAULT_FAIL, ARC_OK, 0);
    plan(&f, ARC_STORE_FAULT_FAIL, ARC_ENOMEM, 0);
    CHECK_OK(put(&f, &a, &first));
    CHECK_STATUS(first.status, ARC_EIO);
    CHECK_OK(put(&f, &a, &second));
    CHECK_STATUS(second.status, ARC_EUNAVAILABLE);
    CHECK_OK(count(&f, "a", &third));
    CHECK_STATUS(third.status, ARC_ENOMEM);
    CHECK_INT(stored(&f), 0);
    CHECK_OK(put(&f, &a, &fourth));
    CHECK_STATUS(fourth.status, ARC_OK);
    CHECK_INT(stored(&f), 1);
    CHECK_INT(first.count + second.count + third.count + fourth.count, 4);
    CHECK_INT(f.planned.saw_batches, 3);
    CHECK_INT(f.planned.saw_queries, 1);
    end(&f);
}

static void lost_answers_leave_the_rows(void)
{
    struct fixture f;
    struct answer first = {0}, second = {0}, third = {0};
    begin(&f);
    plan(&f, ARC_STORE_FAULT_LOSE, ARC_OK, 0);
    plan(&f, ARC_STORE_FAULT_LOSE, ARC_EDEADLINE, 0);
    CHECK_OK(put(&f, &a, &first));
    CHECK_STATUS(first.status, ARC_EUNAVAILABLE);
    CHECK_INT(stored(&f), 1);
    CHECK_OK(count(&f, "a", &second));
    CHECK_STATUS(second.status, ARC_EDEADLINE);
    CHECK_OK(count(&f, "a", &third));
    CHECK_INT(third.rows, 1);
    end(&f);
}

static void held_calls_wait_for_dispatch(void)
{
    struct fixture f;
    struct answer first = {0}, second = {0}, third = {0}, fourth = {0};
    begin(&f);
    CHECK_INT(f.store->ops->timeout_ms(f.store), -1);
    CHECK_INT(f.store->ops->fd(f.store), -1);
    plan(&f, ARC_STORE_FAULT_NONE, ARC_OK, 2);
    plan(&f, ARC_STORE_FAULT_LOSE, ARC_EIO, 1);
    plan(&f, ARC_STORE_FAULT_NONE, ARC_OK, 2);
    plan(&f, ARC_STORE_FAULT_NONE, ARC_OK, 0);
    CHECK_OK(put(&f, &a, &first));
    CHECK_OK(put(&f, &b, &second));
    CHECK_OK(count(&f, "a", &third));
    CHECK_INT(arc__store_mem_held(f.store), 3);
    CHECK_INT(f.store->ops->timeout_ms(f.store), 0);
    CHECK_INT(f.answers, 0);
    CHECK_INT(stored(&f), 0);
    CHECK_OK(put(&f, &c, &fourth)); /* overtakes */
    CHECK_INT(fourth.order, 1);
    CHECK_OK(f.store->ops->dispatch(f.store, NULL));
    CHECK_INT(second.order, 2);
    CHECK_STATUS(second.status, ARC_EIO);
    CHECK_INT(stored(&f), 2);
    CHECK_OK(f.store->ops->dispatch(f.store, NULL));
    CHECK_INT(first.order, 3);
    CHECK_STATUS(first.status, ARC_OK);
    CHECK_INT(third.order, 4);
    CHECK_INT(third.rows, 1);
    CHECK_INT(f.store->ops->timeout_ms(f.store), -1);
    CHECK_OK(f.store->ops->dispatch(f.store, NULL));
    CHECK_INT(f.answers, 4);
    end(&f);
}

static void claims_have_faults_too(void)
{
    struct fixture f;
    static const struct arc_row_outbox rows[] = {
        {.id = {"1", 1}}, {.id = {"2", 1}}, {.id = {"3", 1}}, {.id = {"4", 1}}};
    struct answer told = {0}, lost = {0}, held = {0}, next = {0}, last = {0}, none = {0};
    begin(&f);
    arc__store_mem_set_fault(f.store, NULL, NULL);
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_outbox, &rows[i], 0};
        CHECK_OK(contract_commit(f.store, &op, 1, NULL));
    }
    arc__store_mem_set_fault(f.store, next_fault, &f.planned);
    plan(&f, ARC_STORE_FAULT_FAIL, ARC_OK, 0);
    plan(&f, ARC_STORE_FAULT_LOSE, ARC_OK, 0);
    plan(&f, ARC_STORE_FAULT_NONE, ARC_OK, 1);
    plan(&f, ARC_STORE_FAULT_NONE, ARC_OK, 0);
    plan(&f, ARC_STORE_FAULT_NONE, ARC_OK, 9);
    CHECK_OK(take(&f, &told));
    CHECK_STATUS(told.status, ARC_EUNAVAILABLE);
    CHECK_OK(take(&f, &lost)); /* takes the first row, and nobody hears of it */
    CHECK_STATUS(lost.status, ARC_EUNAVAILABLE);
    CHECK_OK(take(&f, &held));
    CHECK_INT(held.count, 0);
    CHECK_OK(take(&f, &next)); /* overtakes */
    CHECK_INT(next.rows, 1);
    CHECK_OK(f.store->ops->dispatch(f.store, NULL));
    CHECK_INT(held.rows, 1);
    CHECK_OK(take(&f, &none)); /* until the end */
    CHECK_INT(arc__store_mem_held(f.store), 1);
    CHECK_OK(take(&f, &last));
    CHECK_INT(last.rows, 1);
    CHECK_INT(f.planned.saw_queries, 6);
    f.store->ops->close(f.store);
    f.store = NULL;
    CHECK_STATUS(none.status, ARC_ECANCELLED);
    end(&f);
}

static void closing_cancels_what_is_held(void)
{
    struct fixture f;
    struct answer first = {0}, second = {0};
    begin(&f);
    plan(&f, ARC_STORE_FAULT_NONE, ARC_OK, 1);
    plan(&f, ARC_STORE_FAULT_NONE, ARC_OK, 9);
    CHECK_OK(put(&f, &a, &first));
    CHECK_OK(count(&f, "a", &second));
    f.store->ops->close(f.store);
    f.store = NULL;
    CHECK_INT(first.count, 1);
    CHECK_STATUS(first.status, ARC_ECANCELLED);
    CHECK_INT(second.count, 1);
    CHECK_STATUS(second.status, ARC_ECANCELLED);
    end(&f);
}

static void held_calls_survive_failing_memory(void)
{
    for (uint64_t at = 1; at < 20; at++) {
        struct test_mem state = {0};
        struct arc_mem mem = test_mem(&state);
        struct fixture f;
        struct answer first = {0}, second = {0};
        begin(&f);
        f.store->ops->close(f.store);
        CHECK_OK(arc__store_mem_open(&mem, &f.store, NULL));
        arc__store_mem_set_fault(f.store, next_fault, &f.planned);
        plan(&f, ARC_STORE_FAULT_NONE, ARC_OK, 1);
        plan(&f, ARC_STORE_FAULT_NONE, ARC_OK, 1);
        state.calls = 0;
        state.fail_at = at;
        arc_status put_status = put(&f, &a, &first), count_status = count(&f, "a", &second);
        CHECK_OK(f.store->ops->dispatch(f.store, NULL));
        CHECK_INT(first.count, put_status == ARC_OK);
        CHECK_INT(second.count, count_status == ARC_OK);
        if (state.calls >= at)
            CHECK(put_status == ARC_ENOMEM || count_status == ARC_ENOMEM ||
                  first.status == ARC_ENOMEM || second.status == ARC_ENOMEM);
        state.fail_at = 0;
        CHECK_INT(stored(&f), put_status == ARC_OK && first.status == ARC_OK);
        end(&f);
        CHECK_INT(state.live, 0);
    }
}

/* --- size ------------------------------------------------------------------------------------ */

/* A million rows in an order that is bad for lists and simple trees alike. A store whose inserts or
 * lookups walked the rows would not end within the test's time. */
static void a_million_rows_are_quick(void)
{
    enum { ROWS = 1000000, BATCH = 10000 };
    struct arc_mem mem = arc__mem_default();
    struct arc_store *store = NULL;
    struct arc_row_event *rows = calloc(BATCH, sizeof(*rows));
    struct arc_store_op *ops = calloc(BATCH, sizeof(*ops));
    CHECK_OK(arc__store_mem_open(&mem, &store, NULL));
    for (int64_t at = 0; rows != NULL && ops != NULL && at < ROWS; at += BATCH) {
        for (int64_t i = 0; i < BATCH; i++) {
            rows[i] = (struct arc_row_event){.stream = ARC_LIT("s"), .seq = ROWS - at - i};
            rows[i].position = rows[i].seq;
            ops[i] = (struct arc_store_op){ARC_STORE_INSERT, ARC_TABLE_event, &rows[i], 0};
        }
        CHECK_OK(contract_commit(store, ops, BATCH, NULL));
    }
    struct arc_arena arena;
    arc__arena_init(&arena, &mem, 1 << 20);
    for (int64_t i = 0; i < 100000; i++) {
        struct arc_rows got = {NULL, 0, 0};
        struct arc_query query = {.table = ARC_TABLE_event,
                                  .filter_count = 1,
                                  .order_col = ARC_COL_event_position,
                                  .limit = 3};
        query.filters[0] = (struct arc_filter){
            .col = ARC_COL_event_position, .op = ARC_FILTER_GT, .number = i * 7919 % (ROWS - 10)};
        if (contract_query(store, &query, &arena, &got, NULL) != ARC_OK || got.count != 3 ||
            ((const struct arc_row_event *)got.rows)->seq != query.filters[0].number + 1) {
            CHECK(0);
            break;
        }
        arc__arena_reset(&arena);
    }
    arc__arena_deinit(&arena);
    store->ops->close(store);
    free(rows);
    free(ops);
}

static const struct test tests[] = {
    {"a call that is told to fail changes nothing", calls_fail_when_told},
    {"a lost answer leaves the rows", lost_answers_leave_the_rows},
    {"held calls happen in their dispatch", held_calls_wait_for_dispatch},
    {"a claim fails, is lost and is held as other calls are", claims_have_faults_too},
    {"closing cancels what is held", closing_cancels_what_is_held},
    {"held calls survive failing memory", held_calls_survive_failing_memory},
    {"a million rows go in and are found quickly", a_million_rows_are_quick},
};

TEST_MAIN(tests)
