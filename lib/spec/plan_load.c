/* SPDX-License-Identifier: Apache-2.0 */
/* A plan from its JSON, as plan_json.c writes it now and as older versions of the library did: what
 * is absent has its default, what is not known is passed over. */
#include "spec/plan_words.h"

/* One sticky failure for the whole plan: which key was not as it must be. */
struct load {
    struct arc_arena *arena;
    const char *bad; /* NULL: none yet */
    uint32_t gate_count;
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

static struct arc_condition get_condition(struct load *load, const struct arc_node *map)
{
    struct arc_condition condition;
    condition.when = (enum arc_when)get_word(load, map, "when", when_words,
                                             ARC_COUNT_OF(when_words), ARC_WHEN_SUCCESS);
    condition.text = get_text(load, map, "condition");
    condition.why = get_text(load, map, "why");
    if (condition.when == ARC_WHEN_EXPR && condition.text.len == 0)
        refuse(load, "condition");
    return condition;
}

/* A part that is JSON, as JSON. */
static arc_slice get_raw(struct load *load, const struct arc_node *map, const char *key,
                         enum arc_node_kind kind)
{
    const struct arc_node *node = arc__node_get(map, key);
    struct arc_buf buf;
    if (node == NULL)
        return ARC_NONE;
    if (node->kind != kind) {
        refuse(load, key);
        return ARC_NONE;
    }
    arc__buf_init(&buf, &load->arena->mem, load->arena->max_bytes - load->arena->used_bytes);
    arc__node_to_json(node, &buf);
    load->arena->failed |= buf.failed != ARC_OK;
    arc_slice text = arc__arena_copy(load->arena, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
    return text;
}

static const arc_slice *get_texts(struct load *load, const struct arc_node *map, const char *key,
                                  uint32_t *count)
{
    const struct arc_node *list = get(load, map, key, ARC_NODE_LIST);
    arc_slice *items =
        list != NULL ? arc__arena_array(load->arena, list->count, sizeof(*items)) : NULL;
    *count = 0;
    for (const struct arc_node *c = items != NULL ? list->first : NULL; c != NULL; c = c->next) {
        if (c->kind != ARC_NODE_TEXT)
            refuse(load, key);
        items[(*count)++] = arc__arena_copy(load->arena, c->text);
    }
    return items;
}

static uint32_t get_late(struct load *load, const struct arc_node *map)
{
    const struct arc_node *list = get(load, map, "late", ARC_NODE_LIST);
    uint32_t late = 0;
    for (const struct arc_node *c = list != NULL ? list->first : NULL; c != NULL; c = c->next) {
        uint32_t bit = 0;
        for (uint32_t i = 0; i < ARC_COUNT_OF(late_words); i++)
            bit |= arc__slice_is(c->text, late_words[i]) ? 1U << i : 0;
        if (bit == 0)
            refuse(load, "late");
        late |= bit;
    }
    return late;
}

static struct arc_plan_group get_group(struct load *load, const struct arc_node *map)
{
    const struct arc_node *node = get(load, map, "group", ARC_NODE_MAP);
    if (node == NULL)
        return (struct arc_plan_group){0};
    struct arc_plan_group group = {
        .group = get_text(load, node, "name"),
        .limit = (uint32_t)get_i64(load, node, "limit", UINT32_MAX),
        .order = (enum arc_group_order)get_word(load, node, "order", order_words,
                                                ARC_COUNT_OF(order_words), ARC_ORDER_CREATED),
        .on_full = (enum arc_on_full)get_word(load, node, "onFull", full_words,
                                              ARC_COUNT_OF(full_words), ARC_FULL_WAIT),
    };
    if (group.group.len == 0)
        refuse(load, "group");
    if (group.limit == 0)
        group.limit = 1;
    return group;
}

/* 1 + the index of a gate that is there. */
static uint32_t get_gate(struct load *load, const struct arc_node *map)
{
    return (uint32_t)get_i64(load, map, "gate", load->gate_count);
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
    expr.key = get_text(load, node, "key");
    expr.op = (enum arc_label_op)get_word(load, node, "op", op_words, ARC_COUNT_OF(op_words), 0);
    if (expr.op == 0)
        refuse(load, "op");
    expr.values = get_texts(load, node, "values", &expr.value_count);
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

static struct arc_plan_layers get_layers(struct load *load, const struct arc_node *map)
{
    const struct arc_node *list = get(load, map, "envLayers", ARC_NODE_LIST);
    struct arc_plan_layers layers = {NULL, 0};
    struct arc_plan_layer *items =
        list != NULL ? arc__arena_array(load->arena, list->count, sizeof(*items)) : NULL;
    for (const struct arc_node *c = items != NULL ? list->first : NULL; c != NULL; c = c->next) {
        if (c->kind != ARC_NODE_MAP)
            refuse(load, "envLayers");
        items[layers.count++] =
            (struct arc_plan_layer){get_kvs(load, c, "env"), get_kvs(load, c, "lateEnv")};
    }
    layers.items = items;
    return layers;
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
    step.role = get_word(load, node, "role", role_words, ARC_COUNT_OF(role_words), 0);
    step.finally = get_flag(load, node, "finally");
    step.args = get_raw(load, node, "args", ARC_NODE_MAP);
    step.env = get_kvs(load, node, "env");
    step.late_env = get_kvs(load, node, "lateEnv");
    step.layers = get_layers(load, node);
    step.secrets = get_kvs(load, node, "secrets");
    step.image = get_text(load, node, "image");
    step.working_directory = get_text(load, node, "workingDirectory");
    step.late = get_late(load, node);
    step.artifacts = get_raw(load, node, "artifacts", ARC_NODE_LIST);
    step.condition = get_condition(load, node);
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
    job.cell = get_raw(load, node, "cell", ARC_NODE_MAP);
    get_deps(load, node, job_count, &job);
    job.condition = get_condition(load, node);
    job.gate = get_gate(load, node);
    job.group = get_group(load, node);
    job.outputs = get_kvs(load, node, "outputs");
    job.layers = get_layers(load, node);
    job.artifacts = get_raw(load, node, "artifacts", ARC_NODE_LIST);
    job.runtime = get_raw(load, node, "runtime", ARC_NODE_MAP);
    job.target = get_raw(load, node, "target", ARC_NODE_MAP);
    job.notify = get_raw(load, node, "notify", ARC_NODE_MAP);
    job.late = get_late(load, node);
    job.timeout_ns = get_i64(load, node, "timeoutNs", INT64_MAX);
    job.queue_timeout_ns = get_i64(load, node, "queueTimeoutNs", INT64_MAX);
    job.retry = get_retry(load, node);
    job.continue_on_error = get_flag(load, node, "continueOnError");
    job.place = get_word(load, node, "place", place_words, ARC_COUNT_OF(place_words), 0);
    job.selector = get_selector(load, node);
    return job;
}

static struct arc_plan_job *get_stages(struct load *load, const struct arc_node *list,
                                       struct arc_plan *plan)
{
    size_t total = 0;
    for (const struct arc_node *c = list->first; c != NULL; c = c->next) {
        const struct arc_node *jobs = get(load, c, "jobs", ARC_NODE_LIST);
        total += jobs != NULL ? jobs->count : 0;
    }
    struct arc_plan_stage *stages = arc__arena_array(load->arena, list->count, sizeof(*stages));
    struct arc_plan_job *jobs = arc__arena_array(load->arena, total, sizeof(*jobs));
    if (stages == NULL || jobs == NULL)
        return NULL;
    for (const struct arc_node *c = list->first; c != NULL; c = c->next) {
        const struct arc_node *own = get(load, c, "jobs", ARC_NODE_LIST);
        struct arc_plan_stage *stage = &stages[plan->stage_count];
        stage->name = get_text(load, c, "name");
        stage->condition = get_condition(load, c);
        stage->gate = get_gate(load, c);
        stage->notify = get_raw(load, c, "notify", ARC_NODE_MAP);
        stage->first_job = plan->job_count;
        stage->job_count = own != NULL ? own->count : 0;
        for (const struct arc_node *j = own != NULL ? own->first : NULL; j != NULL; j = j->next)
            jobs[plan->job_count++] = get_job(load, j, plan->stage_count, (uint32_t)total);
        plan->stage_count++;
    }
    plan->stages = stages;
    plan->jobs = jobs;
    return jobs;
}

/* --- what stands beside the stages -------------------------------------------------------- */

static void get_gates(struct load *load, const struct arc_node *map, struct arc_plan *plan)
{
    const struct arc_node *list = get(load, map, "gates", ARC_NODE_LIST);
    struct arc_plan_gate *gates =
        list != NULL ? arc__arena_array(load->arena, list->count, sizeof(*gates)) : NULL;
    for (const struct arc_node *c = gates != NULL ? list->first : NULL; c != NULL; c = c->next) {
        struct arc_plan_gate *gate = &gates[plan->gate_count++];
        gate->guards = (enum arc_gate_guards)get_word(load, c, "guards", guard_words,
                                                      ARC_COUNT_OF(guard_words), 0);
        gate->index = (uint32_t)get_i64(load, c, "index", UINT32_MAX);
        gate->automatic = get_flag(load, c, "automatic");
        gate->plugin = get_text(load, c, "plugin");
        gate->params = get_raw(load, c, "params", ARC_NODE_MAP);
        gate->approvers = get_texts(load, c, "approvers", &gate->approver_count);
        gate->count = (uint32_t)get_i64(load, c, "count", UINT32_MAX);
        gate->timeout_ns = get_i64(load, c, "timeoutNs", INT64_MAX);
        gate->approve_on_timeout = get_flag(load, c, "approveOnTimeout");
        if (gate->count == 0)
            gate->count = 1;
        if (gate->guards == 0)
            refuse(load, "guards");
    }
    plan->gates = gates;
    load->gate_count = plan->gate_count;
}

static void get_includes(struct load *load, const struct arc_node *map, struct arc_plan *plan)
{
    const struct arc_node *list = get(load, map, "includes", ARC_NODE_LIST);
    struct arc_plan_include *includes =
        list != NULL ? arc__arena_array(load->arena, list->count, sizeof(*includes)) : NULL;
    for (const struct arc_node *c = includes != NULL ? list->first : NULL; c != NULL; c = c->next)
        includes[plan->include_count++] =
            (struct arc_plan_include){get_text(load, c, "template"), get_text(load, c, "version"),
                                      get_text(load, c, "library"), get_text(load, c, "digest")};
    plan->includes = includes;
}

/* After the stages: which jobs are cells of which matrix. Each job is one of at most one. */
static void get_matrices(struct load *load, const struct arc_node *map, struct arc_plan *plan,
                         struct arc_plan_job *jobs)
{
    const struct arc_node *list = get(load, map, "matrices", ARC_NODE_LIST);
    struct arc_plan_matrix *matrices =
        list != NULL ? arc__arena_array(load->arena, list->count, sizeof(*matrices)) : NULL;
    for (const struct arc_node *c = matrices != NULL ? list->first : NULL; c != NULL; c = c->next) {
        struct arc_plan_matrix *matrix = &matrices[plan->matrix_count++];
        const struct arc_node *fail = get(load, c, "failFast", ARC_NODE_BOOL);
        matrix->name = get_text(load, c, "name");
        matrix->first_job = (uint32_t)get_i64(load, c, "firstJob", plan->job_count);
        matrix->job_count =
            (uint32_t)get_i64(load, c, "jobCount", plan->job_count - matrix->first_job);
        matrix->max_parallel = (uint32_t)get_i64(load, c, "maxParallel", UINT32_MAX);
        matrix->fail_fast = fail == NULL || fail->number != 0;
        for (uint32_t j = 0; j < matrix->job_count; j++) {
            if (jobs[matrix->first_job + j].matrix != 0)
                refuse(load, "matrices");
            jobs[matrix->first_job + j].matrix = plan->matrix_count;
        }
    }
    plan->matrices = matrices;
}

/* A gate stands before something that is there. */
static void check_gates(struct load *load, const struct arc_plan *plan)
{
    for (uint32_t i = 0; i < plan->gate_count; i++) {
        const struct arc_plan_gate *gate = &plan->gates[i];
        uint32_t most = gate->guards == ARC_GATE_JOB     ? plan->job_count
                        : gate->guards == ARC_GATE_STAGE ? plan->stage_count
                                                         : 1;
        if (gate->index >= most)
            refuse(load, "gates");
    }
}

arc_status arc__plan_from_node(const struct arc_node *node, struct arc_arena *arena,
                               const struct arc_plan **out, arc_err *err)
{
    struct load load = {.arena = arena};
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
    plan->context = get_raw(&load, node, "context", ARC_NODE_MAP);
    get_gates(&load, node, plan);
    plan->gate = get_gate(&load, node);
    plan->group = get_group(&load, node);
    plan->notify = get_raw(&load, node, "notify", ARC_NODE_MAP);
    get_includes(&load, node, plan);
    plan->timeout_ns = get_i64(&load, node, "timeoutNs", INT64_MAX);
    plan->expression_units = (uint32_t)get_i64(&load, node, "expressionUnits", UINT32_MAX);
    plan->hash = get_text(&load, node, "hash");
    struct arc_plan_job *jobs = stages != NULL ? get_stages(&load, stages, plan) : NULL;
    if (!arena->failed)
        get_matrices(&load, node, plan, jobs);
    check_gates(&load, plan);
    if (arena->failed)
        return arc__arena_status(arena, 0, err);
    if (load.bad != NULL)
        return arc__fail(err, ARC_EINVAL, "plan", "The plan's `%s` is not as it must be.",
                         load.bad);
    *out = plan;
    return ARC_OK;
}
