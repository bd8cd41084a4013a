/* SPDX-License-Identifier: Apache-2.0 */
/* A process commits and says so; it is killed, at a moment that nobody chose or in the middle of a
 * certain write, sync, truncation or removal; whatever it said must be there. One file lives
 * through many kills, so that openings are killed as well as commits, checkpoints and closings. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "soak.h"

#define LIVES_OF_A_FILE 100
#define COMMITS_MAX 40

/* --- a VFS that dies ------------------------------------------------------------------------- */

static struct {
    sqlite3_vfs vfs, *under;
    sqlite3_io_methods methods;
    const sqlite3_io_methods *usual;
    uint64_t dies_at, calls;
} mortal;

static int is_last(void)
{
    return ++mortal.calls == mortal.dies_at;
}

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause(); /* it is on its way */
}

static int mortal_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    if (is_last()) {
        (void)mortal.usual->xWrite(file, bytes, (int)(mortal.dies_at * 7919 % (uint64_t)len), at);
        die();
    }
    return mortal.usual->xWrite(file, bytes, len, at);
}

static int mortal_sync(sqlite3_file *file, int flags)
{
    if (is_last())
        die();
    return mortal.usual->xSync(file, flags);
}

static int mortal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (is_last())
        die();
    return mortal.usual->xTruncate(file, size);
}

/* SQLite's own file has methods that differ by its way of locking; all are of one kind here. */
static int mortal_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                       int *out_flags)
{
    (void)vfs;
    int code = mortal.under->xOpen(mortal.under, name, file, flags, out_flags);
    if (file->pMethods == NULL)
        return code;
    if (mortal.usual == NULL) {
        mortal.usual = file->pMethods;
        mortal.methods = *mortal.usual;
        mortal.methods.iVersion = 2; /* not the one with the memory of the file */
        mortal.methods.xWrite = mortal_write;
        mortal.methods.xSync = mortal_sync;
        mortal.methods.xTruncate = mortal_truncate;
    }
    if (file->pMethods == mortal.usual)
        file->pMethods = &mortal.methods;
    return code;
}

static int mortal_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    if (is_last())
        die();
    return mortal.under->xDelete(mortal.under, name, sync);
}

static void be_mortal(uint64_t dies_at)
{
    mortal.under = sqlite3_vfs_find(NULL);
    mortal.vfs = *mortal.under;
    mortal.vfs.zName = "mortal";
    mortal.vfs.xOpen = mortal_open;
    mortal.vfs.xDelete = mortal_delete;
    mortal.dies_at = dies_at;
    (void)sqlite3_vfs_register(&mortal.vfs, 0);
}

/* --- lives ----------------------------------------------------------------------------------- */

struct life {
    const char *path;
    uint64_t world, random;
    int64_t there; /* batches that it begins with */
    uint64_t dies_at;
    unsigned spins;
    int64_t acks;
};

static const struct arc_store_sqlite_options *options_of(const char *vfs)
{
    static struct arc_store_sqlite_options options;
    options = (struct arc_store_sqlite_options)ARC_STORE_SQLITE_OPTIONS_INIT;
    options.vfs = vfs;
    options.reserve_bytes = 128 * 1024;
    options.checkpoint_pages = 30;
    options.skip_quick_check = 1;
    options.mark_commits = 16;
    return &options;
}

static void child_life(const struct life *life, int acks)
{
    if (life->dies_at > 0)
        be_mortal(life->dies_at);
    struct arc_store *store =
        soak_open(life->path, options_of(life->dies_at > 0 ? "mortal" : NULL), NULL);
    if (store == NULL)
        _exit(3);
    int64_t count = life->dies_at > 0 ? COMMITS_MAX : INT64_MAX / 2;
    int64_t next = soak_say_many(store, life->world, life->there + 1, count, acks);
    if (next < 0)
        _exit((int)-next);
    store->ops->close(store);
    _exit(0);
}

/* The last batch that the child said to be stored; *status is how it ended. */
static int64_t live(const struct life *life, int *status)
{
    int acks[2];
    int64_t last = life->there, number;
    if (pipe(acks) != 0)
        abort();
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        (void)close(acks[0]);
        child_life(life, acks[1]);
    }
    (void)close(acks[1]);
    for (int64_t left = life->acks;
         (life->dies_at > 0 || left > 0) && read(acks[0], &number, sizeof(number)) > 0; left--)
        last = number;
    if (life->dies_at == 0) {
        for (volatile unsigned i = 0; i < life->spins; i++)
            continue; /* a little further, into the middle of things */
        (void)kill(child, SIGKILL);
    }
    while (read(acks[0], &number, sizeof(number)) > 0)
        last = number;
    (void)close(acks[0]);
    (void)waitpid(child, status, 0);
    return last;
}

static void remove_files(const char *path)
{
    static const char *const ends[] = {"",      "-wal",  "-shm",    "-journal",
                                       ".lock", ".mark", ".reserve"};
    for (size_t i = 0; i < ARC_COUNT_OF(ends); i++) {
        char name[160];
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        (void)unlink(name); /* not all are there */
    }
}

struct look {
    const struct life *lived;
    int closes, checks;
};

/* It may leave without closing: then the next life begins with the WAL of this one. */
static void look(void *user, struct soak_seen *seen)
{
    const struct look *look = user;
    struct arc_store_sqlite_options options = *options_of(NULL);
    options.skip_quick_check = !look->checks;
    struct arc_store *store = soak_open(look->lived->path, &options, &seen->err);
    if (store != NULL)
        seen->heard = soak_heard(store, look->lived->world);
    if (store != NULL && look->closes)
        store->ops->close(store);
}

void soak_kill(struct soak *soak)
{
    char dir[32], path[64];
    struct life lived = {.path = path};
    uint64_t in_calls = 0, next_call = 1;
    /* A kill takes nothing from the kernel, so memory shows as much as a disk, and sooner. */
    snprintf(dir, sizeof(dir), "%s/arc-soak-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(dir) == NULL)
        abort();
    snprintf(path, sizeof(path), "%s/x.db", dir);
    /* A file lives through a hundred: a life that is lived again alone begins with the first. */
    uint64_t first = soak->from - (soak->from - 1) % LIVES_OF_A_FILE;
    for (uint64_t life = first; life <= soak->to; life++) {
        int status = 0;
        lived.random = soak_begin(soak, life);
        if ((life - 1) % LIVES_OF_A_FILE == 0) {
            remove_files(path);
            lived.there = 0;
            lived.world = lived.random;
            next_call = 1 + soak_random(&lived.random) % 7;
        }
        lived.dies_at = life % 2 == 0 ? next_call : 0;
        lived.acks = (int64_t)(soak_random(&lived.random) % 20);
        lived.spins = (unsigned)(soak_random(&lived.random) % 300000);
        int64_t before = lived.there, last = live(&lived, &status);
        in_calls += lived.dies_at > 0 && WIFSIGNALED(status);
        if (lived.dies_at > 0)
            next_call = WIFSIGNALED(status) ? next_call + 7 : 1 + (next_call + 3) % 7;
        if (!WIFSIGNALED(status) && WEXITSTATUS(status) != 0)
            soak_fail(soak, life, "the process could not commit", "");
        struct look after = {.lived = &lived, .closes = life % 3 == 0, .checks = life % 4 == 0};
        struct soak_seen seen = soak_look(look, &after);
        lived.there = soak_judge(soak, life, &seen, last);
        soak->lives++;
        soak_count(soak, "batches said to be stored", (uint64_t)(last - before));
        if (lived.there < 0)
            break; /* the rest of this file's lives would say the same */
    }
    soak_count(soak, "killed inside a certain write, sync or removal", in_calls);
    remove_files(path);
    (void)rmdir(dir);
}
