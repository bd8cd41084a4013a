/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>

#include "../unit/store/pg_server.h"
#include "stores.h"

static arc_status pg_open(struct sim_store *self, struct arc_store **store, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_store_pg_options options = pg_server_options();
    (void)self;
    *store = pg_server_store(&mem, &options, err);
    return *store != NULL ? ARC_OK : err->status;
}

static arc_status pg_reopen(struct sim_store *self, struct arc_store **store, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_store_pg_options options = pg_server_options();
    (void)self;
    *store = pg_server_again(*store, &mem, &options, err);
    return *store != NULL ? ARC_OK : err->status;
}

static void pg_close(struct sim_store *self, struct arc_store *store)
{
    (void)self;
    if (store != NULL)
        store->ops->close(store);
}

static void pg_wait(int fd, int timeout_ms)
{
    (void)poll(&(struct pollfd){fd, POLLIN, 0}, 1, timeout_ms);
}

struct sim_store *sim_store_pg(const char **why)
{
    static struct sim_store store = {pg_open, pg_reopen, pg_close, pg_wait};
    static const char *const quick[] = {"fsync=off", "autovacuum=off", NULL};
    static int is_quick;
    struct pg_server *server = pg_server_get();
    *why = "PostgreSQL 15 is not installed (Debian: postgresql-15)";
    if (server != NULL && !is_quick)
        is_quick = pg_server_restart(server, quick); /* no life loses the power of its machine */
    return server != NULL && is_quick ? &store : NULL;
}
