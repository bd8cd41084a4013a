/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/project.h"

#include "base/time.h"
#include "core/resolve.h"
#include "engine/event_json.h"

#define TEXT_MAX (64u * 1024u * 1024u)

/* What was printed, in the arena. */
static arc_status take_text(struct arc_buf *buf, struct arc_arena *arena, arc_slice *out,
                            arc_err *err)
{
    arc_status status = arc__buf_check(buf, err);
    if (status == ARC_OK) {
        *out = buf->len > 0 ? arc__arena_copy(arena, arc__buf_slice(buf)) : ARC_NONE;
        if (buf->len > 0 && out->ptr == NULL)
            status = arc__fail_nomem(err);
    }
    arc__buf_deinit(buf);
    return status;
}

static arc_status kvs_text(const struct arc_kvs *kvs, struct arc_arena *arena, arc_slice *out,
                           arc_err *err)
{
    struct arc_buf buf;
    if (kvs->count == 0) {
        *out = ARC_LIT("{}");
        return ARC_OK;
    }
    arc__buf_init(&buf, &arena->mem, TEXT_MAX);
    arc__kvs_to_json(kvs, &buf);
    return take_text(&buf, arena, out, err);
}

static arc_status duration_text(int64_t ns, struct arc_arena *arena, arc_slice *out, arc_err *err)
{
    struct arc_buf buf;
    if (ns == 0)
        return ARC_OK;
    arc__buf_init(&buf, &arena->mem, 64);
    arc__duration_add(&buf, ns);
    return take_text(&buf, arena, out, err);
}

static arc_status depends_text(const struct arc_plan *plan, uint32_t j, struct arc_arena *arena,
                               arc_slice *out, arc_err *err)
{
    struct arc_buf buf;
    struct arc_json json;
    if (plan->jobs[j].dep_count == 0) {
        *out = ARC_LIT("[]");
        return ARC_OK;
    }
    arc__buf_init(&buf, &arena->mem, TEXT_MAX);
    arc__json_init(&json, &buf);
    arc__json_array(&json);
    for (uint32_t i = 0; i < plan->jobs[j].dep_count; i++)
        arc__json_text(&json, plan->jobs[plan->jobs[j].deps[i]].key);
    arc__json_end_array(&json);
    return take_text(&buf, arena, out, err);
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

arc_status arc__project_run(const struct arc_run *run, struct arc_arena *arena,
                            struct arc_row_pipeline_run *out, arc_err *err)
{
    const struct arc_birth *birth = run->birth;
    *out = (struct arc_row_pipeline_run){
        .id = arc__id_slice(&run->id),
        .pipeline_id = run->pipeline_id,
        .pipeline_name = birth->pipeline_name,
        .project_id = birth->project_id,
        .namespace = run->plan->namespace_,
        .number = birth->number,
        .status = run->status,
        .reason = run->reason,
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
    return kvs_text(&birth->variables, arena, &out->variables, err);
}

arc_status arc__project_job(const struct arc_run *run, uint32_t j, struct arc_arena *arena,
                            struct arc_row_job_run *out, arc_err *err)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_job_state *job = &run->jobs[j];
    *out = (struct arc_row_job_run){
        .id = arc__id_slice(&job->id),
        .run_id = arc__id_slice(&run->id),
        .pipeline_id = run->pipeline_id,
        .job_index = j,
        .name = plan->key,
        .stage = run->plan->stages[plan->stage].name,
        .status = job->status,
        .reason = job->reason,
        .attempt = job->attempt,
        .agent_id = job->agent_id,
        .continue_on_error = plan->continue_on_error,
        .total_steps = plan->step_count,
        .created_at_ns = run->created_ns,
        .queued_at_ns = job->queued_ns,
        .started_at_ns = job->started_ns,
        .ended_at_ns = job->ended_ns,
    };
    return depends_text(run->plan, j, arena, &out->depends_on, err);
}

/* As it was given to its holder; a step that failed because of its templates is shown with them.
 * What an earlier attempt was given it finds where that attempt left it. */
static arc_status shown_texts(const struct arc_run *run, uint32_t j, uint32_t s, int old,
                              struct arc_arena *arena, struct arc_resolved *texts, arc_err *err)
{
    struct arc_job_state *job = &run->jobs[j];
    struct arc_step_state *steps = job->steps;
    arc_slice place = job->place;
    struct arc_resolved made;
    if (old) {
        job->steps = job->old_steps;
        job->place = job->old_place;
    }
    arc_status status = arc__step_resolve(run, j, s, NULL, arena, &made, err);
    job->steps = steps;
    job->place = place;
    if (status == ARC_OK)
        *texts = made;
    return status == ARC_EINVAL ? ARC_OK : status;
}

arc_status arc__project_step(const struct arc_run *run, uint32_t j, uint32_t s,
                             const struct arc_step_state *step, int32_t job_attempt,
                             struct arc_arena *arena, struct arc_row_step_run *out, arc_err *err)
{
    const struct arc_plan_step *plan = &run->plan->jobs[j].steps[s];
    const struct arc_job_state *job = &run->jobs[j];
    int old = job->old_steps != NULL && step == &job->old_steps[s];
    struct arc_resolved texts = {.args = plan->args, .env = plan->env};
    *out = (struct arc_row_step_run){
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
    int kept = old || step == &job->steps[s];
    if (kept && (step->fence != 0 || step->env.len > 0))
        ARC_TRY(shown_texts(run, j, s, old, arena, &texts, err));
    out->args = texts.args;
    ARC_TRY(kvs_text(&texts.env, arena, &out->env, err));
    return duration_text(kept && step->timeout_ns > 0 ? step->timeout_ns - 1 : plan->timeout_ns,
                         arena, &out->timeout, err);
}

void arc__project_deleted(int64_t time_ns, struct arc_row_step_run *out)
{
    out->deleted_at_ns = time_ns;
}

arc_status arc__project_artifact(const struct arc_event *event, struct arc_arena *arena,
                                 struct arc_row_step_run_artifact *out, arc_err *err)
{
    *out = (struct arc_row_step_run_artifact){
        .id = arc__arena_printf(arena, "%.*s-%lld", ARC_ARG(event->run_id), (long long)event->seq),
        .step_run_id = event->step_run_id,
        .run_id = event->run_id,
        .pipeline_id = event->pipeline_id,
        .job_id = event->job_id,
        .attempt = event->attempt,
        .name = event->artifact,
        .path = event->path,
        .size = event->size,
        .digest = event->digest,
        .created_at_ns = event->time_ns,
        .expire_at_ns = event->expires_ns,
    };
    return out->id.len > 0 ? ARC_OK : arc__fail_nomem(err);
}

int arc__project_soft(enum arc_table table, uint32_t col, const void *stored, const void *made)
{
    if (table == ARC_TABLE_pipeline_run) {
        const struct arc_row_pipeline_run *row = stored, *now = made;
        if (col == ARC_COL_pipeline_run_held || col == ARC_COL_pipeline_run_held_why ||
            col == ARC_COL_pipeline_run_home)
            return 1;
        if (col == ARC_COL_pipeline_run_version)
            return row->version > 0 && row->version <= now->version;
        return col == ARC_COL_pipeline_run_reason && !arc_run_state_is_terminal((int)now->status);
    }
    if (table == ARC_TABLE_job_run) {
        const struct arc_row_job_run *now = made;
        if (col == ARC_COL_job_run_reason)
            return !arc_job_state_is_terminal((int)now->status);
        /* Who has been offered a job that has not started; its row is written when it does. */
        return col == ARC_COL_job_run_agent_id && now->status == ARC_JOB_QUEUED;
    }
    return 0;
}
