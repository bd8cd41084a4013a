/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_code.h"

#include "store/check.h"

/* Types by the numbers that every server has for them. */
#define OID_BYTEA 17u
#define OID_INT8 20u
#define OID_TEXT 25u

static char *put32(char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(unsigned char)(number >> (24 - 8 * i));
    return at + 4;
}

static char *put64(char *at, uint64_t number)
{
    return put32(put32(at, (uint32_t)(number >> 32)), (uint32_t)number);
}

int64_t arc__pg_read_int(arc_slice value)
{
    uint64_t number = 0;
    for (size_t i = 0; value.len == 8 && i < 8; i++)
        number = number << 8 | (unsigned char)value.ptr[i];
    return (int64_t)number;
}

void arc__pg_params_begin(struct arc_pg_params *params)
{
    params->count = 0;
    arc__buf_clear(&params->bytes);
}

/* Room for the next parameter. NULL: the buffer has failed. */
static char *next(struct arc_pg_params *params, size_t size)
{
    params->places[params->count] = params->bytes.len;
    params->lengths[params->count] = (int)size;
    params->formats[params->count] = 1;
    params->count++;
    char *at = arc__buf_reserve(&params->bytes, size + 1); /* so that none begins at the end */
    if (at != NULL)
        arc__buf_commit(&params->bytes, size);
    return at;
}

void arc__pg_params_int(struct arc_pg_params *params, int64_t number)
{
    char *at = next(params, 8);
    if (at != NULL)
        (void)put64(at, (uint64_t)number);
}

void arc__pg_params_text(struct arc_pg_params *params, arc_slice text)
{
    char *at = next(params, text.len);
    if (at != NULL && text.len > 0)
        memcpy(at, text.ptr, text.len);
}

static char *put_head(char *at, uint32_t type, size_t count)
{
    at = put32(at, 1); /* dimensions */
    at = put32(at, 0); /* nothing is NULL */
    at = put32(at, type);
    at = put32(at, (uint32_t)count);
    return put32(at, 1); /* the first one has the number 1 */
}

void arc__pg_params_ints(struct arc_pg_params *params, const int64_t *numbers, size_t count)
{
    char *at = next(params, 20 + 12 * count);
    if (at == NULL)
        return;
    at = put_head(at, OID_INT8, count);
    for (size_t i = 0; i < count; i++)
        at = put64(put32(at, 8), (uint64_t)numbers[i]);
}

static const struct arc_store_op *op_at(const struct arc_pg_plan *plan,
                                        const struct arc_pg_group *group, uint32_t at)
{
    return &plan->ops[plan->order[group->first + at]];
}

static void add_ints(struct arc_pg_params *params, const struct arc_pg_plan *plan,
                     const struct arc_pg_group *group, const struct arc_col_def *col)
{
    char *at = next(params, 20 + 12 * (size_t)group->count);
    if (at == NULL)
        return;
    at = put_head(at, OID_INT8, group->count);
    for (uint32_t i = 0; i < group->count; i++) {
        const struct arc_store_op *op = op_at(plan, group, i);
        int64_t number = col != NULL ? arc__row_int(op->row, col) : op->expect_version;
        at = put64(put32(at, 8), (uint64_t)number);
    }
}

static void add_texts(struct arc_pg_params *params, const struct arc_pg_plan *plan,
                      const struct arc_pg_group *group, const struct arc_col_def *col)
{
    size_t size = 20;
    for (uint32_t i = 0; i < group->count; i++)
        size += 4 + arc__row_text(op_at(plan, group, i)->row, col).len;
    char *at = next(params, size);
    if (at == NULL)
        return;
    at = put_head(at, col->type == ARC_COL_BLOB ? OID_BYTEA : OID_TEXT, group->count);
    for (uint32_t i = 0; i < group->count; i++) {
        arc_slice text = arc__row_text(op_at(plan, group, i)->row, col);
        at = put32(at, (uint32_t)text.len);
        if (text.len > 0)
            memcpy(at, text.ptr, text.len);
        at += text.len;
    }
}

#define COUNT_FITS(table) \
    _Static_assert(ARC_COL_##table##_COUNT + 2 <= ARC_PG_PARAMS_MAX, "too few places");
ARC_TABLES(COUNT_FITS)

void arc__pg_params_group(struct arc_pg_params *params, const struct arc_pg_plan *plan,
                          const struct arc_pg_group *group)
{
    const struct arc_table_def *def = arc__table_def(group->table);
    uint32_t count = group->verb == ARC_STORE_DELETE ? def->key_count : def->col_count;
    arc__pg_params_begin(params);
    for (uint32_t i = 0; i < count; i++) {
        if (group->verb == ARC_PG_SET && (def->cols[i].flags & ARC_COL_FIXED) != 0)
            continue;
        if (def->cols[i].type == ARC_COL_INT)
            add_ints(params, plan, group, &def->cols[i]);
        else
            add_texts(params, plan, group, &def->cols[i]);
    }
    if (group->verb == ARC_STORE_UPDATE)
        add_ints(params, plan, group, NULL);
    if (group->verb == ARC_STORE_UPDATE || group->verb == ARC_PG_SET)
        arc__pg_params_int(params, group->count);
}

arc_status arc__pg_params_end(struct arc_pg_params *params, arc_err *err)
{
    ARC_TRY(arc__buf_check(&params->bytes, err));
    for (int i = 0; i < params->count; i++)
        params->values[i] = params->bytes.ptr + params->places[i];
    return ARC_OK;
}
