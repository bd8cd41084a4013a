/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a store that is in use, and putting them back. */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "shim.h"
#include "store/sqlite_backup.h"
#include "store_files.h"

struct fixture {
    struct store_files files, copy; /* copy.path: where a copy goes */
    struct arc_store *store;
    int64_t said;
};

static void open_fixture(struct fixture *f)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.reserve_bytes = 0;
    options.checkpoint_pages = 50;
    f->store = store_files_open(&f->files, &options, NULL);
    CHECK(f->store != NULL);
}

static void say(struct fixture *f, int64_t count)
{
    while (f->store != NULL && count-- > 0)
        CHECK_OK(store_files_say(f->store, "s", ++f->said, NULL));
}

static void begin(struct fixture *f)
{
    *f = (struct fixture){.said = 0};
    store_files_make(&f->files);
    store_files_make(&f->copy);
    open_fixture(f);
    say(f, 500);
}

static void close_store(struct fixture *f)
{
    if (f->store != NULL)
        f->store->ops->close(f->store);
    f->store = NULL;
}

static void finish(struct fixture *f)
{
    close_store(f);
    store_files_remove(&f->files);
    store_files_remove(&f->copy); /* fails where a part was left */
}

static int exists(const struct store_files *files)
{
    struct stat info;
    return stat(files->path, &info) == 0;
}

static int64_t heard_in(const struct store_files *files)
{
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = store_files_open(files, NULL, &err);
    int64_t heard = store != NULL ? store_files_heard(store, "s") : -2;
    if (store == NULL)
        printf("# %s\n", err.message);
    else
        store->ops->close(store);
    return heard;
}

struct ended {
    int count;
    arc_status status;
};

static void on_done(void *user, arc_status status, const arc_err *err)
{
    struct ended *ended = user;
    CHECK((status == ARC_OK) == (err == NULL));
    ended->count++;
    ended->status = status;
}

struct watched {
    int steps, stop_at;
    uint64_t pages_done, pages;
};

static int on_progress(void *user, uint64_t pages_done, uint64_t pages)
{
    struct watched *watched = user;
    CHECK(pages_done <= pages);
    watched->pages_done = pages_done;
    watched->pages = pages;
    return ++watched->steps == watched->stop_at;
}

static struct arc_sqlite_backup_options small_steps(struct watched *watched)
{
    struct arc_sqlite_backup_options options = ARC_SQLITE_BACKUP_OPTIONS_INIT;
    options.step_pages = 3;
    options.progress = on_progress;
    options.user = watched;
    return options;
}

static void copies_are_made_while_runs_go_on(void)
{
    struct fixture f;
    struct ended ended = {0};
    struct watched watched = {0};
    struct arc_sqlite_backup_options options = small_steps(&watched);
    struct stat info = {.st_size = 0};
    begin(&f);
    CHECK_OK(arc__store_sqlite_backup(f.store, f.copy.path, &options, on_done, &ended, NULL));
    CHECK(arc__store_sqlite_backup_runs(f.store));
    CHECK_STATUS(arc__store_sqlite_backup(f.store, f.copy.path, NULL, on_done, &ended, NULL),
                 ARC_ECONFLICT);
    while (ended.count == 0 && watched.steps < 10000) {
        CHECK_INT(f.store->ops->timeout_ms(f.store), 0);
        CHECK(!exists(&f.copy)); /* not before it is whole */
        say(&f, 1);
        CHECK_OK(f.store->ops->dispatch(f.store, NULL));
    }
    CHECK_INT(ended.count, 1);
    CHECK_OK(ended.status);
    CHECK(watched.steps > 10 && watched.pages_done == watched.pages);
    CHECK(!arc__store_sqlite_backup_runs(f.store));
    CHECK(stat(f.copy.path, &info) == 0 && (info.st_mode & 0777) == 0600);
    CHECK_OK(arc__store_sqlite_check_file(f.copy.path, NULL));
    int64_t said = f.said;
    say(&f, 5);
    CHECK_INT(heard_in(&f.copy), said); /* as of the last step */
    CHECK_INT(store_files_heard(f.store, "s"), said + 5);
    finish(&f);
}

/* A server that commits until it is killed; another process copies its file meanwhile. */
static void another_process_may_copy(void)
{
    struct fixture f;
    struct arc_mem mem = arc__mem_default();
    struct arc_sqlite_backup_options options = ARC_SQLITE_BACKUP_OPTIONS_INIT;
    int ready[2], status = 0;
    char byte = 0;
    arc_err err = ARC_ERR_INIT;
    begin(&f);
    close_store(&f);
    CHECK(pipe(ready) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        open_fixture(&f);
        for (;;) {
            say(&f, 1);
            if (f.store->ops->dispatch(f.store, NULL) != ARC_OK)
                _exit(1);
            if (f.said == 520 && write(ready[1], "r", 1) != 1)
                _exit(2);
        }
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    options.replace = 1;
    options.step_pages = 1;
    int64_t before = 520;
    for (int round = 0; round < 5; round++) {
        if (!CHECK_OK(
                arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, &options, &err)))
            printf("# %s\n", err.message);
        int64_t heard = heard_in(&f.copy);
        CHECK(heard >= before);
        before = heard;
    }
    CHECK_STATUS(arc__store_sqlite_restore(&mem, f.copy.path, f.files.path, &options, &err),
                 ARC_ECONFLICT);
    CHECK(strstr(err.message, "in use by process") != NULL);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    CHECK(heard_in(&f.files) >= before); /* nobody cut its WAL */
    CHECK(close(ready[0]) == 0 && close(ready[1]) == 0);
    finish(&f);
}

static void copies_can_be_cancelled(void)
{
    struct fixture f;
    struct arc_mem mem = arc__mem_default();
    struct watched watched = {.stop_at = 4};
    struct arc_sqlite_backup_options options = small_steps(&watched);
    struct ended by_progress = {0}, by_call = {0}, by_close = {0};
    begin(&f);
    CHECK_STATUS(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, &options, NULL),
                 ARC_ECANCELLED);
    watched.steps = 0;
    CHECK_OK(arc__store_sqlite_backup(f.store, f.copy.path, &options, on_done, &by_progress, NULL));
    for (int i = 0; i < 10; i++)
        CHECK_OK(f.store->ops->dispatch(f.store, NULL));
    CHECK_INT(by_progress.count, 1);
    CHECK_STATUS(by_progress.status, ARC_ECANCELLED);
    CHECK_OK(arc__store_sqlite_backup(f.store, f.copy.path, NULL, on_done, &by_call, NULL));
    arc__store_sqlite_backup_cancel(f.store);
    arc__store_sqlite_backup_cancel(f.store);
    CHECK_INT(by_call.count, 1);
    CHECK_STATUS(by_call.status, ARC_ECANCELLED);
    CHECK_OK(arc__store_sqlite_backup(f.store, f.copy.path, NULL, on_done, &by_close, NULL));
    close_store(&f);
    CHECK_INT(by_close.count, 1);
    CHECK_STATUS(by_close.status, ARC_ECANCELLED);
    CHECK(!exists(&f.copy));
    finish(&f);
}

static void nothing_is_overwritten_unasked(void)
{
    struct fixture f;
    struct arc_mem mem = arc__mem_default();
    struct arc_sqlite_backup_options options = ARC_SQLITE_BACKUP_OPTIONS_INIT;
    struct ended ended = {0};
    begin(&f);
    CHECK_OK(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, NULL, NULL));
    say(&f, 10);
    CHECK_STATUS(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, NULL, NULL),
                 ARC_EEXISTS);
    CHECK_STATUS(arc__store_sqlite_backup(f.store, f.copy.path, NULL, on_done, &ended, NULL),
                 ARC_EEXISTS);
    CHECK_INT(ended.count, 0);
    CHECK_INT(heard_in(&f.copy), 500);
    options.replace = 1;
    CHECK_OK(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, &options, NULL));
    CHECK_INT(heard_in(&f.copy), 510);
    finish(&f);
}

static void a_copy_is_put_back(void)
{
    struct fixture f;
    struct arc_mem mem = arc__mem_default();
    struct arc_sqlite_backup_options options = ARC_SQLITE_BACKUP_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    begin(&f);
    CHECK_OK(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, NULL, NULL));
    say(&f, 50);
    CHECK_STATUS(arc__store_sqlite_restore(&mem, f.copy.path, f.files.path, NULL, &err),
                 ARC_ECONFLICT);
    fflush(stdout);
    close_store(&f);
    pid_t child = fork();
    if (child == 0) { /* leaves a WAL and a mark that ask for more than the copy has */
        open_fixture(&f);
        say(&f, 7);
        _exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK_STATUS(arc__store_sqlite_restore(&mem, f.copy.path, f.files.path, NULL, &err),
                 ARC_EEXISTS);
    CHECK_INT(heard_in(&f.files), 557);
    options.replace = 1;
    if (!CHECK_OK(arc__store_sqlite_restore(&mem, f.copy.path, f.files.path, &options, &err)))
        printf("# %s\n", err.message);
    CHECK_INT(heard_in(&f.files), 500);
    CHECK(unlink(f.files.path) == 0); /* and where nothing is */
    CHECK_OK(arc__store_sqlite_restore(&mem, f.copy.path, f.files.path, NULL, &err));
    CHECK_INT(heard_in(&f.files), 500);
    finish(&f);
}

static void only_whole_stores_are_copied(void)
{
    struct fixture f;
    struct arc_mem mem = arc__mem_default();
    struct arc_sqlite_backup_options options = ARC_SQLITE_BACKUP_OPTIONS_INIT;
    struct ended ended = {0};
    arc_err err = ARC_ERR_INIT;
    sqlite3 *db = NULL;
    begin(&f);
    close_store(&f);
    int fd = open(f.files.path, O_WRONLY | O_CLOEXEC);
    CHECK(pwrite(fd, "?", 1, 5 * 4096 + 4000) == 1);
    CHECK(close(fd) == 0);
    CHECK_STATUS(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, NULL, &err),
                 ARC_EINTERNAL);
    CHECK(strstr(err.message, "page 6 does not have its checksum") != NULL);
    struct arc_store_sqlite_options lax = ARC_STORE_SQLITE_OPTIONS_INIT;
    lax.skip_quick_check = 1;
    f.store = store_files_open(&f.files, &lax, NULL);
    CHECK(f.store != NULL);
    CHECK_OK(arc__store_sqlite_backup(f.store, f.copy.path, NULL, on_done, &ended, NULL));
    for (int i = 0; i < 100 && ended.count == 0; i++)
        CHECK_OK(f.store->ops->dispatch(f.store, NULL));
    CHECK_STATUS(ended.status, ARC_EINTERNAL);
    close_store(&f);
    CHECK(!exists(&f.copy));
    CHECK(sqlite3_open(f.copy.path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "CREATE TABLE songs (title TEXT)", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    options.replace = 1;
    CHECK_STATUS(arc__store_sqlite_restore(&mem, f.copy.path, f.files.path, &options, NULL),
                 ARC_EPRECONDITION);
    CHECK_STATUS(arc__store_sqlite_check_file(f.copy.path, NULL), ARC_EPRECONDITION);
    CHECK_STATUS(arc__store_sqlite_backup_file(&mem, "/nowhere/a.db", f.copy.path, NULL, NULL),
                 ARC_ENOTFOUND);
    finish(&f);
}

static void a_copy_without_room_leaves_nothing(void)
{
    struct fixture f;
    struct arc_mem mem = arc__mem_default();
    arc_err err = ARC_ERR_INIT;
    begin(&f);
    if (mount("tmpfs", f.copy.dir, "tmpfs", 0, "size=100k,mode=0700") != 0) {
        test_skip("this user may not mount a small file system");
        finish(&f);
        return;
    }
    CHECK_STATUS(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, NULL, &err),
                 ARC_ELIMIT);
    CHECK(!exists(&f.copy));
    CHECK_OK(f.store->ops->health(f.store, NULL)); /* it is not this disk that is full */
    say(&f, 1);
    CHECK(umount2(f.copy.dir, MNT_DETACH) == 0);
    finish(&f);
}

static void copying_survives_failing_memory(void)
{
    struct fixture f;
    begin(&f);
    for (uint64_t at = 1; at < 10; at++) {
        struct test_mem state = {.fail_at = at};
        struct arc_mem mem = test_mem(&state);
        struct arc_sqlite_backup_options options = ARC_SQLITE_BACKUP_OPTIONS_INIT;
        options.replace = 1;
        arc_status status =
            arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, &options, NULL);
        CHECK_STATUS(status, state.calls >= at ? ARC_ENOMEM : ARC_OK);
        CHECK_INT(state.live, 0);
    }
    finish(&f);
}

/* A process that says seven more and is gone: a WAL and a mark stay. */
static void leave_a_wal(struct fixture *f)
{
    close_store(f);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        open_fixture(f);
        say(f, 7);
        _exit(0);
    }
    CHECK(waitpid(child, NULL, 0) == child);
}

static void lost_commits_are_noticed(void)
{
    struct fixture f;
    struct arc_mem mem = arc__mem_default();
    struct arc_store_sqlite_options beside = ARC_STORE_SQLITE_OPTIONS_INIT;
    struct stat info = {.st_size = 0};
    arc_err err = ARC_ERR_INIT;
    char wal[128];
    beside.beside = 1;
    begin(&f);
    leave_a_wal(&f);
    CHECK_OK(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, NULL, &err));
    CHECK_INT(heard_in(&f.copy), 507);
    CHECK(unlink(f.copy.path) == 0);
    snprintf(wal, sizeof(wal), "%s-wal", f.files.path);
    CHECK(stat(wal, &info) == 0 && truncate(wal, info.st_size - 4120) == 0);
    CHECK_STATUS(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, NULL, &err),
                 ARC_EINTERNAL);
    CHECK(strstr(err.message, "last commits are gone") != NULL);
    CHECK(!exists(&f.copy));
    CHECK(store_files_open(&f.files, &beside, &err) == NULL);
    CHECK_STATUS(err.status, ARC_EINTERNAL);
    finish(&f);
}

static void stores_are_not_overwritten_by_copies(void)
{
    struct fixture f;
    struct arc_mem mem = arc__mem_default();
    struct arc_sqlite_backup_options options = ARC_SQLITE_BACKUP_OPTIONS_INIT;
    options.replace = 1;
    begin(&f);
    CHECK_STATUS(arc__store_sqlite_backup_file(&mem, f.files.path, f.files.path, &options, NULL),
                 ARC_EINVAL);
    struct arc_store *other = store_files_open(&f.copy, NULL, NULL);
    CHECK(other != NULL);
    CHECK_STATUS(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, &options, NULL),
                 ARC_EPRECONDITION);
    other->ops->close(other);
    leave_a_wal(&f);
    CHECK_OK(arc__store_sqlite_backup_file(&mem, f.files.path, f.copy.path, &options, NULL));
    CHECK_STATUS(arc__store_sqlite_backup_file(&mem, f.copy.path, f.files.path, &options, NULL),
                 ARC_EPRECONDITION);
    CHECK_INT(heard_in(&f.files), 507);
    finish(&f);
}

static void stores_are_read_beside_their_process(void)
{
    struct fixture f;
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    struct store_files nowhere = {.path = "/nowhere/arc.db"};
    sqlite3 *db = NULL;
    options.beside = 1;
    CHECK(store_files_open(&nowhere, &options, &err) == NULL);
    begin(&f);
    struct arc_store *beside = store_files_open(&f.files, &options, &err);
    CHECK(beside != NULL);
    if (beside == NULL) {
        finish(&f);
        return;
    }
    say(&f, 200);
    CHECK_INT(store_files_heard(beside, "s"), 500); /* as of its opening */
    CHECK_INT(store_files_heard(f.store, "s"), 700);
    CHECK_STATUS(store_files_say(beside, "s", 701, &err), ARC_EPRECONDITION);
    CHECK_OK(beside->ops->dispatch(beside, NULL));
    CHECK_OK(beside->ops->health(beside, NULL));
    CHECK_STATUS(arc__store_sqlite_backup(beside, f.copy.path, NULL, on_done, NULL, NULL),
                 ARC_EPRECONDITION);
    beside->ops->close(beside);
    close_store(&f);
    beside = store_files_open(&f.files, &options, &err); /* and where nobody has it open */
    CHECK(beside != NULL);
    CHECK_INT(store_files_heard(beside, "s"), 700);
    open_fixture(&f); /* it is in nobody's way */
    say(&f, 1);
    beside->ops->close(beside);
    close_store(&f);
    CHECK(sqlite3_open(f.files.path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "DROP TABLE t_counter; VACUUM", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    CHECK(store_files_open(&f.files, &options, &err) == NULL);
    CHECK_STATUS(err.status, ARC_EPRECONDITION);
    CHECK(strstr(err.message, "t_counter") != NULL);
    finish(&f);
}

/* What a newer version does to a file that an older one has open. */
static void columns_are_added_beneath_readers(void)
{
    struct fixture f;
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    sqlite3 *db = NULL;
    options.beside = 1;
    begin(&f);
    struct arc_store *beside = store_files_open(&f.files, &options, &err);
    CHECK(beside != NULL);
    CHECK_INT(store_files_heard(f.store, "s"), 500);
    CHECK(sqlite3_open(f.files.path, &db) == SQLITE_OK);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    CHECK(sqlite3_exec(db,
                       "BEGIN; ALTER TABLE t_event ADD COLUMN later TEXT NOT NULL DEFAULT '';"
                       "CREATE INDEX later ON t_event (later); CREATE TABLE t_later (id); COMMIT",
                       NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    say(&f, 100); /* with statements that were prepared before */
    CHECK_INT(store_files_heard(f.store, "s"), 600);
    if (beside != NULL) {
        CHECK_INT(store_files_heard(beside, "s"), 500);
        beside->ops->close(beside);
    }
    close_store(&f);
    CHECK(store_files_open(&f.files, &options, &err) == NULL);
    CHECK_STATUS(err.status, ARC_EPRECONDITION);
    CHECK(strstr(err.message, "has more columns than this version knows") != NULL);
    finish(&f);
}

static const struct test tests[] = {
    {"a copy is made in steps while commits go on", copies_are_made_while_runs_go_on},
    {"another process may copy a file that a server writes", another_process_may_copy},
    {"a copy can be stopped, and leaves nothing", copies_can_be_cancelled},
    {"a copy overwrites nothing without being told", nothing_is_overwritten_unasked},
    {"a copy is put in the place of a store that nobody has open", a_copy_is_put_back},
    {"only a whole store of ours is copied", only_whole_stores_are_copied},
    {"a copy that finds no room leaves nothing", a_copy_without_room_leaves_nothing},
    {"copying survives failing memory", copying_survives_failing_memory},
    {"a store that has lost its last commits is not copied", lost_commits_are_noticed},
    {"no copy takes the place of a store", stores_are_not_overwritten_by_copies},
    {"a store is read beside the process that has it open", stores_are_read_beside_their_process},
    {"readers and writers go on while columns are added", columns_are_added_beneath_readers},
};

TEST_MAIN(tests)
