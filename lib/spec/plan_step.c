/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a job, and the fields that a step and a job share. */
#include "base/time.h"
#include "spec/plan_private.h"

/* --- fields; the definition was checked --------------------------------------------------- */

int64_t arc__plan_duration(const struct arc_node *node)
{
    int64_t ns = 0;
    arc_slice text = arc__node_text(node);
    if (text.len > 0)
        (void)arc__duration_parse(text, &ns, NULL);
    return ns;
}

uint32_t arc__plan_bool(const struct arc_node *node)
{
    return node != NULL && node->number != 0;
}

int arc__plan_word(const struct arc_node *map, enum arc_field_id id)
{
    return arc__word_index(arc__field(id)->words, arc__field_text(map, id));
}

struct arc_retry arc__plan_retry(const struct arc_node *node)
{
    struct arc_retry retry = {0};
    if (node == NULL)
        return retry;
    const struct arc_node *attempts = arc__field_get(node, ARC_FIELD_RETRY_MAX_ATTEMPTS);
    const struct arc_node *on = arc__field_get(node, ARC_FIELD_RETRY_ON);
    int backoff = arc__plan_word(node, ARC_FIELD_RETRY_BACKOFF);
    retry.max_attempts = attempts != NULL ? (uint32_t)attempts->number : 1;
    retry.delay_ns = arc__plan_duration(arc__field_get(node, ARC_FIELD_RETRY_DELAY));
    retry.max_delay_ns = arc__plan_duration(arc__field_get(node, ARC_FIELD_RETRY_MAX_DELAY));
    retry.jitter = arc__plan_bool(arc__field_get(node, ARC_FIELD_RETRY_JITTER));
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

/* --- a step ------------------------------------------------------------------------------- */

/* late NULL: as written. */
static void put_args(struct arc_planner *p, struct arc_json *json, const struct arc_node *args,
                     const struct arc_node *run, int *late)
{
    const struct arc_path *up = p->path;
    struct arc_path here = {up, args != NULL ? args->key : ARC_NONE, 0};
    arc__json_object(json);
    p->path = &here;
    for (const struct arc_node *c = args != NULL ? args->first : NULL; c != NULL; c = c->next) {
        arc__json_key(json, c->key);
        arc__plan_put_child(p, json, c, 0, late);
    }
    p->path = up;
    if (run != NULL)
        arc__json_key_text(json, "run", late != NULL ? arc__plan_expand(p, run, late) : run->text);
    arc__json_end_object(json);
}

static arc_slice args_of(struct arc_planner *p, const struct arc_fields *fields, uint32_t *late)
{
    const struct arc_node *args = arc__fields_at(fields, ARC_FIELD_STEP_ARGS);
    const struct arc_node *run = arc__fields_at(fields, ARC_FIELD_STEP_RUN);
    int unknown = 0;
    if ((args == NULL || args->count == 0) && run == NULL)
        return ARC_NONE;
    struct arc_buf buf = arc__plan_scratch(p);
    struct arc_json json;
    arc__json_init(&json, &buf);
    put_args(p, &json, args, run, &unknown);
    if (unknown) {
        arc__buf_clear(&buf);
        arc__json_init(&json, &buf);
        put_args(p, &json, args, run, NULL);
        *late |= ARC_LATE_ARGS;
    }
    return arc__plan_settle(p, &buf);
}

static arc_slice text_of(struct arc_planner *p, const struct arc_node *node, uint32_t bit,
                         uint32_t *late)
{
    int unknown = 0;
    if (node == NULL)
        return ARC_NONE;
    arc_slice text = arc__plan_expand(p, node, &unknown);
    *late |= unknown ? bit : 0;
    return text;
}

/* Only now is the whole path known; one that is still late is looked at when it is. */
static arc_slice directory_of(struct arc_planner *p, const struct arc_node *node, uint32_t *late)
{
    arc_slice path = text_of(p, node, ARC_LATE_DIRECTORY, late);
    if (node != NULL && (*late & ARC_LATE_DIRECTORY) == 0 && !arc__path_inside(path)) {
        struct arc_path here = {p->path, node->key, 0};
        (void)arc__diag_add(p->sink, ARC_DIAG_OUTSIDE, &here, &node->mark, ARC_NONE,
                            ARC_ARGS(arc__quoted(p->sink, path)));
    }
    return path;
}

/* The step's own image, else that of the runtime. */
static arc_slice image_of(struct arc_planner *p, const struct arc_node *node,
                          const struct arc_node *runtime, uint32_t *late)
{
    if (node == NULL)
        node = arc__field_get(runtime, ARC_FIELD_RUNTIME_IMAGE);
    return text_of(p, node, ARC_LATE_IMAGE, late);
}

static void put_env(struct arc_planner *p, const struct arc_plan_env *env,
                    struct arc_plan_step *step)
{
    step->env = env->known;
    step->late_env = env->late;
    if (arc__plan_names_env(&env->late))
        step->layers = arc__plan_layers(p, env);
}

static arc_slice keep_field(struct arc_planner *p, const struct arc_fields *fields,
                            enum arc_field_id id)
{
    return arc__plan_name(p, arc__node_text(arc__fields_at(fields, id)));
}

static void fill_step(struct arc_planner *p, const struct arc_node *node,
                      const struct arc_node *runtime, const struct arc_plan_env *below,
                      struct arc_plan_step *step)
{
    struct arc_fields own;
    arc__fields_read(node, ARC_OBJECT_STEP, &own);
    struct arc_plan_env env = arc__plan_layer(p, below, arc__fields_at(&own, ARC_FIELD_STEP_ENV));
    arc__plan_use_env(p, &env);
    step->name = keep_field(p, &own, ARC_FIELD_STEP_NAME);
    step->id = keep_field(p, &own, ARC_FIELD_STEP_ID);
    step->uses = arc__plan_name(p, arc__node_text(arc__fields_at(&own, ARC_FIELD_STEP_USES)));
    step->action = keep_field(p, &own, ARC_FIELD_STEP_ACTION);
    if (step->id.len == 0)
        step->id = step->name;
    if (step->uses.len == 0)
        step->uses = arc__plan_name(p, ARC_LIT("shell"));
    step->args = args_of(p, &own, &step->late);
    step->image = image_of(p, arc__fields_at(&own, ARC_FIELD_STEP_IMAGE), runtime, &step->late);
    step->working_directory =
        directory_of(p, arc__fields_at(&own, ARC_FIELD_STEP_WORKING_DIRECTORY), &step->late);
    put_env(p, &env, step);
    step->secrets = arc__plan_texts(p, arc__fields_at(&own, ARC_FIELD_STEP_SECRETS));
    step->artifacts = arc__plan_part(p, arc__fields_at(&own, ARC_FIELD_STEP_ARTIFACTS),
                                     ARC_OBJECT_ARTIFACT, ARC_LATE_ARTIFACTS, &step->late);
    step->condition = arc__plan_condition(p, arc__fields_at(&own, ARC_FIELD_STEP_WHEN));
    step->timeout_ns = arc__plan_duration(arc__fields_at(&own, ARC_FIELD_STEP_TIMEOUT));
    step->retry = arc__plan_retry(arc__fields_at(&own, ARC_FIELD_STEP_RETRY));
    step->continue_on_error =
        arc__plan_bool(arc__fields_at(&own, ARC_FIELD_STEP_CONTINUE_ON_ERROR));
    p->runtime |= step->late != 0;
    arc__plan_use_env(p, NULL);
}

/* --- what is inserted --------------------------------------------------------------------- */

static void insert(struct arc_planner *p, const struct arc_plan_env *env, enum arc_step_role role,
                   struct arc_plan_step *step)
{
    int source = role == ARC_STEP_ROLE_SOURCE;
    step->name = arc__plan_keep(p, source ? ARC_LIT("(source)") : ARC_LIT("(artifacts)"));
    step->id = step->name;
    step->uses =
        arc__plan_keep(p, source ? ARC_LIT("arcentra/source") : ARC_LIT("arcentra/artifacts"));
    step->role = role;
    put_env(p, env, step);
    step->condition.when = source ? ARC_WHEN_SUCCESS : ARC_WHEN_ALWAYS;
}

static void put_artifacts(struct arc_planner *p, struct arc_json *json,
                          const struct arc_node *artifacts, int *late)
{
    arc__json_object(json);
    arc__json_key(json, ARC_LIT("artifacts"));
    arc__json_array(json);
    for (const struct arc_node *c = artifacts->first; c != NULL; c = c->next)
        arc__plan_put_object(p, json, c, ARC_OBJECT_ARTIFACT, late);
    arc__json_end_array(json);
    arc__json_end_object(json);
}

static arc_slice artifacts_args(struct arc_planner *p, const struct arc_node *artifacts,
                                uint32_t *late)
{
    struct arc_buf buf = arc__plan_scratch(p);
    struct arc_json json;
    int unknown = 0;
    arc__json_init(&json, &buf);
    put_artifacts(p, &json, artifacts, &unknown);
    if (unknown) {
        arc__buf_clear(&buf);
        arc__json_init(&json, &buf);
        put_artifacts(p, &json, artifacts, NULL);
        *late |= ARC_LATE_ARGS;
        p->runtime = 1;
    }
    return arc__plan_settle(p, &buf);
}

/* --- all of a job ------------------------------------------------------------------------- */

static uint32_t fill_list(struct arc_planner *p, const struct arc_node *list, const char *key,
                          const struct arc_plan_defaults *defaults, const struct arc_plan_env *env,
                          struct arc_plan_step *steps)
{
    const struct arc_path *up = p->path;
    struct arc_path parent = {up, arc__slice_cstr(key), 0};
    uint32_t count = 0;
    for (const struct arc_node *c = list != NULL ? list->first : NULL; c != NULL; c = c->next) {
        struct arc_path here = {&parent, ARC_NONE, count};
        p->path = &here;
        fill_step(p, c, defaults->runtime, env, &steps[count++]);
    }
    p->path = up;
    return count;
}

static uint32_t count_of(const struct arc_node *list)
{
    return list != NULL ? list->count : 0;
}

void arc__plan_steps(struct arc_planner *p, const struct arc_fields *job,
                     const struct arc_plan_defaults *defaults, const struct arc_plan_env *env,
                     struct arc_plan_job *out)
{
    const struct arc_node *own = arc__fields_at(job, ARC_FIELD_JOB_STEPS);
    const struct arc_node *last = arc__fields_at(job, ARC_FIELD_JOB_FINALLY);
    const struct arc_node *artifacts = arc__fields_at(job, ARC_FIELD_JOB_ARTIFACTS);
    const struct arc_node *source = defaults->source;
    size_t room =
        (size_t)count_of(own) + count_of(last) + (count_of(source) > 0) + (count_of(artifacts) > 0);
    struct arc_plan_step *steps = arc__plan_array(p, room, sizeof(*steps));
    uint32_t count = 0;
    if (steps == NULL)
        return;
    if (count_of(source) > 0) {
        struct arc_plan_step *step = &steps[count++];
        insert(p, env, ARC_STEP_ROLE_SOURCE, step);
        arc__plan_use_env(p, env);
        step->args = arc__plan_part(p, source, ARC_OBJECT_SOURCE, ARC_LATE_ARGS, &step->late);
        arc__plan_use_env(p, NULL);
    }
    count += fill_list(p, own, "steps", defaults, env, steps + count);
    uint32_t from = count;
    count += fill_list(p, last, "finally", defaults, env, steps + count);
    for (const struct arc_node *c = from < count ? last->first : NULL; c != NULL; c = c->next) {
        const struct arc_node *when = arc__field_get(c, ARC_FIELD_STEP_WHEN);
        /* Without a word `finally` runs whatever has become of the job: one is told from none. */
        if (when != NULL && steps[from].condition.when == ARC_WHEN_SUCCESS)
            steps[from].condition.text = arc__plan_keep(p, arc__slice_trim(when->text));
        steps[from++].finally = 1;
    }
    if (count_of(artifacts) > 0) {
        struct arc_plan_step *step = &steps[count++];
        insert(p, env, ARC_STEP_ROLE_ARTIFACTS, step);
        arc__plan_use_env(p, env);
        step->args = artifacts_args(p, artifacts, &step->late);
        arc__plan_use_env(p, NULL);
    }
    out->steps = steps;
    out->step_count = count;
}
