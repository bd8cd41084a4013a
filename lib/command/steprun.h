/* SPDX-License-Identifier: Apache-2.0 */
/* How step runs are found, for all who show something of one. */
#ifndef ARC_COMMAND_STEPRUN_H
#define ARC_COMMAND_STEPRUN_H

#include "command/show.h"

/* The row that was found, or the op has ended: NULL. */
const struct arc_row_step_run *arc__step_row(struct arc_op *op, const struct arc_rows *rows);
/* The same for those that name its pipeline and job as well; "" is any. */
const struct arc_row_step_run *arc__step_row_of(struct arc_op *op, const struct arc_rows *rows,
                                                const char *pipeline_id, const char *job_id);
/* Asks for the step run's run, where the project stands … */
void arc__step_run_find(struct arc_op *op, const struct arc_row_step_run *row, arc_op_rows rows);
/* … and says whether the caller may see it; else the op has ended. */
int arc__step_run_visible(struct arc_op *op, const struct arc_rows *rows);

#endif
