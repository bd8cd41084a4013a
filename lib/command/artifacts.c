/* SPDX-License-Identifier: Apache-2.0 */
/* StepRunService: what a step run has kept. Records only: where the bytes are is between the agent
 * and the artifact's destination. */
#include "command/handlers.h"
#include "command/show.h"
#include "command/steprun.h"

#define SHOWN_MAX 1000

struct list_state {
    const struct arc_row_step_run *row;
};

static void list_found(struct arc_op *op, const struct arc_rows *rows)
{
    Steprun__V1__ListStepRunArtifactsResponse *reply = arc__op_reply_new(op);
    const struct arc_row_step_run_artifact *row = rows->rows;
    for (size_t i = 0; reply != NULL && i < rows->count; i++) {
        Steprun__V1__Artifact *item = arc__pb_add(reply, "artifacts", &op->arena);
        if (item == NULL)
            break; /* the arena remembers */
        item->artifact_id = arc__pb_string(&op->arena, row[i].id);
        item->name = arc__pb_string(&op->arena, row[i].name);
        item->path = arc__pb_string(&op->arena, row[i].path);
        item->size = row[i].size;
        item->created_at = arc__show_seconds(row[i].created_at_ns);
        item->expire_at = arc__show_seconds(row[i].expire_at_ns);
    }
    arc__op_reply(op);
}

static void list_ask(struct arc_op *op)
{
    const struct list_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    struct arc_query query = {.table = ARC_TABLE_step_run_artifact,
                              .order_col = ARC_COL_step_run_artifact_created_at_ns,
                              .limit = SHOWN_MAX,
                              .filter_count = 1};
    query.filters[0] =
        (struct arc_filter){.col = ARC_COL_step_run_artifact_step_run_id, .text = state->row->id};
    arc_status status = arc__op_query(op, &query, &op->arena, list_found, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static void run_found(struct arc_op *op, const struct arc_rows *rows)
{
    if (arc__step_run_visible(op, rows))
        list_ask(op);
}

static void step_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct list_state *state = op->state;
    state->row = arc__step_row(op, rows);
    if (state->row != NULL)
        arc__step_run_find(op, state->row, run_found);
}

static arc_status list_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Steprun__V1__ListStepRunArtifactsRequest *request = message;
    return arc__op_find(op, ARC_TABLE_step_run, request->step_run_id, "step run", step_found, err);
}

const struct arc_handler arc__steprun_artifacts = {.state_size = sizeof(struct list_state),
                                                   .begin = list_begin};
