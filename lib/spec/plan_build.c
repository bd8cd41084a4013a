/* SPDX-License-Identifier: Apache-2.0 */
/* From a checked definition and the trigger's inputs to the plan. The plan borrows nothing: all of
 * its text is copied into the arena given, so that it outlives the definition. */
#include <stdlib.h>

#include "base/sha256.h"
#include "base/text.h"
#include "base/time.h"
#include "spec/model.h"
#include "spec/node.h"

struct build {
    const struct arc_spec *spec;
    struct arc_arena *arena;
    struct arc_sink *sink;
    struct arc_template_values values;
    const struct arc_path *path; /* of the step that is built */
    uint32_t text_max;
};

static void *array(struct build *build, size_t count, size_t size)
{
    return arc__arena_array(build->arena, count, size);
}

static arc_slice keep(struct build *build, arc_slice text)
{
    return arc__arena_copy(build->arena, text);
}

/* A buffer that may take what is left of the arena. */
static struct arc_buf scratch(struct build *build)
{
    struct arc_buf buf;
    arc__buf_init(&buf, &build->arena->mem, build->arena->max_bytes - build->arena->used_bytes);
    return buf;
}

static arc_slice settle(struct build *build, struct arc_buf *buf)
{
    arc_slice text = ARC_NONE;
    if (buf->failed != ARC_OK)
        build->arena->failed = 1;
    else
        text = keep(build, arc__buf_slice(buf));
    arc__buf_deinit(buf);
    return text;
}

/* A few templates in one text can make it huge: what is expanded has the limit of any text. */
static arc_slice expand(struct build *build, const struct arc_node *node)
{
    if (!arc__template_any(node->text))
        return keep(build, node->text);
    struct arc_buf buf;
    arc__buf_init(&buf, &build->arena->mem, build->text_max);
    arc__spec_expand(&build->values, node->text, &buf);
    if (buf.failed == ARC_ELIMIT) {
        arc_slice more = arc__arena_printf(build->arena, "more than %u", build->text_max);
        (void)arc__diag_add(build->sink, ARC_DIAG_TEXT_SIZE, build->path, &node->mark,
                            ARC_LIT("use fewer or shorter values in it"),
                            ARC_ARGS(more, arc__decimal(build->sink, build->text_max)));
        arc__buf_clear(&buf);
    }
    return settle(build, &buf);
}

/* --- fields ------------------------------------------------------------------------------- */

static arc_slice text_of(struct build *build, const struct arc_node *map, enum arc_field_id id)
{
    return keep(build, arc__field_text(map, id));
}

static int64_t duration_of(const struct arc_node *map, enum arc_field_id id)
{
    int64_t ns = 0;
    arc_slice text = arc__field_text(map, id);
    if (text.len > 0)
        (void)arc__duration_parse(text, &ns, NULL); /* the definition was checked */
    return ns;
}

static uint32_t bool_of(const struct arc_node *map, enum arc_field_id id)
{
    const struct arc_node *node = arc__field_get(map, id);
    return node != NULL && node->number != 0;
}

static enum arc_when when_of(const struct arc_node *map, enum arc_field_id id)
{
    enum arc_when when = ARC_WHEN_SUCCESS;
    const struct arc_node *node = arc__field_get(map, id);
    if (node != NULL)
        (void)arc__form_when(node, &when); /* the definition was checked */
    return when;
}

static int word_of(const struct arc_node *map, enum arc_field_id id)
{
    return arc__word_index(arc__field(id)->words, arc__field_text(map, id));
}

static struct arc_retry retry_of(const struct arc_node *map, enum arc_field_id id)
{
    struct arc_retry retry = {0};
    const struct arc_node *node = arc__field_get(map, id);
    if (node == NULL)
        return retry;
    const struct arc_node *attempts = arc__field_get(node, ARC_FIELD_RETRY_MAX_ATTEMPTS);
    const struct arc_node *on = arc__field_get(node, ARC_FIELD_RETRY_ON);
    int backoff = word_of(node, ARC_FIELD_RETRY_BACKOFF);
    retry.max_attempts = attempts != NULL ? (uint32_t)attempts->number : 1;
    retry.delay_ns = duration_of(node, ARC_FIELD_RETRY_DELAY);
    retry.max_delay_ns = duration_of(node, ARC_FIELD_RETRY_MAX_DELAY);
    retry.jitter = bool_of(node, ARC_FIELD_RETRY_JITTER);
    retry.backoff = backoff > 0 ? (enum arc_backoff)(backoff + 1) : ARC_BACKOFF_FIXED;
    retry.on = on == NULL ? ARC_CAUSE_ALL : 0;
    for (const struct arc_node *c = on != NULL ? on->first : NULL; c != NULL; c = c->next) {
        int cause = arc__word_index(arc__field(ARC_FIELD_RETRY_ON)->words, c->text);
        retry.on |= cause >= 0 ? 1U << cause : 0;
    }
    return retry;
}

_Static_assert(ARC_BACKOFF_FIXED == 1 && ARC_BACKOFF_EXPONENTIAL == 3, "order of `backoff`");
_Static_assert(ARC_CAUSE_FAILED == 1 && ARC_CAUSE_TIMEOUT == 2 && ARC_CAUSE_LOST == 4,
               "order of `on`");
_Static_assert(ARC_LABEL_IN == 1 && ARC_LABEL_LT == 6, "order of `operator`");

/* --- maps of texts ------------------------------------------------------------------------ */

static int kv_order(const void *a, const void *b)
{
    const struct arc_kv *x = a, *y = b;
    return arc__slice_compare(x->key, y->key);
}

/* Two sorted lists as one; where both have a key, `above` wins. */
static struct arc_kvs overlay(struct build *build, const struct arc_kvs *below,
                              const struct arc_kvs *above)
{
    if (above->count == 0)
        return *below;
    struct arc_kv *items = array(build, (size_t)below->count + above->count, sizeof(*items));
    struct arc_kvs out = {items, 0};
    uint32_t i = 0, j = 0;
    while (items != NULL && (i < below->count || j < above->count)) {
        int order = i == below->count   ? 1
                    : j == above->count ? -1
                                        : kv_order(&below->items[i], &above->items[j]);
        if (order <= 0 && order != 0)
            items[out.count++] = below->items[i++];
        else
            items[out.count++] = above->items[j++];
        i += order == 0;
    }
    return out;
}

/* A map of texts, expanded and sorted. */
static struct arc_kvs texts_of(struct build *build, const struct arc_node *map)
{
    struct arc_kvs none = {NULL, 0};
    if (map == NULL || map->count == 0)
        return none;
    struct arc_kv *items = array(build, map->count, sizeof(*items));
    uint32_t count = 0;
    if (items == NULL)
        return none;
    for (const struct arc_node *c = map->first; c != NULL; c = c->next)
        items[count++] = (struct arc_kv){keep(build, c->key), expand(build, c)};
    qsort(items, count, sizeof(*items), kv_order);
    return (struct arc_kvs){items, count};
}

static struct arc_kvs layer(struct build *build, const struct arc_kvs *below,
                            const struct arc_node *map, enum arc_field_id id)
{
    struct arc_kvs above = texts_of(build, arc__field_get(map, id));
    return overlay(build, below, &above);
}

/* --- selectors ---------------------------------------------------------------------------- */

static struct arc_label_expr label_expr(struct build *build, const struct arc_node *node)
{
    struct arc_label_expr expr = {0};
    const struct arc_node *values = arc__field_get(node, ARC_FIELD_MATCH_VALUES);
    arc_slice *items = values != NULL ? array(build, values->count, sizeof(*items)) : NULL;
    expr.key = text_of(build, node, ARC_FIELD_MATCH_KEY);
    expr.op = (enum arc_label_op)(word_of(node, ARC_FIELD_MATCH_OPERATOR) + 1);
    for (const struct arc_node *c = items != NULL ? values->first : NULL; c != NULL; c = c->next)
        items[expr.value_count++] = keep(build, c->text);
    expr.values = items;
    return expr;
}

static uint32_t expr_count(const struct arc_node *selector)
{
    const struct arc_node *list = arc__field_get(selector, ARC_FIELD_SELECTOR_MATCH_EXPRESSIONS);
    return list != NULL ? list->count : 0;
}

/* Adds one selector to another; conflicts were refused. */
static void narrow(struct build *build, const struct arc_node *node, struct arc_selector *selector,
                   struct arc_label_expr *exprs)
{
    const struct arc_node *list = arc__field_get(node, ARC_FIELD_SELECTOR_MATCH_EXPRESSIONS);
    struct arc_kvs labels = texts_of(build, arc__field_get(node, ARC_FIELD_SELECTOR_MATCH_LABELS));
    selector->labels = overlay(build, &selector->labels, &labels);
    for (const struct arc_node *c = list != NULL ? list->first : NULL; c != NULL; c = c->next)
        exprs[selector->expr_count++] = label_expr(build, c);
}

static struct arc_selector selector_of(struct build *build, const struct arc_node *job,
                                       const struct arc_node *steps)
{
    struct arc_selector selector = {0};
    const struct arc_node *own = arc__field_get(job, ARC_FIELD_JOB_AGENT_SELECTOR);
    size_t count = expr_count(own);
    for (const struct arc_node *c = steps->first; c != NULL; c = c->next)
        count += expr_count(arc__field_get(c, ARC_FIELD_STEP_AGENT_SELECTOR));
    struct arc_label_expr *exprs = array(build, count, sizeof(*exprs));
    if (exprs == NULL)
        return selector;
    narrow(build, own, &selector, exprs);
    for (const struct arc_node *c = steps->first; c != NULL; c = c->next)
        narrow(build, arc__field_get(c, ARC_FIELD_STEP_AGENT_SELECTOR), &selector, exprs);
    selector.exprs = selector.expr_count > 0 ? exprs : NULL;
    return selector;
}

/* --- steps -------------------------------------------------------------------------------- */

static void put_expanded(struct build *build, struct arc_json *json, const struct arc_node *node)
{
    if (node->kind == ARC_NODE_TEXT) {
        arc__json_text(json, expand(build, node));
    } else if (node->kind < ARC_NODE_LIST) {
        arc__node_put(json, node);
    } else if (node->kind == ARC_NODE_LIST) {
        arc__json_array(json);
        for (const struct arc_node *c = node->first; c != NULL; c = c->next)
            put_expanded(build, json, c);
        arc__json_end_array(json);
    } else {
        arc__json_object(json);
        for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
            arc__json_key(json, c->key);
            put_expanded(build, json, c);
        }
        arc__json_end_object(json);
    }
}

static arc_slice args_of(struct build *build, const struct arc_node *step)
{
    const struct arc_node *args = arc__field_get(step, ARC_FIELD_STEP_ARGS);
    const struct arc_node *run = arc__field_get(step, ARC_FIELD_STEP_RUN);
    if ((args == NULL || args->count == 0) && run == NULL)
        return ARC_NONE;
    struct arc_buf buf = scratch(build);
    struct arc_json json;
    arc__json_init(&json, &buf);
    arc__json_object(&json);
    for (const struct arc_node *c = args != NULL ? args->first : NULL; c != NULL; c = c->next) {
        arc__json_key(&json, c->key);
        put_expanded(build, &json, c);
    }
    if (run != NULL)
        arc__json_key_text(&json, "run", expand(build, run));
    arc__json_end_object(&json);
    return settle(build, &buf);
}

/* Only now is the whole path known. */
static arc_slice directory_of(struct build *build, const struct arc_node *step)
{
    const struct arc_node *node = arc__field_get(step, ARC_FIELD_STEP_WORKING_DIRECTORY);
    if (node == NULL)
        return ARC_NONE;
    arc_slice path = expand(build, node);
    if (!arc__form_inside(path)) {
        struct arc_path here = {build->path, node->key, 0};
        (void)arc__diag_add(build->sink, ARC_DIAG_OUTSIDE, &here, &node->mark, ARC_NONE,
                            ARC_ARGS(arc__quoted(build->sink, path)));
    }
    return path;
}

static struct arc_plan_step step_of(struct build *build, const struct arc_node *node,
                                    const struct arc_kvs *env)
{
    struct arc_plan_step step = {0};
    step.name = text_of(build, node, ARC_FIELD_STEP_NAME);
    step.id = text_of(build, node, ARC_FIELD_STEP_ID);
    step.uses = text_of(build, node, ARC_FIELD_STEP_USES);
    step.action = text_of(build, node, ARC_FIELD_STEP_ACTION);
    if (step.id.len == 0)
        step.id = step.name;
    if (step.uses.len == 0)
        step.uses = keep(build, ARC_LIT("shell"));
    step.args = args_of(build, node);
    step.env = layer(build, env, node, ARC_FIELD_STEP_ENV);
    step.working_directory = directory_of(build, node);
    step.condition.when = when_of(node, ARC_FIELD_STEP_WHEN);
    step.timeout_ns = duration_of(node, ARC_FIELD_STEP_TIMEOUT);
    step.retry = retry_of(node, ARC_FIELD_STEP_RETRY);
    step.continue_on_error = bool_of(node, ARC_FIELD_STEP_CONTINUE_ON_ERROR);
    return step;
}

/* --- jobs --------------------------------------------------------------------------------- */

/* A job runs in one place: if any part of it asks for an agent, it is an agent. */
static uint32_t place_of(const struct arc_node *job, const struct arc_node *steps)
{
    const struct arc_node *own = arc__field_get(job, ARC_FIELD_JOB_RUN_ON_AGENT);
    int yes = own != NULL && own->number, no = own != NULL && !own->number;
    for (const struct arc_node *c = steps->first; c != NULL; c = c->next) {
        const struct arc_node *step = arc__field_get(c, ARC_FIELD_STEP_RUN_ON_AGENT);
        yes |= step != NULL && step->number;
        no |= step != NULL && !step->number;
    }
    return yes ? 1 : no ? 2 : 0;
}

static int index_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void fill_deps(struct build *build, const struct arc_spec_job *from,
                      struct arc_plan_job *job)
{
    uint32_t *deps = array(build, from->dep_count, sizeof(*deps));
    if (deps == NULL || from->dep_count == 0)
        return;
    memcpy(deps, from->deps, from->dep_count * sizeof(*deps));
    qsort(deps, from->dep_count, sizeof(*deps), index_order);
    job->deps = deps;
    job->dep_count = from->dep_count;
}

static void fill_steps(struct build *build, const struct arc_node *list, const struct arc_kvs *env,
                       const struct arc_path *path, struct arc_plan_job *job)
{
    struct arc_plan_step *steps = array(build, list->count, sizeof(*steps));
    uint32_t index = 0;
    struct arc_path parent = {path, ARC_LIT("steps"), 0};
    for (const struct arc_node *c = list->first; c != NULL && steps != NULL; c = c->next, index++) {
        struct arc_path here = {&parent, ARC_NONE, index};
        build->path = &here;
        steps[index] = step_of(build, c, env);
        build->path = NULL;
    }
    job->steps = steps;
    job->step_count = steps != NULL ? list->count : 0;
}

static struct arc_plan_job job_of(struct build *build, const struct arc_spec_job *from,
                                  const struct arc_kvs *env, const struct arc_path *stage_path)
{
    struct arc_plan_job job = {0};
    const struct arc_node *node = from->node;
    const struct arc_node *steps = arc__field_get(node, ARC_FIELD_JOB_STEPS);
    struct arc_path list = {stage_path, ARC_LIT("jobs"), 0};
    struct arc_path here = {&list, ARC_NONE, from->in_stage};
    struct arc_kvs own = layer(build, env, node, ARC_FIELD_JOB_ENV);
    job.name = keep(build, from->name);
    job.key = job.name; /* one instance: there is no matrix yet */
    job.stage = from->stage;
    job.condition.when = when_of(node, ARC_FIELD_JOB_WHEN);
    job.timeout_ns = duration_of(node, ARC_FIELD_JOB_TIMEOUT);
    job.queue_timeout_ns = duration_of(node, ARC_FIELD_JOB_QUEUE_TIMEOUT);
    job.retry = retry_of(node, ARC_FIELD_JOB_RETRY);
    job.continue_on_error = bool_of(node, ARC_FIELD_JOB_CONTINUE_ON_ERROR);
    job.place = place_of(node, steps);
    job.selector = selector_of(build, node, steps);
    fill_deps(build, from, &job);
    fill_steps(build, steps, &own, &here, &job);
    return job;
}

static void fill_stages(struct build *build, struct arc_plan *plan)
{
    const struct arc_spec *spec = build->spec;
    struct arc_kvs none = {NULL, 0};
    struct arc_kvs env = layer(build, &none, spec->root, ARC_FIELD_PIPELINE_ENV);
    struct arc_plan_stage *stages = array(build, spec->stage_count, sizeof(*stages));
    struct arc_plan_job *jobs = array(build, spec->job_count, sizeof(*jobs));
    if (stages == NULL || jobs == NULL)
        return;
    for (uint32_t i = 0; i < spec->stage_count; i++) {
        const struct arc_spec_stage *from = &spec->stages[i];
        struct arc_path list = {NULL, ARC_LIT("stages"), 0};
        struct arc_path here = {&list, ARC_NONE, from->in_list};
        struct arc_kvs own = layer(build, &env, from->node, ARC_FIELD_STAGE_ENV);
        stages[i] = (struct arc_plan_stage){
            .name = keep(build, from->name),
            .condition = {when_of(from->node, ARC_FIELD_STAGE_WHEN), ARC_NONE, ARC_NONE},
            .first_job = from->first_job,
            .job_count = from->job_count};
        for (uint32_t j = from->first_job; j < from->first_job + from->job_count; j++)
            jobs[j] = job_of(build, &spec->jobs[j], &own, from->node != NULL ? &here : NULL);
    }
    plan->stages = stages;
    plan->stage_count = spec->stage_count;
    plan->jobs = jobs;
    plan->job_count = spec->job_count;
}

/* --- inputs ------------------------------------------------------------------------------- */

#define INPUT_MAX 262144u
#define INPUT_VARIABLES_MAX 4096u

static arc_status check_input(arc_slice text, const char *name, arc_err *err)
{
    if (text.len > INPUT_MAX)
        return arc__fail(err, ARC_EINVAL, name, "A text of the trigger has more than %u bytes.",
                         INPUT_MAX);
    if (!arc__utf8_valid(text, NULL) || (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL))
        return arc__fail(err, ARC_EINVAL, name,
                         "A text of the trigger is not UTF-8, or it holds a NUL character.");
    return ARC_OK;
}

static arc_status check_inputs(const struct arc_plan_inputs *inputs, arc_err *err)
{
    ARC_TRY(check_input(inputs->trigger_type, "type", err));
    ARC_TRY(check_input(inputs->actor, "actor", err));
    ARC_TRY(check_input(inputs->ref, "ref", err));
    ARC_TRY(check_input(inputs->branch, "branch", err));
    ARC_TRY(check_input(inputs->request_id, "requestId", err));
    if (inputs->variables.count > INPUT_VARIABLES_MAX)
        return arc__fail(err, ARC_EINVAL, "variables", "The trigger gives more than %u variables.",
                         INPUT_VARIABLES_MAX);
    for (uint32_t i = 0; i < inputs->variables.count; i++) {
        const struct arc_kv *item = &inputs->variables.items[i];
        if (item->key.len == 0)
            return arc__fail(err, ARC_EINVAL, "variables", "A variable has no name.");
        ARC_TRY(check_input(item->key, "variables", err));
        ARC_TRY(check_input(item->value, "variables", err));
        if (i > 0 && kv_order(item - 1, item) >= 0)
            return arc__fail(err, ARC_EINVAL, "variables",
                             "The trigger's variables must be sorted by name and be given once.");
    }
    return ARC_OK;
}

static struct arc_kvs variables_of(struct build *build, const struct arc_plan_inputs *inputs)
{
    struct arc_kvs given = {NULL, 0};
    struct arc_kv *items = array(build, inputs->variables.count, sizeof(*items));
    for (uint32_t i = 0; items != NULL && i < inputs->variables.count; i++)
        items[i] = (struct arc_kv){keep(build, inputs->variables.items[i].key),
                                   keep(build, inputs->variables.items[i].value)};
    if (items != NULL)
        given = (struct arc_kvs){items, inputs->variables.count};
    struct arc_kvs own =
        texts_of(build, arc__field_get(build->spec->root, ARC_FIELD_PIPELINE_VARIABLES));
    return overlay(build, &own, &given);
}

/* --- the plan ----------------------------------------------------------------------------- */

/* The environment of the pipeline stands in every step, so a plan can be many times its
 * definition; it is stored as one piece, which has a limit. */
static arc_status seal(struct build *build, struct arc_plan *plan, arc_err *err)
{
    char hex[ARC_SHA256_HEX_LEN + 1];
    struct arc_buf buf;
    arc__buf_init(&buf, &build->arena->mem, ARC_PLAN_BYTES_MAX);
    plan->hash = ARC_NONE;
    arc__plan_to_json(plan, &buf);
    arc_status status = buf.failed;
    if (status == ARC_OK) {
        arc__sha256_hex(arc__buf_slice(&buf), hex);
        plan->hash = keep(build, arc__slice(hex, ARC_SHA256_HEX_LEN));
    }
    arc__buf_deinit(&buf);
    if (status == ARC_ELIMIT)
        return arc__fail(err, ARC_ELIMIT, "plan",
                         "The plan has more than %u bytes: too much is repeated in its steps.",
                         ARC_PLAN_BYTES_MAX);
    return status == ARC_OK ? ARC_OK : arc__fail_nomem(err);
}

arc_status arc__plan_build(const struct arc_spec *spec, const struct arc_plan_inputs *inputs,
                           struct arc_arena *arena, struct arc_diags *diags,
                           const struct arc_plan **out, arc_err *err)
{
    struct arc_spec_limits limits = arc__limits_resolve(NULL);
    struct arc_sink sink = {.arena = arena, .diags = diags, .max = limits.diags};
    struct arc_kvs none = {NULL, 0};
    struct build build = {
        .spec = spec, .arena = arena, .sink = &sink, .text_max = limits.string_bytes};
    uint32_t errors = diags->errors;
    ARC_TRY(check_inputs(inputs, err));
    struct arc_plan *plan = ARC_ARENA_NEW(arena, struct arc_plan);
    if (plan == NULL)
        return arc__arena_status(arena, 0, err);
    build.values = (struct arc_template_values){inputs, &none, arc__spec_namespace(spec),
                                                arc__spec_version(spec)};
    plan->namespace_ = keep(&build, build.values.namespace_);
    plan->version = keep(&build, build.values.version);
    plan->name = text_of(&build, spec->root, ARC_FIELD_PIPELINE_NAME);
    plan->timeout_ns = duration_of(spec->root, ARC_FIELD_PIPELINE_TIMEOUT);
    plan->variables = variables_of(&build, inputs);
    build.values.variables = &plan->variables;
    fill_stages(&build, plan);
    if (!arena->failed && diags->errors == errors)
        ARC_TRY(seal(&build, plan, err));
    if (arena->failed)
        return arc__arena_status(arena, arc__diags_source(diags, 0).len, err);
    if (diags->errors > errors)
        return arc__fail(err, ARC_EINVAL, "definition", "%.*s",
                         diags->first != NULL ? (int)diags->first->message.len : 0,
                         diags->first != NULL ? diags->first->message.ptr : "");
    *out = plan;
    return ARC_OK;
}
