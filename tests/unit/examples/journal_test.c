/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of examples/store, before and after each of its calls that change a file: what a kill
 * would leave there, and what a loss of power may leave, opens with all that was said to be stored.
 *
 * The calls are this program's: they note what was synced. Nothing here reaches a disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "shim.h"
#include "store/journal_store.h"

#define FILES_MAX 64
#define NAMES_MAX 4
#define COMPACT_BYTES 2000
#define COMMITS 60

/* What of a file, and which names, a loss of power leaves. */
enum bytes_left { AS_THEY_LIE, SYNCED, HALF, ZEROS, BYTES_LEFT };
enum names_left { NAMES_AS_THEY_LIE, NAMES_SYNCED, NAMES_LEFT };

struct file {
    ino_t ino;
    int fd; /* of its own, so that it outlives its name; and no lock hangs on it */
    char *synced;
    size_t synced_len;
};

struct named {
    char name[16];
    ino_t ino;
};

static struct {
    int on, lies; /* lies: a sync says that it was done, and was not */
    char dir[32], other[40], path[48];
    struct file files[FILES_MAX];
    size_t file_count;
    struct named named[NAMES_MAX]; /* that the directory has kept */
    size_t named_count;
    int renames, unlinks;
    int calls, fail_at, fail_errno; /* fail_at: the how-manieth call does not happen */
    const char *failed;
    void (*look)(void); /* before and after each call */
    void (*before_lock)(void);
} disk;

/* --- what is on the disk --------------------------------------------------------------------- */

static struct file *file_at(int fd)
{
    struct stat info;
    char path[64];
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return NULL;
    for (size_t i = 0; i < disk.file_count; i++) {
        if (disk.files[i].ino == info.st_ino)
            return &disk.files[i];
    }
    if (disk.file_count == FILES_MAX)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct file *file = &disk.files[disk.file_count++];
    *file = (struct file){info.st_ino, open(path, O_RDONLY | O_CLOEXEC), NULL, 0};
    return file;
}

static size_t read_all(int fd, char **out)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        abort();
    size_t len = (size_t)info.st_size;
    *out = malloc(len + 1);
    if (*out == NULL || pread(fd, *out, len, 0) != (ssize_t)len)
        abort();
    return len;
}

static size_t list_names(struct named *out)
{
    size_t count = 0;
    DIR *dir = opendir(disk.dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        if (count == NAMES_MAX)
            abort();
        out[count].ino = entry->d_ino;
        (void)snprintf(out[count++].name, sizeof(out->name), "%.15s", entry->d_name);
    }
    (void)closedir(dir);
    return count;
}

static int synced(int fd)
{
    struct file *file = file_at(fd);
    if (disk.lies)
        return 0;
    if (file == NULL) {
        disk.named_count = list_names(disk.named);
        return 0;
    }
    free(file->synced);
    file->synced_len = read_all(file->fd, &file->synced);
    return 0;
}

/* Puts one file as it would be found into the other directory. */
static void leave_file(const struct named *named, enum bytes_left bytes)
{
    char path[64], *at = NULL;
    const struct file *file = NULL;
    for (size_t i = 0; i < disk.file_count; i++)
        file = disk.files[i].ino == named->ino ? &disk.files[i] : file;
    (void)snprintf(path, sizeof(path), "%s/%.15s", disk.other, named->name);
    FILE *to = fopen(path, "wb");
    size_t len = file != NULL ? read_all(file->fd, &at) : 0;
    size_t kept = file != NULL && file->synced_len < len ? file->synced_len : len;
    if (bytes == HALF) {
        len = kept + (len - kept) / 2;
    } else if (bytes == SYNCED && file != NULL) { /* also what was cut off since */
        free(at);
        len = file->synced_len;
        at = malloc(len + 1);
        if (at == NULL)
            abort();
        if (len > 0)
            memcpy(at, file->synced, len);
    } else if (bytes == ZEROS && len > kept) {
        memset(at + kept, 0, len - kept);
    }
    if (to == NULL || (len > 0 && fwrite(at, 1, len, to) != len) || fclose(to) != 0)
        abort();
    free(at);
}

static void clear_other(void)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/j", disk.other);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/j.new", disk.other);
    (void)unlink(path);
}

static void leave(enum bytes_left bytes, enum names_left names)
{
    struct named now[NAMES_MAX];
    size_t count = list_names(now);
    const struct named *left = names == NAMES_AS_THEY_LIE ? now : disk.named;
    clear_other();
    for (size_t i = 0; i < (names == NAMES_AS_THEY_LIE ? count : disk.named_count); i++)
        leave_file(&left[i], bytes);
}

/* --- the calls ------------------------------------------------------------------------------- */

/* Not static, because the C library may declare them inline. */
int test_journal_call(const char *name, int fd);
int test_journal_called(int result);

/* 1: it is not to happen. */
int test_journal_call(const char *name, int fd)
{
    if (!disk.on)
        return 0;
    if (fd >= 0)
        (void)file_at(fd);
    if (disk.look != NULL)
        disk.look();
    if (++disk.calls != disk.fail_at)
        return 0;
    disk.failed = name;
    errno = disk.fail_errno;
    return 1;
}

int test_journal_called(int result)
{
    if (disk.on && disk.look != NULL)
        disk.look();
    return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    if (test_journal_call("pwrite", fd))
        return -1;
    ssize_t wrote = (ssize_t)syscall(SYS_pwrite64, fd, bytes, len, at);
    (void)test_journal_called(0);
    return wrote;
}

int ftruncate(int fd, off_t len)
{
    if (test_journal_call("ftruncate", fd))
        return -1;
    return test_journal_called((int)syscall(SYS_ftruncate, fd, len));
}

int fsync(int fd)
{
    struct stat info;
    int is_dir = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
    if (test_journal_call(is_dir ? "fsync of the directory" : "fsync", fd))
        return -1;
    return test_journal_called(disk.on ? synced(fd) : 0);
}

int fdatasync(int fd)
{
    if (test_journal_call("fdatasync", fd))
        return -1;
    return test_journal_called(disk.on ? synced(fd) : 0);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    disk.renames++;
    if (test_journal_call("renameat", -1))
        return -1;
    return test_journal_called((int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0));
}

int unlinkat(int dir, const char *name, int flags)
{
    disk.unlinks++;
    if (test_journal_call("unlinkat", -1))
        return -1;
    return test_journal_called((int)syscall(SYS_unlinkat, dir, name, flags));
}

int flock(int fd, int operation)
{
    void (*before)(void) = disk.before_lock;
    disk.before_lock = NULL;
    if (before != NULL)
        before();
    return (int)syscall(SYS_flock, fd, operation);
}

/* --- a life ---------------------------------------------------------------------------------- */

static struct {
    int64_t said, saying; /* the last batch that was said to be stored, and that is begun */
    int looks, lost;
    int64_t longest; /* of the journal, after a commit */
} life;

static void on_commit(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    (void)shift;
    (void)err;
    *(arc_status *)user = status;
}

/* Batch `number`: a text that replaces the one before, a row of its own, and the end of an older
 * one. */
static arc_status say(arc_store *store, int64_t number)
{
    char text[200], key[24], old[24];
    arc_err err = ARC_ERR_INIT;
    memset(text, 'a' + (int)(number % 26), sizeof(text));
    (void)snprintf(key, sizeof(key), "k%lld", (long long)number);
    (void)snprintf(old, sizeof(old), "k%lld", (long long)number - 5);
    struct arc_row_pipeline row = {.id = ARC_LIT("p"), .name = {text, sizeof(text)}};
    row.revision = number;
    struct arc_row_counter fresh = {{key, strlen(key)}, number}, gone = {{old, strlen(old)}, 0};
    const arc_store_op ops[] = {{ARC_STORE_PUT, ARC_TABLE_pipeline, &row, 0},
                                {ARC_STORE_INSERT, ARC_TABLE_counter, &fresh, 0},
                                {ARC_STORE_DELETE, ARC_TABLE_counter, &gone, 0}};
    const arc_store_batch batch = {ops, ARC_COUNT_OF(ops), 0};
    arc_status ended = ARC_EINTERNAL;
    arc_status status = store->ops->commit(store, &batch, on_commit, &ended, &err);
    return status != ARC_OK ? status : ended;
}

struct heard {
    int64_t number;
    int whole;
};

static void on_pipelines(void *user, arc_status status, const arc_rows *rows, const arc_err *err)
{
    struct heard *heard = user;
    (void)err;
    heard->whole = status == ARC_OK && rows->count <= 1;
    const struct arc_row_pipeline *row = heard->whole && rows->count == 1 ? rows->rows : NULL;
    heard->number = row != NULL ? row->revision : 0;
    for (size_t i = 0; row != NULL && i < row->name.len; i++)
        heard->whole &= row->name.ptr[i] == 'a' + row->revision % 26;
}

static void on_counters(void *user, arc_status status, const arc_rows *rows, const arc_err *err)
{
    struct heard *heard = user;
    int64_t want = heard->number < 5 ? heard->number : 5;
    (void)err;
    heard->whole &= status == ARC_OK && (int64_t)rows->count == want;
    const struct arc_row_counter *row = status == ARC_OK ? rows->rows : NULL;
    for (size_t i = 0; row != NULL && i < rows->count; i++)
        heard->whole &= row[i].value > heard->number - 5 && row[i].value <= heard->number;
}

/* The last batch that is there; -1: what is there is of no batch. */
static int64_t hear(arc_store *store)
{
    struct heard heard = {-1, 0};
    arc_arena *arena = NULL;
    arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1};
    if (arc_arena_new(NULL, 1 << 20, &arena, NULL) != ARC_OK)
        return -1;
    CHECK_OK(store->ops->query(store, &query, arena, on_pipelines, &heard, NULL));
    query.table = ARC_TABLE_counter;
    CHECK_OK(store->ops->query(store, &query, arena, on_counters, &heard, NULL));
    arc_arena_free(arena);
    return heard.whole ? heard.number : -1;
}

/* The next process, on what was left: hears all, and goes on. */
static void open_other(int bytes, int names)
{
    char path[64];
    arc_store *store = NULL;
    arc_err err = ARC_ERR_INIT;
    int64_t heard = -1, again = -1;
    (void)snprintf(path, sizeof(path), "%s/j", disk.other);
    if (journal_store_open(NULL, path, COMPACT_BYTES, &store, &err) == ARC_OK) {
        heard = hear(store);
        if (heard >= 0 && say(store, heard + 1) == ARC_OK)
            again = hear(store);
        store->ops->close(store);
    }
    life.looks++;
    if ((heard == life.said || heard == life.saying) && again == heard + 1)
        return;
    life.lost++;
    if (!disk.lies)
        printf("# call %d, bytes %d, names %d: %lld heard, %lld said, then %lld; %s\n", disk.calls,
               bytes, names, (long long)heard, (long long)life.said, (long long)again, err.message);
}

static void look_everywhere(void)
{
    disk.on = 0;
    for (int bytes = 0; bytes < BYTES_LEFT; bytes++) {
        for (int names = 0; names < NAMES_LEFT; names++) {
            leave((enum bytes_left)bytes, (enum names_left)names);
            open_other(bytes, names);
        }
    }
    disk.on = 1;
}

static int begin(void)
{
    memset(&disk, 0, sizeof(disk));
    memset(&life, 0, sizeof(life));
    (void)snprintf(disk.dir, sizeof(disk.dir), "/tmp/journal-test-XXXXXX");
    if (!CHECK_INT(mkdtemp(disk.dir) != NULL, 1))
        return 0;
    (void)snprintf(disk.other, sizeof(disk.other), "%s/.other", disk.dir);
    (void)snprintf(disk.path, sizeof(disk.path), "%s/j", disk.dir);
    return CHECK_INT(mkdir(disk.other, 0700), 0);
}

static void end(void)
{
    char path[64];
    disk.on = 0;
    clear_other();
    (void)rmdir(disk.other);
    (void)snprintf(path, sizeof(path), "%s.new", disk.path);
    (void)unlink(path);
    (void)unlink(disk.path);
    CHECK_INT(rmdir(disk.dir), 0);
    for (size_t i = 0; i < disk.file_count; i++) {
        (void)close(disk.files[i].fd);
        free(disk.files[i].synced);
    }
}

static arc_store *open_journal(void)
{
    arc_store *store = NULL;
    CHECK_OK(journal_store_open(NULL, disk.path, COMPACT_BYTES, &store, NULL));
    return store;
}

static int64_t length(void)
{
    struct stat info;
    return stat(disk.path, &info) == 0 ? info.st_size : -1;
}

static void say_many(arc_store *store, int64_t last)
{
    while (store != NULL && life.said < last) {
        life.saying = life.said + 1;
        if (!CHECK_OK(say(store, life.saying)))
            return;
        life.said = life.saying;
        int64_t size = length();
        life.longest = size > life.longest ? size : life.longest;
    }
}

/* Opens an empty journal, and twice what is there. */
static void live(void)
{
    for (int i = 1; i <= 3; i++) {
        arc_store *store = open_journal();
        say_many(store, COMMITS * i / 3);
        if (store != NULL)
            store->ops->close(store);
    }
}

/* --- cases ----------------------------------------------------------------------------------- */

static void a_long_life_stays_short(void)
{
    if (!begin())
        return;
    arc_store *store = open_journal();
    say_many(store, 2000);
    CHECK(life.longest < 3 * COMPACT_BYTES);
    if (store != NULL) {
        CHECK_INT(hear(store), 2000);
        store->ops->close(store);
    }
    store = open_journal();
    if (store != NULL) {
        CHECK_INT(hear(store), 2000);
        say_many(store, 2100);
        CHECK_OK(store->ops->health(store, NULL));
        store->ops->close(store);
    }
    CHECK(length() < 3 * COMPACT_BYTES);
    end();
}

static arc_status add(arc_store *store, int number)
{
    char key[24];
    (void)snprintf(key, sizeof(key), "k%d", number);
    struct arc_row_counter row = {{key, strlen(key)}, number};
    const struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_counter, &row, 0};
    arc_status ended = ARC_EINTERNAL;
    const arc_store_batch batch = {&op, 1, 0};
    arc_status status = store->ops->commit(store, &batch, on_commit, &ended, NULL);
    return status != ARC_OK ? status : ended;
}

static void what_has_no_past_is_left_alone(void)
{
    if (!begin())
        return;
    for (int i = 0; i < 200; i += 100) {
        arc_store *store = open_journal();
        for (int k = i; k < i + 100 && store != NULL; k++)
            CHECK_OK(add(store, k));
        if (store != NULL)
            store->ops->close(store);
    }
    CHECK(length() > 3 * COMPACT_BYTES);
    CHECK_INT(disk.renames, 1); /* when it was made */
    end();
}

static void nothing_is_lost_at_any_call(void)
{
    if (!begin())
        return;
    disk.on = 1;
    disk.look = look_everywhere;
    live();
    CHECK_INT(life.lost, 0);
    CHECK(life.looks > 1000);
    CHECK(disk.file_count > 3); /* it was written anew more than once */
    end();
}

static void a_disk_that_syncs_nothing_is_found_out(void)
{
    if (!begin())
        return;
    disk.on = 1;
    disk.lies = 1;
    disk.look = look_everywhere;
    live();
    CHECK(life.lost > 100);
    end();
}

/* A call has failed. What the others would find is looked at now and behind another batch, because
 * a later attempt may put right what this one did wrong. */
static arc_status look_behind(arc_store *store)
{
    char beside[64];
    (void)snprintf(beside, sizeof(beside), "%s.new", disk.path);
    look_everywhere();
    int is_broken = store->ops->health(store, NULL) == ARC_EIO;
    arc_status status = say(store, life.saying + 1);
    CHECK_STATUS(status, is_broken ? ARC_EIO : ARC_OK);
    life.saying += !is_broken;
    life.said = status == ARC_OK ? life.saying : life.said;
    CHECK_STATUS(store->ops->health(store, NULL) == ARC_EIO ? ARC_EIO : ARC_OK, status);
    CHECK(status != ARC_OK || strcmp(disk.failed, "unlinkat") == 0 || access(beside, F_OK) != 0);
    look_everywhere();
    return status;
}

/* Says what it can, until the store says that it cannot; what was said is there then. */
static void live_with_a_failure(int nth)
{
    arc_store *store = NULL;
    arc_err err = ARC_ERR_INIT;
    disk.on = 1;
    disk.fail_at = nth;
    disk.fail_errno = nth % 2 == 0 ? ENOSPC : EIO;
    arc_status status = journal_store_open(NULL, disk.path, COMPACT_BYTES, &store, &err);
    CHECK(status == ARC_OK || (status == ARC_EIO && disk.failed != NULL));
    int seen = disk.failed != NULL;
    while (life.saying < COMMITS && status == ARC_OK) {
        status = say(store, ++life.saying);
        life.said = status == ARC_OK ? life.saying : life.said;
        if (!seen && disk.failed != NULL) {
            seen = 1;
            CHECK(status == ARC_OK || status == ARC_EIO);
            status = look_behind(store);
        }
    }
    disk.fail_at = 0;
    while (life.saying < 2 * COMMITS && status == ARC_OK) {
        status = say(store, ++life.saying);
        life.said = life.saying;
        CHECK_OK(status);
    }
    CHECK(status != ARC_OK || length() < 3 * COMPACT_BYTES);
    if (store != NULL)
        store->ops->close(store);
}

static void each_call_may_fail(void)
{
    int nth = 1, broken = 0, over = 0;
    for (; !over; nth++) {
        if (!begin())
            return;
        live_with_a_failure(nth);
        over = disk.failed == NULL; /* it did not come to so many */
        broken += life.said < 2 * COMMITS;
        arc_store *store = open_journal();
        if (store != NULL) {
            int64_t heard = hear(store);
            CHECK(heard >= life.said && heard <= life.saying);
            life.said = life.saying = heard; /* somebody has seen it: */
            look_everywhere();               /* it may not be gone with the power */
            CHECK_OK(say(store, heard + 1));
            life.said = life.saying = heard + 1;
            look_everywhere();
            store->ops->close(store);
        }
        CHECK_INT(life.lost, 0);
        end();
    }
    CHECK(broken >= 2 * COMMITS);
    CHECK(nth - broken > 20); /* as often it went on */
}

static void a_journal_that_cannot_be_shorter_says_so(void)
{
    char beside[64];
    if (!begin())
        return;
    (void)snprintf(beside, sizeof(beside), "%s.new", disk.path);
    arc_store *store = open_journal();
    arc_err err = ARC_ERR_INIT;
    CHECK_INT(mkdir(beside, 0700), 0); /* which no file can be */
    disk.unlinks = 0;
    say_many(store, COMMITS);
    CHECK(length() > 3 * COMPACT_BYTES);
    CHECK(disk.unlinks > 0 && disk.unlinks < 10); /* attempts */
    if (store != NULL) {
        CHECK_STATUS(store->ops->health(store, &err), ARC_ELIMIT);
        CHECK_TEXT(arc__slice_cstr(err.subject), ARC_STORE_LOG);
        CHECK_INT(rmdir(beside), 0);
        say_many(store, 4 * COMMITS);
        CHECK_OK(store->ops->health(store, NULL));
        CHECK_INT(hear(store), 4 * COMMITS);
        store->ops->close(store);
    }
    CHECK(length() < 3 * COMPACT_BYTES);
    end();
}

static arc_store *in_use;
static int refused, let_in;

static void try_to_open(void)
{
    arc_store *store = NULL;
    disk.on = 0;
    arc_status status = journal_store_open(NULL, disk.path, COMPACT_BYTES, &store, NULL);
    refused += status == ARC_ECONFLICT;
    let_in += status != ARC_ECONFLICT;
    if (status == ARC_OK)
        store->ops->close(store);
    disk.on = 1;
}

static void another_process_never_gets_in(void)
{
    if (!begin())
        return;
    refused = let_in = 0;
    in_use = open_journal();
    disk.on = 1;
    disk.look = try_to_open;
    say_many(in_use, COMMITS);
    CHECK_INT(let_in, 0);
    CHECK(refused > 100);
    CHECK(life.longest < 3 * COMPACT_BYTES);
    disk.on = 0;
    if (in_use != NULL)
        in_use->ops->close(in_use);
    end();
}

/* What the other one has opened is no longer the journal, and nobody has locked it any more. */
static void replace_it(void)
{
    struct stat before, after;
    CHECK_INT(stat(disk.path, &before), 0);
    say_many(in_use, COMMITS);
    CHECK(stat(disk.path, &after) == 0 && after.st_ino != before.st_ino);
}

static void what_was_replaced_is_opened_anew(void)
{
    arc_store *store = NULL;
    if (!begin())
        return;
    in_use = open_journal();
    disk.before_lock = replace_it;
    CHECK_STATUS(journal_store_open(NULL, disk.path, COMPACT_BYTES, &store, NULL), ARC_ECONFLICT);
    CHECK_INT(life.said, COMMITS);
    if (in_use != NULL)
        in_use->ops->close(in_use);
    store = open_journal();
    if (store != NULL) {
        CHECK_INT(hear(store), COMMITS);
        store->ops->close(store);
    }
    end();
}

static const struct test tests[] = {
    {"a long life leaves no long journal, and all of it", a_long_life_stays_short},
    {"what has no past is not written anew", what_has_no_past_is_left_alone},
    {"a kill or a loss of power at any call loses nothing said", nothing_is_lost_at_any_call},
    {"a disk that syncs nothing is found out", a_disk_that_syncs_nothing_is_found_out},
    {"each call may fail, and what was said is there", each_call_may_fail},
    {"a journal that cannot be made shorter goes on", a_journal_that_cannot_be_shorter_says_so},
    {"another process does not get in while it is replaced", another_process_never_gets_in},
    {"a journal that was replaced before its lock is opened anew",
     what_was_replaced_is_opened_anew},
};

TEST_MAIN(tests)
