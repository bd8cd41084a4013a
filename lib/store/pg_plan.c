/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_plan.h"

#include "store/check.h"

#define VERBS ((int)ARC_PG_SET + 1)

/* The work on one table: operations gather in a stage, a list for each verb, until one of them must
 * come after another of the same key; then the stage goes into the plan. */
struct stage {
    const struct arc_mem *mem;
    struct arc_pg_plan *plan;
    enum arc_table table;
    const struct arc_table_def *def;
    int has_unique;
    int by_key;                         /* 1: others lock the same rows */
    uint32_t order_count;               /* of the plan */
    uint32_t *seen;                     /* places of operations + 1, by the hash of their keys */
    uint32_t *touched;                  /* the places of seen that are taken */
    uint32_t *next;                     /* of the list of a verb, by operation; + 1 */
    uint32_t mask, taken;               /* of seen */
    uint32_t first[VERBS], last[VERBS]; /* by verb; + 1 */
};

static uint32_t hash_key(const struct arc_table_def *def, const void *row)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < def->key_count; i++) {
        const struct arc_col_def *col = &def->cols[i];
        if (col->type == ARC_COL_INT) {
            hash = (hash ^ (uint64_t)arc__row_int(row, col)) * UINT64_C(0x9e3779b97f4a7c15);
            hash ^= hash >> 29;
            continue;
        }
        arc_slice text = arc__row_text(row, col);
        for (size_t at = 0; at < text.len; at++)
            hash = (hash ^ (unsigned char)text.ptr[at]) * UINT64_C(0x100000001b3);
        hash = (hash ^ text.len) * UINT64_C(0x100000001b3);
    }
    return (uint32_t)(hash ^ hash >> 32);
}

static int same_key(const struct arc_table_def *def, const void *a, const void *b)
{
    for (uint32_t i = 0; i < def->key_count; i++) {
        const struct arc_col_def *col = &def->cols[i];
        if (col->type == ARC_COL_INT
                ? arc__row_int(a, col) != arc__row_int(b, col)
                : !arc__slice_equal(arc__row_text(a, col), arc__row_text(b, col)))
            return 0;
    }
    return 1;
}

/* Where the operation's key stands in seen, or may. */
static uint32_t *place_of(const struct stage *stage, const struct arc_store_op *op)
{
    for (uint32_t at = hash_key(stage->def, op->row);; at++) {
        uint32_t *place = &stage->seen[at & stage->mask];
        if (*place == 0 || same_key(stage->def, stage->plan->ops[*place - 1].row, op->row))
            return place;
    }
}

static size_t bytes_of(const struct arc_table_def *def, const void *row)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < def->col_count; i++)
        bytes += def->cols[i].type == ARC_COL_INT ? 8 : arc__row_text(row, &def->cols[i]).len + 4;
    return bytes;
}

/* 1: rows of this verb may share a statement. */
static int may_share(const struct stage *stage, enum arc_store_verb verb)
{
    return !stage->has_unique || verb == ARC_STORE_INSERT || verb == ARC_STORE_DELETE;
}

static arc_status add_group(struct stage *stage, enum arc_store_verb verb, arc_err *err)
{
    struct arc_pg_plan *plan = stage->plan;
    void *items = plan->groups;
    arc_status status = arc__grow(stage->mem, &items, &plan->group_capacity, plan->group_count,
                                  sizeof(*plan->groups), ARC_STORE_BATCH_MAX, err);
    plan->groups = items;
    ARC_TRY(status);
    plan->groups[plan->group_count++] =
        (struct arc_pg_group){stage->table, verb, stage->order_count, 0};
    return ARC_OK;
}

/* --- in the order of keys ----------------------------------------------------------------------
 */

static int compare_keys(const struct arc_table_def *def, const void *a, const void *b)
{
    int order = 0;
    for (uint32_t i = 0; order == 0 && i < def->key_count; i++) {
        const struct arc_col_def *col = &def->cols[i];
        if (col->type == ARC_COL_INT) {
            int64_t left = arc__row_int(a, col), right = arc__row_int(b, col);
            order = (left > right) - (left < right);
        } else {
            order = arc__slice_compare(arc__row_text(a, col), arc__row_text(b, col));
        }
    }
    return order;
}

/* Of two lists, each in order, one. */
static uint32_t merge(struct stage *stage, uint32_t a, uint32_t b)
{
    const struct arc_store_op *ops = stage->plan->ops;
    uint32_t first = 0, *at = &first;
    while (a != 0 && b != 0) {
        uint32_t *least = compare_keys(stage->def, ops[b - 1].row, ops[a - 1].row) < 0 ? &b : &a;
        *at = *least;
        at = &stage->next[*least - 1];
        *least = *at;
    }
    *at = a != 0 ? a : b;
    return first;
}

/* Whoever locks rows in the order of their keys never waits for somebody who waits for him. Lists
 * of 1, 2, 4, … are merged as they become as long as the one before. */
static uint32_t sorted(struct stage *stage, uint32_t list)
{
    uint32_t runs[32] = {0}, level;
    while (list != 0) {
        uint32_t one = list;
        list = stage->next[one - 1];
        stage->next[one - 1] = 0;
        for (level = 0; runs[level] != 0; level++) {
            one = merge(stage, runs[level], one);
            runs[level] = 0;
        }
        runs[level] = one;
    }
    for (level = 0; level < 32; level++)
        list = merge(stage, runs[level], list);
    return list;
}

/* The list of one verb, as statements that are not too long. */
static arc_status flush_verb(struct stage *stage, enum arc_store_verb verb, arc_err *err)
{
    struct arc_pg_plan *plan = stage->plan;
    size_t bytes = 0, rows = 0;
    if (stage->by_key && verb != ARC_STORE_INSERT)
        stage->first[verb] = sorted(stage, stage->first[verb]);
    for (uint32_t at = stage->first[verb]; at != 0; at = stage->next[at - 1]) {
        /* Of a delete only the key is sent, and what else its row holds was not checked. */
        size_t size = verb == ARC_STORE_DELETE ? 0 : bytes_of(stage->def, plan->ops[at - 1].row);
        if (rows == 0 || rows >= ARC_PG_GROUP_ROWS_MAX || bytes + size > ARC_PG_GROUP_BYTES_MAX ||
            !may_share(stage, verb)) {
            ARC_TRY(add_group(stage, verb, err));
            rows = bytes = 0;
        }
        plan->order[stage->order_count++] = at - 1;
        plan->groups[plan->group_count - 1].count++;
        rows++;
        bytes += size;
    }
    stage->first[verb] = stage->last[verb] = 0;
    return ARC_OK;
}

static arc_status flush(struct stage *stage, arc_err *err)
{
    for (int verb = 0; verb < VERBS; verb++)
        ARC_TRY(flush_verb(stage, (enum arc_store_verb)verb, err));
    while (stage->taken > 0)
        stage->seen[stage->touched[--stage->taken]] = 0;
    return ARC_OK;
}

static void append(struct stage *stage, uint32_t op)
{
    enum arc_store_verb verb = stage->plan->ops[op].verb;
    stage->next[op] = 0;
    if (stage->last[verb] != 0)
        stage->next[stage->last[verb] - 1] = op + 1;
    else
        stage->first[verb] = op + 1;
    stage->last[verb] = op + 1;
}

/* 1: other verbs wait in the stage. */
static int others_wait(const struct stage *stage, enum arc_store_verb verb)
{
    for (int i = 0; i < VERBS; i++) {
        if (i != (int)verb && stage->first[i] != 0)
            return 1;
    }
    return 0;
}

/* Of two of the same row in one statement the later one is enough. */
static int may_replace(enum arc_store_verb verb)
{
    return verb == ARC_STORE_PUT || verb == ARC_PG_SET;
}

static arc_status add_op(struct stage *stage, uint32_t at, arc_err *err)
{
    struct arc_store_op *op = &stage->plan->ops[at];
    if (stage->has_unique && others_wait(stage, op->verb))
        ARC_TRY(flush(stage, err));
    uint32_t *place = place_of(stage, op);
    if (*place != 0) {
        struct arc_store_op *earlier = &stage->plan->ops[*place - 1];
        if (earlier->verb == op->verb && op->verb == ARC_STORE_DELETE)
            return ARC_OK; /* it is gone already */
        if (earlier->verb == op->verb && may_replace(op->verb) && !stage->has_unique) {
            earlier->row = op->row;
            return ARC_OK;
        }
        if (earlier->verb != op->verb || op->verb != ARC_STORE_INSERT) {
            ARC_TRY(flush(stage, err));
            place = place_of(stage, op);
        } /* two inserts of one key conflict in whatever statement */
    }
    if (*place == 0) {
        *place = at + 1;
        stage->touched[stage->taken++] = (uint32_t)(place - stage->seen);
    }
    append(stage, at);
    return ARC_OK;
}

#define VERB(verb) (1u << (verb))
#define ALL_VERBS (VERB(VERBS) - 1)

/* Of one table, the operations with one of these verbs. */
static arc_status plan_table(struct stage *stage, enum arc_table table, uint32_t verbs,
                             size_t count, arc_err *err)
{
    stage->table = table;
    stage->def = arc__table_def(table);
    stage->has_unique = 0;
    for (uint32_t i = 0; i < stage->def->col_count; i++)
        stage->has_unique |= (stage->def->cols[i].flags & ARC_COL_UNIQUE) != 0;
    for (size_t i = 0; i < count; i++) {
        const struct arc_store_op *op = &stage->plan->ops[i];
        if (op->table == table && (verbs & VERB(op->verb)) != 0)
            ARC_TRY(add_op(stage, (uint32_t)i, err));
    }
    return flush(stage, err);
}

/* What the batch does to the end of the log. */
static void plan_log(struct arc_pg_plan *plan, size_t count, int follow)
{
    for (size_t i = 0; i < count; i++) {
        const struct arc_store_op *op = &plan->ops[i];
        if (op->table != ARC_TABLE_event || op->verb == ARC_STORE_DELETE)
            continue;
        int64_t position = ((const struct arc_row_event *)op->row)->position;
        plan->log_last = position > plan->log_last ? position : plan->log_last;
        plan->log_count += follow;
    }
}

static arc_status plan_all(struct stage *stage, size_t count, int follow, arc_err *err)
{
    uint32_t tables = 0; /* that there are operations on */
    _Static_assert(ARC_TABLE_COUNT <= 32, "a bit for each table");
    for (size_t i = 0; i < count; i++) {
        const struct arc_store_op *op = &stage->plan->ops[i];
        tables |= UINT32_C(1) << op->table;
        stage->plan->tables |= (uint32_t)(op->verb != ARC_STORE_DELETE) << op->table;
    }
    for (uint32_t table = 0; tables >> table != 0; table++) {
        uint32_t verbs = ALL_VERBS;
        if (follow && table == ARC_TABLE_event)
            verbs &= ~VERB(ARC_STORE_INSERT);
        if ((tables >> table & 1) != 0)
            ARC_TRY(plan_table(stage, (enum arc_table)table, verbs, count, err));
    }
    stage->plan->log_group = stage->plan->group_count;
    plan_log(stage->plan, count, follow);
    return follow ? plan_table(stage, ARC_TABLE_event, VERB(ARC_STORE_INSERT), count, err) : ARC_OK;
}

arc_status arc__pg_plan_make(const struct arc_mem *mem, const struct arc_store_batch *batch,
                             int follow, struct arc_pg_plan *plan, arc_err *err)
{
    size_t count = batch->count, places = 16;
    while (places < count * 2)
        places *= 2;
    struct stage stage = {.mem = mem, .plan = plan, .by_key = follow, .mask = (uint32_t)places - 1};
    plan->ops = arc__alloc_array(mem, count, sizeof(*plan->ops));
    plan->order = arc__alloc_array(mem, count, sizeof(*plan->order));
    uint32_t *work = arc__alloc_array(mem, places + 2 * count, sizeof(*work));
    arc_status status = ARC_OK;
    if (plan->ops == NULL || plan->order == NULL || work == NULL)
        status = arc__fail_nomem(err);
    if (status == ARC_OK) {
        memcpy(plan->ops, batch->ops, count * sizeof(*plan->ops));
        for (size_t i = 0; i < count; i++) {
            if (plan->ops[i].verb == ARC_STORE_PUT &&
                plan->ops[i].expect_version == ARC_STORE_THERE)
                plan->ops[i].verb = ARC_PG_SET;
        }
        stage.seen = work;
        stage.touched = work + places;
        stage.next = stage.touched + count;
        status = plan_all(&stage, count, follow, err);
    }
    arc__free(mem, work);
    if (status != ARC_OK)
        arc__pg_plan_drop(mem, plan);
    return status;
}

void arc__pg_plan_doubt(struct arc_pg_plan *plan)
{
    for (size_t i = 0; i < plan->group_count; i++) {
        if (plan->groups[i].verb == ARC_PG_SET)
            plan->groups[i].verb = ARC_STORE_PUT;
    }
}

void arc__pg_plan_drop(const struct arc_mem *mem, struct arc_pg_plan *plan)
{
    arc__free(mem, plan->ops);
    arc__free(mem, plan->order);
    arc__free(mem, plan->groups);
    *plan = (struct arc_pg_plan){.ops = NULL};
}
