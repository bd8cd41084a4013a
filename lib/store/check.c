/* SPDX-License-Identifier: Apache-2.0 */
#include "store/check.h"

#include <stdio.h>

#include "base/text.h"

static arc_status fail_value(const struct arc_table_def *def, const struct arc_col_def *col,
                             arc_status status, const char *why, arc_err *err)
{
    char subject[64];
    snprintf(subject, sizeof(subject), "%s.%s", def->name, col->name);
    return arc__fail(err, status, subject, "%s", why);
}

static arc_status check_text(const struct arc_table_def *def, const struct arc_col_def *col,
                             arc_slice text, arc_err *err)
{
    if (text.len == 0)
        return ARC_OK;
    if (text.ptr == NULL)
        return fail_value(def, col, ARC_EINVAL, "The value has a length but no bytes.", err);
    if (text.len > ARC_STORE_VALUE_MAX)
        return fail_value(def, col, ARC_ELIMIT, "The value is longer than a store takes.", err);
    if (col->type == ARC_COL_BLOB || arc__text_is_ascii(text))
        return ARC_OK;
    if (memchr(text.ptr, 0, text.len) != NULL)
        return fail_value(def, col, ARC_EINVAL, "A text may not hold a NUL byte.", err);
    if (!arc__utf8_valid(text, NULL))
        return fail_value(def, col, ARC_EINVAL, "The text is not valid UTF-8.", err);
    return ARC_OK;
}

static arc_status check_op(const struct arc_store_op *op, arc_err *err)
{
    if ((unsigned)op->table >= ARC_TABLE_COUNT || (unsigned)op->verb > ARC_STORE_DELETE ||
        op->row == NULL)
        return arc__fail(err, ARC_EINVAL, "batch", "%s", "An operation of the batch is not valid.");
    const struct arc_table_def *def = arc__table_def(op->table);
    if (op->verb == ARC_STORE_UPDATE && def->version_col < 0)
        return arc__fail(err, ARC_EINVAL, def->name, "%s",
                         "Rows of this table have no version to update by.");
    uint32_t count = op->verb == ARC_STORE_DELETE ? def->key_count : def->col_count;
    for (uint32_t i = 0; i < def->text_count && def->texts[i] < count; i++) {
        const struct arc_col_def *col = &def->cols[def->texts[i]];
        arc_slice text = arc__row_text(op->row, col);
        if (text.len > 0)
            ARC_TRY(check_text(def, col, text, err));
    }
    return ARC_OK;
}

/* Of a batch whose events follow: the next one is at *next, unless that is 0. */
static arc_status check_follow(const struct arc_store_op *op, int64_t *next, arc_err *err)
{
    if (op->table != ARC_TABLE_event || op->verb == ARC_STORE_DELETE)
        return ARC_OK;
    int64_t position = ((const struct arc_row_event *)op->row)->position;
    if (op->verb != ARC_STORE_INSERT || position <= 0 || (*next > 0 && position != *next))
        return arc__fail(err, ARC_EINVAL, "event.position", "%s",
                         "Events that follow are inserted at consecutive positions from 1 on.");
    *next = position + 1;
    return ARC_OK;
}

arc_status arc__store_check_batch(const struct arc_store_batch *batch, arc_err *err)
{
    ARC_REQUIRE(batch != NULL && (batch->ops != NULL || batch->count == 0), err, "batch");
    if (batch->count > ARC_STORE_BATCH_MAX)
        return arc__fail(err, ARC_ELIMIT, "batch", "A batch holds at most %d operations.",
                         ARC_STORE_BATCH_MAX);
    int64_t next = 0;
    for (size_t i = 0; i < batch->count; i++) {
        ARC_TRY(check_op(&batch->ops[i], err));
        if (batch->follow)
            ARC_TRY(check_follow(&batch->ops[i], &next, err));
    }
    return ARC_OK;
}

static arc_status check_filter(const struct arc_table_def *def, const struct arc_filter *filter,
                               arc_err *err)
{
    if (filter->col >= def->col_count || (unsigned)filter->op > ARC_FILTER_CONTAINS)
        return arc__fail(err, ARC_EINVAL, def->name, "%s", "A filter of the query is not valid.");
    const struct arc_col_def *col = &def->cols[filter->col];
    if (filter->op == ARC_FILTER_IN) {
        if (col->type != ARC_COL_INT || (filter->ints == NULL && filter->int_count != 0))
            return fail_value(def, col, ARC_EINVAL, "Only numbers can be looked for in a list.",
                              err);
        if (filter->int_count > ARC_STORE_IN_MAX)
            return fail_value(def, col, ARC_ELIMIT, "The list of numbers is too long.", err);
        return ARC_OK;
    }
    if (filter->op == ARC_FILTER_CONTAINS && col->type != ARC_COL_TEXT)
        return fail_value(def, col, ARC_EINVAL, "Only a text can contain another.", err);
    return col->type == ARC_COL_INT ? ARC_OK : check_text(def, col, filter->text, err);
}

arc_status arc__store_check_query(const struct arc_query *query, arc_err *err)
{
    ARC_REQUIRE(query != NULL && (unsigned)query->table < ARC_TABLE_COUNT, err, "query");
    const struct arc_table_def *def = arc__table_def(query->table);
    ARC_REQUIRE(query->filter_count <= ARC_QUERY_FILTERS_MAX, err, "query");
    ARC_REQUIRE(query->order_col >= -1 && query->order_col < (int32_t)def->col_count, err, "query");
    ARC_REQUIRE(query->limit <= INT64_MAX && query->offset <= INT64_MAX, err, "query");
    for (size_t i = 0; i < query->filter_count; i++)
        ARC_TRY(check_filter(def, &query->filters[i], err));
    return ARC_OK;
}

static int is_plain(const struct arc_table_def *def, uint32_t col, enum arc_col_type type)
{
    return col < def->col_count && def->cols[col].type == type &&
           def->cols[col].flags == ARC_COL_PLAIN;
}

arc_status arc__store_check_claim(const struct arc_claim *claim, arc_err *err)
{
    ARC_REQUIRE(claim != NULL && (unsigned)claim->table < ARC_TABLE_COUNT, err, "claim");
    const struct arc_table_def *def = arc__table_def(claim->table);
    ARC_REQUIRE(is_plain(def, claim->by_col, ARC_COL_TEXT), err, "claim");
    ARC_REQUIRE(is_plain(def, claim->until_col, ARC_COL_INT), err, "claim");
    ARC_REQUIRE(claim->until_ns > claim->now_ns && claim->limit > 0, err, "claim");
    if (claim->limit > ARC_STORE_CLAIM_MAX)
        return arc__fail(err, ARC_ELIMIT, "claim", "At most %d rows are claimed at once.",
                         ARC_STORE_CLAIM_MAX);
    return check_text(def, &def->cols[claim->by_col], claim->by, err);
}

arc_status arc__store_conflict(const struct arc_table_def *def, enum arc_store_verb verb,
                               arc_err *err)
{
    return arc__fail(err, ARC_ECONFLICT, def->name, "%s",
                     verb == ARC_STORE_UPDATE
                         ? "The row is not there any more in the version that was read."
                         : "A row with the same key or the same unique value is there already.");
}

arc_status arc__store_arena_take(struct arc_arena *arena, size_t size, void **out, arc_err *err)
{
    void *taken = arc__arena_alloc(arena, size);
    if (taken == NULL) {
        size_t left = arena->max_bytes - arena->used_bytes;
        if (left < 16 || size > left - left % 16) /* pieces are rounded up to 16 bytes */
            return arc__fail(err, ARC_ELIMIT, "query", "%s",
                             "The rows need more memory than the query may use.");
        return arc__fail_nomem(err);
    }
    *out = taken;
    return ARC_OK;
}
