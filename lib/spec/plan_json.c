/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as JSON and back. What has its default is left out, in both directions by the same rule,
 * so that reading what was written gives the same plan and writing what was read the same bytes. */
#include "spec/node.h"

static const char *const when_words[] = {"", "success", "failure", "always", "cancelled", "never"};
static const char *const backoff_words[] = {"", "fixed", "linear", "exponential"};
static const char *const op_words[] = {"", "In", "NotIn", "Exists", "NotExists", "Gt", "Lt"};
static const char *const place_words[] = {"", "agent", "local"};
static const char *const cause_words[] = {"failed", "timeout", "lost"};

/* --- writing ------------------------------------------------------------------------------ */

static void put_text(struct arc_json *json, const char *key, arc_slice text)
{
    if (text.len > 0)
        arc__json_key_text(json, key, text);
}

static void put_i64(struct arc_json *json, const char *key, int64_t value)
{
    if (value != 0)
        arc__json_key_i64(json, key, value);
}

static void put_flag(struct arc_json *json, const char *key, uint32_t value)
{
    if (value != 0)
        arc__json_key_bool(json, key, 1);
}

static void put_kvs(struct arc_json *json, const char *key, const struct arc_kvs *kvs)
{
    if (kvs->count == 0)
        return;
    arc__json_key(json, arc__slice_cstr(key));
    arc__json_object(json);
    for (uint32_t i = 0; i < kvs->count; i++) {
        arc__json_key(json, kvs->items[i].key);
        arc__json_text(json, kvs->items[i].value);
    }
    arc__json_end_object(json);
}

static void put_when(struct arc_json *json, enum arc_when when)
{
    if (when != ARC_WHEN_SUCCESS)
        arc__json_key_text(json, "when", arc__slice_cstr(when_words[when]));
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
    put_flag(json, "jitter", retry->jitter);
    put_i64(json, "delayNs", retry->delay_ns);
    put_i64(json, "maxDelayNs", retry->max_delay_ns);
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
        if (expr->value_count > 0) {
            arc__json_key(json, ARC_LIT("values"));
            arc__json_array(json);
            for (uint32_t v = 0; v < expr->value_count; v++)
                arc__json_text(json, expr->values[v]);
            arc__json_end_array(json);
        }
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
    put_kvs(json, "labels", &selector->labels);
    put_exprs(json, selector);
    arc__json_end_object(json);
}

static void put_step(struct arc_json *json, const struct arc_plan_step *step)
{
    arc__json_object(json);
    arc__json_key_text(json, "name", step->name);
    if (!arc__slice_equal(step->id, step->name))
        put_text(json, "id", step->id);
    put_text(json, "uses", step->uses);
    put_text(json, "action", step->action);
    if (step->args.len > 0) {
        arc__json_key(json, ARC_LIT("args"));
        arc__json_raw(json, step->args);
    }
    put_kvs(json, "env", &step->env);
    put_text(json, "image", step->image);
    put_text(json, "workingDirectory", step->working_directory);
    put_when(json, step->condition.when);
    put_i64(json, "timeoutNs", step->timeout_ns);
    put_retry(json, &step->retry);
    put_flag(json, "continueOnError", step->continue_on_error);
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
        put_text(json, "key", job->key);
    put_deps(json, job);
    put_when(json, job->condition.when);
    put_i64(json, "timeoutNs", job->timeout_ns);
    put_i64(json, "queueTimeoutNs", job->queue_timeout_ns);
    put_retry(json, &job->retry);
    put_flag(json, "continueOnError", job->continue_on_error);
    put_text(json, "place", arc__slice_cstr(place_words[job->place]));
    put_selector(json, &job->selector);
    arc__json_key(json, ARC_LIT("steps"));
    arc__json_array(json);
    for (uint32_t i = 0; i < job->step_count; i++)
        put_step(json, &job->steps[i]);
    arc__json_end_array(json);
    arc__json_end_object(json);
}

static void put_stage(struct arc_json *json, const struct arc_plan *plan,
                      const struct arc_plan_stage *stage)
{
    arc__json_object(json);
    arc__json_key_text(json, "name", stage->name);
    put_when(json, stage->condition.when);
    arc__json_key(json, ARC_LIT("jobs"));
    arc__json_array(json);
    for (uint32_t i = 0; i < stage->job_count; i++)
        put_job(json, &plan->jobs[stage->first_job + i]);
    arc__json_end_array(json);
    arc__json_end_object(json);
}

void arc__plan_to_json(const struct arc_plan *plan, struct arc_buf *out)
{
    struct arc_json json;
    arc__json_init(&json, out);
    arc__json_object(&json);
    arc__json_key_text(&json, "namespace", plan->namespace_);
    put_text(&json, "version", plan->version);
    put_text(&json, "name", plan->name);
    put_kvs(&json, "variables", &plan->variables);
    put_i64(&json, "timeoutNs", plan->timeout_ns);
    arc__json_key(&json, ARC_LIT("stages"));
    arc__json_array(&json);
    for (uint32_t i = 0; i < plan->stage_count; i++)
        put_stage(&json, plan, &plan->stages[i]);
    arc__json_end_array(&json);
    put_text(&json, "hash", plan->hash);
    arc__json_end_object(&json);
}

/* --- reading ------------------------------------------------------------------------------ */

/* One sticky failure for the whole plan: which key was not as it must be. */
struct load {
    struct arc_arena *arena;
    const char *bad; /* NULL: none yet */
};

static void refuse(struct load *load, const char *key)
{
    if (load->bad == NULL)
        load->bad = key;
}

static const struct arc_node *get(struct load *load, const struct arc_node *map, const char *key,
                                  enum arc_node_kind kind)
{
    const struct arc_node *node = arc__node_get(map, key);
    if (node != NULL && node->kind != kind) {
        refuse(load, key);
        return NULL;
    }
    return node;
}

static arc_slice get_text(struct load *load, const struct arc_node *map, const char *key)
{
    const struct arc_node *node = get(load, map, key, ARC_NODE_TEXT);
    return node != NULL ? arc__arena_copy(load->arena, node->text) : ARC_NONE;
}

static int64_t get_i64(struct load *load, const struct arc_node *map, const char *key, int64_t max)
{
    const struct arc_node *node = get(load, map, key, ARC_NODE_INT);
    if (node == NULL)
        return 0;
    if (node->number < 0 || node->number > max) {
        refuse(load, key);
        return 0;
    }
    return node->number;
}

static uint32_t get_flag(struct load *load, const struct arc_node *map, const char *key)
{
    const struct arc_node *node = get(load, map, key, ARC_NODE_BOOL);
    return node != NULL && node->number != 0;
}

/* The index of a word, from 1 (0 is the absent one); fallback when the key is absent. */
static uint32_t get_word(struct load *load, const struct arc_node *map, const char *key,
                         const char *const *words, size_t count, uint32_t fallback)
{
    const struct arc_node *node = get(load, map, key, ARC_NODE_TEXT);
    if (node == NULL)
        return fallback;
    for (size_t i = 1; i < count; i++) {
        if (arc__slice_is(node->text, words[i]))
            return (uint32_t)i;
    }
    refuse(load, key);
    return fallback;
}

static enum arc_when get_when(struct load *load, const struct arc_node *map)
{
    return (enum arc_when)get_word(load, map, "when", when_words, ARC_COUNT_OF(when_words),
                                   ARC_WHEN_SUCCESS);
}

static struct arc_kvs get_kvs(struct load *load, const struct arc_node *map, const char *key)
{
    struct arc_kvs kvs = {NULL, 0};
    const struct arc_node *node = get(load, map, key, ARC_NODE_MAP);
    struct arc_kv *items =
        node != NULL ? arc__arena_array(load->arena, node->count, sizeof(*items)) : NULL;
    if (items == NULL)
        return kvs;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
        if (c->kind != ARC_NODE_TEXT ||
            (kvs.count > 0 && arc__slice_compare(items[kvs.count - 1].key, c->key) >= 0))
            refuse(load, key);
        items[kvs.count++] = (struct arc_kv){arc__arena_copy(load->arena, c->key),
                                             arc__arena_copy(load->arena, c->text)};
    }
    kvs.items = items;
    return kvs;
}

static struct arc_retry get_retry(struct load *load, const struct arc_node *map)
{
    struct arc_retry retry = {0};
    const struct arc_node *node = get(load, map, "retry", ARC_NODE_MAP);
    if (node == NULL)
        return retry;
    const struct arc_node *on = get(load, node, "on", ARC_NODE_LIST);
    retry.max_attempts = (uint32_t)get_i64(load, node, "maxAttempts", UINT32_MAX);
    retry.backoff = (enum arc_backoff)get_word(load, node, "backoff", backoff_words,
                                               ARC_COUNT_OF(backoff_words), ARC_BACKOFF_FIXED);
    retry.jitter = get_flag(load, node, "jitter");
    retry.delay_ns = get_i64(load, node, "delayNs", INT64_MAX);
    retry.max_delay_ns = get_i64(load, node, "maxDelayNs", INT64_MAX);
    retry.on = on == NULL ? ARC_CAUSE_ALL : 0;
    for (const struct arc_node *c = on != NULL ? on->first : NULL; c != NULL; c = c->next) {
        uint32_t bit = 0;
        for (uint32_t i = 0; i < ARC_COUNT_OF(cause_words); i++)
            bit |= arc__slice_is(c->text, cause_words[i]) ? 1U << i : 0;
        if (bit == 0)
            refuse(load, "on");
        retry.on |= bit;
    }
    return retry;
}

static struct arc_label_expr get_expr(struct load *load, const struct arc_node *node)
{
    struct arc_label_expr expr = {0};
    const struct arc_node *values = get(load, node, "values", ARC_NODE_LIST);
    arc_slice *items =
        values != NULL ? arc__arena_array(load->arena, values->count, sizeof(*items)) : NULL;
    expr.key = get_text(load, node, "key");
    expr.op = (enum arc_label_op)get_word(load, node, "op", op_words, ARC_COUNT_OF(op_words), 0);
    if (expr.op == 0)
        refuse(load, "op");
    for (const struct arc_node *c = items != NULL ? values->first : NULL; c != NULL; c = c->next) {
        if (c->kind != ARC_NODE_TEXT)
            refuse(load, "values");
        items[expr.value_count++] = arc__arena_copy(load->arena, c->text);
    }
    expr.values = items;
    return expr;
}

static struct arc_selector get_selector(struct load *load, const struct arc_node *map)
{
    struct arc_selector selector = {0};
    const struct arc_node *node = get(load, map, "selector", ARC_NODE_MAP);
    const struct arc_node *list = node != NULL ? get(load, node, "exprs", ARC_NODE_LIST) : NULL;
    if (node == NULL)
        return selector;
    selector.labels = get_kvs(load, node, "labels");
    struct arc_label_expr *exprs =
        list != NULL ? arc__arena_array(load->arena, list->count, sizeof(*exprs)) : NULL;
    for (const struct arc_node *c = exprs != NULL ? list->first : NULL; c != NULL; c = c->next)
        exprs[selector.expr_count++] = get_expr(load, c);
    selector.exprs = exprs;
    return selector;
}

static arc_slice get_args(struct load *load, const struct arc_node *map)
{
    const struct arc_node *node = get(load, map, "args", ARC_NODE_MAP);
    struct arc_buf buf;
    if (node == NULL)
        return ARC_NONE;
    arc__buf_init(&buf, &load->arena->mem, load->arena->max_bytes - load->arena->used_bytes);
    arc__node_to_json(node, &buf);
    load->arena->failed |= buf.failed != ARC_OK;
    arc_slice args = arc__arena_copy(load->arena, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
    return args;
}

static struct arc_plan_step get_step(struct load *load, const struct arc_node *node)
{
    struct arc_plan_step step = {0};
    if (node->kind != ARC_NODE_MAP)
        refuse(load, "steps");
    step.name = get_text(load, node, "name");
    step.id = get_text(load, node, "id");
    if (step.id.len == 0)
        step.id = step.name;
    step.uses = get_text(load, node, "uses");
    step.action = get_text(load, node, "action");
    step.args = get_args(load, node);
    step.env = get_kvs(load, node, "env");
    step.image = get_text(load, node, "image");
    step.working_directory = get_text(load, node, "workingDirectory");
    step.condition.when = get_when(load, node);
    step.timeout_ns = get_i64(load, node, "timeoutNs", INT64_MAX);
    step.retry = get_retry(load, node);
    step.continue_on_error = get_flag(load, node, "continueOnError");
    return step;
}

/* Dependencies ascend, and stay inside of the plan. */
static void get_deps(struct load *load, const struct arc_node *node, uint32_t job_count,
                     struct arc_plan_job *job)
{
    const struct arc_node *list = get(load, node, "deps", ARC_NODE_LIST);
    uint32_t *deps =
        list != NULL ? arc__arena_array(load->arena, list->count, sizeof(*deps)) : NULL;
    for (const struct arc_node *c = deps != NULL ? list->first : NULL; c != NULL; c = c->next) {
        if (c->kind != ARC_NODE_INT || c->number < 0 || c->number >= job_count ||
            (job->dep_count > 0 && c->number <= deps[job->dep_count - 1])) {
            refuse(load, "deps");
            return;
        }
        deps[job->dep_count++] = (uint32_t)c->number;
    }
    job->deps = deps;
}

static struct arc_plan_job get_job(struct load *load, const struct arc_node *node, uint32_t stage,
                                   uint32_t job_count)
{
    struct arc_plan_job job = {0};
    const struct arc_node *list = get(load, node, "steps", ARC_NODE_LIST);
    struct arc_plan_step *steps =
        list != NULL ? arc__arena_array(load->arena, list->count, sizeof(*steps)) : NULL;
    if (node->kind != ARC_NODE_MAP)
        refuse(load, "jobs");
    for (const struct arc_node *c = steps != NULL ? list->first : NULL; c != NULL; c = c->next)
        steps[job.step_count++] = get_step(load, c);
    job.steps = steps;
    job.stage = stage;
    job.name = get_text(load, node, "name");
    job.key = get_text(load, node, "key");
    if (job.key.len == 0)
        job.key = job.name;
    get_deps(load, node, job_count, &job);
    job.condition.when = get_when(load, node);
    job.timeout_ns = get_i64(load, node, "timeoutNs", INT64_MAX);
    job.queue_timeout_ns = get_i64(load, node, "queueTimeoutNs", INT64_MAX);
    job.retry = get_retry(load, node);
    job.continue_on_error = get_flag(load, node, "continueOnError");
    job.place = get_word(load, node, "place", place_words, ARC_COUNT_OF(place_words), 0);
    job.selector = get_selector(load, node);
    return job;
}

static void get_stages(struct load *load, const struct arc_node *list, struct arc_plan *plan)
{
    size_t total = 0;
    for (const struct arc_node *c = list->first; c != NULL; c = c->next) {
        const struct arc_node *jobs = get(load, c, "jobs", ARC_NODE_LIST);
        total += jobs != NULL ? jobs->count : 0;
    }
    struct arc_plan_stage *stages = arc__arena_array(load->arena, list->count, sizeof(*stages));
    struct arc_plan_job *jobs = arc__arena_array(load->arena, total, sizeof(*jobs));
    if (stages == NULL || jobs == NULL)
        return;
    for (const struct arc_node *c = list->first; c != NULL; c = c->next) {
        const struct arc_node *own = get(load, c, "jobs", ARC_NODE_LIST);
        struct arc_plan_stage *stage = &stages[plan->stage_count];
        stage->name = get_text(load, c, "name");
        stage->condition.when = get_when(load, c);
        stage->first_job = plan->job_count;
        stage->job_count = own != NULL ? own->count : 0;
        for (const struct arc_node *j = own != NULL ? own->first : NULL; j != NULL; j = j->next)
            jobs[plan->job_count++] = get_job(load, j, plan->stage_count, (uint32_t)total);
        plan->stage_count++;
    }
    plan->stages = stages;
    plan->jobs = jobs;
}

arc_status arc__plan_from_node(const struct arc_node *node, struct arc_arena *arena,
                               const struct arc_plan **out, arc_err *err)
{
    struct load load = {arena, NULL};
    if (node == NULL || node->kind != ARC_NODE_MAP)
        return arc__fail(err, ARC_EINVAL, "plan", "A plan is a JSON object.");
    const struct arc_node *stages = get(&load, node, "stages", ARC_NODE_LIST);
    struct arc_plan *plan = ARC_ARENA_NEW(arena, struct arc_plan);
    if (plan == NULL)
        return arc__arena_status(arena, 0, err);
    plan->namespace_ = get_text(&load, node, "namespace");
    plan->version = get_text(&load, node, "version");
    plan->name = get_text(&load, node, "name");
    plan->variables = get_kvs(&load, node, "variables");
    plan->timeout_ns = get_i64(&load, node, "timeoutNs", INT64_MAX);
    plan->hash = get_text(&load, node, "hash");
    if (stages != NULL)
        get_stages(&load, stages, plan);
    if (arena->failed)
        return arc__arena_status(arena, 0, err);
    if (load.bad != NULL)
        return arc__fail(err, ARC_EINVAL, "plan", "The plan's `%s` is not as it must be.",
                         load.bad);
    *out = plan;
    return ARC_OK;
}
