/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_contract.h"

/* One directory for each store that is open; the contract opens one at a time. */
static char dir[64];
static char path[96];

static void make_dir(void)
{
    snprintf(dir, sizeof(dir), "/tmp/arc-store-XXXXXX");
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/arc.db", dir);
}

static void remove_dir(void)
{
    static const char *const names[] = {"arc.db", "arc.db-wal", "arc.db-shm", "arc.db.lock"};
    for (size_t i = 0; i < ARC_COUNT_OF(names); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s/%s", dir, names[i]);
        (void)unlink(name); /* not all are there */
    }
    CHECK(rmdir(dir) == 0);
}

struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct arc_store *store = NULL;
    make_dir();
    if (arc__store_sqlite_open(mem, path, NULL, &store, err) != ARC_OK)
        remove_dir();
    return store;
}

void contract_close(struct arc_store *store)
{
    store->ops->close(store);
    remove_dir();
}

static const struct test tests[] = {STORE_CONTRACT_CASES};

TEST_MAIN(tests)
