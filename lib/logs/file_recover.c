/* SPDX-License-Identifier: Apache-2.0 */
/* How far a log goes: by its index and its last records when it is opened, and from there on by
 * what was appended since. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logs/file_private.h"

/* A reader that is further behind asks the index where the end is. */
#define JUMP_BYTES ((uint64_t)32 * 1024)
/* How often a log whose index does not know it is read until two answers agree. */
#define LOOKS_MAX 3

arc_status arc__logs_fail_errno(const char *what, arc_slice name, int number, arc_err *err)
{
    char reason[128];
    int is_full = number == ENOSPC || number == EDQUOT || number == EFBIG;
    return arc__fail(err, is_full ? ARC_ELIMIT : ARC_EIO, "logs", "%s %.*s: %s.", what,
                     ARC_ARG(name), strerror_r(number, reason, sizeof(reason)));
}

/* --- reading and writing --------------------------------------------------------------------- */

int arc__logs_write_all(int fd, const void *bytes, size_t len, uint64_t at)
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

arc_status arc__logs_read_exactly(const struct step *step, int fd, void *bytes, size_t len,
                                  uint64_t at, arc_err *err)
{
    size_t got = 0;
    int number = read_most(fd, bytes, len, at, &got);
    if (number != 0)
        return arc__logs_fail_errno("The log", key_of(step), number, err);
    if (got < len)
        return arc__fail(err, ARC_EINTERNAL, "logs", "The log %.*s became shorter.",
                         ARC_ARG(key_of(step)));
    return ARC_OK;
}

/* --- recovery -------------------------------------------------------------------------------- */

/* The record at a place of the log. 1: it is whole, unharmed and has this number. 0: it is not.
 * Below 0: the log could not be read; -errno. lead: so much of what is before it is read along. */
static int record_at(struct file_logs *self, const struct step *step, uint64_t at, uint64_t lead,
                     int64_t number, struct arc_record *out)
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
            self->window_at = at > lead ? at - lead : 0;
            int failed = read_most(step->log_fd, self->window, WINDOW_SIZE, self->window_at,
                                   &self->window_len);
            if (failed != 0)
                return -failed;
        }
    }
    return 0;
}

static void take_record(struct step *step, const struct arc_record *record, uint64_t end)
{
    step->log_size = end;
    step->last_at = end - ARC_RECORD_HEADER_SIZE - record->line.content.len;
    step->info.lines = record->line.number;
    step->info.last_attempt = record->last_attempt;
    step->info.last_agent_line = record->last_agent_line;
    step->info.bytes = (int64_t)(end - (uint64_t)record->line.number * ARC_RECORD_HEADER_SIZE);
}

/* Where the index says that a line (counted from 1) begins. 1, 0: it does not say; -errno. */
static int entry_at(const struct step *step, uint64_t line, uint64_t *at)
{
    unsigned char entry[INDEX_ENTRY];
    size_t got = 0;
    int failed = read_most(step->idx_fd, entry, sizeof(entry), (line - 1) * INDEX_ENTRY, &got);
    *at = arc__get_le(entry, got);
    return failed != 0 ? -failed : got == sizeof(entry);
}

/* The same record and the same place of it once more. The index is written before the log. So when
 * another process has cut a torn append and written its own since the place was read, either the
 * index tells another place now, or the record does begin there. 1, 0, -errno. */
static int confirm(struct file_logs *self, const struct step *step, uint64_t at, int64_t number,
                   struct arc_record *record)
{
    uint64_t again = 0;
    self->window_len = 0;
    int found = record_at(self, step, at, 0, number, record);
    if (found <= 0)
        return found;
    found = entry_at(step, (uint64_t)number, &again);
    return found <= 0 ? found : again == at && record->ends_append;
}

/* Goes back from the end of the index to the last line that ends an append and is sound; not behind
 * what is known. */
static arc_status find_last(struct file_logs *self, struct step *step, uint64_t entries,
                            uint64_t log_size, arc_err *err)
{
    uint64_t lead = 0;
    for (; entries > (uint64_t)step->info.lines; entries--) {
        struct arc_record record;
        uint64_t at = 0;
        int found = entry_at(step, entries, &at);
        if (found < 0)
            return arc__logs_fail_errno("The index of", key_of(step), -found, err);
        if (found == 0 || at < step->log_size || at >= log_size)
            continue;
        found = record_at(self, step, at, lead, (int64_t)entries, &record);
        lead = WINDOW_SIZE - ARC_RECORD_SIZE_MAX; /* from now on it goes backwards */
        if (found > 0 && record.ends_append && self->shared)
            found = confirm(self, step, at, (int64_t)entries, &record);
        if (found < 0)
            return arc__logs_fail_errno("The log", key_of(step), -found, err);
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
    int failed = arc__logs_write_all(step->idx_fd, self->offsets.ptr, self->offsets.len,
                                     (uint64_t)lines * INDEX_ENTRY);
    arc__buf_clear(&self->offsets);
    return failed == 0 ? ARC_OK : arc__logs_fail_errno("The index of", key_of(step), failed, err);
}

/* Goes forward from there through what the index does not know, append by append, and gathers the
 * places: for the index, or for the memory of who only reads. */
static arc_status index_rest(struct file_logs *self, struct step *step, struct arc_buf *places,
                             arc_err *err)
{
    struct arc_record record;
    uint64_t at = step->log_size;
    int64_t number = step->info.lines + 1, flushed = step->info.lines;
    size_t whole = places->len;
    int found, writes = places == &self->offsets;
    while ((found = record_at(self, step, at, 0, number, &record)) > 0) {
        unsigned char entry[INDEX_ENTRY];
        arc__put_le(entry, at, INDEX_ENTRY);
        arc__buf_add(places, entry, sizeof(entry));
        ARC_TRY(arc__buf_check(places, err));
        at += ARC_RECORD_HEADER_SIZE + record.line.content.len;
        number++;
        if (!record.ends_append)
            continue;
        take_record(step, &record, at);
        whole = places->len;
        if (writes && places->len >= BUFFER_KEPT) {
            ARC_TRY(flush_offsets(self, step, flushed, err));
            flushed = step->info.lines;
            whole = 0;
        }
    }
    if (found < 0)
        return arc__logs_fail_errno("The log", key_of(step), -found, err);
    arc__buf_truncate(places, whole);
    return writes ? flush_offsets(self, step, flushed, err) : ARC_OK;
}

arc_status arc__logs_cut(struct step *step, uint64_t log_size, uint64_t idx_size, arc_err *err)
{
    struct stat log, idx;
    if (fstat(step->log_fd, &log) != 0 || fstat(step->idx_fd, &idx) != 0)
        return arc__logs_fail_errno("The log", key_of(step), errno, err);
    if ((uint64_t)log.st_size != log_size && ftruncate(step->log_fd, (off_t)log_size) != 0)
        return arc__logs_fail_errno("The log", key_of(step), errno, err);
    if ((uint64_t)idx.st_size != idx_size && ftruncate(step->idx_fd, (off_t)idx_size) != 0)
        return arc__logs_fail_errno("The index of", key_of(step), errno, err);
    return ARC_OK;
}

arc_status arc__logs_recover(struct file_logs *self, struct step *step, arc_err *err)
{
    struct stat log, idx;
    if (fstat(step->log_fd, &log) != 0 || fstat(step->idx_fd, &idx) != 0)
        return arc__logs_fail_errno("The log", key_of(step), errno, err);
    if (!S_ISREG(log.st_mode) || !S_ISREG(idx.st_mode))
        return arc__fail(err, ARC_EIO, "logs", "The log %.*s is not a regular file.",
                         ARC_ARG(key_of(step)));
    self->window_len = 0;
    ARC_TRY(find_last(self, step, (uint64_t)idx.st_size / INDEX_ENTRY, (uint64_t)log.st_size, err));
    if ((uint64_t)log.st_size > step->log_size) {
        arc__buf_clear(&self->offsets);
        ARC_TRY(index_rest(self, step, &self->offsets, err));
    }
    return arc__logs_cut(step, step->log_size, (uint64_t)step->info.lines * INDEX_ENTRY, err);
}

/* --- a folder that is shared ----------------------------------------------------------------- */

void arc__logs_forget(struct step *step)
{
    step->info = (struct arc_log_info){.lines = 0};
    step->log_size = step->last_at = 0;
    arc__buf_clear(&step->places);
    arc__buf_deinit(&step->places);
}

/* Of a file that is open: ARC_ENOTFOUND when it has no name any more. */
static arc_status stat_fd(const struct step *step, int fd, struct stat *out, arc_err *err)
{
    if (fstat(fd, out) != 0)
        return errno == ESTALE ? ARC_ENOTFOUND
                               : arc__logs_fail_errno("The log", key_of(step), errno, err);
    if (!S_ISREG(out->st_mode))
        return arc__fail(err, ARC_EIO, "logs", "The log %.*s is not a regular file.",
                         ARC_ARG(key_of(step)));
    return out->st_nlink == 0 ? ARC_ENOTFOUND : ARC_OK;
}

/* 1: what we know the end of is still so. 0: somebody has cut the log, as who writes it does when
 * the disk has lost the last append. -errno. */
static int end_is_there(struct file_logs *self, const struct step *step)
{
    struct arc_record record;
    if (step->info.lines == 0)
        return 1;
    int found = record_at(self, step, step->last_at, 0, step->info.lines, &record);
    return found > 0 ? record.ends_append &&
                           step->last_at + ARC_RECORD_HEADER_SIZE + record.line.content.len ==
                               step->log_size
                     : found;
}

/* The index is believed when it has the first and the last of the places, and read after the log
 * (see confirm). Then they need no memory. 1, 0, -errno. */
static int settle(struct step *step)
{
    size_t count = step->places.len / INDEX_ENTRY;
    const unsigned char *places = (const unsigned char *)step->places.ptr;
    uint64_t lines = (uint64_t)step->info.lines, at = 0;
    if (step->idx_fd < 0 || count == 0)
        return 0;
    int found = entry_at(step, lines - count + 1, &at);
    if (found <= 0 || at != arc__get_le(places, INDEX_ENTRY))
        return found < 0 ? found : 0;
    found = entry_at(step, lines, &at);
    if (found <= 0 || at != arc__get_le(places + (count - 1) * INDEX_ENTRY, INDEX_ENTRY))
        return found < 0 ? found : 0;
    arc__buf_deinit(&step->places);
    return 1;
}

/* Goes forward through what is whole. What the index does not confirm is taken when it is found
 * twice. */
static arc_status advance(struct file_logs *self, struct step *step, arc_err *err)
{
    const struct arc_log_info info = step->info;
    const uint64_t log_size = step->log_size, last_at = step->last_at;
    const size_t held = step->places.len;
    uint64_t found_before = 0;
    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        ARC_TRY(index_rest(self, step, &step->places, err));
        if (step->info.lines == info.lines)
            break;
        int settled = settle(step);
        if (settled < 0)
            return arc__logs_fail_errno("The index of", key_of(step), -settled, err);
        if (settled > 0 || step->log_size == found_before)
            break;
        found_before = step->log_size;
        step->info = info;
        step->log_size = log_size;
        step->last_at = last_at;
        arc__buf_truncate(&step->places, held);
        self->window_len = 0;
    }
    return ARC_OK;
}

static arc_status look(struct file_logs *self, struct step *step, arc_err *err)
{
    struct stat log, idx = {.st_size = 0};
    ARC_TRY(stat_fd(step, step->log_fd, &log, err));
    uint64_t size = (uint64_t)log.st_size, seen = step->seen_size;
    step->seen_size = size;
    if (size == step->log_size)
        return ARC_OK;
    if (step->idx_fd >= 0)
        ARC_TRY(stat_fd(step, step->idx_fd, &idx, err));
    else if (seen != ARC_SIZE_UNSEEN && seen != size)
        return ARC_ENOTFOUND; /* who writes makes an index */
    self->window_len = 0;
    int there = size < step->log_size ? 0 : end_is_there(self, step);
    if (there < 0)
        return arc__logs_fail_errno("The log", key_of(step), -there, err);
    if (there == 0)
        arc__logs_forget(step);
    if (step->places.len == 0 && size - step->log_size > JUMP_BYTES)
        ARC_TRY(find_last(self, step, (uint64_t)idx.st_size / INDEX_ENTRY, size, err));
    return advance(self, step, err);
}

arc_status arc__logs_look(struct file_logs *self, struct step *step, arc_err *err)
{
    arc_status status = look(self, step, err);
    if (status != ARC_OK)
        arc__logs_forget(step);
    return status;
}

arc_status arc__logs_catch_up(struct file_logs *self, struct step *step, arc_err *err)
{
    struct stat log, idx;
    if (step->idx_fd < 0)
        return ARC_ENOTFOUND;
    ARC_TRY(stat_fd(step, step->log_fd, &log, err));
    ARC_TRY(stat_fd(step, step->idx_fd, &idx, err));
    /* Whole appends stay as they are and each one makes the log longer: of this size, it is what we
     * know, and nothing torn is behind it. */
    if ((uint64_t)log.st_size == step->log_size && step->places.len == 0 &&
        (uint64_t)idx.st_size == (uint64_t)step->info.lines * INDEX_ENTRY)
        return ARC_OK;
    arc__logs_forget(step);
    return arc__logs_recover(self, step, err);
}
