/* SPDX-License-Identifier: Apache-2.0 */
/* A step run that has ended is deleted: it is hidden, and what happened in its run stays. That its
 * run may be over is why the event is in a stream of its own. */
#include "engine/engine_private.h"
#include "engine/project.h"

static arc_status find_row(struct arc_engine *engine, struct cmd_box *box,
                           struct arc_row_step_run *out, arc_err *err)
{
    struct load *load = &box->loads[0];
    struct arc_query query = {.table = ARC_TABLE_step_run, .filter_count = 1, .order_col = -1};
    query.filters[0] = arc__eq_text(ARC_COL_step_run_id, box->cmd.u.step.step_run_id);
    ARC_TRY(arc__load(engine, load, &query, err));
    const struct arc_row_step_run *row = load->rows.rows;
    if (load->rows.count == 0 || row->deleted_at_ns != 0)
        return arc__fail(err, ARC_ENOTFOUND, "stepRun", "There is no step run with this id.");
    *out = *row;
    return ARC_OK;
}

arc_status arc__do_step_delete(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    struct arc_row_step_run row;
    ARC_TRY(find_row(engine, box, &row, err));
    if (!arc_step_state_is_terminal((int)row.status))
        return arc__fail(err, ARC_ECONFLICT, "step",
                         "The step run is %s: only one that has ended can be deleted.",
                         arc_step_state_name((int)row.status));
    struct arc_event event = {.type = ARC_EVENT_STEP_DELETED,
                              .seq = 1,
                              .pipeline_id = row.pipeline_id,
                              .job_id = arc__turn_copy(engine, row.job_id),
                              .job_name = arc__turn_copy(engine, row.job_name),
                              .step_run_id = arc__turn_copy(engine, row.id),
                              .step_name = arc__turn_copy(engine, row.name),
                              .actor = box->cmd.actor,
                              .state = (int32_t)row.status,
                              .previous = (int32_t)row.status};
    ARC_TRY(arc__turn_event(engine, event, event.step_run_id, err));
    arc__project_deleted(engine->now.wall_ns, &row); /* the time of the event */
    return arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_step_run, &row, 0, err);
}
