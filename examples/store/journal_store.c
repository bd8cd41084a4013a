/* SPDX-License-Identifier: Apache-2.0 */
#include "journal_store.h"

#include <string.h>

#include "journal.h"

/* --- rows ------------------------------------------------------------------------------------ */

static int compare_texts(arc_slice a, arc_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int side = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;
    return side != 0 ? side : (a.len > b.len) - (a.len < b.len);
}

static int compare_values(const arc_col_def *col, const void *a, const void *b)
{
    if (col->type != ARC_COL_INT)
        return compare_texts(*text_at(a, col), *text_at(b, col));
    return (*int_at(a, col) > *int_at(b, col)) - (*int_at(a, col) < *int_at(b, col));
}

static int compare_keys(const arc_table_def *def, const void *a, const void *b)
{
    int side = 0;
    for (uint32_t i = 0; side == 0 && i < def->key_count; i++)
        side = compare_values(&def->cols[i], a, b);
    return side;
}

static void *copy_row(struct journal *self, const arc_table_def *def, const void *row)
{
    size_t size = def->row_size;
    for (uint32_t i = 0; i < def->text_count; i++)
        size += text_at(row, &def->cols[def->texts[i]])->len;
    char *copy = resize(self, NULL, size), *end = copy + def->row_size;
    if (copy == NULL)
        return NULL;
    memcpy(copy, row, def->row_size);
    for (uint32_t i = 0; i < def->text_count; i++) {
        arc_slice *text = text_at(copy, &def->cols[def->texts[i]]);
        if (text->len > 0)
            memcpy(end, text->ptr, text->len);
        text->ptr = end;
        end += text->len;
    }
    return copy;
}

/* Where the key stands, or would. */
static size_t place_of(const struct table *table, const arc_table_def *def, const void *row,
                       int *there)
{
    size_t from = 0, to = table->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare_keys(def, table->rows[middle], row) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    *there = from < table->count && compare_keys(def, table->rows[from], row) == 0;
    return from;
}

/* Room for one more; afterwards nothing that puts a row back can fail. */
static int has_room(struct journal *self, struct table *table)
{
    if (table->count < table->room)
        return 1;
    size_t room = table->room > 0 ? table->room * 2 : 16;
    void **rows = resize(self, table->rows, room * sizeof(*rows));
    if (rows == NULL)
        return 0;
    table->rows = rows;
    table->room = room;
    return 1;
}

/* Makes `to` of what has its key: inserts, replaces, or removes where it is NULL. */
static void set_row(struct table *table, const arc_table_def *def, const void *key, void *to)
{
    int there = 0;
    size_t at = place_of(table, def, key, &there), after = table->count - at;
    if (to != NULL && !there) {
        memmove(table->rows + at + 1, table->rows + at, after * sizeof(*table->rows));
        table->count++;
    }
    if (to != NULL)
        table->rows[at] = to;
    else if (there)
        memmove(table->rows + at, table->rows + at + 1, (--table->count - at) * sizeof(void *));
}

static int clashes(const struct table *table, const arc_table_def *def, const void *row)
{
    for (uint32_t i = 0; i < def->col_count; i++) {
        const arc_col_def *col = &def->cols[i];
        if ((col->flags & ARC_COL_UNIQUE) == 0)
            continue;
        if (col->type == ARC_COL_INT ? *int_at(row, col) == 0 : text_at(row, col)->len == 0)
            continue; /* empty values may repeat */
        for (size_t k = table->count; k > 0; k--) {
            if (compare_values(col, table->rows[k - 1], row) == 0 &&
                compare_keys(def, table->rows[k - 1], row) != 0)
                return 1;
        }
    }
    return 0;
}

arc_status journal_apply(struct journal *self, const arc_store_op *op, struct change *change,
                         arc_err *err)
{
    const arc_table_def *def = arc_table_get(op->table);
    struct table *table = &self->tables[op->table];
    int there = 0;
    size_t at = place_of(table, def, op->row, &there);
    *change = (struct change){op->table, there ? table->rows[at] : NULL, NULL};
    if (op->verb == ARC_STORE_DELETE) {
        set_row(table, def, op->row, NULL);
        return ARC_OK;
    }
    if (op->verb == ARC_STORE_INSERT && there)
        return arc_batch_conflict(op, err);
    if (op->verb == ARC_STORE_UPDATE &&
        (!there || *int_at(table->rows[at], &def->cols[def->version_col]) != op->expect_version))
        return arc_batch_conflict(op, err);
    if (clashes(table, def, op->row))
        return arc_batch_conflict(op, err);
    change->after = copy_row(self, def, op->row);
    if (change->after == NULL || !has_room(self, table)) {
        (void)resize(self, change->after, 0);
        return fail(err, ARC_ENOMEM, "Out of memory.");
    }
    set_row(table, def, op->row, change->after);
    return ARC_OK;
}

/* The end of changes that happened, or from the last to the first of those that did not. */
static void end_changes(struct journal *self, struct change *changes, size_t count, int undo)
{
    for (size_t i = count; i > 0; i--) {
        struct change *change = &changes[i - 1];
        void *key = change->after != NULL ? change->after : change->before;
        if (undo && key != NULL)
            set_row(&self->tables[change->table], arc_table_get(change->table), key,
                    change->before);
        (void)resize(self, undo ? change->after : change->before, 0);
    }
    (void)resize(self, changes, 0);
}

/* --- slots ----------------------------------------------------------------------------------- */

static arc_status journal_commit(arc_store *store, const arc_store_batch *batch,
                                 arc_commit_done done, void *user, arc_err *err)
{
    struct journal *self = (struct journal *)(void *)store;
    arc_status status = arc_batch_check(batch, err);
    arc_err why = ARC_ERR_INIT;
    size_t count = 0;
    if (status != ARC_OK)
        return status;
    struct change *changes = resize(self, NULL, (batch->count + 1) * sizeof(*changes));
    if (changes == NULL)
        return fail(err, ARC_ENOMEM, "Out of memory.");
    if (self->broken)
        status = fail(&why, ARC_EIO, "A write failed; the store must be opened anew.");
    for (; status == ARC_OK && count < batch->count; count += status == ARC_OK)
        status = journal_apply(self, &batch->ops[count], &changes[count], &why);
    if (status == ARC_OK && count > 0)
        status = journal_file_write(self, changes, count, &why);
    end_changes(self, changes, count, status != ARC_OK);
    self->in_done++;
    done(user, status, 0, status == ARC_OK ? NULL : &why);
    if (--self->in_done == 0)
        journal_file_compact(self); /* whoever waited has been answered */
    return ARC_OK;
}

static int passes(const arc_col_def *col, const arc_filter *filter, const void *row)
{
    int is_int = col->type == ARC_COL_INT, found = 0;
    arc_slice text = is_int ? (arc_slice){NULL, 0} : *text_at(row, col);
    int64_t number = is_int ? *int_at(row, col) : 0;
    int side = is_int ? (number > filter->number) - (number < filter->number)
                      : compare_texts(text, filter->text);
    switch (filter->op) {
    case ARC_FILTER_EQ:
        return side == 0;
    case ARC_FILTER_NE:
        return side != 0;
    case ARC_FILTER_LT:
        return side < 0;
    case ARC_FILTER_LE:
        return side <= 0;
    case ARC_FILTER_GT:
        return side > 0;
    case ARC_FILTER_GE:
        return side >= 0;
    case ARC_FILTER_IN:
        for (size_t i = 0; i < filter->int_count; i++)
            found |= filter->ints[i] == number;
        return found;
    default: /* ARC_FILTER_CONTAINS */
        return filter->text.len == 0 ||
               (text.len > 0 &&
                memmem(text.ptr, text.len, filter->text.ptr, filter->text.len) != NULL);
    }
}

static int by_order(const void *a, const void *b, void *user)
{
    const arc_query *query = user;
    const arc_table_def *def = arc_table_get(query->table);
    const void *left = *(void *const *)a, *right = *(void *const *)b;
    int side =
        query->order_col >= 0 ? compare_values(&def->cols[query->order_col], left, right) : 0;
    if (side == 0)
        side = compare_keys(def, left, right);
    return query->descending ? -side : side;
}

/* The rows that are asked for, with their texts, into the arena. */
static arc_status copy_found(const arc_query *query, void **found, size_t count, arc_arena *arena,
                             arc_rows *out, arc_err *err)
{
    const arc_table_def *def = arc_table_get(query->table);
    void *rows = NULL, *text = NULL;
    arc_status status = arc_arena_take(arena, count * def->row_size, &rows, err);
    for (size_t i = 0; status == ARC_OK && i < count; i++) {
        char *row = memcpy((char *)rows + i * def->row_size, found[i], def->row_size);
        for (uint32_t t = 0; status == ARC_OK && t < def->text_count; t++) {
            arc_slice *slice = text_at(row, &def->cols[def->texts[t]]);
            if (slice->len == 0)
                continue;
            status = arc_arena_take(arena, slice->len, &text, err);
            if (status == ARC_OK)
                slice->ptr = memcpy(text, slice->ptr, slice->len);
        }
    }
    out->rows = rows;
    out->count = count;
    return status;
}

static arc_status journal_query(arc_store *store, const arc_query *query, arc_arena *arena,
                                arc_query_done done, void *user, arc_err *err)
{
    struct journal *self = (struct journal *)(void *)store;
    arc_status status = arc_query_check(query, err);
    if (status != ARC_OK)
        return status;
    const struct table *table = &self->tables[query->table];
    const arc_table_def *def = arc_table_get(query->table);
    void **found = resize(self, NULL, (table->count + 1) * sizeof(*found));
    if (found == NULL)
        return fail(err, ARC_ENOMEM, "Out of memory.");
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        int pass = 1;
        for (size_t f = 0; pass && f < query->filter_count; f++)
            pass = passes(&def->cols[query->filters[f].col], &query->filters[f], table->rows[i]);
        if (pass)
            found[count++] = table->rows[i];
    }
    if (query->order_col >= 0 || query->descending)
        qsort_r(found, count, sizeof(*found), by_order, (void *)(uintptr_t)query);
    size_t first = query->offset < count ? query->offset : count, some = count - first;
    if (query->limit > 0 && query->limit < some)
        some = query->limit;
    arc_err why = ARC_ERR_INIT;
    arc_rows rows = {NULL, 0, (int64_t)(query->want_total ? count : some)};
    status = copy_found(query, found + first, some, arena, &rows, &why);
    (void)resize(self, found, 0);
    self->in_done++;
    done(user, status, status == ARC_OK ? &rows : NULL, status == ARC_OK ? NULL : &why);
    self->in_done--;
    return ARC_OK;
}

static int journal_silent(arc_store *store)
{
    (void)store;
    return -1; /* no descriptor, no time: everything is done before a call returns */
}

static arc_status journal_dispatch(arc_store *store, arc_err *err)
{
    const struct journal *self = (struct journal *)(void *)store;
    return self->in_done ? fail(err, ARC_EINVAL, "Dispatch was called from inside done.") : ARC_OK;
}

static arc_status journal_health(arc_store *store, arc_err *err)
{
    const struct journal *self = (struct journal *)(void *)store;
    if (self->broken)
        return fail(err, ARC_EIO, "A write failed; the store must be opened anew.");
    if (!self->stuck)
        return ARC_OK;
    (void)fail(err, ARC_ELIMIT, "The journal cannot be made shorter; it grows.");
    if (err != NULL)
        (void)snprintf(err->subject, sizeof(err->subject), "%s", ARC_STORE_LOG);
    return ARC_ELIMIT;
}

static void journal_close(arc_store *store)
{
    struct journal *self = (struct journal *)(void *)store;
    if (self == NULL)
        return;
    for (size_t t = 0; t < ARC_TABLE_COUNT; t++) {
        for (size_t i = 0; i < self->tables[t].count; i++)
            (void)resize(self, self->tables[t].rows[i], 0);
        (void)resize(self, self->tables[t].rows, 0);
    }
    journal_file_close(self);
    struct journal last = *self;
    (void)resize(&last, self, 0);
}

static const arc_store_ops journal_ops = {sizeof(journal_ops),
                                          ARC_COLS_ALL,
                                          journal_commit,
                                          journal_query,
                                          journal_silent,
                                          journal_silent,
                                          journal_dispatch,
                                          journal_health,
                                          journal_close,
                                          NULL,
                                          NULL};

arc_status journal_store_open(const arc_env *env, const char *path, int64_t compact_bytes,
                              arc_store **out, arc_err *err)
{
    struct journal first = {.base = {&journal_ops}, .env = ARC_ENV_INIT, .dir = -1, .fd = -1};
    if (env != NULL)
        first.env = *env;
    first.compact_bytes = compact_bytes > 0 ? compact_bytes : JOURNAL_COMPACT_BYTES;
    struct journal *self = resize(&first, NULL, sizeof(*self));
    if (self == NULL)
        return fail(err, ARC_ENOMEM, "Out of memory.");
    *self = first;
    arc_status status = journal_file_open(self, path, err);
    if (status != ARC_OK) {
        journal_close(&self->base);
        return status;
    }
    *out = &self->base;
    return ARC_OK;
}
