/* SPDX-License-Identifier: Apache-2.0 */
/* From a checked definition and the trigger's inputs to the plan. The plan borrows nothing: all of
 * its text is copied into the arena given, so that it outlives the definition. */
#include <stdlib.h>

#include "base/sha256.h"
#include "base/text.h"
#include "base/time.h"
#include "spec/plan_private.h"

#define GROUP_BYTES_MAX 512u
#define GATE_TIMEOUT_NS (INT64_C(24) * 3600 * ARC_NS_PER_S)

/* A job of the definition, and the instances that it becomes. */
struct instances {
    struct arc_matrix_cell *cells; /* NULL: it has no matrix */
    uint32_t count, first;         /* first: of the plan's jobs */
    uint32_t matrix, gate;         /* 1 + index; 0: none */
};

struct build {
    struct arc_planner p;
    struct arc_arena cells;
    struct arc_plan *plan;
    struct instances *of; /* by the index of the job in the definition */
    uint32_t *order;      /* those indices in the order of the plan */
    struct arc_plan_gate *gates;
    struct arc_plan_matrix *matrices;
};

/* --- selectors ---------------------------------------------------------------------------- */

_Static_assert(ARC_LABEL_IN == 1 && ARC_LABEL_LT == 6, "order of `operator`");

static struct arc_label_expr label_expr(struct arc_planner *p, const struct arc_node *node)
{
    struct arc_label_expr expr = {0};
    const struct arc_node *values = arc__field_get(node, ARC_FIELD_MATCH_VALUES);
    arc_slice *items = values != NULL ? arc__plan_array(p, values->count, sizeof(*items)) : NULL;
    expr.key = arc__plan_field(p, node, ARC_FIELD_MATCH_KEY);
    expr.op = (enum arc_label_op)(arc__plan_word(node, ARC_FIELD_MATCH_OPERATOR) + 1);
    for (const struct arc_node *c = items != NULL ? values->first : NULL; c != NULL; c = c->next)
        items[expr.value_count++] = arc__plan_keep(p, c->text);
    expr.values = items;
    return expr;
}

static uint32_t expr_count(const struct arc_node *selector)
{
    const struct arc_node *list = arc__field_get(selector, ARC_FIELD_SELECTOR_MATCH_EXPRESSIONS);
    return list != NULL ? list->count : 0;
}

/* Labels are no templates: they are copied. */
static struct arc_kvs labels_of(struct arc_planner *p, const struct arc_node *map)
{
    struct arc_kvs labels = {NULL, 0};
    struct arc_kv *items = map != NULL ? arc__plan_array(p, map->count, sizeof(*items)) : NULL;
    for (const struct arc_node *c = items != NULL ? map->first : NULL; c != NULL; c = c->next)
        items[labels.count++] =
            (struct arc_kv){arc__plan_keep(p, c->key), arc__plan_keep(p, c->text)};
    if (labels.count > 1)
        qsort(items, labels.count, sizeof(*items), arc__plan_kv_order);
    labels.items = items;
    return labels;
}

/* Adds one selector to another; conflicts were refused. */
static void narrow(struct arc_planner *p, const struct arc_node *node,
                   struct arc_selector *selector, struct arc_label_expr *exprs)
{
    if (node == NULL)
        return;
    const struct arc_node *list = arc__field_get(node, ARC_FIELD_SELECTOR_MATCH_EXPRESSIONS);
    struct arc_kvs labels = labels_of(p, arc__field_get(node, ARC_FIELD_SELECTOR_MATCH_LABELS));
    selector->labels = arc__plan_overlay(p, &selector->labels, &labels);
    for (const struct arc_node *c = list != NULL ? list->first : NULL; c != NULL; c = c->next)
        exprs[selector->expr_count++] = label_expr(p, c);
}

/* What the steps of a job and of its `finally` say about where it runs. */
struct wishes {
    const struct arc_node *steps[2];
    size_t exprs;
    uint32_t selectors;
    int agent, no_agent;
};

static struct wishes wishes_of(const struct arc_fields *job)
{
    const struct arc_node *own = arc__fields_at(job, ARC_FIELD_JOB_RUN_ON_AGENT);
    struct wishes wishes = {
        {arc__fields_at(job, ARC_FIELD_JOB_STEPS), arc__fields_at(job, ARC_FIELD_JOB_FINALLY)},
        expr_count(arc__fields_at(job, ARC_FIELD_JOB_AGENT_SELECTOR)),
        0,
        own != NULL && own->number,
        own != NULL && !own->number};
    for (size_t i = 0; i < ARC_COUNT_OF(wishes.steps); i++) {
        const struct arc_node *step = wishes.steps[i] != NULL ? wishes.steps[i]->first : NULL;
        for (; step != NULL; step = step->next) {
            const struct arc_node *asked = arc__field_get(step, ARC_FIELD_STEP_RUN_ON_AGENT);
            const struct arc_node *more = arc__field_get(step, ARC_FIELD_STEP_AGENT_SELECTOR);
            wishes.agent |= asked != NULL && asked->number;
            wishes.no_agent |= asked != NULL && !asked->number;
            wishes.selectors += more != NULL;
            wishes.exprs += expr_count(more);
        }
    }
    return wishes;
}

static struct arc_selector selector_of(struct arc_planner *p, const struct arc_fields *job,
                                       const struct wishes *wishes)
{
    struct arc_selector selector = {0};
    struct arc_label_expr *exprs =
        wishes->exprs > 0 ? arc__plan_array(p, wishes->exprs, sizeof(*exprs)) : NULL;
    if (wishes->exprs > 0 && exprs == NULL)
        return selector;
    narrow(p, arc__fields_at(job, ARC_FIELD_JOB_AGENT_SELECTOR), &selector, exprs);
    for (size_t i = 0; wishes->selectors > 0 && i < ARC_COUNT_OF(wishes->steps); i++) {
        const struct arc_node *step = wishes->steps[i] != NULL ? wishes->steps[i]->first : NULL;
        for (; step != NULL; step = step->next)
            narrow(p, arc__field_get(step, ARC_FIELD_STEP_AGENT_SELECTOR), &selector, exprs);
    }
    selector.exprs = selector.expr_count > 0 ? exprs : NULL;
    return selector;
}

/* A job runs in one place: if any part of it asks for an agent, it is an agent. */
static uint32_t place_of(const struct wishes *wishes)
{
    return wishes->agent ? 1 : wishes->no_agent ? 2 : 0;
}

/* --- gates and groups --------------------------------------------------------------------- */

_Static_assert(ARC_ORDER_CREATED == 1 && ARC_ORDER_READY == 2, "order of `order`");
_Static_assert(ARC_FULL_WAIT == 1 && ARC_FULL_REJECT == 4, "order of `onFull`");

/* `required: false` is no gate, and neither is one that says nothing. */
static const struct arc_node *gate_of(const struct arc_node *node)
{
    const struct arc_node *required = arc__field_get(node, ARC_FIELD_APPROVAL_REQUIRED);
    return node == NULL || node->count == 0 || (required != NULL && !required->number) ? NULL
                                                                                       : node;
}

static arc_slice params_of(struct arc_planner *p, const struct arc_node *node)
{
    if (node == NULL || node->count == 0)
        return ARC_NONE;
    struct arc_buf buf = arc__plan_scratch(p);
    arc__node_to_json(node, &buf);
    return arc__plan_settle(p, &buf);
}

/* 1 + its index; 0: there is none. */
static uint32_t add_gate(struct build *build, const struct arc_node *node,
                         enum arc_gate_guards guards, uint32_t index)
{
    struct arc_planner *p = &build->p;
    if (node == NULL || build->gates == NULL)
        return 0;
    const struct arc_node *list = arc__field_get(node, ARC_FIELD_APPROVAL_APPROVERS);
    const struct arc_node *count = arc__field_get(node, ARC_FIELD_APPROVAL_COUNT);
    const struct arc_node *timeout = arc__field_get(node, ARC_FIELD_APPROVAL_TIMEOUT);
    struct arc_plan_gate *gate = &build->gates[build->plan->gate_count++];
    *gate = (struct arc_plan_gate){
        .guards = guards,
        .index = index,
        .automatic = arc__plan_word(node, ARC_FIELD_APPROVAL_TYPE) == 1,
        .plugin = arc__plan_field(p, node, ARC_FIELD_APPROVAL_PLUGIN),
        .params = params_of(p, arc__field_get(node, ARC_FIELD_APPROVAL_PARAMS)),
        .count = count != NULL ? (uint32_t)count->number : 1,
        .timeout_ns = timeout != NULL ? arc__plan_duration(timeout) : GATE_TIMEOUT_NS,
        .approve_on_timeout = arc__plan_word(node, ARC_FIELD_APPROVAL_ON_TIMEOUT) == 1,
    };
    arc_slice *names = list != NULL ? arc__plan_array(p, list->count, sizeof(*names)) : NULL;
    for (const struct arc_node *c = names != NULL ? list->first : NULL; c != NULL; c = c->next)
        names[gate->approver_count++] = arc__plan_keep(p, c->text);
    gate->approvers = names;
    return build->plan->gate_count;
}

static void check_group_name(struct arc_planner *p, const struct arc_node *node, arc_slice name)
{
    struct arc_path here = {p->path, node->key, 0};
    if (name.len == 0)
        (void)arc__diag_add(p->sink, ARC_DIAG_EMPTY_GROUP, &here, &node->mark, ARC_NONE,
                            ARC_ARGS(arc__quoted(p->sink, node->text)));
    if (name.len > GROUP_BYTES_MAX)
        (void)arc__diag_add(
            p->sink, ARC_DIAG_GROUP_LONG, &here, &node->mark, ARC_NONE,
            ARC_ARGS(arc__decimal(p->sink, name.len), arc__decimal(p->sink, GROUP_BYTES_MAX)));
}

/* A text, or an object. Its name must be known before anything runs, because whole runs and jobs
 * wait for it. */
static struct arc_plan_group group_of(struct arc_planner *p, const struct arc_node *node)
{
    struct arc_plan_group group = {ARC_NONE, 1, ARC_ORDER_CREATED, ARC_FULL_WAIT};
    const struct arc_node *name = node;
    const struct arc_path *up = p->path;
    if (node == NULL || (node->kind == ARC_NODE_MAP && node->count == 0))
        return (struct arc_plan_group){0};
    struct arc_path block = {up, node->key, 0};
    if (node->kind == ARC_NODE_MAP) {
        const struct arc_node *limit = arc__field_get(node, ARC_FIELD_CONCURRENCY_LIMIT);
        int order = arc__plan_word(node, ARC_FIELD_CONCURRENCY_ORDER);
        int full = arc__plan_word(node, ARC_FIELD_CONCURRENCY_ON_FULL);
        name = arc__field_get(node, ARC_FIELD_CONCURRENCY_GROUP);
        group.limit = limit != NULL ? (uint32_t)limit->number : 1;
        group.order = order > 0 ? (enum arc_group_order)(order + 1) : ARC_ORDER_CREATED;
        group.on_full = full > 0 ? (enum arc_on_full)(full + 1) : ARC_FULL_WAIT;
        p->path = &block;
    }
    uint32_t errors = p->sink->diags->errors;
    group.group = name != NULL ? arc__plan_expand(p, name, NULL) : ARC_NONE;
    if (name != NULL && p->sink->diags->errors == errors)
        check_group_name(p, name, group.group);
    p->path = up;
    return group;
}

/* --- instances ---------------------------------------------------------------------------- */

static void job_frames(const struct arc_spec *spec, const struct arc_spec_job *job,
                       struct arc_path frames[5])
{
    const struct arc_spec_stage *stage = &spec->stages[job->stage];
    frames[0] = (struct arc_path){NULL, ARC_LIT("stages"), 0};
    frames[1] = (struct arc_path){&frames[0], ARC_NONE, stage->in_list};
    frames[2] = (struct arc_path){stage->node != NULL ? &frames[1] : NULL, ARC_LIT("jobs"), 0};
    frames[3] = (struct arc_path){&frames[2], ARC_NONE, job->in_stage};
}

static void too_many(struct arc_planner *p, const struct arc_node *node, arc_slice what,
                     uint64_t count, const char *things, uint32_t most)
{
    (void)arc__diag_add(p->sink, ARC_DIAG_TOO_MANY, p->path, &node->mark, ARC_NONE,
                        ARC_ARGS(what, arc__decimal(p->sink, count), arc__slice_cstr(things),
                                 arc__decimal(p->sink, most)));
}

static arc_slice named(struct arc_planner *p, const char *what, arc_slice name)
{
    arc_slice quoted = arc__quoted(p->sink, name);
    return arc__arena_printf(p->sink->arena, "%s %.*s", what, ARC_ARG(quoted));
}

/* The cells of one job, or one instance without a cell. */
static void expand_job(struct build *build, const struct arc_spec_job *job, struct instances *out)
{
    struct arc_planner *p = &build->p;
    struct arc_path frames[5];
    uint64_t wanted = 0;
    *out = (struct instances){.count = 1};
    if (!job->has_matrix)
        return;
    const struct arc_node *node = arc__field_get(job->node, ARC_FIELD_JOB_MATRIX);
    if (node->count == 0)
        return;
    job_frames(p->spec, job, frames);
    frames[4] = (struct arc_path){&frames[3], node->key, 0};
    p->path = &frames[4];
    arc_status status =
        arc__matrix_cells(node, p->limits.cells, &build->cells, &out->cells, &out->count, &wanted);
    if (status == ARC_ELIMIT)
        too_many(p, node, named(p, "the matrix of", job->name), wanted, "cells", p->limits.cells);
    else if (status != ARC_OK)
        p->arena->failed = 1;
    else if (out->count == 0)
        (void)arc__diag_add(p->sink, ARC_DIAG_NO_CELLS, p->path, &node->mark, ARC_NONE,
                            ARC_NO_ARGS);
    p->path = NULL;
}

/* How many instances there are; 0: there are too many, or memory is out. */
static uint32_t expand_jobs(struct build *build)
{
    struct arc_planner *p = &build->p;
    const struct arc_spec *spec = p->spec;
    uint64_t total = 0;
    for (uint32_t i = 0; i < spec->job_count && !p->arena->failed; i++) {
        expand_job(build, &spec->jobs[i], &build->of[i]);
        build->plan->matrix_count += build->of[i].cells != NULL;
        total += build->of[i].count;
        if (total > p->limits.jobs) {
            too_many(p, spec->jobs[i].node, ARC_LIT("the pipeline, with its matrices,"), total,
                     "jobs", p->limits.jobs);
            return 0;
        }
    }
    return p->arena->failed ? 0 : (uint32_t)total;
}

/* --- order -------------------------------------------------------------------------------- */

/* Who waits for whom, by the job that is waited for. */
struct edges {
    uint32_t *waits; /* for each job: how many of its dependencies have no place yet */
    uint32_t *first; /* for each job: where its dependents begin in `list`; one more at the end */
    uint32_t *list;
};

static int find_edges(struct build *build, struct edges *edges)
{
    const struct arc_spec *spec = build->p.spec;
    struct arc_arena *arena = &build->cells;
    size_t jobs = spec->job_count, total = 0;
    for (uint32_t j = 0; j < spec->job_count; j++)
        total += spec->jobs[j].dep_count;
    edges->waits = arc__arena_array(arena, jobs + 1, sizeof(*edges->waits));
    edges->first = arc__arena_array(arena, jobs + 2, sizeof(*edges->first));
    edges->list = arc__arena_array(arena, total + 1, sizeof(*edges->list));
    if (arena->failed)
        return 0;
    for (uint32_t j = 0; j < spec->job_count; j++) {
        edges->waits[j] = spec->jobs[j].dep_count;
        for (uint32_t d = 0; d < spec->jobs[j].dep_count; d++)
            edges->first[spec->jobs[j].deps[d] + 2]++;
    }
    for (size_t j = 2; j < jobs + 2; j++)
        edges->first[j] += edges->first[j - 1];
    for (uint32_t j = 0; j < spec->job_count; j++) {
        for (uint32_t d = 0; d < spec->jobs[j].dep_count; d++)
            edges->list[edges->first[spec->jobs[j].deps[d] + 1]++] = j;
    }
    return 1;
}

/* Within a stage each place is taken by the first job, as written, whose dependencies stand before
 * it: what is in that order already stays as it is. */
static void order_stage(struct build *build, const struct arc_spec_stage *stage,
                        struct edges *edges)
{
    uint32_t at = stage->first_job, end = at + stage->job_count, out = at;
    while (out < end) {
        while (at < end && edges->waits[at] > 0)
            at++;
        if (at == end)
            return; /* a circle: it was refused */
        uint32_t job = at++;
        edges->waits[job] = UINT32_MAX; /* it has its place */
        build->order[out++] = job;
        for (uint32_t e = edges->first[job]; e < edges->first[job + 1]; e++) {
            uint32_t waiter = edges->list[e];
            if (--edges->waits[waiter] == 0 && waiter < at)
                at = waiter;
        }
    }
}

static void order_jobs(struct build *build)
{
    const struct arc_spec *spec = build->p.spec;
    struct edges edges;
    int in_order = 1;
    for (uint32_t j = 0; j < spec->job_count; j++) {
        build->order[j] = j;
        for (uint32_t d = 0; d < spec->jobs[j].dep_count; d++)
            in_order &= spec->jobs[j].deps[d] < j;
    }
    if (in_order)
        return;
    if (!find_edges(build, &edges)) {
        build->p.arena->failed = 1;
        return;
    }
    for (uint32_t s = 0; s < spec->stage_count; s++)
        order_stage(build, &spec->stages[s], &edges);
}

static int index_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* A dependency on a job is one on all of its instances. They share the list. */
static void fill_deps(struct build *build, const struct arc_spec_job *from, uint64_t *edges,
                      struct arc_plan_job *job)
{
    struct arc_planner *p = &build->p;
    size_t count = 0;
    for (uint32_t d = 0; d < from->dep_count; d++)
        count += build->of[from->deps[d]].count;
    *edges += count * build->of[from->index].count;
    if (count == 0 || *edges > p->limits.edges)
        return;
    uint32_t *deps = arc__plan_array(p, count, sizeof(*deps));
    for (uint32_t d = 0; deps != NULL && d < from->dep_count; d++) {
        const struct instances *other = &build->of[from->deps[d]];
        for (uint32_t i = 0; i < other->count; i++)
            deps[job->dep_count++] = other->first + i;
    }
    if (job->dep_count > 1)
        qsort(deps, job->dep_count, sizeof(*deps), index_order);
    job->deps = deps;
}

/* --- jobs --------------------------------------------------------------------------------- */

static const struct arc_node *nearer(const struct arc_node *own, const struct arc_node *above)
{
    return own != NULL ? own : above;
}

static void fill_cell(struct arc_planner *p, const struct arc_matrix_cell *cell,
                      struct arc_plan_job *job)
{
    struct arc_buf buf = arc__plan_scratch(p);
    arc__value_to_json(&cell->value, &buf);
    job->cell = arc__plan_settle(p, &buf);
    buf = arc__plan_scratch(p);
    arc__buf_add_slice(&buf, job->name);
    arc__buf_add_char(&buf, '[');
    arc__buf_add_slice(&buf, cell->key);
    arc__buf_add_char(&buf, ']');
    job->key = arc__plan_settle(p, &buf);
    p->world.contexts[ARC_CONTEXT_MATRIX] = cell->value;
}

static struct arc_kvs outputs_of(struct arc_planner *p, const struct arc_node *map)
{
    struct arc_kvs outputs = labels_of(p, map);
    for (uint32_t i = 0; i < outputs.count; i++)
        p->runtime |= (uint32_t)arc__template_any(outputs.items[i].value);
    return outputs;
}

/* What may differ from cell to cell; the rest of *job is made once, and so is this where no
 * template names the cell. */
static void fill_instance(struct arc_planner *p, const struct arc_fields *own,
                          const struct arc_plan_defaults *defaults,
                          const struct arc_plan_env *above, struct arc_plan_job *job)
{
    struct arc_plan_env env = arc__plan_layer(p, above, arc__fields_at(own, ARC_FIELD_JOB_ENV));
    arc__plan_use_env(p, &env);
    job->condition = arc__plan_condition(p, arc__fields_at(own, ARC_FIELD_JOB_WHEN));
    job->group = group_of(p, arc__fields_at(own, ARC_FIELD_JOB_CONCURRENCY));
    job->runtime =
        arc__plan_part(p, defaults->runtime, ARC_OBJECT_RUNTIME, ARC_LATE_RUNTIME, &job->late);
    job->artifacts = arc__plan_part(p, arc__fields_at(own, ARC_FIELD_JOB_ARTIFACTS),
                                    ARC_OBJECT_ARTIFACT, ARC_LATE_ARTIFACTS, &job->late);
    arc__plan_use_env(p, NULL);
    const struct arc_kv when = {ARC_NONE, job->condition.text};
    if ((job->condition.when == ARC_WHEN_EXPR &&
         arc__plan_names_env(&(struct arc_kvs){&when, 1})) ||
        arc__plan_names_env(&job->outputs))
        job->layers = arc__plan_layers(p, &env);
    arc__plan_steps(p, own, defaults, &env, job);
    arc__plan_needs(p, defaults->runtime, job);
}

static void fill_job(struct build *build, const struct arc_spec_job *from,
                     const struct arc_plan_defaults *above, const struct arc_plan_env *env,
                     uint64_t *edges, struct arc_plan_job *jobs)
{
    struct arc_planner *p = &build->p;
    const struct instances *of = &build->of[from->index];
    struct arc_path frames[5];
    struct arc_fields own;
    arc__fields_read(from->node, ARC_OBJECT_JOB, &own);
    struct arc_plan_defaults defaults = {
        nearer(arc__fields_at(&own, ARC_FIELD_JOB_SOURCE), above->source),
        nearer(arc__fields_at(&own, ARC_FIELD_JOB_TARGET), above->target),
        arc__fields_at(&own, ARC_FIELD_JOB_NOTIFY), /* who is told of a run is told once */
        nearer(arc__fields_at(&own, ARC_FIELD_JOB_RUNTIME), above->runtime),
    };
    const struct wishes wishes = wishes_of(&own);
    struct arc_plan_job job = {.stage = from->stage, .matrix = of->matrix};
    job_frames(p->spec, from, frames);
    p->path = &frames[3];
    job.name = job.key = arc__plan_keep(p, from->name);
    job.gate = add_gate(build, gate_of(arc__fields_at(&own, ARC_FIELD_JOB_APPROVAL)), ARC_GATE_JOB,
                        of->first);
    job.timeout_ns = arc__plan_duration(arc__fields_at(&own, ARC_FIELD_JOB_TIMEOUT));
    job.queue_timeout_ns = arc__plan_duration(arc__fields_at(&own, ARC_FIELD_JOB_QUEUE_TIMEOUT));
    job.retry = arc__plan_retry(arc__fields_at(&own, ARC_FIELD_JOB_RETRY));
    job.continue_on_error = arc__plan_bool(arc__fields_at(&own, ARC_FIELD_JOB_CONTINUE_ON_ERROR));
    job.place = place_of(&wishes);
    job.selector = selector_of(p, &own, &wishes);
    job.outputs = outputs_of(p, arc__fields_at(&own, ARC_FIELD_JOB_OUTPUTS));
    job.target = arc__plan_part(p, defaults.target, ARC_OBJECT_TARGET, 0, NULL);
    job.notify = arc__plan_part(p, defaults.notify, ARC_OBJECT_NOTIFY, 0, NULL);
    p->runtime |= (uint32_t)arc__template_any(job.notify);
    fill_deps(build, from, edges, &job);
    uint32_t errors = p->sink->diags->errors;
    p->names_matrix = 0;
    for (uint32_t i = 0; i < of->count && p->sink->diags->errors == errors; i++) {
        struct arc_plan_job *made = &jobs[of->first + i];
        int same = i > 0 && !p->names_matrix;
        *made = same ? jobs[of->first] : job;
        if (of->cells != NULL)
            fill_cell(p, &of->cells[i], made);
        if (!same)
            fill_instance(p, &own, &defaults, env, made);
    }
    p->world.contexts[ARC_CONTEXT_MATRIX] = arc__value_map(NULL, 0);
    p->path = NULL;
}

static void fill_matrix(struct build *build, uint32_t index)
{
    const struct arc_spec_job *from = &build->p.spec->jobs[index];
    struct instances *of = &build->of[index];
    if (of->cells == NULL)
        return;
    const struct arc_node *node = arc__field_get(from->node, ARC_FIELD_JOB_MATRIX);
    const struct arc_node *most = arc__field_get(node, ARC_FIELD_MATRIX_MAX_PARALLEL);
    const struct arc_node *fail = arc__field_get(node, ARC_FIELD_MATRIX_FAIL_FAST);
    build->matrices[build->plan->matrix_count] = (struct arc_plan_matrix){
        .name = arc__plan_keep(&build->p, from->name),
        .first_job = of->first,
        .job_count = of->count,
        .max_parallel = most != NULL ? (uint32_t)most->number : 0,
        .fail_fast = fail == NULL || fail->number != 0,
    };
    of->matrix = ++build->plan->matrix_count;
}

/* --- stages ------------------------------------------------------------------------------- */

static void fill_stage(struct build *build, uint32_t index, const struct arc_plan_env *above,
                       const struct arc_plan_defaults *defaults, uint64_t *edges,
                       struct arc_plan_job *jobs, struct arc_plan_stage *stage)
{
    struct arc_planner *p = &build->p;
    const struct arc_spec_stage *from = &p->spec->stages[index];
    struct arc_path list = {NULL, ARC_LIT("stages"), 0}, here = {&list, ARC_NONE, from->in_list};
    const struct arc_node *node = from->node;
    struct arc_plan_defaults own = {
        nearer(arc__field_get(node, ARC_FIELD_STAGE_SOURCE), defaults->source),
        nearer(arc__field_get(node, ARC_FIELD_STAGE_TARGET), defaults->target),
        nearer(arc__field_get(node, ARC_FIELD_STAGE_NOTIFY), defaults->notify),
        defaults->runtime,
    };
    p->path = node != NULL ? &here : NULL;
    struct arc_plan_env env = arc__plan_layer(p, above, arc__field_get(node, ARC_FIELD_STAGE_ENV));
    arc__plan_use_env(p, NULL);
    stage->name = arc__plan_keep(p, from->name);
    stage->condition = arc__plan_condition(p, arc__field_get(node, ARC_FIELD_STAGE_WHEN));
    stage->gate = add_gate(build, gate_of(arc__field_get(node, ARC_FIELD_STAGE_APPROVAL)),
                           ARC_GATE_STAGE, index);
    stage->notify = arc__plan_part(p, node != NULL ? own.notify : NULL, ARC_OBJECT_NOTIFY, 0, NULL);
    p->runtime |= (uint32_t)arc__template_any(stage->notify);
    p->path = NULL;
    for (uint32_t i = from->first_job; i < from->first_job + from->job_count; i++) {
        uint32_t job = build->order[i];
        if (i == from->first_job)
            stage->first_job = build->of[job].first;
        stage->job_count += build->of[job].count;
        fill_job(build, &p->spec->jobs[job], &own, &env, edges, jobs);
    }
}

static uint32_t count_gates(const struct arc_spec *spec)
{
    uint32_t count = gate_of(arc__field_get(spec->root, ARC_FIELD_PIPELINE_APPROVAL)) != NULL;
    for (uint32_t s = 0; s < spec->stage_count; s++)
        count += gate_of(arc__field_get(spec->stages[s].node, ARC_FIELD_STAGE_APPROVAL)) != NULL;
    for (uint32_t j = 0; j < spec->job_count; j++)
        count += gate_of(arc__field_get(spec->jobs[j].node, ARC_FIELD_JOB_APPROVAL)) != NULL;
    return count;
}

/* Where everything will stand. 0: a finding or the arena says why not. */
static uint32_t lay_out(struct build *build)
{
    struct arc_planner *p = &build->p;
    const struct arc_spec *spec = p->spec;
    uint32_t errors = p->sink->diags->errors, gates = count_gates(spec), at = 0;
    build->of = arc__arena_array(&build->cells, spec->job_count, sizeof(*build->of));
    build->order = arc__arena_array(&build->cells, spec->job_count, sizeof(*build->order));
    if (build->of == NULL || build->order == NULL) {
        p->arena->failed = 1;
        return 0;
    }
    uint32_t total = expand_jobs(build);
    order_jobs(build);
    if (gates > 0)
        build->plan->gates = build->gates = arc__plan_array(p, gates, sizeof(*build->gates));
    if (build->plan->matrix_count > 0)
        build->plan->matrices = build->matrices =
            arc__plan_array(p, build->plan->matrix_count, sizeof(*build->matrices));
    if (p->arena->failed || p->sink->diags->errors > errors)
        return 0;
    build->plan->matrix_count = 0;
    for (uint32_t i = 0; i < spec->job_count; i++) {
        struct instances *of = &build->of[build->order[i]];
        of->first = at;
        at += of->count;
        fill_matrix(build, build->order[i]);
    }
    return total;
}

static void fill_stages(struct build *build)
{
    struct arc_planner *p = &build->p;
    const struct arc_spec *spec = p->spec;
    const struct arc_node *root = spec->root;
    const struct arc_plan_env none = {.below = NULL};
    struct arc_plan *plan = build->plan;
    uint64_t edges = 0;
    uint32_t total = lay_out(build);
    struct arc_plan_stage *stages = arc__plan_array(p, spec->stage_count, sizeof(*stages));
    struct arc_plan_job *jobs = total > 0 ? arc__plan_array(p, total, sizeof(*jobs)) : NULL;
    if (stages == NULL || jobs == NULL)
        return;
    struct arc_plan_defaults defaults = {
        arc__field_get(root, ARC_FIELD_PIPELINE_SOURCE),
        arc__field_get(root, ARC_FIELD_PIPELINE_TARGET),
        arc__field_get(root, ARC_FIELD_PIPELINE_NOTIFY),
        arc__field_get(root, ARC_FIELD_PIPELINE_RUNTIME),
    };
    plan->gate = add_gate(build, gate_of(arc__field_get(root, ARC_FIELD_PIPELINE_APPROVAL)),
                          ARC_GATE_PIPELINE, 0);
    plan->group = group_of(p, arc__field_get(root, ARC_FIELD_PIPELINE_CONCURRENCY));
    plan->notify = arc__plan_part(p, defaults.notify, ARC_OBJECT_NOTIFY, 0, NULL);
    p->runtime |= (uint32_t)arc__template_any(plan->notify);
    struct arc_plan_env env =
        arc__plan_layer(p, &none, arc__field_get(root, ARC_FIELD_PIPELINE_ENV));
    arc__plan_use_env(p, NULL);
    for (uint32_t i = 0; i < spec->stage_count; i++)
        fill_stage(build, i, &env, &defaults, &edges, jobs, &stages[i]);
    if (edges > p->limits.edges)
        too_many(p, spec->jobs[0].node, ARC_LIT("the plan"), edges,
                 "dependencies between instances", p->limits.edges);
    plan->stages = stages;
    plan->stage_count = spec->stage_count;
    plan->jobs = jobs;
    plan->job_count = total;
}

/* --- inputs ------------------------------------------------------------------------------- */

#define INPUT_MAX 262144u
#define INPUT_VARIABLES_MAX 4096u
#define PAYLOAD_DEPTH_MAX 64u

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
    const struct {
        const char *name;
        arc_slice text;
    } texts[] = {
        {"type", inputs->trigger_type},
        {"actor", inputs->actor},
        {"ref", inputs->ref},
        {"branch", inputs->branch},
        {"requestId", inputs->request_id},
        {"tag", inputs->tag},
        {"sha", inputs->sha},
        {"event", inputs->event},
        {"payload", inputs->payload},
        {"commit", inputs->git_commit},
        {"branch", inputs->git_branch},
        {"repo", inputs->git_repo},
        {"id", inputs->pipeline_id},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(texts); i++)
        ARC_TRY(check_input(texts[i].text, texts[i].name, err));
    if (inputs->variables.count > INPUT_VARIABLES_MAX)
        return arc__fail(err, ARC_EINVAL, "variables", "The trigger gives more than %u variables.",
                         INPUT_VARIABLES_MAX);
    for (uint32_t i = 0; i < inputs->variables.count; i++) {
        const struct arc_kv *item = &inputs->variables.items[i];
        if (item->key.len == 0)
            return arc__fail(err, ARC_EINVAL, "variables", "A variable has no name.");
        ARC_TRY(check_input(item->key, "variables", err));
        ARC_TRY(check_input(item->value, "variables", err));
        if (i > 0 && arc__plan_kv_order(item - 1, item) >= 0)
            return arc__fail(err, ARC_EINVAL, "variables",
                             "The trigger's variables must be sorted by name and be given once.");
    }
    return ARC_OK;
}

/* --- the world ---------------------------------------------------------------------------- */

static struct arc_value members(struct build *build, const struct arc_member *items, uint32_t count)
{
    struct arc_member *copy = arc__arena_array(&build->cells, count, sizeof(*copy));
    if (copy == NULL) {
        build->p.arena->failed = 1;
        return ARC_VALUE_OF_NULL;
    }
    memcpy(copy, items, count * sizeof(*copy));
    return arc__value_map(copy, count);
}

static struct arc_member text_member(const char *name, arc_slice text)
{
    return (struct arc_member){arc__slice_cstr(name), arc__value_text(text)};
}

static arc_slice either(arc_slice first, arc_slice second)
{
    return first.len > 0 ? first : second;
}

/* Texts that nobody gave are empty; what a payload lacks is null. Git's are the trigger's unless
 * somebody knows better. */
static arc_status see_inputs(struct build *build, arc_err *err)
{
    struct arc_planner *p = &build->p;
    const struct arc_plan_inputs *in = p->inputs;
    struct arc_value *contexts = p->world.contexts, payload = ARC_VALUE_OF_NULL;
    arc_err why = ARC_ERR_INIT;
    if (in->payload.len > 0) {
        arc_status status =
            arc__value_from_json(in->payload, PAYLOAD_DEPTH_MAX, &build->cells, &payload, &why);
        if (status == ARC_EINVAL)
            return arc__fail(err, ARC_EINVAL, "payload", "The payload is not JSON: %s",
                             why.message);
        ARC_TRY(status);
    }
    const struct arc_member trigger[] = {
        text_member("type", in->trigger_type), text_member("ref", in->ref),
        text_member("branch", in->branch),     text_member("tag", in->tag),
        text_member("sha", in->sha),           text_member("event", in->event),
        text_member("actor", in->actor),       text_member("requestId", in->request_id),
        {ARC_LIT("payload"), payload},
    };
    const struct arc_member git[] = {
        text_member("commit", either(in->git_commit, in->sha)),
        text_member("branch", either(in->git_branch, in->branch)),
        text_member("repo", in->git_repo),
    };
    const struct arc_member pipeline[] = {
        text_member("id", in->pipeline_id),
        text_member("name", arc__field_text(p->spec->root, ARC_FIELD_PIPELINE_NAME)),
        text_member("namespace", arc__spec_namespace(p->spec)),
        text_member("version", arc__spec_version(p->spec)),
    };
    for (uint32_t i = 0; i < ARC_CONTEXT_COUNT; i++)
        contexts[i] = ARC_VALUE_OF_UNKNOWN;
    contexts[ARC_CONTEXT_TRIGGER] = members(build, trigger, ARC_COUNT_OF(trigger));
    contexts[ARC_CONTEXT_GIT] = members(build, git, ARC_COUNT_OF(git));
    contexts[ARC_CONTEXT_PIPELINE] = members(build, pipeline, ARC_COUNT_OF(pipeline));
    contexts[ARC_CONTEXT_MATRIX] = arc__value_map(NULL, 0);
    p->world.unknown = ARC_STATUS_SUCCESS | ARC_STATUS_FAILURE | ARC_STATUS_CANCELLED;
    p->world.now_ns = INT64_MIN;
    return ARC_OK;
}

static struct arc_kvs variables_of(struct arc_planner *p)
{
    const struct arc_kvs *inputs = &p->inputs->variables;
    const struct arc_node *node = arc__field_get(p->spec->root, ARC_FIELD_PIPELINE_VARIABLES);
    struct arc_path here = {NULL, ARC_LIT("variables"), 0};
    struct arc_kvs given = {NULL, 0};
    struct arc_kv *items =
        inputs->count > 0 ? arc__plan_array(p, inputs->count, sizeof(*items)) : NULL;
    for (uint32_t i = 0; items != NULL && i < inputs->count; i++)
        items[given.count++] = (struct arc_kv){arc__plan_keep(p, inputs->items[i].key),
                                               arc__plan_keep(p, inputs->items[i].value)};
    given.items = items;
    p->path = &here;
    struct arc_kvs own = arc__plan_texts(p, node);
    p->path = NULL;
    return arc__plan_overlay(p, &own, &given);
}

static void see_variables(struct build *build)
{
    const struct arc_kvs *variables = &build->plan->variables;
    struct arc_member *items =
        arc__arena_array(&build->cells, variables->count + 1U, sizeof(*items));
    build->p.arena->failed |= items == NULL;
    for (uint32_t i = 0; items != NULL && i < variables->count; i++)
        items[i] = (struct arc_member){variables->items[i].key,
                                       arc__value_text(variables->items[i].value)};
    build->p.world.contexts[ARC_CONTEXT_VARIABLES] =
        arc__value_map(items, items != NULL ? variables->count : 0);
    build->p.known = arc__arena_array(&build->cells, 1, sizeof(*build->p.known));
    build->p.arena->failed |= build->p.known == NULL;
}

/* What the run needs of the inputs, if it has to expand or decide anything itself. */
static void keep_context(struct build *build)
{
    struct arc_planner *p = &build->p;
    const struct arc_member items[] = {
        {ARC_LIT("trigger"), p->world.contexts[ARC_CONTEXT_TRIGGER]},
        {ARC_LIT("git"), p->world.contexts[ARC_CONTEXT_GIT]},
        {ARC_LIT("pipeline"), p->world.contexts[ARC_CONTEXT_PIPELINE]},
    };
    if (!p->runtime)
        return;
    struct arc_value context = members(build, items, ARC_COUNT_OF(items));
    struct arc_buf buf = arc__plan_scratch(p);
    arc__value_to_json(&context, &buf);
    build->plan->context = arc__plan_settle(p, &buf);
}

/* --- the plan ----------------------------------------------------------------------------- */

/* The environment of the pipeline stands in every step, so a plan can be many times its
 * definition; it is stored as one piece, which has a limit. Few plans come near to it. */
static arc_status seal(struct arc_planner *p, struct arc_plan *plan, arc_err *err)
{
    char hex[ARC_SHA256_HEX_LEN + 1];
    arc_status status = ARC_OK;
    if (arc__plan_hash(plan, hex) > ARC_PLAN_BYTES_MAX)
        status = arc__plan_json_fits(plan, &p->arena->mem);
    plan->hash = arc__plan_keep(p, arc__slice(hex, ARC_SHA256_HEX_LEN));
    if (status == ARC_ELIMIT)
        return arc__fail(err, ARC_ELIMIT, "plan",
                         "The plan has more than %u bytes: too much is repeated in its steps.",
                         ARC_PLAN_BYTES_MAX);
    return status == ARC_OK ? ARC_OK : arc__fail_nomem(err);
}

static arc_status make(struct build *build, arc_err *err)
{
    struct arc_planner *p = &build->p;
    const struct arc_node *root = p->spec->root;
    struct arc_plan *plan = build->plan;
    struct arc_diags *diags = p->sink->diags;
    uint32_t errors = diags->errors;
    ARC_TRY(see_inputs(build, err));
    plan->namespace_ = arc__plan_keep(p, arc__spec_namespace(p->spec));
    plan->version = arc__plan_keep(p, arc__spec_version(p->spec));
    plan->name = arc__plan_field(p, root, ARC_FIELD_PIPELINE_NAME);
    plan->timeout_ns = arc__plan_duration(arc__field_get(root, ARC_FIELD_PIPELINE_TIMEOUT));
    if (p->limits.expression_units != arc__limits_resolve(NULL).expression_units)
        plan->expression_units = p->limits.expression_units;
    plan->includes = arc__includes_copy(p->arena, p->spec->includes, p->spec->include_count);
    plan->include_count = plan->includes != NULL ? p->spec->include_count : 0;
    plan->variables = variables_of(p);
    see_variables(build);
    fill_stages(build);
    keep_context(build);
    if (!p->arena->failed && diags->errors == errors)
        ARC_TRY(seal(p, plan, err));
    if (p->arena->failed)
        return arc__arena_status(p->arena, arc__diags_source(diags, 0).len, err);
    if (diags->errors > errors)
        return arc__fail(err, ARC_EINVAL, "definition", "%.*s",
                         diags->first != NULL ? (int)diags->first->message.len : 0,
                         diags->first != NULL ? diags->first->message.ptr : "");
    return ARC_OK;
}

#define SCRATCH_BYTES_MAX ((size_t)64 << 20)
#define CELLS_BYTES_MAX ((size_t)256 << 20)

arc_status arc__plan_build(const struct arc_spec *spec, const struct arc_plan_inputs *inputs,
                           struct arc_arena *arena, struct arc_diags *diags,
                           const struct arc_plan **out, arc_err *err)
{
    struct arc_sink sink = {.arena = arena, .diags = diags, .max = spec->limits.diags};
    struct build build = {.plan = ARC_ARENA_NEW(arena, struct arc_plan)};
    ARC_TRY(check_inputs(inputs, err));
    if (build.plan == NULL)
        return arc__arena_status(arena, 0, err);
    build.p.spec = spec;
    build.p.inputs = inputs;
    build.p.arena = arena;
    build.p.sink = &sink;
    build.p.limits = spec->limits;
    arc__arena_init(&build.p.scratch, &arena->mem, SCRATCH_BYTES_MAX);
    arc__arena_init(&build.p.step, &arena->mem, SCRATCH_BYTES_MAX);
    arc__arena_init(&build.cells, &arena->mem, CELLS_BYTES_MAX);
    arc_status status = make(&build, err);
    arc__buf_deinit(&build.p.spare);
    arc__arena_deinit(&build.p.scratch);
    arc__arena_deinit(&build.p.step);
    arc__arena_deinit(&build.cells);
    if (status == ARC_OK)
        *out = build.plan;
    return status;
}
