/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as messages. Whatever more than one method shows is made here, so that a pipeline looks the
 * same wherever it appears. All texts are copied into the arena; check arena->failed at the end. */
#ifndef ARC_COMMAND_SHOW_H
#define ARC_COMMAND_SHOW_H

#include "command/op.h"
#include "messages.h"
#include "spec/spec.h"

void arc__show_pipeline(Pipeline__V1__PipelineDetail *out, const struct arc_row_pipeline *row,
                        struct arc_arena *arena);
void arc__show_run(Pipeline__V1__PipelineRunDetail *out, const struct arc_row_pipeline_run *row,
                   struct arc_now now, struct arc_arena *arena);
void arc__show_job(Control__V1__JobRunDetail *out, const struct arc_row_job_run *row,
                   struct arc_now now, struct arc_arena *arena);
void arc__show_step(Steprun__V1__StepRunDetail *out, const struct arc_row_step_run *row,
                    struct arc_now now, struct arc_arena *arena);
/* Findings as messages of a reply's repeated field. */
void arc__show_diags(void *reply, const char *field, const struct arc_diags *diags,
                     struct arc_arena *arena);

/* Milliseconds from start to end, or to now; 0 before the start. */
int64_t arc__show_duration_ms(int64_t started_ns, int64_t ended_ns, struct arc_now now);
int64_t arc__show_seconds(int64_t ns);
int32_t arc__show_i32(int64_t value); /* clamped */
/* A JSON object of texts into a map field; what is damaged is left out. */
void arc__show_map(void *message, const char *field, arc_slice json, struct arc_arena *arena);
/* JSON as a Struct; NULL where it is empty or damaged. */
Google__Protobuf__Struct *arc__show_struct(arc_slice json, struct arc_arena *arena);
/* The inverse of show_map, in sorted order. ARC_NONE when the arena refuses. */
arc_slice arc__bind_map(const void *message, const char *field, struct arc_arena *arena,
                        const struct arc_mem *mem);
/* The same as key-values, sorted by key. */
arc_status arc__bind_kvs(const void *message, const char *field, struct arc_arena *arena,
                         struct arc_kvs *out, arc_err *err);

/* Of a list, so that it costs the same however long it is: rows that are counted for its total, and
 * that a page by number may lie behind. */
#define ARC_TOTAL_MAX 10000
/* page and pageSize of a list: 1 and 20 when 0. ARC_EINVAL out of bounds. */
#define ARC_PAGE_SIZE 20
#define ARC_PAGE_SIZE_MAX 100
arc_status arc__page_bind(int32_t *page, int32_t *page_size, struct arc_query *query, arc_err *err);
/* Where the next page begins: behind this key, and the total that the first page has said, so that
 * it is counted once. */
char *arc__page_cursor(arc_slice key, int64_t total, struct arc_arena *arena);
/* The page behind a cursor of the same list, which is not counted: *behind borrows from it.
 * ARC_EINVAL: it is no cursor. */
arc_status arc__page_go_on(const char *cursor, struct arc_query *query, arc_slice *behind,
                           int64_t *total, arc_err *err);

#endif
