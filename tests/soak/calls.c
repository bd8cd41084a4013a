/* SPDX-License-Identifier: Apache-2.0 */
/* A process dies at each of its system calls that change a file, one after the other: once before
 * it is done, once after. What it does is one of a few scenarios: a store is made, opened again,
 * recovered, or copied while it is in use; every life of a scenario begins with the same files. */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "soak.h"
#include "store/sqlite_backup.h"
#include "trace.h"

#define COMMITS 24

enum scenario { MADE, OPENED, RECOVERED, COPIED, SCENARIOS };

static const char *const ends[] = {"", "-wal", ".lock", ".mark", ".reserve"};

struct calls {
    char dir[32], path[48], image[48], copy[48];
    uint64_t world;
    enum scenario scenario;
    int64_t there;      /* batches of the image */
    int64_t copy_begun; /* the copy must have so many */
    int acks;
};

static struct arc_store *open_store(const struct calls *calls, int checks, arc_err *err)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.reserve_bytes = 64 * 1024;
    options.checkpoint_pages = 30;
    options.skip_quick_check = !checks;
    options.mark_commits = 16;
    return soak_open(calls->path, &options, err);
}

/* --- the files of a world -------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to)
{
    char bytes[8192];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    (void)unlink(to);
    if (in < 0)
        return;
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (ssize_t len = 1; out >= 0 && len > 0;) {
        len = read(in, bytes, sizeof(bytes));
        if (len > 0 && write(out, bytes, (size_t)len) != len)
            abort();
    }
    (void)close(in);
    (void)close(out);
}

static void copy_files(const char *from, const char *to)
{
    char here[64], there[64];
    for (size_t i = 0; i < ARC_COUNT_OF(ends); i++) {
        snprintf(here, sizeof(here), "%s%s", from, ends[i]);
        snprintf(there, sizeof(there), "%s%s", to, ends[i]);
        copy_file(here, there);
    }
}

static void remove_all(const struct calls *calls)
{
    char pattern[48];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s/*", calls->dir);
    if (glob(pattern, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        (void)unlink(found.gl_pathv[i]);
    globfree(&found);
}

/* Some batches, and its end or its kill. */
static void make_image(struct calls *calls, uint64_t world)
{
    int status = 0;
    calls->world = world;
    calls->scenario = (enum scenario)(world % SCENARIOS);
    calls->there = calls->scenario == MADE ? 0 : 20 + (int64_t)(world % 9);
    remove_all(calls);
    if (calls->scenario == MADE)
        return;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int nobody = open("/dev/null", O_WRONLY | O_CLOEXEC);
        struct arc_store *store = open_store(calls, 0, NULL);
        if (store == NULL || soak_say_many(store, world, 1, calls->there, nobody) < 0)
            _exit(1);
        if (calls->scenario != RECOVERED)
            store->ops->close(store);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status != 0)
        abort();
    copy_files(calls->path, calls->image);
}

/* --- a life ---------------------------------------------------------------------------------- */

static void on_copied(void *user, arc_status status, const arc_err *err)
{
    (void)user;
    (void)err;
    if (status != ARC_OK)
        _exit(9);
}

static void live(void *user)
{
    const struct calls *calls = user;
    struct arc_store *store = open_store(calls, 0, NULL);
    if (store == NULL)
        _exit(3);
    int64_t next = calls->there + 1;
    if (calls->scenario == COPIED) {
        struct arc_sqlite_backup_options options = ARC_SQLITE_BACKUP_OPTIONS_INIT;
        options.step_pages = 4;
        next =
            soak_say_many(store, calls->world, next, calls->copy_begun - calls->there, calls->acks);
        if (next < 0 ||
            arc__store_sqlite_backup(store, calls->copy, &options, on_copied, NULL, NULL) != ARC_OK)
            _exit(9);
    }
    next = soak_say_many(store, calls->world, next, COMMITS, calls->acks);
    while (next > 0 && calls->scenario == COPIED && arc__store_sqlite_backup_runs(store)) {
        if (store->ops->dispatch(store, NULL) != ARC_OK)
            _exit(6);
    }
    if (next < 0)
        _exit((int)-next);
    store->ops->close(store);
    _exit(0);
}

struct look {
    const struct calls *calls;
    const char *path;
    int checks;
};

static void look(void *user, struct soak_seen *seen)
{
    const struct look *look = user;
    struct calls calls = *look->calls;
    snprintf(calls.path, sizeof(calls.path), "%s", look->path);
    struct arc_store *store = open_store(&calls, look->checks, &seen->err);
    if (store != NULL)
        seen->heard = soak_heard(store, calls.world);
    if (store != NULL)
        store->ops->close(store);
}

/* A copy that has its name is whole, and as of some moment since it was begun. */
static void look_at_copy(struct soak *soak, uint64_t life, const struct calls *calls, int64_t there)
{
    char why[160];
    struct look after = {calls, calls->copy, 1};
    if (access(calls->copy, F_OK) != 0)
        return;
    struct soak_seen seen = soak_look(look, &after);
    soak_count(soak, "copies that had their name", 1);
    if (seen.heard >= calls->copy_begun && seen.heard <= there)
        return;
    snprintf(why, sizeof(why), "%lld when it was begun, %lld in the store, %lld there; %.80s",
             (long long)calls->copy_begun, (long long)there, (long long)seen.heard,
             seen.err.message);
    soak_fail(soak, life, "a copy is wrong", why);
}

/* How the process ended. */
static int live_once(struct soak *soak, struct calls *calls, uint64_t life, struct trace *trace)
{
    int acks[2];
    int64_t last = calls->there, number;
    remove_all(calls);
    if (pipe(acks) != 0)
        abort();
    calls->acks = acks[1];
    if (calls->scenario != MADE)
        copy_files(calls->image, calls->path);
    calls->copy_begun = calls->there + 3;
    int status = trace_live(trace, live, calls);
    (void)close(acks[1]);
    while (read(acks[0], &number, sizeof(number)) > 0) /* a pipe holds all of them */
        last = number;
    (void)close(acks[0]);
    if (!WIFSIGNALED(status) && WEXITSTATUS(status) != 0)
        soak_fail(soak, life, "the process could not commit", "");
    struct look after = {calls, calls->path, life % 4 == 0};
    struct soak_seen seen = soak_look(look, &after);
    int64_t there = soak_judge(soak, life, &seen, last);
    if (calls->scenario == COPIED && there >= 0)
        look_at_copy(soak, life, calls, there);
    return status;
}

void soak_calls(struct soak *soak)
{
    static const char *const names[] = {"kills while a store is made", "while it is opened",
                                        "while it is recovered", "while it is copied"};
    struct calls calls = {.there = 0};
    const char *refused = trace_refused();
    uint64_t worlds = 0;
    if (refused != NULL) {
        soak_skip(soak, refused);
        return;
    }
    snprintf(calls.dir, sizeof(calls.dir), "%s/arc-soak-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(calls.dir) == NULL)
        abort();
    snprintf(calls.path, sizeof(calls.path), "%s/x.db", calls.dir);
    snprintf(calls.copy, sizeof(calls.copy), "%s/copy.db", calls.dir);
    snprintf(calls.image, sizeof(calls.image), "%s-image", calls.dir);
    struct trace trace = {.calls = TRACE_FILES};
    /* What comes before the first life that is wanted says where worlds end, so it is lived too. */
    for (uint64_t life = 1; life <= soak->to; life++) {
        if (trace.dies_at == 0) {
            make_image(&calls, soak->seed * 1000 + worlds++);
            trace.after = 1;
        }
        trace.dies_at += (uint64_t)trace.after;
        trace.after = !trace.after;
        int status = live_once(soak, &calls, life, &trace);
        soak->lives += life >= soak->from;
        soak_count(soak, names[calls.scenario], WIFSIGNALED(status) != 0);
        if (!WIFSIGNALED(status))
            trace = (struct trace){.calls = TRACE_FILES};
    }
    soak_count(soak, "scenarios", worlds);
    remove_all(&calls);
    (void)rmdir(calls.dir);
    for (size_t i = 0; i < ARC_COUNT_OF(ends); i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s%s", calls.image, ends[i]);
        (void)unlink(name);
    }
}
