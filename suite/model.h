/* SPDX-License-Identifier: Apache-2.0 */
/* The naive store: a list of rows that is searched and sorted from the text of the port's manual.
 * It shares no code with any store, so that agreeing with it means something. */
#ifndef ARC_SUITE_MODEL_H
#define ARC_SUITE_MODEL_H

#include <arcentra/sys/store.h>

#define MODEL_ROWS_MAX 4096

struct model {
    void *rows[ARC_TABLE_COUNT][MODEL_ROWS_MAX]; /* copies; texts are borrowed for ever */
    size_t counts[ARC_TABLE_COUNT];
};

struct model *arc__model_new(void);
void arc__model_free(struct model *model);
/* ARC_OK or ARC_ECONFLICT: nothing happened. */
arc_status arc__model_commit(struct model *model, const struct arc_store_op *ops, size_t count);
/* The rows as pointers, at most max of them; answers how many. */
size_t arc__model_query(struct model *model, const struct arc_query *query, const void **out,
                        size_t max, int64_t *total);
/* 1: the same values in all columns. */
int arc__model_same(const struct arc_table_def *def, const void *a, const void *b);

#endif
