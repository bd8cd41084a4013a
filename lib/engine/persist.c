/* SPDX-License-Identifier: Apache-2.0 */
/* A run as rows. The rows are projections: everything here can be made again from the events. */
#include "base/time.h"
#include "engine/engine_private.h"
#include "engine/event_json.h"

#define TEXT_MAX (64u * 1024u * 1024u)

/* Prints into the turn's arena. */
static arc_status take_text(struct arc_engine *engine, struct arc_buf *buf, arc_slice *out,
                            arc_err *err)
{
    arc_status status = arc__buf_check(buf, err);
    if (status == ARC_OK) {
        *out = arc__turn_copy(engine, arc__buf_slice(buf));
        if (buf->len > 0 && out->ptr == NULL)
            status = arc__fail_nomem(err);
    }
    arc__buf_deinit(buf);
    return status;
}

static arc_status kvs_text(struct arc_engine *engine, const struct arc_kvs *kvs, arc_slice *out,
                           arc_err *err)
{
    struct arc_buf buf;
    if (kvs->count == 0) {
        *out = ARC_LIT("{}");
        return ARC_OK;
    }
    arc__buf_init(&buf, &engine->mem, TEXT_MAX);
    arc__kvs_to_json(kvs, &buf);
    return take_text(engine, &buf, out, err);
}

static arc_status duration_text(struct arc_engine *engine, int64_t ns, arc_slice *out, arc_err *err)
{
    struct arc_buf buf;
    if (ns == 0)
        return ARC_OK;
    arc__buf_init(&buf, &engine->mem, 64);
    arc__duration_add(&buf, ns);
    return take_text(engine, &buf, out, err);
}

static arc_status depends_text(struct arc_engine *engine, const struct arc_plan *plan, uint32_t j,
                               arc_slice *out, arc_err *err)
{
    struct arc_buf buf;
    struct arc_json json;
    if (plan->jobs[j].dep_count == 0) {
        *out = ARC_LIT("[]");
        return ARC_OK;
    }
    arc__buf_init(&buf, &engine->mem, TEXT_MAX);
    arc__json_init(&json, &buf);
    arc__json_array(&json);
    for (uint32_t i = 0; i < plan->jobs[j].dep_count; i++)
        arc__json_text(&json, plan->jobs[plan->jobs[j].deps[i]].key);
    arc__json_end_array(&json);
    return take_text(engine, &buf, out, err);
}

static const char *when_word(enum arc_when when)
{
    switch (when) {
    case ARC_WHEN_FAILURE:
        return "failure()";
    case ARC_WHEN_ALWAYS:
        return "always()";
    case ARC_WHEN_CANCELLED:
        return "cancelled()";
    case ARC_WHEN_NEVER:
        return "false";
    default:
        return "";
    }
}

static arc_slice when_text(const struct arc_condition *condition)
{
    return condition->text.len > 0 ? condition->text : arc__slice_cstr(when_word(condition->when));
}

arc_status arc__persist_run(struct arc_engine *engine, struct live *live, arc_err *err)
{
    const struct arc_run *run = &live->run;
    const struct arc_birth *birth = run->birth;
    struct arc_row_pipeline_run row = {
        .id = arc__id_slice(&run->id),
        .pipeline_id = run->pipeline_id,
        .pipeline_name = birth->pipeline_name,
        .project_id = birth->project_id,
        .namespace = run->plan->namespace_,
        .number = birth->number,
        .status = run->status,
        .reason = run->reason.len > 0 ? run->reason : arc__why_run(live, &engine->turn.arena),
        .trigger_type = birth->trigger_type,
        .triggered_by = run->triggered_by,
        .branch = birth->branch,
        .ref = birth->ref,
        .definition_sha = birth->definition_sha,
        .plan_hash = run->plan->hash,
        .total_jobs = run->plan->job_count,
        .completed_jobs = run->plan->job_count - run->jobs_open,
        .failed_jobs = run->jobs_failed,
        .running_jobs = run->jobs_running,
        .version = run->seq,
        .created_at_ns = run->created_ns,
        .started_at_ns = run->started_ns,
        .ended_at_ns = run->ended_ns,
        .priority = birth->priority,
        .rerun_of = birth->rerun_of,
        .attempt = birth->attempt,
    };
    const int64_t shown[] = {row.status,         row.completed_jobs,     row.failed_jobs,
                             row.running_jobs,   row.started_at_ns,      row.ended_at_ns,
                             run->gates_waiting, (int64_t)row.reason.len};
    if (live->shown[0] != 0 && memcmp(shown, live->shown, sizeof(shown)) == 0)
        return ARC_OK; /* nothing of it has changed but the number of its last event */
    memcpy(live->shown, shown, sizeof(shown));
    ARC_TRY(kvs_text(engine, &birth->variables, &row.variables, err));
    return arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_pipeline_run, &row, 0, err);
}

static arc_status persist_job(struct arc_engine *engine, struct live *live, uint32_t j,
                              arc_err *err)
{
    const struct arc_run *run = &live->run;
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_job_state *job = &run->jobs[j];
    struct arc_row_job_run row = {
        .id = arc__id_slice(&job->id),
        .run_id = arc__id_slice(&run->id),
        .pipeline_id = run->pipeline_id,
        .job_index = j,
        .name = plan->key,
        .stage = run->plan->stages[plan->stage].name,
        .status = job->status,
        .reason = job->reason.len > 0 ? job->reason : arc__why_job(live, j, &engine->turn.arena),
        .attempt = job->attempt,
        .agent_id = job->agent_id,
        .continue_on_error = plan->continue_on_error,
        .total_steps = plan->step_count,
        .created_at_ns = run->created_ns,
        .queued_at_ns = job->queued_ns,
        .started_at_ns = job->started_ns,
        .ended_at_ns = job->ended_ns,
    };
    ARC_TRY(depends_text(engine, run->plan, j, &row.depends_on, err));
    return arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_job_run, &row, 0, err);
}

/* A step that failed because of its templates is shown with them. */
static arc_status shown_texts(struct arc_engine *engine, const struct arc_run *run, uint32_t j,
                              uint32_t s, struct arc_resolved *texts, arc_err *err)
{
    struct arc_resolved made;
    arc_status status = arc__step_resolve(run, j, s, NULL, &engine->turn.arena, &made, err);
    if (status == ARC_OK)
        *texts = made;
    return status == ARC_EINVAL ? ARC_OK : status;
}

static arc_status persist_step(struct arc_engine *engine, const struct arc_run *run, uint32_t j,
                               uint32_t s, const struct arc_step_state *step, int32_t job_attempt,
                               arc_err *err)
{
    const struct arc_plan_step *plan = &run->plan->jobs[j].steps[s];
    const struct arc_job_state *job = &run->jobs[j];
    struct arc_row_step_run row = {
        .id = arc__id_slice(&step->id),
        .run_id = arc__id_slice(&run->id),
        .pipeline_id = run->pipeline_id,
        .job_id = arc__id_slice(&job->id),
        .job_name = run->plan->jobs[j].key,
        .job_index = j,
        .job_attempt = job_attempt,
        .name = plan->name,
        .step_index = s,
        .uses = plan->uses,
        .action = plan->action,
        .when = when_text(&plan->condition),
        .continue_on_error = plan->continue_on_error,
        .status = step->status,
        .reason = step->reason,
        .attempt = step->attempt,
        .agent_id = step->fence != 0 ? step->agent_id : ARC_NONE,
        .fence = (int64_t)step->fence,
        .exit_code = step->exit_code,
        .error_message = step->error_message,
        .metrics = step->metrics,
        .outputs = step->outputs,
        .log_lines = step->log_lines,
        .created_at_ns = step->created_ns,
        .started_at_ns = step->started_ns,
        .ended_at_ns = step->ended_ns,
    };
    struct arc_resolved texts = {.args = plan->args, .env = plan->env};
    if (step == &job->steps[s] && step->fence != 0) /* as it was given to its holder */
        ARC_TRY(shown_texts(engine, run, j, s, &texts, err));
    row.args = texts.args;
    ARC_TRY(kvs_text(engine, &texts.env, &row.env, err));
    ARC_TRY(duration_text(engine, plan->timeout_ns, &row.timeout, err));
    return arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_step_run, &row, 0, err);
}

arc_status arc__persist_dirty(struct arc_engine *engine, const struct dirty *dirty, arc_err *err)
{
    const struct arc_run *run = &dirty->live->run;
    if (dirty->step < 0)
        return persist_job(engine, dirty->live, dirty->job, err);
    return persist_step(engine, run, dirty->job, (uint32_t)dirty->step, dirty->thing,
                        dirty->attempt, err);
}

/* --- which rows events change --------------------------------------------------------- */

arc_status arc__persist_mark_job(struct arc_engine *engine, struct live *live, uint32_t j,
                                 arc_err *err)
{
    const struct dirty dirty = {.live = live, .thing = &live->run.jobs[j], .job = j, .step = -1};
    return arc__turn_dirty(engine, &dirty, err);
}

static arc_status mark_step(struct arc_engine *engine, struct live *live, uint32_t j, uint32_t s,
                            const struct arc_step_state *step, int32_t attempt, arc_err *err)
{
    const struct dirty dirty = {
        .live = live, .thing = step, .job = j, .step = (int32_t)s, .attempt = attempt};
    return arc__turn_dirty(engine, &dirty, err);
}

static arc_status mark_steps(struct arc_engine *engine, struct live *live, uint32_t j, arc_err *err)
{
    const struct arc_job_state *job = &live->run.jobs[j];
    for (uint32_t s = 0; s < live->run.plan->jobs[j].step_count; s++)
        ARC_TRY(mark_step(engine, live, j, s, &job->steps[s], job->attempt, err));
    return ARC_OK;
}

/* The step that an event names: of the present attempt, or of the one that ended in this turn. */
static arc_status mark_named_step(struct arc_engine *engine, struct live *live,
                                  const struct arc_event *event, arc_err *err)
{
    uint32_t j = (uint32_t)event->job, s = (uint32_t)event->step;
    const struct arc_job_state *job = &live->run.jobs[j];
    const struct arc_step_state *step = &job->steps[s];
    int32_t attempt = job->attempt;
    if (!arc__slice_equal(arc__id_slice(&step->id), event->step_run_id)) {
        if (job->old_steps == NULL)
            return ARC_OK;
        step = &job->old_steps[s];
        attempt--;
    }
    return mark_step(engine, live, j, s, step, attempt, err);
}

/* The jobs that wait at a gate say so. */
static arc_status mark_guarded(struct arc_engine *engine, struct live *live, uint32_t gate,
                               arc_err *err)
{
    const struct arc_run *run = &live->run;
    const struct arc_plan *plan = run->plan;
    for (uint32_t j = 0; j < plan->job_count; j++) {
        int guarded = plan->gate == gate || plan->stages[plan->jobs[j].stage].gate == gate ||
                      plan->jobs[j].gate == gate;
        if (guarded && run->jobs[j].status == ARC_JOB_PENDING)
            ARC_TRY(arc__persist_mark_job(engine, live, j, err));
    }
    return ARC_OK;
}

/* The jobs that waited with their run wait for something else now. */
static arc_status mark_pending(struct arc_engine *engine, struct live *live, arc_err *err)
{
    for (uint32_t j = 0; j < live->run.plan->job_count; j++) {
        if (live->run.jobs[j].status == ARC_JOB_PENDING)
            ARC_TRY(arc__persist_mark_job(engine, live, j, err));
    }
    return ARC_OK;
}

arc_status arc__persist_events(struct arc_engine *engine, struct live *live,
                               const struct arc_decision *d, arc_err *err)
{
    const struct arc_run *run = &live->run;
    for (size_t i = 0; i < d->count; i++) {
        const struct arc_event *event = d->events[i];
        if (event->type == ARC_EVENT_PIPELINE_TRIGGERED) {
            for (uint32_t j = 0; j < run->plan->job_count; j++) {
                ARC_TRY(arc__persist_mark_job(engine, live, j, err));
                ARC_TRY(mark_steps(engine, live, j, err));
            }
        }
        if (event->type == ARC_EVENT_PIPELINE_ADMITTED)
            ARC_TRY(mark_pending(engine, live, err));
        if (event->gate != 0)
            ARC_TRY(mark_guarded(engine, live, event->gate, err));
        if (event->job < 0)
            continue;
        if (event->step >= 0) {
            ARC_TRY(mark_named_step(engine, live, event, err));
            continue;
        }
        ARC_TRY(arc__persist_mark_job(engine, live, (uint32_t)event->job, err));
        if (event->type == ARC_EVENT_JOB_RETRYING)
            ARC_TRY(mark_steps(engine, live, (uint32_t)event->job, err));
    }
    return ARC_OK;
}
