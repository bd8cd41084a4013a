/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite's store promises when the process is killed, the power goes, or the disk fails. */
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "shim.h"
#include "store_files.h"
#include "test_disk.h"

/* --- kill -9 --------------------------------------------------------------------------------- */

/* The child: says what is stored, for ever. */
static void commit_until_killed(const struct store_files *files, int acks)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.checkpoint_pages = 30; /* so that it is also killed while it checkpoints */
    options.skip_quick_check = 1;
    struct arc_store *store = store_files_open(files, &options, NULL);
    int64_t seq = store != NULL ? store_files_heard(store, "s") : -1;
    if (seq < 0)
        _exit(3);
    for (;;) {
        seq++;
        if (store_files_say(store, "s", seq, NULL) != ARC_OK ||
            write(acks, &seq, sizeof(seq)) != sizeof(seq))
            _exit(4);
        if (store->ops->timeout_ms(store) == 0 && store->ops->dispatch(store, NULL) != ARC_OK)
            _exit(5);
    }
}

/* Kills the child somewhere behind its n-th answer. The last thing that it said to be stored. */
static int64_t kill_after(const struct store_files *files, int64_t answers, unsigned spins)
{
    int acks[2], status = 0;
    int64_t last = 0, seq;
    CHECK(pipe(acks) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        (void)close(acks[0]);
        commit_until_killed(files, acks[1]);
    }
    (void)close(acks[1]);
    while (answers-- > 0 && read(acks[0], &seq, sizeof(seq)) == sizeof(seq))
        last = seq;
    for (volatile unsigned i = 0; i < spins; i++)
        continue; /* a little further, into the middle of things */
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    while (read(acks[0], &seq, sizeof(seq)) == sizeof(seq))
        last = seq;
    (void)close(acks[0]);
    return last;
}

static void kills_lose_nothing(void)
{
    enum { KILLS = 60 };
    struct store_files files;
    uint64_t random = 88172645463325252u;
    int64_t acknowledged = 0;
    store_files_make(&files);
    for (int round = 0; round < KILLS; round++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int64_t last = kill_after(&files, 1 + (int64_t)(random % 40), (unsigned)(random % 400000));
        CHECK(last > acknowledged);
        acknowledged = last;
        arc_err err = ARC_ERR_INIT;
        struct arc_store *store = store_files_open(&files, NULL, &err); /* checks all pages */
        CHECK(store != NULL);
        if (store == NULL) {
            printf("# round %d: %s\n", round, err.message);
            break;
        }
        /* At most the one that was under way came in without its answer. */
        int64_t heard = store_files_heard(store, "s");
        CHECK(heard == last || heard == last + 1);
        acknowledged = heard;
        store->ops->close(store);
    }
    CHECK(acknowledged >= KILLS);
    store_files_remove(&files);
}

/* --- the disk that fails --------------------------------------------------------------------- */

static struct arc_store *open_on_disk(const struct store_files *files, arc_err *err)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.vfs = DISK_NAME;
    options.checkpoint_pages = 5;
    options.reserve_bytes = 0; /* store_full_test is about it */
    return store_files_open(files, &options, err);
}

/* A disk with an empty store, to begin lives with. */
static void prepare_disk(const struct store_files *files)
{
    arc_err err = ARC_ERR_INIT;
    CHECK(disk_register());
    struct arc_store *store = open_on_disk(files, &err);
    CHECK(store != NULL);
    if (store != NULL)
        store->ops->close(store);
    disk_save();
}

/* Commits until one fails or there are `count`. How many said that they are stored. */
static int64_t say_many(struct arc_store *store, int64_t from, int64_t count, int dispatch,
                        arc_err *err)
{
    int64_t seq = from;
    while (seq < from + count && store_files_say(store, "s", seq, err) == ARC_OK) {
        seq++;
        if (dispatch && store->ops->timeout_ms(store) == 0 &&
            store->ops->dispatch(store, NULL) != ARC_OK)
            break;
    }
    return seq - from;
}

/* The power goes at the n-th operation. 1: the life ended before it. */
static int power_life(struct store_files *files, int fresh, uint64_t nth, uint64_t random)
{
    enum { COUNT = 30 };
    int64_t stored = 0;
    arc_err err = ARC_ERR_INIT;
    if (fresh)
        disk_format();
    else
        disk_restore();
    disk_fail(nth, 1, SQLITE_IOERR_WRITE, DISK_ALL);
    struct arc_store *store = open_on_disk(files, &err);
    if (store != NULL) {
        stored = say_many(store, 1, COUNT, 1, &err);
        CHECK(stored == COUNT || store->ops->health(store, NULL) == ARC_EIO);
        store->ops->close(store);
    }
    int survived = disk_failures() == 0;
    disk_lose_power(random);
    err = (arc_err)ARC_ERR_INIT;
    store = open_on_disk(files, &err);
    CHECK(store != NULL);
    if (store == NULL) {
        printf("# operation %llu, random %llu: %s\n", (unsigned long long)nth,
               (unsigned long long)random, err.message);
        return survived;
    }
    int64_t heard = store_files_heard(store, "s");
    if (heard < stored || heard > stored + 1)
        printf("# operation %llu, random %llu: %lld stored, %lld there\n", (unsigned long long)nth,
               (unsigned long long)random, (long long)stored, (long long)heard);
    CHECK(heard == stored || heard == stored + 1);
    CHECK_INT(say_many(store, heard + 1, 5, 1, &err), 5);
    CHECK_INT(store_files_heard(store, "s"), heard + 5);
    store->ops->close(store);
    return survived;
}

static void lost_power_loses_nothing(void)
{
    struct store_files files;
    uint64_t operations = 0;
    store_files_make(&files);
    prepare_disk(&files);
    for (uint64_t random = 1; random <= 3; random++) { /* the first also makes the schema */
        uint64_t nth = 1;
        while (nth < 5000 &&
               !power_life(&files, random == 1, nth, random * 0x9e3779b97f4a7c15u + nth))
            nth++;
        operations += nth;
    }
    CHECK(operations > 3 * 60 && operations < 3 * 5000);
    disk_format();
    store_files_remove(&files);
}

/* One operation fails and the disk is well again: whatever said stored is there, and after the
 * failure of a write or a sync nothing says so any more. 1: nothing failed. */
static int failing_life(struct store_files *files, uint64_t nth, unsigned kinds, int code,
                        int dispatch)
{
    enum { COUNT = 36 };
    arc_err err = ARC_ERR_INIT;
    disk_restore();
    struct arc_store *store = open_on_disk(files, &err);
    CHECK(store != NULL);
    if (store == NULL) {
        printf("# %s\n", err.message);
        return 1;
    }
    disk_fail(nth, 0, code, kinds);
    int64_t stored = say_many(store, 1, COUNT, dispatch, &err);
    int survived = disk_failures() == 0;
    if (survived) {
        CHECK_INT(stored, COUNT);
    } else {
        CHECK_STATUS(store->ops->health(store, &err), ARC_EIO);
        CHECK(strstr(err.message, "takes no more writes") != NULL);
        CHECK_STATUS(store_files_say(store, "s", 1000, NULL), ARC_EIO);
        CHECK_STATUS(store_files_say(store, "s", 1001, NULL), ARC_EIO);
        CHECK_INT(store->ops->timeout_ms(store), -1);
        CHECK(store_files_heard(store, "s") >= stored); /* reading goes on */
    }
    store->ops->close(store);
    disk_lose_power(nth);
    store = open_on_disk(files, &err);
    CHECK(store != NULL);
    if (store == NULL)
        printf("# operation %llu: %s\n", (unsigned long long)nth, err.message);
    if (store != NULL) {
        int64_t heard = store_files_heard(store, "s");
        CHECK(heard == stored || heard == stored + 1);
        CHECK_OK(store_files_say(store, "s", heard + 1, NULL));
        store->ops->close(store);
    }
    return survived;
}

static void failures_poison(void)
{
    static const struct {
        unsigned kinds;
        int code;
    } faults[] = {{DISK_WRITES, SQLITE_IOERR_WRITE}, {DISK_SYNCS, SQLITE_IOERR_FSYNC}};
    struct store_files files;
    store_files_make(&files);
    prepare_disk(&files);
    for (size_t i = 0; i < ARC_COUNT_OF(faults); i++) {
        for (int dispatch = 0; dispatch < 2; dispatch++) { /* without: commits do its work */
            uint64_t nth = 1;
            while (nth < 5000 &&
                   !failing_life(&files, nth, faults[i].kinds, faults[i].code, dispatch))
                nth++;
            CHECK(nth > 36 && nth < 5000);
        }
    }
    disk_format();
    store_files_remove(&files);
}

static void full_disks_are_no_poison(void)
{
    struct store_files files;
    arc_err err = ARC_ERR_INIT;
    store_files_make(&files);
    CHECK(disk_register());
    struct arc_store *store = open_on_disk(&files, &err);
    CHECK(store != NULL);
    for (size_t room = 0; store != NULL && room < 30000; room += 1000) {
        int64_t before = store_files_heard(store, "s");
        disk_limit(disk_used() + room);
        int64_t stored = say_many(store, before + 1, 500, 1, &err);
        CHECK(stored < 500);
        CHECK_STATUS(err.status, ARC_ELIMIT);
        CHECK_OK(store->ops->health(store, NULL));
        CHECK_INT(store_files_heard(store, "s"), before + stored);
        disk_limit(0); /* somebody made room */
        CHECK_INT(say_many(store, before + stored + 1, 3, 1, &err), 3);
        CHECK_INT(store_files_heard(store, "s"), before + stored + 3);
    }
    if (store != NULL) {
        int64_t heard = store_files_heard(store, "s");
        store->ops->close(store);
        disk_lose_power(5);
        store = open_on_disk(&files, &err);
        CHECK(store != NULL && store_files_heard(store, "s") == heard);
    }
    if (store != NULL)
        store->ops->close(store);
    disk_format();
    store_files_remove(&files);
}

/* Shared memory that finds no room is no broken disk; a sync that finds none is another matter. */
static void full_disks_are_known_by_errno(void)
{
    struct store_files files;
    arc_err err = ARC_ERR_INIT;
    store_files_make(&files);
    CHECK(disk_register());
    disk_fail(1, 1, SQLITE_IOERR_SHMSIZE, DISK_SHM);
    disk_fail_errno(EIO);
    CHECK(open_on_disk(&files, &err) == NULL);
    CHECK_STATUS(err.status, ARC_EIO);
    disk_fail(1, 1, SQLITE_IOERR_SHMSIZE, DISK_SHM);
    disk_fail_errno(ENOSPC);
    CHECK(open_on_disk(&files, &err) == NULL);
    CHECK_STATUS(err.status, ARC_ELIMIT);
    CHECK(strstr(err.message, "No space left") != NULL);
    disk_fail(0, 0, 0, DISK_ALL);
    struct arc_store *store = open_on_disk(&files, &err);
    CHECK(store != NULL);
    if (store != NULL) {
        CHECK_OK(store_files_say(store, "s", 1, NULL));
        disk_fail(1, 0, SQLITE_IOERR_FSYNC, DISK_SYNCS);
        disk_fail_errno(ENOSPC);
        CHECK_STATUS(store_files_say(store, "s", 2, NULL), ARC_EIO);
        CHECK_STATUS(store->ops->health(store, NULL), ARC_EIO);
        store->ops->close(store);
    }
    disk_format();
    store_files_remove(&files);
}

/* Opening is as careful as committing. */
static void opening_can_fail_anywhere(void)
{
    static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_IOERR_NOMEM};
    static const arc_status statuses[] = {ARC_EIO, ARC_ELIMIT, ARC_ENOMEM};
    struct store_files files;
    store_files_make(&files);
    CHECK(disk_register());
    for (size_t i = 0; i < ARC_COUNT_OF(codes); i++) {
        uint64_t nth = 1;
        for (int failed = 1; failed && nth < 5000; nth++) {
            arc_err err = ARC_ERR_INIT;
            disk_format();
            disk_fail(nth, 1, codes[i], DISK_ALL);
            struct arc_store *store = open_on_disk(&files, &err);
            failed = disk_failures() != 0;
            /* The mark does without room. */
            CHECK(failed ? store == NULL || codes[i] == SQLITE_FULL : store != NULL);
            if (store == NULL)
                CHECK_STATUS(err.status, statuses[i]);
            disk_fail(0, 0, 0, DISK_ALL);
            if (store == NULL) /* the file that was left can be opened */
                store = open_on_disk(&files, &err);
            if (store == NULL)
                printf("# operation %llu: %s\n", (unsigned long long)nth, err.message);
            CHECK(store != NULL && store_files_say(store, "s", 1, NULL) == ARC_OK);
            if (store != NULL)
                store->ops->close(store);
        }
        CHECK(nth > 10 && nth < 5000);
    }
    disk_format();
    store_files_remove(&files);
}

/* --- every fault at every call --------------------------------------------------------------- */

/* Commits `count` batches, each until it is in; stops where the store is poisoned. Only ARC_OK, or
 * a refusal because it is there already, counts as stored. */
static int64_t insist(struct arc_store *store, int64_t count)
{
    int64_t seq = 1;
    for (int tries = 0; seq <= count && tries < 5; tries++) {
        arc_status status = store_files_say(store, "s", seq, NULL);
        if (status == ARC_OK || status == ARC_ECONFLICT) {
            seq++;
            tries = -1;
        }
        if (store->ops->health(store, NULL) == ARC_EIO)
            break;
        (void)store->ops->dispatch(store, NULL); /* health says what came of it */
    }
    return seq - 1;
}

struct fault {
    unsigned kinds;
    int code, number; /* an errno */
};

/* The n-th call, and with sticky all behind it, answers so, from before the store is opened. 1:
 * nothing failed. What was read or said meanwhile is checked when all is well again. */
static int faulty_life(const struct store_files *files, const struct fault *fault, uint64_t nth,
                       int sticky)
{
    enum { COUNT = 12 };
    arc_err err = ARC_ERR_INIT;
    int64_t stored = 0;
    disk_restore();
    disk_fail(nth, sticky, fault->code, fault->kinds);
    disk_fail_errno(fault->number);
    struct arc_store *store = open_on_disk(files, &err);
    CHECK(store != NULL || (err.status != ARC_OK && err.status != ARC_ECONFLICT));
    if (store != NULL) {
        stored = insist(store, COUNT);
        int64_t heard = store_files_heard(store, "s");
        CHECK(heard == -1 || heard == stored || heard == stored + 1);
        store->ops->close(store);
    }
    int survived = disk_failures() == 0;
    CHECK(!survived || stored == COUNT);
    disk_lose_power(nth);
    store = open_on_disk(files, &err);
    int64_t there = store != NULL ? store_files_heard(store, "s") : -2;
    if (there != stored && there != stored + 1)
        printf("# kinds %u, code %d, call %llu, sticky %d: %lld stored, %lld there; %s\n",
               fault->kinds, fault->code, (unsigned long long)nth, sticky, (long long)stored,
               (long long)there, err.message);
    CHECK(there == stored || there == stored + 1);
    if (store != NULL)
        store->ops->close(store);
    return survived;
}

static void every_fault_at_every_call(void)
{
    static const struct fault faults[] = {
        {DISK_WRITES, SQLITE_IOERR_WRITE, EIO},    {DISK_WRITES, SQLITE_FULL, ENOSPC},
        {DISK_SYNCS, SQLITE_IOERR_FSYNC, EIO},     {DISK_SYNCS, SQLITE_IOERR_FSYNC, ENOSPC},
        {DISK_OTHERS, SQLITE_IOERR_TRUNCATE, EIO}, {DISK_READS, SQLITE_IOERR_READ, EIO},
        {DISK_READS, SQLITE_IOERR_SHORT_READ, 0},  {DISK_LOCKS, SQLITE_BUSY, EAGAIN},
        {DISK_SHM, SQLITE_IOERR_SHMMAP, EIO},      {DISK_SHM, SQLITE_IOERR_NOMEM, ENOMEM},
    };
    struct store_files files;
    store_files_make(&files);
    prepare_disk(&files);
    for (size_t i = 0; i < ARC_COUNT_OF(faults); i++) {
        for (int sticky = 0; sticky < 2; sticky++) {
            uint64_t nth = 1;
            while (nth < 5000 && !faulty_life(&files, &faults[i], nth, sticky))
                nth++;
            CHECK(nth > 1 && nth < 5000);
        }
    }
    disk_format();
    store_files_remove(&files);
}

static const struct test tests[] = {
    {"kills in the middle of commits lose nothing acknowledged", kills_lose_nothing},
    {"lost power loses nothing acknowledged", lost_power_loses_nothing},
    {"a failed write or sync ends all acknowledging", failures_poison},
    {"a full disk refuses and may pass", full_disks_are_no_poison},
    {"a full disk is known by its errno too", full_disks_are_known_by_errno},
    {"every fault at every call is an error or changes nothing", every_fault_at_every_call},
    {"opening can fail at every write and leaves a sound file", opening_can_fail_anywhere},
};

TEST_MAIN(tests)
