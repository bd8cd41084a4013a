/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of a plan: SHA-256 over a form of its own, which costs a fraction of its JSON and says
 * exactly as much. Every field that has not its default is its number and its value; an object ends
 * with 0. A number is written in groups of seven bits, the lowest first, with the high bit where
 * more follow; a text is its length and its bytes. What has its default is left out by the rules of
 * plan_json.c, so that a plan that was stored and loaded has the hash it had, and a field that is
 * new changes no plan without it. Fields are never renumbered: hashes are compared for ever. */
#include "spec/plan_private.h"

/* In all objects; the numbers of enumerations and bits in core/plan.h are part of the form too. */
enum tag {
    TAG_END,
    TAG_NAME,
    TAG_NAMESPACE,
    TAG_VERSION,
    TAG_VARIABLES,
    TAG_CONTEXT,
    TAG_GATE,
    TAG_GROUP,
    TAG_NOTIFY,
    TAG_GATES,
    TAG_MATRICES,
    TAG_INCLUDES,
    TAG_TIMEOUT,
    TAG_STAGES,
    TAG_WHEN,
    TAG_CONDITION,
    TAG_WHY,
    TAG_JOBS,
    TAG_KEY,
    TAG_CELL,
    TAG_DEPS,
    TAG_OUTPUTS,
    TAG_ARTIFACTS,
    TAG_RUNTIME,
    TAG_TARGET,
    TAG_LATE,
    TAG_QUEUE_TIMEOUT,
    TAG_RETRY,
    TAG_CONTINUE_ON_ERROR,
    TAG_PLACE,
    TAG_LABELS,
    TAG_EXPRS,
    TAG_STEPS,
    TAG_ID,
    TAG_USES,
    TAG_ACTION,
    TAG_ROLE,
    TAG_FINALLY,
    TAG_ARGS,
    TAG_ENV,
    TAG_LATE_ENV,
    TAG_SECRETS,
    TAG_IMAGE,
    TAG_WORKING_DIRECTORY,
    TAG_GUARDS,
    TAG_INDEX,
    TAG_AUTOMATIC,
    TAG_PLUGIN,
    TAG_PARAMS,
    TAG_APPROVERS,
    TAG_COUNT,
    TAG_APPROVE_ON_TIMEOUT,
    TAG_FIRST_JOB,
    TAG_JOB_COUNT,
    TAG_MAX_PARALLEL,
    TAG_NO_FAIL_FAST,
    TAG_TEMPLATE,
    TAG_LIBRARY,
    TAG_DIGEST,
    TAG_LIMIT,
    TAG_ORDER,
    TAG_ON_FULL,
    TAG_MAX_ATTEMPTS,
    TAG_ON,
    TAG_BACKOFF,
    TAG_JITTER,
    TAG_DELAY,
    TAG_MAX_DELAY,
    TAG_OP,
    TAG_VALUES,
    TAG_LAYERS,
    TAG_UNITS,
    TAG_COUNT_OF,
};

_Static_assert(TAG_COUNT_OF <= 128, "a tag is one byte");

#define PIECE_BYTES 4096u

/* At most, as JSON: a byte of a text with its escape (or the quotes and the comma around one); the
 * index of a job; a field without its text: its key, a number or words, brackets. */
#define JSON_CHAR_MOST 6u
#define JSON_INDEX_MOST 11u
#define JSON_FIELD_MOST 96u

struct digest {
    struct arc_sha256 sha;
    struct arc_kvs env; /* of the step before */
    uint64_t json;      /* no JSON of what was written is longer */
    size_t len;
    uint8_t bytes[PIECE_BYTES];
};

/* --- values ------------------------------------------------------------------------------- */

static void pour(struct digest *d)
{
    arc__sha256_add(&d->sha, arc__slice(d->bytes, d->len));
    d->len = 0;
}

static void put_byte(struct digest *d, uint8_t byte)
{
    if (d->len == PIECE_BYTES)
        pour(d);
    d->bytes[d->len++] = byte;
}

static void put_number(struct digest *d, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        put_byte(d, (uint8_t)(value | 0x80));
    put_byte(d, (uint8_t)value);
}

static void put_slice(struct digest *d, arc_slice text)
{
    put_number(d, text.len);
    if (text.len > PIECE_BYTES - d->len)
        pour(d);
    if (text.len > PIECE_BYTES) {
        arc__sha256_add(&d->sha, text);
    } else if (text.len > 0) {
        memcpy(d->bytes + d->len, text.ptr, text.len);
        d->len += text.len;
    }
    d->json += JSON_CHAR_MOST * (uint64_t)text.len;
}

/* --- fields ------------------------------------------------------------------------------- */

static void put_tag(struct digest *d, enum tag tag)
{
    put_byte(d, (uint8_t)tag);
    d->json += JSON_FIELD_MOST;
}

static void put_text(struct digest *d, enum tag tag, arc_slice text)
{
    if (text.len == 0)
        return;
    put_tag(d, tag);
    put_slice(d, text);
}

/* JSON stands in JSON as it is. */
static void put_raw(struct digest *d, enum tag tag, arc_slice json)
{
    put_text(d, tag, json);
    d->json -= (JSON_CHAR_MOST - 1) * (uint64_t)json.len;
}

static void put_value(struct digest *d, enum tag tag, uint64_t value)
{
    if (value == 0)
        return;
    put_tag(d, tag);
    put_number(d, value);
}

static void put_flag(struct digest *d, enum tag tag, uint32_t value)
{
    put_value(d, tag, value != 0);
}

/* 1: there are items, and their number is written. */
static int put_count(struct digest *d, enum tag tag, uint32_t count)
{
    put_value(d, tag, count);
    return count > 0;
}

static void put_texts(struct digest *d, enum tag tag, const arc_slice *items, uint32_t count)
{
    if (!put_count(d, tag, count))
        return;
    d->json += JSON_CHAR_MOST * (uint64_t)count;
    for (uint32_t i = 0; i < count; i++)
        put_slice(d, items[i]);
}

static void put_kvs(struct digest *d, enum tag tag, const struct arc_kvs *kvs)
{
    if (!put_count(d, tag, kvs->count))
        return;
    d->json += JSON_CHAR_MOST * (uint64_t)kvs->count;
    for (uint32_t i = 0; i < kvs->count; i++) {
        put_slice(d, kvs->items[i].key);
        put_slice(d, kvs->items[i].value);
    }
}

static int is_same(arc_slice a, arc_slice b)
{
    return a.ptr == b.ptr ? a.len == b.len : arc__slice_same(a, b);
}

/* Most of an environment is that of the step before: then 1 stands for what is at the same place
 * there, and 0 before what is not. */
static void put_env(struct digest *d, const struct arc_kvs *env)
{
    const struct arc_kvs last = d->env;
    d->env = *env;
    if (!put_count(d, TAG_ENV, env->count))
        return;
    for (uint32_t i = 0; i < env->count; i++) {
        const struct arc_kv *kv = &env->items[i];
        int same = i < last.count && is_same(kv->key, last.items[i].key) &&
                   is_same(kv->value, last.items[i].value);
        put_byte(d, (uint8_t)same);
        d->json += JSON_CHAR_MOST;
        if (same) {
            d->json += JSON_CHAR_MOST * ((uint64_t)kv->key.len + kv->value.len);
            continue;
        }
        put_slice(d, kv->key);
        put_slice(d, kv->value);
    }
}

/* --- parts -------------------------------------------------------------------------------- */

static void put_condition(struct digest *d, const struct arc_condition *condition)
{
    if (condition->when != ARC_WHEN_SUCCESS)
        put_value(d, TAG_WHEN, condition->when);
    put_text(d, TAG_CONDITION, condition->text);
    put_text(d, TAG_WHY, condition->why);
}

static void put_group(struct digest *d, const struct arc_plan_group *group)
{
    if (group->group.len == 0)
        return;
    put_text(d, TAG_GROUP, group->group);
    if (group->limit != 1)
        put_value(d, TAG_LIMIT, group->limit);
    if (group->order != ARC_ORDER_CREATED)
        put_value(d, TAG_ORDER, group->order);
    if (group->on_full != ARC_FULL_WAIT)
        put_value(d, TAG_ON_FULL, group->on_full);
}

static void put_retry(struct digest *d, const struct arc_retry *retry)
{
    if (retry->max_attempts == 0)
        return;
    put_tag(d, TAG_RETRY);
    put_value(d, TAG_MAX_ATTEMPTS, retry->max_attempts);
    if (retry->on != ARC_CAUSE_ALL)
        put_value(d, TAG_ON, retry->on);
    if (retry->backoff != ARC_BACKOFF_FIXED)
        put_value(d, TAG_BACKOFF, retry->backoff);
    put_flag(d, TAG_JITTER, retry->jitter);
    put_value(d, TAG_DELAY, (uint64_t)retry->delay_ns);
    put_value(d, TAG_MAX_DELAY, (uint64_t)retry->max_delay_ns);
    put_tag(d, TAG_END);
}

static void put_selector(struct digest *d, const struct arc_selector *selector)
{
    put_kvs(d, TAG_LABELS, &selector->labels);
    if (!put_count(d, TAG_EXPRS, selector->expr_count))
        return;
    for (uint32_t i = 0; i < selector->expr_count; i++) {
        const struct arc_label_expr *expr = &selector->exprs[i];
        put_text(d, TAG_KEY, expr->key);
        put_value(d, TAG_OP, expr->op);
        put_texts(d, TAG_VALUES, expr->values, expr->value_count);
        put_tag(d, TAG_END);
    }
}

static void put_layers(struct digest *d, const struct arc_plan_layers *layers)
{
    (void)put_count(d, TAG_LAYERS, layers->count);
    for (uint32_t i = 0; i < layers->count; i++) {
        put_kvs(d, TAG_ENV, &layers->items[i].env);
        put_kvs(d, TAG_LATE_ENV, &layers->items[i].late_env);
        put_tag(d, TAG_END);
    }
}

static void put_step(struct digest *d, const struct arc_plan_step *step)
{
    put_text(d, TAG_NAME, step->name);
    if (!is_same(step->id, step->name))
        put_text(d, TAG_ID, step->id);
    put_text(d, TAG_USES, step->uses);
    put_text(d, TAG_ACTION, step->action);
    put_value(d, TAG_ROLE, step->role);
    put_flag(d, TAG_FINALLY, step->finally);
    put_raw(d, TAG_ARGS, step->args);
    put_env(d, &step->env);
    put_kvs(d, TAG_LATE_ENV, &step->late_env);
    put_layers(d, &step->layers);
    put_kvs(d, TAG_SECRETS, &step->secrets);
    put_text(d, TAG_IMAGE, step->image);
    put_text(d, TAG_WORKING_DIRECTORY, step->working_directory);
    put_value(d, TAG_LATE, step->late);
    put_raw(d, TAG_ARTIFACTS, step->artifacts);
    put_condition(d, &step->condition);
    put_value(d, TAG_TIMEOUT, (uint64_t)step->timeout_ns);
    put_retry(d, &step->retry);
    put_flag(d, TAG_CONTINUE_ON_ERROR, step->continue_on_error);
    put_tag(d, TAG_END);
}

static void put_job(struct digest *d, const struct arc_plan_job *job)
{
    put_text(d, TAG_NAME, job->name);
    if (!is_same(job->key, job->name))
        put_text(d, TAG_KEY, job->key);
    put_raw(d, TAG_CELL, job->cell);
    if (put_count(d, TAG_DEPS, job->dep_count)) {
        for (uint32_t i = 0; i < job->dep_count; i++)
            put_number(d, job->deps[i]);
        d->json += JSON_INDEX_MOST * (uint64_t)job->dep_count;
    }
    put_condition(d, &job->condition);
    put_value(d, TAG_GATE, job->gate);
    put_group(d, &job->group);
    put_kvs(d, TAG_OUTPUTS, &job->outputs);
    put_layers(d, &job->layers);
    put_raw(d, TAG_ARTIFACTS, job->artifacts);
    put_raw(d, TAG_RUNTIME, job->runtime);
    put_raw(d, TAG_TARGET, job->target);
    put_raw(d, TAG_NOTIFY, job->notify);
    put_value(d, TAG_LATE, job->late);
    put_value(d, TAG_TIMEOUT, (uint64_t)job->timeout_ns);
    put_value(d, TAG_QUEUE_TIMEOUT, (uint64_t)job->queue_timeout_ns);
    put_retry(d, &job->retry);
    put_flag(d, TAG_CONTINUE_ON_ERROR, job->continue_on_error);
    put_value(d, TAG_PLACE, job->place);
    put_selector(d, &job->selector);
    (void)put_count(d, TAG_STEPS, job->step_count);
    for (uint32_t i = 0; i < job->step_count; i++)
        put_step(d, &job->steps[i]);
    put_tag(d, TAG_END);
}

static void put_stage(struct digest *d, const struct arc_plan *plan,
                      const struct arc_plan_stage *stage)
{
    put_text(d, TAG_NAME, stage->name);
    put_condition(d, &stage->condition);
    put_value(d, TAG_GATE, stage->gate);
    put_raw(d, TAG_NOTIFY, stage->notify);
    (void)put_count(d, TAG_JOBS, stage->job_count);
    for (uint32_t i = 0; i < stage->job_count; i++)
        put_job(d, &plan->jobs[stage->first_job + i]);
    put_tag(d, TAG_END);
}

static void put_gate(struct digest *d, const struct arc_plan_gate *gate)
{
    put_value(d, TAG_GUARDS, gate->guards);
    put_value(d, TAG_INDEX, gate->index);
    put_flag(d, TAG_AUTOMATIC, gate->automatic);
    put_text(d, TAG_PLUGIN, gate->plugin);
    put_raw(d, TAG_PARAMS, gate->params);
    put_texts(d, TAG_APPROVERS, gate->approvers, gate->approver_count);
    if (gate->count != 1)
        put_value(d, TAG_COUNT, gate->count);
    put_value(d, TAG_TIMEOUT, (uint64_t)gate->timeout_ns);
    put_flag(d, TAG_APPROVE_ON_TIMEOUT, gate->approve_on_timeout);
    put_tag(d, TAG_END);
}

static void put_matrix(struct digest *d, const struct arc_plan_matrix *matrix)
{
    put_text(d, TAG_NAME, matrix->name);
    put_value(d, TAG_FIRST_JOB, matrix->first_job);
    put_value(d, TAG_JOB_COUNT, matrix->job_count);
    put_value(d, TAG_MAX_PARALLEL, matrix->max_parallel);
    put_flag(d, TAG_NO_FAIL_FAST, !matrix->fail_fast);
    put_tag(d, TAG_END);
}

static void put_include(struct digest *d, const struct arc_plan_include *include)
{
    put_text(d, TAG_TEMPLATE, include->template_);
    put_text(d, TAG_VERSION, include->version);
    put_text(d, TAG_LIBRARY, include->library);
    put_text(d, TAG_DIGEST, include->digest);
    put_tag(d, TAG_END);
}

uint64_t arc__plan_hash(const struct arc_plan *plan, char out[ARC_SHA256_HEX_LEN + 1])
{
    struct digest d;
    d.env = (struct arc_kvs){NULL, 0};
    d.json = JSON_FIELD_MOST;
    d.len = 0;
    arc__sha256_init(&d.sha);
    put_text(&d, TAG_NAMESPACE, plan->namespace_);
    put_text(&d, TAG_VERSION, plan->version);
    put_text(&d, TAG_NAME, plan->name);
    put_kvs(&d, TAG_VARIABLES, &plan->variables);
    put_raw(&d, TAG_CONTEXT, plan->context);
    put_value(&d, TAG_GATE, plan->gate);
    put_group(&d, &plan->group);
    put_raw(&d, TAG_NOTIFY, plan->notify);
    (void)put_count(&d, TAG_GATES, plan->gate_count);
    for (uint32_t i = 0; i < plan->gate_count; i++)
        put_gate(&d, &plan->gates[i]);
    (void)put_count(&d, TAG_MATRICES, plan->matrix_count);
    for (uint32_t i = 0; i < plan->matrix_count; i++)
        put_matrix(&d, &plan->matrices[i]);
    (void)put_count(&d, TAG_INCLUDES, plan->include_count);
    for (uint32_t i = 0; i < plan->include_count; i++)
        put_include(&d, &plan->includes[i]);
    put_value(&d, TAG_TIMEOUT, (uint64_t)plan->timeout_ns);
    put_value(&d, TAG_UNITS, plan->expression_units);
    (void)put_count(&d, TAG_STAGES, plan->stage_count);
    for (uint32_t i = 0; i < plan->stage_count; i++)
        put_stage(&d, plan, &plan->stages[i]);
    put_tag(&d, TAG_END);
    pour(&d);
    arc__sha256_end_hex(&d.sha, out);
    return d.json;
}
