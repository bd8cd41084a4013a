/* SPDX-License-Identifier: Apache-2.0 */
#include "port/tables.h"

/* clang-format off */
#define COL(table, type, name, flags)                                                              \
    {#name, ARC_COL_##type, (flags), (uint32_t)offsetof(struct arc_row_##table, name)},
#define COLS(table) static const struct arc_col_def cols_##table[] = {ARC_COLS_##table(COL)};
ARC_TABLES(COLS)

#define TEXT_OF_TEXT(number) number,
#define TEXT_OF_BLOB(number) number,
#define TEXT_OF_INT(number)
#define TEXT_COL(table, type, name, flags) TEXT_OF_##type(ARC_COL_##table##_##name)
#define TEXTS(table) static const uint16_t texts_##table[] = {ARC_COLS_##table(TEXT_COL)};
ARC_TABLES(TEXTS)

#define IS_KEY(table, type, name, flags) +((flags)&ARC_COL_KEY)
#define VERSION_OF(table, type, name, flags) +(((flags)&ARC_COL_VERSION) != 0 ? ARC_COL_##table##_##name + 1 : 0)
#define TABLE(table)                                                                               \
    {#table, cols_##table, ARC_COL_##table##_COUNT, 0 ARC_COLS_##table(IS_KEY),                    \
     (0 ARC_COLS_##table(VERSION_OF)) - 1, (uint32_t)sizeof(struct arc_row_##table),                    \
     (uint32_t)(sizeof(texts_##table) / sizeof(texts_##table[0])), texts_##table},
static const struct arc_table_def tables[ARC_TABLE_COUNT] = {ARC_TABLES(TABLE)};
/* clang-format on */

static const struct arc_listing listings[] = {
    {.table = ARC_TABLE_pipeline_run,
     .cols = {ARC_COL_pipeline_run_pipeline_id, ARC_COL_pipeline_run_id},
     .count = 2,
     .only_col = -1},
    {.table = ARC_TABLE_pipeline_run,
     .cols = {ARC_COL_pipeline_run_status, ARC_COL_pipeline_run_pipeline_id,
              ARC_COL_pipeline_run_id},
     .count = 3,
     .only_col = -1},
    {.table = ARC_TABLE_pipeline_run,
     .cols = {ARC_COL_pipeline_run_branch, ARC_COL_pipeline_run_pipeline_id,
              ARC_COL_pipeline_run_id},
     .count = 3,
     .only_col = -1,
     .has_value = 1},
    {.table = ARC_TABLE_pipeline,
     .cols = {ARC_COL_pipeline_project_id, ARC_COL_pipeline_id},
     .count = 2,
     .only_col = -1},
    {.table = ARC_TABLE_step_run,
     .cols = {ARC_COL_step_run_pipeline_id, ARC_COL_step_run_id},
     .count = 2,
     .only_col = -1},
    {.table = ARC_TABLE_job_run,
     .cols = {ARC_COL_job_run_queued_at_ns, ARC_COL_job_run_id},
     .count = 2,
     .only_col = ARC_COL_job_run_status,
     .only = ARC_JOB_RUN_WAITS,
     .of_shared = 1},
    {.table = ARC_TABLE_job_run,
     .cols = {ARC_COL_job_run_status, ARC_COL_job_run_agent_id, ARC_COL_job_run_id},
     .count = 3,
     .only_col = -1,
     .of_shared = 1},
};

const struct arc_listing *arc__listing(size_t index)
{
    return index < sizeof(listings) / sizeof(listings[0]) ? &listings[index] : NULL;
}

const struct arc_table_def *arc__table_def(enum arc_table table)
{
    return &tables[table];
}
