/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of PipelineService share. */
#ifndef ARC_COMMAND_PIPELINE_H
#define ARC_COMMAND_PIPELINE_H

#include "command/definition.h"

/* The pipeline that was found, if the caller may see it; else the op has ended: NULL. */
const struct arc_row_pipeline *arc__pipeline_row(struct arc_op *op, const struct arc_rows *rows);
arc_status arc__pipeline_find(struct arc_op *op, const char *id, arc_op_rows rows, arc_err *err);
const char *arc__pipeline_status_word(int state);
/* The run that was found, if the caller may see it and it is of this pipeline ("": any). */
const struct arc_row_pipeline_run *arc__run_row(struct arc_op *op, const struct arc_rows *rows,
                                                const char *pipeline_id);
/* HTTP's answer to a definition that is valid: jobsCount, warnings, diagnostics, plan. */
arc_status arc__validate_show(struct arc_op *op, struct arc_definition *definition, arc_slice plan,
                              arc_err *err);

#endif
