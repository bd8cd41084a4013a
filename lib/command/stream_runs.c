/* SPDX-License-Identifier: Apache-2.0 */
/* StreamService.StreamPipelineStatus: the present state of runs, then every change of status of
 * them. Ends where runs were named and all of them are over. */
#include "base/time.h"
#include "command/follow.h"
#include "command/handlers.h"
#include "command/pipeline.h"

#define PAGE_ROWS 100u
#define KNOWN_MAX \
    64u /* runs that are not in memory, of which it is known whether they are shown \
         */

enum runs_phase { RUNS_SNAPSHOT, RUNS_LIVE };

struct known_run {
    arc_id id; /* "": none */
    int is_seen;
};

struct runs_state {
    const Stream__V1__StreamPipelineStatusRequest *request;
    struct arc_follow follow;
    enum runs_phase phase;
    int asking;
    size_t at; /* of the run or pipeline that is asked for */
    int found; /* of the present pipeline: 0 look at it, 1 ask for open runs, 2 for the newest */
    int last_page;
    char last_id[129];
    const struct arc_row_pipeline_run *rows;
    size_t row_at, row_count;
    uint8_t ended[ARC_OP_IDS_MAX];
    size_t open;
    struct known_run known[KNOWN_MAX];
    size_t known_at;
};

/* --- messages -----------------------------------------------------------------------------------
 */

static Stream__V1__StreamPipelineStatusResponse *response_new(struct arc_arena *arena)
{
    return ARC_PB_NEW(arena, Stream__V1__StreamPipelineStatusResponse,
                      stream__v1__stream_pipeline_status_response__descriptor);
}

static Stream__V1__StreamPipelineStatusResponse *row_show(const struct arc_op *op,
                                                          const struct arc_row_pipeline_run *row,
                                                          int64_t position, struct arc_arena *arena)
{
    Stream__V1__StreamPipelineStatusResponse *out = response_new(arena);
    if (out == NULL)
        return NULL;
    int64_t time_ns = row->ended_at_ns     ? row->ended_at_ns
                      : row->started_at_ns ? row->started_at_ns
                                           : row->created_at_ns;
    out->pipeline_id = arc__pb_string(arena, row->pipeline_id);
    out->run_id = arc__pb_string(arena, row->id);
    out->namespace_ = arc__pb_string(arena, row->namespace);
    out->status = (Pipeline__V1__PipelineStatus)row->status;
    out->timestamp = arc__show_seconds(time_ns);
    out->time_ns = time_ns;
    out->total_jobs = arc__show_i32(row->total_jobs);
    out->completed_jobs = arc__show_i32(row->completed_jobs);
    out->failed_jobs = arc__show_i32(row->failed_jobs);
    out->running_jobs = arc__show_i32(row->running_jobs);
    out->duration = arc__show_duration_ms(row->started_at_ns, row->ended_at_ns, arc__op_now(op));
    out->snapshot = 1;
    out->cursor = arc__follow_cursor(position, arena);
    return out;
}

static Stream__V1__StreamPipelineStatusResponse *
event_show(const struct arc_event *event, const struct arc_run *run, struct arc_arena *arena)
{
    Stream__V1__StreamPipelineStatusResponse *out = response_new(arena);
    if (out == NULL)
        return NULL;
    out->pipeline_id = arc__pb_string(arena, event->pipeline_id);
    out->run_id = arc__pb_string(arena, event->run_id);
    out->status = (Pipeline__V1__PipelineStatus)event->state;
    out->previous_status = (Pipeline__V1__PipelineStatus)event->previous;
    out->timestamp = arc__show_seconds(event->time_ns);
    out->time_ns = event->time_ns;
    out->cursor = arc__follow_cursor(event->position, arena);
    if (run != NULL && run->plan != NULL) {
        out->namespace_ = arc__pb_string(arena, run->plan->namespace_);
        out->total_jobs = (int32_t)run->plan->job_count;
        out->completed_jobs = (int32_t)(run->plan->job_count - run->jobs_open);
        out->failed_jobs = (int32_t)run->jobs_failed;
        out->running_jobs = (int32_t)run->jobs_running;
        if (run->started_ns > 0 && event->time_ns > run->started_ns)
            out->duration = (event->time_ns - run->started_ns) / ARC_NS_PER_MS;
    }
    return out;
}

/* --- the filter ---------------------------------------------------------------------------------
 */

static int listed(char **ids, size_t count, arc_slice id, size_t *at)
{
    for (size_t i = 0; i < count; i++) {
        if (arc__slice_is(id, ids[i])) {
            *at = i;
            return 1;
        }
    }
    return count == 0;
}

static int passes(const struct runs_state *state, arc_slice pipeline_id, arc_slice run_id)
{
    const Stream__V1__StreamPipelineStatusRequest *request = state->request;
    size_t at = 0;
    return listed(request->pipeline_ids, request->n_pipeline_ids, pipeline_id, &at) &&
           listed(request->pipeline_run_ids, request->n_pipeline_run_ids, run_id, &at);
}

static void note_end(struct runs_state *state, arc_slice id, int64_t status)
{
    size_t at = 0;
    if (state->request->n_pipeline_run_ids == 0 || !arc_run_state_is_terminal((int)status) ||
        !listed(state->request->pipeline_run_ids, state->request->n_pipeline_run_ids, id, &at) ||
        state->ended[at])
        return;
    state->ended[at] = 1;
    state->open--;
}

/* --- the snapshot -------------------------------------------------------------------------------
 */

static void take_rows(struct arc_op *op, const struct arc_rows *rows)
{
    struct runs_state *state = op->state;
    state->asking = 0;
    state->rows = rows->rows;
    state->row_at = 0;
    state->row_count = rows->count;
    arc__op_wake(op);
}

static void run_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct runs_state *state = op->state;
    if (arc__run_row(op, rows, "") == NULL)
        return;
    state->at++;
    take_rows(op, rows);
}

static void pipeline_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct runs_state *state = op->state;
    if (arc__pipeline_row(op, rows) == NULL)
        return;
    state->asking = 0;
    state->found = 1;
    arc__op_wake(op);
}

static void page_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct runs_state *state = op->state;
    const struct arc_row_pipeline_run *row = rows->rows;
    state->last_page = rows->count < PAGE_ROWS;
    if (rows->count > 0)
        (void)arc__slice_to_cstr(row[rows->count - 1].id, state->last_id, sizeof(state->last_id));
    if (state->request->n_pipeline_ids > 0) {
        /* Nothing going on: the newest run is what the pipeline shows. */
        if (state->found == 1 && rows->count == 0) {
            state->found = 2;
        } else {
            state->found = 0;
            state->at++;
        }
    }
    take_rows(op, rows);
}

static arc_status ask_page(struct arc_op *op, const char *pipeline_id, arc_err *err)
{
    static const int64_t open_states[] = {ARC_RUN_PENDING, ARC_RUN_RUNNING, ARC_RUN_PAUSED};
    struct runs_state *state = op->state;
    struct arc_query query = {.table = ARC_TABLE_pipeline_run,
                              .order_col = -1,
                              .descending = 1,
                              .limit = state->found == 2 ? 1 : PAGE_ROWS};
    if (pipeline_id[0] != '\0')
        query.filters[query.filter_count++] = (struct arc_filter){
            .col = ARC_COL_pipeline_run_pipeline_id, .text = arc__slice_cstr(pipeline_id)};
    if (op->principal.project_id[0] != '\0')
        query.filters[query.filter_count++] =
            (struct arc_filter){.col = ARC_COL_pipeline_run_project_id,
                                .text = arc__slice_cstr(op->principal.project_id)};
    if (state->found != 2)
        query.filters[query.filter_count++] =
            (struct arc_filter){.col = ARC_COL_pipeline_run_status,
                                .op = ARC_FILTER_IN,
                                .ints = open_states,
                                .int_count = ARC_COUNT_OF(open_states)};
    if (pipeline_id[0] == '\0' && state->last_id[0] != '\0')
        query.filters[query.filter_count++] =
            (struct arc_filter){.col = ARC_COL_pipeline_run_id,
                                .op = ARC_FILTER_LT,
                                .text = arc__slice_cstr(state->last_id)};
    arc__arena_reset(&op->page);
    return arc__op_query(op, &query, &op->page, page_found, err);
}

static arc_status ask(struct arc_op *op, arc_err *err)
{
    struct runs_state *state = op->state;
    const Stream__V1__StreamPipelineStatusRequest *request = state->request;
    state->asking = 1;
    if (request->n_pipeline_run_ids > 0) {
        if (state->at < request->n_pipeline_run_ids)
            return arc__op_find(op, ARC_TABLE_pipeline_run, request->pipeline_run_ids[state->at],
                                "run", run_found, err);
    } else if (request->n_pipeline_ids > 0) {
        if (state->at < request->n_pipeline_ids)
            return state->found == 0 ? arc__pipeline_find(op, request->pipeline_ids[state->at],
                                                          pipeline_found, err)
                                     : ask_page(op, request->pipeline_ids[state->at], err);
    } else if (!state->last_page && !state->follow.resumed) {
        return ask_page(op, "", err);
    }
    state->asking = 0;
    return ARC_EDONE;
}

/* --- who may see it -----------------------------------------------------------------------------
 */

/* 1: the run is one that the caller may see; 0: it is not; -1: its row has to say so. Where ids
 * were given they have been looked at. */
static int sees(const struct arc_op *op, const struct arc_event *event, const struct arc_run *run)
{
    const struct runs_state *state = op->state;
    if (op->principal.project_id[0] == '\0' || state->request->n_pipeline_ids > 0 ||
        state->request->n_pipeline_run_ids > 0)
        return 1;
    if (run != NULL)
        return arc__principal_sees(&op->principal, run->birth->project_id);
    for (size_t i = 0; i < KNOWN_MAX; i++) {
        if (arc__slice_is(event->run_id, state->known[i].id.text))
            return state->known[i].is_seen;
    }
    return -1;
}

static void project_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct runs_state *state = op->state;
    const struct arc_row_pipeline_run *row = rows->rows;
    state->known[state->known_at++ % KNOWN_MAX].is_seen =
        rows->count > 0 && arc__principal_sees(&op->principal, row->project_id);
    state->asking = 0;
    arc__op_wake(op);
}

/* It ended long ago, or another process is its home. */
static arc_status ask_project(struct arc_op *op, const struct arc_event *event, arc_err *err)
{
    struct runs_state *state = op->state;
    struct known_run *known = &state->known[state->known_at % KNOWN_MAX];
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .order_col = -1, .limit = 1};
    (void)arc__slice_to_cstr(event->run_id, known->id.text, sizeof(known->id.text));
    query.filters[query.filter_count++] =
        (struct arc_filter){.col = ARC_COL_pipeline_run_id, .text = arc__id_slice(&known->id)};
    arc__event_watch_again(state->follow.watch);
    arc__arena_reset(&op->page);
    state->asking = 1;
    return arc__op_query(op, &query, &op->page, project_found, err);
}

/* --- the stream ---------------------------------------------------------------------------------
 */

static arc_status runs_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Stream__V1__StreamPipelineStatusRequest *request = message;
    struct runs_state *state = op->state;
    struct arc_watch_filter filter = {.after = -1};
    state->request = request;
    if (request->n_pipeline_ids > ARC_OP_IDS_MAX || request->n_pipeline_run_ids > ARC_OP_IDS_MAX)
        return arc__fail(err, ARC_EINVAL, "request", "A stream follows at most %u ids.",
                         ARC_OP_IDS_MAX);
    if (request->n_pipeline_run_ids == 1)
        filter.run_id = arc__slice_cstr(request->pipeline_run_ids[0]);
    if (request->n_pipeline_ids == 1)
        filter.pipeline_id = arc__slice_cstr(request->pipeline_ids[0]);
    state->open = request->n_pipeline_run_ids;
    return arc__follow_open(&state->follow, op, &filter, request->cursor, err);
}

static void runs_drop(struct arc_op *op)
{
    struct runs_state *state = op->state;
    arc__follow_close(&state->follow);
}

static arc_status pull_row(struct arc_op *op, struct arc_arena *arena, const void **out,
                           arc_err *err)
{
    struct runs_state *state = op->state;
    const struct arc_row_pipeline_run *row = &state->rows[state->row_at++];
    note_end(state, row->id, row->status);
    if (state->follow.resumed || !passes(state, row->pipeline_id, row->id))
        return ARC_EAGAIN;
    *out = row_show(op, row, state->follow.from, arena);
    return *out != NULL && !arena->failed ? ARC_OK : arc__fail_nomem(err);
}

static arc_status pull_event(struct arc_op *op, struct arc_arena *arena, const void **out,
                             arc_err *err)
{
    struct runs_state *state = op->state;
    const struct arc_event *event = NULL;
    while (!state->asking) {
        arc_status status = arc__follow_next(&state->follow, &event, err);
        if (status == ARC_EAGAIN && state->request->n_pipeline_run_ids > 0 && state->open == 0)
            return ARC_EDONE;
        if (status != ARC_OK)
            return status;
        if (event->run_id.len == 0 || event->state == event->previous ||
            !arc__slice_is(arc__event_object(event->type), "pipeline") ||
            !passes(state, event->pipeline_id, event->run_id))
            continue;
        const struct arc_run *run = arc__engine_live_run(op->engine, event->run_id);
        int seen = sees(op, event, run);
        if (seen < 0)
            ARC_TRY(ask_project(op, event, err));
        if (seen <= 0)
            continue;
        note_end(state, event->run_id, event->state);
        *out = event_show(event, run, arena);
        return *out != NULL && !arena->failed ? ARC_OK : arc__fail_nomem(err);
    }
    return ARC_EAGAIN;
}

static arc_status runs_pull(struct arc_op *op, struct arc_arena *arena, const void **out,
                            arc_err *err)
{
    struct runs_state *state = op->state;
    while (state->phase != RUNS_LIVE) {
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
            state->phase = RUNS_LIVE;
        } else if (status != ARC_OK) {
            return status;
        }
    }
    return pull_event(op, arena, out, err);
}

const struct arc_handler arc__stream_runs = {.state_size = sizeof(struct runs_state),
                                             .begin = runs_begin,
                                             .pull = runs_pull,
                                             .drop = runs_drop};
