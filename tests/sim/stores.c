/* SPDX-License-Identifier: Apache-2.0 */
#include "stores.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/store/kill_files.h"
#include "store/sqlite.h"

static const char *const files[] = {"x.db",     "x.db-wal",  "x.db.mark",
                                    "x.db-shm", "x.db.lock", "x.db.reserve"};

struct sqlite_life {
    struct sim_store store;
    char dir[48];
};

static arc_status open_in(struct sqlite_life *life, struct arc_store **store, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    char path[80];
    options.reserve_bytes = 0;
    (void)snprintf(path, sizeof(path), "%s/x.db", life->dir);
    return arc__store_sqlite_open(&mem, path, &options, store, err);
}

static void name_dir(struct sqlite_life *life)
{
    (void)snprintf(life->dir, sizeof(life->dir), "%s/arc-sim-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

static arc_status sqlite_open(struct sim_store *self, struct arc_store **store, arc_err *err)
{
    struct sqlite_life *life = (struct sqlite_life *)(void *)self;
    name_dir(life);
    if (mkdtemp(life->dir) == NULL)
        return arc__fail(err, ARC_EIO, "store", "No directory can be made.");
    return open_in(life, store, err);
}

static void remove_dir(const char *dir)
{
    char path[96];
    for (size_t i = 0; i < ARC_COUNT_OF(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static arc_status sqlite_reopen(struct sim_store *self, struct arc_store **store, arc_err *err)
{
    struct sqlite_life *life = (struct sqlite_life *)(void *)self;
    struct sqlite_life old = *life;
    struct arc_store *had = *store;
    int fine = 1;
    *store = NULL;
    name_dir(life);
    if (mkdtemp(life->dir) == NULL) {
        *life = old;
        fine = 0;
    }
    fine = fine && kill_files_copy(old.dir, life->dir, "x.db");
    had->ops->close(had);
    if (!fine)
        return arc__fail(err, ARC_EIO, "store", "The files cannot be copied.");
    remove_dir(old.dir);
    return open_in(life, store, err);
}

static void sqlite_close(struct sim_store *self, struct arc_store *store)
{
    if (store != NULL)
        store->ops->close(store);
    remove_dir(((struct sqlite_life *)(void *)self)->dir);
}

static void wait_for(int fd, int timeout_ms)
{
    (void)poll(&(struct pollfd){fd, POLLIN, 0}, 1, timeout_ms);
}

struct sim_store *sim_store_sqlite(void)
{
    static struct sqlite_life life = {{sqlite_open, sqlite_reopen, sqlite_close, wait_for}, ""};
    return &life.store;
}

int sim_compare(struct sim *sim, const struct sim_plan *plan)
{
    struct sim_plan same = *plan;
    same.off |= SIM_UNLIKE;
    same.rows = 1;
    same.store = NULL;
    if (!sim_live(sim, &same))
        return 0;
    uint64_t hash = sim->hash, rows_hash = sim->rows_hash, row_count = sim->row_count;
    same.store = plan->store;
    if (!sim_live(sim, &same))
        return 0;
    if (sim->hash != hash)
        broke(sim, INV_I16, "the life has another hash than in memory");
    else if (sim->rows_hash != rows_hash || sim->row_count != row_count)
        broke(sim, INV_I16, "its %llu rows are not the %llu of memory",
              (unsigned long long)sim->row_count, (unsigned long long)row_count);
    return !sim->broken;
}
