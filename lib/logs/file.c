/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "logs/lines.h"
#include "logs/record.h"

#define STEPS_OPEN_DEFAULT 64u
#define INDEX_ENTRY 8u
#define WINDOW_SIZE (4 * ARC_RECORD_SIZE_MAX)
#define OFFSETS_AT_ONCE 256u
#define BUFFER_KEPT ((size_t)1024 * 1024) /* more is given back after an append */
#define BATCH_BYTES_MAX \
    ((size_t)ARC_LOGS_APPEND_MAX_BYTES + (size_t)ARC_LOGS_APPEND_MAX_LINES * ARC_RECORD_HEADER_SIZE)

/* A step whose files are open. */
struct step {
    struct arc_link link; /* most recently used last */
    int log_fd, idx_fd;
    struct arc_log_info info;
    uint64_t log_size; /* where the next record goes */
    size_t run_len, key_len;
    char key[]; /* "<run id>/<step run id>"; no id holds a slash */
};

struct file_logs {
    struct arc_log_store base;
    struct arc_mem mem;
    int dir_fd;
    uint32_t open_count, open_max;
    struct arc_link recent;
    struct arc_map steps;
    struct arc_buf records, offsets; /* of the append that is being made */
    struct arc_crc32c crc;
    /* What was last read of a log while it is recovered. */
    unsigned char *window;
    uint64_t window_at;
    size_t window_len;
};

static struct file_logs *self_of(struct arc_log_store *logs)
{
    return ARC_CONTAINER(logs, struct file_logs, base);
}

static arc_status fail_errno(const char *what, arc_slice name, int number, arc_err *err)
{
    char reason[128];
    int is_full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return arc__fail(err, is_full ? ARC_ELIMIT : ARC_EIO, "logs", "%s %.*s: %s.", what,
                     ARC_ARG(name), strerror_r(number, reason, sizeof(reason)));
}

static arc_slice key_of(const struct step *step)
{
    return arc__slice(step->key, step->key_len);
}

/* --- reading and writing --------------------------------------------------------------------- */

/* 0, or an errno. */
static int write_all(int fd, const void *bytes, size_t len, uint64_t at)
{
    const char *from = bytes;
    while (len > 0) {
        ssize_t wrote = pwrite(fd, from, len, (off_t)at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return wrote < 0 ? errno : ENOSPC;
        from += wrote;
        at += (uint64_t)wrote;
        len -= (size_t)wrote;
    }
    return 0;
}

/* 0, or an errno; *got is less than len at the end of the file only. */
static int read_most(int fd, void *bytes, size_t len, uint64_t at, size_t *got)
{
    char *to = bytes;
    *got = 0;
    while (*got < len) {
        ssize_t part = pread(fd, to + *got, len - *got, (off_t)(at + *got));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return errno;
        if (part == 0)
            break;
        *got += (size_t)part;
    }
    return 0;
}

static arc_status read_exactly(const struct step *step, int fd, void *bytes, size_t len,
                               uint64_t at, arc_err *err)
{
    size_t got = 0;
    int number = read_most(fd, bytes, len, at, &got);
    if (number != 0)
        return fail_errno("The log", key_of(step), number, err);
    if (got < len)
        return arc__fail(err, ARC_EINTERNAL, "logs", "The log %.*s became shorter.",
                         ARC_ARG(key_of(step)));
    return ARC_OK;
}

/* --- recovery -------------------------------------------------------------------------------- */

/* The record at a place of the log. 1: it is whole, unharmed and has this number. 0: it is not.
 * Below 0: the log could not be read; -errno. */
static int record_at(struct file_logs *self, const struct step *step, uint64_t at, int64_t number,
                     struct arc_record *out)
{
    for (int tries = 0; tries < 2; tries++) {
        if (at >= self->window_at && at - self->window_at < self->window_len) {
            const unsigned char *bytes = self->window + (at - self->window_at);
            size_t there = self->window_len - (size_t)(at - self->window_at);
            size_t size = arc__record_size(bytes, there);
            if (size != 0 && size <= there)
                return arc__record_decode(&self->crc, bytes, there, out) &&
                       out->line.number == number;
        }
        if (tries == 0) {
            int failed = read_most(step->log_fd, self->window, WINDOW_SIZE, at, &self->window_len);
            self->window_at = at;
            if (failed != 0)
                return -failed;
        }
    }
    return 0;
}

static void take_record(struct step *step, const struct arc_record *record, uint64_t end)
{
    step->log_size = end;
    step->info.lines = record->line.number;
    step->info.last_attempt = record->last_attempt;
    step->info.last_agent_line = record->last_agent_line;
    step->info.bytes = (int64_t)(end - (uint64_t)record->line.number * ARC_RECORD_HEADER_SIZE);
}

/* Goes back from the end of the index to the last line that ends an append and is sound. */
static arc_status find_last(struct file_logs *self, struct step *step, uint64_t entries,
                            uint64_t log_size, arc_err *err)
{
    for (; entries > 0; entries--) {
        unsigned char entry[INDEX_ENTRY];
        struct arc_record record;
        ARC_TRY(read_exactly(step, step->idx_fd, entry, sizeof(entry), (entries - 1) * INDEX_ENTRY,
                             err));
        uint64_t at = arc__get_le(entry, INDEX_ENTRY);
        if (at >= log_size)
            continue;
        int found = record_at(self, step, at, (int64_t)entries, &record);
        if (found < 0)
            return fail_errno("The log", key_of(step), -found, err);
        if (found > 0 && record.ends_append) {
            take_record(step, &record, at + ARC_RECORD_HEADER_SIZE + record.line.content.len);
            return ARC_OK;
        }
    }
    return ARC_OK;
}

/* Writes the gathered entries of the index behind those of `lines` lines. */
static arc_status flush_offsets(struct file_logs *self, struct step *step, int64_t lines,
                                arc_err *err)
{
    ARC_TRY(arc__buf_check(&self->offsets, err));
    int failed = write_all(step->idx_fd, self->offsets.ptr, self->offsets.len,
                           (uint64_t)lines * INDEX_ENTRY);
    arc__buf_clear(&self->offsets);
    return failed == 0 ? ARC_OK : fail_errno("The index of", key_of(step), failed, err);
}

/* Goes forward from there through what the index does not know, append by append. */
static arc_status index_rest(struct file_logs *self, struct step *step, arc_err *err)
{
    struct arc_record record;
    uint64_t at = step->log_size;
    int64_t number = step->info.lines + 1, flushed = step->info.lines;
    int found;
    arc__buf_clear(&self->offsets);
    while ((found = record_at(self, step, at, number, &record)) > 0) {
        unsigned char entry[INDEX_ENTRY];
        arc__put_le(entry, at, INDEX_ENTRY);
        arc__buf_add(&self->offsets, entry, sizeof(entry));
        at += ARC_RECORD_HEADER_SIZE + record.line.content.len;
        number++;
        if (!record.ends_append)
            continue;
        take_record(step, &record, at);
        if (self->offsets.len >= BUFFER_KEPT) {
            ARC_TRY(flush_offsets(self, step, flushed, err));
            flushed = step->info.lines;
        }
    }
    if (found < 0)
        return fail_errno("The log", key_of(step), -found, err);
    return flush_offsets(self, step, flushed, err);
}

/* Whatever is behind the last whole append goes. */
static arc_status cut(struct step *step, uint64_t log_size, uint64_t idx_size, arc_err *err)
{
    struct stat log, idx;
    if (fstat(step->log_fd, &log) != 0 || fstat(step->idx_fd, &idx) != 0)
        return fail_errno("The log", key_of(step), errno, err);
    if ((uint64_t)log.st_size != log_size && ftruncate(step->log_fd, (off_t)log_size) != 0)
        return fail_errno("The log", key_of(step), errno, err);
    if ((uint64_t)idx.st_size != idx_size && ftruncate(step->idx_fd, (off_t)idx_size) != 0)
        return fail_errno("The index of", key_of(step), errno, err);
    return ARC_OK;
}

static arc_status recover(struct file_logs *self, struct step *step, arc_err *err)
{
    struct stat log, idx;
    if (fstat(step->log_fd, &log) != 0 || fstat(step->idx_fd, &idx) != 0)
        return fail_errno("The log", key_of(step), errno, err);
    if (!S_ISREG(log.st_mode) || !S_ISREG(idx.st_mode))
        return arc__fail(err, ARC_EIO, "logs", "The log %.*s is not a regular file.",
                         ARC_ARG(key_of(step)));
    self->window_len = 0;
    ARC_TRY(find_last(self, step, (uint64_t)idx.st_size / INDEX_ENTRY, (uint64_t)log.st_size, err));
    if ((uint64_t)log.st_size > step->log_size)
        ARC_TRY(index_rest(self, step, err));
    return cut(step, step->log_size, (uint64_t)step->info.lines * INDEX_ENTRY, err);
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
    if (number == 0) { /* an index that is missing is made from the log */
        snprintf(name, sizeof(name), "%s.idx", id);
        step->idx_fd = open_at(self, run_fd, name, O_RDWR | O_CREAT);
        number = step->idx_fd < 0 ? errno : 0;
    }
    close_fd(run_fd);
    return number;
}

static arc_status open_step(struct file_logs *self, struct step *step, int create, arc_err *err)
{
    int number = open_files(self, step, create);
    if (number == ENOENT && !create)
        return ARC_ENOTFOUND; /* no error for the caller: a log that is empty */
    if (number != 0)
        return fail_errno("The log", key_of(step), number, err);
    ARC_TRY(recover(self, step, err));
    ARC_TRY(arc__map_put(&self->steps, key_of(step), step, NULL, err));
    arc__list_add_tail(&self->recent, &step->link);
    self->open_count++;
    return ARC_OK;
}

/* *out is NULL where there is no log and none shall be made. */
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

static arc_status write_append(struct file_logs *self, struct step *step, arc_err *err)
{
    uint64_t idx_size = (uint64_t)step->info.lines * INDEX_ENTRY;
    /* The index first: the end of the log is what makes the append happen, so it comes last. Else
     * an append whose index failed could come back after it was said to have failed. */
    int failed = write_all(step->idx_fd, self->offsets.ptr, self->offsets.len, idx_size);
    if (failed == 0)
        failed = write_all(step->log_fd, self->records.ptr, self->records.len, step->log_size);
    if (failed == 0)
        return ARC_OK;
    arc_status status = fail_errno("The log", key_of(step), failed, err);
    /* What could not be cut here is cut when the files are opened again. */
    if (cut(step, step->log_size, idx_size, NULL) != ARC_OK)
        step_close(self, step);
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
    ARC_TRY(get_step(self, run_id, step_run_id, 1, &step, err));
    arc__buf_clear(&self->records);
    arc__buf_clear(&self->offsets);
    struct arc_log_info info = step->info;
    int64_t first = info.lines + 1;
    size_t size = 0;
    arc_status status = encode(self, step, lines, count, &info, err);
    if (status == ARC_OK) {
        size = self->records.len;
        status = write_append(self, step, err);
    }
    shrink(&self->records);
    shrink(&self->offsets);
    if (status != ARC_OK)
        return status;
    step->info = info;
    step->log_size += size;
    for (size_t i = 0; i < count; i++)
        lines[i].number = first + (int64_t)i;
    return ARC_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Where the lines from `first` (counted from 0) on begin, and where the last of them ends. */
static arc_status read_offsets(const struct step *step, size_t first, size_t count, uint64_t *out,
                               arc_err *err)
{
    unsigned char entries[(OFFSETS_AT_ONCE + 1) * INDEX_ENTRY];
    size_t lines = (size_t)step->info.lines;
    size_t wanted = first + count < lines ? count + 1 : count;
    ARC_TRY(
        read_exactly(step, step->idx_fd, entries, wanted * INDEX_ENTRY, first * INDEX_ENTRY, err));
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
    ARC_TRY(read_exactly(step, step->log_fd, bytes, size, offsets[0], err));
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
    ARC_TRY(get_step(self, run_id, step_run_id, 0, &step, err));
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
    ARC_TRY(get_step(self_of(logs), run_id, step_run_id, 0, &step, err));
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
    int fd = open_run(self, name, 0);
    if (fd < 0)
        return errno == ENOENT ? ARC_OK : fail_errno("The logs of run", run_id, errno, err);
    int number = empty_dir(fd);
    if (number == 0 && unlinkat(self->dir_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        number = errno;
    return number == 0 ? ARC_OK : fail_errno("The logs of run", run_id, number, err);
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
        return fail_errno("The directory", name, errno, err);
    self->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->dir_fd < 0)
        return fail_errno("The directory", name, errno, err);
    /* Two writers would cut each other's appends. */
    if (flock(self->dir_fd, LOCK_EX | LOCK_NB) == 0)
        return ARC_OK;
    return errno == EWOULDBLOCK
               ? arc__fail(err, ARC_ECONFLICT, "logs", "The logs in %s are in use.", dir)
               : fail_errno("The directory", name, errno, err);
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
