/* SPDX-License-Identifier: Apache-2.0 */
/* Two connections. The writer alone begins transactions and checkpoints; the reader is opened
 * read-only and sees, at the start of each statement, all that was committed. Both belong to the
 * owner thread, so they have no mutex, and process-wide settings of SQLite are never touched: the
 * host may use it too. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "store/check.h"
#include "store/claim.h"
#include "store/lock.h"
#include "store/sqlite_backup.h"
#include "store/sqlite_db.h"
#include "store/sqlite_page.h"
#include "store/sqlite_private.h"
#include "store/sqlite_schema.h"
#include "store/sqlite_sql.h"

#define WAL_FRAME_BYTES 4120 /* a page and what SQLite says of it */

static struct sqlite_store *self_of(struct arc_store *store)
{
    return ARC_CONTAINER(store, struct sqlite_store, base);
}

/* --- failures -------------------------------------------------------------------------------- */

static arc_status fail_poisoned(const struct sqlite_store *self, arc_err *err)
{
    return arc__fail(err, ARC_EIO, "store", "The store takes no more writes after a failure: %s",
                     self->poison.message);
}

/* Keeps the first failure of the file or the disk; there is no way back but to open anew. */
static void poison_if_grave(struct sqlite_store *self, const arc_err *err)
{
    if (self->poison.status == ARC_OK && (err->status == ARC_EIO || err->status == ARC_EINTERNAL))
        self->poison = *err;
}

/* --- values ---------------------------------------------------------------------------------- */

static int bind_text(sqlite3_stmt *statement, int at, enum arc_col_type type, arc_slice text)
{
    /* The empty value is '' and never NULL, whatever the slice's pointer is. */
    const char *bytes = text.len > 0 ? text.ptr : "";
    if (type == ARC_COL_BLOB)
        return sqlite3_bind_blob64(statement, at, bytes, text.len, SQLITE_STATIC);
    return sqlite3_bind_text64(statement, at, bytes, text.len, SQLITE_STATIC, SQLITE_UTF8);
}

/* skip: columns with one of these flags have no parameter. */
static int bind_cols(sqlite3_stmt *statement, const struct arc_table_def *def, uint32_t count,
                     uint32_t skip, const void *row)
{
    int code = SQLITE_OK;
    for (uint32_t i = 0; code == SQLITE_OK && i < count; i++) {
        const struct arc_col_def *col = &def->cols[i];
        if ((col->flags & skip) != 0)
            continue;
        code = col->type == ARC_COL_INT
                   ? sqlite3_bind_int64(statement, (int)i + 1, arc__row_int(row, col))
                   : bind_text(statement, (int)i + 1, col->type, arc__row_text(row, col));
    }
    return code;
}

/* --- committing ------------------------------------------------------------------------------ */

/* *out is NULL where there is nothing of this kind to be done in this way. */
static arc_status change_statement(struct sqlite_store *self, enum arc_table table, int change,
                                   sqlite3_stmt **out, arc_err *err)
{
    sqlite3_stmt **place = &self->changes[table][change];
    if (*place == NULL) {
        arc__buf_clear(&self->sql);
        if (change == CHANGE_REPLACE)
            arc__sqlite_replace(&self->sql, arc__table_def(table));
        else
            arc__sqlite_change(&self->sql, arc__table_def(table), (enum arc_store_verb)change);
        ARC_TRY(arc__buf_check(&self->sql, err));
        if (self->sql.len > 0)
            ARC_TRY(arc__sqlite_prepare(self->writer, self->sql.ptr, place, err));
    }
    *out = *place;
    return ARC_OK;
}

/* *rows: how many it changed. */
static arc_status apply_change(struct sqlite_store *self, const struct arc_store_op *op, int change,
                               int *rows, arc_err *err)
{
    const struct arc_table_def *def = arc__table_def(op->table);
    sqlite3_stmt *statement = NULL;
    *rows = 0;
    ARC_TRY(change_statement(self, op->table, change, &statement, err));
    if (statement == NULL)
        return ARC_OK;
    uint32_t count = change == ARC_STORE_DELETE ? def->key_count : def->col_count;
    int code =
        bind_cols(statement, def, count, change == CHANGE_REPLACE ? ARC_COL_FIXED : 0, op->row);
    if (code == SQLITE_OK && change == ARC_STORE_UPDATE)
        code = sqlite3_bind_int64(statement, (int)count + 1, op->expect_version);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    arc_status status = ARC_OK;
    if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE)
        status = arc__store_conflict(def, op->verb, err);
    else if (code != SQLITE_DONE)
        status = arc__sqlite_fail(self->writer, code, err);
    else
        *rows = sqlite3_changes(self->writer);
    (void)sqlite3_reset(statement);          /* says again what step said */
    (void)sqlite3_clear_bindings(statement); /* they point into the caller's rows; cannot fail */
    return status;
}

static arc_status apply_op(struct sqlite_store *self, const struct arc_store_op *op, arc_err *err)
{
    int rows = 0;
    if (op->verb == ARC_STORE_PUT)
        ARC_TRY(apply_change(self, op, CHANGE_REPLACE, &rows, err));
    if (rows > 0)
        return ARC_OK;
    ARC_TRY(apply_change(self, op, (int)op->verb, &rows, err));
    return op->verb != ARC_STORE_UPDATE || rows == 1
               ? ARC_OK
               : arc__store_conflict(arc__table_def(op->table), op->verb, err);
}

static arc_status apply_all(struct sqlite_store *self, const struct arc_store_batch *batch,
                            arc_err *err)
{
    for (size_t i = 0; i < batch->count; i++)
        ARC_TRY(apply_op(self, &batch->ops[i], err));
    return arc__sqlite_run(self->writer, self->commit, err);
}

static int wal_is_large(const struct sqlite_store *self)
{
    return self->wal_max_bytes > 0 &&
           (int64_t)self->wal_pages * WAL_FRAME_BYTES > self->wal_max_bytes;
}

/* Copies the WAL back into the file as far as it goes. One that has grown past its limit is cut as
 * well, if that needs no waiting: a reader that holds it is somebody else's. */
static arc_status checkpoint(struct sqlite_store *self, arc_err *err)
{
    int there = 0, done = 0;
    arc_status status = wal_is_large(self) ? arc__sqlite_mark_sync(&self->mark, err) : ARC_OK;
    int large = wal_is_large(self) && status == ARC_OK; /* what is cut off must not be asked for */
    if (status != ARC_OK && status != ARC_ELIMIT)
        return status;
    if (large)
        (void)sqlite3_busy_timeout(self->writer, 0); /* cannot fail */
    int code = sqlite3_wal_checkpoint_v2(
        self->writer, NULL, large ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, &there,
        &done);
    if (large)
        (void)sqlite3_busy_timeout(self->writer, (int)self->busy_ms);
    if (code == SQLITE_OK && done >= there) {
        self->wal_pages = 0;
        self->checkpoint_at = self->checkpoint_pages;
        status = large ? arc__sqlite_mark_clean(&self->mark, err)
                       : arc__sqlite_mark_copied(&self->mark, err);
        return status == ARC_ELIMIT ? ARC_OK : status;
    }
    /* Where it cannot be now (a foreign reader, a full disk) the WAL grows on for a while. */
    self->checkpoint_at = self->wal_pages + self->checkpoint_pages;
    if (code == SQLITE_OK)
        return ARC_OK;
    status = arc__sqlite_fail(self->writer, code, err);
    return status == ARC_EUNAVAILABLE || status == ARC_ELIMIT ? ARC_OK : status;
}

/* Once, as a transaction that is rolled back whole where it fails. */
static arc_status try_batch(struct sqlite_store *self, const struct arc_store_batch *batch,
                            arc_err *err)
{
    arc_status status = arc__sqlite_run(self->writer, self->begin, err);
    if (status == ARC_OK)
        status = apply_all(self, batch, err);
    if (status != ARC_OK && !sqlite3_get_autocommit(self->writer)) {
        arc_err second = ARC_ERR_INIT;
        if (arc__sqlite_run(self->writer, self->rollback, &second) != ARC_OK &&
            !sqlite3_get_autocommit(self->writer)) {
            second.status = ARC_EIO;
            poison_if_grave(self, &second);
        }
    }
    return status;
}

static arc_status commit_batch(struct sqlite_store *self, const struct arc_store_batch *batch,
                               arc_err *err)
{
    if (self->poison.status != ARC_OK)
        return fail_poisoned(self, err);
    if (batch->count == 0)
        return ARC_OK;
    arc_err late = ARC_ERR_INIT;
    arc_status status = try_batch(self, batch, err);
    /* A full disk: what was copied back makes room in the WAL; then what is running may end. */
    if (status == ARC_ELIMIT && self->poison.status == ARC_OK) {
        if (checkpoint(self, &late) != ARC_OK)
            poison_if_grave(self, &late);
        else
            status = try_batch(self, batch, err);
    }
    if (status == ARC_ELIMIT && self->poison.status == ARC_OK &&
        arc__sqlite_reserve_give(&self->reserve))
        status = try_batch(self, batch, err);
    if (status != ARC_OK) {
        poison_if_grave(self, err);
        return status == ARC_EINTERNAL ? fail_poisoned(self, err) : status;
    }
    /* From here on this batch is durable, whatever fails. */
    if (arc__sqlite_mark_commit(&self->mark, &self->shim, &late) != ARC_OK)
        poison_if_grave(self, &late);
    if (self->wal_pages / INLINE_CHECKPOINTS >= self->checkpoint_pages &&
        self->wal_pages >= self->checkpoint_at && checkpoint(self, &late) != ARC_OK)
        poison_if_grave(self, &late);
    return ARC_OK;
}

static arc_status sqlite_commit(struct arc_store *store, const struct arc_store_batch *batch,
                                arc_commit_done done, void *user, arc_err *err)
{
    struct sqlite_store *self = self_of(store);
    ARC_TRY(arc__store_check_batch(batch, err));
    arc_err failure = ARC_ERR_INIT;
    arc_status status = commit_batch(self, batch, &failure);
    self->depth++;
    done(user, status, 0, status == ARC_OK ? NULL : &failure);
    self->depth--;
    return ARC_OK;
}

/* --- queries --------------------------------------------------------------------------------- */

static void select_drop(struct sqlite_store *self, struct select_slot *slot)
{
    (void)sqlite3_finalize(slot->statement); /* it is not running */
    arc__free(&self->mem, slot->sql);
    *slot = (struct select_slot){.sql = NULL};
}

/* The prepared form of self->sql; the least recently used one makes room. */
static arc_status select_statement(struct sqlite_store *self, sqlite3_stmt **out, arc_err *err)
{
    ARC_TRY(arc__buf_check(&self->sql, err));
    struct select_slot *oldest = &self->selects[0];
    for (size_t i = 0; i < SELECTS_MAX; i++) {
        struct select_slot *slot = &self->selects[i];
        if (slot->used_at != 0 && arc__slice_is(arc__buf_slice(&self->sql), slot->sql)) {
            slot->used_at = ++self->select_count;
            *out = slot->statement;
            return ARC_OK;
        }
        if (slot->used_at < oldest->used_at)
            oldest = slot;
    }
    select_drop(self, oldest);
    ARC_TRY(arc__sqlite_prepare(self->reader, self->sql.ptr, &oldest->statement, err));
    oldest->sql = arc__strdup(&self->mem, arc__buf_slice(&self->sql));
    if (oldest->sql == NULL) {
        select_drop(self, oldest);
        return arc__fail_nomem(err);
    }
    oldest->used_at = ++self->select_count;
    *out = oldest->statement;
    return ARC_OK;
}

static int bind_filter(sqlite3_stmt *statement, const struct arc_table_def *def,
                       const struct arc_filter *filter, int *at)
{
    const struct arc_col_def *col = &def->cols[filter->col];
    if (filter->op != ARC_FILTER_IN)
        return col->type == ARC_COL_INT ? sqlite3_bind_int64(statement, ++*at, filter->number)
                                        : bind_text(statement, ++*at, col->type, filter->text);
    int code = SQLITE_OK;
    size_t places = arc__sqlite_in_places(filter->int_count);
    for (size_t i = 0; code == SQLITE_OK && i < places; i++) /* the last one fills up */
        code = sqlite3_bind_int64(statement, ++*at,
                                  filter->ints[i < filter->int_count ? i : filter->int_count - 1]);
    return code;
}

static int bind_query(sqlite3_stmt *statement, const struct arc_query *query, int with_limit)
{
    const struct arc_table_def *def = arc__table_def(query->table);
    int code = SQLITE_OK, at = 0;
    for (size_t i = 0; code == SQLITE_OK && i < query->filter_count; i++)
        code = bind_filter(statement, def, &query->filters[i], &at);
    if (code == SQLITE_OK && with_limit)
        code = sqlite3_bind_int64(statement, ++at, query->limit > 0 ? (int64_t)query->limit : -1);
    if (code == SQLITE_OK && with_limit)
        code = sqlite3_bind_int64(statement, ++at, (int64_t)query->offset);
    return code;
}

static arc_status read_row(sqlite3_stmt *statement, const struct arc_table_def *def,
                           struct arc_arena *arena, void *row, arc_err *err)
{
    size_t size = 0;
    for (uint32_t i = 0; i < def->col_count; i++)
        size +=
            def->cols[i].type != ARC_COL_INT ? (size_t)sqlite3_column_bytes(statement, (int)i) : 0;
    void *bytes = NULL;
    if (size > 0)
        ARC_TRY(arc__store_arena_take(arena, size, &bytes, err));
    char *at = bytes;
    for (uint32_t i = 0; i < def->col_count; i++) {
        const struct arc_col_def *col = &def->cols[i];
        if (col->type == ARC_COL_INT) {
            arc__row_set_int(row, col, sqlite3_column_int64(statement, (int)i));
            continue;
        }
        /* As a blob, also where it is a text: that never converts, so it never needs memory. */
        const void *value = sqlite3_column_blob(statement, (int)i);
        size_t len = (size_t)sqlite3_column_bytes(statement, (int)i);
        if (value == NULL || len == 0)
            continue;
        memcpy(at, value, len);
        arc__row_set_text(row, col, arc__slice(at, len));
        at += len;
    }
    return ARC_OK;
}

/* Rows gather in memory that can grow; the arena gets them when their number is known. */
static arc_status read_rows(struct sqlite_store *self, sqlite3_stmt *statement,
                            const struct arc_table_def *def, struct arc_arena *arena, char **rows,
                            size_t *count, arc_err *err)
{
    size_t capacity = 0;
    for (;;) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_DONE)
            return ARC_OK;
        if (code != SQLITE_ROW)
            return arc__sqlite_fail(self->reader, code, err);
        void *items = *rows;
        arc_status status = arc__grow(&self->mem, &items, &capacity, *count, def->row_size,
                                      SIZE_MAX / def->row_size, err);
        *rows = items;
        ARC_TRY(status);
        ARC_TRY(read_row(statement, def, arena, *rows + *count * def->row_size, err));
        ++*count;
    }
}

static arc_status select_rows(struct sqlite_store *self, const struct arc_query *query,
                              struct arc_arena *arena, struct arc_rows *out, arc_err *err)
{
    const struct arc_table_def *def = arc__table_def(query->table);
    sqlite3_stmt *statement = NULL;
    arc__buf_clear(&self->sql);
    arc__sqlite_select(&self->sql, query);
    ARC_TRY(select_statement(self, &statement, err));
    char *rows = NULL;
    size_t count = 0;
    int code = bind_query(statement, query, 1);
    arc_status status = code == SQLITE_OK
                            ? read_rows(self, statement, def, arena, &rows, &count, err)
                            : arc__sqlite_fail(self->reader, code, err);
    (void)sqlite3_reset(statement);          /* says again what step said */
    (void)sqlite3_clear_bindings(statement); /* they point into the caller's query; cannot fail */
    void *copy = NULL;
    if (status == ARC_OK && count > 0)
        status = arc__store_arena_take(arena, count * def->row_size, &copy, err);
    if (status == ARC_OK && count > 0)
        memcpy(copy, rows, count * def->row_size);
    arc__free(&self->mem, rows);
    if (status == ARC_OK)
        *out = (struct arc_rows){copy, count, (int64_t)count};
    return status;
}

static arc_status count_rows(struct sqlite_store *self, const struct arc_query *query,
                             int64_t *total, arc_err *err)
{
    sqlite3_stmt *statement = NULL;
    arc__buf_clear(&self->sql);
    arc__sqlite_count(&self->sql, query);
    ARC_TRY(select_statement(self, &statement, err));
    int code = bind_query(statement, query, 0);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    arc_status status = ARC_OK;
    if (code == SQLITE_ROW)
        *total = sqlite3_column_int64(statement, 0);
    else
        status = arc__sqlite_fail(self->reader, code, err);
    (void)sqlite3_reset(statement);          /* says again what step said */
    (void)sqlite3_clear_bindings(statement); /* they point into the caller's query; cannot fail */
    return status;
}

static arc_status sqlite_query(struct arc_store *store, const struct arc_query *query,
                               struct arc_arena *arena, arc_query_done done, void *user,
                               arc_err *err)
{
    struct sqlite_store *self = self_of(store);
    ARC_TRY(arc__store_check_query(query, err));
    arc_err failure = ARC_ERR_INIT;
    struct arc_rows rows = {NULL, 0, 0};
    arc_status status = select_rows(self, query, arena, &rows, &failure);
    if (status == ARC_OK && query->want_total)
        status = count_rows(self, query, &rows.total, &failure);
    if (status == ARC_EINTERNAL) /* a damaged file must not be written to either */
        poison_if_grave(self, &failure);
    self->depth++;
    done(user, status, status == ARC_OK ? &rows : NULL, status == ARC_OK ? NULL : &failure);
    self->depth--;
    return ARC_OK;
}

/* Nobody else writes, so what is free stays free until it is marked. */
static arc_status take_rows(struct sqlite_store *self, const struct arc_claim *claim,
                            struct arc_arena *arena, struct arc_rows *out, arc_err *err)
{
    const struct arc_query query = arc__store_claim_query(claim);
    struct arc_store_op *ops = NULL;
    arc_status status = select_rows(self, &query, arena, out, err);
    if (status == ARC_EINTERNAL)
        poison_if_grave(self, err);
    if (status == ARC_OK)
        status = arc__store_claim_mark(&self->mem, claim, out, arena, &ops, err);
    if (status == ARC_OK)
        status = commit_batch(self, &(struct arc_store_batch){ops, out->count, 0}, err);
    arc__free(&self->mem, ops);
    return status;
}

static arc_status sqlite_claim(struct arc_store *store, const struct arc_claim *claim,
                               struct arc_arena *arena, arc_query_done done, void *user,
                               arc_err *err)
{
    struct sqlite_store *self = self_of(store);
    ARC_TRY(arc__store_check_claim(claim, err));
    arc_err failure = ARC_ERR_INIT;
    struct arc_rows rows = {NULL, 0, 0};
    arc_status status = take_rows(self, claim, arena, &rows, &failure);
    self->depth++;
    done(user, status, status == ARC_OK ? &rows : NULL, status == ARC_OK ? NULL : &failure);
    self->depth--;
    return ARC_OK;
}

/* --- the rest of the port -------------------------------------------------------------------- */

static int sqlite_fd(struct arc_store *store)
{
    (void)store;
    return -1;
}

static int checkpoint_is_due(const struct sqlite_store *self)
{
    return self->poison.status == ARC_OK && self->wal_pages >= self->checkpoint_at;
}

static int sqlite_timeout_ms(struct arc_store *store)
{
    return checkpoint_is_due(self_of(store)) || self_of(store)->backup != NULL ? 0 : -1;
}

static arc_status sqlite_dispatch(struct arc_store *store, arc_err *err)
{
    struct sqlite_store *self = self_of(store);
    if (self->depth > 0)
        return arc__fail(err, ARC_EINVAL, "store", "%s",
                         "The store may not be dispatched from inside one of its callbacks.");
    arc__sqlite_backup_step(self);
    if (self->poison.status != ARC_OK)
        return ARC_OK; /* a commit says so, and health */
    arc_err failure = ARC_ERR_INIT;
    if (checkpoint_is_due(self) && checkpoint(self, &failure) != ARC_OK)
        poison_if_grave(self, &failure);
    if (self->poison.status == ARC_OK &&
        arc__sqlite_reserve_take(&self->reserve, &failure) != ARC_OK)
        poison_if_grave(self, &failure);
    return self->poison.status != ARC_OK ? fail_poisoned(self, err) : ARC_OK;
}

static arc_status sqlite_health(struct arc_store *store, arc_err *err)
{
    struct sqlite_store *self = self_of(store);
    if (self->poison.status != ARC_OK)
        return fail_poisoned(self, err);
    if (arc__sqlite_reserve_lacks(&self->reserve))
        return arc__fail(err, ARC_ELIMIT, ARC_STORE_FULL,
                         "The disk is full and the reserve of %lld bytes is in use: what runs may "
                         "end, nothing new begins until there is room.",
                         (long long)self->reserve.bytes);
    if (wal_is_large(self))
        return arc__fail(err, ARC_ELIMIT, ARC_STORE_LOG,
                         "The WAL has more than %lld bytes: another program reads and does not "
                         "let go, so it cannot be copied back.",
                         (long long)self->wal_max_bytes);
    return ARC_OK;
}

static void finalize(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement); /* it is not running */
    *statement = NULL;
}

static void keep_wal(struct sqlite_store *self, int keep)
{
    (void)sqlite3_db_config(self->writer, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep, NULL);
}

/* Copies everything back, so that nothing is asked of the WAL any more and it may go. Where that
 * cannot be, it stays, with the mark. */
static void settle(struct sqlite_store *self)
{
    arc_err ignored = ARC_ERR_INIT;
    int there = 0, done = -1;
    if (self->poison.status != ARC_OK || arc__sqlite_mark_sync(&self->mark, &ignored) != ARC_OK)
        return;
    (void)sqlite3_busy_timeout(self->writer, 0); /* cannot fail */
    int code =
        sqlite3_wal_checkpoint_v2(self->writer, NULL, SQLITE_CHECKPOINT_TRUNCATE, &there, &done);
    if (code == SQLITE_OK && done >= there &&
        arc__sqlite_mark_clean(&self->mark, &ignored) == ARC_OK)
        keep_wal(self, 0);
}

static void close_connections(struct sqlite_store *self)
{
    for (size_t i = 0; i < SELECTS_MAX; i++)
        select_drop(self, &self->selects[i]);
    for (int table = 0; table < ARC_TABLE_COUNT; table++) {
        for (int verb = 0; verb < CHANGES; verb++)
            finalize(&self->changes[table][verb]);
    }
    finalize(&self->begin);
    finalize(&self->commit);
    finalize(&self->rollback);
    (void)sqlite3_close(self->reader); /* no statement is left that could keep it */
    (void)sqlite3_close(self->writer);
    self->reader = self->writer = NULL;
}

static void sqlite_close(struct arc_store *store)
{
    if (store == NULL)
        return;
    struct sqlite_store *self = self_of(store);
    arc__store_sqlite_backup_cancel(store);
    if (self->writer != NULL && self->reader != NULL) /* it was open */
        settle(self);
    close_connections(self);
    arc__sqlite_mark_close(&self->mark, &self->mem);
    arc__sqlite_reserve_close(&self->reserve, &self->mem);
    arc__store_unlock(self->lock_fd);
    arc__buf_deinit(&self->sql);
    struct arc_mem mem = self->mem;
    arc__free(&mem, self);
}

static const struct arc_store_ops sqlite_ops = {
    .size = sizeof(struct arc_store_ops),
    .commit = sqlite_commit,
    .query = sqlite_query,
    .fd = sqlite_fd,
    .timeout_ms = sqlite_timeout_ms,
    .dispatch = sqlite_dispatch,
    .health = sqlite_health,
    .close = sqlite_close,
    .claim = sqlite_claim,
};

/* --- opening --------------------------------------------------------------------------------- */

static arc_status fail_path(const char *path, int number, arc_err *err)
{
    char reason[128];
    return arc__fail(err, number == ENOSPC ? ARC_ELIMIT : ARC_EIO, "store", "%s: %s.", path,
                     strerror_r(number, reason, sizeof(reason)));
}

/* Makes the file, so that it is its owner's alone, and finds its one name. A file that is there is
 * not opened: closing it would drop the locks that another connection of this process has. */
static arc_status resolve(struct sqlite_store *self, const char *path, arc_err *err)
{
    struct stat info;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST)
        return fail_path(path, errno, err);
    if (fd >= 0)
        (void)close(fd); /* empty: nothing can be lost */
    if (realpath(path, self->path) == NULL || stat(self->path, &info) != 0)
        return fail_path(path, errno, err);
    if (!S_ISREG(info.st_mode))
        return arc__fail(err, ARC_EINVAL, "store", "%s is not a regular file.", path);
    return ARC_OK;
}

static arc_status lock(struct sqlite_store *self, arc_err *err)
{
    char path[PATH_MAX + 8], what[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s.lock", self->path);
    snprintf(what, sizeof(what), "The store %s", self->path);
    return arc__store_lock(path, what, &self->lock_fd, err);
}

static int on_wal(void *user, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_store *self = user;
    (void)db;
    (void)name;
    self->wal_pages = (uint32_t)pages;
    return SQLITE_OK;
}

static arc_status configure(const struct sqlite_store *self, sqlite3 *db, arc_err *err)
{
    char sql[256];
    (void)sqlite3_extended_result_codes(db, 1); /* cannot fail */
    (void)sqlite3_busy_timeout(db, (int)self->busy_ms);
    /* Guards against a file made by an enemy; each is a no-op where SQLite does not know it. */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    snprintf(sql, sizeof(sql),
             "PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL; PRAGMA mmap_size = 0; "
             "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -%u; PRAGMA wal_autocheckpoint = 0; "
             "PRAGMA journal_size_limit = 67108864",
             self->cache_kib);
    return arc__sqlite_exec(db, sql, err);
}

static arc_status open_connection(struct sqlite_store *self, int flags, sqlite3 **out, arc_err *err)
{
    int code = arc__sqlite_vfs_open(&self->shim, self->path,
                                    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, out);
    if (code == SQLITE_OK)
        return configure(self, *out, err);
    if (self->shim.damage[0] != '\0') /* the connection is none that could be asked */
        return arc__fail(err, ARC_EINTERNAL, "store", "The file is damaged: %s.",
                         self->shim.damage);
    return arc__sqlite_fail(*out, code, err);
}

/* A new file: its pages have the size that checksums are for, and room for them. */
static arc_status shape_file(struct sqlite_store *self, arc_err *err)
{
    int seal = ARC_SQLITE_SEAL_BYTES;
    char sql[48];
    snprintf(sql, sizeof(sql), "PRAGMA page_size = %u", ARC_SQLITE_PAGE_BYTES);
    ARC_TRY(arc__sqlite_exec(self->writer, sql, err));
    if (!self->shim.seals)
        return ARC_OK;
    int code = sqlite3_file_control(self->writer, NULL, SQLITE_FCNTL_RESERVE_BYTES, &seal);
    return code == SQLITE_OK ? ARC_OK : arc__sqlite_fail(self->writer, code, err);
}

static arc_status ensure_schema(struct sqlite_store *self, arc_err *err)
{
    int is_new = 0;
    ARC_TRY(arc__sqlite_check_owner(self->writer, &is_new, err));
    ARC_TRY(arc__sqlite_run(self->writer, self->begin, err));
    arc_status status = arc__sqlite_ensure_tables(self->writer, &self->sql, is_new, err);
    if (status == ARC_OK)
        status = arc__sqlite_run(self->writer, self->commit, err);
    if (status != ARC_OK) /* closing would do it as well */
        (void)arc__sqlite_run(self->writer, self->rollback, NULL);
    return status == ARC_OK ? arc__sqlite_mark_commit(&self->mark, &self->shim, err) : status;
}

static arc_status open_writer(struct sqlite_store *self, int check, arc_err *err)
{
    char answer[32] = "";
    int64_t pages = 0;
    ARC_TRY(open_connection(self, SQLITE_OPEN_READWRITE, &self->writer, err));
    ARC_TRY(arc__sqlite_ask_int(self->writer, "PRAGMA page_count", &pages, err));
    if (pages == 0 && !self->shim.is_new) { /* half of its making was taken back just now */
        (void)sqlite3_close(self->writer);  /* no statement is left that could keep it */
        self->writer = NULL;
        ARC_TRY(open_connection(self, SQLITE_OPEN_READWRITE, &self->writer, err));
    }
    keep_wal(self,
             1); /* the last one that closes would remove it, also where the mark asks for it */
    if (self->shim.is_new)
        ARC_TRY(shape_file(self, err));
    ARC_TRY(
        arc__sqlite_ask(self->writer, "PRAGMA journal_mode = WAL", answer, sizeof(answer), err));
    if (!arc__slice_is(arc__slice_cstr(answer), "wal"))
        return arc__fail(err, ARC_EIO, "store", "%s", "The file system cannot hold a shared WAL.");
    if (check)
        ARC_TRY(arc__sqlite_quick_check(self->writer, err));
    (void)sqlite3_wal_hook(self->writer, on_wal, self); /* answers the former user pointer */
    ARC_TRY(arc__sqlite_prepare(self->writer, "BEGIN IMMEDIATE", &self->begin, err));
    ARC_TRY(arc__sqlite_prepare(self->writer, "COMMIT", &self->commit, err));
    ARC_TRY(arc__sqlite_prepare(self->writer, "ROLLBACK", &self->rollback, err));
    return ensure_schema(self, err);
}

static arc_status open_reader(struct sqlite_store *self, arc_err *err)
{
    ARC_TRY(open_connection(self, SQLITE_OPEN_READONLY, &self->reader, err));
    (void)sqlite3_db_config(self->reader, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return arc__sqlite_exec(self->reader, "PRAGMA query_only = ON", err);
}

static void set_options(struct sqlite_store *self, const struct arc_store_sqlite_options *given)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    if (given != NULL)
        memcpy(&options, given, given->size < sizeof(options) ? given->size : sizeof(options));
    self->vfs = options.vfs;
    self->busy_ms = options.busy_ms != 0 ? options.busy_ms : 1000;
    self->cache_kib = options.cache_kib != 0 ? options.cache_kib : 16384;
    self->checkpoint_pages = options.checkpoint_pages != 0 ? options.checkpoint_pages : 1000;
    self->checkpoint_at = self->checkpoint_pages;
    self->reserve_bytes = options.reserve_bytes;
    self->wal_max_bytes = options.wal_max_bytes;
    self->no_checksums = options.no_checksums;
    self->mark_commits = options.mark_commits != 0 ? options.mark_commits : 256;
}

static arc_status open_reserve(struct sqlite_store *self, arc_err *err)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s.reserve", self->path);
    return arc__sqlite_reserve_open(&self->reserve, &self->mem, self->vfs, path,
                                    self->reserve_bytes, err);
}

/* Before SQLite sees the file: it would take the WAL for whole that ends early. */
static arc_status open_mark(struct sqlite_store *self, arc_err *err)
{
    char path[PATH_MAX + 8];
    snprintf(path, sizeof(path), "%s.mark", self->path);
    ARC_TRY(
        arc__sqlite_mark_open(&self->mark, &self->mem, self->vfs, path, self->mark_commits, err));
    return arc__sqlite_mark_check(&self->mark, &self->mem, self->vfs, self->path, err);
}

static arc_status open_connections(struct sqlite_store *self, int check, arc_err *err)
{
    ARC_TRY(arc__sqlite_vfs_init(&self->shim, self->vfs, !self->no_checksums, err));
    self->mark.seen = 0;
    arc_status status = open_writer(self, check, err);
    if (status == ARC_OK)
        status = open_reader(self, err);
    if (status != ARC_OK)
        close_connections(self);
    return status;
}

arc_status arc__store_sqlite_open(const struct arc_mem *mem, const char *path,
                                  const struct arc_store_sqlite_options *options,
                                  struct arc_store **out, arc_err *err)
{
    ARC_REQUIRE(path != NULL && path[0] != '\0', err, "store");
    struct sqlite_store *self = arc__alloc(mem, sizeof(*self));
    if (self == NULL)
        return arc__fail_nomem(err);
    self->base.ops = &sqlite_ops;
    self->mem = *mem;
    self->lock_fd = -1;
    self->poison = (arc_err)ARC_ERR_INIT;
    arc__buf_init(&self->sql, mem, SQL_MAX_BYTES);
    set_options(self, options);
    arc_status status = resolve(self, path, err);
    if (status == ARC_OK)
        status = lock(self, err);
    if (status == ARC_OK)
        status = open_reserve(self, err);
    if (status == ARC_OK)
        status = open_mark(self, err);
    int check = options == NULL || !options->skip_quick_check;
    if (status == ARC_OK)
        status = open_connections(self, check, err);
    if (status == ARC_ELIMIT && arc__sqlite_reserve_give(&self->reserve))
        status = open_connections(self, check, err); /* a WAL needs a little to be opened */
    if (status != ARC_OK) {
        sqlite_close(&self->base);
        return status;
    }
    *out = &self->base;
    return ARC_OK;
}
