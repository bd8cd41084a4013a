/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/copy.h"

#include "engine/walk.h"

#define PEEK_BYTES_MAX (64u * 1024u * 1024u)

enum phase { WRITE, PROVE, WHOLE, FAILED };

/* One side of the proof. */
struct proof {
    struct arc_walk walk;
    struct arc_sha256 sha;
    struct arc_copy_table sum;
    int over;
};

struct arc_copy {
    struct arc_mem mem;
    struct arc_desk *desks[2]; /* from, to */
    enum phase phase;
    enum arc_table table;
    int open; /* the walks of the table are */
    struct proof sides[2];
    struct arc_store_op ops[ARC_COPY_OPS];
    size_t op_count;
    uint64_t op_bytes;
    struct arc_copy_progress progress;
    struct arc_copy_table tables[ARC_TABLE_COUNT];
};

/* --- the mark -------------------------------------------------------------------------------- */

static const struct arc_row_counter mark = {
    .name = {ARC_COPY_MARK, sizeof(ARC_COPY_MARK) - 1},
    .value = 1,
};

static int is_mark(enum arc_table table, const void *row)
{
    return table == ARC_TABLE_counter &&
           arc__slice_is(((const struct arc_row_counter *)row)->name, ARC_COPY_MARK);
}

arc_status arc__copy_is_unfinished(struct arc_desk *desk, int *yes, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_counter, .filter_count = 1, .order_col = -1};
    struct arc_rows rows = {0};
    struct arc_arena arena;
    query.filters[0] = (struct arc_filter){.col = ARC_COL_counter_name, .text = mark.name};
    arc__arena_init(&arena, &desk->mem, PEEK_BYTES_MAX);
    arc_status status = arc__desk_query(desk, &query, &arena, &rows, err);
    if (status == ARC_OK)
        *yes = rows.count > 0;
    arc__arena_deinit(&arena);
    return status;
}

static arc_status set_mark(struct arc_copy *copy, enum arc_store_verb verb, arc_err *err)
{
    const struct arc_store_op op = {verb, ARC_TABLE_counter, &mark, 0};
    return arc__desk_commit(copy->desks[1], &op, 1, err);
}

/* --- beginning ------------------------------------------------------------------------------- */

static arc_status check_from(struct arc_copy *copy, arc_err *err)
{
    int unfinished = 0;
    ARC_TRY(arc__copy_is_unfinished(copy->desks[0], &unfinished, err));
    if (unfinished)
        return arc__fail(err, ARC_EPRECONDITION, "from",
                         "The store to copy from is itself a copy that was not finished.");
    return arc__desk_count(copy->desks[0], &copy->progress.total, err);
}

static arc_status check_to(struct arc_copy *copy, int resume, arc_err *err)
{
    uint64_t rows = 0;
    int unfinished = 0;
    ARC_TRY(arc__copy_is_unfinished(copy->desks[1], &unfinished, err));
    if (unfinished && !resume)
        return arc__fail(err, ARC_ECONFLICT, "to",
                         "The store to copy to is a copy that was not finished: go on with it, or "
                         "name another one.");
    if (unfinished)
        return ARC_OK;
    ARC_TRY(arc__desk_count(copy->desks[1], &rows, err));
    if (rows > 0)
        return arc__fail(err, ARC_EPRECONDITION, "to",
                         "The store to copy to has %llu rows already, and is no unfinished copy: "
                         "name an empty one.",
                         (unsigned long long)rows);
    return set_mark(copy, ARC_STORE_INSERT, err);
}

arc_status arc__copy_new(struct arc_desk *from, struct arc_desk *to, int resume,
                         struct arc_copy **out, arc_err *err)
{
    struct arc_copy *copy = arc__alloc(&to->mem, sizeof(*copy));
    if (copy == NULL)
        return arc__fail_nomem(err);
    copy->mem = to->mem;
    copy->desks[0] = from;
    copy->desks[1] = to;
    arc_status status = check_from(copy, err);
    if (status == ARC_OK)
        status = check_to(copy, resume, err);
    if (status != ARC_OK) {
        arc__copy_free(copy);
        return status;
    }
    *out = copy;
    return ARC_OK;
}

static void close_table(struct arc_copy *copy)
{
    for (size_t i = 0; copy->open && i < 2; i++)
        arc__walk_deinit(&copy->sides[i].walk);
    copy->open = 0;
}

void arc__copy_free(struct arc_copy *copy)
{
    if (copy == NULL)
        return;
    struct arc_mem mem = copy->mem;
    close_table(copy);
    arc__free(&mem, copy);
}

static void open_table(struct arc_copy *copy)
{
    for (size_t i = 0; i < 2; i++) {
        struct proof *side = &copy->sides[i];
        memset(side, 0, sizeof(*side));
        arc__sha256_init(&side->sha);
        arc__walk_init(&side->walk, copy->desks[i], copy->table);
    }
    copy->open = 1;
}

/* --- writing --------------------------------------------------------------------------------- */

static arc_status flush(struct arc_copy *copy, arc_err *err)
{
    size_t count = copy->op_count;
    copy->op_count = 0;
    copy->op_bytes = 0;
    return count > 0 ? arc__desk_commit(copy->desks[1], copy->ops, count, err) : ARC_OK;
}

/* The mark is no row of the store. What is to be written borrows from the pages, so it goes before
 * a page does. */
static arc_status look(struct arc_copy *copy, struct proof *side, const void **row, arc_err *err)
{
    for (;;) {
        if (arc__walk_page_ends(&side->walk))
            ARC_TRY(flush(copy, err));
        ARC_TRY(arc__walk_look(&side->walk, row, err));
        if (*row == NULL || !is_mark(side->walk.table, *row))
            return ARC_OK;
        arc__walk_pass(&side->walk);
    }
}

/* A PUT leaves alone what never changes in a row, and that may be just what differs: the row is
 * taken away first. */
static void write_row(struct arc_copy *copy, const void *has, const void *want)
{
    if (has != NULL)
        copy->ops[copy->op_count++] = (struct arc_store_op){ARC_STORE_DELETE, copy->table, has, 0};
    if (want != NULL)
        copy->ops[copy->op_count++] = (struct arc_store_op){ARC_STORE_INSERT, copy->table, want, 0};
    if (want != NULL)
        copy->op_bytes += arc__row_bytes(arc__table_def(copy->table), want);
    copy->progress.written++;
}

static arc_status write_next(struct arc_copy *copy, int *over, arc_err *err)
{
    struct proof *from = &copy->sides[0], *to = &copy->sides[1];
    const struct arc_table_def *def = arc__table_def(copy->table);
    const void *want = NULL, *has = NULL;
    if (copy->op_count + 2 > ARC_COPY_OPS || copy->op_bytes >= ARC_COPY_BYTES)
        ARC_TRY(flush(copy, err));
    ARC_TRY(look(copy, from, &want, err));
    ARC_TRY(look(copy, to, &has, err));
    *over = want == NULL && has == NULL;
    if (*over)
        return flush(copy, err);
    int order = want == NULL ? 1 : has == NULL ? -1 : arc__row_key_order(def, want, has);
    if (order != 0)
        write_row(copy, order > 0 ? has : NULL, order < 0 ? want : NULL);
    else if (!arc__row_same(def, want, has))
        write_row(copy, has, want);
    if (order <= 0)
        arc__walk_pass(&from->walk);
    if (order >= 0)
        arc__walk_pass(&to->walk);
    copy->progress.rows += order <= 0;
    return ARC_OK;
}

/* --- proving --------------------------------------------------------------------------------- */

static void add_number(struct arc_sha256 *sha, uint64_t number)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    arc__sha256_add(sha, arc__slice(bytes, sizeof(bytes)));
}

static void add_row(struct proof *side, const struct arc_table_def *def, const void *row)
{
    for (uint32_t i = 0; i < def->col_count; i++) {
        if (def->cols[i].type == ARC_COL_INT) {
            add_number(&side->sha, (uint64_t)arc__row_number(def, row, i));
            continue;
        }
        arc_slice text = arc__row_slice(def, row, i);
        add_number(&side->sha, text.len);
        arc__sha256_add(&side->sha, text);
    }
    side->sum.rows++;
    side->sum.bytes += arc__row_bytes(def, row);
}

static arc_status prove_next(struct arc_copy *copy, int *over, arc_err *err)
{
    const struct arc_table_def *def = arc__table_def(copy->table);
    struct proof *from = &copy->sides[0], *to = &copy->sides[1];
    for (size_t i = 0; i < 2; i++) {
        struct proof *side = &copy->sides[i];
        const void *row = NULL;
        if (side->over)
            continue;
        ARC_TRY(look(copy, side, &row, err));
        side->over = row == NULL;
        if (row == NULL)
            continue;
        add_row(side, def, row);
        arc__walk_pass(&side->walk);
        copy->progress.rows += i == 0;
    }
    *over = from->over && to->over;
    if (!*over)
        return ARC_OK;
    arc__sha256_end_hex(&from->sha, from->sum.sha256);
    arc__sha256_end_hex(&to->sha, to->sum.sha256);
    if (from->sum.rows != to->sum.rows || strcmp(from->sum.sha256, to->sum.sha256) != 0)
        return arc__fail(err, ARC_ECONFLICT, "from",
                         "The table t_%s has %llu rows in one store and %llu in the other, which "
                         "are not the same: the first one has changed meanwhile. Stop who writes "
                         "to it, and go on with the copy.",
                         def->name, (unsigned long long)from->sum.rows,
                         (unsigned long long)to->sum.rows);
    copy->tables[copy->table] = to->sum;
    return ARC_OK;
}

/* --- stepping -------------------------------------------------------------------------------- */

static arc_status end_table(struct arc_copy *copy, arc_err *err)
{
    close_table(copy);
    copy->table = (enum arc_table)(copy->table + 1);
    if (copy->table < ARC_TABLE_COUNT)
        return ARC_OK;
    copy->table = (enum arc_table)0;
    if (copy->phase == PROVE)
        ARC_TRY(set_mark(copy, ARC_STORE_DELETE, err));
    else
        copy->progress.rows = 0;
    copy->phase = (enum phase)(copy->phase + 1);
    return ARC_OK;
}

static arc_status go_on(struct arc_copy *copy, uint32_t rows, arc_err *err)
{
    for (uint32_t i = 0; i < rows && copy->phase < WHOLE; i++) {
        int over = 0;
        if (!copy->open)
            open_table(copy);
        ARC_TRY(copy->phase == WRITE ? write_next(copy, &over, err) : prove_next(copy, &over, err));
        if (over)
            ARC_TRY(end_table(copy, err));
    }
    return flush(copy, err);
}

arc_status arc__copy_step(struct arc_copy *copy, uint32_t rows, arc_err *err)
{
    if (copy->phase == WHOLE)
        return ARC_EDONE;
    if (copy->phase == FAILED)
        return arc__fail(err, ARC_EINVAL, "copy", "The copy has failed, and is over.");
    arc_status status = go_on(copy, rows, err);
    if (status != ARC_OK)
        copy->phase = FAILED;
    return status == ARC_OK && copy->phase == WHOLE ? ARC_EDONE : status;
}

void arc__copy_progress(const struct arc_copy *copy, struct arc_copy_progress *out)
{
    *out = copy->progress;
    out->table = copy->table;
    out->proving = copy->phase != WRITE;
}

const struct arc_copy_table *arc__copy_table(const struct arc_copy *copy, enum arc_table table)
{
    return &copy->tables[table];
}
