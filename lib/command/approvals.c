/* SPDX-License-Identifier: Apache-2.0 */
/* ControlService: the gates at which runs wait, and what is said at them. An approval's id is the
 * run's and the number of the gate in its plan: "01J…-2". */
#include <stdlib.h>

#include "base/time.h"
#include "command/handlers.h"
#include "command/pipeline.h"
#include "core/waits.h"
#include "engine/history.h"

#define COMMENT_BYTES_MAX 4096
#define EVENTS_PAGE 256u /* of a run that are folded at a time */

/* --- list ---------------------------------------------------------------------------- */

static void add_texts(Control__V1__ApprovalDetail *out, const struct arc_plan_gate *def,
                      const struct arc_gate_state *gate, struct arc_arena *arena)
{
    char **approvers = arc__arena_array(arena, def->approver_count, sizeof(*approvers));
    char **given = arc__arena_array(arena, gate->approvals, sizeof(*given));
    if (approvers == NULL || given == NULL)
        return; /* the arena remembers */
    for (uint32_t i = 0; i < def->approver_count; i++)
        approvers[i] = arc__pb_string(arena, def->approvers[i]);
    for (uint32_t i = 0; i < gate->approvals; i++)
        given[i] = arc__pb_string(arena, gate->approved_by[i]);
    out->approvers = approvers;
    out->n_approvers = def->approver_count;
    out->approved_by = given;
    out->n_approved_by = gate->approvals;
}

static void approval_show(const struct arc_run *run, uint32_t gate,
                          Control__V1__ApprovalDetail *out, struct arc_arena *arena)
{
    const struct arc_plan_gate *def = &run->plan->gates[gate - 1];
    const struct arc_gate_state *state = &run->gates[gate - 1];
    out->approval_id = arc__pb_string(arena, arc__arena_printf(arena, "%s-%u", run->id.text, gate));
    out->pipeline_run_id = arc__pb_string(arena, arc__id_slice(&run->id));
    out->pipeline_id = arc__pb_string(arena, run->pipeline_id);
    out->gate = arc__pb_string(arena, arc__gate_name(run->plan, gate, arena));
    out->count = (int32_t)def->count;
    out->requested_at = arc__show_seconds(state->requested_ns);
    out->expires_at = arc__show_seconds(state->expires_ns);
    add_texts(out, def, state, arena);
}

/* The gates of a run that wait, into the reply. */
static void gates_show(struct arc_op *op, const struct arc_run *run)
{
    Control__V1__ListApprovalsResponse *reply = op->reply;
    for (uint32_t gate = 1; gate <= run->plan->gate_count; gate++) {
        if (run->gates[gate - 1].status != ARC_GATE_WAITING)
            continue;
        Control__V1__ApprovalDetail *item = arc__pb_add(reply, "approvals", &op->arena);
        if (item != NULL)
            approval_show(run, gate, item, &op->arena);
        reply->total++;
    }
}

/* Alone on its store, a process has every open run in memory. */
static void list_ours(struct arc_op *op, const char *run_id)
{
    const struct arc_run *run = NULL;
    void *at = NULL;
    while (op->reply != NULL && (run = arc__engine_next_run(op->engine, &at)) != NULL) {
        if (arc__principal_sees(&op->principal, run->birth->project_id) &&
            (run_id[0] == '\0' || arc__slice_is(arc__id_slice(&run->id), run_id)))
            gates_show(op, run);
    }
    arc__op_reply(op);
}

/* --- list, of a store that several processes serve ------------------------------------ */

/* Rows say that their runs wait at a gate; what they wait for there is folded from their events,
 * also of our own: another process may have decided since we looked. */
struct list_state {
    const char *run_id; /* "": all */
    int kind;           /* in gate_kinds: what rows are asked for */
    arc_id *ids;        /* of the runs that are found, in order */
    size_t count, at;
    struct arc_history history; /* of the one at hand */
    int made;                   /* it is to be freed */
    int asking, answered;       /* a page of events is asked for, its rows have come */
};

/* A run that waits says in its row which gate it waits at, before all else: arc__first_of_run. */
static const int gate_kinds[] = {ARC_REASON_GATE, ARC_REASON_PLUGIN};

static void history_drop(struct list_state *state)
{
    if (state->made)
        arc__history_deinit(&state->history);
    state->made = 0;
}

static void list_drop(struct arc_op *op)
{
    history_drop(op->state);
}

/* ARC_OK: one page, or all, of its events is folded. A damaged run is left out: nobody can decide
 * anything about it. */
static arc_status take_events(struct arc_op *op, const struct arc_rows *rows, arc_err *err)
{
    struct list_state *state = op->state;
    const struct arc_row_event *row = rows->rows;
    arc_status status = ARC_OK;
    if (!state->made)
        arc__history_init(&state->history, &op->mem);
    state->made = 1;
    for (size_t i = 0; status == ARC_OK && i < rows->count; i++)
        status = arc__history_take(&state->history, &row[i], err);
    if (status == ARC_OK && rows->count == EVENTS_PAGE)
        return ARC_OK;
    const struct arc_run *run = &state->history.run;
    if (status == ARC_OK && run->plan != NULL && !arc__run_over(run))
        gates_show(op, run);
    history_drop(state);
    state->at++;
    return status == ARC_EINTERNAL ? ARC_OK : status;
}

static void list_on(struct arc_op *op);

static void events_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct list_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    state->answered = 1;
    arc_status status = take_events(op, rows, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
    else if (!state->asking)
        list_on(op);
}

static arc_status ask_events(struct arc_op *op, arc_err *err)
{
    const struct list_state *state = op->state;
    struct arc_query query = {
        .table = ARC_TABLE_event, .filter_count = 2, .order_col = -1, .limit = EVENTS_PAGE};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_event_stream,
                                           .text = arc__id_slice(&state->ids[state->at])};
    query.filters[1] = (struct arc_filter){.col = ARC_COL_event_seq,
                                           .op = ARC_FILTER_GT,
                                           .number = state->made ? state->history.run.seq : 0};
    arc__arena_reset(&op->page);
    return arc__op_query(op, &query, &op->page, events_found, err);
}

/* A store that answers at once is asked again from here, and not from inside its answer. */
static void list_on(struct arc_op *op)
{
    struct list_state *state = op->state;
    arc_err err = ARC_ERR_INIT;
    while (!op->over && state->at < state->count) {
        state->asking = 1;
        state->answered = 0;
        arc_status status = ask_events(op, &err);
        state->asking = 0;
        if (status != ARC_OK)
            arc__op_refuse(op, status, &err, ARC_NONE);
        if (status != ARC_OK || !state->answered)
            return;
    }
    if (!op->over)
        arc__op_reply(op);
}

static int by_id(const void *a, const void *b)
{
    const arc_id *left = a, *right = b;
    return strcmp(left->text, right->text);
}

/* A run may wait at a gate of another kind by the time of the second look: it is one run. */
static void sort_ids(struct list_state *state)
{
    size_t kept = 0;
    if (state->count > 0)
        qsort(state->ids, state->count, sizeof(*state->ids), by_id);
    for (size_t i = 0; i < state->count; i++) {
        if (kept == 0 || by_id(&state->ids[kept - 1], &state->ids[i]) != 0)
            state->ids[kept++] = state->ids[i];
    }
    state->count = kept;
}

static void ask_runs(struct arc_op *op);

static void runs_found(struct arc_op *op, const struct arc_rows *rows)
{
    struct list_state *state = op->state;
    const struct arc_row_pipeline_run *row = rows->rows;
    arc_id *ids = arc__arena_array(&op->arena, state->count + rows->count, sizeof(*ids));
    if (ids == NULL) {
        arc__op_refuse_text(op, ARC_ENOMEM, "memory", "Memory is out.");
        return;
    }
    if (state->count > 0)
        memcpy(ids, state->ids, state->count * sizeof(*ids));
    state->ids = ids;
    for (size_t i = 0; i < rows->count; i++) {
        if (arc__principal_sees(&op->principal, row[i].project_id))
            (void)arc__slice_to_cstr(row[i].id, ids[state->count++].text, sizeof(ids->text));
    }
    if (++state->kind < (int)ARC_COUNT_OF(gate_kinds)) {
        ask_runs(op);
        return;
    }
    sort_ids(state);
    list_on(op);
}

static arc_status query_runs(struct arc_op *op, arc_err *err)
{
    static const int64_t open[] = {ARC_RUN_PENDING, ARC_RUN_RUNNING, ARC_RUN_PAUSED};
    const struct list_state *state = op->state;
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 3, .order_col = -1};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_pipeline_run_status,
                                           .op = ARC_FILTER_IN,
                                           .ints = open,
                                           .int_count = ARC_COUNT_OF(open)};
    query.filters[1] = (struct arc_filter){.col = ARC_COL_pipeline_run_held};
    query.filters[2] = (struct arc_filter){.col = ARC_COL_pipeline_run_reason,
                                           .op = ARC_FILTER_CONTAINS,
                                           .text = arc__reason_begin(gate_kinds[state->kind])};
    if (state->run_id[0] != '\0')
        query.filters[query.filter_count++] = (struct arc_filter){
            .col = ARC_COL_pipeline_run_id, .text = arc__slice_cstr(state->run_id)};
    arc__arena_reset(&op->page);
    return arc__op_query(op, &query, &op->page, runs_found, err);
}

static void ask_runs(struct arc_op *op)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status = query_runs(op, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static arc_status approvals_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__ListApprovalsRequest *request = message;
    struct list_state *state = op->state;
    state->run_id = request->pipeline_run_id;
    if (arc__op_reply_new(op) == NULL || !arc__engine_is_shared(op->engine)) {
        list_ours(op, state->run_id);
        return ARC_OK;
    }
    return query_runs(op, err);
}

const struct arc_handler arc__control_approvals = {
    .state_size = sizeof(struct list_state), .begin = approvals_begin, .drop = list_drop};

/* --- approve, reject ----------------------------------------------------------------- */

static void gate_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    (void)arc__op_reply_new(op); /* reply checks it */
    arc__op_reply(op);
}

/* Whether the asker may see the run is the command's to say. */
static arc_status gate_begin(struct arc_op *op, const char *approval_id, const char *comment,
                             int approve, arc_err *err)
{
    const char *dash = strrchr(approval_id, '-');
    int64_t gate = 0;
    if (dash == NULL || !arc__slice_to_i64(arc__slice_cstr(dash + 1), &gate) || gate <= 0 ||
        gate > UINT32_MAX)
        return arc__fail(err, ARC_ENOTFOUND, "approval", "There is no approval with this id.");
    if (strlen(comment) > COMMENT_BYTES_MAX)
        return arc__fail(err, ARC_EINVAL, "comment", "The text is longer than %d bytes.",
                         COMMENT_BYTES_MAX);
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_RUN_GATE);
    if (cmd != NULL) {
        cmd->run_id =
            arc__arena_copy(&cmd->arena, arc__slice(approval_id, (size_t)(dash - approval_id)));
        cmd->u.gate.index = (uint32_t)gate;
        cmd->u.gate.comment = arc__arena_copy(&cmd->arena, arc__slice_cstr(comment));
        cmd->u.gate.approve = approve;
    }
    return arc__op_submit(op, cmd, gate_done, err);
}

static arc_status approve_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__ApproveGateRequest *request = message;
    return gate_begin(op, request->approval_id, request->comment, 1, err);
}

static arc_status reject_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Control__V1__RejectGateRequest *request = message;
    return gate_begin(op, request->approval_id, request->comment, 0, err);
}

const struct arc_handler arc__control_approve = {.begin = approve_begin};
const struct arc_handler arc__control_reject = {.begin = reject_begin};
