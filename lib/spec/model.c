/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/model.h"

#include <stdlib.h>

#include "spec/shape.h"

void *arc__check_alloc(struct arc_check *check, size_t count, size_t size)
{
    void *memory = arc__alloc_array(&check->arena->mem, count, size);
    check->arena->failed |= memory == NULL;
    return memory;
}

/* --- variables ---------------------------------------------------------------------------- */

static int variable_order(const void *a, const void *b)
{
    const struct arc_spec_variable *x = a, *y = b;
    return arc__slice_compare(x->node->key, y->node->key);
}

int arc__model_variables(struct arc_check *check)
{
    struct arc_spec *spec = check->spec;
    const struct arc_node *map = arc__field_get(spec->root, ARC_FIELD_PIPELINE_VARIABLES);
    if (map == NULL || map->kind != ARC_NODE_MAP || map->count == 0)
        return 1;
    spec->variables = arc__arena_array(check->arena, map->count, sizeof(*spec->variables));
    if (spec->variables == NULL)
        return 0;
    for (const struct arc_node *c = map->first; c != NULL; c = c->next)
        spec->variables[spec->variable_count++].node = c;
    qsort(spec->variables, spec->variable_count, sizeof(*spec->variables), variable_order);
    struct arc_path parent = {NULL, map->key, 0};
    for (uint32_t i = 0; i < spec->variable_count; i++) {
        struct arc_spec_variable *variable = &spec->variables[i];
        struct arc_path here = {&parent, variable->node->key, 0};
        if (variable->node->kind < ARC_NODE_LIST)
            arc__template_check(check, variable->node, arc__field(ARC_FIELD_PIPELINE_VARIABLES),
                                &here, ARC_IN_VARIABLE, &variable->outside);
    }
    return 1;
}

struct arc_spec_variable *arc__spec_variable(const struct arc_spec *spec, arc_slice name)
{
    uint32_t low = 0, high = spec->variable_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = arc__slice_compare(spec->variables[middle].node->key, name);
        if (order == 0)
            return &spec->variables[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- stages and jobs ---------------------------------------------------------------------- */

static const struct arc_node *list_of(const struct arc_node *map, enum arc_field_id id)
{
    const struct arc_node *list = arc__field_get(map, id);
    return list != NULL && list->kind == ARC_NODE_LIST ? list : NULL;
}

/* 0: no list. Counts only what is a map: the shape has complained about the rest. */
static uint32_t count_maps(const struct arc_node *list)
{
    uint32_t count = 0;
    for (const struct arc_node *c = list != NULL ? list->first : NULL; c != NULL; c = c->next)
        count += c->kind == ARC_NODE_MAP;
    return count;
}

static void add_jobs(struct arc_spec *spec, const struct arc_node *list, uint32_t stage)
{
    uint32_t in_stage = 0;
    spec->stages[stage].first_job = spec->job_count;
    for (const struct arc_node *c = list != NULL ? list->first : NULL; c != NULL;
         c = c->next, in_stage++) {
        if (c->kind != ARC_NODE_MAP)
            continue;
        spec->jobs[spec->job_count] = (struct arc_spec_job){
            .node = c,
            .name = arc__field_text(c, ARC_FIELD_JOB_NAME),
            .stage = stage,
            .index = spec->job_count,
            .in_stage = in_stage,
            .has_matrix = arc__field_get(c, ARC_FIELD_JOB_MATRIX) != NULL,
            .cells = 1,
        };
        spec->job_count++;
    }
    spec->stages[stage].job_count = spec->job_count - spec->stages[stage].first_job;
}

static void add_stages(struct arc_spec *spec, const struct arc_node *list)
{
    uint32_t in_list = 0;
    for (const struct arc_node *c = list->first; c != NULL; c = c->next, in_list++) {
        if (c->kind != ARC_NODE_MAP)
            continue;
        struct arc_spec_stage *stage = &spec->stages[spec->stage_count];
        *stage = (struct arc_spec_stage){
            .node = c, .name = arc__field_text(c, ARC_FIELD_STAGE_NAME), .in_list = in_list};
        add_jobs(spec, list_of(c, ARC_FIELD_STAGE_JOBS), spec->stage_count++);
    }
}

static int job_order(const void *a, const void *b)
{
    const struct arc_spec_job *x = *(struct arc_spec_job *const *)a;
    const struct arc_spec_job *y = *(struct arc_spec_job *const *)b;
    int order = arc__slice_compare(x->name, y->name);
    return order != 0 ? order : x->index < y->index ? -1 : x->index > y->index;
}

static void sort_names(struct arc_spec *spec)
{
    for (uint32_t i = 0; i < spec->job_count; i++) {
        if (spec->jobs[i].name.ptr != NULL)
            spec->by_name[spec->named_count++] = &spec->jobs[i];
    }
    uint32_t at = 1; /* many are numbered */
    while (at < spec->named_count && job_order(&spec->by_name[at - 1], &spec->by_name[at]) < 0)
        at++;
    if (at < spec->named_count)
        qsort(spec->by_name, spec->named_count, sizeof(*spec->by_name), job_order);
}

/* 1: within the limit. */
static int count_ok(struct arc_check *check, uint32_t count, const struct arc_node *list)
{
    if (count <= check->limits.jobs)
        return 1;
    struct arc_path here = {NULL, list->key, 0};
    (void)arc__diag_add(check->sink, ARC_DIAG_TOO_MANY, &here, &list->key_mark, ARC_NONE,
                        ARC_ARGS(ARC_LIT("The pipeline"), arc__decimal(check->sink, count),
                                 ARC_LIT("jobs"), arc__decimal(check->sink, check->limits.jobs)));
    return 0;
}

int arc__model_jobs(struct arc_check *check)
{
    struct arc_spec *spec = check->spec;
    const struct arc_node *stages = list_of(spec->root, ARC_FIELD_PIPELINE_STAGES);
    const struct arc_node *jobs = list_of(spec->root, ARC_FIELD_PIPELINE_JOBS);
    uint32_t stage_count = stages != NULL ? count_maps(stages) : jobs != NULL;
    uint32_t job_count = stages == NULL ? count_maps(jobs) : 0;
    for (const struct arc_node *c = stages != NULL ? stages->first : NULL; c != NULL; c = c->next)
        job_count += count_maps(list_of(c, ARC_FIELD_STAGE_JOBS));
    const struct arc_node *list = stages != NULL ? stages : jobs;
    /* A stage has a job, so their number has the same limit. */
    if (list == NULL || !count_ok(check, job_count, list) || !count_ok(check, stage_count, list))
        return 1;
    spec->stages = arc__arena_array(check->arena, stage_count, sizeof(*spec->stages));
    spec->jobs = arc__arena_array(check->arena, job_count, sizeof(*spec->jobs));
    spec->by_name = arc__arena_array(check->arena, job_count, sizeof(*spec->by_name));
    if (check->arena->failed)
        return 0;
    if (stages != NULL) {
        add_stages(spec, stages);
    } else {
        spec->stages[0] = (struct arc_spec_stage){.name = ARC_LIT("default")};
        spec->stage_count = 1;
        add_jobs(spec, jobs, 0);
    }
    sort_names(spec);
    return 1;
}

const struct arc_spec_job *arc__spec_job(const struct arc_spec *spec, arc_slice name)
{
    uint32_t low = 0, high = spec->named_count; /* the first whose name is not before it */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (arc__slice_compare(spec->by_name[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < spec->named_count && arc__slice_equal(spec->by_name[low]->name, name)
               ? spec->by_name[low]
               : NULL;
}
