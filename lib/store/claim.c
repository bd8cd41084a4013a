/* SPDX-License-Identifier: Apache-2.0 */
#include "store/claim.h"

#include "store/check.h"

struct arc_query arc__store_claim_query(const struct arc_claim *claim)
{
    struct arc_query query = {
        .table = claim->table, .filter_count = 1, .order_col = -1, .limit = claim->limit};
    query.filters[0] =
        (struct arc_filter){.col = claim->until_col, .op = ARC_FILTER_LE, .number = claim->now_ns};
    return query;
}

arc_status arc__store_claim_mark(const struct arc_mem *mem, const struct arc_claim *claim,
                                 const struct arc_rows *rows, struct arc_arena *arena,
                                 struct arc_store_op **ops, arc_err *err)
{
    const struct arc_table_def *def = arc__table_def(claim->table);
    arc_slice by = ARC_NONE;
    void *bytes = NULL;
    *ops = NULL;
    if (rows->count == 0)
        return ARC_OK;
    if (claim->by.len > 0) {
        ARC_TRY(arc__store_arena_take(arena, claim->by.len, &bytes, err));
        by = arc__slice(memcpy(bytes, claim->by.ptr, claim->by.len), claim->by.len);
    }
    *ops = arc__alloc_array(mem, rows->count, sizeof(**ops));
    if (*ops == NULL)
        return arc__fail_nomem(err);
    char *row = (char *)(uintptr_t)rows->rows; /* of the arena, so it may be written to */
    for (size_t i = 0; i < rows->count; i++, row += def->row_size) {
        arc__row_set_text(row, &def->cols[claim->by_col], by);
        arc__row_set_int(row, &def->cols[claim->until_col], claim->until_ns);
        if (def->version_col >= 0) {
            const struct arc_col_def *version = &def->cols[def->version_col];
            arc__row_set_int(row, version, arc__row_int(row, version) + 1);
        }
        (*ops)[i] = (struct arc_store_op){ARC_STORE_PUT, claim->table, row, 0};
    }
    return ARC_OK;
}
