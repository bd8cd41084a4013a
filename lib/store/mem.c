/* SPDX-License-Identifier: Apache-2.0 */
#include "store/mem.h"

#include "base/list.h"
#include "store/check.h"
#include "store/claim.h"
#include "store/rows.h"

struct mem_store {
    struct arc_store base;
    struct arc_mem mem;
    arc_store_fault_fn fault;
    void *fault_user;
    struct arc_link held; /* struct held, oldest first */
    size_t held_count;
    uint32_t depth; /* of done callbacks */
    int closing;
    struct arc_row_table tables[ARC_TABLE_COUNT];
};

/* A call that waits for a dispatch, with copies of what the caller need not keep: the list of
 * operations (the rows are borrowed until done), the query with the values of its filters, or the
 * claim with its text. */
struct held {
    struct arc_link link;
    struct arc_store_fault fault;
    struct arc_store_batch batch;
    arc_commit_done commit_done; /* NULL: a query or a claim */
    struct arc_query query;
    struct arc_claim claim;
    int is_claim;
    struct arc_arena *arena;
    arc_query_done query_done;
    void *user;
};

static struct mem_store *self_of(struct arc_store *store)
{
    return ARC_CONTAINER(store, struct mem_store, base);
}

/* --- working --------------------------------------------------------------------------------- */

static arc_status apply(struct mem_store *self, const struct arc_store_batch *batch, arc_err *err)
{
    if (batch->count == 0)
        return ARC_OK;
    struct arc_row_change *changes =
        arc__alloc_array(&self->mem, batch->count, sizeof(struct arc_row_change));
    if (changes == NULL)
        return arc__fail_nomem(err);
    arc_status status = ARC_OK;
    size_t count = 0;
    while (status == ARC_OK && count < batch->count) {
        const struct arc_store_op *op = &batch->ops[count];
        status = arc__rows_apply(&self->tables[op->table], &self->mem, op, &changes[count], err);
        count += status == ARC_OK;
    }
    if (status == ARC_OK) {
        for (size_t i = 0; i < count; i++)
            arc__rows_keep(&self->mem, &changes[i]);
    } else {
        while (count > 0)
            arc__rows_undo(&self->mem, &changes[--count]);
    }
    arc__free(&self->mem, changes);
    return status;
}

static arc_status fault_status(const struct arc_store_fault *fault, arc_err *err)
{
    return arc__fail(err, fault->status != ARC_OK ? fault->status : ARC_EUNAVAILABLE, "store", "%s",
                     "The store was told to fail.");
}

static void end_commit(struct mem_store *self, const struct arc_store_fault *fault,
                       const struct arc_store_batch *batch, arc_commit_done done, void *user)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status =
        fault->kind == ARC_STORE_FAULT_FAIL ? fault_status(fault, &err) : apply(self, batch, &err);
    if (fault->kind == ARC_STORE_FAULT_LOSE && status == ARC_OK)
        status = fault_status(fault, &err);
    self->depth++;
    done(user, status, 0, status == ARC_OK ? NULL : &err);
    self->depth--;
}

static void end_query(struct mem_store *self, const struct arc_store_fault *fault,
                      const struct arc_query *query, struct arc_arena *arena, arc_query_done done,
                      void *user)
{
    arc_err err = ARC_ERR_INIT;
    struct arc_rows rows = {NULL, 0, 0};
    arc_status status =
        fault->kind != ARC_STORE_FAULT_NONE
            ? fault_status(fault, &err)
            : arc__rows_query(&self->tables[query->table], &self->mem, query, arena, &rows, &err);
    self->depth++;
    done(user, status, status == ARC_OK ? &rows : NULL, status == ARC_OK ? NULL : &err);
    self->depth--;
}

static arc_status take_rows(struct mem_store *self, const struct arc_claim *claim,
                            struct arc_arena *arena, struct arc_rows *out, arc_err *err)
{
    const struct arc_query query = arc__store_claim_query(claim);
    struct arc_store_op *ops = NULL;
    ARC_TRY(arc__rows_query(&self->tables[claim->table], &self->mem, &query, arena, out, err));
    arc_status status = arc__store_claim_mark(&self->mem, claim, out, arena, &ops, err);
    if (status == ARC_OK)
        status = apply(self, &(struct arc_store_batch){ops, out->count, 0}, err);
    arc__free(&self->mem, ops);
    return status;
}

static void end_claim(struct mem_store *self, const struct arc_store_fault *fault,
                      const struct arc_claim *claim, struct arc_arena *arena, arc_query_done done,
                      void *user)
{
    arc_err err = ARC_ERR_INIT;
    struct arc_rows rows = {NULL, 0, 0};
    arc_status status = fault->kind == ARC_STORE_FAULT_FAIL
                            ? fault_status(fault, &err)
                            : take_rows(self, claim, arena, &rows, &err);
    if (fault->kind == ARC_STORE_FAULT_LOSE && status == ARC_OK)
        status = fault_status(fault, &err);
    self->depth++;
    done(user, status, status == ARC_OK ? &rows : NULL, status == ARC_OK ? NULL : &err);
    self->depth--;
}

static void end_held(struct mem_store *self, struct held *held)
{
    if (held->commit_done != NULL)
        end_commit(self, &held->fault, &held->batch, held->commit_done, held->user);
    else if (held->is_claim)
        end_claim(self, &held->fault, &held->claim, held->arena, held->query_done, held->user);
    else
        end_query(self, &held->fault, &held->query, held->arena, held->query_done, held->user);
}

/* --- holding --------------------------------------------------------------------------------- */

static void held_free(struct mem_store *self, struct held *held)
{
    arc__list_remove(&held->link);
    self->held_count--;
    arc__free(&self->mem, held);
}

static void hold(struct mem_store *self, struct held *held)
{
    arc__list_add_tail(&self->held, &held->link);
    self->held_count++;
}

static arc_status hold_commit(struct mem_store *self, const struct arc_store_fault *fault,
                              const struct arc_store_batch *batch, arc_commit_done done, void *user,
                              arc_err *err)
{
    size_t size = batch->count * sizeof(struct arc_store_op);
    struct held *held = arc__alloc(&self->mem, sizeof(*held) + size);
    if (held == NULL)
        return arc__fail_nomem(err);
    struct arc_store_op *ops = (struct arc_store_op *)(held + 1);
    if (size > 0)
        memcpy(ops, batch->ops, size);
    held->fault = *fault;
    held->batch = (struct arc_store_batch){ops, batch->count, batch->follow};
    held->commit_done = done;
    held->user = user;
    hold(self, held);
    return ARC_OK;
}

static arc_status hold_query(struct mem_store *self, const struct arc_store_fault *fault,
                             const struct arc_query *query, struct arc_arena *arena,
                             arc_query_done done, void *user, arc_err *err)
{
    size_t ints = 0, bytes = 0;
    for (size_t i = 0; i < query->filter_count; i++) {
        ints += query->filters[i].op == ARC_FILTER_IN ? query->filters[i].int_count : 0;
        bytes += query->filters[i].text.len;
    }
    struct held *held = arc__alloc(&self->mem, sizeof(*held) + ints * sizeof(int64_t) + bytes);
    if (held == NULL)
        return arc__fail_nomem(err);
    int64_t *int_at = (int64_t *)(held + 1);
    char *byte_at = (char *)(int_at + ints);
    held->query = *query;
    for (size_t i = 0; i < query->filter_count; i++) {
        struct arc_filter *filter = &held->query.filters[i];
        if (filter->op == ARC_FILTER_IN && filter->int_count > 0) {
            filter->ints = memcpy(int_at, filter->ints, filter->int_count * sizeof(int64_t));
            int_at += filter->int_count;
        }
        if (filter->text.len > 0) {
            filter->text.ptr = memcpy(byte_at, filter->text.ptr, filter->text.len);
            byte_at += filter->text.len;
        }
    }
    held->fault = *fault;
    held->arena = arena;
    held->query_done = done;
    held->user = user;
    hold(self, held);
    return ARC_OK;
}

static arc_status hold_claim(struct mem_store *self, const struct arc_store_fault *fault,
                             const struct arc_claim *claim, struct arc_arena *arena,
                             arc_query_done done, void *user, arc_err *err)
{
    struct held *held = arc__alloc(&self->mem, sizeof(*held) + claim->by.len);
    if (held == NULL)
        return arc__fail_nomem(err);
    held->claim = *claim;
    if (claim->by.len > 0)
        held->claim.by.ptr = memcpy(held + 1, claim->by.ptr, claim->by.len);
    held->is_claim = 1;
    held->fault = *fault;
    held->arena = arena;
    held->query_done = done;
    held->user = user;
    hold(self, held);
    return ARC_OK;
}

/* --- the port -------------------------------------------------------------------------------- */

static arc_status fail_closed(arc_err *err)
{
    return arc__fail(err, ARC_ECANCELLED, "store", "%s", "The store is closed.");
}

static arc_status mem_commit(struct arc_store *store, const struct arc_store_batch *batch,
                             arc_commit_done done, void *user, arc_err *err)
{
    struct mem_store *self = self_of(store);
    struct arc_store_fault fault = {ARC_STORE_FAULT_NONE, ARC_OK, 0};
    if (self->closing)
        return fail_closed(err);
    ARC_TRY(arc__store_check_batch(batch, err));
    if (self->fault != NULL)
        self->fault(self->fault_user, batch, NULL, &fault);
    if (fault.held_rounds > 0)
        return hold_commit(self, &fault, batch, done, user, err);
    end_commit(self, &fault, batch, done, user);
    return ARC_OK;
}

static arc_status mem_query(struct arc_store *store, const struct arc_query *query,
                            struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    struct mem_store *self = self_of(store);
    struct arc_store_fault fault = {ARC_STORE_FAULT_NONE, ARC_OK, 0};
    if (self->closing)
        return fail_closed(err);
    ARC_TRY(arc__store_check_query(query, err));
    if (self->fault != NULL)
        self->fault(self->fault_user, NULL, query, &fault);
    if (fault.held_rounds > 0)
        return hold_query(self, &fault, query, arena, done, user, err);
    end_query(self, &fault, query, arena, done, user);
    return ARC_OK;
}

static arc_status mem_claim(struct arc_store *store, const struct arc_claim *claim,
                            struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    struct mem_store *self = self_of(store);
    struct arc_store_fault fault = {ARC_STORE_FAULT_NONE, ARC_OK, 0};
    if (self->closing)
        return fail_closed(err);
    ARC_TRY(arc__store_check_claim(claim, err));
    const struct arc_query query = arc__store_claim_query(claim);
    if (self->fault != NULL)
        self->fault(self->fault_user, NULL, &query, &fault);
    if (fault.held_rounds > 0)
        return hold_claim(self, &fault, claim, arena, done, user, err);
    end_claim(self, &fault, claim, arena, done, user);
    return ARC_OK;
}

static int mem_fd(struct arc_store *store)
{
    (void)store;
    return -1;
}

static int mem_timeout_ms(struct arc_store *store)
{
    return self_of(store)->held_count > 0 ? 0 : -1;
}

static arc_status mem_dispatch(struct arc_store *store, arc_err *err)
{
    struct mem_store *self = self_of(store);
    if (self->depth > 0)
        return arc__fail(err, ARC_EINVAL, "store", "%s",
                         "The store may not be dispatched from inside one of its callbacks.");
    /* What is due is set apart first: a callback may make calls that are held in turn. */
    struct arc_link due;
    arc__list_init(&due);
    ARC_LIST_EACH_SAFE(&self->held, link)
    {
        struct held *held = ARC_CONTAINER(link, struct held, link);
        if (--held->fault.held_rounds == 0) {
            arc__list_remove(link);
            arc__list_add_tail(&due, link);
        }
    }
    while (!arc__list_empty(&due)) {
        struct held *held = ARC_CONTAINER(due.next, struct held, link);
        end_held(self, held);
        held_free(self, held);
    }
    return ARC_OK;
}

static arc_status mem_health(struct arc_store *store, arc_err *err)
{
    (void)store;
    (void)err;
    return ARC_OK;
}

static void mem_close(struct arc_store *store)
{
    if (store == NULL)
        return;
    struct mem_store *self = self_of(store);
    arc_err err = ARC_ERR_INIT;
    (void)fail_closed(&err);
    self->closing = 1;
    while (!arc__list_empty(&self->held)) {
        struct held *held = ARC_CONTAINER(self->held.next, struct held, link);
        if (held->commit_done != NULL)
            held->commit_done(held->user, ARC_ECANCELLED, 0, &err);
        else
            held->query_done(held->user, ARC_ECANCELLED, NULL, &err);
        held_free(self, held);
    }
    for (int i = 0; i < ARC_TABLE_COUNT; i++)
        arc__rows_deinit(&self->tables[i], &self->mem);
    struct arc_mem mem = self->mem;
    arc__free(&mem, self);
}

static const struct arc_store_ops mem_ops = {
    .size = sizeof(struct arc_store_ops),
    .commit = mem_commit,
    .query = mem_query,
    .fd = mem_fd,
    .timeout_ms = mem_timeout_ms,
    .dispatch = mem_dispatch,
    .health = mem_health,
    .close = mem_close,
    .claim = mem_claim,
};

arc_status arc__store_mem_open(const struct arc_mem *mem, struct arc_store **out, arc_err *err)
{
    struct mem_store *self = arc__alloc(mem, sizeof(*self));
    if (self == NULL)
        return arc__fail_nomem(err);
    self->base.ops = &mem_ops;
    self->mem = *mem;
    arc__list_init(&self->held);
    for (int i = 0; i < ARC_TABLE_COUNT; i++)
        arc__rows_init(&self->tables[i], arc__table_def((enum arc_table)i));
    *out = &self->base;
    return ARC_OK;
}

void arc__store_mem_set_fault(struct arc_store *store, arc_store_fault_fn fault, void *user)
{
    struct mem_store *self = self_of(store);
    self->fault = fault;
    self->fault_user = user;
}

size_t arc__store_mem_held(const struct arc_store *store)
{
    return ((const struct mem_store *)(const void *)store)->held_count;
}
