/* SPDX-License-Identifier: Apache-2.0 */
/* What expressions of a run see, read off the plan and the fold of its events, and nothing else:
 * whoever asks later gets the same answer. */
#include "core/resolve.h"

#include "base/json.h"
#include "core/template.h"
#include "core/why.h"

/* What a definition may hold at most was asked when it was checked, under limits that are not known
 * here: what is in the plan is read whatever it takes. */
#define DOCUMENT_DEPTH ARC_VALUE_DEPTH_MAX
#define TEXT_BYTES_MAX (256u * 1024u)          /* that values add to one text */
#define OBJECT_BYTES_MAX (16u * 1024u * 1024u) /* of args, of the outputs of a job */

/* Where an expression stands, and what is asked for. */
struct where {
    const struct arc_run *run;
    uint32_t stage, job, step; /* UINT32_MAX: none */
    const struct arc_place_facts *place;
    struct arc_arena *arena;
};

struct arc_expr_limits arc__run_limits(const struct arc_plan *plan)
{
    return (struct arc_expr_limits){.bytes = UINT32_MAX, .units = plan->expression_units};
}

/* --- values -------------------------------------------------------------------------- */

static struct arc_value text_value(arc_slice text)
{
    return arc__value_text(text);
}

static struct arc_value empty_map(void)
{
    return (struct arc_value){ARC_VALUE_MAP, 0, {0}};
}

static void put(struct arc_member *members, uint32_t *count, const char *key,
                struct arc_value value)
{
    members[(*count)++] = (struct arc_member){arc__slice_cstr(key), value};
}

static struct arc_value kvs_value(const struct arc_kvs *kvs, struct arc_arena *arena)
{
    struct arc_member *members = arc__arena_array(arena, kvs->count, sizeof(*members));
    for (uint32_t i = 0; members != NULL && i < kvs->count; i++)
        members[i] = (struct arc_member){kvs->items[i].key, text_value(kvs->items[i].value)};
    return members != NULL ? arc__value_map(members, kvs->count) : empty_map();
}

/* What was stored as JSON; an empty text is an empty map. */
static arc_status json_value(arc_slice json, struct arc_arena *arena, struct arc_value *out,
                             arc_err *err)
{
    *out = empty_map();
    return json.len > 0 ? arc__value_from_json(json, DOCUMENT_DEPTH, arena, out, err) : ARC_OK;
}

/* --- contexts ------------------------------------------------------------------------ */

static struct arc_value run_value(const struct arc_run *run, struct arc_arena *arena)
{
    struct arc_member *members = arc__arena_array(arena, 4, sizeof(*members));
    uint32_t count = 0;
    if (members == NULL)
        return empty_map();
    put(members, &count, "id", text_value(arc__id_slice(&run->id)));
    put(members, &count, "number", arc__value_int(run->birth->number));
    put(members, &count, "attempt",
        arc__value_int(run->birth->attempt > 0 ? run->birth->attempt : 1));
    /* When it was triggered: when its first step starts is not known to that step. */
    put(members, &count, "startedAt",
        (struct arc_value){ARC_VALUE_TIME, 0, {.integer = run->created_ns}});
    return arc__value_map(members, count);
}

/* 1: of the steps before this one, none has failed and none was cancelled. */
static int is_good_so_far(const struct where *at)
{
    const struct arc_plan_job *plan = &at->run->plan->jobs[at->job];
    for (uint32_t s = 0; s < plan->step_count && s < at->step; s++) {
        int status = at->run->jobs[at->job].steps[s].status;
        if (status == ARC_STEP_CANCELLED ||
            ((status == ARC_STEP_FAILED || status == ARC_STEP_TIMEOUT) &&
             !plan->steps[s].continue_on_error))
            return 0;
    }
    return 1;
}

static struct arc_value job_value(const struct where *at)
{
    struct arc_member *members = arc__arena_array(at->arena, 2, sizeof(*members));
    uint32_t count = 0;
    if (members == NULL)
        return empty_map();
    put(members, &count, "name", text_value(at->run->plan->jobs[at->job].key));
    put(members, &count, "status",
        text_value(is_good_so_far(at) ? ARC_LIT("success") : ARC_LIT("failed")));
    return arc__value_map(members, count);
}

static struct arc_value step_value(const struct where *at)
{
    const struct arc_plan_step *plan = &at->run->plan->jobs[at->job].steps[at->step];
    const struct arc_step_state *state = &at->run->jobs[at->job].steps[at->step];
    struct arc_member *members = arc__arena_array(at->arena, 3, sizeof(*members));
    uint32_t count = 0;
    if (members == NULL)
        return empty_map();
    put(members, &count, "name", text_value(plan->name));
    put(members, &count, "id", text_value(plan->id));
    put(members, &count, "attempt",
        arc__value_int(state->attempt + (state->status == ARC_STEP_PENDING)));
    return arc__value_map(members, count);
}

static arc_status steps_value(const struct where *at, struct arc_value *out, arc_err *err)
{
    const struct arc_plan_job *plan = &at->run->plan->jobs[at->job];
    uint32_t most = at->step < plan->step_count ? at->step : plan->step_count;
    struct arc_member *steps = arc__arena_array(at->arena, most, sizeof(*steps));
    if (steps == NULL)
        return arc__fail_nomem(err);
    for (uint32_t s = 0; s < most; s++) {
        const struct arc_step_state *state = &at->run->jobs[at->job].steps[s];
        struct arc_member *members = arc__arena_array(at->arena, 3, sizeof(*members));
        struct arc_value outputs;
        uint32_t count = 0;
        if (members == NULL)
            return arc__fail_nomem(err);
        ARC_TRY(json_value(state->outputs, at->arena, &outputs, err));
        put(members, &count, "status",
            text_value(arc__slice_cstr(arc_step_state_name(state->status))));
        put(members, &count, "outputs", outputs);
        put(members, &count, "exitCode", arc__value_int(state->exit_code));
        steps[s] = (struct arc_member){plan->steps[s].id, arc__value_map(members, count)};
    }
    *out = arc__value_map(steps, most);
    return ARC_OK;
}

/* Of the cells of a matrix job the worst one speaks for all. */
static int badness(int status)
{
    switch (status) {
    case ARC_JOB_FAILED:
        return 5;
    case ARC_JOB_TIMEOUT:
        return 4;
    case ARC_JOB_CANCELLED:
        return 3;
    case ARC_JOB_SKIPPED:
        return 2;
    default:
        return status == ARC_JOB_SUCCESS ? 1 : 6; /* it has not ended */
    }
}

/* needs.NAME of the jobs first to last - 1 of a list of dependencies. */
static arc_status need_value(const struct where *at, const uint32_t *deps, uint32_t count,
                             struct arc_value *out, arc_err *err)
{
    const struct arc_run *run = at->run;
    int matrix = run->plan->jobs[deps[0]].matrix != 0, worst = run->jobs[deps[0]].status;
    struct arc_member *cells = arc__arena_array(at->arena, count, sizeof(*cells));
    struct arc_member *members = arc__arena_array(at->arena, 2, sizeof(*members));
    uint32_t n = 0;
    if (cells == NULL || members == NULL)
        return arc__fail_nomem(err);
    for (uint32_t i = 0; i < count; i++) {
        if (badness(run->jobs[deps[i]].status) > badness(worst))
            worst = run->jobs[deps[i]].status;
        cells[i].key = run->plan->jobs[deps[i]].key;
        ARC_TRY(json_value(run->jobs[deps[i]].outputs, at->arena, &cells[i].value, err));
    }
    put(members, &n, "result", text_value(arc__slice_cstr(arc_job_state_name(worst))));
    put(members, &n, "outputs", matrix ? arc__value_map(cells, count) : cells[0].value);
    *out = arc__value_map(members, n);
    return ARC_OK;
}

static arc_status needs_value(const struct where *at, struct arc_value *out, arc_err *err)
{
    const struct arc_plan *plan = at->run->plan;
    const struct arc_plan_job *job = &plan->jobs[at->job];
    struct arc_member *needs = arc__arena_array(at->arena, job->dep_count, sizeof(*needs));
    uint32_t count = 0;
    if (needs == NULL)
        return arc__fail_nomem(err);
    for (uint32_t i = 0; i < job->dep_count;) {
        arc_slice name = plan->jobs[job->deps[i]].name;
        uint32_t next = i + 1; /* cells of one job stand side by side */
        while (next < job->dep_count && arc__slice_equal(plan->jobs[job->deps[next]].name, name))
            next++;
        needs[count].key = name;
        ARC_TRY(need_value(at, &job->deps[i], next - i, &needs[count].value, err));
        count++;
        i = next;
    }
    *out = arc__value_map(needs, count);
    return ARC_OK;
}

static arc_status agent_value(const struct where *at, struct arc_value *out, arc_err *err)
{
    const struct arc_place_facts *place = at->place;
    if (place == NULL)
        return json_value(at->run->jobs[at->job].place, at->arena, out, err);
    struct arc_member *members = arc__arena_array(at->arena, 5, sizeof(*members));
    uint32_t count = 0;
    if (members == NULL)
        return arc__fail_nomem(err);
    put(members, &count, "id", text_value(place->id));
    put(members, &count, "name", text_value(place->name));
    put(members, &count, "os", text_value(place->os));
    put(members, &count, "arch", text_value(place->arch));
    put(members, &count, "labels", kvs_value(&place->labels, at->arena));
    *out = arc__value_map(members, count);
    return ARC_OK;
}

/* One of the contexts that stand in the plan as JSON. */
static arc_status planned_value(const struct where *at, const char *name, struct arc_value *out,
                                arc_err *err)
{
    struct arc_value all;
    ARC_TRY(json_value(at->run->plan->context, at->arena, &all, err));
    const struct arc_value *found = arc__value_get(&all, arc__slice_cstr(name));
    *out = found != NULL ? *found : empty_map();
    return ARC_OK;
}

/* The run's clock: when what is asked about became possible. */
static int64_t clock_of(const struct where *at)
{
    const struct arc_run *run = at->run;
    int64_t ns = run->created_ns;
    if (at->job != UINT32_MAX) {
        if (at->step == UINT32_MAX)
            return run->last_ns;
        const struct arc_step_state *step = &run->jobs[at->job].steps[at->step];
        return step->status != ARC_STEP_PENDING && step->queued_ns != 0 ? step->queued_ns
                                                                        : run->last_ns;
    }
    for (uint32_t j = 0; j < run->plan->job_count; j++) {
        if (run->plan->jobs[j].stage < at->stage && run->jobs[j].ended_ns > ns)
            ns = run->jobs[j].ended_ns;
    }
    return ns;
}

static arc_status context_value(const struct where *at, enum arc_context context,
                                const struct arc_kvs *env, struct arc_value *out, arc_err *err)
{
    int job = at->job != UINT32_MAX, step = job && at->step != UINT32_MAX;
    switch (context) {
    case ARC_CONTEXT_VARIABLES:
        *out = kvs_value(&at->run->plan->variables, at->arena);
        return ARC_OK;
    case ARC_CONTEXT_TRIGGER:
        return planned_value(at, "trigger", out, err);
    case ARC_CONTEXT_GIT:
        return planned_value(at, "git", out, err);
    case ARC_CONTEXT_PIPELINE:
        return planned_value(at, "pipeline", out, err);
    case ARC_CONTEXT_RUN:
        *out = run_value(at->run, at->arena);
        return ARC_OK;
    case ARC_CONTEXT_ENV:
        *out = env != NULL ? kvs_value(env, at->arena) : empty_map();
        return ARC_OK;
    case ARC_CONTEXT_MATRIX:
        return json_value(job ? at->run->plan->jobs[at->job].cell : ARC_NONE, at->arena, out, err);
    case ARC_CONTEXT_NEEDS:
        return job ? needs_value(at, out, err) : ARC_OK;
    case ARC_CONTEXT_JOB:
        *out = job ? job_value(at) : empty_map();
        return ARC_OK;
    case ARC_CONTEXT_STEPS:
        return job ? steps_value(at, out, err) : ARC_OK;
    case ARC_CONTEXT_STEP:
        *out = step ? step_value(at) : empty_map();
        return ARC_OK;
    case ARC_CONTEXT_AGENT:
        return job ? agent_value(at, out, err) : ARC_OK;
    default:
        *out = empty_map(); /* no secret is known here */
        return ARC_OK;
    }
}

/* 1: one of the texts may hold a secret. */
static int names_secrets(const struct arc_kvs *texts)
{
    for (uint32_t i = 0; i < texts->count; i++) {
        if (memmem(texts->items[i].value.ptr, texts->items[i].value.len, "secrets", 7) != NULL)
            return 1;
    }
    return 0;
}

/* What must not be shown: an environment that a secret is put into is one as well. */
static uint32_t masked_at(const struct where *at)
{
    const struct arc_plan_job *job = at->job != UINT32_MAX ? &at->run->plan->jobs[at->job] : NULL;
    if (job == NULL)
        return 0;
    const struct arc_plan_step *step = at->step != UINT32_MAX ? &job->steps[at->step] : NULL;
    const struct arc_plan_layers *layers = step != NULL ? &step->layers : &job->layers;
    int masked = step != NULL && names_secrets(&step->late_env);
    for (uint32_t i = 0; i < layers->count && !masked; i++)
        masked = names_secrets(&layers->items[i].late_env);
    return masked ? ARC_CONTEXT_BIT(ARC_CONTEXT_ENV) : 0;
}

static arc_status fill_world(const struct where *at, uint32_t need, const struct arc_kvs *env,
                             struct arc_world *out, arc_err *err)
{
    *out = (struct arc_world){.now_ns = clock_of(at), .masked = masked_at(at)};
    for (int c = 0; c < ARC_CONTEXT_COUNT; c++) {
        if ((need & ARC_CONTEXT_BIT(c)) != 0)
            ARC_TRY(context_value(at, (enum arc_context)c, env, &out->contexts[c], err));
    }
    return at->arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

/* --- texts --------------------------------------------------------------------------- */

#define EVERYTHING (ARC_CONTEXT_BIT(ARC_CONTEXT_COUNT) - 1u)

/* A fault as an error: "env.TAG of step pack cannot be expanded: …" */
static arc_status fault_err(const char *what, arc_slice key, arc_slice of,
                            const struct arc_fault *fault, arc_err *err)
{
    return arc__fail(err, ARC_EINVAL, what, "%s%s%.*s of %.*s cannot be expanded: %.*s.", what,
                     key.len > 0 ? "." : "", ARC_ARG(key), ARC_ARG(of), ARC_ARG(fault->message));
}

/* What all texts of one step or job are expanded with. */
struct walk {
    struct arc_expr_limits limits;
    const struct arc_world *world;
    struct arc_arena *arena;
    struct arc_fault *fault;
};

static struct walk walk_of(const struct where *at, const struct arc_world *world,
                           struct arc_fault *fault)
{
    return (struct walk){arc__run_limits(at->run->plan), world, at->arena, fault};
}

static arc_status expand(const struct walk *walk, arc_slice text, arc_slice *out)
{
    struct arc_arena *arena = walk->arena;
    struct arc_fault *fault = walk->fault;
    struct arc_buf buf;
    int unknown = 0;
    size_t most = text.len + TEXT_BYTES_MAX;
    arc__buf_init(&buf, &arena->mem, most);
    arc_status status =
        arc__template_expand(text, walk->world, &walk->limits, arena, &buf, &unknown, fault);
    if (status == ARC_OK && (unknown || buf.failed == ARC_ELIMIT)) {
        fault->message = unknown ? ARC_LIT("a value is not known") : ARC_NONE;
        status = unknown ? ARC_EINVAL : ARC_ELIMIT;
    }
    if (status == ARC_ELIMIT) {
        fault->message = arc__arena_printf(arena, "the text is longer than %zu bytes", most);
        status = ARC_EINVAL;
    }
    if (buf.failed == ARC_ENOMEM)
        status = ARC_ENOMEM;
    *out = status == ARC_OK && buf.len > 0 ? arc__arena_copy(arena, arc__buf_slice(&buf))
                                           : ARC_LIT("");
    arc__buf_deinit(&buf);
    return arena->failed ? ARC_ENOMEM : status;
}

/* Two sorted lists; of a key that is in both the one above counts. */
static struct arc_kvs overlay(const struct arc_kvs *below, const struct arc_kvs *above,
                              struct arc_arena *arena)
{
    size_t most = (size_t)below->count + above->count;
    struct arc_kv *items = arc__arena_array(arena, most, sizeof(*items));
    uint32_t i = 0, j = 0, count = 0;
    while (items != NULL && (i < below->count || j < above->count)) {
        int order = i == below->count ? 1
                    : j == above->count
                        ? -1
                        : arc__slice_compare(below->items[i].key, above->items[j].key);
        items[count++] = order < 0 ? below->items[i] : above->items[j];
        i += order <= 0;
        j += order >= 0;
    }
    return (struct arc_kvs){items, count};
}

static arc_slice label_of(const struct where *at)
{
    if (at->job == UINT32_MAX)
        return ARC_LIT("a notice");
    const struct arc_plan_job *job = &at->run->plan->jobs[at->job];
    if (at->step == UINT32_MAX)
        return arc__arena_printf(at->arena, "job %.*s", ARC_ARG(job->key));
    return arc__arena_printf(at->arena, "step %.*s", ARC_ARG(job->steps[at->step].name));
}

/* Puts a layer on an environment, which is what its templates see. */
static arc_status put_layer(const struct where *at, struct arc_world *world,
                            const struct arc_plan_layer *layer, struct arc_kvs *env, arc_err *err)
{
    struct arc_fault fault = {0};
    const struct walk walk = walk_of(at, world, &fault);
    struct arc_kvs late = {NULL, layer->late_env.count};
    struct arc_kv *items = arc__arena_array(at->arena, late.count, sizeof(*items));
    if (items == NULL)
        return arc__fail_nomem(err);
    world->contexts[ARC_CONTEXT_ENV] = kvs_value(env, at->arena);
    for (uint32_t i = 0; i < late.count; i++) {
        const struct arc_kv *from = &layer->late_env.items[i];
        items[i].key = from->key;
        arc_status status = expand(&walk, from->value, &items[i].value);
        if (status == ARC_ENOMEM)
            return arc__fail_nomem(err);
        if (status != ARC_OK)
            return fault_err("env", from->key, label_of(at), &fault, err);
    }
    late.items = items;
    *env = overlay(env, &layer->env, at->arena);
    *env = overlay(env, &late, at->arena);
    return at->arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

static arc_status put_layers(const struct where *at, const struct arc_plan_layers *layers,
                             struct arc_kvs *env, arc_err *err)
{
    struct arc_world world;
    *env = (struct arc_kvs){NULL, 0};
    if (layers->count == 0)
        return ARC_OK;
    ARC_TRY(fill_world(at, EVERYTHING, NULL, &world, err));
    for (uint32_t i = 0; i < layers->count; i++)
        ARC_TRY(put_layer(at, &world, &layers->items[i], env, err));
    return ARC_OK;
}

/* What somebody set while the step waited wins over all layers. */
static arc_status put_update(const struct where *at, struct arc_kvs *env, arc_err *err)
{
    arc_slice own = at->run->jobs[at->job].steps[at->step].env;
    struct arc_value map;
    if (own.len == 0)
        return ARC_OK;
    ARC_TRY(json_value(own, at->arena, &map, err));
    struct arc_kvs above = {NULL, map.kind == ARC_VALUE_MAP ? map.count : 0};
    struct arc_kv *items = arc__arena_array(at->arena, above.count, sizeof(*items));
    for (uint32_t i = 0; items != NULL && i < above.count; i++)
        items[i] =
            (struct arc_kv){map.as.members[i].key, arc__value_slice(&map.as.members[i].value)};
    above.items = items;
    if (above.count > 0 && items != NULL)
        *env = overlay(env, &above, at->arena);
    return at->arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

static arc_status plan_env(const struct where *at, struct arc_kvs *out, arc_err *err)
{
    const struct arc_plan_step *plan = &at->run->plan->jobs[at->job].steps[at->step];
    const struct arc_plan_layer one = {plan->env, plan->late_env};
    *out = plan->env;
    if (plan->late_env.count == 0)
        return ARC_OK;
    return put_layers(
        at, plan->layers.count > 0 ? &plan->layers : &(struct arc_plan_layers){&one, 1}, out, err);
}

static arc_status step_env(const struct where *at, struct arc_kvs *out, arc_err *err)
{
    ARC_TRY(plan_env(at, out, err));
    return put_update(at, out, err);
}

/* Of a step, or of a job where the step is none. */
static arc_status env_of(const struct where *at, struct arc_kvs *out, arc_err *err)
{
    *out = (struct arc_kvs){NULL, 0};
    if (at->job == UINT32_MAX)
        return ARC_OK;
    return at->step != UINT32_MAX ? step_env(at, out, err)
                                  : put_layers(at, &at->run->plan->jobs[at->job].layers, out, err);
}

arc_status arc__run_world(const struct arc_run *run, uint32_t stage, uint32_t job, uint32_t step,
                          uint32_t need, const struct arc_place_facts *place,
                          struct arc_arena *arena, struct arc_world *out, arc_err *err)
{
    const struct where at = {run, stage, job, step, place, arena};
    struct arc_kvs env = {NULL, 0};
    if ((need & ARC_CONTEXT_BIT(ARC_CONTEXT_ENV)) != 0)
        ARC_TRY(env_of(&at, &env, err));
    return fill_world(&at, need, &env, out, err);
}

/* --- args ---------------------------------------------------------------------------- */

/* A text that is one expression keeps the type of its value. */
static arc_status expand_value(const struct walk *walk, arc_slice text, struct arc_value *out)
{
    arc_slice whole = ARC_NONE;
    const struct arc_expr *expr = NULL;
    if (!arc__template_any(text))
        return ARC_OK;
    if (!arc__template_is_whole(text, &whole)) {
        arc_slice made = ARC_NONE;
        ARC_TRY(expand(walk, text, &made));
        *out = arc__value_text(made);
        return ARC_OK;
    }
    ARC_TRY(arc__expr_parse(whole, &walk->limits, walk->arena, &expr, walk->fault));
    return arc__expr_eval(expr, walk->world, &walk->limits, walk->arena, out, walk->fault);
}

/* As deep as the reader of the JSON allows, which is DOCUMENT_DEPTH. */
static arc_status expand_tree(const struct walk *walk, struct arc_value *value)
{
    if (value->kind == ARC_VALUE_TEXT)
        return expand_value(walk, arc__value_slice(value), value);
    if (value->kind == ARC_VALUE_LIST) {
        struct arc_value *items = arc__arena_array(walk->arena, value->count, sizeof(*items));
        if (items == NULL)
            return ARC_ENOMEM;
        for (uint32_t i = 0; i < value->count; i++) {
            items[i] = value->as.items[i];
            ARC_TRY(expand_tree(walk, &items[i]));
        }
        value->as.items = items;
    } else if (value->kind == ARC_VALUE_MAP) {
        struct arc_member *members = arc__arena_array(walk->arena, value->count, sizeof(*members));
        if (members == NULL)
            return ARC_ENOMEM;
        for (uint32_t i = 0; i < value->count; i++) {
            members[i] = value->as.members[i];
            ARC_TRY(expand_tree(walk, &members[i].value));
        }
        value->as.members = members;
    }
    return ARC_OK;
}

static arc_status keep_json(const struct arc_value *value, struct arc_arena *arena, arc_slice *out)
{
    struct arc_buf buf;
    arc__buf_init(&buf, &arena->mem, OBJECT_BYTES_MAX);
    arc__value_to_json(value, &buf);
    arc_status status = buf.failed;
    if (status == ARC_OK)
        *out = arc__arena_copy(arena, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
    return arena->failed ? ARC_ENOMEM : status;
}

static arc_status expand_args(const struct where *at, const struct arc_world *world,
                              const char *what, arc_slice *out, arc_err *err)
{
    struct arc_fault fault = {.message = ARC_LIT("it is too long")};
    const struct walk walk = walk_of(at, world, &fault);
    struct arc_value args;
    ARC_TRY(json_value(*out, at->arena, &args, err));
    arc_status status = expand_tree(&walk, &args);
    if (status == ARC_OK)
        status = keep_json(&args, at->arena, out);
    if (status == ARC_ENOMEM || at->arena->failed)
        return arc__fail_nomem(err);
    return status == ARC_OK ? ARC_OK : fault_err(what, ARC_NONE, label_of(at), &fault, err);
}

static arc_status expand_field(const struct where *at, const struct arc_world *world,
                               const char *what, arc_slice *text, arc_err *err)
{
    struct arc_fault fault = {0};
    const struct walk walk = walk_of(at, world, &fault);
    arc_status status = expand(&walk, *text, text);
    if (status == ARC_ENOMEM)
        return arc__fail_nomem(err);
    return status == ARC_OK ? ARC_OK : fault_err(what, ARC_NONE, label_of(at), &fault, err);
}

arc_status arc__step_resolve(const struct arc_run *run, uint32_t job, uint32_t step,
                             const struct arc_place_facts *place, struct arc_arena *arena,
                             struct arc_resolved *out, arc_err *err)
{
    const struct arc_plan_step *plan = &run->plan->jobs[job].steps[step];
    const struct where at = {run, run->plan->jobs[job].stage, job, step, place, arena};
    struct arc_world world;
    const struct arc_plan_job *of = &run->plan->jobs[job];
    *out = (struct arc_resolved){plan->args, plan->env,   plan->image,    plan->working_directory,
                                 of->target, of->runtime, plan->artifacts};
    ARC_TRY(step_env(&at, &out->env, err));
    if (!arc__step_is_late(run->plan, job, step))
        return ARC_OK;
    ARC_TRY(fill_world(&at, EVERYTHING, &out->env, &world, err));
    if ((plan->late & ARC_LATE_ARGS) != 0)
        ARC_TRY(expand_args(&at, &world, "args", &out->args, err));
    if ((plan->late & ARC_LATE_ARTIFACTS) != 0)
        ARC_TRY(expand_args(&at, &world, "artifacts", &out->artifacts, err));
    if ((of->late & ARC_LATE_RUNTIME) != 0)
        ARC_TRY(expand_args(&at, &world, "runtime", &out->runtime, err));
    if ((plan->late & ARC_LATE_IMAGE) != 0)
        ARC_TRY(expand_field(&at, &world, "image", &out->image, err));
    if ((plan->late & ARC_LATE_DIRECTORY) != 0)
        ARC_TRY(expand_field(&at, &world, "workingDirectory", &out->working_directory, err));
    /* What a definition may not say, a value may not bring in. */
    if (!arc__path_inside(out->working_directory))
        return arc__fail(err, ARC_EINVAL, "workingDirectory",
                         "workingDirectory of step %.*s leaves the workspace.",
                         ARC_ARG(plan->name));
    return ARC_OK;
}

arc_status arc__job_outputs(const struct arc_run *run, uint32_t job, struct arc_arena *arena,
                            arc_slice *out, arc_err *err)
{
    const struct arc_plan_job *plan = &run->plan->jobs[job];
    const struct where at = {run, plan->stage, job, UINT32_MAX, NULL, arena};
    struct arc_kv *items = arc__arena_array(arena, plan->outputs.count, sizeof(*items));
    struct arc_kvs made = {items, plan->outputs.count}, env;
    struct arc_world world;
    struct arc_fault fault = {0};
    if (items == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(env_of(&at, &env, err));
    ARC_TRY(fill_world(&at, EVERYTHING, &env, &world, err));
    const struct walk walk = walk_of(&at, &world, &fault);
    for (uint32_t i = 0; i < made.count; i++) {
        items[i].key = plan->outputs.items[i].key;
        arc_status status = expand(&walk, plan->outputs.items[i].value, &items[i].value);
        if (status == ARC_ENOMEM)
            return arc__fail_nomem(err);
        if (status != ARC_OK)
            return fault_err("outputs", items[i].key, label_of(&at), &fault, err);
    }
    const struct arc_value value = kvs_value(&made, arena);
    arc_status status = arena->failed ? ARC_ENOMEM : keep_json(&value, arena, out);
    if (status == ARC_ELIMIT)
        return arc__fail(err, ARC_EINVAL, "outputs", "The outputs of job %.*s are too long.",
                         ARC_ARG(plan->key));
    return status == ARC_OK ? ARC_OK : arc__fail_nomem(err);
}

/* --- conditions ---------------------------------------------------------------------- */

static arc_status say_false(const struct where *at, const struct arc_expr *expr, arc_slice text,
                            const struct arc_world *world, arc_slice *why, arc_err *err)
{
    struct arc_buf buf;
    arc__buf_init(&buf, &at->arena->mem, TEXT_BYTES_MAX);
    arc__buf_printf(&buf, "`%.*s` is false", ARC_ARG(text));
    arc__why_operands(expr, text, world, at->arena, &buf);
    arc__buf_add_cstr(&buf, ".");
    arc_status status = arc__buf_check(&buf, err);
    if (status == ARC_OK)
        *why = arc__arena_copy(at->arena, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
    return status == ARC_OK && at->arena->failed ? arc__fail_nomem(err) : status;
}

static arc_status say_fault(const struct where *at, arc_slice text, const struct arc_fault *fault,
                            int *failed, arc_slice *why, arc_err *err)
{
    *failed = 1;
    *why = arc__arena_printf(at->arena, "`%.*s` cannot be decided: %.*s.", ARC_ARG(text),
                             ARC_ARG(fault->message));
    return why->ptr != NULL ? ARC_OK : arc__fail_nomem(err);
}

static int word_holds(enum arc_when when, uint32_t status)
{
    switch (when) {
    case ARC_WHEN_ALWAYS:
        return 1;
    case ARC_WHEN_FAILURE:
        return (status & ARC_STATUS_FAILURE) != 0;
    case ARC_WHEN_CANCELLED:
        return (status & ARC_STATUS_CANCELLED) != 0;
    case ARC_WHEN_NEVER:
        return 0;
    default:
        return (status & ARC_STATUS_SUCCESS) != 0;
    }
}

arc_status arc__condition_holds(const struct arc_run *run, const struct arc_condition *condition,
                                uint32_t stage, uint32_t job, uint32_t step, uint32_t status,
                                struct arc_arena *arena, int *yes, int *failed, arc_slice *why,
                                arc_err *err)
{
    const struct where at = {run, stage, job, step, NULL, arena};
    const struct arc_expr_limits limits = arc__run_limits(run->plan);
    arc_slice text = condition->text;
    const struct arc_expr *expr = NULL;
    struct arc_fault fault = {0};
    struct arc_world world;
    struct arc_value value;
    arc_err reason = ARC_ERR_INIT;
    *yes = *failed = 0;
    *why = condition->why;
    if (condition->when != ARC_WHEN_EXPR) {
        *yes = word_holds(condition->when, status);
        return ARC_OK;
    }
    arc_status result = arc__expr_parse(text, &limits, arena, &expr, &fault);
    if (result == ARC_ENOMEM || arena->failed)
        return arc__fail_nomem(err);
    if (result != ARC_OK)
        return say_fault(&at, text, &fault, failed, why, err);
    result = arc__run_world(run, stage, job, step, arc__expr_contexts(expr), NULL, arena, &world,
                            &reason);
    if (result == ARC_OK) {
        world.status = status;
        result = arc__expr_eval_when(expr, &world, &limits, arena, &value, &fault);
    } else {
        fault.message = arc__arena_copy(arena, arc__slice_cstr(reason.message));
    }
    if (result == ARC_ENOMEM || arena->failed)
        return arc__fail_nomem(err);
    if (result == ARC_OK && value.kind != ARC_VALUE_BOOL) {
        fault.message = ARC_LIT("it is neither true nor false");
        result = ARC_EINVAL;
    }
    if (result != ARC_OK)
        return say_fault(&at, text, &fault, failed, why, err);
    *yes = value.as.integer != 0;
    return *yes ? ARC_OK : say_false(&at, expr, text, &world, why, err);
}

arc_status arc__notice_params(const struct arc_run *run, uint32_t stage, uint32_t job,
                              arc_slice params, struct arc_arena *arena, arc_slice *out,
                              arc_err *err)
{
    const struct where at = {run, stage, job, UINT32_MAX, NULL, arena};
    struct arc_kvs env = {NULL, 0};
    struct arc_world world;
    *out = params;
    if (!arc__template_any(params))
        return ARC_OK;
    ARC_TRY(env_of(&at, &env, err));
    ARC_TRY(fill_world(&at, EVERYTHING, &env, &world, err));
    return expand_args(&at, &world, "params", out, err);
}
