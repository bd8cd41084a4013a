/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told how things ended: `notify`. A notice is a row that is written in the transaction of
 * the event that caused it, and handed to the host after that commit, in order, until the host says
 * that it is done; after a restart what is not done is told again. The library itself sends
 * nothing. */
#include "core/resolve.h"
#include "engine/engine_private.h"
#include "spec/spec.h"

#define FETCHED 64

enum result { NOTHING, SUCCESS, FAILURE, CANCELLED };
static const char *const result_keys[] = {"", "onSuccess", "onFailure", "onCancelled"};
static const char *const result_words[] = {"", "success", "failure", "cancelled"};

/* What has ended: stage and job are UINT32_MAX where it is none. */
struct ended {
    struct live *live;
    const struct arc_event *event;
    arc_slice notify; /* JSON */
    uint32_t stage, job;
    enum result result;
    uint32_t *count; /* notices of this event so far */
};

static arc_slice about_of(const struct ended *ended, struct arc_arena *arena)
{
    const struct arc_plan *plan = ended->live->run.plan;
    if (ended->job != UINT32_MAX)
        return arc__arena_printf(arena, "job:%.*s", ARC_ARG(plan->jobs[ended->job].key));
    if (ended->stage != UINT32_MAX)
        return arc__arena_printf(arena, "stage:%.*s", ARC_ARG(plan->stages[ended->stage].name));
    return ARC_LIT("pipeline");
}

static arc_slice text_of(const struct arc_node *map, const char *key)
{
    const struct arc_node *node = arc__node_get(map, key);
    return node != NULL ? node->text : ARC_NONE;
}

/* Sorts in the order of the log. Of several processes two may think of the same position. */
static arc_slice id_of(const struct arc_engine *engine, const struct ended *ended)
{
    struct arc_arena *arena = &ended->live->engine->turn.arena;
    const char *by = engine->replicas.on ? engine->replicas.self.text : "";
    return arc__arena_printf(arena, "%020lld-%s%s%03u", (long long)ended->event->position, by,
                             by[0] != '\0' ? "-" : "", (*ended->count)++);
}

/* One notice. Arguments that cannot be expanded go as they are written, and the row says why. */
static arc_status write_one(struct arc_engine *engine, const struct ended *ended,
                            const struct arc_node *notice, arc_err *err)
{
    struct arc_arena *arena = &engine->turn.arena;
    const struct arc_node *params = arc__node_get(notice, "params");
    arc_slice action = text_of(notice, "action");
    arc_err why = ARC_ERR_INIT;
    struct arc_row_outbox row = {
        .id = id_of(engine, ended),
        .run_id = arc__id_slice(&ended->live->run.id),
        .pipeline_id = ended->live->run.pipeline_id,
        .about = about_of(ended, arena),
        .result = arc__slice_cstr(result_words[ended->result]),
        .plugin = text_of(notice, "plugin"),
        .action = action.len > 0 ? action : ARC_LIT("Send"),
        .params = ARC_LIT("{}"),
        .created_at_ns = ended->event->time_ns,
    };
    if (params != NULL && params->mark.offset < params->mark.end) {
        arc_slice written = arc__slice(ended->notify.ptr + params->mark.offset,
                                       params->mark.end - params->mark.offset);
        arc_status status = arc__notice_params(&ended->live->run, ended->stage, ended->job, written,
                                               arena, &row.params, &why);
        if (status == ARC_ENOMEM)
            return arc__turn_spoil(engine, arc__fail_nomem(err));
        if (status != ARC_OK) {
            row.params = written;
            row.fault = arc__arena_copy(arena, arc__slice_cstr(why.message));
        }
    }
    if (arena->failed)
        return arc__turn_spoil(engine, arc__fail_nomem(err));
    engine->turn.notices = 1;
    return arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_outbox, &row, 0, err);
}

static arc_status write_list(struct arc_engine *engine, const struct ended *ended,
                             const struct arc_node *list, arc_err *err)
{
    if (list == NULL)
        return ARC_OK;
    if (list->kind == ARC_NODE_MAP)
        return write_one(engine, ended, list, err);
    for (const struct arc_node *c = list->first; c != NULL; c = c->next)
        ARC_TRY(write_one(engine, ended, c, err));
    return ARC_OK;
}

static arc_status write_all(struct arc_engine *engine, const struct ended *ended, arc_err *err)
{
    const struct arc_node *root = NULL;
    if (ended->notify.len == 0 || ended->result == NOTHING)
        return ARC_OK;
    arc_status status = arc__json_read(ended->notify, NULL, &engine->turn.arena, &root, err);
    if (status != ARC_OK || root == NULL)
        return arc__turn_spoil(engine, status == ARC_ENOMEM ? ARC_ENOMEM : ARC_EINTERNAL);
    ARC_TRY(write_list(engine, ended, arc__node_get(root, result_keys[ended->result]), err));
    return write_list(engine, ended, arc__node_get(root, "always"), err);
}

/* What was skipped has not ended in any way that somebody waits for. */
static enum result job_result(int status)
{
    switch (status) {
    case ARC_JOB_SUCCESS:
        return SUCCESS;
    case ARC_JOB_FAILED:
    case ARC_JOB_TIMEOUT:
        return FAILURE;
    case ARC_JOB_CANCELLED:
        return CANCELLED;
    default:
        return NOTHING;
    }
}

/* As its jobs make a run's: failed, cancelled, success. */
static enum result stage_result(const struct arc_run *run, uint32_t stage)
{
    const struct arc_plan_stage *plan = &run->plan->stages[stage];
    enum result result = NOTHING;
    for (uint32_t j = plan->first_job; j < plan->first_job + plan->job_count; j++) {
        enum result own = job_result(run->jobs[j].status);
        if (own == FAILURE)
            return FAILURE;
        if (own == CANCELLED || result == NOTHING)
            result = own;
    }
    return result;
}

static enum result run_result(enum arc_event_type type)
{
    switch (type) {
    case ARC_EVENT_PIPELINE_COMPLETED:
        return SUCCESS;
    case ARC_EVENT_PIPELINE_FAILED:
    case ARC_EVENT_PIPELINE_PARTIAL:
        return FAILURE;
    case ARC_EVENT_PIPELINE_CANCELLED:
        return CANCELLED;
    default:
        return NOTHING;
    }
}

/* 1: no later event of this decision ends a job of the same stage. */
static int is_last(const struct arc_run *run, const struct arc_decision *d, size_t i)
{
    uint32_t stage = run->plan->jobs[d->events[i]->job].stage;
    for (size_t k = i + 1; k < d->count; k++) {
        const struct arc_event *event = d->events[k];
        if (event->job >= 0 && event->step < 0 && arc_job_state_is_terminal(event->state) &&
            run->plan->jobs[event->job].stage == stage)
            return 0;
    }
    return 1;
}

static arc_status job_ended(struct arc_engine *engine, struct live *live,
                            const struct arc_decision *d, size_t i, arc_err *err)
{
    const struct arc_run *run = &live->run;
    const struct arc_event *event = d->events[i];
    uint32_t j = (uint32_t)event->job, stage = run->plan->jobs[j].stage, count = 0;
    const struct ended job = {
        live, event, run->plan->jobs[j].notify, stage, j, job_result(event->state), &count};
    ARC_TRY(write_all(engine, &job, err));
    if (run->plan->stages[stage].notify.len == 0 || run->stage_open[stage] > 0 ||
        !is_last(run, d, i))
        return ARC_OK;
    const struct ended whole = {live,  event,      run->plan->stages[stage].notify,
                                stage, UINT32_MAX, stage_result(run, stage),
                                &count};
    return write_all(engine, &whole, err);
}

arc_status arc__notices_write(struct arc_engine *engine, struct live *live,
                              const struct arc_decision *d, arc_err *err)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct arc_event *event = d->events[i];
        uint32_t count = 0;
        if (event->step >= 0)
            continue;
        if (event->job >= 0) {
            if (arc_job_state_is_terminal(event->state))
                ARC_TRY(job_ended(engine, live, d, i, err));
            continue;
        }
        const struct ended run = {live,       event,      live->run.plan->notify,
                                  UINT32_MAX, UINT32_MAX, run_result(event->type),
                                  &count};
        ARC_TRY(write_all(engine, &run, err));
    }
    return ARC_OK;
}

/* --- handing them out ---------------------------------------------------------------- */

/* Those behind the last one told. */
static arc_status read_some(struct arc_engine *engine, arc_err *err)
{
    struct arc_query query = {
        .table = ARC_TABLE_outbox, .order_col = -1, .limit = FETCHED, .filter_count = 1};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_outbox_id,
                                           .op = ARC_FILTER_GT,
                                           .text = arc__slice_cstr(engine->notice_told)};
    return arc__load(engine, &engine->notice_load, &query, err);
}

/* Those that no other process tells. */
static arc_status take_some(struct arc_engine *engine, arc_err *err)
{
    const struct arc_claim claim = {.table = ARC_TABLE_outbox,
                                    .by_col = ARC_COL_outbox_claimed_by,
                                    .until_col = ARC_COL_outbox_claimed_until_ns,
                                    .by = arc__id_slice(&engine->replicas.self),
                                    .now_ns = engine->now.wall_ns,
                                    .until_ns = engine->now.wall_ns + ARC_NOTICE_CLAIM_NS,
                                    .limit = FETCHED};
    return arc__load_claim(engine, &engine->notice_load, &claim, err);
}

arc_status arc__engine_next_notice(struct arc_engine *engine, const struct arc_row_outbox **out,
                                   arc_err *err)
{
    while (engine->notices_due) {
        ARC_TRY(engine->replicas.on ? take_some(engine, err) : read_some(engine, err));
        const struct arc_rows *rows = &engine->notice_load.rows;
        if (engine->notice_at < rows->count) {
            *out = (const struct arc_row_outbox *)rows->rows + engine->notice_at++;
            (void)arc__slice_to_cstr((*out)->id, engine->notice_told, sizeof(engine->notice_told));
            return ARC_OK;
        }
        engine->notices_due = rows->count > 0; /* there may be more behind these */
        engine->notice_at = 0;
        arc__load_deinit(&engine->notice_load);
    }
    return arc__fail(err, ARC_EAGAIN, "notice", "Nobody is to be told anything now.");
}

void arc__engine_untell_notice(struct arc_engine *engine)
{
    engine->notice_at -= engine->notice_at > 0;
}

arc_status arc__do_notice_done(struct arc_engine *engine, struct cmd_box *box, arc_err *err)
{
    const struct arc_row_outbox row = {.id = box->cmd.u.notice.id};
    return arc__turn_op(engine, ARC_STORE_DELETE, ARC_TABLE_outbox, &row, 0, err);
}
