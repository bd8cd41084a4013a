/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as JSON; plan_load.c reads it. What has its default is left out, in both directions by the
 * same rule, so that reading what was written gives the same plan and writing what was read the
 * same bytes. Keys are never renamed: stored plans are read for ever. */
#include "spec/plan_private.h"
#include "spec/plan_words.h"

/* --- writing ------------------------------------------------------------------------------ */

static void put_text(struct arc_json *json, arc_slice key, arc_slice text)
{
    if (text.len == 0)
        return;
    arc__json_key(json, key);
    arc__json_text(json, text);
}

static void put_i64(struct arc_json *json, arc_slice key, int64_t value)
{
    if (value == 0)
        return;
    arc__json_key(json, key);
    arc__json_i64(json, value);
}

static void put_flag(struct arc_json *json, arc_slice key, uint32_t value)
{
    if (value == 0)
        return;
    arc__json_key(json, key);
    arc__json_bool(json, 1);
}

static void put_kvs(struct arc_json *json, arc_slice key, const struct arc_kvs *kvs)
{
    if (kvs->count == 0)
        return;
    arc__json_key(json, key);
    arc__json_object(json);
    for (uint32_t i = 0; i < kvs->count; i++) {
        arc__json_key(json, kvs->items[i].key);
        arc__json_text(json, kvs->items[i].value);
    }
    arc__json_end_object(json);
}

static void put_raw(struct arc_json *json, arc_slice key, arc_slice value)
{
    if (value.len == 0)
        return;
    arc__json_key(json, key);
    arc__json_raw(json, value);
}

static void put_texts(struct arc_json *json, arc_slice key, const arc_slice *items, uint32_t count)
{
    if (count == 0)
        return;
    arc__json_key(json, key);
    arc__json_array(json);
    for (uint32_t i = 0; i < count; i++)
        arc__json_text(json, items[i]);
    arc__json_end_array(json);
}

static void put_condition(struct arc_json *json, const struct arc_condition *condition)
{
    if (condition->when != ARC_WHEN_SUCCESS)
        arc__json_key_text(json, "when", arc__slice_cstr(when_words[condition->when]));
    put_text(json, ARC_LIT("condition"), condition->text);
    put_text(json, ARC_LIT("why"), condition->why);
}

static void put_late(struct arc_json *json, uint32_t late)
{
    if (late == 0)
        return;
    arc__json_key(json, ARC_LIT("late"));
    arc__json_array(json);
    for (uint32_t i = 0; i < ARC_COUNT_OF(late_words); i++) {
        if ((late & 1U << i) != 0)
            arc__json_text(json, arc__slice_cstr(late_words[i]));
    }
    arc__json_end_array(json);
}

static void put_group(struct arc_json *json, const struct arc_plan_group *group)
{
    if (group->group.len == 0)
        return;
    arc__json_key(json, ARC_LIT("group"));
    arc__json_object(json);
    arc__json_key_text(json, "name", group->group);
    if (group->limit != 1)
        arc__json_key_i64(json, "limit", group->limit);
    if (group->order != ARC_ORDER_CREATED)
        arc__json_key_text(json, "order", arc__slice_cstr(order_words[group->order]));
    if (group->on_full != ARC_FULL_WAIT)
        arc__json_key_text(json, "onFull", arc__slice_cstr(full_words[group->on_full]));
    arc__json_end_object(json);
}

static void put_retry(struct arc_json *json, const struct arc_retry *retry)
{
    if (retry->max_attempts == 0)
        return;
    arc__json_key(json, ARC_LIT("retry"));
    arc__json_object(json);
    arc__json_key_i64(json, "maxAttempts", retry->max_attempts);
    if (retry->on != ARC_CAUSE_ALL) {
        arc__json_key(json, ARC_LIT("on"));
        arc__json_array(json);
        for (uint32_t i = 0; i < ARC_COUNT_OF(cause_words); i++) {
            if ((retry->on & 1U << i) != 0)
                arc__json_text(json, arc__slice_cstr(cause_words[i]));
        }
        arc__json_end_array(json);
    }
    if (retry->backoff != ARC_BACKOFF_FIXED)
        arc__json_key_text(json, "backoff", arc__slice_cstr(backoff_words[retry->backoff]));
    put_flag(json, ARC_LIT("jitter"), retry->jitter);
    put_i64(json, ARC_LIT("delayNs"), retry->delay_ns);
    put_i64(json, ARC_LIT("maxDelayNs"), retry->max_delay_ns);
    arc__json_end_object(json);
}

static void put_exprs(struct arc_json *json, const struct arc_selector *selector)
{
    if (selector->expr_count == 0)
        return;
    arc__json_key(json, ARC_LIT("exprs"));
    arc__json_array(json);
    for (uint32_t i = 0; i < selector->expr_count; i++) {
        const struct arc_label_expr *expr = &selector->exprs[i];
        arc__json_object(json);
        arc__json_key_text(json, "key", expr->key);
        arc__json_key_text(json, "op", arc__slice_cstr(op_words[expr->op]));
        put_texts(json, ARC_LIT("values"), expr->values, expr->value_count);
        arc__json_end_object(json);
    }
    arc__json_end_array(json);
}

static void put_selector(struct arc_json *json, const struct arc_selector *selector)
{
    if (selector->labels.count == 0 && selector->expr_count == 0)
        return;
    arc__json_key(json, ARC_LIT("selector"));
    arc__json_object(json);
    put_kvs(json, ARC_LIT("labels"), &selector->labels);
    put_exprs(json, selector);
    arc__json_end_object(json);
}

static void put_layers(struct arc_json *json, const struct arc_plan_layers *layers)
{
    if (layers->count == 0)
        return;
    arc__json_key(json, ARC_LIT("envLayers"));
    arc__json_array(json);
    for (uint32_t i = 0; i < layers->count; i++) {
        arc__json_object(json);
        put_kvs(json, ARC_LIT("env"), &layers->items[i].env);
        put_kvs(json, ARC_LIT("lateEnv"), &layers->items[i].late_env);
        arc__json_end_object(json);
    }
    arc__json_end_array(json);
}

static void put_step(struct arc_json *json, const struct arc_plan_step *step)
{
    arc__json_object(json);
    arc__json_key_text(json, "name", step->name);
    if (!arc__slice_equal(step->id, step->name))
        put_text(json, ARC_LIT("id"), step->id);
    put_text(json, ARC_LIT("uses"), step->uses);
    put_text(json, ARC_LIT("action"), step->action);
    put_text(json, ARC_LIT("role"), arc__slice_cstr(role_words[step->role]));
    put_flag(json, ARC_LIT("finally"), step->finally);
    put_raw(json, ARC_LIT("args"), step->args);
    put_kvs(json, ARC_LIT("env"), &step->env);
    put_kvs(json, ARC_LIT("lateEnv"), &step->late_env);
    put_layers(json, &step->layers);
    put_kvs(json, ARC_LIT("secrets"), &step->secrets);
    put_text(json, ARC_LIT("image"), step->image);
    put_text(json, ARC_LIT("workingDirectory"), step->working_directory);
    put_late(json, step->late);
    put_raw(json, ARC_LIT("artifacts"), step->artifacts);
    put_condition(json, &step->condition);
    put_i64(json, ARC_LIT("timeoutNs"), step->timeout_ns);
    put_retry(json, &step->retry);
    put_flag(json, ARC_LIT("continueOnError"), step->continue_on_error);
    arc__json_end_object(json);
}

static void put_deps(struct arc_json *json, const struct arc_plan_job *job)
{
    if (job->dep_count == 0)
        return;
    arc__json_key(json, ARC_LIT("deps"));
    arc__json_array(json);
    for (uint32_t i = 0; i < job->dep_count; i++)
        arc__json_u64(json, job->deps[i]);
    arc__json_end_array(json);
}

static void put_job(struct arc_json *json, const struct arc_plan_job *job)
{
    arc__json_object(json);
    arc__json_key_text(json, "name", job->name);
    if (!arc__slice_equal(job->key, job->name))
        put_text(json, ARC_LIT("key"), job->key);
    put_raw(json, ARC_LIT("cell"), job->cell);
    put_deps(json, job);
    put_condition(json, &job->condition);
    put_i64(json, ARC_LIT("gate"), job->gate);
    put_group(json, &job->group);
    put_kvs(json, ARC_LIT("outputs"), &job->outputs);
    put_layers(json, &job->layers);
    put_raw(json, ARC_LIT("artifacts"), job->artifacts);
    put_raw(json, ARC_LIT("runtime"), job->runtime);
    put_raw(json, ARC_LIT("target"), job->target);
    put_raw(json, ARC_LIT("notify"), job->notify);
    put_late(json, job->late);
    put_i64(json, ARC_LIT("timeoutNs"), job->timeout_ns);
    put_i64(json, ARC_LIT("queueTimeoutNs"), job->queue_timeout_ns);
    put_retry(json, &job->retry);
    put_flag(json, ARC_LIT("continueOnError"), job->continue_on_error);
    put_text(json, ARC_LIT("place"), arc__slice_cstr(place_words[job->place]));
    put_selector(json, &job->selector);
    arc__json_key(json, ARC_LIT("steps"));
    arc__json_array(json);
    for (uint32_t i = 0; i < job->step_count; i++)
        put_step(json, &job->steps[i]);
    arc__json_end_array(json);
    arc__json_end_object(json);
}

/* What was written is counted and forgotten, so that a plan that is only measured needs no buffer
 * of its size. */
struct drain {
    size_t bytes; /* that are gone */
};

#define PIECE_BYTES ((size_t)16 * 1024)

static void pour(struct arc_buf *out, struct drain *drain)
{
    if (drain == NULL || out->failed != ARC_OK || out->len < PIECE_BYTES)
        return;
    drain->bytes += out->len;
    arc__buf_clear(out);
    out->max_bytes = ARC_PLAN_BYTES_MAX - drain->bytes;
}

static void put_stage(struct arc_json *json, const struct arc_plan *plan,
                      const struct arc_plan_stage *stage, struct drain *drain)
{
    arc__json_object(json);
    arc__json_key_text(json, "name", stage->name);
    put_condition(json, &stage->condition);
    put_i64(json, ARC_LIT("gate"), stage->gate);
    put_raw(json, ARC_LIT("notify"), stage->notify);
    arc__json_key(json, ARC_LIT("jobs"));
    arc__json_array(json);
    for (uint32_t i = 0; i < stage->job_count; i++) {
        put_job(json, &plan->jobs[stage->first_job + i]);
        pour(json->out, drain);
    }
    arc__json_end_array(json);
    arc__json_end_object(json);
}

static void put_gates(struct arc_json *json, const struct arc_plan *plan)
{
    if (plan->gate_count == 0)
        return;
    arc__json_key(json, ARC_LIT("gates"));
    arc__json_array(json);
    for (uint32_t i = 0; i < plan->gate_count; i++) {
        const struct arc_plan_gate *gate = &plan->gates[i];
        arc__json_object(json);
        arc__json_key_text(json, "guards", arc__slice_cstr(guard_words[gate->guards]));
        put_i64(json, ARC_LIT("index"), gate->index);
        put_flag(json, ARC_LIT("automatic"), gate->automatic);
        put_text(json, ARC_LIT("plugin"), gate->plugin);
        put_raw(json, ARC_LIT("params"), gate->params);
        put_texts(json, ARC_LIT("approvers"), gate->approvers, gate->approver_count);
        if (gate->count != 1)
            arc__json_key_i64(json, "count", gate->count);
        put_i64(json, ARC_LIT("timeoutNs"), gate->timeout_ns);
        put_flag(json, ARC_LIT("approveOnTimeout"), gate->approve_on_timeout);
        arc__json_end_object(json);
    }
    arc__json_end_array(json);
}

static void put_matrices(struct arc_json *json, const struct arc_plan *plan)
{
    if (plan->matrix_count == 0)
        return;
    arc__json_key(json, ARC_LIT("matrices"));
    arc__json_array(json);
    for (uint32_t i = 0; i < plan->matrix_count; i++) {
        const struct arc_plan_matrix *matrix = &plan->matrices[i];
        arc__json_object(json);
        arc__json_key_text(json, "name", matrix->name);
        put_i64(json, ARC_LIT("firstJob"), matrix->first_job);
        arc__json_key_i64(json, "jobCount", matrix->job_count);
        put_i64(json, ARC_LIT("maxParallel"), matrix->max_parallel);
        if (!matrix->fail_fast)
            arc__json_key_bool(json, "failFast", 0);
        arc__json_end_object(json);
    }
    arc__json_end_array(json);
}

static void put_includes(struct arc_json *json, const struct arc_plan *plan)
{
    if (plan->include_count == 0)
        return;
    arc__json_key(json, ARC_LIT("includes"));
    arc__json_array(json);
    for (uint32_t i = 0; i < plan->include_count; i++) {
        const struct arc_plan_include *include = &plan->includes[i];
        arc__json_object(json);
        arc__json_key_text(json, "template", include->template_);
        put_text(json, ARC_LIT("version"), include->version);
        put_text(json, ARC_LIT("library"), include->library);
        put_text(json, ARC_LIT("digest"), include->digest);
        arc__json_end_object(json);
    }
    arc__json_end_array(json);
}

static void put_plan(struct arc_json *json, const struct arc_plan *plan, struct drain *drain)
{
    arc__json_key_text(json, "namespace", plan->namespace_);
    put_text(json, ARC_LIT("version"), plan->version);
    put_text(json, ARC_LIT("name"), plan->name);
    put_kvs(json, ARC_LIT("variables"), &plan->variables);
    put_raw(json, ARC_LIT("context"), plan->context);
    put_i64(json, ARC_LIT("gate"), plan->gate);
    put_group(json, &plan->group);
    put_raw(json, ARC_LIT("notify"), plan->notify);
    put_gates(json, plan);
    put_matrices(json, plan);
    put_includes(json, plan);
    put_i64(json, ARC_LIT("timeoutNs"), plan->timeout_ns);
    put_i64(json, ARC_LIT("expressionUnits"), plan->expression_units);
    arc__json_key(json, ARC_LIT("stages"));
    arc__json_array(json);
    for (uint32_t i = 0; i < plan->stage_count; i++)
        put_stage(json, plan, &plan->stages[i], drain);
    arc__json_end_array(json);
    put_text(json, ARC_LIT("hash"), plan->hash);
}

void arc__plan_put(struct arc_json *json, const struct arc_plan *plan)
{
    put_plan(json, plan, NULL);
}

arc_status arc__plan_json_fits(const struct arc_plan *plan, const struct arc_mem *mem)
{
    struct drain drain = {0};
    struct arc_json json;
    struct arc_buf buf;
    arc__buf_init(&buf, mem, ARC_PLAN_BYTES_MAX);
    arc__json_init(&json, &buf);
    arc__json_object(&json);
    put_plan(&json, plan, &drain);
    arc__json_end_object(&json);
    arc_status status = buf.failed;
    arc__buf_deinit(&buf);
    return status;
}

void arc__plan_to_json(const struct arc_plan *plan, struct arc_buf *out)
{
    struct arc_json json;
    arc__json_init(&json, out);
    arc__json_object(&json);
    arc__plan_put(&json, plan);
    arc__json_end_object(&json);
}
