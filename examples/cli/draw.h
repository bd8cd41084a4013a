/* SPDX-License-Identifier: Apache-2.0 */
/* How a view looks: its lines, its tree and its table. */
#ifndef EXAMPLES_CLI_DRAW_H
#define EXAMPLES_CLI_DRAW_H

#include "cli/view.h"

void draw_log_line(struct view *view, const char *job, const char *step, const char *bytes,
                   size_t len);
void draw_step_line(struct view *view, const char *job, const struct view_step *step);
void draw_job_line(struct view *view, const struct view_job *job);

/* A table for people: cells are added row by row, and it is printed with its columns aligned. */
struct table {
    struct text cells; /* each ended by a NUL */
    size_t columns, count;
};
void table_add(struct table *table, const char *cell);
/* heads: the first row. Empty when there is no other row, but for the sentence `none`. */
void table_print(const struct table *table, const struct term *term, const char *none);
void table_deinit(struct table *table);

#endif
