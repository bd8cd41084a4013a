/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold between the parts of a definition: unique names, dependencies, no cycles,
 * selectors that can be met; and warnings about what does nothing. */
#include "spec/rules.h"

#include <stdlib.h>

#include "base/text.h"
#include "base/time.h"
#include "core/template.h"

/* --- paths -------------------------------------------------------------------------------- */

/* `stages[i].jobs[j]` and two levels below; the last frame is the innermost. */
struct place {
    struct arc_path frames[6];
    uint32_t count;
};

static void push(struct place *place, arc_slice key, uint32_t index)
{
    const struct arc_path *up = place->count > 0 ? &place->frames[place->count - 1] : NULL;
    place->frames[place->count++] = (struct arc_path){up, key, index};
}

static const struct arc_path *innermost(const struct place *place)
{
    return &place->frames[place->count - 1];
}

static void job_place(const struct arc_spec *spec, const struct arc_spec_job *job,
                      struct place *place)
{
    const struct arc_spec_stage *stage = &spec->stages[job->stage];
    place->count = 0;
    if (stage->node != NULL) {
        push(place, ARC_LIT("stages"), 0);
        push(place, ARC_NONE, stage->in_list);
    }
    push(place, ARC_LIT("jobs"), 0);
    push(place, ARC_NONE, job->in_stage);
}

const struct arc_path *arc__job_path(const struct arc_spec *spec, const struct arc_spec_job *job,
                                     struct arc_path frames[6])
{
    struct place place;
    if (job == NULL)
        return NULL;
    job_place(spec, job, &place);
    for (uint32_t i = 0; i < place.count; i++) {
        frames[i] = place.frames[i];
        frames[i].up = i > 0 ? &frames[i - 1] : NULL;
    }
    return &frames[place.count - 1];
}

/* --- unique names ------------------------------------------------------------------------- */

struct named {
    const struct arc_node *node; /* the scalar that is the name */
    const struct arc_path *up;   /* of its list */
    uint32_t index;              /* in its list */
    uint32_t order;
};

static int name_order(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = arc__slice_compare(x->node->text, y->node->text);
    return order != 0 ? order : x->order < y->order ? -1 : x->order > y->order;
}

static void report_twin(struct arc_check *check, enum arc_diag_code code,
                        const struct arc_node *first, const struct arc_node *second,
                        const struct arc_path *path)
{
    struct arc_diag *diag = arc__diag_add(check->sink, code, path, &second->mark, ARC_NONE,
                                          ARC_ARGS(arc__quoted(check->sink, second->text)));
    arc__diag_relate(check->sink, diag, &first->mark, "the first one is here");
}

static int is_id(const struct arc_node *node)
{
    const struct arc_field *field = arc__field_find(ARC_OBJECT_STEP, node->key);
    return field != NULL && field->id == ARC_FIELD_STEP_ID;
}

/* Names of items, sorted here. */
static void check_unique(struct arc_check *check, struct named *names, uint32_t count,
                         enum arc_diag_code code)
{
    if (count > 1)
        qsort(names, count, sizeof(*names), name_order);
    for (uint32_t i = 1, first = 0; i < count; i++) {
        if (!arc__slice_equal(names[first].node->text, names[i].node->text)) {
            first = i;
            continue;
        }
        /* Two steps without an id are told apart by their names, of which was spoken before. */
        if (code == ARC_DIAG_DUPLICATE_ID && !is_id(names[first].node) && !is_id(names[i].node))
            continue;
        struct arc_path item = {names[i].up, ARC_NONE, names[i].index};
        struct arc_path here = {&item, names[i].node->key, 0};
        report_twin(check, code, names[first].node, names[i].node, &here);
    }
}

static int scalar_field(const struct arc_node *map, enum arc_field_id id,
                        const struct arc_node **out)
{
    *out = arc__field_get(map, id);
    return *out != NULL && (*out)->kind < ARC_NODE_LIST;
}

static int check_stage_names(struct arc_check *check)
{
    const struct arc_spec *spec = check->spec;
    struct arc_path up = {NULL, ARC_LIT("stages"), 0};
    struct named *names = arc__check_alloc(check, spec->stage_count + 1, sizeof(*names));
    uint32_t count = 0;
    if (names == NULL)
        return 0;
    for (uint32_t i = 0; i < spec->stage_count; i++) {
        if (spec->stages[i].node != NULL &&
            scalar_field(spec->stages[i].node, ARC_FIELD_STAGE_NAME, &names[count].node)) {
            names[count].index = spec->stages[i].in_list;
            names[count].order = count;
            names[count++].up = &up;
        }
    }
    check_unique(check, names, count, ARC_DIAG_DUPLICATE_STAGE);
    arc__free(&check->arena->mem, names);
    return 1;
}

static void check_job_names(struct arc_check *check)
{
    const struct arc_spec *spec = check->spec;
    for (uint32_t i = 1, first = 0; i < spec->named_count; i++) {
        const struct arc_spec_job *kept = spec->by_name[first], *job = spec->by_name[i];
        if (!arc__slice_equal(kept->name, job->name)) {
            first = i;
            continue;
        }
        struct place place;
        job_place(spec, job, &place);
        push(&place, ARC_LIT("name"), 0);
        report_twin(check, ARC_DIAG_DUPLICATE_JOB, arc__field_get(kept->node, ARC_FIELD_JOB_NAME),
                    arc__field_get(job->node, ARC_FIELD_JOB_NAME), innermost(&place));
    }
}

/* The scalars of a field of steps, those of `finally` behind the others. by_id: the id, and the
 * name where there is none. */
static uint32_t collect(const struct arc_node *steps, const struct arc_path *path, int by_id,
                        struct named *names, uint32_t count, uint32_t *ids)
{
    uint32_t index = 0;
    for (const struct arc_node *c = steps != NULL ? steps->first : NULL; c != NULL;
         c = c->next, index++) {
        struct named *named = &names[count];
        int has_id = by_id && scalar_field(c, ARC_FIELD_STEP_ID, &named->node);
        *ids += (uint32_t)has_id;
        if (!has_id && !scalar_field(c, ARC_FIELD_STEP_NAME, &named->node))
            continue;
        named->index = index;
        named->order = count;
        named->up = path;
        count++;
    }
    return count;
}

/* Most jobs have fewer. */
#define FEW_STEPS 16u

/* Step names, then ids, where a step without an id has its name as one. */
static int check_step_names(struct arc_check *check, const struct arc_node *steps,
                            const struct arc_path *path, const struct arc_node *after,
                            const struct arc_path *after_path)
{
    size_t most = (size_t)(steps != NULL ? steps->count : 0) + (after != NULL ? after->count : 0);
    struct named few[FEW_STEPS];
    struct named *names = most <= FEW_STEPS ? few : arc__check_alloc(check, most, sizeof(*names));
    uint32_t ids = 0, count;
    if (names == NULL)
        return 0;
    count = collect(steps, path, 0, names, 0, &ids);
    count = collect(after, after_path, 0, names, count, &ids);
    check_unique(check, names, count, ARC_DIAG_DUPLICATE_STEP);
    count = collect(steps, path, 1, names, 0, &ids);
    count = collect(after, after_path, 1, names, count, &ids);
    if (ids > 0)
        check_unique(check, names, count, ARC_DIAG_DUPLICATE_ID);
    if (names != few)
        arc__free(&check->arena->mem, names);
    return 1;
}

/* --- dependencies ------------------------------------------------------------------------- */

static arc_slice nearest_job(struct arc_check *check, arc_slice name)
{
    arc_slice names[256];
    size_t count = 0;
    if (!arc__sink_keeps(check->sink))
        return ARC_NONE;
    for (uint32_t i = 0; i < check->spec->named_count && count < ARC_COUNT_OF(names); i++)
        names[count++] = check->spec->by_name[i]->name;
    arc_slice hint = arc__did_you_mean(check->sink, arc__nearest(name, names, count));
    for (uint32_t i = 0; hint.len == 0 && i < check->spec->stage_count; i++) {
        const struct arc_node *stage = check->spec->stages[i].node;
        if (stage != NULL && arc__slice_equal(arc__field_text(stage, ARC_FIELD_STAGE_NAME), name))
            return ARC_LIT("that is a stage; jobs wait for all earlier stages without saying so");
    }
    return hint;
}

/* 1: it is a dependency to keep. */
static int check_dependency(struct arc_check *check, const struct arc_spec_job *job,
                            const struct arc_node *node, const struct arc_path *path,
                            const struct arc_spec_job **out)
{
    const struct arc_spec *spec = check->spec;
    struct arc_sink *sink = check->sink;
    const struct arc_spec_job *other = arc__spec_job(spec, node->text);
    if (other != NULL && other->stage <= job->stage && !arc__slice_equal(other->name, job->name)) {
        *out = other;
        return 1;
    }
    if (arc__template_any(node->text))
        return 0; /* refused for that already */
    arc_slice quoted = arc__quoted(sink, node->text);
    if (other == NULL) {
        (void)arc__diag_add(sink, ARC_DIAG_UNKNOWN_JOB, path, &node->mark,
                            nearest_job(check, node->text), ARC_ARGS(quoted));
        return 0;
    }
    if (arc__slice_equal(other->name, job->name)) {
        (void)arc__diag_add(sink, ARC_DIAG_SELF_DEPENDENCY, path, &node->mark, ARC_NONE,
                            ARC_ARGS(quoted));
        return 0;
    }
    struct arc_diag *diag =
        arc__diag_add(sink, ARC_DIAG_LATER_STAGE, path, &node->mark, ARC_NONE,
                      ARC_ARGS(arc__quoted(sink, job->name), quoted,
                               arc__quoted(sink, spec->stages[other->stage].name)));
    arc__diag_relate(sink, diag, &arc__field_get(other->node, ARC_FIELD_JOB_NAME)->mark,
                     "it is here");
    return 0;
}

static int resolve_job(struct arc_check *check, struct arc_spec_job *job)
{
    uint32_t *listed = check->listed;
    const struct arc_node *list = arc__field_get(job->node, ARC_FIELD_JOB_DEPENDS_ON);
    struct place place;
    uint32_t index = 0, most;
    if (list == NULL || list->kind != ARC_NODE_LIST || list->count == 0)
        return 1;
    most = list->count < check->spec->job_count ? list->count : check->spec->job_count;
    uint32_t *deps = arc__arena_array(check->arena, most, sizeof(*deps));
    const struct arc_node **nodes = arc__arena_array(check->arena, most, sizeof(*nodes));
    if (deps == NULL || nodes == NULL)
        return 0;
    job_place(check->spec, job, &place);
    push(&place, list->key, 0);
    for (const struct arc_node *c = list->first; c != NULL; c = c->next, index++) {
        struct arc_path here = {innermost(&place), ARC_NONE, index};
        const struct arc_spec_job *other;
        if (c->kind >= ARC_NODE_LIST || c->kind == ARC_NODE_NULL ||
            !check_dependency(check, job, c, &here, &other))
            continue;
        if (listed[other->index] == job->index + 1) {
            (void)arc__diag_add(check->sink, ARC_DIAG_REPEATED_DEPENDENCY, &here, &c->mark,
                                ARC_NONE, ARC_ARGS(arc__quoted(check->sink, c->text)));
            continue;
        }
        listed[other->index] = job->index + 1;
        deps[job->dep_count] = other->index;
        nodes[job->dep_count++] = c;
    }
    job->deps = deps;
    job->dep_nodes = nodes;
    return 1;
}

/* --- cycles ------------------------------------------------------------------------------- */

/* One job on the way: which of its dependencies is looked at. */
struct step_in {
    uint32_t job, next;
};

struct search {
    struct arc_check *check;
    uint8_t *colour; /* 0 not seen, 1 on the way, 2 done */
    struct step_in *way;
    uint32_t length;
};

/* Longer circles are shown by their beginning and end; every edge is a related position anyway. */
#define SHOWN_MAX 16

static arc_slice circle_text(struct search *search, uint32_t from)
{
    struct arc_check *check = search->check;
    const struct arc_spec *spec = check->spec;
    struct arc_buf buf;
    if (!arc__sink_keeps(check->sink))
        return ARC_NONE;
    arc__buf_init(&buf, &check->arena->mem, 65536);
    for (uint32_t i = from; i < search->length; i++) {
        if (i - from == SHOWN_MAX / 2 && search->length - from > SHOWN_MAX) {
            arc__buf_add_cstr(&buf, "… -> ");
            i = search->length - SHOWN_MAX / 2;
        }
        arc__buf_add_slice(&buf, arc__quoted(check->sink, spec->jobs[search->way[i].job].name));
        arc__buf_add_cstr(&buf, " -> ");
    }
    arc__buf_add_slice(&buf, arc__quoted(check->sink, spec->jobs[search->way[from].job].name));
    check->arena->failed |= buf.failed != ARC_OK;
    arc_slice text = arc__arena_copy(check->arena, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
    return text;
}

/* The way from `to` to its end is a circle. */
static void report_cycle(struct search *search, uint32_t to)
{
    struct arc_check *check = search->check;
    const struct arc_spec *spec = check->spec;
    uint32_t from = search->length - 1, related = 0;
    while (search->way[from].job != to)
        from--;
    const struct arc_spec_job *first = &spec->jobs[to];
    const struct arc_node *edge = first->dep_nodes[search->way[from].next - 1];
    struct place place;
    job_place(spec, first, &place);
    push(&place, ARC_LIT("dependsOn"), 0);
    struct arc_diag *diag =
        arc__diag_add(check->sink, ARC_DIAG_CYCLE, innermost(&place), &edge->mark, ARC_NONE,
                      ARC_ARGS(circle_text(search, from)));
    for (uint32_t i = from + 1; i < search->length && related < SHOWN_MAX; i++, related++) {
        const struct arc_spec_job *job = &spec->jobs[search->way[i].job];
        arc__diag_relate(check->sink, diag, &job->dep_nodes[search->way[i].next - 1]->mark,
                         "and it waits for this one here");
    }
}

static void walk_from(struct search *search, uint32_t start)
{
    const struct arc_spec *spec = search->check->spec;
    search->way[0] = (struct step_in){start, 0};
    search->length = 1;
    search->colour[start] = 1;
    while (search->length > 0) {
        struct step_in *at = &search->way[search->length - 1];
        const struct arc_spec_job *job = &spec->jobs[at->job];
        if (at->next >= job->dep_count) {
            search->colour[at->job] = 2;
            search->length--;
            continue;
        }
        uint32_t dep = job->deps[at->next++];
        if (search->colour[dep] == 1)
            report_cycle(search, dep);
        if (search->colour[dep] != 0)
            continue;
        search->colour[dep] = 1;
        search->way[search->length++] = (struct step_in){dep, 0};
    }
}

static int check_cycles(struct arc_check *check)
{
    const struct arc_mem *mem = &check->arena->mem;
    uint32_t count = check->spec->job_count;
    struct search search = {.check = check};
    search.colour = arc__check_alloc(check, count + 1, sizeof(*search.colour));
    search.way = arc__check_alloc(check, count + 1, sizeof(*search.way));
    int held = search.colour != NULL && search.way != NULL;
    for (uint32_t i = 0; held && i < count; i++) {
        if (search.colour[i] == 0)
            walk_from(&search, i);
    }
    arc__free(mem, search.colour);
    arc__free(mem, search.way);
    return held;
}

/* --- what does nothing -------------------------------------------------------------------- */

static void check_unused(struct arc_check *check)
{
    const struct arc_spec *spec = check->spec;
    struct arc_path parent = {NULL, ARC_LIT("variables"), 0};
    if (check->obscured) /* it may be what was meant there */
        return;
    for (uint32_t i = 0; i < spec->variable_count; i++) {
        const struct arc_node *node = spec->variables[i].node;
        struct arc_path here = {&parent, node->key, 0};
        if (!spec->variables[i].used)
            (void)arc__diag_add(check->sink, ARC_DIAG_UNUSED_VARIABLE, &here, &node->key_mark,
                                ARC_NONE, ARC_ARGS(arc__quoted(check->sink, node->key)));
    }
}

/* --- times -------------------------------------------------------------------------------- */

/* A timeout that others must fit into; node NULL: there is none. */
struct limit {
    const struct arc_node *node;
    int64_t ns; /* 0: no bound */
    const char *of;
};

static struct limit limit_of(const struct arc_node *node, const char *of)
{
    struct limit limit = {node, 0, of};
    if (node != NULL && arc__duration_parse(node->text, &limit.ns, NULL) != ARC_OK)
        limit.ns = 0;
    return limit;
}

/* A timeout that another one cuts short, where there is one. */
static void check_timeout(struct arc_check *check, const struct arc_node *map, enum arc_field_id id,
                          const char *what, const struct arc_path *path, const struct limit *outer)
{
    const struct arc_node *other = outer->node;
    int64_t inner_ns = 0;
    if (outer->ns == 0 || !arc__duration_of(map, id, &inner_ns) || inner_ns <= outer->ns)
        return;
    const struct arc_node *inner = arc__field_get(map, id);
    struct arc_diag *diag =
        arc__say(check, ARC_DIAG_TIMEOUT_ORDER, inner, path, ARC_NONE,
                 ARC_ARGS(arc__slice_cstr(what), arc__quoted(check->sink, inner->text),
                          arc__slice_cstr(outer->of), arc__quoted(check->sink, other->text)));
    arc__diag_relate(check->sink, diag, &other->mark, "the shorter one is here");
}

/* --- what never happens ------------------------------------------------------------------- */

static int job_is_never(const struct arc_spec *spec, const struct arc_spec_job *job)
{
    return job->never || spec->stages[job->stage].never;
}

/* A job that wants success, and waits for one that never runs. */
static void check_waiting(struct arc_check *check, const struct arc_spec_job *job)
{
    for (uint32_t i = 0; i < job->dep_count; i++) {
        const struct arc_spec_job *dep = &check->spec->jobs[job->deps[i]];
        struct place place;
        if (!job_is_never(check->spec, dep))
            continue;
        if (job_is_never(check->spec, job) || !arc__wants_success(check, job->node))
            return;
        job_place(check->spec, job, &place);
        push(&place, ARC_LIT("dependsOn"), 0);
        (void)arc__diag_add(
            check->sink, ARC_DIAG_WAITS_FOR_NEVER, innermost(&place), &job->dep_nodes[i]->mark,
            ARC_NONE,
            ARC_ARGS(arc__quoted(check->sink, job->name), arc__quoted(check->sink, dep->name)));
        return;
    }
}

/* --- how much it becomes ------------------------------------------------------------------ */

/* Jobs and dependencies once every matrix is written out. */
static void check_expansion(struct arc_check *check)
{
    const struct arc_spec *spec = check->spec;
    uint64_t jobs = 0, edges = 0;
    if (spec->job_count == 0)
        return;
    for (uint32_t i = 0; i < spec->job_count; i++) {
        const struct arc_spec_job *job = &spec->jobs[i];
        jobs += job->cells;
        for (uint32_t k = 0; k < job->dep_count; k++)
            edges += (uint64_t)job->cells * spec->jobs[job->deps[k]].cells;
    }
    struct place place;
    job_place(spec, &spec->jobs[0], &place);
    place.count--;
    const struct arc_node *list =
        arc__field_get(spec->root, spec->stages[0].node != NULL ? ARC_FIELD_PIPELINE_STAGES
                                                                : ARC_FIELD_PIPELINE_JOBS);
    struct arc_path here = {NULL, list->key, 0};
    if (jobs > check->limits.jobs)
        (void)arc__diag_add(check->sink, ARC_DIAG_TOO_MANY, &here, &list->key_mark,
                            ARC_LIT("make its matrices smaller, or split the pipeline"),
                            ARC_ARGS(ARC_LIT("The pipeline"), arc__decimal(check->sink, jobs),
                                     ARC_LIT("jobs with all cells"),
                                     arc__decimal(check->sink, check->limits.jobs)));
    if (edges > check->limits.edges)
        (void)arc__diag_add(check->sink, ARC_DIAG_TOO_MANY, &here, &list->key_mark,
                            ARC_LIT("put a job between the two matrices, which waits for all "
                                    "cells of one"),
                            ARC_ARGS(ARC_LIT("The pipeline"), arc__decimal(check->sink, edges),
                                     ARC_LIT("dependencies between cells"),
                                     arc__decimal(check->sink, check->limits.edges)));
}

/* --- one job ------------------------------------------------------------------------------ */

static void check_steps(struct arc_check *check, const struct arc_spec_job *job,
                        const struct arc_node *steps, const struct arc_path *list)
{
    const struct limit outer = limit_of(arc__scalar_of(job->node, ARC_FIELD_JOB_TIMEOUT), "job");
    uint32_t index = 0;
    for (const struct arc_node *c = steps->first; c != NULL; c = c->next, index++) {
        struct arc_path item = {list, ARC_NONE, index};
        check_timeout(check, c, ARC_FIELD_STEP_TIMEOUT, "The step", &item, &outer);
    }
}

static void check_job(struct arc_check *check, const struct arc_spec_job *job)
{
    const struct limit run =
        limit_of(arc__scalar_of(check->spec->root, ARC_FIELD_PIPELINE_TIMEOUT), "run");
    const struct arc_node *steps = arc__field_get(job->node, ARC_FIELD_JOB_STEPS);
    const struct arc_node *after = arc__field_get(job->node, ARC_FIELD_JOB_FINALLY);
    struct place place;
    job_place(check->spec, job, &place);
    const struct arc_path *here = innermost(&place);
    check_timeout(check, job->node, ARC_FIELD_JOB_TIMEOUT, "The job", here, &run);
    steps = steps != NULL && steps->kind == ARC_NODE_LIST ? steps : NULL;
    after = after != NULL && after->kind == ARC_NODE_LIST ? after : NULL;
    struct arc_path list = {here, ARC_LIT("steps"), 0}, last = {here, ARC_LIT("finally"), 0};
    if (steps != NULL)
        check_steps(check, job, steps, &list);
    if (after != NULL)
        check_steps(check, job, after, &last);
    if (check_step_names(check, steps, &list, after, &last))
        (void)arc__check_selectors(check, job, steps, here); /* the arena says what it lacked */
}

void arc__check_job(struct arc_check *check, struct arc_spec_job *job)
{
    if (check->listed == NULL)
        check->listed =
            arc__arena_array(check->arena, check->spec->job_count, sizeof(*check->listed));
    if (check->listed == NULL || !resolve_job(check, job))
        return;
    job->checked = 1;
    check_job(check, job);
}

int arc__check_rules(struct arc_check *check)
{
    struct arc_spec *spec = check->spec;
    if (!check_stage_names(check))
        return 0;
    check_job_names(check);
    for (uint32_t i = 0; i < spec->job_count; i++) {
        if (!spec->jobs[i].checked) /* the walk did not come by */
            arc__check_job(check, &spec->jobs[i]);
        check_waiting(check, &spec->jobs[i]);
    }
    if (check->arena->failed || !check_cycles(check) || !arc__check_groups(check))
        return 0;
    check_expansion(check);
    check_unused(check);
    return 1;
}
