/* SPDX-License-Identifier: Apache-2.0 */
/* Triggers: which keys a type takes, and the forms of times, zones and globs. */
#include "spec/rules.h"

#include "base/glob.h"
#include "core/cron.h"
#include "core/template.h"

enum kind { KIND_MANUAL, KIND_CRON, KIND_EVENT }; /* in the order of `type` in the table */

static const char *const kind_names[] = {"manual", "cron", "event"};

/* Each key stands directly in the trigger or under `options`. */
static const struct option {
    enum arc_field_id direct, below;
    enum kind kind;
} options[] = {
    {ARC_FIELD_TRIGGER_EXPRESSION, ARC_FIELD_OPTIONS_EXPRESSION, KIND_CRON},
    {ARC_FIELD_TRIGGER_TIMEZONE, ARC_FIELD_OPTIONS_TIMEZONE, KIND_CRON},
    {ARC_FIELD_TRIGGER_OVERLAP, ARC_FIELD_OPTIONS_OVERLAP, KIND_CRON},
    {ARC_FIELD_TRIGGER_CATCHUP, ARC_FIELD_OPTIONS_CATCHUP, KIND_CRON},
    {ARC_FIELD_TRIGGER_EVENT_TYPE, ARC_FIELD_OPTIONS_EVENT_TYPE, KIND_EVENT},
    {ARC_FIELD_TRIGGER_BRANCH, ARC_FIELD_OPTIONS_BRANCH, KIND_EVENT},
    {ARC_FIELD_TRIGGER_PATHS, ARC_FIELD_OPTIONS_PATHS, KIND_EVENT},
    {ARC_FIELD_TRIGGER_PATHS_IGNORE, ARC_FIELD_OPTIONS_PATHS_IGNORE, KIND_EVENT},
    {ARC_FIELD_TRIGGER_PROVIDER, ARC_FIELD_OPTIONS_PROVIDER, KIND_EVENT},
};

struct trigger {
    struct arc_check *check;
    const struct arc_node *map;
    const struct arc_node *below; /* of `options`; NULL: there is none */
    const struct arc_path *path;
    struct arc_path below_path;
    enum kind kind;
};

/* A value, and the path of the map that it stands in. */
struct given {
    const struct arc_node *node;
    const struct arc_path *path;
};

static struct given find(const struct trigger *trigger, enum arc_field_id direct)
{
    struct given given = {arc__field_get(trigger->map, direct), trigger->path};
    for (size_t i = 0; given.node == NULL && i < ARC_COUNT_OF(options); i++) {
        if (options[i].direct == direct)
            given = (struct given){arc__field_get(trigger->below, options[i].below),
                                   &trigger->below_path};
    }
    return given;
}

/* --- cron --------------------------------------------------------------------------------- */

static void check_expression(const struct trigger *trigger, const struct given *given)
{
    struct arc_check *check = trigger->check;
    struct arc_cron cron;
    struct arc_cron_fault fault = {0};
    if (given->node->kind >= ARC_NODE_LIST || arc__template_any(given->node->text) ||
        arc__cron_parse(given->node->text, &cron, &fault) == ARC_OK)
        return;
    struct arc_path here = {given->path, given->node->key, 0};
    struct arc_span span = arc__scalar_span(check, given->node, fault.offset, fault.end);
    (void)arc__diag_add(
        check->sink, fault.never ? ARC_DIAG_CRON_NEVER : ARC_DIAG_CRON, &here, &span,
        arc__slice_cstr(fault.hint),
        ARC_ARGS(arc__quoted(check->sink, given->node->text), arc__slice_cstr(fault.what)));
}

static void check_zone(const struct trigger *trigger, const struct given *given)
{
    struct arc_check *check = trigger->check;
    if (given->node == NULL || given->node->kind >= ARC_NODE_LIST ||
        arc__template_any(given->node->text) || arc__zone_known(given->node->text))
        return;
    arc_slice hint = ARC_NONE;
    if (arc__sink_keeps(check->sink))
        hint = arc__did_you_mean(check->sink, arc__zone_nearest(given->node->text));
    (void)arc__say(check, ARC_DIAG_ZONE, given->node, given->path, hint,
                   ARC_ARGS(arc__quoted(check->sink, given->node->text)));
}

/* --- globs -------------------------------------------------------------------------------- */

static const char *any_glob_fault(arc_slice text)
{
    if (text.len > ARC_GLOB_PATTERN_MAX)
        return "it is longer than 1024 bytes";
    if (text.ptr[0] == '!')
        return "a `!` in front has no meaning here";
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20)
            return "it holds a control character";
    }
    return NULL;
}

/* What can stand in no name of a branch (git-check-ref-format), besides the stars and the
 * question marks of the glob. */
static const char *branch_fault(arc_slice text)
{
    const char *fault = any_glob_fault(text);
    if (fault != NULL)
        return fault;
    if (text.ptr[0] == '/' || text.ptr[text.len - 1] == '/')
        return "no branch begins or ends with `/`";
    for (size_t i = 0; i < text.len; i++) {
        if (memchr(" ~^:\\[", text.ptr[i], 6) != NULL)
            return "no branch has one of the characters blank, `~`, `^`, `:`, `\\` and `[`";
        if (i > 0 && text.ptr[i] == '.' && text.ptr[i - 1] == '.')
            return "no branch has `..` in its name";
    }
    return NULL;
}

static const char *path_fault(arc_slice text)
{
    const char *fault = any_glob_fault(text);
    if (fault == NULL && !arc__path_inside(text))
        fault = "paths are relative to the repository and never leave it";
    return fault;
}

static void check_glob(const struct trigger *trigger, const struct arc_node *node,
                       const struct arc_path *path, int branch)
{
    struct arc_check *check = trigger->check;
    if (node->kind >= ARC_NODE_LIST || node->kind == ARC_NODE_NULL || arc__template_any(node->text))
        return;
    arc_slice hint = ARC_NONE;
    if (node->text.len == 0) {
        (void)arc__diag_add(check->sink, ARC_DIAG_EMPTY_TEXT, path, &node->mark, ARC_NONE,
                            ARC_ARGS(ARC_LIT("A glob")));
        return;
    }
    const char *fault = branch ? branch_fault(node->text) : path_fault(node->text);
    if (fault == NULL)
        return;
    if (node->text.ptr[0] == '!')
        hint = branch ? ARC_LIT("list the branches that count")
                      : ARC_LIT("put it under `pathsIgnore`, without the `!`");
    (void)arc__diag_add(check->sink, ARC_DIAG_GLOB, path, &node->mark, hint,
                        ARC_ARGS(arc__quoted(check->sink, node->text), arc__slice_cstr(fault)));
}

static void check_globs(const struct trigger *trigger, enum arc_field_id id)
{
    struct given given = find(trigger, id);
    uint32_t index = 0;
    int branch = id == ARC_FIELD_TRIGGER_BRANCH;
    if (given.node == NULL)
        return;
    struct arc_path here = {given.path, given.node->key, 0};
    if (given.node->kind != ARC_NODE_LIST) {
        check_glob(trigger, given.node, &here, branch);
        return;
    }
    for (const struct arc_node *c = given.node->first; c != NULL; c = c->next, index++) {
        struct arc_path item = {&here, ARC_NONE, index};
        check_glob(trigger, c, &item, branch);
    }
}

/* --- keys --------------------------------------------------------------------------------- */

static void check_place(const struct trigger *trigger, const struct option *option)
{
    struct arc_check *check = trigger->check;
    const struct arc_node *direct = arc__field_get(trigger->map, option->direct);
    const struct arc_node *below = arc__field_get(trigger->below, option->below);
    const struct arc_node *node = direct != NULL ? direct : below;
    const struct arc_path *path = direct != NULL ? trigger->path : &trigger->below_path;
    if (node != NULL && option->kind != trigger->kind)
        (void)arc__say_key(
            check, ARC_DIAG_TRIGGER_KEY, node, path, ARC_NONE,
            ARC_ARGS(arc__quoted(check->sink, node->key),
                     arc__quoted(check->sink, arc__slice_cstr(kind_names[option->kind])),
                     arc__quoted(check->sink, arc__slice_cstr(kind_names[trigger->kind]))));
    if (direct == NULL || below == NULL)
        return;
    struct arc_diag *diag = arc__say_key(check, ARC_DIAG_OPTION_TWICE, below, &trigger->below_path,
                                         ARC_NONE, ARC_ARGS(arc__quoted(check->sink, below->key)));
    arc__diag_relate(check->sink, diag, &direct->key_mark, "the other one is here");
}

static int is_meant(const struct trigger *trigger, const char *key)
{
    return arc__foreign_means(trigger->check, ARC_OBJECT_TRIGGER, trigger->map, key) ||
           arc__foreign_means(trigger->check, ARC_OBJECT_OPTIONS, trigger->below, key);
}

static void check_needed(const struct trigger *trigger)
{
    struct given given;
    if (trigger->kind == KIND_CRON) {
        given = find(trigger, ARC_FIELD_TRIGGER_EXPRESSION);
        if (given.node == NULL && !is_meant(trigger, "expression"))
            arc__say_needed(trigger->check, trigger->map, trigger->path,
                            ARC_LIT("A trigger of type `cron`"), "expression");
        if (given.node != NULL)
            check_expression(trigger, &given);
        given = find(trigger, ARC_FIELD_TRIGGER_TIMEZONE);
        check_zone(trigger, &given);
    } else if (trigger->kind == KIND_EVENT) {
        given = find(trigger, ARC_FIELD_TRIGGER_EVENT_TYPE);
        if (given.node == NULL && !is_meant(trigger, "eventType"))
            arc__say_needed(trigger->check, trigger->map, trigger->path,
                            ARC_LIT("A trigger of type `event`"), "eventType");
        check_globs(trigger, ARC_FIELD_TRIGGER_BRANCH);
        check_globs(trigger, ARC_FIELD_TRIGGER_PATHS);
        check_globs(trigger, ARC_FIELD_TRIGGER_PATHS_IGNORE);
    }
}

void arc__check_trigger(struct arc_check *check, const struct arc_node *map,
                        const struct arc_path *path)
{
    const struct arc_node *type = arc__scalar_of(map, ARC_FIELD_TRIGGER_TYPE);
    int kind =
        type != NULL ? arc__word_index(arc__field(ARC_FIELD_TRIGGER_TYPE)->words, type->text) : -1;
    if (kind < 0)
        return;
    struct trigger trigger = {.check = check, .map = map, .path = path, .kind = (enum kind)kind};
    const struct arc_node *below = arc__field_get(map, ARC_FIELD_TRIGGER_OPTIONS);
    if (below != NULL && below->kind == ARC_NODE_MAP)
        trigger.below = below;
    trigger.below_path = (struct arc_path){path, below != NULL ? below->key : ARC_NONE, 0};
    for (size_t i = 0; i < ARC_COUNT_OF(options); i++)
        check_place(&trigger, &options[i]);
    check_needed(&trigger);
    if (kind == KIND_MANUAL || check->in_job)
        return; /* `triggers` of a job were spoken of as a whole */
    (void)arc__say(check, ARC_DIAG_LATER, type, path, ARC_LIT("until then, start its runs by hand"),
                   ARC_ARGS(arc__arena_printf(check->arena, "The trigger `%s`", kind_names[kind])));
}
