/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/scope.h"

#include "base/text.h"
#include "core/functions.h"

/* One expression, and what is known of the place where it stands. */
struct use {
    struct arc_check *check;
    const struct arc_node *node;
    const struct arc_path *path;
    const struct arc_field *field;
    enum arc_template_in in;
    arc_slice text;
    struct spot *spot;    /* of a template whose place was not looked for yet */
    const char *open;     /* its braces in the node's text */
    struct arc_span span; /* of the whole expression, where `exact` is 0 */
    uint32_t base;        /* else: where its text begins in the document */
    int exact;
    const struct arc_expr *expr;
    struct arc_parsed *parsed; /* where the expression is kept, or NULL */
    uint32_t faults;
};

/* How far the templates of a scalar were found in the document. */
struct spot {
    arc_slice rest;
    size_t from;
};

static void find_spot(struct use *use);

static struct arc_span span_of(struct use *use, uint32_t offset, uint32_t end)
{
    find_spot(use);
    struct arc_span span = use->span;
    if (use->exact) {
        span.offset = use->base + offset;
        span.end = use->base + (end > offset ? end : offset);
    }
    return span;
}

static struct arc_diag *report(struct use *use, enum arc_diag_code code, uint32_t offset,
                               uint32_t end, arc_slice hint, const arc_slice *args,
                               size_t arg_count)
{
    struct arc_span span = span_of(use, offset, end);
    return arc__diag_add(use->check->sink, code, use->path, &span, hint, args, arg_count);
}

static arc_slice quoted(const struct use *use, arc_slice text)
{
    return arc__quoted(use->check->sink, text);
}

/* Like arc__expr_parse; what was parsed before is not parsed again. place: a number that differs
 * with what is kept beside it. *kept: where it is found then, or NULL. */
static arc_status parse_kept(struct arc_check *check, arc_slice text, uint32_t place,
                             const struct arc_expr_limits *limits, const struct arc_expr **out,
                             struct arc_fault *fault, struct arc_parsed **kept)
{
    struct arc_parsed *parsed = NULL;
    *kept = NULL;
    if (text.len > check->limits.expression_bytes) /* whether it is refused is its reader's thing */
        return arc__expr_parse(text, limits, check->arena, out, fault);
    if (check->parsed == NULL)
        check->parsed = arc__arena_array(check->arena, ARC_PARSED_MAX, sizeof(*parsed));
    if (check->parsed == NULL)
        return ARC_ENOMEM;
    parsed = &check->parsed[(arc__slice_look(text) + place) % ARC_PARSED_MAX];
    if (parsed->expr == NULL || !arc__slice_equal(parsed->text, text)) {
        ARC_TRY(arc__expr_parse(text, limits, check->arena, out, fault));
        *parsed = (struct arc_parsed){.text = text, .expr = *out};
    }
    *out = parsed->expr;
    *kept = parsed;
    return ARC_OK;
}

static arc_status parse(struct arc_check *check, arc_slice text,
                        const struct arc_expr_limits *limits, const struct arc_expr **out,
                        struct arc_fault *fault)
{
    struct arc_parsed *kept;
    return parse_kept(check, text, 0, limits, out, fault, &kept);
}

/* --- what may be named -------------------------------------------------------------------- */

#define BIT(NAME) ARC_CONTEXT_BIT(ARC_CONTEXT_##NAME)

/* Contexts that are known only while the run is alive. */
static uint32_t run_contexts(void)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < ARC_CONTEXT_COUNT; i++)
        bits |= arc__context((enum arc_context)i)->known_to_plan ? 0 : ARC_CONTEXT_BIT(i);
    return bits;
}

/* Contexts that have no meaning at a level of the table. */
static uint32_t above(enum arc_level at)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < ARC_CONTEXT_COUNT; i++)
        bits |= arc__context((enum arc_context)i)->level > at ? ARC_CONTEXT_BIT(i) : 0;
    return bits;
}

/* 1: a map of environment variables or credentials, which reach programs and not the log. */
static int takes_secrets(const struct arc_field *field)
{
    return field->type == ARC_TYPE_ENV || field->object == ARC_OBJECT_AUTH ||
           field->id == ARC_FIELD_STEP_ARGS;
}

static void place(const struct use *use, struct arc_scope *scope)
{
    const struct arc_check *check = use->check;
    scope->level = check->in_step    ? ARC_LEVEL_STEP
                   : check->in_job   ? ARC_LEVEL_JOB
                   : check->in_stage ? ARC_LEVEL_STAGE
                                     : ARC_LEVEL_PIPELINE;
    scope->denied = takes_secrets(use->field) ? 0 : BIT(SECRETS);
    if (use->in == ARC_IN_VARIABLE) {
        scope->denied = ~(BIT(TRIGGER) | BIT(GIT) | BIT(PIPELINE) | BIT(VARIABLES));
    } else if (use->field->id == ARC_FIELD_CONCURRENCY_GROUP) {
        scope->denied |= run_contexts();
    } else if (use->field->id == ARC_FIELD_JOB_OUTPUTS) { /* evaluated behind the last step */
        scope->level = ARC_LEVEL_STEP;
        scope->denied |= BIT(STEP);
    } else if (takes_secrets(use->field) && scope->level < ARC_LEVEL_STEP) {
        scope->denied |= above(scope->level) & ~BIT(SECRETS);
        scope->level = ARC_LEVEL_STEP;
    }
}

/* --- declared names ----------------------------------------------------------------------- */

/* The type of an axis: that of all its values, where they have one and print as they were written.
 */
static enum arc_type_kind axis_type(const struct arc_named *axis, arc_slice name,
                                    const struct arc_names *axes)
{
    const struct arc_named *end = axes->items + axes->count;
    if (axis->node == NULL || (axis + 1 < end && arc__slice_equal(axis[1].name, name)))
        return ARC_TYPE_KIND_ANY; /* cells that are added may have others */
    enum arc_node_kind kind = axis->node->first != NULL ? axis->node->first->kind : ARC_NODE_NULL;
    for (const struct arc_node *c = axis->node->first; c != NULL; c = c->next) {
        if (c->kind != kind)
            return ARC_TYPE_KIND_ANY;
    }
    return kind == ARC_NODE_TEXT   ? ARC_TYPE_KIND_TEXT
           : kind == ARC_NODE_BOOL ? ARC_TYPE_KIND_BOOL
                                   : ARC_TYPE_KIND_ANY;
}

static int declared_variable(struct use *use, arc_slice name, enum arc_type_kind *type)
{
    struct arc_spec_variable *variable = arc__spec_variable(use->check->spec, name);
    *type = ARC_TYPE_KIND_TEXT;
    if (variable != NULL)
        variable->used = 1;
    return variable != NULL;
}

static int declared_axis(struct use *use, arc_slice name, enum arc_type_kind *type)
{
    const struct arc_names *axes = arc__scope_axes(use->check);
    const struct arc_named *axis = arc__names_find(axes, name);
    if (axes == NULL)
        return 1;
    if (axis != NULL)
        *type = axis_type(axis, name, axes);
    return axis != NULL;
}

static int declared_job(struct use *use, arc_slice of, arc_slice name, enum arc_type_kind *type)
{
    const struct arc_names *needs = arc__scope_needs(use->check);
    *type = of.ptr == NULL ? ARC_TYPE_KIND_MAP : ARC_TYPE_KIND_ANY;
    if (needs == NULL)
        return 1;
    if (of.ptr == NULL)
        return arc__names_find(needs, name) != NULL;
    const struct arc_named *need = arc__names_find(needs, of);
    if (arc__slice_is(name, "result")) {
        *type = ARC_TYPE_KIND_TEXT;
        return 1;
    }
    if (need != NULL && !use->check->spec->jobs[need->order].has_matrix)
        *type = ARC_TYPE_KIND_TEXTS;
    return arc__slice_is(name, "outputs");
}

/* The number of the step that is walked; of outputs: behind the last one. */
static uint32_t step_limit(const struct use *use)
{
    return use->check->in_step ? use->check->step : UINT32_MAX;
}

static int declared_step(struct use *use, arc_slice of, arc_slice name, enum arc_type_kind *type)
{
    const struct arc_names *steps = arc__scope_steps(use->check);
    *type = of.ptr == NULL ? ARC_TYPE_KIND_MAP : ARC_TYPE_KIND_ANY;
    if (steps == NULL)
        return 1;
    if (of.ptr == NULL) {
        const struct arc_named *step = arc__names_find(steps, name);
        return step != NULL && step->order < step_limit(use);
    }
    *type = arc__slice_is(name, "outputs")    ? ARC_TYPE_KIND_TEXTS
            : arc__slice_is(name, "exitCode") ? ARC_TYPE_KIND_INT
                                              : ARC_TYPE_KIND_TEXT;
    return arc__word_index("status outputs exitCode", name) >= 0;
}

static int declared(void *user, enum arc_context context, arc_slice of, arc_slice name,
                    enum arc_type_kind *type)
{
    struct use *use = user;
    switch (context) {
    case ARC_CONTEXT_VARIABLES:
        return declared_variable(use, name, type);
    case ARC_CONTEXT_MATRIX:
        return declared_axis(use, name, type);
    case ARC_CONTEXT_NEEDS:
        return declared_job(use, of, name, type);
    case ARC_CONTEXT_STEPS:
        return declared_step(use, of, name, type);
    default:
        *type = ARC_TYPE_KIND_ANY;
        return 1;
    }
}

#define CANDIDATES_MAX 256

static arc_slice nearest_variable(const struct arc_spec *spec, arc_slice name)
{
    arc_slice names[CANDIDATES_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < spec->variable_count && count < CANDIDATES_MAX; i++)
        names[count++] = spec->variables[i].node->key;
    return arc__nearest(name, names, count);
}

static arc_slice nearest(void *user, enum arc_context context, arc_slice of, arc_slice name)
{
    static const arc_slice of_job[] = {{"result", 6}, {"outputs", 7}};
    static const arc_slice of_step[] = {{"status", 6}, {"outputs", 7}, {"exitCode", 8}};
    struct use *use = user;
    if (!arc__sink_keeps(use->check->sink))
        return ARC_NONE;
    switch (context) {
    case ARC_CONTEXT_VARIABLES:
        return nearest_variable(use->check->spec, name);
    case ARC_CONTEXT_MATRIX:
        return arc__names_nearest(arc__scope_axes(use->check), name);
    case ARC_CONTEXT_NEEDS:
        return of.ptr != NULL ? arc__nearest(name, of_job, ARC_COUNT_OF(of_job))
                              : arc__names_nearest(arc__scope_needs(use->check), name);
    case ARC_CONTEXT_STEPS:
        return of.ptr != NULL ? arc__nearest(name, of_step, ARC_COUNT_OF(of_step))
                              : arc__names_nearest(arc__scope_steps(use->check), name);
    default:
        return ARC_NONE;
    }
}

/* --- faults as findings ------------------------------------------------------------------- */

enum arc_diag_code arc__fault_code(enum arc_fault_kind kind)
{
    switch (kind) {
    case ARC_FAULT_SYNTAX:
        return ARC_DIAG_EXPRESSION;
    case ARC_FAULT_SIZE:
        return ARC_DIAG_EXPRESSION_SIZE;
    case ARC_FAULT_NAME:
        return ARC_DIAG_UNKNOWN_NAME;
    case ARC_FAULT_PLACE:
        return ARC_DIAG_NOT_HERE;
    case ARC_FAULT_FUNCTION:
        return ARC_DIAG_CALL;
    case ARC_FAULT_TYPE:
        return ARC_DIAG_EXPRESSION_TYPE;
    case ARC_FAULT_VALUE:
        return ARC_DIAG_EXPRESSION_VALUE;
    case ARC_FAULT_BUDGET:
        break;
    }
    return ARC_DIAG_EXPRESSION_BUDGET;
}

/* What to do about a context that has no meaning here. */
static arc_slice place_hint(const struct use *use, enum arc_context context)
{
    if (use->in == ARC_IN_VARIABLE)
        return ARC_LIT("a variable may hold what `trigger`, `git` and `pipeline` give");
    if (use->field->id == ARC_FIELD_CONCURRENCY_GROUP && context != ARC_CONTEXT_SECRETS)
        return ARC_LIT("a group is chosen before anything runs: use `variables`, `trigger` or, in "
                       "a job, `matrix`");
    switch (context) {
    case ARC_CONTEXT_SECRETS:
        return ARC_LIT("give it to the step in its `env`, like `env: {TOKEN: \"${{ secrets.TOKEN "
                       "}}\"}`");
    case ARC_CONTEXT_ENV:
        return ARC_LIT("use `variables`, or use it in a job or a step");
    case ARC_CONTEXT_MATRIX:
        return ARC_LIT("use it in a job that has a `matrix`, or in its steps");
    case ARC_CONTEXT_NEEDS:
        return ARC_LIT("use it in a job that depends on the other one, or in its steps");
    case ARC_CONTEXT_STEPS:
        return ARC_LIT("use it in a later step of the same job, or in the job's `outputs`");
    case ARC_CONTEXT_JOB:
        return ARC_LIT("use it in a job or a step");
    case ARC_CONTEXT_STEP:
    case ARC_CONTEXT_AGENT:
        return ARC_LIT("use it in a step");
    default:
        return ARC_NONE;
    }
}

/* A name that nobody declares, and that may come from another system. */
static arc_slice stranger_hint(struct use *use, const struct arc_expr_name *name)
{
    arc_slice member = name->count > 1 ? name->members[1] : ARC_NONE;
    arc_slice hint = arc__foreign_name(use->check, name->members[0], member);
    if (hint.len > 0)
        return hint;
    if (arc__slice_is(name->members[0], "manual") && use->field->object != ARC_OBJECT_STEP)
        return ARC_LIT("write `approval: {type: manual}` instead of a condition");
    if (arc__slice_is(name->members[0], "delayed") || arc__slice_is(name->members[0], "manual"))
        return ARC_LIT("a condition is true or false; `approval` in a job or stage waits");
    return ARC_NONE;
}

/* What the definition knows better than the expression: a job that is there but not depended on, a
 * step that comes later. */
static arc_slice better_hint(struct use *use, const struct arc_fault *fault)
{
    struct arc_check *check = use->check;
    struct arc_expr_name name;
    uint32_t at = 0;
    while (use->expr != NULL && arc__expr_name(use->expr, &at, &name)) {
        if (fault->kind == ARC_FAULT_PLACE && name.offset == fault->offset)
            return place_hint(use, name.context);
        if (fault->kind != ARC_FAULT_NAME || name.count == 0 || name.offsets[0] != fault->offset)
            continue;
        if (name.offset == fault->offset)
            return stranger_hint(use, &name);
        arc_slice shown = quoted(use, name.members[0]);
        const struct arc_names *steps =
            name.context == ARC_CONTEXT_STEPS ? arc__scope_steps(check) : NULL;
        const struct arc_named *step = arc__names_find(steps, name.members[0]);
        if (step != NULL && step->order == step_limit(use))
            return ARC_LIT("a step can name only those before it");
        if (step != NULL)
            return arc__arena_printf(check->arena,
                                     "%.*s comes later; a step can name only those before it",
                                     ARC_ARG(shown));
        if (name.context == ARC_CONTEXT_NEEDS &&
            arc__spec_job(check->spec, name.members[0]) != NULL)
            return arc__arena_printf(check->arena, "add %.*s to the job's `dependsOn`",
                                     ARC_ARG(shown));
        if (name.context == ARC_CONTEXT_MATRIX && check->job != NULL && !check->job->has_matrix)
            return ARC_LIT("the job has no `matrix`");
    }
    return ARC_NONE;
}

/* 1: the list of dependencies holds what was meant as that job, or is no list at all. */
static int means_need(struct arc_check *check, arc_slice name)
{
    const struct arc_node *list = arc__field_get(check->in_job, ARC_FIELD_JOB_DEPENDS_ON);
    if (list == NULL)
        return arc__foreign_means(check, ARC_OBJECT_JOB, check->in_job, "dependsOn");
    int looked = 0;
    for (const struct arc_node *c = list->first;
         list->kind == ARC_NODE_LIST && c != NULL && looked < 256; c = c->next, looked++) {
        if (c->kind < ARC_NODE_LIST && arc__spec_job(check->spec, c->text) == NULL &&
            (arc__slice_equal(c->text, name) || arc__nearest(c->text, &name, 1).len > 0))
            return 1;
    }
    return list->kind != ARC_NODE_LIST;
}

/* 1: the name is missing only because of a mistake that is reported where it would be declared. */
static int is_consequence(struct use *use, const struct arc_fault *fault)
{
    struct arc_check *check = use->check;
    struct arc_expr_name name;
    uint32_t at = 0;
    while (fault->kind == ARC_FAULT_NAME && use->expr != NULL &&
           arc__expr_name(use->expr, &at, &name)) {
        if (name.count == 0 || name.offsets[0] != fault->offset || name.offset == fault->offset)
            continue;
        const struct arc_node *node;
        switch (name.context) {
        case ARC_CONTEXT_MATRIX:
            node = arc__field_get(check->in_job, ARC_FIELD_JOB_MATRIX);
            return node != NULL
                       ? node->kind != ARC_NODE_MAP
                       : arc__foreign_means(check, ARC_OBJECT_JOB, check->in_job, "matrix");
        case ARC_CONTEXT_NEEDS:
            return means_need(check, name.members[0]);
        case ARC_CONTEXT_VARIABLES:
            node = arc__field_get(check->spec->root, ARC_FIELD_PIPELINE_VARIABLES);
            return node != NULL ? node->kind != ARC_NODE_MAP
                                : arc__foreign_means(check, ARC_OBJECT_PIPELINE, check->spec->root,
                                                     "variables");
        default:
            return 0;
        }
    }
    return 0;
}

static void report_fault(void *user, const struct arc_fault *fault)
{
    struct use *use = user;
    arc_slice hint = ARC_NONE;
    use->faults++;
    use->check->obscured = 1;
    if (arc__sink_keeps(use->check->sink) && is_consequence(use, fault))
        return;
    if (arc__sink_keeps(use->check->sink))
        hint = better_hint(use, fault);
    if (hint.len == 0)
        hint = fault->hint;
    (void)report(use, arc__fault_code(fault->kind), fault->offset, fault->end, hint,
                 ARC_ARGS(fault->message));
}

/* --- outputs of other jobs ---------------------------------------------------------------- */

/* 1: it can be an instance of a matrix job, like `test[os=linux]`. */
static int is_instance(arc_slice text, arc_slice job)
{
    return arc__slice_starts(text, job) && text.len > job.len + 2 && text.ptr[job.len] == '[' &&
           text.ptr[text.len - 1] == ']';
}

static void unknown_output(struct use *use, const struct arc_expr_name *name, uint32_t at,
                           const char *what, arc_slice job, arc_slice hint)
{
    arc_slice shown = quoted(use, name->members[at]), of = quoted(use, job);
    (void)report(use, ARC_DIAG_UNKNOWN_NAME, name->offsets[at],
                 name->offsets[at] + (uint32_t)name->members[at].len, hint,
                 ARC_ARGS(arc__arena_printf(use->check->arena, "the job %.*s has no %s %.*s",
                                            ARC_ARG(of), what, ARC_ARG(shown))));
}

static void check_output(struct use *use, const struct arc_expr_name *name)
{
    struct arc_check *check = use->check;
    const struct arc_named *need =
        name->count > 2 ? arc__names_find(arc__scope_needs(check), name->members[0]) : NULL;
    if (need == NULL || !arc__slice_is(name->members[1], "outputs"))
        return;
    struct arc_spec_job *job = &check->spec->jobs[need->order];
    uint32_t at = job->has_matrix ? 3 : 2; /* those of a matrix job stand below its instances */
    if (job->has_matrix && !is_instance(name->members[2], job->name)) {
        unknown_output(use, name, 2, "instance", job->name,
                       arc__arena_printf(check->arena,
                                         "it has a matrix: write `needs[\"%.*s\"].outputs[\"%.*s"
                                         "[AXIS=VALUE]\"].NAME`",
                                         ARC_ARG(job->name), ARC_ARG(job->name)));
        return;
    }
    const struct arc_names *outputs = arc__scope_outputs(check, job);
    if (name->count <= at || outputs == NULL || arc__names_find(outputs, name->members[at]) != NULL)
        return;
    arc_slice hint = arc__did_you_mean(check->sink, arc__names_nearest(outputs, name->members[at]));
    if (hint.len == 0)
        hint = ARC_LIT("declare it under `outputs` of that job");
    unknown_output(use, name, at, "output", job->name, hint);
}

/* --- values from outside ------------------------------------------------------------------ */

/* What is asked of a name: whether its value may come from outside, or hold a secret. */
typedef int asked(struct use *use, const struct arc_expr_name *name, size_t from);

static int is_outside(struct use *use, const struct arc_expr_name *name, size_t from);

/* 1: something that may become part of the text is so. from: the uppermost layer of the environment
 * that it sees, counted from the step's. */
static int text_is(struct use *use, asked *is, const struct arc_node *node, size_t from)
{
    arc_slice rest = node->text;
    struct arc_template_part part;
    struct arc_fault fault;
    const struct arc_expr_limits limits = {.bytes = use->check->limits.expression_bytes};
    const struct arc_expr *expr;
    while (arc__template_next(node->text, &rest, &part)) {
        if (!part.expression || part.open)
            continue;
        struct arc_expr_name name;
        use->check->scope_work += (uint32_t)part.text.len;
        if (use->check->scope_work > ARC_SCOPE_WORK_MAX ||
            parse(use->check, part.text, &limits, &expr, &fault) != ARC_OK)
            return is == is_outside; /* what is not known is not trusted, nor called a secret */
        uint64_t flows = arc__expr_flows(expr);
        for (uint32_t at = 0, i = 0; arc__expr_name(expr, &at, &name); i++) {
            if ((i >= 64 || (flows >> i & 1) != 0) && is(use, &name, from))
                return 1;
        }
    }
    return 0;
}

static int env_is(struct use *use, asked *is, arc_slice name, size_t from)
{
    struct arc_check *check = use->check;
    if (check->scope_work > ARC_SCOPE_WORK_MAX)
        return 1;
    const struct arc_node *layers[] = {
        arc__field_get(check->in_step, ARC_FIELD_STEP_ENV),
        check->job != NULL ? arc__field_get(check->job->node, ARC_FIELD_JOB_ENV) : NULL,
        arc__field_get(check->in_stage, ARC_FIELD_STAGE_ENV),
        arc__field_get(check->spec->root, ARC_FIELD_PIPELINE_ENV)};
    check->scope_work += check->spec->root->count;
    check->scope_work += check->in_job != NULL ? check->in_job->count : 0;
    for (size_t i = from; i < ARC_COUNT_OF(layers); i++) {
        if (layers[i] == NULL || layers[i]->kind != ARC_NODE_MAP)
            continue;
        check->scope_work += layers[i]->count;
        if (check->scope_work > ARC_SCOPE_WORK_MAX)
            return 1;
        for (const struct arc_node *c = layers[i]->first; c != NULL; c = c->next) {
            if (arc__slice_equal(c->key, name))
                return c->kind < ARC_NODE_LIST && text_is(use, is, c, i + 1);
        }
    }
    return 0;
}

/* What others choose: who sends an event or names a branch, programs that ran before, and who keeps
 * the secrets, which must not stand in a script that is shown. */
static int is_outside(struct use *use, const struct arc_expr_name *name, size_t from)
{
    const struct arc_spec_variable *variable;
    switch (name->context) {
    case ARC_CONTEXT_TRIGGER:
        return name->count == 0 || !arc__slice_is(name->members[0], "type");
    case ARC_CONTEXT_GIT:
    case ARC_CONTEXT_SECRETS:
        return 1;
    case ARC_CONTEXT_NEEDS:
        return name->count < 2 || !arc__slice_is(name->members[1], "result");
    case ARC_CONTEXT_STEPS:
        return name->count < 2 || arc__slice_is(name->members[1], "outputs");
    case ARC_CONTEXT_VARIABLES:
        variable = name->count > 0 ? arc__spec_variable(use->check->spec, name->members[0]) : NULL;
        return name->count == 0 || (variable != NULL && variable->outside);
    case ARC_CONTEXT_ENV:
        return name->count == 0 || env_is(use, is_outside, name->members[0], from);
    default:
        return 0;
    }
}

static int is_secret(struct use *use, const struct arc_expr_name *name, size_t from)
{
    return name->context == ARC_CONTEXT_SECRETS ||
           (name->context == ARC_CONTEXT_ENV && name->count > 0 &&
            env_is(use, is_secret, name->members[0], from));
}

/* A secret that takes the way around through an environment. */
static void check_env(struct use *use, const struct arc_expr_name *name)
{
    struct arc_check *check = use->check;
    if (takes_secrets(use->field) || use->in == ARC_IN_SCRIPT || use->faults > 0 ||
        check->scope_work > ARC_SCOPE_WORK_MAX || !is_secret(use, name, 0) ||
        check->scope_work > ARC_SCOPE_WORK_MAX)
        return;
    arc_slice text = arc__slice(use->text.ptr + name->offset, name->end - name->offset);
    arc_slice what =
        arc__arena_printf(check->arena, "%.*s holds a secret", ARC_ARG(quoted(use, text)));
    (void)report(use, ARC_DIAG_NOT_HERE, name->offset, name->end,
                 ARC_LIT("use it in the `env` or the `args` of a step"), ARC_ARGS(what));
}

/* `trigger.ref` as TRIGGER_REF. */
static arc_slice env_name(struct use *use, arc_slice text)
{
    char *name = arc__arena_strdup(use->check->arena, text);
    size_t len = 0;
    for (const char *c = name; c != NULL && *c != '\0' && len < 40; c++) {
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9'))
            name[len++] = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        else if (len > 0 && name[len - 1] != '_')
            name[len++] = '_';
    }
    while (len > 0 && name[len - 1] == '_')
        len--;
    arc_slice shown = arc__slice(name, name != NULL ? len : 0);
    return arc__form_env_name(shown) ? shown : ARC_LIT("VALUE");
}

static void refuse_in_script(struct use *use, const struct arc_expr_name *name)
{
    struct arc_check *check = use->check;
    arc_slice hint = ARC_NONE;
    arc_slice text = arc__slice(use->text.ptr + name->offset, name->end - name->offset);
    struct arc_span span = span_of(use, name->offset, name->end);
    if (arc__sink_keeps(check->sink) && name->context == ARC_CONTEXT_ENV && name->count > 0 &&
        arc__form_env_name(name->members[0])) {
        hint = arc__arena_printf(check->arena, "write \"$%.*s\" in the script",
                                 ARC_ARG(name->members[0]));
    } else if (arc__sink_keeps(check->sink)) {
        int secret = name->context == ARC_CONTEXT_SECRETS && name->count > 0;
        arc_slice env = env_name(use, secret ? name->members[0] : text);
        arc_slice shown = arc__slice(use->text.ptr, arc__utf8_prefix(use->text, 60));
        char quote = memchr(shown.ptr, '"', shown.len) != NULL ? '\'' : '"';
        hint = arc__arena_printf(check->arena,
                                 "write `env: {%.*s: %c${{ %.*s }}%c}` and use \"$%.*s\" in the "
                                 "script",
                                 ARC_ARG(env), quote, ARC_ARG(shown), quote, ARC_ARG(env));
    }
    (void)arc__diag_add_as(check->sink, ARC_DIAG_SCRIPT,
                           check->options.script_warnings ? ARC_SEVERITY_WARNING
                                                          : ARC_SEVERITY_ERROR,
                           use->path, &span, hint, ARC_ARGS(quoted(use, text)));
}

/* Names are part of the language before runs know them. */
static void say_later(struct use *use, const struct arc_expr_name *name)
{
    struct arc_check *check = use->check;
    struct arc_span span = span_of(use, name->offset, name->end);
    arc_slice text = arc__slice(use->text.ptr + name->offset, name->end - name->offset);
    (void)arc__diag_add_as(check->sink, ARC_DIAG_LATER,
                           check->options.runnable ? ARC_SEVERITY_ERROR : ARC_SEVERITY_WARNING,
                           use->path, &span, ARC_NONE, ARC_ARGS(quoted(use, text)));
}

/* Each name on its own; 1: the result may come from outside. *named: the contexts. */
static int check_names(struct use *use, uint32_t *named)
{
    uint64_t flows = arc__expr_flows(use->expr);
    struct arc_expr_name name;
    int outside = 0;
    for (uint32_t at = 0, i = 0; arc__expr_name(use->expr, &at, &name); i++) {
        int flowing = (i >= 64 || (flows >> i & 1) != 0) && is_outside(use, &name, 0);
        *named |= ARC_CONTEXT_BIT(name.context);
        if (use->in == ARC_IN_VARIABLE && name.context == ARC_CONTEXT_VARIABLES && use->faults == 0)
            (void)report(use, ARC_DIAG_VARIABLE_IN_VARIABLE, name.offset, name.end, ARC_NONE,
                         ARC_ARGS(quoted(use, name.count > 0 ? name.members[0] : use->text)));
        if (name.context == ARC_CONTEXT_ENV)
            check_env(use, &name);
        if (name.context == ARC_CONTEXT_NEEDS)
            check_output(use, &name);
        if (name.context == ARC_CONTEXT_SECRETS && use->faults == 0)
            say_later(use, &name);
        int said = name.context == ARC_CONTEXT_SECRETS && use->faults > 0; /* it is out of place */
        if (flowing && !outside && !said && use->in == ARC_IN_SCRIPT)
            refuse_in_script(use, &name);
        outside |= flowing;
    }
    return outside;
}

/* --- one expression ----------------------------------------------------------------------- */

static int is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* What cannot be read may still use a variable, which is then not said to be unused. */
void arc__mark_words(struct arc_check *check, arc_slice text)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && is_name_char(text.ptr[end]))
            end++;
        struct arc_spec_variable *variable =
            arc__spec_variable(check->spec, arc__slice(text.ptr + at, end - at));
        if (variable != NULL)
            variable->used = 1;
        at = end > at ? end : at + 1;
    }
}

/* What is the same in all jobs. */
#define COMMON_CONTEXTS (BIT(TRIGGER) | BIT(GIT) | BIT(PIPELINE) | BIT(VARIABLES))

/* 1: the same expression was looked at where the same may be named, and nothing came of it. */
static int was_good(const struct use *use, const struct arc_scope *scope)
{
    const struct arc_parsed *parsed = use->parsed;
    return parsed != NULL && parsed->good && parsed->level == (uint32_t)scope->level &&
           parsed->denied == scope->denied && parsed->status == (uint32_t)scope->status &&
           parsed->in == (uint32_t)use->in;
}

static uint32_t finding_count(const struct use *use)
{
    return use->check->sink->diags->errors + use->check->sink->diags->warnings;
}

/* 1: the expression can be read; its findings, and whether its value may come from outside. */
static int check_expression(struct use *use, int status, int *outside)
{
    struct arc_check *check = use->check;
    struct arc_expr_limits limits = {.bytes = check->limits.expression_bytes};
    struct arc_scope scope = {
        .status = status, .user = use, .declared = declared, .nearest = nearest};
    struct arc_fault fault;
    uint32_t findings = finding_count(use), named = 0;
    place(use, &scope);
    uint32_t here = (uint32_t)scope.level * 8 + (uint32_t)use->in * 2 + (scope.denied != 0);
    arc_status read = parse_kept(check, use->text, here, &limits, &use->expr, &fault, &use->parsed);
    if (read != ARC_OK) {
        use->expr = NULL;
        if (read == ARC_EINVAL)
            report_fault(use, &fault);
        arc__mark_words(check, use->text);
        return 0;
    }
    if (was_good(use, &scope)) {
        *outside |= use->parsed->outside;
        return 1;
    }
    (void)arc__expr_check(use->expr, &scope, check->arena, report_fault, use);
    int from_outside = check_names(use, &named);
    *outside |= from_outside;
    if (use->parsed == NULL || use->faults > 0 || finding_count(use) != findings ||
        (named & ~COMMON_CONTEXTS) != 0)
        return 1;
    use->parsed->good = 1;
    use->parsed->level = (uint32_t)scope.level;
    use->parsed->denied = scope.denied;
    use->parsed->status = (uint32_t)status;
    use->parsed->in = (uint32_t)use->in;
    use->parsed->outside = from_outside;
    return 1;
}

/* --- where it stands ---------------------------------------------------------------------- */

/* Where the next ${{ of the scalar stands in the document: `from` is behind the last one found.
 * In block and quoted scalars the text differs from the source, but not the order of templates. */
static size_t locate(arc_slice source, const struct arc_node *node, size_t from)
{
    size_t end = node->mark.end < source.len ? node->mark.end : source.len;
    if (from < node->mark.offset)
        from = node->mark.offset;
    const char *open = from + 3 <= end ? memmem(source.ptr + from, end - from, "${{", 3) : NULL;
    return open != NULL ? (size_t)(open - source.ptr) : SIZE_MAX;
}

/* The braces, or the text itself where it stands in the document as it was read. open: where the
 * braces begin in the node's text. Answers where to look for the next ones. */
static size_t find_place(struct use *use, const struct arc_template_part *part, const char *open,
                         size_t from)
{
    arc_slice source = arc__diags_source(use->check->sink->diags, use->node->mark.file);
    size_t at = from == SIZE_MAX ? SIZE_MAX : locate(source, use->node, from);
    size_t lead = (size_t)(part->text.ptr - open);
    use->span = use->node->mark;
    if (at == SIZE_MAX)
        return SIZE_MAX;
    const char *close = memmem(source.ptr + at, use->node->mark.end - at, "}}", 2);
    use->span.offset = (uint32_t)at;
    use->span.end =
        close != NULL && !part->open ? (uint32_t)(close - source.ptr) + 2 : (uint32_t)at + 3;
    use->exact = at + lead + part->text.len <= use->node->mark.end &&
                 memcmp(source.ptr + at, open, lead) == 0 &&
                 memcmp(source.ptr + at + lead, part->text.ptr, part->text.len) == 0;
    use->base = (uint32_t)(at + lead);
    return at + 3;
}

/* The place of a template, from where the last one was found. Most are fine, and nobody asks. */
static void find_spot(struct use *use)
{
    struct spot *spot = use->spot;
    struct arc_template_part part;
    use->spot = NULL;
    if (spot == NULL)
        return;
    for (const char *open = spot->rest.ptr;
         open <= use->open && arc__template_next(use->node->text, &spot->rest, &part);
         open = spot->rest.ptr) {
        if (part.expression)
            spot->from = find_place(use, &part, open, spot->from);
        if (open == use->open)
            return;
    }
}

/* The length of a word and a dot at the start of the text, when only a template would say them. */
static size_t context_ahead(arc_slice text)
{
    static const char *const names[] = {"variables.", "matrix.",  "needs.",
                                        "steps.",     "trigger.", "secrets."};
    for (size_t i = 0; i < ARC_COUNT_OF(names); i++) {
        if (arc__slice_starts(text, arc__slice_cstr(names[i])))
            return strlen(names[i]);
    }
    return 0;
}

/* The next `{{` or `${`; NULL: there is none. Few texts have a brace. */
static const char *next_brace(arc_slice text, size_t from)
{
    const char *start = text.ptr + from, *end = text.ptr + text.len;
    const char *brace = from < text.len ? memchr(start, '{', text.len - from) : NULL;
    while (brace != NULL) {
        const char *found = brace > start && brace[-1] == '$'    ? brace - 1
                            : end - brace > 2 && brace[1] == '{' ? brace
                                                                 : NULL;
        if (found != NULL && end - found > 2)
            return found;
        brace = memchr(brace + 1, '{', (size_t)(end - brace) - 1);
    }
    return NULL;
}

/* `{{ matrix.os }}` and `${matrix.os}` are texts here, which nobody wants. */
static void check_literal(struct arc_check *check, const struct arc_node *node,
                          const struct arc_path *path, const struct arc_template_part *part)
{
    arc_slice text = part->text;
    const char *brace;
    for (size_t i = 0; (brace = next_brace(text, i)) != NULL; i++) {
        i = (size_t)(brace - text.ptr);
        int braces = text.ptr[i] == '{';
        arc_slice inside = arc__slice_trim(arc__slice_from(text, i + 2));
        const char *close = inside.len > 0 ? memchr(inside.ptr, '}', inside.len) : NULL;
        if (close == NULL || context_ahead(inside) == 0)
            continue;
        size_t end = (size_t)(close - text.ptr) + 1;
        end += braces && end < text.len && text.ptr[end] == '}';
        inside = arc__slice_trim(arc__slice(inside.ptr, (size_t)(close - inside.ptr)));
        arc_slice shown = arc__quoted(check->sink, arc__slice(text.ptr + i, end - i));
        struct arc_span span =
            arc__scalar_span(check, node, part->offset + (uint32_t)i, part->offset + (uint32_t)end);
        check->obscured = 1;
        (void)arc__diag_add(
            check->sink, ARC_DIAG_LOOK_ALIKE, path, &span,
            inside.len > 120
                ? ARC_NONE
                : arc__arena_printf(check->arena, "write `${{ %.*s }}`", ARC_ARG(inside)),
            ARC_ARGS(shown));
        i = end - 1;
    }
}

void arc__template_check(struct arc_check *check, const struct arc_node *node,
                         const struct arc_field *field, const struct arc_path *path,
                         enum arc_template_in in, int *outside)
{
    arc_slice rest = node->text;
    struct arc_template_part part;
    struct spot spot = {rest, node->expanded ? SIZE_MAX : 0};
    int any = 0;
    if (check->merging)
        return; /* what it names may come with an include */
    if (node->braceless || rest.len == 0 || memchr(rest.ptr, '{', rest.len) == NULL) {
        if (outside != NULL)
            *outside = 0;
        return;
    }
    for (const char *open = rest.ptr; arc__template_next(node->text, &rest, &part);
         open = rest.ptr) {
        if (!part.expression) {
            check_literal(check, node, path, &part);
            continue;
        }
        struct use use = {.check = check,
                          .node = node,
                          .path = path,
                          .field = field,
                          .in = in,
                          .text = part.text,
                          .spot = &spot,
                          .open = open};
        if (part.open) {
            find_spot(&use);
            (void)arc__diag_add(check->sink, ARC_DIAG_TEMPLATE_OPEN, path, &use.span, ARC_NONE,
                                ARC_NO_ARGS);
            arc__mark_words(check, use.text);
        } else {
            (void)check_expression(&use, 0, &any);
        }
    }
    if (outside != NULL)
        *outside = any;
}

/* Whether an expression is false whatever the run will be. */
static int is_constant_false(struct arc_check *check, const struct arc_expr *expr)
{
    struct arc_world world = {.unknown =
                                  ARC_STATUS_SUCCESS | ARC_STATUS_FAILURE | ARC_STATUS_CANCELLED,
                              .now_ns = INT64_MIN};
    struct arc_value value;
    struct arc_fault fault;
    for (size_t i = 0; i < ARC_COUNT_OF(world.contexts); i++)
        world.contexts[i] = ARC_VALUE_OF_UNKNOWN;
    return arc__expr_eval_when(expr, &world, NULL, check->arena, &value, &fault) == ARC_OK &&
           value.kind == ARC_VALUE_BOOL && !value.as.integer;
}

int arc__condition_check(struct arc_check *check, const struct arc_node *node,
                         const struct arc_field *field, const struct arc_path *path)
{
    struct use use = {.check = check,
                      .node = node,
                      .path = path,
                      .field = field,
                      .text = node->text,
                      .span = node->mark};
    if (check->merging)
        return 0;
    struct arc_span span = arc__scalar_span(check, node, 0, node->text.len);
    int outside = 0;
    use.exact = span.end - span.offset == node->text.len;
    use.base = span.offset;
    if (!check_expression(&use, 1, &outside) || use.faults > 0)
        return 0;
    if (use.parsed == NULL)
        return is_constant_false(check, use.expr);
    if (!use.parsed->weighed) {
        use.parsed->never = is_constant_false(check, use.expr);
        use.parsed->weighed = 1;
    }
    return use.parsed->never;
}

int arc__wants_success(struct arc_check *check, const struct arc_node *job)
{
    const struct arc_node *when = arc__scalar_of(job, ARC_FIELD_JOB_WHEN);
    const struct arc_expr *expr;
    const struct arc_expr_limits limits = {.bytes = check->limits.expression_bytes};
    struct arc_fault fault;
    enum arc_when form;
    if (when == NULL || arc__form_when(when, &form))
        return when == NULL || form == ARC_WHEN_SUCCESS;
    return parse(check, when->text, &limits, &expr, &fault) == ARC_OK &&
           !arc__expr_has_status(expr);
}
