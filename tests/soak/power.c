/* SPDX-License-Identifier: Apache-2.0 */
/* The power goes at an operation of the disk: what was not synced is there or not, sector by sector
 * and in any order; none of it, half, most or all. Then the store opens, every page is sound and
 * everything that was said to be stored is there. Life n loses power at operation n of its world,
 * and the world after the last operation is a new one. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "soak.h"
#include "test_disk.h"

#define COMMITS 30

struct world {
    const char *path;
    uint64_t number;
    int fresh; /* it begins with no file, else with one of some batches */
    int64_t there;
};

static struct arc_store *open_on_disk(const char *path, arc_err *err)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.vfs = DISK_NAME;
    options.checkpoint_pages = 12;
    options.reserve_bytes = 8192;
    options.mark_commits = 7;
    return soak_open(path, &options, err);
}

static int64_t say_some(struct arc_store *store, const struct world *world, int64_t from,
                        int64_t count)
{
    int64_t number = from;
    for (; number < from + count; number++) {
        if (soak_say(store, world->number, number, NULL) != ARC_OK)
            break;
        if (store->ops->dispatch(store, NULL) != ARC_OK)
            return number - from + 1;
    }
    return number - from;
}

static void make_world(struct world *world, uint64_t number)
{
    world->number = number;
    world->fresh = number % 4 == 0;
    world->there = 0;
    disk_format();
    if (world->fresh)
        return;
    struct arc_store *store = open_on_disk(world->path, NULL);
    if (store == NULL)
        abort();
    world->there = say_some(store, world, 1, 1 + (int64_t)(number % 25));
    store->ops->close(store);
    disk_save();
}

/* 1: the life ended before its operation came. */
static int live(struct soak *soak, const struct world *world, uint64_t nth, uint64_t life,
                uint64_t random)
{
    char why[160];
    arc_err err = ARC_ERR_INIT;
    int64_t stored = world->there;
    if (world->fresh)
        disk_format();
    else
        disk_restore();
    disk_fail(nth, 1, SQLITE_IOERR_WRITE, DISK_ALL);
    struct arc_store *store = open_on_disk(world->path, NULL);
    if (store != NULL) {
        stored += say_some(store, world, stored + 1, COMMITS);
        store->ops->close(store);
    }
    int ended = disk_failures() == 0;
    disk_lose_power(random);
    store = open_on_disk(world->path, &err);
    int64_t heard = store != NULL ? soak_heard(store, world->number) : -3;
    snprintf(why, sizeof(why), "operation %llu: %lld stored, %lld there; %.90s",
             (unsigned long long)nth, (long long)stored, (long long)heard, err.message);
    if (heard != stored && heard != stored + 1)
        soak_fail(soak, life, "something is lost or wrong", why);
    else if (say_some(store, world, heard + 1, 3) != 3 ||
             soak_heard(store, world->number) != heard + 3)
        soak_fail(soak, life, "it does not go on", why);
    if (store != NULL)
        store->ops->close(store);
    return ended;
}

void soak_power(struct soak *soak)
{
    struct world world;
    char dir[] = "/tmp/arc-soak-XXXXXX", path[64], lock[80];
    uint64_t nth = 0, worlds = 0, operations = 0;
    if (mkdtemp(dir) == NULL || !disk_register())
        abort();
    snprintf(path, sizeof(path), "%s/x.db", dir);
    world.path = path;
    for (uint64_t life = 1; life <= soak->to; life++) {
        uint64_t random = soak_begin(soak, life);
        if (nth++ == 0)
            make_world(&world, soak->seed * 1000 + worlds++);
        /* What comes before the first life that is wanted is lived too: it says where worlds end.
         */
        if (live(soak, &world, nth, life, soak_random(&random)))
            nth = 0;
        operations = nth > operations ? nth : operations;
        soak->lives += life >= soak->from;
    }
    soak_count(soak, "worlds", worlds);
    soak_count(soak, "operations of the longest", operations);
    static const char *const ends[] = {"", ".lock", ".mark", ".reserve"};
    disk_format();
    for (size_t i = 0; i < ARC_COUNT_OF(ends); i++) {
        snprintf(lock, sizeof(lock), "%s%s", path, ends[i]);
        (void)remove(lock);
    }
    (void)remove(dir);
}
