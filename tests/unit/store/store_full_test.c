/* SPDX-License-Identifier: Apache-2.0 */
/* A full disk, the reserve that lets runs end on it, and a log of changes that a foreign reader
 * keeps from being copied back. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "shim.h"
#include "store_files.h"
#include "test_disk.h"

#define RESERVE (256 * 1024)

static struct arc_store *open_with(const struct store_files *files, const char *vfs,
                                   int64_t reserve_bytes, arc_err *err)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.vfs = vfs;
    options.reserve_bytes = reserve_bytes;
    options.checkpoint_pages = 20;
    return store_files_open(files, &options, err);
}

/* Commits until one is refused or the store says that it is full, at most `most`. How many came in.
 */
static int64_t say_until_full(struct arc_store *store, int64_t from, int64_t most, arc_err *err)
{
    int64_t seq = from;
    while (seq < from + most && store->ops->health(store, NULL) == ARC_OK) {
        if (store_files_say(store, "s", seq, err) != ARC_OK)
            break;
        seq++;
        CHECK_OK(store->ops->dispatch(store, NULL));
    }
    return seq - from;
}

static void check_is_full(struct arc_store *store)
{
    arc_err err = ARC_ERR_INIT;
    CHECK_STATUS(store->ops->health(store, &err), ARC_ELIMIT);
    CHECK_TEXT(arc__slice_cstr(err.subject), ARC_STORE_FULL);
    CHECK(strstr(err.message, "reserve") != NULL);
}

/* The end of whatever runs: so many commits must still come in. */
static int64_t say_the_end(struct arc_store *store, int64_t from)
{
    int64_t seq = from;
    for (; seq < from + 100; seq++) {
        CHECK_OK(store_files_say(store, "s", seq, NULL));
        CHECK_OK(store->ops->dispatch(store, NULL));
    }
    return seq - from;
}

/* What a store on a full disk does, whose room somebody makes and takes. */
struct room {
    void (*take)(void *user);
    void (*make)(void *user);
    void *user;
};

static void live_on_a_full_disk(struct arc_store *store, const struct room *room)
{
    arc_err unused = ARC_ERR_INIT;
    int64_t count = say_until_full(store, 1, 50, &unused); /* the tables are copied back */
    CHECK_INT(count, 50);
    for (int round = 0; round < 3; round++) { /* full, and freed again without a restart */
        arc_err err = ARC_ERR_INIT;
        room->take(room->user);
        count += say_until_full(store, count + 1, 2000, &err);
        CHECK_OK(err.status); /* the batch that met the full disk came in as well */
        check_is_full(store);
        count += say_the_end(store, count + 1);
        CHECK_INT(store_files_heard(store, "s"), count);
        check_is_full(store);
        room->make(room->user);
        for (int i = 0; i < 600 && store->ops->health(store, NULL) != ARC_OK; i++)
            CHECK_OK(store->ops->dispatch(store, NULL));
        CHECK_OK(store->ops->health(store, NULL));
        CHECK_OK(store_files_say(store, "s", ++count, NULL));
    }
    CHECK_INT(store_files_heard(store, "s"), count);
}

static void take_disk(void *user)
{
    (void)user;
    disk_limit(disk_used() + 20000);
}

static void make_disk(void *user)
{
    (void)user;
    disk_limit(0);
}

static void a_full_test_disk_lets_runs_end(void)
{
    const struct room room = {take_disk, make_disk, NULL};
    struct store_files files;
    arc_err err = ARC_ERR_INIT;
    store_files_make(&files);
    CHECK(disk_register());
    struct arc_store *store = open_with(&files, DISK_NAME, RESERVE, &err);
    CHECK(store != NULL);
    if (store != NULL) {
        live_on_a_full_disk(store, &room);
        int64_t heard = store_files_heard(store, "s");
        store->ops->close(store);
        disk_lose_power(7);
        store = open_with(&files, DISK_NAME, RESERVE, &err);
        CHECK(store != NULL && store_files_heard(store, "s") == heard);
    }
    if (store != NULL)
        store->ops->close(store);
    disk_format();
    store_files_remove(&files);
}

/* --- a real one ------------------------------------------------------------------------------ */

static void ballast_path(const struct store_files *files, char *path, size_t size)
{
    snprintf(path, size, "%s/ballast", files->dir);
}

static void take_mount(void *user)
{
    static const char zeros[4096];
    char path[128];
    ballast_path(user, path, sizeof(path));
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    while (write(fd, zeros, sizeof(zeros)) == (ssize_t)sizeof(zeros))
        continue;
    CHECK_INT(errno, ENOSPC);
    (void)close(fd);
}

static void make_mount(void *user)
{
    char path[128];
    ballast_path(user, path, sizeof(path));
    CHECK(unlink(path) == 0);
}

/* 1: a small file system of its own is there now, in the directory of the files. */
static int mount_small(const struct store_files *files)
{
    if (mount("tmpfs", files->dir, "tmpfs", 0, "size=6m,mode=0700") == 0)
        return 1;
    test_skip("this user may not mount a small file system");
    return 0;
}

static void unmount(struct store_files *files)
{
    CHECK(umount2(files->dir, MNT_DETACH) == 0);
    CHECK(rmdir(files->dir) == 0);
}

static void a_full_file_system_lets_runs_end(void)
{
    struct store_files files;
    const struct room room = {take_mount, make_mount, &files};
    arc_err err = ARC_ERR_INIT;
    store_files_make(&files);
    if (!mount_small(&files)) {
        store_files_remove(&files);
        return;
    }
    struct arc_store *store = open_with(&files, NULL, 2 * RESERVE, &err);
    CHECK(store != NULL);
    if (store != NULL) {
        live_on_a_full_disk(store, &room);
        int64_t heard = store_files_heard(store, "s");
        store->ops->close(store);
        store = open_with(&files, NULL, 2 * RESERVE, &err);
        CHECK(store != NULL && store_files_heard(store, "s") == heard);
    }
    if (store != NULL)
        store->ops->close(store);
    unmount(&files);
}

/* What was written before must be readable, and the end of it must come in. */
static void a_store_opens_on_a_full_file_system(void)
{
    struct store_files files;
    arc_err err = ARC_ERR_INIT;
    store_files_make(&files);
    if (!mount_small(&files)) {
        store_files_remove(&files);
        return;
    }
    struct arc_store *store = open_with(&files, NULL, 2 * RESERVE, &err);
    CHECK(store != NULL && store_files_say(store, "s", 1, NULL) == ARC_OK);
    if (store != NULL)
        store->ops->close(store);
    take_mount(&files);
    store = open_with(&files, NULL, 2 * RESERVE, &err);
    CHECK(store != NULL);
    if (store != NULL) {
        check_is_full(store);
        CHECK_INT(say_the_end(store, 2), 100);
        store->ops->close(store);
    }
    store = open_with(&files, NULL, 2 * RESERVE, &err); /* the reserve is gone, the room is not */
    CHECK(store != NULL);
    if (store != NULL) {
        check_is_full(store);
        CHECK_INT(store_files_heard(store, "s"), 101);
        store->ops->close(store);
    }
    unmount(&files);
}

static off_t size_of(const struct store_files *files, const char *end)
{
    char name[128];
    struct stat info = {.st_size = -1};
    snprintf(name, sizeof(name), "%s%s", files->path, end);
    return stat(name, &info) == 0 ? info.st_size : -1;
}

static void the_reserve_is_an_option(void)
{
    struct store_files files;
    arc_err err = ARC_ERR_INIT;
    struct stat info = {.st_size = 0};
    char name[128];
    store_files_make(&files);
    struct arc_store *store = open_with(&files, NULL, 0, &err);
    CHECK(store != NULL);
    if (store != NULL)
        store->ops->close(store);
    CHECK_INT(size_of(&files, ".reserve"), -1);
    for (int64_t bytes = RESERVE; bytes <= 2 * RESERVE; bytes += RESERVE) { /* and may change */
        store = open_with(&files, NULL, bytes, &err);
        CHECK(store != NULL);
        if (store != NULL)
            store->ops->close(store);
        CHECK_INT(size_of(&files, ".reserve"), bytes);
    }
    snprintf(name, sizeof(name), "%s.reserve", files.path);
    CHECK(stat(name, &info) == 0 && (info.st_mode & 0777) == 0600);
    CHECK(info.st_blocks * 512 >= 2 * RESERVE); /* it is there, not only as long */
    store_files_remove(&files);
}

/* --- the log of changes ---------------------------------------------------------------------- */

/* A foreign program that has begun to read and stays there. */
static sqlite3 *hold(const struct store_files *files)
{
    sqlite3 *db = NULL;
    CHECK(sqlite3_open_v2(files->path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM t_event", NULL, NULL, NULL) == SQLITE_OK);
    return db;
}

static void a_held_log_is_told_and_cut(void)
{
    enum { LIMIT = 400 * 1024 };
    struct store_files files;
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    int64_t seq = 1;
    store_files_make(&files);
    options.checkpoint_pages = 20;
    options.wal_max_bytes = LIMIT;
    options.busy_ms = 60000; /* nobody may wait for that reader */
    struct arc_store *store = store_files_open(&files, &options, &err);
    CHECK(store != NULL && store_files_say(store, "s", seq++, NULL) == ARC_OK);
    sqlite3 *reader = hold(&files);
    while (store != NULL && seq < 5000 && store->ops->health(store, &err) == ARC_OK) {
        CHECK_OK(store_files_say(store, "s", seq++, NULL));
        CHECK_OK(store->ops->dispatch(store, NULL));
    }
    CHECK(seq < 5000 && size_of(&files, "-wal") > LIMIT);
    CHECK_STATUS(err.status, ARC_ELIMIT);
    CHECK_TEXT(arc__slice_cstr(err.subject), ARC_STORE_LOG);
    for (int i = 0; store != NULL && i < 100; i++) { /* commits go on */
        CHECK_OK(store_files_say(store, "s", seq++, NULL));
        CHECK_OK(store->ops->dispatch(store, NULL));
    }
    CHECK(store != NULL && store->ops->health(store, NULL) == ARC_ELIMIT);
    CHECK(sqlite3_close(reader) == SQLITE_OK);
    for (int i = 0; store != NULL && i < 100 && store->ops->health(store, NULL) != ARC_OK; i++) {
        CHECK_OK(store_files_say(store, "s", seq++, NULL));
        CHECK_OK(store->ops->dispatch(store, NULL));
    }
    CHECK(store != NULL && store->ops->health(store, NULL) == ARC_OK);
    CHECK(size_of(&files, "-wal") < LIMIT);
    CHECK(store != NULL && store_files_heard(store, "s") == seq - 1);
    if (store != NULL)
        store->ops->close(store);
    store_files_remove(&files);
}

static const struct test tests[] = {
    {"on a full disk the reserve lets runs end", a_full_test_disk_lets_runs_end},
    {"a real file system fills up and is freed without a restart",
     a_full_file_system_lets_runs_end},
    {"a store opens on a full file system, into its reserve", a_store_opens_on_a_full_file_system},
    {"the reserve is as large as it is told to be, or not there", the_reserve_is_an_option},
    {"a log that a foreign reader holds is told, then cut", a_held_log_is_told_and_cut},
};

TEST_MAIN(tests)
