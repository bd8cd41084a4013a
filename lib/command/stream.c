/* SPDX-License-Identifier: Apache-2.0 */
/* StreamService.StreamStepRunStatus: the present state of the step runs that are asked for, then
 * every change of them. Ends where ids of step runs or of a run were given and all is over. */
#include "base/time.h"
#include "command/follow.h"
#include "command/handlers.h"
#include "command/pipeline.h"
#include "command/steprun.h"

#define PAGE_ROWS 200u

enum steps_phase { STEPS_LOOK, STEPS_SNAPSHOT, STEPS_LIVE };

struct steps_state {
    const Stream__V1__StreamStepRunStatusRequest *request;
    struct arc_follow follow;
    enum steps_phase phase;
    int asking; /* a query is under way */
    /* the snapshot: step runs by id one by one, or pages in the order of ids */
    size_t id_at;
    const struct arc_row_step_run *rows;
    size_t row_at, row_count;
    int last_page;
    char last_id[129];
    /* what is to end before the stream does */
    uint8_t ended[ARC_OP_IDS_MAX];
    size_t open;
    int run_over;
};

/* --- messages -----------------------------------------------------------------------------------
 */

static Stream__V1__StreamStepRunStatusResponse *row_show(const struct arc_op *op,
                                                         const struct arc_row_step_run *row,
                                                         int64_t position, struct arc_arena *arena)
{
    Stream__V1__StreamStepRunStatusResponse *out =
        ARC_PB_NEW(arena, Stream__V1__StreamStepRunStatusResponse,
                   stream__v1__stream_step_run_status_response__descriptor);
    if (out == NULL)
        return NULL;
    out->step_run_id = arc__pb_string(arena, row->id);
    out->pipeline_id = arc__pb_string(arena, row->pipeline_id);
    out->pipeline_run_id = arc__pb_string(arena, row->run_id);
    out->job_id = arc__pb_string(arena, row->job_id);
    out->job_name = arc__pb_string(arena, row->job_name);
    out->step_name = arc__pb_string(arena, row->name);
    out->status = (Steprun__V1__StepRunStatus)row->status;
    int64_t time_ns = row->ended_at_ns     ? row->ended_at_ns
                      : row->started_at_ns ? row->started_at_ns
                                           : row->created_at_ns;
    out->timestamp = arc__show_seconds(time_ns);
    out->time_ns = time_ns;
    out->agent_id = arc__pb_string(arena, row->agent_id);
    out->exit_code = arc__show_i32(row->exit_code);
    out->error_message = arc__pb_string(arena, row->error_message);
    out->duration = arc__show_duration_ms(row->started_at_ns, row->ended_at_ns, arc__op_now(op));
    arc__show_map(out, "metrics", row->metrics, arena);
    out->snapshot = 1;
    out->cursor = arc__follow_cursor(position, arena);
    return out;
}

static const struct arc_step_state *live_step(struct arc_op *op, const struct arc_event *event,
                                              arc_slice *agent_id)
{
    const struct arc_run *run = arc__engine_live_run(op->engine, event->run_id);
    uint32_t job = 0, step = 0;
    if (run == NULL || !arc__run_find_step(run, event->step_run_id, &job, &step))
        return NULL;
    *agent_id = run->jobs[job].agent_id;
    return &run->jobs[job].steps[step];
}

static Stream__V1__StreamStepRunStatusResponse *
event_show(struct arc_op *op, const struct arc_event *event, struct arc_arena *arena)
{
    Stream__V1__StreamStepRunStatusResponse *out =
        ARC_PB_NEW(arena, Stream__V1__StreamStepRunStatusResponse,
                   stream__v1__stream_step_run_status_response__descriptor);
    if (out == NULL)
        return NULL;
    arc_slice agent_id = event->agent_id, present = ARC_NONE;
    const struct arc_step_state *step = live_step(op, event, &present);
    out->step_run_id = arc__pb_string(arena, event->step_run_id);
    out->pipeline_id = arc__pb_string(arena, event->pipeline_id);
    out->pipeline_run_id = arc__pb_string(arena, event->run_id);
    out->job_id = arc__pb_string(arena, event->job_id);
    out->job_name = arc__pb_string(arena, event->job_name);
    out->step_name = arc__pb_string(arena, event->step_name);
    out->status = (Steprun__V1__StepRunStatus)event->state;
    out->previous_status = (Steprun__V1__StepRunStatus)event->previous;
    out->timestamp = arc__show_seconds(event->time_ns);
    out->time_ns = event->time_ns;
    out->agent_id = arc__pb_string(arena, agent_id.len > 0 ? agent_id : present);
    out->exit_code = event->exit_code;
    out->error_message = arc__pb_string(arena, event->error_message);
    if (step != NULL && step->started_ns > 0 && event->time_ns > step->started_ns)
        out->duration = (event->time_ns - step->started_ns) / ARC_NS_PER_MS;
    arc__show_map(out, "metrics", event->metrics, arena);
    out->cursor = arc__follow_cursor(event->position, arena);
    return out;
}

/* --- the filter ---------------------------------------------------------------------------------
 */

static int passes_text(const char *want, arc_slice have)
{
    return want[0] == '\0' || arc__slice_is(have, want);
}

static int id_index(const struct steps_state *state, arc_slice id, size_t *at)
{
    for (size_t i = 0; i < state->request->n_step_run_ids; i++) {
        if (arc__slice_is(id, state->request->step_run_ids[i])) {
            *at = i;
            return 1;
        }
    }
    return 0;
}

static int passes(const struct steps_state *state, arc_slice id, arc_slice pipeline_id,
                  arc_slice run_id, arc_slice job_id, arc_slice job_name)
{
    const Stream__V1__StreamStepRunStatusRequest *request = state->request;
    size_t at = 0;
    return (request->n_step_run_ids == 0 || id_index(state, id, &at)) &&
           passes_text(request->pipeline_id, pipeline_id) &&
           passes_text(request->pipeline_run_id, run_id) && passes_text(request->job_id, job_id) &&
           passes_text(request->job_name, job_name);
}

static void note_end(struct steps_state *state, arc_slice id, int64_t status)
{
    size_t at = 0;
    if (!arc_step_state_is_terminal((int)status) || !id_index(state, id, &at) || state->ended[at])
        return;
    state->ended[at] = 1;
    state->open--;
}

static int all_over(const struct steps_state *state)
{
    if (state->request->n_step_run_ids > 0)
        return state->open == 0 || state->run_over;
    return state->request->pipeline_run_id[0] != '\0' && state->run_over;
}

/* --- looking ------------------------------------------------------------------------------------
 */

static void look_run(struct arc_op *op, const struct arc_rows *rows)
{
    struct steps_state *state = op->state;
    const struct arc_row_pipeline_run *row = arc__run_row(op, rows, state->request->pipeline_id);
    if (row == NULL)
        return;
    state->asking = 0;
    state->run_over = arc_run_state_is_terminal((int)row->status);
    state->phase = STEPS_SNAPSHOT;
    arc__op_wake(op);
}

static void look_pipeline(struct arc_op *op, const struct arc_rows *rows)
{
    struct steps_state *state = op->state;
    const struct arc_row_pipeline *row = rows->rows;
    if (rows->count == 0 || !arc__principal_sees(&op->principal, row->project_id)) {
        arc__op_refuse_text(op, ARC_ENOTFOUND, "pipeline", "There is no pipeline with this id.");
        return;
    }
    state->asking = 0;
    state->phase = STEPS_SNAPSHOT;
    arc__op_wake(op);
}

static void take_rows(struct arc_op *op, const struct arc_rows *rows)
{
    struct steps_state *state = op->state;
    state->asking = 0;
    state->rows = rows->rows;
    state->row_at = 0;
    state->row_count = rows->count;
    arc__op_wake(op);
}

static void page_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct steps_state *state = op->state;
    const struct arc_row_step_run *row = rows->rows;
    state->last_page = rows->count < PAGE_ROWS;
    if (rows->count > 0)
        (void)arc__slice_to_cstr(row[rows->count - 1].id, state->last_id, sizeof(state->last_id));
    take_rows(op, rows);
}

static void id_run_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct steps_state *state = op->state;
    if (!arc__step_run_visible(op, rows))
        return;
    state->asking = 0;
    arc__op_wake(op);
}

static void id_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct steps_state *state = op->state;
    const struct arc_row_step_run *row = arc__step_row(op, rows);
    if (row == NULL)
        return;
    state->id_at++;
    take_rows(op, rows);
    if (op->principal.project_id[0] != '\0') {
        state->asking = 1;
        arc__step_run_find(op, row, id_run_found);
    }
}

static arc_status ask_page(struct arc_op *op, arc_err *err)
{
    static const int64_t open_states[] = {ARC_STEP_PENDING, ARC_STEP_QUEUED, ARC_STEP_RUNNING};
    struct steps_state *state = op->state;
    const Stream__V1__StreamStepRunStatusRequest *request = state->request;
    struct arc_query query = {.table = ARC_TABLE_step_run, .order_col = -1, .limit = PAGE_ROWS};
    const struct {
        uint32_t col;
        const char *text;
    } texts[] = {{ARC_COL_step_run_pipeline_id, request->pipeline_id},
                 {ARC_COL_step_run_run_id, request->pipeline_run_id},
                 {ARC_COL_step_run_job_id, request->job_id},
                 {ARC_COL_step_run_job_name, request->job_name}};
    for (size_t i = 0; i < ARC_COUNT_OF(texts); i++) {
        if (texts[i].text[0] != '\0')
            query.filters[query.filter_count++] =
                (struct arc_filter){.col = texts[i].col, .text = arc__slice_cstr(texts[i].text)};
    }
    /* Of a run or a job everything is shown; of more only what is going on, not all of history. */
    if (request->pipeline_run_id[0] == '\0' && request->job_id[0] == '\0')
        query.filters[query.filter_count++] =
            (struct arc_filter){.col = ARC_COL_step_run_status,
                                .op = ARC_FILTER_IN,
                                .ints = open_states,
                                .int_count = ARC_COUNT_OF(open_states)};
    if (state->last_id[0] != '\0')
        query.filters[query.filter_count++] =
            (struct arc_filter){.col = ARC_COL_step_run_id,
                                .op = ARC_FILTER_GT,
                                .text = arc__slice_cstr(state->last_id)};
    arc__arena_reset(&op->page);
    return arc__op_query(op, &query, &op->page, page_found, err);
}

/* The next thing to ask for; ARC_EDONE: there is none. */
static arc_status ask(struct arc_op *op, arc_err *err)
{
    struct steps_state *state = op->state;
    const Stream__V1__StreamStepRunStatusRequest *request = state->request;
    state->asking = 1;
    if (state->phase == STEPS_LOOK) {
        if (request->pipeline_run_id[0] != '\0')
            return arc__op_find(op, ARC_TABLE_pipeline_run, request->pipeline_run_id, "run",
                                look_run, err);
        return arc__op_find(op, ARC_TABLE_pipeline, request->pipeline_id, "pipeline", look_pipeline,
                            err);
    }
    if (request->n_step_run_ids > 0) {
        if (state->id_at < request->n_step_run_ids)
            return arc__op_find(op, ARC_TABLE_step_run, request->step_run_ids[state->id_at],
                                "step run", id_found, err);
    } else if (!state->last_page && !state->follow.resumed) {
        return ask_page(op, err);
    }
    state->asking = 0;
    return ARC_EDONE;
}

/* --- the stream ---------------------------------------------------------------------------------
 */

static arc_status steps_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Stream__V1__StreamStepRunStatusRequest *request = message;
    struct steps_state *state = op->state;
    struct arc_watch_filter filter = {.run_id = arc__slice_cstr(request->pipeline_run_id),
                                      .pipeline_id = arc__slice_cstr(request->pipeline_id)};
    state->request = request;
    if (request->n_step_run_ids > ARC_OP_IDS_MAX)
        return arc__fail(err, ARC_EINVAL, "stepRunIds", "A stream follows at most %u ids.",
                         ARC_OP_IDS_MAX);
    int named = request->pipeline_run_id[0] != '\0' || request->pipeline_id[0] != '\0';
    if (!named && request->n_step_run_ids == 0 && op->principal.project_id[0] != '\0')
        return arc__fail(err, ARC_EINVAL, "pipelineId",
                         "A token of one project names what it follows.");
    state->open = request->n_step_run_ids;
    state->phase = named ? STEPS_LOOK : STEPS_SNAPSHOT;
    return arc__follow_open(&state->follow, op, &filter, request->cursor, err);
}

static void steps_drop(struct arc_op *op)
{
    struct steps_state *state = op->state;
    arc__follow_close(&state->follow);
}

static arc_status pull_row(struct arc_op *op, struct arc_arena *arena, const void **out,
                           arc_err *err)
{
    struct steps_state *state = op->state;
    const struct arc_row_step_run *row = &state->rows[state->row_at++];
    ARC_TRY(arc__follow_mark(&state->follow, row, err));
    note_end(state, row->id, row->status);
    if (state->follow.resumed ||
        !passes(state, row->id, row->pipeline_id, row->run_id, row->job_id, row->job_name))
        return ARC_EAGAIN;
    *out = row_show(op, row, state->follow.from, arena);
    return *out != NULL && !arena->failed ? ARC_OK : arc__fail_nomem(err);
}

static arc_status pull_event(struct arc_op *op, struct arc_arena *arena, const void **out,
                             arc_err *err)
{
    struct steps_state *state = op->state;
    const struct arc_event *event = NULL;
    for (;;) {
        arc_status status = arc__follow_next(&state->follow, &event, err);
        if (status == ARC_EAGAIN && all_over(state))
            return ARC_EDONE;
        if (status != ARC_OK)
            return status;
        if (arc__slice_is(arc__event_object(event->type), "pipeline") && event->run_id.len > 0 &&
            arc__slice_is(event->run_id, state->request->pipeline_run_id) &&
            arc_run_state_is_terminal(event->state))
            state->run_over = 1;
        if (!arc__slice_is(arc__event_object(event->type), "step"))
            continue;
        note_end(state, event->step_run_id, event->state);
        if (!passes(state, event->step_run_id, event->pipeline_id, event->run_id, event->job_id,
                    event->job_name))
            continue;
        *out = event_show(op, event, arena);
        return *out != NULL && !arena->failed ? ARC_OK : arc__fail_nomem(err);
    }
}

static arc_status steps_pull(struct arc_op *op, struct arc_arena *arena, const void **out,
                             arc_err *err)
{
    struct steps_state *state = op->state;
    while (state->phase != STEPS_LIVE) {
        if (op->over || state->asking)
            return ARC_EAGAIN;
        if (state->row_at < state->row_count) {
            arc_status status = pull_row(op, arena, out, err);
            if (status != ARC_EAGAIN)
                return status;
            continue;
        }
        arc_status status = ask(op, err);
        if (status == ARC_EDONE) {
            arc__follow_complete(&state->follow);
            state->phase = STEPS_LIVE;
        } else if (status != ARC_OK) {
            return status;
        }
    }
    return pull_event(op, arena, out, err);
}

const struct arc_handler arc__stream_steps = {.state_size = sizeof(struct steps_state),
                                              .begin = steps_begin,
                                              .pull = steps_pull,
                                              .drop = steps_drop};
