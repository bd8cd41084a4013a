/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logs/file_private.h"
#include "logs/lines.h"

#define STEPS_OPEN_DEFAULT 64u
#define UNINDEXED_DEFAULT 8000000u
/* How often files are opened anew that another process removes at the same moment. */
#define REOPENS_MAX 8
#define OFFSETS_AT_ONCE 256u
#define BATCH_BYTES_MAX \
    ((size_t)ARC_LOGS_APPEND_MAX_BYTES + (size_t)ARC_LOGS_APPEND_MAX_LINES * ARC_RECORD_HEADER_SIZE)

static struct file_logs *self_of(struct arc_log_store *logs)
{
    return ARC_CONTAINER(logs, struct file_logs, base);
}

/* --- open steps ------------------------------------------------------------------------------ */

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd); /* what was written is the kernel's already */
}

static void step_close(struct file_logs *self, struct step *step)
{
    if (arc__list_linked(&step->link)) {
        (void)arc__map_remove(&self->steps, key_of(step));
        arc__list_remove(&step->link);
        self->open_count--;
    }
    close_fd(step->log_fd);
    close_fd(step->idx_fd);
    arc__buf_deinit(&step->places);
    arc__free(&self->mem, step);
}

/* 1: the least recently used one was closed. */
static int close_oldest(struct file_logs *self)
{
    if (arc__list_empty(&self->recent))
        return 0;
    step_close(self, ARC_CONTAINER(self->recent.next, struct step, link));
    return 1;
}

/* openat that makes room when the process has no file descriptors left. */
static int open_at(struct file_logs *self, int dir_fd, const char *name, int flags)
{
    for (;;) {
        int fd = openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (fd >= 0 || (errno != EINTR && errno != EMFILE && errno != ENFILE))
            return fd;
        int number = errno;
        if (number != EINTR && !close_oldest(self)) {
            errno = number;
            return -1;
        }
    }
}

static int open_run(struct file_logs *self, const char *run, int create)
{
    int fd = open_at(self, self->dir_fd, run, O_RDONLY | O_DIRECTORY);
    if (fd >= 0 || errno != ENOENT || !create)
        return fd;
    if (mkdirat(self->dir_fd, run, 0700) != 0 && errno != EEXIST)
        return -1;
    return open_at(self, self->dir_fd, run, O_RDONLY | O_DIRECTORY);
}

/* 0, or an errno; ENOENT where there is no log and none shall be made. */
static int open_files(struct file_logs *self, struct step *step, int create)
{
    char name[ARC_LOGS_ID_MAX + 8];
    const char *run = step->key, *id = step->key + step->run_len + 1;
    step->key[step->run_len] = '\0';
    int run_fd = open_run(self, run, create), number = errno;
    step->key[step->run_len] = '/';
    if (run_fd < 0)
        return number;
    snprintf(name, sizeof(name), "%s.log", id);
    step->log_fd = open_at(self, run_fd, name, O_RDWR | (create ? O_CREAT : 0));
    number = step->log_fd < 0 ? errno : 0;
    if (number == 0) { /* an index that is missing is made from the log, by who may write it */
        int make = create || !self->shared;
        snprintf(name, sizeof(name), "%s.idx", id);
        step->idx_fd = open_at(self, run_fd, name, O_RDWR | (make ? O_CREAT : 0));
        number = step->idx_fd < 0 && (make || errno != ENOENT) ? errno : 0;
    }
    close_fd(run_fd);
    return number;
}

static arc_status open_step(struct file_logs *self, struct step *step, int create, arc_err *err)
{
    int number = open_files(self, step, create);
    if (number == ENOENT && (!create || self->shared))
        return ARC_ENOTFOUND; /* no error for the caller: a log that is empty, or just removed */
    if (number != 0)
        return arc__logs_fail_errno("The log", key_of(step), number, err);
    if (!self->shared)
        ARC_TRY(arc__logs_recover(self, step, err));
    ARC_TRY(arc__map_put(&self->steps, key_of(step), step, NULL, err));
    arc__list_add_tail(&self->recent, &step->link);
    self->open_count++;
    return ARC_OK;
}

/* *out is NULL where there is no log and none shall be made, or could be made in a shared folder:
 * somebody removes the run. What a shared log holds is not known yet. */
static arc_status get_step(struct file_logs *self, arc_slice run_id, arc_slice step_run_id,
                           int create, struct step **out, arc_err *err)
{
    char key[2 * ARC_LOGS_ID_MAX + 2];
    ARC_TRY(arc__logs_check_ids(run_id, step_run_id, err));
    int len = snprintf(key, sizeof(key), "%.*s/%.*s", ARC_ARG(run_id), ARC_ARG(step_run_id));
    struct step *step = arc__map_get(&self->steps, arc__slice(key, (size_t)len));
    if (step != NULL) {
        arc__list_remove(&step->link);
        arc__list_add_tail(&self->recent, &step->link);
        *out = step;
        return ARC_OK;
    }
    while (self->open_count >= self->open_max && close_oldest(self))
        continue;
    step = arc__alloc(&self->mem, sizeof(*step) + (size_t)len + 1);
    if (step == NULL)
        return arc__fail_nomem(err);
    step->log_fd = step->idx_fd = -1;
    step->seen_size = ARC_SIZE_UNSEEN;
    arc__buf_init(&step->places, &self->mem, (size_t)self->unindexed_max * INDEX_ENTRY);
    step->run_len = run_id.len;
    step->key_len = (size_t)len;
    memcpy(step->key, key, (size_t)len + 1);
    arc_status status = open_step(self, step, create, err);
    if (status != ARC_OK) {
        step_close(self, step);
        step = NULL;
    }
    if (status == ARC_OK || status == ARC_ENOTFOUND)
        *out = step;
    return status == ARC_ENOTFOUND ? ARC_OK : status;
}

/* For reading: with all that was appended by now. *out is NULL where there is no log. */
static arc_status get_current(struct file_logs *self, arc_slice run_id, arc_slice step_run_id,
                              struct step **out, arc_err *err)
{
    for (int opens = 0; opens < REOPENS_MAX; opens++) {
        struct step *step = NULL;
        ARC_TRY(get_step(self, run_id, step_run_id, 0, &step, err));
        arc_status status = step != NULL && self->shared ? arc__logs_look(self, step, err) : ARC_OK;
        if (status == ARC_OK)
            *out = step;
        if (status != ARC_ENOTFOUND)
            return status;
        step_close(self, step);
    }
    *out = NULL; /* it is being removed */
    return ARC_OK;
}

static arc_status lock(const struct step *step, arc_err *err)
{
    int failed;
    while ((failed = flock(step->log_fd, LOCK_EX | LOCK_NB)) != 0 && errno == EINTR)
        continue;
    if (failed == 0)
        return ARC_OK;
    return errno == EWOULDBLOCK
               ? arc__fail(err, ARC_EUNAVAILABLE, "logs",
                           "Another process is writing the log %.*s; try again.",
                           ARC_ARG(key_of(step)))
               : arc__logs_fail_errno("The lock of the log", key_of(step), errno, err);
}

static void unlock(const struct file_logs *self, const struct step *step)
{
    if (self->shared)
        (void)flock(step->log_fd, LOCK_UN); /* of a descriptor that has it */
}

/* For writing: with all that was appended by now, and locked in a shared folder. */
static arc_status get_writable(struct file_logs *self, arc_slice run_id, arc_slice step_run_id,
                               struct step **out, arc_err *err)
{
    if (!self->shared)
        return get_step(self, run_id, step_run_id, 1, out, err);
    for (int opens = 0; opens < REOPENS_MAX; opens++) {
        struct step *step = NULL;
        ARC_TRY(get_step(self, run_id, step_run_id, 1, &step, err));
        if (step == NULL)
            continue;
        ARC_TRY(lock(step, err));
        arc_status status = arc__logs_catch_up(self, step, err);
        if (status == ARC_OK) {
            *out = step;
            return ARC_OK;
        }
        step_close(self, step); /* and with it goes the lock */
        if (status != ARC_ENOTFOUND)
            return status;
    }
    return arc__fail(err, ARC_EIO, "logs", "The log %.*s/%.*s is removed as often as it is made.",
                     ARC_ARG(run_id), ARC_ARG(step_run_id));
}

/* --- appending ------------------------------------------------------------------------------- */

/* All records of the append into one buffer and their places into another. */
static arc_status encode(struct file_logs *self, const struct step *step,
                         const struct arc_log_line *lines, size_t count, struct arc_log_info *info,
                         arc_err *err)
{
    uint64_t at = step->log_size;
    for (size_t i = 0; i < count; i++) {
        struct arc_record record = {.line = lines[i], .ends_append = i + 1 == count};
        arc__logs_count(info, &lines[i]);
        record.line.number = info->lines;
        record.last_agent_line = info->last_agent_line;
        record.last_attempt = info->last_attempt;
        size_t size = ARC_RECORD_HEADER_SIZE + lines[i].content.len;
        unsigned char *out = (unsigned char *)arc__buf_reserve(&self->records, size);
        if (out == NULL)
            break;
        if (lines[i].content.len > 0)
            memcpy(out + ARC_RECORD_HEADER_SIZE, lines[i].content.ptr, lines[i].content.len);
        arc__record_encode(&self->crc, &record, out);
        arc__buf_commit(&self->records, size);
        unsigned char entry[INDEX_ENTRY];
        arc__put_le(entry, at, INDEX_ENTRY);
        arc__buf_add(&self->offsets, entry, sizeof(entry));
        at += size;
    }
    ARC_TRY(arc__buf_check(&self->records, err));
    return arc__buf_check(&self->offsets, err);
}

/* Gives the lock back, too. */
static arc_status write_append(struct file_logs *self, struct step *step, arc_err *err)
{
    uint64_t idx_size = (uint64_t)step->info.lines * INDEX_ENTRY;
    /* The index first: the end of the log is what makes the append happen, so it comes last. Else
     * an append whose index failed could come back after it was said to have failed. */
    int failed = arc__logs_write_all(step->idx_fd, self->offsets.ptr, self->offsets.len, idx_size);
    if (failed == 0)
        failed =
            arc__logs_write_all(step->log_fd, self->records.ptr, self->records.len, step->log_size);
    arc_status status =
        failed == 0 ? ARC_OK : arc__logs_fail_errno("The log", key_of(step), failed, err);
    /* What could not be cut here is cut when the files are opened again. */
    if (failed != 0 && arc__logs_cut(step, step->log_size, idx_size, NULL) != ARC_OK)
        step_close(self, step);
    else
        unlock(self, step);
    return status;
}

static void shrink(struct arc_buf *buf)
{
    if (buf->capacity > BUFFER_KEPT)
        arc__buf_deinit(buf);
    arc__buf_clear(buf);
}

static arc_status file_append(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                              struct arc_log_line *lines, size_t count, arc_err *err)
{
    struct file_logs *self = self_of(logs);
    struct step *step = NULL;
    ARC_TRY(arc__logs_check_ids(run_id, step_run_id, err));
    ARC_TRY(arc__logs_check_lines(lines, count, err));
    if (count == 0)
        return ARC_OK;
    ARC_TRY(get_writable(self, run_id, step_run_id, &step, err));
    arc__buf_clear(&self->records);
    arc__buf_clear(&self->offsets);
    struct arc_log_info info = step->info;
    int64_t first = info.lines + 1;
    size_t size = 0;
    arc_status status = arc__logs_check_place(&info, lines, err);
    if (status == ARC_OK)
        status = encode(self, step, lines, count, &info, err);
    if (status == ARC_OK) {
        size = self->records.len;
        status = write_append(self, step, err);
    } else {
        unlock(self, step);
    }
    shrink(&self->records);
    shrink(&self->offsets);
    if (status != ARC_OK)
        return status;
    step->info = info;
    step->log_size += size;
    step->last_at = step->log_size - ARC_RECORD_HEADER_SIZE - lines[count - 1].content.len;
    for (size_t i = 0; i < count; i++)
        lines[i].number = first + (int64_t)i;
    return ARC_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

/* The entries of the index, and behind them what a reader knows beyond it. */
static arc_status read_entries(const struct step *step, size_t first, size_t count,
                               unsigned char *out, arc_err *err)
{
    size_t indexed = (size_t)step->info.lines - step->places.len / INDEX_ENTRY, part = 0;
    if (first < indexed) {
        part = count < indexed - first ? count : indexed - first;
        ARC_TRY(arc__logs_read_exactly(step, step->idx_fd, out, part * INDEX_ENTRY,
                                       first * INDEX_ENTRY, err));
    }
    if (part < count)
        memcpy(out + part * INDEX_ENTRY, step->places.ptr + (first + part - indexed) * INDEX_ENTRY,
               (count - part) * INDEX_ENTRY);
    return ARC_OK;
}

/* Where the lines from `first` (counted from 0) on begin, and where the last of them ends. */
static arc_status read_offsets(const struct step *step, size_t first, size_t count, uint64_t *out,
                               arc_err *err)
{
    unsigned char entries[(OFFSETS_AT_ONCE + 1) * INDEX_ENTRY];
    size_t lines = (size_t)step->info.lines;
    size_t wanted = first + count < lines ? count + 1 : count;
    ARC_TRY(read_entries(step, first, wanted, entries, err));
    for (size_t i = 0; i < wanted; i++)
        out[i] = arc__get_le(entries + i * INDEX_ENTRY, INDEX_ENTRY);
    if (wanted == count)
        out[count] = step->log_size;
    for (size_t i = 0; i < count; i++) {
        if (out[i + 1] > step->log_size || out[i] > out[i + 1] ||
            out[i + 1] - out[i] < ARC_RECORD_HEADER_SIZE ||
            out[i + 1] - out[i] > ARC_RECORD_SIZE_MAX)
            return arc__fail(err, ARC_EINTERNAL, "logs", "The index of the log %.*s is damaged.",
                             ARC_ARG(key_of(step)));
    }
    return ARC_OK;
}

/* How many lines fit. */
static arc_status measure(const struct step *step, size_t first, size_t limit, size_t max_bytes,
                          size_t *count, arc_err *err)
{
    uint64_t offsets[OFFSETS_AT_ONCE + 1];
    size_t taken = 0, bytes = 0;
    while (taken < limit) {
        size_t part = limit - taken < OFFSETS_AT_ONCE ? limit - taken : OFFSETS_AT_ONCE;
        ARC_TRY(read_offsets(step, first + taken, part, offsets, err));
        for (size_t i = 0; i < part; i++) {
            size_t len = (size_t)(offsets[i + 1] - offsets[i]) - ARC_RECORD_HEADER_SIZE;
            if (taken > 0 && (bytes > max_bytes || len > max_bytes - bytes)) {
                *count = taken;
                return ARC_OK;
            }
            bytes += len;
            taken++;
        }
    }
    *count = taken;
    return ARC_OK;
}

/* The records of up to OFFSETS_AT_ONCE lines, with one read. */
static arc_status read_part(const struct file_logs *self, const struct step *step, size_t first,
                            size_t count, struct arc_arena *arena, struct arc_log_line *lines,
                            arc_err *err)
{
    uint64_t offsets[OFFSETS_AT_ONCE + 1];
    ARC_TRY(read_offsets(step, first, count, offsets, err));
    size_t size = (size_t)(offsets[count] - offsets[0]);
    unsigned char *bytes = arc__arena_alloc(arena, size);
    if (bytes == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(arc__logs_read_exactly(step, step->log_fd, bytes, size, offsets[0], err));
    for (size_t i = 0; i < count; i++) {
        int64_t number = (int64_t)(first + i) + 1;
        struct arc_record record;
        size_t len = (size_t)(offsets[i + 1] - offsets[i]);
        if (arc__record_decode(&self->crc, bytes + (offsets[i] - offsets[0]), len, &record) &&
            record.line.number == number)
            lines[i] = record.line;
        else
            lines[i] = (struct arc_log_line){.number = number,
                                             .gap_lines = 1,
                                             .stream = ARC_LOG_SYSTEM,
                                             .flags = ARC_LOG_FLAG_GAP,
                                             .content = ARC_LIT("This line was damaged on disk.")};
    }
    return ARC_OK;
}

static arc_status file_read(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                            int64_t from, size_t limit, size_t max_bytes, struct arc_arena *arena,
                            struct arc_log_line **lines, size_t *count, arc_err *err)
{
    struct file_logs *self = self_of(logs);
    struct step *step = NULL;
    ARC_TRY(get_current(self, run_id, step_run_id, &step, err));
    size_t first = from > 1 ? (size_t)from - 1 : 0, taken = 0;
    size_t held = step != NULL ? (size_t)step->info.lines : 0;
    if (first < held && limit > 0)
        ARC_TRY(measure(step, first, limit < held - first ? limit : held - first, max_bytes, &taken,
                        err));
    struct arc_log_line *found = NULL;
    if (taken > 0) {
        found = arc__arena_array(arena, taken, sizeof(*found));
        if (found == NULL)
            return arc__fail_nomem(err);
    }
    for (size_t at = 0; at < taken; at += OFFSETS_AT_ONCE) {
        size_t part = taken - at < OFFSETS_AT_ONCE ? taken - at : OFFSETS_AT_ONCE;
        ARC_TRY(read_part(self, step, first + at, part, arena, found + at, err));
    }
    *lines = found;
    *count = taken;
    return ARC_OK;
}

static arc_status file_info(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                            struct arc_log_info *out, arc_err *err)
{
    struct step *step = NULL;
    ARC_TRY(get_current(self_of(logs), run_id, step_run_id, &step, err));
    *out = step != NULL ? step->info : (struct arc_log_info){.lines = 0};
    return ARC_OK;
}

/* --- the rest of the port -------------------------------------------------------------------- */

static void file_release(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id)
{
    struct file_logs *self = self_of(logs);
    char key[2 * ARC_LOGS_ID_MAX + 2];
    if (arc__logs_check_ids(run_id, step_run_id, NULL) != ARC_OK)
        return;
    int len = snprintf(key, sizeof(key), "%.*s/%.*s", ARC_ARG(run_id), ARC_ARG(step_run_id));
    struct step *step = arc__map_get(&self->steps, arc__slice(key, (size_t)len));
    if (step != NULL)
        step_close(self, step);
}

/* 0, or an errno. Takes fd. */
static int empty_dir(int fd)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int number = errno;
        close_fd(fd);
        return number;
    }
    int number = 0;
    const struct dirent *entry;
    while (number == 0 && (errno = 0, entry = readdir(dir)) != NULL) {
        arc_slice name = arc__slice_cstr(entry->d_name);
        if (!arc__slice_is(name, ".") && !arc__slice_is(name, "..") &&
            unlinkat(dirfd(dir), entry->d_name, 0) != 0 && errno != ENOENT)
            number = errno;
    }
    if (number == 0)
        number = errno;
    (void)closedir(dir);
    return number;
}

/* 0, or an errno; a directory that is not there is removed. */
static int remove_dir(struct file_logs *self, const char *name)
{
    int fd = open_run(self, name, 0);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    int number = empty_dir(fd);
    if (number == 0 && unlinkat(self->dir_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        number = errno;
    return number;
}

static arc_status file_remove_run(struct arc_log_store *logs, arc_slice run_id, arc_err *err)
{
    struct file_logs *self = self_of(logs);
    char name[ARC_LOGS_ID_MAX + 1];
    ARC_TRY(arc__logs_check_id(run_id, "run_id", err));
    (void)arc__slice_to_cstr(run_id, name, sizeof(name)); /* it fits: it was checked */
    ARC_LIST_EACH_SAFE(&self->recent, link)
    {
        struct step *step = ARC_CONTAINER(link, struct step, link);
        if (arc__slice_equal(arc__slice(step->key, step->run_len), run_id))
            step_close(self, step);
    }
    int number = remove_dir(self, name);
    /* Another process may make a log meanwhile. */
    for (int again = 1; self->shared && number == ENOTEMPTY && again < REOPENS_MAX; again++)
        number = remove_dir(self, name);
    return number == 0 ? ARC_OK : arc__logs_fail_errno("The logs of run", run_id, number, err);
}

static void file_close(struct arc_log_store *logs)
{
    if (logs == NULL)
        return;
    struct file_logs *self = self_of(logs);
    while (close_oldest(self))
        continue;
    arc__map_deinit(&self->steps);
    arc__buf_deinit(&self->records);
    arc__buf_deinit(&self->offsets);
    arc__free(&self->mem, self->window);
    close_fd(self->dir_fd); /* with it goes the lock */
    struct arc_mem mem = self->mem;
    arc__free(&mem, self);
}

static const struct arc_log_store_ops file_ops = {
    .size = sizeof(struct arc_log_store_ops),
    .append = file_append,
    .info = file_info,
    .read = file_read,
    .release = file_release,
    .remove_run = file_remove_run,
    .close = file_close,
};

static arc_status open_dir(struct file_logs *self, const char *dir, arc_err *err)
{
    arc_slice name = arc__slice_cstr(dir);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return arc__logs_fail_errno("The directory", name, errno, err);
    self->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->dir_fd < 0)
        return arc__logs_fail_errno("The directory", name, errno, err);
    /* Two writers would cut each other's appends, unless they all know that there are others. */
    if (flock(self->dir_fd, (self->shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
        return ARC_OK;
    return errno == EWOULDBLOCK
               ? arc__fail(err, ARC_ECONFLICT, "logs", "The logs in %s are in use%s.", dir,
                           self->shared ? " by a process that does not share them" : "")
               : arc__logs_fail_errno("The directory", name, errno, err);
}

arc_status arc__logs_file_open(const struct arc_mem *mem, const char *dir,
                               const struct arc_logs_file_options *options,
                               struct arc_log_store **out, arc_err *err)
{
    struct arc_logs_file_options chosen = ARC_LOGS_FILE_OPTIONS_INIT;
    ARC_REQUIRE(dir != NULL && dir[0] != '\0', err, "logs");
    if (options != NULL)
        memcpy(&chosen, options, options->size < sizeof(chosen) ? options->size : sizeof(chosen));
    struct file_logs *self = arc__alloc(mem, sizeof(*self));
    if (self == NULL)
        return arc__fail_nomem(err);
    self->base.ops = &file_ops;
    self->mem = *mem;
    self->dir_fd = -1;
    self->shared = chosen.shared != 0;
    self->unindexed_max = chosen.unindexed_max != 0 ? chosen.unindexed_max : UNINDEXED_DEFAULT;
    self->open_max = chosen.steps_open_max != 0 ? chosen.steps_open_max : STEPS_OPEN_DEFAULT;
    arc__list_init(&self->recent);
    arc__map_init(&self->steps, mem, 0, 0); /* the ids are our own */
    arc__buf_init(&self->records, mem, BATCH_BYTES_MAX);
    arc__buf_init(&self->offsets, mem, BATCH_BYTES_MAX);
    arc__crc32c_init(&self->crc);
    self->window = arc__alloc(mem, WINDOW_SIZE);
    arc_status status = self->window == NULL ? arc__fail_nomem(err) : open_dir(self, dir, err);
    if (status != ARC_OK) {
        file_close(&self->base);
        return status;
    }
    *out = &self->base;
    return ARC_OK;
}
