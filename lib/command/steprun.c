/* SPDX-License-Identifier: Apache-2.0 */
/* StepRunService: reading step runs; and how a step run is found for somebody who may see it. */
#include "command/steprun.h"

#include "command/handlers.h"

/* --- find ---------------------------------------------------------------------------------------
 */

static void refuse_absent(struct arc_op *op)
{
    arc__op_refuse_text(op, ARC_ENOTFOUND, "stepRun", "There is no step run with this id.");
}

const struct arc_row_step_run *arc__step_row(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_step_run *row = rows->rows;
    if (rows->count == 0 || row->deleted_at_ns != 0) {
        refuse_absent(op);
        return NULL;
    }
    return row;
}

const struct arc_row_step_run *arc__step_row_of(struct arc_op *op, const struct arc_rows *rows,
                                                const char *pipeline_id, const char *job_id)
{
    const struct arc_row_step_run *row = arc__step_row(op, rows);
    if (row == NULL || ((pipeline_id[0] == '\0' || arc__slice_is(row->pipeline_id, pipeline_id)) &&
                        (job_id[0] == '\0' || arc__slice_is(row->job_id, job_id))))
        return row;
    refuse_absent(op);
    return NULL;
}

/* --- get ----------------------------------------------------------------------------------------
 */

struct get_state {
    const struct arc_row_step_run *row;
};

static void get_show(struct arc_op *op)
{
    const struct get_state *state = op->state;
    Steprun__V1__GetStepRunResponse *reply = arc__op_reply_new(op);
    if (reply != NULL)
        reply->step_run = ARC_PB_NEW(&op->arena, Steprun__V1__StepRunDetail,
                                     steprun__v1__step_run_detail__descriptor);
    if (reply != NULL && reply->step_run != NULL)
        arc__show_step(reply->step_run, state->row, arc__op_now(op), &op->arena);
    arc__op_reply(op);
}

static void get_run_found(struct arc_op *op, const struct arc_rows *rows)
{
    if (arc__step_run_visible(op, rows))
        get_show(op);
}

static void get_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct get_state *state = op->state;
    state->row = arc__step_row(op, rows);
    if (state->row == NULL)
        return;
    if (op->principal.project_id[0] == '\0')
        get_show(op);
    else
        arc__step_run_find(op, state->row, get_run_found);
}

static arc_status get_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Steprun__V1__GetStepRunRequest *request = message;
    return arc__op_find(op, ARC_TABLE_step_run, request->step_run_id, "step run", get_found, err);
}

const struct arc_handler arc__steprun_get = {.state_size = sizeof(struct get_state),
                                             .begin = get_begin};

/* A step run has no project of its own; its run has. */
void arc__step_run_find(struct arc_op *op, const struct arc_row_step_run *row, arc_op_rows rows)
{
    arc_err err = ARC_ERR_INIT;
    char *id = arc__arena_strdup(&op->arena, row->run_id);
    arc_status status = id != NULL ? arc__op_find(op, ARC_TABLE_pipeline_run, id, "run", rows, &err)
                                   : arc__fail_nomem(&err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

int arc__step_run_visible(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_pipeline_run *run = rows->rows;
    if (rows->count > 0 && arc__principal_sees(&op->principal, run->project_id))
        return 1;
    refuse_absent(op);
    return 0;
}

/* --- list ---------------------------------------------------------------------------------------
 */

struct list_state {
    const Steprun__V1__ListStepRunsRequest *request;
    struct arc_query query;
    int32_t page, page_size;
};

static void list_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct list_state *state = op->state;
    Steprun__V1__ListStepRunsResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        const struct arc_row_step_run *row = rows->rows;
        for (size_t i = 0; i < rows->count; i++) {
            Steprun__V1__StepRunDetail *item = arc__pb_add(reply, "step_runs", &op->arena);
            if (item != NULL)
                arc__show_step(item, &row[i], arc__op_now(op), &op->arena);
        }
        reply->total = arc__show_i32(rows->total);
        reply->page = state->page;
        reply->page_size = state->page_size;
    }
    arc__op_reply(op);
}

static void list_ask(struct arc_op *op)
{
    const struct list_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__op_query(op, &state->query, &op->arena, list_found, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static void list_run_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct list_state *state = op->state;
    const struct arc_row_pipeline_run *row = rows->rows;
    if (rows->count == 0 || !arc__principal_sees(&op->principal, row->project_id) ||
        (state->request->pipeline_id[0] != '\0' &&
         !arc__slice_is(row->pipeline_id, state->request->pipeline_id)))
        arc__op_refuse_text(op, ARC_ENOTFOUND, "run", "There is no run with this id.");
    else
        list_ask(op);
}

static void list_pipeline_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_pipeline *row = rows->rows;
    if (rows->count == 0 || !arc__principal_sees(&op->principal, row->project_id))
        arc__op_refuse_text(op, ARC_ENOTFOUND, "pipeline", "There is no pipeline with this id.");
    else
        list_ask(op);
}

static arc_status list_sort(const Steprun__V1__ListStepRunsRequest *request,
                            struct arc_query *query, arc_err *err)
{
    static const struct {
        const char *name;
        int32_t col;
    } columns[] = {
        {"createdAt", ARC_COL_step_run_created_at_ns},
        {"startedAt", ARC_COL_step_run_started_at_ns},
        {"finishedAt", ARC_COL_step_run_ended_at_ns},
        {"created_at", ARC_COL_step_run_created_at_ns},
        {"started_at", ARC_COL_step_run_started_at_ns},
        {"finished_at", ARC_COL_step_run_ended_at_ns},
        {"jobName", ARC_COL_step_run_job_name},
        {"job_name", ARC_COL_step_run_job_name},
        {"stepName", ARC_COL_step_run_name},
        {"step_name", ARC_COL_step_run_name},
        {"status", ARC_COL_step_run_status},
    };
    query->descending = request->sort_desc != 0;
    if (request->sort_by[0] == '\0')
        return ARC_OK;
    for (size_t i = 0; i < ARC_COUNT_OF(columns); i++) {
        if (strcmp(columns[i].name, request->sort_by) == 0) {
            query->order_col = columns[i].col;
            return ARC_OK;
        }
    }
    return arc__fail(err, ARC_EINVAL, "sortBy",
                     "sortBy is one of createdAt, startedAt, finishedAt, jobName, stepName and "
                     "status.");
}

static arc_status list_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Steprun__V1__ListStepRunsRequest *request = message;
    struct list_state *state = op->state;
    struct arc_query *query = &state->query;
    const struct {
        uint32_t col;
        const char *text;
    } texts[] = {
        {ARC_COL_step_run_pipeline_id, request->pipeline_id},
        {ARC_COL_step_run_run_id, request->pipeline_run_id},
        {ARC_COL_step_run_job_id, request->job_id},
        {ARC_COL_step_run_job_name, request->job_name},
        {ARC_COL_step_run_name, request->step_name},
        {ARC_COL_step_run_agent_id, request->agent_id},
    };
    /* In the order of making, which is the order of the plan. */
    *query = (struct arc_query){.table = ARC_TABLE_step_run, .order_col = -1};
    query->filters[query->filter_count++] =
        (struct arc_filter){.col = ARC_COL_step_run_deleted_at_ns, .number = 0};
    state->request = request;
    state->page = request->page;
    state->page_size = request->page_size;
    ARC_TRY(arc__page_bind(&state->page, &state->page_size, query, err));
    ARC_TRY(list_sort(request, query, err));
    for (size_t i = 0; i < ARC_COUNT_OF(texts); i++) {
        if (texts[i].text[0] != '\0')
            query->filters[query->filter_count++] =
                (struct arc_filter){.col = texts[i].col, .text = arc__slice_cstr(texts[i].text)};
    }
    if (request->status != 0)
        query->filters[query->filter_count++] =
            (struct arc_filter){.col = ARC_COL_step_run_status, .number = (int64_t)request->status};
    if (request->pipeline_run_id[0] != '\0')
        return arc__op_find(op, ARC_TABLE_pipeline_run, request->pipeline_run_id, "run",
                            list_run_found, err);
    if (request->pipeline_id[0] != '\0')
        return arc__op_find(op, ARC_TABLE_pipeline, request->pipeline_id, "pipeline",
                            list_pipeline_found, err);
    if (op->principal.project_id[0] != '\0')
        return arc__fail(err, ARC_EINVAL, "pipelineId",
                         "A token of one project names the pipeline or the run.");
    list_ask(op);
    return ARC_OK;
}

const struct arc_handler arc__steprun_list = {.state_size = sizeof(struct list_state),
                                              .begin = list_begin};
