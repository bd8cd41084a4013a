/* SPDX-License-Identifier: Apache-2.0 */
#include "store/host.h"

#include "base/err.h"
#include "store/check.h"
#include "store/claim.h"

struct arc_host_store {
    struct arc_store store;
    struct arc_store_ops ops; /* of this one: without the slots that it lacks */
    struct arc_mem mem;
    struct arc_store *given;
};

/* What the first version had: a store that knows less is none. */
#define FIRST_SIZE offsetof(struct arc_store_ops, watch)

#define HAS_SLOT(given, slot) \
    ((given)->size >= offsetof(struct arc_store_ops, slot) + sizeof((given)->slot) && \
     (given)->slot != NULL)

static struct arc_store *given_of(struct arc_store *store)
{
    return ((struct arc_host_store *)(void *)store)->given;
}

static arc_status host_commit(struct arc_store *store, const struct arc_store_batch *batch,
                              arc_commit_done done, void *user, arc_err *err)
{
    struct arc_store *given = given_of(store);
    return given->ops->commit(given, batch, done, user, err);
}

static arc_status host_query(struct arc_store *store, const struct arc_query *query,
                             struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    struct arc_store *given = given_of(store);
    return given->ops->query(given, query, arena, done, user, err);
}

static int host_fd(struct arc_store *store)
{
    struct arc_store *given = given_of(store);
    return given->ops->fd(given);
}

static int host_timeout_ms(struct arc_store *store)
{
    struct arc_store *given = given_of(store);
    return given->ops->timeout_ms(given);
}

static arc_status host_dispatch(struct arc_store *store, arc_err *err)
{
    struct arc_store *given = given_of(store);
    return given->ops->dispatch(given, err);
}

static arc_status host_health(struct arc_store *store, arc_err *err)
{
    struct arc_store *given = given_of(store);
    return given->ops->health(given, err);
}

static void host_close(struct arc_store *store)
{
    if (store == NULL)
        return;
    struct arc_host_store *self = (struct arc_host_store *)(void *)store;
    struct arc_mem mem = self->mem;
    self->given->ops->close(self->given);
    arc__free(&mem, self);
}

static void host_watch(struct arc_store *store, arc_store_changed changed, void *user)
{
    struct arc_store *given = given_of(store);
    given->ops->watch(given, changed, user);
}

/* --- claims of a store that works at once ----------------------------------------------------- */

/* Nobody writes between the query and the commit, so what was free is. */
struct taking {
    struct arc_host_store *self;
    struct arc_claim claim; /* its text is the caller's, who waits */
    struct arc_arena *arena;
    struct arc_rows rows;
    struct arc_store_op *ops;
    arc_query_done done;
    void *user;
};

static void end_taking(struct taking *taking, arc_status status, const arc_err *err)
{
    struct arc_mem mem = taking->self->mem;
    taking->done(taking->user, status, status == ARC_OK ? &taking->rows : NULL,
                 status == ARC_OK ? NULL : err);
    arc__free(&mem, taking->ops);
    arc__free(&mem, taking);
}

static void taken(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    (void)shift;
    end_taking(user, status, err);
}

static void found(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct taking *taking = user;
    struct arc_store *given = taking->self->given;
    arc_err why = ARC_ERR_INIT;
    if (status == ARC_OK) {
        taking->rows = *rows;
        status = arc__store_claim_mark(&taking->self->mem, &taking->claim, rows, taking->arena,
                                       &taking->ops, &why);
        err = &why;
    }
    struct arc_store_batch batch = {taking->ops, taking->rows.count, 0};
    if (status == ARC_OK && batch.count > 0) {
        status = given->ops->commit(given, &batch, taken, taking, &why);
        if (status == ARC_OK)
            return;
    }
    end_taking(taking, status, err);
}

static arc_status host_take(struct arc_store *store, const struct arc_claim *claim,
                            struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    struct arc_host_store *self = (struct arc_host_store *)(void *)store;
    struct arc_store *given = self->given;
    ARC_TRY(arc__store_check_claim(claim, err));
    struct taking *taking = arc__alloc(&self->mem, sizeof(*taking));
    if (taking == NULL)
        return arc__fail_nomem(err);
    *taking =
        (struct taking){.self = self, .claim = *claim, .arena = arena, .done = done, .user = user};
    struct arc_query query = arc__store_claim_query(claim);
    arc_status status = given->ops->query(given, &query, arena, found, taking, err);
    if (status != ARC_OK)
        arc__free(&self->mem, taking);
    return status;
}

static arc_status host_claim(struct arc_store *store, const struct arc_claim *claim,
                             struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    struct arc_store *given = given_of(store);
    return given->ops->claim(given, claim, arena, done, user, err);
}

/* --- opening --------------------------------------------------------------------------------- */

static arc_status check(const struct arc_store_ops *ops, arc_err *err)
{
    if (ops == NULL || ops->size < FIRST_SIZE)
        return arc__fail(err, ARC_EINVAL, "store", "%s", "The store has no table of slots.");
    if (ops->commit == NULL || ops->query == NULL || ops->fd == NULL || ops->timeout_ms == NULL ||
        ops->dispatch == NULL || ops->health == NULL || ops->close == NULL)
        return arc__fail(err, ARC_EINVAL, "store", "%s", "A slot of the store is empty.");
    if (ops->cols_all != 0 && ops->cols_all != ARC_COLS_ALL)
        return arc__fail(err, ARC_EPRECONDITION, "store",
                         "The store was compiled with tables of %lu columns, the library has %lu.",
                         (unsigned long)ops->cols_all, (unsigned long)ARC_COLS_ALL);
    return ARC_OK;
}

arc_status arc__store_host_open(const struct arc_mem *mem, struct arc_store *given,
                                struct arc_store **out, arc_err *err)
{
    arc_status status = check(given->ops, err);
    struct arc_host_store *self = NULL;
    if (status == ARC_OK && (self = arc__alloc(mem, sizeof(*self))) == NULL)
        status = arc__fail_nomem(err);
    if (status != ARC_OK) {
        if (given->ops != NULL && given->ops->size >= FIRST_SIZE && given->ops->close != NULL)
            given->ops->close(given);
        return status;
    }
    *self = (struct arc_host_store){.mem = *mem, .given = given};
    self->store.ops = &self->ops;
    self->ops =
        (struct arc_store_ops){.size = sizeof(self->ops),
                               .cols_all = ARC_COLS_ALL,
                               .commit = host_commit,
                               .query = host_query,
                               .fd = host_fd,
                               .timeout_ms = host_timeout_ms,
                               .dispatch = host_dispatch,
                               .health = host_health,
                               .close = host_close,
                               .watch = HAS_SLOT(given->ops, watch) ? host_watch : NULL,
                               .claim = HAS_SLOT(given->ops, claim) ? host_claim : host_take};
    *out = &self->store;
    return ARC_OK;
}
