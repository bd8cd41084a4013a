/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of one object: unknown ones, two spellings, what is missing, what this version does not
 * run, and the few rules between keys of one object. */
#include "spec/hints.h"
#include "spec/rules.h"
#include "spec/scope.h"

#define FIELDS_MAX 32

struct walk {
    struct arc_check *check;
    const struct arc_node *node;
    enum arc_object object;
    const struct arc_path *path;
    const struct arc_field *first;
    const struct arc_node *seen[FIELDS_MAX]; /* by index from first */
};

static arc_slice subject(const struct walk *walk)
{
    return arc__slice_cstr(arc__object(walk->object)->subject);
}

static arc_slice quoted_key(const struct walk *walk, const char *key)
{
    return arc__quoted(walk->check->sink, arc__slice_cstr(key));
}

/* --- keys --------------------------------------------------------------------------------- */

/* "`steps` is a key of a job", where a key stands at the wrong level. */
static arc_slice other_level(struct walk *walk, arc_slice key)
{
    static const struct {
        enum arc_object object;
        const char *phrase;
    } levels[] = {{ARC_OBJECT_STEP, "a step"},
                  {ARC_OBJECT_JOB, "a job"},
                  {ARC_OBJECT_STAGE, "a stage"},
                  {ARC_OBJECT_PIPELINE, "the pipeline"}};
    for (size_t i = 0; i < ARC_COUNT_OF(levels); i++) {
        const struct arc_field *field = arc__field_find(levels[i].object, key);
        if (field != NULL)
            return arc__arena_printf(walk->check->arena, "`%s` is a key of %s", field->key,
                                     levels[i].phrase);
    }
    return ARC_NONE;
}

static void unknown_key(struct walk *walk, const struct arc_node *child,
                        const struct arc_path *path)
{
    arc_slice hint = ARC_NONE;
    if (arc__sink_keeps(walk->check->sink)) {
        hint = arc__foreign_hint(walk->check, walk->object, child->key);
        if (hint.len == 0)
            hint = other_level(walk, child->key);
        if (hint.len == 0 && walk->object == ARC_OBJECT_PIPELINE && child->kind == ARC_NODE_MAP &&
            arc__field_nearest(walk->object, child->key).len == 0)
            hint = ARC_LIT("a job stands in the list `jobs:`, with its `name`");
        if (hint.len == 0)
            hint =
                arc__did_you_mean(walk->check->sink, arc__field_nearest(walk->object, child->key));
    }
    walk->check->obscured = 1;
    if (hint.len == 0)
        hint = ARC_LIT("keys of your own start with `x-`");
    (void)arc__diag_add(walk->check->sink, ARC_DIAG_UNKNOWN_KEY, path, &child->key_mark, hint,
                        ARC_ARGS(subject(walk), arc__quoted(walk->check->sink, child->key)));
}

/* An axis of a matrix: the only place where further keys are part of an object. */
static void check_axis(struct walk *walk, const struct arc_node *child, const struct arc_path *path)
{
    struct arc_check *check = walk->check;
    uint32_t index = 0;
    if (child->kind == ARC_NODE_LIST && child->count == 0)
        (void)arc__diag_add(check->sink, ARC_DIAG_EMPTY_LIST, path, &child->mark, ARC_NONE,
                            ARC_ARGS(arc__quoted(check->sink, child->key)));
    if (child->kind != ARC_NODE_LIST) {
        arc_slice hint = arc__foreign_hint(check, walk->object, child->key);
        if (hint.len == 0)
            hint = arc__did_you_mean(check->sink, arc__field_nearest(walk->object, child->key));
        if (hint.len > 0) {
            check->obscured = 1;
            (void)arc__diag_add(check->sink, ARC_DIAG_UNKNOWN_KEY, path, &child->key_mark, hint,
                                ARC_ARGS(subject(walk), arc__quoted(check->sink, child->key)));
            return;
        }
        hint = arc__hint_brackets(check, child);
        arc__shape_type(check, child, path, arc__quoted(check->sink, child->key),
                        "a list of single values", hint);
        return;
    }
    for (const struct arc_node *c = child->first; c != NULL; c = c->next, index++) {
        struct arc_path item = {path, ARC_NONE, index};
        if (c->kind == ARC_NODE_NULL || c->kind >= ARC_NODE_LIST)
            arc__shape_type(
                check, c, &item,
                arc__arena_printf(check->arena, "An item of `%.*s`", ARC_ARG(child->key)),
                "a single value", ARC_NONE);
        else if (arc__template_any(c->text))
            (void)arc__diag_add(check->sink, ARC_DIAG_NO_TEMPLATE, &item, &c->mark, ARC_NONE,
                                ARC_ARGS(ARC_LIT("a matrix")));
    }
}

/* `approval: {required: false}` is no gate, so there is nothing to run. */
static int is_no_gate(const struct arc_field *field, const struct arc_node *node)
{
    const struct arc_node *required = arc__field_get(node, ARC_FIELD_APPROVAL_REQUIRED);
    return field->of == ARC_OBJECT_APPROVAL && required != NULL &&
           required->kind == ARC_NODE_BOOL && !required->number;
}

static int is_empty(const struct arc_node *node)
{
    return node->kind >= ARC_NODE_LIST && node->count == 0;
}

static void check_later(struct walk *walk, const struct arc_field *field,
                        const struct arc_node *child, const struct arc_path *path)
{
    if (field->status != ARC_FIELD_LATER || is_no_gate(field, child) || is_empty(child))
        return;
    /* Without triggers a run that is started by hand still does what the rest says. */
    int refused = walk->check->options.runnable && field->of != ARC_OBJECT_TRIGGER;
    (void)arc__diag_add_as(walk->check->sink, ARC_DIAG_LATER,
                           refused ? ARC_SEVERITY_ERROR : ARC_SEVERITY_WARNING, path,
                           &child->key_mark, ARC_NONE, ARC_ARGS(quoted_key(walk, field->key)));
}

/* 1: it is the first of its field. */
static int check_spelling(struct walk *walk, const struct arc_field *field,
                          const struct arc_node *child, const struct arc_path *path)
{
    size_t index = (size_t)(field - walk->first);
    const struct arc_node *first = walk->seen[index];
    if (first == NULL) {
        walk->seen[index] = child;
        return 1;
    }
    struct arc_sink *sink = walk->check->sink;
    struct arc_diag *diag =
        arc__diag_add(sink, ARC_DIAG_TWO_SPELLINGS, path, &child->key_mark, ARC_NONE,
                      ARC_ARGS(arc__quoted(sink, child->key), arc__quoted(sink, first->key)));
    arc__diag_relate(sink, diag, &first->key_mark, "the first one is here");
    return 0;
}

static void check_key(struct walk *walk, const struct arc_node *child)
{
    struct arc_path here = {walk->path, child->key, 0};
    if (arc__slice_starts(child->key, ARC_LIT("x-")))
        return;
    const struct arc_field *field = arc__field_of(walk->object, child);
    if (field == NULL) {
        if (walk->object == ARC_OBJECT_MATRIX)
            check_axis(walk, child, &here);
        else
            unknown_key(walk, child, &here);
        return;
    }
    if (!check_spelling(walk, field, child, &here))
        return;
    int required = (field->flags & ARC_FIELD_FLAG_REQUIRED) != 0;
    int nonempty = (field->flags & ARC_FIELD_FLAG_NONEMPTY) != 0;
    if (child->kind == ARC_NODE_NULL && !required && !nonempty)
        return; /* a key without a value says nothing */
    check_later(walk, field, child, &here);
    arc__shape_value(walk->check, child, field, &here, walk->node);
}

/* --- rules between keys of one object ----------------------------------------------------- */

static int is_meant(struct walk *walk, const char *key)
{
    return arc__foreign_means(walk->check, walk->object, walk->node, key);
}

static void check_root(struct walk *walk)
{
    struct arc_sink *sink = walk->check->sink;
    struct arc_span head = arc__node_head(walk->node);
    const struct arc_node *stages = walk->seen[arc__field(ARC_FIELD_PIPELINE_STAGES) - walk->first];
    const struct arc_node *jobs = walk->seen[arc__field(ARC_FIELD_PIPELINE_JOBS) - walk->first];
    if (stages == NULL && jobs == NULL && !walk->check->merging && !is_meant(walk, "jobs") &&
        !is_meant(walk, "stages"))
        (void)arc__diag_add(sink, ARC_DIAG_NO_JOBS, NULL, &head, ARC_NONE, ARC_NO_ARGS);
    if (stages == NULL || jobs == NULL)
        return;
    const struct arc_node *second = stages->key_mark.offset > jobs->key_mark.offset ? stages : jobs;
    const struct arc_node *first = second == stages ? jobs : stages;
    struct arc_path here = {NULL, second->key, 0};
    struct arc_diag *diag = arc__diag_add(sink, ARC_DIAG_STAGES_AND_JOBS, &here, &second->key_mark,
                                          ARC_NONE, ARC_NO_ARGS);
    arc__diag_relate(sink, diag, &first->key_mark, "the other one is here");
}

/* What arc__field_get answers, once all keys were seen. */
static const struct arc_node *value_of(const struct walk *walk, enum arc_field_id id)
{
    const struct arc_node *seen = walk->seen[arc__field(id) - walk->first];
    return seen == NULL || seen->kind != ARC_NODE_NULL ? seen : arc__field_get(walk->node, id);
}

static void check_step(struct walk *walk)
{
    struct arc_sink *sink = walk->check->sink;
    const struct arc_node *run = value_of(walk, ARC_FIELD_STEP_RUN);
    const struct arc_node *uses = value_of(walk, ARC_FIELD_STEP_USES);
    const struct arc_node *args = value_of(walk, ARC_FIELD_STEP_ARGS);
    const struct arc_node *other = args != NULL && run != NULL ? arc__node_get(args, "run") : NULL;
    struct arc_span head = arc__node_head(walk->node);
    const struct arc_node *written = walk->seen[arc__field(ARC_FIELD_STEP_RUN) - walk->first];
    if (run == NULL && uses == NULL && written == NULL && !is_meant(walk, "run") &&
        !is_meant(walk, "uses"))
        (void)arc__diag_add(sink, ARC_DIAG_NO_USES, walk->path, &head, ARC_NONE, ARC_NO_ARGS);
    if (run == NULL)
        return;
    struct arc_path here = {walk->path, run->key, 0};
    struct arc_diag *diag = NULL;
    if (uses != NULL && !arc__uses_shell(uses->text)) {
        arc_slice said = arc__quoted(sink, uses->text);
        diag =
            arc__diag_add(sink, ARC_DIAG_RUN_AND_USES, &here, &run->key_mark, ARC_NONE,
                          ARC_ARGS(arc__arena_printf(sink->arena, "`uses:` %.*s", ARC_ARG(said))));
        arc__diag_relate(sink, diag, &uses->key_mark, "`uses` is here");
    } else if (other != NULL) {
        diag = arc__diag_add(sink, ARC_DIAG_RUN_AND_USES, &here, &run->key_mark, ARC_NONE,
                             ARC_ARGS(ARC_LIT("`args.run`")));
        arc__diag_relate(sink, diag, &other->key_mark, "`args.run` is here");
    }
}

static void check_required(struct walk *walk, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (walk->seen[i] != NULL || (walk->first[i].flags & ARC_FIELD_FLAG_REQUIRED) == 0)
            continue;
        if (is_meant(walk, walk->first[i].key))
            continue;
        arc_slice hint = ARC_NONE;
        if (arc__sink_keeps(walk->check->sink))
            hint = arc__arena_printf(walk->check->arena, "add `%s:`", walk->first[i].key);
        struct arc_span head = arc__node_head(walk->node);
        (void)arc__diag_add(walk->check->sink, ARC_DIAG_REQUIRED, walk->path, &head, hint,
                            ARC_ARGS(subject(walk), quoted_key(walk, walk->first[i].key)));
    }
}

/* Where the walk stands. Stages and jobs come in the order in which the model has them; where the
 * two differ, the definition is wrong, and what stands there is checked without what others know of
 * it. */
static void enter(struct walk *walk)
{
    struct arc_check *check = walk->check;
    struct arc_spec *spec = check->spec;
    if (walk->object == ARC_OBJECT_STAGE) {
        check->in_stage = walk->node;
        check->stage = NULL;
        if (check->next_stage < spec->stage_count &&
            spec->stages[check->next_stage].node == walk->node)
            check->stage = &spec->stages[check->next_stage++];
    } else if (walk->object == ARC_OBJECT_JOB) {
        check->in_job = walk->node;
        check->cells = 1;
        check->job = NULL;
        memset(check->names, 0, sizeof(*check->names));
        if (check->next_job < spec->job_count && spec->jobs[check->next_job].node == walk->node)
            check->job = &spec->jobs[check->next_job++];
    } else if (walk->object == ARC_OBJECT_STEP) {
        const struct arc_node *steps = NULL;
        int last = walk->path->up != NULL && arc__slice_is(walk->path->up->key, "finally");
        if (last)
            steps = arc__field_get(check->in_job, ARC_FIELD_JOB_STEPS);
        check->in_step = walk->node;
        check->step = walk->path->index + (steps != NULL ? steps->count : 0);
    }
}

static void leave(struct walk *walk)
{
    struct arc_check *check = walk->check;
    if (walk->object == ARC_OBJECT_STAGE) {
        check->in_stage = NULL;
        check->stage = NULL;
    } else if (walk->object == ARC_OBJECT_JOB) {
        if (check->job != NULL) {
            check->job->cells = check->cells;
            if (!check->merging)
                arc__check_job(check, check->job);
        }
        check->in_job = NULL;
        check->job = NULL;
    } else if (walk->object == ARC_OBJECT_STEP) {
        check->in_step = NULL;
    }
}

void arc__shape_object(struct arc_check *check, const struct arc_node *node, enum arc_object object,
                       const struct arc_path *path)
{
    struct walk walk = {.check = check, .node = node, .object = object, .path = path};
    size_t count = arc__object_fields(object, &walk.first);
    enter(&walk);
    for (const struct arc_node *c = node->first; c != NULL; c = c->next)
        check_key(&walk, c);
    check_required(&walk, count);
    if (object == ARC_OBJECT_PIPELINE)
        check_root(&walk);
    else if (object == ARC_OBJECT_STEP)
        check_step(&walk);
    else
        arc__check_block(check, object, node, path);
    leave(&walk);
}

void arc__check_shape(struct arc_check *check)
{
    const struct arc_node *root = check->spec->root;
    if (root->kind == ARC_NODE_MAP)
        arc__shape_object(check, root, ARC_OBJECT_PIPELINE, NULL);
    else
        arc__shape_type(check, root, NULL, ARC_LIT("The document"), "a map",
                        ARC_LIT("start with `namespace:` and `jobs:`"));
}
