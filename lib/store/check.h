/* SPDX-License-Identifier: Apache-2.0 */
/* What every store asks of a batch and of a query before it does anything, so that all of them
 * refuse the same things with the same words. What must stay true: a batch that passed here fails
 * later only because of what is stored or because of the machine.
 *
 * TEXT is UTF-8 without NUL (one of the stores could not keep a NUL, so none does); BLOB may hold
 * anything. A slice of length 0 is the empty value, whatever its pointer is. */
#ifndef ARC_STORE_CHECK_H
#define ARC_STORE_CHECK_H

#include "base/err.h"
#include "port/store.h"

static inline arc_slice arc__row_text(const void *row, const struct arc_col_def *col)
{
    arc_slice text;
    memcpy(&text, (const char *)row + col->offset, sizeof(text));
    return text;
}

static inline int64_t arc__row_int(const void *row, const struct arc_col_def *col)
{
    int64_t number;
    memcpy(&number, (const char *)row + col->offset, sizeof(number));
    return number;
}

static inline void arc__row_set_text(void *row, const struct arc_col_def *col, arc_slice text)
{
    memcpy((char *)row + col->offset, &text, sizeof(text));
}

static inline void arc__row_set_int(void *row, const struct arc_col_def *col, int64_t number)
{
    memcpy((char *)row + col->offset, &number, sizeof(number));
}

/* ARC_EINVAL (the subject is "table.column" where a value is at fault), ARC_ELIMIT. */
arc_status arc__store_check_batch(const struct arc_store_batch *batch, arc_err *err);
arc_status arc__store_check_query(const struct arc_query *query, arc_err *err);

arc_status arc__store_check_claim(const struct arc_claim *claim, arc_err *err);

/* The words for a refused operation: ARC_ECONFLICT with the table as the subject. */
arc_status arc__store_conflict(const struct arc_table_def *def, enum arc_store_verb verb,
                               arc_err *err);

/* Memory for rows of a query. ARC_ELIMIT at the ceiling of the arena, else ARC_ENOMEM. */
arc_status arc__store_arena_take(struct arc_arena *arena, size_t size, void **out, arc_err *err);

#endif
