/* SPDX-License-Identifier: Apache-2.0 */
/* The journal on the disk: a word that says what the file is, and records. A record is a batch; or,
 * the first one, all that was there when the journal was written anew. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_SIZE (2 * sizeof(int64_t)) /* of a record: the length of what follows, and its sum */
#define POUR_SIZE 8192

static const char magic[8] = "arcjrnl1";

/* Bytes that grow, or, where there is an fd, that go there whenever there is no more room. `failed`
 * stays 1 once memory was out, or a write did not succeed. */
struct bytes {
    char *at;
    size_t len, room;
    int failed, fd;
    int64_t offset; /* of the file */
    uint64_t sum;   /* of all that went there */
};

/* --- writing --------------------------------------------------------------------------------- */

static uint64_t sum_begin(size_t len)
{
    return UINT64_C(0xcbf29ce484222325) ^ len;
}

static uint64_t sum_more(uint64_t sum, const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ (unsigned char)at[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static int write_at(int fd, const void *from, size_t len, int64_t offset)
{
    const char *at = from;
    for (size_t done = 0; done < len;) {
        ssize_t wrote = pwrite(fd, at + done, len - done, (off_t)offset + (off_t)done);
        if (wrote < 0 && errno != EINTR)
            return 0;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return 1;
}

static void pour(struct bytes *bytes)
{
    bytes->sum = sum_more(bytes->sum, bytes->at, bytes->len);
    bytes->failed |= !write_at(bytes->fd, bytes->at, bytes->len, bytes->offset);
    bytes->offset += (int64_t)bytes->len;
    bytes->len = 0;
}

static void grow(struct journal *self, struct bytes *bytes, size_t more)
{
    size_t room = (bytes->len + more) * 2 + 64;
    char *at = resize(self, bytes->at, room);
    bytes->failed |= at == NULL;
    bytes->at = at != NULL ? at : bytes->at;
    bytes->room = at != NULL ? room : bytes->room;
}

static void add(struct journal *self, struct bytes *bytes, const void *from, size_t len)
{
    const char *at = from;
    if (bytes->fd < 0 && bytes->room - bytes->len < len)
        grow(self, bytes, len);
    while (len > 0 && !bytes->failed) {
        size_t room = bytes->room - bytes->len, some = len < room ? len : room;
        memcpy(bytes->at + bytes->len, at, some);
        bytes->len += some;
        at += some;
        len -= some;
        if (len > 0)
            pour(bytes);
    }
}

static void add_int(struct journal *self, struct bytes *bytes, int64_t number)
{
    add(self, bytes, &number, sizeof(number)); /* a journal stays on its machine */
}

/* What a row is from now on: its table, how many columns follow (a removed row has its key alone),
 * and they. A later version with more columns reads it: what is not there is empty. */
static void add_row(struct journal *self, struct bytes *bytes, uint32_t number, const void *row,
                    int removed)
{
    const arc_table_def *def = arc_table_get(number);
    uint32_t count = removed ? def->key_count : def->col_count;
    add_int(self, bytes, number * 2 + (uint32_t)removed);
    add_int(self, bytes, count);
    for (uint32_t i = 0; i < count; i++) {
        if (def->cols[i].type == ARC_COL_INT) {
            add_int(self, bytes, *int_at(row, &def->cols[i]));
            continue;
        }
        add_int(self, bytes, (int64_t)text_at(row, &def->cols[i])->len);
        add(self, bytes, text_at(row, &def->cols[i])->ptr, text_at(row, &def->cols[i])->len);
    }
}

/* What add_row makes of a row that is there. */
static int64_t bytes_of(uint32_t number, const void *row)
{
    const arc_table_def *def = arc_table_get(number);
    size_t size = (2 + def->col_count) * sizeof(int64_t);
    for (uint32_t i = 0; row != NULL && i < def->text_count; i++)
        size += text_at(row, &def->cols[def->texts[i]])->len;
    return row != NULL ? (int64_t)size : 0;
}

/* The head is known when the rest is. */
static int write_record(const struct bytes *bytes, int fd, int64_t offset)
{
    size_t len = bytes->len - HEAD_SIZE;
    int64_t head[2] = {(int64_t)len, (int64_t)sum_more(sum_begin(len), bytes->at + HEAD_SIZE, len)};
    memcpy(bytes->at, head, sizeof(head));
    return write_at(fd, bytes->at, bytes->len, offset);
}

arc_status journal_file_write(struct journal *self, const struct change *changes, size_t count,
                              arc_err *err)
{
    struct bytes bytes = {NULL, 0, 0, 0, -1, 0, 0};
    int64_t more = 0;
    add(self, &bytes, (const int64_t[2]){0, 0}, HEAD_SIZE); /* room for it */
    for (size_t i = 0; i < count; i++) {
        const struct change *change = &changes[i];
        int removed = change->after == NULL;
        if (!removed || change->before != NULL)
            add_row(self, &bytes, change->table, removed ? change->before : change->after, removed);
        more += bytes_of(change->table, change->after) - bytes_of(change->table, change->before);
    }
    arc_status status = bytes.failed ? fail(err, ARC_ENOMEM, "Out of memory.") : ARC_OK;
    if (status == ARC_OK &&
        (!write_record(&bytes, self->fd, self->size) || fdatasync(self->fd) != 0)) {
        /* The system may have dropped what it could not write: nobody can say what is there. */
        self->broken = 1;
        status = fail(err, ARC_EIO, "The journal cannot be written.");
    } else if (status == ARC_OK) {
        self->size += (int64_t)bytes.len;
        self->live += more;
    }
    (void)resize(self, bytes.at, 0);
    return status;
}

/* --- writing it anew ------------------------------------------------------------------------- */

/* Every row that is there, as one record; it needs no memory. The file's length; 0: it failed. */
static int64_t write_rows(struct journal *self, int fd)
{
    char room[POUR_SIZE];
    int64_t from = sizeof(magic) + HEAD_SIZE;
    struct bytes bytes = {room, 0, sizeof(room), 0, fd, from, sum_begin((size_t)self->live)};
    for (uint32_t t = 0; !bytes.failed && t < ARC_TABLE_COUNT; t++) {
        for (size_t i = 0; i < self->tables[t].count; i++)
            add_row(self, &bytes, t, self->tables[t].rows[i], 0);
    }
    pour(&bytes);
    int64_t head[2] = {self->live, (int64_t)bytes.sum};
    int fine = !bytes.failed && bytes.offset - from == self->live &&
               write_at(fd, magic, sizeof(magic), 0) &&
               write_at(fd, head, sizeof(head), sizeof(magic));
    return fine ? bytes.offset : 0;
}

/* A crash leaves one file or the other under the name. The new one is on the disk before it has it;
 * and nothing is acknowledged in the new one before the directory says so, as the old one would not
 * know of it. It is locked before others can find it. */
static void write_anew(struct journal *self)
{
    int fd = openat(self->dir, self->next, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int64_t size = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? write_rows(self, fd) : 0;
    self->stuck = size == 0 || fsync(fd) != 0;
    if (self->stuck) { /* nothing has happened; no need to try with each commit */
        if (fd >= 0)
            (void)close(fd);
        (void)unlinkat(self->dir, self->next, 0);
        self->compact_at = self->size * 2;
        return;
    }
    self->broken = renameat(self->dir, self->next, self->dir, self->name) != 0 ||
                   fsync(self->dir) != 0; /* which of them has the name is not known */
    (void)close(self->fd);
    self->fd = fd;
    self->size = size;
    self->compact_at = self->compact_bytes;
}

void journal_file_compact(struct journal *self)
{
    if (!self->broken && self->size > self->compact_at && self->live < self->size / 2)
        write_anew(self);
}

/* --- reading --------------------------------------------------------------------------------- */

struct reader {
    const char *at, *end;
};

static int64_t take_int(struct reader *reader)
{
    int64_t number = 0;
    if ((size_t)(reader->end - reader->at) < sizeof(number)) {
        reader->at = NULL;
        reader->end = NULL;
        return 0;
    }
    memcpy(&number, reader->at, sizeof(number));
    reader->at += sizeof(number);
    return number;
}

/* One row of a record becomes what is there. */
static arc_status replay_row(struct journal *self, struct reader *reader, arc_err *err)
{
    union {
#define MEMBER(table) struct arc_row_##table table;
        ARC_TABLES(MEMBER)
    } row;
    int64_t what = take_int(reader), count = take_int(reader);
    const arc_table_def *def = what >= 0 ? arc_table_get((uint32_t)(what / 2)) : NULL;
    if (def == NULL || count < (int64_t)def->key_count || count > (int64_t)def->col_count)
        return fail(err, ARC_EPRECONDITION, "The journal is of a newer version.");
    memset(&row, 0, sizeof(row));
    for (int64_t i = 0; i < count; i++) {
        int64_t number = take_int(reader);
        if (def->cols[i].type == ARC_COL_INT) {
            *int_at(&row, &def->cols[i]) = number;
            continue;
        }
        if (number < 0 || number > reader->end - reader->at)
            return fail(err, ARC_EINTERNAL, "A record of the journal is damaged.");
        *text_at(&row, &def->cols[i]) = (arc_slice){reader->at, (size_t)number};
        reader->at += number;
    }
    uint32_t table = (uint32_t)(what / 2);
    arc_store_op op = {what % 2 ? ARC_STORE_DELETE : ARC_STORE_PUT, table, &row, 0};
    struct change change;
    arc_status status = journal_apply(self, &op, &change, err);
    if (status != ARC_OK)
        return status;
    self->live += bytes_of(table, change.after) - bytes_of(table, change.before);
    (void)resize(self, change.before, 0);
    return ARC_OK;
}

/* All records of the file. One that was not written whole can only be the last: the next was begun
 * when it was on the disk. */
static arc_status replay(struct journal *self, const char *at, size_t len, arc_err *err)
{
    size_t from = sizeof(magic);
    while (len - from >= HEAD_SIZE) {
        struct reader head = {at + from, at + len};
        int64_t size = take_int(&head), sum = take_int(&head);
        if (size < 0 || size > head.end - head.at)
            break;
        if ((int64_t)sum_more(sum_begin((size_t)size), head.at, (size_t)size) != sum) {
            if (head.at + size == head.end || (size == 0 && sum == 0))
                break; /* zeros: the file had grown already when the power went */
            return fail(err, ARC_EINTERNAL, "A record of the journal is damaged.");
        }
        struct reader record = {head.at, head.at + size};
        while (record.at < record.end) {
            arc_status status = replay_row(self, &record, err);
            if (status != ARC_OK)
                return status;
        }
        from += HEAD_SIZE + (size_t)size;
    }
    self->size = (int64_t)from;
    return ftruncate(self->fd, (off_t)from) == 0 ? ARC_OK
                                                 : fail(err, ARC_EIO, "The journal cannot be cut.");
}

static arc_status read_file(struct journal *self, arc_err *err)
{
    struct stat info;
    if (fstat(self->fd, &info) != 0)
        return fail(err, ARC_EIO, "The journal cannot be read.");
    if ((size_t)info.st_size < sizeof(magic)) { /* new, or killed before its first word */
        write_anew(self);
        return self->stuck || self->broken ? fail(err, ARC_EIO, "The journal cannot be written.")
                                           : ARC_OK;
    }
    size_t len = (size_t)info.st_size, got = 0;
    char *at = resize(self, NULL, len);
    if (at == NULL)
        return fail(err, ARC_ENOMEM, "Out of memory.");
    for (ssize_t more = 1; got < len && more > 0; got += more > 0 ? (size_t)more : 0)
        more = pread(self->fd, at + got, len - got, (off_t)got);
    arc_status status = got < len ? fail(err, ARC_EIO, "The journal cannot be read.")
                        : memcmp(at, magic, sizeof(magic)) != 0
                            ? fail(err, ARC_EPRECONDITION, "The file is no journal.")
                            : replay(self, at, len, err);
    (void)resize(self, at, 0);
    return status;
}

/* --- opening --------------------------------------------------------------------------------- */

/* The directory is kept open: a host may change its own, and it must be synced. */
static arc_status open_directory(struct journal *self, const char *path, arc_err *err)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    size_t len = slash != NULL ? (size_t)(name - path) : 0;
    if (name[0] == '\0' || strlen(name) + sizeof(".new") > sizeof(self->name))
        return fail(err, ARC_EINVAL, "The path names no file, or one with too long a name.");
    char *folder = resize(self, NULL, len + 2);
    if (folder == NULL)
        return fail(err, ARC_ENOMEM, "Out of memory.");
    (void)snprintf(folder, len + 2, "%.*s", len > 0 ? (int)len : 1, len > 0 ? path : ".");
    (void)snprintf(self->name, sizeof(self->name), "%s", name);
    (void)snprintf(self->next, sizeof(self->next), "%s.new", name);
    self->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)resize(self, folder, 0);
    return self->dir >= 0 ? ARC_OK : fail(err, ARC_EIO, "The directory cannot be opened.");
}

/* For this process alone. What was opened may have been replaced before it was locked. No symbolic
 * link: another file would take its place, not that of what it leads to. */
static arc_status open_alone(struct journal *self, arc_err *err)
{
    struct stat opened, named;
    for (;;) {
        self->fd = openat(self->dir, self->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (self->fd < 0)
            return fail(err, ARC_EIO, "The journal cannot be opened.");
        if (flock(self->fd, LOCK_EX | LOCK_NB) != 0)
            return fail(err, ARC_ECONFLICT, "Another process has the journal.");
        if (fstat(self->fd, &opened) == 0 && fstatat(self->dir, self->name, &named, 0) == 0 &&
            opened.st_dev == named.st_dev && opened.st_ino == named.st_ino)
            return ARC_OK;
        (void)close(self->fd);
    }
}

arc_status journal_file_open(struct journal *self, const char *path, arc_err *err)
{
    arc_status status = open_directory(self, path, err);
    if (status == ARC_OK)
        status = open_alone(self, err);
    if (status == ARC_OK)
        status = read_file(self, err);
    if (status != ARC_OK)
        return status;
    (void)unlinkat(self->dir, self->next, 0); /* of who was killed while writing it */
    self->compact_at = self->compact_bytes;
    /* What a killed process has written, or renamed, may be in the memory of the system only. */
    return fsync(self->fd) == 0 && fsync(self->dir) == 0
               ? ARC_OK
               : fail(err, ARC_EIO, "The journal cannot be written.");
}

void journal_file_close(struct journal *self)
{
    if (self->fd >= 0)
        (void)close(self->fd);
    if (self->dir >= 0)
        (void)close(self->dir);
}
