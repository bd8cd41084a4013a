/* SPDX-License-Identifier: Apache-2.0 */
#include "store/host.h"

#include "base/err.h"

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

static void host_watch(struct arc_store *store, void (*changed)(void *user), void *user)
{
    struct arc_store *given = given_of(store);
    given->ops->watch(given, changed, user);
}

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
    self->ops = (struct arc_store_ops){.size = sizeof(self->ops),
                                       .cols_all = ARC_COLS_ALL,
                                       .commit = host_commit,
                                       .query = host_query,
                                       .fd = host_fd,
                                       .timeout_ms = host_timeout_ms,
                                       .dispatch = host_dispatch,
                                       .health = host_health,
                                       .close = host_close,
                                       .watch = HAS_SLOT(given->ops, watch) ? host_watch : NULL};
    *out = &self->store;
    return ARC_OK;
}
