/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/lock.h"
#include "store/sqlite_db.h"
#include "store/sqlite_private.h"
#include "store/sqlite_schema.h"

#define STEP_PAGES 256u
#define BUSY_MS 1000u
#define OPEN_FLAGS (SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE)

struct arc_sqlite_backup {
    struct arc_mem mem;
    struct arc_sqlite_backup_options options;
    char to[PATH_MAX], part[PATH_MAX + 16];
    int restores;               /* files of a former store are at the place */
    struct arc_sqlite_vfs shim; /* of the copy */
    struct arc_sqlite_vfs *from_shim;
    sqlite3 *from, *db;
    sqlite3_backup *backup;
    uint64_t pages_done, pages;
    /* Of a file alone: */
    char source[PATH_MAX], place[PATH_MAX], lock[PATH_MAX + 8];
    struct arc_sqlite_vfs source_shim;
    int beside;  /* a process has it open */
    int whole;   /* every page is in the part */
    int lock_fd; /* of the place of a store */
    arc_store_backup_done done;
    void *done_user;
};

static arc_status fail_file(const char *path, int number, arc_err *err)
{
    char reason[128];
    arc_status status = number == ENOSPC || number == EDQUOT ? ARC_ELIMIT
                        : number == EEXIST                   ? ARC_EEXISTS
                                                             : ARC_EIO;
    return arc__fail(err, status, "store", "%.150s: %s.", path,
                     strerror_r(number, reason, sizeof(reason)));
}

/* --- checking -------------------------------------------------------------------------------- */

static arc_status check_connection(sqlite3 *db, arc_err *err)
{
    int is_new = 0;
    (void)sqlite3_extended_result_codes(db, 1); /* cannot fail */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    ARC_TRY(arc__sqlite_check_owner(db, &is_new, err));
    return is_new ? arc__fail(err, ARC_EPRECONDITION, "store", "%s", "The file holds no store.")
                  : ARC_OK;
}

static arc_status open_source(struct arc_sqlite_vfs *shim, const char *path, int immutable,
                              sqlite3 **out, arc_err *err)
{
    ARC_TRY(arc__sqlite_vfs_init(shim, NULL, 0, err));
    shim->immutable = immutable;
    int code = arc__sqlite_vfs_open(shim, path, SQLITE_OPEN_READONLY | OPEN_FLAGS, out);
    if (code == SQLITE_OK)
        return ARC_OK;
    if (shim->damage[0] != '\0')
        return arc__fail(err, ARC_EINTERNAL, "store", "The file is damaged: %s.", shim->damage);
    return arc__sqlite_fail(*out, code, err);
}

arc_status arc__store_sqlite_check_file(const char *path, arc_err *err)
{
    struct arc_sqlite_vfs shim;
    sqlite3 *db = NULL;
    arc_status status = open_source(&shim, path, 1, &db, err);
    if (status == ARC_OK)
        status = check_connection(db, err);
    if (status == ARC_OK)
        status = arc__sqlite_quick_check(db, err);
    (void)sqlite3_close(db); /* read-only */
    return status;
}

/* --- one copy -------------------------------------------------------------------------------- */

static arc_status make_part(struct arc_sqlite_backup *copy, arc_err *err)
{
    struct stat info;
    if (!copy->options.replace && lstat(copy->to, &info) == 0)
        return fail_file(copy->to, EEXIST, err);
    int len = snprintf(copy->part, sizeof(copy->part), "%s.part-XXXXXX", copy->to);
    if (len < 0 || len >= PATH_MAX)
        return arc__fail(err, ARC_EINVAL, "store", "%s", "The path is too long.");
    int fd = mkstemp(copy->part); /* mode 0600 */
    if (fd < 0) {
        int number = errno;
        copy->part[0] = '\0';
        return fail_file(copy->to, number, err);
    }
    (void)close(fd); /* empty: nothing can be lost */
    return ARC_OK;
}

/* No journal and no sync: what is not finished is thrown away, and what is finished is synced. */
static arc_status open_part(struct arc_sqlite_backup *copy, arc_err *err)
{
    ARC_TRY(arc__sqlite_vfs_init(&copy->shim, NULL, copy->from_shim->seals, err));
    int code = arc__sqlite_vfs_open(&copy->shim, copy->part, SQLITE_OPEN_READWRITE | OPEN_FLAGS,
                                    &copy->db);
    if (code != SQLITE_OK)
        return arc__sqlite_fail(copy->db, code, err);
    (void)sqlite3_extended_result_codes(copy->db, 1); /* cannot fail */
    ARC_TRY(arc__sqlite_exec(copy->db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", err));
    copy->backup = sqlite3_backup_init(copy->db, "main", copy->from, "main");
    return copy->backup != NULL ? ARC_OK
                                : arc__sqlite_fail(copy->db, sqlite3_errcode(copy->db), err);
}

static arc_status begin(struct arc_sqlite_backup *copy, const char *to,
                        const struct arc_sqlite_backup_options *options, arc_err *err)
{
    if (options != NULL)
        memcpy(&copy->options, options,
               options->size < sizeof(*options) ? options->size : sizeof(*options));
    if (copy->options.step_pages == 0)
        copy->options.step_pages = STEP_PAGES;
    if (copy->options.busy_ms == 0)
        copy->options.busy_ms = BUSY_MS;
    ARC_REQUIRE(to != NULL && to[0] != '\0', err, "store");
    int len = snprintf(copy->to, sizeof(copy->to), "%s", to);
    if (len < 0 || (size_t)len >= sizeof(copy->to))
        return arc__fail(err, ARC_EINVAL, "store", "%s", "The path is too long.");
    return make_part(copy, err);
}

static arc_status remove_beside(const char *path, const char *end, arc_err *err)
{
    char name[PATH_MAX + 32];
    snprintf(name, sizeof(name), "%s%s", path, end);
    return unlink(name) == 0 || errno == ENOENT ? ARC_OK : fail_file(name, errno, err);
}

/* Who looks into a part as a store leaves these. */
static arc_status remove_sides(const char *part, arc_err *err)
{
    static const char *const ends[] = {"-wal", "-shm", ".mark", ".lock"};
    arc_status status = ARC_OK;
    for (size_t i = 0; status == ARC_OK && i < sizeof(ends) / sizeof(ends[0]); i++)
        status = remove_beside(part, ends[i], err);
    return status;
}

/* Closes what is open; the file without its name goes. */
static void drop(struct arc_sqlite_backup *copy)
{
    (void)sqlite3_backup_finish(copy->backup); /* says again what step said; NULL is fine */
    (void)sqlite3_close(copy->db);             /* nothing waits in it */
    copy->backup = NULL;
    copy->db = NULL;
    if (copy->part[0] != '\0') {
        (void)unlink(copy->part);
        (void)remove_sides(copy->part, NULL);
    }
    copy->part[0] = '\0';
}

static arc_status fail_step(struct arc_sqlite_backup *copy, int code, arc_err *err)
{
    const char *damage = arc__sqlite_vfs_damage(copy->from);
    if (damage != NULL)
        return arc__fail(err, ARC_EINTERNAL, "store", "The file is damaged: %s.", damage);
    return arc__sqlite_fail(NULL, code, err);
}

/* *whole: all is copied. A page that is free may never have been written, and is read here alone.
 * What the store's own connection reads it keeps, so it takes no empty page for a free one. */
static arc_status step(struct arc_sqlite_backup *copy, int *whole, arc_err *err)
{
    copy->from_shim->lenient = copy->done != NULL ? ARC_LENIENT_END : ARC_LENIENT_ALL;
    int code = sqlite3_backup_step(copy->backup, (int)copy->options.step_pages);
    copy->from_shim->lenient = ARC_LENIENT_NOT;
    *whole = code == SQLITE_DONE;
    if (code != SQLITE_OK && code != SQLITE_DONE)
        return fail_step(copy, code, err);
    copy->pages = (uint64_t)sqlite3_backup_pagecount(copy->backup);
    copy->pages_done = copy->pages - (uint64_t)sqlite3_backup_remaining(copy->backup);
    if (copy->options.progress != NULL &&
        copy->options.progress(copy->options.user, copy->pages_done, copy->pages) != 0)
        return arc__fail(err, ARC_ECANCELLED, "store", "%s", "The copy was cancelled.");
    return ARC_OK;
}

static arc_status sync_path(const char *path, int flags, arc_err *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return fail_file(path, errno, err);
    int number = fsync(fd) == 0 ? 0 : errno;
    (void)close(fd); /* what counts was synced */
    return number == 0 ? ARC_OK : fail_file(path, number, err);
}

static arc_status sync_directory(const char *of, arc_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", of);
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(path, sizeof(path), ".");
    else
        slash[slash == path] = '\0';
    return sync_path(path, O_RDONLY | O_DIRECTORY, err);
}

/* The WAL of a former store goes before it, or it would be taken for that of the new one; its mark
 * stays until the end, so that the former one without its WAL is not taken for whole. */
static arc_status name_copy(struct arc_sqlite_backup *copy, arc_err *err)
{
    if (copy->restores) {
        ARC_TRY(remove_beside(copy->to, "-wal", err));
        ARC_TRY(remove_beside(copy->to, "-shm", err));
        ARC_TRY(sync_directory(copy->to, err));
    }
    int fine =
        copy->options.replace ? rename(copy->part, copy->to) == 0 : link(copy->part, copy->to) == 0;
    if (!fine)
        return fail_file(copy->to, errno, err);
    if (!copy->options.replace)
        (void)unlink(copy->part); /* a second name at worst */
    copy->part[0] = '\0';
    ARC_TRY(sync_directory(copy->to, err));
    if (!copy->restores)
        return ARC_OK;
    ARC_TRY(remove_beside(copy->to, ".mark", err));
    return sync_directory(copy->to, err);
}

static arc_status finish(struct arc_sqlite_backup *copy, arc_err *err)
{
    int code = sqlite3_backup_finish(copy->backup);
    copy->backup = NULL;
    if (code != SQLITE_OK)
        return fail_step(copy, code, err);
    code = sqlite3_close(copy->db);
    copy->db = NULL;
    if (code != SQLITE_OK)
        return arc__sqlite_fail(NULL, code, err);
    ARC_TRY(sync_path(copy->part, O_RDWR, err));
    return arc__store_sqlite_check_file(copy->part, err);
}

/* --- of an open store ------------------------------------------------------------------------ */

static struct sqlite_store *store_of(struct arc_store *store)
{
    return ARC_CONTAINER(store, struct sqlite_store, base);
}

static void end(struct sqlite_store *self, arc_status status, const arc_err *err)
{
    struct arc_sqlite_backup *copy = self->backup;
    self->backup = NULL;
    drop(copy);
    self->depth++;
    copy->done(copy->done_user, status, status == ARC_OK ? NULL : err);
    self->depth--;
    arc__free(&self->mem, copy);
}

arc_status arc__store_sqlite_backup(struct arc_store *store, const char *to,
                                    const struct arc_sqlite_backup_options *options,
                                    arc_store_backup_done done, void *done_user, arc_err *err)
{
    struct sqlite_store *self = store_of(store);
    if (self->beside)
        return arc__fail(err, ARC_EPRECONDITION, "store", "%s", "The store was opened to be read.");
    if (self->backup != NULL)
        return arc__fail(err, ARC_ECONFLICT, "store", "%s", "A copy is being made already.");
    if (self->poison.status != ARC_OK)
        return arc__fail(err, ARC_EIO, "store", "%s", self->poison.message);
    struct arc_sqlite_backup *copy = arc__alloc(&self->mem, sizeof(*copy));
    if (copy == NULL)
        return arc__fail_nomem(err);
    copy->mem = self->mem;
    arc_status status = begin(copy, to, options, err);
    copy->from = self->writer;
    copy->from_shim = &self->shim;
    copy->done = done;
    copy->done_user = done_user;
    if (status == ARC_OK)
        status = open_part(copy, err);
    if (status != ARC_OK) {
        drop(copy);
        arc__free(&self->mem, copy);
        return status;
    }
    self->backup = copy;
    return ARC_OK;
}

int arc__store_sqlite_backup_runs(const struct arc_store *store)
{
    return ((const struct sqlite_store *)(const void *)store)->backup != NULL; /* it begins so */
}

void arc__store_sqlite_backup_cancel(struct arc_store *store)
{
    struct sqlite_store *self = store_of(store);
    arc_err err = ARC_ERR_INIT;
    if (self->backup == NULL)
        return;
    arc_status status = arc__fail(&err, ARC_ECANCELLED, "store", "%s", "The copy was cancelled.");
    end(self, status, &err);
}

void arc__sqlite_backup_step(struct sqlite_store *self)
{
    arc_err err = ARC_ERR_INIT;
    int whole = 0;
    if (self->backup == NULL)
        return;
    arc_status status = step(self->backup, &whole, &err);
    if (status == ARC_EUNAVAILABLE || (status == ARC_OK && !whole))
        return; /* the next dispatch goes on */
    if (status == ARC_OK)
        status = finish(self->backup, &err);
    if (status == ARC_OK)
        status = name_copy(self->backup, &err);
    end(self, status, &err);
}

/* --- of a file ------------------------------------------------------------------------------- */

/* 1: there is a WAL with something in it. */
static int has_wal(const char *path)
{
    char name[PATH_MAX + 8];
    struct stat info = {.st_size = 0};
    snprintf(name, sizeof(name), "%s-wal", path);
    return stat(name, &info) == 0 && info.st_size > 0;
}

arc_status arc__sqlite_look_beside(const struct arc_mem *mem, const char *vfs, const char *path,
                                   int *held, arc_err *err)
{
    char lock[PATH_MAX + 8];
    arc_err lost = ARC_ERR_INIT;
    snprintf(lock, sizeof(lock), "%s.lock", path);
    ARC_TRY(arc__store_lock_is_held(lock, held, err));
    if (*held || arc__sqlite_mark_look(mem, vfs, path, &lost) == ARC_OK)
        return ARC_OK;
    ARC_TRY(arc__store_lock_is_held(lock, held, err)); /* it may have just been opened */
    return *held ? ARC_OK : arc__fail(err, lost.status, "store", "%s", lost.message);
}

static arc_status look_at_source(struct arc_sqlite_backup *copy, arc_err *err)
{
    return arc__sqlite_look_beside(&copy->mem, NULL, copy->source, &copy->beside, err);
}

static arc_status open_copy(struct arc_sqlite_backup *copy, arc_err *err)
{
    ARC_TRY(look_at_source(copy, err));
    copy->from_shim = &copy->source_shim;
    /* What is put back may lie where nothing can be written. */
    int immutable = copy->restores && !copy->beside && !has_wal(copy->source);
    ARC_TRY(open_source(copy->from_shim, copy->source, immutable, &copy->from, err));
    (void)sqlite3_busy_timeout(copy->from, (int)copy->options.busy_ms);
    (void)sqlite3_db_config(copy->from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    ARC_TRY(arc__sqlite_exec(copy->from, "BEGIN", err));
    ARC_TRY(check_connection(copy->from, err)); /* begins to read, as of now */
    return open_part(copy, err);
}

/* The one name of what is at the place, by which a store is locked; *there 0: nothing is. */
static void find_place(struct arc_sqlite_backup *copy, const char *to, int *there)
{
    *there = realpath(to, copy->place) != NULL;
    if (!*there)
        snprintf(copy->place, sizeof(copy->place), "%s", to);
    snprintf(copy->lock, sizeof(copy->lock), "%s.lock", copy->place);
}

static arc_status lock_place(struct arc_sqlite_backup *copy, arc_err *err)
{
    char what[128];
    snprintf(what, sizeof(what), "The store %.100s", copy->place);
    return arc__store_lock(copy->lock, what, &copy->lock_fd, err);
}

/* A copy that takes the place of a store that lives would make a mixture of the two. */
static arc_status refuse_a_store(struct arc_sqlite_backup *copy, const char *from, arc_err *err)
{
    struct stat source, place;
    int held = 0;
    if (stat(from, &source) == 0 && stat(copy->place, &place) == 0 &&
        source.st_dev == place.st_dev && source.st_ino == place.st_ino)
        return arc__fail(err, ARC_EINVAL, "store", "The copy of %.150s may not take its place.",
                         from);
    ARC_TRY(arc__store_lock_is_held(copy->lock, &held, err));
    if (held || has_wal(copy->place))
        return arc__fail(err, ARC_EPRECONDITION, "store",
                         "%.150s is a store that is in use, or has a WAL: no copy takes its place.",
                         copy->place);
    return ARC_OK;
}

static arc_status begin_file(struct arc_sqlite_backup *copy, const char *from, const char *to,
                             const struct arc_sqlite_backup_options *options, arc_err *err)
{
    int there = 0;
    find_place(copy, to, &there);
    if (copy->restores)
        ARC_TRY(lock_place(copy, err));
    else if (there)
        ARC_TRY(refuse_a_store(copy, from, err));
    ARC_TRY(begin(copy, copy->restores ? copy->place : to, options, err));
    if (realpath(from, copy->source) == NULL)
        return fail_file(from, errno, err);
    return open_copy(copy, err);
}

arc_status arc__sqlite_copy_new(const struct arc_mem *mem, const char *from, const char *to,
                                int restores, const struct arc_sqlite_backup_options *options,
                                struct arc_sqlite_backup **out, arc_err *err)
{
    struct stat info;
    ARC_REQUIRE(from != NULL && from[0] != '\0' && to != NULL && to[0] != '\0', err, "store");
    if (strlen(from) >= PATH_MAX || strlen(to) >= PATH_MAX)
        return arc__fail(err, ARC_EINVAL, "store", "%s", "The path is too long.");
    if (stat(from, &info) != 0)
        return errno == ENOENT ? arc__fail(err, ARC_ENOTFOUND, "store", "There is no %.200s.", from)
                               : fail_file(from, errno, err);
    struct arc_sqlite_backup *copy = arc__alloc(mem, sizeof(*copy));
    if (copy == NULL)
        return arc__fail_nomem(err);
    copy->mem = *mem;
    copy->lock_fd = -1;
    copy->restores = restores;
    arc_status status = begin_file(copy, from, to, options, err);
    if (status != ARC_OK) {
        arc__sqlite_copy_free(copy);
        return status;
    }
    *out = copy;
    return ARC_OK;
}

arc_status arc__sqlite_copy_step(struct arc_sqlite_backup *copy, uint32_t pages, arc_err *err)
{
    if (pages != 0)
        copy->options.step_pages = pages;
    if (!copy->whole)
        return step(copy, &copy->whole, err);
    ARC_TRY(finish(copy, err));
    if (copy->beside) /* it may have been one that found the files damaged when it began */
        ARC_TRY(look_at_source(copy, err));
    return ARC_EDONE;
}

void arc__sqlite_copy_get_progress(const struct arc_sqlite_backup *copy,
                                   struct arc_sqlite_copy_progress *out)
{
    *out = (struct arc_sqlite_copy_progress){
        .pages_done = copy->pages_done,
        .pages = copy->pages,
        .page_bytes = copy->source_shim.page_bytes,
        .copied = copy->whole,
        .beside = copy->beside,
    };
}

const char *arc__sqlite_copy_get_part(const struct arc_sqlite_backup *copy)
{
    return copy->part;
}

arc_status arc__sqlite_copy_name(struct arc_sqlite_backup *copy, arc_err *err)
{
    if (has_wal(copy->part))
        return arc__fail(err, ARC_EIO, "store", "%s", "The copy's WAL could not be copied back.");
    ARC_TRY(remove_sides(copy->part, err));
    return name_copy(copy, err);
}

void arc__sqlite_copy_free(struct arc_sqlite_backup *copy)
{
    if (copy == NULL)
        return;
    struct arc_mem mem = copy->mem;
    drop(copy);
    (void)sqlite3_close(copy->from); /* read-only */
    arc__store_unlock(copy->lock_fd);
    arc__free(&mem, copy);
}

/* --- at once --------------------------------------------------------------------------------- */

static arc_status copy_at_once(const struct arc_mem *mem, const char *from, const char *to,
                               int restores, const struct arc_sqlite_backup_options *options,
                               arc_err *err)
{
    struct arc_sqlite_backup *copy = NULL;
    arc_status status = arc__sqlite_copy_new(mem, from, to, restores, options, &copy, err);
    while (status == ARC_OK)
        status = arc__sqlite_copy_step(copy, 0, err);
    if (status == ARC_EDONE)
        status = arc__sqlite_copy_name(copy, err);
    arc__sqlite_copy_free(copy);
    return status;
}

arc_status arc__store_sqlite_backup_file(const struct arc_mem *mem, const char *from,
                                         const char *to,
                                         const struct arc_sqlite_backup_options *options,
                                         arc_err *err)
{
    return copy_at_once(mem, from, to, 0, options, err);
}

arc_status arc__store_sqlite_restore(const struct arc_mem *mem, const char *from, const char *to,
                                     const struct arc_sqlite_backup_options *options, arc_err *err)
{
    return copy_at_once(mem, from, to, 1, options, err);
}
