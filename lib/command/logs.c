/* SPDX-License-Identifier: Apache-2.0 */
/* ControlService: the lines of a step run, as a range and as a stream.
 *
 * A stream reads from the log store by line number and keeps nothing itself: history is what was
 * there when it began, and what comes after it is read when the watch says that there is more. So
 * no line can be missed, come twice or overtake another, however slow the reader is. */
#include "base/text.h"
#include "command/handlers.h"
#include "command/steprun.h"

#define CHUNK_LINES 200u
#define RANGE_LINES 1000u
#define RANGE_LINES_MAX 10000u
#define TEXT_BYTES_MAX (32u * 1024u * 1024u)

struct logs_state {
    const char *step_run_id, *pipeline_id, *job_id;
    int64_t from, tail, limit;
    int follow, stream;
    const struct arc_row_step_run *row;
    char agent_id[129]; /* who runs or ran it, as far as is known by now */
    int ready;
    struct arc_log_watch *watch;
    int64_t next;    /* the line to read next */
    int64_t history; /* the last line of it */
    int history_done;
    int step_over, last_sent;
    int asking;
};

/* --- entries ------------------------------------------------------------------------------------
 */

static const char *stream_word(uint32_t stream)
{
    return stream == ARC_LOG_STDOUT ? "stdout" : stream == ARC_LOG_STDERR ? "stderr" : "";
}

static void entry_show(const struct logs_state *state, const struct arc_log_line *line,
                       Control__V1__LogEntry *out, struct arc_arena *arena)
{
    out->step_run_id = arc__pb_cstr(arena, state->step_run_id);
    out->timestamp = arc__show_seconds(line->time_ns);
    out->timestamp_ns = line->time_ns;
    out->line_number = arc__show_i32(line->number);
    /* Only what the control plane itself writes has a level: it knows what it means. */
    if (line->stream == ARC_LOG_SYSTEM)
        out->level = arc__pb_cstr(arena, line->gap_lines > 0 ? "warn" : "info");
    out->content = arc__pb_string(arena, line->content);
    if (line->gap_lines > 0 && line->content.len == 0)
        out->content = arc__pb_string(
            arena, arc__arena_printf(arena, "%lld lines were lost.", (long long)line->gap_lines));
    out->stream = arc__pb_cstr(arena, stream_word(line->stream));
    out->plugin_name = arc__pb_string(arena, state->row->uses);
    out->agent_id = arc__pb_cstr(arena, state->agent_id);
    out->truncated = (line->flags & ARC_LOG_FLAG_SPLIT) != 0;
    out->gap_lines = line->gap_lines;
}

/* The row was read when the step may not have had an agent. */
static void agent_learn(struct arc_op *op)
{
    struct logs_state *state = op->state;
    const struct arc_run *run = arc__engine_live_run(op->engine, state->row->run_id);
    uint32_t job = 0, step = 0;
    arc_slice agent_id = state->row->agent_id;
    if (run != NULL && arc__run_find_step(run, state->row->id, &job, &step) &&
        run->jobs[job].steps[step].agent_id.len > 0)
        agent_id = run->jobs[job].steps[step].agent_id;
    if (agent_id.len > 0)
        (void)arc__slice_to_cstr(agent_id, state->agent_id, sizeof(state->agent_id));
}

static arc_status entries_add(struct arc_op *op, void *reply, size_t limit, struct arc_arena *arena,
                              size_t *count, arc_err *err)
{
    struct logs_state *state = op->state;
    struct arc_log_line *lines = NULL;
    agent_learn(op);
    ARC_TRY(arc__engine_log_read(op->engine, state->row->run_id, state->row->id, state->next, limit,
                                 arena, &lines, count, err));
    for (size_t i = 0; i < *count; i++) {
        Control__V1__LogEntry *entry = arc__pb_add(reply, "entries", arena);
        if (entry == NULL)
            return arc__fail(err, ARC_ELIMIT, "logs", "The lines do not fit one answer.");
        entry_show(state, &lines[i], entry, arena);
    }
    if (*count > 0)
        state->next = lines[*count - 1].number + 1;
    return arena->failed ? arc__fail(err, ARC_ELIMIT, "logs", "The lines do not fit one answer.")
                         : ARC_OK;
}

/* --- finding ------------------------------------------------------------------------------------
 */

static void range_show(struct arc_op *op);

static arc_status start(struct arc_op *op, arc_err *err)
{
    struct logs_state *state = op->state;
    struct arc_log_info info = {0};
    ARC_TRY(arc__engine_log_info(op->engine, state->row->run_id, state->row->id, &info, err));
    state->history = info.lines;
    state->next = state->from > 0 ? state->from : 1;
    if (state->tail > 0)
        state->next = info.lines > state->tail ? info.lines - state->tail + 1 : 1;
    state->step_over = arc_step_state_is_terminal((int)state->row->status);
    state->ready = 1;
    return ARC_OK;
}

static void logs_ready(struct arc_op *op)
{
    const struct logs_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    arc_status status = start(op, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
    else if (state->stream)
        arc__op_wake(op);
    else
        range_show(op);
}

static void run_found(struct arc_op *op, const struct arc_rows *rows)
{
    if (arc__step_run_visible(op, rows))
        logs_ready(op);
}

static void step_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct logs_state *state = op->state;
    state->row = arc__step_row_of(op, rows, state->pipeline_id, state->job_id);
    if (state->row == NULL)
        return;
    if (op->principal.project_id[0] == '\0')
        logs_ready(op);
    else
        arc__step_run_find(op, state->row, run_found);
}

static arc_status find(struct arc_op *op, arc_err *err)
{
    const struct logs_state *state = op->state;
    if (state->step_run_id[0] == '\0')
        return arc__fail(err, ARC_EINVAL, "stepRunId", "The id of the step run is missing.");
    if (state->from < 0 || state->tail < 0 || state->limit < 0)
        return arc__fail(err, ARC_EINVAL, "from", "from, tail and limit are not negative.");
    if (state->from > 0 && state->tail > 0)
        return arc__fail(err, ARC_EINVAL, "tail", "from and tail do not go together.");
    return arc__op_find(op, ARC_TABLE_step_run, state->step_run_id, "step run", step_found, err);
}

/* --- a range ------------------------------------------------------------------------------------
 */

/* text/plain: the lines and nothing else. */
static arc_status range_text(struct arc_op *op, const Control__V1__GetStepRunLogsResponse *reply,
                             arc_err *err)
{
    struct arc_buf text;
    arc__buf_init(&text, &op->mem, TEXT_BYTES_MAX);
    for (size_t i = 0; i < reply->n_entries; i++) {
        arc__buf_add_cstr(&text, reply->entries[i]->content);
        if (!reply->entries[i]->truncated)
            arc__buf_add_char(&text, '\n');
    }
    arc_status status = arc__buf_check(&text, err);
    if (status == ARC_OK) {
        const char *copy = arc__arena_strdup(&op->arena, arc__buf_slice(&text));
        op->http_text = arc__slice(copy, text.len);
        if (copy == NULL)
            status = arc__fail_nomem(err);
    }
    arc__buf_deinit(&text);
    return status;
}

static void range_show(struct arc_op *op)
{
    struct logs_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    Control__V1__GetStepRunLogsResponse *reply = arc__op_reply_new(op);
    size_t left = state->limit > 0  ? (size_t)state->limit
                  : state->tail > 0 ? (size_t)state->tail
                                    : RANGE_LINES;
    left = left > RANGE_LINES_MAX ? RANGE_LINES_MAX : left;
    arc_status status = reply != NULL ? ARC_OK : arc__fail_nomem(&err);
    while (status == ARC_OK && left > 0) {
        size_t count = 0;
        status = entries_add(op, reply, left < CHUNK_LINES ? left : CHUNK_LINES, &op->arena, &count,
                             &err);
        if (count == 0)
            break;
        left -= count;
    }
    if (status == ARC_OK) {
        reply->total_lines = state->history;
        if (op->http && op->text)
            status = range_text(op, reply, &err);
    }
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
    else
        arc__op_reply(op);
}

static arc_status range_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__GetStepRunLogsRequest *request = message;
    struct logs_state *state = op->state;
    *state = (struct logs_state){.step_run_id = request->step_run_id,
                                 .pipeline_id = "",
                                 .job_id = "",
                                 .from = request->from,
                                 .tail = request->tail,
                                 .limit = request->limit};
    return find(op, err);
}

const struct arc_handler arc__control_logs = {.state_size = sizeof(struct logs_state),
                                              .begin = range_begin};

/* --- a stream -----------------------------------------------------------------------------------
 */

static void notified(void *user)
{
    arc__op_wake(user);
}

static arc_status stream_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__StreamStepRunLogsRequest *request = message;
    struct logs_state *state = op->state;
    *state = (struct logs_state){.step_run_id = request->step_run_id,
                                 .pipeline_id = request->pipeline_id,
                                 .job_id = request->job_id,
                                 .from = request->from,
                                 .tail = request->tail,
                                 .follow = request->follow,
                                 .stream = 1};
    /* Before the step is looked at: what happens in between wakes us. */
    if (request->follow && request->step_run_id[0] != '\0')
        ARC_TRY(arc__log_watch_open(op->engine, arc__slice_cstr(request->step_run_id), notified, op,
                                    &state->watch, err));
    return find(op, err);
}

static void stream_drop(struct arc_op *op)
{
    struct logs_state *state = op->state;
    if (state->watch != NULL)
        arc__log_watch_close(state->watch);
    state->watch = NULL;
}

static void again_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct logs_state *state = op->state;
    const struct arc_row_step_run *row = rows->rows;
    state->asking = 0;
    state->step_over = rows->count == 0 || arc_step_state_is_terminal((int)row->status);
    if (state->step_over)
        arc__op_wake(op);
}

/* Whether the step has ended: its run says, or, where that is not in memory any more or the job has
 * gone on to another attempt, its row. */
static arc_status look_again(struct arc_op *op, arc_err *err)
{
    struct logs_state *state = op->state;
    const struct arc_run *run = arc__engine_live_run(op->engine, state->row->run_id);
    uint32_t job = 0, step = 0;
    if (state->step_over || state->asking)
        return ARC_OK;
    if (run != NULL && arc__run_find_step(run, state->row->id, &job, &step)) {
        state->step_over = arc_step_state_is_terminal(run->jobs[job].steps[step].status);
        return ARC_OK;
    }
    state->asking = 1;
    arc__arena_reset(&op->page);
    struct arc_query query = {
        .table = ARC_TABLE_step_run, .order_col = -1, .limit = 1, .filter_count = 1};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_step_run_id, .text = state->row->id};
    return arc__op_query(op, &query, &op->page, again_found, err);
}

static arc_status stream_pull(struct arc_op *op, struct arc_arena *arena, const void **out,
                              arc_err *err)
{
    struct logs_state *state = op->state;
    size_t count = 0;
    if (!state->ready)
        return ARC_EAGAIN;
    if (state->last_sent)
        return ARC_EDONE;
    Control__V1__StreamStepRunLogsResponse *response =
        ARC_PB_NEW(arena, Control__V1__StreamStepRunLogsResponse,
                   control__v1__stream_step_run_logs_response__descriptor);
    if (response == NULL)
        return arc__fail_nomem(err);
    *out = response;
    if (state->history_done) {
        if (!state->follow) {
            response->ended = state->step_over;
            state->last_sent = 1;
            return state->step_over ? ARC_OK : ARC_EDONE;
        }
        /* First whether it has ended and then what there is: the other way round the last lines
         * could come in between. */
        ARC_TRY(look_again(op, err));
    }
    int over = state->step_over;
    size_t most = CHUNK_LINES;
    if (!state->history_done) {
        int64_t left = state->history - state->next + 1;
        most = left <= 0 ? 0 : left < (int64_t)CHUNK_LINES ? (size_t)left : CHUNK_LINES;
    }
    if (most > 0)
        ARC_TRY(entries_add(op, response, most, arena, &count, err));
    if (count > 0)
        return ARC_OK;
    if (!state->history_done) {
        state->history_done = 1;
        response->history_done = 1;
        return ARC_OK;
    }
    if (!over)
        return ARC_EAGAIN;
    response->ended = 1;
    state->last_sent = 1;
    return ARC_OK;
}

const struct arc_handler arc__control_log_stream = {.state_size = sizeof(struct logs_state),
                                                    .begin = stream_begin,
                                                    .pull = stream_pull,
                                                    .drop = stream_drop};
