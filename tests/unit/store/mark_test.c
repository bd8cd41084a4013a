/* SPDX-License-Identifier: Apache-2.0 */
/* The high-water mark alone, on a disk that fails and loses its power: whatever happens, what is
 * read is no older than what was synced and no newer than what was written. An older one may ask
 * for a log that is rightly gone. */
#include "store/sqlite_mark.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "shim.h"
#include "test_disk.h"

#define PATH "/x.mark"

struct life {
    struct arc_sqlite_mark mark;
    struct arc_sqlite_vfs shim; /* only what the mark looks at */
    uint32_t read;              /* what it said as this process opened it, in frames */
    uint32_t synced;            /* what a mark that is read says at least */
    uint32_t written;           /* and at most */
    int failed;
};

static uint32_t draw(uint64_t *random, uint32_t below)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (uint32_t)((*random >> 11) % below);
}

static void open_mark(struct life *life, uint32_t sync_every)
{
    struct arc_mem mem = arc__mem_default();
    memset(&life->mark, 0, sizeof(life->mark));
    life->shim.commits = 0;
    life->failed = 0;
    CHECK(arc__sqlite_mark_open(&life->mark, &mem, DISK_NAME, PATH, sync_every, NULL) == ARC_OK);
}

static void close_mark(struct life *life)
{
    struct arc_mem mem = arc__mem_default();
    arc__sqlite_mark_close(&life->mark, &mem);
}

/* One more commit, which is one frame. Nothing is written any more once something has failed, as
 * in a store, which is poisoned then. */
static void commit(struct life *life)
{
    life->shim.commits++;
    life->shim.end.frames = ++life->written;
    life->failed = arc__sqlite_mark_commit(&life->mark, &life->shim, NULL) != ARC_OK;
    if (!life->failed) /* before it writes over anything, it makes safe what it has read */
        life->synced = life->mark.unsynced == 0    ? life->written
                       : life->synced < life->read ? life->read
                                                   : life->synced;
}

static void sync(struct life *life)
{
    life->failed = arc__sqlite_mark_sync(&life->mark, NULL) != ARC_OK;
    if (!life->failed)
        life->synced = life->mark.end.frames;
}

static int holds(const struct life *life, uint64_t seed, const char *after)
{
    uint32_t frames = life->mark.end.frames;
    int good = frames >= life->synced && frames <= life->written;
    if (!good)
        printf("# seed %llu: %u after %s, %u were synced, %u written\n", (unsigned long long)seed,
               frames, after, life->synced, life->written);
    return good;
}

/* Processes one after the other on one disk: each ends by losing its power or by being killed, some
 * of them after a write or a sync that failed. */
static int live(uint64_t seed)
{
    enum { PROCESSES = 12, COMMITS = 20 };
    struct life life = {.synced = 0};
    uint64_t random = seed * 88172645463325252u | 1;
    int good = 1;
    disk_format();
    for (int process = 0; process < PROCESSES && good; process++) {
        open_mark(&life, 1 + draw(&random, 8));
        good = holds(&life, seed, process % 2 ? "a kill" : "a loss of power");
        life.read = life.mark.end.frames;
        if (draw(&random, 2) == 0)
            disk_fail(1 + draw(&random, COMMITS), 1, SQLITE_IOERR_WRITE, DISK_ALL);
        for (uint32_t left = draw(&random, COMMITS); left > 0 && !life.failed; left--)
            draw(&random, 6) == 0 ? sync(&life) : commit(&life);
        close_mark(&life);
        if (process % 2 == 0)
            disk_fail(0, 0, 0, DISK_ALL); /* the next process comes after a kill */
        else
            disk_lose_power(draw(&random, UINT32_MAX));
    }
    disk_format();
    return good;
}

static void a_mark_that_was_synced_is_not_forgotten(void)
{
    enum { LIVES = 2000 };
    CHECK(disk_register());
    int good = 1;
    for (uint64_t seed = 1; seed <= LIVES && good; seed++)
        good = live(seed);
    CHECK(good);
}

static const struct test tests[] = {
    {"a mark that was synced is not forgotten for an older one",
     a_mark_that_was_synced_is_not_forgotten},
};

TEST_MAIN(tests)
